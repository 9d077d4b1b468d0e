"""Tryton's JSON-RPC on the wire: the envelope, typed values, and what an error says.

Source: trytond 8.2, protocols/jsonrpc.py; recordings of a running server.
"""

import base64
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

Json = Any
Values = dict[str, Any]
"""One record, by field. A related record read with it stands under the field's name and a dot."""

_MOMENT = ("year", "month", "day", "hour", "minute", "second", "microsecond")
_FAULTS = {
    "UserError": "refused",
    "UserWarning": "warning",
    "ConcurrencyException": "stale",
    "LoginException": "login",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that is an error. Only ``kind`` is stable: ``message`` is in the user's language.

    refused: validation, access, state, a duplicate, a missing record. warning: ``name`` must be
    confirmed first. stale: someone wrote in between. login: another factor is wanted. unknown: a
    model, a field or a method that this server does not have.
    """

    kind: Literal["refused", "warning", "stale", "login", "unknown"]
    message: str
    name: str = ""


def envelope(number: int, method: str, params: Sequence[Any]) -> bytes:
    """One call. With any key beside these three Tryton drops the error envelope from its answer."""
    body = {"id": number, "method": method, "params": list(params)}
    return json.dumps(body, default=_to_wire, separators=(",", ":")).encode()


def result(body: Json) -> Any:
    """What the call returned, typed values as Python's, or the Fault it met.

    Raises: ValueError: the body is no JSON-RPC answer.
    """
    if not isinstance(body, dict) or not ("result" in body or "error" in body):
        raise ValueError("neither result nor error")
    if "error" in body:
        return _fault(body["error"])
    return typed(body["result"])


def typed(value: Json) -> Any:
    """``value`` with Tryton's marked objects turned into Decimal, date, datetime, bytes."""
    if isinstance(value, list):
        return [typed(each) for each in value]
    if not isinstance(value, dict):
        return value
    match value.get("__class__"):
        case None:
            return {key: typed(each) for key, each in value.items()}
        case "Decimal":
            return _decimal(value)
        case "date":
            return dt.date(value["year"], value["month"], value["day"])
        case "datetime":  # naive on the wire, and always UTC
            return dt.datetime(**{part: value[part] for part in _MOMENT}, tzinfo=dt.UTC)
        case "timedelta":
            return dt.timedelta(seconds=value["seconds"])
        case "bytes":
            return base64.b64decode(value["base64"])
        case other:
            raise ValueError(f"a value of Tryton's class {other!r}")


def truth(value: object) -> bool:
    """A boolean field: true and false on PostgreSQL, 1 and 0 on SQLite."""
    return bool(value)


def related(values: Values, field: str) -> Values:
    """The record that a many-to-one field was read with; empty where it points nowhere."""
    return values.get(f"{field}.") or {}


def _decimal(value: Values) -> Decimal:
    try:
        return Decimal(value["decimal"])
    except InvalidOperation as error:
        raise ValueError(f"a Decimal of {value['decimal']!r}") from error


def _fault(error: Json) -> Fault:
    head, detail = (error[0], error[1]) if isinstance(error, list) and len(error) > 1 else ("", "")
    kind = _FAULTS.get(head)
    texts = [str(each) for each in detail] if isinstance(detail, list) else [str(detail)]
    if kind == "refused":  # [message, description, domain]
        return Fault("refused", _sentence(texts[:2]))
    if kind == "warning":  # [name, message, description]
        return Fault("warning", _sentence(texts[1:3]), name=texts[0])
    if kind == "stale":
        return Fault("stale", _sentence(texts))
    if kind == "login":
        return Fault("login", _sentence(texts[1:2]))
    return Fault("unknown", str(head or error))  # the text of a KeyError: no kind, no message


def _sentence(texts: list[str]) -> str:
    return " ".join(text for text in texts if text)


def _to_wire(value: object) -> Json:
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case dt.datetime():
            moment = value.astimezone(dt.UTC)
            return {"__class__": "datetime", **{part: getattr(moment, part) for part in _MOMENT}}
        case dt.date():
            parts = {"year": value.year, "month": value.month, "day": value.day}
            return {"__class__": "date", **parts}
    raise TypeError(f"{type(value).__name__} has no form on Tryton's wire")
