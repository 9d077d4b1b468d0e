"""What happens to an order after it was placed, and what the books say then."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.memory.faults import Fault, no_faults
from accord.local.world import World
from accord.model.change import Change, Ref
from accord.rules.config import Config
from tests.conftest import order_json
from tests.sync.conftest import config, paying

RICH = order_json("order_created_rich")
ON_HOLD = order_json("order_created_on_hold_variation")
MakeWorld = Callable[..., World]


def sales(world: World) -> list[dict[str, Any]]:
    return world.books.sales()


def sale(world: World) -> dict[str, Any]:
    """The one that stands."""
    (only,) = [each for each in sales(world) if each["state"] != "voided"]
    return only


def credits_of(world: World) -> list[dict[str, Any]]:
    """Booked credit notes of any order."""
    return [
        note
        for each in sales(world)
        for note in each["credit_notes"]
        if note["state"] in {"confirmed", "posted", "paid"}
    ]


def payments(world: World) -> list[Decimal]:
    return [Decimal(each["amount"]) for one in sales(world) for each in one["payments"]]


def reasons(world: World) -> list[str]:
    return [item.reason for item in world.attention.open()]


def place(world: World, order: dict[str, Any] = RICH) -> str:
    id_ = world.store.place(order)
    world.drain()
    return id_


def erp_ref(world: World, id_: str) -> Ref:
    link = world.links.get(Ref("uk", "order", id_))
    assert link is not None
    assert link.erp is not None
    return link.erp


# --- cancelled ---------------------------------------------------------------


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_a_cancelled_order_is_cancelled_in_the_books(world: World, status: str) -> None:
    id_ = place(world)
    world.store.set_status(id_, status)
    world.drain()

    assert [each["state"] for each in sales(world)] == ["voided"]
    assert reasons(world) == []
    assert world.store.notes[id_][-1].startswith("Sales order SO-000001 cancelled in main")


def test_an_order_in_the_trash_is_cancelled_in_the_books(world: World) -> None:
    id_ = place(world)
    world.store.trash(id_)
    world.drain()

    assert [each["state"] for each in sales(world)] == ["voided"]


def test_a_quotation_whose_order_is_cancelled_is_cancelled(world: World) -> None:
    id_ = place(world, ON_HOLD)
    world.store.set_status(id_, "cancelled")
    world.drain()

    assert [each["state"] for each in sales(world)] == ["voided"]


def test_a_cancelled_order_whose_goods_left_is_the_warehouses(world: World) -> None:
    id_ = place(world)
    world.erp().ship(erp_ref(world, id_))
    world.store.set_status(id_, "cancelled")
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("goods_left", "warehouse")
    assert sale(world)["state"] == "confirmed"


def test_an_order_that_is_reopened_gets_another_document(world: World) -> None:
    id_ = place(world)
    world.store.set_status(id_, "cancelled")
    world.drain()
    world.store.set_status(id_, "processing")
    world.drain()

    assert [(each["key"], each["state"]) for each in sales(world)] == [
        ("uk-30", "voided"),
        ("uk-30-2", "confirmed"),
    ]


def test_cancelled_and_reopened_in_one_breath_nothing_changes(world: World) -> None:
    id_ = place(world)
    world.store.set_status(id_, "cancelled")
    world.store.set_status(id_, "processing")
    world.drain()

    assert [each["state"] for each in sales(world)] == ["confirmed"]


def test_money_is_received_once_though_the_order_was_reopened(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    for status in ("cancelled", "processing", "cancelled", "processing"):
        world.store.set_status(id_, status)
        world.drain()

    assert payments(world) == [Decimal("213.02")]
    assert sale(world)["key"] == "uk-30-3"
    assert reasons(world) == []


def test_money_of_a_cancelled_order_is_finances_until_it_is_refunded(
    make_world: MakeWorld,
) -> None:
    world = make_world(paying())
    id_ = place(world)
    world.store.set_status(id_, "cancelled")
    world.drain()
    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("paid_and_cancelled", "finance")

    world.store.refund(id_, "213.02")
    world.drain()

    assert sum(payments(world)) == 0
    assert reasons(world) == []


def test_money_that_goes_back_of_a_cancelled_sale_that_was_deleted_is_booked_by_finance(
    make_world: MakeWorld,
) -> None:
    world = make_world(paying())
    id_ = place(world)
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    world.store.edit_line(id_, line, total="50.00")  # made anew: the money is of the first one
    world.drain()
    world.store.set_status(id_, "cancelled")
    world.drain()
    world.erp().delete(erp_ref(world, id_))
    world.store.refund(id_, "5.00")
    world.drain()

    (item,) = (each for each in world.attention.open() if each.subject.startswith("uk:refund"))
    assert (item.reason, item.owner) == ("sale_deleted", "finance")
    assert "5.00 GBP" in item.message


# --- edited ------------------------------------------------------------------


def test_an_edited_quotation_is_amended(world: World) -> None:
    id_ = place(world, ON_HOLD)
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    world.store.edit_line(id_, line, total="50.00")
    world.drain()

    (only,) = sales(world)
    assert only["state"] == "quotation"
    assert only["totals"]["gross"] == world.store.orders[id_]["total"]


def test_a_quotation_edited_back_and_forth_follows_each_time(world: World) -> None:
    id_ = place(world, ON_HOLD)
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    first = world.store.orders[id_]["line_items"][0]["total"]
    for total in ("50.00", first, "50.00", "40.00"):
        world.store.edit_line(id_, line, total=total)
        world.drain()
        (only,) = sales(world)
        assert only["totals"]["gross"] == world.store.orders[id_]["total"]


def test_an_edited_order_is_made_anew_while_nothing_left(world: World) -> None:
    id_ = place(world)
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    world.store.edit_line(id_, line, total="1.00")
    world.drain()

    assert [(each["key"], each["state"]) for each in sales(world)] == [
        ("uk-30", "voided"),
        ("uk-30-2", "confirmed"),
    ]
    assert sale(world)["totals"]["gross"] == world.store.orders[id_]["total"]
    assert reasons(world) == []


def test_what_differs_is_said_where_the_document_cannot_follow(world: World) -> None:
    id_ = place(world)
    line = world.store.orders[id_]["line_items"][0]
    world.erp().ship(erp_ref(world, id_))
    world.store.edit_line(id_, str(line["id"]), total="1.00")
    world.drain()

    (item,) = world.attention.open()
    assert item.reason == "changed_after_posting"
    assert f"line {line['id']} ({line['sku']})" in item.message
    assert "total 213.02 is" in item.message


def test_taking_the_edit_back_closes_the_item(world: World) -> None:
    id_ = place(world)
    line = world.store.orders[id_]["line_items"][0]
    before = line["total"]
    world.erp().ship(erp_ref(world, id_))
    world.store.edit_line(id_, str(line["id"]), total="1.00")
    world.drain()
    world.store.edit_line(id_, str(line["id"]), total=before)
    world.drain()

    assert reasons(world) == []


def test_an_edit_after_the_payment_says_what_is_off(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    world.store.edit_line(id_, line, total="1.00")
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("paid_differs", "finance")
    assert "213.02 GBP" in item.message


def test_a_quotation_that_was_deleted_by_hand_is_asked_about_in_its_own_words(world: World) -> None:
    id_ = place(world, ON_HOLD)
    world.erp().delete(erp_ref(world, id_))
    world.store.edit(id_, customer_note="ring twice")
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("deleted_in_erp", "commerce")
    assert "was deleted in main" in item.message


# --- refunded ----------------------------------------------------------------


def test_a_refund_of_a_line_is_a_credit_note_to_the_cent(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    refund = world.store.refund(id_, lines={line: 1})
    world.drain()

    (note,) = credits_of(world)
    amount = world.store.shop.refunds[int(id_)][0]["amount"]
    assert (note["key"], note["totals"]["gross"]) == (f"uk-30-r{refund}", amount)
    assert payments(world) == [Decimal("213.02"), -Decimal(amount)]
    assert reasons(world) == []
    assert [note for note in world.store.notes[id_] if note.startswith("Credit note CN-")]


def test_an_amount_without_lines_is_credited_with_the_tax_in_it(world: World) -> None:
    id_ = place(world)
    world.store.refund(id_, "10.00")
    world.drain()

    (note,) = credits_of(world)
    assert note["totals"]["gross"] == "10.00"
    assert Decimal(note["totals"]["tax"]) > 0


def test_several_refunds_are_each_credited_once(world: World) -> None:
    id_ = place(world)
    for amount in ("10.00", "5.00", "0.01"):
        world.store.refund(id_, amount)
    world.drain()
    world.store.edit(id_, transaction_id="x")
    world.drain()

    assert [note["totals"]["gross"] for note in credits_of(world)] == ["10.00", "5.00", "0.01"]


def test_a_refund_that_fails_does_not_have_the_other_told_again(world: World) -> None:
    """Each try of one would send the other, and each try of that one the first."""
    id_ = place(world)
    world.store.refund(id_, "10.00")
    world.store.refund(id_, "5.00")
    world.books.faults = lambda operation: Fault("unreached") if operation == "create" else None
    world.drain_until(world.clock.now + dt.timedelta(minutes=1))
    told: list[Change] = []
    put = world.queue.put

    def heard(change: Change, *, sending: str) -> None:
        told.append(change)
        put(change, sending=sending)

    world.queue.put = heard  # type: ignore[method-assign]
    before = len(world.ends)
    world.drain_until(world.clock.now + dt.timedelta(minutes=40))
    tries = {change.ref.id for change, _ in world.ends[before:] if change.ref.kind == "refund"}
    world.books.faults = no_faults
    world.drain()

    assert len(tries) == 2
    # What waited is woken, which is another matter.
    assert [each for each in told if each.ref.kind == "refund" and not each.replay] == []
    assert {note["totals"]["gross"] for note in credits_of(world)} == {"10.00", "5.00"}


def test_a_person_who_replays_an_order_means_its_refunds_too(world: World) -> None:
    id_ = place(world)
    world.store.refund(id_, "10.00")
    world.books.faults = lambda operation: Fault("refused") if operation == "create" else None
    world.drain()
    world.books.faults = no_faults
    before = credits_of(world)
    order = Ref("uk", "order", id_)
    again = Change(order, "order_updated", world.clock.now, "again", replay="somebody")
    world.queue.put(again, sending="again")
    world.drain()

    assert before == []
    assert [note["totals"]["gross"] for note in credits_of(world)] == ["10.00"]


def test_a_refund_of_nothing_makes_nothing(world: World) -> None:
    id_ = place(world)
    world.store.refund(id_, "0.00")
    world.drain()

    assert (credits_of(world), reasons(world)) == ([], [])


def test_all_refunded_before_anything_left_cancels_the_sale(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    world.store.set_status(id_, "refunded")
    world.drain()

    assert [each["state"] for each in sales(world)] == ["voided"]
    assert credits_of(world) == []
    assert sum(payments(world)) == 0
    assert reasons(world) == []


def test_all_refunded_after_the_goods_left_is_credited_line_by_line(
    make_world: MakeWorld,
) -> None:
    world = make_world(paying())
    id_ = place(world)
    world.erp().ship(erp_ref(world, id_))
    world.store.set_status(id_, "refunded")
    world.drain()

    (note,) = credits_of(world)
    assert note["totals"] == sale(world)["totals"]
    assert sum(payments(world)) == 0
    assert reasons(world) == []


def test_the_rest_refunded_after_a_part_was_credited_is_credited_too(
    make_world: MakeWorld,
) -> None:
    world = make_world(paying())
    id_ = place(world)
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    world.store.refund(id_, lines={line: 1})
    world.drain()
    world.store.set_status(id_, "refunded")
    world.drain()

    gross = [Decimal(note["totals"]["gross"]) for note in credits_of(world)]
    assert sum(gross) == Decimal("213.02")
    assert sum(payments(world)) == 0
    assert sale(world)["state"] == "confirmed"


def test_a_deleted_refund_is_finances(world: World) -> None:
    id_ = place(world)
    refund = world.store.refund(id_, "10.00")
    world.drain()
    world.store.delete_refund(id_, refund)
    world.store.edit(id_, transaction_id="x")
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("refund_deleted", "finance")


def test_a_refund_of_a_quotation_waits_until_it_is_confirmed(world: World) -> None:
    id_ = place(world, ON_HOLD)
    world.store.refund(id_, "1.00")
    world.drain(dt.timedelta(minutes=10))
    assert credits_of(world) == []
    assert reasons(world) == ["waiting"]

    world.store.set_status(id_, "processing", paid=True)
    world.drain()

    assert len(credits_of(world)) == 1
    assert reasons(world) == []


def test_a_refund_waits_for_an_order_that_waits(make_world: MakeWorld) -> None:
    unmapped = config(mappings={"taxes": {"20": "VAT 20%"}})
    world = make_world(unmapped)
    id_ = world.store.place(RICH)
    world.store.refund(id_, "5.00")
    world.drain(dt.timedelta(minutes=10))
    assert sales(world) == []

    world.config = config()
    world.drain()

    assert [note["totals"]["gross"] for note in credits_of(world)] == ["5.00"]
    assert reasons(world) == []


def test_a_refund_of_an_order_on_hold_is_looked_at_ever_less_often(make_world: MakeWorld) -> None:
    world = make_world(config())
    id_ = place(world, ON_HOLD)
    world.store.refund(id_, "5.00")
    world.drain(dt.timedelta(hours=12))
    story = world.journal.of(Ref("uk", "order", id_))
    looks = [each for each in story if (each.mark, each.text) == ("begun", "refund_issued")]
    assert 12 <= len(looks) <= 20  # every five minutes would be 144

    world.store.set_status(id_, "processing", paid=True)
    world.drain(dt.timedelta(minutes=10))
    assert [note["totals"]["gross"] for note in credits_of(world)] == ["5.00"]
    assert reasons(world) == []


def test_a_closed_period_is_passed_over_and_the_true_day_said(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    world.erp().close_period(dt.date(2026, 11, 1))
    world.store.refund(id_, "5.00")
    world.drain()

    (note,) = credits_of(world)
    assert note["issued_on"] == "2026-12-01"
    assert payments(world) == [Decimal("213.02"), Decimal("-5.00")]


@pytest.mark.parametrize(
    ("rule", "days", "asked"),
    [
        ("next_open", ["2026-12-01"], []),
        ("ask", [], ["closed_period"]),
    ],
)
def test_a_period_that_is_closed_before_the_note_is_booked_is_as_one_that_was(
    make_world: MakeWorld, rule: str, days: list[str], asked: list[str]
) -> None:
    world = make_world(config(orders={"closed_period": rule}))
    id_ = place(world)
    world.store.refund(id_, "5.00")
    heard: list[str] = []

    def closes(call: str) -> None:
        if call.endswith(".advance") and not heard:
            heard.append(call)
            world.erp().close_period(dt.date(2026, 11, 1))

    world.hook = closes
    world.drain()

    assert [note["issued_on"] for note in credits_of(world)] == days
    assert reasons(world) == asked


def test_a_closed_period_may_be_a_persons_decision(make_world: MakeWorld) -> None:
    world = make_world(config(orders={"closed_period": "ask"}))
    id_ = place(world)
    world.erp().close_period(dt.date(2026, 11, 1))
    world.store.refund(id_, "5.00")
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("closed_period", "finance")


def test_what_was_shipped_is_told_though_the_money_of_an_edited_order_is_asked_about(
    make_world: MakeWorld,
) -> None:
    world = make_world(asking := _asking())
    id_ = place(world, {**ON_HOLD, "date_paid": None, "date_paid_gmt": None})
    world.erp().close_period(dt.date(2026, 11, 1))
    line = str(world.store.orders[id_]["line_items"][0]["id"])
    world.copies = lambda _: 0
    world.store.edit_line(id_, line, total="50.00")
    world.copies = lambda _: 1
    world.store.set_status(id_, "processing", paid=True)
    world.drain(dt.timedelta(minutes=5))
    assert asking.stores["uk"].orders.closed_period == "ask"
    assert reasons(world) == ["closed_period"]

    world.erp().ship(erp_ref(world, id_), tracking="JD1")
    world.drain(dt.timedelta(minutes=10))

    meta = {each["key"]: each["value"] for each in world.store.orders[id_]["meta_data"]}
    assert meta["_wc_shipment_tracking_items"][0]["tracking_number"] == "JD1"


def _asking() -> Config:
    uk = paying().stores["uk"]
    orders = uk.orders.model_copy(update={"closed_period": "ask"})
    return paying().model_copy(update={"stores": {"uk": uk.model_copy(update={"orders": orders})}})


# --- before the import -------------------------------------------------------


@pytest.mark.parametrize(("rule", "documents", "credit_notes"), [("none", 0, 0), ("both", 1, 1)])
def test_what_was_refunded_before_its_import(
    make_world: MakeWorld, rule: str, documents: int, credit_notes: int
) -> None:
    world = make_world(config(orders={"import_closed": rule}))
    world.copies = lambda _: 0
    id_ = world.store.place(RICH)
    world.store.set_status(id_, "refunded")
    world.receive("order.updated", world.store.orders[id_])
    world.drain()

    assert len(sales(world)) == documents
    assert len(credits_of(world)) == credit_notes
    assert reasons(world) == []


def test_what_was_partly_refunded_before_its_import_is_both(world: World) -> None:
    world.copies = lambda _: 0
    id_ = world.store.place(RICH)
    world.store.refund(id_, "5.00")
    world.receive("order.updated", world.store.orders[id_])
    world.drain()

    assert sale(world)["totals"]["gross"] == "213.02"
    assert [note["totals"]["gross"] for note in credits_of(world)] == ["5.00"]


def test_a_refund_of_an_order_from_before_the_start_is_finances(make_world: MakeWorld) -> None:
    start = dt.datetime(2026, 11, 22, 15, 30, tzinfo=dt.UTC)
    world = make_world(config(orders={"start_at": start}))
    id_ = place(world)
    refund = world.store.refund(id_, "5.00")
    world.ask_for_refund(id_, refund)
    world.drain()

    assert reasons(world) == ["refunded_before_start"]


# --- routed ------------------------------------------------------------------


def routed(make: str, **when: object) -> Config:
    return config(orders={"route": [{"name": "a route", "when": when, "make": make}]})


def test_a_route_makes_a_quotation_of_a_paid_order(make_world: MakeWorld) -> None:
    world = make_world(routed("quotation", payment_method=[RICH["payment_method"]]))
    place(world)

    assert sale(world)["state"] == "quotation"


def test_both_is_confirmed_when_it_is_paid(make_world: MakeWorld) -> None:
    world = make_world(routed("both"))
    id_ = place(world, {**RICH, "date_paid": None, "date_paid_gmt": None})
    assert sale(world)["state"] == "quotation"

    world.store.set_status(id_, "processing", paid=True)
    world.drain()

    assert sale(world)["state"] == "confirmed"


# --- told --------------------------------------------------------------------


def test_notes_are_in_the_words_of_the_merchant(make_world: MakeWorld) -> None:
    words = {
        "quotation": "Angebot",
        "sales_order": "Auftrag",
        "cancelled": "{document} {number} storniert ({erp})",
    }
    world = make_world(config(words=words, orders={"note": "{document} {number}"}))
    id_ = place(world, ON_HOLD)
    world.store.set_status(id_, "processing", paid=True)
    world.drain()
    world.store.set_status(id_, "cancelled")
    world.drain()

    said = [note.partition(" [")[0] for note in world.store.notes[id_]]
    assert said == [
        "Angebot SO-000001",
        "Auftrag SO-000001",
        "Auftrag SO-000001 storniert (main)",
    ]
