"""What pydantic found wrong with a table of accord.toml, in a merchant's words. Pure."""

import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from accord.rules import describe
from accord.rules.problem import Path, Problem, nearest


@dataclass(frozen=True, slots=True)
class Words:
    """What is known of a table and those in it, by their paths in it.

    ``keys`` are a table's own, None where it is no table or its keys are the merchant's.
    ``description`` says what a value is for. ``homes`` are the tables that have a key.
    """

    keys: Callable[[Path], Collection[str] | None]
    description: Callable[[Path], str]
    homes: Callable[[str], Iterable[str]]


def words_of(model: type[BaseModel]) -> Words:
    """Of a table without tables of its own, whose fields say by themselves what they are for."""
    fields = {field.alias or name: name for name, field in model.model_fields.items()}

    def described(path: Path) -> str:
        name = fields.get(str(path[0]), "") if path else ""
        return describe.described_in(sys.modules[model.__module__]).get((model.__name__, name), "")

    return Words(
        keys=lambda path: None if path else tuple(fields),
        description=described,
        homes=lambda _: (),
    )


def _keys(path: Path) -> Collection[str] | None:
    table = describe.table_at(path)
    return describe.keys(table) if table else None


_OF_FILE = Words(keys=_keys, description=describe.description, homes=describe.homes)


def invalid(
    error: ValidationError, data: Mapping[str, Any], words: Words = _OF_FILE
) -> Iterator[Problem]:
    """Each mistake that ``error`` holds of ``data``: all of accord.toml, if not said otherwise."""
    for details in error.errors(include_url=False):
        yield _problem(details, data, words)


def _problem(details: ErrorDetails, data: Mapping[str, Any], words: Words) -> Problem:
    type_, context = details["type"], details.get("ctx", {})
    path = _real(details["loc"], data, absent=type_ == "missing")
    if type_ == "accord":
        return Problem((*path, *context["path"]), context["said"], context["remedy"])
    if type_ == "extra_forbidden":
        return _unknown(path, details["input"], words)
    if type_ == "missing":
        return Problem(path, f"{path[-1]} is missing", _explain(path, "Add it", words))
    given = details["input"]
    if isinstance(given, dict) and path and (written := _split_key(given, (str(path[-1]),))):
        return _needs_quotes(path, written)
    if type_ == "literal_error":
        return _choice(path, str(given), str(context["expected"]))
    if type_ in ("timezone_aware", "datetime_from_date_parsing", "datetime_parsing"):
        return Problem(
            path, "this is no moment in time", "Write it with its zone: 2026-01-01T00:00:00Z."
        )
    message = details["msg"].replace("Input should be", "must be")
    message = message.replace("string", "text").replace("dictionary", "table")
    return Problem(path, _small(message), _explain(path, "Correct it", words))


def _unknown(path: Path, given: Any, words: Words) -> Problem:
    key = str(path[-1])
    inside = path[-2:-1]  # a table's name, unless it is one of an array
    names_one = bool(inside) and isinstance(inside[0], str)
    if names_one and isinstance(given, dict) and words.keys(path[:-2]) is None:
        return _needs_quotes(path[:-1], f"{path[-2]}.{key}")
    known = words.keys(path[:-1]) or ()
    if meant := nearest(key, known):
        return Problem(path, f"unknown key {key!r}", f"Did you mean {meant!r}?")
    if homes := list(words.homes(key)):
        return Problem(path, f"{key!r} does not belong here", f"Put it in {' or '.join(homes)}.")
    return Problem(path, f"unknown key {key!r}", f"Remove it; known here: {', '.join(known)}.")


def _needs_quotes(path: Path, written: str) -> Problem:
    return Problem(
        path, "a point in a key begins a table", f'Put the key in quotes: "{written}" = …'
    )


def _choice(path: Path, given: str, expected: str) -> Problem:
    known = re.findall(r"'([^']*)'", expected)
    meant = nearest(given, known)
    there = f"Use one of: {', '.join(known)}."
    return Problem(
        path, f"{given!r} is not known here", f"Did you mean {meant!r}? {there}" if meant else there
    )


def _split_key(given: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    """``5.5`` where ``{"5": …}`` came of an unquoted ``5.5``; None where it did not."""
    if len(given) != 1:
        return None
    key, value = next(iter(given.items()))
    if isinstance(value, dict):
        return _split_key(value, (*keys, key))
    return ".".join((*keys, key))


def _real(loc: tuple[str | int, ...], data: Any, *, absent: bool) -> Path:
    """``loc`` without what pydantic adds to it: names of validators and of a union's members."""
    path: list[str | int] = []
    for n, part in enumerate(loc):
        inside = (isinstance(data, Mapping) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        )
        if inside:
            path.append(part)
            data = data[part]
        elif absent and n == len(loc) - 1:
            path.append(part)
    return tuple(path)


def _explain(path: Path, verb: str, words: Words) -> str:
    purpose = words.description(path)
    return f"{verb}: {_small(purpose)}" if purpose else f"{verb}."


def _small(text: str) -> str:
    return text[:1].lower() + text[1:] if not text[1:2].isupper() else text
