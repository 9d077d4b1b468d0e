"""The first load, and repair: everything is gone through once, in slices, and can go on later.

Nothing is written to a store or a back office from here. What is found is queued as the webhooks
and the poll would have, or becomes what a store should show; the flows do the rest, as always. So
a backfill may run beside them, break off anywhere and be repeated.

Where it stands is a value of ``control`` per store and what is loaded, ``backfill:{store}:{what}``.
Two at a time are told apart by its version: the second one to save gives up.
"""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Protocol

from accord.errors import BadInputError, BusyError, StaleVersionError
from accord.model.change import Change, Ref
from accord.ports.queues import Queues
from accord.ports.shop import Listed, Shop
from accord.ports.state import Control, Links, Seen
from accord.ports.store import Store
from accord.rules import config
from accord.sync.cursor import ROOM
from accord.sync.customer_ports import is_customer
from accord.sync.reading import customer_of, order_of
from accord.sync.told import is_seen

What = Literal["items", "stock", "prices", "customers", "orders"]
CARRIED = 150_000  # characters of a document that go with its message
_DRAFT = "checkout-draft"


@dataclass(frozen=True, slots=True)
class Line:
    """One difference, as a plan shows it. ``sign``: + new, ~ changed, ! cannot be, and why.

    ``fields`` are what changes: (name, before, after).
    """

    sign: Literal["+", "~", "!"]
    subject: str
    text: str
    fields: tuple[tuple[str, str, str], ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.sign} {self.subject} {self.text}"


@dataclass(frozen=True, slots=True)
class Slice:
    """One step further: how much is done, of how much, with how many calls to the two sides.

    ``lines`` are what this step found. ``queued`` counts messages or values so far.
    """

    done: int
    total: int
    calls: int
    queued: int
    unchanged: int
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """How far a backfill has come. ``begun`` names the run; ``after`` is the reader's own mark.

    ``ended`` is empty while it runs or was broken off. ``resend``: all is sent again.
    """

    begun: str = ""
    since: str = ""
    after: str = ""
    done: int = 0
    queued: int = 0
    unchanged: int = 0
    ended: str = ""
    resend: bool = False

    @classmethod
    def from_json(cls, text: str) -> "Place":
        """What a later release adds is passed over."""
        held = json.loads(text)
        return cls(**{each.name: held[each.name] for each in fields(cls) if each.name in held})

    @property
    def is_open(self) -> bool:
        return bool(self.begun) and not self.ended


class Reader(Protocol):
    """One thing that can be gone through."""

    calls: int

    def begin(self, since: str) -> None:
        """Only what changed since then (a moment as text; empty for everything) is meant."""
        ...

    def total(self, after: str) -> int:
        """How many are there behind ``after``."""
        ...

    def read(self, after: str, run: str) -> "Read | None":
        """The next page behind ``after``, taken; None when there is no more. ``run`` names the
        backfill. What it does may be done again."""
        ...


@dataclass(frozen=True, slots=True)
class Read:
    """One page: where to go on behind it, and what came of it."""

    after: str
    count: int
    queued: int
    unchanged: int
    lines: tuple[Line, ...] = ()
    is_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """Of one store. With ``dry`` nothing is written anywhere, its place neither. ``resend`` is what
    the reader was told."""

    store: str
    what: What
    reader: Reader
    control: Control
    clock: Callable[[], dt.datetime]
    dry: bool = False
    resend: bool = False

    @property
    def name(self) -> str:
        """Of the value that says how far it has come."""
        return f"backfill:{self.store}:{self.what}"

    def place(self) -> Place:
        """Where the last one stands."""
        held = self.control.get(self.name)
        return Place.from_json(held[0]) if held is not None else Place()

    def run(self, *, since: str = "", restart: bool = False) -> Iterator[Slice]:
        """Goes through all of it, or on from where one broke off, a page with each step.

        Raises:
            BadInputError: one that broke off was since another day, or did not send all again.
            BusyError: another run goes on with the same.
        """
        held = self.control.get(self.name)
        place = Place.from_json(held[0]) if held is not None else Place()
        version = held[1] if held is not None else None
        if restart or self.dry or not place.is_open:
            begun = self.clock().isoformat()
            place = Place(begun=begun, since=since, resend=self.resend)
        elif since not in {"", place.since}:
            raise BadInputError(
                f"a backfill of {self.what} since {place.since or 'the beginning'} broke off; go "
                "on with it without --since, or begin anew with --restart"
            )
        elif self.resend != place.resend:
            how = "with" if place.resend else "without"
            raise BadInputError(
                f"a backfill of {self.what} {how} --resend broke off; go on with it {how} "
                "--resend, or begin anew with --restart"
            )
        self.reader.begin(place.since)
        total = place.done + self.reader.total(place.after)
        while True:
            read = self.reader.read(place.after, place.begun)
            if read is not None:
                place = replace(
                    place,
                    after=read.after,
                    done=place.done + read.count,
                    queued=place.queued + read.queued,
                    unchanged=place.unchanged + read.unchanged,
                )
            is_last = read is None or read.is_last
            if is_last:
                place = replace(place, ended=self.clock().isoformat())
            if not self.dry:
                version = self._save(place, version)
            total = place.done if is_last else max(total, place.done)
            lines = read.lines if read is not None else ()
            yield Slice(place.done, total, self.reader.calls, place.queued, place.unchanged, lines)
            if is_last:
                return

    def _save(self, place: Place, version: int | None) -> int:
        text = json.dumps(asdict(place), separators=(",", ":"))
        try:
            return self.control.put(self.name, text, version=version)
        except StaleVersionError as error:
            raise BusyError(
                f"another backfill of {self.what} of {self.store} is under way; let it end, or "
                "stop it"
            ) from error


# --- what the store has -----------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _FromStore:
    """A reader of the store's lists. ``queues`` is None where nothing is to be queued; ``says`` is
    who queues it."""

    name: str
    rules: config.Store
    store: Store
    shop: Shop
    links: Links
    queues: Queues | None
    clock: Callable[[], dt.datetime]
    says: str = "backfill"
    calls: int = field(default=0, init=False)

    def begin(self, since: str) -> None:
        """See ``Reader.begin``. Customers are always read whole."""

    def _put(self, ref: Ref, event: str, seen: Seen, document: dict[str, Any], run: str) -> None:
        if self.queues is None:
            return
        text = json.dumps(document)
        change = Change(
            ref=ref,
            event=event,
            seen_at=self.clock(),
            correlation_id=f"{self.says}-{run}",
            modified_at=seen.modified_at,
            digest=seen.digest,
            document=document if len(text) <= CARRIED else None,
        )
        self.queues.put(change, sending=f"{self.says}:{run}:{ref}:{seen.digest}")


@dataclass(slots=True, kw_only=True)
class OrderReader(_FromStore):
    """Orders that are not in the books, or were changed since: their webhooks were lost.

    By (time of change, id). A page is asked for from the last one's second on, so what changes
    meanwhile comes again at the end; only within one second are further pages asked for. The mark
    is a time, a page of that second, and the ids that were met of it.
    """

    _since: dt.datetime = field(init=False)
    _first: Listed | None = field(default=None, init=False)

    def begin(self, since: str) -> None:
        """See ``Reader.begin``. Never from before the store's start."""
        start = self.rules.orders.start_at
        self._since = max(start, dt.datetime.fromisoformat(since)) if since else start

    def total(self, after: str) -> int:
        """See ``Reader.total``."""
        if not after:
            self._first = self._list(self._since, 1)
            return self._first.total
        at, page, met = _mark(after)
        found = self._list(at, page)
        return max(0, found.total - len(met))

    def read(self, after: str, run: str) -> Read | None:
        """See ``Reader.read``."""
        at, page, met = _mark(after) if after else (self._since, 1, frozenset())
        listed = self._first if not after and self._first is not None else self._list(at, page)
        self._first = None
        fresh = [(doc, digest) for doc, digest in listed.entries if str(doc.get("id")) not in met]
        lines, queued = [], 0
        for document, digest in fresh:
            line = self._take(document, digest, run)
            if line is not None:
                lines.append(line)
                queued += line.sign != "!"
        if not listed.entries:
            return None
        last = self._at(listed.entries[-1][0])
        same = {str(doc["id"]) for doc, _ in listed.entries if self._at(doc) == last}
        if last > at or not after:
            mark = _as_mark(last, 1, same | (met if last == at else frozenset()))
        else:
            mark = _as_mark(at, page + 1, same | met)
        unchanged = len(fresh) - len(lines)
        return Read(mark, len(fresh), queued, unchanged, tuple(lines), listed.is_last)

    def _take(self, document: dict[str, Any], digest: str, run: str) -> Line | None:
        """What is to be done about the order; None when nothing is."""
        if document.get("status") == _DRAFT:
            return None
        ref = Ref(self.name, "order", str(document["id"]))
        link = self.links.get(ref)
        try:
            order = order_of(self.store, document, link)
        except BadInputError as error:  # one that cannot be read holds no other up
            return Line("!", f"order {document['id']}", str(error))
        is_posted = link is not None and link.erp is not None
        if order.placed_at < self.rules.orders.start_at and not is_posted:
            return None
        seen = Seen(order.modified_at, digest)
        if is_seen(link, seen):
            return None
        self._put(order.ref, "order_updated", seen, document, run)
        subject = f"order {order.number}"
        if link is None or link.erp is None:
            return Line("+", subject, f"new, {order.status}, {order.total}")
        before = link.seen.modified_at if link.seen is not None else None
        was = f"{before:%Y-%m-%d %H:%M:%S} → " if before is not None else ""
        return Line("~", subject, f"changed {was}{order.modified_at:%Y-%m-%d %H:%M:%S}")

    def _list(self, at: dt.datetime, page: int) -> Listed:
        self.calls += 1
        return self.shop.list_orders(modified_from=at, page=page)

    def _at(self, document: dict[str, Any]) -> dt.datetime:
        return dt.datetime.fromisoformat(document["date_modified_gmt"]).replace(tzinfo=dt.UTC)


def _mark(text: str) -> tuple[dt.datetime, int, frozenset[str]]:
    at, page, met = json.loads(text)
    return dt.datetime.fromisoformat(at), page, frozenset(met)


def _as_mark(at: dt.datetime, page: int, met: set[str] | frozenset[str]) -> str:
    return json.dumps([at.isoformat(), page, sorted(met, key=int)], separators=(",", ":"))


@dataclass(slots=True, kw_only=True)
class CustomerReader(_FromStore):
    """Accounts without a party, or that look otherwise than when they were last seen.

    The store cannot say which customers changed, so all are read, by id. Should some be deleted
    meanwhile, those behind them move up: then pages before are read again, back to a known one.
    ``known_total`` is how many there were when the page before was read; None: nobody knows. Near
    ``until`` it goes back no further, and the next reading does. Accounts without a party that were
    not changed since ``known_since`` are left: an earlier reading queued them.
    """

    known_total: int | None = None
    until: dt.datetime | None = None
    known_since: dt.datetime | None = None
    _first: tuple[int, Listed] | None = field(default=None, init=False)

    def total(self, after: str) -> int:
        """See ``Reader.total``."""
        page, last = _page_mark(after)
        listed = self._list(page)
        self._first = page, listed
        done = (page - 1) * listed.size
        done += sum(int(doc["id"]) <= last for doc, _ in listed.entries)
        return max(0, listed.total - done)

    def read(self, after: str, run: str) -> Read | None:
        """See ``Reader.read``."""
        page, last = _page_mark(after)
        kept = self._first
        listed = kept[1] if kept is not None and kept[0] == page else self._list(page)
        self._first = None
        known = self.known_total
        if not listed.entries and known is not None and known <= (page - 1) * listed.size:
            return None  # past the end, where a store says that there are none at all
        # Some may be gone since: in this run the total says so, before it nobody does.
        while page > 1 and (self.known_total is None or listed.total < self.known_total):
            if self.until is not None and self.clock() + ROOM >= self.until:
                return Read(json.dumps([page, last]), 0, 0, 0)
            page -= 1
            listed = self._list(page)
            if any(int(doc["id"]) <= last for doc, _ in listed.entries):
                break
        self.known_total = listed.total
        if not listed.entries and page == 1:
            return None
        fresh = [entry for entry in listed.entries if int(entry[0]["id"]) > last]
        lines = [line for doc, digest in fresh if (line := self._take(doc, digest, run))]
        queued = sum(line.sign != "!" for line in lines)
        last = max([last, *(int(doc["id"]) for doc, _ in fresh)])
        return Read(
            after=json.dumps([page + 1, last]),
            count=len(fresh),
            queued=queued,
            unchanged=len(fresh) - len(lines),
            lines=tuple(lines),
            is_last=listed.is_last,
        )

    def _take(self, document: dict[str, Any], digest: str, run: str) -> Line | None:
        link = self.links.get(Ref(self.name, "customer", str(document["id"])))
        try:
            customer = customer_of(self.store, document, link)
        except BadInputError as error:  # one that cannot be read holds no other up
            return Line("!", f"customer {document['id']}", str(error))
        if not is_customer(customer, self.rules.customers):
            return None
        is_linked = link is not None and link.erp is not None
        if is_linked and link is not None and link.seen is not None and link.seen.digest == digest:
            return None
        is_known = self.known_since is not None and customer.modified_at < self.known_since
        if is_known and not is_linked:
            return None
        seen = Seen(customer.modified_at, digest)
        self._put(customer.ref, "customer_changed", seen, document, run)
        subject = f"customer {customer.ref.id}"
        return Line("~", subject, "changed") if is_linked else Line("+", subject, "new")

    def _list(self, page: int) -> Listed:
        self.calls += 1
        return self.shop.list_customers(page=page)


def _page_mark(text: str) -> tuple[int, int]:
    page, last = json.loads(text) if text else (1, 0)
    return int(page), int(last)
