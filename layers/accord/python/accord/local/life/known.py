"""What both sides hold of one order, for those who look on."""

from typing import Any

from accord.local.world import World
from accord.model.change import Ref

Json = dict[str, Any]

CUSTOM = "awaiting-stock"
"""A status of a plugin, which the rules map to nothing."""
_GENERATIONS = 60  # more than anybody makes of one order in a life; a sale beyond is nobody's


def keys_of(world: World, id_: str) -> list[str]:
    """The keys under which a sale of the order may stand: its own, and that of each generation."""
    key = f"{world.rules.key}-{id_}"
    return [key, *(f"{key}-{generation}" for generation in range(2, _GENERATIONS))]


def sales_of(world: World, id_: str) -> list[Json]:
    """Every sale that was ever made of the order, cancelled ones too, oldest first."""
    return sorted(world.books.sales(keys_of(world, id_)), key=lambda sale: int(sale["id"]))


def standing(sales: list[Json]) -> Json | None:
    """The one that is not cancelled."""
    return next((sale for sale in sales if sale["state"] != "voided"), None)


def order_ref(world: World, id_: str) -> Ref:
    return Ref(world.store.name, "order", id_)
