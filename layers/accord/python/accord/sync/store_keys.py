"""A REST key that a store makes for us on its own page, and posts to us: nobody has to copy it.

``accord connect`` makes a secret and a link to that page. Whoever runs the shop allows it there,
and the store posts the key to us with the secret, which is good once and for half an hour. The key
is kept, encrypted, until the command takes it, and tried before it is used: a key that somebody
else posts opens nothing.

Source: WooCommerce, includes/class-wc-auth.php; REST API docs, "Authentication Endpoint".
"""

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from accord.errors import StaleVersionError
from accord.ports.tokens import Consents

LASTS = dt.timedelta(minutes=30)
FIELDS = ("consumer_key", "consumer_secret")
_LONGEST = 200  # letters; WooCommerce's have 43

Clock = Callable[[], dt.datetime]


def begin(consents: Consents, store: str, *, clock: Clock, secret: str) -> None:
    """``secret`` lets the store post one key."""
    value = {"store": store, "phase": "asked"}
    consents.put(_name(secret), value, until=clock() + LASTS, version=None)


def receive(consents: Consents, store: str, body: Mapping[str, Any], *, clock: Clock) -> bool:
    """Whether the key that ``store`` posted is the one that was asked for. Told twice is once.

    Raises: TransientError: the table does not answer.
    """
    secret, key = body.get("user_id"), {name: body.get(name) for name in FIELDS}
    if not isinstance(secret, str) or not all(_is_text(each) for each in key.values()):
        return False
    found = consents.get(_name(secret), now=clock())
    if found is None or found[0]["store"] != store:
        return False
    value, version = found
    if value["phase"] != "asked":
        return _same(value, key)
    granted = {"store": store, "phase": "granted", **{name: str(key[name]) for name in FIELDS}}
    try:
        consents.put(_name(secret), granted, until=clock() + LASTS, version=version)
    except StaleVersionError:
        return False
    return True


def take(consents: Consents, store: str, *, clock: Clock, secret: str) -> dict[str, str] | None:
    """The key, which is then forgotten here; None while there is none."""
    found = consents.get(_name(secret), now=clock())
    if found is None or found[0]["store"] != store or found[0]["phase"] != "granted":
        return None
    value, version = found
    over = {"store": store, "phase": "over"}
    consents.put(_name(secret), over, until=clock() + LASTS, version=version)
    return {name: value[name] for name in FIELDS}


def _same(value: Mapping[str, str], key: Mapping[str, Any]) -> bool:
    return all(
        hmac.compare_digest(value.get(name, "").encode(), str(key[name]).encode())
        for name in FIELDS
    )


def _is_text(found: object) -> bool:
    return isinstance(found, str) and 0 < len(found) <= _LONGEST and found.isascii()


def _name(secret: str) -> str:
    return f"keys:{hashlib.sha256(secret.encode(errors='replace')).hexdigest()}"
