"""Which models and fields a release has. Names that changed between 16 and 19 are as there.

Source: recordings of a running Odoo 17.0; Odoo source 16 to 19.
"""

from accord.local.odoo import accounts, sales
from accord.local.odoo.columns import (
    ACTIVE,
    COMPANY,
    DAY,
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
    quantity,
    several,
)
from accord.local.odoo.orm import Database, Field, Model, Row
from accord.local.odoo.schema_products import products


def models(version: int) -> dict[str, Model]:
    """The models of that major release."""
    found = {
        **_places(),
        **_users(version),
        **_partners(),
        **products(version),
        **_stock(version),
        **_sales(version),
        **_accounting(version),
    }
    for model in found.values():
        dates = {"create_date": MOMENT, "write_date": MOMENT}
        model.fields = {**dates, **model.fields}
    return found


def _places() -> dict[str, Model]:
    return {
        "res.country": Model({"name": TEXT, "code": TEXT}),
        "res.country.state": Model({"name": TEXT, "code": TEXT, "country_id": one("res.country")}),
        "res.currency": Model({"name": TEXT, "rounding": NUMBER, "rate": NUMBER, "active": ACTIVE}),
        "decimal.precision": Model({"name": TEXT, "digits": WHOLE}),
        "ir.model": Model({"model": TEXT}, title="Models"),
        "ir.config_parameter": Model({"key": TEXT}, title="System Parameter"),
        "ir.attachment": Model(
            {
                "name": TEXT,
                "res_model": TEXT,
                "res_id": WHOLE,
                "res_field": TEXT,
                "mimetype": TEXT,
                "datas": TEXT,
            }
        ),
        "ir.model.data": Model(
            {
                "module": TEXT,
                "name": TEXT,
                "model": TEXT,
                "res_id": WHOLE,
                "noupdate": FLAG,
            },
            title="Model Data",
        ),
    }


def _users(version: int) -> dict[str, Model]:
    def email(database: Database, row: Row) -> str | bool:
        return f"{row['login']}@shop.example" if database.user_has_email else False

    ends = {"expiration_date": MOMENT} if version >= 18 else {}
    return {
        "res.users": Model({"login": TEXT, "email": Field(compute=email)}),
        "res.users.apikeys": Model(
            {"name": TEXT, "scope": TEXT, "user_id": one("res.users"), **ends}
        ),
    }


def _partner_written(database: Database, row: Row, _: Row) -> None:
    """A parent rewrites its children, and a contact is where its company is."""
    place = ("street", "street2", "city", "zip", "state_id", "country_id")
    for child in database.tables["res.partner"].values():
        if child["parent_id"] == row["id"]:
            child["write_date"] = database.now
            if child["type"] == "contact":
                child.update({name: row[name] for name in place})


def _partner_created(database: Database, row: Row, _: Row) -> None:
    row["type"] = row["type"] or "contact"
    if row["parent_id"]:
        _partner_written(database, database.row("res.partner", row["parent_id"]), row)


def _partners() -> dict[str, Model]:
    texts = ("name", "ref", "email", "phone", "vat", "street", "street2", "city", "zip", "type")
    return {
        "res.partner": Model(
            {
                **dict.fromkeys(texts, TEXT),
                "comment": TEXT,
                "is_company": FLAG,
                "active": ACTIVE,
                "customer_rank": WHOLE,
                "parent_id": one("res.partner"),
                "child_ids": many("res.partner", "parent_id"),
                "sale_order_ids": many("sale.order", "partner_id"),
                "state_id": one("res.country.state"),
                "country_id": one("res.country"),
                "company_id": SHARED,
                "property_payment_term_id": one("account.payment.term"),
                "property_product_pricelist": one("product.pricelist"),
            },
            title="Contact",
            created=_partner_created,
            written=_partner_written,
        ),
    }


# --- stock ------------------------------------------------------------------------------


def _location_label(_: Database, row: Row) -> str:
    return str(row["complete_name"])


def _stock(version: int) -> dict[str, Model]:
    move = {
        **({"name": TEXT} if version < 19 else {}),
        "picking_id": one("stock.picking"),
        "product_id": one("product.product"),
        "product_uom_qty": NUMBER,
        "reserved": NUMBER,
        "picked": FLAG,
        "state": Field(default="draft"),
        "sale_line_id": one("sale.order.line"),
        "bom_line_id": one("mrp.bom.line"),
        "warehouse_id": one("stock.warehouse"),
        "company_id": COMPANY,
        "quantity" if version >= 17 else "quantity_done": NUMBER,
    }
    return {
        "stock.warehouse": Model(
            {
                "name": TEXT,
                "code": TEXT,
                "company_id": COMPANY,
                "lot_stock_id": one("stock.location"),
            }
        ),
        "stock.location": Model({"complete_name": TEXT, "usage": TEXT}, label=_location_label),
        "stock.quant": Model(
            {
                "product_id": one("product.product"),
                "location_id": one("stock.location"),
                "warehouse_id": one("stock.warehouse"),
                "company_id": COMPANY,
                "quantity": NUMBER,
                "reserved_quantity": NUMBER,
            }
        ),
        "stock.move": Model(move),
        "stock.picking": Model(
            {
                **dict.fromkeys(("name", "origin", "picking_type_code", "scheduled_date"), TEXT),
                "state": Field(default="draft"),
                "sale_id": one("sale.order"),
                "company_id": COMPANY,
                "warehouse_id": one("stock.warehouse"),
                "carrier_id": one("delivery.carrier"),
                "carrier_tracking_ref": TEXT,
                "carrier_tracking_url": TEXT,
                "date_done": MOMENT,
                "backorder_id": one("stock.picking"),
                "move_ids": many("stock.move", "picking_id"),
            },
            order="id desc",
        ),
        "stock.return.picking": Model({"picking_id": one("stock.picking")}),
        "delivery.carrier": Model({"name": TEXT}),
    }


# --- sales ------------------------------------------------------------------------------


def _sales(version: int) -> dict[str, Model]:
    order = {
        **dict.fromkeys(("name", "client_order_ref", "origin", "note", "effective_date"), TEXT),
        "state": TEXT,
        "partner_id": one("res.partner", required=True),
        "partner_invoice_id": one("res.partner"),
        "partner_shipping_id": one("res.partner"),
        "company_id": COMPANY,
        "warehouse_id": one("stock.warehouse"),
        "pricelist_id": one("product.pricelist"),
        "currency_id": one("res.currency"),
        "payment_term_id": one("account.payment.term"),
        "carrier_id": one("delivery.carrier"),
        "date_order": MOMENT,
        "order_line": many("sale.order.line", "order_id"),
        "amount_untaxed": amount(sales.untaxed),
        "amount_tax": amount(sales.tax),
        "amount_total": amount(sales.total),
        "invoice_ids": Field("many2many", "account.move", compute=sales.invoice_ids),
        "picking_ids": Field("many2many", "stock.picking", compute=sales.picking_ids),
        "invoice_status": Field(compute=sales.invoice_status),
        "delivery_status": Field(compute=sales.delivery_status),
    }
    if version >= 17:
        order["locked"] = FLAG
    line = {
        "order_id": one("sale.order"),
        "display_type": TEXT,
        "name": TEXT,
        "product_id": one("product.product"),
        "product_uom_qty": quantity(version),
        "price_unit": price(version),
        "discount": NUMBER,
        "tax_ids" if version >= 19 else "tax_id": several("account.tax"),
        "product_uom_id" if version >= 19 else "product_uom": one("uom.uom"),
        "price_subtotal": amount(
            lambda database, row: sales.rounding(
                database, database.row("sale.order", row["order_id"])
            )(row["price_unit"] * row["product_uom_qty"])
        ),
    }
    return {
        "sale.order": Model(
            order,
            title="Sales Order",
            created=sales.order_created,
            given=sales.order_given,
            deleted=sales.order_deleted,
            order="date_order desc, id desc",
        ),
        "sale.order.line": Model(
            line,
            title="Sales Order Line",
            label=lambda database, row: (
                f"{database.row('sale.order', row['order_id'])['name']} - {row['name']}"
            ),
            created=sales.line_created,
        ),
        "sale.advance.payment.inv": Model(
            {"advance_payment_method": TEXT, "sale_order_ids": several("sale.order")}
        ),
    }


# --- accounting -------------------------------------------------------------------------


def _accounting(version: int) -> dict[str, Model]:
    locks = {"fiscalyear_lock_date": DAY, "tax_lock_date": DAY}
    if version >= 18:
        locks |= {"sale_lock_date": DAY, "hard_lock_date": DAY}
    else:
        locks["period_lock_date"] = DAY
    return {
        "res.company": Model(
            {
                "name": TEXT,
                "currency_id": one("res.currency"),
                "tax_calculation_rounding_method": Field(default="round_per_line"),
                "lock_confirmed": FLAG,
                **locks,
            }
        ),
        "account.tax": Model(
            {
                "name": TEXT,
                "amount": NUMBER,
                "amount_type": Field(default="percent"),
                "type_tax_use": Field(default="sale"),
                "price_include": FLAG,
                "include_base_amount": FLAG,
                "is_base_affected": Field("boolean", default=True),
                "sequence": WHOLE,
                "active": ACTIVE,
                "children_tax_ids": several("account.tax"),
                "company_id": COMPANY,
            }
        ),
        "account.account": Model({"name": TEXT, "code": TEXT, "account_type": TEXT}),
        "account.journal": Model({"name": TEXT, "code": TEXT, "type": TEXT, "company_id": COMPANY}),
        "account.payment.term": Model({"name": TEXT}),
        **_moves(version),
        "account.payment": Model(_payment(version), created=accounts.payment_created),
        "account.payment.register": Model(
            {
                "journal_id": one("account.journal"),
                "communication": TEXT,
                "amount": NUMBER,
                "payment_date": DAY,
                "move_ids": several("account.move"),
            },
            created=accounts.wizard_created,
        ),
        "account.move.reversal": Model(
            {
                "reason": TEXT,
                "journal_id": one("account.journal", required=True),
                "date": DAY,
                "move_ids": several("account.move"),
            },
            created=accounts.wizard_created,
        ),
    }


def _payment(version: int) -> dict[str, Field]:
    return {
        "name": TEXT,
        "state": TEXT,
        "payment_type": Field(default="inbound"),
        "partner_type": Field(default="customer"),
        "partner_id": one("res.partner"),
        "amount": NUMBER,
        "currency_id": one("res.currency"),
        "company_id": COMPANY,
        "date": DAY,
        "journal_id": one("account.journal"),
        "payment_reference": TEXT,
        "memo" if version >= 18 else "ref": TEXT,
    }


def _move_label(_: Database, row: Row) -> str:
    return f"{row['name']} ({row['ref']})" if row["ref"] else str(row["name"])


def _moves(version: int) -> dict[str, Model]:
    report = {"invoice_pdf_report_file": TEXT} if version >= 17 else {}
    texts = ("name", "ref", "state", "move_type", "invoice_origin", "payment_reference")
    return {
        "account.move": Model(
            {
                **dict.fromkeys((*texts, "narration"), TEXT),
                **report,
                "partner_id": one("res.partner"),
                "company_id": COMPANY,
                "currency_id": one("res.currency"),
                "journal_id": one("account.journal"),
                "invoice_date": DAY,
                "reversed_entry_id": one("account.move"),
                "invoice_line_ids": many("account.move.line", "move_id"),
                "amount_untaxed": amount(accounts.untaxed),
                "amount_tax": amount(accounts.tax),
                "amount_total": amount(accounts.total),
                "amount_residual": amount(accounts.residual),
                "payment_state": Field(compute=accounts.payment_state),
            },
            title="Journal Entry",
            label=_move_label,
            created=accounts.move_created,
            deleted=accounts.move_deleted,
        ),
        "account.move.line": Model(
            {
                "move_id": one("account.move"),
                "display_type": Field(default="product"),
                "name": TEXT,
                "product_id": one("product.product"),
                "quantity": quantity(version),
                "price_unit": price(version),
                "discount": NUMBER,
                "tax_ids": several("account.tax"),
                "sale_line_ids": several("sale.order.line"),
                "account_id": one("account.account"),
                "company_id": COMPANY,
                "currency_id": one("res.currency"),
                "amount_residual": NUMBER,
                "amount_residual_currency": NUMBER,
                "payment_id": one("account.payment"),
                "parent_state": Field(compute=accounts.line_state),
                "reconciled": Field("boolean", compute=accounts.is_reconciled),
            },
            created=accounts.line_created,
        ),
    }
