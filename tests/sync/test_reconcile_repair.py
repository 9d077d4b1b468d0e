"""Repairs of what a store shows go the ordinary way, once, and leave a person's matter to them."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accord.local.world import World
from accord.ports.levels import Level, LevelKind, Sent
from accord.sync.difference import Kind
from accord.sync.feed import ABSENT
from accord.sync.report import Report
from tests.sync.conftest import config
from tests.sync.placed import MakeWorld, heard

HOUR = dt.timedelta(hours=1)
ON = {"orders": "off", "customers": "off", "stock": "on", "prices": "on", "products": "on"}
OWNED = {"fields": {"name": "erp"}}
OVERWRITE = {"corrections": "overwrite"}
SKU = "MUG-9"


def selling(make_world: MakeWorld, **tables: Any) -> World:
    """An item that is sold for 12.50, 20 of them; the store shows it so, and is deaf from now."""
    given = {"stock": {"locations": ["MAIN"]}, "prices": {"currency": "GBP"}}
    made = {name: {**given.get(name, {}), **tables.get(name, {})} for name in {*given, *tables}}
    flows = {**ON, **made.pop("flows", {})}
    world = make_world(config(flows=flows, **made))
    stock = {"MAIN": Decimal(20)}
    world.erp().add_item(SKU, name="Mug", price=Decimal("12.50"), stock=stock)
    if world.rules.catalogue.owner == "store":
        world.store.add_product(SKU, price="12.50", quantity=20, name="Mug")
    world.drain()
    world.clock.now += HOUR
    world.copies = lambda _: 0
    return world


def compared(world: World, **more: Any) -> Report:
    world.clock.now += HOUR
    report: Report = world.reconcile(**more)
    return report


def shown(world: World, sku: str = SKU) -> dict[str, Any]:
    doc = world.store.shop.shelf.find(sku)
    assert doc is not None
    found: dict[str, Any] = world.store.shop.shelf.shown(doc)
    return found


def level(world: World, kind: LevelKind) -> Level:
    return world.levels.levels("uk", kind, [SKU])[SKU]


def of(report: Report, kind: Kind) -> list[tuple[str, str, bool]]:
    return [
        (each.reason, each.subject, each.repaired)
        for each in report.differences
        if each.kind == kind and each.subject == f"SKU {SKU}"
    ]


def reasons(world: World) -> list[tuple[str, str]]:
    return [(item.reason, item.owner) for item in world.attention.open()]


Act = Callable[[World], object]


def priced(world: World) -> None:
    world.store.set_price(SKU, "99.00")


def counted(world: World) -> None:
    world.store.set_stock(SKU, 27)


def renamed(world: World) -> None:
    world.store.edit_product(SKU, name="Cup")


def field(world: World, name: str) -> Any:
    return shown(world)[name]


FAULTS: dict[str, tuple[Kind, Act, str, Any, str]] = {
    "price": ("prices", priced, "regular_price", "12.50", "price_differs"),
    "stock": ("stock", counted, "stock_quantity", 20, "stock_differs"),
    "item": ("items", renamed, "name", "Mug", "item_differs"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_the_store_shows_else_is_sent_anew_once(make_world: MakeWorld, fault: str) -> None:
    kind, act, name, right, reason = FAULTS[fault]
    world = selling(make_world, stock=OVERWRITE, catalogue=OWNED)
    act(world)

    first = compared(world, repair=True)
    queued = world.queue.next_at() is not None
    with heard(world) as calls:
        world.drain()
    again = compared(world, repair=True)

    assert of(first, kind) == [(reason, f"SKU {SKU}", True)]
    assert queued
    assert calls.count("store.write_products") == 1
    assert field(world, name) == right
    assert again.found == 0
    assert world.queue.next_at() is None
    assert reasons(world) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_without_the_wish_it_is_only_named(make_world: MakeWorld, fault: str) -> None:
    kind, act, name, right, reason = FAULTS[fault]
    world = selling(make_world, stock=OVERWRITE, catalogue=OWNED)
    act(world)
    wrong = field(world, name)

    report = compared(world)

    assert of(report, kind) == [(reason, f"SKU {SKU}", False)]
    assert world.queue.next_at() is None
    assert field(world, name) == wrong != right


@pytest.mark.parametrize("fault", FAULTS)
def test_a_flow_in_shadow_is_named_and_nothing_is_sent(make_world: MakeWorld, fault: str) -> None:
    kind, act, name, right, reason = FAULTS[fault]
    world = selling(make_world, stock=OVERWRITE, catalogue=OWNED)
    act(world)
    uk = world.rules
    flows = uk.flows.model_copy(
        update=dict.fromkeys({"stock": ["stock"], "price": ["prices"]}.get(fault, ["products"]))
        | {{"stock": "stock", "price": "prices"}.get(fault, "products"): "shadow"}
    )
    changed = uk.model_copy(update={"flows": flows})
    world.config = world.config.model_copy(update={"stores": {"uk": changed}})

    report = compared(world, repair=True)
    world.drain()

    assert of(report, kind) == [(reason, f"SKU {SKU}", False)]
    assert field(world, name) != right


# --- what a person is to decide -----------------------------------------------------

CORRECTED = {
    "price": ("price_corrected", "commerce"),
    "stock": ("stock_corrected", "warehouse"),
}


def moved(world: World, what: str) -> None:
    """The back office has another number, of which no poll has heard yet."""
    if what == "price":
        world.erp().set_price(SKU, Decimal(14))
    else:
        world.erp().count_stock(SKU, Decimal(18), "MAIN")


@pytest.mark.parametrize("fault", CORRECTED)
def test_a_correction_that_nobody_heard_of_is_asked_about_and_not_written_over(
    make_world: MakeWorld, fault: str
) -> None:
    kind, act, name, right, reason = FAULTS[fault]
    world = selling(make_world)
    act(world)
    wrong = field(world, name)

    first = compared(world, repair=True)
    with heard(world) as calls:
        world.drain()
    again = compared(world, repair=True)
    world.drain()

    assert of(first, kind) == [(reason, f"SKU {SKU}", True)]
    assert reasons(world) == [CORRECTED[fault]]
    assert "store.write_products" not in calls
    assert field(world, name) == wrong != right
    assert of(again, kind) == []
    assert [each.why for each in again.in_hand if each.kind == kind] == [
        f"it is on the attention list ({CORRECTED[fault][0]}), for {CORRECTED[fault][1]}"
    ]


@pytest.mark.parametrize("fault", CORRECTED)
def test_a_correction_that_a_person_is_asked_about_already_is_theirs(
    make_world: MakeWorld, fault: str
) -> None:
    kind, act, name, right, _ = FAULTS[fault]
    world = selling(make_world)
    world.copies = lambda _: 1
    act(world)
    world.drain()
    assert reasons(world) == [CORRECTED[fault]]

    report = compared(world, repair=True)
    world.drain()

    assert of(report, kind) == []
    assert field(world, name) != right


@pytest.mark.parametrize("fault", CORRECTED)
def test_a_correction_that_a_person_let_be_is_no_difference_until_something_is_sent(
    make_world: MakeWorld, fault: str
) -> None:
    kind, act, name, _, reason = FAULTS[fault]
    world = selling(make_world)
    act(world)
    compared(world, repair=True)
    world.drain()
    (item,) = world.attention.open()
    world.attention.dismiss(item.id, now=world.clock(), by="olivia", why="a special offer")
    wrong = field(world, name)

    left = compared(world, repair=True)
    world.drain()
    moved(world, fault)
    world.drain()
    sent = field(world, name)
    world.clock.now += HOUR
    act(world)
    later = compared(world)

    assert of(left, kind) == []
    says = f"olivia let it be ({CORRECTED[fault][0]}): a special offer"
    assert [each.why for each in left.in_hand if each.kind == kind] == [says]
    assert sent != wrong
    assert of(later, kind) == [(reason, f"SKU {SKU}", False)]


@pytest.mark.parametrize("fault", CORRECTED)
def test_what_the_back_office_changed_unheard_is_sent_and_nobody_is_asked(
    make_world: MakeWorld, fault: str
) -> None:
    kind, _, name, right, reason = FAULTS[fault]
    world = selling(make_world)
    moved(world, fault)

    first = compared(world, repair=True)
    world.drain()

    assert of(first, kind) == [(reason, f"SKU {SKU}", True)]
    assert field(world, name) == {"price": "14.00", "stock": 18}[fault] != right
    assert reasons(world) == []


def test_what_the_store_refused_is_not_sent_again_each_night(make_world: MakeWorld) -> None:
    world = selling(make_world, stock=OVERWRITE)
    priced(world)
    known = level(world, "price")
    sent = Sent(SKU, known.version, None, world.clock(), refused="no such price")
    world.levels.sent("uk", "price", [sent])

    report = compared(world, repair=True)

    assert of(report, "prices") == []
    assert [each.why for each in report.in_hand] == ["the store refused it: no such price"]
    assert world.queue.next_at() is None


# --- what one side lacks --------------------------------------------------------------


def test_a_product_that_is_gone_is_made_again_once(make_world: MakeWorld) -> None:
    world = selling(make_world)
    world.store.delete_product(SKU)

    first = compared(world, repair=True)
    world.drain()
    again = compared(world, repair=True)
    world.drain()

    assert of(first, "items") == [("missing_in_store", f"SKU {SKU}", True)]
    assert shown(world)["status"] == "draft"
    assert of(again, "items") == []


def test_a_product_in_the_trash_is_a_persons_and_no_second_one_is_made(
    make_world: MakeWorld,
) -> None:
    world = selling(make_world)
    world.copies = lambda _: 1
    world.store.trash_product(SKU)
    world.drain()
    assert reasons(world) == [("product_deleted", "commerce")]

    compared(world, repair=True)
    world.drain()
    again = compared(world, repair=True)

    assert sorted(reasons(world)) == [("product_deleted", "commerce"), ("sku_in_trash", "commerce")]
    assert of(again, "items") == []
    assert [each.why for each in again.in_hand if each.kind == "items"] != []
    assert not [each for each in world.store.list_products(page=1) if each.sku == SKU]


def test_a_product_that_was_made_by_hand_meanwhile_gets_what_it_should_show(
    make_world: MakeWorld,
) -> None:
    """Its stock and price were left, for there was none, and nobody told of it."""
    world = selling(make_world, catalogue={"new": "none"})
    assert {level(world, "stock").refused, level(world, "price").refused} == {ABSENT}
    world.store.add_product(SKU, price="1.00", quantity=1, name="Mug")

    report = compared(world, repair=True)
    world.drain()

    assert [each for each in report.in_hand if each.subject == f"SKU {SKU}"] == []
    assert of(report, "stock") == [("stock_differs", f"SKU {SKU}", True)]
    assert of(report, "prices") == [("price_differs", f"SKU {SKU}", True)]
    assert (field(world, "stock_quantity"), field(world, "regular_price")) == (20, "12.50")


def test_a_product_that_no_rule_makes_is_no_difference(make_world: MakeWorld) -> None:
    world = selling(make_world, catalogue={"new": "none"})

    report = compared(world, repair=True)
    world.drain()

    assert of(report, "items") == []
    assert report.skipped["an item that the store does not have, or no rule maps"] > 0
    assert world.store.shop.shelf.find(SKU) is None


def test_an_item_that_is_missing_is_made_where_the_store_owns_the_catalogue(
    make_world: MakeWorld,
) -> None:
    world = selling(make_world, catalogue={"owner": "store"}, flows={"stock": "off"})
    world.store.add_product("TRAY-9", price="6.00", name="Tray")

    first = compared(world, repair=True)
    world.drain()
    again = compared(world, repair=True)
    world.drain()

    (found,) = [each for each in first.differences if each.kind == "products"]
    assert (found.subject, found.reason, found.repaired) == ("SKU TRAY-9", "item_missing", True)
    assert list(world.erp().find_items(["TRAY-9"])) == ["TRAY-9"]
    assert [each for each in again.differences if each.kind == "products"] == []


def test_an_item_that_is_missing_is_a_persons_where_the_back_office_owns_the_catalogue(
    make_world: MakeWorld,
) -> None:
    world = selling(make_world)
    world.store.add_product("TRAY-9", price="6.00", name="Tray")

    report = compared(world, repair=True)
    world.drain()

    (found,) = [each for each in report.differences if each.subject == "SKU TRAY-9"]
    assert (found.reason, found.repaired, found.owner) == ("item_missing", False, "commerce")
    assert found.why == "the back office owns the catalogue"
    assert world.erp().find_items(["TRAY-9"]) == {}
