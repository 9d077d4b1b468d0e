"""What all workers know together of a connection: whether it is left alone, or away, or busy."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeVar

from accord.errors import StaleVersionError
from accord.ports.state import Control

T = TypeVar("T")

Trouble = Literal["outage", "unauthorized"]
"""What opens a breaker: no answers (time-outs, refused connections, 5xx), or our credentials."""

FAILURES: Mapping[Trouble, int] = {"outage": 5, "unauthorized": 1}
"""So many in a row, seen by one worker, open it for all. A wrong password is not tried twice."""

FORGOTTEN = dt.timedelta(seconds=60)
"""A failure that long ago is in a row with nothing any more."""

RECOVERY: Mapping[Trouble, dt.timedelta] = {
    "outage": dt.timedelta(seconds=30),
    "unauthorized": dt.timedelta(minutes=5),
}
"""Then one call goes through; it decides. Of an outage less than a minute, so that `wake`'s
question is it; a password that is tried every minute locks the account, and a new one is read as
seldom."""

CIRCUITS = "circuits"
"""The table of the board that says which breakers are open: ``connection:trouble``."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A breaker that lets nothing through, why, and since when."""

    trouble: Trouble
    at: dt.datetime


class Breakers(Protocol):
    """A circuit breaker for each connection and each trouble, shared by all workers."""

    def call(self, connection: str, work: Callable[[], T]) -> T:
        """What ``work`` returns or raises.

        Raises: OutageError, UnauthorizedError: the breaker is open, and ``work`` was not called.
        """
        ...

    def opened(self, connection: str) -> Opened | None:
        """The breaker that is open, None where calls go through."""
        ...


_TRIES = 8  # of a change that met others; each lasts milliseconds


@dataclass(frozen=True, slots=True)
class _Held:
    read_at: dt.datetime
    tables: Mapping[str, Mapping[str, Any]]
    version: int | None


class Board:
    """One small value of the control table that all workers look at.

    Read again when it is older than ``kept``: a look costs nothing most of the time, and news take
    that long to reach everybody. It holds tables by name, each of small JSON values.
    """

    def __init__(
        self,
        control: Control,
        clock: Callable[[], dt.datetime],
        *,
        name: str = "connections",
        kept: dt.timedelta = dt.timedelta(seconds=5),
    ) -> None:
        self._control = control
        self._clock = clock
        self._name = name
        self._kept = kept
        self._held: _Held | None = None

    def table(self, name: str, *, fresh: bool = False) -> Mapping[str, Any]:
        """The entries of one table. ``fresh``: as they are now, not some seconds ago."""
        held, now = self._held, self._clock()
        if held is None or fresh or not held.read_at <= now < held.read_at + self._kept:
            held = self._read()
        return held.tables.get(name, {})

    def put(self, table: str, entry: str, change: Callable[[Any | None], Any | None]) -> None:
        """The entry becomes what ``change`` makes of it; None is none. Made of what it is now.

        Raises: StaleVersionError: others changed the board over and over. What ``change`` raises.
        """
        for _ in range(_TRIES):
            held = self._read()
            before = held.tables.get(table, {}).get(entry)
            after = change(before)
            if after == before:
                return
            entries = {**held.tables.get(table, {}), entry: after}
            if after is None:
                del entries[entry]
            tables = {**held.tables, table: entries}
            value = json.dumps(tables, separators=(",", ":"), sort_keys=True)
            try:
                version = self._control.put(self._name, value, version=held.version)
            except StaleVersionError:
                continue
            self._held = _Held(held.read_at, tables, version)
            return
        raise StaleVersionError(f"{self._name} was changed by others {_TRIES} times; try again")

    def _read(self) -> _Held:
        found = self._control.get(self._name)
        tables, version = (json.loads(found[0]), found[1]) if found else ({}, None)
        self._held = held = _Held(self._clock(), tables, version)
        return held
