"""What is due follows from where both sides stand."""

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from accord.model.change import Ref
from accord.model.documents import SalesOrder, State
from accord.ports.state import Link
from accord.rules.ordering import OrderRules
from accord.rules.routing import Routed
from accord.sync.decide import (
    CLOSED,
    Advance,
    Amend,
    Create,
    Decision,
    Replace,
    Skip,
    Void,
    decide,
)
from accord.sync.fingerprint import content, differences, parts, to_fact
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


def due(link: Link, now: SalesOrder, rules: OrderRules = RULES) -> Decision:
    routed = Routed(rules.statuses.get(now.status), "main")
    return decide(link, now, rules, routed, amends=(State.DRAFT, State.QUOTATION))


QUOTED = {"state": State.QUOTATION.value, "done": State.QUOTATION.value}
VOIDED = {"state": State.VOIDED.value, "done": State.DRAFT.value}
BOTH = RULES.model_copy(update={"import_closed": "both"})


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


def test_an_order_that_was_partly_refunded_before_it_was_imported_is_made() -> None:
    partly = order(refunds=[{"id": 61, "total": "-5.00"}])

    assert due(fresh(), partly) == Create(State.CONFIRMED)


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_what_was_closed_before_it_was_imported_is_left_alone(status: str) -> None:
    assert isinstance(due(fresh(), order(status=status)), Skip)


@pytest.mark.parametrize(
    ("status", "goal"),
    [
        ("refunded", State.CONFIRMED),  # only what binds can be credited
        ("cancelled", State.QUOTATION),
        ("failed", State.QUOTATION),
    ],
)
def test_by_rule_what_was_closed_is_made_first(status: str, goal: State) -> None:
    assert due(fresh(), order(status=status), BOTH) == Create(goal)


def test_what_was_thrown_away_is_never_made() -> None:
    assert isinstance(due(fresh(), order(status="trash"), BOTH), Skip)


def test_both_is_a_quotation_until_it_is_paid() -> None:
    rules = RULES.model_copy(update={"statuses": {"processing": "both"}})

    assert due(fresh(), order(date_paid_gmt=None), rules) == Create(State.QUOTATION)
    assert due(fresh(), order(), rules) == Create(State.CONFIRMED)


def test_a_status_of_a_plugin_may_mean_cancelled() -> None:
    rules = RULES.model_copy(update={"statuses": {"lost": "cancel"}})

    assert due(linked(order()), order(status="lost"), rules) == Void(or_credit=False)


def test_what_was_posted_and_did_not_change_needs_nothing() -> None:
    assert isinstance(due(linked(order()), order()), Skip)


@pytest.mark.parametrize("status", ["pending", "my-own-status"])
def test_a_status_that_asks_for_nothing_undoes_nothing(status: str) -> None:
    assert isinstance(due(linked(order()), order(status=status)), Skip)


def test_an_order_from_before_the_start_that_is_linked_is_followed() -> None:
    old = order(date_created_gmt="2025-12-01T00:00:00")
    closed = order(date_created_gmt="2025-12-01T00:00:00", status="cancelled")

    assert due(linked(old), closed) == Void(or_credit=False)


def test_a_quotation_whose_order_is_paid_is_confirmed() -> None:
    link = linked(order(), state=State.QUOTATION.value, done=State.QUOTATION.value)

    assert due(link, order()) == Advance(State.CONFIRMED)


def test_money_that_a_quotation_does_not_take_is_due_once_it_binds() -> None:
    on_hold, waits = order(status="on-hold"), {"paid": "", "unbooked": "213.02 GBP"}
    quoted = linked(on_hold, **QUOTED, **waits)
    by_hand = linked(on_hold, **{**QUOTED, "state": State.CONFIRMED.value}, **waits)

    assert isinstance(due(quoted, on_hold), Skip)
    assert due(quoted, order(status="processing")) == Advance(State.CONFIRMED)
    assert due(by_hand, on_hold) == Advance(State.QUOTATION)


def test_a_confirmed_order_is_never_a_quotation_again() -> None:
    assert isinstance(due(linked(order()), order(status="on-hold")), Skip)


def test_a_payment_that_is_not_booked_yet_is_due() -> None:
    unpaid = order(date_paid_gmt=None)

    assert due(linked(unpaid), order()) == Advance(State.CONFIRMED)


@pytest.mark.parametrize("status", sorted(CLOSED - {"refunded"}))
def test_closing_an_order_cancels_its_document(status: str) -> None:
    assert due(linked(order()), order(status=status)) == Void(or_credit=False)


def test_what_was_refunded_as_a_whole_is_cancelled_or_credited() -> None:
    assert due(linked(order()), order(status="refunded")) == Void(or_credit=True)


def test_what_cannot_be_cancelled_any_more_is_credited_only() -> None:
    link = linked(order(), keeps="goods_left")

    assert isinstance(due(link, order(status="refunded")), Skip)


@pytest.mark.parametrize("status", sorted(CLOSED))
def test_what_is_cancelled_on_both_sides_needs_nothing(status: str) -> None:
    assert isinstance(due(linked(order(), **VOIDED), order(status=status)), Skip)


def test_a_reopened_order_gets_another_document() -> None:
    assert due(linked(order(), **VOIDED), order()) == Create(State.CONFIRMED, again=True)


def test_a_refund_alone_changes_nothing_of_the_document() -> None:
    partly = order(refunds=[{"id": 61, "total": "-5.00"}])

    assert isinstance(due(linked(order()), partly), Skip)


EDITS = [
    ("line_items", RICH["line_items"][:1]),
    ("total", "213.03"),
    ("currency", "EUR"),
    ("customer_note", "Ring twice"),
    ("shipping", {**RICH["shipping"], "city": "York"}),
    ("billing", {**RICH["billing"], "address_1": "2 Low Road"}),
]


@pytest.mark.parametrize(("field", "value"), EDITS)
def test_an_edit_changes_what_can_be_changed(field: str, value: object) -> None:
    link = linked(order(), **QUOTED)

    assert due(link, order(**{field: value}, status="on-hold")) == Amend(State.QUOTATION)


@pytest.mark.parametrize(("field", "value"), EDITS)
def test_an_edit_replaces_what_binds(field: str, value: object) -> None:
    assert due(linked(order()), order(**{field: value})) == Replace(State.CONFIRMED)


def test_an_edit_in_a_status_that_asks_for_nothing_is_followed_too() -> None:
    edited = order(customer_note="Ring twice", status="my-own-status")

    assert due(linked(order()), edited) == Replace(State.CONFIRMED)


def test_what_an_edit_changed_is_said_in_words() -> None:
    before = order()
    lines = [{**RICH["line_items"][0], "total": "1.00"}, *RICH["line_items"][2:]]
    after = order(line_items=lines, shipping={**RICH["shipping"], "city": "York"}, total="99.00")

    said = differences(to_fact(parts(before)), after)

    first, second = RICH["line_items"][:2]
    assert "total 213.02 is 99.00 now" in said
    assert "the shipping address" in said
    assert f"line {first['id']} ({first['sku']})" in said
    assert f"line {second['id']} is gone" in said


def test_a_long_order_is_kept_as_a_whole() -> None:
    many = [{**RICH["line_items"][0], "id": 1000 + n} for n in range(100)]
    kept = to_fact(parts(order(line_items=many)))

    assert len(kept) < 500
    assert "the lines" in differences(kept, order(line_items=many[1:]))


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
