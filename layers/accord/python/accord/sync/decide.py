"""(link, the store's order, rules) → what is due for the document. Pure.

Level-triggered: it looks at where both sides stand, never at what is said to have happened.
"""

from collections.abc import Collection
from dataclasses import dataclass

from accord.model.documents import SalesOrder, State
from accord.ports.state import Link
from accord.rules.ordering import OrderRules
from accord.rules.routing import Routed
from accord.sync.fingerprint import content

CLOSED = frozenset({"cancelled", "failed", "refunded", "trash"})
"""Statuses of the store in which nothing is sold."""
REPLACING = "replacing"  # fact of a link: where the document stood that another takes the place of
UNBOOKED = "unbooked"  # the same: what was received, and is recorded once the document binds


@dataclass(frozen=True, slots=True)
class Skip:
    """Nothing is due."""

    why: str


@dataclass(frozen=True, slots=True)
class Create:
    """A document is due that stands at ``goal``. ``again``: the one before was cancelled."""

    goal: State
    again: bool = False


@dataclass(frozen=True, slots=True)
class Advance:
    """The document is there; what is due beyond it: the ``goal``, a payment, a note."""

    goal: State


@dataclass(frozen=True, slots=True)
class Amend:
    """The order was changed, and the document can still be."""

    goal: State


@dataclass(frozen=True, slots=True)
class Replace:
    """The order was changed, and the document binds: it is cancelled, and made anew."""

    goal: State


@dataclass(frozen=True, slots=True)
class Void:
    """Nothing is sold any more: the document is cancelled.

    ``or_credit``: if it cannot be any more, the refunds' credit notes take it back instead.
    """

    or_credit: bool


def state_of(link: Link) -> State:
    """Where the order's document stands, as far as its link remembers."""
    return State(link.facts.get("state", State.DRAFT.value))


Decision = Skip | Create | Advance | Amend | Replace | Void


def decide(
    link: Link, order: SalesOrder, rules: OrderRules, routed: Routed, *, amends: Collection[State]
) -> Decision:
    """What is due for ``order``, which ``link`` may already tie to a document.

    ``amends`` are the states in which the back office changes a document as a whole.
    """
    closed = order.status in CLOSED or routed.make == "cancel"
    goal = None if closed else goal_of(routed, order)
    if link.erp is None:
        return _first(link, order, rules, goal, closed=closed)
    state = state_of(link)
    stands = link.number or link.document_key
    if state is State.VOIDED:
        goal = goal or _replacing(link, closed=closed)
        if goal is None:
            return Skip(f"{stands} is cancelled, and nothing is sold")
        return Create(goal, again=True)
    if closed:
        return _close(link, order, stands)
    # What was done stays done, also by a pass that broke off before it said so.
    done = State(link.facts.get("done", State.DRAFT.value))
    stood = max(done, state, key=lambda each: each.rank)
    if content(order) != link.facts.get("content", ""):
        return Amend(goal or stood) if state in amends else Replace(goal or stood)
    is_owed = order.payment.paid_at is not None and not link.facts.get("paid")
    if UNBOOKED in link.facts and State.CONFIRMED not in (goal, stood):
        is_owed = False  # the back office takes no money for it yet
    if goal is None:  # back on pending, say: the document stands
        if is_owed and stood is not State.DRAFT:  # money is received in any status
            return Advance(stood)
        return Skip(f"status {order.status!r} asks for nothing more")
    if done.rank >= goal.rank and not is_owed:
        return Skip(f"{stands} says the same")
    return Advance(goal)


def _replacing(link: Link, *, closed: bool) -> State | None:
    """Where the document stood that was cancelled only to be made anew, whatever the status."""
    stood = link.facts.get(REPLACING)
    return State(stood) if stood and not closed else None


def goal_of(routed: Routed, order: SalesOrder) -> State | None:
    """Where the document of an open order is to stand; None: its status makes none."""
    match routed.make:
        case "sales_order":
            return State.CONFIRMED
        case "quotation":
            return State.QUOTATION
        case "both":
            paid = order.payment.paid_at is not None
            return State.CONFIRMED if paid else State.QUOTATION
        case _:
            return None


def _first(
    link: Link, order: SalesOrder, rules: OrderRules, goal: State | None, *, closed: bool
) -> Decision:
    if order.placed_at < rules.start_at:
        return Skip(f"placed before the start of {rules.start_at:%Y-%m-%d %H:%M %Z}")
    goal = goal or _replacing(link, closed=closed)
    if goal is not None:
        return Create(goal)
    if not closed:
        return Skip(f"status {order.status!r} is not imported")
    if rules.import_closed == "none" or order.status == "trash" or link.generation > 1:
        return Skip(f"it was {order.status} before it was imported")
    # Only what binds can be credited; what was cancelled never bound.
    return Create(State.CONFIRMED if order.status == "refunded" else State.QUOTATION)


def _close(link: Link, order: SalesOrder, stands: str) -> Decision:
    if order.status != "refunded":
        return Void(or_credit=False)
    if link.facts.get("keeps"):
        return Skip(f"{stands} stays, and its credit notes take it back")
    return Void(or_credit=True)
