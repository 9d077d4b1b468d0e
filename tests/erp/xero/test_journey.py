"""What only Xero does to an order on its way: few calls, short memory, limits, locked books.

What every back office does to it is in ``tests/journeys``.
"""

import datetime as dt
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.erp.xero.wire import day_of
from accord.local.hooked import KilledError
from accord.local.offices.xero import XeroOffice
from accord.local.xero.faults import too_many, unauthorised
from accord.model.documents import State
from accord.rules.config import Config
from tests.conftest import order_json
from tests.erp.xero.checking import Checking
from tests.sync.conftest import START

RICH = order_json("order_created_rich")
SKUS = sorted({line["sku"] for line in RICH["line_items"] if line["sku"]})
TOTAL = Decimal("213.02")
COD = {"payment_method": "cod"}  # its money is not recorded
UNPAID = {"date_paid": None, "date_paid_gmt": None}
DAY = dt.timedelta(days=1)


def opened(config: Config | None = None) -> XeroOffice:
    """All that is said there is held against Xero's own file."""
    office = XeroOffice(SKUS, START, config)
    office.wire.inner = Checking(office.xero)
    return office


def asking(office: XeroOffice) -> Config:
    """The same rules, but a closed period is asked about."""
    store = office.config.stores["uk"]
    orders = store.orders.model_copy(update={"closed_period": "ask"})
    stores = {"uk": store.model_copy(update={"orders": orders})}
    return office.config.model_copy(update={"stores": stores})


@pytest.fixture
def office() -> XeroOffice:
    return opened()


def assert_once(office: XeroOffice) -> None:
    (sold,) = office.sold()
    assert (sold.key, sold.state, sold.gross) == ("uk-30", State.CONFIRMED, TOTAL)
    assert office.money() == [TOTAL]
    assert office.parties() == 1
    # Once, though the order is the invoice as well.
    assert [note.split()[0] for note in office.store.notes["30"]] == ["Sales"]
    meta = {each["key"]: each["value"] for each in office.store.orders["30"]["meta_data"]}
    assert meta["_accord_invoice"] == "uk-30"
    assert office.attention.open() == []
    assert office.waiting.causes() == []


def asked(office: XeroOffice) -> list[tuple[str, str]]:
    return [(item.reason, item.owner) for item in office.attention.open()]


# --- calls ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (COD, {"PUT Invoices": 1, "POST Invoices": 1}),
        ({}, {"PUT Invoices": 1, "POST Invoices": 1, "PUT Payments": 1}),
    ],
    ids=["unpaid", "paid"],
)
def test_an_order_of_a_known_customer_takes_two_calls_and_its_payment_one(
    office: XeroOffice, how: dict[str, str], expected: dict[str, int]
) -> None:
    office.deliver(RICH)
    office.drain()
    again = itertools.count(31)
    for _ in range(2):  # the first to look at what is locked again
        id_ = next(again)
        office.deliver({**RICH, **how, "id": id_, "number": str(id_)})
        office.wire.mend()
        office.work()

    assert dict(office.wire.calls) == expected


# --- what it remembers ----------------------------------------------------------------------


def forgetful() -> XeroOffice:
    """Nobody says how long an Idempotency-Key is kept; here it is not kept at all."""
    office = opened()
    office.xero.retention = dt.timedelta(0)
    return office


def test_killed_around_any_call_it_is_done_once_though_xero_remembers_nothing() -> None:
    moments: list[str] = []
    first = forgetful()
    first.hook = moments.append
    first.deliver(RICH)
    first.drain()
    assert_once(first)

    for fatal in (n for n, moment in enumerate(moments) if " erp." in moment):
        here = forgetful()
        passed = itertools.count()

        def kill(called: str, fatal: int = fatal, passed: Any = passed) -> None:
            if next(passed) == fatal:
                raise KilledError(called)

        here.hook = kill
        here.deliver(RICH)
        here.drain()
        here.clock.now += dt.timedelta(minutes=5)  # what a killed reader held is free again
        here.drain()
        assert_once(here)


@pytest.mark.parametrize("write", XeroOffice.writes)
@pytest.mark.parametrize("done", [False, True])
def test_a_lost_answer_is_asked_for_again_though_xero_remembers_nothing(
    write: str, *, done: bool
) -> None:
    here = forgetful()
    here.wire.lose(write, done=done)
    here.deliver(RICH)
    here.drain()

    assert here.wire.is_spent
    assert_once(here)


@pytest.mark.parametrize("write", XeroOffice.writes)
def test_what_arrives_when_xero_has_forgotten_its_repetition_is_refused(write: str) -> None:
    """By its number, its name, or because nothing more is owed. A confirmation says nothing new."""
    here = forgetful()
    here.wire.keep(write)
    here.deliver(RICH)
    here.drain()
    assert_once(here)

    (late,) = here.wire.arrive()

    assert late.status_code == 400
    assert_once(here)


def test_an_archived_customer_who_buys_again_is_one_again(office: XeroOffice) -> None:
    office.deliver(RICH)
    office.drain()
    (contact,) = office.desk.rows("Contacts")
    office.desk.archive_contact(contact["ContactID"])
    office.deliver({**RICH, "id": 31, "number": "31"})
    office.drain()

    assert [sold.state for sold in office.sold()] == [State.CONFIRMED] * 2
    assert [row["ContactStatus"] for row in office.desk.rows("Contacts")] == ["ACTIVE"]


# --- how often it may be asked ----------------------------------------------------------------


def answered(office: XeroOffice, *answers: httpx.Response) -> list[httpx.Response]:
    """The next calls are answered so; what is still to come."""
    left = list(answers)

    def hook(_: str) -> httpx.Response | None:
        return left.pop(0) if left else None

    office.xero.hook = hook
    return left


@pytest.mark.parametrize(
    "answer",
    [
        lambda: too_many("minute", 17),
        lambda: too_many("minute"),
        lambda: too_many("concurrent"),
        lambda: too_many("appminute", 40),
        lambda: too_many("day", 40_000),
        lambda: too_many("day"),
    ],
    ids=["minute", "minute, no time", "concurrent", "app", "day", "day, no time"],
)
def test_too_many_calls_are_waited_out(
    office: XeroOffice, answer: Callable[[], httpx.Response]
) -> None:
    left = answered(office, *(answer() for _ in range(6)))
    office.deliver(RICH)
    office.drain()

    assert left == []
    assert_once(office)


def test_a_day_that_is_used_up_is_not_spun_through(office: XeroOffice) -> None:
    """Every refused call counts too, and the whole app may be shut out for it."""
    limits = office.xero.limits
    limits.enforced, limits.per_day = True, 3
    for n in range(20):
        office.deliver({**RICH, "id": 30 + n, "number": str(30 + n)})
    began = office.clock.now
    while office.clock.now < began + dt.timedelta(hours=2):
        if not office.work():
            office.clock.now += dt.timedelta(seconds=30)

    assert office.wire.calls.total() <= 3 + 2 * 60 / 15 + 5
    limits.per_day = 5000
    office.drain()
    assert [sold.state for sold in office.sold()] == [State.CONFIRMED] * 20
    assert office.money() == [TOTAL] * 20


def test_a_token_that_nobody_can_renew_parks_everything_until_somebody_connects(
    office: XeroOffice,
) -> None:
    denied = [True]
    office.xero.hook = lambda _: unauthorised("AuthenticationUnsuccessful") if denied[0] else None
    for n in range(3):
        office.deliver({**RICH, "id": 30 + n, "number": str(30 + n)})
    office.drain_until(office.clock.now + dt.timedelta(hours=1))
    assert asked(office) == [("unauthorized", "ops")]

    denied[0] = False
    office.drain()
    assert len(office.sold()) == 3
    assert asked(office) == []


def test_invoices_beyond_the_plan_wait_for_the_next_month(office: XeroOffice) -> None:
    office.desk.limit_plan(2)
    for n in range(4):
        office.deliver({**RICH, "id": 30 + n, "number": str(30 + n)})
    office.drain_until(office.clock.now + dt.timedelta(minutes=30))
    assert [cause.cause for cause in office.waiting.causes()] == ["plan_limit"]
    assert [owner for _, owner in asked(office)] == ["finance"]

    office.desk.limit_plan(None)
    office.drain()
    assert [sold.state for sold in office.sold()] == [State.CONFIRMED] * 4
    assert asked(office) == []


# --- locked books -------------------------------------------------------------------------------


def test_an_order_of_a_locked_day_is_booked_on_the_next_and_says_so(office: XeroOffice) -> None:
    placed = office.clock.now.date()
    office.desk.lock_until(placed)
    office.deliver(RICH)
    office.drain()

    assert_once(office)
    (invoice,) = office.desk.rows("Invoices")
    words = [line["Description"] for line in invoice["LineItems"] if not line["LineAmount"]]
    (said,) = (text for text in words if "Web order 30" in text)
    assert said.startswith("Order of 2")
    midnight = dt.datetime.combine(placed + dt.timedelta(days=1), dt.time(), dt.UTC)
    assert invoice["Date"] == f"/Date({int(midnight.timestamp() * 1000)}+0000)/"


def test_an_order_of_a_locked_day_is_finances_where_the_rules_say_to_ask(
    office: XeroOffice,
) -> None:
    here = opened(asking(office))
    here.desk.lock_until(here.clock.now.date())
    here.deliver(RICH)
    here.drain()
    assert here.sold() == []
    assert asked(here) == [("closed_period", "finance")]


def locking(office: XeroOffice, before: str, *, days: int = 0) -> dt.date:
    """Somebody locks the books of today, and of so many ``days`` more, just before that call: the
    day is what is returned."""
    today = office.clock.now.date() + days * DAY

    def lock(call: str) -> httpx.Response | None:
        if call == before:
            office.desk.lock_until(today)
            office.xero.hook = lambda _: None
        return None

    office.xero.hook = lock
    return today


@pytest.mark.parametrize("call", ["PUT Invoices", "POST Invoices"])
def test_an_order_whose_day_is_locked_behind_our_back_is_booked_on_the_next(
    office: XeroOffice, call: str
) -> None:
    """It was looked at, and somebody locked the books before the write."""
    locked = locking(office, call)
    office.deliver(RICH)
    office.drain()

    assert_once(office)
    (invoice,) = office.desk.rows("Invoices")
    assert day_of(invoice, "Date") == locked + DAY


def test_a_quotation_whose_day_was_locked_since_is_booked_on_the_next_and_says_so(
    office: XeroOffice,
) -> None:
    id_ = office.store.place({**RICH, **UNPAID, "status": "on-hold"})
    office.drain()
    locked = office.clock.now.date() + 3 * DAY
    office.desk.lock_until(locked)
    office.store.set_status(id_, "processing", paid=True)
    office.drain()

    (invoice,) = office.desk.rows("Invoices")
    assert (invoice["Status"], day_of(invoice, "Date")) == ("PAID", locked + DAY)
    assert any(line["Description"].startswith("Order of 2") for line in invoice["LineItems"])
    assert office.money() == [TOTAL]
    assert asked(office) == []
    assert office.waiting.causes() == []


def test_a_quotation_whose_day_was_locked_since_is_finances_where_the_rules_say_to_ask() -> None:
    office = opened(asking(opened()))
    id_ = office.store.place({**RICH, **UNPAID, "status": "on-hold"})
    office.drain()
    office.desk.lock_until(office.clock.now.date())
    office.store.set_status(id_, "processing", paid=True)
    office.drain()

    assert [sold.state for sold in office.sold()] == [State.QUOTATION]
    assert asked(office) == [("closed_period", "finance")]


# --- money and credit ---------------------------------------------------------------------------


def test_a_refund_of_what_is_still_owed_is_set_against_it(office: XeroOffice) -> None:
    id_ = office.store.place({**RICH, **COD})
    office.drain()
    line = str(office.store.orders[id_]["line_items"][0]["id"])
    office.store.refund(id_, lines={line: 1})
    office.drain()

    (note,) = office.credit_notes()
    (invoice,) = office.desk.rows("Invoices")
    assert (note.booked, note.settled) == (True, True)
    assert Decimal(str(invoice["AmountDue"])) == TOTAL - note.gross
    assert office.money() == []
    assert asked(office) == []


def test_a_month_that_is_locked_before_credit_is_set_off_holds_nothing_up(
    office: XeroOffice,
) -> None:
    id_ = office.store.place({**RICH, **COD})
    office.drain()
    locked = locking(office, "PUT Allocations")
    line = str(office.store.orders[id_]["line_items"][0]["id"])
    office.store.refund(id_, lines={line: 1})
    office.drain()

    (note,) = office.desk.rows("CreditNotes")
    (allocation,) = note["Allocations"]
    assert note["RemainingCredit"] == 0
    assert day_of(allocation, "Date") == locked + DAY
    assert asked(office) == []
    assert office.waiting.causes() == []


def test_a_credit_note_whose_day_is_locked_before_it_is_booked_is_of_the_next_and_says_so(
    office: XeroOffice,
) -> None:
    id_ = office.store.place(RICH)
    office.drain()
    locked = locking(office, "POST CreditNotes")
    line = str(office.store.orders[id_]["line_items"][0]["id"])
    refund = office.store.refund(id_, lines={line: 1}, reason="Broken: both")
    office.drain()

    (note,) = office.desk.rows("CreditNotes")
    assert (note["Status"], day_of(note, "Date")) == ("PAID", locked + DAY)
    words = note["LineItems"][-1]["Description"]
    assert words == f"Refund {refund} of web order {id_} of {locked}: Broken: both"
    assert sum(office.money()) == TOTAL - Decimal("21.59")
    assert (asked(office), office.waiting.causes()) == ([], [])


def test_a_credit_note_whose_day_is_locked_twice_says_its_true_day_once(
    office: XeroOffice,
) -> None:
    id_ = office.store.place(RICH)
    office.drain()
    today = office.clock.now.date()
    office.desk.lock_until(today)
    locking(office, "POST CreditNotes", days=2)
    line = str(office.store.orders[id_]["line_items"][0]["id"])
    refund = office.store.refund(id_, lines={line: 1})
    office.drain()

    (note,) = office.desk.rows("CreditNotes")
    assert (note["Status"], day_of(note, "Date")) == ("PAID", today + 3 * DAY)
    words = note["LineItems"][-1]["Description"]
    assert words == f"Refund {refund} of web order {id_} of {today}"


def test_a_credit_note_whose_day_is_locked_before_it_is_booked_is_asked_about_by_rule() -> None:
    office = opened()
    office.config = asking(office)
    id_ = office.store.place(RICH)
    office.drain()
    locking(office, "POST CreditNotes")
    line = str(office.store.orders[id_]["line_items"][0]["id"])
    office.store.refund(id_, lines={line: 1})
    office.drain()

    (note,) = office.desk.rows("CreditNotes")
    assert note["Status"] == "DRAFT"
    assert asked(office) == [("closed_period", "finance")]


def test_what_xero_does_not_set_off_is_in_the_journal_and_holds_nothing_up(
    office: XeroOffice,
) -> None:
    id_ = office.store.place({**RICH, **COD})
    office.drain()
    body = {"Elements": [{"ValidationErrors": [{"Message": "The period is locked"}]}]}
    refused = httpx.Response(400, json=body)
    office.xero.hook = lambda call: refused if call == "PUT Allocations" else None
    line = str(office.store.orders[id_]["line_items"][0]["id"])
    office.store.refund(id_, lines={line: 1})
    office.wire.inner = httpx.MockTransport(office.xero)  # whose file knows no such answer
    office.drain()

    (note,) = office.credit_notes()
    assert (note.booked, note.settled) == (True, False)
    assert asked(office) == []
    assert office.waiting.causes() == []


def test_a_refund_goes_back_though_a_person_took_the_payment_out_of_the_books(
    office: XeroOffice,
) -> None:
    """It may be entered again elsewhere; what was received in the store is given back either way."""
    id_ = office.store.place(RICH)
    office.drain()
    (payment,) = office.desk.rows("Payments")
    office.desk.undo_payment(payment["PaymentID"])
    office.drain()
    line = str(office.store.orders[id_]["line_items"][0]["id"])
    office.store.refund(id_, lines={line: 1})
    office.drain()

    (note,) = office.credit_notes()
    (invoice,) = office.desk.rows("Invoices")
    assert (note.booked, note.settled) == (True, True)
    assert office.money() == [-note.gross]
    assert Decimal(str(invoice["AmountDue"])) == TOTAL
    assert asked(office) == []
    office.clock.now += dt.timedelta(hours=1)
    assert [each.reason for each in office.reconcile().differences] == ["payment_differs"]


def test_a_paid_order_that_is_cancelled_is_finances(office: XeroOffice) -> None:
    id_ = office.store.place(RICH)
    office.drain()
    office.store.set_status(id_, "cancelled")
    office.drain()

    assert asked(office) == [("invoiced", "finance")]
    assert [sold.state for sold in office.sold()] == [State.CONFIRMED]
    assert office.money() == [TOTAL]


def test_an_invoice_that_a_person_books_is_told_and_one_with_a_link_in_any_case(
    office: XeroOffice,
) -> None:
    """No note of the order has said it; or there is more to say."""
    by_hand = office.store.place({**RICH, **UNPAID, "status": "on-hold"})
    office.drain()
    office.desk.approve(office.ref(by_hand).id)
    office.drain()
    assert [note.split()[0] for note in office.store.notes[by_hand]] == ["Quotation", "Invoice"]

    store = office.config.stores["uk"]
    linking = store.model_copy(
        update={"invoices": store.invoices.model_copy(update={"link": True})}
    )
    office.config = office.config.model_copy(update={"stores": {"uk": linking}})
    ours = office.store.place({**RICH, "id": 31, "number": "31"})
    office.drain()
    assert [note.split()[0] for note in office.store.notes[ours]] == ["Sales", "Invoice"]
