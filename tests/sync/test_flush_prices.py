"""Prices go to the store whole: regular, sale with its days, and groups of customers."""

from typing import Any

import pytest

from accord.errors import UnavailableError
from accord.ports.levels import LevelKind
from accord.sync.outcome import Skipped
from tests.sync.shopfront import UK, Shopfront

PRICE: LevelKind = "price"
BANDS = {"band": [{"list": "TRADE", "role": "trade"}, {"list": "VIP", "role": "vip", "flag": ""}]}


def price(regular: str = "12.50", **more: Any) -> dict[str, Any]:
    return {"regular": regular, "sale": None, "bands": {}, **more}


def sale(amount: str, from_: str | None = None, to: str | None = None) -> dict[str, Any]:
    return {"price": amount, "from": from_, "to": to}


def shown(value: dict[str, Any], **tables: Any) -> Shopfront:
    front = Shopfront(**tables)
    front.shop.add_product("MUG", price="10.00")
    front.want(PRICE, {"MUG": value})
    front.flush(PRICE)
    return front


def test_the_store_charges_what_the_back_office_says() -> None:
    front = shown(price("12.50"))
    assert front.product("MUG")["regular_price"] == "12.50"
    assert front.level("MUG", PRICE).sent == price("12.50")


def test_an_amount_that_the_store_writes_otherwise_is_the_same() -> None:
    front = shown(price("12.5"))
    front.shop.edit_product("MUG", regular_price="12.50")
    assert not front.open()
    assert front.levels.count_dirty(UK, PRICE) == 0


def test_a_sale_comes_with_its_days_and_lasts_to_the_end_of_the_last() -> None:
    front = shown(price(sale=sale("9.99", "2026-11-01", "2026-11-30")))
    product = front.product("MUG")
    assert product["sale_price"] == "9.99"
    assert product["date_on_sale_from"] == "2026-11-01T00:00:00"
    assert product["date_on_sale_to"] == "2026-11-30T23:59:59"


def test_a_sale_that_is_over_leaves_neither_price_nor_days() -> None:
    front = shown(price(sale=sale("9.99", "2026-11-01", "2026-11-30")))
    front.want(PRICE, {"MUG": price()})
    front.flush(PRICE)
    product = front.product("MUG")
    assert product["sale_price"] == ""
    assert product["date_on_sale_from"] is None
    assert product["date_on_sale_to"] is None


def test_each_group_of_customers_has_its_price() -> None:
    front = shown(price(bands={"trade": "10.00", "vip": "9.00"}), prices=BANDS)
    assert front.meta("MUG") == {
        "trade_wholesale_price": "10.00",
        "trade_have_wholesale_price": "yes",
        "vip_wholesale_price": "9.00",
    }


def test_a_group_that_has_no_price_any_more_loses_its_fields() -> None:
    front = shown(price(bands={"trade": "10.00"}), prices=BANDS)
    front.want(PRICE, {"MUG": price()})
    front.flush(PRICE)
    assert not front.meta("MUG")


def test_a_groups_price_that_somebody_else_keeps_is_left() -> None:
    front = Shopfront(prices=BANDS)
    mine = [{"key": "trade_wholesale_price", "value": "1.00"}]
    front.shop.add_product("MUG", meta_data=mine)
    front.want(PRICE, {"MUG": price()})
    front.flush(PRICE)
    assert front.meta("MUG") == {"trade_wholesale_price": "1.00"}


def test_what_never_had_a_price_keeps_the_stores_and_nobody_is_asked() -> None:
    front = Shopfront()
    front.shop.add_product("MUG", regular_price="10.00")
    front.want(PRICE, {"MUG": price("")})
    assert front.flush(PRICE).absent == 1
    assert front.product("MUG")["regular_price"] == "10.00"
    assert not front.open()
    assert front.levels.count_dirty(UK, PRICE) == 0

    front.want(PRICE, {"MUG": price("12.50")})
    front.flush(PRICE)
    assert front.product("MUG")["regular_price"] == "12.50"


def test_a_price_that_was_taken_away_is_told_and_stays_in_the_store() -> None:
    front = shown(price("12.50"))
    front.want(PRICE, {"MUG": price("")})
    front.flush(PRICE)
    assert front.product("MUG")["regular_price"] == "12.50"
    assert front.reasons() == [("uk:price:MUG", "invalid_value")]


@pytest.mark.parametrize("wrong", ["9,99", "-1.00", "12.555"])
def test_a_price_that_the_store_would_spoil_is_not_sent(wrong: str) -> None:
    front = shown(price(wrong))
    assert front.product("MUG")["regular_price"] == "10.00"
    assert front.reasons() == [("uk:price:MUG", "invalid_value")]


def test_a_price_that_the_store_does_not_keep_is_told() -> None:
    front = Shopfront()
    front.shop.add_product("TEE", quantity=None, type="variable")  # has no price of its own
    front.want(PRICE, {"TEE": price()})
    front.flush(PRICE)
    assert front.reasons() == [("uk:price:TEE", "not_kept")]


def test_a_price_import_of_every_sku_is_a_call_for_each_hundred() -> None:
    front = Shopfront()
    skus = [f"S{number:05}" for number in range(1000)]
    for sku in skus:
        front.shop.add_product(sku)
    for amount in ("11.00", "12.00", "13.00"):  # the import corrected itself
        front.want(PRICE, {sku: price(amount) for sku in skus})
    front.flush(PRICE)
    assert front.calls["write_products"] == 10
    assert front.product("S00999")["regular_price"] == "13.00"


def test_a_batch_that_was_not_answered_is_sent_again() -> None:
    front = Shopfront()
    front.shop.add_product("MUG")
    front.want(PRICE, {"MUG": price("12.50")})
    fails = iter([True])

    def lose(call: str) -> None:
        if call == "after store.write_products" and next(fails, False):
            raise UnavailableError("timed out")

    front.hook = lose
    front.flush(PRICE)
    assert front.product("MUG")["regular_price"] == "12.50"
    assert front.post(PRICE).outcome == Skipped("all is sent")
