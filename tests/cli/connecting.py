"""`accord connect` as a person runs it, on an AWS stand-in."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from accord.bootstrap import tables
from accord.cli import connect
from accord.cli.app import app
from accord.local.xero.server import FakeXero
from accord.model.change import Ref
from tests.functions.cloud import Room
from tests.functions.consenting import ERP, PUBLIC, answering

RUN = CliRunner()
APP = {"client_id": "local-client", "client_secret": "local-client-secret"}


def invoke(*words: str, typed: str | None = None) -> Result:
    """The command with ``--url``, for there is no API here; ``typed`` are lines."""
    return RUN.invoke(app, ["connect", "--url", PUBLIC, *words], input=typed)


def held(room: Room, name: str) -> dict[str, Any]:
    """What the secret holds."""
    manager = room.cloud.client("secretsmanager")
    stage = room.environment["ACCORD_STAGE"]
    text = manager.get_secret_value(SecretId=f"accord/{stage}/{name}")["SecretString"]
    found: dict[str, Any] = json.loads(text)
    return found


def kept_of(name: str) -> list[tuple[str, str]]:
    """Who did something to the connection, and what, as the journal keeps it."""
    story = tables.journal().of(Ref(name, "connection", name))
    return [(entry.details["by"], entry.text) for entry in story]


def told(result: Result) -> str:
    """All that was said, in one line."""
    return " ".join((result.stdout + result.stderr).split())


@pytest.fixture(autouse=True)
def _reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "reach", lambda _: None)
    monkeypatch.setattr(connect, "offers", lambda _: False)  # asks the shop


class OnXero:
    """A back office that a person allows in a browser: Xero's stand-in, whose app is kept."""

    @pytest.fixture
    def xero(self) -> FakeXero:
        return FakeXero()

    @pytest.fixture
    def config(self, config: dict[str, Any], xero: FakeXero) -> Iterator[dict[str, Any]]:
        with answering(xero) as url:
            config["erps"][ERP] = {"adapter": "xero", "url": url, "secret": "erp/books"}
            yield config

    @pytest.fixture
    def room(self, room: Room) -> Room:
        room.keep_secret("erp/books", APP)
        return room
