"""The rules of price lists are followed as Odoo follows them; its draft orders said what it computed."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.odoo.price_rules import Priceable, PriceLists, Rates, in_order

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
USD, EUR, LIST, OTHER = 1, 2, 10, 11
RATES = Rates(
    company=USD,
    rates={USD: Decimal(1), EUR: Decimal("0.5")},
    units={USD: Decimal("0.01"), EUR: Decimal("0.01")},
)
MUG = Priceable(id=2, template=3, categories=(6, 5), price=Decimal("12.50"), cost=Decimal(8))


def rule(id_: int = 1, **changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "id": id_,
        "applied_on": "3_global",
        "product_tmpl_id": False,
        "product_id": False,
        "categ_id": False,
        "min_quantity": 0,
        "compute_price": "percentage",
        "fixed_price": 0,
        "percent_price": 0,
        "price_discount": 0,
        "price_surcharge": 0,
        "price_round": 0,
        "price_min_margin": 0,
        "price_max_margin": 0,
        "base": "list_price",
        "base_pricelist_id": False,
        "date_start": False,
        "date_end": False,
    }
    return {**whole, **changes}


def price(*rules: dict[str, Any], of: Priceable = MUG, currency: int = USD) -> Decimal | None:
    lists = PriceLists({LIST: in_order(rules)}, {LIST: USD}, RATES, NOW)
    return lists.price(of, LIST, currency)


def test_without_a_rule_the_list_price_holds() -> None:
    assert price() == Decimal("12.50")


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"compute_price": "fixed", "fixed_price": Decimal("9.75")}, "9.75"),
        ({"percent_price": 10}, "11.25"),
        ({"compute_price": "formula", "price_discount": 20}, "10.00"),
        ({"compute_price": "formula", "price_discount": -20}, "15.00"),
        ({"compute_price": "formula", "price_surcharge": 2}, "14.50"),
        (
            {"compute_price": "formula", "price_round": 5, "price_surcharge": Decimal("-0.01")},
            "14.99",
        ),
        ({"compute_price": "formula", "price_discount": 90, "price_min_margin": 1}, "13.50"),
        ({"compute_price": "formula", "price_surcharge": 9, "price_max_margin": 3}, "15.50"),
        ({"compute_price": "formula", "base": "standard_price", "price_discount": -50}, "12.0"),
    ],
)
def test_a_rule_computes_a_price(changes: dict[str, Any], wanted: str) -> None:
    assert price(rule(**changes)) == Decimal(wanted)


@pytest.mark.parametrize(("child", "parent"), [(1, 2), (2, 1)])
def test_a_categorys_own_rule_comes_before_its_parents(child: int, parent: int) -> None:
    own = rule(
        child,
        applied_on="2_product_category",
        categ_id=[5 + child, "All / Mugs"],
        compute_price="fixed",
        fixed_price=8,
    )
    above = rule(
        parent,
        applied_on="2_product_category",
        categ_id=[5 + parent, "All"],
        compute_price="fixed",
        fixed_price=10,
    )
    mug = Priceable(2, 3, (5 + child, 5 + parent), Decimal(12), None)

    assert price(own, above, of=mug) == Decimal(8)


def test_the_recorded_list_takes_ten_percent_off_its_category() -> None:
    """A hamper of 60.00 came to 54.00, a plate of 9.90 to 8.91, a book of another one stayed."""
    of_kitchen = rule(applied_on="2_product_category", categ_id=[6, "Kitchen"], percent_price=10)
    many = rule(2, applied_on="0_product_variant", product_id=[2, "Mug"], min_quantity=11)
    prices = {"60.00": (6,), "9.90": (6,), "30.00": (5,)}

    found = [
        price(
            of_kitchen,
            many,
            of=Priceable(9, 9, categories, Decimal(amount), None),
        )
        for amount, categories in prices.items()
    ]

    assert found == [Decimal("54.00"), Decimal("8.91"), Decimal("30.00")]


@pytest.mark.parametrize(
    ("changes", "applies"),
    [
        ({"applied_on": "0_product_variant", "product_id": [2, ""]}, True),
        ({"applied_on": "0_product_variant", "product_id": [3, ""]}, False),
        ({"applied_on": "1_product", "product_tmpl_id": [3, ""]}, True),
        ({"applied_on": "2_product_category", "categ_id": [5, "its parent"]}, True),
        ({"applied_on": "2_product_category", "categ_id": [7, ""]}, False),
        ({"min_quantity": 1}, True),
        ({"min_quantity": 2}, False),
        ({"date_start": "2026-11-22 12:00:01"}, False),
        ({"date_start": "2026-11-22 12:00:00", "date_end": "2026-11-22 12:00:00"}, True),
        ({"date_end": "2026-11-22 11:59:59"}, False),
    ],
)
def test_a_rule_is_for_what_it_says(changes: dict[str, Any], *, applies: bool) -> None:
    found = price(rule(compute_price="fixed", fixed_price=1, **changes))

    assert found == (Decimal(1) if applies else MUG.price)


def test_the_narrower_rule_is_taken_first_and_the_newer_of_two() -> None:
    wide = rule(3, compute_price="fixed", fixed_price=1)
    old = rule(
        1, compute_price="fixed", fixed_price=2, applied_on="1_product", product_tmpl_id=[3, ""]
    )
    new = {**old, "id": 2, "fixed_price": 3}

    assert price(wide, old, new) == 3


def test_a_list_may_be_based_on_another() -> None:
    rules = {
        LIST: [rule(base="pricelist", base_pricelist_id=[OTHER, ""], percent_price=10)],
        OTHER: [rule(compute_price="fixed", fixed_price=5)],
    }
    lists = PriceLists(rules, {LIST: USD, OTHER: EUR}, RATES, NOW)

    assert lists.price(MUG, LIST, USD) == Decimal(9)  # 5 EUR are 10 USD


def test_lists_that_are_based_on_each_other_have_no_price() -> None:
    rules = {
        LIST: [rule(base="pricelist", base_pricelist_id=[OTHER, ""])],
        OTHER: [rule(base="pricelist", base_pricelist_id=[LIST, ""])],
    }
    lists = PriceLists(rules, {LIST: USD, OTHER: USD}, RATES, NOW)

    assert lists.price(MUG, LIST, USD) is None


def test_a_cost_that_may_not_be_seen_makes_no_price() -> None:
    of = Priceable(2, 3, (), Decimal(1), None)

    assert price(rule(compute_price="formula", base="standard_price"), of=of) is None


def test_another_currency_is_converted_and_rounded() -> None:
    assert price(rule(compute_price="fixed", fixed_price=Decimal("9.99")), currency=EUR) == Decimal(
        "5.00"
    )


def test_a_currency_without_a_rate_has_no_price() -> None:
    lists = PriceLists({}, {LIST: USD}, RATES, NOW)

    assert lists.price(MUG, LIST, 99) is None
    assert lists.base(MUG, 99) is None
