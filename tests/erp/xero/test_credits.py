"""Credit notes and money that goes back: what is set against what."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.erp.xero.adapter import Xero
from accord.erp.xero.wire import day_of
from accord.errors import (
    DisagreementError,
    DuplicateError,
    PaidByHandError,
    RejectedError,
    StaleVersionError,
    UnavailableError,
    UnmappedError,
)
from accord.local.xero import FakeXero
from accord.model.documents import (
    CreditDocument,
    Kind,
    PaymentDocument,
    Record,
    SalesDocument,
    State,
)
from accord.model.money import Money
from tests.erp.promises import Make
from tests.erp.xero.hands import OnXero


class TestCredits(OnXero):
    @pytest.fixture
    def document(self, order: Make) -> SalesDocument:
        whole: SalesDocument = order(lines=(self.line("30.00", quantity="3"),))
        return whole

    @pytest.fixture
    def sold(self, erp: Xero, document: SalesDocument, key: str) -> Record:
        return erp.advance(erp.create(document, key=key), State.CONFIRMED)

    @pytest.fixture
    def credit(self, document: SalesDocument, sold: Record) -> CreditDocument:
        """One of the three pieces."""
        line = self.line("10.00")
        return CreditDocument(
            number="1042-R1",
            order=sold.ref,
            party=document.party,
            billing_address="POBOX",
            currency="GBP",
            issued_on=document.placed_on,
            lines=(line,),
            total=Money(Decimal("12.00"), "GBP"),
            comment="Broken",
        )

    def paid(self, erp: Xero, document: SalesDocument, sold: Record, key: str) -> PaymentDocument:
        payment = PaymentDocument(
            order=sold.ref,
            party=document.party,
            amount=document.total,
            received_on=document.placed_on,
            account=self.ACCOUNT,
            reference="ch_1",
        )
        erp.create(payment, key=f"{key}:payment")
        return payment

    def booked(self, erp: Xero, credit: CreditDocument, draft: Record) -> Record:
        """Booked, and set against its invoice."""
        record = erp.advance(draft, State.CONFIRMED)
        erp.reconcile(credit.order, ())
        return record

    def note(self) -> dict[str, Any]:
        (row,) = self._desk.rows("CreditNotes")
        return dict(row)

    def on_hand(self) -> Decimal:
        (row,) = (row for row in self._desk.rows("Items") if row["Code"] == self.ITEM)
        return Decimal(str(row["QuantityOnHand"]))

    def invoice(self) -> dict[str, Any]:
        (row,) = self._desk.rows("Invoices")
        return dict(row)

    def test_a_credit_note_refers_to_its_invoice(
        self, erp: Xero, credit: CreditDocument, key: str
    ) -> None:
        erp.create(credit, key=f"{key}-r1")

        row = self.note()
        assert (row["CreditNoteNumber"], row["Reference"]) == (f"{key}-r1", key)
        assert [line["Description"] for line in row["LineItems"]] == ["A line", "Broken"]

    def test_nothing_is_credited_of_an_invoice_that_a_person_voided(
        self, erp: Xero, credit: CreditDocument, sold: Record, key: str
    ) -> None:
        self._desk.void(sold.ref.id)

        with pytest.raises(DisagreementError, match="is VOIDED in Xero") as refused:
            erp.create(credit, key=f"{key}-r1")

        assert (refused.value.reason, refused.value.owner) == ("voided", "commerce")
        assert self._desk.rows("CreditNotes") == []

    def test_credit_of_what_is_owed_is_set_against_it(
        self, erp: Xero, credit: CreditDocument, key: str
    ) -> None:
        self.booked(erp, credit, erp.create(credit, key=f"{key}-r1"))

        assert (self.note()["Status"], self.note()["RemainingCredit"]) == ("PAID", 0)
        assert self.invoice()["AmountDue"] == 24

    def test_credit_beyond_what_is_owed_is_left(
        self, erp: Xero, credit: CreditDocument, sold: Record, key: str
    ) -> None:
        self._desk.pay(sold.ref.id, amount=Decimal("26.00"))  # of 36

        self.booked(erp, credit, erp.create(credit, key=f"{key}-r1"))

        assert (self.note()["RemainingCredit"], self.invoice()["AmountDue"]) == (2, 0)

    def test_credit_of_what_was_paid_goes_back_as_money(
        self, erp: Xero, credit: CreditDocument, document: SalesDocument, sold: Record, key: str
    ) -> None:
        payment = self.paid(erp, document, sold, key)
        self.booked(erp, credit, erp.create(credit, key=f"{key}-r1"))
        assert self.note()["RemainingCredit"] == 12

        out = replace(payment, amount=-credit.total)
        made = erp.create(out, key=f"{key}-r1:payment")

        assert made.totals is not None
        assert (made.state, made.totals.gross) == (State.CONFIRMED, -credit.total)
        assert (self.note()["Status"], self.note()["RemainingCredit"]) == ("PAID", 0)
        (found,) = erp.find(Kind.PAYMENT, f"{key}-r1:payment")
        assert (found.ref, found.totals) == (made.ref, made.totals)

    def test_money_goes_back_once_whether_xero_remembers_it_or_not(
        self,
        erp: Xero,
        xero: FakeXero,
        credit: CreditDocument,
        document: SalesDocument,
        sold: Record,
        key: str,
    ) -> None:
        payment = self.paid(erp, document, sold, key)
        self.booked(erp, credit, erp.create(credit, key=f"{key}-r1"))
        out = replace(payment, amount=-credit.total)
        first = erp.create(out, key=f"{key}-r1:payment")
        xero.retention = dt.timedelta(0)

        assert erp.create(out, key=f"{key}-r1:payment").ref == first.ref
        assert len(self._desk.rows("Payments")) == 2

    def test_money_does_not_go_back_for_nothing(
        self, erp: Xero, document: SalesDocument, sold: Record, key: str
    ) -> None:
        payment = self.paid(erp, document, sold, key)

        with pytest.raises(RejectedError, match=f"{key}-r9"):
            erp.create(replace(payment, amount=-payment.amount), key=f"{key}-r9:payment")

        assert len(self._desk.rows("Payments")) == 1

    @pytest.mark.parametrize("remembered", [True, False])
    def test_a_repetition_is_the_first_whether_xero_remembers_it_or_not(
        self, erp: Xero, xero: FakeXero, credit: CreditDocument, key: str, *, remembered: bool
    ) -> None:
        if not remembered:
            xero.retention = dt.timedelta(0)
        first = erp.create(credit, key=f"{key}-r1")

        assert erp.create(credit, key=f"{key}-r1").ref == first.ref

    def test_a_number_that_something_else_has_is_refused(
        self, erp: Xero, credit: CreditDocument, key: str
    ) -> None:
        erp.create(replace(credit, lines=(self.line("5.00"),)), key=f"{key}-r1")

        with pytest.raises(DuplicateError):
            erp.create(credit, key=f"{key}-r1")

    @pytest.mark.parametrize("remembered", [True, False])
    @pytest.mark.parametrize("call", ["POST CreditNotes", "PUT Allocations"])
    @pytest.mark.parametrize("done", [False, True])
    def test_a_booking_that_breaks_off_is_finished_by_the_next(
        self,
        erp: Xero,
        xero: FakeXero,
        credit: CreditDocument,
        key: str,
        call: str,
        *,
        done: bool,
        remembered: bool,
    ) -> None:
        if not remembered:
            xero.retention = dt.timedelta(0)
        draft = erp.create(credit, key=f"{key}-r1")

        def lose(asked: str) -> httpx.Response | None:
            if asked == call:
                raise httpx.ReadTimeout("the answer is lost")
            return None

        setattr(xero, "after" if done else "hook", lose)
        with pytest.raises(UnavailableError):
            self.booked(erp, credit, draft)
        xero.hook = xero.after = lambda _: None

        assert self.booked(erp, credit, draft).state is State.CONFIRMED
        assert self.note()["RemainingCredit"] == 0
        assert self.invoice()["AmountDue"] == 24

    def test_money_that_comes_while_credit_is_set_off_is_looked_at_anew(
        self, erp: Xero, xero: FakeXero, credit: CreditDocument, sold: Record, key: str
    ) -> None:
        draft = erp.create(credit, key=f"{key}-r1")

        def pay_first(call: str) -> httpx.Response | None:
            if call == "PUT Allocations":
                xero.hook = lambda _: None
                self._desk.pay(sold.ref.id)
            return None

        xero.hook = pay_first
        with pytest.raises(StaleVersionError):
            self.booked(erp, credit, draft)

        assert self.booked(erp, credit, draft).state is State.CONFIRMED
        assert self.note()["RemainingCredit"] == 12

    def test_credit_that_is_refused_for_good_is_not_tried_for_ever(
        self, erp: Xero, xero: FakeXero, credit: CreditDocument, key: str
    ) -> None:
        draft = erp.create(credit, key=f"{key}-r1")
        body = {"Elements": [{"ValidationErrors": [{"Message": "Not with this invoice"}]}]}
        refused = httpx.Response(400, json=body)
        xero.hook = lambda call: refused if call == "PUT Allocations" else None

        with pytest.raises(RejectedError, match="Not with this invoice"):
            self.booked(erp, credit, draft)

    def test_a_booking_sets_nothing_off(
        self, erp: Xero, xero: FakeXero, credit: CreditDocument, key: str
    ) -> None:
        """A person may have taken back a payment whose money goes back for this very note."""
        erp.advance(erp.create(credit, key=f"{key}-r1"), State.CONFIRMED)

        assert (self.note()["RemainingCredit"], self.invoice()["AmountDue"]) == (12, 36)

    @pytest.mark.parametrize("seen", [False, True], ids=["before", "a moment ago"])
    def test_credit_of_a_day_that_was_locked_since_is_set_off_on_the_next_open_one(
        self, erp: Xero, credit: CreditDocument, key: str, *, seen: bool
    ) -> None:
        erp.advance(erp.create(credit, key=f"{key}-r1"), State.CONFIRMED)
        locked = credit.issued_on + dt.timedelta(days=2)
        if seen:
            assert erp.open_day(Kind.CREDIT_NOTE, credit.issued_on) == credit.issued_on
        self._desk.lock_until(locked)

        erp.reconcile(credit.order, ())

        (allocation,) = self.note()["Allocations"]
        assert self.note()["RemainingCredit"] == 0
        assert day_of(allocation, "Date") == locked + dt.timedelta(days=1)

    def test_money_that_xero_does_not_let_go_is_finances(
        self, erp: Xero, credit: CreditDocument, document: SalesDocument, sold: Record, key: str
    ) -> None:
        payment = self.paid(erp, document, sold, key)
        erp.advance(erp.create(credit, key=f"{key}-r1"), State.CONFIRMED)
        out = replace(payment, amount=-credit.total)
        erp.create(out, key=f"{key}-r1:payment")

        with pytest.raises(PaidByHandError, match="paying back of 5") as caught:
            erp.create(replace(out, amount=Money(Decimal("-5.00"), "GBP")), key=f"{key}-r1:payment")

        assert (caught.value.owner, caught.value.is_all) == ("finance", False)
        assert caught.value.is_settled
        assert f"{credit.total} of it money" in str(caught.value)

    def test_a_locked_day_takes_no_credit_note(
        self, erp: Xero, credit: CreditDocument, key: str
    ) -> None:
        draft = erp.create(credit, key=f"{key}-r1")
        self._desk.lock_until(credit.issued_on)

        with pytest.raises(UnmappedError) as caught:
            erp.advance(draft, State.CONFIRMED)

        assert caught.value.causes == (f"period:{credit.issued_on:%Y-%m}",)

    def test_a_draft_of_a_locked_day_is_booked_on_another(
        self, erp: Xero, credit: CreditDocument, key: str
    ) -> None:
        draft = erp.create(credit, key=f"{key}-r1")
        self._desk.lock_until(credit.issued_on)
        later = replace(credit, issued_on=credit.issued_on + dt.timedelta(days=1))

        booked = erp.advance(erp.redate(draft, later), State.CONFIRMED)

        assert (booked.state, booked.totals) == (State.CONFIRMED, draft.totals)

    def test_a_draft_is_not_moved_to_a_day_that_is_locked_as_well(
        self, erp: Xero, xero: FakeXero, credit: CreditDocument, key: str
    ) -> None:
        draft = erp.create(credit, key=f"{key}-r1")
        body = {"Elements": [{"ValidationErrors": [{"Message": "The period is locked"}]}]}
        refused = httpx.Response(400, json=body)
        xero.hook = lambda call: refused if call == "POST CreditNotes" else None

        with pytest.raises(UnmappedError) as caught:
            erp.redate(draft, credit)

        assert caught.value.causes == (f"period:{credit.issued_on:%Y-%m}",)

    def test_what_a_person_voided_is_not_booked(
        self, erp: Xero, credit: CreditDocument, key: str
    ) -> None:
        draft = erp.create(credit, key=f"{key}-r1")
        self._desk.edit_credit_note(draft.ref.id, Status="DELETED")

        with pytest.raises(RejectedError):
            erp.advance(draft, State.CONFIRMED)
        assert [found.state for found in erp.find(Kind.CREDIT_NOTE, f"{key}-r1")] == [State.VOIDED]

    def test_of_an_order_that_is_not_there_nothing_is_credited(
        self, erp: Xero, credit: CreditDocument, key: str
    ) -> None:
        gone = replace(credit.order, id="00000000-0000-4000-8000-000000000000")

        with pytest.raises(RejectedError, match="no longer in Xero"):
            erp.create(replace(credit, order=gone), key=f"{key}-r1")

    def test_an_archived_customers_order_can_be_credited(
        self, erp: Xero, credit: CreditDocument, key: str
    ) -> None:
        erp.archive(credit.party)

        self.booked(erp, credit, erp.create(credit, key=f"{key}-r1"))

        assert self.note()["RemainingCredit"] == 0

    def test_a_merged_customers_credit_is_the_others(
        self, erp: Xero, credit: CreditDocument, key: str
    ) -> None:
        other = self._desk.add_contact("Maria Smith")
        self._desk.merge_contact(credit.party.id, other)

        self.booked(erp, credit, erp.create(credit, key=f"{key}-r1"))

        assert self.note()["Contact"]["ContactID"] == other
        assert self.invoice()["AmountDue"] == 24

    def test_a_price_that_does_not_divide_is_credited_to_the_cent(
        self, erp: Xero, credit: CreditDocument, key: str
    ) -> None:
        """Credit notes have no discounts: what four decimals cannot say has its own line."""
        odd = replace(credit, lines=(self.line("333.33", quantity="1000"),))

        made = erp.create(odd, key=f"{key}-r1")

        assert made.totals == erp.preview(odd)
        assert made.totals is not None
        assert (made.totals.net.amount, made.totals.tax.amount) == (
            Decimal("333.33"),
            Decimal("66.67"),
        )
        assert erp.advance(made, State.CONFIRMED).totals == made.totals

    @pytest.mark.parametrize("back", [0, 1, 3])
    def test_only_what_comes_back_is_counted_and_only_once_it_is_booked(
        self, erp: Xero, credit: CreditDocument, key: str, back: int
    ) -> None:
        line = replace(self.line("30.00", quantity="3"), returned=Decimal(back))
        whole = replace(credit, lines=(line,), total=Money(Decimal("36.00"), "GBP"))
        before = self.on_hand()

        draft = erp.create(whole, key=f"{key}-r1")
        assert self.on_hand() == before
        erp.advance(draft, State.CONFIRMED)
        erp.advance(draft, State.CONFIRMED)

        assert self.on_hand() == before + back
