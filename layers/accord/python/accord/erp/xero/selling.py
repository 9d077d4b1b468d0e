"""Orders written as sales invoices: made, authorised, changed, voided.

Calls for one order of a known customer, once the master data is known: make, authorise.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from accord.erp.unsent import nothing_made
from accord.erp.xero.client import Client
from accord.erp.xero.invoices import questions
from accord.erp.xero.known import Known
from accord.erp.xero.mapping import (
    BY,
    UNIT_PRICES,
    check_currency,
    invoice_values,
    needs_of,
    number_in,
    order_record,
    totals_of,
    version_of,
    without_account,
)
from accord.erp.xero.masterdata import MasterData
from accord.erp.xero.people import People
from accord.erp.xero.refusals import PeriodLockedError, locked
from accord.erp.xero.shortage import shortage, taken
from accord.erp.xero.wire import Values, day_of, decimal, every, is_id, only, quoted, text
from accord.errors import DisagreementError, DuplicateError, RejectedError
from accord.model.documents import (
    CreditDocument,
    Record,
    SalesDocument,
    State,
    Totals,
)
from accord.ports.numbers import Numbered

PATH: Final = "Invoices"


class Selling:
    """``Invoices`` of one organisation, of type ACCREC."""

    def __init__(self, client: Client, master: MasterData, people: People) -> None:
        self._client = client
        self._master = master
        self._people = people

    def preview(self, document: SalesDocument | CreditDocument) -> Totals:
        """See ``ErpAdapter.preview``. Computed here, as Xero does it; nothing is made there."""
        return totals_of(
            document.lines,
            document.currency,
            self.known(document),
            self._master.options,
            discounts=isinstance(document, SalesDocument),
        )

    def known(self, document: SalesDocument | CreditDocument) -> Known:
        """What is needed to map ``document``.

        Raises: UnmappedError: naming all that is not. UnsupportedError: its currency.
        """
        check_currency(document.currency)
        needs = needs_of(document)
        if self._master.options.sales_account:
            needs["accounts"].add(self._master.options.sales_account)
        needs["tracking"] = self._master.tracking()
        known = self._master.known(needs)
        bare = without_account(document, known)
        if bare and not self._master.options.sales_account:
            codes = ", ".join(item.code for item in bare)
            raise self._master.unmapped(
                [f"revenue:{item.code}" for item in bare],
                f"give {codes} a sales account in Xero, or name one for all such items in "
                "options.sales_account",
            )
        return known

    def create(self, document: SalesDocument, key: str) -> Record:
        """The new draft, or the invoice of that number as it is by now. One call.

        Raises: DuplicateError: the number is taken by something else.
        """
        with nothing_made():
            known = self.known(document)
        body = invoice_values(document, known, self._master.options)
        body |= {"InvoiceNumber": key, "Status": "DRAFT"}
        try:
            return self._people.served(self._put, body, key)
        except DuplicateError:
            if (found := self._alike(key, totals=self.preview(document))) is not None:
                return found
            raise
        except PeriodLockedError as error:
            raise locked(self._client.connection, document.placed_on, error) from error

    def advance(self, record: Record, to: State) -> Record:
        """At least as far as ``to``; one call to authorise.

        Raises: WaitingError: it sells goods that are not there; it is a draft, as it was.
        """
        if to is not State.CONFIRMED:
            return self.again(record)
        body = {"InvoiceID": record.ref.id, "Status": "AUTHORISED"}
        try:
            # Of what was changed since it was refused, it is another question.
            return self._post(record, body, f"authorise {record.version}".rstrip())
        except RejectedError as error:
            row = self.row(record)
            now = order_record(row, self._client.connection)
            if now.state is State.CONFIRMED:
                return now
            if isinstance(error, PeriodLockedError):
                raise locked(self._client.connection, _date(row), error) from error
            goods = taken(self._client, row)
            if (waits := shortage(self._client.connection, row, goods)) is not None:
                raise waits from error
            if not goods:
                raise
            # Xero repeats an answer for some minutes: maybe the one from when they were not there.
            return self._post(record, body, f"authorise {'; '.join(map(str, goods))}")

    def amend(self, record: Record, document: SalesDocument) -> Record:
        """``record`` with all that ``document`` says. Two calls.

        All lines are made anew: which one became which, only the store could tell.
        Raises: RejectedError: it is authorised or voided.
        """
        with nothing_made():
            known = self.known(document)
            row = self.row(record)
        now = order_record(row, self._client.connection)
        if now.state is not State.QUOTATION:
            raise RejectedError(
                f"{self._client.connection}: invoice {now.number} is {row['Status']} in Xero and "
                "can no longer be changed; credit it there by hand"
            )
        body = invoice_values(document, known, self._master.options)
        body |= {"InvoiceID": record.ref.id, "Status": row["Status"]}
        try:
            return self._people.served(
                partial(self._post, record), body, f"amend {version_of(row)}"
            )
        except PeriodLockedError as error:
            raise locked(self._client.connection, document.placed_on, error) from error

    def void(self, record: Record) -> Record:
        """``record`` voided; a draft is deleted, which keeps its number too. Two calls.

        Raises: DisagreementError: money or credit was set against it, or its period is locked;
        nothing was changed.
        """
        row = self.row(record)
        now = order_record(row, self._client.connection)
        if now.state is State.VOIDED:
            return now
        self._refuse_what_happened(row)
        status = "DELETED" if now.state is State.QUOTATION else "VOIDED"
        body = {"InvoiceID": record.ref.id, "Status": status}
        try:
            return self._post(record, body, f"void {version_of(row)}")
        except PeriodLockedError as error:
            raise self._invoiced(row, "its period is locked") from error
        except RejectedError:
            row = self.row(record)
            now = order_record(row, self._client.connection)
            if now.state is State.VOIDED:
                return now
            self._refuse_what_happened(row)
            raise

    def again(self, record: Record) -> Record:
        """``record`` as it is now. Raises: RejectedError: it is gone."""
        return order_record(self.row(record), self._client.connection)

    def get(self, id_: str) -> Record | None:
        row = self._found(id_)
        return order_record(row, self._client.connection) if row is not None else None

    def find(self, key: str) -> tuple[Record, ...]:
        """Every invoice of that number, voided ones too. One call."""
        rows = self._client.get(PATH, params={"InvoiceNumbers": key}).get(PATH) or []
        return tuple(
            order_record(row, self._client.connection)
            for row in every(_sales(rows), "InvoiceNumber", key)
        )

    def numbered(self, numbers: Sequence[str]) -> list[Numbered]:
        """See ``Numbers.numbered``. One call for about a dozen; a number that no question can say
        is nobody's."""
        found: dict[str, Values] = {}
        for question in questions(term for number in numbers for term in _named(number)):
            for row in self._client.pages(PATH, PATH, params={"where": question}):
                found[row["InvoiceID"]] = row
        wanted = set(numbers)
        return [
            Numbered(order_record(row, self._client.connection), of, day_of(row, "Date"))
            for row in _sales(list(found.values()))
            if (of := number_in(text(row.get("Reference")))) in wanted
            or text(row.get("InvoiceNumber")) in wanted
        ]

    def row(self, record: Record) -> Values:
        """The invoice as Xero has it. Raises: RejectedError: it is gone."""
        found = self._found(record.ref.id)
        if found is None:
            raise RejectedError(f"{record.ref} is no longer in Xero")
        return found

    # --- the wire -----------------------------------------------------------

    def _found(self, id_: str) -> Values | None:
        if not is_id(id_):
            return None
        rows = _sales(self._client.get(f"{PATH}/{id_}").get(PATH) or [])
        return rows[0] if rows else None

    def _put(self, body: Values, key: str) -> Record:
        answer = self._client.put(PATH, {PATH: [body]}, key=key, params=UNIT_PRICES)
        return order_record(only(answer, PATH), self._client.connection)

    def _post(self, record: Record, body: Values, what: str) -> Record:
        answer = self._client.post(
            f"{PATH}/{record.ref.id}",
            {PATH: [body]},
            key=f"{record.ref.id} {what}",
            params=UNIT_PRICES,
        )
        return order_record(only(answer, PATH), self._client.connection)

    def _alike(self, key: str, *, totals: Totals) -> Record | None:
        """What an earlier try made, which Xero has forgotten but for its number."""
        found = self.find(key)
        if len(found) != 1 or found[0].state is State.VOIDED or found[0].totals != totals:
            return None
        return found[0]

    def _refuse_what_happened(self, row: Values) -> None:
        """Raises: DisagreementError: voiding it would take more back than the order."""
        if decimal(row.get("AmountPaid")):
            raise self._invoiced(row, f"{row['AmountPaid']} was paid of it")
        if decimal(row.get("AmountCredited")):
            raise self._invoiced(row, f"{row['AmountCredited']} was credited of it")

    def _invoiced(self, row: Values, why: str) -> DisagreementError:
        return DisagreementError(
            f"invoice {row['InvoiceNumber']} cannot be voided: {why}; credit it in Xero, then "
            "dismiss this",
            reason="invoiced",
            owner="finance",
        )


def _sales(rows: list[Values]) -> list[Values]:
    """Those that are sales; a bill may bear the same number."""
    return [row for row in rows if row.get("Type") == "ACCREC"]


def _named(number: str) -> Iterator[str]:
    """Terms that hold of invoices with that number, or with that order's in their reference."""
    said, longer = quoted(number), quoted(f"{number}{BY}")
    if said is not None and longer is not None:
        yield f"InvoiceNumber=={said}"
        yield f"Reference=={said}"
        yield f"Reference!=null AND Reference.StartsWith({longer})"


def _date(row: Values) -> dt.date:
    found = day_of(row, "Date")
    return found if found is not None else dt.date.min
