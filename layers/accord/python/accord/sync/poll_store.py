"""What a lost webhook would have said: a store's orders and customers, read and queued.

A store tries a delivery once, and switches a webhook off after seven failures. So every order that
was changed is read here as well, by key (changed, id) and from a little before the newest one that
was read. What the links say was handled costs no message, and what was queued once is not queued
again. Beside them the open orders are gone through in slices, since some changes move no date: a
refund taken back, an order deleted for good.

Products are read by their changes, too, where a flow listens to what the store says of them; see
``poll_products``. Customers cannot be asked for by date. Those who order come with their orders;
the others are read whole, a page with each run.

An order of the last moments is left to its webhook, which may take a minute to come.
"""

import contextlib
import datetime as dt
import hashlib
import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from random import Random
from typing import Any

from accord.errors import AccordError, PermanentError
from accord.model.change import Change, Ref
from accord.ports.queues import Queues
from accord.ports.shop import Shop
from accord.ports.state import Attention, Control, Link, Links, Seen, Waiting
from accord.ports.store import ListedOrder, OrderPage, Store
from accord.rules import config
from accord.rules.routing import route
from accord.sync.backfill import CARRIED, CustomerReader
from accord.sync.cursor import ROOM, Reader, set_back
from accord.sync.decide import Create, decide
from accord.sync.lease import lease
from accord.sync.page_size import PageSize
from accord.sync.poll_products import LISTS, ProductPoller
from accord.sync.reading import order_of
from accord.sync.refunds import handled, is_owed
from accord.sync.sales import money
from accord.sync.told import GRACE, OVERLAP, POLLED, Told, is_ripe, is_seen

_AGAIN = dt.timedelta(hours=6)  # what was told so long ago and did not arrive is told once more
_SLICE = 100  # open orders of one run: one call, or two
_LISTS = ("order", "trashed order")  # each with a cursor of its own
_ALL_CUSTOMERS = dt.timedelta(days=1)  # those that nobody could link are told of once more
_SKEW = dt.timedelta(minutes=10)  # that the store's clock may be behind ours
_CUSTOMERS = dt.timedelta(hours=1)  # from one reading of all customers to the next, at least
_Page = tuple[Sequence[ListedOrder], bool, tuple[dt.datetime, str] | None]
_FINAL = frozenset({"completed", "cancelled", "refunded", "failed", "trash"})


@dataclass(slots=True)
class Polled:
    """One run: messages sent, records read, orders of which no webhook had told, accounts that
    cannot be understood, and whether more is there to be read now. ``busy``: nothing was read,
    because another run was reading."""

    sent: int = 0
    read: int = 0
    recovered: int = 0
    unreadable: int = 0
    behind: bool = False
    busy: bool = False


@dataclass(frozen=True, slots=True)
class _Due:
    """What an order shows that the links do not: its own ``event``, or the ``refunds`` that are
    not in the books. Without ``document`` the order is to be read anew."""

    event: str = ""
    refunds: tuple[str, ...] = ()
    document: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePoller:
    """Reads one store. ``shop`` is the same one, as it lists its customers."""

    name: str
    rules: config.Store
    store: Store
    shop: Shop
    links: Links
    control: Control
    queues: Queues
    waiting: Waiting
    attention: Attention
    products: ProductPoller
    clock: Callable[[], dt.datetime]
    random: Random

    def run(self, *, until: dt.datetime, polled: Polled | None = None) -> Polled:
        """Reads and queues until all is read or ``until`` is near. Nothing while another run does.

        One part that fails holds no other up. ``polled`` is what is counted, also if one fails.

        Raises:
            PermanentError: ``cursor_ahead``: an order is later than our clock allows.
            AccordError: the store or a queue does not answer; the cursor stays.
        """
        run, failed = _Run(until, polled if polled is not None else Polled()), []
        owner = f"{self.random.getrandbits(64):016x}"
        name = f"lease:poll:{self.name}"
        with lease(
            self.control, name, owner=owner, until=until + ROOM, clock=self.clock
        ) as is_ours:
            if not is_ours:
                run.polled.busy = True
                return run.polled
            for part in self._parts():
                if self._is_time(run):
                    break
                try:
                    part(run)
                except AccordError as error:
                    failed.append(error)
        failed.sort(key=lambda error: not isinstance(error, PermanentError))
        if failed:
            raise failed[0]
        return run.polled

    def _is_time(self, run: "_Run") -> bool:
        """Too late to begin with more in this run."""
        is_time = self.clock() + ROOM >= run.until
        run.polled.behind |= is_time
        return is_time

    def _parts(self) -> "list[Callable[[_Run], None]]":
        parts: list[Callable[[_Run], None]] = []
        if self.rules.flows.orders != "off":
            parts.append(self._read_orders)
        if self.rules.flows.customers == "on":  # shadow remembers none: each reading would tell all
            parts.append(self._read_customers)
        if self.products.is_needed():
            parts.append(self._read_products)
        return parts

    # --- orders ---------------------------------------------------------------

    def _read_orders(self, run: "_Run") -> None:
        told = Told(self.name, self.control)
        for trashed in (False, True):
            if self._is_time(run):
                break

            def take(page: Sequence[ListedOrder]) -> None:
                for order in page:
                    self._take(order, told, run.polled)
                told.save()

            orders = self._orders(trashed=trashed, until=run.until)
            read = orders.read(take, until=run.until)
            run.polled.read += read.records
            run.polled.behind |= read.behind
        if not run.polled.behind:
            self._read_open(told, run.polled)
        told.save(forget=not run.polled.behind)

    def _orders(self, *, trashed: bool, until: dt.datetime) -> Reader[ListedOrder]:
        """Of the orders by the time of their change, as far as no webhook can come for them."""
        size = PageSize(
            store=self.name,
            what=_LISTS[trashed],
            control=self.control,
            attention=self.attention,
            clock=self.clock,
            ping=self.store.ping,
        )

        def page(since: dt.datetime, after: str) -> _Page:
            def ask(limit: int) -> OrderPage:
                return self.store.orders_since(
                    by="modified", since=since, after=after, limit=limit, trashed=trashed
                )

            where = f"changed since {since:%F %H:%M:%S} UTC"
            where += f" with an id above {after}" if after else ""
            found = size.ask(ask, where=where, until=until)
            ripe = list(itertools.takewhile(self._is_ripe, found.orders))
            reached = found.reached
            if len(ripe) < len(found.orders):
                return ripe, True, None
            # Drafts of the last moments are not passed: an order may be among them by then.
            if reached is not None and reached[0] > self.clock() - GRACE:
                return ripe, True, None
            return ripe, found.is_last, reached

        return Reader(
            system=self.name,
            what=_LISTS[trashed],
            page=page,
            key=lambda order: (order.modified_at, order.ref.id),
            overlap=OVERLAP,
            control=self.control,
            clock=self.clock,
        )

    def _is_ripe(self, order: ListedOrder) -> bool:
        return is_ripe(order.modified_at, self.clock())

    def _take(self, order: ListedOrder, told: Told, polled: Polled) -> None:
        link = self.links.get(order.ref)
        is_posted = link is not None and link.erp is not None
        if order.placed_at < self.rules.orders.start_at and not is_posted:
            return
        seen = Seen(order.modified_at, order.digest)
        due = self._due(order, link, seen)
        refunds = ",".join(due.refunds) if due is not None else ""
        state = f"{order.modified_at.isoformat()} {order.digest} {refunds}"
        now, id_ = self.clock(), order.ref.id
        told_at = told.told_at(id_, state)
        if due is not None and self._is_to_tell(order.ref, due, told_at):
            # One that waits is read anew when it is woken.
            if self.waiting.get(order.ref) is None or due.refunds:
                self._tell(order, due, state, polled)
                if self._is_recovered(order, link, due):
                    polled.recovered += 1
                    told.found(now, "created" if link is None else "updated")
            told_at = now
        elif due is None and not told.has_met(id_):
            told.heard(order.placed_at)
        if link is not None:
            told.heard_by(link.facts, order.placed_at)
        is_open = order.document.get("status") not in _FINAL
        told.met(id_, state, is_open=is_open, told_at=told_at)

    def _due(self, order: ListedOrder, link: Link | None, seen: Seen) -> _Due | None:
        """What a message is worth; None when the link says all that the order does."""
        if not is_seen(link, seen):
            is_new = (link is None or link.erp is None) and self._is_imported(order, link)
            return _Due("order_created" if is_new else "order_updated", document=True)
        if link is None or link.erp is None:
            return None
        shown = _refunds(order.document)
        if owed := tuple(id_ for id_ in shown if is_owed(link, id_)):
            return _Due(refunds=owed)
        back = money(link.facts.get("back", ""))
        known = set(handled(link))
        if known - shown.keys() or (back is not None and sum(shown.values()) != back.amount):
            return _Due("order_updated")
        return None

    def _is_imported(self, order: ListedOrder, link: Link | None) -> bool:
        try:
            document = order_of(self.store, order.document, link)
        except AccordError:
            return True  # which its own flow will say
        routed = route(document, self.rules)
        known = link or Link(order.ref, "", 0)
        return isinstance(decide(known, document, self.rules.orders, routed, amends=()), Create)

    def _is_to_tell(self, order: Ref, due: _Due, told_at: dt.datetime | None) -> bool:
        """Not told of in that state; or so long ago that it was lost, and nobody has it in hand."""
        if told_at is None:
            return True
        if self.rules.flows.orders != "on" or self.clock() - told_at < _AGAIN:
            return False
        refs = [Ref(self.name, "refund", id_) for id_ in due.refunds] or [order]
        return not any(self.waiting.get(ref) or self.attention.of(str(ref)) for ref in refs)

    def _is_recovered(self, order: ListedOrder, link: Link | None, due: _Due) -> bool:
        """A webhook should have told of it, and none had: nobody works at it, and no person has
        it."""
        if self.rules.flows.orders != "on" or not due.document:
            return False
        if link is not None:
            # What moved no date since, no webhook tells of; and without a date nobody can say.
            known = link.seen.modified_at if link.seen is not None else None
            if known is None or order.modified_at <= known:
                return False
            if link.dirty is not None or link.owner:
                return False
        return not self.attention.of(str(order.ref))

    def _tell(self, order: ListedOrder, due: _Due, state: str, polled: Polled) -> None:
        sending = f"poll:{order.ref}:{hashlib.sha256(state.encode()).hexdigest()[:16]}"
        change = self._change(order.ref, due.event, placed_at=order.placed_at)
        for id_ in due.refunds:
            refund = Ref(self.name, "refund", id_)
            self.queues.put(
                replace(change, ref=refund, event="refund_issued", aggregate=order.ref),
                sending=f"{sending}:{id_}",
            )
            polled.sent += 1
        if due.event:
            if due.document:
                is_small = len(json.dumps(order.document)) <= CARRIED
                change = replace(
                    change,
                    modified_at=order.modified_at,
                    digest=order.digest,
                    document=order.document if is_small else None,
                )
            self.queues.put(change, sending=sending)
            polled.sent += 1

    def _read_open(self, told: Told, polled: Polled) -> None:
        """Some of the open orders, whatever their dates say."""
        ids = told.open_slice(_SLICE, self.clock())
        if not ids:
            return
        found = {order.ref.id: order for order in self.store.orders_in(ids)}
        polled.read += len(found)
        for id_ in ids:
            if id_ not in found:
                self._tell_gone(Ref(self.name, "order", id_), told, polled)
            elif self._is_ripe(found[id_]):
                self._take(found[id_], told, polled)

    def _tell_gone(self, ref: Ref, told: Told, polled: Polled) -> None:
        """Deleted for good, of which a store tells nobody."""
        if self.links.get(ref) is not None:  # it may claim goods, with a document or without
            self.queues.put(self._change(ref, "order_updated"), sending=f"poll:{ref}:gone")
            polled.sent += 1
        told.drop(ref.id)

    def _change(self, ref: Ref, event: str, *, placed_at: dt.datetime | None = None) -> Change:
        return Change(
            ref=ref,
            event=event,
            seen_at=self.clock(),
            correlation_id=f"{POLLED}{self.random.getrandbits(64):016x}",
            placed_at=placed_at,
        )

    def _read_products(self, run: "_Run") -> None:
        read, sent = self.products.read(until=run.until)
        run.polled.read += read
        run.polled.sent += sent

    # --- customers ------------------------------------------------------------

    @property
    def _customers(self) -> str:
        """The value of ``control`` that says how far the reading of customers has come."""
        return _customers_name(self.name)

    def _read_customers(self, run: "_Run") -> None:
        held, now = self.control.get(self._customers), self.clock()
        place = _Place.from_json(held[0]) if held is not None else _Place()
        if not place.after:
            if place.due is not None and now < place.due:
                return
            place = place.next(now)
        reader = CustomerReader(
            name=self.name,
            rules=self.rules,
            store=self.store,
            shop=self.shop,
            links=self.links,
            queues=self.queues,
            clock=self.clock,
            says="poll",
            known_total=place.total,
            until=run.until,
            known_since=place.known_since,
        )
        read = reader.read(place.after, place.begun)
        if read is not None:
            run.polled.read += read.count
            run.polled.sent += read.queued
            run.polled.unreadable += sum(line.sign == "!" for line in read.lines)
        after = "" if read is None or read.is_last else read.after
        text = replace(place, after=after, total=reader.known_total).to_json()
        self.control.put(self._customers, text, version=held[1] if held is not None else None)


def reread(control: Control, store: str, since: dt.datetime) -> bool:
    """The next run for ``store`` begins with what was changed then, and reads all customers.
    Whether it would have begun later.

    Raises: StaleVersionError: a run moved the place meanwhile.
    """
    back = [set_back(control, store, what, to=since) for what in (*_LISTS, *LISTS)]
    name = _customers_name(store)
    held = control.get(name)
    if held is not None:
        control.put(name, _Place().to_json(), version=held[1])
    return any(back)


def _customers_name(store: str) -> str:
    return f"poll:{store}:customers"


@dataclass(slots=True)
class _Run:
    until: dt.datetime
    polled: Polled


@dataclass(frozen=True, slots=True)
class _Place:
    """How far the reading of customers has come: ``after`` is the reader's mark, empty between two
    readings, and ``total`` how many there were; ``due`` is when the next may begin, None for at
    once. Accounts without a party that were not changed since ``known_since`` are left; ``all_at``
    is when a reading last began that left none."""

    begun: str = ""
    after: str = ""
    due: dt.datetime | None = None
    total: int | None = None
    known_since: dt.datetime | None = None
    all_at: dt.datetime | None = None

    def next(self, now: dt.datetime) -> "_Place":
        """The beginning of another reading."""
        due = now + _CUSTOMERS
        if not self.begun or self.all_at is None or now - self.all_at >= _ALL_CUSTOMERS:
            return _Place(now.isoformat(), due=due, all_at=now)
        since = dt.datetime.fromisoformat(self.begun)
        return _Place(now.isoformat(), due=due, known_since=since - _SKEW, all_at=self.all_at)

    def to_json(self) -> str:
        due, since, all_at = (
            at.isoformat() if at is not None else ""
            for at in (self.due, self.known_since, self.all_at)
        )
        return json.dumps([self.begun, self.after, due, self.total, since, all_at])

    @classmethod
    def from_json(cls, text: str) -> "_Place":
        """What an earlier release wrote is read too: it ends with the total."""
        begun, after, due, total, *more = json.loads(text)
        at = [dt.datetime.fromisoformat(each) if each else None for each in (due, *more)]
        return cls(begun, after, at[0], total, *at[1:])


def _refunds(document: dict[str, Any]) -> dict[str, Decimal]:
    """The order's refunds by id, each with what was given back."""
    found = {}
    for entry in document.get("refunds") or []:
        with contextlib.suppress(KeyError, TypeError, InvalidOperation):
            found[str(entry["id"])] = -Decimal(str(entry["total"]))
    return found
