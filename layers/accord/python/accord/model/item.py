"""What is sold: an item of the back office, and a product of the store. Neither knows a vendor."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from accord.model.change import Ref
from accord.model.documents import Kind

Lifecycle = Literal["current", "temporarily_out", "permanently_out", "end_of_line", "clearance"]
"""``end_of_line``: sold while there is some, and never bought again. ``clearance``: the same, at a
price of its own. The two ``…_out`` are not sold now, for a while or for ever."""

ProductStatus = Literal["publish", "draft", "private", "pending"]


@dataclass(frozen=True, slots=True)
class Family:
    """What variants are variants of. ``code`` is its own SKU in the store."""

    id: str  # of the back office
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """An item as the back office describes it; what it does not know is empty or None.

    ``options`` tell the variants of a ``family`` apart: (attribute, value). ``categories`` are
    paths from the root, ``("Home", "Kitchen")``. ``images`` are addresses. Weight is in kg, the
    sizes (length, width, height) in cm. ``taxes`` are the back office's tax codes, ``fields`` its
    user-defined fields by name.
    """

    ref: Ref
    code: str
    name: str
    goods: bool = True  # of which there is stock; else a service
    active: bool = True
    lifecycle: Lifecycle = "current"
    family: Family | None = None
    options: tuple[tuple[str, str], ...] = ()
    description: str = ""
    summary: str = ""
    categories: tuple[tuple[str, ...], ...] = ()
    images: tuple[str, ...] = ()
    weight: Decimal | None = None
    sizes: tuple[Decimal | None, Decimal | None, Decimal | None] | None = None
    gtin: str = ""
    taxes: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True, slots=True)
class ItemPrices:
    """What an item costs in one currency. ``base`` is the list price, None where there is none.

    ``lists`` are the computed prices by price list, without those that have none for it. ``gross``:
    all of them hold tax. ``sale`` is the back office's own special price, with its days.
    """

    item: str  # its code
    currency: str
    base: Decimal | None
    lists: Mapping[str, Decimal] = field(default_factory=dict)
    gross: bool = False
    taxes: tuple[str, ...] = ()
    sale: "SalePrice | None" = None


@dataclass(frozen=True, slots=True)
class SalePrice:
    """A special price. Days are the company's own; None: from now on, until further notice."""

    price: Decimal
    starts_on: dt.date | None = None
    ends_on: dt.date | None = None


@dataclass(frozen=True, slots=True)
class ItemDocument:
    """An item to be made or changed in the back office, where the store owns the catalogue.

    Its external key is its code. A field of None is left as it is.
    """

    code: str
    name: str
    goods: bool = True
    description: str | None = None
    weight: Decimal | None = None
    gtin: str | None = None
    price: Decimal | None = None  # net, in the company's currency
    taxes: tuple[str, ...] | None = None  # the back office's tax codes
    kind: Kind = field(default=Kind.ITEM, init=False)


@dataclass(frozen=True, slots=True)
class Product:
    """A product or variation as the store shows it. ``parent`` is empty unless it is a variation.

    Money is text in the store's own currency, as it was stored. ``stock`` is None where the store
    does not count it; ``by_parent``: its parent counts. ``fields`` are its plain custom fields.
    """

    ref: Ref
    sku: str
    name: str
    type: str  # simple, variable, variation, grouped, external …
    status: str
    modified_at: dt.datetime | None
    parent: str = ""
    manages_stock: bool = False
    by_parent: bool = False
    stock: Decimal | None = None
    backorders: str = "no"
    regular_price: str = ""
    sale_price: str = ""
    tax_class: str = ""
    virtual: bool = False
    description: str = ""
    weight: str = ""
    gtin: str = ""
    options: tuple[tuple[str, str], ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
