"""What a person says that a field is, laid over what the store shows. Pure.

The store is left as it is: an order whose product lost its SKU can be posted without a change of
the product. A mend holds on every later pass until it is taken back; where it changes the document
it is a part of its fingerprint, so that a document which stands already follows.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from accord.errors import BadInputError
from accord.model.change import Ref
from accord.model.documents import OrderLine, Refund, SalesOrder
from accord.model.party import Address, Party, Profile
from accord.model.words import one
from accord.ports.state import Mend
from accord.sync import conflicts

_LONGEST = 500  # of a value: it lies on the link, beside all the others
_MOST = 40  # of one link
_ADDRESS = tuple(field.name for field in fields(Address))
_CODED = {"shipping": "shipping", "fee": "fee"}  # kinds of lines whose code a rule maps
_UNCHANGEABLE = {
    "currency": "the amounts are in it; correct the order in the store",
    "total": "the books hold what the store charged; correct the order in the store",
    "status": "it says how far the order has come; set it in the store",
}


@dataclass(frozen=True, slots=True)
class _Field:
    """``help`` is for people. ``check`` gives the value as it is kept, or raises ValueError."""

    help: str
    check: Callable[[str], str]


def _filled(text: str) -> str:
    if not text:
        raise ValueError("it may not be empty")
    return text


def _any(text: str) -> str:
    return text


def _mail(text: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", text):
        raise ValueError("it is no e-mail address; write it like ada@example.com")
    return text


def _mail_or_none(text: str) -> str:
    return _mail(text) if text else text


def _vat_number(text: str) -> str:
    if text and not re.fullmatch(r"[A-Za-z0-9 .\-]{4,20}", text):
        raise ValueError("it is no VAT number; write it like GB123456789, or empty for none")
    return text


def _country(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", text):
        raise ValueError("write the country as two capital letters, such as GB")
    return text


_OF_ADDRESS: Mapping[str, _Field] = {
    f"{which}.{part}": _Field(
        f"the {which} address: {part.replace('_', ' ')}", _country if part == "country" else _any
    )
    for which in ("billing", "shipping")
    for part in _ADDRESS
}
_OF_PERSON: Mapping[str, _Field] = {
    "name": _Field("the person's name", _filled),
    "company": _Field("the company's name", _any),
    "email": _Field("the e-mail address", _mail),
    "phone": _Field("the telephone number", _any),
    "vat_number": _Field("the VAT number", _vat_number),
}
_OF_ORDER: Mapping[str, _Field] = {
    "lines.ID.sku": _Field("the SKU of a line's product", _filled),
    "lines.ID.code": _Field("the code of a shipping line, the name of a fee", _filled),
    "lines.ID.tax_code": _Field("the back office's tax code of a line", _filled),
    "party": _Field("the back office's account code of who buys", _filled),
    "payment_method": _Field("the payment method as [mappings.payments] names it", _filled),
    "payment_terms": _Field("the back office's payment terms: when it is due", _filled),
    "po_number": _Field("the buyer's purchase-order number", _any),
    **_OF_PERSON,
    "email": _Field("the e-mail address", _mail_or_none),
    **_OF_ADDRESS,
}
_OF_REFUND: Mapping[str, _Field] = {
    "reason": _Field("why it was given; a mark in it ties it to a credit note", _any)
}
_FIELDS: Mapping[str, Mapping[str, _Field]] = {
    "order": _OF_ORDER,
    "refund": {**_OF_REFUND, **_OF_ORDER},  # all but its own are its order's
    "customer": {**_OF_PERSON, **_OF_ADDRESS},
}
_PERSONAL_HEADS = ("billing.", "shipping.", "refunds.", "po_number")
# What changes the document and that no part of an order's fingerprint shows by itself.
_PRINTED = frozenset({"party", "email", "vat_number", "payment_terms"})


def allowed(kind: str) -> Mapping[str, str]:
    """The fields of an order, a refund or a customer that can be mended, and what each is."""
    return {name: field.help for name, field in _FIELDS.get(kind, {}).items()}


def checked(kind: str, field: str, value: str) -> str:
    """``value`` as it is kept for ``field`` of an order, a refund or a customer.

    Raises: BadInputError: it cannot be mended, or not to that; the message names what can.
    """
    known = _FIELDS.get(kind)
    if known is None:
        raise BadInputError(f"{one(kind)} cannot be mended; orders, refunds and customers can")
    shape = re.sub(r"^lines\.[^.]+\.", "lines.ID.", field)
    if shape not in known:
        why = _UNCHANGEABLE.get(field)
        lead = f"{field} cannot be mended: {why}" if why else f"{field!r} is no field to mend"
        raise BadInputError(f"{lead}. Fields of {one(kind)}: {', '.join(known)}")
    value = value.strip()
    if len(value) > _LONGEST:
        raise BadInputError(f"{field}: a value has at most {_LONGEST} characters")
    try:
        return known[shape].check(value)
    except ValueError as error:
        raise BadInputError(f"{field}: {error}") from error


def laid(mends: Sequence[Mend], mend: Mend) -> tuple[Mend, ...]:
    """``mends`` with ``mend`` in place of an earlier one of its field.

    Raises: BadInputError: one link bears no more of them.
    """
    others = tuple(each for each in mends if each.path != mend.path)
    if len(others) >= _MOST:
        raise BadInputError(f"{_MOST} fields are mended already; correct the order in the store")
    return (*others, mend)


def lifted(mends: Sequence[Mend], field: str) -> tuple[Mend, ...]:
    """``mends`` without the one of ``field``. Raises: BadInputError: there is none."""
    others = tuple(each for each in mends if each.path != field)
    if len(others) == len(mends):
        held = ", ".join(each.path for each in mends) or "nothing"
        raise BadInputError(f"{field} is not mended; {held} is")
    return others


def impersonal(mends: Sequence[Mend]) -> tuple[Mend, ...]:
    """Those of ``mends`` that can name no shopper."""
    return tuple(
        each
        for each in mends
        if not each.path.startswith(_PERSONAL_HEADS) and each.path not in _OF_PERSON
    )


# --- over an order ------------------------------------------------------------


def mended(order: SalesOrder, mends: Sequence[Mend]) -> SalesOrder:
    """``order`` as it is to be taken. What a mend speaks of and the order has not is passed over:
    ``unfit`` names it."""
    if not mends:
        return order
    values = {each.path: each.value for each in mends}
    party = _party(order.party, values)
    payment = replace(
        order.payment,
        method=values.get("payment_method", order.payment.method),
        terms=values.get("payment_terms", order.payment.terms),
    )
    return replace(
        order,
        party=party,
        payment=payment,
        po_number=values.get("po_number", order.po_number),
        lines=tuple(_line(line, values) for line in order.lines),
        mended=tuple(sorted((name, values[name]) for name in values.keys() & _PRINTED)),
    )


def unfit(order: SalesOrder, mends: Sequence[Mend]) -> tuple[Mend, ...]:
    """Those of ``mends`` that say something of a line that the order does not have."""
    return tuple(each for each in mends if _misfit(order, each.path) is not None)


def check_fits(order: SalesOrder, field: str) -> None:
    """Raises: BadInputError: the order has no such line, or another kind of line there."""
    if misfit := _misfit(order, field):
        raise BadInputError(misfit)


def _misfit(order: SalesOrder, field: str) -> str | None:
    if not field.startswith("lines."):
        return None
    _, id_, part = field.split(".", 2)
    line = next((each for each in order.lines if each.id == id_), None)
    if line is None:
        there = ", ".join(f"{each.id} ({each.code or each.description})" for each in order.lines)
        return f"order {order.number} has no line {id_}; it has {there}"
    if part == "sku" and line.kind != "item":
        return f"line {id_} is {line.kind}, which has no SKU; mend lines.{id_}.code"
    if part == "code" and line.kind not in _CODED:
        return f"line {id_} is {line.kind}; mend lines.{id_}.sku"
    if part == "tax_code" and not line.taxes:
        return f"line {id_} has no tax in the store; a code would not change that"
    return None


def _line(line: OrderLine, values: Mapping[str, str]) -> OrderLine:
    at = f"lines.{line.id}."
    if line.kind == "item":
        line = replace(line, code=values.get(f"{at}sku", line.code))
    elif line.kind in _CODED:
        line = replace(line, code=values.get(f"{at}code", line.code))
    code = values.get(f"{at}tax_code")
    if code is None or not line.taxes:
        return line
    return replace(line, taxes=tuple(replace(tax, code=code) for tax in line.taxes))


def _party(party: Party, values: Mapping[str, str]) -> Party:
    same = party.shipping == party.billing
    billing = _address(party.billing, "billing", values)
    shipping = billing if same else party.shipping  # the store gave none of its own
    return replace(
        party,
        name=values.get("name", party.name),
        company=values.get("company", party.company),
        email=values.get("email", party.email),
        phone=values.get("phone", party.phone),
        vat_number=values.get("vat_number", party.vat_number),
        code=values.get("party", party.code),
        billing=billing,
        shipping=_address(shipping, "shipping", values),
    )


def _address(address: Address, which: str, values: Mapping[str, str]) -> Address:
    parts = {part: values[f"{which}.{part}"] for part in _ADDRESS if f"{which}.{part}" in values}
    return replace(address, **parts) if parts else address


# --- over a refund, and a customer's account ----------------------------------


def of_refund(refund: Ref, field: str) -> str:
    """How ``field`` of a refund is called on its order's link; all but its own are the order's."""
    return f"refunds.{refund.id}.{field}" if field in _OF_REFUND else field


def mended_refund(refund: Refund, mends: Iterable[Mend]) -> Refund:
    """``refund`` as it is to be taken; ``mends`` are its order's."""
    values = {each.path: each.value for each in mends}
    return replace(refund, reason=values.get(of_refund(refund.ref, "reason"), refund.reason))


def mended_profile(profile: Profile, mends: Iterable[Mend]) -> Profile:
    """``profile`` as it is to be taken: each mend holds as long as the store shows what it did.

    What somebody writes there later is newer than the mend, and goes over to the back office.
    """
    values = {each.path: each.value for each in mends if each.was == shown(profile, each.path)}
    if not values:
        return profile
    plain = {name: value for name, value in values.items() if "." not in name}
    addresses = {
        which: _address(getattr(profile, which) or Address(), which, values)
        for which in conflicts.ADDRESSES
        if any(name.startswith(f"{which}.") for name in values)
    }
    changed: dict[str, object] = {**plain, **addresses}
    return replace(profile, **changed)  # type: ignore[arg-type]


def shown(profile: Profile, field: str) -> str:
    """A mark of what ``profile`` shows in ``field``, as a mend of it remembers."""
    which, _, part = field.partition(".")
    value = getattr(profile, which)
    if part:
        value = getattr(value or Address(), part)
    return conflicts.mark("name", value or "")
