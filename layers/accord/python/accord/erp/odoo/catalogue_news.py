"""What changed of items, stock, prices and recipes.

What speaks of any item (a price list, a category) is told as itself. A page takes one call for each
place where changes show: two of items and stock, five of prices, two of recipes.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from accord.erp.odoo.client import Client
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.pricing import Pricing
from accord.erp.odoo.recipes import Recipes
from accord.erp.odoo.watching import Source, Watching
from accord.erp.odoo.wire import Values, id_of
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.progress import News

WATCHED: Final = frozenset({Kind.ITEM, Kind.STOCK, Kind.PRICE, Kind.RECIPE})
_EVERY: Final[list[Any]] = [["active", "in", [True, False]]]
_ITEMS: Final = (
    Source("product.product", [*_EVERY, ["default_code", "!=", False]]),
    Source(
        "product.template",
        _EVERY,
        ("product_variant_ids",),
        owners=lambda row: row["product_variant_ids"],
    ),
)
_CATEGORIES: Final = Source("product.category", group="category")


class CatalogueNews:
    """Changes of the catalogue of one company."""

    def __init__(
        self,
        client: Client,
        master: MasterData,
        watching: Watching,
        pricing: Pricing,
        recipes: Recipes,
    ) -> None:
        self._system = client.connection
        self._master = master
        self._watching = watching
        self._pricing = pricing
        self._recipes = recipes

    def changes(self, kind: Kind, since: dt.datetime, *, after: str, limit: int) -> list[News]:
        """See ``ErpAdapter.changes``. Of records that were deleted nothing is told."""
        page = self._watching.page(self._sources(kind), since, after, limit)
        return [self._news(kind, *position) for position, _ in page]

    def _news(self, kind: Kind, at: dt.datetime, group: str, id_: int) -> News:
        if not group:
            return News(Ref(self._system, Kind.ITEM, str(id_)), at, at.isoformat())
        of = Kind.RECIPE.value if kind is Kind.RECIPE else group
        return News(Ref(self._system, of, f"{group}-{id_}"), at, at.isoformat())

    def _sources(self, kind: Kind) -> list[Source]:
        match kind:
            case Kind.ITEM:
                return [*_ITEMS, _CATEGORIES]
            case Kind.STOCK:
                of_company: list[Any] = [
                    ["company_id", "=", self._master.company().id],
                    ["product_id.default_code", "!=", False],
                ]
                return [
                    Source(model, of_company, ("product_id",), owners=_product_of)
                    for model in ("stock.quant", "stock.move")
                ]
            case Kind.PRICE:
                return [*_ITEMS, *self._pricing.sources(), _CATEGORIES]
            case _:
                return self._recipes.sources()


def _product_of(row: Values) -> Iterable[int]:
    """The product that a row is about: it was counted, moved, reserved or let go."""
    found = id_of(row["product_id"])
    return (found,) if found else ()
