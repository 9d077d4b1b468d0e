"""Small lives: few orders, few acts, only the flows that a question needs, healed within an hour.

Nobody saves or replays anything in the end, as in `Life`, so that what one path lost stays lost
where the other paths are switched off.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

from accord.erp.memory.adapter import memory_like
from accord.erp.memory.faults import Fault, no_faults
from accord.local.life import Life
from accord.local.life.mishaps import CALM, ROUGH, Odds
from accord.local.life.rules import varied
from accord.ports.erp import Duplicates
from accord.rules.config import StoreFlows
from tests.sync.conftest import config

MINUTE = dt.timedelta(minutes=1)
MOMENT = dt.timedelta(milliseconds=200)
EDITS = ("pay", "set status", "edit a line", "edit an address", "save")
REFUNDS = ("refund an amount", "refund lines", "refund an amount")
BOOKS = ("orders", "erp_changes", "invoices")

_WRITES = frozenset({"create", "advance", "amend", "void"})
_OF_REFUNDS = frozenset({"waiting", "refunded_unshipped", "refunded_in_part"})  # a person's turn


class SmallLife(Life):
    """A life that heals soon. ``does`` are the acts that people do in it."""

    does: Sequence[str] = ()
    in_between: int = (
        6  # acts at the very moment of a call, of a whole life: each brings more calls
    )

    def _meanwhile(self) -> None:
        """See Life._meanwhile. Nothing that no flow is on for."""
        if not self._arrive() and self.people.orders and self.in_between:
            self.in_between -= 1
            self.people.do(self.rng.choice(self.does), self.people.orders[-1])

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

    def freeze(self, call: str, meanwhile: Callable[[], object]) -> None:
        """The next run that comes to ``call`` stands still there, longer than its lease."""
        hook = self.world.hook

        def stand_still(at: str) -> None:
            hook(at)
            if at == call:
                self.world.hook = hook
                meanwhile()
                self.pass_(3 * MINUTE)

        self.world.hook = stand_still


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
    """Several workers at once, while the merchant goes on editing; nothing fails."""
    odds = Odds(meanwhile=0.25, doubled=0.2)
    life = small(seed, *BOOKS, does=(*EDITS, *EDITS, *REFUNDS), odds=odds)
    life.in_between = 24
    for _ in range(6):
        id_ = life.people.place()
        life.pass_(MOMENT)
        life.do(life.rng.choice(life.does), id_)
    return life.end()


def rapid(seed: int) -> list[str]:
    """Edit upon edit within a second."""
    life = some(small(seed, *BOOKS, does=("pay",)), 2, 1)
    for id_ in life.people.orders * 3:
        for _ in range(2):
            life.people.do("edit a line", id_)
            life.pass_(MOMENT)
    return life.end()


def silence(seed: int) -> list[str]:
    """No webhook arrives; the store is polled."""
    does = ("edit a line", "pay", *REFUNDS)
    life = small(seed, *BOOKS, does=does, odds=Odds(lost=1), polls_store=True)
    some(life, 2, 3)
    first, last = life.people.orders
    life.pass_(10 * MINUTE)
    life.do("edit a line", last)
    life.pass_(5 * MINUTE)
    for _ in range(3):
        life.do("delete a refund", first)
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
    """Nobody polls the back office for a while; then tables fail, and pages are short."""
    life = some(small(seed, "orders", "fulfilment", does=("pay",)), 5, 1)
    with life.unpolled():
        for id_ in life.people.orders:
            life.do("ship", id_)
            life.pass_(3 * MINUTE)
    life.mishaps.odds = Odds(refused=0.1)
    life.pass_(5 * MINUTE)
    return life.end()


def order_backlog(seed: int) -> list[str]:
    """No webhook arrives and nobody polls the store for a while; then as above."""
    life = small(seed, "orders", odds=Odds(lost=1), polls_store=True)
    store: Any = life.world.store
    whole = store.orders_since
    store.orders_since = lambda **asked: whole(**{**asked, "limit": 2})
    life.pass_(3 * MINUTE)
    with life.unpolled():
        for _ in range(5):
            life.people.place()
            life.pass_(4 * MINUTE)
    life.mishaps.odds = Odds(lost=1, refused=0.1)
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
    life.freeze("after erp.stock", lambda: some(life, 1, 1))
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
    """Workers die between any two calls."""
    odds = Odds(killed=0.03)
    return some(small(seed, *BOOKS, does=(*EDITS, *REFUNDS), odds=odds), 2, 4).end()
