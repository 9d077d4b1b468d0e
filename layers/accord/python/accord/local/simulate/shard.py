"""One store and its back office for some hours, on which everything goes wrong; then all heals.

A shard is one seed: the same seed and size are the same lives, to the last call.
"""

import datetime as dt
import heapq
import itertools
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from accord.local.life.mishaps import CALM, Busy, Odds
from accord.local.life.people import CUSTOMER_ACTS, ERP_ACTS
from accord.local.life.play import Life
from accord.local.life.rules import habit, varied
from accord.local.simulate import traffic
from accord.local.simulate.asked import unjustified
from accord.local.simulate.edge import Edge
from accord.local.simulate.tally import Tally, Watch
from accord.model.change import Change
from accord.rules.config import Config
from accord.sync.worker import Again, Finished

STORM = Odds(
    killed=0.001,
    refused=0.002,
    ledger=0.01,
    meanwhile=0.006,
    outage=0.15,
    lost=0.2,
    doubled=0.2,
    late=0.3,
    silent=0.5,
)
_SHOPPERS = 0.4  # of the orders: so many come back again and again
_ACCOUNTS = 0.08  # of the orders: so many register besides
_NIGHT = 0.2  # of the shards: the back office stays off for hours, when the traffic is over
_IDLE = dt.timedelta(minutes=6)
_MOMENT_MS = 3  # between two moments of a worker: many workers share the world's one clock
_NIGHTS = 3  # until all is named
_TRIES = 4  # of the warehouse and the bookkeeper, with so long between them
_AGAIN_S = 15 * 60.0
_SOON = dt.timedelta(minutes=90)
_ALL_IS_READ = dt.timedelta(minutes=75)  # accounts are read once an hour, open orders twice


@dataclass(slots=True)
class Watched(Busy):
    """A world whose ends of changes are counted, not kept; its webhooks are looked after."""

    watch: Watch | None = None
    edge: Edge | None = None
    _looked: tuple[dt.datetime, int] | None = None  # when, and after how many messages

    def each_minute(self) -> None:
        """See ``World.each_minute``. In peace, while nothing moves, schedules come less often: a
        late one finds the same, and hours go by in which nothing happens."""
        peace = self.edge is not None and self.edge.is_peace
        if peace and self._looked is not None:
            at, runs = self._looked
            if runs == self._runs and self.clock.now - at < _IDLE:
                self.wake()
                return
        Busy.each_minute(self)
        self._looked = self.clock.now, self._runs

    def poll(self) -> bool:
        """See ``World.poll``; then what `guard_webhooks` does."""
        all_read = Busy.poll(self)
        if self.edge is not None:
            self.edge.look()
        return all_read

    def _end(
        self, change: Change, end: Finished | Again, began: dt.datetime, receives: int
    ) -> None:
        if self.watch is not None:
            now = self.clock.now
            self.watch.ended(change, end, began=began, now=now, receives=receives)


@dataclass(slots=True)
class Shard(Life):
    """``size`` orders on one store. See ``play_shard``."""

    world_type: ClassVar[type[Busy]] = Watched

    size: int = 1000
    tally: Tally = field(default_factory=Tally)
    edge: Edge = field(init=False)
    watch: Watch = field(init=False)
    _agenda: list[tuple[dt.datetime, int, Callable[[], object]]] = field(default_factory=list)
    _heard: Callable[[], object] = field(default=lambda: None)
    _night: bool = False

    def __post_init__(self) -> None:
        Life.__post_init__(self)
        assert isinstance(self.world, Watched)
        self.mishaps.slowest_ms = _MOMENT_MS
        self.watch = Watch(self.world.store.name, self.tally)
        self.edge = Edge(self.world, self.mishaps, self.rng)
        self.world.watch, self.world.edge = self.watch, self.edge
        self.world.down = self._is_off

    @classmethod
    def of(cls, seed: int, size: int, config: Config) -> "Shard":
        """Under drawn rules, with a back office of drawn habits."""
        rng = Random(f"rules {seed}")
        return cls(seed, varied(config, rng), STORM, habit(rng), size=size)

    # --- the hours --------------------------------------------------------------

    def live(self, told: Callable[[], object]) -> list[str]:
        """All lives, then peace; what differs. ``told`` is called after each order."""
        self._heard = told
        with self.mishaps.left_alone():
            self.edge.look()
        self.edge.draw(self.world.clock(), dt.timedelta(seconds=4 * self.size))
        for _ in range(max(3, round(_ACCOUNTS * self.size))):
            self._at(dt.timedelta(seconds=self.rng.random() * 4 * self.size), self._register)
        self._at(dt.timedelta(seconds=1), self._place)
        while self._agenda:
            self.pass_(max(self._agenda[0][0] - self.world.clock(), dt.timedelta(0)))
            while self._agenda and self._agenda[0][0] <= self.world.clock():
                self._act()
        self.pass_(dt.timedelta(minutes=10))
        if self.rng.random() < _NIGHT:
            self._night = True
            self.mishaps.count["nights without a back office"] += 1
            self.pass_(dt.timedelta(hours=self.rng.randint(2, 8)))
            self._night = False
        return self.end()

    def end(self) -> list[str]:
        """All heals, and a night's run compares both sides; then what differs and nobody was told
        of, and what is told and is not so."""
        self.heal()
        self.world.reconcile(repair=True)
        self.world.drain(_SOON)
        self.pass_(dt.timedelta(minutes=35))
        self._sleep()
        silent = self._silent(self._differences(replayed=False))
        before = Counter(item.reason for item in self.world.attention.open())
        self.replay_all()
        self._sleep()
        self.tally.asked = Counter(item.reason for item in self.world.attention.open())
        self.tally.settled = before - self.tally.asked
        found = silent or self._silent(self._differences(replayed=True))
        self._count()
        return [*found, *unjustified(self.world, self.people)]

    def _silent(self, found: list[str]) -> list[str]:
        """Those of ``found`` that no night's page names either.

        No store tells anybody of a refund that is deleted, and no poll looks for one when its order
        is over: that is for the nights. A page leaves out what a person has in hand for another
        reason, so whoever has it is done with it, and another night is waited for; what a
        person is asked then is told.
        """
        name = self.world.store.name
        refs = {text: f"{name}:{':'.join(text.partition(':')[0].split())}" for text in found}
        for _ in range(_NIGHTS):
            if not refs:
                break
            page = self.world.reconcile()
            named = {each.ref: each.reason for each in page.differences}
            self.tally.reported.update(named[ref] for ref in refs.values() if ref in named)
            refs = {text: ref for text, ref in refs.items() if ref not in named}
            in_hand = {each.ref for each in page.in_hand} & set(refs.values())
            for item in self.world.attention.open():
                if {item.subject, item.aggregate} & in_hand:
                    self.world.acts().dismiss(item, by="somebody", why="settled")
            self.pass_(dt.timedelta(hours=1))
            if in_hand:
                still = set(self._differences(replayed=False))
                refs = {text: ref for text, ref in refs.items() if text in still}
        return list(refs)

    def heal(self) -> None:
        """See ``Life.heal``. Nobody saves anything once more: what no webhook told of is found."""
        self.pass_(dt.timedelta(0))
        self.mishaps.odds = CALM
        Life.heal(self)

    def tell_again(self, kind: str, id_: str, document: dict[str, Any] | None) -> None:
        """See ``Life.tell_again``. Some time passes instead; a deleted account no store lists. Of
        an order that is deleted nobody is ever told."""
        if document is None and kind == "customer":
            Life.tell_again(self, kind, id_, document)

    def _count(self) -> None:
        tally = self.tally
        tally.orders, tally.customers = len(self.people.orders), len(self.people.customers)
        tally.faults = +self.mishaps.count
        tally.hours = (self.world.clock() - self.start) / dt.timedelta(hours=1)

    def _is_off(self, now: dt.datetime) -> bool:
        return self._night or self.mishaps.is_off(now)

    # --- what people do -----------------------------------------------------------

    def _at(self, later: dt.timedelta, act: Callable[[], object]) -> None:
        heapq.heappush(self._agenda, (self.world.clock() + later, next(self._turns), act))

    def _act(self) -> None:
        with self.mishaps.left_alone():
            heapq.heappop(self._agenda)[2]()

    def _meanwhile(self) -> None:
        """While a worker works: a webhook arrives, or somebody does what was due about now."""
        soon = self.world.clock() + dt.timedelta(seconds=30)
        if not self._arrive() and self._agenda and self._agenda[0][0] <= soon:
            self._act()

    def _place(self) -> None:
        if len(self.people.orders) + 1 < self.size:
            self._at(traffic.gap(self.rng, self.world.clock()), self._place)
        status, acts = traffic.life(self.rng)
        id_ = self.people.place(status, shoppers=max(8, round(_SHOPPERS * self.size)))
        self.watch.acted(f"order {id_}", self.world.clock())
        self.tally.acts["place"] += 1
        self._heard()
        self._next(id_, acts)

    def _register(self) -> None:
        id_ = self.people.register()
        self.watch.acted(f"customer {id_}", self.world.clock())
        self.tally.acts["register"] += 1
        self._next(id_, traffic.account(self.rng))

    def _next(self, id_: str, acts: list[traffic.Due], tries: int = 1) -> None:
        if not acts:
            return
        (seconds, name), left = acts[0], acts[1:]

        def act() -> None:
            done = self.people.do(name, id_)
            if done:
                kind = "customer" if name in CUSTOMER_ACTS else "order"
                self.watch.acted(f"{kind} {id_}", self.world.clock())
                self.tally.acts[name] += 1
            elif name in ERP_ACTS and tries < _TRIES:  # its order is not there yet, or it is off
                self._next(id_, [(_AGAIN_S, name), *left], tries + 1)
                return
            self._next(id_, left)

        self._at(dt.timedelta(seconds=seconds), act)

    # --- the store's webhooks -------------------------------------------------------

    def _arrive(self) -> bool:
        """See ``Life._arrive``. One that nobody answers is over: it is never sent again."""
        if not self._posted or self._posted[0][0] > self.world.clock():
            return False
        _, _, topic, body = heapq.heappop(self._posted)
        if self.edge.arrives(topic, body.id):
            self.world.receive(topic, body)
        return True


@dataclass(frozen=True, slots=True)
class Result:
    """What one shard came to. ``differences`` name the order or customer first."""

    seed: int
    size: int
    tally: Tally
    differences: list[str]
    trace: str = ""  # of what should never be raised
    story: str = ""


def play_shard(
    seed: int,
    size: int,
    config: Config,
    told: Callable[[], object] = lambda: None,
    *,
    story: str = "",
) -> Result:
    """One shard's lives, from its seed alone; with the ``story`` of an order or customer."""
    shard, trace = Shard.of(seed, size, config), ""
    try:
        found = shard.live(told)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a difference with a seed
        found, trace = [f"broke off: {type(error).__name__}: {error}"], traceback.format_exc()
    told_of = shard.story(story) if story else ""
    return Result(seed, size, shard.tally, found, trace, told_of)


def seeds(seed: int, orders: int, size: int) -> list[tuple[int, int]]:
    """The shards of a run: each with a seed of its own, and its orders."""
    sizes = [size] * (orders // size) + [orders % size] * (orders % size > 0)
    return [
        (Random(f"shard {seed} {n}").getrandbits(32), each)
        for n, each in zip(itertools.count(), sizes, strict=False)
    ]
