"""Odoo's products: listed, found, read and written.

Calls: ``item_ids`` and ``find_items`` 1, ``items`` 3 for any number (4 where they have options),
``create`` 3, ``update_item`` 8 at most.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from accord.erp.odoo.client import Client
from accord.erp.odoo.external import columns, external_id, row_of
from accord.erp.odoo.items import (
    ITEM_FIELDS,
    TEMPLATE_FIELDS,
    changed,
    item,
    item_record,
    item_values,
    template_of,
)
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.options import Options
from accord.erp.odoo.wire import Values, name_of, text
from accord.erp.unsent import nothing_made
from accord.errors import DuplicateError, RejectedError
from accord.model.documents import Record
from accord.model.item import Item, ItemDocument

MODEL: Final = "product.product"
TEMPLATE: Final = "product.template"
_ALSO_ARCHIVED: Final = ["active", "in", [True, False]]  # which Odoo hides unless it is named
_CODED: Final = ["default_code", "!=", False]


class Listing:
    """The items of one company."""

    def __init__(self, client: Client, master: MasterData, options: Options) -> None:
        self._client = client
        self._master = master
        self._options = options

    def item_ids(self, *, after: str, limit: int) -> list[str]:
        """See ``ErpAdapter.item_ids``."""
        behind = int(after) if after.isdigit() else 0
        domain = [_CODED, _ALSO_ARCHIVED, ["id", ">", behind]]
        rows = self._client.search_read(MODEL, domain, ["id"], limit=limit)
        return [str(row["id"]) for row in rows]

    def find_items(self, codes: Sequence[str]) -> dict[str, str]:
        """See ``ErpAdapter.find_items``. Of a code that archived ones share, the active one's."""
        if not codes:
            return {}
        domain = [["default_code", "in", list(codes)], _ALSO_ARCHIVED]
        rows = self._client.search_read(MODEL, domain, ["default_code", "active"])
        found: dict[str, str] = {}
        for code in codes:
            of_code = [row for row in rows if row["default_code"] == code]
            of_code = [row for row in of_code if row["active"]] or of_code
            if len(of_code) == 1:
                found[code] = str(of_code[0]["id"])
        return found

    def items(self, ids: Sequence[str]) -> list[Item]:
        """See ``ErpAdapter.items``."""
        return [made for made, _, _ in self._items(ids)]

    def _items(self, ids: Sequence[str]) -> list[tuple[Item, Values, Values]]:
        """Items, each with its product and its template."""
        rows = self.products(ids, (*ITEM_FIELDS, "list_price"))
        if not rows:
            return []
        templates = {
            row["id"]: row
            for row in self._client.read(
                TEMPLATE, sorted({template_of(row) for row in rows}), TEMPLATE_FIELDS
            )
        }
        taxes, options = self.taxes(rows), self._chosen(rows)
        return [
            (
                item(
                    row,
                    templates[template_of(row)],
                    taxes,
                    options,
                    lifecycles=self._options.lifecycle,
                    system=self._client.connection,
                ),
                row,
                templates[template_of(row)],
            )
            for row in rows
            if template_of(row) in templates
        ]

    def products(
        self, ids: Sequence[str], fields: Iterable[str], *, context: Values | None = None
    ) -> list[Values]:
        """Products with a code and whether they are goods, in the order of ``ids``."""
        wanted = [int(id_) for id_ in dict.fromkeys(ids) if id_.isdigit()]
        if not wanted:
            return []
        names = dict.fromkeys(("default_code", self.goods_field(), *fields))
        domain = [["id", "in", wanted], _CODED, _ALSO_ARCHIVED]
        rows = self._client.search_read(MODEL, domain, names, context=context)
        found = {row["id"]: row for row in rows}
        return [found[id_] for id_ in wanted if id_ in found]

    def goods_field(self) -> str:
        return self._master.of_release(MODEL, "is_storable", "detailed_type")

    def taxes(self, rows: Iterable[Values]) -> dict[int, str]:
        """Names of the company's sales taxes, as far as products bear them."""
        ids = sorted({id_ for row in rows for id_ in row["taxes_id"]})
        domain = [["id", "in", ids], ["company_id", "=", self._master.company().id]]
        found = self._client.search_read("account.tax", domain, ["name"])
        return {row["id"]: text(row["name"]) for row in found}

    def _chosen(self, rows: Iterable[Values]) -> dict[int, tuple[str, str]]:
        ids = {id_ for row in rows for id_ in row["product_template_attribute_value_ids"]}
        if not ids:
            return {}
        found = self._client.read(
            "product.template.attribute.value", sorted(ids), ["attribute_id", "name"]
        )
        return {row["id"]: (name_of(row["attribute_id"]), text(row["name"])) for row in found}

    def get(self, id_: str) -> Record | None:
        """The record of an item, or None."""
        rows = self.products([id_], ["write_date"])
        return item_record(rows[0], self._client.connection) if rows else None

    def find(self, key: str) -> tuple[Record, ...]:
        """Every item of that code."""
        domain = [["default_code", "=", key], _ALSO_ARCHIVED]
        rows = self._client.search_read(MODEL, domain, ["default_code", "write_date"])
        return tuple(item_record(row, self._client.connection) for row in rows)

    def create(self, document: ItemDocument) -> Record:
        """See ``ErpAdapter.create``. Codes are not unique in Odoo, so it is looked for first; two
        who do so at once meet in the external id."""
        with nothing_made():
            taxes = self._tax_ids(document)
            company = self._master.company().id
            has_flag = self._master.has(MODEL, "is_storable")
            if self.find(document.code):
                raise DuplicateError(
                    f"{self._client.connection} has an item {document.code} already"
                )
        values = item_values(document, taxes, has_flag=has_flag, new=True)
        names = columns(values, (), "")
        row = row_of(names, {"id": external_id(MODEL, company, document.code), **values}, {}, "")
        words = self._client.in_words
        id_ = self._client.load_once(MODEL, names, [row], context=words)
        record = self._client.read(MODEL, [id_], ["default_code", "write_date"])[0]
        if record["default_code"] != document.code:  # it was renumbered, and kept its external id
            holder = text(record["default_code"]) or "an item without a code"
            raise RejectedError(
                f"{self._client.connection}: the external id of {document.code} is held by "
                f"{holder} ({id_}), which was made for that code and renumbered since; give it "
                f"{document.code} back, or make {document.code} in Odoo by hand",
                reason="renumbered",
            )
        return item_record(record, self._client.connection)

    def update_item(self, id_: str, document: ItemDocument) -> Item:
        """See ``ErpAdapter.update_item``. Of a variant, what it shares with others is left."""
        taxes = self._tax_ids(document)
        found = self._items([id_])
        if not found:
            raise RejectedError(f"item {document.code} ({id_}) is no longer in Odoo")
        _, row, template = found[0]
        has_flag = self._master.has(MODEL, "is_storable")
        values = item_values(document, taxes, has_flag=has_flag, new=False)
        if differs := changed(document, values, row, template):
            if "taxes_id" in differs:
                differs["taxes_id"] = [[6, 0, differs["taxes_id"]]]
            self._client.write(MODEL, [row["id"]], differs, context=self._client.in_words)
        (now,) = self.items([id_])
        return now

    def _tax_ids(self, document: ItemDocument) -> list[int] | None:
        if document.taxes is None:
            return None
        known = self._master.known({"taxes": set(document.taxes)})
        return [known.taxes[code].id for code in document.taxes]
