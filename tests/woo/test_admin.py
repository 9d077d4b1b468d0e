"""How a store is set up, as its API tells it, and its lists."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from accord.errors import UnauthorizedError, UnavailableError
from accord.local.store.app import StoreApp
from accord.local.store.auth import Key
from accord.model.shop import Hook, Method, Setup
from accord.woo.client import WooStore

NOW = dt.datetime(2026, 11, 22, 15, 0, tzinfo=dt.UTC)
HOME = "https://store.example"
ANSWERS = Path(__file__).parent / "answers"
ANSWERED = Path(__file__).parents[1] / "local" / "store" / "recordings"  # what the stand-in copies
PATHS = {
    "payment_gateways": "payment_gateways",
    "shipping/zones": "shipping_zones",
    "shipping/zones/1/methods": "shipping_zone1_methods",
    "taxes/classes": "tax_classes",
    "taxes": "taxes",
    "settings/tax": "settings_tax",
    "system_status": "system_status_trimmed",
    "webhooks": "webhooks",
}


def store_on(transport: httpx.BaseTransport, key: tuple[str, str] = ("ck_a", "cs_a")) -> WooStore:
    return WooStore.connect(
        name="uk", url=HOME, consumer_key=key[0], consumer_secret=key[1], transport=transport
    )


@pytest.fixture
def app() -> StoreApp:
    return StoreApp(
        home=HOME,
        clock=lambda: NOW,
        keys={"ck_a": Key("cs_a"), "ck_reader": Key("cs_reader", "read")},
        sender=lambda *_, **__: 200,
    )


def recorded(request: httpx.Request) -> httpx.Response:
    """The answers recorded on WooCommerce 10.5.0; of zones without a recording, none."""
    path = request.url.path.removeprefix("/wp-json/wc/v3/")
    if request.method == "POST":
        return httpx.Response(200, json=[])
    if path not in PATHS:
        return httpx.Response(200, json=[])
    found = ANSWERS / f"{PATHS[path]}.json"
    found = found if found.exists() else ANSWERED / found.name
    answer: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    when = {"Date": "Sun, 22 Nov 2026 15:02:00 GMT"}
    return httpx.Response(200, json=answer["body"], headers=when)


def test_the_recorded_store_is_read_whole() -> None:
    setup = store_on(httpx.MockTransport(recorded)).setup(now=NOW)

    assert (setup.home, setup.version, setup.currency) == (HOME, "10.5.0", "GBP")
    assert (setup.decimals, setup.prices_include_tax, setup.is_secure) == (2, False, True)
    assert (setup.visits_run_jobs, setup.ahead, setup.may_write) == (False, Decimal(120), True)
    assert setup.tax_classes == ("standard", "reduced-rate", "zero-rate")
    assert [method.id for method in setup.payments] == ["bacs", "cheque", "cod"]
    assert setup.shipping[0] == Method("flat_rate:1", "Flat rate", "UK")
    assert setup.hooks[0].status == "active"


def test_a_rate_has_the_code_that_orders_name_it_by() -> None:
    setup = store_on(httpx.MockTransport(recorded)).setup(now=NOW)

    assert [each.rate.code for each in setup.rates] == [
        "GB-VAT 20%-1",
        "GB-VAT 5%-1",
        "GB-VAT 0%-1",
        "DE-MWST 19%-1",
    ]
    assert setup.rates[0].rate.percent == Decimal(20)


def test_the_stand_in_is_set_up_as_the_recorded_store(app: StoreApp) -> None:
    def common(setup: Setup) -> list[object]:
        return [setup.rates, setup.tax_classes, setup.payments, setup.shipping, setup.version]

    ours = store_on(httpx.WSGITransport(app)).setup(now=NOW)

    assert common(ours) == common(store_on(httpx.MockTransport(recorded)).setup(now=NOW))


def test_a_key_that_may_only_read_is_told_and_nothing_is_written(app: StoreApp) -> None:
    transport = httpx.WSGITransport(app)

    assert not store_on(transport, ("ck_reader", "cs_reader")).setup(now=NOW).may_write
    assert store_on(transport).setup(now=NOW).may_write
    assert not app.shop.orders


def test_a_wrong_key_is_told_as_such(app: StoreApp) -> None:
    with pytest.raises(UnauthorizedError):
        store_on(httpx.WSGITransport(app), ("ck_a", "cs_wrong")).setup(now=NOW)


def test_orders_are_found_by_number_and_by_id(app: StoreApp) -> None:
    store = store_on(httpx.WSGITransport(app))
    made = app.shop.create_order({"status": "processing"})

    assert [doc["id"] for doc, _ in store.orders_of([str(made["id"]), "9"])] == [made["id"]]
    assert [doc["id"] for doc, _ in store.orders_by_number(str(made["number"]))] == [made["id"]]
    assert not store.orders_by_number("no such number")


def test_a_store_that_lists_no_variations_says_so() -> None:
    body = {"code": "rest_no_route", "message": "No route.", "data": {"status": 404}}
    transport = httpx.MockTransport(lambda _: httpx.Response(404, json=body))

    assert store_on(transport).list_variations() is None


def test_the_digest_of_a_listed_order_is_that_of_the_order_alone(app: StoreApp) -> None:
    store = store_on(httpx.WSGITransport(app))
    id_ = str(app.shop.create_order({"status": "processing"})["id"])
    alone = store.get_order(id_)

    listed = store.list_orders(modified_from=NOW)

    assert alone is not None
    assert listed.entries[0][1] == alone[1]
    assert listed.total == 1


# --- webhooks ---------------------------------------------------------------------


def test_a_webhook_is_made_as_the_recorded_store_answers_it() -> None:
    found = json.loads((ANSWERED / "webhook_created.json").read_text(encoding="utf-8"))
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(found["status"], json=found["body"])

    url = found["body"]["delivery_url"]
    made = store_on(httpx.MockTransport(answer)).create_hook(
        name="order.created", topic="order.created", url=url, secret="letters9"
    )

    assert made == Hook("1", "order.created", "order.created", "active", url)
    assert sent == [
        {
            "name": "order.created",
            "topic": "order.created",
            "delivery_url": url,
            "secret": "letters9",
        }
    ]


def test_webhooks_are_listed_made_and_deleted_for_good(app: StoreApp) -> None:
    store = store_on(httpx.WSGITransport(app))
    made = store.create_hook(
        name="n", topic="order.created", url="https://hooks.example/x", secret="letters9"
    )

    assert store.hooks() == [made]
    assert app.shop.outbox.webhooks[int(made.id)].secret == "letters9"
    store.delete_hook(made.id)
    store.delete_hook(made.id)  # again is the same as once
    assert store.hooks() == []


def test_a_key_that_may_only_read_cannot_make_webhooks(app: StoreApp) -> None:
    reader = store_on(httpx.WSGITransport(app), ("ck_reader", "cs_reader"))

    with pytest.raises(UnauthorizedError):
        reader.create_hook(name="n", topic="order.created", url="https://hooks.example", secret="s")
    with pytest.raises(UnauthorizedError):
        reader.delete_hook("1")


def test_a_store_that_answers_a_new_webhook_with_something_else_is_not_believed() -> None:
    store = store_on(httpx.MockTransport(lambda _: httpx.Response(201, json={"id": 3})))

    with pytest.raises(UnavailableError):
        store.create_hook(name="n", topic="order.created", url="https://hooks.example", secret="s")
