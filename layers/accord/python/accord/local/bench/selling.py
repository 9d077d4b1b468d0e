"""A store that sells what a back office has: its rules, its goods, and who buys them."""

from decimal import Decimal
from typing import Any

from accord.local.bench.timed import Timed
from accord.rules.config import Config, StoreFlows
from accord.rules.selling import PriceRules, StockRules

VARIATIONS = 10  # of a parent
BUYER: dict[str, str] = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "address_1": "7 Compiler Street",
    "city": "Leeds",
    "postcode": "LS1 4AP",
    "country": "GB",
    "email": "grace@example.com",
}
_ON = ("orders", "stock", "prices")


def selling(config: Config, **stock: Any) -> Config:
    """``config`` with the flows of orders, stock and prices on, and no others; ``stock`` are words
    of its table."""
    name, store = next(iter(config.stores.items()))
    flows = dict.fromkeys(StoreFlows.model_fields, "off") | dict.fromkeys(_ON, "on")
    changed = store.model_copy(
        update={
            "flows": StoreFlows.model_validate(flows),
            "stock": StockRules.model_validate({"locations": ["MAIN"], **stock}),
            "prices": PriceRules(currency="GBP"),
        }
    )
    return config.model_copy(update={"stores": {**config.stores, name: changed}})


def fill(world: Timed, simple: list[str], parents: int = 0, *, quantity: int = 100) -> list[str]:
    """Both sides have the SKUs, ``quantity`` pieces of each in the back office; the SKUs of the
    variations of ``parents`` products. The store has no stock and no prices yet."""
    erp, store = world.erp(), world.store
    variations = [f"V{parent:04}-{n}" for parent in range(parents) for n in range(VARIATIONS)]
    there = {"MAIN": Decimal(quantity)}
    erp.add_items(
        {"code": sku, "price": Decimal("10.00"), "stock": there} for sku in [*simple, *variations]
    )
    sizes = [str(n) for n in range(VARIATIONS)]
    for sku in simple:
        store.add_product(sku, price="8.00")
    for parent in range(parents):
        attribute = {"name": "Size", "options": sizes, "variation": True, "visible": True}
        id_ = store.add_product(
            f"V{parent:04}", quantity=None, type="variable", attributes=[attribute]
        )
        for n in sizes:
            option = [{"name": "Size", "option": n}]
            store.add_product(f"V{parent:04}-{n}", price="8.00", parent=id_, attributes=option)
    return variations
