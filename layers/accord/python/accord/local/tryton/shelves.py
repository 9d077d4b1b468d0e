"""What a person does in Tryton with items: stock, count, price, put together, archive.

Source: trytond 8.2, modules product, stock, product_kit, production, product_price_list; a running
server.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from accord.erp.tryton.wire import Values
from accord.errors import RejectedError
from accord.local.tryton.names import SALES_CATEGORY, WAREHOUSE
from accord.local.tryton.seat import Seat

_BATCH = 50  # items of one call: SQLite's parser overflows at a hundred, when codes are compared
_LAST = 1000  # the sequence of a price list's line for all that no other line is for


class Shelves(Seat):
    """One person in a stock room. Quantities are in each item's own unit.

    Every method raises RejectedError where Tryton, or what lies there, forbids it.
    """

    # --- stock -----------------------------------------------------------------

    def stock_up(self, codes: Iterable[str], quantity: Decimal | int) -> None:
        """Counts ``quantity`` of each item in the warehouse: that many are there afterwards."""
        self.count_all(dict.fromkeys(codes, quantity))

    def count(self, code: str, quantity: Decimal | int, warehouse: str = WAREHOUSE) -> None:
        """An inventory: ``quantity`` are there, whatever the books said."""
        self.count_all({code: quantity}, warehouse)

    def count_all(
        self, quantities: Mapping[str, Decimal | int], warehouse: str = WAREHOUSE
    ) -> None:
        """The same of several items, in one inventory: code → how many are there."""
        place = self._warehouse(warehouse)["storage_location"]
        lines = [
            {"product": row["id"], "quantity": float(quantities[row["code"]])}
            for row in self._items(quantities)
        ]
        (inventory,) = self._do(
            "stock.inventory.create", [{"location": place, "lines": [["create", lines]]}]
        )
        self._do("stock.inventory.confirm", [inventory])

    def receive(self, code: str, quantity: Decimal | int, warehouse: str = WAREHOUSE) -> None:
        """So many come in from a supplier, today."""
        place = self._warehouse(warehouse)["storage_location"]
        self._do("stock.move.do", [self._move(code, quantity, self._outside("supplier"), place)])

    def set_aside(self, code: str, quantity: Decimal | int, warehouse: str = WAREHOUSE) -> int:
        """So many are to go to some customer, by no order: the id of the draft move."""
        place = self._warehouse(warehouse)["storage_location"]
        return self._move(code, quantity, place, self._outside("customer"))

    def put_back(self, move: int) -> None:
        """Deletes the draft ``move``. Tryton dates nothing by that."""
        self._do("stock.move.delete", [move])

    def _move(self, code: str, quantity: Decimal | int, from_: int, to: int) -> int:
        (item,) = self._items([code])
        (company,) = self._search("company.company", [], ["currency"])
        move = {
            "product": item["id"],
            "unit": item["default_uom"],
            "quantity": float(quantity),
            "from_location": from_,
            "to_location": to,
            "company": company["id"],
            "unit_price": Decimal(0),
            "currency": company["currency"],
        }
        (made,) = self._do("stock.move.create", [move])
        return int(made)

    def _outside(self, kind: str) -> int:
        (location,) = self._search("stock.location", [["type", "=", kind]], ["id"])
        return int(location["id"])

    def _warehouse(self, code: str) -> Values:
        domain = [["type", "=", "warehouse"], ["code", "=", code]]
        rows = self._search("stock.location", domain, ["storage_location"])
        if not rows:
            raise RejectedError(f"Tryton has no warehouse {code}")
        return rows[0]

    # --- items -----------------------------------------------------------------

    def make_items(self, codes: Iterable[str], *, price: Decimal | int = 0) -> None:
        """New goods that are sold by the piece, at that list price."""
        (unit,) = self._search("product.uom", [["name", "=", "Unit"]], ["id"])
        sales = [["name", "=", SALES_CATEGORY], ["accounting", "=", True]]
        (category,) = self._search("product.category", sales, ["id"])
        values = [
            {
                "name": f"Item {code}",
                "code": code,
                "type": "goods",
                "default_uom": unit["id"],
                "sale_uom": unit["id"],
                "salable": True,
                "list_price": Decimal(price),
                "account_category": category["id"],
                "products": [["create", [{}]]],
            }
            for code in codes
        ]
        for start in range(0, len(values), _BATCH):
            self._do("product.template.create", values[start : start + _BATCH])

    def make_variants(
        self, family: str, suffixes: Iterable[str], *, price: Decimal | int = 0
    ) -> list[str]:
        """New goods that are variants of one, and their codes: ``family`` and a suffix."""
        self.make_items([family], price=price)
        (item,) = self._items([family])
        first, *others = suffixes
        self._do("product.product.write", [item["id"]], {"suffix_code": first})
        new = [{"template": item["template"], "suffix_code": suffix} for suffix in others]
        if new:
            self._do("product.product.create", new)
        return [f"{family}{suffix}" for suffix in (first, *others)]

    def edit_item(self, code: str, **fields: object) -> None:
        """Writes fields of the template, by Tryton's own names: ``name``, ``salable`` …"""
        (item,) = self._items([code])
        self._do("product.template.write", [item["template"]], fields)

    def archive(self, code: str) -> None:
        """Hides the item; an only variant together with its template. Its stock stays."""
        (item,) = self._items([code])
        if len(item["template."]["products"]) == 1:
            self._do("product.template.write", [item["template"]], {"active": False})
        else:
            self._do("product.product.write", [item["id"]], {"active": False})

    # --- prices ------------------------------------------------------------------

    def set_list_price(self, code: str, price: Decimal | int) -> None:
        """Net, in the company's currency."""
        self.edit_item(code, list_price=Decimal(price))

    def set_price_list(
        self,
        name: str,
        prices: Mapping[str, Decimal | str] | None = None,
        *,
        formula: str = "",
        tax_included: bool = False,
    ) -> None:
        """Prices or formulas by item, and a formula for all others, in a list that is made anew if
        it is not there. Lines of other items stay.

        A formula counts with ``list_price``; a price is one too.
        """
        rows = self._search("product.price_list", [["name", "=", name]], ["lines.product"])
        if rows:
            (price_list,) = rows
        else:
            values = {"name": name, "price": "list_price", "tax_included": tax_included}
            (made,) = self._do("product.price_list.create", [values])
            price_list = {"id": made, "lines.": []}
        wanted = {row["id"]: str((prices or {})[row["code"]]) for row in self._items(prices or ())}
        lines = [{"product": id_, "formula": text, "sequence": 1} for id_, text in wanted.items()]
        replaced: set[int | None] = set(wanted)
        if formula:
            lines.append({"product": None, "formula": formula, "sequence": _LAST})
            replaced.add(None)
        old = [line["id"] for line in price_list["lines."] if line["product"] in replaced]
        commands = [["delete", old]] if old else []
        if lines:
            commands.append(["create", lines])
            self._do("product.price_list.write", [price_list["id"]], {"lines": commands})

    # --- what items are made of ----------------------------------------------------

    def make_kit(self, code: str, parts: Mapping[str, Decimal | int]) -> None:
        """Makes the item a kit of ``parts``: code → quantity. It has never been in stock."""
        (kit,) = self._items([code])
        old = [["delete", kit["template."]["components"]]]
        values = {
            "type": "kit",
            "cost_price_method": "fixed",
            "components": [*(old if old[0][1] else []), ["create", self._lines(parts)]],
        }
        self._do("product.template.write", [kit["template"]], values)

    def make_bom(
        self, code: str, parts: Mapping[str, Decimal | int], output: Decimal | int = 1
    ) -> None:
        """How ``output`` pieces of the item are built of ``parts``; its only bill from now on."""
        (item,) = self._items([code])
        self._do("product.template.write", [item["template"]], {"producible": True})
        (bom,) = self._do(
            "production.bom.create",
            [
                {
                    "name": f"Bill of {code}",
                    "inputs": [["create", self._lines(parts)]],
                    "outputs": [["create", self._lines({code: output})]],
                }
            ],
        )
        commands = [["delete", item["boms"]]] if item["boms"] else []
        commands.append(["create", [{"bom": bom}]])
        self._do("product.product.write", [item["id"]], {"boms": commands})

    def _lines(self, parts: Mapping[str, Decimal | int]) -> list[Values]:
        return [
            {
                "product": row["id"],
                "unit": row["default_uom"],
                "quantity": float(parts[row["code"]]),
            }
            for row in self._items(parts)
        ]

    def _items(self, codes: Iterable[str]) -> list[Values]:
        """The active items of those codes. Raises: RejectedError: one is not there."""
        wanted = set(codes)
        rows = self._search(
            "product.product",
            [["code", "in", sorted(wanted)]],
            ["code", "template", "default_uom", "boms", "template.products", "template.components"],
        )
        if lacking := wanted - {row["code"] for row in rows}:
            raise RejectedError(f"Tryton has no items {', '.join(sorted(lacking))}")
        return rows
