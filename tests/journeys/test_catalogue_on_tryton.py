"""A real Tryton's items and prices become a store's products, by the whole local stack."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.journeys.market import GOODS, Market
from tests.journeys.town import Town, configured

pytestmark = [pytest.mark.tryton, pytest.mark.slow]

WEB, SUMMER, TRADE = "Web shop", "Summer", "Trade"
MANY = [f"BULK-{number:03}" for number in range(210)]  # two whole batches, and one that is not


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    config = configured(
        flows={"stock": "on", "prices": "on", "products": "on"},
        prices={
            "list": WEB,
            "sale": {"list": SUMMER},
            "band": [{"list": TRADE, "role": "wholesale_customer"}],
        },
    )
    with Town.open(config, tmp_path_factory.mktemp("catalogue")) as running:
        for name in (WEB, SUMMER, TRADE):
            running.desk.set_price_list(name)
        yield running


@pytest.fixture
def town(everyone: Town) -> Town:
    everyone.begin()
    return everyone


@pytest.fixture
def market(town: Town) -> Market:
    return Market(town)


# --- products -----------------------------------------------------------------------------


def test_a_new_item_is_a_draft_with_its_price_and_stock(market: Market, town: Town) -> None:
    town.desk.make_items(["LAMP"], price=Decimal("12.50"))
    town.desk.receive("LAMP", 4)
    market.settled(GOODS)

    lamp = market.shown("LAMP")
    assert (lamp["type"], lamp["status"], lamp["name"]) == ("simple", "draft", "Item LAMP")
    assert (lamp["regular_price"], lamp["sale_price"]) == ("12.50", "")
    assert (lamp["manage_stock"], lamp["stock_quantity"]) == (True, 4)
    assert town.asked() == []


def test_an_archived_item_is_a_draft_and_nothing_is_deleted(market: Market, town: Town) -> None:
    market.listed("OLD")
    town.desk.make_items(["OLD"], price=3)
    market.settled(GOODS)
    published = market.shown("OLD")
    town.desk.archive("OLD")
    market.settled(GOODS)

    old = market.shown("OLD")
    assert (published["status"], old["status"]) == ("publish", "draft")
    assert old["id"] == published["id"]
    assert town.asked() == []


def test_what_people_wrote_in_the_store_stays(market: Market, town: Town) -> None:
    market.listed("POLISHED", description="<p>Rubbed by hand.</p>")
    town.desk.make_items(["POLISHED"], price=3)
    market.settled(GOODS)
    town.desk.edit_item("POLISHED", name="Another name")
    market.settled(GOODS)

    product = market.shown("POLISHED")
    assert product["name"] == "Our POLISHED"
    assert "Rubbed by hand" in product["description"]


def test_variants_are_variations_under_their_parent(market: Market, town: Town) -> None:
    small, large = town.desk.make_variants("RUG", ["-S", "-L"], price=40)
    town.desk.receive(large, 3)
    market.settled(GOODS)
    market.settled(GOODS)  # what the store has since just now gets its stock and its price

    parent = market.shown("RUG")
    assert (parent["type"], parent["status"]) == ("variable", "draft")
    assert {market.shown(sku)["parent_id"] for sku in (small, large)} == {parent["id"]}
    assert market.prices(large) == ("40.00", "")
    assert market.quantities(large) == {large: 3}
    assert town.asked() == []


def test_a_new_item_of_which_there_is_nothing_is_sold_out(market: Market, town: Town) -> None:
    town.desk.make_items(["EMPTY"], price=5)
    market.settled(GOODS)

    empty = market.shown("EMPTY")
    assert (empty["manage_stock"], empty["stock_quantity"]) == (True, 0)


# --- prices -------------------------------------------------------------------------------


def test_lists_give_the_regular_price_the_sale_and_what_traders_pay(
    market: Market, town: Town
) -> None:
    market.listed("VASE")
    town.desk.make_items(["VASE"], price=20)
    town.desk.set_price_list(WEB, {"VASE": "list_price * 1.1"})
    town.desk.set_price_list(SUMMER, {"VASE": Decimal("15.50")})
    town.desk.set_price_list(TRADE, {"VASE": "list_price * 0.6"})
    market.settled(GOODS)

    assert market.prices("VASE") == ("22.00", "15.50")
    meta = market.meta("VASE")
    assert Decimal(meta["wholesale_customer_wholesale_price"]) == 12
    assert meta["wholesale_customer_have_wholesale_price"] == "yes"
    assert town.asked() == []


def test_another_list_price_is_another_price_in_the_store(market: Market, town: Town) -> None:
    market.listed("BOWL")
    town.desk.make_items(["BOWL"], price=8)
    market.settled(GOODS)
    before = market.prices("BOWL")
    town.desk.set_list_price("BOWL", Decimal("8.75"))
    market.settled(GOODS)

    assert before == ("8.00", "")
    assert market.prices("BOWL") == ("8.75", "")


def test_what_did_not_change_is_not_written(market: Market, town: Town) -> None:
    market.swept("stock", GOODS)
    town.place.store.forget_calls()
    for kind in ("item", "price", "stock"):
        market.swept(kind, GOODS)

    assert market.writes() == 0


# --- many at once ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(everyone: Town) -> Town:
    """As many products on both sides, in a store that tells of no product from here on."""
    for hook in everyone.front.rest("GET", "webhooks?per_page=100"):
        if hook["topic"].startswith("product."):
            everyone.front.rest("DELETE", f"webhooks/{hook['id']}?force=true")
    for start in range(0, len(MANY), 100):
        made = [
            {"name": sku, "sku": sku, "regular_price": "1.00", "manage_stock": True}
            for sku in MANY[start : start + 100]
        ]
        everyone.front.rest("POST", "products/batch", {"create": made})
    everyone.desk.make_items(MANY, price=1)
    Market(everyone).settled(GOODS)
    return everyone


@pytest.mark.usefixtures("many")
def test_an_import_of_prices_goes_in_whole_batches(market: Market, town: Town) -> None:
    town.place.store.forget_calls()
    for start in range(0, len(MANY), 50):
        town.desk.set_price_list(WEB, dict.fromkeys(MANY[start : start + 50], Decimal("2.50")))
    market.settled(GOODS)

    shown = {market.prices(sku) for sku in (MANY[0], MANY[150], MANY[-1])}
    assert shown == {("2.50", "")}
    # Three, and one more where sending begins before everything is read.
    assert 3 <= market.writes() <= 5
    assert town.asked() == []


@pytest.mark.usefixtures("many")
def test_a_store_that_fails_gets_smaller_batches_and_everything(market: Market, town: Town) -> None:
    town.place.store.control("PUT", "latency", {"most": 20})
    try:
        town.desk.stock_up(MANY[:60], 7)
        market.settled(GOODS)
    finally:
        town.place.store.control("PUT", "latency", {})

    assert set(market.quantities(*MANY[:60]).values()) == {7}
    assert town.asked() == []
