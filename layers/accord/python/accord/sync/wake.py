"""What waits goes back to its queue when its cause is gone, oldest order first.

An outage or a lost login is over when the other side answers us. A mapping is there when the rules
were changed since; and because the missing item may be made in the back office, where nobody tells
us, the oldest is tried alone now and then: if it goes through, the others follow. What waits for
an order waits for its own: each is tried now and then, and none holds the others back. Nothing goes
back to a connection that is left alone, and no more than its limits allow.
"""

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from accord.errors import AccordError, StaleVersionError
from accord.model.change import Ref
from accord.ports.queues import Queues
from accord.ports.state import Attention, Cause, Control, Parked, Waiting
from accord.sync.guard import WINDOW
from accord.sync.meter import DAY_LIMIT
from accord.sync.pause import PAUSED
from accord.sync.turn import WAITS
from accord.sync.worker import BUSY, LIMIT, WAKE, cause_subject

_CANARY_EVERY = dt.timedelta(minutes=5)
_PINGED = frozenset({"outage", "unauthorized"})
_OVER = frozenset({BUSY, PAUSED, WINDOW, LIMIT, DAY_LIMIT})  # once nothing holds the connection
_TRIED = 60  # changes a minute, where "too many" was said and nobody told us how many are not


@dataclass(frozen=True, slots=True)
class Woken:
    """What one run sent back, by cause, and what still waits."""

    sent: int
    causes: int
    closed: int


@dataclass(frozen=True, slots=True)
class Waker:
    """``ping(connection)`` returns if that store or back office answers, else raises.

    ``is_held(connection)``: it is left alone now. ``room(connection)`` is how many changes it takes
    now; None: as many as one likes.
    """

    waiting: Waiting
    attention: Attention
    control: Control
    queues: Queues
    ping: Callable[[str], None]
    rules_version: Callable[[], str]
    clock: Callable[[], dt.datetime]
    at_most: int = 500  # of one cause in one run: the queue drains at the back office's pace
    is_held: Callable[[str], bool] = field(default=lambda _: False)
    room: Callable[[str], int | None] = field(default=lambda _: None)

    def run(self) -> Woken:
        """Sends back what can go on and closes the items of causes that nothing waits for.

        Raises: AccordError: one cause could not be looked into; the others were.
        """
        causes = self.waiting.causes()
        answers: dict[str, bool] = {}  # of a connection: asked once, its time-out may be long
        sent = 0
        failed: AccordError | None = None
        # Those that nobody is asked for first: one that hangs must not keep the others waiting.
        for cause in sorted(causes, key=lambda each: each.cause in _PINGED):
            try:
                sent += self._wake(cause, answers)
            except AccordError as error:  # it must not keep the others waiting
                failed = error
        closed = self._close()
        if failed is not None:
            raise failed
        return Woken(sent, len(causes), closed)

    def _wake(self, cause: Cause, answers: dict[str, bool]) -> int:
        if self.is_held(cause.connection):
            return 0
        if cause.cause in _PINGED:
            if cause.connection not in answers:
                answers[cause.connection] = self._answers(cause.connection)
            return self._send(cause) if answers[cause.connection] else 0
        if cause.cause == WAITS:  # each waits for an order of its own: none stands for the others
            return self._send(cause, parked_before=self.clock() - _CANARY_EVERY)
        if cause.cause in _OVER:
            return self._send(cause, most=_TRIED if cause.cause == LIMIT else None)
        oldest = next(iter(self.waiting.of(cause)), None)
        if oldest is None:
            return 0
        # The oldest stands for the others: the rules were changed since it was parked, or were not.
        is_mapped = oldest.rules != self.rules_version()
        if is_mapped or self._canary_passed(cause):
            return self._send(cause)
        return self._send_canary(cause, oldest)

    def _answers(self, connection: str) -> bool:
        try:
            self.ping(connection)
        except AccordError:
            return False
        return True

    def _send(
        self, cause: Cause, *, parked_before: dt.datetime | None = None, most: int | None = None
    ) -> int:
        room = self.room(cause.connection)
        limits = (self.at_most, room if room is not None else most)
        most = min(limit for limit in limits if limit is not None)
        due = (
            parked
            for parked in self.waiting.of(cause)
            if parked_before is None or parked.parked_at <= parked_before
        )
        sent = 0
        for parked in itertools.islice(due, most):
            self._put(parked)
            sent += 1
        return sent

    def _put(self, parked: Parked) -> None:
        """Stays parked until it has gone through; parked again, it is another sending."""
        change = replace(parked.change, replay=WAKE)
        self.queues.put(change, sending=f"wake:{change.ref}:{parked.parked_at.isoformat()}")

    def _canary_passed(self, cause: Cause) -> bool:
        """Whether the one that was tried is no longer parked: it went through."""
        held = self.control.get(self._canary_name(cause))
        if held is None or not held[0]:
            return False
        parked = self.waiting.get(Ref.parse(held[0]))
        if parked is not None and Cause(parked.connection, parked.cause) == cause:
            return False  # on its way, or parked again
        return self._moves(self._canary_name(cause), "")

    def _send_canary(self, cause: Cause, oldest: Parked) -> int:
        if self.clock() - oldest.parked_at < _CANARY_EVERY:
            return 0
        self._moves(self._canary_name(cause), str(oldest.change.ref))
        self._put(oldest)
        return 1

    def _canary_name(self, cause: Cause) -> str:
        return f"canary:{cause.connection}:{cause.cause}"

    def _moves(self, name: str, value: str) -> bool:
        """Whether ``name`` held something else, and holds ``value`` now through us."""
        held = self.control.get(name)
        if held is not None and held[0] == value:
            return False
        try:
            self.control.put(name, value, version=held[1] if held else None)
        except StaleVersionError:
            return False
        return True

    def _close(self) -> int:
        # The items first: whoever opens one has parked before.
        items = [item for item in self.attention.open() if item.subject.startswith("waiting:")]
        if not items:
            return 0
        waited_for = {cause_subject(cause) for cause in self.waiting.causes()}
        closed = 0
        for item in items:
            if item.subject not in waited_for:
                self.attention.close(item.id, now=self.clock(), by="wake: nothing waits for it")
                closed += 1
        return closed
