"""What no webhook told of is found, queued once, and costs nothing when it was told."""

import copy
import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import replace
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from accord.errors import AccordError, PermanentError, UnavailableError
from accord.local.world import STORE_POLLS, KilledError, World
from accord.model.change import Change, Ref
from accord.ports.state import Item, Link
from accord.ports.store import OrderPage
from accord.state.memory import MemoryControl, MemoryLinks
from accord.sync.poll_store import Polled, reread
from accord.sync.told import GRACE, MOST_OPEN, OVERLAP, Told, heard_facts
from tests.conftest import order_json
from tests.sync.conftest import START, config

RICH = order_json("order_created_rich")
MakeWorld = Callable[..., World]
TEN_MINUTES = dt.timedelta(minutes=10)
_NUMBERS = itertools.count(1000)


@pytest.fixture
def deaf(make_world: MakeWorld) -> World:
    """A world whose webhooks are off altogether; its store is polled."""
    return make_world(config(flows={"customers": "off"}), copies=lambda _: 0, polls_store=True)


@pytest.fixture
def hearing(make_world: MakeWorld) -> World:
    """A world whose webhooks come, and whose store is polled as well."""
    return make_world(config(flows={"customers": "off"}), polls_store=True)


def place(world: World, **fields: Any) -> Ref:
    """A shopper orders, now."""
    order = copy.deepcopy(RICH) | {"id": next(_NUMBERS)} | fields
    order["number"] = str(order["id"])
    now = world.clock().replace(tzinfo=None).isoformat(timespec="seconds")
    for name in ("date_created", "date_modified"):
        if f"{name}_gmt" not in fields:
            order[name] = order[f"{name}_gmt"] = now
    return Ref("uk", "order", world.store.place(order))


def go_on(world: World, **time: float) -> None:
    world.drain_until(world.clock() + dt.timedelta(**time))


def messages(world: World) -> list[Change]:
    """What the poll told of, whatever became of it."""
    of_store = {"order_created", "order_updated", "refund_issued", "customer_changed"}
    return [
        change
        for change, _ in world.ends
        if change.correlation_id.startswith("poll-")
        and change.event in of_store
        and (change.aggregate is None or change.event == "refund_issued")
    ]


def sales(world: World) -> list[dict[str, Any]]:
    return [each for each in world.books.sales() if each["state"] != "voided"]


def fact(world: World, ref: Ref, name: str) -> str:
    link = world.links.get(ref)
    assert link is not None
    return link.facts.get(name, "")


# --- the promise --------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_no_order_is_missed_for_longer_than_ten_minutes_with_webhooks_off(
    deaf: World, seed: int
) -> None:
    random = Random(seed)
    placed: dict[Ref, dt.datetime] = {}
    posted: dict[Ref, dt.datetime] = {}
    for _ in range(90):
        if random.random() < 0.3:
            placed[place(deaf)] = deaf.clock()
        go_on(deaf, seconds=random.uniform(1, 60))
        for ref in placed.keys() - posted.keys():
            link = deaf.links.get(ref)
            if link is not None and link.erp is not None:
                posted[ref] = deaf.clock()
    go_on(deaf, minutes=10)
    late = [ref for ref in placed if ref not in posted and deaf.links.get(ref) is None]

    assert len(placed) > 10
    assert not late
    assert max(posted[ref] - placed[ref] for ref in posted) < TEN_MINUTES
    assert len(sales(deaf)) == len(placed)
    assert deaf.recovered >= len(placed)


@pytest.mark.parametrize(
    ("act", "shown"),
    [
        (lambda world, id_: world.store.set_status(id_, "cancelled"), ("status", "cancelled")),
        (lambda world, id_: world.store.trash(id_), ("status", "trash")),
        (lambda world, id_: world.store.edit_line(id_, _line(world, id_), quantity=1), None),
    ],
)
def test_a_change_is_in_the_books_within_ten_minutes(
    deaf: World, act: Callable[[World, str], object], shown: tuple[str, str] | None
) -> None:
    ref = place(deaf)
    go_on(deaf, minutes=10)
    before = [each["state"] for each in deaf.books.sales()]

    act(deaf, ref.id)
    go_on(deaf, minutes=10)

    if shown is not None:
        assert fact(deaf, ref, shown[0]) == shown[1]
    assert [each["state"] for each in deaf.books.sales()] != before


def _line(world: World, id_: str) -> str:
    return str(world.store.orders[id_]["line_items"][0]["id"])


def test_a_refund_is_credited_within_ten_minutes(deaf: World) -> None:
    ref = place(deaf)
    go_on(deaf, minutes=10)
    refund = deaf.store.refund(ref.id, "5.00")
    go_on(deaf, minutes=10)

    assert fact(deaf, ref, "refunds") == refund


def test_many_orders_of_one_second_are_all_found(deaf: World) -> None:
    placed = [place(deaf) for _ in range(130)]
    go_on(deaf, minutes=12)

    assert all(deaf.links.get(ref) for ref in placed)
    assert len(sales(deaf)) == 130


def test_an_order_that_appears_late_is_found(deaf: World) -> None:
    """A checkout that takes long writes its order under the time at which it began."""
    began = deaf.clock()
    go_on(deaf, minutes=4)
    place(deaf)
    go_on(deaf, minutes=1)
    text = (began + dt.timedelta(minutes=2)).replace(tzinfo=None).isoformat()
    late = place(deaf, date_modified_gmt=text, date_created_gmt=text)
    go_on(deaf, minutes=10)

    assert deaf.links.get(late) is not None


# --- and what it costs ----------------------------------------------------------


def test_what_webhooks_told_of_costs_no_message(hearing: World) -> None:
    for _ in range(5):
        place(hearing)
        go_on(hearing, minutes=3)
    go_on(hearing, hours=2)

    assert messages(hearing) == []
    assert hearing.recovered == 0


def test_what_was_found_is_told_once_though_it_is_read_again_and_again(deaf: World) -> None:
    ref = place(deaf)
    go_on(deaf, hours=2)

    # Once as it was placed, and once as our own note of its number left it.
    told = [change for change in messages(deaf) if change.ref == ref]
    assert [change.event for change in told] == ["order_created", "order_updated"][: len(told)]
    assert len({change.digest for change in told}) == len(told)


def test_an_order_of_the_last_moments_is_left_to_its_webhook(deaf: World) -> None:
    place(deaf)
    go_on(deaf, seconds=(GRACE - dt.timedelta(seconds=5)).total_seconds())
    deaf.poll_store()

    assert messages(deaf) == []
    assert deaf.queue.next_at() is None


def test_what_nobody_can_post_yet_is_not_told_again_and_again(deaf: World) -> None:
    deaf.down = lambda _: True
    ref = place(deaf)
    go_on(deaf, hours=3)
    deaf.down = lambda _: False
    deaf.drain()

    told = [change for change in messages(deaf) if change.ref == ref]
    assert len(told) <= 2
    assert len(sales(deaf)) == 1


def test_a_quiet_store_is_asked_twice_a_run(hearing: World) -> None:
    go_on(hearing, hours=1)
    calls: list[str] = []
    hearing.hook = lambda call: calls.append(call) if call.startswith("before store.") else None
    go_on(hearing, minutes=20)

    assert calls == ["before store.orders_since"] * 20


# --- what is left alone ---------------------------------------------------------


def test_an_order_from_before_the_start_is_left_alone(deaf: World) -> None:
    long_ago = "2025-12-24T10:00:00"
    ref = place(deaf, date_created_gmt=long_ago)
    go_on(deaf, minutes=10)

    assert messages(deaf) == []
    assert deaf.links.get(ref) is None


def test_a_draft_of_the_checkout_is_no_order(deaf: World) -> None:
    place(deaf, status="checkout-draft")
    go_on(deaf, minutes=10)

    assert messages(deaf) == []


def test_drafts_that_were_read_are_not_read_again(deaf: World) -> None:
    go_on(deaf, minutes=10)
    drafted = deaf.clock()
    deaf.clock.now += GRACE + dt.timedelta(seconds=1)
    asked: list[tuple[dt.datetime, str]] = []

    def listed(*, since: dt.datetime, after: str, trashed: bool, **_: object) -> OrderPage:
        if trashed:
            return OrderPage((), is_last=True)
        asked.append((since, after))
        return OrderPage((), is_last=bool(after), reached=None if after else (drafted, "99"))

    store = SimpleNamespace(orders_since=listed, ping=lambda: None)
    poller = replace(deaf.store_poller(), store=store)  # type: ignore[arg-type]
    for _ in range(2):
        poller.run(until=deaf.clock() + dt.timedelta(minutes=1))

    assert asked[1] == (drafted, "99")
    assert asked[2][0] >= drafted - OVERLAP


def test_with_the_flow_off_nothing_is_asked(make_world: MakeWorld) -> None:
    world = make_world(config(flows={"orders": "off", "customers": "off"}), polls_store=True)
    calls: list[str] = []
    world.hook = calls.append
    world.poll_store()

    assert not [call for call in calls if "store." in call]


def test_in_shadow_what_is_found_is_told_once_and_nothing_is_written(
    make_world: MakeWorld,
) -> None:
    flows = {"orders": "shadow", "customers": "off"}
    world = make_world(config(flows=flows), copies=lambda _: 0, polls_store=True)
    place(world)
    go_on(world, hours=14)

    assert len(messages(world)) == 1
    assert not world.books.sales()
    assert world.recovered == 0


def test_a_status_that_is_not_imported_is_an_update_and_no_new_order(deaf: World) -> None:
    ref = place(deaf, status="pending", date_paid_gmt=None, date_paid=None)
    go_on(deaf, minutes=10)

    assert [change.event for change in messages(deaf) if change.ref == ref] == ["order_updated"]
    assert not sales(deaf)


# --- open orders ----------------------------------------------------------------


def test_an_open_order_that_was_deleted_for_good_is_told_of(hearing: World) -> None:
    ref = place(hearing)
    go_on(hearing, minutes=10)
    hearing.store.delete(ref.id)
    go_on(hearing, hours=1)

    assert [item.reason for item in hearing.attention.open()] == ["deleted_after_posting"]
    assert len([change for change in messages(hearing) if change.ref == ref]) == 1


def test_an_order_that_was_deleted_before_it_had_a_document_claims_no_more(
    make_world: MakeWorld,
) -> None:
    rules = config(flows={"customers": "off", "stock": "on"}, stock={"locations": ["MAIN"]})
    world = make_world(rules, polls_store=True)
    ref = place(world, status="on-the-shelf")
    go_on(world, minutes=10)
    claim = world.levels.demand(ref)
    assert claim is not None
    assert claim.needs
    assert not sales(world)

    world.store.delete(ref.id)
    go_on(world, hours=1)

    claim = world.levels.demand(ref)
    assert claim is not None
    assert not claim.needs
    assert not world.attention.open()


def test_a_refund_of_an_open_order_that_was_deleted_is_told_of(hearing: World) -> None:
    ref = place(hearing)
    go_on(hearing, minutes=10)
    refund = hearing.store.refund(ref.id, "5.00")
    go_on(hearing, minutes=10)
    hearing.store.delete_refund(ref.id, refund)
    go_on(hearing, hours=1)

    assert [item.reason for item in hearing.attention.open()] == ["refund_deleted"]


def test_a_change_that_moved_no_date_is_found_among_the_open_orders(hearing: World) -> None:
    ref = place(hearing)
    go_on(hearing, hours=1)
    place(hearing)  # so that the first one is no longer the newest
    go_on(hearing, minutes=20)
    order = hearing.store.orders[ref.id]
    order["line_items"][0]["quantity"] += 1  # a plugin that writes past WooCommerce
    go_on(hearing, hours=1)

    assert [change.event for change in messages(hearing) if change.ref == ref] == ["order_updated"]


def test_a_refund_whose_message_was_lost_is_queued_again(hearing: World) -> None:
    ref = place(hearing)
    go_on(hearing, minutes=10)
    refund = hearing.store.refund(ref.id, "5.00")
    go_on(hearing, minutes=10)
    link = hearing.links.get(ref)
    assert link is not None
    facts = {name: text for name, text in link.facts.items() if name not in {"refunds", "back"}}
    _overwrite(hearing, replace(link, facts=facts))
    go_on(hearing, hours=1)

    assert fact(hearing, ref, "refunds") == refund
    assert [change.event for change in messages(hearing)] == ["refund_issued"]


def test_more_open_orders_than_one_slice_are_all_gone_through() -> None:
    control = MemoryControl()
    now = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
    told = Told("uk", control)
    for id_ in range(1, 251):
        told.met(str(id_), "x", is_open=True, told_at=None)
    told.save()

    slices = []
    for _ in range(5):
        told = Told("uk", control)
        slices.append(told.open_slice(100, now))
        told.save()

    assert [len(each) for each in slices] == [100, 100, 50, 0, 0]
    assert sorted(map(int, itertools.chain(*slices))) == list(range(1, 251))
    assert Told("uk", control).open_slice(100, now + dt.timedelta(minutes=31))[0] == "1"


def test_the_list_of_open_orders_stays_small_enough_to_keep() -> None:
    control = MemoryControl()
    told = Told("uk", control)
    now = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
    for id_ in range(10_000_000, 10_000_000 + 2 * MOST_OPEN):
        told.met(str(id_), str(id_), is_open=True, told_at=now)
    told.save()

    held = control.get(told.name)
    assert held is not None
    assert len(held[0]) < 350_000
    assert str(10_000_000 + 2 * MOST_OPEN - 1) in held[0]


def test_of_too_many_orders_the_open_ones_are_kept() -> None:
    control = MemoryControl()
    told = Told("uk", control)
    told.met("1", "x", is_open=True, told_at=None)
    for id_ in range(2, MOST_OPEN + 10):
        told.met(str(id_), "x", is_open=False, told_at=None)
    told.save()

    now = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
    assert Told("uk", control).open_slice(100, now) == ["1"]


def _overwrite(world: World, link: Any) -> None:
    """The link as a lost message would have left it."""
    now = world.clock()
    held = world.links.acquire(
        link.ref, key=link.key, owner="test", now=now, until=now, seen=link.seen
    )
    assert held is not None
    saved = world.links.save(replace(link, owner="test", version=held.version))
    world.links.abandon(saved)


# --- where it breaks ------------------------------------------------------------


def test_killed_anywhere_it_misses_nothing_and_posts_nothing_twice(make_world: MakeWorld) -> None:
    fatal, ended = 0, False
    while not ended:
        world = make_world(config(flows={"customers": "off"}), copies=lambda _: 0)
        place(world)
        gone = place(world)
        world.store.trash(gone.id)
        world.clock.now += GRACE + dt.timedelta(seconds=1)
        left = [fatal]

        def kill(call: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] == -1:
                raise KilledError(call)

        world.hook = kill
        world.poll_store()
        ended = left[0] >= 0
        world.hook = lambda _: None
        world.polls_store = True
        go_on(world, minutes=10)
        assert len(sales(world)) == 1
        fatal += 1

    assert fatal > 20


def test_a_store_that_does_not_answer_leaves_the_cursor_where_it_is(deaf: World) -> None:
    ref = place(deaf)

    def refuse(call: str) -> None:
        if call.startswith("before store."):
            raise UnavailableError("the store is off", connection="uk")

    deaf.hook = refuse
    go_on(deaf, minutes=30)
    assert messages(deaf) == []
    with pytest.raises(AccordError):
        deaf.store_poller().run(until=deaf.clock() + dt.timedelta(minutes=1))
    deaf.hook = lambda _: None
    go_on(deaf, minutes=6)

    assert deaf.links.get(ref) is not None


def test_a_queue_that_is_away_leaves_the_cursor_where_it_is(deaf: World) -> None:
    ref = place(deaf)

    def refuse(call: str) -> None:
        if call == "before queues.put":
            raise UnavailableError("no queue", connection="sqs")

    deaf.hook = refuse
    go_on(deaf, minutes=30)
    deaf.hook = lambda _: None
    go_on(deaf, minutes=6)

    assert deaf.links.get(ref) is not None


def test_two_runs_at_once_are_one(deaf: World) -> None:
    place(deaf)
    deaf.clock.now += GRACE + dt.timedelta(seconds=1)
    first = deaf.store_poller()
    second: list[int] = []

    class Interrupted(MemoryLinks):
        def get(self, ref: Ref) -> Link | None:
            later = replace(deaf.store_poller(), random=Random(99))
            second.append(later.run(until=deaf.clock() + dt.timedelta(minutes=1)).read)
            return super().get(ref)

    first = replace(first, links=Interrupted())
    polled = first.run(until=deaf.clock() + dt.timedelta(minutes=1))

    assert polled.sent == 1
    assert set(second) == {0}


def test_an_order_far_in_the_future_is_carried_and_is_an_error_for_ops(deaf: World) -> None:
    soon = (deaf.clock() + dt.timedelta(hours=1)).replace(tzinfo=None).isoformat()
    ref = place(deaf, date_modified_gmt=soon)

    with pytest.raises(PermanentError) as caught:
        deaf.store_poller().run(until=deaf.clock() + dt.timedelta(minutes=1))
    deaf.drain_until(deaf.clock() + dt.timedelta(minutes=1))

    assert (caught.value.reason, caught.value.owner) == ("cursor_ahead", "ops")
    assert deaf.links.get(ref) is not None
    normal = place(deaf)
    go_on(deaf, minutes=10)
    assert deaf.links.get(normal) is not None


def test_an_order_that_cannot_be_read_holds_no_other_up(deaf: World) -> None:
    place(deaf, total="no amount")
    good = place(deaf)
    go_on(deaf, minutes=10)

    assert deaf.links.get(good) is not None


def test_an_order_that_a_person_has_is_not_told_again_every_few_hours(hearing: World) -> None:
    ref = place(hearing)
    go_on(hearing, minutes=10)
    hearing.attention.put(
        Item("1", str(ref), "odd", "finance", "look", hearing.clock(), hearing.clock())
    )
    hearing.store.orders[ref.id]["line_items"][0]["name"] = "changed past WooCommerce"
    hearing.hook = _refuse_links
    go_on(hearing, hours=14)

    told = {change.correlation_id for change in messages(hearing) if change.ref == ref}
    assert len(told) == 1


def test_what_was_told_and_did_not_arrive_is_told_once_more_after_hours(deaf: World) -> None:
    ref = place(deaf)
    deaf.clock.now += GRACE + STORE_POLLS
    deaf.poll_store()
    deaf.queue.receive()
    deaf.queue = type(deaf.queue)(deaf.clock)  # the queue was purged
    go_on(deaf, hours=7)

    assert deaf.links.get(ref) is not None


def test_set_back_it_reads_once_more_what_was_changed_since(deaf: World) -> None:
    ref = place(deaf)
    go_on(deaf, hours=1)
    last = place(deaf)
    go_on(deaf, hours=1)
    deaf.forget()
    deaf.control.put("cursor:uk:order", _cursor(deaf), version=None)
    go_on(deaf, minutes=10)
    assert deaf.links.get(ref) is None

    reread(deaf.control, "uk", deaf.clock() - dt.timedelta(hours=3))
    go_on(deaf, minutes=10)

    assert deaf.links.get(ref) is not None
    assert deaf.links.get(last) is not None


def place_by_hand(world: World) -> Ref:
    """The merchant makes an order in one go: `order.created` is all that is told of it."""
    before, world.store.on_change = world.store.on_change, None
    try:
        return place(world)
    finally:
        world.store.on_change = before


# --- what no webhook told of ------------------------------------------------------


def unheard(world: World) -> int:
    return Told("uk", world.control).unheard(
        world.clock() - dt.timedelta(hours=2), world.clock() - dt.timedelta(minutes=15)
    )


def test_orders_that_no_webhook_told_of_are_remembered_for_the_guard(deaf: World) -> None:
    for _ in range(4):
        place(deaf)
        go_on(deaf, minutes=5)
    assert unheard(deaf) < 4  # for the last ones a webhook may be late
    go_on(deaf, minutes=20)

    assert unheard(deaf) == 4


def test_webhooks_that_told_of_any_of_them_are_not_deaf(make_world: MakeWorld) -> None:
    copies = itertools.cycle([0, 0, 0, 0, 1])  # of either topic one in five comes
    world = make_world(
        config(flows={"customers": "off"}), copies=lambda _: next(copies), polls_store=True
    )
    for _ in range(8):
        place(world)
        go_on(world, minutes=4)
    go_on(world, minutes=20)

    assert world.recovered
    assert unheard(world) == 0


@pytest.mark.parametrize("topic", ["order.created", "order.updated"])
def test_one_deaf_topic_is_noticed_though_the_other_tells(
    make_world: MakeWorld, topic: str
) -> None:
    lost = {topic}
    world = make_world(
        config(flows={"customers": "off"}),
        copies=lambda told: int(told not in lost),
        polls_store=True,
    )
    tells = place(world)
    go_on(world, minutes=10)
    for _ in range(4):
        if topic == "order.created":
            world.store.edit(tells.id, customer_note=f"at {world.clock()}")
            place_by_hand(world)
        else:
            place(world)
            world.store.edit(tells.id, customer_note=f"at {world.clock()}")
        go_on(world, minutes=8)
    assert unheard(world) >= 2

    lost.clear()
    go_on(world, hours=3)
    assert unheard(world) == 0


def test_a_change_that_moved_no_date_is_not_one_that_a_webhook_lost(hearing: World) -> None:
    ref = place(hearing)
    go_on(hearing, minutes=10)
    hearing.store.orders[ref.id]["customer_note"] = "Ring twice."
    go_on(hearing, hours=1)

    assert hearing.recovered == 0


def test_a_busy_stores_last_hour_is_remembered_too() -> None:
    told, now = Told("uk", MemoryControl()), dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
    for second in range(0, 3600, 5):
        told.found(now + dt.timedelta(seconds=second))

    first_half = told.unheard(now, now + dt.timedelta(minutes=30))
    assert 30 <= first_half <= 100


def test_when_the_time_is_up_no_other_part_is_begun(deaf: World) -> None:
    asked: list[str] = []
    until = deaf.clock() + dt.timedelta(minutes=1)

    def late(call: str) -> None:
        if call.startswith("before store."):
            asked.append(call)
            deaf.clock.now = until - dt.timedelta(seconds=4)

    deaf.hook = late
    polled = deaf.store_poller().run(until=until)

    assert asked == ["before store.orders_since"]
    assert polled.behind


def test_what_one_part_did_is_counted_though_another_fails(make_world: MakeWorld) -> None:
    world = make_world(config(flows={"customers": "on"}), copies=lambda _: 0, polls_store=True)
    place(world)
    world.clock.now += GRACE + dt.timedelta(seconds=1)

    def refuse(call: str) -> None:
        if call == "before store.list_customers":
            raise UnavailableError("the store is off", connection="uk")

    world.hook, polled = refuse, Polled()
    with pytest.raises(UnavailableError):
        world.store_poller().run(until=world.clock() + dt.timedelta(minutes=1), polled=polled)

    assert (polled.recovered, polled.sent) == (1, 1)


def _cursor(world: World) -> str:
    now = world.clock().isoformat()
    return f'{{"at":"{now}","begin":"{now}"}}'


# --- customers ------------------------------------------------------------------


def test_customers_are_read_whole_a_page_a_run_and_then_left_for_an_hour(
    make_world: MakeWorld,
) -> None:
    world = make_world(config(flows={"customers": "on"}), copies=lambda _: 0, polls_store=True)
    for n in range(120):
        world.store.add_customer(
            email=f"shopper{n}@store.example", first_name="S", last_name=str(n)
        )
    pages: list[str] = []
    world.hook = lambda call: pages.append(call) if "before store.list_customers" in call else None
    go_on(world, minutes=30)

    known = [id_ for id_ in world.store.customers if world.links.get(Ref("uk", "customer", id_))]
    assert len(known) == 120
    assert len(pages) <= 4

    world.store.edit_customer(known[0], first_name="Renamed")
    go_on(world, minutes=70)

    told = [change for change in messages_of_customers(world) if change.ref.id == known[0]]
    assert len(told) == 2


def test_an_account_that_cannot_be_read_holds_no_other_up(make_world: MakeWorld) -> None:
    world = make_world(config(flows={"customers": "on"}), copies=lambda _: 0, polls_store=True)
    spoilt, *others = (
        world.store.add_customer(email=f"a{n}@store.example", first_name="S", last_name=str(n))
        for n in range(3)
    )
    world.store.customers[spoilt]["date_modified_gmt"] = "no moment"
    polled = world.store_poller().run(until=world.clock() + dt.timedelta(minutes=1))
    world.drain()

    assert polled.unreadable == 1
    assert all(world.links.get(Ref("uk", "customer", id_)) for id_ in others)


def test_accounts_that_nobody_could_link_are_told_again_once_a_day(make_world: MakeWorld) -> None:
    world = make_world(config(flows={"customers": "on"}), copies=lambda _: 0)
    ids: list[str] = []
    sent: list[list[str]] = []
    for hour in range(27):
        if hour in {0, 5}:
            email = f"a{hour}@store.example"
            ids.append(world.store.add_customer(email=email, first_name="A", last_name="B"))
        found: list[str] = []
        queues = SimpleNamespace(
            put=lambda change, found=found, **_: found.append(change.ref.id),
        )
        poller = replace(world.store_poller(), queues=queues)  # type: ignore[arg-type]
        poller.run(until=world.clock() + dt.timedelta(minutes=1))
        sent.append(found)
        world.clock.now += dt.timedelta(hours=1)

    told = {hour: each for hour, each in enumerate(sent) if each}
    first, second = ids  # each twice, for the store's clock may be behind
    assert told == {0: [first], 1: [first], 5: [second], 6: [second], 24: ids}


def messages_of_customers(world: World) -> list[Change]:
    return [change for change in messages(world) if change.event == "customer_changed"]


def _refuse_links(call: str) -> None:
    """No flow gets as far as to remember what it saw."""
    if call == "before links.acquire":
        raise UnavailableError("no table", connection="dynamodb")


# --- a page that the store does not answer ------------------------------------------------


def overwhelmed(world: World, *, most: int, bad: str = "") -> list[int]:
    """The store answers no list of more than ``most`` orders, nor one with the order ``bad``; the
    limits that it was asked for."""
    real, asked = world.store.orders_since, []

    def orders_since(**given: Any) -> OrderPage:
        page = real(**given)
        if not given["trashed"]:
            asked.append(given["limit"])
            if given["limit"] > most or any(order.ref.id == bad for order in page.orders):
                raise UnavailableError("uk did not answer in time", connection="uk")
        return page

    world.store.orders_since = orders_since  # type: ignore[method-assign]
    return asked


def test_a_page_that_is_too_much_for_the_store_is_asked_for_in_parts(deaf: World) -> None:
    refs = [place(deaf) for _ in range(9)]
    asked = overwhelmed(deaf, most=7)
    go_on(deaf, minutes=10)

    assert all(deaf.links.get(ref) is not None for ref in refs)
    assert asked[:5] == [100, 50, 25, 12, 6]
    assert set(asked[5:]) <= {6, 12}  # later runs know it, and try more now and then
    assert deaf.attention.open() == []


def test_a_store_that_has_recovered_is_asked_for_whole_pages_again(deaf: World) -> None:
    asked = overwhelmed(deaf, most=30)
    go_on(deaf, minutes=10)
    assert asked[-1] == 25
    del deaf.store.orders_since  # type: ignore[attr-defined]
    go_on(deaf, hours=1)

    asked = overwhelmed(deaf, most=1000)
    go_on(deaf, minutes=5)
    assert asked[-1] == 100


def test_one_order_that_the_store_cannot_answer_is_a_persons_until_it_can(deaf: World) -> None:
    place(deaf)
    go_on(deaf, minutes=10)
    bad = place(deaf)
    overwhelmed(deaf, most=100, bad=bad.id)
    go_on(deaf, minutes=30)

    (item,) = deaf.attention.open()
    assert (item.reason, item.owner) == ("page_not_answered", "ops")
    assert "order changed since 2026-11-22 16:" in item.message

    del deaf.store.orders_since  # type: ignore[attr-defined]
    go_on(deaf, minutes=10)
    assert deaf.links.get(bad) is not None
    assert deaf.attention.open() == []


def test_while_a_store_is_away_its_pages_stay_as_they_are(deaf: World) -> None:
    asked = overwhelmed(deaf, most=0)

    def ping() -> None:
        raise UnavailableError("uk is away", connection="uk")

    deaf.store.ping = ping  # type: ignore[method-assign]
    go_on(deaf, hours=1)

    assert set(asked) == {100}
    assert deaf.attention.open() == []


def test_a_page_that_took_all_the_time_is_halved_for_the_next_run(deaf: World) -> None:
    """Each ask hangs for half a minute: a second one would outlive the function."""
    place(deaf)
    asked = overwhelmed(deaf, most=30)
    slow = deaf.store.orders_since
    since: list[dt.datetime] = []

    def hangs(*args: Any, **kwargs: Any) -> Any:
        try:
            return slow(*args, **kwargs)
        except UnavailableError:
            since.append(deaf.clock())
            deaf.clock.now += dt.timedelta(seconds=30)
            raise

    deaf.store.orders_since = hangs  # type: ignore[method-assign]
    go_on(deaf, minutes=20)

    assert asked[:3] == [100, 50, 25]
    assert all(b - a > dt.timedelta(seconds=60) for a, b in itertools.pairwise(since))


@pytest.mark.parametrize("who", ["poll-7", "backfill-7", "request-7"])
def test_only_a_webhook_was_heard(who: str) -> None:
    change = Change(Ref("uk", "order", "7"), "order_updated", START, who, modified_at=START)

    assert bool(heard_facts(change)) == (who == "request-7")
