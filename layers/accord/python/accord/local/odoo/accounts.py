"""Invoices, credit notes, payments, and what stands open.

Source: recordings of a running Odoo 17.0; Odoo source 16 to 19, account.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

from accord.local.odoo import sales
from accord.local.odoo.faults import user_error
from accord.local.odoo.orm import Database, Row

MOVE = "account.move"
LINE = "account.move.line"
PAYMENT = "account.payment"
_PREFIX = {"out_invoice": "INV", "out_refund": "RINV"}


def window(name: str, model: str, id_: int) -> Row:
    return {
        "name": name,
        "type": "ir.actions.act_window",
        "res_model": model,
        "view_mode": "form",
        "res_id": id_,
        "context": {},
    }


# --- invoices and credit notes ------------------------------------------------------


def move_created(database: Database, row: Row, _: Row) -> None:
    row["state"] = "draft"
    company = database.row("res.company", row["company_id"])
    row["currency_id"] = row["currency_id"] or company["currency_id"]
    if row["move_type"] in _PREFIX:
        prefix = f"{_PREFIX[row['move_type']]}/{database.now.year}/"
        row["name"] = f"{prefix}{database.next(prefix):05d}"


def line_created(database: Database, row: Row, given: Row) -> None:
    move = database.row(MOVE, row["move_id"])
    row["currency_id"], row["company_id"] = move["currency_id"], move["company_id"]
    if row["display_type"] == "product":
        row["account_id"] = row["account_id"] or _account(database, "income")
    if row["display_type"] == "product" and row["product_id"] and "tax_ids" not in given:
        product = database.row("product.product", row["product_id"])
        row["tax_ids"] = sales.product_value(database, product, "taxes_id")


def product_lines(database: Database, move: Row) -> list[Row]:
    return [
        row
        for row in database.tables[LINE].values()
        if row["move_id"] == move["id"] and row["display_type"] == "product"
    ]


def _amounts(database: Database, move: Row) -> tuple[Decimal, Decimal]:
    lines = product_lines(database, move)
    return sales.amounts(database, move, lines, "tax_ids", "quantity")


def untaxed(database: Database, move: Row) -> Decimal:
    return _amounts(database, move)[0]


def tax(database: Database, move: Row) -> Decimal:
    return _amounts(database, move)[1]


def total(database: Database, move: Row) -> Decimal:
    return sum(_amounts(database, move), Decimal(0))


def receivables(database: Database, move: Row) -> list[Row]:
    return [
        row
        for row in database.tables[LINE].values()
        if row["move_id"] == move["id"] and row["display_type"] == "payment_term"
    ]


def residual(database: Database, move: Row) -> Decimal:
    if move["state"] != "posted":
        return total(database, move)
    left: Decimal = sum((row["amount_residual"] for row in receivables(database, move)), Decimal(0))
    return abs(left)


def payment_state(database: Database, move: Row) -> str:
    if move["state"] != "posted":
        return "not_paid"
    left, whole = residual(database, move), total(database, move)
    if not left:
        return "paid"
    return "partial" if left != whole else "not_paid"


def action_post(database: Database, ids: list[int]) -> bool:
    for row in database.rows(MOVE, ids):
        if row["state"] != "draft":
            raise user_error(f"The entry {row['name']} (id {row['id']}) must be in draft.")
        on = row["invoice_date"] or database.now.date()
        database.write(MOVE, [row["id"]], {"state": "posted", "invoice_date": on})
        if row["move_type"] == "out_invoice" and not row["payment_reference"]:
            row["payment_reference"] = row["name"]
        sign = 1 if row["move_type"] == "out_invoice" else -1
        line = _receivable(database, row, sign * total(database, row))
        original = row["reversed_entry_id"]
        if original and database.row(MOVE, original)["state"] == "posted":
            theirs = receivables(database, database.row(MOVE, original))
            together = [each["id"] for each in (*theirs, line) if each["amount_residual"]]
            if len(together) > 1:
                reconcile(database, together)
        orders = database.tables["sale.order"].values()
        for order in orders:
            if row["id"] in sales.invoice_ids(database, order):
                database.touch("sale.order", order["id"])
    return False


def _account(database: Database, type_: str) -> int:
    """The only one of that type."""
    accounts = database.tables["account.account"].values()
    return int(next(row["id"] for row in accounts if row["account_type"] == type_))


def _receivable(database: Database, move: Row, balance: Decimal, payment: int = 0) -> Row:
    id_ = database.create(
        LINE,
        {
            "move_id": move["id"],
            "display_type": "payment_term",
            "account_id": _account(database, "asset_receivable"),
            "amount_residual": balance,
            "amount_residual_currency": balance,
            "payment_id": payment or False,
        },
    )
    return database.row(LINE, id_)


def reconcile(database: Database, ids: list[int]) -> Row | None:
    """What is owed against what was received, the first against the first."""
    rows = database.rows(LINE, ids)
    if any(not row["amount_residual"] for row in rows):
        raise user_error("You are trying to reconcile some entries that are already reconciled.")
    debits = [row for row in rows if row["amount_residual"] > 0]
    owing = [row for row in rows if row["amount_residual"] < 0]
    while debits and owing:
        amount = min(debits[0]["amount_residual"], -owing[0]["amount_residual"])
        for row, sign in ((debits[0], -1), (owing[0], 1)):
            left = row["amount_residual"] + sign * amount
            values = {"amount_residual": left, "amount_residual_currency": left}
            database.write(LINE, [row["id"]], values)
            database.touch(MOVE, row["move_id"])
        debits = [row for row in debits if row["amount_residual"]]
        owing = [row for row in owing if row["amount_residual"]]
    return None if sales.is_19(database) else {"partials": "account.partial.reconcile(1,)"}


def move_deleted(_: Database, row: Row, __: Row) -> None:
    if row["state"] == "posted":
        raise user_error(
            "You cannot do this modification on a reconciled journal entry. You can just change "
            "some non legal fields or you must unreconcile first.\n"
            f"Journal Entry (id): {row['name']} ({row['id']})"
        )


def move_lines_display(database: Database, move: Row) -> list[int]:
    return [row["id"] for row in product_lines(database, move)]


def refund_moves(database: Database, ids: list[int]) -> Row:
    """The whole invoice taken back, a draft."""
    (wizard,) = database.rows("account.move.reversal", ids)
    (original,) = database.rows(MOVE, wizard["move_ids"])
    lines = [
        [
            0,
            0,
            {
                **{name: line[name] for name in ("product_id", "name", "quantity", "price_unit")},
                "discount": line["discount"],
                "tax_ids": [[6, 0, list(line["tax_ids"])]],
                "sale_line_ids": [[6, 0, list(line["sale_line_ids"])]],
            },
        ]
        for line in product_lines(database, original)
    ]
    id_ = database.create(
        MOVE,
        {
            "move_type": "out_refund",
            "partner_id": original["partner_id"],
            "company_id": original["company_id"],
            "currency_id": original["currency_id"],
            "ref": f"Reversal of: {original['name']}, {wizard['reason'] or ''}",
            "invoice_origin": original["invoice_origin"],
            "invoice_date": wizard["date"] or database.now.date(),
            "reversed_entry_id": original["id"],
            "invoice_line_ids": lines,
        },
    )
    return window("Reverse Moves", MOVE, id_) | {"context": {"default_move_type": "out_refund"}}


def wizard_created(database: Database, row: Row, _: Row) -> None:
    row["move_ids"] = tuple(database.context.get("active_ids") or ())


# --- payments -----------------------------------------------------------------------


def posted_state(database: Database) -> str:
    """Of a payment: from 18 on it has states of its own."""
    return "in_process" if "memo" in database.model(PAYMENT).fields else "posted"


def payment_created(database: Database, row: Row, _: Row) -> None:
    row["state"] = "draft"
    company = database.row("res.company", row["company_id"])
    row["currency_id"] = row["currency_id"] or company["currency_id"]
    row["date"] = row["date"] or database.now.date()
    check_lock(database, company, row["date"])


def check_lock(database: Database, company: Row, on: dt.date) -> None:
    for name in database.model("res.company").fields:
        if name.endswith("_lock_date") and company[name] and on <= company[name]:
            raise user_error(
                f"You cannot add/modify entries prior to and inclusive of the lock date "
                f"{company[name]}."
            )


def post_payments(database: Database, ids: list[int]) -> None:
    done = posted_state(database)
    for row in database.rows(PAYMENT, ids):
        if row["state"] != "draft":
            raise user_error("Only a draft payment can be posted.")
        code = database.row("account.journal", row["journal_id"])["code"]
        prefix = f"P{code}/{row['date'].year}/"
        row["name"] = f"{prefix}{database.next(prefix):05d}"
        database.write(PAYMENT, [row["id"]], {"state": done})
        entry = {"move_type": "entry", **{of: row[of] for of in ("company_id", "currency_id")}}
        move = database.create(MOVE, entry)
        database.write(MOVE, [move], {"state": "posted"})
        sign = -1 if row["payment_type"] == "inbound" else 1
        amount = sign * row["amount"]
        _receivable(database, database.row(MOVE, move), amount, payment=row["id"])


def action_create_payments(database: Database, ids: list[int]) -> Row:
    """The wizard on an invoice: a payment of all that is open, set against it."""
    (wizard,) = database.rows("account.payment.register", ids)
    if not database.user_has_email:
        raise user_error("Unable to send message, please configure the sender's email address.")
    (move,) = database.rows(MOVE, wizard["move_ids"])
    reference = "memo" if "memo" in database.model(PAYMENT).fields else "ref"
    inbound = move["move_type"] == "out_invoice"
    id_ = database.create(
        PAYMENT,
        {
            "payment_type": "inbound" if inbound else "outbound",
            "partner_type": "customer",
            "partner_id": move["partner_id"],
            "amount": wizard["amount"] or residual(database, move),
            "currency_id": move["currency_id"],
            "journal_id": wizard["journal_id"],
            "company_id": move["company_id"],
            reference: wizard["communication"],
        },
    )
    post_payments(database, [id_])
    lines = [row["id"] for row in database.tables[LINE].values() if row["payment_id"] == id_]
    theirs = [row["id"] for row in receivables(database, move) if row["amount_residual"]]
    reconcile(database, [*theirs, *lines])
    return {
        "name": "Payments",
        "type": "ir.actions.act_window",
        "res_model": PAYMENT,
        "context": {"create": False},
        "view_mode": "form",
        "res_id": id_,
    }


def line_state(database: Database, line: Row) -> Any:
    return database.row(MOVE, line["move_id"])["state"]


def is_reconciled(_: Database, line: Row) -> bool:
    return line["display_type"] == "payment_term" and not line["amount_residual"]
