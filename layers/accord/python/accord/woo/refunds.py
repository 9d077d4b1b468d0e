"""The store's JSON becomes canonical refunds. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from accord.model.change import Ref
from accord.model.documents import OrderLine, Refund, SalesOrder, TaxRate
from accord.model.money import Money
from accord.woo import wire
from accord.woo.mapping import lines_of, plain, rates_of, read, utc

_ORDER_LINE = "_refunded_item_id"  # custom field of a refund's line: the order's line it takes back


def refunds_from_wire(documents: Sequence[dict[str, Any]], order: SalesOrder) -> list[Refund]:
    """The refunds of ``order`` in ``documents``, oldest first, each once.

    Raises: BadInputError: a field is missing or unreadable; the message names it.
    """
    found = {str(document.get("id")): document for document in documents}
    refunds = [refund_from_wire(document, order) for document in found.values()]
    return sorted(refunds, key=lambda refund: (refund.refunded_at, int(refund.ref.id)))


def refund_from_wire(document: dict[str, Any], order: SalesOrder) -> Refund:
    """The refund in ``document``, with the kinds, codes and tax rates of the order's own lines.

    A line that names no line of the order keeps its own, and for an id what it names, or nothing.
    A line may take money back for no quantity. ``unassigned`` is below zero where the lines come to
    more than the amount, which the store allows.
    """
    store, currency = order.ref.system, order.currency
    what = f"refund {document.get('id', '?')} of order {order.ref.id} of {store}"
    refund = read(wire.Refund, document, what=what)
    sold = {line.id: line for line in order.lines}
    # A rate that was changed since is another one in the refund: what was sold comes first.
    rates = rates_of(refund.tax_lines) | _rates_sold(order)
    names = [
        _names(line) for line in (*refund.line_items, *refund.shipping_lines, *refund.fee_lines)
    ]
    lines = tuple(
        line
        for each, name in zip(lines_of(refund, currency, rates), names, strict=True)
        if (line := _taken_back(each, name, sold.get(name))) is not None
    )
    total = Money(refund.amount, currency)
    assigned = sum((line.net.amount + line.tax.amount for line in lines), Decimal(0))
    return Refund(
        ref=Ref(store, "refund", str(refund.id)),
        order=order.ref,
        refunded_at=utc(refund.date_created_gmt),
        total=total,
        lines=lines,
        unassigned=Money(total.amount - assigned, currency),
        reason=plain(refund.reason),
        by_gateway=refund.refunded_payment,
    )


def _rates_sold(order: SalesOrder) -> dict[str, TaxRate]:
    return {tax.rate.id: tax.rate for line in order.lines for tax in line.taxes}


def _names(line: wire.Line) -> str:
    found = (str(meta.value) for meta in line.meta_data if meta.key == _ORDER_LINE)
    return next((id_ for id_ in found if id_ and id_ != "0"), "")


def _taken_back(line: OrderLine, name: str, sold: OrderLine | None) -> OrderLine | None:
    """The refund's line with its signs turned, None when it takes back nothing at all."""
    if not (line.quantity if line.kind == "item" else 0) and not line.net and not line.tax:
        return None
    turned = replace(
        line,
        id=name,
        quantity=-line.quantity if line.kind == "item" else line.quantity,
        net=-line.net,
        taxes=tuple(replace(tax, amount=-tax.amount) for tax in line.taxes),
        discount=None,  # the order's; what is taken back is after it
    )
    if sold is None:
        return turned
    return replace(
        turned,
        kind=sold.kind,
        code=sold.code,
        description=sold.description,
        options=sold.options,
    )
