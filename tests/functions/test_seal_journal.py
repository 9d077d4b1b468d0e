"""seal_journal: what the journal told the day before is put where nobody can change it."""

import datetime as dt
import json

import pytest

from accord import bootstrap
from accord.model.change import Ref
from accord.ports.state import Entry
from accord.state.journal import DynamoJournal
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, metrics

(CASE,) = sorted((EVENTS / "seal_journal").glob("*.json"))
ORDER = Ref("uk", "order", "30")


def seal(run: Handler) -> None:
    run("seal_journal", json.loads(CASE.read_text()))


def tell(room: Room, *, days: int) -> None:
    at = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    room.of(DynamoJournal, "journal").append([Entry(ORDER, at, "ended", "made 1", "c1")])


def test_yesterday_is_sealed_once(
    run: Handler, room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(room, days=2)
    seal(run)
    seal(run)

    bucket = room.environment["ACCORD_AUDIT_BUCKET"]
    names = [each["Key"] for each in _listed(room, bucket)]
    assert len([name for name in names if name.startswith("manifests/")]) >= 7
    assert len([name for name in names if name.startswith("heads/")]) == 1
    assert metrics(capsys.readouterr().out)["JournalUnsealedSeconds"] < 2 * 36 * 3600
    report = bootstrap.auditor().verify(since=dt.date(2026, 1, 1))
    assert (report.refs, report.findings) == (1, [])


def _listed(room: Room, bucket: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = room.cloud.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    return found


def test_what_was_done_to_the_table_since_is_found(run: Handler, room: Room) -> None:
    tell(room, days=2)
    seal(run)
    client = room.cloud.client("dynamodb")
    key = {"pk": {"S": str(ORDER)}, "sk": {"S": "C#0000000001"}}
    item = client.get_item(TableName=room.tables["journal"], Key=key)["Item"]
    item["text"]["S"] = item["text"]["S"].replace("made 1", "made 2")
    client.put_item(TableName=room.tables["journal"], Item=item)

    (finding,) = bootstrap.auditor().verify(since=dt.date(2026, 1, 1)).findings
    assert (finding.fault, finding.where) == ("changed", "uk:order:30, page 1")


def test_a_bucket_that_does_not_answer_is_the_schedules_to_try_again(
    run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCORD_AUDIT_BUCKET", "not-there")

    with pytest.raises(Exception, match="ListObjectsV2"):
        seal(run)
