"""How often Xero may be called: at once, in a minute, in a day, by one app.

Source: developer.xero.com, "OAuth 2.0 API limits".
"""

import datetime as dt
import threading
from collections import deque

from accord.local.xero.faults import Problem


class Limits:
    """Counts calls of one tenant. Refuses what is too many only when ``enforced``.

    A minute is the last sixty seconds, a day is one of UTC; whether Xero's day rolls is not known.
    """

    def __init__(
        self,
        *,
        per_minute: int = 60,
        per_day: int = 5000,
        at_once: int = 5,
        per_app_minute: int = 10_000,
        enforced: bool = False,
    ) -> None:
        self.per_minute = per_minute
        self.per_day = per_day
        self.at_once = at_once
        self.per_app_minute = per_app_minute
        self.enforced = enforced
        self.most_at_once = 0
        self._mutex = threading.Lock()
        self._recent: deque[dt.datetime] = deque()
        self._day: dt.date | None = None
        self._today = 0
        self._open = 0

    def enter(self, now: dt.datetime) -> tuple[Problem, int | None] | None:
        """The limit that is reached and the seconds to wait; nothing, and the call counts."""
        with self._mutex:
            self._forget(now)
            problem = self._problem(now) if self.enforced else None
            if problem is None:
                self._recent.append(now)
                self._today += 1
                self._open += 1
                self.most_at_once = max(self.most_at_once, self._open)
            return problem

    def leave(self) -> None:
        """A call that was let in is answered."""
        with self._mutex:
            self._open -= 1

    def headers(self, now: dt.datetime) -> dict[str, str]:
        """What is left, as every answer tells."""
        with self._mutex:
            self._forget(now)
            return {
                "X-DayLimit-Remaining": str(max(0, self.per_day - self._today)),
                "X-MinLimit-Remaining": str(max(0, self.per_minute - len(self._recent))),
                "X-AppMinLimit-Remaining": str(max(0, self.per_app_minute - len(self._recent))),
            }

    def _forget(self, now: dt.datetime) -> None:
        if self._day != now.date():
            self._day, self._today = now.date(), 0
        while self._recent and now - self._recent[0] >= dt.timedelta(seconds=60):
            self._recent.popleft()

    def _problem(self, now: dt.datetime) -> tuple[Problem, int | None] | None:
        if self._open >= self.at_once:
            return "concurrent", None
        if self._today >= self.per_day:
            midnight = dt.datetime.combine(now.date(), dt.time(), dt.UTC) + dt.timedelta(days=1)
            return "day", int((midnight - now).total_seconds()) + 1
        for problem, most in (("minute", self.per_minute), ("appminute", self.per_app_minute)):
            if len(self._recent) >= most:
                left = dt.timedelta(seconds=60) - (now - self._recent[0])
                return problem, int(left.total_seconds()) + 1  # type: ignore[return-value]
        return None
