"""The two calls of AWS that the receiver makes, without boto3: it would triple the start-up.

Standard library only: requests are signed by hand (Signature Version 4) and sent over one
keep-alive connection per host.

Source: AWS General Reference, "Create a signed AWS API request"; Amazon SQS, "AWS JSON protocol";
AWS Secrets Manager API Reference, GetSecretValue.
"""

import contextlib
import hashlib
import hmac
import http.client
import json
import os
import ssl
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from accord.errors import RateLimitedError, RejectedError, UnavailableError

_CONNECT_S = 2
_READ_S = 5
# A frozen function does not hear that the other side hung up, and something between may have
# forgotten the connection without a word, which only a time-out would tell.
_IDLE_S = 20.0
_LARGEST_ANSWER = 1_000_000  # bytes; a secret has at most 64 KB
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_THROTTLED = ("Throttl", "TooManyRequests", "RequestLimitExceeded", "OverLimit")


class Credentials:
    """Whose requests they are. No repr: it holds a secret."""

    __slots__ = ("access_key", "secret_key", "session_token")

    def __init__(self, access_key: str, secret_key: str, session_token: str = "") -> None:
        self.access_key = access_key
        self.secret_key = secret_key
        self.session_token = session_token

    @classmethod
    def from_environment(cls) -> "Credentials":
        """Those that Lambda gives the function. Raises: UnavailableError: there are none."""
        try:
            return cls(
                os.environ["AWS_ACCESS_KEY_ID"],
                os.environ["AWS_SECRET_ACCESS_KEY"],
                os.environ.get("AWS_SESSION_TOKEN", ""),
            )
        except KeyError as error:
            raise UnavailableError(
                f"no AWS credentials: the environment lacks {error.args[0]}", sent=False
            ) from None


class Signer:
    """Signs requests to one service in one region."""

    def __init__(self, service: str, region: str) -> None:
        self._service = service
        self._region = region
        self._key_for: tuple[str, str] = ("", "")
        self._key = b""

    def signed(
        self, headers: dict[str, str], body: bytes, *, credentials: Credentials, now: float
    ) -> dict[str, str]:
        """``headers`` (lower case, with ``host``) and what proves a POST of ``body`` to ``/``.

        ``now`` is in epoch seconds; AWS refuses it when it is more than five minutes off.
        """
        amz_date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        headers = {**headers, "x-amz-date": amz_date}
        if credentials.session_token:
            headers["x-amz-security-token"] = credentials.session_token
        names = sorted(headers)
        listed = ";".join(names)
        # Method, path, empty query, headers, their names, hash of the body.
        canonical = "\n".join(
            (
                "POST\n/\n",
                *(f"{name}:{headers[name]}" for name in names),
                f"\n{listed}\n{hashlib.sha256(body).hexdigest()}",
            )
        )
        scope = f"{amz_date[:8]}/{self._region}/{self._service}/aws4_request"
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{amz_date}\n{scope}\n{hashed}"
        signature = hmac.digest(
            self._signing_key(credentials.secret_key, amz_date[:8]), text.encode(), "sha256"
        ).hex()
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={listed}, Signature={signature}"
        )
        return headers

    def _signing_key(self, secret_key: str, day: str) -> bytes:
        if self._key_for != (secret_key, day):
            key = f"AWS4{secret_key}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._key, self._key_for = key, (secret_key, day)
        return self._key


class _Service:
    """One service's endpoint: an open connection, and how its requests are signed."""

    def __init__(self, service: str, region: str, endpoint: str | None, version: str) -> None:
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        url = urlsplit(endpoint or f"https://{service}.{region}.{domain}")
        if url.scheme != "https" and (url.scheme != "http" or url.hostname not in _LOOPBACK):
            raise ValueError(f"{endpoint}: must be https:// (http:// only on a loopback address)")
        self._secure = url.scheme == "https"
        self._host = url.netloc
        self._name = service
        self._signer = Signer(service, region)
        self._content_type = f"application/x-amz-json-{version}"
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0

    def call(
        self, target: str, arguments: dict[str, Any], credentials: Credentials, now: float
    ) -> dict[str, Any]:
        """The answer. It may be sent twice: again on a new connection after a kept one failed."""
        body = json.dumps(arguments, separators=(",", ":")).encode()
        headers = self._signer.signed(
            {
                "content-type": self._content_type,
                "host": self._host,
                "x-amz-target": target,
            },
            body,
            credentials=credentials,
            now=now,
        )
        with self._lock:
            # By the wall clock: the other one may stand still while the function is frozen.
            if self._connection is not None and not 0 <= now - self._used_at < _IDLE_S:
                self._connection.close()
                self._connection = None
            status, answer = self._exchange(target, headers, body)
            self._used_at = now
        return _understood(target, status, answer)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _exchange(self, target: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        reused = self._connection is not None
        connection = self._connection or self._connect(target)
        self._connection = None  # kept again only after a whole answer
        try:
            # In one piece: http.client would send head and body apart, in two packets.
            connection.sock.sendall(_request(headers, body))
            response = http.client.HTTPResponse(connection.sock, method="POST")
            with contextlib.closing(response):
                response.begin()
                answer = response.read(_LARGEST_ANSWER)
                reusable = response.isclosed() and not response.will_close
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            # Most likely closed by the other side while it lay idle. Once more is safe: a secret is
            # only read, and a message that did arrive is dropped for its deduplication id.
            if reused and not isinstance(error, TimeoutError):
                return self._exchange(target, headers, body)
            raise UnavailableError(f"{target}: {type(error).__name__}: {error}") from error
        if reusable:
            self._connection = connection
        else:
            connection.close()
        return response.status, answer

    def _connect(self, target: str) -> http.client.HTTPConnection:
        connection = (
            http.client.HTTPSConnection(self._host, timeout=_CONNECT_S, context=_tls())
            if self._secure
            else http.client.HTTPConnection(self._host, timeout=_CONNECT_S)
        )
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise UnavailableError(
                f"{target}: {self._host} does not answer: {error}", sent=False
            ) from error
        connection.sock.settimeout(_READ_S)
        return connection


@cache
def _tls() -> ssl.SSLContext:
    """One context per process: reading the certificates takes most of a new connection's time."""
    return ssl.create_default_context()


def _request(headers: dict[str, str], body: bytes) -> bytes:
    """The whole request. ``headers`` are our own and hold no line ends."""
    lines = "\r\n".join(f"{name}: {value}" for name, value in headers.items())
    head = f"POST / HTTP/1.1\r\n{lines}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode("ascii") + body


class AwsClient:
    """SQS and Secrets Manager of one region.

    ``endpoint`` stands for both on one machine. ``credentials`` are asked for at every call, so
    that renewed ones are used. Threads take turns. Nothing is sent before the first call.
    """

    def __init__(
        self,
        region: str,
        *,
        endpoint: str | None = None,
        credentials: Callable[[], Credentials] = Credentials.from_environment,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sqs = _Service("sqs", region, endpoint, "1.0")
        self._secrets = _Service("secretsmanager", region, endpoint, "1.1")
        self._credentials = credentials
        self._clock = clock

    def send_message(self, *, queue_url: str, body: str, group: str, deduplication_id: str) -> str:
        """The message's id in the FIFO queue; of a repeat within five minutes the first one's.

        Raises: UnavailableError, RateLimitedError; RejectedError: no such queue, no permission.
        """
        answer = self._sqs.call(
            "AmazonSQS.SendMessage",
            {
                "QueueUrl": queue_url,
                "MessageBody": body,
                "MessageGroupId": group,
                "MessageDeduplicationId": deduplication_id,
            },
            self._credentials(),
            self._clock(),
        )
        return str(answer.get("MessageId", ""))

    def get_secret(self, name: str) -> str:
        """The text of the secret's current version.

        Raises: UnavailableError, RateLimitedError; RejectedError: no such secret, no permission.
        """
        answer = self._secrets.call(
            "secretsmanager.GetSecretValue",
            {"SecretId": name},
            self._credentials(),
            self._clock(),
        )
        if "SecretString" not in answer:
            raise RejectedError(f"secret {name} holds no text; store it as JSON text")
        return str(answer["SecretString"])

    def close(self) -> None:
        """Lets go of the connections; the next call opens new ones."""
        self._sqs.close()
        self._secrets.close()


def _understood(target: str, status: int, answer: bytes) -> dict[str, Any]:
    try:
        data = json.loads(answer)
    except ValueError as error:
        # A proxy's page, or an answer cut short: nothing tells what took effect.
        raise UnavailableError(f"{target}: {status} without JSON") from error
    if status == 200 and isinstance(data, dict):
        return data
    if not isinstance(data, dict):
        data = {}
    code = str(data.get("__type", "")).rpartition("#")[2] or str(status)
    told = f"{target}: {code}: {data.get('message') or data.get('Message') or 'no message'}"
    if status == 429 or any(word in code for word in _THROTTLED):
        raise RateLimitedError(told)
    if 400 <= status < 500:
        raise RejectedError(told, body=data)
    raise UnavailableError(told)
