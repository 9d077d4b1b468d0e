"""What Tryton holds under our codes. Pure.

A tax code is the name of an ``account.tax``: what a bookkeeper sees and chooses. An item is a
product's code; carrier and payment term go by name, a journal by name or code, the warehouse by
code or name.
"""

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from accord.erp.tryton.books import Rounding, TaxRule
from accord.erp.tryton.wire import Values, truth


@dataclass(frozen=True, slots=True)
class Item:
    """A product: its id and the unit that it is sold in."""

    id: int
    unit: int


@dataclass(frozen=True, slots=True)
class Currency:
    """``unit`` is what amounts are rounded to, 0.01 for most."""

    id: int
    code: str
    unit: Decimal


@dataclass(frozen=True, slots=True)
class Journal:
    """Where money is booked: a journal, the account it comes to, and the one it leaves from."""

    id: int
    account: int
    refunds: int


@dataclass(frozen=True, slots=True)
class Shop:
    """What all documents of one connection share."""

    company: int
    currency: str  # the company's own
    web_shop: int
    warehouse: int
    guest: int | None  # the web shop's guest party, whose orders Tryton refuses to quote
    revenue: tuple[str, ...]  # code and name of the account that lines without product go to
    revenue_account: int | None  # its id
    receivable: int | None  # the account of parties that have none of their own
    tax_rounding: Rounding


@dataclass(slots=True)
class Known:
    """Tryton's ids by our codes, as far as they were asked for."""

    items: dict[str, Item] = field(default_factory=dict)
    taxes: dict[str, TaxRule] = field(default_factory=dict)
    currencies: dict[str, Currency] = field(default_factory=dict)
    carriers: dict[str, int] = field(default_factory=dict)
    terms: dict[str, int] = field(default_factory=dict)
    countries: dict[str, int] = field(default_factory=dict)
    subdivisions: dict[str, int] = field(default_factory=dict)
    journals: dict[str, Journal] = field(default_factory=dict)


TAX_FIELDS = (
    "name",
    "type",
    "rate",
    "amount",
    "sequence",
    "update_unit_price",
    "invoice_account",
    "credit_note_account",
    "start_date",
    "end_date",
)


def tax_rule(values: Values) -> TaxRule:
    """An ``account.tax`` read with TAX_FIELDS and, under ``childs.``, its children."""
    return TaxRule(
        id=values["id"],
        name=values["name"],
        type=values["type"],
        rate=values["rate"] or Decimal(0),
        amount=values["amount"] or Decimal(0),
        sequence=values["sequence"],
        compound=truth(values["update_unit_price"]),
        accounts=(values["invoice_account"], values["credit_note_account"]),
        children=tuple(tax_rule(child) for child in values.get("childs.") or ()),
        starts_on=values["start_date"] or dt.date.min,
        ends_on=values["end_date"] or dt.date.max,
    )
