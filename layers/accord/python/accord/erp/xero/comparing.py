"""What stands in Xero under our keys, read by the hundred to be compared with a store.

Calls for a hundred orders: 1 or 2, as days end, and 1 for each three or four dozen of them that are
booked, for their credit notes. An invoice and a credit note tell of their money themselves.
"""

import datetime as dt
import itertools
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
_DAY: Final = dt.timedelta(days=1)
_KEPT: Final = dt.timedelta(seconds=60)  # that a list goes on from where it was left
_GENERATIONS: Final = 2  # of an order's documents that are asked for at once
_Place = tuple[dt.date, str]


@dataclass(slots=True)
class _List:
    """Sales of one store: ``rows`` are those of whole days that were read and not told yet, the
    last of them at ``as_of``; ``first`` is the day to read on from."""

    prefix: str
    first: dt.date
    as_of: dt.datetime
    rows: list[Values] = field(default_factory=list)
    is_whole: bool = False
    after: str = ""

    def behind(self, place: _Place) -> list[Values]:
        """By (day, id)."""
        return sorted((row for row in self.rows if _place(row) > place), key=_place)

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
        """One more whole day at least.

        Nobody says in which order Xero lists what is of one day, nor that it is the same for the
        next page; so only a day that is over on a page is known whole, and one that fills a page
        is read by its numbers, of which there are no two.
        """
        rows = self._page(listed, "Date ASC")
        days = [day for row in rows if (day := day_of(row, "Date")) is not None]
        last = max(days, default=listed.first)
        if len(rows) < _PAGE:
            listed.is_whole = True
        elif min(days, default=last) < last:
            rows = [row for row in rows if day_of(row, "Date") != last]
            listed.first = last
        else:
            rows = self._day(listed, last)
            listed.first = last + _DAY
        listed.rows += [
            row
            for row in rows
            if is_sale(row)
            and row["InvoiceNumber"].startswith(listed.prefix)  # letters of any case, for Xero
            and day_of(row, "Date") is not None
        ]
        listed.as_of = self._clock()

    def _day(self, listed: _List, day: dt.date) -> list[Values]:
        """All of that day, each once."""
        found: dict[str, Values] = {}
        for page in itertools.count(1):
            rows = self._page(listed, "InvoiceNumber ASC", day=day, page=page)
            found |= {text(row["InvoiceID"]): row for row in rows}
            if len(rows) < _PAGE:
                break
        return list(found.values())

    def _page(
        self, listed: _List, order: str, *, day: dt.date | None = None, page: int = 1
    ) -> list[Values]:
        """A page of what is to be read yet, or of one day of it."""
        said = quoted(listed.prefix)
        if said is None:
            raise BadInputError(f"{listed.prefix!r} begins no key that Xero could look for")
        terms = [SALES, f"Date>={_date_time(day or listed.first)}"]
        terms += [f"Date<{_date_time(day + _DAY)}"] if day is not None else []
        terms.append(f"InvoiceNumber!=null AND InvoiceNumber.StartsWith({said})")
        params: dict[str, str | int] = {
            "where": " AND ".join(terms),
            "order": order,
            "page": page,
            "pageSize": _PAGE,
            "includeArchived": "true",
        }
        rows: list[Values] = self._client.get(INVOICES, params=params).get(INVOICES) or []
        return rows

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


def _date_time(day: dt.date) -> str:
    return f"DateTime({day.year},{day.month},{day.day})"


def _place(row: Values) -> _Place:
    return day_of(row, "Date") or dt.date.min, text(row["InvoiceID"])
