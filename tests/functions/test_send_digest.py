"""send_digest: what waits for a desk reaches its topic."""

import datetime as dt
import json
from typing import Any

import pytest

from accord.ports.state import Item
from accord.state.attention import DynamoAttention
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, forget

(CASE,) = (EVENTS / "send_digest").glob("*.json")


@pytest.fixture
def mailbox(room: Room, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What finance's topic was sent: (subject, text)."""
    sns, sqs = room.cloud.client("sns"), room.cloud.client("sqs")
    topic = sns.create_topic(Name=f"{room.environment['ACCORD_STAGE']}-finance")["TopicArn"]
    url = sqs.create_queue(QueueName=f"{room.environment['ACCORD_STAGE']}-mail")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn = queue["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    monkeypatch.setenv("ACCORD_TOPICS", json.dumps({"finance": topic}))
    forget()

    def read() -> list[tuple[str, str]]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        bodies = [json.loads(each["Body"]) for each in found]
        return [(body["Subject"], body["Message"]) for body in bodies]

    return read


def send(run: Handler) -> None:
    run("send_digest", json.loads(CASE.read_text(encoding="utf-8")))


def test_a_desk_is_mailed_once_a_day(run: Handler, room: Room, mailbox: Any) -> None:
    now = dt.datetime.now(dt.UTC)
    room.of(DynamoAttention, "attention").put(
        Item("i1", "uk:order:30", "total_differs", "finance", "Ada owes 7", now, now)
    )

    send(run)
    send(run)

    ((subject, text),) = mailbox()
    assert "1 thing needs finance" in subject
    assert "uk:order:30" in text
    assert "Ada" not in text


def test_with_nothing_open_nobody_is_mailed(run: Handler, mailbox: Any) -> None:
    send(run)

    assert mailbox() == []


def test_what_could_not_be_sent_fails_so_that_an_alarm_rings(run: Handler, room: Room) -> None:
    now = dt.datetime.now(dt.UTC)
    room.of(DynamoAttention, "attention").put(
        Item("i1", "uk:order:30", "total_differs", "ops", "why", now, now)
    )

    with pytest.raises(Exception, match="ops has no topic"):
        send(run)
