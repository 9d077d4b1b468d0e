"""(link, the store's order, rules) → what is due. Pure.

Level-triggered: it looks at where both sides stand, never at what is said to have happened.
"""

from dataclasses import dataclass

from accord.model.documents import SalesOrder, State
from accord.ports.state import Link
from accord.rules.config import OrderRules
from accord.sync.fingerprint import content

CLOSED = frozenset({"cancelled", "failed", "refunded", "trash"})
_GOAL = {"sales_order": State.CONFIRMED, "quotation": State.QUOTATION}


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is due."""

    why: str


@dataclass(frozen=True, slots=True)
class Create:
    """A document is due that stands at ``goal``."""

    goal: State


@dataclass(frozen=True, slots=True)
class Advance:
    """The document is there; what is due beyond it: the ``goal``, a payment, a note."""

    goal: State


@dataclass(frozen=True, slots=True)
class Ask:
    """Both sides differ in a way that a person must settle."""

    reason: str
    message: str


Decision = Skip | Create | Advance | Ask


def decide(link: Link, order: SalesOrder, rules: OrderRules) -> Decision:
    """What is due for ``order``, which ``link`` may already tie to a document."""
    make = rules.statuses.get(order.status)
    if link.erp is None:
        if order.placed_at < rules.start_at:
            return Skip(f"placed before the start of {rules.start_at:%Y-%m-%d %H:%M %Z}")
        if make is None:
            return Skip(f"status {order.status!r} is not imported")
        if order.refund_ids:
            return Ask(
                "refunded_before_import",
                f"order {order.number} was refunded by {order.refunded} before it was imported; "
                "enter it and its refund by hand, refunds are not carried yet",
            )
        return Create(_GOAL[make])
    return _follow(link, order, _GOAL[make] if make else None)


def _follow(link: Link, order: SalesOrder, goal: State | None) -> Decision:
    stands = link.number or link.key
    if order.status in CLOSED:
        return Ask(
            "closed_after_posting",
            f"order {order.number} is {order.status} in the store and {stands} stands in the "
            "back office; cancel or credit it there, cancellations are not carried yet",
        )
    if ",".join(order.refund_ids) != link.facts.get("refunds", ""):
        return Ask(
            "refunded_after_posting",
            f"order {order.number} has refunds of {order.refunded}; credit {stands} in the "
            "back office, refunds are not carried yet",
        )
    if content(order) != link.facts.get("content", ""):
        return Ask(
            "changed_after_posting",
            f"order {order.number} was changed in the store after {stands} was made; compare "
            "lines, addresses and notes and change the document, edits are not carried yet",
        )
    if goal is None:  # back on pending, say: the document stands, and what was done stays done
        return Skip(f"status {order.status!r} asks for nothing more")
    done = State(link.facts.get("done", State.DRAFT.value)).rank >= goal.rank
    if done and (order.payment.paid_at is None or link.facts.get("paid")):
        return Skip(f"{stands} says the same")
    return Advance(goal)
