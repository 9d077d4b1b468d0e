"""What lies in a real Tryton's warehouses reaches the store's shelves, by the whole local stack.

Each number that the store is asked for is worked out by hand beside the question.
"""

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

import pytest

from accord.local.tryton.names import EAST
from tests.journeys.market import Market
from tests.journeys.town import Town, configured

pytestmark = [pytest.mark.tryton, pytest.mark.slow]

COD = {"payment_method": "cod", "payment_method_title": "Cash on delivery"}
BARTER = {"payment_method": "barter", "payment_method_title": "Barter"}  # no rule says what it is
PAID = {"status": "processing", "set_paid": True}
HOUR = dt.timedelta(hours=1)
LATE = dt.timedelta(minutes=3)  # by then an order would have told of it
SHORTLY = dt.timedelta(seconds=5)  # for one poll, and no longer


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    # One piece of everything is kept back, three of chairs.
    chairs = {"name": "chairs break", "when": {"sku": ["CHAIR*"]}, "buffer": 3}
    config = configured(
        flows={"stock": "on"},
        stock={"locations": ["MAIN", EAST], "buffer": 1, "rule": [chairs]},
    )
    for name in ("*", ""):  # an unknown way to pay waits for a rule
        del config["stores"]["uk"]["mappings"]["payments"][name]
    with Town.open(config, tmp_path_factory.mktemp("stock")) as running:
        yield running


@pytest.fixture
def town(everyone: Town) -> Town:
    everyone.begin()
    return everyone


@pytest.fixture
def market(town: Town) -> Market:
    return Market(town)


class Workshop:
    """A joiner's goods, under names of their own: ``of("TABLE")`` is ``TABLE-7``.

    Two bolts make a leg, four legs and a plank make a table. A repair set is a kit of three bolts
    and a plank. Chairs are bought.
    """

    _count = 0

    def __init__(self, market: Market) -> None:
        Workshop._count += 1
        self._suffix = f"-{Workshop._count}"
        desk = market.town.desk
        bolt, plank, leg, table, repair, chair = (
            self.of(name) for name in ("BOLT", "PLANK", "LEG", "TABLE", "REPAIR", "CHAIR")
        )
        desk.make_items([bolt, plank, leg, table, repair, chair], price=10)
        desk.make_bom(leg, {bolt: 2})
        desk.make_bom(table, {plank: 1, leg: 4})
        desk.make_kit(repair, {bolt: 3, plank: 1})
        for code, main, east in (
            (bolt, 40, 10),
            (plank, 9, 4),
            (leg, 3, 0),
            (table, 0, 1),
            (chair, 20, 5),
        ):
            if main:
                desk.count(code, main)
            if east:
                desk.count(code, east, EAST)
        market.listed(bolt, table, repair, chair)
        market.settled()
        self._market = market

    def of(self, name: str) -> str:
        return f"{name}{self._suffix}"

    @property
    def shelves(self) -> dict[str, int]:
        """What the store shows."""
        names = ("BOLT", "TABLE", "REPAIR", "CHAIR")
        shown = self._market.quantities(*(self.of(name) for name in names))
        return {name: shown[self.of(name)] for name in names}

    @property
    def order_of(self) -> Any:
        """Places an order of these goods and lets it settle: its id."""

        def place(items: dict[str, int], **fields: Any) -> str:
            town = self._market.town
            wanted = {self.of(name): count for name, count in items.items()}
            order = town.front.order(wanted, billing=town.shopper(), **fields)
            self._market.settled()
            return order

        return place


@pytest.fixture
def shop(market: Market) -> Workshop:
    return Workshop(market)


# --- the number, worked out by hand -------------------------------------------------------


def test_the_store_shows_what_is_free_and_what_could_be_built_less_the_buffer(
    shop: Workshop, town: Town
) -> None:
    # bolts:   40 + 10 = 50; one kept back                                       → 49
    # tables:  1 in the east, and what can be built:
    #            planks for 13; 7 tables need 28 legs: 3 are there, 25 take all 50 bolts
    #          1 + 7 = 8; one kept back                                           →  7
    # repairs: 50 bolts / 3 = 16, 13 planks: 13; one kept back                   → 12
    # chairs:  20 + 5 = 25; three kept back                                      → 22
    assert shop.shelves == {"BOLT": 49, "TABLE": 7, "REPAIR": 12, "CHAIR": 22}
    assert town.asked() == []


def test_a_quotation_an_order_that_waits_and_anothers_hold_are_not_for_sale(
    shop: Workshop, market: Market, town: Town
) -> None:
    offered = shop.order_of({"TABLE": 2})  # on hold: a quotation, which reserves nothing
    waiting = shop.order_of({"REPAIR": 1}, **PAID, **BARTER)  # parked: Tryton knows nothing of it
    confirmed = shop.order_of({"CHAIR": 4}, **PAID, **COD)  # Tryton has reserved it
    market.hold("de", {shop.of("BOLT"): 9, shop.of("CHAIR"): 2}, for_=HOUR)
    market.settled()

    assert town.row(offered)["state"] == "quotation"
    assert market.parked() == [f"uk:order:{waiting}"]
    assert town.row(confirmed)["state"] == "processing"
    # the quotation takes the table that is there and what the second one is built of: a plank,
    # the 3 legs that are there, and 2 bolts for the fourth. The waiting order takes 3 bolts and a
    # plank, the hold 9 bolts:
    # bolts:   50 - 2 - 3 - 9 = 36; one kept back                                → 35
    # tables:  none are there; 13 - 1 - 1 = 11 planks; no leg, 36 bolts / 8 = 4; one kept back → 3
    # repairs: 36 / 3 = 12, 11 planks: 11; one kept back                         → 10
    # chairs:  25 - 4 reserved - 2 held = 19; three kept back                    → 16
    assert shop.shelves == {"BOLT": 35, "TABLE": 3, "REPAIR": 10, "CHAIR": 16}


def test_a_quotation_that_is_confirmed_is_tryton_s_to_subtract(
    shop: Workshop, market: Market, town: Town
) -> None:
    order = shop.order_of({"TABLE": 2})
    before = shop.shelves
    town.front.pay(order)
    market.settled()

    assert town.row(order)["state"] == "processing"
    # tables:  1 - 2 = -1: the one that is lacking is built first, which leaves 12 planks, no leg
    #          and 50 - 2 = 48 bolts; 48 / 8 = 6; one kept back                  →  5, as before
    # bolts:   50, since Tryton keeps tables for the order and not what they are made of → 49
    # repairs: 50 / 3 = 16, 13 planks: 13; one kept back                         → 12
    assert before == {"BOLT": 47, "TABLE": 5, "REPAIR": 11, "CHAIR": 22}
    assert shop.shelves == {"BOLT": 49, "TABLE": 5, "REPAIR": 12, "CHAIR": 22}


def test_an_order_that_waited_counts_once_before_and_once_after_it_is_reserved(
    shop: Workshop, market: Market, town: Town
) -> None:
    order = shop.order_of({"REPAIR": 2}, **PAID, payment_method="swap")
    # bolts 50 - 6 = 44 → 43; tables 1 + min(11, (44 + 6) / 8 = 6) = 7 → 6; repairs 11 → 10
    waiting = shop.shelves
    market.mapped(payments={"swap": {"record": False}})
    _until(market, lambda: f"uk:order:{order}" not in market.parked())
    market.settled()

    assert town.row(order)["state"] == "processing"
    assert waiting == {"BOLT": 43, "TABLE": 6, "REPAIR": 10, "CHAIR": 22}
    assert shop.shelves == waiting


def test_a_hold_that_lapses_gives_everything_back(shop: Workshop, market: Market) -> None:
    market.hold("de", {shop.of("CHAIR"): 2}, for_=SHORTLY)
    lapses = time.monotonic() + SHORTLY.total_seconds()
    market.settled()
    kept = shop.shelves["CHAIR"]
    time.sleep(max(0.0, lapses - time.monotonic()) + 0.5)
    market.settled()

    assert kept == 25 - 2 - 3
    assert shop.shelves["CHAIR"] == 25 - 3


def test_a_store_s_own_hold_leaves_its_own_number(shop: Workshop, market: Market) -> None:
    market.hold("uk", {shop.of("CHAIR"): 2}, for_=HOUR)
    market.settled()

    assert shop.shelves["CHAIR"] == 25 - 3


def test_goods_that_are_shipped_were_gone_already(shop: Workshop, market: Market) -> None:
    order = shop.order_of({"CHAIR": 4}, **PAID, **COD)
    reserved = shop.shelves["CHAIR"]
    market.town.desk.ship(f"uk-{order}", {shop.of("CHAIR"): 3})
    market.settled((*("recipe", "stock"), "shipment"))
    in_part = shop.shelves["CHAIR"]
    market.town.desk.ship(f"uk-{order}")
    market.settled((*("recipe", "stock"), "shipment"))

    assert reserved == in_part == shop.shelves["CHAIR"] == 25 - 4 - 3


def test_goods_that_are_received_are_sold_on_and_built_of(shop: Workshop, market: Market) -> None:
    market.town.desk.receive(shop.of("BOLT"), 16, EAST)
    market.settled()

    # bolts:   50 + 16 = 66; one kept back                                       → 65
    # tables:  1 + (66 bolts and 3 legs: (66 + 6) / 8 = 9) = 10; one kept back   →  9
    # repairs: 66 / 3 = 22, 13 planks: 13; one kept back                         → 12
    assert shop.shelves == {"BOLT": 65, "TABLE": 9, "REPAIR": 12, "CHAIR": 22}


def test_a_recipe_that_changes_changes_what_can_be_built(shop: Workshop, market: Market) -> None:
    market.town.desk.make_bom(shop.of("TABLE"), {shop.of("PLANK"): 2, shop.of("LEG"): 4})
    market.settled()

    # tables:  1 + (13 planks / 2 = 6) = 7; one kept back                        →  6
    assert shop.shelves["TABLE"] == 6


# --- both sides go on ------------------------------------------------------------------------


def test_what_the_store_sold_itself_it_is_not_told_again(shop: Workshop, market: Market) -> None:
    market.town.place.store.forget_calls()
    order = shop.order_of({"CHAIR": 4}, **PAID, **COD)
    market.settled()

    assert market.town.row(order)["state"] == "processing"
    assert shop.shelves["CHAIR"] == 22 - 4
    assert market.writes() == 0


def test_nothing_that_moved_is_nothing_that_is_written(shop: Workshop, market: Market) -> None:
    before = shop.shelves
    market.town.place.store.forget_calls()
    market.swept("stock")

    assert shop.shelves == before
    assert market.writes() == 0


def test_a_count_in_tryton_reaches_the_store(shop: Workshop, market: Market) -> None:
    market.town.desk.count(shop.of("CHAIR"), 7)
    market.settled()

    assert shop.shelves["CHAIR"] == 7 + 5 - 3


def test_an_order_that_is_cancelled_gives_its_goods_back(shop: Workshop, market: Market) -> None:
    order = shop.order_of({"CHAIR": 4}, **PAID, **COD)
    market.town.front.change(order, status="cancelled")
    market.settled()

    assert shop.shelves["CHAIR"] == 25 - 3


def test_an_order_beyond_what_is_there_leaves_nothing_to_sell(
    shop: Workshop, market: Market
) -> None:
    shop.order_of({"CHAIR": 30}, **PAID, **COD)  # as REST and a till may
    market.settled()

    assert shop.shelves["CHAIR"] == 0


def test_what_lies_where_the_store_does_not_sell_from_is_not_counted(
    shop: Workshop, market: Market
) -> None:
    market.town.desk.count(shop.of("CHAIR"), 0)
    market.settled()

    assert shop.shelves["CHAIR"] == 5 - 3  # the east's


# --- the store is written to by others as well -------------------------------------------------


def test_a_correction_by_hand_is_told_and_the_next_change_sets_it_right(
    shop: Workshop, market: Market, town: Town
) -> None:
    _count_in_the_store(market, shop.of("CHAIR"), 99)
    market.told_late(shop.of("CHAIR"), LATE)
    asked = [(item.reason, item.owner) for item in town.items() if shop.of("CHAIR") in item.message]
    corrected = shop.shelves["CHAIR"]
    town.desk.receive(shop.of("CHAIR"), 1)
    market.settled()

    assert asked == [("stock_corrected", "warehouse")]
    assert corrected == 99
    assert shop.shelves["CHAIR"] == 26 - 3


def test_our_own_writes_come_back_and_end_there(shop: Workshop, market: Market, town: Town) -> None:
    before = market.handled("product_updated", "stock_changed")
    writes = market.writes()
    town.desk.receive(shop.of("CHAIR"), 1)
    market.settled()
    sent = market.writes() - writes
    came = market.handled("product_updated") + market.handled("stock_changed") - before
    market.settled()

    # One batch, of one product; its echo is one message, and nothing follows from that.
    assert (sent, market.writes() - writes) == (1, 1)
    assert came == 2
    assert market.handled("product_updated", "stock_changed") == before + came
    assert town.asked() == []


# --- when it does not work -------------------------------------------------------------------------


def test_after_a_night_without_tryton_the_store_is_right_again(
    shop: Workshop, market: Market, town: Town
) -> None:
    books = town.place.books
    books.down()
    try:
        answer = town.place.stack.invoke("poll_erp", {"erp": "main", "kind": "stock"})
        shown = shop.shelves
    finally:
        books.down(False)
    town.desk.receive(shop.of("CHAIR"), 5)
    market.settled()

    assert answer.ok  # the next run asks again
    assert shown["CHAIR"] == 22
    assert shop.shelves["CHAIR"] == 30 - 3
    assert town.asked() == []


def test_a_sweep_finds_what_moved_no_date(shop: Workshop, market: Market) -> None:
    aside = market.town.desk.set_aside(shop.of("CHAIR"), 6)
    market.settled()
    before = shop.shelves["CHAIR"]
    market.town.desk.put_back(aside)  # a record that is gone has no date
    market.swept("stock")

    assert before == 25 - 6 - 3
    assert shop.shelves["CHAIR"] == 25 - 3


def _count_in_the_store(market: Market, sku: str, quantity: int) -> None:
    """A person typed a number a while ago; the delivery of it is the test's to send."""
    then = (dt.datetime.now(dt.UTC) - LATE).strftime("%Y-%m-%dT%H:%M:%S")
    dates = {"date_modified": then, "date_modified_gmt": then}
    product = {**market.shown(sku), **dates, "stock_quantity": quantity}
    market.town.place.store.control("PUT", "products", [product])


def _until(market: Market, look: Any) -> None:
    """`wake` sends back what waits, within the minute that rules are kept for."""
    until = time.monotonic() + 100
    while not look():
        assert time.monotonic() < until, market.parked()
        market.town.place.stack.invoke("wake", {})
        assert market.town.place.stack.wait_idle(100)
        time.sleep(1)
