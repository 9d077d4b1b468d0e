"""The store's REST client, against the stand-in and against answers no stand-in gives."""

import datetime as dt
import hashlib
import json
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.errors import (
    AccordError,
    BadInputError,
    DuplicateError,
    GoneError,
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
from accord.model.money import Money
from accord.model.party import Address, Profile
from accord.woo.client import OAuth1, WooStore, signature
from accord.woo.mapping import from_wire

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


ORDER = from_wire(make_order(30, rng=random.Random(1), at=NOW), store="uk", vat_keys=(), po_keys=())
HOME_ADDRESS = Address("Ada Byron", "Engine Ltd", "12 Row\nFlat 2", "London", "SW1", "", "GB")
ADA = Profile(
    name="Ada Byron",
    company="Engine Ltd",
    email="ada@example.com",
    phone="020 7946 1111",
    vat_number="GB123456789",
    billing=HOME_ADDRESS,
    shipping=HOME_ADDRESS,
)


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
        vat_keys=["vat_number"],
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
    with pytest.raises(GoneError, match="no order 31"):
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


# --- status and custom fields -----------------------------------------------------


def test_status_and_fields_go_in_one_call(app: StoreApp) -> None:
    calls: list[str] = []
    store = store_on(httpx.WSGITransport(app), on_call=calls.append)

    store.put_order("30", status="completed", meta={"_accord_invoice": "INV-7"})

    assert calls == ["PUT"]
    assert app.shop.orders[30]["status"] == "completed"
    assert meta_of(app)["_accord_invoice"] == "INV-7"


def test_what_is_not_named_stays(app: StoreApp, store: WooStore) -> None:
    before = json.loads(encode(app.shop.orders[30]))

    store.put_order("30", meta={"a": "1"})

    after = app.shop.orders[30]
    assert (after["status"], after["line_items"]) == (before["status"], before["line_items"])


def test_the_answer_is_the_order_with_the_digest_of_its_bytes(
    app: StoreApp, store: WooStore
) -> None:
    document, digest = store.put_order("30", status="completed")

    assert document == app.shop.orders[30]
    assert digest == hashlib.sha256(encode(app.shop.orders[30])).hexdigest()[:32]


def test_written_twice_is_written_once(app: StoreApp, store: WooStore) -> None:
    first = store.put_order("30", status="completed", meta={"a": "1"})

    assert store.put_order("30", status="completed", meta={"a": "1"}) == first


def test_a_field_of_none_is_removed(app: StoreApp, store: WooStore) -> None:
    store.put_order("30", meta={"a": "1"})

    store.put_order("30", meta={"a": None})

    assert "a" not in meta_of(app)


@pytest.mark.parametrize(
    "value",
    ["x", "", 5, 1.5, True, False, {}, {"a": 1, "b": ["x", None, True]}, [{"n": "1"}, {}]],
)
def test_a_field_is_known_again_as_the_store_keeps_it(store: WooStore, value: Any) -> None:
    store.put_order("30", meta={"a": value})


@pytest.mark.parametrize(
    ("asked", "kept"),
    [({"a": {}}, []), ({"a": 5}, "5"), ({"a": True}, "1"), ({"a": "x & y"}, "x &amp; y")],
)
def test_what_a_real_store_makes_of_a_value_is_that_value(asked: Any, kept: Any) -> None:
    answer = {"id": 30, "status": "pending", "meta_data": [{"id": 1, "key": "a", "value": kept}]}

    always(200, json=answer).put_order("30", meta=asked)


def test_two_entries_of_one_field_are_taken_if_one_holds_the_value() -> None:
    entries = [{"id": 1, "key": "a", "value": "old"}, {"id": 2, "key": "a", "value": "new"}]

    always(200, json={"id": 30, "meta_data": entries}).put_order("30", meta={"a": "new"})


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"status": "completed"}, "its status"),
        ({"meta": {"a": "1"}}, "the field a"),
        ({"meta": {"b": None}}, "the field b"),
        ({"meta": {"b": {"x": 1}}}, "the field b"),
        ({"meta": {"b": ["x", "y"]}}, "the field b"),
    ],
)
def test_an_answer_that_does_not_show_what_was_asked_is_rejected(asked: Any, what: str) -> None:
    answer = {
        "id": 30,
        "status": "pending",
        "meta_data": [{"id": 1, "key": "b", "value": "secret"}],
    }

    with pytest.raises(RejectedError, match=what) as raised:
        always(200, json=answer).put_order("30", **asked)

    assert raised.value.reason == "not_kept"
    assert "secret" not in str(raised.value)


def test_a_status_that_the_store_does_not_have_is_named_with_those_it_has(
    app: StoreApp, store: WooStore
) -> None:
    with pytest.raises(RejectedError, match="pending, processing, on-hold") as raised:
        store.put_order("30", status="shipped")

    assert (raised.value.reason, raised.value.owner) == ("no_such_status", "commerce")
    assert "rules" in str(raised.value)


def test_an_order_that_is_gone_cannot_be_changed(store: WooStore) -> None:
    with pytest.raises(GoneError, match="no order 31"):
        store.put_order("31", status="completed")


def meta_of(app: StoreApp) -> dict[str, Any]:
    return {it["key"]: it["value"] for it in app.shop.orders[30]["meta_data"]}


# --- refunds ------------------------------------------------------------------------


def test_refunds_are_read_over_as_many_pages_as_there_are(app: StoreApp) -> None:
    calls: list[str] = []
    store = store_on(httpx.WSGITransport(app), on_call=calls.append)
    for _ in range(101):
        app.shop.refund(30, {"amount": "0.01", "api_refund": False})

    found = store.refunds(store.order(app.shop.orders[30]))

    assert len({it.ref.id for it in found}) == 101
    assert calls == ["GET", "GET"]


def test_an_order_without_refunds_has_none(store: WooStore) -> None:
    assert list(store.refunds(ORDER)) == []


@pytest.mark.parametrize("status", [404, 500])
def test_an_order_that_is_gone_has_no_refunds(status: int) -> None:
    gone = {"code": "woocommerce_rest_invalid_order_id", "message": "…", "data": 404}

    assert list(always(status, json=gone).refunds(ORDER)) == []


def test_a_list_that_does_not_end_is_given_up() -> None:
    endless = [{"id": i} for i in range(100)]

    with pytest.raises(RejectedError, match="more than"):
        always(200, json=endless).refunds(ORDER)


def test_a_refund_sends_no_money_and_puts_no_stock_back() -> None:
    sent: list[dict[str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(201, json={"id": 77})

    id_ = answering(answer).create_refund(
        ORDER, Money(Decimal("12.30"), "GBP"), reason="[accord main:credit_note:7]"
    )

    assert id_ == "77"
    assert sent == [
        {
            "amount": "12.30",
            "reason": "[accord main:credit_note:7]",
            "api_refund": False,
            "api_restock": False,
        }
    ]


def test_a_refund_is_found_by_its_reason(app: StoreApp, store: WooStore) -> None:
    order = store.order(app.shop.orders[30])

    id_ = store.create_refund(order, Money(Decimal(1), "GBP"), reason="credited [accord x]")

    (found,) = store.refunds(order)
    assert (found.ref.id, found.reason) == (id_, "credited [accord x]")
    assert found.unassigned == found.total == Money(Decimal(1), "GBP")


def test_more_than_is_left_is_rejected_for_good(app: StoreApp, store: WooStore) -> None:
    with pytest.raises(RejectedError) as raised:
        store.create_refund(ORDER, Money(Decimal(10**6), "GBP"), reason="x")

    assert raised.value.reason == "woocommerce_rest_cannot_create_order_refund"
    assert "Invalid refund amount" in str(raised.value.body)


def test_an_order_that_is_gone_cannot_be_refunded(app: StoreApp, store: WooStore) -> None:
    app.shop.delete_order(30)

    with pytest.raises(GoneError, match="no order 30"):
        store.create_refund(ORDER, Money(Decimal(1), "GBP"), reason="x")


def test_a_refund_in_another_currency_is_not_sent() -> None:
    with pytest.raises(BadInputError, match="EUR"):
        always(201, json={"id": 1}).create_refund(ORDER, Money(Decimal(1), "EUR"), reason="x")


# --- customers ----------------------------------------------------------------------


def test_an_account_is_made_found_and_read(app: StoreApp, store: WooStore) -> None:
    made, digest = store.create_customer(ADA)

    assert store.find_customer("ADA@example.com") == (made, digest)
    assert store.get_customer(str(made["id"])) == (made, digest)
    assert store.customer(made).profile == ADA


def test_the_digest_is_the_one_of_the_account_s_own_bytes(app: StoreApp, store: WooStore) -> None:
    made, digest = store.create_customer(ADA)

    assert digest == hashlib.sha256(encode(app.shop.customers[made["id"]])).hexdigest()[:32]


def test_an_account_that_is_gone_is_none(store: WooStore) -> None:
    assert store.get_customer("2") is None


@pytest.mark.parametrize("email", ["nobody@example.com", "n/a", "", "a b@example.com"])
def test_an_address_without_an_account_finds_nothing(store: WooStore, email: str) -> None:
    assert store.find_customer(email) is None


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_a_failure_names_no_shopper_who_was_looked_for(status: int) -> None:
    """Errors are logged, and kept with what waits."""
    with pytest.raises(AccordError) as failed:
        always(status, json={"code": "oops", "message": "Oops."}).find_customer("ada@example.com")

    assert "ada" not in str(failed.value)


def test_a_store_that_does_not_answer_names_no_shopper_who_was_looked_for() -> None:
    def silence(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("none", request=request)

    with pytest.raises(UnavailableError) as failed:
        answering(silence).find_customer("ada@example.com")

    assert "ada" not in str(failed.value)


def test_a_store_that_ignores_the_filter_finds_nobody_else() -> None:
    everyone = [{"id": 1, "email": "bob@example.com"}, {"id": 2}]

    assert always(200, json=everyone).find_customer("ada@example.com") is None


def test_an_address_is_asked_for_as_it_is() -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=[])

    answering(answer).find_customer("a+b&role=x@example.com")

    assert asked == [{"email": "a+b&role=x@example.com", "role": "all", "per_page": "100"}]


def test_a_user_of_any_role_is_found(app: StoreApp, store: WooStore) -> None:
    made, _ = store.create_customer(ADA)
    app.shop.customers[made["id"]]["role"] = "editor"

    assert store.find_customer("ada@example.com") is not None


def test_an_address_that_has_an_account_gets_no_second_one(store: WooStore) -> None:
    store.create_customer(ADA)

    with pytest.raises(DuplicateError):
        store.create_customer(ADA)


def test_nobody_without_an_address_gets_an_account(store: WooStore) -> None:
    with pytest.raises(RejectedError, match="e-mail") as raised:
        store.create_customer(Profile(name="Ada"))

    assert raised.value.reason == "no_email"


def test_an_address_that_the_store_does_not_take_is_rejected(store: WooStore) -> None:
    with pytest.raises(RejectedError, match="customer_invalid_email"):
        store.create_customer(Profile(email="not-an-email"))


def test_only_what_is_given_is_changed(store: WooStore) -> None:
    made, _ = store.create_customer(ADA)

    changed, _ = store.put_customer(str(made["id"]), Profile(phone="020 1", vat_number=""))

    profile = store.customer(changed).profile
    assert (profile.phone, profile.vat_number) == ("020 1", "")
    assert (profile.name, profile.billing) == (ADA.name, ADA.billing)


def test_nothing_to_change_changes_nothing() -> None:
    methods: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        methods.append(request.method)
        return httpx.Response(200, json={"id": 2})

    answering(answer).put_customer("2", Profile())

    assert methods == ["GET"]


def test_the_address_of_another_account_is_a_duplicate(store: WooStore) -> None:
    made, _ = store.create_customer(ADA)
    store.create_customer(Profile(email="bob@example.com"))

    with pytest.raises(DuplicateError):
        store.put_customer(str(made["id"]), Profile(email="bob@example.com"))


def test_its_own_address_in_other_letters_is_no_duplicate(store: WooStore) -> None:
    made, _ = store.create_customer(ADA)

    changed, _ = store.put_customer(
        str(made["id"]), Profile(email="ADA@example.com", phone="020 1")
    )

    assert changed["billing"]["phone"] == "020 1"


@pytest.mark.parametrize("changes", [Profile(phone="1"), Profile()])
def test_an_account_that_is_gone_cannot_be_changed(store: WooStore, changes: Profile) -> None:
    with pytest.raises(RejectedError, match="no customer 2"):
        store.put_customer("2", changes)


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
    lambda store: store.put_order("30", status="completed"),
    lambda store: store.refunds(ORDER),
    lambda store: store.create_refund(ORDER, Money(Decimal(1), "GBP"), reason="x"),
    lambda store: store.get_customer("2"),
    lambda store: store.find_customer("ada@example.com"),
    lambda store: store.create_customer(ADA),
    lambda store: store.put_customer("2", ADA),
]
NAMES = (
    "ping get_order find_note add_note put_order refunds create_refund get_customer find_customer "
    "create_customer put_customer"
)
each_call = pytest.mark.parametrize("call", CALLS, ids=NAMES.split())


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


@pytest.mark.parametrize(
    ("method", "status", "code", "is_login"),
    [
        ("GET", 401, "woocommerce_rest_cannot_view", True),
        ("GET", 401, "woocommerce_rest_authentication_error", True),
        ("PUT", 401, "woocommerce_rest_cannot_edit", True),
        ("PUT", 401, "woocommerce_rest_authentication_error", False),  # it may only read
        ("GET", 403, "woocommerce_rest_cannot_view", False),
    ],
)
def test_a_key_that_is_turned_down_is_told_from_one_that_may_not(
    method: str, status: int, code: str, is_login: bool
) -> None:
    store = always(status, json={"code": code, "message": "…"})
    with pytest.raises(UnauthorizedError) as raised:
        store.get_order("30") if method == "GET" else store.put_order("30", status="completed")

    assert raised.value.is_login is is_login


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
