"""Reading what changed in a back office since a cursor: page by page, one run at a time.

One cursor per back office and kind, in the control table, moved only after what it covers was
taken and only to times that records had, never to now. A record may appear late, up to the
adapter's ``overlap`` after others of a later time. So each pass begins that much before the newest
record that was there when the pass before it began: whatever appeared behind that one's back is no
older. What is read again is for the reader to recognise.

The first run begins a day before it.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from accord.errors import AccordError, PermanentError, StaleVersionError
from accord.model.documents import Kind
from accord.model.progress import News
from accord.ports.erp import ErpAdapter
from accord.ports.state import Control

PAGE = 100
ROOM = dt.timedelta(seconds=5)  # for what was begun; then the rest is another run's
_FIRST = dt.timedelta(days=1)
_AHEAD = dt.timedelta(minutes=5)  # of our clock: theirs may be a little fast, not more


@dataclass(frozen=True, slots=True)
class Read:
    """One run: records read, and whether more is there to be read now."""

    records: int
    behind: bool


@dataclass(frozen=True, slots=True)
class _Cursor:
    """``at``: the newest time that was read. ``begin``: where a pass begins, less the overlap.

    In the middle of a pass, ``place`` is the last record that was read (time, id), and ``next`` the
    ``begin`` of the pass after this one.
    """

    at: dt.datetime
    begin: dt.datetime
    place: tuple[dt.datetime, str] | None = None
    next: dt.datetime | None = None

    def to_json(self) -> str:
        held: dict[str, Any] = {"at": self.at.isoformat(), "begin": self.begin.isoformat()}
        if self.place is not None and self.next is not None:
            held["place"] = [self.place[0].isoformat(), self.place[1]]
            held["next"] = self.next.isoformat()
        return json.dumps(held, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "_Cursor":
        held = json.loads(text)
        at, begin = (dt.datetime.fromisoformat(held[name]) for name in ("at", "begin"))
        if "place" not in held:
            return cls(at, begin)
        place = dt.datetime.fromisoformat(held["place"][0]), str(held["place"][1])
        return cls(at, begin, place, dt.datetime.fromisoformat(held["next"]))


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
        """Gives ``take`` page after page until all is read or ``until`` is near. Call it under
        the kind's lease. ``first`` is called before there is a cursor.

        Raises:
            PermanentError: ``cursor_ahead``: a record or the cursor is later than our clock allows.
            AccordError: the back office does not answer, or what ``take`` raised; the cursor stays.
        """
        name, now, records = f"cursor:{self.erp_name}:{kind.value}", self.clock(), 0
        held = self.control.get(name)
        if held is None:
            first()
            begin = now - _FIRST
            cursor = _Cursor(begin, begin)
            held = cursor.to_json(), self.control.put(name, cursor.to_json(), version=None)
        text, version = held
        cursor = _Cursor.from_json(text)
        if cursor.at > now + _AHEAD:
            raise self._ahead(kind, cursor.at)
        while True:
            page = self._page(kind, cursor)
            records += len(page)
            take(page)
            last = len(page) < PAGE
            cursor = self._moved(cursor, page, last=last)
            if cursor.to_json() != text:
                text = cursor.to_json()
                version = self.control.put(name, text, version=version)
            if page and page[-1].at > self.clock() + _AHEAD:
                raise self._ahead(kind, page[-1].at)
            if last or self.clock() + ROOM >= until:
                return Read(records, behind=not last)

    def _page(self, kind: Kind, cursor: _Cursor) -> list[News]:
        if cursor.place is not None:
            since, after = cursor.place
        else:
            since, after = cursor.begin - self.adapter.capabilities.overlap, ""
        return list(self.adapter.changes(kind, since, after=after, limit=PAGE))

    def _moved(self, cursor: _Cursor, page: list[News], *, last: bool) -> _Cursor:
        """The cursor behind ``page``. It stays where our clock is passed, so all there is asked
        for again."""
        # What comes late comes at most the overlap behind what was there when a page was read. Of a
        # pass in pages only the first one's newest is certain to have been there all the while.
        limit = self.clock() + _AHEAD
        times = [news.at for news in page if news.at <= limit]
        newest = max([cursor.at, *times])
        if last and cursor.next is None:  # a pass of one page saw everything at once
            return _Cursor(newest, newest)
        next_ = cursor.next or newest
        if last or len(times) < len(page):
            return _Cursor(newest, next_)
        return _Cursor(newest, cursor.begin, (page[-1].at, page[-1].ref.id), next_)

    def _ahead(self, kind: Kind, at: dt.datetime) -> PermanentError:
        return PermanentError(
            f"{self.erp_name} tells of a {kind.value} of {at.isoformat()}, which is in the future; "
            "set its clock right. What changes there is still carried, a little late",
            reason="cursor_ahead",
            owner="ops",
        )

    # --- the lease ------------------------------------------------------------

    @contextmanager
    def lease(self, kind: Kind, *, until: dt.datetime) -> Iterator[bool]:
        """Whether the kind's cursor is ours to move; False while another run's lease holds."""
        held = self._take_lease(kind, until)
        if held is None:
            yield False
            return
        try:
            yield True
        finally:
            self._give_back(kind, held)

    def _take_lease(self, kind: Kind, until: dt.datetime) -> tuple[str, int] | None:
        """Our lease of the cursor: its owner and version; None while another run holds it."""
        name = self._lease_name(kind)
        held = self.control.get(name)
        if held is not None:
            theirs = json.loads(held[0])
            if theirs["owner"] and dt.datetime.fromisoformat(theirs["until"]) > self.clock():
                return None
        owner = f"{self.random.getrandbits(64):016x}"
        value = json.dumps({"owner": owner, "until": (until + ROOM).isoformat()})
        try:
            return owner, self.control.put(name, value, version=held[1] if held else None)
        except StaleVersionError:
            return None

    def _give_back(self, kind: Kind, lease: tuple[str, int]) -> None:
        value = json.dumps({"owner": "", "until": self.clock().isoformat()})
        try:
            self.control.put(self._lease_name(kind), value, version=lease[1])
        except AccordError:
            return  # another's by now, or out of reach: it runs out by itself

    def _lease_name(self, kind: Kind) -> str:
        return f"lease:cursor:{self.erp_name}:{kind.value}"
