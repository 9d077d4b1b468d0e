"""What came in for an order is what came first, whatever the order has come to since."""

from dataclasses import replace
from decimal import Decimal

import pytest

from accord.model.change import Ref
from accord.model.documents import SalesOrder
from accord.model.money import Money
from accord.ports.state import Link
from accord.sync.decide import UNBOOKED
from accord.sync.received import received, recordable, unbooked
from accord.sync.troubles import troubles
from accord.woo.mapping import from_wire
from tests.conftest import order_json


def pounds(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


def order(total: str = "100.00") -> SalesOrder:
    """A paid one."""
    made = from_wire(order_json("order_created_rich"), store="uk", vat_keys=[], po_keys=[])
    return replace(made, total=pounds(total))


def link(**facts: str) -> Link:
    return Link(
        Ref("uk", "order", "30"), "uk-30", 1, erp=Ref("main", "sales_order", "7"), facts=facts
    )


@pytest.mark.parametrize(
    ("facts", "total", "expected"),
    [
        ({}, "100.00", "100.00"),
        ({UNBOOKED: "100.00 GBP"}, "80.00", "80.00"),
        ({UNBOOKED: "100.00 GBP"}, "120.00", "100.00"),
        ({UNBOOKED: "100.00 GBP", "back": "30.00 GBP"}, "120.00", "70.00"),
        ({UNBOOKED: "100.00 EUR"}, "120.00", "120.00"),
    ],
    ids=["nothing known", "cheaper", "dearer", "given back in part", "another currency"],
)
def test_what_came_first_is_recorded_as_far_as_the_order_comes_to_it(
    facts: dict[str, str], total: str, expected: str
) -> None:
    assert recordable(link(**facts), order(total)) == pounds(expected)


@pytest.mark.parametrize(
    ("facts", "paid", "kept"),
    [
        ({}, "", "80.00 GBP"),
        ({UNBOOKED: "100.00 GBP"}, "", "100.00 GBP"),
        ({UNBOOKED: "100.00 GBP"}, "80.00 GBP", "100.00 GBP"),
        ({UNBOOKED: "100.00 GBP"}, "100.00 GBP", None),
        ({UNBOOKED: "100.00 GBP", "netted": "30.00 GBP"}, "70.00 GBP", None),
        ({UNBOOKED: "100.00 GBP"}, "-", None),
        ({}, "80.00 GBP", None),
    ],
    ids=["first seen", "waits", "in part", "whole", "whole with netted", "by hand", "at once"],
)
def test_what_came_is_remembered_until_all_of_it_is_recorded(
    facts: dict[str, str], paid: str, kept: str | None
) -> None:
    assert unbooked(link(**facts), order("80.00"), paid).get(UNBOOKED) == kept


def test_an_order_that_is_not_paid_any_more_forgets_what_came() -> None:
    now = order("80.00")
    unpaid = replace(now, payment=replace(now.payment, paid_at=None))

    assert unbooked(link(**{UNBOOKED: "100.00 GBP"}), unpaid, "") == {}


def test_an_order_that_was_paid_and_comes_to_nothing_since_is_asked_about() -> None:
    known = link(**{UNBOOKED: "100.00 GBP", "state": "confirmed"})
    now = replace(order("0.00"), refund_ids=(), refunded=None)
    kept = unbooked(known, now, "-")
    after = replace(known, facts={**known.facts, **kept, "paid": "-"})

    assert received(after) == pounds("100.00")
    (asked,) = troubles(after, now, "main")
    assert asked.reason == "paid_differs"
    assert "100.00 GBP was received, of which nothing is in the books" in str(asked)


def test_what_was_given_back_wholly_before_is_not_asked_about() -> None:
    known = link(**{UNBOOKED: "100.00 GBP", "back": "100.00 GBP"})

    assert unbooked(known, order("100.00"), "-") == {}
