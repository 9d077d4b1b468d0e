"""Keys that no store posts, at the deployed handler's door, and what must hold for each.

The table is in memory, and new for each: one secret lies in it that an operator is waiting with.
"""

import base64
import datetime as dt
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

from accord import bootstrap
from accord.bootstrap import tables
from accord.local.fuzz.bodies import STORE, altered
from accord.local.fuzz.door import Context, hush, load
from accord.state.memory_tokens import MemoryConsents
from accord.sync import store_keys

FUNCTION = "receive_store_keys"
_NOW = dt.datetime(2026, 11, 22, 16, 12, tzinfo=dt.UTC)
_SECRET = "c2VjcmV0LW9mLWFuLW9wZXJhdG9yLXdoby13YWl0cy1mb3ItYS1zdG9yZXMta2V5"
_KEY = {"consumer_key": f"ck_{'1' * 40}", "consumer_secret": f"cs_{'2' * 40}"}
_POSTED: dict[str, Any] = {
    "key_id": 7,
    "user_id": _SECRET,
    **_KEY,
    "key_permissions": "read_write",
}
_PATHS: list[tuple[str | int, ...]] = [(name,) for name in _POSTED]
_TAILS = (b"", b"", b"", b"", b" ", b"\xff", b"}", b"[" * 100_000, b" " * 200_000)
_PLACES: tuple[Any, ...] = (
    *({"store": STORE},) * 12,
    {"store": STORE.upper()},
    {"store": "\ud800"},
    {},
    None,
)

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keys:
    """Takes keys. Made by ``opened``."""

    handler: ModuleType

    def post(self, rng: Random) -> tuple[str, float]:
        """One is handled: what is wrong (empty where nothing is), and the seconds of CPU."""
        body = _body(rng)
        place, age = rng.choice(_PLACES), rng.choice((*(dt.timedelta(),) * 8, store_keys.LASTS))
        event = _event(body, place, rng)
        consents = MemoryConsents()
        store_keys.begin(consents, STORE, clock=lambda: _NOW - age, secret=_SECRET)
        with (
            mock.patch.object(tables, "consents", return_value=consents),
            mock.patch.object(bootstrap, "now", return_value=_NOW),
        ):
            began = time.thread_time()
            try:
                status = self.handler.lambda_handler(event, Context())["statusCode"]
            except Exception as error:  # noqa: BLE001 - whatever it is, it has escaped
                return f"escaped from a key: {error!r:.200}", time.thread_time() - began
            cpu = time.thread_time() - began
        kept = store_keys.take(consents, STORE, clock=lambda: _NOW, secret=_SECRET)
        known = (place or {}).get("store") == STORE
        return _judged(status, kept, body, known=known, asked=not age), cpu


@contextmanager
def opened() -> Iterator[Keys]:
    """The door, until the context ends."""
    with ExitStack() as stack:
        handler = load(FUNCTION)
        configured = SimpleNamespace(stores={STORE: None})
        stack.enter_context(mock.patch.object(bootstrap, "deployed", return_value=configured))
        stack.enter_context(mock.patch.object(handler, "measure", _measure))
        hush(handler, stack)
        yield Keys(handler)


def _measure(name: str, *, store: str = "") -> None:
    """It was counted."""


def _judged(
    status: int, kept: dict[str, str] | None, body: bytes, *, known: bool, asked: bool
) -> str:
    if status not in ({200, 401} if known else {404}):
        return f"a key was answered {status}"
    if (kept is not None) != (status == 200):
        return f"a key was {'kept' if kept else 'not kept'}, and answered {status}"
    if kept is None:
        plain = known and asked and body == json.dumps(_POSTED).encode()
        return "the key that was asked for was turned away" if plain else ""
    posted = json.loads(body)
    if not asked or posted.get("user_id") != _SECRET:
        return "kept a key that nobody asked for"
    if kept != {name: posted.get(name) for name in _KEY} or not all(kept.values()):
        return "kept another key than was posted"
    return ""


def _body(rng: Random) -> bytes:
    found = altered(_POSTED, _PATHS, rng) if rng.random() < 0.6 else _POSTED
    body = json.dumps(found).encode(errors="replace") + rng.choice(_TAILS)
    if rng.random() < 0.2:
        cut = bytearray(body[: rng.randrange(1, len(body))])
        cut[rng.randrange(len(cut))] = rng.randrange(256)
        body = bytes(cut)
    return body


def _event(body: bytes, place: Any, rng: Random) -> Json:
    encoded = base64.b64encode(body).decode()
    return {
        "pathParameters": place,
        "headers": {"content-type": rng.choice(("application/json;charset=UTF-8", "text/html"))},
        "requestContext": {"requestId": "fuzz"},
        "body": encoded,
        "isBase64Encoded": True,
    }
