"""What is free of a real Tryton's items: what only Tryton does."""

import contextlib
import datetime as dt
import sqlite3
from dataclasses import replace
from decimal import Decimal

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import UnmappedError
from accord.local.tryton import TrytonServer
from accord.local.tryton.desk import Desk
from accord.model.documents import Kind, Record, State
from tests.erp.promises import Make
from tests.erp.tryton.items import Spent, TrytonItems
from tests.erp.tryton.orders import CONTEXT, Hands

pytestmark = pytest.mark.tryton

TODAY = dt.datetime.now(dt.UTC).date()


class TestStocks(TrytonItems):
    """Free: there, and not promised."""

    def test_a_hundred_items_at_two_locations_take_four_calls(
        self, erp: Tryton, desk: Desk, unique: str, spent: Spent
    ) -> None:
        codes = [f"MUG-{unique}-{n}" for n in range(100)]
        desk.make_items(codes)
        ids = list(erp.find_items(codes).values())
        erp.stock(ids[:1], ["MAIN", "EAST"])
        spent()

        found = erp.stock(ids, ["MAIN", "EAST"])

        assert len(found) == 100
        assert spent() == {
            "model.product.product.search_read": 2,
            "model.stock.move.search_read": 1,
            "model.sale.line.search_read": 1,
        }

    @pytest.mark.parametrize(
        "planned", [TODAY - dt.timedelta(days=1), TODAY + dt.timedelta(days=7), None]
    )
    def test_a_promise_counts_whenever_it_is_to_be_kept(
        self, erp: Tryton, stocked: str, hands: Hands, planned: dt.date | None
    ) -> None:
        """Tryton's forecast of today forgets all three."""
        way = (self.place(hands), self.place(hands, "output_location"))
        self.move(hands, stocked, 3, way, planned_date=planned)

        assert self.free(erp, stocked) == 7

    def test_what_is_still_to_come_in_is_not_free(
        self, erp: Tryton, stocked: str, hands: Hands
    ) -> None:
        way = (self.place(hands, "input_location"), self.place(hands))
        self.move(hands, stocked, 5, way, planned_date=TODAY)

        assert self.free(erp, stocked) == 10

    def test_what_is_moved_within_the_storage_stays_free(
        self, erp: Tryton, stocked: str, hands: Hands
    ) -> None:
        storage = self.place(hands)
        shelf = self._shelf(hands, storage)
        self.move(hands, stocked, 5, (storage, shelf), planned_date=TODAY)

        assert self.free(erp, stocked) == 10

    def test_a_promise_from_a_shelf_that_was_put_up_since_counts(
        self, erp: Tryton, stocked: str, hands: Hands
    ) -> None:
        assert self.free(erp, stocked) == 10  # the locations are known from now on
        shelf = self._shelf(hands, self.place(hands))

        way = (shelf, self.place(hands, "output_location"))
        self.move(hands, stocked, 4, way, planned_date=TODAY)

        assert self.free(erp, stocked) == 6

    def test_what_another_warehouse_promised_is_its_own(
        self, erp: Tryton, desk: Desk, stocked: str, hands: Hands
    ) -> None:
        desk.receive(stocked, 7, "EAST")
        east = (
            self.place(hands, warehouse="EAST"),
            self.place(hands, "output_location", warehouse="EAST"),
        )
        self.move(hands, stocked, 2, east, planned_date=TODAY)

        (found,) = erp.stock([self.id_of(erp, stocked)], ["MAIN", "EAST"])

        assert found.free == {"MAIN": 10, "EAST": 5}

    def test_what_was_picked_is_neither_there_nor_free(
        self, erp: Tryton, stocked: str, sell: Make, hands: Hands
    ) -> None:
        sold = erp.advance(sell(stocked), State.CONFIRMED)
        hands.shipment(sold, "assign_force", "pick")

        assert self.free(erp, stocked) == 7

    def test_an_order_that_waits_for_the_servers_queue_counts(
        self, erp: Tryton, stocked: str, sell: Make, left_for_later: Make
    ) -> None:
        left_for_later(sell(stocked))

        assert self.free(erp, stocked) == 7

    def test_it_counts_at_the_warehouses_storage_too(
        self, erp: Tryton, stocked: str, sell: Make, hands: Hands, left_for_later: Make
    ) -> None:
        code = f"STORE-{stocked}"
        hands.do("stock.location.write", [self.place(hands)], {"code": code})
        left_for_later(sell(stocked))

        assert self.free(erp, stocked, code) == 7

    def test_an_order_counts_once_when_the_queue_got_to_it(
        self, erp: Tryton, stocked: str, sell: Make, hands: Hands, left_for_later: Make
    ) -> None:
        sold = sell(stocked)
        left_for_later(sold)
        hands.do("sale.sale.process", [int(sold.ref.id)])

        assert self.free(erp, stocked) == 7

    def test_an_order_that_waits_for_its_money_counts_before_and_after(
        self, erp: Tryton, stocked: str, sell: Make, hands: Hands
    ) -> None:
        sold = erp.advance(sell(stocked, method="invoice"), State.CONFIRMED)
        before = self.free(erp, stocked)
        hands.invoice(sold)
        hands.pay(sold)

        shipments = hands.sale(sold)["shipments."]
        assert len(shipments) == 1
        assert (before, self.free(erp, stocked)) == (7, 7)

    def test_of_a_kit_that_waits_the_parts_count(
        self, erp: Tryton, desk: Desk, stocked: str, unique: str, sell: Make, left_for_later: Make
    ) -> None:
        desk.make_items([f"SET-{unique}"])
        desk.make_kit(f"SET-{unique}", {stocked: 2})
        left_for_later(sell(f"SET-{unique}"))

        assert self.free(erp, stocked) == 4

    def test_of_a_kit_itself_there_is_nothing(
        self, erp: Tryton, desk: Desk, stocked: str, unique: str
    ) -> None:
        desk.make_items([f"SET-{unique}"])
        desk.make_kit(f"SET-{unique}", {stocked: 2})

        assert self.free(erp, f"SET-{unique}") == 0

    def test_stock_is_counted_in_what_is_sold(
        self, erp: Tryton, desk: Desk, code: str, sell: Make, hands: Hands, unique: str
    ) -> None:
        dozen = {"name": f"Dozen {unique}", "symbol": unique, "factor": 12.0}
        (piece,) = hands.do("product.uom.read", [self.unit(hands, "u")], ["category"])
        values = {**dozen, "category": piece["category"], "rate": round(1 / 12, 12), "digits": 2}
        (unit,) = hands.do("product.uom.create", [{**values, "rounding": 0.01}])
        desk.edit_item(code, sale_uom=unit)
        desk.receive(code, 60)
        erp.advance(sell(code, "2"), State.CONFIRMED)

        assert self.free(erp, code) == 3

    def test_an_archived_item_leaves_its_code_to_the_active_one(
        self, erp: Tryton, desk: Desk, stocked: str, hands: Hands
    ) -> None:
        old = self.id_of(erp, stocked)
        hands.do("product.product.write", [int(old)], {"active": False})
        desk.make_items([stocked])
        desk.receive(stocked, 4)

        found = erp.stock([self.id_of(erp, stocked), old], ["MAIN"])

        assert [(each.item, each.free) for each in found] == [(stocked, {"MAIN": 4})]

    def test_a_location_goes_by_its_name_where_it_has_no_code(
        self, erp: Tryton, desk: Desk, stocked: str
    ) -> None:
        assert self.free(erp, stocked, "Main Warehouse") == 10
        assert self.free(erp, stocked, "East Storage") == 0

    def test_a_name_that_two_locations_share_is_none(
        self, erp: Tryton, stocked: str, hands: Hands, unique: str
    ) -> None:
        for _ in range(2):
            self._shelf(hands, self.place(hands), f"Shelf {unique}")

        with pytest.raises(UnmappedError) as caught:
            erp.stock([self.id_of(erp, stocked)], [f"Shelf {unique}"])

        assert caught.value.causes == (f"location:Shelf {unique}",)

    def test_a_snapshot_bears_the_time_before_the_first_call(
        self, server: TrytonServer, stocked: str
    ) -> None:
        times = iter([dt.datetime(2026, 11, 1, tzinfo=dt.UTC)])
        ticking = replace(server.connection(), clock=lambda: next(times))
        late = Tryton.connect(ticking)

        (found,) = late.stock([self.id_of(late, stocked)], ["MAIN"])

        assert found.as_of == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)

    def test_a_confirmed_order_that_waits_is_told(
        self, erp: Tryton, stocked: str, sell: Make, left_for_later: Make
    ) -> None:
        sold = sell(stocked)
        since = dt.datetime.now(dt.UTC)
        left_for_later(sold)

        told = erp.changes(Kind.STOCK, since)

        assert [news.ref.id for news in told] == [self.id_of(erp, stocked)]

    @pytest.fixture
    def left_for_later(self, server: TrytonServer) -> Make:
        """Leaves an order as a server with a queue does, between confirming and processing it.

        The local server has no queue, and Tryton lets nobody write the state.
        """

        def leave(sold: Record) -> None:
            file = server.folder / f"{server.database}.sqlite"
            with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as database:
                database.execute(
                    "UPDATE sale_sale SET state = 'confirmed', write_date = ? WHERE id = ?",
                    (dt.datetime.now(dt.UTC).replace(tzinfo=None).isoformat(" "), sold.ref.id),
                )

        return leave

    @staticmethod
    def _shelf(hands: Hands, parent: int, name: str = "Shelf") -> int:
        (shelf,) = hands.do(
            "stock.location.create", [{"name": name, "type": "storage", "parent": parent}]
        )
        return int(shelf)


def test_the_forecast_forgets_a_promise_of_yesterday(server: TrytonServer, erp: Tryton) -> None:
    """Why Tryton's own forecast is not what is free."""
    desk, hands = Desk(server), Hands(server)
    desk.make_items(["LATE"])
    desk.receive("LATE", 10)
    way = (TrytonItems.place(hands), TrytonItems.place(hands, "output_location"))
    yesterday = TODAY - dt.timedelta(days=1)
    TrytonItems.move(hands, "LATE", 3, way, planned_date=yesterday)
    (warehouse,) = hands.do(
        "stock.location.search", [["code", "=", "MAIN"], ["type", "=", "warehouse"]]
    )

    (row,) = server.administrator().call(
        "model.product.product.read",
        [TrytonItems.product(hands, "LATE")["id"]],
        ["quantity", "forecast_quantity"],
        context={**CONTEXT, "locations": [warehouse], "stock_date_end": TODAY},
    )

    assert Decimal(str(row["forecast_quantity"])) == 10
    assert TrytonItems.free(erp, "LATE") == 7
