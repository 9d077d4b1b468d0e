"""The service's flows over the ports of one world. Each port tells a hook of its every call.

What never changes is made once: a hooked port, a guarded one, the back office's adapter. A port
that is put in another's place is seen at the next use.
"""

import datetime as dt
import zoneinfo
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Faults, no_faults
from accord.erp.memory.ledger import Ledger, Master
from accord.local.hooked import Clock, Hook, heard
from accord.local.model_queue import ModelQueue
from accord.local.model_store import ModelStore
from accord.local.store.deliveries import Body
from accord.model.change import Change
from accord.ports.limits import Board
from accord.rules.config import Config, Store, bears
from accord.rules.limits import Bears
from accord.rules.naming import tables_of
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
from accord.sync.sales import BackOffice
from accord.sync.turn import EPOCH, TRUSTED, Asides
from accord.sync.wake import Waker
from accord.sync.worker import Flow, Worker

_READERS = ("order", "customer", "product")  # of the store: they ask nobody


@dataclass(slots=True)
class Wiring:
    """One store, one back office, the tables between them, and the flows over all of these.

    ``down(now)`` tells whether the back office is off; ``hook`` is told of every port call.
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
    documents: MemoryDocuments = field(init=False)
    levels: MemoryLevels = field(init=False)
    reports: MemoryReports = field(default_factory=MemoryReports)
    guard: Guard = field(init=False)
    _name: str = field(init=False)
    _runs: int = 0
    _hooked: dict[str, tuple[object, Any]] = field(default_factory=dict)
    _guarded: dict[str, tuple[Guard, object, Any]] = field(default_factory=dict)
    _adapters: dict[tuple[type[Memory], str], Memory] = field(default_factory=dict)
    _borne: dict[str, tuple[Config, Bears]] = field(default_factory=dict)
    _version: tuple[Config, str] | None = None

    def __post_init__(self) -> None:
        self.clock = Clock(self.start)
        self.books = self.adapter.ledger(clock=self.clock, master=self.master, faults=self.faults)
        self._name = next(iter(self.config.stores))
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
            bears=self._bears,
            clock=self.clock,
            new_holder=lambda: f"alone-{self._runs}",
        )
        if self.trusted:
            self.control.put(EPOCH, TRUSTED, version=None)

    @property
    def rules(self) -> Store:
        return self.config.stores[self._name]

    @property
    def pauses(self) -> Pauses:
        """What an operator does to connections."""
        return Pauses(self.guard.board, self.journal, self.clock)

    def erp(self) -> Memory:
        """The back office as a person there uses it."""
        name = self.rules.erp
        if (self.adapter, name) not in self._adapters:

            def call(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
                if self.down(self.clock.now):
                    error = {"code": "unavailable", "message": "it is off", "sent": False}
                    return {"error": error}
                return self.books.call(operation, arguments)

            self._adapters[self.adapter, name] = self.adapter(call, name, clock=self.clock)
        return self._adapters[self.adapter, name]

    # --- the flows --------------------------------------------------------------

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
            store=self.guarded_store(),
            links=self.port("links"),
            steps=self.port("steps"),
            control=self.port("control"),
            queues=self.port("queues"),
            journal=self.port("journal"),
            clock=self.clock,
            levels=self.port("levels"),
        )

    def _aside(self) -> dict[str, Any]:
        links, journal, queues = (self.port(name) for name in ("links", "journal", "queues"))
        return {
            "name": self._name,
            "rules": self.rules,
            "erp": lambda _: self._guarded_erp(),
            "store": self.guarded_store(),
            "asides": Asides(links, journal, queues, self.clock),
            "control": self.port("control"),
            "steps": self.port("steps"),
            "documents": self.port("documents"),
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
            store=self.guarded_store(),
            links=self.port("links"),
            steps=self.port("steps"),
            control=self.port("control"),
            payloads=self.port("payloads"),
            attention=self.port("attention"),
            journal=self.port("journal"),
            queues=self.port("queues"),
            clock=self.clock,
        )

    def _flush(self) -> Flush:
        return Flush(
            name=self._name,
            rules=self.rules,
            store=self.guarded_store(),
            levels=self.port("levels"),
            control=self.port("control"),
            queues=self.port("queues"),
            attention=self.port("attention"),
            journal=self.port("journal"),
            clock=self.clock,
            pause=self._pause,
        )

    def _products(self) -> Products:
        items = ProductItems(
            name=self._name,
            rules=self.rules,
            erp_name=self.rules.erp,
            erp=self._guarded_erp(),
            links=self.port("links"),
            steps=self.port("steps"),
            control=self.port("control"),
            clock=self.clock,
        )
        return Products(
            name=self._name,
            rules=self.rules,
            store=self.guarded_store(),
            levels=self.port("levels"),
            queues=self.port("queues"),
            journal=self.port("journal"),
            items=items,
            clock=self.clock,
        )

    # --- schedules --------------------------------------------------------------

    def store_poller(self) -> StorePoller:
        """What asks the store, over hooked ports."""
        store = self.guarded_store()
        links, control, queues = (self.port(name) for name in ("links", "control", "queues"))
        random = Random(self.seed + int(self.clock.now.timestamp()))
        return StorePoller(
            name=self._name,
            rules=self.rules,
            store=store,
            shop=store,
            links=links,
            control=control,
            queues=queues,
            waiting=self.port("waiting"),
            attention=self.port("attention"),
            products=ProductPoller(
                name=self._name,
                rules=self.rules,
                store=store,
                links=links,
                levels=self.port("levels"),
                control=control,
                queues=queues,
                clock=self.clock,
                random=random,
            ),
            clock=self.clock,
            random=random,
        )

    def reconciler(self) -> Reconciler:
        """Of the store, over hooked ports."""
        store = self.port("store")
        return Reconciler(
            name=self._name,
            stores=self.config.stores,
            stage="",
            backs=[self._back_office(self.rules.erp)],
            store=store,
            shop=store,
            links=self.port("links"),
            waiting=self.waiting,
            attention=self.attention,
            levels=lambda: self.levels,
            control=self.control,
            queues=self.queue,
            reports=self.reports,
            clock=self.clock,
            random=Random(self.seed + self._runs),
        )

    def _poller(self) -> Poller:
        return Poller(
            erp_name=self.rules.erp,
            adapter=self._guarded_erp(),
            links=self.port("links"),
            control=self.port("control"),
            queues=self.port("queues"),
            flows=lambda name: self.config.stores[name].flows,
            clock=self.clock,
            random=Random(self.seed),
            new_parties=self.rules.customers.create_in_store,
        )

    def _catalogue_poller(self) -> CataloguePoller:
        return CataloguePoller(
            erp_name=self.rules.erp,
            adapter=self._guarded_erp(),
            levels=self.port("levels"),
            control=self.port("control"),
            queues=self.port("queues"),
            attention=self.port("attention"),
            journal=self.port("journal"),
            stores=self.config.stores,
            clock=self.clock,
            random=Random(self.seed + self._runs),  # what it queues is told apart by it
        )

    def _waker(self) -> Waker:
        return Waker(
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
            holdings=self.levels.holdings,
        )

    def _worker(self) -> Worker:
        return Worker(
            waiting=self.waiting,
            attention=self.attention,
            payloads=self.payloads,
            clock=self.clock,
            random=Random(self.seed + self._runs),
            rules_version=self._rules_version,
            turn=self.guard.turn,
            tables=self._tables,
        )

    # --- ports ------------------------------------------------------------------

    def port(self, name: str) -> Any:
        """The table of that name, ``queues`` or ``store``; each of its calls is told."""
        port = self.queue if name == "queues" else getattr(self, name)
        return self._telling(name, port)

    def _telling(self, name: str, port: object) -> Any:
        held = self._hooked.get(name)
        if held is None or held[0] is not port:
            held = self._hooked[name] = port, heard(port, name, self)
        return held[1]

    def _guarded_erp(self) -> Any:
        return self._under_guard(self._telling("erp", self.erp()), self.rules.erp)

    def guarded_store(self) -> Any:
        """The store as the flows use it: under the guard, and each call is told."""
        return self._under_guard(self.port("store"), self._name)

    def _under_guard(self, port: Any, name: str) -> Any:
        held = self._guarded.get(name)
        if held is None or held[0] is not self.guard or held[1] is not port:
            free = _READERS if name == self._name else ()
            held = self._guarded[name] = self.guard, port, self.guard.over(port, name, free=free)
        return held[2]

    def _back_office(self, name: str) -> BackOffice:
        zone = zoneinfo.ZoneInfo(self.config.erps[name].time_zone)
        return BackOffice(name, self._guarded_erp(), zone)

    def _ping(self, connection: str) -> None:
        port = self.erp() if connection in self.config.erps else self.store
        self.guard.over(port, connection).ping()

    def _bears(self, name: str) -> Bears:
        """What the connection bears, worked out once for one configuration."""
        held = self._borne.get(name)
        if held is None or held[0] is not self.config:
            held = self._borne[name] = self.config, bears(self.config, name)
        return held[1]

    def _tables(self, change: Change, causes: Sequence[str]) -> Sequence[str]:
        name = (change.aggregate or change.ref).system
        rules = self.config.stores.get(name)
        return tables_of(causes, name, rules) if rules is not None else ()

    def _rules_version(self) -> str:
        """One text for one configuration: it is dumped once."""
        if self._version is None or self._version[0] is not self.config:
            self._version = self.config, str(hash(self.config.model_dump_json()))
        return self._version[1]

    # --- for the world ----------------------------------------------------------

    def _pause(self, seconds: float) -> None:
        self.clock.now += dt.timedelta(seconds=seconds)

    def _told(self, topic: str, body: Body) -> None:
        """A webhook of the store. Nobody listens here."""
