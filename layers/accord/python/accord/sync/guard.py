"""What stands between the flows and a connection: pauses, maintenance, limits, breakers.

A port that is guarded is used like any other. What is one operation (a change's turn, a look at
what changed) is asked once, when it first touches a connection, whether it may: a pause that
begins in its middle does not break it off. Its calls are taken from the limits beforehand, all at
once, and settled in the end; its slot is leased for as long as its worker may run. Each call goes
through the connection's breaker. A connection without limits costs nothing but a look at the board
every few seconds, one for all connections.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from accord.errors import (
    AccordError,
    NotNowError,
    RateLimitedError,
    StaleVersionError,
    UnauthorizedError,
    UnmappedError,
    WaitingError,
)
from accord.model.change import Change
from accord.ports.limits import Board, Breakers
from accord.rules.limits import CALLS, Bears
from accord.rules.usage import Ask
from accord.rules.windows import over_at
from accord.sync.meter import Meter, today
from accord.sync.pause import PAUSED, RESTS, Pause
from accord.sync.room import Room
from accord.sync.turn import LEASE_OVERLAP, Invocation

P = TypeVar("P")
T = TypeVar("T")

WINDOW = "window"  # the cause of what waits for the end of maintenance
_REST = dt.timedelta(seconds=10)  # of one that says 429 and not for how long
_LONGEST_REST = dt.timedelta(minutes=15)
_MORE = 4  # calls that are taken when those that were expected are made
_OTHER = "other"  # what calls are for that belong to no operation: an operator's, a checkout's
_ALONE = dt.timedelta(minutes=1)  # the longest that one such call may hold its slot


@dataclass(slots=True)
class Operation:
    """One change's turn, or one look at what changed. ``taken`` and ``used`` are calls, by name."""

    what: str
    calls: int
    holder: str
    until: dt.datetime
    entered: set[str] = field(default_factory=set)
    taken: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    since: dict[str, tuple[dt.datetime, dt.date]] = field(default_factory=dict)


_current: ContextVar[Operation | None] = ContextVar("operation", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """``bears(name)`` is what the configuration says of a connection; ``sent(name)`` counts the
    requests that went there so far, where one call of a port is several; ``new_holder`` names one
    who holds a slot."""

    board: Board
    breakers: Breakers
    meter: Meter
    bears: Callable[[str], Bears]
    clock: Callable[[], dt.datetime]
    new_holder: Callable[[], str]
    sent: Callable[[str], int] = field(default=lambda _: 0)

    # --- operations -----------------------------------------------------------

    @contextmanager
    def operation(
        self, what: str, *, calls: int, holder: str, until: dt.datetime
    ) -> Iterator[None]:
        """Calls inside belong together. A process that dies leaves its slots to run out."""
        operation = Operation(what, calls, holder, until)
        token = _current.set(operation)
        try:
            yield
        except Exception:
            self._settle(operation)
            raise
        else:
            self._settle(operation)
        finally:
            _current.reset(token)

    @contextmanager
    def turn(self, change: Change, run: Invocation) -> Iterator[None]:
        """The turn of ``change``, until ``run`` is over."""
        what, calls = CALLS.get(change.event, (_OTHER, 1))
        until = run.deadline + LEASE_OVERLAP
        with self.operation(what, calls=calls, holder=run.id, until=until):
            yield

    # --- what may go on -------------------------------------------------------

    def held(self, name: str) -> WaitingError | None:
        """Why the connection is left alone now, None when it is not."""
        now = self.clock()
        pause = Pause.of(self.board.table(PAUSED), name, now)
        if pause is not None:
            # Before anybody is turned away: it may have been resumed a second ago.
            pause = Pause.of(self.board.table(PAUSED, fresh=True), name, now)
        if pause is not None:
            return WaitingError(
                f"{name} {pause}; `accord resume {name}` lets all that waits go on",
                connection=name,
                causes=(PAUSED,),
            )
        bears = self.bears(name)
        if end := over_at(bears.maintenance, now, zone=bears.zone):
            return WaitingError(
                f"{name} is in maintenance until {end:%F %H:%M} UTC; what waits goes on by itself",
                connection=name,
                causes=(WINDOW,),
            )
        return None

    def resting(self, name: str) -> dt.datetime | None:
        """Until when the connection asked to be left alone; None when it did not."""
        now = self.clock()
        until = _rest_until(self.board.table(RESTS).get(name))
        return until if until is not None and now < until <= now + _LONGEST_REST else None

    def room(self, name: str) -> Room | None:
        """What may be sent there now, nothing while it rests; None: as much as one likes."""
        if self.resting(name) is not None:
            return Room({})
        bears, now = self.bears(name), self.clock()
        if bears.limits is None:
            return None
        return Room.of(self.meter.usage(name), bears.limits, now, today(bears, now))

    # --- ports ------------------------------------------------------------------

    def over(
        self, port: P, name: str, *, free: Collection[str] = (), breaker: str | None = None
    ) -> P:
        """``port`` of the connection ``name``, guarded. ``free`` methods ask nobody anything.

        ``breaker``: the name of one of its own, for who gives up sooner than others do: what is
        late for them is no outage.
        """
        made = _like(type(port))(self, port, name, free, breaker or name)
        return cast("P", made)

    def call(
        self, name: str, method: str, work: Callable[[], T], *, breaker: str | None = None
    ) -> T:
        """What ``work`` answers, a call of the connection ``name``.

        Raises:
            WaitingError: it is paused, in maintenance, or this day's calls are used up.
            RateLimitedError: this minute's are, all slots are taken, or it asked to be left alone.
            OutageError, UnauthorizedError: its breaker is open. What ``work`` raises.
        """
        operation = _current.get()
        if operation is None:
            until = self.clock() + _ALONE
            with self.operation(_OTHER, calls=1, holder=self.new_holder(), until=until):
                return self.call(name, method, work, breaker=breaker)
        if name not in operation.entered:
            self._enter(name)
            operation.entered.add(name)
        bears = self.bears(name)
        counted = bears.limits is not None and method != "ping"  # that one is to find out
        before = self.sent(name)
        if counted:
            self._take(name, bears, operation)

        def count() -> T:
            operation.used[name] = operation.used.get(name, 0) + 1
            return work()

        try:
            return self.breakers.call(breaker or name, count if counted else work)
        except RateLimitedError as error:
            self._let_rest(name, error)
            raise
        finally:
            if counted and (more := self.sent(name) - before - 1) > 0:
                operation.used[name] += more

    def _enter(self, name: str) -> None:
        if (held := self.held(name)) is not None:
            raise held
        if (until := self.resting(name)) is not None:
            raise RateLimitedError(
                f"{name} asked to be left alone until {until:%H:%M:%S} UTC",
                retry_after=(until - self.clock()).total_seconds(),
                connection=name,
            )

    def _take(self, name: str, bears: Bears, operation: Operation) -> None:
        """Sees to it that there is one call to be made, of those that were taken or of more."""
        used = operation.used.get(name, 0)
        taken = operation.taken.get(name, 0)
        if used >= taken:
            now = self.clock()
            on = today(bears, now)
            calls = operation.calls if taken == 0 else max(_MORE, used + 1 - taken)
            ask = Ask(operation.what, calls, operation.holder, operation.until, now, on)
            self.meter.take(name, bears, ask)
            operation.taken[name] = taken + calls
            operation.since.setdefault(name, (now, on))

    def _settle(self, operation: Operation) -> None:
        for name, taken in operation.taken.items():
            bears, now, used = self.bears(name), self.clock(), operation.used.get(name, 0)
            if taken == used and (bears.limits is None or bears.limits.at_once is None):
                continue
            ask = Ask(
                operation.what, taken, operation.holder, operation.until, now, today(bears, now)
            )
            try:
                self.meter.settle(name, ask, used=used, since=operation.since[name])
            except AccordError:
                continue  # the slot runs out by itself, and too many calls are counted

    def _let_rest(self, name: str, error: RateLimitedError) -> None:
        """Nobody asks again before the time that it named, or for some seconds."""
        asked = _REST if error.retry_after is None else dt.timedelta(seconds=error.retry_after)
        until = self.clock() + min(asked, _LONGEST_REST)
        if (known := self.resting(name)) is not None and known >= until - dt.timedelta(seconds=1):
            return

        def later(held: Any | None) -> str:
            stored = _rest_until(held)
            return max(until, stored if stored is not None else until).isoformat()

        try:
            self.board.put(RESTS, name, later)
        except (StaleVersionError, NotNowError):
            return  # others write the same at this moment


def _rest_until(entry: Any | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(entry) if entry is not None else None


# --- a guarded port ---------------------------------------------------------------


class _Guarded:
    """Used like ``port``. ``free`` are methods that ask nobody."""

    def __init__(
        self, guard: Guard, port: Any, name: str, free: Collection[str], breaker: str
    ) -> None:
        self._guard = guard
        self._port = port
        self._name = name
        self._free = free
        self._breaker = breaker

    def _called(self, method: str) -> Any:
        found = getattr(self._port, method)
        if method in self._free or not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            def work() -> Any:
                try:
                    return found(*args, **kwargs)
                except UnauthorizedError as error:
                    # One thing that our login may not do is no reason to stop the rest.
                    asks = method != "ping" and not error.is_login
                    error.is_narrow = asks and self._is_let_in()
                    raise

            return self._guard.call(self._name, method, work, breaker=self._breaker)

        return call

    def _is_let_in(self) -> bool:
        """Whether it takes our credentials, asked past all that counts and guards."""
        try:
            self._port.ping()
        except UnauthorizedError as error:
            return error.is_narrow
        except UnmappedError:  # it looked for what we named, and said that there is none
            return True
        except AccordError:
            return False
        return True

    def __getattr__(self, name: str) -> Any:
        return self._called(name)


_alike: dict[type, type[_Guarded]] = {}


def _like(kind: type) -> type[_Guarded]:
    """A guarded class that has the methods of ``kind``, so that it is seen what it can do."""
    if hasattr(kind, "__getattr__"):
        return _Guarded
    if kind not in _alike:
        _alike[kind] = _made_like(kind)
    return _alike[kind]


def _made_like(kind: type) -> type[_Guarded]:

    def method(name: str) -> Any:
        def call(self: _Guarded, *args: Any, **kwargs: Any) -> Any:
            return self._called(name)(*args, **kwargs)

        return call

    names = [name for name in dir(kind) if not name.startswith("_")]
    methods = {name: method(name) for name in names if callable(getattr(kind, name))}
    return type(f"Guarded{kind.__name__}", (_Guarded,), methods)
