"""What orders do to the stock, by their status, line by line.

Processing, completed and on-hold take it once; cancelled and pending give back what was taken;
failed, refunded and the trash give nothing back. What a line took is in its ``_reduced_stock``, and
what refunds put back of it in ``_restock_refunded_items``. REST sells past zero.
Source: WooCommerce 10.5.0 as observed; wc_maybe_reduce_stock_levels, wc_restock_refunded_items and
wc_maybe_adjust_line_item_product_stock.
"""

from collections.abc import Iterator

from accord.local.store.documents import Doc, line_meta
from accord.local.store.shelf import Shelf

TAKING = frozenset({"processing", "completed", "on-hold"})
_GIVING_BACK = frozenset({"cancelled", "pending"})
_REDUCED = "_reduced_stock"
_RESTOCKED = "_restock_refunded_items"

Touched = list[int]
"""Ids of the products whose stock moved, each as often as it did."""


class OrderStock:
    """The stock of a shelf, as its shop's orders take it and give it back."""

    def __init__(self, shelf: Shelf, ids: Iterator[int]) -> None:
        self._shelf = shelf
        self._ids = ids
        self._reduced: set[int] = set()  # orders that have taken theirs

    def follow(self, order: Doc) -> Touched:
        """What the order's status asks for, unless it was done before."""
        id_ = int(order["id"])
        lines: list[Doc] = order["line_items"]
        reduced = id_ in self._reduced or any(_count(line, _REDUCED) for line in lines)
        touched: Touched = []
        if order["status"] in TAKING and not reduced:
            self._reduced.add(id_)
            for line in lines:
                if line["quantity"] and self._move(line, line["quantity"], touched):
                    self._note(line, _REDUCED, line["quantity"])
        elif order["status"] in _GIVING_BACK and reduced:
            self._reduced.discard(id_)
            for line in lines:
                if self._move(line, -_count(line, _REDUCED), touched):
                    self._note(line, _REDUCED, None)
        return touched

    def adjust(self, order: Doc, line: Doc, quantity: int) -> Touched:
        """A line has another quantity now, or is new; 0: it goes."""
        touched: Touched = []
        if order["status"] in TAKING:
            wanted = max(quantity - _count(line, _RESTOCKED), 0)
            if self._move(line, wanted - _count(line, _REDUCED), touched):
                self._note(line, _REDUCED, wanted)
        return touched

    def restock(self, line: Doc, quantity: int) -> Touched:
        """A refund puts ``quantity`` back, more than was sold too, if the line took any.

        Of a product that the shelf does not know the line is told all the same.
        """
        touched: Touched = []
        known = _product_of(line) in self._shelf.documents
        if known and not (_count(line, _REDUCED) and self._move(line, -quantity, touched)):
            return []
        if known:
            self._note(line, _REDUCED, _count(line, _REDUCED) - quantity)
        self._note(line, _RESTOCKED, _count(line, _RESTOCKED) + quantity)
        return touched

    def _move(self, line: Doc, quantity: int, touched: Touched) -> bool:
        if not quantity:
            return False
        id_ = self._shelf.take(_product_of(line), quantity)
        if id_ is not None:
            touched.append(id_)
        return id_ is not None

    def _note(self, line: Doc, key: str, value: int | None) -> None:
        meta: list[Doc] = line["meta_data"]
        held = next((it for it in meta if it["key"] == key), None)
        if value is None:
            meta[:] = [it for it in meta if it["key"] != key]
        elif held:
            held |= {"value": str(value), "display_value": str(value)}
        else:
            meta.append(line_meta(next(self._ids), key, str(value)))


def _count(line: Doc, key: str) -> int:
    return next((int(it["value"]) for it in line["meta_data"] if it["key"] == key), 0)


def _product_of(line: Doc) -> int:
    return int(line["variation_id"] or line["product_id"] or 0)
