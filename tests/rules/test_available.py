"""How many of an item a store may sell, and what a sale claims."""

import dataclasses
import datetime as dt
from decimal import Decimal

import pytest

from accord.rules.available import (
    Available,
    Sold,
    Terms,
    available,
    claims,
    dependants,
    limits,
    needs,
    relatives,
    terms,
)
from accord.rules.selling import ItemWhen, StockRule, StockRules
from tests.rules.sold import AT, MAIN, Holdings, Recipes, bom, held, kit, recipes, there

NEVER: Recipes = {}


def quantity(
    item: str,
    holdings: Holdings,
    made: Recipes = NEVER,
    on: Terms = MAIN,
    *,
    store: str = "",
) -> int:
    return available(item, holdings, made, on, store=store).quantity


def on(buffer: int = 0, oversell: int = 0, build: str = "all", *locations: str) -> Terms:
    return dataclasses.replace(
        MAIN,
        locations=locations or MAIN.locations,
        buffer=buffer,
        oversell=oversell,
        build=build,  # type: ignore[arg-type]
    )


# --- of what is in stock ------------------------------------------------------


def test_only_the_chosen_locations_count() -> None:
    mug = {"MUG": held("MUG", {"MAIN": "3", "EAST": "4", "FAIR": "50"})}

    assert quantity("MUG", mug, NEVER, on(0, 0, "all", "MAIN", "EAST")) == 7


def test_what_is_claimed_is_not_sold_again() -> None:
    assert quantity("MUG", {"MUG": held("MUG", "10", taken="4")}) == 6


def test_a_stores_own_holds_are_not_taken_from_it() -> None:
    mug = {"MUG": held("MUG", "10", taken="5", held={"uk": "2", "de": "3"})}

    assert [quantity("MUG", mug, store=store) for store in ("uk", "de", "")] == [7, 8, 5]


def test_the_buffer_is_kept_back() -> None:
    assert quantity("MUG", there(MUG="10"), NEVER, on(buffer=3)) == 7


def test_so_many_may_be_sold_that_are_not_there() -> None:
    assert quantity("MUG", there(MUG="0"), NEVER, on(oversell=5)) == 5


def test_what_was_promised_too_much_comes_off_the_oversell() -> None:
    assert quantity("MUG", there(MUG="-3"), NEVER, on(oversell=5)) == 2


def test_part_of_a_piece_is_not_sold() -> None:
    assert quantity("ROPE", there(ROPE="2.9")) == 2


def test_there_are_never_fewer_than_none() -> None:
    assert quantity("MUG", there(MUG="1"), NEVER, on(buffer=3)) == 0


def test_what_was_sold_too_much_is_told() -> None:
    mug = {"MUG": held("MUG", "10", taken="12.5")}

    assert available("MUG", mug, NEVER, MAIN, store="").short == Decimal("2.5")


def test_of_an_unknown_item_nothing_is_sold_and_nothing_known() -> None:
    nothing = Available(0, None, Decimal(0))

    assert available("MUG", {}, NEVER, on(oversell=5), store="") == nothing


def test_an_item_that_is_claimed_before_it_is_seen_is_unknown() -> None:
    mug = {"MUG": held("MUG", taken="2", as_of=None)}

    assert available("MUG", mug, NEVER, MAIN, store="").as_of is None


# --- of what can be put together ----------------------------------------------


def test_a_kit_is_as_many_as_its_scarcest_part() -> None:
    made = recipes(kit("SET", MUG="2", TRAY="1"))

    assert quantity("SET", there(MUG="9", TRAY="7"), made) == 4


def test_a_kit_has_no_stock_of_its_own() -> None:
    made = recipes(kit("SET", MUG="1"))

    assert quantity("SET", there(SET="50", MUG="3"), made) == 3


def test_a_kit_that_is_not_to_be_taken_apart_is_what_the_back_office_says() -> None:
    made = recipes(kit("SET", MUG="1"))

    assert quantity("SET", there(SET="5", MUG="3"), made, on(build="none")) == 5


def test_a_bill_of_materials_adds_what_can_be_built() -> None:
    made = recipes(bom("BIKE", WHEEL="2", FRAME="1"))

    assert quantity("BIKE", there(BIKE="1", WHEEL="7", FRAME="5"), made) == 4


@pytest.mark.parametrize("build", ["none", "kits"])
def test_what_could_be_built_counts_only_if_it_shall(build: str) -> None:
    made = recipes(bom("BIKE", WHEEL="2"))

    assert quantity("BIKE", there(BIKE="1", WHEEL="8"), made, on(build=build)) == 1


def test_a_kit_of_what_is_built_counts_only_what_is_there_of_it() -> None:
    made = recipes(kit("SET", BIKE="1"), bom("BIKE", WHEEL="2"))

    assert quantity("SET", there(BIKE="1", WHEEL="8"), made, on(build="kits")) == 1


def test_only_whole_batches_are_built() -> None:
    made = recipes(bom("CANDLE", "12", WAX="5"))

    assert quantity("CANDLE", there(CANDLE="1", WAX="14"), made) == 25


def test_stock_of_a_part_comes_before_what_it_is_made_of() -> None:
    made = recipes(bom("BIKE", WHEEL="2"), bom("WHEEL", SPOKE="30"))

    assert quantity("BIKE", there(BIKE="0", WHEEL="3", SPOKE="100"), made) == 3


def test_a_part_that_is_needed_on_two_levels_is_used_once() -> None:
    made = recipes(bom("BIKE", WHEEL="2", BOLT="4"), bom("WHEEL", BOLT="8"))

    assert quantity("BIKE", there(BIKE="0", WHEEL="1", BOLT="60"), made) == 3


def test_what_is_short_of_a_part_is_built_first() -> None:
    made = recipes(bom("BIKE", WHEEL="2"), bom("WHEEL", SPOKE="10"))

    assert quantity("BIKE", there(BIKE="0", WHEEL="-2", SPOKE="65"), made) == 2


def test_what_is_short_of_the_item_itself_is_built_first() -> None:
    made = recipes(bom("BIKE", WHEEL="2"))

    found = available("BIKE", there(BIKE="-2", WHEEL="10"), made, MAIN, store="")

    assert (found.quantity, found.short) == (3, 0)


def test_a_part_that_is_short_does_not_matter_while_there_is_stock() -> None:
    made = recipes(bom("BIKE", WHEEL="2"))

    assert quantity("BIKE", there(BIKE="4", WHEEL="-6"), made) == 4


def test_a_kit_whose_parts_are_short_is_short() -> None:
    made = recipes(kit("SET", MUG="2"))

    found = available("SET", there(MUG="-5"), made, on(oversell=4), store="")

    assert (found.quantity, found.short) == (1, 3)


def test_buffer_and_oversell_are_those_of_what_is_sold() -> None:
    made = recipes(kit("SET", MUG="2"))

    assert quantity("SET", there(MUG="10"), made, on(buffer=1)) == 4


def test_a_kit_with_a_part_that_is_not_known_is_not_known() -> None:
    made = recipes(kit("SET", MUG="1", TRAY="1"))

    assert available("SET", there(MUG="5"), made, MAIN, store="").as_of is None


def test_nothing_is_built_of_a_part_that_is_not_known() -> None:
    made = recipes(bom("BIKE", WHEEL="2", FRAME="1"))

    assert quantity("BIKE", there(BIKE="2", WHEEL="9"), made) == 2


def test_it_is_as_old_as_the_oldest_that_it_was_computed_of() -> None:
    made = recipes(kit("SET", MUG="1", TRAY="1"))
    older = AT - dt.timedelta(hours=1)
    holdings = {"MUG": held("MUG", "5"), "TRAY": held("TRAY", "5", as_of=older)}

    assert available("SET", holdings, made, MAIN, store="").as_of == older


def test_the_age_of_what_does_not_count_does_not_matter() -> None:
    made = recipes(bom("BIKE", WHEEL="2"))
    older = AT - dt.timedelta(hours=1)
    holdings = {"BIKE": held("BIKE", "5"), "WHEEL": held("WHEEL", "5", as_of=older)}

    assert available("BIKE", holdings, made, on(build="none"), store="").as_of == AT


def test_an_item_of_itself_is_not_built() -> None:
    made = recipes(bom("EGG", HEN="1"), bom("HEN", EGG="1"))

    assert quantity("EGG", there(EGG="2", HEN="3"), made) == 2


def test_what_is_made_of_a_circle_uses_what_is_there() -> None:
    made = recipes(bom("CAKE", EGG="2"), bom("EGG", HEN="1"), bom("HEN", EGG="1"))

    assert quantity("CAKE", there(CAKE="1", EGG="4", HEN="9"), made) == 3


def test_a_kit_of_itself_is_not_known() -> None:
    made = recipes(kit("SET", SET="1"))

    assert available("SET", there(SET="5"), made, MAIN, store="").as_of is None


def test_a_recipe_of_nothing_builds_nothing() -> None:
    made = recipes(bom("AIR", WIND="0"))

    assert quantity("AIR", there(AIR="1", WIND="5"), made) == 1


def test_large_numbers_take_few_steps() -> None:
    made = recipes(kit("SET", MUG="1"))

    assert quantity("SET", there(MUG="1000000000"), made) == 1_000_000_000


# --- who is whose part ----------------------------------------------------------

TREE = recipes(kit("SET", BIKE="1", MUG="1"), bom("BIKE", WHEEL="2"), bom("WHEEL", SPOKE="30"))


def test_relatives_are_all_that_it_is_made_of() -> None:
    assert relatives(["BIKE"], TREE) == {"BIKE", "WHEEL", "SPOKE"}


def test_dependants_are_all_that_is_made_of_it() -> None:
    assert dependants(["WHEEL"], TREE) == {"WHEEL", "BIKE", "SET"}


def test_circles_have_an_end() -> None:
    made = recipes(bom("EGG", HEN="1"), bom("HEN", EGG="1"))

    assert relatives(["EGG"], made) == dependants(["EGG"], made) == {"EGG", "HEN"}


# --- what a sale claims -----------------------------------------------------------


def counts(claim: dict[str, Decimal]) -> dict[str, str]:
    return {item: f"{number.normalize():f}" for item, number in claim.items()}


def test_a_sale_claims_what_is_sold() -> None:
    assert counts(needs("MUG", Decimal(3), there(MUG="5"), NEVER, MAIN)) == {"MUG": "3"}


def test_a_kit_claims_its_parts() -> None:
    made = recipes(kit("SET", MUG="2", TRAY="1"))

    claim = needs("SET", Decimal(3), there(MUG="9", TRAY="9"), made, MAIN)

    assert counts(claim) == {"MUG": "6", "TRAY": "3"}


def test_stock_is_claimed_before_parts() -> None:
    made = recipes(bom("BIKE", WHEEL="2"))

    claim = needs("BIKE", Decimal(5), there(BIKE="2", WHEEL="20"), made, MAIN)

    assert counts(claim) == {"BIKE": "2", "WHEEL": "6"}


def test_what_nothing_covers_is_claimed_of_the_item() -> None:
    made = recipes(bom("BIKE", WHEEL="2"))

    claim = needs("BIKE", Decimal(9), there(BIKE="2", WHEEL="8"), made, MAIN)

    assert counts(claim) == {"BIKE": "5", "WHEEL": "8"}


def test_what_nothing_covers_of_a_kit_is_claimed_of_its_parts() -> None:
    made = recipes(kit("SET", MUG="2", TRAY="1"))

    claim = needs("SET", Decimal(4), there(MUG="2", TRAY="9"), made, MAIN)

    assert counts(claim) == {"MUG": "8", "TRAY": "4"}


def test_a_kit_in_a_kit_claims_what_is_shipped() -> None:
    made = recipes(kit("HAMPER", SET="2", JAM="1"), kit("SET", MUG="3"))

    assert counts(needs("HAMPER", Decimal(1), {}, made, MAIN)) == {"MUG": "6", "JAM": "1"}


def test_an_unknown_item_is_claimed_all_the_same() -> None:
    assert counts(needs("MUG", Decimal(2), {}, NEVER, MAIN)) == {"MUG": "2"}


def test_what_earlier_sales_left_to_be_built_is_not_claimed_again() -> None:
    made = recipes(bom("BIKE", WHEEL="2"))

    claim = needs("BIKE", Decimal(1), there(BIKE="-2", WHEEL="20"), made, MAIN)

    assert counts(claim) == {"WHEEL": "2"}


def test_a_claim_looked_at_again_is_the_same() -> None:
    made = recipes(bom("BIKE", WHEEL="2"))
    claimed = {"BIKE": held("BIKE", "2", taken="2"), "WHEEL": held("WHEEL", "20", taken="6")}
    mine = {"BIKE": Decimal(2), "WHEEL": Decimal(6)}

    assert needs("BIKE", Decimal(5), claimed, made, MAIN, mine=mine) == mine


def test_a_batch_is_claimed_whole() -> None:
    made = recipes(bom("CANDLE", "12", WAX="5"))

    claim = needs("CANDLE", Decimal(1), there(CANDLE="0", WAX="14"), made, MAIN)

    assert counts(claim) == {"WAX": "5"}


def test_nothing_sold_claims_nothing() -> None:
    assert needs("MUG", Decimal(0), there(MUG="5"), NEVER, MAIN) == {}


# --- how far a hold may go ----------------------------------------------------------


def most(item: str, count: int, holdings: Holdings, made: Recipes, on_: Terms) -> dict[str, str]:
    asked = needs(item, Decimal(count), holdings, made, on_)
    bounds = limits(asked, holdings, made, on_, item=item, quantity=Decimal(count))
    return counts({limit.item: limit.most for limit in bounds})


def test_a_hold_goes_as_far_as_there_is_stock() -> None:
    assert most("MUG", 2, {"MUG": held("MUG", "5", taken="3")}, NEVER, MAIN) == {"MUG": "5"}


def test_a_hold_leaves_the_buffer() -> None:
    assert most("MUG", 2, there(MUG="5"), NEVER, on(buffer=1)) == {"MUG": "4"}


def test_a_hold_may_oversell_as_far_as_the_rules_do() -> None:
    assert most("MUG", 2, there(MUG="0"), NEVER, on(oversell=3)) == {"MUG": "3"}


def test_the_buffer_of_a_kit_counts_in_parts() -> None:
    made = recipes(kit("SET", MUG="2"))

    assert most("SET", 1, there(MUG="10"), made, on(buffer=3)) == {"MUG": "4"}


def test_the_buffer_of_what_is_built_may_be_parts() -> None:
    made = recipes(bom("BIKE", WHEEL="2"))

    found = most("BIKE", 3, there(BIKE="3", WHEEL="10"), made, on(buffer=2))

    assert found == {"BIKE": "3", "WHEEL": "6"}


def test_a_hold_leaves_what_earlier_sales_need() -> None:
    made = recipes(bom("BIKE", WHEEL="2"))

    assert most("BIKE", 1, there(BIKE="-1", WHEEL="6"), made, MAIN) == {"WHEEL": "4"}


def test_a_limit_names_the_state_that_it_was_computed_of() -> None:
    mug = {"MUG": held("MUG", "5", basis=7)}
    asked = needs("MUG", Decimal(1), mug, NEVER, MAIN)

    (limit,) = limits(asked, mug, NEVER, MAIN, item="MUG", quantity=Decimal(1))

    assert limit.basis == 7


def test_two_lines_of_a_basket_do_not_count_on_the_same_pieces() -> None:
    made = recipes(bom("BIKE", WHEEL="2"))
    basket = [Sold("WHEEL", Decimal(3), MAIN), Sold("BIKE", Decimal(1), MAIN)]

    claim, bounds = claims(basket, there(BIKE="0", WHEEL="4"), made)

    assert counts(claim) == {"WHEEL": "3", "BIKE": "1"}
    assert {limit.item: int(limit.most) for limit in bounds} == {"WHEEL": 4, "BIKE": 0}


# --- which terms hold -----------------------------------------------------------------

RULES = StockRules(
    locations=("MAIN",),
    buffer=1,
    rule=(
        StockRule(name="glass", when=ItemWhen(sku=("GLASS-*",)), buffer=5),
        StockRule(name="books", when=ItemWhen(item_class=("books",)), oversell=100, buffer=0),
        StockRule(name="all", when=ItemWhen(), backorders="notify"),
    ),
)
CLASSES = {"books": ("BOOK-*", "GLASS-BOOK")}


def test_of_each_word_the_first_rule_that_says_it_decides() -> None:
    found = terms("GLASS-BOOK", RULES, CLASSES)

    assert (found.buffer, found.oversell, found.backorders) == (5, 100, "notify")


def test_where_no_rule_fits_the_stores_own_terms_hold() -> None:
    assert terms("MUG", StockRules(locations=("MAIN",), buffer=1), {}) == on(buffer=1)


def test_a_rule_needs_all_that_it_names() -> None:
    when = ItemWhen(sku=("GLASS-*",), item_class=("books",))
    rules = StockRules(rule=(StockRule(name="one", when=when, buffer=9),))

    found = [terms(sku, rules, CLASSES).buffer for sku in ("GLASS-1", "BOOK-1", "GLASS-BOOK")]

    assert found == [0, 0, 9]
