"""Who buys: what becomes a party, and whose word holds of it."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, field_validator, model_validator

from accord.rules.table import Code, Table, wrong

_CODE_PART = re.compile(r"\{name(:[1-9]\d?)?\}|\{n(:0[1-9])?\}|\{store\}|[^{}]")


def _code_pattern(pattern: str) -> str:
    left = _CODE_PART.sub("", pattern)
    if left:
        raise wrong(
            f"the pattern {pattern!r} holds what nothing fills in",
            "Use {name}, {name:4}, {n}, {n:02} and {store} only.",
        )
    if not re.search(r"\{n(:0\d)?\}", pattern):
        raise wrong(
            f"the pattern {pattern!r} has no number that grows",
            "Add {n} or {n:02}, so that two parties never share a code.",
        )
    return pattern


Policy = Literal["store", "erp", "newest", "ask"]
"""Whose value holds when both sides changed a field: the store's, the back office's, the one that
was written last, or a person's choice."""


class FieldPolicies(Table):
    """Whose value holds when both sides changed a field; what one changed alone goes over."""

    name: Policy = "newest"
    """Of the person."""
    company: Policy = "newest"
    """The company's name."""
    email: Policy = "newest"
    """The e-mail address."""
    phone: Policy = "newest"
    """The telephone number."""
    vat_number: Policy = "ask"
    """The VAT number: a wrong one is a wrong tax."""
    billing: Policy = "newest"
    """The billing address."""
    shipping: Policy = "newest"
    """The shipping address."""
    price_group: Policy = "erp"
    """The price list."""
    payment_terms: Policy = "erp"
    """The payment terms."""


class CustomerRules(Table):
    """How a shopper becomes a party, and how the two are kept alike."""

    match: tuple[Literal["email", "vat_number"], ...] = ("email", "vat_number")
    """Natural keys by which a party of the back office is recognised, in this order."""
    code: Annotated[str, AfterValidator(_code_pattern)] = "{name:4}{n:02}"
    """Pattern of a new party's account code: {name:4} is the first four letters or digits of the
    name, {n:02} a number of two digits that grows until the code is free, {store} the store key."""
    guests: Code | None = None
    """The account code of one party for all guests. Without it a guest is matched like anyone."""
    nobody: Code | None = None
    """The account code for orders that do not say who bought. Without it they go to attention."""
    create_in_erp: bool = True
    """A new account of the store becomes a party. False: only once it orders."""
    create_in_store: bool = False
    """A new party with an e-mail address, not one that an order made, becomes an account of the
    store, which then writes to it. False: it is only linked with the account of that address, where
    there is one."""
    roles: tuple[Code, ...] = ("customer", "subscriber")
    """Users of the store that are customers. All others (an editor, say) are left out."""
    fields: FieldPolicies = FieldPolicies()
    """Whose value holds when both sides changed a field: store, erp, newest or ask."""
    prefers: Literal["store", "erp"] | None = None
    """Whose value holds where `newest` cannot tell. Without it a person is asked."""

    @field_validator("roles")
    @classmethod
    def _names_roles(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        if not roles:
            raise wrong(
                "no role is a customer's, so nobody would be followed",
                'Write roles = ["customer"], or set customers = "off" in the store\'s flows.',
            )
        return roles

    @model_validator(mode="after")
    def _recognises(self) -> "CustomerRules":
        if not self.match and self.guests is None:
            raise wrong(
                "nothing tells whether a shopper is known already",
                'Write match = ["email"] or ["email", "vat_number"], or give all guests one '
                "account with `guests`.",
                path=("match",),
            )
        return self
