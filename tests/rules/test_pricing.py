"""What a store should charge for an item."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.errors import UnmappedError
from accord.model.item import ItemPrices, Lifecycle, SalePrice
from accord.rules.mapping import Mappings
from accord.rules.pricing import wanted_price
from accord.rules.sellable import faults
from accord.rules.selling import PriceBand, PriceRules, SaleRule

MAPPINGS = Mappings(taxes={"20": "VAT 20%", "5": "VAT 5%", "GB-VAT 20%-1": "VAT 20%", "0": "None"})
TRADE = PriceBand(list="Trade", role="wholesale_customer")


def prices(base: str | None = "10.00", **changes: Any) -> ItemPrices:
    lists = {name: Decimal(price) for name, price in changes.pop("lists", {}).items()}
    fields: dict[str, Any] = {"taxes": ("VAT 20%",), "lists": lists, **changes}
    return ItemPrices("MUG", "GBP", None if base is None else Decimal(base), **fields)


def wanted(
    given_: ItemPrices,
    *,
    lifecycle: Lifecycle = "current",
    mappings: Mappings = MAPPINGS,
    **rules: Any,
) -> dict[str, Any]:
    return wanted_price(
        given_,
        lifecycle,
        PriceRules(currency="GBP", **rules),
        mappings,
        store="uk",
        erp="main",
    )


# --- the regular price --------------------------------------------------------


def test_the_list_price_is_the_regular_one() -> None:
    assert wanted(prices("10")) == {"regular": "10.00", "sale": None, "bands": {}}


def test_a_price_list_comes_before_the_list_price() -> None:
    assert wanted(prices(lists={"Web": "9.5"}), list="Web")["regular"] == "9.50"


def test_what_is_not_in_the_price_list_has_its_list_price() -> None:
    assert wanted(prices("10"), list="Web")["regular"] == "10.00"


def test_a_price_of_nothing_in_the_list_is_a_price() -> None:
    assert wanted(prices(lists={"Web": "0"}), list="Web")["regular"] == "0.00"


def test_an_item_without_price_is_not_sent() -> None:
    value = wanted(prices(None, lists={"Trade": "5"}), band=(TRADE,))

    assert "no price" in (faults("price", value) or "")


@pytest.mark.parametrize("base", ["0", "0.00", "0.004"])
def test_a_list_price_that_nobody_filled_in_is_not_sent(base: str) -> None:
    value = wanted(prices(base, sale=SalePrice(Decimal(0))), list="Web")

    assert value == {"regular": "", "sale": None, "bands": {}}
    assert "no price" in (faults("price", value) or "")


# --- with and without tax -----------------------------------------------------


@pytest.mark.parametrize(
    ("gross", "include_tax", "regular"),
    [(False, False, "10.00"), (True, True, "10.00"), (False, True, "12.00"), (True, False, "8.33")],
)
def test_a_price_holds_tax_if_the_stores_do(gross: bool, include_tax: bool, regular: str) -> None:
    assert wanted(prices("10", gross=gross), include_tax=include_tax)["regular"] == regular


def test_several_taxes_add_up() -> None:
    value = wanted(prices("10", taxes=("VAT 20%", "VAT 5%")), include_tax=True)

    assert value["regular"] == "12.50"


def test_an_item_without_tax_costs_the_same_either_way() -> None:
    assert wanted(prices("10", taxes=()), include_tax=True)["regular"] == "10.00"


def test_a_tax_without_a_percent_is_named_with_the_table_to_mend() -> None:
    with pytest.raises(
        UnmappedError, match=r"'VAT 7%' has no percent.*stores\.uk\.mappings\.taxes"
    ) as raised:
        wanted(prices(taxes=("VAT 7%",)), include_tax=True)

    assert raised.value.causes == ("tax_code:VAT 7%",)


def test_a_tax_of_two_percents_is_nobodys_guess() -> None:
    two = Mappings(taxes={"20": "VAT", "5": "VAT"})

    with pytest.raises(UnmappedError, match="of 5 and 20 %"):
        wanted(prices(taxes=("VAT",)), include_tax=True, mappings=two)


def test_no_percent_is_asked_for_where_none_is_needed() -> None:
    assert wanted(prices(taxes=("VAT 7%",)))["regular"] == "10.00"


def test_a_price_of_another_currency_is_never_taken() -> None:
    euros = ItemPrices("MUG", "EUR", Decimal(10))

    with pytest.raises(UnmappedError, match="EUR"):
        wanted(euros)


@pytest.mark.parametrize(("digits", "regular"), [(0, "3"), (2, "2.51"), (3, "2.505")])
def test_half_a_unit_is_rounded_up(digits: int, regular: str) -> None:
    assert wanted(prices("2.505"), digits=digits)["regular"] == regular


# --- sales ----------------------------------------------------------------------


def sale(value: dict[str, Any]) -> str | None:
    return value["sale"] and value["sale"]["price"]


def test_the_back_offices_own_sale_has_its_days() -> None:
    own = SalePrice(Decimal("8"), dt.date(2026, 1, 1), dt.date(2026, 1, 31))

    assert wanted(prices(sale=own))["sale"] == {
        "price": "8.00",
        "from": "2026-01-01",
        "to": "2026-01-31",
    }


def test_a_sale_list_has_the_days_of_the_rules() -> None:
    rule = SaleRule(list="Summer", starts_on=dt.date(2026, 7, 1))

    value = wanted(prices(lists={"Summer": "7"}), sale=rule)

    assert value["sale"] == {"price": "7.00", "from": "2026-07-01", "to": None}


def test_what_is_cleared_has_the_clearance_price() -> None:
    value = prices(lists={"Clear": "3", "Summer": "7"}, sale=SalePrice(Decimal(8)))

    found = wanted(value, lifecycle="clearance", clearance="Clear", sale=SaleRule(list="Summer"))

    assert sale(found) == "3.00"


def test_what_is_not_cleared_has_no_clearance_price() -> None:
    assert sale(wanted(prices(lists={"Clear": "3"}), clearance="Clear")) is None


@pytest.mark.parametrize("price", ["10.00", "9.996", "12"])
def test_a_sale_that_is_not_lower_is_none(price: str) -> None:
    assert sale(wanted(prices(sale=SalePrice(Decimal(price))))) is None


def test_a_sale_that_is_not_lower_gives_way_to_one_that_is() -> None:
    value = prices(sale=SalePrice(Decimal(11)), lists={"Summer": "7"})

    assert sale(wanted(value, sale=SaleRule(list="Summer"))) == "7.00"


def test_a_sale_is_taxed_as_the_price_is() -> None:
    assert sale(wanted(prices(sale=SalePrice(Decimal(5))), include_tax=True)) == "6.00"


# --- groups of customers --------------------------------------------------------


def test_a_role_has_the_price_of_its_list() -> None:
    value = wanted(prices(lists={"Trade": "6.5"}), band=(TRADE,), include_tax=True)

    assert value["bands"] == {"wholesale_customer": "7.80"}


def test_a_role_whose_list_lacks_the_item_has_no_price() -> None:
    assert wanted(prices(), band=(TRADE,))["bands"] == {}


# --- whatever it costs ------------------------------------------------------------

AMOUNTS = st.decimals(0, 10_000_000, places=4)
CHARGED = st.decimals(1, 10_000_000, places=4)  # above 0 in every store's decimals, without tax too


@given(CHARGED, AMOUNTS, st.booleans(), st.booleans(), st.integers(0, 4))
def test_what_is_wanted_may_always_be_sent(
    base: Decimal, special: Decimal, gross: bool, include_tax: bool, digits: int
) -> None:
    given_ = prices(str(base), gross=gross, sale=SalePrice(special), lists={"Trade": str(special)})

    value = wanted(given_, include_tax=include_tax, digits=digits, band=(TRADE,))

    assert faults("price", value, digits=digits) is None


@given(AMOUNTS, st.integers(0, 4))
def test_an_own_price_is_sent_or_there_is_none(base: Decimal, digits: int) -> None:
    value = wanted(prices(str(base)), digits=digits)

    if value["regular"]:
        assert Decimal(value["regular"]) > 0
    else:
        assert base < Decimal(1).scaleb(-digits)


@given(AMOUNTS, AMOUNTS, st.integers(0, 4))
def test_a_price_in_a_named_list_is_always_sent(
    base: Decimal, listed: Decimal, digits: int
) -> None:
    value = wanted(prices(str(base), lists={"Web": str(listed)}), list="Web", digits=digits)

    assert faults("price", value, digits=digits) is None
