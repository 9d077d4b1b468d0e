"""report_dead_letters: what killed a worker six times is kept whole and put before a person."""

import json
from typing import Any

import pytest

from accord.state.attention import DynamoAttention
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, metrics

FUNCTION = "report_dead_letters"
CASES = sorted(path.stem for path in (EVENTS / FUNCTION).glob("*.json"))


def event_of(case: str) -> dict[str, Any]:
    path = EVENTS / FUNCTION / f"{case}.json"
    event: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return event


def kept(room: Room, key: str) -> dict[str, Any]:
    found = room.cloud.client("s3").get_object(Bucket=room.bucket, Key=key)["Body"].read()
    payload: dict[str, Any] = json.loads(found)
    return payload


@pytest.mark.parametrize("case", CASES)
def test_every_event_becomes_an_item_that_keeps_its_message(
    run: Handler, room: Room, capsys: pytest.CaptureFixture[str], case: str
) -> None:
    event = event_of(case)

    assert run(FUNCTION, event) == {"batchItemFailures": []}

    (item,) = room.of(DynamoAttention, "attention").open()
    assert (item.reason, item.owner) == ("dead_letter", "ops")
    assert kept(room, item.payload)["message"] == event["Records"][0]["body"]
    assert metrics(capsys.readouterr().out) == {"DeadLetters": 1}


def test_the_item_is_about_the_order(run: Handler, room: Room) -> None:
    run(FUNCTION, event_of("order_created_rich"))

    (item,) = room.of(DynamoAttention, "attention").open()
    assert item.subject == "uk:order:30"


def test_the_log_does_not_show_the_message(
    run: Handler, room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    run(FUNCTION, event_of("order_created_rich"))

    assert "grace@example.com" not in capsys.readouterr().out


def test_one_that_cannot_be_reported_stays_with_all_after_it(run: Handler, room: Room) -> None:
    room.cloud.client("dynamodb").delete_table(TableName=room.tables["attention"])
    records = [event_of(case)["Records"][0] for case in CASES]

    answer = run(FUNCTION, {"Records": records})

    ids = [{"itemIdentifier": record["messageId"]} for record in records]
    assert answer == {"batchItemFailures": ids}


def test_a_message_nested_too_deeply_is_reported_too(run: Handler, room: Room) -> None:
    """Else it would stay at the head of the queue of the dead, with all behind it."""
    event = event_of("unreadable")
    event["Records"][0]["body"] = "[" * 500_000

    assert run(FUNCTION, event) == {"batchItemFailures": []}
    assert len(room.of(DynamoAttention, "attention").open()) == 1
