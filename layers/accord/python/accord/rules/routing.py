"""Which order becomes which document, in which back office. Pure."""

from dataclasses import dataclass

from accord.model.documents import SalesOrder
from accord.rules.conditions import order_misfit
from accord.rules.config import Store
from accord.rules.ordering import Make


@dataclass(frozen=True, slots=True)
class Routed:
    """What an order is to become, and where.

    ``make`` is None for a status that is not imported. ``name`` is the route's that decided, empty
    where none fits. ``why`` says of each route that was looked at what did not hold, or that it
    fits; it holds no personal data.
    """

    make: Make | None
    erp: str
    name: str = ""
    why: tuple[str, ...] = ()


def route(order: SalesOrder, rules: Store) -> Routed:
    """What ``order`` is to become: its status says so, and the first route that fits may differ.

    A route changes what a status makes, never whether it makes anything.
    """
    make = rules.orders.statuses.get(order.status)
    why = []
    for each in rules.orders.route:
        misfit = order_misfit(each.when, order, rules.mappings.classes)
        if misfit is not None:
            why.append(f"{each.name}: {misfit}")
            continue
        why.append(f"{each.name}: fits")
        if each.make is not None and make not in {None, "cancel"}:
            make = each.make
        return Routed(make, each.erp or rules.erp, each.name, tuple(why))
    return Routed(make, rules.erp, why=tuple(why))
