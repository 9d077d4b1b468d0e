"""What Tryton's items cost, computed by Tryton: formulas of price lists are not read here.

Calls for any number of items: one for the list prices and one per price list; of a list whose
prices hold tax, one per set of taxes among the items. Two more look up currency and lists.

Source: trytond 8.2, modules sale, product_price_list and sale_price_list.
"""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from accord.erp.tryton.asking import Asking
from accord.erp.tryton.items import TAX_NAMES, tax_names
from accord.erp.tryton.wire import Values, related, truth
from accord.model.item import ItemPrices

_PRICE: Final = "sale_price_uom"  # of one unit that it is sold in, net
_TAX_IDS: Final = "account_category.customer_taxes_used"


class Pricing:
    """List prices and prices by list, net."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking

    def prices(
        self, ids: Sequence[str], lists: Sequence[str], *, currency: str
    ) -> list[ItemPrices]:
        """See ``ErpAdapter.prices``.

        Tryton keeps prices in the company's currency and converts them by its own rates.
        Raises: also UnsupportedError: lists without module sale_price_list.
        """
        if not ids:
            return []
        money = self._asking.master.known({"currencies": {currency}}).currencies[currency].id
        found = self._lists(lists)
        rows = self._asking.products(
            ids, [_PRICE, _TAX_IDS, *TAX_NAMES], currency=money, quantity=1
        )
        by_list: dict[int, dict[str, Decimal]] = defaultdict(dict)
        for name in lists:
            for id_, price in self._by_list(rows, found[name], money).items():
                by_list[id_][name] = price
        return [
            ItemPrices(
                item=row["code"],
                currency=currency,
                base=row[_PRICE],
                lists=by_list[row["id"]],
                taxes=tax_names(row),
            )
            for row in rows
        ]

    def _by_list(self, rows: Sequence[Values], of: Values, money: int) -> dict[int, Decimal]:
        """The products' net prices by one price list, without those that have none."""
        prices: dict[int, Decimal] = {}
        if not truth(of["tax_included"]):
            groups: dict[tuple[int, ...], list[str]] = {(): [str(row["id"]) for row in rows]}
        else:  # Tryton takes the tax out again where it is told which
            groups = defaultdict(list)
            for row in rows:
                taxes = related(row, "account_category").get("customer_taxes_used") or ()
                groups[tuple(sorted(taxes))].append(str(row["id"]))
        for taxes, ids in groups.items():
            context: dict[str, Any] = {"price_list": of["id"], "currency": money, "quantity": 1}
            if taxes:
                context["taxes"] = list(taxes)
            for row in self._asking.products(ids, [_PRICE], **context):
                if row[_PRICE] is not None:
                    prices[row["id"]] = row[_PRICE]
        return prices

    def _lists(self, names: Sequence[str]) -> dict[str, Values]:
        """Raises: UnmappedError: naming every list that Tryton does not hold once."""
        if not names:
            return {}
        company = ["company", "=", self._asking.master.context()["company"]]
        domain = [["name", "in", list(names)], ["active", "=", True], company]
        rows = self._asking.rows("product.price_list", domain, ["name", "tax_included"])
        found = {
            name: of_name[0]
            for name in names
            if len(of_name := [row for row in rows if row["name"] == name]) == 1
        }
        if missing := [name for name in names if name not in found]:
            raise self._asking.unmapped(
                [f"price_list:{name}" for name in missing],
                "make one price list of that name in Tryton, or mend the store's prices",
            )
        return found
