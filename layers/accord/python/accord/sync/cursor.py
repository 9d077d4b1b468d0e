"""Reading what changed on the other side since a cursor: page by page, one run at a time.

One cursor per system and kind, in the control table, moved only after what it covers was
taken and only to times that records had, never to now. A record may appear late, up to an
``overlap`` after others of a later time. So each pass begins that much before the newest
record that was there when the pass before it began: whatever appeared behind that one's back is no
older. What is read again is for the reader to recognise.

Many records of one time, of an import, would so be read again with every pass until something newer
changes. A pass that begins the overlap and ``_SKEW`` after another one had read them all, and that
finds nothing newer, is the last to read them: nothing can appear among them any more. ``settled``
is how far that holds, and no pass begins before it.

The first run begins a day before it.
"""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Generic, TypeVar

from accord.errors import PermanentError
from accord.model.documents import Kind
from accord.model.progress import News
from accord.model.words import one
from accord.ports.erp import ErpAdapter
from accord.ports.state import Control
from accord.sync.lease import lease

CURSOR_AHEAD = "cursor_ahead"
PAGE = 100
ROOM = dt.timedelta(seconds=5)  # for what was begun; then the rest is another run's
_FIRST = dt.timedelta(days=1)
AHEAD = dt.timedelta(minutes=5)  # of our clock: theirs may be a little fast, not more
_SKEW = AHEAD  # that a clock of theirs may be set back by, or two of theirs be apart


@dataclass(frozen=True, slots=True)
class Read:
    """One run: records read, and whether more is there to be read now."""

    records: int
    behind: bool


@dataclass(frozen=True, slots=True)
class _Cursor:
    """``at``: the newest time that was read. ``begin``: where a pass begins, less the overlap.

    In the middle of a pass, ``place`` is the last record that was read (time, id), ``next`` the
    ``begin`` of the pass after this one, and ``began`` our clock when it began. ``whole`` is our
    clock when the first pass of several pages ended since which nothing is newer. ``settled`` is a
    record up to which, by (time, id), nothing can appear any more; never later than ``begin``.
    """

    at: dt.datetime
    begin: dt.datetime
    place: tuple[dt.datetime, str] | None = None
    next: dt.datetime | None = None
    began: dt.datetime | None = None
    whole: dt.datetime | None = None
    settled: tuple[dt.datetime, str] | None = None

    def to_json(self) -> str:
        held: dict[str, Any] = {}
        for name in _MOMENTS:
            if (moment := getattr(self, name)) is not None:
                held[name] = moment.isoformat()
        for name in _RECORDS:
            if (record := getattr(self, name)) is not None:
                held[name] = [record[0].isoformat(), record[1]]
        return json.dumps(held, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "_Cursor":
        """What an earlier release wrote is read too."""
        held = json.loads(text)
        found: dict[str, Any] = {
            name: dt.datetime.fromisoformat(held[name]) for name in _MOMENTS if name in held
        }
        for name in _RECORDS:
            if name in held:
                found[name] = dt.datetime.fromisoformat(held[name][0]), str(held[name][1])
        return cls(**found)


_MOMENTS = ("at", "begin", "next", "began", "whole")
_RECORDS = ("place", "settled")
_Key = tuple[dt.datetime, str]
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader(Generic[R]):
    """One list of ``system`` that goes by key: ``what`` is in it, ``key`` is a record's (time, id).

    ``page(since, after)`` gives records of ``since`` or later, of that very time only those behind
    the id ``after``, and whether there are no more to be read now; then the (time, id) that was
    reached, if others were left out behind the last record.
    """

    system: str
    what: str
    page: Callable[[dt.datetime, str], tuple[Sequence[R], bool, _Key | None]]
    key: Callable[[R], _Key]
    overlap: dt.timedelta
    control: Control
    clock: Callable[[], dt.datetime]

    @property
    def name(self) -> str:
        """Of the cursor in ``control``."""
        return _name(self.system, self.what)

    def read(
        self,
        take: Callable[[Sequence[R]], None],
        *,
        until: dt.datetime,
        first: Callable[[], None] = lambda: None,
    ) -> Read:
        """Gives ``take`` page after page until all is read or ``until`` is near. Call it under a
        lease. ``first`` is called before there is a cursor.

        Raises:
            PermanentError: ``cursor_ahead``: a record or the cursor is later than our clock allows.
            AccordError: the other side does not answer, or what ``take`` raised; the cursor stays.
        """
        now, records = self.clock(), 0
        held = self.control.get(self.name)
        if held is None:
            first()
            begin = now - _FIRST
            cursor = _Cursor(begin, begin)
            held = cursor.to_json(), self.control.put(self.name, cursor.to_json(), version=None)
        text, version = held
        cursor = _Cursor.from_json(text)
        if cursor.at > now + AHEAD:
            raise self._ahead(cursor.at)
        while True:
            if cursor.place is None:
                cursor = replace(cursor, began=self.clock())
            page, last, reached = self._page(cursor)
            records += len(page)
            take(page)
            keys = [self.key(record) for record in page]
            if reached is not None:
                keys.append(reached)
            cursor = self._moved(cursor, keys, last=last)
            if cursor.to_json() != text:
                text = cursor.to_json()
                version = self.control.put(self.name, text, version=version)
            if page and self.key(page[-1])[0] > self.clock() + AHEAD:
                raise self._ahead(self.key(page[-1])[0])
            if last or self.clock() + ROOM >= until:
                return Read(records, behind=not last)

    def _page(self, cursor: _Cursor) -> tuple[Sequence[R], bool, _Key | None]:
        if cursor.place is not None:
            return self.page(*cursor.place)
        start = cursor.begin - self.overlap, ""
        if cursor.settled is not None and cursor.settled[0] >= start[0]:
            start = cursor.settled
        return self.page(*start)

    def _moved(self, cursor: _Cursor, keys: Sequence[_Key], *, last: bool) -> _Cursor:
        """The cursor behind the page with ``keys``. It stays where our clock is passed, so all
        there is asked for again."""
        # What comes late comes at most the overlap behind what was there when a page was read. Of a
        # pass in pages only the first one's newest is certain to have been there all the while.
        limit = self.clock() + AHEAD
        times = [at for at, _ in keys if at <= limit]
        newest = max([cursor.at, *times])
        if last and cursor.next is None:  # a pass of one page saw everything at once
            return _Cursor(newest, newest, settled=cursor.settled)
        next_ = cursor.next or newest
        if len(times) < len(keys):
            return _Cursor(newest, next_, settled=cursor.settled)
        moved = replace(
            cursor,
            at=newest,
            place=keys[-1] if keys else cursor.place,
            next=next_,
            whole=cursor.whole if newest == cursor.at else None,
        )
        return self._ended(moved) if last else moved

    def _ended(self, cursor: _Cursor) -> _Cursor:
        """The cursor behind a whole pass of several pages, whose last record is its place."""
        after = _Cursor(cursor.at, cursor.next or cursor.at, settled=cursor.settled)
        if cursor.whole is None:
            return replace(after, whole=self.clock())
        # Whatever was written before the newest record was, or in its instant, is there by then,
        # also if the clock that wrote it was behind.
        sure = cursor.whole + self.overlap + _SKEW
        if cursor.began is None or cursor.began < sure:
            return replace(after, whole=cursor.whole)
        return _Cursor(cursor.at, cursor.at, settled=cursor.place)

    def _ahead(self, at: dt.datetime) -> PermanentError:
        return PermanentError(
            f"{self.system} tells of {one(self.what)} of {at.isoformat()}, which is in the future; "
            "set its clock right. What changes there is still carried, a little late",
            reason=CURSOR_AHEAD,
            owner="ops",
        )


def set_back(control: Control, system: str, what: str, *, to: dt.datetime) -> bool:
    """The next pass over that list begins at ``to``; whether it would have begun later. A run under
    way ends.

    Raises: StaleVersionError: a run moved it meanwhile; try again.
    """
    name = _name(system, what)
    held = control.get(name)
    if held is None:
        return False
    cursor = _Cursor.from_json(held[0])
    if cursor.begin <= to:
        return False
    control.put(name, _Cursor(cursor.at, to).to_json(), version=held[1])
    return True


def _name(system: str, what: str) -> str:
    return f"cursor:{system}:{what}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursors:
    """The cursors of one back office, and the leases under which they are moved."""

    erp_name: str
    adapter: ErpAdapter
    control: Control
    clock: Callable[[], dt.datetime]
    random: Random

    def read(
        self,
        kind: Kind,
        take: Callable[[Sequence[News]], None],
        *,
        until: dt.datetime,
        first: Callable[[], None] = lambda: None,
    ) -> Read:
        """See ``Reader.read``. Call it under the kind's lease."""

        def page(since: dt.datetime, after: str) -> tuple[Sequence[News], bool, None]:
            found = list(self.adapter.changes(kind, since, after=after, limit=PAGE))
            return found, len(found) < PAGE, None

        reader: Reader[News] = Reader(
            system=self.erp_name,
            what=kind.value,
            page=page,
            key=lambda news: (news.at, news.ref.id),
            overlap=self.adapter.capabilities.overlap,
            control=self.control,
            clock=self.clock,
        )
        return reader.read(take, until=until, first=first)

    def lease(self, kind: Kind, *, until: dt.datetime) -> AbstractContextManager[bool]:
        """Whether the kind's cursor is ours to move; False while another run's lease holds."""
        return lease(
            self.control,
            f"lease:cursor:{self.erp_name}:{kind.value}",
            owner=f"{self.random.getrandbits(64):016x}",
            until=until + ROOM,
            clock=self.clock,
            once=True,
        )
