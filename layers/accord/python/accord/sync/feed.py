"""What stock, prices and products have in common on their way to a store."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Literal, Protocol

from accord.model.change import Change, Ref
from accord.model.item import Product
from accord.ports.levels import Level, LevelKind
from accord.ports.queues import Queues
from accord.rules import config
from accord.rules.table import Flow

Json = Mapping[str, Any]
Switch = Literal["stock", "prices", "products"]

EVENTS: Mapping[LevelKind, str] = {
    "stock": "stock_changed",
    "price": "price_changed",
    "product": "product_updated",
}
SWITCHES: Mapping[LevelKind, Switch] = {
    "stock": "stock",
    "price": "prices",
    "product": "products",
}
# The kind of the ref by which one SKU's trouble is known. ``product`` is the store's own object.
SUBJECTS: Mapping[LevelKind, str] = {"stock": "stock", "price": "price", "product": "listing"}
ABSENT = "not_in_store"  # why a level is not sent, and nobody is asked about it
UNLISTED = "not_listed"  # the same: by rule, the product is not made
UNPRICED = "no_price"  # the same: the back office never had a price for it


@dataclass(frozen=True, slots=True)
class Entry:
    """One level as it is written. ``fields`` are the store's own JSON; None: it shows it already.

    ``value`` is what the level is remembered to show. ``unknown`` are pieces that the store sold
    and we do not know of; ``read_at`` is when the store was asked for them, and ``changed_at`` when
    the product had last changed then, in its own words.
    """

    level: Level
    fields: dict[str, Any] | None
    value: Json
    unknown: Decimal = Decimal(0)
    read_at: dt.datetime | None = None
    changed_at: dt.datetime | None = None


class Feed(Protocol):
    """One kind of level of one store."""

    kind: ClassVar[LevelKind]

    def entries(self, levels: Sequence[Level]) -> Sequence[Entry]:
        """What is to be written of ``levels``: products, or variations of one of them. In order."""
        ...

    def trying(self, entries: Sequence[Entry]) -> None:
        """These are about to be written."""
        ...

    def differs(self, entry: Entry, product: Product) -> str:
        """What ``product``, the store's answer, shows else than was asked, in words; or nothing."""
        ...


def flow_of(rules: config.Store, kind: LevelKind) -> Flow:
    """The switch of the flow that sends levels of ``kind``."""
    flow: Flow = getattr(rules.flows, SWITCHES[kind])
    return flow


def subject(store: str, kind: LevelKind, sku: str) -> Ref:
    """What an attention item about one SKU is about; a replay of it sends the SKU again."""
    return Ref(store, SUBJECTS[kind], sku)


def queue_flush(
    queues: Queues,
    store: str,
    kind: LevelKind,
    *,
    now: dt.datetime,
    correlation_id: str,
    sending: str,
) -> None:
    """Has the levels of ``kind`` sent that are to be."""
    change = Change(Ref(store, "levels", kind), EVENTS[kind], now, correlation_id)
    queues.put(change, sending=f"flush:{store}:{kind}:{sending}")


def same_amount(one: str, other: str) -> bool:
    """Whether both are the same amount of money, however it is written; empty is none."""
    if not one or not other:
        return one == other
    return Decimal(one) == Decimal(other)
