"""What may go back to one connection now, counted in calls."""

import datetime as dt
from dataclasses import dataclass
from typing import Self

from accord.rules.limits import CALLS, Limits
from accord.rules.usage import Usage, room

_OTHER = ("other", 1)  # of events that nothing is said of


@dataclass(slots=True)
class Room:
    """``left`` are calls, by what they are for; none without. A change takes ``most`` at most."""

    left: dict[str, int]
    most: int = 0

    @classmethod
    def of(cls, usage: Usage, limits: Limits, now: dt.datetime, today: dt.date) -> Self | None:
        """What ``limits`` leave of this minute and day; None: as much as one likes."""
        most = [each for each in (limits.per_minute, limits.per_day) if each is not None]
        if not most:
            return None
        purposes = {_OTHER[0], *(what for what, _ in CALLS.values())}
        left = {what: room(usage, limits, what, now, today) or 0 for what in purposes}
        return cls(left, min(most))

    @property
    def is_empty(self) -> bool:
        """Nothing fits any more, whatever it is."""
        return not any(self.left.values())

    def take(self, event: str) -> bool:
        """Whether a change of ``event`` fits; its calls are gone then, for the others as well."""
        what, calls = CALLS.get(event, _OTHER)
        calls = min(calls, self.most)
        if self.left.get(what, 0) < max(1, calls):
            return False
        for each in self.left:
            self.left[each] = max(0, self.left[each] - calls)
        return True
