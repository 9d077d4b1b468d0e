"""What others post to us: the raw body, who signed it, and the object in it.

Standard library only: the receivers' start-up is what the other side waits for.
"""

import base64
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

MOST_BYTES = 8 * 1024 * 1024  # of a body that is looked into; Lambda is never handed so much


def raw_body(event: Mapping[str, Any]) -> bytes:
    """The bytes that were posted, of a request as API Gateway hands it over (format 2.0)."""
    body = event.get("body") or ""
    try:
        return base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    except ValueError:  # no base64, half a surrogate pair: nothing that anybody signed
        return b""


def headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """The request's headers, their names in lower case."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def signature(text: bytes, secret: str) -> str:
    """What ``secret`` signs ``text`` with: HMAC-SHA256, in base64."""
    return base64.b64encode(hmac.digest(secret.encode(), text, "sha256")).decode("ascii")


def is_signed(text: bytes, given: str, secrets: Iterable[str]) -> bool:
    """Whether ``given`` is what one of ``secrets`` signs ``text`` with.

    Takes equally long for any ``given``.
    """
    theirs = given.encode(errors="replace")
    genuine = False
    for secret in secrets:
        genuine |= hmac.compare_digest(signature(text, secret).encode(), theirs)
    return genuine


def json_object(body: bytes) -> tuple[str, dict[str, Any]] | None:
    """The text in ``body`` and the object that it is; None where it is none, or too large or too
    deep to be read."""
    if len(body) > MOST_BYTES:
        return None
    try:
        text = body.decode()
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return (text, found) if isinstance(found, dict) else None
