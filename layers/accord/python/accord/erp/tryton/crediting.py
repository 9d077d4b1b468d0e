"""Credit notes written: made against the order's invoices, and posted."""

import datetime as dt
from dataclasses import replace

from accord.erp.needs import needs
from accord.erp.tryton.credits import (
    INVOICE_FIELDS,
    Header,
    credit_values,
    invoices_of,
    preview_credit,
)
from accord.erp.tryton.masterdata import MasterData
from accord.erp.tryton.records import Records
from accord.erp.tryton.wire import Values
from accord.erp.unsent import nothing_made
from accord.errors import RejectedError, UnmappedError
from accord.model.change import Ref
from accord.model.documents import CreditDocument, Kind, Record, State, Totals


class Crediting:
    """``account.invoice`` with negative quantities. ``digits``: how precise a unit price may be."""

    def __init__(self, records: Records, master: MasterData, digits: int) -> None:
        self._records = records
        self._master = master
        self._digits = digits

    def preview(self, document: CreditDocument) -> Totals:
        """The totals, positive; computed here."""
        known = self._master.known(needs(document))
        return preview_credit(document, known, self._master.shop(), self._digits)

    def create(self, document: CreditDocument, key: str) -> Record:
        """The new draft with its totals. Three calls: the order's invoices, create, read."""
        with nothing_made():
            known, shop = self._master.known(needs(document)), self._master.shop()
            preview_credit(document, known, shop, self._digits)  # what would never be finished
            sale = self._records.one("sale.sale", int(document.order.id), INVOICE_FIELDS)
            # A party that was merged since then left its orders and addresses to the other.
            document = replace(document, party=replace(document.party, id=str(sale["party"])))
            invoices = invoices_of(sale)
            header = self._header(document, invoices)
            products = {known.items[line.item].id for line in document.lines if line.item}
            invoiced = {line["product"] for each in invoices for line in each["lines."]}
            accounts = {each: self._account(each, document) for each in products - invoiced}
        values = credit_values(
            document,
            key,
            header,
            invoices,
            accounts=accounts,
            known=known,
            shop=shop,
            digits=self._digits,
        )
        (id_,) = self._records.call("model.account.invoice.create", [values])
        ref = Ref(self._records.connection, Kind.CREDIT_NOTE, str(id_))
        return self._records.again(Record(ref=ref, number="", key=key))

    def post(self, record: Record) -> Record:
        """``record``, booked and numbered. Two calls.

        Tryton numbers in the order of dates: once a later day has a number, an earlier one gets
        none. Such a credit note bears the later day and is booked on its own.
        """
        id_ = int(record.ref.id)
        try:
            self._records.call("model.account.invoice.post", [id_])
        except RejectedError:
            now = self._records.again(record)
            if now.state is State.CONFIRMED:
                return now
            if now.state is not State.DRAFT or not self._redated(id_):
                raise
            self._records.call("model.account.invoice.post", [id_])
        return self._records.again(record)

    def _redated(self, id_: int) -> bool:
        """Whether it was dated too early to be numbered; it no longer is."""
        row = self._records.one("account.invoice", id_, ("invoice_date", "accounting_date"))
        on: dt.date | None = row["invoice_date"]
        if on is None:
            return False
        numbered = self._records.search(
            "account.invoice",
            [
                ["company", "=", self._master.shop().company],
                ["type", "=", "out"],
                ["sequence", "!=", None],
                ["invoice_date", ">", on],
            ],
            ("invoice_date",),
            limit=1,
            order=[["invoice_date", "DESC"]],
        )
        if not numbered:
            return False
        self._records.call(
            "model.account.invoice.write",
            [id_],
            {
                "invoice_date": numbered[0]["invoice_date"],
                "accounting_date": row["accounting_date"] or on,
            },
        )
        return True

    def _header(self, document: CreditDocument, invoices: list[Values]) -> Header:
        """As on the invoice; without one, as Tryton would choose for a new invoice."""
        for invoice in invoices:
            if invoice["party"] == int(document.party.id):
                return Header(
                    account=invoice["account"],
                    journal=invoice["journal"],
                    tax_identifier=invoice["party_tax_identifier"],
                )
        journals = self._records.search(
            "account.journal", [["type", "=", "revenue"]], ("name",), limit=1
        )
        if not journals:
            raise self._lacks("a journal of revenue", "account:journal")
        account = self._records.receivable(document.party, self._master.shop())
        return Header(account=account, journal=journals[0]["id"])

    def _account(self, product: int, document: CreditDocument) -> int:
        """The revenue account that Tryton takes for a product that was not invoiced."""
        shop = self._master.shop()
        line = {
            "type": "line",
            "product": product,
            "invoice_type": "out",
            "company": shop.company,
            "party": int(document.party.id),
        }
        account = self._records.call("model.account.invoice.line.on_change_product", line).get(
            "account"
        )
        if account is None:
            raise self._lacks(f"a revenue account of product {product}", f"revenue:{product}")
        return int(account)

    def _lacks(self, what: str, cause: str) -> UnmappedError:
        return UnmappedError(
            f"{self._records.connection} has not got {what}; set it up in Tryton",
            connection=self._records.connection,
            causes=(cause,),
        )
