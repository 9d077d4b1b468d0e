"""Yen and dinars agree in Odoo, which rounds by its currencies."""

from decimal import Decimal
from typing import ClassVar

import pytest

from accord.local.odoo import FakeOdoo
from accord.model.documents import Record
from accord.ports.erp import ErpAdapter
from tests.erp.currencies import JPY, KWD, Currencies, Lines
from tests.erp.odoo.hands import OnOdoo


class OfOdoo(OnOdoo, Currencies):
    def post_invoice(self, erp: ErpAdapter, record: Record) -> None:
        self.ship(erp, record)
        self._desk.post_invoice(int(record.ref.id))

    def left(self, erp: ErpAdapter, order: Record) -> Decimal:
        ask = self._odoo.call
        (sale,) = ask("sale.order", "read", [int(order.ref.id)], ["invoice_ids"])
        (row,) = ask("account.move", "read", sale["invoice_ids"], ["amount_residual"])
        return Decimal(str(row["amount_residual"]))

    _odoo: FakeOdoo

    @pytest.fixture(autouse=True)
    def currency(self, odoo: FakeOdoo) -> None:
        """A new Odoo of the stand-in has yen."""
        self._odoo = odoo


@pytest.mark.parametrize("case", JPY)
class TestYen(OfOdoo):
    CURRENCY: ClassVar[str] = "JPY"
    CASES: ClassVar[dict[str, Lines]] = JPY


@pytest.mark.parametrize("case", KWD)
class TestDinars(OfOdoo):
    CURRENCY: ClassVar[str] = "KWD"
    CASES: ClassVar[dict[str, Lines]] = KWD

    @pytest.fixture(autouse=True)
    def currency(self, odoo: FakeOdoo) -> None:
        made = odoo.call("res.currency", "create", {"name": "KWD", "rounding": 0.001, "rate": 1})
        odoo.call("product.pricelist", "create", {"name": "Public KWD", "currency_id": made})
        self._odoo = odoo
