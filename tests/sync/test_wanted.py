"""A quotation that a person cancelled in the back office while the store wants more of it."""

import datetime as dt
from typing import Any

import pytest

from accord.local.world import World
from accord.rules.config import Config
from tests.conftest import order_json
from tests.sync.placed import ORDER, MakeWorld, kill_everywhere, placed, reasons, telling

ASKED = [("cancelled_in_erp", "commerce")]
BY_BACS = {"bacs": {"record": True, "account": "Bank"}}


def rules(**tables: dict[str, Any]) -> Config:
    return telling(mappings={"payments": BY_BACS}, **tables)


def quoted(world: World) -> World:
    """An order on hold is a quotation."""
    placed(world, {**order_json("order_created_on_hold_variation"), "id": 30})
    return world


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return quoted(make_world(rules()))


def cancel(world: World) -> None:
    sale = world.links.get(ORDER)
    assert sale is not None
    assert sale.erp is not None
    world.erp().cancel(sale.erp)


def make_valid(world: World) -> None:
    (sale,) = world.books.sales()
    entry = world.books._records.get("sales_order", sale["id"])
    assert entry is not None
    entry.state = "quotation"
    world.books._records.wrote(entry)


def pay(world: World) -> None:
    world.store.set_status("30", "processing", paid=True)
    world.drain()


def states(world: World) -> list[str]:
    return [sale["state"] for sale in world.books.sales()]


def test_who_sees_it_first_asks_and_the_other_does_not(world: World) -> None:
    cancel(world)
    pay(world)

    assert reasons(world) == ASKED
    (item,) = world.attention.open()
    assert "processing" in item.message
    assert "paid" in item.message


def test_money_that_comes_after_it_was_asked_is_told_in_the_same_item(world: World) -> None:
    cancel(world)
    world.drain()
    assert reasons(world) == ASKED

    pay(world)

    assert reasons(world) == ASKED
    (item,) = world.attention.open()
    assert "paid" in item.message


def test_money_that_comes_after_it_was_dismissed_is_asked_about(world: World) -> None:
    cancel(world)
    world.drain()
    (item,) = world.attention.open()
    world.attention.dismiss(item.id, now=world.clock(), by="olivia", why="the shopper knows")

    pay(world)

    assert reasons(world) == ASKED


@pytest.mark.parametrize("first", ["asked", "paid"])
def test_once_it_is_valid_again_the_order_goes_on_by_itself(world: World, first: str) -> None:
    cancel(world)
    if first == "asked":
        world.drain()
    pay(world)

    make_valid(world)
    world.drain()

    assert states(world) == ["confirmed"]
    assert [len(sale["payments"]) for sale in world.books.sales()] == [1]
    assert reasons(world) == []


def test_cancelled_in_the_store_too_only_the_money_is_asked_about(world: World) -> None:
    cancel(world)
    pay(world)

    world.store.set_status("30", "cancelled")
    world.drain()

    assert states(world) == ["voided"]
    assert reasons(world) == [("paid_and_cancelled", "finance")]


def test_without_the_flow_of_changes_there_the_order_s_own_flow_asks(
    make_world: MakeWorld,
) -> None:
    world = quoted(make_world(rules(flows={"erp_changes": "off"})))
    cancel(world)
    pay(world)

    assert reasons(world) == [("voided", "commerce")]


def test_killed_at_any_moment_it_is_asked_once(make_world: MakeWorld) -> None:
    def act(world: World) -> None:
        cancel(world)
        world.store.set_status("30", "processing", paid=True)

    def once(world: World) -> None:
        assert reasons(world) == ASKED
        (item,) = world.attention.open()
        assert "paid" in item.message

    assert kill_everywhere(lambda: quoted(make_world(rules())), act, once) > 10


def test_a_refund_of_it_waits_for_what_a_person_decides_and_seldom_once_that_was_dismissed(
    world: World,
) -> None:
    cancel(world)
    pay(world)
    world.store.refund("30", "5.00")
    world.drain(dt.timedelta(minutes=10))
    assert [cause.cause for cause in world.waiting.causes()] == ["order"]

    (item,) = (each for each in world.attention.open() if each.reason == "cancelled_in_erp")
    world.attention.dismiss(item.id, now=world.clock(), by="olivia", why="it is settled")
    world.drain(dt.timedelta(hours=1))

    assert [cause.cause for cause in world.waiting.causes()] == ["dismissed"]
    assert reasons(world) == [("waiting", "ops")]


def delete(world: World) -> None:
    sale = world.links.get(ORDER)
    assert sale is not None
    assert sale.erp is not None
    world.erp().delete(sale.erp)


def test_one_that_was_cancelled_and_then_deleted_is_asked_about_once(world: World) -> None:
    cancel(world)
    world.drain()
    delete(world)
    pay(world)

    assert reasons(world) == [("deleted_in_erp", "commerce")]


def test_one_that_was_deleted_is_settled_with_its_order_and_the_money_is_asked_about(
    world: World,
) -> None:
    delete(world)
    pay(world)
    assert reasons(world) == [("deleted_in_erp", "commerce")]

    world.store.set_status("30", "cancelled")
    world.drain()

    assert reasons(world) == [("paid_and_cancelled", "finance")]


def test_a_refund_of_one_that_was_deleted_seldom_looks_once_that_was_dismissed(
    world: World,
) -> None:
    delete(world)
    pay(world)
    world.store.refund("30", "5.00")
    world.drain(dt.timedelta(minutes=10))
    (item,) = (each for each in world.attention.open() if each.reason == "deleted_in_erp")
    world.attention.dismiss(item.id, now=world.clock(), by="olivia", why="it is settled")
    world.drain(dt.timedelta(hours=1))

    assert [cause.cause for cause in world.waiting.causes()] == ["dismissed"]


def test_one_that_was_deleted_there_is_asked_about_in_its_own_words(world: World) -> None:
    (sale,) = world.books.sales()
    del world.books._records._all["sales_order", sale["id"]]
    pay(world)

    assert reasons(world) == [("deleted_in_erp", "commerce")]
    (item,) = world.attention.open()
    assert "was deleted in main" in item.message
