"""What is true of what may be sold, whatever there is and however it is put together."""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from accord.model.stock import Holding, Recipe, Snapshot
from accord.rules.available import Terms, available, limits, needs
from tests.rules.sold import (
    AT,
    ITEMS,
    MAIN,
    Holdings,
    Recipes,
    held,
    recipe_books,
    recipes,
    stocks,
)

TERMS = st.builds(
    Terms,
    locations=st.just(("MAIN",)),
    buffer=st.integers(0, 4),
    oversell=st.integers(0, 4),
    build=st.sampled_from(["none", "kits", "all"]),
)


def quantity(holdings: Holdings, made: Recipes, on: Terms = MAIN) -> int:
    return available("E", holdings, made, on, store="").quantity


def changed(holdings: Holdings, item: str, *, free: int = 0, taken: int = 0) -> Holdings:
    old = holdings[item]
    new = dataclasses.replace(old, free={"MAIN": old.free["MAIN"] + free}, taken=old.taken + taken)
    return {**holdings, item: new}


def claimed(holdings: Holdings, claim: dict[str, Decimal]) -> Holdings:
    return {
        item: dataclasses.replace(old, taken=old.taken + claim.get(item, Decimal(0)))
        for item, old in holdings.items()
    }


@given(stocks(taken=9), recipe_books(batches=True), TERMS)
def test_it_is_never_negative(holdings: Holdings, made: Recipes, on: Terms) -> None:
    assert quantity(holdings, made, on) >= 0


@given(
    stocks(taken=9),
    recipe_books(batches=True),
    TERMS,
    st.sampled_from(ITEMS),
    st.integers(1, 5),
)
def test_more_in_stock_is_never_less_to_sell(
    holdings: Holdings, made: Recipes, on: Terms, item: str, more: int
) -> None:
    after = quantity(changed(holdings, item, free=more), made, on)

    assert after >= quantity(holdings, made, on)


@given(
    stocks(taken=9),
    recipe_books(batches=True),
    TERMS,
    st.sampled_from(ITEMS),
    st.integers(1, 5),
)
def test_more_claims_are_never_more_to_sell(
    holdings: Holdings, made: Recipes, on: Terms, item: str, more: int
) -> None:
    after = quantity(changed(holdings, item, taken=more), made, on)

    assert after <= quantity(holdings, made, on)


@given(stocks(taken=9), recipe_books(batches=True), TERMS)
def test_a_larger_buffer_is_never_more_to_sell(
    holdings: Holdings, made: Recipes, on: Terms
) -> None:
    larger = dataclasses.replace(on, buffer=on.buffer + 1)

    assert quantity(holdings, made, larger) <= quantity(holdings, made, on)


@given(stocks(taken=9), recipe_books(batches=True))
def test_more_that_may_be_put_together_is_never_less_of_what_is_built(
    holdings: Holdings, made: Recipes
) -> None:
    made = {**made, "E": dataclasses.replace(made["E"], kind="bom")}

    built = [quantity(holdings, made, dataclasses.replace(MAIN, build=b)) for b in ("none", "all")]

    assert built == sorted(built)


# --- whatever comes first -----------------------------------------------------


def newest(snapshots: Iterable[Snapshot]) -> Holdings:
    """What is kept of them: of each item the one of the latest ``as_of``."""
    kept: Holdings = {}
    for each in snapshots:
        old = kept.get(each.item)
        if old is None or old.as_of is None or old.as_of < each.as_of:
            kept[each.item] = Holding(each.item, each.free, each.as_of)
    return kept


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Snapshot], list[Snapshot]]:
    """Some snapshots of every item, no two of the same moment, in two orders."""
    moments = st.lists(st.integers(0, 60), min_size=1, max_size=4, unique=True)
    told = [
        Snapshot(
            item,
            {"MAIN": Decimal(draw(st.integers(-3, 6)))},
            AT + dt.timedelta(seconds=moment),
        )
        for item in ITEMS
        for moment in draw(moments)
    ]
    return told, draw(st.permutations(told))


@given(arrivals(), recipe_books(batches=True), TERMS)
def test_it_is_the_same_in_whatever_order_snapshots_come(
    told: tuple[list[Snapshot], list[Snapshot]], made: Recipes, on: Terms
) -> None:
    one, other = (available("E", newest(each), made, on, store="uk") for each in told)

    assert one == other


# --- against every way to build ---------------------------------------------------


def by_trying(holdings: Holdings, made: Recipes) -> int:
    """The most of E that any sequence of builds ends with: every one of them is tried."""
    kits = {item for item, recipe in made.items() if recipe.kind == "kit"}
    start = tuple(0 if item in kits else int(holdings[item].free["MAIN"]) for item in ITEMS)
    seen = {start}
    waiting = [start]
    while waiting:
        state = waiting.pop()
        for after in filter(None, (_built(state, recipe) for recipe in made.values())):
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return max(state[-1] for state in seen)


def _built(state: tuple[int, ...], recipe: Recipe) -> tuple[int, ...] | None:
    after = list(state)
    for part, count in recipe.inputs:
        after[ITEMS.index(part)] -= int(count)
    if min(after) < 0:
        return None
    after[ITEMS.index(recipe.item)] += int(recipe.output)
    return tuple(after)


@given(stocks(most=4), recipe_books(batches=True))
def test_it_is_the_most_that_any_way_of_building_gives(holdings: Holdings, made: Recipes) -> None:
    assert quantity(holdings, made) == by_trying(holdings, made)


# --- a sale, and what is left -------------------------------------------------------


@given(stocks(taken=3), recipe_books(), st.data())
def test_a_sale_leaves_exactly_as_many_fewer(
    holdings: Holdings, made: Recipes, data: st.DataObject
) -> None:
    before = quantity(holdings, made)
    sold = data.draw(st.integers(0, before))

    claim = needs("E", Decimal(sold), holdings, made, MAIN)

    assert quantity(claimed(holdings, claim), made) == before - sold


@given(stocks(taken=3), recipe_books(batches=True), st.data())
def test_a_sale_of_a_part_of_a_batch_leaves_no_more_than_there_is(
    holdings: Holdings, made: Recipes, data: st.DataObject
) -> None:
    before = quantity(holdings, made)
    sold = data.draw(st.integers(0, before))

    claim = needs("E", Decimal(sold), holdings, made, MAIN)

    assert quantity(claimed(holdings, claim), made) <= before - sold


@given(stocks(taken=9), recipe_books(batches=True), st.integers(0, 9))
def test_a_claim_is_never_negative(holdings: Holdings, made: Recipes, sold: int) -> None:
    assert all(count > 0 for count in needs("E", Decimal(sold), holdings, made, MAIN).values())


@given(stocks(taken=3), recipe_books(), st.integers(1, 9))
def test_a_claim_looked_at_again_stays(holdings: Holdings, made: Recipes, sold: int) -> None:
    claim = needs("E", Decimal(sold), holdings, made, MAIN)

    again = needs("E", Decimal(sold), claimed(holdings, claim), made, MAIN, mine=claim)

    assert again == claim


@given(stocks(), st.integers(1, 9), st.integers(0, 3))
def test_what_is_not_there_is_claimed_in_full(holdings: Holdings, sold: int, short: int) -> None:
    made = recipes(Recipe("E", (("A", Decimal(1)),)))
    holdings = {**holdings, "E": held("E", str(-short))}

    claim = needs("E", Decimal(sold), holdings, made, MAIN)

    assert sum(claim.values()) == sold


# --- two holds at once --------------------------------------------------------------


def fits(holdings: Holdings, made: Recipes, on: Terms, seen: Holdings, count: int) -> Holdings:
    """After a hold of ``count``, computed of ``seen``; as before where a limit does not hold."""
    claim = needs("E", Decimal(count), seen, made, on)
    bounds = limits(claim, seen, made, on, item="E", quantity=Decimal(count))
    after = claimed(holdings, claim)
    return after if all(after[each.item].taken <= each.most for each in bounds) else holdings


@given(
    stocks(most=8),
    recipe_books(batches=True),
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
)
def test_holds_that_know_nothing_of_each_other_never_take_too_much(
    holdings: Holdings, made: Recipes, counts: list[int]
) -> None:
    after = holdings
    for count in counts:
        after = fits(after, made, MAIN, holdings, count)

    assert available("E", after, made, MAIN, store="").short == 0


@given(stocks(most=8), recipe_books(), st.integers(1, 9), TERMS)
def test_a_hold_of_what_may_be_sold_is_within_its_limits(
    holdings: Holdings, made: Recipes, count: int, on: Terms
) -> None:
    assume(count <= quantity(holdings, made, on))

    assert fits(holdings, made, on, holdings, count) != holdings


@given(stocks(most=8), recipe_books(), st.integers(1, 9), st.integers(0, 3))
def test_a_hold_of_more_than_may_be_sold_is_not(
    holdings: Holdings, made: Recipes, count: int, buffer: int
) -> None:
    on = dataclasses.replace(MAIN, buffer=buffer)
    assume(count > quantity(holdings, made, on))

    assert fits(holdings, made, on, holdings, count) == holdings
