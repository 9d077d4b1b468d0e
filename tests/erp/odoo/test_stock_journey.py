"""What lies in Odoo and what it costs there is what the store shows, kits and price lists included."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from accord.local.offices.odoo import OdooOffice
from accord.model.documents import State
from tests.sync.conftest import START, config

FLOWS = {"orders": "on", "stock": "on", "prices": "on", "products": "off", "customers": "off"}
BUYER = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}


class Shop:
    """A store that shows 20 mugs of Odoo's, and sets of two mugs and a plate."""

    def __init__(self, *, stock: dict[str, Any] | None = None) -> None:
        flows = {"fulfilment": "off", "invoices": "off", "erp_changes": "off", **FLOWS}
        tables = {"locations": ["MAIN"], **(stock or {})}
        rules = config(flows=flows, stock=tables, prices={"currency": "GBP"})
        self.world = OdooOffice([], START, rules)
        desk = self.world.desk
        desk.add_items(["MUG", "PLATE", "SET"], price=10)
        desk.receive("MUG", 20)
        desk.receive("PLATE", 5)
        desk.make_recipe("SET", {"MUG": Decimal(2), "PLATE": Decimal(1)}, kit=True)
        for sku in ("MUG", "SET"):
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


def test_what_comes_in_and_what_is_counted_is_shown(shop: Shop) -> None:
    shop.world.desk.receive("MUG", 10)
    shop.minutes()
    assert shop.shown("MUG") == 30

    shop.world.desk.count("MUG", 4)
    shop.minutes()
    assert shop.shown("MUG") == 4


def test_what_the_store_sold_is_taken_off_once(shop: Shop) -> None:
    shop.world.store.sell({"MUG": 3}, billing=BUYER)
    shop.minutes()
    assert shop.shown("MUG") == 17

    (sold,) = shop.world.sold()
    shop.world.ship(sold.key.removeprefix("uk-"))
    shop.minutes()
    assert (sold.state, shop.shown("MUG")) == (State.CONFIRMED, 17)


def test_what_is_sold_in_odoo_itself_is_taken_off_too(shop: Shop) -> None:
    """Also when there was nothing to reserve for it any more."""
    partner = shop.world.odoo.call("res.partner", "create", {"name": "At the counter"})
    line = [0, 0, {"product_id": shop.world.desk.item("MUG"), "product_uom_qty": 25}]
    values = {"partner_id": partner, "order_line": [line]}
    order = shop.world.odoo.call("sale.order", "create", values)
    shop.world.odoo.call("sale.order", "action_confirm", [order])
    shop.minutes()

    assert shop.shown("MUG") == 0


def test_a_new_price_is_shown(shop: Shop) -> None:
    shop.world.desk.set_price("MUG", Decimal("12.50"))
    shop.minutes()

    assert shop.price("MUG") == "12.50"


def test_a_kit_is_sold_as_long_as_its_parts_last() -> None:
    shop = Shop(stock={"build": "kits"})
    assert shop.shown("SET") == 5

    shop.world.store.sell({"SET": 2}, billing=BUYER)
    shop.minutes()
    assert (shop.shown("SET"), shop.shown("MUG")) == (3, 16)
