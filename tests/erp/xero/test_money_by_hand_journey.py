"""Money that a person books in Xero where Accord would: it is theirs, and no refund is lost behind
it."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.local.offices.xero import XeroOffice
from accord.model.change import Change, Ref
from accord.model.documents import State
from tests.erp.xero.caller import Caller
from tests.erp.xero.test_journey import RICH, TOTAL, UNPAID, asked, opened

PIECE = Decimal("21.59")  # of the first line, with its tax
SOON = dt.timedelta(minutes=20)  # within which what waits is tried a few times


@pytest.fixture
def office() -> XeroOffice:
    return opened()


@pytest.fixture
def order(office: XeroOffice) -> str:
    """It is an invoice, and nothing was paid yet."""
    id_ = office.store.place({**RICH, **UNPAID, "status": "processing"})
    office.drain()
    return id_


def paid_in_store(office: XeroOffice, order: str) -> None:
    office.store.set_status(order, "completed", paid=True)
    office.drain()


def refunded(office: XeroOffice, order: str) -> str:
    """One piece of the first line; the refund's id."""
    line = str(office.store.orders[order]["line_items"][0]["id"])
    id_ = office.store.refund(order, lines={line: 1})
    office.drain(SOON)
    return id_


def dismiss(office: XeroOffice) -> None:
    for item in office.attention.open():
        office.attention.dismiss(item.id, now=office.clock.now, by="olivia", why="it is booked")


def replay(office: XeroOffice) -> None:
    """Every open item of a change, by a person."""
    for item in office.attention.open():
        if item.subject.startswith("waiting:"):
            continue
        again = Change(
            ref=Ref.parse(item.subject),
            event=item.event,
            seen_at=office.clock.now,
            correlation_id=f"replay-{item.id}",
            replay="olivia",
            aggregate=Ref.parse(item.aggregate) if item.aggregate else None,
        )
        office.queue.put(again, sending=f"{item.id}:{office.clock.now}")
    office.drain()


def facts(office: XeroOffice, order: str) -> Mapping[str, str]:
    """What the order's link says."""
    link = office.links.get(Ref(office.store.name, "order", order))
    assert link is not None
    return link.facts


def notes(office: XeroOffice) -> list[Decimal]:
    return [note.gross for note in office.credit_notes() if note.booked]


# --- received ---------------------------------------------------------------------------------


def test_money_of_just_that_amount_is_agreed_and_its_refund_is_credited(
    office: XeroOffice, order: str
) -> None:
    office.desk.pay(office.ref(order).id)
    paid_in_store(office, order)
    assert asked(office) == []

    refunded(office, order)

    assert notes(office) == [PIECE]
    assert office.money() == [TOTAL]  # what goes back of it is theirs as well
    assert (asked(office), office.waiting.causes()) == ([], [])
    office.clock.now += dt.timedelta(hours=1)
    assert office.reconcile().differences == []


def test_a_quotation_that_a_person_approves_and_pays_is_agreed(office: XeroOffice) -> None:
    order = office.store.place({**RICH, "status": "on-hold"})
    office.drain()
    office.desk.approve(office.ref(order).id)
    office.desk.pay(office.ref(order).id)
    office.drain()

    assert [sold.state for sold in office.sold()] == [State.CONFIRMED]
    assert (office.money(), asked(office)) == ([TOTAL], [])


def test_another_amount_is_asked_about_and_a_replay_leaves_the_money_to_them(
    office: XeroOffice, order: str
) -> None:
    office.desk.pay(office.ref(order).id, amount=Decimal(100))
    paid_in_store(office, order)
    assert asked(office) == [("paid_by_hand", "finance")]
    (item,) = office.attention.open()
    assert "100.00 GBP of it money" in item.message
    assert "dismiss" not in item.message

    office.desk.pay(office.ref(order).id)  # the rest
    replay(office)

    assert asked(office) == []
    assert sum(office.money()) == TOTAL
    refunded(office, order)
    assert notes(office) == [PIECE]


def test_another_amount_that_nobody_completes_is_asked_about_again_after_a_replay(
    office: XeroOffice, order: str
) -> None:
    office.desk.pay(office.ref(order).id, amount=Decimal(100))
    paid_in_store(office, order)

    replay(office)

    assert asked(office) == [("paid_by_hand", "finance")]
    assert "paid" not in facts(office, order)

    office.desk.pay(office.ref(order).id)  # the rest
    replay(office)
    assert asked(office) == []


def test_money_booked_in_part_while_another_refusal_stood_is_asked_about(
    office: XeroOffice, order: str
) -> None:
    refusing(office)
    paid_in_store(office, order)
    assert asked(office) == [("rejected", "finance")]
    office.xero.hook = lambda _: None
    office.desk.pay(office.ref(order).id, amount=Decimal(100))

    replay(office)

    assert ("paid_by_hand", "finance") in asked(office)
    assert "paid" not in facts(office, order)


def test_another_amount_whose_rest_is_credited_by_hand_is_left_to_them_by_a_replay(
    office: XeroOffice, order: str
) -> None:
    sale = office.ref(order).id
    office.desk.pay(sale, amount=TOTAL - 5)
    allowed = office.desk.write_credit_note(**paper(office), CreditNoteNumber="CN-9")
    set_off(office, allowed, against=sale, amount=Decimal(5))
    paid_in_store(office, order)
    assert ("paid_by_hand", "finance") in asked(office)

    replay(office)

    assert asked(office) == [("credited_in_erp", "finance")]  # which the store is to be told
    assert (office.money(), facts(office, order)["paid"]) == ([TOTAL - 5], "-")


def test_another_amount_that_is_taken_off_again_makes_room_for_ours(
    office: XeroOffice, order: str
) -> None:
    by_hand = office.desk.pay(office.ref(order).id, amount=Decimal(100))
    paid_in_store(office, order)

    office.desk.undo_payment(by_hand)
    replay(office)

    assert (office.money(), asked(office)) == ([TOTAL], [])


def test_a_refund_behind_money_that_was_dismissed_waits_in_sight(
    office: XeroOffice, order: str
) -> None:
    by_hand = office.desk.pay(office.ref(order).id, amount=Decimal(100))
    paid_in_store(office, order)
    dismiss(office)
    refunded(office, order)

    assert notes(office) == []
    assert [cause.cause for cause in office.waiting.causes()] == ["dismissed"]
    (item,) = office.attention.open()
    assert (item.reason, item.owner) == ("waiting", "ops")
    assert "(paid_by_hand), who dismissed that" in item.message

    office.desk.undo_payment(by_hand)
    office.drain()

    assert sorted(office.money()) == [-PIECE, TOTAL]
    assert notes(office) == [PIECE]
    assert (asked(office), office.waiting.causes()) == ([], [])


def test_a_refund_behind_money_that_a_person_is_still_asked_about_waits_for_its_order(
    office: XeroOffice, order: str
) -> None:
    office.desk.pay(office.ref(order).id, amount=Decimal(100))
    paid_in_store(office, order)
    refunded(office, order)

    assert [cause.cause for cause in office.waiting.causes()] == ["order"]


def test_what_is_refused_for_another_reason_stays_ours_to_record(
    office: XeroOffice, order: str
) -> None:
    refusing(office)
    paid_in_store(office, order)
    assert asked(office) == [("rejected", "finance")]

    replay(office)
    assert asked(office) == [("rejected", "finance")]

    office.xero.hook = lambda _: None
    replay(office)
    assert (office.money(), asked(office)) == ([TOTAL], [])


def refusing(office: XeroOffice) -> None:
    """No payment is taken, whatever of."""
    body = {"Elements": [{"ValidationErrors": [{"Message": "The account is archived"}]}]}
    refused = httpx.Response(400, json=body)
    office.wire.inner = httpx.MockTransport(office.xero)  # whose file knows no such answer
    office.xero.hook = lambda call: refused if call == "PUT Payments" else None


# --- given back ---------------------------------------------------------------------------------


def test_money_that_a_person_gave_back_of_our_credit_note_is_agreed(office: XeroOffice) -> None:
    order = office.store.place(RICH)
    office.drain()
    refusing(office)
    refunded(office, order)
    assert asked(office) == [("rejected", "finance")]

    office.xero.hook = lambda _: None
    give_back(office, PIECE)
    replay(office)

    assert sorted(office.money()) == [-PIECE, TOTAL]
    assert asked(office) == []


@pytest.fixture
def in_part(office: XeroOffice) -> XeroOffice:
    """A person gave back 5.00 of what a credit note of ours is for, and is asked of it."""
    order = office.store.place(RICH)
    office.drain()
    refusing(office)
    refunded(office, order)
    office.xero.hook = lambda _: None
    give_back(office, Decimal(5))
    dismiss(office)
    office.store.set_status(order, "completed")
    office.drain()
    assert asked(office) == [("paid_by_hand", "finance")]
    return office


def test_another_amount_given_back_is_asked_about_and_a_replay_leaves_it_to_them(
    in_part: XeroOffice,
) -> None:
    give_back(in_part, PIECE - 5)  # the rest

    replay(in_part)

    assert sorted(in_part.money()) == [5 - PIECE, -5, TOTAL]
    assert asked(in_part) == []


def test_another_amount_given_back_that_nobody_completes_is_asked_about_again_after_a_replay(
    in_part: XeroOffice,
) -> None:
    replay(in_part)

    assert sorted(in_part.money()) == [-5, TOTAL]
    assert asked(in_part) == [("paid_by_hand", "finance")]


def test_another_amount_given_back_whose_rest_pays_another_invoice_is_left_to_them_by_a_replay(
    in_part: XeroOffice,
) -> None:
    (note,) = in_part.desk.rows("CreditNotes")
    owed = in_part.desk.write_invoice(
        **paper(in_part), InvoiceNumber="INV-9", DueDate=today(in_part)
    )
    set_off(in_part, note["CreditNoteID"], against=owed, amount=PIECE - 5)

    replay(in_part)

    assert sorted(in_part.money()) == [-5, TOTAL]
    assert asked(in_part) == []


# --- voided by hand -------------------------------------------------------------------------------

TAKEN_OFF = [("receipt_taken_off", "finance")]


@pytest.mark.parametrize("seen", [True, False], ids=["asked before", "not seen yet"])
def test_all_refunded_of_what_was_voided_with_its_receipt_is_finances_and_once(
    office: XeroOffice, *, seen: bool
) -> None:
    order = office.store.place(RICH)
    office.drain()
    office.cancel(order)
    if seen:
        office.drain()
        assert asked(office) == [("cancelled_in_erp", "commerce")]

    office.store.set_status(order, "refunded")
    office.drain(SOON)
    assert asked(office) == TAKEN_OFF
    (item,) = office.attention.open()
    assert f"its receipt of {TOTAL} GBP" in item.message

    replay(office)
    assert asked(office) == TAKEN_OFF
    dismiss(office)
    office.store.set_status(order, "refunded")
    office.drain(SOON)
    assert (asked(office), office.money(), notes(office)) == ([], [], [])


@pytest.mark.parametrize("flow", ["on", "off"])
def test_a_part_refunded_of_what_was_voided_with_its_receipt_and_then_cancelled_is_asked_once(
    office: XeroOffice, flow: str
) -> None:
    store = office.config.stores["uk"]
    flows = store.flows.model_copy(update={"erp_changes": flow})
    other = {"uk": store.model_copy(update={"flows": flows})}
    office.config = office.config.model_copy(update={"stores": other})
    order = office.store.place(RICH)
    office.drain()
    office.cancel(order)
    refunded(office, order)
    about_sale = {("cancelled_in_erp", "commerce"), ("waiting", "ops")}
    assert set(asked(office)) == (about_sale if flow == "on" else {("voided", "commerce")})

    office.store.set_status(order, "cancelled")
    office.drain()

    assert asked(office) == TAKEN_OFF


# --- by hand ------------------------------------------------------------------------------------


def give_back(office: XeroOffice, amount: Decimal) -> None:
    """By hand, of the only credit note."""
    (note,) = office.desk.rows("CreditNotes")
    element = {
        "CreditNote": {"CreditNoteID": note["CreditNoteID"]},
        "Account": {"Code": "091"},
        "Date": today(office),
        "Amount": float(amount),
        "Reference": "Paid back at the desk",
    }
    Caller(office.xero).make("Payments", element, key=f"back-{amount}")


def paper(office: XeroOffice) -> dict[str, Any]:
    """An approved one of the buyer, over 20.00, booked as the first invoice is."""
    sold = office.desk.rows("Invoices")[0]
    buyer = sold["Contact"]["ContactID"]
    office.desk.edit_contact(buyer, ContactStatus="ACTIVE")  # a guest's is archived
    codes = {name: sold["LineItems"][0][name] for name in ("AccountCode", "TaxType")}
    return {
        "Contact": {"ContactID": buyer},
        "Date": today(office),
        "LineAmountTypes": "Inclusive",
        "Status": "AUTHORISED",
        "LineItems": [{"Description": "A mug", "Quantity": "1", "UnitAmount": "20.00", **codes}],
    }


def set_off(office: XeroOffice, note: str, *, against: str, amount: Decimal) -> None:
    """So much of a credit note, by hand."""
    element = {"Invoice": {"InvoiceID": against}, "Date": today(office), "Amount": float(amount)}
    answer = Caller(office.xero).write(
        "PUT", f"CreditNotes/{note}/Allocations", {"Allocations": [element]}, key=f"off-{amount}"
    )
    assert answer.status_code == 200, answer.text


def today(office: XeroOffice) -> str:
    return office.clock.now.date().isoformat()
