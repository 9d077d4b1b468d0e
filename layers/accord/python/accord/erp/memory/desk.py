"""What people do in the back office with items, stock and prices; no part of the port."""

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

from accord.erp.memory.item_mapping import Json, item_fields_to_wire, item_from_wire
from accord.model.item import Item, Lifecycle


class CatalogueDesk:
    """Items are named by their codes. A location that is not said is ``Master.warehouse``."""

    _connection: str

    def _call(self, operation: str, arguments: Json) -> Json:
        raise NotImplementedError

    def add_item(
        self,
        code: str,
        *,
        price: Decimal | None = None,
        stock: Mapping[str, Decimal] | None = None,
        **fields: Any,
    ) -> Item:
        """The new item; ``fields`` are those of Item, the name is the code unless it is said.

        ``price`` is the list price, ``stock`` what comes in of it, by location.
        Raises: DuplicateError: an item with the code is there.
        """
        (added,) = self.add_items([{"code": code, "price": price, "stock": stock, **fields}])
        return added

    def add_items(self, items: Iterable[Mapping[str, Any]]) -> list[Item]:
        """Many in one call: each holds the arguments of ``add_item`` by name."""
        found = self._call("add_items", {"items": [_row(**item) for item in items]})["items"]
        return [item_from_wire(each, connection=self._connection) for each in found]

    def edit_item(self, code: str, **fields: Any) -> Item:
        """The item with ``fields`` of Item as they are now."""
        wanted = {"code": code, "changes": item_fields_to_wire(fields)}
        found = self._call("edit_item", wanted)["item"]
        return item_from_wire(found, connection=self._connection)

    def set_lifecycle(self, code: str, lifecycle: Lifecycle) -> Item:
        """The item, sold from now on as ``lifecycle`` says."""
        return self.edit_item(code, lifecycle=lifecycle)

    def archive_item(self, code: str) -> Item:
        """The item, hidden from those who choose one."""
        return self.edit_item(code, active=False)

    def receive_goods(self, code: str, quantity: Decimal, location: str = "") -> None:
        """So many come in. Raises: RejectedError: it is a service; UnmappedError: no location."""
        wanted = {"code": code, "quantity": str(quantity), "location": location}
        self._call("receive_goods", wanted)

    def count_stock(
        self, code: str, quantity: Decimal, location: str = "", *, silent: bool = False
    ) -> None:
        """So many are at the location, reserved ones too, whatever the books said.

        ``silent``: no change date moves, as when someone mends the database by hand.
        """
        wanted = {
            "code": code,
            "quantity": str(quantity),
            "location": location,
            "silent": silent,
        }
        self._call("count_stock", wanted)

    def set_price(
        self, code: str, price: Decimal | None, *, price_list: str = "", currency: str | None = None
    ) -> None:
        """The list price, or the price by ``price_list``; None takes it away.

        Of a price by a list it is told that the list changed, not whose price.
        """
        wanted = {
            "code": code,
            "price": None if price is None else str(price),
            "list": price_list,
            "currency": currency,
        }
        self._call("set_price", wanted)

    def set_discount(self, price_list: str, percent: Decimal) -> None:
        """By ``price_list`` everything costs so many percent less than its list price."""
        self._call("set_discount", {"list": price_list, "percent": str(percent)})

    def set_sale(
        self,
        code: str,
        price: Decimal | None,
        starts_on: dt.date | None = None,
        ends_on: dt.date | None = None,
        *,
        currency: str | None = None,
    ) -> None:
        """The special price and its days; None ends it."""
        wanted = {
            "code": code,
            "price": None if price is None else str(price),
            "starts_on": starts_on and starts_on.isoformat(),
            "ends_on": ends_on and ends_on.isoformat(),
            "currency": currency,
        }
        self._call("set_sale", wanted)

    def set_recipe(
        self,
        code: str,
        inputs: Mapping[str, Decimal],
        kind: Literal["kit", "bom"] = "bom",
        *,
        output: Decimal = Decimal(1),
    ) -> None:
        """What ``output`` pieces are made of: code → quantity; nothing takes the recipe away.

        Orders that are confirmed already keep the parts they had.
        Raises: UnmappedError: no such part; RejectedError: it would be made of itself.
        """
        wanted = {
            "code": code,
            "inputs": {part: str(quantity) for part, quantity in inputs.items()},
            "kind": kind,
            "output": str(output),
        }
        self._call("set_recipe", wanted)


def _row(
    code: str,
    *,
    price: Decimal | None = None,
    stock: Mapping[str, Decimal] | None = None,
    **fields: Any,
) -> Json:
    return {
        "code": code,
        "fields": item_fields_to_wire(fields),
        "price": None if price is None else str(price),
        "stock": {location: str(quantity) for location, quantity in (stock or {}).items()},
    }
