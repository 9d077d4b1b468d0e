"""A consent lapses while orders come in: they wait together, one person is asked once, and with a
new consent all goes on by itself."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from accord.bootstrap import connections, sign_in, tables
from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Fault
from accord.erp.memory.ledger import Ledger
from accord.erp.xero.adapter import Xero
from accord.local.model_store import ModelStore
from accord.local.xero.server import FakeXero
from accord.ports.state import Cause
from accord.sync.worker import cause_subject
from tests.conftest import EVENTS
from tests.functions.cloud import Room, record
from tests.functions.conftest import Handler, metrics
from tests.functions.consenting import PUBLIC, Browser, answering
from tests.functions.test_order_functions import Deliver, deliver  # noqa: F401  (a fixture)

LAPSED = Cause("main", "unauthorized")
ORDERS = ("order_created/rich", "order_created/on_hold_variation")


@pytest.fixture
def xero() -> FakeXero:
    return FakeXero()


@pytest.fixture
def browser(
    room: Room, run: Handler, books: Ledger, xero: FakeXero, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Browser]:
    """Books in memory, into which nobody is let without a token of the stand-in's sign-in."""
    assert Xero.oauth is not None
    room.keep_secret(
        "erp/main", {"client_id": "local-client", "client_secret": "local-client-secret"}
    )

    def signed(operation: str, arguments: Any) -> Any:
        access = connections.keeper("main").access()
        assert xero.identity.accepts(access.token, access.tenant)
        return books.call(operation, arguments)

    with answering(xero) as url:
        oauth = Xero.oauth.at(url)
        monkeypatch.setattr(connections, "provider", lambda _: oauth)
        monkeypatch.setattr(
            connections,
            "back_office",
            lambda name: connections.guard().over(Memory(signed, name), name),
        )
        yield Browser(run, xero)


def allow(browser: Browser) -> None:
    back = browser.consent(sign_in.make_link("main", public_url=PUBLIC))
    assert browser.open(back)["statusCode"] == 200


def lapse(browser: Browser, *, at_once: bool = True) -> None:
    """Somebody consented, and then withdrew it. ``at_once``: the access token has expired too."""
    allow(browser)
    browser.xero.identity.expire()
    browser.xero.identity.withdraw()
    if at_once:
        client, name = tables.table("tokens")
        client.update_item(
            TableName=name,
            Key={"pk": {"S": "erp:main"}, "sk": {"S": "set"}},
            UpdateExpression="SET access_until = renewed_at",
        )


def test_what_waits_for_a_consent_is_asked_for_once_and_goes_on_by_itself(
    browser: Browser,
    deliver: Deliver,  # noqa: F811
    room: Room,
    run: Handler,
    books: Ledger,
) -> None:
    lapse(browser)

    for case in ORDERS:
        assert deliver(case)[0] == {"batchItemFailures": []}
    run("refresh_tokens", {})

    assert tables.waiting().count(LAPSED) == len(ORDERS)
    (item,) = tables.attention().open()
    assert (item.subject, item.owner, item.count) == (cause_subject(LAPSED), "ops", len(ORDERS))
    assert "`accord connect main`" in item.message
    assert browser.xero.identity.calls["renew"] == 1

    wake(run)
    assert room.messages("order_created") == []

    allow(browser)
    wake(run)
    sent = room.messages("order_created")
    assert len(sent) == len(ORDERS)
    for message in sent:
        handed = record(message, room.queues["order_created"])
        assert run("order_created", {"Records": [handed]}) == {"batchItemFailures": []}
    wake(run)

    assert tables.waiting().count(LAPSED) == 0
    assert tables.attention().open() == []
    assert len(books.sales()) == len(ORDERS)


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    uk = config["stores"]["uk"]
    uk["flows"] = dict.fromkeys(uk["flows"], "on")
    return config


@pytest.mark.parametrize("orders", [ORDERS, ()])
def test_a_lapsed_consent_is_one_item_and_one_alarm_whichever_function_meets_it(
    browser: Browser,
    deliver: Deliver,  # noqa: F811
    room: Room,
    run: Handler,
    capsys: pytest.CaptureFixture[str],
    orders: tuple[str, ...],
) -> None:
    """None of them crashes, for which an alarm of its own would ring. The alarm is on
    TokensUnrenewed."""
    lapse(browser)
    capsys.readouterr()

    for _ in range(2):
        run("refresh_tokens", {})
        for case in orders:
            assert deliver(case)[0] == {"batchItemFailures": []}
        for path in sorted((EVENTS / "poll_erp").glob("*.json")):
            told = json.loads(path.read_text(encoding="utf-8"))
            assert run("poll_erp", told) in (None, {"batchItemFailures": []})
        for case in ("begin", "go_on"):
            run("reconcile", read("reconcile", case))
        run("poll_store", read("poll_store", "uk"))
        run("guard_webhooks", {"store": "uk"})
        run("report_backlog", {})
        wake(run)

    (item,) = tables.attention().open()
    assert item.owner == "ops"
    assert "`accord connect main`" in item.message
    assert tables.waiting().count(LAPSED) == len(orders)
    told = metrics(capsys.readouterr().out)
    assert told["TokensUnrenewed"] > 0
    assert told.keys().isdisjoint(
        {"ChangesAttention", "ErpPollsBehind", "StorePollsBehind", "ReconcileBehind", "DeadLetters"}
    )


@pytest.mark.parametrize("function", ["poll_erp", "reconcile"])
def test_what_a_consent_does_not_include_is_no_lapse(
    browser: Browser,
    store: ModelStore,
    run: Handler,
    books: Ledger,
    capsys: pytest.CaptureFixture[str],
    function: str,
) -> None:
    """Nobody who renews tokens would notice, so the run asks itself, and its desk is rung."""
    allow(browser)
    books.faults = lambda called: Fault("unauthorized") if called != "ping" else None
    capsys.readouterr()

    run(function, read(function, {"poll_erp": "shipment", "reconcile": "begin"}[function]))

    (item,) = tables.attention().open()
    assert (item.subject, item.reason, item.owner) == ("look:main", "forbidden", "ops")
    assert metrics(capsys.readouterr().out)["ChangesAttention"] == 1


def read(function: str, case: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        (EVENTS / function / f"{case}.json").read_text(encoding="utf-8")
    )
    return found


def wake(run: Handler) -> None:
    run("wake", json.loads((EVENTS / "wake" / "every_minute.json").read_text(encoding="utf-8")))
