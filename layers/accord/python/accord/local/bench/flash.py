"""A flash sale in virtual time: does the store ever sell what is not there, and why.

Shoppers buy what the store shows. Its webhooks come late and some never, goods come in and are
counted in the back office, the poller looks each minute, everything takes a little time, and what
is due meanwhile happens meanwhile. The promise: in all, no more pieces are sold that are not there
than the store sold between a look at its stock and the write that followed, or than a count in the
back office found to be gone. Until the order of such a piece is heard of, what comes back or in is
sold to cover it, and may be missing once more. A buffer as large as the most of that at one time,
and none ever is.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from math import ceil
from random import Random

from accord.local.bench.flash_store import FlashStore, Sale, Shown, Span, sold_within
from accord.local.bench.selling import BUYER, fill, selling
from accord.local.bench.timed import Timed
from accord.local.store.deliveries import Body
from accord.local.store.latency import SMALL_HOST
from accord.model.change import Ref
from accord.model.documents import Kind, State
from accord.rules.config import Config
from accord.sync.decide import state_of
from accord.sync.sweep import Sweeps

_SKUS = 12
_MINUTE = dt.timedelta(minutes=1)
_LASTS = dt.timedelta(minutes=90)
_PIECES = 1.6  # of an order
_KNOWN_AFTER = 12 * _MINUTE  # what was lost is found after ten; a look at the stock, a write
_LOST = 0.04  # of the webhooks
_FOUND = dt.timedelta(minutes=10)  # after which a look through the store finds what was lost
_SETTLES = dt.timedelta(minutes=50)  # pieces whose order never came are given up by then
_READ_S = 0.6  # of one answer of the store, at the most
_SLOW_CALL = 0.02  # of all port calls; up to so many seconds
_SLOW_S = 2.0
_DRIFT = 2  # pieces that a count finds more or fewer, at the most

Told = Callable[[int, int], object]


@dataclass(slots=True)
class Result:
    """One sale. Ages and windows are seconds; ``allowed`` is what the promise leaves room for.

    ``oversold`` pieces were bought while they were not there: all of them, also where one that is
    missing is missing to several in turn, since goods come in and orders are cancelled. ``blind``
    pieces were sold, and not known of, when a number was written without a look.
    """

    seed: int
    buffer: int
    near: int
    orders: int = 0
    units: int = 0
    turned_away: int = 0
    oversold: int = 0
    allowed: int = 0
    covering: int = 0
    writes: int = 0
    looks: int = 0
    blind: int = 0
    window_p95: float = 0.0
    window_max: float = 0.0
    age_p95: float = 0.0
    mishaps: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """The promise was kept, and in the end both sides agree."""
        return not self.differences


@dataclass(slots=True)
class _Goods:
    """One SKU: ``there`` is all that ever came in, ``sold`` what was bought and not cancelled."""

    there: int
    sold: int = 0
    shipped: int = 0
    again: int = 0  # came while as many were missing that nobody could know of
    sales: list[Sale] = field(default_factory=list)
    found_fewer: list[tuple[dt.datetime, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Sale:
    """One flash sale of ``orders`` shoppers."""

    config: Config
    orders: int
    seed: int
    start: dt.datetime
    buffer: int
    near: int
    told: Told
    rng: Random = field(init=False)
    world: Timed = field(init=False)
    store: FlashStore = field(init=False)
    goods: dict[str, _Goods] = field(init=False)
    result: Result = field(init=False)
    _placed: dict[str, tuple[str, int]] = field(default_factory=dict)  # not shipped, not cancelled

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.result = Result(self.seed, self.buffer, self.near)
        rules = selling(self.config, buffer=self.buffer, near=self.near)
        self.world = world = Timed(rules, self.start, seed=self.seed, late=self._late)
        self.store = FlashStore(world.store.name, world.clock, on_change=world.store.on_change)
        world.store = self.store
        self.store.shop.sleep = world.wait
        skus = [f"S{n:02}" for n in range(_SKUS)]
        # Everybody wants more than there is; what comes in is among it.
        stock = max(4, ceil(self.orders / _SKUS * 0.6))
        self.goods = {sku: _Goods(stock) for sku in skus}
        self.store.watch(
            Random(f"{self.seed}/read"), read_s=_READ_S, free=self._free, as_of=self._as_of
        )
        fill(world, skus, quantity=stock)
        world.run_until(self.start + 3 * _MINUTE)
        self.store.shop.latency = SMALL_HOST
        self.store.shown.clear()
        world.hook = self._hear

    def play(self) -> Result:
        """All of it."""
        began = self.world.clock()
        for n in range(self.orders):
            self.world.at(began + self.rng.random() * _LASTS, partial(self._buy, n))
        for _ in range(max(_SKUS, self.orders // 25)):
            self.world.at(began + self.rng.random() * _LASTS, self._move_stock)
        self.world.run_until(began + _LASTS + _FOUND)
        self.world.hook = lambda _: None
        self.world.run_until(self.world.clock() + _SETTLES)
        # As each night: it takes back what was subtracted for orders that never came.
        Sweeps(self.world.rules.erp, self.world.control, self.world.clock).ask(Kind.STOCK)
        self.world.run_until(self.world.clock() + 5 * _MINUTE)
        self._measure()
        self._compare()
        return self.result

    # --- what happens ---------------------------------------------------------

    def _buy(self, n: int) -> None:
        self.told(n, self.orders)
        sku = self.rng.choice(list(self.goods))
        quantity = self.rng.choice((1, 1, 1, 2, 3))
        id_ = self.store.buy(sku, quantity, billing=BUYER)
        if not id_:
            self.result.turned_away += 1
            return
        self.result.orders += 1
        self.result.units += quantity
        goods = self.goods[sku]
        goods.sold += quantity
        over = min(quantity, max(0, goods.sold - goods.there))
        goods.sales.append(Sale(self.world.clock(), quantity, over, id_))
        self._placed[id_] = sku, quantity
        if self.rng.random() < 0.03:
            late = dt.timedelta(seconds=self.rng.uniform(5, 600))
            self.world.at(self.world.clock() + late, lambda: self._cancel(id_, sku, quantity))

    def _cancel(self, id_: str, sku: str, quantity: int) -> None:
        if id_ not in self._placed:  # it was shipped
            return
        self._come(sku, quantity)
        self.store.set_status(id_, "cancelled")
        self.goods[sku].sold -= quantity
        self._placed.pop(id_)
        self.result.mishaps["cancelled"] += 1

    def _move_stock(self) -> None:
        sku = self.rng.choice(list(self.goods))
        goods, erp = self.goods[sku], self.world.erp()
        what = self.rng.choice(("received", "counted", "shipped"))
        self.result.mishaps[what] += 1
        if what == "received":
            quantity = self.rng.randint(1, max(2, self.orders // 100))
            self._come(sku, quantity)
            erp.receive_goods(sku, Decimal(quantity))
            goods.there += quantity
        elif what == "counted":
            drift = max(self.rng.choice((-_DRIFT, -1, 1, _DRIFT)), goods.shipped - goods.there)
            self._come(sku, drift)
            erp.count_stock(sku, Decimal(goods.there - goods.shipped + drift))
            goods.there += drift
            if drift < 0:
                goods.found_fewer.append((self.world.clock(), -drift))
        else:
            self._ship()

    def _come(self, sku: str, quantity: int) -> None:
        """So many are there from now on, of which some may be sold though they are missing."""
        goods = self.goods[sku]
        missing = goods.sold - goods.there
        if min(missing, quantity) <= 0:
            return
        unheard = [sale for sale in goods.sales if self._is_unheard(sale.order)]
        hidden = sold_within(unheard, _windows(self.store.shown.get(sku, ())))
        goods.again += min(missing, quantity, hidden)

    def _ship(self) -> None:
        """What was posted first leaves first."""
        erp = self.world.erp()
        for id_, (sku, quantity) in list(self._placed.items())[:20]:
            link = self.world.links.get(Ref(self.store.name, "order", id_))
            if link is None or link.erp is None or state_of(link) is not State.CONFIRMED:
                continue
            if self.goods[sku].there - self.goods[sku].shipped < quantity:
                continue
            erp.ship(link.erp)
            self.goods[sku].shipped += quantity
            del self._placed[id_]

    def _late(self, topic: str, body: Body) -> dt.timedelta | None:
        if not topic.startswith("order."):
            return None
        document = body.document
        rng = Random(f"{self.seed}/{document['id']}/{document['status']}")
        if rng.random() < _LOST:
            self.result.mishaps["webhook lost"] += topic == "order.updated"
            return _FOUND
        return dt.timedelta(seconds=rng.uniform(9, 60))

    def _hear(self, _: str) -> None:
        if self.rng.random() < _SLOW_CALL:
            self.world.wait(self.rng.random() * _SLOW_S)

    # --- what is known from outside -------------------------------------------

    def _free(self, sku: str) -> int:
        return self.goods[sku].there - self.goods[sku].sold

    def _as_of(self, sku: str) -> dt.datetime | None:
        known = self.world.levels.levels(self.store.name, "stock", [sku])
        return known[sku].as_of if sku in known else None

    def _is_unheard(self, order: str) -> bool:
        return self.world.levels.demand(Ref(self.store.name, "order", order)) is None

    # --- what came of it ------------------------------------------------------

    def _measure(self) -> None:
        result = self.result
        written = [each for shown in self.store.shown.values() for each in shown]
        looked = [each for each in written if each.read_at is not None]
        windows = [(each.at - each.read_at).total_seconds() for each in looked if each.read_at]
        ages = [(each.at - each.as_of).total_seconds() for each in written if each.as_of]
        result.writes, result.looks = len(written), len(looked)
        result.window_p95, result.window_max = _p95(windows), max(windows, default=0.0)
        result.age_p95 = _p95(ages)
        result.blind = max((e.excess for e in written if e.read_at is None), default=0)
        for sku, goods in self.goods.items():
            spans = _windows(self.store.shown.get(sku, ()))
            found = sum(fewer for _, fewer in goods.found_fewer)
            over = sum(sale.over for sale in goods.sales)
            allowed = sold_within(goods.sales, spans) + found + goods.again
            result.oversold += over
            result.allowed += allowed
            result.covering = max(result.covering, _covering(goods, spans))
            if over > allowed:
                result.differences.append(
                    f"seed {self.seed}: {sku}: {over} oversold, and {allowed} can be explained"
                )
        if result.oversold and self.buffer >= result.covering:
            result.differences.append(
                f"seed {self.seed}: {result.oversold} oversold with a buffer of {self.buffer}, "
                f"and {result.covering} would do"
            )

    def _compare(self) -> None:
        """Some time later nothing is left to be said, and the store shows what there is."""
        found = self.result.differences
        for sku, goods in self.goods.items():
            due = max(0, goods.there - goods.sold - self.buffer)
            if (shown := self.store.stock_of(sku)) != due and not (due == 0 and (shown or 0) < 0):
                found.append(f"seed {self.seed}: {sku}: {shown} shown in the end, {due} are due")
        for id_ in self._placed:  # those that were cancelled in time are not posted
            link = self.world.links.get(Ref(self.store.name, "order", id_))
            if link is None or link.erp is None:
                found.append(f"seed {self.seed}: order {id_} was not posted")
        found += [
            f"seed {self.seed}: {item.subject}: {item.message}"
            for item in self.world.attention.open()
        ]


def run(
    config: Config,
    orders: int,
    *,
    seed: int,
    start: dt.datetime,
    buffer: int = 0,
    near: int | None = None,
    told: Told = lambda *_: None,
) -> Result:
    """``orders`` shoppers in an hour and a half, for a dozen SKUs.

    ``near`` is the rule; without it what a SKU sells until its orders are known, lost or not.
    """
    if near is None:
        near = max(10, ceil(orders * _PIECES * _KNOWN_AFTER / _LASTS / _SKUS))
    return _Sale(config, orders, seed, start, buffer, near, told).play()


def _windows(shown: Sequence[Shown]) -> list[Span]:
    return [(each.read_at, each.at) for each in shown if each.read_at is not None]


def _covering(goods: _Goods, spans: Sequence[Span]) -> int:
    """The largest error that the number may have had: what was sold in windows, of orders that may
    not have come yet, and what counts had just found to be missing."""
    hidden = [(sale.at, sale.quantity) for sale in goods.sales if sold_within([sale], spans)]
    return _most(hidden, _FOUND + 3 * _MINUTE) + _most(goods.found_fewer, 4 * _MINUTE)


def _most(found: Sequence[tuple[dt.datetime, int]], within: dt.timedelta) -> int:
    return max(
        (sum(n for at, n in found if begin <= at <= begin + within) for begin, _ in found),
        default=0,
    )


def _p95(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))] if ordered else 0.0
