"""The in-memory ledger as an office, spoken to over HTTP as from another process."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar

import httpx

from accord.erp.memory.adapter import HttpCaller, Memory
from accord.http import http_client
from accord.local.ledger import ledger_app
from accord.local.offices.office import Billed, Json, Office, Sold
from accord.local.offices.wire import Wire
from accord.model.documents import State
from accord.rules.config import Config

_URL = "http://127.0.0.1:8000"


def _name(request: httpx.Request) -> str:
    """``create party``: the operation, and the kind that it is about."""
    asked = json.loads(request.content)
    return f"{asked['method']} {asked['arguments'].get('kind', '')}".strip()


class MemoryOffice(Office):
    """It holds every item, and its clock is the world's."""

    kind: ClassVar[str] = "memory"
    account: ClassVar[str] = "Bank"
    writes: ClassVar[tuple[str, ...]] = (
        "create party",
        "create sales_order",
        "advance sales_order",
        "create payment",
    )
    keyed: ClassVar[tuple[str, ...]] = ("create party", "create sales_order", "create payment")

    def __init__(
        self, items: Sequence[str], start: dt.datetime, config: Config | None = None
    ) -> None:
        super().__init__(items, start, config)
        self.wire = Wire(httpx.WSGITransport(app=ledger_app(self.books)), _name)
        client = http_client(_URL, timeout=2, transport=self.wire)
        self._over_http = Memory(HttpCaller(client, self.rules.erp), "main", clock=self.clock)
        self._clerk = Memory(self.books.call, self.rules.erp, clock=self.clock)
        self._over_http.ping()

    def erp(self) -> Memory:
        """See ``Wiring.erp``."""
        return self._over_http

    def sold(self) -> list[Sold]:
        """See ``Office.sold``."""
        return [
            Sold(
                sale["key"],
                State(sale["state"]),
                Decimal(sale["totals"]["gross"]),
                len(sale["lines"]),
            )
            for sale in self.books.sales()
        ]

    def money(self) -> list[Decimal]:
        """See ``Office.money``."""
        paid = [each for sale in self.books.sales() for each in sale["payments"]]
        paid.sort(key=lambda each: str(each["number"]))
        return [Decimal(each["amount"]) for each in paid]

    def parties(self) -> int:
        """See ``Office.parties``."""
        return len(self.books.parties())

    def invoices(self, order: str) -> list[Billed]:
        """See ``Office.invoices``."""
        id_ = self.ref(order).id
        (sale,) = (each for each in self.books.sales() if each["id"] == id_)
        return [_billed(each) for each in sale["invoices"]]

    def credit_notes(self) -> list[Billed]:
        """See ``Office.credit_notes``."""
        return [_billed(each) for sale in self.books.sales() for each in sale["credit_notes"]]

    def ship(
        self, order: str, items: Mapping[str, Decimal] | None = None, *, tracking: str = ""
    ) -> None:
        """See ``Office.ship``."""
        self._clerk.ship(self.ref(order), items, tracking=tracking)

    def post_invoice(self, order: str) -> None:
        """See ``Office.post_invoice``."""
        self._clerk.post_invoice(self.ref(order))

    def cancel(self, order: str) -> None:
        """See ``Office.cancel``."""
        self._clerk.cancel(self.ref(order))

    def credit(self, order: str) -> None:
        """See ``Office.credit``."""
        self._clerk.credit(self.ref(order))


def _billed(row: Json) -> Billed:
    booked = row["state"] in {"posted", "paid"}
    gross = abs(Decimal(row["totals"]["gross"]))
    return Billed(row["number"], row["key"] or "", gross, booked, row["state"] == "paid")
