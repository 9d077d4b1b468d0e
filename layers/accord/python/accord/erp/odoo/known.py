"""What Odoo holds under our codes. Pure.

A tax code is the name of a sales tax: what a bookkeeper sees and chooses. An item is a product's
internal reference; carrier and payment term go by name, a journal by name or code, the warehouse by
code or name.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from accord.erp.odoo.taxes import Rounding, TaxRule


@dataclass(frozen=True, slots=True)
class Currency:
    """``unit`` is what amounts are rounded to, 0.01 for most. ``price_list`` is one that an order
    in it can have: an order's currency is its price list's."""

    id: int
    code: str
    unit: Decimal
    price_list: int | None


@dataclass(frozen=True, slots=True)
class Company:
    """What all documents of one connection share. ``price_digits`` are the decimals that a unit
    price is rounded to without a word; None where it keeps all that it is given."""

    id: int
    currency: str
    warehouse: int | None
    rounding: Rounding
    price_digits: int | None


@dataclass(slots=True)
class Known:
    """Odoo's ids by our codes, as far as they were asked for."""

    items: dict[str, int] = field(default_factory=dict)
    taxes: dict[str, TaxRule] = field(default_factory=dict)
    currencies: dict[str, Currency] = field(default_factory=dict)
    carriers: dict[str, int] = field(default_factory=dict)
    terms: dict[str, int] = field(default_factory=dict)
    countries: dict[str, int] = field(default_factory=dict)
    subdivisions: dict[str, int] = field(default_factory=dict)
    journals: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, int] = field(default_factory=dict)
    """Ledger account → the service item that books there."""
