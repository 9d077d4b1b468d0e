"""What a write wrote over is remembered, and is not gone from the number that was written."""

from decimal import Decimal
from typing import Any

import pytest

from accord.ports.levels import Level, Levels, Sent, Window
from accord.state.levels import DynamoLevels
from accord.state.memory_levels import MemoryLevels
from tests.state.levels_kit import STORE, at, demand, told, want


@pytest.fixture
def levels(either) -> Levels:
    return either(MemoryLevels, DynamoLevels)


def level(levels: Levels) -> Level:
    return levels.levels(STORE, "stock", ["MUG"])["MUG"]


def dirty(levels: Levels) -> list[str]:
    return [one.sku for one in levels.dirty(STORE, "stock", limit=99)]


def written(since: float | None, until: float, *, version: int = 1, **more: Any) -> Sent:
    window = Window(None if since is None else at(since), at(until))
    return Sent("MUG", version, {"quantity": 5}, at(until), window=window, **more)


def test_what_a_write_wrote_over_is_not_gone_from_the_number_and_is_sent(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [written(1, 3)])
    levels.set_demand(demand(1, {"MUG": 2}, took={"MUG": 2}), now=at(2))

    levels.overtake(STORE, {"MUG": Decimal(2), "CUP": Decimal(1)})

    found = level(levels)
    assert (found.moved, found.overtaken, found.gone) == (2, 2, 0)
    assert dirty(levels) == ["MUG"]
    assert levels.levels(STORE, "stock", ["CUP"]) == {}
    levels.sent(STORE, "stock", [written(4, 5, version=2, moved=Decimal(2), overtaken=Decimal(2))])
    assert (level(levels).overtaken, level(levels).gone) == (0, 0)


def test_an_order_that_was_written_over_long_ago_moves_no_number_on_its_way(levels) -> None:
    """It became known after the level was read and before the store answered."""
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [written(1, 3)])
    levels.resend(STORE, "stock", ["MUG"])
    levels.set_demand(demand(1, {"MUG": 2}, took={"MUG": 2}), now=at(20))
    levels.overtake(STORE, {"MUG": Decimal(2)})

    levels.sent(STORE, "stock", [written(19, 21, version=2)])

    assert level(levels).gone == 0
    assert dirty(levels) == ["MUG"]


def test_what_moved_while_a_number_was_on_its_way_is_looked_at_again(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.set_demand(demand(1, {"MUG": 2}, took={"MUG": 2}), now=at(2))

    levels.sent(STORE, "stock", [written(1, 3)])
    assert dirty(levels) == ["MUG"]

    levels.sent(STORE, "stock", [written(4, 5, moved=Decimal(2))])
    assert dirty(levels) == []


def test_windows_of_writes_are_kept_while_orders_may_come(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    levels.sent(STORE, "stock", [written(0, 3), written(60, 63), told("MUG", 5, version=1, at_=70)])
    assert level(levels).windows == (Window(at(0), at(3)), Window(at(60), at(63)))

    levels.sent(STORE, "stock", [written(1802, 1805)])
    assert level(levels).windows == (Window(at(60), at(63)), Window(at(1802), at(1805)))


def test_a_write_without_a_look_is_the_only_window(levels) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])

    levels.sent(STORE, "stock", [written(0, 3), written(None, 9)])

    assert level(levels).windows == (Window(None, at(9)),)


@pytest.mark.parametrize("first", [0, None])
def test_a_level_keeps_so_many_windows_and_the_oldest_become_one(levels, first) -> None:
    levels.want(STORE, "stock", [want("MUG", 5, 0)])
    later = [written(2 * n, 2 * n + 1) for n in range(1, 50)]

    levels.sent(STORE, "stock", [written(first, 1), *later])

    found = level(levels).windows
    since = None if first is None else at(first)
    assert found[:2] == (Window(since, at(21)), Window(at(22), at(23)))
    assert (len(found), found[-1]) == (40, Window(at(98), at(99)))
