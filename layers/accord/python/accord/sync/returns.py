"""Goods that come back: what the store put back to stock after it was shipped becomes a return.

A piece is looked at once, when the store says that it is in stock again. If as much of its item has
been shipped by then and is not on a return yet, it comes back; else it never left.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from accord.errors import UnsupportedError
from accord.model.documents import Kind, OrderLine, ReturnDocument, SalesOrder, State
from accord.model.keys import return_key
from accord.model.progress import Progress
from accord.ports.state import Link, Links
from accord.rules.accounts import document_lines
from accord.sync.decide import state_of
from accord.sync.notes import Notes
from accord.sync.sales import Sales
from accord.sync.turn import Story

_FACT = "returned"
_NONE = (Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Known:
    """What the order's link keeps of its returns.

    ``lines``: line id → how many of its restocked pieces were looked at, and how many of them are
    on a return. ``begun``: line id → item and quantity of a return that is being made.
    """

    count: int = 0
    lines: Mapping[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    begun: Mapping[str, tuple[str, Decimal]] = field(default_factory=dict)

    @classmethod
    def of(cls, link: Link) -> "Known":
        held = json.loads(link.facts.get(_FACT) or "{}")
        return cls(
            held.get("n", 0),
            {id_: (Decimal(a), Decimal(b)) for id_, (a, b) in held.get("lines", {}).items()},
            {id_: (item, Decimal(n)) for id_, (item, n) in held.get("begun", {}).items()},
        )

    def to_fact(self) -> str:
        held = {
            "n": self.count,
            "lines": {id_: [_text(a), _text(b)] for id_, (a, b) in self.lines.items()},
            "begun": {id_: [item, _text(n)] for id_, (item, n) in self.begun.items()},
        }
        return json.dumps(held, separators=(",", ":"))

    def news(self, order: SalesOrder) -> list[OrderLine]:
        """Lines of which more is in stock again than was looked at."""
        return [
            line
            for line in order.lines
            if line.restocked > self.lines.get(line.id, _NONE)[0] and line.kind == "item"
        ]


@dataclass(frozen=True, slots=True)
class Returns:
    """The returns of one order, in one run. Whoever calls holds the order's lease.

    Both methods save the link as the last thing they do, so one that raises left it as it was.
    """

    sales: Sales
    links: Links
    notes: Notes
    story: Story

    def begin(self, link: Link, order: SalesOrder) -> Link:
        """The link that says what comes back and is not on a return yet; most often as it was.

        One call to the back office, and only if the store put something back to stock.
        """
        known = Known.of(link)
        stands = link.erp is not None and state_of(link) is State.CONFIRMED
        back = self.sales.back
        # Where its credit note brings a piece back, nothing is announced.
        announces = not back.adapter.capabilities.credits_goods
        wanted = self.sales.rules.orders.returns == "restocked" and announces and not known.begun
        news = known.news(order) if stands and wanted else []
        if not news:
            return link
        assert link.erp is not None
        if not back.adapter.capabilities.can(Kind.RETURN):
            raise UnsupportedError(
                f"{back.name} takes no announced returns; book what comes back of order "
                f'{order.number} by hand, and set returns = "none" in '
                f"[stores.{self.sales.store}.orders]",
                owner="warehouse",
            )
        progress = back.adapter.progress(link.erp)
        if progress is None:
            return link
        return self._save(link, self._begun(known, order, news, progress))

    def finish(self, link: Link, order: SalesOrder) -> Link:
        """The link once the return that was begun, maybe by a pass that died, is open there."""
        known = Known.of(link)
        if not known.begun or link.erp is None:
            return link
        sales, nth = self.sales, known.count + 1
        key = return_key(link.key, nth)
        pieces: dict[str, Decimal] = {}
        for item, quantity in known.begun.values():
            pieces[item] = pieces.get(item, Decimal(0)) + quantity
        party = sales.party(order)
        document = ReturnDocument(
            number=order.number,
            order=link.erp,
            party=party.ref,
            billing_address=party.billing,
            shipping_address=party.shipping,
            currency=order.currency,
            returned_on=sales.back.day(order.modified_at),
            lines=tuple(pieces.items()),
            comment=f"Return {nth} of web order {order.number}",
        )
        record = sales.take_back(document, key=key)
        what = ", ".join(f"{_text(quantity)} x {item}" for item, quantity in document.lines)
        self.story.tell("step", f"return {record.number} of {what} at {record.ref}")
        note = sales.rules.orders.note.format(
            document=sales.rules.words.goods_return, number=record.number, erp=sales.back.name
        )
        self.notes.tell(order.ref.id, f"{key}:note", note)
        lines = dict(known.lines)
        for id_, (_, quantity) in known.begun.items():
            seen, returned = lines[id_]
            lines[id_] = (seen, returned + quantity)
        return self._save(link, Known(nth, lines))

    def _begun(
        self, known: Known, order: SalesOrder, news: list[OrderLine], progress: Progress
    ) -> Known:
        """``known`` with what of ``news`` was shipped, as far as no return holds it yet."""
        lines, begun = dict(known.lines), {}
        items = self._items(order, {line.id for line in news} | known.lines.keys())
        left: dict[str, Decimal] = {}
        for shipment in progress.shipments:
            for item, quantity in shipment.lines if shipment.state == "done" else ():
                left[item] = left.get(item, Decimal(0)) + quantity
        for id_, (_, returned) in known.lines.items():
            if id_ in items:
                left[items[id_]] = left.get(items[id_], Decimal(0)) - returned
        for line in news:
            seen, returned = lines.get(line.id, _NONE)
            lines[line.id] = (line.restocked, returned)
            item = items.get(line.id, "")
            count = min(line.restocked - seen, left.get(item, Decimal(0)))
            if count > 0:
                begun[line.id] = (item, count)
                left[item] -= count
        return replace(known, lines=lines, begun=begun)

    def _items(self, order: SalesOrder, ids: set[str]) -> dict[str, str]:
        """Line id → the back office's item; a line that is no item there has none."""
        some = replace(order, lines=tuple(line for line in order.lines if line.id in ids))
        mapped, _, _ = document_lines(
            some, self.sales.rules.mappings, store=self.sales.store, erp=self.sales.back.name
        )
        return {line.source: line.item for line in mapped if line.source and line.item}

    def _save(self, link: Link, known: Known) -> Link:
        return self.links.save(replace(link, facts={**link.facts, _FACT: known.to_fact()}))


def opened(link: Link) -> int:
    """How many returns the order has had so far."""
    return Known.of(link).count


def _text(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"
