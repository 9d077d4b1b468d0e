"""What of an item a store should show."""

from decimal import Decimal
from typing import Any

import pytest

from accord.model.change import Ref
from accord.model.item import Family, Item, Lifecycle
from accord.rules.listing import created, existing, wanted_family, wanted_product
from accord.rules.mapping import Mappings, Target
from accord.rules.sellable import faults
from accord.rules.selling import (
    CatalogueRules,
    FieldOwners,
    ItemWhen,
    LifecycleRule,
    StockRule,
    StockRules,
)

PLAIN = Mappings()
USUAL = CatalogueRules()
ALL_ERP = FieldOwners(**dict.fromkeys(FieldOwners.model_fields, "erp"))
TEE = Family("7", "TEE", "T-Shirt")


def item(code: str = "MUG", **changes: Any) -> Item:
    return Item(**{"ref": Ref("main", "item", "1"), "code": code, "name": "Mug", **changes})


def tee(size: str, colour: str = "Red", **changes: Any) -> Item:
    options = (("Size", size), ("Colour", colour))
    return item(f"TEE-{size}", family=TEE, options=options, **changes)


def wanted(
    given: Item,
    catalogue: CatalogueRules = USUAL,
    stock: StockRules | None = None,
    mappings: Mappings = PLAIN,
) -> dict[str, Any]:
    value = wanted_product(given, catalogue, stock or StockRules(), mappings)
    assert value is not None
    return value


# --- a simple product -----------------------------------------------------------


def test_a_product_says_what_the_back_office_knows() -> None:
    given = item(
        description="A mug.",
        summary="Mug",
        categories=(("Home", "Kitchen"),),
        images=("https://pictures.example/mug.jpg",),
        weight=Decimal("0.350"),
        sizes=(Decimal("10.0"), None, Decimal(100)),
        gtin="4006381333931",
    )

    assert wanted(given) == {
        "sku": "MUG",
        "type": "simple",
        "show": "keep",
        "virtual": False,
        "name": "Mug",
        "description": "A mug.",
        "summary": "Mug",
        "categories": [["Home", "Kitchen"]],
        "images": ["https://pictures.example/mug.jpg"],
        "weight": "0.35",
        "sizes": ["10", None, "100"],
        "gtin": "4006381333931",
    }


def test_what_the_back_office_does_not_know_is_left_alone() -> None:
    given = item(sizes=(None, None, None))

    assert set(wanted(given)) == {"sku", "type", "show", "virtual", "name"}


def test_what_is_wanted_may_be_sent() -> None:
    assert faults("product", wanted(item(weight=Decimal("1E+2")))) is None


def test_a_service_is_virtual() -> None:
    assert wanted(item(goods=False))["virtual"] is True


def test_an_item_without_code_is_no_product() -> None:
    assert wanted_product(item(""), USUAL, StockRules(), PLAIN) is None


def test_an_item_that_no_sku_names_is_no_product() -> None:
    strict = Mappings(items_same_code=False)

    assert wanted_product(item(), USUAL, StockRules(), strict) is None


def test_a_product_has_the_sku_that_the_store_uses() -> None:
    mapped = Mappings(items={"CUP": Target(item="MUG")}, items_same_code=False)

    assert wanted(item(), mappings=mapped)["sku"] == "CUP"


def test_only_what_is_chosen_belongs_in_the_store() -> None:
    chosen = CatalogueRules(publish=ItemWhen(sku=("WEB-*",)))

    found = [
        wanted_product(item(code), chosen, StockRules(), PLAIN) is not None
        for code in ("WEB-1", "SHOP-1")
    ]

    assert found == [True, False]


# --- its categories and tax -----------------------------------------------------


def test_categories_may_be_in_a_field_of_ones_own() -> None:
    rules = CatalogueRules(category_field="web")
    given = item(categories=(("Stock", "A"),), fields={"web": " Home > Kitchen ;Gifts; "})

    assert wanted(given, rules)["categories"] == [["Home", "Kitchen"], ["Gifts"]]


def test_an_item_without_that_field_keeps_its_categories() -> None:
    rules = CatalogueRules(category_field="web")

    assert "categories" not in wanted(item(categories=(("Stock", "A"),)), rules)


@pytest.mark.parametrize(
    ("taxes", "expected"),
    [(("VAT 20%",), ""), (("Levy", "VAT 5%"), "reduced-rate"), (("Levy",), None), ((), None)],
)
def test_the_tax_class_is_that_of_a_tax_that_has_one(
    taxes: tuple[str, ...], expected: str | None
) -> None:
    rules = CatalogueRules(tax_classes={"VAT 20%": "", "VAT 5%": "reduced-rate"})

    assert wanted(item(taxes=taxes), rules).get("tax_class") == expected


# --- its life -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("life", "shown"),
    [
        ("current", {"show": "keep"}),
        ("temporarily_out", {"show": "keep"}),
        ("permanently_out", {"show": "draft", "status": "draft"}),
        ("end_of_line", {"show": "keep", "backorders": "no"}),
        ("clearance", {"show": "keep", "backorders": "no"}),
    ],
)
def test_each_part_of_its_life_has_a_rule(life: Lifecycle, shown: dict[str, str]) -> None:
    value = wanted(item(lifecycle=life))

    parts = ("show", "status", "visibility", "backorders", "text")
    assert {part: value[part] for part in parts if part in value} == shown


def test_what_is_archived_is_out_for_good() -> None:
    assert wanted(item(active=False))["status"] == "draft"


def test_what_is_out_may_be_hidden_with_a_word_for_shoppers() -> None:
    rules = CatalogueRules(
        lifecycle={"temporarily_out": LifecycleRule(show="hidden", text="Back in May")}
    )

    value = wanted(item(lifecycle="temporarily_out"), rules)

    assert (value["visibility"], value["text"], "status" in value) == (
        "hidden",
        "Back in May",
        False,
    )


def test_a_rule_for_one_part_of_life_leaves_the_others_as_they_are() -> None:
    rules = CatalogueRules.model_validate({"lifecycle": {"permanently_out": {"text": "Gone"}}})

    assert (rules.lifecycle["permanently_out"].show, rules.lifecycle["clearance"].backorders) == (
        "draft",
        "no",
    )


def test_its_life_comes_before_the_stock_rules() -> None:
    stock = StockRules(backorders="yes", rule=(StockRule(name="m", when=ItemWhen(), buffer=1),))

    found = [
        wanted(item(lifecycle=life), stock=stock)["backorders"] for life in ("current", "clearance")
    ]  # type: ignore[arg-type]

    assert found == ["yes", "no"]


# --- variations -----------------------------------------------------------------


def test_a_variant_is_a_variation_of_its_family() -> None:
    assert wanted(tee("S", summary="short", categories=(("Wear",),))) == {
        "sku": "TEE-S",
        "type": "variation",
        "parent": "TEE",
        "show": "keep",
        "virtual": False,
        "attributes": [{"name": "Size", "option": "S"}, {"name": "Colour", "option": "Red"}],
    }


def test_a_variation_that_is_out_for_good_cannot_be_chosen() -> None:
    assert wanted(tee("S", lifecycle="permanently_out"))["status"] == "private"


def family(
    *items: Item, known: dict[str, Any] | None = None, **rules: Any
) -> dict[str, Any] | None:
    return wanted_family(items, CatalogueRules(**rules), PLAIN, known=known)


def test_a_family_is_a_variable_product_with_all_options() -> None:
    assert family(tee("S"), tee("M", "Blue"), tee("L")) == {
        "sku": "TEE",
        "type": "variable",
        "show": "keep",
        "name": "T-Shirt",
        "attributes": [
            {"name": "Size", "options": ["S", "M", "L"]},
            {"name": "Colour", "options": ["Red", "Blue"]},
        ],
    }


def test_a_family_keeps_options_that_were_not_read_again() -> None:
    known = family(tee("S", summary="short"))

    later = family(tee("M"), known=known)

    assert later is not None
    assert (later["attributes"][0]["options"], later["summary"]) == (["S", "M"], "short")


def test_a_family_of_which_nothing_is_chosen_is_not_in_the_store() -> None:
    assert family(tee("S"), publish=ItemWhen(sku=("WEB-*",))) is None


def test_a_family_without_code_is_no_product() -> None:
    assert family(item("TEE-S", family=Family("7", "", "T-Shirt"))) is None


# --- a new one --------------------------------------------------------------------


@pytest.mark.parametrize("new", ["draft", "publish"])
def test_a_new_product_is_shown_as_the_rules_say(new: str) -> None:
    made = created(wanted(item()), CatalogueRules(new=new))  # type: ignore[arg-type]

    assert made is not None
    assert made["status"] == new


def test_a_new_variation_is_shown_with_its_parent() -> None:
    made = created(wanted(tee("S")), USUAL)

    assert made is not None
    assert made["status"] == "publish"


def test_no_product_is_made_where_none_shall_be() -> None:
    assert created(wanted(item()), CatalogueRules(new="none")) is None


def test_what_is_out_for_good_is_not_made() -> None:
    assert created(wanted(item(active=False)), USUAL) is None


# --- one that is there --------------------------------------------------------------


def test_the_stores_own_texts_and_pictures_stay() -> None:
    given = item(description="New text", images=("https://p.example/1.jpg",), weight=Decimal(2))

    assert existing(wanted(given), FieldOwners()) == {"weight": "2", "show": "keep"}


def test_what_the_back_office_owns_is_sent() -> None:
    part = existing(wanted(item(description="New text")), FieldOwners(description="erp"))

    assert part["description"] == "New text"


def test_what_is_shown_is_the_stores_where_it_owns_that() -> None:
    value = wanted(item(lifecycle="permanently_out"))

    assert existing(value, FieldOwners(status="store")) == {}


def test_a_draft_that_waits_for_your_team_is_not_published() -> None:
    new = created(wanted(item()), USUAL)

    assert "status" not in existing(wanted(item()), ALL_ERP, new)


@pytest.mark.parametrize(
    ("show", "back"), [("hidden", {"visibility": "visible"}), ("draft", {"status": "publish"})]
)
def test_what_comes_back_is_shown_again(show: str, back: dict[str, str]) -> None:
    rule = LifecycleRule(show=show, text="Gone")  # type: ignore[arg-type]
    out = item(lifecycle="temporarily_out")
    sent = existing(wanted(out, CatalogueRules(lifecycle={"temporarily_out": rule})), FieldOwners())

    part = existing(wanted(item()), FieldOwners(), sent)

    assert part == {"show": "keep", "text": "", **back}


def test_pictures_that_lie_inside_are_not_fetched_by_the_store() -> None:
    inside = ("http://p.example/1.jpg", "https://10.0.0.5/2.jpg", "https://erp.local/3.jpg")
    pictures = (*inside, "https://p.example/4.jpg")

    wanted = wanted_product(
        item(images=pictures), CatalogueRules(), StockRules(), Mappings(), sku="MUG"
    )

    assert wanted is not None
    assert wanted["images"] == ["https://p.example/4.jpg"]
