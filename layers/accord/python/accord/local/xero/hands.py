"""What a person does at Xero's screens. Everything given and told is plain JSON."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from accord.local.xero import contacts, documents, money, stock
from accord.local.xero.books import Books, told
from accord.local.xero.documents import CREDIT, INVOICE
from accord.local.xero.faults import Invalid, Row

_CLASSES: Final = {
    **dict.fromkeys(("REVENUE", "SALES", "OTHERINCOME"), "REVENUE"),
    **dict.fromkeys(("EXPENSE", "DIRECTCOSTS", "OVERHEADS", "DEPRECIATN"), "EXPENSE"),
    **dict.fromkeys(("BANK", "CURRENT", "FIXED", "INVENTORY", "NONCURRENT", "PREPAYMENT"), "ASSET"),
    **dict.fromkeys(("CURRLIAB", "LIABILITY", "TERMLIAB"), "LIABILITY"),
    "EQUITY": "EQUITY",
}


class Hands:
    """One person with all rights. ``do`` names one of the methods below."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def do(self, hand: str, given: Mapping[str, Any]) -> Any:
        """What it says, as JSON. Raises: ValueError: Xero refuses it, in its own words."""
        books = self._books
        act = None if hand.startswith("_") or hand == "do" else getattr(self, hand, None)
        if act is None:
            raise ValueError(f"nobody knows how to {hand}")
        before, books.by_app = books.by_app, False
        try:
            with books.transaction():
                return told(act(**given))
        except Invalid as error:
            raise ValueError("; ".join(error.messages)) from error
        finally:
            books.by_app = before

    # --- the organisation ----------------------------------------------------------

    def open(self, *, name: str, currency: str, country: str, version: str) -> None:
        """A new organisation; whoever was there before is gone."""
        for table in self._books.tables.values():
            table.clear()
        self._books.organisation = {
            "OrganisationID": self._books.new_id("Organisations"),
            "Name": name,
            "LegalName": name,
            "PaysTax": True,
            "Version": version,
            "OrganisationType": "COMPANY",
            "BaseCurrency": currency,
            "CountryCode": country,
            "IsDemoCompany": False,
            "OrganisationStatus": "ACTIVE",
            "FinancialYearEndDay": Decimal(31),
            "FinancialYearEndMonth": Decimal(12),
            "SalesTaxBasis": "ACCRUALS",
            "DefaultSalesTax": "Tax Exclusive",
            "DefaultPurchasesTax": "Tax Exclusive",
            "CreatedDateUTC": self._books.now,
            "Timezone": "GMTSTANDARDTIME",
            "ShortCode": "!aB3d5",
            "Class": "PREMIUM",
            "Edition": "BUSINESS",
        }
        for field in ("FinancialYearEndDay", "FinancialYearEndMonth"):
            self._books.organisation[field] = int(self._books.organisation[field])

    def set_organisation(self, **fields: Any) -> None:
        """Writes those fields of it, by Xero's own names."""
        self._books.organisation |= fields

    def lock(self, *, field: str, day: str | None) -> None:
        """PeriodLockDate or EndOfYearLockDate: nothing is booked on that day or before."""
        value = dt.date.fromisoformat(day) if day else None
        self._books.organisation[field] = value

    def limit_plan(self, *, invoices: int | None) -> None:
        """So many invoices can be approved in a month."""
        self._books.plan_limit = invoices

    def add_currency(self, *, code: str, rate: str) -> None:
        row = {"Code": code, "Description": code, "_rate": Decimal(rate)}
        self._books.add("Currencies", code.lower(), row)

    def add_account(
        self,
        *,
        code: str,
        name: str,
        type: str,  # noqa: A002 - Xero's word
        tax: str | None = None,
        payments: bool = False,
        system: str | None = None,
    ) -> str:
        id_ = self._books.new_id("Accounts")
        row = {
            "AccountID": id_,
            "Code": code,
            "Name": name,
            "Type": type,
            "Status": "ACTIVE",
            "TaxType": tax or "NONE",
            "Class": _CLASSES[type],
            "EnablePaymentsToAccount": payments,
            "ShowInExpenseClaims": False,
            "SystemAccount": system,
            "HasAttachments": False,
            "AddToWatchlist": False,
        }
        if type == "BANK":
            row |= {"BankAccountType": "BANK", "BankAccountNumber": "12345612345678"}
            row |= {"CurrencyCode": self._books.organisation["BaseCurrency"]}
        self._books.add("Accounts", id_, row)
        return id_

    def archive_account(self, *, code: str) -> None:
        row = self._of("Accounts", Code=code)
        self._books.change("Accounts", row["AccountID"], Status="ARCHIVED")

    def add_tax_rate(self, *, code: str, name: str, percent: str) -> None:
        rate = Decimal(percent)
        row = {
            "Name": name,
            "TaxType": code,
            "TaxComponents": [
                {"Name": "VAT", "Rate": rate, "IsCompound": False, "IsNonRecoverable": False}
            ],
            "Status": "ACTIVE",
            "CanApplyToAssets": True,
            "CanApplyToEquity": True,
            "CanApplyToExpenses": not code.startswith("OUTPUT"),
            "CanApplyToLiabilities": True,
            "CanApplyToRevenue": not code.startswith("INPUT"),
            "DisplayTaxRate": rate,
            "EffectiveRate": rate,
        }
        self._books.add("TaxRates", code.lower(), row)

    def remove_tax_rate(self, *, code: str) -> None:
        self._books.alter("TaxRates", code.lower(), Status="DELETED")

    def add_tracking(self, *, name: str, options: list[str]) -> None:
        id_ = self._books.new_id("TrackingCategories")
        made = [
            {
                "TrackingOptionID": self._books.new_id("TrackingOptions"),
                "Name": option,
                "Status": "ACTIVE",
            }
            for option in options
        ]
        row = {"TrackingCategoryID": id_, "Name": name, "Status": "ACTIVE", "Options": made}
        self._books.add("TrackingCategories", id_, row)

    def add_theme(self, *, name: str) -> str:
        id_ = self._books.new_id("BrandingThemes")
        row = {"BrandingThemeID": id_, "Name": name, "SortOrder": 0, "Type": "INVOICE"}
        self._books.add("BrandingThemes", id_, row | {"CreatedDateUTC": self._books.now})
        return id_

    # --- items -----------------------------------------------------------------------

    def add_item(
        self,
        *,
        code: str,
        name: str,
        price: str | None,
        tracked: bool,
        account: str,
        tax: str | None,
        on_hand: str = "0",
    ) -> str:
        if self._books.first("Items", Code=code) is not None:
            raise Invalid(f"Item code '{code}' is already used")
        id_ = self._books.new_id("Items")
        sales: Row = {"AccountCode": account, "TaxType": tax}
        sales["UnitPrice"] = Decimal(price) if price is not None else None
        row: Row = {
            "ItemID": id_,
            "Code": code,
            "Name": name[:50],
            "Description": name,
            "IsSold": True,
            "IsPurchased": tracked,
            "IsTrackedAsInventory": tracked,
            "SalesDetails": sales,
            "PurchaseDetails": {},
            "_cost": Decimal(1),
        }
        if tracked:
            row |= {
                "InventoryAssetAccountCode": "630",
                "PurchaseDetails": {"COGSAccountCode": "310", "UnitPrice": Decimal(1)},
                "QuantityOnHand": Decimal(on_hand),
                "TotalCostPool": Decimal(on_hand),
            }
        self._books.add("Items", id_, row)
        return id_

    def edit_item(self, *, code: str, fields: Row) -> None:
        """Writes fields by Xero's own names."""
        row = self._of("Items", Code=code)
        self._books.change("Items", row["ItemID"], **fields)

    def set_price(self, *, code: str, price: str) -> None:
        row = self._of("Items", Code=code)
        sales = {**row["SalesDetails"], "UnitPrice": Decimal(price)}
        self._books.change("Items", row["ItemID"], SalesDetails=sales)

    def remove_item(self, *, code: str) -> None:
        row = self._of("Items", Code=code)
        self._books.tables["Items"].pop(row["ItemID"])

    def receive(self, *, code: str, quantity: str) -> None:
        """A bill for so many of it."""
        stock.shift(self._books, self._tracked(code), Decimal(quantity))

    def count(self, *, code: str, quantity: str) -> None:
        """So many are there, whatever the books said."""
        row = self._tracked(code)
        stock.shift(self._books, row, Decimal(quantity) - row["QuantityOnHand"])

    def _tracked(self, code: str) -> Row:
        row = self._of("Items", Code=code)
        if not row["IsTrackedAsInventory"]:
            raise Invalid(f"Item '{code}' is not tracked")
        return row

    # --- contacts ----------------------------------------------------------------------

    def add_contact(self, *, fields: Row) -> str:
        made = contacts.save(self._books, fields, create=True)
        return str(made["ContactID"])

    def edit_contact(self, *, id: str, fields: Row) -> None:  # noqa: A002
        contacts.save(self._books, fields, create=False, id_=id)

    def merge_contact(self, *, id: str, into: str) -> None:  # noqa: A002
        """Its documents are the other's then, and it is archived."""
        self._of("Contacts", ContactID=into)
        for table in ("Invoices", "CreditNotes"):
            for row in self._books.rows(table):
                if row["_contact"] == id:
                    own = row[INVOICE.id if table == "Invoices" else CREDIT.id]
                    self._books.change(table, own, _contact=into)
        values = {"ContactStatus": "ARCHIVED", "MergedToContactID": into}
        self._books.change("Contacts", id, **values)

    # --- documents ---------------------------------------------------------------------

    def write_invoice(self, *, fields: Row) -> str:
        """A new invoice of the person's own, by Xero's own names; numbers are text."""
        return str(self._saved(INVOICE, fields, create=True)["InvoiceID"])

    def edit_invoice(self, *, id: str, fields: Row) -> None:  # noqa: A002
        self._saved(INVOICE, fields, create=False, id_=id)

    def write_credit_note(self, *, fields: Row) -> str:
        """The same of a credit note."""
        return str(self._saved(CREDIT, fields, create=True)["CreditNoteID"])

    def edit_credit_note(self, *, id: str, fields: Row) -> None:  # noqa: A002
        self._saved(CREDIT, fields, create=False, id_=id)

    def void_invoice(self, *, id: str) -> None:  # noqa: A002
        """Voided, or deleted where it is a draft; what was paid of it is taken back first."""
        row = self._of("Invoices", InvoiceID=id)
        for payment in list(row["_payments"]):
            money.undo(self._books, self._of("Payments", PaymentID=payment), {"Status": "DELETED"})
        for allocation in list(row["_allocations"]):
            held = self._books.tables["Allocations"][allocation]
            note = self._books.tables["CreditNotes"][held["_note"]]
            money.take_back(self._books, note, held)
        row = self._of("Invoices", InvoiceID=id)
        gone = "VOIDED" if row["Status"] in documents.BOOKED else "DELETED"
        self._saved(INVOICE, {"Status": gone}, create=False, id_=id)

    def approve_invoice(self, *, id: str) -> None:  # noqa: A002
        row = self._of("Invoices", InvoiceID=id)
        due = row["DueDate"] or row["Date"]
        self._saved(INVOICE, {"Status": "AUTHORISED", "DueDate": due}, create=False, id_=id)

    def pay_invoice(self, *, id: str, account: str, amount: str | None) -> str:  # noqa: A002
        row = self._of("Invoices", InvoiceID=id)
        given = {
            "Invoice": {"InvoiceID": id},
            "Account": {"Code": account},
            "Amount": Decimal(amount) if amount else documents.left(row),
            "Reference": "Paid at the desk",
        }
        return str(money.pay(self._books, given)["PaymentID"])

    def undo_payment(self, *, id: str) -> None:  # noqa: A002
        money.undo(self._books, self._of("Payments", PaymentID=id), {"Status": "DELETED"})

    def reconcile_payment(self, *, id: str) -> None:  # noqa: A002
        """It is found on the bank's statement."""
        self._of("Payments", PaymentID=id)
        self._books.change("Payments", id, IsReconciled=True)

    def credit_invoice(self, *, id: str, allocate: bool) -> str:  # noqa: A002
        """A credit note of all of it, set against what is open of it where ``allocate``."""
        row = self._of("Invoices", InvoiceID=id)
        names = ("Description", "Quantity", "UnitAmount", "ItemCode", "AccountCode", "TaxType")
        lines = []
        for line in row["LineItems"]:
            copy = {name: line[name] for name in names} | {"TaxAmount": line["TaxAmount"]}
            if line["DiscountRate"] or line["DiscountAmount"]:
                copy |= {"Quantity": Decimal(1), "UnitAmount": line["LineAmount"]}
            lines.append(copy)
        given = {
            "Type": CREDIT.type,
            "Contact": {"ContactID": row["_contact"]},
            "Reference": row["InvoiceNumber"],
            "LineAmountTypes": row["LineAmountTypes"],
            "CurrencyCode": row["CurrencyCode"],
            "Status": "AUTHORISED",
            "LineItems": lines,
        }
        note = documents.save(self._books, CREDIT, given, create=True, id_=None, places=4)
        open_ = min(documents.left(row), documents.left(note))
        if allocate and open_:
            day = self._books.now.date().isoformat()
            against = {"Invoice": {"InvoiceID": id}, "Amount": open_, "Date": day}
            money.allocate(self._books, note, against)
        return str(note["CreditNoteID"])

    # --- looking -----------------------------------------------------------------------

    def rows(self, *, table: str) -> list[Row]:
        """All of them as an answer shows each, oldest first."""
        found = self._books.rows(table)
        if table in {"Invoices", "CreditNotes"}:
            of = INVOICE if table == "Invoices" else CREDIT
            return [
                documents.shown(self._books, of, row, whole=True, places=4, brief=False)
                for row in found
            ]
        if table == "Payments":
            return [money.shown(self._books, row) for row in found]
        if table == "Items":
            return [stock.shown(row, 4) for row in found]
        return found

    def _saved(
        self, of: documents.Papers, fields: Row, *, create: bool, id_: str | None = None
    ) -> Row:
        values = _numbers(fields)
        return documents.save(self._books, of, values, create=create, id_=id_, places=4)

    def _of(self, table: str, **fields: str) -> Row:
        found = self._books.first(table, **fields)
        if found is None:
            raise Invalid(f"there is no such row in {table}: {fields}")
        return found


_AMOUNTS: Final = {"Quantity", "UnitAmount", "TaxAmount", "DiscountRate", "DiscountAmount"}


def _numbers(value: Any, name: str = "") -> Any:
    """Amounts, which come as text, as numbers."""
    if isinstance(value, Mapping):
        return {key: _numbers(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_numbers(each) for each in value]
    if name in {*_AMOUNTS, "LineAmount", "CurrencyRate"} and isinstance(value, str | int):
        return Decimal(value)
    return value
