"""What was paid, given back and credited for an order, on both sides. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from accord.model.documents import State
from accord.model.keys import order_key, refund_key
from accord.model.money import Money
from accord.model.sale import Sale, gross
from accord.rules.accounts import payment_rule
from accord.sync.difference import Difference
from accord.sync.pair import One, balance, change_of, named, names, signed
from accord.sync.refunds import is_owed
from accord.sync.sales import money


@dataclass(frozen=True, slots=True)
class Monies(One):
    """Of one order whose documents agree."""

    def differences(self, sale: Sale) -> Iterator[Difference]:
        if sale.record.state is State.DRAFT:
            return
        currency = self.order.currency
        everything = [*self.pair.credits, *self.pair.payments]
        if any(each.totals and each.totals.gross.currency != currency for each in everything):
            yield self.difference(
                "payment_differs",
                f"everything in {currency}",
                "credit notes or payments in another currency",
                why="amounts of two currencies cannot be compared",
            )
            return
        twice = list(self._twice())
        yield from twice
        if not twice:
            refunds = list(self._of_refunds(sale))
            yield from refunds
            if sale.record.state is State.CONFIRMED and not refunds:
                yield from self._of_payments(sale)

    def _twice(self) -> Iterator[Difference]:
        for what, records in (("credit note", self.pair.credits), ("payment", self.pair.payments)):
            for key, count in Counter(each.key for each in records if each.key).items():
                if count > 1:
                    alike = [each for each in records if each.key == key]
                    numbers = " and ".join(each.number or each.ref.id for each in alike)
                    yield self.difference(
                        "double_document",
                        f"one {'refund' if what == 'credit note' else 'payment'}",
                        f"{what} {key} is there {count} times: {numbers}",
                        why="which one is right, only a person can tell",
                    )

    def _of_refunds(self, sale: Sale) -> Iterator[Difference]:
        order, credits_ = self.order, self.pair.credits
        credited, given = gross(credits_, order.currency), self.given
        if credited == given:
            return
        own = order_key(self.rules.key, order.ref.id)
        ours = {refund_key(own, id_): id_ for id_ in order.refund_ids}
        keys, refs = {each.key for each in credits_}, {each.ref for each in credits_}
        lacks = [
            id_
            for key, id_ in ours.items()
            if key not in keys and self.pair.tied.get(id_) not in refs
        ]
        link, says = self.pair.link, f"{given} refunded" if given else "nothing refunded"
        books = f"{credited} credited for {named(sale)}" if credited else "nothing credited"
        if lacks and credited.amount < given.amount:
            owed = link is not None and any(is_owed(link, id_) for id_ in lacks)
            yield self.difference(
                "refund_not_credited",
                f"{says} (refund {', '.join(lacks)})",
                books,
                why="" if owed else "by what Accord remembers it was credited already",
                **(change_of("order_updated", order.ref, "the refund is credited") if owed else {}),
            )
            return
        tied = set(self.pair.tied.values())
        strange = [each for each in credits_ if each.key not in ours and each.ref not in tied]
        if strange and credited.amount > given.amount:
            numbers = ", ".join(each.number or each.ref.id for each in strange)
            by_hand = all(each.key is None for each in strange)
            tells = by_hand and self.rules.flows.erp_changes == "on" and self.is_linked(sale)
            yield self.difference(
                "credit_without_refund",
                says,
                f"{books} ({numbers})",
                why="" if tells else "the store is never made to pay because the books say so",
                **(
                    self.in_erp(sale, "the store's side is settled, or a person asked")
                    if tells
                    else {}
                ),
            )
            return
        yield self.difference(
            "refund_differs", says, books, why="a credit note that is booked is not changed"
        )

    def _of_payments(self, sale: Sale) -> Iterator[Difference]:
        order, link, rule = (
            self.order,
            self.pair.link,
            payment_rule(self.order, self.rules.mappings),
        )
        if rule is None or not (rule.record and rule.account):
            return
        if link is None or link.facts.get("paid") == "-":  # none that is ours to record
            return
        there = balance(self.pair.payments) or Money.zero(order.currency)
        if order.payment.paid_at is None and not there.amount:
            return
        ours = [each for each in self.pair.credits if each.key]
        due = order.total - gross(ours, order.currency)
        if there == due:
            return
        owed = not link.facts.get("paid") and not there.amount
        paid = money(link.facts.get("paid", ""))
        asks = paid is not None and paid != order.total  # it was changed after it was paid
        what = "the payment is recorded" if owed else "it goes on the attention list"
        yield self.difference(
            "payment_differs",
            f"{due} received" + (" after refunds" if ours else ""),
            f"{there} recorded for {named(sale)}, {signed(there - due)}",
            why="" if owed or asks else "by what Accord remembers the money was recorded",
            **(change_of("order_updated", order.ref, what) if owed or asks else {}),
        )

    def of_cancelled(self) -> Iterator[Difference]:
        """Money that came for what is not sold any more."""
        left = balance(self.pair.payments)
        if left is None or not left.amount:
            return
        yield self.difference(
            "payment_differs",
            f"{self.order.status}, nothing is sold",
            f"{names(self.pair.sales)} cancelled, and {left} received and not paid back",
            **(
                change_of("order_updated", self.order.ref, "it goes on the attention list")
                if self.pair.link is not None
                else {}
            ),
        )
