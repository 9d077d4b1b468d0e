"""Products of the stand-in: as recorded on WooCommerce 10.5.0, and as read where nothing was."""

import json
from collections.abc import Iterable
from typing import Any

import httpx
import pytest

from accord.local.store.app import StoreApp
from accord.local.store.deliveries import encode
from accord.local.store.latency import Latency
from accord.local.store.opening import stock_up
from tests.local.store.conftest import Clock, Receiver, recording
from tests.local.store.test_webhooks import follow

Doc = dict[str, Any]
API = "/wp-json/wc/v3"
TOPICS = tuple(f"product.{event}" for event in ("created", "updated", "deleted", "restored"))


def told(name: str) -> Doc:
    return json.loads(recording(f"delivery_{name}")["body"])


def timeless(doc: Doc) -> Doc:
    """Without what no two stores share, and the sales and relations that are not kept."""
    left_out = ("date_", "id", "total_sales", "related_ids", "_links")
    return {name: it for name, it in doc.items() if not name.startswith(left_out)}


@pytest.fixture
def shop(app: StoreApp) -> StoreApp:
    """With the recorded store's products, 100 of most."""
    stock_up(app.shop.shelf, app.shop.catalogue)
    return app


def put(http: httpx.Client, id_: int, **fields: Any) -> httpx.Response:
    return http.put(f"{API}/products/{id_}", json=fields)


def batch(http: httpx.Client, *update: Doc, parent: int = 0, **other: Any) -> httpx.Response:
    path = f"products/{parent}/variations/batch" if parent else "products/batch"
    return http.post(f"{API}/{path}", json={"update": list(update), **other})


def first(response: httpx.Response) -> Doc:
    found: Doc = response.json()["update"][0]
    return found


def read(http: httpx.Client, id_: int, parent: int = 0) -> Doc:
    under = f"products/{parent}/variations" if parent else "products"
    found: Doc = http.get(f"{API}/{under}/{id_}").json()
    return found


def ids(response: httpx.Response) -> list[int]:
    return [it["id"] for it in response.json()]


# --- as recorded -------------------------------------------------------------------


def test_a_product_that_rest_makes_is_the_recorded_one(app: StoreApp, http: httpx.Client) -> None:
    recorded = told("product_created_simple")
    app.shop.load("categories", recording("categories")["body"])
    names = ("name", "sku", "regular_price", "manage_stock", "stock_quantity", "weight")
    names += ("low_stock_amount", "global_unique_id", "categories", "meta_data")

    made = http.post(f"{API}/products", json={name: recorded[name] for name in names}).json()

    shown = read(http, made["id"])
    shown["meta_data"] = [{**it, "id": 25} for it in shown["meta_data"]]  # numbered on the way
    assert timeless(shown) == timeless(recorded)
    assert list(shown) == list(recorded)


def test_a_product_in_a_sale_is_the_recorded_one(app: StoreApp, http: httpx.Client) -> None:
    recorded = told("product_created_same_delivery_id")
    names = ("name", "sku", "regular_price", "sale_price", "manage_stock", "stock_quantity")

    made = http.post(f"{API}/products", json={name: recorded[name] for name in names}).json()

    assert timeless(read(http, made["id"])) == timeless(recorded)


def test_a_draft_is_the_recorded_one(http: httpx.Client) -> None:
    recorded = told("product_created_draft")
    fields = {name: recorded[name] for name in ("name", "sku", "regular_price", "status")}

    id_ = http.post(f"{API}/products", json=fields).json()["id"]

    recorded["permalink"] = recorded["permalink"].replace("42", str(id_))
    assert timeless(read(http, id_)) == timeless(recorded)


def test_a_variation_is_the_recorded_one_in_the_form_of_a_product(
    shop: StoreApp, http: httpx.Client
) -> None:
    recorded = told("product_updated_variation_stock")

    put_there = http.put(f"{API}/products/17/variations/18", json={"stock_quantity": 33})

    assert put_there.status_code == 200
    assert timeless(read(http, 18)) == timeless(recorded)


def test_a_variation_is_the_recorded_one_in_its_own_form(
    shop: StoreApp, http: httpx.Client
) -> None:
    recorded = recording("variation_single")["body"]
    fields = {"stock_quantity": 87, "regular_price": "16.00"}

    http.put(f"{API}/products/17/variations/18", json=fields)

    assert timeless(read(http, 18, parent=17)) == timeless(recorded)


def test_a_variable_product_is_the_recorded_one(shop: StoreApp, http: httpx.Client) -> None:
    recorded = recording("product_variable")["body"]

    batch(http, {"id": 18, "regular_price": "16.00"}, {"id": 19, "regular_price": "17"}, parent=17)

    assert timeless(read(http, 17)) == timeless(recorded)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("product_updated_stock", {"stock_quantity": 500}),
        ("product_updated_price", {"regular_price": "21.00"}),
        ("product_updated_negative_stock", {"stock_quantity": -3}),
    ],
)
def test_a_change_is_delivered_as_recorded_byte_for_byte(
    app: StoreApp, http: httpx.Client, receiver: Receiver, clock: Clock, name: str, fields: Doc
) -> None:
    recorded = told(name)
    app.shop.load("products", [recorded])
    put(http, recorded["id"], **{name: "1" if name == "regular_price" else 1 for name in fields})
    follow(app, "product.updated")
    hour, minute, second = recorded["date_modified"][11:].split(":")
    clock.now = clock.now.replace(hour=int(hour), minute=int(minute), second=int(second))

    put(http, recorded["id"], **fields)
    app.shop.outbox.run()

    ((_, body),) = receiver.deliveries
    assert body == encode(recorded)


# --- stock -------------------------------------------------------------------------


@pytest.mark.parametrize(("sent", "kept"), [("lots", 0), (1.5, 1), ("7", 7), (-2, -2)])
def test_a_batch_makes_a_number_of_any_quantity(
    shop: StoreApp, http: httpx.Client, sent: object, kept: int
) -> None:
    assert first(batch(http, {"id": 10, "stock_quantity": sent}))["stock_quantity"] == kept


@pytest.mark.parametrize("sent", ["lots", 1.5, True])
def test_alone_a_quantity_must_be_one(shop: StoreApp, http: httpx.Client, sent: object) -> None:
    refused = put(http, 10, stock_quantity=sent)

    assert (refused.status_code, refused.json()["code"]) == (400, "rest_invalid_param")


def test_no_quantity_is_none_left(shop: StoreApp, http: httpx.Client) -> None:
    assert put(http, 10, stock_quantity=None).json()["stock_quantity"] == 0


def test_a_quantity_is_dropped_where_stock_is_not_counted(
    shop: StoreApp, http: httpx.Client
) -> None:
    answer = first(batch(http, {"id": 16, "stock_quantity": 5}))

    assert (answer["manage_stock"], answer["stock_quantity"]) == (False, None)


def test_counting_begins_with_the_quantity(shop: StoreApp, http: httpx.Client) -> None:
    answer = first(batch(http, {"id": 16, "stock_quantity": 5, "manage_stock": True}))

    assert (answer["manage_stock"], answer["stock_quantity"]) == (True, 5)


def test_a_quantity_is_dropped_where_the_parent_counts(shop: StoreApp, http: httpx.Client) -> None:
    answer = first(batch(http, {"id": 25, "stock_quantity": 5}, parent=24))

    assert (answer["manage_stock"], answer["stock_quantity"]) == ("parent", 50)


def test_a_variation_under_a_counting_parent_can_count_for_itself(
    shop: StoreApp, http: httpx.Client
) -> None:
    batch(http, {"id": 25, "stock_quantity": 5, "manage_stock": True}, parent=24)

    assert [read(http, it, parent=24)["stock_quantity"] for it in (25, 26)] == [5, 50]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"stock_quantity": 1}, "instock"),
        ({"stock_quantity": 0}, "outofstock"),
        ({"stock_quantity": 0, "backorders": "notify"}, "onbackorder"),
        ({"stock_quantity": 1, "stock_status": "outofstock"}, "instock"),
        ({"manage_stock": False, "stock_status": "outofstock"}, "outofstock"),
    ],
)
def test_the_status_follows_from_what_is_left_where_that_is_counted(
    shop: StoreApp, http: httpx.Client, fields: Doc, status: str
) -> None:
    assert put(http, 10, **fields).json()["stock_status"] == status


def test_a_variation_s_stock_moves_its_parent_s_date_and_is_told_alone(
    shop: StoreApp, http: httpx.Client, receiver: Receiver, clock: Clock
) -> None:
    follow(shop, *TOPICS)
    clock.tick(60)

    batch(http, {"id": 18, "stock_quantity": 3}, parent=17)
    shop.shop.outbox.run()

    assert read(http, 17)["date_modified_gmt"] == "2026-11-22T15:01:00"
    ((_, body),) = receiver.deliveries
    document = json.loads(body)
    assert (document["id"], document["type"], document["parent_id"]) == (18, "variation", 17)


def test_a_parent_is_out_of_stock_when_all_its_variations_are(
    shop: StoreApp, http: httpx.Client
) -> None:
    batch(http, *({"id": it, "stock_quantity": 0} for it in range(18, 23)), parent=17)

    assert read(http, 17)["stock_status"] == "outofstock"


def test_a_difference_is_added_to_what_is_there(shop: StoreApp, http: httpx.Client) -> None:
    assert put(http, 10, inventory_delta=-3).json()["stock_quantity"] == 97


# --- prices ------------------------------------------------------------------------


def test_a_price_with_a_comma_is_a_hundred_times_as_much(
    shop: StoreApp, http: httpx.Client
) -> None:
    assert put(http, 10, regular_price="9,99").json()["price"] == "999"


def test_a_price_that_is_a_number_is_taken_in_a_batch_only(
    shop: StoreApp, http: httpx.Client
) -> None:
    assert put(http, 10, regular_price=9.5).status_code == 400
    assert first(batch(http, {"id": 10, "regular_price": 9.5}))["regular_price"] == "9.5"


@pytest.mark.parametrize("sale", ["30.00", "19.99"])
def test_a_sale_price_that_is_no_less_is_dropped(
    shop: StoreApp, http: httpx.Client, sale: str
) -> None:
    answer = put(http, 10, sale_price=sale).json()

    assert (answer["sale_price"], answer["price"], answer["on_sale"]) == ("", "19.99", False)


def test_a_sale_lasts_from_its_day_to_its_day(
    shop: StoreApp, http: httpx.Client, clock: Clock
) -> None:
    days = {"date_on_sale_from": "2026-11-24", "date_on_sale_to": "2026-11-26"}
    put(http, 10, sale_price="15.00", **days)

    prices = []
    for _ in range(3):
        prices.append(read(http, 10)["price"])
        clock.tick(2 * 24 * 3600)

    assert prices == ["19.99", "15.00", "19.99"]


# --- what it is --------------------------------------------------------------------


def test_a_tax_class_that_there_is_not_is_the_standard_one(
    shop: StoreApp, http: httpx.Client
) -> None:
    assert put(http, 12, tax_class="books").json()["tax_class"] == ""


def test_a_variation_s_tax_class_is_written_as_its_parent_s_and_read_as_it_is(
    shop: StoreApp, http: httpx.Client
) -> None:
    put(http, 17, tax_class="reduced-rate")

    assert first(batch(http, {"id": 18}, parent=17))["tax_class"] == "parent"
    assert read(http, 18, parent=17)["tax_class"] == "reduced-rate"


def test_a_description_is_written_as_it_is_and_read_in_paragraphs(
    shop: StoreApp, http: httpx.Client
) -> None:
    answer = put(http, 10, description="One.\n\nTwo,\nthree.").json()

    assert answer["description"] == "One.\n\nTwo,\nthree."
    assert read(http, 10)["description"] == "<p>One.</p>\n<p>Two,<br />\nthree.</p>\n"


def test_a_refused_write_changes_nothing(shop: StoreApp, http: httpx.Client) -> None:
    before = read(http, 10)

    put(http, 10, regular_price="1.00", sku="MUG-1")

    assert read(http, 10) == before


def test_a_sku_is_one_product_s_whatever_its_letter_case(
    shop: StoreApp, http: httpx.Client
) -> None:
    refused = http.post(f"{API}/products", json={"name": "x", "sku": "tee-s-r"}).json()

    assert refused["data"] == {"status": 400, "resource_id": 18, "unique_sku": "tee-s-r-1"}


def test_a_sku_that_was_given_up_is_free(shop: StoreApp, http: httpx.Client) -> None:
    put(http, 10, sku="WID")

    assert http.post(f"{API}/products", json={"sku": "WID-BLUE"}).status_code == 201


def test_a_variation_has_the_options_that_its_parent_varies_by(
    shop: StoreApp, http: httpx.Client
) -> None:
    options = [{"name": "Size", "option": "M"}, {"name": "Cut", "option": "slim"}]
    fields = {"sku": "TEE-M", "regular_price": "15.00", "attributes": options}

    made = http.post(f"{API}/products/17/variations", json=fields).json()

    assert [(it["name"], it["option"]) for it in made["attributes"]] == [("Size", "M")]
    assert made["id"] in read(http, 17)["variations"]


def test_an_image_is_copied_into_the_shop(shop: StoreApp, http: httpx.Client) -> None:
    (image,) = put(http, 10, images=[{"src": "https://erp.example/a/blue.png"}]).json()["images"]

    assert image["src"] == "https://store.example/wp-content/uploads/blue.png"


# --- batches -----------------------------------------------------------------------


def test_a_batch_of_all_products_refuses_a_variation(shop: StoreApp, http: httpx.Client) -> None:
    error = first(batch(http, {"id": 18, "stock_quantity": 1}))["error"]

    assert error["code"] == "woocommerce_rest_invalid_product_id"
    assert shop.shop.products[18]["stock_quantity"] == 100


def test_of_one_product_twice_in_a_batch_the_last_wins(shop: StoreApp, http: httpx.Client) -> None:
    batch(http, {"id": 10, "stock_quantity": 1}, {"id": 10, "stock_quantity": 2})

    assert read(http, 10)["stock_quantity"] == 2


def test_an_empty_batch_is_an_empty_list(http: httpx.Client) -> None:
    assert batch(http).json() == []


def test_an_entry_that_fails_leaves_the_others(shop: StoreApp, http: httpx.Client) -> None:
    entries = ({"id": 10, "sku": "MUG-1"}, {"id": 11, "stock_quantity": 4})

    answers = batch(http, *entries).json()["update"]

    assert ["error" in it for it in answers] == [True, False]


def test_a_batch_makes_variations_of_its_parent(shop: StoreApp, http: httpx.Client) -> None:
    create = [{"sku": "TEE-XL", "attributes": [{"name": "Size", "option": "L"}]}]

    (made,) = batch(http, parent=17, create=create).json()["create"]

    assert (made["type"], made["parent_id"], made["name"]) == ("variation", 17, "L")


class Sleeper:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.slept = 0.0

    def __call__(self, seconds: float) -> None:
        self.slept += seconds
        self.clock.tick(seconds)


@pytest.fixture
def slow(shop: StoreApp, clock: Clock) -> Sleeper:
    sleeper = Sleeper(clock)
    shop.shop.sleep = sleeper
    return sleeper


def five(quantity: int) -> Iterable[Doc]:
    return ({"id": it, "stock_quantity": quantity} for it in (10, 11, 12, 13, 14))


def test_a_batch_takes_its_time_by_the_item(
    shop: StoreApp, http: httpx.Client, slow: Sleeper
) -> None:
    shop.shop.latency = Latency(call_s=1.0, item_s=2.0)

    batch(http, *five(1))

    assert slow.slept == 11.0
    assert shop.shop.products[14]["date_modified_gmt"] == "2026-11-22T15:00:11"


def test_a_batch_that_is_too_much_for_the_host_is_not_done(
    shop: StoreApp, http: httpx.Client, slow: Sleeper
) -> None:
    shop.shop.latency = Latency(most=4)

    refused = batch(http, *five(1))

    assert refused.status_code == 503
    assert shop.shop.products[10]["stock_quantity"] == 100


def test_a_batch_that_nobody_waits_for_is_done_all_the_same(
    shop: StoreApp, http: httpx.Client, slow: Sleeper
) -> None:
    shop.shop.latency = Latency(item_s=20.0, gives_up_s=60.0)

    answer = batch(http, *five(1))

    assert (answer.status_code, slow.slept) == (504, 60.0)
    assert shop.shop.products[14]["stock_quantity"] == 1


def test_what_is_sold_while_a_batch_works_is_sold(
    shop: StoreApp, http: httpx.Client, slow: Sleeper
) -> None:
    """The quantity that was just written is the one that a shopper then takes from."""
    shop.shop.latency = Latency(item_s=1.0)
    sold = []

    def sleep(seconds: float) -> None:
        if not sold and shop.shop.products[10]["stock_quantity"] == 5:
            lines = [{"product_id": 10, "quantity": 2}]
            sold.append(shop.shop.create_order({"status": "processing", "line_items": lines}))

    shop.shop.sleep = sleep

    batch(http, *five(5))

    assert (len(sold), shop.shop.products[10]["stock_quantity"]) == (1, 3)


# --- lists -------------------------------------------------------------------------


def test_a_list_has_no_variations_unless_their_sku_is_asked_for(
    shop: StoreApp, http: httpx.Client
) -> None:
    listed = http.get(f"{API}/products?per_page=100").json()
    named = http.get(f"{API}/products?sku=tee-s-r,MUG-1,NONE").json()

    assert "variation" not in {it["type"] for it in listed}
    assert sorted((it["id"], it["type"]) for it in named) == [(11, "simple"), (18, "variation")]


def test_a_list_by_ids_finds_no_variation(shop: StoreApp, http: httpx.Client) -> None:
    assert ids(http.get(f"{API}/products?include=10,18")) == [10]
    assert ids(http.get(f"{API}/products/17/variations?include=10,18")) == [18]


def test_a_list_can_be_what_changed_since(shop: StoreApp, http: httpx.Client, clock: Clock) -> None:
    clock.tick(60)
    put(http, 12)

    assert ids(http.get(f"{API}/products?modified_after=2026-11-22T15:00:00Z")) == [12]


def test_any_status_is_any_but_the_trash(shop: StoreApp, http: httpx.Client) -> None:
    put(http, 10, status="draft")
    http.delete(f"{API}/products/11")

    listed = ids(http.get(f"{API}/products?per_page=100"))

    assert (10 in listed, 11 in listed) == (True, False)
    assert ids(http.get(f"{API}/products?status=trash")) == [11]


def test_pages_go_through_all(shop: StoreApp, http: httpx.Client) -> None:
    pages = [
        ids(http.get(f"{API}/products?per_page=5&page={it}&orderby=id&order=asc"))
        for it in (1, 2, 3)
    ]

    assert pages == [[10, 11, 12, 13, 14], [15, 16, 17, 24], []]


# --- what is told ------------------------------------------------------------------


def test_a_new_product_is_told_as_new_alone(
    shop: StoreApp, http: httpx.Client, receiver: Receiver
) -> None:
    follow(shop, *TOPICS)

    http.post(f"{API}/products", json={"sku": "NEW", "status": "draft"})
    http.post(f"{API}/products/17/variations", json={"sku": "TEE-NEW"})
    shop.shop.outbox.run()

    assert receiver.topics == ["product.created", "product.created"]


def test_a_write_without_a_difference_is_told(
    shop: StoreApp, http: httpx.Client, receiver: Receiver
) -> None:
    follow(shop, *TOPICS)

    put(http, 10)
    shop.shop.outbox.run()

    assert receiver.topics == ["product.updated"]
    assert receiver.deliveries[0][1] == http.get(f"{API}/products/10").content


def test_the_trash_tells_of_a_coupon_too(
    shop: StoreApp, http: httpx.Client, receiver: Receiver
) -> None:
    follow(shop, *TOPICS, "coupon.deleted", "coupon.restored")

    http.delete(f"{API}/products/10")
    shop.shop.shelf.restore(10)
    shop.shop.outbox.run()

    bodies = {
        topic: json.loads(it[1])
        for topic, it in zip(receiver.topics, receiver.deliveries, strict=True)
    }
    assert bodies["product.deleted"] == bodies["coupon.deleted"] == {"id": 10}
    assert bodies["product.restored"]["status"] == "publish"
    assert bodies["coupon.restored"]["code"] == "woocommerce_rest_shop_coupon_invalid_id"


def test_what_is_gone_for_good_is_told_to_nobody(
    shop: StoreApp, http: httpx.Client, receiver: Receiver
) -> None:
    follow(shop, *TOPICS)

    http.delete(f"{API}/products/17?force=true")
    shop.shop.outbox.run()

    assert receiver.deliveries == []
    assert http.get(f"{API}/products/18").status_code == 404


def test_a_product_gone_before_it_was_told_of_is_an_error_body(
    shop: StoreApp, http: httpx.Client, receiver: Receiver
) -> None:
    follow(shop, *TOPICS)
    put(http, 10)

    http.delete(f"{API}/products/10?force=true")
    shop.shop.outbox.run()

    ((_, body),) = receiver.deliveries
    assert json.loads(body)["code"] == "woocommerce_rest_product_invalid_id"


# --- categories --------------------------------------------------------------------


def test_a_category_is_made_under_another_once(http: httpx.Client) -> None:
    home = http.post(f"{API}/products/categories", json={"name": "Home"}).json()
    fields = {"name": "Kitchen", "parent": home["id"]}
    kitchen = http.post(f"{API}/products/categories", json=fields)

    again = http.post(f"{API}/products/categories", json=fields)

    assert (kitchen.status_code, kitchen.json()["parent"]) == (201, home["id"])
    assert (again.status_code, again.json()["code"]) == (400, "term_exists")
    assert again.json()["data"]["resource_id"] == kitchen.json()["id"]


def test_a_category_of_one_name_can_be_under_two(http: httpx.Client) -> None:
    made = [http.post(f"{API}/products/categories", json={"name": it}).json() for it in "AB"]

    sets = [
        http.post(f"{API}/products/categories", json={"name": "Sets", "parent": it["id"]}).json()
        for it in made
    ]

    assert [it["slug"] for it in sets] == ["sets", "sets-b"]


def test_a_product_without_a_category_has_the_one_for_that(
    shop: StoreApp, http: httpx.Client
) -> None:
    assert [it["name"] for it in read(http, 10)["categories"]] == ["Uncategorized"]
    assert [it["count"] for it in http.get(f"{API}/products/categories").json()] == [9]


# --- control -----------------------------------------------------------------------


def test_control_fills_the_shelf(app: StoreApp, http: httpx.Client) -> None:
    told = http.post("/_accord/stock-up", json={"quantity": 7}).json()

    assert told == {"products": 16}
    assert read(http, 10)["stock_quantity"] == 7


def test_control_slows_batches_down(app: StoreApp, http: httpx.Client) -> None:
    told = http.put("/_accord/latency", json={"item_s": 0.02, "most": 50}).json()

    assert told == {"seconds_for_100": 2.0}
    assert app.shop.latency.most == 50


def test_control_tells_the_shelf(shop: StoreApp, http: httpx.Client) -> None:
    told = http.get("/_accord/state?only=products").json()["products"]

    assert {it["id"]: it["stock_quantity"] for it in told}[18] == 100
