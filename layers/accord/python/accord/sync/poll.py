"""What changed in a back office since the cursor, queued for the flows that carry it to the store.

What is read again is compared with the links; our own writes, and what was told already, cost no
message. What was shipped or invoiced before the first run is told with whatever happens to its
order next, since every flow looks at the whole order.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random

from accord.model.change import Change, Ref
from accord.model.documents import Kind
from accord.model.progress import News
from accord.ports.erp import ErpAdapter
from accord.ports.queues import Queues
from accord.ports.state import Control, Link, Links
from accord.rules.config import StoreFlows
from accord.sync.cursor import Cursors
from accord.sync.fulfilment import Known as Shipped
from accord.sync.fulfilment import short
from accord.sync.invoices import Known as Invoiced

_BOOKED = frozenset({"posted", "paid"})


@dataclass(frozen=True, slots=True)
class Polled:
    """One run: messages sent, records read, and whether more is there to be read now.

    ``busy``: nothing was read, because another run was reading.
    """

    sent: int
    read: int
    behind: bool
    busy: bool = False


@dataclass(slots=True)
class _Run:
    """What one run knows: the links it has read, and how many messages it sent."""

    linked: dict[Ref, Link | None] = field(default_factory=dict)
    sent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """Reads one back office. ``flows(store)`` are the flows of a store; none: it is unknown.

    ``new_parties``: parties that belong to no customer of a store are told of as well.
    """

    erp_name: str
    adapter: ErpAdapter
    links: Links
    control: Control
    queues: Queues
    flows: Callable[[str], StoreFlows | None]
    clock: Callable[[], dt.datetime]
    random: Random
    new_parties: bool = False

    def run(self, kind: Kind | str, *, until: dt.datetime) -> Polled:
        """Reads and queues until all is read or ``until`` is near. Nothing while another run does.

        Raises:
            PermanentError: ``cursor_ahead``: a record or the cursor is later than our clock allows.
            AccordError: the back office or a queue does not answer; the cursor stays.
        """
        kind = Kind(kind)
        if kind not in self.adapter.capabilities.tells:
            return Polled(0, 0, behind=False)
        cursors = Cursors(
            erp_name=self.erp_name,
            adapter=self.adapter,
            control=self.control,
            clock=self.clock,
            random=self.random,
        )
        with cursors.lease(kind, until=until) as ours:
            if not ours:
                return Polled(0, 0, behind=False, busy=True)
            run = _Run()

            def take(page: Sequence[News]) -> None:
                for news in page:
                    self._queue(kind, news, run)

            read = cursors.read(kind, take, until=until)
            return Polled(run.sent, read.records, read.behind)

    # --- what is worth a message ----------------------------------------------

    def _queue(self, kind: Kind, news: News, run: _Run) -> None:
        for event, aggregate in self._events(kind, news, run):
            # What a person must look at is the sale's, whichever of its credit notes told of it.
            sale = news.order if event == "order_changed_in_erp" else None
            change = Change(
                ref=sale or news.ref,
                event=event,
                seen_at=self.clock(),
                correlation_id=f"poll-{self.random.getrandbits(64):016x}",
                modified_at=news.at,
                digest=news.version,
                aggregate=aggregate,
            )
            self.queues.put(change, sending=f"poll:{news.ref}:{news.version}")
            run.sent += 1

    def _events(self, kind: Kind, news: News, run: _Run) -> Iterator[tuple[str, Ref | None]]:
        """The events to queue, and the order or customer that they are of, if there is one."""
        if kind is Kind.PARTY:
            customer = self.links.find(news.ref)
            if customer is not None and customer.kind == "customer":
                flows = self.flows(customer.system)
                if flows is not None and flows.customers != "off":
                    yield "customer_changed", customer
            elif customer is None and self.new_parties:
                yield "customer_changed", None
            return
        link = self._link(news.order, run)
        flows = self.flows(link.ref.system) if link is not None else None
        if link is None or flows is None:
            return
        if kind is Kind.SALES_ORDER:
            if flows.erp_changes != "off" and _differs(link, news):
                yield "order_changed_in_erp", link.ref
        elif kind is Kind.SHIPMENT:
            if flows.fulfilment != "off" and _is_untold_shipment(link, news):
                yield "order_fulfilled", link.ref
        elif kind is Kind.INVOICE:
            told = news.ref.id in Invoiced.of(link).ids
            if flows.invoices != "off" and told != (news.state in _BOOKED):
                yield "invoice_posted", link.ref
            if flows.erp_changes != "off" and self._may_be_by_hand(link, news):
                yield "order_changed_in_erp", link.ref

    def _link(self, order: Ref | None, run: _Run) -> Link | None:
        """The link of the store's order that the sale stands for."""
        if order is None:
            return None
        if order not in run.linked:
            ref = self.links.find(order)
            ours = ref is not None and ref.kind == "order"
            run.linked[order] = self.links.get(ref) if ref is not None and ours else None
        return run.linked[order]

    def _may_be_by_hand(self, link: Link, news: News) -> bool:
        """Booked, not looked at yet, and no credit note of ours. An invoice cannot be told from a
        credit note here, unless it is the order itself."""
        if news.state not in _BOOKED:
            return False
        sale = link.erp.id if link.erp is not None else ""
        if self.adapter.capabilities.is_invoice and news.ref.id == sale:
            return False
        if news.ref.id in link.facts.get("erp_invoices", "").split(","):
            return False
        return self.links.find(replace(news.ref, kind=Kind.CREDIT_NOTE.value)) is None


def _differs(link: Link, news: News) -> bool:
    """The sale's state or total is neither what we made it nor what was looked at."""
    state = link.facts.get("erp_state") or link.facts.get("state", "")
    total = link.facts.get("erp_total") or link.facts.get("total", "")
    gross = str(news.gross) if news.gross is not None else ""
    return news.state != state or bool(gross and total and gross != total)


def _is_untold_shipment(link: Link, news: News) -> bool:
    """Done and not told, or changed since it was."""
    told = Shipped.of(link).shipments.get(news.ref.id)
    if told is None:
        return news.state == "done"
    return told[1] != short(news.version)
