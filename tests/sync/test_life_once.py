"""Whatever happens to an order, a worker killed at any moment of it changes nothing of the end."""

import itertools
import random
import re
from collections.abc import Callable
from typing import Any

import pytest

from accord.erp.memory.adapter import memory_like
from accord.local.world import KilledError, World
from accord.model.change import Ref
from accord.ports.erp import Duplicates
from accord.rules.config import StoreFlows
from tests.conftest import order_json
from tests.sync.conftest import paying

RICH = order_json("order_created_rich")
ON_HOLD = order_json("order_created_on_hold_variation")
MakeWorld = Callable[..., World]
Act = Callable[[World, str], object]


def line_of(world: World, id_: str) -> str:
    return str(world.store.orders[id_]["line_items"][0]["id"])


def ship(world: World, id_: str) -> None:
    link = world.links.get(Ref("uk", "order", id_))
    assert link is not None
    assert link.erp is not None
    world.erp().ship(link.erp)


def cancel(world: World, id_: str) -> None:
    world.store.set_status(id_, "cancelled")


def reopen(world: World, id_: str) -> None:
    world.store.set_status(id_, "processing")


def edit(world: World, id_: str) -> None:
    world.store.edit_line(id_, line_of(world, id_), total="1.00")


def refund_line(world: World, id_: str) -> None:
    world.store.refund(id_, lines={line_of(world, id_): 1})


def refund_all(world: World, id_: str) -> None:
    world.store.set_status(id_, "refunded")


def refund_twice(world: World, id_: str) -> None:
    world.store.refund(id_, "3.00")
    world.store.refund(id_, "3.00")


def pay(world: World, id_: str) -> None:
    world.store.edit(id_, set_paid=True)


def refund_some(world: World, id_: str) -> None:
    world.store.refund(id_, "13.02")


UNPAID = {**RICH, "date_paid": None, "date_paid_gmt": None}
LIVES: dict[str, tuple[dict[str, Any], tuple[Act, ...]]] = {
    "cancelled": (RICH, (cancel,)),
    "a quotation cancelled": (ON_HOLD, (cancel,)),
    "reopened": (RICH, (cancel, reopen)),
    "edited": (RICH, (edit,)),
    "a quotation edited": (ON_HOLD, (edit,)),
    "a line refunded": (RICH, (refund_line,)),
    "refunded twice alike": (RICH, (refund_twice,)),
    "refunded before it was shipped": (RICH, (refund_all,)),
    "refunded after it was shipped": (RICH, (ship, refund_all)),
    "refunded in part, then wholly": (RICH, (ship, refund_line, refund_all)),
    "paid later": (UNPAID, (pay,)),
    "refunded, then paid": (UNPAID, (refund_some, pay)),
    "refunded while cancelled, then reopened": (RICH, (cancel, refund_some, reopen)),
}
HABITS: tuple[Duplicates, ...] = ("refused", "same_answer", "possible")


def started(make_world: MakeWorld, life: str, habit: Duplicates, **more: Any) -> tuple[World, str]:
    """A world in which all but the last act of ``life`` is over."""
    order, acts = LIVES[life]
    # What comes back from the back office has its own tests; here it would only take time.
    flows = StoreFlows(orders="on")
    uk = paying().stores["uk"].model_copy(update={"flows": flows})
    config = paying().model_copy(update={"stores": {"uk": uk}})
    world = make_world(config, adapter=memory_like(habit), **more)
    id_ = world.store.place(order)
    world.drain()
    for act in acts[:-1]:
        act(world, id_)
        world.drain()
    return world, id_


def finished(world: World, id_: str, life: str) -> list[object]:
    """What both sides say in the end."""
    LIVES[life][1][-1](world, id_)
    world.drain()
    books = [
        (
            sale["key"],
            sale["state"],
            sale["totals"],
            sorted((note["key"], str(note["totals"])) for note in sale["credit_notes"]),
            sorted((payment["key"], payment["amount"]) for payment in sale["payments"]),
        )
        for sale in world.books.sales()
    ]
    said = sorted(item.reason for item in world.attention.open())
    # Which of two refunds is credited first, and so has the lower number, is left to chance.
    notes = sorted(re.sub(r"CN-\d+", "CN-…", note) for note in world.store.notes[id_])
    return [books, notes, said, world.waiting.causes()]


@pytest.mark.parametrize("habit", HABITS)
@pytest.mark.parametrize("life", LIVES)
def test_killed_at_any_moment_the_end_is_the_same(
    make_world: MakeWorld, life: str, habit: Duplicates
) -> None:
    world, id_ = started(make_world, life, habit)
    moments: list[str] = []
    world.hook = moments.append
    expected = finished(world, id_, life)
    assert "after erp.void" in moments or "after erp.create" in moments or "edited" in life

    for fatal in range(len(moments)):
        world, id_ = started(make_world, life, habit)
        passed = itertools.count()

        def kill(_: str, fatal: int = fatal, passed: Any = passed) -> None:
            if next(passed) == fatal:
                raise KilledError

        world.hook = kill
        assert finished(world, id_, life) == expected, moments[fatal]


@pytest.mark.parametrize("life", LIVES)
def test_told_twice_and_killed_at_random_the_end_is_the_same(
    make_world: MakeWorld, life: str
) -> None:
    world, id_ = started(make_world, life, "possible")
    expected = finished(world, id_, life)

    for seed in range(15):
        rng = random.Random(seed)
        world, id_ = started(make_world, life, "possible", seed=seed)
        world.copies = lambda _, rng=rng: rng.choice([1, 2, 3])  # type: ignore[misc]

        kills = iter(range(3))  # a message that kills its worker six times is a dead letter

        def kill(_: str, rng: random.Random = rng, kills: Any = kills) -> None:
            if rng.random() < 0.02 and next(kills, None) is not None:
                raise KilledError

        world.hook = kill
        assert finished(world, id_, life) == expected, seed
