"""Who may ask: consumer keys, by Basic over TLS and by OAuth 1.0a over plain http.

Sources: WC_REST_Authentication; RFC 5849, 3.4; the refusals are WooCommerce 10.5.0's as recorded.
"""

import base64
import binascii
import datetime as dt
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

from accord.local.store.wire import Refusal

Permission = Literal["read", "write", "read_write"]
_WINDOW_S = 15 * 60  # a timestamp may be so far off, either way


@dataclass(frozen=True, slots=True)
class Key:
    """One consumer key of the store."""

    secret: str
    permission: Permission = "read_write"


@dataclass(frozen=True, slots=True)
class Asked:
    """What authentication looks at. ``params`` are the query's, decoded."""

    method: str
    path: str  # from /wp-json on
    authorization: str
    params: Sequence[tuple[str, str]]
    tls: bool


class Gate:
    """The store's keys, and the nonces it has seen."""

    def __init__(
        self, keys: dict[str, Key], *, home: str, clock: Callable[[], dt.datetime]
    ) -> None:
        self._keys = keys
        self._home = "http://" + home.split("://", 1)[-1].rstrip("/")
        self._clock = clock
        self._nonces: dict[tuple[str, str], int] = {}

    def key_of(self, asked: Asked) -> Key | None:
        """The key that asks, None when nobody known does: then all is refused as to a stranger.

        Raises: Refusal: a known key, wrongly proven.
        """
        key = (self._basic(asked) if asked.tls else None) or self._oauth(asked)
        if key is None:
            return None
        writes = asked.method not in {"GET", "HEAD", "OPTIONS"}
        if writes and "write" not in key.permission:
            raise _refused("The API key provided does not have write permissions.", known=True)
        if not writes and "read" not in key.permission:
            raise _refused("The API key provided does not have read permissions.", known=True)
        return key

    def _basic(self, asked: Asked) -> Key | None:
        name, secret = "", ""
        if asked.authorization.startswith("Basic "):
            try:
                text = base64.b64decode(asked.authorization[6:], validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
            name, _, secret = text.partition(":")
        else:  # the form that puts secrets into every log; the real store takes it too
            query = dict(asked.params)
            name, secret = query.get("consumer_key", ""), query.get("consumer_secret", "")
        key = self._keys.get(name)
        if key is None:
            return None
        if not hmac.compare_digest(key.secret.encode(), secret.encode()):
            raise _refused("Consumer secret is invalid.")
        return key

    def _oauth(self, asked: Asked) -> Key | None:
        sent = dict(asked.params)
        if asked.authorization.startswith("OAuth "):
            found = re.findall(r'([a-z_]+)="([^"]*)"', asked.authorization)
            sent.update({name: unquote(value) for name, value in found})
        key = self._keys.get(sent.get("oauth_consumer_key", ""))
        if key is None:
            return None
        self._check_signature(asked, sent, key)
        self._check_freshness(sent)
        return key

    def _check_signature(self, asked: Asked, sent: dict[str, str], key: Key) -> None:
        given = sent.pop("oauth_signature", "")
        algorithm = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}.get(
            sent.get("oauth_signature_method", "")
        )
        if algorithm is None:
            raise _refused("Invalid signature - signature method is invalid.")
        pairs = sorted((_quote(name), _quote(value)) for name, value in sent.items())
        query = "&".join(f"{name}={value}" for name, value in pairs)
        text = "&".join(_quote(it) for it in (asked.method, self._home + asked.path, query))
        digest = hmac.new(f"{key.secret}&".encode(), text.encode(), algorithm).digest()
        if not hmac.compare_digest(base64.b64encode(digest), given.encode()):
            raise _refused("Invalid signature - provided signature does not match.")

    def _check_freshness(self, sent: dict[str, str]) -> None:
        now = int(self._clock().timestamp())
        stamp = sent.get("oauth_timestamp", "")
        if not stamp.isdigit() or abs(now - int(stamp)) > _WINDOW_S:
            raise _refused("Invalid timestamp.")
        nonce = (sent["oauth_consumer_key"], sent.get("oauth_nonce", ""))
        if not nonce[1] or nonce in self._nonces:
            raise _refused("Invalid nonce - nonce has already been used.")
        self._nonces = {it: when for it, when in self._nonces.items() if now - when <= _WINDOW_S}
        self._nonces[nonce] = now


def _quote(value: str) -> str:
    return quote(value, safe="~")


def _refused(message: str, *, known: bool = False) -> Refusal:
    return Refusal(401, "woocommerce_rest_authentication_error", message, known=known)
