"""Tryton's client keeps the promises of every client, before a real server."""

import json
from typing import ClassVar

import httpx
import pytest

from accord.erp.tryton.adapter import Tryton
from accord.local.tryton import TrytonServer
from accord.ports.erp import Connection, ErpAdapter
from tests.erp.client_contract import ClientContract

pytestmark = pytest.mark.tryton


class TestTrytonsClient(ClientContract):
    """Every promise."""

    ITEM: ClassVar[str] = "ROPE"
    SERVICE: ClassVar[str] = "SHIPPING-FEE"

    _server: TrytonServer

    @pytest.fixture(autouse=True)
    def _opened(self, server: TrytonServer) -> None:
        self._server = server

    def connection(self, url: str) -> Connection:
        return self._server.connection()

    def inner(self) -> httpx.BaseTransport:
        return httpx.HTTPTransport(trust_env=False)

    def over(self, transport: httpx.BaseTransport) -> ErpAdapter:
        return Tryton.connect(self.connection(""), transport=transport)

    def writes(self, request: httpx.Request) -> bool:
        return bool(json.loads(request.content)["method"] == "model.sale.sale.create")
