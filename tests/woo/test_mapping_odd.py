"""Whatever a store's JSON holds, it is read, or refused with the field's name."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.errors import BadInputError
from accord.model.documents import SalesOrder
from accord.sync.fingerprint import content
from accord.woo.customers import customer_from_wire
from accord.woo.mapping import from_wire
from accord.woo.products import product_from_wire
from tests.conftest import capture, order_json

RICH = order_json("order_created_rich")
CUSTOMER = json.loads(capture("customer_created")["body"])
PRODUCT = json.loads(capture("product_created_simple")["body"])
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=12)  # halves of characters too
    | st.sampled_from(
        ["NaN", "1e999", "0001-01-01T00:00:00", "9999-12-31T23:59:59", "-0", "1E+50"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)


def mapped(document: dict[str, Any]) -> SalesOrder:
    return from_wire(document, store="uk", vat_keys=["_billing_vat_number"], po_keys=["po_number"])


def refusal(read: Callable[[], object]) -> str:
    """Why ``read`` refused, empty where it did not. Whatever else it raises comes through."""
    try:
        read()
    except BadInputError as error:
        return str(error)
    return ""


@given(fields=st.dictionaries(st.sampled_from(sorted(RICH)), ODD, min_size=1, max_size=4))
@settings(max_examples=150, derandomize=True, deadline=None)
def test_an_order_is_read_or_its_field_is_named(fields: dict[str, Any]) -> None:
    said = refusal(lambda: content(mapped({**RICH, **fields})))

    assert said == "" or said.startswith("order ")


@given(
    fields=st.dictionaries(
        st.sampled_from(sorted(RICH["line_items"][0])), ODD, min_size=1, max_size=3
    )
)
@settings(max_examples=100, derandomize=True, deadline=None)
def test_a_line_is_read_or_its_field_is_named(fields: dict[str, Any]) -> None:
    document = copy.deepcopy(RICH)
    document["line_items"][0].update(fields)
    said = refusal(lambda: content(mapped(document)))

    assert said == "" or "line_items.0" in said


@given(fields=st.dictionaries(st.sampled_from(sorted(CUSTOMER)), ODD, min_size=1, max_size=4))
@settings(max_examples=80, derandomize=True, deadline=None)
def test_a_customer_is_read_or_refused(fields: dict[str, Any]) -> None:
    said = refusal(lambda: customer_from_wire({**CUSTOMER, **fields}, store="uk", vat_keys=[]))

    assert said == "" or said.startswith("customer ")


@given(fields=st.dictionaries(st.sampled_from(sorted(PRODUCT)), ODD, min_size=1, max_size=4))
@settings(max_examples=80, derandomize=True, deadline=None)
def test_a_product_is_read_or_refused(fields: dict[str, Any]) -> None:
    said = refusal(lambda: product_from_wire({**PRODUCT, **fields}, store="uk"))

    assert said == "" or said.startswith("product ")


@pytest.mark.parametrize("code", [0xD83D, 0xDC00])
def test_half_a_character_in_a_name_keeps_no_order_back(code: int) -> None:
    half = chr(code)
    document = copy.deepcopy(RICH)
    document["billing"]["first_name"] = f"Gr{half}ace"
    document["line_items"][0]["name"] = f"{half}Widget"

    order = mapped(document)

    assert order.party.name.startswith("Gr\ufffdace")
    assert order.lines[0].description == "\ufffdWidget"
    assert content(order)
