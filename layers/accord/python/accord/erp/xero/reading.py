"""What Xero tells of orders, invoices and customers.

Calls: ``progress`` 1 of a draft, 2 of what was authorised, a page of ``changes`` 1 (of invoices 2,
and 1 where a credit note is told of that is set against none).
"""

import datetime as dt
from collections.abc import Iterable
from typing import Final

from accord.erp.xero.client import Client
from accord.erp.xero.invoices import (
    CREDIT_NOTES,
    CREDITS,
    INVOICES,
    SALES,
    about,
    credit_note,
    invoice,
    invoice_state,
    invoices_of,
    is_credit,
    is_sale,
    order_key_of,
    questions,
    was_booked,
)
from accord.erp.xero.mapping import order_record, totals_read, version_of
from accord.erp.xero.watching import Source, Watching
from accord.erp.xero.wire import Values, is_id, moment, text
from accord.errors import UnsupportedError
from accord.model.change import Ref
from accord.model.documents import Kind, State
from accord.model.progress import News, Progress

TOLD: Final = frozenset({Kind.SALES_ORDER, Kind.INVOICE, Kind.PARTY})


def _is_customer(row: Values) -> bool:
    """Not one who only sells to us."""
    only_sells = row.get("IsSupplier") and not row.get("IsCustomer")
    return bool(row.get("ContactNumber")) or not only_sells


_BRIEF: Final = {"summaryOnly": "true", "includeArchived": "true"}
_ORDERS: Final = Source(INVOICES, "InvoiceID", {**_BRIEF, "where": SALES}, is_sale)
_INVOICES: Final = Source(
    INVOICES,
    "InvoiceID",
    {**_BRIEF, "where": SALES},
    lambda row: is_sale(row) and was_booked(row),
)
_CREDITS: Final = Source(
    CREDIT_NOTES,
    "CreditNoteID",
    {"where": CREDITS},
    lambda row: is_credit(row) and was_booked(row),
)
_CONTACTS: Final = Source("Contacts", "ContactID", _BRIEF, _is_customer)
_SOURCES: Final = {
    Kind.SALES_ORDER: (_ORDERS,),
    Kind.INVOICE: (_INVOICES, _CREDITS),
    Kind.PARTY: (_CONTACTS,),
}


class Reading:
    """What one organisation tells."""

    def __init__(self, client: Client, watching: Watching) -> None:
        self._client = client
        self._watching = watching
        self._system = client.connection

    # --- one order -------------------------------------------------------------

    def progress(self, order: Ref) -> Progress | None:
        """See ``ErpAdapter.progress``. Xero ships nothing, so nothing ever is."""
        row = self.sale(order)
        if row is None:
            return None
        record = order_record(row, self._system)
        booked = [invoice(row, self._system)] if was_booked(row) else []
        notes = self.notes([row]) if record.state is State.CONFIRMED else []
        return Progress(
            order=record,
            shipped="none",
            invoices=(*booked, *(credit_note(each, self._system) for each in notes)),
        )

    def sale(self, order: Ref) -> Values | None:
        """The sales invoice, None when it is not there."""
        if not is_id(order.id):
            return None
        answer = self._client.get(f"{INVOICES}/{order.id}")
        rows = [row for row in answer.get(INVOICES) or () if row["InvoiceID"] == order.id]
        return rows[0] if rows and is_sale(rows[0]) else None

    def notes(self, orders: Iterable[Values]) -> list[Values]:
        """Credit notes of these sales invoices, the oldest change first."""
        found: dict[str, Values] = {}
        for question in questions(about(orders)):
            params = {"where": question, "order": "CreditNoteNumber ASC"}  # no page shifts so
            for row in self._client.pages(CREDIT_NOTES, CREDIT_NOTES, params=params):
                if is_credit(row) and row.get("Status") != "DELETED":
                    found[row["CreditNoteID"]] = row
        return sorted(found.values(), key=lambda row: moment(row["UpdatedDateUTC"]))

    # --- what changed ----------------------------------------------------------

    def changes(self, kind: Kind, since: dt.datetime, *, after: str, limit: int) -> list[News]:
        """See ``ErpAdapter.changes``. Of what was merged or archived it is told too."""
        if kind not in _SOURCES:
            raise UnsupportedError(f"{self._system} tells of no {kind.value}")
        page = self._watching.page(_SOURCES[kind], since, after, limit)
        notes = [row for _, source, row in page if source is _CREDITS]
        orders = self._orders_of(notes) if notes else {}
        return [
            self._news(kind, Ref(self._system, kind, id_), at, row, orders)
            for (at, id_), _, row in page
        ]

    def _news(
        self, kind: Kind, ref: Ref, at: dt.datetime, row: Values, orders: dict[str, str]
    ) -> News:
        match kind:
            case Kind.SALES_ORDER:
                record = order_record(row, self._system)
                gross = record.totals.gross if record.totals else None
                return News(ref, at, record.version, ref, record.state, gross)
            case Kind.INVOICE:
                order = orders.get(ref.id) if is_credit(row) else ref.id
                return News(
                    ref,
                    at,
                    version_of(row),
                    Ref(self._system, Kind.SALES_ORDER, order) if order else None,
                    invoice_state(row),
                    totals_read(row).gross,
                )
        return News(ref, at, at.isoformat())

    def _orders_of(self, notes: Iterable[Values]) -> dict[str, str]:
        """The order of each credit note, by its id: that which it is set against, or refers to."""
        found, named = {}, {}
        for note in notes:
            if against := invoices_of(note):
                found[note["CreditNoteID"]] = against[0]
            elif key := order_key_of(note):
                named[note["CreditNoteID"]] = key
        if named:
            of_number = {
                text(row["InvoiceNumber"]): text(row["InvoiceID"])
                for row in self.numbered(sorted(set(named.values())))
            }
            found |= {id_: of_number[key] for id_, key in named.items() if key in of_number}
        return found

    def numbered(self, numbers: Iterable[str]) -> list[Values]:
        """Sales invoices with these very numbers, whatever became of them."""
        wanted = [number for number in dict.fromkeys(numbers) if number and "," not in number]
        found: list[Values] = []
        for chunk in _chunks(wanted):
            params = {"InvoiceNumbers": ",".join(chunk), "includeArchived": "true"}
            rows = self._client.pages(INVOICES, INVOICES, params=params)
            found += [row for row in rows if is_sale(row) and row["InvoiceNumber"] in chunk]
        return found


_LONGEST: Final = 1500  # characters of a list in an address


def _chunks(texts: Iterable[str]) -> list[list[str]]:
    """As few as their length allows."""
    chunks: list[list[str]] = []
    length = 0
    for each in texts:
        if not chunks or length + len(each) + 1 > _LONGEST:
            chunks.append([])
            length = 0
        chunks[-1].append(each)
        length += len(each) + 1
    return chunks
