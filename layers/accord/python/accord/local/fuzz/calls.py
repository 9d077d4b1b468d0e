"""Calls of a back office that it never makes, at the deployed handler's door.

As with the store's receiver, a list stands in the place of its queues, and one key in that of its
secrets.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from random import Random
from types import ModuleType
from typing import Any
from unittest import mock

from accord import edge
from accord.local.fuzz.bodies import SECRET, altered
from accord.local.fuzz.door import Context, SentQueues, hush, load
from accord.signed import signature

FUNCTION = "receive_erp_webhook"
_ERP = "main"
_TENANT = "aef86862-2015-4b6b-88bc-d89032cecc50"
_KINDS = frozenset({"sales_order", "invoice", "party", "stock"})
_EVENT: dict[str, Any] = {
    "resourceUrl": "https://api.xero.com/api.xro/2.0/Invoices/44c1b2ba-7e07-4a39-a4e0-7a1b4a4f0d8a",
    "resourceId": "44c1b2ba-7e07-4a39-a4e0-7a1b4a4f0d8a",
    "tenantId": _TENANT,
    "tenantType": "ORGANISATION",
    "eventCategory": "INVOICE",
    "eventType": "UPDATE",
    "eventDateUtc": "2026-11-20T10:15:02.447",
}
_CALL: dict[str, Any] = {
    "events": [_EVENT, _EVENT | {"eventCategory": "CONTACT"}],
    "firstEventSequence": 1,
    "lastEventSequence": 2,
    "entropy": "FXNGWLCCGVANWHKILRUB",
}
_PATHS: list[tuple[str | int, ...]] = [
    ("events",),
    ("events", 0),
    ("entropy",),
    *(("events", at, name) for at in (0, 1) for name in ("eventCategory", "tenantId")),
]
_TAILS = (b"", b"", b"", b"", b"\xff", b"}", b"[" * 100_000, b" " * 200_000)
_PLACES: tuple[Any, ...] = (*({"erp": _ERP},) * 12, {"erp": "MAIN"}, {"erp": "\ud800"}, {}, None)
_NO_SIGNATURES = ("", "=", "A" * 44, "ä" * 44, "\ud800", "A" * 100_000)

Json = dict[str, Any]


class Calls:
    """Takes calls. Made by ``opened``."""

    def __init__(self, handler: ModuleType, queues: SentQueues) -> None:
        self._handle = handler.lambda_handler
        self._queues = queues

    def call(self, rng: Random) -> tuple[str, float]:
        """One is handled: what is wrong (empty where nothing is), and the seconds of CPU."""
        event, genuine = _event(rng)
        sent = self._queues.sent
        sent.clear()
        began = time.thread_time()
        try:
            status = self._handle(event, Context())["statusCode"]
        except Exception as error:  # noqa: BLE001 - whatever it is, it has escaped
            return f"escaped from a call: {error!r:.200}", time.thread_time() - began
        cpu = time.thread_time() - began
        known = (event["pathParameters"] or {}).get("erp") == _ERP
        return _judged(status, sent, genuine=genuine, known=known), cpu


@contextmanager
def opened(queues: SentQueues) -> Iterator[Calls]:
    """The door, until the context ends. ``queues`` are what `edge.queues` gives meanwhile."""
    with ExitStack() as stack:
        handler = load(FUNCTION)
        stack.enter_context(mock.patch.object(edge, "erps", _erps))
        stack.enter_context(mock.patch.object(edge, "webhook_keys", _Keys))
        stack.enter_context(mock.patch.object(handler, "measure", _measure))
        hush(handler, stack)
        yield Calls(handler, queues)


def _erps() -> dict[str, edge.ErpEdge]:
    return {_ERP: edge.ErpEdge(_ERP, "xero", f"erp/{_ERP}", {"tenant": _TENANT})}


def _measure(name: str, value: float = 1) -> None:
    """It was counted."""


class _Keys:
    def of(self, _: edge.ErpEdge, *, newer: bool = False) -> tuple[str, ...]:
        del newer
        return (SECRET,)


def _judged(
    status: int, sent: Sequence[tuple[str, str, str, str]], *, genuine: bool, known: bool
) -> str:
    expected = 404 if not known else 200 if genuine else 401
    if status != expected:
        return f"a call was answered {status}, not {expected}"
    if sent and status != 200:
        return "hints of a call that was turned away"
    groups = [group for _, group, _, _ in sent]
    if len(set(groups)) != len(groups):
        return "the same hint twice"
    for event, group, body, _ in sent:
        hint: Mapping[str, str] = json.loads(body)
        if event != "poll_erp" or hint["kind"] not in _KINDS or group != f"{_ERP}:{hint['kind']}":
            return f"hinted at {body:.80} in {group:.80}"
    return ""


def _event(rng: Random) -> tuple[Json, bool]:
    """A request, and whether it is signed."""
    found = altered(_CALL, _PATHS, rng) if rng.random() < 0.7 else _CALL
    body = json.dumps(found).encode(errors="replace") + rng.choice(_TAILS)
    if rng.random() < 0.2:
        cut = bytearray(body[: rng.randrange(1, len(body))])
        cut[rng.randrange(len(cut))] = rng.randrange(256)
        body = bytes(cut)
    given, genuine = signature(body, SECRET), True
    if rng.random() < 0.2:
        other = signature(body, "somebody else's")
        given, genuine = rng.choice((*_NO_SIGNATURES, other, given.lower())), False
    casing = rng.choice((str.lower, str.upper, str))
    return {
        "pathParameters": rng.choice(_PLACES),
        "headers": {casing("X-Xero-Signature"): given},
        "requestContext": {"requestId": "fuzz"},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }, genuine
