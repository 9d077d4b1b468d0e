"""Bodies and headers that no store sends, made of those that one sent.

Each is made of a seed and its number alone, so that one that was found is made again.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from random import Random
from typing import Any

from accord.local.recorded import Recorded
from accord.local.store.deliveries import sign
from accord.woo.webhook import FOLLOWED

STORE = "uk"
HOME = "https://store.example"
SECRET = "the store's own secret"
ANOTHER = "a secret of somebody else"
_LONG = 8000  # bytes
_STRIDE = 1_000_003  # between seeds, so that the bodies of two share nothing

Json = dict[str, Any]
Path = tuple[str | int, ...]

_NUMBERS = (0, -1, 1, True, 2**31, 2**53 + 1, 2**63, 2**64 - 1, 2**64, 10**30, 1.5, -0.0, 1e308)
_TEXTS = (
    *("", " ", "\x00", "\ufffe", "\ud800", "\u202e", "𝟙", "٣", "=1+1", "../..", "<b>&amp;amp;"),
    *(
        "NaN",
        "sNaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "1E+50",
        "-1e-400",
        "0x10",
        "1,5",
        "-",
        "1_0",
    ),
    *("12.345678901234567890", "9" * 40, "x" * 5000, "🙂" * 300, "http://[", "//", "uk:order:1"),
)
_DATES = (
    *("0001-01-01T00:00:00", "9999-12-31T23:59:59", "2026-02-30T00:00:00", "0000-00-00 00:00:00"),
    *("2026-11-22T15:01:05+14:00", "2026-11-22", "20261122T150105", "2026-W47", "-0001-01-01"),
    *("2026-11-22T24:00:00", "1e18", "now", "2038-01-19T03:14:08", "1969-12-31T23:59:59"),
)
_ODD: tuple[Any, ...] = (None, [], {}, [[]], [{}], {"0": {}}, *_NUMBERS, *_TEXTS, *_DATES)
_LITERALS = (
    *("NaN", "Infinity", "-Infinity", "-", "01", "1e999999999", "-0", "1E400", "0.1e-9999", "tru"),
    *("9" * 20, "9" * 100, "9" * 4300, "9" * 4301, "9" * 100_000, "-" + "9" * 5000, '"\\ud800"'),
    *('"\\u0000"', '"\\x"', '"\t"', "'", "{", "]", '{"a":1,"a":2}', '"' + "a" * 50_000 + '"'),
)
_BYTES = (
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"),
    *(b'"', b"[", b"{", b"}", b",", b":", b"\\", b"\\u", b"\r\n", b"\xef\xbf\xbe", b"&", b"null"),
)
_DEPTHS = (10, 98, 99, 100, 101, 500, 990, 1000, 5000, 100_000)
_SIZES = (199_000, 200_001, 300_000, 1_000_000)
_TOPICS = (
    *FOLLOWED,
    *("", "order", "order.", ".created", "ORDER.CREATED", "order.created ", "coupon.created"),
    *("action.woocommerce_order_refunded", "ördér.created", "order.created\n", "order.created,x"),
)
_SOURCES = (
    "",
    "/",
    "http://[",
    "https://copy.example/",
    "javascript:1",
    "\x00",
    "https://[::1]:x/",
)
_SIGNATURES = ("", "=", "A" * 44, "ä" * 44, "\ud800", "null", "sha256=", " ", "A" * 100_000)
_STORES = ("", "UK", "uk ", "uk/..", "de", "\x00", "u" * 5000, "\ud800")


@dataclass(frozen=True, slots=True)
class Case:
    """One request as API Gateway hands it over. ``how`` says what was done to it."""

    number: int
    how: str
    event: Json = field(repr=False)


class Seed:
    """A recorded delivery, and where in it something can be put."""

    def __init__(self, recorded: Recorded) -> None:
        self.name = recorded.name
        self.headers = dict(recorded.headers)
        self.body = recorded.body.encode()

    @cached_property
    def document(self) -> Any:
        """What its body says, None where that is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @cached_property
    def paths(self) -> Sequence[Path]:
        """Every place in it."""
        return list(_paths(self.document))


class Bodies:
    """Cases by number. ``recorded`` is what they are made of."""

    def __init__(self, recorded: Sequence[Recorded], *, seed: int) -> None:
        self._seeds = [Seed(each) for each in recorded]
        # A body of a hundred kilobytes takes the time of thirty others.
        self._weights = [min(1.0, _LONG / (1 + len(each.body))) for each in self._seeds]
        self._seed = seed

    def case(self, number: int) -> Case:
        """The same number is the same case."""
        rng = Random(self._seed * _STRIDE + number)
        seed = rng.choices(self._seeds, self._weights)[0]
        name, change = rng.choices(_CHANGES, _WEIGHTS)[0]
        body = change(seed, rng)
        headers, signing = _signed(body, _headers(seed, rng), rng)
        return Case(number, f"{seed.name}, {name}, {signing}", _carried(body, headers, rng))


# --- what is done to a body ------------------------------------------------------------


def altered(document: Any, paths: Sequence[Path], rng: Random) -> Any:
    """``document`` with something odd in one to four places; what is not changed is shared."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        document = _put(document, rng.choice(paths), rng)
    return document


def _altered(seed: Seed, rng: Random) -> bytes:
    if not seed.paths:
        return seed.body
    document = altered(seed.document, seed.paths, rng)
    written = json.dumps(document, separators=(",", ":"), ensure_ascii=rng.random() < 0.8)
    return written.encode(errors="surrogatepass")


def _put(node: Any, path: Path, rng: Random) -> Any:
    if not path:
        return rng.choice(_ODD)
    key, rest = path[0], path[1:]
    if isinstance(node, dict) and key in node:
        made = dict(node)
        if not rest and rng.random() < 0.2:
            taken = made.pop(key)
            if rng.random() < 0.3:
                made[str(key).upper()] = taken
        else:
            made[key] = _put(node[key], rest, rng)
        return made
    if isinstance(node, list) and isinstance(key, int) and key < len(node):
        if not rest and rng.random() < 0.2:
            return [*node, *node] if rng.random() < 0.5 else node[:key]
        return [*node[:key], _put(node[key], rest, rng), *node[key + 1 :]]
    return node  # an earlier change took the place away


def _paths(node: Any, at: Path = ()) -> list[Path]:
    found: list[Path] = []
    inner = node.items() if isinstance(node, dict) else enumerate(node) if _is_list(node) else ()
    for key, value in inner:
        if isinstance(key, int) and key > 3:  # lines alike
            break
        found += [(*at, key), *_paths(value, (*at, key))]
    return found


def _is_list(node: object) -> bool:
    return isinstance(node, list)


def _as_it_is(seed: Seed, _: Random) -> bytes:
    return seed.body


def _flipped(seed: Seed, rng: Random) -> bytes:
    body = bytearray(seed.body)
    for _ in range(rng.randint(1, 8)):
        body[rng.randrange(len(body))] = rng.randrange(256)
    return bytes(body)


def _cut(seed: Seed, rng: Random) -> bytes:
    return seed.body[: rng.randrange(len(seed.body))]


def _inserted(seed: Seed, rng: Random) -> bytes:
    at = rng.randrange(len(seed.body) + 1)
    return seed.body[:at] + rng.choice(_BYTES) + seed.body[at:]


def _literal(seed: Seed, rng: Random) -> bytes:
    """One value is something that JSON does not know, or hardly."""
    return _instead(seed, rng.choice(_LITERALS).encode(), rng)


def _deep(seed: Seed, rng: Random) -> bytes:
    depth = rng.choice(_DEPTHS)
    opened, closed = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    if rng.random() < 0.2:  # it does not end
        closed = b""
    return _instead(seed, opened * depth + b"1" + closed * depth, rng)


def _twice(seed: Seed, rng: Random) -> bytes:
    """A key that is there already, before or behind it."""
    pair = b'"id":' + rng.choice((b"1", b"-1", b"null", b'"7"', b"1e3", b"[]", b"9" * 4000))
    if rng.random() < 0.5:
        return seed.body.replace(b"{", b"{" + pair + b",", 1)
    return seed.body[:-1] + b"," + pair + seed.body[-1:]


def _long(seed: Seed, rng: Random) -> bytes:
    return _instead(seed, b'"' + b"x" * rng.choice(_SIZES) + b'"', rng)


def _nothing(_: Seed, rng: Random) -> bytes:
    return rng.choice(
        (b"", b"null", b"[]", b"{}", b'{"id":1}', b'{"id":-1}', b"webhook_id=1", b"1")
    )


def _instead(seed: Seed, value: bytes, rng: Random) -> bytes:
    """``value`` behind one of the body's colons, in the place of the number or text there."""
    at = seed.body.find(b":", rng.randrange(len(seed.body))) + 1
    if not at:
        return seed.body[:-1] + b',"odd":' + value + seed.body[-1:]
    end = seed.body.find(b",", at)
    return seed.body[:at] + value + (seed.body[end:] if end >= 0 else b"}")


_Change = Callable[[Seed, Random], bytes]
_WEIGHED: tuple[tuple[str, _Change, int], ...] = (
    ("fields altered", _altered, 500),
    ("as it is", _as_it_is, 100),
    ("bytes flipped", _flipped, 80),
    ("cut short", _cut, 60),
    ("bytes put in", _inserted, 80),
    ("an odd literal", _literal, 60),
    ("nested deeply", _deep, 40),
    ("a key twice", _twice, 40),
    ("nothing much", _nothing, 30),
    ("a long text", _long, 2),
)
_CHANGES = tuple((name, change) for name, change, _ in _WEIGHED)
_WEIGHTS = tuple(weight for _, _, weight in _WEIGHED)


# --- headers, signature, transport -------------------------------------------------------


def _headers(seed: Seed, rng: Random) -> dict[str, str]:
    headers = {k: v for k, v in seed.headers.items() if k.lower() != "x-wc-webhook-signature"}
    if rng.random() < 0.2:
        _set(headers, "X-WC-Webhook-Topic", rng.choice(_TOPICS))
    if rng.random() < 0.05:
        _set(headers, "X-WC-Webhook-Source", rng.choice(_SOURCES))
    if rng.random() < 0.02:
        headers.pop(rng.choice(list(headers)), None)
    return headers


def _set(headers: dict[str, str], name: str, value: str) -> None:
    for known in [each for each in headers if each.lower() == name.lower()]:
        del headers[known]
    headers[name] = value


def _signed(body: bytes, headers: dict[str, str], rng: Random) -> tuple[dict[str, str], str]:
    name = "X-WC-Webhook-Signature"
    how = rng.choices(
        ("signed", "signed before", "signed by another", "unsigned", "odd signature"),
        (70, 10, 5, 5, 10),
    )[0]
    match how:
        case "signed":
            headers[name] = sign(body, SECRET)
        case "signed before":
            headers[name] = sign(body + b" ", SECRET)
        case "signed by another":
            headers[name] = sign(body, ANOTHER)
        case "odd signature":
            headers[name] = rng.choice((*_SIGNATURES, sign(body, SECRET).lower(), SECRET))
    casing = rng.choice((str.lower, str.upper, str.title, str))
    return {casing(each): value for each, value in headers.items()}, how


def event_of(body: bytes, headers: dict[str, str], *, as_text: bool = False) -> Json:
    """As API Gateway hands it over (payload format 2.0): text that is UTF-8 may come as such."""
    text = ""
    if as_text:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            as_text = False
    if not as_text:
        text = base64.b64encode(body).decode()
    return {
        "version": "2.0",
        "pathParameters": {"store": STORE},
        "headers": headers,
        "requestContext": {"http": {"sourceIp": "203.0.113.9"}, "requestId": "fuzz"},
        "body": text,
        "isBase64Encoded": not as_text,
    }


def _carried(body: bytes, headers: dict[str, str], rng: Random) -> Json:
    event = event_of(body, headers, as_text=rng.random() < 0.5)
    if rng.random() < 0.03:
        what, value = rng.choice(_TRANSPORT)
        event[what] = value
    elif rng.random() < 0.02:
        event["pathParameters"] = {"store": rng.choice(_STORES)}
    return event


_TRANSPORT: tuple[tuple[str, Any], ...] = (
    ("body", None),
    ("body", "no base64 ä"),
    ("body", "A"),
    ("body", "\ud800"),
    ("headers", {}),
    ("headers", None),
    ("isBase64Encoded", True),
    ("isBase64Encoded", False),
    ("pathParameters", None),
    ("requestContext", {"http": {}}),
    ("requestContext", {"http": {"sourceIp": "::ffff:1.2.3.4%eth0"}, "requestId": "\ud800"}),
)
