"""A store that sells what Xero counts."""

import datetime as dt
from decimal import Decimal
from typing import Any

from accord.local.offices.xero import XeroOffice
from accord.rules.config import Config
from tests.sync.conftest import START, config

FLOWS = {"orders": "on", "stock": "on", "prices": "on", "products": "off", "customers": "off"}
BUYER = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}


class Shop:
    """It shows 20 mugs and 20 cups of Xero's, and lessons that Xero does not count.

    ``orders`` are keys of [stores.uk.orders].
    """

    def __init__(self, **orders: Any) -> None:
        self.world = XeroOffice([], START, self.configured(**orders))
        self.desk = self.world.desk
        self.desk.add_items(["MUG", "CUP"], price=10, on_hand=20)
        self.desk.add_items(["LESSON"], price=30, tracked=False)
        for sku in ("MUG", "CUP", "LESSON"):
            self.world.store.add_product(sku)
        self.minutes(3)

    @staticmethod
    def configured(**orders: Any) -> Config:
        """accord.toml of such a store."""
        return config(
            flows={"fulfilment": "off", "invoices": "off", "erp_changes": "off", **FLOWS},
            orders=orders,
            stock={"locations": ["MAIN"], "build": "none"},
            prices={"currency": "GBP"},
        )

    def minutes(self, count: int = 3) -> None:
        self.world.drain_until(self.world.clock() + count * dt.timedelta(minutes=1))

    def sell(self, **skus: int) -> str:
        """The order's id."""
        id_: str = self.world.store.sell(skus, billing=BUYER)
        self.minutes()
        return id_

    def refund(self, order: str, count: int = 1, *, of: str = "MUG", restock: bool = True) -> str:
        """``count`` pieces of it; the refund's id."""
        id_ = self.world.store.refund(order, lines={self.line(order, of): count}, restock=restock)
        self.minutes()
        return id_

    def line(self, order: str, sku: str) -> str:
        """The id of the order's line of ``sku``."""
        lines = self.world.store.orders[order]["line_items"]
        return str(next(line["id"] for line in lines if line["sku"] == sku))

    def shown(self, sku: str) -> int | None:
        return self.world.store.stock_of(sku)

    def on_hand(self, sku: str) -> Decimal:
        (row,) = (row for row in self.desk.rows("Items") if row["Code"] == sku)
        return Decimal(str(row["QuantityOnHand"]))

    def price(self, sku: str) -> str:
        (product,) = (
            each for each in self.world.store.shop.products.values() if each["sku"] == sku
        )
        return str(product["regular_price"])
