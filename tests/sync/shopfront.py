"""A store, the levels that it should show, and the flows between them, on a virtual clock."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from accord.erp.memory.adapter import Memory
from accord.erp.memory.ledger import Master
from accord.local.model_store import ModelStore
from accord.local.store.latency import NONE, Latency
from accord.local.world import Clock, ModelQueue, hooked
from accord.model.change import Change, Ref
from accord.model.stock import Snapshot
from accord.ports.levels import Demand, Level, LevelKind, Wanted
from accord.ports.state import Item
from accord.rules.config import Store
from accord.state.memory import (
    MemoryAttention,
    MemoryControl,
    MemoryJournal,
    MemoryLinks,
    MemorySteps,
)
from accord.state.memory_levels import MemoryLevels
from accord.sync.feed import EVENTS
from accord.sync.flush import Flush
from accord.sync.outcome import Done, Flushed
from accord.sync.product_items import ProductItems
from accord.sync.products import Products
from accord.sync.turn import EPOCH, TRUSTED, Invocation
from tests.sync.conftest import START, config

UK = "uk"
MAIN = "main"
MINUTE = dt.timedelta(minutes=1)
_TABLES: dict[str, dict[str, Any]] = {
    "flows": {"stock": "on", "prices": "on", "products": "on"},
    "stock": {"locations": ["MAIN"]},
    "prices": {"currency": "GBP"},
}


class Shopfront:
    """``calls`` counts what the store was asked; ``hook`` is told of each port call."""

    def __init__(self, *, latency: Latency = NONE, **tables: dict[str, Any]) -> None:
        tables = {
            name: {**_TABLES.get(name, {}), **tables.get(name, {})}
            for name in _TABLES.keys() | tables.keys()
        }
        self.rules: Store = config(**tables).stores[UK]
        self.clock = Clock(START)
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.shop = ModelStore(
            UK,
            self.clock,
            on_change=lambda topic, body: self.told.append((topic, body.document)),
            latency=latency,
            sleep=self.sleep,
        )
        self.books = Memory.ledger(clock=self.clock, master=Master(locations=["MAIN"]))
        self.erp = Memory(self.books.call, MAIN, clock=self.clock)
        self.levels, self.control = MemoryLevels(), MemoryControl()
        self.control.put(EPOCH, TRUSTED, version=None)
        self.attention, self.journal = MemoryAttention(), MemoryJournal()
        self.links, self.steps = MemoryLinks(), MemorySteps()
        self.queue = ModelQueue(self.clock)
        self.calls: Counter[str] = Counter()
        self.hook: Callable[[str], None] = lambda _: None
        self.slept = dt.timedelta(0)
        self._runs = 0

    # --- time -----------------------------------------------------------------

    def sleep(self, seconds: float) -> None:
        self.clock.now += dt.timedelta(seconds=seconds)

    def pause(self, seconds: float) -> None:
        self.slept += dt.timedelta(seconds=seconds)
        self.sleep(seconds)

    # --- what should be shown ---------------------------------------------------

    def want(self, kind: LevelKind, values: Mapping[str, Mapping[str, Any]]) -> None:
        self.clock.now += dt.timedelta(seconds=1)
        wanted = [Wanted(sku, value, self.clock()) for sku, value in values.items()]
        self.levels.want(UK, kind, wanted)

    def stock(self, quantities: Mapping[str, int], **more: Any) -> None:
        self.want("stock", {sku: {"quantity": q, **more} for sku, q in quantities.items()})

    def observe(self, sku: str, quantity: int) -> None:
        """The back office has so many, and the store should show them."""
        self.clock.now += dt.timedelta(seconds=1)
        snapshot = Snapshot(sku, {"MAIN": Decimal(quantity)}, self.clock())
        self.levels.observe(MAIN, [snapshot])
        self.stock({sku: quantity})

    def order_known(self, sku: str, quantity: int, *, order: str = "1") -> None:
        """An order that took so many from the store is read."""
        pieces = {sku: Decimal(quantity)} if quantity else {}
        self.levels.set_demand(
            Demand(Ref(UK, "order", order), MAIN, pieces, pieces), now=self.clock()
        )

    def level(self, sku: str, kind: LevelKind = "stock") -> Level:
        return self.levels.levels(UK, kind, [sku])[sku]

    # --- the flows --------------------------------------------------------------

    def _hear(self, call: str) -> None:
        when, _, name = call.partition(" ")
        if when == "before" and name.startswith("store.") and name != "store.product":
            self.calls[name.removeprefix("store.")] += 1
        self.hook(call)

    def flow(self) -> Flush:
        return Flush(
            name=UK,
            rules=self.rules,
            store=hooked(self.shop, "store", self._hear),
            levels=hooked(self.levels, "levels", self._hear),
            control=hooked(self.control, "control", self._hear),
            queues=hooked(self.queue, "queues", self._hear),
            attention=hooked(self.attention, "attention", self._hear),
            journal=hooked(self.journal, "journal", self._hear),
            clock=self.clock,
            pause=self.pause,
        )

    def products(self) -> Products:
        return Products(
            name=UK,
            rules=self.rules,
            store=hooked(self.shop, "store", self._hear),
            levels=hooked(self.levels, "levels", self._hear),
            queues=hooked(self.queue, "queues", self._hear),
            journal=self.journal,
            items=ProductItems(
                name=UK,
                rules=self.rules,
                erp_name=MAIN,
                erp=hooked(self.erp, "erp", self._hear),
                links=hooked(self.links, "links", self._hear),
                steps=hooked(self.steps, "steps", self._hear),
                control=self.control,
                clock=self.clock,
            ),
            clock=self.clock,
        )

    def run(self, *, attempt: int = 1, for_: dt.timedelta = MINUTE) -> Invocation:
        self._runs += 1
        return Invocation(f"run-{self._runs}", self.clock() + for_, attempt)

    def post(self, kind: LevelKind = "stock", **run: Any) -> Done:
        """One message of a flush is handled."""
        change = Change(Ref(UK, "levels", kind), EVENTS[kind], self.clock(), "said")
        self.calls.clear()
        return self.flow().post(change, self.run(**run))

    def flush(self, kind: LevelKind = "stock", **run: Any) -> Flushed:
        """The same, where something is to be sent."""
        outcome = self.post(kind, **run).outcome
        assert isinstance(outcome, Flushed), outcome
        return outcome

    def flush_all(self, kind: LevelKind = "stock") -> int:
        """Slice after slice, as they queue each other; how many there were."""
        slices, outcome = 1, self.flush(kind)
        while outcome.left:
            self.queued()
            slices, outcome = slices + 1, self.flush(kind)
        return slices

    def hear(self, sku: str, *, topic: str = "product.updated", **more: Any) -> Done:
        """The webhook about a product, as the store would deliver it now, is handled."""
        doc = self.shop.shop.shelf.find(sku)
        assert doc is not None
        body = self.shop.shop.shelf.delivered(doc["id"])
        return self.tell(str(doc["id"]), document=body, **more)

    def tell(
        self,
        id_: str,
        *,
        document: dict[str, Any] | None = None,
        attempt: int = 1,
        seen_at: dt.datetime | None = None,
        replay: str = "",
    ) -> Done:
        change = Change(
            Ref(UK, "product", id_),
            "product_updated",
            seen_at or self.clock(),
            "heard",
            document=document,
            replay=replay,
        )
        self.calls.clear()
        return self.products().post(change, self.run(attempt=attempt))

    # --- what came of it ----------------------------------------------------------

    def queued(self) -> list[Change]:
        found = []
        while received := self.queue.receive():
            self.queue.done(received[0])
            found.append(received[1])
        return found

    def open(self) -> list[Item]:
        return list(self.attention.open())

    def reasons(self) -> list[tuple[str, str]]:
        return [(item.subject, item.reason) for item in self.attention.open()]

    def product(self, sku: str) -> dict[str, Any]:
        """As the store shows it."""
        doc = self.shop.shop.shelf.find(sku)
        assert doc is not None
        shown: dict[str, Any] = self.shop.shop.shelf.shown(doc)
        return shown

    def meta(self, sku: str) -> dict[str, Any]:
        return {each["key"]: each["value"] for each in self.product(sku)["meta_data"]}
