"""What every back office promises of an order once it is there, until its end.

Changed, cancelled, shipped, invoiced, credited; told of; and the customer behind it.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import (
    DisagreementError,
    DuplicateError,
    RejectedError,
    StaleVersionError,
    UnavailableError,
    UnmappedError,
)
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    DocumentLine,
    Kind,
    PaymentDocument,
    Record,
    ReturnDocument,
    SalesDocument,
    State,
)
from accord.model.keys import payment_key, refund_key
from accord.model.money import Money
from accord.model.party import Profile
from accord.model.progress import Invoice, News, Progress
from accord.ports.erp import ErpAdapter
from accord.ports.redating import Redates
from tests.erp.comparison import ComparisonContract
from tests.erp.promises import Make

ODD_BASKETS = (
    "a discount as a negative fee",
    "two rates and shipping",
    "a price that does not divide",
    "cents that round up on every line",
)
"""Those of BASKETS in which a cent is easily lost."""

CALLS: dict[str, Callable[[ErpAdapter, Record, Any], object]] = {
    "amend": lambda erp, record, document: erp.amend(record, document),
    "void": lambda erp, record, _: erp.void(record),
    "progress": lambda erp, record, _: erp.progress(record.ref),
    "changes": lambda erp, *_: erp.changes(Kind.PARTY, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
    "reconcile": lambda erp, record, _: erp.reconcile(record.ref, ()),
    "open_day": lambda erp, *_: erp.open_day(Kind.PAYMENT, dt.date(2026, 1, 1)),
    "document": lambda erp, record, _: erp.document(replace(record.ref, kind=Kind.INVOICE)),
    "profile": lambda erp, _, document: erp.profile(document.party),
    "profiles": lambda erp, _, document: erp.profiles([document.party]),
    "sales": lambda erp, *_: erp.sales("uk-", dt.date(2026, 1, 1)),
    "sales_of": lambda erp, *_: erp.sales_of(["uk-1"]),
    "update_profile": lambda erp, _, document: erp.update_profile(
        document.party, Profile(phone="1"), version="1"
    ),
    "archive": lambda erp, _, document: erp.archive(document.party),
}


class LifeContract(ComparisonContract):
    """What every back office promises of the rest of an order's life."""

    # --- orders that stand somewhere ---------------------------------------------------

    @pytest.fixture
    def basket_of_three(self) -> tuple[DocumentLine, ...]:
        """Three pieces of goods, and a service: 34.99 and 7.00 of tax."""
        service = replace(self.line("4.99", item=self.SERVICE), source="2")
        return (self.line("30.00", quantity="3"), service)

    @pytest.fixture
    def document(self, order: Make, basket_of_three: tuple[DocumentLine, ...]) -> SalesDocument:
        whole: SalesDocument = order(lines=basket_of_three)
        return whole

    @pytest.fixture
    def draft(self, erp: ErpAdapter, document: SalesDocument, key: str) -> Record:
        return erp.create(document, key=key)

    @pytest.fixture
    def sold(self, erp: ErpAdapter, draft: Record) -> Record:
        """A confirmed order of ``basket_of_three``."""
        return erp.advance(draft, State.CONFIRMED)

    @pytest.fixture
    def sends(self, erp: ErpAdapter) -> None:
        """What is sold leaves by a shipment."""
        if Kind.SHIPMENT not in erp.capabilities.tells:
            pytest.skip("it knows no shipments")

    @pytest.fixture
    def bills(self, erp: ErpAdapter) -> None:
        """An invoice is a document of its own, and money stands by itself."""
        if erp.capabilities.is_invoice:
            pytest.skip("a confirmed order is the invoice, and its money is of that")

    def progress(self, erp: ErpAdapter, record: Record) -> Progress:
        found = erp.progress(record.ref)
        assert found is not None
        return found

    def state(self, erp: ErpAdapter, record: Record) -> State:
        found = erp.get(record.ref)
        assert found is not None
        return found.state

    @pytest.mark.parametrize("name", CALLS)
    def test_who_cannot_be_reached_answers_nothing(
        self, unreachable: ErpAdapter, draft: Record, document: SalesDocument, name: str
    ) -> None:
        with pytest.raises(UnavailableError):
            CALLS[name](unreachable, draft, document)

    # --- changed as a whole ------------------------------------------------------------

    @pytest.fixture(params=[State.DRAFT, State.QUOTATION])
    def changeable(self, erp: ErpAdapter, draft: Record, request: pytest.FixtureRequest) -> Record:
        """An order in each state in which it can be changed."""
        if request.param not in erp.capabilities.amends:
            pytest.skip(f"a {request.param} cannot be changed there")
        return erp.advance(draft, request.param) if request.param != State.DRAFT else draft

    @pytest.fixture
    def other(self, order: Make) -> SalesDocument:
        """The same order, saying something else."""
        lines = (self.line("12.49"), self.line("33.33", quantity="7", tax=self.TAX_5))
        whole: SalesDocument = order(lines=lines, comment="Ring twice")
        return whole

    def test_a_changed_order_is_in_its_first_state(
        self, erp: ErpAdapter, changeable: Record, other: SalesDocument
    ) -> None:
        assert erp.amend(changeable, other).state is self.first(erp)

    def test_a_changed_order_is_the_same_order(
        self, erp: ErpAdapter, changeable: Record, other: SalesDocument, key: str
    ) -> None:
        erp.amend(changeable, other)

        assert [found.ref for found in erp.find(Kind.SALES_ORDER, key)] == [changeable.ref]

    def test_a_changed_order_has_fresh_totals(
        self, erp: ErpAdapter, changeable: Record, other: SalesDocument
    ) -> None:
        quoted = erp.advance(erp.amend(changeable, other), State.QUOTATION)

        assert quoted.totals == erp.preview(other)

    def test_a_changed_quotation_keeps_its_number(
        self, erp: ErpAdapter, changeable: Record, other: SalesDocument
    ) -> None:
        quoted = erp.advance(erp.amend(changeable, other), State.QUOTATION)

        assert quoted.number == changeable.number or not changeable.number

    def test_changing_twice_is_changing_once(
        self, erp: ErpAdapter, changeable: Record, other: SalesDocument
    ) -> None:
        erp.amend(changeable, other)
        again = erp.amend(changeable, other)  # as after a crash: what was seen is the old one

        assert erp.advance(again, State.QUOTATION).totals == erp.preview(other)

    def test_a_changed_order_is_confirmed_like_any(
        self, erp: ErpAdapter, changeable: Record, other: SalesDocument
    ) -> None:
        confirmed = erp.advance(erp.amend(changeable, other), State.CONFIRMED)

        assert confirmed.state is State.CONFIRMED

    def test_a_change_to_unknown_codes_changes_nothing(
        self, erp: ErpAdapter, changeable: Record, document: SalesDocument
    ) -> None:
        with pytest.raises(UnmappedError):
            erp.amend(changeable, replace(document, lines=(self.line(item="NO-SUCH-1"),)))

        quoted = erp.advance(changeable, State.QUOTATION)
        assert quoted.totals == erp.preview(document)

    def test_a_confirmed_order_is_not_changed(
        self, erp: ErpAdapter, sold: Record, other: SalesDocument
    ) -> None:
        with pytest.raises(RejectedError):
            erp.amend(sold, other)

    def test_a_cancelled_order_is_not_changed(
        self, erp: ErpAdapter, draft: Record, other: SalesDocument
    ) -> None:
        self.cancel_by_hand(erp, draft)

        with pytest.raises(RejectedError):
            erp.amend(draft, other)

    # --- cancelled ---------------------------------------------------------------------

    @pytest.mark.parametrize("state", [State.DRAFT, State.QUOTATION, State.CONFIRMED])
    def test_an_order_of_which_nothing_happened_is_cancelled(
        self, erp: ErpAdapter, draft: Record, state: State
    ) -> None:
        record = draft if state is State.DRAFT else erp.advance(draft, state)

        assert erp.void(record).state is State.VOIDED

    @pytest.mark.parametrize("state", [State.DRAFT, State.CONFIRMED])
    def test_a_cancelled_order_is_found_cancelled(
        self, erp: ErpAdapter, draft: Record, key: str, state: State
    ) -> None:
        erp.void(draft if state is State.DRAFT else erp.advance(draft, state))

        assert [found.state for found in erp.find(Kind.SALES_ORDER, key)] == [State.VOIDED]

    @pytest.mark.parametrize("state", [State.DRAFT, State.CONFIRMED])
    def test_cancelling_twice_is_cancelling_once(
        self, erp: ErpAdapter, draft: Record, state: State
    ) -> None:
        record = draft if state is State.DRAFT else erp.advance(draft, state)
        erp.void(record)

        assert erp.void(record).state is State.VOIDED

    def test_what_a_person_cancelled_is_cancelled_already(
        self, erp: ErpAdapter, sold: Record
    ) -> None:
        self.cancel_by_hand(erp, sold)

        assert erp.void(sold).state is State.VOIDED

    def test_of_a_cancelled_order_nothing_is_shipped_or_invoiced(
        self, erp: ErpAdapter, sold: Record
    ) -> None:
        erp.void(sold)

        progress = self.progress(erp, sold)
        assert {each.state for each in progress.shipments} <= {"cancelled"}
        assert {each.state for each in progress.invoices} <= {"cancelled"}

    @pytest.mark.usefixtures("sends")
    def test_an_order_whose_goods_left_is_not_cancelled(
        self, erp: ErpAdapter, sold: Record
    ) -> None:
        self.ship(erp, sold, {self.ITEM: Decimal(1)})

        with pytest.raises(DisagreementError) as caught:
            erp.void(sold)

        assert (caught.value.reason, caught.value.owner) == ("goods_left", "warehouse")

    @pytest.mark.usefixtures("bills")
    def test_an_order_that_was_invoiced_is_not_cancelled(
        self, erp: ErpAdapter, sold: Record
    ) -> None:
        self.post_invoice(erp, sold)

        with pytest.raises(DisagreementError) as caught:
            erp.void(sold)

        assert (caught.value.reason, caught.value.owner) == ("invoiced", "finance")

    @pytest.mark.usefixtures("sends")
    def test_what_is_not_cancelled_stands_as_it_did(self, erp: ErpAdapter, sold: Record) -> None:
        self.ship(erp, sold, {self.ITEM: Decimal(1)})
        before = self.progress(erp, sold)

        with pytest.raises(DisagreementError):
            erp.void(sold)

        assert self.progress(erp, sold) == before

    # --- how far it has come -------------------------------------------------------------

    def test_of_no_order_there_is_no_progress(self, erp: ErpAdapter, buyer: Record) -> None:
        assert erp.progress(Ref(buyer.ref.system, Kind.SALES_ORDER, "987654321")) is None

    def test_of_a_draft_nothing_came(self, erp: ErpAdapter, draft: Record) -> None:
        progress = self.progress(erp, draft)

        assert (progress.shipped, progress.shipments, progress.invoices) == ("none", (), ())

    def test_progress_shows_the_order(self, erp: ErpAdapter, sold: Record, key: str) -> None:
        order = self.progress(erp, sold).order

        assert (order.ref, order.key, order.state) == (sold.ref, key, State.CONFIRMED)
        assert order.totals == sold.totals or sold.totals is None

    def test_nothing_is_shipped_at_first(self, erp: ErpAdapter, sold: Record) -> None:
        assert self.progress(erp, sold).shipped == "none"

    @pytest.mark.usefixtures("sends")
    def test_a_part_is_shipped(self, erp: ErpAdapter, sold: Record) -> None:
        self.ship(erp, sold, {self.ITEM: Decimal(1)})

        assert self.progress(erp, sold).shipped == "part"

    @pytest.mark.usefixtures("sends")
    def test_all_goods_are_shipped(self, erp: ErpAdapter, sold: Record) -> None:
        self.ship(erp, sold, {self.ITEM: Decimal(1)})
        self.ship(erp, sold)

        assert self.progress(erp, sold).shipped == "all"

    @pytest.mark.usefixtures("sends")
    def test_services_are_not_waited_for(self, erp: ErpAdapter, order: Make, key: str) -> None:
        document = order(lines=(self.line("4.99", item=self.SERVICE),))
        confirmed = erp.advance(erp.create(document, key=key), State.CONFIRMED)

        assert self.progress(erp, confirmed).shipped == "all"

    @pytest.mark.usefixtures("sends")
    def test_a_shipment_says_what_left_and_when(self, erp: ErpAdapter, sold: Record) -> None:
        self.ship(erp, sold, {self.ITEM: Decimal(1)})

        (done,) = (each for each in self.progress(erp, sold).shipments if each.state == "done")
        assert done.lines == ((self.ITEM, Decimal(1)),)
        assert done.shipped_on is not None
        assert done.number

    @pytest.mark.usefixtures("sends")
    def test_a_shipment_says_its_tracking_number(self, erp: ErpAdapter, sold: Record) -> None:
        self.ship(erp, sold, tracking="RM123456785GB")

        (done,) = (each for each in self.progress(erp, sold).shipments if each.state == "done")
        assert done.tracking == "RM123456785GB"

    @pytest.mark.usefixtures("sends")
    def test_shipments_add_up_to_what_was_ordered(self, erp: ErpAdapter, sold: Record) -> None:
        self.ship(erp, sold, {self.ITEM: Decimal(1)})
        self.ship(erp, sold)

        left = [
            quantity for each in self.progress(erp, sold).shipments for _, quantity in each.lines
        ]
        assert sum(left) == 3

    @pytest.mark.usefixtures("bills")
    def test_an_invoice_that_is_not_posted_does_not_count(
        self, erp: ErpAdapter, sold: Record
    ) -> None:
        assert not any(each.is_booked for each in self.progress(erp, sold).invoices)

    def test_a_posted_invoice_is_shown(self, erp: ErpAdapter, sold: Record) -> None:
        self.post_invoice(erp, sold)

        (invoice,) = self.progress(erp, sold).invoices
        assert (invoice.kind, invoice.is_booked, invoice.key) == (Kind.INVOICE, True, None)
        assert invoice.number
        assert invoice.issued_on is not None

    def test_an_invoice_is_of_the_orders_total(
        self, erp: ErpAdapter, sold: Record, document: SalesDocument
    ) -> None:
        self.post_invoice(erp, sold)

        (invoice,) = self.progress(erp, sold).invoices
        assert invoice.totals == erp.preview(document)

    # --- taken back ----------------------------------------------------------------------

    @pytest.fixture
    def shipped(self, erp: ErpAdapter, sends: None, sold: Record) -> Record:
        self.ship(erp, sold)
        return sold

    @pytest.fixture
    def goods_back(self, erp: ErpAdapter, buyer: Record, shipped: Record) -> Make:
        """Makes a ReturnDocument of ``shipped``, of two of the three pieces unless it is said."""
        if not erp.capabilities.can(Kind.RETURN):
            pytest.skip("it takes no announced returns")

        def make(pieces: str = "2", item: str = self.ITEM) -> ReturnDocument:
            address = buyer.addresses[0][1]
            return ReturnDocument(
                number="1042",
                order=shipped.ref,
                party=buyer.ref,
                billing_address=address,
                shipping_address=address,
                currency=self.CURRENCY,
                returned_on=self.moment().date(),
                lines=((item, Decimal(pieces)),),
                comment="Return 1 of web order 1042",
            )

        return make

    def test_a_return_begins_as_a_draft(self, erp: ErpAdapter, goods_back: Make, key: str) -> None:
        assert erp.create(goods_back(), key=f"{key}-b1").state is State.DRAFT

    def test_an_open_return_has_a_number(self, erp: ErpAdapter, goods_back: Make, key: str) -> None:
        opened = erp.advance(erp.create(goods_back(), key=f"{key}-b1"), State.CONFIRMED)

        assert opened.number
        assert opened.state is State.CONFIRMED

    def test_opening_twice_is_opening_once(
        self, erp: ErpAdapter, goods_back: Make, shipped: Record, key: str
    ) -> None:
        draft = erp.create(goods_back(), key=f"{key}-b1")
        erp.advance(draft, State.CONFIRMED)
        again = erp.advance(draft, State.CONFIRMED)  # as after a crash

        assert again.state is State.CONFIRMED
        assert self.receive_return(erp, shipped) == {self.ITEM: Decimal(2)}

    def test_a_return_is_found_by_its_key_and_got(
        self, erp: ErpAdapter, goods_back: Make, key: str
    ) -> None:
        made = erp.create(goods_back(), key=f"{key}-b1")

        assert [found.ref for found in erp.find(Kind.RETURN, f"{key}-b1")] == [made.ref]
        assert self.state(erp, made) is State.DRAFT

    def test_a_second_return_with_the_key_is_as_declared(
        self, erp: ErpAdapter, goods_back: Make, key: str
    ) -> None:
        first = erp.create(goods_back(), key=f"{key}-b1")
        match erp.capabilities.duplicates[Kind.RETURN]:
            case "refused":
                with pytest.raises(DuplicateError):
                    erp.create(goods_back(), key=f"{key}-b1")
            case "same_answer":
                assert erp.create(goods_back(), key=f"{key}-b1").ref == first.ref
            case "possible":
                assert erp.create(goods_back(), key=f"{key}-b1").ref != first.ref

    def test_what_comes_back_in_parts_is_received_together(
        self, erp: ErpAdapter, goods_back: Make, shipped: Record, key: str
    ) -> None:
        for nth, pieces in ((1, "2"), (2, "1")):
            made = erp.create(goods_back(pieces), key=f"{key}-b{nth}")
            erp.advance(made, State.CONFIRMED)

        assert self.receive_return(erp, shipped) == {self.ITEM: Decimal(3)}

    def test_a_return_leaves_its_order_as_it_was(
        self, erp: ErpAdapter, goods_back: Make, shipped: Record, key: str
    ) -> None:
        before = self.progress(erp, shipped)
        erp.advance(erp.create(goods_back(), key=f"{key}-b1"), State.CONFIRMED)
        self.receive_return(erp, shipped)

        now = self.progress(erp, shipped)
        assert replace(now, order=before.order) == before
        assert (now.order.state, now.order.totals) == (before.order.state, before.order.totals)

    def test_a_return_is_not_told_as_its_orders_change(
        self, erp: ErpAdapter, goods_back: Make, shipped: Record, key: str
    ) -> None:
        since = self.moment()
        erp.advance(erp.create(goods_back(), key=f"{key}-b1"), State.CONFIRMED)
        self.receive_return(erp, shipped)

        for kind in erp.capabilities.tells & {Kind.SHIPMENT, Kind.INVOICE}:
            assert self.told(erp, kind, since) == []
        news = self.told(erp, Kind.SALES_ORDER, since)
        assert [each for each in news if each.order == shipped.ref] == []

    def test_a_return_of_unknown_codes_makes_nothing(
        self, erp: ErpAdapter, goods_back: Make, key: str
    ) -> None:
        with pytest.raises(UnmappedError):
            erp.create(goods_back(item="NO-SUCH-1"), key=f"{key}-b1")

        assert erp.find(Kind.RETURN, f"{key}-b1") == ()

    # --- credited ------------------------------------------------------------------------

    @pytest.fixture
    def credit(self, erp: ErpAdapter, buyer: Record, sold: Record) -> Make:
        """Makes a CreditDocument of ``sold``: one of the three pieces, if nothing else is said."""
        if not erp.capabilities.can(Kind.CREDIT_NOTE):
            pytest.skip("it holds no credit notes")

        def make(*lines: DocumentLine, order: Record = sold) -> CreditDocument:
            taken = lines or (self.line("10.00"),)
            amounts = [line.net for line in taken]
            amounts += [tax.amount for line in taken for tax in line.taxes]
            return CreditDocument(
                number="1",
                order=order.ref,
                party=buyer.ref,
                billing_address=buyer.addresses[0][1],
                currency=self.CURRENCY,
                issued_on=self.moment().date(),
                lines=taken,
                total=Money.total(amounts, self.CURRENCY),
                comment="Broken",
            )

        return make

    def credited(self, erp: ErpAdapter, order: Record) -> list[Invoice]:
        invoices = self.progress(erp, order).invoices
        return [each for each in invoices if each.kind is Kind.CREDIT_NOTE]

    def test_a_credit_note_begins_as_a_draft(self, erp: ErpAdapter, credit: Make, key: str) -> None:
        assert erp.create(credit(), key=f"{key}-r1").state is State.DRAFT

    def test_a_credit_notes_totals_are_positive(
        self, erp: ErpAdapter, credit: Make, key: str
    ) -> None:
        made = erp.create(credit(), key=f"{key}-r1")

        assert made.totals is not None
        assert made.totals.gross == Money(Decimal("12.00"), self.CURRENCY)

    @pytest.mark.parametrize("basket", ODD_BASKETS)
    def test_the_totals_of_a_credit_note_are_those_that_were_foretold(
        self, erp: ErpAdapter, credit: Make, order: Make, key: str, basket: str
    ) -> None:
        document = order(lines=self.basket(basket))
        confirmed = erp.advance(erp.create(document, key=f"{key}-odd"), State.CONFIRMED)
        back = credit(*document.lines, order=confirmed)

        made = erp.create(back, key=f"{key}-r1")

        assert made.totals == erp.preview(back) == erp.preview(document)

    def test_a_cent_that_rounding_left_is_credited_too(
        self, erp: ErpAdapter, credit: Make, key: str
    ) -> None:
        cent = replace(self.line("0.01", item=self.SERVICE), taxes=(), source=None)
        back = credit(self.line("10.00"), cent)

        made = erp.create(back, key=f"{key}-r1")

        assert made.totals is not None
        assert made.totals.gross == back.total == Money(Decimal("12.01"), self.CURRENCY)

    def test_an_amount_on_an_account_is_credited(
        self, erp: ErpAdapter, credit: Make, key: str
    ) -> None:
        text = replace(self.line("2.50"), item=None, account=self.INCOME_ACCOUNT, source=None)

        made = erp.create(credit(text), key=f"{key}-r1")

        assert made.totals is not None
        assert made.totals.net.amount == Decimal("2.50")

    def test_money_of_an_item_is_credited_without_a_piece_of_it(
        self, erp: ErpAdapter, credit: Make, key: str
    ) -> None:
        reduction = replace(self.line("2.50"), quantity=Decimal(0))
        back = credit(reduction)

        made = erp.create(back, key=f"{key}-r1")

        assert made.totals == erp.preview(back)
        assert made.totals is not None
        assert (made.totals.net.amount, made.totals.gross) == (Decimal("2.50"), back.total)

    def test_a_booked_credit_note_has_a_number(
        self, erp: ErpAdapter, credit: Make, key: str
    ) -> None:
        booked = erp.advance(erp.create(credit(), key=f"{key}-r1"), State.CONFIRMED)

        assert booked.state is State.CONFIRMED
        assert booked.number

    def test_booking_twice_is_booking_once(self, erp: ErpAdapter, credit: Make, key: str) -> None:
        made = erp.create(credit(), key=f"{key}-r1")
        first = erp.advance(made, State.CONFIRMED)

        again = erp.advance(made, State.CONFIRMED)

        assert (again.state, again.number, again.totals) == (
            first.state,
            first.number,
            first.totals,
        )

    def test_a_credit_note_is_found_by_its_key(
        self, erp: ErpAdapter, credit: Make, key: str
    ) -> None:
        made = erp.create(credit(), key=f"{key}-r1")

        found = erp.find(Kind.CREDIT_NOTE, f"{key}-r1")

        assert [(each.ref, each.key, each.totals) for each in found] == [
            (made.ref, f"{key}-r1", made.totals)
        ]

    def test_a_credit_note_can_be_got(self, erp: ErpAdapter, credit: Make, key: str) -> None:
        made = erp.create(credit(), key=f"{key}-r1")
        erp.advance(made, State.CONFIRMED)

        assert self.state(erp, made) is State.CONFIRMED

    def test_a_second_credit_note_with_the_key_is_as_declared(
        self, erp: ErpAdapter, credit: Make, key: str
    ) -> None:
        first = erp.create(credit(), key=f"{key}-r1")

        match erp.capabilities.duplicates[Kind.CREDIT_NOTE]:
            case "refused":
                with pytest.raises(DuplicateError):
                    erp.create(credit(), key=f"{key}-r1")
            case "same_answer":
                assert erp.create(credit(), key=f"{key}-r1").ref == first.ref
            case "possible":
                assert erp.create(credit(), key=f"{key}-r1").ref != first.ref

    def test_a_second_credit_note_leaves_as_many_as_declared(
        self, erp: ErpAdapter, credit: Make, key: str
    ) -> None:
        behaviour = erp.capabilities.duplicates[Kind.CREDIT_NOTE]
        erp.create(credit(), key=f"{key}-r1")
        with contextlib.suppress(DuplicateError):
            erp.create(credit(), key=f"{key}-r1")

        found = erp.find(Kind.CREDIT_NOTE, f"{key}-r1")

        assert len(found) == (2 if behaviour == "possible" else 1)

    @pytest.mark.parametrize("invoiced", [False, True])
    def test_a_credit_note_is_among_what_came_of_the_order(
        self, erp: ErpAdapter, credit: Make, sold: Record, key: str, *, invoiced: bool
    ) -> None:
        if invoiced:
            self.post_invoice(erp, sold)
        made = erp.advance(erp.create(credit(), key=f"{key}-r1"), State.CONFIRMED)

        (note,) = self.credited(erp, sold)

        assert (note.ref.id, note.key, note.number) == (made.ref.id, f"{key}-r1", made.number)
        assert (note.is_booked, note.totals) == (True, made.totals)

    def test_an_order_is_credited_in_several_parts(
        self, erp: ErpAdapter, credit: Make, sold: Record, key: str
    ) -> None:
        for n in (1, 2, 3):
            erp.advance(erp.create(credit(), key=f"{key}-r{n}"), State.CONFIRMED)

        notes = self.credited(erp, sold)

        assert [note.key for note in notes] == [f"{key}-r1", f"{key}-r2", f"{key}-r3"]
        total = Money.total((note.totals.gross for note in notes), self.CURRENCY)
        assert total.amount == Decimal("36.00")

    def test_crediting_leaves_the_invoice_as_it_was(
        self, erp: ErpAdapter, credit: Make, sold: Record, document: SalesDocument, key: str
    ) -> None:
        self.post_invoice(erp, sold)
        erp.advance(erp.create(credit(), key=f"{key}-r1"), State.CONFIRMED)

        (invoice,) = (e for e in self.progress(erp, sold).invoices if e.kind is Kind.INVOICE)
        assert invoice.totals == erp.preview(document)

    @pytest.mark.usefixtures("sends")
    def test_crediting_does_not_ship_or_hold_back(
        self, erp: ErpAdapter, credit: Make, sold: Record, key: str
    ) -> None:
        self.ship(erp, sold)
        erp.advance(erp.create(credit(), key=f"{key}-r1"), State.CONFIRMED)

        assert self.progress(erp, sold).shipped == "all"

    def test_what_a_person_credited_has_no_key_of_ours(
        self, erp: ErpAdapter, sold: Record, document: SalesDocument
    ) -> None:
        self.post_invoice(erp, sold)
        self.credit_by_hand(erp, sold)

        (note,) = self.credited(erp, sold)
        assert (note.key, note.is_booked, note.totals) == (None, True, erp.preview(document))

    def test_a_credit_note_of_unknown_codes_makes_nothing(
        self, erp: ErpAdapter, credit: Make, key: str
    ) -> None:
        with pytest.raises(UnmappedError) as caught:
            erp.create(credit(self.line(item="NO-SUCH-1")), key=f"{key}-r1")

        assert caught.value.causes == ("item:NO-SUCH-1",)
        assert erp.find(Kind.CREDIT_NOTE, f"{key}-r1") == ()

    # --- money that goes back ------------------------------------------------------------

    @pytest.mark.usefixtures("bills")
    def test_money_given_back_is_below_zero(
        self, erp: ErpAdapter, payment: PaymentDocument, key: str
    ) -> None:
        erp.create(payment, key=f"{key}-p")
        out = replace(payment, amount=Money(Decimal("-5.00"), self.CURRENCY))

        made = erp.create(out, key=f"{key}-o")

        assert made.totals is not None
        assert (made.state, made.totals.gross) == (State.CONFIRMED, out.amount)

    @pytest.mark.usefixtures("bills")
    def test_money_given_back_is_found_by_its_key(
        self, erp: ErpAdapter, payment: PaymentDocument, key: str
    ) -> None:
        out = replace(payment, amount=Money(Decimal("-5.00"), self.CURRENCY))
        made = erp.create(out, key=f"{key}-o")

        (found,) = erp.find(Kind.PAYMENT, f"{key}-o")

        assert (found.ref, found.totals) == (made.ref, made.totals)

    @pytest.mark.usefixtures("bills")
    def test_money_stays_when_the_order_is_cancelled(
        self, erp: ErpAdapter, payment: PaymentDocument, key: str
    ) -> None:
        erp.create(payment, key=f"{key}-p")
        erp.void(erp.find(Kind.SALES_ORDER, key)[0])

        assert [found.state for found in erp.find(Kind.PAYMENT, f"{key}-p")] == [State.CONFIRMED]

    @pytest.mark.usefixtures("bills")
    def test_money_is_given_back_for_a_cancelled_order(
        self, erp: ErpAdapter, payment: PaymentDocument, key: str
    ) -> None:
        erp.create(payment, key=f"{key}-p")
        erp.void(erp.find(Kind.SALES_ORDER, key)[0])

        erp.create(replace(payment, amount=-payment.amount), key=f"{key}-o")

        assert len(erp.find(Kind.PAYMENT, f"{key}-o")) == 1

    # --- what was paid stands against what was invoiced -----------------------------------

    @pytest.fixture
    def pay(self, erp: ErpAdapter, buyer: Record, sold: Record, key: str) -> Make:
        """Records money of ``sold``, received or (the second, below zero) paid back for what was
        credited: its ref."""
        if not erp.capabilities.reconciles:
            pytest.skip("payments are not set against invoices there")

        def make(amount: str, n: int = 1) -> Ref:
            document = PaymentDocument(
                order=sold.ref,
                party=buyer.ref,
                amount=Money(Decimal(amount), self.CURRENCY),
                received_on=self.moment().date(),
                account=self.ACCOUNT,
                reference="ch_1",
            )
            of = key if n == 1 else refund_key(key, str(n - 1))
            return erp.create(document, key=payment_key(of)).ref

        return make

    def invoiced(self, erp: ErpAdapter, order: Record) -> list[str]:
        """States of the order's invoices and credit notes."""
        return [each.state for each in self.progress(erp, order).invoices]

    def credited_now(self, erp: ErpAdapter, credit: Make, key: str) -> None:
        erp.advance(erp.create(credit(), key=f"{key}-r1"), State.CONFIRMED)

    def test_an_invoice_of_what_was_received_is_paid(
        self, erp: ErpAdapter, pay: Make, sold: Record
    ) -> None:
        payment = pay("41.99")
        self.post_invoice(erp, sold)

        erp.reconcile(sold.ref, [payment])

        assert self.invoiced(erp, sold) == ["paid"]

    def test_what_came_after_the_invoice_pays_it_too(
        self, erp: ErpAdapter, pay: Make, sold: Record
    ) -> None:
        self.post_invoice(erp, sold)
        payment = pay("41.99")

        erp.reconcile(sold.ref, [payment])

        assert self.invoiced(erp, sold) == ["paid"]

    def test_setting_off_twice_is_setting_off_once(
        self, erp: ErpAdapter, pay: Make, sold: Record
    ) -> None:
        payment = pay("41.99")
        self.post_invoice(erp, sold)
        erp.reconcile(sold.ref, [payment])

        erp.reconcile(sold.ref, [payment])

        assert self.invoiced(erp, sold) == ["paid"]

    @pytest.mark.usefixtures("bills")
    def test_an_invoice_without_money_is_not_paid(
        self, erp: ErpAdapter, pay: Make, sold: Record
    ) -> None:
        pay("41.99")
        self.post_invoice(erp, sold)

        erp.reconcile(sold.ref, [])

        assert self.invoiced(erp, sold) == ["posted"]

    def test_a_part_of_the_money_does_not_pay_an_invoice(
        self, erp: ErpAdapter, pay: Make, sold: Record
    ) -> None:
        payment = pay("41.98")
        self.post_invoice(erp, sold)

        erp.reconcile(sold.ref, [payment])

        assert self.invoiced(erp, sold) == ["posted"]

    @pytest.mark.usefixtures("bills")
    def test_a_draft_is_not_paid(self, erp: ErpAdapter, pay: Make, sold: Record) -> None:
        payment = pay("41.99")

        erp.reconcile(sold.ref, [payment])

        assert set(self.invoiced(erp, sold)) <= {"draft"}

    def test_what_was_set_off_too_early_is_paid_later(
        self, erp: ErpAdapter, pay: Make, sold: Record
    ) -> None:
        payment = pay("41.99")
        erp.reconcile(sold.ref, [payment])
        self.post_invoice(erp, sold)

        erp.reconcile(sold.ref, [payment])

        assert self.invoiced(erp, sold) == ["paid"]

    @pytest.mark.parametrize("refund_first", [False, True])
    def test_a_credit_note_of_what_was_paid_back_is_paid(
        self,
        erp: ErpAdapter,
        pay: Make,
        credit: Make,
        sold: Record,
        key: str,
        *,
        refund_first: bool,
    ) -> None:
        payments = [pay("41.99")]
        if not refund_first:
            self.post_invoice(erp, sold)
            erp.reconcile(sold.ref, payments)
        self.credited_now(erp, credit, key)
        payments.append(pay("-12.00", 2))
        erp.reconcile(sold.ref, payments)
        if refund_first:
            self.post_invoice(erp, sold)
            erp.reconcile(sold.ref, payments)

        assert self.invoiced(erp, sold) == ["paid", "paid"]

    def test_a_credit_note_that_nothing_was_paid_back_for_stays_open(
        self, erp: ErpAdapter, pay: Make, credit: Make, sold: Record, key: str
    ) -> None:
        payment = pay("41.99")
        self.post_invoice(erp, sold)
        self.credited_now(erp, credit, key)

        erp.reconcile(sold.ref, [payment])

        # Where a payment is one of the invoice, nothing was open that credit could be set against.
        nets = self.NETS_CREDITS and not erp.capabilities.is_invoice
        note = "paid" if nets else "posted"
        assert self.invoiced(erp, sold) == ["paid", note]

    def test_what_was_credited_before_it_was_paid_is_settled_by_the_rest(
        self, erp: ErpAdapter, pay: Make, credit: Make, sold: Record, key: str
    ) -> None:
        self.post_invoice(erp, sold)
        self.credited_now(erp, credit, key)
        payment = pay("29.99")

        erp.reconcile(sold.ref, [payment])

        assert self.invoiced(erp, sold) == ["paid", "paid"]

    def test_money_of_one_order_does_not_pay_another_twice(
        self, erp: ErpAdapter, pay: Make, sold: Record, document: SalesDocument, key: str
    ) -> None:
        payment = pay("41.99")
        self.post_invoice(erp, sold)
        erp.reconcile(sold.ref, [payment])
        other = erp.advance(erp.create(document, key=f"{key}-other"), State.CONFIRMED)
        self.post_invoice(erp, other)

        erp.reconcile(other.ref, [payment])

        assert (self.invoiced(erp, sold), self.invoiced(erp, other)) == (["paid"], ["posted"])

    # --- closed books ----------------------------------------------------------------------

    @pytest.mark.parametrize("kind", [Kind.PAYMENT, Kind.CREDIT_NOTE, Kind.SALES_ORDER])
    def test_an_open_day_is_itself(self, erp: ErpAdapter, kind: Kind) -> None:
        today = self.moment().date()

        assert erp.open_day(kind, today) == today

    @pytest.mark.parametrize("kind", [Kind.PAYMENT, Kind.CREDIT_NOTE])
    def test_after_a_closed_month_comes_the_next(self, erp: ErpAdapter, kind: Kind) -> None:
        month = self.closable()
        self.close_period(erp, month)

        assert erp.open_day(kind, month.replace(day=9)) == _next_month(month)

    @pytest.mark.parametrize("kind", [Kind.PAYMENT, Kind.CREDIT_NOTE])
    def test_where_no_period_follows_there_is_no_day(self, erp: ErpAdapter, kind: Kind) -> None:
        if self.NO_SUCH_YEAR is None:
            pytest.skip("its books have no end")
        assert erp.open_day(kind, self.NO_SUCH_YEAR) is None

    def test_closed_books_take_no_payment(
        self, erp: ErpAdapter, payment: PaymentDocument, key: str
    ) -> None:
        month = self.closable()
        self.close_period(erp, month)

        with pytest.raises(UnmappedError) as caught:
            erp.create(replace(payment, received_on=month), key=f"{key}-p")

        assert caught.value.causes == (f"period:{month:%Y-%m}",)
        assert erp.find(Kind.PAYMENT, f"{key}-p") == ()

    def test_a_draft_credit_note_is_moved_to_another_day(
        self, erp: ErpAdapter, credit: Make, key: str
    ) -> None:
        if not isinstance(erp, Redates):
            pytest.skip("it moves no draft")
        document = credit()
        later = replace(document, issued_on=document.issued_on + dt.timedelta(days=1))
        draft = erp.create(document, key=f"{key}-r1")

        moved = erp.redate(erp.redate(draft, later), later)
        booked = erp.advance(moved, State.CONFIRMED)

        assert (moved.state, moved.totals) == (State.DRAFT, draft.totals)
        assert (booked.state, booked.totals) == (State.CONFIRMED, draft.totals)
        with pytest.raises(RejectedError, match="no longer"):
            erp.redate(booked, later)

    # --- printed -----------------------------------------------------------------------------

    def test_a_posted_invoice_is_printed(self, erp: ErpAdapter, sold: Record) -> None:
        self.post_invoice(erp, sold)
        (invoice,) = self.progress(erp, sold).invoices
        self.print_by_hand(erp, invoice.ref)

        printed = erp.document(invoice.ref)

        assert printed is not None
        assert (bool(printed.data), "." in printed.name, "/" in printed.content_type) == (
            True,
            True,
            True,
        )

    @pytest.mark.usefixtures("sends")
    def test_a_delivery_note_is_printed(self, erp: ErpAdapter, sold: Record) -> None:
        self.ship(erp, sold)
        (done,) = (each for each in self.progress(erp, sold).shipments if each.state == "done")
        self.print_by_hand(erp, done.ref)

        printed = erp.document(done.ref)

        assert printed is not None
        assert printed.data

    def test_a_credit_note_is_printed(
        self, erp: ErpAdapter, credit: Make, sold: Record, key: str
    ) -> None:
        erp.advance(erp.create(credit(), key=f"{key}-r1"), State.CONFIRMED)
        (note,) = self.credited(erp, sold)
        self.print_by_hand(erp, note.ref)

        printed = erp.document(note.ref)

        assert printed is not None
        assert printed.data

    @pytest.mark.parametrize("kind", [Kind.INVOICE, Kind.CREDIT_NOTE, Kind.SHIPMENT])
    def test_what_is_not_there_is_not_printed(
        self, erp: ErpAdapter, buyer: Record, kind: Kind
    ) -> None:
        assert erp.document(Ref(buyer.ref.system, kind, "987654321")) is None

    # --- told ----------------------------------------------------------------------------------

    def told(
        self, erp: ErpAdapter, kind: Kind, since: dt.datetime, *, limit: int = 100
    ) -> list[News]:
        """All changes since, read page by page as a poll does."""
        if kind not in erp.capabilities.tells:
            pytest.skip(f"it does not tell of changes of a {kind}")
        return list(_pages(erp, kind, since, limit))

    def test_a_new_order_is_told(
        self, erp: ErpAdapter, buyer: Record, order: Make, key: str
    ) -> None:
        since = self.moment()
        made = erp.create(order(), key=key)

        assert [(news.ref, news.order) for news in self.told(erp, Kind.SALES_ORDER, since)] == [
            (made.ref, made.ref)
        ]

    def test_what_was_told_before_is_not_told_again(self, erp: ErpAdapter, draft: Record) -> None:
        since = self.moment()

        assert self.told(erp, Kind.SALES_ORDER, since) == []

    def test_an_order_that_changes_is_told_again(self, erp: ErpAdapter, draft: Record) -> None:
        since = self.moment()
        totals = erp.advance(draft, self.next(erp)).totals

        (news,) = self.told(erp, Kind.SALES_ORDER, since)

        assert totals is not None
        assert (news.ref, news.state, news.gross) == (draft.ref, self.next(erp), totals.gross)

    def test_a_version_changes_when_something_did(self, erp: ErpAdapter, draft: Record) -> None:
        before = {news.version for news in self._of(erp, draft)}
        same = {news.version for news in self._of(erp, draft)}
        erp.advance(draft, self.next(erp))

        after = {news.version for news in self._of(erp, draft)}

        assert before == same
        assert before.isdisjoint(after)

    def _of(self, erp: ErpAdapter, record: Record) -> list[News]:
        since = self.moment() - dt.timedelta(minutes=5)
        return [news for news in self.told(erp, Kind.SALES_ORDER, since) if news.ref == record.ref]

    @pytest.mark.parametrize("limit", [1, 3])
    def test_page_by_page_nothing_is_lost_or_told_twice(
        self, erp: ErpAdapter, buyer: Record, order: Make, key: str, limit: int
    ) -> None:
        since = self.moment()
        made = [erp.create(order(), key=f"{key}-{n}").ref for n in range(7)]

        told = self.told(erp, Kind.SALES_ORDER, since, limit=limit)

        assert [news.ref for news in told] == made
        assert sorted(told, key=lambda news: news.at) == told

    def test_a_page_is_no_longer_than_was_asked(
        self, erp: ErpAdapter, buyer: Record, order: Make, key: str
    ) -> None:
        since = self.moment()
        for n in range(3):
            erp.create(order(), key=f"{key}-{n}")

        assert len(erp.changes(Kind.SALES_ORDER, since, limit=2)) == 2

    def test_a_cancelled_order_is_told(self, erp: ErpAdapter, sold: Record) -> None:
        since = self.moment()
        self.cancel_by_hand(erp, sold)

        states = {news.ref: news.state for news in self.told(erp, Kind.SALES_ORDER, since)}

        assert states == {sold.ref: State.VOIDED}

    @pytest.mark.usefixtures("bills")
    def test_an_invoice_is_told_once_it_is_posted(self, erp: ErpAdapter, sold: Record) -> None:
        since = self.moment()
        self.post_invoice(erp, sold)

        (news,) = self.told(erp, Kind.INVOICE, since)

        (invoice,) = self.progress(erp, sold).invoices
        assert (news.ref, news.order, news.state) == (invoice.ref, sold.ref, "posted")
        assert news.gross == invoice.totals.gross

    @pytest.mark.usefixtures("bills")
    def test_a_draft_of_an_invoice_is_not_told(self, erp: ErpAdapter, draft: Record) -> None:
        since = self.moment()
        erp.advance(draft, State.CONFIRMED)

        assert self.told(erp, Kind.INVOICE, since) == []

    def test_a_credit_note_is_told_as_an_invoice(
        self, erp: ErpAdapter, credit: Make, sold: Record, key: str
    ) -> None:
        since = self.moment()
        made = erp.advance(erp.create(credit(), key=f"{key}-r1"), State.CONFIRMED)

        told = self.told(erp, Kind.INVOICE, since)

        if erp.capabilities.is_invoice:  # the order changes too by what is credited of it
            told = [each for each in told if each.ref.id != sold.ref.id]
        (news,) = told
        assert made.totals is not None
        assert (news.ref.kind, news.ref.id, news.order) == (Kind.INVOICE, made.ref.id, sold.ref)
        assert news.gross is not None
        assert abs(news.gross) == made.totals.gross

    @pytest.mark.usefixtures("sends")
    def test_a_shipment_that_left_is_told(self, erp: ErpAdapter, sold: Record) -> None:
        since = self.moment()
        self.ship(erp, sold)

        news = [each for each in self.told(erp, Kind.SHIPMENT, since) if each.state == "done"]

        (done,) = (each for each in self.progress(erp, sold).shipments if each.state == "done")
        assert [(each.ref, each.order) for each in news] == [(done.ref, sold.ref)]

    def test_a_new_party_is_told(self, erp: ErpAdapter, party: Make, unique: str) -> None:
        since = self.moment()
        made = erp.create(party(), key=f"P{unique}")

        assert [news.ref for news in self.told(erp, Kind.PARTY, since)] == [made.ref]

    @pytest.mark.parametrize(
        ("field", "value"), [("name", "Maria Smith"), ("phone", "+44 113 496 0999")]
    )
    def test_a_party_that_someone_edited_is_told(
        self, erp: ErpAdapter, buyer: Record, field: str, value: str
    ) -> None:
        since = self.moment()
        self.edit_party(erp, buyer.ref, **{field: value})

        assert {news.ref for news in self.told(erp, Kind.PARTY, since)} == {buyer.ref}

    def test_a_party_that_someone_edited_has_another_version(
        self, erp: ErpAdapter, buyer: Record
    ) -> None:
        _, before = self.profile(erp, buyer)
        self.edit_party(erp, buyer.ref, phone="+44 113 496 0999")

        _, after = self.profile(erp, buyer)

        assert before != after

    # --- the customer ------------------------------------------------------------------------

    def profile(self, erp: ErpAdapter, buyer: Record) -> tuple[Profile, str]:
        found = erp.profile(buyer.ref)
        assert found is not None
        return found

    def test_of_nobody_there_is_no_profile(self, erp: ErpAdapter, buyer: Record) -> None:
        assert erp.profile(Ref(buyer.ref.system, Kind.PARTY, "987654321")) is None

    def test_a_profile_is_what_the_party_was_made_of(
        self, erp: ErpAdapter, buyer: Record, party: Make
    ) -> None:
        profile, _ = self.profile(erp, buyer)

        made = party().party
        assert (profile.name, profile.email, profile.phone) == (made.name, made.email, made.phone)

    @pytest.mark.parametrize("use", ["billing", "shipping"])
    def test_a_profile_holds_the_addresses(
        self, erp: ErpAdapter, buyer: Record, party: Make, use: str
    ) -> None:
        profile, _ = self.profile(erp, buyer)

        assert getattr(profile, use).fingerprint == party().party.billing.fingerprint

    def test_a_version_is_equal_while_nobody_writes(self, erp: ErpAdapter, buyer: Record) -> None:
        assert self.profile(erp, buyer) == self.profile(erp, buyer)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", "Maria Smith"),
            ("email", "maria.smith@shopper.example"),
            ("phone", "+44 113 496 0111"),
            ("phone", ""),
            ("vat_number", "GB980780684"),
        ],
    )
    def test_one_field_is_written_and_the_others_stay(
        self, erp: ErpAdapter, buyer: Record, field: str, value: str
    ) -> None:
        before, version = self.profile(erp, buyer)

        after, _ = erp.update_profile(buyer.ref, _only(field, value), version=version)

        assert _without_names(after) == _without_names(replace(before, **{field: value}))

    @pytest.mark.parametrize("use", ["billing", "shipping"])
    def test_an_address_is_written(
        self, erp: ErpAdapter, buyer: Record, party: Make, use: str
    ) -> None:
        _, version = self.profile(erp, buyer)
        moved = replace(party().party.billing, street="2 Low Street")

        after, _ = erp.update_profile(buyer.ref, _only(use, moved), version=version)

        assert getattr(after, use).fingerprint == moved.fingerprint

    def test_the_answer_is_what_is_there(self, erp: ErpAdapter, buyer: Record) -> None:
        _, version = self.profile(erp, buyer)

        answer = erp.update_profile(buyer.ref, Profile(phone="+44 1"), version=version)

        assert self.profile(erp, buyer) == answer

    def test_the_version_of_the_answer_can_be_written_on(
        self, erp: ErpAdapter, buyer: Record
    ) -> None:
        _, version = self.profile(erp, buyer)
        _, version = erp.update_profile(buyer.ref, Profile(phone="+44 1"), version=version)

        after, _ = erp.update_profile(buyer.ref, Profile(phone="+44 2"), version=version)

        assert after.phone == "+44 2"

    @pytest.mark.parametrize("field", ["name", "phone"])
    def test_what_someone_wrote_meanwhile_is_not_written_over(
        self, erp: ErpAdapter, buyer: Record, field: str
    ) -> None:
        _, version = self.profile(erp, buyer)
        self.edit_party(erp, buyer.ref, **{field: "Theirs"})

        with pytest.raises(StaleVersionError):
            erp.update_profile(buyer.ref, Profile(phone="Ours"), version=version)

        after, _ = self.profile(erp, buyer)
        assert getattr(after, field) == "Theirs"

    def test_a_new_e_mail_is_recognised_and_the_old_is_not(
        self, erp: ErpAdapter, buyer: Record, party: Make, unique: str
    ) -> None:
        _, version = self.profile(erp, buyer)
        new = f"smith.{unique}@shopper.example"
        erp.update_profile(buyer.ref, Profile(email=new), version=version)

        assert [found.ref for found in erp.match(party(email=new).party, "email")] == [buyer.ref]
        assert erp.match(party().party, "email") == ()

    def test_an_archived_party_is_not_recognised(
        self, erp: ErpAdapter, buyer: Record, party: Make
    ) -> None:
        erp.archive(buyer.ref)

        assert erp.match(party().party, "email") == ()

    def test_archiving_twice_is_archiving_once(self, erp: ErpAdapter, buyer: Record) -> None:
        erp.archive(buyer.ref)
        erp.archive(buyer.ref)

        assert [found.ref for found in erp.find(Kind.PARTY, buyer.number)] == [buyer.ref]

    def test_an_archived_party_still_has_its_profile(
        self, erp: ErpAdapter, buyer: Record, party: Make
    ) -> None:
        erp.archive(buyer.ref)

        assert self.profile(erp, buyer)[0].email == party().party.email

    def test_the_orders_of_an_archived_party_stay(
        self, erp: ErpAdapter, buyer: Record, sold: Record
    ) -> None:
        erp.archive(buyer.ref)

        assert self.state(erp, sold) is State.CONFIRMED


def _pages(erp: ErpAdapter, kind: Kind, since: dt.datetime, limit: int) -> Iterator[News]:
    after = ""
    while True:
        page = erp.changes(kind, since, after=after, limit=limit)
        yield from page
        if len(page) < limit:
            return
        assert (since, after) != (page[-1].at, page[-1].ref.id), "the page was told before"
        since, after = page[-1].at, page[-1].ref.id


def _next_month(month: dt.date) -> dt.date:
    return (month.replace(day=1) + dt.timedelta(days=31)).replace(day=1)


def _only(field: str, value: object) -> Profile:
    """A profile that says nothing but ``field``."""
    return replace(Profile(), **{field: value})


def _without_names(profile: Profile) -> Profile:
    """Without the names that addresses carry: some back offices take them from the party."""
    plain = {
        use: address and replace(address, name="", company="")
        for use, address in (("billing", profile.billing), ("shipping", profile.shipping))
    }
    return replace(profile, **plain)
