"""What waits goes back to its queue when its cause is gone, oldest order first.

An outage or a lost login is over when the other side answers us. A mapping is there when the rules
were changed since; and because the missing item may be made in the back office, where nobody tells
us, the oldest is tried alone now and then: if it goes through, the others follow. What waits for
an order waits for its own: each is tried now and then, the less often the longer it has waited, and
seldom where a person dismissed what is the matter with the order. Of what waits for goods each
takes another number of them, so none holds the others back: each is tried when there are more than
there were, and seldom otherwise. Nothing goes back to a connection that is left alone, and no more
than its limits allow.

One that hangs takes half of a run's time: who is asked first is left to chance, so that none is
behind another for ever.
"""

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from random import Random

from accord.errors import AccordError, StaleVersionError
from accord.model.change import Ref
from accord.model.stock import Holding
from accord.ports.queues import Queues
from accord.ports.state import Attention, Cause, Control, Parked, Waiting
from accord.sync.guard import WINDOW
from accord.sync.meter import DAY_LIMIT
from accord.sync.pause import PAUSED
from accord.sync.room import Room
from accord.sync.turn import DISMISSED, GOODS, WAITS
from accord.sync.worker import BUSY, LIMIT, WAKE, cause_subject

_CANARY_EVERY = dt.timedelta(minutes=5)
_LONGEST = dt.timedelta(hours=1)  # between two tries of what waits for its order
_SELDOM = dt.timedelta(hours=12)  # the same of goods, and of what was dismissed; each costs calls
_COUNTED = dt.timedelta(days=1)  # goods of which nobody read the count for so long are not counted
_PINGED = frozenset({"outage", "unauthorized"})
_OVER = frozenset({BUSY, PAUSED, WINDOW, LIMIT, DAY_LIMIT})  # once nothing holds the connection
_TRIED = 60  # changes a minute, where "too many" was said and nobody told us how many are not
_PASSED_OVER = 5000  # that do not fit, of one cause in one run


@dataclass(frozen=True, slots=True)
class Woken:
    """What one run sent back, by cause, and what still waits."""

    sent: int
    causes: int
    closed: int


@dataclass(slots=True)
class _Run:
    """What one run knows of connections, each of which is asked once. ``rose`` holds the causes
    whose goods are counted: since when there are more of them than before, None for never."""

    until: dt.datetime | None
    rose: Mapping[Cause, dt.datetime | None] = field(default_factory=dict)
    answers: dict[str, bool] = field(default_factory=dict)  # its time-out may be long
    rooms: dict[str, Room | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Waker:
    """``ping(connection)`` returns if that store or back office answers, else raises.

    ``patience(connection)`` is the longest that this may take. ``is_held(connection)``: it is left
    alone now. ``room(connection)`` is what it takes now; None: as much as one likes.
    ``holdings(erp, codes)`` are as those of ``Levels``. ``met()``: ids of items that a look of the
    clock asks for, whether or not anything waits.
    """

    waiting: Waiting
    attention: Attention
    control: Control
    queues: Queues
    ping: Callable[[str], None]
    rules_version: Callable[[], str]
    clock: Callable[[], dt.datetime]
    random: Random
    at_most: int = 500  # of one cause in one run: the queue drains at the back office's pace
    is_held: Callable[[str], bool] = field(default=lambda _: False)
    room: Callable[[str], Room | None] = field(default=lambda _: None)
    patience: Callable[[str], dt.timedelta] = field(default=lambda _: dt.timedelta(0))
    holdings: Callable[[str, Sequence[str]], Mapping[str, Holding]] = field(
        default=lambda _, __: {}
    )
    met: Callable[[], Collection[str]] = field(default=frozenset)

    def run(self, *, until: dt.datetime | None = None) -> Woken:
        """Sends back what can go on and closes the items of causes that nothing waits for.

        Nobody but one is asked who may not answer before ``until``; the next run asks.

        Raises: AccordError: one cause could not be looked into; the others were.
        """
        causes = list(self.waiting.causes())
        run, sent, closed = _Run(until), 0, 0
        failed: AccordError | None = None
        try:
            run.rose = self._risen(causes)
        except AccordError as error:  # then they count as not counted
            failed = error
        pinged = [cause for cause in causes if cause.cause in _PINGED]
        self.random.shuffle(pinged)
        # Those that nobody is asked for first: one that hangs must not keep the others waiting.
        steps: list[Cause | None] = [each for each in causes if each.cause not in _PINGED]
        for cause in (*steps, None, *pinged):
            try:
                if cause is None:
                    closed = self._close()
                else:
                    sent += self._wake(cause, run)
            except AccordError as error:  # it must not keep the others waiting
                failed = error
        if failed is not None:
            raise failed
        return Woken(sent, len(causes), closed)

    def _wake(self, cause: Cause, run: _Run) -> int:
        if self.is_held(cause.connection):
            return 0
        if cause.cause in _PINGED:
            return self._send(cause, run) if self._answers(cause.connection, run) else 0
        # Each waits for an order, or for a number of goods, of its own: none stands for the others.
        if cause.cause == WAITS:
            return self._send(cause, run, is_due=self._is_due)
        if cause.cause == DISMISSED:
            return self._send(cause, run, is_due=partial(self._is_due, longest=_SELDOM))
        if cause.cause.startswith(GOODS):
            return self._send(cause, run, is_due=partial(self._is_due_for_goods, cause, run))
        if cause.cause in _OVER:
            return self._send(cause, run, most=_TRIED if cause.cause == LIMIT else None)
        oldest = next(iter(self.waiting.of(cause)), None)
        if oldest is None:
            return 0
        # The oldest stands for the others: the rules were changed since it was parked, or were not.
        is_mapped = oldest.rules != self.rules_version()
        if is_mapped or self._canary_passed(cause):
            return self._send(cause, run)
        return self._send_canary(cause, oldest)

    def _answers(self, connection: str, run: _Run) -> bool:
        known = run.answers.get(connection)
        if known is not None:
            return known
        # One is asked in each run, whatever happens.
        late = run.until is not None and self.clock() + self.patience(connection) > run.until
        if late and run.answers:
            return False
        try:
            self.ping(connection)
        except AccordError:
            run.answers[connection] = False
        else:
            run.answers[connection] = True
        return run.answers[connection]

    def _send(
        self,
        cause: Cause,
        run: _Run,
        *,
        is_due: Callable[[Parked], bool] = lambda _: True,
        most: int | None = None,
    ) -> int:
        """The oldest first; what does not fit lets others go before that do."""
        if cause.connection not in run.rooms:
            run.rooms[cause.connection] = self.room(cause.connection)
        room = run.rooms[cause.connection]
        if room is not None and room.is_empty:
            return 0
        most = self.at_most if room is not None or most is None else min(most, self.at_most)
        sent = passed_over = 0
        for parked in self.waiting.of(cause):
            if not is_due(parked):
                continue
            if room is not None and not room.take(parked.change.event):
                passed_over += 1
                if room.is_empty or passed_over >= _PASSED_OVER:
                    break
                continue
            self._put(parked)
            sent += 1
            if sent >= most:
                break
        return sent

    def _is_due(self, parked: Parked, *, longest: dt.timedelta = _LONGEST) -> bool:
        """Its last try is as long ago as it had waited until then, or ``longest``. Its order's own
        turn sends for it besides, as soon as it can go on."""
        pause = min(max(_waited(parked), _CANARY_EVERY), longest)
        return self.clock() - parked.parked_at >= pause

    def _is_due_for_goods(self, cause: Cause, run: _Run, parked: Parked) -> bool:
        """More came since it was tried; or a try is due in any case: some came before they were
        first counted, and what is counted nowhere tells nothing."""
        rose = run.rose.get(cause)
        if rose is not None and rose > parked.parked_at:
            return True
        waited = _waited(parked)
        is_known = cause in run.rose and waited >= _CANARY_EVERY
        pause = min(max(waited, _CANARY_EVERY), _SELDOM)
        return self.clock() - parked.parked_at >= (_SELDOM if is_known else pause)

    def _risen(self, causes: Sequence[Cause]) -> Mapping[Cause, dt.datetime | None]:
        """Those of ``causes`` whose goods are counted, and since when there are more of them.

        One read for each back office that has any, and what it keeps of them for the next run.
        """
        codes: defaultdict[str, dict[str, Cause]] = defaultdict(dict)
        for cause in causes:
            if cause.cause.startswith(GOODS):
                codes[cause.connection][cause.cause.removeprefix(GOODS)] = cause
        found: dict[Cause, dt.datetime | None] = {}
        for erp, of in codes.items():
            now, name = self.clock(), f"goods:{erp}"
            held = self.control.get(name)
            before = json.loads(held[0]) if held is not None else {}
            known = self.holdings(erp, sorted(of))
            counts = {code: before[code] for code in sorted(of) if code in before}
            for code, holding in sorted(known.items()):
                if holding.as_of is None:
                    continue
                count = sum(holding.free.values())
                rose = _rose(count, before.get(code), now, holding.as_of)
                counts[code] = [str(count), rose]
                # An old count tells nothing of today, but what the next one is more than.
                if now - holding.as_of < _COUNTED:
                    found[of[code]] = dt.datetime.fromisoformat(rose) if rose else None
            if counts or held is not None:
                self._moves(name, json.dumps(counts, separators=(",", ":"), sort_keys=True))
        return found

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
        items = self.attention.open(about="waiting:")
        if not items:
            return 0
        waited_for = {cause_subject(cause) for cause in self.waiting.causes()}
        over = [item for item in items if item.subject not in waited_for]
        met = self.met() if over else ()
        closed = 0
        for item in over:
            if item.id not in met:
                self.attention.close(item.id, now=self.clock(), by="wake: nothing waits for it")
                closed += 1
        return closed


def _waited(parked: Parked) -> dt.timedelta:
    """How long it had waited in vain when it was last tried."""
    return parked.parked_at - (parked.since or parked.parked_at)


def _rose(
    count: Decimal | int, before: Sequence[str] | None, now: dt.datetime, as_of: dt.datetime
) -> str:
    """Since when there are more goods than ``before``; empty for never. The first count may be of
    goods that came since the last try, if it is of a moment ``as_of`` after that."""
    if before is None:
        return as_of.isoformat() if count > 0 else ""
    was, rose = before
    return now.isoformat() if count > Decimal(was) else rose
