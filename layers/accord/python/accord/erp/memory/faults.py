"""What may go wrong with a call to the ledger, on purpose and repeatably."""

import datetime as dt
import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "unreached",  # it never arrived, and the caller can tell
    "lost",  # it never arrived, and the caller cannot tell
    "unanswered",  # it took effect; the answer was lost
    "late",  # it was given up, and takes effect ``delay`` later
    "refused",
    "rate_limited",  # to be tried again after ``delay``
    "unauthorized",
]

KINDS: tuple[FaultKind, ...] = ("unreached", "lost", "unanswered", "late", "rate_limited")
"""Those that time heals."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One call's misfortune."""

    kind: FaultKind
    delay: dt.timedelta = dt.timedelta(0)


Faults = Callable[[str], Fault | None]
"""Operation → what goes wrong with this call of it, None when nothing does."""


def no_faults(operation: str) -> Fault | None:  # noqa: ARG001
    """None, whatever is called."""
    return None


def seeded(
    source: random.Random,
    *,
    share: float,
    kinds: Collection[FaultKind] = KINDS,
    delay: dt.timedelta = dt.timedelta(seconds=20),
    operations: Collection[str] | None = None,
) -> Faults:
    """Faults for that ``share`` of the calls (0 to 1), of ``kinds`` in equal parts.

    The same seed and the same calls give the same faults. ``delay`` is the longest that a late
    effect or a rate limit takes; ``operations`` are those that may fail, None for all.
    """
    choices = tuple(kinds)

    def fault(operation: str) -> Fault | None:
        # Drawn even where nothing may fail, so that a narrower choice leaves the rest as it was.
        draw, kind, part = source.random(), source.choice(choices), source.random()
        if draw >= share or (operations is not None and operation not in operations):
            return None
        return Fault(kind, delay * part)

    return fault
