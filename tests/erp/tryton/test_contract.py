"""The rest of an order's life, on a real Tryton; people act at its desk."""

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import ClassVar

import pytest

from accord.local.tryton import TrytonServer
from accord.local.tryton.desk import Desk
from accord.model.change import Ref
from accord.model.documents import Record
from accord.ports.erp import Connection, ErpAdapter
from tests.erp.life import LifeContract

pytestmark = pytest.mark.tryton

_CONTEXT = {"company": 1, "language": "en"}


@pytest.fixture(scope="module")
def desk(server: TrytonServer) -> Desk:
    """A person at a Tryton whose warehouse is full."""
    desk = Desk(server)
    desk.stock_up([TestTrytonsLife.ITEM], 100_000)
    return desk


class TestTrytonsLife(LifeContract):
    """Every promise of the rest of an order's life."""

    ITEM: ClassVar[str] = "ROPE"
    SERVICE: ClassVar[str] = "SHIPPING-FEE"
    INCOME_ACCOUNT: ClassVar[str] = "4.1.1"

    _server: TrytonServer
    _desk: Desk

    @pytest.fixture(autouse=True)
    def _opened(self, server: TrytonServer, desk: Desk) -> Iterator[None]:
        """The test knows whom to ask, and what it closes is open again for the next."""
        self._server, self._desk = server, desk
        yield
        self._press("reopen", [["state", "=", "closed"], ["start_date", ">=", self.closable()]])

    def connection(self, url: str) -> Connection:
        return Connection(
            name="main",
            adapter="tryton",
            url=url,
            options={"database": "accord", "web_shop": "Woo store"},
            secret={"login": "connector", "password": "unused"},
            timeout=Decimal(2),
        )

    def cancel_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        self._desk.cancel(record.ref.id)

    def ship(
        self,
        erp: ErpAdapter,
        record: Record,
        items: Mapping[str, Decimal] | None = None,
        *,
        tracking: str = "",
    ) -> None:
        self._desk.ship(record.ref.id, items, tracking)

    def post_invoice(self, erp: ErpAdapter, record: Record) -> None:
        self._desk.post_invoice(record.ref.id)

    def credit_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        self._desk.credit(record.ref.id)

    def receive_return(self, erp: ErpAdapter, record: Record) -> dict[str, Decimal]:
        pieces: dict[str, Decimal] = {}
        for each in self._desk.receive_return(record.ref.id):
            for item, quantity in each.lines.items():
                pieces[item] = pieces.get(item, Decimal(0)) + quantity
        return pieces

    def edit_party(self, erp: ErpAdapter, ref: Ref, **fields: str) -> None:
        found = erp.get(ref)
        assert found is not None
        self._desk.edit_party(found.number, **fields)

    def close_period(self, erp: ErpAdapter, month: dt.date) -> None:
        self._press("close", [["start_date", "=", month], ["type", "=", "standard"]])

    def closable(self) -> dt.date:
        return dt.date(dt.datetime.now(dt.UTC).year + 1, 3, 1)

    def _press(self, button: str, domain: list[object]) -> None:
        client = self._server.administrator()
        periods = client.call(
            "model.account.period.search", domain, 0, None, None, context=_CONTEXT
        )
        if periods:
            client.call(f"model.account.period.{button}", periods, context=_CONTEXT)
