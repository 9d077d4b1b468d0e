"""Xero keeps the promises of items, stock and prices, as far as it has them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

import pytest

from accord.erp.xero.adapter import Xero
from accord.local.xero import FakeXero
from accord.ports.erp import ErpAdapter
from tests.erp.catalogue import CatalogueContract
from tests.erp.xero.conftest import connected
from tests.erp.xero.hands import OnXero


class OfXero(OnXero, CatalogueContract):
    """Of one place, without lists of prices; an item's tax is told by its rate's name."""

    TAX_20: ClassVar[str] = "20% (OUTPUT2)"
    TAX_5: ClassVar[str] = "5% (RROUTPUT)"
    TAX_0: ClassVar[str] = "0% (ZERORATEDOUTPUT)"
    SECOND: ClassVar[str | None] = None
    PRICE_LIST: ClassVar[str | None] = None
    ARCHIVES: ClassVar[bool] = False
    OVERSELLS: ClassVar[bool] = False
    DATES_TELL: ClassVar[bool] = False
    KEPT: ClassVar[frozenset[str]] = frozenset({"description", "price", "taxes"})

    @pytest.fixture
    def erp(self, xero: FakeXero) -> ErpAdapter:
        xero.books.stock_touches_items = self.DATES_TELL
        return connected(xero, inventory_account="630", cost_account="310")

    def calls(self, erp: ErpAdapter) -> int:
        assert isinstance(erp, Xero)
        return sum(erp.calls.values())

    def add_item(self, erp: ErpAdapter, code: str, *, price: str = "10.00") -> None:
        self._desk.add_items([code], price=price)

    def add_items(self, erp: ErpAdapter, codes: Sequence[str]) -> None:
        self._desk.add_items(codes, price=10)

    def rename_item(self, erp: ErpAdapter, code: str, name: str) -> None:
        self._desk.edit_item(code, Name=name)

    def receive_goods(self, erp: ErpAdapter, code: str, quantity: str, location: str) -> None:
        assert location == self.WAREHOUSE
        self._desk.receive(code, quantity)

    def count_stock(self, erp: ErpAdapter, code: str, quantity: str, location: str) -> None:
        assert location == self.WAREHOUSE
        self._desk.count(code, quantity)

    def set_price(self, erp: ErpAdapter, code: str, price: str, *, price_list: str = "") -> None:
        assert not price_list
        self._desk.set_price(code, Decimal(price))


class TestXerosCatalogue(OfXero):
    """Stock moves without a trace in the dates of items."""


class TestXerosCatalogueWhereStockTouchesItems(OfXero):
    """It moves them, as some say."""

    DATES_TELL: ClassVar[bool] = True
