"""What an order claims of the stock, from its first sight until the back office keeps it."""

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.errors import UnavailableError
from accord.local.life.known import sales_of
from accord.local.world import KilledError, World, hooked
from accord.model.change import Change, Ref
from accord.model.documents import OrderLine, SalesOrder
from accord.model.money import Money
from accord.model.stock import Holding, Recipe, Snapshot
from accord.ports.levels import Demand, Hold
from accord.ports.state import Link
from accord.rules.config import Config
from accord.state.memory_levels import MemoryLevels
from accord.sync.demand import Demander, taken
from accord.sync.orders import Orders
from accord.woo.mapping import from_wire
from tests.conftest import order_json
from tests.sync.acting import ADA
from tests.sync.conftest import START, config

RICH = order_json("order_created_rich")
ORDER = Ref("uk", "order", "30")
SOLD = {"WID-BLUE": 3, "SEAT-1": 1, "BOOK-1": 2, "TEE-S-R": 2}
MINUTE = dt.timedelta(minutes=1)


def whole(amounts: dict[str, int]) -> dict[str, Decimal]:
    return {code: Decimal(each) for code, each in amounts.items()}


def following(**tables: Any) -> Config:
    flows = {"orders": "on", "stock": "on", **tables.pop("flows", {})}
    locations = {"locations": ["MAIN"]}
    return config(flows=flows, stock={**locations, **tables.pop("stock", {})}, **tables)


class Selling(World):
    """A world whose orders claim stock; ``heard`` are the calls of the table."""

    levels: MemoryLevels
    heard: list[str]

    def flow(self) -> Orders:
        def hear(call: str) -> None:
            self.heard.append(call)
            self.hook(call)

        return dataclasses.replace(super().flow(), levels=hooked(self.levels, "levels", hear))

    def receive(self, topic: str, document: dict[str, Any]) -> bool:
        return topic.startswith("order") and super().receive(topic, document)

    @property
    def claim(self) -> Demand:
        found = self.levels.demand(ORDER)
        assert found is not None
        return found

    def look(self, free: int = 10) -> None:
        """The back office's stock is read, a minute later."""
        self.clock.now += MINUTE
        amounts = {"MAIN": Decimal(free)}
        self.levels.observe("main", [Snapshot(sku, amounts, self.clock()) for sku in SOLD])

    def taken(self, sku: str = "WID-BLUE") -> Decimal:
        return self.levels.holdings("main", [sku])[sku].taken

    def moved(self, sku: str = "WID-BLUE") -> Decimal:
        found = self.levels.levels("uk", "stock", [sku])
        return found[sku].moved if found else Decimal(0)

    def line(self, sku: str = "WID-BLUE") -> str:
        lines = self.store.orders["30"]["line_items"]
        return next(str(line["id"]) for line in lines if line["sku"] == sku)


def selling(config_: Config | None = None, **more: Any) -> Selling:
    world = Selling(config_ or following(), START, **more)
    world.levels, world.heard = MemoryLevels(), []
    world.store.stock_up()
    world.erp().ping()
    return world


def as_new(**fields: Any) -> dict[str, Any]:
    """The recorded order as it is before its stock is taken."""
    lines = [
        {**line, "meta_data": [m for m in line["meta_data"] if m["key"] != "_reduced_stock"]}
        for line in RICH["line_items"]
    ]
    return {**RICH, "line_items": lines, **fields}


def placed(world: Selling, **fields: Any) -> None:
    world.store.place(as_new(**fields))
    world.drain()


# --- until the back office keeps it ---------------------------------------------


def test_an_order_claims_what_it_took() -> None:
    world = selling()
    placed(world, status="on-hold", date_paid_gmt=None)
    assert world.claim.needs == whole(SOLD)
    assert world.claim.took == whole(SOLD)
    assert world.claim.reserved_at is None


def test_a_confirmed_order_is_reserved_and_ends_with_the_next_look() -> None:
    world = selling()
    world.look()
    placed(world)
    assert world.claim.reserved_at is not None
    assert world.taken() == 3

    world.look(free=7)
    assert world.taken() == 0


def test_an_order_that_waits_for_a_mapping_claims_all_the_same() -> None:
    world = selling(following(mappings={"taxes": {}}))
    placed(world)
    assert world.waiting.causes()
    assert world.claim.needs == whole(SOLD)
    assert world.claim.reserved_at is None


def test_an_order_claims_before_the_back_office_is_asked_anything() -> None:
    world = selling()
    world.down = lambda _: True
    world.store.place(as_new())
    world.drain_until(world.clock() + MINUTE)
    assert world.claim.needs == whole(SOLD)


def test_a_quotation_goes_on_claiming() -> None:
    world = selling(following(orders={"statuses": {"processing": "quotation"}}))
    placed(world)
    world.look()
    world.look()
    assert world.taken() == 3
    assert world.claim.reserved_at is None


def test_an_order_whose_sale_was_made_anew_as_a_quotation_claims_again() -> None:
    """Found by `accord simulate`, shard 3985179310: what the cancelled sale had kept was sold
    twice, while the quotation kept nothing."""
    world = selling(following(flows={"erp_changes": "on"}))
    world.look()
    placed(world)
    world.look(free=7)
    assert world.taken() == 0
    (sale,) = sales_of(world, "30")
    world.erp().cancel(Ref("main", "sales_order", sale["id"]))
    world.drain()

    world.store.edit("30", status="on-hold", shipping={**RICH["shipping"], "city": "Hull"})
    world.drain()
    world.look()

    assert [each["state"] for each in sales_of(world, "30")] == ["voided", "quotation"]
    assert world.claim.needs == whole(SOLD)
    assert world.claim.reserved_at is None
    assert world.taken() == 3


@pytest.mark.parametrize("dies", [False, True], ids=["", "the worker dies before it says so"])
def test_one_that_was_changed_and_made_anew_as_a_quotation_claims_what_did_not_grow_too(
    *, dies: bool
) -> None:
    """Shard 3063156056, order 703001: only what was more than before was claimed anew."""
    world = selling(following())
    world.look()
    placed(world)
    world.look(free=7)
    assert world.taken() == 0
    dead: list[str] = []

    def kill(call: str) -> None:
        states = [each["state"] for each in sales_of(world, "30")]
        if call.startswith("before levels.") and states == ["voided", "quotation"] and not dead:
            dead.append(call)
            raise KilledError(call)

    world.store.set_status("30", "on-hold")
    world.drain()
    world.hook = kill if dies else lambda _: None
    world.store.edit("30", line_items=[{"product_id": 12, "quantity": 2}])
    world.drain(dt.timedelta(minutes=10))
    world.look()

    assert bool(dead) == dies
    assert [each["state"] for each in sales_of(world, "30")] == ["voided", "quotation"]
    assert world.claim.needs == {**whole(SOLD), "SEAT-1": 3}
    assert world.taken() == 3


def test_a_settled_order_costs_one_read() -> None:
    world = selling()
    placed(world)
    world.heard.clear()
    world.clock.now += MINUTE
    world.store.edit("30", meta_data=[{"key": "seen_by", "value": "olivia"}])
    world.drain()
    assert [call for call in world.heard if call.startswith("before")] == ["before levels.demand"]


def test_a_payment_that_fails_for_good_leaves_the_order_reserved() -> None:
    payments = {"bacs": {"record": True, "account": "Bank"}}
    world = selling(following(orders={"closed_period": "ask"}, mappings={"payments": payments}))
    paid_on = dt.date.fromisoformat(RICH["date_paid_gmt"][:10])
    world.erp().close_period(paid_on)
    placed(world)
    assert [item.reason for item in world.attention.open()] == ["closed_period"]
    assert world.claim.reserved_at is not None


# --- until it is over --------------------------------------------------------------


@pytest.mark.parametrize("status", ["cancelled", "failed", "refunded"])
def test_an_order_that_is_over_claims_nothing(status: str) -> None:
    world = selling()
    placed(world, status="on-hold", date_paid_gmt=None)
    world.store.set_status("30", status)
    world.drain()
    assert world.claim.needs == {}
    assert world.taken() == 0


@pytest.mark.parametrize(("status", "moved"), [("cancelled", 0), ("failed", 3), ("refunded", 3)])
def test_only_what_the_store_gives_back_moves_its_stock_again(status: str, moved: int) -> None:
    world = selling()
    before = world.store.stock_of("WID-BLUE")
    placed(world, status="on-hold", date_paid_gmt=None)
    world.store.set_status("30", status)
    world.drain()
    assert world.moved() == moved
    assert before is not None
    assert world.store.stock_of("WID-BLUE") == before - moved


def test_trash_claims_nothing_and_gives_nothing_back() -> None:
    world = selling()
    placed(world, status="on-hold", date_paid_gmt=None)
    world.store.trash("30")
    world.store.edit("30", customer_note="told")
    world.drain()
    assert world.claim.needs == {}
    assert world.moved() == 3


def test_a_reopened_order_claims_again() -> None:
    world = selling()
    placed(world, status="on-hold", date_paid_gmt=None)
    for status in ("cancelled", "on-hold"):
        world.store.set_status("30", status)
        world.drain()
    assert world.claim.needs == whole(SOLD)
    assert world.taken() == 3
    assert world.moved() == 3


def test_restocked_pieces_are_given_back() -> None:
    world = selling()
    placed(world)
    world.store.refund("30", lines={world.line(): 2}, restock=True)
    world.drain()
    assert world.claim.took["WID-BLUE"] == 1
    assert world.moved() == 1


def test_refunded_pieces_that_are_not_put_back_stay_taken() -> None:
    world = selling()
    placed(world)
    world.store.refund("30", lines={world.line(): 2}, restock=False)
    world.drain()
    assert world.moved() == 3


def test_a_line_that_grows_is_claimed_anew() -> None:
    world = selling()
    placed(world, status="on-hold", date_paid_gmt=None)
    world.store.edit_line("30", world.line(), quantity=5)
    world.drain()
    assert world.claim.needs["WID-BLUE"] == 5
    assert world.taken() == 5
    assert world.moved() == 5


def edited(world: Selling) -> None:
    """More is sold than the document says, which cannot follow any more."""
    placed(world)
    (sale,) = sales_of(world, "30")
    world.erp().ship(Ref("main", "sales_order", sale["id"]))
    world.look()
    world.store.edit_line("30", world.line(), quantity=5)
    world.drain()
    assert world.claim.reserved_at is None
    assert world.taken() == 5


def dismiss(world: Selling) -> None:
    """What is the matter with it was settled elsewhere."""
    (item,) = world.attention.open()
    world.acts().dismiss(item, by=ADA, why="sent with the next parcel, and booked by hand")


def test_what_a_person_leaves_as_it_is_claims_no_more_than_its_document() -> None:
    world = selling()
    edited(world)
    dismiss(world)
    world.drain()
    assert world.claim.reserved_at is not None

    world.look()
    assert world.taken() == 0
    assert world.attention.open() == []


def test_more_that_is_sold_after_a_dismissal_is_claimed_anew() -> None:
    world = selling()
    edited(world)
    dismiss(world)
    world.drain()
    world.look()
    world.store.edit_line("30", world.line(), quantity=6)
    world.drain()

    assert world.claim.reserved_at is None
    assert len(world.attention.open()) == 1


def test_a_dismissal_that_meets_a_table_which_is_busy_is_carried_out_later() -> None:
    world = selling()
    edited(world)
    dismiss(world)
    busy = iter([UnavailableError("levels: too fast", sent=False)])

    def hook(call: str) -> None:
        if call.endswith("set_demand") and (error := next(busy, None)):
            raise error

    world.hook = hook
    world.drain()

    assert next(busy, None) is None
    assert world.claim.reserved_at is not None


def test_an_order_that_was_deleted_claims_nothing() -> None:
    world = selling()
    placed(world, status="on-hold", date_paid_gmt=None)
    world.store.delete("30")
    world.queue.put(Change(ORDER, "order_updated", world.clock(), "c"), sending="told")
    world.drain()
    assert world.claim.needs == {}
    assert world.moved() == 3


# --- who claims nothing -------------------------------------------------------------


def test_an_order_that_took_nothing_claims_nothing() -> None:
    world = selling()
    placed(world, status="pending", date_paid_gmt=None)
    assert world.levels.demand(ORDER) is None


def test_an_order_from_before_the_start_claims_nothing() -> None:
    world = selling(following(orders={"start_at": START + MINUTE}))
    placed(world)
    assert world.heard == []


def test_nothing_is_claimed_where_the_stock_is_not_followed() -> None:
    world = selling(following(flows={"stock": "off"}))
    placed(world)
    assert world.heard == []


def test_what_was_confirmed_before_the_stock_was_followed_claims_nothing() -> None:
    world = selling(following(flows={"stock": "off"}))
    placed(world)
    world.config = following()
    world.clock.now += MINUTE
    world.store.edit("30", meta_data=[{"key": "seen_by", "value": "olivia"}])
    world.drain()
    assert world.levels.demand(ORDER) is None


# --- holds ------------------------------------------------------------------------


def test_an_order_takes_the_place_of_its_baskets_hold() -> None:
    world = selling()
    world.look()
    needs = whole(SOLD)
    until = START + 60 * MINUTE
    assert world.levels.hold(Hold("b1", "uk", "main", needs, until), (), now=world.clock())
    assert world.taken() == 3

    placed(
        world,
        status="on-hold",
        date_paid_gmt=None,
        meta_data=[*RICH["meta_data"], {"id": 9, "key": "_accord_hold", "value": "b1"}],
    )
    assert world.taken() == 3
    assert not world.levels.release("uk", "b1")


def test_a_hold_lasts_while_its_order_has_taken_nothing() -> None:
    world = selling()
    until = START + 60 * MINUTE
    hold = Hold("b1", "uk", "main", whole(SOLD), until)
    world.levels.hold(hold, (), now=world.clock())
    meta = [{"id": 9, "key": "_accord_hold", "value": "b1"}]
    placed(world, status="pending", date_paid_gmt=None, meta_data=meta)
    assert world.taken() == 3


# --- killed -----------------------------------------------------------------------


def test_killed_between_any_two_calls_the_claim_ends_the_same() -> None:
    moments: list[str] = []
    world = selling(hook=moments.append)
    placed(world)
    assert {"after levels.set_demand", "after erp.advance"} <= set(moments)

    for fatal, moment in enumerate(moments):
        if moment.startswith("before") and fatal:
            continue  # the same as after the call before it
        passed = iter(range(len(moments) + 1))

        def kill(_: str, fatal: int = fatal, passed: Any = passed) -> None:
            if next(passed, None) == fatal:
                raise KilledError

        world = selling(hook=kill)
        placed(world)
        assert world.claim.needs == whole(SOLD), moment
        assert world.claim.reserved_at is not None, moment
        assert world.moved() == 3, moment
        world.look(free=7)
        assert world.taken() == 0, moment


def test_levels_that_do_not_answer_hold_the_order_back() -> None:
    """Posted without a claim, its pieces would be sold twice."""
    world = selling()
    away = [True]

    def hear(call: str) -> None:
        if call == "before levels.demand" and away[0]:
            raise UnavailableError("503", sent=False, connection="levels")

    world.hook = hear
    world.store.place(as_new())
    world.drain_until(world.clock() + MINUTE)
    assert world.books.sales() == []
    away[0] = False
    world.drain()
    assert world.claim.reserved_at is not None


# --- what it is made of ---------------------------------------------------------------


def order(status: str, *lines: OrderLine) -> SalesOrder:
    base = from_wire(RICH, store="uk", vat_keys=(), po_keys=())
    return dataclasses.replace(base, status=status, lines=lines)


def line(sku: str, quantity: int, *, restocked: int = 0, took: int | None = None) -> OrderLine:
    said = None if took is None else Decimal(took)
    zero = Money.zero("GBP")
    return OrderLine(
        "1", "item", sku, sku, Decimal(quantity), zero, restocked=Decimal(restocked), took=said
    )


def test_the_stores_own_word_holds_over_the_status() -> None:
    assert taken(order("failed", line("MUG", 3, took=3)), {}) == whole({"MUG": 3})
    assert taken(order("processing", line("MUG", 3, took=1)), {}) == whole({"MUG": 1})


def test_the_stores_word_is_read_from_the_recorded_order() -> None:
    found = from_wire(RICH, store="uk", vat_keys=(), po_keys=())
    assert {line.code: line.took for line in found.lines if line.kind == "item"} == whole(SOLD)


def test_of_hidden_fields_only_the_hold_is_read() -> None:
    meta = [{"id": 9, "key": key, "value": "b1"} for key in ("_accord_hold", "_secret")]
    found = from_wire({**RICH, "meta_data": meta}, store="uk", vat_keys=(), po_keys=())
    assert found.meta == (("_accord_hold", "b1"),)


@pytest.mark.parametrize(
    ("status", "before", "now"),
    [
        ("processing", 0, 3),
        ("on-hold", 0, 3),
        ("completed", 3, 3),
        ("pending", 3, 0),
        ("cancelled", 3, 0),
        ("failed", 0, 0),
        ("failed", 3, 3),
        ("refunded", 3, 3),
        ("trash", 3, 3),
        ("awaiting-shipment", 3, 3),
        ("awaiting-shipment", 0, 0),
    ],
)
def test_without_its_word_the_status_tells(status: str, before: int, now: int) -> None:
    found = taken(order(status, line("MUG", 3)), whole({"MUG": before}))
    assert found == ({"MUG": Decimal(now)} if now else {})


def test_more_put_back_than_was_taken_is_below_zero() -> None:
    assert taken(order("processing", line("MUG", 2, restocked=5)), {}) == {"MUG": Decimal(-3)}


def test_a_removed_line_is_given_back() -> None:
    assert taken(order("processing"), whole({"MUG": 3})) == {}


def test_two_lines_of_one_sku_are_one() -> None:
    assert taken(order("processing", line("MUG", 2), line("MUG", 1, took=1)), {}) == whole(
        {"MUG": 3}
    )


LINES = st.lists(
    st.builds(
        line,
        st.sampled_from(["MUG", "TEA"]),
        st.integers(1, 5),
        restocked=st.integers(0, 3),
        took=st.none() | st.integers(-2, 5),
    ),
    max_size=4,
)
STATUSES = st.sampled_from(
    ["pending", "processing", "on-hold", "completed", "failed", "refunded", "odd"]
)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(st.tuples(STATUSES, LINES), min_size=1, max_size=6))
def test_seen_again_an_order_took_the_same(steps: list[tuple[str, list[OrderLine]]]) -> None:
    known: dict[str, Decimal] = {}
    for status, lines in steps:
        known = taken(order(status, *lines), known)
        assert taken(order(status, *lines), known) == known


def claimed_by(make: Callable[[MemoryLevels], None], *lines: OrderLine) -> Demand:
    levels = MemoryLevels()
    make(levels)
    demander = Demander(levels, following().stores["uk"], lambda: START)
    link = Link(ORDER, "uk-30", 1)
    placed_at = START - MINUTE
    noted = demander.note(
        dataclasses.replace(order("processing", *lines), placed_at=placed_at), link
    )
    assert noted is not None
    return noted


def stocked(**free: int) -> Callable[[MemoryLevels], None]:
    def make(levels: MemoryLevels) -> None:
        kit = Recipe("SET", (("TEA", Decimal(2)), ("MUG", Decimal(1))), kind="kit")
        built = Recipe("BIKE", (("WHEEL", Decimal(2)),))
        levels.put_recipes("main", [kit, built])
        levels.observe(
            "main",
            [Snapshot(item, {"MAIN": Decimal(each)}, START) for item, each in free.items()],
        )

    return make


def test_a_kit_is_claimed_as_its_parts() -> None:
    demand = claimed_by(stocked(TEA=9, MUG=9), line("SET", 2), line("MUG", 1))
    assert demand.needs == whole({"TEA": 4, "MUG": 3})
    assert demand.took == whole({"SET": 2, "MUG": 1})


def test_what_is_built_takes_its_own_stock_first() -> None:
    demand = claimed_by(stocked(BIKE=1, WHEEL=9), line("BIKE", 3))
    assert demand.needs == whole({"BIKE": 1, "WHEEL": 4})


def test_two_lines_never_count_on_one_piece() -> None:
    rules = {"items": {"BIKE-OLD": {"item": "BIKE"}}}
    levels = MemoryLevels()
    stocked(BIKE=1, WHEEL=9)(levels)
    demander = Demander(levels, following(mappings=rules).stores["uk"], lambda: START)
    both = order("processing", line("BIKE", 1), line("BIKE-OLD", 1))
    demand = demander.note(both, Link(ORDER, "uk-30", 1))
    assert demand is not None
    assert demand.needs == whole({"BIKE": 1, "WHEEL": 2})


def test_an_edit_keeps_what_the_order_has() -> None:
    levels = MemoryLevels()
    stocked(BIKE=2, WHEEL=9)(levels)
    demander = Demander(levels, following().stores["uk"], lambda: START)
    link = Link(ORDER, "uk-30", 1)
    demander.note(order("processing", line("BIKE", 2)), link)
    demand = demander.note(order("processing", line("BIKE", 1)), link)
    assert demand is not None
    assert demand.needs == whole({"BIKE": 1})
    assert levels.holdings("main", ["BIKE"])["BIKE"] == dataclasses.replace(
        Holding("BIKE", {"MAIN": Decimal(2)}, START, basis=1), taken=Decimal(1)
    )
