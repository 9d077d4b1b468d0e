"""What the clock's looks meet: one item for one trouble, from the first look until all go well."""

import datetime as dt
from collections.abc import Sequence

import pytest

from accord.errors import (
    AccordError,
    PermanentError,
    RejectedError,
    TransientError,
    UnauthorizedError,
    UnavailableError,
    UnmappedError,
    UnsupportedError,
)
from accord.ports.limits import Board
from accord.ports.state import Item
from accord.state.memory import MemoryAttention, MemoryControl
from accord.sync.looks import MET, Looks
from accord.sync.worker import item_id

REFUSED = UnauthorizedError("main refuses the password", connection="main")
AHEAD = PermanentError("main tells of tomorrow", reason="cursor_ahead", owner="ops")


class Room:
    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
        self.opened: list[Item] = []
        self.attention = MemoryAttention(heard=self.opened.append)
        self.board = Board(MemoryControl(), lambda: self.now)
        self.looks = Looks(board=self.board, attention=self.attention, clock=lambda: self.now)

    def failed(self, error: AccordError, *tasks: str) -> None:
        for task in tasks:
            self.now += dt.timedelta(minutes=1)
            self.looks.failed("main", task, error)

    def went_well(self, *tasks: str) -> None:
        for task in tasks:
            self.now += dt.timedelta(minutes=1)
            self.looks.went_well("main", task)

    @property
    def open(self) -> Sequence[str]:
        return [f"{item.subject} {item.reason}" for item in self.attention.open()]


@pytest.fixture
def room() -> Room:
    return Room()


def narrow(error: UnauthorizedError) -> UnauthorizedError:
    error.is_narrow = True
    return error


def test_a_refused_login_is_the_item_that_changes_wait_under(room: Room) -> None:
    room.failed(REFUSED, "party", "invoice", "party", "party")

    (item,) = room.attention.open()
    assert item.id == item_id("waiting:main:unauthorized", "waiting")
    assert (item.reason, item.owner, item.count) == ("unauthorized", "ops", 0)
    assert room.opened == [item]


def test_who_is_let_in_is_let_in_whatever_it_is_for(room: Room) -> None:
    room.failed(REFUSED, "party", "invoice")

    room.went_well("invoice")

    assert room.open == []
    assert room.board.table(MET) == {}


def test_an_item_that_changes_wait_under_is_left_as_it_is(room: Room) -> None:
    waits = Item(
        id=item_id("waiting:main:unauthorized", "waiting"),
        subject="waiting:main:unauthorized",
        reason="unauthorized",
        owner="ops",
        message="main refuses the password of anna",
        opened_at=room.now,
        updated_at=room.now,
        count=3,
    )
    room.attention.put(waits)

    room.failed(REFUSED, "party")
    assert room.attention.open() == [waits]
    assert room.looks.met() == {waits.id}

    room.went_well("party")
    assert room.attention.open() == [waits]  # `wake` closes it, once nothing waits for it
    assert room.looks.met() == set()


def test_of_one_clock_there_is_one_item_until_the_last_look_sees_it_right(room: Room) -> None:
    room.failed(AHEAD, "invoice", "shipment", "invoice")
    assert room.open == ["clock:main cursor_ahead"]

    room.went_well("invoice")
    assert room.open == ["clock:main cursor_ahead"]
    room.went_well("shipment")
    assert room.open == []
    assert len(room.opened) == 1


@pytest.mark.parametrize(
    ("error", "reason", "owner"),
    [
        (RejectedError("the list is not there"), "rejected", "ops"),
        (narrow(UnauthorizedError("no right", connection="main")), "forbidden", "ops"),
        (UnmappedError("no place", connection="main", causes=("place:X",)), "unmapped", "finance"),
    ],
)
def test_what_one_look_alone_meets_is_an_item_of_that_look(
    room: Room, error: AccordError, reason: str, owner: str
) -> None:
    room.failed(error, "invoice", "party")
    assert room.open == [f"look:main {reason}"] * 2
    assert {item.owner for item in room.attention.open()} == {owner}

    room.went_well("invoice", "stock")
    assert room.open == [f"look:main {reason}"]
    room.went_well("party")
    assert room.open == []


def test_a_look_that_meets_something_else_asks_for_that_instead(room: Room) -> None:
    room.failed(AHEAD, "invoice")
    room.failed(REFUSED, "invoice")

    assert room.open == ["waiting:main:unauthorized unauthorized"]


def test_what_a_person_dismissed_stays_closed_while_it_lasts_and_opens_when_it_comes_again(
    room: Room,
) -> None:
    room.failed(AHEAD, "invoice")
    (item,) = room.attention.open()
    room.attention.dismiss(item.id, now=room.now, by="maria", why="it is set right at noon")

    room.failed(AHEAD, "invoice", "shipment", "invoice")
    assert room.open == []

    room.went_well("invoice", "shipment")
    room.failed(AHEAD, "invoice")
    assert room.open == ["clock:main cursor_ahead"]


@pytest.mark.parametrize(
    "error",
    [
        UnsupportedError("accord.toml has no store named 'gone'"),
        TransientError("no such table", reason="aws_refused"),
        UnavailableError("off", connection="main"),
    ],
)
def test_what_no_person_mends_there_is_raised(room: Room, error: AccordError) -> None:
    with pytest.raises(type(error)):
        room.failed(error, "invoice")

    assert room.opened == []
    assert room.looks.met() == set()


def test_an_item_that_could_not_be_opened_is_tried_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Item) -> Item:
        raise UnavailableError("the table does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(room.attention, "put", refuse)
        with pytest.raises(UnavailableError):
            room.failed(AHEAD, "invoice")
    room.failed(AHEAD, "invoice")

    assert room.open == ["clock:main cursor_ahead"]


def test_while_all_goes_well_nothing_is_read_and_nothing_written(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.went_well("party")
    for name in ("get", "put", "of", "close"):
        monkeypatch.setattr(room.attention, name, lambda *_, **__: pytest.fail("it was asked"))
    monkeypatch.setattr(room.board, "put", lambda *_: pytest.fail("it was written"))

    room.went_well("party", "invoice")
