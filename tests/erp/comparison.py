"""What every back office promises of the lists that are compared with a store."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest

from accord.model.documents import Kind, PaymentDocument, Record, State
from accord.model.money import Money
from accord.model.sale import Sale
from accord.ports.erp import ErpAdapter
from tests.erp.promises import Make, Promises

DAY = dt.timedelta(days=1)


def numbers(sales: Sequence[Sale]) -> list[str | None]:
    return [each.record.key for each in sales]


class ComparisonContract(Promises):
    """Of sales in bulk, with what hangs on them. ``credit`` is ``LifeContract``'s."""

    @pytest.fixture
    def prefix(self, unique: str) -> str:
        """Of a store of which nobody else has made anything."""
        return f"t{unique}-"

    @pytest.fixture
    def today(self, order: Make) -> dt.date:
        day: dt.date = order().placed_on
        return day

    def test_sales_are_listed_by_their_day_page_by_page(
        self, erp: ErpAdapter, order: Make, prefix: str, today: dt.date
    ) -> None:
        for number, days in (("3", 0), ("1", -1), ("2", 0), ("10", -2)):
            erp.create(order(placed_on=today + days * DAY), key=f"{prefix}{number}")

        pages, after = [], ""
        while page := erp.sales(prefix, today - DAY, after=after, limit=2):
            pages.append(numbers(page))
            after = page[-1].place

        assert [len(page) for page in pages] == [2, 1]
        first, *others = (number for page in pages for number in page)
        assert (first, set(others)) == (f"{prefix}1", {f"{prefix}2", f"{prefix}3"})

    def test_no_other_stores_sales_are_listed(
        self, erp: ErpAdapter, order: Make, prefix: str, today: dt.date
    ) -> None:
        erp.create(order(), key=f"{prefix}1")
        erp.create(order(), key=f"x{prefix}1")

        assert numbers(erp.sales(prefix, today)) == [f"{prefix}1"]

    def test_a_listed_sale_says_what_a_found_one_says(
        self, erp: ErpAdapter, order: Make, prefix: str, today: dt.date
    ) -> None:
        made = erp.create(order(), key=f"{prefix}1")
        erp.advance(made, State.QUOTATION)

        (sale,) = erp.sales(prefix, today)

        assert (sale.record,) == erp.find(Kind.SALES_ORDER, f"{prefix}1")
        assert (sale.placed_on, sale.credits, sale.payments) == (today, (), ())

    def test_every_generation_of_an_order_is_asked_for_by_its_key(
        self, erp: ErpAdapter, order: Make, prefix: str, today: dt.date
    ) -> None:
        first = erp.create(order(), key=f"{prefix}1")
        erp.void(first)
        for key in (f"{prefix}1-2", f"{prefix}12", f"{prefix}2"):
            erp.create(order(placed_on=today - 400 * DAY), key=key)

        found = erp.sales_of([f"{prefix}1", f"{prefix}9"])

        assert sorted(map(str, numbers(found))) == [f"{prefix}1", f"{prefix}1-2"]
        assert {each.record.key: each.stands for each in found} == {
            f"{prefix}1": False,
            f"{prefix}1-2": True,
        }
        assert list(erp.sales_of([])) == []

    def test_returns_of_goods_are_no_sales(
        self, erp: ErpAdapter, goods_back: Make, order: Make, prefix: str, today: dt.date
    ) -> None:
        sold = erp.advance(erp.create(order(), key=f"{prefix}1"), State.CONFIRMED)
        erp.create(replace(goods_back(), order=sold.ref), key=f"{prefix}1-b1")

        assert numbers(erp.sales(prefix, today)) == [f"{prefix}1"]
        assert numbers(erp.sales_of([f"{prefix}1"])) == [f"{prefix}1"]

    def test_credit_notes_and_money_are_listed_with_their_sale(
        self, erp: ErpAdapter, buyer: Record, order: Make, credit: Make, prefix: str, today: dt.date
    ) -> None:
        document = order(lines=self.basket("two rates and shipping"))
        sold = erp.advance(erp.create(document, key=f"{prefix}1"), State.CONFIRMED)
        other = erp.advance(erp.create(document, key=f"{prefix}2"), State.CONFIRMED)
        note = erp.create(credit(document.lines[0], order=sold), key=f"{prefix}1-r7")
        received, back = str(document.total.amount), "-5.00"
        for amount, key in ((received, f"{prefix}1"), (back, f"{prefix}1-r7")):
            if amount == back and erp.capabilities.is_invoice:  # where money goes back for a credit
                note = erp.advance(note, State.CONFIRMED)
            erp.create(
                PaymentDocument(
                    order=sold.ref,
                    party=buyer.ref,
                    amount=Money(Decimal(amount), self.CURRENCY),
                    received_on=document.placed_on,
                    account=self.ACCOUNT,
                    reference="ch_1",
                ),
                key=f"{key}:payment",
            )

        for found in (erp.sales(prefix, today), erp.sales_of([f"{prefix}1", f"{prefix}2"])):
            with_all, bare = sorted(found, key=lambda each: each.record.key or "")

            assert [(each.ref, each.key, each.state) for each in with_all.credits] == [
                (note.ref, f"{prefix}1-r7", note.state)
            ]
            assert with_all.credits[0].totals == note.totals
            money = [(each.key, each.totals) for each in with_all.payments]
            assert [(key, totals and str(totals.gross)) for key, totals in money] == [
                (f"{prefix}1:payment", f"{received} {self.CURRENCY}"),
                (f"{prefix}1-r7:payment", f"{back} {self.CURRENCY}"),
            ]
            assert (bare.record.ref, bare.credits, bare.payments) == (other.ref, (), ())

    def test_what_a_person_credited_is_listed_without_a_key(
        self, erp: ErpAdapter, order: Make, credit: Make, prefix: str, today: dt.date
    ) -> None:
        sold = erp.advance(erp.create(order(), key=f"{prefix}1"), State.CONFIRMED)
        self.post_invoice(erp, sold)
        self.credit_by_hand(erp, sold)

        ((sale),) = erp.sales(prefix, today)
        (note,) = sale.credits

        assert (note.key, note.ref.kind) == (None, Kind.CREDIT_NOTE)
        assert note.totals is not None
        assert str(note.totals.gross) == f"12.00 {self.CURRENCY}"

    def test_profiles_are_read_together(self, erp: ErpAdapter, party: Make, unique: str) -> None:
        here = [
            erp.create(party(name=f"N{n}", email=f"{n}.{unique}@x.example"), key=f"P{unique}{n}")
            for n in range(2)
        ]
        gone = replace(here[0].ref, id="999999999")

        found = erp.profiles([*(each.ref for each in here), gone])

        assert found.keys() == {each.ref for each in here}
        for each in here:
            alone = erp.profile(each.ref)
            assert alone is not None
            assert found[each.ref] == alone[0]
