"""Tryton's products: listed, found, read and written.

Calls: ``item_ids`` and ``find_items`` 1, ``items`` 2 for any number (3 with archived ones among
them), ``create`` 1 once unit and category are known, ``update_item`` 5 at most.

Source: trytond 8.2, module product; recordings of a running server.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from accord.erp.tryton.asking import Asking, is_active
from accord.erp.tryton.items import (
    ATTRIBUTES,
    ITEM_FIELDS,
    MEASURE_FIELDS,
    category_paths,
    changed,
    item,
    item_record,
    new_template,
    weighed,
    weight_values,
)
from accord.erp.tryton.options import Options
from accord.erp.tryton.wire import Values, related
from accord.erp.unsent import nothing_made
from accord.errors import DuplicateError, RejectedError, UnsupportedError
from accord.model.documents import Record
from accord.model.item import Item, ItemDocument


class Listing:
    """The items of one company."""

    def __init__(self, asking: Asking, options: Options) -> None:
        self._asking = asking
        self._options = options
        self._units: dict[str, int] = {}

    def item_ids(self, *, after: str = "", limit: int = 100) -> list[str]:
        """See ``ErpAdapter.item_ids``."""
        behind = int(after) if after.isdigit() else 0
        domain = [["code", "!=", None], ["id", ">", behind]]
        ids: list[int] = self._asking.call(
            "model.product.product.search",
            domain,
            0,
            limit,
            [["id", "ASC"]],
            active_test=False,
        )
        return [str(id_) for id_ in ids]

    def find_items(self, codes: Sequence[str]) -> dict[str, str]:
        """See ``ErpAdapter.find_items``. Of a code that archived ones share, the active one's."""
        if not codes:
            return {}
        fields = ["code", "active", "template.active"]
        rows = self._asking.rows("product.product", [["code", "in", list(codes)]], fields)
        found: dict[str, str] = {}
        for code in codes:
            of_code = [row for row in rows if row["code"] == code]
            of_code = [row for row in of_code if is_active(row)] or of_code
            if len(of_code) == 1:
                found[code] = str(of_code[0]["id"])
        return found

    def items(self, ids: Sequence[str]) -> list[Item]:
        """See ``ErpAdapter.items``."""
        if not ids:
            return []
        rows = self._asking.products(ids, self._fields())
        of_tree = [["accounting", "=", False]]
        tree = self._asking.rows("product.category", of_tree, ["name", "parent"])
        categories = category_paths(tree)
        attributes = self._attributes() if any(row.get(ATTRIBUTES) for row in rows) else {}
        lifecycles = self._options.lifecycle
        return [
            item(row, self._asking.connection, categories, lifecycles, attributes) for row in rows
        ]

    def get(self, id_: str) -> Record | None:
        """The record of an item, or None."""
        if not id_.isdigit():
            return None
        rows = self._records([["id", "=", int(id_)]])
        return rows[0] if rows else None

    def find(self, key: str) -> tuple[Record, ...]:
        """Every item of that code."""
        return tuple(self._records([["code", "=", key]]))

    def create(self, document: ItemDocument) -> Record:
        """See ``ErpAdapter.create``. Tryton keeps the codes of active products apart."""
        with nothing_made():
            unit = self._unit(self._options.item_unit)
            category = self._category(document.taxes)
            values = new_template(document, unit, category)
            values |= self._weight(document)
        try:
            (template,) = self._asking.call("model.product.template.create", [values])
        except RejectedError as error:
            # Tryton's message is in some language; whether the code is taken is asked instead.
            if self.find(document.code):
                raise DuplicateError(str(error), body=error.body) from error
            raise
        (record,) = self._records([["template", "=", template]])
        return record

    def update_item(self, id_: str, document: ItemDocument) -> Item:
        """See ``ErpAdapter.update_item``. Of a variant, what it shares with others is left."""
        rows = self._asking.products([id_], self._fields())
        if not rows:
            raise RejectedError(f"item {document.code} ({id_}) is no longer in Tryton")
        (row,) = rows
        category = self._category(document.taxes) if document.taxes is not None else None
        of_product, of_template = changed(document, row, category)
        if len(related(row, "template")["products."]) == 1:
            of_template |= self._weight(document)
        for model, number, values in (
            ("product.template", related(row, "template")["id"], of_template),
            ("product.product", row["id"], of_product),
        ):
            if values:
                self._asking.call(f"model.{model}.write", [number], values)
        (now,) = self.items([id_])
        return now

    # --- what documents name ----------------------------------------------------

    def _weight(self, document: ItemDocument) -> Values:
        if document.weight is None:
            return {}
        if not self._asking.has("product.template", "weight"):
            raise UnsupportedError(
                f"{self._asking.connection} keeps no weights; activate module product_measurements"
            )
        symbol, quantity = weighed(document.weight)
        return weight_values(quantity, self._unit(symbol))

    def _unit(self, name: str) -> int:
        """A unit's id by its symbol or name. Raises: UnmappedError."""
        if name not in self._units:
            named = ["OR", ["symbol", "=", name], ["name", "=", name]]
            rows = self._asking.rows("product.uom", [named, ["active", "=", True]], ["name"])
            if len(rows) != 1:
                raise self._asking.unmapped(
                    [f"unit:{name}"], "name a unit of Tryton in options.item_unit"
                )
            self._units[name] = rows[0]["id"]
        return self._units[name]

    def _category(self, taxes: tuple[str, ...] | None) -> int | None:
        """The accounting category with just those sales taxes; the first made, if there are more.

        Without taxes, the one of ``options.item_category`` or none. Raises: UnmappedError.
        """
        name = self._options.item_category
        if taxes is None and not name:
            return None
        if taxes:
            self._asking.master.known({"taxes": set(taxes)})
        rows = self._asking.rows(
            "product.category",
            [["accounting", "=", True]],
            ["name", "customer_taxes_used.name"],
            order=[["id", "ASC"]],
        )
        fits = [row for row in rows if _fits(row, taxes, name)]
        # The named one is taken before others that would do as well.
        for row in sorted(fits, key=lambda row: row["name"] != name):
            return int(row["id"])
        causes = [f"tax:{tax}" for tax in taxes or ()] or [f"category:{name or 'without taxes'}"]
        raise self._asking.unmapped(
            causes, "make an accounting category in Tryton with just those sales taxes"
        )

    # --- asking ---------------------------------------------------------------

    def _fields(self) -> list[str]:
        fields = [*ITEM_FIELDS]
        if self._asking.has("product.template", "weight"):
            fields += MEASURE_FIELDS
        if self._asking.has("product.product", ATTRIBUTES):
            fields.append(ATTRIBUTES)
        return fields

    def _attributes(self) -> Mapping[str, Values]:
        """Definitions of attributes by name, with the labels of their choices."""
        rows = self._asking.rows("product.attribute", [], ["name", "string", "selection"])
        return {row["name"]: {**row, "choices": choices(row["selection"])} for row in rows}

    def _records(self, domain: list[Any]) -> list[Record]:
        rows = self._asking.rows("product.product", domain, ["code", "_timestamp"])
        return [item_record(row, self._asking.connection) for row in rows]


def choices(selection: str | None) -> Iterable[tuple[str, str]]:
    """``key:label`` on each line of an attribute's selection."""
    for line in (selection or "").splitlines():
        key, colon, label = line.partition(":")
        if colon:
            yield key.strip(), label.strip()


def _fits(row: Values, taxes: tuple[str, ...] | None, name: str | None) -> bool:
    if taxes is None:
        return bool(row["name"] == name)
    return sorted(tax["name"] for tax in row["customer_taxes_used."]) == sorted(taxes)
