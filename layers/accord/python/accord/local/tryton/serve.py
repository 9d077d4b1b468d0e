"""Serves one Tryton database on the loopback address, one request at a time.

Runs in its own process (``python -m accord.local.tryton.serve --database FILE``). Prints one line
of JSON, ``{"ready": true, "port": N}``, once it answers.

One at a time, because SQLite does not lock a sale that two requests confirm at once: five at once
were seen to make up to seven invoices. It costs no throughput.
"""

import argparse
import json
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.local.faults import FaultGate

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_SESSION_S = 7 * 24 * 3600


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--faults", action="store_true", help="let faults be planned over HTTP")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end with the process that started it"
    )
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of Tryton's dependencies, which nobody here can mend
    server = _server(_app(given.database), given.port, faults=given.faults)
    if given.until_stdin_closes:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    print(json.dumps({"ready": True, "port": server.server_port}), flush=True)
    server.serve_forever()


def _app(file: Path) -> "WSGIApplication":
    """Tryton, with ``file`` loaded: loading it at the first login was seen to end in errors."""
    from trytond import config

    config.set("database", "uri", "sqlite://")
    config.set("database", "path", str(file.resolve().parent))
    config.set("session", "timeout", str(_SESSION_S))
    from trytond.pool import Pool

    Pool.start()
    from trytond.wsgi import app

    Pool(file.stem).init()
    return app  # type: ignore[no-any-return]


def _server(app: "WSGIApplication", port: int, *, faults: bool) -> Any:
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections
        disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
            """Says nothing: one line per request would hide what matters."""

    gate = FaultGate(app, one_at_a_time=True, controlled=faults)
    return make_server("127.0.0.1", port, gate, threaded=True, request_handler=Handler)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


if __name__ == "__main__":
    main()
