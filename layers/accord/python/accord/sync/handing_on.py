"""What an order's turn leaves to turns of their own: its refunds, its sale in the back office, the
papers of that, and what was told of the order meanwhile."""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from accord.model.change import Change, Ref
from accord.model.documents import SalesOrder, State
from accord.ports.queues import Queues
from accord.ports.state import Control, Link, Links, Seen
from accord.rules.config import StoreFlows
from accord.sync.decide import state_of
from accord.sync.refunds import is_owed
from accord.sync.turn import Invocation, recovering

QUEUED = "refunds_queued"  # fact of an order's link: its state, and the refunds queued in it
_PAPERS = {
    "order_fulfilled": "fulfilment",
    "invoice_posted": "invoices",
    "order_changed_in_erp": "erp_changes",
}


@dataclass(frozen=True, slots=True)
class HandingOn:
    """Of the store ``name``. Whoever calls holds the order's lease."""

    name: str
    flows: StoreFlows
    links: Links
    control: Control
    queues: Queues
    clock: Callable[[], dt.datetime]

    def meanwhile(
        self, held: Link | None, change: Change, run: Invocation, told: list[Seen]
    ) -> None:
        """What was told of the order while its refund held it is the order's own change again."""
        owes = True
        while owes:
            version = held.version if held is not None else run.attempt
            self.order_again(change, sending=f"meanwhile:{run.id}:{version}")
            held = self.links.release(held, handled=told) if held is not None else None
            owes = held is not None

    def refunds(self, link: Link, order: SalesOrder, change: Change, seen: Seen) -> dict[str, str]:
        """Those that nobody took into the books yet, and nobody has in hand: what the link is to
        remember of it. Who dies before it does queues them again; queued twice, they are taken
        once."""
        due = [id_ for id_ in order.refund_ids if is_owed(link, id_) and id_ != refund_of(change)]
        # Whoever has the order gone through again means all of them.
        insists = bool(change.replay) and change.aggregate is None
        if due and not insists and not recovering(self.control):
            due = _unqueued(link, due, seen.digest)
        for id_ in due:
            refund = Change(
                ref=Ref(self.name, "refund", id_),
                event="refund_issued",
                seen_at=change.seen_at,
                correlation_id=change.correlation_id,
                placed_at=order.placed_at,
                aggregate=order.ref,
            )
            self.queues.put(refund, sending=f"{refund.ref}:{seen.digest}:{change.replay}")
        return _remembered(link, due, seen.digest) if due else {}

    def refunds_behind(self, link: Link, order: SalesOrder, change: Change, seen: Seen) -> None:
        """The refunds of a document that binds, which wait for what a person is asked of the order:
        whoever dismisses that has not seen them."""
        held = self.links.get(link.ref)
        if held is None or held.erp is None or state_of(held) is not State.CONFIRMED:
            return
        if facts := self.refunds(held, order, change, seen):
            self.links.save(replace(held, facts={**held.facts, **facts}))

    def sale(self, sale: Ref, change: Change, link: Link) -> None:
        """A person was asked about ``sale``, and may have answered in the store: look again."""
        if self.flows.erp_changes == "on":
            self._for(sale, "order_changed_in_erp", change, link, why="answered")

    def papers(self, sale: Ref, change: Change, link: Link) -> None:
        """What was shipped, booked or changed of ``sale`` before its link said that it is ours."""
        for event, flow in _PAPERS.items():
            if getattr(self.flows, flow) == "on":
                self._for(sale, event, change, link, why="linked")

    def _for(self, sale: Ref, event: str, change: Change, link: Link, *, why: str) -> None:
        again = replace(
            change.without_document(),
            ref=sale,
            event=event,
            modified_at=None,
            replay="",
            seen_at=self.clock(),
            aggregate=link.ref,
        )
        self.queues.put(again, sending=f"{why}:{event}:{change.ref}:{link.version}")

    def order_again(self, refund: Change, *, sending: str) -> None:
        """The order of ``refund`` has a turn of its own."""
        again = replace(of_order(refund), replay="", seen_at=self.clock())
        self.queues.put(again, sending=sending)


def refund_of(change: Change) -> str | None:
    """The id of the refund that the change is of, None for one of the order."""
    return change.ref.id if change.ref.kind == "refund" else None


def of_order(change: Change) -> Change:
    """The order's own change, to be read from the store: what came while another was handled."""
    if change.aggregate is None:
        return change.without_document()
    return replace(
        change.without_document(),
        ref=change.aggregate,
        aggregate=None,
        event="order_updated",
        modified_at=None,
    )


def _unqueued(link: Link, ids: Sequence[str], digest: str) -> list[str]:
    """Those of ``ids`` that nobody has in hand: what was queued in this very state of order and
    document is in its queue, waits, or is a person's."""
    known = _queued(link, digest)
    return [id_ for id_ in ids if id_ not in known]


def _remembered(link: Link, ids: Sequence[str], digest: str) -> dict[str, str]:
    """The facts of the order's link once ``ids`` are queued, too."""
    known = dict.fromkeys((*_queued(link, digest), *ids))
    return {QUEUED: f"{_state(link, digest)}:{','.join(known)}"}


def _queued(link: Link, digest: str) -> tuple[str, ...]:
    state, _, ids = link.facts.get(QUEUED, "").partition(":")
    return tuple(ids.split(",")) if state == _state(link, digest) else ()


def _state(link: Link, digest: str) -> str:
    return hashlib.sha256(f"{digest} {link.erp}".encode()).hexdigest()[:16]
