"""A backfill goes through everything once, can break off anywhere, and as a plan writes nothing."""

import datetime as dt
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from accord.errors import BadInputError, BusyError
from accord.local.world import World, hooked
from accord.model.change import Change, Ref
from accord.ports.levels import LevelKind
from accord.ports.shop import Listed
from accord.sync import backfill_levels
from accord.sync.backfill import (
    Backfill,
    CustomerReader,
    Line,
    OrderReader,
    Reader,
    Slice,
    What,
)
from accord.sync.backfill_levels import KINDS, LevelReader
from accord.woo import admin
from tests.conftest import order_json
from tests.sync.conftest import config
from tests.sync.shoppers import ADA

ON = {"stock": "on", "prices": "on", "products": "on", "orders": "on", "customers": "on"}
READS = {
    "links": {"get", "find"},
    "levels": {"recipes", "holdings", "levels"},
    "control": {"get"},
    "erp": {"item_ids", "items", "stock", "prices", "recipes"},
    "store": {
        *("order", "customer", "list_orders", "list_customers", "products_by_sku"),
    },
    "queues": set[str](),
}
MINUTE = dt.timedelta(minutes=1)


class Loaded:
    """A world, and what is needed to backfill it. ``hook`` is told of each call of the reader."""

    def __init__(self, make_world: Callable[..., World], **tables: Any) -> None:
        flows = {**ON, **tables.pop("flows", {})}
        given = {"stock": {"locations": ["MAIN"]}, "prices": {"currency": "GBP"}, **tables}
        self.world = make_world(config(flows=flows, **given))
        self.world.copies = lambda _: 0  # every webhook is lost
        self.hook: Callable[[str], None] = lambda _: None

    def port(self, name: str) -> Any:
        world = self.world
        ports = {"erp": world.erp(), "queues": world.queue}
        return hooked(ports.get(name) or getattr(world, name), name, self._hear)

    def _hear(self, call: str) -> None:
        self.hook(call)

    def reader(self, what: What, *, dry: bool = False, resend: bool = False) -> Reader:
        world, queues = self.world, None if dry else self.port("queues")
        if what in {"orders", "customers"}:
            of_store = OrderReader if what == "orders" else CustomerReader
            return of_store(
                name="uk",
                rules=world.rules,
                store=self.port("store"),
                shop=self.port("store"),
                links=self.port("links"),
                queues=queues,
                clock=world.clock,
            )
        return LevelReader(
            name="uk",
            what=what,
            rules=world.rules,
            stores=world.config.stores,
            erp=self.port("erp"),
            store=self.port("store"),
            levels=self.port("levels"),
            queues=queues,
            clock=world.clock,
            resend=resend,
        )

    def job(self, what: What, *, dry: bool = False, resend: bool = False) -> Backfill:
        return Backfill(
            store="uk",
            what=what,
            reader=self.reader(what, dry=dry, resend=resend),
            control=self.port("control"),
            clock=self.world.clock,
            dry=dry,
            resend=resend,
        )

    def run(
        self, what: What, *, dry: bool = False, resend: bool = False, **more: Any
    ) -> list[Slice]:
        self.world.clock.now += MINUTE
        return list(self.job(what, dry=dry, resend=resend).run(**more))

    def plan(self, what: What) -> list[str]:
        return [str(line) for each in self.run(what, dry=True) for line in each.lines]

    def add_items(self, count: int) -> list[str]:
        codes = [f"I-{n:04}" for n in range(count)]
        for code in codes:
            self.world.erp().add_item(code, price=Decimal(10), stock={"MAIN": Decimal(9)})
        return codes

    def wanted(self, sku: str, kind: LevelKind = "stock") -> Any:
        level = self.world.levels.levels("uk", kind, [sku]).get(sku)
        return None if level is None else level.wanted

    def queued(self) -> list[Change]:
        found = []
        while received := self.world.queue.receive():
            self.world.queue.done(received[0])
            found.append(received[1])
        return found


@pytest.fixture
def loaded(make_world: Callable[..., World]) -> Loaded:
    return Loaded(make_world)


def order(id_: int, modified: str = "2026-11-22T15:00:00", **changes: Any) -> dict[str, Any]:
    times = {"date_modified_gmt": modified, "date_modified": modified}
    return {**order_json("order_created_rich"), "id": id_, "number": str(id_), **times, **changes}


def hold(loaded: Loaded, *orders: dict[str, Any]) -> None:
    for each in orders:
        loaded.world.store.orders[str(each["id"])] = each


# --- stock, prices, items ----------------------------------------------------------


def test_all_stock_is_wanted_and_one_message_a_page_has_it_sent(loaded: Loaded) -> None:
    codes = loaded.add_items(150)

    last = loaded.run("stock")[-1]

    assert (last.done, last.total) == (150, 150)
    assert all(loaded.wanted(code) == {"quantity": 9} for code in codes)
    assert {(each.event, str(each.ref)) for each in loaded.queued()} == {
        ("stock_changed", "uk:levels:stock")
    }


def test_prices_and_items_are_wanted_too(loaded: Loaded) -> None:
    loaded.add_items(2)

    loaded.run("prices")
    loaded.run("items")

    assert loaded.wanted("I-0001", "price")["regular"] == "10.00"
    assert loaded.wanted("I-0001", "product")["name"] == "I-0001"


def test_a_second_time_finds_all_as_it_is(loaded: Loaded) -> None:
    codes = loaded.add_items(3)
    for code in codes:
        loaded.world.store.add_product(code, quantity=9)
    loaded.run("stock")
    loaded.world.drain(dt.timedelta(minutes=5))

    assert loaded.plan("stock") == []


def test_what_the_store_was_told_before_is_sent_again_on_request(loaded: Loaded) -> None:
    for code in loaded.add_items(3):
        loaded.world.store.add_product(code, quantity=9)
    loaded.run("stock")
    loaded.world.drain(dt.timedelta(minutes=5))
    loaded.world.store.set_stock("I-0001", 4)  # and its webhook is lost

    assert loaded.run("stock")[-1].queued == 0
    assert loaded.run("stock", resend=True)[-1].queued == 3
    loaded.world.drain(dt.timedelta(minutes=5))
    assert loaded.world.store.stock_of("I-0001") == 9


def test_one_that_broke_off_is_gone_on_with_as_it_began(loaded: Loaded) -> None:
    loaded.add_items(150)
    next(loaded.job("stock", resend=True).run())

    with pytest.raises(BadInputError, match="with --resend"):
        loaded.run("stock")
    assert loaded.run("stock", resend=True)[-1].queued == 150


def test_kits_are_counted_by_their_parts_before_anything_was_polled(loaded: Loaded) -> None:
    erp = loaded.world.erp()
    loaded.add_items(1)
    erp.add_item("KIT", price=Decimal(30))
    erp.set_recipe("KIT", {"I-0000": Decimal(2)}, kind="kit")

    loaded.run("stock")

    assert loaded.wanted("KIT") == {"quantity": 4}


def test_a_few_calls_do_for_many_items(loaded: Loaded) -> None:
    loaded.add_items(1000)

    last = loaded.run("stock")[-1]

    assert last.calls <= 2 * (1000 // 100 + 1) + 4


def filled(make_world: Callable[..., World]) -> Loaded:
    """Nine of each."""
    loaded = Loaded(make_world)
    loaded.add_items(9)
    hold(loaded, *(order(n, f"2026-11-22T15:00:{n // 2:02}") for n in range(1, 10)))
    for n in range(9):
        loaded.world.store.add_customer(**{**ADA, "email": f"a{n}@example.com"})
    return loaded


def break_off(loaded: Loaded, what: What, *, at: int) -> bool:
    """Whether the run had not ended at that moment."""
    moments = itertools.count()

    def interrupt(_: str) -> None:
        if next(moments) == at:
            raise KeyboardInterrupt

    loaded.hook = interrupt
    try:
        loaded.run(what)
    except KeyboardInterrupt:
        return True
    finally:
        loaded.hook = lambda _: None
    return False


def reached(loaded: Loaded, what: What) -> int:
    """How many of them became a message, or are wanted."""
    if what in {"orders", "customers"}:
        return len({each.ref for each in loaded.queued() if each.event != "stock_changed"})
    kind = KINDS[what]
    return sum(loaded.wanted(f"I-{n:04}", kind) is not None for n in range(9))


@pytest.mark.parametrize("what", ["stock", "prices", "items", "orders", "customers"])
def test_what_broke_off_at_any_moment_goes_on_and_misses_nothing(
    make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, what: What
) -> None:
    monkeypatch.setattr(backfill_levels, "PAGE", 4)
    monkeypatch.setattr(admin, "PAGE", 4)
    moment, goes_on = 0, True
    while goes_on:
        loaded = filled(make_world)
        goes_on = break_off(loaded, what, at=moment)
        loaded.run(what)
        assert reached(loaded, what) == 9, moment
        moment += 1
    assert moment > 10


def test_a_run_that_is_over_begins_anew_and_one_that_broke_off_goes_on(loaded: Loaded) -> None:
    loaded.add_items(250)
    steps = loaded.job("stock").run()
    assert next(steps).done == 100

    assert [each.done for each in loaded.run("stock")] == [200, 250]
    assert [each.done for each in loaded.run("stock")] == [100, 200, 250]


def test_restart_begins_anew(loaded: Loaded) -> None:
    loaded.add_items(150)
    next(loaded.job("stock").run())

    assert [each.done for each in loaded.run("stock", restart=True)] == [100, 150]


def test_two_at_a_time_are_told_apart(loaded: Loaded) -> None:
    loaded.add_items(250)
    first, second = loaded.job("stock").run(), loaded.job("stock").run()
    next(first)
    next(second)

    with pytest.raises(BusyError, match="another backfill"):
        next(first)


# --- a plan ------------------------------------------------------------------------


def test_a_plan_says_what_each_value_was_and_will_be(loaded: Loaded) -> None:
    loaded.add_items(4)
    loaded.world.store.add_product("I-0000", quantity=12, price="10.00")
    loaded.world.store.add_product("I-0001", quantity=9, price="11.50")
    loaded.world.store.add_product("I-0002", quantity=None)

    assert loaded.plan("stock") == [
        "~ I-0000 stock 12 → 9",
        "~ I-0002 stock not counted → 9",
        "! I-0003 is not in the store",
    ]
    assert "~ I-0001 price 11.50 → 10.00" in loaded.plan("prices")
    assert "+ I-0003 new" in loaded.plan("items")


def fill_all(loaded: Loaded) -> None:
    loaded.add_items(120)
    loaded.world.erp().add_item("KIT", price=Decimal(30))
    loaded.world.erp().set_recipe("KIT", {"I-0000": Decimal(2)}, kind="kit")
    loaded.world.store.add_product("I-0000", quantity=12)
    hold(loaded, order(30), order(31))
    loaded.world.store.add_customer(**ADA)


@pytest.mark.parametrize("what", ["stock", "prices", "items", "orders", "customers"])
def test_a_plan_calls_nothing_that_writes(loaded: Loaded, what: What) -> None:
    fill_all(loaded)
    calls = set()

    def hear(call: str) -> None:
        port, _, method = call.split(" ")[1].partition(".")
        calls.add((port, method))
        assert method in READS[port], f"{port}.{method} was called"

    loaded.hook = hear

    assert loaded.plan(what)
    assert calls


def test_a_plan_is_what_then_happens(loaded: Loaded) -> None:
    fill_all(loaded)
    loaded.plan("stock")

    assert loaded.plan("stock")[0] == "~ I-0000 stock 12 → 9"
    loaded.run("stock")
    loaded.world.drain(dt.timedelta(minutes=5))

    assert loaded.world.store.stock_of("I-0000") == 9


# --- orders ------------------------------------------------------------------------


def test_orders_whose_webhooks_were_lost_reach_the_books(loaded: Loaded) -> None:
    hold(loaded, order(30), order(31, "2026-11-22T15:00:05"))

    lines = [line for each in loaded.run("orders") for line in each.lines]
    loaded.world.drain()

    assert [line.sign for line in lines] == ["+", "+"]
    assert len(loaded.world.books.sales()) == 2
    assert loaded.run("orders")[-1].queued == 0


def test_an_order_that_was_changed_since_is_told_again(loaded: Loaded) -> None:
    hold(loaded, order(30))
    loaded.run("orders")
    loaded.world.drain()
    loaded.world.clock.now += MINUTE
    loaded.world.store.edit("30", customer_note="Ring twice")

    (line,) = [line for each in loaded.run("orders") for line in each.lines]

    assert (line.sign, line.subject) == ("~", "order 30")


def test_drafts_and_orders_of_before_the_start_are_left_alone(loaded: Loaded) -> None:
    old = {"date_created_gmt": "2020-01-01T00:00:00", "date_created": "2020-01-01T00:00:00"}
    hold(loaded, order(30, status="checkout-draft"), order(31, **old))

    last = loaded.run("orders")[-1]

    assert (last.done, last.queued) == (2, 0)


def test_only_what_changed_since_is_gone_through(loaded: Loaded) -> None:
    hold(loaded, order(30, "2026-11-20T10:00:00"), order(31, "2026-11-21T10:00:00"))

    loaded.run("orders", since="2026-11-21T10:00:00+00:00")

    assert [each.ref for each in loaded.queued()] == [Ref("uk", "order", "31")]


def test_more_orders_of_one_second_than_a_page_holds_are_all_met(loaded: Loaded) -> None:
    hold(loaded, *(order(n) for n in range(1, 251)), order(251, "2026-11-22T15:00:01"))

    last = loaded.run("orders")[-1]

    assert len({each.ref for each in loaded.queued()}) == 251
    assert last.done == 251


def test_an_order_that_changes_while_they_are_read_is_met(loaded: Loaded) -> None:
    hold(loaded, *(order(n, f"2026-11-22T14:{n // 60:02}:{n % 60:02}") for n in range(1, 151)))
    steps = loaded.job("orders").run()
    next(steps)
    loaded.world.store.edit("1", customer_note="Ring twice")

    list(steps)

    queued = [each.ref.id for each in loaded.queued()]
    assert queued.count("1") == 2
    assert len(set(queued)) == 150


def test_going_on_with_another_day_is_refused(loaded: Loaded) -> None:
    hold(loaded, *(order(n) for n in range(1, 151)))
    next(loaded.job("orders").run(since="2026-11-01T00:00:00+00:00"))

    with pytest.raises(BadInputError, match="--restart"):
        loaded.run("orders", since="2026-11-02T00:00:00+00:00")


# --- customers ---------------------------------------------------------------------


def test_accounts_become_parties_and_are_then_known(loaded: Loaded) -> None:
    loaded.world.store.add_customer(**ADA)
    loaded.world.store.add_customer(**{**ADA, "email": "ed@example.com", "role": "editor"})

    loaded.run("customers")
    loaded.world.drain()

    assert len(loaded.world.books.parties()) == 1
    assert loaded.run("customers")[-1].queued == 0


def test_an_account_that_was_changed_unheard_is_told_again(loaded: Loaded) -> None:
    id_ = loaded.world.store.add_customer(**ADA)
    loaded.run("customers")
    loaded.world.drain()
    loaded.world.store.edit_customer(id_, billing={"phone": "1"})

    lines = [line for each in loaded.run("customers") for line in each.lines]

    assert lines == [Line("~", f"customer {id_}", "changed")]


def test_accounts_that_move_up_a_page_are_not_missed(loaded: Loaded) -> None:
    store = loaded.world.store
    ids = [store.add_customer(**{**ADA, "email": f"a{n}@example.com"}) for n in range(150)]
    steps = loaded.job("customers").run()
    next(steps)
    store.delete_customer(ids[0])

    list(steps)

    assert len({each.ref for each in loaded.queued() if each.event == "customer_changed"}) == 150


@pytest.mark.parametrize("count", [0, 1, 100, 200])
def test_full_pages_come_to_an_end(loaded: Loaded, count: int) -> None:
    for n in range(count):
        loaded.world.store.add_customer(**{**ADA, "email": f"a{n}@example.com"})
    hold(loaded, *(order(n) for n in range(1, count + 1)))
    loaded.add_items(count)

    assert [loaded.run(what)[-1].done for what in ("customers", "orders", "stock")] == [count] * 3


def test_accounts_that_moved_up_while_nothing_ran_are_not_missed(loaded: Loaded) -> None:
    store = loaded.world.store
    ids = [store.add_customer(**{**ADA, "email": f"a{n}@example.com"}) for n in range(350)]
    steps = loaded.job("customers").run()
    next(steps)
    next(steps)
    for id_ in ids[:150]:
        store.delete_customer(id_)

    loaded.run("customers")

    assert len({each.ref for each in loaded.queued()}) == 350


def test_a_page_knows_whether_it_is_the_last() -> None:
    assert Listed((), 0).is_last
    assert not Listed((({}, ""),) * 100, 200).is_last
