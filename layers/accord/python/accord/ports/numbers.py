"""Finding a back office's documents by what people call them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from accord.model.documents import Kind, Record


@dataclass(frozen=True, slots=True)
class Numbered:
    """A document with its own ``record.number``, the other side's number that it bears as its
    reference, and its day in the company's calendar."""

    record: Record
    reference: str = ""
    placed_on: dt.date | None = None


@runtime_checkable
class Numbers(Protocol):
    """What an ``ErpAdapter`` may do beside its port."""

    def numbered(self, kind: Kind, numbers: Sequence[str]) -> Sequence[Numbered]:
        """Every document of ``kind`` (sales orders) whose own number or reference is one of
        ``numbers`` (100 at the most). One call."""
        ...
