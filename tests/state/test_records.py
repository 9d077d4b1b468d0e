"""Payloads, journal, control and rules."""

import datetime as dt
from collections.abc import Callable

import boto3
import pytest

from accord.errors import StaleVersionError
from accord.model.change import Ref
from accord.ports.state import Control, Entry, Journal, Payloads, RulesStore
from accord.state.control import DynamoControl
from accord.state.dynamo import Table
from accord.state.journal import DynamoJournal
from accord.state.memory import MemoryControl, MemoryJournal, MemoryPayloads, MemoryRulesStore
from accord.state.payloads import S3Payloads
from accord.state.rules_store import DynamoRulesStore

ORDER = Ref("uk", "order", "30")


# --- payloads ----------------------------------------------------------------


@pytest.fixture
def payloads(either) -> Payloads:
    def in_s3(*_: object) -> Payloads:
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="payloads")
        return S3Payloads(client, "payloads")

    return either(MemoryPayloads, in_s3)


def test_a_payload_is_found_under_its_name(payloads: Payloads) -> None:
    name = payloads.put("attention/i1.json", {"sent": {"name": "Zoë \ud83d"}, "body": [1, None]})

    assert payloads.get(name) == {"sent": {"name": "Zoë \ud83d"}, "body": [1, None]}


def test_a_payload_that_is_not_there_is_none(payloads: Payloads) -> None:
    assert payloads.get("attention/none.json") is None


def test_a_payload_put_again_is_replaced(payloads: Payloads) -> None:
    payloads.put("a", 1)
    payloads.put("a", 2)

    assert payloads.get("a") == 2


def test_the_names_in_a_folder_are_told(payloads: Payloads) -> None:
    for name in ("letters/b.json", "letters/a.json", "letters-2/c.json", "documents/d"):
        payloads.put(name, 1)

    assert payloads.names("letters") == ["letters/a.json", "letters/b.json"]
    assert payloads.names("none") == []


def test_more_names_than_one_answer_holds_are_all_told() -> None:
    class Bucket:
        """Two names, one an answer."""

        def list_objects_v2(self, **asked: str) -> dict[str, object]:
            if "ContinuationToken" not in asked:
                more = {"IsTruncated": True, "NextContinuationToken": "2"}
                return {"Contents": [{"Key": "attention/a"}], **more}
            return {"Contents": [{"Key": "attention/b"}], "IsTruncated": False}

    assert S3Payloads(Bucket(), "payloads").names("attention") == ["attention/a", "attention/b"]


# --- journal -----------------------------------------------------------------


@pytest.fixture
def journal(either) -> Journal:
    return either(MemoryJournal, DynamoJournal)


@pytest.fixture
def entry(later) -> Callable[..., Entry]:
    def make(text: str, *, at: float = 0, ref: Ref = ORDER) -> Entry:
        return Entry(ref, later(seconds=at), "step", text, "c1", {"total": "12.50", "n": 1})

    return make


def texts(journal: Journal) -> list[str]:
    return [one.text for one in journal.of(ORDER)]


def test_what_was_appended_is_what_is_read(journal: Journal, entry) -> None:
    journal.append([entry("create")])

    assert list(journal.of(ORDER)) == [entry("create")]


def test_a_ref_without_a_story_has_none(journal: Journal) -> None:
    assert list(journal.of(ORDER)) == []


def test_a_story_is_read_oldest_first(journal: Journal, entry) -> None:
    journal.append([entry("late", at=9)])
    journal.append([entry("early", at=1)])

    assert texts(journal) == ["early", "late"]


def test_entries_of_one_moment_keep_their_order(journal: Journal, entry) -> None:
    journal.append([entry(f"{n}") for n in range(12)])
    journal.append([entry(f"{n}") for n in range(12, 24)])

    assert texts(journal) == [str(n) for n in range(24)]


def test_entries_of_one_call_keep_their_order_even_if_a_clock_went_back(
    journal: Journal, entry
) -> None:
    journal.append([entry("first", at=5), entry("second", at=4), entry("third", at=6)])

    assert texts(journal) == ["first", "second", "third"]


def test_equal_entries_are_all_kept(journal: Journal, entry) -> None:
    journal.append([entry("begun")])
    journal.append([entry("begun")])

    assert texts(journal) == ["begun", "begun"]


def test_each_ref_has_its_own_story(journal: Journal, entry) -> None:
    journal.append([entry("mine"), entry("theirs", ref=Ref("uk", "order", "31"))])

    assert texts(journal) == ["mine"]


def test_more_entries_than_one_request_takes(journal: Journal, entry) -> None:
    journal.append([entry(str(n), at=n) for n in range(60)])

    assert texts(journal) == [str(n) for n in range(60)]


def test_nothing_to_append_is_nothing_to_do(journal: Journal) -> None:
    journal.append([])

    assert texts(journal) == []


def test_what_a_batch_left_over_is_sent_again(dynamodb, table, monkeypatch) -> None:
    class Reluctant:
        """Takes three items of each request."""

        def batch_write_item(self, *, RequestItems):  # noqa: N803
            (name, items), *_ = RequestItems.items()
            dynamodb.batch_write_item(RequestItems={name: items[:3]})
            return {"UnprocessedItems": {name: items[3:]} if items[3:] else {}}

    monkeypatch.setattr("accord.state.dynamo.time.sleep", lambda _: None)
    name = table()

    Table(Reluctant(), name).put_all([{"pk": "p", "sk": str(n)} for n in range(9)])

    assert [item["sk"] for item in Table(dynamodb, name).query("p")] == [str(n) for n in range(9)]


def test_an_entry_expires_after_a_year_and_a_month(dynamodb, table, entry, later) -> None:
    name = table()
    DynamoJournal(dynamodb, name).append([entry("begun")])

    (item,) = dynamodb.query(
        TableName=name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": str(ORDER)}},
    )["Items"]

    assert item["expires_at"] == {"N": str(int(later(days=400).timestamp()))}


# --- control -----------------------------------------------------------------


@pytest.fixture
def control(either) -> Control:
    return either(MemoryControl, DynamoControl)


def test_a_value_that_was_never_put_is_none(control: Control) -> None:
    assert control.get("epoch") is None


def test_a_value_has_a_version(control: Control) -> None:
    assert control.put("epoch", "1", version=None) == 1
    assert control.get("epoch") == ("1", 1)


def test_a_value_is_replaced_at_the_version_read(control: Control) -> None:
    version = control.put("epoch", "1", version=None)

    assert control.put("epoch", "2", version=version) == 2
    assert control.get("epoch") == ("2", 2)


@pytest.mark.parametrize("version", [None, 1, 3])
def test_a_value_that_was_written_since_is_not_replaced(control: Control, version) -> None:
    control.put("epoch", "2", version=control.put("epoch", "1", version=None))

    with pytest.raises(StaleVersionError):
        control.put("epoch", "9", version=version)


def test_a_value_that_is_not_there_has_no_version(control: Control) -> None:
    with pytest.raises(StaleVersionError):
        control.put("epoch", "1", version=1)


# --- rules -------------------------------------------------------------------


@pytest.fixture
def rules(either) -> RulesStore:
    return either(MemoryRulesStore, DynamoRulesStore)


def push(rules: RulesStore, version: int, content: dict) -> None:
    now = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    rules.push(content, version=version, now=now, by="ann", why="new tax code")


def test_without_a_version_only_the_file_holds(rules: RulesStore) -> None:
    assert rules.latest() is None


def test_the_newest_version_holds(rules: RulesStore) -> None:
    for version in range(1, 12):
        push(rules, version, {"taxes": {"20": f"V{version}"}})

    assert rules.latest() == (11, {"taxes": {"20": "V11"}})


def test_a_version_is_written_once(rules: RulesStore) -> None:
    push(rules, 1, {})

    with pytest.raises(StaleVersionError):
        push(rules, 1, {"taxes": {}})


def test_who_changed_the_rules_and_why_is_kept(rules: RulesStore) -> None:
    push(rules, 1, {})

    (version,) = rules.versions()

    assert (version.number, version.by, version.why) == (1, "ann", "new tax code")
    assert version.at == dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def test_all_versions_are_told_the_oldest_first(rules: RulesStore) -> None:
    for version in range(1, 12):
        push(rules, version, {"taxes": {"20": f"V{version}"}})

    found = rules.versions()

    assert [each.number for each in found] == list(range(1, 12))
    assert found[1].content == {"taxes": {"20": "V2"}}


def test_without_a_push_there_is_no_version(rules: RulesStore) -> None:
    assert list(rules.versions()) == []
