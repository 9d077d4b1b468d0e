"""What a run asked of stores and back offices is told once, when it ends."""

import contextlib
import json
from typing import Any

import httpx
import pytest

from accord import bootstrap
from accord.counted import counted
from accord.http import http_client, send
from accord.settings import settings
from tests.sync.conftest import config


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Runs a handler that asks each of these once; what it told: (metric, whose) → value."""
    for name, value in {
        "ACCORD_STAGE": "dev",
        "ACCORD_CONFIG": "none",
        "AWS_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    monkeypatch.setattr(bootstrap, "config", config)
    transport = httpx.MockTransport(lambda _: httpx.Response(200))

    def run(*connections: str, fails: bool = False) -> dict[tuple[str, str], float]:
        @counted
        def handler(event: dict[str, Any], context: Any) -> None:
            for connection in connections:
                with http_client("https://h.example", timeout=1, transport=transport) as client:
                    send(client, "GET", "/x", connection=connection)
            if fails:
                raise RuntimeError

        with contextlib.suppress(RuntimeError):
            handler({}, None)  # type: ignore[arg-type]
        found = {}
        for line in capsys.readouterr().out.splitlines():
            document = json.loads(line)
            (metric,) = document["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            whose = document.get("store") or document["kind"]
            (found[metric["Name"], whose],) = document[metric["Name"]]
        return found

    yield run
    settings.cache_clear()


def test_calls_are_told_by_connection_in_one_line_each(told) -> None:
    assert told("uk", "main", "main", "main") == {("StoreCalls", "uk"): 1, ("ErpCalls", "main"): 3}


def test_a_run_that_asks_nobody_tells_nothing(told) -> None:
    assert told() == {}


def test_each_run_tells_its_own(told) -> None:
    told("main", "main")

    assert told("main") == {("ErpCalls", "main"): 1}


def test_a_run_that_fails_tells_what_it_asked(told) -> None:
    assert told("main", fails=True) == {("ErpCalls", "main"): 1}
