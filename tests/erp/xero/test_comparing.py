"""What stands in Xero under our keys, by the hundred."""

import datetime as dt

import pytest

from accord.erp.xero.adapter import Xero
from accord.errors import BadInputError
from accord.local.xero import Desk, FakeXero
from accord.model.documents import State
from accord.model.sale import Sale
from tests.erp.xero.conftest import START, Clock, connected
from tests.erp.xero.papers import credit, sale

TODAY = START.date()
DAY = dt.timedelta(days=1)


def keys(sales: list[Sale]) -> list[str | None]:
    return [each.record.key for each in sales]


def listed(erp: Xero, *, since: dt.date = TODAY - 30 * DAY, limit: int = 100) -> list[Sale]:
    """All, page by page, as the night reads them."""
    found: list[Sale] = []
    after = ""
    while True:
        page = erp.sales("uk-", since, after=after, limit=limit)
        found += page
        if len(page) < limit:
            return found
        after = page[-1].place


@pytest.fixture
def many(desk: Desk) -> list[str]:
    """Two hundred and thirty orders of three days, by their keys."""
    numbers = [f"uk-{n}" for n in range(1, 231)]
    for n, number in enumerate(numbers):
        sale(desk, number, day=TODAY - (n % 3) * DAY, status="DRAFT")
    return numbers


@pytest.mark.parametrize("limit", [7, 100])
def test_every_sale_is_listed_once_by_its_day(erp: Xero, many: list[str], limit: int) -> None:
    found = listed(erp, limit=limit)

    assert sorted(map(str, keys(found))) == sorted(many)
    assert [each.place for each in found] == sorted(each.place for each in found)


@pytest.mark.parametrize("limit", [70, 100])
def test_days_of_more_than_a_page_are_listed_once(
    erp: Xero, desk: Desk, clock: Clock, limit: int
) -> None:
    """Each page puts what is of one day in another order."""
    for n in range(330):
        day = TODAY - (2 if n < 30 else 1 if n < 280 else 0) * DAY
        sale(desk, f"uk-{n}", day=day, status="DRAFT")
    clock.moment()

    found = listed(erp, limit=limit)

    assert sorted(map(str, keys(found))) == sorted(f"uk-{n}" for n in range(330))
    assert [each.place for each in found] == sorted(each.place for each in found)


def test_a_hundred_sales_take_one_call(xero: FakeXero, erp: Xero, many: list[str]) -> None:
    listed(erp)

    assert xero.calls == {"GET Invoices": 3}


def test_who_goes_on_elsewhere_reads_the_day_anew(
    xero: FakeXero, erp: Xero, many: list[str]
) -> None:
    first = list(erp.sales("uk-", TODAY - 30 * DAY, limit=100))

    rest = list(connected(xero).sales("uk-", TODAY - 30 * DAY, after=first[-1].place, limit=500))

    assert sorted(map(str, keys([*first, *rest]))) == sorted(many)


def test_what_was_read_long_ago_is_read_anew(
    erp: Xero, desk: Desk, clock: Clock, many: list[str]
) -> None:
    first = list(erp.sales("uk-", TODAY - 30 * DAY, limit=100))
    clock.now += dt.timedelta(minutes=2)
    for row in desk.rows("Invoices"):
        desk.void(row["InvoiceID"])

    rest = erp.sales("uk-", TODAY - 30 * DAY, after=first[-1].place, limit=500)

    assert {each.record.state for each in rest} == {State.VOIDED}


def test_no_earlier_day_and_no_other_store_is_listed(erp: Xero, desk: Desk) -> None:
    sale(desk, "uk-1", day=TODAY - 31 * DAY)
    sale(desk, "uk-2", day=TODAY - 30 * DAY)
    sale(desk, "UK-3")
    sale(desk, "de-4")
    sale(desk, "INV-5")

    assert keys(listed(erp)) == ["uk-2"]


def test_a_sale_says_its_day_and_its_state(erp: Xero, desk: Desk) -> None:
    desk.void(sale(desk, "uk-1", day=TODAY - DAY))

    (found,) = listed(erp)

    assert (found.placed_on, found.record.state, found.stands) == (
        TODAY - DAY,
        State.VOIDED,
        False,
    )


def test_credit_notes_come_with_their_sale(xero: FakeXero, erp: Xero, desk: Desk) -> None:
    for number in ("uk-1", "uk-2", "uk-3"):
        sale(desk, number)
    credit(desk, "uk-1-r7", "uk-1")
    by_hand = desk.credit(next(row["InvoiceID"] for row in desk.rows("Invoices")))
    credit(desk, "uk-2-r8", "uk-2", status="DRAFT")

    found = {each.record.key: each.credits for each in listed(erp)}

    assert [(each.key, each.state) for each in found["uk-2"]] == [("uk-2-r8", State.DRAFT)]
    assert {(each.key, each.state) for each in found["uk-1"]} == {
        ("uk-1-r7", State.CONFIRMED),
        (None, State.CONFIRMED),
    }
    assert by_hand in {each.ref.id for each in found["uk-1"]}
    assert found["uk-3"] == ()
    assert xero.calls == {"GET Invoices": 1, "GET CreditNotes": 1}


def test_a_credit_note_for_a_later_document_of_an_order_is_told_with_that(
    erp: Xero, desk: Desk
) -> None:
    desk.void(sale(desk, "uk-1"))
    sale(desk, "uk-1-2")
    credit(desk, "uk-1-r7", "uk-1-2")

    found = {each.record.key: [note.key for note in each.credits] for each in listed(erp)}

    assert found == {"uk-1": [], "uk-1-2": ["uk-1-r7"]}


def test_money_comes_with_its_sale(erp: Xero, desk: Desk) -> None:
    desk.pay(sale(desk, "uk-1"))

    ((found,),) = ([each.payments for each in listed(erp)],)

    assert [str(each.totals.gross) for each in found if each.totals] == ["12.00 GBP"]


def test_many_booked_sales_take_a_call_more_for_some_dozens_of_them(
    xero: FakeXero, erp: Xero, desk: Desk
) -> None:
    for n in range(100):
        sale(desk, f"uk-{10000 + n}")

    assert len(erp.sales("uk-", TODAY, limit=100)) == 100
    # A page of one day; that day by its numbers, and whether there are more of it.
    assert xero.calls["GET Invoices"] == 3
    assert xero.calls["GET CreditNotes"] == 3


def test_every_generation_of_an_order_is_found_by_its_key(
    xero: FakeXero, erp: Xero, desk: Desk
) -> None:
    for number in ("uk-1", "uk-1-2", "uk-1-3", "uk-1-4", "uk-1-5", "uk-2", "uk-12", "UK-3"):
        sale(desk, number, status="DRAFT")

    found = erp.sales_of(["uk-1", "uk-2", "uk-3", "uk-9"])

    assert sorted(map(str, keys(list(found)))) == [
        *("uk-1", "uk-1-2", "uk-1-3", "uk-1-4", "uk-1-5"),
        "uk-2",
    ]
    assert xero.calls == {"GET Invoices": 3}


def test_a_hundred_keys_take_two_calls(xero: FakeXero, erp: Xero, desk: Desk) -> None:
    sale(desk, "uk-100", status="DRAFT")

    found = erp.sales_of([f"uk-{n}" for n in range(100, 200)])

    assert keys(list(found)) == ["uk-100"]
    assert xero.calls == {"GET Invoices": 2}


def test_of_no_keys_nothing_is_asked(xero: FakeXero, erp: Xero) -> None:
    assert list(erp.sales_of([])) == []
    assert xero.calls == {}


def test_what_cannot_be_said_in_a_question_is_no_key(erp: Xero) -> None:
    with pytest.raises(BadInputError, match="begins no key"):
        erp.sales('uk"-', TODAY)
