"""Whether what a back office bears suffices, and whether maintenance leaves any time. Arithmetic.

Calls a day are those of the schedules, which come whatever happens, and those of the orders that
are expected on a busy day. A back office that calls us does so for what we write as well, and is
looked at then.
"""

import math
from collections.abc import Iterator, Mapping

from accord.model.documents import Kind
from accord.rules import check_flows
from accord.rules.config import Config, Erp
from accord.rules.limits import CALLS_PER_ORDER, CALLS_PER_POLL, NEWS, Share
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
_BROUGHT_FORWARD: Mapping[Share, int] = {"polls": 2, "catalogue": 1}
"""Looks after an order was written there: at the order, at its invoice and at the stock."""
_LOOKS_A_MINUTE = 2  # of one kind, however often it calls


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
            share: min(count, kinds[share])
            for share, count in _BROUGHT_FORWARD.items()
            if can is not None and can.calls_us
        }
        yield from _per_minute(("erps", name, "limits"), erp, kinds, heard)
        yield from _per_day(("erps", name, "limits"), erp, kinds, heard)


def polled(config: Config, name: str, tells: frozenset[Kind]) -> Mapping[Share, int]:
    """Kinds of records of which the back office is asked each time, by what the calls are for."""
    stores = [store for store in config.stores.values() if name in check_flows.back_offices(store)]
    wanted = {
        kind
        for kind, flow in _ITEMS.items()
        if any(getattr(store.flows, flow) != "off" for store in stores)
    }
    return {"polls": len(NEWS & tells), "catalogue": len(wanted & tells)}


def _per_minute(
    at: Path, erp: Erp, kinds: Mapping[Share, int], heard: Mapping[Share, int]
) -> Iterator[Problem]:
    most = erp.limits.per_minute
    if most is None:
        return
    polls = sum(kinds.values()) * CALLS_PER_POLL
    orders = math.ceil(_orders(erp) / _BUSIEST_HOUR / 60)
    looks = math.ceil(_looks(erp, sum(heard.values())) / _BUSIEST_HOUR / 60)
    looks = min(looks, sum(heard.values()) * _LOOKS_A_MINUTE * CALLS_PER_POLL)
    if polls + orders + looks > most:
        yield Problem(
            (*at, "per_minute"),
            f"{_kinds(sum(kinds.values()))} are asked for at once = {polls} calls, and "
            f"{_expected(erp)} orders a day × {CALLS_PER_ORDER} calls, a tenth of them in the "
            f"busiest hour = {orders} calls a minute{_and_looks(heard, looks)}; together "
            f"{polls + orders + looks}, more than {most}",
            "Raise per_minute to what the back office allows, or switch off flows that need not "
            "run.",
        )


def _per_day(
    at: Path, erp: Erp, kinds: Mapping[Share, int], heard: Mapping[Share, int]
) -> Iterator[Problem]:
    most = erp.limits.per_day
    if most is None:
        return
    runs = _MINUTES // erp.poll_minutes
    needs: dict[Share, int] = {
        "orders": _orders(erp),
        **{
            share: count * runs * CALLS_PER_POLL + _looks(erp, heard.get(share, 0))
            for share, count in kinds.items()
        },
    }
    looks = _looks(erp, sum(heard.values()))
    shares: tuple[Share, ...] = ("orders", "customers", "catalogue", "polls")
    takes = {share: max(needs.get(share, 0), reserve(erp.limits, share)) for share in shares}
    if sum(takes.values()) <= most:
        return
    asked = sum(kinds.values())
    said = (
        f"{_kinds(asked)} × {runs:,} looks a day (every {_minutes(erp.poll_minutes)}) = "
        f"{asked * runs * CALLS_PER_POLL:,} calls"
    )
    if needs["orders"]:
        said += f", {_expected(erp):,} orders × {CALLS_PER_ORDER} calls = {needs['orders']:,} calls"
        said += _and_looks(heard, looks)
    kept = {share: takes[share] for share in shares if takes[share] > needs.get(share, 0)}
    if kept:
        said += ", kept by shares: " + ", ".join(f"{n:,} for {share}" for share, n in kept.items())
    yield Problem(
        (*at, "per_day"),
        f"{said}; together {sum(takes.values()):,}, more than {most:,}",
        _remedy(erp, asked, most - sum(takes[share] for share in ("orders", "customers")) - looks),
    )


def _remedy(erp: Erp, asked: int, left: int) -> str:
    """Looks so rarely that they fit, where that is possible."""
    fits = [
        minutes
        for minutes in range(erp.poll_minutes + 1, 61)
        if asked * (_MINUTES // minutes) * CALLS_PER_POLL <= left
    ]
    if fits:
        return (
            f"Set poll_minutes = {fits[0]}, raise per_day to what the back office allows, or "
            "switch off flows that need not run."
        )
    return "Raise per_day: what is expected does not fit, however rarely we look."


def _orders(erp: Erp) -> int:
    return _expected(erp) * CALLS_PER_ORDER


def _looks(erp: Erp, kinds: int) -> int:
    """A day's calls for looks at so many ``kinds`` after each order, because it called."""
    return min(_expected(erp), _LOOKS_A_MINUTE * _MINUTES) * kinds * CALLS_PER_POLL


def _and_looks(heard: Mapping[Share, int], looks: int) -> str:
    if not looks:
        return ""
    return f", {sum(heard.values())} looks at what it calls us for after each = {looks:,} calls"


def _expected(erp: Erp) -> int:
    return erp.limits.expected_orders_per_day or 0


def _kinds(count: int) -> str:
    return "1 kind of records" if count == 1 else f"{count} kinds of records"


def _minutes(count: int) -> str:
    return "minute" if count == 1 else f"{count} minutes"
