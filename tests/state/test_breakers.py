"""A connection that fails again and again is left alone, by all workers, until it answers."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from accord.errors import (
    AccordError,
    OutageError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.ports.limits import FAILURES, FORGOTTEN, RECOVERY, Board, Breakers, Opened
from accord.ports.state import Control
from accord.state.breakers import BoardBreakers
from accord.state.control import DynamoControl
from accord.state.memory import MemoryControl, MemoryJournal
from accord.state.memory_limits import MemoryBreakers
from accord.sync.pause import Pauses

NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
_POWERTOOLS = "aws_lambda_powertools.utilities.circuit_breaker"
_names = (f"connection{n}" for n in itertools.count())  # counts of failures are the process's


class Line:
    """A connection that can be ``down``, behind its breaker; ``calls`` were made of it."""

    def __init__(self, breakers: Breakers, clock: "Clock") -> None:
        self.name = next(_names)
        self.breakers = breakers
        self.clock = clock
        self.down: AccordError | None = None
        self.calls = 0

    def call(self) -> str:
        def work() -> str:
            self.calls += 1
            if self.down is not None:
                raise self.down
            return "answer"

        return self.breakers.call(self.name, work)

    def fails(self, error: AccordError, times: int = 1) -> None:
        self.down = error
        for _ in range(times):
            with pytest.raises(type(error)):
                self.call()
        self.down = None


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_(self, span: dt.timedelta) -> None:
        self.now += span


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """A clock that Powertools looks at too."""
    made = Clock()
    fake = SimpleNamespace(datetime=SimpleNamespace(now=lambda *_: made.now), UTC=dt.UTC)
    for module in (f"{_POWERTOOLS}.base", f"{_POWERTOOLS}.persistence.base"):
        monkeypatch.setattr(f"{module}.dt", fake)
    real = dt.datetime.fromtimestamp
    both = SimpleNamespace(now=lambda *_: made.now, fromtimestamp=real)
    monkeypatch.setattr("accord.state.breakers.dt", SimpleNamespace(datetime=both, UTC=dt.UTC))
    return made


@pytest.fixture(params=["memory", "board in memory", "board in dynamodb"])
def line(request: pytest.FixtureRequest, clock: Clock) -> Line:
    if request.param == "memory":
        return Line(MemoryBreakers(clock), clock)
    control: Control = MemoryControl()
    if "dynamodb" in request.param:
        table = request.getfixturevalue("table")()
        control = DynamoControl(request.getfixturevalue("dynamodb"), table)
    return Line(BoardBreakers(Board(control, clock)), clock)


def away() -> UnavailableError:
    return UnavailableError("no answer", connection="main")


def refused() -> UnauthorizedError:
    return UnauthorizedError("wrong password", connection="main")


def test_a_call_goes_through_and_says_what_it_says(line: Line) -> None:
    assert line.call() == "answer"
    assert line.breakers.opened(line.name) is None


def test_after_so_many_failures_nothing_is_called_any_more(line: Line) -> None:
    line.fails(away(), FAILURES["outage"])

    with pytest.raises(OutageError):
        line.call()
    assert line.calls == FAILURES["outage"]
    assert line.breakers.opened(line.name) == Opened("outage", NOW)


def test_fewer_failures_change_nothing(line: Line) -> None:
    line.fails(away(), FAILURES["outage"] - 1)

    assert line.call() == "answer"


def test_a_success_ends_a_row_of_failures(line: Line) -> None:
    for _ in range(3):
        line.fails(away(), FAILURES["outage"] - 1)
        line.call()

    assert line.breakers.opened(line.name) is None


def test_a_refusal_is_an_answer(line: Line) -> None:
    for _ in range(3):
        line.fails(away(), FAILURES["outage"] - 1)
        line.fails(RejectedError("no such item"))

    assert line.call() == "answer"


def test_wrong_credentials_open_a_breaker_of_their_own(line: Line) -> None:
    line.fails(refused(), FAILURES["unauthorized"])

    with pytest.raises(UnauthorizedError):
        line.call()
    assert line.calls == FAILURES["unauthorized"]
    assert line.breakers.opened(line.name) == Opened("unauthorized", NOW)


def test_one_thing_that_is_not_allowed_says_that_the_credentials_are_right(line: Line) -> None:
    narrow = refused()
    narrow.is_narrow = True
    line.fails(narrow, 3)

    assert line.call() == "answer"


def test_failures_that_are_far_apart_are_no_row(line: Line) -> None:
    for _ in range(2 * FAILURES["outage"]):
        line.fails(away())
        line.clock.pass_(FORGOTTEN + dt.timedelta(seconds=1))
    assert line.breakers.opened(line.name) is None

    for _ in range(FAILURES["outage"]):
        line.fails(away())
        line.clock.pass_(FORGOTTEN / 2)
    assert line.breakers.opened(line.name) is not None


def test_what_was_forgotten_opens_nothing_that_others_closed_nor_closes_what_is_open(
    line: Line,
) -> None:
    line.fails(away(), FAILURES["outage"])
    line.clock.pass_(2 * FORGOTTEN)
    line.fails(away())  # the one call that decides

    with pytest.raises(OutageError):
        line.call()


def test_a_password_that_is_refused_once_is_not_tried_again_for_minutes(line: Line) -> None:
    line.fails(refused())
    for _ in range(4):
        line.clock.pass_(dt.timedelta(minutes=1))
        with pytest.raises(UnauthorizedError, match="asked now and then only"):
            line.call()
    assert line.calls == 1

    line.clock.pass_(dt.timedelta(minutes=1))
    assert line.call() == "answer"


def test_no_answer_says_nothing_about_credentials(line: Line) -> None:
    line.fails(refused())
    line.clock.pass_(RECOVERY["unauthorized"])
    line.fails(away())  # the one call that decides, and does not

    opened = line.breakers.opened(line.name)
    assert opened is not None
    assert opened.trouble == "unauthorized"


def test_one_call_that_succeeds_after_a_while_closes_it(line: Line) -> None:
    line.fails(away(), FAILURES["outage"])
    line.clock.pass_(RECOVERY["outage"])

    assert line.call() == "answer"
    assert line.breakers.opened(line.name) is None
    assert line.call() == "answer"


def test_one_call_that_fails_leaves_it_open_for_as_long_again(line: Line) -> None:
    line.fails(away(), FAILURES["outage"])
    line.clock.pass_(RECOVERY["outage"])
    line.fails(away())

    line.clock.pass_(RECOVERY["outage"] - dt.timedelta(seconds=1))
    with pytest.raises(OutageError):
        line.call()
    line.clock.pass_(dt.timedelta(seconds=1))
    assert line.call() == "answer"


def test_a_probe_that_never_ended_holds_it_for_a_while_only(line: Line) -> None:
    line.fails(away(), FAILURES["outage"])
    line.clock.pass_(RECOVERY["outage"])

    def dies() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        line.breakers.call(line.name, dies)
    line.clock.pass_(RECOVERY["outage"])
    assert line.call() == "answer"


def test_connections_do_not_mind_each_other(line: Line) -> None:
    line.fails(away(), FAILURES["outage"])
    other = Line(line.breakers, line.clock)

    assert other.call() == "answer"


# --- shared by all workers: the board's --------------------------------------------


@pytest.fixture
def workers(either: Callable[..., Control], clock: Clock) -> Callable[[], BoardBreakers]:
    control = either(MemoryControl, DynamoControl)
    return lambda: BoardBreakers(Board(control, clock))


def test_what_one_worker_opened_is_open_for_another(
    workers: Callable[[], BoardBreakers], clock: Clock
) -> None:
    one = Line(workers(), clock)
    one.fails(away(), FAILURES["outage"])
    other = workers()

    with pytest.raises(OutageError):
        other.call(one.name, lambda: "answer")


def test_a_worker_that_looked_before_learns_of_it_within_seconds(
    workers: Callable[[], BoardBreakers], clock: Clock
) -> None:
    one, other = Line(workers(), clock), workers()
    other.call(one.name, lambda: "answer")
    one.fails(away(), FAILURES["outage"])
    clock.pass_(dt.timedelta(seconds=5))

    with pytest.raises(OutageError):
        other.call(one.name, lambda: "answer")


def test_what_was_closed_turns_nobody_away(
    workers: Callable[[], BoardBreakers], clock: Clock
) -> None:
    one, other = Line(workers(), clock), workers()
    one.fails(away(), FAILURES["outage"])
    with pytest.raises(OutageError):
        other.call(one.name, lambda: "answer")
    clock.pass_(RECOVERY["outage"])
    one.call()

    assert other.call(one.name, lambda: "answer") == "answer"


def test_only_one_worker_probes(workers: Callable[[], BoardBreakers], clock: Clock) -> None:
    one, other = Line(workers(), clock), workers()
    one.fails(away(), FAILURES["outage"])
    clock.pass_(RECOVERY["outage"])
    met: list[str] = []

    def probe() -> str:
        import threading

        def meanwhile() -> None:  # another thread is another worker to Powertools
            try:
                other.call(one.name, lambda: "answer")
            except OutageError:
                met.append("turned away")

        thread = threading.Thread(target=meanwhile)
        thread.start()
        thread.join()
        return "answer"

    assert one.breakers.call(one.name, probe) == "answer"
    assert met == ["turned away"]


def test_who_resumes_a_connection_has_its_credentials_tried_again(
    either: Callable[..., Control], clock: Clock
) -> None:
    board = Board(either(MemoryControl, DynamoControl), clock)
    line = Line(BoardBreakers(board), clock)
    line.fails(refused())
    with pytest.raises(UnauthorizedError):
        line.call()
    Pauses(board, MemoryJournal(), clock).end(line.name, by="ada")

    assert line.call() == "answer"


class Broken(MemoryControl):
    """A control table that does not answer."""

    def get(self, name: str) -> tuple[str, int] | None:
        raise UnavailableError(f"{name}: no table")


@pytest.mark.filterwarnings("ignore")
def test_a_breaker_that_cannot_be_read_lets_calls_through(clock: Clock) -> None:
    line = Line(BoardBreakers(Board(Broken(), clock)), clock)

    assert line.call() == "answer"
    line.fails(away(), FAILURES["outage"] + 1)
    assert line.call() == "answer"
