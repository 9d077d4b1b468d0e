"""What Tryton's items are made of: kits, and bills of materials. Pure but for ``Recipes``.

Quantities are in pieces, of the unit that each item is sold in. A part that is always at hand
(Tryton's "consumable") limits nothing and is left out; a recipe with a part that has no code, or is
a phantom of itself, is left out as a whole: such an item is sold from stock alone.

Calls: 3. Source: trytond 8.2, modules product_kit and production; recordings of a running server.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from accord.erp.tryton.asking import STATE_FIELDS, Asking, is_active
from accord.erp.tryton.units import Unit, convert, decimal, of_unit, piece, unit
from accord.erp.tryton.wire import Values, related, truth
from accord.model.stock import Recipe

_UNITS: Final = of_unit("default_uom", "sale_uom")
_PART: Final = (
    "quantity",
    *of_unit("unit"),
    "product.code",
    "product.consumable",
    *(f"product.{name}" for name in _UNITS),
)
_COMPONENT: Final = (*_PART, "parent_product", "sequence")
_INPUT: Final = (*_PART, "phantom_bom")


class Recipes:
    """Every recipe of one company's items."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def recipes(self) -> list[Recipe]:
        """See ``ErpAdapter.recipes``. A kit that could also be built is a kit."""
        found: dict[str, Recipe] = {}
        if self._asking.has("product.product", "boms"):
            found |= {recipe.item: recipe for recipe in self._boms()}
        if self._asking.has("product.template", "components"):
            found |= {recipe.item: recipe for recipe in self._kits()}
        return list(found.values())

    def _kits(self) -> Iterable[Recipe]:
        fields = [
            *STATE_FIELDS,
            *_UNITS,
            *(f"components.{name}" for name in _COMPONENT),
            *(f"template.components.{name}" for name in _COMPONENT),
        ]
        domain = [["type", "=", "kit"], ["code", "!=", None]]
        for row in self._asking.rows("product.product", domain, fields):
            if is_active(row) and (recipe := kit(row)):
                yield recipe

    def _boms(self) -> Iterable[Recipe]:
        domain = [["boms", "!=", None], ["code", "!=", None]]
        fields = [*STATE_FIELDS, *_UNITS, "boms.bom"]
        products = self._asking.rows("product.product", domain, fields)
        if not products:
            return
        fields = [
            "active",
            "phantom_quantity",
            *of_unit("phantom_unit"),
            *(f"inputs.{name}" for name in _INPUT),
            *(f"outputs.{name}" for name in (*_PART, "product")),
        ]
        boms = {row["id"]: row for row in self._asking.rows("production.bom", [], fields)}
        for row in products:
            if is_active(row) and (recipe := bill(row, boms)):
                yield recipe


def kit(row: Values) -> Recipe | None:
    """A variant's own parts, else those that its template has for all. None if it has none.

    A part of a fixed number is taken to go into each kit: Tryton takes it once per order line.
    """
    shared = [
        each for each in related(row, "template")["components."] if not each["parent_product"]
    ]
    # Parts are of one kit as it is stocked; the recipe is of one as it is sold.
    times = convert(Decimal(1), piece(row), unit(row, "default_uom"))
    parts = [_part(each, times) for each in row["components."] or shared]
    return _recipe(row["code"], parts, Decimal(1), "kit")


def bill(row: Values, boms: Mapping[int, Values]) -> Recipe | None:
    """By the product's first bill of materials that is in use."""
    for each in row["boms."]:
        bom = boms.get(each["bom"])
        if bom is None or not truth(bom["active"]):
            continue
        outputs = (
            convert(decimal(line["quantity"]), unit(line, "unit"), piece(row))
            for line in bom["outputs."]
            if line["product"] == row["id"]
        )
        output = sum(outputs, Decimal(0))
        parts = _inputs(bom, Decimal(1), boms, frozenset())
        return _recipe(row["code"], parts, output, "bom")
    return None


def _inputs(
    bom: Values, times: Decimal, boms: Mapping[int, Values], met: frozenset[int]
) -> list[tuple[str, Decimal] | None]:
    """What goes in, with phantoms taken apart; None for what cannot be told."""
    if bom["id"] in met:
        return [None]
    parts: list[tuple[str, Decimal] | None] = []
    for line in bom["inputs."]:
        phantom = boms.get(line["phantom_bom"] or 0)
        if phantom is None:
            parts.append(_part(line, times))
            continue
        whole = decimal(phantom["phantom_quantity"])
        part_of: Unit | None = unit(phantom, "phantom_unit")
        needed = convert(decimal(line["quantity"]), unit(line, "unit"), part_of)
        if not whole:
            return [None]
        parts += _inputs(phantom, times * needed / whole, boms, met | {bom["id"]})
    return parts


def _part(line: Values, times: Decimal) -> tuple[str, Decimal] | None:
    """(code, pieces) of so many times the line; no pieces of what is always at hand."""
    product = related(line, "product")
    if not product.get("code"):
        return None
    if truth(product["consumable"]):
        return product["code"], Decimal(0)
    pieces = convert(decimal(line["quantity"]), unit(line, "unit"), piece(product))
    return product["code"], pieces * times


def _recipe(
    code: str, parts: Iterable[tuple[str, Decimal] | None], output: Decimal, kind: str
) -> Recipe | None:
    inputs: dict[str, Decimal] = {}
    for part in parts:
        if part is None:
            return None
        item, pieces = part
        if pieces > 0:
            inputs[item] = inputs.get(item, Decimal(0)) + pieces
    if not inputs or output <= 0:
        return None
    return Recipe(code, tuple(inputs.items()), output, "kit" if kind == "kit" else "bom")
