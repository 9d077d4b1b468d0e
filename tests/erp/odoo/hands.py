"""What the contracts of Odoo have in common: a stand-in for it, and the people who work there."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

import pytest

from accord.local.odoo import Desk, FakeOdoo
from accord.model.documents import Record
from accord.ports.erp import Connection, ErpAdapter
from tests.erp.odoo.conftest import Clock, connected, connection, furnished
from tests.erp.promises import Promises


class OnOdoo(Promises):
    """In release ``VERSION``."""

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
