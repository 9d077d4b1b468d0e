"""A cursor misses nothing, and stops reading what cannot change any more."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.erp.memory.adapter import Memory
from accord.local.world import Clock, hooked
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.progress import News
from accord.ports.erp import Capabilities
from accord.state.memory import MemoryControl
from accord.sync import cursor
from accord.sync.cursor import Cursors, Read
from tests.sync.conftest import START

SECOND = dt.timedelta(seconds=1)
MINUTE = dt.timedelta(minutes=1)
OVERLAP = 2 * MINUTE
KIND = Kind.ITEM
CAPABILITIES = replace(Memory.capabilities, overlap=OVERLAP)


@dataclass(frozen=True, slots=True)
class Written:
    """Version ``number`` of a record: stamped with ``at``, there to be read from ``seen`` on."""

    id: int
    number: int
    at: dt.datetime
    seen: dt.datetime


@dataclass
class Books:
    """A back office whose records carry the time of their last change, and appear late."""

    clock: Clock
    rows: list[Written] = field(default_factory=list)
    capabilities: Capabilities = CAPABILITIES

    def write(self, id_: int, at: dt.datetime, *, seen: dt.datetime | None = None) -> None:
        self.rows.append(Written(id_, len(self.rows), at, seen or at))

    def there(self) -> dict[int, Written]:
        """The last version of each record that can be read now."""
        now = self.clock()
        return {row.id: row for row in self.rows if row.seen <= now}

    def changes(
        self, kind: Kind, since: dt.datetime, *, after: str = "", limit: int = 100
    ) -> Sequence[News]:
        behind = since, int(after or -1)
        rows = sorted(self.there().values(), key=lambda row: (row.at, row.id))
        return [
            News(Ref("main", kind.value, str(row.id)), row.at, str(row.number))
            for row in rows
            if (row.at, row.id) > behind
        ][:limit]


class Desk:
    """Reads ``books``; ``taken`` are the versions that were met, ``calls`` those of the last run."""

    def __init__(self) -> None:
        self.clock = Clock(START)
        self.books = Books(self.clock)
        self.control = MemoryControl()
        self.taken: set[tuple[str, str]] = set()
        self.slow = 0 * SECOND
        self.calls = 0

    def _hear(self, call: str) -> None:
        if call == "after erp.changes":
            self.calls += 1
            self.clock.now += self.slow

    def read(self, for_: dt.timedelta = 50 * SECOND) -> Read:
        self.calls = 0
        cursors = Cursors(
            erp_name="main",
            adapter=hooked(self.books, "erp", self._hear),
            control=self.control,
            clock=self.clock,
            random=Random(1),
        )
        return cursors.read(KIND, self.take, until=self.clock() + for_)

    def take(self, page: Sequence[News]) -> None:
        self.taken |= {(news.ref.id, news.version) for news in page}

    def poll(self, times: int, *, every: dt.timedelta = MINUTE) -> Read:
        """The last one of them."""
        for _ in range(times):
            self.clock.now += every
            read = self.read()
        return read

    def missed(self) -> list[Written]:
        last = {row.id: row for row in self.books.rows}
        return [row for row in last.values() if (str(row.id), str(row.number)) not in self.taken]


def imported(many: int = 250) -> Desk:
    """An import that gave all its records one time."""
    desk = Desk()
    for id_ in range(many):
        desk.books.write(id_, START)
    return desk


def test_what_an_import_wrote_is_not_read_for_ever() -> None:
    desk = imported()
    assert desk.poll(1) == Read(250, behind=False)
    assert desk.poll(12) == Read(0, behind=False)
    assert desk.calls == 1


def test_while_something_may_appear_late_it_is_read_again() -> None:
    desk = imported()
    assert desk.poll(6) == Read(250, behind=False)


@pytest.mark.parametrize("id_", [7, 1000])
def test_what_appears_late_among_an_import_is_met(id_: int) -> None:
    desk = imported()
    desk.books.write(id_, START, seen=START + OVERLAP)
    desk.poll(60, every=10 * SECOND)
    assert desk.missed() == []


def test_what_a_clock_that_is_five_minutes_slow_wrote_after_an_import_is_met() -> None:
    desk = imported()
    desk.books.write(1000, START - SECOND, seen=START + 5 * MINUTE + OVERLAP)
    desk.poll(60, every=10 * SECOND)
    assert desk.missed() == []


def test_what_changes_after_an_import_is_met_at_once_and_costs_one_call() -> None:
    desk = imported()
    desk.poll(12)
    desk.books.write(3, desk.clock())
    assert desk.read() == Read(1, behind=False)
    assert desk.calls == 1


def test_a_change_just_after_an_import_does_not_have_it_read_for_ever() -> None:
    desk = imported()
    desk.books.write(3, START + 90 * SECOND)
    desk.poll(14)
    assert desk.missed() == []
    assert desk.poll(1) == Read(0, behind=False)


def test_a_second_import_begins_its_own_time() -> None:
    desk = imported()
    desk.poll(41, every=10 * SECOND)
    for id_ in range(250):
        desk.books.write(id_, desk.clock())
    desk.books.write(7, desk.clock(), seen=desk.clock() + OVERLAP)
    desk.poll(30, every=10 * SECOND)
    assert desk.missed() == []


def test_the_oldest_release_s_cursor_is_gone_on_with() -> None:
    desk = imported()
    place, at = START.isoformat(), START.isoformat()
    held = f'{{"at":"{at}","begin":"{at}","place":["{place}","199"],"next":"{at}"}}'
    desk.control.put("cursor:main:item", held, version=None)
    assert desk.read() == Read(50, behind=False)


def test_where_the_newest_record_is_gone_nothing_else_is_missed() -> None:
    desk = imported()
    desk.books.write(999, START + SECOND)
    desk.poll(1)
    desk.books.rows.pop()
    desk.poll(15)
    desk.books.write(500, START + SECOND, seen=desk.clock())
    desk.poll(1)
    assert desk.missed() == []


WRITES = st.lists(
    st.tuples(
        st.integers(0, 400),  # when, seconds after the start
        st.integers(0, 30),  # the first record's id
        st.integers(1, 12),  # how many at once
        st.integers(0, 119),  # how long until they can be read
        st.integers(0, 119),  # how far the clock that stamps them is behind; with that: the overlap
    ),
    max_size=12,
)


@settings(max_examples=400, deadline=None)
@given(
    writes=WRITES,
    polls=st.lists(
        st.tuples(st.integers(1, 60), st.integers(0, 20), st.integers(5, 120)), max_size=40
    ),
    stamps_s=st.sampled_from([1, 60]),  # what their stamps are cut down to
)
def test_whatever_the_clocks_say_nothing_is_missed_and_all_ends(
    writes: list[tuple[int, int, int, int, int]],
    polls: list[tuple[int, int, int]],
    stamps_s: int,
) -> None:
    """Pages of four; records that change again, appear late and are stamped by slow clocks, for
    all of which there is the overlap and no more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursor, "PAGE", 4)
        patch.setattr(cursor, "_SKEW", 0 * SECOND)
        desk = Desk()
        for when, first, many, late, behind in sorted(writes):
            written = START + when * SECOND
            at = written - behind * SECOND
            seen = written + min(late, 119 - behind) * SECOND
            if stamps_s == 60:
                at, seen = written.replace(second=0), written
            for id_ in range(first, first + many):
                desk.books.write(id_, at, seen=seen)
        for wait, slow, for_ in polls:
            desk.clock.now += wait * SECOND
            desk.slow = slow * SECOND
            desk.read(for_ * SECOND)
        desk.slow = 0 * SECOND
        desk.clock.now = max(desk.clock(), START + 600 * SECOND)
        read = desk.poll(20)

        assert desk.missed() == []
        assert read.records < 4
        assert desk.calls == 1
