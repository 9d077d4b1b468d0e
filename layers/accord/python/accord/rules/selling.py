"""accord.toml on what is sold: stock, prices, the catalogue, and what the checkout may ask."""

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from accord.model.item import Lifecycle
from accord.rules.table import Code, Table, wrong

Backorders = Literal["no", "notify", "yes"]
Build = Literal["none", "kits", "all"]
Side = Literal["erp", "store"]


class ItemWhen(Table):
    """Of an item: all that is named must hold, and a list holds if one of its values does."""

    sku: tuple[Code, ...] = ()
    """SKUs, with * for any letters."""
    item_class: tuple[Code, ...] = ()
    """Classes of [mappings.classes]."""


class StockRule(Table):
    """Exceptions for some items. Of each word the first rule that fits and says it holds."""

    name: Code
    """For people."""
    when: ItemWhen
    locations: tuple[Code, ...] | None = None
    """The back office's locations that these are sold from."""
    buffer: int | None = Field(default=None, ge=0)
    """Pieces that are kept back."""
    oversell: int | None = Field(default=None, ge=0)
    """Pieces that may be sold though they are not there."""
    build: Build | None = None
    """Whether what could be built counts."""
    backorders: Backorders | None = None
    """Whether the store sells on when there are none."""


class StockRules(Table):
    """What of the back office's stock the store may sell."""

    locations: tuple[Code, ...] = ()
    """Codes of the back office's locations (warehouses) whose free stock is added up."""
    buffer: int = Field(default=0, ge=0)
    """Pieces of each item that are kept back, for what the store sells between two looks."""
    oversell: int = Field(default=0, ge=0)
    """Pieces of each item that may be sold though they are not there: more are on their way."""
    build: Build = "all"
    """What could be put together counts as well: `kits` only, `all` with bills of materials, or
    `none`."""
    backorders: Backorders | None = None
    """Whether the store sells on when there are none. Without it each product keeps its setting."""
    near: int = Field(default=10, ge=0)
    """SKUs of so many pieces or fewer are read in the store just before they are written."""
    corrections: Literal["report", "overwrite"] = "report"
    """Somebody changes the stock in the store: a person is told, or it is written over. The back
    office is right either way, and says so with its next change of that item."""
    rule: tuple[StockRule, ...] = ()
    """Exceptions by SKU and item class."""

    @field_validator("locations")
    @classmethod
    def _each_once(cls, locations: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(locations)) < len(locations):
            raise wrong("a location is named twice", "Name each once, or its stock counts twice.")
        return locations


_ROLE = r"^[a-z0-9_-]{1,64}$"


class PriceBand(Table):
    """A price for a group of customers."""

    list: Code
    """The back office's price list."""
    role: Annotated[str, Field(pattern=_ROLE)]
    """The store's user role that pays it."""
    field: str = "{role}_wholesale_price"
    """The custom field that holds the price; the default is Wholesale Suite's."""
    flag: str = "{role}_have_wholesale_price"
    """The custom field that says `yes` where there is such a price; empty for none."""

    @field_validator("field", "flag")
    @classmethod
    def _filled(cls, name: str) -> str:
        if re.search(r"[{}]", name.replace("{role}", "")):
            raise wrong(f"{name!r} holds what nothing fills in", "Use {role} only.")
        return name

    @field_validator("field")
    @classmethod
    def _is_named(cls, name: str) -> str:
        if not name.strip():
            raise wrong("the price has no custom field", "Name the one that your plugin reads.")
        return name


class SaleRule(Table):
    """A special price from a price list."""

    list: Code
    """The back office's price list."""
    starts_on: dt.date | None = None
    """The first day, in the company's time zone."""
    ends_on: dt.date | None = None
    """The last day."""

    @model_validator(mode="after")
    def _in_order(self) -> "SaleRule":
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise wrong("the sale ends before it starts", "Swap starts_on and ends_on.")
        return self


def _currency(code: str) -> str:
    if len(code) != 3 or not code.isascii() or not code.isupper():
        raise wrong(f"{code!r} is no currency", "Write its three letters, such as GBP.")
    return code


class PriceRules(Table):
    """What the store charges."""

    currency: Annotated[str, AfterValidator(_currency)] | None = None
    """The store's currency, ISO 4217; needed for prices."""
    include_tax: bool = False
    """The store's prices are entered with tax (WooCommerce, Settings, Tax)."""
    digits: int = Field(default=2, ge=0, le=4)
    """Decimals of the store's prices."""
    list: Code | None = None
    """The price list that gives the regular price. Without it, the item's own list price."""
    sale: SaleRule | None = None
    """A price list that gives the sale price, where it is lower than the regular one."""
    clearance: Code | None = None
    """The price list that gives the sale price of what is being cleared."""
    band: tuple[PriceBand, ...] = ()
    """Prices for groups of customers."""

    @field_validator("band")
    @classmethod
    def _one_each(cls, bands: tuple[PriceBand, ...]) -> tuple[PriceBand, ...]:
        roles = [band.role for band in bands]
        if len(set(roles)) < len(roles):
            raise wrong("two bands are of the same role", "Give each role one price list.")
        fields = [band.field.replace("{role}", band.role) for band in bands]
        if len(set(fields)) < len(fields):
            raise wrong(
                "two bands write the same custom field",
                "Put {role} into its name, or the last of them would hold for both.",
            )
        return bands


class LifecycleRule(Table):
    """What becomes of a product in one part of its life."""

    show: Literal["keep", "hidden", "draft"] = "keep"
    """`hidden` is not found in the shop but still has its page, `draft` is not there at all."""
    backorders: Backorders | None = None
    """Whether the store sells on when there are none."""
    text: str = ""
    """What shoppers read about when it comes; kept in `text_field`."""


class FieldOwners(Table):
    """Whose word holds for each field of a product that is there already."""

    name: Side = "store"
    """Its name."""
    description: Side = "store"
    """The long text."""
    summary: Side = "store"
    """The short text."""
    categories: Side = "store"
    """Its categories."""
    images: Side = "store"
    """Its pictures."""
    weight: Side = "erp"
    """Its weight."""
    sizes: Side = "erp"
    """Length, width and height."""
    gtin: Side = "erp"
    """GTIN, EAN, UPC or ISBN."""
    tax_class: Side = "erp"
    """Its tax class."""
    attributes: Side = "erp"
    """What tells variations apart."""
    status: Side = "erp"
    """Whether it is shown, by `lifecycle`."""


_LIFE: dict[Lifecycle, LifecycleRule] = {
    "temporarily_out": LifecycleRule(),
    "permanently_out": LifecycleRule(show="draft"),
    "end_of_line": LifecycleRule(backorders="no"),
    "clearance": LifecycleRule(backorders="no"),
}


class CatalogueRules(Table):
    """Items and products: who leads, and what the other side gets."""

    owner: Side = "erp"
    """`erp`: items become products. `store`: products become items, and nothing is sent back."""
    new: Literal["draft", "publish", "none"] = "draft"
    """An item that the store lacks: a draft for your team to finish, shown at once, or nothing."""
    publish: ItemWhen | None = None
    """Which items belong in this store. Without it, every item with a code that is sold."""
    fields: FieldOwners = FieldOwners()
    """Whose word holds for each field of a product that is there: erp or store. A new one gets all
    that the back office knows."""
    category_field: Code | None = None
    """The user-defined field that names the categories (`Home > Kitchen; Gifts`), instead of the
    back office's own tree."""
    tax_classes: dict[str, str] = {}
    """Tax code of the back office → tax class of the store; `` is the standard class."""
    lifecycle: dict[Lifecycle, LifecycleRule] = _LIFE
    """What becomes of what is temporarily_out, permanently_out, end_of_line, in clearance."""
    text_field: Code = "_accord_availability"
    """The custom field with the lifecycle's text, for the shop's theme to show."""

    @field_validator("lifecycle")
    @classmethod
    def _with_the_usual(
        cls, lifecycle: dict[Lifecycle, LifecycleRule]
    ) -> dict[Lifecycle, LifecycleRule]:
        """What the file says of one part of life takes nothing from the others."""
        given = {
            life: _LIFE[life].model_copy(
                update={name: getattr(rule, name) for name in rule.model_fields_set}
            )
            if life in _LIFE
            else rule
            for life, rule in lifecycle.items()
        }
        return {**_LIFE, **given}


class AvailabilityRules(Table):
    """What the store's checkout may ask: can this be sold now, at which price."""

    enabled: bool = False
    """Answers at all."""
    hold_minutes: int = Field(default=15, ge=0, le=120)
    """How long goods are kept for a basket that asks for it; 0 keeps none."""
    live: Literal["never", "near"] = "never"
    """`near` asks the back office while the shopper waits, for items with few left."""
    deadline_ms: int = Field(default=200, ge=50, le=2000)
    """How long the back office may take then; after that, what is known is answered."""
