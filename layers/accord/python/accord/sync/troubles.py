"""What a person is asked about an order, though all that could be done is done. Pure."""

from collections.abc import Iterator

from accord.errors import PermanentError
from accord.model.documents import SalesOrder, State
from accord.model.money import Money
from accord.ports.state import Link
from accord.sync.decide import UNBOOKED
from accord.sync.received import received
from accord.sync.refunds import handled
from accord.sync.sales import money

# All that ``troubles`` asks for: what is not asked any more is over.
REASONS = frozenset(
    {"refund_deleted", "refunded_unshipped", "refunded_in_part", "paid_and_cancelled"}
    | {"paid_back_too_much", "paid_differs"}
)


def troubles(link: Link, order: SalesOrder, erp: str) -> Iterator[PermanentError]:
    """What both sides cannot agree on by themselves, though all that could be done is done.

    Asked as long as it stands, so that the item closes when it no longer does.
    """
    stands = link.number or link.document_key
    gone = [id_ for id_ in handled(link) if id_ not in order.refund_ids]
    if gone:
        yield PermanentError(
            f"refund {', '.join(gone)} of order {order.number} was deleted in the store after it "
            f"was booked in {erp}; take its credit note and its payment back there, then dismiss "
            "this",
            reason="refund_deleted",
            owner="finance",
        )
    if link.facts.get("unshipped") and order.status == "refunded":
        yield PermanentError(
            f"order {order.number} was refunded, and {stands} cannot be cancelled any more "
            f"({link.facts['keeps']}); stop what has not left yet, {link.facts['unshipped']}, then "
            "dismiss this",
            reason="refunded_unshipped",
            owner="warehouse",
        )
    given = abs(order.refunded) if order.refunded is not None else Money.zero(order.currency)
    if link.facts.get("keeps") and order.status == "refunded" and given != order.total:
        yield PermanentError(
            f"order {order.number} is refunded in the store, which has refunds of {given} for "
            f"{order.total}, and {stands} stays ({link.facts['keeps']}); refund the rest in the "
            "store, set the order back, or dismiss this",
            reason="refunded_in_part",
            owner="finance",
        )
    if about_money := _about_money(link, order, erp):
        yield about_money


def money_left(link: Link) -> Money | None:
    """What was received and not paid back, whether or not it came to be in the books; None where
    no money is ours to record."""
    came, back = received(link), money(link.facts.get("back", ""))
    if came is None:
        return None
    return came - back if back is not None and back.currency == came.currency else came


def _about_money(link: Link, order: SalesOrder, erp: str) -> PermanentError | None:
    paid, left = money(link.facts.get("paid", "")), money_left(link)
    if left is None or link.erp is None:
        return None
    state = link.facts.get("state")
    coming = set(order.refund_ids) - set(handled(link))
    if state == State.VOIDED.value and left.amount > 0 and not coming:
        came = received(link) if paid else f"{link.facts[UNBOOKED]}, which is in no books,"
        return PermanentError(
            f"order {order.number} is {order.status} and {link.number or link.document_key} is "
            f"cancelled, but {came} was received and {left} was not paid back; refund it in "
            "the store, or dismiss this",
            reason="paid_and_cancelled",
            owner="finance",
        )
    if not link.facts.get("paid"):
        return None
    # It was changed after it was paid. For what was free nothing was booked, in or out.
    if state == State.VOIDED.value and left.amount < 0 and received(link):
        return PermanentError(
            f"{link.number or link.document_key} of order {order.number} is cancelled, "
            f"{received(link)} was received and {-left} more was paid back; book the difference in "
            f"{erp}, or delete the refund that is too much in the store, then dismiss this",
            reason="paid_back_too_much",
            owner="finance",
        )
    if state == State.CONFIRMED.value and received(link) != order.total:
        more = link.facts.get(UNBOOKED)
        booked = f"{paid} was recorded as received"
        if more:
            booked = f"{more} was received, of which {paid or 'nothing'} is in the books"
        return PermanentError(
            f"order {order.number} comes to {order.total} since it was changed, and {booked}; "
            f"book the difference in {erp}, then dismiss this",
            reason="paid_differs",
            owner="finance",
        )
    return None
