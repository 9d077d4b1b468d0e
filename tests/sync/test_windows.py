"""What is sold between a look and a write is written over, and its order is not counted for it."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.errors import UnavailableError
from accord.local.world import KilledError
from accord.model.change import Ref
from accord.model.documents import SalesOrder
from accord.ports.levels import UNKNOWN_FOR, Level, Window
from accord.ports.state import Link
from accord.state.memory import MemoryControl
from accord.sync.demand import Demander
from accord.sync.pace import Pace, Tried
from accord.sync.windows import overtaken, taken_at
from tests.sync.conftest import START
from tests.sync.shopfront import MINUTE, UK, Shopfront

SECOND = dt.timedelta(seconds=1)


def after(seconds: int) -> dt.datetime:
    return START + dt.timedelta(seconds=seconds)


def level(*windows: Window, unknown: int = 0) -> Level:
    """The last look found so many pieces missing that no order explained."""
    sent = {"quantity": 5} | ({"unknown": str(unknown)} if unknown else {})
    return Level("MUG", sent=sent, windows=windows)


# --- one order, and when it was placed -------------------------------------------------


@pytest.mark.parametrize(
    ("at", "lost"),
    [
        (9, 0),  # the look saw it
        (11, 2),
        (14, 2),
        (15, 2),  # the second of the write: nobody can tell, and too few is better
        (16, 0),  # the store itself counted it down from our number
        (25, 2),  # another write
    ],
)
def test_an_order_was_overtaken_if_it_was_placed_between_a_look_and_its_write(
    at: int, lost: int
) -> None:
    written = level(Window(after(10), after(15)), Window(after(20), after(25)), unknown=2)

    assert overtaken(written, Decimal(2), at=after(at)) == lost


@pytest.mark.parametrize(("unknown", "lost"), [(0, 2), (1, 1), (2, 0), (9, 0)])
def test_in_the_second_of_the_last_change_it_was_seen_if_pieces_were_missing(
    unknown: int, lost: int
) -> None:
    written = level(Window(after(10), after(15)), unknown=unknown)

    assert overtaken(written, Decimal(2), at=after(10)) == lost


def test_pieces_that_were_missing_are_explained_by_one_order_only() -> None:
    """Both were sold in the second of the last change; the look came between them."""
    written = level(Window(after(10), after(15)), unknown=1)

    first = dataclasses.replace(written, moved=Decimal(1))
    assert overtaken(first, Decimal(1), at=after(10)) == 0
    second = dataclasses.replace(written, moved=Decimal(2))
    assert overtaken(second, Decimal(1), at=after(10)) == 1


def test_what_was_written_over_or_given_back_explains_nothing() -> None:
    written = level(Window(after(10), after(15)), unknown=1)

    over = dataclasses.replace(written, moved=Decimal(4), overtaken=Decimal(3))
    assert overtaken(over, Decimal(1), at=after(10)) == 0
    back = dataclasses.replace(written, moved=Decimal(2), moved_at_sent=Decimal(5))
    assert overtaken(back, Decimal(3), at=after(10)) == 2


def test_a_write_without_a_look_overtakes_all_that_was_placed_before() -> None:
    written = level(Window(None, after(15)), unknown=2)

    lost = [overtaken(written, Decimal(2), at=after(at)) for at in (-9, 15, 16)]
    assert lost == [2, 2, 0]


def test_what_is_given_back_is_not_overtaken() -> None:
    written = level(Window(after(10), after(15)))

    assert overtaken(written, Decimal(-2), at=after(12)) == 0


# --- a store that sells meanwhile -------------------------------------------------------


class Counter(Shopfront):
    """A store that is looked at before each write. What it sells meanwhile is ``hidden``."""

    def __init__(self) -> None:
        super().__init__(stock={"near": 1000})
        self.shop.add_product("MUG")
        self.demander = Demander(self.levels, self.rules, self.clock)
        self.there = 400
        self.gone = 0
        self.unknown: dict[str, int] = {}  # pieces by order
        self.hidden: set[str] = set()
        self.observe("MUG", self.there)
        self.flush()

    @property
    def due(self) -> int:
        return self.there - self.gone

    @property
    def shown(self) -> int:
        return self.shop.stock_of("MUG") or 0

    @property
    def too_many(self) -> int:
        """Pieces that are shown and were sold: hidden ones whose orders are not known."""
        return sum(self.unknown[order] for order in self.hidden & self.unknown.keys())

    def buy(self, quantity: int = 1) -> str:
        """A second later. The order's id."""
        self.clock.now += SECOND
        order = self.shop.sell({"MUG": quantity})
        self.unknown[order] = quantity
        self.gone += quantity
        return order

    def read(self, order: str) -> SalesOrder:
        document, _ = self.shop.get_order(order) or ({}, "")
        return self.shop.order(document)

    def known(self, *orders: str) -> None:
        for order in orders:
            self.clock.now += SECOND
            link = Link(Ref(UK, "order", order), f"uk-{order}", 1)
            self.demander.note(self.read(order), link)
            del self.unknown[order]

    def write(self, *meanwhile: int) -> None:
        """Goods came in, and are told of. So many pieces are sold ``meanwhile``."""
        with self.selling(lambda: [self.buy(quantity) for quantity in meanwhile]):
            self.there += 1
            self.observe("MUG", self.there)
            self.post()
            self.clock.now += SECOND

    @contextmanager
    def selling(self, sell: Callable[[], list[str]]) -> Iterator[None]:
        """``sell`` is called once, a second after the look and one before the write."""
        sold: list[str] = []
        pending = [sell]

        def hook(call: str) -> None:
            if call == "after store.products_of" and pending:
                self.clock.now += SECOND
                sold.extend(pending.pop()())
                self.clock.now += SECOND
            if call == "after store.write_products":
                self.hidden.update(sold)

        self.hook = hook
        yield
        self.hook = lambda _: None


def test_an_order_that_was_written_over_does_not_explain_what_was_sold_since() -> None:
    counter = Counter()
    counter.write(3)
    assert counter.shown == counter.due + 3
    counter.buy(2)

    counter.known(*counter.hidden)
    counter.write()
    assert counter.shown == counter.due


def test_its_sku_is_sent_again() -> None:
    counter = Counter()
    counter.write(3)

    counter.known(*counter.hidden)
    assert [each.sku for each in counter.levels.dirty(UK, "stock", limit=9)] == ["MUG"]


def test_several_writes_later_it_is_still_known_to_be_written_over() -> None:
    counter = Counter()
    counter.write(3)
    for _ in range(5):
        counter.buy()
        counter.write()
    assert counter.shown == counter.due + 3
    counter.buy(4)

    counter.known(*counter.hidden)
    counter.write()
    assert counter.shown == counter.due


def test_an_order_that_is_known_before_the_write_is_answered_does_not_stay_written_over() -> None:
    counter = Counter()
    bought: list[str] = []

    def buy() -> list[str]:
        bought.append(counter.buy(3))
        counter.known(*bought)
        return bought

    with counter.selling(buy):
        counter.there += 1
        counter.observe("MUG", counter.there)
        counter.post()
    assert counter.shown == counter.due + 3

    counter.post()
    assert counter.shown == counter.due


def test_an_order_that_is_paid_later_takes_its_goods_then() -> None:
    counter = Counter()
    order = counter.read(counter.buy())
    paid_at = order.placed_at + MINUTE
    paid = dataclasses.replace(order, payment=dataclasses.replace(order.payment, paid_at=paid_at))

    assert taken_at(paid) == paid_at.replace(microsecond=0)


def test_an_order_that_was_seen_before_takes_its_goods_when_it_is_changed() -> None:
    counter = Counter()
    order = counter.read(counter.buy())
    unpaid = dataclasses.replace(order.payment, paid_at=None)
    changed_at = order.placed_at + MINUTE
    order = dataclasses.replace(order, payment=unpaid, modified_at=changed_at)

    assert taken_at(order, seen_before=True) == changed_at
    assert taken_at(order) == order.placed_at


def test_a_worker_that_died_once_all_was_kept_leaves_no_window_behind() -> None:
    counter = Counter()

    def die(call: str) -> None:
        if call == "after levels.sent":
            raise KilledError(call)

    counter.hook = die
    counter.there += 1
    counter.observe("MUG", counter.there)
    with pytest.raises(KilledError):
        counter.post()
    counter.hook = lambda _: None
    counter.clock.now += 2 * MINUTE
    counter.buy(3)
    counter.levels.resend(UK, "stock", ["MUG"])
    counter.post()

    counter.known(*counter.unknown)
    counter.write()
    assert counter.shown == counter.due


@pytest.mark.parametrize("since", [None, after(7)])
def test_a_try_is_kept_with_its_look(since: dt.datetime | None) -> None:
    control = MemoryControl()
    pace = Pace.of(control, UK, most=100)
    pace.tried["MUG"] = Tried(7, Decimal(0), Decimal(2), after(9), since)
    pace.save()

    assert Pace.of(control, UK, most=100).tried == pace.tried


def test_a_try_that_was_kept_before_windows_were_has_no_look() -> None:
    control = MemoryControl()
    kept = '{"size":100,"tried":{"MUG":[7,"0","2",1764230400000]}}'
    control.put("pace:uk", kept, version=None)

    pace = Pace.of(control, UK, most=100)
    assert pace.tried["MUG"].since is None


def test_what_an_unanswered_write_wrote_over_is_known_as_well() -> None:
    counter = Counter()

    def lose(call: str) -> None:
        if call == "after store.products_of" and not counter.unknown:
            counter.clock.now += SECOND
            counter.hidden = {counter.buy(3)}
        if call == "after store.write_products" and not counter.slept:
            counter.clock.now += 2 * SECOND
            raise UnavailableError("timed out")

    counter.hook = lose
    counter.there += 1
    counter.observe("MUG", counter.there)
    counter.flush()
    assert counter.shown == counter.due + 3
    counter.hook = lambda _: None
    counter.buy(2)

    counter.known(*counter.hidden)
    counter.write()
    assert counter.shown == counter.due


steps = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), st.integers(1, 3)),
        st.tuples(st.just("write"), st.lists(st.integers(1, 3), max_size=2)),
        st.tuples(st.just("known"), st.integers(0, 9)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(steps)
def test_only_what_is_written_over_and_not_known_yet_is_shown_too_many(steps: list) -> None:
    """Each event has a second of its own. Then nothing is in doubt, and every number is exact."""
    counter = Counter()
    for step in steps:
        match step:
            case ("buy", quantity):
                counter.buy(quantity)
            case ("write", meanwhile):
                counter.write(*meanwhile)
                assert counter.shown == counter.due + counter.too_many
            case ("known", which) if counter.unknown:
                counter.known(sorted(counter.unknown)[which % len(counter.unknown)])
    counter.known(*counter.unknown)
    counter.write()
    assert counter.shown == counter.due


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    before=st.lists(st.integers(0, 2900), max_size=2),
    between=st.lists(st.integers(0, 1000), max_size=2),
    later=st.lists(st.integers(0, 1000), max_size=2),
    looked=st.integers(0, 900),
    lasts=st.integers(0, 900),
)
def test_in_doubt_too_few_are_shown_and_not_for_ever(
    before: list[int], between: list[int], later: list[int], looked: int, lasts: int
) -> None:
    """Pieces sold around one look and its write, in milliseconds, in the same second or not.

    Of those sold in one second before and after a look, the first to be known are taken for seen.
    """
    counter = Counter()
    began = counter.clock.now.replace(microsecond=0) + MINUTE

    def sell(delays: list[int], *, since: int, until: int) -> list[int]:
        moments = sorted(min(since + delay, until) for delay in delays)
        for moment in moments:
            counter.clock.now = began + dt.timedelta(milliseconds=moment) - SECOND
            counter.buy()
        counter.clock.now = began + dt.timedelta(milliseconds=until)
        return [moment // 1000 for moment in moments]

    look, written = 2000 + looked, 2000 + looked + lasts
    counter.there += 1
    counter.clock.now = began - SECOND
    counter.observe("MUG", counter.there)
    sell(before, since=0, until=look)

    def hook(call: str) -> None:
        if call == "after store.products_of":
            sell(between, since=look, until=written)

    counter.hook = hook
    counter.post()
    counter.hook = lambda _: None
    early = list(counter.unknown)
    sell(later, since=written, until=written + 5000)
    counter.known(*early)
    counter.write()
    assert counter.shown <= counter.due

    counter.known(*counter.unknown)
    counter.clock.now += UNKNOWN_FOR
    counter.write()
    assert counter.shown == counter.due
