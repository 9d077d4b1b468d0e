"""Counts what a connection's limits allow, over all workers: one value per connection.

The value is written only if it is still as it was read, so nothing is given away twice, however
many workers ask at once. What the same worker wrote last it need not read again.
"""

import datetime as dt
import zoneinfo
from collections.abc import Callable
from dataclasses import replace

from accord.errors import RateLimitedError, StaleVersionError, WaitingError
from accord.ports.state import Control
from accord.rules.limits import Bears, Limits
from accord.rules.usage import Ask, Refused, Usage, settled, taken

DAY_LIMIT = "day_limit"  # the cause of what waits for the next day

_TRIES = 40  # of a value that others write too
_LONGEST_S = 0.25  # between two of them
_AGAIN_S = 2.0  # then the change comes again


class Meter:
    """The counters of all connections. ``pause`` waits so many seconds, ``random`` is 0 to 1."""

    def __init__(
        self,
        control: Control,
        clock: Callable[[], dt.datetime],
        *,
        pause: Callable[[float], None],
        random: Callable[[], float],
    ) -> None:
        self._control = control
        self._clock = clock
        self._pause = pause
        self._random = random
        self._known: dict[str, tuple[Usage, int]] = {}

    def take(self, name: str, bears: Bears, ask: Ask) -> None:
        """All that ``ask`` needs, at once, or nothing.

        Raises:
            RateLimitedError: every slot is taken, or this minute's calls are; nothing was called.
            WaitingError: ``day_limit``: this day's are.
        """
        limits = _limits(bears)

        def change(usage: Usage) -> Usage:
            found = taken(usage, limits, ask)
            if isinstance(found, Refused):
                raise _NoneLeftError(found)
            return found

        try:
            self._change(name, change)
        except _NoneLeftError as error:
            raise _said(name, limits, error.refused, ask) from None

    def settle(self, name: str, ask: Ask, *, used: int, since: tuple[dt.datetime, dt.date]) -> None:
        """Gives back the slot and what was not needed; see ``usage.settled``."""
        self._change(name, lambda usage: settled(usage, ask, used=used, since=since))

    def usage(self, name: str) -> Usage:
        """As it is stored now."""
        return self._read(name)[0]

    def _change(self, name: str, change: Callable[[Usage], Usage]) -> None:
        """Raises: RateLimitedError: others wrote all the while. _NoneLeftError: as it is now."""
        for attempt in range(_TRIES):
            if attempt:
                self._pause(self._random() * min(0.01 * 2**attempt, _LONGEST_S))
            known = self._known.pop(name, None)
            usage, version = known or self._read(name)
            try:
                made = change(usage)
            except _NoneLeftError:
                if known is None:
                    raise
                continue  # it is what we wrote last: others may have given back since
            try:
                new = self._control.put(_value(name), made.to_json(), version=version)
            except StaleVersionError:
                continue
            self._known[name] = made, new
            return
        raise RateLimitedError(
            f"the counters of {name} are busy", retry_after=_AGAIN_S, connection=name
        )

    def _read(self, name: str) -> tuple[Usage, int | None]:
        held = self._control.get(_value(name))
        return (Usage.from_json(held[0]), held[1]) if held else (Usage(), None)


class _NoneLeftError(Exception):
    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.lack)
        self.refused = refused


def today(bears: Bears, now: dt.datetime) -> dt.date:
    """The date at the connection, whose day the limit is of."""
    return now.astimezone(zoneinfo.ZoneInfo(bears.zone)).date()


def extended(ask: Ask, now: dt.datetime, calls: int) -> Ask:
    """The same holder's, for ``calls`` more."""
    return replace(ask, now=now, calls=calls)


def _limits(bears: Bears) -> Limits:
    assert bears.limits is not None, "what has no limits is not counted"
    return bears.limits


def _value(name: str) -> str:
    return f"usage:{name}"


def _said(name: str, limits: Limits, refused: Refused, ask: Ask) -> RateLimitedError | WaitingError:
    if refused.lack == "day" or refused.come_back is None:
        return WaitingError(
            f"{name} may be called {limits.per_day} times a day, and what {ask.what} may use of "
            "it is used up; it goes on by itself when the day has turned. Raise "
            f"per_day or the share in [erps.{name}.limits] if the back office allows more",
            connection=name,
            causes=(DAY_LIMIT,),
        )
    seconds = max(0.5, (refused.come_back - ask.now).total_seconds())
    if refused.lack == "slots":
        return RateLimitedError(
            f"all {limits.at_once} slots of {name} are taken",
            retry_after=seconds,
            connection=name,
        )
    return RateLimitedError(
        f"{name} may be called {limits.per_minute} times a minute, and this minute's calls are "
        "taken",
        retry_after=seconds,
        connection=name,
    )
