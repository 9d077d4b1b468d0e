"""What lies in a real Tryton's warehouses reaches the store's shelves, by the whole local stack.

Each number that the store is asked for is worked out by hand beside the question.
"""

import datetime as dt
import itertools
import time
from collections.abc import Iterator, Sequence
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
COUNTED = {
    "MAIN": {"BOLT": 40, "PLANK": 9, "LEG": 3, "CHAIR": 20},
    EAST: {"BOLT": 10, "PLANK": 4, "TABLE": 1, "CHAIR": 5},
}
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

    def __init__(self, market: Market, number: int, *, makes: bool) -> None:
        """Without ``makes`` there are chairs, and nothing else."""
        self._market = market
        self._suffix = f"-{number}"
        self._sold = ("BOLT", "TABLE", "REPAIR", "CHAIR") if makes else ("CHAIR",)
        self._kept = ("PLANK", "LEG") if makes else ()

    @staticmethod
    def set_up(market: Market, shops: Sequence["Workshop"]) -> None:
        """All of them, on both sides."""
        desk = market.town.desk
        desk.make_items([each.of(name) for each in shops for name in each.names], price=10)
        for shop in shops:
            if "TABLE" in shop.names:
                desk.make_bom(shop.of("LEG"), {shop.of("BOLT"): 2})
                desk.make_bom(shop.of("TABLE"), {shop.of("PLANK"): 1, shop.of("LEG"): 4})
                desk.make_kit(shop.of("REPAIR"), {shop.of("BOLT"): 3, shop.of("PLANK"): 1})
        for warehouse, there in COUNTED.items():
            found = [(each, name) for each in shops for name in each.names if name in there]
            desk.count_all({each.of(name): there[name] for each, name in found}, warehouse)
        market.listed(*(each.of(name) for each in shops for name in each._sold))
        market.settled()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self._sold, *self._kept)

    def of(self, name: str) -> str:
        return f"{name}{self._suffix}"

    @property
    def shelves(self) -> dict[str, int]:
        """What the store shows."""
        shown = self._market.quantities(*(self.of(name) for name in self._sold))
        return {name: shown[self.of(name)] for name in self._sold}

    def place(self, items: dict[str, int], **fields: Any) -> str:
        """An order of these goods, of which nobody has heard yet: its id."""
        town = self._market.town
        wanted = {self.of(name): count for name, count in items.items()}
        return town.front.order(wanted, billing=town.shopper(), **fields)

    def order_of(self, items: dict[str, int], **fields: Any) -> str:
        """The same, and it has settled."""
        order = self.place(items, **fields)
        self._market.settled()
        return order


@pytest.fixture(scope="module")
def shops(everyone: Town, request: pytest.FixtureRequest) -> dict[str, Iterator[Workshop]]:
    """By fixture: one for each of the tests that ask for it. To set up all of them takes as long
    as one or two would."""
    market, numbers = Market(everyone), itertools.count(1)
    tests = [each for each in request.session.items if each.path == request.path]
    made = {
        name: [
            Workshop(market, next(numbers), makes=name == "shop")
            for each in tests
            if name in getattr(each, "fixturenames", ())
        ]
        for name in ("shop", "chairs")
    }
    everyone.begin()
    Workshop.set_up(market, [each for several in made.values() for each in several])
    assert everyone.asked() == []
    return {name: iter(several) for name, several in made.items()}


@pytest.fixture
def shop(shops: dict[str, Iterator[Workshop]]) -> Workshop:
    return next(shops["shop"])


@pytest.fixture
def chairs(shops: dict[str, Iterator[Workshop]]) -> Workshop:
    """A workshop that makes nothing."""
    return next(shops["chairs"])


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
    offered = shop.place({"TABLE": 2})  # on hold: a quotation, which reserves nothing
    waiting = shop.place({"REPAIR": 1}, **PAID, **BARTER)  # parked: Tryton knows nothing of it
    confirmed = shop.place({"CHAIR": 4}, **PAID, **COD)  # Tryton has reserved it
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


def test_a_hold_that_lapses_gives_everything_back(chairs: Workshop, market: Market) -> None:
    market.hold("de", {chairs.of("CHAIR"): 2}, for_=SHORTLY)
    lapses = time.monotonic() + SHORTLY.total_seconds()
    market.settled()
    kept = chairs.shelves["CHAIR"]
    time.sleep(max(0.0, lapses - time.monotonic()) + 0.5)
    market.settled()

    assert kept == 25 - 2 - 3
    assert chairs.shelves["CHAIR"] == 25 - 3


def test_a_store_s_own_hold_leaves_its_own_number(chairs: Workshop, market: Market) -> None:
    market.hold("uk", {chairs.of("CHAIR"): 2}, for_=HOUR)
    market.settled()

    assert chairs.shelves["CHAIR"] == 25 - 3


def test_goods_that_are_shipped_were_gone_already(chairs: Workshop, market: Market) -> None:
    order = chairs.order_of({"CHAIR": 4}, **PAID, **COD)
    reserved = chairs.shelves["CHAIR"]
    market.town.desk.ship(f"uk-{order}", {chairs.of("CHAIR"): 3})
    market.settled((*("recipe", "stock"), "shipment"))
    in_part = chairs.shelves["CHAIR"]
    market.town.desk.ship(f"uk-{order}")
    market.settled((*("recipe", "stock"), "shipment"))

    assert reserved == in_part == chairs.shelves["CHAIR"] == 25 - 4 - 3


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


def test_what_the_store_sold_itself_it_is_not_told_again(chairs: Workshop, market: Market) -> None:
    market.town.place.store.forget_calls()
    order = chairs.order_of({"CHAIR": 4}, **PAID, **COD)
    market.settled()

    assert market.town.row(order)["state"] == "processing"
    assert chairs.shelves["CHAIR"] == 22 - 4
    assert market.writes() == 0


def test_nothing_that_moved_is_nothing_that_is_written(shop: Workshop, market: Market) -> None:
    before = shop.shelves
    market.town.place.store.forget_calls()
    market.swept("stock")

    assert shop.shelves == before
    assert market.writes() == 0


def test_a_count_in_tryton_reaches_the_store(chairs: Workshop, market: Market) -> None:
    market.town.desk.count(chairs.of("CHAIR"), 7)
    market.settled()

    assert chairs.shelves["CHAIR"] == 7 + 5 - 3


def test_an_order_that_is_cancelled_gives_its_goods_back(chairs: Workshop, market: Market) -> None:
    order = chairs.order_of({"CHAIR": 4}, **PAID, **COD)
    market.town.front.change(order, status="cancelled")
    market.settled()

    assert chairs.shelves["CHAIR"] == 25 - 3


def test_an_order_beyond_what_is_there_leaves_nothing_to_sell(
    chairs: Workshop, market: Market
) -> None:
    chairs.order_of({"CHAIR": 30}, **PAID, **COD)  # as REST and a till may
    market.settled()

    assert chairs.shelves["CHAIR"] == 0


def test_what_lies_where_the_store_does_not_sell_from_is_not_counted(
    chairs: Workshop, market: Market
) -> None:
    market.town.desk.count(chairs.of("CHAIR"), 0)
    market.settled()

    assert chairs.shelves["CHAIR"] == 5 - 3  # the east's


# --- the store is written to by others as well -------------------------------------------------


def test_a_correction_by_hand_is_told_and_the_next_change_sets_it_right(
    chairs: Workshop, market: Market, town: Town
) -> None:
    _count_in_the_store(market, chairs.of("CHAIR"), 99)
    market.told_late(chairs.of("CHAIR"), LATE)
    asked = [
        (item.reason, item.owner) for item in town.items() if chairs.of("CHAIR") in item.message
    ]
    corrected = chairs.shelves["CHAIR"]
    town.desk.receive(chairs.of("CHAIR"), 1)
    market.settled()

    assert asked == [("stock_corrected", "warehouse")]
    assert corrected == 99
    assert chairs.shelves["CHAIR"] == 26 - 3


def test_our_own_writes_come_back_and_end_there(
    chairs: Workshop, market: Market, town: Town
) -> None:
    before = market.handled("product_updated", "stock_changed")
    writes = market.writes()
    town.desk.receive(chairs.of("CHAIR"), 1)
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
    chairs: Workshop, market: Market, town: Town
) -> None:
    books = town.place.books
    books.down()
    try:
        answer = town.place.stack.invoke("poll_erp", {"erp": "main", "kind": "stock"})
        shown = chairs.shelves
    finally:
        books.down(False)
    town.desk.receive(chairs.of("CHAIR"), 5)
    market.settled()

    assert answer.ok  # the next run asks again
    assert shown["CHAIR"] == 22
    assert chairs.shelves["CHAIR"] == 30 - 3
    assert town.asked() == []


def test_a_sweep_finds_what_moved_no_date(chairs: Workshop, market: Market) -> None:
    aside = market.town.desk.set_aside(chairs.of("CHAIR"), 6)
    market.settled()
    before = chairs.shelves["CHAIR"]
    market.town.desk.put_back(aside)  # a record that is gone has no date
    market.swept("stock")

    assert before == 25 - 6 - 3
    assert chairs.shelves["CHAIR"] == 25 - 3


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
