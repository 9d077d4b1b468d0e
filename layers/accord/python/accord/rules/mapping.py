"""What a store's codes become in the back office: taxes, items, shipping, payments, accounts."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from accord.rules.table import Code, Table, wrong


class Target(Table):
    """What a code of the store becomes in the back office."""

    item: Code | None = None
    """The back office's item code."""
    account: Code | None = None
    """A ledger account: the line is then a text line booked there."""
    carrier: Code | None = None
    """For a shipping method: the back office's carrier."""

    @model_validator(mode="after")
    def _names_one(self) -> "Target":
        if self.item is not None and self.account is not None:
            raise wrong(
                f"this names both the item {self.item!r} and the account {self.account!r}",
                "Keep one: `item` books the line as that item, `account` as text on that account.",
            )
        if self.item is None and self.account is None:
            raise wrong(
                "this names neither an item nor an account",
                'Add item = "…" (an item of the back office) or account = "…" (a ledger account).',
            )
        return self


class PaymentRule(Table):
    """What a payment method does in the books."""

    record: bool
    """Record the money as received when the store says that it was paid. False where the bank
    statement brings it, so that it is not booked twice."""
    account: Code | None = None
    """The journal (or ledger account) the money went to; needed when `record` is true."""
    terms: Code | None = None
    """The back office's payment terms for orders paid this way."""
    refund_account: Code | None = None
    """Where refunds leave from, if not from `account`."""

    @model_validator(mode="after")
    def _has_account(self) -> "PaymentRule":
        if self.record and not self.account:
            raise wrong(
                "record = true does not say where the money went",
                'Add account = "…", the journal or ledger account that received it, '
                "or record = false.",
            )
        return self


def _is_text(value: object) -> str:
    return "attention" if isinstance(value, str) else "target"


NoSku = Annotated[
    Annotated[Target, Tag("target")] | Annotated[Literal["attention"], Tag("attention")],
    Discriminator(_is_text),
]


class LineWhen(Table):
    """Of a line: all that is named must hold, and a list holds if one of its values does."""

    item_class: tuple[Code, ...] = ()
    """Classes of [classes]."""
    country: tuple[Code, ...] = ()
    """Where the goods go: `DE`, or `EU` for any member state."""
    rate: tuple[Code, ...] = ()
    """The tax rate as in [taxes]; `none` is a line without tax."""
    vat_number: bool | None = None
    """Whether the buyer gave a VAT number."""


class TaxRule(Table):
    """A tax code for some lines, before [taxes] is looked at."""

    when: LineWhen
    code: Code
    """The back office's tax code."""


class RevenueRule(Table):
    """A revenue account for some lines of items."""

    when: LineWhen
    account: Code
    """The back office's revenue account."""


class Mappings(Table):
    """The store's codes in the back office's words."""

    classes: dict[str, tuple[Code, ...]] = {}
    """Item class → SKUs, with * for any letters: `gifts = ["GIFT-*"]`. The first that fits."""
    tax_rules: tuple[TaxRule, ...] = ()
    """Tax codes by destination, VAT number and class, first fit; before `taxes`."""
    revenue: tuple[RevenueRule, ...] = ()
    """Revenue accounts by class and destination, first fit; else the item's own."""
    gift_cards: Target | None = None
    """Where gift cards go that an order is paid with, a liability. Else such orders wait."""
    refund_amount: Target | None = None
    """Where an amount goes that was refunded without lines. Else such refunds wait."""
    refund_amount_tax: Literal["none", "proportional"] = "proportional"
    """Whether such an amount holds tax, in the proportions of the order, or none."""

    items: dict[str, Target] = {}
    """SKU → item, where the back office's item code is not the SKU itself."""
    items_same_code: bool = True
    """A SKU that `items` does not name is the back office's item code. False: it is unmapped."""
    no_sku: NoSku = "attention"
    """A line without SKU: this item, a text line on this account, or a person's decision."""
    taxes: dict[str, Code] = {}
    """Tax rate → tax code. The key is the rate's percent (`20`), its code (`GB-VAT 20%-1`) or its
    id (`id:1`); the most particular one holds."""
    shipping: dict[str, Target] = {}
    """Shipping method → item or account: a zone's own (`flat_rate:3`), the method (`flat_rate`),
    or `*` for any other."""
    fees: dict[str, Target] = {}
    """Fee name → item or account; `*` is any other."""
    payments: dict[str, PaymentRule] = {}
    """Payment method → what it does in the books; `*` is any other, `` is none at all."""
    rounding: Target | None = None
    """Where the cents go that rounding leaves over. Without it any cent goes to attention."""
    rounding_max: Decimal = Field(default=Decimal("0.05"), ge=0, le=1)
    """The most that rounding may be, in the order's currency."""
