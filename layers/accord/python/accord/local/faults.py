"""A gate in front of a server, at which faults happen on request, by a seeded plan.

Stands before Tryton, the in-memory ledger and the store's stand-in, and is told over HTTP, from the
loopback address only::

    PUT    /_accord/faults  {"seed": 1, "rate": 0.1, "kinds": ["503_after"], "only": "sale.create"}
    DELETE /_accord/faults
    GET    /_accord/calls   what was asked, by method, and which faults happened, by kind
    DELETE /_accord/calls   counts from nothing
    PUT    /_accord/down    {"down": true}: 503 to everything

A fault comes before the effect (the server never sees the request) or after it (it does, and its
answer is thrown away). Given the seed and the order of the calls, the same calls meet
the same faults.
"""

import io
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

Kind = Literal["503_before", "503_after", "timeout_before", "timeout_after", "late"]
KINDS: tuple[Kind, ...] = get_args(Kind)
CONTROL = "/_accord/"

_RPC_METHOD = re.compile(rb'"method"\s*:\s*"([^"]{1,120})"')
_NUMBER = re.compile(r"(?<=/)\d+(?=/|$)")
_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Which requests meet which fault.

    ``rate`` is the share of the requests whose path or body holds ``only`` (of all, when empty).
    ``delay_s`` is how long a connection is held before it is given up with a 504. After that and
    ``late_s`` more seconds a ``late`` request is handled, when nobody listens any longer.
    """

    seed: int = 0
    rate: float = 1.0
    kinds: tuple[Kind, ...] = KINDS
    delay_s: float = 3.0
    late_s: float = 5.0
    only: str = ""

    @classmethod
    def parse(cls, body: bytes) -> "Plan":
        """Raises: ValueError: it is no plan; the message names the part."""
        data = json.loads(body or b"{}")
        if not isinstance(data, dict):
            raise ValueError("a plan is an object")
        if unknown := data.keys() - {field.name for field in fields(cls)}:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        plan = cls(**{**data, "kinds": tuple(data.get("kinds", KINDS))})
        if wrong := set(plan.kinds) - set(KINDS):
            raise ValueError(f"kinds: {', '.join(sorted(map(str, wrong)))}")
        if not plan.kinds or not 0 <= plan.rate <= 1:
            raise ValueError("give at least one kind and a rate from 0 to 1")
        return plan


def _later(seconds: float, work: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()


class FaultGate:
    """``app``, with faults where the plan puts them; without a plan every request goes through.

    ``one_at_a_time`` lets a single request into ``app`` at once (a server on SQLite needs that).
    ``controlled``: it can be told over HTTP. ``wait`` and ``later`` are the clock; tests give
    their own.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        one_at_a_time: bool = False,
        controlled: bool = True,
        wait: Callable[[float], None] = time.sleep,
        later: Callable[[float, Callable[[], None]], None] = _later,
    ) -> None:
        self._app = app
        self._turn = threading.Lock() if one_at_a_time else None
        self._controlled = controlled
        self._wait = wait
        self._later = later
        self._mutex = threading.Lock()
        self._plan: Plan | None = None
        self._random = random.Random()
        self._down = False
        self._calls: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._pending = 0  # late requests that are not handled yet

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The application's answer, or the fault's."""
        path: str = environ.get("PATH_INFO", "")
        if path.startswith(CONTROL) and self._controlled and _is_local(environ):
            return self._control(environ, start_response, path.removeprefix(CONTROL))
        body = _buffered(environ)
        kind = self._fate(environ, path, body)
        if kind is None:
            return self._through(environ, start_response)
        return self._fault(kind, environ, start_response, body)

    # --- the faults ---------------------------------------------------------

    def _fate(self, environ: WSGIEnvironment, path: str, body: bytes) -> str | None:
        """Counts the request, and says what happens to it: nothing, ``down``, or a kind."""
        rpc = _RPC_METHOD.search(body, 0, 400) or _RPC_METHOD.search(body)
        name = (
            rpc[1].decode(errors="replace")
            if rpc
            else f"{environ['REQUEST_METHOD']} {_NUMBER.sub('{}', path)}"
        )
        with self._mutex:
            self._calls[name] += 1
            kind = self._drawn(path, body)
            if kind is not None:
                self._faults[kind] += 1
                self._pending += kind == "late"
        return kind

    def _drawn(self, path: str, body: bytes) -> str | None:
        if self._down:
            return "down"
        plan = self._plan
        if plan is None or (plan.only not in path and plan.only.encode() not in body):
            return None
        # Always two draws, so that the order of the calls alone decides which ones are hit.
        hit, kind = self._random.random() < plan.rate, self._random.choice(plan.kinds)
        return kind if hit else None

    def _fault(
        self, kind: str, environ: WSGIEnvironment, start_response: StartResponse, body: bytes
    ) -> Iterable[bytes]:
        plan = self._plan or Plan()
        if kind.endswith("_after"):
            self._handle(environ)
        if kind == "late":
            # The request outlives its connection: a copy, whose body can be read then.
            copy = {**environ, "wsgi.input": io.BytesIO(body)}
            self._later(plan.delay_s + plan.late_s, lambda: self._handle_late(copy))
        if kind.startswith("timeout") or kind == "late":
            self._wait(plan.delay_s)
            return _answer(start_response, "504 Gateway Timeout", f"fault: {kind}")
        return _answer(start_response, "503 Service Unavailable", f"fault: {kind}")

    def _through(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self._turn is None:
            return self._app(environ, start_response)
        with self._turn:
            chunks = self._app(environ, start_response)
            try:
                return list(chunks)
            finally:
                _close(chunks)

    def _handle(self, environ: WSGIEnvironment) -> None:
        """The effect without the answer."""

        def nobody_listens(status: str, headers: Any, exc_info: Any = None) -> Any:  # noqa: ARG001
            return lambda _data: None

        chunks = self._through(environ, nobody_listens)
        for _ in chunks:
            pass
        _close(chunks)

    def _handle_late(self, environ: WSGIEnvironment) -> None:
        try:
            self._handle(environ)
        finally:
            with self._mutex:
                self._pending -= 1

    # --- being told ---------------------------------------------------------

    def _control(
        self, environ: WSGIEnvironment, start_response: StartResponse, what: str
    ) -> Iterable[bytes]:
        body = _buffered(environ)
        try:
            match environ["REQUEST_METHOD"], what:
                case "PUT", "faults":
                    self._set(Plan.parse(body))
                case "DELETE", "faults":
                    self._set(None)
                case "PUT", "down":
                    with self._mutex:
                        self._down = bool(json.loads(body or b"{}").get("down", True))
                case "DELETE", "calls":
                    with self._mutex:
                        self._calls.clear()
                        self._faults.clear()
                case "GET", "calls":
                    pass
                case _:
                    return _json(start_response, 404, {"error": f"nothing at {CONTROL}{what}"})
        except (ValueError, TypeError, AttributeError) as error:
            return _json(start_response, 400, {"error": str(error)})
        return _json(start_response, 200, self._told())

    def _set(self, plan: Plan | None) -> None:
        with self._mutex:
            self._plan = plan
            self._random = random.Random(plan.seed if plan else 0)

    def _told(self) -> dict[str, Any]:
        with self._mutex:
            return {
                "calls": dict(self._calls),
                "total": self._calls.total(),
                "faults": dict(self._faults),
                "pending": self._pending,
                "down": self._down,
            }


def _buffered(environ: WSGIEnvironment) -> bytes:
    """The whole body, which ``environ`` then holds anew for the application."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdigit():
        body = environ["wsgi.input"].read(int(length))
    elif environ.get("wsgi.input_terminated"):
        body = environ["wsgi.input"].read()
    else:
        return b""
    environ["wsgi.input"] = io.BytesIO(body)
    return bytes(body)


def _is_local(environ: WSGIEnvironment) -> bool:
    """Asked from this machine, or by a test without any socket."""
    return environ.get("REMOTE_ADDR", "127.0.0.1") in {"127.0.0.1", "::1"}


def _close(chunks: Iterable[bytes]) -> None:
    if close := getattr(chunks, "close", None):
        close()


def _answer(start_response: StartResponse, status: str, text: str) -> Iterable[bytes]:
    body = text.encode()
    headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def _json(start_response: StartResponse, status: int, data: object) -> Iterable[bytes]:
    body = json.dumps(data).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(f"{status} {_PHRASES[status]}", headers)
    return [body]
