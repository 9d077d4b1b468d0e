"""Xero's stand-in as an office."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import httpx

from accord.erp.xero.adapter import Xero
from accord.erp.xero.mapping import STATES
from accord.local.offices.office import PERCENTS, SERVICES, Billed, Json, Office, Sold
from accord.local.offices.wire import Wire
from accord.local.xero import Desk, FakeXero
from accord.local.xero.desk import Furniture
from accord.local.xero.server import TENANT, TOKEN
from accord.model.keys import order_of_refund
from accord.ports.erp import Connection
from accord.ports.tokens import Access
from accord.rules.config import Config

_URL = "https://api.xero.com"
_ROOT = "/api.xro/2.0/"


def _name(request: httpx.Request) -> str:
    """``PUT Invoices``, ``PUT Allocations``: the method and the resource."""
    parts = request.url.path.removeprefix(_ROOT).split("/")
    return f"{request.method} {parts[2] if len(parts) > 2 else parts[0]}"


class _Tokens:
    """A token that does not expire."""

    def access(self) -> Access:
        return Access(TOKEN, TENANT)

    def renewed(self, refused: Access) -> Access:
        return refused

    def another(self, refused: Access) -> Access | None:  # noqa: ARG002
        return None


class XeroOffice(Office):
    """Its organisation is new; its clock is the world's. It ships nothing, and a confirmed order is
    its own invoice."""

    kind: ClassVar[str] = "xero"
    account: ClassVar[str] = "Bank"
    writes: ClassVar[tuple[str, ...]] = (
        "PUT Contacts",
        "PUT Invoices",
        "POST Invoices",
        "PUT Payments",
    )
    keyed: ClassVar[tuple[str, ...]] = writes

    def __init__(
        self, items: Sequence[str], start: dt.datetime, config: Config | None = None
    ) -> None:
        super().__init__(items, start, config)
        self.xero = FakeXero(clock=lambda: self.clock.now)
        self.desk = Desk(self.xero)
        self.desk.furnish(
            Furniture(
                taxes={f"VAT {percent}%": Decimal(percent) for percent in PERCENTS},
                items=self.known_items,
                services=tuple(SERVICES),
                banks={"091": "Bank", "092": "Web payments"},
            )
        )
        self.wire = Wire(httpx.MockTransport(self.xero), _name)
        connection = Connection(
            name=self.rules.erp,
            adapter="xero",
            url=_URL,
            timeout=Decimal(2),
            clock=lambda: self.clock.now,
            tokens=_Tokens(),
        )
        self._adapter = Xero.connect(connection, transport=self.wire)

    def erp(self) -> Any:
        """See ``Wiring.erp``."""
        return self._adapter

    def sold(self) -> list[Sold]:
        """See ``Office.sold``."""
        return [
            Sold(
                row["InvoiceNumber"],
                STATES[row["Status"]],
                _amount(row["Total"]),
                len(row["LineItems"]),
            )
            for row in self.desk.rows("Invoices")
        ]

    def money(self) -> list[Decimal]:
        """See ``Office.money``."""
        return [
            _amount(row["Amount"]) * (1 if row["PaymentType"] == "ACCRECPAYMENT" else -1)
            for row in self.desk.rows("Payments")
            if row["Status"] == "AUTHORISED"
        ]

    def parties(self) -> int:
        """See ``Office.parties``."""
        return len(self.desk.rows("Contacts"))

    def invoices(self, order: str) -> list[Billed]:
        """See ``Office.invoices``."""
        id_ = self.ref(order).id
        return [
            _billed(row, "InvoiceNumber", "")
            for row in self.desk.rows("Invoices")
            if row["InvoiceID"] == id_ and row["Status"] in {"AUTHORISED", "PAID", "VOIDED"}
        ]

    def credit_notes(self) -> list[Billed]:
        """See ``Office.credit_notes``."""
        return [
            _billed(row, "CreditNoteNumber", row["CreditNoteNumber"])
            for row in self.desk.rows("CreditNotes")
        ]

    def ship(
        self, order: str, items: Mapping[str, Decimal] | None = None, *, tracking: str = ""
    ) -> None:
        """See ``Office.ship``. Goods leave without Xero's knowing."""

    def post_invoice(self, order: str) -> None:
        """See ``Office.post_invoice``. It was, when it was confirmed."""

    def cancel(self, order: str) -> None:
        """See ``Office.cancel``."""
        self.desk.void(self.ref(order).id)

    def credit(self, order: str) -> None:
        """See ``Office.credit``."""
        self.desk.credit(self.ref(order).id)


def _billed(row: Json, number: str, key: str) -> Billed:
    return Billed(
        row[number],
        key if order_of_refund(key) else "",
        _amount(row["Total"]),
        row["Status"] in {"AUTHORISED", "PAID"},
        row["Status"] == "PAID",
    )


def _amount(number: float) -> Decimal:
    """To the cent: the stand-in's JSON has floats."""
    return Decimal(f"{number:.2f}")
