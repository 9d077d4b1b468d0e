"""An order that was placed and posted, and what then happens to it in the back office."""

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from accord.local.world import KilledError, World
from accord.model.change import Change, Ref
from accord.ports.state import Link, Seen
from accord.rules.config import Config
from tests.conftest import order_json
from tests.sync.conftest import config

RICH = order_json("order_created_rich")
ORDER = Ref("uk", "order", "30")
MakeWorld = Callable[..., World]
_MOMENT = dt.timedelta(minutes=6)  # later than the queue remembers what it was sent
_ON = {
    "orders": "on",
    "fulfilment": "on",
    "invoices": "on",
    "erp_changes": "on",
    "customers": "off",
}


def telling(*, prod: bool = False, **tables: dict[str, Any]) -> Config:
    """accord.toml with the flows of an order on, and tables of its store changed."""
    flows = {**_ON, **tables.pop("flows", {})}
    made = config(flows=flows, **tables)
    store = made.stores["uk"].model_copy(update={"prod": prod})
    return made.model_copy(update={"stores": {"uk": store}})


def placed(world: World, order: dict[str, Any] = RICH) -> Ref:
    """The sale of an order that was placed; nothing is queued any more."""
    world.store.place(order)
    world.drain()
    erp = link_of(world).erp
    assert erp is not None
    return erp


def link_of(world: World) -> Link:
    link = world.links.get(ORDER)
    assert link is not None
    return link


def relinked(world: Any, ref: Ref = ORDER, **changes: Any) -> Link:
    """The link, changed under a lease of its own."""
    held = world.links.acquire(
        ref,
        key=f"uk-{ref.id}",
        owner="test",
        now=world.clock(),
        until=world.clock() + _MOMENT,
        seen=Seen(None),
    )
    assert held is not None
    saved = world.links.save(replace(held, **changes))
    world.links.abandon(saved)
    return saved


def told(world: World, word: str) -> list[str]:
    """The order's notes that hold ``word``."""
    return [note for note in world.store.notes["30"] if word in note]


def field(world: World, key: str) -> Any:
    """The order's custom field; None when it is not there."""
    found = [each["value"] for each in world.store.orders["30"]["meta_data"] if each["key"] == key]
    assert len(found) <= 1
    return json.loads(json.dumps(found[0])) if found else None


def reasons(world: World) -> list[tuple[str, str]]:
    return [(item.reason, item.owner) for item in world.attention.open()]


def say(world: World, ref: Ref, event: str, **more: Any) -> None:
    """A change of the order is queued, as a poll would."""
    change = Change(ref, event, world.clock(), "said", aggregate=ORDER, **more)
    world.queue.put(change, sending=f"said:{ref}:{world.clock().isoformat()}")


def redo(world: World, ref: Ref, event: str) -> None:
    """A person replays it."""
    world.clock.now += _MOMENT
    say(world, ref, event, replay="olivia")
    world.drain()


@contextmanager
def heard(world: World) -> Iterator[list[str]]:
    """The calls that workers make, by port and method."""
    calls: list[str] = []

    def hear(call: str) -> None:
        if call.startswith("before "):
            calls.append(call.removeprefix("before "))

    world.hook = hear
    yield calls
    world.hook = lambda _: None


def kill_everywhere(
    begin: Callable[[], World], act: Callable[[World], object], check: Callable[[World], None]
) -> int:
    """Once for each moment at which a worker may die after ``act``: how many there were."""
    fatal, ended = 0, False
    while not ended:
        world, left = begin(), [fatal]

        def kill(call: str, left: list[int] = left) -> None:
            if "erp.changes" in call or "control" in call:
                return  # the poll's own: see test_poll
            left[0] -= 1
            if left[0] == -1:
                raise KilledError(call)

        act(world)
        world.hook = kill
        world.drain()
        ended = left[0] >= 0
        world.hook = lambda _: None
        world.drain()
        check(world)
        fatal += 1
    return fatal - 1
