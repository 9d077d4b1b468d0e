"""The in-memory back office keeps the promises of every back office, whatever its habits."""

import datetime as dt
from decimal import Decimal

import httpx
import pytest

from accord.erp.memory.adapter import HttpCaller, Memory, memory_like
from accord.erp.memory.ledger import Ledger, Master
from accord.http import http_client
from accord.local.ledger import ledger_app
from accord.model.documents import Record
from accord.ports.erp import Connection, Duplicates, ErpAdapter
from tests.erp.contract import ErpContract

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)

MASTER = Master(
    items={"MUG", "SHIPPING"},
    taxes={"VAT 20%": Decimal(20), "VAT 5%": Decimal(5), "VAT 0%": Decimal(0)},
    accounts={"Web payments", "4000"},
    currencies={"GBP"},
)


class InMemory(ErpContract):
    """What the classes below have in common."""

    duplicates: Duplicates = "refused"

    @pytest.fixture
    def ledger(self) -> Ledger:
        return memory_like(self.duplicates).ledger(clock=lambda: NOW, master=MASTER)

    @pytest.fixture
    def erp(self, ledger: Ledger) -> ErpAdapter:
        return memory_like(self.duplicates)(ledger.call)

    def void(self, erp: ErpAdapter, record: Record) -> None:
        assert isinstance(erp, Memory)
        erp.void(record)

    def connection(self, url: str) -> Connection:
        return Connection("main", "memory", url, timeout=Decimal(2))


class TestMemory(InMemory):
    """As it is by default."""


class TestMemoryThatAnswersAlike(InMemory):
    duplicates = "same_answer"


class TestMemoryThatMakesTwo(InMemory):
    duplicates = "possible"


class TestMemoryThatRoundsPerDocument(InMemory):
    @pytest.fixture
    def ledger(self) -> Ledger:
        return Memory.ledger(clock=lambda: NOW, master=MASTER, rounding="document")


class TestMemoryOverHttp(InMemory):
    @pytest.fixture
    def erp(self, ledger: Ledger) -> ErpAdapter:
        transport = httpx.WSGITransport(app=ledger_app(ledger))
        client = http_client("http://127.0.0.1", timeout=2, transport=transport)
        return Memory(HttpCaller(client, "main"))
