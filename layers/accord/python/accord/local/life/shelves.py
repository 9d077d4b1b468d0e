"""What lies on the shelves of either side, and what must hold of it when all is healed."""

from collections import Counter
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

from accord.local.world import World
from accord.model.change import Ref
from accord.model.documents import State
from accord.ports.levels import Demand
from accord.rules.routing import route
from accord.sync.decide import CLOSED, state_of
from accord.sync.demand import taken

_SERVICES = ("SVC-1",)
_STOCK = 1000  # pieces of each SKU: more than any life sells, so that nothing hides behind zero


def stock_up(world: World) -> None:
    """Both sides have the same goods. What the store does not count, nobody does."""
    world.store.stock_up(_STOCK)
    stock = {"MAIN": Decimal(_STOCK)}
    for sku in _counted(world):
        world.erp().add_item(sku, name=sku, price=Decimal("9.50"), stock=stock)


def stock_differences(world: World, nowhere: Collection[str] = ()) -> Iterator[str]:
    """SKUs of which the store shows another number than the back office has free, less what is
    claimed; claims of orders that are over; and pieces that are taken though no order waits for
    them, or are not though one does.

    An order waits for its goods until the back office's document is confirmed and says the same;
    one that a person was asked about may wait, and so may a product. ``nowhere`` are orders that
    people deleted on both sides: of one that no poll had met nothing tells any more.
    """
    erp, name = world.rules.erp, world.store.name
    asked = {text for item in world.attention.open() for text in (item.subject, item.aggregate)}
    waiting = _of_gone_orders(world, asked | {f"{name}:order:{id_}" for id_ in nowhere})
    needed: Counter[str] = Counter()
    for id_, document in world.store.orders.items():
        ref = Ref(name, "order", id_)
        demand, link = world.levels.demand(ref), world.links.get(ref)
        is_asked = bool({str(ref), str(link.erp) if link else ""} & asked)
        confirmed = link is not None and link.erp is not None
        confirmed = confirmed and link is not None and state_of(link) is State.CONFIRMED
        if not (is_asked or confirmed):
            needed.update(_waited_for(world, document, demand))
        if demand is None or not demand.needs:
            continue
        if document["status"] in CLOSED and not is_asked:
            items = ", ".join(f"{each:f} of {item}" for item, each in demand.needs.items())
            yield f"order {id_}: is {document['status']} and claims {items}"
        if is_asked or not confirmed:
            waiting |= demand.needs.keys()
    codes = _counted(world)
    ids = world.erp().find_items(codes)
    free = {
        each.item: sum(each.free.values(), Decimal(0))
        for each in world.erp().stock(list(ids.values()), ["MAIN"])
    }
    for code, holding in world.levels.holdings(erp, codes).items():
        if holding.taken and code not in waiting:
            yield f"stock of {code}: {holding.taken:f} are taken, and no order waits for them"
        if holding.taken < needed[code]:
            yield f"stock of {code}: orders wait for {needed[code]}, {holding.taken:f} are taken"
        shown, right = world.store.stock_of(code), max(0, int(free[code] - holding.taken))
        if shown != right and not _is_asked_about(world, code, asked):
            yield f"stock of {code}: the store shows {shown}, and {right} are right"


def _of_gone_orders(world: World, asked: set[str]) -> set[str]:
    """What ``asked`` orders claim that were deleted for good: it ends with the answer."""
    refs = (Ref.parse(text) for text in asked if text.startswith(f"{world.store.name}:order:"))
    demands = (world.levels.demand(ref) for ref in refs if ref.id not in world.store.orders)
    return {item for demand in demands if demand is not None for item in demand.needs}


def _waited_for(world: World, document: dict[str, Any], demand: Demand | None) -> dict[str, int]:
    """By SKU, what an order that is not over has taken from the store's stock."""
    order = world.store.order(document)
    if order.status in CLOSED or route(order, world.rules).make == "cancel":
        return {}
    took = taken(order, demand.took if demand is not None else {})
    return {sku: int(quantity) for sku, quantity in took.items() if sku in _counted(world)}


def _is_asked_about(world: World, sku: str, asked: set[str]) -> bool:
    """A person was told that the store shows something else, and has not said yet what is right."""
    product = world.store.shop.shelf.find(sku)
    return product is not None and f"{world.store.name}:product:{product['id']}" in asked


def _counted(world: World) -> list[str]:
    skus = world.store.shop.catalogue.skus
    return [sku for sku in skus if sku not in _SERVICES]
