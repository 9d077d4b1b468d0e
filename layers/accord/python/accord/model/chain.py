"""A ref's story as a chain of pages: whoever changes one breaks what follows.

What one append tells of one ref is a page. It names the page before by its hash, and its own hash
covers its place, its time, that name and its text. The last page of a day is a head; the heads of
a day are sealed together.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

PARTS = "0123456789abcdef"
"""A day's heads lie in this many parts, so that none grows without bound."""


@dataclass(frozen=True, slots=True)
class Page:
    """``number`` counts from 1. ``text`` is the entries as they are stored (JSON).

    ``prev`` is the hash of the page before and ``prev_at`` its time: empty and None for the first.
    """

    ref: str
    number: int
    at: dt.datetime
    prev: str
    prev_at: dt.datetime | None
    text: str
    hash: str

    @property
    def digest(self) -> str:
        """What ``hash`` is, as long as nobody changed anything: SHA-256 over all that it says."""
        prev_at = self.prev_at.isoformat() if self.prev_at else ""
        # None of them but the last holds a line break.
        said = (self.ref, str(self.number), self.at.isoformat(), self.prev, prev_at, self.text)
        return digest_of("\n".join(said))

    @property
    def head(self) -> "Head":
        return Head(self.ref, self.number, self.hash)


@dataclass(frozen=True, slots=True)
class Head:
    """The last page of a ref, on some day."""

    ref: str
    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}\t{self.hash}\t{self.ref}"

    @classmethod
    def parse(cls, line: str) -> "Head":
        """What ``str`` wrote. Raises: ValueError."""
        number, hash_, ref = line.split("\t", 2)
        return cls(ref, int(number), hash_)


def next_page(ref: str, last: Page | None, *, at: dt.datetime, text: str) -> Page:
    """The page that follows ``last``; never of an earlier time, whatever the clock says."""
    if last is None:
        page = Page(ref, 1, at, "", None, text, "")
    else:
        page = Page(ref, last.number + 1, max(at, last.at), last.hash, last.at, text, "")
    return replace(page, hash=page.digest)


def day_of(moment: dt.datetime) -> dt.date:
    """The day (UTC) that a page of ``moment`` is sealed with."""
    return moment.astimezone(dt.UTC).date()


def part_of(ref: str) -> str:
    """Which of ``PARTS`` the ref's heads lie in."""
    return hashlib.sha256(ref.encode(errors="replace")).hexdigest()[0]


def heads_of(pages: Iterable[Page]) -> dict[dt.date, Head]:
    """The last page of each day."""
    return {day_of(page.at): page.head for page in pages}


def listing(heads: Sequence[Head]) -> str:
    """One line per head, by ref: equal heads give equal text."""
    return "".join(f"{head}\n" for head in sorted(heads, key=lambda head: head.ref))


def digest_of(text: str) -> str:
    """SHA-256, as pages and manifests name each other."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
