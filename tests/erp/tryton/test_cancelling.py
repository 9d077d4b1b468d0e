"""An order that was cancelled in the store, on a real Tryton."""

from decimal import Decimal

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import DisagreementError, StaleVersionError, UnsupportedError
from accord.model.change import Ref
from accord.model.documents import Kind, Record, State
from tests.erp.promises import Make
from tests.erp.tryton.orders import DeadError, Hands, TrytonOrders, Wire

pytestmark = pytest.mark.tryton

QUIET = ("done", {"cancelled"}, {"cancelled"})
"""Tryton's own word for a processed order of which nothing is left."""


class TestCancelling(TrytonOrders):
    @pytest.mark.parametrize("reached", [State.DRAFT, State.QUOTATION, State.CONFIRMED])
    def test_it_is_voided_however_far_it_came(
        self, erp: Tryton, order: Make, key: str, reached: State
    ) -> None:
        made = erp.advance(erp.create(order(), key=key), reached)

        erp.void(made)

        assert self.only(erp, Kind.SALES_ORDER, key).state is State.VOIDED

    def test_the_answer_says_so(self, erp: Tryton, confirmed: Record) -> None:
        assert erp.void(confirmed).state is State.VOIDED

    def test_nobody_ships_or_invoices_it(
        self, erp: Tryton, confirmed: Record, hands: Hands
    ) -> None:
        erp.void(confirmed)

        assert hands.after(confirmed) == QUIET

    @pytest.mark.parametrize("button", ["assign_force", "pick", "pack"])
    def test_a_shipment_that_is_being_made_ready_is_cancelled(
        self, erp: Tryton, order: Make, key: str, hands: Hands, button: str
    ) -> None:
        document = order(lines=(self.line(item="MUG"),), carrier="Parcel Post")
        made = erp.advance(erp.create(document, key=key), State.CONFIRMED)
        buttons = ("assign_force", "pick", "pack")
        hands.shipment(made, *buttons[: buttons.index(button) + 1])

        erp.void(made)

        assert hands.after(made) == QUIET

    def test_an_order_of_services_has_no_shipment_to_cancel(
        self, erp: Tryton, order: Make, key: str, hands: Hands
    ) -> None:
        made = erp.advance(erp.create(order(lines=(self.service(),)), key=key), State.CONFIRMED)

        assert erp.void(made).state is State.VOIDED

    def test_what_is_cancelled_already_stays_so(self, erp: Tryton, confirmed: Record) -> None:
        erp.void(confirmed)

        assert erp.void(confirmed).state is State.VOIDED

    def test_what_a_person_began_is_ended(
        self, erp: Tryton, confirmed: Record, hands: Hands
    ) -> None:
        hands.shipment(confirmed, "cancel")

        erp.void(confirmed)

        assert hands.after(confirmed) == QUIET

    def test_one_that_went_its_way_is_not_voided(
        self, erp: Tryton, order: Make, key: str, hands: Hands
    ) -> None:
        made = erp.advance(
            erp.create(order(lines=(self.line(item="MUG"),)), key=key), State.CONFIRMED
        )
        hands.ship(made)
        hands.invoice(made)
        hands.pay(made)

        assert (hands.sale(made)["state"], self.state(erp, made)) == ("done", State.CONFIRMED)

    def test_one_with_its_invoice_cancelled_alone_is_not_voided(
        self, erp: Tryton, confirmed: Record, hands: Hands
    ) -> None:
        hands.invoice(confirmed, "cancel")

        assert self.state(erp, confirmed) is State.CONFIRMED

    @pytest.mark.parametrize("posted", [False, True])
    def test_goods_that_left_are_for_the_warehouse(
        self, erp: Tryton, confirmed: Record, hands: Hands, posted: bool
    ) -> None:
        hands.ship(confirmed)
        if posted:
            hands.invoice(confirmed)

        with pytest.raises(DisagreementError, match="return") as caught:
            erp.void(confirmed)

        assert (caught.value.reason, caught.value.owner) == ("goods_left", "warehouse")

    def test_an_invoice_in_the_books_is_for_finance(
        self, erp: Tryton, confirmed: Record, hands: Hands
    ) -> None:
        hands.invoice(confirmed)

        with pytest.raises(DisagreementError, match="INV-") as caught:
            erp.void(confirmed)

        assert (caught.value.reason, caught.value.owner) == ("invoiced", "finance")

    def test_a_refusal_leaves_the_order_as_it_stood(
        self, erp: Tryton, confirmed: Record, hands: Hands
    ) -> None:
        hands.invoice(confirmed)
        with pytest.raises(DisagreementError):
            erp.void(confirmed)

        assert hands.after(confirmed) == ("processing", {"waiting"}, {"posted"})

    def test_a_shipment_that_moves_while_we_look_is_not_cancelled(
        self, worker: Tryton, wire: Wire, confirmed: Record, hands: Hands
    ) -> None:
        wire.before["model.stock.shipment.out.cancel"] = lambda: hands.ship(confirmed)

        with pytest.raises(StaleVersionError):
            worker.void(confirmed)

        assert hands.after(confirmed) == ("processing", {"done"}, {"draft"})

    def test_an_invoice_that_is_posted_while_we_look_is_not_cancelled(
        self, worker: Tryton, wire: Wire, confirmed: Record, hands: Hands
    ) -> None:
        wire.before["model.account.invoice.cancel"] = lambda: hands.invoice(confirmed)

        with pytest.raises(DisagreementError, match="in the books"):
            worker.void(confirmed)

        assert hands.after(confirmed)[2] == {"posted"}

    def test_one_that_is_confirmed_while_we_look_is_cancelled_all_the_same(
        self, worker: Tryton, wire: Wire, order: Make, key: str, hands: Hands
    ) -> None:
        quoted = worker.advance(worker.create(order(), key=key), State.QUOTATION)
        wire.before["model.sale.sale.cancel"] = lambda: hands.do(
            "sale.sale.confirm", [int(quoted.ref.id)]
        )

        worker.void(quoted)

        assert hands.after(quoted) == QUIET

    def test_an_invoice_shared_with_another_order_is_left_alone(
        self, erp: Tryton, order: Make, confirmed: Record, key: str, hands: Hands
    ) -> None:
        other = erp.advance(erp.create(order(), key=f"{key}-b"), State.CONFIRMED)
        (theirs,) = hands.sale(other, "invoices.lines")["invoices."]
        (ours,) = hands.sale(confirmed, "invoices")["invoices"]
        hands.do("account.invoice.line.write", theirs["lines"], {"invoice": ours})

        with pytest.raises(DisagreementError, match="other orders") as caught:
            erp.void(confirmed)

        assert caught.value.reason == "shared_document"

    def test_only_orders_are_cancelled(self, erp: Tryton) -> None:
        with pytest.raises(UnsupportedError):
            erp.void(Record(Ref("main", Kind.PAYMENT, "1"), number=""))

    def test_a_quotation_takes_two_calls(self, erp: Tryton, order: Make, key: str) -> None:
        quoted = erp.advance(erp.create(order(), key=key), State.QUOTATION)
        before = sum(erp.calls.values())

        erp.void(quoted)

        assert sum(erp.calls.values()) - before == 2

    def test_a_processed_order_takes_ten_calls(self, erp: Tryton, confirmed: Record) -> None:
        before = sum(erp.calls.values())

        erp.void(confirmed)

        assert sum(erp.calls.values()) - before == 10

    def test_a_crash_after_any_call_is_mended_by_doing_it_again(
        self, worker: Tryton, wire: Wire, order: Make, key: str, hands: Hands
    ) -> None:
        document = order(lines=(self.line(item="MUG", quantity=str(Decimal(2))), self.service()))
        ends: list[object] = []
        for n in range(20):
            made = worker.advance(worker.create(document, key=f"{key}-{n}"), State.CONFIRMED)
            wire.die_after = n
            died = False
            try:
                worker.void(made)
            except DeadError:
                died = True
            wire.die_after = None
            worker.void(made)
            ends.append((self.state(worker, made), hands.after(made) == QUIET))
            if not died:
                break

        assert (len(ends), set(ends)) == (11, {(State.VOIDED, True)})
