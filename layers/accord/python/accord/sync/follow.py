"""One order's document, decision after decision: made, brought on, paid, amended, made anew, ended.

Whoever calls holds the order's lease. Before each write the link says what was begun, so that a
pass that dies leaves behind what the next one must look for.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from accord.errors import (
    DisagreementError,
    PermanentError,
    RejectedError,
    VoidedError,
    WaitingError,
)
from accord.model.change import Ref
from accord.model.documents import (
    Record,
    SalesDocument,
    SalesOrder,
    State,
)
from accord.ports.state import Link, Links
from accord.ports.store import Store
from accord.rules.routing import Routed
from accord.sync.decide import (
    REPLACING,
    UNBOOKED,
    Advance,
    Amend,
    Create,
    Decision,
    Replace,
    Skip,
    Void,
    decide,
    state_of,
)
from accord.sync.fingerprint import content, differences, parts, to_fact
from accord.sync.notes import Notes
from accord.sync.outcome import Outcome, Posted, Skipped, Voided
from accord.sync.receipts import Receipts
from accord.sync.received import unbooked
from accord.sync.refunds import Refunds
from accord.sync.returns import Returns
from accord.sync.sales import (
    BackOffice,
    Sales,
    addressed,
    deleted,
    edits,
    of_link,
    standing,
)
from accord.sync.steps import to_record
from accord.sync.turn import WRITING, Story
from accord.sync.unanswered import AMEND, AMENDED, BEFORE, MAKING, PAYING, VOID, Unanswered
from accord.sync.wanted import WANTED

_WORD: Mapping[State, Literal["quotation", "sales_order"]] = {
    State.DRAFT: "quotation",
    State.QUOTATION: "quotation",
    State.CONFIRMED: "sales_order",
}
_DECISIONS = 8  # looked up, cancelled, made anew, confirmed: no order needs more of one round
# What may follow a write of which nobody knows whether it took effect, without looking there.
_PASSING = frozenset({PAYING, BEFORE})
_HARMLESS: dict[str, tuple[type, ...]] = {VOID: (Void, Replace), AMEND: (Amend, Void, Replace)}
# What a cancelled document's successor does not inherit. Money that came in stays received.
_OF_A_DOCUMENT = frozenset(
    {"state", "done", "content", "parts", "total", "edits", "keeps", "unshipped", "credited"}
    | {"shipments", "invoices", "erp_state", "erp_total", WANTED, MAKING, WRITING}
)


@dataclass(frozen=True, slots=True)
class Follower:
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

    def _unanswered(self) -> Unanswered:
        return Unanswered(self.back, self.links, self.clock)

    def refunds(self) -> Refunds:
        return Refunds(
            sales=self.sales,
            store=self.store,
            links=self.links,
            notes=self.notes,
            clock=self.clock,
            insists=self.insists,
        )

    def receipts(self) -> Receipts:
        return Receipts(
            sales=self.sales,
            links=self.links,
            clock=self.clock,
            story=self.story,
            insists=self.insists,
        )

    def returns(self) -> Returns:
        return Returns(sales=self.sales, links=self.links, notes=self.notes, story=self.story)

    def decide(self, link: Link, order: SalesOrder) -> Decision:
        """What is due next."""
        amends = self.back.adapter.capabilities.amends
        return decide(link, order, self.sales.rules.orders, self.routed, amends=amends)

    def follow(self, link: Link, order: SalesOrder) -> tuple[Outcome, Link]:
        """All that is due for the document, one decision after the other."""
        if link.erp is None and MAKING in link.facts:
            link = self._unanswered().made(link)
        if UNBOOKED in link.facts and link.erp is not None:
            link = self._brought_on(link, link.erp)
        done: Outcome | None = None
        for _ in range(_DECISIONS):
            due = self.decide(link, order)
            if PAYING in link.facts and not (isinstance(due, Advance) and order.payment.paid_at):
                link = self._unanswered().paid(link)
                continue
            if _is_doubtful(link, due):
                link = self._unanswered().as_it_stands(link)
                continue
            match due:
                case Skip():
                    self._unanswered().let_settle(link)
                    return done or Skipped(due.why), self._generation_before(link)
                case Void():
                    outcome, link = self._void(link, order, due)
                    done = outcome or done
                case Replace():
                    link = self._cancel_to_replace(link, order, due.goal)
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

    def _brought_on(self, link: Link, ref: Ref) -> Link:
        """The link that says so if a person confirmed the document that money waits for."""
        if state_of(link) is not State.QUOTATION:
            return link
        now = self.back.adapter.get(ref)
        if now is None or now.state is not State.CONFIRMED:
            return link
        return self.links.save(replace(link, facts={**link.facts, "state": now.state.value}))

    # --- a document that is to stand ----------------------------------------

    def _write(
        self, link: Link, order: SalesOrder, due: Create | Advance | Amend
    ) -> tuple[Posted, Link]:
        """The document at its goal, its payment, and the note in the store, step by step."""
        document, rule = self.sales.document(order)
        made = "done" not in link.facts  # also when an earlier pass got half way
        current = True
        if link.erp is None:
            link, record, current = self._make(link, order, document)
        else:
            record = of_link(link, link.erp)
            if isinstance(due, Amend):
                link, record, current = self._amend(link, record, order, document)
        if not current:
            return self._posted(link, record, order, made=False), link
        known = link.facts.get("party")
        party = Ref.parse(known) if known else self.sales.party(order).ref
        try:
            record = self.sales.bring(link, order, record, due.goal)
        except WaitingError:
            self._amended(link, order)
            raise
        except VoidedError:
            link = self._amended(link, order)
            if rule.record and rule.account:  # and it may never be booked
                came = unbooked(link, order, link.facts.get("paid", ""))
                self.links.save(replace(link, facts={**link.facts, **came}))
            raise
        if WRITING in link.facts:  # the document stands, whatever its money meets with
            facts = {**link.facts, "state": record.state.value, "total": str(order.total)}
            link = self._not_writing(replace(link, number=record.number, facts=facts))
        link, paid = self.receipts().record(link, order, record, party, rule)
        self._note(link, order, record, due.goal)
        facts = {
            **{name: text for name, text in link.facts.items() if name not in _PASSING},
            "state": record.state.value,
            "done": due.goal.value,
            "party": str(party),
            "content": content(order),
            "parts": to_fact(parts(order)),
            "total": str(order.total),
            "paid": paid,
        }
        facts.pop(UNBOOKED, None)
        facts |= unbooked(link, order, paid)
        if order.status == "refunded":  # made only to be credited
            facts["keeps"] = "imported"
        link = self.links.save(replace(link, erp=record.ref, number=record.number, facts=facts))
        return self._posted(link, record, order, made=made), link

    def _make(
        self, link: Link, order: SalesOrder, document: SalesDocument
    ) -> tuple[Link, Record, bool]:
        """The draft, and whether it was made of what the order is now; an earlier try may have made
        it of what the order was then, and the link says so."""
        party = self.sales.party(order, doubted="trouble" in link.facts)
        made_of = content(order)
        making = f"{made_of} {self.clock().isoformat()}"
        facts = {**link.facts, MAKING: making, "erp": self.back.name, "party": str(party.ref)}
        link = self.links.save(replace(link, facts=facts))
        result = self.sales.create(link, addressed(document, party), made_of)
        record = to_record(result)
        self.story.tell("step", f"order {link.document_key} at {record.ref}", party=str(party.ref))
        if result["content"] == made_of:
            return link, record, True
        facts = {**link.facts, "state": record.state.value, "content": result["content"]}
        return self.links.save(replace(link, erp=record.ref, facts=facts)), record, False

    def _amend(
        self, link: Link, record: Record, order: SalesOrder, document: SalesDocument
    ) -> tuple[Link, Record, bool]:
        """As ``_make``, of a document that is there. One that a person confirmed meanwhile is told
        by the link, and is made anew."""
        party = self.sales.party(order, doubted="trouble" in link.facts)
        made_of = content(order)
        link = self._writing(link, AMEND)
        try:
            result = self.sales.amend(link, record, addressed(document, party), made_of)
        except RejectedError as error:
            link = self._not_writing(link)
            now = self.back.adapter.get(record.ref)
            if now is None:
                raise deleted(link, record.ref) from error
            if standing(now, link).state is not State.CONFIRMED:
                raise
            facts = {**link.facts, "state": now.state.value}
            return self.links.save(replace(link, number=now.number, facts=facts)), now, False
        self.story.tell("step", f"order {link.document_key} amended")
        facts = {
            **link.facts,
            "state": to_record(result).state.value,
            "done": State.DRAFT.value,
            "content": result["content"],
            "party": str(party.ref),
            "edits": str(edits(link) + 1),
            WRITING: AMENDED,
        }
        link = self.links.save(replace(link, facts=facts))
        record = replace(to_record(result), number=link.number)
        return link, record, result["content"] == made_of

    def _amended(self, link: Link, order: SalesOrder) -> Link:
        """The link of a document that says by now what ``order`` does, though it goes no further:
        who waits for an edit to be finished with need not wait for that."""
        if WRITING not in link.facts:
            return link
        facts = {**link.facts, "total": str(order.total)}
        return self._not_writing(replace(link, facts=facts))

    def _posted(self, link: Link, record: Record, order: SalesOrder, *, made: bool) -> Posted:
        return Posted(record.ref, record.number, link.document_key, order.total, made)

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
        if due.or_credit and (sale := self._would_bring_all_back(link, ref)) is not None:
            self.story.tell("step", f"{stands} stays: it is credited")
            return None, self._stays(link, order, sale, keeps="invoiced")
        link, error = self._cancel(link, ref)
        if error is not None:
            if due.or_credit:  # goods left, or it is invoiced: credit notes take it back
                self.story.tell("step", f"{stands} stays: {error.reason}")
                progress = self.back.adapter.progress(ref)
                shipments = progress.shipments if progress else ()
                still = ",".join(each.number for each in shipments if each.state == "open")
                sale = progress.order if progress else None
                return None, self._stays(link, order, sale, keeps=error.reason, unshipped=still)
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

    def _stays(self, link: Link, order: SalesOrder, sale: Record | None, **facts: str) -> Link:
        """The link that says why the document does. A pass that confirmed it and broke off may not
        have come to its note."""
        if sale is not None and sale.state is State.CONFIRMED:
            self._note(link, order, sale, State.CONFIRMED)
        return self.links.save(replace(link, facts={**link.facts, **facts}))

    def _would_bring_all_back(self, link: Link, ref: Ref) -> Record | None:
        """The document that would give all its goods back if it was cancelled; and a refund says
        which are. One that a person has cancelled has given them back."""
        if not self.back.adapter.capabilities.credits_goods:
            return None
        if state_of(link) is not State.CONFIRMED:
            return None
        now = self.back.adapter.get(ref)
        return now if now is not None and now.state is not State.VOIDED else None

    def _cancel(self, link: Link, ref: Ref) -> tuple[Link, DisagreementError | None]:
        """The held link after the document was cancelled there, or why it must stand.

        One that a person deleted is as good as cancelled.
        """
        try:
            _may_go(link)
            link = self._writing(link, VOID)
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
        """It is finished, or was refused before anything was changed."""
        if WRITING not in link.facts:
            return link
        facts = {name: text for name, text in link.facts.items() if name != WRITING}
        return self.links.save(replace(link, facts=facts))

    def _cancel_to_replace(self, link: Link, order: SalesOrder, goal: State) -> Link:
        """The document is cancelled so that another, at ``goal``, takes its place.

        Raises: PermanentError: it must stay as it is; the message says what differs.
        """
        assert link.erp is not None
        stands, ref = link.number or link.document_key, link.erp
        self.sales.document(order)  # nothing goes before what replaces it is known to be sound
        if REPLACING not in link.facts:  # said first: the status may ask for no document at all
            link = self.links.save(replace(link, facts={**link.facts, REPLACING: goal.value}))
        link, error = self._cancel(link, ref)
        if error is not None:
            facts = {name: text for name, text in link.facts.items() if name != REPLACING}
            link = self.links.save(replace(link, facts=facts))
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
        facts[BEFORE] = f"{link.erp} {link.number}"
        return self.links.save(
            replace(link, erp=None, number="", generation=link.generation + 1, facts=facts)
        )

    def _generation_before(self, link: Link) -> Link:
        """The link of the cancelled document, if nothing is to take its place any more.

        So what was paid for it, and what is refunded, still belongs to a document.
        """
        if link.erp is not None or BEFORE not in link.facts:
            return link
        ref, _, number = link.facts[BEFORE].partition(" ")
        gone = {BEFORE, MAKING}
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
