"""Orders as Odoo's values, and Odoo's values as our records. Pure.

An order of Odoo's has its number and its totals from the moment it is made, and Odoo calls such a
draft a quotation; so do we. ``client_order_ref`` is our external key (Odoo does not copy it when
somebody duplicates an order), ``origin`` the store's order number.

Source: Odoo source 16 to 19, sale.order; recordings of a running 17.0.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from accord.erp.odoo.known import Company, Known
from accord.erp.odoo.masterdata import unit_of
from accord.erp.odoo.taxes import Priced, net_and_tax
from accord.erp.odoo.wire import Values, decimal, html_of, name_of, text
from accord.model.change import Ref
from accord.model.documents import (
    DocumentLine,
    Kind,
    Record,
    SalesDocument,
    State,
    Totals,
)
from accord.model.money import Money

STATES: Final = {
    "draft": State.QUOTATION,
    "sent": State.QUOTATION,
    "sale": State.CONFIRMED,
    "done": State.CONFIRMED,  # locked, up to 16
    "cancel": State.VOIDED,
}
"""In any other, which another app adds, it is neither binding yet nor gone: a quotation."""
ORDER_FIELDS: Final = (
    "name",
    "state",
    "client_order_ref",
    "origin",
    "amount_untaxed",
    "amount_tax",
    "amount_total",
    "currency_id",
    "date_order",
    "write_date",
)
_LEAST_DIGITS: Final = 2  # of a price, of those that Odoo does not round
_MOST_DIGITS: Final = 10  # a float holds no more beside four before the point
_NOON: Final = "12:00:00"
"""Of the day in UTC: the same day for most who read it."""


def order_values(document: SalesDocument, key: str, known: Known, company: Company) -> Values:
    """The new ``sale.order`` without its lines."""
    values = {"client_order_ref": key, "company_id": company.id, **head_values(document, known)}
    if company.warehouse is not None:
        values["warehouse_id"] = company.warehouse
    return values


def head_values(document: SalesDocument, known: Known) -> Values:
    """What an order says beside its lines."""
    values: Values = {
        "partner_id": int(document.party.id),
        # Who gave no address is at the partner's own, which every partner has.
        "partner_invoice_id": int(document.billing_address or document.party.id),
        "partner_shipping_id": int(document.shipping_address or document.party.id),
        "origin": document.number,
        "date_order": f"{document.placed_on.isoformat()} {_NOON}",
        "note": _note(document),
    }
    if (price_list := known.currencies[document.currency].price_list) is not None:
        values["pricelist_id"] = price_list
    if document.carrier:
        values["carrier_id"] = known.carriers[document.carrier]
    if document.payment_terms:
        values["payment_term_id"] = known.terms[document.payment_terms]
    return values


def line_values(line: DocumentLine, known: Known, company: Company, taxes: str) -> Values:
    """One line; ``taxes`` is what this release calls the field of its taxes. Price, discount and
    taxes are given: Odoo computes none of them. A text without an amount is a note."""
    if is_note(line):
        return {"display_type": "line_note", "name": line.description}
    return {
        "product_id": item_of(line, known),
        "name": line.description,
        "product_uom_qty": quantity_of(line),
        "price_unit": unit_price(line, company),
        "discount": Decimal(0),
        taxes: tax_ids(line, known),
    }


def is_note(line: DocumentLine) -> bool:
    return line.item is None and line.account is None and not line.net and not line.taxes


def item_of(line: DocumentLine, known: Known) -> int:
    """The product that the line sells: its item, or the service that books on its account."""
    if line.item is not None:
        return known.items[line.item]
    return known.accounts[line.account or ""]


def accounts_of(lines: Iterable[DocumentLine]) -> set[str]:
    """Accounts that lines without an item are booked on; empty where none is named."""
    return {line.account or "" for line in lines if line.item is None and not is_note(line)}


def tax_ids(line: DocumentLine, known: Known) -> list[int]:
    """Each once: Odoo holds a tax at most once per line."""
    return [known.taxes[code].id for code in dict.fromkeys(tax.code for tax in line.taxes)]


def quantity_of(line: DocumentLine) -> Decimal:
    """An amount needs a piece to hang on, so a line of none becomes one piece."""
    return line.quantity or Decimal(1)


def unit_price(line: DocumentLine, company: Company) -> Decimal:
    """Net for one piece, as precise as this database keeps prices. Where it keeps all digits, and
    prints them, as few as bring the line to its net."""
    quantity = quantity_of(line)
    price = line.net.amount / quantity

    def with_(digits: int) -> Decimal:
        return price.quantize(unit_of(digits), rounding=ROUND_HALF_UP)

    if company.price_digits is not None:
        return with_(company.price_digits)
    off = line.net.unit / 10  # not half a unit: lines may be added up before they are rounded
    enough = (
        found
        for found in map(with_, range(_LEAST_DIGITS, _MOST_DIGITS))
        if abs(found * quantity - line.net.amount) <= off
    )
    return next(enough, with_(_MOST_DIGITS))


def totals_of(
    lines: Sequence[DocumentLine], currency: str, known: Known, company: Company
) -> Totals:
    """The totals that Odoo will show of a document with ``lines``."""
    priced = [
        Priced(
            price=unit_price(line, company),
            quantity=quantity_of(line),
            taxes=tuple(
                known.taxes[code] for code in dict.fromkeys(tax.code for tax in line.taxes)
            ),
        )
        for line in lines
    ]
    net, tax = net_and_tax(priced, known.currencies[currency].unit, company.rounding)
    return Totals(
        net=Money(net, currency), tax=Money(tax, currency), gross=Money(net + tax, currency)
    )


def _note(document: SalesDocument) -> str:
    parts = (f"PO number: {document.po_number}" if document.po_number else "", document.comment)
    return html_of("\n\n".join(part for part in parts if part))


def order_record(row: Values, system: str) -> Record:
    """A ``sale.order`` read with ORDER_FIELDS."""
    return Record(
        ref=Ref(system, Kind.SALES_ORDER, str(row["id"])),
        number=text(row["name"]),
        key=text(row["client_order_ref"]) or None,
        state=STATES.get(row["state"], State.QUOTATION),
        totals=totals_read(row, "amount_untaxed", "amount_tax", "amount_total"),
        version=version_of(row, "state", "amount_total"),
    )


def totals_read(row: Values, net: str, tax: str, gross: str) -> Totals:
    """Amounts of a row, in its currency and to its smallest unit: Odoo writes them as floats."""
    currency = name_of(row["currency_id"])
    amounts = (Money(decimal(row[name]), currency).rounded() for name in (net, tax, gross))
    return Totals(*amounts)


def version_of(row: Values, *fields: str) -> str:
    """Odoo dates in whole seconds, so what changes most counts too."""
    return "/".join(str(row[name]) for name in ("write_date", *fields))


def placed_on(row: Values) -> dt.date | None:
    """An order's day: the store's, until it is confirmed; then the day of that."""
    found = row["date_order"]
    return dt.date.fromisoformat(found[:10]) if found else None
