"""The in-memory back office as a process of its own."""

import os
from collections.abc import Iterator

import httpx
import pytest

from accord.erp.memory.adapter import Memory
from accord.errors import UnavailableError
from accord.local.ledger import LedgerServer, NotStartedError
from accord.model.documents import Kind, PartyDocument
from accord.model.party import Address, Party


@pytest.fixture(scope="module")
def running() -> Iterator[LedgerServer]:
    with LedgerServer() as server:
        yield server


@pytest.fixture
def server(running: LedgerServer) -> Iterator[LedgerServer]:
    running.forget_calls()
    yield running
    running.plan()
    running.down(False)


@pytest.fixture
def erp(server: LedgerServer) -> Memory:
    return Memory.connect(server.connection(timeout="10"))


def maria() -> PartyDocument:
    home = Address(street="1 High Street", city="Leeds", country="GB")
    return PartyDocument(Party("Maria", "", "maria@shopper.example", "", "", None, home, home))


def test_what_is_made_over_http_is_there(server: LedgerServer, erp: Memory) -> None:
    made = erp.create(maria(), key="MARI01")

    assert erp.find(Kind.PARTY, "MARI01") == (made,)
    assert [party["key"] for party in server.parties()] == ["MARI01"]


def test_nothing_was_sold_yet(server: LedgerServer) -> None:
    assert server.sales() == []


def test_calls_are_counted_by_operation(server: LedgerServer, erp: Memory) -> None:
    erp.find(Kind.PARTY, "X")
    erp.ping()

    assert server.calls()["calls"] == {"find": 1, "ping": 1}


def test_a_planned_fault_is_met(server: LedgerServer, erp: Memory) -> None:
    server.plan(kinds=["503_after"], only="create")
    with pytest.raises(UnavailableError) as caught:
        erp.create(maria(), key="MARI02")
    server.plan()

    assert caught.value.sent
    assert len(erp.find(Kind.PARTY, "MARI02")) == 1


def test_a_ledger_that_is_down_says_so(server: LedgerServer, erp: Memory) -> None:
    server.down()

    with pytest.raises(UnavailableError):
        erp.ping()


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"method": "ping"}'])
def test_what_is_no_call_is_a_bad_request(server: LedgerServer, content: bytes) -> None:
    answer = httpx.post(f"{server.url}/call", content=content, timeout=10, trust_env=False)

    assert answer.status_code == 400


def test_there_is_one_address(server: LedgerServer) -> None:
    assert httpx.get(f"{server.url}/sales", timeout=10, trust_env=False).status_code == 404


def test_it_ends_with_its_block() -> None:
    with LedgerServer() as server:
        pid = server.pid

    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_port_that_is_taken_is_said(server: LedgerServer) -> None:
    taken = int(server.url.rsplit(":", 1)[1])

    with pytest.raises(NotStartedError):
        LedgerServer(port=taken).start()
