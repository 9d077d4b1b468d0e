"""An order's document at one back office, step by step: each is remembered before and after."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from accord.errors import (
    DisagreementError,
    PermanentError,
    RejectedError,
    TransientError,
    UnmappedError,
    UnsupportedError,
    VoidedError,
)
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    Kind,
    PaymentDocument,
    Record,
    ReturnDocument,
    SalesDocument,
    SalesOrder,
    State,
)
from accord.model.money import Money
from accord.ports.erp import ErpAdapter
from accord.ports.redating import Redates
from accord.ports.state import Control, Link, Links, Step
from accord.rules import config
from accord.rules.accounts import check_complete, document_lines, rounding_line
from accord.rules.mapping import PaymentRule
from accord.sync.decide import state_of
from accord.sync.parties import Known, Parties
from accord.sync.steps import Promise, Result, Writer, adopt, to_record, to_result
from accord.sync.turn import Invocation


@dataclass(frozen=True, slots=True)
class BackOffice:
    """One of [erps]: its name, its adapter, the time zone of its company."""

    name: str
    adapter: ErpAdapter
    time_zone: dt.tzinfo

    def day(self, at: dt.datetime) -> dt.date:
        """The day there."""
        return at.astimezone(self.time_zone).date()

    def promise(self, kind: Kind) -> Promise:
        """What it promises of a create that is repeated."""
        can = self.adapter.capabilities
        return Promise(can.duplicates[kind], can.settle, can.search_lag)

    def payment(self, key: str, amount: Money | None = None) -> Record | None:
        """The payment of that key, booked, if it is there."""
        records = self.adapter.find(Kind.PAYMENT, key)
        found = adopt(records, what=f"payment {key}", total=amount)
        if found is not None and found.state is State.DRAFT:  # made, and not yet booked
            found = self.adapter.advance(found, State.CONFIRMED)
        return found


@dataclass(frozen=True, slots=True)
class Sales:
    """What one worker does, in one run, with the documents of a store's orders at ``back``."""

    store: str
    rules: config.Store
    back: BackOffice
    links: Links
    control: Control
    writer: Writer
    run: Invocation

    # --- what is to be written ----------------------------------------------

    def document(self, order: SalesOrder) -> tuple[SalesDocument, PaymentRule]:
        """The order in the back office's words, to the cent; whose it is, is not said yet.

        Everything that may be unmapped is found out here, before anything is written.
        """
        mappings = self.rules.mappings
        lines, payment, carrier = document_lines(
            order, mappings, store=self.store, erp=self.back.name
        )
        check_complete(order, lines)
        if payment.record and not self.back.adapter.capabilities.can(Kind.PAYMENT):
            raise UnsupportedError(
                f"{self.back.name} cannot record payments; set record = false for "
                f"{order.payment.method!r} in [stores.{self.store}.mappings.payments], then replay"
            )
        document = SalesDocument(
            number=order.number,
            party=Ref(self.back.name, Kind.PARTY.value, ""),
            billing_address="",
            shipping_address="",
            currency=order.currency,
            placed_on=self.back.day(order.placed_at),
            lines=lines,
            total=order.total,
            po_number=order.po_number,
            comment=comment(order),
            carrier=carrier,
            payment_terms=order.payment.terms or payment.terms,
        )
        cents = rounding_line(
            order, self.back.adapter.preview(document), mappings, store=self.store
        )
        return (document.with_line(cents) if cents else document), payment

    def party(self, order: SalesOrder, *, doubted: bool = False) -> Known:
        """Who bought, with both addresses, made if there was nobody. See ``Parties.of``."""
        parties = Parties(
            store=self.store,
            store_key=self.rules.key,
            erp_name=self.back.name,
            erp=self.back.adapter,
            links=self.links,
            control=self.control,
            writer=self.writer,
            rules=self.rules.customers,
            home=self.back.name == self.rules.erp,
        )
        return parties.of(order, owner=self.run.id, until=self.run.lease_until, doubted=doubted)

    def day_for(self, kind: Kind, at: dt.datetime, what: str) -> tuple[dt.date, str]:
        """The day to book ``kind`` on, and, if it is a later one, a text with the true day.

        Raises: PermanentError: the day's period is closed, and the rules say to ask.
        """
        return self._open_from(kind, self.back.day(at), what)

    def _open_from(self, kind: Kind, wanted: dt.date, what: str) -> tuple[dt.date, str]:
        opened = self.back.adapter.open_day(kind, wanted)
        if opened == wanted:
            return wanted, ""
        if opened is None or self.rules.orders.closed_period == "ask":
            then = f"the next open day is {opened}" if opened else "no later period is open"
            raise PermanentError(
                f"{what} is of {wanted}, a closed period in {self.back.name}; {then}. Open the "
                f'period, or set closed_period = "next_open" in [stores.{self.store}.orders], then '
                "replay",
                reason="closed_period",
                owner="finance",
            )
        return opened, f" of {wanted}"

    def _booked(self, document: SalesDocument) -> SalesDocument:
        """``document`` on a day that can be booked on, where an order is the invoice.

        Raises: as ``day_for``.
        """
        if not self.back.adapter.capabilities.is_invoice:
            return document
        what = f"order {document.number}"
        day, true_day = self._open_from(Kind.SALES_ORDER, document.placed_on, what)
        if not true_day:
            return document
        return replace(document, placed_on=day, comment=f"Order{true_day}\n{document.comment}")

    def _on_open_day(
        self, document: SalesDocument, write: Callable[[SalesDocument], Record]
    ) -> Record:
        """What ``write`` makes of ``document``, on a day that can be booked on; once more where
        somebody locked that day a moment ago."""
        booked = self._booked(document)
        try:
            return write(booked)
        except UnmappedError as error:
            if not _is_locked(error) or (later := self._booked(document)) == booked:
                raise
            return write(later)

    # --- the steps ----------------------------------------------------------

    def create(self, link: Link, document: SalesDocument, made_of: str) -> Result:
        """The draft, and in ``content`` what it was made of, which an earlier try may have been."""
        key = link.document_key

        def find(step: Step) -> Result | None:
            records = self.back.adapter.find(Kind.SALES_ORDER, key)
            found = adopt(records, what=f"order {key}", total=document.total)
            if found is None:
                return None
            return {**to_result(found), "content": step.intent.get("content", made_of)}

        def do(_: Step) -> Result:
            made = self._on_open_day(document, lambda it: self.back.adapter.create(it, key=key))
            return {**to_result(made), "content": made_of}

        return self.writer.once(
            f"{key}:order",
            self.back.promise(Kind.SALES_ORDER),
            find=find,
            do=do,
            intent={"content": made_of},
        )

    def amend(self, link: Link, record: Record, document: SalesDocument, made_of: str) -> Result:
        """The document as a draft that says what ``document`` says; ``content`` as in ``create``.

        The link counts the edits, so that the same edit taken back and made again is another step.
        Raises: TransientError: an unanswered one that says something else may still take effect.
        """
        key = link.document_key

        def do(step: Step) -> Result:
            left = (
                step.at + self.back.adapter.capabilities.settle - self.writer.clock()
            ).total_seconds()
            if not step.fresh and step.intent.get("content") != made_of and left > 0:
                raise TransientError(
                    f"an earlier edit of {key} may still take effect",
                    retry_after=left,
                    reason="settling",
                )
            amended = self._on_open_day(document, lambda it: self.back.adapter.amend(record, it))
            return {**to_result(amended), "content": made_of}

        return self.writer.once(
            f"{key}:amend:{edits(link) + 1}",
            self._same_answer(),
            find=lambda _: None,
            do=do,
            intent={"content": made_of},
        )

    def bring(self, link: Link, order: SalesOrder, record: Record, goal: State) -> Record:
        """``record`` at least at ``goal``. Its totals are compared before anything binds.

        Raises: VoidedError: by a person. DisagreementError: it comes to another total.
        """
        for state in (State.QUOTATION, State.CONFIRMED):
            if record.state.rank < state.rank:
                if state.rank > goal.rank:
                    break
                if not self._offers(state):
                    continue
                record = self._advance(link, order, record, state)
            # Also when an earlier pass brought it here; where nothing is offered, it is seen late.
            if record.state is State.QUOTATION or not self._offers(State.QUOTATION):
                record = self._agree(link, order, record)
        return record

    def _offers(self, state: State) -> bool:
        return state in self.back.adapter.capabilities.states

    def _advance(self, link: Link, order: SalesOrder, record: Record, state: State) -> Record:
        nth = f":{edits(link)}" if edits(link) else ""
        step = f"{link.document_key}:{state.value}{nth}"

        def advance(it: Record) -> Record:
            try:
                return standing(self.back.adapter.advance(it, state), link)
            except RejectedError as error:
                if (now := self.back.adapter.get(it.ref)) is None:
                    raise deleted(link, it.ref) from error
                standing(now, link)
                raise
            except UnmappedError as error:
                if not (_is_locked(error) and self.back.adapter.capabilities.is_invoice):
                    raise
                # It was made on a day that was open then: it gets the day that a new one would.
                return self.back.adapter.advance(self._moved_on(link, order, it), state)

        return self._moved(record, step, advance)

    def _moved_on(self, link: Link, order: SalesOrder, record: Record) -> Record:
        """``record``, which does not bind yet, on a day that can be booked on."""
        document = addressed(self.document(order)[0], self.party(order))
        moved = self._on_open_day(document, lambda it: self.back.adapter.amend(record, it))
        return self._agree(link, order, moved)

    def _agree(self, link: Link, order: SalesOrder, record: Record) -> Record:
        """The record, if its total is the order's; as it stands now, if it was mended since."""
        if record.totals is not None and record.totals.gross == order.total:
            return record
        now = self.back.adapter.get(record.ref)
        if now is None:
            raise deleted(link, record.ref)
        standing(now, link)
        if now.state is State.DRAFT and self._offers(State.QUOTATION):
            # An edit that was not answered took effect late, or somebody took it back to a draft.
            now = self.back.adapter.advance(now, State.QUOTATION)
        gross = now.totals.gross if now.totals is not None else None
        if gross != order.total:
            raise DisagreementError(
                f"{record.number or link.document_key} comes to {gross} in the back office, order "
                f"{order.number} to {order.total} in the store; mend the document there (it is not "
                "confirmed yet), then replay",
                reason="total_differs",
            )
        return now

    def void(self, link: Link, record: Record) -> Record:
        """The document cancelled.

        Raises: DisagreementError: it cannot be any more; it stands as it did.
        """
        nth = f":{edits(link)}" if edits(link) else ""
        return self._moved(record, f"{link.document_key}:void{nth}", self.back.adapter.void)

    def pay(self, document: PaymentDocument, *, key: str) -> None:
        """The money recorded, in or out."""
        self._made(document, key, step=key, find=lambda: self.back.payment(key, document.amount))

    def credit(self, document: CreditDocument, *, key: str) -> Record:
        """The credit note, which does not bind yet; booked, where an earlier pass came that far."""

        def find() -> Record | None:
            records = self.back.adapter.find(Kind.CREDIT_NOTE, key)
            return adopt(records, what=f"credit note {key}", total=document.total)

        return self._made(document, key, step=f"{key}:credit", find=find)

    def book_credit(
        self, document: CreditDocument, record: Record, *, key: str, at: dt.datetime
    ) -> Record:
        """The credit note of a refund ``at`` then, booked. Its total is compared before it binds.

        Where its day was closed since it was made, it is of the day that a new one would be of.
        Raises: as ``day_for``.
        """
        if record.state is State.CONFIRMED:
            return record
        self._check_total(document, record)

        def book(it: Record) -> Record:
            try:
                return self._confirm(it)
            except UnmappedError as error:
                if not (_is_locked(error) and isinstance(self.back.adapter, Redates)):
                    raise
                return self._confirm(self._redated(self.back.adapter, it, document, at))

        return self._moved(record, f"{key}:booked", book)

    def _redated(
        self, adapter: Redates, record: Record, document: CreditDocument, at: dt.datetime
    ) -> Record:
        what = f"credit note {document.number}"
        day, true_day = self.day_for(Kind.CREDIT_NOTE, at, what)
        text, colon, why = document.comment.partition(": ")
        comment = f"{text.removesuffix(true_day)}{true_day}{colon}{why}"
        moved = adapter.redate(record, replace(document, issued_on=day, comment=comment))
        self._check_total(document, moved)
        return moved

    def take_back(self, document: ReturnDocument, *, key: str) -> Record:
        """The return, open in the warehouse."""

        def find() -> Record | None:
            return adopt(self.back.adapter.find(Kind.RETURN, key), what=f"return {key}")

        record = self._made(document, key, step=f"{key}:return", find=find)
        if record.state is not State.CONFIRMED:
            record = self._moved(record, f"{key}:opened", self._confirm)
        return record

    def _made(
        self,
        document: CreditDocument | PaymentDocument | ReturnDocument,
        key: str,
        *,
        step: str,
        find: Callable[[], Record | None],
    ) -> Record:
        """The one record of ``document``: the step's, else what ``find`` finds, else made now."""

        def found(_: Step) -> Result | None:
            record = find()
            return to_result(record) if record else None

        def do(_: Step) -> Result:
            return to_result(self.back.adapter.create(document, key=key))

        promise = self.back.promise(document.kind)
        return to_record(self.writer.once(step, promise, find=found, do=do))

    def _moved(self, record: Record, step: str, act: Callable[[Record], Record]) -> Record:
        """``record`` after ``act``, which is the same whoever asks and how often."""
        result = self.writer.once(
            step, self._same_answer(), find=lambda _: None, do=lambda _: to_result(act(record))
        )
        return to_record({**to_result(record), **result})

    def _confirm(self, record: Record) -> Record:
        return self.back.adapter.advance(record, State.CONFIRMED)

    def _check_total(self, document: CreditDocument, record: Record) -> None:
        """Raises: DisagreementError: the draft comes to another total, also when looked at now."""
        gross = record.totals.gross if record.totals else None
        if gross == document.total:
            return
        now = self.back.adapter.get(record.ref)
        gross = now.totals.gross if now is not None and now.totals is not None else None
        if gross != document.total:
            raise DisagreementError(
                f"credit note {record.number or record.ref.id} comes to {gross} in the back "
                f"office, the refund to {document.total} in the store; mend the draft there, then "
                "replay",
                reason="total_differs",
            )

    def _same_answer(self) -> Promise:
        """Of what is the same whoever asks and how often; the answer is where it stands."""
        return Promise("same_answer", self.back.adapter.capabilities.settle)


def standing(record: Record, link: Link) -> Record:
    """``record``, the document of ``link``.

    Raises: VoidedError: a person has cancelled it since we last looked.
    """
    if record.state is not State.VOIDED:
        return record
    stands, here = link.number or record.number or link.document_key, record.ref.system
    raise VoidedError(
        f"{stands} was cancelled in {here}, and order {link.ref.id} goes on in the store. Cancel "
        f"the order there, and refund what was paid; or make {stands} valid again; then replay"
    )


def deleted(link: Link, document: Ref) -> VoidedError:
    """A person has deleted the document of ``link``, and it was not cancelled before."""
    return VoidedError(
        f"{link.number or link.document_key} of order {link.ref.id} was deleted in "
        f"{document.system}; cancel or refund the order in the store, or enter the document by "
        "hand and dismiss this",
        reason="deleted_in_erp",
        owner="commerce",
    )


def _is_locked(error: UnmappedError) -> bool:
    """The day is of a period that is closed."""
    return error.cause.startswith("period:")


def edits(link: Link) -> int:
    """How often the document was amended."""
    return int(link.facts.get("edits", "0"))


def of_link(link: Link, ref: Ref) -> Record:
    """The document as the link remembers it, at ``ref``."""
    return Record(ref, link.number, state=state_of(link))


def addressed(document: SalesDocument, party: Known) -> SalesDocument:
    """``document`` for ``party``."""
    return replace(
        document,
        party=party.ref,
        billing_address=party.billing,
        shipping_address=party.shipping,
    )


def money(text: str) -> Money | None:
    """The amount that a fact of a link holds (``23.99 GBP``), None for none."""
    amount, _, currency = text.partition(" ")
    return Money(Decimal(amount), currency) if currency else None


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
