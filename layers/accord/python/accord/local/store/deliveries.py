"""Webhook deliveries, byte for byte as WooCommerce sends them.

Sources: recorded deliveries of WooCommerce 10.5.0; WC_Webhook::deliver and ::generate_signature.
"""

import base64
import datetime as dt
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

USER_AGENT = "WooCommerce/10.5.0 Hookshot (WordPress/6.9.1)"
_BOXES = (dict, list)
_HELD = 4096  # documents
_SALT = b"accord-store-stand-in"  # a real store's is a secret of its installation

_ENCODER = json.JSONEncoder(separators=(",", ":"))
_WHOLE_FLOAT = re.compile(r"-?\d(?:\.0|(?:\.\d+)?e\+\d+)(?=[,}\]]|$)")


@dataclass(frozen=True, slots=True)
class Body:
    """What a webhook would deliver now of the object ``id``, which is 0 where that is gone."""

    id: int
    raw: bytes

    @property
    def document(self) -> dict[str, Any]:
        """Read anew each time."""
        found: dict[str, Any] = json.loads(self.raw)
        return found


def encode(document: object) -> bytes:
    r"""JSON as PHP writes it: ASCII only, ``\/`` for a slash, no blanks, ``21`` for 21.0."""
    written = _written(document)
    # Looked for first, as that costs next to nothing; the pattern, then the careful way, cost more.
    if _may_hold_whole_float(written) and _WHOLE_FLOAT.search(written):
        written = _written(_plain(document))
    return written.replace("/", "\\/").encode("ascii")


class Encoder:
    """Encodes a document once for as long as it stays as it is: a store lists the same orders
    again and again.

    Held against a copy of what was encoded, so nobody has to say that they changed a document.
    What is equal is the same to it: 1 and ``True``, and fields in another order.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[object, int], tuple[object, bytes]] = {}

    def one(self, document: Mapping[str, Any]) -> bytes:
        """See ``encode``."""
        name = document.get("id"), len(document)
        held = self._held.get(name)
        if held is not None and held[0] == document:
            return held[1]
        if len(self._held) >= _HELD:
            self._held.clear()
        body = encode(document)
        self._held[name] = _copy(document), body
        return body

    def many(self, documents: Iterable[Mapping[str, Any]]) -> bytes:
        """The list of them."""
        return b"[" + b",".join([self.one(document) for document in documents]) + b"]"


def sign(body: bytes, secret: str) -> str:
    """Base64 of the HMAC-SHA256 over the raw bytes."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def delivery(
    topic: str,
    body: bytes | object,
    secret: str,
    home: str,
    *,
    webhook_id: int = 1,
    at: dt.datetime,
) -> tuple[dict[str, str], bytes]:
    """(headers, body) of one delivery at ``at``. ``body`` is bytes, or a document to encode."""
    raw = body if isinstance(body, bytes) else encode(body)
    resource, _, event = topic.partition(".")
    headers = {
        "User-Agent": USER_AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "deflate, gzip, br, zstd",
        "Content-Type": "application/json",
        "X-WC-Webhook-Source": f"{home.rstrip('/')}/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-Signature": sign(raw, secret),
        "X-WC-Webhook-ID": str(webhook_id),
        "X-WC-Webhook-Delivery-ID": delivery_id(webhook_id, at),
        "Connection": "close",
        "Content-Length": str(len(raw)),
    }
    return headers, raw


def delivery_id(webhook_id: int, at: dt.datetime) -> str:
    """A hash of the webhook's id and the second: one id for all that it sends in that second."""
    return hmac.new(_SALT, f"{webhook_id}{int(at.timestamp())}".encode(), "md5").hexdigest()


def ping(webhook_id: int) -> tuple[dict[str, str], bytes]:
    """(headers, body) of a ping: form-encoded, unsigned, without any of the webhook's headers."""
    body = f"webhook_id={webhook_id}".encode()
    headers = {
        "User-Agent": USER_AGENT,
        "Accept": "*/*",
        "Accept-Encoding": "deflate, gzip, br, zstd",
        "Connection": "close",
        "Content-Length": str(len(body)),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return headers, body


def _written(document: object) -> str:
    return _ENCODER.encode(document)


def _may_hold_whole_float(written: str) -> bool:
    return (
        ".0," in written
        or ".0}" in written
        or ".0]" in written
        or "e+" in written
        or written.endswith(".0")
    )


def _copy(value: object) -> object:
    # Most of a document are texts, for each of which a call would cost more than all the rest.
    if isinstance(value, dict):
        return {key: _copy(it) if it.__class__ in _BOXES else it for key, it in value.items()}
    if isinstance(value, list):
        return [_copy(it) if it.__class__ in _BOXES else it for it in value]
    return value


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(it) for key, it in value.items()}
    if isinstance(value, list):
        return [_plain(it) for it in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
