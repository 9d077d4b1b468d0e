"""Products, price lists, kits and bills of materials, as a release has them.

Source: recordings of a running Odoo 17.0; Odoo source 16 to 19.
"""

from decimal import Decimal
from typing import Any

from accord.local.odoo import sales, stock
from accord.local.odoo.columns import (
    ACTIVE,
    FLAG,
    MOMENT,
    NUMBER,
    SHARED,
    TEXT,
    WHOLE,
    amount,
    many,
    one,
    price,
    several,
)
from accord.local.odoo.orm import Compute, Database, Field, Model, Row


def _of_template(name: str) -> Compute:
    def compute(database: Database, row: Row) -> Any:
        return database.row("product.template", row["product_tmpl_id"])[name]

    return compute


def _shared(field: Field, name: str) -> Field:
    return Field(field.type, field.of, compute=_of_template(name))


def _product_created(database: Database, row: Row, given: Row) -> None:
    """A product that is made by itself has a template of its own."""
    if row["product_tmpl_id"]:
        return
    fields = database.model("product.template").fields
    own = {name: value for name, value in given.items() if name in fields}
    database.context = {**database.context, "no_variant": True}
    row["product_tmpl_id"] = database.create("product.template", own)


def _template_created(database: Database, row: Row, given: Row) -> None:
    row["uom_id"] = row["uom_id"] or min(database.tables["uom.uom"])
    if not sales.is_19(database):  # where it may have none
        row["categ_id"] = row["categ_id"] or min(database.tables["product.category"])
    if "is_storable" in database.model("product.template").fields:
        row["type"] = row["type"] or "consu"
    else:
        row["detailed_type"] = row["detailed_type"] or "consu"
        row["type"] = row["detailed_type"]
    if not database.context.get("no_variant"):
        code = given.get("default_code", False)
        values = {"product_tmpl_id": row["id"], "default_code": code}
        database.create("product.product", values)


def _product_label(database: Database, row: Row) -> str:
    template = database.row("product.template", row["product_tmpl_id"])
    code = row["default_code"]
    return f"[{code}] {template['name']}" if code else str(template["name"])


def _template_code(database: Database, row: Row) -> Any:
    variants = database.value("product.template", row, "product_variant_ids")
    codes = [database.row("product.product", id_)["default_code"] for id_ in variants]
    return codes[0] if len(codes) == 1 else False


def _category_name(database: Database, row: Row) -> str:
    parent = row["parent_id"]
    above = (
        f"{_category_name(database, database.row('product.category', parent))} / " if parent else ""
    )
    return f"{above}{row['name']}"


def products(version: int) -> dict[str, Model]:
    shared = {
        "name": TEXT,
        "type": TEXT,
        "sale_ok": Field("boolean", default=True),
        "list_price": price(version, Decimal(1)),
        "description_sale": TEXT,
        "categ_id": one("product.category"),
        "uom_id": one("uom.uom"),
        "taxes_id": several("account.tax"),
    }
    kind = "is_storable" if version >= 18 else "detailed_type"
    shared[kind] = FLAG if version >= 18 else TEXT
    barcode = {"barcode": TEXT, "weight": NUMBER}
    variant: dict[str, Field] = {
        "default_code": TEXT,
        "active": ACTIVE,
        "product_tmpl_id": one("product.template"),
        "product_template_attribute_value_ids": several("product.template.attribute.value"),
        "standard_price": NUMBER,
        "lst_price": Field("float", compute=_of_template("list_price")),
        "weight_uom_name": Field(compute=lambda *_: "kg"),
        "qty_available": amount(stock.qty_available),
        "free_qty": amount(stock.free_qty),
        "virtual_available": amount(stock.virtual_available),
        "incoming_qty": amount(stock.incoming_qty),
        "outgoing_qty": amount(stock.outgoing_qty),
        **barcode,
        **{name: _shared(of, name) for name, of in shared.items()},
    }
    rule = {
        "pricelist_id": one("product.pricelist"),
        "applied_on": Field(default="3_global"),
        "product_tmpl_id": one("product.template"),
        "product_id": one("product.product"),
        "categ_id": one("product.category"),
        "compute_price": Field(default="fixed"),
        "base": Field(default="list_price"),
        "base_pricelist_id": one("product.pricelist"),
        "date_start": MOMENT,
        "date_end": MOMENT,
    }
    amounts = (
        *("min_quantity", "fixed_price", "percent_price", "price_discount", "price_surcharge"),
        *("price_round", "price_min_margin", "price_max_margin"),
    )
    return {
        "uom.uom": Model({"name": TEXT}),
        "product.category": Model(
            {"name": TEXT, "parent_id": one("product.category")}, label=_category_name
        ),
        "product.template": Model(
            {
                **shared,
                "default_code": Field(compute=_template_code),
                "active": ACTIVE,
                "product_variant_ids": many("product.product", "product_tmpl_id"),
                "attribute_line_ids": several("product.template.attribute.value"),
            },
            title="Product",
            created=_template_created,
        ),
        "product.product": Model(
            {**variant, "variant_bom_ids": many("mrp.bom", "product_id")},
            title="Product Variant",
            label=_product_label,
            created=_product_created,
            inherits=("product.template", "product_tmpl_id"),
        ),
        "product.template.attribute.value": Model(
            {"name": TEXT, "attribute_id": one("product.attribute")}
        ),
        "product.attribute": Model({"name": TEXT}),
        "product.pricelist": Model(
            {
                "name": TEXT,
                "active": ACTIVE,
                "currency_id": one("res.currency"),
                "company_id": SHARED,
            }
        ),
        "product.pricelist.item": Model({**rule, **dict.fromkeys(amounts, NUMBER)}),
        "mrp.bom": Model(
            {
                "type": Field(default="normal"),
                "active": ACTIVE,
                "sequence": WHOLE,
                "company_id": SHARED,
                "product_tmpl_id": one("product.template"),
                "product_id": one("product.product"),
                "product_qty": Field("float", default=Decimal(1)),
                "product_uom_id": one("uom.uom", 1),
                "bom_line_ids": many("mrp.bom.line", "bom_id"),
            },
            label=_bom_label,
        ),
        "mrp.bom.line": Model(
            {
                "bom_id": one("mrp.bom"),
                "sequence": WHOLE,
                "product_id": one("product.product"),
                "product_qty": Field("float", default=Decimal(1)),
                "product_uom_id": one("uom.uom", 1),
            },
            label=lambda database, row: _product_label(
                database, database.row("product.product", row["product_id"])
            ),
        ),
    }


def _bom_label(database: Database, row: Row) -> str:
    template = database.row("product.template", row["product_tmpl_id"])
    code = _template_code(database, template)
    return f"[{code}] {template['name']}" if code else str(template["name"])
