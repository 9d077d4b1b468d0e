"""The in-memory back office as a process of its own, on the loopback address.

``python -m accord.local.ledger --port N`` prints one line of JSON, ``{"ready": true, "port": N}``,
once it answers. What it holds is gone when it ends.
"""

import argparse
import datetime as dt
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from decimal import Decimal
from types import TracebackType
from typing import IO, Any, Self, get_args
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import httpx

from accord.erp.memory.adapter import HttpCaller, Memory, memory_like
from accord.erp.memory.ledger import Ledger
from accord.http import http_client
from accord.local.faults import FaultGate
from accord.ports.erp import Connection, Duplicates

_START_S = 60  # it takes half a second; a loaded machine is slower
_STOP_S = 10


class NotStartedError(Exception):
    """The ledger did not start; the message holds the end of its log."""


# --- the process ----------------------------------------------------------------


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--duplicates", choices=get_args(Duplicates), default="refused")
    parser.add_argument("--rounding", choices=("line", "document"), default="line")
    parser.add_argument("--faults", action="store_true", help="let faults be planned over HTTP")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end with the process that started it"
    )
    given = parser.parse_args()
    ledger = memory_like(given.duplicates).ledger(
        clock=lambda: dt.datetime.now(dt.UTC), rounding=given.rounding
    )
    gate = FaultGate(ledger_app(ledger), controlled=given.faults)
    server = _server(gate, given.port)
    if given.until_stdin_closes:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    print(json.dumps({"ready": True, "port": server.server_port}), flush=True)
    server.serve_forever()


def ledger_app(ledger: Ledger) -> WSGIApplication:
    """``ledger`` over HTTP: POST /call with ``{"method": …, "arguments": {…}}``."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if (environ["REQUEST_METHOD"], environ["PATH_INFO"]) != ("POST", "/call"):
            return _answer(start_response, "404 Not Found", {"error": "POST /call only"})
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            asked = json.loads(environ["wsgi.input"].read(length))
            method, arguments = asked["method"], asked["arguments"]
        except (ValueError, KeyError, TypeError) as error:
            return _answer(start_response, "400 Bad Request", {"error": str(error)})
        return _answer(start_response, "200 OK", ledger.call(method, arguments))

    return app


def _answer(start_response: StartResponse, status: str, data: object) -> Iterable[bytes]:
    body = json.dumps(data, separators=(",", ":")).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def _server(app: WSGIApplication, port: int) -> Any:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections
        disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
            """Says nothing: one line per request would hide what matters."""

    return make_server("127.0.0.1", port, app, threaded=True, request_handler=Handler)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


# --- whoever starts it ------------------------------------------------------------


class LedgerServer:
    """A ledger in a process of its own; it ends with the block that started it.

    ``url`` is there once it is started. Planned faults and counts: see ``accord.local.faults``.
    """

    def __init__(self, *, port: int = 0, duplicates: Duplicates = "refused") -> None:
        self._port = port
        self._duplicates = duplicates
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self.url = ""

    def start(self) -> Self:
        """Waits for it to answer. Raises: NotStartedError: it ended, or did not answer in time."""
        command = [sys.executable, "-m", "accord.local.ledger", "--port", str(self._port)]
        command += ["--duplicates", self._duplicates, "--faults", "--until-stdin-closes"]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log
        )
        try:
            port = self._ready_port(self._process, self._log)
        except BaseException:
            self.stop()
            raise
        self.url = f"http://127.0.0.1:{port}"
        return self

    def stop(self) -> None:
        """Ends the ledger's process, and no other."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        if self._log is not None:
            self._log.close()
            self._log = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The ledger's process while it runs."""
        return self._process.pid if self._process else None

    def connection(self, name: str = "main", *, timeout: str = "30") -> Connection:
        """A Connection of the started ledger for the adapter. ``timeout`` is in seconds."""
        return Connection(name, Memory.name, self.url, timeout=Decimal(timeout))

    def sales(self) -> list[dict[str, Any]]:
        """Every sales order with its lines, totals and payments, read over HTTP."""
        return self._read("sales")

    def parties(self) -> list[dict[str, Any]]:
        """Every party, read over HTTP."""
        return self._read("parties")

    def plan(self, **faults: Any) -> None:
        """Plans faults: the fields of ``faults.Plan``. Without any, clears the plan."""
        if faults:
            self._control("PUT", "faults", faults)
        else:
            self._control("DELETE", "faults")

    def down(self, down: bool = True) -> None:
        """Answers 503 to everything, or no longer does."""
        self._control("PUT", "down", {"down": down})

    def calls(self) -> dict[str, Any]:
        """What was asked since ``forget_calls``, by operation, and which faults happened."""
        answer: dict[str, Any] = self._control("GET", "calls")
        return answer

    def forget_calls(self) -> None:
        """Counts from nothing."""
        self._control("DELETE", "calls")

    def _read(self, what: str) -> list[dict[str, Any]]:
        with http_client(self.url, timeout=30) as client:
            found: list[dict[str, Any]] = HttpCaller(client, "ledger")(what, {})[what]
        return found

    def _control(self, method: str, what: str, body: object = None) -> Any:
        url = f"{self.url}/_accord/{what}"
        response = httpx.request(method, url, json=body, timeout=30, trust_env=False)
        response.raise_for_status()
        return response.json()

    def _ready_port(self, process: "subprocess.Popen[bytes]", log: IO[bytes]) -> int:
        assert process.stdout is not None
        until = time.monotonic() + _START_S
        while (left := until - time.monotonic()) > 0:
            readable, _, _ = select.select([process.stdout], [], [], left)
            line = process.stdout.readline() if readable else b""
            if not line:  # it ended, or time is up
                break
            if line.startswith(b'{"ready"'):
                return int(json.loads(line)["port"])
        log.seek(0)
        end = log.read().decode(errors="replace")[-2000:]
        raise NotStartedError(f"the ledger did not start; the end of its log:\n{end}")


if __name__ == "__main__":
    main()
