"""Orders and their documents, as the rows of a list name them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from accord.errors import AccordError, UnsupportedError
from accord.model.documents import Kind, Record, SalesOrder, State
from accord.model.money import Money
from accord.ports.numbers import Numbered, Numbers
from accord.ports.shop import Shop
from accord.ports.store import Store
from accord.sync.adopt_rows import PAGE, NotLinkedError, Pair, Row
from accord.sync.decide import CLOSED
from accord.sync.reading import order_of
from accord.sync.sales import BackOffice


class Tie(Protocol):
    """Links an order, as the store shows it, and a record; False where they are linked already."""

    def __call__(self, document: dict[str, Any], digest: str, record: Record) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """The orders and documents that a page of rows names, read in bulk."""

    name: str
    back: BackOffice
    store: Store
    shop: Shop
    tie: Tie
    by_id: Mapping[str, tuple[dict[str, Any], str]]
    documents: Sequence[Numbered]

    @classmethod
    def read(
        cls,
        rows: Sequence[Row],
        *,
        name: str,
        back: BackOffice,
        store: Store,
        shop: Shop,
        tie: Tie,
    ) -> "Orders":
        """Few calls for all of ``rows``; none for no rows."""
        documents, found = _read(rows, back, shop) if rows else ([], {})
        return cls(
            name=name,
            back=back,
            store=store,
            shop=shop,
            tie=tie,
            by_id=found,
            documents=documents,
        )

    def pair(self, row: Row) -> Pair:
        """Raises: NotLinkedError: they are not there, or do not agree."""
        document, reference = None, ""
        if row.erp_number:
            document = self._document(row.erp_number)
            reference = document.reference
        order, shown, digest = self._order(row, row.number or reference)
        if document is None:
            document = self._like(order)
        elif not (row.store_id or row.number):
            self._check_day(order, document)
        record = document.record
        _check(order, record, self.back.name)
        return Pair(
            row,
            f"{order.ref} ({order.number})",
            f"{record.number} ({record.ref})",
            lambda: self.tie(shown, digest, record),
        )

    def _document(self, number: str) -> Numbered:
        found = [each for each in self.documents if each.record.number == number]
        if len(found) != 1:
            raise NotLinkedError(
                f"{self.back.name} has {len(found) or 'no'} sales orders {number!r}"
            )
        return found[0]

    def _order(self, row: Row, number: str) -> tuple[SalesOrder, dict[str, Any], str]:
        entry = self.by_id.get(row.store_id) if row.store_id else None
        if not row.store_id:
            guess = self.by_id.get(number)
            if guess is not None and str(guess[0].get("number")) == number:
                entry = guess
            elif number:
                hits = self.shop.orders_by_number(number)
                entry = hits[0] if len(hits) == 1 else None
        if entry is None:
            name = row.store_id or number or "that its reference would name"
            raise NotLinkedError(f"{self.name} has no order {name}")
        try:
            # What is compared here no mend changes; what is remembered of it, ``tie`` reads.
            order = order_of(self.store, entry[0], None)
        except AccordError as error:
            raise NotLinkedError(str(error)) from error
        if row.number and order.number != row.number:
            raise NotLinkedError(f"order {row.store_id} has the number {order.number}")
        return order, *entry

    def _like(self, order: SalesOrder) -> Numbered:
        """The document that bears the order's number, with its total, of its day."""
        named = [
            each for each in self.documents if order.number in {each.reference, each.record.number}
        ]
        if not named:
            raise NotLinkedError(
                f"no sales order of {self.back.name} bears the number {order.number}; name one "
                "in erp_number"
            )
        same = [each for each in named if _gross(each.record) == order.total] or named
        if len(same) > 1:
            same = [each for each in same if self._same_day(order, each)] or same
        if len(same) > 1:
            numbers = ", ".join(each.record.number for each in same)
            raise NotLinkedError(f"{numbers} all bear its number; name one in erp_number")
        self._check_day(order, same[0])
        return same[0]

    def _same_day(self, order: SalesOrder, document: Numbered) -> bool:
        return document.placed_on in {None, self.back.day(order.placed_at)}

    def _check_day(self, order: SalesOrder, document: Numbered) -> None:
        if not self._same_day(order, document):
            raise NotLinkedError(
                f"{document.record.number} is of {document.placed_on}, the order of "
                f"{self.back.day(order.placed_at)}; name both sides if they are one"
            )


def _read(
    rows: Sequence[Row], back: BackOffice, shop: Shop
) -> tuple[list[Numbered], dict[str, tuple[dict[str, Any], str]]]:
    """Documents by the numbers, and orders by the ids, that ``rows`` name or lead to."""
    numbers = {row.erp_number or row.number for row in rows} - {""}
    documents = list(_numbered(back, sorted(numbers)))
    guessed = [row.store_id or row.number for row in rows]
    guessed += [
        each.reference
        for each in documents
        if any(row.erp_number == each.record.number for row in rows)
    ]
    ids = [each for each in dict.fromkeys(guessed) if each.isascii() and each.isdigit()]
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for begin in range(0, len(ids), PAGE):
        entries = shop.orders_of(ids[begin : begin + PAGE])
        found |= {str(document["id"]): (document, digest) for document, digest in entries}
    # Rows that name a store's id alone: by the numbers that those orders have.
    late = {
        str(found[row.store_id][0].get("number"))
        for row in rows
        if row.store_id in found and not row.erp_number
    } - numbers
    documents += _numbered(back, sorted(late))
    return documents, found


def _numbered(back: BackOffice, numbers: Sequence[str]) -> Iterator[Numbered]:
    adapter = back.adapter
    if not isinstance(adapter, Numbers):
        raise UnsupportedError(f"{back.name} cannot be searched by number, so orders stay unlinked")
    for begin in range(0, len(numbers), PAGE):
        yield from adapter.numbered(Kind.SALES_ORDER, numbers[begin : begin + PAGE])


def _gross(record: Record) -> Money | None:
    return record.totals.gross if record.totals is not None else None


def _check(order: SalesOrder, record: Record, erp: str) -> None:
    """Raises: NotLinkedError: they are not one, or the flows would change one of them at once."""
    gross = _gross(record)
    if gross != order.total:
        raise NotLinkedError(f"{record.number} comes to {gross}, the order to {order.total}")
    if record.state is State.DRAFT:
        raise NotLinkedError(f"{record.number} is a draft in {erp}; offer or confirm it first")
    closed = order.status in CLOSED
    if record.state is State.VOIDED and not closed:
        raise NotLinkedError(
            f"{record.number} is cancelled in {erp}, and the order is {order.status}"
        )
    if closed and order.status != "refunded" and record.state is not State.VOIDED:
        raise NotLinkedError(
            f"the order is {order.status}, and {record.number} stands in {erp}; cancel it there"
        )
