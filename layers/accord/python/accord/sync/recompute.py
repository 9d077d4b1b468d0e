"""What each store should show of some items, computed from what is known. Pure but for reads."""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accord.errors import UnmappedError
from accord.model.item import Item, ItemPrices, Lifecycle
from accord.model.stock import Holding, Recipe
from accord.ports.levels import Levels, Wanted
from accord.rules.available import available, dependants, relatives, terms
from accord.rules.config import Store
from accord.rules.listing import wanted_family, wanted_product
from accord.rules.pricing import wanted_price
from accord.rules.skus import skus_by_item

CHUNK = 100  # items whose holdings are read at once


@dataclass(frozen=True, slots=True)
class Computed:
    """What one store should show. ``short`` are pieces that were sold and are not there, by item.

    ``unmapped`` are items of which nothing can be said before a rule names a code: (item, why).
    """

    wanted: tuple[Wanted, ...] = ()
    short: Mapping[str, Decimal] = field(default_factory=dict)
    unmapped: tuple[tuple[str, UnmappedError], ...] = ()


def recompute(
    items: Collection[str],
    *,
    erp: str,
    stores: Mapping[str, Store],
    levels: Levels,
    recipes: Mapping[str, Recipe],
) -> Iterator[Mapping[str, Computed]]:
    """What each of ``stores`` may sell of ``items`` and of all that is made of them, in chunks."""
    every = sorted(dependants(items, recipes))
    for begin in range(0, len(every), CHUNK):
        chunk = every[begin : begin + CHUNK]
        holdings = levels.holdings(erp, sorted(relatives(chunk, recipes)))
        yield {
            name: stock_of(chunk, holdings, recipes, store=name, rules=rules)
            for name, rules in stores.items()
        }


def stock_of(
    items: Sequence[str],
    holdings: Mapping[str, Holding],
    recipes: Mapping[str, Recipe],
    *,
    store: str,
    rules: Store,
) -> Computed:
    """How many of ``items`` the store may sell. Those of which nothing is known are left out."""
    wanted: list[Wanted] = []
    short: dict[str, Decimal] = {}
    for item, skus in skus_by_item(items, rules.mappings).items():
        for sku in skus:
            holds = terms(sku, rules.stock, rules.mappings.classes)
            found = available(item, holdings, recipes, holds, store=store)
            if found.as_of is None:
                continue
            value: dict[str, object] = {"quantity": found.quantity}
            if holds.backorders is not None:
                value["backorders"] = holds.backorders
            wanted.append(Wanted(sku, value, found.as_of))
            if found.short > 0:
                short[item] = max(found.short, short.get(item, Decimal(0)))
    return Computed(tuple(wanted), short)


def prices_of(
    prices: Sequence[ItemPrices],
    lifecycles: Mapping[str, Lifecycle],
    *,
    erp: str,
    store: str,
    rules: Store,
    as_of: dt.datetime,
) -> Computed:
    """What items cost in the store, whose currency ``prices`` are in."""
    wanted: list[Wanted] = []
    unmapped: list[tuple[str, UnmappedError]] = []
    skus = skus_by_item([each.item for each in prices if each.item], rules.mappings)
    for each in prices:
        if not skus.get(each.item):
            continue
        lifecycle = lifecycles.get(each.item, "current")
        try:
            value = wanted_price(
                each, lifecycle, rules.prices, rules.mappings, store=store, erp=erp
            )
        except UnmappedError as error:
            unmapped.append((each.item, error))
            continue
        wanted.extend(Wanted(sku, value, as_of) for sku in skus[each.item])
    return Computed(tuple(wanted), unmapped=tuple(unmapped))


def products_of(
    items: Sequence[Item],
    families: Mapping[str, Mapping[str, Any] | None],
    *,
    rules: Store,
    as_of: dt.datetime,
) -> Computed:
    """How items look in the store, and the variable products of which they are variations.

    ``families`` are those of ``items`` by code, with what was wanted of them before. What does not
    belong in the store is left out.
    """
    catalogue, mappings = rules.catalogue, rules.mappings
    wanted: list[Wanted] = []
    for code, known in families.items():
        of_it = [item for item in items if item.family and item.family.code == code]
        family = wanted_family(of_it, catalogue, mappings, known=known)
        if family is not None:
            wanted.append(Wanted(code, family, as_of))
    skus = skus_by_item([each.code for each in items if each.code], mappings)
    for item in items:
        for sku in skus.get(item.code, ()):
            value = wanted_product(item, catalogue, rules.stock, mappings, sku=sku)
            if value is not None:
                wanted.append(Wanted(sku, value, as_of))
    return Computed(tuple(wanted))


def price_lists(rules: Store) -> set[str]:
    """Every price list that the store's prices come from."""
    prices = rules.prices
    lists = {prices.list, prices.clearance, *(band.list for band in prices.band)}
    if prices.sale is not None:
        lists.add(prices.sale.list)
    return {each for each in lists if each}


def locations(rules: Store) -> set[str]:
    """Every location that the store sells from."""
    return {
        *rules.stock.locations,
        *(at for rule in rules.stock.rule for at in rule.locations or ()),
    }
