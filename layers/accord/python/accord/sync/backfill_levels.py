"""Items, stock and prices of a whole back office become what one store should show.

The same computations as those of the poll, page by page in bulk. What comes of them is kept as
wanted, and a message has it flushed; or it is held against what the store shows, and told as a
plan. A plan does not know which claims the back office has reserved for since: those are closed
when stock is read in earnest, so a few numbers may then be higher than the plan said.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

from accord.model.item import Product
from accord.model.stock import Holding, Recipe, Snapshot
from accord.ports.erp import ErpAdapter
from accord.ports.levels import LevelKind, Levels, Wanted
from accord.ports.queues import Queues
from accord.ports.store import Store
from accord.rules import config
from accord.rules.available import dependants, relatives
from accord.rules.listing import created, existing
from accord.sync.anew import send_anew
from accord.sync.backfill import Line, Read, What
from accord.sync.feed import queue_flush, same_amount
from accord.sync.recompute import (
    CHUNK,
    Computed,
    locations,
    price_lists,
    prices_of,
    products_of,
    stock_of,
)

PAGE = 100  # items
_COUNTED = 1000  # ids of items that are listed at once
KINDS: Mapping[What, LevelKind] = {"stock": "stock", "prices": "price", "items": "product"}
_STANDARD = {"", "standard", "parent"}
Field = tuple[str, str, str]
"""What differs: its name, what the store shows, what it should show."""


class Shelf(Protocol):
    """What is known of items, and where it goes what a store should show."""

    def recipes(self, erp: str) -> Mapping[str, Recipe]: ...
    def put_recipes(self, erp: str, recipes: Sequence[Recipe]) -> object: ...
    def observe(self, erp: str, snapshots: Sequence[Snapshot]) -> object: ...
    def holdings(self, erp: str, items: Sequence[str]) -> Mapping[str, Holding]: ...


@dataclass(slots=True)
class Imagined:
    """``levels`` as they would be, had they been written to: what is new is held here only."""

    levels: Levels
    _recipes: dict[str, Recipe] | None = field(default=None, init=False)
    _seen: dict[str, Snapshot] = field(default_factory=dict, init=False)

    def recipes(self, erp: str) -> Mapping[str, Recipe]:
        """See ``Levels.recipes``."""
        return self.levels.recipes(erp) if self._recipes is None else self._recipes

    def put_recipes(self, erp: str, recipes: Sequence[Recipe]) -> None:  # noqa: ARG002
        """See ``Levels.put_recipes``."""
        self._recipes = {recipe.item: recipe for recipe in recipes}

    def observe(self, erp: str, snapshots: Sequence[Snapshot]) -> None:  # noqa: ARG002
        """See ``Levels.observe``."""
        self._seen |= {snapshot.item: snapshot for snapshot in snapshots if snapshot.item}

    def holdings(self, erp: str, items: Sequence[str]) -> Mapping[str, Holding]:
        """See ``Levels.holdings``."""
        found = dict(self.levels.holdings(erp, items))
        for item in items:
            if (snapshot := self._seen.get(item)) is not None:
                known = found.get(item, Holding(item))
                found[item] = replace(known, free=dict(snapshot.free), as_of=snapshot.as_of)
        return found


@dataclass(slots=True, kw_only=True)
class LevelReader:
    """See ``backfill.Reader``. The mark is the id of the last item.

    ``stores`` are all those that sell from the same back office, whose locations are read with the
    one's: what is kept of an item is kept for all of them. ``queues`` is None for a plan.
    ``resend``: what the store was told before is sent once more.
    """

    name: str
    what: What
    rules: config.Store
    stores: Mapping[str, config.Store]
    erp: ErpAdapter
    store: Store
    levels: Levels
    queues: Queues | None
    clock: Callable[[], dt.datetime]
    resend: bool = False
    calls: int = field(default=0, init=False)
    _imagined: Imagined | None = field(default=None, init=False)
    _planned: dict[str, Mapping[str, Any]] = field(default_factory=dict, init=False)
    _has_recipes: bool = field(default=False, init=False)

    @property
    def kind(self) -> LevelKind:
        return KINDS[self.what]

    def begin(self, since: str) -> None:
        """See ``Reader.begin``. Items are always read whole."""

    def total(self, after: str) -> int:
        """See ``Reader.total``. Ids alone are listed, many at once."""
        count = 0
        while True:
            ids = self._ids(after, _COUNTED)
            count += len(ids)
            if len(ids) < _COUNTED:
                return count
            after = ids[-1]

    def read(self, after: str, run: str) -> Read | None:
        """See ``Reader.read``."""
        ids = self._ids(after, PAGE)
        if not ids:
            return None
        computed = self._computed(ids)
        lines = [Line("!", item, str(error)) for each in computed for item, error in each.unmapped]
        wanted = [value for each in computed for value in each.wanted]
        if self.queues is None:
            queued, unchanged, found = self._plan(wanted)
            lines += found
        else:
            queued = self._want(wanted, run)
            unchanged = len(wanted) - queued
        return Read(
            after=ids[-1],
            count=len(ids),
            queued=queued,
            unchanged=unchanged,
            lines=tuple(lines),
            is_last=len(ids) < PAGE,
        )

    def _computed(self, ids: Sequence[str]) -> list[Computed]:
        match self.what:
            case "stock":
                return self._stock(ids)
            case "prices":
                return self._prices(ids)
            case _:
                return self._products(ids)

    def computed(self, sku: str) -> Mapping[str, Any] | None:
        """What a plan found that the store should show of ``sku``, as it would be wanted."""
        return self._planned.get(sku)

    # --- what the store should show ---------------------------------------------

    def _stock(self, ids: Sequence[str]) -> list[Computed]:
        erp, shelf = self.rules.erp, self._shelf()
        if not self._has_recipes and self.erp.capabilities.recipes:
            shelf.put_recipes(erp, self.erp.recipes())
            self.calls += 1
        self._has_recipes = True
        every = {*locations(self.rules)}
        for rules in self.stores.values():
            if rules.erp == erp and rules.flows.stock != "off":
                every |= locations(rules)
        snapshots = self.erp.stock(ids, sorted(every))
        self.calls += 1
        # What changed stays touched: the poll computes it for the other stores.
        shelf.observe(erp, snapshots)
        recipes = shelf.recipes(erp)
        items = sorted(dependants({each.item for each in snapshots if each.item}, recipes))
        found = []
        for begin in range(0, len(items), CHUNK):
            chunk = items[begin : begin + CHUNK]
            holdings = shelf.holdings(erp, sorted(relatives(chunk, recipes)))
            found.append(stock_of(chunk, holdings, recipes, store=self.name, rules=self.rules))
        return found

    def _prices(self, ids: Sequence[str]) -> list[Computed]:
        as_of, prices = self.clock(), self.rules.prices
        lifecycles = {}
        if prices.clearance:
            lifecycles = {item.code: item.lifecycle for item in self.erp.items(ids)}
            self.calls += 1
        lists = sorted(price_lists(self.rules))
        found = self.erp.prices(ids, lists, currency=prices.currency or "")
        self.calls += 1
        return [
            prices_of(
                found,
                lifecycles,
                erp=self.rules.erp,
                store=self.name,
                rules=self.rules,
                as_of=as_of,
            )
        ]

    def _products(self, ids: Sequence[str]) -> list[Computed]:
        as_of = self.clock()
        items = self.erp.items(ids)
        self.calls += 1
        codes = sorted({item.family.code for item in items if item.family and item.family.code})
        known = self.levels.levels(self.name, "product", codes) if codes else {}
        families = {
            code: self._planned.get(code) or (known[code].wanted if code in known else None)
            for code in codes
        }
        return [products_of(items, families, rules=self.rules, as_of=as_of)]

    # --- what becomes of it -----------------------------------------------------

    def _want(self, wanted: Sequence[Wanted], run: str) -> int:
        count = self.levels.want(self.name, self.kind, wanted) if wanted else 0
        if self.resend:
            skus = list(dict.fromkeys(each.sku for each in wanted))
            count = send_anew(self.levels, self.name, self.kind, skus, now=self.clock())
        if count and self.queues is not None:
            queue_flush(
                self.queues,
                self.name,
                self.kind,
                now=self.clock(),
                correlation_id=f"backfill-{run}",
                sending=f"backfill:{run}:{wanted[-1].sku}",
            )
        return count

    def _plan(self, wanted: Sequence[Wanted]) -> tuple[int, int, list[Line]]:
        """How many would be sent, how many not, and what the store shows else, by reading it.

        A value that was told before is not told again.
        """
        latest = {
            each.sku: each.value for each in wanted if self._planned.get(each.sku) != each.value
        }
        self._planned |= latest
        skus, shown = sorted(latest), dict[str, Product]()
        for begin in range(0, len(skus), PAGE):
            found = self.store.products_by_sku(skus[begin : begin + PAGE])
            self.calls += 1
            shown |= {sku.casefold(): product for sku, product in found.items()}
        lines = [self._line(sku, latest[sku], shown.get(sku.casefold())) for sku in skus]
        kept = [line for line in lines if line is not None]
        return sum(line.sign != "!" for line in kept), len(skus) - len(kept), kept

    def _line(self, sku: str, value: Mapping[str, Any], product: Product | None) -> Line | None:
        if product is None:
            if self.kind != "product":
                return Line("!", sku, "is not in the store")
            if created(value, self.rules.catalogue) is None:
                return Line("!", sku, "is not in the store, and new ones are not made")
            return Line("+", sku, "new")
        differs = {
            "stock": _stock_differs,
            "price": _price_differs,
            "product": _product_differs,
        }[self.kind](value, product, self.rules)
        if not differs:
            return None
        text = ", ".join(f"{name} {before} → {after}" for name, before, after in differs)
        return Line("~", sku, text, tuple(differs))

    def _shelf(self) -> Shelf:
        if self.queues is not None:
            return self.levels
        self._imagined = self._imagined or Imagined(self.levels)
        return self._imagined

    def _ids(self, after: str, limit: int) -> Sequence[str]:
        self.calls += 1
        return self.erp.item_ids(after=after, limit=limit)


def _stock_differs(value: Mapping[str, Any], product: Product, _: config.Store) -> list[Field]:
    wanted = Decimal(value["quantity"])
    found = []
    if not product.manages_stock or product.by_parent:
        found.append(("stock", "not counted", f"{wanted}"))
    elif product.stock != wanted:
        found.append(("stock", _plain(product.stock), f"{wanted}"))
    backorders = value.get("backorders")
    if backorders is not None and backorders != product.backorders:
        found.append(("backorders", product.backorders, backorders))
    return found


def _price_differs(value: Mapping[str, Any], product: Product, rules: config.Store) -> list[Field]:
    sale = (value.get("sale") or {}).get("price") or ""
    pairs = [
        ("price", product.regular_price, value["regular"]),
        ("sale price", product.sale_price, sale),
    ]
    fields = dict(product.fields)
    for band in rules.prices.band:
        there = fields.get(band.field.replace("{role}", band.role), "")
        pairs.append((f"{band.role} price", there, (value.get("bands") or {}).get(band.role, "")))
    return [
        (name, before or "none", after or "none")
        for name, before, after in pairs
        if not _same(before, after)
    ]


def _product_differs(
    value: Mapping[str, Any], product: Product, rules: config.Store
) -> list[Field]:
    """Of what the back office owns, as far as the store shows it in words."""
    wanted = existing(value, rules.catalogue.fields)
    found = []
    for name, there in (
        ("name", product.name),
        ("status", product.status),
        ("weight", product.weight),
        ("gtin", product.gtin),
    ):
        after = wanted.get(name)
        if after is not None and after != there and not (name == "weight" and _same(there, after)):
            found.append((name, there or "none", after or "none"))
    there, after = product.tax_class, wanted.get("tax_class")
    if after is not None and after != there and not {after, there} <= _STANDARD:
        found.append(("tax class", there or "standard", after or "standard"))
    return found


def _same(one: str, other: str) -> bool:
    try:
        return same_amount(one, other)
    except ArithmeticError:  # what a plugin keeps there is no amount
        return False


def _plain(quantity: Decimal | None) -> str:
    return "none" if quantity is None else f"{quantity.normalize():f}"
