"""A store's order becomes one sales order of the back office.

Read, compare, decide, write, remember.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from accord.errors import (
    AccordError,
    BusyError,
    DisagreementError,
    PermanentError,
    UnsupportedError,
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
            if run.attempt > 1:  # the holder may be our own earlier try, killed: do not trust it
                raise BusyError(f"{change.ref} is held by another worker")
            return Done(Skipped("another worker has it in hand and goes round once more"))
        try:
            return self._hold(link, change, run)
        finally:
            self._flush()

    def _hold(self, link: Link, change: Change, run: Invocation) -> Done:
        troubled = "trouble" in link.facts
        handled: list[Seen] = [Seen(change.modified_at, change.digest)]
        try:
            for _ in range(_ROUNDS):
                outcome, link = self._round(link, change, run, handled)
                again = self.links.release(link, handled=handled)
                if again is None:
                    return Done(outcome, settles=troubled)
                link, change = again, change.without_document()
        except PermanentError as error:
            self._remember_trouble(link.ref, run)
            self._tell(change, "ended", f"{error.reason}: for {error.owner}")
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
        if self._is_seen(link, change):
            return Skipped("seen before"), link
        self._tell(change, "begun", change.event, attempt=run.attempt)
        order, seen = self._read(link, change)
        handled.append(seen)
        if order is None:
            return self._gone(link, change), link
        due = decide(link, order, self.rules.orders)
        outcome: Outcome
        if isinstance(due, Ask):
            raise PermanentError(due.message, reason=due.reason, owner="commerce")
        if isinstance(due, Skip):
            outcome = Skipped(due.why)
        else:
            outcome, link = self._write(link, order, due.goal, change, run)
        facts = {key: text for key, text in link.facts.items() if key != "trouble"}
        link = self.links.save(replace(link, seen=seen, facts={**facts, "status": order.status}))
        self._tell(change, "ended", str(outcome))
        return outcome, link

    # --- read ---------------------------------------------------------------

    def _is_seen(self, link: Link, change: Change) -> bool:
        """The very state that was handled; a replay is asked for, so it is never an echo."""
        if link.seen is None or not change.digest or change.replay or "trouble" in link.facts:
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
            raise PermanentError(
                f"order {change.ref.id} was deleted in the store and {link.number} stands in the "
                "back office; cancel it there, or dismiss this",
                reason="deleted_after_posting",
                owner="commerce",
            )
        outcome = Skipped("it is gone from the store")
        self._tell(change, "ended", str(outcome))
        return outcome

    # --- write --------------------------------------------------------------

    def _write(
        self, link: Link, order: SalesOrder, goal: State, change: Change, run: Invocation
    ) -> tuple[Outcome, Link]:
        """The document at ``goal``, its payment, and the note in the store, step by step."""
        writer = Writer(self.steps, self.clock, self._recovering)
        document, payment = self._document(order)
        made = link.erp is None
        if link.erp is None:
            party = self._party(order, writer, run)
            document = replace(
                document,
                party=party.ref,
                billing_address=party.billing,
                shipping_address=party.shipping,
            )
            record = self._create(link, document, writer)
            self._tell(change, "step", f"order {link.key} at {record.ref}", party=str(party.ref))
            party_ref = party.ref
        else:
            state = link.facts.get("state", State.DRAFT.value)
            record = Record(link.erp, link.number, state=State(state))
            party_ref = Ref.parse(link.facts["party"])
        record = self._bring(link, order, record, goal, writer)
        if payment.record and payment.account and order.payment.paid_at is not None:
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
                "party": str(party_ref),
                "content": content(order),
                "refunds": ",".join(order.refund_ids),
                "total": str(order.total),
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

    def _create(self, link: Link, document: SalesDocument, writer: Writer) -> Record:
        def find(_: Step) -> Result | None:
            records = self.erp.find(Kind.SALES_ORDER, link.key)
            found = adopt(records, what=f"order {link.key}", total=document.total)
            return to_result(found) if found else None

        def do(_: Step) -> Result:
            return to_result(self.erp.create(document, key=link.key))

        result = writer.once(f"{link.key}:order", self._promise(Kind.SALES_ORDER), find=find, do=do)
        return to_record(result)

    def _bring(
        self, link: Link, order: SalesOrder, record: Record, goal: State, writer: Writer
    ) -> Record:
        """``record`` at least at ``goal``. Its totals are compared before anything binds."""
        for state in (State.QUOTATION, State.CONFIRMED):
            if record.state.rank >= state.rank:
                continue
            if state.rank > goal.rank or state not in self.erp.capabilities.states:
                break
            known = record

            def do(_: Step, known: Record = known, state: State = state) -> Result:
                return to_result(self.erp.advance(known, state))

            result = writer.once(
                f"{link.key}:{state.value}",
                # Going on is the same whoever asks and how often; the answer is where it stands.
                Promise("same_answer", self.erp.capabilities.settle),
                find=lambda _: None,
                do=do,
            )
            record = to_record({**to_result(known), **result})
            if state is State.QUOTATION:
                record = self._agree(link, order, record)
        return record

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

    def _remember_trouble(self, ref: Ref, run: Invocation) -> None:
        """So that whatever succeeds next closes the attention items."""
        link = self.links.get(ref)
        if link is not None and link.owner == run.id:
            self.links.abandon(self.links.save(replace(link, facts={**link.facts, "trouble": "1"})))

    def _tell(self, change: Change, mark: Mark, text: str, **details: Any) -> None:
        self._told.append(
            Entry(change.ref, self.clock(), mark, text, change.correlation_id, details)
        )

    def _flush(self) -> None:
        told, self._told[:] = list(self._told), []
        if told:
            self.journal.append(told)


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
