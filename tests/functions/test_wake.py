"""wake: what waits goes back to its queue when its cause is gone."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from accord import bootstrap
from accord.erp.memory.faults import Fault
from accord.erp.memory.ledger import Ledger
from accord.errors import TransientError
from accord.model.change import Change, Ref
from accord.model.stock import Snapshot
from accord.ports.state import Cause, Item, Parked
from accord.state.attention import DynamoAttention
from accord.state.levels import DynamoLevels
from accord.state.waiting import DynamoWaiting
from accord.sync.worker import cause_subject, item_id
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler

CASES = sorted((EVENTS / "wake").glob("*.json"))
SECOND = dt.timedelta(seconds=1)
NOW = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
OUTAGE = Cause("main", "outage")


def park(room: Room, id_: str) -> None:
    """An order that waits until the back office answers, and its item."""
    change = Change(Ref("uk", "order", id_), "order_created", NOW, f"c-{id_}", modified_at=NOW)
    room.of(DynamoWaiting, "waiting").park(
        Parked(change, OUTAGE.connection, OUTAGE.cause, "main is away", NOW, NOW)
    )
    subject = cause_subject(OUTAGE)
    room.of(DynamoAttention, "attention").put(
        Item(item_id(subject, "waiting"), subject, "waiting", "ops", "main is away", NOW, NOW)
    )


def wake(run: Handler) -> None:
    for case in CASES:
        run("wake", json.loads(case.read_text(encoding="utf-8")))


def sent(room: Room) -> list[Any]:
    return [Change.from_json(message["Body"]) for message in room.messages("order_created")]


def test_with_nothing_to_wake_nothing_happens(run: Handler, room: Room, books: Ledger) -> None:
    wake(run)

    assert CASES
    assert sent(room) == []


def test_once_the_back_office_answers_what_waited_is_sent_again(
    run: Handler, room: Room, books: Ledger
) -> None:
    park(room, "30")

    wake(run)

    (change,) = sent(room)
    assert (str(change.ref), change.replay, change.correlation_id) == (
        "uk:order:30",
        "wake",
        "c-30",
    )


def test_while_it_does_not_answer_it_stays(run: Handler, room: Room, books: Ledger) -> None:
    park(room, "30")
    books.faults = lambda _: Fault("unreached")

    wake(run)

    assert sent(room) == []
    assert room.of(DynamoWaiting, "waiting").causes() == [OUTAGE]


def test_to_a_paused_back_office_nothing_goes_back(run: Handler, room: Room, books: Ledger) -> None:
    park(room, "30")
    bootstrap.pauses().begin("main", by="maria")
    wake(run)
    assert sent(room) == []

    bootstrap.pauses().end("main", by="maria")
    wake(run)
    assert len(sent(room)) == 1


def test_what_waits_for_goods_goes_back_when_there_are_more(
    run: Handler, room: Room, books: Ledger
) -> None:
    levels, now = room.of(DynamoLevels, "levels"), dt.datetime.now(dt.UTC)
    levels.observe("main", [Snapshot("MUG", {"MAIN": Decimal(1)}, now - SECOND)])
    change = Change(Ref("uk", "order", "30"), "order_created", now, "c", modified_at=now)
    room.of(DynamoWaiting, "waiting").park(
        Parked(change, "main", "stock:MUG", "3 of MUG, and 1 on hand", now, now)
    )
    wake(run)
    assert sent(room) == []

    levels.observe("main", [Snapshot("MUG", {"MAIN": Decimal(4)}, now)])
    wake(run)
    assert [each.ref.id for each in sent(room)] == ["30"]


def test_an_item_for_which_nothing_waits_any_more_is_closed(
    run: Handler, room: Room, books: Ledger
) -> None:
    park(room, "30")
    waiting = room.of(DynamoWaiting, "waiting")
    parked = waiting.get(Ref("uk", "order", "30"))
    assert parked is not None
    waiting.remove(parked)

    wake(run)

    assert room.of(DynamoAttention, "attention").open() == []


def test_what_passes_by_itself_is_left_to_the_next_run(
    run: Handler,
    room: Room,
    books: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    park(room, "30")
    with monkeypatch.context() as failing:
        failing.setattr(
            DynamoWaiting, "causes", lambda _: (_ for _ in ()).throw(TransientError("throttled"))
        )
        wake(run)
    assert "throttled" in capsys.readouterr().out
    assert room.messages("order_created") == []

    wake(run)
    assert len(room.messages("order_created")) == 1


def test_what_aws_refuses_is_a_fault_of_the_deployment(
    run: Handler, room: Room, books: Ledger
) -> None:
    room.cloud.client("dynamodb").delete_table(TableName=room.tables["waiting"])

    with pytest.raises(Exception, match="Query"):
        wake(run)
