"""What new rules settle is known before they hold: each waiting order is looked at under them."""

import copy
import datetime as dt
from collections.abc import Callable

import pytest

from accord.errors import UnavailableError
from accord.local.world import World
from accord.model.change import Change, Ref
from accord.model.documents import SalesOrder
from accord.ports.state import Parked
from accord.rules.config import Store
from accord.sync.settles import Preview, Settled
from tests.conftest import order_json
from tests.sync.conftest import config

RICH = order_json("order_created_rich")
MakeWorld = Callable[..., World]
ALL = {"20": "S20", "5": "R5", "0": "Z0"}


@pytest.fixture
def waits(make_world: MakeWorld) -> World:
    """An order that waits for two tax codes of three."""
    world = make_world(config(mappings={"taxes": {"20": "S20"}}))
    world.store.place(copy.deepcopy(RICH))
    world.drain(dt.timedelta(minutes=1))
    assert world.waiting.count(world.waiting.causes()[0]) == 1
    return world


def settled(world: World, *, at_most: int = 200, **tables: object) -> Settled:
    def order(ref: Ref) -> SalesOrder | None:
        answer = world.store.get_order(ref.id)
        return None if answer is None else world.store.order(answer[0])

    stores: dict[str, Store] = config(**tables).stores  # type: ignore[arg-type]
    return Preview(world.waiting, order, at_most).of(stores)


def park(world: World, id_: str, cause: str) -> None:
    """Something else that waits."""
    now = world.clock()
    change = Change(Ref("uk", "order", id_), "order_created", now, "c")
    world.waiting.park(Parked(change, "uk", cause, "why", now, now))


def test_what_is_mapped_now_goes_on(waits: World) -> None:
    found = settled(waits, mappings={"taxes": ALL})

    assert (sum(found.settled.values()), found.stays.total()) == (1, 0)


def test_what_still_lacks_a_rule_stays_and_says_which(waits: World) -> None:
    found = settled(waits, mappings={"taxes": {"20": "S20", "5": "R5"}})

    assert found.settled.total() == 0
    assert found.stays.total() == 1
    assert "tax rate" in next(iter(found.remedies))


def test_an_order_that_is_gone_waits_for_nothing(waits: World) -> None:
    del waits.store.orders["30"]

    assert settled(waits).settled.total() == 1


def test_a_store_that_does_not_answer_leaves_it_unknown(waits: World) -> None:
    def refuse(_: Ref) -> None:
        raise UnavailableError("the store is away")

    found = Preview(waits.waiting, refuse).of(config().stores)
    assert (found.unknown, found.settled.total()) == (1, 0)


def test_only_so_many_are_looked_at(waits: World) -> None:
    for id_ in ("31", "32"):
        park(waits, id_, "tax:20")

    assert settled(waits, at_most=1).unknown == 2


@pytest.mark.parametrize(("flow", "goes_on"), [("on", 1), ("off", 0)])
def test_what_waits_for_a_flow_goes_on_when_that_is_on(
    make_world: MakeWorld, flow: str, goes_on: int
) -> None:
    world = make_world()
    park(world, "31", "flow:orders")

    assert settled(world, flows={"orders": flow}).settled.total() == goes_on


def test_what_waits_for_something_else_is_not_counted(make_world: MakeWorld) -> None:
    world = make_world()
    park(world, "31", "outage")
    park(world, "32", "order")

    assert settled(world) == Settled()


def test_a_store_that_left_is_not_known(make_world: MakeWorld) -> None:
    world = make_world()
    park(world, "31", "tax:20")

    assert Preview(world.waiting, lambda _: None).of({}).unknown == 1


@pytest.mark.parametrize(("mapped", "goes_on"), [(True, 1), (False, 0)])
def test_an_amount_without_lines_goes_on_when_it_has_a_place(
    make_world: MakeWorld, mapped: bool, goes_on: int
) -> None:
    world = make_world()
    park(world, "31", "refund_amount")
    place = {"item": "MISC"} if mapped else None

    assert settled(world, mappings={"refund_amount": place}).settled.total() == goes_on
