"""Taking an item apart: kits into what is shipped, bills of materials into what is built of. Pure.

Level by level, each item after everything that it is a part of: its own stock first, then whole
batches of it, until only what cannot be built is left. So shared parts are counted once, batches
are rounded once, and the answer is the same in whatever order the parts are named.
"""

import graphlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from accord.model.stock import Holding, Recipe
from accord.rules.selling import Build

NONE: Mapping[str, Decimal] = {}
ZERO = Decimal(0)


@dataclass(slots=True)
class Exploded:
    """``drawn`` is what is taken of each item touched, less what is built of it."""

    drawn: dict[str, Decimal] = field(default_factory=dict)
    lacks: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """One item taken apart: all that it may be made of, each after everything it is a part of.

    ``recipes`` are those that count: possible ones of known parts, as far as the rules build.
    """

    item: str
    order: tuple[str, ...]
    recipes: Mapping[str, Recipe]

    def there(
        self,
        holdings: Mapping[str, Holding],
        locations: Sequence[str],
        *,
        store: str = "",
        mine: Mapping[str, Decimal] = NONE,
    ) -> dict[str, Decimal]:
        """What there is of each item, less its claims; nothing for kits, which are never stocked.

        ``mine`` and the holds of ``store`` are not claims.
        """
        return {
            each: free(holdings[each], locations)
            - holdings[each].taken
            + holdings[each].held.get(store, ZERO)
            + mine.get(each, ZERO)
            for each in self.order
            if not self._is_kit(each)
        }

    def explode(
        self, pieces: Decimal, there: Mapping[str, Decimal], *, touching: Collection[str] = ()
    ) -> Exploded:
        """What ``pieces`` of the item need. ``touching``: look at these though they may not."""
        required = {**dict.fromkeys(touching, ZERO), self.item: pieces}
        result = Exploded()
        for each in self.order:
            if each not in required:
                continue
            recipe = self.recipes.get(each)
            if self._is_kit(each) and recipe is not None:
                for part, quantity in recipe.inputs:
                    add(required, {part: required[each] * quantity / recipe.output})
                continue
            lacking = required[each] - there[each]
            result.drawn[each] = required[each]
            if lacking > 0 and recipe is not None:
                batches = (lacking / recipe.output).to_integral_value(ROUND_CEILING)
                result.drawn[each] -= batches * recipe.output
                for part, quantity in recipe.inputs:
                    add(required, {part: quantity * batches})
            elif lacking > 0:
                result.lacks = True
        return result

    def _is_kit(self, item: str) -> bool:
        recipe = self.recipes.get(item)
        return recipe is not None and recipe.kind == "kit"


def plan_of(
    item: str, holdings: Mapping[str, Holding], recipes: Mapping[str, Recipe], build: Build
) -> Plan | None:
    """The plan of ``item``; None where too little is known of it to sell any."""
    order, counted = _ordered(item, _counting(recipes, build))
    known: dict[str, bool] = {}
    for each in reversed(order):
        holding = holdings.get(each)
        recipe = counted.get(each)
        possible = (
            recipe is not None and bool(recipe.inputs) and all(known[p] for p in parts_of(recipe))
        )
        if recipe is not None and recipe.kind == "kit":
            known[each] = possible
        else:
            known[each] = holding is not None and holding.as_of is not None
            if recipe is not None and not (possible and known[each]):
                del counted[each]
    if not known[item]:
        return None
    used = reached([item], lambda each: parts_of(counted.get(each)))
    return Plan(item, tuple(each for each in order if each in used), counted)


def _counting(recipes: Mapping[str, Recipe], build: Build) -> Callable[[str], Recipe | None]:
    def recipe_of(item: str) -> Recipe | None:
        recipe = recipes.get(item)
        return recipe if recipe and (build == "all" or build == recipe.kind + "s") else None

    return recipe_of


def _ordered(
    item: str, recipe_of: Callable[[str], Recipe | None]
) -> tuple[list[str], dict[str, Recipe]]:
    """All that ``item`` is made of, each after what it is a part of, and the recipes of them.

    An item in its own recipe, at any depth, builds nothing: a kit of that sort has no parts left.
    """
    parts: dict[str, Sequence[str]] = {}
    reached([item], lambda each: parts.setdefault(each, parts_of(recipe_of(each))))
    try:
        order = list(graphlib.TopologicalSorter(parts).static_order())
    except graphlib.CycleError:
        circular = {each for each in parts if each in reached(parts[each], parts.__getitem__)}
        parts = {each: () if each in circular else below for each, below in parts.items()}
        order = list(graphlib.TopologicalSorter(parts).static_order())
    found: dict[str, Recipe] = {}
    for each in order:
        if (recipe := recipe_of(each)) is None:
            continue
        inputs = tuple(pair for pair in recipe.inputs if pair[0] in parts[each] and pair[1] > 0)
        found[each] = Recipe(each, inputs, recipe.output, recipe.kind)
    return order[::-1], found


def most(plan: Plan, there: Mapping[str, Decimal]) -> int:
    """The most pieces that can be had; negative where that many are short."""

    def lacks(pieces: int) -> bool:
        return plan.explode(Decimal(pieces), there).lacks

    own = there.get(plan.item)
    low = 0 if own is None else int(own.to_integral_value(ROUND_FLOOR))
    if own is not None and plan.item not in plan.recipes:
        return low
    step = 1
    while lacks(low):
        low -= step
        step *= 2
    step = 1
    while not lacks(low + step):
        low += step
        step *= 2
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if lacks(middle) else (middle, high)
    return low


def uncovered(
    item: str, quantity: Decimal, recipes: Mapping[str, Recipe], build: Build
) -> dict[str, Decimal]:
    """The claim of ``quantity`` that nothing covers: a kit's parts, else the item itself."""
    claim: dict[str, Decimal] = {}
    if not quantity:
        return claim
    order, counted = _ordered(item, _counting(recipes, build))
    required = {item: quantity}
    for each in order:
        recipe = counted.get(each)
        if each not in required:
            continue
        if recipe is not None and recipe.kind == "kit" and recipe.inputs:
            for part, per in recipe.inputs:
                add(required, {part: required[each] * per / recipe.output})
        else:
            claim[each] = required[each]
    return claim


def parts_of(recipe: Recipe | None) -> tuple[str, ...]:
    if recipe is None:
        return ()
    return tuple(dict.fromkeys(part for part, quantity in recipe.inputs if quantity > 0))


def reached(items: Iterable[str], below: Callable[[str], Iterable[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(items)
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting.extend(below(each))
    return seen


# --- sums -----------------------------------------------------------------------


def free(holding: Holding | None, locations: Iterable[str]) -> Decimal:
    if holding is None:
        return ZERO
    return sum((holding.free.get(each, ZERO) for each in locations), ZERO)


def add(into: dict[str, Decimal], these: Mapping[str, Decimal], *, times: int = 1) -> None:
    for key, quantity in these.items():
        into[key] = into.get(key, ZERO) + quantity * times


def positive(claims: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {item: quantity for item, quantity in claims.items() if quantity > 0}
