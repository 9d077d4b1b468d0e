"""A checkout's request: is it genuine and new, what does it ask; and the answer as JSON.

Signed is ``{time}.{nonce}.`` and the raw body, with HMAC-SHA256, in base64.
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from accord.signed import headers_of, is_signed, raw_body, signature
from accord.sync.availability import Answer, Basket, Judged, Line

MOST_LINES = 100
MOST_BYTES = 64 * 1024
MOST_PIECES = 1_000_000
_SKEW_S = 300
_DEEPEST = 8  # of nested lists and objects; a request has three
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NONCE = re.compile(r"[A-Za-z0-9]{16,64}")
_TIME = re.compile(r"[0-9]{1,12}")
_LONGEST = 200  # letters of a SKU or a role
# A text that does not end takes all that follows, so that every byte is looked at once.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+\\?(?:"|\Z)|[\[{]|[\]}]', re.DOTALL)

Json = dict[str, Any]


class RefusedError(Exception):
    """A request that is answered ``status``; ``field`` is what is wrong, ``remedy`` what helps."""

    def __init__(self, status: int, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.status = status
        self.field = field
        self.problem = problem
        self.remedy = remedy

    def to_json(self) -> Json:
        return {
            "error": {"field": self.field, "problem": self.problem, "remedy": self.remedy},
        }


@dataclass(frozen=True, slots=True)
class Request:
    """One POST as API Gateway hands it over (payload format 2.0). ``body`` is the raw bytes."""

    store: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    request_id: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        return cls(
            store=(event.get("pathParameters") or {}).get("store", ""),
            headers=headers_of(event),
            body=raw_body(event),
            request_id=event.get("requestContext", {}).get("requestId", ""),
        )

    @property
    def nonce(self) -> str:
        return self.headers.get("x-accord-nonce", "")

    def check_form(self, now: dt.datetime) -> None:
        """What can be told without the secret. Raises: RefusedError."""
        if len(self.body) > MOST_BYTES:
            raise RefusedError(
                400,
                "body",
                f"it has {len(self.body):,} bytes, and {MOST_BYTES:,} are the most",
                f"ask for at most {MOST_LINES} lines at once",
            )
        if not _NONCE.fullmatch(self.nonce):
            raise RefusedError(
                401,
                "x-accord-nonce",
                "it is missing, or not 16 to 64 letters and digits",
                "make a new random one for each request",
            )
        time = self.headers.get("x-accord-time", "")
        if not _TIME.fullmatch(time) or abs(int(time) - now.timestamp()) > _SKEW_S:
            raise RefusedError(
                401,
                "x-accord-time",
                f"it is missing, or more than {_SKEW_S} seconds off our clock",
                "send the seconds since 1970 (UTC), and set the server's clock by NTP",
            )

    def is_genuine(self, secrets: Iterable[str]) -> bool:
        """Whether one of ``secrets`` signed it; takes equally long for any signature."""
        return is_signed(self._signed(), self.headers.get("x-accord-signature", ""), secrets)

    def signature(self, secret: str) -> str:
        """What ``secret`` signs it with."""
        return signature(self._signed(), secret)

    def _signed(self) -> bytes:
        return f"{self.headers.get('x-accord-time', '')}.{self.nonce}.".encode() + self.body

    def basket(self) -> Basket:
        """What it asks. Raises: RefusedError 400: with the field and what helps."""
        if _depth(self.body) > _DEEPEST:
            raise _bad("body", "it is nested too deeply", "send the fields of the description only")
        try:
            found = json.loads(self.body.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise _bad("body", "it is no JSON in UTF-8", "send an object in JSON") from None
        table = _table(found, "body", ("id", "items", "customer", "hold", "replaces"))
        return Basket(
            id=_id(table.get("id"), "id"),
            lines=_lines(table.get("items")),
            role=_role(table.get("customer")),
            hold=_flag(table.get("hold"), "hold"),
            replaces=_id(table["replaces"], "replaces") if table.get("replaces") else "",
        )


def rejected() -> RefusedError:
    """It was not signed with a secret of the store's."""
    return RefusedError(
        401,
        "x-accord-signature",
        "it does not fit the time, the nonce and the body",
        "sign with the newest of the store's checkout_secrets",
    )


def repeated() -> RefusedError:
    """Its nonce was used before."""
    return RefusedError(
        409, "x-accord-nonce", "it was used before", "make a new random one for each request"
    )


def to_json(answer: Answer) -> Json:
    """What the checkout reads."""
    hold = answer.hold
    return {
        "available": answer.available,
        "items": [_line_to_json(line) for line in answer.lines],
        "hold": {"id": hold.id, "expires_at": _moment(hold.expires_at)} if hold else None,
    }


def asked(basket: Basket) -> Json:
    """``basket`` as JSON, by which the same request is known again."""
    return {
        "id": basket.id,
        "items": [[line.sku, line.quantity] for line in basket.lines],
        "role": basket.role,
    }


def _line_to_json(judged: Judged) -> Json:
    price = judged.price
    return {
        "sku": judged.line.sku,
        "quantity": judged.line.quantity,
        "available": judged.available,
        "enough": judged.enough,
        "price": price and {"regular": price.regular, "sale": price.sale, "role": price.role},
        "as_of": _moment(judged.as_of) if judged.as_of else None,
    }


def _moment(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


# --- reading -------------------------------------------------------------------------


def _depth(body: bytes) -> int:
    """How deeply lists and objects lie in one another, whether or not it is JSON."""
    deepest = depth = 0
    for token in _TOKEN.finditer(body):
        first = token[0][:1]
        if first in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in b"]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _bad(field: str, problem: str, remedy: str) -> RefusedError:
    return RefusedError(400, field, problem, remedy)


def _table(found: object, field: str, known: tuple[str, ...]) -> Json:
    if not isinstance(found, dict):
        raise _bad(field, "it is no object", f"send an object with {' and '.join(known[:2])}")
    if unknown := sorted(found.keys() - set(known)):
        where = unknown[0][:40] if field == "body" else f"{field}.{unknown[0][:40]}"
        raise _bad(where, "it is not known", f"send {', '.join(known)} only")
    return found


def _id(found: object, field: str) -> str:
    if not isinstance(found, str) or not _ID.fullmatch(found):
        raise _bad(
            field,
            "it is not 1 to 64 letters, digits, - and _",
            "make a random one for each basket, and send the same one when you ask again",
        )
    return found


def _lines(found: object) -> tuple[Line, ...]:
    if not isinstance(found, list) or not 1 <= len(found) <= MOST_LINES:
        raise _bad("items", f"it is no list of 1 to {MOST_LINES} lines", "send the basket's lines")
    return tuple(_line(each, f"items[{number}]") for number, each in enumerate(found))


def _line(found: object, field: str) -> Line:
    table = _table(found, field, ("sku", "quantity"))
    sku, quantity = table.get("sku"), table.get("quantity")
    if not _is_text(sku):
        raise _bad(
            f"{field}.sku",
            f"it is not 1 to {_LONGEST} printable letters",
            "leave out what has no SKU: it is not counted here",
        )
    if isinstance(quantity, bool) or not isinstance(quantity, int):
        raise _bad(f"{field}.quantity", "it is no whole number", "send pieces, such as 2")
    if not 1 <= quantity <= MOST_PIECES:
        raise _bad(
            f"{field}.quantity", f"it is not 1 to {MOST_PIECES:,}", "leave out lines without pieces"
        )
    return Line(str(sku), quantity)


def _role(found: object) -> str:
    if found is None:
        return ""
    role = _table(found, "customer", ("role",)).get("role")
    if role is None:
        return ""
    if not _is_text(role):
        raise _bad("customer.role", "it is no user role", "send a role such as wholesale_customer")
    return str(role)


def _flag(found: object, field: str) -> bool:
    if found is not None and not isinstance(found, bool):
        raise _bad(field, "it is neither true nor false", "send true to have the goods kept")
    return bool(found)


def _is_text(found: object) -> bool:
    return isinstance(found, str) and 0 < len(found) <= _LONGEST and found.isprintable()
