"""What there is, what is claimed, and what a store should show of it."""

import itertools
from decimal import Decimal

import pytest

from accord.model.stock import Recipe, Snapshot
from accord.ports.levels import Level, Levels, Observed, Place, Sent, Wanted
from accord.state.levels import DynamoLevels
from accord.state.memory_levels import MemoryLevels
from tests.state.levels_kit import (
    ERP,
    NOW,
    STORE,
    amounts,
    at,
    demand,
    hold,
    order,
    snapshot,
    told,
    want,
)


@pytest.fixture
def levels(either) -> Levels:
    return either(MemoryLevels, DynamoLevels)


def taken(levels: Levels, item: str = "MUG") -> Decimal:
    found = levels.holdings(ERP, [item]).get(item)
    return found.taken if found else Decimal(0)


def level(levels: Levels, sku: str = "MUG", kind="stock") -> Level:
    return levels.levels(STORE, kind, [sku])[sku]


def dirty(levels: Levels, kind="stock") -> list[str]:
    return [one.sku for one in levels.dirty(STORE, kind, limit=100)]


# --- what a back office has ------------------------------------------------------


def test_an_item_nobody_has_read_is_not_known(levels) -> None:
    assert levels.holdings(ERP, ["MUG"]) == {}


def test_the_first_snapshot_makes_an_item_known(levels) -> None:
    assert levels.observe(ERP, [snapshot("MUG", "12.5", 0)]) == Observed(["MUG"], [], [])

    known = levels.holdings(ERP, ["MUG", "CUP"])
    assert list(known) == ["MUG"]
    assert (known["MUG"].free, known["MUG"].as_of, known["MUG"].basis) == (
        {"WH": Decimal("12.5")},
        NOW,
        1,
    )


def test_the_same_item_of_two_back_offices_is_two(levels) -> None:
    levels.observe(ERP, [snapshot("MUG", 1, 0)])
    levels.observe("other", [snapshot("MUG", 2, 0)])

    assert levels.holdings(ERP, ["MUG"])["MUG"].free == {"WH": 1}


def test_equal_stock_read_later_is_no_change(levels) -> None:
    levels.observe(ERP, [snapshot("MUG", 5, 0)])

    assert levels.observe(ERP, [snapshot("MUG", "5.00", 60)]) == Observed([], [], [])
    known = levels.holdings(ERP, ["MUG"])["MUG"]
    assert (known.as_of, known.basis) == (at(60), 1)


def test_other_stock_grows_the_basis(levels) -> None:
    levels.observe(ERP, [snapshot("MUG", 5, 0)])
    levels.observe(ERP, [snapshot("MUG", -4, 60)])

    known = levels.holdings(ERP, ["MUG"])["MUG"]
    assert (known.free, known.basis) == ({"WH": Decimal(-4)}, 2)


def test_an_older_snapshot_is_stale(levels) -> None:
    levels.observe(ERP, [snapshot("MUG", 5, 60)])

    assert levels.observe(ERP, [snapshot("MUG", 9, 0)]) == Observed([], ["MUG"], [])
    assert levels.holdings(ERP, ["MUG"])["MUG"].free == {"WH": 5}


def test_the_same_snapshot_again_is_neither_a_change_nor_stale(levels) -> None:
    levels.observe(ERP, [snapshot("MUG", 5, 0)])

    assert levels.observe(ERP, [snapshot("MUG", 5, 0)]) == Observed([], [], [])


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(3))))
def test_snapshots_end_alike_in_any_order(levels, arrival) -> None:
    levels.set_demand(demand(1, {"MUG": 2}, reserved=15), now=NOW)
    told_of = [snapshot("MUG", 5, 10), snapshot("MUG", 3, 20), snapshot("MUG", 7, 30)]

    for index in arrival:
        levels.observe(ERP, [told_of[index]])

    known = levels.holdings(ERP, ["MUG"])["MUG"]
    assert (known.free, known.as_of, known.taken) == ({"WH": 7}, at(30), 0)


def test_the_newest_of_one_item_in_one_call_counts(levels) -> None:
    levels.observe(ERP, [snapshot("MUG", 7, 30), snapshot("MUG", 5, 10)])

    assert levels.holdings(ERP, ["MUG"])["MUG"].free == {"WH": 7}


def test_many_items_at_once(levels) -> None:
    read = [snapshot(f"I{n:03}", n, 0) for n in range(250)]

    assert len(levels.observe(ERP, read).changed) == 250
    assert levels.holdings(ERP, ["I249"])["I249"].free == {"WH": 249}


def test_a_location_without_a_code_is_kept(levels) -> None:
    levels.observe(ERP, [Snapshot("MUG", {"": Decimal(3)}, NOW)])

    assert levels.holdings(ERP, ["MUG"])["MUG"].free == {"": 3}


def test_recipes_tell_which_of_them_changed(levels) -> None:
    gift = Recipe("GIFT", (("MUG", Decimal(2)), ("BOX", Decimal("0.5"))), kind="kit")
    desk = Recipe("DESK", (("LEG", Decimal(4)),), output=Decimal(3))
    assert levels.put_recipes(ERP, [gift, desk]) == ["DESK", "GIFT"]
    assert levels.recipes(ERP) == {"GIFT": gift, "DESK": desk}

    assert levels.put_recipes(ERP, [gift, desk]) == []
    assert levels.put_recipes(ERP, [gift]) == ["DESK"]
    assert levels.recipes(ERP) == {"GIFT": gift}
    assert levels.recipes("other") == {}


# --- touched ---------------------------------------------------------------------


def test_what_changes_is_touched_until_it_was_computed(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 2}), now=NOW)
    levels.set_demand(demand(2, {"CUP": 1}), now=NOW)
    levels.observe(ERP, [snapshot("BOX", 1, 0)])

    assert levels.touched(ERP, limit=10) == ["MUG", "CUP", "BOX"]
    assert levels.touched(ERP, limit=2) == ["MUG", "CUP"]
    levels.untouch(ERP, ["MUG", "BOX"])
    assert levels.touched(ERP, limit=10) == ["CUP"]
    assert levels.touched("other", limit=10) == []


def test_an_item_is_told_once_however_often_it_was_touched(levels) -> None:
    for number in range(3):
        levels.set_demand(demand(number, {"MUG": 1, "CUP": 1}), now=NOW)

    assert levels.touched(ERP, limit=10) == ["CUP", "MUG"]
    levels.untouch(ERP, ["CUP", "MUG"])
    assert levels.touched(ERP, limit=10) == []


def test_what_is_touched_after_it_was_looked_at_stays_touched(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 1}), now=NOW)
    looked = levels.touched(ERP, limit=10)
    levels.set_demand(demand(2, {"MUG": 1}), now=NOW)

    levels.untouch(ERP, looked)

    assert levels.touched(ERP, limit=10) == ["MUG"]


def test_items_are_untouched_by_who_never_looked(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 1, "CUP": 1}), now=NOW)

    levels.untouch(ERP, ["MUG"])

    assert levels.touched(ERP, limit=10) == ["CUP"]


def test_an_unchanged_snapshot_touches_nothing(levels) -> None:
    levels.observe(ERP, [snapshot("MUG", 5, 0)])
    levels.untouch(ERP, ["MUG"])

    levels.observe(ERP, [snapshot("MUG", 5, 60)])

    assert levels.touched(ERP, limit=10) == []


def test_what_an_order_moved_is_touched_though_its_claims_are_as_before(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 1}), now=NOW)
    levels.untouch(ERP, ["MUG"])

    levels.set_demand(demand(1, {"MUG": 1}, took={"MUG-SKU": 1}), now=NOW)

    assert levels.touched(ERP, limit=10) == ["MUG"]


# --- demand ----------------------------------------------------------------------


def test_an_order_that_was_never_told_of_has_no_demand(levels) -> None:
    assert levels.demand(order(1)) is None


def test_an_order_that_claims_nothing_leaves_nothing(levels) -> None:
    levels.set_demand(demand(1, {}), now=NOW)

    assert levels.demand(order(1)) is None


def test_demand_is_told_as_it_was_set(levels) -> None:
    told_of = demand(1, {"MUG": "2.5"}, took={"M": 2}, reserved=5, hold="h1")
    levels.set_demand(told_of, now=NOW)

    assert levels.demand(order(1)) == told_of


def test_demand_takes_the_place_of_what_it_was(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 2, "CUP": 1}), now=NOW)
    levels.set_demand(demand(2, {"MUG": 1}), now=NOW)
    levels.set_demand(demand(1, {"MUG": 5}), now=NOW)

    assert (taken(levels), taken(levels, "CUP")) == (6, 0)
    levels.set_demand(demand(1, {}), now=NOW)
    assert taken(levels) == 1


def test_the_same_demand_again_changes_nothing(levels) -> None:
    for _ in range(2):
        levels.set_demand(demand(1, {"MUG": 2}, took={"M": 2}), now=NOW)

    assert (taken(levels), level(levels, "M").moved) == (2, 2)


def test_demand_stays_open_while_the_back_office_does_not_keep_it(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 2}), now=NOW)

    assert levels.observe(ERP, [snapshot("MUG", 5, 60)]).closed == []
    assert taken(levels) == 2


@pytest.mark.parametrize("looked", [False, True])
def test_a_demand_says_that_a_part_of_it_was_kept(levels: Levels, *, looked: bool) -> None:
    levels.set_demand(demand(1, {"MUG": 2}), now=NOW)
    first = levels.demand(order(1))
    levels.set_demand(demand(1, {"MUG": 2}, reserved=10), now=NOW)
    if looked:
        levels.observe(ERP, [snapshot("MUG", 5, 20)])
    levels.set_demand(demand(1, {"MUG": 2, "CUP": 1}), now=NOW)
    grown = levels.demand(order(1))
    levels.set_demand(demand(1, {}), now=NOW)
    levels.set_demand(demand(1, {"MUG": 2, "CUP": 1}), now=NOW)
    anew = levels.demand(order(1))

    kept = [each is not None and each.was_kept for each in (first, grown, anew)]
    assert kept == [False, looked, False]


def test_a_snapshot_closes_what_was_reserved_before_it(levels) -> None:
    levels.observe(ERP, [snapshot("MUG", 5, 0)])
    levels.set_demand(demand(1, {"MUG": 2}, reserved=10), now=NOW)
    levels.set_demand(demand(2, {"MUG": 1}, reserved=30), now=NOW)

    assert levels.observe(ERP, [snapshot("MUG", 3, 20)]) == Observed(["MUG"], [], ["MUG"])
    assert taken(levels) == 1
    assert levels.observe(ERP, [snapshot("MUG", 2, 40)]).closed == ["MUG"]
    assert taken(levels) == 0


def test_a_snapshot_of_the_same_moment_does_not_have_it_yet(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 2}, reserved=10), now=NOW)

    levels.observe(ERP, [snapshot("MUG", 5, 10)])

    assert taken(levels) == 2


def test_reserved_demand_that_is_told_after_the_snapshot_is_closed_at_once(levels) -> None:
    levels.observe(ERP, [snapshot("MUG", 3, 20)])

    levels.set_demand(demand(1, {"MUG": 2}, reserved=10), now=NOW)

    assert taken(levels) == 0


@pytest.mark.parametrize("reserved", [None, 10, 50])
def test_what_was_closed_stays_so(levels, reserved) -> None:
    levels.set_demand(demand(1, {"MUG": 2}, reserved=10), now=NOW)
    levels.observe(ERP, [snapshot("MUG", 3, 20)])

    levels.set_demand(demand(1, {"MUG": 2}, reserved=reserved), now=NOW)

    assert taken(levels) == 0


@pytest.mark.parametrize("reserved", [None, 10, 50])
def test_what_was_closed_opens_when_more_is_needed(levels, reserved) -> None:
    levels.set_demand(demand(1, {"MUG": 2}, reserved=10), now=NOW)
    levels.observe(ERP, [snapshot("MUG", 3, 20)])

    for _ in range(2):
        levels.set_demand(demand(1, {"MUG": 4, "CUP": 1}, reserved=reserved), now=NOW)

    assert taken(levels) == 4


def test_more_that_is_reserved_before_the_last_snapshot_is_in_it(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 2}, reserved=10), now=NOW)
    levels.observe(ERP, [snapshot("MUG", 1, 40)])

    levels.set_demand(demand(1, {"MUG": 4}, reserved=30), now=NOW)

    assert taken(levels) == 0


def test_more_of_an_old_reservation_is_closed_by_the_next_snapshot(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 2}, reserved=10), now=NOW)
    levels.observe(ERP, [snapshot("MUG", 3, 20)])
    levels.set_demand(demand(1, {"MUG": 4}, reserved=10), now=NOW)
    levels.set_demand(demand(1, {"MUG": 4, "CUP": 1}, reserved=10), now=NOW)
    assert taken(levels) == 4

    levels.observe(ERP, [snapshot("MUG", 1, 40)])

    assert taken(levels) == 0


def test_a_reservation_that_is_told_anew_each_pass_does_not_move(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 2}, reserved=10), now=NOW)
    levels.set_demand(demand(1, {"MUG": 2}, reserved=30), now=NOW)

    levels.observe(ERP, [snapshot("MUG", 3, 20)])

    assert taken(levels) == 0


def test_a_reservation_that_was_withdrawn_leaves_the_claim_open(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 2}, reserved=10), now=NOW)
    levels.set_demand(demand(1, {"MUG": 2}), now=NOW)

    levels.observe(ERP, [snapshot("MUG", 3, 20)])

    assert taken(levels) == 2


def test_an_order_that_goes_to_another_back_office_leaves_the_first(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 2}, took={"M": 2}), now=NOW)
    levels.set_demand(demand(1, {"MUG": 2}, took={"M": 2}, erp="other"), now=NOW)

    assert taken(levels) == 0
    assert levels.holdings("other", ["MUG"])["MUG"].taken == 2
    assert level(levels, "M").moved == 2


def test_a_third_of_a_piece_is_given_back_to_the_last_digit(levels) -> None:
    third = Decimal(1) / 3
    for number in range(7):
        levels.set_demand(demand(number, {"GLUE": third}, took={"G": third}), now=NOW)
    assert taken(levels, "GLUE") >= 7 * third

    for number in range(7):
        levels.set_demand(demand(number, {}), now=NOW)

    assert (taken(levels, "GLUE"), level(levels, "G").moved) == (0, 0)


def test_an_order_of_many_items_is_claimed_whole(levels) -> None:
    needs = {f"I{n:03}": n + 1 for n in range(120)}
    took = {f"S{n:03}": n + 1 for n in range(120)}
    levels.set_demand(demand(1, needs, took=took, reserved=10), now=NOW)

    known = levels.holdings(ERP, list(needs))
    assert {item: known[item].taken for item in known} == amounts(needs)
    moved = levels.levels(STORE, "stock", list(took))
    assert {sku: moved[sku].moved for sku in moved} == amounts(took)
    assert levels.demand(order(1)) == demand(1, needs, took=took, reserved=10)

    closed = levels.observe(ERP, [snapshot(item, 1, 20) for item in needs]).closed
    assert closed == sorted(needs)


def test_a_hot_item_closes_more_claims_than_a_transaction_takes(levels) -> None:
    for number in range(130):
        levels.set_demand(demand(number, {"MUG": 1}, reserved=number / 10), now=NOW)

    levels.observe(ERP, [snapshot("MUG", 900, 12.5)])

    assert taken(levels) == 5


def test_what_an_order_took_moves_the_level_of_its_store_only(levels) -> None:
    levels.set_demand(demand(1, {}, took={"M": 3}), now=NOW)
    levels.set_demand(demand(1, {}, took={"M": 1}), now=NOW)

    assert level(levels, "M").moved == 1
    assert levels.levels("fr", "stock", ["M"]) == {}
    assert levels.levels(STORE, "price", ["M"]) == {}


def test_a_hold_becomes_the_demand_that_names_it(levels) -> None:
    assert levels.hold(hold("h1", {"MUG": 2, "CUP": 1}), [], now=NOW)

    levels.set_demand(demand(1, {"MUG": 2}, hold="h1"), now=NOW)

    known = levels.holdings(ERP, ["MUG", "CUP"])
    assert (known["MUG"].taken, known["MUG"].held) == (2, {})
    assert (known["CUP"].taken, known["CUP"].held) == (0, {})
    assert levels.release(STORE, "h1") is False
    assert levels.expire(ERP, now=at(9999), limit=10) == 0


def test_a_hold_that_is_over_is_simply_gone(levels) -> None:
    levels.hold(hold("h1", {"MUG": 2}, ends=60), [], now=NOW)
    levels.expire(ERP, now=at(61), limit=10)

    levels.set_demand(demand(1, {"MUG": 2}, hold="h1"), now=NOW)

    assert taken(levels) == 2


def test_a_large_order_gives_up_its_hold_with_its_parts(levels) -> None:
    levels.hold(hold("h1", {f"I{n:03}": 1 for n in range(40)}), [], now=NOW)
    needs = {f"I{n:03}": 1 for n in range(20, 160)}

    levels.set_demand(demand(1, needs, hold="h1", reserved=5), now=NOW)

    known = levels.holdings(ERP, [f"I{n:03}" for n in range(160)])
    assert {item: one.taken for item, one in known.items() if one.taken} == amounts(needs)
    assert [one for one in known.values() if one.held] == []
    assert levels.release(STORE, "h1") is False


def test_a_hold_of_another_back_office_is_given_up_as_well(levels) -> None:
    levels.hold(hold("h1", {"MUG": 2}, erp="other"), [], now=NOW)

    levels.set_demand(demand(1, {"MUG": 1}, hold="h1"), now=NOW)

    assert levels.holdings("other", ["MUG"])["MUG"].taken == 0
    assert taken(levels) == 1


# --- what a store should show ----------------------------------------------------


def test_a_level_that_nobody_wanted_is_not_known(levels) -> None:
    assert levels.levels(STORE, "stock", ["MUG"]) == {}
    assert dirty(levels) == []


def test_a_wanted_value_is_to_be_sent_once(levels) -> None:
    assert levels.want(STORE, "stock", [want("MUG", 5, 0)]) == 1

    assert dirty(levels) == ["MUG"]
    assert level(levels).wanted == {"quantity": 5}
    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=1)])
    assert dirty(levels) == []
    assert (level(levels).sent, level(levels).sent_at) == ({"quantity": 5}, at(1))


def test_what_waits_to_be_sent_is_counted_again(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])

    assert levels.want(STORE, "stock", [want("MUG", 5, 60)]) == 1
    assert levels.count_dirty(STORE, "stock") == 1
    assert level(levels).version == 1


def test_an_older_value_is_dropped(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 60)])

    assert levels.want(STORE, "stock", [want("MUG", 9, 0)]) == 0
    assert level(levels).wanted == {"quantity": 5}


def test_the_newest_of_one_sku_in_one_call_is_wanted(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 60), want("MUG", 9, 0)])

    assert level(levels).wanted == {"quantity": 5}


def test_what_the_store_shows_already_is_not_sent(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=1)])

    assert levels.want(STORE, "stock", [want("MUG", 5, 3599)]) == 0
    assert level(levels).as_of == NOW
    assert levels.want(STORE, "stock", [want("MUG", 5, 3600)]) == 0
    assert level(levels).as_of == at(3600)
    assert dirty(levels) == []


def test_the_store_may_show_more_than_is_wanted(levels) -> None:
    levels.want(STORE, "price", [Wanted("MUG", {"regular": "5.00"}, NOW)])
    shows = {"regular": "5.00", "sale": None}
    levels.sent(STORE, "price", [Sent("MUG", 1, shows, at(1))])

    assert levels.want(STORE, "price", [Wanted("MUG", {"regular": "5.00"}, at(2))]) == 0
    assert levels.want(STORE, "price", [Wanted("MUG", {"regular": "4.00"}, at(3))]) == 1


def test_values_are_compared_as_json(levels) -> None:
    value = {"price": Decimal("5.00"), "images": ("a", "b")}
    levels.want(STORE, "product", [Wanted("MUG", value, NOW)])
    levels.sent(STORE, "product", [Sent("MUG", 1, value, at(1))])

    assert levels.want(STORE, "product", [Wanted("MUG", value, at(2))]) == 0
    assert level(levels, kind="product").wanted == {"price": "5.00", "images": ["a", "b"]}


def test_what_an_order_took_is_not_sent_to_the_store_that_took_it(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=1)])
    levels.set_demand(demand(1, {"MUG": 2}, took={"MUG": 2}), now=at(2))

    assert levels.want(STORE, "stock", [want("MUG", 3, 3)]) == 0
    assert level(levels).wanted == {"quantity": 3}
    assert dirty(levels) == []


def test_stock_that_came_while_the_store_sold_is_sent(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=1)])
    levels.set_demand(demand(1, {"MUG": 2}, took={"MUG": 2}), now=at(2))

    assert levels.want(STORE, "stock", [want("MUG", 5, 3)]) == 1
    assert dirty(levels) == ["MUG"]


def test_what_moved_before_a_value_was_computed_is_in_it(levels) -> None:
    levels.set_demand(demand(1, {"MUG": 2}, took={"MUG": 2}), now=NOW)
    levels.want(STORE, "stock", [want("MUG", 3, 0)])
    levels.sent(STORE, "stock", [told("MUG", 3, version=1, at_=1, moved=2)])

    assert (level(levels).moved, level(levels).moved_at_sent) == (2, 2)
    assert levels.want(STORE, "stock", [want("MUG", 3, 5)]) == 0


def test_a_level_that_is_set_while_it_is_sent_stays_to_be_sent(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.want(STORE, "stock", [want("MUG", 4, 10)])

    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=11)])

    assert dirty(levels) == ["MUG"]
    assert level(levels).sent == {"quantity": 5}
    levels.sent(STORE, "stock", [told("MUG", 4, version=2, at_=12)])
    assert dirty(levels) == []


def test_a_value_that_is_wanted_back_while_another_is_on_its_way_is_sent(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=1)])
    levels.want(STORE, "stock", [want("MUG", 4, 2)])
    levels.want(STORE, "stock", [want("MUG", 5, 3)])

    levels.sent(STORE, "stock", [told("MUG", 4, version=2, at_=4)])

    assert dirty(levels) == ["MUG"]


def test_an_answer_to_a_value_that_is_no_longer_wanted_brings_the_level_back(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=1)])
    levels.set_demand(demand(1, {"MUG": 2}, took={"MUG": 2}), now=at(2))
    levels.want(STORE, "stock", [want("MUG", 3, 3)])

    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=4, moved=2)])

    assert dirty(levels) == ["MUG"]


def test_an_answer_older_than_the_last_says_nothing(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=10)])

    levels.sent(STORE, "stock", [told("MUG", 9, version=1, at_=5)])

    assert level(levels).sent == {"quantity": 5}


def test_what_the_store_refuses_waits_for_another_value(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [Sent("MUG", 1, None, at(1), refused="no such product")])

    assert (dirty(levels), level(levels).refused) == ([], "no such product")
    assert level(levels).sent is None
    assert levels.want(STORE, "stock", [want("MUG", 5, 60)]) == 0
    assert levels.want(STORE, "stock", [want("MUG", 4, 61)]) == 1
    assert level(levels).refused == ""


def test_a_refusal_of_an_older_value_is_forgotten(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.want(STORE, "stock", [want("MUG", 4, 2)])

    levels.sent(STORE, "stock", [Sent("MUG", 1, None, at(3), refused="no")])

    assert (dirty(levels), level(levels).refused) == (["MUG"], "")


def test_an_answer_that_was_lost_leaves_the_level_to_be_sent(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])

    levels.sent(STORE, "stock", [Sent("MUG", 1, None, at(1))])

    assert dirty(levels) == ["MUG"]


def test_a_level_is_sent_again_on_demand(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=1)])

    levels.resend(STORE, "stock", ["MUG", "CUP"])

    assert dirty(levels) == ["MUG"]
    assert level(levels).version == 2
    assert levels.levels(STORE, "stock", ["CUP"]) == {}


def test_what_is_to_be_sent_again_while_it_is_sent_stays_to_be_sent(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.resend(STORE, "stock", ["MUG"])

    levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=1)])

    assert dirty(levels) == ["MUG"]


def test_simple_products_are_sent_first_then_variations_by_their_parent(levels) -> None:
    levels.put_places(
        STORE,
        {
            "B-RED": Place("21", "20"),
            "A-RED": Place("31", "3"),
            "B-BLUE": Place("22", "20"),
            "ZED": Place("9"),
        },
    )
    skus = ["B-RED", "A-RED", "B-BLUE", "ZED", "NEW"]
    levels.want(STORE, "stock", [want(sku, 5, 0) for sku in skus])

    assert dirty(levels) == ["NEW", "ZED", "B-BLUE", "B-RED", "A-RED"]
    first = levels.dirty(STORE, "stock", limit=3)
    assert [one.sku for one in first] == ["NEW", "ZED", "B-BLUE"]
    rest = levels.dirty(STORE, "stock", limit=3, after="20/B-BLUE")
    assert [one.sku for one in rest] == ["B-RED", "A-RED"]
    assert levels.dirty(STORE, "price", limit=3) == []


def test_more_are_wanted_than_one_transaction_takes(levels) -> None:
    assert levels.want(STORE, "stock", [want(f"S{n:03}", n, 0) for n in range(230)]) == 230

    assert levels.count_dirty(STORE, "stock") == 230
    assert len(levels.dirty(STORE, "stock", limit=1000)) == 230


def test_a_long_description_comes_back_as_it_was(levels) -> None:
    value = {"description": "größer, 大きい " * 40_000}

    levels.want(STORE, "product", [Wanted("MUG", value, NOW)])
    levels.sent(STORE, "product", [Sent("MUG", 1, value, at(1))])

    assert levels.want(STORE, "product", [Wanted("MUG", value, at(2))]) == 0
    assert level(levels, kind="product").wanted == value


def test_a_place_is_learnt_for_every_kind(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [Sent("MUG", 1, {"quantity": 5}, at(1), place=Place("21", "20"))])

    assert level(levels).place == Place("21", "20")
    assert level(levels, kind="price").place == Place("21", "20")


def test_a_level_that_moves_is_sent_from_its_new_place(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.put_places(STORE, {"MUG": Place("21", "20")})
    assert levels.dirty(STORE, "stock", limit=5, after="19/") != []
    assert levels.count_dirty(STORE, "stock") == 1

    levels.put_places(STORE, {"MUG": None, "CUP": None})

    assert (level(levels).place, dirty(levels)) == (None, ["MUG"])
    assert levels.levels(STORE, "stock", ["CUP"]) == {}


def test_levels_of_two_stores_are_apart(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])

    assert levels.levels("fr", "stock", ["MUG"]) == {}
    assert levels.count_dirty("fr", "stock") == 0


def test_half_a_character_in_a_sku_harms_nobody(levels) -> None:
    assert levels.want(STORE, "stock", [want("MUG\ud83d", 5, 0)]) == 1
    levels.observe(ERP, [snapshot("MUG\ud83d", 5, 0)])

    assert levels.holdings(ERP, ["MUG\ud83d"])["MUG\ud83d"].free == {"WH": 5}
