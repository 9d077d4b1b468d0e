"""A delivery goes in at the front door of the whole local stack; a document stands in Tryton."""

import contextlib
import datetime as dt
import functools
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from accord.cli import demo
from accord.cli.app import app
from accord.cli.connection import EVENTS
from accord.local.place import REPO, WEBHOOK_SECRET, Place
from accord.local.recorded import Recorded, read, read_all, references
from accord.local.runner.calls import Calls
from accord.local.runner.resources import ACCOUNT, REGION
from accord.local.runner.synth import assembly
from accord.model.change import Ref
from accord.ports.state import Item
from accord.state.attention import DynamoAttention
from accord.state.tokens import DynamoConsents
from accord.state.waiting import DynamoWaiting
from accord.sync import store_keys
from accord.sync.digest import OWNERS
from infra.events import FROM_ERP, SOLD
from tests.infra import policies
from tests.journeys.market import GOODS, Market
from tests.journeys.night import an_account, compared_at, hour_ago, lead_astray
from tests.journeys.town import MUG, Town, configured

pytestmark = [pytest.mark.tryton, pytest.mark.slow]

DELIVERIES = REPO / "events" / "receive_store_webhook"
CALLS = REPO / "events" / "receive_erp_webhook"
OWN_QUEUE = "its own queue"
PATIENCE_S = 120  # of a machine that others use too
unscheduled = pytest.mark.usefixtures("by_hand")
# All run the same code, and which of them has to do what is chance.
ALIKE = frozenset({"order_created", "order_updated", "refund_issued"})
# What the one consumer of all queues does with what did not end well, whosever it was.
CONSUMERS = frozenset({"attention", "waiting", "payloads", OWN_QUEUE})
# What is allowed and no journey of this file needs: each by a test that does need it.
_AGAIN = "counts up an item that is there already: tests/state/test_attention.py"
_MAPPED = "rules that change while an order waits: tests/functions/test_order_functions.py"
_WITHDRAWN = "a write that was refused is withdrawn: tests/state/test_steps.py"
_CAME_BACK = "what waited is queued again, whatever it is: tests/functions/test_wake.py"
_NOT_THERE = "goods without which nothing is sold; Tryton sells all: tests/functions/test_wake.py"
_NO_RULE = "a location, list or tax that no rule names: tests/sync/test_catalogue.py"
_FOUND = (
    "what waited for a product that was found meanwhile: tests/functions/test_goods_functions.py"
)
_OWNER = "a store that owns its catalogue: tests/functions/test_goods_functions.py"
_GUARDED = "webhooks that are switched off: tests/functions/test_guard_webhooks.py"
_EXPIRED = "a hold whose time is over: tests/state/test_holds.py"
UNUSED = {
    ("a consumer", "dynamodb:UpdateItem", "attention"): _AGAIN,
    ("a consumer", "s3:GetObject", "payloads"): "a print that an earlier try kept: "
    "tests/state/test_documents.py",
    ("customer_changed", "dynamodb:DeleteItem", "links"): "a party that gets another account: "
    "tests/sync/test_customers_apart.py",
    ("customer_changed", "sqs:SendMessage", OWN_QUEUE): "another account of the same party: "
    "tests/sync/test_customers.py",
    ("order", "dynamodb:DeleteItem", "links"): "a link that gets another document: test_links.py",
    ("order", "sqs:SendMessage", OWN_QUEUE): "an order asks for a refund's turn, or the other way: "
    "tests/sync/test_order_life.py",
    **{
        ("order", "sqs:SendMessage", f"{event.replace('_', '-')}.fifo"): "what was booked before a "
        "pass that died could link it: tests/sync/test_found_by_simulation.py"
        for event in ("order_fulfilled", "invoice_posted")
    },
    **{
        (folder, "dynamodb:DeleteItem", "steps"): _WITHDRAWN
        for folder in ("order", "customer_changed", *FROM_ERP)
    },
    **{
        (folder, "sqs:SendMessage", "orders.fifo"): "the store told of the order while it was "
        "held, which is chance: tests/sync/test_turn.py"
        for folder in FROM_ERP
    },
    ("receive_erp_webhook", "sqs:SendMessage", "poll-erp.fifo"): "a back office that calls, which "
    "Tryton does not: tests/functions/test_receive_erp_webhook.py",
    ("report_dead_letters", "dynamodb:UpdateItem", "attention"): _AGAIN,
    (
        "order_changed_in_erp",
        "dynamodb:PutItem",
        "control",
    ): "opens the breaker of a connection, or "
    "counts its calls: tests/functions/test_order_functions.py",
    ("check_availability", "dynamodb:GetItem", "control"): "may the back office be asked live: "
    "tests/functions/test_check_availability.py",
    ("wake", "dynamodb:DeleteItem", "waiting"): "a cause that lost its last: test_waiting.py",
    ("wake", "dynamodb:GetItem", "waiting"): _MAPPED,
    ("wake", "dynamodb:PutItem", "control"): _MAPPED,
    ("wake", "dynamodb:BatchGetItem", "levels"): _NOT_THERE,
    (
        "wake",
        "secretsmanager:GetSecretValue",
        "uk",
    ): "asks a store that was away whether it is back",
    **{
        ("wake", "sqs:SendMessage", f"{event.replace('_', '-')}.fifo"): _CAME_BACK
        for event in ("customer_changed", *FROM_ERP, *SOLD)
    },
    # What is asked of a person about a code that no rule names, and closed again.
    **{
        ("poll_erp", f"dynamodb:{call}", "attention"): _NO_RULE
        for call in ("BatchGetItem", "GetItem", "PutItem", "UpdateItem", "DeleteItem")
    },
    **{
        ("poll_erp", f"dynamodb:{call}", "journal"): "what shadow would have sent: "
        "tests/sync/test_catalogue.py"
        for call in ("Query", "PutItem")
    },
    # Whether something waits, is open or is not sent in the moment of a run is chance.
    **{
        ("report_backlog", f"dynamodb:{call}", table): "what is there to be counted: "
        "tests/functions/test_report_backlog.py, tests/functions/test_alarms_ring.py"
        for table, calls in {
            "waiting": ("GetItem", "DeleteItem"),
            "attention": ("BatchGetItem",),
            "links": ("GetItem",),
            "levels": ("BatchGetItem", "Query"),
        }.items()
        for call in calls
    },
    **{
        (folder, "sqs:SendMessage", OWN_QUEUE): "what is left when its time is up: "
        "tests/sync/test_flush_pace.py"
        for folder in SOLD
    },
    ("stock_changed", "sqs:SendMessage", "price-changed.fifo"): _FOUND,
    ("price_changed", "sqs:SendMessage", "stock-changed.fifo"): _FOUND,
    ("product_updated", "sqs:SendMessage", "stock-changed.fifo"): _FOUND,
    ("product_updated", "sqs:SendMessage", "price-changed.fifo"): _FOUND,
    **{
        (folder, "dynamodb:PutItem", "levels"): "a SKU that a person has sent again: "
        "tests/functions/test_goods_functions.py"
        for folder in SOLD
    },
    **{
        ("product_updated", f"dynamodb:{call}", table): _OWNER
        for table, calls in {
            "links": ("GetItem", "PutItem", "UpdateItem", "DeleteItem"),
            "steps": ("PutItem", "UpdateItem"),
        }.items()
        for call in calls
    },
    ("product_updated", "dynamodb:DeleteItem", "steps"): _WITHDRAWN,
    ("check_availability", "dynamodb:ConditionCheckItem", "levels"): "what a buffer would be made "
    "of has a limit, and is not held: tests/state/test_holds.py",
    ("check_availability", "dynamodb:BatchWriteItem", "levels"): "what is asked live closes an "
    "order's claim: tests/state/test_levels.py",
    ("reconcile", "dynamodb:DeleteItem", "levels"): "a variation that is gone while it is to be "
    "sent, whose mark moves: tests/state/test_levels.py",
    ("reconcile", "s3:GetObject", "payloads"): "a run of more than one slice goes on from its "
    "draft: tests/sync/test_reconcile.py, tests/state/test_reports.py",
    **{
        ("reconcile", f"dynamodb:{call}", "attention"): "a login that is refused: "
        "tests/functions/test_reconcile.py"
        for call in ("PutItem", "UpdateItem", "DeleteItem")
    },
    # In the stack of this file nobody guards: the town changes its webhooks by hand.
    **{
        ("guard_webhooks", action, name): _GUARDED
        for name, actions in {
            "control": ("dynamodb:GetItem", "dynamodb:PutItem"),
            "attention": tuple(
                f"dynamodb:{call}"
                for call in (
                    *("GetItem", "BatchGetItem", "Query"),
                    *("PutItem", "UpdateItem", "DeleteItem"),
                )
            ),
            "journal": ("dynamodb:Query", "dynamodb:PutItem"),
            "uk": ("secretsmanager:GetSecretValue",),
        }.items()
        for action in actions
    },
    ("poll_store", "dynamodb:BatchGetItem", "attention"): "an order that a person has: "
    "tests/sync/test_poll_store.py",
    **{
        ("poll_store", f"dynamodb:{call}", "attention"): "a page that a store does not answer: "
        "tests/sync/test_poll_store.py"
        for call in ("GetItem", "PutItem", "UpdateItem", "DeleteItem")
    },
    ("poll_store", "sqs:SendMessage", "customer-changed.fifo"): "an account that no webhook told "
    "of: tests/sync/test_poll_store.py",
    ("poll_store", "dynamodb:BatchGetItem", "levels"): "a product that changed: "
    "tests/sync/test_poll_products.py",
    ("poll_store", "sqs:SendMessage", "product-updated.fifo"): "a correction that no webhook told "
    "of: tests/sync/test_poll_products.py",
    ("poll_erp", "dynamodb:GetItem", "levels"): _EXPIRED,
    ("poll_erp", "dynamodb:DeleteItem", "levels"): _EXPIRED,
}
ROW = {
    *("store_id", "store_status", "store_total", "store_tax", "currency", "lines", "documents"),
    *("erp_number", "erp_state", "erp_total", "erp_tax", "erp_lines", "attention", "rounded"),
}


# --- accord demo ------------------------------------------------------------------


@pytest.fixture
def run_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """``accord demo --json``, in a folder of its own: what it prints, if it ends with 0."""

    @contextlib.contextmanager
    def work_folder(name: str) -> Iterator[Path]:
        yield tmp_path / name

    monkeypatch.setattr(demo, "work_folder", work_folder)

    def run(*arguments: str) -> dict[str, Any]:
        result = CliRunner().invoke(app, ["demo", "--json", *arguments])
        assert result.stdout, f"{result.stderr}\n{result.exception!r}"
        told: dict[str, Any] = json.loads(result.stdout)
        assert result.exit_code == 0, _differing(told)
        return told

    return run


def _differing(told: dict[str, Any]) -> str:
    """What a person would look at first."""
    steps = [*told["life"], *told["stock"]]
    return json.dumps([told["details"], *steps], indent=1)


def test_the_demo_ends_without_a_difference(run_demo: Callable[..., dict[str, Any]]) -> None:
    told = run_demo()

    assert told.keys() == {
        *("deliveries", "accepted", "refused", "orders"),
        *("attention", "waiting", "differences", "details", "life", "stock"),
    }
    assert all(row.keys() == ROW for row in told["orders"])
    assert told["details"] == {"attention": [], "waiting": [], "differences": []}
    assert told["differences"] == told["attention"] == told["waiting"] == 0
    assert told["refused"] == 1  # the forged one
    assert told["accepted"] == told["deliveries"] - 1 == len(list(DELIVERIES.glob("*.json"))) + 2
    assert {row["documents"] for row in told["orders"]} == {1}
    assert [row for row in told["orders"] if row["store_total"] != row["erp_total"]] == []


def test_every_delivery_that_was_ever_recorded_arrives(
    run_demo: Callable[..., dict[str, Any]], shared: Path
) -> None:
    told = run_demo("--deliveries", str(shared / "woo" / "captures"))

    assert told["deliveries"] >= 59
    assert told["differences"] == 0
    assert {row["documents"] for row in told["orders"]} == {1}


# --- the stack, with things that go wrong --------------------------------------------


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The synthesised template, a real Tryton and a store; a minute of the schedules is 3 s."""
    with Place(
        config=configured(
            invoices={"link": True},
            fulfilment={"delivery_note": True},
            erp_changes={"credited": "apply"},
            flows={"stock": "on", "prices": "on", "products": "on"},
            availability={"enabled": True, "live": "near"},
            reconcile={"repair": True},
        ),
        references=references(read_all(DELIVERIES)),
        work=tmp_path_factory.mktemp("place"),
        speed=20,
        erp_timeout=20,
        concurrency=2,
    ) as running:
        yield running


@pytest.fixture
def by_hand(place: Place) -> Iterator[None]:
    """No schedule begins a turn. At this speed one always runs, and every pause of theirs that ends
    lets each of them have one: that is most of what the machine would do."""
    with place.stack.unscheduled():
        yield


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """What the functions' roles are made of."""
    path = assembly(REPO, stage="dev") / "accord-dev-sync.template.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def an_order(id_: int, **changes: Any) -> Recorded:
    """A recorded order under another number, of another shopper."""
    one = next(each for each in read_all(DELIVERIES) if each.name == "order_created_backorder")
    order = json.loads(one.body.replace("grace@example.com", f"journey{id_}@example.com"))
    order |= {"id": id_, "number": str(id_), **changes}
    body = json.dumps(order)
    return Recorded(f"order {id_}", one.headers, body, None).signed(WEBHOOK_SECRET)


def deliver(place: Place, delivery: Recorded) -> None:
    place.store.control("PUT", "orders", [delivery.order])
    with httpx.Client(timeout=60, trust_env=False) as client:
        assert delivery.post(client, place.webhook_url) == 200


def documents(place: Place, id_: int) -> list[str]:
    return [sale["state"] for sale in place.sales() if sale["key"] == f"uk-{id_}"]


def attention(place: Place) -> DynamoAttention:
    return DynamoAttention(place.stack.client("dynamodb"), "accord-dev-attention")


def reasons(place: Place) -> list[str]:
    return [item.reason for item in attention(place).open()]


def waits(place: Place) -> list[str]:
    return [cause.cause for cause in _waiting(place).causes()]


def _waiting(place: Place) -> DynamoWaiting:
    return DynamoWaiting(place.stack.client("dynamodb"), "accord-dev-waiting")


_ran: set[str] = set()  # journeys whose calls the stack of this process has recorded


@pytest.fixture(autouse=True)
def _count(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    _ran.add(request.node.name)


def eventually(look: Callable[[], Any]) -> Any:
    until = time.monotonic() + PATIENCE_S
    while not (found := look()) and time.monotonic() < until:
        time.sleep(0.1)
    return found


def at_rest(place: Place) -> bool:
    """Everything queued is done. The schedules wait meanwhile: at this speed one always runs."""
    with place.stack.unscheduled():
        return place.stack.wait_idle(PATIENCE_S)


@unscheduled
def test_a_delivery_becomes_a_document_and_a_note(place: Place) -> None:
    deliver(place, an_order(7001))

    assert eventually(lambda: documents(place, 7001) == ["processing"])
    assert at_rest(place)
    notes = place.store.control("GET", "state?only=notes")["notes"]["7001"]
    assert len([note for note in notes if "accord uk-7001:note" in str(note)]) == 1


def test_an_order_that_no_webhook_told_of_becomes_a_document_too(place: Place) -> None:
    changed = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=3)
    at = changed.replace(tzinfo=None).isoformat(timespec="seconds")
    lost = an_order(7008, date_modified=at, date_modified_gmt=at)
    place.store.control("PUT", "orders", [lost.order])

    assert eventually(lambda: documents(place, 7008) == ["processing"])


def test_created_and_updated_in_any_order_end_in_one_document_each(place: Place) -> None:
    recorded = [each for each in read_all(DELIVERIES) if "300_lines" not in each.name]
    sent = demo.post(place, list(reversed(recorded)))

    assert at_rest(place)
    told = demo.compare(place, sent)
    assert not [each for each in told["details"]["differences"] if "for no order" not in each]
    assert {row["documents"] for row in told["orders"]} == {1}


def test_with_tryton_down_orders_wait_and_go_on_when_it_is_up(place: Place) -> None:
    place.books.down()
    try:
        deliver(place, an_order(7003))
        assert eventually(lambda: "outage" in waits(place))
        assert eventually(lambda: reasons(place) == ["outage"])
    finally:
        place.books.down(False)

    assert eventually(lambda: documents(place, 7003) == ["processing"])
    assert eventually(lambda: not waits(place))
    assert eventually(lambda: "outage" not in reasons(place))


@unscheduled
def test_a_poison_message_ends_before_a_person(place: Place) -> None:
    sqs = place.stack.client("sqs")
    url = place.stack.resources.queue("accord-dev-order-updated.fifo").url
    hidden = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "20"})  # a second here
    sqs.send_message(
        QueueUrl=url,
        MessageBody="not json",
        MessageGroupId="poison",
        MessageDeduplicationId=uuid.uuid4().hex,
    )

    assert eventually(lambda: "dead_letter" in reasons(place))
    sqs.set_queue_attributes(QueueUrl=url, Attributes=hidden["Attributes"])
    (item,) = (item for item in attention(place).open() if item.reason == "dead_letter")
    assert item.owner == "ops"


@unscheduled
def test_a_hint_is_followed_by_a_look(place: Place) -> None:
    """Of a back office that is not there any more, which the look then says."""
    place.stack.client("sqs").send_message(
        QueueUrl=place.stack.resources.queue("accord-dev-poll-erp.fifo").url,
        MessageBody=json.dumps({"erp": "gone", "kind": "invoice"}),
        MessageGroupId="gone:invoice",
        MessageDeduplicationId=uuid.uuid4().hex,
    )

    log = place.work / "logs" / "poll_erp.log"
    assert eventually(lambda: '"erp":"gone","kind":"invoice"' in log.read_text(encoding="utf-8"))


@unscheduled
def test_a_back_office_that_does_not_call_is_not_found(place: Place) -> None:
    call = read(CALLS / "several.json")

    with httpx.Client(timeout=60, trust_env=False) as client:
        assert call.post(client, f"{place.stack.url}/erps/main/webhook") == 404


@unscheduled
def test_a_key_that_a_store_was_asked_for_arrives_once(place: Place) -> None:
    consents = DynamoConsents(place.stack.client("dynamodb"), "accord-dev-tokens")
    clock = functools.partial(dt.datetime.now, dt.UTC)
    store_keys.begin(consents, "uk", clock=clock, secret="s" * 64)
    granted = {"user_id": "s" * 64, "consumer_key": "ck_1", "consumer_secret": "cs_1"}
    url = f"{place.stack.url}/stores/uk/keys"

    with httpx.Client(timeout=60, trust_env=False) as client:
        answers = [
            client.post(url, json={**granted, "key_permissions": "read_write", **changes})
            for changes in ({}, {"consumer_key": "ck_2"}, {"user_id": "t" * 64})
        ]

    assert [answer.status_code for answer in answers] == [200, 401, 401]
    found = store_keys.take(consents, "uk", clock=clock, secret="s" * 64)
    assert found == {"consumer_key": "ck_1", "consumer_secret": "cs_1"}


@unscheduled
def test_every_desk_is_mailed_what_waits_for_it(place: Place) -> None:
    now, items = dt.datetime.now(dt.UTC), attention(place)
    for owner in OWNERS:
        items.put(Item(f"of-{owner}", "journey:uk", "outage", owner, "it is off", now, now))

    place.stack.invoke("send_digest", {})
    for owner in OWNERS:
        items.close(f"of-{owner}", now=now, by="tests")

    mailed = {
        name for action, name in _calls(place)["send_digest"].actions if action == "sns:Publish"
    }
    assert mailed == {f"accord-dev-{owner}" for owner in OWNERS}


@unscheduled
def test_a_night_compares_both_sides_and_keeps_the_page(place: Place) -> None:
    assert place.stack.invoke("reconcile", {"store": "uk", "begin": "yes"}).kind == "ok"

    def pages() -> list[str]:
        place.stack.invoke("reconcile", {"store": "uk"})
        bucket = f"accord-dev-payloads-{ACCOUNT}-{REGION}"
        found = place.stack.client("s3").list_objects_v2(Bucket=bucket, Prefix="reports/uk/")
        return [each["Key"] for each in found.get("Contents", ())]

    assert eventually(lambda: any(name.endswith(".html") for name in pages()))


@unscheduled
def test_the_journal_of_the_days_before_is_sealed(place: Place) -> None:
    for _ in range(2):  # the second run looks at what the first one kept
        place.stack.invoke("report_backlog", {})
        assert place.stack.invoke("seal_journal", {}).kind == "ok"

    bucket = f"accord-dev-audit-{ACCOUNT}-{REGION}"
    kept = place.stack.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert all(each["Key"].startswith("manifests/") for each in kept)
    assert place.stack.metrics()["JournalUnsealedSeconds"] < 2 * 36 * 3600


@unscheduled
def test_a_life_is_carried_over_both_ways(place: Place) -> None:
    with Town.at(place) as town:
        town.begin()
        customer = town.account()
        order = town.ordered({MUG: 3}, customer_id=int(customer))
        town.front.pay(order)
        town.settled()
        town.desk.ship(f"uk-{order}", {MUG: 1}, "TRACK-1")
        number = town.desk.post_invoice(f"uk-{order}")
        town.settled()
        refund = town.refunded(order, {MUG: 1})
        town.desk.edit_party(town.party(customer)["code"], street="9 Ledger Lane")
        town.settled()
        opened = [
            town.fetch(url).status_code
            for note in town.front.notes(order)
            for url in re.findall(r"http://\S+/documents/\S+", note)
        ]

        (credit,) = town.notes(order, refund)
        notes = "\n".join(town.front.notes(order))
        assert all(text in notes for text in (number, credit["number"], "TRACK-1"))
        assert town.customer(customer)["billing"]["address_1"] == "9 Ledger Lane"
        assert opened == [200, 200, 200]  # delivery note, invoice, credit note
        assert town.asked() == []


@unscheduled
def test_what_is_done_by_hand_in_tryton_is_settled_in_the_store(place: Place) -> None:
    with Town.at(place) as town:
        town.begin()
        credited, cancelled = town.paid(), town.ordered(status="processing", payment_method="cod")
        town.desk.post_invoice(f"uk-{credited}")
        town.desk.credit(f"uk-{credited}", {MUG: 1})
        town.desk.cancel(f"uk-{cancelled}")
        town.settled()
        asked = town.asked()
        town.changed(cancelled, status="cancelled")
        town.settled()

        assert asked == [("cancelled_in_erp", "commerce")]
        assert [each["amount"] for each in town.front.refunds(credited)] == ["6.30"]
        assert town.asked() == []


@unscheduled
def test_what_is_sold_is_made_priced_counted_and_counted_down(place: Place) -> None:
    with Town.at(place) as town:
        town.begin()
        market = Market(town)
        town.desk.make_items(["TRAY"], price=6)
        town.desk.receive("TRAY", 9)
        market.settled(GOODS)
        first = market.asked_at_checkout({"TRAY": 1}, hold=True)
        said = market.asked_at_checkout({"TRAY": 2}, hold=True, replaces=first["hold"]["id"])
        held = {"key": "_accord_hold", "value": said["hold"]["id"]}
        sale = {"status": "processing", "payment_method": "cod", "meta_data": [held]}
        order = town.front.order({"TRAY": 2}, **sale)
        market.settled(GOODS)
        market.swept("stock")

        assert said["available"]
        assert documents(place, int(order)) == ["processing"]
        assert market.quantities("TRAY") == {"TRAY": 7}
        assert market.prices("TRAY") == ("6.00", "")
        assert town.asked() == []


@unscheduled
def test_a_night_mends_what_differs_and_leaves_the_rest_to_people(place: Place) -> None:
    with Town.at(place) as town:
        market = Market(town)
        town.begin()
        # Ids before those that the store gives to the orders of the other journeys.
        astray, lost, cancelled = (an_order(id_, **hour_ago()) for id_ in (6010, 6011, 6012))
        for posted in (astray, cancelled):
            deliver(place, posted)
        assert eventually(lambda: documents(place, 6010) == documents(place, 6012) != [])
        town.settled()
        sale = town.link("order", "6010").erp
        lead_astray(place, Ref("uk", "order", "6010"))
        place.store.control("PUT", "orders", [lost.order])
        place.store.control("PUT", "customers", [an_account(901)])
        town.desk.cancel("uk-6012")
        market.listed("SALVER")  # 10.00 and none, in the store
        town.desk.make_items(["SALVER", "CHARGER", "CANTEEN"], price=6)
        town.desk.make_kit("CANTEEN", {"SALVER": 2})
        town.desk.receive("SALVER", 9)

        first = compared_at(place)
        town.carried()
        again = compared_at(place)

        found = {(each["reason"], each["subject"]): each["repaired"] for each in first}
        assert (
            found.items()
            >= {
                ("link_lost", "order 6010"): True,
                ("missing_in_erp", "order 6011"): True,
                ("status_differs", "order 6012"): True,
                ("party_missing", "customer 901"): True,
                ("stock_differs", "SKU SALVER"): True,
                ("price_differs", "SKU SALVER"): True,
                ("missing_in_store", "SKU CHARGER"): True,
            }.items()
        )
        assert not [each for each in again if (each["reason"], each["subject"]) in found]
        assert town.link("order", "6010").erp == sale
        assert documents(place, 6011) == ["processing"]
        assert town.party("901")["name"] == "Grace Hopper"
        assert market.quantities("SALVER") == {"SALVER": 9}
        assert market.prices("SALVER") == ("6.00", "")
        assert market.shown("CHARGER")["status"] == "draft"
        assert ("cancelled_in_erp", "commerce") in town.asked()
        for item in town.items():  # it is nobody's of the journeys after this one
            town.attention.dismiss(item.id, now=dt.datetime.now(dt.UTC), by="tests", why="seen")


# --- what each role allows -------------------------------------------------------------


@unscheduled
def test_no_function_does_what_its_role_does_not_allow(
    place: Place, template: dict[str, Any]
) -> None:
    beyond = {
        folder: sorted(calls.actions.keys() - _granted(template, folder))
        for folder, calls in _calls(place).items()
        if calls.actions.keys() - _granted(template, folder)
    }

    assert beyond == {}


@unscheduled
def test_no_role_allows_what_no_function_does(place: Place, template: dict[str, Any]) -> None:
    journeys = {
        name
        for name, value in globals().items()
        if name.startswith("test_") and "place" in value.__code__.co_varnames[:1]
    }
    if missing := journeys - _ran - {"test_no_role_allows_what_no_function_does"}:
        pytest.skip(f"these ran in other processes (run this file whole): {sorted(missing)}")
    done = {
        (_code(folder, action, _short(name, folder)), action, _short(name, folder))
        for folder, calls in _calls(place).items()
        for action, name in calls.actions
    }
    granted = {
        (_code(folder, action, _short(name, folder)), action, _short(name, folder))
        for folder in place.stack.calls()
        for action, name in _granted(template, folder)
        if action not in policies.BY_THE_PLATFORM
    }

    assert sorted(granted - done - UNUSED.keys()) == []
    assert sorted(UNUSED.keys() - granted) == []  # an excuse for what nobody may do


def _code(folder: str, action: str, name: str) -> str:
    """Whose code it is that a ``folder`` runs for what is called ``name``."""
    if folder in EVENTS and name in CONSUMERS and action != "sqs:SendMessage":
        return "a consumer"
    return "order" if folder in ALIKE else folder


def _short(name: str, folder: str) -> str:
    """``accord-dev-links`` is ``links``, ``accord/dev/store/uk`` is ``uk``.

    The queues of an order and of its refunds are one here: which of them is needed is chance.
    """
    short = name.rpartition("/")[2].removeprefix("accord-dev-")
    short = short.removesuffix(f"-{ACCOUNT}-{REGION}")
    of_orders = {"order-created.fifo", "order-updated.fifo", "refund-issued.fifo"}
    if short == f"{folder.replace('_', '-')}.fifo":
        return OWN_QUEUE
    return "orders.fifo" if short in of_orders else short


def _calls(place: Place) -> dict[str, Calls]:
    assert at_rest(place)
    return place.stack.calls()


def _granted(template: dict[str, Any], folder: str) -> set[tuple[str, str]]:
    """(IAM action, the resource's name), as the stack records calls."""
    return {
        (action, _name(template, resource))
        for action, resource in policies.allowed(template, folder)
    }


def _name(template: dict[str, Any], resource: str) -> str:
    """The name in an ARN: of a table, a queue, a secret or a bucket."""
    if not resource.startswith("{"):
        return resource
    ((how, what),) = json.loads(resource).items()
    if how == "Fn::GetAtt":
        properties = template["Resources"][what[0]].get("Properties", {})
        return str(properties.get("QueueName", what[0]))
    if how != "Fn::Join":
        return str(what)
    known = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws"}
    text = "".join(part if isinstance(part, str) else known[part["Ref"]] for part in what[1])
    name = text.rpartition(":")[2].removeprefix("table/").removesuffix("-??????")
    return name.partition("/")[0] if name.endswith("/*") else name  # all of a bucket, or a folder
