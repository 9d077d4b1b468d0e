"""Deliveries, held against recorded ones."""

import datetime as dt
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from accord.local.store.app import StoreApp
from accord.local.store.deliveries import Encoder, delivery, delivery_id, encode, ping, sign
from tests.local.store.conftest import RECORDINGS, Clock, Receiver, recording

DELIVERIES = sorted(
    path.stem for path in RECORDINGS.glob("delivery_*.json") if path.stem != "delivery_ping"
)
AT = dt.datetime(2026, 11, 22, 15, 1, 10, tzinfo=dt.UTC)


def captures(shared: Path) -> list[dict[str, Any]]:
    listed = json.loads((shared / "woo/captures/index.json").read_text())["captures"]
    return [json.loads((shared / "woo/captures" / it["file"]).read_text()) for it in listed]


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_recorded_signature_is_made_again(name: str) -> None:
    told = recording(name)

    assert sign(told["body"].encode(), told["secret"]) == told["headers"]["X-WC-Webhook-Signature"]


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_recorded_body_is_written_again_byte_for_byte(name: str) -> None:
    body = recording(name)["body"].encode()

    assert encode(json.loads(body)) == body


def test_every_signature_of_the_real_store_is_made_again(shared: Path) -> None:
    signed = [it for it in captures(shared) if it["secret"]]

    wrong = [
        it["name"]
        for it in signed
        if sign(it["body"].encode(), it["secret"]) != it["headers"]["X-WC-Webhook-Signature"]
    ]

    assert len(signed) > 50
    assert wrong == []


def test_every_body_of_the_real_store_is_written_again(shared: Path) -> None:
    bodies = [it["body"].encode() for it in captures(shared) if it["secret"]]

    assert [body for body in bodies if encode(json.loads(body)) != body] == []


@pytest.mark.parametrize("name", DELIVERIES)
def test_a_delivery_has_the_recorded_headers(name: str) -> None:
    told = recording(name)
    wanted = {**told["headers"]}

    headers, body = delivery(
        told["topic"],
        told["body"].encode(),
        told["secret"],
        "https://store.example",
        webhook_id=int(wanted["X-WC-Webhook-ID"]),
        at=AT,
    )

    del wanted["Host"]  # the client's
    # Made with a salt of the installation: only its form can be compared.
    assert len(headers.pop("X-WC-Webhook-Delivery-ID")) == len(
        wanted.pop("X-WC-Webhook-Delivery-ID")
    )
    assert headers == wanted
    assert body == told["body"].encode()


def test_a_ping_is_the_recorded_one() -> None:
    told = recording("delivery_ping")
    wanted = {**told["headers"]}
    del wanted["Host"]

    headers, body = ping(1)

    assert headers == wanted
    assert body == told["body"].encode()


def test_one_second_has_one_delivery_id() -> None:
    assert delivery_id(9, AT) == delivery_id(9, AT + dt.timedelta(milliseconds=900))


def test_the_next_second_has_another() -> None:
    assert delivery_id(9, AT) != delivery_id(9, AT + dt.timedelta(seconds=1))


def test_another_webhook_has_another() -> None:
    assert delivery_id(9, AT) != delivery_id(10, AT)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"a": "é☺/"}, rb'{"a":"\u00e9\u263a\/"}'),
        ([21.0, 12.345, 1, None, True], b"[21,12.345,1,null,true]"),
        ({"a": []}, b'{"a":[]}'),
    ],
)
def test_json_is_written_as_php_writes_it(document: object, text: bytes) -> None:
    assert encode(document) == text


def test_a_delivered_order_is_the_answer_of_get_byte_for_byte(
    app: StoreApp, http: httpx.Client, clock: Clock, receiver: Receiver
) -> None:
    order = json.loads(recording("delivery_order_created_rich")["body"])
    app.shop.create_webhook(
        {"topic": "order.created", "delivery_url": "https://x.example", "secret": "s"}
    )

    http.post("/_accord/orders", json={"order": order}).raise_for_status()
    app.shop.outbox.run()

    (_, body), answer = receiver.deliveries[0], http.get("/wp-json/wc/v3/orders/30").content
    assert body == answer
    assert body == recording("delivery_order_created_rich")["body"].encode()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (21.0, b"21"),
        ([1.5, -2.0], b"[1.5,-2]"),
        ({"price": 10.0, "a": 12.345}, b'{"price":10,"a":12.345}'),
        ({"a": 1e16}, b'{"a":10000000000000000}'),
        ({"a": "1.0", "b": 3.0}, b'{"a":"1.0","b":3}'),
        ("v1.0,", b'"v1.0,"'),
    ],
)
def test_a_whole_number_has_no_point_and_a_text_stays(value: object, text: bytes) -> None:
    assert encode(value) == text


def test_what_was_encoded_before_is_encoded_anew_once_anything_in_it_changed() -> None:
    encoder, order = Encoder(), {"id": 1, "lines": [{"sku": "MUG", "taxes": [{"total": "1.00"}]}]}
    encoder.one(order)

    order["lines"][0]["taxes"][0]["total"] = "2.00"  # type: ignore[index]

    assert encoder.one(order) == encode(order)


def test_two_things_of_one_id_are_not_taken_for_each_other() -> None:
    encoder = Encoder()
    things = [{"id": 1, "sku": "MUG"}, {"id": 1, "sku": "LAMP"}, {"id": 1}, {"id": 1, "sku": "MUG"}]

    assert encoder.many(things) == encode(things)


def test_a_list_of_nothing_is_a_list() -> None:
    assert Encoder().many([]) == encode([])
