"""What stands in Tryton under our keys, read by the hundred to be compared with a store.

Calls for a page of orders: 3, and 1 more when a person's credit notes are among them. ``profiles``
1 for any number.

Source: trytond 8.2, modules sale, web_shop, account_invoice and account; a running server.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from accord.erp.like import literal
from accord.erp.tryton.credits import CREDIT_FIELDS, credit_record
from accord.erp.tryton.mapping import SALE_FIELDS, sale_record
from accord.erp.tryton.masterdata import MasterData
from accord.erp.tryton.news import credited_lines
from accord.erp.tryton.payments import MOVE_FIELDS, move_record
from accord.erp.tryton.progress import is_credit_note
from accord.erp.tryton.records import Records
from accord.erp.tryton.wire import Values, related
from accord.model.documents import Record
from accord.model.keys import order_of_refund, payment_key, refund_key
from accord.model.sale import Sale, place_of

_FIELDS = (*SALE_FIELDS, "sale_date")
_NOTE_FIELDS = (*CREDIT_FIELDS, "sales", "lines.origin")
_INVOICE_LINE = "account.invoice.line"


class Comparing:
    """The sales of the web shop, with their credit notes and payments."""

    def __init__(self, records: Records, master: MasterData) -> None:
        self._records = records
        self._master = master

    def sales(
        self, prefix: str, since: dt.date, *, after: str = "", limit: int = 100
    ) -> Sequence[Sale]:
        """See ``ErpAdapter.sales``."""
        domain: list[Any] = [
            ["web_id", "like", f"{literal(prefix)}%"],
            ["web_id", "not like", f"{literal(prefix)}%-b%"],  # returns of goods
            ["sale_date", ">=", since],
        ]
        if after:
            day, id_ = place_of(after)
            same = [["sale_date", "=", day], ["id", ">", id_]]
            domain.append(["OR", ["sale_date", ">", day], same])
        return self._sales(domain, limit=limit)

    def sales_of(self, keys: Sequence[str]) -> Sequence[Sale]:
        """See ``ErpAdapter.sales_of``."""
        if not keys:
            return ()
        later = [["web_id", "like", f"{literal(key)}-%"] for key in keys]
        found = self._sales(["OR", ["web_id", "in", list(keys)], *later], limit=None)
        wanted = set(keys)  # a return's key begins alike
        return [each for each in found if each.order_key in wanted]

    def _sales(self, domain: list[Any], *, limit: int | None) -> list[Sale]:
        rows: list[Values] = self._records.call(
            "model.sale.sale.search_read",
            [["web_shop", "=", self._master.shop().web_shop], domain],
            0,
            limit,
            [["sale_date", "ASC"], ["id", "ASC"]],
            list(_FIELDS),
        )
        found = [Sale(sale_record(row, self._records.connection), row["sale_date"]) for row in rows]
        if not found:
            return []
        of_key = {each.order_key: each.record.ref.id for each in found}
        credits_ = self._credits(of_key, {each.record.ref.id for each in found})
        payments = self._payments(of_key)
        return [
            Sale(
                each.record,
                each.placed_on,
                tuple(credits_[each.record.ref.id]),
                tuple(payments[each.record.ref.id]),
            )
            for each in found
        ]

    def _credits(
        self, of_key: Mapping[str, str], sales: set[str]
    ) -> defaultdict[str, list[Record]]:
        """By the sale's id. Ours are known by their key, a person's by the lines they take back."""
        ids = sorted(map(int, sales))
        rows: list[Values] = self._records.call(
            "model.account.invoice.search_read",
            [
                ["company", "=", self._master.context()["company"]],
                ["type", "=", "out"],
                [
                    "OR",
                    ["lines.origin.invoice.sales", "in", ids, _INVOICE_LINE],
                    _any_of(
                        "reference",
                        of_key,
                        refund_key("%", "%"),
                        (["reference", "like", f"{literal(refund_key(k, ''))}%"] for k in of_key),
                    ),
                ],
            ],
            0,
            None,
            [["id", "ASC"]],
            list(_NOTE_FIELDS),
        )
        notes = [row for row in rows if is_credit_note(row)]
        theirs = [row for row in notes if order_of_refund(row["reference"] or "") not in of_key]
        lines = self._sales_of_lines(theirs)
        found: defaultdict[str, list[Record]] = defaultdict(list)
        for row in notes:
            record = credit_record(row, self._records.connection)
            key = order_of_refund(row["reference"] or "")
            if key in of_key:
                found[of_key[key]].append(record)
                continue
            origins = [line["origin"] or "" for line in row["lines."]]
            for sale in {str(lines[each]) for each in origins if each in lines} & sales:
                found[sale].append(_unkeyed(record))
        return found

    def _sales_of_lines(self, notes: Iterable[Values]) -> dict[str, int]:
        """The sale of each invoice line that ``notes`` take back, by the text of its reference."""
        if not (ids := credited_lines(notes)):
            return {}
        rows = self._records.search(
            _INVOICE_LINE, [["id", "in", ids]], ["invoice.sales"], limit=len(ids)
        )
        return {
            f"{_INVOICE_LINE},{row['id']}": min(sales)
            for row in rows
            if (sales := related(row, "invoice").get("sales"))
        }

    def _payments(self, of_key: Mapping[str, str]) -> defaultdict[str, list[Record]]:
        """Money in and out, by the sale's id; known by the keys that we gave it."""
        back = (f"{literal(refund_key(key, ''))}%{payment_key('')}" for key in of_key)
        rows: list[Values] = self._records.call(
            "model.account.move.search_read",
            [
                ["company", "=", self._master.context()["company"]],
                _any_of(
                    "description",
                    of_key,
                    payment_key("%"),
                    [
                        ["description", "in", [payment_key(key) for key in of_key]],
                        *(["description", "like", pattern] for pattern in back),
                    ],
                ),
            ],
            0,
            None,
            [["id", "ASC"]],
            list(MOVE_FIELDS),
        )
        found: defaultdict[str, list[Record]] = defaultdict(list)
        for row in rows:
            key = row["description"].removesuffix(payment_key(""))
            sale = of_key.get(key) or of_key.get(order_of_refund(key))
            if sale is not None:
                found[sale].append(move_record(row, self._records.connection))
        return found


def _any_of(field: str, keys: Iterable[str], ending: str, exact: Iterable[list[Any]]) -> list[Any]:
    """``exact``, any of them, of the records that may bear a key of the same store at all.

    There may be a hundred of them, and no index helps: what bears no such key is told by one
    pattern for each store, which is looked at first.
    """
    stores = sorted({key.rpartition("-")[0] for key in keys})
    of_store = ([field, "like", f"{literal(each)}-{ending}"] for each in stores)
    return [["OR", *of_store], ["OR", *exact]]


def _unkeyed(record: Record) -> Record:
    """A person may have noted anything in the field of our keys."""
    return Record(record.ref, record.number, None, record.state, record.totals, record.version)
