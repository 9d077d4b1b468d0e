"""What a back office holds of one order of ours, as a listing of many shows it."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from accord.model.documents import Record, State
from accord.model.keys import first_generation
from accord.model.money import Money


@dataclass(frozen=True, slots=True)
class Sale:
    """A sales order under a key of ours, with what hangs on it.

    ``credits`` are its credit notes, totals positive, those of people too; their ``key`` is None.
    ``payments`` is the money that we recorded, below zero where it was given back. Of an order that
    was made anew both may stand at any of its sales.
    """

    record: Record
    placed_on: dt.date | None
    credits: tuple[Record, ...] = ()
    payments: tuple[Record, ...] = ()

    @property
    def order_key(self) -> str:
        """The order's key, whichever of its documents this is."""
        return first_generation(self.record.key or "")

    @property
    def place(self) -> str:
        """Behind which a listing goes on."""
        day = self.placed_on.isoformat() if self.placed_on is not None else ""
        return f"{day}/{self.record.ref.id}"

    @property
    def stands(self) -> bool:
        return self.record.state is not State.VOIDED


def place_of(text: str) -> tuple[dt.date, int]:
    """The day and the number that ``Sale.place`` wrote. Raises: ValueError: it did not."""
    day, _, id_ = text.partition("/")
    return dt.date.fromisoformat(day), int(id_)


def booked(records: Iterable[Record]) -> list[Record]:
    """Those that count in the books, each once."""
    return list({each.ref: each for each in records if each.state is State.CONFIRMED}.values())


def gross(records: Iterable[Record], currency: str) -> Money:
    """Their sum. Raises: ValueError: one is in another currency."""
    return Money.total((each.totals.gross for each in records if each.totals is not None), currency)
