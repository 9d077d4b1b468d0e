"""What a real Tryton's items are: what only Tryton does."""

from decimal import Decimal
from typing import Any

import pytest

from accord.erp.tryton.adapter import Tryton
from accord.erp.tryton.wire import Values
from accord.errors import DuplicateError, RejectedError, UnmappedError
from accord.local.tryton import TrytonServer
from accord.local.tryton.desk import Desk
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.item import Family, Item, ItemDocument
from accord.ports.erp import Connection
from tests.erp.promises import Make
from tests.erp.tryton.items import Spent, TrytonItems
from tests.erp.tryton.orders import Hands

pytestmark = pytest.mark.tryton


def with_options(connection: Connection, **options: Any) -> Tryton:
    """The adapter, with more options."""
    return Tryton.connect(
        Connection(
            name=connection.name,
            adapter=connection.adapter,
            url=connection.url,
            options={**connection.options, **options},
            secret=connection.secret,
        )
    )


class Families(TrytonItems):
    """Variants, too."""

    @pytest.fixture
    def family(self, desk: Desk, hands: Hands, unique: str) -> tuple[str, str]:
        """The codes of two variants of one template."""
        desk.make_items([f"TEE-{unique}"], price=10)
        first = self.product(hands, f"TEE-{unique}")
        hands.do("product.product.write", [first["id"]], {"suffix_code": "-S"})
        hands.do(
            "product.product.create",
            [{"template": first["template"], "suffix_code": "-M"}],
        )
        return f"TEE-{unique}-S", f"TEE-{unique}-M"

    def item(self, erp: Tryton, code: str) -> Item:
        (found,) = erp.items([self.id_of(erp, code)])
        return found


class TestListing(Families):
    """What items are."""

    def test_any_number_of_items_takes_two_calls(
        self, erp: Tryton, desk: Desk, unique: str, spent: Spent
    ) -> None:
        codes = [f"MUG-{unique}-{n}" for n in range(40)]
        desk.make_items(codes)
        ids = list(erp.find_items(codes).values())
        erp.items(ids[:1])
        spent()

        erp.items(ids)

        assert spent() == {
            "model.product.product.search_read": 1,
            "model.product.category.search_read": 1,
        }

    def test_ids_come_in_the_order_of_their_numbers(self, erp: Tryton, desk: Desk) -> None:
        desk.make_items([f"ROW-{n}" for n in range(12)])

        ids = [int(id_) for id_ in erp.item_ids(limit=1000)]

        assert ids == sorted(ids)

    def test_categories_are_told_from_the_root(
        self, erp: Tryton, desk: Desk, code: str, hands: Hands
    ) -> None:
        (home,) = hands.do("product.category.create", [{"name": "Home > Garden"}])
        (kitchen,) = hands.do("product.category.create", [{"name": "Kitchen", "parent": home}])
        desk.edit_item(code, categories=[["add", [kitchen]]])

        assert self.item(erp, code).categories == (("Home > Garden", "Kitchen"),)

    def test_weight_is_in_kilograms_and_sizes_in_centimetres(
        self, erp: Tryton, desk: Desk, code: str, hands: Hands
    ) -> None:
        metre, inch = self.unit(hands, "m"), self.unit(hands, "in")
        desk.edit_item(code, weight=350.0, weight_uom=self.unit(hands, "g"))
        desk.edit_item(code, length=0.12, length_uom=metre, width=2.0, width_uom=inch)

        found = self.item(erp, code)

        assert found.weight == Decimal("0.35")
        assert found.sizes == (Decimal(12), Decimal("5.08"), None)

    def test_what_nobody_measured_has_no_measures(self, erp: Tryton, code: str) -> None:
        found = self.item(erp, code)

        assert (found.weight, found.sizes) == (None, None)

    def test_the_number_under_the_bar_code_is_its_gtin(
        self, erp: Tryton, code: str, hands: Hands
    ) -> None:
        numbers = [
            {"type": "mpn", "code": "A-1"},
            {"type": "ean", "code": "4006381333931"},
        ]
        product = self.product(hands, code)["id"]
        hands.do("product.product.write", [product], {"identifiers": [["create", numbers]]})

        assert self.item(erp, code).gtin == "4006381333931"

    def test_the_text_for_the_web_comes_before_the_internal_one(
        self, erp: Tryton, desk: Desk, code: str, hands: Hands
    ) -> None:
        product = self.product(hands, code)["id"]
        hands.do("product.product.write", [product], {"description": "Blue"})
        desk.edit_item(code, web_shop_description="<p>A mug</p>")

        found = self.item(erp, code)

        assert (found.description, found.summary) == ("<p>A mug</p>", "Blue")

    def test_variants_are_a_family(self, erp: Tryton, family: tuple[str, str], unique: str) -> None:
        small, medium = (self.item(erp, code) for code in family)

        assert isinstance(small.family, Family)
        assert (small.family.code, small.family.name) == (f"TEE-{unique}", f"Item TEE-{unique}")
        assert medium.family == small.family

    def test_an_only_variant_has_no_family(self, erp: Tryton, code: str) -> None:
        assert self.item(erp, code).family is None

    def test_a_family_is_not_named_as_one_of_its_variants(
        self, erp: Tryton, family: tuple[str, str], hands: Hands
    ) -> None:
        product = self.product(hands, family[0])
        hands.do("product.product.write", [product["id"]], {"suffix_code": None})

        found = self.item(erp, family[1]).family

        assert found is not None
        assert found.code == f"template-{product['template']}"

    def test_what_is_not_sold_now_is_temporarily_out(
        self, erp: Tryton, desk: Desk, code: str
    ) -> None:
        desk.edit_item(code, salable=False)

        assert self.item(erp, code).lifecycle == "temporarily_out"

    def test_what_is_archived_is_out_for_good(self, erp: Tryton, desk: Desk, code: str) -> None:
        id_ = self.id_of(erp, code)
        desk.archive(code)

        (found,) = erp.items([id_])

        assert (found.lifecycle, found.active) == ("permanently_out", False)

    def test_a_category_tells_what_is_cleared(
        self, server: TrytonServer, desk: Desk, code: str, hands: Hands, unique: str
    ) -> None:
        (made,) = hands.do("product.category.create", [{"name": f"Sale {unique}"}])
        desk.edit_item(code, categories=[["add", [made]]])
        erp = with_options(server.connection(), lifecycle={f"Sale {unique}": "clearance"})

        assert self.item(erp, code).lifecycle == "clearance"

    def test_the_active_one_of_a_code_is_found(
        self, erp: Tryton, desk: Desk, code: str, hands: Hands
    ) -> None:
        old = self.id_of(erp, code)
        hands.do("product.product.write", [int(old)], {"active": False})
        assert erp.find_items([code]) == {code: old}
        desk.make_items([code])

        new = self.id_of(erp, code)

        assert new != old
        assert [found.ref.id for found in erp.items([old, new])] == [new]

    def test_of_a_service_nothing_is_goods(self, erp: Tryton) -> None:
        assert not self.item(erp, self.SERVICE).goods


class TestWriting(Families):
    """Items that the store brings."""

    def test_two_of_one_code_are_refused(self, erp: Tryton, unique: str) -> None:
        document = ItemDocument(f"NEW-{unique}", "New")
        erp.create(document, key=document.code)

        with pytest.raises(DuplicateError):
            erp.create(document, key=document.code)
        assert len(erp.find(Kind.ITEM, document.code)) == 1

    def test_a_made_item_is_got_by_its_ref(self, erp: Tryton, unique: str) -> None:
        made = erp.create(ItemDocument(f"NEW-{unique}", "New"), key=f"NEW-{unique}")

        assert erp.get(made.ref) == made
        assert erp.get(Ref("main", Kind.ITEM, "987654321")) is None

    def test_a_made_item_can_be_sold(self, erp: Tryton, unique: str, sell: Make) -> None:
        erp.create(ItemDocument(f"NEW-{unique}", "New"), key=f"NEW-{unique}")

        assert sell(f"NEW-{unique}").totals is not None

    def test_taxes_choose_the_accounting_category(self, erp: Tryton, unique: str) -> None:
        document = ItemDocument(f"NEW-{unique}", "New", taxes=("VAT 5%",))
        erp.create(document, key=document.code)

        assert self.item(erp, document.code).taxes == ("VAT 5%",)

    def test_taxes_that_no_category_has_are_named(self, erp: Tryton, unique: str) -> None:
        document = ItemDocument(f"NEW-{unique}", "New", taxes=("VAT 20%", "VAT 5%"))

        with pytest.raises(UnmappedError) as caught:
            erp.create(document, key=document.code)

        assert caught.value.causes == ("tax:VAT 20%", "tax:VAT 5%")

    def test_a_category_can_be_named_for_all(self, server: TrytonServer, unique: str) -> None:
        erp = with_options(server.connection(), item_category="Goods at 20%")
        erp.create(ItemDocument(f"NEW-{unique}", "New"), key=f"NEW-{unique}")

        assert self.item(erp, f"NEW-{unique}").taxes == ("VAT 20%",)

    def test_a_unit_that_is_not_there_is_named(self, server: TrytonServer, unique: str) -> None:
        erp = with_options(server.connection(), item_unit="Bushel")

        with pytest.raises(UnmappedError) as caught:
            erp.create(ItemDocument(f"NEW-{unique}", "New"), key=f"NEW-{unique}")

        assert caught.value.causes == ("unit:Bushel",)

    def test_what_a_variant_shares_with_its_siblings_is_left(
        self, erp: Tryton, family: tuple[str, str], unique: str
    ) -> None:
        small, medium = family
        document = ItemDocument(small, "Small tee", weight=Decimal(1), price=Decimal("12.50"))

        erp.update_item(self.id_of(erp, small), document)

        prices = erp.prices(
            [self.id_of(erp, small), self.id_of(erp, medium)], (), currency=self.CURRENCY
        )
        assert [each.base for each in prices] == [Decimal("12.50"), Decimal(10)]
        assert {self.item(erp, code).name for code in family} == {f"Item TEE-{unique}"}
        assert {self.item(erp, code).weight for code in family} == {None}

    def test_the_text_for_the_web_is_the_one_that_is_written(
        self, erp: Tryton, desk: Desk, code: str
    ) -> None:
        desk.edit_item(code, web_shop_description="<p>A mug</p>")

        changed = erp.update_item(
            self.id_of(erp, code), ItemDocument(code, "Mug", description="<p>Ours</p>")
        )

        assert (changed.description, changed.summary) == ("<p>Ours</p>", "")

    def test_a_number_is_replaced_and_another_kind_of_number_stays(
        self, erp: Tryton, code: str, hands: Hands
    ) -> None:
        numbers: list[Values] = [
            {"type": "mpn", "code": "A-1"},
            {"type": "ean", "code": "4006381333931"},
        ]
        product = self.product(hands, code)["id"]
        hands.do("product.product.write", [product], {"identifiers": [["create", numbers]]})

        erp.update_item(str(product), ItemDocument(code, "Mug", gtin="9780201379624"))

        rows = hands.do("product.product.read", [product], ["identifiers.code"])
        assert {each["code"] for each in rows[0]["identifiers."]} == {"A-1", "9780201379624"}

    def test_a_weight_finer_than_ten_grams_is_kept(self, erp: Tryton, unique: str) -> None:
        document = ItemDocument(f"NEW-{unique}", "New", weight=Decimal("0.125"))
        erp.create(document, key=document.code)

        assert self.item(erp, document.code).weight == Decimal("0.125")

    def test_a_weight_of_nothing_takes_it_away(self, erp: Tryton, unique: str) -> None:
        document = ItemDocument(f"NEW-{unique}", "New", weight=Decimal("0.35"))
        made = erp.create(document, key=document.code)

        changed = erp.update_item(
            made.ref.id, ItemDocument(document.code, "New", weight=Decimal(0))
        )

        assert changed.weight is None

    @pytest.mark.parametrize("id_", ["987654321", "no number"])
    def test_an_item_that_is_gone_is_not_written(self, erp: Tryton, id_: str) -> None:
        with pytest.raises(RejectedError):
            erp.update_item(id_, ItemDocument("GONE", "Gone"))

    def test_what_has_moved_stays_goods(self, erp: Tryton, stocked: str) -> None:
        with pytest.raises(RejectedError):
            erp.update_item(self.id_of(erp, stocked), ItemDocument(stocked, "Mug", goods=False))
