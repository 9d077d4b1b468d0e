"""What the store is told when the back office books an invoice or a credit note."""

from typing import Any

import pytest

from accord.local.world import World
from accord.model.change import Ref
from accord.model.progress import Attachment
from tests.sync.placed import (
    ORDER,
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
