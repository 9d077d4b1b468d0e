"""The two calls of AWS by hand: signed as botocore signs, and every failure one of ours."""

import datetime as dt
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from accord import aws
from accord.aws import AwsClient, Credentials, Signer
from accord.errors import AccordError, RateLimitedError, RejectedError, UnavailableError

NOW = dt.datetime(2026, 11, 22, 23, 59, 59, tzinfo=dt.UTC)
KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session//token==")
HEADERS = {
    "content-type": "application/x-amz-json-1.0",
    "host": "sqs.eu-west-1.amazonaws.com",
    "x-amz-target": "AmazonSQS.SendMessage",
}

# --- the signature -----------------------------------------------------------


def by_botocore(keys: Credentials, body: bytes, now: dt.datetime) -> str:
    request = AWSRequest("POST", "https://sqs.eu-west-1.amazonaws.com/", headers=HEADERS, data=body)
    signer = botocore.auth.SigV4Auth(
        BotocoreCredentials(keys.access_key, keys.secret_key, keys.session_token or None),
        "sqs",
        "eu-west-1",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.auth, "get_current_datetime", lambda: now)
        signer.add_auth(request)
    return request.headers["Authorization"]


def by_hand(keys: Credentials, body: bytes, now: dt.datetime, signer: Signer | None = None) -> str:
    signer = signer or Signer("sqs", "eu-west-1")
    signed = signer.signed(HEADERS, body, credentials=keys, now=now.timestamp())
    return signed["authorization"]


@pytest.mark.parametrize("token", ["", "session//token=="])
def test_the_signature_is_botocores(token: str) -> None:
    keys = Credentials(KEYS.access_key, KEYS.secret_key, token)

    assert by_hand(keys, b'{"a":1}', NOW) == by_botocore(keys, b'{"a":1}', NOW)


@given(
    body=st.binary(max_size=300),
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
    seconds=st.integers(0, 10**9),
)
def test_every_signature_is_botocores(body: bytes, secret: str, seconds: int) -> None:
    keys = Credentials("AKID", secret, "")
    now = dt.datetime(2020, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)

    assert by_hand(keys, body, now) == by_botocore(keys, body, now)


def test_the_signing_key_follows_the_day_and_the_credentials() -> None:
    signer = Signer("sqs", "eu-west-1")
    renewed = Credentials("AKID2", "another", "")
    turns = [
        (KEYS, NOW),
        (KEYS, NOW + dt.timedelta(seconds=1)),
        (renewed, NOW + dt.timedelta(seconds=1)),
        (KEYS, NOW),
    ]

    for keys, now in turns:
        assert by_hand(keys, b"x", now, signer) == by_botocore(keys, b"x", now)


# --- credentials and addresses -----------------------------------------------


def test_credentials_come_from_the_environment_at_the_time_of_the_call(monkeypatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")

    found = Credentials.from_environment()

    assert (found.access_key, found.secret_key, found.session_token) == ("AKID", "secret", "token")


def test_without_credentials_nothing_is_sent(monkeypatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)

    with pytest.raises(UnavailableError, match="AWS_ACCESS_KEY_ID") as told:
        AwsClient("eu-west-1", endpoint="http://127.0.0.1:9").get_secret("store/uk")

    assert told.value.sent is False


def test_credentials_do_not_show_in_a_repr() -> None:
    assert "wJalr" not in repr(KEYS)


@pytest.mark.parametrize(
    "endpoint", ["http://sqs.example.com", "http://10.0.0.1:4566", "ftp://127.0.0.1", "127.0.0.1:1"]
)
def test_plain_http_is_for_loopback_only(endpoint: str) -> None:
    with pytest.raises(ValueError, match="https"):
        AwsClient("eu-west-1", endpoint=endpoint)


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "sqs.eu-west-1.amazonaws.com"),
        ("cn-north-1", "sqs.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_the_host_is_the_regions(monkeypatch, region: str, host: str) -> None:
    asked = []

    def connect(connection) -> None:
        asked.append((connection.host, connection.port))
        raise ConnectionRefusedError

    monkeypatch.setattr(aws.http.client.HTTPSConnection, "connect", connect)
    with pytest.raises(UnavailableError):
        send(AwsClient(region, credentials=lambda: KEYS))

    assert asked == [(host, 443)]


# --- over the wire -----------------------------------------------------------


class Server:
    """Plays one scripted answer per request; ``b""`` hangs up, None never answers."""

    def __init__(self) -> None:
        self.script: list[bytes | None] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def answers(self, *script: bytes | None) -> None:
        self.script = list(script)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        for one in (self._listener, *self._open):
            one.close()

    def hang_up(self) -> None:
        """Closes what lies idle, as AWS does after some seconds."""
        for one in self._open:
            one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while head := self._head(stream):
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + stream.read(length))
                answer = self.script.pop(0)
                if answer == b"":
                    return
                if answer is not None:
                    connection.sendall(answer)

    @staticmethod
    def _head(stream) -> bytes:
        head = b""
        try:
            while not head.endswith(b"\r\n\r\n"):
                line = stream.readline()
                if not line:
                    return b""
                head += line
        except OSError:
            return b""
        return head


def answer(status: int, data: object, *headers: bytes) -> bytes:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    lines = [b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


SENT = answer(200, {"MessageId": "m1", "SequenceNumber": "1"})


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def client(server: Server) -> Iterator[AwsClient]:
    made = AwsClient("eu-west-1", endpoint=server.endpoint, credentials=lambda: KEYS)
    yield made
    made.close()


def send(client: AwsClient) -> str:
    return client.send_message(
        queue_url="https://sqs/q.fifo", body="é", group="uk:order:30", deduplication_id="d"
    )


def test_a_message_is_sent_and_its_id_returned(client: AwsClient, server: Server) -> None:
    server.answers(SENT)

    assert send(client) == "m1"


def test_a_message_carries_what_a_fifo_queue_needs(client: AwsClient, server: Server) -> None:
    server.answers(SENT)
    send(client)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")

    assert b"x-amz-target: AmazonSQS.SendMessage" in head
    assert b"content-type: application/x-amz-json-1.0" in head
    assert b"x-amz-security-token: session//token==" in head
    assert json.loads(body) == {
        "QueueUrl": "https://sqs/q.fifo",
        "MessageBody": "é",
        "MessageGroupId": "uk:order:30",
        "MessageDeduplicationId": "d",
    }


def test_a_secret_is_read(client: AwsClient, server: Server) -> None:
    server.answers(answer(200, {"SecretString": '{"a": "b"}'}))

    assert client.get_secret("store/uk") == '{"a": "b"}'
    assert b"x-amz-target: secretsmanager.GetSecretValue" in server.requests[0]


def test_a_secret_without_text_is_refused(client: AwsClient, server: Server) -> None:
    server.answers(answer(200, {"SecretBinary": "AA=="}))

    with pytest.raises(RejectedError):
        client.get_secret("store/uk")


def test_one_connection_serves_many_calls(client: AwsClient, server: Server) -> None:
    server.answers(SENT, SENT, SENT)
    for _ in range(3):
        send(client)

    assert server.connections == 1


def test_a_connection_that_is_to_close_is_not_kept(client: AwsClient, server: Server) -> None:
    closing = answer(200, {"MessageId": "m1"}, b"Connection: close")
    server.answers(closing, SENT)
    send(client)
    send(client)

    assert server.connections == 2


def test_a_connection_that_closed_while_idle_is_opened_again(
    client: AwsClient, server: Server
) -> None:
    server.answers(SENT, SENT)
    send(client)
    server.hang_up()

    assert send(client) == "m1"
    assert server.connections == 2


@pytest.mark.parametrize(("later", "connections"), [(5, 1), (60, 2), (-60, 2)])
def test_a_connection_that_lay_idle_for_long_is_not_trusted(
    server: Server, later: int, connections: int
) -> None:
    """As after a freeze: nothing tells that it is gone, and a request on it would time out."""
    now = [1_800_000_000.0]
    client = AwsClient(
        "eu-west-1", endpoint=server.endpoint, credentials=lambda: KEYS, clock=lambda: now[0]
    )
    server.answers(SENT, SENT)
    send(client)
    now[0] += later
    send(client)
    client.close()

    assert server.connections == connections


def test_a_new_connection_that_breaks_is_not_tried_again(client: AwsClient, server: Server) -> None:
    server.answers(b"", SENT)

    with pytest.raises(UnavailableError) as told:
        send(client)

    assert told.value.sent is True
    assert len(server.requests) == 1


def test_a_kept_connection_is_tried_again_once(client: AwsClient, server: Server) -> None:
    server.answers(SENT, b"", b"", SENT)
    send(client)

    with pytest.raises(UnavailableError):
        send(client)


def test_nobody_listening_is_surely_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(UnavailableError) as told:
        send(AwsClient("eu-west-1", endpoint=endpoint, credentials=lambda: KEYS))

    assert told.value.sent is False


def test_silence_is_unavailable_and_maybe_sent(
    client: AwsClient, server: Server, monkeypatch
) -> None:
    monkeypatch.setattr(aws, "_READ_S", 0.05)
    server.answers(None)

    with pytest.raises(UnavailableError) as told:
        send(client)

    assert told.value.sent is True


@pytest.mark.parametrize(
    ("reply", "error", "says"),
    [
        pytest.param(
            answer(400, {"__type": "com.amazonaws.sqs#RequestThrottled", "message": "slow"}),
            RateLimitedError,
            "RequestThrottled",
            id="throttled",
        ),
        pytest.param(answer(429, {}), RateLimitedError, "429", id="429"),
        pytest.param(
            answer(400, {"__type": "ResourceNotFoundException", "Message": "no such secret"}),
            RejectedError,
            "no such secret",
            id="not found",
        ),
        pytest.param(
            answer(403, {"__type": "AccessDeniedException"}), RejectedError, "Access", id="denied"
        ),
        pytest.param(answer(500, {}), UnavailableError, "500", id="500"),
        pytest.param(answer(503, b"<html>"), UnavailableError, "503", id="a page"),
        pytest.param(answer(200, b""), UnavailableError, "200", id="empty"),
        pytest.param(answer(200, []), UnavailableError, "200", id="a list"),
        pytest.param(
            answer(302, {}, b"Location: https://example.com/"),
            UnavailableError,
            "302",
            id="redirect, not followed",
        ),
        pytest.param(b"gibberish\r\n\r\n", UnavailableError, "BadStatusLine", id="no HTTP"),
        pytest.param(SENT[:-9], UnavailableError, "Timeout", id="cut short"),
    ],
)
def test_every_other_answer_is_an_error_of_ours(
    client: AwsClient, server: Server, monkeypatch, reply: bytes, error: type, says: str
) -> None:
    monkeypatch.setattr(aws, "_READ_S", 0.2)
    server.answers(reply)

    with pytest.raises(AccordError) as told:
        send(client)

    assert type(told.value) is error
    assert says in str(told.value)


def test_renewed_credentials_are_used_at_once(server: Server) -> None:
    keys = iter([Credentials("OLD", "a"), Credentials("NEW", "b")])
    client = AwsClient("eu-west-1", endpoint=server.endpoint, credentials=lambda: next(keys))
    server.answers(SENT, SENT)
    send(client)
    send(client)
    client.close()

    assert b"Credential=NEW/" in server.requests[1]


# --- what it costs -----------------------------------------------------------


def test_the_receivers_path_to_sqs_imports_the_standard_library_only() -> None:
    code = "import sys, accord.aws, accord.queues; print(*sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(__import__("accord").__path__[0] + "/..")},
    ).stdout.split()

    dear = {"boto3", "botocore", "pydantic", "httpx", "urllib.request", "dataclasses", "asyncio"}
    assert dear.isdisjoint(out)


def test_signing_costs_a_few_microseconds() -> None:
    signer = Signer("sqs", "eu-west-1")
    body = b"x" * 4000

    def cost(turns: int = 200) -> float:
        start = time.process_time()
        for _ in range(turns):
            signer.signed(HEADERS, body, credentials=KEYS, now=1_795_000_000.0)
        return (time.process_time() - start) / turns

    assert min(cost() for _ in range(5)) < 100e-6  # 8 µs measured; the room is for slow machines
