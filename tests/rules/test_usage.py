"""Slots, minutes and days: never more than allowed, and everybody's share is there for them."""

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.rules.limits import Limits
from accord.rules.usage import SKEW, Ask, Refused, Usage, reserve, room, settled, taken

NOW = dt.datetime(2026, 11, 22, 9, 30, 10, tzinfo=dt.UTC)
TODAY = NOW.date()
SINCE = (NOW, TODAY)
_numbers = itertools.count()


def ask(calls: int = 1, what: str = "orders", **other: Any) -> Ask:
    holder = other.pop("holder", f"worker {next(_numbers)}")
    now = other.pop("now", NOW)
    until = other.pop("until", now + dt.timedelta(seconds=65))
    return Ask(what, calls, holder, until, now, now.date())


def take(usage: Usage, limits: Limits, asked: Ask) -> Usage:
    found = taken(usage, limits, asked)
    assert isinstance(found, Usage), found
    return found


def lack(usage: Usage, limits: Limits, asked: Ask) -> str:
    found = taken(usage, limits, asked)
    assert isinstance(found, Refused), found
    return found.lack


# --- slots ------------------------------------------------------------------------


def test_one_more_than_the_slots_is_refused() -> None:
    two = Limits(at_once=2)
    usage = take(take(Usage(), two, ask()), two, ask())

    assert lack(usage, two, ask()) == "slots"


def test_who_holds_a_slot_keeps_it() -> None:
    one = Limits(at_once=1)
    usage = take(Usage(), one, ask(holder="a"))

    assert list(take(usage, one, ask(holder="a")).slots) == ["a"]


def test_a_slot_that_is_given_back_is_free() -> None:
    one = Limits(at_once=1)
    usage = settled(take(Usage(), one, ask(holder="a")), ask(holder="a"), used=1, since=SINCE)

    assert list(take(usage, one, ask(holder="b")).slots) == ["b"]


def test_a_dead_worker_slot_is_free_when_its_lease_is_over_by_any_clock() -> None:
    one = Limits(at_once=1)
    usage = take(Usage(), one, ask(holder="dead"))
    until = NOW + dt.timedelta(seconds=65)

    assert lack(usage, one, ask(now=until + SKEW / 2)) == "slots"
    assert take(usage, one, ask(holder="b", now=until + SKEW)).slots.keys() == {"b"}


# --- minutes ------------------------------------------------------------------------


def test_all_calls_of_an_operation_are_taken_or_none() -> None:
    ten = Limits(per_minute=10)
    usage = take(Usage(), ten, ask(7))

    assert lack(usage, ten, ask(4)) == "minute"
    assert take(usage, ten, ask(3)).in_minute == 10


def test_a_refusal_says_when_to_come_back() -> None:
    ten = Limits(per_minute=10)
    found = taken(take(Usage(), ten, ask(10)), ten, ask())

    assert isinstance(found, Refused)
    assert found.come_back == NOW.replace(second=0) + dt.timedelta(minutes=1)
    assert take(take(Usage(), ten, ask(10)), ten, ask(now=found.come_back)).in_minute == 1


def test_a_worker_with_a_slow_clock_counts_into_the_minute_that_others_began() -> None:
    ten = Limits(per_minute=10)
    fast = NOW.replace(second=0) + dt.timedelta(minutes=1)
    usage = take(Usage(), ten, ask(10, now=fast))

    assert lack(usage, ten, ask(now=fast - dt.timedelta(seconds=1))) == "minute"


def test_a_clock_that_was_far_ahead_stops_nobody_for_long() -> None:
    ten = Limits(per_minute=10)
    usage = take(Usage(), ten, ask(10, now=NOW + dt.timedelta(hours=3)))

    assert take(usage, ten, ask()).in_minute == 1


def test_what_was_not_needed_is_given_back_to_its_own_minute_only() -> None:
    ten = Limits(per_minute=10)
    usage = take(Usage(), ten, ask(9, holder="a"))
    later = NOW + dt.timedelta(minutes=1)

    same = settled(usage, ask(9, holder="a"), used=2, since=SINCE)
    assert same.in_minute == 2
    busy = take(usage, ten, ask(10, now=later))
    assert settled(busy, ask(9, holder="a", now=later), used=2, since=SINCE).in_minute == 10


def test_an_operation_that_is_larger_than_a_minute_gets_one_of_its_own() -> None:
    five = Limits(per_minute=5)

    assert take(Usage(), five, ask(11)).in_minute == 11
    assert lack(take(Usage(), five, ask(1)), five, ask(11)) == "minute"


# --- days and shares -------------------------------------------------------------------

SHARES = st.dictionaries(
    st.sampled_from(["orders", "customers", "catalogue", "polls"]),
    st.decimals(0, Decimal("0.25"), places=2),
)
ASKS = st.lists(
    st.tuples(
        st.sampled_from(["orders", "customers", "catalogue", "polls", "other"]), st.integers(1, 30)
    ),
    max_size=60,
)


@given(per_day=st.integers(30, 300), shares=SHARES, asks=ASKS)
def test_a_day_is_never_overdrawn_and_every_share_is_kept(
    per_day: int, shares: dict[str, Decimal], asks: list[tuple[str, int]]
) -> None:
    limits = Limits.model_validate({"per_day": per_day, "shares": shares})
    usage = Usage()
    for what, calls in asks:
        found = taken(usage, limits, ask(calls, what))
        usage = found if isinstance(found, Usage) else usage

    assert sum(usage.in_day.values()) <= per_day
    for what in shares:  # whoever has a share gets the rest of it, whatever others did
        while usage.in_day.get(what, 0) < reserve(limits, what):
            usage = take(usage, limits, ask(1, what))
    assert sum(usage.in_day.values()) <= per_day


@given(
    per_day=st.integers(30, 300),
    shares=SHARES,
    asks=ASKS,
    what=st.sampled_from(["orders", "polls"]),
)
def test_the_room_is_exactly_what_can_be_taken(
    per_day: int, shares: dict[str, Decimal], asks: list[tuple[str, int]], what: str
) -> None:
    limits = Limits.model_validate({"per_day": per_day, "shares": shares})
    usage = Usage()
    for other, calls in asks:
        found = taken(usage, limits, ask(calls, other))
        usage = found if isinstance(found, Usage) else usage

    left = room(usage, limits, what, NOW, TODAY)
    assert left is not None
    if left:
        take(usage, limits, ask(left, what))
    if left < per_day:
        assert lack(usage, limits, ask(left + 1, what)) == "day"


def test_polls_stop_while_orders_go_on() -> None:
    limits = Limits.model_validate({"per_day": 100, "shares": {"orders": "0.6"}})
    usage = take(Usage(), limits, ask(40, "polls"))

    assert lack(usage, limits, ask(1, "polls")) == "day"
    assert take(usage, limits, ask(60, "orders")).in_day == {"polls": 40, "orders": 60}


def test_orders_may_use_what_nobody_else_is_promised() -> None:
    limits = Limits.model_validate({"per_day": 100, "shares": {"orders": "0.5", "polls": "0.2"}})

    assert room(Usage(), limits, "orders", NOW, TODAY) == 80


def test_the_next_day_begins_anew() -> None:
    limits = Limits(per_day=10)
    usage = take(Usage(), limits, ask(10))

    assert lack(usage, limits, ask(1)) == "day"
    assert take(usage, limits, ask(1, now=NOW + dt.timedelta(days=1))).in_day == {"orders": 1}


def test_without_limits_there_is_room_without_end() -> None:
    assert room(Usage(), Limits(at_once=1), "orders", NOW, TODAY) is None


@pytest.mark.parametrize("minutes", [0, 1, 1500])
def test_it_is_kept_as_text(minutes: int) -> None:
    limits = Limits(at_once=3, per_minute=10, per_day=100)
    usage = take(Usage(), limits, ask(7, now=NOW + dt.timedelta(minutes=minutes)))

    assert Usage.from_json(usage.to_json()) == usage
