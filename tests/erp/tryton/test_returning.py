"""Goods that come back to a real Tryton: announced by us, or taken back by a clerk by hand."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import UnavailableError
from accord.local.tryton import TrytonServer
from accord.local.tryton.desk import Desk
from accord.model.documents import Kind, Record, ReturnDocument, State
from accord.model.progress import Progress
from tests.erp.promises import Make
from tests.erp.tryton.orders import DeadError, Hands, TrytonOrders, Wire

pytestmark = pytest.mark.tryton

MANY = 1000


@pytest.fixture(scope="module")
def desk(server: TrytonServer) -> Desk:
    """A person at a Tryton whose warehouse is full."""
    desk = Desk(server)
    desk.stock_up(["MUG"], MANY)
    return desk


class TestReturns(TrytonOrders):
    @pytest.fixture
    def sold(self, confirmed: Record, desk: Desk) -> Record:
        """Two mugs and a service; the mugs have left."""
        desk.ship(confirmed.ref.id, carrier="Parcel Post")
        return confirmed

    @pytest.fixture
    def back(self, sold: Record, buyer: Record) -> ReturnDocument:
        """One of the two mugs."""
        address = buyer.addresses[0][1]
        return ReturnDocument(
            number="1042",
            order=sold.ref,
            party=buyer.ref,
            billing_address=address,
            shipping_address=address,
            currency=self.CURRENCY,
            returned_on=dt.datetime.now(dt.UTC).date(),
            lines=(("MUG", Decimal(1)),),
            comment="Return 1 of web order 1042",
        )

    @pytest.fixture
    def opened(self, erp: Tryton, back: ReturnDocument, key: str) -> Record:
        return erp.advance(erp.create(back, key=f"{key}-b1"), State.CONFIRMED)

    def progress(self, erp: Tryton, record: Record) -> Progress:
        found = erp.progress(record.ref)
        assert found is not None
        return found

    def test_an_open_return_waits_in_the_warehouse(self, opened: Record, hands: Hands) -> None:
        row = hands.sale(opened, "shipment_returns.state", "shipments", "state", "reference")

        assert [each["state"] for each in row["shipment_returns."]] == ["draft"]
        assert (row["state"], row["shipments"], row["reference"]) == ("processing", [], "1042")

    def test_a_return_is_tied_to_its_order(
        self, opened: Record, sold: Record, hands: Hands
    ) -> None:
        assert hands.sale(opened, "origin")["origin"] == f"sale.sale,{sold.ref.id}"

    def test_nothing_is_credited_by_a_return(
        self, opened: Record, sold: Record, desk: Desk, hands: Hands
    ) -> None:
        desk.receive_return(sold.ref.id)
        row = hands.sale(opened, "invoices", "total_amount", "invoice_method")

        assert (row["invoices"], row["total_amount"], row["invoice_method"]) == (
            [],
            Decimal(0),
            "manual",
        )

    def test_what_is_received_is_in_stock_again(
        self, opened: Record, sold: Record, desk: Desk, hands: Hands
    ) -> None:
        desk.receive_return(sold.ref.id)

        assert hands.sale(opened, "shipment_state")["shipment_state"] == "sent"
        (mugs,) = hands.do(
            "stock.move.search_read",
            [["origin.sale", "=", int(opened.ref.id), "sale.line"], ["state", "=", "done"]],
            *(0, None, None, ["quantity", "to_location.type"]),
        )
        assert mugs["quantity"] == 1

    def test_a_return_is_an_order_that_is_no_web_order(
        self, erp: Tryton, back: ReturnDocument, sold: Record, key: str
    ) -> None:
        since = self.moment()
        opened = erp.advance(erp.create(back, key=f"{key}-b1"), State.CONFIRMED)
        told = {each.ref: each.order for each in erp.changes(Kind.SALES_ORDER, since)}

        itself = replace(opened.ref, kind=Kind.SALES_ORDER)
        assert told[itself] == itself  # which no link knows
        assert sold.ref not in told

    def test_a_crash_after_any_call_is_mended_by_looking_first(
        self, worker: Tryton, wire: Wire, back: ReturnDocument, key: str
    ) -> None:
        ends: list[tuple[int, State]] = []
        for n in range(20):
            name = f"{key}-b{n}"
            wire.die_after = n
            died = False
            try:
                worker.advance(worker.create(back, key=name), State.CONFIRMED)
            except DeadError:
                died = True
            wire.die_after = None
            found = worker.find(Kind.RETURN, name) or (worker.create(back, key=name),)
            worker.advance(found[0], State.CONFIRMED)
            now = worker.find(Kind.RETURN, name)
            ends.append((len(now), now[0].state))
            if not died:
                break

        assert set(ends) == {(1, State.CONFIRMED)}
        assert len(ends) == 6  # the order, create; quote, read, confirm; and none

    def test_a_return_that_cannot_be_sent_was_not_made(
        self, server: TrytonServer, order: Make, back: ReturnDocument, key: str
    ) -> None:
        def broken(request: httpx.Request) -> httpx.Response:
            raise httpx.ConnectError("nobody there", request=request)

        erp = Tryton.connect(server.connection(), transport=httpx.MockTransport(broken))

        with pytest.raises(UnavailableError) as failed:
            erp.create(back, key=f"{key}-b1")
        assert not failed.value.sent

    # --- by hand ---------------------------------------------------------------------------

    def test_what_a_clerk_takes_back_by_hand_is_told_to_nobody(
        self, erp: Tryton, sold: Record, desk: Desk
    ) -> None:
        before, since = self.progress(erp, sold), self.moment()
        clerks = desk.return_sale(sold.ref.id)
        desk.receive_return(sold.ref.id)
        desk.post_invoice(clerks)  # the credit note is the clerk's own

        assert self.progress(erp, sold) == before
        told = [each for kind in erp.capabilities.tells for each in erp.changes(kind, since)]
        assert [each for each in told if each.order == sold.ref] == []
