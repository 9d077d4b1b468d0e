"""What stands in Xero under our keys, read by the hundred to be compared with a store.

Calls for a hundred orders: 1, and 1 for each three or four dozen of them that are booked, for
their credit notes. An invoice and a credit note tell of their money themselves.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from accord.erp.xero.client import Client
from accord.erp.xero.invoices import (
    INVOICES,
    SALES,
    invoices_of,
    is_sale,
    order_key_of,
    payments_of,
)
from accord.erp.xero.mapping import credit_record, order_record
from accord.erp.xero.reading import Reading
from accord.erp.xero.wire import Values, day_of, quoted, text
from accord.errors import BadInputError
from accord.model.documents import Record
from accord.model.keys import document_key, first_generation
from accord.model.sale import Sale

_PAGE: Final = 100
_KEPT: Final = dt.timedelta(seconds=60)  # that a list goes on from where it was left
_GENERATIONS: Final = 2  # of an order's documents that are asked for at once
_Place = tuple[dt.date, str]


@dataclass(slots=True)
class _List:
    """Sales of one store from ``first`` on: ``rows`` are those that were read and not told yet, in
    Xero's order, the last of them at ``as_of``."""

    prefix: str
    first: dt.date
    as_of: dt.datetime
    rows: list[Values] = field(default_factory=list)
    pages: int = 0
    is_whole: bool = False
    after: str = ""

    def behind(self, place: _Place) -> list[Values]:
        """Those that none is missing before, by (day, id)."""
        last = _place(self.rows[-1])[0] if self.rows else dt.date.min
        rows = [row for row in self.rows if self.is_whole or _place(row)[0] < last]
        return sorted((row for row in rows if _place(row) > place), key=_place)

    def went_on(self, after: str, place: _Place) -> None:
        """All up to ``place`` is told, and kept no longer."""
        self.after = after
        self.rows = [row for row in self.rows if _place(row) > place]


class Comparing:
    """The sales of one organisation, with their credit notes and payments."""

    def __init__(self, client: Client, reading: Reading, clock: Callable[[], dt.datetime]) -> None:
        self._client = client
        self._system = client.connection
        self._reading = reading
        self._clock = clock
        self._list: _List | None = None

    def sales(self, prefix: str, since: dt.date, *, after: str, limit: int) -> Sequence[Sale]:
        """See ``ErpAdapter.sales``. Xero lists a day's invoices in no order that a page could
        begin behind, so what was read beyond a page is kept for the next."""
        day, _, id_ = after.partition("/")
        place = (dt.date.fromisoformat(day), id_) if after else (dt.date.min, "")
        listed = self._going_on(prefix, after) or _List(prefix, max(place[0], since), self._clock())
        while not listed.is_whole and len(listed.behind(place)) < limit:
            self._read(listed)
        rows = listed.behind(place)[:limit]
        found = self._sales(rows)
        if found:
            listed.went_on(found[-1].place, _place(rows[-1]))
        self._list = listed
        return found

    def _going_on(self, prefix: str, after: str) -> _List | None:
        held = self._list
        if held is None or not after or (held.prefix, held.after) != (prefix, after):
            return None
        return held if self._clock() - held.as_of <= _KEPT else None

    def _read(self, listed: _List) -> None:
        """One more page."""
        said, first = quoted(listed.prefix), listed.first
        if said is None:
            raise BadInputError(f"{listed.prefix!r} begins no key that Xero could look for")
        terms = (
            SALES,
            f"Date>=DateTime({first.year},{first.month},{first.day})",
            f"InvoiceNumber!=null AND InvoiceNumber.StartsWith({said})",
        )
        params: dict[str, str | int] = {
            "where": " AND ".join(terms),
            "order": "Date ASC",
            "page": listed.pages + 1,
            "pageSize": _PAGE,
            "includeArchived": "true",
        }
        rows: list[Values] = self._client.get(INVOICES, params=params).get(INVOICES) or []
        known = {row["InvoiceID"] for row in listed.rows}
        listed.rows += [
            row
            for row in rows
            if is_sale(row)
            and row["InvoiceNumber"].startswith(listed.prefix)  # letters of any case, for Xero
            and day_of(row, "Date") is not None
            and row["InvoiceID"] not in known
        ]
        listed.pages += 1
        listed.as_of = self._clock()
        listed.is_whole = len(rows) < _PAGE

    def sales_of(self, keys: Sequence[str]) -> Sequence[Sale]:
        """See ``ErpAdapter.sales_of``. Generations are asked for by their numbers, as long as the
        last that was asked for is there."""
        found: dict[str, Values] = {}
        asked, begin = set(keys), 1
        while asked:
            generations = range(begin, begin + _GENERATIONS)
            numbers = {document_key(key, n): key for key in sorted(asked) for n in generations}
            for row in self._reading.numbered(numbers):
                found[row["InvoiceID"]] = row
            there = {text(row["InvoiceNumber"]) for row in found.values()}
            begin += _GENERATIONS
            asked = {key for key in asked if document_key(key, begin - 1) in there}
        return self._sales(list(found.values()))

    def _sales(self, rows: Sequence[Values]) -> list[Sale]:
        if not rows:
            return []
        notes: defaultdict[str, list[Record]] = defaultdict(list)
        money: defaultdict[str, list[Record]] = defaultdict(list)
        ids = {text(row["InvoiceID"]) for row in rows}
        of_number = {text(row["InvoiceNumber"]): text(row["InvoiceID"]) for row in rows}
        of_order = {first_generation(number): id_ for number, id_ in of_number.items()}
        for note in self._reading.notes(rows):
            key = order_key_of(note)
            order = of_number.get(key) or of_order.get(key)
            order = order or next((id_ for id_ in invoices_of(note) if id_ in ids), None)
            if order is not None:
                notes[order].append(credit_record(note, self._system))
                money[order] += payments_of(note, self._system)
        return [
            Sale(
                record=order_record(row, self._system),
                placed_on=day_of(row, "Date"),
                credits=tuple(notes[row["InvoiceID"]]),
                payments=(*payments_of(row, self._system), *money[row["InvoiceID"]]),
            )
            for row in rows
        ]


def _place(row: Values) -> _Place:
    return day_of(row, "Date") or dt.date.min, text(row["InvoiceID"])
