"""What Xero holds under our codes. Pure.

A tax code is the name of a tax rate, which a bookkeeper sees and chooses, or its tax type. An item
goes by its code; a ledger account by code or name, and so does an account that payments go to.
Payment terms are a number of days.
"""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TaxRate:
    """``percent`` is 20 for 20 %."""

    type: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class SoldItem:
    """``account`` is where its sales are booked, None where Xero is not told."""

    code: str
    account: str | None


@dataclass(slots=True)
class Known:
    """Xero's words by our codes, as far as they were asked for."""

    items: dict[str, SoldItem] = field(default_factory=dict)
    taxes: dict[str, TaxRate] = field(default_factory=dict)
    currencies: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    """Ledger account → its code in Xero."""
    journals: dict[str, str] = field(default_factory=dict)
    """Account that payments go to or come from → its id: not all have a code."""
    tracking: dict[str, tuple[str, str]] = field(default_factory=dict)
    """``Channel=Web shop`` → the tracking category and its option."""
    terms: dict[str, int] = field(default_factory=dict)
    """Payment terms → days."""
