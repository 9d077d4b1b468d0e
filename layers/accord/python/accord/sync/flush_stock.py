"""Stock on its way to a store: how many it may show, less what it sold and we do not know of yet.

The store counts down by itself. Between what we computed and what we write it may have sold, and
the order may not have come; writing our number would sell those pieces twice. So SKUs of which few
are left are read just before, and computed anew from what is claimed by then. What is gone of the
number that was sent, and that no order we know of took, is subtracted.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from accord.model.item import Product
from accord.model.stock import Recipe
from accord.ports.levels import UNKNOWN_FOR, Level, LevelKind, Levels
from accord.ports.store import Store
from accord.rules import config
from accord.rules.available import relatives
from accord.rules.skus import item_of
from accord.sync.feed import Entry
from accord.sync.pace import Pace, Tried
from accord.sync.recompute import stock_of
from accord.sync.windows import is_open, since

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Shown:
    """A number that the store may have shown, before what moved since.

    ``unknown`` had been subtracted from it when it was computed, when ``moved`` was known.
    """

    quantity: Decimal
    unknown: Decimal
    moved: Decimal

    def expected(self, moved: Decimal) -> Decimal:
        """What is left of it, less what is known to have moved."""
        return self.quantity - (moved - self.moved)


def unknown_sales(
    level: Level, shown: Decimal, tried: Tried | None, *, now: dt.datetime
) -> Decimal:
    """Pieces that the store sold, which shows ``shown``, and that no order that we know of took.

    ``tried`` was sent later than what the level says, and may have taken effect. The number that
    explains ``shown`` by the fewest sales is the one that holds.
    """
    bases = [*_sent(level, now), *_tried(level, tried)]
    if not bases:
        return _NONE
    moved = level.moved - level.overtaken
    above = [base for base in bases if base.expected(moved) >= shown]
    if above:
        base = min(above, key=lambda base: base.expected(moved))
    else:
        base = max(bases, key=lambda base: base.expected(moved))
    return max(_NONE, base.unknown + base.expected(moved) - shown)


def _sent(level: Level, now: dt.datetime) -> list[Shown]:
    sent = level.sent or {}
    if "quantity" not in sent:
        return []
    unknown = _NONE
    with suppress(KeyError, InvalidOperation):
        if now - dt.datetime.fromisoformat(sent["since"]) < UNKNOWN_FOR:
            unknown = Decimal(str(sent["unknown"]))
    return [Shown(Decimal(str(sent["quantity"])), unknown, level.moved_at_sent)]


def _tried(level: Level, tried: Tried | None) -> list[Shown]:
    if tried is None or not is_open(tried, level):
        return []
    return [Shown(Decimal(tried.quantity), tried.unknown, tried.moved)]


@dataclass(slots=True)
class StockFeed:
    """See ``Feed``."""

    kind: ClassVar[LevelKind] = "stock"

    name: str
    rules: config.Store
    store: Store
    levels: Levels
    pace: Pace
    clock: Callable[[], dt.datetime]
    _recipes: Mapping[str, Recipe] | None = field(default=None, init=False)

    def entries(self, levels: Sequence[Level]) -> Sequence[Entry]:
        """See ``Feed.entries``. Of what sells or is near zero the store is read, in one call."""
        near = [level for level in levels if self._is_near(level)]
        wanted = self._anew(near)  # before the store is read: what is claimed since counts twice
        read_at = self.clock()
        shown = self._read(near)
        entries = []
        for level in levels:
            value = wanted.get(level.sku) or dict(level.wanted or {})
            product = shown.get(level.sku)
            if product is None:
                entries.append(_entry(level, value, None, _NONE, now=read_at))
            else:
                tried = self.pace.tried.get(level.sku)
                left = product.stock
                unknown = _NONE if left is None else unknown_sales(level, left, tried, now=read_at)
                entries.append(_entry(level, value, product, unknown, now=read_at))
        return entries

    def trying(self, entries: Sequence[Entry]) -> None:
        """See ``Feed.trying``. Kept, for a worker that dies now cannot say what it sent."""
        now = self.clock()
        for entry in entries:
            level = entry.level
            self.pace.tried[level.sku] = Tried(
                entry.value["quantity"],
                entry.unknown,
                level.moved - level.overtaken,
                now,
                since(entry, self.pace.tried.get(level.sku)),
            )
        self.pace.save()

    def differs(self, entry: Entry, product: Product) -> str:
        """See ``Feed.differs``."""
        if not product.manages_stock:
            return "the store does not count its stock"
        if product.stock != entry.value["quantity"]:
            return f"the store shows {product.stock}, not {entry.value['quantity']}"
        backorders = entry.value.get("backorders")
        if backorders is not None and product.backorders != backorders:
            return f"backorders are {product.backorders!r}, not {backorders!r}"
        return ""

    def _is_near(self, level: Level) -> bool:
        """Few are left, or it sells: then it has most likely sold what we do not know of yet, and
        a number that is written without a look would sell that twice."""
        if level.wanted is None or level.place is None:
            return False
        known = level.sent is not None or level.sku in self.pace.tried
        sells = level.moved != level.moved_at_sent
        return known and (sells or int(level.wanted["quantity"]) <= self.rules.stock.near)

    def _read(self, near: Sequence[Level]) -> dict[str, Product]:
        """What the store shows of them. One that shows another SKU there is left to its answer."""
        places = {level.place.product: level for level in near if level.place is not None}
        if not places:
            return {}
        parent = next(level.place.parent for level in places.values() if level.place is not None)
        found = self.store.products_of(list(places), parent=parent)
        return {
            places[product.ref.id].sku: product
            for product in found
            if product.ref.id in places
            and product.sku.casefold() == places[product.ref.id].sku.casefold()
        }

    def _anew(self, near: Sequence[Level]) -> dict[str, dict[str, Any]]:
        """What may be sold of them now. Orders may have come since it was computed: what is wanted
        does not say so yet, and what moved does."""
        items = {level.sku: item_of(level.sku, self.rules.mappings) for level in near}
        codes = sorted({item for item in items.values() if item})
        if not codes:
            return {}
        if self._recipes is None:
            self._recipes = self.levels.recipes(self.rules.erp)
        holdings = self.levels.holdings(self.rules.erp, sorted(relatives(codes, self._recipes)))
        computed = stock_of(codes, holdings, self._recipes, store=self.name, rules=self.rules)
        anew = {each.sku: dict(each.value) for each in computed.wanted}
        # Never more than what is wanted: whether there is more, the poll's times tell.
        return {
            level.sku: anew[level.sku]
            | {"quantity": min(anew[level.sku]["quantity"], level.wanted["quantity"])}
            for level in near
            if level.sku in anew and level.wanted is not None
        }


def _entry(
    level: Level,
    wanted: Mapping[str, Any],
    product: Product | None,
    unknown: Decimal,
    *,
    now: dt.datetime,
) -> Entry:
    quantity = max(0, int(wanted["quantity"] - unknown))
    value: dict[str, Any] = {"quantity": quantity}
    if unknown:
        before = (level.sent or {}).get("since") if _is_as_old(level, unknown, now) else None
        value |= {"unknown": str(unknown), "since": before or now.isoformat()}
    fields: dict[str, Any] = {"manage_stock": True, "stock_quantity": quantity}
    if (backorders := wanted.get("backorders")) is not None:
        value["backorders"] = fields["backorders"] = backorders
    if level.place is not None:
        fields = {"id": level.place.product, **fields}
    if product is None:
        return Entry(level, fields, value, unknown)
    due = None if _shows(product, value) else fields
    return Entry(level, due, value, unknown, now, product.modified_at)


def _is_as_old(level: Level, unknown: Decimal, now: dt.datetime) -> bool:
    """Whether the ``unknown`` pieces are the same as before, or some of them. If the store has sold
    since, they may be others, whose orders are still to come."""
    sent = level.sent or {}
    since = sent.get("since")
    if since is None or now - dt.datetime.fromisoformat(since) >= UNKNOWN_FOR:
        return False
    return unknown - Decimal(sent["unknown"]) + level.gone <= 0


def _shows(product: Product, value: Mapping[str, Any]) -> bool:
    backorders = value.get("backorders", product.backorders)
    return (
        product.manages_stock
        and product.stock == value["quantity"]
        and product.backorders == backorders
    )
