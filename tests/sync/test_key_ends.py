"""A key that is about to end is one item for operations, until it is not any more."""

import datetime as dt

from accord.erp.memory.adapter import Memory
from accord.errors import AccordError, UnavailableError
from accord.ports.advice import Ending
from accord.sync.connecting import settings_of
from accord.sync.key_ends import KEY_NOTICE, KeyWatch
from tests.sync.test_looks import Room

NOW = Room().now
HOUR = dt.timedelta(hours=1)


class Ended(Memory):
    """Books whose key ends."""

    def __init__(self, ending: Ending | AccordError | None = None) -> None:
        super().__init__(Memory.ledger(clock=lambda: NOW).call, "main")
        self.ending = ending

    def ends(self) -> Ending | None:
        if isinstance(self.ending, AccordError):
            raise self.ending
        return self.ending


def ending(left: dt.timedelta) -> Ending:
    return Ending("accord", NOW + left, "make another")


def test_a_person_is_asked_once_from_fourteen_days_ahead_and_no_longer_than_it_lasts() -> None:
    room, erp = Room(), Ended(ending(KEY_NOTICE + HOUR))
    watch = KeyWatch(looks=room.looks, clock=lambda: room.now)

    assert watch.look("main", erp) is None
    assert room.open == []

    for _ in range(2):
        room.now += HOUR * 24
        watch.look("main", erp)
    (item,) = room.attention.open()
    assert (item.subject, item.reason, item.owner) == ("look:main", "key_ends", "ops")
    assert "6 December 2026" in item.message
    assert item.message.endswith("make another")
    assert room.opened == [item]

    erp.ending = ending(KEY_NOTICE * 6)
    watch.look("main", erp)
    assert room.open == []


def test_one_that_cannot_be_asked_tonight_leaves_the_item_as_it_is() -> None:
    room, erp = Room(), Ended(ending(HOUR))
    watch = KeyWatch(looks=room.looks, clock=lambda: room.now)
    watch.look("main", erp)

    erp.ending = UnavailableError("off")

    assert watch.look("main", erp) is erp.ending
    assert room.open == ["look:main key_ends"]


def test_books_whose_keys_last_are_asked_nothing() -> None:
    room = Room()
    books = Memory(Memory.ledger(clock=lambda: NOW).call, "main")

    assert KeyWatch(looks=room.looks, clock=lambda: room.now).look("main", books) is None
    assert room.open == []


def test_when_it_ends_is_a_note_until_it_is_near() -> None:
    def told(left: dt.timedelta) -> list[tuple[str, str]]:
        found = settings_of("main", Ended(ending(left)), now=NOW, writes=())
        return [(each.severity, each.topic) for each in found]

    assert told(KEY_NOTICE * 2) == [("note", "key")]
    assert told(HOUR) == [("warning", "key")]


def test_what_cannot_be_asked_is_a_warning() -> None:
    found = settings_of("main", Ended(UnavailableError("off")), now=NOW, writes=())

    assert [(each.severity, each.topic, each.what) for each in found] == [("warning", "key", "off")]
