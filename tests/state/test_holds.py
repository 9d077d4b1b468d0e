"""Goods that are kept for a basket."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from accord.errors import PermanentError
from accord.ports.levels import Levels
from accord.state.levels import DynamoLevels
from accord.state.memory_levels import MemoryLevels
from tests.state.levels_kit import ERP, NOW, STORE, at, demand, hold, limit, snapshot


@pytest.fixture
def levels(either) -> Levels:
    return either(MemoryLevels, DynamoLevels)


@pytest.fixture
def stocked(levels) -> Levels:
    """50 mugs and 5 cups, each at basis 1."""
    levels.observe(ERP, [snapshot("MUG", 50, 0), snapshot("CUP", 5, 0)])
    levels.untouch(ERP, ["MUG", "CUP"])
    return levels


def taken(levels: Levels, item: str = "MUG") -> Decimal:
    found = levels.holdings(ERP, [item]).get(item)
    return found.taken if found else Decimal(0)


def test_a_hold_claims_what_it_keeps_for_its_store(stocked) -> None:
    assert stocked.hold(hold("h1", {"MUG": 2, "CUP": "0.5"}), [limit("MUG", 50, 1)], now=NOW)

    known = stocked.holdings(ERP, ["MUG", "CUP"])
    assert (known["MUG"].taken, known["MUG"].held) == (2, {STORE: 2})
    assert known["CUP"].held == {STORE: Decimal("0.5")}
    assert stocked.touched(ERP, limit=10) == ["CUP", "MUG"]


def test_holds_of_two_stores_are_told_apart(stocked) -> None:
    stocked.hold(hold("h1", {"MUG": 2}), [], now=NOW)
    stocked.hold(hold("h1", {"MUG": 3}, store="fr"), [], now=NOW)

    known = stocked.holdings(ERP, ["MUG"])["MUG"]
    assert (known.taken, known.held) == (5, {"uk": 2, "fr": 3})


@pytest.mark.parametrize(("most", "kept"), [(1, False), (2, True), ("2.5", True), (-1, False)])
def test_a_hold_goes_through_while_it_is_within_its_limit(stocked, most, kept) -> None:
    assert stocked.hold(hold("h1", {"MUG": 2}), [limit("MUG", most, 1)], now=NOW) is kept

    assert taken(stocked) == (2 if kept else 0)


@pytest.mark.parametrize(("most", "basis", "kept"), [(2, 0, True), (1, 0, False), (2, 1, False)])
def test_limits_of_an_item_that_nobody_has_read(levels, most, basis, kept) -> None:
    assert levels.hold(hold("h1", {"NEW": 2}), [limit("NEW", most, basis)], now=NOW) is kept


def test_what_others_claim_counts_against_the_limit(stocked) -> None:
    stocked.set_demand(demand(1, {"MUG": 3}), now=NOW)

    assert stocked.hold(hold("h1", {"MUG": 2}), [limit("MUG", 4, 1)], now=NOW) is False
    assert stocked.hold(hold("h1", {"MUG": 2}), [limit("MUG", 5, 1)], now=NOW) is True


def test_other_stock_than_the_limit_was_computed_of_stops_the_hold(stocked) -> None:
    stocked.observe(ERP, [snapshot("MUG", 49, 10)])

    assert stocked.hold(hold("h1", {"MUG": 2}), [limit("MUG", 50, 1)], now=NOW) is False


def test_equal_stock_read_later_does_not(stocked) -> None:
    stocked.observe(ERP, [snapshot("MUG", 50, 10)])

    assert stocked.hold(hold("h1", {"MUG": 2}), [limit("MUG", 50, 1)], now=NOW) is True


def test_a_hold_is_kept_whole_or_not_at_all(stocked) -> None:
    limits = [limit("MUG", 50, 1), limit("CUP", 5, 1)]

    assert stocked.hold(hold("h1", {"MUG": 2, "CUP": 6}), limits, now=NOW) is False

    assert (taken(stocked), taken(stocked, "CUP")) == (0, 0)
    assert stocked.touched(ERP, limit=10) == []
    assert stocked.release(STORE, "h1") is False


def test_a_limit_of_an_item_that_is_not_held_counts_as_well(stocked) -> None:
    stocked.set_demand(demand(1, {"CUP": 5}), now=NOW)

    assert stocked.hold(hold("h1", {"MUG": 1}), [limit("CUP", 4, 1)], now=NOW) is False
    assert stocked.hold(hold("h1", {"MUG": 1}), [limit("CUP", 5, 1)], now=NOW) is True
    assert taken(stocked, "CUP") == 5


def test_every_limit_of_one_item_counts(stocked) -> None:
    limits = [limit("MUG", 50, 1), limit("MUG", 1, 1)]

    assert stocked.hold(hold("h1", {"MUG": 2}), limits, now=NOW) is False


def test_the_same_request_again_only_prolongs_the_hold(stocked) -> None:
    limits = [limit("MUG", 2, 1)]
    stocked.hold(hold("h1", {"MUG": 2}, ends=60), limits, now=NOW)

    assert stocked.hold(hold("h1", {"MUG": 2}, ends=120), limits, now=at(30)) is True
    assert taken(stocked) == 2
    assert stocked.expire(ERP, now=at(119), limit=10) == 0
    assert stocked.expire(ERP, now=at(120), limit=10) == 1


def test_a_prolonging_that_arrives_late_does_not_shorten_the_hold(stocked) -> None:
    stocked.hold(hold("h1", {"MUG": 2}, ends=120), [], now=NOW)
    stocked.hold(hold("h1", {"MUG": 2}, ends=60), [], now=NOW)

    assert stocked.expire(ERP, now=at(119), limit=10) == 0


def test_a_hold_whose_time_is_over_is_not_prolonged_beyond_the_limits(stocked) -> None:
    stocked.hold(hold("h1", {"MUG": 2}, ends=60), [limit("MUG", 2, 1)], now=NOW)

    late = hold("h1", {"MUG": 2}, ends=120)
    assert stocked.hold(late, [limit("MUG", 1, 1)], now=at(61)) is False
    assert stocked.hold(late, [limit("MUG", 2, 1)], now=at(61)) is True
    assert taken(stocked) == 2


def test_a_hold_that_ends_before_it_begins_is_none(stocked) -> None:
    assert stocked.hold(hold("h1", {"MUG": 2}, ends=0), [], now=NOW) is False
    assert taken(stocked) == 0


def test_another_basket_takes_the_place_of_the_first(stocked) -> None:
    stocked.hold(hold("h1", {"MUG": 2, "CUP": 1}), [], now=NOW)

    limits = [limit("MUG", 3, 1)]
    assert stocked.hold(hold("h1", {"MUG": 3}, ends=999), limits, now=NOW) is True

    assert (taken(stocked), taken(stocked, "CUP")) == (3, 0)
    assert stocked.expire(ERP, now=at(2000), limit=10) == 1
    assert taken(stocked) == 0


def test_a_basket_that_grew_too_large_leaves_the_first(stocked) -> None:
    stocked.hold(hold("h1", {"MUG": 2}), [], now=NOW)

    assert stocked.hold(hold("h1", {"MUG": 3}), [limit("MUG", 2, 1)], now=NOW) is False

    assert taken(stocked) == 2


def test_an_emptied_basket_keeps_nothing(stocked) -> None:
    stocked.hold(hold("h1", {"MUG": 2}), [], now=NOW)

    assert stocked.hold(hold("h1", {}), [], now=NOW) is True

    assert taken(stocked) == 0
    assert stocked.release(STORE, "h1") is False


def test_a_basket_that_goes_to_another_back_office_leaves_the_first(stocked) -> None:
    stocked.hold(hold("h1", {"MUG": 2}), [], now=NOW)
    stocked.hold(hold("h1", {"MUG": 2}, erp="other"), [], now=NOW)

    assert taken(stocked) == 0
    assert stocked.holdings("other", ["MUG"])["MUG"].taken == 2


def test_forty_items_can_be_held_and_held_anew(stocked) -> None:
    first = {f"A{n}": 1 for n in range(40)}
    second = {f"B{n}": 1 for n in range(40)}

    assert stocked.hold(hold("h1", first), [], now=NOW)
    assert stocked.hold(hold("h1", second), [], now=NOW)

    assert {taken(stocked, item) for item in first} == {0}
    assert {taken(stocked, item) for item in second} == {1}


def test_more_than_forty_items_cannot_be_held(stocked) -> None:
    with pytest.raises(PermanentError, match="41 items"):
        stocked.hold(hold("h1", {f"A{n}": 1 for n in range(41)}), [], now=NOW)


def test_a_released_hold_gives_back_what_it_took_once(stocked) -> None:
    stocked.hold(hold("h1", {"MUG": 2}), [], now=NOW)
    stocked.untouch(ERP, ["MUG"])

    assert [stocked.release(STORE, "h1") for _ in range(2)] == [True, False]

    known = stocked.holdings(ERP, ["MUG"])["MUG"]
    assert (known.taken, known.held) == (0, {})
    assert stocked.touched(ERP, limit=10) == ["MUG"]
    assert stocked.expire(ERP, now=at(9999), limit=10) == 0


def test_holds_end_when_their_time_is_over_the_oldest_first(stocked) -> None:
    stocked.hold(hold("h1", {"CUP": 1}, ends=30), [], now=NOW)
    stocked.hold(hold("h2", {"MUG": 1}, ends=10), [], now=NOW)
    stocked.hold(hold("h3", {"MUG": 1}, ends=20, store="fr"), [], now=NOW)
    stocked.hold(hold("h4", {"MUG": 1}, ends=10, erp="other"), [], now=NOW)

    assert stocked.expire(ERP, now=at(9), limit=10) == 0
    assert stocked.expire(ERP, now=at(30), limit=2) == 2
    assert (taken(stocked), taken(stocked, "CUP")) == (0, 1)
    assert stocked.expire(ERP, now=at(30), limit=2) == 1
    assert taken(stocked, "CUP") == 0
    assert stocked.holdings("other", ["MUG"])["MUG"].taken == 1


def test_two_hundred_shoppers_want_the_last_fifty(stocked) -> None:
    def checkout(number: int) -> bool:
        return stocked.hold(hold(f"h{number}", {"MUG": 1}), [limit("MUG", 50, 1)], now=NOW)

    with ThreadPoolExecutor(200) as pool:
        kept = list(pool.map(checkout, range(200)))

    assert kept.count(True) == 50
    assert taken(stocked) == 50


def test_one_shopper_who_clicks_many_times_holds_once(stocked) -> None:
    def checkout(_: int) -> bool:
        return stocked.hold(hold("h1", {"MUG": 1}), [limit("MUG", 1, 1)], now=NOW)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(checkout, range(32)))

    assert taken(stocked) == 1


def test_a_hold_is_given_back_once_whoever_runs_at_once(stocked) -> None:
    for number in range(20):
        stocked.hold(hold(f"h{number}", {"MUG": 1, "CUP": "0.1"}, ends=60), [], now=NOW)

    def release(number: int) -> int:
        return int(stocked.release(STORE, f"h{number}"))

    def expire(_: int) -> int:
        return stocked.expire(ERP, now=at(61), limit=50)

    def order(number: int) -> int:
        stocked.set_demand(demand(number, {"MUG": 1}, hold=f"h{number}"), now=at(61))
        return 0

    with ThreadPoolExecutor(24) as pool:
        jobs = [pool.submit(work, n) for n in range(20) for work in (release, expire, order)]
        given_up = sum(job.result() for job in jobs)

    assert given_up <= 20
    known = stocked.holdings(ERP, ["MUG", "CUP"])
    assert (known["MUG"].taken, known["MUG"].held) == (20, {})
    assert (known["CUP"].taken, known["CUP"].held) == (0, {})


def test_orders_and_snapshots_of_one_item_at_once(stocked) -> None:
    def order(number: int) -> None:
        stocked.set_demand(demand(number, {"MUG": 1}), now=NOW)
        stocked.set_demand(demand(number, {"MUG": 1}, reserved=number), now=NOW)

    def read(number: int) -> None:
        stocked.observe(ERP, [snapshot("MUG", 50 - number, number + 0.5)])

    with ThreadPoolExecutor(16) as pool:
        jobs = [pool.submit(work, n) for n in range(40) for work in (order, read)]
        for job in jobs:
            job.result()

    assert taken(stocked) == 0  # the last snapshot, at 39.5, has all of them
    assert stocked.holdings(ERP, ["MUG"])["MUG"].free == {"WH": 11}
