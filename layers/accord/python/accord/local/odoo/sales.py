"""Sales orders: lines, totals, confirming, cancelling, invoicing.

Source: recordings of a running Odoo 17.0; Odoo source 16 to 19, sale and sale_stock.
"""

import datetime as dt
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from accord.local.odoo import accounts, stock
from accord.local.odoo import taxes as taxation
from accord.local.odoo.faults import user_error
from accord.local.odoo.orm import Database, Row

ORDER = "sale.order"
LINE = "sale.order.line"
_CANCEL: Row = {
    "name": "Cancel Sales Order",
    "view_mode": "form",
    "res_model": "sale.order.cancel",
    "view_id": 1178,
    "type": "ir.actions.act_window",
    "target": "new",
}


def tax_field(database: Database) -> str:
    return "tax_ids" if "tax_ids" in database.model(LINE).fields else "tax_id"


def is_19(database: Database) -> bool:
    return tax_field(database) == "tax_ids"


def unit_field(database: Database) -> str:
    return "product_uom_id" if "product_uom_id" in database.model(LINE).fields else "product_uom"


# --- what Odoo fills in ---------------------------------------------------------


def order_created(database: Database, row: Row, _: Row) -> None:
    row["name"] = f"S{database.next('S'):05d}"
    row["state"] = row["state"] or "draft"
    company = database.row("res.company", row["company_id"])
    partner = row["partner_id"]
    for name in ("partner_invoice_id", "partner_shipping_id"):
        row[name] = row[name] or partner
    row["date_order"] = row["date_order"] or database.now.replace(microsecond=0)
    if not row["warehouse_id"]:
        row["warehouse_id"] = _default_warehouse(database)
    lists = database.tables["product.pricelist"]
    row["currency_id"] = (
        lists[row["pricelist_id"]]["currency_id"] if row["pricelist_id"] else company["currency_id"]
    )


def _default_warehouse(database: Database) -> int:
    return min(database.tables["stock.warehouse"])


def order_given(database: Database, row: Row, values: Row) -> None:
    """Whose quotation is given its customer, the same even, is of the user's own warehouse."""
    if "partner_id" in values and row["state"] in {"draft", "sent"}:
        row["warehouse_id"] = _default_warehouse(database)


def line_created(database: Database, row: Row, given: Row) -> None:
    if row["display_type"]:
        return
    if not row["product_id"]:
        raise user_error("Missing required fields on accountable sale order line.")
    product = database.row("product.product", row["product_id"])
    if "price_unit" not in given:
        row["price_unit"] = database.value("product.product", product, "lst_price")
    if tax_field(database) not in given:
        row[tax_field(database)] = product_value(database, product, "taxes_id")
    if not row["name"]:
        row["name"] = database.model("product.product").label(database, product)
    row[unit_field(database)] = product_value(database, product, "uom_id")


def product_value(database: Database, product: Row, name: str) -> Any:
    return database.value("product.product", product, name)


def rounding(database: Database, of: Row) -> Callable[[Decimal], Decimal]:
    """How amounts of an order, an invoice or a line are rounded: as its currency says."""
    unit = Decimal(str(database.row("res.currency", of["currency_id"])["rounding"]))

    def rounded(amount: Decimal) -> Decimal:
        return (amount / unit).quantize(Decimal(1), rounding=ROUND_HALF_UP) * unit

    return rounded


def _as_it_is(amount: Decimal) -> Decimal:
    return amount


def amounts(
    database: Database, of: Row, lines: list[Row], taxes: str, quantity: str
) -> tuple[Decimal, Decimal]:
    """Untaxed amount and tax of the lines ``of`` an order or an invoice, rounded as its company
    and its currency say."""
    rounded = rounding(database, of)
    company = database.row("res.company", of["company_id"])
    globally = company["tax_calculation_rounding_method"] == "round_globally"
    untaxed, of_tax = Decimal(0), dict[int, Decimal]()
    for line in lines:
        gross = line["price_unit"] * line[quantity]
        base = gross - gross * line["discount"] / 100
        base = base if globally else rounded(base)
        untaxed += base
        whole = _as_it_is if globally else rounded
        for tax, due in taxation.due(database, line[taxes], base, line[quantity], whole).items():
            of_tax[tax] = of_tax.get(tax, Decimal(0)) + due
    return rounded(untaxed), sum(map(rounded, of_tax.values()), Decimal(0))


def order_lines(database: Database, order: Row) -> list[Row]:
    return [row for row in database.tables[LINE].values() if row["order_id"] == order["id"]]


def _amounts(database: Database, order: Row) -> tuple[Decimal, Decimal]:
    lines = [row for row in order_lines(database, order) if not row["display_type"]]
    return amounts(database, order, lines, tax_field(database), "product_uom_qty")


def untaxed(database: Database, order: Row) -> Decimal:
    return _amounts(database, order)[0]


def tax(database: Database, order: Row) -> Decimal:
    return _amounts(database, order)[1]


def total(database: Database, order: Row) -> Decimal:
    return sum(_amounts(database, order), Decimal(0))


def invoice_ids(database: Database, order: Row) -> list[int]:
    """Invoices and refunds with a line that names a line of the order."""
    own = {row["id"] for row in order_lines(database, order)}
    return sorted(
        {
            row["move_id"]
            for row in database.tables["account.move.line"].values()
            if own & set(row["sale_line_ids"])
        }
    )


def invoice_status(database: Database, order: Row) -> str:
    if order["state"] not in {"sale", "done"}:
        return "no"
    is_due = any(to_invoice(database, line) for line in order_lines(database, order))
    return "to invoice" if is_due else "invoiced"


def to_invoice(database: Database, line: Row) -> Decimal:
    """What is ordered and on no invoice that stands."""
    if line["display_type"]:
        return Decimal(0)
    found = line["product_uom_qty"]
    for row in database.tables["account.move.line"].values():
        if line["id"] in row["sale_line_ids"]:
            move = database.row("account.move", row["move_id"])
            sign = -1 if move["move_type"] == "out_refund" else 1
            if move["state"] != "cancel":
                found -= sign * row["quantity"]
    return Decimal(found)


def picking_ids(database: Database, order: Row) -> list[int]:
    rows = database.tables[stock.PICKING].values()
    return [row["id"] for row in rows if row["sale_id"] == order["id"]]


def delivery_status(database: Database, order: Row) -> str | bool:
    pickings = [
        row
        for row in database.rows(stock.PICKING, picking_ids(database, order))
        if row["picking_type_code"] == "outgoing"
    ]
    states = {row["state"] for row in pickings}
    if not pickings or states == {"cancel"}:
        return False
    if states <= {"done", "cancel"}:
        return "full"
    return "partial" if "done" in states else "pending"


# --- buttons ----------------------------------------------------------------------


def action_quotation_sent(database: Database, ids: list[int]) -> None:
    for row in database.rows(ORDER, ids):
        if row["state"] != "draft":
            raise user_error("Only draft orders can be marked as sent directly.")
        database.write(ORDER, [row["id"]], {"state": "sent"})


def action_confirm(database: Database, ids: list[int]) -> bool:
    for row in database.rows(ORDER, ids):
        if row["state"] not in {"draft", "sent"}:
            raise user_error(
                f"The following orders are not in a state requiring confirmation: {row['name']}"
            )
        now = database.now.replace(microsecond=0)
        database.write(ORDER, [row["id"]], {"state": "sale", "date_order": now})
        stock.deliver(database, row, order_lines(database, row))
        if database.row("res.company", row["company_id"])["lock_confirmed"]:
            lock(database, row)
    return True


def lock(database: Database, row: Row) -> None:
    if "locked" in database.model(ORDER).fields:
        row["locked"] = True
    else:
        row["state"] = "done"


def action_unlock(database: Database, ids: list[int]) -> None:
    for row in database.rows(ORDER, ids):
        locked = "locked" in database.model(ORDER).fields
        database.write(ORDER, [row["id"]], {"locked": False} if locked else {"state": "sale"})


def action_cancel(database: Database, ids: list[int]) -> bool | Row:
    rows = database.rows(ORDER, ids)
    for row in rows:
        if row.get("locked") or row["state"] == "done":
            raise user_error("You cannot cancel a locked order. Please unlock it first.")
    if not database.context.get("disable_cancel_warning") and any(
        row["state"] != "draft" for row in rows
    ):
        context = {
            "default_template_id": 14,
            "default_order_id": ids[0],
            "mark_so_as_canceled": True,
            "default_email_layout_xmlid": "mail.mail_notification_layout",
            "model_description": "Sales Order",
        }
        return {**_CANCEL, "context": context}
    for row in rows:
        drafts = [
            each["id"]
            for each in database.rows(accounts.MOVE, invoice_ids(database, row))
            if each["state"] == "draft"
        ]
        database.write(accounts.MOVE, drafts, {"state": "cancel"})
        stock.cancel_open(database, picking_ids(database, row))
        database.write(ORDER, [row["id"]], {"state": "cancel"})
    return True


def order_deleted(database: Database, row: Row, _: Row) -> None:
    if row["state"] not in {"draft", "cancel"}:
        raise user_error(
            "You can not delete a sent quotation or a confirmed sales order. You must first cancel "
            "it."
        )
    database.unlink(LINE, [line["id"] for line in order_lines(database, row)])


def create_invoices(database: Database, ids: list[int]) -> Row:
    """The regular invoice of what is ordered, a draft."""
    found = []
    for wizard in database.rows("sale.advance.payment.inv", ids):
        for order in database.rows(ORDER, wizard["sale_order_ids"]):
            lines = [row for row in order_lines(database, order) if to_invoice(database, row)]
            if order["state"] not in {"sale", "done"} or not lines:
                raise user_error(
                    "Cannot create an invoice. No items are available to invoice.\n\n"
                    "To resolve this issue, please ensure that:\n"
                    "   • The products have been delivered before attempting to invoice them."
                )
            found.append(_invoice(database, order, lines))
            database.touch(ORDER, order["id"])
    return accounts.window("Invoices", accounts.MOVE, found[0]) | {
        "xml_id": "account.action_move_out_invoice_type",
        "view_mode": "tree,kanban,form,activity",
    }


def _invoice(database: Database, order: Row, lines: list[Row]) -> int:
    return database.create(
        accounts.MOVE,
        {
            "move_type": "out_invoice",
            "partner_id": order["partner_invoice_id"],
            "company_id": order["company_id"],
            "currency_id": order["currency_id"],
            "ref": order["client_order_ref"],
            "invoice_origin": order["name"],
            "invoice_line_ids": [
                [
                    0,
                    0,
                    {
                        "product_id": line["product_id"],
                        "name": line["name"],
                        "quantity": to_invoice(database, line),
                        "price_unit": line["price_unit"],
                        "discount": line["discount"],
                        "tax_ids": [[6, 0, list(line[tax_field(database)])]],
                        "sale_line_ids": [[6, 0, [line["id"]]]],
                    },
                ]
                for line in lines
            ],
        },
    )


def today(database: Database) -> dt.date:
    return database.now.date()
