"""What the flows from back office to store share: whose change it is, and the order's turn.

Level-triggered: a change says only that something happened. The order's progress is read once, and
all that is due of the flow's kind is done, as compared with what the link says was told.
"""

import datetime as dt
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from accord.errors import BadInputError, GoneError, PermanentError, WaitingError
from accord.model.change import Change, Ref
from accord.model.documents import SalesOrder, State
from accord.model.progress import Progress
from accord.ports.erp import ErpAdapter
from accord.ports.state import Control, Documents, Link, Seen, Steps
from accord.ports.store import Store
from accord.rules import config
from accord.sync.decide import UNBOOKED, state_of
from accord.sync.fingerprint import content
from accord.sync.notes import Notes
from accord.sync.outcome import Done, Outcome, Shadowed, Skipped
from accord.sync.reading import order_of
from accord.sync.sales import deleted
from accord.sync.steps import Writer
from accord.sync.turn import WAITS, WRITING, Asides, Invocation, Story, recovering, waits_for_flow

# What is asked of a document that is there: all of it is over once it was deleted.
_OF_A_DOCUMENT = frozenset(
    {"cancelled_in_erp", "reopened_in_erp", "credited_in_erp", "credit_exceeds", "shortened_in_erp"}
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One change's turn at its order."""

    change: Change
    run: Invocation
    story: Story
    writer: Writer
    notes: Notes


@dataclass(frozen=True, slots=True, kw_only=True)
class FromErp(ABC):
    """One flow of one store. ``erp`` gives the adapter of a back office by its name.

    ``prod``: this stage may write to shoppers. ``documents_url`` is where kept documents are
    fetched, without ``/documents``; empty: none are kept.
    """

    flow: ClassVar[str]  # of [stores.….flows]

    name: str
    rules: config.Store
    erp: Callable[[str], ErpAdapter]
    store: Store
    asides: Asides
    control: Control
    steps: Steps
    documents: Documents
    clock: Callable[[], dt.datetime]
    prod: bool
    documents_url: str = ""

    def post(self, change: Change, run: Invocation) -> Done:
        """All that is due of this flow's kind for the change's order, in one pass.

        Raises: AccordError: what could not go on; the lease is given up, nothing is lost.
        """
        flow = getattr(self.rules.flows, self.flow)
        waits_for_flow(flow, change, store=self.name, name=self.flow)
        if flow == "off":
            return Done(Skipped("the flow is off"))
        if change.aggregate is None:
            raise BadInputError(f"the change of {change.ref} does not name its order")
        link = self.asides.links.get(change.aggregate)
        if link is None or link.erp is None or (why := _not_ours(link.erp, change)):
            why = why if link is not None and link.erp is not None else "its order is not linked"
            return Done(Skipped(why), settles=True)
        if flow == "shadow":
            return Done(self._shadow(link, link.erp, change))
        return self.asides.take(
            change, run, lambda held, story: self._turn(held, change, run, story)
        )

    @abstractmethod
    def plan(self, link: Link, progress: Progress) -> str:
        """What ``tell`` would do, in a few words; empty for nothing. Writes nothing."""

    @abstractmethod
    def tell(self, link: Link, progress: Progress, turn: Turn) -> tuple[Outcome, Link]:
        """Everything due, and the held link as it was saved."""

    # --- for the flows --------------------------------------------------------

    def put(
        self, link: Link, was: str, *, status: str | None = None, meta: Mapping[str, Any] | None
    ) -> Link:
        """``link`` after the store's order got ``status`` and ``meta`` in one call; not saved yet.

        Its answer is remembered as seen, so that the webhook about it is dropped, but only if there
        is nothing in it that the order's own flow has not handled: an edit that was made just
        before has no other webhook than that one. ``was`` is the status before.
        """
        document, digest = self.store.put_order(link.ref.id, status=status, meta=meta)
        order = order_of(self.store, document, link)
        if not self._is_handled(link, order, was):
            return link
        facts = {**link.facts, "status": order.status}
        return replace(link, seen=Seen(order.modified_at, digest), facts=facts)

    def tell_order(self, link: Link, why: str) -> None:
        """The order's own flow looks at it again."""
        change = Change(link.ref, "order_updated", self.clock(), f"{why}-{link.document_key}")
        self.asides.queues.put(change, sending=f"{why}:{link.document_key}:{link.version}")

    def gone(self, link: Link) -> Skipped:
        """The store has no such order any more: its own flow asks a person what becomes of it."""
        self.tell_order(link, "gone")
        return Skipped("the order is gone from the store")

    def save(self, link: Link, **facts: str) -> Link:
        """``link`` saved with ``facts``, an empty one removed."""
        kept = {name: text for name, text in {**link.facts, **facts}.items() if text}
        return self.asides.links.save(replace(link, facts=kept))

    def keep(self, link: Link, ref: Ref, turn: Turn, *, days: int) -> str:
        """The address that opens ``ref``'s printed document for ``days``; empty for none."""
        if not self.documents_url:
            return ""
        try:
            attachment = self.erp(ref.system).document(ref)
            if attachment is None:
                return ""
            name = f"{link.ref}/{ref}"
            token = self.documents.put(name, attachment, now=self.clock(), days=days)
        except PermanentError as error:  # the number is worth telling without it
            turn.story.tell("step", f"no document of {ref} is kept: {error.reason}")
            return ""
        return f"{self.documents_url.rstrip('/')}/documents/{token}"

    # --- the turn -------------------------------------------------------------

    def _turn(
        self, link: Link, change: Change, run: Invocation, story: Story
    ) -> tuple[Outcome, Link]:
        if link.erp is None or _not_ours(link.erp, change):
            return Skipped("its order has another document by now"), link
        if WRITING in link.facts:  # a pass broke off: what is seen there may be our own doing
            raise WaitingError(
                f"{change.ref} waits until order {link.ref.id} is finished with",
                connection=link.ref.system,
                causes=(WAITS,),
            )
        writer = Writer(self.steps, self.clock, functools.cache(lambda: recovering(self.control)))
        notes = Notes(self.store, writer, self.prod)
        try:
            progress = self._progress(link, link.erp)
            if progress is None:
                return Skipped("the cancelled document is gone from the back office"), link
            return self.tell(link, progress, Turn(change, run, story, writer, notes))
        except GoneError:
            return self.gone(link), link

    def _progress(self, link: Link, document: Ref) -> Progress | None:
        """None when the document was cancelled, and is gone."""
        progress = self.erp(document.system).progress(document)
        if progress is None and state_of(link) is not State.VOIDED:
            if self.store.get_order(link.ref.id) is None:
                raise GoneError(f"order {link.ref.id} is gone as well")
            error = deleted(link, document)
            error.over = _OF_A_DOCUMENT
            raise error
        return progress

    def _shadow(self, link: Link, document: Ref, change: Change) -> Outcome:
        """Reads and compares; writes to the journal and nowhere else."""
        story = Story(self.asides.journal, self.clock, change)
        try:
            progress = self._progress(link, document)
            plan = self.plan(link, progress) if progress is not None else ""
        except GoneError:  # its own flow asks a person
            plan = ""
        except PermanentError as error:
            plan = f"attention: {error.reason}"
        outcome = Shadowed(plan or "nothing due")
        story.tell("ended", str(outcome))
        story.flush()
        return outcome

    def _is_handled(self, link: Link, order: SalesOrder, was: str) -> bool:
        facts, rules = link.facts, self.rules.orders
        handled = set(filter(None, facts.get("refunds", "").split(",")))
        if order.status != was:  # ours to set; but another status may ask for another document
            if any(route.when.status for route in rules.route):
                return False
            if rules.statuses.get(order.status) != rules.statuses.get(was):
                return False
        return (
            facts.get("status") == was
            and facts.get("content") == content(order)
            and set(order.refund_ids) == handled
            and bool(facts.get("paid") or UNBOOKED in facts) == (order.payment.paid_at is not None)
            and "trouble" not in facts
        )


def _not_ours(document: Ref, change: Change) -> str:
    """Why ``change`` is of another back office than the order's ``document``, if it is."""
    if document.system != change.ref.system:
        return f"the order belongs to {document.system}"
    return ""
