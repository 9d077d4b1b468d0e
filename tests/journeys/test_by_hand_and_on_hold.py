"""What comes in while the other side is not ready for it, with each back office: money of a
quotation, and what becomes of a document that a person cancelled just before."""

import contextlib
import datetime as dt
from typing import Any

import pytest

from accord.errors import DisagreementError
from accord.local.offices.office import Office
from accord.local.offices.xero import XeroOffice
from accord.model.documents import State
from tests.journeys.conftest import ON_HOLD, RICH
from tests.journeys.test_order_life import COD, TOTAL, asked, line, place, stood, total


def change(office: Office, table: str, **rules: Any) -> None:
    """Those rules of the store in ``[stores.uk.TABLE]`` are others from now on."""
    store = office.config.stores["uk"]
    other = store.model_copy(update={table: getattr(store, table).model_copy(update=rules)})
    office.config = office.config.model_copy(update={"stores": {"uk": other}})


# --- money of a quotation ---------------------------------------------------------------


def test_a_paid_order_on_hold_is_a_quotation_and_its_money_is_recorded_once_it_binds(
    office: Office,
) -> None:
    order = place(office, RICH, status="on-hold")

    assert stood(office, order) == [("", State.QUOTATION)]
    assert office.money() == ([] if office.can.is_invoice else [TOTAL])
    assert asked(office) == []
    assert office.waiting.causes() == []

    office.store.set_status(order, "processing")
    office.drain()

    assert stood(office, order) == [("", State.CONFIRMED)]
    assert office.money() == [TOTAL]
    assert asked(office) == []


@pytest.mark.parametrize("price", ["1.00", "200.00"], ids=["cheaper", "dearer"])
def test_an_order_on_hold_that_is_edited_after_it_was_paid_says_what_came(
    office: Office, price: str
) -> None:
    """An invoice takes no more than it comes to."""
    order = place(office, RICH, status="on-hold")
    office.store.edit_line(order, line(office, order), total=price)
    office.drain()

    office.store.set_status(order, "processing")
    office.drain()

    now = total(office, order)
    assert now != TOTAL
    assert office.sold()[-1].gross == now
    assert office.money() == [min(TOTAL, now) if office.can.is_invoice else TOTAL]
    assert asked(office) == [("paid_differs", "finance")]
    (item,) = office.attention.open()
    assert f"{TOTAL} GBP was re" in item.message

    office.store.edit_line(order, line(office, order), total="200.00")  # nothing hides it
    office.drain()
    assert asked(office) != []


def test_an_order_on_hold_that_is_edited_and_back_again_is_paid_as_it_was(office: Office) -> None:
    order = place(office, RICH, status="on-hold")
    whole = office.store.orders[order]["line_items"][0]["total"]
    for price in ("1.00", whole):
        office.store.edit_line(order, line(office, order), total=price)
        office.drain()
    office.store.set_status(order, "processing")
    office.drain()

    assert total(office, order) == TOTAL
    assert office.money() == [TOTAL]
    assert asked(office) == []


def test_an_order_on_hold_that_is_edited_after_it_was_paid_and_cancelled_says_what_came(
    office: Office,
) -> None:
    order = place(office, RICH, status="on-hold")
    office.store.edit_line(order, line(office, order), total="1.00")
    office.drain()
    office.store.set_status(order, "cancelled")
    office.drain()

    assert asked(office) == [("paid_and_cancelled", "finance")]
    (item,) = office.attention.open()
    assert f"{TOTAL} GBP was not paid back" in item.message


def test_a_quotation_that_a_person_confirms_there_is_paid_with_what_came(office: Office) -> None:
    if not isinstance(office, XeroOffice):
        pytest.skip(f"{office.kind} records the money of a quotation at once")
    order = place(office, RICH, status="on-hold")
    office.desk.approve(office.ref(order).id)
    office.drain()

    assert stood(office, order) == [("", State.CONFIRMED)]
    assert office.money() == [TOTAL]
    assert asked(office) == []


def test_a_quotation_that_a_person_confirms_there_unseen_is_paid_after_the_night(
    office: Office,
) -> None:
    if not isinstance(office, XeroOffice):
        pytest.skip(f"{office.kind} records the money of a quotation at once")
    change(office, "flows", erp_changes="off")
    order = place(office, RICH, status="on-hold")
    office.clock.now += dt.timedelta(hours=1)
    assert office.reconcile().differences == []

    office.desk.approve(office.ref(order).id)
    office.clock.now += dt.timedelta(hours=1)
    office.reconcile(repair=True)
    office.drain()

    assert office.money() == [TOTAL]
    assert office.reconcile().differences == []
    assert asked(office) == []


def test_money_of_an_order_that_was_cancelled_before_it_was_imported_is_finances(
    office: Office,
) -> None:
    change(office, "orders", import_closed="both")
    order = place(office, RICH, status="cancelled")

    assert stood(office, order) == [("", State.VOIDED)]
    assert asked(office) == [("paid_and_cancelled", "finance")]

    office.store.refund(order, amount=str(TOTAL))
    office.drain()

    assert sum(office.money()) == 0
    assert asked(office) == []


def test_money_of_a_paid_quotation_that_is_cancelled_and_reopened_is_recorded_once(
    office: Office,
) -> None:
    order = place(office, RICH, status="on-hold")
    office.store.set_status(order, "cancelled")
    office.drain()
    assert asked(office) == [("paid_and_cancelled", "finance")]

    office.store.set_status(order, "processing")
    office.drain()

    assert stood(office, order) == [("", State.VOIDED), ("-2", State.CONFIRMED)]
    assert office.money() == [TOTAL]
    assert asked(office) == []


def test_what_was_given_back_before_a_quotation_bound_is_set_against_it(office: Office) -> None:
    """Its credit note is no more money out, and nothing of the sale stays open."""
    order = place(office, RICH, status="on-hold")
    office.store.set_status(order, "cancelled")
    office.drain()
    office.store.refund(order, lines={line(office, order): 1})
    office.drain()
    office.store.set_status(order, "processing")
    office.drain()

    (note,) = office.credit_notes()
    assert note.booked
    assert sum(office.money()) == TOTAL - note.gross
    if office.can.is_invoice:
        (invoice,) = office.invoices(order)
        assert (invoice.settled, note.settled) == (True, True)
    assert asked(office) == []


# --- cancelled by hand, and nobody has looked yet ----------------------------------------


def test_a_quotation_that_was_cancelled_by_hand_just_before_it_was_paid_is_asked_about(
    office: Office,
) -> None:
    order = place(office, ON_HOLD)
    office.cancel(order)
    office.store.set_status(order, "processing", paid=True)
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    assert office.money() == []
    assert asked(office) == [("cancelled_in_erp", "commerce")]

    office.store.set_status(order, "cancelled")
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    assert asked(office) == [("paid_and_cancelled", "finance")]


def test_a_quotation_that_was_cancelled_by_hand_just_before_it_was_paid_is_cancelled_by_rule(
    office: Office,
) -> None:
    change(office, "erp_changes", cancelled="apply")
    order = place(office, ON_HOLD)
    office.cancel(order)
    office.store.set_status(order, "processing", paid=True)
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    assert office.store.orders[order]["status"] == "cancelled"
    assert office.money() == []
    assert asked(office) == [("paid_and_cancelled", "finance")]


def test_an_edit_of_a_quotation_that_was_cancelled_by_hand_just_before_is_cancelled_by_rule(
    office: Office,
) -> None:
    change(office, "erp_changes", cancelled="apply")
    order = place(office, ON_HOLD)
    office.cancel(order)
    office.store.edit_line(order, line(office, order), total="25.00")
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    assert office.store.orders[order]["status"] == "cancelled"
    assert asked(office) == []


# --- cancelled by hand, and refunded in the store before anybody has looked ---------------


def test_all_refunded_after_it_was_cancelled_by_hand_there_is_nothing_to_credit(
    office: Office,
) -> None:
    change(office, "flows", erp_changes="off")
    order = place(office, **COD)
    office.cancel(order)
    office.store.set_status(order, "refunded")
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    assert office.credit_notes() == []
    assert asked(office) == []


def test_money_of_what_was_cancelled_by_hand_goes_back_without_a_credit_note(
    office: Office,
) -> None:
    """In Xero no invoice is voided before its receipt is taken off, so no money is left to go."""
    change(office, "flows", erp_changes="off")
    order = place(office)
    office.cancel(order)
    office.store.set_status(order, "refunded")
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    assert office.credit_notes() == []
    assert office.money() == ([] if office.can.is_invoice else [TOTAL, -TOTAL])


def test_a_refund_of_what_was_cancelled_by_hand_is_asked_about_until_the_order_is_cancelled(
    office: Office,
) -> None:
    change(office, "flows", erp_changes="off")
    order = place(office, **COD)
    office.cancel(order)
    office.store.refund(order, lines={line(office, order): 1})
    office.drain()

    assert office.credit_notes() == []
    assert asked(office) == [("voided", "commerce")]

    office.store.set_status(order, "cancelled")
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    assert office.credit_notes() == []
    assert asked(office) == []


@pytest.mark.parametrize("fields", [{}, COD], ids=["paid", "unrecorded"])
def test_a_refund_is_credited_against_the_invoice_that_outlasts_its_order(
    office: Office, fields: dict[str, Any]
) -> None:
    """Where the order is the invoice, nothing is left of it once that is void."""
    change(office, "flows", erp_changes="off")
    order = place(office, **fields)
    office.post_invoice(order)
    with contextlib.suppress(DisagreementError):  # as the books in memory refuse it
        office.cancel(order)
    if stood(office, order) != [("", State.VOIDED)]:
        pytest.skip(f"{office.kind} cancels no sale that is invoiced")
    office.drain()
    office.store.refund(order, lines={line(office, order): 1})
    office.drain()

    if office.can.is_invoice:
        assert office.credit_notes() == []
        assert asked(office) == [("voided", "commerce")]
        return
    (note,) = office.credit_notes()
    assert note.booked
    moved = [] if fields else [TOTAL, -note.gross]
    assert office.money() == moved
    assert asked(office) == []

    office.store.set_status(order, "cancelled")
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    assert [each.booked for each in office.invoices(order)] == [True]
    assert office.credit_notes() == [note]
    assert office.money() == moved
    assert asked(office) == [("credited", "finance")]


@pytest.mark.parametrize("fields", [{}, COD], ids=["paid", "unrecorded"])
def test_a_refund_is_credited_against_that_invoice_though_the_store_cancelled_first(
    office: Office, fields: dict[str, Any]
) -> None:
    order = place(office, **fields)
    office.post_invoice(order)
    with contextlib.suppress(DisagreementError):
        office.cancel(order)
    if stood(office, order) != [("", State.VOIDED)] or office.can.is_invoice:
        pytest.skip(f"{office.kind} leaves no invoice of a sale that is cancelled")
    office.drain()
    office.store.set_status(order, "cancelled")
    office.drain()

    office.store.refund(order, lines={line(office, order): 1})
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    (note,) = office.credit_notes()
    assert note.booked
    assert office.money() == ([] if fields else [TOTAL, -note.gross])
