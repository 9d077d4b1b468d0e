"""What changed of items, stock, prices and recipes, and when.

Tryton dates each record by itself: a template apart from its variants, a price list apart from its
lines. So a change is looked for in every record that says something of an item, and told of the
item; what speaks of any item (a price list, a category) is told as itself.

A look that finds little takes one call per source. Only where more changed than a page holds are
the changes of that source read in order, in two calls for each of its dates.

Source: trytond 8.2, ModelSQL and the modules named here; recordings of a running server.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from accord.erp.tryton.asking import Asking
from accord.erp.tryton.stocks import NOT_YET_SHIPPED
from accord.erp.tryton.wire import Values
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.progress import News

Domain = list[Any]
Position = tuple[dt.datetime, str, int]
"""A time, a group, and the id of a record of that group that changed then."""

WATCHED: Final = frozenset({Kind.ITEM, Kind.STOCK, Kind.PRICE, Kind.RECIPE})

_ROWS: Final = 500  # of one answer; each is a date and an id
_WRITTEN: Final = ["write_date", "!=", None]


@dataclass(frozen=True, slots=True)
class Source:
    """Records of one model that tell of others by their dates.

    ``owner`` is the path to the id of what they tell of, which is an item unless ``group`` says
    otherwise: ids of other things bear it before them, ``bom-3``. ``dates`` are the paths to the
    records whose dates count.
    """

    model: str
    domain: Domain
    owner: str = "id"
    group: str = ""
    dates: tuple[str, ...] = ("",)

    @property
    def fields(self) -> list[str]:
        return [
            self.owner.removesuffix(".id"),
            *(f"{path}{name}" for path in self.dates for name in ("create_date", "write_date")),
        ]

    def since(self, at: dt.datetime) -> Domain:
        """All that changed at ``at`` or later."""
        changed = [
            [
                "OR",
                [f"{path}write_date", ">=", at],
                [[f"{path}write_date", "=", None], [f"{path}create_date", ">=", at]],
            ]
            for path in self.dates
        ]
        return [*self.domain, ["OR", *changed]]

    def behind(self, start: Position, path: str, *, written: bool) -> Domain:
        """What lies behind ``start`` by one of the dates."""
        at, group, id_ = start
        date = _date(path, written)
        then: Domain = [[date, "=", at]]
        if group == self.group:
            then.append([self.owner, ">", id_])
        later: Domain = [date, ">", at]
        known = [f"{path}write_date", "!=" if written else "=", None]
        return [*self.domain, known, later if group > self.group else ["OR", later, then]]

    def order(self, path: str, *, written: bool) -> list[list[str]]:
        return [[_date(path, written), "ASC"], [self.owner, "ASC"]]

    def latest(self, row: Values) -> Position:
        return max(_at(row, path) for path in self.dates), self.group, self._owner(row)

    def by(self, row: Values, path: str) -> Position:
        return _at(row, path), self.group, self._owner(row)

    def _owner(self, row: Values) -> int:
        return int(row[self.owner.removesuffix(".id")])


class Watching:
    """Changes of the catalogue of one company."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def changes(
        self, kind: Kind, since: dt.datetime, *, after: str = "", limit: int = 100
    ) -> list[News]:
        """See ``ErpAdapter.changes``. Of records that were deleted nothing is told."""
        start = (since, *_told_as(after))
        return [
            self._news(kind, position)
            for position in self._page(list(self._sources(kind)), start, limit)
        ]

    def _news(self, kind: Kind, position: Position) -> News:
        at, group, id_ = position
        if not group:
            return News(Ref(self._asking.connection, Kind.ITEM, str(id_)), at, at.isoformat())
        of = Kind.RECIPE.value if kind is Kind.RECIPE else group
        return News(Ref(self._asking.connection, of, f"{group}-{id_}"), at, at.isoformat())

    # --- where changes show -----------------------------------------------------

    def _sources(self, kind: Kind) -> Iterator[Source]:
        match kind:
            case Kind.ITEM:
                yield _PRODUCTS
                yield Source("product.identifier", [_of_item("product.")], owner="product.id")
                yield _CATEGORIES
            case Kind.STOCK:
                yield from self._of_stock()
            case Kind.PRICE:
                yield _PRODUCTS
                yield from self._of_prices()
                yield _CATEGORIES
            case _:
                yield from self._of_recipes()

    def _of_stock(self) -> Iterator[Source]:
        company = self._asking.master.context()["company"]
        item = _of_item("product.")
        yield Source("stock.move", [["company", "=", company], item], owner="product.id")
        # Sold, and not in any move; and no longer sold, before there was one.
        sold = ["OR", ["sale.state", "=", "cancelled"], *NOT_YET_SHIPPED[1:]]
        of_sale = [["sale.company", "=", company], sold]
        yield Source("sale.line", [*of_sale, item], owner="product.id", dates=("sale.",))
        if self._asking.has("product.template", "components"):
            of_line = [["line", "where", of_sale]]
            yield Source(
                "sale.line.component", [*of_line, item], owner="product.id", dates=("line.sale.",)
            )

    def _of_prices(self) -> Iterator[Source]:
        # A list price has a record of its own, but it is written through the item or its template.
        if self._asking.has("product.price_list", "name"):
            company = self._asking.master.context()["company"]
            of_company = [["company", "=", company]]
            yield Source("product.price_list", of_company, group="price_list")
            yield Source(
                "product.price_list.line",
                [["price_list.company", "=", company]],
                owner="price_list.id",
                group="price_list",
            )

    def _of_recipes(self) -> Iterator[Source]:
        if self._asking.has("product.template", "components"):
            yield Source("product.template", [["type", "=", "kit"]], group="kit")
            yield Source("product.component", [], owner="parent_template.id", group="kit")
        if self._asking.has("product.product", "boms"):
            yield Source("production.bom", [], group="bom")
            for model in (
                "production.bom.input",
                "production.bom.output",
                "product.product-production.bom",
            ):
                yield Source(model, [], owner="bom.id", group="bom")

    # --- reading them ----------------------------------------------------------

    def _page(self, sources: Sequence[Source], start: Position, limit: int) -> list[Position]:
        """The first ``limit`` changes behind ``start``, the latest of each record."""
        found: dict[tuple[str, int], Position] = {}
        while True:
            horizon: Position | None = None
            for source in sources:
                positions, end = self._read(source, start)
                for position in positions:
                    if position > start:
                        found[position[1:]] = max(position, found.get(position[1:], position))
                if end is not None:
                    horizon = min(horizon, end) if horizon else end
            # What lies behind the horizon may have others before it that nobody has seen yet. It
            # is met again from there.
            if horizon is not None:
                found = {who: at for who, at in found.items() if at <= horizon}
            if horizon is None or len(found) >= limit:
                return sorted(found.values())[:limit]
            start = horizon

    def _read(self, source: Source, start: Position) -> tuple[Iterable[Position], Position | None]:
        """Changes behind ``start``, and up to where none is missing; None for all there is."""
        rows = self._asking.rows(
            source.model, source.since(start[0]), source.fields, limit=_ROWS + 1
        )
        if len(rows) <= _ROWS:
            return [source.latest(row) for row in rows], None
        positions: list[Position] = []
        horizon: Position | None = None
        # Those never written come first: one that is written meanwhile is then met among the
        # written.
        for written in (False, True):
            for path in source.dates:
                rows = self._asking.rows(
                    source.model,
                    source.behind(start, path, written=written),
                    source.fields,
                    limit=_ROWS,
                    order=source.order(path, written=written),
                )
                positions += [source.by(row, path) for row in rows]
                if len(rows) == _ROWS:
                    end = source.by(rows[-1], path)
                    horizon = min(horizon, end) if horizon else end
        return positions, horizon


def _of_item(path: str) -> Domain:
    return [f"{path}code", "!=", None]


_PRODUCTS: Final = Source("product.product", [_of_item("")], dates=("", "template."))
_CATEGORIES: Final = Source("product.category", [_WRITTEN], group="category")
"""Renamed, moved, or taxed in another way; a new one holds nothing yet."""


def _told_as(after: str) -> tuple[str, int]:
    """The group and the id of a News whose ref has that id."""
    group, _, id_ = after.rpartition("-")
    return group, int(id_) if id_.isdigit() else 0


def _date(path: str, written: bool) -> str:
    return f"{path}{'write' if written else 'create'}_date"


def _at(row: Values, path: str) -> dt.datetime:
    """When the record at ``path`` of ``row`` last changed."""
    for name in path.split(".")[:-1]:
        row = row[f"{name}."]
    at: dt.datetime = row["write_date"] or row["create_date"]
    return at
