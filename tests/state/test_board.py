"""What all workers look at: read seldom, changed safely."""

import datetime as dt
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from accord.errors import StaleVersionError
from accord.ports.limits import Board
from accord.ports.state import Control
from accord.state.control import DynamoControl
from accord.state.memory import MemoryControl

NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)
KEPT = dt.timedelta(seconds=5)


class Counted(Control):
    """``control``, with its reads and writes counted."""

    def __init__(self, control: Control) -> None:
        self.control = control
        self.reads = self.writes = 0

    def get(self, name: str) -> tuple[str, int] | None:
        self.reads += 1
        return self.control.get(name)

    def put(self, name: str, value: str, *, version: int | None) -> int:
        self.writes += 1
        return self.control.put(name, value, version=version)


@pytest.fixture
def control(either: Callable[..., Control]) -> Counted:
    return Counted(either(MemoryControl, DynamoControl))


class Clock:
    now = NOW

    def __call__(self) -> dt.datetime:
        return self.now


def test_what_one_wrote_another_reads(control: Counted) -> None:
    Board(control, Clock()).put("paused", "main", lambda _: {"by": "ops"})

    assert Board(control, Clock()).table("paused") == {"main": {"by": "ops"}}


def test_looking_again_within_seconds_costs_nothing(control: Counted) -> None:
    board, clock = Board(control, Clock()), Clock()
    board = Board(control, clock)
    for _ in range(10):
        board.table("paused")
        board.table("circuits")
    assert control.reads == 1

    clock.now = NOW + KEPT
    board.table("paused")
    assert control.reads == 2


def test_a_fresh_look_is_one(control: Counted) -> None:
    board = Board(control, Clock())
    board.table("paused")
    Board(control, Clock()).put("paused", "main", lambda _: "yes")

    assert board.table("paused") == {}
    assert board.table("paused", fresh=True) == {"main": "yes"}


def test_what_becomes_nothing_is_gone_and_the_rest_stays(control: Counted) -> None:
    board = Board(control, Clock())
    board.put("paused", "main", lambda _: "yes")
    board.put("paused", "uk", lambda _: "yes")
    board.put("paused", "main", lambda _: None)

    assert Board(control, Clock()).table("paused") == {"uk": "yes"}


def test_what_does_not_change_is_not_written(control: Counted) -> None:
    board = Board(control, Clock())
    board.put("paused", "main", lambda _: "yes")
    board.put("paused", "main", lambda held: held)
    board.put("rests", "main", lambda _: None)

    assert control.writes == 1


def test_nothing_is_lost_when_many_write_at_once(control: Counted) -> None:
    def add(n: int) -> None:
        board = Board(control, Clock())
        while True:
            try:
                board.put("paused", f"connection{n}", lambda _: n)
                board.put("counts", "all", lambda held: (held or 0) + 1)
            except StaleVersionError:
                continue
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(8)))

    board = Board(control, Clock())
    assert board.table("paused") == {f"connection{n}": n for n in range(8)}
    assert board.table("counts")["all"] == 8


class Contested(Control):
    """Somebody else always writes in between."""

    def get(self, name: str) -> tuple[str, int] | None:
        return None

    def put(self, name: str, value: str, *, version: int | None) -> int:
        raise StaleVersionError(f"{name} is another's")


def test_who_never_gets_a_turn_is_told_so() -> None:
    with pytest.raises(StaleVersionError):
        Board(Contested(), Clock()).put("paused", "main", _yes)


def _yes(_: Any | None) -> str:
    return "yes"
