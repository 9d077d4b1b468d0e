"""Payments written, and the days that the books are open for."""

import datetime as dt
from decimal import Decimal
from typing import Any

from accord.erp.needs import needs
from accord.erp.tryton.books import rounded
from accord.erp.tryton.masterdata import MasterData
from accord.erp.tryton.payments import Booking, payment_values
from accord.erp.tryton.records import Records
from accord.erp.tryton.wire import Values
from accord.erp.unsent import nothing_made
from accord.errors import RejectedError, UnmappedError
from accord.model.change import Ref
from accord.model.documents import Kind, PaymentDocument, Record, State, Totals


class Paying:
    """``account.move`` of one company: money received and given back."""

    def __init__(self, records: Records, master: MasterData) -> None:
        self._records = records
        self._master = master

    def create(self, document: PaymentDocument, key: str) -> Record:
        """The new move, posted. Five calls."""
        with nothing_made():
            known, shop = self._master.known(needs(document)), self._master.shop()
            booking = Booking(
                receivable=self._records.receivable(document.party, shop),
                period=self._period(document.received_on),
                amount=self._in_company_currency(document),
            )
        values = payment_values(document, key, known, shop, booking)
        (id_,) = self._records.call("model.account.move.create", [values])
        amount, zero = document.amount, document.amount - document.amount
        return self.post(
            Record(
                ref=Ref(self._records.connection, Kind.PAYMENT, str(id_)),
                number="",
                key=key,
                totals=Totals(net=amount, tax=zero, gross=amount),
            )
        )

    def post(self, record: Record) -> Record:
        """``record``, posted. Two calls."""
        try:
            self._records.call("model.account.move.post", [int(record.ref.id)])
        except RejectedError:
            if self._records.again(record).state is not State.CONFIRMED:
                raise
        return self._records.again(record)

    def open_day(self, kind: Kind, on: dt.date) -> dt.date | None:
        """The first day from ``on`` that takes a payment or credit note. One call, never kept."""
        numbered: list[Any] = []
        if kind is Kind.CREDIT_NOTE:
            # "where" asks for one that has it; a plain != would also hold for a year with none.
            has = [["out_credit_note_sequence", "!=", None]]
            numbered = [["fiscalyear.invoice_sequences", "where", has]]
        elif kind is not Kind.PAYMENT:
            return on  # an order is not booked
        periods = self._periods(["end_date", ">=", on], *numbered)
        return max(on, periods[0]["start_date"]) if periods else None

    def _period(self, on: dt.date) -> int:
        rows = self._periods(["start_date", "<=", on], ["end_date", ">=", on])
        if not rows:
            raise UnmappedError(
                f"{self._records.connection} has no open period for {on}; open one, or a fiscal "
                "year",
                connection=self._records.connection,
                causes=(f"period:{on:%Y-%m}",),
            )
        return int(rows[0]["id"])

    def _periods(self, *clauses: list[Any]) -> list[Values]:
        """The first open period that the clauses hold for."""
        return self._records.search(
            "account.period",
            [
                ["company", "=", self._master.shop().company],
                ["type", "=", "standard"],
                ["state", "=", "open"],
                ["fiscalyear.state", "=", "open"],
                *clauses,
            ],
            ["start_date"],
            limit=1,
            order=[["start_date", "ASC"]],
        )

    def _in_company_currency(self, document: PaymentDocument) -> Decimal:
        """The amount at the rate that Tryton holds for its day."""
        own, amount = self._master.shop().currency, document.amount
        if amount.currency == own:
            return amount.amount
        codes = {own, amount.currency}
        known = self._master.known({"currencies": codes})
        ids = {known.currencies[code].id: code for code in codes}
        rows = self._records.call(
            "model.currency.currency.read", list(ids), ["rate"], date=document.received_on
        )
        rates: dict[str, Any] = {ids[row["id"]]: row["rate"] for row in rows}
        if not all(rates.values()):
            raise UnmappedError(
                f"{self._records.connection} has no rate of {' and '.join(sorted(codes))} "
                f"for {document.received_on}; enter it in Tryton",
                connection=self._records.connection,
                causes=(f"rate:{amount.currency}",),
            )
        exact = amount.amount * rates[own] / rates[amount.currency]
        return rounded(exact, known.currencies[own].unit)
