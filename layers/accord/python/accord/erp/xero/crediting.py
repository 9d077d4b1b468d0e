"""Credit notes written: made, authorised, and set against their invoice as far as that is open.

Calls: two to make one, one to book it; two and one more to set it against its invoice. Three where
its day was locked before it was booked.
"""

import datetime as dt
from decimal import Decimal
from typing import Final

from accord.erp.unsent import nothing_made
from accord.erp.xero.books import Books
from accord.erp.xero.client import Client
from accord.erp.xero.mapping import (
    UNIT_PRICES,
    credit_record,
    credit_values,
    state_of,
    totals_of,
)
from accord.erp.xero.masterdata import MasterData
from accord.erp.xero.people import People
from accord.erp.xero.refusals import PeriodLockedError, locked
from accord.erp.xero.selling import Selling
from accord.erp.xero.wire import Values, day_of, decimal, every, is_id, only, quoted, text
from accord.errors import DisagreementError, DuplicateError, RejectedError, StaleVersionError
from accord.model.documents import CreditDocument, Record, State

PATH: Final = "CreditNotes"


class Crediting:
    """``CreditNotes`` of one organisation, of type ACCRECCREDIT. Each refers to its invoice."""

    def __init__(
        self,
        client: Client,
        master: MasterData,
        people: People,
        selling: Selling,
        books: Books,
    ) -> None:
        self._client = client
        self._master = master
        self._people = people
        self._selling = selling
        self._books = books

    def create(self, document: CreditDocument, key: str) -> Record:
        """The new draft with its totals, or the credit note of that number as it is by now.

        Raises: DuplicateError: the number is taken by something else. DisagreementError: a person
        voided the invoice, so nothing is left of it to be credited.
        """
        with nothing_made():
            known = self._selling.known(document)
            order = self._selling.row(_record_of(document))
        if state_of(order) is State.VOIDED:
            raise self._voided(order)
        body = credit_values(
            document, text(order.get("InvoiceNumber")), known, self._master.options
        )
        # Of one that was merged, whoever has its invoices now.
        body |= {"Contact": {"ContactID": order["Contact"]["ContactID"]}}
        body |= {"CreditNoteNumber": key, "Status": "DRAFT"}
        try:
            return self._people.served(self._put, body, key)
        except DuplicateError:
            found = self.find(key)
            totals = totals_of(
                document.lines, document.currency, known, self._master.options, discounts=False
            )
            if len(found) != 1 or found[0].state is State.VOIDED or found[0].totals != totals:
                raise
            return found[0]
        except PeriodLockedError as error:
            raise locked(self._client.connection, document.issued_on, error) from error

    def redate(self, record: Record, document: CreditDocument) -> Record:
        """See ``Redates.redate``. Three calls. All lines are made anew: one says the true day."""
        with nothing_made():
            known = self._selling.known(document)
            order = self._selling.row(_record_of(document))
            row = self._row(record.ref.id)
        now = credit_record(row, self._client.connection)
        if now.state is not State.DRAFT:
            raise RejectedError(
                f"{self._client.connection}: credit note {now.number} is {row['Status']} in Xero "
                "and can no longer be changed"
            )
        body = credit_values(
            document, text(order.get("InvoiceNumber")), known, self._master.options
        )
        body |= {"CreditNoteID": record.ref.id, "Status": row["Status"]}
        body |= {"Contact": {"ContactID": row["Contact"]["ContactID"]}}
        try:
            answer = self._client.post(
                f"{PATH}/{record.ref.id}",
                {PATH: [body]},
                key=f"{record.ref.id} redate {document.issued_on}",
                params=UNIT_PRICES,
            )
        except PeriodLockedError as error:
            raise locked(self._client.connection, document.issued_on, error) from error
        return credit_record(only(answer, PATH), self._client.connection)

    def _put(self, body: Values, key: str) -> Record:
        answer = self._client.put(PATH, {PATH: [body]}, key=key, params=UNIT_PRICES)
        return credit_record(only(answer, PATH), self._client.connection)

    def book(self, record: Record) -> Record:
        """The credit note, authorised.

        It is set against nothing: where the store was paid, its money goes back.
        """
        id_ = record.ref.id
        body = {PATH: [{"CreditNoteID": id_, "Status": "AUTHORISED"}]}
        try:
            answer = self._client.post(
                f"{PATH}/{id_}", body, key=f"{id_} authorise", params=UNIT_PRICES
            )
            row = only(answer, PATH)
        except RejectedError as error:
            row = self._row(id_)
            if credit_record(row, self._client.connection).state is not State.CONFIRMED:
                if isinstance(error, PeriodLockedError):
                    raise locked(self._client.connection, _date(row), error) from error
                raise
        return credit_record(row, self._client.connection)

    def get(self, id_: str) -> Record | None:
        if not is_id(id_):
            return None
        rows = self._client.get(f"{PATH}/{id_}").get(PATH) or []
        return credit_record(rows[0], self._client.connection) if rows else None

    def find(self, key: str) -> tuple[Record, ...]:
        """The credit note of that number, voided or not. One call."""
        rows = credit_notes(self._client, key)
        return tuple(credit_record(row, self._client.connection) for row in rows)

    def allocate(self, row: Values) -> None:
        """What is left of the credit note is set against what is open of its invoice, on the note's
        day or the first behind it that is open.

        Raises: StaleVersionError: somebody paid or credited at this moment. RejectedError.
        """
        found = self._open(row)
        if found is None:
            return
        invoice, amount = found
        on = self._books.open_day(_date(row))
        try:
            try:
                self._put_against(invoice, amount, row, on)
            except PeriodLockedError:  # a moment ago
                self._books.forget()
                if (later := self._books.open_day(on)) == on:
                    raise
                self._put_against(invoice, amount, row, later)
        except RejectedError as error:
            if self._open(row) == found:
                raise
            raise StaleVersionError(str(error), connection=self._client.connection) from error

    def _put_against(self, invoice: str, amount: Decimal, note: Values, on: dt.date) -> None:
        id_ = note["CreditNoteID"]
        body = {"Allocations": [{"Invoice": {"InvoiceID": invoice}, "Amount": amount, "Date": on}]}
        self._client.put(f"{PATH}/{id_}/Allocations", body, key=f"{id_} allocate {on}")

    def _open(self, row: Values) -> tuple[str, Decimal] | None:
        """The invoice's id, and how much of the credit note can be set against it now."""
        number = text(row.get("Reference"))
        found = self._client.get("Invoices", params={"InvoiceNumbers": number}).get("Invoices")
        booked = [
            each
            for each in every(found or (), "InvoiceNumber", number)
            if each.get("Status") == "AUTHORISED" and decimal(each.get("AmountDue"))
        ]
        if len(booked) != 1:
            return None
        # ``row`` may be of an earlier try; whether that one came this far, tells this.
        left = decimal(self._row(str(row["CreditNoteID"])).get("RemainingCredit"))
        amount = min(left, decimal(booked[0].get("AmountDue")))
        return (str(booked[0]["InvoiceID"]), amount) if amount > 0 else None

    def _row(self, id_: str) -> Values:
        rows = self._client.get(f"{PATH}/{id_}").get(PATH) or []
        if not rows:
            raise RejectedError(f"{self._client.connection}: credit note {id_} is not in Xero")
        return dict(rows[0])

    def _voided(self, invoice: Values) -> DisagreementError:
        number = invoice["InvoiceNumber"]
        return DisagreementError(
            f"{self._client.connection}: invoice {number} is {invoice['Status']} in Xero, so "
            "nothing is left of it to be credited; cancel the order in the store, or refund the "
            "rest of it, then replay",
            reason="voided",
            owner="commerce",
        )


def credit_notes(client: Client, number: str) -> list[Values]:
    """The one of that number, voided or not. One call."""
    term = quoted(number)
    if term is None:
        return []
    rows = client.pages(PATH, PATH, params={"where": f"CreditNoteNumber=={term}"})
    return every(rows, "CreditNoteNumber", number)


def _record_of(document: CreditDocument) -> Record:
    return Record(ref=document.order, number="")


def _date(row: Values) -> dt.date:
    found = day_of(row, "Date")
    return found if found is not None else dt.date.min
