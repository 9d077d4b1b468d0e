"""What is wrong with routes, tax and revenue rules: unknown names, rules that never decide."""

import re
from collections.abc import Iterator, Sequence

from accord.rules.conditions import NO_TAX
from accord.rules.config import Store
from accord.rules.countries import CODES, USUAL_SLIPS, countries
from accord.rules.mapping import LineWhen
from accord.rules.ordering import OrderWhen
from accord.rules.problem import Path, Problem, nearest
from accord.rules.selling import ItemWhen


def rules(at: Path, store: Store) -> Iterator[Problem]:
    """Problems of the rules of the store at ``at``."""
    yield from _routes((*at, "orders", "route"), store)
    mappings = store.mappings
    tables = {
        "tax_rules": [rule.when for rule in mappings.tax_rules],
        "revenue": [rule.when for rule in mappings.revenue],
    }
    for name, whens in tables.items():
        for n, when in enumerate(whens):
            path: Path = (*at, "mappings", name, n)
            yield from _names((*path, "when"), when, store)
            yield from _rates((*path, "when"), when)
            earlier = [
                each
                for each in whens[:n]
                # No tax rule is of lines without tax that does not say so.
                if name != "tax_rules" or each.rate or NO_TAX not in when.rate
            ]
            yield from _reached(path, when, earlier)


def plain_percent(key: str) -> str | None:
    """How ``key``, a percent, must be written; None where it is none, or is right."""
    number = re.fullmatch(r"(\d+)(?:[.,](\d+))?\s*%?", key)
    if number is None:
        return None
    digits = (number[2] or "").rstrip("0")
    plain = f"{int(number[1])}.{digits}" if digits else str(int(number[1]))
    return None if key == plain else plain


def _routes(at: Path, store: Store) -> Iterator[Problem]:
    whens = [route.when for route in store.orders.route]
    names: dict[str, int] = {}
    for n, route in enumerate(store.orders.route):
        when = route.when
        path: Path = (*at, n)
        if names.setdefault(route.name, n) != n:
            yield Problem(
                (*path, "name"),
                f"another route is called {route.name!r} too",
                "Give it a name of its own: `accord rules explain` says which one decided.",
                "warning",
            )
        yield from _names((*path, "when"), when, store)
        yield from _statuses((*path, "when"), when, store)
        yield from _totals((*path, "when"), when)
        for each in when.currency:
            if not re.fullmatch(r"[A-Z]{3}", each):
                yield Problem(
                    (*path, "when", "currency"),
                    f"{each!r} is no currency",
                    "Write its three capital letters, such as EUR.",
                )
        yield from _reached(path, when, whens[:n])


def classes_of(at: Path, when: OrderWhen | LineWhen | ItemWhen, store: Store) -> Iterator[Problem]:
    """Classes that the condition at ``at`` names and the store does not have."""
    classes = store.mappings.classes
    for each in when.item_class:
        if each not in classes:
            meant = nearest(each, classes)
            yield Problem(
                (*at, "item_class"),
                f"there is no item class {each!r}",
                f"Did you mean {meant!r}?"
                if meant
                else f'Add {each} = ["SKU", "SKU-*"] under [{_dotted(at[:2])}.mappings.classes].',
            )


def _names(at: Path, when: OrderWhen | LineWhen, store: Store) -> Iterator[Problem]:
    yield from classes_of(at, when, store)
    for each in when.country:
        if each not in CODES and each != "EU":
            known = USUAL_SLIPS.get(each.upper()) or (
                each.upper() if each.upper() in CODES | {"EU"} else None
            )
            yield Problem(
                (*at, "country"),
                f"{each!r} is no country",
                f"Write {known!r}, as addresses have it."
                if known
                else "Write its two letters of ISO 3166, such as DE, or EU.",
            )


def _statuses(at: Path, when: OrderWhen, store: Store) -> Iterator[Problem]:
    for each in when.status:
        if each not in store.orders.statuses:
            yield Problem(
                (*at, "status"),
                f"orders in {each!r} make no document, so there is nothing to route",
                f"Write {each[3:]!r}: the store's interface drops the wc-."
                if each.startswith("wc-")
                else f"Add {each} under [{_dotted(at[:2])}.orders.statuses], or take it out here.",
                "error" if each.startswith("wc-") else "warning",
            )


def _totals(at: Path, when: OrderWhen) -> Iterator[Problem]:
    low, high = when.total_from, when.total_below
    if low is not None and high is not None and low >= high:
        yield Problem(
            (*at, "total_below"),
            f"no total is {low} or more and less than {high}",
            "Make total_below the larger of the two.",
        )


def _rates(at: Path, when: LineWhen) -> Iterator[Problem]:
    for each in when.rate:
        if plain := plain_percent(each):
            yield Problem(
                (*at, "rate"),
                f"{each!r} matches no rate",
                f'Write the percent as a plain number: "{plain}".',
            )


# --- which are never reached --------------------------------------------------

_LISTS = ("status", "payment_method", "country", "currency", "item_class", "customer", "rate")


def _reached(
    at: Path, when: OrderWhen | LineWhen, earlier: Sequence[OrderWhen | LineWhen]
) -> Iterator[Problem]:
    if any(_covers(each, when) for each in earlier):
        yield Problem(
            at,
            "this never decides: one before it fits whenever this one does",
            "Put the narrower rule first, or remove one of the two.",
        )


def _covers(wide: OrderWhen | LineWhen, narrow: OrderWhen | LineWhen) -> bool:
    """``wide`` surely holds whenever ``narrow`` does."""
    for name in _LISTS:
        values, wanted = (frozenset(getattr(each, name, ())) for each in (wide, narrow))
        if name == "country":
            values, wanted = countries(values), countries(wanted)
        if values and not (wanted and wanted <= values):
            return False
    if wide.vat_number is not None and wide.vat_number != narrow.vat_number:
        return False
    return not isinstance(wide, OrderWhen) or (
        isinstance(narrow, OrderWhen) and _covers_total(wide, narrow)
    )


def _covers_total(wide: OrderWhen, narrow: OrderWhen) -> bool:
    above = wide.total_from is None or (
        narrow.total_from is not None and narrow.total_from >= wide.total_from
    )
    below = wide.total_below is None or (
        narrow.total_below is not None and narrow.total_below <= wide.total_below
    )
    return above and below


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
