"""Where a store has the SKUs that are to be sent: looked up in bulk, and remembered."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from accord.model.item import Product
from accord.ports.levels import Level, Levels, Place, Sent
from accord.ports.store import Store
from accord.rules.sellable import faults
from accord.sync.feed import ABSENT, EVENTS, UNLISTED, UNPRICED, Feed, Json
from accord.sync.flush_products import ProductFeed
from accord.sync.flush_slice import Row, Slice, Walk

_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Places:
    """Of one store."""

    name: str
    store: Store
    levels: Levels
    clock: Callable[[], dt.datetime]
    digits: int

    def rows(self, feed: Feed, page: Sequence[Level], walk: Walk, slice_: Slice) -> list[Row]:
        """What of ``page`` can be sent now. Of the rest is said why not, or it comes later."""
        rows: list[Row] = []
        homeless: list[Level] = []
        for level in page:
            if level.sku in slice_.failing or level.wanted is None:
                continue
            if level.place is None:
                homeless.append(level)
            else:
                rows.append(Row(level, level.place.parent))
        found = self.find([level.sku for level in homeless])
        self.learn(slice_, found)
        lacking = []
        for level in homeless:
            place = found.get(level.sku)
            if place is None:
                lacking.append(level)
            elif not place.parent:  # a variation comes with its parent's, later in the order
                rows.append(Row(replace(level, place=place), ""))
        rows += self._lacking(feed, lacking, walk, slice_)
        valid = [row for row in rows if self._is_valid(row.level, slice_)]
        return sorted(valid, key=lambda row: row.parent)

    def _is_valid(self, level: Level, slice_: Slice) -> bool:
        """Whether the store may get it. Of what it does not have, nobody is asked, nor of what
        never had a price: many items are not for sale, or the store prices them itself."""
        if slice_.kind == "price" and not _price(level.wanted) and not _price(level.sent):
            self.pass_over(slice_, level, UNPRICED)
            return False
        why = faults(slice_.kind, level.wanted or {}, digits=self.digits)
        if why:
            self.refuse(slice_, level, "invalid_value", why)
        return not why

    def find(self, skus: Collection[str]) -> dict[str, Place]:
        """Those of ``skus`` that the store has. It ignores letter case, and so do we."""
        found: dict[str, Product] = {}
        listed = list(skus)
        for at in range(0, len(listed), _AT_ONCE):
            products = self.store.products_by_sku(listed[at : at + _AT_ONCE])
            for product in products.values():
                found.setdefault(product.sku.casefold(), product)
        return {sku: place_of(found[sku.casefold()]) for sku in listed if sku.casefold() in found}

    def learn(self, slice_: Slice, places: Mapping[str, Place | None]) -> None:
        """Remembers where SKUs are. What was left for want of a place is to be sent again."""
        if not places:
            return
        there = [sku for sku, place in places.items() if place is not None]
        for kind in EVENTS if there else ():
            if kind == slice_.kind:
                continue
            known = self.levels.levels(self.name, kind, there)
            absent = [sku for sku, level in known.items() if level.refused == ABSENT]
            if absent:  # before the place is known: what dies in between is asked for again
                self.levels.resend(self.name, kind, absent)
                slice_.woken.add(kind)
        self.levels.put_places(self.name, places)

    def refuse(self, slice_: Slice, level: Level, reason: str, why: str) -> None:
        """The store gets no such value, and a person is told."""
        slice_.refusals.put(slice_.kind, level.sku, reason, why, content=str(level.wanted))
        self._leave(slice_, level, reason)
        slice_.refused += 1

    def pass_over(self, slice_: Slice, level: Level, reason: str = ABSENT) -> None:
        """The store has no such product, which is nobody's trouble."""
        self._leave(slice_, level, reason)
        slice_.absent += 1

    def _leave(self, slice_: Slice, level: Level, reason: str) -> None:
        left = Sent(level.sku, level.version, None, self.clock(), refused=reason)
        self.levels.sent(self.name, slice_.kind, [left])

    def _lacking(self, feed: Feed, levels: Sequence[Level], walk: Walk, slice_: Slice) -> list[Row]:
        """Of what the store lacks, those that are to be made."""
        made = []
        for level in levels:
            if not isinstance(feed, ProductFeed):
                self.pass_over(slice_, level)
            elif not feed.made(level):
                self.pass_over(slice_, level, UNLISTED)
            else:
                made.append(level)
        parents = self._parents([_family(level) for level in made if _family(level)])
        rows: list[Row] = []
        for level in made:
            family = _family(level)
            parent = parents.get(family)
            if not family:
                rows.append(Row(level, ""))
            elif isinstance(parent, str):
                rows.append(Row(level, parent))
            elif not walk.last:
                walk.orphans += 1  # its parent may be among those that are made before long
            elif parent is not None and parent.refused in (ABSENT, UNLISTED):
                self.pass_over(slice_, level, UNLISTED)
            else:
                self.refuse(slice_, level, "no_parent", f"the store has no product {family}")
        return rows

    def _parents(self, skus: Sequence[str]) -> Mapping[str, str | Level]:
        """By SKU, the ids of parents that the store has; else their level, if there is one."""
        known = self.levels.levels(self.name, "product", list(dict.fromkeys(skus)))
        parents: dict[str, str | Level] = {
            sku: level.place.product if level.place else level for sku, level in known.items()
        }
        unknown = [sku for sku in dict.fromkeys(skus) if not isinstance(parents.get(sku), str)]
        found = self.find(unknown)
        if found:
            self.levels.put_places(self.name, found)
        return parents | {sku: place.product for sku, place in found.items()}


def place_of(product: Product) -> Place:
    """Where the product is."""
    return Place(product.ref.id, product.parent)


def _price(value: Json | None) -> str:
    return str((value or {}).get("regular") or "")


def _family(level: Level) -> str:
    wanted = level.wanted or {}
    return str(wanted.get("parent") or "") if wanted.get("type") == "variation" else ""
