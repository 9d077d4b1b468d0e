"""What becomes of an order later, and of its shopper: one message in, one end."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Fault
from accord.erp.memory.ledger import Ledger
from accord.local.model_store import ModelStore
from accord.model.change import Change, Ref
from accord.model.documents import Kind
from accord.model.money import Money
from accord.ports.state import Link
from accord.state.attention import DynamoAttention
from accord.state.journal import DynamoJournal
from accord.state.links import DynamoLinks
from accord.state.waiting import DynamoWaiting
from tests.conftest import EVENTS, order_json
from tests.functions.cloud import Room, record
from tests.functions.conftest import Handler, metrics

HANDLED: dict[str, Any] = {"batchItemFailures": []}
ORDER = Ref("uk", "order", "30")
FOLDERS = (
    "refund_issued",
    "order_fulfilled",
    "invoice_posted",
    "order_changed_in_erp",
    "customer_changed",
)
CASES = sorted(
    f"{path.parent.name}/{path.stem}"
    for folder in FOLDERS
    for path in (EVENTS / folder).glob("*.json")
)
RICH = order_json("order_created_rich")


def event_of(case: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{case}.json").read_text(encoding="utf-8"))
    return event


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    """Every flow is on, and what is printed is kept."""
    uk = config["stores"]["uk"]
    uk["flows"] = dict.fromkeys(uk["flows"], "on")
    uk["invoices"] = {**uk.get("invoices", {}), "note": "Invoice {number}: {url}", "link": True}
    return config


@pytest.fixture
def deliver(run: Handler, room: Room) -> Callable[..., Any]:
    """The case's event handed to its function, with what a test changes in its message."""

    def one(case: str, *, receives: int = 1, **changes: Any) -> Any:
        event = event_of(case)
        (sent,) = event["Records"]
        sent["body"] = json.dumps({**json.loads(sent["body"]), **changes})
        sent["attributes"]["ApproximateReceiveCount"] = str(receives)
        return run(case.partition("/")[0], event)

    return one


Deliver = Callable[..., Any]


def placed(run: Handler, room: Room, store: ModelStore) -> Link:
    """The order of the recorded deliveries is in the books."""
    store.orders["30"] = RICH
    run("order_created", event_of("order_created/rich"))
    link = room.of(DynamoLinks, "links").get(ORDER)
    assert link is not None
    assert link.erp is not None
    return link


@pytest.fixture
def sale(
    run: Handler, room: Room, books: Ledger, store: ModelStore, capsys: pytest.CaptureFixture[str]
) -> Ref:
    found = placed(run, room, store).erp
    assert found is not None
    capsys.readouterr()
    return found


@pytest.fixture
def people(books: Ledger) -> Memory:
    """What people do in the back office."""
    return Memory(books.call)


@pytest.mark.parametrize("case", CASES)
def test_every_event_is_handled_where_nothing_is_known_of_its_order(
    deliver: Deliver, room: Room, books: Ledger, store: ModelStore, case: str
) -> None:
    assert deliver(case) == HANDLED


@pytest.mark.parametrize("case", CASES)
def test_every_event_is_handled_where_its_order_is_in_the_books(
    deliver: Deliver, room: Room, sale: Ref, store: ModelStore, case: str
) -> None:
    assert deliver(case) == HANDLED
    assert room.of(DynamoAttention, "attention").open() == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_there_is_an_event_for_every_function(folder: str) -> None:
    assert any(case.startswith(f"{folder}/") for case in CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_message_is_grouped_by_what_it_is_a_part_of(case: str) -> None:
    (sent,) = event_of(case)["Records"]
    assert sent["attributes"]["MessageGroupId"] == Change.from_json(sent["body"]).group


# --- refunds ---------------------------------------------------------------------


def refunded(store: ModelStore) -> str:
    """The id of a refund of five pounds, which the store made."""
    found, _ = store.get_order("30") or ({}, "")
    order = store.order(found)
    return store.create_refund(order, Money(Decimal("5.00"), order.total.currency), reason="")


def test_a_refund_that_the_order_shows_is_queued_for_its_function(
    run: Handler, room: Room, sale: Ref, store: ModelStore
) -> None:
    id_ = refunded(store)
    event = event_of("order_updated/processing")
    (sent,) = event["Records"]
    body = {**json.loads(sent["body"]), "ref": "uk:order:30", "document": None, "digest": "new"}
    sent["body"] = json.dumps(body)

    run("order_updated", event)

    (message,) = room.messages("refund_issued")
    change = Change.from_json(message["Body"])
    assert (change.ref, change.aggregate) == (Ref("uk", "refund", id_), ORDER)
    assert message["Attributes"]["MessageGroupId"] == "uk:order:30"


def test_a_refund_becomes_a_credit_note(
    deliver: Deliver,
    sale: Ref,
    store: ModelStore,
    people: Memory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    id_ = refunded(store)

    assert deliver("refund_issued/of_lines", ref=f"uk:refund:{id_}") == HANDLED

    progress = people.progress(sale)
    assert progress is not None
    notes = [each for each in progress.invoices if each.kind is Kind.CREDIT_NOTE]
    assert [str(each.totals.gross) for each in notes] == ["5.00 GBP"]
    assert metrics(capsys.readouterr().out).keys() == {"RefundPostingSeconds"}


def test_a_refund_of_an_order_that_is_not_in_the_books_waits_for_it(
    deliver: Deliver, room: Room, books: Ledger, store: ModelStore
) -> None:
    store.orders["30"] = {**RICH, "status": "pending"}
    id_ = refunded(store)

    deliver("refund_issued/of_lines", ref=f"uk:refund:{id_}")

    waiting = room.of(DynamoWaiting, "waiting")
    (cause,) = waiting.causes()
    assert [str(each.change.ref) for each in waiting.of(cause)] == [f"uk:refund:{id_}"]


# --- what the back office tells ------------------------------------------------------


def test_what_was_shipped_reaches_the_store(
    deliver: Deliver, sale: Ref, store: ModelStore, people: Memory
) -> None:
    people.ship(sale, tracking="TR1", carrier="DHL")

    assert deliver("order_fulfilled/shipped") == HANDLED

    assert any("TR1" in note for note in store.notes["30"])


def test_an_invoice_reaches_the_store_with_an_address_that_opens_it(
    deliver: Deliver, run: Handler, sale: Ref, store: ModelStore, people: Memory
) -> None:
    people.post_invoice(sale)

    assert deliver("invoice_posted/posted") == HANDLED

    (token,) = {
        found[1]
        for note in store.notes["30"]
        if (found := re.search(r"https://hooks\.example/documents/(\S+)", note))
    }
    request = event_of("get_document/kept")
    request["pathParameters"]["token"] = token
    assert run("get_document", request)["statusCode"] == 200


def test_an_order_cancelled_by_hand_is_a_persons(
    deliver: Deliver, room: Room, sale: Ref, people: Memory
) -> None:
    people.cancel(sale)

    assert deliver("order_changed_in_erp/cancelled") == HANDLED

    (item,) = room.of(DynamoAttention, "attention").open()
    assert item.reason == "cancelled_in_erp"


@pytest.mark.parametrize(
    "case", ["order_fulfilled/shipped", "invoice_posted/posted", "order_changed_in_erp/cancelled"]
)
def test_it_is_told_in_the_story_of_its_order(
    deliver: Deliver, room: Room, sale: Ref, case: str
) -> None:
    deliver(case)

    told = room.of(DynamoJournal, "journal").of(ORDER)
    assert told[-1].mark == "ended"
    assert (
        told[-1].correlation_id
        == json.loads(event_of(case)["Records"][0]["body"])["correlation_id"]
    )


@pytest.mark.parametrize(
    "case", ["order_fulfilled/shipped", "invoice_posted/posted", "order_changed_in_erp/cancelled"]
)
def test_while_the_back_office_does_not_answer_it_comes_again(
    run: Handler, room: Room, books: Ledger, sale: Ref, case: str
) -> None:
    books.faults = lambda _: Fault("unreached")
    (sent,) = event_of(case)["Records"]
    folder = case.partition("/")[0]
    room.cloud.client("sqs").send_message(
        QueueUrl=room.queues[folder],
        MessageBody=sent["body"],
        MessageGroupId="uk:order:30",
        MessageDeduplicationId=case,
    )
    (message,) = room.messages(folder)
    handed = record(message, room.queues[folder])

    answer = run(folder, {"Records": [handed]})

    assert answer == {"batchItemFailures": [{"itemIdentifier": handed["messageId"]}]}
    assert room.messages(folder) == []


@pytest.mark.parametrize("case", ["order_fulfilled/shipped", "customer_changed/in_the_back_office"])
def test_the_fourth_failure_parks_it_and_counts_for_its_store(
    deliver: Deliver,
    room: Room,
    books: Ledger,
    sale: Ref,
    capsys: pytest.CaptureFixture[str],
    case: str,
) -> None:
    books.faults = lambda _: Fault("unreached")

    assert deliver(case, receives=4) == HANDLED

    lines = [line for line in capsys.readouterr().out.splitlines() if '"ChangesParked"' in line]
    assert [json.loads(line)["store"] for line in lines] == ["uk"]
    assert [each.cause for each in room.of(DynamoWaiting, "waiting").causes()] == ["outage"]


# --- customers -----------------------------------------------------------------------


def test_a_customer_becomes_a_party(
    deliver: Deliver, room: Room, books: Ledger, store: ModelStore
) -> None:
    store.customers["2"] = customer()

    assert deliver("customer_changed/in_the_store") == HANDLED

    link = room.of(DynamoLinks, "links").get(Ref("uk", "customer", "2"))
    assert link is not None
    assert link.erp is not None
    assert link.erp.system == "main"


def test_a_party_that_no_store_knows_is_handled(
    deliver: Deliver, room: Room, books: Ledger, store: ModelStore
) -> None:
    assert deliver("customer_changed/in_the_back_office", aggregate=None) == HANDLED


def customer() -> dict[str, Any]:
    """Ada, with an account in the store."""
    address = {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "company": "",
        "address_1": "12 St James's Square",
        "address_2": "",
        "city": "London",
        "postcode": "SW1Y 4JH",
        "country": "GB",
        "state": "",
        "phone": "",
    }
    return {
        "id": 2,
        "email": "ada@example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "role": "customer",
        "username": "ada",
        "billing": {**address, "email": "ada@example.com"},
        "shipping": address,
        "date_created_gmt": "2026-11-20T10:00:00",
        "date_modified_gmt": "2026-11-22T10:00:00",
        "is_paying_customer": False,
        "avatar_url": "",
        "meta_data": [],
    }
