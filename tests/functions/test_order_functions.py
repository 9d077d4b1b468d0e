"""order_created and order_updated: one message in, one end, each failure in its place."""

import datetime as dt
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from accord import bootstrap
from accord.bootstrap import connections, flows
from accord.consumer import UnforeseenError
from accord.erp.memory.faults import Fault
from accord.erp.memory.ledger import Ledger
from accord.local.model_store import ModelStore
from accord.model.change import Change, Ref
from accord.rules.limits import Bears, Limits
from accord.state.attention import DynamoAttention
from accord.state.journal import DynamoJournal
from accord.state.rules_store import DynamoRulesStore
from accord.state.waiting import DynamoWaiting
from tests.conftest import EVENTS
from tests.functions.cloud import Room, record
from tests.functions.conftest import Handler, forget, metrics

HANDLED: dict[str, Any] = {"batchItemFailures": []}
# What becomes of each, where nothing was before: the document's state, None where there is none.
ENDS = {
    "order_created/already_completed": "confirmed",
    "order_created/guest_pending": None,  # not paid, so not ours yet
    "order_created/on_hold_variation": "quotation",
    "order_created/rich": "confirmed",
    "order_updated/completed": "confirmed",
    "order_updated/deleted": None,
    "order_updated/line_added": "quotation",
    "order_updated/processing": "confirmed",
}
RICH = "order_created/rich"


def event_of(case: str) -> dict[str, Any]:
    """The recorded event, as SQS handed it over."""
    event: dict[str, Any] = json.loads((EVENTS / f"{case}.json").read_text(encoding="utf-8"))
    return event


def change_of(event: dict[str, Any]) -> Change:
    return Change.from_json(event["Records"][0]["body"])


@pytest.fixture
def deliver(
    run: Handler, room: Room, books: Ledger, store: ModelStore
) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """The case's message through a real queue: what the function answers, and the record."""

    sendings = itertools.count()

    def one(case: str, *, receives: int = 1, body: str | None = None) -> Any:
        function = case.partition("/")[0]
        sent = event_of(case)["Records"][0]
        change = Change.from_json(sent["body"])
        if change.document is not None:
            store.orders[change.ref.id] = change.document
        room.cloud.client("sqs").send_message(
            QueueUrl=room.queues[function],
            MessageBody=sent["body"] if body is None else body,
            MessageGroupId=sent["attributes"]["MessageGroupId"],
            MessageDeduplicationId=f"sending-{next(sendings)}",
        )
        (message,) = room.messages(function)
        handed = record(message, room.queues[function])
        handed["attributes"]["ApproximateReceiveCount"] = str(receives)
        answer = run(function, {"Records": [handed]})
        if answer == HANDLED:
            room.cloud.client("sqs").delete_message(
                QueueUrl=room.queues[function], ReceiptHandle=handed["receiptHandle"]
            )
        return answer, handed

    return one


Deliver = Callable[..., tuple[Any, dict[str, Any]]]


def failing(books: Ledger, operation: str, kind: str) -> None:
    """From now on ``operation`` of the back office always fails so."""
    books.faults = lambda called: Fault(kind) if called == operation else None  # type: ignore[arg-type]


def just_told(case: str) -> str:
    """The case's message, as if the store had sent it now."""
    body = json.loads(event_of(case)["Records"][0]["body"])
    return json.dumps({**body, "seen_at": dt.datetime.now(dt.UTC).isoformat()})


def test_there_is_an_end_for_every_event() -> None:
    files = (*EVENTS.glob("order_created/*.json"), *EVENTS.glob("order_updated/*.json"))

    assert {f"{path.parent.name}/{path.stem}" for path in files} == ENDS.keys()


@pytest.mark.parametrize("case", ENDS)
def test_every_event_comes_to_its_end(
    deliver: Deliver, room: Room, books: Ledger, case: str
) -> None:
    answer, _ = deliver(case)

    assert answer == HANDLED
    assert [sale["state"] for sale in books.sales()] == ([ENDS[case]] if ENDS[case] else [])
    assert room.of(DynamoAttention, "attention").open() == []
    assert room.of(DynamoWaiting, "waiting").causes() == []


def test_a_fresh_message_costs_the_store_no_read(deliver: Deliver, store: ModelStore) -> None:
    deliver(RICH, body=just_told(RICH))

    assert store.reads == 0


def test_a_message_that_lay_long_is_read_from_the_store(
    deliver: Deliver, store: ModelStore
) -> None:
    deliver(RICH)

    assert store.reads == 1


def test_the_same_message_again_makes_nothing_again(
    deliver: Deliver, books: Ledger, store: ModelStore
) -> None:
    deliver(RICH)
    answer, _ = deliver(RICH, receives=2)

    assert answer == HANDLED
    assert (len(books.sales()), len(store.notes["30"])) == (1, 1)


def test_a_posted_order_is_measured_and_journalled(
    deliver: Deliver, room: Room, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(RICH)

    assert {"OrdersPosted", "OrderPostingSeconds"} <= metrics(capsys.readouterr().out).keys()
    told = room.of(DynamoJournal, "journal").of(Ref("uk", "order", "30"))
    assert [entry.mark for entry in told][0::2][:1] == ["begun"]
    assert told[-1].mark == "ended"
    assert {entry.correlation_id for entry in told} == {change_of(event_of(RICH)).correlation_id}


def test_the_log_names_the_order_and_shows_no_shopper(
    deliver: Deliver, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(RICH)

    out = capsys.readouterr().out
    assert "uk:order:30" in out
    assert "grace@example.com" not in out
    assert "Hopper" not in out


@pytest.mark.parametrize("receives", [1, 2, 3])
def test_what_may_pass_comes_back_and_is_hidden_until_then(
    deliver: Deliver, room: Room, books: Ledger, receives: int
) -> None:
    failing(books, "create", "unreached")

    answer, handed = deliver(RICH, receives=receives)

    assert answer == {"batchItemFailures": [{"itemIdentifier": handed["messageId"]}]}
    assert room.messages("order_created") == []
    assert room.of(DynamoWaiting, "waiting").causes() == []


def test_its_delay_is_said_to_the_queue(
    deliver: Deliver, room: Room, books: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accord import consumer

    failing(books, "create", "unreached")
    delays: list[int] = []
    sqs = consumer._sqs()
    real = sqs.change_message_visibility

    def change_message_visibility(**asked: Any) -> Any:
        delays.append(asked["VisibilityTimeout"])
        return real(**asked)

    monkeypatch.setattr(sqs, "change_message_visibility", change_message_visibility)
    deliver(RICH)

    (delay,) = delays
    assert 2 <= delay <= 5


def test_the_fourth_failure_parks_it(
    deliver: Deliver, room: Room, books: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(books, "create", "unreached")

    answer, _ = deliver(RICH, receives=4)

    assert answer == HANDLED
    assert metrics(capsys.readouterr().out) == {"ChangesParked": 1}
    waiting = room.of(DynamoWaiting, "waiting")
    (cause,) = waiting.causes()
    assert (cause.connection, cause.cause) == ("main", "outage")
    (parked,) = waiting.of(cause)
    assert (str(parked.change.ref), parked.change.document) == ("uk:order:30", None)
    (item,) = room.of(DynamoAttention, "attention").open()
    assert item.count == 1


def test_an_order_of_a_paused_back_office_waits_at_once(
    deliver: Deliver, room: Room, books: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    bootstrap.pauses().begin("main", by="maria")

    answer, _ = deliver(RICH)

    assert answer == HANDLED
    (cause,) = room.of(DynamoWaiting, "waiting").causes()
    assert (cause.connection, cause.cause) == ("main", "paused")
    assert books.sales() == []


def test_an_order_gives_its_slot_and_what_it_did_not_need_back(
    deliver: Deliver, books: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Limits.model_validate({"at_once": 1, "per_minute": 50, "per_day": 500})
    monkeypatch.setattr(connections, "bears", lambda *_: Bears((), limits))

    deliver(RICH)

    usage = bootstrap.guard().meter.usage("main")
    assert usage.slots == {}
    assert 0 < usage.in_day["orders"] < 10
    assert len(books.sales()) == 1


def test_a_refusal_is_a_persons(
    deliver: Deliver, room: Room, books: Ledger, capsys: pytest.CaptureFixture[str]
) -> None:
    failing(books, "create", "refused")

    answer, _ = deliver(RICH)

    assert answer == HANDLED
    assert metrics(capsys.readouterr().out) == {"ChangesAttention": 1}
    (item,) = room.of(DynamoAttention, "attention").open()
    assert item.subject == "uk:order:30"


class TestWhoseTaxIsNotMapped:
    """accord.toml lacks a tax that the order names."""

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        config["stores"]["uk"]["mappings"]["taxes"] = {"19": "VAT 19%"}
        return config

    def test_it_waits_for_the_mapping(
        self,
        deliver: Deliver,
        room: Room,
        books: Ledger,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        answer, _ = deliver(RICH)

        assert answer == HANDLED
        # The second is what an alarm watches: nobody but a person adds a mapping.
        assert metrics(capsys.readouterr().out) == {"ChangesParked": 1, "ChangesAttention": 1}
        assert books.sales() == []
        assert [cause.cause for cause in room.of(DynamoWaiting, "waiting").causes()] != []

    def test_once_it_is_pushed_wake_sends_the_order_back_and_it_is_posted(
        self, deliver: Deliver, run: Handler, room: Room, books: Ledger, config: dict[str, Any]
    ) -> None:
        deliver(RICH)
        run("wake", {})  # sees under which rules it waits
        assert room.messages("order_created") == []

        taxes = {"20": "VAT 20%", "5": "VAT 5%", "0": "VAT 0%"}
        mappings = {**config["stores"]["uk"]["mappings"], "taxes": taxes}
        room.of(DynamoRulesStore, "config").push(
            {"stores": {"uk": {"mappings": mappings}}},
            version=1,
            now=dt.datetime.now(dt.UTC),
            by="tests",
            why="a tax was missing",
        )
        forget()  # a minute later every process has read the new rules
        run("wake", {})
        (message,) = room.messages("order_created")
        answer = run("order_created", {"Records": [record(message, room.queues["order_created"])]})
        run("wake", {})

        assert answer == HANDLED
        assert [sale["state"] for sale in books.sales()] == ["confirmed"]
        assert room.of(DynamoWaiting, "waiting").causes() == []
        assert room.of(DynamoAttention, "attention").open() == []


def test_rules_that_are_pushed_post_what_waits_within_a_minute(
    deliver: Deliver,
    room: Room,
    run: Handler,
    books: Ledger,
    config: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the same processes, which read the rules a moment before they were changed."""
    monkeypatch.setattr(flows, "_RULES_FRESH_S", 0.0)  # five seconds go by
    rules = room.of(DynamoRulesStore, "config")
    uk = config["stores"]["uk"]
    push(rules, 1, {**uk["mappings"], "taxes": {"20": "VAT 20%"}})
    deliver(RICH, body=just_told(RICH))
    run("wake", {})
    assert books.sales() == []

    push(rules, 2, uk["mappings"])
    run("wake", {})
    (message,) = room.messages("order_created")
    run("order_created", {"Records": [record(message, room.queues["order_created"])]})

    assert [sale["state"] for sale in books.sales()] == ["confirmed"]
    assert room.of(DynamoWaiting, "waiting").causes() == []


def push(rules: DynamoRulesStore, version: int, mappings: dict[str, Any]) -> None:
    """The rules of the store, as `accord config push` stores them."""
    content = {"stores": {"uk": {"mappings": mappings}}}
    rules.push(content, version=version, now=dt.datetime.now(dt.UTC), by="ada", why="a new rate")


@pytest.mark.parametrize("body", ["not json", "[]", "{}", '{"ref": "uk:order:30"}'])
def test_a_message_that_cannot_be_read_is_left_to_the_dead_letter_queue(
    deliver: Deliver, room: Room, body: str
) -> None:
    with pytest.raises(UnforeseenError):
        deliver(RICH, body=body)
    assert room.messages("order_created") == []  # hidden, until it is received once more


def test_an_order_of_a_store_that_is_gone_is_a_persons(deliver: Deliver, room: Room) -> None:
    body = just_told(RICH).replace("uk:order:30", "gone:order:30")

    answer, _ = deliver(RICH, body=body)

    assert answer == HANDLED
    (item,) = room.of(DynamoAttention, "attention").open()
    assert (item.subject, item.reason) == ("gone:order:30", "unsupported")


def test_without_the_table_it_comes_back(deliver: Deliver, room: Room) -> None:
    room.cloud.client("dynamodb").delete_table(TableName=room.tables["links"])

    answer, handed = deliver(RICH)

    assert answer == {"batchItemFailures": [{"itemIdentifier": handed["messageId"]}]}
