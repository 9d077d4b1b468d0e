"""Documents as Xero's values, and Xero's values as our records. Pure.

An order is a sales invoice, and a credit note one of Xero's; their numbers are our external keys.
A draft has its number and its totals at once, so it is what we call a quotation. Once authorised,
it is the booked invoice too.

Source: Xero OpenAPI 16.1.0; developer.xero.com, "Invoices", "Rounding in Xero".
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from accord.erp.needs import Needs, needs
from accord.erp.xero.known import Known, SoldItem
from accord.erp.xero.lines import LONGEST, credit_lines, invoice_lines, is_note, rounded
from accord.erp.xero.options import Options
from accord.erp.xero.parties import told_of
from accord.erp.xero.wire import Values, decimal, text
from accord.errors import UnsupportedError
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    DocumentLine,
    Kind,
    Record,
    SalesDocument,
    State,
    Totals,
)
from accord.model.keys import order_of_refund
from accord.model.money import Money, digits

STATES: Final = {
    "DRAFT": State.QUOTATION,
    "SUBMITTED": State.QUOTATION,
    "AUTHORISED": State.CONFIRMED,
    "PAID": State.CONFIRMED,
    "VOIDED": State.VOIDED,
    "DELETED": State.VOIDED,
}
UNIT_PRICES: Final = {"unitdp": 4}
"""Four decimals of a unit price, where two are the rule."""
DIGITS: Final = 2
"""Of any amount, whatever its currency. Source: developer.xero.com, "Rounding in Xero"."""
BY: Final = " / "
"""Between the store's order number and the buyer's own, in a reference."""


def needs_of(document: SalesDocument | CreditDocument) -> Needs:
    """What must be known before ``document`` can be mapped. Carriers are told in words."""
    found = needs(document)
    lines = [line for line in document.lines if not is_note(line)]
    found.pop("carriers", None)
    found["accounts"] = {
        *(line.account or "" for line in lines if line.item is None),
        *(line.revenue for line in lines if line.revenue is not None),
    }
    return found


def check_currency(currency: str) -> None:
    """Raises: UnsupportedError: its amounts have more digits than Xero keeps."""
    if (places := digits(currency)) > DIGITS:
        raise UnsupportedError(
            f"an amount in {currency} has {places} digits behind the point, and Xero keeps two "
            "digits of any currency, so totals would differ; route orders in that currency to "
            "another back office, or enter them by hand",
            owner="finance",
        )


# --- written ------------------------------------------------------------------


def invoice_values(document: SalesDocument, known: Known, options: Options) -> Values:
    """What an invoice says, without its number and its status."""
    days = known.terms[document.payment_terms] if document.payment_terms else options.due_days
    lines = [each for line in document.lines for each in invoice_lines(line, known, options)]
    return {
        "Type": "ACCREC",
        "Contact": {"ContactID": document.party.id},
        "Date": document.placed_on,
        "DueDate": document.placed_on + dt.timedelta(days=days),
        "Reference": reference(document),
        "LineAmountTypes": _amounts(options),
        "CurrencyCode": document.currency,
        "LineItems": [*lines, *_words(_comment(document))],
    }


def credit_values(document: CreditDocument, invoice: str, known: Known, options: Options) -> Values:
    """What a credit note says, without its number and its status. It refers to ``invoice``."""
    lines = [each for line in document.lines for each in credit_lines(line, known, options)]
    return {
        "Type": "ACCRECCREDIT",
        "Contact": {"ContactID": document.party.id},
        "Date": document.issued_on,
        "Reference": invoice,
        "LineAmountTypes": _amounts(options),
        "CurrencyCode": document.currency,
        "LineItems": [*lines, *_words(document.comment)],
    }


def reference(document: SalesDocument) -> str:
    """The store's order number, and the buyer's own behind it."""
    return BY.join(part for part in (document.number, document.po_number) if part)[:255]


def number_in(reference: str) -> str:
    """The store's order number in what ``reference`` made."""
    return reference.partition(BY)[0]


def without_account(document: SalesDocument | CreditDocument, known: Known) -> list[SoldItem]:
    """Items of ``document`` whose sales are booked nowhere."""
    items = {
        line.item: known.items[line.item]
        for line in document.lines
        if line.item is not None and line.revenue is None
    }
    return [item for item in items.values() if item.account is None]


def _amounts(options: Options) -> str:
    return "Inclusive" if options.prices == "with tax" else "Exclusive"


def _comment(document: SalesDocument) -> str:
    """What an invoice has no field for."""
    parts = (
        document.comment,
        f"Delivery: {document.carrier}" if document.carrier else "",
        told_of(document.billing_address, "Invoice to"),
        told_of(document.shipping_address, "Deliver to"),
    )
    return "\n".join(part for part in parts if part)


def _words(comment: str) -> list[Values]:
    return [{"Description": comment[:LONGEST]}] if comment else []


# --- foretold -----------------------------------------------------------------


def totals_of(
    lines: Sequence[DocumentLine],
    currency: str,
    known: Known,
    options: Options,
    *,
    discounts: bool = True,
) -> Totals:
    """The totals that Xero will show of a document with ``lines``."""
    net = tax = Decimal(0)
    lines_of = invoice_lines if discounts else credit_lines
    for values in (each for line in lines for each in lines_of(line, known, options)):
        if "UnitAmount" not in values:
            continue
        amount = rounded(
            values["UnitAmount"] * values["Quantity"] - values.get("DiscountAmount", Decimal(0))
        )
        tax += values["TaxAmount"]
        net += amount - values["TaxAmount"] if options.prices == "with tax" else amount
    return _totals(net, tax, currency)


# --- read ---------------------------------------------------------------------


def state_of(row: Values) -> State:
    """Of an invoice or credit note. In a status that Xero adds it is neither binding nor gone."""
    return STATES.get(row["Status"], State.QUOTATION)


def order_record(row: Values, system: str) -> Record:
    """A sales invoice as Xero answers it."""
    number = text(row.get("InvoiceNumber"))
    return Record(
        ref=Ref(system, Kind.SALES_ORDER, str(row["InvoiceID"])),
        number=number,
        key=number or None,
        state=state_of(row),
        totals=totals_read(row),
        version=version_of(row),
    )


def credit_record(row: Values, system: str) -> Record:
    """A credit note. Only a number that is a refund's of ours is a key."""
    number = text(row.get("CreditNoteNumber"))
    state = state_of(row)
    return Record(
        ref=Ref(system, Kind.CREDIT_NOTE, str(row["CreditNoteID"])),
        number=number,
        key=number if order_of_refund(number) else None,
        state=State.DRAFT if state is State.QUOTATION else state,
        totals=totals_read(row),
        version=version_of(row),
    )


def payment_record(row: Values, system: str, currency: str) -> Record:
    """Money received for an invoice, or below zero where it was given back for a credit note."""
    amount = decimal(row.get("Amount"))
    signed = -amount if row.get("PaymentType") == "ARCREDITPAYMENT" else amount
    of = row.get("Invoice") or row.get("CreditNote") or {}
    key = text(row.get("Reference"))
    return Record(
        ref=Ref(system, Kind.PAYMENT, str(row["PaymentID"])),
        number=key,
        key=key or None,
        state=State.VOIDED if row.get("Status") == "DELETED" else State.CONFIRMED,
        totals=_totals(signed, Decimal(0), text(of.get("CurrencyCode")) or currency),
        version=version_of(row),
    )


def totals_read(row: Values) -> Totals:
    """As Xero says it, also hundredths of what has none."""
    return _totals(
        decimal(row.get("SubTotal")), decimal(row.get("TotalTax")), str(row["CurrencyCode"])
    )


def version_of(row: Values) -> str:
    """Another one whenever it changed: its date is of the millisecond; a status says more."""
    parts = (row.get(name) for name in ("UpdatedDateUTC", "Status", "Total", "AmountDue"))
    return "/".join(str(part) for part in parts if part is not None)


def _totals(net: Decimal, tax: Decimal, currency: str) -> Totals:
    return Totals(*(Money(each, currency) for each in (net, tax, net + tax)))
