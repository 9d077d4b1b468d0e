"""SKUs and item codes, each in the other's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.rules.mapping import Mappings, Target
from accord.rules.skus import item_of, skus_by_item, skus_of

MAPPED = Mappings(
    items={
        "TEE-OLD": Target(item="TEE"),
        "TEE-EU": Target(item="TEE"),
        "WRAP": Target(account="4300"),
        "MUG": Target(item="MUG-2"),
    }
)
STRICT = MAPPED.model_copy(update={"items_same_code": False})


@pytest.mark.parametrize(
    ("sku", "item"),
    [("TEE-OLD", "TEE"), ("TEE", "TEE"), ("MUG", "MUG-2"), ("WRAP", None), ("", None)],
)
def test_a_sku_is_the_item_that_is_named_or_its_own(sku: str, item: str | None) -> None:
    assert item_of(sku, MAPPED) == item


def test_a_sku_that_is_not_named_is_no_item_where_codes_differ() -> None:
    assert item_of("TEE", STRICT) is None


def test_an_item_is_sold_under_every_sku_that_names_it() -> None:
    assert skus_of("TEE", MAPPED) == ("TEE", "TEE-EU", "TEE-OLD")


def test_a_sku_that_means_another_item_is_not_this_ones() -> None:
    assert skus_of("MUG", MAPPED) == ()


def test_an_items_own_code_is_no_sku_where_codes_differ() -> None:
    assert skus_of("TEE", STRICT) == ("TEE-EU", "TEE-OLD")


def test_an_item_without_code_has_no_sku() -> None:
    assert skus_of("", MAPPED) == ()


BOOKS = Mappings(
    shipping={"flat_rate": Target(item="POST"), "*": Target(account="4200")},
    fees={"*": Target(item="FEE")},
    no_sku=Target(item="MISC"),
    rounding=Target(item="CENTS"),
    refund_amount=Target(item="BACK"),
    gift_cards=Target(item="CARD"),
)


@pytest.mark.parametrize("item", ["POST", "FEE", "MISC", "CENTS", "BACK", "CARD"])
def test_what_shipping_and_the_like_are_booked_as_is_no_product(item: str) -> None:
    assert skus_of(item, BOOKS) == ()


def test_what_is_named_among_the_items_is_sold_all_the_same() -> None:
    named = BOOKS.model_copy(update={"items": {"GIFT": Target(item="CARD")}})

    assert skus_of("CARD", named) == ("GIFT",)


def test_a_line_that_names_such_an_item_is_still_booked_as_it() -> None:
    assert item_of("POST", BOOKS) == "POST"


CODES = st.sampled_from(["A", "B", "C", "D"])
MAPPINGS = st.builds(
    Mappings,
    items=st.dictionaries(CODES, st.builds(Target, item=CODES)),
    items_same_code=st.booleans(),
    fees=st.dictionaries(CODES, st.builds(Target, item=CODES), max_size=2),
)


@given(MAPPINGS, st.sets(CODES))
def test_there_and_back_is_the_same_item(mappings: Mappings, items: set[str]) -> None:
    for item, skus in skus_by_item(items, mappings).items():
        assert {item_of(sku, mappings) for sku in skus} <= {item}


@given(MAPPINGS, CODES)
def test_back_and_there_finds_the_sku(mappings: Mappings, sku: str) -> None:
    item = item_of(sku, mappings)
    is_fee = sku not in mappings.items and any(fee.item == sku for fee in mappings.fees.values())

    assert item is None or (sku in skus_of(item, mappings)) is not is_fee
