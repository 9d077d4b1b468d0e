"""Deliveries of a real store: who sent them, are they genuine, what do they say."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.model.change import Change
from accord.woo.webhook import CARRIED_BYTES, Delivery, Edge, Ignored, Message
from tests.conftest import EVENTS, capture

NOW = dt.datetime(2026, 11, 22, 15, 10, tzinfo=dt.UTC)
SECRET = "lab-webhook-secret"
UK = Edge.from_config("uk", {"url": "https://store.example", "secret": "store/uk"})
SIGNED = sorted(
    path.stem
    for path in (EVENTS / "receive_store_webhook").glob("*.json")
    if json.loads(path.read_text())["secret"]
)


def api_event(found: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What API Gateway makes of a recorded delivery."""
    return {
        "pathParameters": {"store": "uk"},
        "headers": found["headers"],
        "requestContext": {"http": {"sourceIp": "203.0.113.9"}, "requestId": "r-1"},
        "body": found["body"],
        "isBase64Encoded": False,
        **changes,
    }


def delivery(name: str, **changes: Any) -> Delivery:
    return Delivery.from_event(api_event(capture(name), **changes))


def signed(body: bytes, topic: str = "order.created", secret: str = SECRET) -> Delivery:
    """A delivery that we sign ourselves, of whatever body."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    headers = {
        "x-wc-webhook-topic": topic,
        "x-wc-webhook-signature": base64.b64encode(mac).decode(),
        "x-wc-webhook-source": "https://store.example/",
    }
    return Delivery("uk", "203.0.113.9", headers, body, "r-1")


def read(one: Delivery) -> Message:
    message = one.read(UK, seen_at=NOW)
    assert isinstance(message, Message)
    return message


@pytest.mark.parametrize("name", SIGNED)
def test_every_recorded_delivery_is_genuine(name: str) -> None:
    assert delivery(name).is_genuine([SECRET])


def test_a_body_that_api_gateway_encoded_is_genuine() -> None:
    found = capture("order_created_rich")
    encoded = base64.b64encode(found["body"].encode()).decode()

    assert delivery("order_created_rich", body=encoded, isBase64Encoded=True).is_genuine([SECRET])


def test_either_secret_is_valid_while_one_is_rotated() -> None:
    assert delivery("order_created_rich").is_genuine(["the-new-one", SECRET])


def test_a_changed_body_is_forged() -> None:
    body = capture("order_created_rich")["body"].replace("213.02", "13.02")

    assert not delivery("order_created_rich", body=body).is_genuine([SECRET])


def test_a_delivery_without_signature_is_forged_even_with_no_secret() -> None:
    found = capture("order_created_rich")
    del found["headers"]["X-WC-Webhook-Signature"]

    assert not Delivery.from_event(api_event(found)).is_genuine([SECRET])
    assert not Delivery.from_event(api_event(found)).is_genuine([])


@given(st.text())
def test_no_signature_but_the_right_one_is_genuine(signature: str) -> None:
    one = Delivery("uk", "", {"x-wc-webhook-signature": signature}, b"{}", "")

    assert one.is_genuine([SECRET]) == (
        signature == signed(b"{}").headers["x-wc-webhook-signature"]
    )


def test_the_ping_is_known_without_signature() -> None:
    assert delivery("ping").is_ping


def test_a_signed_body_is_no_ping() -> None:
    assert not signed(b"webhook_id=1").is_ping


def test_a_form_of_anything_else_is_no_ping() -> None:
    assert not Delivery("uk", "", {}, b"webhook_id=1&id=30", "").is_ping


def test_an_order_becomes_a_change_that_carries_its_document() -> None:
    message = read(delivery("order_created_rich"))
    change = Change.from_json(message.body)

    assert (message.event, message.group) == ("order_created", "uk:order:30")
    assert change.document == json.loads(capture("order_created_rich")["body"])
    assert change.modified_at == dt.datetime(2026, 11, 22, 15, 1, 10, tzinfo=dt.UTC)
    assert change.placed_at == dt.datetime(2026, 11, 22, 15, 1, 9, tzinfo=dt.UTC)
    assert (change.seen_at, change.correlation_id) == (NOW, "r-1")


def test_the_message_is_what_a_change_would_write() -> None:
    message = read(delivery("order_created_rich"))

    assert json.loads(message.body) == json.loads(Change.from_json(message.body).to_json())


def test_created_and_updated_with_one_body_have_one_digest() -> None:
    created = Change.from_json(read(delivery("order_created_checkout_placed")).body)
    updated = Change.from_json(read(delivery("order_updated_checkout_placed")).body)

    assert created.digest == updated.digest
    assert created.event != updated.event


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("order_created_error_body", "error_body"),
        ("order_updated_checkout_draft", "checkout_draft"),
        ("product_restored_error_body", "error_body"),
    ],
)
def test_what_says_nothing_to_us_is_ignored(name: str, why: str) -> None:
    assert delivery(name).read(UK, seen_at=NOW) == Ignored(why)


def test_a_topic_that_nothing_handles_is_not_followed() -> None:
    one = signed(capture("product_created_simple")["body"].encode(), topic="coupon.created")

    assert one.read(UK, seen_at=NOW) == Ignored("not_followed")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"7",
        b"{",
        b'{"id":"30"}',
        b'{"id":true}',
        b'{"id":-1}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"id":30,"a":' + b"[" * 100_000,
    ],
)
def test_a_signed_body_that_is_no_order_is_ignored(body: bytes) -> None:
    assert signed(body).read(UK, seen_at=NOW) == Ignored("unreadable")


def test_a_copy_of_the_shop_is_ignored() -> None:
    body = capture("order_created_rich")["body"].replace("store.example", "staging.example")

    assert signed(body.encode()).read(UK, seen_at=NOW) == Ignored("cloned_shop")


def test_a_copy_of_the_shop_is_known_by_its_header_when_the_body_is_bare() -> None:
    one = signed(b'{"id":30}', "order.deleted")
    copy = {**one.headers, "x-wc-webhook-source": "https://staging.example/"}

    assert Delivery("uk", "", copy, one.body, "").read(UK, seen_at=NOW) == Ignored("cloned_shop")


def test_www_is_the_same_shop() -> None:
    body = capture("order_created_rich")["body"].replace("//store.example", "//www.store.example")

    assert isinstance(signed(body.encode()).read(UK, seen_at=NOW), Message)


@pytest.mark.parametrize("name", ["order_deleted", "order_restored"])
def test_what_is_deleted_or_restored_is_read_from_the_store(name: str) -> None:
    change = Change.from_json(read(delivery(name)).body)

    assert (change.event, change.document) == ("order_updated", None)


def test_an_oversize_body_is_queued_as_a_bare_ref() -> None:
    order = json.loads(capture("order_created_rich")["body"])
    order["customer_note"] = "x" * CARRIED_BYTES

    change = Change.from_json(read(signed(json.dumps(order).encode())).body)

    assert change.document is None
    assert str(change.ref) == "uk:order:30"
    assert change.modified_at is not None


def test_the_order_of_300_lines_is_carried() -> None:
    assert Change.from_json(read(delivery("order_created_300_lines")).body).document is not None


def test_one_delivery_id_on_two_orders_is_two_sendings() -> None:
    one, two = capture("order_created_rich"), capture("order_created_backorder")
    two["headers"]["X-WC-Webhook-Delivery-ID"] = one["headers"]["X-WC-Webhook-Delivery-ID"]

    first, second = (read(Delivery.from_event(api_event(each))) for each in (one, two))

    assert first.sending != second.sending


def test_a_repeated_delivery_is_the_same_sending() -> None:
    name = "order_created_rich"

    assert read(delivery(name)).sending == read(delivery(name)).sending


def test_a_bare_body_is_another_sending_each_second() -> None:
    one = signed(b'{"id":30}', "order.deleted")
    later = one.read(UK, seen_at=NOW + dt.timedelta(seconds=1))

    assert isinstance(later, Message)
    assert read(one).sending != later.sending


@pytest.mark.parametrize(
    ("sources", "address", "admitted"),
    [
        ((), "203.0.113.9", True),
        (("0.0.0.0/0", "::/0"), "203.0.113.9", True),
        (("203.0.113.0/24",), "203.0.113.9", True),
        (("203.0.113.0/24",), "198.51.100.1", False),
        (("203.0.113.0/24",), "not an address", False),
        (("2001:db8::/32",), "2001:db8::7", True),
    ],
)
def test_a_store_may_name_where_it_sends_from(
    sources: tuple[str, ...], address: str, admitted: bool
) -> None:
    edge = Edge("uk", "store.example", "store/uk", sources)

    assert edge.admits(address) is admitted


@given(st.binary(max_size=300), st.sampled_from(["order.created", "order.deleted", "", "x"]))
def test_no_signed_body_raises(body: bytes, topic: str) -> None:
    assert isinstance(signed(body, topic).read(UK, seen_at=NOW), Message | Ignored)


# --- customers ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("customer_created", "2"),
        ("customer_updated", "2"),
        ("customer_updated_after_create", "2"),
        ("customer_created_not_a_customer", "6"),
    ],
)
def test_an_account_that_changed_is_told_with_what_it_holds(name: str, id_: str) -> None:
    message = read(delivery(name))

    change = Change.from_json(message.body)
    assert (message.event, str(change.ref)) == ("customer_changed", f"uk:customer:{id_}")
    assert change.document == json.loads(capture(name)["body"])
    assert message.group == f"uk:customer:{id_}"
    assert change.digest == hashlib.sha256(capture(name)["body"].encode()).hexdigest()[:32]


def test_an_account_that_is_gone_is_told_by_its_id_alone() -> None:
    message = read(delivery("customer_deleted"))

    change = Change.from_json(message.body)
    assert (message.event, str(change.ref)) == ("customer_changed", "uk:customer:4")
    assert (change.document, change.digest, change.modified_at) == (None, "", None)


def test_a_new_account_told_twice_in_one_body_is_two_sendings() -> None:
    first, second = delivery("customer_created"), delivery("customer_updated_after_create")

    assert first.body == second.body
    assert read(first).sending != read(second).sending


def test_an_account_of_a_cloned_shop_is_dropped() -> None:
    other = Edge.from_config("uk", {"url": "https://copy.example", "secret": "store/uk"})

    assert delivery("customer_created").read(other, seen_at=NOW) == Ignored("cloned_shop")


def test_an_account_that_was_gone_when_it_was_told_of_says_nothing() -> None:
    body = b'{"code":"wc_user_invalid_id","message":"Invalid user ID.","data":{"status":404}}'

    one = signed(body, topic="customer.updated")

    assert one.read(UK, seen_at=NOW) == Ignored("error_body")


# --- products -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("product_created_simple", "10"),
        ("product_created_same_delivery_id", "11"),
        ("product_created_draft", "42"),
        ("product_updated_stock", "10"),
        ("product_updated_negative_stock", "14"),
        ("product_updated_variation_stock", "18"),
    ],
)
def test_a_product_that_changed_is_told_with_what_it_holds(name: str, id_: str) -> None:
    message = read(delivery(name))

    change = Change.from_json(message.body)
    assert (message.event, str(change.ref)) == ("product_updated", f"uk:product:{id_}")
    assert change.document == json.loads(capture(name)["body"])
    assert message.group == f"uk:product:{id_}"
    assert change.modified_at is not None


@pytest.mark.parametrize(
    "name",
    [
        "product_deleted",
        "product_deleted_but_it_was_a_page",
        "product_deleted_but_it_was_a_coupon",
        "product_restored",
    ],
)
def test_a_product_that_went_or_came_back_is_read_from_the_store(name: str) -> None:
    message = read(delivery(name))

    change = Change.from_json(message.body)
    assert (message.event, change.document) == ("product_updated", None)


def test_two_products_under_one_delivery_id_are_two_sendings() -> None:
    one, two = delivery("product_created_simple"), delivery("product_created_same_delivery_id")

    assert one.headers["x-wc-webhook-delivery-id"] == two.headers["x-wc-webhook-delivery-id"]
    assert read(one).sending != read(two).sending


def test_a_product_of_a_cloned_shop_is_dropped() -> None:
    other = Edge.from_config("uk", {"url": "https://copy.example", "secret": "store/uk"})

    assert delivery("product_updated_stock").read(other, seen_at=NOW) == Ignored("cloned_shop")
