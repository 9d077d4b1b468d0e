"""Limits over all workers: counted once, never exceeded, given back by the dead."""

import datetime as dt
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from accord.errors import RateLimitedError, UnavailableError, WaitingError
from accord.ports.state import Control
from accord.rules.limits import Bears, Limits
from accord.rules.usage import SKEW, Ask
from accord.state.control import DynamoControl
from accord.state.memory import MemoryControl
from accord.sync.meter import DAY_LIMIT, Meter, today

NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
LEASE = dt.timedelta(seconds=65)


class Clock:
    """``skew`` is how far it is fast."""

    def __init__(self, skew: dt.timedelta = dt.timedelta(0)) -> None:
        self.now = NOW + skew

    def __call__(self) -> dt.datetime:
        return self.now


def meter(control: Control, clock: Callable[[], dt.datetime] | None = None) -> Meter:
    clock = clock or Clock()
    return Meter(control, clock, pause=time.sleep, random=random.random)


def bears(**limits: object) -> Bears:
    return Bears((), Limits.model_validate(limits), "Europe/London")


def ask(holder: str, calls: int = 1, what: str = "orders", now: dt.datetime = NOW) -> Ask:
    return Ask(what, calls, holder, now + LEASE, now, now.date())


@pytest.fixture
def control(either: Callable[..., Control]) -> Control:
    return either(MemoryControl, DynamoControl)


def test_workers_share_the_slots(control: Control) -> None:
    two = bears(at_once=2)
    for holder in ("a", "b"):
        meter(control).take("main", two, ask(holder))

    with pytest.raises(RateLimitedError, match="slots") as refused:
        meter(control).take("main", two, ask("c"))
    assert refused.value.connection == "main"


def test_a_slot_given_back_is_the_next_ones(control: Control) -> None:
    one = bears(at_once=1)
    first, second = meter(control), meter(control)
    first.take("main", one, ask("a"))
    with pytest.raises(RateLimitedError, match="slots"):
        second.take("main", one, ask("b"))
    first.settle("main", ask("a"), used=1, since=(NOW, NOW.date()))

    second.take("main", one, ask("b"))
    assert second.usage("main").slots.keys() == {"b"}


def test_a_worker_that_refused_once_sees_what_was_given_back(control: Control) -> None:
    one = bears(at_once=1)
    first, second = meter(control), meter(control)
    second.take("main", one, ask("b"))
    second.settle("main", ask("b"), used=1, since=(NOW, NOW.date()))
    first.take("main", one, ask("a"))
    first.settle("main", ask("a"), used=1, since=(NOW, NOW.date()))

    second.take("main", one, ask("b"))


def test_the_slot_of_a_worker_that_died_is_free_when_its_lease_is_over(control: Control) -> None:
    one, clock = bears(at_once=1), Clock()
    meter(control).take("main", one, ask("dead"))
    clock.now = NOW + LEASE + SKEW

    meter(control, clock).take("main", one, ask("b", now=clock.now))


@pytest.mark.parametrize("skew", [-2.0, -0.5, 0.5, 2.0])
def test_clocks_that_differ_a_little_share_slots_and_minutes(control: Control, skew: float) -> None:
    both = bears(at_once=2, per_minute=10)
    now = NOW + dt.timedelta(seconds=1)
    other = now + dt.timedelta(seconds=skew)
    meter(control, Clock()).take("main", both, ask("a", 6, now=now))
    with pytest.raises(RateLimitedError):
        meter(control).take("main", both, ask("b", 6, now=other))
    # The lease of a worker whose clock is slow is not over too early by another's.
    end = now + LEASE
    meter(control).take("main", both, ask("b", 1, now=now))
    with pytest.raises(RateLimitedError, match="slots"):
        meter(control).take("main", both, ask("c", 1, now=end + dt.timedelta(seconds=skew / 2)))


def test_a_minute_that_is_used_up_says_when_to_come_back(control: Control) -> None:
    ten = bears(per_minute=10)
    now = NOW + dt.timedelta(seconds=20)
    meter(control).take("main", ten, ask("a", 7, now=now))

    with pytest.raises(RateLimitedError) as refused:
        meter(control).take("main", ten, ask("b", 7, now=now))
    assert refused.value.retry_after == 40


def test_a_day_that_is_used_up_parks(control: Control) -> None:
    ten = bears(per_day=10)
    meter(control).take("main", ten, ask("a", 7))

    with pytest.raises(WaitingError) as refused:
        meter(control).take("main", ten, ask("b", 7))
    assert (refused.value.connection, refused.value.cause) == ("main", DAY_LIMIT)
    assert "per_day" in str(refused.value)


def test_a_day_is_the_connections_own() -> None:
    night = dt.datetime(2026, 7, 5, 23, 30, tzinfo=dt.UTC)

    assert today(bears(per_day=10), night) == dt.date(2026, 7, 6)


def test_the_same_worker_again_writes_and_does_not_read() -> None:
    counted = Counted()
    one = meter(counted)
    for n in range(5):
        one.take("main", bears(at_once=3), ask("a"))
        one.settle("main", ask("a"), used=1, since=(NOW, NOW.date()))
        assert (counted.reads, counted.writes) == (1, 2 * (n + 1))


def test_fifty_workers_at_once_never_exceed_anything(control: Control) -> None:
    limits = bears(at_once=4, per_minute=120, per_day=150)
    lock, inside, most, done = threading.Lock(), 0, 0, 0

    def work(n: int) -> None:
        nonlocal inside, most, done
        mine, holder = meter(control), f"worker {n}"
        for _ in range(100):
            try:
                mine.take("main", limits, ask(holder, 2))
            except RateLimitedError:
                time.sleep(random.random() / 50)
                continue
            with lock:
                inside += 1
                most = max(most, inside)
                done += 1
            time.sleep(0.002)
            with lock:
                inside -= 1
            mine.settle("main", ask(holder, 2), used=2, since=(NOW, NOW.date()))
            return

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(work, range(50)))

    usage = meter(control).usage("main")
    assert 1 <= most <= 4
    assert usage.in_minute == usage.in_day["orders"] == 2 * done <= 120
    assert done >= 25


class Counted(MemoryControl):
    """How often it is read and written."""

    reads = writes = 0

    def get(self, name: str) -> tuple[str, int] | None:
        self.reads += 1
        return super().get(name)

    def put(self, name: str, value: str, *, version: int | None) -> int:
        self.writes += 1
        return super().put(name, value, version=version)


class Away(MemoryControl):
    def get(self, name: str) -> tuple[str, int] | None:
        raise UnavailableError(f"{name}: no table")


def test_without_its_counters_nothing_is_taken() -> None:
    with pytest.raises(UnavailableError):
        meter(Away()).take("main", bears(at_once=1), ask("a"))
