"""`accord connect` as a person runs it, on an AWS stand-in."""

import json
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from accord.cli import connect
from accord.cli.app import app
from tests.functions.cloud import Room
from tests.functions.consenting import PUBLIC

RUN = CliRunner()


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


def told(result: Result) -> str:
    """All that was said, in one line."""
    return " ".join((result.stdout + result.stderr).split())


@pytest.fixture(autouse=True)
def _reached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "reach", lambda _: None)
    monkeypatch.setattr(connect, "offers", lambda _: False)  # asks the shop
