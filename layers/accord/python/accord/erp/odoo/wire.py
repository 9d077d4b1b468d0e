"""Odoo's two interfaces on the wire: bodies, typed values, and what an error says. Pure.

Source: recordings of a running Odoo 17.0; Odoo 19 docs, "External JSON-2 API".
"""

import datetime as dt
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

Json = Any
Values = dict[str, Any]
"""One record, by field. What is empty is false, whatever its type."""

_POSITIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "create": ("vals_list",),
    "load": ("fields", "data"),
    "search_read": ("domain",),
    "write": ("vals",),
}
"""Method → arguments that JSON-RPC takes by position, behind the ids."""

_FAULTS: Final = {
    "odoo.exceptions.AccessDenied": "login",
    "odoo.exceptions.AccessError": "rights",
    "odoo.http.SessionExpiredException": "session",
    "odoo.exceptions.UserError": "refused",
    "odoo.exceptions.ValidationError": "refused",
    "odoo.exceptions.MissingError": "refused",
    "odoo.exceptions.RedirectWarning": "refused",
    "odoo.exceptions.LockError": "contention",
    "odoo.exceptions.ConcurrencyError": "contention",  # since 19
    "werkzeug.exceptions.Unauthorized": "login",
    "werkzeug.exceptions.Forbidden": "rights",
    "werkzeug.exceptions.NotFound": "unknown",
    "werkzeug.exceptions.UnprocessableEntity": "unknown",
    "builtins.AttributeError": "unknown",
    "builtins.KeyError": "unknown",
    "builtins.TypeError": "unknown",
    "builtins.ValueError": "unknown",
    "builtins.MemoryError": "away",
}
_CONTENTION: Final = ("could not serialize access", "deadlock detected", "could not obtain lock")
_NO_MODEL: Final = ("Object ", " doesn't exist")

FaultKind = Literal["refused", "login", "session", "rights", "unknown", "contention", "away"]


@dataclass(frozen=True, slots=True)
class Fault:
    """An answer that is an error. Nothing took effect: each call is one transaction.

    refused: a business rule, a state, a constraint, a missing record. login: the key or the
    database. session: it wants a browser's. rights: the user may not. unknown: a model, a field or
    a method that this server does not have. contention: someone else wrote at that moment. away: it
    cannot work now.
    """

    kind: FaultKind
    message: str


# --- JSON-RPC ---------------------------------------------------------------


def envelope(number: int, service: str, method: str, args: Sequence[Any]) -> bytes:
    """One call of ``/jsonrpc``."""
    params = {"service": service, "method": method, "args": list(args)}
    body = {"jsonrpc": "2.0", "method": "call", "id": number, "params": params}
    return dumped(body)


def positional(method: str, ids: Sequence[int] | None, named: Values) -> tuple[list[Any], Values]:
    """The arguments of ``execute_kw``: those by position, and the others by name."""
    args: list[Any] = [] if ids is None else [list(ids)]
    names = [name for name in _POSITIONAL.get(method, ()) if name in named]
    args += [named[name] for name in names]
    return args, {name: value for name, value in named.items() if name not in names}


def result(body: Json) -> Any:
    """What the call returned, or the Fault it met; None where it returned nothing.

    Raises: ValueError: the body is no JSON-RPC answer.
    """
    if not isinstance(body, dict) or body.get("jsonrpc") != "2.0":
        raise ValueError("no JSON-RPC envelope")
    if "error" not in body:
        return body.get("result")  # left out of the envelope where it is None
    error = body["error"]
    data = error.get("data") if isinstance(error, dict) else None
    if not isinstance(data, dict):
        raise ValueError("an error without its data")
    return fault(data)


def fault(data: Values) -> Fault:
    """An exception by its ``name``; its traceback is left where it is."""
    name, message = str(data.get("name") or ""), str(data.get("message") or "").strip()
    if any(each in message for each in _CONTENTION) or name.endswith("SerializationFailure"):
        return Fault("contention", message)
    if name.startswith("psycopg2."):
        return Fault("away", message)
    if message.startswith(_NO_MODEL[0]) and message.endswith(_NO_MODEL[1]):
        return Fault("unknown", message)  # a UserError like any other, but for its words
    kind: FaultKind = _FAULTS.get(name, "refused")  # type: ignore[assignment]
    return Fault(kind, message or name)


def loaded(answer: Json) -> list[int] | Fault:
    """The ids that ``load`` answers, or what it says instead: it knows no error envelope."""
    ids = answer.get("ids") if isinstance(answer, dict) else None
    if ids:
        return [int(id_) for id_ in ids]
    messages = answer.get("messages") if isinstance(answer, dict) else None
    texts = [str(each.get("message") or "") for each in messages or () if isinstance(each, dict)]
    text = "; ".join(filter(None, texts)) or "it loaded nothing and does not say why"
    return Fault("contention" if any(each in text for each in _CONTENTION) else "refused", text)


# --- values -----------------------------------------------------------------


def dumped(body: Json) -> bytes:
    return json.dumps(body, default=_to_wire, separators=(",", ":")).encode()


def is_dialog(answer: Any) -> bool:
    """Odoo opens a window instead of having acted: what it wants to know, a person must say."""
    return isinstance(answer, dict) and str(answer.get("type", "")).startswith("ir.actions.")


def id_of(value: Any) -> int | None:
    """The id that a many2one field reads as: ``[id, name]``; None where it is empty."""
    return int(value[0]) if value else None


def name_of(value: Any) -> str:
    return str(value[1]) if value else ""


def text(value: Any) -> str:
    """A text field; empty ones read as false."""
    return str(value) if value else ""


def decimal(value: Any) -> Decimal:
    """A number, digit for digit as Odoo printed it; whole ones come without a point."""
    return Decimal(value) if value else Decimal(0)


def moment(value: str) -> dt.datetime:
    """``YYYY-MM-DD HH:MM:SS``, which is UTC without saying so."""
    return dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)


def said(at: dt.datetime) -> str:
    """``at`` as Odoo writes moments: whole seconds of UTC."""
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def day(value: Any) -> dt.date | None:
    """A date, or the day of a moment; None where it is empty."""
    return dt.date.fromisoformat(str(value)[:10]) if value else None


def either(*terms: list[Any]) -> list[Any]:
    """Terms of a domain of which one must hold. At least one, each a single term or prefixed."""
    return ["|"] * (len(terms) - 1) + [part for term in terms for part in _flat(term)]


def html_of(plain: str) -> str:
    """A plain text for a field that Odoo keeps as HTML: what a shopper typed is never markup."""
    return html.escape(plain, quote=False).replace("\n", "<br>")


def both(*terms: list[Any]) -> list[Any]:
    """Terms that must all hold, as one term of another domain."""
    return ["&"] * (len(terms) - 1) + [part for term in terms for part in _flat(term)]


def _flat(term: list[Any]) -> list[Any]:
    is_leaf = len(term) == 3 and isinstance(term[0], str) and term[0] not in {"|", "&", "!"}
    return [term] if is_leaf else term


def _to_wire(value: object) -> Json:
    match value:
        case Decimal():
            return float(value)
        case dt.datetime():
            return said(value)
        case dt.date():
            return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form on Odoo's wire")
