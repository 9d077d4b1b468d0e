"""Payments, refunds, and credit set against invoices.

Source: Xero-OpenAPI 16.1.0, Payment and Allocation; developer.xero.com, "Payments".
"""

from decimal import Decimal

from accord.local.xero import contacts
from accord.local.xero.books import Books, cents, day_of, number_of
from accord.local.xero.documents import (
    BOOKED,
    CREDIT,
    INVOICE,
    Papers,
    allocation,
    left,
    settle,
)
from accord.local.xero.faults import Invalid, Row

EXCEEDS = "Payment amount exceeds the amount outstanding on this document"


def pay(books: Books, given: Row) -> Row:
    """A payment of an invoice, or money given back for a credit note. Raises: Invalid."""
    of, row = _document(books, given)
    account = _account(books, given.get("Account") or {"Code": given.get("Code")})
    day = day_of(given["Date"], "Date") if given.get("Date") else books.now.date()
    amount = _amount(given)
    books.check_open(day)
    if row["Status"] not in BOOKED:
        raise Invalid("Payments can only be made against Authorised documents")
    if amount > left(row):
        raise Invalid(EXCEEDS)
    id_ = books.new_id("Payments")
    rate = given.get("CurrencyRate")
    values: Row = {
        "PaymentID": id_,
        "Date": day,
        "Amount": amount,
        "BankAmount": amount,
        "Reference": given.get("Reference") or "",
        "CurrencyRate": row["CurrencyRate"] if rate is None else number_of(rate, "CurrencyRate"),
        "PaymentType": "ACCRECPAYMENT" if of is INVOICE else "ARCREDITPAYMENT",
        "Status": "AUTHORISED",
        "HasAccount": True,
        "IsReconciled": False,
        "HasValidationErrors": False,
        "Account": {name: account[name] for name in ("AccountID", "Code", "Name")},
        "_document": (of.table, row[of.id]),
    }
    payment = books.add("Payments", id_, values)
    document = books.change(of.table, row[of.id])
    document["_payments"] = [*document["_payments"], id_]
    document["_paid"] += amount
    settle(document, day)
    return payment


def undo(books: Books, payment: Row, given: Row) -> Row:
    """The payment deleted, which is all that can be done to it. Raises: Invalid."""
    if given.get("Status") != "DELETED":
        raise Invalid("Payments can only be deleted")  # wording unverified
    if payment["Status"] == "DELETED":
        raise Invalid("This payment has already been deleted")  # wording unverified
    if payment["IsReconciled"]:
        raise Invalid("A reconciled payment cannot be deleted")  # wording unverified
    books.check_open(payment["Date"])
    table, id_ = payment["_document"]
    document = books.change(table, id_)
    document["_payments"] = [each for each in document["_payments"] if each != payment["PaymentID"]]
    document["_paid"] -= payment["Amount"]
    settle(document)
    return books.change("Payments", payment["PaymentID"], Status="DELETED")


def allocate(books: Books, note: Row, given: Row) -> Row:
    """Credit set against an open invoice of the same contact. Raises: Invalid."""
    invoice = _invoice(books, given.get("Invoice") or {})
    if not given.get("Date"):
        raise Invalid("Date must be specified")  # wording unverified
    day, amount = day_of(given["Date"], "Date"), _amount(given)
    books.check_open(day)
    if note["Status"] not in BOOKED or invoice["Status"] not in BOOKED:
        raise Invalid("Credit can only be allocated between Authorised documents")  # unverified
    if invoice["_contact"] != note["_contact"]:
        raise Invalid("The invoice must be of the contact of the credit note")  # unverified
    if invoice["CurrencyCode"] != note["CurrencyCode"]:
        raise Invalid("The invoice must be in the currency of the credit note")  # unverified
    if amount > left(note):
        raise Invalid("Amount exceeds the remaining credit of this credit note")  # unverified
    if amount > left(invoice):
        raise Invalid("Amount exceeds the amount outstanding on this document")  # unverified
    id_ = books.new_id("Allocations")
    values: Row = {
        "AllocationID": id_,
        "Amount": amount,
        "Date": day,
        "_invoice": invoice["InvoiceID"],
        "_note": note["CreditNoteID"],
    }
    found = books.add("Allocations", id_, values)
    del found["UpdatedDateUTC"]
    for of, row in ((INVOICE, invoice), (CREDIT, note)):
        document = books.change(of.table, row[of.id])
        document["_allocations"] = [*document["_allocations"], id_]
        document["_credited"] += amount
        settle(document, day)
    return found


def take_back(books: Books, note: Row, row: Row) -> Row:
    """The allocation undone. Raises: Invalid: its day is closed."""
    books.check_open(row["Date"])
    for of, id_ in ((INVOICE, row["_invoice"]), (CREDIT, note["CreditNoteID"])):
        document = books.change(of.table, id_)
        kept = [each for each in document["_allocations"] if each != row["AllocationID"]]
        document["_allocations"] = kept
        document["_credited"] -= row["Amount"]
        settle(document)
    return {**allocation(books, row), "IsDeleted": True}


def shown(books: Books, row: Row) -> Row:
    """With the document it is for, in short."""
    table, id_ = row["_document"]
    of = INVOICE if table == "Invoices" else CREDIT
    document = books.tables[table][id_]
    names = (of.id, of.number, "Type", "Reference", "CurrencyCode", "CurrencyRate")
    named: Row = {name: document[name] for name in names}
    named["Contact"] = contacts.brief(books, document["_contact"])
    named["HasErrors"] = False
    return {**row, "Invoice" if of is INVOICE else "CreditNote": named}


def _document(books: Books, given: Row) -> tuple[Papers, Row]:
    if given.get("CreditNote"):
        wanted = given["CreditNote"]
        if wanted.get("CreditNoteID"):
            row = books.get("CreditNotes", wanted["CreditNoteID"])
        else:
            row = books.first("CreditNotes", CreditNoteNumber=wanted.get("CreditNoteNumber"))
        if row is None:
            raise Invalid("The credit note could not be found")  # wording unverified
        return CREDIT, row
    return INVOICE, _invoice(books, given.get("Invoice") or given)


def _invoice(books: Books, given: Row) -> Row:
    if given.get("InvoiceID"):
        row = books.get("Invoices", given["InvoiceID"])
    else:
        row = books.first("Invoices", InvoiceNumber=given.get("InvoiceNumber"))
    if row is None:
        raise Invalid("The invoice could not be found")  # wording unverified
    return row


def _account(books: Books, given: Row) -> Row:
    code, id_ = given.get("Code"), given.get("AccountID")
    row = books.get("Accounts", id_) if id_ else books.account(code)
    if row is None or row["Status"] != "ACTIVE":
        raise Invalid(f"Account code '{code or id_}' is not a valid code for this document.")
    if row["Type"] != "BANK" and not row["EnablePaymentsToAccount"]:
        raise Invalid(  # wording unverified
            f"Account code '{code or id_}' is not a bank account and has no payments enabled."
        )
    return row


def _amount(given: Row) -> Decimal:
    amount = cents(number_of(given.get("Amount"), "Amount"))
    if amount <= 0:
        raise Invalid("Payment amount must be greater than zero")  # wording unverified
    return amount
