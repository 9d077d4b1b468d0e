"""An order is deleted for good, of which the store tells nobody, while its document is being made,
confirmed or cancelled: what stands in the books is a person's, and nothing else is."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest

from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Fault, FaultKind
from accord.local.hooked import KilledError
from accord.local.life.known import sales_of
from accord.local.store.orders import make_order
from accord.local.world import World
from accord.model.change import Change, Ref
from accord.model.documents import Record
from accord.sync.acts import Target
from tests.sync.acting import ADA
from tests.sync.conftest import START, config, paying

MakeWorld = Callable[..., World]
UK_30 = Ref("uk", "order", "30")
LATE = Fault("late", dt.timedelta(seconds=25))


def place(world: World, *, status: str = "processing") -> None:
    order = make_order(30, rng=Random(3), at=START, status=status, lines=1)
    world.store.place({**order, "customer_id": 0})


def told_of(world: World) -> None:
    """By a poll, whose change carries no order."""
    place(world)
    world.queue.put(Change(UK_30, "order_created", world.clock(), "poll"), sending="poll")


def delete(world: World) -> None:
    """And the next look at the open orders comes upon it."""
    world.store.delete("30")
    world.queue.put(Change(UK_30, "order_updated", world.clock(), "poll"), sending="poll:gone")


def cancel_by_hand(world: World) -> None:
    """Its document, in the back office; an hour goes by."""
    (sale,) = sales_of(world, "30")
    world.erp().cancel(Ref("main", "sales_order", sale["id"]))
    world.clock.now += dt.timedelta(hours=1)
    world.drain()


def asked(world: World) -> list[tuple[str, str]]:
    return [(item.subject, item.reason) for item in world.attention.open()]


def states(world: World) -> list[str]:
    return [sale["state"] for sale in sales_of(world, "30")]


def deleted_at(world: World, operation: str, fault: Fault, *, after: int = 0) -> None:
    """The call of ``operation`` that comes ``after`` so many is spoiled; the order goes then, and
    so does the worker."""
    calls = iter([*[None] * after, fault])
    gone: list[str] = []

    def faults(called: str) -> Fault | None:
        found = next(calls, None) if called == operation else None
        if found is not None:
            delete(world)
            gone.append(called)
        return found

    def dies(call: str) -> None:
        if gone:
            raise KilledError(f"{gone.pop()}, {call}")

    world.books.faults, world.hook = faults, dies


@pytest.mark.parametrize("fault", [Fault("unanswered"), LATE], ids=lambda it: it.kind)
def test_a_document_that_was_being_made_is_a_persons(make_world: MakeWorld, fault: Fault) -> None:
    world = make_world(copies=lambda _: 0)
    deleted_at(world, "create", fault, after=1)  # the party's comes before it
    told_of(world)
    world.drain(dt.timedelta(hours=1))

    assert states(world) == ["draft"]
    assert asked(world) == [("uk:order:30", "deleted_after_posting")]


def test_a_document_that_never_came_to_be_is_nobodys(make_world: MakeWorld) -> None:
    world = make_world(copies=lambda _: 0)
    deleted_at(world, "create", Fault("unreached"), after=1)
    told_of(world)
    world.drain(dt.timedelta(hours=1))

    assert (states(world), asked(world)) == ([], [])


@pytest.mark.parametrize("fault", [Fault("unanswered"), LATE], ids=lambda it: it.kind)
def test_a_document_that_was_being_cancelled_is_nobodys_once_it_is(
    world: World, fault: Fault
) -> None:
    place(world)
    world.drain_until(START + dt.timedelta(seconds=1))
    assert states(world) == ["confirmed"]
    deleted_at(world, "void", fault)
    world.store.trash("30")
    world.drain(dt.timedelta(hours=1))

    assert (states(world), asked(world)) == (["voided"], [])


def test_a_cancelling_that_came_to_nothing_leaves_the_document_to_a_person(world: World) -> None:
    place(world)
    world.drain_until(START + dt.timedelta(seconds=1))
    deleted_at(world, "void", Fault("unreached"))
    world.store.trash("30")
    world.drain(dt.timedelta(hours=1))

    assert states(world) == ["confirmed"]
    assert asked(world) == [("uk:order:30", "deleted_after_posting")]


@pytest.mark.parametrize("fault", ["unanswered", "unreached"])
def test_money_whose_booking_was_not_answered_is_asked_about_once_its_document_is_cancelled(
    make_world: MakeWorld, fault: FaultKind
) -> None:
    world = make_world(paying())
    deleted_at(world, "create", Fault(fault), after=2)  # the party, the sale, the payment
    place(world)
    world.drain(dt.timedelta(hours=1))

    assert states(world) == ["confirmed"]
    assert asked(world) == [("uk:order:30", "deleted_after_posting")]

    cancel_by_hand(world)

    assert asked(world) == [("uk:order:30", "paid_and_cancelled")]


@pytest.mark.parametrize("flow", ["on", "off"])
def test_once_its_document_is_cancelled_by_hand_nothing_is_asked(
    make_world: MakeWorld, flow: str
) -> None:
    world = make_world(config(flows={"orders": "on", "erp_changes": flow}))
    place(world)
    world.drain()
    delete(world)
    world.drain()
    (item,) = world.attention.open()
    cancel_by_hand(world)
    if flow == "off":  # nobody sees it but who is asked to look
        change = Change(UK_30, "order_updated", world.clock(), "c")
        world.queue.put(replace(change, replay=item.id), sending="again")
        world.drain()

    assert asked(world) == []


def test_money_that_came_for_it_is_asked_about_once_its_document_is_cancelled(
    make_world: MakeWorld,
) -> None:
    world = make_world(paying())
    place(world)
    world.drain()
    delete(world)
    world.drain()
    cancel_by_hand(world)

    assert asked(world) == [("uk:order:30", "paid_and_cancelled")]


def test_an_order_that_is_deleted_since_its_document_was_cancelled_by_hand_asks_no_more(
    make_world: MakeWorld,
) -> None:
    world = make_world(config(flows=dict.fromkeys(("orders", "erp_changes"), "on")))
    place(world)
    world.drain()
    (sale,) = sales_of(world, "30")
    world.erp().cancel(Ref("main", "sales_order", sale["id"]))
    world.drain()
    assert [reason for _, reason in asked(world)] == ["cancelled_in_erp"]
    delete(world)
    world.drain()

    assert asked(world) == []


@pytest.mark.parametrize(
    "act", [Memory.post_invoice, Memory.ship], ids=["an invoice", "a shipment"]
)
def test_what_is_done_for_it_in_the_back_office_is_told_nowhere_and_the_order_is_asked_about(
    make_world: MakeWorld, act: Callable[[Memory, Ref], Record]
) -> None:
    flows = dict.fromkeys(("orders", "fulfilment", "invoices", "erp_changes"), "on")
    world = make_world(config(flows=flows))
    place(world)
    world.drain()
    world.store.delete("30")
    (sale,) = sales_of(world, "30")
    act(world.erp(), Ref("main", "sales_order", sale["id"]))
    world.clock.now += dt.timedelta(minutes=10)
    world.drain()

    assert asked(world) == [("uk:order:30", "deleted_after_posting")]


@pytest.mark.parametrize("call", ["before store.add_note", "before store.put_order"])
def test_an_order_that_goes_while_it_is_in_hand_is_asked_about_at_once(
    make_world: MakeWorld, call: str
) -> None:
    flows = dict.fromkeys(("orders", "fulfilment", "erp_changes"), "on")
    world = make_world(config(flows=flows))

    def goes(called: str) -> None:
        if called == call and "30" in world.store.orders:
            world.store.delete("30")

    world.hook = goes
    place(world)
    world.drain()
    (sale,) = sales_of(world, "30")
    if "30" in world.store.orders:
        world.erp().ship(Ref("main", "sales_order", sale["id"]), None, tracking="T", carrier="P")
        world.clock.now += dt.timedelta(minutes=10)
        world.drain()

    assert "30" not in world.store.orders
    assert asked(world) == [("uk:order:30", "deleted_after_posting")]
    demand = world.levels.demand(UK_30)
    assert demand is None or not demand.needs


def test_more_that_was_paid_back_than_came_is_told_though_its_order_is_gone(
    make_world: MakeWorld,
) -> None:
    """Shard 1040 of wild lives: refunded, edited up, and refunded once more; then deleted."""
    world = make_world(paying())
    place(world)
    world.drain()
    world.store.set_status("30", "refunded")
    world.drain()
    world.store.edit("30", line_items=[{"product_id": 10, "sku": "WID-BLUE", "quantity": 1}])
    world.store.set_status("30", "cancelled")
    world.drain()
    world.store.set_status("30", "refunded")
    world.drain()
    assert asked(world) == [("uk:order:30", "paid_back_too_much")]
    delete(world)
    world.drain()

    assert asked(world) == [("uk:order:30", "paid_back_too_much")]
    (item,) = world.attention.open()
    assert "was deleted in the store" in item.message


def test_what_was_asked_of_its_deleted_quotation_is_over_when_the_order_goes_too(
    make_world: MakeWorld,
) -> None:
    world = make_world(config())
    place(world, status="on-hold")
    world.drain()
    (sale,) = sales_of(world, "30")
    world.erp().delete(Ref("main", "sales_order", sale["id"]))
    world.store.set_status("30", "processing", paid=True)
    world.drain()
    assert [reason for _, reason in asked(world)] == ["deleted_in_erp"]
    (item,) = world.attention.open()
    world.store.delete("30")  # before any poll met it: nobody hears of it
    world.acts().replay(Target.of(item), by=ADA)
    world.drain()

    assert asked(world) == []
