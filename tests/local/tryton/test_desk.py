"""What a person does at a Tryton happens there."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import RejectedError
from accord.local.tryton import CACHE, TrytonServer, seed
from accord.local.tryton.desk import Desk
from accord.model.documents import Record
from tests.erp.promises import Make
from tests.erp.tryton.conftest import CATALOGUE, REPOSITORY
from tests.erp.tryton.orders import Hands, TrytonOrders

pytestmark = pytest.mark.tryton


@pytest.fixture(scope="module")
def server() -> Iterator[TrytonServer]:
    with TrytonServer.ready(REPOSITORY / CACHE, progress=print) as server:
        seed(server, CATALOGUE)
        yield server


@pytest.fixture(scope="module")
def erp(server: TrytonServer) -> Tryton:
    return Tryton.connect(server.connection())


@pytest.fixture(scope="module")
def desk(server: TrytonServer) -> Desk:
    """A person at a Tryton whose warehouse is full."""
    desk = Desk(server)
    desk.stock_up(["MUG"], 1000)
    return desk


class TestDesk(TrytonOrders):
    """Two mugs and their shipping, confirmed."""

    def test_an_order_is_shipped(self, desk: Desk, confirmed: Record, hands: Hands) -> None:
        sent = desk.ship(confirmed.ref.id, carrier_reference="1Z999")

        assert (sent.reference, dict(sent.lines)) == ("1Z999", {"MUG": 2})
        assert hands.sale(confirmed, "shipment_state")["shipment_state"] == "sent"

    def test_an_order_is_named_by_its_web_id(self, desk: Desk, confirmed: Record, key: str) -> None:
        assert dict(desk.ship(key).lines) == {"MUG": 2}

    def test_a_part_is_shipped_and_the_rest_waits(
        self, desk: Desk, confirmed: Record, hands: Hands
    ) -> None:
        desk.ship(confirmed.ref.id, {"MUG": 1})

        states = {each["state"] for each in hands.sale(confirmed, "shipments.state")["shipments."]}
        assert states == {"done", "waiting"}

    def test_more_than_was_ordered_is_not_shipped(self, desk: Desk, confirmed: Record) -> None:
        with pytest.raises(RejectedError):
            desk.ship(confirmed.ref.id, {"MUG": 3})

    def test_what_was_shipped_is_not_shipped_again(self, desk: Desk, confirmed: Record) -> None:
        desk.ship(confirmed.ref.id)

        with pytest.raises(RejectedError):
            desk.ship(confirmed.ref.id)

    def test_what_is_not_in_stock_is_not_shipped(
        self, desk: Desk, confirmed: Record, hands: Hands
    ) -> None:
        desk.stock_up(["MUG"], 1)
        try:
            with pytest.raises(RejectedError):
                desk.ship(confirmed.ref.id)
        finally:
            desk.stock_up(["MUG"], 1000)

    def test_what_tryton_does_not_hold_is_not_counted(self, desk: Desk) -> None:
        with pytest.raises(RejectedError):
            desk.stock_up(["NO-SUCH-ITEM"], 1)

    def test_an_invoice_is_posted_once(self, desk: Desk, confirmed: Record) -> None:
        number = desk.post_invoice(confirmed.ref.id)

        assert number.startswith("INV-")
        assert desk.post_invoice(confirmed.ref.id) == number

    def test_an_invoice_is_paid(self, desk: Desk, confirmed: Record, hands: Hands) -> None:
        desk.post_invoice(confirmed.ref.id)
        desk.pay_invoice(confirmed.ref.id)

        assert hands.sale(confirmed, "invoice_state")["invoice_state"] == "paid"

    def test_a_draft_is_not_paid(self, desk: Desk, confirmed: Record) -> None:
        with pytest.raises(RejectedError):
            desk.pay_invoice(confirmed.ref.id)

    def test_an_invoice_is_credited_in_part(
        self, desk: Desk, confirmed: Record, hands: Hands
    ) -> None:
        desk.post_invoice(confirmed.ref.id)
        number = desk.credit(confirmed.ref.id, {"MUG": 1})

        (note,) = hands.do(
            "account.invoice.search_read", [["number", "=", number]], 0, 1, None, ["total_amount"]
        )
        assert note["total_amount"] == Decimal("-6.00")

    def test_an_invoice_is_credited_in_whole(
        self, desk: Desk, confirmed: Record, hands: Hands
    ) -> None:
        desk.post_invoice(confirmed.ref.id)
        number = desk.credit(confirmed.ref.id)

        (note,) = hands.do(
            "account.invoice.search_read", [["number", "=", number]], 0, 1, None, ["untaxed_amount"]
        )
        assert note["untaxed_amount"] == Decimal("-13.00")

    def test_more_than_was_invoiced_is_not_credited(self, desk: Desk, confirmed: Record) -> None:
        desk.post_invoice(confirmed.ref.id)

        with pytest.raises(RejectedError):
            desk.credit(confirmed.ref.id, {"MUG": 3})

    def test_a_draft_is_cancelled(
        self, desk: Desk, erp: Tryton, order: Make, key: str, hands: Hands
    ) -> None:
        draft = erp.create(order(), key=key)
        desk.cancel(key)

        assert hands.sale(draft, "state")["state"] == "cancelled"

    def test_an_order_in_hand_ends_with_nothing_to_do(
        self, desk: Desk, confirmed: Record, hands: Hands
    ) -> None:
        desk.cancel(confirmed.ref.id)

        assert hands.after(confirmed) == ("done", {"cancelled"}, {"cancelled"})

    def test_what_left_stays_when_the_rest_is_cancelled(
        self, desk: Desk, confirmed: Record, hands: Hands
    ) -> None:
        desk.ship(confirmed.ref.id, {"MUG": 1})
        desk.cancel(confirmed.ref.id)

        _, shipments, _ = hands.after(confirmed)
        assert shipments == {"done", "cancelled"}

    def test_who_is_not_there_cannot_be_served(self, desk: Desk) -> None:
        with pytest.raises(RejectedError):
            desk.cancel("no-such-order")

    def test_parts_of_a_party_are_written_without_the_party(
        self, desk: Desk, buyer: Record, hands: Hands
    ) -> None:
        ids = [int(buyer.ref.id)]
        (before,) = hands.do("party.party.read", ids, ["_timestamp"])
        desk.edit_party(buyer.number, email="new@x.example", phone="+44 113 496 0111", city="Hull")

        (after,) = hands.do(
            "party.party.read", ids,
            ["_timestamp", "contact_mechanisms.value", "addresses.city"],
        )  # fmt: skip
        assert after["_timestamp"] == before["_timestamp"]
        values = {each["value"] for each in after["contact_mechanisms."]}
        assert values == {"new@x.example", "+44 113 496 0111"}
        assert [each["city"] for each in after["addresses."]] == ["Hull"]

    def test_a_party_is_renamed_and_archived(self, desk: Desk, buyer: Record, hands: Hands) -> None:
        desk.edit_party(buyer.number, name="Maria Smith")
        desk.archive_party(buyer.number)

        (row,) = hands.do("party.party.read", [int(buyer.ref.id)], ["name", "active"])
        assert (row["name"], bool(row["active"])) == ("Maria Smith", False)

    def test_a_party_that_is_not_there_cannot_be_written(self, desk: Desk) -> None:
        with pytest.raises(RejectedError):
            desk.archive_party("NOBODY")
