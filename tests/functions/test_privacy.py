"""What the functions log of every recorded delivery: refs and codes, and nothing of a shopper."""

import json
import re
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from accord.erp.memory.faults import Fault
from accord.erp.memory.ledger import Ledger
from accord.local.model_store import ModelStore
from accord.local.store.deliveries import sign
from accord.state.attention import DynamoAttention
from tests.conftest import EVENTS, capture
from tests.functions.cloud import Room, record
from tests.functions.conftest import SECRET, Handler
from tests.functions.test_receive_store_webhook import api_event

RECEIVER = "receive_store_webhook"
DELIVERIES = sorted(
    path.stem
    for folder in (EVENTS / RECEIVER, EVENTS.parent / "tests" / "woo" / "deliveries")
    for path in folder.glob("*.json")
)
PUBLIC = {"country", "state", "currency"}
PRIVATE_META = re.compile(r"vat|tax_?id|phone|mail|po_number", re.I)


def personal(document: Any) -> set[str]:
    """Every text of an order that says who bought, where they live or what they wrote."""
    if not isinstance(document, dict):
        return set()
    found: set[str] = set()
    for side in ("billing", "shipping"):
        address = document.get(side) or {}
        found |= {str(value) for name, value in address.items() if name not in PUBLIC}
    for name in ("customer_ip_address", "customer_user_agent", "customer_note", "transaction_id"):
        found.add(str(document.get(name) or ""))
    for meta in document.get("meta_data", ()):
        if PRIVATE_META.search(meta["key"]) and isinstance(meta["value"], str):
            found.add(meta["value"])
    return {text for text in found if len(text) > 3}  # "yes" and "Big" are words like others


def shown(log: str, texts: set[str]) -> list[str]:
    """Those of ``texts`` that ``log`` holds, as they are or as JSON writes them."""
    return [
        text
        for text in sorted(texts)
        for form in {text, json.dumps(text)[1:-1]}
        if re.search(rf"(?<!\w){re.escape(form)}(?!\w)", log)
    ]


@pytest.fixture
def logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[], str]:
    """All that was written until now, wherever it went."""

    def all_of_it() -> str:
        captured = capfd.readouterr()
        return captured.out + captured.err + caplog.text

    return all_of_it


def test_what_is_looked_for_is_found() -> None:
    texts = personal(json.loads(capture("order_created_rich")["body"]))

    assert {"Grace", "Hopper", "grace@example.com", "7 Compiler Street", "LS1 4AP"} <= texts
    assert any(text.startswith("GB") for text in texts)  # the VAT number
    assert shown('{"message": "posted for Grace"}', texts) == ["Grace"]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *((name, None) for name in DELIVERIES),
        *(
            (name, fault)
            for name in ("order_created_rich", "order_created_checkout_placed")
            for fault in ("refused", "unreached", "unanswered", "unauthorized")
        ),
    ],
)
def test_no_delivery_leaves_a_shopper_in_the_log(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    logged: Callable[[], str],
    name: str,
    fault: Any,
) -> None:
    found = capture(name)
    event = api_event(found)
    if name != "ping":
        event["headers"]["x-wc-webhook-signature"] = sign(found["body"].encode(), SECRET)
        document = json.loads(found["body"])
        if "id" in document:  # an error's body has none
            (store.customers if "customer" in name else store.orders)[str(document["id"])] = (
                document
            )
    else:
        document = None
    if fault:
        books.faults = lambda _: Fault(fault)

    run(RECEIVER, event)
    for function in room.queues:
        for message in room.messages(function):
            message["Attributes"]["ApproximateReceiveCount"] = "4"  # what fails now, is parked
            records = [record(message, room.queues[function])]
            run(function, {"Records": records})
            run("report_dead_letters", {"Records": records})
    run("wake", {})

    log = logged()
    assert name == "ping" or log
    assert shown(log, personal(document)) == []


class TestWhoseLinesNeedASku:
    """A line without SKU is a person's to mend."""

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        config["stores"]["uk"]["mappings"]["no_sku"] = "attention"
        return config

    def test_the_words_on_an_engraved_mug_are_not_logged(
        self,
        run: Handler,
        room: Room,
        books: Ledger,
        store: ModelStore,
        logged: Callable[[], str],
    ) -> None:
        document = json.loads(capture("order_created_rich")["body"])
        document["line_items"][0] |= {"sku": "", "name": "Mug for Ada Lovelace"}
        store.orders["30"] = document
        event = api_event(capture("order_created_rich"), body=json.dumps(document))
        event["headers"]["x-wc-webhook-signature"] = sign(event["body"].encode(), SECRET)

        run(RECEIVER, event)
        (message,) = room.messages("order_created")
        run("order_created", {"Records": [record(message, room.queues["order_created"])]})

        (item,) = room.of(DynamoAttention, "attention").open()
        assert "Ada Lovelace" in item.message
        assert "Lovelace" not in logged()


@pytest.mark.parametrize("name", ["order_created_rich", "order_created_error_body"])
def test_a_forged_delivery_leaves_nobody_in_the_log(
    run: Handler, room: Room, logged: Callable[[], str], name: str
) -> None:
    found = capture(name)
    event = api_event(found)
    event["headers"]["x-wc-webhook-signature"] = "grace@example.com"
    event["headers"]["x-wc-webhook-topic"] = "7 Compiler Street"

    assert run(RECEIVER, event)["statusCode"] == 401

    log = logged()
    assert shown(log, personal(json.loads(found["body"])) | {"7 Compiler Street"}) == []
    assert SECRET not in log


# --- every function, on every event that is recorded of it -------------------------------------

EVERY = sorted(
    f"{path.parent.name}/{path.stem}"
    for path in EVENTS.glob("*/*.json")
    if path.parent.name not in {RECEIVER, "receive_erp_webhook"}  # they hold requests, no events
)
EVERYBODY = [json.loads(capture(name)["body"]) for name in DELIVERIES if name != "ping"]


def kept(room: Room, table: str) -> str:
    """All that ``table`` holds, as text."""
    pages = room.cloud.client("dynamodb").get_paginator("scan")
    return json.dumps([page["Items"] for page in pages.paginate(TableName=room.tables[table])])


def everybody() -> set[str]:
    """What every recorded document says of its shopper."""
    return set().union(*(personal(document) | mails(document) for document in EVERYBODY))


def mails(document: Any) -> set[str]:
    email = document.get("email") if isinstance(document, dict) else ""
    return {email} if email else set()


@pytest.mark.parametrize("case", EVERY)
def test_no_function_says_who_bought(
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    logged: Callable[[], str],
    case: str,
) -> None:
    function = case.partition("/")[0]
    for document in EVERYBODY:
        if isinstance(document, dict) and "id" in document:
            held = store.orders if "line_items" in document else store.customers
            held[str(document["id"])] = document
    event = json.loads((EVENTS / f"{case}.json").read_text(encoding="utf-8"))

    answers = []
    for faults in (books.faults, lambda _: Fault("unanswered")):  # it answers, and then no more
        books.faults = faults
        try:
            answers.append(run(function, event))
        except Exception as error:  # noqa: BLE001 - Lambda writes it into the log
            answers.append("".join(traceback.format_exception(error)))

    said = logged() + json.dumps(answers, default=str)
    assert shown(said, everybody()) == []
    assert shown(kept(room, "journal"), everybody()) == []


def test_the_journal_of_an_order_that_was_posted_says_nothing_of_its_shopper(
    run: Handler, room: Room, books: Ledger, store: ModelStore
) -> None:
    found = capture("order_created_rich")
    store.orders["30"] = json.loads(found["body"])
    run(RECEIVER, api_event(found))
    (message,) = room.messages("order_created")
    run("order_created", {"Records": [record(message, room.queues["order_created"])]})

    journal = kept(room, "journal")

    assert "uk:order:30" in journal
    assert shown(journal, personal(json.loads(found["body"]))) == []
