"""What a real Tryton's items are made of: what only Tryton does."""

from decimal import Decimal
from typing import Any

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.local.tryton.desk import Desk
from accord.model.documents import Kind
from accord.model.stock import Recipe
from tests.erp.tryton.items import Spent, TrytonItems
from tests.erp.tryton.orders import Hands

pytestmark = pytest.mark.tryton


class TestRecipes(TrytonItems):
    """Kits and bills of materials."""

    @pytest.fixture
    def parts(self, desk: Desk, unique: str) -> tuple[str, str]:
        codes = (f"CUP-{unique}", f"LID-{unique}")
        desk.make_items(codes)
        return codes

    def recipe(self, erp: Tryton, code: str) -> Recipe | None:
        return next((recipe for recipe in erp.recipes() if recipe.item == code), None)

    def inputs(self, erp: Tryton, code: str) -> dict[str, Decimal]:
        found = self.recipe(erp, code)
        assert found is not None
        return dict(found.inputs)

    def test_all_recipes_take_three_calls(
        self, erp: Tryton, desk: Desk, code: str, parts: tuple[str, str], spent: Spent
    ) -> None:
        desk.make_bom(code, {parts[0]: 2})
        erp.recipes()
        spent()

        erp.recipes()

        assert spent() == {
            "model.product.product.search_read": 2,
            "model.production.bom.search_read": 1,
        }

    def test_quantities_are_in_pieces_of_the_part(
        self, erp: Tryton, desk: Desk, code: str, hands: Hands
    ) -> None:
        rope = self.product(hands, "ROPE")["id"]  # sold by the metre
        line = {"product": rope, "unit": self.unit(hands, "cm"), "quantity": 150.0}
        self._build(hands, code, [line])

        assert self.inputs(erp, code) == {"ROPE": Decimal("1.5")}

    def test_a_part_that_is_named_twice_is_added_up(
        self, erp: Tryton, code: str, parts: tuple[str, str], hands: Hands
    ) -> None:
        cup = self._line(hands, parts[0], 2)
        self._build(hands, code, [cup, {**cup, "quantity": 1.0}])

        assert self.inputs(erp, code) == {parts[0]: 3}

    def test_what_is_always_at_hand_limits_nothing(
        self, erp: Tryton, desk: Desk, code: str, parts: tuple[str, str]
    ) -> None:
        desk.edit_item(parts[1], consumable=True)
        desk.make_bom(code, {parts[0]: 2, parts[1]: 1})

        assert self.inputs(erp, code) == {parts[0]: 2}

    def test_a_phantom_is_taken_apart(
        self, erp: Tryton, code: str, parts: tuple[str, str], hands: Hands
    ) -> None:
        unit = self.unit(hands, "u")
        phantom = {"name": "Lid with knob", "phantom": True, "phantom_unit": unit}
        within = [self._line(hands, parts[1], 6)]
        (id_,) = hands.do(
            "production.bom.create",
            [{**phantom, "phantom_quantity": 2.0, "inputs": [["create", within]]}],
        )
        lines = [
            self._line(hands, parts[0], 1),
            {"phantom_bom": id_, "unit": unit, "quantity": 1.0},
        ]
        self._build(hands, code, lines)

        assert self.inputs(erp, code) == {parts[0]: 1, parts[1]: 3}

    def test_a_part_without_a_code_leaves_the_whole_recipe_out(
        self, erp: Tryton, desk: Desk, code: str, parts: tuple[str, str], hands: Hands
    ) -> None:
        desk.make_bom(code, {parts[0]: 2, parts[1]: 1})
        lid = self.product(hands, parts[1])
        hands.do("product.template.write", [lid["template"]], {"code": None})

        assert self.recipe(erp, code) is None

    def test_the_first_bill_in_use_is_taken(
        self, erp: Tryton, desk: Desk, code: str, parts: tuple[str, str], hands: Hands
    ) -> None:
        self._build(hands, code, [self._line(hands, parts[0], 2)])
        self._build(hands, code, [self._line(hands, parts[1], 5)])
        before = self.inputs(erp, code)
        first = self.product(hands, code, "boms.bom")["boms."][0]["bom"]
        hands.do("production.bom.write", [first], {"active": False})

        assert (before, self.inputs(erp, code)) == ({parts[0]: 2}, {parts[1]: 5})

    def test_a_variant_with_parts_of_its_own_is_made_of_those(
        self, erp: Tryton, desk: Desk, code: str, parts: tuple[str, str], hands: Hands
    ) -> None:
        desk.make_kit(code, {parts[0]: 2})
        kit = self.product(hands, code)
        own = {**self._line(hands, parts[1], 4), "parent_template": kit["template"]}
        hands.do("product.component.create", [{**own, "parent_product": kit["id"]}])

        assert self.inputs(erp, code) == {parts[1]: 4}

    @pytest.mark.parametrize("field", ["inputs", "outputs"])
    def test_a_changed_line_of_a_bill_is_told(
        self, erp: Tryton, desk: Desk, code: str, parts: tuple[str, str], hands: Hands, field: str
    ) -> None:
        desk.make_bom(code, {parts[0]: 2})
        bom = self.product(hands, code, "boms.bom")["boms."][0]["bom"]
        (row,) = hands.do("production.bom.read", [bom], [field])
        since = self.moment()
        hands.do(f"production.bom.{field[:-1]}.write", row[field], {"quantity": 7.0})

        told = erp.changes(Kind.RECIPE, since)

        assert [news.ref.id for news in told] == [f"bom-{bom}"]

    def _line(self, hands: Hands, code: str, quantity: int) -> dict[str, Any]:
        product = self.product(hands, code)
        return {
            "product": product["id"],
            "unit": product["default_uom"],
            "quantity": float(quantity),
        }

    def _build(self, hands: Hands, code: str, lines: list[dict[str, Any]]) -> None:
        """One more bill of materials for one piece of the item."""
        product = self.product(hands, code)
        hands.do("product.template.write", [product["template"]], {"producible": True})
        (bom,) = hands.do(
            "production.bom.create",
            [
                {
                    "name": f"Bill of {code}",
                    "inputs": [["create", lines]],
                    "outputs": [["create", [self._line(hands, code, 1)]]],
                }
            ],
        )
        hands.do("product.product.write", [product["id"]], {"boms": [["create", [{"bom": bom}]]]})
