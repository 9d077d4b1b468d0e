"""Odoo keeps the promises of every back office, in each release and over each interface."""

import datetime as dt
from typing import Any, ClassVar

import pytest

from accord.local.odoo import FakeOdoo
from accord.model.change import Ref
from accord.model.documents import Kind, Record
from accord.ports.erp import ErpAdapter
from tests.erp.contract import ErpContract
from tests.erp.life import LifeContract
from tests.erp.odoo.conftest import connected
from tests.erp.odoo.hands import OnOdoo


class OfOdoo(OnOdoo, ErpContract, LifeContract):
    """What the classes below have in common."""

    NETS_CREDITS: ClassVar[bool] = True
    NO_SUCH_YEAR: ClassVar[dt.date | None] = None

    def post_invoice(self, erp: ErpAdapter, record: Record) -> None:
        self._desk.post_invoice(int(record.ref.id))

    def credit_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        self._desk.credit(int(record.ref.id))

    def edit_party(self, erp: ErpAdapter, ref: Ref, **fields: str) -> None:
        names: dict[str, Any] = {"vat_number": "vat"}
        values = {names.get(name, name): value for name, value in fields.items()}
        self._desk.edit_partner(int(ref.id), **values)

    def close_period(self, erp: ErpAdapter, month: dt.date) -> None:
        after = (month.replace(day=1) + dt.timedelta(days=31)).replace(day=1)
        self._desk.lock_until(after - dt.timedelta(days=1))

    def print_by_hand(self, erp: ErpAdapter, ref: Ref) -> None:
        model = "stock.picking" if ref.kind == Kind.SHIPMENT else "account.move"
        self._desk.print(model, int(ref.id))

    def test_a_delivery_note_is_printed(self, erp: ErpAdapter, sold: Record) -> None:
        """Odoo prints it only on paper: nothing shows which attachment of a delivery is its slip."""
        self.ship(erp, sold)
        (done,) = (each for each in self.progress(erp, sold).shipments if each.state == "done")
        self.print_by_hand(erp, done.ref)

        assert erp.document(done.ref) is None

    def closable(self) -> dt.date:
        return dt.date(2027, 3, 1)


class TestOdoo(OfOdoo):
    """Release 17, of which there are recordings."""


class TestOdoo16(OfOdoo):
    VERSION = 16


class TestOdoo18(OfOdoo):
    VERSION = 18


class TestOdoo19OverJson2(OfOdoo):
    VERSION = 19


class TestOdoo19OverJsonRpc(OfOdoo):
    VERSION = 19

    @pytest.fixture
    def erp(self, odoo: FakeOdoo) -> ErpAdapter:
        return connected(odoo, api="json-rpc")


class TestOdooThatRoundsGlobally(OfOdoo):
    @pytest.fixture
    def erp(self, odoo: FakeOdoo) -> ErpAdapter:
        values = {"tax_calculation_rounding_method": "round_globally"}
        odoo.call("res.company", "write", [1], values)
        return connected(odoo)
