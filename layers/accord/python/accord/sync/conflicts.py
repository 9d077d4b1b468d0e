"""Both sides wrote: what each must be told, field by field. Pure.

Each side has a base of its own: what that side last showed us. A field was changed on a side if it
differs from that side's base, so a side that keeps a value in its own way (entities, joined lines,
half of a name) has not changed it. One side changed: its value goes to the other. Both did: the
field's policy says whose holds. What one side does not hold at all is never a change.
"""

import dataclasses
import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from accord.model.party import Address, Profile, plain_vat_number

Policy = Literal["store", "erp", "newest", "ask"]
Side = Literal["store", "erp"]
Value = str | Address
Base = Mapping[str, str]
"""Field → what the side last showed, as ``kept`` writes it."""

FIELDS = tuple(field.name for field in dataclasses.fields(Profile))
ADDRESSES = frozenset({"billing", "shipping"})
_LONGEST = 1000  # characters of a kept value; of a longer one its mark is kept
_MARKED = "#"


@dataclass(frozen=True, slots=True)
class Shown:
    """One side: what it shows now, and what it showed before."""

    profile: Profile
    base: Base

    def value(self, field: str) -> Value | None:
        """As it is compared and written; None where the side does not hold the field."""
        value: Value | None = cleaned(getattr(self.profile, field))
        return value

    def is_changed(self, field: str) -> bool:
        """Whether the field differs from what the side showed before; new fields do."""
        value = self.value(field)
        if value is None:
            return False
        return field not in self.base or mark(field, value) != _mark_of(field, self.base[field])

    @property
    def changed(self) -> tuple[str, ...]:
        return tuple(field for field in FIELDS if self.is_changed(field))


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person settled. It holds while the side that loses still shows what they saw."""

    take: Literal["store", "erp", "value"]
    store: str  # the mark of what the store showed
    erp: str
    value: Value = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that a person must settle."""

    field: str
    store: Value
    erp: Value
    store_base: str  # as it was kept, empty when there was none
    erp_base: str


@dataclass(frozen=True, slots=True)
class Merge:
    """What is due. ``undated``: conflicts that times would settle, were they known."""

    to_store: Mapping[str, Value]
    to_erp: Mapping[str, Value]
    conflicts: tuple[Conflict, ...] = ()
    undated: bool = False


def merge(
    store: Shown,
    erp: Shown,
    policies: Mapping[str, Policy],
    *,
    newer: Side | None = None,
    prefers: Side | None = None,
    decisions: Mapping[str, Decision] | None = None,
) -> Merge:
    """What to write to each side so that both say the same.

    Args:
        policies: For each field, whose value holds when both sides changed it.
        newer: The side that was written last, None when nobody can tell.
        prefers: The side whose value holds where ``newest`` cannot tell; None: a person is asked.
        decisions: What a person settled, by field.
    """
    to_store: dict[str, Value] = {}
    to_erp: dict[str, Value] = {}
    conflicts: list[Conflict] = []
    undated = False
    for field in FIELDS:
        ours, theirs = store.value(field), erp.value(field)
        if ours is None or theirs is None or mark(field, ours) == mark(field, theirs):
            continue
        decision = (decisions or {}).get(field)
        if decision is not None and _holds(decision, mark(field, ours), mark(field, theirs)):
            if decision.take == "value":
                value = cleaned(decision.value) or decision.value
                _put(to_store, field, value, ours)
                _put(to_erp, field, value, theirs)
            elif decision.take == "store":
                to_erp[field] = ours
            else:
                to_store[field] = theirs
            continue
        winner = _winner(field, store, erp)
        if winner == "both":
            policy = policies.get(field, "ask")
            if policy == "newest":
                undated = undated or newer is None
                winner = newer or prefers or "ask"
            else:
                winner = policy
        if winner == "store":
            to_erp[field] = ours
        elif winner == "erp":
            to_store[field] = theirs
        elif winner == "ask":
            conflicts.append(
                Conflict(field, ours, theirs, store.base.get(field, ""), erp.base.get(field, ""))
            )
    return Merge(to_store, to_erp, tuple(conflicts), undated)


def _winner(
    field: str, store: Shown, erp: Shown
) -> Literal["store", "erp", "both", "neither", "ask"]:
    """Whose value holds for two that differ, before any policy."""
    ours, theirs = store.value(field), erp.value(field)
    assert ours is not None
    assert theirs is not None
    if field in store.base and field in erp.base:
        changed = (store.is_changed(field), erp.is_changed(field))
        if changed == (True, True):
            return "both"
        if changed == (False, False):
            return "neither"  # each side says the same in its own way, or a person was asked
        return "store" if changed[0] else "erp"
    # They meet for the first time in this field: what is empty was not emptied, it is filled.
    if alike(ours, theirs):
        return "neither"
    if _is_unfilled(field, erp):
        return "store"
    if _is_unfilled(field, store):
        return "erp"
    return "both"


def _is_unfilled(field: str, side: Shown) -> bool:
    """The side holds nothing there and never showed us anything else."""
    return not side.value(field) and (field not in side.base or not side.is_changed(field))


def _holds(decision: Decision, store: str, erp: str) -> bool:
    """The values that are overwritten are those that the person saw."""
    kept_store = decision.take == "store" or decision.store == store
    kept_erp = decision.take == "erp" or decision.erp == erp
    return kept_store and kept_erp


def _put(to: dict[str, Value], field: str, value: Value, shown: Value) -> None:
    if mark(field, value) != mark(field, shown):
        to[field] = value


def rebased(side: Shown, *, except_: Collection[str] = ()) -> dict[str, str]:
    """The side's base once it showed this. Fields of ``except_``, not settled yet, keep theirs."""
    base: dict[str, str] = {}
    for field in FIELDS:
        value = side.value(field)
        if field in except_:
            if field in side.base:
                base[field] = side.base[field]
        elif value is not None:
            base[field] = kept(field, value)
    return base


def resumed(
    side: Shown, other: Shown, sent: Mapping[str, str], *, is_answer: bool
) -> tuple[Shown, Shown]:
    """Both sides with bases as if a write to ``side`` that broke off had ended well or not begun.

    Args:
        sent: Field → mark of what was being written to ``side``, as ``other`` showed it.
        is_answer: ``side`` shows what it answered to that write: nobody wrote since.
    """
    mine, its = dict(side.base), dict(other.base)
    for field, wanted in sent.items():
        value, source = side.value(field), other.value(field)
        if value is None or source is None:
            continue
        arrived = is_answer or mark(field, value) == wanted
        if arrived:
            mine[field] = kept(field, value)
        elif not side.is_changed(field):
            continue  # it is still due
        # It arrived, or somebody wrote over it: either way it is no news of the other side's.
        # Where the other has changed once more since, also back to what it was, that is news.
        same = mark(field, source) == wanted
        its[field] = kept(field, source) if same else _MARKED + wanted
    return Shown(side.profile, mine), Shown(other.profile, its)


# --- values -----------------------------------------------------------------------


def cleaned(value: Value | None) -> Any:
    """Without what a round trip adds: entities, spaces, empty lines, other forms of a letter."""
    if isinstance(value, Address):
        parts = {
            field.name: _clean(getattr(value, field.name), lines=field.name == "street")
            for field in dataclasses.fields(Address)
        }
        return Address(**parts)
    return value if value is None else _clean(value)


def _clean(text: str, *, lines: bool = False) -> str:
    while (plain := html.unescape(text)) != text:  # once by the form, once more by the store
        text = plain
    text = unicodedata.normalize("NFC", text)
    rows = [" ".join(row.split()) for row in text.splitlines()]
    return ("\n" if lines else " ").join(filter(None, rows))


def mark(field: str, value: Value) -> str:
    """Equal for values that mean the same in ``field``; it does not tell the value."""
    text = json.dumps(_compared(field, cleaned(value)), ensure_ascii=False)
    return hashlib.sha256(f"{field}\n{text}".encode(errors="replace")).hexdigest()[:16]


def _compared(field: str, value: Value) -> str | list[str]:
    if isinstance(value, Address):
        return [
            value.name,
            value.company,
            " ".join(re.split(r"[\s,;]+", value.street)).strip(),  # lines may have been joined
            value.city,
            value.postal_code.replace(" ", "").upper(),
            value.state.upper(),
            value.country.upper(),
        ]
    if field == "email":
        return value.replace(" ", "").casefold()
    if field == "vat_number":
        return plain_vat_number(value)
    if field == "phone":
        number = re.sub(r"[^0-9a-z+]", "", value.casefold())
        return re.sub(r"^00(?=[1-9])", "+", number) or value
    return value


def alike(one: Value, other: Value) -> bool:
    """Nothing in one contradicts the other: parts of an address may be missing, not differ."""
    if isinstance(one, Address) and isinstance(other, Address):
        ones, others = _compared("", one), _compared("", other)
        pairs = list(zip(ones, others, strict=True))
        somewhere = all(a.casefold() == b.casefold() for a, b in (pairs[2], pairs[4], pairs[6]))
        return somewhere and all(not a or not b or a.casefold() == b.casefold() for a, b in pairs)
    assert isinstance(one, str)
    assert isinstance(other, str)
    return one.casefold() == other.casefold()


def kept(field: str, value: Value) -> str:
    """The text of a base. A value that is too long for one is kept as its mark."""
    value = cleaned(value)
    if isinstance(value, Address):
        parts = {name: text for name, text in dataclasses.asdict(value).items() if text}
        text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    else:
        text = value
    if len(text) > _LONGEST or text.startswith(_MARKED):
        return _MARKED + mark(field, value)
    return text


def read(field: str, text: str) -> Value:
    """The value in ``text``, which ``kept`` or a person wrote.

    Raises: ValueError: an address that is no JSON object of its parts.
    """
    if field not in ADDRESSES:
        return text
    parts = json.loads(text)
    names = {each.name for each in dataclasses.fields(Address)}
    if not isinstance(parts, dict) or not parts.keys() <= names:
        raise ValueError(f"an address is a JSON object of {', '.join(sorted(names))}")
    if not all(isinstance(part, str) for part in parts.values()):
        raise ValueError("the parts of an address are texts")
    return Address(**parts)


def _mark_of(field: str, text: str) -> str:
    return text[1:] if text.startswith(_MARKED) else mark(field, read(field, text))


def to_json(base: Base) -> str:
    """A base as a fact of a link."""
    return json.dumps(dict(base), ensure_ascii=False, separators=(",", ":"))


def from_json(text: str | None) -> dict[str, str]:
    """The base that ``to_json`` wrote, empty for none. Fields of another release are left out."""
    found: dict[str, str] = json.loads(text) if text else {}
    return {field: value for field, value in found.items() if field in FIELDS}


def to_profile(values: Mapping[str, Value]) -> Profile:
    """The fields to write; all others None."""
    fields: dict[str, Any] = dict(values)
    return Profile(**fields)
