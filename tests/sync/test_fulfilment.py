"""What the store is told when the back office ships."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import UnavailableError
from accord.local.world import World
from accord.model.change import Change, Ref
from accord.sync.outcome import Skipped
from accord.sync.turn import Invocation
from tests.sync.placed import (
    ORDER,
    RICH,
    MakeWorld,
    field,
    heard,
    kill_everywhere,
    link_of,
    placed,
    reasons,
    redo,
    say,
    telling,
    told,
)

TRACKING = "_wc_shipment_tracking_items"
SHIPMENT = Ref("main", "shipment", "3")


def goods(world: World) -> dict[str, Decimal]:
    """Item → quantity of the order's open shipment."""
    progress = world.erp().progress(link_of(world).erp)  # type: ignore[arg-type]
    assert progress is not None
    (shipment,) = [each for each in progress.shipments if each.state == "open"]
    return dict(shipment.lines)


def ship(world: World, *, part: bool = False, tracking: str = "TR1", carrier: str = "DHL") -> None:
    sale = link_of(world).erp
    assert sale is not None
    items = goods(world)
    first = dict(list(items.items())[:1])
    world.erp().ship(sale, first if part else None, tracking=tracking, carrier=carrier)


def status(world: World) -> str:
    found: str = world.store.orders["30"]["status"]
    return found


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(telling())
    placed(world)
    return world


def test_the_store_gets_tracking_in_the_plugins_form(world: World) -> None:
    ship(world)
    world.drain()

    (entry,) = field(world, TRACKING)
    assert len(entry.pop("tracking_id")) == 32
    assert entry == {
        "tracking_provider": "",
        "custom_tracking_provider": "DHL",
        "custom_tracking_link": "",
        "tracking_number": "TR1",
        "date_shipped": "1795305600",  # 2026-11-22
    }


def test_all_shipped_completes_the_order(world: World) -> None:
    ship(world)
    world.drain()
    assert status(world) == "completed"


def test_a_shipment_is_noted_once(world: World) -> None:
    ship(world)
    world.drain()
    assert [note.partition(" [")[0] for note in told(world, "Shipped")] == [
        "Shipped on 2026-11-22 with DHL, tracking number TR1"
    ]


def test_a_part_leaves_the_order_in_processing(world: World) -> None:
    ship(world, part=True)
    world.drain()
    assert status(world) == "processing"
    assert len(field(world, TRACKING)) == 1


def test_a_part_sets_the_status_of_the_rule(make_world: MakeWorld) -> None:
    world = make_world(telling(fulfilment={"part_shipped": "on-hold"}))
    placed(world)
    ship(world, part=True)
    world.drain()
    assert status(world) == "on-hold"


def test_the_rest_is_told_beside_the_first_part(world: World) -> None:
    ship(world, part=True, tracking="TR1")
    world.drain()
    ship(world, tracking="TR2")
    world.drain()

    assert [entry["tracking_number"] for entry in field(world, TRACKING)] == ["TR1", "TR2"]
    assert len(told(world, "TR1")) == len(told(world, "TR2")) == 1
    assert status(world) == "completed"


def test_two_parts_told_at_once_make_one_write(world: World) -> None:
    ship(world, part=True, tracking="TR1")
    ship(world, tracking="TR2")
    with heard(world) as calls:
        world.drain()

    assert calls.count("store.put_order") == 1
    assert len(field(world, TRACKING)) == 2


def test_parcels_that_others_entered_stay(world: World) -> None:
    theirs = {"tracking_number": "OTHER", "tracking_id": "abc", "tracking_provider": "ups"}
    world.store.edit("30", meta_data=[{"key": TRACKING, "value": {"1": theirs}}])  # a PHP list
    world.drain()
    ship(world)
    world.drain()

    assert field(world, TRACKING)[0] == theirs
    assert field(world, TRACKING)[1]["tracking_number"] == "TR1"


def test_a_parcel_without_number_makes_no_entry(world: World) -> None:
    ship(world, tracking="", carrier="")
    world.drain()
    assert field(world, TRACKING) is None
    assert len(told(world, "Shipped")) == 1
    assert status(world) == "completed"


@pytest.mark.parametrize("closed", ["cancelled", "refunded", "failed"])
def test_a_closed_order_is_not_brought_back(world: World, closed: str) -> None:
    ship(world)
    world.store.orders["30"]["status"] = closed  # and nobody was told yet
    say(world, SHIPMENT, "order_fulfilled")
    world.work()
    assert status(world) == closed


def test_an_unpaid_order_on_hold_is_not_completed(make_world: MakeWorld) -> None:
    """Completing would tell the store that it was paid."""
    world = make_world(telling(orders={"statuses": {"on-hold": "sales_order"}}))
    placed(world, {**RICH, "status": "on-hold", "date_paid_gmt": None, "date_paid": None})
    ship(world)
    world.drain()
    assert status(world) == "on-hold"
    assert len(field(world, TRACKING)) == 1


def test_an_order_that_was_completed_by_hand_is_left_as_it_is(world: World) -> None:
    world.store.set_status("30", "completed")
    world.drain()
    with heard(world) as calls:
        ship(world, tracking="")
        world.drain()
    assert "store.put_order" not in calls


def test_nothing_due_makes_no_store_call(world: World) -> None:
    ship(world)
    world.drain()
    with heard(world) as calls:
        say(world, SHIPMENT, "order_fulfilled", digest="2")
        world.drain()
    assert [call for call in calls if call.startswith("store.")] == []


def test_an_own_write_that_comes_back_is_dropped(world: World) -> None:
    ship(world)
    world.drain()
    change, end = world.ends[-1]
    assert (change.event, str(end.text)) == ("order_updated", "nothing due: seen before")


def test_an_edit_just_before_our_write_is_not_taken_for_it(world: World) -> None:
    """The store sends one webhook for both; were it dropped as our echo, the edit were lost."""
    quiet, world.store.on_change = world.store.on_change, None
    world.store.edit("30", billing={"city": "Elsewhere"})
    world.store.on_change = quiet
    ship(world)
    world.drain()
    assert reasons(world) == [("changed_after_posting", "commerce")]


def test_another_tracking_number_is_told_too(world: World) -> None:
    ship(world, tracking="TR1")
    world.drain()
    entry = world.books._records.get("shipment", "3")
    assert entry is not None
    entry.document["tracking"] = "TR9"
    world.books._records.wrote(entry)
    world.drain()

    assert [each["tracking_number"] for each in field(world, TRACKING)] == ["TR9"]
    assert len(told(world, "TR9")) == 1


def take_back(world: World) -> None:
    entry = world.books._records.get("shipment", "3")
    assert entry is not None
    entry.state = "cancelled"
    world.books._records.wrote(entry)
    sale = world.books._records.get("sales_order", "2")
    assert sale is not None
    world.books._orders._open_shipment(sale, {"MUG": Decimal(1)})


def test_a_cancelled_shipment_loses_its_tracking_and_asks_the_warehouse(world: World) -> None:
    ship(world)
    world.drain()
    take_back(world)
    world.drain()

    assert field(world, TRACKING) is None
    assert reasons(world) == [("shipment_withdrawn", "warehouse")]


def test_the_warehouse_is_asked_until_the_order_was_set_back(world: World) -> None:
    ship(world)
    world.drain()
    take_back(world)
    world.drain()
    redo(world, SHIPMENT, "order_fulfilled")
    assert reasons(world) == [("shipment_withdrawn", "warehouse")]

    world.store.set_status("30", "processing")
    redo(world, SHIPMENT, "order_fulfilled")
    assert reasons(world) == []


def test_a_status_that_the_store_has_not_is_the_rules_fault(make_world: MakeWorld) -> None:
    world = make_world(telling(fulfilment={"shipped": "left-the-house"}))
    placed(world)
    ship(world)
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("no_such_status", "commerce")
    assert "set shipped in [stores.uk.fulfilment]" in item.message


def test_the_shopper_is_told_where_the_rule_says_so(make_world: MakeWorld) -> None:
    world = make_world(telling(prod=True, fulfilment={"note_to_customer": True}))
    placed(world)
    ship(world)
    world.drain()
    assert world.store.to_customer["30"] == ["Shipped on 2026-11-22 with DHL, tracking number TR1"]


def test_a_delivery_note_is_kept_and_linked(make_world: MakeWorld) -> None:
    world = make_world(telling(fulfilment={"delivery_note": True}))
    placed(world)
    ship(world)
    world.drain()

    (kept,) = world.documents.of("uk:order:30")
    assert len(told(world, kept.token)) == 1


def test_an_order_that_is_not_linked_is_skipped(make_world: MakeWorld) -> None:
    world = make_world(telling())
    change = Change(SHIPMENT, "order_fulfilled", world.clock(), "c", aggregate=ORDER)
    run = Invocation("run", world.clock() + dt.timedelta(minutes=1))
    done = world.flow_of(change).post(change, run)
    assert done.outcome == Skipped("its order is not linked")


def test_a_shipment_of_another_back_office_is_skipped(world: World) -> None:
    ship(world)
    change = Change(
        Ref("other", "shipment", "3"), "order_fulfilled", world.clock(), "c", aggregate=ORDER
    )
    run = Invocation("run", world.clock() + dt.timedelta(minutes=1))
    done = world.flow_of(change).post(change, run)
    assert done.outcome == Skipped("the order belongs to main")


def test_a_deleted_sale_is_a_persons(world: World) -> None:
    del world.books._records._all["sales_order", "2"]
    say(world, SHIPMENT, "order_fulfilled")
    world.drain()
    assert reasons(world) == [("deleted_in_erp", "commerce")]


def test_a_shadow_writes_nothing(make_world: MakeWorld) -> None:
    world = make_world(telling(flows={"fulfilment": "shadow"}))
    placed(world)
    before = dict(link_of(world).facts)
    with heard(world) as calls:
        ship(world)
        world.drain()

    writes = {"store.put_order", "store.add_note", "links.save", "steps.begin"}
    assert writes.isdisjoint(calls)
    assert dict(link_of(world).facts) == before
    assert any("shadow: shipment SHP-000001" in each.text for each in world.journal.of(ORDER))


def test_what_is_replayed_waits_for_the_flow(make_world: MakeWorld) -> None:
    world = make_world(telling(flows={"fulfilment": "off"}))
    placed(world)
    ship(world)
    say(world, SHIPMENT, "order_fulfilled", replay="olivia")
    world.work()
    assert [each.cause for each in world.waiting.causes()] == ["flow:fulfilment"]


def test_a_store_that_is_away_is_told_later(world: World) -> None:
    put, failures = world.store.put_order, [True, True]

    def away(*args: Any, **kwargs: Any) -> Any:
        if failures:
            failures.pop()
            raise UnavailableError("503", sent=False, connection="uk")
        return put(*args, **kwargs)

    world.store.put_order = away  # type: ignore[method-assign]
    ship(world)
    world.drain()
    assert status(world) == "completed"
    assert len(told(world, "Shipped")) == 1


def begin(make_world: MakeWorld, **more: Any) -> World:
    world = make_world(telling(**more))
    placed(world)
    return world


def test_killed_at_any_moment_it_is_told_once(make_world: MakeWorld) -> None:
    def once(world: World) -> None:
        assert status(world) == "completed"
        assert len(field(world, TRACKING)) == 1
        assert len(told(world, "Shipped")) == 1
        assert reasons(world) == []

    assert kill_everywhere(lambda: begin(make_world), ship, once) > 30


def test_killed_at_any_moment_the_shopper_is_never_told_twice(make_world: MakeWorld) -> None:
    never = 0

    def at_most_once(world: World) -> None:
        nonlocal never
        mails = len(world.store.to_customer["30"])
        never += mails == 0
        assert mails <= 1
        assert len(field(world, TRACKING)) == 1
        if not mails:  # it died between its intent and the call: said where a person can read it
            story = [each.text for each in world.journal.of(ORDER)]
            assert any("the shopper is not told twice" in text for text in story)

    kill_everywhere(
        lambda: begin(make_world, prod=True, fulfilment={"note_to_customer": True}),
        ship,
        at_most_once,
    )
    assert never == 2  # after the intent was stored, and before the call was made
