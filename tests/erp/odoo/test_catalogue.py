"""Odoo keeps the promises of items, stock, prices and recipes, in each release."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Literal

import pytest

from accord.erp.odoo.adapter import Odoo
from accord.local.odoo import Desk, FakeOdoo
from accord.model.documents import Record
from accord.ports.erp import Connection, ErpAdapter
from tests.erp.catalogue import CatalogueContract
from tests.erp.odoo.conftest import Clock, connected, connection, furnished


class OfOdoo(CatalogueContract):
    """What the classes below have in common."""

    VERSION: ClassVar[int] = 17

    _clock: Clock
    _desk: Desk

    @pytest.fixture
    def odoo(self, clock: Clock) -> FakeOdoo:
        self._clock = clock
        odoo = furnished(clock, self.VERSION)
        self._desk = Desk(odoo)
        return odoo

    @pytest.fixture
    def erp(self, odoo: FakeOdoo) -> ErpAdapter:
        return connected(odoo)

    def connection(self, url: str) -> Connection:
        return connection(url)

    def moment(self) -> dt.datetime:
        return self._clock.moment()

    def calls(self, erp: ErpAdapter) -> int:
        assert isinstance(erp, Odoo)
        return sum(erp.calls.values())

    def cancel_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        self._desk.cancel(int(record.ref.id))

    def ship(
        self,
        erp: ErpAdapter,
        record: Record,
        items: Mapping[str, Decimal] | None = None,
        *,
        tracking: str = "",
    ) -> None:
        self._desk.ship(int(record.ref.id), items, tracking=tracking)

    def add_item(self, erp: ErpAdapter, code: str, *, price: str = "10.00") -> None:
        self._desk.add_items([code], price=Decimal(price))

    def add_items(self, erp: ErpAdapter, codes: Sequence[str]) -> None:
        self._desk.add_items(codes, price=10)

    def rename_item(self, erp: ErpAdapter, code: str, name: str) -> None:
        self._desk.edit_item(code, name=name)

    def archive_item(self, erp: ErpAdapter, code: str) -> None:
        self._desk.archive_item(code)

    def receive_goods(self, erp: ErpAdapter, code: str, quantity: str, location: str) -> None:
        self._desk.receive(code, quantity, location)

    def count_stock(self, erp: ErpAdapter, code: str, quantity: str, location: str) -> None:
        self._desk.count(code, quantity, location)

    def set_price(self, erp: ErpAdapter, code: str, price: str, *, price_list: str = "") -> None:
        self._desk.set_price(code, Decimal(price), price_list=price_list)

    def set_recipe(
        self,
        erp: ErpAdapter,
        code: str,
        inputs: Mapping[str, str],
        *,
        kind: Literal["kit", "bom"],
        output: str = "1",
    ) -> None:
        parts = {part: Decimal(quantity) for part, quantity in inputs.items()}
        self._desk.make_recipe(code, parts, kit=kind == "kit", output=Decimal(output))


class TestOdoosCatalogue(OfOdoo):
    """Release 17, of which there are recordings."""


class TestOdoo16sCatalogue(OfOdoo):
    VERSION = 16


class TestOdoo18sCatalogue(OfOdoo):
    VERSION = 18


class TestOdoo19sCatalogueOverJson2(OfOdoo):
    VERSION = 19
