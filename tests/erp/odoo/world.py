"""The whole service in one process, with the stand-in for Odoo as its back office."""

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx

from accord.erp.odoo.adapter import Odoo
from accord.local.odoo import Desk, FakeOdoo
from accord.local.odoo.desk import Furniture
from accord.local.world import World
from accord.rules.config import Config
from tests.erp.odoo.conftest import connection
from tests.sync.conftest import START

BOOKS = Furniture(
    taxes={f"VAT {percent}%": Decimal(percent) for percent in (20, 19, 5, 0)},
    services=("SHIPPING", "FEE", "ROUNDING", "MISC", "OTHER"),
    journals={"Bank": "BNK1", "Stripe": "STR", "PayPal": "PPL"},
)


class OdooWorld(World):
    """A World whose books are kept in Odoo. What fails there is planned at ``odoo``."""

    def __init__(self, config: Config, items: list[str], *, version: int = 17) -> None:
        self._items = items
        self._version_of_odoo = version
        super().__init__(config, START)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.odoo = FakeOdoo(version=self._version_of_odoo, clock=lambda: self.clock.now)
        self.desk = Desk(self.odoo)
        self.desk.furnish(dataclasses.replace(BOOKS, items=self._items))
        for code in self._items:
            self.desk.receive(code, 1000)
        here = dataclasses.replace(connection(), clock=lambda: self.clock.now)
        self.answer: Callable[[httpx.Request], httpx.Response] = self.odoo
        transport = httpx.MockTransport(self._answered)
        self._odoo_adapter = Odoo.connect(here, transport=transport)

    def _answered(self, request: httpx.Request) -> httpx.Response:
        return self.answer(request)

    def erp(self) -> Any:
        """See ``Wiring.erp``."""
        return self._odoo_adapter

    # --- what stands in Odoo -----------------------------------------------------

    def orders(self) -> list[dict[str, Any]]:
        return self._rows("sale.order", ["client_order_ref", "state", "amount_total"])

    def payments(self) -> list[dict[str, Any]]:
        return self._rows("account.payment", ["state", "amount", "payment_type"])

    def partners(self) -> list[dict[str, Any]]:
        every = [["active", "in", [True, False]], ["parent_id", "=", False]]
        return self._rows("res.partner", ["name", "ref"], every)

    def _rows(
        self, model: str, fields: list[str], domain: list[Any] | None = None
    ) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.odoo.call(
            model, "search_read", domain or [], fields, order="id"
        )
        return found
