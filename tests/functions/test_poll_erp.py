"""poll_erp: what changed in the back office is queued for the functions that carry it on."""

import json
import time
from typing import Any

import pytest

from accord import bootstrap
from accord.bootstrap import connections
from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Fault
from accord.erp.memory.ledger import Ledger
from accord.errors import PermanentError, RateLimitedError, UnauthorizedError
from accord.local.model_store import ModelStore
from accord.model.change import Change
from accord.ports.limits import FAILURES
from accord.rules.limits import Bears, Limits
from accord.state.attention import DynamoAttention
from accord.sync.poll import Polled
from infra.events import POLLED
from tests.conftest import EVENTS
from tests.functions.cloud import Room
from tests.functions.conftest import Handler, metrics
from tests.functions.test_life_functions import placed

FUNCTION = "poll_erp"
HINTED = "hinted"  # what its queue hands over; the others are what its schedules say
CASES = sorted({path.stem for path in (EVENTS / FUNCTION).glob("*.json")} - {HINTED})


def poll(run: Handler, *cases: str) -> None:
    for case in cases or CASES:
        run(FUNCTION, json.loads((EVENTS / FUNCTION / f"{case}.json").read_text(encoding="utf-8")))


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    uk = config["stores"]["uk"]
    uk["flows"] = dict.fromkeys(uk["flows"], "on")
    return config


def test_there_is_an_event_for_every_kind() -> None:
    assert sorted(POLLED) == CASES


def test_where_nothing_changed_nothing_is_queued(
    run: Handler, room: Room, books: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    poll(run)

    assert [message for event in room.queues for message in room.messages(event)] == []
    assert metrics(capsys.readouterr().out) == {}


@pytest.mark.parametrize(
    ("kind", "event"), [("shipment", "order_fulfilled"), ("invoice", "invoice_posted")]
)
def test_what_happened_there_is_queued_for_its_order(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    capsys: pytest.CaptureFixture[str],
    kind: str,
    event: str,
) -> None:
    sale = placed(run, room, store).erp
    assert sale is not None
    people = Memory(books.call)
    people.ship(sale)
    people.post_invoice(sale)
    capsys.readouterr()

    poll(run, kind)

    (message,) = room.messages(event)
    change = Change.from_json(message["Body"])
    assert (change.ref.kind, str(change.aggregate)) == (kind, "uk:order:30")
    assert message["Attributes"]["MessageGroupId"] == "uk:order:30"


def test_news_are_counted_by_their_kind(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sale = placed(run, room, store).erp
    assert sale is not None
    Memory(books.call).ship(sale)
    capsys.readouterr()

    poll(run, "shipment")

    (line,) = [each for each in capsys.readouterr().out.splitlines() if '"_aws"' in each]
    told = json.loads(line)
    assert (told["ErpNews"], told["kind"]) == ([1.0], "shipment")
    (dimensions,) = told["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    assert sorted(dimensions) == ["kind", "stage"]


def test_a_back_office_that_does_not_answer_is_asked_again_and_counted(
    run: Handler, room: Room, books: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    books.faults = lambda _: Fault("unreached")

    poll(run, "shipment")

    assert metrics(capsys.readouterr().out) == {"ErpPollsBehind": 1}


class Refused:
    """A poller that is told "too many" so many times, and to wait for ``retry_after`` seconds."""

    def __init__(self, times: int, retry_after: float | None) -> None:
        self.times, self.retry_after = times, retry_after

    def run(self, *_: object, **__: object) -> Polled:
        if self.times:
            self.times -= 1
            raise RateLimitedError("no slot", retry_after=self.retry_after, connection="main")
        return Polled(1, 1, behind=False)


@pytest.mark.parametrize(
    ("times", "retry_after", "slept", "told"),
    [
        (2, 5.0, 2, {"ErpNews": 1}),
        (3, 5.0, 2, {"ErpPollsBehind": 1}),
        (1, 11.0, 0, {"ErpPollsBehind": 1}),
        (1, None, 0, {"ErpPollsBehind": 1}),
    ],
)
def test_where_there_is_no_slot_it_tries_again_soon(
    run: Handler,
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    times: int,
    retry_after: float | None,
    slept: int,
    told: dict[str, float],
) -> None:
    refused, waits = Refused(times, retry_after), list[float]()
    monkeypatch.setattr(bootstrap, "poller", lambda _: refused)
    monkeypatch.setattr(time, "sleep", waits.append)

    poll(run, "shipment")

    assert metrics(capsys.readouterr().out) == told
    assert len(waits) == slept
    assert all(5 <= wait < 6 for wait in waits)


def test_a_sweep_is_asked_for_though_the_back_office_is_paused(
    run: Handler, room: Room, books: Ledger
) -> None:
    bootstrap.pauses().begin("main", by="maria")
    run(FUNCTION, {"erp": "main", "kind": "stock"})
    assert bootstrap.control().get("sweep:main:stock") is None

    run(FUNCTION, {"erp": "main", "kind": "stock", "sweep": True})

    assert bootstrap.control().get("sweep:main:stock") is not None


class Behind:
    """A poller whose time was up."""

    def run(self, *_: object, **__: object) -> Polled:
        return Polled(100, 100, behind=True)


def test_more_than_a_run_can_read_is_counted(
    run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bootstrap, "poller", lambda _: Behind())

    poll(run, "shipment")

    assert metrics(capsys.readouterr().out) == {"ErpNews": 100, "ErpPollsBehind": 1}


def test_a_password_that_is_refused_is_asked_about_once_and_no_crash(
    run: Handler, room: Room, books: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    books.faults = lambda _: Fault("unauthorized")

    for _ in range(2):
        poll(run)
        run("wake", {})

    (item,) = room.of(DynamoAttention, "attention").open()
    assert (item.subject, item.reason) == ("waiting:main:unauthorized", "unauthorized")
    assert metrics(capsys.readouterr().out) == {"ChangesAttention": 1}

    books.faults = lambda _: None
    connections.let_go("main")  # as `accord connect` does
    poll(run, "shipment")
    assert room.of(DynamoAttention, "attention").open() == []


def test_a_right_that_lacks_for_one_kind_is_asked_about_until_that_kind_is_read(
    run: Handler, room: Room, books: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = UnauthorizedError("main does not show shipments to us", connection="main")
    error.is_narrow = True
    with monkeypatch.context() as failing:
        failing.setattr(bootstrap, "poller", lambda _: Fails(error))
        poll(run, "shipment")
    poll(run, "invoice")

    (item,) = room.of(DynamoAttention, "attention").open()
    assert (item.subject, item.reason, item.owner) == ("look:main", "forbidden", "ops")

    poll(run, "shipment")
    assert room.of(DynamoAttention, "attention").open() == []


class Fails:
    """A poller whose run ends so."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self, *_: object, **__: object) -> Polled:
        raise self._error


def test_a_bug_is_a_crash(run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "poller", lambda _: Fails(KeyError("state")))

    with pytest.raises(KeyError):
        poll(run, "shipment")


def test_a_back_office_that_left_the_configuration_is_said_so(run: Handler, room: Room) -> None:
    with pytest.raises(PermanentError, match="no back office named 'gone'"):
        run(FUNCTION, {"erp": "gone", "kind": "shipment"})


def test_a_paused_back_office_is_not_asked_and_nothing_is_behind(
    run: Handler, room: Room, books: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.pauses().begin("main", by="maria")
    asked: list[str] = []
    books.faults = asked.append
    capsys.readouterr()

    poll(run)

    printed = capsys.readouterr().out
    assert asked == []
    assert metrics(printed) == {}
    assert "paused by maria" in printed


def test_polls_stop_at_the_day_limit_and_count_as_behind(
    run: Handler,
    room: Room,
    books: Ledger,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    limits = Limits.model_validate({"per_day": 3, "shares": {"orders": "0.34"}})
    monkeypatch.setattr(connections, "bears", lambda *_: Bears((), limits))
    asked: list[str] = []
    books.faults = asked.append

    poll(run, *["shipment"] * 5)

    assert len(asked) == 2  # of three, one is kept for orders
    assert metrics(capsys.readouterr().out) == {"ErpPollsBehind": 3}
    assert room.of(DynamoAttention, "attention").open() == []


def test_a_back_office_that_is_away_is_soon_left_alone(
    run: Handler, room: Room, books: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def away(operation: str) -> Fault:
        asked.append(operation)
        return Fault("unreached")

    books.faults = away
    poll(run, *["shipment"] * 8)

    assert len(asked) == FAILURES["outage"]
    assert metrics(capsys.readouterr().out)["ErpPollsBehind"] == 8


# --- hints ----------------------------------------------------------------------


def hinted(run: Handler, **changes: str) -> list[str]:
    """The ids of the messages that stay; ``changes`` are to what the hint says."""
    event = json.loads((EVENTS / FUNCTION / f"{HINTED}.json").read_text(encoding="utf-8"))
    (record,) = event["Records"]
    record["body"] = json.dumps(json.loads(record["body"]) | changes)
    answer = run(FUNCTION, event)
    return [each["itemIdentifier"] for each in answer["batchItemFailures"]]


def test_a_hint_is_a_look_of_its_own(
    run: Handler, room: Room, books: Ledger, store: ModelStore
) -> None:
    sale = placed(run, room, store).erp
    assert sale is not None
    Memory(books.call).ship(sale)

    assert hinted(run) == []

    (message,) = room.messages("order_fulfilled")
    assert str(Change.from_json(message["Body"]).aggregate) == "uk:order:30"


class Busy:
    """A poller while another run of it is under way."""

    def run(self, *_: object, **__: object) -> Polled:
        return Polled(0, 0, behind=False, busy=True)


def test_a_hint_that_comes_while_a_run_is_under_way_comes_again(
    run: Handler, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "poller", lambda _: Busy())

    assert len(hinted(run)) == 1


def test_a_hint_of_a_back_office_that_does_not_answer_comes_again(
    run: Handler, room: Room, books: Ledger
) -> None:
    books.faults = lambda _: Fault("unreached")

    assert len(hinted(run)) == 1


def test_a_hint_of_a_paused_back_office_is_dropped(run: Handler, room: Room, books: Ledger) -> None:
    bootstrap.pauses().begin("main", by="maria")
    books.faults = lambda _: pytest.fail("it was asked")

    assert hinted(run) == []


@pytest.mark.parametrize("erp", ["main", "gone"])
def test_what_a_person_must_mend_is_left_to_the_schedule_to_tell(
    run: Handler, room: Room, books: Ledger, erp: str, capsys: pytest.CaptureFixture[str]
) -> None:
    books.faults = lambda _: Fault("unauthorized")

    assert hinted(run, erp=erp) == []
    assert "hint dropped" in capsys.readouterr().out


def test_a_hint_of_what_the_back_office_does_not_tell_of_asks_nothing(
    run: Handler, room: Room, books: Ledger
) -> None:
    books.faults = lambda _: pytest.fail("it was asked")

    assert hinted(run, kind="payment") == []
