"""What lies on the shelves of either side, and what must hold of it when all is healed."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from accord.local.world import World
from accord.model.change import Ref
from accord.model.documents import State
from accord.sync.decide import CLOSED, state_of

_NONE = Decimal(0)
_STOCK = 1000  # pieces of each SKU: more than any life sells, so that nothing hides behind zero


def stock_up(world: World) -> None:
    """Both sides have the same goods."""
    world.store.stock_up(_STOCK)
    stock = {"MAIN": Decimal(_STOCK)}
    for sku in world.store.shop.catalogue.skus:
        world.erp().add_item(sku, name=sku, price=Decimal("9.50"), stock=stock)


def stock_differences(world: World) -> Iterator[str]:
    """SKUs of which the store shows another number than the back office has free, less what is
    claimed; and claims of orders that are over, or that the back office keeps goods for.

    An order that a person was asked about may claim what it does.
    """
    erp, name = world.rules.erp, world.store.name
    codes = world.store.shop.catalogue.skus
    ids = world.erp().find_items(codes)
    free = {
        each.item: sum(each.free.values(), _NONE)
        for each in world.erp().stock(list(ids.values()), ["MAIN"])
    }
    claimed = dict.fromkeys(codes, _NONE)
    asked = {text for item in world.attention.open() for text in (item.subject, item.aggregate)}
    unclear: set[str] = set()
    for id_, document in world.store.orders.items():
        ref = Ref(name, "order", id_)
        demand, link = world.levels.demand(ref), world.links.get(ref)
        if demand is None or not demand.needs:
            continue
        if {str(ref), str(link.erp) if link else ""} & asked:
            unclear |= demand.needs.keys()
            continue
        if document["status"] in CLOSED:
            yield f"order {id_}: is {document['status']} and claims {_said(demand.needs)}"
        if demand.reserved_at is not None:
            continue
        if link is not None and link.erp is not None and state_of(link) is State.CONFIRMED:
            yield f"order {id_}: is confirmed in {erp} and claims {_said(demand.needs)}"
        for item, quantity in demand.needs.items():
            claimed[item] = claimed.get(item, _NONE) + quantity
    for code, holding in world.levels.holdings(erp, codes).items():
        if holding.taken != claimed[code] and code not in unclear:
            yield f"stock of {code}: {holding.taken:f} are taken, orders claim {claimed[code]:f}"
        shown, right = world.store.stock_of(code), max(0, int(free[code] - holding.taken))
        if shown != right:
            yield f"stock of {code}: the store shows {shown}, and {right} are right"


def _said(needs: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{quantity:f} of {item}" for item, quantity in needs.items())
