"""A worker dies between any two requests, or never hears an answer; then the same comes again."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from botocore.exceptions import ClientError

from accord.model.stock import Recipe
from accord.ports.levels import Levels
from accord.state import dynamo
from accord.state.levels import DynamoLevels
from tests.state.levels_kit import (
    ERP,
    NOW,
    STORE,
    amounts,
    at,
    demand,
    hold,
    order,
    snapshot,
    told,
    want,
)

WRITES = ("transact_write_items", "put_item", "update_item", "delete_item", "batch_write_item")


class CrashError(Exception):
    """The worker is gone."""


class Client:
    """A client that dies at its ``fatal``-th write, or right after it took effect."""

    def __init__(
        self,
        client,
        *,
        fatal: int = -1,
        after: bool = False,
        conflicts: int = 0,
        meanwhile=None,
        often=1,
    ) -> None:
        self._client = client
        self._fatal = fatal
        self._after = after
        self._conflicts = conflicts
        self._meanwhile = meanwhile
        self._often = often
        self.writes = 0

    def __getattr__(self, name: str):
        call = getattr(self._client, name)
        if name not in WRITES:
            return call

        def write(**request):
            self.writes += 1
            if self.writes <= self._often and self._meanwhile:
                self._meanwhile()
            if self._conflicts:
                self._conflicts -= 1
                raise ClientError({"Error": {"Code": "TransactionConflictException"}}, name)
            if self.writes == self._fatal and not self._after:
                raise CrashError
            answer = call(**request)
            if self.writes == self._fatal:
                raise CrashError
            return answer

        return write


@pytest.fixture
def crashing(dynamodb, table) -> Callable[..., list[DynamoLevels]]:
    """Does ``work`` in a new table, dying at each write in turn, then again; all that there are."""

    def run(prepare: Callable[[Levels], object], work: Callable[[Levels], object]):
        name = table()
        prepare(DynamoLevels(dynamodb, name))
        client = Client(dynamodb)
        work(DynamoLevels(client, name))
        ends = []
        for fatal in range(1, client.writes + 1):
            for after in (False, True):
                name = table()
                prepare(DynamoLevels(dynamodb, name))
                with pytest.raises(CrashError):
                    work(DynamoLevels(Client(dynamodb, fatal=fatal, after=after), name))
                work(again := DynamoLevels(dynamodb, name))
                ends.append(again)
        assert ends
        return ends

    return run


def test_an_order_of_many_items_is_claimed_once(crashing) -> None:
    needs = {f"I{n:03}": n + 1 for n in range(120)}
    took = {f"S{n:03}": n + 1 for n in range(120)}
    about = demand(1, needs, took=took, reserved=10, hold="h1")

    def prepare(levels: Levels) -> None:
        levels.hold(hold("h1", {f"I{n:03}": 2 for n in range(100, 130)}), [], now=NOW)
        levels.set_demand(demand(1, {"I000": 9, "GONE": 1}, took={"S000": 7}), now=NOW)

    ends = crashing(prepare, lambda levels: levels.set_demand(about, now=NOW))

    assert len(ends) >= 2 * 4
    for levels in ends:
        known = levels.holdings(ERP, [*needs, "GONE", "I125"])
        assert {code: one.taken for code, one in known.items() if one.taken} == amounts(needs)
        assert [one.item for one in known.values() if one.held] == []
        moved = levels.levels(STORE, "stock", list(took))
        assert {sku: one.moved for sku, one in moved.items()} == amounts(took)
        assert levels.demand(order(1)) == about
        some = ["I000", "I060", "I119"]
        assert levels.observe(ERP, [snapshot(item, 1, 20) for item in some]).closed == some


def test_an_order_that_is_reserved_is_closed_whole(crashing) -> None:
    needs = {f"I{n:03}": 1 for n in range(100)}
    about = demand(1, needs, reserved=10)

    ends = crashing(
        lambda levels: levels.set_demand(demand(1, needs), now=NOW),
        lambda levels: levels.set_demand(about, now=NOW),
    )

    assert len(ends) >= 2 * 2
    for levels in ends:
        some = ["I000", "I050", "I099"]
        assert levels.observe(ERP, [snapshot(item, 1, 20) for item in some]).closed == some


def test_a_closed_claim_is_subtracted_once(crashing) -> None:
    def prepare(levels: Levels) -> None:
        levels.set_demand(demand(1, {"MUG": 2}, reserved=5), now=NOW)
        levels.set_demand(demand(2, {"MUG": 1}), now=NOW)

    def work(levels: Levels) -> None:
        levels.observe(ERP, [snapshot("MUG", 9, 10)])

    for levels in crashing(prepare, work):
        levels.observe(ERP, [snapshot("MUG", 9, 20)])
        assert levels.holdings(ERP, ["MUG"])["MUG"].taken == 1


def test_a_hold_is_kept_once(crashing) -> None:
    basket = hold("h1", {"MUG": 2, "CUP": 1})

    for levels in crashing(lambda _: None, lambda levels: levels.hold(basket, [], now=NOW)):
        assert levels.holdings(ERP, ["MUG"])["MUG"].held == {STORE: 2}
        assert levels.expire(ERP, now=at(9999), limit=9) == 1


def test_a_hold_is_given_back_once(crashing) -> None:
    def prepare(levels: Levels) -> None:
        levels.hold(hold("h1", {"MUG": 2}, ends=5), [], now=NOW)
        levels.hold(hold("h2", {"MUG": 3}, ends=99), [], now=NOW)

    for levels in crashing(prepare, lambda levels: levels.expire(ERP, now=at(10), limit=9)):
        assert levels.holdings(ERP, ["MUG"])["MUG"].taken == 3


def test_what_a_snapshot_changed_is_touched_and_closed(crashing) -> None:
    def prepare(levels: Levels) -> None:
        levels.set_demand(demand(1, dict.fromkeys(claimed, 1), reserved=5), now=NOW)
        levels.untouch(ERP, claimed)

    claimed = ["I001", "I002", "I100"]  # of both transactions
    read = [snapshot(f"I{n:03}", n, 10) for n in range(101)]
    for levels in crashing(prepare, lambda levels: levels.observe(ERP, read)):
        known = levels.holdings(ERP, [one.item for one in read])
        assert {one.taken for one in known.values()} == {0}
        assert len(levels.touched(ERP, limit=999)) == 101


def test_items_whose_recipe_changed_are_touched(crashing) -> None:
    recipes = [Recipe(f"I{n:03}", ()) for n in range(40)]

    def prepare(levels: Levels) -> None:
        levels.put_recipes(ERP, [Recipe("OLD", ())])
        levels.untouch(ERP, ["OLD"])

    for levels in crashing(prepare, lambda levels: levels.put_recipes(ERP, recipes)):
        assert len(levels.touched(ERP, limit=999)) == 41
        assert sorted(levels.recipes(ERP)) == [recipe.item for recipe in recipes]


def test_every_wanted_value_is_to_be_sent(crashing) -> None:
    wanted = [want(f"S{n:03}", n, 0) for n in range(60)]

    for levels in crashing(lambda _: None, lambda levels: levels.want(STORE, "stock", wanted)):
        assert levels.count_dirty(STORE, "stock") == 60
        assert {one.version for one in levels.dirty(STORE, "stock", limit=99)} == {1}


def test_every_answer_is_kept(crashing) -> None:
    wanted = [want(f"S{n:03}", n, 0) for n in range(60)]
    answers = [told(f"S{n:03}", n, version=1, at_=5) for n in range(60)]

    def prepare(levels: Levels) -> None:
        levels.want(STORE, "stock", wanted)

    for levels in crashing(prepare, lambda levels: levels.sent(STORE, "stock", answers)):
        assert levels.count_dirty(STORE, "stock") == 0
        assert levels.want(STORE, "stock", wanted) == 0


def test_touched_items_are_not_forgotten_half_way(crashing) -> None:
    def prepare(levels: Levels) -> None:
        for number in range(30):
            levels.set_demand(demand(number, {f"I{number:02}": 1, "MUG": 1}), now=NOW)

    gone = ["MUG", *(f"I{n:02}" for n in range(5, 30))]
    for levels in crashing(prepare, lambda levels: levels.untouch(ERP, gone)):
        assert levels.touched(ERP, limit=99) == [f"I{n:02}" for n in range(5)]


@pytest.fixture
def disturbed(dynamodb, table) -> Callable[..., DynamoLevels]:
    """Does ``work``, and ``other`` right before its first write, or before so many of them; the
    levels after both."""

    def run(prepare, work, other, *, often: int = 1) -> DynamoLevels:
        levels = DynamoLevels(dynamodb, table())
        prepare(levels)
        client = Client(dynamodb, meanwhile=lambda: other(levels), often=often)
        work(DynamoLevels(client, levels._table.name))
        return levels

    return run


def test_a_value_that_is_wanted_between_reading_and_keeping_an_answer_is_sent(disturbed) -> None:
    levels = disturbed(
        lambda levels: levels.want(STORE, "stock", [want("MUG", 5, 0)]),
        lambda levels: levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=2)]),
        lambda levels: levels.want(STORE, "stock", [want("MUG", 4, 1)]),
    )

    (left,) = levels.dirty(STORE, "stock", limit=9)
    assert (left.wanted, left.sent) == ({"quantity": 4}, {"quantity": 5})


@pytest.mark.parametrize("before", [None, "0.75", "2"])
def test_an_order_between_reading_and_keeping_an_answer_has_it_looked_at_again(
    disturbed, before: str | None
) -> None:
    """The write went over the order, which did not find its window: only another look can tell."""
    known = Decimal(before or 0)

    def prepare(levels: Levels) -> None:
        levels.want(STORE, "stock", [want("MUG", 5, 0)])
        if before:
            levels.set_demand(demand(1, {}, took={"MUG": before}), now=NOW)

    levels = disturbed(
        prepare,
        lambda levels: levels.sent(STORE, "stock", [told("MUG", 5, version=1, at_=3, moved=known)]),
        lambda levels: levels.set_demand(demand(2, {}, took={"MUG": "1.25"}), now=NOW),
    )

    (left,) = levels.dirty(STORE, "stock", limit=9)
    assert (left.sent, left.gone) == ({"quantity": 5}, Decimal("1.25"))


def test_an_answer_is_kept_though_an_order_comes_at_every_turn(disturbed) -> None:
    orders = iter(range(99))
    answers = [told(sku, 5, version=1, at_=3) for sku in ("MUG", "CUP")]
    took = {"MUG": 1}

    levels = disturbed(
        lambda levels: levels.want(STORE, "stock", [want("MUG", 5, 0), want("CUP", 5, 0)]),
        lambda levels: levels.sent(STORE, "stock", answers),
        lambda levels: levels.set_demand(demand(next(orders), {}, took=took), now=NOW),
        often=12,
    )

    found = levels.levels(STORE, "stock", ["MUG", "CUP"])
    assert {sku: (one.sent, one.gone) for sku, one in found.items()} == {
        "MUG": ({"quantity": 5}, 12),
        "CUP": ({"quantity": 5}, 0),
    }
    assert [one.sku for one in levels.dirty(STORE, "stock", limit=9)] == ["MUG"]


def test_an_older_value_does_not_pass_a_newer_one_by(disturbed) -> None:
    levels = disturbed(
        lambda _: None,
        lambda levels: levels.want(STORE, "stock", [want("MUG", 5, 1)]),
        lambda levels: levels.want(STORE, "stock", [want("MUG", 4, 2)]),
    )

    assert levels.levels(STORE, "stock", ["MUG"])["MUG"].wanted == {"quantity": 4}


def test_one_order_that_is_claimed_twice_at_once_is_claimed_once(disturbed) -> None:
    levels = disturbed(
        lambda levels: levels.set_demand(demand(1, {"MUG": 1}, took={"M": 1}), now=NOW),
        lambda levels: levels.set_demand(demand(1, {"MUG": 2}, took={"M": 2}), now=NOW),
        lambda levels: levels.set_demand(demand(1, {"MUG": 3}, took={"M": 3}), now=NOW),
    )

    assert levels.holdings(ERP, ["MUG"])["MUG"].taken == 2
    assert levels.levels(STORE, "stock", ["M"])["M"].moved == 2


def test_a_claim_that_is_reserved_while_a_snapshot_is_kept_is_closed_once(disturbed) -> None:
    levels = disturbed(
        lambda levels: levels.set_demand(demand(1, {"MUG": 1}), now=NOW),
        lambda levels: levels.observe(ERP, [snapshot("MUG", 5, 10)]),
        lambda levels: levels.set_demand(demand(1, {"MUG": 1}, reserved=5), now=NOW),
    )

    assert levels.holdings(ERP, ["MUG"])["MUG"].taken == 0


def test_a_snapshot_that_is_kept_while_a_claim_is_reserved_closes_it(disturbed) -> None:
    levels = disturbed(
        lambda levels: levels.set_demand(demand(1, {"MUG": 1}), now=NOW),
        lambda levels: levels.set_demand(demand(1, {"MUG": 1}, reserved=5), now=NOW),
        lambda levels: levels.observe(ERP, [snapshot("MUG", 5, 10)]),
    )

    assert levels.holdings(ERP, ["MUG"])["MUG"].taken == 0


@pytest.mark.parametrize(
    "work",
    [
        lambda levels: levels.set_demand(demand(1, {"MUG": 1}), now=NOW),
        lambda levels: levels.hold(hold("h1", {"MUG": 1}), [], now=NOW),
        lambda levels: levels.observe(ERP, [snapshot("MUG", 1, 0), snapshot("CUP", 1, 0)]),
        lambda levels: levels.want(STORE, "stock", [want("MUG", 1, 0), want("CUP", 1, 0)]),
    ],
    ids=["set_demand", "hold", "observe", "want"],
)
def test_conflicts_with_others_pass(monkeypatch, dynamodb, table, work) -> None:
    monkeypatch.setattr(dynamo.time, "sleep", lambda _: None)
    client = Client(dynamodb, conflicts=11)

    work(DynamoLevels(client, table()))

    assert client.writes >= 12
