"""Which order becomes which document, where, and that the rules say why."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.model.documents import SalesOrder
from accord.model.party import Address
from accord.rules.config import Store
from accord.rules.countries import CODES, EU
from accord.rules.routing import Routed, route
from tests.rules.made import line, order, party

SOLD = order(line(net="100.00"), buyer=party("DE", customer_id="7", vat_number="DE123"))


def rules(*routes: dict[str, Any], **statuses: str) -> Store:
    return Store.model_validate(
        {
            "key": "uk",
            "url": "https://store.example",
            "erp": "main",
            "secret": "store/uk",
            "orders": {
                "start_at": "2026-01-01T00:00:00Z",
                "statuses": statuses or {"processing": "sales_order"},
                "route": routes,
            },
            "mappings": {"classes": {"gifts": ["GIFT-*"], "mugs": ["MUG", "*-MUG-*"]}},
        }
    )


def routed(when: dict[str, Any], sold: SalesOrder = SOLD) -> Routed:
    return route(sold, rules({"name": "one", "when": when, "make": "quotation"}))


# --- what it becomes --------------------------------------------------------


def test_without_routes_the_status_decides() -> None:
    assert route(SOLD, rules()) == Routed("sales_order", "main")


def test_a_status_that_is_not_named_makes_nothing() -> None:
    assert route(SOLD, rules(completed="sales_order")).make is None


def test_a_route_that_fits_names_the_document_and_the_back_office() -> None:
    decided = route(SOLD, rules({"name": "b2b", "make": "both", "erp": "books"}))

    assert decided == Routed("both", "books", "b2b", ("b2b: fits",))


def test_a_route_without_a_document_leaves_what_the_status_says() -> None:
    assert route(SOLD, rules({"name": "b2b", "erp": "books"})).make == "sales_order"


@pytest.mark.parametrize("make", [None, "cancel"])
def test_a_route_never_makes_what_the_status_does_not(make: str | None) -> None:
    named = {"processing": make} if make else {"completed": "sales_order"}

    assert route(SOLD, rules({"name": "all", "make": "both"}, **named)).make == make


def test_a_route_names_the_back_office_of_a_status_that_makes_nothing_too() -> None:
    decided = route(SOLD, rules({"name": "all", "erp": "books"}, completed="sales_order"))

    assert decided.erp == "books"


def test_the_first_route_that_fits_decides() -> None:
    decided = route(
        SOLD,
        rules(
            {"name": "france", "when": {"country": ["FR"]}},
            {"name": "germany", "when": {"country": ["DE"]}, "make": "quotation"},
            {"name": "all", "make": "both"},
        ),
    )

    assert (decided.name, decided.make) == ("germany", "quotation")


def test_each_route_that_was_looked_at_says_why() -> None:
    decided = route(
        SOLD,
        rules(
            {"name": "france", "when": {"country": ["FR", "IT"]}},
            {"name": "germany", "when": {"country": ["DE"]}},
            {"name": "all"},
        ),
    )

    assert decided.why == ("france: the country is DE, not FR or IT", "germany: fits")


@given(fits=st.lists(st.booleans(), max_size=6))
def test_whatever_the_order_of_the_routes_the_first_that_fits_wins(fits: list[bool]) -> None:
    routes = [
        {"name": str(n), "when": {"country": ["DE" if fit else "FR"]}} for n, fit in enumerate(fits)
    ]

    assert route(SOLD, rules(*routes)).name == (str(fits.index(True)) if any(fits) else "")


# --- conditions -------------------------------------------------------------


@pytest.mark.parametrize(
    "when",
    [
        {},
        {"status": ["on-hold", "processing"]},
        {"payment_method": ["bacs"]},
        {"country": ["DE"]},
        {"country": ["CH", "EU"]},
        {"currency": ["EUR"]},
        {"item_class": ["gifts", "mugs"]},
        {"customer": ["7"]},
        {"customer": ["maria@SHOP.example"]},
        {"customer": ["@shop.example"]},
        {"vat_number": True},
        {"total_from": "100.00"},
        {"total_below": "100.01"},
        {"country": ["EU"], "vat_number": True, "total_from": "1"},
    ],
    ids=str,
)
def test_a_condition_holds(when: dict[str, Any]) -> None:
    assert routed(when).name == "one"


@pytest.mark.parametrize(
    ("when", "why"),
    [
        ({"status": ["on-hold"]}, "the status is processing, not on-hold"),
        ({"payment_method": ["cod", ""]}, 'the payment method is bacs, not cod or ""'),
        ({"country": ["GB"]}, "the country is DE, not GB"),
        ({"currency": ["GBP"]}, "the currency is EUR, not GBP"),
        ({"item_class": ["gifts"]}, "no line is of the class gifts"),
        ({"customer": ["8", "@example", "guest"]}, "the customer is not among those it names"),
        ({"vat_number": False}, "the buyer gave a VAT number"),
        ({"total_from": "100.01"}, "the total, 100.00 EUR, is below 100.01"),
        ({"total_below": "100.00"}, "the total, 100.00 EUR, is not below 100.00"),
    ],
    ids=str,
)
def test_a_condition_that_does_not_hold_is_said(when: dict[str, Any], why: str) -> None:
    assert routed(when).why == (f"one: {why}",)


def test_all_conditions_of_a_route_must_hold() -> None:
    assert routed({"country": ["DE"], "currency": ["GBP"]}).name == ""


def test_why_tells_nothing_of_who_bought() -> None:
    assert "maria" not in str(routed({"customer": ["someone@else.example"]}).why).lower()


def test_a_shopper_without_an_account_is_a_guest() -> None:
    assert routed({"customer": ["guest"]}, order(line())).name == "one"


def test_a_domain_is_a_whole_one() -> None:
    sold = order(line(), buyer=party(email="maria@myshop.example"))

    assert routed({"customer": ["@shop.example"]}, sold).name == ""


def test_where_nothing_is_shipped_the_billing_country_counts() -> None:
    sold = order(line(), buyer=party("", billing="DE"))

    assert routed({"country": ["DE"]}, sold).name == "one"


def test_where_goods_go_counts_before_who_pays() -> None:
    sold = order(line(), buyer=party("GB", billing="DE"))

    assert routed({"country": ["DE"]}, sold).name == ""


def test_an_order_that_names_no_country_fits_none() -> None:
    sold = order(line(), buyer=party("", billing=Address().country))

    assert routed({"country": ["EU"]}, sold).why == ("one: the country is not given, not EU",)


@pytest.mark.parametrize("country", ["GB", "CH", "NO", "XI", "EL"])
def test_no_member_state_is_no_part_of_the_union(country: str) -> None:
    assert routed({"country": ["EU"]}, order(line(), buyer=party(country))).name == ""


def test_the_union_has_27_members_among_all_countries() -> None:
    assert (len(EU), EU <= CODES) == (27, True)


@pytest.mark.parametrize(
    ("sku", "fits"),
    [("GIFT-10", True), ("GIFT-", True), ("gift-10", False), ("A-GIFT-10", False), ("GIFT", False)],
)
def test_a_class_is_told_by_its_skus(sku: str, fits: bool) -> None:
    assert (routed({"item_class": ["gifts"]}, order(line(code=sku))).name == "one") is fits


def test_signs_of_other_patterns_stand_for_themselves() -> None:
    store = rules({"name": "one", "when": {"item_class": ["odd"]}}).model_copy(
        update={"mappings": rules().mappings.model_copy(update={"classes": {"odd": ("A.[1]?",)}})}
    )

    assert [route(order(line(code=sku)), store).name for sku in ("A.[1]?", "AB1C")] == ["one", ""]


def test_only_goods_have_a_class() -> None:
    sold = order(line(kind="fee", code="GIFT-10"))

    assert routed({"item_class": ["gifts"]}, sold).name == ""
