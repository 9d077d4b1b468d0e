"""Invoices, credit notes and payments, read from Odoo as our records. Pure.

Source: Odoo source 16 to 19, account.move and account.payment; recordings of a running 17.0.
"""

from typing import Final, Literal

from accord.erp.like import literal
from accord.erp.odoo.mapping import totals_read, version_of
from accord.erp.odoo.wire import Values, both, day, decimal, either, name_of, text
from accord.model.change import Ref
from accord.model.documents import Kind, Record, State, Totals
from accord.model.keys import first_generation, of_same_store
from accord.model.money import Money
from accord.model.progress import Invoice

MOVE: Final = "account.move"
PAYMENT: Final = "account.payment"
MOVE_FIELDS: Final = (
    "name",
    "state",
    "move_type",
    "payment_state",
    "amount_untaxed",
    "amount_tax",
    "amount_total",
    "currency_id",
    "invoice_date",
    "ref",
    "reversed_entry_id",
    "write_date",
)
PAYMENT_FIELDS: Final = (
    "name",
    "state",
    "amount",
    "currency_id",
    "payment_type",
    "write_date",
)
SALES: Final = ["move_type", "in", ["out_invoice", "out_refund"]]

_PAID: Final = {"paid", "in_payment", "reversed"}
_MOVE_STATES: Final = {
    "draft": State.DRAFT,
    "posted": State.CONFIRMED,
    "cancel": State.VOIDED,
}
_PAYMENT_STATES: Final = {
    "draft": State.DRAFT,
    "posted": State.CONFIRMED,
    "in_process": State.CONFIRMED,  # from 18 on
    "paid": State.CONFIRMED,
    "cancel": State.VOIDED,
    "canceled": State.VOIDED,
    "rejected": State.VOIDED,
}


def of_order(invoices: list[int], key: str | None) -> list[object]:
    """What holds of an order's invoices and credit notes, ``invoices`` being those it names.

    A credit note of ours has no part in what the order counts as invoiced; it is known by the
    invoice that it takes back, and by its key.
    """
    terms: list[list[object]] = [["id", "in", invoices], ["reversed_entry_id", "in", invoices]]
    if key:
        like = f"{literal(first_generation(key))}-r%"
        terms.append(both(["move_type", "=", "out_refund"], ["ref", "=like", like]))
    return either(*terms)


def invoice_state(row: Values) -> Literal["draft", "posted", "paid", "cancelled"]:
    """Of an ``account.move`` read with MOVE_FIELDS. A state that another app adds is not booked."""
    if row["state"] == "posted":
        return "paid" if row["payment_state"] in _PAID else "posted"
    return "cancelled" if row["state"] == "cancel" else "draft"


def invoice(row: Values, order_key: str | None, system: str) -> Invoice:
    """An ``account.move`` read with MOVE_FIELDS. Odoo's amounts of a refund are positive too."""
    is_credit = row["move_type"] == "out_refund"
    kind: Literal[Kind.INVOICE, Kind.CREDIT_NOTE] = Kind.CREDIT_NOTE if is_credit else Kind.INVOICE
    state = invoice_state(row)
    return Invoice(
        ref=Ref(system, kind, str(row["id"])),
        kind=kind,
        number="" if state == "draft" else text(row["name"]),
        state=state,
        totals=_totals(row),
        issued_on=day(row["invoice_date"]),
        key=of_same_store(text(row["ref"]), order_key or "") if is_credit else None,
    )


def credit_record(row: Values, system: str) -> Record:
    """A credit note read with MOVE_FIELDS. A draft's number is not its own yet."""
    state = _MOVE_STATES.get(row["state"], State.DRAFT)
    return Record(
        ref=Ref(system, Kind.CREDIT_NOTE, str(row["id"])),
        number="" if state is State.DRAFT else text(row["name"]),
        key=text(row["ref"]) or None,
        state=state,
        totals=_totals(row),
        version=version_of(row, "state"),
    )


def payment_record(row: Values, key_field: str, system: str) -> Record:
    """A payment read with PAYMENT_FIELDS and the field of its key; money out is below zero."""
    amount = Money(decimal(row["amount"]), name_of(row["currency_id"])).rounded()
    if row["payment_type"] == "outbound":
        amount = -amount
    state = _PAYMENT_STATES.get(row["state"], State.DRAFT)
    return Record(
        ref=Ref(system, Kind.PAYMENT, str(row["id"])),
        number=text(row["name"]),
        key=text(row[key_field]) or None,
        state=state,
        totals=Totals(net=amount, tax=amount - amount, gross=amount),
        version=version_of(row, "state"),
    )


def _totals(row: Values) -> Totals:
    return totals_read(row, "amount_untaxed", "amount_tax", "amount_total")
