"""A store's order becomes one sales order of the back office.

Read, compare, decide, write, remember.
"""

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from accord.errors import (
    AccordError,
    BusyError,
    DisagreementError,
    PermanentError,
    TransientError,
    UnsupportedError,
    WaitingError,
)
from accord.model.change import Change, Ref
from accord.model.documents import (
    Kind,
    PaymentDocument,
    Record,
    SalesDocument,
    SalesOrder,
    State,
)
from accord.ports.erp import ErpAdapter
from accord.ports.state import Control, Entry, Journal, Link, Links, Mark, Seen, Step, Steps
from accord.ports.store import Store
from accord.rules import config
from accord.rules.accounts import check_complete, document_lines, rounding_line
from accord.sync.decide import Ask, Skip, decide
from accord.sync.fingerprint import content
from accord.sync.outcome import Done, Outcome, Posted, Shadowed, Skipped
from accord.sync.parties import Known, Parties
from accord.sync.steps import Promise, Result, Writer, adopt, to_record, to_result

EPOCH = "epoch"  # control value; while it is not "trusted", every create finds first
TRUSTED = "trusted"
_LEASE_OVERLAP = dt.timedelta(seconds=5)
_FRESH = dt.timedelta(minutes=5)  # a body that was told longer ago is read anew
_MAKING = "making"  # fact of a link: what a document is being made of, and since when
_ROUNDS = 5  # one invocation goes round at most; the rest is another's


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a worker: until when it may work, and which try this is."""

    id: str
    deadline: dt.datetime
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Orders:
    """The flow of one store's orders into its back office."""

    name: str
    rules: config.Store
    erp_name: str
    time_zone: dt.tzinfo
    store: Store
    erp: ErpAdapter
    links: Links
    steps: Steps
    control: Control
    journal: Journal
    clock: Callable[[], dt.datetime]
    _told: list[Entry] = field(default_factory=list)

    def post(self, change: Change, run: Invocation) -> Done:
        """Everything that is due for the change's order, in one pass.

        Raises: AccordError: what could not go on; the lease is given up, nothing is lost.
        """
        flow = self.rules.flows.orders
        if flow != "on" and change.replay:  # it waits, or a person asked: neither may be forgotten
            raise WaitingError(
                f"the order flow of {self.name} is {flow}, so {change.ref} goes on waiting; set "
                f'orders = "on" in [stores.{self.name}.flows]',
                connection=self.name,
                causes=("flow:orders",),
            )
        if flow == "off":
            return Done(Skipped("the flow is off"))
        if flow == "shadow":
            return Done(self._shadow(change))
        now = self.clock()
        told = Seen(change.modified_at, change.digest)
        link = self.links.acquire(
            change.ref,
            key=f"{self.rules.key}-{change.ref.id}",
            owner=run.id,
            now=now,
            until=run.deadline + _LEASE_OVERLAP,
            seen=told,
        )
        if link is None:
            # The holder may be our own earlier try, killed: do not trust it. Nor may what waits be
            # called done before it is.
            if run.attempt > 1 or change.replay:
                raise BusyError(f"{change.ref} is held by another worker")
            return Done(Skipped("another worker has it in hand and goes round once more"))
        try:
            return self._hold(link, change, run)
        finally:
            self._flush()

    def _hold(self, link: Link, change: Change, run: Invocation) -> Done:
        # An earlier try of this very change may have ended before the items were closed.
        settles = bool(change.replay) or run.attempt > 1
        troubled = "trouble" in link.facts
        handled: list[Seen] = [Seen(change.modified_at, change.digest)]
        posted: Outcome | None = None
        try:
            for _ in range(_ROUNDS):
                try:
                    outcome, link = self._round(link, change, run, handled)
                except PermanentError as error:
                    self._tell(change, "ended", f"{error.reason}: for {error.owner}")
                    # What came meanwhile may be the very mend, and nobody else looks at it.
                    newer = self._released_in_trouble(link.ref, run, handled)
                    if newer is None:
                        raise
                    troubled, link, change = True, newer, change.without_document()
                    continue
                if isinstance(outcome, Posted):
                    posted = outcome
                self._flush()  # before the lease goes: what dies after it is never told of again
                again = self.links.release(link, handled=handled)
                if again is None:  # a further round that found nothing due unmakes no document
                    return Done(posted or outcome, settles=settles or troubled)
                link, change = again, change.without_document()
        except PermanentError:
            raise
        except AccordError as error:
            self.links.abandon(link)
            self._tell(change, "ended", f"{error.reason}: not now")
            raise
        self.links.abandon(link)
        raise BusyError(f"{change.ref} changes faster than it is handled")

    def _round(
        self, link: Link, change: Change, run: Invocation, handled: list[Seen]
    ) -> tuple[Outcome, Link]:
        if self._is_seen(link, change, run):
            return Skipped("seen before"), link
        self._tell(change, "begun", change.event, attempt=run.attempt)
        order, seen = self._read(link, change)
        handled.append(seen)
        if order is None:
            return self._gone(link, change), link
        if link.erp is None and _MAKING in link.facts:
            link = self._made_before(link)
        due = decide(link, order, self.rules.orders)
        outcome: Outcome
        if isinstance(due, Ask):
            raise _asked(due)
        if isinstance(due, Skip):
            self._let_settle(link)
            outcome = Skipped(due.why)
        else:
            outcome, link = self._write(link, order, due.goal, change, run)
        facts = {key: text for key, text in link.facts.items() if key not in {"trouble", _MAKING}}
        link = self.links.save(replace(link, seen=seen, facts={**facts, "status": order.status}))
        self._tell(change, "ended", str(outcome))
        return outcome, link

    # --- read ---------------------------------------------------------------

    def _is_seen(self, link: Link, change: Change, run: Invocation) -> bool:
        """The very state that was handled; a replay is asked for, so it is never an echo.

        Nor is a further try: the first may have ended in the round that it owed another change,
        whose mark it had taken off and which nobody else will ever look at.
        """
        if run.attempt > 1 or change.replay or "trouble" in link.facts:
            return False
        if link.seen is None or not change.digest:
            return False
        return link.seen == Seen(change.modified_at, change.digest)

    def _read(self, link: Link, change: Change) -> tuple[SalesOrder | None, Seen]:
        """The order as it stands: what was carried if that is surely the newest, else the store's.

        A carried body may be late, older than what was handled, or one of two of the same second.
        """
        carried = change.document
        newer = link.seen is None or (
            change.modified_at is not None
            and link.seen.modified_at is not None
            and change.modified_at > link.seen.modified_at
        )
        if carried is not None and newer and self.clock() - change.seen_at <= _FRESH:
            return self.store.order(carried), Seen(change.modified_at, change.digest)
        answer = self.store.get_order(change.ref.id)
        if answer is None:
            return None, Seen(change.modified_at, change.digest)
        document, digest = answer
        order = self.store.order(document)
        return order, Seen(order.modified_at, digest)

    def _gone(self, link: Link, change: Change) -> Outcome:
        if link.erp is not None:
            stands = link.number or link.key
            raise PermanentError(
                f"order {change.ref.id} was deleted in the store and {stands} stands in the back "
                "office; cancel it there, or dismiss this",
                reason="deleted_after_posting",
                owner="commerce",
            )
        outcome = Skipped("it is gone from the store")
        self._tell(change, "ended", str(outcome))
        return outcome

    def _made_before(self, link: Link) -> Link:
        """The link with the document that an earlier pass made, and broke off before it said so.

        What the order has become since is then compared with what the document was made of.
        """
        found = adopt(self.erp.find(Kind.SALES_ORDER, link.key), what=f"order {link.key}")
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
            left = (at + self.erp.capabilities.settle - self.clock()).total_seconds()
            if left > 0:
                raise TransientError(
                    f"{link.key} may still appear in the back office",
                    retry_after=left,
                    reason="settling",
                )

    # --- write --------------------------------------------------------------

    def _write(
        self, link: Link, order: SalesOrder, goal: State, change: Change, run: Invocation
    ) -> tuple[Outcome, Link]:
        """The document at ``goal``, its payment, and the note in the store, step by step."""
        writer = Writer(self.steps, self.clock, functools.cache(self._recovering))
        document, payment = self._document(order)
        made = "done" not in link.facts  # also when an earlier pass got half way
        if link.erp is None:
            party = self._party(order, writer, run)
            document = replace(
                document,
                party=party.ref,
                billing_address=party.billing,
                shipping_address=party.shipping,
            )
            made_of = content(order)
            making = f"{made_of} {self.clock().isoformat()}"
            link = self.links.save(replace(link, facts={**link.facts, _MAKING: making}))
            result = self._create(link, document, made_of, writer)
            record, party_ref = to_record(result), party.ref
            self._tell(change, "step", f"order {link.key} at {record.ref}", party=str(party_ref))
            if result["content"] != made_of:  # an earlier try made it, of what the order was then
                facts = {**link.facts, "content": result["content"], "party": str(party_ref)}
                link = self.links.save(replace(link, erp=record.ref, facts=facts))
                due = decide(link, order, self.rules.orders)
                if isinstance(due, Ask):
                    raise _asked(due)
        else:
            state = link.facts.get("state", State.DRAFT.value)
            record = Record(link.erp, link.number, state=State(state))
            known = link.facts.get("party")
            party_ref = Ref.parse(known) if known else self._party(order, writer, run).ref
        record = self._bring(link, order, record, goal, writer)
        moved = order.total.amount > 0  # what is free is paid at once, and no money moves
        if payment.record and payment.account and order.payment.paid_at is not None and moved:
            self._pay(
                order,
                PaymentDocument(
                    order=record.ref,
                    party=party_ref,
                    amount=order.total,
                    received_on=order.payment.paid_at.astimezone(self.time_zone).date(),
                    account=payment.account,
                    reference=order.payment.transaction_id or order.number,
                ),
                key=f"{link.key}:payment",
                writer=writer,
            )
            self._tell(change, "step", f"payment of {order.total} on {payment.account}")
        self._note(link, order, record, goal, writer)
        link = replace(
            link,
            erp=record.ref,
            number=record.number,
            facts={
                **link.facts,
                "state": record.state.value,
                "done": goal.value,
                "party": str(party_ref),
                "content": content(order),
                "refunds": ",".join(order.refund_ids),
                "paid": "1" if order.payment.paid_at is not None else "",
            },
        )
        return Posted(record.ref, record.number, link.key, order.total, made), link

    def _document(self, order: SalesOrder) -> tuple[SalesDocument, config.PaymentRule]:
        """The order in the back office's words, to the cent; whose it is, is not said yet.

        Everything that may be unmapped is found out here, before anything is written.
        """
        mappings = self.rules.mappings
        lines, payment, carrier = document_lines(
            order, mappings, store=self.name, erp=self.erp_name
        )
        check_complete(order, lines)
        if payment.record and not self.erp.capabilities.can(Kind.PAYMENT):
            raise UnsupportedError(
                f"{self.erp_name} cannot record payments; set record = false for "
                f"{order.payment.method!r} in [stores.{self.name}.mappings.payments], then replay"
            )
        document = SalesDocument(
            number=order.number,
            party=Ref(self.erp_name, Kind.PARTY.value, ""),
            billing_address="",
            shipping_address="",
            currency=order.currency,
            placed_on=order.placed_at.astimezone(self.time_zone).date(),
            lines=lines,
            total=order.total,
            po_number=order.po_number,
            comment=comment(order),
            carrier=carrier,
            payment_terms=payment.terms,
        )
        cents = rounding_line(order, self.erp.preview(document), mappings, store=self.name)
        return (document.with_line(cents) if cents else document), payment

    def _party(self, order: SalesOrder, writer: Writer, run: Invocation) -> Known:
        parties = Parties(
            store=self.name,
            store_key=self.rules.key,
            erp_name=self.erp_name,
            erp=self.erp,
            links=self.links,
            control=self.control,
            writer=writer,
            rules=self.rules.customers,
        )
        return parties.of(order, owner=run.id, until=run.deadline + _LEASE_OVERLAP)

    def _create(self, link: Link, document: SalesDocument, made_of: str, writer: Writer) -> Result:
        """The draft, and in ``content`` what it was made of, which an earlier try may have been."""

        def find(step: Step) -> Result | None:
            records = self.erp.find(Kind.SALES_ORDER, link.key)
            found = adopt(records, what=f"order {link.key}", total=document.total)
            if found is None:
                return None
            return {**to_result(found), "content": step.intent.get("content", made_of)}

        def do(_: Step) -> Result:
            record = self.erp.create(document, key=link.key)
            return {**to_result(record), "content": made_of}

        return writer.once(
            f"{link.key}:order",
            self._promise(Kind.SALES_ORDER),
            find=find,
            do=do,
            intent={"content": made_of},
        )

    def _bring(
        self, link: Link, order: SalesOrder, record: Record, goal: State, writer: Writer
    ) -> Record:
        """``record`` at least at ``goal``. Its totals are compared before anything binds."""
        for state in (State.QUOTATION, State.CONFIRMED):
            if record.state.rank < state.rank:
                if state.rank > goal.rank or state not in self.erp.capabilities.states:
                    break
                record = self._advance(link, record, state, writer)
            if record.state is State.QUOTATION:  # also when an earlier pass brought it here
                record = self._agree(link, order, record)
        return record

    def _advance(self, link: Link, record: Record, state: State, writer: Writer) -> Record:
        result = writer.once(
            f"{link.key}:{state.value}",
            # Going on is the same whoever asks and how often; the answer is where it stands.
            Promise("same_answer", self.erp.capabilities.settle),
            find=lambda _: None,
            do=lambda _: to_result(self.erp.advance(record, state)),
        )
        return to_record({**to_result(record), **result})

    def _agree(self, link: Link, order: SalesOrder, record: Record) -> Record:
        """The record, if its total is the order's; as it stands now, if it was mended since."""
        if record.totals is not None and record.totals.gross == order.total:
            return record
        now = self.erp.get(record.ref)
        gross = now.totals.gross if now is not None and now.totals is not None else None
        if now is None or gross != order.total:
            raise DisagreementError(
                f"{record.number or link.key} comes to {gross} in the back office, order "
                f"{order.number} to {order.total} in the store; mend the document there (it is not "
                "confirmed yet), then replay",
                reason="total_differs",
            )
        return now

    def _pay(
        self, order: SalesOrder, document: PaymentDocument, *, key: str, writer: Writer
    ) -> None:
        def find(_: Step) -> Result | None:
            found = adopt(
                self.erp.find(Kind.PAYMENT, key), what=f"payment {key}", total=order.total
            )
            if found is not None and found.state is State.DRAFT:  # made, and not yet booked
                found = self.erp.advance(found, State.CONFIRMED)
            return to_result(found) if found else None

        def do(_: Step) -> Result:
            return to_result(self.erp.create(document, key=key))

        writer.once(key, self._promise(Kind.PAYMENT), find=find, do=do)

    def _note(
        self, link: Link, order: SalesOrder, record: Record, goal: State, writer: Writer
    ) -> None:
        """One private note with the document's number; another when a quotation became an order."""
        key = f"{link.key}:note:{goal.value}"
        marker = f"[accord {key}]"
        text = self.rules.orders.note.format(
            document="Quotation" if goal is State.QUOTATION else "Sales order",
            number=record.number,
            erp=self.erp_name,
        )

        def find(_: Step) -> Result | None:
            id_ = self.store.find_note(order.ref.id, marker)
            return {"note": id_} if id_ else None

        def do(_: Step) -> Result:
            return {"note": self.store.add_note(order.ref.id, f"{text} {marker}")}

        promise = Promise("possible", self.store.settle)
        writer.once(key, promise, find=find, do=do, find_unasked=False)

    def _promise(self, kind: Kind) -> Promise:
        can = self.erp.capabilities
        return Promise(can.duplicates[kind], can.settle, can.search_lag)

    def _recovering(self) -> bool:
        held = self.control.get(EPOCH)
        return held is None or held[0] != TRUSTED

    # --- shadow, memory -----------------------------------------------------

    def _shadow(self, change: Change) -> Outcome:
        """Reads, decides and compares; writes to the journal and nowhere else."""
        link = self.links.get(change.ref) or Link(
            change.ref, f"{self.rules.key}-{change.ref.id}", 0
        )
        order, _ = self._read(link, change)
        if order is None:
            return Skipped("it is gone from the store")
        due = decide(link, order, self.rules.orders)
        if isinstance(due, Skip):
            plan = f"nothing due: {due.why}"
        elif isinstance(due, Ask):
            plan = f"attention: {due.message}"
        else:
            document, _ = self._document(order)
            plan = f"{link.key} to {due.goal.value}, {len(document.lines)} lines, {order.total}"
        outcome = Shadowed(plan)
        self._tell(change, "ended", str(outcome))
        self._flush()
        return outcome

    def _released_in_trouble(self, ref: Ref, run: Invocation, handled: list[Seen]) -> Link | None:
        """None once the lease is given up; the link, still held, if something newer came.

        The trouble is remembered on it, so that whatever succeeds next closes the attention items.
        """
        link = self.links.get(ref)
        if link is None or link.owner != run.id:
            return None
        link = self.links.save(replace(link, facts={**link.facts, "trouble": "1"}))
        return self.links.release(link, handled=handled)

    def _tell(self, change: Change, mark: Mark, text: str, **details: Any) -> None:
        self._told.append(
            Entry(change.ref, self.clock(), mark, text, change.correlation_id, details)
        )

    def _flush(self) -> None:
        told, self._told[:] = list(self._told), []
        if told:
            self.journal.append(told)


def _asked(due: Ask) -> PermanentError:
    return PermanentError(due.message, reason=due.reason, owner="commerce")


def comment(order: SalesOrder) -> str:
    """What the document's lines cannot hold: coupons, how it was paid, the shopper's words."""
    parts = [f"Web order {order.number}"]
    if order.coupons:
        used = ", ".join(f"{coupon.code} (-{coupon.discount})" for coupon in order.coupons)
        parts.append(f"Coupons: {used}")
    payment = order.payment
    if payment.method or payment.title:
        how = payment.title or payment.method
        paid = f", paid {payment.paid_at:%Y-%m-%d}" if payment.paid_at else ", not paid yet"
        by = f", {payment.transaction_id}" if payment.transaction_id else ""
        parts.append(f"Payment: {how}{by}{paid}")
    if order.customer_note:
        parts.append(f"Note: {order.customer_note}")
    return "\n".join(parts)
