"""`accord send`: a recorded delivery or call is signed anew and posted where it belongs."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from accord.cli import connection, local
from accord.cli.app import app
from accord.local.recorded import Recorded
from accord.signed import is_signed
from tests.conftest import EVENTS

RUN = CliRunner()
CALLS = EVENTS / "receive_erp_webhook"
LOCAL = "http://127.0.0.1:8000"


class Posted:
    """What was posted where, in the place of the network. It answers ``status``."""

    def __init__(self) -> None:
        self.status = 200
        self.sent: list[tuple[str, Recorded]] = []


@pytest.fixture
def posted(monkeypatch: pytest.MonkeyPatch) -> Posted:
    made = Posted()

    def post(delivery: Recorded, _: Any, url: str) -> int:
        made.sent.append((url, delivery))
        return made.status

    monkeypatch.setattr(Recorded, "post", post)
    webhooks = f"{LOCAL}/stores/uk/webhooks"
    for module in (connection, local):
        monkeypatch.setattr(module, "local_webhooks", lambda: webhooks)
    return made


def send(path: Path, *words: str) -> Any:
    return RUN.invoke(app, ["send", str(path), *words])


def test_a_call_goes_to_the_back_office_that_it_names_signed_as_it_signs(posted: Posted) -> None:
    result = send(CALLS / "several.json")

    ((url, call),) = posted.sent
    assert result.exit_code == 0
    assert url == f"{LOCAL}/erps/main/webhook"
    recorded = json.loads((CALLS / "several.json").read_text(encoding="utf-8"))
    assert call.headers == recorded["headers"]
    assert is_signed(call.body.encode(), call.header("x-xero-signature"), [recorded["secret"]])


def test_another_key_signs_it_anew_in_the_same_header(posted: Posted) -> None:
    send(
        CALLS / "several.json",
        "--secret",
        "another",
        "--to",
        "https://hooks.example/erps/x/webhook",
    )

    ((url, call),) = posted.sent
    assert url == "https://hooks.example/erps/x/webhook"
    assert is_signed(call.body.encode(), call.header("x-xero-signature"), ["another"])
    assert "x-wc-webhook-signature" not in {name.lower() for name in call.headers}


def test_a_forged_call_is_sent_as_it_was_recorded(posted: Posted) -> None:
    posted.status = 401

    result = send(CALLS / "intent_to_receive_forged.json")

    ((_, call),) = posted.sent
    recorded = json.loads((CALLS / "intent_to_receive_forged.json").read_text(encoding="utf-8"))
    assert call.headers == recorded["headers"]
    assert result.exit_code == 1
    assert "the sender's" in result.stderr


def test_a_back_office_that_does_not_call_is_said_so(posted: Posted) -> None:
    posted.status = 404

    result = send(CALLS / "several.json")

    assert "accord.toml has no main, or it does not call" in " ".join(result.stderr.split())


def test_a_delivery_goes_to_the_store_as_before(posted: Posted) -> None:
    result = send(EVENTS / "receive_store_webhook" / "order_created_rich.json")

    ((url, delivery),) = posted.sent
    assert (result.exit_code, url) == (0, f"{LOCAL}/stores/uk/webhooks")
    assert is_signed(
        delivery.body.encode(), delivery.header("x-wc-webhook-signature"), [delivery.secret or ""]
    )
