"""The in-memory back office keeps the promises of every back office, whatever its habits."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import httpx
import pytest

from accord.erp.memory.adapter import HttpCaller, Memory, memory_like
from accord.erp.memory.ledger import Ledger, Master
from accord.http import http_client
from accord.local.ledger import ledger_app
from accord.model.change import Ref
from accord.model.documents import Record
from accord.ports.erp import Connection, Duplicates, ErpAdapter
from tests.erp.contract import ErpContract
from tests.erp.life import LifeContract

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)

MASTER = Master(
    items={"MUG", "SHIPPING"},
    taxes={"VAT 20%": Decimal(20), "VAT 5%": Decimal(5), "VAT 0%": Decimal(0)},
    accounts={"Web payments", "4000"},
    currencies={"GBP"},
    open_until=dt.date(2027, 12, 31),
)


class InMemory(ErpContract, LifeContract):
    """What the classes below have in common. The clock stands still but for ``moment``."""

    duplicates: Duplicates = "refused"
    now = NOW

    @pytest.fixture
    def ledger(self) -> Ledger:
        return memory_like(self.duplicates).ledger(clock=lambda: self.now, master=MASTER)

    @pytest.fixture
    def erp(self, ledger: Ledger) -> ErpAdapter:
        return memory_like(self.duplicates)(ledger.call)

    def connection(self, url: str) -> Connection:
        return Connection("main", "memory", url, timeout=Decimal(2))

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

    def post_invoice(self, erp: ErpAdapter, record: Record) -> None:
        _memory(erp).post_invoice(record.ref)

    def credit_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        _memory(erp).credit(record.ref)

    def receive_return(self, erp: ErpAdapter, record: Record) -> dict[str, Decimal]:
        return _memory(erp).receive_return(record.ref)

    def edit_party(self, erp: ErpAdapter, ref: Ref, **fields: str) -> None:
        found = erp.get(ref)
        assert found is not None
        _memory(erp).edit_party(found.number, **fields)

    def close_period(self, erp: ErpAdapter, month: dt.date) -> None:
        _memory(erp).close_period(month)

    def moment(self) -> dt.datetime:
        self.now += dt.timedelta(seconds=2)
        return self.now - dt.timedelta(seconds=1)

    def closable(self) -> dt.date:
        return dt.date(2027, 3, 1)


def _memory(erp: ErpAdapter) -> Memory:
    assert isinstance(erp, Memory)
    return erp


class TestMemory(InMemory):
    """As it is by default."""


class TestMemoryThatAnswersAlike(InMemory):
    duplicates = "same_answer"


class TestMemoryThatMakesTwo(InMemory):
    duplicates = "possible"


class TestMemoryThatRoundsPerDocument(InMemory):
    @pytest.fixture
    def ledger(self) -> Ledger:
        return Memory.ledger(clock=lambda: self.now, master=MASTER, rounding="document")


class TestMemoryOverHttp(InMemory):
    @pytest.fixture
    def erp(self, ledger: Ledger) -> ErpAdapter:
        transport = httpx.WSGITransport(app=ledger_app(ledger))
        client = http_client("http://127.0.0.1", timeout=2, transport=transport)
        return Memory(HttpCaller(client, "main"))
