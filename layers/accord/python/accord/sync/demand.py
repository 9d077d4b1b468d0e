"""What an order claims of the back office's stock, until the back office keeps it for the order.

From the moment that a store sold something until the back office has reserved it, nobody else
knows that it is gone. So the order claims what it took from the store's own stock, before anything
is done that may have to wait, and the claim ends with a look at the stock that was begun after the
back office had reserved it.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from accord.model.change import Ref
from accord.model.documents import OrderLine, SalesOrder, State
from accord.ports.levels import Demand, Levels
from accord.ports.state import Link
from accord.rules import config
from accord.rules.available import needs, relatives, terms
from accord.rules.routing import route
from accord.rules.skus import item_of
from accord.sync.decide import CLOSED, state_of
from accord.sync.fingerprint import content
from accord.sync.windows import overtaken, taken_at

HOLD = "_accord_hold"  # the order's custom field that names its basket's hold
_ZERO = Decimal(0)
_NOTHING: Mapping[str, Decimal] = MappingProxyType({})
# Source: WooCommerce 10.5, observed. Every other status leaves what was taken as it was.
_TAKES = frozenset({"processing", "completed", "on-hold"})
_GIVES_BACK = frozenset({"cancelled", "pending"})


@dataclass(frozen=True, slots=True)
class Demander:
    """Keeps what one store's orders claim."""

    levels: Levels
    rules: config.Store
    clock: Callable[[], dt.datetime]

    def note(self, order: SalesOrder, link: Link) -> Demand | None:
        """What the order claims now, kept if it is another than before. One read if it is not."""
        if order.placed_at < self.rules.orders.start_at:
            return None
        stored = self.levels.demand(order.ref)
        if stored and stored.needs and stored.was_kept and not _keeps(link):
            # The document went, or is a mere quotation now: its goods are free there again. What
            # was closed opens only as a claim of its own.
            stored = replace(stored, needs={}, reserved_at=None)
            self.levels.set_demand(stored, now=self.clock())
        due = self._due(order, link, stored)
        if due is not None and due != stored:
            moving = _moving(due, stored)
            items = {item for sku in moving if (item := self._item(sku))}
            sold = {self.rules.erp: sorted(items)}
            self.levels.set_demand(due, now=self.clock(), sold=sold)
            self._send_overtaken(moving, order, link, due.took if stored is None else _NOTHING)
        elif due is None and link.erp is not None and _gives_back(order):
            # What it took was never counted, so what it gives back cannot be either.
            skus = {line.code for line in order.lines if line.kind == "item" and line.code}
            self.levels.resend(order.ref.system, "stock", sorted(skus))
        return due

    def confirm(self, claim: Demand | None, order: SalesOrder, link: Link) -> None:
        """The claim ends with the next look at the stock, if the back office reserves it by now; it
        begins anew if it does no more."""
        if claim is None or not claim.needs:
            return
        if (claim.reserved_at is not None or claim.was_kept) and not _keeps(link):
            self.note(order, link)
        elif claim.reserved_at is None and is_reserved(order, link):
            self.levels.set_demand(replace(claim, reserved_at=self.clock()), now=self.clock())

    def let_be(self, link: Link) -> None:
        """The claim ends as if the back office kept the goods, where it does keep some: a person
        sees to what its document does not say."""
        stored = self.levels.demand(link.ref)
        if stored is not None and stored.needs and stored.reserved_at is None and _keeps(link):
            self.levels.set_demand(replace(stored, reserved_at=self.clock()), now=self.clock())

    def release(self, order: Ref) -> None:
        """An order that is gone claims nothing. What it took is not given back by that."""
        stored = self.levels.demand(order)
        if stored is not None and stored.needs:
            self.levels.set_demand(replace(stored, needs={}), now=self.clock())

    def _send_overtaken(
        self, skus: list[str], order: SalesOrder, link: Link, first: Mapping[str, Decimal]
    ) -> None:
        """Has ``skus`` sent once more that were written since the order was last seen.

        What it took or gave back before such a write was written over: the store does not show what
        we believe, and would not for good. ``first`` are the pieces by SKU of an order that is
        counted for the first time.
        """
        store, since = order.ref.system, order.placed_at
        if not first and link.seen is not None and link.seen.modified_at is not None:
            since = link.seen.modified_at
        at = taken_at(order, seen_before=link.seen is not None)
        found = self.levels.levels(store, "stock", skus) if skus else {}
        send = {}
        for sku, level in found.items():
            pieces = overtaken(level, first.get(sku, _ZERO), at=at)
            if pieces or (level.sent_at and level.sent_at >= since):
                send[sku] = pieces
        if send:
            self.levels.overtake(store, send)

    def _due(self, order: SalesOrder, link: Link, stored: Demand | None) -> Demand | None:
        took_before = stored.took if stored is not None else {}
        took = taken(order, took_before)
        routed = route(order, self.rules)
        is_over = order.status in CLOSED or routed.make == "cancel"
        pieces = {} if is_over else {sku: each for sku, each in took.items() if each > 0}
        erp = link.erp.system if link.erp is not None else link.facts.get("erp") or routed.erp
        reserved = is_reserved(order, link)
        if stored is None:
            # What was confirmed before the stock was followed is not free in the back office.
            if not (took or pieces) or reserved:
                return None
            return Demand(
                order=order.ref,
                erp=erp,
                needs=self._needs(pieces, erp, {}),
                took=took,
                hold=dict(order.meta).get(HOLD, ""),
            )
        if not pieces:
            return replace(stored, needs={}, took=took)
        before = {sku: each for sku, each in took_before.items() if each > 0}
        moved = stored.erp != erp
        grew = moved or not stored.needs or any(n > before.get(s, _ZERO) for s, n in pieces.items())
        if grew or (pieces != before and stored.reserved_at is None):
            mine = stored.needs if stored.reserved_at is None and not moved else {}
            claimed = self._needs(pieces, erp, mine)
            stored = replace(stored, erp=erp, needs=claimed, reserved_at=None)
        if reserved and stored.reserved_at is None:
            stored = replace(stored, reserved_at=self.clock())
        return replace(stored, took=took)

    def _needs(
        self, pieces: Mapping[str, Decimal], erp: str, mine: Mapping[str, Decimal]
    ) -> dict[str, Decimal]:
        """By item of the back office. Line after line, so that two never count on one piece."""
        sold = [(item, sku, pieces[sku]) for sku in sorted(pieces) if (item := self._item(sku))]
        if not sold:
            return {}
        recipes = self.levels.recipes(erp)
        every = relatives({item for item, _, _ in sold}, recipes)
        holdings = self.levels.holdings(erp, sorted(every))
        total: dict[str, Decimal] = {}
        for item, sku, quantity in sold:
            holds = terms(sku, self.rules.stock, self.rules.mappings.classes)
            left = {each: mine.get(each, _ZERO) - total.get(each, _ZERO) for each in every}
            claimed = needs(item, quantity, holdings, recipes, holds, mine=left)
            for part, each in claimed.items():
                total[part] = total.get(part, _ZERO) + each
        return {part: each for part, each in sorted(total.items()) if each > 0}

    def _item(self, sku: str) -> str | None:
        return item_of(sku, self.rules.mappings)


def _keeps(link: Link) -> bool:
    """The back office keeps goods for the document, if not those of the order as it is now."""
    return link.erp is not None and state_of(link) is State.CONFIRMED


def is_reserved(order: SalesOrder, link: Link) -> bool:
    """The back office's document is confirmed, and says what the order does."""
    return _keeps(link) and link.facts.get("content") == content(order)


def taken(order: SalesOrder, before: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """By SKU, what the order took from the store's own stock and has not given back.

    The store's own word holds, where a line has it; else the status tells, and ``before``, what was
    known to be taken, where the status leaves everything as it was.
    """
    found: dict[str, Decimal] = {}
    lines = [line for line in order.lines if line.kind == "item" and line.code]
    for sku in sorted({line.code for line in lines} | before.keys()):
        of_sku = [line for line in lines if line.code == sku]
        told = sum((line.took for line in of_sku if line.took is not None), _ZERO)
        silent = [line for line in of_sku if line.took is None]
        found[sku] = told + _by_status(order.status, silent, before.get(sku, _ZERO) - told)
    return {sku: quantity for sku, quantity in found.items() if quantity}


def _moving(due: Demand, stored: Demand | None) -> list[str]:
    """SKUs of which the order took another number than before: the store counted them by itself,
    whatever is claimed of them and wherever."""
    before = stored.took if stored is not None else {}
    return sorted(s for s in {*before, *due.took} if before.get(s) != due.took.get(s))


def _gives_back(order: SalesOrder) -> bool:
    return order.status in _GIVES_BACK or any(line.restocked for line in order.lines)


def _by_status(status: str, lines: list[OrderLine], before: Decimal) -> Decimal:
    if status in _GIVES_BACK or not lines:
        return _ZERO  # a line that was removed is given back as well
    left = sum((line.quantity - line.restocked for line in lines), _ZERO)
    return left if status in _TAKES else min(before, left)
