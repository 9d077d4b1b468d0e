"""How a store is set up: what a person there chose, as far as its API tells."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from accord.model.documents import TaxRate


@dataclass(frozen=True, slots=True)
class ShopRate:
    """A tax rate, and the slug of the tax class that it is of."""

    rate: TaxRate
    tax_class: str


@dataclass(frozen=True, slots=True)
class Method:
    """A way to ship or to pay that shoppers can choose. ``id`` is what an order names:
    ``flat_rate:1`` of a shipping zone, ``bacs``. ``where`` is the zone's name."""

    id: str
    title: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook. Its secret is never shown. ``status``: active, paused, disabled."""

    id: str
    name: str
    topic: str
    status: str
    url: str


@dataclass(frozen=True, slots=True)
class Setup:
    """A store's own settings. What it does not tell is empty or None.

    ``clock`` is its time when it was asked, and ``asked_at`` ours. ``may_write``: the key may.
    ``visits_run_jobs``: its jobs, webhooks among them, wait until somebody opens a page.
    """

    home: str = ""
    version: str = ""
    currency: str = ""
    decimals: int | None = None
    prices_include_tax: bool | None = None
    is_secure: bool | None = None
    visits_run_jobs: bool | None = None
    clock: dt.datetime | None = None
    asked_at: dt.datetime | None = None
    may_write: bool = True
    rates: tuple[ShopRate, ...] = ()
    tax_classes: tuple[str, ...] = ()
    shipping: tuple[Method, ...] = ()
    payments: tuple[Method, ...] = ()
    hooks: tuple[Hook, ...] = ()

    @property
    def ahead(self) -> Decimal | None:
        """Seconds that its clock is ahead of ours; None where it does not tell the time."""
        if self.clock is None or self.asked_at is None:
            return None
        return Decimal(round((self.clock - self.asked_at).total_seconds()))
