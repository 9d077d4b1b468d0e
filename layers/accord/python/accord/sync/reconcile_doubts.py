"""What is asked before an order is called missing, made twice, or gone from the store."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from accord.model.documents import Kind, SalesOrder
from accord.model.keys import first_generation, refund_key
from accord.ports.numbers import Numbered, Numbers
from accord.ports.state import Attention
from accord.ports.store import Store
from accord.rules import config
from accord.sync.difference import Difference, Reason
from accord.sync.pair import Pair
from accord.sync.sales import BackOffice
from accord.sync.worker import item_id

# Reasons of attention items that say what a difference says. One that a person dismissed is theirs.
_TROUBLES: Final[Mapping[Reason, tuple[str, ...]]] = {
    "payment_differs": ("paid_differs", "paid_and_cancelled", "paid_back_too_much"),
    "refund_not_credited": ("refunded_in_part", "credited_by_hand", "refund_exceeds"),
    "refund_differs": ("refund_deleted", "refunded_in_part", "credited_in_erp"),
    "credit_without_refund": ("credited_in_erp", "credit_exceeds", "refund_deleted"),
    "status_differs": (
        *("cancelled_in_erp", "reopened_in_erp", "goods_left", "invoiced", "credited"),
    ),
    "total_differs": ("shortened_in_erp", "changed_after_posting", "total_differs"),
    "orphan": ("deleted_after_posting",),
    "missing_in_erp": ("deleted_in_erp",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """Of one store's orders. ``counts`` is told which side was asked."""

    rules: config.Store
    store: Store
    backs: Sequence[BackOffice]
    attention: Attention
    counts: Callable[[str], None]

    def linked(self, pair: Pair) -> Pair:
        """With the document that its link names, where that is none of its sales."""
        link = pair.link
        if link is None or link.erp is None:
            return pair
        if any(each.record.ref == link.erp for each in pair.sales):
            return pair
        back = self._back(link.erp.system)
        if back is None:
            return pair
        self.counts(back.name)
        record = back.adapter.get(link.erp)
        return replace(pair, beside=record, is_gone=record is None)

    def skips(self, pair: Pair) -> str:
        """Why an order without a document of ours that stands is none of ours to compare."""
        link = pair.link
        if link is None or link.erp is None or pair.standing:
            return ""
        if self._back(link.erp.system) is None:
            return "" if pair.sales else "in a back office that no route names"
        if pair.beside is None or (pair.sales and not pair.is_held_beside):
            return ""
        is_ours = first_generation(pair.beside.key or "") == link.key
        return "" if is_ours else "adopted"

    def numbered(self, difference: Difference, order: SalesOrder) -> Difference:
        """What is missing, while our tables may have forgotten that somebody adopted it.

        Without its event where a document bears the order's number, or nobody can look.
        """
        for back in self.backs:
            adapter = back.adapter
            if not isinstance(adapter, Numbers):
                why = (
                    f"{back.name} cannot be searched by number, and the tables were restored: look "
                    "there, then `accord adopt` it or replay it"
                )
                return _left_alone(difference, why)
            self.counts(back.name)
            found = adapter.numbered(Kind.SALES_ORDER, [order.number])
            theirs = [each.record for each in found if not self._is_ours(each)]
            if theirs:
                name = theirs[0].number or theirs[0].ref.id
                why = f"a document bears its number ({name}); `accord adopt`"
                return _left_alone(difference, why)
        return difference

    def unlisted(self, pair: Pair) -> Difference | None:
        """Of an order that no list of the store has, and the store has all the same."""
        self.counts("store")
        found = self.store.get_order(pair.ref.id)
        if found is None:
            return None
        return Difference(
            kind="orders",
            reason="unreadable",
            subject=f"order {pair.ref.id}",
            ref=str(pair.ref),
            store=f"it is there ({found[0].get('status') or 'no status'}), and no list shows it",
            erp="not compared",
            why="what the store does not list cannot be compared",
        )

    def settled(self, difference: Difference, pair: Pair) -> str:
        """Who looked at just that and let it be, and why; empty where nobody did."""
        subjects = [pair.ref, *(each.record.ref for each in pair.sales)]
        reasons = _TROUBLES.get(difference.reason, ())
        if difference.reason == "credit_without_refund" and _has_lost_its_refund(pair):
            reasons = ("refund_deleted",)  # whoever let a note by hand be has not seen that one
        for reason in reasons:
            for subject in subjects:
                item = self.attention.get(item_id(str(subject), reason))
                if item is not None and item.dismissed and item.closed_at is not None:
                    why = f": {item.closed_why}" if item.closed_why else ""
                    return f"{item.closed_by} let it be ({reason}){why}"
        return ""

    def _is_ours(self, document: Numbered) -> bool:
        """Another order's: it bears a key of ours."""
        return (document.record.key or "").startswith(f"{self.rules.key}-")

    def _back(self, name: str) -> BackOffice | None:
        return next((each for each in self.backs if each.name == name), None)


def _has_lost_its_refund(pair: Pair) -> bool:
    """A credit note that we made is of a refund that is not there any more."""
    own = {note.key for note in pair.credits if note.key}
    if pair.link is None or pair.order is None:
        return bool(own)
    return bool(own - {refund_key(pair.link.key, id_) for id_ in pair.order.refund_ids})


def _left_alone(difference: Difference, why: str) -> Difference:
    return replace(difference, event="", target="", aggregate="", repair="", why=why)
