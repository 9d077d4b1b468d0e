"""States that another module of Tryton's adds: nothing stops, and nothing counts as booked."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.tryton.credits import credit_record, invoices_of
from accord.erp.tryton.mapping import sale_record
from accord.erp.tryton.news import news
from accord.model.change import Ref
from accord.model.documents import Kind, State

AT = dt.datetime(2026, 1, 5, 10, tzinfo=dt.UTC)
ROW: dict[str, Any] = {
    "id": 7,
    "number": "7",
    "state": "to_approve",
    "reference": "uk-1-r1",
    "web_id": "uk-1",
    "shipment_state": "none",
    "invoice_state": "none",
    "invoices_ignored": [],
    "untaxed_amount": Decimal(10),
    "tax_amount": Decimal(2),
    "total_amount": Decimal(12),
    "currency.": {"code": "GBP"},
    "sales": [3],
    "moves.": [{"sale": 3}],
    "lines.": [],
    "_timestamp": "1",
}


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (Kind.SALES_ORDER, State.QUOTATION.value),
        (Kind.SHIPMENT, "open"),
        (Kind.INVOICE, "draft"),
    ],
)
def test_what_changed_into_an_unknown_state_is_told_of(kind: Kind, state: str) -> None:
    found = news(kind, ROW, AT, {}, "main")

    assert (found.ref, found.state) == (Ref("main", kind, "7"), state)


def test_an_order_in_an_unknown_state_is_a_quotation() -> None:
    assert sale_record(ROW, "main").state is State.QUOTATION


def test_a_credit_note_in_an_unknown_state_is_a_draft() -> None:
    assert credit_record(ROW, "main").state is State.DRAFT


def test_a_booked_invoice_comes_before_one_in_an_unknown_state() -> None:
    strange, booked = {"id": 1, "state": "to_approve"}, {"id": 2, "state": "posted"}

    assert invoices_of({"invoices.": [strange, booked]}) == [booked, strange]
