"""An order that was edited in the store, on a real Tryton."""

from dataclasses import replace
from decimal import Decimal

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import RejectedError, StaleVersionError
from accord.model.documents import Kind, Record, SalesDocument, State
from accord.model.money import Money
from accord.model.party import Address
from tests.erp.promises import Make
from tests.erp.tryton.orders import DeadError, Hands, TrytonOrders, Wire

pytestmark = pytest.mark.tryton


class TestAmending(TrytonOrders):
    @pytest.fixture
    def quoted(self, erp: Tryton, order: Make, key: str) -> Record:
        document = order(lines=(self.line("10.00"), self.line("4.00")))
        return erp.advance(erp.create(document, key=key), State.QUOTATION)

    @pytest.fixture
    def edited(self, order: Make) -> SalesDocument:
        document: SalesDocument = order(
            lines=(self.line("7.00", item="MUG"), self.service()),
            number="1042-B",
            comment="Ring twice",
            carrier="Parcel Post",
            payment_terms="Due now",
        )
        return document

    def test_an_amended_quotation_is_a_draft(
        self, erp: Tryton, quoted: Record, edited: SalesDocument
    ) -> None:
        assert erp.amend(quoted, edited).state is State.DRAFT

    def test_key_and_number_stay(self, erp: Tryton, quoted: Record, edited: SalesDocument) -> None:
        amended = erp.amend(quoted, edited)

        assert (amended.key, amended.number) == (quoted.key, quoted.number)

    def test_advancing_it_gives_its_new_totals(
        self, erp: Tryton, quoted: Record, edited: SalesDocument
    ) -> None:
        again = erp.advance(erp.amend(quoted, edited), State.QUOTATION)

        assert again.totals == erp.preview(edited)

    def test_it_is_numbered_as_before_once_quoted_again(
        self, erp: Tryton, quoted: Record, edited: SalesDocument
    ) -> None:
        again = erp.advance(erp.amend(quoted, edited), State.QUOTATION)

        assert again.number == quoted.number

    def test_no_old_line_stays(
        self, erp: Tryton, quoted: Record, edited: SalesDocument, hands: Hands
    ) -> None:
        erp.amend(quoted, edited)

        lines = hands.sale(quoted, "lines.product.code")["lines."]
        assert [line["product."]["code"] for line in lines] == ["MUG", "SHIPPING-FEE"]

    def test_the_head_is_changed_too(
        self, erp: Tryton, quoted: Record, edited: SalesDocument, hands: Hands
    ) -> None:
        erp.amend(quoted, edited)

        row = hands.sale(quoted, "reference", "comment", "carrier", "payment_term")
        assert (row["reference"], row["comment"]) == ("1042-B", "Ring twice")
        assert None not in row.values()

    def test_it_goes_to_another_address(
        self, erp: Tryton, quoted: Record, edited: SalesDocument, buyer: Record, hands: Hands
    ) -> None:
        there = erp.add_address(
            buyer.ref, Address(name="Work", street="2 Low Street", country="GB")
        )

        erp.amend(quoted, replace(edited, shipping_address=there))

        assert hands.sale(quoted, "shipment_address")["shipment_address"] == int(there)

    def test_it_may_become_someone_elses_in_another_currency(
        self, erp: Tryton, quoted: Record, order: Make, party: Make, unique: str, hands: Hands
    ) -> None:
        other = erp.create(party(name="Ann Lee"), key=f"O{unique}")
        address = other.addresses[0][1]
        line = replace(self.line(), net=Money(Decimal(1250), "JPY"))
        document = replace(
            order(),
            party=other.ref,
            billing_address=address,
            shipping_address=address,
            currency="JPY",
            lines=(line,),
        )

        erp.amend(quoted, document)

        assert hands.sale(quoted, "party")["party"] == int(other.ref.id)

    def test_amending_twice_is_as_once(
        self, erp: Tryton, quoted: Record, edited: SalesDocument, hands: Hands
    ) -> None:
        erp.amend(erp.amend(quoted, edited), edited)

        assert len(hands.sale(quoted, "lines")["lines"]) == len(edited.lines)

    def test_a_draft_takes_two_calls(
        self, erp: Tryton, order: Make, key: str, edited: SalesDocument
    ) -> None:
        draft = erp.create(order(), key=key)
        erp.preview(edited)
        before = sum(erp.calls.values())

        erp.amend(draft, edited)

        assert sum(erp.calls.values()) - before == 2

    def test_a_quotation_takes_three_calls(
        self, erp: Tryton, quoted: Record, edited: SalesDocument
    ) -> None:
        erp.preview(edited)
        before = sum(erp.calls.values())

        erp.amend(quoted, edited)

        assert sum(erp.calls.values()) - before == 3

    def test_one_that_was_quoted_meanwhile_is_taken_back(
        self, erp: Tryton, quoted: Record, edited: SalesDocument
    ) -> None:
        known = replace(quoted, state=State.DRAFT)

        assert erp.amend(known, edited).state is State.DRAFT

    def test_one_that_was_taken_back_meanwhile_is_amended(
        self, erp: Tryton, quoted: Record, edited: SalesDocument, hands: Hands
    ) -> None:
        hands.do("sale.sale.draft", [int(quoted.ref.id)])

        assert erp.amend(quoted, edited).state is State.DRAFT

    def test_a_confirmed_order_is_refused(
        self, erp: Tryton, confirmed: Record, edited: SalesDocument
    ) -> None:
        with pytest.raises(RejectedError, match="can no longer be changed"):
            erp.amend(confirmed, edited)

    def test_a_cancelled_order_is_refused(
        self, erp: Tryton, quoted: Record, edited: SalesDocument, hands: Hands
    ) -> None:
        hands.do("sale.sale.cancel", [int(quoted.ref.id)])

        with pytest.raises(RejectedError, match="cancelled"):
            erp.amend(quoted, edited)

    def test_what_someone_writes_meanwhile_is_not_overwritten(
        self, worker: Tryton, wire: Wire, quoted: Record, edited: SalesDocument, hands: Hands
    ) -> None:
        id_ = int(quoted.ref.id)
        wire.before["model.sale.sale.write"] = lambda: hands.do(
            "sale.sale.write", [id_], {"comment": "theirs"}
        )

        with pytest.raises(StaleVersionError):
            worker.amend(quoted, edited)

    def test_a_crash_after_any_call_is_mended_by_doing_it_again(
        self, worker: Tryton, wire: Wire, order: Make, key: str, edited: SalesDocument
    ) -> None:
        worker.preview(edited)
        ends: list[tuple[State, bool]] = []
        for n in range(20):
            name = f"{key}-{n}"
            quoted = worker.advance(worker.create(order(), key=name), State.QUOTATION)
            wire.die_after = n
            died = False
            try:
                worker.advance(worker.amend(quoted, edited), State.CONFIRMED)
            except DeadError:
                died = True
            wire.die_after = None
            found = self.only(worker, Kind.SALES_ORDER, name)
            if found.state is not State.CONFIRMED:
                worker.advance(worker.amend(found, edited), State.CONFIRMED)
            end = self.only(worker, Kind.SALES_ORDER, name)
            ends.append((end.state, end.totals == worker.preview(edited)))
            if not died:
                break

        assert (len(ends), set(ends)) == (7, {(State.CONFIRMED, True)})
