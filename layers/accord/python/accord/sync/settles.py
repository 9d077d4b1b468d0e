"""How much of what waits new rules settle: each waiting order is looked at under them."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from accord.errors import AccordError
from accord.model.change import Ref
from accord.model.documents import SalesOrder
from accord.ports.state import Cause, Parked, Waiting
from accord.rules.accounts import map_order
from accord.rules.config import Store

# What a rule is missing for. Causes of other kinds wait for something else to happen.
_RULED = ("tax", "item", "shipping", "fee", "payment", "gift_card", "refund_amount", "unmapped")


@dataclass(slots=True)
class Settled:
    """``settled`` and ``stays`` count by cause; ``unknown`` could not be looked at.

    ``remedies`` are what those that stay still lack, each with how many lack it first.
    """

    settled: Counter[str] = field(default_factory=Counter)
    stays: Counter[str] = field(default_factory=Counter)
    unknown: int = 0
    remedies: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Preview:
    """``order`` reads one from its store, under its mends; None: it is gone there.

    ``at_most`` are looked at, the oldest of each cause first: each is a call to a store.
    """

    waiting: Waiting
    order: Callable[[Ref], SalesOrder | None]
    at_most: int = 200

    def of(self, stores: Mapping[str, Store]) -> Settled:
        """What becomes of all that waits for a rule, once ``stores`` hold."""
        found = Settled()
        left = self.at_most
        for cause in self.waiting.causes():
            if not _is_ruled(cause):
                continue
            for parked in self.waiting.of(cause):
                if left <= 0:
                    found.unknown += 1
                    continue
                left -= 1
                self._look(parked, stores, found)
        return found

    def _look(self, parked: Parked, stores: Mapping[str, Store], found: Settled) -> None:
        story = parked.change.aggregate or parked.change.ref
        store = stores.get(story.system)
        if store is None:
            found.unknown += 1
            return
        try:
            lacks = list(self._lacks(parked, store))
        except AccordError:  # the store does not answer; the order is looked at when it goes on
            found.unknown += 1
            return
        if lacks:
            found.stays[parked.cause] += 1
            found.remedies[lacks[0]] += 1
        else:
            found.settled[parked.cause] += 1

    def _lacks(self, parked: Parked, store: Store) -> Iterator[str]:
        """What it would still wait for."""
        kind, _, name = parked.cause.partition(":")
        if kind == "flow":
            if getattr(store.flows, name) != "on":
                yield f"the {name} flow is {getattr(store.flows, name)}"
            return
        if kind == "refund_amount":
            if store.mappings.refund_amount is None:
                yield "refund_amount is not set"
            return
        ref = parked.change.aggregate or parked.change.ref
        order = self.order(ref)
        if order is not None:  # one that is gone waits for nothing
            yield from map_order(order, store.mappings, store=ref.system).remedies


def _is_ruled(cause: Cause) -> bool:
    kind = cause.cause.partition(":")[0]
    return kind in _RULED or kind == "flow"
