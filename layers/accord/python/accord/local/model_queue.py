"""A FIFO queue of changes as SQS has them, on a clock that is told."""

import datetime as dt
import heapq
from collections import defaultdict, deque
from dataclasses import dataclass

from accord.local.hooked import Clock
from accord.model.change import Change
from accord.ports.queues import Queues

RECEIVES = 6
_DEDUPLICATED = dt.timedelta(minutes=5)
_REMEMBERED = 20_000  # sendings; then those are forgotten that are deduplicated no longer


@dataclass(slots=True)
class _Queued:
    change: Change
    at: int
    receives: int = 0


class ModelQueue(Queues):
    """FIFO by group, deduplicated for five minutes, hidden after a failure, dead after six."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._groups: dict[str, deque[_Queued]] = defaultdict(deque)
        self._ready: list[tuple[dt.datetime, int, str]] = []
        self._sent: dict[str, dt.datetime] = {}
        self._count = 0
        self.dead: list[Change] = []

    def put(self, change: Change, *, sending: str) -> None:
        """See Queues.put."""
        now = self._clock()
        name = f"{change.event}/{change.ref}/{sending}"
        if name in self._sent and now - self._sent[name] < _DEDUPLICATED:
            return
        self._sent[name] = now
        if len(self._sent) > _REMEMBERED:
            self._sent = {name: at for name, at in self._sent.items() if now - at < _DEDUPLICATED}
        group = f"{change.event}/{change.group}"  # each event has a queue of its own
        self._count += 1
        self._groups[group].append(_Queued(change, self._count))
        if len(self._groups[group]) == 1:
            heapq.heappush(self._ready, (now, self._count, group))

    def next_at(self) -> dt.datetime | None:
        """When the next message can be received."""
        return self._ready[0][0] if self._ready else None

    def receive(self) -> tuple[str, Change, int] | None:
        """The group, its first message and how often it was received, if one is visible."""
        if not self._ready or self._ready[0][0] > self._clock():
            return None
        _, _, group = heapq.heappop(self._ready)
        first = self._groups[group][0]
        first.receives += 1
        return group, first.change, first.receives

    def done(self, group: str) -> None:
        """The group's first message is gone; what follows it is visible."""
        self._groups[group].popleft()
        self._show(group, self._clock())

    def hide(self, group: str, until: dt.datetime) -> None:
        """The group waits; its first message is dead if it was received often enough."""
        if self._groups[group][0].receives >= RECEIVES:
            self.dead.append(self._groups[group].popleft().change)
        self._show(group, until)

    def _show(self, group: str, at: dt.datetime) -> None:
        if self._groups[group]:
            heapq.heappush(self._ready, (at, self._groups[group][0].at, group))
        else:
            del self._groups[group]
