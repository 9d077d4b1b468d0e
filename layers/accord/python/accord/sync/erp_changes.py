"""A person cancelled, shortened or credited the sale in the back office: the store, or a person.

What the rules leave to a person is asked each time that the flow looks, and ends when both sides
agree. What a poll would tell of it again is kept on the link: ``erp_state`` and ``erp_total`` where
the sale differs from what we made it, ``erp_invoices`` with the ids that were looked at.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from accord.errors import PermanentError, RejectedError
from accord.model.change import Ref
from accord.model.documents import Kind, SalesOrder, State
from accord.model.money import Money
from accord.model.progress import Invoice, Progress
from accord.ports.state import Link, Step
from accord.rules.accounts import payment_rule
from accord.sync.decide import CLOSED, UNBOOKED, state_of
from accord.sync.from_erp import FromErp, Turn
from accord.sync.outcome import Outcome, Skipped, Told
from accord.sync.reading import order_of, refunds_of
from accord.sync.received import unbooked
from accord.sync.refunds import handled, marker, taken, tie
from accord.sync.sales import money
from accord.sync.steps import Promise, Result
from accord.sync.wanted import WANTED, wanted


class ErpChanges(FromErp):
    """The flow of one store."""

    __slots__ = ()
    flow: ClassVar[str] = "erp_changes"

    def plan(self, link: Link, progress: Progress) -> str:
        """See ``FromErp.plan``."""
        rules, here = self.rules.erp_changes, progress.order.ref.system
        ours, theirs = state_of(link), progress.order.state
        if State.VOIDED in (ours, theirs):
            if ours is theirs:
                return ""
            if ours is State.VOIDED:
                return f"ask: valid again in {here}"
            return f"{rules.cancelled}: cancelled in {here}"
        parts = [f"{rules.credited}: {each.number} by hand" for each in self._by_hand(progress)]
        if other := _another_total(link, progress):
            parts.append(f"ask: it comes to {other} in {here}")
        return ", ".join(parts)

    def tell(self, link: Link, progress: Progress, turn: Turn) -> tuple[Outcome, Link]:
        """See ``FromErp.tell``.

        Raises: PermanentError: ``cancelled_in_erp``, ``reopened_in_erp``, ``credited_in_erp``,
            ``credit_exceeds``, ``shortened_in_erp``: a person's turn.
        """
        ours, theirs = state_of(link), progress.order.state
        if State.VOIDED in (ours, theirs):
            return self._voided(link, progress, turn)
        credited = self._by_hand(progress)
        if credited and self.rules.erp_changes.credited == "ask":
            link = self._looked(link, progress)
            raise self._ask_credit(link, credited[0])
        for credit in credited:
            link = self._refund(link, credit, turn)
        link = self._looked(link, progress)
        if other := _another_total(link, progress):
            self._ask_total(link, progress, other)
        if credited:
            given = ", ".join(str(each.totals.gross) for each in credited)
            return Told(f"refunds of {given}"), link
        return Skipped("both sides say the same"), link

    # --- cancelled ------------------------------------------------------------

    def _voided(self, link: Link, progress: Progress, turn: Turn) -> tuple[Outcome, Link]:
        here, stands = progress.order.ref.system, link.number or link.document_key
        if progress.order.state is not State.VOIDED:
            link = self._looked(link, progress)
            raise PermanentError(
                f"{stands} was cancelled, and is {progress.order.state.value} in {here} again; "
                f"cancel it there, or set order {link.ref.id} back in the store, which makes a new "
                "one; then replay",
                reason="reopened_in_erp",
                owner="commerce",
            )
        if state_of(link) is State.VOIDED:
            return Skipped(f"{stands} is cancelled on both sides"), self._looked(link, progress)
        answer = self.store.get_order(link.ref.id)
        if answer is not None and self.rules.erp_changes.cancelled == "ask":
            raise self._ask_cancel(self._looked(link, progress), here)
        facts = {"state": State.VOIDED.value, "done": State.DRAFT.value}
        if answer is not None:
            order = order_of(self.store, answer[0], link)
            if order.status == "completed":
                raise self._ask_cancel(self._looked(link, progress), here, order)
            if order.status not in CLOSED:
                # Not remembered as seen: the order's flow looks after what was paid for it.
                self.store.put_order(link.ref.id, status="cancelled")
                turn.story.tell("step", "the store's order is cancelled")
            key = f"{link.document_key}:note:cancelled_in_erp"
            text = self.rules.words.cancelled.format(
                document=self.rules.words.sales_order, number=stands, erp=here
            )
            turn.notes.tell(link.ref.id, key, text)
            if self._is_unbooked(link, order):
                facts |= unbooked(link, order, "")
        else:  # what was asked of it is over, but for the money that came
            self.tell_order(link, "gone")
        return Told(f"{stands} was cancelled"), self._looked(link, progress, facts)

    def _is_unbooked(self, link: Link, order: SalesOrder) -> bool:
        """Whether money came that we were to record, and did not."""
        rule = payment_rule(order, self.rules.mappings)
        is_ours = rule is not None and bool(rule.record and rule.account and order.total.amount)
        return is_ours and order.payment.paid_at is not None and not link.facts.get("paid")

    def _ask_cancel(self, link: Link, here: str, order: SalesOrder | None = None) -> PermanentError:
        stands, (mark, words) = link.number or link.document_key, wanted(link)
        if order is not None:
            words = order.status
        error = PermanentError(
            f"{stands} was cancelled in {here}, and order {link.ref.id} stands in the store"
            f"{f', where it is {words}' if words else ''}. Cancel it in the store, and refund what "
            f"was paid; or make {stands} valid again; then replay",
            reason="cancelled_in_erp",
            owner="commerce",
        )
        error.content = mark
        return error

    # --- credited -------------------------------------------------------------

    def _by_hand(self, progress: Progress) -> list[Invoice]:
        """Booked credit notes that are neither ours nor a refund's of the store."""
        return [
            each
            for each in progress.invoices
            if each.kind is Kind.CREDIT_NOTE
            and each.is_booked
            and each.key is None
            and self.asides.links.find(_credit(each)) is None
        ]

    def _ask_credit(self, link: Link, credit: Invoice) -> PermanentError:
        gross = credit.totals.gross
        return PermanentError(
            f"credit note {credit.number} of {gross} was booked for order {link.ref.id} in "
            f"{credit.ref.system}, and the store knows of no such refund. Refund {gross} in the "
            f"store with {marker(_credit(credit))} in its reason, which keeps it from being "
            "credited again; "
            f'or set credited = "apply" in [stores.{self.name}.erp_changes]; then replay',
            reason="credited_in_erp",
            owner="finance",
        )

    def _refund(self, link: Link, credit: Invoice, turn: Turn) -> Link:
        """The store's record of money that was credited; no money is sent, no stock put back."""
        sign, gross = marker(_credit(credit)), credit.totals.gross
        answer = self.store.get_order(link.ref.id)
        if answer is None:
            raise self._exceeds(link, credit, "it is gone from the store")
        order = order_of(self.store, answer[0], link)

        def find(_: Step) -> Result | None:
            for refund in refunds_of(self.store, order, link):
                if sign in refund.reason:
                    return {"refund": refund.ref.id}
            return None

        def do(_: Step) -> Result:
            for refund in refunds_of(self.store, order, link) if order.refund_ids else ():
                if refund.total == gross and refund.ref.id not in handled(link):
                    raise self._ask_credit(link, credit)  # maybe the same money, from both sides
            given = order.refunded or Money.zero(order.currency)
            if gross.currency != order.currency:
                raise self._exceeds(link, credit, f"it is in {order.currency}")
            if gross.amount > (order.total - abs(given)).amount:
                raise self._exceeds(link, credit, f"{abs(given)} of {order.total} is refunded")
            reason = f"{self.rules.words.credit_note} {credit.number} {sign}"
            return {"refund": self.store.create_refund(order, gross, reason=reason)}

        id_ = turn.writer.once(
            f"{link.document_key}:refund:{credit.ref.id}",
            Promise("possible", self.store.settle),
            find=find,
            do=do,
            find_unasked=bool(order.refund_ids),
        )["refund"]
        turn.story.tell("step", f"refund {id_} of {gross} for {credit.number}")
        tie(
            self.asides.links,
            Ref(self.name, "refund", id_),
            _credit(credit),
            credit.number,
            run=turn.run,
            now=self.clock(),
        )
        return self.save(link, **taken(link, id_, gross))

    def _exceeds(self, link: Link, credit: Invoice, why: str) -> RejectedError:
        return RejectedError(
            f"credit note {credit.number} of {credit.totals.gross} cannot become a refund of order "
            f"{link.ref.id}: {why}. Compare both, then dismiss this",
            reason="credit_exceeds",
            owner="finance",
        )

    # --- another total --------------------------------------------------------

    def _ask_total(self, link: Link, progress: Progress, other: Money) -> None:
        raise PermanentError(
            f"{link.number or link.document_key} comes to {other} in {progress.order.ref.system}, "
            f"and order {link.ref.id} to {link.facts['total']} in the store. Change the order "
            "there, or refund what was taken off; or mend the document; then replay",
            reason="shortened_in_erp",
            owner="commerce",
        )

    # --- memory ---------------------------------------------------------------

    def _tell_claims(self, link: Link) -> None:
        """The order's own flow ends what it claims of the stock: the back office keeps it now. And
        it records the money that waited for that."""
        if self.rules.flows.stock != "off" or UNBOOKED in link.facts:
            self.tell_order(link, "confirmed")

    def _looked(
        self, link: Link, progress: Progress, more: Mapping[str, str] | None = None
    ) -> Link:
        """The link with ``more`` facts, and how the sale stands there; saved if that is new."""
        order = progress.order
        facts = {**link.facts, **(more or {})}
        state = State(facts.get("state", State.DRAFT.value))
        if state is not order.state and order.state.rank > state.rank >= 0:
            state = order.state  # a person brought it on, as we would have
            facts["state"] = state.value
            self._tell_claims(link)
        if WANTED in facts and order.state is not State.VOIDED:  # its order goes on
            del facts[WANTED]
            self.tell_order(link, "valid")
        gross = order.totals.gross if order.totals is not None else None
        total = money(facts.get("total", ""))
        differs = gross is not None and total is not None and gross != total
        booked = sorted(each.ref.id for each in progress.invoices if each.is_booked)
        news = {
            "erp_state": "" if order.state is state else order.state.value,
            "erp_total": str(gross) if differs else "",
            "erp_invoices": ",".join(booked),
        }
        facts = {name: text for name, text in {**facts, **news}.items() if text}
        number = order.number or link.number
        if facts == dict(link.facts) and number == link.number:
            return link
        return self.asides.links.save(replace(link, number=number, facts=facts))


def _credit(credit: Invoice) -> Ref:
    return Ref(credit.ref.system, Kind.CREDIT_NOTE.value, credit.ref.id)


def _another_total(link: Link, progress: Progress) -> Money | None:
    """The sale's total, if it is neither the order's nor that less what was credited."""
    total, totals = money(link.facts.get("total", "")), progress.order.totals
    if total is None or totals is None or progress.order.state is State.DRAFT:
        return None
    if totals.gross == total:
        return None
    if totals.gross.currency != total.currency:
        return totals.gross
    credited = Money.total(
        (
            each.totals.gross
            for each in progress.invoices
            if each.kind is Kind.CREDIT_NOTE and each.is_booked
        ),
        total.currency,
    )
    return None if totals.gross + credited == total else totals.gross
