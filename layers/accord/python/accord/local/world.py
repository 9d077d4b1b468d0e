"""The whole service in one process on a virtual clock: nothing waits, everything repeats exactly.

The flows, the worker and `wake` are the real ones; state and back office are the in-memory ones;
the store and the queue are models of what a real one does. A hook is told of every port call,
before and after, and may refuse it or kill the worker there.
"""

import datetime as dt
import heapq
import zoneinfo
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Faults, no_faults
from accord.erp.memory.ledger import Ledger, Master
from accord.errors import AccordError
from accord.local.model_store import ModelStore
from accord.local.store.deliveries import encode, sign
from accord.model.change import Change, Ref
from accord.model.documents import Kind
from accord.ports.limits import Board
from accord.ports.queues import Queues
from accord.rules.config import Config, Store, bears
from accord.state.memory import (
    MemoryAttention,
    MemoryControl,
    MemoryDocuments,
    MemoryJournal,
    MemoryLinks,
    MemoryPayloads,
    MemorySteps,
    MemoryWaiting,
)
from accord.state.memory_levels import MemoryLevels
from accord.state.memory_limits import MemoryBreakers
from accord.state.memory_reports import MemoryReports
from accord.sync.catalogue import CataloguePoller
from accord.sync.customers import Customers
from accord.sync.dead_letters import report
from accord.sync.erp_changes import ErpChanges
from accord.sync.flush import Flush
from accord.sync.fulfilment import Fulfilment
from accord.sync.guard import Guard
from accord.sync.invoices import Invoices
from accord.sync.meter import Meter
from accord.sync.orders import Orders
from accord.sync.pause import Pauses
from accord.sync.poll import Poller
from accord.sync.poll_products import ProductPoller
from accord.sync.poll_store import StorePoller
from accord.sync.product_items import ProductItems
from accord.sync.products import Products
from accord.sync.reconcile import Reconciler
from accord.sync.report import Report
from accord.sync.sales import BackOffice
from accord.sync.told import GRACE
from accord.sync.turn import EPOCH, TRUSTED, Asides, Invocation
from accord.sync.wake import Waker
from accord.sync.worker import Again, Finished, Flow, Worker
from accord.woo.webhook import Delivery, Edge, Message

WORKER_TIMEOUT = dt.timedelta(seconds=60)
VISIBILITY = dt.timedelta(seconds=120)
STORE_POLLS = dt.timedelta(minutes=2)  # as the schedule of `poll_store` has it
RECEIVES = 6
SECRET = "a secret of the model store"
Hook = Callable[[str], None]


class KilledError(BaseException):
    """The worker's process is gone: no handler of ours may catch it."""


class Clock:
    """A virtual clock: it moves when it is told to."""

    def __init__(self, start: dt.datetime) -> None:
        self.now = start

    def __call__(self) -> dt.datetime:
        return self.now


def hooked(port: Any, name: str, hook: Hook) -> Any:
    """``port`` with ``hook`` told ``before name.method`` and ``after name.method`` of each call."""

    class Hooked:
        def __getattr__(self, method: str) -> Any:
            real = getattr(port, method)
            if not callable(real):
                return real

            def call(*args: Any, **kwargs: Any) -> Any:
                hook(f"before {name}.{method}")
                answer = real(*args, **kwargs)
                hook(f"after {name}.{method}")
                return answer

            return call

    return Hooked()


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
        if name in self._sent and now - self._sent[name] < dt.timedelta(minutes=5):
            return
        self._sent[name] = now
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


@dataclass(slots=True)
class World:
    """One store, one back office, one service between them.

    ``down(now)`` tells whether the back office is off; ``hook`` is told of every port call of the
    worker; ``copies(topic)`` says how often a webhook arrives, 0 for a lost one. ``ends`` are the
    ends of changes in order. ``polls_store``: what no webhook told of is read there, too; then
    ``recovered`` counts such orders.
    """

    config: Config
    start: dt.datetime
    seed: int = 1
    adapter: type[Memory] = Memory
    master: Master | None = None
    faults: Faults = no_faults
    hook: Hook = field(default=lambda _: None)
    down: Callable[[dt.datetime], bool] = field(default=lambda _: False)
    copies: Callable[[str], int] = field(default=lambda _: 1)
    trusted: bool = True
    polls_store: bool = False
    recovered: int = 0
    clock: Clock = field(init=False)
    books: Ledger = field(init=False)
    store: ModelStore = field(init=False)
    queue: ModelQueue = field(init=False)
    links: MemoryLinks = field(init=False)
    steps: MemorySteps = field(init=False)
    waiting: MemoryWaiting = field(init=False)
    attention: MemoryAttention = field(init=False)
    payloads: MemoryPayloads = field(init=False)
    journal: MemoryJournal = field(init=False)
    control: MemoryControl = field(init=False)
    documents: MemoryDocuments = field(init=False)
    levels: MemoryLevels = field(init=False)
    reports: MemoryReports = field(default_factory=MemoryReports)
    guard: Guard = field(init=False)
    ends: list[tuple[Change, Finished | Again]] = field(default_factory=list)
    _name: str = field(init=False)
    _runs: int = 0
    _wake_at: dt.datetime = field(init=False)
    _poll_store_at: dt.datetime = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(self.start)
        self.books = self.adapter.ledger(clock=self.clock, master=self.master, faults=self.faults)
        self._name = next(iter(self.config.stores))
        self._wake_at = self.start + dt.timedelta(minutes=1)
        self._poll_store_at = self.start + STORE_POLLS
        self.store = ModelStore(self._name, self.clock, on_change=self._told)
        self.queue = ModelQueue(self.clock)
        self.forget()

    def forget(self) -> None:
        """New, empty tables, as after a restore that lost everything."""
        self.links, self.steps = MemoryLinks(), MemorySteps()
        self.waiting, self.attention = MemoryWaiting(), MemoryAttention()
        self.payloads, self.journal = MemoryPayloads(), MemoryJournal()
        self.control = MemoryControl()
        self.documents = MemoryDocuments()
        self.levels = MemoryLevels()
        self.guard = Guard(
            board=Board(self.control, self.clock),
            breakers=MemoryBreakers(self.clock),
            meter=Meter(self.control, self.clock, pause=self._pause, random=lambda: 0.5),
            bears=lambda name: bears(self.config, name),
            clock=self.clock,
            new_holder=lambda: f"alone-{self._runs}",
        )
        if self.trusted:
            self.control.put(EPOCH, TRUSTED, version=None)

    def deliver(self, order: dict[str, Any], topic: str = "order.created") -> bool:
        """The store holds ``order`` and its webhook says so; False when the receiver ignores it."""
        self.store.orders[str(order["id"])] = order
        return self.receive(topic, order)

    def receive(self, topic: str, document: dict[str, Any]) -> bool:
        """A webhook of the store arrives; False when the receiver ignores it."""
        body = encode(document)
        headers = {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": sign(body, SECRET)}
        delivery = Delivery(self._name, "127.0.0.1", headers, body, f"delivery-{self._runs}")
        assert delivery.is_genuine([SECRET])
        edge = Edge.from_config(self._name, self.config.stores[self._name].model_dump())
        message = delivery.read(edge, seen_at=self.clock())
        if not isinstance(message, Message):
            return False
        self.queue.put(Change.from_json(message.body), sending=message.sending)
        return True

    def ask_for_refund(self, order_id: str, refund_id: str) -> None:
        """A refund of the order is queued, as the order's own flow does when it sees it."""
        order = Ref(self._name, "order", order_id)
        ref = Ref(self._name, "refund", refund_id)
        change = Change(ref, "refund_issued", self.clock(), "asked", aggregate=order)
        self.queue.put(change, sending=f"asked:{ref}:{self._runs}")

    def _told(self, topic: str, document: dict[str, Any]) -> None:
        for _ in range(self.copies(topic)):
            self.receive(topic, document)

    def drain(self, for_: dt.timedelta = dt.timedelta(days=2)) -> None:
        """Works in virtual time until nothing is queued or waits, or ``for_`` is over."""
        end = self.clock.now + for_
        while True:
            while self.clock.now < end and (self.queue.next_at() or self.waiting.causes()):
                self.drain_until(min(end, self.clock.now + dt.timedelta(minutes=1)))
            all_read = self.poll()
            is_quiet = all_read and not self.queue.next_at()
            if self.clock.now >= end or (is_quiet and not self._finds_more()):
                break
            if not all_read:  # a killed reader's lease runs out by itself
                self.drain_until(self.clock.now + WORKER_TIMEOUT * 2)
        self.wake()  # closes what nothing waits for

    def _finds_more(self) -> bool:
        """Whether the store holds what no webhook told of, once none can come any more."""
        if not self.polls_store:
            return False
        known = len(self.ends)
        self.drain_until(self.clock.now + GRACE + STORE_POLLS + dt.timedelta(minutes=1))
        return len(self.ends) > known

    def drain_until(self, end: dt.datetime) -> None:
        """Works, and wakes each minute, until the clock says ``end``."""
        while True:
            ready = self.queue.next_at()
            moment = min(self._wake_at, ready) if ready is not None else self._wake_at
            if moment > end:
                break
            self.clock.now = max(self.clock.now, moment)
            if ready is not None and ready <= self.clock.now:
                self.work()
            else:
                self.wake()
                self.poll()
                self._wake_at = self.clock.now + dt.timedelta(minutes=1)
        self.clock.now = max(self.clock.now, end)

    def work(self) -> bool:
        """One message received and handled, or its worker killed; False when none is visible."""
        received = self.queue.receive()
        if received is None:
            return False
        group, change, receives = received
        self._runs += 1
        run = Invocation(f"run-{self._runs}", self.clock.now + WORKER_TIMEOUT, receives)
        try:
            end = self._worker().handle(change, run, self.flow_of)
        except KilledError:
            self.queue.hide(group, self.clock.now + VISIBILITY)
            self._bury()
            return True
        self.ends.append((change, end))
        if isinstance(end, Again):
            self.queue.hide(group, self.clock.now + dt.timedelta(seconds=end.delay))
            self._bury()
        else:
            self.queue.done(group)
        return True

    def wake(self) -> None:
        """What `wake` does each minute."""
        Waker(
            waiting=self.waiting,
            attention=self.attention,
            control=self.control,
            queues=self.queue,
            ping=self._ping,
            rules_version=self._rules_version,
            clock=self.clock,
            random=Random(self.seed),
            is_held=lambda name: self.guard.held(name) is not None,
            room=self.guard.room,
        ).run()

    def poll(self) -> bool:
        """What `poll_erp` does each minute, for every kind that a flow is on for; False when one of
        them broke off."""
        flows, all_read = self.rules.flows, True
        asked = {
            Kind.SALES_ORDER: flows.erp_changes,
            Kind.SHIPMENT: flows.fulfilment,
            Kind.INVOICE: "on" if "on" in {flows.invoices, flows.erp_changes} else "off",
            Kind.PARTY: flows.customers,
        }
        of_items = {
            Kind.RECIPE: flows.stock,
            Kind.STOCK: flows.stock,
            Kind.PRICE: flows.prices,
            Kind.ITEM: flows.products,
        }
        for kind, flow in (asked | of_items).items():
            if flow == "off" or kind not in self.adapter.capabilities.tells:
                continue
            until = self.clock.now + WORKER_TIMEOUT
            what = "catalogue" if kind in of_items else "polls"
            holder = f"poll-{kind.value}-{self.clock.now:%FT%T}"
            try:
                with self.guard.operation(what, calls=1, holder=holder, until=until):
                    poller = self._catalogue_poller() if kind in of_items else self._poller()
                    poller.run(kind, until=until)
            except (AccordError, KilledError):
                all_read = False  # the next minute's run goes on where this one broke off
        if self.polls_store and self.clock.now >= self._poll_store_at:
            self._poll_store_at = self.clock.now + STORE_POLLS
            all_read &= self.poll_store()
        return all_read

    def poll_store(self) -> bool:
        """What `poll_store` does every two minutes; False when it broke off."""
        try:
            polled = self.store_poller().run(until=self.clock.now + WORKER_TIMEOUT)
        except (AccordError, KilledError):
            return False
        self.recovered += polled.recovered
        return not polled.behind

    def sweep(self) -> None:
        """What the night's schedule asks for: the next polls read every item once."""
        for kind in (Kind.STOCK, Kind.PRICE, Kind.ITEM):
            self._catalogue_poller().ask_for_sweep(kind)

    def reconcile(
        self,
        *,
        repair: bool = False,
        since: dt.datetime | None = None,
        slice_: dt.timedelta = WORKER_TIMEOUT,
    ) -> Report:
        """What `reconcile` does at night, slice after slice; the page is in ``reports``."""
        reconciler = self.reconciler()
        reconciler.begin(since=since, repair=repair, by="the night")
        while True:
            sliced = reconciler.go_on(until=self.clock() + slice_)
            assert sliced is not None, "nobody else reconciles here"
            if sliced.ended:
                return sliced.report
            self.clock.now += dt.timedelta(minutes=1)

    def reconciler(self) -> Reconciler:
        """Of the store, over hooked ports."""
        store = hooked(self.store, "store", self.hook)
        return Reconciler(
            name=self._name,
            stores=self.config.stores,
            stage="",
            backs=[self._back_office(self.rules.erp)],
            store=store,
            shop=store,
            links=hooked(self.links, "links", self.hook),
            waiting=self.waiting,
            attention=self.attention,
            levels=lambda: self.levels,
            control=self.control,
            queues=self.queue,
            reports=self.reports,
            clock=self.clock,
            random=Random(self.seed + self._runs),
        )

    @property
    def rules(self) -> Store:
        return self.config.stores[self._name]

    def flow_of(self, change: Change) -> Flow:
        """The flow of the change's event, over hooked ports."""
        match change.event:
            case "order_fulfilled":
                return Fulfilment(**self._aside())
            case "invoice_posted":
                return Invoices(**self._aside())
            case "order_changed_in_erp":
                return ErpChanges(**self._aside())
            case "customer_changed":
                return self._customers()
            case "product_updated" if change.ref.kind == "product":
                return self._products()
            case "stock_changed" | "price_changed" | "product_updated":
                return self._flush()
            case _:
                return self.flow()

    def flow(self) -> Orders:
        """The order flow over hooked ports."""
        return Orders(
            name=self._name,
            rules=self.rules,
            back_office=self._back_office,
            store=self._guarded_store(),
            links=hooked(self.links, "links", self.hook),
            steps=hooked(self.steps, "steps", self.hook),
            control=hooked(self.control, "control", self.hook),
            queues=hooked(self.queue, "queues", self.hook),
            journal=hooked(self.journal, "journal", self.hook),
            clock=self.clock,
            levels=hooked(self.levels, "levels", self.hook),
        )

    def _aside(self) -> dict[str, Any]:
        links = hooked(self.links, "links", self.hook)
        journal = hooked(self.journal, "journal", self.hook)
        queues = hooked(self.queue, "queues", self.hook)
        return {
            "name": self._name,
            "rules": self.rules,
            "erp": lambda _: self._guarded_erp(),
            "store": self._guarded_store(),
            "asides": Asides(links, journal, queues, self.clock),
            "control": hooked(self.control, "control", self.hook),
            "steps": hooked(self.steps, "steps", self.hook),
            "documents": hooked(self.documents, "documents", self.hook),
            "documents_url": "https://accord.example",
            "clock": self.clock,
            "prod": self.rules.prod,
        }

    def _customers(self) -> Customers:
        return Customers(
            name=self._name,
            rules=self.rules,
            erp_name=self.rules.erp,
            erp=self._guarded_erp(),
            store=self._guarded_store(),
            links=hooked(self.links, "links", self.hook),
            steps=hooked(self.steps, "steps", self.hook),
            control=hooked(self.control, "control", self.hook),
            payloads=hooked(self.payloads, "payloads", self.hook),
            attention=hooked(self.attention, "attention", self.hook),
            journal=hooked(self.journal, "journal", self.hook),
            queues=hooked(self.queue, "queues", self.hook),
            clock=self.clock,
        )

    def store_poller(self) -> StorePoller:
        """What asks the store, over hooked ports."""
        store = self._guarded_store()
        links = hooked(self.links, "links", self.hook)
        control = hooked(self.control, "control", self.hook)
        queues = hooked(self.queue, "queues", self.hook)
        random = Random(self.seed + int(self.clock.now.timestamp()))
        return StorePoller(
            name=self._name,
            rules=self.rules,
            store=store,
            shop=store,
            links=links,
            control=control,
            queues=queues,
            waiting=hooked(self.waiting, "waiting", self.hook),
            attention=hooked(self.attention, "attention", self.hook),
            products=ProductPoller(
                name=self._name,
                rules=self.rules,
                store=store,
                links=links,
                levels=hooked(self.levels, "levels", self.hook),
                control=control,
                queues=queues,
                clock=self.clock,
                random=random,
            ),
            clock=self.clock,
            random=random,
        )

    def _poller(self) -> Poller:
        return Poller(
            erp_name=self.rules.erp,
            adapter=self._guarded_erp(),
            links=hooked(self.links, "links", self.hook),
            control=hooked(self.control, "control", self.hook),
            queues=hooked(self.queue, "queues", self.hook),
            flows=lambda name: self.config.stores[name].flows,
            clock=self.clock,
            random=Random(self.seed),
            new_parties=self.rules.customers.create_in_store,
        )

    def _flush(self) -> Flush:
        return Flush(
            name=self._name,
            rules=self.rules,
            store=self._guarded_store(),
            levels=hooked(self.levels, "levels", self.hook),
            control=hooked(self.control, "control", self.hook),
            queues=hooked(self.queue, "queues", self.hook),
            attention=hooked(self.attention, "attention", self.hook),
            journal=hooked(self.journal, "journal", self.hook),
            clock=self.clock,
            pause=self._pause,
        )

    def _products(self) -> Products:
        items = ProductItems(
            name=self._name,
            rules=self.rules,
            erp_name=self.rules.erp,
            erp=self._guarded_erp(),
            links=hooked(self.links, "links", self.hook),
            steps=hooked(self.steps, "steps", self.hook),
            control=hooked(self.control, "control", self.hook),
            clock=self.clock,
        )
        return Products(
            name=self._name,
            rules=self.rules,
            store=self._guarded_store(),
            levels=hooked(self.levels, "levels", self.hook),
            queues=hooked(self.queue, "queues", self.hook),
            journal=hooked(self.journal, "journal", self.hook),
            items=items,
            clock=self.clock,
        )

    def _pause(self, seconds: float) -> None:
        self.clock.now += dt.timedelta(seconds=seconds)

    def _catalogue_poller(self) -> CataloguePoller:
        return CataloguePoller(
            erp_name=self.rules.erp,
            adapter=self._guarded_erp(),
            levels=hooked(self.levels, "levels", self.hook),
            control=hooked(self.control, "control", self.hook),
            queues=hooked(self.queue, "queues", self.hook),
            attention=hooked(self.attention, "attention", self.hook),
            journal=hooked(self.journal, "journal", self.hook),
            stores=self.config.stores,
            clock=self.clock,
            random=Random(self.seed + self._runs),  # what it queues is told apart by it
        )

    def _back_office(self, name: str) -> BackOffice:
        zone = zoneinfo.ZoneInfo(self.config.erps[name].time_zone)
        return BackOffice(name, self._guarded_erp(), zone)

    def _guarded_erp(self) -> Any:
        return self.guard.over(hooked(self._erp(), "erp", self.hook), self.rules.erp)

    def _guarded_store(self) -> Any:
        readers = ("order", "customer", "product")
        return self.guard.over(hooked(self.store, "store", self.hook), self._name, free=readers)

    def _ping(self, connection: str) -> None:
        port = self._erp() if connection in self.config.erps else self.store
        self.guard.over(port, connection).ping()

    @property
    def pauses(self) -> Pauses:
        """What an operator does to connections."""
        return Pauses(self.guard.board, self.journal, self.clock)

    def erp(self) -> Memory:
        """The back office as a person there uses it."""
        return self._erp()

    def _erp(self) -> Memory:
        def call(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
            if self.down(self.clock.now):
                error = {"code": "unavailable", "message": "it is off", "sent": False}
                return {"error": error}
            return self.books.call(operation, arguments)

        return self.adapter(call, self.config.stores[self._name].erp, clock=self.clock)

    def _rules_version(self) -> str:
        return str(hash(self.config.model_dump_json()))

    def _worker(self) -> Worker:
        return Worker(
            waiting=self.waiting,
            attention=self.attention,
            payloads=self.payloads,
            clock=self.clock,
            random=Random(self.seed + self._runs),
            rules_version=self._rules_version,
            turn=self.guard.turn,
        )

    def _bury(self) -> None:
        while self.queue.dead:
            change = self.queue.dead.pop()
            report(
                change.to_json(),
                queue=change.event,
                attention=self.attention,
                payloads=self.payloads,
                now=self.clock(),
            )
