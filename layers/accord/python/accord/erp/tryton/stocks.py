"""What is free of Tryton's items, by location.

Calls for any number of items: one per location, and two for what is promised. The first time two
more look up the locations.

Free is what lies there, less what open moves will take away and what was sold without a move yet.
Tryton's own forecast is not that: it forgets a move that was planned for yesterday or has no day,
ends at a day, so that a shipment of next week takes nothing today, and adds what is to come in.

Source: trytond 8.2, modules stock (``move.py``: compute_quantities_query) and sale.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from accord.erp.tryton.asking import Asking
from accord.erp.tryton.units import convert, decimal, of_unit, piece, unit
from accord.erp.tryton.wire import Values, related
from accord.model.stock import Snapshot

_UNITS: Final = of_unit("default_uom", "sale_uom")
_OPEN: Final = ["draft", "assigned"]
NOT_YET_SHIPPED: Final = [
    "OR",
    ["sale.state", "=", "confirmed"],  # until the server's queue has processed it
    [
        ["sale.state", "=", "processing"],
        ["sale.shipment_method", "in", ["invoice", "manual"]],  # until it is paid, or by hand
    ],
]
_LINE: Final = (
    *("product", "quantity", *of_unit("unit")),
    *("moves.quantity", *of_unit("moves.unit")),
)


@dataclass(frozen=True, slots=True)
class Place:
    """A location and the part of it that goods are sold from: of a warehouse, its storage."""

    id: int
    root: int


Claims = Mapping[tuple[int, int], Decimal]
"""(product, storage of the warehouse that ships it) → sold and in no move, in the base unit."""


class Stocks:
    """How many there are to sell."""

    def __init__(self, asking: Asking, clock: Callable[[], dt.datetime]) -> None:
        self._asking = asking
        self._clock = clock
        self._places: dict[str, Place] = {}
        self._roots: dict[int, tuple[int, ...]] = {}

    def stock(self, ids: Sequence[str], locations: Sequence[str]) -> list[Snapshot]:
        """See ``ErpAdapter.stock``. Of a kit there is nothing: its parts are what lies there."""
        if not (ids and locations):
            return []
        as_of = self._clock()
        places = self._found(locations)
        numbers = sorted({int(id_) for id_ in ids if id_.isdigit()})
        # What is promised is read before what is there: goods that leave in between are then
        # subtracted twice until the next look, and never sold twice.
        sold = self._sold(numbers)
        leaving = self._leaving(numbers, places)
        free: dict[str, dict[str, Decimal]] = {}
        for code, place in places.items():
            for row in self._there(ids, place):
                taken = _taken(row, leaving[place.root], sold, place)
                of_item = free.setdefault(row["code"], {})
                there = Decimal(0) if row["type"] == "kit" else decimal(row["quantity"])
                of_item[code] = _pieces(row, there) - taken
        return [
            Snapshot(item, by_place, as_of)
            for item, by_place in free.items()
            if by_place.keys() == places.keys()  # else it was archived or made meanwhile
        ]

    def _there(self, ids: Sequence[str], place: Place) -> list[Values]:
        fields = ["type", "quantity", *_UNITS]
        rows = self._asking.products(ids, fields, locations=[place.id], stock_skip_warehouse=True)
        return [row for row in rows if row["type"] != "service"]

    def _leaving(
        self, ids: list[int], places: Mapping[str, Place]
    ) -> dict[int, dict[int, Decimal]]:
        """Root → product → what open moves take out of there, in its default unit."""
        roots = {place.root for place in places.values()}
        out = [
            [
                ["from_location", "child_of", [root], "parent"],
                ["to_location", "not child_of", [root], "parent"],
            ]
            for root in sorted(roots)
        ]
        rows = self._asking.rows(
            "stock.move",
            [
                ["product", "in", ids],
                ["state", "in", _OPEN],
                ["company", "=", self._asking.master.context()["company"]],
                ["OR", *out],
            ],
            ["product", "from_location", "internal_quantity"],
        )
        self._know_roots(roots, {row["from_location"] for row in rows})
        taken: dict[int, dict[int, Decimal]] = {root: defaultdict(Decimal) for root in roots}
        for row in rows:
            for root in roots.intersection(self._roots.get(row["from_location"], ())):
                taken[root][row["product"]] += decimal(row["internal_quantity"])
        return taken

    def _sold(self, ids: list[int]) -> Claims:
        """What confirmed orders hold of the items that no move says yet; of kits, their parts."""
        fields = [*_LINE, "sale.warehouse.storage_location"]
        of_items: list[Any] = ["product", "in", ids]
        if self._asking.has("product.template", "components"):
            fields += [f"components.{name}" for name in _LINE]
            of_items = ["OR", of_items, ["components.product", "in", ids]]
        company = ["sale.company", "=", self._asking.master.context()["company"]]
        domain = [company, ["type", "=", "line"], NOT_YET_SHIPPED, of_items]
        return _claims(self._asking.rows("sale.line", domain, fields))

    # --- locations -----------------------------------------------------------

    def _found(self, codes: Sequence[str]) -> dict[str, Place]:
        """Each location by its code, or by its name where none has that code.

        Raises: UnmappedError: naming every one that Tryton does not hold once.
        """
        if lacking := [code for code in codes if code not in self._places]:
            named = ["OR", ["code", "in", lacking], ["name", "in", lacking]]
            rows = self._asking.rows(
                "stock.location",
                [named, ["active", "=", True]],
                ["code", "name", "storage_location"],
            )
            for code in lacking:
                found = [row for row in rows if row["code"] == code]
                found = found or [row for row in rows if row["name"] == code]
                if len(found) == 1:
                    id_ = found[0]["id"]
                    self._places[code] = Place(id_, found[0]["storage_location"] or id_)
        if missing := [code for code in codes if code not in self._places]:
            raise self._asking.unmapped(
                [f"location:{code}" for code in missing],
                "give one location of Tryton that code, or mend stock.locations",
            )
        return {code: self._places[code] for code in codes}

    def _know_roots(self, roots: set[int], used: set[int]) -> None:
        """Which of ``roots`` each location lies in; asked again for one that is new."""
        known = {root for found in self._roots.values() for root in found}
        if used <= self._roots.keys() and roots <= known:
            return
        roots = roots | known
        domain = [["parent", "child_of", sorted(roots)]]
        rows = self._asking.rows("stock.location", domain, ["parent"])
        parents = {row["id"]: row["parent"] for row in rows}
        self._roots = {id_: tuple(_above(id_, parents) & roots) for id_ in parents}


def _above(id_: int | None, parents: Mapping[int, int | None]) -> set[int]:
    """The location and all that it lies in."""
    found: set[int] = set()
    while id_ is not None and id_ not in found:
        found.add(id_)
        id_ = parents.get(id_)
    return found


def _claims(rows: Iterable[Values]) -> Claims:
    """A cancelled move counts as one: whoever cancelled it settles in Tryton what becomes of it."""
    claims: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for row in rows:
        storage = related(related(row, "sale"), "warehouse").get("storage_location")
        for each in row.get("components.") or [row]:
            in_moves = sum((_base(move) for move in each["moves."]), Decimal(0))
            left = _base(each) - in_moves
            if storage and each["product"] and left > 0:
                claims[each["product"], storage] += left
    return claims


def _base(row: Values) -> Decimal:
    of = unit(row, "unit")
    return of.to_base(decimal(row["quantity"])) if of else decimal(row["quantity"])


def _taken(row: Values, leaving: Mapping[int, Decimal], sold: Claims, place: Place) -> Decimal:
    """What is promised of a product at ``place``, in pieces."""
    to = piece(row)
    claimed = sold.get((row["id"], place.root), Decimal(0))
    of_sales = to.from_base(claimed) if to else claimed
    return _pieces(row, leaving.get(row["id"], Decimal(0))) + of_sales


def _pieces(row: Values, quantity: Decimal) -> Decimal:
    return convert(quantity, unit(row, "default_uom"), piece(row))
