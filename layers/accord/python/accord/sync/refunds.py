"""A refund of the store becomes a credit note and money out, under its order's lease."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from accord.errors import (
    AccordError,
    BusyError,
    DisagreementError,
    NotNowError,
    PaidByHandError,
    PermanentError,
    RateLimitedError,
    RejectedError,
    UnavailableError,
    UnsupportedError,
    WaitingError,
)
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    Kind,
    PaymentDocument,
    Record,
    Refund,
    SalesOrder,
    State,
)
from accord.model.keys import payment_key, refund_key
from accord.model.money import Money
from accord.model.progress import Progress
from accord.ports.state import Link, Links, Seen
from accord.ports.store import Store
from accord.rules.accounts import check_complete, document_lines, rounding_line
from accord.rules.mapping import PaymentRule
from accord.rules.refunds import credited, refund_account
from accord.sync.counted_back import counted_back, counting_back, returned
from accord.sync.decide import CLOSED, state_of
from accord.sync.invoices import Known as Invoiced
from accord.sync.notes import Notes
from accord.sync.outcome import Credited, Outcome, Skipped
from accord.sync.reading import refunds_of
from accord.sync.sales import Sales, money
from accord.sync.settling import Settling
from accord.sync.turn import WAITS, Invocation, Story
from accord.sync.worker import item_id

_OURS = re.compile(r"\[accord (\S+:credit_note:\S+)\]")


def handled(link: Link) -> tuple[str, ...]:
    """Ids of the refunds that are in the books, or need not be."""
    return tuple(filter(None, link.facts.get("refunds", "").split(",")))


def is_owed(link: Link, id_: str) -> bool:
    """Whether something is due for that refund: it is not in the books, or not credited.

    One that came while the sale was cancelled needed no credit note; the next sale needs it.
    """
    if id_ not in handled(link):
        return True
    stands = link.erp is not None and state_of(link) is not State.VOIDED
    return stands and id_ in link.facts.get("uncredited", "").split(",")


def marker(credit: Ref) -> str:
    """What the reason of a refund says that was made for a credit note of the back office."""
    return f"[accord {credit}]"


def stands_for(refund: Refund) -> Ref | None:
    """The credit note of the back office that the refund was made for, None for one of its own."""
    found = _OURS.search(refund.reason)
    return Ref.parse(found[1]) if found else None


def taken(link: Link, id_: str, total: Money) -> dict[str, str]:
    """The facts of the order's link once that refund of ``total`` is in the books; counted once."""
    known = handled(link)
    back = money(link.facts.get("back", "")) or Money.zero(total.currency)
    given = back if id_ in known else back + total
    return {"refunds": ",".join(dict.fromkeys((*known, id_))), "back": str(given)}


def tie(
    links: Links, refund: Ref, credit: Ref, number: str, *, run: Invocation, now: dt.datetime
) -> None:
    """Refund and credit note are one thing, from either side. Whoever calls holds their order."""
    link = links.acquire(
        refund, key=refund.id, owner=run.id, now=now, until=run.lease_until, seen=Seen(None)
    )
    if link is None:  # nobody but the holder of the order's lease works on its refunds
        raise BusyError(f"{refund} is held by another worker")
    if link.erp != credit:
        link = links.save(replace(link, erp=credit, number=number))
    links.abandon(link)


@dataclass(frozen=True, slots=True)
class Refunds:
    """The refunds of one order, in one run. Whoever calls holds the order's lease."""

    sales: Sales
    store: Store
    links: Links
    notes: Notes
    clock: Callable[[], dt.datetime]
    insists: bool = False  # a person replays what was asked: it was dealt with

    def carry(self, link: Link, order: SalesOrder, id_: str, story: Story) -> tuple[Outcome, Link]:
        """The refund in the books, and the order's link that says so.

        Raises: WaitingError: the order is not in the books yet. PermanentError: for a person.
        """
        every = refunds_of(self.store, order, link)
        refund = next((each for each in every if each.ref.id == id_), None)
        if refund is None and id_ in order.refund_ids:
            raise UnavailableError(
                f"{order.ref.system} names refund {id_} and does not show it yet",
                connection=order.ref.system,
            )
        if refund is None:
            self._check_unbooked(link, order, id_)
            return Skipped("the refund is gone from the store"), link
        if refund.order != order.ref:
            raise PermanentError(
                f"refund {id_} is of {refund.order}, not of {order.ref}", reason="not_its_refund"
            )
        if link.erp is None:
            return self._without_order(link, order, refund)
        if credit := stands_for(refund):  # entered for a credit note that is there
            self._check_stands_for(link.erp, order, refund, credit)
            self._tie(refund, credit, "")
            return Skipped(f"it stands for {credit}"), self._done(link, refund)
        if not refund.total and not refund.lines:
            return Skipped("nothing was given back"), self._done(link, refund)
        state = state_of(link)
        outlasts = state is State.VOIDED and self._is_invoiced(link.erp)
        if state is State.VOIDED and not outlasts:  # nothing was sold, so nothing is to be credited
            self._pay_back(link, order, refund, story)
            return Credited(refund.ref, "", refund.total), self._done(link, refund, credited=False)
        if link.facts.get("erp_state") == State.VOIDED.value and not outlasts:
            raise self._undecided(link, order, id_)
        if state is State.CONFIRMED or outlasts:
            outcome, link = self._credit(link, order, refund, every, story)
            return outcome, self._done(link, refund, credited=True)
        raise WaitingError(
            f"refund {id_} waits until {link.number or link.document_key} is more than a "
            f"{state.value}; confirm order {order.number}, or cancel it",
            connection=order.ref.system,
            causes=(WAITS,),
        )

    def _undecided(self, link: Link, order: SalesOrder, id_: str) -> WaitingError:
        waits = WaitingError(
            f"refund {id_} waits until somebody has decided what becomes of order "
            f"{order.number}: {link.number or link.document_key} was cancelled by hand",
            connection=order.ref.system,
            causes=(WAITS,),
        )
        asked = ("cancelled_in_erp", "deleted_in_erp")
        waits.behind = tuple(item_id(str(link.erp), reason) for reason in asked)
        return waits

    def _without_order(self, link: Link, order: SalesOrder, refund: Refund) -> tuple[Outcome, Link]:
        start = self.sales.rules.orders.start_at
        if order.placed_at >= start and order.status in CLOSED:
            return Skipped(f"the order was {order.status} before it was imported"), link
        if order.placed_at >= start:
            raise WaitingError(
                f"refund {refund.ref.id} waits until order {order.number} ({order.status}) is in "
                f"{self.sales.back.name}",
                connection=order.ref.system,
                causes=(WAITS,),
            )
        if refund.refunded_at < start:
            return Skipped("both order and refund are from before the start"), link
        raise PermanentError(
            f"refund {refund.ref.id} of {refund.total} is of order {order.number}, placed before "
            f"the start of {start:%Y-%m-%d}, which Accord never posted; credit it by hand, then "
            "dismiss this",
            reason="refunded_before_start",
            owner="finance",
        )

    def _check_unbooked(self, link: Link, order: SalesOrder, id_: str) -> None:
        """Raises: PermanentError: a pass that broke off had booked it before it was deleted."""
        if link.erp is None or id_ in handled(link):
            return
        key, adapter = f"{link.key}-r{id_}", self.sales.back.adapter
        keys = {Kind.CREDIT_NOTE: key, Kind.PAYMENT: f"{key}:payment"}
        for kind, name in keys.items():
            found = adapter.find(kind, name) if adapter.capabilities.can(kind) else ()
            stands = [each for each in found if each.state is not State.VOIDED]
            if not stands:
                continue
            remedy = "take its credit note and its payment back there, then dismiss this"
            is_booked = any(each.state is State.CONFIRMED for each in stands)
            if kind is Kind.CREDIT_NOTE and not is_booked:
                remedy = f"delete the draft of its credit note {key} there, then replay"
            raise PermanentError(
                f"refund {id_} of order {order.number} was deleted in the store while it was "
                f"booked in {self.sales.back.name}; {remedy}",
                reason="refund_deleted",
                owner="finance",
            )

    # --- the books ----------------------------------------------------------

    def _counting_back(
        self, link: Link, order: SalesOrder, refund: Refund, every: Sequence[Refund]
    ) -> Link:
        """The link that says which pieces the credit note counts back, where it is to do so. Not
        saved: until something is written, more may be put back."""
        does = self.sales.back.adapter.capabilities.credits_goods
        wanted = does and self.sales.rules.orders.returns == "restocked"
        if not wanted or counted_back(link, refund) is not None:
            return link
        uncredited = link.facts.get("uncredited", "").split(",")
        booked = [id_ for id_ in handled(link) if id_ not in uncredited]
        return replace(link, facts=counting_back(link, order, refund, every, credited=booked))

    def _credited(
        self, link: Link, was: Link, document: CreditDocument, refund: Refund
    ) -> tuple[Record, Link]:
        """The credit note, booked, and the link that holds what it counts back.

        It holds it before the first write, so that a second try says the same; ``was`` is the link
        before that, which is saved again where nothing took effect.
        """
        fixed = self.links.save(link) if link.facts != was.facts else link
        key = _key(link, refund)
        try:
            draft = self.sales.credit(document, key=key)
        except AccordError as error:
            if fixed is not link and _is_surely_unmade(error):
                self.links.save(replace(fixed, facts=was.facts))
            raise
        return self.sales.book_credit(document, draft, key=key, at=refund.refunded_at), fixed

    def _credit(
        self, link: Link, order: SalesOrder, refund: Refund, every: Sequence[Refund], story: Story
    ) -> tuple[Credited, Link]:
        assert link.erp is not None
        sales, back = self.sales, self.sales.back
        if not back.adapter.capabilities.can(Kind.CREDIT_NOTE):
            raise UnsupportedError(
                f"{back.name} holds no credit notes; credit refund {refund.ref.id} of order "
                f"{order.number} by hand, then dismiss this",
                owner="finance",
            )
        mappings = sales.rules.mappings
        earlier = every[: every.index(refund)]
        taken = credited(order, refund, earlier, mappings)
        lines, rule, _ = document_lines(taken, mappings, store=sales.store, erp=back.name)
        check_complete(taken, lines)
        counting = self._counting_back(link, order, refund, every)
        lines = returned(lines, counted_back(counting, refund) or {})
        self._check_by_hand(link, order, refund)
        what = f"refund {refund.ref.id} of order {order.number}"
        day, true_day = sales.day_for(Kind.CREDIT_NOTE, refund.refunded_at, what)
        party = sales.party(order)
        document = CreditDocument(
            number=f"{order.number}-R{refund.ref.id}",
            order=link.erp,
            party=party.ref,
            billing_address=party.billing,
            currency=order.currency,
            issued_on=day,
            lines=lines,
            total=refund.total,
            comment=f"Refund {refund.ref.id} of web order {order.number}{true_day}"
            + (f": {refund.reason}" if refund.reason else ""),
        )
        cents = rounding_line(taken, back.adapter.preview(document), mappings, store=sales.store)
        document = document.with_line(cents) if cents else document
        record, link = self._credited(counting, link, document, refund)
        story.tell("step", f"credit note {record.number} of {refund.total} at {record.ref}")
        self._tie(refund, record.ref, record.number)
        if refund.ref.id not in handled(link):
            self._pay_back(link, order, refund, story, rule)
            booked = Invoiced.of(link).ids
            # The flow of invoices was here before a pass that had broken off: it saw no money yet.
            if record.ref.id in booked and money(link.facts.get("paid", "")):
                Settling(back.adapter, sales.writer, story).settle(
                    link, booked, refund=refund.ref.id
                )
        if back.adapter.capabilities.is_invoice:  # which is owed, as far as it is not paid
            Settling(back.adapter, sales.writer, story).settle(link, (record.ref.id,))
        if sales.rules.flows.invoices != "on":  # whose flow tells the store of every credit note
            self._note(link, order, refund, record.number)
        return Credited(refund.ref, record.number, refund.total), link

    def _is_invoiced(self, sale: Ref) -> bool:
        """An invoice of the cancelled sale stands: a person booked it, and it outlasts the sale."""
        progress = self.sales.back.adapter.progress(sale)
        return progress is not None and _stands(progress)

    def _check_by_hand(self, link: Link, order: SalesOrder, refund: Refund) -> None:
        """Raises: DisagreementError: somebody cancelled the sale there and no invoice of it
        stands, or credited the same amount, maybe the same."""
        assert link.erp is not None
        back = self.sales.back
        progress = back.adapter.progress(link.erp)
        if progress is not None and _is_void(progress):
            if self.sales.rules.flows.erp_changes == "on":  # which asks, or does what the rules say
                raise self._undecided(link, order, refund.ref.id)
            stands = link.number or link.document_key
            raise DisagreementError(
                f"refund {refund.ref.id} of order {order.number} gives back {refund.total}, and "
                f"{stands} was cancelled by hand in {back.name}, so nothing is left of it to be "
                "credited. Cancel the order in the store, or refund the rest of it; or make "
                f"{stands} valid again; then replay",
                reason="voided",
                owner="commerce",
            )
        for each in progress.invoices if progress is not None else ():
            credit = Ref(each.ref.system, Kind.CREDIT_NOTE.value, each.ref.id)
            if (
                each.kind is Kind.CREDIT_NOTE
                and each.is_booked
                and each.key is None
                and each.totals.gross == refund.total
                and self.links.find(credit) is None
            ):
                raise DisagreementError(
                    f"refund {refund.ref.id} of order {order.number} gives back {refund.total}, "
                    f"and {each.number} of the same amount was booked by hand in {back.name}. If "
                    "they are one, delete the refund in the store and enter it again with "
                    f"{marker(credit)} in its reason; if they are two, enter another refund so; "
                    "then replay",
                    reason="credited_by_hand",
                )

    def _check_stands_for(self, sale: Ref, order: SalesOrder, refund: Refund, credit: Ref) -> None:
        """Raises: DisagreementError: that is no credit note of the sale, of the refund's amount and
        free to be tied. Whoever wrote the mark may have mistaken a digit."""
        holder = self.links.find(credit)
        if holder == refund.ref:
            return
        progress = self.sales.back.adapter.progress(sale)
        found = next(
            (
                each
                for each in (progress.invoices if progress is not None else ())
                if each.kind is Kind.CREDIT_NOTE
                and Ref(each.ref.system, Kind.CREDIT_NOTE.value, each.ref.id) == credit
            ),
            None,
        )
        if found is None:
            why = f"is no credit note of order {order.number}"
        elif not found.is_booked:
            why = "is not booked"
        elif found.totals.gross != refund.total:
            why = f"comes to {found.totals.gross}, and the refund to {refund.total}"
        elif holder is not None:
            why = f"is tied to {holder} already"
        else:
            return
        raise DisagreementError(
            f"the reason of refund {refund.ref.id} of order {order.number} says that it stands for "
            f"{credit}, which {why}; correct the mark, then replay",
            reason="not_that_credit",
        )

    def _pay_back(
        self,
        link: Link,
        order: SalesOrder,
        refund: Refund,
        story: Story,
        rule: PaymentRule | None = None,
    ) -> None:
        """The money out, where the money in was recorded."""
        assert link.erp is not None
        if rule is None:
            mappings = self.sales.rules.mappings
            _, rule, _ = document_lines(
                replace(order, lines=()), mappings, store=self.sales.store, erp=self.sales.back.name
            )
        account = refund_account(rule)
        paid = link.facts.get("paid", "")
        received = money(paid) or (Money.zero(order.currency) if paid != "1" else order.total)
        if not (rule.record and account and received and refund.total):
            return
        if refund.ref.id in handled(link):  # paid back then, or taken off what was received since
            return
        if state_of(link) is State.VOIDED and self.sales.back.adapter.capabilities.is_invoice:
            raise self._receipt_taken_off(link, order, refund)
        what = f"the money of refund {refund.ref.id} of order {order.number}"
        day, true_day = self.sales.day_for(Kind.PAYMENT, refund.refunded_at, what)
        party = link.facts.get("party")
        document = PaymentDocument(
            order=link.erp,
            party=Ref.parse(party) if party else self.sales.party(order).ref,
            amount=-refund.total,
            received_on=day,
            account=account,
            reference=f"{order.payment.transaction_id or order.number} refund "
            f"{refund.ref.id}{true_day}",
        )
        try:
            self.sales.pay(document, key=payment_key(_key(link, refund)))
        except PaidByHandError as error:
            if not (error.is_all or (self.insists and error.is_settled)):
                raise
            story.tell("step", f"{refund.total} was paid back by hand")
            return
        except RejectedError as error:
            if state_of(link) is State.VOIDED and self.sales.back.adapter.get(link.erp) is None:
                raise self._sale_deleted(link, order, refund) from error
            raise
        story.tell("step", f"{refund.total} paid back from {account}")

    def _sale_deleted(self, link: Link, order: SalesOrder, refund: Refund) -> PermanentError:
        """It was cancelled, and a person deleted it: no money is of it any more."""
        here, stands = self.sales.back.name, link.number or link.document_key
        return PermanentError(
            f"refund {refund.ref.id} of order {order.number} gives back {refund.total}, and "
            f"{stands}, which was cancelled, was deleted in {here}: nothing is left there that the "
            f"money could be of. Book in {here} what went back, then dismiss this",
            reason="sale_deleted",
            owner="finance",
        )

    def _receipt_taken_off(self, link: Link, order: SalesOrder, refund: Refund) -> PermanentError:
        """No invoice is voided as long as money is set against it: a person took that off."""
        here, stands = self.sales.back.name, link.number or link.document_key
        return PermanentError(
            f"refund {refund.ref.id} of order {order.number} gives back {refund.total}, and "
            f"{stands} was voided by hand in {here}, its receipt of {link.facts['paid']} taken off "
            "before that: no credit note is left that money could go back for. Book in "
            f"{here} what came and what went back, as far as it went over an account there, then "
            "dismiss this",
            reason="receipt_taken_off",
            owner="finance",
        )

    # --- memory -------------------------------------------------------------

    def _tie(self, refund: Refund, credit: Ref, number: str) -> None:
        tie(self.links, refund.ref, credit, number, run=self.sales.run, now=self.clock())

    def _done(self, link: Link, refund: Refund, *, credited: bool | None = None) -> Link:
        """``credited``: False while there is no sale to credit, None where there never will be."""
        facts = {**link.facts, **taken(link, refund.ref.id, refund.total)}
        owed = dict.fromkeys(filter(None, link.facts.get("uncredited", "").split(",")))
        owed.pop(refund.ref.id, None)
        if credited is False:
            owed[refund.ref.id] = None
        facts["uncredited"] = ",".join(owed)
        if credited:
            facts["credited"] = "1"
        return self.links.save(
            replace(link, facts={name: text for name, text in facts.items() if text})
        )

    def _note(self, link: Link, order: SalesOrder, refund: Refund, number: str) -> None:
        text = self.sales.rules.orders.note.format(
            document=self.sales.rules.words.credit_note, number=number, erp=self.sales.back.name
        )
        self.notes.tell(order.ref.id, f"{_key(link, refund)}:note", text)


def _key(link: Link, refund: Refund) -> str:
    """The credit note's external key."""
    return refund_key(link.key, refund.ref.id)


def _is_void(progress: Progress) -> bool:
    """It was cancelled, and nothing of it counts in the books: an invoice may outlast its order."""
    return progress.order.state is State.VOIDED and not _stands(progress)


def _stands(progress: Progress) -> bool:
    return any(each.kind is Kind.INVOICE and each.is_booked for each in progress.invoices)


def _is_surely_unmade(error: AccordError) -> bool:
    """What was asked for was refused, or never arrived."""
    if isinstance(error, UnavailableError):
        return not error.sent
    return isinstance(error, (RejectedError, NotNowError, RateLimitedError))
