"""What the contracts of Xero have in common: a stand-in for it, and the people who work there."""

import datetime as dt
from typing import ClassVar

import pytest

from accord.local.xero import Desk, FakeXero
from accord.model.documents import Record
from accord.ports.erp import Connection, ErpAdapter
from tests.erp.promises import Promises
from tests.erp.xero.conftest import Clock, connected, connection, furnished


class OnXero(Promises):
    """Taxes go by their types there, as they are in the UK."""

    TAX_20: ClassVar[str] = "OUTPUT2"
    TAX_5: ClassVar[str] = "RROUTPUT"
    TAX_0: ClassVar[str] = "ZERORATEDOUTPUT"

    _clock: Clock
    _desk: Desk

    @pytest.fixture
    def xero(self, clock: Clock) -> FakeXero:
        self._clock = clock
        xero = furnished(clock)
        self._desk = Desk(xero)
        return xero

    @pytest.fixture
    def erp(self, xero: FakeXero) -> ErpAdapter:
        return connected(xero)

    def connection(self, url: str) -> Connection:
        return connection(url)

    def moment(self) -> dt.datetime:
        return self._clock.moment()

    def cancel_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        self._desk.void(record.ref.id)
