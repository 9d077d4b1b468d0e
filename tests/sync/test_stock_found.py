"""Lives of orders in which a store once sold what was gone, or ceased to sell what was there."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.memory.adapter import Memory
from accord.errors import PermanentError, RejectedError
from accord.local.world import KilledError, World
from accord.model.change import Ref
from accord.model.documents import Kind, State
from accord.model.stock import Snapshot
from accord.ports.levels import Demand
from accord.rules.config import Config
from tests.conftest import order_json
from tests.sync.conftest import START, config
from tests.sync.test_catalogue import Shelf, pieces, selling

MINUTE = dt.timedelta(minutes=1)
BILLING = order_json("order_created_rich")["billing"]
WRITES = {f"after {call}" for call in ("erp.void", "erp.create", "erp.advance", "links.save")}
STATUSES = {"processing": "sales_order", "completed": "sales_order", "on-hold": "quotation"}


def following(**tables: Any) -> Config:
    given: dict[str, Any] = {
        "flows": {"orders": "on", "stock": "on"},
        "stock": {"locations": ["MAIN"]},
        "orders": {"statuses": STATUSES},
    }
    names = given | tables
    return config(**{n: {**given.get(n, {}), **tables.get(n, {})} for n in names})


class Shop(World):
    """A world that sells mugs: 20 lie in the back office, and the store shows them."""

    def sell(self, quantity: int = 3, *, status: str = "processing") -> str:
        order = self.store.sell({"MUG": quantity}, status=status, billing=BILLING)
        self.settle()
        return order

    def set_status(self, order: str, status: str) -> None:
        self.store.set_status(order, status)
        self.settle()

    def restock(self, order: str, quantity: int = 1) -> None:
        line = str(self.store.orders[order]["line_items"][0]["id"])
        self.store.refund(order, lines={line: quantity}, restock=True)
        self.settle()

    def settle(self, minutes: int = 3) -> None:
        self.drain(30 * MINUTE)
        for _ in range(minutes):
            self.drain_until(self.clock.now + MINUTE)

    def claim(self, order: str) -> Demand:
        found = self.levels.demand(Ref("uk", "order", order))
        assert found is not None
        return found

    def sweep(self) -> None:
        self._catalogue_poller().ask_for_sweep(Kind.STOCK)
        self.settle()

    def document(self, order: str) -> Ref:
        link = self.links.get(Ref("uk", "order", order))
        assert link is not None
        assert link.erp is not None
        return link.erp

    @property
    def taken(self) -> Decimal:
        return self.levels.holdings("main", ["MUG"])["MUG"].taken

    @property
    def shown(self) -> int | None:
        return self.store.stock_of("MUG")


def shop(config_: Config | None = None, *, shown: int = 20) -> Shop:
    world = Shop(config_ or following(), START)
    world.erp().ping()
    world.erp().add_item("MUG", price=Decimal(10), stock=pieces(20))
    world.store.add_product("MUG", quantity=0)
    world.settle()
    assert world.shown == shown
    return world


# --- what moves though nothing is claimed -------------------------------------------


def test_goods_of_a_dead_order_that_come_back_are_not_sold_beside_the_back_offices() -> None:
    world = shop()
    order = world.sell(3, status="on-hold")
    world.set_status(order, "failed")
    assert world.shown == 20
    world.set_status(order, "cancelled")  # only now the store counts them back
    assert world.shown == 20


def test_goods_of_an_order_that_was_trashed_are_put_back_once() -> None:
    world = shop()
    order = world.sell(3)
    world.store.trash(order)
    world.store.edit(order, customer_note="told")
    world.settle()
    world.restock(order)
    assert world.shown == 20


def test_pieces_that_an_order_took_and_lost_before_it_was_seen_are_shown_again() -> None:
    world = shop()
    world.copies = lambda _: 0
    order = world.store.sell({"MUG": 3}, status="on-hold", billing=BILLING)
    world.copies = lambda _: 1
    world.store.set_status(order, "failed")
    assert world.shown == 17
    world.settle()
    assert world.shown == 20


# --- documents that go while their order stands ------------------------------------------


def refusing(world: Shop, call: str) -> None:
    def refuse(heard: str) -> None:
        if heard == call:
            raise RejectedError("the customer is blocked", reason="rejected")

    world.hook = refuse


def test_what_was_cancelled_to_be_made_anew_is_claimed_until_it_is() -> None:
    world = shop()
    order = world.sell(3)
    assert world.claim(order).reserved_at is not None
    refusing(world, "before erp.create")
    world.store.edit(order, billing={**BILLING, "city": "Bath"})  # another address: made anew
    world.settle()
    assert world.shown == 17

    world.hook = lambda _: None
    world.store.edit(order, billing={**BILLING, "city": "Ely"})
    world.settle()
    assert world.shown == 17
    assert world.taken == 0


def test_killed_after_any_call_what_is_made_anew_stays_claimed() -> None:
    def played(fatal: int) -> tuple[list[str], Shop]:
        world, heard = shop(), list[str]()
        order = world.sell(3)

        def kill(call: str) -> None:
            if call in WRITES:
                heard.append(call)
                if len(heard) == fatal:
                    raise KilledError

        world.hook = kill
        world.store.edit(order, billing={**BILLING, "city": "Bath"})
        world.settle()
        world.hook = lambda _: None
        world.settle()
        return heard, world

    calls, _ = played(0)
    assert {*calls} == WRITES
    for fatal, call in enumerate(calls, start=1):
        world = played(fatal)[1]
        assert (world.shown, world.taken) == (17, Decimal(0)), call


# --- stock that is followed from some day on -----------------------------------------------


@pytest.mark.parametrize("status", ["processing", "cancelled"])
def test_what_an_order_from_before_gives_back_is_not_sold_beside_the_back_offices(
    status: str,
) -> None:
    world = shop(following(flows={"stock": "off"}), shown=0)
    world.store.set_stock("MUG", 20)
    order = world.sell(3)
    world.config = following()
    world.settle()
    assert world.shown == 17

    world.erp().ship(world.document(order))  # it stands, whatever the store says
    world.settle()
    if status == "cancelled":
        world.set_status(order, status)
    else:
        world.restock(order)
    assert world.shown == 17


# --- what the back office is like ------------------------------------------------------------


def test_rules_reach_the_store_though_its_back_offices_clock_is_ahead() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.settle()
    shelf.clock.now -= 20 * MINUTE  # the records are that much in the future
    shelf.stores = {"uk": selling(stock={"locations": ["MAIN"], "buffer": 5})}
    for _ in range(2):
        with pytest.raises(PermanentError, match="in the future"):
            shelf.poll()
    assert shelf.quantity("MUG") == 2


class Renamed(Memory):
    """What was MUG has another code by now."""

    def find_items(self, codes: Sequence[str]) -> Mapping[str, str]:
        return super().find_items([code for code in codes if code != "MUG"])

    def stock(self, ids: Sequence[str], locations: Sequence[str]) -> Sequence[Snapshot]:
        found = super().stock(ids, locations)
        return [replace(each, item="CUP") if each.item == "MUG" else each for each in found]


def test_a_code_that_means_nothing_any_more_sells_nothing_once_it_is_ordered() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.settle()
    shelf.erp = Renamed(shelf.books.call, "main", clock=shelf.clock)
    shelf.poller().ask_for_sweep(Kind.STOCK)
    shelf.settle()
    assert shelf.quantity("CUP") == 7

    ordered = {"MUG": Decimal(1)}
    order = Ref("uk", "order", "1")
    shelf.levels.set_demand(Demand(order, "main", ordered, ordered), now=shelf.clock())
    shelf.settle(minutes=1)
    assert (shelf.quantity("MUG"), shelf.quantity("CUP")) == (0, 7)


def test_a_code_that_the_back_office_never_had_is_left_to_the_store() -> None:
    shelf = Shelf()
    shelf.settle()
    ordered = {"GIFT": Decimal(1)}
    order = Ref("uk", "order", "1")
    shelf.levels.set_demand(Demand(order, "main", ordered, ordered), now=shelf.clock())
    shelf.settle(minutes=2)
    assert shelf.wanted("GIFT") is None


def test_goods_given_back_before_a_write_that_did_not_know_are_shown_by_the_next_sweep() -> None:
    world = shop()
    order = world.sell(3, status="on-hold")
    world.copies = lambda topic: int(not topic.startswith("order"))
    world.store.set_status(order, "cancelled")  # nobody has told us yet
    world.erp().receive_goods("MUG", Decimal(5))
    world.settle()
    assert world.shown == 22  # it had 20, and 25 less 3 were sent

    world.copies = lambda _: 1
    world.store.edit(order, customer_note="told")
    world.settle(minutes=31)
    world.sweep()
    assert world.shown == 25


def test_a_sale_before_a_write_that_did_not_know_is_not_sold_again() -> None:
    world = shop()
    world.copies = lambda topic: int(not topic.startswith("order"))
    order = world.store.sell({"MUG": 3}, billing=BILLING)  # nobody has told us yet
    world.erp().receive_goods("MUG", Decimal(20))
    world.settle()

    world.copies = lambda _: 1
    world.store.edit(order, customer_note="told")
    world.settle()
    assert world.shown == 37


# --- quotations that a person confirms in the back office --------------------------------


def test_a_quotation_that_is_confirmed_by_hand_claims_nothing_more() -> None:
    flows = {"orders": "on", "stock": "on", "erp_changes": "on"}
    world = shop(following(flows=flows))
    order = world.sell(3, status="on-hold")
    assert (world.taken, world.shown) == (3, 17)

    record = world.erp().get(world.document(order))
    assert record is not None
    world.erp().advance(record, State.CONFIRMED)
    world.settle()

    assert (world.taken, world.shown) == (0, 17)
