"""What was paid set against what was invoiced, on a real Tryton."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import RejectedError
from accord.local.tryton import TrytonServer
from accord.model.change import Ref
from accord.model.documents import Kind, PaymentDocument, Record, State
from accord.model.money import Money
from tests.erp.promises import Make
from tests.erp.tryton.orders import DeadError, Hands, TrytonOrders, Wire

pytestmark = pytest.mark.tryton

WIZARD = "wizard.account.move.reconcile_lines"
GROUPS = ("Sales", "Sales Administrator", "Accounting", "Stock", "Product Administration")


class TestReconciling(TrytonOrders):
    TODAY = dt.datetime.now(dt.UTC).date()

    @pytest.fixture
    def pay(self, erp: Tryton, buyer: Record, key: str) -> Make:
        """Records money for an order, received or paid back: its ref."""

        def make(
            order: Record, amount: Money | None = None, *, n: int = 1, on: dt.date = self.TODAY
        ) -> Ref:
            assert order.totals is not None
            whole = amount or order.totals.gross
            document = PaymentDocument(order.ref, buyer.ref, whole, on, self.ACCOUNT, "ch_1")
            return erp.create(document, key=f"{order.key}-p{n}").ref

        return make

    @pytest.fixture
    def state(self, hands: Hands) -> Make:
        """The state of an order's one invoice."""

        def read(order: Record) -> str:
            (invoice,) = hands.sale(order, "invoices.state")["invoices."]
            return str(invoice["state"])

        return read

    def test_it_takes_five_calls(
        self, erp: Tryton, confirmed: Record, pay: Make, hands: Hands, spent: Make
    ) -> None:
        payment = pay(confirmed)
        hands.invoice(confirmed)
        spent()

        erp.reconcile(confirmed.ref, [payment])

        assert spent() == {
            "model.sale.sale.search_read": 1,
            "model.account.move.line.search_read": 1,
            f"{WIZARD}.create": 1,
            f"{WIZARD}.execute": 1,
            f"{WIZARD}.delete": 1,
        }

    def test_where_nothing_is_open_it_takes_two(
        self, erp: Tryton, confirmed: Record, pay: Make, hands: Hands, spent: Make
    ) -> None:
        payment = pay(confirmed)
        hands.invoice(confirmed)
        erp.reconcile(confirmed.ref, [payment])
        spent()

        erp.reconcile(confirmed.ref, [payment])

        assert sum(spent().values()) == 2

    def test_an_order_that_left_and_was_paid_is_done(
        self, erp: Tryton, confirmed: Record, pay: Make, hands: Hands
    ) -> None:
        hands.ship(confirmed)
        hands.invoice(confirmed)

        erp.reconcile(confirmed.ref, [pay(confirmed)])

        assert hands.sale(confirmed, "state", "invoice_state") == {
            "id": int(confirmed.ref.id),
            "state": "done",
            "invoice_state": "paid",
        }

    def test_nothing_is_left_to_be_paid(
        self, erp: Tryton, confirmed: Record, pay: Make, hands: Hands
    ) -> None:
        hands.invoice(confirmed)

        erp.reconcile(confirmed.ref, [pay(confirmed)])

        (invoice,) = hands.sale(confirmed, "invoices.amount_to_pay")["invoices."]
        assert invoice["amount_to_pay"] == 0

    def test_of_what_is_not_there_nothing_is_set_off(self, erp: Tryton) -> None:
        for id_ in ("987654321", "no number"):
            erp.reconcile(Ref("main", Kind.SALES_ORDER, id_), [])

    def test_a_crash_after_any_call_is_mended_by_doing_it_again(
        self,
        worker: Tryton,
        wire: Wire,
        order: Make,
        pay: Make,
        hands: Hands,
        key: str,
        state: Make,
    ) -> None:
        ends: list[str] = []
        for n in range(20):
            sold = worker.advance(worker.create(order(), key=f"{key}-{n}"), State.CONFIRMED)
            hands.invoice(sold)
            payment = pay(replace(sold, key=f"{key}-{n}"))
            wire.die_after = n
            died = False
            try:
                worker.reconcile(sold.ref, [payment])
            except DeadError:
                died = True
            wire.die_after = None
            worker.reconcile(sold.ref, [payment])
            ends.append(state(sold))
            if not died:
                break

        assert ends == ["paid"] * 6

    # --- what people do meanwhile --------------------------------------------------------

    def test_what_a_person_set_off_just_before_stays(
        self, worker: Tryton, wire: Wire, confirmed: Record, pay: Make, hands: Hands, state: Make
    ) -> None:
        hands.invoice(confirmed)
        payment = pay(confirmed)
        wire.before[f"{WIZARD}.execute"] = lambda: hands.pay(confirmed)

        worker.reconcile(confirmed.ref, [payment])

        (move,) = hands.do("account.move.read", [int(payment.id)], ["lines.reconciliation"])
        assert state(confirmed) == "paid"
        assert [line["reconciliation"] for line in move["lines."]] == [None, None]

    def test_an_invoice_that_a_person_paid_leaves_our_money_open(
        self, erp: Tryton, confirmed: Record, pay: Make, hands: Hands
    ) -> None:
        hands.invoice(confirmed)
        payment = pay(confirmed)
        hands.pay(confirmed)

        erp.reconcile(confirmed.ref, [payment])

        (move,) = hands.do("account.move.read", [int(payment.id)], ["lines.reconciliation"])
        assert [line["reconciliation"] for line in move["lines."]] == [None, None]

    def test_what_tryton_refuses_is_refused(
        self, worker: Tryton, wire: Wire, confirmed: Record, pay: Make, hands: Hands
    ) -> None:
        hands.invoice(confirmed)
        payment = pay(confirmed)
        (account,) = hands.sale(confirmed, "invoices.account")["invoices."]

        def allow(reconcile: bool) -> None:
            hands.do("account.account.write", [account["account"]], {"reconcile": reconcile})

        wire.before[f"{WIZARD}.execute"] = lambda: allow(False)
        try:
            with pytest.raises(RejectedError):
                worker.reconcile(confirmed.ref, [payment])
        finally:
            allow(True)

    # --- books ---------------------------------------------------------------------------

    @pytest.fixture
    def closed(self, server: TrytonServer, pay: Make, confirmed: Record) -> Iterator[Ref]:
        """A payment of a month that was closed after it."""
        hands = Hands(server)
        day = dt.date(self.TODAY.year - 1, 1, 10)
        payment = pay(confirmed, on=day)
        ids = hands.do(
            "account.period.search", [["start_date", "<=", day], ["end_date", ">=", day]]
        )
        hands.do("account.period.close", ids)
        yield payment
        hands.do("account.period.reopen", ids)

    def test_money_of_a_closed_month_pays_an_invoice(
        self, erp: Tryton, confirmed: Record, closed: Ref, hands: Hands, state: Make
    ) -> None:
        hands.invoice(confirmed)

        erp.reconcile(confirmed.ref, [closed])

        assert state(confirmed) == "paid"

    @pytest.fixture
    def in_euro(self, erp: Tryton, order: Make, key: str) -> Record:
        euro: Any = replace(self.line(), net=Money(Decimal("10.00"), "EUR"), taxes=())
        document = replace(order(), lines=(euro,), currency="EUR", total=euro.net)
        return erp.advance(erp.create(document, key=f"{key}-e"), State.CONFIRMED)

    def test_a_foreign_invoice_of_the_same_rate_is_paid(
        self, erp: Tryton, in_euro: Record, pay: Make, hands: Hands, state: Make
    ) -> None:
        hands.invoice(in_euro)

        erp.reconcile(in_euro.ref, [pay(in_euro)])

        assert state(in_euro) == "paid"

    def test_a_foreign_invoice_of_another_rate_stays_open(
        self, erp: Tryton, in_euro: Record, pay: Make, hands: Hands, state: Make
    ) -> None:
        """Its difference is a gain or a loss, which is a bookkeeper's to book."""
        day = dt.date(self.TODAY.year - 1, 2, 2)
        (euro,) = hands.do("currency.currency.search", [["code", "=", "EUR"]])
        rates = [{"currency": euro, "date": day, "rate": Decimal("1.2")}]
        rates.append({"currency": euro, "date": day + dt.timedelta(days=1), "rate": Decimal(1)})
        made = hands.do("currency.currency.rate.create", rates)
        try:
            payment = pay(in_euro, on=day)
        finally:
            hands.do("currency.currency.rate.delete", made)
        hands.invoice(in_euro)

        erp.reconcile(in_euro.ref, [payment])

        assert state(in_euro) == "posted"

    # --- rights --------------------------------------------------------------------------

    def test_the_groups_that_accord_asks_for_suffice(
        self,
        server: TrytonServer,
        confirmed: Record,
        pay: Make,
        hands: Hands,
        key: str,
        state: Make,
    ) -> None:
        hands.invoice(confirmed)
        payment = pay(confirmed)
        groups = hands.do("res.group.search", [["name", "in", list(GROUPS)]])
        user = {
            "name": key,
            "login": key,
            "password": f"only-for-{key}",
            "companies": [["add", [1]]],
            "company": 1,
            "groups": [["add", groups]],
        }
        hands.do("res.user.create", [user])
        connection = server.connection()
        secret = {"login": key, "password": f"only-for-{key}"}
        erp = Tryton.connect(replace(connection, secret=secret))

        erp.reconcile(confirmed.ref, [payment])

        assert state(confirmed) == "paid"
