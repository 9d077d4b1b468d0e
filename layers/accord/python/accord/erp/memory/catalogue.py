"""The ledger's catalogue: items, what they are made of, how many there are and what they cost."""

from collections.abc import Callable, Mapping

from accord.erp.memory.entries import Entry, Json, Records
from accord.erp.memory.items import Items, shown_item
from accord.erp.memory.master import Master
from accord.erp.memory.pricing import Prices, amount_of
from accord.erp.memory.recipes import Recipes
from accord.erp.memory.stocks import Stocks


class Catalogue:
    """``master`` is the given one, with the items that are there by now among its own."""

    def __init__(self, records: Records, master: Master) -> None:
        self._items = items = Items(records, master)
        self.master = items.known(master)
        self._prices = Prices(records, items, master)
        self._recipes = Recipes(records, items)
        self.stocks = Stocks(records, items, self._recipes, master)

    @property
    def operations(self) -> Mapping[str, Callable[[Json], Json]]:
        """What can be asked and done, by name."""
        return {
            "item_ids": self._items.list_ids,
            "find_items": self._items.find,
            "items": self._items.read,
            "stock": self.stocks.read,
            "prices": self._prices.read,
            "recipes": self._recipes.read,
            "update_item": self._update,
            # What people do in the back office.
            "add_items": self._add,
            "edit_item": self._items.edit,
            "receive_goods": self.stocks.receive,
            "count_stock": self.stocks.count,
            "set_price": self._prices.put,
            "set_sale": self._prices.put_sale,
            "set_discount": self._prices.discount,
            "set_recipe": self._recipes.put,
        }

    def enter(self, entry: Entry) -> None:
        """A new item that a store told of, with its price."""
        price = _price(entry.document)
        self._items.enter(entry)
        if price is not None:
            self._prices.write(entry, price)

    def _update(self, arguments: Json) -> Json:
        price = _price(arguments["document"])
        entry = self._items.update(arguments)
        if price is not None:
            self._prices.write(entry, price)
        return {"item": shown_item(entry)}

    def _add(self, arguments: Json) -> Json:
        """Each with its price and what comes in of it; the first that is refused ends it."""
        added = []
        for row in arguments["items"]:
            entry = self._items.add(row["code"], row["fields"])
            if row["price"] is not None:
                self._prices.write(entry, row["price"])
            for location, quantity in row["stock"].items():
                wanted = {"code": entry.key, "location": location, "quantity": quantity}
                self.stocks.receive(wanted)
            added.append(shown_item(entry))
        return {"items": added}


def _price(document: Json) -> str | None:
    """Its price, looked at before anything is written. Raises: RefusedError: it is none."""
    price: str | None = document["price"]
    if price is not None:
        amount_of(price)
    return price
