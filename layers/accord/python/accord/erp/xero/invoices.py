"""What came of an order, read from Xero: its invoice, credit notes and payments. Pure.

An order that was authorised is its own invoice, so both have one id.

Source: Xero OpenAPI 16.1.0, Invoice and CreditNote.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

from accord.erp.xero.mapping import credit_record, payment_record, totals_read
from accord.erp.xero.wire import Values, day_of, quoted, text
from accord.model.change import Ref
from accord.model.documents import Kind, Record
from accord.model.keys import order_of_refund
from accord.model.progress import Invoice

INVOICES: Final = "Invoices"
CREDIT_NOTES: Final = "CreditNotes"
SALES: Final = 'Type=="ACCREC"'
CREDITS: Final = 'Type=="ACCRECCREDIT"'

_STATES: Final[Mapping[str, Literal["draft", "posted", "paid", "cancelled"]]] = {
    "DRAFT": "draft",
    "SUBMITTED": "draft",
    "AUTHORISED": "posted",
    "PAID": "paid",
    "VOIDED": "cancelled",
    "DELETED": "cancelled",
}
_BOOKED: Final = frozenset({"AUTHORISED", "PAID"})
_LONGEST: Final = 1200  # characters of one question, before they are escaped for an address


def is_sale(row: Values) -> bool:
    return bool(row.get("Type") == "ACCREC")


def is_credit(row: Values) -> bool:
    return bool(row.get("Type") == "ACCRECCREDIT")


def is_booked(row: Values) -> bool:
    return row.get("Status") in _BOOKED


def was_booked(row: Values) -> bool:
    """It is in the books, or was: a draft that is deleted never was."""
    return is_booked(row) or row.get("Status") == "VOIDED"


def invoice_state(row: Values) -> Literal["draft", "posted", "paid", "cancelled"]:
    return _STATES.get(row["Status"], "draft")


def invoice(row: Values, system: str) -> Invoice:
    """The invoice that an order is."""
    return Invoice(
        ref=Ref(system, Kind.INVOICE, str(row["InvoiceID"])),
        kind=Kind.INVOICE,
        number=text(row.get("InvoiceNumber")),
        state=invoice_state(row),
        totals=totals_read(row),
        issued_on=day_of(row, "Date"),
    )


def credit_note(row: Values, system: str) -> Invoice:
    """Amounts are positive in Xero too. A draft has its number already; it is not told."""
    record, state = credit_record(row, system), invoice_state(row)
    return Invoice(
        ref=record.ref,
        kind=Kind.CREDIT_NOTE,
        number="" if state == "draft" else record.number,
        state=state,
        totals=totals_read(row),
        issued_on=day_of(row, "Date"),
        key=record.key,
    )


def payments_of(row: Values, system: str) -> tuple[Record, ...]:
    """The money that an invoice or a credit note tells of, below zero where it was given back."""
    kind = "ARCREDITPAYMENT" if is_credit(row) else "ACCRECPAYMENT"
    return tuple(
        payment_record({**each, "PaymentType": kind}, system, text(row["CurrencyCode"]))
        for each in row.get("Payments") or ()
    )


def invoices_of(note: Values) -> tuple[str, ...]:
    """Ids of the invoices that a credit note is set against."""
    found = (each.get("Invoice") or {} for each in note.get("Allocations") or ())
    return tuple(text(each["InvoiceID"]) for each in found if each.get("InvoiceID"))


def order_key_of(note: Values) -> str:
    """The key of the order that a credit note is for: it refers to that invoice; else its own
    number says which order's refund it is. Empty where neither does."""
    return text(note.get("Reference")) or order_of_refund(text(note.get("CreditNoteNumber")))


def notes_of(order: Values) -> tuple[str, ...]:
    """Ids of the credit notes that are set against an invoice."""
    return tuple(text(each["CreditNoteID"]) for each in order.get("CreditNotes") or ())


def about(orders: Iterable[Values]) -> Iterator[str]:
    """Terms that hold of the credit notes of booked ``orders``: those that refer to one, and
    those that a person set against one."""
    for order in orders:
        if not is_booked(order):
            continue
        number = quoted(text(order.get("InvoiceNumber")))
        if number is not None:
            yield f"Reference=={number}"
        yield from (f'CreditNoteID==guid("{id_}")' for id_ in notes_of(order))


def questions(terms: Iterable[str]) -> Iterator[str]:
    """``terms``, any of which may hold, in as few questions as their length allows."""
    question = ""
    for term in dict.fromkeys(terms):
        longer = f"{question} OR {term}" if question else term
        if question and len(longer) > _LONGEST:
            yield question
            longer = term
        question = longer
    if question:
        yield question
