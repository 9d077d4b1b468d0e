"""What waits comes back when its cause is gone, and not before."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from random import Random
from unittest import mock

import pytest

from accord.errors import UnavailableError
from accord.model.change import Change, Ref
from accord.model.stock import Holding
from accord.ports.queues import Queues
from accord.ports.state import Cause, Item, Parked
from accord.state.memory import MemoryAttention, MemoryControl, MemoryWaiting
from accord.sync.room import Room
from accord.sync.wake import Waker
from accord.sync.worker import cause_subject

START = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
TAX = Cause("main", "tax:20")
OUTAGE = Cause("main", "outage")
ORDER = Cause("uk", "order")
DISMISSED = Cause("uk", "dismissed")
GOODS = Cause("main", "stock:MUG")
PATIENCE = dt.timedelta(seconds=30)


class Sent(Queues):
    def __init__(self) -> None:
        self.ids: list[str] = []
        self.refused: set[str] = set()

    def put(self, change: Change, *, sending: str) -> None:
        assert change.replay == "wake"
        assert change.document is None
        if change.ref.id in self.refused:
            raise UnavailableError("no answer")
        self.ids.append(change.ref.id)


class Bench:
    """A waker and all it needs; ``down`` are the connections that do not answer."""

    def __init__(self) -> None:
        self.now = START
        self.rules = "1"
        self.down: set[str] = set()
        self.held: set[str] = set()
        self.room: Callable[[], Room | None] = lambda: None
        self.slow: set[str] = set()
        self.waiting = MemoryWaiting()
        self.attention = MemoryAttention()
        self.control = MemoryControl()
        self.queue = Sent()
        self.asked: list[str] = []
        self.counted: dict[str, int] = {}
        self.counted_at: dt.datetime | None = None  # None: just now

    def _holdings(self, erp: str, codes: Sequence[str]) -> Mapping[str, Holding]:
        assert erp == "main"
        at = self.counted_at or self.now
        return {
            code: Holding(code, {"MAIN": Decimal(self.counted[code])}, at)
            for code in codes
            if code in self.counted
        }

    def tries(self, parked: Parked, *, hours: int) -> list[int]:
        """The minutes in which it was tried, in vain."""
        tried = []
        for minute in range(1, hours * 60):
            self.later()
            if self.wake():
                tried.append(minute)
                parked = self.try_in_vain(parked)
        return tried

    def wake(
        self, at_most: int = 500, *, for_: dt.timedelta | None = None, seed: int = 0
    ) -> list[str]:
        """The ids that one run sent, in order."""
        self.queue.ids.clear()
        Waker(
            waiting=self.waiting,
            attention=self.attention,
            control=self.control,
            queues=self.queue,
            ping=self._ping,
            rules_version=lambda: self.rules,
            clock=lambda: self.now,
            random=Random(seed),
            at_most=at_most,
            is_held=lambda connection: connection in self.held,
            room=lambda _: self.room(),
            patience=lambda _: PATIENCE,
            holdings=self._holdings,
        ).run(until=self.now + for_ if for_ is not None else None)
        return list(self.queue.ids)

    def _ping(self, connection: str) -> None:
        self.asked.append(connection)
        if connection in self.slow:
            self.now += PATIENCE
            raise UnavailableError("it hangs", connection=connection)
        if connection in self.down:
            raise UnavailableError("it is off", connection=connection)

    def park(
        self, id_: str, cause: Cause, *, placed: int = 0, event: str = "order_created"
    ) -> Parked:
        at = START + dt.timedelta(minutes=placed)
        change = Change(Ref("uk", "order", id_), event, START, "c")
        parked = Parked(
            change, cause.connection, cause.cause, "why", at, self.now, rules=self.rules
        )
        self.waiting.park(parked)
        subject = cause_subject(cause)
        self.attention.put(Item(subject, subject, "waiting", "ops", "why", self.now, self.now))
        return parked

    def try_in_vain(self, parked: Parked) -> Parked:
        again = replace(parked, parked_at=self.now, since=parked.since or parked.parked_at)
        self.waiting.park(again)
        return again

    def later(self, minutes: int = 1) -> None:
        self.now += dt.timedelta(minutes=minutes)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_an_outage_is_over_when_the_other_side_answers(bench: Bench) -> None:
    bench.down = {"main"}
    bench.park("1", OUTAGE)
    assert bench.wake() == []

    bench.down = set()
    assert bench.wake() == ["1"]


def test_the_oldest_order_goes_first(bench: Bench) -> None:
    for id_, placed in (("2", 20), ("1", 10), ("3", 30)):
        bench.park(id_, OUTAGE, placed=placed)

    assert bench.wake(at_most=2) == ["1", "2"]


def test_new_rules_bring_back_what_waits_for_them(bench: Bench) -> None:
    bench.park("1", TAX)
    bench.rules = "2"

    assert bench.wake() == ["1"]


def test_rules_that_came_before_the_first_look_count_too(bench: Bench) -> None:
    bench.park("1", TAX)
    bench.rules = "2"
    bench.park("2", TAX, placed=9)

    assert bench.wake() == ["1", "2"]


def test_what_new_rules_did_not_help_is_not_brought_back_for_them_again(bench: Bench) -> None:
    bench.park("1", TAX)
    bench.rules = "2"
    bench.wake()
    bench.park("1", TAX)

    assert bench.wake() == []


def test_the_same_rules_bring_back_nothing(bench: Bench) -> None:
    bench.park("1", TAX)

    assert [bench.wake(), bench.wake()] == [[], []]


def test_after_five_minutes_the_oldest_is_tried_alone(bench: Bench) -> None:
    bench.park("1", TAX, placed=1)
    bench.park("2", TAX, placed=2)
    bench.later(5)

    assert bench.wake() == ["1"]


def test_what_waits_for_its_order_is_tried_less_and_less_often(bench: Bench) -> None:
    parked = bench.park("1", ORDER)
    tried = []
    for minute in range(1, 24 * 60):
        bench.later()
        if bench.wake():
            tried.append(minute)
            parked = bench.try_in_vain(parked)

    assert tried[:6] == [5, 10, 20, 40, 80, 140]
    assert {after - before for before, after in pairwise(tried[4:])} == {60}


def test_what_waits_behind_what_a_person_dismissed_is_tried_twice_a_day_in_the_end(
    bench: Bench,
) -> None:
    parked = bench.park("1", DISMISSED)

    assert bench.tries(parked, hours=48) == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2000, 2720]


def test_what_waits_for_its_order_waits_anew_for_another(bench: Bench) -> None:
    old = bench.park("1", ORDER)
    bench.later(60 * 24)
    bench.try_in_vain(old)
    bench.park("2", ORDER)
    bench.later(5)

    assert bench.wake() == ["2"]


def test_what_waits_for_goods_stands_for_none_that_waits_for_the_same(bench: Bench) -> None:
    """Each takes another number of them."""
    bench.park("1", GOODS, placed=1)
    bench.park("2", GOODS, placed=2)
    assert bench.wake() == []

    bench.later(5)
    assert bench.wake() == ["1", "2"]


def test_what_waits_for_goods_that_nobody_counts_is_tried_less_and_less_often(
    bench: Bench,
) -> None:
    parked = bench.park("1", GOODS)

    assert bench.tries(parked, hours=36) == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2000]


def test_goods_that_were_counted_days_ago_are_not_counted(bench: Bench) -> None:
    bench.counted, bench.counted_at = {"MUG": 1}, START - dt.timedelta(days=1)
    parked = bench.park("1", GOODS)

    assert bench.tries(parked, hours=2) == [5, 10, 20, 40, 80]


def test_what_waits_for_goods_of_which_no_more_come_is_hardly_tried(bench: Bench) -> None:
    bench.counted = {"MUG": 1}
    parked = bench.park("1", GOODS)

    assert bench.tries(parked, hours=36) == [1, 6, 726, 1446]


@pytest.mark.parametrize(
    ("counted", "counted_at"), [({"MUG": 0}, START - dt.timedelta(days=2)), ({}, None)]
)
def test_goods_that_come_before_a_day_s_first_count_are_not_waited_for(
    bench: Bench, counted: dict[str, int], counted_at: dt.datetime | None
) -> None:
    bench.counted, bench.counted_at = counted, counted_at
    parked = bench.park("1", GOODS)
    assert bench.tries(parked, hours=1) == [5, 10, 20, 40]

    bench.counted, bench.counted_at = {"MUG": 10}, None
    bench.later()

    assert bench.wake() == ["1"]


def test_all_that_waits_for_goods_is_tried_when_more_come(bench: Bench) -> None:
    bench.counted, bench.counted_at = {"MUG": 1, "CUP": 1}, START
    first, second = (bench.park(id_, GOODS) for id_ in ("1", "2"))
    bench.later()
    bench.park("3", Cause("main", "stock:CUP"))
    assert bench.wake() == []

    bench.counted["MUG"] = 2
    bench.later()
    assert bench.wake() == ["1", "2"]

    bench.try_in_vain(first)
    bench.later()
    assert bench.wake() == ["2"]
    bench.try_in_vain(second)
    bench.counted["MUG"] = 1
    bench.later()
    assert bench.wake() == []

    bench.counted["MUG"] = 2
    bench.later()
    assert bench.wake() == ["1", "2"]


def test_goods_that_came_while_the_connection_was_left_alone_are_not_forgotten(
    bench: Bench,
) -> None:
    bench.counted, bench.counted_at = {"MUG": 1}, START
    bench.park("1", GOODS)
    bench.later()
    assert bench.wake() == []

    bench.held.add("main")
    bench.counted = {"MUG": 5}
    bench.later()
    assert bench.wake() == []
    bench.held.clear()
    bench.counted = {"MUG": 4}
    bench.later()

    assert bench.wake() == ["1"]


def test_counts_that_cannot_be_read_keep_nothing_waiting(bench: Bench) -> None:
    bench.park("1", GOODS)
    bench.park("2", ORDER)
    bench.later(5)

    with (
        mock.patch.object(bench, "_holdings", side_effect=UnavailableError("no answer")),
        pytest.raises(UnavailableError),
    ):
        bench.wake()

    assert sorted(bench.queue.ids) == ["1", "2"]


def test_all_follow_the_one_that_went_through(bench: Bench) -> None:
    first = bench.park("1", TAX, placed=1)
    bench.park("2", TAX, placed=2)
    bench.park("3", TAX, placed=3)
    bench.later(5)
    bench.wake()
    bench.waiting.remove(first)
    bench.later()

    assert bench.wake() == ["2", "3"]


def test_nobody_follows_one_that_waits_again(bench: Bench) -> None:
    bench.park("1", TAX, placed=1)
    bench.park("2", TAX, placed=2)
    bench.later(5)
    bench.wake()
    bench.park("1", TAX, placed=1)
    bench.later()

    assert bench.wake() == []


def test_what_nothing_waits_for_is_closed(bench: Bench) -> None:
    parked = bench.park("1", TAX)
    bench.park("2", OUTAGE)
    bench.waiting.remove(parked)
    bench.wake()

    assert [item.subject for item in bench.attention.open()] == [cause_subject(OUTAGE)]


def test_an_item_of_one_order_is_not_wakes_to_close(bench: Bench) -> None:
    bench.attention.put(Item("a", "uk:order:9", "rejected", "ops", "why", START, START))
    bench.wake()

    assert len(bench.attention.open()) == 1


def test_an_item_that_is_opened_while_wake_looks_stays_open(bench: Bench) -> None:
    """A worker parks, and then opens the item; wake looks at both in between."""
    causes: Callable[[], object] = bench.waiting.causes

    def causes_and_then_one_more() -> object:
        found = causes()
        bench.waiting.causes = causes  # type: ignore[method-assign, assignment]
        bench.park("1", TAX)
        return found

    bench.waiting.causes = causes_and_then_one_more  # type: ignore[method-assign, assignment]
    bench.wake()

    assert len(bench.attention.open()) == 1


def test_an_item_that_is_opened_while_wake_closes_stays_open(bench: Bench) -> None:
    gone = bench.park("9", OUTAGE)
    bench.waiting.remove(gone)
    seen = bench.waiting.causes
    calls = iter(range(9))

    def causes() -> object:
        found = seen()
        if next(calls) == 1:  # the second look is the one that closes
            bench.park("1", TAX)
        return found

    bench.waiting.causes = causes  # type: ignore[method-assign, assignment]
    bench.wake()

    assert [item.subject for item in bench.attention.open()] == [cause_subject(TAX)]


def test_one_cause_that_cannot_be_sent_does_not_keep_the_others(bench: Bench) -> None:
    bench.park("1", Cause("a", "outage"))
    bench.park("2", Cause("b", "outage"))
    bench.queue.refused = {"1"}
    with pytest.raises(UnavailableError):
        bench.wake()

    assert bench.queue.ids == ["2"]


def test_a_connection_is_asked_once_and_after_all_that_need_no_answer(bench: Bench) -> None:
    """Its time-out is half of the run's time."""
    asked: list[str] = []
    for cause in (OUTAGE, Cause("main", "unauthorized"), Cause("uk", "busy")):
        bench.park(str(len(cause.cause)), cause)
    bench.down.add("main")
    ping = bench._ping

    def counted(connection: str) -> None:
        asked.append(f"{connection} after {bench.queue.ids}")
        ping(connection)

    bench._ping = counted  # type: ignore[method-assign]
    bench.wake()

    assert asked == ["main after ['4']"]


@pytest.mark.parametrize("cause", ["paused", "window", "outage", "unauthorized", "busy", "tax:20"])
def test_nothing_goes_back_to_a_connection_that_is_left_alone(bench: Bench, cause: str) -> None:
    bench.held = {"main"}
    bench.park("1", Cause("main", cause))
    bench.rules = "2"
    assert bench.wake() == []

    bench.held = set()
    assert bench.wake() == ["1"]


@pytest.mark.parametrize("cause", ["limit", "day_limit", "outage", "paused"])
def test_no_more_goes_back_than_there_is_room_for(bench: Bench, cause: str) -> None:
    for id_, placed in (("2", 20), ("1", 10), ("3", 30)):
        bench.park(id_, Cause("main", cause), placed=placed)
    bench.room = lambda: Room({})
    assert bench.wake() == []

    bench.room = lambda: Room({"orders": 20}, 20)  # an order takes 7
    assert bench.wake() == ["1", "2"]


def test_what_has_no_share_left_lets_others_go_before_it(bench: Bench) -> None:
    for n, event in enumerate(
        ("customer_changed", "refund_issued", "order_created", "order_updated")
    ):
        bench.park(event, Cause("main", "day_limit"), placed=n, event=event)
    bench.room = lambda: Room({"orders": 10, "customers": 0}, 100)

    assert bench.wake() == ["order_created"]


def test_all_causes_of_a_connection_share_its_room(bench: Bench) -> None:
    for cause in ("paused", "outage", "busy"):
        bench.park(cause, Cause("main", cause))
    bench.room = lambda: Room({"orders": 14}, 14)

    assert len(bench.wake()) == 2


def test_connections_that_hang_do_not_stop_wake_for_the_others(bench: Bench) -> None:
    """A run has time for one of them; who is first is left to chance."""
    bench.slow = {"a", "b"}
    for connection in ("a", "b", "c"):
        bench.park(connection, Cause(connection, "outage"))
    gone = bench.park("9", TAX)
    bench.waiting.remove(gone)
    woken = set()
    for seed in range(20):
        began = bench.now
        woken |= set(bench.wake(for_=dt.timedelta(seconds=55), seed=seed))
        assert bench.now - began <= dt.timedelta(seconds=55)

    assert woken == {"c"}
    assert set(bench.asked) == {"a", "b", "c"}
    assert cause_subject(TAX) not in {item.subject for item in bench.attention.open()}


def test_one_is_asked_however_little_time_there_is(bench: Bench) -> None:
    bench.park("1", OUTAGE)
    bench.park("2", Cause("uk", "outage"))
    assert len(bench.wake(for_=dt.timedelta(0))) == 1


def test_where_nobody_says_how_many_are_too_many_some_are_tried(bench: Bench) -> None:
    for n in range(100):
        bench.park(str(n), Cause("main", "limit"), placed=n)

    assert len(bench.wake()) == 60


def test_a_connection_that_is_left_alone_is_not_even_asked(bench: Bench) -> None:
    bench.held = {"main"}
    bench.park("1", OUTAGE)
    asked: list[str] = []
    bench._ping = asked.append  # type: ignore[method-assign]
    bench.wake()

    assert asked == []
