"""Whoever changes the story of an order is found out, and where."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.errors import UnavailableError
from accord.model.chain import Page, next_page, part_of
from accord.model.change import Ref
from accord.ports.state import Entry
from accord.state.memory import MemoryJournal, MemorySeals
from accord.sync.audit import Auditor, Report
from accord.sync.seal import Sealer, manifest_name, part_name

BEGIN = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
KEPT = dt.timedelta(days=400)
DAYS = 4  # the last of them is not over


class Archive:
    """Three orders, told of on each of four days, three of which are sealed."""

    def __init__(self, *, orders: int = 3) -> None:
        self.now = BEGIN
        self.journal, self.seals = MemoryJournal(), MemorySeals()
        for _ in range(DAYS):
            for n in range(orders):
                self.tell(Ref("uk", "order", str(n)))
            self.seal()
            self.now += dt.timedelta(days=1)
        self.now = NOON

    def tell(self, ref: Ref) -> None:
        self.journal.append(
            [
                Entry(ref, self.now, mark, "create", "c1", {"total": "12.50"})
                for mark in ("begun", "step", "ended")
            ]
        )

    def seal(self):
        return Sealer(self.journal, self.seals, lambda: self.now).run(until=self.now + KEPT)

    def verify(self, **about) -> Report:
        auditor = Auditor(self.journal, self.seals, lambda: self.now, KEPT)
        return auditor.verify(**{"since": dt.date(2026, 1, 1), **about})

    def chain(self, n: int) -> list[Page]:
        """The stored pages, to be tampered with."""
        ref = f"uk:order:{n}"
        self.journal.pages(ref)
        return self.journal._chains[ref][1]


def said(report: Report) -> list[tuple[str, str]]:
    return [(finding.fault, finding.where) for finding in report.findings]


def test_what_nobody_touched_is_what_was_written() -> None:
    report = Archive().verify()

    assert report.findings == []
    assert (report.refs, report.pages, report.unsealed) == (3, 12, 3)
    assert report.days >= DAYS - 1


def test_a_changed_page_is_named() -> None:
    archive = Archive()
    chain = archive.chain(1)
    chain[1] = replace(chain[1], text=chain[1].text.replace("12.50", "2.50"))

    assert said(archive.verify()) == [("changed", "uk:order:1, page 2")]


def test_a_page_that_was_changed_with_its_hash_is_named() -> None:
    archive = Archive()
    chain = archive.chain(1)
    changed = replace(chain[1], text=chain[1].text.replace("12.50", "2.50"), hash="")
    chain[1] = replace(changed, hash=changed.digest)

    assert ("moved", "uk:order:1, page 3") in said(archive.verify())
    assert ("changed", "uk:order:1, page 2") in said(archive.verify())  # as it was sealed


def test_a_story_that_was_written_anew_as_a_whole_does_not_agree_with_its_seals() -> None:
    archive = Archive()
    chain = archive.chain(1)
    forged: list[Page] = []
    for page in chain:
        last = forged[-1] if forged else None
        text = page.text.replace("12.50", "2.50")
        forged.append(next_page(page.ref, last, at=page.at, text=text))
    chain[:] = forged

    wrong = said(archive.verify())

    assert [where for fault, where in wrong if fault == "changed"] == [
        f"uk:order:1, page {n}" for n in (1, 2, 3)
    ]


def test_pages_that_were_taken_away_are_named() -> None:
    archive = Archive()
    del archive.chain(1)[1:3]

    assert ("missing", "uk:order:1, pages 2 to 3") in said(archive.verify())


def test_a_story_that_was_taken_away_whole_is_missed() -> None:
    archive = Archive()
    archive.chain(1)
    archive.journal._told.pop(Ref("uk", "order", "1"))
    archive.journal._chains["uk:order:1"] = (0, [])

    assert ("missing", "uk:order:1, page 3") in said(archive.verify())


def test_a_page_that_was_put_into_a_sealed_day_is_named() -> None:
    archive = Archive()
    chain = archive.chain(1)
    chain[3:] = [next_page("uk:order:1", chain[2], at=BEGIN, text="[]")]

    assert ("added", "uk:order:1, page 4") in said(archive.verify())


def test_two_pages_that_changed_places_are_named() -> None:
    archive = Archive()
    chain = archive.chain(1)
    second, third = chain[1:3]
    chain[1:3] = [
        replace(third, number=second.number),
        replace(second, number=third.number),
    ]

    assert {where for _, where in said(archive.verify())} >= {
        "uk:order:1, page 2",
        "uk:order:1, page 3",
    }


def test_a_story_that_nobody_ever_told_is_named() -> None:
    archive = Archive()
    archive.tell(Ref("uk", "order", "9"))
    forged = next_page("uk:order:9", None, at=BEGIN, text="[]")
    archive.journal._chains["uk:order:9"] = (1, [forged])

    assert ("added", "uk:order:9, page 1") in said(archive.verify())


def test_a_manifest_that_was_written_again_is_named_and_its_first_version_counts() -> None:
    archive = Archive()
    archive.seals._versions[manifest_name(BEGIN.date())].append("{}")

    assert said(archive.verify()) == [("changed", "manifest of 2026-11-20")]


@pytest.mark.parametrize("day", [13, 20, 22])
def test_a_manifest_that_was_taken_away_is_missed(day: int) -> None:
    archive = Archive()
    del archive.seals._versions[manifest_name(dt.date(2026, 11, day))]

    assert ("missing", f"manifest of 2026-11-{day}") in said(archive.verify())


def test_heads_that_are_not_what_their_manifest_names_are_named() -> None:
    archive = Archive()
    part = part_of("uk:order:1")
    name = part_name(BEGIN.date(), part)
    archive.seals._versions[name] = [archive.seals._versions[name][0] + "x"]

    assert said(archive.verify()) == [("changed", f"heads of 2026-11-20, part {part}")]


def test_one_ref_is_verified_alone() -> None:
    archive = Archive()
    archive.chain(1).pop(1)

    assert archive.verify(refs=["uk:order:0"]).findings == []
    assert archive.verify(refs=["uk:order:1"]).findings != []


def test_of_one_ref_only_its_part_of_the_seals_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    archive, read = Archive(), list[str]()
    first = archive.seals.first
    monkeypatch.setattr(archive.seals, "first", lambda name: read.append(name) or first(name))

    assert archive.verify(refs=["uk:order:0"]).findings == []
    heads = [name for name in read if name.startswith("heads/")]
    part = part_of("uk:order:0")
    assert heads
    assert all(name.endswith(f"/{part}.txt") for name in heads)


def test_what_lapsed_is_not_missed() -> None:
    archive = Archive()
    archive.now = BEGIN + KEPT + dt.timedelta(hours=1)  # the first page of each is over a year old
    archive.seal()
    for n in range(3):
        archive.chain(n).pop(0)

    assert [one for one in said(archive.verify()) if "uk:order" in one[1]] == []


def test_what_lapsed_and_was_not_swept_yet_is_no_fault() -> None:
    archive = Archive()
    archive.now = BEGIN + KEPT + dt.timedelta(hours=1)

    assert [one for one in said(archive.verify()) if "uk:order" in one[1]] == []


def test_a_night_that_was_missed_is_made_up_for() -> None:
    archive = Archive(orders=1)
    archive.now += dt.timedelta(days=5)
    sealed = archive.seal()

    assert (sealed.days, sealed.refs) == (5, 1)
    assert archive.verify().findings == []


def test_a_sealing_that_broke_off_goes_on() -> None:
    archive = Archive(orders=1)
    archive.now += dt.timedelta(days=2)
    put, puts = archive.seals.put, iter(range(99))

    def broken(name: str, text: str) -> str:
        if next(puts) == 1:
            raise UnavailableError("AWS: no answer")
        return put(name, text)

    archive.seals.put = broken
    with pytest.raises(UnavailableError):
        archive.seal()
    archive.seals.put = put
    archive.seal()

    assert archive.verify().findings == []
    assert archive.seal().days == 0


def test_time_that_runs_out_leaves_the_rest_to_the_next_run() -> None:
    archive = Archive(orders=1)
    archive.now += dt.timedelta(days=5)
    sealer = Sealer(archive.journal, archive.seals, lambda: archive.now)

    assert sealer.run(until=archive.now).days == 0
    assert sealer.run(until=archive.now).behind > dt.timedelta(days=4)


MUTATIONS = st.sampled_from(["text", "hash", "both", "at", "prev", "delete", "double", "swap"])


@settings(max_examples=200, deadline=None)
@given(n=st.integers(0, 2), at=st.integers(0, DAYS - 1), how=MUTATIONS)
def test_any_single_mutation_is_found(n: int, at: int, how: str) -> None:
    archive = Archive()
    chain = archive.chain(n)
    heads = {day: dict(of) for day, of in _heads(archive).items()}
    page = chain[at]
    match how:
        case "text":
            chain[at] = replace(page, text=page.text + " ")
        case "hash":
            chain[at] = replace(page, hash=page.hash[::-1])
        case "both":
            changed = replace(page, text="[]")
            chain[at] = replace(changed, hash=changed.digest)
        case "at":
            changed = replace(page, at=page.at + dt.timedelta(seconds=1))
            chain[at] = replace(changed, hash=changed.digest)
        case "prev":
            changed = replace(page, prev="0" * 64)
            chain[at] = replace(changed, hash=changed.digest)
        case "delete":
            del chain[at]
        case "double":
            chain.append(next_page(page.ref, chain[-1], at=page.at, text=page.text))
        case "swap":
            other = (at + 1) % DAYS
            chain[at], chain[other] = (
                replace(chain[other], number=page.number),
                replace(page, number=chain[other].number),
            )
    _keep_heads(archive, heads)

    wrong = archive.verify().findings

    assert wrong
    assert all(finding.where.startswith(f"uk:order:{n},") for finding in wrong)


def _heads(archive: Archive) -> dict[dt.date, dict[str, object]]:
    """The journal's own lists, as they were before anybody tampered with the pages."""
    days = {page.at.date() for n in range(3) for page in archive.chain(n)}
    return {
        day: {
            ref: head for ref in archive.journal.refs() if (head := archive.journal.head(day, ref))
        }
        for day in days
    }


def _keep_heads(archive: Archive, heads) -> None:
    journal = archive.journal
    journal.head = lambda day, ref: heads.get(day, {}).get(ref)
    journal.heads = lambda day, part: iter(
        [head for ref, head in heads.get(day, {}).items() if part_of(ref) == part]
    )
