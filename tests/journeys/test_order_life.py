"""An order's whole life between the store and each back office: changed, cancelled, shipped, invoiced,
refunded, and what people do there."""

from decimal import Decimal
from typing import Any

import pytest

from accord.local.offices.office import Office
from accord.model.documents import Kind, State
from tests.journeys.conftest import ON_HOLD, RICH, at_home, fresh

COD = {"payment_method": "cod"}  # its money is not recorded
TOTAL = Decimal("213.02")


def place(office: Office, order: dict[str, Any] = RICH, **fields: Any) -> str:
    id_ = office.store.place(at_home(office, fresh(order, **fields)))
    office.drain()
    return id_


def stood(office: Office, order: str) -> list[tuple[str, State]]:
    """(what its key adds to the order's, state) of each document of the order."""
    return [(each.key.removeprefix(f"uk-{order}"), each.state) for each in office.sold()]


def total(office: Office, order: str) -> Decimal:
    return Decimal(office.store.orders[order]["total"])


def line(office: Office, order: str, place: int = 0) -> str:
    return str(office.store.orders[order]["line_items"][place]["id"])


def asked(office: Office) -> list[tuple[str, str]]:
    return [(item.reason, item.owner) for item in office.attention.open()]


def needs(office: Office, *, told: Kind) -> None:
    if told not in office.can.tells:
        pytest.skip(f"{office.kind} tells of no {told.value}")


# --- as it comes in -------------------------------------------------------------------


def test_an_order_on_hold_is_a_quotation_without_money(office: Office) -> None:
    order = place(office, ON_HOLD)

    assert stood(office, order) == [("", State.QUOTATION)]
    assert office.sold()[0].gross == total(office, order)
    assert office.money() == []
    assert asked(office) == []


def test_a_quotation_is_confirmed_once_it_is_paid(office: Office) -> None:
    order = place(office, ON_HOLD)
    office.store.set_status(order, "processing", paid=True)
    office.drain()

    assert stood(office, order) == [("", State.CONFIRMED)]
    assert office.money() == [total(office, order)]
    assert asked(office) == []


# --- edited ---------------------------------------------------------------------------


def test_an_edited_quotation_is_amended_under_its_key(office: Office) -> None:
    if State.QUOTATION not in office.can.amends:
        pytest.skip(f"{office.kind} does not amend a quotation")
    order = place(office, ON_HOLD)

    for price in ("25.00", "20.00", "25.00"):
        office.store.edit_line(order, line(office, order), total=price)
        office.drain()
        (only,) = office.sold()
        assert (only.state, only.gross) == (State.QUOTATION, total(office, order))

    assert asked(office) == []


def test_an_order_edited_after_it_was_confirmed_is_made_anew(office: Office) -> None:
    order = place(office, **COD)
    office.store.edit_line(order, line(office, order), total="1.00")
    office.drain()

    assert stood(office, order) == [("", State.VOIDED), ("-2", State.CONFIRMED)]
    assert office.sold()[1].gross == total(office, order)
    assert asked(office) == []


def test_an_edit_after_the_payment_is_a_persons_turn(office: Office) -> None:
    order = place(office)
    office.store.edit_line(order, line(office, order), total="1.00")
    office.drain()

    assert office.money() == [TOTAL]
    if office.can.is_invoice:
        assert stood(office, order) == [("", State.CONFIRMED)]
        assert asked(office) == [("changed_after_posting", "commerce")]
        return
    assert office.sold()[-1].gross == total(office, order)
    assert asked(office) == [("paid_differs", "finance")]


# --- cancelled ------------------------------------------------------------------------


def test_a_cancelled_order_is_cancelled_in_the_books(office: Office) -> None:
    order = place(office, **COD)
    office.store.set_status(order, "cancelled")
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    assert asked(office) == []


def test_a_cancelled_order_whose_goods_left_is_the_warehouses(office: Office) -> None:
    needs(office, told=Kind.SHIPMENT)
    order = place(office, **COD)
    office.ship(order)
    before = office.sold()
    office.store.set_status(order, "cancelled")
    office.drain()

    assert asked(office) == [("goods_left", "warehouse")]
    assert stood(office, order) == [("", State.CONFIRMED)]
    assert office.sold() == before
    assert office.store.orders[order]["status"] == "cancelled"


def test_an_order_cancelled_and_reopened_is_made_again_and_paid_once(office: Office) -> None:
    order = place(office)
    office.store.set_status(order, "cancelled")
    office.drain()
    reason = "invoiced" if office.can.is_invoice else "paid_and_cancelled"
    assert asked(office) == [(reason, "finance")]

    office.store.set_status(order, "processing")
    office.drain()

    as_it_was, made_anew = [("", State.CONFIRMED)], [("", State.VOIDED), ("-2", State.CONFIRMED)]
    assert stood(office, order) == (as_it_was if office.can.is_invoice else made_anew)
    assert office.money() == [TOTAL]
    assert asked(office) == []


# --- shipped and invoiced -------------------------------------------------------------


def test_what_left_is_told_to_the_store_parcel_by_parcel(office: Office) -> None:
    needs(office, told=Kind.SHIPMENT)
    order = place(office)
    office.ship(order, {"WID-BLUE": Decimal(1)}, tracking="RM1GB")
    office.drain()
    assert office.store.orders[order]["status"] == "processing"

    office.ship(order, tracking="RM2GB")
    office.drain()

    told = [note for note in office.store.notes[order] if note.startswith("Shipped")]
    assert ["RM1GB" in note for note in told] == [True, False]
    assert ["RM2GB" in note for note in told] == [False, True]
    assert office.store.orders[order]["status"] == "completed"
    assert asked(office) == []


def test_a_booked_invoice_is_told_and_paid_with_the_money_that_came(office: Office) -> None:
    order = place(office)
    office.post_invoice(order)
    office.drain()

    (invoice,) = office.invoices(order)
    assert (invoice.gross, invoice.booked) == (TOTAL, True)
    assert invoice.settled is office.can.reconciles
    # Where the order is the invoice, its own note has said it.
    kind = "Sales order " if office.can.is_invoice else "Invoice "
    told = [note for note in office.store.notes[order] if note.startswith(("Invoice ", kind))]
    assert [invoice.number in note for note in told] == [True]
    assert asked(office) == []


# --- refunded -------------------------------------------------------------------------


def refunded(office: Office, order: str, **what: Any) -> Decimal:
    """A refund, wherever it has come to: how much it was."""
    refund = office.store.refund(order, **what)
    office.drain()
    (made,) = (each for each in office.store.shop.refunds[int(order)] if str(each["id"]) == refund)
    return Decimal(made["amount"])


@pytest.mark.parametrize("invoiced", [False, True], ids=["not invoiced", "invoiced"])
def test_a_refund_is_a_credit_note_to_the_cent_and_money_out(
    office: Office, *, invoiced: bool
) -> None:
    order = place(office)
    if invoiced:
        office.post_invoice(order)
        office.drain()
    amount = refunded(office, order, lines={line(office, order): 1})
    (made,) = office.store.shop.refunds[int(order)]

    (note,) = office.credit_notes()
    assert (note.key, note.gross, note.booked) == (f"uk-{order}-r{made['id']}", amount, True)
    assert note.settled is office.can.reconciles
    assert office.money() == [TOTAL, -amount]
    assert asked(office) == []


def test_an_amount_without_lines_is_credited_with_the_tax_in_it(office: Office) -> None:
    order = place(office)
    amounts = [refunded(office, order, amount=amount) for amount in ("10.00", "3.33")]

    assert amounts == [Decimal("10.00"), Decimal("3.33")]
    assert [note.gross for note in office.credit_notes()] == amounts
    assert office.money() == [TOTAL, *(-amount for amount in amounts)]
    assert asked(office) == []


def test_several_refunds_of_one_order_are_each_credited_once(office: Office) -> None:
    order = place(office)
    given = [
        refunded(office, order, lines={line(office, order): 1}),
        refunded(office, order, amount="1.00"),
        refunded(office, order, lines={line(office, order): 1}),
    ]

    assert [note.gross for note in office.credit_notes()] == given
    assert office.money() == [TOTAL, *(-amount for amount in given)]
    assert asked(office) == []


def test_all_refunded_before_anything_left_cancels_the_sale(office: Office) -> None:
    """Or credits all of it, where it is an invoice that was paid."""
    order = place(office)
    office.store.set_status(order, "refunded")
    office.drain()

    if office.can.is_invoice:
        assert stood(office, order) == [("", State.CONFIRMED)]
        assert [(note.gross, note.settled) for note in office.credit_notes()] == [(TOTAL, True)]
    else:
        assert stood(office, order) == [("", State.VOIDED)]
        assert office.credit_notes() == []
    assert office.money() == [TOTAL, -TOTAL]
    assert asked(office) == []


def test_all_refunded_after_the_goods_left_is_credited(office: Office) -> None:
    needs(office, told=Kind.SHIPMENT)
    order = place(office)
    office.ship(order)
    office.drain()
    office.store.set_status(order, "refunded")
    office.drain()

    assert stood(office, order) == [("", State.CONFIRMED)]
    assert [(note.gross, note.booked) for note in office.credit_notes()] == [(TOTAL, True)]
    assert office.money() == [TOTAL, -TOTAL]
    assert asked(office) == []


# --- by hand in the back office ---------------------------------------------------------


def test_an_order_that_a_person_cancels_there_is_asked_about(office: Office) -> None:
    order = place(office, **COD)
    office.cancel(order)
    office.drain()

    assert stood(office, order) == [("", State.VOIDED)]
    assert office.store.orders[order]["status"] == "processing"
    assert asked(office) == [("cancelled_in_erp", "commerce")]

    office.store.set_status(order, "cancelled")
    office.drain()
    assert asked(office) == []


def test_an_order_that_a_person_credits_there_is_asked_about(office: Office) -> None:
    order = place(office)
    office.post_invoice(order)
    office.drain()
    office.credit(order)
    office.drain()

    assert asked(office) == [("credited_in_erp", "finance")]
    assert office.store.shop.refunds.get(int(order), []) == []
    assert office.money() == [TOTAL]
