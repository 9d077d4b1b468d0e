"""Each night the heads of the day before are put where nobody can change them.

A day's heads lie in parts, one line each. Its manifest names the parts by their digests, and the
manifest before by its own: so one that is taken away, or put between, shows.
"""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from accord.model.chain import PARTS, day_of, digest_of, listing
from accord.ports.audit import Pages, Seals

MANIFESTS = "manifests/"
_LOOK_BACK = dt.timedelta(days=35)  # the days' heads are kept for 40
_FIRST = dt.timedelta(days=7)  # how far the first run of all goes back
_LATE = dt.timedelta(hours=1)  # a change that was begun yesterday has ended by then


@dataclass(frozen=True, slots=True)
class Sealing:
    """One run: the days it sealed, how many refs they tell of, and the age of the oldest day that
    is not sealed yet, from its end."""

    days: int
    refs: int
    behind: dt.timedelta


@dataclass(frozen=True, slots=True)
class Sealer:
    """Doing it twice is the same as once, and finishes what broke off."""

    pages: Pages
    seals: Seals
    clock: Callable[[], dt.datetime]

    def run(self, *, until: dt.datetime) -> Sealing:
        """Seals every day that is over and was not sealed, oldest first, until ``until`` is near.

        Raises: AccordError: a part or a manifest could not be kept; the next run goes on there.
        """
        last_day = day_of(self.clock() - _LATE) - dt.timedelta(days=1)
        newest = self._newest(last_day)
        day = newest + dt.timedelta(days=1) if newest else last_day - _FIRST
        days = refs = 0
        prev = self._digest(newest)
        while day <= last_day and self.clock() < until:
            count, prev = self._seal(day, prev)
            days, refs, day = days + 1, refs + count, day + dt.timedelta(days=1)
        return Sealing(days, refs, max(self.clock() - _begin(day) - dt.timedelta(days=1), _NONE))

    def _newest(self, before: dt.date) -> dt.date | None:
        names = self.seals.names(MANIFESTS, after=manifest_name(before - _LOOK_BACK))
        days = [day for name in names if (day := day_of_manifest(name)) and day <= before]
        return max(days, default=None)

    def _digest(self, day: dt.date | None) -> str:
        text = self.seals.get(manifest_name(day)) if day else None
        return digest_of(text) if text is not None else ""

    def _seal(self, day: dt.date, prev: str) -> tuple[int, str]:
        """How many refs the day tells of, and the digest of its manifest."""
        parts: dict[str, dict[str, Any]] = {}
        for part in PARTS:
            heads = list(self.pages.heads(day, part))
            if not heads:
                continue
            # A run that broke off may have kept another text: what is kept is what counts.
            kept = self.seals.put(part_name(day, part), listing(heads))
            parts[part] = {"refs": kept.count("\n"), "digest": digest_of(kept)}
        manifest = {"day": day.isoformat(), "prev": prev, "parts": parts}
        kept = self.seals.put(
            manifest_name(day), json.dumps(manifest, separators=(",", ":"), sort_keys=True)
        )
        return _count(parts), digest_of(kept)


_NONE = dt.timedelta(0)


def _begin(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def _count(parts: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(part["refs"] for part in parts.values())


def manifest_name(day: dt.date) -> str:
    """Where the day's manifest is kept; names sort as days do."""
    return f"{MANIFESTS}{day.isoformat()}.json"


def day_of_manifest(name: str) -> dt.date | None:
    """The day of a name that ``manifest_name`` made."""
    try:
        return dt.date.fromisoformat(name.removeprefix(MANIFESTS).removesuffix(".json"))
    except ValueError:
        return None


def part_name(day: dt.date, part: str) -> str:
    """Where the heads of ``part`` of the day are kept."""
    return f"heads/{day.isoformat()}/{part}.txt"
