"""Xero's client keeps the promises of every client."""

import httpx
import pytest

from accord.erp.xero.adapter import Xero
from accord.local.xero import FakeXero
from accord.ports.erp import Connection, ErpAdapter
from tests.erp.client_contract import ClientContract
from tests.erp.xero.checking import Checking
from tests.erp.xero.conftest import URL, connection
from tests.erp.xero.hands import OnXero


class TestXerosClient(ClientContract, OnXero):
    """Every promise."""

    _xero: FakeXero

    @pytest.fixture(autouse=True)
    def _opened(self, xero: FakeXero) -> None:
        self._xero = xero

    def connection(self, url: str) -> Connection:
        return connection(url or URL)

    def inner(self) -> httpx.BaseTransport:
        return Checking(self._xero)

    def over(self, transport: httpx.BaseTransport) -> ErpAdapter:
        return Xero.connect(self.connection(""), transport=transport)

    def writes(self, request: httpx.Request) -> bool:
        return request.method == "PUT" and request.url.path.endswith("/Invoices")
