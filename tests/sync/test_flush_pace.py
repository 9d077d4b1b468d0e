"""A store is written to as fast as it bears, slice by slice, and stock goes before all else."""

import dataclasses
import datetime as dt
from typing import Any

import pytest

from accord.errors import RateLimitedError, UnavailableError
from accord.local.store.latency import POOR_HOST, Latency
from accord.local.world import KilledError, hooked
from accord.model.change import Ref
from accord.ports.limits import FAILURES, Board
from accord.rules.limits import Bears
from accord.state.memory import MemoryControl
from accord.state.memory_limits import MemoryBreakers
from accord.sync.flush import Flush
from accord.sync.guard import Guard
from accord.sync.lease import lease
from accord.sync.meter import Meter
from accord.sync.pace import Pace
from tests.sync.conftest import START
from tests.sync.shopfront import MINUTE, UK, Shopfront


def filled(count: int, *, latency: Latency | None = None, **tables: Any) -> Shopfront:
    front = Shopfront(**tables)
    skus = [f"S{number:05}" for number in range(count)]
    for sku in skus:
        front.shop.add_product(sku)
    front.stock(dict.fromkeys(skus, 50))
    if latency is not None:
        front.shop.shop.latency = latency
    return front


def size_of(front: Shopfront) -> int:
    return Pace.of(front.control, UK, most=100).size


def test_a_store_that_fails_above_some_size_is_sent_less() -> None:
    front = filled(300, latency=Latency(item_s=0.02, most=20))
    front.flush_all()
    assert front.levels.count_dirty(UK, "stock") == 0
    assert size_of(front) <= 21


def test_a_slow_store_is_sent_less_and_nothing_twice() -> None:
    front = filled(100, latency=Latency(item_s=0.5), limits={"slow": 10, "batch": 50})
    front.flush_all()
    assert size_of(front) < 30
    assert front.levels.count_dirty(UK, "stock") == 0


def test_a_poor_host_gets_all_in_the_end() -> None:
    front = filled(60, latency=POOR_HOST)
    slices = front.flush_all()
    assert front.levels.count_dirty(UK, "stock") == 0
    assert slices < 20


def test_the_size_is_remembered_by_the_next_run() -> None:
    front = filled(40, latency=Latency(most=10))
    front.flush_all()
    remembered = size_of(front)
    front.shop.add_product("MORE")
    front.stock({"MORE": 50})
    front.flush()
    assert size_of(front) == remembered


def test_the_size_recovers_a_tenth_at_a_time() -> None:
    pace = Pace.of(MemoryControl(), UK, most=100)
    pace.bad(100)
    sizes = []
    for _ in range(3):
        pace.good(pace.size)
        sizes.append(pace.size)
    assert sizes == [55, 60, 66]


def test_a_small_batch_does_not_prove_that_a_large_one_goes() -> None:
    pace = Pace.of(MemoryControl(), UK, most=100)
    pace.bad(100)
    pace.good(3)
    assert pace.size == 50


def test_what_is_left_is_queued_as_the_next_slice() -> None:
    front = filled(800, latency=Latency(call_s=9.0))
    assert front.flush().left
    (change,) = front.queued()
    assert (change.event, change.ref) == ("stock_changed", Ref(UK, "levels", "stock"))


def test_a_run_ends_before_its_time_does() -> None:
    front = filled(800, latency=Latency(call_s=9.0))
    began = front.clock()
    front.flush()
    assert front.clock() - began < MINUTE


def test_a_store_that_is_down_is_for_another_time() -> None:
    front = filled(300)

    def down(call: str) -> None:
        if call == "before store.write_products":
            raise UnavailableError("503")

    front.hook = down
    with pytest.raises(UnavailableError):
        front.post()
    assert front.calls["write_products"] < 20
    assert size_of(front) == 1


def test_one_product_that_breaks_the_store_does_not_hold_up_the_others() -> None:
    front = filled(100)
    bad = front.product("S00042")["id"]
    update = front.shop.shop.shelf.update

    def breaks(id_: int, *args: object, **more: object) -> object:
        if id_ == bad:
            raise UnavailableError("500")
        return update(id_, *args, **more)  # type: ignore[arg-type]

    front.shop.shop.shelf.update = breaks  # type: ignore[method-assign,assignment]
    front.flush()
    assert front.levels.count_dirty(UK, "stock") == 1
    assert front.reasons() == [("uk:stock:S00042", "store_fails")]


def guarded(front: Shopfront) -> MemoryBreakers:
    """The store's breaker, which all calls of ``front`` go through from now on."""
    breakers = MemoryBreakers(front.clock)
    guard = Guard(
        board=Board(front.control, front.clock),
        breakers=breakers,
        meter=Meter(front.control, front.clock, pause=front.pause, random=lambda: 0.5),
        bears=lambda _: Bears(),
        clock=front.clock,
        new_holder=lambda: "flush",
    )
    flow = front.flow

    def made() -> Flush:
        store = hooked(front.shop, "store", front._hear)
        free = ("order", "customer", "product")
        return dataclasses.replace(flow(), store=guard.over(store, UK, free=free))

    front.flow = made  # type: ignore[method-assign]
    return breakers


@pytest.mark.parametrize("sku", ["S00000", "S00042"])
def test_one_product_that_breaks_the_store_is_no_outage(sku: str) -> None:
    front = filled(100)
    breakers = guarded(front)
    bad = front.product(sku)["id"]
    update = front.shop.shop.shelf.update
    opened: list[object] = []

    def breaks(id_: int, *args: object, **more: object) -> object:
        if id_ == bad:
            opened.append(breakers.opened(UK))
            raise UnavailableError("500")
        return update(id_, *args, **more)  # type: ignore[arg-type]

    front.shop.shop.shelf.update = breaks  # type: ignore[method-assign,assignment]
    front.flush()

    assert len(opened) > FAILURES["outage"]
    assert [*opened, breakers.opened(UK)] == [None] * (len(opened) + 1)
    assert front.levels.count_dirty(UK, "stock") == 1


def test_a_store_that_answers_nothing_at_all_is_left_alone_after_one_look() -> None:
    front = filled(100)
    guarded(front)

    def down(call: str) -> None:
        if call.startswith("before store."):
            raise UnavailableError(call)

    front.hook = down
    with pytest.raises(UnavailableError, match="ping"):
        front.post()
    assert front.calls.total() == 2
    assert front.levels.count_dirty(UK, "stock") == 100


def test_how_long_the_store_asks_to_be_left_alone_is_for_the_queue() -> None:
    front = filled(10)

    def limited(call: str) -> None:
        if call == "before store.write_products":
            raise RateLimitedError("429", retry_after=40)

    front.hook = limited
    with pytest.raises(RateLimitedError):
        front.post()
    assert front.levels.count_dirty(UK, "stock") == 10


def test_a_restart_never_loses_what_is_to_be_sent() -> None:
    front = filled(250)
    left = [2]

    def die(call: str) -> None:
        if call == "after store.write_products":
            left[0] -= 1
            if not left[0]:
                raise KilledError(call)

    front.hook = die
    with pytest.raises(KilledError):
        front.post()
    front.hook = lambda _: None
    front.clock.now += 2 * MINUTE
    front.flush_all()
    assert {front.shop.stock_of(f"S{number:05}") for number in range(250)} == {50}


# --- prices and products leave room -----------------------------------------------------


def priced(count: int, **tables: Any) -> Shopfront:
    front = filled(count, **tables)
    front.flush_all()
    price: dict[str, Any] = {"regular": "12.50", "sale": None, "bands": {}}
    front.want("price", {f"S{number:05}": price for number in range(count)})
    return front


@pytest.mark.parametrize(("share", "at_least"), [("0.5", 1), ("0.25", 3)])
def test_prices_use_no_more_than_their_share_of_the_time(share: str, at_least: int) -> None:
    front = priced(800, limits={"catalogue_share": share})
    front.shop.shop.latency = Latency(call_s=2.0)
    began = front.clock()
    batches = 0
    while front.levels.count_dirty(UK, "price"):
        front.flush("price")
        batches += front.calls["write_products"]
        front.queued()
    busy = dt.timedelta(seconds=2 * batches)
    assert batches == 8
    assert front.clock() - began >= busy + (batches - 1) * at_least * dt.timedelta(seconds=2)


def test_all_the_time_may_be_given_to_prices() -> None:
    front = priced(300, limits={"catalogue_share": 1})
    front.shop.shop.latency = Latency(call_s=2.0)
    front.flush("price")
    assert not front.slept


def test_stock_does_not_wait_for_prices() -> None:
    front = priced(300)
    front.shop.shop.latency = Latency(call_s=2.0)
    written: list[str] = []
    write = front.shop.write_products

    def note(entries: Any, **more: Any) -> Any:
        written.append("stock" if "stock_quantity" in entries[0] else "price")
        if len(written) == 1:
            front.stock({"S00000": 30})
        return write(entries, **more)

    front.shop.write_products = note  # type: ignore[method-assign]
    outcome = front.flush("price")
    assert written == ["price", "stock", "price", "price"]
    assert [each.kind for each in outcome.also] == ["stock"]


# --- the lease ------------------------------------------------------------------------------


def test_a_lease_is_one_owners_until_it_is_given_back() -> None:
    control = MemoryControl()

    def take(owner: str) -> bool:
        with lease(control, "x", owner=owner, until=START + MINUTE, clock=lambda: START) as ours:
            return ours

    with lease(control, "x", owner="a", until=START + MINUTE, clock=lambda: START) as ours:
        assert ours
        assert not take("b")
    assert take("b")


def test_a_dead_workers_lease_runs_out() -> None:
    control = MemoryControl()
    now = [START]
    first = lease(control, "x", owner="a", until=START + MINUTE, clock=lambda: now[0])
    assert first.__enter__()
    now[0] += MINUTE
    with lease(control, "x", owner="b", until=now[0], clock=lambda: now[0]) as ours:
        assert ours
