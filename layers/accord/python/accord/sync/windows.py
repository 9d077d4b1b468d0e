"""What a store sold between our look at its stock and our write of it, which the write wrote over.

Such pieces are missing nowhere: the number that was written does not lack them, and the look did
not see them. When their order comes, it must not be taken for one that explains what the store has
sold since. Seconds are the store's own, of its orders and of its products, whose date moves with
every piece sold: its clock and ours need not agree. It knows whole seconds only. An order in the
second of the last change that a look saw is that change, if the look found as many pieces that no
order explains, and none has explained since; one in the second of a write counts as written over.
Where that is wrong, too few are sold, for as long as pieces that no order explains are subtracted.
"""

import datetime as dt
from decimal import Decimal, InvalidOperation

from accord.model.documents import SalesOrder
from accord.model.item import Product
from accord.ports.levels import Level, Window
from accord.sync.feed import Entry
from accord.sync.pace import Tried

_NONE = Decimal(0)


def taken_at(order: SalesOrder, *, seen_before: bool = False) -> dt.datetime:
    """The second in which the store took the order's goods from its stock, as we first see it.

    Where it was paid, then; else when it was placed, or when its status was changed if it had taken
    nothing when it was ``seen_before``.
    """
    unpaid = order.modified_at if seen_before else order.placed_at
    return _second(max(order.placed_at, order.payment.paid_at or unpaid))


def is_open(tried: Tried | None, level: Level) -> bool:
    """Whether ``tried`` was sent later than what the level says, and may have taken effect."""
    return tried is not None and (level.sent_at is None or level.sent_at < tried.at)


def overtaken(level: Level, pieces: Decimal, *, at: dt.datetime) -> Decimal:
    """How many of ``pieces``, which an order took ``at`` that second, a write of ours wrote over.

    The order was not known when ``level`` was sent, and its pieces are counted in ``level.moved``.
    """
    if pieces <= 0:
        return _NONE
    if any((w.since is None or w.since < at) and at <= w.until for w in level.windows):
        return pieces
    if any(w.since == at for w in level.windows):
        explained = max(_NONE, level.gone - pieces)  # by orders that came before this one
        return pieces - min(pieces, max(_NONE, _unknown(level) - explained))
    return _NONE


def since(entry: Entry, before: Tried | None) -> dt.datetime | None:
    """Since when the write of ``entry`` may write over what is sold; None: there was no look.

    A write ``before`` it that was not answered may have done so itself.
    """
    seen = entry.changed_at or entry.read_at
    if seen is None:
        return None
    if before is None or not is_open(before, entry.level):
        return _second(seen)
    return None if before.since is None else min(_second(seen), before.since)


def window(
    entry: Entry, answer: Product | None, tried: Tried | None, *, now: dt.datetime
) -> Window | None:
    """What the store answered to ``tried``; None where nothing was written.

    Without ``answer`` the look found that an earlier try had taken effect.
    """
    if tried is None or not is_open(tried, entry.level):
        return None
    changed_at = answer.modified_at if answer is not None else entry.changed_at
    return Window(tried.since, _second(changed_at or now))


def _unknown(level: Level) -> Decimal:
    try:
        return Decimal(str((level.sent or {}).get("unknown", 0)))
    except InvalidOperation:
        return _NONE


def _second(moment: dt.datetime) -> dt.datetime:
    return moment.replace(microsecond=0)
