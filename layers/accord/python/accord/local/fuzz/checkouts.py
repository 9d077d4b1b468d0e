"""What may come instead of a checkout's question, and what must hold for each."""

import base64
import datetime as dt
import hmac
import json
import time
from random import Random
from typing import Any

from accord.checkout import MOST_LINES, RefusedError, Request
from accord.local.fuzz.bodies import SECRET, STORE, altered

_NOW = dt.datetime(2026, 11, 22, 16, 12, tzinfo=dt.UTC)
_BASKET: dict[str, Any] = {
    "id": "b1",
    "items": [{"sku": "MUG", "quantity": 2}, {"sku": "PEN", "quantity": 1}],
    "customer": {"role": "wholesale_customer"},
    "hold": True,
    "replaces": "b0",
}
_PATHS = [(name,) for name in _BASKET] + [
    ("items", 0),
    ("items", 1, "sku"),
    ("items", 0, "quantity"),
]
_TAILS = (
    b"",
    b"",
    b"",
    b"\xff",
    b"}",
    b"[" * 100_000,
    b'"' * 65_000,
    b"\\" * 65_000,
    b" " * 70_000,
)
_TIMES = ("", "0", "-1", "9" * 12, "9" * 13, "1e9", "١٢", " 1", str(int(_NOW.timestamp()) - 301))

Json = dict[str, Any]


def ask(rng: Random) -> tuple[str, float]:
    """One request is read: what is wrong (empty where nothing is), and the seconds of CPU."""
    body, signed = _body(rng), rng.random() < 0.8
    event = _event(body, signed=signed, rng=rng)
    began = time.thread_time()
    wrong = ""
    try:
        request = Request.from_event(event)
        request.check_form(_NOW)
        genuine = request.is_genuine((SECRET,))
        if genuine:
            basket = request.basket()
            if not signed:
                wrong = "answered unsigned"
            elif not 1 <= len(basket.lines) <= MOST_LINES:
                wrong = f"read {len(basket.lines)} lines"
    except RefusedError as refused:
        if refused.status not in {400, 401} or not refused.remedy:
            wrong = f"refused with {refused.status} and {refused.remedy!r}"
    except Exception as error:  # noqa: BLE001 - whatever it is, it has escaped
        wrong = f"escaped from the checkout's question: {error!r:.200}"
    return wrong, time.thread_time() - began


def _body(rng: Random) -> bytes:
    found = altered(_BASKET, _PATHS, rng) if rng.random() < 0.7 else _BASKET
    body = json.dumps(found).encode() + rng.choice(_TAILS)
    if rng.random() < 0.2:
        cut = bytearray(body[: rng.randrange(1, len(body))])
        cut[rng.randrange(len(cut))] = rng.randrange(256)
        body = bytes(cut)
    return body


def _event(body: bytes, *, signed: bool, rng: Random) -> Json:
    time_ = str(int(_NOW.timestamp())) if rng.random() < 0.9 else rng.choice(_TIMES)
    nonce = "n" * 20 if rng.random() < 0.9 else rng.choice(("", "n", "n" * 65, "\ud800" * 20))
    text = f"{time_}.{nonce}.".encode(errors="replace") + body
    mac = hmac.digest((SECRET if signed else "x").encode(), text, "sha256")
    headers = {
        "X-Accord-Time": time_,
        "X-Accord-Nonce": nonce,
        "X-Accord-Signature": base64.b64encode(mac).decode(),
    }
    casing = rng.choice((str.lower, str.upper, str))
    encoded = base64.b64encode(body).decode()
    return {
        "pathParameters": {"store": STORE},
        "headers": {casing(name): value for name, value in headers.items()},
        "requestContext": {"requestId": "fuzz"},
        "body": encoded if rng.random() < 0.98 else "no base64 ä",
        "isBase64Encoded": True,
    }
