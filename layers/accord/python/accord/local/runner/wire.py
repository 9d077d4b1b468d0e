"""The few AWS calls that the runner makes all the time, on connections that stay open.

boto3 spends a millisecond on each; the runner would spend more on asking than on what it hears.
"""

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from accord.errors import UnavailableError
from accord.local.runner.resources import REGION

_TIMEOUT_S = 30.0


class Wire:
    """Speaks to the AWS stand-in, which believes every signature. Each thread has a connection."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        parts = urlsplit(endpoint)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._own = threading.local()
        self._lock = threading.Lock()
        self._open: set[http.client.HTTPConnection] = set()
        self._closed = False

    def sqs(self, operation: str, body: Mapping[str, Any], *, key: str) -> dict[str, Any]:
        """The answer of one SQS operation, asked by access ``key``. Raises: UnavailableError."""
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{operation}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/{REGION}/sqs/aws4_request"
            ", SignedHeaders=host, Signature=0",
        }
        answer: dict[str, Any] = self._send("POST", "/", headers, json.dumps(body))
        return answer

    def own(self, what: str, *, method: str = "GET", body: Mapping[str, Any] | None = None) -> Any:
        """What the stand-in says about itself: "queues", "calls" or "throttles".

        Raises: UnavailableError.
        """
        given = None if body is None else json.dumps(body)
        return self._send(method, f"/_accord/{what}", {}, given)

    def _send(self, method: str, path: str, headers: dict[str, str], body: str | None) -> Any:
        connection = self._connection()
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException, AttributeError) as error:
            # AttributeError: closed by another thread while in use.
            self._drop(connection)
            raise UnavailableError(
                f"the AWS stand-in at {self.endpoint} does not answer: {error}"
            ) from error
        if response.status != 200:
            raise UnavailableError(
                f"the AWS stand-in answered {response.status} to {path} "
                f"{headers.get('X-Amz-Target', '')}: {content[:300].decode(errors='replace')}"
            )
        return json.loads(content or b"{}")

    def _connection(self) -> http.client.HTTPConnection:
        found: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if found is None:
            found = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
            try:
                found.connect()
            except OSError as error:
                found.close()
                raise UnavailableError(
                    f"nobody listens at {self.endpoint}: {error}", sent=False
                ) from error
            found.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._own.connection = found
            with self._lock:
                self._open.add(found)
                closed = self._closed
            if closed:
                self._drop(found)
                raise UnavailableError(f"the connection to {self.endpoint} was closed", sent=False)
        return found

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        self._own.connection = None
        connection.close()
        with self._lock:
            self._open.discard(connection)

    def close(self) -> None:
        """Ends every connection, so that whoever waits on one stops waiting."""
        with self._lock:
            self._closed = True
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        """Closes the calling thread's connection."""
        found: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if found is not None:
            self._drop(found)
