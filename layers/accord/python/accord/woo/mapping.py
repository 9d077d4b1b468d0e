"""The store's JSON becomes a canonical order. Pure."""

import datetime as dt
import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from pydantic import ValidationError

from accord.errors import BadInputError
from accord.model.change import Ref
from accord.model.documents import (
    Coupon,
    LineKind,
    OrderLine,
    PaymentInfo,
    SalesOrder,
    Tax,
    TaxRate,
)
from accord.model.money import Money
from accord.model.party import Address, Party
from accord.woo import wire

_Form = TypeVar("_Form", bound=wire.Wire)
_RESTOCKED = "_restock_refunded_items"
_TOOK = "_reduced_stock"
_HOLD = "_accord_hold"  # the basket's hold; of all hidden fields the one that is ours to read
_TAG = re.compile(r"<[^>]*>")


def from_wire(
    document: dict[str, Any], *, store: str, vat_keys: Sequence[str], po_keys: Sequence[str]
) -> SalesOrder:
    """The order in ``document``, complete.

    ``vat_keys`` and ``po_keys`` name custom fields that may hold the VAT number and the buyer's
    purchase-order number; the first that is filled wins.

    Raises: BadInputError: a field is missing or unreadable; the message names it.
    """
    order = read(wire.Order, document, what=f"order {document.get('id', '?')} of {store}")
    currency = order.currency
    rates = rates_of(order.tax_lines)
    lines = (
        *lines_of(order, currency, rates),
        *(_gift_card(card, currency, at) for at, card in enumerate(order.gift_cards, 1)),
    )
    total = Money(order.total, currency)
    summed = sum((line.net.amount + line.tax.amount for line in lines), Decimal(0))
    texts = [(m.key, m.value.strip()) for m in order.meta_data if isinstance(m.value, str)]
    refunded = -sum((refund.total for refund in order.refunds), Decimal(0))
    return SalesOrder(
        ref=Ref(store, "order", str(order.id)),
        number=order.number or str(order.id),
        status=order.status,
        currency=currency,
        placed_at=utc(order.date_created_gmt),
        modified_at=utc(order.date_modified_gmt),
        party=_party(order, first_of(texts, vat_keys)),
        lines=lines,
        total=total,
        rounding=Money(total.amount - summed, currency),
        payment=PaymentInfo(
            method=order.payment_method,
            title=order.payment_method_title,
            transaction_id=order.transaction_id,
            paid_at=utc(order.date_paid_gmt) if order.date_paid_gmt else None,
        ),
        coupons=tuple(Coupon(c.code, Money(c.discount, currency)) for c in order.coupon_lines),
        prices_include_tax=order.prices_include_tax,
        po_number=first_of(texts, po_keys),
        customer_note=order.customer_note,
        refund_ids=tuple(sorted(str(refund.id) for refund in order.refunds)),
        refunded=Money(refunded, currency) if order.refunds else None,
        meta=tuple(pair for pair in texts if not pair[0].startswith("_") or pair[0] == _HOLD),
    )


def read(form: type[_Form], document: dict[str, Any], *, what: str) -> _Form:
    """``document`` as ``form``. Raises: BadInputError: the message names the field."""
    try:
        return form.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise BadInputError(
            f"{what}: {field}: {first['msg']}; compare with what the store shows and send it again",
            owner="support",
        ) from error


def rates_of(lines: Iterable[wire.TaxLine]) -> dict[str, TaxRate]:
    """The tax rates by id."""
    return {str(line.rate_id): _rate(line) for line in lines}


def lines_of(
    document: wire.Order | wire.Refund, currency: str, rates: dict[str, TaxRate]
) -> Iterator[OrderLine]:
    """Goods, shipping and fees, as the document counts them: a refund's are below zero."""
    yield from (_item(line, currency, rates) for line in document.line_items)
    yield from (_shipping(line, currency, rates) for line in document.shipping_lines)
    yield from (_fee(line, currency, rates) for line in document.fee_lines)


def utc(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=dt.UTC)  # "_gmt" dates carry no offset and are UTC


def first_of(texts: Iterable[tuple[str, str]], keys: Sequence[str]) -> str:
    # Simultaneous writes may leave two entries of one key: the last holds.
    found = {key: value for key, value in texts if value}
    return next((found[key] for key in keys if key in found), "")


def _rate(line: wire.TaxLine) -> TaxRate:
    percent = line.rate_percent if line.rate_percent is not None else Decimal("NaN")
    return TaxRate(str(line.rate_id), line.rate_code, line.label, percent, line.compound)


def _taxes(line: wire.Line, currency: str, rates: dict[str, TaxRate]) -> tuple[Tax, ...]:
    """Per rate; they sum to the line's ``total_tax``, which is what the shopper paid.

    Each rate's amount is rounded by itself for display, so with two rates they may be a cent off:
    the largest takes the difference. Tax that names no rate stays, under a rate without a name.
    """
    shares = [(str(tax.id), tax.total) for tax in line.taxes if tax.total is not None]
    off = line.total_tax - sum((amount for _, amount in shares), Decimal(0))
    if off and shares:
        largest = max(range(len(shares)), key=lambda i: abs(shares[i][1]))
        shares[largest] = (shares[largest][0], shares[largest][1] + off)
    elif off:
        shares = [("", off)]
    unnamed = Decimal("NaN")
    return tuple(
        Tax(rates.get(id_) or TaxRate(id_, "", "", unnamed), Money(amount, currency))
        for id_, amount in shares
    )


def _line(
    line: wire.Line,
    currency: str,
    rates: dict[str, TaxRate],
    *,
    kind: LineKind,
    code: str,
    description: str,
    quantity: Decimal = Decimal(1),
    discount: Money | None = None,
    options: tuple[tuple[str, str], ...] = (),
    restocked: Decimal = Decimal(0),
    took: Decimal | None = None,
) -> OrderLine:
    return OrderLine(
        id=str(line.id),
        kind=kind,
        code=code,
        description=description,
        quantity=quantity,
        net=Money(line.total, currency),
        taxes=_taxes(line, currency, rates),
        discount=discount,
        options=options,
        restocked=restocked,
        took=took,
    )


def _item(line: wire.Item, currency: str, rates: dict[str, TaxRate]) -> OrderLine:
    off = line.subtotal - line.total
    return _line(
        line,
        currency,
        rates,
        kind="item",
        code=line.sku.strip(),
        description=plain(line.name),
        quantity=line.quantity,
        discount=Money(off, currency) if off else None,
        options=_options(line),
        restocked=_restocked(line),
        took=_count(line, _TOOK),
    )


def _shipping(line: wire.Shipping, currency: str, rates: dict[str, TaxRate]) -> OrderLine:
    code = f"{line.method_id}:{line.instance_id}" if line.instance_id else line.method_id
    title = plain(line.method_title) or line.method_id
    return _line(line, currency, rates, kind="shipping", code=code, description=title)


def _fee(line: wire.Fee, currency: str, rates: dict[str, TaxRate]) -> OrderLine:
    name = plain(line.name)
    return _line(line, currency, rates, kind="fee", code=name, description=name)


def _gift_card(card: wire.GiftCard, currency: str, at: int) -> OrderLine:
    """What a gift card paid, below zero. Its code is as good as money: only its end is kept."""
    end = card.code.strip()[-4:] if len(card.code.strip()) >= 12 else ""
    return OrderLine(
        id=f"gift_card-{card.id or at}",  # its ids are not of the series of the lines' ids
        kind="gift_card",
        code="gift_card",
        description=f"Gift card ending in {end}" if end else "Gift card",
        quantity=Decimal(1),
        net=Money(-card.amount, currency),
    )


def _restocked(line: wire.Item) -> Decimal:
    """How many refunded pieces the store put back to stock so far; it keeps their sum as text."""
    count = _count(line, _RESTOCKED)
    return count if count is not None and count > 0 else Decimal(0)


def _count(line: wire.Item, key: str) -> Decimal | None:
    """The pieces that a hidden field of the line tells; None for what cannot be counted, a
    plugin's, say."""
    found = [meta.value for meta in line.meta_data if meta.key == key]
    try:
        count = Decimal(str(found[-1])) if found else None
    except InvalidOperation:
        return None
    return count if count is not None and count.is_finite() else None


def _options(line: wire.Item) -> tuple[tuple[str, str], ...]:
    """What the shopper chose, without what a variation's name tells already."""
    told = set(line.name.rpartition(" - ")[2].split(", ")) if line.variation_id else set()
    options = []
    for meta in line.meta_data:
        if meta.key.startswith("_"):
            continue
        value = meta.display_value if isinstance(meta.display_value, str) else meta.value
        if not isinstance(value, str):
            value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        text = plain(value)
        if text and text not in told:
            label = meta.display_key if isinstance(meta.display_key, str) else meta.key
            options.append((plain(label) or meta.key, text))
    return tuple(options)


def plain(text: str) -> str:
    """Without markup: plugins write HTML into names and options."""
    return html.unescape(_TAG.sub("", text)).strip() if "<" in text or "&" in text else text.strip()


def _address(postal: wire.Postal) -> Address:
    return Address(
        name=f"{postal.first_name} {postal.last_name}".strip(),
        company=postal.company.strip(),
        street="\n".join(part for part in (postal.address_1, postal.address_2) if part.strip()),
        city=postal.city,
        postal_code=postal.postcode,
        state=postal.state,
        country=postal.country,
    )


def _party(order: wire.Order, vat_number: str) -> Party:
    billing, shipping = _address(order.billing), _address(order.shipping)
    return Party(
        name=billing.name or shipping.name,
        company=billing.company,
        email=order.billing.email.strip(),
        phone=(order.billing.phone or order.shipping.phone).strip(),
        vat_number=vat_number,
        customer_id=str(order.customer_id) if order.customer_id else None,
        billing=billing or shipping,
        shipping=shipping or billing,
    )
