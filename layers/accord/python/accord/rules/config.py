"""accord.toml, as types. Unknown keys are refused; every field says what it is for.

Two layers: wiring (stores, back offices, limits, names of secrets) is deployed; mappings and rules
(everything in ``Mappings``) are data, seeded from the file and replaced by later versions.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

Flow = Literal["off", "shadow", "on"]
Make = Literal["sales_order", "quotation"]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,11}$")]


class Table(BaseModel):
    """A table of accord.toml: frozen, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Target(Table):
    """What a code of the store becomes in the back office."""

    item: str | None = None
    """The back office's item code."""
    account: str | None = None
    """A ledger account: the line is then a text line booked there."""
    carrier: str | None = None
    """For a shipping method: the back office's carrier."""

    @model_validator(mode="after")
    def _names_one(self) -> "Target":
        if (self.item is None) == (self.account is None):
            raise ValueError("give either item or account")
        return self


class PaymentRule(Table):
    """What a payment method does in the books."""

    record: bool
    """Record the money as received when the store says that it was paid. False where the bank
    statement brings it, so that it is not booked twice."""
    account: str | None = None
    """The journal (or ledger account) the money went to; needed when `record` is true."""
    terms: str | None = None
    """The back office's payment terms for orders paid this way."""

    @model_validator(mode="after")
    def _has_account(self) -> "PaymentRule":
        if self.record and not self.account:
            raise ValueError("record = true needs an account")
        return self


class CustomerRules(Table):
    """How a shopper becomes a party."""

    match: tuple[Literal["email", "vat_number"], ...] = ("email", "vat_number")
    """Natural keys by which a party of the back office is recognised, in this order."""
    code: str = "{name:4}{n:02}"
    """Pattern of a new party's account code: {name:4} is the first four letters or digits of the
    name, {n:02} a number of two digits that grows until the code is free, {store} the store key."""
    guests: str | None = None
    """The account code of one party for all guests. Without it a guest is matched like anyone."""
    nobody: str | None = None
    """The account code for orders that do not say who bought. Without it they go to attention."""

    @model_validator(mode="after")
    def _grows(self) -> "CustomerRules":
        if not re.search(r"\{n(:0\d)?\}", self.code):
            raise ValueError("code needs {n} or {n:02}, so that two parties never share one")
        if not self.match and self.guests is None:
            raise ValueError("match must name email or vat_number unless guests has one account")
        return self


class Mappings(Table):
    """The store's codes in the back office's words."""

    items: dict[str, Target] = {}
    """SKU → item, where the back office's item code is not the SKU itself."""
    items_same_code: bool = True
    """A SKU that `items` does not name is the back office's item code. False: it is unmapped."""
    no_sku: Target | Literal["attention"] = "attention"
    """A line without SKU: this item, a text line on this account, or a person's decision."""
    taxes: dict[str, str] = {}
    """Tax rate → tax code. The key is the rate's id, its code (`GB-VAT 20%-1`) or its percent."""
    shipping: dict[str, Target] = {}
    """Shipping method → item or account; `*` is any other."""
    fees: dict[str, Target] = {}
    """Fee name → item or account; `*` is any other."""
    payments: dict[str, PaymentRule] = {}
    """Payment method → what it does in the books; `*` is any other, `` is none at all."""
    rounding: Target | None = None
    """Where the cents go that rounding leaves over. Without it any cent goes to attention."""
    rounding_max: Decimal = Field(default=Decimal("0.05"), ge=0, le=1)
    """The most that rounding may be, in the order's currency."""


class OrderRules(Table):
    """Which orders become which documents."""

    start_at: AwareDatetime
    """Orders placed before are never made in the back office. Going live starts here."""
    statuses: dict[str, Make] = {"processing": "sales_order", "completed": "sales_order"}
    """Status of the store → document. A status that is not here is not imported."""
    vat_number: tuple[str, ...] = ("_billing_vat_number", "_vat_number", "billing_vat")
    """Custom fields that may hold the VAT number, first found wins."""
    po_number: tuple[str, ...] = ("po_number", "_po_number", "_billing_po_number")
    """Custom fields that may hold the buyer's purchase-order number."""
    note: str = "{document} {number} in {erp}"
    """The private note that the store's order gets. {document}, {number}, {erp}."""


class StoreFlows(Table):
    """Which flows run. `shadow` decides, journals and compares, and writes nothing anywhere."""

    orders: Flow = "off"


def _http_url(url: str) -> str:
    loopback = re.match(r"^http://(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?(/|$)", url)
    if not (re.match(r"^https://[^/@?#]+(/[^?#]*)?$", url) or loopback):
        raise ValueError("must be https:// (http:// only for a loopback address)")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_http_url)]


def _zone(name: str) -> str:
    import zoneinfo

    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"no such time zone: {name!r}; use a name like Europe/London") from error
    return name


class Store(Table):
    """One WooCommerce store."""

    key: Key
    """Short, unique, never to change: the first part of every external key."""
    url: Url
    """The store's home address, as its links show it."""
    api_url: Url | None = None
    """Where its REST API is reached, if not at `url`."""
    erp: str
    """The back office that its orders go to, a table of [erps]."""
    secret: str
    """Name of the secret: webhook_secrets (newest first), consumer_key, consumer_secret."""
    allowed_sources: tuple[str, ...] = ("0.0.0.0/0", "::/0")
    """Address ranges that its deliveries may come from."""
    prod: bool = False
    """A live store. A stage that is not prod refuses it."""
    timeout: Decimal = Field(default=Decimal(30), gt=0, le=50)
    """Seconds to wait for one answer."""
    settle: Decimal = Field(default=Decimal(60), ge=0, le=3600)
    """Seconds that an unanswered write may still take effect."""
    flows: StoreFlows = StoreFlows()
    orders: OrderRules
    customers: CustomerRules = CustomerRules()
    mappings: Mappings = Mappings()


class Erp(Table):
    """One back office."""

    adapter: str
    """Which kind: see `accord erps`."""
    url: Url
    """Its address."""
    secret: str
    """Name of the secret with its credentials."""
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    """The company's time zone: a document's date is the day there."""
    prod: bool = False
    """A live back office. A stage that is not prod refuses it."""
    timeout: Decimal = Field(default=Decimal(30), gt=0, le=50)
    """Seconds to wait for one answer."""
    concurrency: int = Field(default=2, ge=2, le=1000)
    """Workers that may write to it at once."""
    options: dict[str, Any] = {}
    """The adapter's own settings."""


class Config(Table):
    """All of accord.toml."""

    stores: dict[str, Store] = Field(min_length=1)
    erps: dict[str, Erp] = Field(min_length=1)
    alarms: dict[Literal["commerce", "finance", "warehouse", "support", "ops"], str] = {}
    """Mail address per owner, for alarms."""
    json_schema: str | None = Field(default=None, alias="$schema")
    """Where an editor finds the schema."""

    @model_validator(mode="after")
    def _agrees(self) -> "Config":
        keys: dict[str, str] = {}
        for name, store in self.stores.items():
            if store.erp not in self.erps:
                raise ValueError(
                    f"stores.{name}.erp: no back office named {store.erp!r}; "
                    f"there are: {', '.join(self.erps)}"
                )
            if store.key in keys:
                raise ValueError(
                    f"stores.{name}.key: {store.key!r} is also the key of stores.{keys[store.key]}"
                )
            keys[store.key] = name
        return self


MAPPED_BY_DATA = ("orders", "customers", "mappings", "flows")
"""The tables of a store that later versions of the rules may replace without a deploy."""
