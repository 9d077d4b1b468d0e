"""What an order's claim on an item is, for every implementation of ``Levels``. Pure."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from accord.errors import PermanentError
from accord.model.stock import Snapshot
from accord.ports.levels import Demand, Hold, Limit

ZERO = Decimal(0)
MOST_ITEMS = 40  # of a hold, so that one transaction takes it and gives back what it replaces
_FINEST = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Claim:
    """``quantity`` pieces for one order; the back office keeps them itself since ``reserved_at``.

    It is closed by comparison, not by a mark: once a snapshot that began after ``reserved_at`` is
    kept. So whichever comes last, the snapshot or the claim, the end is the same.
    """

    quantity: Decimal
    reserved_at: dt.datetime | None = None

    def is_closed(self, as_of: dt.datetime | None) -> bool:
        """Whether a snapshot of ``as_of`` has it in already."""
        return self.reserved_at is not None and as_of is not None and self.reserved_at < as_of

    def open(self, as_of: dt.datetime | None) -> Decimal:
        """How many of it are still to be subtracted from that snapshot."""
        return ZERO if self.is_closed(as_of) else self.quantity


def next_claim(
    old: Claim | None,
    quantity: Decimal,
    reserved_at: dt.datetime | None,
    as_of: dt.datetime | None,
) -> Claim | None:
    """What takes the place of ``old``, where the newest snapshot is of ``as_of``."""
    if quantity <= 0:
        return None
    if old is None:
        return Claim(quantity, reserved_at)
    closed = old.is_closed(as_of)
    if quantity <= old.quantity:
        if closed or (old.reserved_at and reserved_at):  # each pass tells of it anew
            return Claim(quantity, old.reserved_at)
        return Claim(quantity, reserved_at)
    if closed and reserved_at and old.reserved_at and reserved_at <= old.reserved_at:
        # That reservation was of fewer: until the next snapshot nobody knows of the others.
        return Claim(quantity, as_of)
    return Claim(quantity, reserved_at)


def quantities(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Those that are not zero, to at most six places: sums of them stay exact in every store.

    A third of a piece is claimed a millionth too large, never too small.
    """
    return {key: _exact(amount) for key, amount in amounts.items() if amount}


def positive(needs: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """``quantities`` of what is needed; what is not above zero claims nothing."""
    return {item: amount for item, amount in quantities(needs).items() if amount > 0}


def _exact(amount: Decimal) -> Decimal:
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -6:
        return amount.quantize(_FINEST, rounding=ROUND_CEILING)
    return amount


def newest(snapshots: Iterable[Snapshot]) -> dict[str, Snapshot]:
    """The newest one of each item, by item, sorted."""
    found = {snapshot.item: snapshot for snapshot in sorted(snapshots, key=lambda one: one.as_of)}
    return dict(sorted(found.items()))


def claims_nothing(demand: Demand) -> bool:
    """An order of which nothing has to be remembered, if nothing is."""
    return not (positive(demand.needs) or quantities(demand.took) or demand.hold)


def small_enough(hold: Hold, limits: Iterable[Limit]) -> None:
    """Raises: PermanentError: it does not fit into one transaction."""
    items = {*hold.needs, *(limit.item for limit in limits)}
    if len(items) > MOST_ITEMS:
        raise PermanentError(
            f"{hold.store}: a basket of {len(items)} items cannot be held, at most {MOST_ITEMS} "
            "can; sell it without a hold",
            reason="hold_too_large",
        )
