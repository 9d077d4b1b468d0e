"""What a release writes, as a table of fields; and whether another's writing fits into it.

A shape is made of samples, so it knows no more than they show:

- ``is``: what a value may be: ``null``, ``bool``, ``int``, ``float``, ``bytes``, or text: ``empty``,
  ``moment``, ``date``, ``number``, ``ref`` or any ``text``;
- ``keys``: those of an object, of which ``always`` are there in every sample;
- ``each``: the values of an object whose keys are data, or of a list;
- ``json``: what a text holds that is JSON;
- ``words``: the only texts that the release knows for it; another one it cannot read;
- ``closed``: the release refuses an object with keys that it does not know.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from accord.errors import Owner
from accord.model.documents import State
from accord.ports.state import Mark
from infra.events import EVENTS

Json = dict[str, Any]
Shape = dict[str, Any]

_TEXTS = (
    ("empty", re.compile(r"")),
    ("moment", re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d")),
    ("number", re.compile(r"-?\d+(\.\d+)?")),
    ("ref", re.compile(r"[a-z0-9-]+:[a-z_]+:[\w.:-]+")),
)
_WIDER = {"number": {"text"}, "ref": {"text"}, "int": {"float"}, "empty": {"text"}}
"""What a value may be read as as well."""

_DATA = (  # objects whose keys are data, by the end of the path that leads to them
    r"control/poll/orders.*/orders",
    r"control/poll/products.*/orders",
    r"control/connections.*/(circuits|paused|rests)",
    r"control/seen.*/(pages|told)",
    r"control/sweep.*/anew",
    r"control/usage.*/(slots|day/\*)",
    r"control/webhooks.*/made",
    r"levels/.*/(needs|took|free|bands)",
    r"bucket/.*/(parts|reasons|calls|compared|skipped)",
)
_LOOSE = (  # objects of which each sample may have other keys
    r"/facts",
    r"/details",
    r"/(intent|result)",
    r"/(wanted|sent)",
    r"/mark",
    r"steps/.*",
)
_OPAQUE = (  # not ours: what a store, a back office or a merchant writes
    r"message/.*/document",
    r"config/rules.*/content",
    r"bucket/attention.*/(sent|answered)",
    r"levels/Q.*/data",
)
_WORDS = {
    r"(facts|result)/state": [state.value for state in State],
    r"/owner/attention|attention/.*/owner": [*Owner.__args__],  # type: ignore[attr-defined]
    r"journal/.*/mark": [*Mark.__args__],  # type: ignore[attr-defined]
    r"message/.*/event": sorted(EVENTS),
}
_NAMES = re.compile(r"^(held|address)[_:].*")
"""Keys that end in data: ``held_uk``, ``address:9289a048``."""


def kinds(tables: Json, objects: Json, messages: Iterable[Json]) -> Iterator[tuple[str, Any]]:
    """Everything that was recorded, as (its kind, it)."""
    for table, items in tables.items():
        for item in items:
            plain = {name: _plain(value) for name, value in item.items()}
            yield _kind(table, plain["pk"], plain["sk"]), plain
    for name, found in objects.items():
        text = _decoded(found["base64"])
        folder = re.sub(r"[\d-]{8,}.*", "*", name.partition("/")[2])
        is_json = text.startswith(("{", "["))
        yield f"bucket/{folder.partition('/uk:')[0]}", json.loads(text) if is_json else text
    for message in messages:
        yield f"message/{message['event']}", json.loads(message["body"])


def _kind(table: str, pk: str, sk: str) -> str:
    """By the parts of the keys that are words and no data."""
    first = re.split(r"[#:]", pk)
    match table:
        case "control" if first[0] == "poll":
            kind = f"poll/{first[-1]}"
        case "links" if first[0] == "S":
            kind = f"S/{first[2]}"
        case "levels" if first[0] == "L":
            kind = f"L/{first[2]}"
        case "steps":
            kind = "step"
        case "journal" if first[0] != "D":
            kind = "story"
        case _:
            kind = first[0]
    end = sk.partition("#")[0]
    is_word = re.fullmatch(r"[a-zC]+", end) and table != "journal"
    return f"{table}/{kind}/{end if is_word else '*'}"


def _plain(value: Json) -> Any:
    """DynamoDB's JSON as plain values; numbers stay what they are."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return int(held) if re.fullmatch(r"-?\d+", held) else float(held)
        case "M":
            return {name: _plain(each) for name, each in held.items()}
        case "L":
            return [_plain(each) for each in held]
        case "NULL":
            return None
        case "B":
            return b""
        case _:
            return held


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


# --- shapes ------------------------------------------------------------------------


def shapes_of(samples: Iterable[tuple[str, Any]]) -> dict[str, Shape]:
    """Kind → the shape of all of its samples."""
    found: dict[str, list[Any]] = {}
    for kind, sample in samples:
        found.setdefault(kind, []).append(sample)
    return {kind: _shape(held, kind) for kind, held in sorted(found.items())}


def _shape(samples: list[Any], path: str) -> Shape:
    if _matches(_OPAQUE, path):
        return {"is": sorted({_is(each) for each in samples}), "opaque": True}
    shape: Shape = {"is": sorted({_is(each) for each in samples})}
    for pattern, words in _WORDS.items():
        if re.search(f"({pattern})$", path):
            shape["words"] = words
    objects = [each for each in samples if isinstance(each, dict)]
    lists = [each for each in samples if isinstance(each, list)]
    if objects and _matches(_DATA, path):
        shape["each"] = _shape([value for each in objects for value in each.values()], f"{path}/*")
    elif objects:
        named = [{_named(key): value for key, value in each.items()} for each in objects]
        names = sorted({name for each in named for name in each})
        shape["keys"] = {
            name: _shape([each[name] for each in named if name in each], f"{path}/{name}")
            for name in names
        }
        if not _matches(_LOOSE, path):
            shape["always"] = [name for name in names if all(name in each for each in named)]
    elif lists:
        shape["each"] = _shape([value for each in lists for value in each], f"{path}/*")
    if texts := [held for each in samples if (held := _held(each)) is not None]:
        shape["json"] = _shape(texts, path)
    return shape


def _named(key: str) -> str:
    return _NAMES.sub(r"\1*", key)


def _matches(patterns: Iterable[str], path: str) -> bool:
    return any(re.search(f"{pattern}$", path) for pattern in patterns)


def _held(value: Any) -> Any:
    """What a text holds that is an object or a list in JSON; None for any other."""
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _is(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case bytes():
            return "bytes"
        case dict():
            return "object"
        case list():
            return "list"
    if _held(value) is not None:
        return "json"
    return next((name for name, like in _TEXTS if like.fullmatch(value)), "text")


# --- whether one fits ------------------------------------------------------------------


def misfits(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Why a release that knows ``shape`` cannot read ``value``: one text for each place."""
    found, known = _is(value), set(shape["is"])
    # What was only ever empty says nothing of what it is when it is not.
    if found not in known and not _WIDER.get(found, set()) & known and known - {"empty", "null"}:
        yield f"{path} is {found}, and was {' or '.join(sorted(known))}"
        return
    if shape.get("opaque"):
        return
    if "words" in shape and isinstance(value, str) and value and value not in shape["words"]:
        yield f"{path} is {value!r}, a word that it does not know"
    if (held := _held(value)) is not None and "json" in shape:
        yield from misfits(held, shape["json"], path)
    if isinstance(value, dict):
        yield from _misfits_of(value, shape, path)
    elif isinstance(value, list) and "each" in shape:
        for each in value:
            yield from misfits(each, shape["each"], f"{path}/*")


def _misfits_of(value: Json, shape: Shape, path: str) -> Iterator[str]:
    if "each" in shape:
        for each in value.values():
            yield from misfits(each, shape["each"], f"{path}/*")
        return
    named = {_named(key): each for key, each in value.items()}
    keys = shape.get("keys", {})
    for name in shape.get("always", ()):
        if name not in named:
            yield f"{path}/{name} is not there any more"
    for name, each in named.items():
        if name in keys:
            yield from misfits(each, keys[name], f"{path}/{name}")
        elif shape.get("closed"):
            yield f"{path}/{name} is new, and it refuses what it does not know"
