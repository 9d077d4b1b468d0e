"""What a store was told before can be sent once more."""

from typing import Any

import pytest

from accord.ports.levels import LevelKind
from accord.sync.anew import send_anew
from tests.sync.shopfront import UK, Shopfront

PRICE: dict[str, Any] = {"regular": "12.50", "sale": None, "bands": {}}
BAND = {"list": "Trade", "role": "trade"}
PRODUCT: dict[str, Any] = {"sku": "MUG", "type": "simple", "show": "keep", "weight": "0.5"}


def told(**tables: Any) -> Shopfront:
    """A store that shows a mug as it was sent."""
    front = Shopfront(**tables)
    front.shop.add_product("MUG")
    front.observe("MUG", 50)
    front.want("price", {"MUG": PRICE})
    front.want("product", {"MUG": PRODUCT})
    for kind in ("stock", "price", "product"):
        front.post(kind)  # type: ignore[arg-type]
    return front


def again(front: Shopfront, kind: LevelKind = "stock") -> int:
    return send_anew(front.levels, UK, kind, ["MUG", "NONE"], now=front.clock())


@pytest.mark.parametrize(
    ("kind", "fields", "shown"),
    [
        ("stock", {"stock_quantity": 7}, {"stock_quantity": 50}),
        ("price", {"regular_price": "1.00"}, {"regular_price": "12.50"}),
        ("product", {"weight": "9"}, {"weight": "0.5"}),
    ],
)
def test_what_the_store_shows_else_is_written_over(
    kind: LevelKind, fields: dict[str, Any], shown: dict[str, Any]
) -> None:
    front = told()
    front.shop.edit_product("MUG", **fields)
    assert again(front, kind) == 1
    assert front.flush(kind).sent == 1
    assert {key: front.product("MUG")[key] for key in shown} == shown


def test_pieces_that_are_gone_since_the_flow_was_off_are_no_unknown_sales() -> None:
    front = told(stock={"near": 100})
    front.shop.set_stock("MUG", 7)
    again(front)
    assert front.flush().unknown == 0
    assert front.product("MUG")["stock_quantity"] == 50


def test_a_price_of_a_role_that_has_none_any_more_is_still_taken_back() -> None:
    front = told(prices={"currency": "GBP", "band": [BAND]})
    front.want("price", {"MUG": {**PRICE, "bands": {"trade": "9.00"}}})
    front.flush("price")
    again(front, "price")
    front.want("price", {"MUG": PRICE})
    front.flush("price")
    assert "trade_wholesale_price" not in front.meta("MUG")


def test_a_price_that_was_taken_away_is_still_told() -> None:
    front = told()
    again(front, "price")
    front.want("price", {"MUG": {**PRICE, "regular": ""}})
    front.flush("price")
    assert front.reasons() == [("uk:price:MUG", "invalid_value")]


def test_a_product_that_was_hidden_is_still_shown_again() -> None:
    front = told()
    front.want("product", {"MUG": {**PRODUCT, "show": "hidden", "visibility": "hidden"}})
    front.flush("product")
    assert front.product("MUG")["catalog_visibility"] == "hidden"
    again(front, "product")
    front.want("product", {"MUG": PRODUCT})
    front.flush("product")
    assert front.product("MUG")["catalog_visibility"] == "visible"


def test_pictures_are_not_sent_twice() -> None:
    front = told(catalogue={"fields": {"images": "erp"}})
    front.want("product", {"MUG": {**PRODUCT, "images": ["https://pim.example/mug.jpg"]}})
    front.flush("product")
    before = front.product("MUG")["images"]
    again(front, "product")
    front.flush("product")
    assert before
    assert front.product("MUG")["images"] == before


def test_what_was_never_wanted_is_not_sent() -> None:
    front = Shopfront()
    front.shop.add_product("MUG")
    assert again(front) == 0
    assert front.levels.count_dirty(UK, "stock") == 0


def test_what_is_wanted_meanwhile_is_what_is_sent() -> None:
    front = told()
    again(front)
    front.stock({"MUG": 30})
    front.flush()
    assert front.product("MUG")["stock_quantity"] == 30
