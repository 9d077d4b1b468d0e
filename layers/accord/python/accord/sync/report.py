"""What a reconcile came to: totals by day, differences, what is in hand, what was compared. Pure.

It is added to page by page and kept as JSON between slices, so it stays small however much is
compared: a line per day and currency, and no more than ``MOST`` differences; the rest is counted.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any, Self

from accord.errors import Owner
from accord.model.documents import Totals
from accord.model.money import Money
from accord.sync.difference import KINDS, REASONS, Difference, InHand, Kind, Reason

MOST = 5000
_IN_HAND = 1000  # lines of it; the rest is counted


@dataclass(slots=True)
class Sums:
    """One side's documents of one day, in one currency."""

    count: int = 0
    net: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)
    gross: Decimal = Decimal(0)
    refunded: Decimal = Decimal(0)

    def add(self, totals: Totals, refunded: Decimal) -> None:
        self.count += 1
        self.net += totals.net.amount
        self.tax += totals.tax.amount
        self.gross += totals.gross.amount
        self.refunded += refunded

    def plus(self, other: "Sums") -> "Sums":
        return Sums(
            self.count + other.count,
            self.net + other.net,
            self.tax + other.tax,
            self.gross + other.gross,
            self.refunded + other.refunded,
        )

    @property
    def amounts(self) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        return self.net, self.tax, self.gross, self.refunded

    def to_json(self) -> list[Any]:
        return [self.count, *map(str, self.amounts)]

    @classmethod
    def from_json(cls, data: list[Any]) -> Self:
        return cls(int(data[0]), *(Decimal(each) for each in data[1:]))


@dataclass(slots=True)
class Day:
    """Both sides of one day, in one currency. Refunds count on the day of their order."""

    store: Sums = field(default_factory=Sums)
    erp: Sums = field(default_factory=Sums)

    @property
    def agrees(self) -> bool:
        """Count, total and refunds are alike; tax may be a cent off where rounding has a line."""
        return (self.store.count, self.store.gross, self.store.refunded) == (
            self.erp.count,
            self.erp.gross,
            self.erp.refunded,
        )


@dataclass(slots=True, kw_only=True)
class Report:
    """Of one run over one store. ``erps`` are the back offices that it was compared with.

    ``since`` is the first day of orders, ``full`` whether that is the day that the store went live.
    ``compared`` counts what was looked at by what it is, ``calls`` the questions asked of each
    side, ``skipped`` what was not to be compared by why. ``shadow`` are the kinds whose flow
    writes nothing, of which nothing is repaired.
    """

    store: str
    erps: tuple[str, ...]
    run: str
    begun: dt.datetime
    since: dt.date
    by: str
    full: bool = False
    repair: bool = False
    stage: str = ""
    ended: dt.datetime | None = None
    kinds: tuple[Kind, ...] = KINDS
    shadow: tuple[Kind, ...] = ()
    days: dict[tuple[str, str], Day] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    in_hand: list[InHand] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)  # how often, kept or not
    repaired: int = 0  # a change is on its way, or the link was rebuilt
    relinked: int = 0
    in_hand_count: int = 0
    unlinked: int = 0  # in hand, and without a link
    compared: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    recovery: str = ""  # what is said of recovery, empty where our tables are trusted
    _met: set[tuple[str, str, str, str]] = field(default_factory=set, repr=False)

    # --- adding ----------------------------------------------------------------

    def knows(self, difference: Difference) -> bool:
        """Whether it was met before."""
        return difference.identity in self._met

    def add(self, difference: Difference) -> None:
        """Counts it, and keeps it while there is room."""
        self._met.add(difference.identity)
        self.reasons[difference.reason] += 1
        self.repaired += difference.repaired
        if len(self.differences) < MOST:
            self.differences.append(difference)

    def add_in_hand(self, one: InHand) -> None:
        self.in_hand_count += 1
        if len(self.in_hand) < _IN_HAND:
            self.in_hand.append(one)

    def count(
        self, side: str, day: dt.date | None, totals: Totals, refunded: Money | None = None
    ) -> None:
        """A document of ``side`` (``store``, ``erp``) that stands."""
        name = day.isoformat() if day is not None else "no day"
        at = self.days.setdefault((name, totals.gross.currency), Day())
        sums = at.store if side == "store" else at.erp
        sums.add(totals, refunded.amount if refunded is not None else Decimal(0))

    # --- asking ----------------------------------------------------------------

    @property
    def found(self) -> int:
        """How many differences, repaired ones too."""
        return sum(self.reasons.values())

    @property
    def left(self) -> int:
        """How many stand: those of which no repair is on its way."""
        return self.found - self.repaired

    @property
    def agrees(self) -> bool:
        return not self.found

    def by_owner(self) -> list[tuple[Owner, Reason, list[Difference]]]:
        """(owner, reason, its differences), owners and reasons in the order of REASONS."""
        owners = list(dict.fromkeys(meaning.owner for meaning in REASONS.values()))
        found = []
        for owner in owners:
            for reason, meaning in REASONS.items():
                of = [each for each in self.differences if each.reason == reason]
                if of and meaning.owner == owner:
                    found.append((owner, reason, of))
        return found

    def totals(self) -> dict[str, Day]:
        """By currency, of all days."""
        found: dict[str, Day] = {}
        for (_, currency), day in self.days.items():
            so_far = found.get(currency, Day())
            found[currency] = Day(so_far.store.plus(day.store), so_far.erp.plus(day.erp))
        return found

    # --- JSON ------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Plain values; ``from_json`` reads them."""
        return {
            "version": 1,
            "store": self.store,
            "erps": list(self.erps),
            "stage": self.stage,
            "run": self.run,
            "by": self.by,
            "begun": self.begun.isoformat(),
            "ended": self.ended.isoformat() if self.ended else None,
            "since": self.since.isoformat(),
            "full": self.full,
            "repair": self.repair,
            "kinds": list(self.kinds),
            "shadow": list(self.shadow),
            "found": self.found,
            "left": self.left,
            "repaired": self.repaired,
            "relinked": self.relinked,
            "reasons": dict(self.reasons),
            "compared": dict(self.compared),
            "skipped": dict(self.skipped),
            "calls": dict(self.calls),
            "recovery": self.recovery,
            "days": [
                [*key, day.store.to_json(), day.erp.to_json()]
                for key, day in sorted(self.days.items())
            ],
            "differences": [each.to_json() for each in self.differences],
            "in_hand_count": self.in_hand_count,
            "unlinked": self.unlinked,
            "in_hand": [asdict(each) for each in self.in_hand],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        report = cls(
            store=data["store"],
            erps=tuple(data["erps"]),
            stage=data.get("stage", ""),
            run=data["run"],
            by=data["by"],
            begun=dt.datetime.fromisoformat(data["begun"]),
            ended=dt.datetime.fromisoformat(data["ended"]) if data["ended"] else None,
            since=dt.date.fromisoformat(data["since"]),
            full=data["full"],
            repair=data["repair"],
            kinds=tuple(data["kinds"]),
            shadow=tuple(data["shadow"]),
            repaired=data["repaired"],
            relinked=data["relinked"],
            reasons=Counter(data["reasons"]),
            compared=Counter(data["compared"]),
            skipped=Counter(data["skipped"]),
            calls=Counter(data["calls"]),
            recovery=data["recovery"],
            in_hand_count=data["in_hand_count"],
            unlinked=data["unlinked"],
            in_hand=[
                InHand(**{each.name: held[each.name] for each in fields(InHand)})
                for held in data["in_hand"]
            ],
            differences=[Difference.from_json(each) for each in data["differences"]],
        )
        for day, currency, store, erp in data["days"]:
            report.days[day, currency] = Day(Sums.from_json(store), Sums.from_json(erp))
        report._met = {each.identity for each in report.differences}
        return report
