"""What of a connection's limits is used: slots, this minute's calls, this day's. Pure.

A slot is a lease: whoever dies leaves it behind, and it is free again when its time is over. Clocks
of two workers differ a little, so a lease lasts ``SKEW`` longer for others than for its holder, and
a minute that another worker has begun already is everybody's.
"""

import datetime as dt
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from accord.rules.limits import Limits

SKEW = dt.timedelta(seconds=2)
_MINUTE = dt.timedelta(minutes=1)
_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
_SLOT = dt.timedelta(seconds=5)  # one change's turn is over by then

Lack = Literal["slots", "minute", "day"]


@dataclass(frozen=True, slots=True)
class Ask:
    """``calls`` for ``what`` (a share's name, or any other), by ``holder``, who ends by
    ``until``. ``today`` is the date in the connection's time zone."""

    what: str
    calls: int
    holder: str
    until: dt.datetime
    now: dt.datetime
    today: dt.date


@dataclass(frozen=True, slots=True)
class Refused:
    """What there is none left of, and the soonest moment to come back; None: not before the day
    has turned."""

    lack: Lack
    come_back: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Usage:
    """``slots``: holder → until when. ``in_minute`` calls were taken since ``minute``, those of
    ``in_day`` on ``day``, by what they are for."""

    slots: Mapping[str, dt.datetime] = field(default_factory=dict)
    minute: dt.datetime = _NEVER
    in_minute: int = 0
    day: dt.date = dt.date.min
    in_day: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> str:
        held = {
            "slots": {holder: until.isoformat() for holder, until in self.slots.items()},
            "minute": [self.minute.isoformat(), self.in_minute],
            "day": [self.day.isoformat(), dict(self.in_day)],
        }
        return json.dumps(held, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Usage":
        held = json.loads(text)
        return cls(
            slots={
                holder: dt.datetime.fromisoformat(until) for holder, until in held["slots"].items()
            },
            minute=dt.datetime.fromisoformat(held["minute"][0]),
            in_minute=held["minute"][1],
            day=dt.date.fromisoformat(held["day"][0]),
            in_day=held["day"][1],
        )

    def at(self, now: dt.datetime, today: dt.date) -> "Usage":
        """As it is then: leases that ran out, and minutes and days that are over, are gone."""
        slots = {holder: until for holder, until in self.slots.items() if until + SKEW > now}
        minute = now.replace(second=0, microsecond=0)
        # One ahead of us is begun by a clock that is a little fast; one far ahead was a mistake.
        began = minute < self.minute <= minute + _MINUTE
        same_minute = began or self.minute == minute
        same_day = self.day == today or dt.timedelta(0) < self.day - today <= dt.timedelta(days=1)
        return Usage(
            slots=slots,
            minute=self.minute if began else minute,
            in_minute=self.in_minute if same_minute else 0,
            day=self.day if same_day else today,
            in_day=self.in_day if same_day else {},
        )


def taken(usage: Usage, limits: Limits, ask: Ask) -> Usage | Refused:
    """``usage`` with all that ``ask`` needs, a slot and its calls, or what there is too little of.

    Who holds a slot keeps it. A change that needs more than a whole minute or day has gets one of
    its own.
    """
    now = usage.at(ask.now, ask.today)
    full = limits.at_once is not None and len(now.slots) >= limits.at_once
    if full and ask.holder not in now.slots:
        return Refused("slots", ask.now + _SLOT)
    if limits.per_minute is not None:
        calls = min(ask.calls, limits.per_minute)
        if now.in_minute + calls > limits.per_minute:
            return Refused("minute", now.minute + _MINUTE)
    if limits.per_day is not None and not _fits(now, limits, ask.what, ask.calls):
        return Refused("day", None)
    if limits.at_once is not None:
        now = replace(now, slots={**now.slots, ask.holder: ask.until})
    return _counted(now, ask.what, ask.calls)


def settled(usage: Usage, ask: Ask, *, used: int, since: tuple[dt.datetime, dt.date]) -> Usage:
    """``usage`` when the holder is done and has made ``used`` of the calls it took.

    ``since`` is when it took the first of them, and the connection's date then: what is not needed
    is given back to that minute and day, and is of no use to a later one.
    """
    now = usage.at(ask.now, ask.today)
    slots = {holder: until for holder, until in now.slots.items() if holder != ask.holder}
    more = used - ask.calls
    in_minute, in_day = now.in_minute, dict(now.in_day)
    if more > 0 or since[0] >= now.minute:
        in_minute = max(0, in_minute + more)
    if more > 0 or since[1] >= now.day:
        in_day[ask.what] = max(0, in_day.get(ask.what, 0) + more)
    return replace(now, slots=slots, in_minute=in_minute, in_day=in_day)


def room(usage: Usage, limits: Limits, what: str, now: dt.datetime, today: dt.date) -> int | None:
    """Calls for ``what`` that are left in this minute and day; None: without end."""
    current, left = usage.at(now, today), []
    if limits.per_minute is not None:
        left.append(limits.per_minute - current.in_minute)
    if limits.per_day is not None:
        left.append(_left(current, limits.per_day, limits, what))
    return max(0, min(left)) if left else None


def reserve(limits: Limits, what: str) -> int:
    """Calls of a day that are kept for ``what``."""
    share = {str(name): part for name, part in limits.shares.items()}.get(what)
    return math.floor(share * limits.per_day) if share and limits.per_day else 0


def _left(usage: Usage, per_day: int, limits: Limits, what: str) -> int:
    """Of the day's calls, less what is kept for others and they have not used."""
    kept = sum(
        max(0, reserve(limits, other) - usage.in_day.get(other, 0))
        for other in limits.shares
        if other != what
    )
    return per_day - sum(usage.in_day.values()) - kept


def _fits(usage: Usage, limits: Limits, what: str, calls: int) -> bool:
    per_day = limits.per_day or 0
    return min(calls, per_day) <= _left(usage, per_day, limits, what)


def _counted(usage: Usage, what: str, calls: int) -> Usage:
    in_day = {**usage.in_day, what: usage.in_day.get(what, 0) + calls}
    return replace(usage, in_minute=usage.in_minute + calls, in_day=in_day)
