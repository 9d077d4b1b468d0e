"""Calls of a back office at the door: signed, heard, and turned into a look soon."""

import base64
import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from accord import edge
from accord.errors import RejectedError, UnavailableError
from accord.signed import MOST_BYTES, signature
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import FUNCTIONS, Handler, handler, metrics

FUNCTION = "receive_erp_webhook"
FORGED = "intent_to_receive_forged"
CALLS = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in (EVENTS / FUNCTION).glob("*.json")
}
KEY = CALLS["several"]["secret"]
TENANT = json.loads(CALLS["several"]["body"])["events"][0]["tenantId"]
KINDS = {
    "intent_to_receive": [],
    FORGED: [],
    "invoice_updated": ["invoice", "sales_order", "stock"],
    "credit_note_created": ["invoice", "stock"],
    "several": ["invoice", "party", "sales_order", "stock"],
    "subscription": [],
}
NOW = dt.datetime(2026, 11, 20, 12, 0, 10, tzinfo=dt.UTC)


class Clock:
    """Where the handler reads the time."""

    moment = NOW

    def now(self, _: dt.tzinfo) -> dt.datetime:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", FUNCTION)  # as its logger is made
    made = Clock()
    monkeypatch.setattr(handler(FUNCTION), "dt", SimpleNamespace(UTC=dt.UTC, datetime=made))
    return made


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    config["erps"]["main"] |= {"adapter": "xero", "options": {"tenant": TENANT}}
    return config


@pytest.fixture
def room(room: Room, clock: Clock) -> Room:
    room.keep_secret("erp/main", {"webhook_keys": [KEY]})
    return room


def api_event(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What API Gateway makes of a call (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "POST /erps/{erp}/webhook",
        "pathParameters": {"erp": found["erp"]},
        "headers": {name.lower(): value for name, value in found["headers"].items()},
        "requestContext": {"http": {"sourceIp": "203.0.113.9"}, "requestId": "r-1"},
        "body": found["body"],
        "isBase64Encoded": False,
        **changes,
    }


def signed(body: str, key: str = KEY) -> dict[str, Any]:
    event = api_event(CALLS["several"], body=body)
    event["headers"]["x-xero-signature"] = signature(body.encode(), key)
    return event


def hints(room: Room) -> list[dict[str, str]]:
    return [json.loads(message["Body"]) for message in room.messages("poll_erp")]


@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_call_is_answered_as_it_wants_and_looks_are_asked_for(
    run: Handler, room: Room, name: str
) -> None:
    answer = run(FUNCTION, api_event(CALLS[name]))

    assert answer == {"statusCode": 401 if name == FORGED else 200, "body": ""}
    assert sorted(each["kind"] for each in hints(room)) == KINDS[name]


def test_a_hint_is_what_a_schedule_says_in_a_group_of_its_kind(run: Handler, room: Room) -> None:
    run(FUNCTION, api_event(CALLS["credit_note_created"]))

    found = {
        message["Attributes"]["MessageGroupId"]: json.loads(message["Body"])
        for message in room.messages("poll_erp")
    }
    assert found == {f"main:{kind}": {"erp": "main", "kind": kind} for kind in ("invoice", "stock")}


def test_a_storm_of_calls_is_one_look_for_each_half_minute(
    run: Handler, room: Room, clock: Clock
) -> None:
    for second in range(60):
        clock.moment = NOW + dt.timedelta(seconds=second)
        assert run(FUNCTION, api_event(CALLS["credit_note_created"]))["statusCode"] == 200

    kinds = [hint["kind"] for hint in hints(room)]
    assert sorted(kinds) == ["invoice"] * 3 + ["stock"] * 3  # 12:00:00, 12:00:30 and 12:01:00


def test_every_call_is_followed_by_a_look_that_begins_after_it(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue hands a message over HINT_S after it was sent, and drops what was sent already."""
    looks: dict[str, dt.datetime] = {}

    class Queues:
        def put_raw(self, event: str, group: str, body: str, sending: str) -> None:
            looks.setdefault(sending, clock.moment + dt.timedelta(seconds=edge.HINT_S))

    monkeypatch.setattr(edge, "queues", Queues)
    for tenths in range(0, 900, 7):
        clock.moment = NOW + dt.timedelta(seconds=tenths / 10)
        edge.hint("main", "invoice", now=clock.moment)
        assert max(looks.values()) >= clock.moment

    assert len(looks) <= 90 / edge.HINT_S + 1


def test_a_replayed_call_changes_nothing(run: Handler, room: Room) -> None:
    for _ in range(5):
        assert run(FUNCTION, api_event(CALLS["invoice_updated"]))["statusCode"] == 200

    assert len(hints(room)) == 3


@pytest.mark.parametrize("name", sorted(set(CALLS) - {FORGED}))
def test_a_forged_call_is_turned_away_and_counted(
    run: Handler, room: Room, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    body = CALLS[name]["body"].replace("entropy", "entropie")

    answer = run(FUNCTION, api_event(CALLS[name], body=body))

    assert (answer["statusCode"], answer["body"]) == (401, "")
    assert hints(room) == []
    assert metrics(capsys.readouterr().out) == {"ErpWebhooksRejected": 1}


@pytest.mark.parametrize("given", ["", "ä", "=", signature(b"{}", KEY)])
def test_a_signature_that_is_none_is_turned_away(run: Handler, room: Room, given: str) -> None:
    event = api_event(CALLS["several"])
    event["headers"]["x-xero-signature"] = given

    assert run(FUNCTION, event)["statusCode"] == 401


def test_an_unknown_back_office_and_one_that_does_not_call_are_not_found(
    run: Handler, room: Room
) -> None:
    for path in ({"erp": "elsewhere"}, {}, None):
        event = api_event(CALLS["several"], pathParameters=path)
        assert run(FUNCTION, event)["statusCode"] == 404


@pytest.mark.parametrize("adapter", ["tryton", "odoo", "memory"])
def test_a_back_office_without_webhooks_is_not_found_and_no_secret_is_read(
    run: Handler, room: Room, config: dict[str, Any], adapter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = edge.ErpEdge("main", adapter, "erp/main", {})
    monkeypatch.setattr(edge, "erps", lambda: {"main": table})
    monkeypatch.setattr(edge, "aws_client", lambda: pytest.fail("AWS was asked"))

    assert run(FUNCTION, api_event(CALLS["several"]))["statusCode"] == 404


def test_another_organisations_events_are_dropped_and_counted(
    run: Handler, room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    body = CALLS["several"]["body"].replace(TENANT, "9fe6a2ce-0000-4b6f-a2f0-4f6d6f3f1b77")

    assert run(FUNCTION, signed(body))["statusCode"] == 200
    assert hints(room) == []
    assert metrics(capsys.readouterr().out) == {"ErpWebhooksIgnored": 4}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"events":{}}',
        '{"events":[',
        "[" * 200_000,
        '{"events":' + "[" * 200_000,
        '{"events":[' + " " * MOST_BYTES + "]}",
        "\udce4".encode(errors="surrogateescape").decode("latin-1"),
    ],
)
def test_what_is_genuine_and_cannot_be_read_is_answered_and_counted(
    run: Handler, room: Room, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(FUNCTION, signed(body))["statusCode"] == 200
    assert hints(room) == []
    assert metrics(capsys.readouterr().out) == {"ErpWebhooksIgnored": 1}


def test_an_encoded_body_is_the_same_call(run: Handler, room: Room) -> None:
    body = base64.b64encode(CALLS["several"]["body"].encode()).decode()

    answer = run(FUNCTION, api_event(CALLS["several"], body=body, isBase64Encoded=True))

    assert answer["statusCode"] == 200
    assert len(hints(room)) == 4


def test_both_keys_are_valid_while_one_is_rotated(run: Handler, room: Room) -> None:
    room.keep_secret("erp/main", {"webhook_keys": ["the next one", KEY]})

    assert run(FUNCTION, api_event(CALLS["several"]))["statusCode"] == 200
    assert run(FUNCTION, signed(CALLS["several"]["body"], "the next one"))["statusCode"] == 200


def test_without_a_key_everything_is_turned_away(run: Handler, room: Room) -> None:
    room.keep_secret("erp/main", {"client_id": "c", "webhook_keys": []})

    assert run(FUNCTION, api_event(CALLS["several"]))["statusCode"] == 401
    assert run(FUNCTION, signed(CALLS["several"]["body"], ""))["statusCode"] == 401


def test_a_key_that_is_no_list_is_refused_and_not_taken_apart(run: Handler, room: Room) -> None:
    room.keep_secret("erp/main", {"webhook_keys": KEY})

    with pytest.raises(RejectedError, match="a list of texts") as refused:
        run(FUNCTION, signed(CALLS["several"]["body"], KEY[0]))
    assert KEY not in str(refused.value)


def test_without_the_queue_the_back_office_is_not_told_that_we_have_it(
    run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function fails, which API Gateway answers with 500."""

    def away(**_: str) -> str:
        raise UnavailableError("SQS does not answer")

    monkeypatch.setattr(edge.aws_client(), "send_message", away)

    with pytest.raises(UnavailableError):
        run(FUNCTION, api_event(CALLS["several"]))


def test_nothing_that_was_sent_is_logged(
    run: Handler, room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    run(FUNCTION, api_event(CALLS["several"]))
    run(FUNCTION, api_event(CALLS[FORGED]))

    out = capsys.readouterr().out
    assert '"heard"' in out
    for secret in (KEY, TENANT, "8f2ad9d4", CALLS["several"]["headers"]["x-xero-signature"]):
        assert secret not in out


def test_the_receiver_imports_no_adapter_and_nothing_heavy() -> None:
    """Its start-up is what the back office waits for."""
    code = (
        "import handler, sys, json; from accord.erp.hooks import webhook_of; "
        "assert webhook_of('xero'); print(json.dumps(sorted(sys.modules)))"
    )
    package = str(Path(edge.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join([str(FUNCTIONS / FUNCTION), package]),
            "POWERTOOLS_SERVICE_NAME": FUNCTION,
        },
        capture_output=True,
        check=True,
        timeout=60,
    )
    loaded = set(json.loads(done.stdout)) - {"botocore"}  # Powertools looks for it
    heavy = {"pydantic", "pydantic_core", "boto3", "botocore", "httpx", "urllib3"}

    assert {name for name in loaded if name.partition(".")[0] in heavy} == set()
    core = ("accord.erp.", "accord.ports", "accord.rules", "accord.sync")
    ours = {name for name in loaded if name.startswith(core)}
    assert ours == {"accord.erp.hooks", "accord.erp.xero", "accord.erp.xero.webhook"}
