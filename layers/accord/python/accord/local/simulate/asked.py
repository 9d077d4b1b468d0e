"""Whether a person is truly needed: for every item that stays open, a rule says why."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from accord.local.life.accounts import unlike
from accord.local.life.checks import One
from accord.local.life.gone import Gone
from accord.local.life.people import People
from accord.local.world import World
from accord.model.change import Ref
from accord.ports.state import Cause, Item
from accord.rules.routing import route
from accord.sync.concerns import cause_of
from accord.sync.customer_ports import party_of
from accord.sync.turn import DISMISSED


def unjustified(world: World, people: People) -> Iterator[str]:
    """Open items that no rule asks a person for, with what they say."""
    orders: dict[str, One] = {}
    placed = set(people.orders)
    for item in world.attention.open():
        id_ = _order_of(world, item)
        if id_ in people.gone:
            needed = Gone.of(world, people, id_).is_needed(item)
        elif id_ in placed:
            if id_ not in orders:
                orders[id_] = One.of(world, people, id_)
            needed = _is_needed(orders[id_], item)
        elif (cause := cause_of(item)) is not None:
            needed = _waits_for_a_person(world, cause)
        else:
            rule = _CUSTOMERS.get(item.reason)
            needed = rule is not None and rule(world, item)
        if not needed:
            yield f"order {id_}: " * bool(id_) + (
                f"{item.subject}: a person is asked ({item.reason}), and no rule says why: "
                f"{item.message}"
            )


def _order_of(world: World, item: Item) -> str:
    """The order's id that the item is of; empty for none."""
    for text in (item.aggregate, item.subject):
        if text.count(":") < 2 or text.startswith(("waiting:", "message:")):
            continue
        ref = Ref.parse(text)
        if ref.system != world.store.name:
            ref = world.links.find(ref) or ref
        if ref.kind == "order":
            return ref.id
    return ""


def _is_needed(one: One, item: Item) -> bool:
    so = one.so()
    if item.reason in so:
        # An order's first trouble hides the others: they are looked at once it is over.
        return so[item.reason] or any(so.get(each, False) for each in one.items)
    rule = _ORDERS.get(item.reason)
    return rule is not None and rule(one, item)


def _waits_for_a_person(world: World, cause: Cause) -> bool:
    """All that waits for it is a part of an order of which a person was asked, or that
    the merchant holds back: neither confirmed nor cancelled."""
    if cause.cause == DISMISSED:  # and has answered
        return True
    parked = list(world.waiting.of(cause))
    told = {text for each in world.attention.open() for text in (each.subject, each.aggregate)}
    orders = [each.change.aggregate for each in parked]
    return bool(orders) and all(
        order is not None and (str(order) in told or _is_held_back(world, order))
        for order in orders
    )


def _is_held_back(world: World, order: Ref) -> bool:
    """Its status asks for no sale that binds, and for no cancelling."""
    document = world.store.orders.get(order.id)
    if document is None:
        return False
    if document["status"] in {"pending", "on-hold"}:
        return True
    return route(world.store.order(document), world.rules).make is None


def _is_too_much(one: One, item: Item) -> bool:
    """The refund is more than what is left of the sale: a bookkeeper credited some of it, or its
    document could not follow an edit, or a refund that was credited is not there any more."""
    refund = next((each for each in one.refunds if str(each.ref) == item.subject), None)
    if refund is None or one.sale is None:
        return False
    credited = (Decimal(note["totals"]["gross"]) for note in one.sale["credit_notes"])
    left = Decimal(one.sale["totals"]["gross"]) - sum(credited, Decimal(0))
    return refund.total.amount > left


def _is_refunded_less(one: One, _: Item) -> bool:
    """It is refunded, and its refunds are less than it comes to."""
    refunded = sum((each.total.amount for each in one.refunds), Decimal(0))
    return refunded < one.order.total.amount


def _sale_differs(one: One, _: Item) -> bool:
    gross = (one.sale["totals"] or {}).get("gross") if one.sale is not None else None
    return gross is None or Decimal(gross) != one.order.total.amount


def _paid_back_too_much(one: One, _: Item) -> bool:
    return sum((Decimal(each["amount"]) for each in one.payments), Decimal(0)) < 0


_ORDERS: Mapping[str, Callable[[One, Item], bool]] = {
    "rejected": lambda one, item: _is_too_much(one, item) or one.so()["cancelled_in_erp"],
    "voided": lambda one, _: one.sale is None and bool(one.sales),
    "refund_exceeds": _is_too_much,
    "credited_by_hand": lambda one, _: bool(one.by_hand),
    "shortened_in_erp": _sale_differs,
    "paid_back_too_much": _paid_back_too_much,
    "refunded_in_part": _is_refunded_less,
}
"""Reason → whether it is so, of those that ``One.so`` does not know."""


def _is_conflict(world: World, item: Item) -> bool:
    """Both sides of a customer say something, and not the same."""
    ref = Ref.parse(item.subject)
    link = world.links.get(ref)
    document = world.store.customers.get(ref.id)
    if link is None or link.erp is None or document is None:
        return False
    found = world.erp().profile(link.erp)
    return found is not None and any(unlike(world.store.customer(document).profile, found[0]))


def _is_archived(world: World, item: Item) -> bool:
    """The account is there, and its party is not: it went with another account of the same."""
    ref = Ref.parse(item.subject)
    link = world.links.get(ref)
    document = world.store.customers.get(ref.id)
    if link is None or link.erp is None or document is None:
        return False
    party = party_of(world.store.customer(document).profile, ref.id)
    return link.erp not in {hit.ref for hit in world.erp().match(party, "email")}


_CUSTOMERS: Mapping[str, Callable[[World, Item], bool]] = {
    "conflict": _is_conflict,
    "archived_party": _is_archived,
}
