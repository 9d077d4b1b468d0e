"""What came in for an order, as its link remembers it. Pure.

An order may be paid long before its document binds, and be edited meanwhile: what came then is on
the link as ``UNBOOKED`` from the first time that it was seen, and no later total replaces it.
"""

from accord.model.documents import SalesOrder
from accord.model.money import Money
from accord.ports.state import Link
from accord.sync.decide import UNBOOKED
from accord.sync.sales import money


def received(link: Link) -> Money | None:
    """All that came in, whether or not it is in the books; None where none is ours to record."""
    unbooked = money(link.facts.get(UNBOOKED, ""))
    if unbooked is not None:
        return unbooked
    paid, netted = (money(link.facts.get(name, "")) for name in ("paid", "netted"))
    return paid + netted if paid is not None and netted is not None else paid


def given_back(link: Link, order: SalesOrder) -> Money:
    """What was paid back of it, as far as that is in the books or need not be."""
    return money(link.facts.get("back", "")) or Money.zero(order.currency)


def recordable(link: Link, order: SalesOrder) -> Money:
    """What is to be recorded of it as received: no more than the order comes to now."""
    came = money(link.facts.get(UNBOOKED, ""))
    is_more = came is None or came.currency != order.currency or came.amount > order.total.amount
    amount = order.total if came is None or is_more else came
    return amount - given_back(link, order)


def unbooked(link: Link, order: SalesOrder, paid: str) -> dict[str, str]:
    """The fact of what came in, as long as not all of it is recorded; ``paid`` says how much is."""
    known = link.facts.get(UNBOOKED, "")
    came = money(known)
    if order.payment.paid_at is None:
        return {}
    if not paid:
        return {UNBOOKED: known or str(order.total)}
    if came is None:
        return {}
    if paid == "-":  # a person's, or there was nothing to record: it was edited down to nothing
        is_left = recordable(link, order).amount <= 0 and came != given_back(link, order)
        return {UNBOOKED: known} if is_left else {}
    recorded, netted = (money(text) for text in (paid, link.facts.get("netted", "")))
    booked = recorded + netted if recorded is not None and netted is not None else recorded
    return {UNBOOKED: known} if came != booked else {}
