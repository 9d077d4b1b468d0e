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
from accord.local.store.deliveries import encode, sign
from accord.model.change import Change
from accord.model.documents import SalesOrder
from accord.ports.queues import Queues
from accord.ports.store import Store
from accord.rules.config import Config
from accord.state.memory import (
    MemoryAttention,
    MemoryControl,
    MemoryJournal,
    MemoryLinks,
    MemoryPayloads,
    MemorySteps,
    MemoryWaiting,
)
from accord.sync.dead_letters import report
from accord.sync.orders import EPOCH, TRUSTED, Invocation, Orders
from accord.sync.wake import Waker
from accord.sync.worker import Again, Finished, Worker
from accord.woo.mapping import from_wire
from accord.woo.webhook import Delivery, Edge, Message, digest

WORKER_TIMEOUT = dt.timedelta(seconds=60)
VISIBILITY = dt.timedelta(seconds=120)
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


class ModelStore(Store):
    """A store: its orders as JSON, and their notes."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.settle = dt.timedelta(seconds=60)
        self.orders: dict[str, dict[str, Any]] = {}
        self.notes: dict[str, list[str]] = defaultdict(list)
        self.reads = 0
        self._clock = clock

    def ping(self) -> None:
        """See Store.ping."""

    def order(self, document: dict[str, Any]) -> SalesOrder:
        """See Store.order."""
        return from_wire(
            document, store=self.name, vat_keys=["_billing_vat_number"], po_keys=["po_number"]
        )

    def get_order(self, id_: str) -> tuple[dict[str, Any], str] | None:
        """See Store.get_order."""
        self.reads += 1
        found = self.orders.get(id_)
        return None if found is None else (found, digest(encode(found)))

    def find_note(self, order_id: str, marker: str) -> str | None:
        """See Store.find_note."""
        for at, note in enumerate(self.notes[order_id]):
            if marker in note:
                return str(at)
        return None

    def add_note(self, order_id: str, text: str, *, to_customer: bool = False) -> str:  # noqa: ARG002
        """See Store.add_note."""
        self.notes[order_id].append(text)
        return str(len(self.notes[order_id]) - 1)


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
        name = f"{change.ref}/{sending}"
        if name in self._sent and now - self._sent[name] < dt.timedelta(minutes=5):
            return
        self._sent[name] = now
        group = str(change.ref)
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
    worker. ``posted`` are the ends of changes in order.
    """

    config: Config
    start: dt.datetime
    seed: int = 1
    adapter: type[Memory] = Memory
    master: Master | None = None
    faults: Faults = no_faults
    hook: Hook = field(default=lambda _: None)
    down: Callable[[dt.datetime], bool] = field(default=lambda _: False)
    trusted: bool = True
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
    ends: list[tuple[Change, Finished | Again]] = field(default_factory=list)
    _name: str = field(init=False)
    _runs: int = 0
    _wake_at: dt.datetime = field(init=False)

    def __post_init__(self) -> None:
        self.clock = Clock(self.start)
        self.books = self.adapter.ledger(clock=self.clock, master=self.master, faults=self.faults)
        self._name = next(iter(self.config.stores))
        self._wake_at = self.start + dt.timedelta(minutes=1)
        self.store = ModelStore(self._name, self.clock)
        self.queue = ModelQueue(self.clock)
        self.forget()

    def forget(self) -> None:
        """New, empty tables, as after a restore that lost everything."""
        self.links, self.steps = MemoryLinks(), MemorySteps()
        self.waiting, self.attention = MemoryWaiting(), MemoryAttention()
        self.payloads, self.journal, self.control = (
            MemoryPayloads(),
            MemoryJournal(),
            MemoryControl(),
        )
        if self.trusted:
            self.control.put(EPOCH, TRUSTED, version=None)

    def deliver(self, order: dict[str, Any], topic: str = "order.created") -> bool:
        """The store holds ``order`` and its webhook says so; False when the receiver ignores it."""
        self.store.orders[str(order["id"])] = order
        body = encode(order)
        headers = {"x-wc-webhook-topic": topic, "x-wc-webhook-signature": sign(body, SECRET)}
        delivery = Delivery(self._name, "127.0.0.1", headers, body, f"delivery-{self._runs}")
        assert delivery.is_genuine([SECRET])
        edge = Edge.from_config(self._name, self.config.stores[self._name].model_dump())
        message = delivery.read(edge, seen_at=self.clock())
        if not isinstance(message, Message):
            return False
        self.queue.put(Change.from_json(message.body), sending=message.sending)
        return True

    def drain(self, for_: dt.timedelta = dt.timedelta(days=2)) -> None:
        """Works in virtual time until nothing is queued or waits, or ``for_`` is over."""
        end = self.clock.now + for_
        while self.clock.now < end and (self.queue.next_at() or self.waiting.causes()):
            self.drain_until(min(end, self.clock.now + dt.timedelta(minutes=1)))
        self.wake()  # closes what nothing waits for

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
            end = self._worker().handle(change, run, lambda _: self.flow())
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
            ping=lambda _: self._erp().ping(),
            rules_version=self._rules_version,
            clock=self.clock,
        ).run()

    def flow(self) -> Orders:
        """The order flow over hooked ports."""
        table = self.config.stores[self._name]
        return Orders(
            name=self._name,
            rules=table,
            erp_name=table.erp,
            time_zone=zoneinfo.ZoneInfo(self.config.erps[table.erp].time_zone),
            store=hooked(self.store, "store", self.hook),
            erp=hooked(self._erp(), "erp", self.hook),
            links=hooked(self.links, "links", self.hook),
            steps=hooked(self.steps, "steps", self.hook),
            control=hooked(self.control, "control", self.hook),
            journal=hooked(self.journal, "journal", self.hook),
            clock=self.clock,
        )

    def _erp(self) -> Memory:
        def call(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
            if self.down(self.clock.now):
                error = {"code": "unavailable", "message": "it is off", "sent": False}
                return {"error": error}
            return self.books.call(operation, arguments)

        return self.adapter(call, self.config.stores[self._name].erp)

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
