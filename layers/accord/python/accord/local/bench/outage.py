"""Twelve hours without the back office, on a virtual clock, while a day of orders arrives."""

import datetime as dt
import random
from dataclasses import dataclass

from accord.local.store.orders import make_order
from accord.local.world import World
from accord.rules.config import Config

OUTAGE = dt.timedelta(hours=12)
_CALLS_AN_HOUR = 130  # one or two a minute: somebody has to ask whether it is back


@dataclass(frozen=True, slots=True)
class Result:
    """``items`` are the attention items that ever opened, ``open`` those left in the end; ``calls``
    were made of the back office in vain, by everybody."""

    orders: int
    posted: int
    dead_letters: int
    items: int
    open: int
    waiting: int
    oldest_first: bool
    hours_until_done: float  # from the back office's return to the last posted order
    calls: int

    @property
    def passed(self) -> bool:
        done = self.posted == self.orders and self.oldest_first
        few = self.calls <= _CALLS_AN_HOUR * OUTAGE / dt.timedelta(hours=1)
        return (
            done
            and few
            and self.items == 1
            and not (self.dead_letters or self.open or self.waiting)
        )


def run(config: Config, *, seed: int, start: dt.datetime, orders: int = 500) -> Result:
    """``orders`` arrive, evenly spread, while the back office is off; then it answers again."""
    off = start + dt.timedelta(minutes=1)
    on = off + OUTAGE
    calls = 0

    def down(now: dt.datetime) -> bool:
        nonlocal calls
        is_off = off <= now < on
        calls += is_off
        return is_off

    world = World(config, start, seed=seed, down=down)
    rng = random.Random(seed)
    items: set[str] = set()
    for n in range(orders):
        at = off + n * OUTAGE / orders
        world.drain_until(at)
        items.update(item.id for item in world.attention.open())
        world.deliver(make_order(1000 + n, rng=rng, at=at, status="processing"))
    world.drain()

    key = next(iter(config.stores.values())).key
    sales = sorted(world.books.sales(), key=lambda sale: str(sale["number"]))
    left = world.attention.open()
    items.update(item.id for item in left)
    return Result(
        orders=orders,
        posted=len({sale["key"] for sale in sales}),
        dead_letters=len(world.queue.dead) + sum(item.reason == "dead_letter" for item in left),
        items=len(items),
        open=len(left),
        waiting=sum(world.waiting.count(cause) for cause in world.waiting.causes()),
        oldest_first=[sale["key"] for sale in sales]
        == [f"{key}-{1000 + n}" for n in range(orders)],
        hours_until_done=(world.clock.now - on) / dt.timedelta(hours=1),
        calls=calls,
    )
