"""States that another app of Odoo's adds: nothing stops, and nothing is taken for booked or gone."""

import datetime as dt
from typing import Any

import pytest

from accord.erp.odoo.adapter import Odoo
from accord.erp.odoo.invoices import credit_record, invoice_state, payment_record
from accord.local.odoo import FakeOdoo
from accord.model.documents import Kind, State
from tests.erp.odoo.test_reading import buyer, sold

__all__ = ["buyer"]

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
MOVE: dict[str, Any] = {
    "id": 7,
    "name": "INV/7",
    "state": "posted",
    "move_type": "out_refund",
    "payment_state": "not_paid",
    "amount_untaxed": 10.0,
    "amount_tax": 2.0,
    "amount_total": 12.0,
    "currency_id": [1, "GBP"],
    "invoice_date": "2026-01-05",
    "ref": "uk-1-r1",
    "reversed_entry_id": False,
    "write_date": "2026-01-05 10:00:00",
}


def test_an_order_in_an_unknown_state_is_told_of_as_a_quotation_and_so_are_all_others(
    odoo: FakeOdoo, erp: Odoo
) -> None:
    strange, other = sold(erp, "uk-1"), sold(erp, "uk-2")
    odoo.database.row("sale.order", int(strange.ref.id))["state"] = "to_approve"

    found = erp.changes(Kind.SALES_ORDER, LONG_AGO)
    progress = erp.progress(strange.ref)

    assert {each.ref: each.state for each in found} == {
        strange.ref: State.QUOTATION,
        other.ref: State.CONFIRMED,
    }
    assert progress is not None
    assert progress.order.state is State.QUOTATION


def test_a_move_in_an_unknown_state_is_a_draft() -> None:
    row = {**MOVE, "state": "to_approve"}

    assert invoice_state(row) == "draft"
    assert credit_record(row, "main").state is State.DRAFT
    assert credit_record(row, "main").number == ""


def test_a_move_that_is_paid_in_an_unknown_way_is_not_paid() -> None:
    assert invoice_state({**MOVE, "payment_state": "promised"}) == "posted"


@pytest.mark.parametrize(
    ("state", "is_"),
    [("to_approve", State.DRAFT), ("paid", State.CONFIRMED), ("canceled", State.VOIDED)],
)
def test_a_payment_in_an_unknown_state_is_a_draft(state: str, is_: State) -> None:
    row = {**MOVE, "amount": 12.0, "payment_type": "inbound", "state": state}

    assert payment_record(row, "ref", "main").state is is_
