"""Circuit breakers in memory, on a clock of the caller's: for tests and simulations."""

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from accord.errors import AccordError
from accord.ports.limits import FAILURES, FORGOTTEN, RECOVERY, Breakers, Opened, Trouble
from accord.state.open import COUNTS, is_answer, refused

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Open:
    at: dt.datetime
    probe_until: dt.datetime | None = None  # while one call is under way that decides


class MemoryBreakers(Breakers):
    """The breakers of all connections, of one process."""

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: Counter[tuple[str, Trouble]] = Counter()
        self._last: dict[tuple[str, Trouble], dt.datetime] = {}  # failure
        self._open: dict[tuple[str, Trouble], _Open] = {}

    def call(self, connection: str, work: Callable[[], T]) -> T:
        """See ``Breakers.call``."""
        probed = [trouble for trouble in FAILURES if self._admit(connection, trouble)]
        try:
            answer = work()
        except AccordError as error:
            self._failed(connection, error, probed)
            raise
        for trouble in FAILURES:
            self._answered(connection, trouble)
        return answer

    def opened(self, connection: str) -> Opened | None:
        """See ``Breakers.opened``."""
        for trouble in FAILURES:
            if found := self._open.get((connection, trouble)):
                return Opened(trouble, found.at)
        return None

    def _admit(self, connection: str, trouble: Trouble) -> bool:
        """Whether the call is one that decides."""
        now = self._clock()
        with self._lock:
            found = self._open.get((connection, trouble))
            if found is None:
                return False
            free_at = found.probe_until or found.at + RECOVERY[trouble]
            if now < free_at:
                raise refused(connection, trouble)
            self._open[connection, trouble] = _Open(found.at, now + RECOVERY[trouble])
            return True

    def _failed(self, connection: str, error: AccordError, probed: list[Trouble]) -> None:
        for trouble in FAILURES:
            if is_answer(error, trouble):
                self._answered(connection, trouble)
                continue
            if not isinstance(error, COUNTS[trouble]):
                continue
            now = self._clock()
            with self._lock:
                last = self._last.get((connection, trouble), now)
                self._last[connection, trouble] = now
                if now - last > FORGOTTEN:
                    self._failures[connection, trouble] = 0
                self._failures[connection, trouble] += 1
                if trouble in probed or self._failures[connection, trouble] >= FAILURES[trouble]:
                    self._failures[connection, trouble] = 0
                    self._open[connection, trouble] = _Open(now)

    def _answered(self, connection: str, trouble: Trouble) -> None:
        with self._lock:
            self._failures[connection, trouble] = 0
            self._open.pop((connection, trouble), None)
