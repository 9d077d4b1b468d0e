"""What changed in a back office is queued once, and never lost."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.erp.memory.adapter import Memory
from accord.errors import PermanentError, UnavailableError
from accord.local.world import Clock, KilledError, World, hooked
from accord.model.change import Change, Ref
from accord.model.documents import Kind
from accord.model.money import Money
from accord.model.progress import News
from accord.ports.erp import Capabilities
from accord.ports.state import Link, Seen
from accord.rules.config import StoreFlows
from accord.state.memory import MemoryControl, MemoryLinks
from accord.sync.poll import Polled, Poller
from tests.sync.conftest import START
from tests.sync.placed import MakeWorld, heard, placed, telling

MINUTE = dt.timedelta(minutes=1)
SECOND = dt.timedelta(seconds=1)
ON = StoreFlows(orders="on", fulfilment="on", invoices="on", erp_changes="on", customers="on")
SALE = Ref("main", "sales_order", "5")
ORDER = Ref("uk", "order", "30")


class Feed:
    """A back office that tells of shipments, some of them late. (seen from, news)."""

    capabilities: Capabilities = replace(Memory.capabilities, overlap=2 * MINUTE)

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self.rows: list[tuple[dt.datetime, News]] = []
        self.reads = 0
        self._clock = clock

    def tell(self, id_: str, at: dt.datetime, *, seen: dt.datetime | None = None) -> None:
        ref = Ref("main", "shipment", id_)
        news = News(ref, at, f"v{id_}", SALE, "done")
        self.rows.append((seen or at, news))

    def changes(
        self, kind: Kind, since: dt.datetime, *, after: str = "", limit: int = 100
    ) -> Sequence[News]:
        self.reads += 1
        there = [news for seen, news in self.rows if seen <= self._clock()]
        behind = since, int(after or -1)
        rows = sorted(
            (news for news in there if (news.at, int(news.ref.id)) > behind),
            key=lambda news: (news.at, int(news.ref.id)),
        )
        return rows[:limit]


@dataclass
class Inbox:
    """The queues; ``full`` refuses."""

    full: bool = False
    got: list[tuple[Change, str]] = field(default_factory=list)

    def put(self, change: Change, *, sending: str) -> None:
        if self.full:
            raise UnavailableError("the queue is away", connection="sqs")
        self.got.append((change, sending))


class Desk:
    """A poller with everything around it; the store's order 30 is sale 5."""

    def __init__(self, flows: StoreFlows | None = ON, **more: Any) -> None:
        self.clock = Clock(START)
        self.feed = Feed(self.clock)
        self.links, self.control, self.inbox = MemoryLinks(), MemoryControl(), Inbox()
        self.hook: Callable[[str], None] = lambda _: None
        self.flows, self.more = flows, more
        self.link(ORDER, SALE, state="confirmed", total="12.34 GBP")

    def link(self, ref: Ref, erp: Ref, **facts: str) -> Link:
        until = self.clock() + MINUTE
        held = self.links.acquire(
            ref, key=f"uk-{ref.id}", owner="t", now=self.clock(), until=until, seen=Seen(None)
        )
        assert held is not None
        saved = self.links.save(replace(held, erp=erp, facts={**held.facts, **facts}))
        self.links.abandon(saved)
        return saved

    def poller(self) -> Poller:
        def hear(call: str) -> None:
            self.hook(call)

        return Poller(
            erp_name="main",
            adapter=hooked(self.feed, "erp", hear),
            links=hooked(self.links, "links", hear),
            control=hooked(self.control, "control", hear),
            queues=hooked(self.inbox, "queues", hear),
            flows=lambda _: self.flows,
            clock=self.clock,
            random=Random(1),
            **self.more,
        )

    def poll(self, kind: Kind = Kind.SHIPMENT) -> Polled:
        return self.poller().run(kind, until=self.clock() + MINUTE)

    def ids(self) -> list[str]:
        return [change.ref.id for change, _ in self.inbox.got]

    def show(self, news: News) -> list[str]:
        """The events that one record's news becomes."""
        self.feed.rows = [(news.at, news)]
        before = len(self.inbox.got)
        self.poll(Kind(news.ref.kind))
        return [change.event for change, _ in self.inbox.got[before:]]


# --- the message -------------------------------------------------------------


def test_a_shipment_is_queued_for_its_order() -> None:
    desk = Desk()
    desk.feed.tell("12", START - SECOND)
    assert desk.poll() == Polled(sent=1, read=1, behind=False)

    ((change, sending),) = desk.inbox.got
    assert change.event == "order_fulfilled"
    assert (change.ref, change.aggregate) == (Ref("main", "shipment", "12"), ORDER)
    assert (change.modified_at, change.seen_at) == (START - SECOND, START)
    assert sending == "poll:main:shipment:12:v12"


def test_two_changes_have_two_correlation_ids() -> None:
    desk = Desk()
    desk.feed.tell("1", START)
    desk.feed.tell("2", START)
    desk.poll()
    assert len({change.correlation_id for change, _ in desk.inbox.got}) == 2


@pytest.mark.parametrize("kind", ["shipment", "sales_order", "invoice"])
def test_a_sale_that_is_no_stores_order_is_passed_over(kind: str) -> None:
    other = Ref("main", "sales_order", "99")
    assert Desk().show(News(Ref("main", kind, "99"), START, "1", other, "done")) == []


def test_a_shipment_without_sale_is_passed_over() -> None:
    assert Desk().show(News(Ref("main", "shipment", "9"), START, "1", None, "done")) == []


@pytest.mark.parametrize("kind", ["shipment", "sales_order", "invoice", "party"])
def test_a_flow_that_is_off_gets_no_message(kind: str) -> None:
    desk = Desk(StoreFlows(orders="on"))
    desk.link(Ref("uk", "customer", "2"), Ref("main", "party", "7"))
    id_ = "7" if kind == "party" else "5"
    assert desk.show(News(Ref("main", kind, id_), START, "1", SALE, "voided")) == []


def test_a_store_that_left_the_configuration_gets_no_message() -> None:
    assert Desk(None).show(News(Ref("main", "shipment", "1"), START, "1", SALE, "done")) == []


def test_an_open_shipment_is_passed_over() -> None:
    assert Desk().show(News(Ref("main", "shipment", "1"), START, "1", SALE, "open")) == []


def sale(state: str, gross: str) -> News:
    from decimal import Decimal

    return News(SALE, START, state + gross, SALE, state, Money(Decimal(gross), "GBP"))


def test_our_own_writes_cost_no_message() -> None:
    assert Desk().show(sale("confirmed", "12.34")) == []


@pytest.mark.parametrize(("state", "gross"), [("voided", "12.34"), ("confirmed", "10.00")])
def test_a_sale_that_differs_from_what_we_made_it_is_queued(state: str, gross: str) -> None:
    assert Desk().show(sale(state, gross)) == ["order_changed_in_erp"]


def test_a_difference_that_was_looked_at_costs_no_message() -> None:
    desk = Desk()
    desk.link(ORDER, SALE, erp_state="voided")
    assert desk.show(sale("voided", "12.34")) == []
    assert desk.show(sale("confirmed", "12.34")) == ["order_changed_in_erp"]


def test_a_credit_note_by_hand_is_its_sales_news() -> None:
    desk = Desk()
    news = News(Ref("main", "invoice", "9"), START, "1", SALE, "posted")
    assert desk.show(news) == ["invoice_posted", "order_changed_in_erp"]
    assert [change.ref for change, _ in desk.inbox.got] == [news.ref, SALE]


def test_where_an_order_is_its_own_invoice_only_a_credit_note_may_be_by_hand() -> None:
    desk = Desk()
    desk.feed.capabilities = replace(desk.feed.capabilities, is_invoice=True)

    own = News(Ref("main", "invoice", SALE.id), START, "1", SALE, "posted")
    assert desk.show(own) == ["invoice_posted"]
    other = News(Ref("main", "invoice", "9"), START, "1", SALE, "posted")
    assert desk.show(other) == ["invoice_posted", "order_changed_in_erp"]


def test_a_credit_note_of_ours_is_no_change_in_the_back_office() -> None:
    desk = Desk()
    desk.link(Ref("uk", "refund", "65"), Ref("main", "credit_note", "9"))
    news = News(Ref("main", "invoice", "9"), START, "1", SALE, "posted")
    assert desk.show(news) == ["invoice_posted"]


def test_an_invoice_that_was_told_costs_no_message() -> None:
    desk = Desk()
    told = json.dumps({"told": ["9"], "numbers": "INV-1"})
    desk.link(ORDER, SALE, invoices=told, erp_invoices="9")
    assert desk.show(News(Ref("main", "invoice", "9"), START, "2", SALE, "paid")) == []


def test_a_told_invoice_that_was_cancelled_is_queued() -> None:
    desk = Desk()
    told = json.dumps({"told": ["9"], "numbers": "INV-1"})
    desk.link(ORDER, SALE, invoices=told, erp_invoices="9")
    news = News(Ref("main", "invoice", "9"), START, "2", SALE, "cancelled")
    assert desk.show(news) == ["invoice_posted"]


def test_a_party_is_queued_for_its_customer() -> None:
    desk = Desk()
    desk.link(Ref("uk", "customer", "2"), Ref("main", "party", "7"))
    assert desk.show(News(Ref("main", "party", "7"), START, "1")) == ["customer_changed"]
    assert desk.inbox.got[0][0].aggregate == Ref("uk", "customer", "2")


def test_a_party_that_no_store_knows_is_passed_over() -> None:
    assert Desk().show(News(Ref("main", "party", "8"), START, "1")) == []


def test_a_party_that_no_store_knows_is_queued_where_stores_make_accounts() -> None:
    desk = Desk(new_parties=True)
    assert desk.show(News(Ref("main", "party", "8"), START, "1")) == ["customer_changed"]
    assert desk.inbox.got[0][0].aggregate is None


def test_a_kind_that_the_back_office_does_not_tell_of_is_not_asked_for() -> None:
    desk = Desk()
    desk.feed.capabilities = replace(desk.feed.capabilities, tells=frozenset())
    assert desk.poll() == Polled(0, 0, behind=False)
    assert desk.feed.reads == 0


# --- the cursor --------------------------------------------------------------


def cursor(desk: Desk) -> dt.datetime:
    held = desk.control.get("cursor:main:shipment")
    assert held is not None
    return dt.datetime.fromisoformat(json.loads(held[0])["at"])


def test_the_first_run_begins_a_day_before() -> None:
    desk = Desk()
    desk.feed.tell("1", START - dt.timedelta(hours=25))
    desk.feed.tell("2", START - dt.timedelta(hours=23))
    desk.poll()
    assert desk.ids() == ["2"]


def test_the_cursor_stands_where_the_newest_record_does() -> None:
    desk = Desk()
    desk.feed.tell("1", START - 3 * SECOND)
    desk.poll()
    assert cursor(desk) == START - 3 * SECOND


def test_an_idle_poll_moves_no_cursor() -> None:
    desk = Desk()
    desk.poll()
    before = desk.control.get("cursor:main:shipment")
    desk.clock.now += MINUTE
    desk.poll()
    assert desk.control.get("cursor:main:shipment") == before


def test_the_cursor_stays_while_a_queue_is_away() -> None:
    desk = Desk()
    desk.poll()
    before = desk.control.get("cursor:main:shipment")
    desk.feed.tell("1", START)
    desk.inbox.full = True
    with pytest.raises(UnavailableError):
        desk.poll()
    assert desk.control.get("cursor:main:shipment") == before

    desk.inbox.full = False
    desk.poll()
    assert desk.ids() == ["1"]


def test_a_back_office_that_is_away_is_asked_again() -> None:
    desk = Desk()
    desk.feed.tell("1", START)

    def away(call: str) -> None:
        if call == "before erp.changes":
            raise UnavailableError("503", sent=False, connection="main")

    desk.hook = away
    with pytest.raises(UnavailableError):
        desk.poll()
    desk.hook = lambda _: None
    assert desk.poll().sent == 1


def test_a_cursor_ahead_of_the_clock_is_an_alarm() -> None:
    desk = Desk()
    desk.feed.tell("1", START)
    desk.poll()
    desk.clock.now -= dt.timedelta(minutes=6)
    with pytest.raises(PermanentError) as caught:
        desk.poll()
    assert (caught.value.reason, caught.value.owner) == ("cursor_ahead", "ops")


def test_a_record_from_the_future_does_not_move_the_cursor() -> None:
    desk = Desk()
    desk.feed.tell("1", START)
    desk.feed.rows.append((START, replace(desk.feed.rows[0][1], at=START + 10 * MINUTE)))
    with pytest.raises(PermanentError):
        desk.poll()
    assert cursor(desk) == START
    assert len(desk.inbox.got) == 2  # carried all the same


def test_equal_times_are_read_page_by_page() -> None:
    desk = Desk()
    for id_ in range(250):
        desk.feed.tell(str(id_), START - SECOND)
    assert desk.poll() == Polled(sent=250, read=250, behind=False)
    assert sorted(map(int, desk.ids())) == list(range(250))


def test_what_does_not_fit_into_a_run_is_the_next_ones() -> None:
    desk = Desk()
    for id_ in range(250):
        desk.feed.tell(str(id_), START - SECOND)

    def slow(call: str) -> None:
        if call == "before erp.changes":
            desk.clock.now += dt.timedelta(seconds=50)

    desk.hook = slow
    assert desk.poll() == Polled(sent=200, read=200, behind=True)
    assert desk.poll() == Polled(sent=50, read=50, behind=False)
    assert len(set(desk.ids())) == 250


def test_more_than_a_run_in_the_overlap_does_not_hold_it_up() -> None:
    desk = Desk()
    for id_ in range(1000):
        desk.feed.tell(str(id_), START - MINUTE + id_ * dt.timedelta(milliseconds=10))
    for _ in range(20):
        desk.poller().run(Kind.SHIPMENT, until=desk.clock())  # one page each
    assert set(desk.ids()) == {str(id_) for id_ in range(1000)}


def test_what_appears_behind_a_long_pass_is_found_by_the_next() -> None:
    """While two pages are read, a record appears behind the first; the second ends much later."""
    desk = Desk()
    for id_ in range(150):
        desk.feed.tell(str(id_), START - SECOND)
    desk.feed.tell("900", START - 80 * SECOND, seen=START + 30 * SECOND)
    desk.feed.tell("901", START + 55 * SECOND)

    def slow(call: str) -> None:
        if call == "after erp.changes":
            desk.clock.now += MINUTE

    desk.hook = slow
    desk.poller().run(Kind.SHIPMENT, until=desk.clock() + 10 * MINUTE)
    assert "901" in desk.ids()
    assert "900" not in desk.ids()
    desk.poll()
    assert "900" in desk.ids()


def test_two_runs_at_once_read_once() -> None:
    desk = Desk()
    desk.feed.tell("1", START)

    def meanwhile(call: str) -> None:
        if call == "before erp.changes":
            desk.hook = lambda _: None
            assert desk.poll() == Polled(0, 0, behind=False, busy=True)

    desk.hook = meanwhile
    assert desk.poll().sent == 1


def test_the_lease_of_a_killed_run_runs_out() -> None:
    desk = Desk()
    desk.feed.tell("1", START)

    def kill(call: str) -> None:  # and nothing of it works any more
        if call.startswith("before erp") or desk.feed.reads < 0:
            desk.feed.reads = -100
            raise KilledError

    desk.hook = kill
    with pytest.raises(KilledError):
        desk.poll()
    desk.hook, desk.feed.reads = (lambda _: None), 0
    assert desk.poll().sent == 0
    desk.clock.now += 2 * MINUTE
    assert desk.poll().sent == 1


def test_killed_at_any_moment_nothing_is_lost() -> None:
    fatal, ended = 0, False
    while not ended:
        desk, calls = Desk(), [0]
        for id_ in range(150):
            desk.feed.tell(str(id_), START - SECOND)

        def kill(call: str, calls: list[int] = calls, fatal: int = fatal) -> None:
            calls[0] += 1
            if calls[0] > fatal:  # dead: no call of it gets through
                raise KilledError(call)

        desk.hook = kill
        try:
            desk.poll()
            ended = True
        except KilledError:
            pass
        desk.hook = lambda _: None
        desk.clock.now += 3 * MINUTE
        desk.poll()
        assert set(desk.ids()) == {str(id_) for id_ in range(150)}
        fatal += 37 if 40 < fatal < 280 else 1  # dense at both ends


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 600),  # appears, seconds after the start
            st.integers(0, 120),  # its time is so much before it appears: at most the overlap
            st.integers(1, 60),  # how many at once
        ),
        max_size=25,
    ),
    polls=st.lists(st.tuples(st.integers(1, 90), st.integers(0, 30)), min_size=1, max_size=20),
    deaths=st.sets(st.integers(0, 400), max_size=3),
)
def test_whatever_appears_late_nothing_is_lost(
    rows: list[tuple[int, int, int]], polls: list[tuple[int, int]], deaths: set[int]
) -> None:
    """Pages, slow reads, runs of one page, and dead ones between them."""
    desk, count = Desk(), iter(range(100_000))
    id_ = 0
    for appears, late, many in rows:
        seen = START + appears * SECOND
        for _ in range(many):
            desk.feed.tell(str(id_), seen - late * SECOND, seen=seen)
            id_ += 1
    for wait, slow in polls:
        dead = [False]

        def hear(call: str, slow: int = slow, dead: list[bool] = dead) -> None:
            dead[0] = dead[0] or next(count) in deaths
            if dead[0]:
                raise KilledError
            if call == "after erp.changes":
                desk.clock.now += slow * SECOND

        desk.clock.now += wait * SECOND
        desk.hook = hear
        try:
            desk.poller().run(Kind.SHIPMENT, until=desk.clock() + (wait % 40) * SECOND)
        except KilledError:
            continue
    desk.hook = lambda _: None
    for _ in range(30):
        desk.clock.now += MINUTE
        desk.poll()

    assert set(desk.ids()) == {str(each) for each in range(id_)}


# --- against the in-memory back office ---------------------------------------


def test_our_own_posting_costs_no_message(make_world: MakeWorld) -> None:
    world: World = make_world(telling())
    placed(world)
    with heard(world) as calls:
        world.poll()
    assert "queues.put" not in calls


def test_what_was_told_costs_no_message_in_the_overlap(make_world: MakeWorld) -> None:
    world: World = make_world(telling())
    sale_ = placed(world)
    world.erp().ship(sale_, tracking="TR1")
    world.erp().post_invoice(sale_)
    world.drain()
    with heard(world) as calls:
        world.poll()
    assert "erp.changes" in calls
    assert "queues.put" not in calls


def test_an_idle_poll_asks_once_and_writes_its_lease_only(make_world: MakeWorld) -> None:
    world: World = make_world(telling(flows={"invoices": "off", "erp_changes": "off"}))
    world.poll()
    with heard(world) as calls:
        world.poll()
    assert calls == [
        "control.get",
        "control.put",
        "control.get",
        "erp.changes",
        "control.put",
    ]
