"""What Odoo itself computes of lines: amounts and taxes, rounded as Odoo rounds. Pure.

Source: Odoo source 16 to 19, account.tax (compute_all, from 18 on ``_get_tax_details``) and
sale.order (``_compute_amounts``); totals of recordings of a running 17.0.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

Rounding = Literal["round_per_line", "round_globally"]


@dataclass(frozen=True, slots=True)
class TaxRule:
    """One ``account.tax``. ``amount`` is 20 for 20 %, or money per piece of a fixed one."""

    id: int
    name: str
    type: Literal["percent", "fixed"]
    amount: Decimal
    sequence: int = 0
    raises_base: bool = False  # later taxes are computed on the price with this one
    is_raised: bool = True  # by those; if not, it is computed on the bare price
    children: tuple["TaxRule", ...] = ()  # of a group, which has no amount of its own


@dataclass(frozen=True, slots=True)
class Priced:
    """One line as Odoo sees it: ``price`` is net, for one piece."""

    price: Decimal
    quantity: Decimal
    taxes: tuple[TaxRule, ...] = ()


def rounded(amount: Decimal, unit: Decimal) -> Decimal:
    """``amount`` in whole units, half away from zero."""
    return (amount / unit).quantize(Decimal(1), rounding=ROUND_HALF_UP) * unit


def net_and_tax(
    lines: Sequence[Priced], unit: Decimal, rounding: Rounding
) -> tuple[Decimal, Decimal]:
    """Untaxed amount and tax of a document with ``lines``."""
    net = Decimal(0)
    taxes: dict[int, Decimal] = {}
    for line in lines:
        amount = line.price * line.quantity
        base = rounded(amount, unit) if rounding == "round_per_line" else amount
        net += base
        for tax, due in _due(line, base, unit if rounding == "round_per_line" else None):
            taxes[tax.id] = taxes.get(tax.id, Decimal(0)) + due
    if rounding == "round_globally":
        net = rounded(net, unit)
        taxes = {id_: rounded(due, unit) for id_, due in taxes.items()}
    return net, sum(taxes.values(), Decimal(0))


def _due(line: Priced, base: Decimal, unit: Decimal | None) -> Iterator[tuple[TaxRule, Decimal]]:
    """(tax, amount) of one line, by sequence, in whole units if there is one; one that raises the
    base does so, with what it comes to, for later ones that let theirs be raised."""
    raised = base
    for tax in _flat(line.taxes):
        of = raised if tax.is_raised else base
        due = tax.amount * line.quantity if tax.type == "fixed" else of * tax.amount / 100
        due = due if unit is None else rounded(due, unit)
        yield tax, due
        if tax.raises_base:
            raised += due


def _flat(taxes: Iterable[TaxRule]) -> Iterator[TaxRule]:
    for tax in sorted(taxes, key=lambda each: (each.sequence, each.id)):
        if tax.children:
            yield from _flat(tax.children)
        else:
            yield tax
