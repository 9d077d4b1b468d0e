"""Whether a basket can be sold, at which prices, and goods kept for it. From what is known.

A checkout must not wait: one bulk read of prices, one of quantities, and one transaction where
goods are to be kept. The back office itself is asked only where a rule says so, for what is nearly
out, and only until its deadline.
"""

import datetime as dt
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from accord.errors import AccordError, PermanentError
from accord.model.stock import Holding, Recipe, Snapshot
from accord.ports.levels import Hold, Levels
from accord.rules.available import Sold, available, claims, needs, relatives, terms
from accord.rules.config import Store
from accord.rules.skus import item_of
from accord.sync.recompute import locations

_ROUNDS = 5  # a limit moved between the read and the write; each time somebody else got on
_EXPIRED = 25  # holds given up while a shopper waits, at the most
_RECIPES_KEPT = dt.timedelta(minutes=1)
_SELLS_ON = ("notify", "yes")

Live = Callable[[Sequence[str], Sequence[str]], Sequence[Snapshot]]
"""Item codes, locations → what the back office says now. Raises: AccordError: not in time."""


@dataclass(frozen=True, slots=True)
class Line:
    """So many pieces of one SKU."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Basket:
    """What a shopper is about to buy. ``id`` is the request's, and that of the hold it asks for.

    ``role`` is the shopper's user role; ``replaces`` an earlier hold of theirs, which is given up.
    """

    id: str
    lines: tuple[Line, ...]
    role: str = ""
    hold: bool = False
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """Text in the store's decimals. ``sale`` is only there on its days, ``role`` for that role."""

    regular: str
    sale: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """``available`` is what is left for this line after those before it; None: not counted."""

    line: Line
    available: int | None = None
    enough: bool = True
    as_of: dt.datetime | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """``late``: the back office was asked and did not answer in time; why, empty where it did."""

    lines: tuple[Judged, ...]
    hold: Hold | None = None
    late: str = ""

    @property
    def available(self) -> bool:
        return all(line.enough for line in self.lines)


class KnownRecipes:
    """Each back office's recipes, read again after a minute: they hardly ever change."""

    def __init__(
        self,
        read: Callable[[str], Mapping[str, Recipe]],
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._read = read
        self._clock = clock
        self._kept: dict[str, tuple[dt.datetime, Mapping[str, Recipe]]] = {}

    def __call__(self, erp: str) -> Mapping[str, Recipe]:
        kept, now = self._kept.get(erp), self._clock()
        if kept is None or now - kept[0] > _RECIPES_KEPT:
            kept = self._kept[erp] = (now, self._read(erp))
        return kept[1]


@dataclass(frozen=True, slots=True)
class Availability:
    """One store's checkout. ``zone`` is the company's, in whose days a sale begins and ends."""

    name: str
    rules: Store
    zone: zoneinfo.ZoneInfo
    levels: Levels
    recipes: Callable[[str], Mapping[str, Recipe]]
    clock: Callable[[], dt.datetime]
    live: Live | None = None

    def ask(self, basket: Basket) -> Answer:
        """What can be sold of ``basket``; kept for it if it asks, all of it or nothing.

        The same basket again keeps nothing twice. Raises: TransientError: nothing is known now.
        """
        if basket.replaces and basket.replaces != basket.id:
            self.levels.release(self.name, basket.replaces)
        recipes = self.recipes(self.rules.erp)
        found = self._judge(basket, self._holdings(basket, recipes), recipes)
        late = self._look(found, recipes)
        if late is not None:
            found = self._judge(basket, self._holdings(basket, recipes), recipes)
        hold, found = self._keep(basket, found, recipes)
        return Answer(self._priced(basket, found.lines), hold, late or "")

    # --- what there is ---------------------------------------------------------------

    def _holdings(self, basket: Basket, recipes: Mapping[str, Recipe]) -> Mapping[str, Holding]:
        items = {item for line in basket.lines if (item := self._item(line))}
        every = sorted(relatives(items, recipes))
        return self.levels.holdings(self.rules.erp, every) if every else {}

    def _judge(
        self, basket: Basket, holdings: Mapping[str, Holding], recipes: Mapping[str, Recipe]
    ) -> "_Found":
        found = judge(basket.lines, holdings, recipes, self.rules)
        if self.rules.flows.products == "off" or not found.few:
            return found
        # What a product's lifecycle says of backorders goes before the rules of stock.
        levels = self.levels.levels(self.name, "product", found.few)
        said = {sku: (level.wanted or {}).get("backorders") for sku, level in levels.items()}
        return replace(found, lines=tuple(_sells_on(line, said) for line in found.lines))

    def _look(self, found: "_Found", recipes: Mapping[str, Recipe]) -> str | None:
        """Asks the back office about what is nearly out; None where there is nothing to ask."""
        rules = self.rules
        if self.live is None or rules.availability.live != "near":
            return None
        near = {
            item
            for line in found.lines
            if line.available is not None and line.available <= rules.stock.near
            if (item := self._item(line.line))
        }
        if not near:
            return None
        try:
            seen = self.live(sorted(relatives(near, recipes)), sorted(locations(rules)))
        except AccordError as error:
            return str(error) or error.reason
        self.levels.observe(rules.erp, seen)
        return ""

    def _item(self, line: Line) -> str | None:
        return item_of(line.sku, self.rules.mappings)

    # --- a hold ----------------------------------------------------------------------

    def _keep(
        self, basket: Basket, found: "_Found", recipes: Mapping[str, Recipe]
    ) -> tuple[Hold | None, "_Found"]:
        wants = basket.hold and self.rules.availability.hold_minutes > 0
        cleared = False
        for _ in range(_ROUNDS):
            if found.enough and (not wants or not found.sold):
                return None, found
            if found.enough:
                try:
                    hold = self._held(basket, found, recipes)
                except PermanentError:
                    return None, found  # too many items for one transaction: sold without a hold
                if hold is not None:
                    return hold, found
            elif cleared or not self._clear(basket, wants):
                return None, found
            else:
                cleared = True
            before = found.holdings
            found = self._judge(basket, self._holdings(basket, recipes), recipes)
            if found.enough and found.holdings == before:
                return None, found  # nobody came in between: it would fail again
        return None, found

    def _clear(self, basket: Basket, wants: bool) -> bool:
        """Gives up what need not be kept: the request's own hold, left by a crash, and old ones."""
        own = wants and self.levels.release(self.name, basket.id)
        old = self.levels.expire(self.rules.erp, now=self.clock(), limit=_EXPIRED)
        return own or old > 0

    def _held(self, basket: Basket, found: "_Found", recipes: Mapping[str, Recipe]) -> Hold | None:
        now = self.clock()
        claimed, limits = claims(found.sold, found.holdings, recipes)
        hold = Hold(
            id=basket.id,
            store=self.name,
            erp=self.rules.erp,
            needs=claimed,
            expires_at=now + dt.timedelta(minutes=self.rules.availability.hold_minutes),
        )
        return hold if self.levels.hold(hold, limits, now=now) else None

    # --- prices ----------------------------------------------------------------------

    def _priced(self, basket: Basket, lines: Iterable[Judged]) -> tuple[Judged, ...]:
        lines = tuple(lines)
        if self.rules.flows.prices == "off":
            return lines
        skus = list(dict.fromkeys(line.sku for line in basket.lines))
        levels = self.levels.levels(self.name, "price", skus)
        today = self.clock().astimezone(self.zone).date()
        prices = {
            sku: price_of(level.wanted, role=basket.role, today=today)
            for sku, level in levels.items()
            if level.wanted is not None
        }
        return tuple(replace(line, price=prices.get(line.line.sku)) for line in lines)


# --- pure ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """``sold`` is what a hold would keep; ``few`` are SKUs of which there is less than is asked."""

    lines: tuple[Judged, ...]
    sold: tuple[Sold, ...]
    few: tuple[str, ...]
    holdings: Mapping[str, Holding]

    @property
    def enough(self) -> bool:
        return all(line.enough for line in self.lines)


def judge(
    lines: Iterable[Line],
    holdings: Mapping[str, Holding],
    recipes: Mapping[str, Recipe],
    rules: Store,
) -> _Found:
    """Line after line, so that two never count on one piece. Every hold is a claim on it.

    What is no item, or one of which nothing is known, is not counted, and sold.
    """
    left = dict(holdings)
    judged: list[Judged] = []
    sold: list[Sold] = []
    few: list[str] = []
    for line in lines:
        item = item_of(line.sku, rules.mappings)
        holds = terms(line.sku, rules.stock, rules.mappings.classes)
        there = available(item, left, recipes, holds, store="") if item else None
        if item is None or there is None or there.as_of is None:
            judged.append(Judged(line))
            continue
        enough = line.quantity <= there.quantity
        if not enough:
            few.append(line.sku)
        judged.append(
            Judged(line, there.quantity, enough or holds.backorders in _SELLS_ON, there.as_of)
        )
        taken = Decimal(min(line.quantity, there.quantity))
        if not taken:
            continue
        sold.append(Sold(item, taken, holds))
        for part, quantity in needs(item, taken, left, recipes, holds).items():
            if holding := left.get(part):
                left[part] = replace(holding, taken=holding.taken + quantity)
    return _Found(tuple(judged), tuple(sold), tuple(few), holdings)


def _sells_on(line: Judged, said: Mapping[str, Any]) -> Judged:
    """``line`` by what its product says of backorders, where it says it."""
    if line.available is None or not said.get(line.line.sku):
        return line
    there = line.line.quantity <= line.available
    return replace(line, enough=there or said[line.line.sku] in _SELLS_ON)


def price_of(wanted: Mapping[str, Any], *, role: str, today: dt.date) -> Price | None:
    """What ``pricing.wanted_price`` said, for a shopper of ``role``; None where it has no price."""
    if not wanted.get("regular"):
        return None
    sale = wanted.get("sale")
    on = sale if sale and _covers(sale, today) else None
    return Price(
        regular=wanted["regular"],
        sale=on["price"] if on else None,
        role=wanted.get("bands", {}).get(role),
    )


def _covers(sale: Mapping[str, Any], today: dt.date) -> bool:
    """Whether ``today`` is one of its days, both ends included."""
    day = today.isoformat()
    return (not sale["from"] or sale["from"] <= day) and (not sale["to"] or day <= sale["to"])
