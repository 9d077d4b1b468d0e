"""What goes wrong, and what happens at the same time, all from one source of randomness."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random

from accord.erp.memory.faults import KINDS, Fault, FaultKind
from accord.errors import RateLimitedError, UnavailableError
from accord.local.world import WORKER_TIMEOUT, KilledError, World
from accord.model.change import Change
from accord.sync.worker import Flow

_PURE = (".order", ".customer", ".settle", ".name")  # of the store: they ask nobody
_DEEPEST = 3  # workers that run into each other
_KILLS = 2  # of one message: the sixth time it is a dead letter, which is told
_POLL = 5  # a poll runs each minute, and is no more than one call in five of what is looked at
_MOMENTS = [dt.timedelta(milliseconds=each) for each in range(1000)]
_LATE = dt.timedelta(seconds=20)
_DESK = frozenset(  # what people call: their screens have their own troubles
    {
        "ship",
        "post_invoice",
        "pay_invoice",
        "credit",
        "cancel",
        "delete",
        "edit_party",
        "close_period",
    }
    | {"sales", "parties"}
)


@dataclass(frozen=True, slots=True)
class Odds:
    """Of each port call, from 0 to 1. ``meanwhile``: people or another worker act at that moment.

    ``lost``, ``doubled`` and ``late`` are of each webhook; ``silent`` of what has too much to do:
    it does not say when to come again.
    """

    killed: float = 0.0
    refused: float = 0.0  # the store or a table does not answer
    ledger: float = 0.0
    meanwhile: float = 0.0
    outage: float = 0.0  # of each hour: that the back office is off in it
    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    silent: float = 0.0
    any: float = field(init=False)  # that a port call goes wrong, or is not left alone

    def __post_init__(self) -> None:
        object.__setattr__(self, "any", self.killed + self.refused + self.meanwhile)


CALM = Odds()
ROUGH = Odds(
    killed=0.004,
    refused=0.006,
    ledger=0.03,
    meanwhile=0.02,
    outage=0.1,
    lost=0.15,
    doubled=0.2,
    late=0.4,
)


@dataclass
class Busy(World):
    """A world that knows which of its workers run: since when, and on which change.

    Those that wait for another one, which runs into them, come first.
    """

    running: list[tuple[dt.datetime, Change | None]] = field(default_factory=list)

    def work(self) -> bool:
        """See ``World.work``."""
        self.running.append((self.clock(), None))
        try:
            return super().work()
        finally:
            self.running.pop()

    def flow_of(self, change: Change) -> Flow:
        """See ``World.flow_of``."""
        self.running[-1] = (self.running[-1][0], change)
        return super().flow_of(change)


@dataclass(slots=True)
class Mishaps:
    """The hook and the faults of ``world``. ``meanwhile`` is what people may do at any moment."""

    world: Busy
    rng: Random
    odds: Odds
    meanwhile: Callable[[], object]
    slowest_ms: int = 40
    """Milliseconds between two moments of a worker, at the most; up to a thousand."""
    count: Counter[str] = field(default_factory=Counter)
    _kills: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    _off: dict[dt.datetime, bool] = field(default_factory=dict)
    _acting: bool = False

    @contextmanager
    def left_alone(self) -> Iterator[None]:
        """People act, whose own screens have other troubles."""
        before, self._acting = self._acting, True
        try:
            yield
        finally:
            self._acting = before

    def hook(self, call: str) -> None:
        """Told of every port call of a worker or a poll, before and after."""
        if self.odds is CALM or self._acting:
            return
        world, rng, odds, slowest = self.world, self.rng, self.odds, self.slowest_ms
        # As ``randrange(slowest)`` draws it, without its three calls: this is told of everything.
        bits = slowest.bit_length()
        while (moment := rng.getrandbits(bits)) >= slowest:
            pass
        clock = world.clock
        clock.now = now = clock.now + _MOMENTS[moment]
        running = world.running
        if running and now - running[-1][0] >= WORKER_TIMEOUT:
            self.count["timed out"] += 1
            raise KilledError("its time is over")
        draw = rng.random() if running else rng.random() * _POLL
        if draw >= odds.any:
            return
        for share, what in (
            (odds.killed, self.kill),
            (odds.refused, self._refuse),
            (odds.meanwhile, self._interrupt),
        ):
            if draw < share:
                what(call)
                return
            draw -= share

    def ledger(self, operation: str) -> Fault | None:
        """What goes wrong with a call of the ledger."""
        if operation in _DESK or self._acting or self.rng.random() >= self.odds.ledger:
            return None
        kind: FaultKind = self.rng.choice(KINDS)
        self.count[f"ledger: {kind}"] += 1
        return Fault(kind, _LATE * self.rng.random())

    def is_off(self, now: dt.datetime) -> bool:
        """Whether the back office is off, which it is for whole hours."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        off = self._off.get(hour)
        if off is None:
            off = self._off[hour] = self.rng.random() < self.odds.outage
            self.count["hours without a back office"] += off
        return off and self.odds != CALM

    def kill(self, call: str) -> None:
        """The worker dies at ``call``, if its message was not the end of two before."""
        running = self.world.running
        change = running[-1][1] if running else None
        if change is not None:
            name = (str(change.ref), change.event, change.correlation_id)
            if self._kills[name] >= _KILLS:
                return
            self._kills[name] += 1
        self.count["killed"] += 1
        raise KilledError(call)

    def _refuse(self, call: str) -> None:
        when, _, method = call.partition(" ")
        port = method.partition(".")[0]
        if port == "erp" or method.endswith(_PURE):
            return
        if when == "before" and (share := self.rng.random() / 0.3) < 1:
            self.count[f"{port}: too much to do"] += 1
            after = None if share < self.odds.silent else 3
            raise RateLimitedError(f"{port} has too much to do", retry_after=after, connection=port)
        self.count[f"{port}: no answer"] += 1
        sent = when == "after" or self.rng.random() < 0.5
        raise UnavailableError(f"{port} does not answer", sent=sent, connection=port)

    def _interrupt(self, _: str) -> None:
        if self.rng.random() < 0.5:
            with self.left_alone():
                self.meanwhile()
            self.count["somebody acted meanwhile"] += 1
        elif len(self.world.running) < _DEEPEST and self.world.work():
            self.count["another worker ran meanwhile"] += 1
