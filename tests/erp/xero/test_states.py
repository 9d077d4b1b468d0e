"""Statuses that Xero may add: nothing stops, and nothing is taken for booked or gone."""

from typing import Any

from accord.erp.xero.invoices import invoice_state, is_booked
from accord.erp.xero.mapping import credit_record, order_record
from accord.model.documents import State

ROW: dict[str, Any] = {
    "InvoiceID": "i",
    "InvoiceNumber": "uk-1",
    "CreditNoteID": "n",
    "CreditNoteNumber": "uk-1-r1",
    "Status": "PENDING",
    "CurrencyCode": "GBP",
    "SubTotal": 10,
    "TotalTax": 2,
}


def test_an_order_in_an_unknown_status_is_a_quotation() -> None:
    assert order_record(ROW, "main").state is State.QUOTATION


def test_an_invoice_and_a_credit_note_in_an_unknown_status_are_drafts() -> None:
    assert invoice_state(ROW) == "draft"
    assert not is_booked(ROW)
    assert credit_record(ROW, "main").state is State.DRAFT
