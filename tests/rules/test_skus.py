"""SKUs and item codes, each in the other's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.rules.config import Mappings, Target
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


CODES = st.sampled_from(["A", "B", "C", "D"])
MAPPINGS = st.builds(
    Mappings,
    items=st.dictionaries(CODES, st.builds(Target, item=CODES)),
    items_same_code=st.booleans(),
)


@given(MAPPINGS, st.sets(CODES))
def test_there_and_back_is_the_same_item(mappings: Mappings, items: set[str]) -> None:
    for item, skus in skus_by_item(items, mappings).items():
        assert {item_of(sku, mappings) for sku in skus} <= {item}


@given(MAPPINGS, CODES)
def test_back_and_there_finds_the_sku(mappings: Mappings, sku: str) -> None:
    item = item_of(sku, mappings)

    assert item is None or sku in skus_of(item, mappings)
