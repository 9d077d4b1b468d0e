"""The rules of Odoo's price lists, applied to one piece of an item. Pure.

Nobody can ask Odoo for a computed price from outside, so its rules are followed here.

Source: Odoo source 16 to 19, product.pricelist (``_get_applicable_rules``, ``_compute_price``);
recordings of a running 17.0, whose draft orders show what it computed.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from accord.erp.odoo.wire import Values, decimal, id_of, moment, name_of

RULE_FIELDS: Final = (
    "pricelist_id",
    "applied_on",
    "product_tmpl_id",
    "product_id",
    "categ_id",
    "min_quantity",
    "compute_price",
    "fixed_price",
    "percent_price",
    "price_discount",
    "price_surcharge",
    "price_round",
    "price_min_margin",
    "price_max_margin",
    "base",
    "base_pricelist_id",
    "date_start",
    "date_end",
)
_DEPTH: Final = 5  # of price lists that are based on others
_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Priceable:
    """What a rule may ask of an item. ``price`` is its list price, ``cost`` None where the user may
    not see it; both in the company's currency. ``categories`` begin with its own."""

    id: int
    template: int
    categories: tuple[int, ...]
    price: Decimal
    cost: Decimal | None


@dataclass(frozen=True, slots=True)
class Rates:
    """Units of each currency (by its id) that one of the company's buys, and smallest units."""

    company: int
    rates: Mapping[int, Decimal]
    units: Mapping[int, Decimal]

    def convert(self, amount: Decimal, of: int, to: int) -> Decimal | None:
        """``amount`` in another currency, not rounded; None where a rate lacks."""
        if of == to:
            return amount
        here, there = self.rates.get(of), self.rates.get(to)
        return amount * there / here if here and there else None


@dataclass(frozen=True, slots=True)
class PriceLists:
    """Rules by price list, in the order in which Odoo tries them, and each list's currency."""

    rules: Mapping[int, Sequence[Values]]
    currencies: Mapping[int, int]
    rates: Rates
    now: dt.datetime

    def price(self, of: Priceable, price_list: int, currency: int) -> Decimal | None:
        """Of one piece, in ``currency``; None where a rule cannot be followed."""
        found = self._price(of, price_list, _DEPTH)
        own = self.currencies[price_list]
        return self._rounded(found, own, currency)

    def base(self, of: Priceable, currency: int) -> Decimal | None:
        """The list price in ``currency``."""
        return self._rounded(of.price, self.rates.company, currency)

    def _rounded(self, amount: Decimal | None, own: int, currency: int) -> Decimal | None:
        if amount is None:
            return None
        converted = self.rates.convert(amount, own, currency)
        if converted is None:
            return None
        if own == currency:
            return converted
        return _to(converted, self.rates.units.get(currency, Decimal("0.01")))

    def _price(self, of: Priceable, price_list: int, depth: int) -> Decimal | None:
        """In the price list's own currency."""
        if not depth:
            return None
        own = self.currencies.get(price_list)
        if own is None:
            return None
        for rule in self.rules.get(price_list, ()):
            if self._applies(rule, of):
                return self._by(rule, of, own, depth)
        return self.rates.convert(of.price, self.rates.company, own)

    def _applies(self, rule: Values, of: Priceable) -> bool:
        if decimal(rule["min_quantity"]) > 1:
            return False
        if rule["date_start"] and moment(rule["date_start"]) > self.now:
            return False
        if rule["date_end"] and moment(rule["date_end"]) < self.now:
            return False
        match rule["applied_on"]:
            case "0_product_variant":
                return id_of(rule["product_id"]) == of.id
            case "1_product":
                return id_of(rule["product_tmpl_id"]) == of.template
            case "2_product_category":
                return id_of(rule["categ_id"]) in of.categories
            case _:
                return True

    def _by(self, rule: Values, of: Priceable, own: int, depth: int) -> Decimal | None:
        if rule["compute_price"] == "fixed":
            return decimal(rule["fixed_price"])
        base = self._base(rule, of, own, depth)
        if base is None:
            return None
        if rule["compute_price"] == "percentage":
            return base - base * decimal(rule["percent_price"]) / _HUNDRED
        price = base - base * decimal(rule["price_discount"]) / _HUNDRED
        if step := decimal(rule["price_round"]):
            price = _to(price, step)
        price += decimal(rule["price_surcharge"])
        if margin := decimal(rule["price_min_margin"]):
            price = max(price, base + margin)
        if margin := decimal(rule["price_max_margin"]):
            price = min(price, base + margin)
        return price

    def _base(self, rule: Values, of: Priceable, own: int, depth: int) -> Decimal | None:
        """What a rule counts with, in its own list's currency."""
        match rule["base"]:
            case "pricelist" if (other := id_of(rule["base_pricelist_id"])) is not None:
                price = self._price(of, other, depth - 1)
                currency = self.currencies.get(other, own)
            case "standard_price":
                price, currency = of.cost, self.rates.company
            case _:
                price, currency = of.price, self.rates.company
        return None if price is None else self.rates.convert(price, currency, own)


def in_order(rules: Sequence[Values]) -> list[Values]:
    """As Odoo tries them: the narrower first, then the larger quantity, the newer.

    Categories read as their whole path, by which Odoo sorts them backwards: a child comes before
    its parent.
    """
    newest = sorted(rules, key=lambda rule: -rule["id"])
    deepest = sorted(newest, key=lambda rule: name_of(rule["categ_id"]), reverse=True)
    return sorted(deepest, key=lambda rule: (rule["applied_on"], -decimal(rule["min_quantity"])))


def _to(amount: Decimal, step: Decimal) -> Decimal:
    return (amount / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step
