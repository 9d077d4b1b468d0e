"""What a store shows of a product, held against what it was sent: our own write, or a person's.

Where the back office owns stock and prices, the store's own words about them are either our write
that comes back, or a sale that an order will tell of, or somebody's correction.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from accord.model.item import Product
from accord.ports.levels import Level, LevelKind
from accord.rules import config
from accord.sync.flush_prices import price_differs

# Orders tell of their sales, and give back, within moments. What is not told of by then is not one.
QUIET = dt.timedelta(minutes=2)

Verdict = Literal["ours", "on_its_way", "moving", "corrected"]


@dataclass(frozen=True, slots=True)
class Found:
    """Of one kind. ``why`` says what the store shows and what it should. What is moving does so
    no more at ``quiet_at``, unless it is touched again."""

    kind: LevelKind
    verdict: Verdict
    why: str = ""
    quiet_at: dt.datetime | None = None


def stock_found(level: Level, product: Product, *, told_at: dt.datetime, now: dt.datetime) -> Found:
    """What the product's stock is. ``told_at`` is when its change was told of first."""
    if level.sent is None or "quantity" not in level.sent or product.by_parent:
        return Found("stock", "ours")  # nothing was said of it by us
    expected = Decimal(str(level.sent["quantity"])) - level.gone
    if product.manages_stock and product.stock == expected:
        return Found("stock", "ours")
    if _is_on_its_way(level, expected):
        return Found("stock", "on_its_way")
    shows = f"{product.stock} pieces" if product.manages_stock else "stock that is not counted"
    why = f"the store shows {shows}, and {expected:f} are right"
    quiet_at = max(told_at, product.modified_at or told_at) + QUIET
    if product.manages_stock and now < quiet_at:
        return Found("stock", "moving", why, quiet_at)
    return Found("stock", "corrected", why)


def price_found(level: Level, product: Product, rules: config.Store) -> Found:
    """What the product's prices are."""
    if level.sent is None or "regular" not in level.sent:
        return Found("price", "ours")
    why = price_differs(level.sent, product, rules.prices)
    if not why:
        return Found("price", "ours")
    if level.wanted != level.sent:
        return Found("price", "on_its_way")
    return Found("price", "corrected", why)


def _is_on_its_way(level: Level, expected: Decimal) -> bool:
    """Another number is wanted: it is being sent, or will be, over whatever is there."""
    if level.refused or level.wanted is None:
        return False
    unknown = Decimal(str((level.sent or {}).get("unknown", 0)))
    return Decimal(str(level.wanted["quantity"])) not in (expected, expected + unknown)
