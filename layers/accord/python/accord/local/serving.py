"""A server of ours in its own process: it listens, says that it is ready, ends with its starter.

See ``process`` for the other side.
"""

import argparse
import contextlib
import json
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from werkzeug.serving import BaseWSGIServer


def listen(app: "WSGIApplication", port: int) -> "BaseWSGIServer":
    """A threaded server on 127.0.0.1; port 0 takes a free one."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"  # keeps connections
        disable_nagle_algorithm = True  # head and body are two writes: the second would wait 40 ms

        def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's
            """Errors only: one line per request would hide them."""
            if type == "error":
                sys.stderr.write(f"{message % args if args else message}\n")

    return make_server("127.0.0.1", port, app, threaded=True, request_handler=Handler)


def add_options(parser: argparse.ArgumentParser) -> None:
    """``--port`` and ``--until-stdin-closes``, which every server of ours has."""
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end with the process that started it"
    )


def serve(server: "BaseWSGIServer", *, until_stdin_closes: bool, **more: Any) -> None:
    """Serves until the process is ended. ``more`` is told with the port in the ready line."""
    if until_stdin_closes:
        end_with_starter()
    announce(server.server_port, **more)
    with contextlib.suppress(KeyboardInterrupt), contextlib.closing(server.socket):
        server.serve_forever()


def announce(port: int, **more: Any) -> None:
    """One line of JSON, ``{"ready": true, "port": N, …}``; what is printed after it is logged."""
    sys.stdout.write(json.dumps({"ready": True, "port": port, **more}) + "\n")
    sys.stdout.flush()
    os.dup2(2, 1)  # nobody reads on, and a full pipe would stop whoever prints


def end_with_starter() -> None:
    """Has this process end when the other end of its standard input is gone.

    Its starter holds that end, so however it dies, no process stays behind.
    """

    def follow() -> None:
        while os.read(0, 1024):
            pass
        os._exit(0)

    threading.Thread(target=follow, daemon=True).start()
