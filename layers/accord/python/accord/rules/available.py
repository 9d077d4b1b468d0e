"""How many of an item a store may sell, and what a sale claims. Pure.

An item is sold from its own stock, and then from what it can be put together of. How much that is
has one answer even where parts are shared or nested, because it is found as a planner would: n
pieces can be had if taking n apart, level by level, own stock first and whole batches built, never
needs more of anything than there is. More pieces never need less, so the largest n is searched for.

What is there of an item is what is free at the chosen locations, less what is claimed. It may be
negative: the back office has promised more than it has. What is short must be built first.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from accord.model.stock import Holding, Limit, Recipe
from accord.rules.bills import (
    NONE,
    ZERO,
    add,
    free,
    most,
    parts_of,
    plan_of,
    positive,
    reached,
    uncovered,
)
from accord.rules.conditions import item_fits
from accord.rules.selling import Backorders, Build, StockRule, StockRules


@dataclass(frozen=True, slots=True)
class Terms:
    """What the rules say of one SKU. ``buffer`` and ``oversell`` are pieces of what is sold."""

    locations: tuple[str, ...]
    buffer: int = 0
    oversell: int = 0
    build: Build = "all"
    backorders: Backorders | None = None


@dataclass(frozen=True, slots=True)
class Available:
    """What may be sold of one item. ``as_of`` is the oldest of all that it was computed from.

    An item of which, or of a part of which, nothing is known has an ``as_of`` of None and a
    quantity of 0; so has a service, which the caller tells apart. ``short`` are pieces that were
    promised beyond what is there and can be built: sold too many.
    """

    quantity: int
    as_of: dt.datetime | None
    short: Decimal


def terms(sku: str, rules: StockRules, classes: Mapping[str, Sequence[str]]) -> Terms:
    """What holds for ``sku``: of each word the first exception that fits and says it."""
    fitting = [rule for rule in rules.rule if item_fits(rule.when, sku, classes)]
    every: list[StockRule | StockRules] = [*fitting, rules]
    return Terms(
        locations=next(each.locations for each in every if each.locations is not None),
        buffer=next(each.buffer for each in every if each.buffer is not None),
        oversell=next(each.oversell for each in every if each.oversell is not None),
        build=next(each.build for each in every if each.build is not None),
        backorders=next((each.backorders for each in every if each.backorders is not None), None),
    )


def relatives(items: Collection[str], recipes: Mapping[str, Recipe]) -> set[str]:
    """``items`` and all that they are made of, at any depth."""
    return reached(items, lambda item: parts_of(recipes.get(item)))


def dependants(items: Collection[str], recipes: Mapping[str, Recipe]) -> set[str]:
    """``items`` and all that is made of them, at any depth."""
    above: dict[str, list[str]] = {}
    for recipe in recipes.values():
        for part in parts_of(recipe):
            above.setdefault(part, []).append(recipe.item)
    return reached(items, lambda item: above.get(item, ()))


def available(
    item: str,
    holdings: Mapping[str, Holding],
    recipes: Mapping[str, Recipe],
    terms: Terms,
    *,
    store: str,
) -> Available:
    """How many of ``item`` ``store`` may sell.

    Args:
        item: Its code.
        holdings: Those of ``relatives([item], recipes)`` that are known.
        recipes: All that there are, by item.
        terms: What the rules say of the SKU that it is sold as.
        store: Whose holds are not subtracted, since its own shoppers have them; empty for none.
    """
    plan = plan_of(item, holdings, recipes, terms.build)
    if plan is None:
        return Available(0, None, ZERO)
    there = plan.there(holdings, terms.locations, store=store)
    pieces = most(plan, there)
    own = there.get(item)
    plain = own is not None and item not in plan.recipes
    return Available(
        quantity=max(0, pieces + terms.oversell - terms.buffer),
        as_of=min(filter(None, (holdings[each].as_of for each in there))),
        short=max(ZERO, -own if plain and own is not None else Decimal(-pieces)),
    )


def needs(
    item: str,
    quantity: Decimal,
    holdings: Mapping[str, Holding],
    recipes: Mapping[str, Recipe],
    terms: Terms,
    *,
    mine: Mapping[str, Decimal] = NONE,
) -> dict[str, Decimal]:
    """What a sale of ``quantity`` of ``item`` claims, by item: own stock first, then parts.

    What nothing covers is claimed all the same: of the item itself, or of a kit's parts. Afterwards
    ``available`` is less by exactly ``quantity``, as far as it was there. A batch that makes more
    than is sold is claimed whole, so less is shown rather than too much, until the back office has
    reserved for the order.

    Args:
        mine: What the same sale claims already, which must not make it look for other stock. Once
            the back office has reserved for the order, do not ask again: keep what was claimed.
    """
    if quantity <= 0:
        return {}
    plan = plan_of(item, holdings, recipes, terms.build)
    if plan is None:
        return positive(uncovered(item, quantity, recipes, terms.build))
    there = plan.there(holdings, terms.locations, mine=mine)
    covered = quantity
    if plan.explode(quantity, there).lacks:
        covered = Decimal(min(int(quantity), max(0, most(plan, there))))
    claims: dict[str, Decimal] = {}
    if covered:
        full = plan.explode(covered, there)
        add(claims, full.drawn)
        # What earlier claims leave to be built is theirs, not this sale's.
        add(claims, plan.explode(ZERO, there, touching=full.drawn).drawn, times=-1)
    add(claims, uncovered(item, quantity - covered, recipes, terms.build))
    return positive(claims)


def limits(
    item_needs: Mapping[str, Decimal],
    holdings: Mapping[str, Holding],
    recipes: Mapping[str, Recipe],
    terms: Terms,
    *,
    item: str,
    quantity: Decimal,
) -> tuple[Limit, ...]:
    """How far each of ``item_needs`` may be claimed, all holds included.

    ``item_needs`` is what ``needs`` said of the same ``item``, ``quantity`` and holdings. The
    buffer and the oversell of the item that is sold count in the pieces that they stand for: what
    the buffer alone would be made of has a limit too.
    """
    spare = Decimal(terms.oversell - terms.buffer)
    allowed = uncovered(item, max(spare, ZERO), recipes, terms.build)
    kept: dict[str, Decimal] = {}
    if spare < 0:
        add(kept, needs(item, quantity - spare, holdings, recipes, terms))
        add(kept, item_needs, times=-1)
        kept = positive(kept)
    concerned = sorted({*item_needs, *kept})
    if plan := plan_of(item, holdings, recipes, terms.build):
        earlier = plan.explode(ZERO, plan.there(holdings, terms.locations), touching=concerned)
        add(kept, positive(earlier.drawn))
    return tuple(
        Limit(
            part,
            most=free(holdings.get(part), terms.locations)
            + allowed.get(part, ZERO)
            - kept.get(part, ZERO),
            basis=holdings[part].basis if part in holdings else 0,
        )
        for part in concerned
    )


@dataclass(frozen=True, slots=True)
class Sold:
    """One line of a basket: so many of an item, on the terms of the SKU that it is sold as."""

    item: str
    quantity: Decimal
    terms: Terms


def claims(
    basket: Iterable[Sold], holdings: Mapping[str, Holding], recipes: Mapping[str, Recipe]
) -> tuple[dict[str, Decimal], tuple[Limit, ...]]:
    """What a whole basket claims, and how far each item may be claimed.

    Line by line, so that two lines never count on the same pieces. A line's limits hold with what
    it and those before it claim: what later lines claim comes on top.
    """
    total: dict[str, Decimal] = {}
    bounds: dict[str, Limit] = {}
    left = dict(holdings)
    for sold in basket:
        asked = needs(sold.item, sold.quantity, left, recipes, sold.terms)
        found = limits(asked, left, recipes, sold.terms, item=sold.item, quantity=sold.quantity)
        for part, quantity in asked.items():
            if earlier := bounds.get(part):
                bounds[part] = replace(earlier, most=earlier.most + quantity)
        for limit in found:
            other = bounds.get(limit.item)
            bounds[limit.item] = limit if other is None or limit.most < other.most else other
        add(total, asked)
        for part, quantity in asked.items():
            if holding := left.get(part):
                left[part] = replace(holding, taken=holding.taken + quantity)
    return total, tuple(bounds[part] for part in sorted(bounds))
