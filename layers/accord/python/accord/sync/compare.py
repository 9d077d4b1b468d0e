"""One order of a store beside what the back office holds of it: what differs, and what mends it.

Pure. It looks at both sides themselves, and at what the order's link remembers only to tell which
flow would see to it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from accord.model.documents import SalesOrder, State
from accord.model.keys import order_key
from accord.model.money import Money
from accord.model.sale import Sale, gross
from accord.model.words import one
from accord.ports.state import Link
from accord.rules import config
from accord.rules.routing import Routed, route
from accord.sync.compare_money import Monies
from accord.sync.decide import CLOSED, Create, Skip, decide, goal_of, state_of
from accord.sync.difference import Difference
from accord.sync.pair import (
    NO_DOCUMENT,
    One,
    Pair,
    balance,
    change_of,
    named,
    names,
    shown,
    signed,
)

RELINK: Final = "relink"
"""In the place of an event: no change is queued, the link is written anew."""


def tax_apart(rounding_max: Decimal, unit: Decimal) -> Decimal:
    """How far two taxes of one total may be apart: as far as rounding goes; and below one yen,
    whose hundredths some books count."""
    return max(rounding_max, unit) if unit >= 1 else rounding_max


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of a pair. ``skipped`` says why it is not to be compared, empty if it was."""

    differences: tuple[Difference, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Orders of one store, under its rules."""

    name: str
    rules: config.Store

    def compare(self, pair: Pair) -> Compared:
        """What differs."""
        order = pair.order
        if order is None:
            return Compared(tuple(self._without_order(pair)))
        linked = pair.link is not None and pair.link.erp is not None
        if order.placed_at < self.rules.orders.start_at and not pair.sales:
            return Compared(skipped="adopted" if linked else "before start_at")
        routed = route(order, self.rules)
        closed = order.status in CLOSED or routed.make == "cancel"
        if not pair.sales:
            return self._without_sale(pair, order, routed)
        one = _Documents(self.name, self.rules, pair, order, routed, closed)
        return Compared(tuple(one.differences()))

    def is_wanted(self, pair: Pair, order: SalesOrder) -> bool:
        """Whether a document is to stand for it, or does by right: it counts in the totals."""
        routed = route(order, self.rules)
        if order.status in CLOSED or routed.make == "cancel":
            return order.status == "refunded" and bool(pair.standing)
        if order.placed_at < self.rules.orders.start_at and not pair.sales:
            return False
        return goal_of(routed, order) is not None or bool(pair.standing)

    # --- one side lacks --------------------------------------------------------

    def _without_order(self, pair: Pair) -> Iterator[Difference]:
        link = pair.link
        subject = f"order {pair.ref.id}"
        # Told of again, the order's own flow asks a person; without a link it knows of nothing.
        asks = link is not None and link.erp is not None
        for sale in pair.standing:
            yield Difference(
                kind="orders",
                reason="orphan",
                subject=subject,
                ref=str(pair.ref),
                store="no such order",
                erp=shown(sale),
                day=sale.placed_on.isoformat() if sale.placed_on else "",
                why="nothing is cancelled in the books because the store lacks it",
                **change_of("order_updated", pair.ref, "it goes on the attention list")
                if asks
                else {},
            )
        received = balance(pair.payments)
        if not pair.standing and received is not None and received.amount:
            yield Difference(
                kind="orders",
                reason="payment_differs",
                subject=subject,
                ref=str(pair.ref),
                store="no such order",
                erp=f"{names(pair.sales)} cancelled, and {received} received and not paid back",
                day=pair.day,
                why="money is never sent because a listing says so",
            )

    def _without_sale(self, pair: Pair, order: SalesOrder, routed: Routed) -> Compared:
        blank = Link(pair.ref, order_key(self.rules.key, pair.ref.id), 0)
        link = pair.link or blank
        was_voided = link.erp is not None and state_of(link) is State.VOIDED
        known = link if was_voided else blank
        due = decide(known, order, self.rules.orders, routed, amends=())
        if not isinstance(due, Create) and (link.erp is None or was_voided):
            return Compared(skipped=due.why if isinstance(due, Skip) else "nothing is due")
        if link.erp is not None and not was_voided:
            # It was made, and is gone: its flow asks a person, and makes no second one.
            asks = self.rules.flows.erp_changes == "on"
            change: dict[str, Any] = {
                "why": "nothing looks at what is deleted there: the flow erp_changes is off"
            }
            if asks:
                told = change_of("order_changed_in_erp", link.erp, "it goes on the attention list")
                change = {**told, "aggregate": str(pair.ref)}
            there = f"{link.number or link.document_key} is gone"
        else:
            change = change_of("order_updated", pair.ref, "the order is posted")
            there = NO_DOCUMENT
        found = Difference(
            kind="orders",
            reason="missing_in_erp",
            subject=f"order {order.number}",
            ref=str(pair.ref),
            store=f"{order.status}, {order.total}",
            erp=there,
            day=pair.day,
            **change,
        )
        return Compared((found,))


@dataclass(frozen=True, slots=True)
class _Documents(One):
    """How many there are, where they stand, what they come to, and whether they are tied."""

    def differences(self) -> Iterator[Difference]:
        found = list(self._of_documents())
        sale = self.sale
        if sale is not None and not found:
            found += self._monies.differences(sale)
        elif sale is None and not found:
            found += self._monies.of_cancelled()
        yield from found
        yield from self._of_link()

    @property
    def _monies(self) -> Monies:
        return Monies(self.name, self.rules, self.pair, self.order, self.routed, self.closed)

    # --- how many, and where they stand ------------------------------------------

    def _of_documents(self) -> Iterator[Difference]:
        order, standing = self.order, self.pair.standing
        both = [*standing]
        if self.pair.beside is not None and self.pair.is_held_beside:  # adopted, and made too
            both.append(Sale(self.pair.beside, None))
        if standing and len(both) > 1:
            yield self.difference(
                "double_document",
                f"one order, {order.total}",
                " and ".join(map(shown, both)),
                why="which one is right, only a person can tell",
            )
            return
        goal = None if self.closed else goal_of(self.routed, order)
        if not standing:
            if goal is not None:
                last = self.pair.sales[-1]
                yield self.difference(
                    "status_differs",
                    f"{order.status}, {order.total}",
                    f"{named(last)} cancelled",
                    **self.by_flow(last, why="it was cancelled in the back office"),
                )
            return
        sale = standing[0]
        if self.closed and order.status != "refunded":
            yield self.difference(
                "status_differs",
                order.status,
                f"{shown(sale)} stands",
                **self.by_flow(sale, why="it cannot be cancelled any more"),
            )
            return
        if goal is not None and sale.record.state.rank < goal.rank:
            yield self.difference(
                "status_differs",
                f"{order.status}, which asks for {_a(goal)}",
                f"{named(sale)} is {_a(sale.record.state)}",
                **self.by_flow(sale, why="by what Accord remembers it stands there already"),
            )
            return
        yield from self._of_totals(sale)

    def _of_totals(self, sale: Sale) -> Iterator[Difference]:
        order, totals = self.order, sale.record.totals
        if totals is None or sale.record.state is State.DRAFT:
            return
        if totals.gross != order.total:
            if self._was_shortened(totals.gross):
                return
            by = ""
            if totals.gross.currency == order.currency:
                by = f", {signed(totals.gross - order.total)}"
            yield self.difference(
                "total_differs",
                str(order.total),
                f"{named(sale)} comes to {totals.gross}{by}",
                **self.by_flow(sale, why="the document was changed by hand, or cannot follow"),
            )
            return
        # What rounding leaves over is a line of the document, so tax may be that much off.
        off = (totals.tax - order.tax).amount
        if abs(off) > tax_apart(self.rules.mappings.rounding_max, order.tax.unit):
            yield self.difference(
                "tax_differs",
                f"{order.tax} of tax in {order.total}",
                f"{named(sale)} has {totals.tax}, {signed(totals.tax - order.tax)}",
                why="the totals agree, so no change of the order would say it anew",
            )

    def _was_shortened(self, there: Money) -> bool:
        """A person took off what was credited, on the document itself."""
        credits_ = self.pair.credits
        if there.currency != self.order.currency or not credits_:
            return False
        return there + gross(credits_, there.currency) == self.order.total

    # --- the link ------------------------------------------------------------------

    def _of_link(self) -> Iterator[Difference]:
        link, sales = self.pair.link, self.pair.sales
        if len(self.pair.standing) > 1 or (self.pair.standing and self.pair.is_held_beside):
            return
        sale = self.sale or sales[-1]
        there = {each.record.ref for each in sales if self.sale in {None, each}}
        if link is not None and link.erp in there:
            return
        knows = f"{link.number or link.erp}" if link is not None and link.erp else "no document"
        totals = sale.record.totals
        why = ""
        if link is not None and link.erp is not None and not self.pair.is_gone:
            # A link to what a person made, or to what nobody can look at, is not taken away.
            why = f"it is tied to {knows} in {link.erp.system}, which nobody deleted"
        elif totals is None or totals.gross != self.order.total:
            why = "both must come to the same before they are tied together"
        elif self.sale is None and not self.closed:
            why = "it was cancelled, and who did that is not known any more"
        yield self.difference(
            "link_lost",
            f"{self.order.status}, {self.order.total}; Accord knows of {knows}",
            shown(sale),
            why=why,
            **({} if why else change_of(RELINK, sale.record.ref, "the link is rebuilt")),
        )


def _a(state: State) -> str:
    words = {State.CONFIRMED: "a confirmed order", State.VOIDED: "nothing"}
    return words.get(state, one(state.value))
