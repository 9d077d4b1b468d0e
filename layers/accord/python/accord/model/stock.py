"""How much there is of an item, what it is made of, and who has a claim on it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a back office had free of one item, by location, read no earlier than ``as_of``.

    Free is what is there and not promised to a sales order that the back office has reserved for.
    It may be negative. Of a kit it is what the back office itself computes, if it does.
    """

    item: str  # its code
    free: Mapping[str, Decimal]  # by location's code
    as_of: dt.datetime  # our clock, taken before the back office was asked


@dataclass(frozen=True, slots=True)
class Recipe:
    """What ``output`` pieces of an item are made of: (item code, quantity).

    A ``kit`` is never stocked: it is sold as one and shipped as its parts. A ``bom`` is built.
    """

    item: str
    inputs: tuple[tuple[str, Decimal], ...]
    output: Decimal = Decimal(1)
    kind: Literal["kit", "bom"] = "bom"


@dataclass(frozen=True, slots=True)
class Holding:
    """One item of a back office, and the claims on it.

    ``taken`` is what open demand and holds claim of it, also through what it is a part of;
    ``held`` the part of ``taken`` that are holds, by store. ``basis`` grows with every new
    ``free``. ``as_of`` is None before the first snapshot: then nothing is known, and nothing sold.
    """

    item: str
    free: Mapping[str, Decimal] = field(default_factory=dict)
    as_of: dt.datetime | None = None
    taken: Decimal = Decimal(0)
    held: Mapping[str, Decimal] = field(default_factory=dict)
    basis: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """A hold may go through if ``item``'s ``taken`` is then at most ``most``, and its ``basis`` is
    still the one that this was computed of."""

    item: str
    most: Decimal
    basis: int
