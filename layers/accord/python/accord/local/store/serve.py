"""``python -m accord.local.store.serve``: the stand-in as a process, on loopback.

Prints one line of JSON when it listens: url, home, consumer_key, consumer_secret, pid.
"""

import argparse
import contextlib
import datetime as dt
import json
import os
import secrets
import signal
import sys
import threading
import zoneinfo
from wsgiref.types import WSGIApplication

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from accord.local.store.app import StoreApp, gated
from accord.local.store.auth import Key


class _Quiet(WSGIRequestHandler):
    """Keeps connections open, and does not write a line for each request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for an acknowledgement

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (werkzeug's)
        if type == "error":
            print(message % args if args else message, file=sys.stderr)


def listen(app: WSGIApplication, port: int) -> BaseWSGIServer:
    """A threaded server on 127.0.0.1; port 0 takes a free one."""
    return make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)


def main(arguments: list[str] | None = None) -> None:
    """Serves until it is told to end (SIGTERM, SIGINT)."""
    options = _options(arguments)
    key = options.consumer_key or f"ck_{secrets.token_hex(20)}"
    secret = options.consumer_secret or f"cs_{secrets.token_hex(20)}"
    app = StoreApp(
        home=options.home,
        clock=lambda: dt.datetime.now(dt.UTC),
        keys={key: Key(secret)},
        zone=zoneinfo.ZoneInfo(options.time_zone),
        basic_needs_tls=options.basic_needs_tls,
    )
    server = listen(gated(app), options.port)
    ended = threading.Event()

    def end(*_: object) -> None:
        ended.set()
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    if options.cron:
        threading.Thread(target=_cron, args=(app, options.cron, ended), daemon=True).start()
    ready = {
        "url": f"http://127.0.0.1:{server.port}",
        "home": options.home,
        "consumer_key": key,
        "consumer_secret": secret,
        "pid": os.getpid(),
    }
    print(json.dumps(ready), flush=True)
    with contextlib.closing(server.socket):
        server.serve_forever()


def _cron(app: StoreApp, seconds: float, ended: threading.Event) -> None:
    while not ended.wait(seconds):
        app.shop.outbox.run()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("accord.local.store.serve", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--home", default="https://store.example", help="as its links show it")
    parser.add_argument("--consumer-key", help="made up if not given")
    parser.add_argument("--consumer-secret", help="made up if not given")
    parser.add_argument("--time-zone", default="UTC", help="the shop's")
    parser.add_argument(
        "--cron", type=float, default=0.0, help="seconds between queue runs; 0: none"
    )
    parser.add_argument("--basic-needs-tls", action="store_true", help="as a real store has it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
