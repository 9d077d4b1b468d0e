"""What is known of stock, prices and products: what there is, what is claimed, what a store should
show and what it was last told.

Everything here is state, never an event: a newer value takes the place of an older one that was not
sent yet. Times are UTC, aware and the caller's; reads are consistent and check expiry themselves.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Literal, Protocol

from accord.model.change import Ref
from accord.model.stock import Holding, Recipe, Snapshot
from accord.model.stock import Limit as Limit  # noqa: PLC0414 - what `hold` is asked with

LevelKind = Literal["stock", "price", "product"]
Json = Mapping[str, Any]
NOTHING: Mapping[str, Sequence[str]] = MappingProxyType({})

UNKNOWN_FOR = dt.timedelta(minutes=30)
"""An order is known ten minutes after it was placed, at the latest. What the store sold before that
and is still missing was taken by somebody else: a person who counted, a till."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which object of the store has the SKU. ``parent`` is empty unless it is a variation."""

    product: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """What the store sold of one SKU in it, a write of ours wrote over. Seconds of its own clock.

    The look before that write saw the product as it had last changed at ``since``; None: there was
    no look. The write took effect in the second ``until``.
    """

    since: dt.datetime | None
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class Level:
    """What one SKU of a store should show of one kind, and what it was last told.

    ``wanted`` and ``sent`` are small JSON objects, None before the first. ``as_of`` is the moment
    that ``wanted`` is true of. ``moved`` is what orders took from the store's own stock, less what
    they gave back, as far as they are known; ``moved_at_sent`` what it was when ``sent`` was
    computed. ``sent["unknown"]`` pieces of stock had been sold by the store, and no order had told
    of them, first so at ``sent["since"]``: they were subtracted. ``windows`` are those of the last
    writes, oldest first; ``overtaken`` are the pieces in ``moved`` that were sold in one of them,
    and became known since ``sent`` was computed: the store's number does not lack them. ``version``
    grows with every new ``wanted``. ``refused`` says why the store did not take that version; it is
    not sent again until another is wanted.
    """

    sku: str
    place: Place | None = None
    wanted: Json | None = None
    as_of: dt.datetime | None = None
    sent: Json | None = None
    sent_at: dt.datetime | None = None
    moved: Decimal = Decimal(0)
    moved_at_sent: Decimal = Decimal(0)
    overtaken: Decimal = Decimal(0)
    windows: tuple[Window, ...] = ()
    version: int = 0
    refused: str = ""

    @property
    def gone(self) -> Decimal:
        """What the store itself subtracted from what it was sent, as far as orders told of it."""
        return self.moved - self.moved_at_sent - self.overtaken


@dataclass(frozen=True, slots=True)
class Wanted:
    """A value that one SKU should show."""

    sku: str
    value: Json
    as_of: dt.datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one level: ``value`` is what the store answered that it shows now.

    ``version``, ``moved`` and ``overtaken`` are those of the level that was read before.
    ``refused``: the store would not, and why; ``value`` is then None. ``place`` is what was learnt,
    if anything; ``window`` that of the write, None where nothing was written.
    """

    sku: str
    version: int
    value: Json | None
    at: dt.datetime
    moved: Decimal = Decimal(0)
    refused: str = ""
    place: Place | None = None
    overtaken: Decimal = Decimal(0)
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What one order claims. ``needs`` is by item of the back office, kits taken apart; ``took`` by
    SKU of the store, what it took from the store's own stock.

    ``reserved_at``: since when the back office itself keeps it for the order; None while it does
    not. ``hold`` is the hold that it takes the place of. ``was_kept``, of one that was read: the
    back office has kept some of it, or does, and what it keeps is not subtracted any more.
    """

    order: Ref
    erp: str
    needs: Mapping[str, Decimal]
    took: Mapping[str, Decimal]
    reserved_at: dt.datetime | None = None
    hold: str = ""
    was_kept: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Hold:
    """Goods kept for a basket until ``expires_at``. ``id`` is the shopper's request's."""

    id: str
    store: str
    erp: str
    needs: Mapping[str, Decimal]
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """``changed``: items whose free quantity is another; ``stale``: those a newer snapshot was
    known of; ``closed``: those of which demand was closed."""

    changed: Sequence[str] = ()
    stale: Sequence[str] = ()
    closed: Sequence[str] = ()


class Levels(Protocol):
    """The table ``levels``."""

    # --- what a back office has ------------------------------------------------

    def holdings(self, erp: str, items: Sequence[str]) -> Mapping[str, Holding]:
        """Those of ``items`` that are known, by code. One bulk read."""
        ...

    def observe(self, erp: str, snapshots: Sequence[Snapshot]) -> Observed:
        """Keeps what was read. An older ``as_of`` never takes the place of a newer one.

        Demand of these items that was reserved before ``as_of`` is closed in the same breath as
        the new quantity is kept: it is in that already. What changed is touched with it.
        """
        ...

    def recipes(self, erp: str) -> Mapping[str, Recipe]:
        """Every recipe by its item."""
        ...

    def put_recipes(self, erp: str, recipes: Sequence[Recipe]) -> Sequence[str]:
        """All recipes there are; the items whose own is another now, or gone. They are touched."""
        ...

    def touched(self, erp: str, *, limit: int) -> Sequence[str]:
        """Items whose claims changed since they were last computed, oldest first."""
        ...

    def untouch(self, erp: str, items: Sequence[str]) -> None:
        """They were computed, and what came of it is wanted. Only touches that the ``touched`` or
        ``observe`` of this same instance has shown are removed: what came meanwhile stays."""
        ...

    # --- claims ----------------------------------------------------------------

    def demand(self, order: Ref) -> Demand | None:
        """What the order claims, or claimed; None where it never did."""
        ...

    def set_demand(
        self, demand: Demand, *, now: dt.datetime, sold: Mapping[str, Sequence[str]] = NOTHING
    ) -> None:
        """What the order claims from now on, in the place of what it did; nothing for no needs.

        The difference in ``took`` moves the store's levels of kind stock; ``sold`` are the items
        that those levels are computed of, by back office, which are touched with it though nothing
        of them may be claimed, or elsewhere. A hold that it names is
        given up in the same transaction. An order of more than 40 items is written in parts, each
        whole; the same again finishes what broke off. Items that changed are touched. A claim that
        an ``observe`` has closed stays closed unless its quantity grows.
        """
        ...

    def hold(self, hold: Hold, limits: Sequence[Limit], *, now: dt.datetime) -> bool:
        """All of it or nothing; False where a limit does not hold any more. The same id again, with
        the same needs, only prolongs it; with others, it takes its place.

        Raises: PermanentError: of more than 40 items.
        """
        ...

    def release(self, store: str, hold: str) -> bool:
        """Gives the hold up; False where there is none (any more)."""
        ...

    def expire(self, erp: str, *, now: dt.datetime, limit: int) -> int:
        """Gives up holds whose time is over, oldest first; how many. Their items are touched."""
        ...

    # --- what a store should show ------------------------------------------------

    def levels(self, store: str, kind: LevelKind, skus: Sequence[str]) -> Mapping[str, Level]:
        """Those of ``skus`` that are known. One bulk read."""
        ...

    def want(self, store: str, kind: LevelKind, wanted: Sequence[Wanted]) -> int:
        """How many are to be sent because of it.

        A value of an older ``as_of`` than the one that is wanted is dropped. One that the store
        shows already costs no write but the new ``as_of``, and not even that while it is younger
        than an hour. Of kind stock, the store shows ``sent["quantity"]`` less what moved since, and
        what was unknown then is as good as shown for ``UNKNOWN_FOR``.
        """
        ...

    def dirty(self, store: str, kind: LevelKind, *, limit: int, after: str = "") -> Sequence[Level]:
        """Levels to be sent: those without parent first, then by parent, then by SKU, behind the
        ``after`` (``parent/sku``) of the last one that was answered before."""
        ...

    def count_dirty(self, store: str, kind: LevelKind) -> int: ...

    def sent(self, store: str, kind: LevelKind, results: Sequence[Sent]) -> None:
        """What the store answered. A level whose ``version`` has grown since stays to be sent, and
        one of kind stock of which pieces have ``moved``."""
        ...

    def resend(self, store: str, kind: LevelKind, skus: Sequence[str]) -> None:
        """To be sent again though nothing else is wanted: the store shows something else."""
        ...

    def overtake(self, store: str, pieces: Mapping[str, Decimal]) -> None:
        """Has these SKUs of kind stock sent again, each written since an order of it was placed.

        So many ``pieces`` of the order the write wrote over: they are ``overtaken``.
        """
        ...

    def put_places(self, store: str, places: Mapping[str, Place | None]) -> None:
        """Where the store has these SKUs; None: nowhere any more. Of every kind."""
        ...
