"""What many SKUs take, beside a tenth of them: what grows faster than they do shows."""

import datetime as dt
import json
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from accord.local.bench.figures import Figure
from accord.local.bench.selling import fill, selling
from accord.local.bench.skus import MINUTE, Phase, Shop, Told
from accord.local.bench.timed import Timed
from accord.local.store.latency import SMALL_HOST, Latency
from accord.rules.config import Config
from accord.sync.worker import Again

POOR = Latency(item_s=2.0, most=20, gives_up_s=60.0)
_FAST, _SLOW = 1000, 150  # SKUs of a host's run, at the most
_TRACED = 2000  # SKUs whose memory is measured, at the most: tracing takes its time
_PAGES = 300  # SKUs at the least: what is worked on at once is in memory
_LONGEST = 24 * 60  # minutes that a host is given


@dataclass(frozen=True, slots=True)
class Host:
    """A store of some speed that got the stock of ``skus``: ``writes`` batches in ``virtual_s``.

    ``size`` is what a batch settled at; ``unanswered`` runs broke off, ``asked`` persons in vain.
    """

    name: str
    skus: int
    wrong: int
    virtual_s: float
    writes: int
    size: int
    unanswered: int
    asked: int


@dataclass(slots=True)
class Result:
    """What ``skus`` SKUs took."""

    skus: int
    parents: int
    phases: list[Phase]
    hosts: list[Host] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Every count is within its target, and the store shows what it should."""
        return not self.differences and all(each.met for each in self.figures if each.counted)


def run(
    config: Config, skus: int, *, seed: int, start: dt.datetime, told: Told = lambda *_: None
) -> Result:
    """``skus`` simple products, a hundredth as many with variations, then a tenth of all that."""
    small = Shop(config, max(skus // 10, 1), seed, start, told)
    small.play()
    shop = Shop(config, skus, seed, start, told)
    shop.play()
    result = Result(skus, shop.parents, list(shop.phases.values()))
    result.differences = [*small.differences, *shop.differences]
    result.figures = [*shop.figures(), *_growth(small, shop)]
    for name, latency, most in (
        ("2 s for 100 at once", SMALL_HOST, _FAST),
        ("2 s each, 503 above 20", POOR, _SLOW),
    ):
        each = host(config, name, latency, min(skus, most), start=start, told=told)
        result.hosts.append(each)
        result.figures += [
            Figure(f"{name}: not shown", each.wrong, "SKUs", "≤", 0, counted=True),
            Figure(f"{name}: persons asked", each.asked, "", "≤", 0, counted=True),
        ]
    result.figures += _memory(config, min(skus, _TRACED), start=start, told=told)
    return result


def _growth(small: Shop, shop: Shop) -> list[Figure]:
    """Of time and calls per SKU, as many times as for a tenth of them."""
    few, many = small.phases["stock of all"], shop.phases["stock of all"]
    calls = [sum(phase.calls.values()) / phase.skus for phase in (few, many)]
    times = [phase.wall_s / phase.skus for phase in (few, many)]
    return [
        Figure("stock of all: calls per SKU", calls[1] / calls[0], "× a tenth's", "≤", 1.5, True),
        Figure("stock of all: time per SKU", times[1] / times[0], "× a tenth's", "≤", 1.5),
    ]


# --- hosts --------------------------------------------------------------------


def host(
    config: Config,
    name: str,
    latency: Latency,
    skus: int,
    *,
    start: dt.datetime,
    told: Told = lambda *_: None,
) -> Host:
    """The store gets the stock of ``skus`` SKUs, at its own speed."""
    world, codes, loaded = _loaded(config, skus, start)
    writes = unanswered = 0

    def hear(call: str) -> None:
        nonlocal writes
        writes += call == "before store.write_products"

    def ended(_: object, end: object) -> None:
        nonlocal unanswered
        unanswered += isinstance(end, Again)

    world.hook, world.ended, world.store.shop.latency = hear, ended, latency
    for sku in codes:
        world.erp().count_stock(sku, Decimal(90))
    began = world.clock()
    for _ in range(_LONGEST):
        world.run_until(world.clock() + MINUTE)
        left = world.levels.count_dirty(world.store.name, "stock")
        told(name, skus - left, skus)
        if not left:
            break
    pace = world.control.get(f"pace:{world.store.name}")
    return Host(
        name=name,
        skus=skus,
        wrong=sum(world.store.stock_of(sku) != 90 for sku in codes),
        virtual_s=(world.clock() - began).total_seconds(),
        writes=writes,
        size=json.loads(pace[0])["size"] if pace else world.rules.limits.batch,
        unanswered=unanswered,
        asked=len(world.attention.open()) - loaded,
    )


def _loaded(config: Config, skus: int, start: dt.datetime) -> tuple[Timed, list[str], int]:
    """A world whose store shows everything, and what a person is asked there already."""
    world = Timed(selling(config), start, late=lambda *_: None)
    codes = [f"S{n:06}" for n in range(skus)]
    fill(world, codes)
    world.run_until(start + 8 * MINUTE)
    return world, codes, len(world.attention.open())


# --- memory -------------------------------------------------------------------


def _memory(config: Config, skus: int, *, start: dt.datetime, told: Told) -> list[Figure]:
    """What the poller and the flush need while they work, without what both sides keep."""
    few, many = (
        working(config, count, start=start, told=told)
        for count in (max(skus // 10, min(skus, _PAGES)), skus)
    )
    return [
        Figure(f"working memory for {skus} SKUs", many / 2**20, "MiB"),
        Figure("working memory", many / few, "× a tenth's", "≤", 2, counted=True),
    ]


def working(config: Config, skus: int, *, start: dt.datetime, told: Told = lambda *_: None) -> int:
    """Bytes at the highest, above what was there before and above what stayed."""
    world, codes, _ = _loaded(config, skus, start)
    for sku in codes:
        world.erp().count_stock(sku, Decimal(90))
    most = 0

    def traced(act: Callable[[], object]) -> None:
        nonlocal most
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        act()
        after, peak = tracemalloc.get_traced_memory()
        most = max(most, peak - max(before, after))

    told("working memory", 0, skus)
    tracemalloc.start()
    try:
        traced(world.poll)
        while world.queue.next_at() is not None:
            traced(world.work)
    finally:
        tracemalloc.stop()
    told("working memory", skus, skus)
    return most
