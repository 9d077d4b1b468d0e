"""One change handled: done, to be tried again soon, parked, or a person's. Nothing is lost.

The queue holds work for minutes, the waiting list for days, the attention list until someone acts.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Protocol, runtime_checkable

from accord.errors import (
    AccordError,
    BusyError,
    NotNowError,
    OutageError,
    Owner,
    PermanentError,
    RateLimitedError,
    StaleVersionError,
    TransientError,
    UnauthorizedError,
    UnmappedError,
    WaitingError,
)
from accord.model.change import Change
from accord.ports.state import Attention, Cause, Item, Parked, Payloads, Waiting
from accord.sync.outcome import Done, Flushed, Outcome, Posted
from accord.sync.turn import DISMISSED, Invocation

BUSY = "busy"  # the cause of what other workers held for too long
LIMIT = "limit"  # the cause of what was told "too many" each time, by the other side or by us
FORBIDDEN = "forbidden"  # the reason where our login is good, and may not do that
WAKE = "wake"  # who sent a change that was waiting
TRIES = 4  # the fourth transient failure parks
_DELAYS_S = (5.0, 15.0, 45.0)  # at most, before each further try; at least half of it
# A live holder is done in moments. A killed one's lease lasts 65 s: then it is parked for a minute.
_BUSY_DELAYS_S = (2.0, 8.0, 60.0)
_LONGEST_S = 15 * 60.0  # in the queue; what is wanted later than that is parked in the end
_MESSAGE_LENGTH = 1500  # of an attention item, which has 4 KB in all


def _outage(change: Change, error: TransientError, run: Invocation) -> NotNowError:
    """The error under which the fourth failure parks."""
    message = f"{error}; tried {run.attempt} times"
    connection = error.connection or change.ref.system
    if isinstance(error, BusyError):
        return WaitingError(message, connection=connection, causes=(BUSY,))
    if isinstance(error, RateLimitedError):
        return WaitingError(message, connection=connection, causes=(LIMIT,))
    return OutageError(message, connection=connection)


def _name(outcome: Outcome) -> str:
    """For the metrics: a document is posted once, however often it is brought forward."""
    if isinstance(outcome, Posted) and not outcome.made:
        return "advanced"
    return type(outcome).__name__.lower()


class Flow(Protocol):
    """What handles one kind of change."""

    def post(self, change: Change, run: Invocation) -> Done: ...


@runtime_checkable
class Dismissable(Protocol):
    """A flow that ends something once a person has dismissed what is the matter."""

    def let_be(self, change: Change) -> None: ...


@dataclass(frozen=True, slots=True)
class Finished:
    """The message is done. ``text`` is for the log: refs, codes and amounts.

    ``figures`` are metrics beside the usual ones: (name, value).
    """

    outcome: str
    text: str
    figures: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """The message must come back after ``delay`` seconds."""

    delay: float
    text: str


def _alone(_change: Change, _run: Invocation) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Worker:
    """Runs a flow and gives each failure its one place. ``turn`` surrounds each change.

    ``tables(change, causes)``: where accord.toml names the codes that ``causes`` lack.
    """

    waiting: Waiting
    attention: Attention
    payloads: Payloads
    clock: Callable[[], dt.datetime]
    random: Random
    rules_version: Callable[[], str]
    turn: Callable[[Change, Invocation], AbstractContextManager[None]] = field(default=_alone)
    tables: Callable[[Change, Sequence[str]], Sequence[str]] = field(default=lambda _, __: ())

    def handle(
        self, change: Change, run: Invocation, flow: Callable[[Change], Flow]
    ) -> Finished | Again:
        """What became of ``change``, which ``flow`` finds its flow for."""
        began = self.clock()
        # As it is now: what is parked while we work is somebody else's, and stays.
        # A part of an order is queued again by its order, so it may wait without being a replay.
        may_wait = change.replay or change.aggregate is not None
        parked = self.waiting.get(change.ref) if may_wait else None
        if change.replay == WAKE and parked is None:
            return Finished("skipped", "nothing due: it went through since it was woken")
        handler: Flow | None = None
        try:
            with self.turn(change, run):
                handler = flow(change)
                done = handler.post(change, run)
        except NotNowError as error:
            parking = self._dismissed(change, error) or error
            self._park(change, parking, parked)
            return Finished("parked", _said(parking))
        except TransientError as error:
            if run.attempt < TRIES:
                return Again(self._delay(error, run.attempt), _said(error))
            parking = _outage(change, error, run)
            self._park(change, parking, parked)
            return Finished("parked", f"{_said(error)}; tried {run.attempt} times")
        except PermanentError as error:
            is_open = self._ask(change, error)
            if change.ref.kind == "refund":  # nothing hides another trouble of it
                self._settle(change, began, but={error.reason})
            elif error.over:
                self._settle(change, began, of=error.over)
            self._unpark(parked)  # it no longer waits for that: a person has it now
            if not is_open:
                left = f"{_said(error)}, who dismissed it"
                return self._let_be(change, run, handler) or Finished("dismissed", left)
            return Finished("attention", _said(error))
        for asked in done.asks:
            self._ask(change, asked)
        if done.settles:
            self._settle(change, began, but={asked.reason for asked in done.asks})
            self._unpark(parked)
        figures = tuple(done.outcome.figures()) if isinstance(done.outcome, Flushed) else ()
        return Finished(_name(done.outcome), _told(done), figures)

    def _let_be(self, change: Change, run: Invocation, handler: Flow | None) -> Again | None:
        """What a person dismissed is over; a table that cannot say so now is asked again."""
        try:
            if isinstance(handler, Dismissable):
                handler.let_be(change)
        except TransientError as error:
            if run.attempt < TRIES:
                return Again(self._delay(error, run.attempt), _said(error))
        return None

    def _dismissed(self, change: Change, error: NotNowError) -> WaitingError | None:
        """Another ``error`` where a person dismissed what is the matter with the change's order:
        nobody is about to mend it, and each try may cost a call in vain."""
        if not isinstance(error, WaitingError):
            return None
        items = filter(None, map(self.attention.get, error.behind))
        if not any(item.dismissed and item.closed_at is not None for item in items):
            return None
        return WaitingError(
            f"{error}, who dismissed that; once it is mended, run `accord attention replay "
            f"{change.aggregate}`",
            connection=error.connection,
            causes=(DISMISSED,),
        )

    def _delay(self, error: TransientError, attempt: int) -> float:
        """Seconds until the next try: longer each time, and what was asked for at the least."""
        delays = _BUSY_DELAYS_S if isinstance(error, BusyError) else _DELAYS_S
        longest = delays[attempt - 1]
        delay = self.random.uniform(longest / 2, longest)
        if error.retry_after is None or isinstance(error, BusyError):
            return delay
        return min(max(error.retry_after, delay) + self.random.uniform(0, 1), _LONGEST_S)

    def _park(self, change: Change, error: NotNowError, was: Parked | None) -> None:
        """Kept without its document, which is read anew when its time comes. ``was``: as it was
        parked before."""
        now = self.clock()
        cause, message = Cause(error.connection, error.cause), self._message(change, error)
        is_same = was is not None and Cause(was.connection, was.cause) == cause
        since = (was.since or was.parked_at) if was is not None and is_same else None
        self.waiting.park(
            Parked(
                change=change.without_document(),
                connection=cause.connection,
                cause=cause.cause,
                message=message,
                placed_at=change.placed_at or change.seen_at,
                parked_at=now,
                rules=self.rules_version(),
                since=since,
            )
        )
        self.attention.put(
            Item(
                id=item_id(cause_subject(cause), "waiting"),
                subject=cause_subject(cause),
                reason=reason_of(error),
                owner=error.owner,
                message=message,
                opened_at=now,
                updated_at=now,
                count=self.waiting.count(cause),
                correlation_id=change.correlation_id,
            )
        )

    def _message(self, change: Change, error: NotNowError) -> str:
        """With the tables to mend, which a back office does not know."""
        said, tables = str(error), ""
        if isinstance(error, UnmappedError) and "[stores." not in said:
            with suppress(AccordError):  # the rules cannot be had: it waits all the same
                tables = " and ".join(self.tables(change, error.causes))
        return said[:_MESSAGE_LENGTH] + (f"; see {tables}"[:_MESSAGE_LENGTH] if tables else "")

    def _ask(self, change: Change, error: PermanentError) -> bool:
        """Whether it is open now: what a person dismissed stays closed while nothing changes."""
        item = attention_item(
            change,
            error.reason,
            error.owner,
            str(error),
            now=self.clock(),
            payload=self._payload(change, error),
            content=error.content,
        )
        return self.attention.put(item).closed_at is None

    def _payload(self, change: Change, error: PermanentError) -> str:
        """What was sent and answered, kept for whoever looks."""
        if error.sent is None and error.body is None:
            return ""
        name = f"attention/{item_id(str(change.ref), error.reason)}.json"
        return self.payloads.put(
            name, {"ref": str(change.ref), "sent": error.sent, "answered": error.body}
        )

    def _settle(
        self,
        change: Change,
        began: dt.datetime,
        *,
        but: Collection[str] = (),
        of: Collection[str] | None = None,
    ) -> None:
        """Closes what was open when the change's turn ``began``; what was said since is newer.
        Reasons are left out, or alone closed."""
        for item in self.attention.of(str(change.ref)):
            is_meant = item.reason not in but if of is None else item.reason in of
            if item.updated_at <= began and is_meant:
                self.attention.close(item.id, now=self.clock(), by="a later attempt")

    def _unpark(self, parked: Parked | None) -> None:
        if parked is not None:
            self.waiting.remove(parked)


def _told(done: Done) -> str:
    asks = "; ".join(_said(asked) for asked in done.asks)
    return f"{done.outcome}; {asks}" if asks else str(done.outcome)


def _said(error: AccordError) -> str:
    """For the log. What is for a person may name a shopper (what the other side said, a line's own
    words, a fee's name): it is in the attention item."""
    if isinstance(error, PermanentError | StaleVersionError):
        return f"{error.reason}: for {error.owner}"
    if isinstance(error, UnmappedError):
        return f"{error.reason}: {len(error.causes)} of {error.connection}, for {error.owner}"
    return str(error)


def attention_item(
    change: Change,
    reason: str,
    owner: Owner,
    message: str,
    *,
    now: dt.datetime,
    payload: str = "",
    content: str = "",
) -> Item:
    """The item for one ref and reason; the same trouble again is the same item.

    ``content`` is a fingerprint of what the trouble is about, where one is known.
    """
    return Item(
        id=item_id(str(change.ref), reason),
        subject=str(change.ref),
        reason=reason,
        owner=owner,
        message=message[:_MESSAGE_LENGTH],
        opened_at=now,
        updated_at=now,
        payload=payload,
        correlation_id=change.correlation_id,
        event=change.event,
        aggregate=str(change.aggregate or ""),
        # With the message: the other side may have changed while ours did not.
        content=hashlib.sha256(f"{content}\n{message}".encode()).hexdigest()[:16],
    )


def item_id(subject: str, reason: str) -> str:
    """Twelve characters that an operator can type."""
    return hashlib.sha256(f"{subject}\n{reason}".encode()).hexdigest()[:12]


def reason_of(error: AccordError) -> str:
    """The reason of the item about it: a login that is good, and may not do that, is another."""
    if isinstance(error, UnauthorizedError) and error.is_narrow:
        return FORBIDDEN
    return error.reason


def cause_subject(cause: Cause) -> str:
    """How an attention item names what many wait for."""
    return f"waiting:{cause.connection}:{cause.cause}"
