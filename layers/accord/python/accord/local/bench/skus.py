"""Many SKUs from a back office into a store, in virtual time: how many calls that takes.

The poller, the flush and the order flow are the real ones; both sides are in memory. Counts are the
same on every machine, and decide. Seconds of the clock on the wall are told.
"""

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from math import ceil

from accord.local.bench.figures import Figure
from accord.local.bench.selling import BUYER, fill, selling
from accord.local.bench.timed import Timed
from accord.local.store.latency import SMALL_HOST
from accord.model.change import Change
from accord.model.documents import Kind
from accord.ports.levels import LevelKind
from accord.rules.config import Config
from accord.sync.sweep import Sweep, Sweeps
from accord.sync.worker import Again, Finished

PARENTS = 1000  # at the most
MINUTE = dt.timedelta(minutes=1)
KINDS: tuple[LevelKind, ...] = ("stock", "price")
_BATCH = 100
_BETWEEN = dt.timedelta(milliseconds=10)  # two changes of an import
_LATER = 6  # minutes, after which nothing can have come late
_LONGEST = 3 * 24 * 60  # minutes of one phase
_ORDERS = 40
_ORDER_EVERY = dt.timedelta(seconds=7)
_PRICE = "9.50"
_READS = frozenset({"holdings", "recipes", "touched", "levels", "dirty", "count_dirty", "demand"})
_SEARCHES = frozenset({"store.products_of", "store.products_by_sku"})

Told = Callable[[str, int, int], object]
"""What is done now, of how many SKUs it is done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One thing that happened to ``skus`` SKUs, and the port calls that it took, ``port.method``.

    ``virtual_s`` is until all was quiet again, in whole minutes.
    """

    name: str
    skus: int
    calls: Counter[str]
    virtual_s: float
    wall_s: float

    @property
    def store_reads(self) -> int:
        return sum(self.calls[call] for call in _SEARCHES)

    @property
    def store_writes(self) -> int:
        return self.calls["store.write_products"]

    @property
    def erp(self) -> int:
        return self._of("erp.")

    @property
    def levels_reads(self) -> int:
        return sum(self.calls[f"levels.{name}"] for name in _READS)

    @property
    def levels_writes(self) -> int:
        return self._of("levels.") - self.levels_reads

    def _of(self, port: str) -> int:
        return sum(count for call, count in self.calls.items() if call.startswith(port))


@dataclass(slots=True)
class Shop:
    """One world with ``skus`` simple products, and a hundredth as many with variations."""

    config: Config
    skus: int
    seed: int
    start: dt.datetime
    told: Told = field(default=lambda *_: None)
    world: Timed = field(init=False)
    phases: dict[str, Phase] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    posted: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    """Of each order: seconds, and writes of products, between its placing and its posting."""
    parents: int = field(init=False)
    _simple: list[str] = field(init=False)
    _variations: list[str] = field(init=False)
    _heard: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.parents = max(1, min(PARENTS, self.skus // _BATCH))
        self._simple = [f"S{n:06}" for n in range(self.skus)]
        self.world = Timed(
            selling(self.config), self.start, seed=self.seed, hook=self._hear, late=_late
        )
        self._variations = fill(self.world, self._simple, self.parents)

    def play(self) -> None:
        """Everything, one thing after another. What the store shows is compared after each."""
        self._phase("first load", self.skus + len(self._variations), least=_LATER)
        self._count(self._simple, 90)
        self._phase("stock of all", self.skus, least=_LATER)
        self._compare(self._simple, 90)
        self._phase("no change", 0)
        sweeps = Sweeps(self.world.rules.erp, self.world.control, self.world.clock)
        for kind in (Kind.STOCK, Kind.PRICE):
            sweeps.ask(kind)
        self._phase("looking through all", self.skus + len(self._variations))
        self._count(self._variations, 80)
        self._phase("variations", len(self._variations), least=_LATER)
        self._compare(self._variations, 80)
        self.world.store.shop.latency = SMALL_HOST
        self._take_orders("orders")
        self._phase("orders", 0)
        for sku in self._simple:
            self.world.erp().set_price(sku, Decimal(_PRICE))
            self.world.clock.now += _BETWEEN
        self._take_orders("prices of all")
        self._phase("prices of all", self.skus)
        shelf = self.world.store.shop.shelf
        prices = {sku: (shelf.find(sku) or {}).get("regular_price") for sku in self._simple}
        self.differences += [f"{sku} costs {it}" for sku, it in prices.items() if it != _PRICE]
        open_ = self.world.attention.open()
        self.differences += [f"{item.subject}: {item.message}" for item in open_]

    def figures(self) -> list[Figure]:
        """Counts beside their targets."""
        load, stock, none, sweep, variations, prices = (
            self.phases[name]
            for name in (
                "first load",
                "stock of all",
                "no change",
                "looking through all",
                "variations",
                "prices of all",
            )
        )
        pages = ceil(self.skus / _BATCH)
        every = ceil((self.skus + len(self._variations)) / _BATCH)

        def count(name: str, value: float, target: float) -> Figure:
            return Figure(name, value, "", "≤", target, counted=True)

        return [
            # Stock and prices; of variations a call for each parent.
            count("first load: store writes", load.store_writes, 2 * (pages + self.parents)),
            # A page that is found in part is asked for once more.
            count("first load: store reads", load.store_reads, every + pages),
            count("stock of all: store calls", stock.store_writes + stock.store_reads, pages),
            # A page is read again until nothing can have come late any more: for the overlap.
            count("stock of all: reads of stock", stock.calls["erp.stock"], 4 * pages + 4),
            count("no change: store calls", none.store_writes + none.store_reads, 0),
            count("no change: writes of levels", none.levels_writes, 1),
            count("looking through all: store calls", sweep.store_writes + sweep.store_reads, 0),
            count("variations: store calls", variations.store_writes, self.parents),
            count("prices of all: store writes", prices.store_writes, pages + _ORDERS),
            count("prices of all: orders not posted", self._unposted("prices of all"), 0),
            count("prices of all: batches before an order", self._batches("prices of all"), 0),
            Figure("orders: posted after at most", self._slowest("orders"), "s"),
            Figure(
                "prices of all: order posted after at most", self._slowest("prices of all"), "s"
            ),
        ]

    # --- one phase ------------------------------------------------------------

    def _phase(self, name: str, skus: int, *, least: int = 1) -> None:
        self._heard.clear()
        world, began, wall = self.world, self.world.clock(), time.monotonic()
        took = 60.0
        for minute in range(1, _LONGEST):
            world.run_until(world.clock() + MINUTE)
            left = sum(world.levels.count_dirty(world.store.name, kind) for kind in KINDS)
            self.told(name, max(skus - left, 0), skus)
            if left or not world.is_quiet or self._sweeps():
                took = (world.clock() - began).total_seconds() + 60
            elif minute >= least:
                break
        else:
            self.differences.append(f"{name}: it never ended")
        heard = Counter(self._heard)
        self.phases[name] = Phase(name, skus, heard, took, time.monotonic() - wall)

    def _sweeps(self) -> bool:
        for kind in (Kind.STOCK, Kind.PRICE):
            held = self.world.control.get(f"sweep:{self.world.rules.erp}:{kind.value}")
            if held is not None and Sweep(**json.loads(held[0])).is_due:
                return True
        return False

    def _count(self, skus: Sequence[str], quantity: int) -> None:
        for sku in skus:
            self.world.erp().count_stock(sku, Decimal(quantity))
            self.world.clock.now += _BETWEEN

    def _compare(self, skus: Sequence[str], quantity: int) -> None:
        shown = {sku: self.world.store.stock_of(sku) for sku in skus}
        self.differences += [f"{sku} shows {it}" for sku, it in shown.items() if it != quantity]

    # --- orders meanwhile -------------------------------------------------------

    def _take_orders(self, name: str) -> None:
        world, posted = self.world, self.posted.setdefault(name, [])
        placed: dict[str, tuple[dt.datetime, int]] = {}

        def sell(sku: str) -> None:
            id_ = world.store.sell({sku: 1}, billing=BUYER)
            placed[id_] = world.clock(), self._heard["store.write_products"]

        def ended(change: Change, end: Finished | Again) -> None:
            order = change.ref.id if change.ref.kind == "order" else ""
            if isinstance(end, Finished) and order in placed:
                at, before = placed.pop(order)
                writes = self._heard["store.write_products"] - before
                posted.append(((world.clock() - at).total_seconds(), writes))

        world.ended = ended
        for n in range(_ORDERS):
            sku = self._simple[n * 7 % self.skus]
            world.at(world.clock() + (n + 1) * _ORDER_EVERY, partial(sell, sku))

    def _unposted(self, name: str) -> int:
        return _ORDERS - len(self.posted[name])

    def _batches(self, name: str) -> int:
        return sum(writes for _, writes in self.posted[name])

    def _slowest(self, name: str) -> float:
        return max((after for after, _ in self.posted[name]), default=0.0)

    def _hear(self, call: str) -> None:
        when, _, name = call.partition(" ")
        if when == "before":
            self._heard[name] += 1


def _late(topic: str, _: object) -> dt.timedelta | None:
    """Nobody listens to the echoes of what is written."""
    return None if topic.startswith("product.") else dt.timedelta(0)
