"""What Xero counts and what it costs there is what the store shows, though no sale leaves a trace
in the dates of items."""

from decimal import Decimal

import pytest

from tests.erp.xero.papers import sale
from tests.erp.xero.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


def test_the_store_shows_what_is_there(shop: Shop) -> None:
    assert (shop.shown("MUG"), shop.price("MUG")) == (20, "10.00")


def test_what_xero_does_not_count_the_store_does_not_either(shop: Shop) -> None:
    before = shop.shown("LESSON")
    shop.minutes()

    assert (shop.shown("LESSON"), shop.price("LESSON")) == (before, "30.00")


def test_what_comes_in_and_what_is_counted_is_shown(shop: Shop) -> None:
    shop.desk.receive("MUG", 10)
    shop.minutes()
    assert shop.shown("MUG") == 30

    shop.desk.count("MUG", 4)
    shop.minutes()
    assert (shop.shown("MUG"), shop.shown("CUP")) == (4, 20)


def test_what_the_store_sold_is_taken_off_once(shop: Shop) -> None:
    shop.sell(MUG=3)

    assert (shop.shown("MUG"), shop.on_hand("MUG")) == (17, 17)


def test_what_is_sold_in_xero_itself_is_taken_off_too(shop: Shop) -> None:
    sale(shop.desk, "INV-7", ItemCode="MUG", Quantity="5", TaxType="VAT 20%")
    shop.minutes()

    assert shop.shown("MUG") == 15


def test_a_new_price_is_shown(shop: Shop) -> None:
    shop.desk.set_price("MUG", Decimal("12.50"))
    shop.minutes()

    assert shop.price("MUG") == "12.50"


def test_a_minute_in_which_nothing_happens_takes_a_call_for_each_thing_that_is_looked_at(
    shop: Shop,
) -> None:
    shop.minutes(10)  # what was told is read again for a while: others may appear late
    shop.world.xero.calls.clear()
    shop.minutes(10)

    assert shop.world.xero.calls == {"GET Items": 2 * 10}  # stock, and prices
