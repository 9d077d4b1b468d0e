"""A real Odoo keeps the promises that its stand-in keeps: run where there is one.

docs/real-odoo.md says how. A test takes some seconds, since it has a database of its own.
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
from tests.erp.odoo.conftest import OPTIONS
from tests.erp.odoo.real import RealOdoo, Where
from tests.erp.odoo.test_contract import OfOdoo

_FILE = os.environ.get("ACCORD_REAL_ODOO")
if not _FILE:
    pytest.skip("needs a running Odoo in ACCORD_REAL_ODOO", allow_module_level=True)
_WHERE = Where.of(Path(_FILE))


class TestRealOdoo(OfOdoo):
    """Over the interface that its release offers best."""

    API: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def odoo(self) -> Iterator[RealOdoo]:  # type: ignore[override]
        with RealOdoo(_WHERE, _WHERE.template).copy() as odoo:
            self._real = odoo
            self._desk = Desk(odoo)
            yield odoo

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

    def moment(self) -> dt.datetime:
        """Its dates have whole seconds, and its clock is its own machine's, which is ours."""
        time.sleep(2.1)
        now = dt.datetime.now(dt.UTC)
        time.sleep(1.1)
        return now
