"""Goods that come back: what the store restocked after it was shipped is a return, once."""

import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.memory.adapter import memory_like
from accord.erp.memory.faults import Fault
from accord.local.world import KilledError, World
from accord.ports.erp import Duplicates
from accord.rules.config import Config, StoreFlows
from accord.sync.fingerprint import content
from tests.sync.conftest import config
from tests.sync.placed import RICH, heard, link_of, placed, reasons, told

MakeWorld = Callable[..., World]
LINE = str(RICH["line_items"][0]["id"])
SKU = str(RICH["line_items"][0]["sku"])
HABITS: tuple[Duplicates, ...] = ("refused", "same_answer", "possible")


def restocking(returns: str = "restocked") -> Config:
    made = config(orders={"returns": returns})
    uk = made.stores["uk"].model_copy(update={"flows": StoreFlows(orders="on")})
    return made.model_copy(update={"stores": {"uk": uk}})


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """Order 30 is posted; five of its first line were sold."""
    world: World = make_world(restocking())
    placed(world, order())
    return world


def order() -> dict[str, Any]:
    """Order 30 with five pieces of its first line, for the same money."""
    first, *others = RICH["line_items"]
    return {**RICH, "line_items": [{**first, "quantity": 5}, *others]}


def ship(world: World, items: dict[str, Decimal] | None = None) -> None:
    erp = link_of(world).erp
    assert erp is not None
    world.erp().ship(erp, items)


def refund(world: World, pieces: int, *, restock: bool = True) -> None:
    world.store.refund("30", lines={LINE: pieces}, restock=restock)
    world.drain()


def returns(world: World) -> list[tuple[str, str, dict[str, str]]]:
    (sale,) = world.books.sales()
    return [(each["key"], each["state"], each["items"]) for each in sale["returns"]]


def test_what_was_shipped_and_is_in_stock_again_comes_back(world: World) -> None:
    ship(world)
    refund(world, 2)

    assert returns(world) == [("uk-30-b1", "open", {SKU: "2"})]
    assert reasons(world) == []


def test_the_store_is_told_of_a_return_once(world: World) -> None:
    ship(world)
    refund(world, 2)
    world.store.set_status("30", "completed")
    world.drain()

    (note,) = told(world, "Return ")
    assert note.startswith("Return RET-000001 in main")
    assert note.endswith("[accord uk-30-b1:note]")


def test_a_return_credits_nothing_by_itself(world: World) -> None:
    ship(world)
    refund(world, 2)

    (sale,) = world.books.sales()
    assert [note["key"].partition("-r")[0] for note in sale["credit_notes"]] == ["uk-30"]


def test_what_was_never_shipped_does_not_come_back(world: World) -> None:
    refund(world, 2)

    assert returns(world) == []


def test_what_was_restocked_before_the_rest_was_shipped_does_not_come_back(world: World) -> None:
    refund(world, 2)
    ship(world, {SKU: Decimal(3)})
    world.store.set_status("30", "completed")
    world.drain()

    assert returns(world) == []


def test_no_more_comes_back_than_was_shipped(world: World) -> None:
    ship(world, {SKU: Decimal(1)})
    refund(world, 2)

    assert returns(world) == [("uk-30-b1", "open", {SKU: "1"})]


def test_what_comes_back_in_two_parts_is_two_returns(world: World) -> None:
    ship(world)
    refund(world, 2)
    refund(world, 1)

    assert returns(world) == [
        ("uk-30-b1", "open", {SKU: "2"}),
        ("uk-30-b2", "open", {SKU: "1"}),
    ]


def test_two_lines_of_one_item_share_what_was_shipped_of_it(make_world: MakeWorld) -> None:
    world: World = make_world(restocking())
    first, second, *others = order()["line_items"]
    placed(world, {**order(), "line_items": [first, {**second, "sku": SKU}, *others]})
    ship(world, {SKU: Decimal(2)})
    world.store.refund("30", lines={LINE: 2, str(second["id"]): 1})
    world.drain()

    assert returns(world) == [("uk-30-b1", "open", {SKU: "2"})]


def test_a_refund_without_goods_in_stock_again_returns_nothing(world: World) -> None:
    ship(world)
    refund(world, 2, restock=False)

    assert returns(world) == []


def test_without_the_rule_the_warehouse_books_what_comes_back(make_world: MakeWorld) -> None:
    world: World = make_world(restocking("none"))
    placed(world, order())
    ship(world)
    refund(world, 2)

    assert returns(world) == []


def test_an_order_of_which_nothing_came_back_costs_no_call(world: World) -> None:
    with heard(world) as calls:
        world.store.set_status("30", "completed")
        world.drain()

    assert "erp.progress" not in calls


def test_what_was_looked_at_costs_no_further_call(world: World) -> None:
    refund(world, 2)
    with heard(world) as calls:
        world.store.set_status("30", "completed")
        world.drain()

    assert "erp.progress" not in calls


def test_what_the_warehouse_received_stays_received(world: World) -> None:
    ship(world)
    refund(world, 2)
    erp = link_of(world).erp
    assert erp is not None
    world.erp().receive_return(erp)
    world.store.set_status("30", "completed")
    world.drain()

    assert returns(world) == [("uk-30-b1", "received", {SKU: "2"})]


def test_what_is_in_stock_again_is_no_edit_of_the_order(world: World) -> None:
    ship(world)
    before = content(world.store.order(world.store.orders["30"]))
    refund(world, 2)

    assert content(world.store.order(world.store.orders["30"])) == before


@pytest.fixture
def refused(make_world: MakeWorld) -> World:
    """A world in which the back office has just refused a return."""
    armed: list[bool] = []

    def faults(operation: str) -> Fault | None:
        return Fault("refused") if armed and operation == "create" else None

    world: World = make_world(restocking(), faults=faults)
    placed(world, order())
    ship(world)
    armed.append(True)
    world.store.refund("30", lines={LINE: 2})
    world.work()
    armed.clear()
    return world


def test_a_refused_return_is_a_persons_turn(refused: World) -> None:
    assert [reason for reason, _ in reasons(refused)] == ["rejected"]


def test_a_refused_return_holds_up_no_credit_note(refused: World) -> None:
    refused.drain()

    (sale,) = refused.books.sales()
    assert len(sale["credit_notes"]) == 1


def test_a_refused_return_is_opened_by_the_orders_next_change(refused: World) -> None:
    refused.drain()
    refused.store.set_status("30", "completed")
    refused.drain()

    assert returns(refused) == [("uk-30-b1", "open", {SKU: "2"})]
    assert reasons(refused) == []


def finished(world: World) -> list[object]:
    refund(world, 2)
    world.store.set_status("30", "completed")
    world.drain()
    return [returns(world), sorted(world.store.notes["30"]), reasons(world)]


@pytest.mark.parametrize("habit", HABITS)
def test_killed_at_any_moment_there_is_one_return(make_world: MakeWorld, habit: Duplicates) -> None:
    def started() -> World:
        world: World = make_world(restocking(), adapter=memory_like(habit))
        placed(world, order())
        ship(world)
        return world

    world, moments = started(), []
    world.hook = moments.append
    expected = finished(world)
    assert returns(world) == [("uk-30-b1", "open", {SKU: "2"})]

    for fatal in range(len(moments)):
        world = started()
        passed = itertools.count()

        def kill(_: str, fatal: int = fatal, passed: Any = passed) -> None:
            if next(passed) == fatal:
                raise KilledError

        world.hook = kill
        assert finished(world) == expected, moments[fatal]
