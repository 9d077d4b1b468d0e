"""One run of the catalogue's poller: which stores it is for, and what came of it."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from accord.model.documents import Kind
from accord.model.stock import Recipe
from accord.ports.erp import ErpAdapter
from accord.ports.levels import LevelKind
from accord.rules.config import Store
from accord.sync.feed import flow_of

SHOWS: Mapping[Kind, LevelKind] = {
    Kind.STOCK: "stock",
    Kind.RECIPE: "stock",
    Kind.PRICE: "price",
    Kind.ITEM: "product",
}
OF_ITEMS = frozenset(SHOWS)
"""The kinds of news that the catalogue's poller reads."""


@dataclass(frozen=True, slots=True)
class Polled:
    """One run: messages sent, news read, and whether more of them are there to be read now.

    ``swept`` are items that a sweep went through; ``sweeping``: it goes on with the next run.
    ``wanted`` values are to be sent because of it; ``would`` be, were the flow not in shadow.
    ``short`` are pieces that were sold and are not there. ``expired`` holds were given up.
    ``busy``: nothing was read, because another run was reading.
    """

    sent: int = 0
    read: int = 0
    behind: bool = False
    busy: bool = False
    wanted: int = 0
    would: int = 0
    swept: int = 0
    sweeping: bool = False
    expired: int = 0
    short: Decimal = Decimal(0)


@dataclass(slots=True)
class Run:
    """What one run of a kind knows and did.

    ``stores`` are those whose flow is not off, ``anew`` those to which everything is sent once
    more. ``beside`` are the runs of other kinds that news of this one need.
    """

    id: str
    kind: Kind
    until: dt.datetime
    stores: Mapping[str, Store]
    shadow: Collection[str]
    anew: Collection[str] = ()
    recipes: Mapping[str, Recipe] | None = None
    queued: set[tuple[str, str]] = field(default_factory=set)  # (store, minute) of a message
    wanted: int = 0
    would: dict[str, int] = field(default_factory=dict)
    short: dict[str, Decimal] = field(default_factory=dict)
    taken: int = 0  # pages that were read in full
    expired: int = 0
    beside: dict[Kind, "Run"] = field(default_factory=dict)

    @property
    def shows(self) -> LevelKind:
        return SHOWS[self.kind]

    @property
    def on(self) -> tuple[str, ...]:
        """The stores that are written to."""
        return tuple(sorted(name for name in self.stores if name not in self.shadow))

    def all(self) -> tuple["Run", ...]:
        """This run, and those beside it."""
        return (self, *self.beside.values())


def begun(
    kind: Kind, *, erp: str, stores: Mapping[str, Store], until: dt.datetime, random: Random
) -> Run:
    """A run for those of ``stores`` that sell from ``erp`` and show what ``kind`` tells of."""
    flows = {
        name: flow_of(rules, SHOWS[kind])
        for name, rules in sorted(stores.items())
        if rules.erp == erp and not (kind is Kind.ITEM and rules.catalogue.owner == "store")
    }
    on = {name: stores[name] for name, flow in flows.items() if flow != "off"}
    if kind is Kind.PRICE:
        on = {name: rules for name, rules in on.items() if rules.prices.currency}
    id_ = f"poll-{random.getrandbits(64):016x}"
    return Run(id_, kind, until, on, {name for name in on if flows[name] == "shadow"})


def knows(adapter: ErpAdapter, kind: Kind) -> bool:
    """Whether the back office can be asked about ``kind``."""
    can = adapter.capabilities
    return can.recipes if kind is Kind.RECIPE else kind in can.watched
