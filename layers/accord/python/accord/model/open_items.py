"""What stands open on a buyer's account, and which of it comes to nothing together."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

_MANY = 12  # more than these are not tried in every combination, only in pairs and as a whole


@dataclass(frozen=True, slots=True)
class OpenItem:
    """A document or a payment that nothing is set against yet.

    ``amount`` is in the company's own currency, ``foreign`` in the document's where that is
    another; both are above zero for what the buyer owes (an invoice, money paid back) and below for
    what is owed to the buyer (a payment, a credit note).
    """

    id: str
    amount: Decimal
    foreign: Decimal = Decimal(0)
    is_money: bool = False


def settled(items: Iterable[OpenItem]) -> list[tuple[OpenItem, ...]]:
    """Groups that come to zero in either currency; what belongs to none of them stays open.

    The smallest first, and money against documents before its like against its like: an invoice
    with its payment, a credit note with what was paid back. Whole items only; the same for the same
    items in the same order.
    """
    left, found, size = list(items), [], 2
    while size <= len(left):
        groups = [each for each in itertools.combinations(left, size) if _is_zero(each)]
        mixed = [each for each in groups if len({item.is_money for item in each}) > 1]
        if groups:
            best = (mixed or groups)[0]
            found.append(best)
            left = [each for each in left if each not in best]
        else:
            size = size + 1 if len(left) <= _MANY else max(size + 1, len(left))
    return found


def _is_zero(items: tuple[OpenItem, ...]) -> bool:
    return not sum(item.amount for item in items) and not sum(item.foreign for item in items)
