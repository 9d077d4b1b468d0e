"""What waits, what a person has, and what a replay may settle."""

import copy
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from accord.errors import (
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnmappedError,
)
from accord.local.world import World
from accord.model.change import Change, Ref
from accord.ports.state import Cause, Item, Seen
from accord.sync.outcome import Done, Skipped
from accord.sync.turn import Invocation
from accord.sync.worker import Again, Finished
from tests.conftest import order_json
from tests.sync.conftest import config

RICH = order_json("order_created_rich")
REF = Ref("uk", "order", "30")
TAXLESS = {"taxes": {"20": "VAT 20%"}}
MakeWorld = Callable[..., World]


def replayed(world: World, by: str = "wake") -> Change:
    return Change(REF, "order_updated", world.clock.now, "c", replay=by)


def opened(world: World) -> list[str]:
    return [item.reason for item in world.attention.open()]


def run(
    world: World, change: Change, post: Callable[[], Done], attempt: int = 1
) -> Finished | Again:
    """What the worker makes of a flow that does ``post``."""

    class Flow:
        def post(self, change: Change, run: Invocation) -> Done:
            return post()

    invocation = Invocation("run", world.clock.now + dt.timedelta(minutes=1), attempt)
    return world._worker().handle(change, invocation, lambda _: Flow())


def raising(error: Exception) -> Callable[[], Done]:
    def post() -> Done:
        raise error

    return post


@pytest.fixture
def parked(make_world: MakeWorld) -> World:
    """One order that waits for a tax code."""
    world = make_world(config(mappings=TAXLESS))
    world.deliver(RICH)
    world.work()
    assert len(world.waiting.causes()) == 1
    return world


@pytest.mark.parametrize("flow", ["off", "shadow"])
def test_what_waits_is_not_forgotten_while_the_flow_is_not_on(parked: World, flow: str) -> None:
    parked.config = config(flows={"orders": flow})
    parked.drain(dt.timedelta(minutes=20))
    assert parked.books.sales() == []
    assert parked.waiting.causes() == [Cause("uk", "flow:orders")]

    parked.config = config()
    parked.drain(dt.timedelta(minutes=20))
    assert len(parked.books.sales()) == 1
    assert (parked.waiting.causes(), opened(parked)) == ([], [])


def test_a_replay_does_not_close_what_another_worker_has_in_hand(parked: World) -> None:
    parked.links.acquire(
        REF,
        key="uk-30",
        owner="another",
        now=parked.clock.now,
        until=parked.clock.now + dt.timedelta(seconds=65),
        seen=Seen(None),
    )
    invocation = Invocation("run", parked.clock.now + dt.timedelta(minutes=1))
    end = parked._worker().handle(replayed(parked), invocation, lambda _: parked.flow())

    assert isinstance(end, Again)
    assert parked.waiting.get(REF) is not None


def test_what_is_parked_while_a_replay_succeeds_goes_on_waiting(parked: World) -> None:
    """Another worker found the next trouble after our pass and before we said that it went well."""
    waits = parked.waiting.get(REF)
    assert waits is not None

    def post() -> Done:
        parked.waiting.park(replace(waits, parked_at=waits.parked_at + dt.timedelta(seconds=1)))
        return Done(Skipped("all is well"), settles=True)

    run(parked, replayed(parked), post)

    assert parked.waiting.get(REF) is not None


def test_what_a_person_is_told_while_a_replay_succeeds_stays_open(world: World) -> None:
    began = world.clock.now
    world.attention.put(_item("old", began))

    def post() -> Done:
        world.clock.now += dt.timedelta(seconds=1)
        world.attention.put(_item("new", world.clock.now))
        return Done(Skipped("all is well"), settles=True)

    run(world, replayed(world, "anna"), post)

    assert opened(world) == ["new"]


def _item(reason: str, at: dt.datetime) -> Item:
    return Item(reason, str(REF), reason, "ops", "mend it", at, at)


def test_a_change_that_was_woken_twice_costs_the_store_one_read(make_world: MakeWorld) -> None:
    world = make_world(config(mappings=TAXLESS))
    world.deliver(RICH)
    world.work()
    world.config = config()
    for sending in ("wake:1", "wake:2"):
        world.queue.put(replayed(world), sending=sending)
    world.work()
    world.work()

    assert world.store.reads == 1
    assert len(world.books.sales()) == 1


def test_a_mend_that_comes_while_the_trouble_is_handled_is_not_lost(
    make_world: MakeWorld,
) -> None:
    world = make_world(config(mappings={"no_sku": "attention"}))
    broken = copy.deepcopy(RICH)
    broken["line_items"][0]["sku"] = ""
    mended = {**RICH, "date_modified_gmt": "2026-11-22T15:30:00"}
    world.deliver(broken)

    def overlap(call: str) -> None:
        if call == "after links.acquire":
            world.hook = lambda _: None
            world.store.orders["30"] = mended
            invocation = Invocation("second", world.clock.now + dt.timedelta(seconds=60))
            at = dt.datetime(2026, 11, 22, 15, 30, tzinfo=dt.UTC)
            told = Change(REF, "order_updated", world.clock.now, "c", at, digest="mended")
            world.flow().post(told, invocation)

    world.hook = overlap
    world.drain()

    assert len(world.books.sales()) == 1
    assert opened(world) == []


def test_items_that_could_not_be_closed_are_closed_by_the_next_try(world: World) -> None:
    world.attention.put(_item("rejected", world.clock.now))
    world.deliver(RICH)
    world.work()
    assert opened(world) == ["rejected"]  # no trouble was remembered: nothing asks the list

    invocation = Invocation("again", world.clock.now + dt.timedelta(minutes=1), attempt=2)
    change = Change(REF, "order_updated", world.clock.now, "c")
    world._worker().handle(change, invocation, lambda _: world.flow())
    assert opened(world) == []


def test_what_the_other_side_said_is_no_word_of_the_log(world: World) -> None:
    said = RejectedError("main: The e-mail maria@shopper.example is not valid")
    end = run(world, replayed(world, "anna"), raising(said))

    assert isinstance(end, Finished)
    assert "maria" not in end.text
    assert "maria" in world.attention.open()[0].message


def test_what_no_rule_names_is_counted_in_the_log_and_not_named(world: World) -> None:
    """A fee's name is free text."""
    error = UnmappedError("fee 'For Maria'", connection="main", causes=("fee:For Maria", "tax:5"))
    end = run(world, replayed(world, "anna"), raising(error))

    assert isinstance(end, Finished)
    assert end.text == "unmapped: 2 of main, for finance"
    assert "For Maria" in world.attention.open()[0].message


def test_what_the_back_office_lacks_is_told_with_the_table_to_mend(world: World) -> None:
    error = UnmappedError(
        "main does not hold item:NOPE-1: make one, or map to another",
        connection="main",
        causes=("item:NOPE-1",),
    )
    run(world, replayed(world, "anna"), raising(error))

    said = "map to another; see [stores.uk.mappings.items]"
    assert world.attention.open()[0].message.endswith(said)
    (cause,) = world.waiting.causes()
    assert next(world.waiting.of(cause)).message.endswith(said)


def test_what_names_its_table_itself_is_left_as_it_is(parked: World) -> None:
    message = parked.attention.open()[0].message

    assert "add it to [stores.uk.mappings.taxes]" in message
    assert "; see" not in message


def test_without_rules_that_fit_it_waits_all_the_same(world: World) -> None:
    def misfit(_: Change, __: Sequence[str]) -> Sequence[str]:
        raise UnavailableError("the rules do not answer")

    error = UnmappedError("it lacks", connection="main", causes=("item:NOPE-1",))
    worker = replace(world._worker(), tables=misfit)

    class Flow:
        def post(self, change: Change, run: Invocation) -> Done:
            raise error

    invocation = Invocation("run", world.clock.now + dt.timedelta(minutes=1), 1)
    worker.handle(replayed(world, "anna"), invocation, lambda _: Flow())
    assert world.attention.open()[0].message == "it lacks"


def test_a_long_wait_is_no_matter_of_the_queue(world: World) -> None:
    error = RateLimitedError("main says tomorrow", retry_after=86_400, connection="main")
    end = run(world, replayed(world, "anna"), raising(error))

    assert isinstance(end, Again)
    assert end.delay <= 15 * 60


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_each_further_try_comes_later(world: World, attempt: int) -> None:
    error = RateLimitedError("main is busy", connection="main")
    end = run(world, replayed(world, "anna"), raising(error), attempt)

    assert isinstance(end, Again)
    longest = (5, 15, 45)[attempt - 1]
    assert longest / 2 <= end.delay <= longest


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_who_asks_for_little_time_is_given_more_each_time(world: World, attempt: int) -> None:
    error = RateLimitedError("all slots are taken", retry_after=5, connection="main")
    end = run(world, replayed(world, "anna"), raising(error), attempt)

    assert isinstance(end, Again)
    longest = (5, 15, 45)[attempt - 1]
    assert max(5, longest / 2) <= end.delay <= longest + 1


def test_the_fourth_failure_parks(world: World) -> None:
    error = UnavailableError("main is away", connection="main")
    end = run(world, replayed(world, "anna"), raising(error), 4)

    assert isinstance(end, Finished)
    assert world.waiting.causes() == [Cause("main", "outage")]


def test_what_is_told_too_many_each_time_waits_for_its_turn(world: World) -> None:
    error = RateLimitedError("main is busy", connection="main")
    run(world, replayed(world, "anna"), raising(error), 4)

    assert world.waiting.causes() == [Cause("main", "limit")]


def test_a_free_order_moves_no_money(make_world: MakeWorld) -> None:
    world = make_world(config(mappings={"payments": {"*": {"record": True, "account": "Bank"}}}))
    world.deliver(_free())
    world.drain()

    (sale,) = world.books.sales()
    assert (sale["state"], sale["payments"]) == ("confirmed", [])


def _free() -> dict[str, Any]:
    order = copy.deepcopy(RICH)
    lines: Sequence[str] = ("line_items", "shipping_lines", "fee_lines")
    for line in (line for kind in lines for line in order[kind]):
        line |= {"total": "0.00", "total_tax": "0.00"}
        for tax in line["taxes"]:
            tax["total"] = "0"
    return {**order, "total": "0.00"}


def test_a_login_that_may_not_do_one_thing_is_told_from_one_that_is_refused(world: World) -> None:
    error = UnauthorizedError("main does not show invoices to us", connection="main")
    error.is_narrow = True
    run(world, replayed(world, "anna"), raising(error))

    (item,) = world.attention.open()
    assert (item.subject, item.reason) == ("waiting:main:unauthorized", "forbidden")
