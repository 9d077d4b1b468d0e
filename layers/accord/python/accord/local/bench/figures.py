"""The figures of a pass, each beside its target."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from accord.local.bench import calls, mapping, receiver, startup
from accord.local.bench.cost import RECEIVER, Cost
from accord.local.bench.operations import Calls as Operation
from accord.local.place import REPO
from accord.local.recorded import read
from accord.rules.config import Config

DELIVERY = REPO / "events" / "receive_store_webhook" / "order_created_rich.json"
Limit = Literal["≤", "≥"]
# Calls of the store and of the in-memory ledger. The store is read where what it told may not be
# the newest and what follows cannot be undone, and for what it does not tell: a refund's lines.
_OPERATIONS = {
    "place, paid": (1, 6),
    "place, unpaid": (1, 3),
    "pay": (1, 5),
    "edit while unpaid": (1, 3),
    "edit when confirmed": (2, 6),
    "cancel": (2, 1),
    "refund a line": (3, 11),
    "ship": (3, 1),
    "invoice": (2, 4),
    "register": (0, 3),
    "change the account": (0, 2),
    "change the party": (2, 1),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured ``value``. Without a limit there is no ``target``.

    ``counted``: it does not depend on the machine, so that a missed target is a fault.
    """

    name: str
    value: float
    unit: str = ""
    limit: Limit | None = None
    target: float = 0.0
    counted: bool = False

    @property
    def met(self) -> bool:
        """Whether the value is within its target, if it has one."""
        if self.limit is None:
            return True
        return self.value <= self.target if self.limit == "≤" else self.value >= self.target

    def as_json(self) -> dict[str, Any]:
        target = f"{self.limit} {self.target:g}" if self.limit else None
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "target": target,
            "met": self.met,
        }


def of_code(
    config: Config, *, seed: int, at: dt.datetime, progress: Callable[[str], None]
) -> list[Figure]:
    """CPU: start-up of each function, one webhook in the receiver, mapping and deciding."""
    progress("measuring how long each function takes to start")
    found = [
        Figure(
            f"start-up CPU of {folder}",
            ratio,
            "× a bare interpreter",
            "≤" if folder == RECEIVER else None,
            12,
        )
        for folder, ratio in startup.ratios(startup.functions()).items()
    ]
    progress("measuring the receiver")
    webhook = receiver.microseconds(read(DELIVERY))
    found.append(Figure("CPU of one webhook in the receiver", webhook, "µs", "≤", 300))
    progress("measuring mapping and deciding")
    speed = mapping.orders_per_second(config, seed=seed, at=at)
    found.append(Figure("orders mapped and decided", speed, "per second and core", "≥", 2000))
    return found


_CALLS: Final = {"tryton": 4, "odoo": 3, "xero": 2}
"""Calls for an order of a known customer. Tryton's are create, quote, confirm, read; Odoo's load,
read, confirm. Another back office has its own number."""


def of_calls(measured: Iterable[calls.Calls | calls.Absent]) -> list[Figure]:
    """Calls for an order of a known customer, by kind of back office, each beside its target."""
    found = []
    for each in measured:
        if isinstance(each, calls.Calls):
            target = _CALLS.get(each.erp, 0)
            limit: Limit | None = "≤" if target else None
            name = f"{each.erp} calls, {calls.KNOWN}"
            found.append(Figure(name, each.total(calls.KNOWN), "", limit, target, counted=True))
    return found


def of_cost(cost: Cost, erp: str) -> list[Figure]:
    """Calls per order, and what AWS charges."""
    target = _CALLS.get(erp, 0)
    limit: Limit | None = "≤" if target else None
    known, new = cost.known, cost.new
    reads = max(known.store_reads, new.store_reads)
    writes = max(known.store_writes, new.store_writes)
    return [
        Figure("store reads per order", reads, "", "≤", 0, counted=True),
        Figure("store writes per order", writes, "", "≤", 2, counted=True),
        Figure(f"{erp} calls, known customer", known.erp_total, "", limit, target, counted=True),
        Figure(f"{erp} calls, new customer", new.erp_total),
        Figure("AWS operations per order", sum(cost.aws.values())),
        Figure("AWS cost of a million orders", float(cost.usage.total), "US dollars"),
    ]


def of_operations(measured: Mapping[str, Operation]) -> list[Figure]:
    """Calls of the store and of the back office, per operation."""
    found = []
    for name, spent in measured.items():
        store, erp = _OPERATIONS[name]
        asked = spent.store_reads + spent.store_writes
        found += [
            Figure(f"{name}: store calls", asked, "", "≤", store, counted=True),
            Figure(f"{name}: ledger calls", spent.erp_total, "", "≤", erp, counted=True),
        ]
    return found
