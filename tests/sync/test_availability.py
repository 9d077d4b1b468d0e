"""Whether a basket can be sold: from what is known, quickly, and never more than there is."""

import datetime as dt
import threading
import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accord.errors import UnavailableError
from accord.model.stock import Holding, Recipe, Snapshot
from accord.ports.levels import Hold, Limit, Wanted
from accord.rules.available import Sold, claims
from accord.rules.available import terms as terms_of
from accord.rules.config import Store
from accord.state.memory_levels import MemoryLevels
from accord.sync.availability import (
    Answer,
    Availability,
    Basket,
    KnownRecipes,
    Line,
    Live,
    Price,
    judge,
    price_of,
)
from tests.rules.sold import bom, held, kit, recipes
from tests.sync.conftest import config

NOW = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
TODAY = NOW.date()
ERP = "main"


@dataclass
class Shop:
    """One store's checkout, over levels in memory."""

    rules: Store
    levels: MemoryLevels = field(default_factory=MemoryLevels)
    now: dt.datetime = NOW
    live: Live | None = None

    def ask(self, *lines: tuple[str, int], id_: str = "b1", **more: Any) -> Answer:
        basket = Basket(id_, tuple(Line(*line) for line in lines), **more)
        return self.availability().ask(basket)

    def availability(self) -> Availability:
        return Availability(
            name="uk",
            rules=self.rules,
            zone=zoneinfo.ZoneInfo("Europe/London"),
            levels=self.levels,
            recipes=self.levels.recipes,
            clock=lambda: self.now,
            live=self.live,
        )

    def has(self, *made: Recipe, **free: int) -> None:
        self.levels.observe(
            ERP, [Snapshot(item, {"MAIN": Decimal(n)}, NOW) for item, n in free.items()]
        )
        if made:
            self.levels.put_recipes(ERP, made)

    def taken(self, item: str) -> Decimal:
        return self.levels.holdings(ERP, [item])[item].taken

    def somebody_holds(self, id_: str, *, minutes: int = 15, **needs: int) -> None:
        amounts = {item: Decimal(n) for item, n in needs.items()}
        ends = NOW + dt.timedelta(minutes=minutes)
        assert self.levels.hold(Hold(id_, "uk", ERP, amounts, ends), (), now=NOW)


def shop(**tables: dict[str, Any]) -> Shop:
    tables.setdefault("availability", {"enabled": True})
    return Shop(config(**tables).stores["uk"])


def lefts(answer: Answer) -> list[int | None]:
    return [line.available for line in answer.lines]


# --- what there is ---------------------------------------------------------------------


def test_what_is_there_is_told_with_the_time_that_it_is_true_of() -> None:
    uk = shop()
    uk.has(MUG=5)

    (line,) = uk.ask(("MUG", 2)).lines

    assert (line.available, line.enough, line.as_of) == (5, True, NOW)


def test_more_than_there_is_cannot_be_sold() -> None:
    uk = shop()
    uk.has(MUG=5, TEA=5)

    answer = uk.ask(("TEA", 1), ("MUG", 6))

    assert [line.enough for line in answer.lines] == [True, False]
    assert not answer.available


def test_what_nobody_counts_is_sold() -> None:
    uk = shop()

    (line,) = uk.ask(("GIFT-WRAPPING", 3)).lines

    assert (line.available, line.enough, line.as_of) == (None, True, None)


def test_an_unmapped_sku_is_sold() -> None:
    uk = shop(mappings={"items_same_code": False})
    uk.has(MUG=0)

    assert uk.ask(("MUG", 1)).available


def test_two_lines_never_count_on_the_same_pieces() -> None:
    uk = shop()
    uk.has(MUG=5)

    answer = uk.ask(("MUG", 3), ("MUG", 3))

    assert lefts(answer) == [5, 2]
    assert not answer.available


def test_a_kit_and_its_part_never_count_on_the_same_pieces() -> None:
    uk = shop()
    uk.has(kit("SET", MUG="2"), MUG=5)

    assert lefts(uk.ask(("MUG", 2), ("SET", 2))) == [5, 1]


def test_the_buffer_is_not_for_sale() -> None:
    uk = shop(stock={"buffer": 2})
    uk.has(MUG=5)

    assert lefts(uk.ask(("MUG", 1))) == [3]


def test_what_other_shoppers_of_the_store_hold_is_not_there() -> None:
    uk = shop()
    uk.has(MUG=5)
    uk.somebody_holds("other", MUG=4)

    assert lefts(uk.ask(("MUG", 1))) == [1]


def test_a_hold_whose_time_is_over_keeps_nobody_from_buying() -> None:
    uk = shop()
    uk.has(MUG=1)
    uk.somebody_holds("other", minutes=15, MUG=1)
    uk.now += dt.timedelta(minutes=16)

    assert uk.ask(("MUG", 1)).available


@pytest.mark.parametrize(("backorders", "sold"), [("yes", True), ("notify", True), ("no", False)])
def test_what_the_store_sells_when_there_is_none_is_sold(backorders: str, sold: bool) -> None:
    uk = shop(stock={"backorders": backorders})
    uk.has(MUG=0)

    assert uk.ask(("MUG", 1)).available is sold


def test_what_a_products_lifecycle_says_of_backorders_goes_before_the_rules() -> None:
    uk = shop(stock={"backorders": "yes"}, flows={"products": "on"})
    uk.has(MUG=0, TEA=0)
    uk.levels.want("uk", "product", [Wanted("MUG", {"backorders": "no"}, NOW)])

    assert [line.enough for line in uk.ask(("MUG", 1), ("TEA", 1)).lines] == [False, True]


# --- prices ------------------------------------------------------------------------------


WANTED = {
    "regular": "12.50",
    "sale": {"price": "9.99", "from": "2026-11-20", "to": "2026-11-22"},
    "bands": {"wholesale_customer": "8.00"},
}


def test_the_price_is_that_of_today_and_of_the_shoppers_role() -> None:
    uk = shop(flows={"prices": "on"})
    uk.levels.want("uk", "price", [Wanted("MUG", WANTED, NOW)])

    (line,) = uk.ask(("MUG", 1), role="wholesale_customer").lines

    assert line.price == Price("12.50", "9.99", "8.00")


@pytest.mark.parametrize(
    ("day", "sale"),
    [
        ("2026-11-19", None),
        ("2026-11-20", "9.99"),
        ("2026-11-22", "9.99"),
        ("2026-11-23", None),
    ],
)
def test_a_sale_holds_from_its_first_day_to_its_last(day: str, sale: str | None) -> None:
    found = price_of(WANTED, role="", today=dt.date.fromisoformat(day))

    assert found == Price("12.50", sale)


def test_a_sale_without_days_holds_until_further_notice() -> None:
    wanted = {**WANTED, "sale": {"price": "9.99", "from": None, "to": None}}

    assert price_of(wanted, role="", today=TODAY) == Price("12.50", "9.99")


def test_a_sale_ends_in_the_companys_own_time_zone() -> None:
    uk = shop(flows={"prices": "on"})
    summer = {**WANTED, "sale": {"price": "9.99", "from": None, "to": "2026-07-01"}}
    uk.levels.want("uk", "price", [Wanted("MUG", summer, NOW)])
    uk.now = dt.datetime(2026, 7, 1, 23, 30, tzinfo=dt.UTC)  # half past midnight in London

    (line,) = uk.ask(("MUG", 1)).lines

    assert line.price == Price("12.50")


def test_what_has_no_price_is_told_without_one() -> None:
    assert price_of({"regular": "", "sale": None, "bands": {}}, role="", today=TODAY) is None


def test_a_store_whose_prices_are_not_ours_is_told_none() -> None:
    uk = shop(flows={"prices": "off"})
    uk.levels.want("uk", "price", [Wanted("MUG", WANTED, NOW)])

    (line,) = uk.ask(("MUG", 1)).lines

    assert line.price is None


# --- holds ---------------------------------------------------------------------------------


def test_a_hold_keeps_the_goods_for_as_long_as_the_rules_say() -> None:
    uk = shop(availability={"enabled": True, "hold_minutes": 20})
    uk.has(MUG=5)

    answer = uk.ask(("MUG", 2), hold=True)

    assert answer.hold is not None
    assert answer.hold.expires_at == NOW + dt.timedelta(minutes=20)
    assert uk.taken("MUG") == 2


def test_a_basket_that_does_not_ask_keeps_nothing() -> None:
    uk = shop()
    uk.has(MUG=5)

    assert uk.ask(("MUG", 2)).hold is None
    assert uk.taken("MUG") == 0


def test_where_the_rules_keep_nothing_nothing_is_kept() -> None:
    uk = shop(availability={"enabled": True, "hold_minutes": 0})
    uk.has(MUG=5)

    assert uk.ask(("MUG", 2), hold=True).hold is None


def test_a_basket_is_kept_as_a_whole_or_not_at_all() -> None:
    uk = shop()
    uk.has(MUG=5, TEA=0)

    assert uk.ask(("MUG", 2), ("TEA", 1), hold=True).hold is None
    assert uk.taken("MUG") == 0


def test_a_basket_of_which_nothing_is_counted_is_sold_and_not_kept() -> None:
    answer = shop().ask(("GIFT-WRAPPING", 1), hold=True)

    assert (answer.available, answer.hold) == (True, None)


def test_of_what_is_sold_on_the_pieces_that_are_there_are_kept() -> None:
    uk = shop(stock={"backorders": "notify"})
    uk.has(MUG=2)

    answer = uk.ask(("MUG", 5), hold=True)

    assert answer.available
    assert uk.taken("MUG") == 2


def test_the_same_basket_again_is_kept_once() -> None:
    uk = shop()
    uk.has(MUG=2)

    uk.ask(("MUG", 2), hold=True)
    again = uk.ask(("MUG", 2), hold=True)  # as after a crash, before anyone was told

    assert (again.available, again.hold is not None) == (True, True)
    assert uk.taken("MUG") == 2


def test_a_changed_basket_of_the_same_shopper_takes_the_place_of_the_old_one() -> None:
    uk = shop()
    uk.has(MUG=1, TEA=1)
    uk.ask(("MUG", 1), hold=True, id_="old")

    answer = uk.ask(("MUG", 1), ("TEA", 1), hold=True, id_="new", replaces="old")

    assert answer.hold is not None
    assert (uk.taken("MUG"), uk.taken("TEA")) == (1, 1)


def test_a_changed_basket_gives_up_the_old_one_even_where_it_asks_for_none() -> None:
    uk = shop()
    uk.has(MUG=1)
    uk.ask(("MUG", 1), hold=True, id_="old")

    uk.ask(("TEA", 1), id_="new", replaces="old")

    assert uk.taken("MUG") == 0


def test_holds_whose_time_is_over_make_room() -> None:
    uk = shop()
    uk.has(MUG=1)
    uk.somebody_holds("other", MUG=1)
    uk.now += dt.timedelta(minutes=16)

    assert uk.ask(("MUG", 1), hold=True).hold is not None


def test_a_basket_of_too_many_items_is_sold_without_a_hold() -> None:
    uk = shop()
    items = [f"I{n}" for n in range(41)]
    uk.has(**dict.fromkeys(items, 5))

    answer = uk.ask(*((item, 1) for item in items), hold=True)

    assert (answer.available, answer.hold) == (True, None)


class Unwilling(MemoryLevels):
    """Levels that keep nothing, and count how often they were looked at."""

    looked = 0

    def hold(self, hold: Hold, limits: Sequence[Limit], *, now: dt.datetime) -> bool:
        return False

    def holdings(self, erp: str, items: Sequence[str]) -> Mapping[str, Holding]:
        self.looked += 1
        return super().holdings(erp, items)


def test_what_cannot_be_kept_though_nobody_came_in_between_is_not_tried_for_long() -> None:
    uk = shop()
    uk.levels = unwilling = Unwilling()
    uk.has(MUG=5)

    answer = uk.ask(("MUG", 1), hold=True)

    assert (answer.available, answer.hold) == (True, None)
    assert unwilling.looked == 2


def test_a_kit_keeps_its_parts() -> None:
    uk = shop()
    uk.has(kit("SET", MUG="2", TEA="1"), MUG=5, TEA=5)

    uk.ask(("SET", 2), hold=True)

    assert (uk.taken("MUG"), uk.taken("TEA")) == (4, 2)


def test_many_shoppers_at_once_hold_every_piece_and_none_twice() -> None:
    uk = shop()
    uk.has(MUG=10)
    kept: list[bool] = []

    def shopper(number: int) -> None:
        kept.append(uk.ask(("MUG", 1), hold=True, id_=f"s{number}").hold is not None)

    threads = [threading.Thread(target=shopper, args=(n,)) for n in range(40)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert kept.count(True) == 10
    assert uk.taken("MUG") == 10


QUANTITIES = st.lists(
    st.tuples(st.sampled_from(["A", "B", "SET", "BOX"]), st.integers(1, 4)), min_size=1, max_size=5
)
STOCK = st.fixed_dictionaries({item: st.integers(0, 8) for item in ("A", "B", "BOX")})


@given(lines=QUANTITIES, stock=STOCK, buffer=st.integers(0, 2))
@example(lines=[("BOX", 1), ("BOX", 1)], stock={"A": 1, "B": 0, "BOX": 2}, buffer=1)
@example(lines=[("SET", 2), ("A", 1)], stock={"A": 6, "B": 3, "BOX": 0}, buffer=1)
def test_what_is_said_to_be_enough_can_be_held(
    lines: Sequence[tuple[str, int]], stock: Mapping[str, int], buffer: int
) -> None:
    uk = shop(stock={"buffer": buffer})
    uk.has(kit("SET", A="2", B="1"), bom("BOX", A="1"), **stock)

    answer = uk.ask(*lines, hold=True)

    assert answer.available is (answer.hold is not None)
    for item in stock:
        assert uk.taken(item) <= stock[item]


@given(lines=QUANTITIES, stock=STOCK)
def test_a_basket_is_enough_exactly_where_its_claims_are_within_their_limits(
    lines: Sequence[tuple[str, int]], stock: Mapping[str, int]
) -> None:
    rules = shop().rules
    made = recipes(kit("SET", A="2", B="1"), bom("BOX", A="1"))
    known = {item: held(item, str(n)) for item, n in stock.items()}

    found = judge([Line(*line) for line in lines], known, made, rules)

    asked = [
        Sold(sku, Decimal(n), terms_of(sku, rules.stock, rules.mappings.classes))
        for sku, n in lines
    ]
    claimed, limits = claims(asked, known, made)
    within = all(claimed.get(limit.item, Decimal(0)) <= limit.most for limit in limits)
    assert found.enough is within


# --- live ----------------------------------------------------------------------------------


def answers(**free: int) -> Live:
    def live(items: Sequence[str], locations: Sequence[str]) -> list[Snapshot]:
        assert list(locations) == ["MAIN"]
        later = NOW + dt.timedelta(seconds=1)
        return [
            Snapshot(item, {"MAIN": Decimal(free[item])}, later) for item in items if item in free
        ]

    return live


NEAR = {"enabled": True, "live": "near"}


def test_of_what_is_nearly_out_the_back_office_has_the_last_word() -> None:
    uk = shop(availability=NEAR)
    uk.has(MUG=3)
    uk.live = answers(MUG=1)

    answer = uk.ask(("MUG", 2), hold=True)

    assert (answer.available, lefts(answer)) == (False, [1])


def test_what_it_says_is_kept_for_everybody() -> None:
    uk = shop(availability=NEAR)
    uk.has(MUG=3)
    uk.live = answers(MUG=1)

    uk.ask(("MUG", 2))

    assert uk.levels.holdings(ERP, ["MUG"])["MUG"].free == {"MAIN": Decimal(1)}


def test_of_a_kit_the_parts_are_asked_about() -> None:
    uk = shop(availability=NEAR)
    uk.has(kit("SET", MUG="2"), MUG=4)
    uk.live = answers(MUG=2)

    assert lefts(uk.ask(("SET", 1))) == [1]


def test_what_there_is_plenty_of_is_not_asked_about() -> None:
    uk = shop(availability=NEAR, stock={"near": 10})
    uk.has(MUG=11)
    uk.live = not_to_be_asked

    assert uk.ask(("MUG", 2)).late == ""


def test_where_the_rules_say_never_the_back_office_is_not_asked() -> None:
    uk = shop()
    uk.has(MUG=1)
    uk.live = not_to_be_asked

    assert uk.ask(("MUG", 1)).available


def test_without_an_answer_in_time_what_is_known_is_told() -> None:
    uk = shop(availability=NEAR)
    uk.has(MUG=3)
    uk.live = too_late

    answer = uk.ask(("MUG", 2), hold=True)

    assert (answer.available, answer.late) == (True, "no answer within 0.200 s")


def not_to_be_asked(items: Sequence[str], locations: Sequence[str]) -> list[Snapshot]:
    raise AssertionError(f"asked about {items} at {locations}")


def too_late(items: Sequence[str], locations: Sequence[str]) -> list[Snapshot]:
    raise UnavailableError("no answer within 0.200 s")


# --- recipes -------------------------------------------------------------------------------


def test_recipes_are_read_again_after_a_minute() -> None:
    read: list[str] = []
    clock = Clock()

    def note(erp: str) -> Mapping[str, Recipe]:
        read.append(erp)
        return {}

    known = KnownRecipes(note, clock)
    for seconds in (0, 59, 2):
        clock.now += dt.timedelta(seconds=seconds)
        known(ERP)

    assert read == [ERP, ERP]


class Clock:
    now = NOW

    def __call__(self) -> dt.datetime:
        return self.now
