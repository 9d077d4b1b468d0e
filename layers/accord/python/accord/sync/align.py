"""Two listings side by side, in bounded memory. Pure.

Both come by the day, but within a day each in an order of its own, and a document may bear another
day than its order. So what has no partner yet is kept for a while; what the other listing has
passed, or too much of it, is given out to be asked for by its key. Nothing is decided by the order
of a listing, and neither of them is ever held whole.
"""

import datetime as dt
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
L = TypeVar("L")
R = TypeVar("R")

MOST = 1000  # without a partner, on each side


@dataclass(slots=True)
class Side(Generic[K, L]):
    """Entries of one listing that have no partner yet, oldest first.

    ``at`` is the day that the listing has come to: all earlier ones were read. None: none yet.
    """

    kept: dict[K, tuple[dt.date, list[L]]] = field(default_factory=dict)
    at: dt.date | None = None
    ended: bool = False

    def put(self, key: K, day: dt.date, entry: L) -> None:
        self.kept.setdefault(key, (day, []))[1].append(entry)
        self.at = day if self.at is None else max(self.at, day)

    def has_passed(self, day: dt.date) -> bool:
        """Whether nothing of ``day`` can still come."""
        return self.ended or (self.at is not None and self.at > day)


@dataclass(slots=True)
class Aligned(Generic[K, L, R]):
    """``left`` and ``right``: the two listings, entries of one key together."""

    left: Side[K, L] = field(default_factory=Side)
    right: Side[K, R] = field(default_factory=Side)
    most: int = MOST

    @property
    def left_is_next(self) -> bool:
        """Which listing is read next: the one that is behind."""
        if self.left.ended or self.right.ended:
            return self.right.ended
        if self.left.at is None or self.right.at is None:
            return self.left.at is None
        if self.left.at != self.right.at:
            return self.left.at < self.right.at
        return len(self.left.kept) <= len(self.right.kept)

    @property
    def ended(self) -> bool:
        return self.left.ended and self.right.ended

    def pairs(self) -> list[tuple[K, list[L], list[R]]]:
        """Those that both sides have; they are kept no more."""
        left, right = self.left.kept, self.right.kept
        few = left if len(left) < len(right) else right
        both = [key for key in few if key in left and key in right]
        return [(key, left.pop(key)[1], right.pop(key)[1]) for key in both]

    def alone_left(self) -> list[tuple[K, list[L]]]:
        """Those whose partner did not come; they are kept no more."""
        return _overdue(self.left, self.right, self.most)

    def alone_right(self) -> list[tuple[K, list[R]]]:
        """As ``alone_left``."""
        return _overdue(self.right, self.left, self.most)


def chunks(entries: Sequence[L], size: int = 100) -> Iterable[Sequence[L]]:
    """``entries`` in parts that one question takes."""
    return (entries[begin : begin + size] for begin in range(0, len(entries), size))


def _overdue(side: Side[K, L], other: Side[K, R], most: int) -> list[tuple[K, list[L]]]:
    due = [key for key, (day, _) in side.kept.items() if other.has_passed(day)]
    # A few more questions would cost a call each: they are gathered until it is worth one.
    if len(due) < 100 and not other.ended and len(side.kept) <= most:
        return []
    if len(side.kept) > most:
        due = list(dict.fromkeys([*due, *list(side.kept)[: len(side.kept) - most + 100]]))
    return [(key, side.kept.pop(key)[1]) for key in due]
