"""A guarded port is used like any other, and its calls are let through, counted and paced."""

import datetime as dt
from collections import Counter
from contextlib import AbstractContextManager
from typing import Protocol, cast, runtime_checkable

import pytest

from accord.errors import (
    AccordError,
    OutageError,
    RateLimitedError,
    StaleVersionError,
    UnauthorizedError,
    UnavailableError,
    UnmappedError,
    WaitingError,
)
from accord.model.change import Change, Ref
from accord.ports.limits import FAILURES, Board
from accord.ports.state import Journal
from accord.rules.limits import CALLS, Bears, Limits
from accord.state.memory import MemoryControl, MemoryJournal, MemorySteps
from accord.state.memory_limits import MemoryBreakers
from accord.sync.guard import Guard
from accord.sync.meter import DAY_LIMIT, Meter
from accord.sync.pause import Pauses
from accord.sync.steps import Promise, Writer
from accord.sync.turn import Invocation

NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


class Port:
    """A connection's port, as the flows know it. ``raises`` instead of answering."""

    name = "memory"

    def __init__(self, setup: "Setup") -> None:
        self.settle = dt.timedelta(seconds=30)
        self._setup = setup
        self.raises: BaseException | None = None
        self.requests = 1
        self.lets_in = False  # though it raises

    def get(self, id_: str, *, deep: bool = False) -> str:
        self._setup.sent["main"] += self.requests
        if self.raises is not None:
            raise self.raises
        return f"{id_} {deep}"

    def ping(self) -> None:
        if self.lets_in:
            return
        self.get("ping")

    def read(self, text: str) -> str:
        return text.upper()


@runtime_checkable
class CanGet(Protocol):
    def get(self, id_: str) -> str: ...


@runtime_checkable
class CanFly(Protocol):
    def fly(self) -> None: ...


class Setup:
    """A guard over a connection with ``limits``, and its port."""

    def __init__(self, **limits: object) -> None:
        self.now = NOW
        self.sent: Counter[str] = Counter()
        self.control = MemoryControl()
        self.journal: Journal = MemoryJournal()
        self.limits = Limits.model_validate(limits) if limits else None
        self.guard = Guard(
            board=Board(self.control, self.clock),
            breakers=MemoryBreakers(self.clock),
            meter=Meter(self.control, self.clock, pause=lambda _: None, random=lambda: 0.5),
            bears=lambda _: Bears((), self.limits),
            clock=self.clock,
            new_holder=lambda: "somebody",
            sent=lambda name: self.sent[name],
        )
        self.real = Port(self)
        self.port = self.guard.over(self.real, "main", free=("read",))

    def clock(self) -> dt.datetime:
        return self.now

    @property
    def pauses(self) -> Pauses:
        return Pauses(Board(self.control, self.clock), self.journal, self.clock)

    def used(self) -> tuple[int, int]:
        """Slots that are held, and calls that are counted this minute."""
        usage = self.guard.meter.usage("main")
        return len(usage.slots), usage.in_minute

    def operation(
        self, calls: int = 3, what: str = "orders", holder: str = "worker"
    ) -> AbstractContextManager[None]:
        until = self.now + MINUTE
        return self.guard.operation(what, calls=calls, holder=holder, until=until)


# --- like any other port ----------------------------------------------------------------


def test_it_answers_as_the_port_does() -> None:
    assert Setup().port.get("7", deep=True) == "7 True"


def test_what_is_no_call_is_passed_on() -> None:
    port = Setup().port

    assert (port.name, port.settle) == ("memory", dt.timedelta(seconds=30))


def test_it_can_do_what_the_port_can_do_and_nothing_else() -> None:
    port = Setup().port

    assert isinstance(port, CanGet)
    assert not isinstance(port, CanFly)


def test_what_asks_nobody_is_free_though_paused() -> None:
    setup = Setup()
    setup.pauses.begin("main", by="maria")

    assert setup.port.read("order") == "ORDER"


# --- left alone -----------------------------------------------------------------------------


def test_a_paused_connection_is_not_called() -> None:
    setup = Setup()
    setup.pauses.begin("main", by="maria")

    with pytest.raises(WaitingError) as waits:
        setup.port.get("7")
    assert (waits.value.connection, waits.value.cause) == ("main", "paused")
    assert setup.sent["main"] == 0


def test_a_pause_does_not_break_off_what_has_begun() -> None:
    setup = Setup()
    with setup.operation():
        setup.port.get("7")
        setup.pauses.begin("main", by="maria")
        setup.now += dt.timedelta(seconds=10)
        assert setup.port.get("8") == "8 False"
    with pytest.raises(WaitingError), setup.operation():
        setup.port.get("9")


def test_a_resumed_connection_is_called_at_once() -> None:
    setup = Setup()
    setup.pauses.begin("main", by="maria")
    with pytest.raises(WaitingError):
        setup.port.get("7")
    setup.pauses.end("main", by="maria")

    assert setup.port.get("7") == "7 False"


def test_after_429_nobody_asks_before_the_time_it_named() -> None:
    setup = Setup()
    setup.real.raises = RateLimitedError("429", retry_after=20, connection="main")
    with pytest.raises(RateLimitedError):
        setup.port.get("7")
    setup.now += dt.timedelta(seconds=5)

    with pytest.raises(RateLimitedError) as early:
        setup.port.get("8")
    assert early.value.retry_after == 15
    assert setup.sent["main"] == 1
    setup.real.raises = None
    setup.now += dt.timedelta(seconds=15)
    assert setup.port.get("8") == "8 False"


def test_a_store_that_names_tomorrow_is_asked_again_within_a_quarter_of_an_hour() -> None:
    setup = Setup()
    setup.real.raises = RateLimitedError("429", retry_after=86_400, connection="main")
    with pytest.raises(RateLimitedError):
        setup.port.get("7")
    setup.real.raises = None
    setup.now += dt.timedelta(minutes=15)

    assert setup.port.get("7") == "7 False"


def test_an_open_breaker_stands_before_the_call() -> None:
    setup = Setup()
    setup.real.raises = UnavailableError("away", connection="main")
    for _ in range(FAILURES["outage"]):
        with pytest.raises(UnavailableError):
            setup.port.get("7")

    with pytest.raises(OutageError):
        setup.port.get("7")
    assert setup.sent["main"] == FAILURES["outage"]


@pytest.mark.parametrize("lets_in", [True, False])
def test_what_our_login_may_not_do_stops_nothing_else(lets_in: bool) -> None:
    setup = Setup()
    setup.real.raises = UnauthorizedError("403 to GET /webhooks", connection="main")
    setup.real.lets_in = lets_in
    for _ in range(FAILURES["unauthorized"]):
        with pytest.raises(UnauthorizedError, match="webhooks"):
            setup.port.get("webhooks")

    assert (setup.guard.breakers.opened("main") is None) is lets_in


@pytest.mark.parametrize(
    ("said", "lets_in"),
    [
        (UnmappedError("no warehouse NROTH", connection="main"), True),
        (UnavailableError("away", connection="main"), False),
    ],
)
def test_who_misses_what_we_named_has_let_us_in(said: AccordError, lets_in: bool) -> None:
    setup = Setup()
    setup.real.raises = UnauthorizedError("403 to GET /journals", connection="main")

    def ping() -> None:
        raise said

    setup.real.ping = ping  # type: ignore[method-assign]
    with pytest.raises(UnauthorizedError) as raised:
        setup.port.get("7")

    assert raised.value.is_narrow is lets_in


def test_a_wrong_password_is_no_narrow_matter_when_it_is_asked_about() -> None:
    setup = Setup()
    setup.real.raises = UnauthorizedError("401", connection="main")
    with pytest.raises(UnauthorizedError) as raised:
        setup.port.ping()

    assert not raised.value.is_narrow
    assert setup.sent["main"] == 1


def test_a_login_that_was_turned_down_is_not_tried_once_more_to_be_sure() -> None:
    setup = Setup()
    setup.real.raises = refusal = UnauthorizedError("wrong password", connection="main")
    refusal.is_login = True
    setup.real.lets_in = True  # as it would be asked
    for _ in range(3):
        with pytest.raises(UnauthorizedError):
            setup.port.get("7")

    assert setup.sent["main"] == 1


def test_who_resumes_a_connection_ends_the_rest_that_it_asked_for() -> None:
    setup = Setup()
    setup.real.raises = RateLimitedError("429", retry_after=600, connection="main")
    with pytest.raises(RateLimitedError):
        setup.port.get("7")
    setup.real.raises = None
    setup.pauses.end("main", by="maria")
    setup.now += dt.timedelta(seconds=6)  # all workers know by then

    assert setup.port.get("7") == "7 False"


def test_who_gives_up_sooner_has_a_breaker_of_its_own() -> None:
    setup = Setup()
    hasty = setup.guard.over(setup.real, "main", breaker="main within 0.2 s")
    setup.real.raises = UnavailableError("late", connection="main")
    for _ in range(FAILURES["outage"] + 1):
        with pytest.raises((UnavailableError, OutageError)):
            hasty.get("7")
    setup.real.raises = None

    with pytest.raises(OutageError):
        hasty.get("7")
    assert setup.port.get("7") == "7 False"
    setup.pauses.begin("main", by="maria")
    setup.now += dt.timedelta(minutes=1)
    with pytest.raises(WaitingError):
        hasty.get("7")


# --- counted ----------------------------------------------------------------------------------


def test_an_operation_takes_all_its_calls_at_once_and_gives_back_the_rest() -> None:
    setup = Setup(per_minute=10, at_once=2)
    with setup.operation(calls=7):
        setup.port.get("7")
        assert setup.used() == (1, 7)
        setup.port.get("8")

    assert setup.used() == (0, 2)


def test_more_than_was_expected_is_taken_as_it_comes() -> None:
    setup = Setup(per_minute=10)
    with setup.operation(calls=1):
        for _ in range(3):
            setup.port.get("7")

    assert setup.used() == (0, 3)


def test_what_cannot_begin_is_not_called() -> None:
    setup = Setup(per_minute=5)
    with setup.operation(calls=4):
        setup.port.get("1")
        setup.port.get("2")
        setup.port.get("3")
        setup.port.get("4")
    with pytest.raises(RateLimitedError), setup.operation(calls=4):
        setup.port.get("5")

    assert setup.sent["main"] == 4


def test_requests_are_counted_where_one_call_is_several() -> None:
    setup = Setup(per_minute=10)
    setup.real.requests = 4
    with setup.operation(calls=2):
        setup.port.get("7")

    assert setup.used() == (0, 4)


def test_a_failure_gives_the_slot_back() -> None:
    setup = Setup(at_once=1)
    setup.real.raises = UnavailableError("away", connection="main")
    with pytest.raises(UnavailableError), setup.operation():
        setup.port.get("7")

    assert setup.used()[0] == 0


def test_a_worker_that_dies_leaves_its_slot_until_its_time_is_over() -> None:
    setup = Setup(at_once=1)
    setup.real.raises = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt), setup.operation(holder="dead"):
        setup.port.get("7")
    setup.real.raises = None

    with pytest.raises(RateLimitedError, match="slots"), setup.operation(holder="next"):
        setup.port.get("7")
    setup.now += MINUTE + dt.timedelta(seconds=3)
    with setup.operation(holder="next"):
        assert setup.port.get("7") == "7 False"


def test_a_call_of_no_operation_is_one_by_itself() -> None:
    setup = Setup(per_minute=10, at_once=1)
    setup.port.get("7")
    setup.port.get("8")

    assert setup.used() == (0, 2)


def test_to_ask_whether_it_is_back_needs_no_slot() -> None:
    setup = Setup(at_once=1)
    with setup.operation(holder="busy"):
        setup.port.get("7")
        setup.port.ping()

    assert setup.used() == (0, 1)


def test_a_day_that_is_used_up_waits() -> None:
    setup = Setup(per_day=2, shares={})
    setup.port.get("7")
    setup.port.get("8")

    with pytest.raises(WaitingError) as waits:
        setup.port.get("9")
    assert waits.value.cause == DAY_LIMIT


def test_a_turn_is_as_dear_as_its_event() -> None:
    setup = Setup(per_minute=50)
    change = Change(Ref("uk", "order", "1"), "refund_issued", NOW, "c")
    with setup.guard.turn(change, Invocation("run", NOW + MINUTE)):
        setup.port.get("7")
        taken = setup.used()[1]

    assert taken == CALLS["refund_issued"][1]


def test_a_connection_without_limits_is_looked_at_and_not_counted() -> None:
    class Counted(MemoryControl):
        calls = 0

        def get(self, name: str) -> tuple[str, int] | None:
            self.calls += 1
            return super().get(name)

        def put(self, name: str, value: str, *, version: int | None) -> int:
            raise AssertionError(f"{name} is written")

    setup = Setup()
    control = Counted()
    setup.guard.board._control = control
    for _ in range(20):
        with setup.operation():
            setup.port.get("7")

    assert control.calls == 1


# --- how much goes back ---------------------------------------------------------------------------


def fits(setup: Setup, event: str = "order_updated") -> int:
    """So many changes."""
    room = setup.guard.room("main")
    assert room is not None
    count = 0
    while room.take(event):
        count += 1
    return count


def test_the_room_is_counted_in_calls() -> None:
    setup = Setup(per_minute=30)

    assert fits(setup) == 30 // CALLS["order_updated"][1]
    assert fits(setup, "refund_issued") == 30 // CALLS["refund_issued"][1]
    with setup.operation(calls=30):
        setup.port.get("7")
        assert fits(setup) == 0


def test_the_room_is_each_ones_share() -> None:
    setup = Setup(per_day=100, shares={"orders": "0.6"})
    with setup.operation(calls=40, what="catalogue"):
        setup.port.get("7")

        assert fits(setup, "customer_changed") == 0
        assert fits(setup) == 60 // CALLS["order_updated"][1]


def test_of_a_limit_that_is_smaller_than_a_change_one_takes_all() -> None:
    assert fits(Setup(per_minute=2)) == 1


def test_without_limits_there_is_all_the_room() -> None:
    assert Setup().guard.room("main") is None


def test_there_is_no_room_while_it_rests() -> None:
    setup = Setup()
    setup.real.raises = RateLimitedError("429", retry_after=20, connection="main")
    with pytest.raises(RateLimitedError):
        setup.port.get("7")

    assert fits(setup) == 0


def test_counters_that_cannot_be_settled_break_nothing_off() -> None:
    setup = Setup(at_once=1)

    def contested(*_: object, **__: object) -> int:
        raise StaleVersionError("another's")

    with setup.operation():
        setup.port.get("7")
        cast("object", setup.control).__dict__["put"] = contested
    assert setup.used()[0] == 1  # until its lease is over


def test_what_was_not_called_leaves_no_doubt() -> None:
    setup = Setup(at_once=1)
    steps = MemorySteps()
    writer = Writer(steps, setup.clock, recovering=lambda: False)
    promise = Promise("possible", dt.timedelta(seconds=30))
    with setup.operation(holder="busy"):
        setup.port.get("7")
        with setup.operation(holder="next"), pytest.raises(RateLimitedError):
            writer.once(
                "uk-1:order:1",
                promise,
                find=lambda _: None,
                do=lambda _: {"ref": setup.port.get("8")},
                find_unasked=False,
            )

    assert steps.begin("uk-1:order:1", now=NOW, intent={}).fresh
