"""Orders as Tryton's values, and Tryton's values as our records. Pure.

Parties, payments and credit notes have modules of their own beside this one.

Source: trytond 8.2, modules sale and web_shop; recordings of a running server.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal

from accord.erp.tryton.books import EndlessError, Priced, net_of, tax_of
from accord.erp.tryton.known import Known, Shop
from accord.erp.tryton.wire import Values, related
from accord.errors import RejectedError, UnsupportedError
from accord.model.change import Ref
from accord.model.documents import DocumentLine, Kind, Record, SalesDocument, State, Totals
from accord.model.money import Money

STATES = {
    "draft": State.DRAFT,
    "quotation": State.QUOTATION,
    "confirmed": State.CONFIRMED,
    "processing": State.CONFIRMED,
    "done": State.CONFIRMED,
    "cancelled": State.VOIDED,
}
"""Of ``sale.sale``. Confirming one also processes it, unless the server has a queue of its own.

A processed one that was cancelled is "done" in Tryton: see ``sale_state``. In any other state,
which another module adds, it is neither binding yet nor gone: a quotation.
"""

SALE_FIELDS = (
    "number",
    "state",
    "shipment_state",
    "invoice_state",
    "invoices_ignored",
    "web_id",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "currency.code",
    "_timestamp",
)


def sale_values(document: SalesDocument, key: str, known: Known, shop: Shop, digits: int) -> Values:
    """The new ``sale.sale``. Prices, units and taxes are given: Tryton computes none of them here.

    ``web_id`` is the external key, unique together with the web shop.

    Raises: UnsupportedError: a line that Tryton cannot book as asked.
    """
    lines = [line_values(line, known, shop, digits) for line in document.lines]
    return {
        **_head_values(document, known),
        "company": shop.company,
        "warehouse": shop.warehouse,
        "web_shop": shop.web_shop,
        "web_id": key,
        "invoice_method": "order",
        "shipment_method": "order",
        # The order's own shipping line is the cost; with a method Tryton would add another.
        "shipment_cost_method": None,
        "lines": [["create", lines]],
    }


def sale_changes(
    document: SalesDocument, lines: Sequence[int], known: Known, shop: Shop, digits: int
) -> Values:
    """What makes a draft ``sale.sale`` with ``lines`` say what ``document`` says.

    All lines are made anew: which one became which, only the store could tell.

    Raises: UnsupportedError: a line that Tryton cannot book as asked.
    """
    anew = [line_values(line, known, shop, digits) for line in document.lines]
    return {
        **_head_values(document, known),
        "lines": [*([["delete", list(lines)]] if lines else []), ["create", anew]],
    }


def address_id(id_: str, party: Ref) -> int:
    """The address of ``party`` that a document names.

    Raises: RejectedError: there is none. Who gave none in the store is at any that the party has.
    """
    if not id_:
        raise RejectedError(
            f"neither the order nor party {party.id} has an address, and Tryton takes no sale "
            "without; add one to the party (Parties, Addresses), then replay"
        )
    return int(id_)


def _head_values(document: SalesDocument, known: Known) -> Values:
    """What an order says beside its lines.

    ``reference`` is the store's order number, which people look for.
    """
    return {
        "party": int(document.party.id),
        "invoice_address": address_id(document.billing_address, document.party),
        "shipment_address": address_id(document.shipping_address, document.party),
        "currency": known.currencies[document.currency].id,
        "reference": document.number,
        "sale_date": document.placed_on,
        "comment": _comment(document),
        "carrier": known.carriers[document.carrier] if document.carrier else None,
        "payment_term": known.terms[document.payment_terms] if document.payment_terms else None,
    }


def preview(document: SalesDocument, known: Known, shop: Shop, digits: int) -> Totals:
    """The totals that Tryton will show for ``document``.

    Raises: UnsupportedError: Tryton would not come to an end with one of its lines.
    """
    return totals(
        priced(document.lines, known, digits),
        what=f"order {document.number}",
        currency=document.currency,
        on=document.placed_on,
        known=known,
        shop=shop,
    )


def priced(lines: Sequence[DocumentLine], known: Known, digits: int, sign: int = 1) -> list[Priced]:
    """``lines`` as Tryton computes with them; ``sign`` is -1 where they are taken back."""
    return [
        Priced(
            price=unit_price(line, digits),
            quantity=sign * Decimal(str(float(_quantity(line)))),  # a float on Tryton's side
            taxes=tuple(known.taxes[code] for code in _tax_codes(line)),
        )
        for line in lines
    ]


def totals(
    lines: Sequence[Priced], *, what: str, currency: str, on: dt.date, known: Known, shop: Shop
) -> Totals:
    """What Tryton makes of ``lines``. ``what`` names the document in errors.

    Raises: UnsupportedError: Tryton would not come to an end with one of them.
    """
    unit = known.currencies[currency].unit
    net = Money(net_of(lines, unit), currency)
    try:
        amount = tax_of(lines, unit, shop.tax_rounding, on)
    except EndlessError as error:
        raise UnsupportedError(
            f"{what}: Tryton 8.2 never finishes a line whose taxes are each "
            f"rounded to nothing and together are not ({error}); "
            "enter it by hand, or set Tryton's tax rounding to per document",
            owner="finance",
        ) from error
    tax = Money(amount, currency)
    return Totals(net=net, tax=tax, gross=net + tax)


def unit_price(line: DocumentLine, digits: int) -> Decimal:
    """Net for one piece, as precise as the server takes prices: ``digits`` after the point."""
    return (line.net.amount / _quantity(line)).quantize(
        Decimal(1).scaleb(-digits), rounding=ROUND_HALF_EVEN
    )


def _quantity(line: DocumentLine) -> Decimal:
    """An amount needs a piece to hang on, so a line of none becomes one piece."""
    return line.quantity or Decimal(1)


def _tax_codes(line: DocumentLine) -> list[str]:
    """Each code once: Tryton holds a tax at most once per line."""
    return list(dict.fromkeys(tax.code for tax in line.taxes))


def line_values(line: DocumentLine, known: Known, shop: Shop, digits: int, sign: int = 1) -> Values:
    """One line, of an order or of a credit note; ``sign`` is -1 where it is taken back.

    Raises: UnsupportedError: Tryton cannot book it as asked.
    """
    if line.item is None and line.account is None and not line.net and not line.taxes:
        return {"type": "comment", "description": line.description}
    values: Values = {
        "type": "line",
        "description": line.description,
        "quantity": float(sign * _quantity(line)),
        "unit_price": unit_price(line, digits),
        "taxes": [["add", [known.taxes[code].id for code in _tax_codes(line)]]],
    }
    if line.item is not None:
        item = known.items[line.item]
        return {**values, "product": item.id, "unit": item.unit}
    if line.account is not None and line.account not in shop.revenue:
        raise UnsupportedError(
            f"Tryton books a line without item on {' / '.join(shop.revenue) or 'no account'} only, "
            f"not on {line.account}: make a service item whose account category books there, "
            "and map to that item",
            owner="finance",
        )
    return values


def _comment(document: SalesDocument) -> str:
    parts = (f"PO number: {document.po_number}" if document.po_number else "", document.comment)
    return "\n\n".join(part for part in parts if part)


def sale_state(values: Values) -> State:
    """Of a ``sale.sale`` read with SALE_FIELDS.

    Once a sale was processed Tryton cannot cancel it. With all shipments and invoices cancelled,
    and somebody's word that they are not to be made anew, Tryton calls it done. Its states then
    show that nothing was ever shipped or invoiced; one that went its way is sent or paid.
    """
    nothing_came = values["shipment_state"] == "none" and values["invoice_state"] == "none"
    if values["state"] == "done" and nothing_came and values["invoices_ignored"]:
        return State.VOIDED
    return STATES.get(values["state"], State.QUOTATION)


def return_record(values: Values, system: str) -> Record:
    """A ``sale.sale`` that takes goods back, read with SALE_FIELDS."""
    record = sale_record(values, system)
    return replace(record, ref=replace(record.ref, kind=Kind.RETURN))


def sale_record(values: Values, system: str) -> Record:
    """A ``sale.sale`` read with SALE_FIELDS."""
    currency = related(values, "currency")["code"]
    return Record(
        ref=Ref(system, Kind.SALES_ORDER, str(values["id"])),
        number=values["number"] or "",
        key=values["web_id"],
        state=sale_state(values),
        totals=Totals(
            net=Money(values["untaxed_amount"], currency),
            tax=Money(values["tax_amount"], currency),
            gross=Money(values["total_amount"], currency),
        ),
        version=values["_timestamp"],
    )
