"""Changes reach the queue of their event, once per sending, in the order of their ref."""

import datetime as dt
from collections.abc import Callable, Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from accord.aws import AwsClient, Credentials
from accord.errors import RejectedError, UnavailableError, UnsupportedError
from accord.local import moto_fixes
from accord.model.change import Change, Ref
from accord.queues import SqsQueues

KEYS = Credentials("testing", "testing")


class Sent:
    """A client that remembers what it was to send."""

    def __init__(self) -> None:
        self.messages: list[dict[str, str]] = []

    def send_message(self, **message: str) -> str:
        self.messages.append(message)
        return "m1"


@pytest.fixture
def change() -> Callable[..., Change]:
    def make(id_: str = "30", **changed) -> Change:
        now = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
        return Change(Ref("uk", "order", id_), "order_created", now, "c1", **changed)

    return make


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
def queues(sent: Sent) -> SqsQueues:
    return SqsQueues(sent, {"order_created": "https://sqs/created.fifo"})


def test_a_change_goes_to_the_queue_of_its_event(queues, sent, change) -> None:
    queues.put(change(), sending="s")

    assert sent.messages[0]["queue_url"] == "https://sqs/created.fifo"


def test_the_group_is_the_ref(queues, sent, change) -> None:
    queues.put(change(), sending="s")

    assert sent.messages[0]["group"] == "uk:order:30"


def test_the_message_is_the_change(queues, sent, change) -> None:
    one = change(document={"id": 30, "name": "Zoë"})
    queues.put(one, sending="s")

    assert Change.from_json(sent.messages[0]["body"]) == one


def test_a_raw_message_is_sent_as_it_is(queues, sent) -> None:
    queues.put_raw("order_created", "uk:order:30", '{"v":1}', "s")

    assert sent.messages[0]["body"] == '{"v":1}'


def test_the_same_sending_has_the_same_id(queues, sent, change) -> None:
    queues.put(change(), sending="é" * 500)
    queues.put(change("31"), sending="é" * 500)

    first, second = (message["deduplication_id"] for message in sent.messages)
    assert first == second
    assert len(first) == 64


@pytest.mark.parametrize("id_", ["x" * 200, "MUG 11 oz", "Größe", "\ud83d", "a\nb"])
def test_a_ref_that_is_no_group_is_hashed(queues, sent, change, id_: str) -> None:
    queues.put(change(id_), sending="s")
    queues.put(change(id_ + "2"), sending="s")

    one, other = (message["group"] for message in sent.messages)
    assert one.isalnum()
    assert len(one) == 64
    assert one != other


def test_an_event_without_a_queue_is_refused(queues) -> None:
    with pytest.raises(UnsupportedError, match="refund_issued"):
        queues.put_raw("refund_issued", "uk:order:30", "{}", "s")


# --- with a real protocol ----------------------------------------------------


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    undo = moto_fixes.apply()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()
    undo()


@pytest.fixture
def client(endpoint: str) -> Iterator[AwsClient]:
    made = AwsClient("eu-west-1", endpoint=endpoint, credentials=lambda: KEYS)
    yield made
    made.close()


def boto(service: str, endpoint: str):
    return boto3.client(
        service,
        region_name="eu-west-1",
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def test_what_is_put_is_received(client: AwsClient, endpoint: str, change) -> None:
    sqs = boto("sqs", endpoint)
    url = sqs.create_queue(QueueName="created.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    queues = SqsQueues(client, {"order_created": url})

    queues.put(change(), sending="one")
    queues.put(change(), sending="one")
    queues.put(change(), sending="two")

    received = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )["Messages"]
    assert [Change.from_json(message["Body"]) for message in received] == [change(), change()]
    assert {message["Attributes"]["MessageGroupId"] for message in received} == {"uk:order:30"}
    sqs.close()


def test_a_queue_that_is_not_there_is_refused(client: AwsClient, endpoint: str, change) -> None:
    queues = SqsQueues(client, {"order_created": f"{endpoint}/123456789012/none.fifo"})

    with pytest.raises(RejectedError):
        queues.put(change(), sending="one")


def test_a_secret_is_read_by_its_name(client: AwsClient, endpoint: str) -> None:
    secrets = boto("secretsmanager", endpoint)
    secrets.create_secret(Name="accord/store/uk", SecretString='{"a":"b"}')
    secrets.close()

    assert client.get_secret("accord/store/uk") == '{"a":"b"}'


def test_a_secret_that_is_not_there_is_refused(client: AwsClient) -> None:
    with pytest.raises(RejectedError):
        client.get_secret("accord/none")


def test_queues_that_cannot_be_reached(change) -> None:
    client = AwsClient("eu-west-1", endpoint="http://127.0.0.1:9", credentials=lambda: KEYS)

    with pytest.raises(UnavailableError):
        SqsQueues(client, {"order_created": "https://sqs/q.fifo"}).put(change(), sending="s")
