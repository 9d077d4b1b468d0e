"""A real Odoo keeps the promises that its stand-in keeps: run where there is one.

docs/real-odoo.md says how. It keeps what earlier tests made, so each speaks of its own.
"""

import datetime as dt
import os
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from accord.erp.odoo.adapter import Odoo
from accord.local.odoo import Desk
from accord.ports.erp import Connection, ErpAdapter
from tests.erp.odoo.cents import Cents
from tests.erp.odoo.conftest import OPTIONS
from tests.erp.odoo.hands import OnOdoo
from tests.erp.odoo.real import Copies, RealOdoo, Where
from tests.erp.odoo.test_contract import OfOdoo

_FILE = os.environ.get("ACCORD_REAL_ODOO")
if not _FILE:
    pytest.skip("needs a running Odoo in ACCORD_REAL_ODOO", allow_module_level=True)
_WHERE = Where.of(Path(_FILE))


@pytest.fixture(scope="module")
def copies() -> Iterator[Copies]:
    with Copies(_WHERE) as copies:
        yield copies


class OnRealOdoo(OnOdoo):
    """Over the interface that its release offers best."""

    API: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def odoo(self, copies: Copies) -> RealOdoo:  # type: ignore[override]
        self._copies, self._real = copies, copies.now()
        self._desk = Desk(self._real)
        return self._real

    @pytest.fixture
    def erp(self, odoo: RealOdoo) -> ErpAdapter:  # type: ignore[override]
        return Odoo.connect(self.connection(_WHERE.url))

    def connection(self, url: str) -> Connection:
        return Connection(
            name="main",
            adapter="odoo",
            url=url,
            options={**OPTIONS, **self.API, "database": self._real.database},
            secret={"key": _WHERE.key},
            timeout=Decimal(60),
        )

    def close_period(self, erp: ErpAdapter, month: dt.date) -> None:
        super().close_period(erp, month)
        self._copies.is_spoilt = True

    def moment(self) -> dt.datetime:
        """Its dates have whole seconds, and its clock is its own machine's, which is ours."""
        time.sleep(2.1)
        now = dt.datetime.now(dt.UTC)
        time.sleep(1.1)
        return now


class TestRealOdoo(OnRealOdoo, OfOdoo):
    """What every back office promises."""


class TestRealCents(OnRealOdoo, Cents):
    """Whatever digits it keeps, with the two of a new one."""
