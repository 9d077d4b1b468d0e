"""Prices on their way to a store: regular, sale with its days, and groups of customers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from accord.model.item import Product
from accord.ports.levels import Level, LevelKind
from accord.rules.selling import PriceBand, PriceRules
from accord.sync.feed import Entry, same_amount

_FLAG_ON = "yes"


@dataclass(frozen=True, slots=True)
class PriceFeed:
    """See ``Feed``."""

    kind: ClassVar[LevelKind] = "price"

    rules: PriceRules

    def entries(self, levels: Sequence[Level]) -> Sequence[Entry]:
        """See ``Feed.entries``. Always the whole price, so that what was there before is gone."""
        return [self._entry(level) for level in levels]

    def trying(self, entries: Sequence[Entry]) -> None:
        """See ``Feed.trying``. The same again does no harm."""

    def differs(self, entry: Entry, product: Product) -> str:
        """See ``Feed.differs``."""
        return price_differs(entry.value, product, self.rules)

    def _entry(self, level: Level) -> Entry:
        wanted = dict(level.wanted or {})
        sale = wanted.get("sale") or {}
        last = sale.get("to")
        fields: dict[str, Any] = {
            "regular_price": wanted["regular"],
            "sale_price": sale.get("price") or "",
            # An empty text takes a day away; the store ignores null.
            "date_on_sale_from": sale.get("from") or "",
            # A bare day would end the sale as it begins.
            "date_on_sale_to": f"{last}T23:59:59" if last else "",
        }
        if meta := [*self._bands(wanted, level.sent or {})]:
            fields["meta_data"] = meta
        if level.place is not None:
            fields = {"id": level.place.product, **fields}
        return Entry(level, fields, wanted)

    def _bands(self, wanted: Mapping[str, Any], sent: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Custom fields, by their keys. One of a role that has no price any more is removed."""
        meta: list[dict[str, Any]] = []
        before, now = sent.get("bands") or {}, wanted.get("bands") or {}
        for band in self.rules.band:
            price = now.get(band.role)
            if price is None and band.role not in before:
                continue
            meta.append({"key": _field(band), "value": price})
            if band.flag:
                key = band.flag.replace("{role}", band.role)
                meta.append({"key": key, "value": _FLAG_ON if price is not None else None})
        return meta


def price_differs(value: Mapping[str, Any], product: Product, rules: PriceRules) -> str:
    """What ``product`` charges else than ``value`` says, in words; empty for nothing.

    A sale that has not begun, or is over, is shown by the store all the same.
    """
    if not _same(value["regular"], product.regular_price):
        return f"the price is {product.regular_price or 'none'}, not {value['regular']}"
    sale = (value.get("sale") or {}).get("price") or ""
    if not _same(sale, product.sale_price):
        return f"the sale price is {product.sale_price or 'none'}, not {sale or 'none'}"
    shown = dict(product.fields)
    for band in rules.band:
        price = (value.get("bands") or {}).get(band.role, "")
        if price and not _same(price, shown.get(_field(band), "")):
            there = shown.get(_field(band)) or "none"
            return f"the price of {band.role} is {there}, not {price}"
    return ""


def _same(one: str, other: str) -> bool:
    try:
        return same_amount(one, other)
    except ArithmeticError:  # what a plugin keeps there is no amount
        return False


def _field(band: PriceBand) -> str:
    return band.field.replace("{role}", band.role)
