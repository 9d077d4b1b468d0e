"""Products as items, without a server: what modules bring that the local Tryton lacks, and units."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.erp.tryton.items import category_paths, item, weighed
from accord.erp.tryton.listing import choices
from accord.erp.tryton.recipes import bill, kit
from accord.erp.tryton.units import Unit, convert
from accord.erp.tryton.wire import Values
from accord.model.stock import Recipe

PIECE = {"factor": 1.0, "rate": 1.0}
DOZEN = {"factor": 12.0, "rate": 0.083333333333}


def product(**fields: Any) -> Values:
    """A product as it is read."""
    return {
        "id": 6,
        "code": "TEE-S",
        "name": "Tee",
        "active": 1,
        "type": "goods",
        "salable": 1,
        "description": None,
        "identifiers.": [],
        "account_category.": None,
        "_timestamp": "1.0",
        "template.": {
            "id": 3,
            "code": "TEE",
            "name": "Tee",
            "active": 1,
            "web_shop_description": None,
            "categories": [],
            "products.": [{"id": 6, "code": "TEE-S"}],
            "_timestamp": "1.0",
        },
        **fields,
    }


def test_attributes_are_told_as_people_read_them() -> None:
    known = {
        "size": {"string": "Size", "choices": list(choices("s: Small\nm: Medium"))},
        "washable": {"string": "Washable", "choices": []},
    }
    row = product(attributes={"size": "s", "washable": True, "colour": "red", "none": None})

    found = item(row, "main", {}, {}, known)

    assert found.options == (("colour", "red"), ("Size", "Small"), ("Washable", "Yes"))
    assert found.fields == dict(found.options)


def test_a_server_without_measurements_tells_none() -> None:
    found = item(product(), "main", {}, {}, {})

    assert (found.weight, found.sizes, found.taxes) == (None, None, ())


def test_a_category_that_is_no_shops_is_left_out() -> None:
    row = product()
    row["template."]["categories"] = [1, 2]

    found = item(row, "main", {2: ("Home",)}, {}, {})

    assert found.categories == (("Home",),)


def test_a_path_begins_at_the_root() -> None:
    rows = [
        {"id": 1, "name": "Home", "parent": None},
        {"id": 2, "name": "Kitchen", "parent": 1},
    ]

    assert category_paths(rows) == {1: ("Home",), 2: ("Home", "Kitchen")}


@pytest.mark.parametrize("part", ["template", "identifier", "product"])
def test_what_was_written_shows_in_the_version(part: str) -> None:
    row = product(**{"identifiers.": [{"type": "ean", "code": "1", "_timestamp": "1.0"}]})
    before = item(row, "main", {}, {}, {}).version
    match part:
        case "template":
            row["template."]["_timestamp"] = "2.0"
        case "identifier":
            row["identifiers."][0]["_timestamp"] = "2.0"
        case _:
            row["_timestamp"] = "2.0"

    assert item(row, "main", {}, {}, {}).version != before


@given(st.decimals(0, 1000, places=3))
def test_a_weight_is_kept_to_the_gram(kilograms: Decimal) -> None:
    symbol, quantity = weighed(kilograms)

    assert quantity == round(quantity, 2)
    assert quantity * (1 if symbol == "kg" else Decimal("0.001")) == kilograms


# --- units -------------------------------------------------------------------------

units = st.sampled_from([(1.0, 1.0), (12.0, 0.083333333333), (0.001, 1000.0), (0.01, 100.0)])


def unit_of(pair: tuple[float, float]) -> Unit:
    return Unit(Decimal(str(pair[0])), Decimal(str(pair[1])))


@given(st.integers(0, 10_000).map(Decimal), units, units)
def test_there_and_back_is_the_same_quantity(
    quantity: Decimal, of: tuple[float, float], to: tuple[float, float]
) -> None:
    there = convert(quantity, unit_of(of), unit_of(to))
    back = convert(there, unit_of(to), unit_of(of))

    assert abs(back - quantity) < Decimal("0.0001")


def test_a_dozen_is_twelve_however_its_rate_was_rounded() -> None:
    dozen, piece = unit_of((12.0, 0.083333333333)), unit_of((1.0, 1.0))

    assert convert(Decimal(1), dozen, piece) == 12
    assert convert(Decimal(36), piece, dozen) == 3


# --- recipes -----------------------------------------------------------------------


def part(code: str, quantity: float, **fields: Any) -> Values:
    """A line of a recipe."""
    goods = {"id": 1, "code": code, "consumable": 0, "default_uom.": PIECE, "sale_uom.": PIECE}
    return {
        "quantity": quantity,
        "unit.": PIECE,
        "product.": goods,
        "parent_product": None,
        "phantom_bom": None,
        **fields,
    }


def made(*parts: Values, **fields: Any) -> Values:
    """A kit of the template's ``parts``."""
    row = product(**{"default_uom.": PIECE, "sale_uom.": PIECE, "components.": [], **fields})
    row["template."]["components."] = list(parts)
    return row


def bom(id_: int, *inputs: Values, **fields: Any) -> Values:
    return {
        "id": id_,
        "active": 1,
        "phantom_quantity": None,
        "phantom_unit.": None,
        "inputs.": list(inputs),
        "outputs.": [{"product": 6, "quantity": 1.0, "unit.": PIECE}],
        **fields,
    }


def test_of_a_kit_that_is_sold_by_the_dozen_twelve_are_put_together() -> None:
    found = kit(made(part("CUP", 2.0), **{"sale_uom.": DOZEN}))

    assert found == Recipe("TEE-S", (("CUP", Decimal(24)),), Decimal(1), "kit")


def test_a_kit_of_nothing_is_no_recipe() -> None:
    assert kit(made()) is None


def test_parts_of_another_variant_are_not_this_ones() -> None:
    found = kit(made(part("CUP", 2.0), part("LID", 1.0, parent_product=9)))

    assert found == Recipe("TEE-S", (("CUP", Decimal("2.0")),), Decimal(1), "kit")


def test_a_phantom_of_itself_is_no_recipe() -> None:
    itself = part("", 1.0, **{"product.": None, "phantom_bom": 1})
    loop = bom(1, itself, phantom_quantity=1.0, **{"phantom_unit.": PIECE})

    assert bill(product(**{"boms.": [{"bom": 1}], "default_uom.": PIECE}), {1: loop}) is None


def test_a_bill_that_makes_something_else_is_no_recipe() -> None:
    other = [{"product": 9, "quantity": 1.0, "unit.": PIECE}]
    row = product(**{"boms.": [{"bom": 1}], "default_uom.": PIECE})

    assert bill(row, {1: bom(1, part("CUP", 1.0), **{"outputs.": other})}) is None


def test_a_batch_makes_several() -> None:
    four = [{"product": 6, "quantity": 4.0, "unit.": PIECE}]
    row = product(**{"boms.": [{"bom": 1}], "default_uom.": PIECE})

    found = bill(row, {1: bom(1, part("CUP", 8.0), **{"outputs.": four})})

    assert found == Recipe("TEE-S", (("CUP", Decimal(8)),), Decimal(4))
