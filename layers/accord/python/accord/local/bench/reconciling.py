"""A whole reconcile of very many orders: what it asks, what it needs, and what it finds."""

import datetime as dt
import resource
import sys
import time
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from accord.local.bench.figures import Figure
from accord.local.bench.two_sides import (
    START,
    Sides,
    SyntheticErp,
    SyntheticLinks,
    SyntheticStore,
)
from accord.ports.queues import Queues
from accord.rules.config import Config, Store, StoreFlows
from accord.rules.selling import PriceRules, StockRules
from accord.state.memory import MemoryAttention, MemoryControl, MemoryWaiting
from accord.state.memory_levels import MemoryLevels
from accord.state.memory_reports import MemoryReports
from accord.sync.reconcile import Reconciler
from accord.sync.report import Report
from accord.sync.sales import BackOffice
from accord.sync.turn import EPOCH, TRUSTED

FAULTS = 50
_LOOKUPS = 4  # calls that a fault may cost beside the lists: looked for by key, and read anew
_MIB = 2**20
Told = Callable[[str, int], object]


@dataclass(slots=True)
class Result:
    """``orders`` compared; ``missed`` faults that were not named, ``invented`` differences."""

    orders: int
    planted: int
    found: int
    slices: int
    seconds: float
    peak_mib: float
    calls: dict[str, int]
    missed: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not (self.missed or self.invented) and all(
            each.met for each in self.figures if each.counted
        )


class _NoQueues(Queues):
    """Nothing is repaired here."""

    def put(self, change: Any, *, sending: str) -> None:
        raise AssertionError(f"{sending} was queued by a run that only looks: {change.ref}")


def run(
    config: Config, orders: int, *, faults: int = FAULTS, told: Told = lambda *_: None
) -> Result:
    """``orders`` orders and as many documents, a fiftieth as many customers and SKUs."""
    name, store = next(iter(config.stores.items()))
    rules = _rules(store)
    now = START + (orders + 1000) * dt.timedelta(minutes=4)
    sides = Sides(name, rules.key, rules.erp, orders, now)
    planted = sides.plant(faults)
    reports, began = MemoryReports(), time.monotonic()
    report, slices = _reconcile(sides, rules, reports, told)
    seconds = time.monotonic() - began
    found = {(each.ref, each.reason) for each in report.differences}
    missed = [f"{reason} of {ref}" for ref, reason in planted if (ref, reason) not in found]
    invented = [str(each) for each in report.differences if (each.ref, each.reason) not in planted]
    calls = dict(sides.calls)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        _MIB if sys.platform == "darwin" else 1024
    )
    result = Result(
        orders=orders,
        planted=len(planted),
        found=report.found,
        slices=slices,
        seconds=seconds,
        peak_mib=peak,
        calls=calls,
        missed=missed,
        invented=invented,
    )
    result.figures = _figures(result, report, sides)
    return result


def _figures(result: Result, report: Report, sides: Sides) -> list[Figure]:
    pages, others = -(-result.orders // 100), -(-sides.others // 100)
    asked = result.calls
    # The last page may be full, and then another look says that it was the last. What was sold a
    # moment ago is asked for once, before stock is compared.
    limits = {
        "pages of orders": pages + 2,
        "pages of sales": pages + 1 + result.planted // 100,
        "orders by id": _LOOKUPS * result.planted,
        "sales by key": _LOOKUPS * result.planted,
        "others of the store": 6 * (others + 1),
        "others of the back office": 9 * (others + 1),
        "bulk reads of links": 2 * pages + others + _LOOKUPS * result.planted,
    }
    return [
        Figure("faults planted", result.planted),
        Figure("faults not named", len(result.missed), "", "≤", 0, counted=True),
        Figure("differences made up", len(result.invented), "", "≤", 0, counted=True),
        *(Figure(each, asked.get(each, 0), "", "≤", most, True) for each, most in limits.items()),
        Figure("peak memory of the process", result.peak_mib, "MiB", "≤", 256),
        Figure("orders per second", report.compared["orders"] / result.seconds),
        Figure("slices of a minute", result.slices),
    ]


def _reconcile(
    sides: Sides, rules: Store, reports: MemoryReports, told: Told
) -> tuple[Report, int]:
    control, links, store = MemoryControl(), SyntheticLinks(sides), SyntheticStore(sides)
    control.put(EPOCH, TRUSTED, version=None)
    levels, began = MemoryLevels(), time.monotonic()

    def clock() -> dt.datetime:
        return sides.clock + dt.timedelta(seconds=time.monotonic() - began)

    reconciler = Reconciler(
        name=sides.name,
        stores={sides.name: rules},
        stage="bench",
        backs=[BackOffice(sides.erp, SyntheticErp(sides), zoneinfo.ZoneInfo("UTC"))],
        store=store,
        shop=store,
        links=links,
        waiting=MemoryWaiting(),
        attention=MemoryAttention(),
        levels=lambda: levels,
        control=control,
        queues=_NoQueues(),
        reports=reports,
        clock=clock,
        random=Random(1),
    )
    reconciler.begin(since=None, repair=False, by="the bench")
    slices = 0
    while True:
        slices += 1
        sliced = reconciler.go_on(
            until=clock() + dt.timedelta(minutes=1),
            told=lambda kind, report: told(kind, report.compared[kind]),
        )
        assert sliced is not None, "nobody else reconciles here"
        if sliced.ended:
            return sliced.report, slices


def _rules(store: Store) -> Store:
    """Everything is kept alike."""
    flows = StoreFlows.model_validate(dict.fromkeys(StoreFlows.model_fields, "on"))
    payments = {**store.mappings.payments}
    payments["stripe"] = payments["*"].model_copy(update={"record": True, "account": "Bank"})
    return store.model_copy(
        update={
            "flows": flows,
            "orders": store.orders.model_copy(update={"start_at": START}),
            "stock": StockRules(locations=("MAIN",)),
            "prices": PriceRules(currency="GBP"),
            "mappings": store.mappings.model_copy(update={"payments": payments}),
        }
    )
