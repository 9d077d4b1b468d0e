"""The way from a store to the receiver, on which deliveries are lost, doubled and overtaken."""

import heapq
import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import httpx

from accord.local.serving import listen

LOST, DOUBLED, LATE = 0.2, 0.2, 0.2
_LATEST = 12  # deliveries that overtake a late one, at the most
_FAILURES = 7  # in a row, of one webhook: then the store switches it off
_ANSWER_S = 60.0
_PASSED_ON = ("content-type", "user-agent", "x-wc-")


@dataclass(frozen=True, slots=True)
class _Delivery:
    headers: dict[str, str]
    body: bytes


class Courier:
    """A context manager: inside it ``url`` takes deliveries and brings them to ``target``.

    To the store a lost or late one is delivered: it never sends it again. While the receiver is
    ``deaf`` each is refused, and the store counts it. ``count`` has what happened, by its name.
    """

    def __init__(self, *, seed: int) -> None:
        self.target = ""
        self.count: Counter[str] = Counter()
        self._random = random.Random(f"courier {seed}")
        self._lock = threading.Lock()
        self._deaf: dict[str, int] = {}  # webhook → how many more of it are refused
        self._calm = False
        self._brought = 0
        self._held: list[tuple[int, int, _Delivery]] = []  # after how many others, in order
        self._turns = itertools.count()
        self._client = httpx.Client(timeout=_ANSWER_S, trust_env=False)
        self._server = listen(self._app(), 0)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def deafen(self, webhooks: Iterable[str]) -> None:
        """Nobody answers ``webhooks`` (their ids) until each is switched off for it."""
        with self._lock:
            self._deaf = dict.fromkeys(webhooks, _FAILURES)

    def calm(self) -> None:
        """From now on each comes through; those that are late come now."""
        with self._lock:
            self._calm, self._deaf = True, {}
            left = [delivery for _, _, delivery in sorted(self._held)]
            self._held.clear()
        self._bring(left)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The status that the store is answered."""
        given = _Delivery(headers, body)
        if "x-wc-webhook-topic" not in headers:  # a ping
            return self._send(given)
        with self._lock:
            if self._is_deaf(headers.get("x-wc-webhook-id", "")):
                self.count["webhook not answered"] += 1
                return 503
            fate = "" if self._calm else self._drawn()
            if fate:
                self.count[f"webhook {fate}"] += 1
            self._brought += 1
            if fate == "late":
                after = self._brought + self._random.randint(1, _LATEST)
                heapq.heappush(self._held, (after, next(self._turns), given))
            due = []
            while self._held and self._held[0][0] <= self._brought:
                due.append(heapq.heappop(self._held)[2])
        status = 200 if fate in ("lost", "late") else self._send(given)
        if status != 200:
            self.count["webhook not answered"] += 1
        self._bring([given] * (fate == "doubled") + due)
        return status

    def _is_deaf(self, webhook: str) -> bool:
        left = self._deaf.pop(webhook, 0)
        if left > 1:
            self._deaf[webhook] = left - 1
        return left > 0

    def _drawn(self) -> str:
        draw = self._random.random()
        for share, fate in ((LOST, "lost"), (DOUBLED, "doubled"), (LATE, "late")):
            if draw < share:
                return fate
            draw -= share
        return ""

    def _bring(self, deliveries: Iterable[_Delivery]) -> None:
        """Those of which the store hears nothing."""
        for each in deliveries:
            if self._send(each) != 200:
                self.count["webhook lost at the receiver"] += 1

    def _send(self, delivery: _Delivery) -> int:
        try:
            answer = self._client.post(self.target, content=delivery.body, headers=delivery.headers)
        except httpx.HTTPError:
            return 502
        return answer.status_code

    def _app(self) -> WSGIApplication:
        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            names = {
                name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
                for name, value in environ.items()
                if name.startswith("HTTP_") or name == "CONTENT_TYPE"
            }
            headers = {name: names[name] for name in names if name.startswith(_PASSED_ON)}
            status = self.take(headers, body)
            said = "OK" if status == 200 else "Not taken"
            start_response(f"{status} {said}", [("Content-Length", "0")])
            return [b""]

        return app
