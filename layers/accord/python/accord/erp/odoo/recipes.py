"""What Odoo's items are made of: kits and bills of materials of the app for manufacturing.

Quantities are in pieces. A recipe with a part that has no code is left out as a whole: such an item
is sold from stock alone; so is one in another unit than the item's own, which would be miscounted.

Calls: 3, and 1 to learn whether the app is there.

Source: Odoo source 16 to 19, mrp; recordings of a running 17.0.
"""

from collections.abc import Sequence
from typing import Any, Final

from accord.erp.odoo.client import Client
from accord.erp.odoo.listing import MODEL
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.watching import Source
from accord.erp.odoo.wire import Values, decimal, id_of, text
from accord.model.stock import Recipe

_BOM: Final = "mrp.bom"
_LINE: Final = "mrp.bom.line"
_KINDS: Final = ["phantom", "normal"]


class Recipes:
    """Every recipe of one company's items."""

    def __init__(self, client: Client, master: MasterData) -> None:
        self._client = client
        self._master = master

    def recipes(self) -> list[Recipe]:
        """See ``ErpAdapter.recipes``. Without the app there are none."""
        if not self._has_app():
            return []
        boms = self._boms()
        if not boms:
            return []
        of_them = [["bom_id", "in", [row["id"] for row in boms]]]
        fields = ("bom_id", "product_id", "product_qty", "product_uom_id")
        lines: dict[int | None, list[Values]] = {}
        for row in self._client.search_read(_LINE, of_them, fields, order="sequence,id"):
            lines.setdefault(id_of(row["bom_id"]), []).append(row)
        products = self._products(boms, lines)
        of_template: dict[int | None, list[Values]] = {}
        for row in products.values():
            of_template.setdefault(id_of(row["product_tmpl_id"]), []).append(row)
        found: dict[str, Recipe] = {}
        for bom in boms:  # each item's own comes before its template's, then the first
            one = products.get(id_of(bom["product_id"]) or 0)
            template = id_of(bom["product_tmpl_id"])
            for product in [one] if one else of_template.get(template, []):
                recipe = _recipe(bom, product, lines.get(bom["id"], ()), products)
                if recipe is not None and product["active"]:
                    found.setdefault(recipe.item, recipe)
        return list(found.values())

    def _boms(self) -> list[Values]:
        domain: list[Any] = [
            ["type", "in", _KINDS],
            ["company_id", "in", [False, self._master.company().id]],
        ]
        fields = ("type", "product_tmpl_id", "product_id", "product_qty", "product_uom_id")
        rows = self._client.search_read(_BOM, domain, fields, order="sequence,id")
        return sorted(rows, key=lambda row: not row["product_id"])

    def _products(
        self, boms: Sequence[Values], lines: dict[int | None, list[Values]]
    ) -> dict[int, Values]:
        """Products that a recipe speaks of, those of its template too."""
        parts = {id_of(row["product_id"]) for each in lines.values() for row in each}
        templates = sorted({id_ for row in boms if (id_ := id_of(row["product_tmpl_id"]))})
        domain = [
            ["active", "in", [True, False]],
            "|",
            ["id", "in", sorted(filter(None, parts))],
            ["product_tmpl_id", "in", templates],
        ]
        fields = ("active", "default_code", "product_tmpl_id", "uom_id")
        return {row["id"]: row for row in self._client.search_read(MODEL, domain, fields)}

    def sources(self) -> list[Source]:
        """Where changes of recipes show."""
        if not self._has_app():
            return []
        return [
            Source(_BOM, [["active", "in", [True, False]]], group="bom"),
            Source(
                _LINE,
                fields=("bom_id",),
                owners=lambda row: tuple(filter(None, [id_of(row["bom_id"])])),
                group="bom",
            ),
        ]

    def _has_app(self) -> bool:
        """Known by the field that it adds to products. A model is not tried, as one that cannot be
        reached now does not lack; which models there are only administrators may read."""
        return self._master.has_by_now(MODEL, "variant_bom_ids")


def _recipe(
    bom: Values, product: Values, lines: Sequence[Values], products: dict[int, Values]
) -> Recipe | None:
    """None where a part has no code, or a quantity is in another unit than the item's."""
    inputs: dict[str, Any] = {}
    for line in lines:
        part = products.get(id_of(line["product_id"]) or 0)
        if part is None or not part["default_code"] or _other_unit(line, part):
            return None
        code = text(part["default_code"])
        inputs[code] = inputs.get(code, 0) + decimal(line["product_qty"])
    if not product["default_code"] or not inputs or _other_unit(bom, product):
        return None
    return Recipe(
        item=text(product["default_code"]),
        inputs=tuple(inputs.items()),
        output=decimal(bom["product_qty"]),
        kind="kit" if bom["type"] == "phantom" else "bom",
    )


def _other_unit(row: Values, product: Values) -> bool:
    return bool(id_of(row["product_uom_id"]) != id_of(product["uom_id"]))
