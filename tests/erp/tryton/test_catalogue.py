"""Items, stock, prices and recipes on a real Tryton; people act at its desk."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import ClassVar, Literal

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.local.tryton import TrytonServer
from accord.local.tryton.desk import Desk
from accord.model.documents import Record
from accord.ports.erp import Connection, ErpAdapter
from tests.erp.catalogue import CatalogueContract

pytestmark = pytest.mark.tryton


class TestTrytonsCatalogue(CatalogueContract):
    """Every promise of items."""

    SERVICE: ClassVar[str] = "SHIPPING-FEE"

    _desk: Desk

    @pytest.fixture(autouse=True)
    def _opened(self, server: TrytonServer) -> None:
        self._desk = Desk(server)
        self._desk.set_price_list(self.PRICE_LIST)

    def connection(self, url: str) -> Connection:
        return Connection(
            name="main",
            adapter="tryton",
            url=url,
            options={"database": "accord", "web_shop": "Woo store"},
            secret={"login": "connector", "password": "unused"},
            timeout=Decimal(2),
        )

    def add_item(self, erp: ErpAdapter, code: str, *, price: str = "10.00") -> None:
        self._desk.make_items([code], price=Decimal(price))

    def add_items(self, erp: ErpAdapter, codes: Sequence[str]) -> None:
        self._desk.make_items(codes, price=10)

    def rename_item(self, erp: ErpAdapter, code: str, name: str) -> None:
        self._desk.edit_item(code, name=name)

    def archive_item(self, erp: ErpAdapter, code: str) -> None:
        self._desk.archive(code)

    def receive_goods(self, erp: ErpAdapter, code: str, quantity: str, location: str) -> None:
        self._desk.receive(code, Decimal(quantity), location)

    def count_stock(self, erp: ErpAdapter, code: str, quantity: str, location: str) -> None:
        self._desk.count(code, Decimal(quantity), location)

    def set_price(self, erp: ErpAdapter, code: str, price: str, *, price_list: str = "") -> None:
        if price_list:
            self._desk.set_price_list(price_list, {code: price})
        else:
            self._desk.set_list_price(code, Decimal(price))

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
        if kind == "kit":
            self._desk.make_kit(code, parts)
        else:
            self._desk.make_bom(code, parts, Decimal(output))

    def ship(
        self,
        erp: ErpAdapter,
        record: Record,
        items: Mapping[str, Decimal] | None = None,
        *,
        tracking: str = "",
    ) -> None:
        self._desk.ship(record.ref.id, items, tracking)

    def cancel_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        self._desk.cancel(record.ref.id)

    def receive_return(self, erp: ErpAdapter, record: Record) -> dict[str, Decimal]:
        pieces: dict[str, Decimal] = {}
        for each in self._desk.receive_return(record.ref.id):
            for item, quantity in each.lines.items():
                pieces[item] = pieces.get(item, Decimal(0)) + quantity
        return pieces

    def calls(self, erp: ErpAdapter) -> int:
        assert isinstance(erp, Tryton)
        return sum(erp.calls.values())
