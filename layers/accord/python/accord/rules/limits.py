"""accord.toml on what a connection bears: when it may be asked, how much, and for whom first."""

import datetime as dt
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from accord.model.documents import Kind
from accord.rules.table import Table, wrong

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Share = Literal["orders", "customers", "catalogue", "polls"]
"""What calls are made for. `orders`: orders, refunds, and what becomes of them; `polls`: asking
what changed of them and of customers; `catalogue`: items, stock and prices."""

NEWS = frozenset({Kind.SALES_ORDER, Kind.SHIPMENT, Kind.INVOICE, Kind.PARTY})
"""What is asked for under `polls`, each time."""


def zone(name: str) -> str:
    """``name``. Raises: PydanticCustomError: there is no such time zone."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise wrong(
            f"there is no time zone {name!r}", "Use a name like Europe/London or UTC."
        ) from error
    return name


class Maintenance(Table):
    """Hours in which a connection is left alone. What comes up meanwhile waits."""

    days: tuple[Day, ...] = DAYS
    """The days on which it begins."""
    from_: dt.time = Field(alias="from")
    """When it begins, by the clock on the wall: "02:00"."""
    to: dt.time
    """When it is over; not later than `from` is on the next day."""
    time_zone: Annotated[str, AfterValidator(zone)] | None = None
    """Whose clock. None: the back office's time zone, for a store that of its back office."""

    @model_validator(mode="after")
    def _is_some_hours(self) -> "Maintenance":
        if self.from_ == self.to:
            raise wrong(
                f"the hours begin and end at {self.to:%H:%M}, which is none or a whole day",
                "Give another time for one of them. `accord pause` leaves it alone for longer.",
            )
        if self.from_.tzinfo is not None or self.to.tzinfo is not None:
            raise wrong(
                "a time with an offset is wrong for half of the year",
                'Write the time on the wall, "02:00", and the time zone beside it.',
            )
        return self

    @field_validator("days")
    @classmethod
    def _each_once(cls, days: tuple[Day, ...]) -> tuple[Day, ...]:
        if not days:
            raise wrong("no day is named", "Name one at least, or leave days out for all of them.")
        if len(set(days)) < len(days):
            raise wrong("a day is named twice", "Name each day once.")
        return days


NUMBERS = ("at_once", "per_minute", "per_day")
"""What may be limited."""


class Limits(Table):
    """What a back office bears. Without a number there is its maker's, or no limit; what has none
    is not counted."""

    at_once: int | None = Field(default=None, ge=1, le=1000)
    """Changes that may be worked on there at the same time: one less than it allows."""
    per_minute: int | None = Field(default=None, ge=1)
    """Calls in one minute."""
    per_day: int | None = Field(default=None, ge=1)
    """Calls in one day of the back office's time zone."""
    shares: Mapping[Share, Annotated[Decimal, Field(ge=0, le=1)]] = {"orders": Decimal("0.6")}
    """Parts of the day's calls that are kept for some: nobody else gets them. The rest is for
    whoever comes first."""
    expected_orders_per_day: int | None = Field(default=None, ge=1)
    """On a busy day. Only to compute, before anything is deployed, whether the calls suffice."""

    @field_validator("shares")
    @classmethod
    def _at_most_all(cls, shares: Mapping[Share, Decimal]) -> Mapping[Share, Decimal]:
        total = sum(shares.values())
        if total > 1:
            said = " + ".join(f"{share} for {name}" for name, share in shares.items())
            raise wrong(f"{said} is {total}", "Keep the sum of the shares at 1 or below.")
        return shares

    @property
    def count(self) -> bool:
        """Whether anything has to be counted."""
        return any(each is not None for each in (self.at_once, self.per_minute, self.per_day))

    def over(self, usual: "Limits") -> "Limits":
        """The same, with the numbers of ``usual`` where none is named."""
        named = {name: getattr(self, name) for name in NUMBERS}
        filled = {name: getattr(usual, name) for name, own in named.items() if own is None}
        return self.model_copy(update=filled)

    def keeping_polls(self, calls: int) -> "Limits":
        """The same, with so many ``calls`` a day kept for `polls`, or as much as the other shares
        leave; whoever names that share decides by themselves."""
        if self.per_day is None or "polls" in self.shares:
            return self
        needed = Decimal(calls) / self.per_day
        rest = 1 - sum(self.shares.values())
        share = min(needed.quantize(Decimal("1e-9"), ROUND_CEILING), rest)
        return self.model_copy(update={"shares": {**self.shares, "polls": share}})


@dataclass(frozen=True, slots=True)
class Usual:
    """What is known of a kind of back office: the ``limits`` that its maker sets, and how many
    calls one look at what changed takes, by kind, when it is nothing or little. ``looks`` names
    every kind that it can be asked of; None: any, at one call each."""

    limits: Limits = field(default_factory=Limits)
    looks: Mapping[Kind, int] | None = None

    def calls(self, kinds: Iterable[Kind]) -> int:
        """Of one look at each of ``kinds``."""
        return sum(1 if self.looks is None else self.looks.get(kind, 0) for kind in kinds)


@dataclass(frozen=True, slots=True)
class Bears:
    """What one connection of accord.toml bears. ``zone``: its time zone."""

    maintenance: tuple[Maintenance, ...] = ()
    limits: Limits | None = None  # None: nothing is counted
    zone: str = "UTC"


CALLS: Mapping[str, tuple[Share, int]] = {
    "order_created": ("orders", 7),
    "order_updated": ("orders", 7),
    "refund_issued": ("orders", 11),
    "order_fulfilled": ("orders", 3),
    "invoice_posted": ("orders", 4),
    "order_changed_in_erp": ("orders", 3),
    "customer_changed": ("customers", 4),
    "product_updated": ("catalogue", 4),
}
"""Event → what its calls are made for, and how many it takes beforehand. What was not needed is
given back, what is needed beyond that is taken as it comes."""

CALLS_PER_ORDER = 12
"""Of one order's whole life, shipped and invoiced, with a refund now and then."""

CALLS_PER_POLL = 1
"""Taken before a look at what changed of one kind; what it needs beyond, as it comes: ``Usual``."""
