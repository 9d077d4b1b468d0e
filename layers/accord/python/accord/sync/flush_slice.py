"""What one run of a flush knows and did of one kind of level."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from accord.errors import AccordError
from accord.ports.levels import Level, LevelKind
from accord.sync.feed import Entry
from accord.sync.outcome import Flushed
from accord.sync.pace import Pace
from accord.sync.refusals import Refusals
from accord.sync.turn import Invocation


@dataclass(frozen=True, slots=True)
class Row:
    """A level, and the id of the product under which it is written; empty for none."""

    level: Level
    parent: str


@dataclass(slots=True)
class Walk:
    """How far the levels that are to be sent were gone through.

    ``begin`` is where the page of ``rows`` began, ``after`` where the next one does. ``orphans``
    are variations whose parents are not there yet; ``last``: they had their second look.
    """

    begin: str = ""
    after: str = ""
    rows: Sequence[Row] = ()
    orphans: int = 0
    last: bool = False


@dataclass(slots=True)
class Slice:
    """One run of one kind."""

    kind: LevelKind
    run: Invocation
    pace: Pace
    refusals: Refusals
    sent: int = 0
    refused: int = 0
    absent: int = 0
    unknown: Decimal = Decimal(0)
    window: dt.timedelta | None = None
    oldest: dt.timedelta | None = None
    trying: Sequence[Row] = ()  # what is on its way right now
    tries: Counter[str] = field(default_factory=Counter)  # of single SKUs that failed
    failing: dict[str, AccordError] = field(default_factory=dict)  # tried often enough
    in_a_row: int = 0
    error: AccordError | None = None
    resolved: set[str] = field(default_factory=set)  # SKUs whose place was asked for anew
    woken: set[LevelKind] = field(default_factory=set)  # kinds of SKUs that have a place by now

    @property
    def moved(self) -> bool:
        """Something went through, or was answered for good."""
        return bool(self.sent or self.refused or self.absent)

    def took(self, entry: Entry, now: dt.datetime) -> None:
        """``entry`` is what the store shows."""
        self.sent += 1
        self.unknown += entry.unknown
        if entry.read_at is not None:
            self.window = max(now - entry.read_at, self.window or dt.timedelta(0))
        if entry.level.as_of is not None:
            self.oldest = max(now - entry.level.as_of, self.oldest or dt.timedelta(0))

    def outcome(self, *, left: bool, also: tuple[Flushed, ...] = ()) -> Flushed:
        return Flushed(
            self.kind,
            self.sent,
            self.refused,
            self.absent,
            self.unknown,
            self.window,
            self.oldest,
            left,
            also,
        )
