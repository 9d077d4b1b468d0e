"""What orders do to the stock of the stand-in, held against WooCommerce 10.5.0 as observed."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.local.store.app import StoreApp
from accord.local.store.auth import Key
from accord.local.store.opening import stock_up
from tests.local.store.conftest import KEY, SECRET, Clock, Receiver, recording
from tests.local.store.test_webhooks import follow

Doc = dict[str, Any]
ORDERS = "/wp-json/wc/v3/orders"
TAKING = ["processing", "completed", "on-hold"]
ALL = [*TAKING, "pending", "cancelled", "failed", "refunded"]


@pytest.fixture
def shop(app: StoreApp) -> StoreApp:
    """100 of most."""
    stock_up(app.shop.shelf, app.shop.catalogue)
    return app


def sell(
    shop: StoreApp, quantity: int = 2, *, product: int = 10, variation: int = 0, **fields: Any
) -> int:
    line = {"product_id": product, "variation_id": variation, "quantity": quantity}
    made = shop.shop.create_order({"status": "processing", "line_items": [line], **fields})
    return int(made["id"])


def left(shop: StoreApp, id_: int = 10) -> int | None:
    quantity: int | None = shop.shop.products[id_]["stock_quantity"]
    return quantity


def line_of(shop: StoreApp, order: int) -> Doc:
    line: Doc = shop.shop.orders[order]["line_items"][0]
    return line


def noted(line: Doc) -> dict[str, str]:
    return {it["key"]: it["value"] for it in line["meta_data"] if it["key"].startswith("_re")}


def give_back(shop: StoreApp, order: int, quantity: int, *, restock: bool = True) -> None:
    lines = [{"id": line_of(shop, order)["id"], "quantity": quantity, "refund_total": "0"}]
    fields = {"api_refund": False, "api_restock": restock, "line_items": lines}
    shop.shop.refund(order, fields)


@pytest.mark.parametrize("status", ALL)
def test_some_statuses_take_the_stock(shop: StoreApp, status: str) -> None:
    sell(shop, status=status)

    assert left(shop) == (98 if status in TAKING else 100)


@pytest.mark.parametrize(("status", "then"), [("cancelled", 100), ("pending", 100)])
def test_what_was_taken_comes_back_once(shop: StoreApp, status: str, then: int) -> None:
    order = sell(shop)

    shop.shop.update_order(order, {"status": status})
    shop.shop.update_order(order, {"status": "cancelled"})

    assert left(shop) == then
    assert noted(line_of(shop, order)) == {}


@pytest.mark.parametrize("status", ["failed", "refunded", "completed", "on-hold"])
def test_other_statuses_leave_the_stock_as_it_is(shop: StoreApp, status: str) -> None:
    order = sell(shop)

    shop.shop.update_order(order, {"status": status})

    assert left(shop) == 98


def test_stock_that_came_back_is_taken_again(shop: StoreApp) -> None:
    order = sell(shop)

    for status in ("cancelled", "processing"):
        shop.shop.update_order(order, {"status": status})

    assert left(shop) == 98


def test_the_trash_and_what_is_beyond_give_nothing_back(shop: StoreApp) -> None:
    trashed, deleted = sell(shop), sell(shop)

    shop.shop.trash_order(trashed)
    shop.shop.delete_order(deleted)

    assert left(shop) == 96


def test_rest_sells_past_zero(shop: StoreApp) -> None:
    sell(shop, 3, product=15)

    assert (left(shop, 15), shop.shop.products[15]["stock_status"]) == (-3, "outofstock")


def test_a_line_says_what_it_took_as_recorded(shop: StoreApp) -> None:
    recorded = json.loads(recording("delivery_order_created_backorder")["body"])

    order = sell(shop, 5, product=14)

    assert (
        noted(line_of(shop, order)) == noted(recorded["line_items"][0]) == {"_reduced_stock": "5"}
    )
    assert left(shop, 14) == -3


def test_a_variation_s_stock_is_taken_from_it(shop: StoreApp) -> None:
    sell(shop, product=17, variation=18)

    assert (left(shop, 18), left(shop, 17)) == (98, None)


def test_a_variation_whose_parent_counts_takes_from_its_parent(shop: StoreApp) -> None:
    sell(shop, product=24, variation=25)

    shown = [shop.shop.shelf.shown(shop.shop.products[it])["stock_quantity"] for it in (25, 26)]
    assert (left(shop, 24), shown) == (48, [48, 48])


def test_what_is_not_counted_is_not_taken(shop: StoreApp) -> None:
    order = sell(shop, product=16)

    assert (left(shop, 16), noted(line_of(shop, order))) == (None, {})


def test_an_order_of_unknown_products_takes_nothing(app: StoreApp) -> None:
    order = sell(app)

    assert noted(line_of(app, order)) == {}


def test_an_order_that_was_there_before_has_taken_its_stock(shop: StoreApp) -> None:
    recorded = json.loads(recording("delivery_order_created_rich")["body"])
    shop.shop.load("orders", [recorded])

    shop.shop.update_order(recorded["id"], {"status": "completed"})

    assert left(shop) == 100


# --- refunds ------------------------------------------------------------------------


def test_a_refund_puts_back_as_recorded(shop: StoreApp) -> None:
    recorded = json.loads(recording("delivery_order_updated_partial_refund_lines")["body"])
    order = sell(shop, 3)

    give_back(shop, order, 1)

    assert noted(line_of(shop, order)) == noted(recorded["line_items"][0])
    assert left(shop) == 98


def test_a_refund_puts_back_nothing_where_it_is_told_not_to(shop: StoreApp) -> None:
    order = sell(shop, 3)

    give_back(shop, order, 1, restock=False)

    assert left(shop) == 97


def test_a_refund_of_more_than_was_sold_puts_back_more(shop: StoreApp) -> None:
    give_back(shop, sell(shop, 2), 5)

    assert left(shop) == 103


def test_what_a_refund_put_back_does_not_come_back_again(shop: StoreApp) -> None:
    order = sell(shop, 3)
    give_back(shop, order, 1)

    shop.shop.update_order(order, {"status": "cancelled"})

    assert left(shop) == 100


def test_a_refund_of_an_order_that_took_nothing_puts_back_nothing(shop: StoreApp) -> None:
    give_back(shop, sell(shop, status="failed"), 1)

    assert left(shop) == 100


def test_a_status_of_refunded_puts_back_nothing(shop: StoreApp) -> None:
    shop.shop.update_order(sell(shop), {"status": "refunded"})

    assert left(shop) == 98


# --- lines --------------------------------------------------------------------------


@pytest.mark.parametrize(("quantity", "then"), [(5, 95), (1, 99), (0, 100)])
def test_the_stock_follows_a_line_s_quantity(shop: StoreApp, quantity: int, then: int) -> None:
    order = sell(shop)
    line = {"id": line_of(shop, order)["id"], "quantity": quantity}

    shop.shop.update_order(order, {"line_items": [line]})

    assert left(shop) == then


def test_a_new_line_takes_as_recorded(shop: StoreApp) -> None:
    recorded = json.loads(recording("delivery_order_updated_line_added")["body"])
    order = sell(shop, product=16, status="on-hold")

    shop.shop.update_order(order, {"line_items": [{"product_id": 10, "quantity": 1}]})

    lines = shop.shop.orders[order]["line_items"]
    assert [noted(it) for it in lines] == [noted(it) for it in recorded["line_items"]]
    assert left(shop) == 99


def test_a_line_of_an_order_that_took_nothing_takes_nothing(shop: StoreApp) -> None:
    order = sell(shop, status="pending")
    line = {"id": line_of(shop, order)["id"], "quantity": 9}

    shop.shop.update_order(order, {"line_items": [line]})

    assert left(shop) == 100


# --- who is told ----------------------------------------------------------------------


def test_each_product_whose_stock_moved_is_told_of_once(shop: StoreApp, receiver: Receiver) -> None:
    follow(shop, "product.updated")
    lines = [{"product_id": it, "quantity": 1} for it in (10, 10, 11, 16)]

    shop.shop.create_order({"status": "processing", "line_items": lines})
    shop.shop.outbox.run()

    bodies = [json.loads(body) for _, body in receiver.deliveries]
    assert [(it["id"], it["stock_quantity"]) for it in bodies] == [(10, 98), (11, 99)]


def test_a_sale_moves_the_product_s_date(shop: StoreApp, clock: Clock) -> None:
    clock.tick(60)

    sell(shop)

    assert shop.shop.products[10]["date_modified_gmt"] == "2026-11-22T15:01:00"


def test_an_unknown_status_in_a_batch_puts_the_stock_back(
    shop: StoreApp, http: httpx.Client
) -> None:
    order = sell(shop)
    shop.shop.update_order(order, {"status": "refunded"})

    http.post(f"{ORDERS}/batch", json={"update": [{"id": order, "status": "shipped-x"}]})

    assert (shop.shop.orders[order]["status"], left(shop)) == ("pending", 100)


STEPS = st.one_of(
    st.sampled_from(ALL),
    st.tuples(st.just("refund"), st.integers(1, 2)),
    st.tuples(st.just("line"), st.integers(1, 6)),
)


@given(st.lists(STEPS, max_size=8))
def test_stock_and_what_lines_say_they_took_add_up(steps: list[Any]) -> None:
    clock = Clock()
    shop = StoreApp(home="https://store.example", clock=clock, keys={KEY: Key(SECRET)})
    stock_up(shop.shop.shelf, shop.shop.catalogue)
    order = sell(shop, 3)

    for step in steps:
        if isinstance(step, str):
            shop.shop.update_order(order, {"status": step})
        elif step[0] == "line":
            line = {"id": line_of(shop, order)["id"], "quantity": step[1]}
            shop.shop.update_order(order, {"line_items": [line]})
        else:
            give_back(shop, order, step[1])

    taken = int(noted(line_of(shop, order)).get("_reduced_stock", 0))
    assert left(shop) == 100 - taken
