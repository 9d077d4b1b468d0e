"""What the stand-in's REST does beyond the recorded answers."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from accord.local.store.app import StoreApp
from accord.local.store.auth import Key
from tests.local.store.conftest import KEY, SECRET, Clock, Receiver, recording

API = "/wp-json/wc/v3"


def order(id_: int = 29, **changes: Any) -> dict[str, Any]:
    return {**recording("order_guest")["body"], "id": id_, **changes}


def modified(at: str) -> dict[str, str]:
    return {"date_modified": at, "date_modified_gmt": at}


def ids(response: httpx.Response) -> list[int]:
    return [it["id"] for it in response.json()]


# --- reading ------------------------------------------------------------------


def test_an_unknown_query_parameter_is_ignored(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order(1), order(2)])

    assert ids(http.get(f"{API}/orders?number=1&meta_key=x")) == [2, 1]


def test_any_status_leaves_out_the_trash_and_keeps_drafts(
    app: StoreApp, http: httpx.Client
) -> None:
    app.shop.load("orders", [order(1, status="trash"), order(2, status="checkout-draft"), order(3)])

    assert ids(http.get(f"{API}/orders")) == [3, 2]
    assert ids(http.get(f"{API}/orders?status=trash")) == [1]


def test_statuses_can_be_listed(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order(i, status=it) for i, it in enumerate(["failed", "on-hold"])])

    assert ids(http.get(f"{API}/orders?status=failed,pending")) == [0]
    assert ids(http.get(f"{API}/orders", params={"status[]": "on-hold"})) == [1]


def test_a_trashed_order_is_still_answered(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order(1, status="trash")])

    assert http.get(f"{API}/orders/1").json()["status"] == "trash"


def test_modified_after_leaves_out_the_very_second(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order(i, **modified(f"2026-11-22T15:00:0{i}")) for i in range(4)])

    got = http.get(f"{API}/orders?modified_after=2026-11-22T15:00:01Z&orderby=modified&order=asc")

    assert ids(got) == [2, 3]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("modified_after=2026-01-10T11:00:00", [1]),  # bare: the shop's zone, an hour ahead
        ("modified_after=2026-01-10T10:00:00&dates_are_gmt=true", [1]),
        ("modified_after=2026-01-10T10:00:00Z", [1]),
        ("modified_after=2026-01-10T11:00:00%2B01:00", [1]),
        ("modified_after=2026-01-10T10:00:00Z&dates_are_gmt=true", []),  # shifted twice: missed
    ],
)
def test_a_date_means_what_its_form_says_and_both_forms_at_once_miss_records(
    clock: Clock, query: str, found: list[int]
) -> None:
    app = StoreApp(
        home="https://store.example",
        clock=clock,
        keys={KEY: Key(SECRET)},
        zone=ZoneInfo("Europe/Berlin"),
    )
    late = {"date_modified": "2026-01-10T11:00:05", "date_modified_gmt": "2026-01-10T10:00:05"}
    early = {"date_modified": "2026-01-10T10:59:55", "date_modified_gmt": "2026-01-10T09:59:55"}
    app.shop.load("orders", [order(1, **late), order(2, **early)])
    with httpx.Client(
        transport=httpx.WSGITransport(app), base_url="http://127.0.0.1", auth=(KEY, SECRET)
    ) as http:
        assert ids(http.get(f"{API}/orders?{query}")) == found


def test_pages_are_linked_both_ways(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order(i) for i in range(5)])

    link = http.get(f"{API}/orders?per_page=2&page=2").headers["Link"]

    assert "page=1" in link.split(", ")[0]
    assert 'rel="prev"' in link
    assert "page=3" in link.split(", ")[1]
    assert 'rel="next"' in link


def test_a_search_does_not_look_at_custom_fields(app: StoreApp, http: httpx.Client) -> None:
    meta = [{"id": 1, "key": "erp", "value": "SO-77"}]
    app.shop.load("orders", [order(1, meta_data=meta), order(2, transaction_id="SO-77")])

    assert ids(http.get(f"{API}/orders?search=SO-77")) == [2]


# --- writing ------------------------------------------------------------------


def test_a_put_changes_only_what_it_names_and_moves_the_date(
    app: StoreApp, http: httpx.Client, clock: Clock
) -> None:
    app.shop.load("orders", [order()])
    before = json.loads(json.dumps(app.shop.orders[29]))
    clock.tick(3600 * 24)

    after = http.put(f"{API}/orders/29", json={}).json()

    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"date_modified", "date_modified_gmt"}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (5, "5"),
        (1.5, "1.5"),
        (True, "1"),
        ("x", "x"),
        ({"a": [1, "2"]}, {"a": [1, "2"]}),
    ],
)
def test_a_custom_field_comes_back_as_text_or_as_its_shape(
    app: StoreApp, http: httpx.Client, sent: object, kept: object
) -> None:
    app.shop.load("orders", [order(meta_data=[])])

    body = http.put(f"{API}/orders/29", json={"meta_data": [{"key": "k", "value": sent}]}).json()

    assert [(it["key"], it["value"]) for it in body["meta_data"]] == [("k", kept)]


def test_a_custom_field_is_found_by_its_key_and_the_last_value_wins(
    app: StoreApp, http: httpx.Client
) -> None:
    app.shop.load("orders", [order(meta_data=[{"id": 7, "key": "k", "value": "old"}])])

    entries = [{"key": "k", "value": "a"}, {"key": "k", "value": "b"}]
    body = http.put(f"{API}/orders/29", json={"meta_data": entries}).json()

    assert body["meta_data"] == [{"id": 7, "key": "k", "value": "b"}]


def test_null_removes_a_custom_field(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order(meta_data=[{"id": 7, "key": "k", "value": "old"}])])

    body = http.put(f"{API}/orders/29", json={"meta_data": [{"key": "k", "value": None}]}).json()

    assert body["meta_data"] == []


def test_another_quantity_keeps_the_line_s_money(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order()])

    lines = [{"id": 1, "quantity": 5}]
    body = http.put(f"{API}/orders/29", json={"line_items": lines}).json()

    assert body["line_items"][0]["quantity"] == 5
    assert body["total"] == "66.27"


def test_quantity_0_removes_a_line_and_the_sums_follow(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order()])

    body = http.put(f"{API}/orders/29", json={"line_items": [{"id": 1, "quantity": 0}]}).json()

    assert body["total"] == "18.29"  # a book of 12.35, shipping of 4.95 and its tax


def test_the_same_order_posted_twice_is_two_orders(app: StoreApp, http: httpx.Client) -> None:
    fields = {"line_items": [{"product_id": 10, "quantity": 1}]}
    headers = {"Idempotency-Key": "one"}

    first = http.post(f"{API}/orders", json=fields, headers=headers).json()
    second = http.post(f"{API}/orders", json=fields, headers=headers).json()

    assert first["id"] != second["id"]


def test_an_order_that_rest_makes_has_the_recorded_sums(http: httpx.Client) -> None:
    """The lines, coupon, fee and shipping of the recorded rich order."""
    told = json.loads(recording("delivery_order_created_rich")["body"])

    body = http.post(
        f"{API}/orders",
        json={
            "status": "processing",
            "billing": told["billing"],
            "shipping": told["shipping"],
            "line_items": [
                {"product_id": 10, "quantity": 3},
                {"product_id": 12, "quantity": 1},
                {"product_id": 13, "quantity": 2},
                {"product_id": 17, "variation_id": 18, "quantity": 2},
            ],
            "fee_lines": [{"name": "Gift wrap", "total": "3.00"}],
            "shipping_lines": [
                {"method_id": "flat_rate", "method_title": "Flat rate", "total": "4.95"}
            ],
            "coupon_lines": [{"code": "save10"}],
        },
    ).json()

    sums = ["discount_total", "discount_tax", "shipping_tax", "cart_tax", "total", "total_tax"]
    assert {it: body[it] for it in sums} == {it: told[it] for it in sums}
    assert [it["total"] for it in body["line_items"]] == [it["total"] for it in told["line_items"]]
    assert [it["tax_total"] for it in body["tax_lines"]] == [
        it["tax_total"] for it in told["tax_lines"]
    ]
    assert [it["price"] for it in body["line_items"]] == [it["price"] for it in told["line_items"]]


def test_a_partial_refund_leaves_the_status(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order()])

    http.post(f"{API}/orders/29/refunds", json={"amount": "5.00", "api_refund": False})

    body = app.shop.orders[29]
    assert body["status"] == "completed"
    assert body["total"] == "66.27"
    assert [it["total"] for it in body["refunds"]] == ["-5.00"]


def test_the_last_refund_turns_the_status(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order()])

    for amount in ("6.27", "60.00"):
        http.post(f"{API}/orders/29/refunds", json={"amount": amount, "api_refund": False})

    assert app.shop.orders[29]["status"] == "refunded"


def test_two_equal_refunds_are_two(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order()])

    for _ in range(2):
        http.post(f"{API}/orders/29/refunds", json={"amount": "5.00", "api_refund": False})

    assert len(http.get(f"{API}/orders/29/refunds").json()) == 2


def test_status_refunded_by_put_makes_a_refund_without_lines(
    app: StoreApp, http: httpx.Client
) -> None:
    app.shop.load("orders", [order()])
    http.put(f"{API}/orders/29", json={"status": "refunded"})

    (refund,) = http.get(f"{API}/orders/29/refunds").json()

    assert (refund["amount"], refund["line_items"]) == ("66.27", [])


RICH_REFUND = {
    "api_refund": False,
    "line_items": [
        {
            "id": 6,
            "quantity": 1,
            "refund_total": 17.99,
            "refund_tax": [{"id": 1, "refund_total": 3.6}],
        },
        {"id": 10, "refund_total": 4.95, "refund_tax": [{"id": 1, "refund_total": 0.99}]},
        {"id": 11, "refund_total": 3, "refund_tax": [{"id": 1, "refund_total": 0.6}]},
    ],
}


def rich_refund(app: StoreApp, http: httpx.Client) -> Any:
    rich = recording("order_rich_refunded")["body"]
    app.shop.load("orders", [{**rich, "refunds": [], "status": "processing"}])
    return http.post(f"{API}/orders/30/refunds", json=RICH_REFUND).json()


def test_a_refund_can_take_back_goods_shipping_and_a_fee(app: StoreApp, http: httpx.Client) -> None:
    refund = rich_refund(app, http)

    totals = [
        [line["total"] for line in refund[kind]]
        for kind in ("line_items", "shipping_lines", "fee_lines")
    ]
    assert totals == [["-17.99"], ["-4.95"], ["-3.00"]]
    assert refund["amount"] == "31.13"


def test_each_line_of_a_refund_names_the_order_s_line(app: StoreApp, http: httpx.Client) -> None:
    refund = rich_refund(app, http)

    named = [
        meta["value"]
        for kind in ("line_items", "shipping_lines", "fee_lines")
        for line in refund[kind]
        for meta in line["meta_data"]
        if meta["key"] == "_refunded_item_id"
    ]
    assert named == ["6", "10", "11"]


def test_a_refund_parts_its_tax_into_goods_and_shipping(app: StoreApp, http: httpx.Client) -> None:
    (tax,) = rich_refund(app, http)["tax_lines"]

    assert (tax["rate_id"], tax["tax_total"], tax["shipping_tax_total"]) == (1, "-4.20", "-0.99")


def test_a_line_that_the_order_does_not_have_cannot_be_refunded(
    app: StoreApp, http: httpx.Client
) -> None:
    app.shop.load("orders", [order()])
    fields = {"api_refund": False, "line_items": [{"id": 999, "refund_total": 1}]}

    response = http.post(f"{API}/orders/29/refunds", json=fields)

    assert response.json()["code"] == "woocommerce_rest_invalid_item_id"


def test_another_total_brings_its_taxes_and_the_order_s_sums_with_it(
    app: StoreApp, http: httpx.Client
) -> None:
    app.shop.load("orders", [{**recording("order_after_partial_refund")["body"], "refunds": []}])

    changed = http.put(
        f"{API}/orders/61", json={"line_items": [{"id": 369, "quantity": 1, "total": "21.00"}]}
    ).json()

    (line,) = changed["line_items"]
    assert (line["quantity"], line["total"], line["total_tax"], line["price"]) == (
        1,
        "21.00",
        "4.20",
        21,
    )
    assert (changed["total"], changed["total_tax"]) == ("25.20", "4.20")


def test_a_deleted_refund_moves_no_date_and_sends_nothing(
    app: StoreApp, http: httpx.Client, clock: Clock, receiver: Receiver
) -> None:
    app.shop.load("orders", [order()])
    made = http.post(f"{API}/orders/29/refunds", json={"amount": "5.00", "api_refund": False})
    before = app.shop.orders[29]["date_modified"]
    app.shop.create_webhook({"topic": "order.updated", "delivery_url": "https://x.example"})
    clock.tick(60)

    http.delete(f"{API}/orders/29/refunds/{made.json()['id']}")
    app.shop.outbox.run()

    assert app.shop.orders[29]["refunds"] == []
    assert app.shop.orders[29]["date_modified"] == before
    assert receiver.deliveries == []


def test_a_note_can_be_read_and_deleted_with_force_only(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order()])
    id_ = http.post(f"{API}/orders/29/notes", json={"note": "hello"}).json()["id"]

    assert http.get(f"{API}/orders/29/notes/{id_}").json()["note"] == "hello"
    assert http.delete(f"{API}/orders/29/notes/{id_}").status_code == 501
    assert http.delete(f"{API}/orders/29/notes/{id_}?force=true").status_code == 200
    assert http.get(f"{API}/orders/29/notes").json() == []


def test_deleting_an_order_is_the_trash_unless_forced(app: StoreApp, http: httpx.Client) -> None:
    app.shop.load("orders", [order()])

    http.delete(f"{API}/orders/29")
    assert http.get(f"{API}/orders/29").json()["status"] == "trash"

    http.delete(f"{API}/orders/29?force=true")
    assert http.get(f"{API}/orders/29").status_code == 404


def test_an_empty_batch_is_an_empty_list(http: httpx.Client) -> None:
    assert http.post(f"{API}/orders/batch", json={}).json() == []


def test_processing_a_virtual_order_does_not_say_that_it_is_paid(http: httpx.Client) -> None:
    fields = {"status": "processing", "line_items": [{"product_id": 16, "quantity": 1}]}

    assert http.post(f"{API}/orders", json=fields).json()["date_paid"] is None


# --- who asks -----------------------------------------------------------------


def test_basic_over_plain_http_is_refused_like_no_key_where_tls_is_asked_for(clock: Clock) -> None:
    app = StoreApp(
        home="https://store.example", clock=clock, keys={KEY: Key(SECRET)}, basic_needs_tls=True
    )
    with httpx.Client(
        transport=httpx.WSGITransport(app), base_url="http://127.0.0.1", auth=(KEY, SECRET)
    ) as http:
        refused = http.get(f"{API}/orders")
        taken = http.get(f"{API}/orders", headers={"X-Forwarded-Proto": "https"})

    assert refused.json()["code"] == "woocommerce_rest_cannot_view"
    assert taken.status_code == 200


def test_from_elsewhere_basic_needs_tls(app: StoreApp) -> None:
    transport = httpx.WSGITransport(app, remote_addr="203.0.113.7")
    with httpx.Client(transport=transport, base_url="http://x", auth=(KEY, SECRET)) as http:
        assert http.get(f"{API}/orders").status_code == 401


def test_control_is_for_loopback_only(app: StoreApp) -> None:
    transport = httpx.WSGITransport(app, remote_addr="203.0.113.7")
    with httpx.Client(transport=transport, base_url="http://x") as http:
        assert http.get("/_accord/state").status_code == 404


# --- control ------------------------------------------------------------------


def test_loaded_orders_keep_their_ids_and_fire_nothing(
    app: StoreApp, http: httpx.Client, receiver: Receiver
) -> None:
    app.shop.create_webhook({"topic": "order.created", "delivery_url": "https://x.example"})

    http.put("/_accord/orders", json=[order(77)]).raise_for_status()
    http.post("/_accord/run-queue").raise_for_status()

    assert http.get(f"{API}/orders/77").json()["id"] == 77
    assert receiver.deliveries == []


def test_the_state_tells_orders_notes_and_what_was_sent(app: StoreApp, http: httpx.Client) -> None:
    app.shop.create_webhook({"topic": "order.created", "delivery_url": "https://x.example"})
    http.post("/_accord/orders", json={"order": order(77)})
    http.post(f"{API}/orders/77/notes", json={"note": "SO-1"})
    http.post("/_accord/run-queue")

    state = http.get("/_accord/state").json()

    assert [it["id"] for it in state["orders"]] == [77]
    assert [it["note"] for it in state["notes"]["77"]] == ["SO-1"]
    assert [(it["topic"], it["status"]) for it in state["deliveries"]] == [("order.created", 200)]


def test_the_state_can_be_asked_for_in_parts(http: httpx.Client) -> None:
    assert set(http.get("/_accord/state?only=notes,queued").json()) == {"notes", "queued"}


def test_what_control_does_not_know_it_says(http: httpx.Client) -> None:
    assert http.post("/_accord/nothing").status_code == 404
    assert http.post("/_accord/orders", json={}).status_code == 400
