"""A store's order and its back office's document, kept alike for the order's whole life.

Read, compare, decide, write, remember.
"""

import datetime as dt
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from accord.errors import (
    AccordError,
    BusyError,
    DisagreementError,
    PermanentError,
    RejectedError,
    TransientError,
    WaitingError,
)
from accord.model.change import Change, Ref
from accord.model.documents import Kind, PaymentDocument, Record, SalesOrder, State
from accord.model.money import Money
from accord.model.keys import order_key, payment_key
from accord.ports.queues import Queues
from accord.ports.state import Control, Journal, Link, Links, Seen, Steps
from accord.ports.store import Store
from accord.rules import config
from accord.rules.routing import Routed, route
from accord.sync.decide import Advance, Amend, Create, Decision, Replace, Skip, Void, decide
from accord.sync.fingerprint import content, differences, parts, to_fact
from accord.sync.notes import Notes
from accord.sync.outcome import Done, Outcome, Posted, Shadowed, Skipped, Voided
from accord.sync.refunds import Refunds, handled, is_owed
from accord.sync.sales import BackOffice, Sales, addressed, edits, money, of_link
from accord.sync.steps import Writer, adopt, to_record
from accord.sync.turn import WAITS, WRITING, Invocation, Story, recovering, waits_for_flow
from accord.sync.worker import WAKE

_WORD: Mapping[State, Literal["quotation", "sales_order"]] = {
    State.DRAFT: "quotation",
    State.QUOTATION: "quotation",
    State.CONFIRMED: "sales_order",
}
_FRESH = dt.timedelta(minutes=5)  # a body that was told longer ago is read anew
_MAKING = "making"  # fact of a link: what a document is being made of, and since when
_PAYING = "paying"  # the same of a payment: how much is being recorded
_BEFORE = "before"  # the cancelled document, as long as what replaces it is not made
_ROUNDS = 5  # one invocation goes round at most; the rest is another's
_DECISIONS = 8  # looked up, cancelled, made anew, confirmed: no order needs more of one round
_VOID, _AMEND, _AMENDED = "void", "amend", "amended"  # how the fact ``WRITING`` begins
# What may follow a write of which nobody knows whether it took effect, without looking there.
_PASSING = frozenset({_PAYING, _BEFORE})
_HARMLESS: dict[str, tuple[type, ...]] = {_VOID: (Void, Replace), _AMEND: (Amend, Void, Replace)}
# What a cancelled document's successor does not inherit. Money that came in stays received.
_ASKED = frozenset({"erp_state", "erp_total"})  # a person was asked about the sale in its own flow
_OF_A_DOCUMENT = frozenset(
    {"state", "done", "content", "parts", "total", "edits", "keeps", "unshipped", "credited"}
    | {"shipments", "invoices", "erp_state", "erp_total", _MAKING, WRITING, "trouble"}
)


@dataclass(frozen=True, slots=True)
class Orders:
    """The flow of one store's orders into its back offices, their refunds with them."""

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
        settles_refund = change.aggregate is not None
        settles = bool(change.replay) or run.attempt > 1 or settles_refund
        troubled = "trouble" in link.facts
        told: list[Seen] = []
        if change.aggregate is None:
            told.append(Seen(change.modified_at, change.digest))
        done: Outcome | None = None
        try:
            for _ in range(_ROUNDS):
                try:
                    outcome, link = self._round(link, change, run, story, told)
                except PermanentError as error:
                    story.tell("ended", f"{error.reason}: for {error.owner}")
                    not_its_own = settles_refund and change.aggregate is None
                    if not_its_own:  # the order's own change has the attention item
                        self._queue_order(change, link, sending=f"trouble:{run.id}:{link.version}")
                    # What came meanwhile may be the very mend, and nobody else looks at it.
                    newer = self._released_in_trouble(link.ref, run, told)
                    if newer is None and not_its_own:
                        return Done(done or Skipped("its order has trouble"), settles=True)
                    if newer is None:
                        raise
                    troubled, link, change = True, newer, _of_order(change)
                    continue
                if not isinstance(outcome, Skipped):
                    done = outcome
                story.flush()  # before the lease goes: what dies after it is never told of again
                again = self.links.release(link, handled=told)
                if again is None:  # a further round that found nothing due unmakes no document
                    return Done(done or outcome, settles=settles or troubled)
                link, change = again, _of_order(change)
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
    ) -> tuple[Outcome, Link]:
        if self._is_seen(link, change, run):
            return Skipped("seen before"), link
        story.tell("begun", change.event, attempt=run.attempt)
        order, seen = self._read(link, change)
        told.append(seen)
        if order is None:
            return self._gone(link, order_id=link.ref.id, story=story), link
        insists = change.replay not in {"", WAKE} and "trouble" in link.facts
        worker = self._worker(link, order, run, story, insists=insists)
        refund = change.ref.id if change.ref.kind == "refund" else None
        asked = link.erp if _ASKED & link.facts.keys() else None
        try:
            outcome, link = worker.follow(link, order)
        except PermanentError as error:
            if refund is None:
                raise
            raise WaitingError(  # the order's own change has the attention item
                f"refund {refund} waits for its order, which is a person's turn ({error.reason})",
                connection=self.name,
                causes=(WAITS,),
            ) from error
        gone = ("trouble", _MAKING, WRITING)
        facts = {key: text for key, text in link.facts.items() if key not in gone}
        link = self.links.save(replace(link, seen=seen, facts={**facts, "status": order.status}))
        if refund is not None:
            known = handled(link)
            outcome, link = worker.refunds().carry(link, order, refund, story)
            if isinstance(outcome, Skipped) and handled(link) != known:
                asked = link.erp  # it stands for a credit note of theirs
            if _trouble(link, order, worker.back.name) is not None:  # it is the order's to ask
                self._queue_order(_of_order(change), link, sending=f"{change.ref}:{link.version}")
        else:
            if link.erp is not None or order.placed_at < self.rules.orders.start_at:
                self._queue_refunds(link, order, change, seen)
        if asked is not None:
            self._queue_sale(asked, change, link)
        if refund is None and (trouble := _trouble(link, order, worker.back.name)):
            raise trouble
        story.tell("ended", str(outcome))
        return outcome, link

    def _worker(
        self,
        link: Link,
        order: SalesOrder,
        run: Invocation,
        story: Story,
        *,
        insists: bool = False,
    ) -> "_Worker":
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
        return _Worker(
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
        if carried is not None and newer and self.clock() - change.seen_at <= _FRESH:
            order = self.store.order(carried)
            if link.erp is None or not self._undoes(link, order):
                return order, Seen(change.modified_at, change.digest)
        answer = self.store.get_order(link.ref.id)
        if answer is None:
            return None, Seen(change.modified_at, change.digest)
        document, digest = answer
        order = self.store.order(document)
        return order, Seen(order.modified_at, digest)

    def _undoes(self, link: Link, order: SalesOrder) -> bool:
        due = decide(link, order, self.rules.orders, route(order, self.rules), amends=())
        return isinstance(due, Void | Replace)

    def _gone(self, link: Link, *, order_id: str, story: Story) -> Outcome:
        if link.erp is not None and link.facts.get("state") != State.VOIDED.value:
            stands = link.number or link.document_key
            raise PermanentError(
                f"order {order_id} was deleted in the store and {stands} stands in the back "
                "office; cancel it there, or dismiss this",
                reason="deleted_after_posting",
                owner="commerce",
            )
        left = _money_left(link)
        if left is not None and left.amount > 0:
            raise PermanentError(
                f"order {order_id} was deleted in the store, and {left} that was received for it "
                "was not paid back; pay it back and book that, then dismiss this",
                reason="paid_and_cancelled",
                owner="finance",
            )
        outcome = Skipped("it is gone from the store")
        story.tell("ended", str(outcome))
        return outcome

    # --- what comes after the document --------------------------------------

    def _queue_refunds(self, link: Link, order: SalesOrder, change: Change, seen: Seen) -> None:
        """Those that nobody took into the books yet. Queued twice, they are taken once."""
        for id_ in order.refund_ids:
            if is_owed(link, id_):
                refund = Change(
                    ref=Ref(self.name, "refund", id_),
                    event="refund_issued",
                    seen_at=change.seen_at,
                    correlation_id=change.correlation_id,
                    placed_at=order.placed_at,
                    aggregate=order.ref,
                )
                self.queues.put(refund, sending=f"{refund.ref}:{seen.digest}:{change.replay}")

    def _queue_sale(self, sale: Ref, change: Change, link: Link) -> None:
        """A person was asked about ``sale``, and may have answered in the store: look again."""
        if self.rules.flows.erp_changes == "on":
            again = replace(
                change.without_document(),
                ref=sale,
                event="order_changed_in_erp",
                modified_at=None,
                replay="",
                seen_at=self.clock(),
                aggregate=link.ref,
            )
            self.queues.put(again, sending=f"answered:{change.ref}:{link.version}")

    def _queue_order(self, change: Change, link: Link, *, sending: str) -> None:
        again = replace(change, ref=link.ref, replay="", seen_at=self.clock())
        self.queues.put(again, sending=sending)

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


@dataclass(frozen=True, slots=True)
class _Worker:
    """One order in one run at one back office."""

    sales: Sales
    back: BackOffice
    routed: Routed
    store: Store
    links: Links
    notes: Notes
    clock: Callable[[], dt.datetime]
    story: Story
    insists: bool  # a person replays what was asked: it was dealt with

    def refunds(self) -> Refunds:
        return Refunds(
            sales=self.sales,
            store=self.store,
            links=self.links,
            notes=self.notes,
            clock=self.clock,
        )

    def decide(self, link: Link, order: SalesOrder) -> Decision:
        """What is due next."""
        amends = self.back.adapter.capabilities.amends
        return decide(link, order, self.sales.rules.orders, self.routed, amends=amends)

    def follow(self, link: Link, order: SalesOrder) -> tuple[Outcome, Link]:
        """All that is due for the document, one decision after the other."""
        if link.erp is None and _MAKING in link.facts:
            link = self._made_before(link)
        done: Outcome | None = None
        for _ in range(_DECISIONS):
            due = self.decide(link, order)
            if _PAYING in link.facts and not (isinstance(due, Advance) and order.payment.paid_at):
                link = self._paid_before(link)
                continue
            if _is_doubtful(link, due):
                link = self._as_it_stands(link)
                continue
            match due:
                case Skip():
                    self._let_settle(link)
                    return done or Skipped(due.why), self._generation_before(link)
                case Void():
                    outcome, link = self._void(link, order, due)
                    done = outcome or done
                case Replace():
                    link = self._cancel_to_replace(link, order)
                case Create(again=True):
                    link = self._next_generation(link)
                case _:
                    posted, link = self._write(link, order, due)
                    made = isinstance(done, Posted) and done.made
                    done = replace(posted, made=posted.made or made)
        raise PermanentError(
            f"order {order.number} does not come to rest after {_DECISIONS} steps; replay it, and "
            "tell support if it stays so",
            reason="restless",
        )

    def _made_before(self, link: Link) -> Link:
        """The link with the document that an earlier pass made, and broke off before it said so.

        What the order has become since is then compared with what the document was made of.
        """
        key = link.document_key
        found = adopt(self.back.adapter.find(Kind.SALES_ORDER, key), what=f"order {key}")
        if found is None:
            return link
        facts = {
            **link.facts,
            "state": found.state.value,
            "content": link.facts[_MAKING].partition(" ")[0],
        }
        return self.links.save(replace(link, erp=found.ref, number=found.number, facts=facts))

    def _let_settle(self, link: Link) -> None:
        """Nothing is due, unless a create that was not answered takes effect yet.

        Raises: TransientError: it still may; look again then.
        """
        if link.erp is None and _MAKING in link.facts:
            at = dt.datetime.fromisoformat(link.facts[_MAKING].partition(" ")[2])
            left = (at + self.back.adapter.capabilities.settle - self.clock()).total_seconds()
            if left > 0:
                raise TransientError(
                    f"{link.document_key} may still appear in the back office",
                    retry_after=left,
                    reason="settling",
                )

    def _as_it_stands(self, link: Link) -> Link:
        """The link with the state that the document has there, after a write without an answer.

        Raises: TransientError: the write may still take effect; look again then.
        """
        assert link.erp is not None
        begun, _, at = link.facts[WRITING].partition(" ")
        record = self.back.adapter.get(link.erp)
        state = record.state if record is not None else State.VOIDED
        if begun == _VOID and state is not State.VOIDED:
            self._wait(at, f"the cancelling of {link.number or link.document_key}")
        facts = {name: text for name, text in link.facts.items() if name != WRITING}
        facts["state"] = state.value
        if state is State.VOIDED:
            facts["done"] = State.DRAFT.value
        elif begun == _AMEND:
            facts["content"] = ""  # nobody knows: it is said anew
        return self.links.save(replace(link, facts=facts))

    def _paid_before(self, link: Link) -> Link:
        """The link that says whether a payment was recorded by a pass that broke off.

        Raises: TransientError: it may still be; look again then.
        """
        amount, _, at = link.facts[_PAYING].rpartition(" ")
        found = self.sales.payment(f"{link.key}:payment")
        if found is None:
            self._wait(at, f"a payment of {amount}")
        facts = {name: text for name, text in link.facts.items() if name != _PAYING}
        if found is not None:
            facts["paid"] = amount
        else:
            facts.pop("netted", None)
        return self.links.save(replace(link, facts=facts))

    def _wait(self, at: str, what: str) -> None:
        can = self.back.adapter.capabilities
        until = dt.datetime.fromisoformat(at) + can.settle + can.search_lag
        left = (until - self.clock()).total_seconds()
        if left > 0:
            raise TransientError(
                f"{what} may still take effect in the back office",
                retry_after=left,
                reason="settling",
            )

    # --- a document that is to stand ----------------------------------------

    def _write(
        self, link: Link, order: SalesOrder, due: Create | Advance | Amend
    ) -> tuple[Posted, Link]:
        """The document at its goal, its payment, and the note in the store, step by step."""
        goal = due.goal
        document, rule = self.sales.document(order)
        made = "done" not in link.facts  # also when an earlier pass got half way
        made_of = content(order)
        known = link.facts.get("party")
        party_ref = Ref.parse(known) if known and not isinstance(due, Amend) else None
        if link.erp is None:
            party = self.sales.party(order)
            document, party_ref = addressed(document, party), party.ref
            making = f"{made_of} {self.clock().isoformat()}"
            facts = {**link.facts, _MAKING: making, "erp": self.back.name}
            link = self.links.save(replace(link, facts=facts))
            result = self.sales.create(link, document, made_of)
            record = to_record(result)
            self.story.tell(
                "step", f"order {link.document_key} at {record.ref}", party=str(party_ref)
            )
            if result["content"] != made_of:  # an earlier try made it, of what the order was then
                facts = {
                    **link.facts,
                    "state": record.state.value,
                    "content": result["content"],
                    "party": str(party_ref),
                }
                link = self.links.save(replace(link, erp=record.ref, facts=facts))
                return self._posted(link, record, order, made=False), link
        elif isinstance(due, Amend) and link.erp is not None:
            party = self.sales.party(order)
            document, party_ref = addressed(document, party), party.ref
            record = of_link(link, link.erp)
            link = self._writing(link, _AMEND)
            try:
                result = self.sales.amend(link, record, document, made_of)
            except RejectedError:
                link = self._not_writing(link)
                now = self.back.adapter.get(record.ref)
                if now is None or now.state is not State.CONFIRMED:
                    raise
                # A person confirmed it: it is to be made anew.
                facts = {**link.facts, "state": now.state.value}
                return self._posted(link, now, order, made=False), self.links.save(
                    replace(link, number=now.number, facts=facts)
                )
            record = replace(to_record(result), number=link.number)
            self.story.tell("step", f"order {link.document_key} amended")
            link = self.links.save(
                replace(
                    link,
                    facts={
                        **link.facts,
                        "state": record.state.value,
                        "done": State.DRAFT.value,
                        "content": result["content"],
                        "party": str(party_ref),
                        "edits": str(edits(link) + 1),
                        WRITING: _AMENDED,
                    },
                )
            )
            if result["content"] != made_of:
                return self._posted(link, record, order, made=False), link
        else:
            assert link.erp is not None
            record = of_link(link, link.erp)
        if party_ref is None:
            party_ref = self.sales.party(order).ref
        record = self.sales.bring(link, order, record, goal)
        link, paid = self._pay(link, order, record, party_ref, rule)
        self._note(link, order, record, goal)
        link = self.links.save(
            replace(
                link,
                erp=record.ref,
                number=record.number,
                facts={
                    **{name: text for name, text in link.facts.items() if name not in _PASSING},
                    "state": record.state.value,
                    "done": goal.value,
                    "party": str(party_ref),
                    "content": made_of,
                    "parts": to_fact(parts(order)),
                    "total": str(order.total),
                    "paid": paid,
                    **({"keeps": "imported"} if order.status == "refunded" else {}),
                },
            )
        )
        return self._posted(link, record, order, made=made), link

    def _posted(self, link: Link, record: Record, order: SalesOrder, *, made: bool) -> Posted:
        return Posted(record.ref, record.number, link.document_key, order.total, made)

    def _pay(
        self,
        link: Link,
        order: SalesOrder,
        record: Record,
        party: Ref,
        rule: config.PaymentRule,
    ) -> tuple[Link, str]:
        """What the link says of the money: the amount that is recorded, "-" for none of ours.

        What was given back before is no more received. The amount is on the link before it is in
        the books, so that a pass that breaks off leaves no money that nobody knows of.
        """
        paid = link.facts.get("paid", "")
        if paid or order.payment.paid_at is None:
            return link, paid
        before = money(link.facts.get("back", "")) or Money.zero(order.currency)
        amount = order.total - before
        if not (rule.record and rule.account and amount.amount > 0):
            return link, "-"  # what is free is paid at once, and no money moves
        what = f"the payment of order {order.number}"
        day, true_day = self.sales.day_for(Kind.PAYMENT, order.payment.paid_at, what)
        document = PaymentDocument(
            order=record.ref,
            party=party,
            amount=amount,
            received_on=day,
            account=rule.account,
            reference=f"{order.payment.transaction_id or order.number}{true_day}",
        )
        if _PAYING not in link.facts:
            facts = {
                **link.facts,
                "state": record.state.value,
                "content": content(order),
                "party": str(party),
                _PAYING: f"{amount} {self.clock().isoformat()}",
                **({"netted": str(before)} if before else {}),
            }
            link = self.links.save(replace(link, erp=record.ref, number=record.number, facts=facts))
        self.sales.pay(document, key=f"{link.key}:payment")
        self.story.tell("step", f"payment of {amount} on {rule.account}")
        return link, str(amount)

    def _note(self, link: Link, order: SalesOrder, record: Record, goal: State) -> None:
        """One private note with the document's number; another when a quotation became an order."""
        text = self.sales.rules.orders.note.format(
            document=self.sales.rules.words.of(_WORD[goal]),
            number=record.number,
            erp=self.back.name,
        )
        self.notes.tell(order.ref.id, f"{link.document_key}:note:{goal.value}", text)

    # --- a document that is to go -------------------------------------------

    def _void(self, link: Link, order: SalesOrder, due: Void) -> tuple[Outcome | None, Link]:
        assert link.erp is not None
        stands, ref = link.number or link.document_key, link.erp
        link, error = self._cancel(link, ref)
        if error is not None:
            if due.or_credit:  # goods left, or it is invoiced: credit notes take it back
                self.story.tell("step", f"{stands} stays: {error.reason}")
                progress = self.back.adapter.progress(ref)
                shipments = progress.shipments if progress else ()
                still = ",".join(each.number for each in shipments if each.state == "open")
                facts = {**link.facts, "keeps": error.reason, "unshipped": still}
                return None, self.links.save(replace(link, facts=facts))
            raise DisagreementError(
                f"order {order.number} is {order.status} in the store, but {stands} cannot be "
                f"cancelled any more: {error}",
                reason=error.reason,
                owner=error.owner,
                sent=error.sent,
                body=error.body,
            ) from error
        self.story.tell("step", f"{stands} cancelled")
        goal = State(link.facts.get("done", State.DRAFT.value))
        text = self.sales.rules.words.cancelled.format(
            document=self.sales.rules.words.of(_WORD[goal]), number=stands, erp=self.back.name
        )
        self.notes.tell(order.ref.id, f"{link.document_key}:note:voided", text)
        return Voided(ref, link.number), self._voided(link)

    def _cancel(self, link: Link, ref: Ref) -> tuple[Link, DisagreementError | None]:
        """The held link after the document was cancelled there, or why it must stand.

        One that a person deleted is as good as cancelled.
        """
        try:
            _may_go(link)
            link = self._writing(link, _VOID)
            try:
                self.sales.void(link, of_link(link, ref))
            except RejectedError:
                if self.back.adapter.get(ref) is not None:
                    raise
        except DisagreementError as error:
            return self._not_writing(link), error
        return link, None

    def _voided(self, link: Link) -> Link:
        facts = {**link.facts, "state": State.VOIDED.value, "done": State.DRAFT.value}
        facts.pop(WRITING, None)
        return self.links.save(replace(link, facts=facts))

    def _writing(self, link: Link, what: str) -> Link:
        """Said before it is done: what is seen there meanwhile was no person's doing.

        And if nobody says that it was done, it is looked up before anything else is decided.
        """
        said = f"{what} {self.clock().isoformat()}"
        return self.links.save(replace(link, facts={**link.facts, WRITING: said}))

    def _not_writing(self, link: Link) -> Link:
        """It was refused before anything was changed."""
        if WRITING not in link.facts:
            return link
        facts = {name: text for name, text in link.facts.items() if name != WRITING}
        return self.links.save(replace(link, facts=facts))

    def _cancel_to_replace(self, link: Link, order: SalesOrder) -> Link:
        """The document is cancelled so that another takes its place.

        Raises: PermanentError: it must stay as it is; the message says what differs.
        """
        assert link.erp is not None
        stands, ref = link.number or link.document_key, link.erp
        self.sales.document(order)  # nothing goes before what replaces it is known to be sound
        link, error = self._cancel(link, ref)
        if error is not None:
            if self.insists and self._comes_to(order, ref):
                self.story.tell("step", f"{stands} was changed by a person")
                facts = {
                    **link.facts,
                    "content": content(order),
                    "parts": to_fact(parts(order)),
                    "total": str(order.total),
                }
                return self.links.save(replace(link, facts=facts))
            changed = differences(link.facts.get("parts", ""), order)
            raise PermanentError(
                f"order {order.number} was changed in the store after {stands} was made, which "
                f"cannot follow any more ({error}). What differs: {changed}. Change it in the back "
                "office or take the edit back in the store, then replay",
                reason="changed_after_posting",
                owner="commerce",
            ) from error
        self.story.tell("step", f"{stands} cancelled, to be made anew")
        return self._voided(link)

    def _comes_to(self, order: SalesOrder, ref: Ref) -> bool:
        """Whether the document there has the order's total by now."""
        record = self.back.adapter.get(ref)
        totals = record.totals if record is not None else None
        return totals is not None and totals.gross == order.total

    def _next_generation(self, link: Link) -> Link:
        """The link of a document to be made anew, beside one that was cancelled."""
        facts = {key: text for key, text in link.facts.items() if key not in _OF_A_DOCUMENT}
        facts[_BEFORE] = f"{link.erp} {link.number}"
        return self.links.save(
            replace(link, erp=None, number="", generation=link.generation + 1, facts=facts)
        )

    def _generation_before(self, link: Link) -> Link:
        """The link of the cancelled document, if nothing is to take its place any more.

        So what was paid for it, and what is refunded, still belongs to a document.
        """
        if link.erp is not None or _BEFORE not in link.facts:
            return link
        ref, _, number = link.facts[_BEFORE].partition(" ")
        gone = {_BEFORE, _MAKING}
        facts = {name: text for name, text in link.facts.items() if name not in gone}
        facts |= {"state": State.VOIDED.value, "done": State.DRAFT.value}
        generation = link.generation - 1
        return self.links.save(
            replace(link, erp=Ref.parse(ref), number=number, generation=generation, facts=facts)
        )


def _is_doubtful(link: Link, due: Decision) -> bool:
    """A write was begun and not finished, and ``due`` rests on what it may have changed."""
    harmless = _HARMLESS.get(link.facts.get(WRITING, "").partition(" ")[0])
    return harmless is not None and link.erp is not None and not isinstance(due, harmless)


def _may_go(link: Link) -> None:
    """Raises: DisagreementError: credit notes hang on the document, so it cannot be cancelled."""
    if link.facts.get("credited"):
        raise DisagreementError(
            f"a part of {link.number or link.document_key} was credited; credit the rest of it, or "
            "refund the rest in the store",
            reason="credited",
        )


def _of_order(change: Change) -> Change:
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


def _trouble(link: Link, order: SalesOrder, erp: str) -> PermanentError | None:
    """What both sides cannot agree on by themselves, though all that could be done is done.

    Asked as long as it stands, so that the item closes when it no longer does. The first such thing.
    """
    stands = link.number or link.document_key
    gone = [id_ for id_ in handled(link) if id_ not in order.refund_ids]
    if gone:
        return PermanentError(
            f"refund {', '.join(gone)} of order {order.number} was deleted in the store after it "
            f"was booked in {erp}; take its credit note and its payment back there, then dismiss "
            "this",
            reason="refund_deleted",
            owner="finance",
        )
    if link.facts.get("unshipped") and order.status == "refunded":
        return PermanentError(
            f"order {order.number} was refunded, and {stands} cannot be cancelled any more "
            f"({link.facts['keeps']}); stop what has not left yet, {link.facts['unshipped']}, then "
            "dismiss this",
            reason="refunded_unshipped",
            owner="warehouse",
        )
    return _trouble_with_money(link, order, erp)


def _money_left(link: Link) -> Money | None:
    """What was received and not paid back; None where no money is ours to record."""
    paid = money(link.facts.get("paid", ""))
    if paid is None:
        return None
    back, netted = (money(link.facts.get(name, "")) for name in ("back", "netted"))
    left = paid + netted if netted is not None else paid
    return left - back if back is not None and back.currency == left.currency else left


def _trouble_with_money(link: Link, order: SalesOrder, erp: str) -> PermanentError | None:
    paid, left = money(link.facts.get("paid", "")), _money_left(link)
    if paid is None or left is None or link.erp is None:
        return None
    state = link.facts.get("state")
    coming = set(order.refund_ids) - set(handled(link))
    if state == State.VOIDED.value and left.amount > 0 and not coming:
        return PermanentError(
            f"order {order.number} is {order.status} and {link.number or link.document_key} is "
            f"cancelled, but {paid} was received and {left} was not paid back; refund it in the "
            "store, or dismiss this",
            reason="paid_and_cancelled",
            owner="finance",
        )
    if state == State.VOIDED.value and left.amount < 0:  # it was changed after it was paid
        return PermanentError(
            f"{link.number or link.document_key} of order {order.number} is cancelled, {paid} was "
            f"received and {-left} more was paid back; book the difference in {erp}, or delete "
            "the refund that is too much in the store, then dismiss this",
            reason="paid_back_too_much",
            owner="finance",
        )
    netted = money(link.facts.get("netted", ""))
    received = paid + netted if netted is not None else paid
    if state == State.CONFIRMED.value and received != order.total:
        return PermanentError(
            f"order {order.number} comes to {order.total} since it was changed, and {paid} was "
            f"recorded as received; book the difference in {erp}, then dismiss this",
            reason="paid_differs",
            owner="finance",
        )
    return None
