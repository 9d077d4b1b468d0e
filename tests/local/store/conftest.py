"""The stand-in in this process: a clock that is told, a receiver that writes down."""

import datetime as dt
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from accord.local.store.app import StoreApp
from accord.local.store.auth import Key

RECORDINGS = Path(__file__).parent / "recordings"
KEY, SECRET = "ck_test", "cs_test"


def recording(name: str) -> dict[str, Any]:
    return json.loads((RECORDINGS / f"{name}.json").read_text())


@dataclass
class Clock:
    now: dt.datetime = dt.datetime(2026, 11, 22, 15, 0, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def tick(self, seconds: float = 1) -> None:
        self.now += dt.timedelta(seconds=seconds)


@dataclass
class Receiver:
    """What arrived; ``answers`` with a status, or with nothing."""

    answers: int | None = 200
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    meanwhile: Any = None  # called while a delivery is under way

    def __call__(self, url, headers, body, *, timeout, follow) -> int | None:
        self.got.append((url, headers, body))
        if self.meanwhile:
            self.meanwhile()
        return self.answers

    @property
    def deliveries(self) -> list[tuple[dict[str, str], bytes]]:
        return [
            (headers, body) for _, headers, body in self.got if not body.startswith(b"webhook_id=")
        ]

    @property
    def pings(self) -> list[dict[str, str]]:
        return [headers for _, headers, body in self.got if body.startswith(b"webhook_id=")]

    @property
    def topics(self) -> list[str]:
        return [headers["X-WC-Webhook-Topic"] for headers, _ in self.deliveries]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def app(clock: Clock, receiver: Receiver) -> StoreApp:
    return StoreApp(
        home="https://store.example",
        clock=clock,
        keys={KEY: Key(SECRET), "ck_reader": Key("cs_reader", "read")},
        sender=receiver,
    )


@pytest.fixture
def http(app: StoreApp) -> httpx.Client:
    return httpx.Client(
        transport=httpx.WSGITransport(app), base_url="http://127.0.0.1", auth=(KEY, SECRET)
    )
