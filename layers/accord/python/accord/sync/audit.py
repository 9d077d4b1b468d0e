"""Whether the journal is what was written: every page, every chain, every sealed day.

A page that was changed, taken away, added, or put elsewhere breaks its chain. A chain that was
written anew as a whole does not agree with the sealed heads. What was told since the last sealing
is held against the heads of its day, which lie in the journal itself.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from accord.model.chain import PARTS, Head, Page, day_of, digest_of, part_of
from accord.ports.audit import Pages, Seals
from accord.sync.seal import MANIFESTS, day_of_manifest, manifest_name, part_name

Fault = Literal["changed", "missing", "added", "moved"]
_DAY = dt.timedelta(days=1)
_LOOKS = 3  # at a story that is being told while it is read
_UNSEALED = 40  # days: as long as heads are kept in the journal
_SEALED_BY = dt.time(6)  # of the morning after
# While a release goes out, functions of the one before still tell: without a chain.
_OVERLAP = dt.timedelta(days=1)
_TOUCHED = "it was written again or deleted; the first version is what counts"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written. ``where`` names the ref and page, or the day."""

    fault: Fault
    where: str
    what: str


@dataclass(slots=True)
class Report:
    """What was looked at, and what is wrong with it."""

    refs: int = 0
    pages: int = 0
    days: int = 0
    before_chain: int = 0  # entries of a release that knew no chain: nothing proves them
    unsealed: int = 0  # pages told since the last sealed day
    findings: list[Finding] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # refs that were asked for and never told of


@dataclass(slots=True)
class _Book:
    """The sealed heads by ref, and which days they are of."""

    since: dt.date
    parts: Sequence[str]  # that are read: all, or those of the refs that were asked for
    days: set[dt.date] = field(default_factory=set)
    broken: set[tuple[dt.date, str]] = field(default_factory=set)  # parts that cannot be trusted
    heads: dict[str, dict[dt.date, Head]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Auditor:
    """``kept`` is how long an entry stays in the journal."""

    pages: Pages
    seals: Seals
    clock: Callable[[], dt.datetime]
    kept: dt.timedelta

    def verify(
        self,
        *,
        since: dt.date,
        refs: Sequence[str] | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Report:
        """Reads the stories of ``refs`` (of all) whole, and the sealed days from ``since`` on.

        ``progress`` is called with the number of stories that were read.

        Raises: AccordError: the journal or the seals cannot be read.
        """
        report = Report()
        book = _Book(since, PARTS if refs is None else sorted({part_of(ref) for ref in refs}))
        report.findings += self._read_seals(book)
        report.days = len(book.days)
        live = self._live(book)
        for ref in self._all(refs, book, live):
            if self._verify(ref, book, live, report):
                report.refs += 1
            else:
                report.unknown.append(ref)
            progress(report.refs)
        return report

    def _all(
        self, refs: Sequence[str] | None, book: _Book, live: dict[dt.date, dict[str, Head]]
    ) -> Iterator[str]:
        if refs is not None:
            yield from refs
            return
        # Those that should be there and are not stand in no story.
        wanted = set(book.heads).union(*live.values())
        for ref in self.pages.refs():
            wanted.discard(ref)
            yield ref
        yield from sorted(wanted)

    # --- what was sealed -----------------------------------------------------------

    def _read_seals(self, book: _Book) -> Iterator[Finding]:
        """Fills ``book`` with what is sealed from its ``since`` on."""
        days, yesterday = self._days(book.since), day_of(self.clock()) - _DAY
        before: tuple[dt.date, str] | None = None
        day = min(days, default=yesterday)
        while day <= max(days | {yesterday}):
            where, kept = f"manifest of {day}", self.seals.first(manifest_name(day))
            if kept is not None:
                if kept.touched:
                    yield Finding("changed", where, _TOUCHED)
                yield from self._manifest(book, day, kept.text, before)
                before = day, digest_of(kept.text)
            elif days and self.clock() > dt.datetime.combine(day + _DAY, _SEALED_BY, dt.UTC):
                yield Finding("missing", where, "there is none")
            day += _DAY

    def _days(self, since: dt.date) -> set[dt.date]:
        """The days from ``since`` on that have a manifest."""
        found: set[dt.date] = set()
        names = self.seals.names(MANIFESTS, after=manifest_name(since - _DAY))
        while names:
            found.update(day for name in names if (day := day_of_manifest(name)))
            names = self.seals.names(MANIFESTS, after=names[-1])
        return found

    def _manifest(
        self, book: _Book, day: dt.date, text: str, before: tuple[dt.date, str] | None
    ) -> Iterator[Finding]:
        where = f"manifest of {day}"
        try:
            manifest = json.loads(text)
            said, prev, parts = manifest["day"], manifest["prev"], dict(manifest["parts"])
        except (ValueError, KeyError, TypeError):
            yield Finding("changed", where, "it cannot be read")
            return
        if said != day.isoformat():
            yield Finding("moved", where, f"it is the manifest of {said}")
        if before is not None and prev != before[1]:
            yield Finding("changed", where, f"it does not follow the manifest of {before[0]}")
        if before is None and prev and day > book.since:
            yield Finding("missing", f"manifest of {day - _DAY}", "the day after names it")
        book.days.add(day)
        for part, about in parts.items():
            if part not in book.parts:
                continue
            yield from self._part(book, day, part, str(about.get("digest")))

    def _part(self, book: _Book, day: dt.date, part: str, digest: str) -> Iterator[Finding]:
        where = f"heads of {day}, part {part}"
        kept = self.seals.first(part_name(day, part))
        if kept is None or digest_of(kept.text) != digest:
            book.broken.add((day, part))
            fault: Fault = "missing" if kept is None else "changed"
            yield Finding(fault, where, "it is not what its manifest names")
            return
        if kept.touched:
            yield Finding("changed", where, _TOUCHED)
        for line in kept.text.splitlines():
            head = Head.parse(line)
            book.heads.setdefault(head.ref, {})[day] = head

    def _live(self, book: _Book) -> dict[dt.date, dict[str, Head]]:
        """The heads of the days that are not sealed yet, as the journal itself holds them."""
        today = day_of(self.clock())
        newest = max(book.days, default=today - _DAY * _UNSEALED)
        days = [newest + _DAY * n for n in range(1, (today - newest).days + 1)][-_UNSEALED:]
        return {
            day: {head.ref: head for part in book.parts for head in self.pages.heads(day, part)}
            for day in days
        }

    # --- one story -------------------------------------------------------------------

    def _verify(
        self, ref: str, book: _Book, live: dict[dt.date, dict[str, Head]], report: Report
    ) -> bool:
        """Whether anything says that there is, or was, such a story."""
        pages: Sequence[Page] = ()
        heads: dict[dt.date, Head] = {}
        found: list[Finding] = []
        for look in range(_LOOKS):
            pages = self.pages.pages(ref)
            heads = {
                day: head
                for day, of_day in live.items()
                if (head := self.pages.head(day, ref) if look else of_day.get(ref)) is not None
            }
            found = list(self._of_live(ref, pages, live, heads))
            if not found:
                break  # else it was told of between the two readings, or something is wrong
        early = self.pages.before_chain(ref)
        if pages and any(at > pages[0].at + _OVERLAP for at in early):
            what = "entries outside the chain, though the story had one by then"
            found.append(Finding("added", ref, what))
        found += self._chain(ref, pages)
        found += self._sealed(ref, pages, book)
        report.pages += len(pages)
        report.before_chain += len(early)
        report.unsealed += sum(day_of(page.at) in live for page in pages)
        report.findings += found
        return bool(pages or early or heads or ref in book.heads)

    def _chain(self, ref: str, pages: Sequence[Page]) -> Iterator[Finding]:
        before: Page | None = None
        for page in pages:
            where = f"{ref}, page {page.number}"
            if page.digest != page.hash:
                yield Finding("changed", where, "what it says is not what was written")
            if self._expired(page.at):
                continue  # a broom comes by some day; what follows says that it was there
            if before is None:
                yield from self._first(page, where)
            elif page.number != before.number + 1:
                yield _missing(ref, before.number + 1, page.number - 1)
            elif page.prev != before.hash or page.at < before.at:
                yield Finding("moved", where, f"it does not follow page {before.number}")
            before = page

    def _first(self, page: Page, where: str) -> Iterator[Finding]:
        if page.number == 1:
            if page.prev or page.prev_at:
                yield Finding("moved", where, "it names a page before it, and is the first")
        elif page.prev_at is None or not self._expired(page.prev_at):
            yield _missing(page.ref, 1, page.number - 1)

    def _sealed(self, ref: str, pages: Sequence[Page], book: _Book) -> Iterator[Finding]:
        by_number = {page.number: page for page in pages}
        sealed = book.heads.get(ref, {})
        for day, head in sealed.items():
            page = by_number.get(head.number)
            where = f"{ref}, page {head.number}"
            if page is None:
                if not self._expired(dt.datetime.combine(day, dt.time(), dt.UTC)):
                    yield Finding("missing", where, f"it was sealed on {day}")
            elif page.hash != head.hash:
                yield Finding("changed", where, f"it is not the page that was sealed on {day}")
        for page in pages:
            day = day_of(page.at)
            if day not in book.days or (day, part_of(ref)) in book.broken:
                continue
            if day not in sealed or page.number > sealed[day].number:
                yield Finding("added", f"{ref}, page {page.number}", f"{day} was sealed without it")

    def _of_live(
        self,
        ref: str,
        pages: Sequence[Page],
        days: Iterable[dt.date],
        heads: dict[dt.date, Head],
    ) -> Iterator[Finding]:
        by_number = {page.number: page for page in pages}
        for day, head in heads.items():
            page = by_number.get(head.number)
            where = f"{ref}, page {head.number}"
            if page is None:
                yield Finding("missing", where, f"it was told on {day}")
            elif page.hash != head.hash:
                yield Finding("changed", where, f"it is not the page that was told on {day}")
        for page in pages:
            day = day_of(page.at)
            if day in days and (day not in heads or page.number > heads[day].number):
                what = f"the journal's list of {day} does not know it"
                yield Finding("added", f"{ref}, page {page.number}", what)

    def _expired(self, at: dt.datetime) -> bool:
        return at + self.kept <= self.clock()


def _missing(ref: str, first: int, last: int) -> Finding:
    pages = f"page {first}" if first == last else f"pages {first} to {last}"
    return Finding("missing", f"{ref}, {pages}", "taken away")
