"""An order of a store, all that stands for it in the books, and words for what differs. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from accord.model.change import Ref
from accord.model.documents import Kind, Record, SalesOrder, State
from accord.model.money import Money
from accord.model.sale import Sale, booked
from accord.ports.state import Link
from accord.rules import config
from accord.rules.routing import Routed
from accord.sync.decide import Skip, decide, state_of
from accord.sync.difference import Difference, Reason
from accord.sync.sales import money

NO_DOCUMENT = "no document"


@dataclass(frozen=True, slots=True)
class Pair:
    """An order and all its sales, whichever back office holds them; either may lack.

    ``tied`` are refs of credit notes by the id of the refund that was made for them. Where the link
    names none of ``sales`` and that was asked for, ``beside`` is what it names, or it ``is_gone``.
    """

    ref: Ref
    order: SalesOrder | None
    sales: tuple[Sale, ...]
    link: Link | None
    tied: Mapping[str, Ref]
    day: str = ""
    beside: Record | None = None
    is_gone: bool = False

    @property
    def is_held_beside(self) -> bool:
        """The link names a document that stands and is none of ``sales``."""
        return self.beside is not None and self.beside.state is not State.VOIDED

    @property
    def standing(self) -> tuple[Sale, ...]:
        return tuple(each for each in self.sales if each.stands)

    @property
    def credits(self) -> list[Record]:
        """Booked credit notes, each once."""
        return booked(note for sale in self.sales for note in sale.credits)

    @property
    def payments(self) -> list[Record]:
        return booked(each for sale in self.sales for each in sale.payments)


@dataclass(frozen=True, slots=True)
class One:
    """An order that has sales, under the rules of its store. ``closed``: nothing of it is sold."""

    name: str
    rules: config.Store
    pair: Pair
    order: SalesOrder
    routed: Routed
    closed: bool

    @property
    def sale(self) -> Sale | None:
        """The one document that stands."""
        standing = self.pair.standing
        return standing[0] if len(standing) == 1 else None

    @property
    def given(self) -> Money:
        """What the store gave back."""
        refunded = self.order.refunded
        return abs(refunded) if refunded is not None else Money.zero(self.order.currency)

    def is_linked(self, sale: Sale) -> bool:
        return self.pair.link is not None and self.pair.link.erp == sale.record.ref

    def by_flow(self, sale: Sale, *, why: str) -> dict[str, Any]:
        """The change whose flow sees to it: the order's if it asks for something by what is
        remembered, else what the back office would have told; neither: only a person can."""
        link = self.pair.link
        if link is None or not self.is_linked(sale):
            return {"why": "first the link is rebuilt, then its flow sees to it"}
        due = decide(link, self.order, self.rules.orders, self.routed, amends=())
        if not isinstance(due, Skip):
            return change_of(
                "order_updated", self.order.ref, "the document follows, or a person is asked"
            )
        if self.rules.flows.erp_changes == "on" and _was_changed(link, sale):
            return self.in_erp(sale, "a person is asked, or the store follows")
        return {"why": why}

    def in_erp(self, sale: Sale, what: str) -> dict[str, Any]:
        change = change_of("order_changed_in_erp", sale.record.ref, what)
        return {**change, "aggregate": str(self.order.ref)}

    def difference(
        self, reason: Reason, store: str, erp: str, *, why: str = "", **change: Any
    ) -> Difference:
        return Difference(
            kind="orders",
            reason=reason,
            subject=f"order {self.order.number}",
            ref=str(self.order.ref),
            store=store,
            erp=erp,
            day=self.pair.day,
            why=why,
            **change,
        )


def tied(ref: Ref, links: Mapping[Ref, Link]) -> Mapping[str, Ref]:
    """The credit note of each refund that was made for one. ``ref`` is the order's."""
    return {
        each.id: link.erp
        for each, link in links.items()
        if each.kind == "refund"
        and each.system == ref.system
        and link.erp is not None
        and link.erp.kind == Kind.CREDIT_NOTE
    }


def shown(sale: Sale) -> str:
    """``SO-000012 (confirmed, 12.00 GBP)``."""
    totals = sale.record.totals
    of = f", {totals.gross}" if totals is not None else ""
    return f"{named(sale)} ({sale.record.state.value}{of})"


def named(sale: Sale) -> str:
    return sale.record.number or sale.record.key or sale.record.ref.id


def _was_changed(link: Link, sale: Sale) -> bool:
    """The sale is not as we made it."""
    totals, total = sale.record.totals, money(link.facts.get("total", ""))
    return sale.record.state is not state_of(link) or (
        totals is not None and total is not None and totals.gross != total
    )


def change_of(event: str, target: Ref, what: str) -> dict[str, Any]:
    return {"event": event, "target": str(target), "repair": what}


def balance(payments: Sequence[Record]) -> Money | None:
    """What was received less what was given back; None where no money is recorded, or in several
    currencies."""
    amounts = [each.totals.gross for each in payments if each.totals is not None]
    if not amounts or len({each.currency for each in amounts}) > 1:
        return None
    return Money.total(amounts, amounts[0].currency)


def names(sales: Sequence[Sale]) -> str:
    return ", ".join(map(named, sales)) or NO_DOCUMENT


def signed(amount: Money) -> str:
    """``0.05 GBP less``, ``1.00 GBP more``."""
    more = amount.amount >= Decimal(0)
    return f"{abs(amount)} {'more' if more else 'less'}"
