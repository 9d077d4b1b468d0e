"""What proves the journal: its pages, the heads of each day, and where those are sealed."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from accord.model.chain import Head, Page


class Pages(Protocol):
    """The journal as a chain of pages per ref."""

    def pages(self, ref: str) -> Sequence[Page]:
        """The ref's chain by page number, as it is stored."""
        ...

    def before_chain(self, ref: str) -> Sequence[dt.datetime]:
        """The times of entries that an earlier release told, without a chain."""
        ...

    def heads(self, day: dt.date, part: str) -> Iterator[Head]:
        """The last page of that day of every ref of ``part`` that was told of. Kept for 40 days."""
        ...

    def head(self, day: dt.date, ref: str) -> Head | None:
        """The ref's own of that day."""
        ...

    def refs(self) -> Iterator[str]:
        """Every ref with a story, each once. Reads the whole journal: for an auditor only."""
        ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was sealed first under a name; ``touched`` once somebody wrote or deleted it again."""

    text: str
    touched: bool = False


class Seals(Protocol):
    """Texts that can be written once, and not be changed for as long as the law asks."""

    def put(self, name: str, text: str) -> str:
        """What is kept under ``name`` now: ``text``, or what was there before."""
        ...

    def get(self, name: str) -> str | None:
        """What is kept under ``name``."""
        ...

    def names(self, folder: str, *, after: str) -> Sequence[str]:
        """The names in ``folder`` behind ``after``, sorted; a thousand at most."""
        ...

    def first(self, name: str) -> Sealed | None:
        """What was kept first, whatever was done with the name since."""
        ...
