"""What `accord simulate` found: each as small as it can be told."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from accord.erp.memory.adapter import Memory
from accord.local.hooked import KilledError
from accord.local.life.known import sales_of
from accord.local.store.orders import make_order
from accord.local.world import World
from accord.model.change import Change, Ref
from accord.model.documents import Record, SalesDocument, State
from accord.model.money import Money
from tests.sync.conftest import START, config, paying

MakeWorld = Callable[..., World]


def test_a_note_by_hand_that_a_person_let_be_hides_no_refund_that_is_deleted(
    make_world: MakeWorld,
) -> None:
    """Seed 103 of 250 orders: the bookkeeper's note was settled, and ours lost its refund."""
    world = make_world(config(flows=dict.fromkeys(("orders", "erp_changes", "invoices"), "on")))
    order = make_order(30, rng=Random(3), at=START, status="processing", lines=2)
    world.store.place({**order, "customer_id": 0})
    world.drain()
    (sale,) = sales_of(world, "30")
    world.erp().credit(Ref("main", "sales_order", sale["id"]), Money(Decimal("1.00"), "GBP"))
    world.drain()
    for item in world.attention.open():
        world.attention.dismiss(item.id, now=world.clock(), by="ada", why="settled elsewhere")
    refund = world.store.refund("30", "2.00")
    world.drain()
    world.clock.now += dt.timedelta(hours=1)
    assert [each.reason for each in world.reconcile().differences if each.kind == "orders"] == []

    world.store.delete_refund("30", refund)
    world.clock.now += dt.timedelta(hours=1)
    page = world.reconcile()

    (difference,) = [each for each in page.differences if each.kind == "orders"]
    assert (difference.reason, difference.subject) == ("credit_without_refund", "order 30")


def test_what_was_shipped_or_booked_before_its_sale_was_linked_is_told(
    make_world: MakeWorld,
) -> None:
    """Shard 813971761, order 915001: the worker died with the sale made and not linked."""
    flows = dict.fromkeys(("orders", "fulfilment", "invoices", "erp_changes"), "on")
    world = make_world(config(flows=flows))
    order = make_order(30, rng=Random(3), at=START, status="processing", lines=2)

    dead_until = START + dt.timedelta(minutes=9)

    def dies(call: str) -> None:
        if call == "before links.save" and world.clock() < dead_until and sales_of(world, "30"):
            raise KilledError(call)

    def do_the_paperwork(order_id: str) -> Ref:
        (sale,) = sales_of(world, order_id)
        ref = Ref("main", "sales_order", sale["id"])
        record = world.erp().get(ref)
        assert record is not None
        world.erp().advance(record, State.CONFIRMED)
        world.erp().ship(ref, None, tracking="TRACK1", carrier="Parcel Co")
        world.erp().post_invoice(ref)
        return ref

    other = make_order(29, rng=Random(2), at=START, status="processing", lines=2)
    world.store.place({**other, "customer_id": 0})
    world.drain_until(START + dt.timedelta(seconds=20))
    world.hook = dies
    world.store.place({**order, "customer_id": 0})
    world.drain_until(START + dt.timedelta(minutes=1))
    ref = do_the_paperwork("30")
    world.drain_until(dead_until - dt.timedelta(minutes=2))
    do_the_paperwork("29")
    world.drain_until(dead_until)  # polls have passed the first one's, and do not know whose it is
    assert world.links.find(ref) is None
    world.drain(dt.timedelta(hours=1))

    link = world.links.get(Ref("uk", "order", "30"))
    assert link is not None
    assert link.facts.get("shipments")
    assert link.facts.get("invoices")
    assert world.attention.open() == []


def test_an_edit_that_takes_effect_late_does_not_stop_what_follows_it(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shard 2017990356, order 664001: tried again at once, and done; then the first came too, and
    what stood as a quotation was a draft without a total."""
    sent: list[tuple[Record, SalesDocument]] = []
    amend = Memory.amend

    def amends(self: Memory, record: Record, document: SalesDocument) -> Record:
        sent.append((record, document))
        return amend(self, record, document)

    monkeypatch.setattr(Memory, "amend", amends)
    world = make_world(config(flows={"orders": "on"}))
    order = make_order(30, rng=Random(3), at=START, status="on-hold", lines=2)
    world.store.place({**order, "customer_id": 0})
    world.drain(dt.timedelta(minutes=5))
    world.store.edit("30", customer_note="ring twice")
    world.drain(dt.timedelta(minutes=5))
    amend(world.erp(), *sent[-1])
    (sale,) = sales_of(world, "30")
    assert sale["state"] == "draft"

    world.store.edit("30", status="processing", date_paid_gmt="2026-11-22T17:00:00")
    world.drain(dt.timedelta(hours=1))

    (sale,) = sales_of(world, "30")
    assert sale["state"] == "confirmed"
    assert world.attention.open() == []


def test_a_refund_that_is_deleted_waits_no_more_behind_its_orders_trouble(
    make_world: MakeWorld,
) -> None:
    """Shard 244738981, order 438001: refunded for more than its sale, which could not follow an
    edit, and was cancelled; the refund was deleted, and its item stayed for ever."""
    flows = dict.fromkeys(("orders", "fulfilment", "invoices", "erp_changes"), "on")
    world = make_world(config(flows=flows))
    order = make_order(30, rng=Random(3), at=START, status="processing", lines=1)
    world.store.place({**order, "customer_id": 0})
    world.drain()
    (sale,) = sales_of(world, "30")
    world.erp().ship(Ref("main", "sales_order", sale["id"]), None, tracking="T1", carrier="P")
    line = {"product_id": 10, "sku": "WID-BLUE", "quantity": 1}
    world.store.edit("30", line_items=[line])
    refund = world.store.refund("30", world.store.orders["30"]["total"])
    world.drain()
    asked = {item.subject: item.reason for item in world.attention.open()}
    assert asked[f"uk:refund:{refund}"] == "rejected"
    world.store.set_status("30", "cancelled")
    world.drain()

    world.store.delete_refund("30", refund)
    world.clock.now += dt.timedelta(hours=2)
    world.drain()

    assert {item.subject: item.reason for item in world.attention.open()} == {
        "uk:order:30": "goods_left"
    }
    assert not list(world.waiting.causes())


def test_a_draft_of_a_credit_note_whose_refund_was_deleted_is_a_persons_to_delete(
    make_world: MakeWorld,
) -> None:
    """Shard 1784505888, order 231001: deleted between the making and the booking of its note."""
    world = make_world(config(flows=dict.fromkeys(("orders", "erp_changes", "invoices"), "on")))
    order = make_order(30, rng=Random(3), at=START, status="processing", lines=2)
    world.store.place({**order, "customer_id": 0})
    world.drain()
    dead: list[str] = []

    def dies(call: str) -> None:
        if call == "before steps.begin" and _notes(world, "30") and not dead:
            dead.append(world.store.delete_refund("30", refund) or "gone")
            raise KilledError(call)

    world.hook = dies
    refund = world.store.refund("30", "2.53")
    world.drain()

    assert dead
    (note,) = _notes(world, "30")
    (item,) = world.attention.open()
    assert (note["state"], item.reason, item.owner) == ("draft", "refund_deleted", "finance")
    assert f"delete the draft of its credit note uk-30-r{refund} there" in item.message


def test_what_was_free_and_costs_something_since_it_was_changed_is_asked(
    make_world: MakeWorld,
) -> None:
    """Shard 197178461, order 205001: nothing came for it, and nobody was told that 4.50 is due."""
    world = make_world(paying())
    order = make_order(30, rng=Random(3), at=START, status="processing", lines=1)
    line = str(order["line_items"][0]["id"])
    world.store.place({**order, "customer_id": 0, "shipping_lines": []})
    world.store.edit_line("30", line, total="0.00")
    assert world.store.orders["30"]["total"] == "0.00"
    world.drain()
    assert world.attention.open() == []

    world.store.edit_line("30", line, total="3.75")
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("paid_differs", "finance")
    assert "0.00 GBP was recorded as received" in item.message

    world.store.edit_line("30", line, total="0.00")
    world.drain()
    assert world.attention.open() == []


def test_a_sale_that_stays_to_be_credited_has_its_note_though_its_pass_broke_off(
    make_world: MakeWorld,
) -> None:
    """Shard 3124326444, order 118001: refunded and shipped before the pass could come back."""
    flows = dict.fromkeys(("orders", "fulfilment", "erp_changes"), "on")
    world = make_world(config(flows=flows), copies=lambda _: 0)  # a poll's change carries no order
    order = make_order(30, rng=Random(3), at=START, status="processing", lines=2)
    dead: list[str] = []

    def dies(call: str) -> None:
        if call == "before store.add_note" and not dead:
            dead.append(call)
            (sale,) = sales_of(world, "30")
            world.erp().ship(Ref("main", "sales_order", sale["id"]), None, tracking="T1")
            world.store.set_status("30", "refunded")
            raise KilledError(call)

    world.hook = dies
    world.store.place({**order, "customer_id": 0})
    change = Change(Ref("uk", "order", "30"), "order_created", world.clock(), "poll")
    world.queue.put(change, sending="poll")
    world.drain(dt.timedelta(hours=1))

    assert dead
    assert [sale["state"] for sale in sales_of(world, "30")] == ["confirmed"]
    told = [note for note in world.store.notes["30"] if "note:confirmed" in note]
    assert len(told) == 1


def test_what_is_over_closes_though_the_order_has_another_trouble(make_world: MakeWorld) -> None:
    """Shard 1049729006, order 621001: refunded, edited up, the rest refunded and then cancelled; it
    was asked for ever why less was refunded than it comes to."""
    world = make_world(config(flows=dict.fromkeys(("orders", "fulfilment", "erp_changes"), "on")))
    order = make_order(30, rng=Random(3), at=START, status="processing", lines=1)
    world.store.place({**order, "customer_id": 0})
    world.drain()
    (sale,) = sales_of(world, "30")
    world.erp().ship(Ref("main", "sales_order", sale["id"]), None, tracking="T1", carrier="P")
    world.store.set_status("30", "refunded")
    world.drain()
    total = Decimal(world.store.orders["30"]["total"])
    world.store.edit("30", line_items=[{"product_id": 10, "sku": "WID-BLUE", "quantity": 1}])
    world.drain()
    assert [item.reason for item in world.attention.open()] == ["refunded_in_part"]

    world.store.refund("30", Decimal(world.store.orders["30"]["total"]) - total)
    world.store.set_status("30", "cancelled")
    world.clock.now += dt.timedelta(minutes=5)
    world.drain()

    asked = {item.reason for item in world.attention.open() if item.subject == "uk:order:30"}
    assert asked == {"credited"}


def _notes(world: World, id_: str) -> list[dict[str, Any]]:
    return [note for sale in sales_of(world, id_) for note in sale["credit_notes"]]
