"""What a store's order becomes, in which order, and what is remembered of it."""

import copy
import datetime as dt
from collections.abc import Callable
from typing import Any

from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Fault
from accord.erp.memory.ledger import Master
from accord.errors import RejectedError
from accord.local.world import World
from accord.model.change import Change, Ref
from accord.model.documents import SalesDocument, Totals
from accord.model.money import Money
from accord.ports.state import Seen
from accord.sync.turn import Invocation
from accord.sync.worker import Again, Finished
from tests.conftest import order_json
from tests.sync.conftest import config, paying

RICH = order_json("order_created_rich")
ON_HOLD = order_json("order_created_on_hold_variation")
MakeWorld = Callable[..., World]


def changed(order: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A later state of ``order``: one second on."""
    at = dt.datetime.fromisoformat(order["date_modified_gmt"]) + dt.timedelta(seconds=1)
    return {**copy.deepcopy(order), "date_modified_gmt": at.isoformat(), **fields}


def sale(world: World) -> dict[str, Any]:
    (only,) = world.books.sales()
    return only


def standing(world: World) -> list[dict[str, Any]]:
    return [sale for sale in world.books.sales() if sale["state"] != "voided"]


def calls(world: World) -> dict[str, int]:
    """Of the back office for orders: polling and the question whether it is there left out."""
    return {name: n for name, n in world.books.calls.items() if name not in {"changes", "ping"}}


def reasons(world: World) -> list[str]:
    return [item.reason for item in world.attention.open()]


def test_a_paid_order_becomes_one_confirmed_sales_order_of_the_same_total(world: World) -> None:
    world.deliver(RICH)
    world.drain()

    assert (sale(world)["key"], sale(world)["state"]) == ("uk-30", "confirmed")
    assert sale(world)["totals"] == {
        "net": "191.24",
        "tax": "21.78",
        "gross": "213.02",
        "currency": "GBP",
    }


def test_the_store_gets_one_private_note_with_the_number(world: World) -> None:
    world.deliver(RICH)
    world.drain()

    assert world.store.notes["30"] == [
        "Sales order SO-000001 in main [accord uk-30:note:confirmed]"
    ]


def test_a_normal_order_costs_the_store_no_read(world: World) -> None:
    world.deliver(RICH)
    world.drain()

    assert world.store.reads == 0


def test_created_and_updated_make_one_document_whichever_comes_first(world: World) -> None:
    world.deliver(RICH, "order.updated")
    world.deliver(RICH, "order.created")
    world.drain()

    assert len(world.books.sales()) == 1
    assert [end.text for _, end in world.ends][1] == "nothing due: seen before"


def test_a_repeated_delivery_days_later_changes_nothing(world: World) -> None:
    world.deliver(RICH)
    world.drain()
    before = calls(world)
    world.clock.now += dt.timedelta(days=3)
    world.deliver(RICH)
    world.drain()

    assert calls(world) == before


def test_an_unpaid_order_waits_for_a_status_that_is_imported(world: World) -> None:
    pending = changed(RICH, status="pending")
    world.deliver(pending)
    world.drain()
    assert world.books.sales() == []

    world.deliver(changed(pending, status="processing"), "order.updated")
    world.drain()
    assert sale(world)["state"] == "confirmed"


def test_an_order_on_hold_is_a_quotation_and_is_confirmed_when_paid(world: World) -> None:
    world.deliver(ON_HOLD)
    world.drain()
    assert sale(world)["state"] == "quotation"

    world.deliver(changed(ON_HOLD, status="processing"), "order.updated")
    world.drain()
    assert sale(world)["state"] == "confirmed"
    assert [note.split()[0] for note in world.store.notes["34"]] == ["Quotation", "Sales"]


def test_an_order_counts_as_posted_once_though_it_is_confirmed_later(world: World) -> None:
    world.deliver(ON_HOLD)
    world.drain()
    world.deliver(changed(ON_HOLD, status="processing"), "order.updated")
    world.drain()

    outcomes = [end.outcome for _, end in world.ends if isinstance(end, Finished)]
    assert outcomes == ["posted", "advanced"]


def test_a_late_older_body_is_not_believed(world: World) -> None:
    paid = changed(ON_HOLD, status="processing")
    world.deliver(paid)
    world.drain()
    world.queue.put(_carrying(world, ON_HOLD), sending="late")
    world.drain()

    assert sale(world)["state"] == "confirmed"
    assert world.store.reads == 1


def _carrying(world: World, order: dict[str, Any]) -> Change:
    at = dt.datetime.fromisoformat(order["date_modified_gmt"]).replace(tzinfo=dt.UTC)
    ref = Ref("uk", "order", str(order["id"]))
    return Change(ref, "order_updated", world.clock.now, "c", at, digest="older", document=order)


def test_two_bodies_of_one_second_are_settled_by_reading_the_store(world: World) -> None:
    world.deliver(RICH)
    world.drain()
    twin = {**RICH, "customer_note": "something else"}
    world.deliver(twin, "order.updated")
    world.drain()

    assert world.store.reads == 1
    assert [sale["key"] for sale in standing(world)] == ["uk-30-2"]


def test_orders_from_before_the_start_are_never_made(make_world: MakeWorld) -> None:
    start = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    world = make_world(config(orders={"start_at": start}))
    world.deliver(RICH)
    world.drain()

    assert world.books.sales() == []


def test_a_flow_that_is_off_does_nothing(make_world: MakeWorld) -> None:
    world = make_world(config(flows={"orders": "off"}))
    world.deliver(RICH)
    world.drain()

    assert (world.books.sales(), world.journal.of(Ref("uk", "order", "30"))) == ([], [])


def test_a_shadow_decides_and_journals_and_writes_nothing(make_world: MakeWorld) -> None:
    world = make_world(config(flows={"orders": "shadow"}))
    world.deliver(RICH)
    world.drain()

    assert set(calls(world)) <= {"preview"}
    assert world.store.notes == {}
    assert world.links.get(Ref("uk", "order", "30")) is None
    assert [entry.text for entry in world.journal.of(Ref("uk", "order", "30"))] == [
        "shadow: create uk-30 to confirmed in main, 6 lines, 213.02 GBP"
    ]


def test_two_orders_of_a_new_shopper_make_one_party(world: World) -> None:
    world.deliver(RICH)
    world.deliver(order_json("order_created_backorder"))
    world.drain()

    assert len(world.books.sales()) == 2
    assert len(world.books.parties()) == 1


def test_a_party_that_is_there_already_is_matched_by_its_email(world: World) -> None:
    world.deliver(RICH)
    world.drain()
    world.forget()
    world.deliver(order_json("order_created_backorder"))
    world.drain()

    assert len(world.books.parties()) == 1


def test_a_known_customer_costs_create_quote_confirm(world: World) -> None:
    world.deliver(RICH)
    world.drain()
    before = calls(world)
    world.deliver(order_json("order_created_backorder"))
    world.drain()

    made = {name: n - before.get(name, 0) for name, n in calls(world).items()}
    assert {name: n for name, n in made.items() if n} == {"preview": 1, "create": 1, "advance": 2}


def test_an_order_that_names_nobody_goes_on_the_account_for_such_orders(world: World) -> None:
    world.books.call(
        "create",
        {
            "kind": "party",
            "key": "WEBGUEST",
            "name": "Web guest",
            "email": "",
            "vat_number": "",
            "addresses": [],
        },
    )
    world.deliver(order_json("order_updated_line_added"), "order.updated")
    world.drain()

    assert len(world.books.parties()) == 1


def test_a_paid_order_records_its_payment_once(make_world: MakeWorld) -> None:
    world = make_world(paying())
    world.deliver(RICH)
    world.drain()
    world.deliver(changed(RICH), "order.updated")
    world.drain()

    (payment,) = sale(world)["payments"]
    assert payment["key"] == "uk-30:payment"


def test_a_payment_that_comes_later_is_recorded_then(make_world: MakeWorld) -> None:
    world = make_world(paying())
    unpaid = {**RICH, "date_paid_gmt": None}
    world.deliver(unpaid)
    world.drain()
    assert sale(world)["payments"] == []

    world.deliver(changed(unpaid, date_paid_gmt="2026-11-22T15:02:00"), "order.updated")
    world.drain()
    assert len(sale(world)["payments"]) == 1


def test_cents_that_rounding_leaves_over_are_a_line_of_their_own(world: World) -> None:
    world.deliver({**RICH, "total": "213.05"})
    world.drain()

    line = sale(world)["lines"][-1]
    assert (line["description"], line["net"]) == ("Rounding", "0.03")
    assert sale(world)["totals"]["gross"] == "213.05"


def test_more_than_rounding_may_be_is_finances_and_nothing_is_written(world: World) -> None:
    world.deliver({**RICH, "total": "193.02"})
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("total_differs", "finance")
    assert (world.books.sales(), world.books.parties()) == ([], [])


def test_a_line_without_sku_is_the_item_that_the_rules_name(world: World) -> None:
    order = copy.deepcopy(RICH)
    order["line_items"][0]["sku"] = None
    world.deliver(order)
    world.drain()

    assert sale(world)["lines"][0]["item"] == "MISC"


def test_a_line_without_sku_and_without_rule_is_a_persons(make_world: MakeWorld) -> None:
    world = make_world(config(mappings={"no_sku": "attention"}))
    order = copy.deepcopy(RICH)
    order["line_items"][0]["sku"] = ""
    world.deliver(order)
    world.drain()

    assert reasons(world) == ["no_sku"]
    assert world.books.sales() == []


def test_a_deleted_order_that_stands_in_the_books_is_a_persons(world: World) -> None:
    world.deliver(RICH)
    world.drain()
    del world.store.orders["30"]
    world.queue.put(
        Change(Ref("uk", "order", "30"), "order_updated", world.clock.now, "c"), sending="deleted"
    )
    world.drain()

    assert reasons(world) == ["deleted_after_posting"]


def test_an_unmapped_tax_waits_before_anything_is_written(make_world: MakeWorld) -> None:
    world = make_world(config(mappings={"taxes": {"20": "VAT 20%"}}))
    world.deliver(RICH)
    world.work()

    (item,) = world.attention.open()
    assert (item.subject, item.owner) == ("waiting:main:tax:GB-VAT 5%-1", "finance")
    assert "GB-VAT 5%-1" in item.message or "VAT 5%" in item.message
    assert "VAT 0%" in item.message  # all that is missing is named at once
    assert calls(world) == {}


def test_a_mapping_brings_back_what_waited_for_it(make_world: MakeWorld) -> None:
    world = make_world(config(mappings={"taxes": {"20": "VAT 20%"}}))
    world.deliver(RICH)
    world.drain(dt.timedelta(minutes=3))
    assert world.books.sales() == []

    world.config = config()
    world.drain(dt.timedelta(minutes=2))

    assert sale(world)["key"] == "uk-30"
    assert world.attention.open() == []
    assert world.waiting.causes() == []


def test_an_item_that_is_made_in_the_back_office_brings_back_all_who_wait(
    make_world: MakeWorld,
) -> None:
    known = {"WID-BLUE", "SEAT-1", "BOOK-1", "TEE-S-R", "FEE", "ROUNDING", "MISC", "MUG-1", "SVC-1"}
    world = make_world(master=Master(items=known))  # no SHIPPING yet
    world.deliver(RICH)
    world.deliver(order_json("order_updated_checkout_placed"), "order.updated")
    world.drain(dt.timedelta(minutes=20))
    assert world.books.sales() == []

    known.add("SHIPPING")
    world.drain(dt.timedelta(minutes=20))

    assert len(world.books.sales()) == 2
    assert world.attention.open() == []


def test_a_held_lease_sends_a_second_try_back(world: World) -> None:
    ref = Ref("uk", "order", "30")
    world.deliver(RICH)
    held = world.links.acquire(
        ref,
        key="uk-30",
        owner="another",
        now=world.clock.now,
        until=world.clock.now + dt.timedelta(seconds=65),
        seen=Seen(None),
    )
    assert held is not None
    world.work()
    assert world.ends[-1][1].text.startswith("nothing due: another worker")
    link = world.links.get(ref)
    assert link is not None
    assert link.dirty is not None


def test_what_comes_while_the_lease_is_held_is_not_lost(world: World) -> None:
    """The holder goes round once more, and reads the store for it."""
    later = changed(RICH, customer_note="Ring twice")
    world.deliver(RICH)

    def overlap(call: str) -> None:
        if call == "before erp.create" and "30" not in world.store.notes:
            world.hook = lambda _: None
            world.store.orders["30"] = later
            change = _carrying(world, later)
            change = Change(change.ref, change.event, change.seen_at, "c", change.modified_at)
            run = Invocation("second", world.clock.now + dt.timedelta(seconds=60))
            assert not isinstance(world.flow().post(change, run), Again)

    world.hook = overlap
    world.drain()

    assert "Ring twice" in standing(world)[0]["comment"]
    assert world.store.reads == 1


def refuse_notes(world: World) -> Callable[..., str]:
    """The store refuses notes from now on; what was there before is returned."""
    add = world.store.add_note

    def refuse(order_id: str, text: str, *, to_customer: bool = False) -> str:
        raise RejectedError("uk has no such order to put a note on")

    world.store.add_note = refuse  # type: ignore[method-assign]
    return add


def test_an_order_that_is_cancelled_after_half_a_pass_is_cancelled_in_the_books(
    world: World,
) -> None:
    """The document stands though the pass broke off: the link must not forget it."""
    add = refuse_notes(world)
    world.deliver(RICH)
    world.drain()
    assert reasons(world) == ["rejected"]

    world.store.add_note = add  # type: ignore[method-assign]
    world.deliver(changed(RICH, status="cancelled"), "order.updated")
    world.drain()

    assert (standing(world), reasons(world)) == ([], [])


def test_an_order_that_is_edited_after_half_a_pass_is_made_anew(world: World) -> None:
    add = refuse_notes(world)
    world.deliver(RICH)
    world.drain()
    world.store.add_note = add  # type: ignore[method-assign]
    world.deliver(changed(RICH, customer_note="To the neighbours"), "order.updated")
    world.drain()

    (sale,) = standing(world)
    assert "To the neighbours" in sale["comment"]


def test_half_a_pass_is_finished_by_the_next(world: World) -> None:
    add = refuse_notes(world)
    world.deliver(RICH)
    world.drain()
    world.store.add_note = add  # type: ignore[method-assign]
    world.deliver(changed(RICH), "order.updated")
    world.drain()

    assert (reasons(world), len(world.store.notes["30"])) == ([], 1)


def test_a_late_create_of_an_order_that_was_cancelled_meanwhile_is_cancelled_too(
    make_world: MakeWorld,
) -> None:
    faults = iter([None, Fault("late", dt.timedelta(seconds=25))])  # the party, the order

    def fault(called: str) -> Fault | None:
        return next(faults, None) if called == "create" else None

    world = make_world(faults=fault)
    world.deliver(RICH)
    world.work()
    world.deliver(changed(RICH, status="cancelled"), "order.updated")
    world.drain()

    assert (sale(world)["state"], reasons(world)) == ("voided", [])


class Believing(Memory):
    """Foretells the store's own total, whatever the ledger then comes to."""

    def preview(self, document: SalesDocument) -> Totals:
        return Totals(document.total, Money.zero(document.currency), document.total)


def test_a_total_that_differs_is_not_confirmed_by_a_replay_either(make_world: MakeWorld) -> None:
    world = make_world(adapter=Believing)
    world.deliver({**RICH, "total": "213.05"})
    world.drain()
    assert (sale(world)["state"], reasons(world)) == ("quotation", ["total_differs"])

    again = Change(
        Ref("uk", "order", "30"), "order_updated", world.clock.now, "c", replay="someone"
    )
    world.queue.put(again, sending="again")
    world.drain()

    assert (sale(world)["state"], reasons(world)) == ("quotation", ["total_differs"])
