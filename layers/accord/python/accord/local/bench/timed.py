"""A world in which the others go on while one of them waits: for a store that writes, for a rest.

Time passes in one place, so whatever has its moment meanwhile happens then, inside: a shopper buys,
a webhook arrives, another worker takes a message, the poller runs. Nothing is left to threads, so
the same seed is the same run.
"""

import datetime as dt
import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from accord.local.store.deliveries import Body
from accord.local.world import World
from accord.model.change import Change
from accord.sync.worker import Again, Finished

_DEEPEST = 3  # who waits while others wait while others wait: there is no time for more
_MINUTE = dt.timedelta(minutes=1)
Act = Callable[[], object]


@dataclass(slots=True)
class Timed(World):
    """``late(topic, body)`` says how long a webhook takes, None where it is lost; ``ended`` is
    told of each change that a worker is done with, or has to try again."""

    late: Callable[[str, Body], dt.timedelta | None] = field(default=lambda *_: dt.timedelta(0))
    ended: Callable[[Change, Finished | Again], object] = field(default=lambda *_: None)
    _agenda: list[tuple[dt.datetime, int, Act]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=itertools.count)
    _depth: int = 0
    _minute: dt.datetime = field(init=False)

    def __post_init__(self) -> None:
        World.__post_init__(self)
        self._minute = self.start + _MINUTE
        self.store.shop.sleep = self.wait

    def at(self, moment: dt.datetime, act: Act) -> None:
        """``act`` happens then, or as soon as somebody looks."""
        heapq.heappush(self._agenda, (moment, next(self._order), act))

    def wait(self, seconds: float) -> None:
        """So much time passes, and what is due happens."""
        if self._depth >= _DEEPEST:
            return
        self._depth += 1
        try:
            self.run_until(self.clock.now + dt.timedelta(seconds=seconds))
        finally:
            self._depth -= 1

    def work(self) -> bool:
        """See ``World.work``."""
        done = World.work(self)
        if done:
            self.ended(*self.ends[-1])
        return done

    def run_until(self, end: dt.datetime) -> None:
        """All that is due until ``end``: first what people do, then what is queued, then what is
        run each minute."""
        while (moment := self._next()) <= end:
            self.clock.now = max(self.clock.now, moment)
            ready = self.queue.next_at()
            if self._agenda and self._agenda[0][0] <= self.clock.now:
                heapq.heappop(self._agenda)[2]()
            elif ready is not None and ready <= self.clock.now:
                self.work()
            else:
                self._minute = self.clock.now + _MINUTE
                self.wake()
                self.poll()
        self.clock.now = max(self.clock.now, end)

    @property
    def is_quiet(self) -> bool:
        """Nothing has its moment still to come, nothing is queued."""
        return not self._agenda and self.queue.next_at() is None

    def _next(self) -> dt.datetime:
        moments = [self._minute]
        if self._agenda:
            moments.append(self._agenda[0][0])
        if (ready := self.queue.next_at()) is not None:
            moments.append(ready)
        return min(moments)

    def _told(self, topic: str, body: Body) -> None:
        late = self.late(topic, body)
        if late is None:
            return
        if late:
            self.at(self.clock.now + late, lambda: self.receive(topic, body))
        else:
            self.receive(topic, body)

    def _pause(self, seconds: float) -> None:
        self.wait(seconds)
