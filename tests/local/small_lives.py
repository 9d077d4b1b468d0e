"""Small lives: few orders, few acts, only the flows that a question needs, healed within an hour.

Nobody saves or replays anything in the end, as in `Life`, so that what one path lost stays lost
where the other paths are switched off.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

from accord.erp.memory.adapter import memory_like
from accord.erp.memory.faults import Fault, no_faults
from accord.errors import UnavailableError
from accord.local.life import Life
from accord.local.life.mishaps import CALM, ROUGH, Odds
from accord.local.life.rules import varied
from accord.local.simulate.edge import LOOKS, Edge
from accord.local.store.deliveries import Body
from accord.ports.erp import Duplicates
from accord.rules.config import StoreFlows
from tests.sync.conftest import config

MINUTE = dt.timedelta(minutes=1)
MOMENT = dt.timedelta(milliseconds=200)
EDITS = ("pay", "set status", "edit a line", "edit an address", "save")
REFUNDS = ("refund an amount", "refund lines", "refund an amount")
CLOSED = ("refunded", "completed", "cancelled", "failed")
BOOKS = ("orders", "erp_changes", "invoices")

_WRITES = frozenset({"create", "advance", "amend", "void"})
_WRITTEN = (
    "before erp.create",
    "after erp.create",
    "after erp.advance",
    "after erp.amend",
    "after erp.settle",
    "after links.save",
    "after store.add_note",
)
_OF_REFUNDS = frozenset({"waiting", "refunded_unshipped", "refunded_in_part"})  # a person's turn


class SmallLife(Life):
    """A life that heals soon. ``does`` are the acts that people do in it."""

    does: Sequence[str] = ()
    edge: Edge | None = None  # by which the webhooks go, and who looks after them
    in_between: int = (
        6  # acts at the very moment of a call, of a whole life: each brings more calls
    )

    def _meanwhile(self) -> None:
        """See Life._meanwhile. Nothing that no flow is on for."""
        if not self._arrive() and self.people.orders and self.in_between:
            self.in_between -= 1
            self.people.do(self.rng.choice(self.does), self.people.orders[-1])

    def _tell(self, topic: str, body: Body) -> None:
        """See Life._tell. What does not get through the edge is not sent again."""
        if self.edge is None or self.edge.arrives(topic, body.id):
            super()._tell(topic, body)

    def look(self) -> None:
        """Some minutes later, somebody looks after the webhooks."""
        assert self.edge is not None, "it has no edge"
        self.pass_(LOOKS)
        self.edge.look()

    @contextmanager
    def unanswered(self) -> Iterator[None]:
        """The receiver answers nobody meanwhile."""
        assert self.edge is not None, "it has no edge"
        begin = self.world.clock()
        self.edge.deaf.append((begin, begin + dt.timedelta(days=1)))
        yield
        self.edge.deaf[-1] = begin, self.world.clock()

    def heal(self) -> None:
        """See Life.heal."""
        self.mishaps.odds = CALM
        self.world.books.faults = no_faults
        while self._posted:
            self.pass_(max(self._posted[0][0] - self.world.clock(), MINUTE))
        self.pass_(45 * MINUTE)

    def end(self) -> list[str]:
        """See Life.end."""
        self.heal()
        return self._differences(replayed=False)

    @contextmanager
    def unpolled(self) -> Iterator[None]:
        """No schedule runs meanwhile."""
        world: Any = self.world
        world.poll = lambda: True
        yield
        del world.poll

    def at(self, call: str, meanwhile: Callable[[], object], *, event: str = "") -> None:
        """What happens when a run, of ``event`` if there is one, next comes to ``call``."""
        hook = self.world.hook

        def happen(at: str) -> None:
            hook(at)
            if at == call and event in {"", self._event()}:
                self.world.hook = hook
                meanwhile()

        self.world.hook = happen

    def freeze(self, call: str, meanwhile: Callable[[], object]) -> None:
        """The next run that comes to ``call`` stands still there, longer than its lease."""

        def stand_still() -> None:
            meanwhile()
            self.pass_(3 * MINUTE)

        self.at(call, stand_still)

    def mostly_die(self, calls: Sequence[str], share: float) -> None:
        """Workers die at ``calls``, such a ``share`` of them, twice over one change at the most."""
        hook, rng = self.world.hook, Random(self.seed)

        def die(at: str) -> None:
            hook(at)
            may = at in calls and self._event() and self.mishaps.odds is not CALM
            if may and rng.random() < share:
                self.mishaps.kill(at)

        self.world.hook = die

    def refuse(self, call: str, turn: int) -> None:
        """Of the runs that come to ``call``, the one whose ``turn`` it is gets no answer there."""

        def refused() -> None:
            if turn:
                self.refuse(call, turn - 1)
                return
            raise UnavailableError(f"{call}: no answer", sent=False, connection="aws")

        self.at(call, refused)

    def edit(self, id_: str) -> None:
        """The merchant edits a line, a second after whatever was before; its webhook comes soon."""
        self.world.clock.now += dt.timedelta(seconds=1)
        with self.mishaps.left_alone():
            self.people.do("edit a line", id_)
        self.world.clock.now += dt.timedelta(seconds=2)

    def hear(self, topic: str = "") -> None:
        """The webhooks come whose time has come, up to the next of ``topic``; another worker takes
        in hand what they say."""
        came = ""
        while self._posted and (not came or came != topic):
            came = self._posted[0][2]
            if not self._arrive():
                break
            self.world.work()

    def _event(self) -> str:
        """What the run in hand is about, nothing for a poll's."""
        running = self.world.running
        change = running[-1][1] if running else None
        return change.event if change is not None else ""


def small(
    seed: int,
    *flows: str,
    does: Sequence[str] = (),
    odds: Odds = CALM,
    duplicates: Duplicates = "possible",
    polls_store: bool = False,
    **lags: dt.timedelta,
) -> SmallLife:
    """A life with only these flows on, under rules of ``seed``. ``lags``: see ``memory_like``."""
    rules = varied(config(), Random(seed))
    name, store = next(iter(rules.stores.items()))
    table = {each: "on" if each in flows else "off" for each in StoreFlows.model_fields}
    store = store.model_copy(update={"flows": StoreFlows.model_validate(table)})
    rules = rules.model_copy(update={"stores": {name: store}})
    life = SmallLife(seed, rules, odds, memory_like(duplicates, **lags))
    life.world.polls_store = polls_store
    life.does = does
    return life


def some(life: SmallLife, orders: int, acts: int) -> SmallLife:
    """So many orders are placed, and to each so many acts are done."""
    for _ in range(orders):
        id_ = life.people.place()
        life.pass_(life._while())
        for _ in range(acts):
            life.do(life.rng.choice(life.does), id_)
    return life


# --- the scenarios: seed -> what differs when all is healed ------------------


def mishaps(seed: int) -> list[str]:
    """Workers die, tables and back office fail or answer late, people act meanwhile."""
    odds = replace(ROUGH, lost=0, outage=0, killed=0.01, ledger=0.06, meanwhile=0.03)
    life = small(seed, *BOOKS, does=(*EDITS, *REFUNDS, *REFUNDS), odds=odds)
    return some(life, 2, 4).end()


def crowd(seed: int) -> list[str]:
    """Orders are edited while a worker makes their documents, and another one hears of it."""
    life = small(seed, *BOOKS, does=("edit a line",), odds=Odds(doubled=0.2))
    for call in ("before erp.create", "after erp.create", "after erp.advance"):
        id_ = life.people.place()

        def meanwhile(id_: str = id_) -> None:
            life.edit(id_)
            life.hear()

        life.at(call, meanwhile, event="order_created")
        life.pass_(2 * MINUTE)
    return life.end()


def overtaken(seed: int) -> list[str]:
    """A refund's turn sees two edits of its order, and writes the newer one; before it has written
    that down, another worker hears of the older one."""
    life = some(small(seed, "orders", "invoices", does=("pay",), odds=Odds()), 3, 1)
    life.pass_(5 * MINUTE)
    for id_ in life.people.orders:

        def edit_twice(id_: str = id_) -> None:
            life.edit(id_)
            life.edit(id_)
            for call in ("after erp.amend", "after erp.create"):
                life.at(call, lambda: life.hear("order.updated"), event="refund_issued")

        life.people.do("refund an amount", id_)
        life.at("before store.get_order", edit_twice, event="refund_issued")
        life.pass_(5 * MINUTE)
    return life.end()


def rapid(seed: int) -> list[str]:
    """Edit upon edit within a second; each is told at once."""
    life = some(small(seed, *BOOKS, does=("pay",)), 2, 1)
    life.world.store.on_change = life.world.receive
    for id_ in life.people.orders * 2:
        life.world.clock.now = life.world.clock().replace(microsecond=0) + 2 * MINUTE
        for _ in range(2):
            life.people.do("edit a line", id_)
            life.pass_(MOMENT)
    return life.end()


def silence(seed: int) -> list[str]:
    """No webhook arrives; the store is polled. Of orders that are closed the night tells, not the
    poll, where something changes that moves no date."""
    does = ("edit a line", "pay", *REFUNDS)
    life = small(seed, *BOOKS, does=does, odds=Odds(lost=1), polls_store=True)
    some(life, 2, 3)
    first, last = life.people.orders
    life.pass_(10 * MINUTE)
    life.do("edit a line", last)
    life.pass_(5 * MINUTE)
    for _ in range(3):
        if life.world.store.orders[first]["status"] not in CLOSED:
            life.do("delete a refund", first)
    return life.end()


def switched_off(seed: int) -> list[str]:
    """Nobody answers at the receiver for a while, so that the store switches webhooks off; they are
    mended, and once more there is no answer. What was missed is saved again by the merchant, within
    minutes. Nobody polls the store."""
    life = small(seed, "orders", does=("edit a line",), odds=Odds())
    life.edge = Edge(life.world, life.mishaps, Random(seed))
    life.look()
    some(life, 2, 0)
    with life.unanswered():
        for id_ in life.people.orders * 4:
            life.edit(id_)
    assert life.edge.hook_of("order.updated") is None, "the store has switched it off"
    life.look()
    with life.unanswered():
        life.edit(life.people.orders[0])
    for id_ in life.people.orders:
        life.do("edit a line", id_)
        life.do("save", id_)
    return life.end()


def restore(seed: int) -> list[str]:
    """All tables are lost half-way, and the merchant saves every order once more."""
    life = some(small(seed, *BOOKS, does=(*EDITS, *REFUNDS)), 2, 2)
    life.pass_(30 * MINUTE)
    life.world.trusted = False
    life.world.forget()
    for id_ in life.people.orders:
        life.do("save", id_)
    return life.end()


def parcels(seed: int) -> list[str]:
    """Orders are shipped in parts; some changes of the back office are told a minute late."""
    flows = ("orders", "fulfilment")
    life = some(small(seed, *flows, does=("pay",), news_lag=MINUTE), 3, 1)
    for _ in range(4):
        for id_ in life.people.orders:
            life.do("ship", id_)
    return life.end()


def parcel_backlog(seed: int) -> list[str]:
    """Nobody polls the back office for a while; then one of many messages cannot be queued."""
    life = some(small(seed, "orders", "fulfilment", does=("pay",)), 5, 1)
    with life.unpolled():
        for id_ in life.people.orders:
            life.do("ship", id_)
            life.pass_(3 * MINUTE)
    life.refuse("before queues.put", seed % 4)
    life.pass_(5 * MINUTE)
    return life.end()


def order_backlog(seed: int) -> list[str]:
    """No webhook arrives and nobody polls the store for a while; then as above."""
    life = small(seed, "orders", odds=Odds(lost=1), polls_store=True)
    store: Any = life.world.store
    whole = store.orders_since
    store.orders_since = lambda **asked: whole(**{**asked, "limit": 4})
    life.pass_(3 * MINUTE)
    with life.unpolled():
        for _ in range(6):
            life.people.place()
            life.pass_(4 * MINUTE)
    life.refuse("before queues.put", seed % 3)
    life.pass_(10 * MINUTE)
    return life.end()


def shelves(seed: int) -> list[str]:
    """What is sold is taken from the stock, whatever becomes of the order."""
    odds = Odds(killed=0.02, refused=0.01)
    life = small(seed, "orders", "stock", does=(*EDITS, "cancel"), odds=odds)
    some(life, 2, 2).heal()
    life._sleep()  # what a killed poll of the stock had read is read again in the night
    return life.end()


def frozen(seed: int) -> list[str]:
    """A poll stands still with what it read of the stock, and another overtakes it."""
    life = small(seed, "orders", "stock", "fulfilment", does=("ship", "pay"))
    some(life, 1, 0)
    life.pass_(3 * MINUTE)
    life.freeze("after erp.stock", lambda: life.edit(life.people.orders[-1]))
    some(life, 1, 0)
    return life.end()


def cents(seed: int) -> list[str]:
    """Amounts are given back that no line names: nobody is to be asked about a cent."""
    life = some(small(seed, *BOOKS, does=("refund an amount", "refund lines")), 3, 3)
    found = life.end()
    asked = {item.reason for item in life.world.attention.open()} - _OF_REFUNDS
    return found + [f"asked: {reason}" for reason in sorted(asked)]


def late_answers(seed: int) -> list[str]:
    """The back office gives up, and does what it was asked for all the same a little later."""
    life = small(seed, *BOOKS, does=(*EDITS, *REFUNDS))
    rng = Random(seed)

    def late(operation: str) -> Fault | None:
        if operation not in _WRITES or rng.random() < 0.6:
            return None
        return Fault("late", dt.timedelta(seconds=rng.randrange(5, 25)))

    life.world.books.faults = late
    return some(life, 2, 3).end()


def deaths(seed: int) -> list[str]:
    """Workers die as soon as something was written."""
    life = small(seed, *BOOKS, does=(*EDITS, *REFUNDS), odds=Odds(doubled=0.2))
    life.mostly_die(_WRITTEN, 0.25)
    return some(life, 2, 4).end()


def late_refunds(seed: int) -> list[str]:
    """As above, of refunds alone."""
    life = some(small(seed, *BOOKS, does=("pay",)), 2, 1)
    life.pass_(5 * MINUTE)
    late = Fault("late", dt.timedelta(seconds=15))
    turns = itertools.cycle((None, late, late, None, None))
    life.world.books.faults = lambda operation: next(turns) if operation == "create" else None
    for id_ in life.people.orders * 2:
        life.do("refund an amount", id_)
    return life.end()
