"""Why a store must not be sent a value."""

from decimal import Decimal
from typing import Any

import pytest

from accord.rules.sellable import faults


@pytest.mark.parametrize("quantity", [0, 7, -3, Decimal("5.00"), 2**31 - 1])
def test_whole_numbers_may_be_sent(quantity: object) -> None:
    assert faults("stock", {"quantity": quantity, "backorders": "notify"}) is None


@pytest.mark.parametrize(
    "quantity", ["lots", "5", None, True, 1.5, Decimal("1.5"), Decimal("NaN"), 2**31]
)
def test_what_is_no_number_of_pieces_may_not(quantity: object) -> None:
    assert faults("stock", {"quantity": quantity})


def test_a_stock_without_quantity_may_not_be_sent() -> None:
    assert faults("stock", {}) == "the quantity None is no number"


def test_an_unknown_backorder_setting_may_not_be_sent() -> None:
    assert "backorders" in (faults("stock", {"quantity": 1, "backorders": "maybe"}) or "")


# --- prices -------------------------------------------------------------------


def price(**changes: Any) -> dict[str, Any]:
    return {"regular": "12.50", "sale": None, "bands": {}, **changes}


def sale(amount: str = "9.99", first: str | None = None, last: str | None = None) -> dict[str, Any]:
    return price(sale={"price": amount, "from": first, "to": last})


@pytest.mark.parametrize("regular", ["12.50", "0.00", "12", "1234567.8901"])
def test_plain_amounts_may_be_sent(regular: str) -> None:
    assert faults("price", price(regular=regular)) is None


@pytest.mark.parametrize(
    "regular",
    [
        "9,99",
        "1,000.00",
        "-1.00",
        "1e3",
        ".5",
        "5.",
        "£5",
        " 5",
        "5\n",
        "٣",
        9.99,
        Decimal(5),
        None,
    ],
)
def test_what_the_store_would_store_as_something_else_may_not(regular: object) -> None:
    assert faults("price", price(regular=regular))


def test_more_decimals_than_the_store_has_may_not_be_sent() -> None:
    assert faults("price", price(regular="12.505"), digits=2)


def test_a_store_without_decimals_gets_none() -> None:
    assert faults("price", price(regular="12.5"), digits=0)


def test_no_price_says_what_to_do() -> None:
    assert "give the item one" in (faults("price", price(regular="")) or "")


def test_a_sale_with_days_may_be_sent() -> None:
    assert faults("price", sale("9.99", "2026-01-01", "2026-01-01")) is None


@pytest.mark.parametrize("amount", ["12.50", "12.5", "13.00", "9,99"])
def test_a_sale_that_is_not_lower_may_not(amount: str) -> None:
    assert faults("price", sale(amount))


@pytest.mark.parametrize(
    ("first", "last"), [("2026-02-01", "2026-01-31"), ("soon", None), (None, "2026-02-30")]
)
def test_days_that_are_none_or_swapped_may_not(first: str | None, last: str | None) -> None:
    assert faults("price", sale("9.99", first, last))


def test_a_price_of_a_role_is_looked_at_too() -> None:
    assert "trade" in (faults("price", price(bands={"trade": "9,99"})) or "")


# --- products -----------------------------------------------------------------


def product(**changes: Any) -> dict[str, Any]:
    return {"sku": "MUG", "name": "Mug", "type": "simple", "status": "draft", **changes}


def test_a_whole_product_may_be_sent() -> None:
    value = product(
        visibility="hidden",
        backorders="no",
        categories=[["Home", "Kitchen"]],
        images=["https://pictures.example/mug.jpg"],
        weight="0.35",
        sizes=["10", None, "8.5"],
        gtin="978-3-16-148410-0",
        tax_class="",
        attributes=[{"name": "Size", "options": ["S", "M"]}],
    )

    assert faults("product", value) is None


def test_a_part_of_a_product_may_be_sent() -> None:
    assert faults("product", {"weight": "0.35"}) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "  "},
        {"sku": ""},
        {"sku": " MUG"},
        {"type": "bundle"},
        {"type": "variation"},
        {"status": "published"},
        {"visibility": "no"},
        {"backorders": "maybe"},
        {"gtin": "40063813339X"},
        {"weight": "1,5"},
        {"weight": "-1"},
        {"sizes": ["1", "2"]},
        {"sizes": ["1", "2", "wide"]},
        {"images": ["mug.jpg"]},
        {"images": ["ftp://pictures.example/mug.jpg"]},
        {"categories": [[]]},
        {"categories": [["Home", " "]]},
        {"description": None},
        {"attributes": [{"name": "", "option": "S"}]},
        {"attributes": [{"name": "Size", "option": ""}]},
        {"attributes": [{"name": "Size", "options": []}]},
        {"attributes": [{"name": "Size", "option": "S"}, {"name": "Size", "option": "M"}]},
    ],
    ids=str,
)
def test_what_the_store_would_not_keep_may_not(wrong: dict[str, Any]) -> None:
    assert faults("product", product(**wrong))
