"""What a store should show, shows, and has to be sent, for every implementation. Pure."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from accord.ports.levels import UNKNOWN_FOR, Level, LevelKind, Place, Sent, Wanted, Window
from accord.state.dynamo import to_json

KINDS: tuple[LevelKind, ...] = ("stock", "price", "product")
_YOUNG = dt.timedelta(hours=1)
_WINDOWS = 40  # of one level, whose item is read with every order


@dataclass(frozen=True, slots=True)
class Row:
    """A level, and whether it is to be sent."""

    level: Level
    dirty: bool = False

    @property
    def position(self) -> str:
        """``parent/sku``: where it stands among those that are to be sent."""
        parent = self.level.place.parent if self.level.place else ""
        return f"{parent}/{self.level.sku}"


def plain(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """``value`` as it comes back from JSON, so that equal values compare as equal."""
    return None if value is None else json.loads(to_json(value))


def is_shown(
    kind: LevelKind,
    level: Level,
    value: Mapping[str, Any] | None,
    *,
    at: dt.datetime | None = None,
) -> bool:
    """Whether the store shows ``value``, as far as we know. It may show more than that.

    ``at``: pieces that were unknown so long before are no order's any more.
    """
    if level.sent is None or value is None:
        return False
    shown = dict(level.sent)
    if kind == "stock" and "quantity" in shown:
        shown["quantity"] = Decimal(str(shown["quantity"])) - level.gone + _unknown(shown, at)
    return all(key in shown and shown[key] == value[key] for key in value)


def _unknown(sent: Mapping[str, Any], at: dt.datetime | None) -> Decimal:
    """Pieces that were subtracted of what was wanted, and that an order will account for."""
    since = sent.get("since")
    if since is None or (at and at - dt.datetime.fromisoformat(since) >= UNKNOWN_FOR):
        return Decimal(0)
    return Decimal(str(sent["unknown"]))


def wanting(row: Row, wanted: Wanted, kind: LevelKind) -> tuple[Row, bool]:
    """The level with that value wanted, and whether it is to be sent for it.

    A value that the store shows already is kept all the same where it is another than the one that
    was wanted: a level that is sent again must not bring back the older one.
    """
    level = row.level
    if level.as_of is not None and wanted.as_of < level.as_of:
        return row, False
    value = plain(wanted.value)
    shown = is_shown(kind, level, value, at=wanted.as_of)
    if value != level.wanted:
        newer = replace(
            level, wanted=value, as_of=wanted.as_of, version=level.version + 1, refused=""
        )
        # What is to be sent stays so: the older value may be on its way to the store.
        return Row(newer, row.dirty or not shown), row.dirty or not shown
    if not row.dirty and not shown and not level.refused:  # orders moved it off that value
        newer = replace(level, as_of=wanted.as_of, version=level.version + 1)
        return Row(newer, dirty=True), True
    if level.as_of is not None and wanted.as_of - level.as_of < _YOUNG:
        return row, row.dirty
    return replace(row, level=replace(level, as_of=wanted.as_of)), row.dirty


def answered(row: Row, sent: Sent, kind: LevelKind) -> Row:
    """The level after the store's answer. An answer older than the last one teaches its place."""
    level = replace(row.level, place=sent.place) if sent.place else row.level
    late = level.sent_at is not None and sent.at < level.sent_at
    if late or (sent.value is None and not sent.refused):
        return Row(level, row.dirty)
    current = sent.version == level.version
    if sent.refused:
        if not current:
            return Row(level, row.dirty)
        return Row(replace(level, refused=sent.refused), dirty=False)
    level = replace(
        level,
        sent=plain(sent.value),
        sent_at=sent.at,
        moved_at_sent=sent.moved,
        overtaken=max(level.overtaken - sent.overtaken, Decimal(0)),
        windows=_windows(level.windows, sent.window),
    )
    if current:
        # What orders told of meanwhile may be written over: the next look tells.
        meanwhile = kind == "stock" and level.moved != sent.moved
        return Row(replace(level, refused=""), dirty=meanwhile)
    return Row(level, row.dirty or not is_shown(kind, level, level.wanted))


def _windows(known: Sequence[Window], new: Window | None) -> tuple[Window, ...]:
    """Those in which an order may have been placed that is still to come."""
    if new is None:
        return tuple(known)
    if new.since is None:  # whatever was placed before
        return (new,)
    young = [each for each in known if each.until > new.until - UNKNOWN_FOR]
    found = [*young, new]
    while len(found) > _WINDOWS:  # what was sold between the two then counts as written over
        first, second, *rest = found
        found = [Window(first.since, second.until), *rest]
    return tuple(found)


def sent_again(row: Row, overtaken: Decimal = Decimal(0)) -> Row:
    """The level to be sent once more, if anything was ever wanted; so much more is overtaken."""
    level = row.level
    if level.wanted is None:
        return row
    version, overtaken = level.version + 1, level.overtaken + overtaken
    return Row(replace(level, version=version, refused="", overtaken=overtaken), dirty=True)


def placed(row: Row, place: Place | None) -> Row:
    """The level at that place."""
    return replace(row, level=replace(row.level, place=place))


def by_sku(wanted: Sequence[Wanted]) -> dict[str, list[Wanted]]:
    """Values by SKU, oldest first."""
    found: dict[str, list[Wanted]] = {}
    for one in sorted(wanted, key=lambda one: one.as_of):
        found.setdefault(one.sku, []).append(one)
    return found
