"""What a real Tryton's items cost: what only Tryton does."""

from decimal import Decimal

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.errors import UnmappedError
from accord.local.tryton.desk import Desk
from accord.model.item import ItemDocument, ItemPrices
from tests.erp.tryton.items import Spent, TrytonItems
from tests.erp.tryton.orders import Hands

pytestmark = pytest.mark.tryton


class TestPricing(TrytonItems):
    """List prices, and prices by list."""

    @pytest.fixture
    def trade(self, desk: Desk, unique: str) -> str:
        """A price list with a fifth off."""
        name = f"Trade {unique}"
        desk.set_price_list(name, formula="list_price * 0.8")
        return name

    def prices(self, erp: Tryton, code: str, *lists: str, currency: str = "GBP") -> ItemPrices:
        (found,) = erp.prices([self.id_of(erp, code)], lists, currency=currency)
        return found

    def test_any_number_of_items_takes_a_call_per_list_and_two(
        self, erp: Tryton, desk: Desk, trade: str, unique: str, spent: Spent
    ) -> None:
        codes = [f"MUG-{unique}-{n}" for n in range(40)]
        desk.make_items(codes, price=10)
        ids = list(erp.find_items(codes).values())
        erp.prices(ids[:1], (), currency="GBP")
        spent()

        erp.prices(ids, (trade,), currency="GBP")

        assert spent() == {
            "model.product.product.search_read": 2,
            "model.product.price_list.search_read": 1,
        }

    def test_a_formula_is_computed_by_tryton(self, erp: Tryton, code: str, trade: str) -> None:
        assert self.prices(erp, code, trade).lists == {trade: Decimal(8)}

    def test_an_item_that_a_list_does_not_price_has_none(
        self, erp: Tryton, desk: Desk, code: str, unique: str
    ) -> None:
        desk.make_items([f"CUP-{unique}"], price=5)
        desk.set_price_list(f"Few {unique}", {f"CUP-{unique}": Decimal("4.50")})

        assert self.prices(erp, code, f"Few {unique}").lists == {}

    def test_a_price_that_holds_tax_is_told_without(
        self, erp: Tryton, desk: Desk, unique: str
    ) -> None:
        code = f"NEW-{unique}"
        erp.create(ItemDocument(code, "New", price=Decimal(10), taxes=("VAT 20%",)), key=code)
        desk.set_price_list(f"Gross {unique}", {code: Decimal("9.60")}, tax_included=True)

        found = self.prices(erp, code, f"Gross {unique}")

        assert (found.lists, found.gross) == ({f"Gross {unique}": Decimal("8.0000")}, False)
        assert found.taxes == ("VAT 20%",)

    def test_a_price_is_for_what_is_sold(
        self, erp: Tryton, desk: Desk, code: str, trade: str, hands: Hands, unique: str
    ) -> None:
        (piece,) = hands.do("product.uom.read", [self.unit(hands, "u")], ["category"])
        dozen = {"name": f"Dozen {unique}", "symbol": unique, "factor": 12.0, "rounding": 1.0}
        values = {**dozen, "category": piece["category"], "rate": round(1 / 12, 12), "digits": 0}
        (unit,) = hands.do("product.uom.create", [values])
        desk.edit_item(code, sale_uom=unit)

        found = self.prices(erp, code, trade)

        assert found.base == 120
        assert found.lists == {trade: Decimal(96)}

    def test_another_currency_is_converted_by_tryton(
        self, erp: Tryton, code: str, hands: Hands, unique: str
    ) -> None:
        (yen,) = hands.do("currency.currency.search", [["code", "=", "JPY"]])
        before = self.prices(erp, code, currency="JPY").base
        rates = hands.do("currency.currency.rate.search", [["currency", "=", yen]])
        hands.do("currency.currency.rate.write", rates, {"rate": Decimal(190)})

        after = self.prices(erp, code, currency="JPY")
        hands.do("currency.currency.rate.write", rates, {"rate": Decimal(1)})

        assert (before, after.base, after.currency) == (10, 1900, "JPY")

    def test_an_archived_price_list_is_none(
        self, erp: Tryton, code: str, trade: str, hands: Hands
    ) -> None:
        ids = hands.do("product.price_list.search", [["name", "=", trade]])
        hands.do("product.price_list.write", ids, {"active": False})

        with pytest.raises(UnmappedError) as caught:
            self.prices(erp, code, trade)

        assert caught.value.causes == (f"price_list:{trade}",)
