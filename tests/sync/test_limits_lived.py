"""Connections that are paused, in maintenance, away or busy: orders wait, and all go on."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from accord.errors import RateLimitedError, UnauthorizedError
from accord.local.store.orders import make_order
from accord.local.world import World
from accord.model.change import Ref
from accord.ports.state import Cause
from accord.rules.config import Config
from accord.rules.limits import CALLS
from accord.sync.worker import Finished
from tests.sync.conftest import START, config

MakeWorld = Callable[..., World]
MINUTE = dt.timedelta(minutes=1)


def with_erp(**tables: Any) -> Config:
    """accord.toml with tables of its back office."""
    data = config().model_dump(mode="json", by_alias=True)
    data["erps"]["main"] |= tables
    return Config.model_validate(data)


def place(world: World, *ids: int) -> None:
    for id_ in ids:
        order = make_order(id_, rng=Random(id_), at=world.clock(), status="processing")
        world.deliver(order)


def posted(world: World) -> list[str]:
    return [sale["key"] for sale in sorted(world.books.sales(), key=lambda each: each["number"])]


def erp_calls(world: World) -> Counter[str]:
    """Calls of the back office from here on, by method."""
    heard: Counter[str] = Counter()

    def hear(call: str) -> None:
        when, _, name = call.partition(" ")
        port, _, method = name.partition(".")
        if when == "before" and port == "erp":
            heard[method] += 1

    world.hook = hear
    return heard


# --- paused ---------------------------------------------------------------------------


def test_nothing_is_asked_of_a_paused_back_office(world: World) -> None:
    world.pauses.begin("main", by="maria")
    heard = erp_calls(world)
    place(world, 1001, 1002)
    world.drain_until(START + 10 * MINUTE)

    assert heard.total() == 0
    assert world.waiting.causes() == [Cause("main", "paused")]
    (item,) = world.attention.open()
    assert "paused by maria" in item.message
    assert "accord resume main" in item.message
    assert item.count == 2


def test_what_waited_goes_on_when_it_is_resumed(world: World) -> None:
    world.pauses.begin("main", by="maria")
    place(world, 1001, 1002)
    world.drain_until(START + 10 * MINUTE)
    world.pauses.end("main", by="maria")
    world.drain_until(START + 13 * MINUTE)

    assert posted(world) == ["uk-1001", "uk-1002"]
    assert not world.waiting.causes()
    assert not world.attention.open()


def test_a_pause_ends_by_itself(world: World) -> None:
    world.pauses.begin("main", by="maria", until=START + 30 * MINUTE)
    place(world, 1001)
    world.drain_until(START + 29 * MINUTE)
    assert posted(world) == []

    world.drain_until(START + 33 * MINUTE)
    assert posted(world) == ["uk-1001"]


def test_a_paused_store_is_not_written_to_and_its_orders_are_posted_once(world: World) -> None:
    world.pauses.begin("uk", by="maria", why="moving house")
    place(world, 1001)
    world.drain_until(START + 5 * MINUTE)
    assert world.store.notes.get("1001", []) == []
    assert Cause("uk", "paused") in world.waiting.causes()

    world.pauses.end("uk", by="maria")
    world.drain()
    assert len(world.store.notes["1001"]) == 1
    assert posted(world) == ["uk-1001"]
    assert not world.attention.open()


def test_the_journal_says_who_paused_and_who_resumed(world: World) -> None:
    world.pauses.begin("main", by="maria", until=START + 30 * MINUTE, why="new server")
    world.pauses.end("main", by="jo")

    said = [entry.text for entry in world.journal.of(Ref("main", "connection", "main"))]
    assert said == [
        "main was paused by maria until 2026-11-22 16:30 UTC: new server",
        "main was resumed by jo",
    ]


def test_resuming_what_is_not_paused_says_so_and_writes_nothing(world: World) -> None:
    assert world.pauses.end("main", by="jo") is None
    assert not world.journal.of(Ref("main", "connection", "main"))


# --- maintenance ------------------------------------------------------------------------


def test_orders_wait_out_the_hours_of_maintenance(make_world: MakeWorld) -> None:
    hours = [{"from": "16:00", "to": "16:30", "days": ["sun"]}]
    world = make_world(with_erp(maintenance=hours))
    heard = erp_calls(world)
    place(world, 1001)
    world.drain_until(START + 29 * MINUTE)
    assert heard.total() == 0
    assert world.waiting.causes() == [Cause("main", "window")]

    world.drain_until(START + 33 * MINUTE)
    assert posted(world) == ["uk-1001"]
    assert not world.attention.open()


# --- away: one night ---------------------------------------------------------------------


def test_a_lost_login_is_not_tried_by_everybody(world: World) -> None:
    tried = Counter[str]()

    def refuse(call: str) -> None:
        if call.startswith("before erp.") and lost:
            tried[call] += 1
            raise UnauthorizedError("main answered 401", connection="main")

    lost = True
    world.hook = refuse
    place(world, *range(1001, 1041))
    world.drain_until(START + 5 * MINUTE)
    assert world.waiting.causes() == [Cause("main", "unauthorized")]
    asked = tried["before erp.ping"]
    assert tried.total() - asked <= 20  # of forty orders, and polls of each minute
    assert asked <= 20  # whether it was that one call only, and by `wake`

    lost = False
    world.drain()
    assert len(posted(world)) == 40
    assert not world.attention.open()


# --- 429 ----------------------------------------------------------------------------------


class Busy:
    """A back office that takes so many calls a minute, and says 429 to more."""

    def __init__(self, world: World, per_minute: int, *, says_when: bool) -> None:
        self.world = world
        self.per_minute = per_minute
        self.says_when = says_when
        self.made: Counter[dt.datetime] = Counter()
        self.refused = 0
        world.hook = self

    def __call__(self, call: str) -> None:
        if not call.startswith("before erp."):
            return
        now = self.world.clock()
        minute = now.replace(second=0, microsecond=0)
        if self.made[minute] >= self.per_minute:
            self.refused += 1
            left = (minute + MINUTE - now).total_seconds() if self.says_when else None
            raise RateLimitedError("main answered 429", retry_after=left, connection="main")
        self.made[minute] += 1


@pytest.mark.parametrize("says_when", [True, False])
def test_a_storm_of_429_passes_without_a_person(world: World, says_when: bool) -> None:
    busy = Busy(world, 40, says_when=says_when)
    place(world, *range(1001, 1061))
    world.drain()

    assert len(posted(world)) == len(set(posted(world))) == 60
    assert not world.queue.dead
    assert not world.attention.open()
    assert busy.refused <= busy.made.total() / 5  # most of what was asked was answered


# --- our own limits -------------------------------------------------------------------------


def test_with_a_limit_nobody_is_told_429(make_world: MakeWorld) -> None:
    world = make_world(with_erp(limits={"per_minute": 40, "at_once": 2}))
    busy = Busy(world, 40, says_when=True)
    place(world, *range(1001, 1041))
    world.drain()

    assert busy.refused == 0
    assert max(busy.made.values()) <= 40
    assert len(posted(world)) == 40
    assert not world.attention.open()


def test_all_slots_are_given_back(make_world: MakeWorld) -> None:
    world = make_world(with_erp(limits={"at_once": 2}))
    place(world, 1001, 1002)
    world.drain()

    assert world.guard.meter.usage("main").slots == {}
    assert len(posted(world)) == 2


def test_a_day_that_is_used_up_goes_on_tomorrow(make_world: MakeWorld) -> None:
    calls = CALLS["order_created"][1]
    world = make_world(with_erp(limits={"per_day": 8 * calls, "shares": {"orders": "1"}}))
    heard = erp_calls(world)
    place(world, *range(1001, 1021))
    world.drain_until(START + dt.timedelta(hours=7))
    today = len(posted(world))
    assert heard.total() <= 8 * calls
    assert 0 < today < 20
    assert Cause("main", "day_limit") in world.waiting.causes()

    world.drain_until(START + dt.timedelta(hours=24))
    assert len(posted(world)) > today


def test_polls_leave_orders_their_share(make_world: MakeWorld) -> None:
    world = make_world(with_erp(limits={"per_day": 200, "shares": {"orders": "0.6"}}))
    world.drain_until(START + dt.timedelta(hours=6))  # of looking what changed
    place(world, *range(1001, 1011))
    world.drain_until(START + dt.timedelta(hours=7))

    used = world.guard.meter.usage("main").in_day
    assert used["polls"] <= 80
    assert used["orders"] + used["polls"] <= 200
    assert len(posted(world)) == 10


def test_without_limits_nothing_is_counted(world: World) -> None:
    place(world, 1001)
    world.drain()

    assert world.control.get("usage:main") is None


# --- what is said of it -----------------------------------------------------------------------


def test_a_change_of_a_paused_connection_is_parked_in_one_try(world: World) -> None:
    world.pauses.begin("main", by="maria")
    place(world, 1001)
    world.drain_until(START + dt.timedelta(seconds=30))

    (end,) = [end for change, end in world.ends if change.ref.id == "1001"]
    assert isinstance(end, Finished)
    assert end.outcome == "parked"


def test_the_board_is_small(world: World) -> None:
    world.pauses.begin("main", by="maria", why="x" * 200)
    held = world.control.get("connections")

    assert held is not None
    assert len(json.dumps(held[0])) < 1000
