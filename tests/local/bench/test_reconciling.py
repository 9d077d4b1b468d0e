"""Very many orders compared: what grows with them, and what does not."""

import tracemalloc

from accord.local.bench import reconciling
from accord.local.bench.two_sides import OF_ORDERS, OF_THE_REST
from accord.sync.difference import REASONS
from tests.sync.conftest import config

_LISTS = ("pages of orders", "pages of sales")


def test_every_planted_fault_is_named_and_none_is_made_up() -> None:
    result = reconciling.run(config(), 2000)

    assert (result.planted, result.missed, result.invented) == (50, [], [])
    assert [each.name for each in result.figures if each.counted and not each.met] == []


def test_there_is_a_fault_of_every_kind() -> None:
    assert {*OF_ORDERS, *OF_THE_REST} == REASONS.keys()


def test_one_list_call_is_made_for_each_hundred_on_either_side() -> None:
    few, many = (reconciling.run(config(), orders, faults=0) for orders in (1000, 3000))

    for name in _LISTS:
        assert few.calls[name] in {10, 11, 12}
        assert many.calls[name] - few.calls[name] == 20
    for result in (few, many):
        assert "orders by id" not in result.calls
        assert "sales by key" not in result.calls


def test_three_times_as_many_orders_need_no_more_memory() -> None:
    def peak(orders: int) -> int:
        reconciling.run(config(), 500, faults=0)  # what is imported and kept once
        tracemalloc.start()
        try:
            reconciling.run(config(), orders, faults=0)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(3000) < 1.5 * peak(1000)
