"""What the ledger's items cost: list prices, prices by price list, special prices."""

import datetime as dt
from decimal import Decimal

from accord.erp.memory.entries import Entry, Json, Records, RefusedError
from accord.erp.memory.items import Items
from accord.erp.memory.master import Master
from accord.model.money import Money

_BASE = ""  # the name of no price list


class Prices:
    """Prices by item, price list and currency.

    By a list with a discount, every item that has a list price has one.
    """

    def __init__(self, records: Records, items: Items, master: Master) -> None:
        self._records = records
        self._items = items
        self._master = master
        self._by_id: dict[str, dict[tuple[str, str], Decimal]] = {}  # (list, currency) → price
        self._sales: dict[tuple[str, str], Json] = {}  # (item id, currency) → SalePrice
        self._lists: dict[str, Entry] = {}
        self._discounts: dict[str, Decimal] = {}  # list → percent

    def read(self, arguments: Json) -> Json:
        """The prices of each item in the currency, by the lists that have one for it."""
        lists, currency = arguments["price_lists"], arguments["currency"]
        self._master.check({"price_lists": lists, "currency": currency})
        return {
            "prices": [
                self._shown(entry, lists, currency) for entry in self._items.of(arguments["ids"])
            ]
        }

    # --- what people do -----------------------------------------------------------

    def put(self, arguments: Json) -> Json:
        """A person writes the list price, or the price by a list; None takes it away."""
        self.write(
            self._items.named(arguments["code"]),
            arguments["price"],
            list_=arguments["list"],
            currency=arguments["currency"],
        )
        return {}

    def put_sale(self, arguments: Json) -> Json:
        """A person writes the special price and its days; None ends it."""
        entry = self._items.named(arguments["code"])
        key = entry.id, self._currency(arguments["currency"])
        sale = None
        if arguments["price"] is not None:
            amount_of(arguments["price"])
            sale = {name: arguments[name] for name in ("price", "starts_on", "ends_on")}
            for day in (sale["starts_on"], sale["ends_on"]):
                if day is not None:
                    dt.date.fromisoformat(day)
        if sale != self._sales.get(key):
            if sale is None:
                del self._sales[key]
            else:
                self._sales[key] = sale
            self._records.touched("price", entry)
        return {}

    def discount(self, arguments: Json) -> Json:
        """A person gives all items of a list so many percent off their list prices."""
        list_, percent = arguments["list"], Decimal(arguments["percent"])
        self._master.check({"price_lists": [list_]})
        if not 0 <= percent <= 100:
            raise RefusedError("rejected", f"{percent} % cannot be taken off")
        if self._discounts.get(list_) != percent:
            self._discounts[list_] = percent
            self._touch_list(list_)
        return {}

    def write(
        self, entry: Entry, price: str | None, *, list_: str = _BASE, currency: str | None = None
    ) -> None:
        """The item's price; what is told is the item, or the list that the price is of."""
        key = list_, self._currency(currency)
        if list_ != _BASE:
            self._master.check({"price_lists": [list_]})
        prices = self._by_id.setdefault(entry.id, {})
        amount = None if price is None else amount_of(price)
        if prices.get(key) == amount:
            return
        if amount is None:
            del prices[key]
        else:
            prices[key] = amount
        if list_ == _BASE:
            self._records.touched("price", entry)
        else:
            self._touch_list(list_)

    # --- how it is kept -------------------------------------------------------------

    def _shown(self, entry: Entry, lists: list[str], currency: str) -> Json:
        prices = self._by_id.get(entry.id, {})
        base = prices.get((_BASE, currency))
        by_list = {list_: self._by_list(prices, list_, currency) for list_ in lists}
        return {
            "item": entry.key,
            "currency": currency,
            "base": None if base is None else str(base),
            "lists": {list_: str(price) for list_, price in by_list.items() if price is not None},
            "gross": self._master.gross_prices,
            "taxes": entry.document.get("taxes", []),
            "sale": self._sales.get((entry.id, currency)),
        }

    def _by_list(
        self, prices: dict[tuple[str, str], Decimal], list_: str, currency: str
    ) -> Decimal | None:
        base, percent = prices.get((_BASE, currency)), self._discounts.get(list_)
        if (list_, currency) in prices or base is None or percent is None:
            return prices.get((list_, currency))
        return Money(base * (100 - percent) / 100, currency).rounded().amount

    def _currency(self, currency: str | None) -> str:
        currency = currency or self._master.currency
        self._master.check({"currency": currency})
        return currency

    def _touch_list(self, list_: str) -> None:
        if (entry := self._lists.get(list_)) is not None:
            self._records.wrote(entry)
        else:
            self._lists[list_] = self._records.keep(self._records.new("price_list", list_, {}))


def amount_of(price: str) -> Decimal:
    """Raises: RefusedError: less than nothing."""
    amount = Decimal(price)
    if amount < 0:
        raise RefusedError("rejected", f"{amount} is no price")
    return amount
