"""Money given back, and the days that the books are open for, on a real Tryton."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import UnmappedError
from accord.local.tryton import TrytonServer
from accord.model.documents import Kind, PaymentDocument, Record, State
from accord.model.money import Money
from tests.erp.promises import Make
from tests.erp.tryton.orders import CONTEXT, DeadError, Hands, TrytonOrders, Wire

pytestmark = pytest.mark.tryton


class TestPaying(TrytonOrders):
    @pytest.fixture
    def back(self, confirmed: Record, buyer: Record, order: Make) -> PaymentDocument:
        """12.50 given back."""
        return PaymentDocument(
            order=confirmed.ref,
            party=buyer.ref,
            amount=Money(Decimal("-12.50"), "GBP"),
            received_on=order().placed_on,
            account=self.ACCOUNT,
            reference="re_1",
        )

    def test_money_out_leaves_the_journals_account_and_is_owed_no_longer(
        self, erp: Tryton, back: PaymentDocument, key: str, hands: Hands
    ) -> None:
        made = erp.create(back, key=f"{key}-o")

        fields = ["lines.party", "lines.debit", "lines.credit", "lines.account.type.receivable"]
        (move,) = hands.do("account.move.read", [int(made.ref.id)], fields)
        booked = {
            bool(line["account."]["type."]["receivable"]): line["debit"] - line["credit"]
            for line in move["lines."]
        }
        assert booked == {False: Decimal("-12.50"), True: Decimal("12.50")}

    def test_its_record_shows_it_below_zero(
        self, erp: Tryton, back: PaymentDocument, key: str
    ) -> None:
        made = erp.create(back, key=f"{key}-o")

        assert made.totals is not None
        assert made.totals.gross == back.amount

    def test_it_is_found_by_its_key(self, erp: Tryton, back: PaymentDocument, key: str) -> None:
        made = erp.create(back, key=f"{key}-o")

        assert self.only(erp, Kind.PAYMENT, f"{key}-o") == made

    def test_it_is_posted_at_once(self, erp: Tryton, back: PaymentDocument, key: str) -> None:
        assert erp.create(back, key=f"{key}-o").state is State.CONFIRMED

    def test_a_foreign_currency_is_kept(self, erp: Tryton, back: PaymentDocument, key: str) -> None:
        yen = replace(back, amount=Money(Decimal(-1250), "JPY"))

        made = erp.create(yen, key=f"{key}-o")

        assert made.totals is not None
        assert made.totals.gross == yen.amount

    def test_it_takes_five_calls(self, erp: Tryton, back: PaymentDocument, key: str) -> None:
        erp.create(back, key=f"{key}-o1")
        before = sum(erp.calls.values())

        erp.create(back, key=f"{key}-o2")

        assert sum(erp.calls.values()) - before == 5

    def test_a_crash_after_any_call_is_mended_by_looking_first(
        self, worker: Tryton, wire: Wire, back: PaymentDocument, key: str
    ) -> None:
        worker.create(back, key=f"{key}-o")
        ends: list[tuple[int, State]] = []
        for n in range(20):
            name = f"{key}-o{n}"
            wire.die_after = n
            died = False
            try:
                worker.create(back, key=name)
            except DeadError:
                died = True
            wire.die_after = None
            found = worker.find(Kind.PAYMENT, name) or (worker.create(back, key=name),)
            worker.advance(found[0], State.CONFIRMED)
            ends.append((len(worker.find(Kind.PAYMENT, name)), self.state(worker, found[0])))
            if not died:
                break

        assert (len(ends), set(ends)) == (6, {(1, State.CONFIRMED)})


class TestOpenDays(TrytonOrders):
    TODAY = dt.datetime.now(dt.UTC).date()
    BOOKED = (Kind.PAYMENT, Kind.CREDIT_NOTE)

    @pytest.fixture
    def february(self, server: TrytonServer) -> Iterator[dt.date]:
        """A day of a month that is closed in the books for the test."""
        hands = Hands(server)
        day = dt.date(self.TODAY.year - 1, 2, 10)
        domain = [["start_date", "<=", day], ["end_date", ">=", day], ["company", "=", 1]]
        ids = hands.do("account.period.search", domain)
        hands.do("account.period.close", ids)
        yield day
        hands.do("account.period.reopen", ids)

    @pytest.fixture
    def unnumbered(self, server: TrytonServer) -> Iterator[dt.date]:
        """A day of a fiscal year that no invoice can be numbered in."""
        hands = Hands(server)
        far = dt.date(2061, 5, 1)
        kinds = hands.do("ir.sequence.type.search", [["name", "=", "Account Move"]])
        (sequence,) = hands.do(
            "ir.sequence.strict.create",
            [{"name": "Moves 2061", "sequence_type": kinds[0], "company": 1}],
        )
        ids = hands.do(
            "account.fiscalyear.create",
            [
                {
                    "name": "2061",
                    "start_date": dt.date(2061, 1, 1),
                    "end_date": dt.date(2061, 12, 31),
                    "company": 1,
                    "move_sequence": sequence,
                    "invoice_sequences": [],
                }
            ],
        )
        hands.do("account.fiscalyear.create_period", ids)
        yield far
        periods = hands.do("account.period.search", [["fiscalyear", "in", ids]])
        hands.do("account.period.delete", periods)
        hands.do("account.fiscalyear.delete", ids)

    @pytest.mark.parametrize("kind", BOOKED)
    def test_a_day_of_an_open_period_is_itself(self, erp: Tryton, kind: Kind) -> None:
        assert erp.open_day(kind, self.TODAY) == self.TODAY

    @pytest.mark.parametrize("kind", BOOKED)
    def test_a_closed_month_gives_way_to_the_next(
        self, erp: Tryton, february: dt.date, kind: Kind
    ) -> None:
        assert erp.open_day(kind, february) == february.replace(month=3, day=1)

    @pytest.mark.parametrize("kind", BOOKED)
    def test_before_the_first_year_it_is_its_first_day(self, erp: Tryton, kind: Kind) -> None:
        assert erp.open_day(kind, dt.date(1999, 5, 1)) == dt.date(self.TODAY.year - 1, 1, 1)

    @pytest.mark.parametrize("kind", BOOKED)
    def test_after_the_last_year_there_is_none(self, erp: Tryton, kind: Kind) -> None:
        assert erp.open_day(kind, dt.date(2099, 5, 1)) is None

    def test_an_order_may_bear_any_day(self, erp: Tryton) -> None:
        assert erp.open_day(Kind.SALES_ORDER, dt.date(1999, 5, 1)) == dt.date(1999, 5, 1)

    def test_a_year_without_invoice_numbers_takes_payments(
        self, erp: Tryton, unnumbered: dt.date
    ) -> None:
        assert erp.open_day(Kind.PAYMENT, unnumbered) == unnumbered

    def test_a_year_without_invoice_numbers_takes_no_credit_notes(
        self, erp: Tryton, unnumbered: dt.date
    ) -> None:
        assert erp.open_day(Kind.CREDIT_NOTE, unnumbered) is None

    def test_a_month_closed_meanwhile_is_noticed(
        self, erp: Tryton, hands: Hands, server: TrytonServer, february: dt.date
    ) -> None:
        (period,) = server.administrator().call(
            "model.account.period.search",
            [["start_date", "=", february.replace(month=3, day=1)], ["company", "=", 1]],
            context=CONTEXT,
        )
        erp.open_day(Kind.PAYMENT, february)
        hands.do("account.period.close", [period])
        try:
            assert erp.open_day(Kind.PAYMENT, february) == february.replace(month=4, day=1)
        finally:
            hands.do("account.period.reopen", [period])

    def test_money_out_on_a_closed_day_is_not_taken(
        self, erp: Tryton, confirmed: Record, buyer: Record, february: dt.date, key: str
    ) -> None:
        amount = Money(Decimal(-5), "GBP")
        document = PaymentDocument(confirmed.ref, buyer.ref, amount, february, self.ACCOUNT, "re_1")

        with pytest.raises(UnmappedError, match="no open period"):
            erp.create(document, key=f"{key}-o")

    def test_one_call_tells(self, erp: Tryton) -> None:
        before = sum(erp.calls.values())

        erp.open_day(Kind.CREDIT_NOTE, self.TODAY)

        assert sum(erp.calls.values()) - before == 1
