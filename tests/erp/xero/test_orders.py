"""Orders as Xero's invoices: what is said of them, to the cent, and what happens beside."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.erp.xero.adapter import Xero
from accord.errors import (
    DisagreementError,
    DuplicateError,
    PaidByHandError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
    UnmappedError,
    UnsupportedError,
)
from accord.local.xero import Desk, FakeXero
from accord.local.xero.faults import too_many
from accord.model.change import Ref
from accord.model.documents import (
    DocumentLine,
    Kind,
    LineTax,
    PaymentDocument,
    Record,
    SalesDocument,
    State,
)
from accord.model.money import Money
from accord.model.party import Address, Profile
from tests.erp.promises import Make
from tests.erp.xero.conftest import Clock, connected
from tests.erp.xero.hands import OnXero

CENT = Decimal("0.01")


class TestOrders(OnXero):
    """Of the shopper ``buyer``; see ``Promises`` for the furniture."""

    def row(self, record: Record) -> dict[str, Any]:
        found = [r for r in self._desk.rows("Invoices") if r["InvoiceID"] == record.ref.id]
        return found[0]

    def taxed(self, net: str, tax: str, *, quantity: str = "1", code: str = "") -> DocumentLine:
        amount = LineTax(code or self.TAX_20, Money(Decimal(tax), "GBP"))
        return replace(self.line(net, quantity=quantity), taxes=(amount,))

    # --- what an invoice says ------------------------------------------------------

    def test_an_invoice_says_what_the_order_does(
        self, erp: Xero, order: Make, key: str, buyer: Record
    ) -> None:
        document = order(po_number="PO 55", comment="Ring twice", carrier="Parcel Post")

        row = self.row(erp.create(document, key=key))

        assert (row["Type"], row["Status"], row["InvoiceNumber"]) == ("ACCREC", "DRAFT", key)
        assert row["Contact"]["ContactID"] == buyer.ref.id
        assert row["Reference"] == "1042 / PO 55"
        assert row["LineItems"][-1]["Description"] == "Ring twice\nDelivery: Parcel Post"
        (line, _) = row["LineItems"]
        assert (line["ItemCode"], line["AccountCode"], line["TaxType"]) == (
            "MUG",
            "200",
            "OUTPUT2",
        )

    def test_an_order_is_made_and_confirmed_in_two_calls(
        self, erp: Xero, xero: FakeXero, order: Make, key: str
    ) -> None:
        erp.preview(order())  # the master data is known by now
        before = xero.calls.total()

        erp.advance(erp.create(order(), key=key), State.CONFIRMED)

        assert xero.calls.total() - before == 2

    @pytest.mark.parametrize(
        ("terms", "days"), [(None, 14), ("30 days", 30), ("Net 7", 7), ("0 days", 0)]
    )
    def test_an_invoice_is_due_by_its_terms(
        self, erp: Xero, order: Make, key: str, terms: str | None, days: int
    ) -> None:
        document = order(payment_terms=terms)

        made = erp.create(document, key=key)

        due = document.placed_on + dt.timedelta(days=days)
        midnight = dt.datetime.combine(due, dt.time(), dt.UTC)
        assert self.row(made)["DueDate"] == f"/Date({int(midnight.timestamp() * 1000)}+0000)/"

    def test_terms_that_say_no_days_are_not_held(self, erp: Xero, order: Make, key: str) -> None:
        with pytest.raises(UnmappedError) as caught:
            erp.create(order(payment_terms="On receipt"), key=key)

        assert caught.value.causes == ("terms:On receipt",)

    def test_every_line_bears_the_tracking_that_is_named(
        self, xero: FakeXero, order: Make, key: str
    ) -> None:
        erp = connected(xero, tracking={"Channel": "Web shop"})

        row = self.row(erp.create(order(), key=key))

        assert [each["Option"] for each in row["LineItems"][0]["Tracking"]] == ["Web shop"]

    @pytest.mark.parametrize("tracking", [{"Channel": "By mail"}, {"Chanel": "Web shop"}])
    def test_tracking_that_is_not_there_waits_for_it(
        self, xero: FakeXero, order: Make, key: str, tracking: dict[str, str]
    ) -> None:
        """One item for all orders, which go on once it is made."""
        erp = connected(xero, tracking=tracking)
        (name, option) = next(iter(tracking.items()))

        for ask in (lambda: erp.preview(order()), lambda: erp.create(order(), key=key)):
            with pytest.raises(UnmappedError, match=r"options\.tracking") as caught:
                ask()
            assert caught.value.causes == (f"tracking:{name}={option}",)
        assert not self._desk.rows("Invoices")

        xero.do("add_tracking", name="Chanel", options=["Web shop"])
        self.option(xero, "Channel", "Counter", Name="By mail")
        assert erp.create(order(), key=key).state is State.QUOTATION

    def test_an_option_that_was_archived_is_not_there(
        self, xero: FakeXero, order: Make, key: str
    ) -> None:
        erp = connected(xero, tracking={"Channel": "Web shop"})
        erp.create(order(), key=key)
        self.option(xero, "Channel", "Web shop", Status="ARCHIVED")

        with pytest.raises(UnmappedError) as refused:  # what it was known to be, Xero refuses
            erp.create(order(), key=f"{key}-2")
        assert refused.value.causes == ("tracking:Web shop",)
        with pytest.raises(UnmappedError) as caught:
            erp.create(order(), key=f"{key}-2")
        assert caught.value.causes == ("tracking:Channel=Web shop",)
        self.option(xero, "Channel", "Web shop", Status="ACTIVE")
        assert erp.create(order(), key=f"{key}-2").state is State.QUOTATION

    def test_tracking_is_looked_up_once(self, xero: FakeXero, order: Make, key: str) -> None:
        erp = connected(xero, tracking={"Channel": "Web shop"})

        for number in range(3):
            erp.create(order(), key=f"{key}-{number}")

        assert erp.calls["GET TrackingCategories"] == 1

    def test_whoever_connects_is_told_of_tracking_that_is_not_there(self, xero: FakeXero) -> None:
        erp = connected(xero, tracking={"Channel": "Web shop", "Region": "North"})

        (found,) = erp.lacks([Kind.SALES_ORDER])

        assert (found.topic, found.subject) == ("tracking", "Region=North")
        assert "[erps.main.options.tracking]" in found.remedy
        assert erp.lacks([Kind.PARTY]) == ()
        assert connected(xero).lacks([Kind.SALES_ORDER]) == []

    def option(self, xero: FakeXero, category: str, name: str, **changes: str) -> None:
        """Someone changes an option in Xero."""
        (row,) = (
            each for each in xero.books.rows("TrackingCategories") if each["Name"] == category
        )
        (found,) = (each for each in row["Options"] if each["Name"] == name)
        found.update(changes)

    def test_another_currency_is_the_invoices(self, erp: Xero, order: Make, key: str) -> None:
        line = replace(self.line(), net=Money(Decimal(10), "EUR"), taxes=())
        document = order(lines=(), currency="EUR", total=Money(Decimal(10), "EUR"))

        made = erp.create(replace(document, lines=(line,)), key=key)

        assert made.totals is not None
        assert made.totals.gross == Money(Decimal("10.00"), "EUR")

    def test_a_currency_that_it_does_not_have_is_named(
        self, erp: Xero, order: Make, key: str
    ) -> None:
        with pytest.raises(UnmappedError) as caught:
            erp.create(order(currency="CHF"), key=key)

        assert caught.value.causes == ("currency:CHF",)

    # --- accounts ---------------------------------------------------------------------

    def test_a_line_may_name_another_revenue_account(
        self, erp: Xero, order: Make, key: str
    ) -> None:
        by_name = replace(self.line(), revenue="Online sales")

        row = self.row(erp.create(order(lines=(self.line(), by_name)), key=key))

        assert [each["AccountCode"] for each in row["LineItems"]] == ["200", "4000"]

    def test_an_item_without_an_account_is_asked_about(
        self, erp: Xero, desk: Desk, order: Make, key: str
    ) -> None:
        desk.edit_item("MUG", SalesDetails={})

        with pytest.raises(UnmappedError) as caught:
            erp.create(order(), key=key)

        assert caught.value.causes == ("revenue:MUG",)

    def test_items_without_an_account_may_have_one_in_common(
        self, xero: FakeXero, desk: Desk, order: Make, key: str
    ) -> None:
        desk.edit_item("OTHER", SalesDetails={})
        erp = connected(xero, sales_account="4000")

        row = self.row(erp.create(order(lines=(self.line(item="OTHER"),)), key=key))

        assert row["LineItems"][0]["AccountCode"] == "4000"

    def test_what_is_added_in_xero_is_found_without_a_restart(
        self, erp: Xero, desk: Desk, order: Make, key: str
    ) -> None:
        document = order(lines=(self.line(item="PLATE"),))
        with pytest.raises(UnmappedError):
            erp.create(document, key=key)
        desk.add_items(["PLATE"], tracked=False)

        assert erp.create(document, key=key).number == key

    def test_a_refusal_makes_it_ask_anew(
        self, erp: Xero, desk: Desk, order: Make, key: str
    ) -> None:
        erp.preview(order())
        desk.remove_item("MUG")
        with pytest.raises((RejectedError, UnmappedError), match="MUG"):
            erp.create(order(), key=key)

        with pytest.raises(UnmappedError) as caught:
            erp.create(order(), key=key)

        assert caught.value.causes == ("item:MUG",)

    # --- to the cent ------------------------------------------------------------------

    @pytest.mark.parametrize("prices", ["without tax", "with tax"])
    @pytest.mark.parametrize(
        ("net", "tax", "quantity"),
        [
            ("10.00", "2.01", "1"),  # the store rounded up
            ("10.00", "1.99", "3"),
            ("333.33", "66.67", "1000"),  # no price of four decimals comes to that
            ("0.01", "0.00", "7"),
            ("-10.00", "-2.00", "3"),
        ],
    )
    def test_a_line_is_what_the_store_charged(
        self, xero: FakeXero, order: Make, key: str, prices: str, net: str, tax: str, quantity: str
    ) -> None:
        erp = connected(xero, prices=prices)
        document = order(lines=(self.line("500.00"), self.taxed(net, tax, quantity=quantity)))

        made = erp.create(document, key=key)

        assert made.totals == erp.preview(document)
        assert made.totals is not None
        assert made.totals.gross == document.total
        assert made.totals.tax.amount == Decimal(tax) + 100

    def test_tax_is_overridden_by_a_cent_at_the_most(
        self, erp: Xero, order: Make, key: str
    ) -> None:
        document = order(lines=(self.taxed("10.00", "2.05"),))

        made = erp.create(document, key=key)

        assert made.totals is not None
        assert made.totals == erp.preview(document)
        assert (made.totals.tax.amount, document.total.amount) == (
            Decimal("2.01"),
            Decimal("12.05"),  # four cents are the rounding line's
        )

    def test_two_taxes_of_one_code_are_one(self, erp: Xero, order: Make) -> None:
        half = LineTax(self.TAX_20, Money(Decimal("1.00"), "GBP"))
        line = replace(self.line("10.00"), taxes=(half, half))

        assert erp.preview(order(lines=(line,))).tax.amount == Decimal("2.00")

    def test_two_rates_on_one_line_are_more_than_xero_can(
        self, erp: Xero, order: Make, key: str
    ) -> None:
        other = LineTax(self.TAX_5, Money(Decimal("0.50"), "GBP"))
        line = replace(self.line("10.00"), taxes=(*self.line("10.00").taxes, other))

        with pytest.raises(UnsupportedError, match="OUTPUT2 and RROUTPUT"):
            erp.create(order(lines=(line,)), key=key)

        assert erp.find(Kind.SALES_ORDER, key) == ()

    def test_a_tax_is_known_by_its_name_too(
        self, erp: Xero, desk: Desk, order: Make, key: str
    ) -> None:
        named = desk.rows("TaxRates")[1]["Name"]
        document = order(lines=(self.taxed("10.00", "2.00", code=named),))

        assert self.row(erp.create(document, key=key))["LineItems"][0]["TaxType"] == "OUTPUT2"

    # --- repeated, lost, taken ----------------------------------------------------------

    @pytest.mark.parametrize("remembered", [True, False])
    def test_a_repetition_is_the_first_whether_xero_remembers_it_or_not(
        self, erp: Xero, xero: FakeXero, order: Make, key: str, *, remembered: bool
    ) -> None:
        if not remembered:
            xero.retention = dt.timedelta(0)
        first = erp.create(order(), key=key)

        assert erp.create(order(), key=key).ref == first.ref
        assert len(self._desk.rows("Invoices")) == 1

    def test_a_number_that_something_else_has_is_refused(
        self, erp: Xero, order: Make, key: str
    ) -> None:
        erp.create(order(lines=(self.line("99.00"),)), key=key)

        with pytest.raises(DuplicateError):
            erp.create(order(), key=key)

    def test_a_number_of_a_voided_invoice_is_never_free_again(
        self, erp: Xero, xero: FakeXero, order: Make, key: str
    ) -> None:
        xero.retention = dt.timedelta(0)
        erp.void(erp.create(order(), key=key))

        with pytest.raises(DuplicateError):
            erp.create(order(), key=key)

    def test_a_create_that_is_not_answered_may_have_taken_effect(
        self, erp: Xero, xero: FakeXero, order: Make, key: str
    ) -> None:
        document = order()
        erp.preview(document)
        xero.after = lost
        with pytest.raises(UnavailableError) as caught:
            erp.create(document, key=key)
        xero.after = lambda _: None

        assert caught.value.sent
        assert len(erp.find(Kind.SALES_ORDER, key)) == 1

    def test_master_data_that_is_not_answered_made_nothing(
        self, xero: FakeXero, order: Make, key: str
    ) -> None:
        document = order()
        fresh = connected(xero)
        xero.hook = lost
        with pytest.raises(UnavailableError) as caught:
            fresh.create(document, key=key)

        assert caught.value.sent is False

    def test_too_many_calls_made_nothing(
        self, erp: Xero, xero: FakeXero, order: Make, key: str
    ) -> None:
        document = order()
        erp.preview(document)
        xero.hook = lambda _: too_many("minute", 9)
        with pytest.raises(RateLimitedError) as caught:
            erp.create(document, key=key)
        xero.hook = lambda _: None

        assert caught.value.retry_after == 9
        assert erp.find(Kind.SALES_ORDER, key) == ()

    def test_confirming_twice_at_once_is_confirming_once(
        self, erp: Xero, xero: FakeXero, order: Make, key: str
    ) -> None:
        """By the time we come the other has taken the money too, so Xero refuses us."""
        made = erp.create(order(), key=key)
        self._desk.approve(made.ref.id)
        self._desk.pay(made.ref.id)

        assert erp.advance(made, State.CONFIRMED).state is State.CONFIRMED

    def test_what_was_deleted_is_not_confirmed(self, erp: Xero, order: Make, key: str) -> None:
        made = erp.create(order(), key=key)
        self._desk.void(made.ref.id)

        with pytest.raises(RejectedError):
            erp.advance(made, State.CONFIRMED)

    def test_an_order_of_nothing_is_paid_at_once_and_confirmed(
        self, erp: Xero, order: Make, key: str
    ) -> None:
        made = erp.create(order(lines=(self.line("0.00"),)), key=key)

        assert erp.advance(made, State.CONFIRMED).state is State.CONFIRMED

    # --- who it is for ------------------------------------------------------------------

    def test_an_archived_customer_is_one_again(
        self, erp: Xero, order: Make, key: str, buyer: Record
    ) -> None:
        self._desk.archive_contact(buyer.ref.id)

        erp.create(order(), key=key)

        (contact,) = self._desk.rows("Contacts")
        assert contact["ContactStatus"] == "ACTIVE"

    def test_who_asked_to_be_forgotten_is_not_brought_back(
        self, erp: Xero, order: Make, key: str, buyer: Record, party: Make
    ) -> None:
        self._desk.edit_contact(buyer.ref.id, ContactStatus="GDPRREQUEST", EmailAddress="")

        with pytest.raises(RejectedError, match=r"GDPRREQUEST.*replay"):
            erp.create(order(), key=key)

        (contact,) = self._desk.rows("Contacts")
        assert contact["ContactStatus"] == "GDPRREQUEST"
        # What the replay asks: that one is gone, so another is made.
        assert erp.get(buyer.ref) is None
        assert erp.match(party().party, "email") == ()
        another = erp.create(party(), key=f"{buyer.number}-2")
        assert erp.create(order(party=another.ref), key=key).state is State.QUOTATION

    def test_nothing_is_written_on_who_asked_to_be_forgotten(
        self, erp: Xero, buyer: Record
    ) -> None:
        _, version = erp.profile(buyer.ref) or (None, "")
        self._desk.edit_contact(buyer.ref.id, ContactStatus="GDPRREQUEST")

        with pytest.raises(RejectedError, match="forgotten"):
            erp.update_profile(buyer.ref, Profile(phone="1"), version=version)
        with pytest.raises(RejectedError, match="forgotten"):
            erp.add_address(buyer.ref, Address(street="2 High Street", country="GB"))
        erp.archive(buyer.ref)
        assert erp.profile(buyer.ref) is None
        assert erp.profiles([buyer.ref]) == {}
        (contact,) = self._desk.rows("Contacts")
        assert contact["ContactStatus"] == "GDPRREQUEST"

    def test_an_archived_customers_order_can_be_changed(
        self, erp: Xero, order: Make, key: str, buyer: Record
    ) -> None:
        made = erp.create(order(), key=key)
        erp.archive(buyer.ref)
        other = order(lines=(self.line("12.49"),))

        assert erp.amend(made, other).totals == erp.preview(other)

    def test_a_merged_customers_order_is_the_others(
        self, erp: Xero, order: Make, key: str, buyer: Record
    ) -> None:
        document = order()
        other = self._desk.add_contact("Maria Smith")
        self._desk.merge_contact(buyer.ref.id, other)

        row = self.row(erp.create(document, key=key))

        assert row["Contact"]["ContactID"] == other

    def test_an_address_that_the_contact_has_no_place_for_is_on_the_invoice(
        self, erp: Xero, order: Make, key: str, buyer: Record, party: Make
    ) -> None:
        home = party().party.billing
        erp.add_address(buyer.ref, replace(home, street="2 Low Street"))
        third = erp.add_address(buyer.ref, replace(home, street="3 Side Street"))

        row = self.row(erp.create(order(shipping_address=third), key=key))

        assert row["LineItems"][-1]["Description"] == (
            "Deliver to: Maria Jones, 3 Side Street, Leeds, LS1 1AA, United Kingdom"
        )

    def test_an_order_is_found_by_its_number_behind_which_the_buyers_own_stands(
        self, erp: Xero, xero: FakeXero, order: Make, key: str
    ) -> None:
        made = [
            erp.create(order(number=number, po_number=own), key=f"{key}-{number}")
            for number, own in (("1042", "PO 55"), ("1043", ""), ("10420", ""), ("9", "1042"))
        ]
        before = xero.calls["GET Invoices"]

        found = erp.numbered(Kind.SALES_ORDER, ["1042", "1043", 'no "such"', "77"])

        assert {each.record.ref: each.reference for each in found} == {
            made[0].ref: "1042",
            made[1].ref: "1043",
        }
        assert xero.calls["GET Invoices"] - before == 1

    # --- changed and voided ---------------------------------------------------------------

    def test_an_edit_taken_back_and_made_again_is_made(
        self, erp: Xero, order: Make, key: str, clock: Clock
    ) -> None:
        """Within minutes, while Xero would answer the same request from its memory."""
        first, second = order(), order(lines=(self.line("12.49"),))
        made = erp.create(first, key=key)
        for document in (second, first, second):
            clock.now += dt.timedelta(seconds=1)
            erp.amend(made, document)

        (found,) = erp.find(Kind.SALES_ORDER, key)
        assert found.totals == erp.preview(second)

    @pytest.mark.parametrize("credit", [False, True])
    def test_an_invoice_with_money_or_credit_is_not_voided(
        self, erp: Xero, order: Make, key: str, *, credit: bool
    ) -> None:
        sold = erp.advance(erp.create(order(), key=key), State.CONFIRMED)
        if credit:
            self._desk.credit(sold.ref.id)
        else:
            self._desk.pay(sold.ref.id, amount=Decimal(1))
        before = self.row(sold)

        with pytest.raises(DisagreementError) as caught:
            erp.void(sold)

        assert (caught.value.reason, caught.value.owner) == ("invoiced", "finance")
        assert self.row(sold) == before

    def test_money_that_comes_while_it_is_voided_wins(
        self, erp: Xero, xero: FakeXero, order: Make, key: str
    ) -> None:
        sold = erp.advance(erp.create(order(), key=key), State.CONFIRMED)

        def pay_first(call: str) -> httpx.Response | None:
            if call == "POST Invoices":
                xero.hook = lambda _: None
                self._desk.pay(sold.ref.id)
            return None

        xero.hook = pay_first
        with pytest.raises(DisagreementError) as caught:
            erp.void(sold)

        assert caught.value.reason == "invoiced"

    # --- closed books ---------------------------------------------------------------------

    def test_a_locked_day_takes_no_order(self, erp: Xero, order: Make, key: str) -> None:
        made = erp.create(order(), key=key)
        self._desk.lock_until(order().placed_on)

        with pytest.raises(UnmappedError) as caught:
            erp.advance(made, State.CONFIRMED)

        assert caught.value.causes == (f"period:{order().placed_on:%Y-%m}",)

    def test_of_a_locked_day_nothing_is_voided(self, erp: Xero, order: Make, key: str) -> None:
        sold = erp.advance(erp.create(order(), key=key), State.CONFIRMED)
        self._desk.lock_until(order().placed_on, end_of_year=True)

        with pytest.raises(DisagreementError, match="locked") as caught:
            erp.void(sold)

        assert caught.value.reason == "invoiced"

    # --- money ------------------------------------------------------------------------------

    def paid(self, erp: Xero, document: SalesDocument, key: str) -> PaymentDocument:
        sold = erp.advance(erp.create(document, key=key), State.CONFIRMED)
        return PaymentDocument(
            order=sold.ref,
            party=document.party,
            amount=document.total,
            received_on=document.placed_on,
            account=self.ACCOUNT,
            reference="ch_1",
        )

    @pytest.mark.parametrize("account", ["Web payments", "091"])
    def test_an_account_is_known_by_name_or_code(
        self, erp: Xero, order: Make, key: str, account: str
    ) -> None:
        payment = replace(self.paid(erp, order(), key), account=account)

        made = erp.create(payment, key=f"{key}:payment")

        (row,) = self._desk.rows("Payments")
        assert row["Account"]["Code"] == "091"
        assert (row["Reference"], made.key) == (f"{key}:payment", f"{key}:payment")

    @pytest.mark.parametrize("remembered", [True, False])
    def test_a_payment_is_made_once_whether_xero_remembers_it_or_not(
        self, erp: Xero, xero: FakeXero, order: Make, key: str, *, remembered: bool
    ) -> None:
        if not remembered:
            xero.retention = dt.timedelta(0)
        payment = self.paid(erp, order(), key)
        first = erp.create(payment, key=f"{key}:payment")

        assert erp.create(payment, key=f"{key}:payment").ref == first.ref
        assert len(self._desk.rows("Payments")) == 1

    def test_more_than_is_owed_is_refused(self, erp: Xero, order: Make, key: str) -> None:
        payment = self.paid(erp, order(), key)
        more = payment.amount + Money(CENT, "GBP")

        with pytest.raises(PaidByHandError, match="exceeds") as caught:
            erp.create(replace(payment, amount=more), key=f"{key}:payment")

        assert (caught.value.is_all, caught.value.is_settled) == (False, False)

    @pytest.mark.parametrize(("cents", "is_all"), [(0, True), (-5, False)])
    def test_money_that_a_person_booked_before_says_whether_it_is_all(
        self, erp: Xero, order: Make, key: str, cents: int, *, is_all: bool
    ) -> None:
        payment = self.paid(erp, order(), key)
        self._desk.pay(payment.order.id, amount=payment.amount.amount + cents * CENT)

        with pytest.raises(PaidByHandError) as caught:
            erp.create(payment, key=f"{key}:payment")

        assert (caught.value.is_all, caught.value.is_settled) == (is_all, is_all)

    def test_what_a_person_credited_before_settles_it_without_being_money(
        self, erp: Xero, order: Make, key: str
    ) -> None:
        payment = self.paid(erp, order(), key)
        self._desk.pay(payment.order.id, amount=CENT)
        self._desk.credit(payment.order.id)

        with pytest.raises(PaidByHandError) as caught:
            erp.create(payment, key=f"{key}:payment")

        assert (caught.value.is_all, caught.value.is_settled) == (False, True)

    def test_a_payment_that_is_refused_while_nothing_can_be_read_is_tried_again(
        self, erp: Xero, xero: FakeXero, order: Make, key: str
    ) -> None:
        payment = self.paid(erp, order(), key)
        self._desk.pay(payment.order.id)
        down = httpx.Response(503)
        xero.hook = lambda call: down if call == "GET Invoices" else None

        with pytest.raises(UnavailableError):
            erp.create(payment, key=f"{key}:payment")

    def test_a_payment_that_a_person_deleted_is_found_voided(
        self, erp: Xero, order: Make, key: str
    ) -> None:
        made = erp.create(self.paid(erp, order(), key), key=f"{key}:payment")
        self._desk.undo_payment(made.ref.id)

        assert [found.state for found in erp.find(Kind.PAYMENT, f"{key}:payment")] == [State.VOIDED]

    def test_a_payment_can_be_got(self, erp: Xero, order: Make, key: str) -> None:
        made = erp.create(self.paid(erp, order(), key), key=f"{key}:payment")

        found = erp.get(made.ref)

        assert found is not None
        assert (found.ref, found.totals) == (made.ref, made.totals)
        assert erp.get(Ref("main", Kind.PAYMENT, "987654321")) is None

    def test_an_account_that_takes_no_payments_is_not_held(
        self, erp: Xero, order: Make, key: str
    ) -> None:
        payment = replace(self.paid(erp, order(), key), account="4000")

        with pytest.raises(UnmappedError) as caught:
            erp.create(payment, key=f"{key}:payment")

        assert caught.value.causes == ("account:4000",)


Hook = Callable[[str], httpx.Response | None]


def lost(_: str) -> httpx.Response | None:
    raise httpx.ReadTimeout("the answer is lost")
