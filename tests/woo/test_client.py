"""The store's REST client, against the stand-in and against answers no stand-in gives."""

import datetime as dt
import hashlib
import json
import random
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from accord.errors import (
    AccordError,
    BadInputError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.local.store.app import StoreApp
from accord.local.store.auth import Key
from accord.local.store.deliveries import encode
from accord.local.store.orders import make_order
from accord.model.documents import SalesOrder
from accord.woo.client import OAuth1, WooStore, signature

NOW = dt.datetime(2026, 11, 22, 15, 0, tzinfo=dt.UTC)
HOME = "https://store.example"
NO_ORDER = {
    "code": "woocommerce_rest_shop_order_invalid_id",
    "message": "Invalid ID.",
    "data": {"status": 404},
}
MAINTENANCE = "<!DOCTYPE html><html><body>Briefly unavailable for scheduled maintenance."


@pytest.fixture
def app() -> StoreApp:
    app = StoreApp(
        home=HOME,
        clock=lambda: NOW,
        keys={"ck_a": Key("cs_a"), "ck_reader": Key("cs_reader", "read")},
        sender=lambda *_, **__: 200,
        basic_needs_tls=True,
    )
    app.shop.load("orders", [make_order(30, rng=random.Random(1), at=NOW)])
    return app


def store_on(
    transport: httpx.BaseTransport,
    *,
    api_url: str | None = None,
    key: tuple[str, str] = ("ck_a", "cs_a"),
    **kwargs: Any,
) -> WooStore:
    return WooStore.connect(
        name="uk",
        url=HOME,
        api_url=api_url,
        consumer_key=key[0],
        consumer_secret=key[1],
        transport=transport,
        **kwargs,
    )


@pytest.fixture
def store(app: StoreApp) -> WooStore:
    return store_on(httpx.WSGITransport(app))


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> WooStore:
    return store_on(httpx.MockTransport(answer))


def always(status: int, **kwargs: Any) -> WooStore:
    return answering(lambda request: httpx.Response(status, **kwargs))


# --- what it does -------------------------------------------------------------


def test_an_order_comes_with_the_digest_of_its_bytes(app: StoreApp, store: WooStore) -> None:
    found = store.get_order("30")

    assert found is not None
    document, digest = found
    assert document == app.shop.orders[30]
    assert digest == hashlib.sha256(encode(app.shop.orders[30])).hexdigest()[:32]


def test_an_order_that_is_gone_for_good_is_none(store: WooStore) -> None:
    assert store.get_order("31") is None


def test_an_order_in_the_trash_is_answered(app: StoreApp, store: WooStore) -> None:
    app.shop.trash_order(30)

    found = store.get_order("30")

    assert found is not None
    assert found[0]["status"] == "trash"


def test_the_store_s_json_becomes_the_canonical_order(store: WooStore) -> None:
    found = store.get_order("30")
    assert found is not None

    order = store.order(found[0])

    assert isinstance(order, SalesOrder)
    assert (order.ref.system, order.ref.id) == ("uk", "30")


def test_a_note_is_added_and_found_by_its_marker(app: StoreApp, store: WooStore) -> None:
    id_ = store.add_note("30", "Sales order SO-7 [accord uk-30]")

    assert store.find_note("30", "[accord uk-30]") == id_
    assert [it["customer_note"] for it in app.shop.notes[30]] == [False]


def test_a_marker_that_no_note_holds_is_not_found(app: StoreApp, store: WooStore) -> None:
    app.shop.add_note(30, "something else")

    assert store.find_note("30", "[accord uk-30]") is None


@pytest.mark.parametrize("stored", ["a &amp; b &rarr; c", "a & b → c", "a &#038; b &#8594; c"])
def test_a_marker_is_found_behind_html_entities(
    app: StoreApp, store: WooStore, stored: str
) -> None:
    app.shop.add_note(30, stored)

    assert store.find_note("30", "a & b → c") is not None


def test_a_note_can_be_for_the_customer(app: StoreApp, store: WooStore) -> None:
    store.add_note("30", "on its way", to_customer=True)

    assert [it["customer_note"] for it in app.shop.notes[30]] == [True]


def test_an_order_that_is_gone_has_no_note(store: WooStore) -> None:
    assert store.find_note("31", "x") is None


def test_a_note_on_an_order_that_is_gone_is_rejected(store: WooStore) -> None:
    with pytest.raises(RejectedError, match="no order 31"):
        store.add_note("31", "x")


def test_a_store_that_answers_is_pinged_quietly(store: WooStore) -> None:
    store.ping()


def test_every_call_is_counted_before_it_is_sent(app: StoreApp) -> None:
    calls: list[str] = []
    store = store_on(httpx.WSGITransport(app), on_call=calls.append)

    store.get_order("30")
    store.add_note("30", "x")

    assert calls == ["GET", "POST"]


@pytest.mark.parametrize("id_", ["", "30/notes", "../customers/1", "-1", "³", "30?force=true"])
def test_an_id_that_is_no_number_is_not_sent(id_: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError("it was sent")

    with pytest.raises(BadInputError):
        answering(answer).get_order(id_)


# --- who it says it is ----------------------------------------------------------


def test_over_https_the_keys_are_in_the_header_and_not_in_the_query() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=[])

    answering(answer).ping()

    assert seen[0].headers["Authorization"].startswith("Basic ")
    assert "ck_a" not in str(seen[0].url)


def test_over_http_the_secret_is_not_sent_at_all() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=[])

    store_on(httpx.MockTransport(answer), api_url="http://127.0.0.1:9").ping()

    assert seen[0].headers["Authorization"].startswith("OAuth ")
    assert "cs_a" not in str(seen[0].headers)


def test_over_http_a_store_takes_the_signature(app: StoreApp) -> None:
    app_clock_store = WooStore(
        httpx.Client(
            transport=httpx.WSGITransport(app),
            base_url="http://127.0.0.1:8099/wp-json/wc/v3/",
            auth=OAuth1(HOME, "ck_a", "cs_a", clock=NOW.timestamp),
        ),
        name="uk",
    )

    assert app_clock_store.get_order("30") is not None
    app_clock_store.ping()  # with a query, which is signed too


@pytest.mark.parametrize(
    ("auth", "message"),
    [
        (OAuth1(HOME, "ck_a", "cs_wrong", clock=NOW.timestamp), "signature does not match"),
        (OAuth1(HOME, "ck_a", "cs_a", clock=lambda: NOW.timestamp() - 17 * 60), "timestamp"),
        (OAuth1(HOME, "ck_a", "cs_a", clock=lambda: NOW.timestamp() + 17 * 60), "timestamp"),
        (
            OAuth1("https://other.example", "ck_a", "cs_a", clock=NOW.timestamp),
            "signature does not match",
        ),
    ],
)
def test_a_signature_that_is_wrong_or_old_is_refused(
    app: StoreApp, auth: httpx.Auth, message: str
) -> None:
    with httpx.Client(
        transport=httpx.WSGITransport(app), base_url="http://127.0.0.1", auth=auth
    ) as http:
        answer = http.get("/wp-json/wc/v3/orders").json()

    assert answer["code"] == "woocommerce_rest_authentication_error"
    assert message in answer["message"]


def test_a_nonce_is_good_for_one_request(app: StoreApp) -> None:
    auth = OAuth1(HOME, "ck_a", "cs_a", clock=NOW.timestamp, nonce=lambda: "same")
    with httpx.Client(
        transport=httpx.WSGITransport(app), base_url="http://127.0.0.1", auth=auth
    ) as http:
        assert http.get("/wp-json/wc/v3/orders").status_code == 200
        assert "nonce" in http.get("/wp-json/wc/v3/orders").json()["message"]


def test_a_home_with_a_path_is_signed_with_it() -> None:
    """RFC 5849, 3.4.1: the base string of the request, by hand."""
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, json=[])

    auth = OAuth1(f"{HOME}/shop", "k", "s", clock=lambda: 1.0, nonce=lambda: "n")
    with httpx.Client(
        transport=httpx.MockTransport(answer), base_url="http://127.0.0.1/shop", auth=auth
    ) as http:
        http.get("/wp-json/wc/v3/orders")

    params = [
        ("oauth_consumer_key", "k"),
        ("oauth_nonce", "n"),
        ("oauth_signature_method", "HMAC-SHA256"),
        ("oauth_timestamp", "1"),
    ]
    wanted = signature("GET", "http://store.example/shop/wp-json/wc/v3/orders", params, "s")
    assert wanted.rstrip("=").replace("+", "%2B").replace("/", "%2F") in seen[0]


@pytest.mark.parametrize("key", [("ck_nobody", "cs_a"), ("ck_a", "cs_wrong")])
def test_a_key_that_is_refused_is_unauthorized(app: StoreApp, key: tuple[str, str]) -> None:
    with pytest.raises(UnauthorizedError) as raised:
        store_on(httpx.WSGITransport(app), key=key).get_order("30")

    assert raised.value.connection == "uk"


def test_a_key_that_may_only_read_cannot_write(app: StoreApp) -> None:
    store = store_on(httpx.WSGITransport(app), key=("ck_reader", "cs_reader"))

    with pytest.raises(UnauthorizedError, match="read and write"):
        store.add_note("30", "x")


# --- how it fails -----------------------------------------------------------------

CALLS: list[Callable[[WooStore], object]] = [
    lambda store: store.ping(),
    lambda store: store.get_order("30"),
    lambda store: store.find_note("30", "x"),
    lambda store: store.add_note("30", "x"),
]
each_call = pytest.mark.parametrize(
    "call", CALLS, ids=["ping", "get_order", "find_note", "add_note"]
)


@each_call
@pytest.mark.parametrize(
    ("status", "kwargs", "error"),
    [
        (503, {"text": MAINTENANCE}, UnavailableError),
        (500, {"json": {"code": "internal_server_error", "message": "…"}}, UnavailableError),
        (
            500,
            {
                "json": {
                    "code": "woocommerce_rest_invalid_order_refund",
                    "message": "…",
                    "data": 400,
                }
            },
            RejectedError,
        ),
        (200, {"text": MAINTENANCE}, UnavailableError),
        (200, {"text": '[{"id": 30, "note'}, UnavailableError),
        (200, {"text": ""}, UnavailableError),
        (302, {"headers": {"Location": "https://store.example/maintenance"}}, RejectedError),
        (400, {"json": {"code": "rest_invalid_param", "message": "…"}}, RejectedError),
        (
            401,
            {"json": {"code": "woocommerce_rest_cannot_view", "message": "…"}},
            UnauthorizedError,
        ),
        (403, {"text": "blocked by a firewall"}, UnauthorizedError),
        (404, {"json": {"code": "rest_no_route", "message": "…"}}, UnavailableError),
        (404, {"text": "<html>not found"}, UnavailableError),
        (429, {"headers": {"Retry-After": "7"}}, RateLimitedError),
    ],
)
def test_what_a_store_may_answer_becomes_our_error(
    call: Callable[[WooStore], object],
    status: int,
    kwargs: dict[str, Any],
    error: type[AccordError],
) -> None:
    with pytest.raises(error) as raised:
        call(always(status, **kwargs))

    assert type(raised.value) is error


@each_call
def test_no_answer_is_unavailable(call: Callable[[WooStore], object]) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("no", request=request)

    with pytest.raises(UnavailableError) as raised:
        call(answering(answer))

    assert raised.value.sent


def test_a_missing_order_told_with_200_is_none() -> None:
    assert always(200, json=NO_ORDER).get_order("30") is None


@pytest.mark.parametrize("body", [[], {}, {"id": 31}, "text", None])
def test_an_answer_that_is_another_thing_is_no_order(body: object) -> None:
    with pytest.raises(UnavailableError):
        always(200, content=json.dumps(body)).get_order("30")


@pytest.mark.parametrize("body", [{}, [], "text"])
def test_an_answer_that_is_another_thing_is_no_note(body: object) -> None:
    with pytest.raises(UnavailableError) as raised:
        always(201, json=body).add_note("30", "x")

    assert raised.value.sent  # it may be there: look before repeating


def test_notes_that_are_no_list_are_no_answer() -> None:
    with pytest.raises(UnavailableError):
        always(200, json={"id": 1}).find_note("30", "x")


def test_an_error_told_with_200_is_rejected() -> None:
    with pytest.raises(RejectedError, match="woocommerce_rest_x"):
        always(200, json={"code": "woocommerce_rest_x", "message": "…"}).get_order("30")


def test_a_refusal_for_good_keeps_its_code_and_what_they_said() -> None:
    body = {"code": "woocommerce_rest_trash_not_supported", "message": "…", "data": {"status": 501}}
    with pytest.raises(RejectedError) as raised:
        always(501, json=body).add_note("30", "x")

    assert raised.value.reason == "woocommerce_rest_trash_not_supported"
    assert "trash_not_supported" in str(raised.value.body)


def test_a_wait_that_is_asked_for_is_kept() -> None:
    with pytest.raises(UnavailableError) as raised:
        always(503, headers={"Retry-After": "120"}).get_order("30")

    assert raised.value.retry_after == 120
