"""How many there are of the ledger's items, by location, and how many of them are promised."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal

from accord.erp.memory.entries import Entry, Json, Records, RefusedError
from accord.erp.memory.items import Items, is_goods
from accord.erp.memory.master import Master
from accord.erp.memory.recipes import Recipes


@dataclass(slots=True)
class _Promise:
    """So many pieces of what was sold are still to leave. ``parts`` are what one piece is made of,
    as it was when the order was confirmed: a kit may be changed since."""

    parts: tuple[tuple[Entry, Decimal], ...]
    pieces: Decimal


class Stocks:
    """Sold goods are promised by the master's warehouse, leave from it and come back to it.

    Of an item that is not kept here (with ``Master.items`` of None every code is sold) nothing is
    counted.
    """

    def __init__(self, records: Records, items: Items, recipes: Recipes, master: Master) -> None:
        self._records = records
        self._items = items
        self._recipes = recipes
        self._master = master
        self._there: dict[str, dict[str, Decimal]] = {}  # item id → location → quantity
        self._promised: dict[str, Decimal] = {}  # item id → quantity
        self._orders: dict[str, dict[str, _Promise]] = {}  # order id → item code

    def read(self, arguments: Json) -> Json:
        """What is free of each item at each of the locations; services are left out."""
        locations = arguments["locations"]
        self._master.check({"locations": locations})
        return {
            "stock": [
                {
                    "item": entry.key,
                    "free": {location: str(self._free(entry, location)) for location in locations},
                }
                for entry in self._items.of(arguments["ids"])
                if is_goods(entry)
            ]
        }

    # --- what people do -----------------------------------------------------------

    def receive(self, arguments: Json) -> Json:
        """So many more are at the location."""
        quantity = Decimal(arguments["quantity"])
        if quantity <= 0:
            raise RefusedError("rejected", f"{quantity} cannot come in")
        entry, location = self._kept(arguments)
        self._move(entry, location, quantity)
        self._records.touched("stock", entry)
        return {}

    def count(self, arguments: Json) -> Json:
        """So many are at the location, whatever the books said; told of unless ``silent``."""
        entry, location = self._kept(arguments)
        before = self._there.get(entry.id, {}).get(location, Decimal(0))
        change = Decimal(arguments["quantity"]) - before
        if change:
            self._move(entry, location, change)
            if not arguments["silent"]:
                self._records.touched("stock", entry)
        return {}

    # --- what orders do -------------------------------------------------------------

    def promise(self, order: str, goods: Mapping[str, Decimal]) -> None:
        """``goods`` of a confirmed order are free no more."""
        for code, pieces in goods.items():
            if (entry := self._items.first(code)) is not None:
                made = _Promise(tuple(self._recipes.parts(entry)), pieces)
                self._orders.setdefault(order, {})[code] = made
                self._claim(made, pieces)

    def ship(self, order: str, goods: Mapping[str, Decimal]) -> None:
        """``goods`` of the order leave the warehouse, and with them the promise of them."""
        for promise, pieces in self._of(order, goods):
            promise.pieces -= pieces
            for entry, each in promise.parts:
                self._move(entry, self._master.warehouse, -each * pieces)
            self._claim(promise, -pieces)

    def release(self, order: str) -> None:
        """What has not left of the order is free again."""
        for promise in self._orders.get(order, {}).values():
            pieces, promise.pieces = promise.pieces, Decimal(0)
            self._claim(promise, -pieces)

    def take_back(self, order: str, goods: Mapping[str, Decimal]) -> None:
        """``goods`` of the order are in the warehouse again."""
        for promise, pieces in self._of(order, goods):
            for entry, each in promise.parts:
                self._move(entry, self._master.warehouse, each * pieces)
                self._records.touched("stock", entry)

    def _of(self, order: str, goods: Mapping[str, Decimal]) -> Collection[tuple[_Promise, Decimal]]:
        promises = self._orders.get(order, {})
        return [(promises[code], pieces) for code, pieces in goods.items() if code in promises]

    def _claim(self, promise: _Promise, pieces: Decimal) -> None:
        if not pieces:
            return
        for entry, each in promise.parts:
            self._promised[entry.id] = self._promised.get(entry.id, Decimal(0)) + each * pieces
            self._records.touched("stock", entry)

    # --- the shelves ------------------------------------------------------------------

    def _free(self, entry: Entry, location: str) -> Decimal:
        there = self._there.get(entry.id, {}).get(location, Decimal(0))
        if location != self._master.warehouse:
            return there
        return there - self._promised.get(entry.id, Decimal(0))

    def _kept(self, arguments: Json) -> tuple[Entry, str]:
        """The item and the location. Raises: RefusedError: no such, or a service."""
        entry = self._items.named(arguments["code"])
        location: str = arguments["location"] or self._master.warehouse
        self._master.check({"locations": [location]})
        if not is_goods(entry):
            raise RefusedError("rejected", f"{entry.key} is a service: there is no stock of it")
        return entry, location

    def _move(self, entry: Entry, location: str, quantity: Decimal) -> None:
        shelves = self._there.setdefault(entry.id, {})
        shelves[location] = shelves.get(location, Decimal(0)) + quantity
