"""What changed in a back office since the cursor, queued for the flows that carry it to the store.

One cursor per back office and kind, in the control table, moved only after what it covers is
queued and only to times that records had, never to now. A record may appear late, up to the
adapter's ``overlap`` after others of a later time. So each pass begins that much before the newest
record that was there when the pass before it began: whatever appeared behind that one's back is no
older. What is read again is compared with the links; our own writes, and what was told already,
cost no message.

The first run begins a day before it. What was shipped or invoiced earlier is told with whatever
happens to its order next, since every flow looks at the whole order.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from accord.errors import AccordError, PermanentError, StaleVersionError
from accord.model.change import Change, Ref
from accord.model.documents import Kind
from accord.model.progress import News
from accord.ports.erp import ErpAdapter
from accord.ports.queues import Queues
from accord.ports.state import Control, Link, Links
from accord.rules.config import StoreFlows
from accord.sync.fulfilment import Known as Shipped
from accord.sync.fulfilment import short
from accord.sync.invoices import Known as Invoiced

_PAGE = 100
_FIRST = dt.timedelta(days=1)
_AHEAD = dt.timedelta(minutes=5)  # of our clock: theirs may be a little fast, not more
_ROOM = dt.timedelta(seconds=5)  # for what was begun; then the rest is another run's
_BOOKED = frozenset({"posted", "paid"})


@dataclass(frozen=True, slots=True)
class Polled:
    """One run: messages sent, records read, and whether more is there to be read now."""

    sent: int
    read: int
    behind: bool


@dataclass(frozen=True, slots=True)
class _Cursor:
    """``at``: the newest time that was read. ``begin``: where a pass begins, less the overlap.

    In the middle of a pass, ``place`` is the last record that was read (time, id), and ``next`` the
    ``begin`` of the pass after this one.
    """

    at: dt.datetime
    begin: dt.datetime
    place: tuple[dt.datetime, str] | None = None
    next: dt.datetime | None = None

    def to_json(self) -> str:
        held: dict[str, Any] = {"at": self.at.isoformat(), "begin": self.begin.isoformat()}
        if self.place is not None and self.next is not None:
            held["place"] = [self.place[0].isoformat(), self.place[1]]
            held["next"] = self.next.isoformat()
        return json.dumps(held, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "_Cursor":
        held = json.loads(text)
        at, begin = (dt.datetime.fromisoformat(held[name]) for name in ("at", "begin"))
        if "place" not in held:
            return cls(at, begin)
        place = dt.datetime.fromisoformat(held["place"][0]), str(held["place"][1])
        return cls(at, begin, place, dt.datetime.fromisoformat(held["next"]))


@dataclass(slots=True)
class _Run:
    """What one run knows: the links it has read, and what it did."""

    linked: dict[Ref, Link | None] = field(default_factory=dict)
    sent: int = 0
    read: int = 0


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
        lease = self._lease(kind, until)
        if lease is None:
            return Polled(0, 0, behind=False)
        try:
            return self._read(kind, until)
        finally:
            self._give_back(kind, lease)

    # --- the cursor -----------------------------------------------------------

    def _read(self, kind: Kind, until: dt.datetime) -> Polled:
        name, now, run = f"cursor:{self.erp_name}:{kind.value}", self.clock(), _Run()
        held = self.control.get(name)
        if held is None:
            begin = now - _FIRST
            cursor = _Cursor(begin, begin)
            held = cursor.to_json(), self.control.put(name, cursor.to_json(), version=None)
        text, version = held
        cursor = _Cursor.from_json(text)
        if cursor.at > now + _AHEAD:
            raise self._ahead(kind, cursor.at)
        while True:
            page = self._page(kind, cursor)
            run.read += len(page)
            for news in page:
                self._queue(kind, news, run)
            last = len(page) < _PAGE
            cursor = self._moved(cursor, page, last=last)
            if cursor.to_json() != text:
                text = cursor.to_json()
                version = self.control.put(name, text, version=version)
            if page and page[-1].at > self.clock() + _AHEAD:
                raise self._ahead(kind, page[-1].at)
            if last or self.clock() + _ROOM >= until:
                return Polled(run.sent, run.read, behind=not last)

    def _page(self, kind: Kind, cursor: _Cursor) -> list[News]:
        if cursor.place is not None:
            since, after = cursor.place
        else:
            since, after = cursor.begin - self.adapter.capabilities.overlap, ""
        return list(self.adapter.changes(kind, since, after=after, limit=_PAGE))

    def _moved(self, cursor: _Cursor, page: list[News], *, last: bool) -> _Cursor:
        """The cursor behind ``page``. It stays where our clock is passed, so all there is asked
        for again."""
        # What comes late comes at most the overlap behind what was there when a page was read. Of a
        # pass in pages only the first one's newest is certain to have been there all the while.
        limit = self.clock() + _AHEAD
        times = [news.at for news in page if news.at <= limit]
        newest = max([cursor.at, *times])
        if last and cursor.next is None:  # a pass of one page saw everything at once
            return _Cursor(newest, newest)
        next_ = cursor.next or newest
        if last or len(times) < len(page):
            return _Cursor(newest, next_)
        return _Cursor(newest, cursor.begin, (page[-1].at, page[-1].ref.id), next_)

    def _ahead(self, kind: Kind, at: dt.datetime) -> PermanentError:
        return PermanentError(
            f"{self.erp_name} tells of a {kind.value} of {at.isoformat()}, which is in the future; "
            "set its clock right. What changes there is still carried, a little late",
            reason="cursor_ahead",
            owner="ops",
        )

    # --- the lease ------------------------------------------------------------

    def _lease(self, kind: Kind, until: dt.datetime) -> tuple[str, int] | None:
        """Our lease of the cursor: its owner and version; None while another run holds it."""
        name = self._lease_name(kind)
        held = self.control.get(name)
        if held is not None:
            theirs = json.loads(held[0])
            if theirs["owner"] and dt.datetime.fromisoformat(theirs["until"]) > self.clock():
                return None
        owner = f"{self.random.getrandbits(64):016x}"
        value = json.dumps({"owner": owner, "until": (until + _ROOM).isoformat()})
        try:
            return owner, self.control.put(name, value, version=held[1] if held else None)
        except StaleVersionError:
            return None

    def _give_back(self, kind: Kind, lease: tuple[str, int]) -> None:
        value = json.dumps({"owner": "", "until": self.clock().isoformat()})
        try:
            self.control.put(self._lease_name(kind), value, version=lease[1])
        except AccordError:
            return  # another's by now, or out of reach: it runs out by itself

    def _lease_name(self, kind: Kind) -> str:
        return f"lease:cursor:{self.erp_name}:{kind.value}"

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
        credit note here."""
        if news.state not in _BOOKED:
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
