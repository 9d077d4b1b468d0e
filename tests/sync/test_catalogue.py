"""What changes in a back office is wanted in every store, in bulk, and never lost."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from accord.erp.memory.adapter import Memory
from accord.erp.memory.ledger import Master
from accord.errors import UnavailableError
from accord.local.world import Clock, KilledError, ModelQueue, hooked
from accord.model.change import Change, Ref
from accord.model.documents import Kind
from accord.model.item import Family
from accord.model.progress import News
from accord.model.stock import Snapshot
from accord.ports.levels import Demand, Hold, LevelKind, Sent
from accord.rules.config import Store
from accord.state.memory import MemoryAttention, MemoryControl, MemoryJournal
from accord.state.memory_levels import MemoryLevels
from accord.sync import catalogue, catalogue_reads, cursor
from accord.sync.catalogue import CataloguePoller, Polled
from tests.sync.conftest import START, config

MINUTE = dt.timedelta(minutes=1)
ON = {"stock": "on", "prices": "on", "products": "on"}
STOCK = {"locations": ["MAIN"]}
PRICES = {"currency": "GBP", "include_tax": False}
UK = "uk"
KINDS: tuple[LevelKind, ...] = ("stock", "price", "product")


def selling(**tables: Any) -> Store:
    """The store of accord.toml with stock, prices and products on."""
    given = {"flows": ON, "stock": STOCK, "prices": PRICES, **tables}
    given["flows"] = {**ON, **given["flows"]}
    return config(**given).stores[UK]


class Shelf:
    """A back office, its poller and all around it, on a virtual clock.

    ``calls`` counts the port calls of the poller; the clock goes on a little with each.
    """

    def __init__(self, *stores: Store, adapter: type[Memory] = Memory, **master: Any) -> None:
        self.clock = Clock(START)
        master = {"locations": ["MAIN", "EAST"], "price_lists": ["WEB", "CLEAR"], **master}
        self.books = adapter.ledger(clock=self.clock, master=Master(**master))
        self.erp = adapter(self.books.call, "main", clock=self.clock)
        self.levels, self.control = MemoryLevels(), MemoryControl()
        self.attention, self.journal = MemoryAttention(), MemoryJournal()
        self.queue = ModelQueue(self.clock)
        named = stores or (selling(),)
        self.stores = {UK if not at else f"store{at}": each for at, each in enumerate(named)}
        self.hook: Callable[[str], None] = lambda _: None
        self.calls: Counter[str] = Counter()
        self.tick = dt.timedelta(milliseconds=1)

    def poller(self, seed: int = 1) -> CataloguePoller:
        def hear(call: str) -> None:
            self.hook(call)
            when, _, name = call.partition(" ")
            if when == "before":
                self.calls[name] += 1
                self.clock.now += self.tick

        return CataloguePoller(
            erp_name="main",
            adapter=hooked(self.erp, "erp", hear),
            levels=hooked(self.levels, "levels", hear),
            control=hooked(self.control, "control", hear),
            queues=hooked(self.queue, "queues", hear),
            attention=hooked(self.attention, "attention", hear),
            journal=hooked(self.journal, "journal", hear),
            stores=self.stores,
            clock=self.clock,
            random=Random(seed),
        )

    def poll(self, kind: Kind = Kind.STOCK, *, for_: dt.timedelta = MINUTE) -> Polled:
        self.calls.clear()
        return self.poller().run(kind, until=self.clock() + for_)

    def settle(self, *kinds: Kind, minutes: int = 5) -> None:
        """Minute after minute, until nothing new is learnt."""
        for _ in range(minutes):
            self.clock.now += MINUTE
            for kind in kinds or (Kind.STOCK,):
                self.poll(kind)

    def wanted(self, sku: str, kind: LevelKind = "stock", store: str = UK) -> Any:
        level = self.levels.levels(store, kind, [sku]).get(sku)
        return level.wanted if level is not None else None

    def quantity(self, sku: str, store: str = UK) -> Any:
        value = self.wanted(sku, store=store)
        return value["quantity"] if value else None

    def queued(self) -> list[Change]:
        """What is queued, taken from there."""
        found = []
        while received := self.queue.receive():
            self.queue.done(received[0])
            found.append(received[1])
        return found

    def writes(self) -> list[str]:
        names = ("control.put", "levels.want", "levels.observe", "queues.put", "attention.put")
        return [name for name in names if self.calls[name]]


def pieces(quantity: int, location: str = "MAIN") -> dict[str, Decimal]:
    return {location: Decimal(quantity)}


# --- stock -------------------------------------------------------------------


def test_what_the_back_office_has_is_wanted_in_the_store() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.poll()
    assert shelf.wanted("MUG") == {"quantity": 7}


def test_one_message_has_everything_flushed() -> None:
    shelf = Shelf()
    for number in range(250):
        shelf.erp.add_item(f"I{number}", stock=pieces(5))
    assert shelf.poll().sent == 1

    (change,) = shelf.queued()
    assert (change.event, change.ref) == ("stock_changed", Ref(UK, "levels", "stock"))
    assert change.aggregate is None


def test_rows_that_nobody_flushed_are_queued_with_every_run() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.poll()
    shelf.queued()  # and lost
    shelf.clock.now += MINUTE
    assert shelf.poll().sent == 1
    assert len(shelf.queued()) == 1


def test_two_runs_of_one_minute_have_two_messages() -> None:
    """The first one may have been handled before the second run wanted anything."""
    shelf, sendings = Shelf(), set[str]()
    put = shelf.queue.put

    def noted(change: Change, *, sending: str) -> None:
        sendings.add(sending)
        put(change, sending=sending)

    shelf.queue.put = noted  # type: ignore[method-assign]
    for number in range(2):
        shelf.erp.add_item(f"I{number}", stock=pieces(7))
        shelf.poller(seed=number).run(Kind.STOCK, until=shelf.clock() + MINUTE)
        flush(shelf)
    assert len(sendings) == 2


def test_two_locations_are_added_up_for_each_store_by_its_own_rules() -> None:
    both = selling(stock={"locations": ["MAIN", "EAST"], "buffer": 1})
    shelf = Shelf(selling(), both)
    shelf.erp.add_item("MUG", stock={"MAIN": Decimal(7), "EAST": Decimal(4)})
    shelf.poll()
    assert (shelf.quantity("MUG"), shelf.quantity("MUG", "store1")) == (7, 10)


def test_a_sku_of_another_name_and_the_code_itself_are_two_skus_of_one_item() -> None:
    rules = selling(mappings={"items": {"MUG-OLD": {"item": "MUG"}}})
    shelf = Shelf(rules)
    shelf.erp.add_item("MUG", stock=pieces(3))
    shelf.poll()
    assert (shelf.quantity("MUG"), shelf.quantity("MUG-OLD")) == (3, 3)


def test_a_kit_follows_its_parts() -> None:
    shelf = Shelf()
    shelf.erp.add_item("TEA", stock=pieces(9))
    shelf.erp.add_item("MUG", stock=pieces(4))
    shelf.erp.add_item("SET")
    shelf.erp.set_recipe("SET", {"TEA": Decimal(2), "MUG": Decimal(1)}, "kit")
    shelf.settle(Kind.RECIPE, Kind.STOCK)
    assert shelf.quantity("SET") == 4

    shelf.erp.count_stock("TEA", Decimal(5))
    shelf.settle(Kind.STOCK, minutes=1)
    assert (shelf.quantity("SET"), shelf.quantity("TEA")) == (2, 5)


def test_a_changed_recipe_is_felt_by_the_next_run_of_the_stock() -> None:
    shelf = Shelf()
    shelf.erp.add_item("TEA", stock=pieces(9))
    shelf.erp.add_item("BAG", stock=pieces(3))
    shelf.erp.add_item("SET")
    shelf.erp.set_recipe("SET", {"TEA": Decimal(2)}, "kit")
    shelf.settle(Kind.RECIPE, Kind.STOCK)
    assert shelf.quantity("SET") == 4

    shelf.erp.set_recipe("SET", {"TEA": Decimal(1), "BAG": Decimal(1)}, "kit")
    shelf.settle(Kind.RECIPE, Kind.STOCK, minutes=1)
    assert shelf.quantity("SET") == 3


def test_ten_thousand_changed_items_are_read_in_pages() -> None:
    shelf = Shelf()
    shelf.erp.add_items(
        [{"code": f"I{n}", "price": None, "stock": pieces(5)} for n in range(10_000)]
    )
    polled = shelf.poll(for_=60 * MINUTE)
    assert (polled.read, polled.swept) == (10_000, 10_000)
    # Once for the news and once for the first sweep, and nothing item by item.
    assert shelf.calls["erp.changes"] == 101
    assert shelf.calls["erp.stock"] == 200
    assert max(shelf.calls.values()) < 450
    assert shelf.levels.count_dirty(UK, "stock") == 10_000


def test_nothing_changed_writes_nothing_but_the_lease() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.poll()
    flush(shelf)
    shelf.settle()
    shelf.queued()

    shelf.clock.now += MINUTE
    assert shelf.poll() == Polled(read=1)
    assert shelf.writes() == ["control.put"]
    assert shelf.calls["control.put"] == 2  # taken, and given back
    assert shelf.calls["erp.stock"] == 0


def test_an_import_is_read_again_for_some_minutes_only() -> None:
    shelf = Shelf()
    shelf.erp.add_items([{"code": f"I{n}", "stock": pieces(5)} for n in range(1000)])
    shelf.settle(minutes=5)
    shelf.clock.now += MINUTE
    shelf.poll()
    assert shelf.calls["erp.changes"] == 11  # something may still appear among it

    shelf.settle(minutes=8)
    shelf.clock.now += MINUTE
    assert shelf.poll().read == 0
    assert shelf.calls["erp.changes"] == 1


def flush(shelf: Shelf, kind: LevelKind = "stock") -> None:
    """The store shows what is wanted."""
    rows = shelf.levels.dirty(UK, kind, limit=100_000)
    shelf.levels.sent(
        UK, kind, [Sent(r.sku, r.version, r.wanted, shelf.clock(), r.moved) for r in rows]
    )


def test_an_answer_that_was_overtaken_changes_nothing() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))

    def overtake(call: str) -> None:
        if call == "after erp.stock":  # read, and kept for a while
            shelf.hook = lambda _: None
            shelf.clock.now += MINUTE
            shelf.levels.observe("main", [Snapshot("MUG", pieces(4), shelf.clock())])

    shelf.hook = overtake
    shelf.poll(for_=2 * dt.timedelta(seconds=10))
    assert shelf.quantity("MUG") == 4


class Late(Memory):
    """Of every three changes one is told a minute and a half late, with its true time."""

    news_lag = dt.timedelta(seconds=90)


def test_what_is_told_late_is_not_missed() -> None:
    shelf = Shelf(adapter=Late)
    shelf.erp.add_items([{"code": f"I{n}", "stock": pieces(5)} for n in range(30)])
    shelf.settle()
    for minute in range(10):
        for number in range(30):
            shelf.erp.count_stock(f"I{number}", Decimal(minute + 6 + number))
            shelf.clock.now += dt.timedelta(seconds=2)
        shelf.poll()
    shelf.settle()
    assert [shelf.quantity(f"I{n}") for n in range(30)] == [15 + n for n in range(30)]


def test_a_change_that_moves_no_date_is_found_by_a_sweep() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.settle()
    shelf.erp.count_stock("MUG", Decimal(2), silent=True)
    shelf.settle()
    assert shelf.quantity("MUG") == 7

    shelf.poller().ask_for_sweep(Kind.STOCK)
    shelf.settle(minutes=1)
    assert shelf.quantity("MUG") == 2


def test_a_location_that_the_back_office_lacks_is_a_persons_and_the_cursor_stays() -> None:
    shelf = Shelf(selling(stock={"locations": ["MAIM"]}))
    shelf.erp.add_item("MUG", stock=pieces(7))
    for _ in range(3):
        assert shelf.poll().behind
        shelf.clock.now += MINUTE
    (item,) = shelf.attention.open()
    assert "MAIM" in item.message

    shelf.stores = {UK: selling()}
    shelf.settle()
    assert shelf.quantity("MUG") == 7
    assert shelf.attention.open() == []


def test_shadow_counts_and_wants_nothing() -> None:
    shelf = Shelf(selling(flows={"stock": "shadow"}))
    shelf.erp.add_item("MUG", stock=pieces(7))
    polled = shelf.poll()
    assert (polled.sent, polled.wanted) == (0, 0)
    assert polled.would > 0
    assert shelf.levels.levels(UK, "stock", ["MUG"]) == {}
    (entry,) = shelf.journal.of(Ref(UK, "levels", "stock"))
    assert "would be sent" in entry.text


def test_a_flow_that_is_off_reads_nothing() -> None:
    shelf = Shelf(selling(flows={"stock": "off"}))
    assert shelf.poll() == Polled()
    assert shelf.calls == {"control.get": 1}  # whether it was on before


def test_a_store_of_another_back_office_is_left_alone() -> None:
    other = selling().model_copy(update={"erp": "second"})
    shelf = Shelf(selling(), other)
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.poll()
    assert shelf.quantity("MUG", "store1") is None


# --- claims ------------------------------------------------------------------


def demand(needs: int, **more: Any) -> Demand:
    amounts = {"MUG": Decimal(needs)}
    return Demand(Ref(UK, "order", "1"), "main", amounts, amounts, **more)


def test_a_claim_is_subtracted_by_the_next_run() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.settle()
    shelf.levels.set_demand(demand(2), now=shelf.clock())
    shelf.settle(minutes=1)
    assert shelf.quantity("MUG") == 5


def test_a_claim_is_subtracted_while_the_back_office_is_away() -> None:
    shelf = Shelf(selling(), selling())
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.settle()
    shelf.levels.set_demand(demand(2), now=shelf.clock())

    def away(call: str) -> None:
        if call.startswith("before erp"):
            raise UnavailableError("503", sent=False, connection="main")

    shelf.hook = away
    for _ in range(2):
        with pytest.raises(UnavailableError):
            shelf.poll()
    assert (shelf.quantity("MUG"), shelf.quantity("MUG", "store1")) == (5, 5)


def test_a_reserved_claim_ends_though_the_back_office_tells_nothing() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.settle()
    shelf.levels.set_demand(demand(2), now=shelf.clock())
    shelf.settle(minutes=1)
    shelf.erp.count_stock("MUG", Decimal(5), silent=True)  # reserved for the order
    shelf.levels.set_demand(demand(2, reserved_at=shelf.clock()), now=shelf.clock())
    shelf.settle(minutes=2)
    assert shelf.quantity("MUG") == 5


def test_a_hold_that_ran_out_is_given_back() -> None:
    shelf = Shelf(selling(), selling())
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.settle()
    ends = shelf.clock() + 5 * MINUTE
    assert shelf.levels.hold(
        Hold("h1", "store1", "main", {"MUG": Decimal(3)}, ends), (), now=shelf.clock()
    )
    shelf.settle(minutes=1)
    assert (shelf.quantity("MUG"), shelf.quantity("MUG", "store1")) == (4, 7)

    shelf.clock.now = ends + MINUTE
    assert shelf.poll().expired == 1
    assert shelf.quantity("MUG") == 7


def test_what_was_sold_and_is_not_there_is_counted() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(1))
    shelf.settle()
    shelf.levels.set_demand(demand(3), now=shelf.clock())
    shelf.clock.now += MINUTE
    assert shelf.poll().short == 2
    assert shelf.quantity("MUG") == 0


# --- prices and items ----------------------------------------------------------


def test_a_changed_price_is_wanted() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", price=Decimal("12.50"))
    shelf.poll(Kind.PRICE)
    assert shelf.wanted("MUG", "price")["regular"] == "12.50"
    assert [change.event for change in shelf.queued()] == ["price_changed"]


def test_a_changed_price_list_has_every_item_looked_at() -> None:
    shelf = Shelf(selling(prices={**PRICES, "list": "WEB"}))
    shelf.erp.add_items([{"code": f"I{n}", "price": Decimal(10)} for n in range(250)])
    shelf.settle(Kind.PRICE)
    shelf.erp.set_discount("WEB", Decimal(10))
    shelf.settle(Kind.PRICE, minutes=1)
    assert {shelf.wanted(f"I{n}", "price")["regular"] for n in range(250)} == {"9.00"}


def test_a_price_list_that_is_read_again_in_the_overlap_asks_for_one_sweep() -> None:
    shelf = Shelf(selling(prices={**PRICES, "list": "WEB"}))
    shelf.erp.add_item("MUG", price=Decimal(10))
    shelf.settle(Kind.PRICE)
    shelf.erp.set_discount("WEB", Decimal(10))
    swept = 0
    for _ in range(5):
        swept += shelf.poll(Kind.PRICE).swept
        shelf.clock.now += MINUTE
    assert swept == 1


def test_prices_of_two_stores_of_one_currency_are_read_once() -> None:
    shelf = Shelf(selling(), selling(prices={**PRICES, "list": "WEB"}))
    shelf.erp.add_item("MUG", price=Decimal(10))
    shelf.settle(Kind.PRICE)
    shelf.erp.set_price("MUG", Decimal(11))
    shelf.clock.now += MINUTE
    shelf.poll(Kind.PRICE)
    assert shelf.calls["erp.prices"] == 1
    assert shelf.calls["erp.items"] == 0


def test_an_item_without_a_tax_rate_is_a_persons_and_the_others_go_on() -> None:
    shelf = Shelf(selling(prices={"currency": "GBP", "include_tax": True}))
    shelf.erp.add_item("MUG", price=Decimal(10), taxes=("VAT 99%",))
    shelf.erp.add_item("CUP", price=Decimal(10), taxes=("VAT 99%",))
    shelf.erp.add_item("TEA", price=Decimal(10), taxes=("VAT 20%",))
    polled = shelf.poll(Kind.PRICE)
    assert not polled.behind
    assert shelf.wanted("TEA", "price")["regular"] == "12.00"
    assert shelf.wanted("MUG", "price") is None
    (item,) = shelf.attention.open()
    assert "VAT 99%" in item.message


def test_an_attention_item_closes_with_the_sweep_that_meets_its_cause_no_more() -> None:
    shelf = Shelf(selling(prices={"currency": "GBP", "include_tax": True}))
    shelf.erp.add_item("MUG", price=Decimal(10), taxes=("VAT 99%",))
    shelf.settle(Kind.PRICE)
    assert len(shelf.attention.open()) == 1
    shelf.erp.edit_item("MUG", taxes=("VAT 20%",))
    shelf.poller().ask_for_sweep(Kind.PRICE)
    shelf.settle(Kind.PRICE, minutes=1)
    assert shelf.attention.open() == []


def test_what_is_cleared_costs_the_clearance_price_at_once() -> None:
    shelf = Shelf(selling(prices={**PRICES, "clearance": "CLEAR"}))
    shelf.erp.add_item("MUG", price=Decimal(10))
    shelf.erp.set_price("MUG", Decimal(6), price_list="CLEAR")
    shelf.settle(Kind.PRICE, Kind.ITEM)
    assert shelf.wanted("MUG", "price")["sale"] is None

    shelf.erp.set_lifecycle("MUG", "clearance")
    shelf.settle(Kind.ITEM, minutes=1)
    assert shelf.wanted("MUG", "price")["sale"]["price"] == "6.00"


def test_an_item_becomes_a_product() -> None:
    shelf = Shelf(selling(flows={"stock": "off"}))
    shelf.erp.add_item("MUG", name="A mug")
    shelf.poll(Kind.ITEM)
    assert shelf.wanted("MUG", "product")["name"] == "A mug"
    assert [change.event for change in shelf.queued()] == ["product_updated"]


def swept(shelf: Shelf) -> Shelf:
    """Every kind had its first sweep."""
    shelf.settle(Kind.STOCK, Kind.PRICE, Kind.ITEM, minutes=1)
    shelf.queued()
    return shelf


class Still(Memory):
    """Of goods that never moved there is no news of stock."""

    def changes(
        self, kind: Kind, since: dt.datetime, *, after: str = "", limit: int = 100
    ) -> Sequence[News]:
        return () if kind is Kind.STOCK else super().changes(kind, since, after=after, limit=limit)


def test_a_new_item_that_never_moved_is_sold_out_at_once() -> None:
    shelf = swept(Shelf(adapter=Still))
    shelf.erp.add_item("MUG")
    shelf.settle(Kind.STOCK, Kind.ITEM, minutes=1)
    assert shelf.quantity("MUG") == 0
    assert [change.event for change in shelf.queued()] == ["product_updated", "stock_changed"]


def test_an_item_whose_stock_is_known_is_not_counted_with_its_news() -> None:
    shelf = swept(Shelf())
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.settle(Kind.STOCK, Kind.ITEM, minutes=1)
    assert shelf.calls["erp.items"] == 1
    assert shelf.calls["erp.stock"] == 0


class Untold(Still):
    """Stock moves without any news of it, so that each look goes through all items."""

    capabilities = replace(
        Memory.capabilities,
        tells=Memory.capabilities.tells - {Kind.STOCK},
        swept=frozenset({Kind.STOCK}),
    )


def test_stock_of_which_nothing_is_told_is_read_with_each_look() -> None:
    shelf = Shelf(adapter=Untold)
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.erp.add_item("CUP", stock=pieces(2))
    shelf.poll()
    assert (shelf.quantity("MUG"), shelf.quantity("CUP")) == (7, 2)

    shelf.erp.receive_goods("MUG", Decimal(3), "MAIN")
    polled = shelf.poll()

    assert shelf.quantity("MUG") == 10
    assert (polled.read, polled.swept, polled.behind) == (0, 2, False)
    assert shelf.calls["erp.changes"] == 0


def test_a_look_at_stock_that_did_not_move_wants_nothing() -> None:
    shelf = Shelf(adapter=Untold)
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.poll()
    flush(shelf)
    shelf.queued()

    polled = shelf.poll()

    assert (polled.swept, polled.wanted, polled.sent) == (1, 0, 0)
    assert shelf.queued() == []


def test_a_service_is_not_counted() -> None:
    shelf = swept(Shelf(adapter=Still))
    shelf.erp.add_item("HELP", goods=False)
    shelf.settle(Kind.STOCK, Kind.ITEM, minutes=1)
    assert shelf.wanted("HELP", "product") is not None
    assert shelf.quantity("HELP") is None


def test_an_item_is_made_though_a_location_to_count_it_at_is_not_there() -> None:
    shelf = Shelf(selling(stock={"locations": ["MAIM"]}), adapter=Still)
    shelf.erp.add_item("MUG")
    assert not shelf.poll(Kind.ITEM).behind
    assert shelf.wanted("MUG", "product") is not None


def test_what_shipping_is_booked_as_becomes_no_product() -> None:
    shelf = Shelf(selling(mappings={"shipping": {"*": {"item": "POST"}}}))
    shelf.erp.add_item("POST", goods=False, price=Decimal(5))
    for kind in (Kind.ITEM, Kind.PRICE, Kind.STOCK):
        shelf.poll(kind)
    assert [shelf.wanted("POST", kind) for kind in KINDS] == [None, None, None]


def test_a_family_gathers_the_options_of_its_variants_page_by_page() -> None:
    shelf = Shelf()
    family = Family("7", "TEE", "T-shirt")
    for size in ("S", "M"):
        shelf.erp.add_item(f"TEE-{size}", family=family, options=(("Size", size),))
        shelf.settle(Kind.ITEM, minutes=1)
    assert shelf.wanted("TEE", "product")["attributes"] == [{"name": "Size", "options": ["S", "M"]}]
    assert shelf.wanted("TEE-M", "product")["parent"] == "TEE"


def test_a_catalogue_that_the_store_owns_is_not_written_over() -> None:
    shelf = Shelf(selling(catalogue={"owner": "store"}))
    shelf.erp.add_item("MUG")
    assert shelf.poll(Kind.ITEM) == Polled()


# --- sweeps ------------------------------------------------------------------


def test_the_first_run_goes_through_everything() -> None:
    shelf = Shelf()
    shelf.erp.add_items([{"code": f"I{n}", "stock": pieces(n + 1)} for n in range(250)])
    shelf.clock.now += dt.timedelta(days=30)  # nothing of it is news any more
    polled = shelf.poll()
    assert (polled.read, polled.swept) == (0, 250)
    assert [shelf.quantity(f"I{n}") for n in range(250)] == list(range(1, 251))


def test_a_sweep_goes_on_where_the_run_before_stopped() -> None:
    shelf = Shelf()
    shelf.erp.add_items([{"code": f"I{n}", "stock": pieces(1)} for n in range(250)])
    shelf.clock.now += dt.timedelta(days=30)
    shelf.tick = dt.timedelta(seconds=9)
    runs = [shelf.poll(for_=3 * MINUTE)]
    while runs[-1].sweeping:
        runs.append(shelf.poll(for_=3 * MINUTE))
    assert len(runs) > 1
    assert sum(each.swept for each in runs) == 250


def test_a_sweep_that_is_asked_for_while_one_runs_begins_anew_afterwards() -> None:
    shelf = Shelf()
    shelf.erp.add_items([{"code": f"I{n}", "stock": pieces(1)} for n in range(150)])
    shelf.clock.now += dt.timedelta(days=30)
    asked: list[str] = []

    def ask(call: str) -> None:
        if call == "after erp.item_ids" and not asked:
            asked.append(call)
            shelf.poller().ask_for_sweep(Kind.STOCK)

    shelf.hook = ask
    assert shelf.poll().swept == 300
    assert shelf.poll().swept == 0


def test_other_rules_have_everything_computed_anew() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))
    shelf.settle()
    shelf.stores = {UK: selling(stock={**STOCK, "buffer": 2})}
    shelf.settle(minutes=1)
    assert shelf.quantity("MUG") == 5


def switched(kind: LevelKind, to: str, *others: Store) -> Shelf:
    """All is sent and settled; then the flow is not on for a while."""
    of = {"stock": Kind.STOCK, "price": Kind.PRICE, "product": Kind.ITEM}[kind]
    name = {"stock": "stock", "price": "prices", "product": "products"}[kind]
    shelf = Shelf(selling(), *others)
    shelf.erp.add_items(
        [{"code": f"I{n}", "price": Decimal(3), "stock": pieces(5)} for n in range(150)]
    )
    shelf.settle(of)
    for store in shelf.stores:
        rows = shelf.levels.dirty(store, kind, limit=1000)
        told = [Sent(r.sku, r.version, r.wanted, shelf.clock(), r.moved) for r in rows]
        shelf.levels.sent(store, kind, told)
    shelf.settle(of)
    shelf.stores = {**shelf.stores, UK: selling(flows={name: to})}
    shelf.settle(of)
    assert shelf.levels.count_dirty(UK, kind) == 0
    shelf.stores = {**shelf.stores, UK: selling()}
    return shelf


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("to", ["off", "shadow"])
def test_a_flow_that_is_switched_on_again_sends_everything(kind: LevelKind, to: str) -> None:
    shelf = switched(kind, to, selling())
    of = {"stock": Kind.STOCK, "price": Kind.PRICE, "product": Kind.ITEM}[kind]
    shelf.settle(of, minutes=1)
    assert shelf.levels.count_dirty(UK, kind) == 150
    assert shelf.levels.count_dirty("store1", kind) == 0

    flush(shelf, kind)
    shelf.settle(of, minutes=3)
    shelf.poller().ask_for_sweep(of)
    shelf.settle(of, minutes=2)
    assert shelf.levels.count_dirty(UK, kind) == 0


def test_everything_is_sent_though_the_only_store_was_off_and_the_run_is_broken_off() -> None:
    shelf = switched("stock", "off")
    shelf.tick = dt.timedelta(seconds=4)
    for _ in range(20):
        shelf.clock.now += MINUTE
        shelf.poll(for_=dt.timedelta(seconds=45))
    assert shelf.levels.count_dirty(UK, "stock") == 150


def test_two_runs_at_once_read_once() -> None:
    shelf = Shelf()
    shelf.erp.add_item("MUG", stock=pieces(7))

    def meanwhile(call: str) -> None:
        if call == "before erp.stock":
            shelf.hook = lambda _: None
            polled = shelf.poller().run(Kind.STOCK, until=shelf.clock() + MINUTE)
            assert polled == Polled(busy=True)

    shelf.hook = meanwhile
    assert shelf.poll().read == 1


# --- killed ------------------------------------------------------------------


def played(stores: tuple[Store, ...], fatal: int | None) -> tuple[dict[str, Any], int]:
    """What is wanted in the end, and how many port calls it took, where the run that made the
    call number ``fatal`` is dead from then on."""
    shelf, calls, dead = Shelf(*stores), [0], [False]
    family = Family("7", "TEE", "T-shirt")
    shelf.erp.add_items([{"code": f"I{n}", "stock": pieces(n + 1)} for n in range(10)])
    shelf.erp.add_item("TEE-S", family=family, options=(("Size", "S"),), price=Decimal(5))
    shelf.erp.add_item("SET")
    shelf.erp.set_recipe("SET", {"I9": Decimal(2), "I8": Decimal(1)}, "kit")

    def kill(call: str) -> None:
        # After one call is before the next.
        calls[0] += call.startswith("after")
        dead[0] = dead[0] or calls[0] == fatal
        if dead[0]:
            raise KilledError

    def run(kind: Kind, hook: Callable[[str], None]) -> None:
        shelf.hook, dead[0] = hook, False
        with suppress(KilledError):
            shelf.poll(kind)
        shelf.hook = lambda _: None

    def all_kinds(hook: Callable[[str], None]) -> None:
        for kind in (Kind.RECIPE, Kind.STOCK, Kind.PRICE, Kind.ITEM):
            run(kind, hook)
        shelf.clock.now += 3 * MINUTE  # a killed run's lease is over

    all_kinds(kill)
    shelf.levels.set_demand(
        Demand(Ref(UK, "order", "1"), "main", {"I9": Decimal(3)}, {"I9": Decimal(3)}),
        now=shelf.clock(),
    )
    shelf.erp.set_recipe("SET", {"I9": Decimal(1)}, "kit")
    shelf.erp.count_stock("I5", Decimal(500))
    all_kinds(kill)
    for _ in range(2):
        all_kinds(lambda _: None)
    rows = {
        f"{store} {kind} {row.sku}": row.wanted
        for store in shelf.stores
        for kind in KINDS
        for row in shelf.levels.dirty(store, kind, limit=10_000)
    }
    return rows, calls[0]


def test_killed_between_any_two_calls_it_ends_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cursor, catalogue, catalogue_reads):
        monkeypatch.setattr(module, "PAGE", 4)
    stores = (selling(), selling(stock={**STOCK, "buffer": 1}))
    expected, calls = played(stores, None)
    assert expected["uk stock SET"] == {"quantity": 7}
    assert expected["store1 stock I5"] == {"quantity": 499}
    assert expected["store1 price TEE-S"]["regular"] == "5.00"
    for fatal in range(1, calls + 1):
        assert played(stores, fatal)[0] == expected, f"killed at call {fatal}"
