"""Whether what a back office bears suffices, and whether maintenance leaves any time. Arithmetic.

Calls a day are those of the schedules, which come whatever happens, and those of the orders that
are expected on a busy day. A back office that calls us does so for what we write as well, and is
looked at then.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from accord.model.documents import Kind
from accord.rules import check_flows
from accord.rules.config import Config, Erp
from accord.rules.limits import CALLS_PER_ORDER, NEWS, Limits, Share, Usual
from accord.rules.problem import Abilities, Path, Problem
from accord.rules.usage import reserve
from accord.rules.windows import always

_MINUTES = 24 * 60
_ITEMS = {
    Kind.ITEM: "products",
    Kind.STOCK: "stock",
    Kind.RECIPE: "stock",
    Kind.PRICE: "prices",
}
_BUSIEST_HOUR = 10  # one part in so many of a day's orders comes in its busiest hour
_BROUGHT_FORWARD: Mapping[Share, frozenset[Kind]] = {
    "polls": frozenset({Kind.SALES_ORDER, Kind.INVOICE}),
    "catalogue": frozenset({Kind.STOCK}),
}
"""What is looked at after an order was written there."""
_LOOKS_A_MINUTE = 2  # of one kind, however often it calls


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one back office is asked, and what it bears. ``kinds`` are looked at each time, those of
    ``heard`` after each order; both by what the calls are for."""

    at: Path
    erp: Erp
    usual: Usual
    kinds: Mapping[Share, frozenset[Kind]]
    heard: Mapping[Share, frozenset[Kind]]

    @property
    def limits(self) -> Limits:
        return self.erp.limits.over(self.usual.limits)

    @property
    def expected(self) -> int:
        return self.erp.limits.expected_orders_per_day or 0

    @property
    def orders(self) -> int:
        """A day's calls for orders."""
        return self.expected * CALLS_PER_ORDER

    @property
    def round(self) -> int:
        """Calls of one look at each kind."""
        return self.calls(self.kinds.values())

    def calls(self, kinds: Iterable[frozenset[Kind]]) -> int:
        return sum(map(self.usual.calls, kinds))

    def looks(self, *shares: Share) -> int:
        """A day's calls for looks because it called, after each order."""
        once = self.calls(self.heard.get(share, frozenset()) for share in shares)
        return min(self.expected, _LOOKS_A_MINUTE * _MINUTES) * once


def limits(config: Config, abilities: Mapping[str, Abilities]) -> Iterator[Problem]:
    """What cannot fit, with the sum that says so."""
    for table, connections in (("erps", config.erps), ("stores", config.stores)):
        for name, connection in connections.items():
            if always(connection.maintenance):
                yield Problem(
                    (table, name, "maintenance"),
                    "the hours of maintenance leave no minute of the week",
                    f"Shorten them, or leave {name} alone with `accord pause {name}`.",
                )
    for name, erp in config.erps.items():
        can = abilities.get(erp.adapter)
        tells = can.tells if can is not None else frozenset(Kind)
        kinds = polled(config, name, tells)
        heard = {
            share: wanted & kinds[share]
            for share, wanted in _BROUGHT_FORWARD.items()
            if can is not None and can.calls_us
        }
        usual = can.usual if can is not None else Usual()
        asked = _Asked(("erps", name, "limits"), erp, usual, kinds, heard)
        yield from _per_minute(asked)
        yield from _per_day(asked)


def polled(config: Config, name: str, tells: frozenset[Kind]) -> Mapping[Share, frozenset[Kind]]:
    """Kinds of records of which the back office is asked each time, by what the calls are for."""
    stores = [store for store in config.stores.values() if name in check_flows.back_offices(store)]
    wanted = frozenset(
        kind
        for kind, flow in _ITEMS.items()
        if any(getattr(store.flows, flow) != "off" for store in stores)
    )
    return {"polls": NEWS & tells, "catalogue": wanted & tells}


def _per_minute(asked: _Asked) -> Iterator[Problem]:
    most = asked.limits.per_minute
    if most is None:
        return
    orders = math.ceil(asked.orders / _BUSIEST_HOUR / 60)
    looks = math.ceil(asked.looks(*asked.heard) / _BUSIEST_HOUR / 60)
    looks = min(looks, asked.calls(asked.heard.values()) * _LOOKS_A_MINUTE)
    if asked.round + orders + looks > most:
        yield Problem(
            (*asked.at, "per_minute"),
            f"{_kinds(asked)} are asked for at once = {asked.round} calls, and "
            f"{asked.expected} orders a day × {CALLS_PER_ORDER} calls, a tenth of them in the "
            f"busiest hour = {orders} calls a minute{_and_looks(asked, looks)}; together "
            f"{asked.round + orders + looks}, more than {_named(asked, 'per_minute')}",
            "Raise per_minute to what the back office allows, or switch off flows that need not "
            "run.",
        )


def _per_day(asked: _Asked) -> Iterator[Problem]:
    erp, limits = asked.erp, asked.limits
    most = limits.per_day
    if most is None:
        return
    runs = _MINUTES // erp.poll_minutes
    needs: dict[Share, int] = {
        "orders": asked.orders,
        **{
            share: asked.usual.calls(kinds) * runs + asked.looks(share)
            for share, kinds in asked.kinds.items()
        },
    }
    looks = asked.looks(*asked.heard)
    shares: tuple[Share, ...] = ("orders", "customers", "catalogue", "polls")
    takes = {share: max(needs.get(share, 0), reserve(limits, share)) for share in shares}
    if sum(takes.values()) <= most:
        return
    said = (
        f"{_kinds(asked)} × {runs:,} looks a day (every {_minutes(erp.poll_minutes)})"
        f"{_each(asked)} = {asked.round * runs:,} calls"
    )
    if asked.orders:
        said += f", {asked.expected:,} orders × {CALLS_PER_ORDER} calls = {asked.orders:,} calls"
        said += _and_looks(asked, looks)
    kept = {share: takes[share] for share in shares if takes[share] > needs.get(share, 0)}
    if kept:
        said += ", kept by shares: " + ", ".join(f"{n:,} for {share}" for share, n in kept.items())
    yield Problem(
        (*asked.at, "per_day"),
        f"{said}; together {sum(takes.values()):,}, more than {_named(asked, 'per_day')}",
        _remedy(asked, most - sum(takes[share] for share in ("orders", "customers")) - looks),
    )


def _remedy(asked: _Asked, left: int) -> str:
    """Looks so rarely that they fit, where that is possible."""
    fits = [
        minutes
        for minutes in range(asked.erp.poll_minutes + 1, 61)
        if asked.round * (_MINUTES // minutes) <= left
    ]
    if fits:
        return (
            f"Set poll_minutes = {fits[0]}, raise per_day to what the back office allows, or "
            "switch off flows that need not run."
        )
    return "Raise per_day: what is expected does not fit, however rarely we look."


def _and_looks(asked: _Asked, looks: int) -> str:
    if not looks:
        return ""
    count = sum(map(len, asked.heard.values()))
    return f", {count} looks at what it calls us for after each = {looks:,} calls"


def _named(asked: _Asked, number: Literal["per_minute", "per_day"]) -> str:
    """The limit, and whose it is where the table does not name it."""
    own, most = getattr(asked.erp.limits, number), getattr(asked.limits, number)
    return f"{most:,}" if own is not None else f"the {most:,} that {asked.erp.adapter} allows"


def _each(asked: _Asked) -> str:
    """Calls of a look, where they are more than the kinds."""
    return "" if asked.round == _count(asked) else f", {asked.round} calls each time"


def _count(asked: _Asked) -> int:
    return sum(map(len, asked.kinds.values()))


def _kinds(asked: _Asked) -> str:
    count = _count(asked)
    return "1 kind of records" if count == 1 else f"{count} kinds of records"


def _minutes(count: int) -> str:
    return "minute" if count == 1 else f"{count} minutes"
