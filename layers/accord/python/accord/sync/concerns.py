"""Which stores an attention item is about: one rule for the list, the alarms and the dashboard."""

from collections.abc import Collection

from accord.ports.state import Cause, Item, Parked
from accord.rules.config import Config

# What it may be of a connection.
_ABOUT = frozenset({"waiting", "webhooks", "page", "consent", "clock", "look"})


def stores_of(item: Item, config: Config, waits: Collection[str] = ()) -> frozenset[str]:
    """Those of ``config`` that it is about. A trouble with a back office is of every store that it
    serves. ``waits``: the stores whose changes wait for it."""
    named = systems_of(item)
    if own := named & config.stores.keys():
        return own | (config.stores.keys() & waits)
    return frozenset(
        name for name, table in config.stores.items() if table.erp in named or name in waits
    )


def systems_of(item: Item) -> frozenset[str]:
    """The stores and back offices that it names."""
    return frozenset({_system(item.subject), _system(item.aggregate)} - {""})


def waiter(parked: Parked) -> str:
    """The store, or back office, whose change waits."""
    return (parked.change.aggregate or parked.change.ref).system


def cause_of(item: Item) -> Cause | None:
    """What many wait for, where it is about that."""
    first, _, rest = item.subject.partition(":")
    connection, _, cause = rest.partition(":")
    return Cause(connection, cause) if first == "waiting" and cause else None


def _system(subject: str) -> str:
    first, _, rest = subject.partition(":")
    return rest.partition(":")[0] if first in _ABOUT else first
