"""Killed anywhere, told twice, answered late: one party, one document, one payment, one note."""

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.erp.memory.adapter import Memory, memory_like
from accord.erp.memory.faults import Fault, seeded
from accord.errors import UnavailableError
from accord.local.store.orders import make_order
from accord.local.world import KilledError, World
from accord.model.change import Change, Ref
from accord.ports.erp import Duplicates
from accord.sync.turn import Invocation
from tests.conftest import order_json
from tests.sync.conftest import START, config, paying

RICH = order_json("order_created_rich")
HABITS: tuple[Duplicates, ...] = ("refused", "same_answer", "possible")
MakeWorld = Callable[..., World]


def calls_of(make_world: MakeWorld, adapter: type[Memory]) -> list[str]:
    """Every moment at which a worker may die while it posts one new paid order."""
    world = make_world(paying(), adapter=adapter)
    moments: list[str] = []
    world.hook = moments.append
    world.deliver(RICH)
    world.drain()
    return moments


def assert_once(world: World) -> None:
    (sale,) = world.books.sales()
    assert (sale["state"], sale["totals"]["gross"]) == ("confirmed", "213.02")
    assert len(sale["payments"]) == 1
    assert len(world.books.parties()) == 1
    assert len(world.store.notes["30"]) == 1
    assert world.attention.open() == []
    assert world.waiting.causes() == []


@pytest.mark.parametrize("habit", HABITS)
def test_killed_at_any_moment_it_is_done_once(make_world: MakeWorld, habit: Duplicates) -> None:
    adapter = memory_like(habit)
    moments = calls_of(make_world, adapter)
    assert {"before erp.create", "after erp.advance", "after store.add_note"} <= set(moments)

    for fatal in range(len(moments)):
        world = make_world(paying(), adapter=adapter)
        passed = iter(range(len(moments) + 1))

        def kill(_: str, fatal: int = fatal, passed: Any = passed) -> None:
            if next(passed, None) == fatal:
                raise KilledError(moments[fatal])

        world.hook = kill
        world.deliver(RICH)
        world.drain()
        assert_once(world)


def test_a_customer_without_natural_key_is_made_once_though_killed(make_world: MakeWorld) -> None:
    """Only the store's account number tells who it is, which the back office does not know."""
    order = {**RICH, "billing": {**RICH["billing"], "email": ""}, "meta_data": []}
    moments = calls_of(make_world, Memory)
    for fatal in range(len(moments)):
        passed = iter(range(len(moments) + 1))

        def kill(_: str, fatal: int = fatal, passed: Any = passed) -> None:
            if next(passed, None) == fatal:
                raise KilledError

        world = make_world(paying(), hook=kill)
        world.deliver(order)
        world.drain()
        assert_once(world)


@pytest.mark.parametrize("habit", HABITS)
def test_killed_twice_at_random_moments_it_is_done_once(
    make_world: MakeWorld, habit: Duplicates
) -> None:
    adapter = memory_like(habit)
    moments = calls_of(make_world, adapter)
    for seed in range(40):
        rng = random.Random(seed)
        world = make_world(paying(), adapter=adapter, seed=seed)
        fatal = {rng.randrange(len(moments)), rng.randrange(len(moments) * 2)}
        count = iter(range(10_000))

        def kill(_: str, fatal: set[int] = fatal, count: Any = count) -> None:
            if next(count) in fatal:
                raise KilledError

        world.hook = kill
        world.deliver(RICH)
        world.deliver(RICH, "order.updated")
        world.drain()
        assert_once(world)


def paid_while_in_hand(world: World, *, then: Callable[[str], None]) -> None:
    """An unpaid order is in a worker's hand when another is told that it was paid.

    ``then`` hears every call from that moment on.
    """
    unpaid = {**RICH, "status": "pending", "date_paid_gmt": None}
    ref = Ref("uk", "order", "30")
    paid_at = dt.datetime.fromisoformat(RICH["date_modified_gmt"]).replace(tzinfo=dt.UTC)
    earlier = paid_at - dt.timedelta(seconds=1)
    world.deliver({**unpaid, "date_modified_gmt": f"{earlier:%FT%T}"})

    told = False

    def hear(call: str) -> None:
        nonlocal told
        if told:
            then(call)
        elif call == "after links.acquire":
            world.store.orders["30"] = RICH
            change = Change(ref, "order_updated", world.clock.now, "c", paid_at, None, "paid", RICH)
            run = Invocation("second", world.clock.now + dt.timedelta(seconds=60))
            world.hook = lambda _: None
            second = world.flow().post(change, run)
            world.hook = hear
            assert "goes round once more" in str(second.outcome)
            told = True

    world.hook = hear
    world.drain()


def test_killed_in_the_round_that_it_owed_another_it_is_done_once(make_world: MakeWorld) -> None:
    moments: list[str] = []
    paid_while_in_hand(make_world(paying()), then=moments.append)
    assert "before erp.create" in moments

    for fatal in range(len(moments)):
        world = make_world(paying())
        passed = iter(range(len(moments) + 1))

        def kill(_: str, fatal: int = fatal, passed: Any = passed) -> None:
            if next(passed, None) == fatal:
                raise KilledError

        paid_while_in_hand(world, then=kill)
        assert_once(world)


def test_a_failure_in_the_round_that_it_owed_another_is_tried_again(make_world: MakeWorld) -> None:
    left = ["before erp.create"]

    def fail(call: str) -> None:
        if call in left:
            left.remove(call)
            raise UnavailableError("503", sent=False)

    world = make_world(paying())
    paid_while_in_hand(world, then=fail)

    assert_once(world)


@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("operation", ["create", "advance", "add_address"])
@pytest.mark.parametrize("kind", ["lost", "unanswered", "late", "unreached"])
def test_an_unanswered_write_is_not_repeated_blindly(
    make_world: MakeWorld, habit: Duplicates, operation: str, kind: str
) -> None:
    """Also where the back office finishes a timed-out create only later."""
    for nth in range(4):
        left = {operation: nth}

        def fault(called: str, left: dict[str, int] = left) -> Fault | None:
            if called != operation:
                return None
            left[called] -= 1
            return Fault(kind, dt.timedelta(seconds=25)) if left[called] == -1 else None  # type: ignore[arg-type]

        world = make_world(paying(), adapter=memory_like(habit), faults=fault)
        world.deliver(RICH)
        world.drain()
        assert_once(world)


def test_a_search_that_lags_does_not_make_a_second_one(make_world: MakeWorld) -> None:
    adapter = memory_like("possible", search_lag=dt.timedelta(seconds=40))
    left = [3]

    def fault(called: str) -> Fault | None:
        left[0] -= called == "create"
        return Fault("unanswered") if called == "create" and left[0] >= 0 else None

    world = make_world(paying(), adapter=adapter, faults=fault)
    world.deliver(RICH)
    world.drain()
    assert_once(world)


def test_a_note_whose_answer_was_lost_is_looked_for(make_world: MakeWorld) -> None:
    world = make_world(paying())
    add, lost = world.store.add_note, [True]

    def add_note(order_id: str, text: str, *, to_customer: bool = False) -> str:
        note = add(order_id, text, to_customer=to_customer)
        if lost.pop() if lost else False:
            raise UnavailableError("no answer", connection="uk")
        return note

    world.store.add_note = add_note  # type: ignore[method-assign]
    world.deliver(RICH)
    world.drain()
    assert_once(world)


@pytest.mark.parametrize("habit", HABITS)
def test_after_a_restore_everything_is_found_and_nothing_made_again(
    make_world: MakeWorld, habit: Duplicates
) -> None:
    """The tables are new and empty; until they are trusted, every create finds first."""
    world = make_world(paying(), adapter=memory_like(habit), trusted=False)
    world.deliver(RICH)
    world.drain()

    world.forget()
    world.clock.now += dt.timedelta(hours=1)
    world.deliver(RICH)
    world.drain()

    assert_once(world)


def test_a_document_that_was_voided_meanwhile_is_a_persons(make_world: MakeWorld) -> None:
    world = make_world(trusted=False)
    world.deliver(RICH)
    world.drain()
    world.books.call("void", {"id": world.books.sales()[0]["id"]})

    world.forget()
    world.clock.now += dt.timedelta(hours=1)
    world.deliver(RICH)
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.owner) == ("voided", "finance")
    assert len(world.books.sales()) == 1


def test_a_document_of_another_total_is_not_adopted(make_world: MakeWorld) -> None:
    world = make_world(trusted=False)
    world.deliver({**RICH, "total": "213.03"})
    world.drain()

    world.forget()
    world.clock.now += dt.timedelta(hours=1)
    world.deliver({**RICH, "date_modified_gmt": "2026-11-22T15:09:00"})
    world.drain()

    assert [item.reason for item in world.attention.open()] == ["total_differs"]


def test_twelve_hours_without_back_office_cost_no_order_and_no_human(
    make_world: MakeWorld,
) -> None:
    off = START + dt.timedelta(minutes=1), START + dt.timedelta(hours=12)
    world = make_world(down=lambda now: off[0] <= now < off[1])
    rng = random.Random(7)
    items: set[str] = set()
    for n in range(500):
        at = off[0] + n * (off[1] - off[0]) / 500
        world.drain_until(at)
        items.update(item.id for item in world.attention.open())
        world.deliver(make_order(1000 + n, rng=rng, at=at, status="processing"))
    assert len(world.books.sales()) == 0

    world.drain()

    keys = [sale["key"] for sale in world.books.sales()]
    numbers = [sale["number"] for sale in world.books.sales()]
    by_number = [key for _, key in sorted(zip(numbers, keys, strict=True))]
    assert len(set(keys)) == 500
    assert by_number == [f"uk-{1000 + n}" for n in range(500)]  # oldest first
    assert world.queue.dead == []
    assert len(items) == 1
    assert world.attention.open() == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_whatever_goes_wrong_every_order_is_posted_once_to_the_cent(seed: int) -> None:
    rng = random.Random(seed)
    habit = rng.choice(HABITS)
    world = World(
        config(
            mappings={"payments": {"*": {"record": True, "account": "Bank"}, "": {"record": False}}}
        ),
        START,
        seed=seed,
        adapter=memory_like(habit),
        faults=seeded(random.Random(seed), share=0.1),
    )

    lives = iter(range(3))  # fewer than one message is received: none may end as a dead letter

    def kill(_: str) -> None:
        if rng.random() < 0.01 and next(lives, None) is not None:
            raise KilledError

    world.hook = kill
    orders = [
        make_order(n, rng=rng, at=START + dt.timedelta(seconds=n), status="processing", customers=5)
        for n in range(1, 13)
    ]
    told = [(order, topic) for order in orders for topic in ("order.created", "order.updated")]
    rng.shuffle(told)
    for order, topic in told:
        world.deliver(order, topic)
        if rng.random() < 0.5:
            world.work()
    world.drain()
    world.hook = lambda _: None
    world.drain()

    assert world.attention.open() == []
    sales = {sale["key"]: sale for sale in world.books.sales()}
    assert len(world.books.sales()) == len(orders) == len(sales)
    for order in orders:
        sale = sales[f"uk-{order['id']}"]
        assert Decimal(sale["totals"]["gross"]) == Decimal(order["total"])
        money_moved = order["date_paid_gmt"] and Decimal(order["total"]) > 0
        assert len(sale["payments"]) == (1 if money_moved else 0)
        assert len(world.store.notes[str(order["id"])]) == 1


def test_a_message_that_kills_every_worker_ends_before_a_person(make_world: MakeWorld) -> None:
    world = make_world()

    def kill(call: str) -> None:
        if call == "before erp.create":
            raise KilledError

    world.hook = kill
    world.deliver(RICH)
    world.drain()

    (item,) = world.attention.open()
    assert (item.reason, item.subject) == ("dead_letter", "uk:order:30")
    assert world.payloads.get(item.payload)["queue"] == "order_created"
