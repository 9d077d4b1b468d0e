"""Invoices and credit notes: how they are made, approved, changed and voided.

Source: Xero-OpenAPI 16.1.0, Invoice and CreditNote; developer.xero.com, "Invoices".
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from accord.local.xero import contacts, lines, stock
from accord.local.xero.books import Books, cents, day_of, number_of
from accord.local.xero.faults import Invalid, Row
from accord.local.xero.lines import How

NOT_EDITABLE: Final = (
    "This document cannot be edited as it has a payment or credit note allocated to it."
)
NOT_OF_STATUS: Final = "Invoice not of valid status for modification"
_LATER: Final = {
    "DRAFT": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "SUBMITTED": {"DRAFT", "SUBMITTED", "AUTHORISED", "DELETED"},
    "AUTHORISED": {"AUTHORISED", "VOIDED"},
    "PAID": {"PAID", "AUTHORISED", "VOIDED"},
}
BOOKED: Final = frozenset({"AUTHORISED", "PAID"})


@dataclass(frozen=True, slots=True)
class Papers:
    """One kind of document."""

    table: str
    id: str
    number: str
    type: str
    prefix: str
    unique: str


INVOICE: Final = Papers(
    "Invoices", "InvoiceID", "InvoiceNumber", "ACCREC", "INV-", "Invoice # must be unique."
)
CREDIT: Final = Papers(
    "CreditNotes",
    "CreditNoteID",
    "CreditNoteNumber",
    "ACCRECCREDIT",
    "CN-",
    "Credit Note # must be unique.",  # wording unverified
)


def save(
    books: Books, of: Papers, given: Row, *, create: bool, id_: str | None, places: int
) -> Row:
    """The document, new or changed. Raises: Invalid."""
    old = None if create else _matched(books, of, given, id_)
    if create and given.get(of.id):
        raise Invalid(f"{of.id} cannot be given when it is created")  # wording unverified
    number = given.get(of.number)
    if number is not None and (len(number) > 255 or not number):
        raise Invalid(f"{of.number} must be 1 to 255 characters")  # wording unverified
    if number is not None:
        other = books.first(of.table, **{of.number: number})
        if other is not None and (old is None or other[of.id] != old[of.id]):
            raise Invalid(of.unique)  # whatever became of that one: a number is never free again
    return (
        _made(books, of, given, places) if old is None else _changed(books, of, old, given, places)
    )


def _matched(books: Books, of: Papers, given: Row, id_: str | None) -> Row | None:
    wanted = id_ or given.get(of.id)
    if wanted:
        found = books.get(of.table, wanted)
        if found is None:
            raise Invalid(f"The {of.id} could not be found")  # wording unverified
        return found
    return books.first(of.table, **{of.number: given[of.number]}) if given.get(of.number) else None


def _made(books: Books, of: Papers, given: Row, places: int) -> Row:
    if given.get("Type") != of.type:
        raise Invalid(f"Type must be {of.type}; nothing else is stood in for")
    status = given.get("Status", "DRAFT")
    if status not in {"DRAFT", "SUBMITTED", "AUTHORISED"}:
        raise Invalid(NOT_OF_STATUS)
    id_ = books.new_id(of.table)
    today = books.now.date()
    row: Row = {
        "Type": of.type,
        of.id: id_,
        of.number: given.get(of.number) or f"{of.prefix}{books.next(of.prefix):04d}",
        "Reference": "",
        "Date": today,
        "DueDate": None,
        "Status": "DRAFT",
        "LineAmountTypes": "Exclusive",
        "LineItems": [],
        "CurrencyCode": books.organisation["BaseCurrency"],
        "CurrencyRate": None,
        "HasAttachments": False,
        "_contact": contacts.of_document(books, given.get("Contact")),
        "_payments": [],
        "_allocations": [],
        "_paid": Decimal(0),
        "_credited": Decimal(0),
        "_full": None,
    }
    row |= {"SentToContact": False} if of is INVOICE else {}
    row |= _values(books, of, given)
    if row["DueDate"] is None and of is CREDIT:
        row["DueDate"] = row["Date"]
    _lines(books, row, given, _how(of, row, status, places))
    books.add(of.table, id_, row)
    if status == "AUTHORISED":
        _approve(books, of, row)
    else:
        row["Status"] = status
    return row


def _changed(books: Books, of: Papers, old: Row, given: Row, places: int) -> Row:
    status = given.get("Status", old["Status"])
    if status not in _LATER.get(old["Status"], set()):
        raise Invalid(NOT_OF_STATUS)
    if old["_paid"] or old["_credited"]:
        raise Invalid(NOT_EDITABLE)
    was = old["Status"]
    id_ = old[of.id]
    if status in {"VOIDED", "DELETED"}:
        if was in BOOKED:
            books.check_open(old["Date"])
            stock.move(books, of.type, old["LineItems"], back=True)
        return books.change(of.table, id_, Status=status, _full=None)
    row = books.change(of.table, id_)
    if was in BOOKED:
        books.check_open(old["Date"])
        stock.move(books, of.type, row["LineItems"], back=True)
    if given.get("Contact") is not None:
        row["_contact"] = contacts.of_document(books, given["Contact"])
    row |= _values(books, of, given)
    _lines(books, row, given, _how(of, row, status, places))
    if status in BOOKED:
        _approve(books, of, row, anew=was not in BOOKED)
    else:
        row["Status"] = status
    return row


def _values(books: Books, of: Papers, given: Row) -> Row:
    values: Row = {}
    for name in (of.number, "Reference", "Url", "BrandingThemeID", "LineAmountTypes"):
        if given.get(name) is not None:
            values[name] = given[name]
    if len(values.get("Reference", "")) > 255:
        raise Invalid("Reference must not be more than 255 characters")  # unverified
    for name in ("Date", "DueDate", "ExpectedPaymentDate"):
        if given.get(name) is not None:
            values[name] = day_of(given[name], name)
    if of is INVOICE and given.get("SentToContact") is not None:
        values["SentToContact"] = given["SentToContact"]
    if given.get("CurrencyCode") is not None:
        books.check_currency(given["CurrencyCode"])
        values["CurrencyCode"] = given["CurrencyCode"]
    if given.get("CurrencyRate") is not None:
        values["CurrencyRate"] = number_of(given["CurrencyRate"], "CurrencyRate")
    theme = values.get("BrandingThemeID")
    if theme is not None and books.get("BrandingThemes", theme) is None:
        raise Invalid("The BrandingTheme could not be found")  # wording unverified
    return values


def _how(of: Papers, row: Row, status: str, places: int) -> How:
    return How(row["LineAmountTypes"], places, of is INVOICE, status in BOOKED)


def _lines(books: Books, row: Row, given: Row, how: How) -> None:
    if given.get("LineItems") is not None:
        row["LineItems"] = lines.read(books, given["LineItems"], row["LineItems"], how)
    else:
        row["LineItems"] = lines.again(books, row["LineItems"], how)
    total = sum((line["LineAmount"] for line in row["LineItems"]), Decimal(0))
    tax = sum((line["TaxAmount"] for line in row["LineItems"]), Decimal(0))
    inclusive = row["LineAmountTypes"] == "Inclusive"
    row["SubTotal"] = total - tax if inclusive else total
    row["TotalTax"] = tax
    row["Total"] = total if inclusive else total + tax
    base = books.organisation["BaseCurrency"]
    if row["CurrencyCode"] == base:
        row["CurrencyRate"] = Decimal(1)
    elif row["CurrencyRate"] is None:
        row["CurrencyRate"] = books.first("Currencies", Code=row["CurrencyCode"])["_rate"]  # type: ignore[index]


def _approve(books: Books, of: Papers, row: Row, *, anew: bool = True) -> None:
    if not row["LineItems"]:
        raise Invalid("One or more line items must be specified")
    if of is INVOICE and row["DueDate"] is None:
        raise Invalid("Due date must be specified")  # wording unverified
    if row["Total"] < 0:
        raise Invalid("The document total must not be negative")  # wording unverified
    books.check_open(row["Date"])
    if of is INVOICE and anew:
        _check_plan(books)
        row["_approved"] = books.now
        books.alter("Contacts", row["_contact"], IsCustomer=True)
    stock.move(books, of.type, row["LineItems"])
    settle(row)


def _check_plan(books: Books) -> None:
    """The cheapest plans let only so many invoices be approved in a month (wording unverified)."""
    if books.plan_limit is None:
        return
    month = (books.now.year, books.now.month)
    approved = [each["_approved"] for each in books.rows("Invoices") if each.get("_approved")]
    if sum((each.year, each.month) == month for each in approved) >= books.plan_limit:
        raise Invalid(
            "You have reached the limit of invoices that can be approved this month on your plan."
        )


def left(row: Row) -> Decimal:
    """What is open of it."""
    amount: Decimal = row["Total"] - row["_paid"] - row["_credited"]
    return amount


def settle(row: Row, on: dt.date | None = None) -> None:
    """PAID as soon as nothing is open; a document of nothing is so at once (unverified)."""
    if left(row):
        row["Status"], row["_full"] = "AUTHORISED", None
    else:
        row["Status"], row["_full"] = "PAID", on or row["_full"] or row["Date"]


# --- what is told of it -----------------------------------------------------------------


def shown(books: Books, of: Papers, row: Row, *, whole: bool, places: int, brief: bool) -> Row:
    """``whole`` has the lines and the entire contact; ``brief`` is an answer of summaryOnly."""
    booked = row["Status"] in BOOKED
    told: Row = {**row, "HasErrors": False}
    told["Contact"] = (
        books.tables["Contacts"][row["_contact"]]
        if whole
        else contacts.brief(books, row["_contact"])
    )
    told["LineItems"] = [_line(line, places) for line in row["LineItems"]] if whole else []
    told["UpdatedDateUTC"] = row["UpdatedDateUTC"]
    told["FullyPaidOnDate"] = row["_full"]
    if of is INVOICE:
        told |= {
            "AmountDue": left(row) if booked or row["Status"] in {"DRAFT", "SUBMITTED"} else 0,
            "AmountPaid": row["_paid"],
            "AmountCredited": row["_credited"],
            "IsDiscounted": any(
                line["DiscountRate"] or line["DiscountAmount"] for line in row["LineItems"]
            ),
        }
    else:
        told |= {
            "RemainingCredit": left(row) if row["Status"] not in {"VOIDED", "DELETED"} else 0,
            "AppliedAmount": row["_paid"] + row["_credited"],
        }
    told["Payments"] = [_payment(books.tables["Payments"][id_]) for id_ in row["_payments"]]
    allocations = [books.tables["Allocations"][id_] for id_ in row["_allocations"]]
    if of is INVOICE:
        told |= {"CreditNotes": [_credit(books, each) for each in allocations]}
        told |= {"Prepayments": [], "Overpayments": []}
    else:
        told["Allocations"] = [allocation(books, each) for each in allocations]
    if brief:
        for name in ("LineItems", "Payments", "CreditNotes", "Prepayments", "Overpayments"):
            told.pop(name, None)
    return told


def _line(line: Row, places: int) -> Row:
    told = {**line, "UnitAmount": line["UnitAmount"]}
    if places == 2 and line["UnitAmount"] is not None:
        told["UnitAmount"] = cents(line["UnitAmount"])
    return told


def _payment(row: Row) -> Row:
    names = ("PaymentID", "Date", "Amount", "Reference", "CurrencyRate", "HasAccount")
    return {**{name: row[name] for name in names}, "HasValidationErrors": False}


def _credit(books: Books, row: Row) -> Row:
    """A credit note as an invoice names it: ``AppliedAmount`` is what this invoice got of it."""
    note = books.tables["CreditNotes"][row["_note"]]
    names = ("CreditNoteID", "CreditNoteNumber", "Date", "Total")
    return {
        **{name: note[name] for name in names},
        "AppliedAmount": row["Amount"],
        "HasErrors": False,
    }


def allocation(books: Books, row: Row) -> Row:
    invoice = books.tables["Invoices"][row["_invoice"]]
    named: dict[str, Any] = {name: invoice[name] for name in ("InvoiceID", "InvoiceNumber")}
    return {**row, "Invoice": named}
