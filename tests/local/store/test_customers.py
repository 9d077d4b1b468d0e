"""Accounts of the stand-in: as recorded, and as read where nothing was."""

import json
from typing import Any

import httpx
import pytest

from accord.local.store.app import StoreApp
from tests.local.store.conftest import Clock, Receiver, recording
from tests.local.store.test_webhooks import follow

API = "/wp-json/wc/v3/customers"
TOPICS = ("customer.created", "customer.updated", "customer.deleted")


def told(name: str) -> dict[str, Any]:
    return json.loads(recording(f"delivery_{name}")["body"])


def as_asked(account: dict[str, Any]) -> dict[str, Any]:
    """The fields that make a recorded account again."""
    names = ("email", "first_name", "last_name", "username", "billing", "shipping")
    meta = [{"key": it["key"], "value": it["value"]} for it in account["meta_data"]]
    return {**{name: account[name] for name in names}, "meta_data": meta}


@pytest.fixture
def ada(app: StoreApp) -> dict[str, Any]:
    account = recording("customer")["body"]
    app.shop.load("customers", [account])
    return account


def timeless(account: dict[str, Any]) -> dict[str, Any]:
    return {name: it for name, it in account.items() if not name.startswith("date_")}


def test_an_account_that_rest_makes_is_the_recorded_one(app: StoreApp, http: httpx.Client) -> None:
    recorded = told("customer_created")
    app.shop.load("customers", [{**recorded, "id": 1, "email": "x@example.com", "username": "x"}])

    response = http.post(API, json=as_asked(recorded))

    made = response.json()
    made["meta_data"][0]["id"] = 45  # numbered on the way
    assert (response.status_code, timeless(made)) == (201, timeless(recorded))
    assert list(made) == list(recorded)
    assert response.headers["Location"] == "https://store.example/wp-json/wc/v3/customers/2"


def test_an_account_that_changed_is_the_recorded_one(
    app: StoreApp, http: httpx.Client, clock: Clock
) -> None:
    before, after = told("customer_created"), told("customer_updated")
    app.shop.load("customers", [before])
    clock.now = clock.now.replace(minute=2, second=42)

    changed = http.put(f"{API}/2", json={"billing": {"phone": "020 7946 1111"}}).json()

    assert changed == after


def test_a_new_account_is_told_of_as_new_and_as_changed(
    app: StoreApp, http: httpx.Client, receiver: Receiver
) -> None:
    follow(app, *TOPICS)

    http.post(API, json={"email": "ada@example.com"})
    app.shop.outbox.run()

    assert receiver.topics == ["customer.created", "customer.updated"]
    first, second = (body for _, body in receiver.deliveries)
    assert first == second


def test_a_change_is_told_once_with_the_account_as_rest_answers_it(
    app: StoreApp, http: httpx.Client, receiver: Receiver, ada: dict[str, Any]
) -> None:
    follow(app, *TOPICS)

    answer = http.put(f"{API}/2", json={"first_name": "Augusta"})
    app.shop.outbox.run()

    ((headers, body),) = receiver.deliveries
    assert headers["X-WC-Webhook-Topic"] == "customer.updated"
    assert body == answer.content == http.get(f"{API}/2").content


def test_an_account_that_is_gone_is_told_by_its_id(
    app: StoreApp, http: httpx.Client, receiver: Receiver, ada: dict[str, Any]
) -> None:
    follow(app, *TOPICS)

    http.delete(f"{API}/2?force=true")
    app.shop.outbox.run()

    assert [body for _, body in receiver.deliveries] == [b'{"id":2}']


def test_an_account_gone_before_it_was_told_of_is_an_error_body(
    app: StoreApp, http: httpx.Client, receiver: Receiver
) -> None:
    follow(app, "customer.created")
    http.post(API, json={"email": "ada@example.com"})

    http.delete(f"{API}/1?force=true")
    app.shop.outbox.run()

    ((_, body),) = receiver.deliveries
    assert json.loads(body)["code"] == "wc_user_invalid_id"


def test_a_put_changes_only_what_it_names(http: httpx.Client, ada: dict[str, Any]) -> None:
    before = json.loads(json.dumps(ada))

    after = http.put(f"{API}/2", json={"billing": {"city": "Leeds"}}).json()

    assert after["billing"] == {**before["billing"], "city": "Leeds"}
    assert after["shipping"] == before["shipping"]


def test_a_put_without_a_difference_moves_the_date(
    http: httpx.Client, clock: Clock, ada: dict[str, Any]
) -> None:
    clock.tick(3600)

    assert http.put(f"{API}/2", json={}).json()["date_modified_gmt"] == "2026-11-22T16:00:00"


@pytest.mark.parametrize("email", ["bob@example.com", "ADA@example.com"])
def test_an_address_that_any_account_has_is_refused_unless_it_is_the_same_text(
    app: StoreApp, http: httpx.Client, ada: dict[str, Any], email: str
) -> None:
    app.shop.load("customers", [{**ada, "id": 3, "email": "bob@example.com"}])

    refused = http.put(f"{API}/2", json={"email": email})

    assert (refused.status_code, refused.json()["code"]) == (
        400,
        "woocommerce_rest_customer_invalid_email",
    )
    assert http.put(f"{API}/2", json={"email": ada["email"]}).status_code == 200


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "rest_missing_callback_param"),
        ({"email": "a@b.example", "billing": {"email": "x"}}, "customer_invalid_billing_email"),
    ],
)
def test_an_account_wants_usable_addresses(
    http: httpx.Client, fields: dict[str, Any], code: str
) -> None:
    refused = http.post(API, json=fields)

    assert (refused.status_code, refused.json()["code"]) == (400, code)


def test_nobody_is_changed_where_there_is_nobody(http: httpx.Client) -> None:
    assert http.put(f"{API}/9", json={}).json()["code"] == "wc_user_invalid_id"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("Tom & Jerry", "Tom & Jerry"), (" A  B ", "A B"), ("<b>A</b>", "A"), ("A < B", "A &lt; B")],
)
def test_a_name_is_kept_as_a_line_of_text(http: httpx.Client, given: str, kept: str) -> None:
    made = http.post(API, json={"email": "a@b.example", "first_name": given}).json()

    assert made["first_name"] == kept


def test_two_people_of_one_name_have_two_user_names(http: httpx.Client) -> None:
    names = [
        http.post(
            API, json={"email": f"{i}@b.example", "first_name": "Joan", "last_name": "Clarke"}
        ).json()["username"]
        for i in range(2)
    ]

    assert names == ["joan.clarke", "joan.clarke-1"]


def test_users_of_other_roles_are_listed_if_they_are_asked_for(
    app: StoreApp, http: httpx.Client
) -> None:
    app.shop.load("customers", [told("customer_created_not_a_customer")])

    assert http.get(API).json() == []
    assert [it["id"] for it in http.get(f"{API}?role=all").json()] == [6]
