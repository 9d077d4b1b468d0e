"""Odoo's stand-in as an office."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import httpx

from accord.erp.odoo.adapter import Odoo
from accord.local.odoo import Desk, FakeOdoo
from accord.local.odoo.desk import Furniture
from accord.local.offices.office import PERCENTS, SERVICES, Billed, Json, Office, Sold
from accord.local.offices.wire import Wire
from accord.model.documents import State
from accord.ports.erp import Connection
from accord.rules.config import Config

_URL = "https://erp.example"
_STATES = {"draft": State.QUOTATION, "sent": State.QUOTATION, "sale": State.CONFIRMED}


def _name(request: httpx.Request) -> str:
    """``sale.order.load``; what belongs to the login is ``common.authenticate``."""
    if request.url.path != "/jsonrpc":
        return ".".join(request.url.path.split("/")[-2:])
    params = json.loads(request.content)["params"]
    if params["service"] == "object":
        return ".".join(params["args"][3:5])
    return f"{params['service']}.{params['method']}"


class OdooOffice(Office):
    """Its database is new; its clock is the world's."""

    kind: ClassVar[str] = "odoo"
    account: ClassVar[str] = "Bank"
    writes: ClassVar[tuple[str, ...]] = (
        "res.partner.load",
        "sale.order.load",
        "sale.order.action_confirm",
        "account.payment.create",
        "account.payment.action_post",
    )
    keyed: ClassVar[tuple[str, ...]] = ("res.partner.load", "sale.order.load")

    def __init__(
        self,
        items: Sequence[str],
        start: dt.datetime,
        config: Config | None = None,
        *,
        release: int = 17,
    ) -> None:
        super().__init__(items, start, config)
        self.odoo = FakeOdoo(version=release, clock=lambda: self.clock.now)
        self.desk = Desk(self.odoo)
        self.desk.furnish(
            Furniture(
                taxes={f"VAT {percent}%": Decimal(percent) for percent in PERCENTS},
                items=self.known_items,
                services=tuple(SERVICES),
                journals={"Bank": "BNK1", "Web payments": "WEB"},
            )
        )
        for code in self.known_items:
            self.desk.receive(code, 1000)
        self.wire = Wire(httpx.MockTransport(self.odoo), _name)
        connection = Connection(
            name=self.rules.erp,
            adapter="odoo",
            url=_URL,
            options={"database": "shopdb", "user": "connector", "warehouse": "MAIN"},
            secret={"key": self.odoo.key},
            timeout=Decimal(2),
            clock=lambda: self.clock.now,
        )
        self._adapter = Odoo.connect(connection, transport=self.wire)

    def erp(self) -> Any:
        """See ``Wiring.erp``."""
        return self._adapter

    def sold(self) -> list[Sold]:
        """See ``Office.sold``."""
        fields = ["client_order_ref", "state", "amount_total", "order_line"]
        return [
            Sold(
                row["client_order_ref"],
                _STATES.get(row["state"], State.VOIDED),
                _amount(row["amount_total"]),
                len(row["order_line"]),
            )
            for row in self._rows("sale.order", [], fields)
        ]

    def money(self) -> list[Decimal]:
        """See ``Office.money``."""
        posted = [["state", "not in", ["draft", "cancel", "canceled", "rejected"]]]
        return [
            _amount(row["amount"]) * (1 if row["payment_type"] == "inbound" else -1)
            for row in self._rows("account.payment", posted, ["amount", "payment_type"])
        ]

    def parties(self) -> int:
        """See ``Office.parties``."""
        every = [["active", "in", [True, False]], ["parent_id", "=", False]]
        return len(self._rows("res.partner", every, ["name"]))

    def invoices(self, order: str) -> list[Billed]:
        """See ``Office.invoices``."""
        (sale,) = self._rows("sale.order", [["id", "=", self._id(order)]], ["invoice_ids"])
        of_sale = [["id", "in", sale["invoice_ids"]], ["move_type", "=", "out_invoice"]]
        return self._billed(of_sale)

    def credit_notes(self) -> list[Billed]:
        """See ``Office.credit_notes``."""
        return self._billed([["move_type", "=", "out_refund"]])

    def ship(
        self, order: str, items: Mapping[str, Decimal] | None = None, *, tracking: str = ""
    ) -> None:
        """See ``Office.ship``."""
        self.desk.ship(self._id(order), items, tracking=tracking)

    def post_invoice(self, order: str) -> None:
        """See ``Office.post_invoice``."""
        self.desk.post_invoice(self._id(order))

    def cancel(self, order: str) -> None:
        """See ``Office.cancel``."""
        self.desk.cancel(self._id(order))

    def credit(self, order: str) -> None:
        """See ``Office.credit``."""
        self.desk.credit(self._id(order))

    def _id(self, order: str) -> int:
        return int(self.ref(order).id)

    def _billed(self, domain: list[Any]) -> list[Billed]:
        fields = ["name", "ref", "state", "payment_state", "amount_total"]
        return [
            Billed(
                row["name"],
                row["ref"] or "",
                _amount(row["amount_total"]),
                row["state"] == "posted",
                row["payment_state"] in {"paid", "in_payment", "reversed"},
            )
            for row in self._rows("account.move", domain, fields)
        ]

    def _rows(self, model: str, domain: list[Any], fields: list[str]) -> list[Json]:
        found: list[Json] = self.odoo.call(model, "search_read", domain, fields, order="id")
        return found


def _amount(number: float) -> Decimal:
    """To the cent: Odoo's JSON has floats."""
    return Decimal(f"{number:.2f}")
