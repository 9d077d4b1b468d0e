"""Whole lives of orders and customers in one process, from one seed."""

import datetime as dt
import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import no_faults
from accord.local.life.checks import differences
from accord.local.life.known import order_ref
from accord.local.life.mishaps import CALM, ROUGH, Busy, Mishaps, Odds
from accord.local.life.people import People
from accord.local.life.rules import habit, varied
from accord.local.life.shelves import stock_differences, stock_up
from accord.local.store.deliveries import Body
from accord.model.change import Change, Ref
from accord.rules.config import Config
from accord.sync.worker import Again

START = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
_SOON = dt.timedelta(minutes=90)  # by then all is healed that heals by itself
_EVENTS = {
    "order": "order_updated",
    "refund": "refund_issued",
    "customer": "customer_changed",
    "party": "customer_changed",
    "shipment": "order_fulfilled",
    "invoice": "invoice_posted",
    "credit_note": "order_changed_in_erp",
    "sales_order": "order_changed_in_erp",
}


@dataclass(frozen=True, slots=True)
class Report:
    """What one seed came to. ``differences`` name the order or customer first."""

    seed: int
    orders: int
    acts: Mapping[str, int]
    ends: Mapping[str, int]
    mishaps: Mapping[str, int]
    items: Mapping[str, int]  # attention items that are open in the end, by reason
    differences: list[str]


@dataclass(slots=True)
class Life:
    """One store, one back office, and everybody who works with them.

    Everything that is random comes from ``seed``: the same seed is the same life, to the last call.
    """

    world_type: ClassVar[type[Busy]] = Busy

    seed: int
    config: Config
    odds: Odds = CALM
    adapter: type[Memory] = Memory
    start: dt.datetime = START
    rng: Random = field(init=False)
    world: Busy = field(init=False)
    people: People = field(init=False)
    mishaps: Mishaps = field(init=False)
    acts: Counter[str] = field(default_factory=Counter)
    _posted: list[tuple[dt.datetime, int, str, Body]] = field(default_factory=list)
    _turns: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)
        self.world = self.world_type(
            self.config,
            self.start,
            seed=self.seed,
            adapter=self.adapter,
            trusted=self.odds == CALM or self.rng.random() < 0.8,  # else every create looks first
            polls_store=True,
        )
        stock_up(self.world)
        self.people = People(self.world, self.rng)
        self.mishaps = Mishaps(self.world, self.rng, self.odds, self._meanwhile)
        self.world.store.on_change = self._tell
        self.world.hook = self.mishaps.hook
        self.world.books.faults = self.mishaps.ledger
        self.world.down = self.mishaps.is_off

    @classmethod
    def drawn(cls, seed: int, config: Config, *, rough: bool) -> "Life":
        """A life under drawn rules, with a back office of drawn habits."""
        rng = Random(f"rules {seed}")
        return cls(seed, varied(config, rng), ROUGH if rough else CALM, habit(rng))

    # --- a life -----------------------------------------------------------------

    def play(
        self,
        orders: int,
        *,
        customers: int = 3,
        acts: int = 6,
        told: Callable[[], object] = lambda: None,
    ) -> Report:
        """``orders`` whole lives, with about ``acts`` acts each; then all heals, and is compared.

        ``told`` is called after each order that was placed.
        """
        for _ in range(customers):
            self.people.register()
            self.pass_(self._while())
        for _ in range(orders):
            self.people.place()
            for _ in range(self.rng.randint(0, 2 * acts)):
                self.act()
            told()
        found = self.end()
        return self.report(found)

    def act(self) -> None:
        """Somebody does something, and some time passes."""
        with self.mishaps.left_alone():
            self.people.act()
        self.pass_(self._while())

    def do(self, act: str, which: str) -> None:
        """That act is done to that order or customer, if it can be, and some time passes."""
        with self.mishaps.left_alone():
            self.people.do(act, which)
        self.pass_(self._while())

    def end(self) -> list[str]:
        """All heals; then what differs and nobody was told of, and what is told and is not so."""
        self.heal()
        silent = self._differences(replayed=False)
        self.replay_all()
        self._sleep()
        return silent or self._differences(replayed=True)

    def _differences(self, *, replayed: bool) -> list[str]:
        found = differences(self.world, self.people, replayed=replayed)
        nowhere = self.people.gone.keys() & self.people.left_without_sale.keys()
        return [*found, *stock_differences(self.world, nowhere)]

    def report(self, found: list[str]) -> Report:
        """What became of everything; ``found`` are the differences."""
        ends = Counter(
            "again" if isinstance(end, Again) else end.outcome for _, end in self.world.ends
        )
        items = Counter(item.reason for item in self.world.attention.open())
        done = Counter(what.split()[0] for _, _, what in self.people.said)
        return Report(
            self.seed, len(self.people.orders), done, ends, self.mishaps.count, items, found
        )

    def story(self, which: str) -> str:
        """What was done to the order (``1001``) or customer (``c1``), and what came of it."""
        ref = Ref(self.world.store.name, "customer", which[1:])
        if not which.startswith("c"):
            ref = order_ref(self.world, which)
        said = [(at, f"  {what}") for at, who, what in self.people.said if who == which]
        came = [
            (entry.at, f"    {entry.mark}: {entry.text}") for entry in self.world.journal.of(ref)
        ]
        lines = sorted([*said, *came], key=lambda line: line[0])
        return "\n".join(f"{at:%d %H:%M:%S.%f}"[:-3] + text for at, text in lines)

    # --- time -------------------------------------------------------------------

    def pass_(self, time: dt.timedelta) -> None:
        """The service works for ``time``; webhooks arrive when they do."""
        end = self.world.clock() + time
        while self._posted and self._posted[0][0] <= end:
            self.world.drain_until(self._posted[0][0])
            self._arrive()
        self.world.drain_until(end)

    def _while(self) -> dt.timedelta:
        """Within the same second, within a minute, or some time later."""
        kind = self.rng.random()
        if kind < 0.35:
            return dt.timedelta(milliseconds=self.rng.randrange(900))
        if kind < 0.7:
            return dt.timedelta(seconds=self.rng.randrange(1, 90))
        return dt.timedelta(minutes=self.rng.randrange(2, 30))

    def _tell(self, topic: str, body: Body) -> None:
        """A webhook of the store, which may come late, twice, or never."""
        odds = self.mishaps.odds
        if self.rng.random() < odds.lost:
            self.mishaps.count["webhook lost"] += 1
            return
        for _ in range(2 if self.rng.random() < odds.doubled else 1):
            late = dt.timedelta(milliseconds=self.rng.randrange(1500))
            if self.rng.random() < odds.late:
                late *= self.rng.choice((10, 100, 600))
            post = (self.world.clock() + late, next(self._turns), topic, body)
            heapq.heappush(self._posted, post)

    def _arrive(self) -> bool:
        """The next webhook, if its time has come: meanwhile another may have been faster."""
        if not self._posted or self._posted[0][0] > self.world.clock():
            return False
        _, _, topic, body = heapq.heappop(self._posted)
        self.world.receive(topic, body)
        return True

    def _meanwhile(self) -> None:
        if not self._arrive():
            self.people.act()

    # --- the end ----------------------------------------------------------------

    def heal(self) -> None:
        """Nothing goes wrong any more, and the store tells once more of all that it holds."""
        self.mishaps.odds = CALM
        self.world.books.faults = no_faults
        self.pass_(dt.timedelta(minutes=30))
        while self._posted:
            self.world.drain_until(max(self.world.clock(), self._posted[0][0]))
            self._arrive()
        self.world.drain(_SOON)
        for id_ in self.people.orders:
            self.tell_again("order", id_, self.people.world.store.orders.get(id_))
        for id_ in self.people.customers:
            self.tell_again("customer", id_, self.people.world.store.customers.get(id_))
        self.pass_(dt.timedelta(minutes=5))  # also what the back office tells late
        self.world.drain(_SOON)
        self.pass_(dt.timedelta(minutes=35))  # what was sold is an order's by now, or nobody's
        self._sleep()

    def _sleep(self) -> None:
        """A night: everything is read once."""
        self.world.sweep()
        self.pass_(dt.timedelta(minutes=5))

    def tell_again(self, kind: str, id_: str, document: dict[str, Any] | None) -> None:
        """What a merchant does who saves it once more, or the sweep of all that is gone."""
        if document is None or document.get("status") == "trash":
            self.world.receive(f"{kind}.deleted", {"id": int(id_)})
        elif kind == "order":
            self.world.store.edit(id_)
        else:
            self.world.store.edit_customer(id_)

    def replay_all(self) -> None:
        """A person sends every open item through again, so that those close that are over."""
        for _ in range(2):
            for item in self.world.attention.open():
                if item.subject.startswith(("waiting:", "message:")):
                    continue
                ref = Ref.parse(item.subject)
                aggregate = Ref.parse(item.aggregate) if item.aggregate else None
                change = Change(
                    ref=ref,
                    event=item.event or _EVENTS[ref.kind],
                    seen_at=self.world.clock(),
                    correlation_id=f"replay-{item.id}",
                    replay="somebody",
                    aggregate=aggregate or self._order_of(ref),
                )
                self.world.queue.put(change, sending=f"{item.id}:{next(self._turns)}")
            self.world.drain(_SOON)

    def _order_of(self, ref: Ref) -> Ref | None:
        if ref.system == self.world.store.name:
            return None
        return self.world.links.find(ref)
