"""A product of the store as a canonical one, and what is written as an entry of a batch."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.errors import BadInputError
from accord.model.change import Ref
from accord.model.item import Product
from accord.woo.products import entry_to_wire, product_from_wire, sku_groups
from tests.conftest import order_json as body_of

ANSWERS = Path(__file__).parent / "answers"


def answer(name: str) -> Any:
    """The body of a recorded answer."""
    return json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))["body"]


def product(document: dict[str, Any], **changes: Any) -> Product:
    return product_from_wire({**document, **changes}, store="uk")


def simple(**changes: Any) -> Product:
    """The recorded simple product, changed."""
    return product(answer("product_simple"), **changes)


def test_a_simple_product_is_read_whole() -> None:
    assert simple() == Product(
        ref=Ref("uk", "product", "10"),
        sku="WID-BLUE",
        name="Blue Widget",
        type="simple",
        status="publish",
        modified_at=dt.datetime(2026, 11, 22, 15, 12, 25, tzinfo=dt.UTC),
        manages_stock=True,
        stock=Decimal(90),
        regular_price="21.00",
        weight="0.5",
        gtin="4006381333931",
        fields=(("erp_item_no", "I-1001b"), ("zz", "1795360264.6276474")),
    )


def test_a_variation_names_its_parent_and_its_options() -> None:
    found = product(answer("variation_single"))

    assert (found.ref.id, found.parent, found.type) == ("18", "17", "variation")
    assert found.options == (("Size", "S"), ("Colour", "Red"))
    assert (found.manages_stock, found.stock) == (True, Decimal(87))


def test_a_delivered_variation_is_the_same_as_one_that_was_read() -> None:
    delivered = product(body_of("product_updated_variation_stock"))
    read = product(answer("variation_single"))

    for name in ("ref", "sku", "type", "parent", "options", "backorders", "manages_stock"):
        assert getattr(delivered, name) == getattr(read, name)


def test_an_old_store_s_variation_does_not_say_what_it_is() -> None:
    document = answer("variation_single")
    for name in ("type", "parent_id", "name"):
        del document[name]

    found = product_from_wire(document, store="uk", parent="17")

    assert (found.type, found.parent, found.name) == ("variation", "17", "")


def test_a_variation_of_a_subscription_is_a_variation_too() -> None:
    found = product(answer("variation_single"), type="subscription_variation")

    assert found.parent == "17"
    assert found.options


def test_a_part_of_a_group_is_no_variation() -> None:
    assert simple(parent_id=4).parent == ""


def test_a_variable_product_has_choices_and_so_no_options_of_its_own() -> None:
    found = product(answer("product_variable"))

    assert (found.type, found.sku, found.options, found.parent) == ("variable", "TEE", (), "")
    assert (found.manages_stock, found.stock) == (False, None)


def test_stock_that_the_parent_counts_is_told_apart() -> None:
    found = product(answer("variation_parent_managed")[0])

    assert (found.manages_stock, found.by_parent, found.stock) == (False, True, Decimal(50))


def test_stock_below_zero_is_read() -> None:
    assert product(body_of("product_updated_negative_stock")).stock == Decimal(-3)


def test_stock_that_is_not_counted_is_none() -> None:
    assert simple(manage_stock=False, stock_quantity=7).stock is None


def test_a_part_of_a_piece_is_exact() -> None:
    assert simple(stock_quantity=1.1).stock == Decimal("1.1")


@pytest.mark.parametrize(
    "changes",
    [
        {"stock_quantity": "lots"},
        {"stock_quantity": "NaN"},
        {"stock_quantity": ""},
        {"date_modified_gmt": "0000-00-00T00:00:00"},
        {"date_modified_gmt": None},
        {"parent_id": None},
        {"parent_id": ""},
        {"attributes": None},
        {"attributes": {"1": {"name": "Size", "options": ["S"]}}},
        {"attributes": ["Size"]},
        {"meta_data": {"0": {"key": "a", "value": "b"}}},
        {"meta_data": None},
        {"virtual": "yes"},
        {"sku": None},
        {"regular_price": 21},
        {"weight": False},
    ],
    ids=str,
)
def test_what_a_plugin_garbled_does_not_hide_the_product(changes: dict[str, Any]) -> None:
    assert simple(**changes).ref.id == "10"


def test_a_product_without_id_is_refused_by_name() -> None:
    with pytest.raises(BadInputError, match=r"product \? of uk: id"):
        product({})


def test_a_list_with_a_gap_is_a_list() -> None:
    found = simple(meta_data={"3": {"key": "a", "value": "b"}})

    assert found.fields == (("a", "b"),)


def test_custom_fields_that_are_not_plain_are_left_out() -> None:
    meta = [
        {"key": "list", "value": ["a"]},
        {"key": "map", "value": {"a": 1}},
        {"key": "none", "value": None},
        {"key": "true", "value": True},
        {"key": "number", "value": 5},
        {"key": "_text", "value": "x"},
    ]

    assert simple(meta_data=meta).fields == (("number", "5"), ("_text", "x"))


def test_a_name_has_no_entities() -> None:
    assert simple(name="Nuts &amp; Bolts &#8211; 5 < 6").name == "Nuts & Bolts – 5 < 6"


@pytest.mark.parametrize(
    "stored",
    [
        "Nuts &amp; bolts.\nOf <b>steel</b>.",  # as a batch answers it
        "<p>Nuts &amp; bolts.<br />\nOf <b>steel</b>.</p>\n",  # as a GET does
        "<div>Nuts & bolts.</div>\n\n<ul><li>Of steel.</li></ul>",
    ],
)
def test_a_description_is_the_same_text_however_it_was_marked_up(stored: str) -> None:
    assert simple(description=stored).description == "Nuts & bolts.\nOf steel."


def test_every_recorded_product_is_read(shared: Path) -> None:
    delivered = sorted((shared / "woo/captures").glob("product_*.json"))
    documents = [json.loads(json.loads(path.read_text())["body"]) for path in delivered]
    for pattern in ("product*.json", "variation*.json"):
        for path in sorted((shared / "woo/rest").glob(pattern)):
            body = json.loads(path.read_text())["body"]
            documents += body if isinstance(body, list) else [body]

    read = [product(each) for each in documents if "type" in each]

    assert len(read) > 25
    assert all(it.sku and it.modified_at and it.status for it in read)
    assert all(bool(it.parent) == (it.type == "variation") for it in read)


# --- what is written --------------------------------------------------------------------


def test_amounts_are_written_as_text_and_pieces_as_a_number() -> None:
    entry = {
        "id": "10",
        "regular_price": Decimal("12.50"),
        "sale_price": "",
        "manage_stock": True,
        "stock_quantity": Decimal(3),
        "dimensions": {"length": Decimal("1E+1")},
        "meta_data": [{"key": "trade_price", "value": Decimal("9.9")}, {"key": "x", "value": None}],
    }

    assert entry_to_wire(entry) == {
        "id": 10,
        "regular_price": "12.50",
        "sale_price": "",
        "manage_stock": True,
        "stock_quantity": 3,
        "dimensions": {"length": "10"},
        "meta_data": [{"key": "trade_price", "value": "9.9"}, {"key": "x", "value": None}],
    }


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "10", "regular_price": 9.99},
        {"id": "10", "dimensions": {"length": 1.5}},
        {"id": "10", "stock_quantity": Decimal("1.5")},
        {"id": "10", "stock_quantity": Decimal("NaN")},
        {"id": ""},
        {"id": None},
        {"id": "10/variations"},
    ],
    ids=str,
)
def test_what_the_store_would_keep_otherwise_is_not_written(entry: dict[str, Any]) -> None:
    with pytest.raises(BadInputError):
        entry_to_wire(entry)


# --- asking by SKU ------------------------------------------------------------------------


@given(st.lists(st.text(max_size=40), max_size=300))
def test_every_sku_is_asked_for_once(skus: list[str]) -> None:
    asked = [sku for group in sku_groups(skus) for sku in group]

    assert sorted(asked) == sorted({sku for sku in skus if sku.strip()})


@given(st.lists(st.text(min_size=1, max_size=200), max_size=150))
def test_no_question_is_too_long_for_an_address(skus: list[str]) -> None:
    for group in sku_groups(skus):
        assert len(group) <= 100
        assert len(quote(",".join(group), safe="")) <= 6000


def test_a_sku_with_a_comma_is_asked_for_alone() -> None:
    assert [list(group) for group in sku_groups(["A", "B,C", "D"])] == [["B,C"], ["A", "D"]]
