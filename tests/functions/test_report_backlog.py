"""report_backlog: how long things wait and whose turn it is, as metrics; zeros too."""

import json
from typing import Any

import pytest

from accord.bootstrap import rules
from accord.errors import TransientError
from accord.model.change import Ref
from accord.ports.state import Seen
from accord.rules.config import Config
from accord.state.attention import DynamoAttention
from accord.state.links import DynamoLinks
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler
from tests.functions.test_alarms_ring import ago, ask, park

(CASE,) = sorted((EVENTS / "report_backlog").glob("*.json"))


def told(out: str) -> dict[tuple[str, ...], float]:
    """(metric, store, kind) → value."""
    found: dict[tuple[str, ...], float] = {}
    for line in out.splitlines():
        if '"_aws"' not in line:
            continue
        document: dict[str, Any] = json.loads(line)
        for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
            name = metric["Name"]
            about = tuple(document[key] for key in ("store", "kind") if key in document)
            (found[name, *about],) = document[name]
    return found


@pytest.fixture
def reported(run: Handler, room: Room, capsys: pytest.CaptureFixture[str]):
    def report() -> dict[tuple[str, ...], float]:
        capsys.readouterr()
        run("report_backlog", json.loads(CASE.read_text()))
        return told(capsys.readouterr().out)

    return report


def test_where_nothing_waits_zeros_are_told(reported) -> None:
    found = reported()

    assert found["OldestUnpostedOrderSeconds", "uk"] == 0
    assert found["Waiting", "uk"] == 0
    assert found["AttentionOpen", "uk"] == 0
    assert found["AttentionOpen", "uk", "finance"] == 0


def test_what_waits_is_counted_and_the_oldest_tells_how_late_it_is(room: Room, reported) -> None:
    park(room, Ref("uk", "order", "30"), hours=2)
    park(room, Ref("uk", "order", "31"), hours=5)
    park(room, Ref("uk", "refund", "32"), hours=1)

    found = reported()
    assert found["Waiting", "uk"] == 3
    assert found["OldestUnpostedOrderSeconds", "uk"] == pytest.approx(5 * 3600, abs=60)
    assert found["OldestUnpostedRefundSeconds", "uk"] == pytest.approx(3600, abs=60)


def test_an_order_that_waits_and_is_in_the_books_is_not_late(room: Room, reported) -> None:
    links: DynamoLinks = room.of(DynamoLinks, "links")
    ref = Ref("uk", "order", "31")
    link = links.acquire(
        ref, key="uk-31", owner="a", now=ago(), until=ago(hours=-1), seen=Seen(None)
    )
    from dataclasses import replace

    links.save(replace(link, erp=Ref("main", "sales_order", "1")))
    park(room, ref, hours=5)

    found = reported()
    assert found["Waiting", "uk"] == 1
    assert found["OldestUnpostedOrderSeconds", "uk"] == 0


def test_whose_turn_it_is_is_told_by_desk(room: Room, reported) -> None:
    for owner in ("finance", "ops"):
        ask(room.of(DynamoAttention, "attention"), owner)

    found = reported()
    assert found["AttentionOpen", "uk"] == 2
    assert found["AttentionOpen", "uk", "finance"] == 1
    assert found["AttentionOpen", "uk", "warehouse"] == 0


def test_rules_that_do_not_fit_hide_nothing(
    room: Room, reported, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was pushed and does not fit stops the flows; whose turn it is is told all the same."""

    def misfit() -> Config:
        raise TransientError("version 3 of the rules does not fit", reason="rules")

    ask(room.of(DynamoAttention, "attention"), "ops")
    monkeypatch.setattr(rules, "config", misfit)

    assert reported()["AttentionOpen", "uk", "ops"] == 1


def test_a_table_that_does_not_answer_is_the_schedules_to_try_again(
    room: Room, run: Handler
) -> None:
    room.cloud.client("dynamodb").delete_table(TableName=room.tables["waiting"])

    with pytest.raises(Exception, match="Query"):
        run("report_backlog", {})
