"""What a genuine delivery may not do to us: too large, too deep, or in letters that no queue takes."""

import base64
import json
from typing import Any

import pytest

from accord.model.change import Change
from accord.signed import MOST_BYTES
from accord.woo.webhook import Delivery, Ignored
from tests.woo.test_webhook import NOW, UK, api_event, capture, read, signed

ORDER: dict[str, Any] = {"id": 7, "status": "processing", "total": "1.00"}


def nested(depth: int) -> bytes:
    """An order in which ``depth`` lists and objects lie in one another, itself the first."""
    inner = b"[" * (depth - 1) + b"]" * (depth - 1)
    return json.dumps(ORDER).encode()[:-1] + b',"odd":' + inner + b"}"


def test_what_is_nested_as_deeply_as_anybody_does_is_carried() -> None:
    assert Change.from_json(read(signed(nested(100))).body).document is not None


@pytest.mark.parametrize("depth", [101, 500])
def test_what_is_nested_more_deeply_is_read_from_the_store(depth: int) -> None:
    change = Change.from_json(read(signed(nested(depth))).body)

    assert (str(change.ref), change.document) == ("uk:order:7", None)


@pytest.mark.parametrize("body", [nested(200_000), b"[" * 1_000_000])
def test_what_is_nested_too_deeply_to_be_read_at_all_is_counted(body: bytes) -> None:
    assert signed(body).read(UK, seen_at=NOW) == Ignored("unreadable")


def test_more_than_can_come_is_not_looked_into() -> None:
    body = b'{"id":7,"x":"' + b"x" * MOST_BYTES + b'"}'

    assert signed(body).read(UK, seen_at=NOW) == Ignored("unreadable")


@pytest.mark.parametrize("letter", ["\ufffe", "\uffff"])
def test_letters_that_no_message_may_hold_are_read_from_the_store(letter: str) -> None:
    body = json.dumps({**ORDER, "customer_note": letter}, ensure_ascii=False).encode()
    escaped = json.dumps({**ORDER, "customer_note": letter}).encode()

    assert Change.from_json(read(signed(body)).body).document is None
    assert Change.from_json(read(signed(escaped)).body).document is not None


@pytest.mark.parametrize("id_", [2**64, 10**4000])
def test_an_id_that_no_store_gives_is_none(id_: int) -> None:
    body = json.dumps(ORDER).replace("7", str(id_), 1).encode()

    assert signed(body).read(UK, seen_at=NOW) == Ignored("unreadable")


@pytest.mark.parametrize("home", ["http://[", "https://[::1"])
def test_a_home_that_is_no_address_is_not_ours(home: str) -> None:
    body = json.dumps({**ORDER, "_links": {"self": [{"href": home}]}}).encode()

    assert signed(body).read(UK, seen_at=NOW) == Ignored("cloned_shop")


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "A", "isBase64Encoded": True},
        {"body": "ä", "isBase64Encoded": True},
        {"body": "\ud800"},
        {"body": None},
        {"headers": None},
    ],
)
def test_what_is_no_body_and_has_no_headers_was_signed_by_nobody(changes: dict[str, Any]) -> None:
    one = Delivery.from_event(api_event(capture("order_created_rich"), **changes))

    assert not one.is_genuine(["lab-webhook-secret"])


def test_a_signature_of_half_a_letter_is_wrong_and_no_more() -> None:
    one = signed(b"{}")
    odd = Delivery(one.store, one.source, {"x-wc-webhook-signature": "\ud800"}, one.body, "r")

    assert not odd.is_genuine(["lab-webhook-secret"])


def test_a_body_in_base64_is_the_body() -> None:
    found = capture("order_created_rich")
    encoded = base64.b64encode(found["body"].encode()).decode()
    one = Delivery.from_event(api_event(found, body=encoded, isBase64Encoded=True))

    assert one.is_genuine(["lab-webhook-secret"])
