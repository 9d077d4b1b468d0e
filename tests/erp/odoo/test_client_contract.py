"""Odoo's client keeps the promises of every client, over both interfaces."""

import json
from typing import Any, ClassVar

import httpx
import pytest

from accord.erp.odoo.adapter import Odoo
from accord.local.odoo import FakeOdoo
from accord.ports.erp import Connection, ErpAdapter
from tests.erp.client_contract import ClientContract
from tests.erp.odoo.conftest import Clock, connection, furnished


class OfOdoo(ClientContract):
    """What both have in common."""

    API: ClassVar[str]
    _odoo: FakeOdoo

    @pytest.fixture(autouse=True)
    def _opened(self, clock: Clock) -> None:
        self._odoo = furnished(clock, 19)

    def connection(self, url: str) -> Connection:
        return connection(url or "https://erp.example", api=self.API)

    def inner(self) -> httpx.BaseTransport:
        return httpx.MockTransport(self._odoo)

    def over(self, transport: httpx.BaseTransport) -> ErpAdapter:
        return Odoo.connect(self.connection(""), transport=transport)


class TestJsonRpc(OfOdoo):
    API = "json-rpc"

    def writes(self, request: httpx.Request) -> bool:
        args: list[Any] = json.loads(request.content)["params"]["args"]
        return args[3:5] == ["sale.order", "load"]


class TestJson2(OfOdoo):
    API = "json-2"

    def writes(self, request: httpx.Request) -> bool:
        return request.url.path == "/json/2/sale.order/load"
