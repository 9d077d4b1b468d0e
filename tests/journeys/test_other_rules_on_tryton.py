"""The same life on a real Tryton where the rules say otherwise, or the books are closed."""

import datetime as dt
import zoneinfo
from collections.abc import Iterator
from decimal import Decimal

import pytest

from accord.local.tryton.names import JOURNAL
from accord.model.documents import State
from tests.journeys.town import MUG, Town, configured

pytestmark = [pytest.mark.tryton, pytest.mark.slow]


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    config = configured(
        erp_changes={"cancelled": "apply", "credited": "apply"},
        orders={"returns": "restocked"},
    )
    with Town.open(config, tmp_path_factory.mktemp("rules")) as running:
        yield running


@pytest.fixture
def town(everyone: Town) -> Town:
    everyone.begin()
    return everyone


@pytest.fixture
def today() -> dt.date:
    """The company's."""
    return dt.datetime.now(zoneinfo.ZoneInfo("Europe/London")).date()


@pytest.fixture
def next_month(town: Town, today: dt.date) -> Iterator[dt.date]:
    """The first day that can be booked on: this month is closed."""
    on = [["start_date", "<=", today], ["end_date", ">=", today]]
    rows = town.rows("account.period", on, "end_date")
    ids = [row["id"] for row in rows]
    town.do("account.period.close", ids)
    yield rows[0]["end_date"] + dt.timedelta(days=1)
    town.do("account.period.reopen", ids)


# --- what the back office does is done in the store too -----------------------------------


def test_an_order_cancelled_in_tryton_is_cancelled_in_the_store(town: Town) -> None:
    order = town.ordered(status="processing", payment_method="cod")
    number = town.row(order)["number"]
    town.desk.cancel(f"uk-{order}")
    town.settled()

    assert town.front.get(order)["status"] == "cancelled"
    told = f"Sales order {number} cancelled in main"
    assert [told in text for text in town.front.notes(order)].count(True) == 1
    assert [each.state for each in town.sales(order)] == [State.VOIDED]
    assert town.asked() == []


def test_an_order_credited_by_hand_is_refunded_in_the_store_without_money(town: Town) -> None:
    order = town.paid({MUG: 2})
    town.desk.post_invoice(f"uk-{order}")
    number = town.desk.credit(f"uk-{order}", {MUG: 1})
    before = town.money(order)
    town.settled()

    (refund,) = town.front.refunds(order)
    assert (refund["amount"], refund["refunded_payment"]) == ("6.30", False)
    assert number in refund["reason"]
    credited = [each for each in town.progress(order).invoices if each.kind == "credit_note"]
    assert [each.number for each in credited] == [number]
    assert town.money(order) == before
    assert town.asked() == []


# --- goods that come back ------------------------------------------------------------------


def test_what_was_shipped_and_is_in_stock_again_is_received_by_the_warehouse(town: Town) -> None:
    order = town.paid({MUG: 3})
    town.desk.ship(f"uk-{order}")
    town.settled()
    refund = town.refunded(order, {MUG: 2})
    town.settled()

    (received,) = town.desk.receive_return(f"uk-{order}")
    town.settled()
    assert received.lines == {MUG: Decimal(2)}
    (back,) = town.rows("sale.sale", [["web_id", "=", f"uk-{order}-b1"]], "number", "invoices")
    assert not back["invoices"]
    told = f"Return {back['number']} in main"
    assert [told in text for text in town.front.notes(order)].count(True) == 1
    (note,) = town.notes(order, refund)  # the money is its own matter
    assert note["total_amount"] == Decimal("-12.60")
    assert town.front.get(order)["status"] == "completed"
    assert town.asked() == []


# --- a closed period -----------------------------------------------------------------------


def test_a_refund_of_a_closed_period_is_booked_on_the_next_open_day(
    town: Town, today: dt.date, request: pytest.FixtureRequest
) -> None:
    order = town.paid({MUG: 2})
    opened = request.getfixturevalue("next_month")
    refund = town.refunded(order, {MUG: 1})
    town.settled()

    (note,) = town.notes(order, refund)
    assert note["state"] in {"posted", "paid"}
    assert note["invoice_date"] == opened
    assert f"of {today}" in note["comment"]
    assert town.money(order)[1:] == [(JOURNAL, Decimal(0), Decimal("6.30"))]
    assert town.asked() == []


def test_a_payment_of_a_closed_period_says_its_true_day(
    town: Town, today: dt.date, next_month: dt.date
) -> None:
    order = town.paid()
    town.settled()

    (move,) = town.rows(
        "account.move",
        [["description", "=", f"uk-{order}:payment"]],
        *("date", "state", "lines.description"),
    )
    assert (move["date"], move["state"]) == (next_month, "posted")
    assert all(line["description"].endswith(f"of {today}") for line in move["lines."])
    assert town.asked() == []
