"""When a connection is in maintenance. Pure; by the clock on the wall, whatever it does at night.

A clock that is set back shows an hour twice, and one that is set forward leaves one out. Hours of
maintenance then last longer rather than shorter: from the first such moment to the last one.
"""

import datetime as dt
import zoneinfo
from collections.abc import Sequence

from accord.rules.limits import DAYS, Maintenance

_WEEK = 7 * 24 * 60  # minutes


def over_at(windows: Sequence[Maintenance], now: dt.datetime, *, zone: str) -> dt.datetime | None:
    """When the maintenance that ``now`` is in is over; None when it is in none."""
    ends = [
        end
        for window in windows
        for start, end in _around(window, now, window.time_zone or zone)
        if start <= now < end
    ]
    return max(ends, default=None)


def _around(
    window: Maintenance, now: dt.datetime, zone: str
) -> list[tuple[dt.datetime, dt.datetime]]:
    """(start, end) in UTC of those that begin on the day before ``now``'s, on it or after it."""
    tz = zoneinfo.ZoneInfo(zone)
    today = now.astimezone(tz).date()
    found = []
    for days in (-1, 0, 1):
        day = today + dt.timedelta(days=days)
        if DAYS[day.weekday()] in window.days:
            last = day if window.to > window.from_ else day + dt.timedelta(days=1)
            start = min(_moments(day, window.from_, tz))
            found.append((start, max(_moments(last, window.to, tz))))
    return found


def _moments(day: dt.date, time: dt.time, tz: dt.tzinfo) -> list[dt.datetime]:
    """When the wall shows ``time``: once, twice, or as if the clock had not been set yet and as if
    it had."""
    return [
        dt.datetime.combine(day, time.replace(fold=fold), tz).astimezone(dt.UTC) for fold in (0, 1)
    ]


def always(windows: Sequence[Maintenance]) -> bool:
    """Whether ``windows`` leave no minute of the week."""
    taken: set[int] = set()
    for window in windows:
        start, end = _minute(window.from_), _minute(window.to)
        length = (end - start) % (24 * 60)
        for day in window.days:
            first = DAYS.index(day) * 24 * 60 + start
            taken.update(minute % _WEEK for minute in range(first, first + length))
    return len(taken) == _WEEK


def _minute(time: dt.time) -> int:
    return time.hour * 60 + time.minute
