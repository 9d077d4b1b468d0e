"""What a queue's consumer says of an error that nobody foresaw."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from accord import bootstrap
from accord.consumer import UnforeseenError, consumer


class Broken:
    """A worker that meets what nobody foresaw."""

    def handle(self, *_: object) -> object:
        raise KeyError("maria@shopper.example")


def event(body: str) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": "1", "MessageGroupId": "uk:order:30"}
    arn = "arn:aws:sqs:eu-west-1:123456789012:accord-dev-order_created.fifo"
    record = {"messageId": "m-1", "body": body, "attributes": attributes, "eventSourceARN": arn}
    return {"Records": [{**record, "receiptHandle": "r", "eventSource": "aws:sqs"}]}


CHANGE = json.dumps(
    {"ref": "uk:order:30", "event": "order_created", "seen_at": "2026-11-22T16:00:00+00:00"}
)


def context_of_a_run() -> Any:
    return SimpleNamespace(
        function_name="order_created",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:order_created",
        aws_request_id="run",
        get_remaining_time_in_millis=lambda: 60_000,
    )


@pytest.mark.parametrize("body", [CHANGE, '{"no": "change"}', "maria@shopper.example"])
def test_it_is_told_without_its_text_and_the_message_comes_back(
    monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(bootstrap, "worker", Broken)
    logger = Logger(service=f"test-{body[:3]}", stream=said)
    context = context_of_a_run()

    handler = consumer(lambda _: None, logger=logger)  # type: ignore[arg-type, return-value]
    with pytest.raises(UnforeseenError) as met:  # Lambda counts it, so a roll-out is taken back
        handler(event(body), context)

    assert "consumer.py:" in str(met.value)
    assert "maria" not in str(met.value)
    assert '"failed"' in said.getvalue()
    assert "consumer.py:" in said.getvalue()
    assert "maria" not in said.getvalue()


def test_one_that_comes_back_counts_as_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "worker", Broken)
    again = event(CHANGE)
    again["Records"][0]["attributes"] = {
        "ApproximateReceiveCount": "2",
        "MessageGroupId": "uk:order:30",
    }
    handler = consumer(lambda _: None, logger=Logger(service="test-again", stream=io.StringIO()))  # type: ignore[arg-type, return-value]

    answer = handler(again, context_of_a_run())

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


def test_of_several_messages_only_the_one_that_met_it_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bootstrap, "worker", Broken)
    both = event(CHANGE)
    both["Records"].append({**both["Records"][0], "messageId": "m-2"})
    handler = consumer(lambda _: None, logger=Logger(service="test-two", stream=io.StringIO()))  # type: ignore[arg-type, return-value]

    answer = handler(both, context_of_a_run())

    assert answer["batchItemFailures"][0] == {"itemIdentifier": "m-1"}
