"""Xero's JSON: exact numbers, dates in two dresses, and what a refusal says. Pure.

Source: Xero OpenAPI 16.1.0; developer.xero.com, "Requests and responses".
"""

import datetime as dt
import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

from accord.errors import UnavailableError

Json = Any
Values = dict[str, Any]
"""One element of a container: an invoice, a contact."""

_DATE: Final = re.compile(r"/Date\((-?\d+)(?:[+-]\d{4})?\)/")
_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def dumped(body: Json) -> bytes:
    """``body`` as JSON. Decimals become numbers digit for digit, dates ``YYYY-MM-DD``.

    Raises: TypeError: something in it has no form on the wire.
    """
    return _text(body).encode()


def _text(value: Json) -> str:
    match value:
        case dict():
            pairs = (f"{json.dumps(name)}:{_text(each)}" for name, each in value.items())
            return "{" + ",".join(pairs) + "}"
        case list() | tuple():
            return "[" + ",".join(map(_text, value)) + "]"
        case None | bool() | int() | str():
            return json.dumps(value)
        case Decimal():
            return format(value, "f")
        case dt.date() if not isinstance(value, dt.datetime):
            return json.dumps(value.isoformat())
    raise TypeError(f"{type(value).__name__} has no form on Xero's wire")


def moment(value: str) -> dt.datetime:
    """``/Date(1767571200000+0000)/`` or ISO text; both are UTC, whatever the offset says.

    Raises: ValueError: it is neither.
    """
    if found := _DATE.fullmatch(value):
        return _EPOCH + dt.timedelta(milliseconds=int(found[1]))
    at = dt.datetime.fromisoformat(value)
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)


def day(value: str | None) -> dt.date | None:
    """The date that a field without a time says; None where it is empty."""
    return moment(value).date() if value else None


def day_of(row: Values, name: str) -> dt.date | None:
    """The date of the field ``name``, or of its twin of ISO text."""
    return day(row.get(name) or row.get(f"{name}String"))


def said(at: dt.datetime) -> str:
    """``at`` as If-Modified-Since takes it: UTC, whole seconds."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def decimal(value: Any) -> Decimal:
    """A number as it was printed; zero where it is left out."""
    return Decimal(value) if value not in {None, ""} else Decimal(0)


def text(value: Any) -> str:
    return str(value) if value is not None else ""


def is_id(value: str) -> bool:
    """Whether it is one of Xero's ids; in a path, anything else would be looked for as a number."""
    return _ID.fullmatch(value) is not None


def only(answer: Values, container: str) -> Values:
    """The one element of an answer to a write.

    Raises: UnavailableError: there is none, so whether it took effect is not known.
    """
    rows = answer.get(container)
    if not isinstance(rows, list) or len(rows) != 1:
        raise UnavailableError(f"Xero's answer has no {container}")
    return dict(rows[0])


def every(rows: Iterable[Values], name: str, value: str) -> list[Values]:
    """Those whose field is exactly that: Xero searches without regard to capitals."""
    return [row for row in rows if text(row.get(name)) == value]


def quoted(value: str) -> str | None:
    """``value`` as text of a ``where``; None where it cannot be said there."""
    return None if '"' in value or "\\" in value else f'"{value}"'


def refused(body: Json) -> tuple[str, ...]:
    """What is wrong with the elements of an answer, each text once; empty where nothing is.

    They are told of in the body of a 400, and within a 200 too.
    """
    return tuple(dict.fromkeys(filter(None, _refusals(body))))


def _refusals(value: Json) -> Iterator[str]:
    match value:
        case list():
            for each in value:
                yield from _refusals(each)
        case dict():
            told = [
                text(each.get("Message")).strip()
                for each in value.get("ValidationErrors") or ()
                if isinstance(each, dict)
            ]
            is_wrong = value.get("HasErrors") or value.get("HasValidationErrors")
            if not told and (is_wrong is True or value.get("StatusAttributeString") == "ERROR"):
                told = ["it says that something is wrong with it, and not what"]
            yield from told
            for each in value.values():
                yield from _refusals(each)
