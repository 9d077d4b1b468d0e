"""What the store sold before its order came is not sold twice, however few are left by then."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from accord.local.world import World
from tests.sync.conftest import START, config

MUG = "MUG"
FLOWS = {"orders": "on", "stock": "on", "prices": "off", "products": "off", "customers": "off"}
BUYER = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}


class Shop:
    """20 mugs in the back office, and in the store; the webhooks of some orders come late."""

    def __init__(self, pieces: int) -> None:
        flows = {"fulfilment": "off", "invoices": "off", "erp_changes": "off", **FLOWS}
        self.world = World(config(flows=flows, stock={"locations": ["MAIN"], "near": 10}), START)
        self.world.copies = lambda topic: int(topic == "order.created" and not self.silent)
        self.silent = False
        self.world.erp().add_item(MUG, stock={"MAIN": Decimal(pieces)})
        self.world.store.add_product(MUG)
        self.minutes(3)

    def sell(self, quantity: int, *, silent: bool = False) -> dict[str, Any]:
        self.silent = silent
        id_ = self.world.store.sell({MUG: quantity}, billing=BUYER)
        self.silent = False
        return self.world.store.orders[id_]

    def minutes(self, count: int = 2) -> None:
        self.world.drain_until(self.world.clock() + count * dt.timedelta(minutes=1))

    @property
    def shown(self) -> int | None:
        return self.world.store.stock_of(MUG)


@pytest.fixture
def shop() -> Shop:
    return Shop(20)


def test_the_store_starts_with_what_is_there(shop: Shop) -> None:
    assert shop.shown == 20


def test_a_number_written_over_an_unknown_sale_is_put_right_once_few_are_left(shop: Shop) -> None:
    late = shop.sell(3, silent=True)
    shop.world.erp().receive_goods(MUG, Decimal(1))
    shop.minutes()
    assert shop.shown == 21  # nothing had told that mugs sell

    shop.sell(11)
    shop.minutes()
    shop.world.receive("order.updated", late)
    shop.minutes()

    assert shop.shown == 20 + 1 - 11 - 3


def test_what_sells_is_looked_at_before_it_is_written_though_many_are_left(shop: Shop) -> None:
    shop.sell(1)
    shop.minutes()
    shop.sell(3, silent=True)

    shop.world.erp().receive_goods(MUG, Decimal(50))
    shop.minutes()

    assert shop.shown == 20 + 50 - 1 - 3


def test_unknown_sales_are_subtracted_as_long_as_their_own_orders_may_come() -> None:
    """However long ago the first of them was."""
    shop = Shop(5)
    late = shop.sell(1, silent=True)
    for _ in range(16):  # 32 minutes, and there is always one that is not known yet
        before, late = late, shop.sell(1, silent=True)
        shop.world.erp().receive_goods(MUG, Decimal(1))
        shop.minutes()
        shop.world.receive("order.updated", before)
    shop.world.erp().receive_goods(MUG, Decimal(1))
    shop.minutes()

    assert shop.shown == 5 + 17 - 17
