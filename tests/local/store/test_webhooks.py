"""What webhooks do: who is told, when, how often, and when the store gives up."""

import json
from typing import Any

import httpx
import pytest

from accord.local.store.app import StoreApp
from accord.local.store.webhooks import Webhook
from tests.local.store.conftest import Clock, Receiver, recording

API = "/wp-json/wc/v3"
URL = "https://hooks.example/x"


def order(id_: int = 30, **changes: Any) -> dict[str, Any]:
    return {**json.loads(recording("delivery_order_created_rich")["body"]), "id": id_, **changes}


def follow(app: StoreApp, *topics: str) -> list[Webhook]:
    return [
        app.shop.create_webhook({"topic": topic, "delivery_url": URL, "secret": "s"})
        for topic in topics
    ]


def deliver(app: StoreApp, receiver: Receiver, answers: int | None, times: int) -> None:
    receiver.answers = answers
    for _ in range(times):
        app.shop.outbox.queue("order.updated", 30)
        app.shop.outbox.run()


def test_a_new_webhook_is_pinged_unsigned(app: StoreApp, receiver: Receiver) -> None:
    follow(app, "order.created")

    assert receiver.got[0][2] == b"webhook_id=1"
    assert "X-WC-Webhook-Signature" not in receiver.pings[0]


@pytest.mark.parametrize("answers", [503, 404, 301, None])
def test_a_webhook_is_made_whatever_the_ping_is_answered(
    http: httpx.Client, receiver: Receiver, answers: int | None
) -> None:
    receiver.answers = answers

    response = http.post(f"{API}/webhooks", json={"topic": "order.created", "delivery_url": URL})

    assert response.status_code == 201


def test_a_status_sent_with_a_new_webhook_is_ignored(http: httpx.Client) -> None:
    fields = {"topic": "order.created", "delivery_url": URL, "status": "paused"}

    assert http.post(f"{API}/webhooks", json=fields).json()["status"] == "active"


@pytest.mark.parametrize("topic", ["order.refunded", "refund.created", "order", ""])
def test_a_topic_that_does_not_exist_is_refused(http: httpx.Client, topic: str) -> None:
    response = http.post(f"{API}/webhooks", json={"topic": topic, "delivery_url": URL})

    assert response.status_code == 400
    assert response.json()["code"] == "woocommerce_rest_shop_webhook_invalid_topic"


def test_the_secret_is_never_answered(http: httpx.Client) -> None:
    fields = {"topic": "order.created", "delivery_url": URL, "secret": "hush-hush"}

    assert "hush-hush" not in http.post(f"{API}/webhooks", json=fields).text


def test_deleting_a_webhook_wants_force(http: httpx.Client) -> None:
    id_ = http.post(f"{API}/webhooks", json={"topic": "order.created", "delivery_url": URL}).json()[
        "id"
    ]

    assert http.delete(f"{API}/webhooks/{id_}").status_code == 501
    assert http.delete(f"{API}/webhooks/{id_}?force=true").status_code == 200


def test_until_a_ping_is_answered_with_200_each_save_pings_again(
    app: StoreApp, receiver: Receiver
) -> None:
    receiver.answers = 201
    (webhook,) = follow(app, "order.created")
    receiver.answers = 200
    app.shop.update_webhook(webhook.id, {"name": "a"})
    app.shop.update_webhook(webhook.id, {"name": "b"})

    assert len(receiver.pings) == 2


def test_an_order_by_rest_is_created_and_then_updated(app: StoreApp, receiver: Receiver) -> None:
    follow(app, "order.created", "order.updated")

    app.shop.place(order())
    app.shop.outbox.run()

    assert receiver.topics == ["order.created", "order.updated"]
    assert receiver.deliveries[0][1] == receiver.deliveries[1][1]


def test_an_order_from_the_checkout_is_updated_and_then_created(
    app: StoreApp, receiver: Receiver
) -> None:
    follow(app, "order.created", "order.updated")

    app.shop.place(order(), "checkout")
    app.shop.outbox.run()

    assert receiver.topics == ["order.updated", "order.created"]


def test_a_shopper_at_the_checkout_is_an_update_of_a_draft(
    app: StoreApp, receiver: Receiver
) -> None:
    follow(app, "order.created", "order.updated")

    app.shop.place(order(status="checkout-draft"), "checkout")
    app.shop.outbox.run()

    assert receiver.topics == ["order.updated"]


def test_changes_before_the_queue_runs_are_one_delivery_of_the_last_state(
    app: StoreApp, receiver: Receiver
) -> None:
    follow(app, "order.created", "order.updated")
    app.shop.place(order(status="pending"))
    app.shop.update_order(30, {"status": "processing"})
    app.shop.update_order(30, {"status": "completed"})

    app.shop.outbox.run()

    assert receiver.topics == ["order.created", "order.updated"]
    assert json.loads(receiver.deliveries[0][1])["status"] == "completed"


def test_a_change_during_the_sending_queues_a_new_delivery(
    app: StoreApp, receiver: Receiver
) -> None:
    follow(app, "order.updated")
    app.shop.place(order())

    def change() -> None:
        receiver.meanwhile = None
        app.shop.update_order(30, {"customer_note": "later"})

    receiver.meanwhile = change
    app.shop.outbox.run()

    assert [json.loads(body)["customer_note"] for _, body in receiver.deliveries][1:] == ["later"]


def test_a_failed_delivery_is_not_sent_again(app: StoreApp, receiver: Receiver) -> None:
    follow(app, "order.updated")
    app.shop.place(order())
    receiver.answers = 503
    app.shop.outbox.run()
    receiver.answers = 200
    app.shop.outbox.run()

    assert receiver.topics == ["order.updated"]


@pytest.mark.parametrize("answers", [200, 201, 204, 299, 300, 301, 302])
def test_200_to_302_is_success(app: StoreApp, receiver: Receiver, answers: int) -> None:
    (webhook,) = follow(app, "order.updated")
    app.shop.place(order())

    deliver(app, receiver, answers, 1)

    assert webhook.failures == 0


@pytest.mark.parametrize("answers", [303, 304, 307, 308, 400, 410, 429, 500, None])
def test_anything_else_is_failure(app: StoreApp, receiver: Receiver, answers: int | None) -> None:
    (webhook,) = follow(app, "order.updated")
    app.shop.place(order())

    deliver(app, receiver, answers, 1)

    assert webhook.failures == 1


def test_six_failures_leave_a_webhook_active(app: StoreApp, receiver: Receiver) -> None:
    (webhook,) = follow(app, "order.updated")
    deliver(app, receiver, 500, 6)

    assert webhook.status == "active"


def test_the_seventh_failure_in_a_row_disables_it(app: StoreApp, receiver: Receiver) -> None:
    (webhook,) = follow(app, "order.updated")
    deliver(app, receiver, 500, 7)

    assert webhook.status == "disabled"


def test_one_success_forgives_all(app: StoreApp, receiver: Receiver) -> None:
    (webhook,) = follow(app, "order.updated")
    deliver(app, receiver, 500, 6)
    deliver(app, receiver, 200, 1)
    deliver(app, receiver, 500, 6)

    assert webhook.status == "active"


def test_a_reactivated_webhook_goes_at_its_next_failure(app: StoreApp, receiver: Receiver) -> None:
    (webhook,) = follow(app, "order.updated")
    deliver(app, receiver, 500, 7)
    app.shop.update_webhook(webhook.id, {"status": "active"})

    deliver(app, receiver, 500, 1)

    assert webhook.status == "disabled"


def test_a_disabled_webhook_is_sent_nothing(app: StoreApp, receiver: Receiver) -> None:
    (webhook,) = follow(app, "order.updated")
    webhook.status = "disabled"
    deliver(app, receiver, 200, 1)

    assert receiver.deliveries == []


def test_an_order_in_the_trash_is_its_id_alone(app: StoreApp, receiver: Receiver) -> None:
    follow(app, "order.deleted")
    app.shop.load("orders", [order(35)])
    app.shop.trash_order(35)
    app.shop.outbox.run()

    assert receiver.deliveries[0][1] == recording("delivery_order_deleted")["body"].encode()


def test_a_restored_order_is_sent_whole(app: StoreApp, receiver: Receiver) -> None:
    follow(app, "order.restored")
    app.shop.load("orders", [order()])
    app.shop.trash_order(30)
    app.shop.restore_order(30)
    app.shop.outbox.run()

    assert json.loads(receiver.deliveries[0][1])["status"] == "processing"


def test_an_order_brought_back_by_put_sends_nothing(app: StoreApp, receiver: Receiver) -> None:
    follow(app, "order.updated", "order.restored")
    app.shop.load("orders", [order()])
    app.shop.trash_order(30)
    app.shop.update_order(30, {"status": "processing"})
    app.shop.outbox.run()

    assert receiver.deliveries == []


def test_an_order_deleted_for_good_sends_nothing(app: StoreApp, receiver: Receiver) -> None:
    follow(app, "order.updated", "order.deleted")
    app.shop.load("orders", [order()])
    app.shop.delete_order(30)
    app.shop.outbox.run()

    assert receiver.deliveries == []


def test_an_order_gone_before_the_queue_ran_is_a_signed_error(
    app: StoreApp, receiver: Receiver
) -> None:
    follow(app, "order.created")
    app.shop.place(order())
    app.shop.delete_order(30)
    app.shop.outbox.run()

    body = receiver.deliveries[0][1]
    assert body == recording("delivery_order_created_error_body")["body"].encode()


def test_an_order_trashed_before_the_queue_ran_says_so(app: StoreApp, receiver: Receiver) -> None:
    follow(app, "order.created")
    app.shop.place(order())
    app.shop.trash_order(30)
    app.shop.outbox.run()

    assert json.loads(receiver.deliveries[0][1])["status"] == "trash"


def test_a_note_sends_nothing_and_moves_no_date(
    app: StoreApp, receiver: Receiver, clock: Clock
) -> None:
    follow(app, "order.updated")
    app.shop.load("orders", [order()])
    before = app.shop.orders[30]["date_modified"]
    clock.tick(60)
    app.shop.add_note(30, "hello")
    app.shop.outbox.run()

    assert receiver.deliveries == []
    assert app.shop.orders[30]["date_modified"] == before


def test_the_same_webhook_twice_delivers_twice(app: StoreApp, receiver: Receiver) -> None:
    follow(app, "order.updated", "order.updated")
    app.shop.place(order())
    app.shop.outbox.run()

    assert receiver.topics == ["order.updated", "order.updated"]


def test_a_run_can_be_cut_short(app: StoreApp, receiver: Receiver) -> None:
    follow(app, "order.created", "order.updated")
    app.shop.place(order())

    assert app.shop.outbox.run(limit=1) == 1
    assert len(app.shop.outbox) == 1
