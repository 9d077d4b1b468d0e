"""A desk's mail goes to its topic; what fails is one of our errors."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from accord.errors import AccordError, UnsupportedError
from accord.state.topics import SnsNotices


@pytest.fixture
def sns() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("sns", region_name="eu-west-1")


@pytest.fixture
def read(sns: Any) -> Any:
    """The messages that a subscriber of topic ``ops`` got: (subject, text)."""
    sqs = boto3.client("sqs", region_name="eu-west-1")
    url = sqs.create_queue(QueueName="mailbox")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    topic = sns.create_topic(Name="ops")["TopicArn"]
    arn = queue["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def messages() -> list[tuple[str, str]]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        bodies = [json.loads(each["Body"]) for each in found]
        return [(body["Subject"], body["Message"]) for body in bodies]

    return topic, messages


def test_a_mail_reaches_its_topic(sns: Any, read: Any) -> None:
    topic, messages = read
    SnsNotices(sns, {"ops": topic}).publish("ops", "Accord prod: 1 thing", "Good morning. Zoë")

    assert messages() == [("Accord prod: 1 thing", "Good morning. Zoë")]


def test_a_text_that_is_too_long_is_cut(sns: Any, read: Any) -> None:
    topic, messages = read
    SnsNotices(sns, {"ops": topic}).publish("ops", "Long", "ë" * 200_000)

    ((_, text),) = messages()
    assert len(text.encode()) <= 200_000


def test_an_owner_without_a_topic_is_said_so(sns: Any) -> None:
    with pytest.raises(UnsupportedError, match="finance has no topic; deploy the alarms stack"):
        SnsNotices(sns, {}).publish("finance", "a", "b")


def test_a_topic_that_is_gone_is_one_of_our_errors(sns: Any) -> None:
    gone = "arn:aws:sns:eu-west-1:123456789012:gone"

    with pytest.raises(AccordError):
        SnsNotices(sns, {"ops": gone}).publish("ops", "a", "b")
