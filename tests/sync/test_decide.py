"""What is due follows from where both sides stand."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from accord.model.change import Ref
from accord.model.documents import SalesOrder, State
from accord.ports.state import Link
from accord.rules.config import OrderRules
from accord.sync.decide import CLOSED, Advance, Ask, Create, Decision, Skip, decide
from accord.sync.fingerprint import content
from accord.woo.mapping import from_wire
from tests.conftest import order_json

RULES = OrderRules(
    start_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    statuses={"processing": "sales_order", "on-hold": "quotation"},
)
RICH = order_json("order_created_rich")


def order(**fields: Any) -> SalesOrder:
    return from_wire({**RICH, **fields}, store="uk", vat_keys=[], po_keys=[])


def fresh() -> Link:
    return Link(Ref("uk", "order", "30"), "uk-30", 1)


def linked(posted: SalesOrder, **facts: str) -> Link:
    """A link whose order was posted as it was then, all the way to a confirmed document."""
    said = {
        "state": State.CONFIRMED.value,
        "done": State.CONFIRMED.value,
        "content": content(posted),
        "refunds": ",".join(posted.refund_ids),
        "paid": "1" if posted.payment.paid_at else "",
    }
    erp = Ref("main", "sales_order", "7")
    return replace(fresh(), erp=erp, number="SO-7", facts={**said, **facts})


def due(link: Link, now: SalesOrder) -> Decision:
    return decide(link, now, RULES)


@pytest.mark.parametrize(
    ("status", "goal"), [("processing", State.CONFIRMED), ("on-hold", State.QUOTATION)]
)
def test_a_new_order_becomes_what_its_status_says(status: str, goal: State) -> None:
    assert due(fresh(), order(status=status)) == Create(goal)


@pytest.mark.parametrize("status", ["pending", "checkout-draft", "my-own-status", *sorted(CLOSED)])
def test_a_status_that_is_not_imported_makes_nothing(status: str) -> None:
    assert isinstance(due(fresh(), order(status=status)), Skip)


@pytest.mark.parametrize(
    ("placed", "made"), [("2025-12-31T23:59:59", False), ("2026-01-01T00:00:00", True)]
)
def test_the_start_is_the_first_moment_that_counts(placed: str, made: bool) -> None:
    assert isinstance(due(fresh(), order(date_created_gmt=placed)), Create) is made


def test_an_order_that_was_refunded_before_it_was_imported_is_a_persons() -> None:
    found = due(fresh(), order(refunds=[{"id": 61, "total": "-5.00"}]))

    assert isinstance(found, Ask)
    assert found.reason == "refunded_before_import"


def test_what_was_posted_and_did_not_change_needs_nothing() -> None:
    assert isinstance(due(linked(order()), order()), Skip)


@pytest.mark.parametrize("status", ["pending", "my-own-status"])
def test_a_status_that_asks_for_nothing_undoes_nothing(status: str) -> None:
    assert isinstance(due(linked(order()), order(status=status)), Skip)


def test_an_order_from_before_the_start_that_is_linked_is_followed() -> None:
    old = order(date_created_gmt="2025-12-01T00:00:00")
    closed = order(date_created_gmt="2025-12-01T00:00:00", status="cancelled")

    assert isinstance(due(linked(old), closed), Ask)


def test_a_quotation_whose_order_is_paid_is_confirmed() -> None:
    link = linked(order(), state=State.QUOTATION.value, done=State.QUOTATION.value)

    assert due(link, order()) == Advance(State.CONFIRMED)


def test_a_confirmed_order_is_never_a_quotation_again() -> None:
    assert isinstance(due(linked(order()), order(status="on-hold")), Skip)


def test_a_payment_that_is_not_booked_yet_is_due() -> None:
    unpaid = order(date_paid_gmt=None)

    assert due(linked(unpaid), order()) == Advance(State.CONFIRMED)


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_closing_what_stands_in_the_books_is_a_persons(status: str) -> None:
    found = due(linked(order()), order(status=status))

    assert isinstance(found, Ask)
    assert found.reason == "closed_after_posting"


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("refunds", [{"id": 61, "total": "-5.00"}], "refunded_after_posting"),
        ("line_items", RICH["line_items"][:1], "changed_after_posting"),
        ("total", "213.03", "changed_after_posting"),
        ("currency", "EUR", "changed_after_posting"),
        ("customer_note", "Ring twice", "changed_after_posting"),
        ("shipping", {**RICH["shipping"], "city": "York"}, "changed_after_posting"),
        ("billing", {**RICH["billing"], "address_1": "2 Low Road"}, "changed_after_posting"),
    ],
)
def test_an_edit_is_a_persons(field: str, value: object, reason: str) -> None:
    found = due(linked(order()), order(**{field: value}))

    assert isinstance(found, Ask)
    assert found.reason == reason


@pytest.mark.parametrize(
    "later",
    [
        {"status": "completed"},
        {"date_modified_gmt": "2026-11-23T00:00:00"},
        {"date_completed_gmt": "2026-11-23T00:00:00"},
        {"transaction_id": "ch_1"},
        {"meta_data": [{"key": "_wc_order_attribution", "value": "organic"}]},
        {"billing": {**RICH["billing"], "city": RICH["billing"]["city"].upper()}},
    ],
)
def test_what_the_document_does_not_hold_is_no_edit(later: dict[str, Any]) -> None:
    assert isinstance(due(linked(order()), order(**later)), Skip)
