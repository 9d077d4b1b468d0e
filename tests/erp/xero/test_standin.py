"""The stand-in for Xero does with documents, contacts and money what Xero is known to do."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from accord.local.xero import Desk, FakeXero
from tests.erp.xero.caller import DAY, Caller, credit_note, invoice, line, only, payment

LOCKED = "The document date cannot be before the {}, currently set at 30 Nov 2026."
IN_USE = "This document cannot be edited as it has a payment or credit note allocated to it."
NOT_OF_STATUS = "Invoice not of valid status for modification"
UNIQUE = "Invoice # must be unique."


@pytest.fixture
def call(xero: FakeXero) -> Caller:
    return Caller(xero)


@pytest.fixture
def contact(desk: Desk) -> str:
    return desk.add_contact("Ann Bee", EmailAddress="ann@shopper.example")


@pytest.fixture
def open_invoice(call: Caller, contact: str) -> dict[str, Any]:
    return call.make("Invoices", invoice(contact))


def amounts(row: dict[str, Any]) -> tuple[float, float, float]:
    return (row["SubTotal"], row["TotalTax"], row["Total"])


# --- amounts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "lines", "expected"),
    [
        ("Exclusive", [line()], (20.0, 4.0, 24.0)),
        ("Inclusive", [line()], (16.67, 3.33, 20.0)),
        ("NoTax", [line()], (20.0, 0.0, 20.0)),
        ("Exclusive", [line(DiscountRate=25)], (15.0, 3.0, 18.0)),
        ("Exclusive", [line(DiscountAmount=5.5)], (14.5, 2.9, 17.4)),
        ("Exclusive", [line(), line(UnitAmount=-1)], (18.0, 3.6, 21.6)),
        ("Exclusive", [line(Quantity=1, UnitAmount=0.13)] * 7, (0.91, 0.21, 1.12)),
        ("Exclusive", [line(TaxAmount=4.01)], (20.0, 4.01, 24.01)),
        ("Inclusive", [line(TaxAmount=3.34)], (16.66, 3.34, 20.0)),
        ("Exclusive", [line(), {"Description": "Words alone"}], (20.0, 4.0, 24.0)),
        ("Exclusive", [line(UnitAmount=10.005)], (20.02, 4.0, 24.02)),
    ],
)
def test_tax_is_rounded_on_every_line(
    call: Caller,
    contact: str,
    how: str,
    lines: list[dict[str, Any]],
    expected: tuple[float, float, float],
) -> None:
    made = call.make("Invoices", invoice(contact, LineAmountTypes=how, LineItems=lines))

    assert amounts(made) == expected


def test_four_decimals_of_a_price_are_kept_only_where_they_are_asked_for(
    call: Caller, contact: str
) -> None:
    given = invoice(contact, LineItems=[line(UnitAmount=10.0049)])

    made = call.make("Invoices", given, unitdp=4)

    assert (amounts(made), made["LineItems"][0]["UnitAmount"]) == ((20.01, 4.0, 24.01), 10.0049)
    (shown,) = call.one(f"Invoices/{made['InvoiceID']}")["LineItems"]
    assert shown["UnitAmount"] == 10.0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"TaxAmount": 4.02},
            "The tax amount 4.02 does not match the expected tax amount 4.00",
        ),
        (
            {"TaxType": "ZERORATEDOUTPUT", "TaxAmount": 0.01},
            "The tax amount 0.01 does not match the expected tax amount 0.00",
        ),
        (
            {"LineAmount": 20.01},
            "The line total 20.01 does not match the expected line total 20.00",
        ),
        ({"DiscountAmount": 20.01}, "Discount must not be greater than the line total"),
        ({"AccountCode": "999"}, "Account code '999' is not a valid code for this document."),
        ({"AccountCode": "090"}, "Account code '090' is not a valid code for this document."),
        (
            {"TaxType": "NOSUCH"},
            (
                "The TaxType code 'NOSUCH' does not exist or cannot be used for this type of "
                "transaction."
            ),
        ),
        (
            {"AccountCode": "310"},
            "The TaxType code 'OUTPUT2' cannot be used with account code '310'.",
        ),
        ({"ItemCode": "NOSUCH"}, "Item code 'NOSUCH' is not valid"),
        (
            {"Tracking": [{"Name": "Channel", "Option": "Fair"}]},
            "The TrackingOption 'Fair' does not exist or is not active",
        ),
        (
            {"Tracking": [{"Name": "Shop", "Option": "One"}]},
            "The TrackingCategory 'Shop' does not exist or is not active",
        ),
    ],
)
def test_a_line_that_cannot_be_booked_is_refused(
    call: Caller, contact: str, changes: dict[str, Any], reason: str
) -> None:
    assert call.refused("PUT", "Invoices", invoice(contact, LineItems=[line(**changes)])) == reason
    assert call.rows("Invoices") == []


def test_an_item_says_what_a_line_leaves_out(call: Caller, desk: Desk, contact: str) -> None:
    desk.add_items(["CUP"], price="3.50", tax="RROUTPUT", on_hand=5)

    made = call.make("Invoices", invoice(contact, LineItems=[{"ItemCode": "CUP"}]))

    (only_line,) = made["LineItems"]
    said = (only_line["Description"], only_line["AccountCode"], only_line["TaxType"])
    assert said == ("Item CUP", "200", "RROUTPUT")
    assert amounts(made) == (3.5, 0.18, 3.68)


def test_a_line_bears_its_tracking_option_with_its_ids(call: Caller, contact: str) -> None:
    given = line(Tracking=[{"Name": "Channel", "Option": "Web shop"}])

    made = call.make("Invoices", invoice(contact, LineItems=[given]))

    ((tracked,),) = (each["Tracking"] for each in made["LineItems"])
    (category,) = call.rows("TrackingCategories")
    assert tracked["TrackingCategoryID"] == category["TrackingCategoryID"]
    assert tracked["TrackingOptionID"] == category["Options"][0]["TrackingOptionID"]


def test_another_currency_must_be_subscribed_and_has_a_rate(call: Caller, contact: str) -> None:
    reason = call.refused("PUT", "Invoices", invoice(contact, CurrencyCode="CHF"))
    made = call.make("Invoices", invoice(contact, CurrencyCode="EUR"))

    assert reason == "Organisation is not subscribed to currency CHF"
    assert (made["CurrencyCode"], made["CurrencyRate"]) == ("EUR", 2.0)


# --- numbers and statuses ---------------------------------------------------------------


@pytest.mark.parametrize("then", ["", "VOIDED"])
def test_a_number_is_never_free_again(call: Caller, contact: str, then: str) -> None:
    made = call.make("Invoices", invoice(contact))
    if then:
        call.change("Invoices", made["InvoiceID"], Status=then)

    assert call.refused("PUT", "Invoices", invoice(contact)) == UNIQUE


def test_a_post_with_a_known_number_changes_that_invoice(call: Caller, contact: str) -> None:
    made = call.make("Invoices", invoice(contact, Status="DRAFT"))

    again = invoice(contact, Status="DRAFT", LineItems=[line(Quantity=1)])
    changed = call.upsert("Invoices", again)

    assert (changed["InvoiceID"], changed["Total"]) == (made["InvoiceID"], 12.0)


@pytest.mark.parametrize(
    ("was", "to"),
    [
        ("DRAFT", "VOIDED"),
        ("AUTHORISED", "DELETED"),
        ("AUTHORISED", "DRAFT"),
        ("DELETED", "AUTHORISED"),
        ("VOIDED", "AUTHORISED"),
    ],
)
def test_a_status_that_does_not_follow_is_refused(
    call: Caller, contact: str, was: str, to: str
) -> None:
    first = "AUTHORISED" if was == "VOIDED" else was if was != "DELETED" else "DRAFT"
    id_ = call.make("Invoices", invoice(contact, Status=first))["InvoiceID"]
    if was != first:
        call.change("Invoices", id_, Status=was)

    assert call.refused("POST", f"Invoices/{id_}", {"Status": to}) == NOT_OF_STATUS
    assert call.one(f"Invoices/{id_}")["Status"] == was


def test_a_draft_needs_less_than_what_is_approved(call: Caller, contact: str) -> None:
    words = {"Description": "A mug", "LineAmount": 5.0}
    given = invoice(contact, Status="DRAFT", LineItems=[words])
    del given["DueDate"]
    id_ = call.make("Invoices", given)["InvoiceID"]

    reasons = [call.refused("POST", f"Invoices/{id_}", {"Status": "AUTHORISED"})]
    body = {"Status": "AUTHORISED", "LineItems": [line()]}
    reasons.append(call.refused("POST", f"Invoices/{id_}", body))

    assert reasons == ["Account code must be specified", "Due date must be specified"]


def test_lines_are_changed_by_their_ids_and_gone_without(call: Caller, contact: str) -> None:
    given = [line(Description="One"), line(Description="Two"), line(Description="Three")]
    made = call.make("Invoices", invoice(contact, LineItems=given))
    first, second, _ = (each["LineItemID"] for each in made["LineItems"])

    body = [{"LineItemID": second, "Quantity": 5}, line(Description="Four")]
    changed = call.change("Invoices", made["InvoiceID"], LineItems=body)

    lines = [(each["Description"], each["Quantity"]) for each in changed["LineItems"]]
    assert lines == [("Two", 5.0), ("Four", 2.0)]
    assert changed["LineItems"][0]["LineItemID"] == second
    assert first not in {each["LineItemID"] for each in changed["LineItems"]}


def test_a_change_without_lines_leaves_them(call: Caller, open_invoice: dict[str, Any]) -> None:
    changed = call.change("Invoices", open_invoice["InvoiceID"], Reference="PO 55")

    assert changed["LineItems"] == open_invoice["LineItems"]
    assert changed["Reference"] == "PO 55"


def test_what_comes_to_nothing_is_paid_at_once(call: Caller, contact: str) -> None:
    made = call.make("Invoices", invoice(contact, LineItems=[line(UnitAmount=0)]))

    assert (made["Status"], made["AmountDue"]) == ("PAID", 0.0)
    assert call.change("Invoices", made["InvoiceID"], Status="VOIDED")["Status"] == "VOIDED"


def test_a_plan_lets_so_many_invoices_be_approved_in_a_month(
    call: Caller, desk: Desk, contact: str
) -> None:
    desk.limit_plan(1)
    call.make("Invoices", invoice(contact))

    reason = call.refused("PUT", "Invoices", invoice(contact, InvoiceNumber="uk-2"))

    assert "limit of invoices" in reason
    call.make("Invoices", invoice(contact, InvoiceNumber="uk-3", Status="DRAFT"))


# --- lock dates -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end_of_year", "name"), [(False, "period lock date"), (True, "end of year lock date")]
)
def test_nothing_is_booked_where_the_books_are_locked(
    call: Caller,
    desk: Desk,
    contact: str,
    open_invoice: dict[str, Any],
    end_of_year: bool,
    name: str,
) -> None:
    id_ = open_invoice["InvoiceID"]
    paid = call.make("Payments", payment(Invoice={"InvoiceID": id_}, Amount=1.0))["PaymentID"]
    desk.lock_until(dt.date(2026, 11, 30), end_of_year=end_of_year)

    reasons = {
        call.refused("PUT", "Invoices", invoice(contact, InvoiceNumber="uk-2")),
        call.refused("PUT", "CreditNotes", credit_note(contact)),
        call.refused("PUT", "Payments", payment(Invoice={"InvoiceID": id_})),
        call.refused("POST", f"Payments/{paid}", {"Status": "DELETED"}),
    }

    assert reasons == {LOCKED.format(name)}
    call.make("Invoices", invoice(contact, InvoiceNumber="uk-3", Status="DRAFT"))
    call.make("Invoices", invoice(contact, InvoiceNumber="uk-4", Date="2026-12-01"))


def test_an_invoice_of_a_locked_day_is_not_voided(
    call: Caller, desk: Desk, open_invoice: dict[str, Any]
) -> None:
    desk.lock_until(DAY)

    reason = call.refused("POST", f"Invoices/{open_invoice['InvoiceID']}", {"Status": "VOIDED"})

    assert reason.startswith("The document date cannot be before the period lock date")


# --- money ------------------------------------------------------------------------------


def test_a_payment_is_set_against_its_invoice(call: Caller, open_invoice: dict[str, Any]) -> None:
    named = {"InvoiceID": open_invoice["InvoiceID"]}
    first = call.make("Payments", payment(Invoice=named, Amount=10.0, Reference="pi_1"))

    part = call.one(f"Invoices/{named['InvoiceID']}")
    call.make("Payments", payment(Invoice=named, Amount=14.0))
    whole = call.one(f"Invoices/{named['InvoiceID']}")

    assert (part["Status"], part["AmountDue"], part["AmountPaid"]) == ("AUTHORISED", 14.0, 10.0)
    assert (whole["Status"], whole["AmountDue"], len(whole["Payments"])) == ("PAID", 0.0, 2)
    assert "FullyPaidOnDate" in whole
    assert first["PaymentType"] == "ACCRECPAYMENT"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Amount": 24.01}, "Payment amount exceeds the amount outstanding on this document"),
        ({"Amount": 0}, "Payment amount must be greater than zero"),
        (
            {"Account": {"Code": "999"}},
            "Account code '999' is not a valid code for this document.",
        ),
        (
            {"Account": {"Code": "200"}},
            "Account code '200' is not a bank account and has no payments enabled.",
        ),
    ],
)
def test_a_payment_that_does_not_fit_is_refused(
    call: Caller, open_invoice: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    named = {"InvoiceID": open_invoice["InvoiceID"]}

    assert call.refused("PUT", "Payments", payment(Invoice=named, **changes)) == reason


def test_a_draft_is_not_paid(call: Caller, contact: str) -> None:
    id_ = call.make("Invoices", invoice(contact, Status="DRAFT"))["InvoiceID"]

    reason = call.refused("PUT", "Payments", payment(Invoice={"InvoiceID": id_}))

    assert reason == "Payments can only be made against Authorised documents"


def test_what_was_paid_or_credited_is_not_changed(
    call: Caller, desk: Desk, contact: str, open_invoice: dict[str, Any]
) -> None:
    desk.pay(open_invoice["InvoiceID"], amount=Decimal(1))
    other = call.make("Invoices", invoice(contact, InvoiceNumber="uk-2"))
    desk.credit(other["InvoiceID"])

    for id_ in (open_invoice["InvoiceID"], other["InvoiceID"]):
        assert call.refused("POST", f"Invoices/{id_}", {"Reference": "PO 1"}) == IN_USE
        assert call.refused("POST", f"Invoices/{id_}", {"Status": "VOIDED"}) == IN_USE


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_deleted_payment_opens_its_invoice_again(
    call: Caller, desk: Desk, open_invoice: dict[str, Any], wrapped: bool
) -> None:
    id_ = desk.pay(open_invoice["InvoiceID"])

    gone = {"Status": "DELETED"}
    deleted = only(call.write("POST", f"Payments/{id_}", {"Payments": [gone]} if wrapped else gone))

    again = call.one(f"Invoices/{open_invoice['InvoiceID']}")
    assert deleted["Status"] == "DELETED"
    assert (again["Status"], again["AmountDue"], again["Payments"]) == ("AUTHORISED", 24.0, [])


def test_a_payment_that_the_bank_showed_stays(
    call: Caller, desk: Desk, open_invoice: dict[str, Any]
) -> None:
    id_ = desk.pay(open_invoice["InvoiceID"])
    desk.reconcile(id_)

    reason = call.refused("POST", f"Payments/{id_}", {"Status": "DELETED"})

    assert reason == "A reconciled payment cannot be deleted"


def test_credit_is_allocated_and_taken_back(
    call: Caller, contact: str, open_invoice: dict[str, Any]
) -> None:
    note = call.make("CreditNotes", credit_note(contact))["CreditNoteID"]
    against = {"Invoice": {"InvoiceID": open_invoice["InvoiceID"]}, "Date": DAY.isoformat()}

    path = f"CreditNotes/{note}/Allocations"
    made = only(call.write("PUT", path, {"Allocations": [{**against, "Amount": 12.0}]}))

    credited = call.one(f"Invoices/{open_invoice['InvoiceID']}")
    used = call.one(f"CreditNotes/{note}")
    assert (credited["AmountDue"], credited["AmountCredited"]) == (12.0, 12.0)
    assert (used["Status"], used["RemainingCredit"]) == ("PAID", 0.0)
    assert call.delete(f"{path}/{made['AllocationID']}").json()["IsDeleted"] is True
    assert call.one(f"CreditNotes/{note}")["RemainingCredit"] == 12.0
    assert call.one(f"Invoices/{open_invoice['InvoiceID']}")["AmountDue"] == 24.0


def test_credit_beyond_what_is_there_is_refused(
    call: Caller, desk: Desk, contact: str, open_invoice: dict[str, Any]
) -> None:
    note = call.make("CreditNotes", credit_note(contact))["CreditNoteID"]
    other = call.make("Invoices", invoice(desk.add_contact("Bo"), InvoiceNumber="uk-2"))
    path = f"CreditNotes/{note}/Allocations"

    def reason(invoice_: dict[str, Any], amount: float) -> str:
        named = {"InvoiceID": invoice_["InvoiceID"]}
        given = {"Invoice": named, "Date": DAY.isoformat(), "Amount": amount}
        return call.refused("PUT", path, given)

    assert reason(open_invoice, 12.01) == "Amount exceeds the remaining credit of this credit note"
    assert reason(other, 1.0) == "The invoice must be of the contact of the credit note"


def test_money_goes_back_for_a_credit_note(call: Caller, contact: str) -> None:
    note = call.make("CreditNotes", credit_note(contact))["CreditNoteID"]

    refund = call.make("Payments", payment(CreditNote={"CreditNoteID": note}, Amount=12.0))

    assert refund["PaymentType"] == "ARCREDITPAYMENT"
    after = call.one(f"CreditNotes/{note}")
    assert (after["Status"], after["RemainingCredit"]) == ("PAID", 0.0)


def test_a_credit_note_has_no_discounts(call: Caller, contact: str) -> None:
    given = credit_note(contact, LineItems=[line(DiscountAmount=1)])

    assert call.refused("PUT", "CreditNotes", given) == "Discounts cannot be given on a credit note"
