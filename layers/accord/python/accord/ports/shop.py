"""One store, as the tools of those who run it see it: all that is in it, and how it is set up.

Beside ``ports.store``, which is what a flow sees. Of all this only ``Webhooks`` changes anything.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from accord.model.item import Product
from accord.model.shop import Hook, Setup

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A page: each entry's JSON and its digest, as ``Store.get_order`` has them.

    ``total`` is how many there are in all, ``size`` how many a full page has.
    """

    entries: tuple[tuple[Json, str], ...]
    total: int
    size: int = 100

    @property
    def is_last(self) -> bool:
        return len(self.entries) < self.size


class Shop(Protocol):
    """One store. Every method raises only ``accord.errors``."""

    name: str

    def list_orders(self, *, modified_from: dt.datetime, page: int = 1) -> Listed:
        """A page of orders changed at ``modified_from`` (whole seconds) or later, oldest change
        first, in any status but the trash. One call."""
        ...

    def list_customers(self, *, page: int = 1) -> Listed:
        """A page of all users of any role, by id. One call.

        A store cannot say which customers changed since.
        """
        ...

    def orders_of(self, ids: Sequence[str]) -> Sequence[tuple[Json, str]]:
        """Those of ``ids`` (100 at the most) that are there and not in the trash. One call."""
        ...

    def orders_by_number(self, number: str) -> Sequence[tuple[Json, str]]:
        """Orders with exactly that number, which a plugin may have given. One call."""
        ...

    def list_variations(self, *, page: int = 1) -> Sequence[Product] | None:
        """A page of 100 of the variations of all products, by id; None where the store cannot list
        them so. One call."""
        ...

    def setup(self, *, now: dt.datetime) -> Setup:
        """How it is set up. One call for each kind of setting and each shipping zone.

        Raises: UnauthorizedError: the key is wrong, or its user may not see the settings.
        """
        ...


class Webhooks(Protocol):
    """Who is told of what by a store. Every method raises only ``accord.errors``."""

    name: str

    def hooks(self) -> Sequence[Hook]:
        """All webhooks, anybody's. One call for each hundred."""
        ...

    def create_hook(self, *, name: str, topic: str, url: str, secret: str) -> Hook:
        """A new webhook, active; the store tries its address before it answers. Twice makes two.

        Raises: UnauthorizedError: the key, or its user, may not.
        """
        ...

    def delete_hook(self, id_: str) -> None:
        """It is gone for good; deleting what is gone changes nothing.

        Raises: UnauthorizedError: the key, or its user, may not.
        """
        ...
