"""A world whose books are kept in one kind of back office, and the people who work there."""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from accord.local.offices.wire import Wire
from accord.local.place import REPO, toml_of
from accord.local.world import World
from accord.model.change import Ref
from accord.model.documents import State
from accord.ports.erp import Capabilities, ErpAdapter
from accord.rules.config import Config

Json = dict[str, Any]
SERVICES = {"SHIPPING": "Shipping", "FEE": "Fee", "ROUNDING": "Rounding", "MISC": "Other"}
PERCENTS = (20, 19, 5, 0)


@dataclass(frozen=True, slots=True)
class Sold:
    """One order in the books."""

    key: str
    state: State
    gross: Decimal
    lines: int


@dataclass(frozen=True, slots=True)
class Billed:
    """An invoice or credit note in the books. ``gross`` is above zero. ``settled``: nothing of it
    is owed any more."""

    number: str
    key: str
    gross: Decimal
    booked: bool
    settled: bool


class Office(World, ABC):
    """Below ``wire`` stands the back office.

    ``writes`` are the calls that write when a paid order of a new customer comes in, ``keyed``
    those of them that can arrive after their own repetition and change nothing.
    """

    kind: ClassVar[str]
    account: ClassVar[str]
    """Where money is received that the store was paid."""
    is_real: ClassVar[bool] = False
    """It is no stand-in, so each call takes its time."""
    writes: ClassVar[tuple[str, ...]]
    keyed: ClassVar[tuple[str, ...]]

    wire: Wire

    def __init__(
        self, items: Sequence[str], start: dt.datetime, config: Config | None = None
    ) -> None:
        """``items`` are the SKUs that the books know, of which there is plenty."""
        self.known_items = tuple(items)
        super().__init__(config or self.configured(), start)

    @classmethod
    def configured(cls) -> Config:
        """accord.toml, with the codes of these books."""
        config = toml_of(REPO / "accord.toml")
        (store,) = config["stores"].values()
        for name, table in cls.mappings().items():
            store["mappings"][name] |= table
        return Config.model_validate(config)

    @classmethod
    def mappings(cls) -> Json:
        """What differs from accord.toml's: money that was paid by bank transfer is recorded."""
        return {"payments": {"bacs": {"record": True, "account": cls.account}}}

    def ref(self, order: str) -> Ref:
        """The document that the store's order stands as."""
        link = self.links.get(Ref(self.store.name, "order", order))
        if link is None or link.erp is None:
            raise LookupError(f"order {order} stands in no books")
        return link.erp

    @property
    def can(self) -> Capabilities:
        """What the back office can do, as its adapter says."""
        adapter: ErpAdapter = self.erp()
        return adapter.capabilities

    # --- what stands in the books, as they say it themselves ----------------------

    @abstractmethod
    def sold(self) -> list[Sold]:
        """The orders of this store, oldest first."""

    @abstractmethod
    def money(self) -> list[Decimal]:
        """What was received for them, and below zero what was paid back; oldest first."""

    @abstractmethod
    def parties(self) -> int:
        """How many parties there are for those who ordered."""

    @abstractmethod
    def invoices(self, order: str) -> list[Billed]:
        """Of the order as it stands."""

    @abstractmethod
    def credit_notes(self) -> list[Billed]:
        """Of all orders, oldest first."""

    # --- people there --------------------------------------------------------------

    @abstractmethod
    def ship(
        self, order: str, items: Mapping[str, Decimal] | None = None, *, tracking: str = ""
    ) -> None:
        """All that is open of it leaves, or ``items`` of it."""

    @abstractmethod
    def post_invoice(self, order: str) -> None:
        """Its invoice is booked."""

    @abstractmethod
    def cancel(self, order: str) -> None:
        """It is cancelled by hand."""

    @abstractmethod
    def credit(self, order: str) -> None:
        """All of its invoice is credited by hand."""
