"""How many calls a look at what changed takes, so that what an adapter says of it cannot drift."""

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

from accord.model.documents import Kind
from accord.ports.erp import ErpAdapter
from accord.sync.cursor import PAGE


class Counted(ErpAdapter, Protocol):
    """An adapter that counts what it sent."""

    @property
    def calls(self) -> Mapping[str, int]: ...


def of_a_look(erp: Counted, *, since: dt.datetime, location: str) -> dict[Kind, int]:
    """Kind → the calls of one look at it where little changed; what is read once is read before."""
    found = {}
    for kind in sorted(erp.capabilities.watched):
        for _ in range(2):
            before = sum(erp.calls.values())
            if kind in erp.capabilities.tells:
                erp.changes(kind, since)
            if kind in erp.capabilities.swept:
                _sweep(erp, kind, location)
            found[kind] = sum(erp.calls.values()) - before
    return found


def _sweep(erp: ErpAdapter, kind: Kind, location: str) -> None:
    """As each look goes through all of what is not told of."""
    ids = erp.item_ids(limit=PAGE)
    match kind:
        case Kind.STOCK:
            erp.stock(ids, [location])
        case Kind.ITEM:
            erp.items(ids)
        case _:
            raise AssertionError(f"nobody says how {kind.value} is swept")
