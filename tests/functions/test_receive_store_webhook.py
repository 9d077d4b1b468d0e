"""Every recorded delivery, and what may come instead of one, at the door."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from accord import edge
from accord.errors import RejectedError, UnavailableError
from accord.local.store.deliveries import sign
from accord.model.change import Change
from accord.woo.webhook import CARRIED_BYTES
from tests.conftest import EVENTS, capture
from tests.functions.cloud import Room
from tests.functions.conftest import FUNCTIONS, SECRET, Handler, metrics

FUNCTION = "receive_store_webhook"
RECORDED = sorted(path.stem for path in (EVENTS / FUNCTION).glob("*.json"))
UNFOLLOWED = {
    "ping",
    "order_created_error_body",
    "order_updated_checkout_draft",
}
RICH = "order_created_rich"


def api_event(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What API Gateway makes of a recorded delivery (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "POST /stores/{store}/webhooks",
        "pathParameters": {"store": "uk"},
        "headers": {name.lower(): value for name, value in found["headers"].items()},
        "requestContext": {"http": {"sourceIp": "203.0.113.9"}, "requestId": "r-1"},
        "body": found["body"],
        "isBase64Encoded": False,
        **changes,
    }


def queued(room: Room) -> list[Change]:
    """What is in both queues."""
    return [
        Change.from_json(message["Body"])
        for event in room.queues
        for message in room.messages(event)
    ]


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_delivery_is_accepted_and_queued_if_it_says_something(
    run: Handler, room: Room, name: str
) -> None:
    answer = run(FUNCTION, api_event(capture(name)))

    assert answer["statusCode"] == 200
    assert len(queued(room)) == (name not in UNFOLLOWED)


def test_the_change_goes_to_the_queue_of_its_event_and_into_the_group_of_its_order(
    run: Handler, room: Room
) -> None:
    run(FUNCTION, api_event(capture(RICH)))

    (message,) = room.messages("order_created")
    change = Change.from_json(message["Body"])
    assert message["Attributes"]["MessageGroupId"] == str(change.ref) == "uk:order:30"
    assert change.correlation_id == "r-1"
    assert change.document == json.loads(capture(RICH)["body"])


def test_a_repeated_delivery_is_queued_once(run: Handler, room: Room) -> None:
    for _ in range(2):
        assert run(FUNCTION, api_event(capture(RICH)))["statusCode"] == 200

    assert len(queued(room)) == 1


def test_the_ping_needs_neither_signature_nor_secret(
    run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "aws_client", lambda: pytest.fail("AWS was asked"))

    assert run(FUNCTION, api_event(capture("ping")))["statusCode"] == 200


def test_a_forged_delivery_is_turned_away(
    run: Handler, room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    body = capture(RICH)["body"].replace("213.02", "13.02")

    answer = run(FUNCTION, api_event(capture(RICH), body=body))

    assert answer["statusCode"] == 401
    assert queued(room) == []
    assert metrics(capsys.readouterr().out) == {"WebhooksRejected": 1}


def test_an_unknown_store_is_not_found(run: Handler, room: Room) -> None:
    for path in ({"store": "elsewhere"}, {}, None):
        assert run(FUNCTION, api_event(capture(RICH), pathParameters=path))["statusCode"] == 404

    assert queued(room) == []


class TestOfAStoreThatNamesItsAddresses:
    """It lists where its deliveries may come from."""

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        config["stores"]["uk"]["allowed_sources"] = ["203.0.113.0/24"]
        return config

    @pytest.mark.parametrize(
        ("address", "status"), [("203.0.113.9", 200), ("198.51.100.1", 403), ("", 403)]
    )
    def test_only_they_are_let_in(self, run: Handler, address: str, status: int) -> None:
        context = {"http": {"sourceIp": address}, "requestId": "r-1"}

        answer = run(FUNCTION, api_event(capture(RICH), requestContext=context))

        assert answer["statusCode"] == status


def test_both_secrets_are_valid_while_one_is_rotated(run: Handler, room: Room) -> None:
    room.keep_secret("store/uk", {"webhook_secrets": ["the next one", SECRET]})

    assert run(FUNCTION, api_event(capture(RICH)))["statusCode"] == 200
    assert run(FUNCTION, signed(capture(RICH), "the next one"))["statusCode"] == 200


class TestRotatedWhileItWasKept:
    """The secret changes; the function still holds the old one."""

    @pytest.fixture
    def now(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        moment = [1000.0]
        monkeypatch.setattr(edge.time, "monotonic", lambda: moment[0])
        return moment

    @pytest.fixture
    def asked(self, room: Room, now: list[float], monkeypatch: pytest.MonkeyPatch) -> list[str]:
        names: list[str] = []
        real = edge.aws_client().get_secret

        def get_secret(name: str) -> str:
            names.append(name)
            return real(name)

        monkeypatch.setattr(edge.aws_client(), "get_secret", get_secret)
        return names

    def test_the_new_one_is_asked_for(
        self, run: Handler, room: Room, now: list[float], asked: list[str]
    ) -> None:
        run(FUNCTION, api_event(capture(RICH)))
        room.keep_secret("store/uk", {"webhook_secrets": ["the next one"]})
        now[0] += 31

        assert run(FUNCTION, signed(capture(RICH), "the next one"))["statusCode"] == 200
        assert len(asked) == 2

    def test_forgers_do_not_make_it_ask_more_often_than_every_thirty_seconds(
        self, run: Handler, now: list[float], asked: list[str]
    ) -> None:
        run(FUNCTION, api_event(capture(RICH)))
        for _ in range(90):
            now[0] += 1
            assert run(FUNCTION, signed(capture(RICH), "a guess"))["statusCode"] == 401

        assert len(asked) == 4  # at the start, and after 30, 60 and 90 seconds

    def test_a_secret_that_is_in_use_is_kept_for_five_minutes(
        self, run: Handler, now: list[float], asked: list[str]
    ) -> None:
        for _ in range(10):
            run(FUNCTION, api_event(capture(RICH)))
            now[0] += 30

        assert len(asked) == 1

    def test_while_it_cannot_be_asked_for_the_old_one_is_valid(
        self, run: Handler, room: Room, now: list[float], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(FUNCTION, api_event(capture(RICH)))
        asked: list[str] = []

        def away(name: str) -> str:
            asked.append(name)
            raise UnavailableError("Secrets Manager does not answer")

        monkeypatch.setattr(edge.aws_client(), "get_secret", away)
        now[0] += 301
        for _ in range(3):
            assert run(FUNCTION, api_event(capture(RICH)))["statusCode"] == 200
            now[0] += 10

        assert len(asked) == 1


@pytest.mark.parametrize(
    "content",
    [{"webhook_secrets": SECRET}, {"webhook_secrets": [1]}, {"webhook_secrets": None}, {}],
)
def test_a_secret_that_is_no_list_is_refused_and_not_taken_apart(
    run: Handler, room: Room, content: dict[str, Any]
) -> None:
    """A text is a sequence of letters, and whoever signs with one of them must not get in."""
    room.keep_secret("store/uk", content)

    with pytest.raises(RejectedError, match="a list of texts") as refused:
        run(FUNCTION, signed(capture(RICH), SECRET[0]))

    assert SECRET not in str(refused.value)
    assert queued(room) == []


def signed(found: dict[str, Any], secret: str, body: str | None = None) -> dict[str, Any]:
    """The delivery, signed with another secret."""
    body = found["body"] if body is None else body
    event = api_event(found, body=body)
    event["headers"]["x-wc-webhook-signature"] = sign(body.encode(), secret)
    return event


@pytest.mark.parametrize("name", sorted(UNFOLLOWED - {"ping"}))
def test_what_says_nothing_to_us_is_counted(
    run: Handler, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    run(FUNCTION, api_event(capture(name)))

    assert metrics(capsys.readouterr().out) == {"WebhooksIgnored": 1}


def test_a_copy_of_the_shop_is_answered_and_counted_and_not_followed(
    run: Handler, room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    body = capture(RICH)["body"].replace("store.example", "staging.example")

    assert run(FUNCTION, signed(capture(RICH), SECRET, body))["statusCode"] == 200
    assert queued(room) == []
    assert metrics(capsys.readouterr().out) == {"WebhooksIgnored": 1}


def test_an_encoded_body_is_the_same_delivery(run: Handler, room: Room) -> None:
    body = base64.b64encode(capture(RICH)["body"].encode()).decode()

    answer = run(FUNCTION, api_event(capture(RICH), body=body, isBase64Encoded=True))

    assert answer["statusCode"] == 200
    assert [str(change.ref) for change in queued(room)] == ["uk:order:30"]


def test_an_oversize_body_is_queued_as_a_bare_ref(run: Handler, room: Room) -> None:
    order = {**json.loads(capture(RICH)["body"]), "customer_note": "x" * CARRIED_BYTES}

    assert run(FUNCTION, signed(capture(RICH), SECRET, json.dumps(order)))["statusCode"] == 200
    (change,) = queued(room)
    assert (str(change.ref), change.document) == ("uk:order:30", None)


def test_without_the_queue_the_store_is_not_told_that_we_have_it(
    run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function fails, which API Gateway answers with 500."""
    run(FUNCTION, api_event(capture("ping")))
    edge.webhook_secrets.of(edge.stores()["uk"])  # at hand, as in a function that is warm
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens there
    from accord.settings import settings

    edge.aws_client().close()
    for cached in (settings, edge.aws_client, edge.queues):
        cached.cache_clear()

    with pytest.raises(UnavailableError):
        run(FUNCTION, api_event(capture(RICH)))


def test_a_message_that_sqs_refuses_is_not_taken_for_queued(
    run: Handler, room: Room, cloud: Any
) -> None:
    cloud.client("sqs").delete_queue(QueueUrl=room.queues["order_created"])

    with pytest.raises(Exception, match="SendMessage"):
        run(FUNCTION, api_event(capture(RICH)))


def test_the_receiver_imports_nothing_heavy() -> None:
    """Its start-up is what the store waits for."""
    code = "import handler, sys, json; print(json.dumps(sorted(sys.modules)))"
    package = str(Path(edge.__file__).parents[1])
    run = subprocess.run(
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
    loaded = set(json.loads(run.stdout)) - {
        "botocore"
    }  # half a millisecond; Powertools looks for it
    heavy = {"pydantic", "pydantic_core", "boto3", "botocore", "httpx", "urllib3"}

    assert {name for name in loaded if name.partition(".")[0] in heavy} == set()
