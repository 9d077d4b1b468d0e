"""The in-memory back office as a process of its own, on the loopback address.

``python -m accord.local.ledger --port N`` prints one line of JSON, ``{"ready": true, "port": N}``,
once it answers. What it holds is gone when it ends.
"""

import argparse
import datetime as dt
import json
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from accord.erp.memory.adapter import HttpCaller, Memory, memory_like
from accord.erp.memory.ledger import Ledger
from accord.http import http_client
from accord.local.faults import FaultGate
from accord.local.process import NotStartedError
from accord.local.server import Server
from accord.local.serving import add_options, listen, serve
from accord.ports.erp import Connection, Duplicates

__all__ = ["LedgerServer", "NotStartedError", "ledger_app", "main"]

_START_S = 60  # it takes half a second; a loaded machine is slower


# --- the process ----------------------------------------------------------------


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_options(parser)
    parser.add_argument("--duplicates", choices=get_args(Duplicates), default="refused")
    parser.add_argument("--rounding", choices=("line", "document"), default="line")
    parser.add_argument("--faults", action="store_true", help="let faults be planned over HTTP")
    given = parser.parse_args()
    ledger = memory_like(given.duplicates).ledger(
        clock=lambda: dt.datetime.now(dt.UTC), rounding=given.rounding
    )
    gate = FaultGate(ledger_app(ledger), controlled=given.faults)
    serve(listen(gate, given.port), until_stdin_closes=given.until_stdin_closes)


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


# --- whoever starts it ------------------------------------------------------------


class LedgerServer(Server):
    """A ledger in a process of its own; it ends with the block that started it.

    ``url`` is there once it is started. Planned faults and counts: see ``accord.local.faults``.
    """

    def __init__(
        self, *, port: int = 0, duplicates: Duplicates = "refused", log: Path | None = None
    ) -> None:
        super().__init__(
            "the ledger",
            "accord.local.ledger",
            *("--port", str(port), "--duplicates", duplicates, "--faults"),
            within_s=_START_S,
            log=log,
        )

    def connection(self, name: str = "main", *, timeout: str = "30") -> Connection:
        """A Connection of the started ledger for the adapter. ``timeout`` is in seconds."""
        return Connection(name, Memory.name, self.url, timeout=Decimal(timeout))

    def sales(self) -> list[dict[str, Any]]:
        """Every sales order with all that came of it, as ``Ledger.sales``, read over HTTP."""
        return self._read("sales")

    def parties(self) -> list[dict[str, Any]]:
        """Every party, read over HTTP."""
        return self._read("parties")

    def _read(self, what: str) -> list[dict[str, Any]]:
        with http_client(self.url, timeout=30) as client:
            found: list[dict[str, Any]] = HttpCaller(client, "ledger")(what, {})[what]
        return found


if __name__ == "__main__":
    main()
