"""Quantities in Tryton's units of measure. Pure.

A piece, everywhere outside Tryton, is one of the unit that an item is sold in: what an order counts
and what a price is for. Tryton keeps stock in the item's default unit, which may be another.

Source: trytond 8.2, module product (``uom.py``: compute_qty, accurate_field).
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from accord.erp.tryton.wire import Values, related

UNIT_FIELDS: Final = ("factor", "rate")

_NINE_PLACES = Decimal("0.000000001")


@dataclass(frozen=True, slots=True)
class Unit:
    """``factor`` of the category's base unit make one; ``rate`` is one by it. Both are rounded."""

    factor: Decimal
    rate: Decimal

    def to_base(self, quantity: Decimal) -> Decimal:
        """``quantity`` of this unit, counted in the category's base unit."""
        return quantity * self.factor if self._by_factor else quantity / self.rate

    def from_base(self, quantity: Decimal) -> Decimal:
        return quantity / self.factor if self._by_factor else quantity * self.rate

    @property
    def _by_factor(self) -> bool:
        """The one of fewer decimals is the one that was not rounded, as Tryton takes it."""
        return _decimals(self.factor) <= _decimals(self.rate)


def decimal(value: float | None) -> Decimal:
    """A quantity on the wire: a JSON number, null for none."""
    return Decimal(str(value or 0))


def unit(row: Values, field: str) -> Unit | None:
    """The unit that ``field`` was read with, by UNIT_FIELDS; None where it points nowhere."""
    values = related(row, field)
    return Unit(decimal(values["factor"]), decimal(values["rate"])) if values else None


def of_unit(*fields: str) -> tuple[str, ...]:
    """What must be read of the unit in each of ``fields``."""
    return tuple(f"{field}.{name}" for field in fields for name in UNIT_FIELDS)


def convert(quantity: Decimal, of: Unit | None, to: Unit | None) -> Decimal:
    """``quantity`` of one unit in another of the same category, to nine places."""
    if of is None or to is None or of == to or not quantity:
        return quantity
    return to.from_base(of.to_base(quantity)).quantize(_NINE_PLACES).normalize() + 0


def piece(row: Values) -> Unit | None:
    """The unit that an item read with ``sale_uom`` and ``default_uom`` is counted in by its buyers.

    What is not sold has its default unit alone.
    """
    return unit(row, "sale_uom") or unit(row, "default_uom")


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
