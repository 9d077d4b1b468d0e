"""The beginning of tests on a real Tryton's items: things that nobody has touched, people, calls."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.erp.tryton.wire import Values
from accord.local.tryton import TrytonServer
from accord.local.tryton.desk import Desk
from accord.model.documents import Record, State
from tests.erp.promises import Make
from tests.erp.tryton.orders import Hands, TrytonOrders

Spent = Callable[[], dict[str, int]]


class TrytonItems(TrytonOrders):
    """Items of one test, and what is done with them."""

    @pytest.fixture
    def desk(self, server: TrytonServer) -> Desk:
        return Desk(server)

    @pytest.fixture
    def code(self, desk: Desk, unique: str) -> str:
        """A new item at 10.00, of which there is nothing."""
        desk.make_items([f"MUG-{unique}"], price=10)
        return f"MUG-{unique}"

    @pytest.fixture
    def stocked(self, desk: Desk, code: str) -> str:
        """The same with ten pieces in the warehouse."""
        desk.receive(code, 10)
        return code

    @pytest.fixture
    def sell(self, erp: Tryton, order: Make, key: str, hands: Hands) -> Make:
        """Makes a quotation of ``quantity`` pieces; ``method`` is when it is shipped."""

        def make(code: str, quantity: str = "3", *, method: str = "order") -> Record:
            line = self.line("30.00", item=code, quantity=quantity)
            draft = erp.create(order(lines=(line,)), key=f"{key}-{method}")
            hands.do("sale.sale.write", [int(draft.ref.id)], {"shipment_method": method})
            return erp.advance(draft, State.QUOTATION)

        return make

    @staticmethod
    def id_of(erp: Tryton, code: str) -> str:
        return erp.find_items([code])[code]

    @staticmethod
    def product(hands: Hands, code: str, *fields: str) -> Values:
        """An active product, with its template."""
        rows: list[Values] = hands.do(
            "product.product.search_read",
            [["code", "=", code]],
            0,
            None,
            None,
            ["template", "default_uom", *fields],
        )
        return rows[0]

    @staticmethod
    def unit(hands: Hands, symbol: str) -> int:
        (id_,) = hands.do("product.uom.search", [["symbol", "=", symbol]])
        return int(id_)

    @staticmethod
    def place(hands: Hands, field: str = "storage_location", warehouse: str = "MAIN") -> int:
        """One of the warehouse's areas."""
        domain = [["code", "=", warehouse], ["type", "=", "warehouse"]]
        rows: list[Values] = hands.do("stock.location.search_read", domain, 0, 1, None, [field])
        return int(rows[0][field])

    @staticmethod
    def free(erp: Tryton, code: str, location: str = "MAIN") -> Decimal:
        (snapshot,) = erp.stock(list(erp.find_items([code]).values()), [location])
        return snapshot.free[location]

    @staticmethod
    def move(hands: Hands, code: str, quantity: int, way: tuple[int, int], **values: Any) -> int:
        """A planned move from one location to another."""
        product = TrytonItems.product(hands, code)
        values = {
            "product": product["id"],
            "unit": product["default_uom"],
            "quantity": float(quantity),
            "from_location": way[0],
            "to_location": way[1],
            "company": 1,
            **values,
        }
        (id_,) = hands.do("stock.move.create", [values])
        return int(id_)
