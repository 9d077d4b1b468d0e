"""A store's order and its back office's document, kept alike for the order's whole life.

Read, compare, decide, write, remember.
"""

import datetime as dt
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from accord.errors import (
    AccordError,
    BusyError,
    GoneError,
    PermanentError,
    VoidedError,
    WaitingError,
)
from accord.model.change import Change, Ref
from accord.model.documents import SalesOrder, State
from accord.model.keys import order_key
from accord.ports.levels import Demand, Levels
from accord.ports.queues import Queues
from accord.ports.state import Control, Journal, Link, Links, Seen, Steps
from accord.ports.store import Store
from accord.rules import config
from accord.rules.routing import route
from accord.sync.decide import (
    REPLACING,
    Replace,
    Skip,
    Void,
    decide,
    state_of,
)
from accord.sync.demand import Demander
from accord.sync.fingerprint import content
from accord.sync.follow import Follower
from accord.sync.handing_on import HandingOn, of_order, refund_of
from accord.sync.mends import unfit
from accord.sync.notes import Notes
from accord.sync.outcome import Done, Outcome, Returned, Shadowed, Skipped
from accord.sync.reading import order_of
from accord.sync.received import received
from accord.sync.refunds import handled, is_owed
from accord.sync.returns import opened
from accord.sync.sales import BackOffice, Sales
from accord.sync.steps import Writer
from accord.sync.told import heard_facts
from accord.sync.troubles import REASONS, money_left, troubles
from accord.sync.turn import WAITS, WRITING, Invocation, Story, recovering, waits_for_flow
from accord.sync.unanswered import MAKING, PAYING, Unanswered, made_at
from accord.sync.wanted import WANTED, left
from accord.sync.worker import WAKE, item_id

_FRESH = dt.timedelta(minutes=5)  # a body that was told longer ago is read anew
_ROUNDS = 5  # one invocation goes round at most; the rest is another's
_ASKED = frozenset({"erp_state", "erp_total"})  # a person was asked about the sale in its own flow


@dataclass(frozen=True, slots=True)
class Orders:
    """The flow of one store's orders into its back offices, their refunds with them.

    ``levels`` keeps what orders claim of the stock; without it, nothing is claimed.
    """

    name: str
    rules: config.Store
    back_office: Callable[[str], BackOffice]
    store: Store
    links: Links
    steps: Steps
    control: Control
    queues: Queues
    journal: Journal
    clock: Callable[[], dt.datetime]
    levels: Levels | None = None

    def post(self, change: Change, run: Invocation) -> Done:
        """Everything that is due for the change's order, in one pass; of a refund's, that too.

        Raises: AccordError: what could not go on; the lease is given up, nothing is lost.
        """
        flow = self.rules.flows.orders
        waits_for_flow(flow, change, store=self.name, name="orders")
        story = Story(self.journal, self.clock, change)
        if flow == "off":
            return Done(Skipped("the flow is off"))
        try:
            if flow == "shadow":
                return Done(self._shadow(change, run, story))
            return self._take(change, run, story)
        finally:
            story.flush()

    def _take(self, change: Change, run: Invocation, story: Story) -> Done:
        order = change.aggregate or change.ref
        link = self.links.acquire(
            order,
            key=order_key(self.rules.key, order.id),
            owner=run.id,
            now=self.clock(),
            until=run.lease_until,
            seen=Seen(change.modified_at, change.digest),
        )
        if link is None:
            # The holder may be our own earlier try, killed: do not trust it. Nor may what waits be
            # called done before it is; and a holder goes round for the order, not for a refund.
            if run.attempt > 1 or change.replay or change.aggregate is not None:
                raise BusyError(f"{order} is held by another worker")
            return Done(Skipped("another worker has it in hand and goes round once more"))
        return self._hold(link, change, run, story)

    def _hold(self, link: Link, change: Change, run: Invocation, story: Story) -> Done:
        # An earlier try of this very change may have ended before the items were closed.
        is_part = change.aggregate is not None
        settles = bool(change.replay) or run.attempt > 1 or is_part
        troubled = "trouble" in link.facts
        told: list[Seen] = []
        asks: tuple[PermanentError, ...] = ()
        if change.aggregate is None:
            told.append(Seen(change.modified_at, change.digest))
        done: Outcome | None = None
        try:
            for _ in range(_ROUNDS):
                try:
                    outcome, link, asks = self._round(link, change, run, story, told)
                except PermanentError as error:
                    story.tell("ended", f"{error.reason}: for {error.owner}")
                    # What came meanwhile may be the very mend, and nobody else looks at it.
                    newer = self._released_in_trouble(link.ref, run, told)
                    if newer is not None and is_part:
                        self._handing_on().meanwhile(newer, change, run, told)
                    if newer is None or is_part:
                        raise
                    troubled, link, change = True, newer, of_order(change)
                    continue
                if not isinstance(outcome, Skipped):
                    done = outcome
                story.flush()  # before the lease goes: what dies after it is never told of again
                again = self.links.release(link, handled=told)
                # An earlier try may have taken the mark off and died.
                if is_part and (again is not None or run.attempt > 1):
                    self._handing_on().meanwhile(again, change, run, told)
                    again = None
                if again is None:  # a further round that found nothing due unmakes no document
                    return Done(done or outcome, settles or troubled or bool(asks), asks)
                link, change = again, of_order(change)
        except PermanentError:
            raise
        except AccordError as error:
            self.links.abandon(link)
            story.tell("ended", f"{error.reason}: not now")
            raise
        self.links.abandon(link)
        raise BusyError(f"{link.ref} changes faster than it is handled")

    def _round(
        self, link: Link, change: Change, run: Invocation, story: Story, told: list[Seen]
    ) -> tuple[Outcome, Link, tuple[PermanentError, ...]]:
        """What came of it, the link as it was saved, and what a person is asked all the same."""
        try:
            return self._turn(link, change, run, story, told)
        except GoneError:  # deleted meanwhile
            return self._gone(self.links.get(link.ref) or link, change, story)

    def _turn(
        self, link: Link, change: Change, run: Invocation, story: Story, told: list[Seen]
    ) -> tuple[Outcome, Link, tuple[PermanentError, ...]]:
        if self._is_seen(link, change, run):
            return Skipped("seen before"), link, ()
        story.tell("begun", change.event, attempt=run.attempt)
        order, seen = self._read(link, change)
        told.append(seen)
        if order is None:
            return self._gone(link, change, story)
        demander = self._demander()
        # Before anything that may have to wait: what was sold is gone, whoever knows of it.
        claim = demander.note(order, link) if demander is not None else None
        insists = change.replay not in {"", WAKE} and "trouble" in link.facts
        worker = self._worker(link, order, run, story, insists=insists)
        refund = refund_of(change)
        asked = link.erp if _ASKED & link.facts.keys() else None
        unlinked = made_at(link)
        gone = {MAKING, WRITING, REPLACING, WANTED, *(() if refund else ("trouble",))}
        try:
            outcome, link = self._follow(worker, link, order, claim)
        except PermanentError as error:
            error.content = content(order)
            left_to = self._left_to_its_sale(error, link, order, change)
            if left_to is not None:
                outcome, link = left_to
                gone.discard(WANTED)
            elif refund is None:
                self._handing_on().refunds_behind(link, order, change, seen)
                held = self.links.get(link.ref) or link
                still = {each.reason for each in troubles(held, order, worker.back.name)}
                error.over = REASONS - still - {error.reason}
                raise
            elif refund not in order.refund_ids:  # deleted meanwhile, so it waits for nothing
                told.pop()  # what is asked of the order is its own change's to say
                outcome, link = worker.refunds().carry(link, order, refund, story)
                story.tell("ended", str(outcome))
                return outcome, link, ()
            else:
                waits = WaitingError(  # the order's own change has the attention item
                    f"refund {refund} waits for its order, which is a person's turn "
                    f"({error.reason})",
                    connection=self.name,
                    causes=(WAITS,),
                )
                waits.behind = (item_id(str(order.ref), error.reason),)
                raise waits from error
        facts = {key: text for key, text in link.facts.items() if key not in gone}
        was = link.seen
        facts |= {"status": order.status, **heard_facts(change)}
        # A poll that met its papers then did not know whose they are, and has passed them by now.
        # Queued before the link forgets that: who dies here does it again.
        overlap = worker.back.adapter.capabilities.overlap
        if unlinked and link.erp is not None and self.clock() - unlinked >= overlap / 2:
            self._handing_on().papers(link.erp, change, link)
        # What a refund's own turn reads may show others, whose order's change is then an echo.
        is_told = refund is not None and seen == was and run.attempt == 1
        if not is_told and (link.erp is not None or order.placed_at < self.rules.orders.start_at):
            facts |= self._handing_on().refunds(link, order, change, seen)
        link = self.links.save(replace(link, seen=seen, facts=facts))
        asks: tuple[PermanentError, ...] = ()
        if refund is not None:
            known = handled(link)
            outcome, link = worker.refunds().carry(link, order, refund, story)
            if isinstance(outcome, Skipped) and handled(link) != known:
                asked = link.erp  # it stands for a credit note of theirs
            # What is asked of the order, or was, is its own change's to say.
            if "trouble" in link.facts or list(troubles(link, order, worker.back.name)):
                self._handing_on().order_again(change, sending=f"{change.ref}:{link.version}")
        else:
            before = opened(link)
            link, asks = self._take_back(worker, link, order)
            if opened(link) > before and isinstance(outcome, Skipped):
                outcome = Returned(link.ref, opened(link))
            asks = (*troubles(link, order, worker.back.name), *asks)
            for each in asks:
                each.content = content(order)
            if asks:
                link = self.links.save(replace(link, facts={**link.facts, "trouble": "1"}))
        if asked is not None:
            self._handing_on().sale(asked, change, link)
        for mend in unfit(order, link.mends):
            story.tell("step", f"the mend of {mend.path} fits no line any more")
        for each in asks:
            story.tell("step", f"{each.reason}: for {each.owner}")
        story.tell("ended", str(outcome))
        return outcome, link, asks

    def _demander(self) -> Demander | None:
        if self.levels is None or self.rules.flows.stock == "off":
            return None
        return Demander(self.levels, self.rules, self.clock)

    def _follow(
        self, worker: Follower, link: Link, order: SalesOrder, claim: Demand | None
    ) -> tuple[Outcome, Link]:
        """All that is due for the document; the claim knows if it is reserved there."""
        demander = self._demander()
        try:
            outcome, link = worker.follow(link, order)
        except AccordError:
            if demander is not None and claim is not None:  # it may have been confirmed before
                demander.confirm(claim, order, self.links.get(link.ref) or link)
            raise
        if demander is not None:
            demander.confirm(claim, order, link)
        return outcome, link

    def _worker(
        self,
        link: Link,
        order: SalesOrder,
        run: Invocation,
        story: Story,
        *,
        insists: bool = False,
    ) -> Follower:
        routed = route(order, self.rules)
        held = link.erp.system if link.erp is not None else link.facts.get("erp")
        back = self.back_office(held or routed.erp)
        writer = Writer(self.steps, self.clock, functools.cache(lambda: recovering(self.control)))
        sales = Sales(
            store=self.name,
            rules=self.rules,
            back=back,
            links=self.links,
            control=self.control,
            writer=writer,
            run=run,
        )
        return Follower(
            sales=sales,
            back=back,
            routed=routed,
            store=self.store,
            links=self.links,
            notes=Notes(self.store, writer),
            clock=self.clock,
            story=story,
            insists=insists,
        )

    # --- read ---------------------------------------------------------------

    def _is_seen(self, link: Link, change: Change, run: Invocation) -> bool:
        """The very state that was handled; a replay is asked for, so it is never an echo.

        Nor is a further try: the first may have ended in the round that it owed another change,
        whose mark it had taken off and which nobody else will ever look at.
        """
        if run.attempt > 1 or change.replay or "trouble" in link.facts:
            return False
        if change.ref.kind == "refund":
            return not is_owed(link, change.ref.id)
        if link.seen is None or not change.digest:
            return False
        return link.seen == Seen(change.modified_at, change.digest)

    def _read(self, link: Link, change: Change) -> tuple[SalesOrder | None, Seen]:
        """The order as it stands: what was carried if that is surely the newest, else the store's.

        A carried body may be late, older than what was handled, or one of two of the same second.
        What cannot be undone is never done on a carried body's word.
        """
        carried = change.document
        newer = link.seen is None or (
            change.modified_at is not None
            and link.seen.modified_at is not None
            and change.modified_at > link.seen.modified_at
        )
        # What met with trouble was seen, and the link does not say so.
        newer = newer and "trouble" not in link.facts
        if carried is not None and newer and self.clock() - change.seen_at <= _FRESH:
            order = order_of(self.store, carried, link)
            if link.erp is None or not self._undoes(link, order):
                return order, Seen(change.modified_at, change.digest)
        answer = self.store.get_order(link.ref.id)
        if answer is None:
            return None, Seen(change.modified_at, change.digest)
        document, digest = answer
        order = order_of(self.store, document, link)
        return order, Seen(order.modified_at, digest)

    def _undoes(self, link: Link, order: SalesOrder) -> bool:
        due = decide(link, order, self.rules.orders, route(order, self.rules), amends=())
        return isinstance(due, Void | Replace)

    def _gone(
        self, link: Link, change: Change, story: Story
    ) -> tuple[Outcome, Link, tuple[PermanentError, ...]]:
        """Deleted for good, of which a store tells nobody. What stands in the books stays there
        until a person cancels it."""
        demander = self._demander()
        if demander is not None:
            demander.release(link.ref)
        link = self._answered(link)
        outcome = Skipped("it is gone from the store")
        asks = tuple(_left_behind(link))
        if asks and change.aggregate is not None:  # which is its order's own change's to say
            self._handing_on().order_again(change, sending=f"{change.ref}:{link.version}")
            asks = ()
        is_void = state_of(link) is State.VOIDED
        if link.erp is not None and is_void and _ASKED & link.facts.keys():
            self._handing_on().sale(link.erp, change, link)
        if asks:
            link = self.links.save(replace(link, facts={**link.facts, "trouble": "1"}))
        for each in asks:
            story.tell("step", f"{each.reason}: for {each.owner}")
        story.tell("ended", str(outcome))
        return outcome, link, asks

    def _answered(self, link: Link) -> Link:
        """The link of an order that is gone, with how its document stands by now: a pass may have
        broken off, and nobody goes on with that; a person may have cancelled it.

        Raises: TransientError: it may still take effect; look again then.
        """
        erp = link.erp.system if link.erp is not None else link.facts.get("erp")
        if erp is None:
            return link
        unanswered = Unanswered(self.back_office(erp), self.links, self.clock)
        if link.erp is None and MAKING in link.facts:
            link = unanswered.made(link)
            unanswered.let_settle(link)
        elif link.erp is not None and state_of(link) is not State.VOIDED:
            link = unanswered.as_it_stands(link)
        return unanswered.came(link) if PAYING in link.facts else link

    def let_be(self, change: Change) -> None:
        """A person leaves the document as it is: the order claims no more than what that covers."""
        demander, link = self._demander(), self.links.get(change.ref)
        if demander is not None and link is not None:
            demander.let_be(link)

    # --- what comes after the document --------------------------------------

    def _handing_on(self) -> HandingOn:
        return HandingOn(
            name=self.name,
            flows=self.rules.flows,
            links=self.links,
            control=self.control,
            queues=self.queues,
            clock=self.clock,
        )

    def _take_back(
        self, worker: Follower, link: Link, order: SalesOrder
    ) -> tuple[Link, tuple[PermanentError, ...]]:
        """The goods that come back, on a return; what a person is asked of it holds nothing up."""
        returns = worker.returns()
        try:
            for step in (returns.finish, returns.begin, returns.finish):
                link = step(link, order)
        except PermanentError as error:
            return link, (error,)
        return link, ()

    def _left_to_its_sale(
        self, error: PermanentError, link: Link, order: SalesOrder, change: Change
    ) -> tuple[Outcome, Link] | None:
        """The outcome, and the held link that says what the order wants of a document that a person
        cancelled: the flow of what was changed there asks, or the rules know what to do. None: it
        is something else, or that flow is not on."""
        held = self.links.get(link.ref) if isinstance(error, VoidedError) else None
        if held is None or held.erp is None or self.rules.flows.erp_changes != "on":
            return None
        facts = {**held.facts, **left(order)}
        if refund_of(change) is None or facts != held.facts:
            self._handing_on().sale(held.erp, change, held)
        stands = held.number or held.document_key
        done = "deleted" if error.reason == "deleted_in_erp" else "cancelled"
        outcome = Skipped(f"{stands} was {done} in {held.erp.system}, and is asked about")
        return outcome, replace(held, facts=facts)

    # --- shadow, memory -----------------------------------------------------

    def _shadow(self, change: Change, run: Invocation, story: Story) -> Outcome:
        """Reads, decides and compares; writes to the journal and nowhere else."""
        ref = change.aggregate or change.ref
        link = self.links.get(ref) or Link(ref, order_key(self.rules.key, ref.id), 0)
        order, _ = self._read(link, change)
        if order is None:
            return Skipped("it is gone from the store")
        worker = self._worker(link, order, run, story)
        due = worker.decide(link, order)
        match due:
            case Skip():
                plan = f"nothing due: {due.why}"
            case Void():
                plan = f"cancel {link.number or link.document_key}"
            case _:
                document, _ = worker.sales.document(order)
                verb = type(due).__name__.lower()
                plan = (
                    f"{verb} {link.document_key} to {due.goal.value} in {worker.back.name}, "
                    f"{len(document.lines)} lines, {order.total}"
                )
        new = [id_ for id_ in order.refund_ids if is_owed(link, id_)]
        if new:
            plan += f"; refunds {', '.join(new)} of {order.refunded} in all"
        outcome = Shadowed(plan)
        story.tell("ended", str(outcome))
        return outcome

    def _released_in_trouble(self, ref: Ref, run: Invocation, told: list[Seen]) -> Link | None:
        """None once the lease is given up; the link, still held, if something newer came.

        The trouble is remembered on it, so that whatever succeeds next closes the attention items.
        """
        link = self.links.get(ref)
        if link is None or link.owner != run.id:
            return None
        link = self.links.save(replace(link, facts={**link.facts, "trouble": "1"}))
        return self.links.release(link, handled=told)


def _left_behind(link: Link) -> Iterator[PermanentError]:
    """What a person is asked of an order that is gone from the store."""
    if link.erp is not None and state_of(link) is not State.VOIDED:
        yield PermanentError(
            f"order {link.ref.id} was deleted in the store and {link.number or link.document_key} "
            f"stands in {link.erp.system}; cancel it there, or dismiss this",
            reason="deleted_after_posting",
            owner="commerce",
        )
        return
    left = money_left(link)
    if left is None:
        return
    if left.amount > 0:
        yield PermanentError(
            f"order {link.ref.id} was deleted in the store, and {left} that was received for it "
            "was not paid back; pay it back and book that, then dismiss this",
            reason="paid_and_cancelled",
            owner="finance",
        )
    elif left.amount < 0 and received(link):
        yield PermanentError(
            f"order {link.ref.id} was deleted in the store; {received(link)} was received for it, "
            f"and {-left} more was paid back. Book the difference, then dismiss this",
            reason="paid_back_too_much",
            owner="finance",
        )
