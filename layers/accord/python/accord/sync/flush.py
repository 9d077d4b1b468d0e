"""What a store should show goes there, one batch after another.

Level-triggered: the message says only that something is to be sent; which SKUs, is read. Values are
absolute, so a batch that was not answered is sent again. One batch is in flight per store: who has
the store's lease sends stock before anything else, and what others were told of comes again.

A store is written to as fast as it bears: batches shrink where it fails or is slow, and grow slowly
again. A run is a slice of the work; what is left is queued as the next one.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import takewhile

from accord.errors import AccordError, BadInputError, BusyError, UnavailableError
from accord.model.change import Change
from accord.ports.levels import Level, LevelKind, Levels
from accord.ports.queues import Queues
from accord.ports.state import Attention, Control, Journal
from accord.ports.store import Store
from accord.rules import config
from accord.sync.feed import EVENTS, SUBJECTS, SWITCHES, Entry, Feed, flow_of, queue_flush
from accord.sync.flush_batch import Batches
from accord.sync.flush_places import Places
from accord.sync.flush_prices import PriceFeed
from accord.sync.flush_products import ProductFeed
from accord.sync.flush_slice import Slice, Walk
from accord.sync.flush_stock import StockFeed
from accord.sync.lease import lease
from accord.sync.outcome import Done, Outcome, Shadowed, Skipped
from accord.sync.pace import Pace
from accord.sync.refusals import Refusals
from accord.sync.turn import Invocation, Story, waits_for_flow

_PAGE = 100  # levels that are read at once
_ROOM = dt.timedelta(seconds=8)  # for a batch, at the least
_ENDING = dt.timedelta(seconds=3)  # for what is kept and queued after it
_TRIES = 3  # of one SKU alone, before the others go on without it
_IN_A_ROW = 9  # failures of single SKUs without a success: it is the store that fails
_BREATH_S = 1.0  # after a failure
_LONGEST_BREATH_S = 10.0  # what is longer is waited for in the queue


@dataclass(slots=True)
class _Work:
    """One run: the kind that was asked for, and stock in between."""

    run: Invocation
    change: Change
    pace: Pace
    refusals: Refusals
    took: dt.timedelta = dt.timedelta(0)  # the last batch
    slices: dict[LevelKind, Slice] = field(default_factory=dict)
    feeds: dict[LevelKind, Feed] = field(default_factory=dict)

    def of(self, kind: LevelKind) -> Slice:
        if kind not in self.slices:
            self.slices[kind] = Slice(kind, self.run, self.pace, self.refusals)
        return self.slices[kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """Of one store. ``pause(seconds)`` waits."""

    name: str
    rules: config.Store
    store: Store
    levels: Levels
    control: Control
    queues: Queues
    attention: Attention
    journal: Journal
    clock: Callable[[], dt.datetime]
    pause: Callable[[float], None]

    def post(self, change: Change, run: Invocation) -> Done:
        """All that there is time for. A change of ``levels`` names the kind; one of ``stock``,
        ``price`` or ``listing`` a SKU that is to be sent again.

        Raises:
            BusyError: another worker writes to the store.
            TransientError: the store does not answer, and nothing went through.
        """
        kind = _kind_of(change)
        flow = flow_of(self.rules, kind)
        waits_for_flow(flow, change, store=self.name, name=SWITCHES[kind])
        if flow == "off":
            return Done(Skipped("the flow is off"))
        if kind == "product" and self.rules.catalogue.owner == "store":
            return Done(Skipped("the store owns the catalogue"), settles=True)
        if flow == "shadow":
            return Done(self._shadow(kind, change, run))
        if change.ref.kind != "levels":
            self.levels.resend(self.name, kind, [change.ref.id])
        held = lease(
            self.control,
            f"lease:flush:{self.name}",
            owner=run.id,
            until=run.lease_until,
            clock=self.clock,
        )
        with held as ours:
            if not ours:
                raise BusyError(f"{self.name} is being written to")
            return Done(self._work(kind, change, run), settles=True)

    # --- one run --------------------------------------------------------------

    def _work(self, kind: LevelKind, change: Change, run: Invocation) -> Outcome:
        pace = Pace.of(self.control, self.name, most=self.rules.limits.batch)
        refusals = Refusals(self.name, self.attention, self.clock, change)
        work = _Work(run, change, pace, refusals)
        try:
            ended = self._all(kind, work)
        except AccordError:
            with suppress(AccordError):  # what broke it off is what matters
                self._queue_woken(work)
                pace.save()
            raise
        self._queue_woken(work)
        pace.save()
        own = work.of(kind)
        if own.error is not None and not own.moved:
            raise own.error
        for slice_ in work.slices.values():
            for sku, error in slice_.failing.items():  # the others went through
                refusals.put(slice_.kind, sku, "store_fails", str(error), owner="ops")
        if not ended:
            self._queue(kind, change, sending=f"on:{run.id}")
        also = tuple(
            each.outcome(left=False)
            for each in work.slices.values()
            if each.kind != kind and each.moved
        )
        if ended and not own.moved and not also:
            return Skipped("all is sent" if not own.failing else "what is left fails")
        outcome = own.outcome(left=not ended, also=also)
        self._tell(change, outcome)
        return outcome

    def _all(self, kind: LevelKind, work: _Work) -> bool:
        """Whether all was sent that can be; False when the time was over before.

        Raises: UnavailableError: the store does not answer.
        """
        feed, slice_, walk = self._feed(kind, work), work.of(kind), Walk()
        batches = Batches(self.name, feed, self.store, self.levels, self._places, self.clock)
        while True:
            if not self._is_turn(kind, work) or not self._has_room(work):
                return False
            try:
                if walk.rows:
                    self._send(batches, walk, work)
                    slice_.in_a_row = 0
                elif not self._read(feed, walk, slice_):
                    return True
            except UnavailableError as error:
                self._failed(error, slice_, work)
                # What was answered is not among what is read again.
                walk.rows, walk.after = (), walk.begin

    def _read(self, feed: Feed, walk: Walk, slice_: Slice) -> bool:
        """The next rows into ``walk``; False where nothing is left to be sent."""
        slice_.trying = ()
        walk.begin = walk.after
        page = _whole(self.levels.dirty(self.name, feed.kind, limit=_PAGE, after=walk.after))
        if page:
            walk.rows = self._places.rows(feed, page, walk, slice_)
            walk.after = _position(page[-1])
            return True
        if walk.orphans and not walk.last:
            walk.after, walk.last = "", True
            return True
        return False

    def _send(self, batches: Batches, walk: Walk, work: _Work) -> None:
        kind, slice_ = batches.feed.kind, work.of(batches.feed.kind)
        parent = walk.rows[0].parent
        alike = list(takewhile(lambda row: row.parent == parent, walk.rows[: work.pace.size]))
        slice_.trying = alike
        began = self.clock()
        alone, again = batches.write(alike, slice_)
        work.took = self.clock() - began
        if work.took > _seconds(self.rules.limits.slow):
            work.pace.bad(len(alike))
        else:
            work.pace.good(len(alike))
        walk.rows = [*again, *walk.rows[len(alike) :]]
        for row in alone:
            if not self._has_room(work):
                break  # they are still to be sent
            slice_.trying = [row]
            batches.write_alone(row, slice_)
        if kind != "stock":
            self._rest(self.clock() - began, work)

    def _failed(self, error: UnavailableError, slice_: Slice, work: _Work) -> None:
        """Fewer at once; of one alone, the others go on without it.

        A store that answers something else does not fail: it is asked, so that what is wrong with
        one product is not held against its orders.

        Raises: UnavailableError: the store fails whatever it is sent, or says for how long. What
        ``Store.ping`` raises: it is the store.
        """
        slice_.error, tried = error, slice_.trying
        if len(tried) > 1:
            slice_.pace.bad(len(tried))
        else:
            slice_.in_a_row += 1
            for row in tried:
                slice_.tries[row.level.sku] += 1
                if slice_.tries[row.level.sku] >= _TRIES:
                    slice_.failing[row.level.sku] = error
        breath = _BREATH_S if error.retry_after is None else error.retry_after
        if slice_.in_a_row >= _IN_A_ROW or breath > _LONGEST_BREATH_S:
            raise error
        self.pause(breath)
        if self._has_room(work):
            self.store.ping()

    # --- whose turn it is -------------------------------------------------------

    def _has_room(self, work: _Work) -> bool:
        longest = _seconds(self.rules.timeout) + _ENDING
        room = min(longest, max(_ROOM, 2 * work.took + _ENDING))
        return self.clock() + room <= work.run.deadline

    def _is_turn(self, kind: LevelKind, work: _Work) -> bool:
        """Prices and products wait for stock, and leave the store time for its shoppers. False
        where that takes longer than there is."""
        if kind == "stock":
            return True
        if not self._stock_first(work):
            return False
        rest = work.pace.rest_until
        if rest is None or rest <= self.clock():
            return True
        if rest + _ROOM > work.run.deadline:
            return False
        self.pause((rest - self.clock()).total_seconds())
        return self._stock_first(work)

    def _stock_first(self, work: _Work) -> bool:
        """Stock is sent by whoever has the lease: its own worker cannot."""
        if flow_of(self.rules, "stock") != "on":
            return True
        waiting = self.levels.dirty(self.name, "stock", limit=len(work.of("stock").failing) + 1)
        if all(level.sku in work.of("stock").failing for level in waiting):
            return True
        return self._all("stock", work)

    def _rest(self, took: dt.timedelta, work: _Work) -> None:
        share = self.rules.limits.catalogue_share
        seconds = Decimal(str(took.total_seconds())) * (1 - share) / share
        work.pace.rest_until = self.clock() + _seconds(seconds) if seconds > 0 else None

    # --- told to others ---------------------------------------------------------

    def _queue(self, kind: LevelKind, change: Change, *, sending: str) -> None:
        queue_flush(
            self.queues,
            self.name,
            kind,
            now=self.clock(),
            correlation_id=change.correlation_id,
            sending=sending,
        )

    def _queue_woken(self, work: _Work) -> None:
        """SKUs that have a place by now get their other levels too."""
        for kind in {kind for slice_ in work.slices.values() for kind in slice_.woken}:
            if flow_of(self.rules, kind) == "on":
                self._queue(kind, work.change, sending=f"placed:{work.run.id}")

    def _tell(self, change: Change, outcome: Outcome) -> None:
        story = Story(self.journal, self.clock, change)
        story.tell("ended", str(outcome))
        story.flush()

    # --- shadow -----------------------------------------------------------------

    def _shadow(self, kind: LevelKind, change: Change, run: Invocation) -> Outcome:
        """Reads and compares; writes to the journal and nowhere else."""
        work = _Work(
            run,
            change,
            Pace.of(self.control, self.name, most=self.rules.limits.batch),
            Refusals(self.name, self.attention, self.clock, change),
        )
        feed = self._feed(kind, work)
        after, alike, others, absent = "", 0, 0, 0
        while self._has_room(work):
            page = self.levels.dirty(self.name, kind, limit=_PAGE, after=after)
            if not page:
                break
            after = _position(page[-1])
            skus = {level.sku.casefold(): level for level in page if level.wanted}
            found = self.store.products_by_sku([level.sku for level in skus.values()])
            shown = {product.sku.casefold(): product for product in found.values()}
            for sku, level in skus.items():
                if sku not in shown:
                    absent += 1
                elif feed.differs(Entry(level, None, level.wanted or {}), shown[sku]):
                    others += 1
                else:
                    alike += 1
        outcome = Shadowed(f"{others} {kind} to send, {alike} shown already, {absent} not there")
        self._tell(change, outcome)
        return outcome

    # --- parts ------------------------------------------------------------------

    @property
    def _places(self) -> Places:
        digits = self.rules.prices.digits
        return Places(self.name, self.store, self.levels, self.clock, digits)

    def _feed(self, kind: LevelKind, work: _Work) -> Feed:
        if kind not in work.feeds:
            work.feeds[kind] = self._made(kind, work)
        return work.feeds[kind]

    def _made(self, kind: LevelKind, work: _Work) -> Feed:
        match kind:
            case "stock":
                return StockFeed(
                    self.name, self.rules, self.store, self.levels, work.pace, self.clock
                )
            case "price":
                return PriceFeed(self.rules.prices)
            case "product":
                return ProductFeed(self.rules, self.store)


def _kind_of(change: Change) -> LevelKind:
    """The kind of level that ``change`` is about. Raises: BadInputError: none."""
    for kind in EVENTS:
        if change.ref.kind == SUBJECTS[kind] or (change.ref.kind, change.ref.id) == (
            "levels",
            kind,
        ):
            return kind
    raise BadInputError(f"{change.ref} names no levels")


def _parent(level: Level) -> str:
    return level.place.parent if level.place else ""


def _position(level: Level) -> str:
    """Where ``Levels.dirty`` goes on behind it."""
    return f"{_parent(level)}/{level.sku}"


def _whole(page: Sequence[Level]) -> Sequence[Level]:
    """``page`` without the variations of its last parent, unless there is room for all of them:
    they are one call, not two."""
    if len(page) < _PAGE:
        return page
    last = _parent(page[-1])
    kept = [level for level in page if _parent(level) != last]
    return kept or page


def _seconds(seconds: Decimal) -> dt.timedelta:
    return dt.timedelta(milliseconds=int(seconds * 1000))
