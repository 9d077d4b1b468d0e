"""One item's stock on the running stack: what the store offers beside what the warehouse has."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from accord.cli.output import print_table
from accord.local.people import Shopfront, settle
from accord.local.place import STAGE, Place
from accord.local.tryton.desk import Desk

_POLLS = ("recipe", "stock")
_PIECES = 2
_COUNTED = 300
_RECEIVED = 25


@dataclass(frozen=True, slots=True)
class Stocked:
    """What somebody did with an item; then what the store offers, and what is free in the books.

    ``promised`` are pieces of orders that the books have not reserved.
    """

    who: str
    did: str
    offered: int
    free: int
    promised: int

    @property
    def agree(self) -> bool:
        """The store offers what is free and promised to nobody."""
        return self.offered == max(0, self.free - self.promised)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def stocked(
    front: Shopfront, desk: Desk, item: str, progress: Callable[[str], None]
) -> list[Stocked]:
    """The warehouse counts, goods come in, a shopper buys."""
    place = front.place
    steps = []
    for who, did, act in _acts(front, desk, item):
        progress(f"{who} {did}")
        act()
        settle(place, polls=_POLLS)
        offered = (front.product(item) or {})["stock_quantity"]
        steps.append(Stocked(who, did, offered, *_books(place, item)))
    return steps


def _acts(
    front: Shopfront, desk: Desk, item: str
) -> Iterator[tuple[str, str, Callable[[], object]]]:
    sale: dict[str, Any] = {"status": "processing", "set_paid": True, "payment_method": "cod"}
    yield "the warehouse", f"counts {_COUNTED} {item}", lambda: desk.count(item, _COUNTED)
    yield "the warehouse", f"receives {_RECEIVED}", lambda: desk.receive(item, _RECEIVED)
    _let_a_second_pass(front, item)
    yield "a shopper", f"buys {_PIECES}", lambda: front.order({item: _PIECES}, **sale)


def _let_a_second_pass(front: Shopfront, item: str) -> None:
    """What is sold in the very second of a write counts as written over, and is set aside for half
    an hour: the store does not say which came first. Nobody here waits for that."""
    changed = dt.datetime.fromisoformat((front.product(item) or {})["date_modified_gmt"])
    over = changed.replace(tzinfo=dt.UTC, microsecond=0) + dt.timedelta(seconds=1)
    time.sleep(max(0.0, (over - dt.datetime.now(dt.UTC)).total_seconds()))


def _books(place: Place, item: str) -> tuple[int, int]:
    """(free, promised) of the item."""
    from accord.state.levels import DynamoLevels

    store = place.config["stores"][place.store_name]
    books = place.back_office()
    (snapshot,) = books.stock([books.find_items([item])[item]], store["stock"]["locations"])
    levels = DynamoLevels(place.stack.client("dynamodb"), f"accord-{STAGE}-levels")
    holding = levels.holdings(store["erp"], [item]).get(item)
    taken = holding.taken if holding is not None else Decimal(0)
    return int(sum(snapshot.free.values())), int(taken)


def show(item: str, steps: list[Stocked]) -> None:
    """The steps as a table."""
    print_table(
        f"The stock of {item}",
        ["what happens", "the store offers", "", "the books have free"],
        [
            [
                f"{step.who} {step.did}",
                step.offered,
                "=" if step.agree else "≠",
                f"{step.free}, {step.promised} promised" if step.promised else step.free,
            ]
            for step in steps
        ],
    )
