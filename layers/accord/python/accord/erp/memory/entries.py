"""The records of the ledger, where to find them, and when each was last written."""

import bisect
import datetime as dt
import itertools
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from accord.model.documents import Kind

Json = dict[str, Any]
Clock = Callable[[], dt.datetime]

TOLD = (
    Kind.SALES_ORDER,
    Kind.SHIPMENT,
    Kind.INVOICE,
    Kind.PARTY,
    Kind.ITEM,
    Kind.STOCK,
    Kind.PRICE,
    Kind.RECIPE,
)
"""The kinds of which ``Records.news`` knows."""

_STATES = {  # a shipment's and an invoice's word → a document's
    "open": "draft",
    "done": "confirmed",
    "posted": "confirmed",
    "paid": "confirmed",
    "received": "confirmed",
    "cancelled": "voided",
}
_HIDDEN = {"invoice": "draft", "credit_note": "draft", "shipment": "open"}
_LATE_EVERY = 3
_AMONG = {"credit_note": "invoice", "price_list": "price"}
_NAMED = {"credit_note": "invoice", "stock": "item", "price": "item"}
_STATELESS = frozenset({"party", "item", "price_list"})


class RefusedError(Exception):
    """The ledger says no. ``error`` is the answer; it never leaves ``Ledger.call``."""

    def __init__(self, code: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.error: Json = {"code": code, "message": message, **more}


@dataclass(slots=True, eq=False)
class Entry:
    """One record. ``document`` is what it was made of, in wire form.

    ``state`` is in the words of its kind: State, Shipment or Invoice. ``order`` is the sales order
    that it hangs on, ``parts`` are those that hang on this one, oldest first.
    """

    kind: str
    id: str
    key: str
    made_at: dt.datetime
    document: Json
    number: str = ""
    state: str = "draft"
    version: int = 1
    totals: Json | None = None
    addresses: dict[str, str] = field(default_factory=dict)  # fingerprint → id
    archived: bool = False
    settled: bool = False  # a payment that is set against something
    changed_at: dt.datetime = field(init=False)
    order: "Entry | None" = None
    parts: list["Entry"] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.changed_at = self.made_at

    def of_kind(self, *kinds: str) -> list["Entry"]:
        """Its parts of ``kinds``, oldest first."""
        return [part for part in self.parts if part.kind in kinds]

    def shown(self) -> Json:
        """What the ledger shows of it: a Record in JSON."""
        shown: Json = {
            "kind": self.kind,
            "id": self.id,
            "key": self.key,
            "number": self.number,
            "state": _STATES.get(self.state, self.state),
            "version": str(self.version),
            "totals": self.totals,
        }
        if self.kind == "party":
            shown["addresses"] = dict(self.addresses)
            shown["email"] = self.document["email"].strip().casefold()
        elif self.kind == "item":
            shown["number"] = self.key
        return shown

    def news(self) -> Json:
        """What the ledger tells of its last change: News in JSON."""
        of = self if self.kind == "sales_order" else self.order
        return {
            "kind": _NAMED.get(self.kind, self.kind),
            "id": self.id,
            "at": self.changed_at.isoformat(),
            "version": str(self.version),
            "order": of.id if of else None,
            "state": "" if self.kind in _STATELESS else self.state,
            "totals": self.totals,
        }


@dataclass(slots=True, eq=False)
class Side:
    """When one side of an entry was last changed: its ``stock``, its ``price``, its ``recipe``."""

    kind: str
    id: str  # the entry's
    changed_at: dt.datetime
    version: int = 1
    state: ClassVar[str] = ""

    def news(self) -> Json:
        """As ``Entry.news``."""
        return {
            "kind": _NAMED.get(self.kind, self.kind),
            "id": self.id,
            "at": self.changed_at.isoformat(),
            "version": str(self.version),
            "order": None,
            "state": "",
            "totals": None,
        }


class Records:
    """Every entry, by kind and id, by key, and by its last change.

    ``search_lag`` is how long what is new or changed stays unseen. Of every three changes one is
    told ``news_lag`` late: with its own time, after others of a later one.
    """

    def __init__(self, clock: Clock, search_lag: dt.timedelta, news_lag: dt.timedelta) -> None:
        self.clock = clock
        self._search_lag = search_lag
        self._news_lag = news_lag
        self._all: dict[tuple[str, str], Entry] = {}
        self._by_key: dict[tuple[str, str], list[Entry]] = {}
        self._sides: dict[tuple[str, str], Side] = {}
        self._ids = itertools.count(1)
        self._stamps = itertools.count(1)
        # (time, id, version, seen from, what) of every write, in order. What was written again is
        # passed over when it is read, which keeps a write cheap.
        self._log: dict[str, list[tuple[dt.datetime, int, int, dt.datetime, Entry | Side]]] = {
            kind.value: [] for kind in TOLD
        }

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._all.values())

    def new(self, kind: str, key: str, document: Json, *, order: Entry | None = None) -> Entry:
        """An entry with an id of its own; it is not kept before ``keep``."""
        return Entry(kind, str(next(self._ids)), key, self.clock(), document, order=order)

    def keep(self, entry: Entry) -> Entry:
        """``entry``, from now on found."""
        self._all[entry.kind, entry.id] = entry
        if entry.key:
            self._by_key.setdefault((entry.kind, entry.key), []).append(entry)
        if entry.order is not None:
            entry.order.parts.append(entry)
        self._note(entry)
        return entry

    def drop(self, entry: Entry) -> None:
        """``entry`` is there no more, and nobody is told."""
        del self._all[entry.kind, entry.id]
        if entry.key:
            self._by_key[entry.kind, entry.key].remove(entry)
        log = self._log.get(_AMONG.get(entry.kind, entry.kind))
        if log is not None:
            log[:] = [row for row in log if row[-1] is not entry]

    def wrote(self, entry: Entry | Side) -> None:
        """``entry`` was changed, now."""
        entry.version += 1
        entry.changed_at = self.clock()
        self._note(entry)

    def touched(self, side: str, of: Entry) -> None:
        """One side of ``of`` changed, now; each has a time and a version of its own."""
        there = self._sides.get((side, of.id))
        if there is not None:
            self.wrote(there)
            return
        there = self._sides[side, of.id] = Side(side, of.id, self.clock())
        self._note(there)

    def get(self, kind: str, id_: str) -> Entry | None:
        """The entry; a credit note is an invoice too."""
        found = self._all.get((kind, id_))
        if found is None and kind == "invoice":
            return self._all.get(("credit_note", id_))
        return found

    def under(self, kind: str, key: str) -> Collection[Entry]:
        """All entries of ``kind`` with ``key``, oldest first."""
        return self._by_key.get((kind, key), ())

    def seen(self, entries: Collection[Entry]) -> Collection[Entry]:
        """Those that a search shows by now."""
        if self._search_lag and entries:
            until = self.clock() - self._search_lag
            return [entry for entry in entries if entry.made_at <= until]
        return entries

    def news(self, kind: str, since: dt.datetime, after: int, limit: int) -> list[Entry | Side]:
        """What of ``kind`` was written behind (``since``, ``after``), oldest first."""
        log, now = self._log[kind], self.clock()
        begin = bisect.bisect_right(log, (since, after), key=lambda row: row[:2])
        rows = (log[n] for n in range(begin, len(log)))  # islice would walk all that is before
        told = (
            entry
            for _, _, version, seen_from, entry in rows
            if entry.version == version
            and seen_from <= now
            and _HIDDEN.get(entry.kind) != entry.state
        )
        return list(itertools.islice(told, limit))

    def _note(self, entry: Entry | Side) -> None:
        log = self._log.get(_AMONG.get(entry.kind, entry.kind))
        if log is None:
            return
        late = self._news_lag if next(self._stamps) % _LATE_EVERY == 0 else dt.timedelta(0)
        at = entry.changed_at
        bisect.insort(log, (at, int(entry.id), entry.version, at + self._search_lag + late, entry))
