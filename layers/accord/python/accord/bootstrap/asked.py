"""Who is rung when an attention item opens: its owner, for each store that it is about."""

from accord.bootstrap import connections, rules
from accord.ports.state import Item
from accord.settings import settings
from accord.sync.concerns import stores_of, systems_of
from accord.sync.remedies import passes

_LOGINS = frozenset({"unauthorized", "no_consent"})
_OTHERWISE = frozenset({"dead_letter"})  # an alarm of its own rings for it


def tell(item: Item) -> None:
    """``ChangesAttention`` of each of its stores and of its owner, told by a function alone.

    Nobody is rung for what passes by itself. Of a login that is tended whoever tends it tells.
    """
    if not settings().function or passes(item.reason) or item.reason in _OTHERWISE:
        return
    if item.reason in _LOGINS and any(map(connections.is_tended, systems_of(item))):
        return
    from accord.observability import measure  # of no use to an operator's command

    for store in sorted(stores_of(item, rules.deployed())):
        measure("ChangesAttention", store=store, kind=item.owner)
