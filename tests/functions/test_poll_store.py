"""poll_store: what no webhook told of is queued for the functions that carry it on."""

import datetime as dt
import json
from typing import Any

import pytest

from accord import bootstrap
from accord.bootstrap import tables
from accord.errors import (
    OutageError,
    PermanentError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    WaitingError,
)
from accord.local.model_store import ModelStore
from accord.model.change import Change
from accord.sync.poll_store import Polled
from tests.conftest import EVENTS, order_json
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, metrics

FUNCTION = "poll_store"
AHEAD = PermanentError("its clock is ahead", reason="cursor_ahead", owner="ops")
EVENT = json.loads((EVENTS / FUNCTION / "uk.json").read_text(encoding="utf-8"))


def placed(store: ModelStore, ago: dt.timedelta, **fields: Any) -> None:
    """An order that a shopper placed ``ago``, and that no webhook tells of."""
    at = (dt.datetime.now(dt.UTC) - ago).replace(tzinfo=None).isoformat(timespec="seconds")
    order = order_json("order_created_rich") | {"date_modified_gmt": at, "date_created_gmt": at}
    store.orders["30"] = order | fields


def test_an_order_that_no_webhook_told_of_is_queued_and_counted(
    run: Handler, room: Room, store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    placed(store, dt.timedelta(minutes=5))

    run(FUNCTION, EVENT)

    (message,) = room.messages("order_created")
    change = Change.from_json(message["Body"])
    assert str(change.ref) == "uk:order:30"
    assert change.document is not None
    assert message["Attributes"]["MessageGroupId"] == "uk:order:30"
    assert metrics(capsys.readouterr().out) == {"OrdersRecovered": 1}


def test_read_again_it_is_not_queued_again(
    run: Handler, room: Room, store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    placed(store, dt.timedelta(minutes=5))
    run(FUNCTION, EVENT)
    assert room.messages("order_created")
    capsys.readouterr()

    run(FUNCTION, EVENT)

    assert room.messages("order_created") == []
    assert metrics(capsys.readouterr().out) == {}


def test_where_nothing_changed_nothing_is_queued(
    run: Handler, room: Room, store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    run(FUNCTION, EVENT)

    assert [message for event in room.queues for message in room.messages(event)] == []
    assert metrics(capsys.readouterr().out) == {}


class Fails:
    """A poller whose run ends so."""

    def __init__(self, end: Exception | Polled, *, recovered: int = 0) -> None:
        self._end, self._recovered = end, recovered

    def run(self, *, polled: Polled, **_: object) -> Polled:
        if isinstance(self._end, Exception):
            polled.recovered = self._recovered
            raise self._end
        polled.behind, polled.busy = self._end.behind, self._end.busy
        return polled


@pytest.mark.parametrize(
    ("end", "counted"),
    [
        (UnavailableError("off", connection="uk"), {"StorePollsBehind": 1}),
        (OutageError("off", connection="uk"), {"StorePollsBehind": 1}),
        (Polled(behind=True), {"StorePollsBehind": 1}),
        (WaitingError("paused", connection="uk", causes=("paused",)), {}),
    ],
)
def test_a_store_that_is_not_read_to_its_end_is_counted_unless_somebody_meant_it(
    run: Handler,
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: Exception | Polled,
    counted: dict[str, float],
) -> None:
    monkeypatch.setattr(bootstrap, "store_poller", lambda _: Fails(end))

    run(FUNCTION, EVENT)

    assert metrics(capsys.readouterr().out) == counted


@pytest.mark.parametrize(
    ("end", "subject"),
    [
        (UnauthorizedError("no key", connection="uk"), "waiting:uk:unauthorized"),
        (AHEAD, "clock:uk"),
        (RejectedError("there is no such list"), "look:uk"),
    ],
)
def test_what_a_person_must_mend_is_asked_once_and_no_crash(
    run: Handler,
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    end: Exception,
    subject: str,
) -> None:
    with monkeypatch.context() as failing:
        failing.setattr(bootstrap, "store_poller", lambda _: Fails(end))
        for _ in range(3):
            run(FUNCTION, EVENT)
            run("wake", {})
    (item,) = tables.attention().open()
    assert (item.subject, item.owner) == (subject, "ops")
    assert metrics(capsys.readouterr().out) == {"ChangesAttention": 1}

    monkeypatch.setattr(bootstrap, "store_poller", lambda _: Fails(Polled(busy=True)))
    run(FUNCTION, EVENT)
    monkeypatch.setattr(bootstrap, "store_poller", lambda _: Fails(Polled(behind=True)))
    run(FUNCTION, EVENT)
    assert tables.attention().open() != []  # neither saw all
    monkeypatch.setattr(bootstrap, "store_poller", lambda _: Fails(Polled()))
    run(FUNCTION, EVENT)
    assert tables.attention().open() == []


def test_an_order_of_the_future_is_carried_and_its_clock_is_asked_about(
    run: Handler, room: Room, store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> None:
    placed(store, dt.timedelta(hours=-3))

    for _ in range(2):
        run(FUNCTION, EVENT)

    assert room.messages("order_created") != []
    (item,) = tables.attention().open()
    assert (item.subject, item.reason) == ("clock:uk", "cursor_ahead")
    assert metrics(capsys.readouterr().out) == {"OrdersRecovered": 1, "ChangesAttention": 1}

    placed(store, dt.timedelta(minutes=5))  # somebody saved it with the clock set right
    run(FUNCTION, EVENT)
    assert tables.attention().open() == []


def test_a_bug_is_a_crash(run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "store_poller", lambda _: Fails(KeyError("status")))

    with pytest.raises(KeyError):
        run(FUNCTION, EVENT)


def test_a_store_that_left_the_configuration_is_said_so(run: Handler, room: Room) -> None:
    with pytest.raises(PermanentError, match="no store named 'gone'"):
        run(FUNCTION, {"store": "gone"})


def test_what_was_found_before_a_part_failed_is_counted(
    run: Handler,
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bootstrap, "store_poller", lambda _: Fails(AHEAD, recovered=2))

    run(FUNCTION, EVENT)

    assert metrics(capsys.readouterr().out)["OrdersRecovered"] == 2
