"""Waiting: one change per ref, listed by what it waits for, oldest order first."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from accord.model.change import Ref
from accord.ports.state import Cause, Waiting
from accord.state.memory import MemoryWaiting
from accord.state.waiting import DynamoWaiting

LAPSED = Cause("main", "unauthorized")
MUG = Cause("main", "item:MUG")
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def waiting(either) -> Waiting:
    return either(MemoryWaiting, DynamoWaiting)


def ids(waiting: Waiting, cause: Cause) -> list[str]:
    return [one.change.ref.id for one in waiting.of(cause)]


def test_what_was_parked_is_what_is_read(waiting: Waiting, parked) -> None:
    one = parked(document={"id": 30, "total": "12.50", "name": "Zoë \ud83d"})
    waiting.park(one)

    assert waiting.get(Ref("uk", "order", "30")) == one
    assert list(waiting.of(LAPSED)) == [one]


def test_how_long_it_has_waited_is_kept(waiting: Waiting, parked) -> None:
    first = parked()
    again = replace(first, since=first.parked_at, parked_at=first.parked_at + MINUTE)
    waiting.park(first)
    waiting.park(again)

    assert waiting.get(again.change.ref) == again
    assert first.since is None


def test_nothing_is_parked_for_a_ref_that_goes_on(waiting: Waiting) -> None:
    assert waiting.get(Ref("uk", "order", "30")) is None


def test_the_oldest_order_comes_first_whenever_it_was_parked(waiting: Waiting, parked) -> None:
    for id_, placed in (("1", 30), ("2", 10), ("3", 20)):
        waiting.park(parked(id_, placed=placed))

    assert ids(waiting, LAPSED) == ["2", "3", "1"]


def test_orders_of_one_second_all_wait(waiting: Waiting, parked) -> None:
    for id_ in ("1", "2", "3"):
        waiting.park(parked(id_))

    assert sorted(ids(waiting, LAPSED)) == ["1", "2", "3"]


def test_causes_are_those_that_something_waits_for(waiting: Waiting, parked) -> None:
    waiting.park(parked("1"))
    waiting.park(parked("2", cause="item:MUG"))

    assert set(waiting.causes()) == {LAPSED, MUG}


def test_parking_again_under_another_cause_replaces(waiting: Waiting, parked) -> None:
    waiting.park(parked())
    waiting.park(parked(cause="item:MUG"))

    assert (ids(waiting, LAPSED), ids(waiting, MUG)) == ([], ["30"])


def test_parking_again_counts_once(waiting: Waiting, parked, later) -> None:
    waiting.park(parked())
    waiting.park(parked(parked_at=later(seconds=5)))
    waiting.park(parked(parked_at=later(seconds=9), placed=3))

    assert waiting.count(LAPSED) == 1
    assert len(ids(waiting, LAPSED)) == 1


def test_the_counts_follow_a_change_of_cause(waiting: Waiting, parked) -> None:
    for id_ in ("1", "2"):
        waiting.park(parked(id_))
    waiting.park(parked("1", cause="item:MUG"))

    assert (waiting.count(LAPSED), waiting.count(MUG)) == (1, 1)


def test_a_cause_that_nothing_waits_for_is_gone(waiting: Waiting, parked) -> None:
    waiting.park(parked())
    waiting.park(parked(cause="item:MUG"))

    assert list(waiting.causes()) == [MUG]
    assert list(waiting.causes()) == [MUG]


def test_a_cause_that_was_gone_comes_back(waiting: Waiting, parked) -> None:
    waiting.park(parked())
    waiting.remove(parked())
    waiting.causes()

    waiting.park(parked())

    assert list(waiting.causes()) == [LAPSED]
    assert waiting.count(LAPSED) == 1


def test_what_is_removed_waits_no_longer(waiting: Waiting, parked) -> None:
    waiting.park(parked())

    waiting.remove(parked())

    assert waiting.get(Ref("uk", "order", "30")) is None
    assert (ids(waiting, LAPSED), waiting.count(LAPSED)) == ([], 0)


def test_removing_twice_counts_once(waiting: Waiting, parked) -> None:
    waiting.park(parked("1"))
    waiting.park(parked("2"))
    waiting.remove(parked("1"))
    waiting.remove(parked("1"))

    assert waiting.count(LAPSED) == 1


def test_what_was_parked_again_since_stays(waiting: Waiting, parked, later) -> None:
    waiting.park(parked())
    again = parked(parked_at=later(seconds=5))
    waiting.park(again)

    waiting.remove(parked())

    assert waiting.get(Ref("uk", "order", "30")) == again
    assert waiting.count(LAPSED) == 1


def test_removing_while_reading_misses_nothing(waiting: Waiting, parked) -> None:
    for n in range(30):
        waiting.park(parked(str(n), placed=n))

    read = []
    for one in waiting.of(LAPSED):
        read.append(one.change.ref.id)
        waiting.remove(one)

    assert read == [str(n) for n in range(30)]
    assert list(waiting.causes()) == []


def test_many_pages_are_read_in_order(waiting: Waiting, parked) -> None:
    document = {"text": "x" * 250_000}  # a page of a query holds 1 MB
    for n in range(9):
        waiting.park(parked(str(n), placed=n, document=document))

    assert ids(waiting, LAPSED) == [str(n) for n in range(9)]


def test_counts_are_right_after_many_at_once(waiting: Waiting, parked) -> None:
    def park_and_remove(n: int) -> None:
        waiting.park(parked(str(n % 7), cause="item:MUG" if n % 2 else "unauthorized"))
        if n % 3 == 0 and (one := waiting.get(Ref("uk", "order", str(n % 7)))):
            waiting.remove(one)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(park_and_remove, range(42)))

    for cause in (LAPSED, MUG):
        assert waiting.count(cause) == len(ids(waiting, cause))


def test_a_document_too_large_for_an_item_is_left_behind(dynamodb, table, parked) -> None:
    waiting = DynamoWaiting(dynamodb, table())

    waiting.park(parked(document={"text": "x" * 420_000}))

    assert waiting.get(Ref("uk", "order", "30")).change.document is None
