"""Handlers in this process, on an AWS stand-in, with nothing kept from one test to the next."""

import datetime as dt
import importlib.util
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.circuit_breaker import base as breaker

from accord import consumer, edge, settings
from accord.bootstrap import connections, flows, rules, schedules, tables
from accord.erp.memory.adapter import Memory
from accord.erp.memory.ledger import Ledger
from accord.local.model_store import ModelStore
from infra.events import SENDS
from tests.conftest import EVENTS
from tests.functions.cloud import Cloud, Room
from tests.sync.conftest import TOML

FUNCTIONS = EVENTS.parent / "functions"
SECRET = json.loads((EVENTS / "receive_store_webhook" / "order_created_rich.json").read_text())[
    "secret"
]
# The account for orders that do not say who bought.
NOBODY = {"kind": "party", "key": "WEBGUEST", "name": "Web guest", "addresses": []}
Handler = Callable[..., Any]


class Context:
    """What Lambda tells a function of its invocation."""

    function_version = "1"
    memory_limit_in_mb = 512
    aws_request_id = "request-1"

    def __init__(self, function: str) -> None:
        self.function_name = function
        self.invoked_function_arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{function}"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    with Cloud() as running:
        yield running


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """accord.toml as a function is given it; what a test changes before ``room`` holds."""
    import tomllib

    data: dict[str, Any] = json.loads(json.dumps(tomllib.loads(TOML.read_text()), default=_text))
    return data


@pytest.fixture
def room(
    cloud: Cloud, config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Room]:
    """Tables, queues and secrets of this test, and an environment that names them."""
    path = tmp_path / "accord.json"
    path.write_text(json.dumps(config))
    room = cloud.room(path)
    room.keep_secret(
        "store/uk", {"webhook_secrets": [SECRET], "consumer_key": "ck", "consumer_secret": "cs"}
    )
    room.keep_secret("erp/main", {})
    room.trust()
    for name in [name for name in os.environ if name.startswith(("AWS_", "ACCORD_", "POWERTOOLS"))]:
        monkeypatch.delenv(name)
    for name, value in room.environment.items():
        monkeypatch.setenv(name, value)
    forget()
    yield room
    forget()


def forget() -> None:
    """What a process keeps for its life is let go, as if it were a new one."""
    made_of = (tables, rules, connections, flows, schedules)
    for module in (*made_of, edge, consumer, settings):
        for name, made in vars(module).items():
            if hasattr(made, "cache_clear") and getattr(made, "__module__", "") == module.__name__:
                if name == "aws_client" and made.cache_info().currsize:
                    made().close()
                made.cache_clear()
    edge.webhook_secrets = edge.WebhookSecrets()
    rules.live = rules._Rules()
    for kept in (connections._made, connections._back_offices, connections._secrets):
        kept.clear()
    for counts in (breaker._LOCAL_FAILURES, breaker._LOCAL_SUCCESSES):
        counts.clear()


@pytest.fixture
def run(room: Room, monkeypatch: pytest.MonkeyPatch) -> Handler:
    """``run("order_created", event)``: what the function answers."""

    def call(function: str, event: dict[str, Any]) -> Any:
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", function)
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", function)
        told = {event: room.queues[event] for event in SENDS.get(function, ())}
        monkeypatch.setenv("ACCORD_QUEUES", json.dumps(told))  # as the stack tells it
        for cached in (settings.settings, tables.queues, edge.queues):
            cached.cache_clear()
        called = handler(function).lambda_handler
        for each in logging.getLogger(function).handlers:
            if isinstance(each, logging.StreamHandler):
                each.stream = sys.stdout  # the one that the test captures
        return called(event, Context(function))

    return call


def handler(function: str) -> Any:
    """The module functions/<function>/handler.py, imported as Lambda does, under a name of its own."""
    name = f"functions_{function}_handler"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, FUNCTIONS / function / "handler.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def books(room: Room, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """The in-memory ledger, in the place of the back office."""
    ledger = Memory.ledger(clock=lambda: dt.datetime.now(dt.UTC))
    ledger.call("create", {**NOBODY, "email": "", "vat_number": ""})
    monkeypatch.setattr(
        connections,
        "back_office",
        lambda name: connections.guard().over(Memory(ledger.call, name), name),
    )
    return ledger


@pytest.fixture
def store(room: Room, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """A store in memory, in the place of the real one."""
    model = ModelStore("uk", lambda: dt.datetime.now(dt.UTC))
    readers = connections.READERS
    monkeypatch.setattr(
        connections, "store", lambda name: connections.guard().over(model, name, free=readers)
    )
    return model


def metrics(out: str) -> dict[str, float]:
    """Metric → sum of what the lines of ``out`` publish (embedded metric format)."""
    sums: dict[str, float] = {}
    for line in out.splitlines():
        if '"_aws"' not in line:
            continue
        told = json.loads(line)
        for metric in told["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            value = told[metric["Name"]]
            sums[metric["Name"]] = sums.get(metric["Name"], 0) + sum(
                value if isinstance(value, list) else [value]
            )
    return sums


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)
