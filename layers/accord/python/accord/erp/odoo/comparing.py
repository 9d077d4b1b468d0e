"""What stands in Odoo under our keys, read by the hundred to be compared with a store.

Calls for a page of orders: 1 or 2, and 3 for their credit notes and payments.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from accord.erp.like import literal
from accord.erp.odoo.booking import Booking
from accord.erp.odoo.client import Client
from accord.erp.odoo.invoices import MOVE, MOVE_FIELDS, credit_record
from accord.erp.odoo.mapping import ORDER_FIELDS, order_record, placed_on
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.selling import MODEL as ORDER
from accord.erp.odoo.wire import Values, either, id_of, text
from accord.model.documents import Record
from accord.model.keys import first_generation, order_of_refund, payment_key, refund_key
from accord.model.sale import Sale, place_of

_FIELDS: Final = (*ORDER_FIELDS, "invoice_ids")
_DAY: Final = dt.timedelta(days=1)


class Comparing:
    """The sales of one company, with their credit notes and payments."""

    def __init__(self, client: Client, master: MasterData, booking: Booking) -> None:
        self._client = client
        self._master = master
        self._booking = booking

    def sales(self, prefix: str, since: dt.date, *, after: str, limit: int) -> Sequence[Sale]:
        """See ``ErpAdapter.sales``. The day of an order is the store's until it is confirmed, and
        then that of its confirmation, which is not earlier."""
        ours = ["client_order_ref", "=like", f"{literal(prefix)}%"]
        day, id_ = place_of(after) if after else (since, 0)
        day = max(day, since)
        # As with seconds in ``watching``: a day that a page ends within is read in order of ids.
        rows = self._of_day(ours, day, id_, limit) if after else []
        first = day + _DAY if after else day
        if len(rows) < limit:
            rows += self._from(ours, first, limit - len(rows))
        return self._sales(rows)

    def _from(self, ours: list[Any], first: dt.date, limit: int) -> list[Values]:
        """The first ``limit`` of that day or later, by (day, id)."""
        domain = [self._of_company(), ours, ["date_order", ">=", f"{first} 00:00:00"]]
        rows = self._client.search_read(
            ORDER, domain, _FIELDS, limit=limit + 1, order="date_order,id"
        )
        if len(rows) <= limit:
            return sorted(rows, key=_place)
        last = placed_on(rows[-1])
        whole = sorted((row for row in rows if placed_on(row) != last), key=_place)
        if last is None:
            return whole
        return whole + self._of_day(ours, last, 0, limit - len(whole))

    def _of_day(self, ours: list[Any], day: dt.date, after: int, limit: int) -> list[Values]:
        domain = [
            self._of_company(),
            ours,
            ["date_order", ">=", f"{day} 00:00:00"],
            ["date_order", "<", f"{day + _DAY} 00:00:00"],
            ["id", ">", after],
        ]
        return self._client.search_read(ORDER, domain, _FIELDS, limit=limit)

    def sales_of(self, keys: Sequence[str]) -> Sequence[Sale]:
        """See ``ErpAdapter.sales_of``."""
        if not keys:
            return ()
        wanted = set(keys)
        likes = [["client_order_ref", "=like", f"{literal(key)}-%"] for key in keys]
        domain = [
            self._of_company(),
            *either(["client_order_ref", "in", list(keys)], *likes),
        ]
        rows = self._client.search_read(ORDER, domain, _FIELDS)
        return self._sales(
            [row for row in rows if first_generation(text(row["client_order_ref"])) in wanted]
        )

    def _sales(self, rows: Sequence[Values]) -> list[Sale]:
        if not rows:
            return []
        of_key = {
            first_generation(key): row["id"]
            for row in rows
            if (key := text(row["client_order_ref"]))
        }
        notes, payments = self._credits(rows, of_key), self._payments(of_key)
        return [
            Sale(
                record=order_record(row, self._client.connection),
                placed_on=placed_on(row),
                credits=tuple(notes[row["id"]]),
                payments=tuple(payments[row["id"]]),
            )
            for row in rows
        ]

    def _credits(
        self, orders: Sequence[Values], of_key: Mapping[str, int]
    ) -> defaultdict[int, list[Record]]:
        """Credit notes by the order's id: by the invoice that they take back, or by our key."""
        of_invoice = {id_: row["id"] for row in orders for id_ in row["invoice_ids"]}
        terms: list[list[Any]] = [
            ["ref", "=like", f"{literal(refund_key(k, ''))}%"] for k in of_key
        ]
        if of_invoice:
            ids = sorted(of_invoice)
            terms += [["id", "in", ids], ["reversed_entry_id", "in", ids]]
        found: defaultdict[int, list[Record]] = defaultdict(list)
        if not terms:
            return found
        domain = [self._of_company(), ["move_type", "=", "out_refund"], *either(*terms)]
        for row in self._client.search_read(MOVE, domain, MOVE_FIELDS):
            record = credit_record(row, self._client.connection)
            order = of_key.get(order_of_refund(text(row["ref"])))
            if order is None:  # a person may have noted anything in the field of our keys
                record = replace(record, key=None)
                order = of_invoice.get(row["id"]) or of_invoice.get(
                    id_of(row["reversed_entry_id"]) or 0
                )
            if order is not None:
                found[order].append(record)
        return found

    def _payments(self, of_key: Mapping[str, int]) -> defaultdict[int, list[Record]]:
        """Money in and out, by the order's id; known by the keys that we gave it."""
        found: defaultdict[int, list[Record]] = defaultdict(list)
        if not of_key:
            return found
        field = self._booking.key_field()
        ending = payment_key("")
        likes = [[field, "=like", f"{literal(refund_key(k, ''))}%{ending}"] for k in of_key]
        exact = [field, "in", [payment_key(key) for key in of_key]]
        for record in self._booking.payments([self._of_company(), *either(exact, *likes)]):
            key = (record.key or "").removesuffix(ending)
            order = of_key.get(key) or of_key.get(order_of_refund(key))
            if order is not None:
                found[order].append(record)
        return found

    def _of_company(self) -> list[Any]:
        return ["company_id", "=", self._master.company().id]


def _place(row: Values) -> tuple[dt.date, int]:
    return placed_on(row) or dt.date.min, row["id"]
