"""What Xero counts and what it costs there is what the store shows, though no sale leaves a trace
in the dates of items."""

import datetime as dt
from decimal import Decimal

import pytest

from accord.local.offices.xero import XeroOffice
from tests.erp.xero.papers import sale
from tests.sync.conftest import START, config

FLOWS = {"orders": "on", "stock": "on", "prices": "on", "products": "off", "customers": "off"}
BUYER = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}


class Shop:
    """A store that shows 20 mugs of Xero's, and lessons that Xero does not count."""

    def __init__(self) -> None:
        flows = {"fulfilment": "off", "invoices": "off", "erp_changes": "off", **FLOWS}
        rules = config(
            flows=flows,
            stock={"locations": ["MAIN"], "build": "none"},
            prices={"currency": "GBP"},
        )
        self.world = XeroOffice([], START, rules)
        self.desk = self.world.desk
        self.desk.add_items(["MUG", "CUP"], price=10, on_hand=20)
        self.desk.add_items(["LESSON"], price=30, tracked=False)
        for sku in ("MUG", "CUP", "LESSON"):
            self.world.store.add_product(sku)
        self.minutes(3)

    def minutes(self, count: int = 3) -> None:
        self.world.drain_until(self.world.clock() + count * dt.timedelta(minutes=1))

    def shown(self, sku: str) -> int | None:
        return self.world.store.stock_of(sku)

    def price(self, sku: str) -> str:
        (product,) = (
            each for each in self.world.store.shop.products.values() if each["sku"] == sku
        )
        return str(product["regular_price"])


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
    shop.world.store.sell({"MUG": 3}, billing=BUYER)
    shop.minutes()

    assert shop.shown("MUG") == 17
    (row,) = (row for row in shop.desk.rows("Items") if row["Code"] == "MUG")
    assert row["QuantityOnHand"] == 17


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
