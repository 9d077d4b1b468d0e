"""The in-memory back office keeps the promises of items, stock and prices, whatever its habits."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Literal

import httpx
import pytest

from accord.erp.memory.adapter import HttpCaller, Memory, memory_like
from accord.erp.memory.ledger import Ledger, Master
from accord.http import http_client
from accord.local.ledger import ledger_app
from accord.model.documents import Record
from accord.ports.erp import Connection, Duplicates, ErpAdapter
from tests.erp.catalogue import CatalogueContract
from tests.erp.memory.made import START

MASTER = Master(
    items={"SHIPPING"},
    taxes={"VAT 20%": Decimal(20), "VAT 5%": Decimal(5), "VAT 0%": Decimal(0)},
    currencies={"GBP"},
    locations={"EAST"},
    price_lists={"Wholesale"},
)


class InMemory(CatalogueContract):
    """What the classes below have in common. The clock stands still but for ``moment``."""

    duplicates: Duplicates = "refused"
    now = START
    _ledger: Ledger

    @pytest.fixture
    def ledger(self) -> Ledger:
        kind = memory_like(self.duplicates)
        self._ledger = kind.ledger(clock=lambda: self.now, master=MASTER)
        return self._ledger

    @pytest.fixture
    def erp(self, ledger: Ledger) -> ErpAdapter:
        return memory_like(self.duplicates)(ledger.call, clock=lambda: self.now)

    def connection(self, url: str) -> Connection:
        return Connection("main", "memory", url, timeout=Decimal(2))

    def moment(self) -> dt.datetime:
        self.now += dt.timedelta(seconds=2)
        return self.now - dt.timedelta(seconds=1)

    def calls(self, erp: ErpAdapter) -> int:
        return sum(self._ledger.calls.values())

    def cancel_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        _memory(erp).cancel(record.ref)

    def ship(
        self,
        erp: ErpAdapter,
        record: Record,
        items: Mapping[str, Decimal] | None = None,
        *,
        tracking: str = "",
    ) -> None:
        _memory(erp).ship(record.ref, items, tracking=tracking)

    def receive_return(self, erp: ErpAdapter, record: Record) -> dict[str, Decimal]:
        return _memory(erp).receive_return(record.ref)

    def add_item(self, erp: ErpAdapter, code: str, *, price: str = "10.00") -> None:
        _memory(erp).add_item(code, price=Decimal(price))

    def add_items(self, erp: ErpAdapter, codes: Sequence[str]) -> None:
        _memory(erp).add_items({"code": code, "price": Decimal(10)} for code in codes)

    def rename_item(self, erp: ErpAdapter, code: str, name: str) -> None:
        _memory(erp).edit_item(code, name=name)

    def archive_item(self, erp: ErpAdapter, code: str) -> None:
        _memory(erp).archive_item(code)

    def receive_goods(self, erp: ErpAdapter, code: str, quantity: str, location: str) -> None:
        _memory(erp).receive_goods(code, Decimal(quantity), location)

    def count_stock(self, erp: ErpAdapter, code: str, quantity: str, location: str) -> None:
        _memory(erp).count_stock(code, Decimal(quantity), location)

    def set_price(self, erp: ErpAdapter, code: str, price: str, *, price_list: str = "") -> None:
        _memory(erp).set_price(code, Decimal(price), price_list=price_list)

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
        _memory(erp).set_recipe(code, parts, kind, output=Decimal(output))


def _memory(erp: ErpAdapter) -> Memory:
    assert isinstance(erp, Memory)
    return erp


class TestMemorysCatalogue(InMemory):
    """As it is by default."""


class TestMemorysCatalogueThatAnswersAlike(InMemory):
    duplicates = "same_answer"


class TestMemorysCatalogueThatMakesTwo(InMemory):
    duplicates = "possible"


class TestMemorysCatalogueOverHttp(InMemory):
    @pytest.fixture
    def erp(self, ledger: Ledger) -> ErpAdapter:
        transport = httpx.WSGITransport(app=ledger_app(ledger))
        client = http_client("http://127.0.0.1", timeout=2, transport=transport)
        return Memory(HttpCaller(client, "main"), clock=lambda: self.now)
