"""``python -m accord.local.store.serve``: the stand-in as a process, on loopback.

Prints one line of JSON when it listens: port, url, home, consumer_key, consumer_secret, pid.
"""

import argparse
import datetime as dt
import os
import secrets
import threading
import time
import zoneinfo

from accord.local.serving import add_options, listen, serve
from accord.local.store.app import StoreApp, gated
from accord.local.store.auth import Key


def main(arguments: list[str] | None = None) -> None:
    """Serves until it is told to stop."""
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
    if options.cron:
        threading.Thread(target=_cron, args=(app, options.cron), daemon=True).start()
    serve(
        server,
        until_stdin_closes=options.until_stdin_closes,
        url=f"http://127.0.0.1:{server.port}",
        home=options.home,
        consumer_key=key,
        consumer_secret=secret,
        pid=os.getpid(),
    )


def _cron(app: StoreApp, seconds: float) -> None:
    while True:
        time.sleep(seconds)
        app.shop.outbox.run()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("accord.local.store.serve", description=__doc__)
    add_options(parser)
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
