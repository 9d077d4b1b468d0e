"""Whatever happens in whatever order, claims are counted right, in memory and in DynamoDB alike."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.ports.levels import Demand, Hold, Levels, Limit, Sent, Window
from accord.state.levels import DynamoLevels
from accord.state.memory_levels import MemoryLevels
from tests.state.levels_kit import ERP, STORE, at, demand, hold, order, snapshot, want

ITEMS = ("A", "B", "C")
ORDERS = (1, 2, 3)
HOLDS = ("h1", "h2")

amounts = st.integers(1, 4) | st.sampled_from([Decimal("0.1"), Decimal("1.75")])
needs = st.dictionaries(st.sampled_from(ITEMS), amounts, max_size=3)
moments = st.integers(0, 40)


@dataclass
class Open:
    """One order's claim on one item, the plain way."""

    quantity: Decimal
    reserved_at: dt.datetime | None
    closed: bool = False


@dataclass
class Naive:
    """Claims as a list of who wants what, with a mark on those that are closed."""

    as_of: dict[str, dt.datetime] = field(default_factory=dict)
    free: dict[str, Decimal] = field(default_factory=dict)
    basis: Counter[str] = field(default_factory=Counter)
    claims: dict[tuple[int, str], Open] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    took: dict[int, dict[str, Decimal]] = field(default_factory=dict)

    def taken(self, item: str) -> Decimal:
        claimed = [
            one.quantity for key, one in self.claims.items() if key[1] == item and not one.closed
        ]
        return sum(claimed, self.held(item))

    def held(self, item: str) -> Decimal:
        return sum((one.needs.get(item, Decimal(0)) for one in self.holds.values()), Decimal(0))

    def moved(self, sku: str) -> Decimal:
        return sum((took.get(sku, Decimal(0)) for took in self.took.values()), Decimal(0))

    def observe(self, item: str, free: int, as_of: int) -> None:
        if item in self.as_of and at(as_of) <= self.as_of[item]:
            return
        self.as_of[item] = at(as_of)
        if self.free.get(item) != free:
            self.basis[item] += 1
        self.free[item] = Decimal(free)
        for key, claim in self.claims.items():
            if key[1] == item and claim.reserved_at and claim.reserved_at < at(as_of):
                claim.closed = True

    def set_demand(self, number: int, told: Demand) -> None:
        self.holds.pop(told.hold, None)
        self.took[number] = dict(told.took)
        for item in ITEMS:
            old = self.claims.pop((number, item), None)
            quantity = told.needs.get(item)
            if quantity is None:
                continue
            new = Open(quantity, told.reserved_at)
            grows = old is None or quantity > old.quantity
            if old and not grows:
                new.closed = old.closed
                if old.reserved_at and (old.closed or told.reserved_at):
                    new.reserved_at = old.reserved_at
            elif old and old.closed and told.reserved_at and told.reserved_at <= old.reserved_at:
                new.reserved_at = self.as_of[item]
            last = self.as_of.get(item)
            if new.reserved_at and last and new.reserved_at < last:
                new.closed = True
            self.claims[number, item] = new

    def hold(self, told: Hold, limits: list[Limit], now: dt.datetime) -> bool:
        old = self.holds.get(told.id)
        if told.expires_at <= now:
            return False
        if old and old.needs == told.needs and old.expires_at > now:
            self.holds[told.id] = max(old, told, key=lambda one: one.expires_at)
            return True
        self.holds[told.id] = told
        if any(self.taken(one.item) > one.most for one in limits):
            del self.holds[told.id]
            if old:
                self.holds[told.id] = old
            return False
        if not told.needs:
            del self.holds[told.id]
        return True

    def expire(self, now: dt.datetime) -> int:
        over = [id_ for id_, one in self.holds.items() if one.expires_at <= now]
        for id_ in over:
            del self.holds[id_]
        return len(over)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("observe"), st.sampled_from(ITEMS), st.integers(-2, 9), moments),
        st.tuples(
            st.just("demand"),
            st.sampled_from(ORDERS),
            needs,
            needs,
            st.none() | moments,
            st.sampled_from(["", *HOLDS]),
        ),
        st.tuples(st.just("hold"), st.sampled_from(HOLDS), needs, st.integers(1, 9), moments),
        st.tuples(st.just("release"), st.sampled_from(HOLDS)),
        st.tuples(st.just("expire"), moments),
        st.tuples(st.just("want"), st.sampled_from(ITEMS), st.integers(0, 3), moments),
        st.tuples(st.just("sent"), st.sampled_from(ITEMS), st.booleans(), moments),
        st.tuples(st.just("resend"), st.sampled_from(ITEMS)),
        st.tuples(st.just("overtake"), st.sampled_from(ITEMS), st.integers(0, 3)),
        st.tuples(st.just("untouch"), st.sampled_from(ITEMS)),
    ),
    max_size=25,
)


def carry_out(step: tuple, levels: Levels, naive: Naive) -> object:
    """What the step answers; that of ``naive`` is compared where it knows one."""
    match step:
        case ("observe", item, free, as_of):
            return levels.observe(ERP, [snapshot(item, free, as_of)])
        case ("demand", number, needed, took, reserved, held):
            told = demand(number, needed, took=took, reserved=reserved, hold=held)
            return levels.set_demand(told, now=at(0))
        case ("hold", id_, needed, most, ends):
            limits = [Limit(item, Decimal(most), naive.basis[item]) for item in needed]
            return levels.hold(hold(id_, needed, ends=ends + 1), limits, now=at(5))
        case ("release", id_):
            return levels.release(STORE, id_)
        case ("expire", now):
            return levels.expire(ERP, now=at(now), limit=10)
        case ("want", sku, quantity, as_of):
            return levels.want(STORE, "stock", [want(sku, quantity, as_of)])
        case ("sent", sku, current, moment):
            known = levels.levels(STORE, "stock", [sku]).get(sku)
            version = known.version - (not current) if known else 0
            wanted = known.wanted if known else None
            moved = known.moved if known else Decimal(0)
            window = Window(at(moment - 1) if current else None, at(moment))
            told = Sent(sku, version, wanted, at(moment), moved=moved, window=window)
            return levels.sent(STORE, "stock", [told])
        case ("resend", sku):
            return levels.resend(STORE, "stock", [sku])
        case ("overtake", sku, pieces):
            return levels.overtake(STORE, {sku: Decimal(pieces)})
        case ("untouch", item):
            return levels.untouch(ERP, [item])
    raise AssertionError(step)


def carry_out_naively(step: tuple, naive: Naive) -> object:
    match step:
        case ("observe", item, free, as_of):
            naive.observe(item, free, as_of)
        case ("demand", number, needed, took, reserved, held):
            naive.set_demand(
                number, demand(number, needed, took=took, reserved=reserved, hold=held)
            )
        case ("hold", id_, needed, most, ends):
            limits = [Limit(item, Decimal(most), naive.basis[item]) for item in needed]
            return naive.hold(hold(id_, needed, ends=ends + 1), limits, at(5))
        case ("release", id_):
            return naive.holds.pop(id_, None) is not None
        case ("expire", now):
            return naive.expire(at(now))
    return None


def state(levels: Levels) -> object:
    """All that can be asked."""
    return (
        levels.holdings(ERP, ITEMS),
        levels.touched(ERP, limit=99),
        [levels.demand(order(number)) for number in ORDERS],
        levels.levels(STORE, "stock", ITEMS),
        levels.dirty(STORE, "stock", limit=99),
        levels.count_dirty(STORE, "stock"),
    )


@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps)
def test_claims_are_counted_right_whatever_happens(dynamodb, table, steps) -> None:
    naive, memory, stored = Naive(), MemoryLevels(), DynamoLevels(dynamodb, table())

    for step in steps:
        answer = carry_out(step, memory, naive)
        assert carry_out(step, stored, naive) == answer, step
        expected = carry_out_naively(step, naive)
        if step[0] in ("hold", "release", "expire"):
            assert answer == expected, step
        known = memory.holdings(ERP, ITEMS)
        for item in ITEMS:
            taken = known[item].taken if item in known else 0
            assert taken == naive.taken(item), (step, item)
            held = sum(known[item].held.values()) if item in known else 0
            assert held == naive.held(item), (step, item)
        moved = memory.levels(STORE, "stock", ITEMS)
        for sku in ITEMS:
            assert (moved[sku].moved if sku in moved else 0) == naive.moved(sku), (step, sku)

    assert state(stored) == state(memory)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(steps)
def test_claims_in_memory_are_counted_right_whatever_happens(steps) -> None:
    naive, memory = Naive(), MemoryLevels()

    for step in steps:
        carry_out(step, memory, naive)
        carry_out_naively(step, naive)
        for item, known in memory.holdings(ERP, ITEMS).items():
            assert known.taken == naive.taken(item) >= 0, (step, item)


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_the_order_of_arrival_does_not_matter(dynamodb, table, data) -> None:
    """Snapshots of one item in time, and an order that the back office keeps from some moment."""
    told = [("observe", "A", n * 3, n * 10) for n in range(4)]
    told.append(("demand", 1, {"A": 2}, {}, data.draw(st.integers(0, 40)), ""))
    one, other = DynamoLevels(dynamodb, table()), MemoryLevels()

    for step in told:
        carry_out(step, other, Naive())
    for step in data.draw(st.permutations(told)):
        carry_out(step, one, Naive())

    (there,), (here,) = (x.holdings(ERP, ["A"]).values() for x in (one, other))
    assert (there.free, there.as_of, there.taken) == (here.free, here.as_of, here.taken)
