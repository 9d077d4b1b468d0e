"""Repairs of what a reconcile found: ordinary changes are queued, lost links are written anew.

No document is written from here. A change that is queued says only that something is to be looked
at; its flow reads both sides and decides as always.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from accord.errors import AccordError
from accord.model.change import Change, Ref
from accord.model.documents import Record, SalesOrder, State
from accord.model.keys import order_key, payment_key, refund_key
from accord.model.money import Money
from accord.model.sale import Sale
from accord.ports.queues import Queues
from accord.ports.state import Link, Links, Seen
from accord.ports.store import Store
from accord.rules import config
from accord.rules.accounts import payment_rule
from accord.sync.compare import RELINK, Comparison
from accord.sync.decide import UNBOOKED
from accord.sync.difference import Difference
from accord.sync.finished import finished
from accord.sync.handing_on import QUEUED
from accord.sync.pair import Pair
from accord.sync.reading import refunds_of
from accord.sync.reconcile_levels import REFRESH
from accord.sync.refunds import stands_for, tie
from accord.sync.sales import BackOffice
from accord.sync.turn import Invocation
from accord.sync.unanswered import MAKING

_LEASE = dt.timedelta(minutes=2)
# Facts about money, which the books say anew, and about a document that is gone.
_OF_THE_BOOKS = (
    *("refunds", QUEUED, "credited", "uncredited"),
    *("back", "paid", UNBOOKED, "netted", "keeps"),
)
_GENERATION = re.compile(r"[^-]+-\d+-(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repairer:
    """Of one store, in one run."""

    name: str
    rules: config.Store
    store: Store
    backs: Sequence[BackOffice]
    links: Links
    queues: Queues
    clock: Callable[[], dt.datetime]
    run: str

    def repair(self, difference: Difference, pair: Pair | None) -> bool:
        """Whether its repair is on its way. False: only a person can.

        Raises: AccordError: a queue, the links or a side does not answer.
        """
        if difference.event in {"", REFRESH}:
            return False
        if difference.event == RELINK:
            return pair is not None and self._relink(pair)
        aggregate = Ref.parse(difference.aggregate) if difference.aggregate else None
        target = Ref.parse(difference.target)
        self._queue(Change(target, difference.event, self.clock(), self._id, aggregate=aggregate))
        return True

    # --- links --------------------------------------------------------------------

    def _relink(self, pair: Pair) -> bool:
        """The order's link with the document that bears its key, as the flows would have left it.

        False where the document is gone, or another worker has the order in hand.
        """
        order, sale = pair.order, _of(pair)
        back = next((each for each in self.backs if each.name == sale.record.ref.system), None)
        if order is None or back is None:
            return False
        progress = back.adapter.progress(sale.record.ref)
        if progress is None:
            return False
        credited = self._credited(order, pair)
        facts = finished(
            order, sale.record, progress, back.name, money=self._money(order, pair, credited)
        )
        seen, until = Seen(order.modified_at), self.clock() + _LEASE
        held = self.links.acquire(
            order.ref,
            key=order_key(self.rules.key, order.ref.id),
            owner=self.run,
            now=self.clock(),
            until=until,
            seen=seen,
        )
        if held is None:
            return False
        try:
            # What the store tells meanwhile is marked and called done; if we die, it is lost.
            # Not before we hold it: a worker would be as fast, and would have it in hand.
            self._queue(Change(order.ref, "order_updated", self.clock(), self._id), nth="while")
            if _is_other(held, pair.link) or MAKING in held.facts:
                self._release(held, seen)  # a flow was faster, or is to end what it began
                return False
            run = Invocation(self.run, until)
            for id_, note in credited.items():
                refund = Ref(self.name, "refund", id_)
                tie(self.links, refund, note.ref, note.number, run=run, now=self.clock())
            known = {name: text for name, text in held.facts.items() if name not in _OF_THE_BOOKS}
            held = self.links.save(
                replace(
                    held,
                    erp=sale.record.ref,
                    number=sale.record.number,
                    generation=_generation(sale.record.key or ""),
                    seen=seen,
                    facts={**known, **facts},
                )
            )
            self._release(held, seen)
        except AccordError:
            self.links.abandon(held)
            raise
        # What else differs, and what it claims of the stock, is its own flow's to see to.
        linked = replace(pair, link=held, tied={id_: note.ref for id_, note in credited.items()})
        left = Comparison(self.name, self.rules).compare(linked).differences
        is_open = sale.stands and sale.record.state is not State.CONFIRMED
        if left or is_open:
            self._queue(Change(order.ref, "order_updated", self.clock(), self._id))
        return True

    def _money(
        self, order: SalesOrder, pair: Pair, credited: Mapping[str, Record]
    ) -> dict[str, str]:
        """What is in the books under our keys. Nothing is said of what is still to come."""
        none, own = Money.zero(order.currency), order_key(self.rules.key, order.ref.id)
        given = abs(order.refunded) if order.refunded is not None else none
        paid_back = {each.key for each in pair.payments}
        refunds = [
            id_
            for id_ in order.refund_ids
            if id_ in credited or payment_key(refund_key(own, id_)) in paid_back or not given
        ]
        facts = {"refunds": ",".join(refunds), "credited": "1" if pair.credits else ""}
        if not pair.standing:  # they need no credit note, until another document is made
            facts["uncredited"] = ",".join(id_ for id_ in refunds if id_ not in credited)
        back = given
        if set(refunds) != set(order.refund_ids):
            back = Money.total(
                (n.totals.gross for i, n in credited.items() if n.totals is not None), none.currency
            )
        facts["back"] = str(back) if refunds else ""
        rule = payment_rule(order, self.rules.mappings)
        if rule is None or not (rule.record and rule.account):
            return facts | {"paid": "-" if order.payment.paid_at is not None else ""}
        came = next((each for each in pair.payments if each.key == payment_key(own)), None)
        if came is None or came.totals is None:
            free = order.payment.paid_at is not None and not order.total.amount
            return facts | {"paid": str(order.total) if free else ""}
        facts["paid"] = str(came.totals.gross)
        # What was given back before the payment was recorded never came, and never went.
        netted, went = order.total - came.totals.gross, given
        for each in (*pair.payments, *(note for note in credited.values() if not note.key)):
            if each is not came and each.totals is not None:
                went -= abs(each.totals.gross)
        if netted.amount > 0 and netted == went:
            facts["netted"] = str(netted)
        return facts

    def _credited(self, order: SalesOrder, pair: Pair) -> dict[str, Record]:
        """Refund → its credit note: by our key, or by what the refund's reason says."""
        if not order.refund_ids:
            return {}
        notes = {note.key: note for note in pair.credits if note.key}
        refs = {note.ref: note for note in pair.credits}
        own, found = order_key(self.rules.key, order.ref.id), {}
        for refund in refunds_of(self.store, order, pair.link):
            note = notes.get(refund_key(own, refund.ref.id))
            note = note or refs.get(stands_for(refund) or refund.ref)
            if note is not None:
                found[refund.ref.id] = note
        return found

    def _release(self, held: Link, seen: Seen) -> None:
        again = self.links.release(held, handled=[seen])
        if again is not None:  # it changed meanwhile, and only the holder was told
            self.links.abandon(again)
            change = Change(held.ref, "order_updated", self.clock(), self._id)
            self._queue(change, nth=str(again.version))

    # --- small ----------------------------------------------------------------------

    @property
    def _id(self) -> str:
        return f"reconcile-{self.run}"

    def _queue(self, change: Change, *, nth: str = "") -> None:
        """``nth`` tells it from another of the same order, which is handled by itself."""
        sending = f"reconcile:{self.run}:{change.event}:{change.ref}"
        self.queues.put(change, sending=f"{sending}:{nth}" if nth else sending)


def _is_other(held: Link, link: Link | None) -> bool:
    """Whether it was linked or mended since it was read."""
    return (held.erp, held.mends) != ((link.erp, link.mends) if link is not None else (None, ()))


def _of(pair: Pair) -> Sale:
    return pair.standing[0] if pair.standing else pair.sales[-1]


def _generation(key: str) -> int:
    found = _GENERATION.fullmatch(key)
    return int(found[1]) if found else 1
