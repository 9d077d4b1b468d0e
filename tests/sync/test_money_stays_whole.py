"""What the books say when a worker dies between two steps and people go on meanwhile.

Σ invoices - Σ credit notes = Σ paid - Σ refunded, one sale stands while the store sells, or a
person is asked.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from accord.erp.memory.adapter import Memory
from accord.local.world import KilledError, World
from accord.model.change import Change, Ref
from accord.model.documents import Kind, State
from accord.model.money import Money
from accord.ports.erp import Capabilities
from accord.rules.config import Config
from tests.conftest import order_json
from tests.sync.conftest import config, paying
from tests.sync.test_order_life import (
    credits_of,
    erp_ref,
    payments,
    place,
    reasons,
    sale,
    sales,
)

RICH = order_json("order_created_rich")
ON_HOLD = order_json("order_created_on_hold_variation")
UNPAID = {**RICH, "date_paid": None, "date_paid_gmt": None}
MakeWorld = Callable[..., World]
TOTAL = Decimal("213.02")


def dies(world: World, moment: str, act: Callable[[], object] = lambda: None) -> None:
    """The next worker to come to ``moment`` dies there, and in that minute ``act`` is done."""

    def kill(call: str) -> None:
        if call == moment:
            world.hook = lambda _: None
            act()
            raise KilledError

    world.hook = kill


def nth(moment: str, n: int, world: World, act: Callable[[], object]) -> None:
    """As ``dies``, at the ``n``-th time of ``moment``."""
    left = [n]

    def kill(call: str) -> None:
        if call == moment:
            left[0] -= 1
            if left[0] == 0:
                world.hook = lambda _: None
                act()
                raise KilledError

    world.hook = kill


def told_briefly(world: World, id_: str, act: Callable[[], object]) -> None:
    """The store tells of ``act`` without the order itself, as of one that is too large."""
    world.copies = lambda _: 0
    act()
    world.copies = lambda _: 1
    change = Change(Ref("uk", "order", id_), "order_updated", world.clock(), "brief")
    world.queue.put(change, sending=f"brief:{world.clock()}")


def line_of(world: World, id_: str) -> str:
    return str(world.store.orders[id_]["line_items"][0]["id"])


def paid_in_cash() -> Config:
    """As accord.toml, but whatever is paid is recorded."""
    return config(mappings={"payments": {"*": {"record": True, "account": "Cash"}}})


def replayed(world: World, ref: Ref, event: str = "order_updated") -> None:
    """A person sends it again."""
    world.clock.now += dt.timedelta(minutes=6)  # later than the queue remembers what it was sent
    change = Change(ref, event, world.clock(), "again", replay="olivia")
    world.queue.put(change, sending="again")


# --- a worker dies, and the order turns -----------------------------------------


@pytest.mark.parametrize("moment", ["after erp.void", "before steps.finish", "after steps.finish"])
def test_reopened_while_it_was_being_cancelled_one_sale_stands(world: World, moment: str) -> None:
    id_ = place(world)
    world.store.set_status(id_, "cancelled")
    dies(world, moment, lambda: world.store.set_status(id_, "processing"))
    world.drain()

    assert sale(world)["state"] == "confirmed"
    assert world.store.orders[id_]["status"] == "processing"
    assert reasons(world) == []


def test_an_edit_taken_back_while_the_sale_was_made_anew_leaves_one_sale(world: World) -> None:
    id_ = place(world)
    line = line_of(world, id_)
    before = world.store.orders[id_]["line_items"][0]["total"]
    world.store.edit_line(id_, line, total="1.00")
    dies(world, "after erp.void", lambda: world.store.edit_line(id_, line, total=before))
    world.drain()

    assert sale(world)["totals"]["gross"] == "213.02"
    assert reasons(world) == []


def test_an_edit_taken_back_while_the_quotation_was_amended_is_followed(world: World) -> None:
    id_ = place(world, ON_HOLD)
    line = line_of(world, id_)
    before = world.store.orders[id_]["line_items"][0]["total"]
    world.store.edit_line(id_, line, total="50.00")
    dies(world, "after erp.amend", lambda: world.store.edit_line(id_, line, total=before))
    world.drain()

    assert sale(world)["state"] == "quotation"
    assert sale(world)["totals"]["gross"] == world.store.orders[id_]["total"]


def test_cancelled_while_it_was_being_paid_the_money_is_finances(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world, UNPAID)
    told_briefly(world, id_, lambda: world.store.edit(id_, set_paid=True))
    dies(world, "after erp.create", lambda: world.store.set_status(id_, "cancelled"))
    world.drain()

    assert payments(world) == [TOTAL]
    assert reasons(world) == ["paid_and_cancelled"]


def test_cancelled_while_it_was_made_and_paid_the_money_is_finances(
    make_world: MakeWorld,
) -> None:
    world = make_world(paying())
    world.copies = lambda _: 0
    id_ = world.store.place(RICH)
    world.copies = lambda _: 1
    told_briefly(world, id_, lambda: None)
    nth("after erp.create", 3, world, lambda: world.store.set_status(id_, "cancelled"))
    world.drain()

    assert payments(world) == [TOTAL]
    assert reasons(world) == ["paid_and_cancelled"]


def test_refunded_while_it_was_being_paid_the_money_goes_back(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world, UNPAID)
    told_briefly(world, id_, lambda: world.store.edit(id_, set_paid=True))
    dies(world, "after erp.create", lambda: world.store.set_status(id_, "refunded"))
    world.drain()

    assert sorted(payments(world)) == [-TOTAL, TOTAL]
    assert reasons(world) == []


def test_edited_while_it_was_being_paid_what_was_recorded_is_said(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world, UNPAID)
    told_briefly(world, id_, lambda: world.store.edit(id_, set_paid=True))
    line = line_of(world, id_)
    dies(world, "after erp.create", lambda: world.store.edit_line(id_, line, total="1.00"))
    world.drain()

    assert payments(world) == [TOTAL]
    assert reasons(world) == ["paid_differs"]


def test_a_refund_deleted_while_it_was_booked_is_finances(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    refund = world.store.refund(id_, "5.00")
    dies(world, "after erp.advance", lambda: world.store.delete_refund(id_, refund))
    world.drain()

    assert len(credits_of(world)) == 1
    assert reasons(world) == ["refund_deleted"]


# --- cancelled, and what was refunded or received -------------------------------


def test_refunded_while_cancelled_then_reopened_it_is_credited(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    world.store.set_status(id_, "cancelled")
    world.drain()
    world.store.refund(id_, "100.00")
    world.drain()
    world.store.set_status(id_, "processing")
    world.drain()

    assert sale(world)["state"] == "confirmed"
    assert [note["totals"]["gross"] for note in credits_of(world)] == ["100.00"]
    assert sum(payments(world)) == TOTAL - 100
    assert reasons(world) == []


def test_money_that_was_given_back_in_part_leaves_the_rest_to_finance(
    make_world: MakeWorld,
) -> None:
    world = make_world(paying())
    id_ = place(world)
    world.store.set_status(id_, "cancelled")
    world.drain()
    world.store.refund(id_, "100.00")
    world.drain()

    assert sum(payments(world)) == TOTAL - 100
    (item,) = world.attention.open()
    assert (item.reason, item.subject) == ("paid_and_cancelled", "uk:order:30")


def edited_to_what_is_unknown(make_world: MakeWorld) -> tuple[World, str]:
    """A paid order whose sale was cancelled to be made anew, which the back office refuses."""
    world = make_world(paying())
    id_ = place(world)
    line = line_of(world, id_)
    real = world.books.call

    def refuse(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if operation == "create" and arguments.get("kind") == "sales_order":
            return {"error": {"code": "rejected", "message": "not today"}}
        return real(operation, arguments)

    world.books.call = refuse  # type: ignore[method-assign]
    world.store.edit_line(id_, line, total="1.00")
    world.drain()
    assert [each["state"] for each in sales(world)] == ["voided"]
    return world, id_


def test_cancelled_before_it_was_made_anew_its_money_is_finances(make_world: MakeWorld) -> None:
    world, id_ = edited_to_what_is_unknown(make_world)
    world.store.set_status(id_, "cancelled")
    world.drain()

    assert "paid_and_cancelled" in reasons(world)


def test_refunded_before_it_was_made_anew_its_money_goes_back(make_world: MakeWorld) -> None:
    world, id_ = edited_to_what_is_unknown(make_world)
    world.store.set_status(id_, "refunded")
    world.drain()

    assert payments(world)[0] == TOTAL
    assert len(payments(world)) == 2
    assert -payments(world)[1] == Decimal(world.store.orders[id_]["total"])


def test_an_order_deleted_for_good_leaves_its_money_to_finance(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    world.store.set_status(id_, "cancelled")
    world.drain()
    world.store.delete(id_)
    world.receive("order.deleted", {"id": int(id_)})
    world.drain()

    assert reasons(world) == ["paid_and_cancelled"]


def test_refunded_before_it_was_paid_only_the_rest_is_received(make_world: MakeWorld) -> None:
    world = make_world(paid_in_cash())
    id_ = place(world, UNPAID)
    world.store.refund(id_, "13.02")
    world.drain()
    world.store.set_status(id_, "completed", paid=True)
    world.drain()

    assert sum(payments(world)) == Decimal("200.00")
    assert reasons(world) == []


def test_money_is_received_in_a_status_that_asks_for_nothing(make_world: MakeWorld) -> None:
    world = make_world(paid_in_cash())
    id_ = place(world, UNPAID)
    world.store.set_status(id_, "pending")
    world.drain()
    world.store.orders[id_] = {
        **world.store.orders[id_],
        "date_paid": "2026-11-22T16:00:00",
        "date_paid_gmt": "2026-11-22T16:00:00",
    }
    told_briefly(world, id_, lambda: None)
    world.drain()

    assert world.store.orders[id_]["status"] == "pending"
    assert payments(world) == [TOTAL]


# --- credited by hand -------------------------------------------------------------


def test_a_refund_that_was_credited_by_hand_already_is_asked_about(world: World) -> None:
    id_ = place(world)
    world.erp().credit(erp_ref(world, id_), Money(Decimal("10.00"), "GBP"))
    world.store.refund(id_, "10.00")
    world.drain()

    assert len(credits_of(world)) == 1
    assert "credited_by_hand" in reasons(world)


def test_another_amount_credited_by_hand_does_not_stop_a_refund(world: World) -> None:
    id_ = place(world)
    world.erp().credit(erp_ref(world, id_), Money(Decimal("10.00"), "GBP"))
    world.store.refund(id_, "7.00")
    world.drain()

    assert sorted(note["totals"]["gross"] for note in credits_of(world)) == ["10.00", "7.00"]


# --- what a person can end ----------------------------------------------------------


def test_what_was_changed_by_hand_there_too_is_settled_by_a_replay(world: World) -> None:
    id_ = place(world)
    world.erp().ship(erp_ref(world, id_))
    billing = {**world.store.orders[id_]["billing"], "address_1": "2 New Street"}
    world.store.edit(id_, billing=billing)
    world.drain()
    assert reasons(world) == ["changed_after_posting"]

    ref = Ref("uk", "order", id_)
    replayed(world, ref)
    world.drain()
    world.store.refund(id_, "5.00")
    world.drain()

    assert reasons(world) == []
    assert len(credits_of(world)) == 1


def test_a_replay_settles_nothing_while_the_totals_differ(world: World) -> None:
    id_ = place(world)
    world.erp().ship(erp_ref(world, id_))
    world.store.edit_line(id_, line_of(world, id_), total="1.00")
    world.drain()
    ref = Ref("uk", "order", id_)
    replayed(world, ref)
    world.drain()

    assert reasons(world) == ["changed_after_posting"]


def test_a_quotation_confirmed_by_hand_is_made_anew_when_it_is_edited(world: World) -> None:
    id_ = place(world, ON_HOLD)
    there = world.erp().get(erp_ref(world, id_))
    assert there is not None
    world.erp().advance(there, State.CONFIRMED)
    world.store.edit_line(id_, line_of(world, id_), total="50.00")
    world.drain()

    assert sale(world)["totals"]["gross"] == world.store.orders[id_]["total"]
    assert reasons(world) == []


def test_a_sale_deleted_by_hand_ends_with_its_order(world: World) -> None:
    id_ = place(world)
    ref = erp_ref(world, id_)
    real = world.books.call

    def gone(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if arguments.get("id") == ref.id and operation in {"get", "void", "progress"}:
            if operation == "void":
                return {"error": {"code": "rejected", "message": "there is no such order"}}
            return {"record": None, "progress": None}
        return real(operation, arguments)

    world.books.call = gone  # type: ignore[method-assign]
    world.store.set_status(id_, "cancelled")
    world.drain()

    assert reasons(world) == []


# --- before the start, and waiting ---------------------------------------------------


def test_a_new_refund_of_an_order_from_before_the_start_is_seen(make_world: MakeWorld) -> None:
    start = dt.datetime(2026, 11, 22, 15, 30, tzinfo=dt.UTC)
    world = make_world(config(orders={"start_at": start}))
    id_ = place(world)
    world.store.refund(id_, "5.00")
    world.drain()

    assert reasons(world) == ["refunded_before_start"]


def test_a_refund_of_an_order_that_is_never_imported_does_not_wait(world: World) -> None:
    world.copies = lambda _: 0
    id_ = world.store.place(RICH)
    world.store.set_status(id_, "refunded")
    world.copies = lambda _: 1
    world.ask_for_refund(id_, str(world.store.orders[id_]["refunds"][0]["id"]))
    world.drain(dt.timedelta(hours=1))

    assert world.waiting.causes() == []
    assert sales(world) == []


def test_one_that_waits_for_long_holds_nobody_else_back(world: World) -> None:
    first = place(world, ON_HOLD)
    world.store.refund(first, "1.00")
    world.drain(dt.timedelta(minutes=10))
    second = place(world, {**ON_HOLD, "id": 77, "number": "77"})
    refund = world.store.refund(second, "1.00")
    world.drain(dt.timedelta(minutes=10))
    link = world.links.get(Ref("uk", "order", second))
    assert link is not None
    assert link.erp is not None
    there = world.erp().get(link.erp)
    assert there is not None
    world.erp().advance(there, State.CONFIRMED)  # by hand: the store's order says nothing of it
    world.drain(dt.timedelta(hours=2))

    assert [note["key"] for note in credits_of(world)] == [f"uk-{second}-r{refund}"]


# --- back offices of other habits -----------------------------------------------------


def with_states(*states: State) -> type[Memory]:
    class Like(Memory):
        capabilities: ClassVar[Capabilities] = replace(
            Memory.capabilities, states=frozenset({State.DRAFT, State.VOIDED, *states})
        )

    return Like


def test_a_back_office_without_quotations_confirms_what_is_sold(make_world: MakeWorld) -> None:
    world = make_world(adapter=with_states(State.CONFIRMED))
    place(world)

    assert sale(world)["state"] == "confirmed"
    assert reasons(world) == []


def without_kind(kind: Kind) -> type[Memory]:
    class Like(Memory):
        capabilities: ClassVar[Capabilities] = replace(
            Memory.capabilities,
            duplicates={k: v for k, v in Memory.capabilities.duplicates.items() if k is not kind},
        )

    return Like


def test_a_refund_where_no_credit_notes_are_held_is_finances(make_world: MakeWorld) -> None:
    world = make_world(adapter=without_kind(Kind.CREDIT_NOTE))
    id_ = place(world)
    world.store.refund(id_, "5.00")
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("unsupported", "finance")


def test_an_order_edited_where_nothing_is_amended_is_made_anew(make_world: MakeWorld) -> None:
    class Stiff(Memory):
        capabilities: ClassVar[Capabilities] = replace(Memory.capabilities, amends=frozenset())

    world = make_world(adapter=Stiff)
    id_ = place(world, ON_HOLD)
    world.store.edit_line(id_, line_of(world, id_), total="50.00")
    world.drain()

    assert sale(world)["state"] == "quotation"
    assert sale(world)["totals"]["gross"] == world.store.orders[id_]["total"]


# --- who is asked about what ------------------------------------------------------------


def test_the_orders_own_trouble_is_not_its_refunds(world: World) -> None:
    id_ = place(world)
    world.erp().ship(erp_ref(world, id_))
    world.store.refund(id_, "5.00")
    line = line_of(world, id_)

    def edit(call: str) -> None:
        if call == "after erp.create":  # the credit note's
            world.hook = lambda _: None
            world.store.edit_line(id_, line, total="1.00")
            world.work()  # its change finds the order held, and marks it

    world.hook = edit
    world.drain()

    assert [(item.reason, item.subject) for item in world.attention.open()] == [
        ("changed_after_posting", f"uk:order:{id_}")
    ]
    assert len(credits_of(world)) == 1


def applying() -> Config:
    return config(erp_changes={"credited": "apply", "cancelled": "ask"})


def test_a_credit_note_of_a_refund_that_is_not_booked_yet_makes_no_second_refund(
    make_world: MakeWorld,
) -> None:
    world = make_world(applying())
    id_ = place(world)
    world.copies = lambda _: 0
    world.store.refund(id_, "10.00")
    world.copies = lambda _: 1
    world.erp().credit(erp_ref(world, id_), Money(Decimal("10.00"), "GBP"))
    world.drain()

    assert len(world.store.orders[id_]["refunds"]) == 1
    assert "credited_in_erp" in reasons(world)


def test_cancelled_there_and_then_here_nobody_is_asked_any_more(world: World) -> None:
    id_ = place(world)
    world.erp().cancel(erp_ref(world, id_))
    world.drain()
    assert reasons(world) == ["cancelled_in_erp"]

    world.store.set_status(id_, "cancelled")
    world.drain()

    assert reasons(world) == []


def test_the_refund_that_was_asked_for_ends_the_question(world: World) -> None:
    id_ = place(world)
    note = world.erp().credit(erp_ref(world, id_), Money(Decimal("10.00"), "GBP"))
    world.drain()
    assert reasons(world) == ["credited_in_erp"]

    world.store.refund(id_, "10.00", reason=f"[accord {note.ref}]")
    world.drain()

    assert reasons(world) == []
    assert len(credits_of(world)) == 1


# --- other money ---------------------------------------------------------------------------


def test_an_order_of_nothing_lives_without_money(make_world: MakeWorld) -> None:
    world = make_world(paid_in_cash())
    free = order_json("order_created_rich")
    for kind in ("line_items", "shipping_lines", "fee_lines"):
        for line in free[kind]:
            for name in ("total", "total_tax", "subtotal", "subtotal_tax"):
                if name in line:
                    line[name] = "0.00"
            line["taxes"] = []
    free |= {"total": "0.00", "total_tax": "0.00", "coupon_lines": [], "tax_lines": []}
    id_ = place(world, free)
    world.store.set_status(id_, "cancelled")
    world.drain()
    world.store.set_status(id_, "processing")
    world.drain()

    assert sale(world)["state"] == "confirmed"
    assert (payments(world), reasons(world)) == ([], [])


def test_unpaid_cancelled_refunded_reopened_and_paid_it_adds_up(make_world: MakeWorld) -> None:
    world = make_world(paid_in_cash())
    id_ = place(world, UNPAID)
    world.store.set_status(id_, "cancelled")
    world.drain()
    world.store.refund(id_, "13.02")
    world.drain()
    world.store.set_status(id_, "processing", paid=True)
    world.drain()

    assert [note["totals"]["gross"] for note in credits_of(world)] == ["13.02"]
    assert sum(payments(world)) == Decimal("200.00")
    assert reasons(world) == []


def test_what_is_over_is_closed_though_something_else_is_asked(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    world.store.set_status(id_, "cancelled")
    world.drain()
    world.store.edit_line(id_, line_of(world, id_), total="1.00")
    world.store.set_status(id_, "processing")
    world.drain()

    assert reasons(world) == ["paid_differs"]


def test_two_things_that_stand_are_both_asked(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    world.store.set_status(id_, "cancelled")
    world.drain()
    refund = world.store.refund(id_, "100.00")
    world.drain()
    world.store.delete_refund(id_, refund)
    world.store.edit(id_, transaction_id="x")
    world.drain()

    assert sorted(reasons(world)) == ["paid_and_cancelled", "refund_deleted"]


def test_a_refund_that_finds_the_trouble_over_leaves_no_question(world: World) -> None:
    id_ = place(world)
    real, refused = world.books.call, [True]

    def refuse(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        if operation == "void" and refused[0]:
            return {"error": {"code": "rejected", "message": "not today"}}
        return real(operation, arguments)

    world.books.call = refuse  # type: ignore[method-assign]
    world.store.edit_line(id_, line_of(world, id_), total="1.00")
    world.drain()
    assert reasons(world) == ["rejected"]

    refused[0] = False
    world.copies = lambda _: 0
    refund = world.store.refund(id_, "5.00")
    world.ask_for_refund(id_, refund)
    world.drain()

    assert reasons(world) == []
    assert len(credits_of(world)) == 1


def test_a_refund_of_a_sale_cancelled_by_hand_waits_for_the_answer(make_world: MakeWorld) -> None:
    world = make_world(paying())
    id_ = place(world)
    world.erp().cancel(erp_ref(world, id_))
    world.drain()
    world.store.refund(id_, "5.00")
    world.drain(dt.timedelta(minutes=10))
    assert sorted(reasons(world)) == ["cancelled_in_erp", "waiting"]

    world.store.set_status(id_, "cancelled")
    world.drain()

    assert sum(payments(world)) == TOTAL - 5
    assert reasons(world) == ["paid_and_cancelled"]


def test_a_refunded_order_without_its_refunds_is_asked_about(world: World) -> None:
    id_ = place(world)
    world.erp().ship(erp_ref(world, id_))
    world.copies = lambda _: 0
    world.store.set_status(id_, "refunded")
    world.store.delete_refund(id_, str(world.store.orders[id_]["refunds"][0]["id"]))
    world.copies = lambda _: 1
    told_briefly(world, id_, lambda: None)
    world.drain()

    assert reasons(world) == ["refunded_in_part"]
