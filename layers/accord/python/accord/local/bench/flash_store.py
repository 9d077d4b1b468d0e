"""A store that remembers what happened when: each look at its stock, each write, each sale."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from accord.local.model_store import Json, ModelStore
from accord.model.item import Product
from accord.ports.store import Written

Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Sale:
    """``quantity`` pieces left at ``at``; ``over`` of them were not there. ``order`` is its id."""

    at: dt.datetime
    quantity: int
    over: int
    order: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The store shows ``quantity`` since ``at``; ``read_at`` is when it was asked before that.

    ``excess`` is by how much that was more than there was to sell, ``as_of`` the moment that the
    number was computed of.
    """

    at: dt.datetime
    quantity: int
    read_at: dt.datetime | None
    excess: int
    as_of: dt.datetime | None


class FlashStore(ModelStore):
    """Reading products takes up to ``read_s`` seconds each way."""

    def watch(
        self,
        rng: Random,
        *,
        read_s: float,
        free: Callable[[str], int],
        as_of: Callable[[str], dt.datetime | None],
    ) -> None:
        """From now on. ``free(sku)`` is how many there are to sell, as nobody in it knows."""
        self._free = free
        self._as_of = as_of
        self._rng = rng
        self._read_s = read_s
        self._read_at: dict[str, dt.datetime] = {}
        self._writing: dict[str, dt.datetime | None] = {}
        self._selling = False
        self.shown: dict[str, list[Shown]] = {}

    def products_of(self, ids: Sequence[str], *, parent: str = "") -> Sequence[Product]:
        """See Store.products_of."""
        self._pass()
        found = super().products_of(ids, parent=parent)
        self._read_at = dict.fromkeys(ids, self.shop.clock())  # of the next write, and no other
        self._pass()
        return found

    def write_products(self, entries: Sequence[Json], *, parent: str = "") -> Sequence[Written]:
        """See Store.write_products."""
        ids = {str(entry["id"]) for entry in entries if "id" in entry}
        self._writing = {
            id_: self._as_of(self.shop.shelf.get(int(id_))["sku"]) for id_ in sorted(ids)
        }
        self._pass()
        try:
            answer = super().write_products(entries, parent=parent)
        finally:
            self._writing = {}
            self._read_at = {}
        self._pass()
        return answer

    def buy(self, sku: str, quantity: int, **fields: Any) -> str:
        """A shopper buys, if that many are shown: the order's id, empty where they are not."""
        if (self.stock_of(sku) or 0) < quantity:
            return ""
        self._selling = True
        try:
            return self.sell({sku: quantity}, **fields)
        finally:
            self._selling = False

    def _pass(self) -> None:
        self.shop.pause(self._rng.random() * self._read_s)

    def _tell(self, topic: str, document: Json) -> None:
        id_ = str(document["id"])
        if topic == "product.updated" and id_ in self._writing and not self._selling:
            sku, quantity = document["sku"], document["stock_quantity"] or 0
            shown = Shown(
                at=self.shop.clock(),
                quantity=quantity,
                read_at=self._read_at.get(id_),
                excess=quantity - max(0, self._free(sku)),
                as_of=self._writing[id_],
            )
            self.shown.setdefault(sku, []).append(shown)
        super()._tell(topic, document)


def sold_within(sales: Sequence[Sale], spans: Sequence[Span]) -> int:
    """Pieces of ``sales`` in one of ``spans``."""
    return sum(
        sale.quantity for sale in sales if any(begin <= sale.at <= end for begin, end in spans)
    )
