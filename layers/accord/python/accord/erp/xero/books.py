"""Which days of an organisation's books are locked."""

import datetime as dt
from collections.abc import Callable
from typing import Final

from accord.erp.xero.masterdata import MasterData
from accord.erp.xero.wire import day_of

_LOCKS: Final = ("PeriodLockDate", "EndOfYearLockDate")
"""The last day that is locked: for all but advisers, and for them too. Nobody tells whether who
consented is one, so both hold."""


_KEPT: Final = dt.timedelta(seconds=60)
"""So long a look at the locks is good for. What is locked meanwhile, Xero itself refuses."""


class Books:
    """Of one organisation."""

    def __init__(self, master: MasterData, clock: Callable[[], dt.datetime]) -> None:
        self._master = master
        self._clock = clock
        self._seen: tuple[dt.datetime, list[dt.date]] | None = None

    def open_day(self, on: dt.date) -> dt.date:
        """The first day from ``on`` behind every lock; there is always one. One call a minute.

        An order is an invoice there, so its day has to be open as much as a payment's.
        """
        return max([on, *(each + dt.timedelta(days=1) for each in self._locked())])

    def forget(self) -> None:
        """The next look asks Xero: it has just refused a day that was open by the last one."""
        self._seen = None

    def _locked(self) -> list[dt.date]:
        now = self._clock()
        if self._seen is None or not self._seen[0] <= now < self._seen[0] + _KEPT:
            organisation = self._master.organisation()
            days = (day_of(organisation, name) for name in _LOCKS)
            self._seen = now, [day for day in days if day is not None]
        return self._seen[1]
