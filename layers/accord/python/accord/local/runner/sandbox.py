"""One process that runs a function, one invocation at a time, behind Lambda's runtime client.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API" (2018-06-01).
"""

import contextlib
import fcntl
import http.server
import json
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from accord.errors import UnavailableError

Kind = Literal["ok", "error", "timeout", "crash", "throttled"]

_CHILD = Path(__file__).with_name("child.py")
_INIT_S = 30.0  # Lambda gives 10; a laptop that starts twenty processes at once is slower
_NEXT = "/2018-06-01/runtime/invocation/next"


@dataclass(frozen=True, slots=True)
class Invocation:
    """What one process is to do. ``event`` is JSON; ``timeout_s`` counts from its hand-over."""

    request_id: str
    trace_id: str
    arn: str
    event: bytes
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """How an invocation ended; ``payload`` is the function's JSON, or Lambda's error object."""

    kind: Kind
    payload: bytes
    request_id: str
    seconds: float

    @property
    def ok(self) -> bool:
        """The handler returned."""
        return self.kind == "ok"

    def json(self) -> Any:
        """``payload``, read; None when empty."""
        return json.loads(self.payload or b"null")


class NotStartedError(Exception):
    """The process ended while it was idle: the invocation never reached it."""


class Sandbox:
    """The process, its end of the runtime API, and its log lines.

    Three threads meet here: the one that invokes, the one that serves the API, and the one that
    reads the process's output until it ends.
    """

    def __init__(
        self,
        handler: str,
        *,
        cwd: Path,
        environment: Callable[[str], Mapping[str, str]],
        on_line: Callable[[bytes], None],
    ) -> None:
        """``environment`` is given host:port of the runtime API. Raises: UnavailableError."""
        self._work: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()
        self._mail: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._current: str | None = None
        self._reading = threading.Lock()  # held from taking bytes out of the pipe to their end
        self._killed = False
        self._polling = threading.Event()
        self._ended = threading.Event()
        self._init_error = b""
        self._on_line = on_line
        self._listener = socket.create_server(("127.0.0.1", 0))
        api = f"127.0.0.1:{self._listener.getsockname()[1]}"
        # -P: child.py's neighbours must not be importable as top-level modules.
        command = [sys.executable, "-P", str(_CHILD), handler]
        try:
            self._process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(environment(api)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # A Ctrl-C in the terminal is the runner's to handle, and a kill takes along
                # whatever the function started.
                start_new_session=True,
            )
        except OSError as error:
            self._listener.close()
            raise UnavailableError(f"no process for {handler}: {error}", sent=False) from error
        threading.Thread(target=self._serve, daemon=True).start()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """The process can still be invoked."""
        return not (self._killed or self._ended.is_set())

    def ready(self, timeout_s: float = _INIT_S) -> bool:
        """The process has imported the handler and asks for work; waits for it."""
        deadline = time.monotonic() + timeout_s
        while not self._polling.wait(0.02):
            if self._ended.is_set() or time.monotonic() > deadline:
                return False
        return True

    def invoke(self, invocation: Invocation) -> Answer:
        """How it ended. One at a time; after "timeout" and "crash" the process is gone.

        Raises: NotStartedError: the process had ended before; another may take the invocation.
        """
        started = time.monotonic()
        with self._lock:
            mail: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
            self._mail = mail
            self._current = invocation.request_id
            was_ready = self._polling.is_set()
            if self._ended.is_set():
                mail.put(("ended", b""))
        self._work.put(invocation)
        try:
            word, payload = mail.get(timeout=_INIT_S)
            if word == "ended" and was_ready:
                raise NotStartedError
            if word == "started":
                started = time.monotonic()
                word, payload = mail.get(timeout=invocation.timeout_s)
        except queue.Empty:
            self.kill()
            word, payload = "timeout", b""
        finally:
            self._current = None
        return self._answer(invocation, word, payload, time.monotonic() - started)

    def _answer(self, invocation: Invocation, word: str, payload: bytes, seconds: float) -> Answer:
        request_id = invocation.request_id
        if word == "response":
            return Answer("ok", payload, request_id, seconds)
        if word == "error":
            return Answer("error", payload, request_id, seconds)
        if word == "timeout":
            return Answer(
                "timeout",
                _error(
                    "Sandbox.Timedout",
                    f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds",
                ),
                request_id,
                seconds,
            )
        self._ended.wait(5)
        if self._init_error:
            return Answer("error", self._init_error, request_id, seconds)
        text = f"RequestId: {request_id} Error: Runtime exited with {self._process.returncode}"
        return Answer("crash", _error("Runtime.ExitError", text), request_id, seconds)

    def flush(self, timeout_s: float = 1.0) -> None:
        """Waits until every line that the process has printed was read."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and not self._quiet():
            time.sleep(0.002)

    def _quiet(self) -> bool:
        if not self._reader.is_alive():
            return True
        with self._reading:
            try:
                waiting = fcntl.ioctl(self._output().fileno(), termios.FIONREAD, b"\0" * 4)
            except (OSError, ValueError):
                return True  # closed
        return not any(waiting)

    def kill(self) -> None:
        """Ends the process and whatever it started, at once."""
        self._killed = True
        if self._process.poll() is None:
            # Its own session, so its group holds only what it started.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._work.put(None)

    def join(self, timeout_s: float = 5.0) -> None:
        """Waits until a killed process is gone and its lines are read."""
        self._reader.join(timeout_s)

    def _output(self) -> Any:
        assert self._process.stdout is not None
        return self._process.stdout

    def _read(self) -> None:
        """Reads lines until the process ends, then says so to whoever waits for it."""
        with self._output() as output:
            descriptor, chunk, rest = output.fileno(), b"?", b""
            readable = select.poll()
            readable.register(descriptor, select.POLLIN)
            while chunk:
                readable.poll()
                with self._reading:
                    chunk = os.read(descriptor, 65536)
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        self._on_line(line)
            if rest:
                self._on_line(rest)
        # It may have closed its output and live on; without a voice it is of no use.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        with self._lock:
            self._ended.set()
            self._mail.put(("ended", b""))
        self._work.put(None)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._listener.close()

    def _serve(self) -> None:
        """Serves the runtime API: one connection after the other, as one process makes them."""
        while True:
            try:
                connection, address = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                _RuntimeApi(connection, address, self)  # type: ignore[arg-type]  # only attributes

    # Called by the API.

    def next(self) -> tuple[Invocation, int] | None:
        """The invocation and its deadline in epoch milliseconds; None when there will be none."""
        self._polling.set()
        invocation = self._work.get()
        if invocation is None or self._ended.is_set():
            return None
        deadline_ms = int((time.time() + invocation.timeout_s) * 1000)
        self._mail.put(("started", b""))
        return invocation, deadline_ms

    def deliver(self, request_id: str, word: str, payload: bytes) -> bool:
        """Takes a result; False when nobody waits for that request any more."""
        if request_id != self._current:
            return False
        self._mail.put((word, payload))
        return True

    def init_failed(self, payload: bytes) -> None:
        """The handler could not be imported; the process ends by itself."""
        self._init_error = payload


class _RuntimeApi(http.server.BaseHTTPRequestHandler):
    """GET next; POST response, error and init/error."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    @property
    def _sandbox(self) -> Sandbox:
        return self.server  # type: ignore[return-value]  # given in place of a server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the function's own lines are the log."""

    def do_GET(self) -> None:
        work = self._sandbox.next() if self.path == _NEXT else None
        if work is None:
            self.close_connection = True
            return
        invocation, deadline_ms = work
        self.send_response_only(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Lambda-Runtime-Aws-Request-Id", invocation.request_id)
        self.send_header("Lambda-Runtime-Trace-Id", invocation.trace_id)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(deadline_ms))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", invocation.arn)
        self.send_header("Content-Length", str(len(invocation.event)))
        self.end_headers()
        self.wfile.write(invocation.event)

    def do_POST(self) -> None:
        payload = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        *_, request_id, word = self.path.split("/")
        known = True
        if self.path.endswith("/init/error"):
            self._sandbox.init_failed(payload)
        else:
            known = self._sandbox.deliver(request_id, word, payload)
        self.send_response_only(202 if known else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _error(type_: str, message: str) -> bytes:
    return json.dumps({"errorType": type_, "errorMessage": message}).encode()
