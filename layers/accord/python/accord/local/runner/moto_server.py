"""The AWS stand-in: moto over HTTP with kept-alive connections, its calls recorded.

``python -m accord.local.runner.moto_server`` runs it alone. Once it listens it prints
``{"ready": true, "port": …}``; it ends with whoever holds the other end of its standard input.
"""

import argparse
import io
import json
import logging
import threading
import time
from typing import Any

from accord.local.runner.calls import Recorder
from accord.local.runner.resources import ACCOUNT, REGION
from accord.local.runner.throttles import Plan, Throttles
from accord.local.serving import announce, end_with_starter

_OWN = "/_accord/"
_JSON = [("Content-Type", "application/json")]


class MotoServer:
    """Listens on a loopback ``port`` of its own choosing from the start, until ``close``."""

    def __init__(self, *, speed: float = 1.0) -> None:
        from moto.moto_server.werkzeug_app import create_backend_app
        from werkzeug.serving import make_server

        # Here, because it imports moto, and the runner needs neither when moto has its own process.
        from accord.local import moto_fixes

        self._undo = moto_fixes.apply(speed)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self.recorder = Recorder()
        self._server = make_server(
            "127.0.0.1",
            0,
            _dispatcher()(create_backend_app),
            threaded=True,
            request_handler=_handler(self.recorder, Throttles()),
        )
        self.port = int(self._server.server_port)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Serves until ``close``."""
        self._thread.join()

    def close(self) -> None:
        """Stops listening, and forgets everything: moto's state is the process's."""
        from moto.moto_api._internal import moto_api_backend

        self._server.shutdown()
        self._server.server_close()
        self._undo()
        moto_api_backend.reset()


def queues() -> dict[str, dict[str, float]]:
    """Queue → messages ``visible``, ``hidden``, ``delayed``, and ``age_s`` of the oldest."""
    from moto.sqs.models import sqs_backends

    now_ms = time.time() * 1000
    found = {}
    for name, queue in list(sqs_backends[ACCOUNT][REGION].queues.items()):
        sent = [float(message.sent_timestamp or now_ms) for message in list(queue._messages)]  # noqa: SLF001
        found[name] = {
            "visible": queue.approximate_number_of_messages,
            "hidden": queue.approximate_number_of_messages_not_visible,
            "delayed": queue.approximate_number_of_messages_delayed,
            "age_s": max(0.0, now_ms - min(sent)) / 1000 if sent else 0.0,
        }
    return found


def _dispatcher() -> type[Any]:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication

    class Dispatcher(DomainDispatcherApplication):  # type: ignore[misc]  # moto is not typed
        """moto's reads its own folders for each request, to find whom it is for."""

        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self._known: dict[str, Any] = {}

        def get_application(self, environ: dict[str, Any]) -> Any:
            # "DynamoDB_20120810.GetItem": what names an operation names its service.
            service, named, _ = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
            if not named:
                return super().get_application(environ)
            if service not in self._known:
                self._known[service] = super().get_application(environ)
            return self._known[service]

    return Dispatcher


def _handler(recorder: Recorder, throttles: Throttles) -> type[Any]:
    from moto.moto_server.werkzeug_app import MotoRequestHandler

    class Handler(MotoRequestHandler):  # type: ignore[misc]  # moto is not typed
        """werkzeug's closes every connection; a thousand sign-ins a second are felt."""

        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def log_request(self, *_args: object) -> None:
            """Nothing: calls are counted instead."""

        def run_wsgi(self) -> None:
            """Answers one request from its whole body, so that the next can follow it."""
            environ = self.make_environ()
            chunked = "chunked" in self.headers.get("Transfer-Encoding", "").lower()
            length = int(self.headers.get("Content-Length") or 0)
            body = environ["wsgi.input"].read() if chunked else self.rfile.read(length)
            if self.path.startswith(_OWN):
                self._own(body)
                return
            recorder.note(self.command, self.path, self.headers, body)
            refusal = throttles.meet(self.headers, body)
            if refusal is not None and not refusal.after:
                self._send(f"{refusal.status} Refused", _JSON, refusal.body)
                return
            environ["wsgi.input"] = io.BytesIO(body)
            environ["wsgi.input_terminated"] = True
            head: list[Any] = []

            def start_response(status: str, headers: Any, _exc_info: Any = None) -> Any:
                head[:] = [status, headers]
                return None

            result = self.server.app(environ, start_response)
            try:
                content = b"".join(result)
            finally:
                if hasattr(result, "close"):
                    result.close()
            if refusal is not None:
                self._send(f"{refusal.status} Refused", _JSON, refusal.body)
                return
            self._send(head[0], head[1], content)

        def _own(self, body: bytes) -> None:
            if self.path == f"{_OWN}queues":
                content = json.dumps(queues()).encode()
            elif self.path == f"{_OWN}throttles":
                if self.command != "GET":
                    throttles.set(Plan(**json.loads(body)) if self.command == "PUT" else None)
                content = json.dumps(throttles.counts()).encode()
            else:
                content = recorder.dump()
                if self.command == "DELETE":
                    recorder.clear()
            self._send("200 OK", _JSON, content)

        def _send(self, status: str, headers: Any, content: bytes) -> None:
            code, _, reason = status.partition(" ")
            self.send_response_only(int(code), reason)
            sent = set()
            for name, value in headers:
                sent.add(name.lower())
                if self.command == "HEAD" or name.lower() != "content-length":
                    self.send_header(name, value)
            if not (self.command == "HEAD" and "content-length" in sent) and code != "204":
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
            self.wfile.flush()

    return Handler


def main() -> None:
    """Serves until its standard input is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--speed", type=float, default=1.0)
    server = MotoServer(speed=parser.parse_args().speed)
    end_with_starter()
    announce(server.port)
    server.join()


if __name__ == "__main__":
    main()
