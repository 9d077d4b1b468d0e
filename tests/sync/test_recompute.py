"""What a store should show is computed from what is known, in bulk, and never from guesses."""

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import UnmappedError
from accord.local.world import hooked
from accord.model.change import Ref
from accord.model.item import Family, Item, ItemPrices
from accord.model.stock import Holding, Recipe, Snapshot
from accord.rules.config import Store
from accord.state.memory_levels import MemoryLevels
from accord.sync.recompute import (
    Computed,
    locations,
    price_lists,
    prices_of,
    products_of,
    recompute,
    stock_of,
)
from tests.sync.conftest import START, config

MINUTE = dt.timedelta(minutes=1)


def rules(**tables: Any) -> Store:
    stock = {"locations": ["MAIN"], **tables.pop("stock", {})}
    prices = {"currency": "GBP", **tables.pop("prices", {})}
    return config(stock=stock, prices=prices, **tables).stores["uk"]


def holding(item: str, free: int, **more: Any) -> Holding:
    return Holding(item, {"MAIN": Decimal(free)}, more.pop("as_of", START), **more)


def stock(*holdings: Holding, store: Store | None = None, **recipes: Recipe) -> Computed:
    items = sorted({*(each.item for each in holdings), *recipes})
    known = {each.item: each for each in holdings}
    return stock_of(items, known, recipes, store="uk", rules=store or rules())


def values(computed: Computed) -> Mapping[str, Any]:
    return {each.sku: each.value for each in computed.wanted}


# --- stock -------------------------------------------------------------------


def test_claims_and_the_buffer_are_subtracted() -> None:
    found = stock(holding("MUG", 9, taken=Decimal(2)), store=rules(stock={"buffer": 3}))
    assert values(found) == {"MUG": {"quantity": 4}}


def test_holds_of_the_stores_own_shoppers_are_not() -> None:
    held = {"uk": Decimal(2), "de": Decimal(1)}
    assert values(stock(holding("MUG", 9, taken=Decimal(3), held=held))) == {"MUG": {"quantity": 8}}


def test_what_was_never_looked_at_is_left_out() -> None:
    assert stock(holding("MUG", 9, as_of=None)).wanted == ()


def test_a_value_is_as_old_as_the_oldest_that_it_rests_on() -> None:
    kit = Recipe("SET", (("TEA", Decimal(1)), ("MUG", Decimal(1))), kind="kit")
    found = stock(holding("TEA", 5, as_of=START - MINUTE), holding("MUG", 5), SET=kit)
    assert {each.sku: each.as_of for each in found.wanted} == {
        "TEA": START - MINUTE,
        "MUG": START,
        "SET": START - MINUTE,
    }


def test_backorders_are_said_only_where_a_rule_says_them() -> None:
    exception = {"name": "gifts", "when": {"sku": ["GIFT*"]}, "backorders": "notify"}
    found = stock(holding("GIFT", 1), holding("MUG", 1), store=rules(stock={"rule": [exception]}))
    assert values(found) == {
        "GIFT": {"quantity": 1, "backorders": "notify"},
        "MUG": {"quantity": 1},
    }


def test_what_is_short_is_counted_once_for_an_item_of_two_skus() -> None:
    two = rules(mappings={"items": {"MUG-OLD": {"item": "MUG"}}})
    found = stock(holding("MUG", 1, taken=Decimal(4)), store=two)
    assert values(found) == {"MUG": {"quantity": 0}, "MUG-OLD": {"quantity": 0}}
    assert found.short == {"MUG": 3}


def test_an_item_that_no_sku_stands_for_is_left_out() -> None:
    assert stock(holding("MUG", 1), store=rules(mappings={"items_same_code": False})).wanted == ()


def test_all_that_is_made_of_an_item_is_computed_with_it() -> None:
    levels = MemoryLevels()
    levels.observe("main", [Snapshot("TEA", {"MAIN": Decimal(8)}, START)])
    recipes = {
        "SET": Recipe("SET", (("TEA", Decimal(2)),), kind="kit"),
        "BOX": Recipe("BOX", (("SET", Decimal(2)),), kind="kit"),
    }
    (chunk,) = recompute(
        ["TEA"], erp="main", stores={"uk": rules()}, levels=levels, recipes=recipes
    )
    assert values(chunk["uk"]) == {
        "TEA": {"quantity": 8},
        "SET": {"quantity": 4},
        "BOX": {"quantity": 2},
    }


def test_a_part_of_a_thousand_kits_is_read_in_chunks() -> None:
    levels, calls = MemoryLevels(), list[str]()
    levels.observe("main", [Snapshot("BOX", {"MAIN": Decimal(8)}, START)])
    recipes = {f"K{n}": Recipe(f"K{n}", (("BOX", Decimal(1)),), kind="kit") for n in range(1000)}
    chunks = list(
        recompute(
            ["BOX"],
            erp="main",
            stores={"uk": rules(), "de": rules()},
            levels=hooked(levels, "levels", calls.append),
            recipes=recipes,
        )
    )
    assert sum(len(chunk["uk"].wanted) for chunk in chunks) == 1001
    assert calls.count("before levels.holdings") == len(chunks) == 11


def test_every_location_of_the_rules_is_asked_for() -> None:
    exception = {"name": "far", "when": {"sku": ["X*"]}, "locations": ["EAST", "MAIN"]}
    assert locations(rules(stock={"rule": [exception]})) == {"MAIN", "EAST"}


# --- prices ------------------------------------------------------------------


def priced(*prices: ItemPrices, store: Store, lifecycles: Any = None) -> Computed:
    return prices_of(prices, lifecycles or {}, erp="main", store="uk", rules=store, as_of=START)


def test_every_price_list_of_the_rules_is_asked_for() -> None:
    store = rules(
        prices={
            "list": "WEB",
            "clearance": "CLEAR",
            "sale": {"list": "SALE"},
            "band": [{"list": "TRADE", "role": "wholesale"}],
        }
    )
    assert price_lists(store) == {"WEB", "CLEAR", "SALE", "TRADE"}


def test_a_store_without_price_lists_asks_for_none() -> None:
    assert price_lists(rules()) == set()


def test_the_clearance_price_holds_while_an_item_is_cleared() -> None:
    prices = ItemPrices("MUG", "GBP", Decimal(10), {"CLEAR": Decimal(6)})
    store = rules(prices={"clearance": "CLEAR"})
    cleared = values(priced(prices, store=store, lifecycles={"MUG": "clearance"}))
    assert cleared["MUG"]["sale"]["price"] == "6.00"
    assert values(priced(prices, store=store))["MUG"]["sale"] is None


def test_a_price_that_no_rule_explains_holds_up_no_other() -> None:
    store = rules(prices={"include_tax": True})
    found = priced(
        ItemPrices("MUG", "GBP", Decimal(10), taxes=("VAT 99%",)),
        ItemPrices("TEA", "GBP", Decimal(10), taxes=("VAT 20%",)),
        store=store,
    )
    assert [each.sku for each in found.wanted] == ["TEA"]
    ((item, error),) = found.unmapped
    assert (item, type(error)) == ("MUG", UnmappedError)
    assert "VAT 99%" in str(error)


def test_an_item_without_code_has_no_price() -> None:
    assert priced(ItemPrices("", "GBP", Decimal(10)), store=rules()) == Computed()


# --- products ----------------------------------------------------------------


def item(code: str, **fields: Any) -> Item:
    return Item(Ref("main", "item", code), code, fields.pop("name", code), **fields)


def shown(*items: Item, store: Store | None = None, **families: Any) -> Computed:
    return products_of(items, families, rules=store or rules(), as_of=START)


def test_each_sku_of_an_item_is_a_product_of_its_own() -> None:
    two = rules(mappings={"items": {"MUG-OLD": {"item": "MUG"}}})
    found = values(shown(item("MUG"), store=two))
    assert {sku: value["sku"] for sku, value in found.items()} == {
        "MUG": "MUG",
        "MUG-OLD": "MUG-OLD",
    }


@pytest.mark.parametrize("known", [None, {"attributes": [{"name": "Size", "options": ["L"]}]}])
def test_a_family_keeps_the_options_that_it_had(known: Any) -> None:
    variant = item("TEE-S", family=Family("7", "TEE", "T-shirt"), options=(("Size", "S"),))
    found = values(shown(variant, TEE=known))
    (sizes,) = found["TEE"]["attributes"]
    assert set(sizes["options"]) == ({"S", "L"} if known else {"S"})
    assert found["TEE-S"]["parent"] == "TEE"


def test_an_item_that_belongs_in_no_store_is_left_out() -> None:
    store = rules(catalogue={"publish": {"sku": ["WEB-*"]}})
    assert set(values(shown(item("MUG"), item("WEB-1"), store=store))) == {"WEB-1"}


def test_an_item_without_code_is_left_out() -> None:
    assert shown(item("")).wanted == ()
