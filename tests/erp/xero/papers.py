"""Invoices and credit notes that stand in Xero, whoever wrote them."""

import datetime as dt
from typing import Any

from accord.local.xero import Desk
from tests.erp.xero.conftest import START


def sale(
    desk: Desk,
    number: str,
    *,
    status: str = "AUTHORISED",
    day: dt.date | None = None,
    **line: str,
) -> str:
    """A sales invoice of 10.00 and 2.00 of tax; ``line`` replaces fields of its line. Its id."""
    paper = _paper(desk, "10.00", day, **line)
    return desk.write_invoice(**paper, InvoiceNumber=number, Status=status)


def credit(
    desk: Desk, number: str, of: str, *, status: str = "AUTHORISED", amount: str = "10.00"
) -> str:
    """A credit note that refers to ``of`` and is set against nothing. Its id."""
    fields = _paper(desk, amount, None)
    del fields["DueDate"]
    return desk.write_credit_note(**fields, CreditNoteNumber=number, Reference=of, Status=status)


def _paper(desk: Desk, amount: str, day: dt.date | None, **more: str) -> dict[str, Any]:
    date = (day or START.date()).isoformat()
    line = {
        "Description": "A mug",
        "Quantity": "1",
        "UnitAmount": amount,
        "AccountCode": "200",
        "TaxType": "OUTPUT2",
        **more,
    }
    return {
        "Contact": {"ContactID": _shopper(desk)},
        "Date": date,
        "DueDate": date,
        "LineAmountTypes": "Exclusive",
        "LineItems": [line],
    }


def _shopper(desk: Desk) -> str:
    """The one who buys everything."""
    name = "Web guest"
    found = [row["ContactID"] for row in desk.rows("Contacts") if row["Name"] == name]
    return str(found[0]) if found else desk.add_contact(name)
