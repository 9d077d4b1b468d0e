"""Which refunded pieces each credit note counts back into stock, where it is the credit note that
does. Pure.

The store says of each line how many refunded pieces it has put back to stock so far, and not by
which refund. So a credit note counts back what its refund takes back of a line, as far as it is in
stock again and no other credit note has counted it. What it counts is fixed before it is written: a
second try says the same, whatever was put back meanwhile.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from accord.model.documents import DocumentLine, Refund, SalesOrder
from accord.ports.state import Link

_FACT = "counted_back"
_NONE = Decimal(0)
Pieces = Mapping[str, Decimal]
"""By id of the order's line."""


def counted_back(link: Link, refund: Refund) -> Pieces | None:
    """What the credit note of ``refund`` counts back; None while that is not fixed."""
    return _known(link).get(refund.ref.id)


def counting_back(
    link: Link,
    order: SalesOrder,
    refund: Refund,
    every: Sequence[Refund],
    *,
    credited: Sequence[str],
) -> dict[str, str]:
    """The facts of the order's link once it is fixed.

    Args:
        link: The order's.
        order: As the store holds it now.
        refund: The one that a credit note is written for.
        every: All refunds of the order.
        credited: Ids of the refunds that are in the books, whoever wrote them. Of one of which is
            not known what it counted back, all pieces that it took count as seen to.
    """
    known = _known(link)
    pieces = {}
    for line in order.lines:
        taken = _taken(refund, line.id)
        left = line.restocked - _seen_to(known, line.id, refund, every, credited)
        count = min(taken, left)
        if line.kind == "item" and count > 0:
            pieces[line.id] = count
    known[refund.ref.id] = pieces
    held = {id_: {line: _text(n) for line, n in each.items()} for id_, each in known.items()}
    return {**link.facts, _FACT: json.dumps(held, separators=(",", ":"))}


def returned(lines: Sequence[DocumentLine], pieces: Pieces) -> tuple[DocumentLine, ...]:
    """``lines`` that say which of ``pieces`` they bring back."""
    return tuple(
        replace(line, returned=pieces.get(line.source, _NONE)) if line.source else line
        for line in lines
    )


def _seen_to(
    known: Mapping[str, Pieces],
    line: str,
    refund: Refund,
    every: Sequence[Refund],
    credited: Sequence[str],
) -> Decimal:
    """Pieces of ``line`` that are other refunds'."""
    there = {each.ref.id: each for each in every}
    found = _NONE
    for id_ in dict.fromkeys((*there, *credited)):
        if id_ == refund.ref.id:
            continue
        if id_ in known:
            found += known[id_].get(line, _NONE)
        elif id_ in credited and id_ in there:
            found += _taken(there[id_], line)
    return found


def _taken(refund: Refund, line: str) -> Decimal:
    """Pieces; money that was given back without any is none."""
    return sum((each.quantity for each in refund.lines if each.id == line), _NONE)


def _known(link: Link) -> dict[str, Pieces]:
    held = json.loads(link.facts.get(_FACT) or "{}")
    return {
        id_: {line: Decimal(count) for line, count in each.items()} for id_, each in held.items()
    }


def _text(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"
