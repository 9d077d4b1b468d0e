"""Odoo keeps the promises of items, stock, prices and recipes, in each release."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

from accord.erp.odoo.adapter import Odoo
from accord.ports.erp import ErpAdapter
from tests.erp.catalogue import CatalogueContract
from tests.erp.odoo.hands import OnOdoo


class OfOdoo(OnOdoo, CatalogueContract):
    """What the classes below have in common."""

    def calls(self, erp: ErpAdapter) -> int:
        assert isinstance(erp, Odoo)
        return sum(erp.calls.values())

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
