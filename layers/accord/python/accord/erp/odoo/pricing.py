"""What Odoo's items cost: list prices, and prices by price list.

Calls for any number of items: 1, 1 more for their taxes, 1 for currencies, and 3 for price lists.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, Final

from accord.erp.odoo.client import Client
from accord.erp.odoo.items import tax_names, template_of
from accord.erp.odoo.listing import Listing
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.price_rules import (
    RULE_FIELDS,
    Priceable,
    PriceLists,
    Rates,
    in_order,
)
from accord.erp.odoo.watching import Source
from accord.erp.odoo.wire import Values, decimal, id_of, text
from accord.model.item import ItemPrices

_LIST: Final = "product.pricelist"
_RULE: Final = "product.pricelist.item"
_CATEGORY: Final = "product.category"


class Pricing:
    """The prices of one company."""

    def __init__(
        self,
        client: Client,
        master: MasterData,
        listing: Listing,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._client = client
        self._master = master
        self._listing = listing
        self._clock = clock

    def prices(
        self, ids: Sequence[str], lists: Sequence[str], *, currency: str
    ) -> list[ItemPrices]:
        """See ``ErpAdapter.prices``. Odoo keeps list prices in the company's currency."""
        if not ids:
            return []
        rates, money = self._rates(currency)
        found = self._lists(lists)
        fields = ["lst_price", "product_tmpl_id", "categ_id", "taxes_id"]
        if lists and self._master.has("product.product", "standard_price"):
            fields.append("standard_price")
        rows = self._listing.products(ids, fields)
        books = self._books(found, rates)
        parents = self._parents() if found else {}
        taxes = self._taxes(rows)
        names = {id_: name for id_, (name, _) in taxes.items()}
        answer = []
        for row in rows:
            of = _priceable(row, parents)
            by_list = {name: books.price(of, id_, money) for name, id_ in found.items()}
            answer.append(
                ItemPrices(
                    item=text(row["default_code"]),
                    currency=currency,
                    base=books.base(of, money),
                    lists={name: price for name, price in by_list.items() if price is not None},
                    gross=any(taxes[id_][1] for id_ in row["taxes_id"] if id_ in taxes),
                    taxes=tax_names(row, names),
                )
            )
        return answer

    def _taxes(self, rows: Sequence[Values]) -> dict[int, tuple[str, bool]]:
        """Name, and whether prices hold it, of the company's taxes that the products bear."""
        ids = sorted({id_ for row in rows for id_ in row["taxes_id"]})
        domain = [["id", "in", ids], ["company_id", "=", self._master.company().id]]
        found = self._client.search_read("account.tax", domain, ["name", "price_include"])
        return {row["id"]: (text(row["name"]), bool(row["price_include"])) for row in found}

    def _rates(self, currency: str) -> tuple[Rates, int]:
        """Odoo's rates of today, and the id of ``currency``. Raises: UnmappedError."""
        rows = self._client.search_read("res.currency", [], ["name", "rate", "rounding"])
        by_name = {row["name"]: row["id"] for row in rows}
        own = self._master.company().currency
        if missing := [code for code in (own, currency) if code not in by_name]:
            raise self._master.unmapped(
                [f"currency:{code}" for code in missing], "make it active in Odoo"
            )
        rates = Rates(
            company=by_name[own],
            rates={row["id"]: decimal(row["rate"]) for row in rows},
            units={row["id"]: decimal(row["rounding"]) for row in rows},
        )
        return rates, by_name[currency]

    def _lists(self, names: Sequence[str]) -> dict[str, int]:
        """Raises: UnmappedError: naming every list that Odoo does not hold once."""
        if not names:
            return {}
        domain = [
            ["name", "in", list(names)],
            ["company_id", "in", [False, self._master.company().id]],
        ]
        rows = self._client.search_read(_LIST, domain, ["name"])
        found = {
            name: of_name[0]["id"]
            for name in names
            if len(of_name := [row for row in rows if row["name"] == name]) == 1
        }
        if missing := [name for name in names if name not in found]:
            raise self._master.unmapped(
                [f"price_list:{name}" for name in missing],
                "make one price list of that name in Odoo, or mend the store's prices",
            )
        return found

    def _books(self, lists: dict[str, int], rates: Rates) -> PriceLists:
        """All rules of the company: a list may be based on any other."""
        if not lists:
            return PriceLists({}, {}, rates, self._clock())
        of_company = ["company_id", "in", [False, self._master.company().id]]
        every = self._client.search_read(_LIST, [of_company], ["currency_id"])
        domain = [["pricelist_id", "in", [row["id"] for row in every]]]
        rules: dict[int, list[Values]] = {}
        for row in self._client.search_read(_RULE, domain, RULE_FIELDS):
            rules.setdefault(id_of(row["pricelist_id"]) or 0, []).append(row)
        return PriceLists(
            {id_: in_order(each) for id_, each in rules.items()},
            {row["id"]: id_of(row["currency_id"]) or 0 for row in every},
            rates,
            self._clock(),
        )

    def _parents(self) -> dict[int, int | None]:
        rows = self._client.search_read(_CATEGORY, [], ["parent_id"])
        return {row["id"]: id_of(row["parent_id"]) for row in rows}

    def sources(self) -> list[Source]:
        """Where changes of price lists show; what they say may be of any item."""
        return [
            Source(_LIST, [["active", "in", [True, False]]], group="price_list"),
            Source(
                _RULE,
                fields=("pricelist_id",),
                owners=lambda row: tuple(filter(None, [id_of(row["pricelist_id"])])),
                group="price_list",
            ),
        ]


def _priceable(row: Values, parents: dict[int, int | None]) -> Priceable:
    categories: list[int] = []
    category = id_of(row["categ_id"])
    while category is not None and category not in categories:
        categories.append(category)
        category = parents.get(category)
    cost: Any = row.get("standard_price")
    return Priceable(
        id=row["id"],
        template=template_of(row),
        categories=tuple(categories),
        price=decimal(row["lst_price"]),
        cost=None if cost is None else decimal(cost),
    )
