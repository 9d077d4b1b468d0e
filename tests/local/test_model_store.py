"""The store in this process: the port as any store answers it, people's acts, and who is told."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import DuplicateError, RejectedError, UnavailableError
from accord.local.model_store import ModelStore
from accord.local.store.deliveries import encode
from accord.local.store.latency import Latency
from accord.local.store.orders import make_order
from accord.model.documents import SalesOrder
from accord.model.money import Money
from accord.model.party import Profile
from accord.woo.webhook import digest


class Clock:
    now = dt.datetime(2026, 11, 22, 15, 0, 0, 250_000, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> list[tuple[str, dict[str, Any]]]:
    """What webhooks would have said."""
    return []


@pytest.fixture
def store(clock: Clock, told: list[tuple[str, dict[str, Any]]]) -> ModelStore:
    """Holds order 30: three lines, shipping, unpaid and on hold."""
    store = ModelStore("uk", clock, on_change=lambda topic, it: told.append((topic, it.document)))
    order = make_order(30, rng=random.Random(4), at=clock(), status="on-hold", lines=3)
    store.orders["30"] = {**order, "date_paid": None, "date_paid_gmt": None}
    return store


def read(store: ModelStore, id_: str = "30") -> SalesOrder:
    found = store.get_order(id_)
    assert found is not None
    return store.order(found[0])


def lines(store: ModelStore) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = store.orders["30"]["line_items"]
    return found


# --- the port -------------------------------------------------------------------------


def test_an_order_that_was_changed_in_place_is_read_as_it_is_now(store: ModelStore) -> None:
    before = read(store)

    lines(store)[0]["name"] = "Another mug"

    assert read(store).lines[0].description == "Another mug"
    assert before.lines[0].description != "Another mug"


def test_an_order_s_digest_is_the_one_of_its_delivery(store: ModelStore) -> None:
    found = store.get_order("30")

    assert found is not None
    assert found[1] == digest(encode(store.orders["30"]))


def test_a_change_s_digest_is_the_one_of_the_delivery_that_follows(
    store: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    _, answered = store.put_order("30", status="completed", meta={"a": "1"})

    ((topic, document),) = told
    assert topic == "order.updated"
    assert answered == digest(encode(document))


def test_what_was_read_does_not_change_with_the_store(store: ModelStore) -> None:
    found = store.get_order("30")
    assert found is not None

    store.put_order("30", status="completed")

    assert found[0]["status"] == "on-hold"


def test_what_was_put_in_is_a_copy(store: ModelStore) -> None:
    order = make_order(31, rng=random.Random(1), at=Clock.now)
    store.orders["31"] = order

    store.put_order("31", meta={"a": "1"})

    assert "a" not in [it["key"] for it in order["meta_data"]]


def test_reads_of_orders_are_counted(store: ModelStore) -> None:
    store.get_order("30")
    store.put_order("30", status="completed")

    assert store.reads == 1


def test_a_status_that_it_does_not_have_is_rejected(store: ModelStore) -> None:
    with pytest.raises(RejectedError) as raised:
        store.put_order("30", status="shipped")

    assert raised.value.reason == "no_such_status"


def test_an_order_that_is_gone_is_none(store: ModelStore) -> None:
    store.delete("30")

    assert store.get_order("30") is None
    assert "30" not in store.orders


def test_a_refund_of_ours_is_found_by_its_reason(store: ModelStore) -> None:
    id_ = store.create_refund(read(store), Money(Decimal(1), "GBP"), reason="[accord x]")

    (found,) = store.refunds(read(store))
    assert (found.ref.id, found.reason) == (id_, "[accord x]")


def test_a_note_is_found_by_its_marker_and_moves_nothing(
    store: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    id_ = store.add_note("30", "SO-7 [accord uk-30]")

    assert store.find_note("30", "[accord uk-30]") == id_
    assert store.notes["30"] == ["SO-7 [accord uk-30]"]
    assert told == []


def test_notes_to_the_customer_are_told_apart(store: ModelStore) -> None:
    store.add_note("30", "on its way", to_customer=True)
    store.add_note("30", "private")

    assert store.to_customer["30"] == ["on its way"]


def test_looking_for_a_note_makes_none(store: ModelStore) -> None:
    store.find_note("30", "x")

    assert store.notes == {}


def test_accounts_are_made_found_and_changed(store: ModelStore) -> None:
    made, _ = store.create_customer(Profile(name="Ada Byron", email="ada@example.com"))
    id_ = str(made["id"])

    store.put_customer(id_, Profile(phone="1"))

    found = store.find_customer("ada@example.com")
    assert found is not None
    assert store.customer(found[0]).profile.phone == "1"


def test_an_address_has_one_account(store: ModelStore) -> None:
    store.add_customer(email="ada@example.com")

    with pytest.raises(DuplicateError):
        store.create_customer(Profile(email="ada@example.com"))


# --- what people do, and who is told ----------------------------------------------------


def test_an_order_is_told_as_new_and_as_changed(
    store: ModelStore, told: list[tuple[str, dict[str, Any]]], clock: Clock
) -> None:
    id_ = store.place(make_order(31, rng=random.Random(1), at=clock()))

    assert id_ == "31"
    assert [(topic, it["id"]) for topic, it in told] == [
        ("order.created", 31),
        ("order.updated", 31),
    ]


def test_a_checkout_tells_the_change_first(
    store: ModelStore, told: list[tuple[str, dict[str, Any]]], clock: Clock
) -> None:
    store.place(make_order(31, rng=random.Random(1), at=clock()), "checkout")

    assert [topic for topic, _ in told] == ["order.updated", "order.created"]


def test_a_status_carries_no_payment_unless_it_is_said(store: ModelStore) -> None:
    store.set_status("30", "failed")

    assert read(store).payment.paid_at is None


def test_paid_is_paid_at_that_second(store: ModelStore, clock: Clock) -> None:
    store.set_status("30", "processing", paid=True)

    assert read(store).payment.paid_at == clock().replace(microsecond=0)


def test_a_change_moves_the_date_to_the_whole_second(store: ModelStore, clock: Clock) -> None:
    clock.tick(90.5)

    store.set_status("30", "completed")

    assert read(store).modified_at == dt.datetime(2026, 11, 22, 15, 1, 30, tzinfo=dt.UTC)


def test_what_is_told_is_the_order_as_it_is_then(
    store: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    store.set_status("30", "completed")
    store.set_status("30", "cancelled")

    assert [(topic, it["status"]) for topic, it in told] == [
        ("order.updated", "completed"),
        ("order.updated", "cancelled"),
    ]


def test_another_quantity_alone_keeps_the_money(store: ModelStore) -> None:
    line = lines(store)[0]
    before = line["total"]

    store.edit_line("30", str(line["id"]), quantity=line["quantity"] + 2)

    assert lines(store)[0]["total"] == before


def test_another_total_changes_what_is_due(store: ModelStore) -> None:
    before = read(store)

    store.edit_line("30", str(lines(store)[0]["id"]), total="1.00")

    after = read(store)
    assert after.lines[0].net == Money(Decimal("1.00"), "GBP")
    assert (after.total != before.total, after.rounding.amount) == (True, 0)


def test_a_line_of_no_quantity_is_gone(store: ModelStore) -> None:
    gone = str(lines(store)[0]["id"])

    store.edit_line("30", gone, quantity=0)

    assert gone not in [line.id for line in read(store).lines]


def test_a_refund_of_lines_takes_their_share_to_the_cent(store: ModelStore) -> None:
    order = read(store)
    line = next(it for it in order.lines if it.kind == "item")

    store.refund("30", lines={line.id: int(line.quantity)})

    (found,) = store.refunds(read(store))
    (taken,) = found.lines
    assert (taken.id, taken.net, taken.tax) == (line.id, line.net, line.tax)
    assert found.unassigned.amount == 0


def test_shipping_can_be_refunded(store: ModelStore) -> None:
    shipping = next(it for it in read(store).lines if it.kind == "shipping")

    store.refund("30", lines={shipping.id: 1})

    (found,) = store.refunds(read(store))
    assert (found.lines[0].code, found.lines[0].net) == (shipping.code, shipping.net)


def test_an_amount_beside_the_lines_is_left_unassigned(store: ModelStore) -> None:
    store.refund("30", "5.00", reason="goodwill")

    (found,) = store.refunds(read(store))
    assert (found.lines, found.unassigned.amount, found.reason) == ((), Decimal("5.00"), "goodwill")


def test_a_refund_is_told_as_a_change_of_its_order(
    store: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    id_ = store.refund("30", "5.00")

    ((topic, document),) = told
    assert (topic, [str(it["id"]) for it in document["refunds"]]) == ("order.updated", [id_])


def test_all_given_back_turns_the_status(store: ModelStore) -> None:
    store.refund("30", store.orders["30"]["total"])

    assert read(store).status == "refunded"


def test_a_status_of_refunded_gives_back_what_is_left(store: ModelStore) -> None:
    store.refund("30", "5.00")

    store.set_status("30", "refunded")

    order = read(store)
    assert Money.total((it.total for it in store.refunds(order)), "GBP") == order.total


def test_a_deleted_refund_is_told_to_nobody(
    store: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    id_ = store.refund("30", "5.00")
    before = (read(store).modified_at, len(told))

    store.delete_refund("30", id_)

    assert list(store.refunds(read(store))) == []
    assert (read(store).modified_at, len(told)) == before


def test_the_trash_tells_the_id_alone_and_back_the_whole(
    store: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    store.trash("30")
    store.restore("30")

    (deleted, restored) = told
    assert deleted == ("order.deleted", {"id": 30})
    assert (restored[0], restored[1]["status"]) == ("order.restored", "on-hold")


def test_a_status_brings_an_order_back_from_the_trash_and_nobody_is_told(
    store: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    store.trash("30")

    store.put_order("30", status="processing")

    assert [topic for topic, _ in told] == ["order.deleted"]


def test_an_account_s_life_is_told(
    store: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    id_ = store.add_customer(email="ada@example.com", first_name="Ada")
    store.edit_customer(id_, billing={"phone": "1"})
    store.delete_customer(id_)

    assert [topic for topic, _ in told] == [
        "customer.created",
        "customer.updated",
        "customer.updated",
        "customer.deleted",
    ]
    assert told[-1][1] == {"id": int(id_)}
    assert store.get_customer(id_) is None


def test_accounts_can_be_looked_at(store: ModelStore) -> None:
    id_ = store.add_customer(email="ada@example.com")

    assert (list(store.customers), len(store.customers)) == ([id_], 1)


# --- what is on the shelf ----------------------------------------------------------------


@pytest.fixture
def shelf(store: ModelStore, told: list[tuple[str, dict[str, Any]]]) -> ModelStore:
    """With the recorded store's products, 100 of most."""
    store.stock_up()
    assert told == []
    return store


def test_an_order_takes_the_stock_and_it_is_told_after_the_order(
    shelf: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    shelf.sell({"WID-BLUE": 2})

    assert [topic for topic, _ in told] == ["order.created", "order.updated", "product.updated"]
    assert (told[-1][1]["id"], told[-1][1]["stock_quantity"]) == (10, 98)
    assert shelf.stock_of("WID-BLUE") == 98


def test_what_is_told_of_an_order_says_what_it_took(
    shelf: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    shelf.sell({"TEE-S-R": 2})

    (line,) = told[0][1]["line_items"]
    assert ("_reduced_stock", "2") in [(it["key"], it["value"]) for it in line["meta_data"]]


def test_a_placed_order_takes_the_stock_too(shelf: ModelStore, clock: Clock) -> None:
    order = make_order(31, rng=random.Random(1), at=clock(), status="processing")
    counted = [line for line in order["line_items"] if line["sku"] != "SVC-1"]
    before = {line["sku"]: shelf.stock_of(line["sku"]) for line in counted}

    shelf.place(order)

    taken = {sku: (was or 0) - (shelf.stock_of(sku) or 0) for sku, was in before.items()}
    wanted = {
        sku: sum(line["quantity"] for line in counted if line["sku"] == sku) for sku in before
    }
    assert taken == wanted
    assert taken


def test_an_empty_shelf_takes_no_stock(store: ModelStore, clock: Clock) -> None:
    store.place(make_order(31, rng=random.Random(1), at=clock(), status="processing"))

    keys = {meta["key"] for line in store.orders["31"]["line_items"] for meta in line["meta_data"]}
    assert "_reduced_stock" not in keys


def test_people_in_the_shop_change_stock_and_price(
    shelf: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    shelf.set_stock("TEE-S-R", 7)
    shelf.set_price("TEE-S-R", Decimal("18.00"), sale="16.50")

    topics = [(topic, it["stock_quantity"], it["price"]) for topic, it in told]
    assert topics == [("product.updated", 7, "15.00"), ("product.updated", 7, "16.50")]


def test_what_is_told_of_a_variation_has_the_digest_of_its_delivery(
    shelf: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    shelf.set_stock("TEE-S-R", 7)

    response = shelf._request("GET", "products/18", None)
    assert digest(encode(told[-1][1])) == digest(response.content)


def test_a_new_product_can_be_sold(store: ModelStore) -> None:
    store.add_product("NEW-1", price="4.00", quantity=3)

    id_ = store.sell({"NEW-1": 5})

    assert (store.stock_of("NEW-1"), store.orders[id_]["line_items"][0]["total"]) == (-2, "20.00")


def test_a_new_variation_is_its_parent_s(
    shelf: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    shelf.add_product("TEE-XL-R", quantity=3, parent="17")

    assert [(topic, it["parent_id"]) for topic, it in told] == [("product.created", 17)]


def test_a_product_s_end_is_told_if_it_is_the_trash(
    shelf: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    shelf.trash_product("WID-BLUE")
    shelf.delete_product("MUG-1")

    assert told == [("product.deleted", {"id": 10}), ("coupon.deleted", {"id": 10})]


def test_time_passes_while_a_batch_works(clock: Clock) -> None:
    latency = Latency(item_s=2.0)
    store = ModelStore("uk", clock, latency=latency, sleep=clock.tick)
    store.stock_up()
    began = clock()

    updates = [{"id": it, "stock_quantity": 1} for it in (10, 11, 12)]
    store._request("POST", "products/batch", {"update": updates})

    assert clock() - began == dt.timedelta(seconds=6)


# --- the port's products ------------------------------------------------------------------


def test_products_are_found_by_their_skus_variations_too(shelf: ModelStore) -> None:
    found = shelf.products_by_sku(["WID-BLUE", "TEE-S-R", "NONE"])

    assert {sku: (it.ref.id, it.parent, it.stock) for sku, it in found.items()} == {
        "WID-BLUE": ("10", "", Decimal(100)),
        "TEE-S-R": ("18", "17", Decimal(100)),
    }


def test_products_are_found_by_their_ids_where_they_are(shelf: ModelStore) -> None:
    assert [it.sku for it in shelf.products_of(["10", "18"])] == ["WID-BLUE"]
    assert [it.sku for it in shelf.products_of(["10", "18"], parent="17")] == ["TEE-S-R"]


def test_all_products_are_listed_and_those_that_changed(shelf: ModelStore, clock: Clock) -> None:
    clock.tick(600)
    shelf.set_stock("MUG-1", 4)

    assert len(shelf.list_products(page=1)) == 9
    assert len(shelf.list_products(page=1, parent="17")) == 5
    changed = shelf.list_products(page=1, modified_after=clock() - dt.timedelta(minutes=1))
    assert [it.sku for it in changed] == ["MUG-1"]


def test_a_batch_says_of_each_entry_what_it_came_to(shelf: ModelStore) -> None:
    entries = [
        {"id": "10", "stock_quantity": 7},
        {"id": "999", "stock_quantity": 7},
        {"name": "New", "sku": "MUG-1"},
    ]

    changed, missing, twice = shelf.write_products(entries)

    assert changed.product is not None
    assert changed.product.stock == 7
    assert missing.code == "woocommerce_rest_product_invalid_id"
    assert (twice.code, twice.holder) == ("product_invalid_sku", "11")


def test_variations_are_written_under_their_parent(shelf: ModelStore) -> None:
    entry = {"id": "25", "manage_stock": True, "stock_quantity": 7}

    (written,) = shelf.write_products([entry], parent="24")

    assert written.product is not None
    assert (written.product.stock, written.product.by_parent) == (7, False)
    assert (shelf.stock_of("POSTER-Matt"), shelf.stock_of("POSTER-Gloss")) == (7, 50)


def test_a_stock_that_the_parent_counts_is_not_kept(shelf: ModelStore) -> None:
    (written,) = shelf.write_products([{"id": "25", "stock_quantity": 7}], parent="24")

    assert written.product is not None
    assert (written.product.stock, written.product.by_parent) == (50, True)


def test_a_product_that_is_read_is_what_was_told(
    shelf: ModelStore, told: list[tuple[str, dict[str, Any]]]
) -> None:
    shelf.set_stock("TEE-S-R", 7)

    found = shelf.get_product("18")

    assert found is not None
    assert found == (told[-1][1], digest(encode(told[-1][1])))


def test_a_product_that_is_gone_is_none(shelf: ModelStore) -> None:
    shelf.delete_product("WID-BLUE")

    assert shelf.get_product("10") is None


def test_categories_are_made_where_they_lack(shelf: ModelStore) -> None:
    paths = [("Home", "Kitchen"), ("Home",), ("Uncategorized",)]

    made = shelf.categories(paths)

    assert made == shelf.categories(paths)
    assert (len(set(made.values())), made[("Uncategorized",)]) == (3, "15")


@pytest.mark.parametrize("latency", [Latency(most=1), Latency(item_s=40.0, gives_up_s=60.0)])
def test_a_batch_that_is_too_much_is_unavailable(shelf: ModelStore, latency: Latency) -> None:
    shelf.shop.latency = latency

    with pytest.raises(UnavailableError):
        shelf.write_products([{"id": it, "stock_quantity": 7} for it in ("10", "11")])
