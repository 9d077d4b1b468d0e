"""Totals are right to the cent in each release, with the two digits for prices of a new Odoo."""

from decimal import Decimal
from typing import ClassVar

import pytest

from accord.errors import PermanentError
from accord.local.odoo import FakeOdoo
from accord.ports.erp import ErpAdapter
from accord.sync.connecting import advised
from tests.erp.odoo.cents import Cents
from tests.erp.odoo.conftest import Clock, connected, furnished
from tests.erp.promises import Make


class TestOdoo16(Cents):
    VERSION = 16


class TestOdoo17(Cents):
    """A hundred pieces are more than rounding may make up for."""

    def test_many_pieces_wait_for_a_person(self, erp: ErpAdapter, order: Make) -> None:
        with pytest.raises(PermanentError, match=r"333\.00 GBP, tax 66\.60 GBP"):
            self.whole(erp, order(lines=(self.line("333.33", quantity="100"),)))


class TestOdoo18WithFourDigits(Cents):
    VERSION = 18
    DIGITS: ClassVar[int] = 4

    def test_many_pieces_need_no_rounding(self, erp: ErpAdapter, order: Make) -> None:
        hundred = order(lines=(self.line("333.33", quantity="100"),))

        assert self.whole(erp, hundred) == hundred


class TestOdoo19(Cents):
    """Since 19 the digits are only what is shown at least."""

    VERSION = 19

    @pytest.mark.parametrize(
        ("quantity", "net", "price"),
        [
            ("4", "10.00", 2.5),
            ("3", "10.00", 3.333),
            ("100", "333.33", 3.3333),
            ("7000", "333.33", 0.0476186),
        ],
    )
    def test_a_price_has_as_few_digits_as_bring_the_line_to_its_net(
        self,
        odoo: FakeOdoo,
        erp: ErpAdapter,
        order: Make,
        key: str,
        *,
        quantity: str,
        net: str,
        price: float,
    ) -> None:
        document = order(lines=(self.line(net, quantity=quantity),))
        made = erp.create(self.whole(erp, document), key=key)

        (line,) = odoo.call(
            "sale.order.line", "search_read", [["order_id", "=", int(made.ref.id)]], ["price_unit"]
        )
        assert line["price_unit"] == price
        assert made.totals is not None
        assert made.totals.net.amount == Decimal(net)


@pytest.mark.parametrize(
    ("version", "digits", "is_told"), [(18, 2, True), (18, 4, False), (19, 2, False)]
)
def test_more_digits_are_advised_where_prices_are_rounded(
    clock: Clock, version: int, digits: int, *, is_told: bool
) -> None:
    odoo = furnished(clock, version)
    (precision,) = odoo.call("decimal.precision", "search", [])
    odoo.call("decimal.precision", "write", [precision], {"digits": digits})

    found = advised("main", connected(odoo))

    assert [(each.severity, each.subject) for each in found] == [
        ("warning", "Product Price")
    ] * is_told
    assert all("Decimal Accuracy" in each.remedy for each in found)
