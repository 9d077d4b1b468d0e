"""What Tryton itself computes: line amounts and taxes, rounded as Tryton rounds. Pure.

Source: trytond 8.2, modules account (tax.py: Tax.compute, TaxableMixin._get_taxes), currency
(Currency.round) and sale (SaleLine.on_change_with_amount), held against a running server in tests.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import cycle, groupby
from typing import Literal

Rounding = Literal["document", "line"]
Key = tuple[int | None, int, bool]
"""Taxes are summed by tax account, tax and whether the base is negative."""


@dataclass(frozen=True, slots=True)
class TaxRule:
    """One ``account.tax``. ``rate`` is 0.2 for 20 %; ``amount`` is of a fixed tax, per piece."""

    id: int
    name: str
    type: Literal["percentage", "fixed", "none"]
    rate: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    sequence: int | None = None
    compound: bool = False  # later taxes are computed on the price with this one
    accounts: tuple[int | None, int | None] = (None, None)  # of invoices, of credit notes
    children: tuple["TaxRule", ...] = ()
    starts_on: dt.date = dt.date.min
    ends_on: dt.date = dt.date.max


@dataclass(frozen=True, slots=True)
class Priced:
    """One line as Tryton sees it: ``price`` is net, for one piece."""

    price: Decimal
    quantity: Decimal
    taxes: tuple[TaxRule, ...] = ()

    @property
    def amount(self) -> Decimal:
        return self.price * self.quantity


class EndlessError(Exception):
    """Tryton never finishes with this line: several taxes, each rounded to nothing, lack a cent.

    It looks for a tax above zero to put the cent on, round and round. The request then holds a
    worker of the server for good, so such a line must not be sent.
    """


def rounded(amount: Decimal, unit: Decimal) -> Decimal:
    """``amount`` in whole units, half to even; 0.05 in Switzerland is no power of ten."""
    return (amount / unit).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * unit


def net_of(lines: Iterable[Priced], unit: Decimal) -> Decimal:
    """Σ of the lines' amounts, each rounded."""
    return sum((rounded(line.amount, unit) for line in lines), Decimal(0))


def tax_of(lines: Sequence[Priced], unit: Decimal, rounding: Rounding, on: dt.date) -> Decimal:
    """The taxes of a document with ``lines``, rounded per line or per group of equal taxes.

    Raises: EndlessError: Tryton would not come to an end.
    """
    groups: dict[tuple[tuple[int, ...], bool], list[Priced]] = {}
    for line in lines:
        key = tuple(tax.id for tax in line.taxes), line.amount >= 0
        groups.setdefault(key, []).append(line)
    total = Decimal(0)
    for group in groups.values():
        sums: dict[Key, Decimal] = {}
        for line in group:
            due = _taxes(line, unit, on)
            if rounding == "line":
                _round(due, unit)
            for key_, amount in due.items():
                sums[key_] = sums.get(key_, Decimal(0)) + amount
        if rounding == "document":
            _round(sums, unit)
        total += sum(sums.values(), Decimal(0))
    return total


def _taxes(line: Priced, unit: Decimal, on: dt.date) -> dict[Key, Decimal]:
    """What each tax takes of one line, not rounded."""
    due: dict[Key, Decimal] = {}
    for tax, base, amount in _per_piece(line.taxes, line.price, on):
        positive = rounded(base * line.quantity, unit) >= 0
        account = tax.accounts[0 if positive else 1]
        # As Tryton does, the last of two equal taxes counts, not their sum.
        due[account, tax.id, positive] = amount * line.quantity
    return due


def _per_piece(
    taxes: Iterable[TaxRule], price: Decimal, on: dt.date
) -> Iterator[tuple[TaxRule, Decimal, Decimal]]:
    """(tax, base, amount) for one piece; a compound tax raises the price for later sequences."""
    ordered = sorted(taxes, key=lambda tax: (tax.sequence is not None, tax.sequence or 0, tax.id))
    for _, together in groupby(ordered, key=lambda tax: tax.sequence):
        added = Decimal(0)
        for tax in together:
            if not tax.starts_on <= on <= tax.ends_on:
                continue
            rows: list[tuple[TaxRule, Decimal, Decimal]] = []
            if tax.type == "percentage":
                rows.append((tax, price, price * tax.rate))
            elif tax.type == "fixed":
                rows.append((tax, price, tax.amount))
            rows.extend(_per_piece(tax.children, price, on))
            if tax.compound:
                added += sum((amount for *_, amount in rows), Decimal(0))
            yield from rows
        price += added


def _round(due: dict[Key, Decimal], unit: Decimal) -> None:
    """Each tax rounded, then whole units put back so that their sum is the rounded sum."""
    left = Decimal(0)
    for key, amount in due.items():
        due[key] = rounded(amount, unit)
        left += due[key] - amount
    left = rounded(left, unit)
    step = unit.copy_sign(left)
    if abs(left) < unit:
        return
    if not any(due.values()):
        raise EndlessError(f"taxes of {[str(amount) for amount in due.values()]} lack {left}")
    for key in cycle(due):
        if due[key]:
            due[key] -= step
            left -= step
            if abs(left) < unit:
                return
