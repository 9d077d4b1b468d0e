"""What a claim once forgot to tell, and what it must never cost."""

import pytest

from accord.ports.levels import Levels
from accord.state.levels import DynamoLevels
from accord.state.memory_levels import MemoryLevels
from tests.state.levels_kit import ERP, NOW, demand, hold
from tests.state.test_levels_crashes import Client, CrashError

SOLD = {ERP: ["SET"]}


@pytest.fixture
def levels(either) -> Levels:
    return either(MemoryLevels, DynamoLevels)


def test_pieces_that_move_touch_their_item_though_nothing_is_claimed(levels) -> None:
    levels.set_demand(demand(1, {}, took={"SET": 3}), now=NOW, sold=SOLD)
    assert levels.touched(ERP, limit=9) == ["SET"]

    levels.untouch(ERP, ["SET"])
    levels.set_demand(demand(1, {}, took={}), now=NOW, sold=SOLD)
    assert levels.touched(ERP, limit=9) == ["SET"]


def test_what_is_sold_here_and_claimed_elsewhere_touches_both(levels) -> None:
    about = demand(1, {"MUG": 1}, took={"SET": 1}, erp="second")
    levels.set_demand(about, now=NOW, sold=SOLD)
    assert levels.touched(ERP, limit=9) == ["SET"]
    assert levels.touched("second", limit=9) == ["MUG"]


def test_the_same_claim_again_touches_nothing(levels) -> None:
    about = demand(1, {"MUG": 1}, took={"SET": 1})
    levels.set_demand(about, now=NOW, sold=SOLD)
    levels.untouch(ERP, levels.touched(ERP, limit=9))
    levels.set_demand(about, now=NOW, sold=SOLD)
    assert levels.touched(ERP, limit=9) == []


def test_no_transaction_of_a_large_order_is_too_large(dynamodb, table) -> None:
    sizes: list[int] = []

    class Counting:
        def __getattr__(self, name: str):
            def call(**request):
                if name == "transact_write_items":
                    sizes.append(len(request["TransactItems"]))
                return getattr(dynamodb, name)(**request)

            return call

    levels = DynamoLevels(Counting(), table())
    many = [f"I{n:03}" for n in range(200)]
    levels.hold(hold("h1", dict.fromkeys(many[:40], 1), erp="second"), [], now=NOW)
    for needs, reserved in ((many, None), (many[50:], 10.0), ([], None)):
        claimed = dict.fromkeys(needs, 2)
        about = demand(1, claimed, took=claimed, reserved=reserved, hold="h1", erp="second")
        levels.set_demand(about, now=NOW, sold={ERP: many})
    assert max(sizes) <= 100
    assert len(sizes) > 6


def test_killed_in_the_middle_every_piece_that_moved_is_touched(dynamodb, table) -> None:
    took = {f"S{n:03}": 1 for n in range(150)}
    sold = {ERP: [sku.replace("S", "I") for sku in took]}
    about = demand(1, {}, took=took)
    for fatal in (1, 2):
        for after in (False, True):
            name = table()
            dying = DynamoLevels(Client(dynamodb, fatal=fatal, after=after), name)
            with pytest.raises(CrashError):
                dying.set_demand(about, now=NOW, sold=sold)
            levels = DynamoLevels(dynamodb, name)
            levels.untouch(ERP, levels.touched(ERP, limit=999))  # and computed meanwhile
            levels.set_demand(about, now=NOW, sold=sold)
            done = fatal == 2 and after
            assert set(levels.touched(ERP, limit=999)) == (set() if done else {*sold[ERP]})
