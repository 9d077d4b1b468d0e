"""What both sides hold of one order, for those who look on."""

import re
from typing import Any

from accord.local.world import World
from accord.model.change import Ref

Json = dict[str, Any]

CUSTOM = "awaiting-stock"
"""A status of a plugin, which the rules map to nothing."""


def sales_of(world: World, id_: str) -> list[Json]:
    """Every sale that was ever made of the order, cancelled ones too, oldest first."""
    key = re.compile(rf"{re.escape(world.rules.key)}-{re.escape(id_)}(-\d+)?")
    return [sale for sale in world.books.sales() if key.fullmatch(sale["key"])]


def standing(sales: list[Json]) -> Json | None:
    """The one that is not cancelled."""
    return next((sale for sale in sales if sale["state"] != "voided"), None)


def order_ref(world: World, id_: str) -> Ref:
    return Ref(world.store.name, "order", id_)
