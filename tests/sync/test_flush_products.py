"""Items become products: made by rule, and kept as far as the back office owns them."""

from typing import Any

import pytest

from accord.errors import UnavailableError
from accord.local.world import KilledError
from accord.model.change import Ref
from accord.ports.levels import LevelKind
from accord.sync.outcome import Skipped
from tests.sync.shopfront import MINUTE, UK, Shopfront

PRODUCT: LevelKind = "product"
OWNED = {"catalogue": {"fields": {"name": "erp", "description": "erp", "images": "erp"}}}


def simple(sku: str, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "type": "simple", "show": "keep", "name": sku.title(), **more}


def family(sku: str, *options: str, **more: Any) -> dict[str, Any]:
    attributes = [{"name": "Size", "options": list(options)}]
    return {**simple(sku), "type": "variable", "attributes": attributes, **more}


def variation(sku: str, parent: str, option: str, **more: Any) -> dict[str, Any]:
    return {
        "sku": sku,
        "type": "variation",
        "show": "keep",
        "parent": parent,
        "attributes": [{"name": "Size", "option": option}],
        **more,
    }


def listed(*values: dict[str, Any], **tables: Any) -> Shopfront:
    front = Shopfront(**tables)
    front.want(PRODUCT, {value["sku"]: value for value in values})
    front.flush(PRODUCT)
    return front


# --- new ones --------------------------------------------------------------------------


def test_a_new_item_becomes_a_draft() -> None:
    front = listed(simple("MUG", description="It holds tea."))
    product = front.product("MUG")
    assert (product["name"], product["status"]) == ("Mug", "draft")
    assert "It holds tea." in product["description"]


def test_by_rule_it_is_shown_at_once() -> None:
    front = listed(simple("MUG"), catalogue={"new": "publish"})
    assert front.product("MUG")["status"] == "publish"


def test_by_rule_nothing_is_made() -> None:
    front = listed(simple("MUG"), catalogue={"new": "none"})
    assert front.shop.shop.shelf.find("MUG") is None
    assert not front.open()


def test_what_is_not_sold_any_more_is_not_made() -> None:
    front = listed({**simple("MUG"), "show": "draft", "status": "draft"})
    assert front.shop.shop.shelf.find("MUG") is None


def test_a_new_product_has_all_that_the_back_office_knows() -> None:
    front = listed(
        simple(
            "MUG",
            summary="A mug",
            categories=[["Home", "Kitchen"]],
            images=["https://pictures.example/mug.jpg"],
            weight="0.35",
            sizes=["10", "8", "9.5"],
            gtin="4006381333931",
            virtual=False,
        )
    )
    product = front.product("MUG")
    assert "A mug" in product["short_description"]
    assert [each["name"] for each in product["categories"]] == ["Kitchen"]
    assert len(product["images"]) == 1
    assert product["weight"] == "0.35"
    assert product["dimensions"] == {"length": "10", "width": "8", "height": "9.5"}
    assert product["global_unique_id"] == "4006381333931"


def test_a_family_and_its_variations_are_made_together() -> None:
    front = listed(
        variation("A-TEE-S", "TEE", "S"),  # comes before its parent
        variation("TEE-M", "TEE", "M"),
        family("TEE", "S", "M"),
    )
    parent = front.product("TEE")
    assert parent["type"] == "variable"
    assert parent["attributes"][0]["variation"]
    assert {front.product(sku)["parent_id"] for sku in ("A-TEE-S", "TEE-M")} == {parent["id"]}
    assert front.product("TEE-M")["attributes"][0]["option"] == "M"


def test_new_variations_join_a_parent_that_the_store_has() -> None:
    front = Shopfront()
    parent = front.shop.add_product("TEE", quantity=None, type="variable")
    front.want(PRODUCT, {"TEE-L": variation("TEE-L", "TEE", "L")})
    front.flush(PRODUCT)
    assert front.product("TEE-L")["parent_id"] == int(parent)


def test_a_variation_of_a_family_that_is_nowhere_is_told() -> None:
    front = Shopfront()
    front.want(PRODUCT, {"TEE-L": variation("TEE-L", "TEE", "L")})
    front.flush(PRODUCT)
    assert front.reasons() == [("uk:listing:TEE-L", "no_parent")]


def test_what_the_store_has_since_just_now_gets_its_stock_and_price() -> None:
    front = Shopfront()
    front.stock({"MUG": 50})
    front.want("price", {"MUG": {"regular": "12.50", "sale": None, "bands": {}}})
    front.flush()
    front.flush("price")
    front.want(PRODUCT, {"MUG": simple("MUG")})
    front.flush(PRODUCT)
    assert front.shop.stock_of("MUG") == 50  # by whoever has the lease
    assert Ref(UK, "levels", "price") in [change.ref for change in front.queued()]
    front.flush("price")
    assert front.product("MUG")["regular_price"] == "12.50"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_product_is_made_once_though_its_answer_was_lost(moment: str) -> None:
    front = Shopfront()
    front.want(PRODUCT, {"MUG": simple("MUG"), "CUP": simple("CUP")})
    fails = iter([True])

    def lose(call: str) -> None:
        if call == f"{moment} store.write_products" and next(fails, False):
            raise UnavailableError("timed out")

    front.hook = lose
    front.flush(PRODUCT)
    assert len(front.shop.list_products(page=1)) == 2
    assert front.levels.count_dirty(UK, PRODUCT) == 0


def test_killed_anywhere_each_product_is_there_once() -> None:
    fatal, ended = 0, False
    while not ended:
        front = Shopfront()
        front.want(
            PRODUCT,
            {
                "CUP": simple("CUP"),
                "TEE": family("TEE", "S"),
                "TEE-S": variation("TEE-S", "TEE", "S"),
            },
        )
        front.stock({"CUP": 20, "TEE-S": 30})
        left = [fatal]

        def kill(call: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise KilledError(call)

        front.hook = kill
        try:
            front.post(PRODUCT)
            ended = True
        except KilledError:
            fatal += 1
        front.hook = lambda _: None
        for kind in (PRODUCT, PRODUCT, "stock"):
            front.clock.now += 2 * MINUTE
            front.post(kind)
        assert len(front.shop.list_products(page=1)) == 2, f"killed at call {fatal}"
        assert len(front.shop.list_products(page=1, parent=str(front.product("TEE")["id"]))) == 1
        assert (front.shop.stock_of("CUP"), front.shop.stock_of("TEE-S")) == (20, 30)
    assert fatal > 20


def test_a_product_that_appears_while_ours_is_made_is_adopted() -> None:
    front = Shopfront()
    front.want(PRODUCT, {"MUG": simple("MUG")})

    def faster(call: str) -> None:
        if call == "before store.write_products":
            front.hook = lambda _: None
            front.shop.add_product("MUG")

    front.hook = faster
    front.flush(PRODUCT)
    assert front.level("MUG", PRODUCT).place is not None
    assert not front.open()


def test_a_sku_that_the_trash_holds_is_told() -> None:
    front = Shopfront()
    front.shop.add_product("MUG")
    front.shop.trash_product("MUG")
    front.want(PRODUCT, {"MUG": simple("MUG")})
    front.flush(PRODUCT)
    assert front.reasons() == [("uk:listing:MUG", "sku_in_trash")]


# --- those that are there -------------------------------------------------------------------


def there(*values: dict[str, Any], **tables: Any) -> Shopfront:
    front = Shopfront(**tables)
    for value in values:
        front.shop.add_product(value["sku"], name="The shop's own words", description="Ours.")
    front.want(PRODUCT, {value["sku"]: value for value in values})
    front.flush(PRODUCT)
    return front


def test_the_shops_own_words_are_left() -> None:
    front = there(simple("MUG", description="From the back office", weight="0.35"))
    product = front.product("MUG")
    assert product["name"] == "The shop's own words"
    assert "Ours." in product["description"]
    assert product["weight"] == "0.35"


def test_by_rule_the_back_offices_words_go_over_them() -> None:
    front = there(simple("MUG", description="From the back office"), **OWNED)
    assert "From the back office" in front.product("MUG")["description"]


def test_what_did_not_change_is_not_written_again() -> None:
    front = there(simple("MUG", weight="0.35", gtin="4006381333931"))
    written: list[Any] = []
    write = front.shop.write_products

    def note(entries: Any, **more: Any) -> Any:
        written.extend(entries)
        return write(entries, **more)

    front.shop.write_products = note  # type: ignore[method-assign]
    front.want(PRODUCT, {"MUG": simple("MUG", weight="0.40", gtin="4006381333931")})
    front.flush(PRODUCT)
    assert written == [{"id": str(front.product("MUG")["id"]), "weight": "0.40"}]


def test_what_only_the_store_may_say_costs_no_call() -> None:
    front = there(simple("MUG"))
    front.want(PRODUCT, {"MUG": {**simple("MUG"), "name": "Another name"}})
    front.flush(PRODUCT)
    assert not front.calls
    assert front.post(PRODUCT).outcome == Skipped("all is sent")


def test_a_lifecycles_text_is_kept_for_the_shops_theme() -> None:
    front = there(simple("MUG", text="Back in May"))
    assert front.meta("MUG") == {"_accord_availability": "Back in May"}


def test_hidden_and_shown_again() -> None:
    front = there({**simple("MUG"), "show": "hidden", "visibility": "hidden"})
    assert front.product("MUG")["catalog_visibility"] == "hidden"
    front.want(PRODUCT, {"MUG": simple("MUG")})
    front.flush(PRODUCT)
    assert front.product("MUG")["catalog_visibility"] == "visible"


def test_out_for_good_is_a_draft_and_never_deleted() -> None:
    front = there({**simple("MUG"), "show": "draft", "status": "draft"})
    assert front.product("MUG")["status"] == "draft"


def test_a_gtin_that_another_product_has_is_told() -> None:
    front = Shopfront()
    front.shop.add_product("CUP", global_unique_id="4006381333931")
    front.shop.add_product("MUG")
    front.want(PRODUCT, {"MUG": simple("MUG", gtin="4006381333931")})
    front.flush(PRODUCT)
    assert front.reasons() == [("uk:listing:MUG", "store_refused")]


def test_where_the_store_leads_nothing_is_sent() -> None:
    front = Shopfront(catalogue={"owner": "store"})
    front.want(PRODUCT, {"MUG": simple("MUG")})
    assert front.post(PRODUCT).outcome == Skipped("the store owns the catalogue")
