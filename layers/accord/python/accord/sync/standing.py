"""How each connection stands: left alone, away, how much of its limits is used, what waits."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from accord.ports.limits import Opened
from accord.ports.state import Waiting
from accord.rules.config import Config
from accord.rules.limits import Limits
from accord.rules.usage import Usage
from accord.rules.windows import over_at
from accord.sync.guard import Guard
from accord.sync.meter import today
from accord.sync.pause import PAUSED, Pause


@dataclass(frozen=True, slots=True)
class Standing:
    """One connection now. ``in_maintenance`` and ``resting`` are until when; None: it is not.

    ``slots``, ``minute`` and ``day`` are (used, allowed); None without such a limit. ``waiting``
    changes wait for something at it, ``oldest`` is the order that was placed first of them.
    Not ``connected``: nobody allows us in, where a person must.
    """

    name: str
    is_store: bool
    pause: Pause | None
    in_maintenance: dt.datetime | None
    breaker: Opened | None
    resting: dt.datetime | None
    slots: tuple[int, int] | None
    minute: tuple[int, int] | None
    day: tuple[int, int] | None
    waiting: int
    oldest: dt.datetime | None
    connected: bool = True

    @property
    def is_open(self) -> bool:
        """Whether calls go through."""
        return self.connected and not (
            self.pause or self.in_maintenance or self.breaker or self.resting
        )


def standings(
    config: Config,
    guard: Guard,
    waiting: Waiting,
    *,
    now: dt.datetime,
    connected: Callable[[str], bool] = lambda _: True,
) -> Iterator[Standing]:
    """Every store and back office, in the order of the file. ``connected(name)``: whether a consent
    is kept for that back office, or none is needed."""
    causes = waiting.causes()
    paused = guard.board.table(PAUSED, fresh=True)
    for name in (*config.stores, *config.erps):
        table = guard.bears(name)
        mine = [cause for cause in causes if cause.connection == name]
        firsts = [next(iter(waiting.of(cause)), None) for cause in mine]
        used = guard.meter.usage(name) if table.limits is not None else Usage()
        yield Standing(
            name=name,
            is_store=name in config.stores,
            pause=Pause.of(paused, name, now),
            in_maintenance=over_at(table.maintenance, now, zone=table.zone),
            breaker=guard.breakers.opened(name),
            resting=guard.resting(name),
            **_used(used.at(now, today(table, now)), table.limits),
            waiting=sum(waiting.count(cause) for cause in mine),
            oldest=min((each.placed_at for each in firsts if each is not None), default=None),
            connected=name in config.stores or connected(name),
        )


def _used(usage: Usage, limits: Limits | None) -> dict[str, tuple[int, int] | None]:
    def of(used: int, allowed: int | None) -> tuple[int, int] | None:
        return (used, allowed) if allowed is not None else None

    if limits is None:
        return {"slots": None, "minute": None, "day": None}
    return {
        "slots": of(len(usage.slots), limits.at_once),
        "minute": of(usage.in_minute, limits.per_minute),
        "day": of(sum(usage.in_day.values()), limits.per_day),
    }
