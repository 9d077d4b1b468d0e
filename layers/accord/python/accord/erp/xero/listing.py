"""Xero's items: listed, found, read and written.

Calls: ``item_ids`` 1, and none for the pages behind it; what is read by the ids of such a page 0.
``find_items``, ``items`` and their stock and prices 1 for any number, ``create`` 1, ``update_item``
2. Xero answers all items at once or a single one; asking for some of them is not offered.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from accord.erp.unsent import nothing_made
from accord.erp.xero.client import Client
from accord.erp.xero.items import (
    CODE_LENGTH,
    changed,
    has_code,
    item,
    item_record,
    item_values,
    new_item,
)
from accord.erp.xero.masterdata import MasterData
from accord.erp.xero.wire import Values, is_id, only, quoted, text
from accord.errors import DuplicateError, RejectedError
from accord.model.documents import Record
from accord.model.item import Item, ItemDocument

LIST: Final = "Items"
_DIGITS: Final = {"unitdp": 4}
_SMALLEST: Final = Decimal("0.0001")
_UNTAXED: Final = "NONE"
_KEPT: Final = dt.timedelta(seconds=60)  # that a list goes on from where it was left


@dataclass(frozen=True, slots=True)
class Listed:
    """Items as they were read, no earlier than ``as_of`` by our clock."""

    as_of: dt.datetime
    rows: dict[str, Values] = field(repr=False)

    def of(self, ids: Iterable[str]) -> list[Values]:
        """Those with a code, in the order of ``ids``."""
        found = (self.rows.get(id_) for id_ in dict.fromkeys(ids))
        return [row for row in found if row is not None and has_code(row)]


class Listing:
    """The items of one organisation."""

    def __init__(
        self, client: Client, master: MasterData, clock: Callable[[], dt.datetime]
    ) -> None:
        self._client = client
        self._master = master
        self._options = master.options
        self._clock = clock
        self._list: Listed | None = None  # that pages of ids are taken from
        self._page: tuple[str, ...] = ()  # the last of them

    def item_ids(self, *, after: str, limit: int) -> list[str]:
        """See ``ErpAdapter.item_ids``. What is read by exactly these ids next is of this moment,
        and takes no call."""
        if not after or self._list is None or self._clock() - self._list.as_of > _KEPT:
            self._list = self._all()
        rows = self._list.rows
        ids = sorted(id_ for id_, row in rows.items() if has_code(row) and id_ > after)[:limit]
        self._page = tuple(ids)
        return ids

    def listed(self, ids: Sequence[str]) -> Listed:
        """The items of these ids, as far as they are there."""
        page, self._page = self._page, ()
        held = self._list
        if held is not None and page == tuple(ids) and self._clock() - held.as_of <= _KEPT:
            return held
        return self._one(ids[0]) if len(ids) == 1 else self._all()

    def find_items(self, codes: Sequence[str]) -> dict[str, str]:
        """See ``ErpAdapter.find_items``. Codes are unique in Xero."""
        if not codes:
            return {}
        found = self._found(codes[0]) if len(codes) == 1 else self._all()
        by_code = {text(row.get("Code")): id_ for id_, row in found.rows.items()}
        return {code: by_code[code] for code in codes if code in by_code}

    def items(self, ids: Sequence[str]) -> list[Item]:
        """See ``ErpAdapter.items``."""
        if not ids:
            return []
        return [self._item(row) for row in self.listed(ids).of(ids)]

    def _item(self, row: Values) -> Item:
        names = self._master.tax_names()
        return item(row, self._options, names, self._client.connection)

    def get(self, id_: str) -> Record | None:
        """The record of an item, or None."""
        rows = self._one(id_).of([id_]) if is_id(id_) else []
        return item_record(rows[0], self._client.connection) if rows else None

    def find(self, key: str) -> tuple[Record, ...]:
        """The item of that code."""
        return tuple(item_record(row, self._client.connection) for row in self._coded(key))

    def _coded(self, code: str) -> list[Values]:
        return [row for row in self._found(code).rows.values() if row.get("Code") == code]

    def create(self, document: ItemDocument) -> Record:
        """See ``ErpAdapter.create``. Xero refuses a code that is there; where that item says all
        that ``document`` does, an earlier try made it, which Xero has forgotten.

        Raises: DuplicateError: it is another item.
        """
        with nothing_made():
            price, tax = self._price_and_tax(document)
        if len(document.code) > CODE_LENGTH:
            raise RejectedError(
                f"{self._client.connection}: Xero's item codes have {CODE_LENGTH} characters at "
                f"most; {document.code} has {len(document.code)}"
            )
        values = new_item(document, price, tax, self._options)
        try:
            answer = self._client.put(LIST, {LIST: [values]}, key=document.code, params=_DIGITS)
        except DuplicateError:
            for row in self._coded(document.code):
                if not changed(item_values(document, price, tax), row):
                    return item_record(row, self._client.connection)
            raise
        return item_record(only(answer, LIST), self._client.connection)

    def update_item(self, id_: str, document: ItemDocument) -> Item:
        """See ``ErpAdapter.update_item``."""
        price, tax = self._price_and_tax(document)
        rows = self._one(id_).of([id_])
        if not rows:
            raise RejectedError(f"item {document.code} ({id_}) is no longer in Xero")
        (row,) = rows
        if differs := changed(item_values(document, price, tax), row):
            body = {LIST: [{"ItemID": id_, "Code": row["Code"], "Name": row["Name"], **differs}]}
            # Said again after somebody else's change it has to count again.
            key = f"{id_}:{row['UpdatedDateUTC']}"
            row = only(self._client.post(f"{LIST}/{id_}", body, key=key, params=_DIGITS), LIST)
        return self._item(row)

    def _price_and_tax(self, document: ItemDocument) -> tuple[Decimal | None, str | None]:
        """The price as Xero keeps it, and the tax type; None for what is left as it is.

        Raises: UnmappedError: Xero has no such tax. RejectedError: that cannot be said in Xero.
        """
        if document.taxes is None:
            tax = None
        elif len(document.taxes) > 1:
            raise RejectedError(
                f"{self._client.connection}: an item of Xero's has one tax rate, and "
                f"{document.code} has {' and '.join(document.taxes)}; make one rate of them there"
            )
        else:
            known = self._master.known({"taxes": set(document.taxes)})
            tax = known.taxes[document.taxes[0]] if document.taxes else None
        price = document.price
        if price is not None and self._options.prices_include_tax:
            if document.taxes is None:
                raise RejectedError(
                    f"{self._client.connection} keeps prices with tax, and nothing says how "
                    f"{document.code} is taxed; name its tax, or set prices_include_tax = false"
                )
            price *= 1 + (tax.percent if tax else Decimal(0)) / 100
        if price is not None:
            price = price.quantize(_SMALLEST)
        if document.taxes is None:
            return price, None
        return price, tax.type if tax else _UNTAXED

    def _found(self, code: str) -> Listed:
        """By code, letters of any case."""
        said = quoted(code)
        return self._all() if said is None else self._read(LIST, where=f"Code=={said}")

    def _one(self, id_: str) -> Listed:
        """The item, by itself where that is an id as Xero makes them."""
        return self._read(f"{LIST}/{id_}") if is_id(id_) else self._all()

    def _all(self) -> Listed:
        return self._read(LIST)

    def _read(self, path: str, **params: str) -> Listed:
        as_of = self._clock()
        answer = self._client.get(path, params={**_DIGITS, **params})
        return Listed(as_of, {text(row["ItemID"]): row for row in answer.get(LIST) or ()})
