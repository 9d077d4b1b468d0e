"""What came of a change. An outcome is a value; what failed is an error."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from accord.errors import PermanentError
from accord.model.change import Ref
from accord.model.money import Money


@dataclass(frozen=True, slots=True)
class Posted:
    """One document of the back office stands for the order now; ``made`` in this pass or before."""

    ref: Ref
    number: str
    key: str
    total: Money
    made: bool

    def __str__(self) -> str:
        verb = "made" if self.made else "brought forward"
        return f"{verb} {self.number} ({self.key}) of {self.total}"


@dataclass(frozen=True, slots=True)
class Voided:
    """The order's document was cancelled."""

    ref: Ref
    number: str

    def __str__(self) -> str:
        return f"cancelled {self.number or self.ref}"


@dataclass(frozen=True, slots=True)
class Credited:
    """A refund was taken into the books. ``number`` is the credit note's, empty for none."""

    refund: Ref
    number: str
    total: Money

    def __str__(self) -> str:
        how = f"by {self.number}" if self.number else "without a credit note"
        return f"took back {self.total} {how} ({self.refund})"


@dataclass(frozen=True, slots=True)
class Returned:
    """Goods come back: the order's ``nth`` return is open in the back office."""

    order: Ref
    nth: int

    def __str__(self) -> str:
        return f"opened return {self.nth} ({self.order})"


@dataclass(frozen=True, slots=True)
class Told:
    """The store knows now what happened in the back office."""

    what: str

    def __str__(self) -> str:
        return f"told the store: {self.what}"


@dataclass(frozen=True, slots=True)
class Merged:
    """A customer says the same on both sides now. The fields that were written, by side."""

    to_store: tuple[str, ...] = ()
    to_erp: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = [
            f"{', '.join(fields)} to {side}"
            for side, fields in (("the store", self.to_store), ("the back office", self.to_erp))
            if fields
        ]
        return f"customer agreed: {'; '.join(told) or 'both say the same'}"


@dataclass(frozen=True, slots=True)
class Conflicted:
    """Both sides changed these fields, and a person was asked. All others agree."""

    fields: tuple[str, ...]

    def __str__(self) -> str:
        return f"asked a person: {', '.join(self.fields)}"


@dataclass(frozen=True, slots=True)
class Archived:
    """The account was deleted in the store, so its party was archived."""

    party: Ref

    def __str__(self) -> str:
        return f"archived {self.party}"


@dataclass(frozen=True, slots=True)
class Skipped:
    """Nothing is due; ``why`` in a few words."""

    why: str

    def __str__(self) -> str:
        return f"nothing due: {self.why}"


@dataclass(frozen=True, slots=True)
class Shadowed:
    """What would have been done, were the flow on. Nothing was written."""

    plan: str

    def __str__(self) -> str:
        return f"shadow: {self.plan}"


@dataclass(frozen=True, slots=True)
class Flushed:
    """Levels of one kind that a store was sent: ``sent`` SKUs, ``refused`` of which it would not.

    ``unknown`` are pieces that the store had sold and we did not know of, and that were subtracted.
    ``window`` is the longest time between such a look and the answer to the write; ``oldest`` the
    greatest age of what was sent. ``absent`` SKUs it does not have. ``left``: there is more.
    ``also`` is stock that was sent in between.
    """

    kind: str
    sent: int
    refused: int = 0
    absent: int = 0
    unknown: Decimal = Decimal(0)
    window: dt.timedelta | None = None
    oldest: dt.timedelta | None = None
    left: bool = False
    also: tuple["Flushed", ...] = ()

    def __str__(self) -> str:
        parts = [f"{self.sent} sent"]
        parts += [f"{self.refused} refused"] if self.refused else []
        parts += [f"{self.absent} not in the store"] if self.absent else []
        parts += [f"{self.unknown:f} sold and not known yet"] if self.unknown else []
        parts += ["there is more"] if self.left else []
        return "; ".join([f"{self.kind}: {', '.join(parts)}", *map(str, self.also)])

    def figures(self) -> list[tuple[str, float]]:
        """(metric, value), those of ``also`` with them; what ends in Seconds is in seconds."""
        name = {"stock": "Stock", "price": "Price", "product": "Product"}[self.kind]
        found: list[tuple[str, float]] = [(f"{name}Sent", self.sent)]
        if self.refused:
            found.append((f"{name}Refused", self.refused))
        if self.kind == "stock":
            if self.oldest is not None:
                found.append(("StockAgeSeconds", self.oldest.total_seconds()))
            if self.window is not None:
                found.append(("StockWindowSeconds", self.window.total_seconds()))
            if self.unknown:
                found.append(("StockUnknownUnits", float(self.unknown)))
        return [*found, *(figure for each in self.also for figure in each.figures())]


@dataclass(frozen=True, slots=True)
class Listed:
    """An item of the back office says what the store's product says now."""

    item: Ref
    code: str
    made: bool

    def __str__(self) -> str:
        return f"{'made' if self.made else 'updated'} item {self.code} ({self.item})"


Outcome = (
    Posted
    | Voided
    | Credited
    | Returned
    | Told
    | Merged
    | Conflicted
    | Archived
    | Flushed
    | Listed
    | Skipped
    | Shadowed
)


@dataclass(frozen=True, slots=True)
class Done:
    """The end of a pass. ``settles``: an earlier trouble of this ref is over; close its items.

    A replay that does not settle was not handled: what waits goes on waiting. ``asks``: all that
    could be done is done, and a person is asked about each of these all the same.
    """

    outcome: Outcome
    settles: bool = False
    asks: tuple[PermanentError, ...] = ()
