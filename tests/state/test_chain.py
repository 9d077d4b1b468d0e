"""The journal's chain, in memory and in DynamoDB, and what seals it."""

import datetime as dt
import threading

import boto3
import pytest

from accord.model.chain import PARTS, day_of, part_of
from accord.model.change import Ref
from accord.ports.audit import Seals
from accord.ports.state import Entry
from accord.state.dynamo import ConditionError, Put, Table
from accord.state.journal import KEPT, DynamoJournal
from accord.state.memory import MemoryJournal, MemorySeals
from accord.state.pages import paged
from accord.state.seals import S3Seals
from accord.sync.audit import Auditor
from accord.sync.seal import Sealer, manifest_name
from tests.state.conftest import NOW

ORDER = Ref("uk", "order", "30")
OTHER = Ref("uk", "order", "31")


def entry(text: str, *, at: float = 0, ref: Ref = ORDER) -> Entry:
    return Entry(ref, NOW + dt.timedelta(seconds=at), "step", text, "c1", {"total": "12.50"})


@pytest.fixture
def journal(either):
    return either(MemoryJournal, DynamoJournal)


@pytest.fixture
def seals(either) -> Seals:
    def in_s3(*_: object) -> Seals:
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="audit", ObjectLockEnabledForBucket=True)
        for name in ("a", "manifests/2", "manifests/1", "manifests/3"):
            for each in client.list_object_versions(Bucket="audit", Prefix=name).get(
                "Versions", []
            ):
                client.delete_object(Bucket="audit", Key=each["Key"], VersionId=each["VersionId"])
        return S3Seals(client, "audit")

    return either(MemorySeals, in_s3)


# --- pages ---------------------------------------------------------------------


def test_each_append_is_a_page_that_names_the_one_before(journal) -> None:
    for n in range(3):
        journal.append([entry(f"{n}a", at=n), entry(f"{n}b", at=n)])

    first, second, third = journal.pages(str(ORDER))
    assert [page.number for page in (first, second, third)] == [1, 2, 3]
    assert (first.prev, second.prev, third.prev) == ("", first.hash, second.hash)
    assert all(page.digest == page.hash for page in (first, second, third))


def test_entries_of_several_refs_are_a_page_of_each(journal) -> None:
    journal.append([entry("a"), entry("b", ref=OTHER), entry("c")])

    assert [one.text for one in journal.of(ORDER)] == ["a", "c"]
    assert [len(journal.pages(str(ref))) for ref in (ORDER, OTHER)] == [1, 1]
    assert sorted(journal.refs()) == [str(ORDER), str(OTHER)]


def test_the_last_page_of_a_day_is_its_head(journal) -> None:
    for n in range(3):
        journal.append([entry(str(n), at=n * 40_000)])  # the third is told on the next day
    pages = journal.pages(str(ORDER))
    part = part_of(str(ORDER))

    assert [head.number for head in journal.heads(NOW.date(), part)] == [2]
    tomorrow = journal.head(NOW.date() + dt.timedelta(days=1), str(ORDER))
    assert tomorrow == pages[2].head
    others = [each for each in PARTS if each != part]
    assert [head for each in others for head in journal.heads(NOW.date(), each)] == []


def test_a_clock_that_goes_back_moves_no_page_to_an_earlier_day(journal) -> None:
    journal.append([entry("a", at=86_400)])
    journal.append([entry("b")])

    assert [day_of(page.at).isoformat() for page in journal.pages(str(ORDER))] == ["2026-11-23"] * 2


def test_a_very_long_story_is_told_in_several_pages_at_once(journal) -> None:
    journal.append([entry("x" * 90_000, at=n) for n in range(5)])

    assert len(journal.pages(str(ORDER))) == 3
    assert len(journal.of(ORDER)) == 5


def test_equal_stories_have_equal_chains_wherever_they_are_kept(dynamodb, table) -> None:
    kept = MemoryJournal(), DynamoJournal(dynamodb, table())
    for journal in kept:
        journal.append([entry("a \ud83d", at=1), entry("b", at=0)])
        journal.append([entry("c")])

    assert list(kept[0].pages(str(ORDER))) == list(kept[1].pages(str(ORDER)))


def test_another_worker_s_page_is_not_forked(dynamodb, table) -> None:
    """What a process remembers as the last page may be the last no more."""
    name = table()
    ours, theirs = DynamoJournal(dynamodb, name), DynamoJournal(dynamodb, name)
    ours.append([entry("1")])
    theirs.append([entry("2", at=1)])
    ours.append([entry("3", at=2)])
    theirs.append([entry("4", at=3)])

    pages = ours.pages(str(ORDER))
    assert [page.number for page in pages] == [1, 2, 3, 4]
    assert [page.prev for page in pages[1:]] == [page.hash for page in pages[:-1]]
    assert [one.text for one in ours.of(ORDER)] == ["1", "2", "3", "4"]


def test_many_workers_at_once_tell_one_chain(dynamodb, table) -> None:
    name = table()

    def tell(worker: int) -> None:
        journal = DynamoJournal(dynamodb, name)
        for n in range(5):
            journal.append([entry(f"{worker}/{n}")])

    threads = [threading.Thread(target=tell, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    journal = DynamoJournal(dynamodb, name)
    pages = journal.pages(str(ORDER))
    assert [page.number for page in pages] == list(range(1, 21))
    assert [page.prev for page in pages[1:]] == [page.hash for page in pages[:-1]]
    assert len(journal.of(ORDER)) == 20


def test_a_page_and_its_head_are_written_together_or_not_at_all(dynamodb, table) -> None:
    name = table()
    journal = DynamoJournal(dynamodb, name)
    journal.append([entry("1")])
    forged = {"pk": str(ORDER), "sk": "C#0000000002", "text": "[]"}
    Table(dynamodb, name).write(Put(forged))
    second = paged(ORDER, journal._last[ORDER], [entry("2")])

    with pytest.raises(ConditionError):  # its number is taken
        journal._table.write_all(journal._writes(second))

    assert journal.head(NOW.date(), str(ORDER)).number == 1


# --- a release before the chain ---------------------------------------------------


def test_what_an_earlier_release_told_is_read_and_reported_as_before_the_chain(
    dynamodb, table
) -> None:
    name = table()
    Table(dynamodb, name).put_all(
        [
            {
                "pk": str(ORDER),
                "sk": f"2026-11-22T09:29:0{n}.000000Z#000000000{n}#abcd",
                "at": f"2026-11-22T09:29:0{n}.000000Z",
                "mark": "step",
                "text": f"old {n}",
                "correlation_id": "c0",
                "details": "{}",
            }
            for n in range(2)
        ]
    )
    journal = DynamoJournal(dynamodb, name)
    journal.append([entry("new")])

    assert [one.text for one in journal.of(ORDER)] == ["old 0", "old 1", "new"]
    report = _verify(journal)
    assert (report.before_chain, report.pages, report.findings) == (2, 1, [])


def test_an_entry_that_is_put_beside_a_chain_is_found(dynamodb, table) -> None:
    name = table()
    journal = DynamoJournal(dynamodb, name)
    journal.append([entry("new")])
    _put_beside(Table(dynamodb, name), "2026-11-23T10:29:00.000000Z")

    later = NOW + dt.timedelta(hours=26)
    assert [finding.fault for finding in _verify(journal, later).findings] == ["added"]


def test_an_earlier_release_may_tell_while_the_next_one_goes_out(dynamodb, table) -> None:
    name = table()
    journal = DynamoJournal(dynamodb, name)
    journal.append([entry("new")])
    _put_beside(Table(dynamodb, name), "2026-11-22T10:29:00.000000Z")

    report = _verify(journal, NOW + dt.timedelta(hours=2))
    assert (report.before_chain, report.findings) == (1, [])


def _put_beside(table: Table, at: str) -> None:
    """An entry that no chain holds."""
    beside = {"at": at, "mark": "step", "text": "never", "details": "{}", "correlation_id": "c"}
    table.write(Put({"pk": str(ORDER), "sk": f"{at}#0#0", **beside}))


def _verify(journal: DynamoJournal, now: dt.datetime = NOW + dt.timedelta(hours=1)):
    auditor = Auditor(journal, MemorySeals(), lambda: now, KEPT)
    return auditor.verify(since=NOW.date())


# --- tampering in DynamoDB ----------------------------------------------------------


@pytest.mark.parametrize("how", ["changed", "deleted", "moved", "head deleted"])
def test_what_is_done_to_the_table_by_hand_is_found(dynamodb, table, how: str) -> None:
    name = table()
    journal, bare = DynamoJournal(dynamodb, name), Table(dynamodb, name)
    for n in range(3):
        journal.append([entry(str(n), at=n)])
    second = bare.get(str(ORDER), "C#0000000002")
    match how:
        case "changed":
            bare.write(Put({**second, "text": second["text"].replace("12.50", "2.50")}))
        case "deleted":
            bare.delete_all([(str(ORDER), "C#0000000002")])
        case "moved":
            bare.write(Put({**second, "sk": "C#0000000004"}))
        case "head deleted":
            bare.delete_all([(f"D#{NOW.date()}#{part_of(str(ORDER))}", str(ORDER))])

    assert _verify(journal).findings


def test_sealed_in_s3_a_chain_that_was_written_anew_is_found(dynamodb, table, seals) -> None:
    name = table()
    journal = DynamoJournal(dynamodb, name)
    journal.append([entry("1")])
    later = NOW + dt.timedelta(days=1, hours=1)
    Sealer(journal, seals, lambda: later).run(until=later + KEPT)
    auditor = Auditor(journal, seals, lambda: later, KEPT)
    assert auditor.verify(since=NOW.date() - dt.timedelta(days=30)).findings == []

    Table(dynamodb, name).delete_all(
        [
            (str(ORDER), "C#0000000001"),
            (f"D#{NOW.date()}#{part_of(str(ORDER))}", str(ORDER)),
        ]
    )
    DynamoJournal(dynamodb, name).append([entry("another story")])

    found = auditor.verify(since=NOW.date() - dt.timedelta(days=30)).findings
    assert [(each.fault, each.where) for each in found] == [("changed", "uk:order:30, page 1")]


# --- seals ------------------------------------------------------------------------


def test_what_was_kept_first_stays(seals: Seals) -> None:
    assert seals.put("a", "one") == "one"
    assert seals.put("a", "two") == "one"
    assert seals.get("a") == "one"
    assert seals.first("a").text == "one"
    assert not seals.first("a").touched


def test_what_was_never_kept_is_none(seals: Seals) -> None:
    assert (seals.get("none"), seals.first("none")) == (None, None)


def test_names_are_listed_by_folder_behind_one(seals: Seals) -> None:
    for name in ("manifests/2", "manifests/1", "other/1", "manifests/3"):
        seals.put(name, "x")

    assert list(seals.names("manifests/", after="manifests/1")) == ["manifests/2", "manifests/3"]


def test_an_object_that_was_written_over_shows_its_first_version(aws) -> None:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="written-over", ObjectLockEnabledForBucket=True)
    seals = S3Seals(client, "written-over")
    name = manifest_name(NOW.date())
    seals.put(name, "first")
    client.put_object(Bucket="written-over", Key=name, Body=b"second")

    assert seals.first(name).text == "first"
    assert seals.first(name).touched


def test_an_object_that_was_deleted_shows_its_first_version(aws) -> None:
    client = boto3.client("s3", region_name="us-east-1")
    client.create_bucket(Bucket="deleted", ObjectLockEnabledForBucket=True)
    seals = S3Seals(client, "deleted")
    seals.put("a", "first")
    client.delete_object(Bucket="deleted", Key="a")

    assert seals.get("a") is None
    assert seals.first("a").text == "first"
    assert seals.first("a").touched
