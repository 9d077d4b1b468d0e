"""What the store is told when the back office books an invoice or a credit note."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Fault
from accord.errors import UnmappedError
from accord.local.world import World
from accord.model.change import Ref
from accord.model.progress import Attachment
from accord.rules.config import Config
from tests.sync.conftest import paying
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
    say,
    telling,
    told,
)

NUMBER = "_accord_invoice"
INVOICE = Ref("main", "invoice", "4")
UNPAID = {**RICH, "date_paid": None, "date_paid_gmt": None}


def recording() -> Config:
    """As ``telling``, but money by bank transfer is recorded."""
    made = telling()
    mappings = paying().stores["uk"].mappings
    store = made.stores["uk"].model_copy(update={"mappings": mappings})
    return made.model_copy(update={"stores": {"uk": store}})


def invoice(world: World) -> None:
    sale = link_of(world).erp
    assert sale is not None
    world.erp().post_invoice(sale)


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    world = make_world(telling())
    placed(world)
    return world


def test_the_store_gets_number_and_note(world: World) -> None:
    invoice(world)
    world.drain()
    assert field(world, NUMBER) == "INV-000001"
    assert told(world, "Invoice") == ["Invoice INV-000001 of 213.02 GBP [accord uk-30:invoice:4]"]


def test_a_draft_is_not_told(world: World) -> None:
    say(world, INVOICE, "invoice_posted")
    with heard(world) as calls:
        world.drain()
    assert [call for call in calls if call.startswith("store.")] == []


def test_a_paid_invoice_is_told_once(world: World) -> None:
    invoice(world)
    world.drain()
    sale = link_of(world).erp
    assert sale is not None
    world.erp().pay_invoice(sale)
    with heard(world) as calls:
        world.drain()
    assert "erp.progress" not in calls  # the poll saw that it was told
    assert len(told(world, "Invoice")) == 1


def test_a_number_costs_one_write_and_one_note(world: World) -> None:
    invoice(world)
    with heard(world) as calls:
        world.drain()
    assert [call for call in calls if call.startswith("store.")] == [
        "store.put_order",
        "store.order",  # reads the answer; no call
        "store.add_note",
    ]


def test_an_own_write_that_comes_back_is_dropped(world: World) -> None:
    invoice(world)
    world.drain()
    assert [end.text for change, end in world.ends if change.event == "order_updated"][-1] == (
        "nothing due: seen before"
    )


def test_an_edit_just_before_our_write_is_not_taken_for_it(world: World) -> None:
    """The store sends one webhook for both; were it dropped as our echo, the edit were lost."""
    quiet, world.store.on_change = world.store.on_change, None
    world.store.edit("30", customer_note="Ring twice")
    world.store.on_change = quiet
    invoice(world)
    world.drain()
    assert [reason for reason, _ in reasons(world)] == ["changed_after_posting"]


def test_a_cancelled_invoice_takes_its_number_along(world: World) -> None:
    invoice(world)
    world.drain()
    entry = world.books._records.get("invoice", "4")
    assert entry is not None
    entry.state = "cancelled"
    world.books._records.wrote(entry)
    world.drain()
    assert field(world, NUMBER) is None


def test_our_own_credit_note_is_noted_too(world: World) -> None:
    invoice(world)
    world.drain()
    world.store.refund("30", "10.00")
    world.drain()
    assert len([note for note in told(world, "Credit note CN") if "of 10.00 GBP" in note]) == 1
    assert field(world, NUMBER) == "INV-000001"


def test_the_printed_invoice_is_linked_where_the_rule_says_so(make_world: MakeWorld) -> None:
    note = "{document} {number}: {url}"
    world = make_world(telling(invoices={"link": True, "note": note}))
    placed(world)
    invoice(world)
    world.drain()

    (kept,) = world.documents.of("uk:order:30")
    (said,) = told(world, "Invoice INV-000001: https://accord.example/")
    assert f"/{kept.token}" in said
    printed = world.documents.get(kept.token, now=world.clock())
    assert isinstance(printed, Attachment)


def test_a_link_comes_behind_a_note_that_does_not_name_it(make_world: MakeWorld) -> None:
    world = make_world(telling(invoices={"link": True}))
    placed(world)
    invoice(world)
    world.drain()
    (kept,) = world.documents.of("uk:order:30")
    assert len(told(world, kept.token)) == 1


def test_a_shadow_writes_nothing(make_world: MakeWorld) -> None:
    world = make_world(telling(flows={"invoices": "shadow"}))
    placed(world)
    with heard(world) as calls:
        invoice(world)
        world.drain()
    assert {"store.put_order", "store.add_note"}.isdisjoint(calls)
    assert any("shadow: Invoice INV-000001" in each.text for each in world.journal.of(ORDER))


@pytest.mark.parametrize("to_customer", [False, True])
def test_killed_at_any_moment_it_is_told_once(make_world: MakeWorld, to_customer: bool) -> None:
    def begin() -> World:
        rules = {"link": True, "note_to_customer": to_customer}
        world = make_world(telling(prod=True, invoices=rules))
        placed(world)
        return world

    def once(world: World) -> None:
        notes: list[Any] = told(world, "Invoice")
        assert len(notes) == 1 or (to_customer and notes == [])
        assert field(world, NUMBER) == "INV-000001"
        assert len(world.documents.of("uk:order:30")) == 1
        assert reasons(world) == []

    assert kill_everywhere(begin, invoice, once) > 20


# --- what was paid stands against what was invoiced --------------------------------------------


@pytest.fixture
def booked(make_world: MakeWorld) -> World:
    """An order whose money is in the books."""
    world = make_world(recording())
    placed(world)
    return world


def settled(world: World) -> tuple[list[str], list[str]]:
    """States of the sale's invoices and of its credit notes."""
    (sale,) = world.books.sales()
    kinds = sale["invoices"], sale["credit_notes"]
    invoices, notes = ([each["state"] for each in documents] for documents in kinds)
    return invoices, notes


def test_an_invoice_of_a_paid_order_is_paid(booked: World) -> None:
    invoice(booked)
    booked.drain()
    assert settled(booked) == (["paid"], [])


def test_what_is_set_off_is_told_in_the_journal(booked: World) -> None:
    invoice(booked)
    booked.drain()
    said = [each.text for each in booked.journal.of(ORDER)]
    assert said.count("payments of SO-000001 set against its invoices, where they fit") == 1


def test_a_refund_of_an_invoiced_order_is_set_off_too(booked: World) -> None:
    invoice(booked)
    booked.drain()
    booked.store.refund("30", "10.00")
    booked.drain()
    assert settled(booked) == (["paid"], ["paid"])


def test_a_refund_before_the_invoice_is_set_off_too(booked: World) -> None:
    booked.store.refund("30", "10.00")
    booked.drain()
    invoice(booked)
    booked.drain()
    assert settled(booked) == (["paid"], ["paid"])


def test_a_payment_after_the_invoice_is_set_off_too(make_world: MakeWorld) -> None:
    world = make_world(recording())
    placed(world, UNPAID)
    invoice(world)
    world.drain()
    assert settled(world) == (["posted"], [])
    world.store.set_status("30", "processing", paid=True)
    world.drain()
    assert settled(world) == (["paid"], [])


def test_a_part_that_was_paid_back_before_it_was_paid_is_set_off(make_world: MakeWorld) -> None:
    world = make_world(recording())
    placed(world, UNPAID)
    invoice(world)
    world.drain()
    world.store.refund("30", "10.00")
    world.drain()
    world.store.set_status("30", "processing", paid=True)
    world.drain()
    assert settled(world) == (["paid"], ["paid"])


def test_where_money_is_not_recorded_an_invoice_stays_open(world: World) -> None:
    invoice(world)
    with heard(world) as calls:
        world.drain()
    assert "erp.reconcile" not in calls
    assert settled(world) == (["posted"], [])


def test_a_back_office_that_sets_nothing_off_is_not_asked(make_world: MakeWorld) -> None:
    class Plain(Memory):
        capabilities = replace(Memory.capabilities, reconciles=False)

    world = make_world(recording(), adapter=Plain)
    placed(world)
    invoice(world)
    with heard(world) as calls:
        world.drain()
    assert "erp.reconcile" not in calls
    assert field(world, NUMBER) == "INV-000001"


def test_what_cannot_be_set_off_is_told_and_holds_nothing_back(make_world: MakeWorld) -> None:
    refused = Fault("refused")
    world = make_world(recording(), faults=lambda name: refused if name == "reconcile" else None)
    placed(world)
    invoice(world)
    world.drain()
    assert field(world, NUMBER) == "INV-000001"
    assert reasons(world) == []
    (told,) = [each.text for each in world.journal.of(ORDER) if "not set against" in each.text]
    assert told.endswith(": rejected")  # what the other side said may name a shopper


def test_what_a_closed_period_keeps_from_being_set_off_holds_nothing_back(
    make_world: MakeWorld,
) -> None:
    class Closed(Memory):
        def reconcile(self, order: Ref, payments: Sequence[Ref]) -> None:
            raise UnmappedError("closed", connection=order.system, causes=("period:2026-11",))

    world = make_world(recording(), adapter=Closed)
    placed(world)
    invoice(world)
    world.drain()
    assert field(world, NUMBER) == "INV-000001"
    assert (reasons(world), world.waiting.causes()) == ([], [])
    assert any("not set against" in each.text for each in world.journal.of(ORDER))


def test_what_is_not_answered_is_done_again(make_world: MakeWorld) -> None:
    lost = iter([Fault("unanswered"), Fault("unreached")])
    world = make_world(
        recording(), faults=lambda name: next(lost, None) if name == "reconcile" else None
    )
    placed(world)
    invoice(world)
    world.drain()
    assert settled(world) == (["paid"], [])
    assert len(told(world, "Invoice")) == 1


def both(world: World) -> None:
    invoice(world)
    world.store.refund("30", "10.00")


def paid_late(world: World) -> None:
    invoice(world)
    world.store.set_status("30", "processing", paid=True)


@pytest.mark.parametrize(
    ("order", "act", "end"),
    [
        (RICH, invoice, (["paid"], [])),
        (RICH, both, (["paid"], ["paid"])),
        (UNPAID, paid_late, (["paid"], [])),
    ],
)
def test_killed_at_any_moment_all_is_set_off(
    make_world: MakeWorld,
    order: dict[str, Any],
    act: Callable[[World], None],
    end: tuple[list[str], list[str]],
) -> None:
    def begin() -> World:
        world = make_world(recording())
        placed(world, order)
        return world

    def once(world: World) -> None:
        assert settled(world) == end
        assert reasons(world) == []

    assert kill_everywhere(begin, act, once) > 20
