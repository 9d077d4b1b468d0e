"""How far an order has come in the back office: what was shipped, what was invoiced."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from accord.model.change import Ref
from accord.model.documents import Kind, Record, Totals
from accord.model.money import Money

Shipped = Literal["none", "part", "all"]


@dataclass(frozen=True, slots=True)
class Shipment:
    """One parcel or more that leave together. ``lines`` are (item code, quantity)."""

    ref: Ref
    number: str
    state: Literal["open", "done", "cancelled"]
    shipped_on: dt.date | None = None
    carrier: str = ""
    tracking: str = ""  # the carrier's number
    tracking_url: str = ""
    lines: tuple[tuple[str, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice or a credit note, whose totals are then positive too.

    ``key`` is our external key where we made it; None for what was made in the back office.
    """

    ref: Ref
    kind: Literal[Kind.INVOICE, Kind.CREDIT_NOTE]
    number: str  # empty until it is posted
    state: Literal["draft", "posted", "paid", "cancelled"]
    totals: Totals
    issued_on: dt.date | None = None
    key: str | None = None

    @property
    def is_booked(self) -> bool:
        """It counts in the books: posted, paid or not."""
        return self.state in {"posted", "paid"}


@dataclass(frozen=True, slots=True)
class Progress:
    """A sales order as the back office holds it now, with all that came of it.

    ``shipped`` counts goods only: an order of services alone is ``all`` once it is confirmed.
    """

    order: Record
    shipped: Shipped
    shipments: tuple[Shipment, ...] = ()
    invoices: tuple[Invoice, ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """One record of the back office that changed at ``at`` (its own time, UTC).

    ``order`` is the sales order that it belongs to, an order's own ref for an order, None where
    there is none. ``state`` is in the words of State, Shipment or Invoice; ``gross`` is an order's
    or an invoice's total. ``version`` is equal as long as nothing changed.
    """

    ref: Ref
    at: dt.datetime
    version: str
    order: Ref | None = None
    state: str = ""
    gross: Money | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A printed document: an invoice, a delivery note."""

    name: str  # of the file, with its extension
    content_type: str
    data: bytes
