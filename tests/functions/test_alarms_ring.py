"""Each alarm of the templates rings when its cause is made, and rests when all is well.

The functions run for real and what they print is what the alarms look at; what AWS itself would
publish (a crash, a queue's age, an answer of the API) is put beside it.
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

import pytest

from accord import edge, settings
from accord.bootstrap import connections, tables
from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Fault
from accord.erp.memory.ledger import Ledger
from accord.erp.xero.adapter import Xero
from accord.errors import Owner, UnavailableError
from accord.local.model_store import ModelStore
from accord.local.place import REPO
from accord.local.runner.alarms import Alarm, Measured, evaluate_all
from accord.local.runner.metrics import Metrics
from accord.local.runner.resources import AlarmSpec
from accord.local.runner.synth import assembly
from accord.local.runner.template import Made, Resolver, load
from accord.model.change import Change, Ref
from accord.observability import measure
from accord.ports.levels import Demand, Wanted
from accord.ports.state import Attention, Item, Parked
from accord.ports.tokens import Tenant, TokenSet
from accord.state.attention import DynamoAttention
from accord.state.control import DynamoControl
from accord.state.levels import DynamoLevels
from accord.state.waiting import DynamoWaiting
from infra.wiring import OWNERS
from tests.conftest import EVENTS, order_json
from tests.functions.cloud import Room, record
from tests.functions.conftest import Context, Handler, handler

NOW = 10_000_000.0  # seconds since all began: long enough for every window
HOUR = 3600.0
RINGS: set[str] = set()  # patterns of alarms that a test of this file makes ring


def rings(*patterns: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The test makes every alarm ring that has such a name (without ``accord-dev-``)."""
    RINGS.update(patterns)
    return pytest.mark.parametrize("patterns", [patterns])


class Tower:
    """Where everything that was measured comes together, and the alarms that look at it."""

    def __init__(self, specs: list[AlarmSpec], capsys: pytest.CaptureFixture[str]) -> None:
        self.specs = specs
        self.metrics = Metrics()
        self.queues: dict[str, dict[str, float]] = {}
        self._capsys = capsys

    def listen(self, *ago: float) -> None:
        """Takes what was printed since, as if it had been so many seconds ago; each time again."""
        lines = self._capsys.readouterr().out.splitlines()
        for each in ago or (1.0,):
            for line in lines:
                told = re.sub(r'"stage":"t\d+"', '"stage":"dev"', line)
                self.metrics.feed(told.encode(), at=NOW - each)

    def put(self, namespace: str, name: str, value: float, **dimensions: str) -> None:
        self.metrics.put(namespace, name, value, dimensions, at=NOW - 1)

    def alarms(self) -> dict[str, Alarm]:
        measured = Measured(self.metrics, self.queues, since=0.0, now=NOW, speed=1.0)
        found = evaluate_all(self.specs, measured)
        return {alarm.name.removeprefix("accord-dev-"): alarm for alarm in found}

    def ringing(self, *patterns: str) -> list[str]:
        """Those of the named alarms that ring."""
        return [
            name
            for name, alarm in self.alarms().items()
            if alarm.state == "ALARM" and any(fnmatchcase(name, one) for one in patterns)
        ]

    def silent(self, patterns: tuple[str, ...]) -> list[str]:
        """Those of the named alarms that do not ring; a pattern that names none counts as one."""
        states = {name: alarm.state for name, alarm in self.alarms().items()}
        quiet = []
        for pattern in patterns:
            named = [name for name in states if fnmatchcase(name, pattern)]
            quiet += [name for name in named if states[name] != "ALARM"] or []
            quiet += [] if named else [pattern]
        return quiet


@pytest.fixture(scope="session")
def specs() -> list[AlarmSpec]:
    """The alarms of the dev stage, with everything computed that their template refers to."""
    stacks = load(assembly(REPO))
    resolver = Resolver(
        stacks,
        lambda resource, _: Made(resource.logical_id, opaque=True),
        properties_of=lambda _: False,
    )
    found = []
    for stack in stacks:
        if not stack.name.endswith("-alarms"):
            continue
        for resource in stack.resources.values():
            if resource.type in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
                properties = resolver.resolve(stack.name, resource.properties)
                found.append(AlarmSpec(properties["AlarmName"], properties))
    return found


@pytest.fixture
def tower(specs: list[AlarmSpec], capsys: pytest.CaptureFixture[str]) -> Tower:
    return Tower(specs, capsys)


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    """A store that is always busy, is sent stock, and whose webhooks are guarded."""
    config["alarms"] = {"busy_hours": "00:00-23:59", "quiet_hours": 6}
    config["stores"]["uk"]["flows"] |= {"orders": "on", "stock": "on"}
    config["stores"]["uk"]["webhooks"] = {"guard": True}
    return config


def delivery(case: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EVENTS / f"{case}.json").read_text(encoding="utf-8"))
    return event


def ago(**delta: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(**delta)


def park(room: Room, ref: Ref, *, hours: float) -> None:
    seen = ago(hours=hours)
    change = Change(ref, "order_created", seen, "c1", modified_at=seen)
    room.of(DynamoWaiting, "waiting").park(
        Parked(change, "main", "outage", "main is away", seen, seen)
    )


def ask(attention: Attention, owner: Owner) -> None:
    item = Item(f"i-{owner}", "uk:customer:7", "rejected", owner, "…", ago(days=1), ago(days=1))
    attention.put(item)


@pytest.fixture
def desk(room: Room, monkeypatch: pytest.MonkeyPatch) -> Attention:
    """The list, as a function has it: what opens there is told, as by no operator's command."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "order_created")
    settings.settings.cache_clear()
    return tables.attention()


# --- of a store ------------------------------------------------------------------------


@rings("store-uk-rejected", "store-uk-trouble")
def test_forged_deliveries(tower: Tower, run: Handler, patterns: tuple[str, ...]) -> None:
    recorded = delivery("receive_store_webhook/order_created_rich")
    for _ in range(5):
        headers = {**recorded["headers"], "x-wc-webhook-signature": "bm8="}
        forged = {
            "version": "2.0",
            "rawPath": "/stores/uk/webhooks",
            "headers": headers,
            "pathParameters": {"store": "uk"},
            "requestContext": {"requestId": "r", "http": {"sourceIp": "203.0.113.7"}},
            "body": recorded["body"],
            "isBase64Encoded": False,
        }
        assert run("receive_store_webhook", forged)["statusCode"] == 401
    tower.listen()

    assert tower.silent(patterns) == []


@rings("store-uk-keys-rejected", "store-uk-trouble")
def test_keys_that_nobody_asked_for(
    tower: Tower, run: Handler, room: Room, patterns: tuple[str, ...]
) -> None:
    posted = delivery("receive_store_keys/granted")
    for _ in range(4):
        assert run("receive_store_keys", posted)["statusCode"] == 401
    tower.listen(HOUR - 60)
    assert tower.alarms()["store-uk-keys-rejected"].state == "OK"  # links that were opened too late

    run("receive_store_keys", posted)
    tower.listen()

    assert tower.silent(patterns) == []


@rings("store-uk-ops-attention", "store-uk-trouble")
def test_a_change_that_needs_a_person(
    tower: Tower,
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    patterns: tuple[str, ...],
) -> None:
    sent = delivery("order_created/rich")["Records"][0]
    change = Change.from_json(sent["body"])
    store.orders[change.ref.id] = change.document
    books.faults = lambda called: Fault("refused") if called == "create" else None
    room.cloud.client("sqs").send_message(
        QueueUrl=room.queues["order_created"],
        MessageBody=sent["body"],
        MessageGroupId="g",
        MessageDeduplicationId="d",
    )
    (message,) = room.messages("order_created")
    run("order_created", {"Records": [record(message, room.queues["order_created"])]})
    tower.listen()

    assert tower.silent(patterns) == []
    assert tower.ringing("store-uk-*-attention") == ["store-uk-ops-attention"]


@pytest.mark.parametrize("owner", OWNERS)
@rings("store-uk-*-attention")
def test_an_item_that_opens_rings_at_the_desk_whose_turn_it_is_and_at_no_other(
    tower: Tower, desk: Attention, patterns: tuple[str, ...], owner: Owner
) -> None:
    ask(desk, owner)
    tower.listen()

    assert tower.ringing(*patterns) == [f"store-uk-{owner}-attention"]


def test_an_item_that_stays_open_rings_once_at_first(tower: Tower, desk: Attention) -> None:
    ask(desk, "finance")
    tower.listen(600)  # ten minutes ago
    ask(desk, "finance")
    tower.listen()

    assert tower.ringing("store-uk-*-attention") == []


@rings("store-uk-ops-attention")
@pytest.mark.parametrize("told", ["password", "clock"])
def test_a_password_that_is_refused_and_a_clock_that_is_ahead_ring_at_ops_and_are_no_crash(
    tower: Tower,
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    patterns: tuple[str, ...],
    told: str,
) -> None:
    if told == "password":
        books.faults = lambda _: Fault("unauthorized")
    else:
        at = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=3)).replace(tzinfo=None)
        dated = {"date_modified_gmt": at.isoformat(timespec="seconds")}
        store.orders["30"] = order_json("order_created_rich") | dated
    run("poll_erp", {"erp": "main", "kind": "party"})
    run("poll_store", {"store": "uk"})
    run("wake", {})
    tower.listen()

    assert tower.silent(patterns) == []
    (item,) = tables.attention().open()
    assert item.subject == {"password": "waiting:main:unauthorized", "clock": "clock:uk"}[told]


def test_what_passes_by_itself_rings_for_nobody(tower: Tower, desk: Attention) -> None:
    now = ago()
    desk.put(Item("i1", "waiting:main:outage", "outage", "ops", "main is away", now, now))
    tower.listen()

    assert tower.ringing("store-uk-*-attention", "store-uk-trouble") == []


@rings("store-uk-*-asked")
def test_items_that_stay_open_for_a_day(
    tower: Tower, run: Handler, room: Room, patterns: tuple[str, ...]
) -> None:
    for owner in OWNERS:
        ask(room.of(DynamoAttention, "attention"), owner)
    run("report_backlog", {})
    tower.listen(*(HOUR * n + 60 for n in range(24)))

    assert tower.silent(patterns) == []


def test_items_that_stay_open_for_half_a_day_ring_for_nobody(
    tower: Tower, run: Handler, room: Room
) -> None:
    ask(room.of(DynamoAttention, "attention"), "finance")
    run("report_backlog", {})
    tower.listen(*(HOUR * n + 60 for n in range(12)))

    assert tower.alarms()["store-uk-finance-asked"].state == "OK"


@rings("store-uk-orders-late")
def test_an_order_that_waits_for_hours(
    tower: Tower, run: Handler, room: Room, patterns: tuple[str, ...]
) -> None:
    park(room, Ref("uk", "order", "30"), hours=3)
    run("report_backlog", {})
    tower.listen()
    assert tower.silent(patterns) == list(patterns)  # late, and not yet too late

    park(room, Ref("uk", "order", "31"), hours=5)
    run("report_backlog", {})
    tower.listen()
    assert tower.silent(patterns) == []


@rings("store-uk-refunds-late")
def test_a_refund_that_waits_for_hours(
    tower: Tower, run: Handler, room: Room, patterns: tuple[str, ...]
) -> None:
    park(room, Ref("uk", "refund", "31"), hours=5)
    run("report_backlog", {})
    tower.listen()

    assert tower.silent(patterns) == []


@rings("store-uk-stock-late")
def test_stock_that_is_not_sent(
    tower: Tower, run: Handler, room: Room, patterns: tuple[str, ...]
) -> None:
    levels = room.of(DynamoLevels, "levels")
    levels.want("uk", "stock", [Wanted("MUG", {"quantity": "5"}, ago(minutes=40))])
    run("report_backlog", {})
    tower.listen(10, 310, 610)

    assert tower.silent(patterns) == []


@rings("store-uk-posting-slow")
def test_orders_that_take_longer_than_they_do(
    tower: Tower, room: Room, patterns: tuple[str, ...]
) -> None:
    for n in range(40):
        measure("OrderPostingSeconds", 3 + n % 3, store="uk")
        tower.listen(HOUR + 900 * n)
    for n in range(3):
        measure("OrderPostingSeconds", 40, store="uk")
        tower.listen(60 + 900 * n)

    assert tower.silent(patterns) == []


@rings("store-uk-webhooks-off")
def test_webhooks_that_were_switched_off(
    tower: Tower,
    run: Handler,
    config: dict[str, Any],
    room: Room,
    store: ModelStore,
    patterns: tuple[str, ...],
) -> None:
    store.shop.outbox._sender = lambda *_, **__: 200
    run("guard_webhooks", {"store": "uk"})  # makes them
    tower.listen(600)
    assert tower.silent(patterns) == list(patterns)

    hook = next(iter(store.shop.outbox.webhooks.values()))
    hook.status = "disabled"  # as a store does after seven failures, and tells nobody
    run("guard_webhooks", {"store": "uk"})
    tower.listen()

    assert tower.silent(patterns) == []


@rings("store-uk-news-late")
def test_a_store_that_does_not_answer_the_poll(
    tower: Tower,
    run: Handler,
    room: Room,
    store: ModelStore,
    monkeypatch: pytest.MonkeyPatch,
    patterns: tuple[str, ...],
) -> None:
    def away(*_: object, **__: object) -> None:
        raise UnavailableError("off", connection="uk")

    for method in ("orders_since", "ping"):
        monkeypatch.setattr(store, method, away)
    run("poll_store", {"store": "uk"})
    tower.listen(*(60 + 300 * n for n in range(6)))

    assert tower.silent(patterns) == []


@rings("store-uk-differs")
def test_differences_of_the_night(
    tower: Tower,
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    patterns: tuple[str, ...],
) -> None:
    """An order that is not in the books, and of which nobody told."""
    at = ago(hours=3).replace(tzinfo=None).isoformat(timespec="seconds")
    dated = {"date_modified_gmt": at, "date_created_gmt": at}
    store.orders["30"] = order_json("order_created_rich") | dated
    run("reconcile", delivery("reconcile/begin"))
    tower.listen()

    assert tower.silent(patterns) == []


@rings("store-uk-uncompared")
def test_a_night_that_compared_nothing(
    tower: Tower,
    run: Handler,
    room: Room,
    books: Ledger,
    store: ModelStore,
    patterns: tuple[str, ...],
) -> None:
    books.faults = lambda _: Fault("unreached")
    run("reconcile", delivery("reconcile/begin"))
    tower.listen(4 * HOUR)  # long ago
    run("reconcile", delivery("reconcile/go_on"))  # and so each minute since
    tower.listen(*(60 * n + 30 for n in range(2 * 60)))

    assert tower.silent(patterns) == []


@rings("store-uk-quiet", "store-uk-silent-part", "store-uk-busy-part")
def test_a_busy_store_that_says_nothing(
    tower: Tower, run: Handler, room: Room, patterns: tuple[str, ...]
) -> None:
    run("report_backlog", {})
    tower.listen(*(HOUR * n + 60 for n in range(6)))

    assert tower.silent(patterns) == []


def test_a_busy_store_that_says_something(tower: Tower, run: Handler, room: Room) -> None:
    run("report_backlog", {})
    tower.listen(*(HOUR * n + 60 for n in range(6)))
    measure("WebhooksReceived", store="uk")
    tower.listen(2 * HOUR)

    assert tower.alarms()["store-uk-quiet"].state == "OK"


def test_a_store_that_is_silent_at_night(
    tower: Tower, room: Room, config: dict[str, Any], run: Handler
) -> None:
    measure("BusyHours", 0, store="uk")
    tower.listen(*(HOUR * n + 60 for n in range(6)))

    assert tower.alarms()["store-uk-silent-part"].state == "ALARM"
    assert tower.alarms()["store-uk-quiet"].state == "OK"


# --- of all -----------------------------------------------------------------------------


@rings("dead-letters")
def test_a_dead_letter(tower: Tower, run: Handler, patterns: tuple[str, ...]) -> None:
    run("report_dead_letters", delivery("report_dead_letters/order_created_rich"))
    tower.listen()

    assert tower.silent(patterns) == []


def turn_away(run: Handler, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call in a back office's name that nobody of it signed."""
    one_that_calls = edge.ErpEdge("main", "xero", "erp/main", {})
    monkeypatch.setattr(edge, "erps", lambda: {"main": one_that_calls})
    call = delivery("receive_erp_webhook/intent_to_receive_forged")
    forged = {
        "headers": call["headers"],
        "pathParameters": {"erp": call["erp"]},
        "requestContext": {"requestId": "r"},
        "body": call["body"],
        "isBase64Encoded": False,
    }
    assert run("receive_erp_webhook", forged)["statusCode"] == 401


@rings("erp-rejected")
def test_calls_of_a_small_shop_whose_key_was_rotated(
    tower: Tower,
    run: Handler,
    room: Room,
    patterns: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Three orders in an afternoon, a call for each."""
    turn_away(run, monkeypatch)
    tower.listen(5 * HOUR, 3 * HOUR, 600)

    assert tower.silent(patterns) == []


@pytest.mark.parametrize("ago", [[60], [n * 10.0 for n in range(60)], [5 * HOUR, 60], [7 * HOUR]])
def test_a_forged_probe_and_the_setting_up_of_a_webhook_ring_for_nobody(
    tower: Tower,
    run: Handler,
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    ago: list[float],
) -> None:
    turn_away(run, monkeypatch)
    tower.listen(*ago)

    assert tower.alarms()["erp-rejected"].state == "OK"


@rings("tokens-unrenewed")
def test_a_consent_that_nobody_gave(
    tower: Tower,
    run: Handler,
    room: Room,
    patterns: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room.keep_secret("erp/main", {"client_id": "an-app", "client_secret": "a-secret"})
    monkeypatch.setattr(connections, "provider", lambda _: Xero.oauth)
    run("refresh_tokens", {})
    tower.listen(60, 360, 660)

    assert tower.silent(patterns) == []


@rings("tokens-unrenewed")
def test_an_organisation_that_was_disconnected_at_a_back_office_polled_each_quarter_of_an_hour(
    tower: Tower,
    run: Handler,
    room: Room,
    config: dict[str, Any],
    books: Ledger,
    patterns: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its tokens are renewed all the same, and nothing is to be written: only the poll meets it."""
    config["erps"]["main"]["poll_minutes"] = 15
    room.keep_secret("erp/main", {"client_id": "an-app", "client_secret": "a-secret"})
    monkeypatch.setattr(connections, "provider", lambda _: Xero.oauth)
    now = ago()
    tables.tokens().keep(
        "main",
        TokenSet(
            access="a",
            refresh="r",
            expires_at=now + dt.timedelta(hours=1),
            scopes=(),
            tenant=Tenant("gone", "Demo Shop"),
            consented_at=now,
            renewed_at=now,
        ),
    )
    books.faults = lambda _: Fault("unauthorized")

    run("poll_erp", {"erp": "main", "kind": "party"})
    tower.listen(960, 60)
    assert tower.silent(patterns) == list(patterns)  # what the poll alone would tell
    run("refresh_tokens", {})
    tower.listen(660, 360, 60)

    assert tower.silent(patterns) == []
    (item,) = tables.attention().open()
    assert (item.subject, item.owner) == ("consent:main", "ops")


@rings("erp-news-late")
def test_a_back_office_that_does_not_answer_the_poll(
    tower: Tower, run: Handler, room: Room, books: Ledger, patterns: tuple[str, ...]
) -> None:
    books.faults = lambda _: Fault("unreached")
    for _ in range(5):
        run("poll_erp", {"erp": "main", "kind": "party"})
    tower.listen(*(60 + 300 * n for n in range(12)))

    assert tower.silent(patterns) == []


@rings("polls-late")
def test_a_poll_that_does_not_run_any_more(
    tower: Tower, run: Handler, room: Room, patterns: tuple[str, ...]
) -> None:
    lease = json.dumps({"owner": "", "until": ago(hours=1).isoformat()})
    room.of(DynamoControl, "control").put("lease:cursor:main:party", lease, version=None)
    run("report_backlog", {})
    tower.listen(10, 310)

    assert tower.silent(patterns) == []


@rings("oversold")
def test_more_is_sold_than_there_is(
    tower: Tower, run: Handler, room: Room, books: Ledger, patterns: tuple[str, ...]
) -> None:
    Memory(books.call).add_item("MUG", stock={"MAIN": Decimal(1)})
    run("poll_erp", {"erp": "main", "kind": "stock"})
    tower.listen()
    assert tower.silent(patterns) == list(patterns)

    sold = Demand(Ref("uk", "order", "30"), "main", {"MUG": Decimal(3)}, {})
    room.of(DynamoLevels, "levels").set_demand(sold, now=ago())
    run("poll_erp", {"erp": "main", "kind": "stock"})
    tower.listen()

    assert tower.silent(patterns) == []


@rings("journal-unsealed")
def test_a_journal_that_is_not_sealed(
    tower: Tower, room: Room, run: Handler, patterns: tuple[str, ...]
) -> None:
    class Hurried(Context):
        def get_remaining_time_in_millis(self) -> int:
            return 0

    handler("seal_journal").lambda_handler({}, Hurried("seal_journal"))
    tower.listen()

    assert tower.silent(patterns) == []


def test_a_journal_that_is_sealed(tower: Tower, room: Room, run: Handler) -> None:
    run("seal_journal", delivery("seal_journal/nightly"))
    tower.listen()

    assert tower.alarms()["journal-unsealed"].state == "OK"


# --- of the machine ----------------------------------------------------------------------


@rings("*-late", "*-dead-late")
def test_queues_that_nobody_empties(tower: Tower, patterns: tuple[str, ...]) -> None:
    of_queues = [spec for spec in tower.specs if spec.properties.get("Namespace") == "AWS/SQS"]
    for spec in of_queues:
        (dimension,) = spec.properties["Dimensions"]
        tower.queues[dimension["Value"]] = {"age_s": 90_000.0, "visible": 1.0}

    ringing = {name for name, alarm in tower.alarms().items() if alarm.state == "ALARM"}
    assert {spec.name.removeprefix("accord-dev-") for spec in of_queues} <= ringing


@rings("*-undelivered")
def test_runs_that_could_not_be_delivered(tower: Tower, patterns: tuple[str, ...]) -> None:
    for spec in tower.specs:
        if spec.name.endswith("-undelivered"):
            (dimension,) = spec.properties["Dimensions"]
            tower.queues[dimension["Value"]] = {"visible": 1.0}

    assert tower.silent(patterns) == []


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
@rings("*-errors", "*-throttles")
def test_functions_that_fail(tower: Tower, metric: str, patterns: tuple[str, ...]) -> None:
    suffix = f"-{metric.lower()}"
    for spec in tower.specs:
        if spec.name.endswith(suffix):
            (dimension,) = spec.properties["Dimensions"]
            tower.put("AWS/Lambda", metric, 1, FunctionName=dimension["Value"])

    assert tower.silent((f"*{suffix}",)) == []


@rings("*-silent")
def test_what_the_clock_starts_and_does_not_run(tower: Tower, patterns: tuple[str, ...]) -> None:
    assert tower.silent(patterns) == []


@rings("webhooks-failing")
def test_a_door_that_fails(tower: Tower, patterns: tuple[str, ...]) -> None:
    (spec,) = [spec for spec in tower.specs if spec.name.endswith("webhooks-failing")]
    (dimension,) = spec.properties["Dimensions"]
    for _ in range(3):
        tower.put("AWS/ApiGateway", "5xx", 1, ApiId=dimension["Value"])

    assert tower.silent(patterns) == []


# --- together -----------------------------------------------------------------------------


def test_every_alarm_of_the_templates_is_made_to_ring_by_a_test_of_this_file(
    specs: list[AlarmSpec],
) -> None:
    names = [spec.name.removeprefix("accord-dev-") for spec in specs]

    assert len(names) > 50
    assert [name for name in names if not any(fnmatchcase(name, one) for one in RINGS)] == []


def test_on_a_good_day_nothing_rings(tower: Tower, run: Handler, room: Room) -> None:
    run("report_backlog", {})
    measure("WebhooksReceived", store="uk")
    measure("OrdersPosted", store="uk")
    tower.listen(*(HOUR * n + 60 for n in range(30)))
    for spec in tower.specs:
        if spec.name.endswith("-silent"):
            (dimension,) = spec.properties["Dimensions"]
            tower.put("AWS/Lambda", "Invocations", 1, FunctionName=dimension["Value"])
    tower.queues = {
        pair["Value"]: {"age_s": 2.0, "visible": 0.0}
        for spec in tower.specs
        for pair in spec.properties.get("Dimensions", [])
        if pair["Name"] == "QueueName"
    }

    ringing = [name for name, alarm in tower.alarms().items() if alarm.state == "ALARM"]
    assert ringing == ["store-uk-busy-part"]  # which tells nobody


def test_every_alarm_that_rings_says_whose_turn_it_is(tower: Tower) -> None:
    for name, alarm in tower.alarms().items():
        if not name.endswith("-part"):
            assert alarm.owners, name
            assert " Runbook: docs/runbooks/" in alarm.description
