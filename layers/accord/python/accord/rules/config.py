"""accord.toml, as types. Unknown keys are refused; every field says what it is for.

Two layers: wiring (stores, back offices, limits, names of secrets) is deployed; mappings and rules
(everything in ``Mappings``) are data, seeded from the file and replaced by later versions.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from accord.rules.digest import Digest
from accord.rules.limits import NEWS, Bears, Limits, Maintenance, Usual, zone
from accord.rules.mapping import Mappings
from accord.rules.names import Key, Range, SecretName, Url, host
from accord.rules.ordering import (
    ErpChangeRules,
    FulfilmentRules,
    InvoiceRules,
    NoteWords,
    OrderRules,
)
from accord.rules.people import CustomerRules
from accord.rules.selling import AvailabilityRules, CatalogueRules, PriceRules, StockRules
from accord.rules.table import Flow, Table, wrong
from accord.rules.watch import Alarms, Audit


class StoreFlows(Table):
    """Which flows run. `shadow` decides, journals and compares, and writes nothing anywhere."""

    orders: Flow = "off"
    """Store's orders and refunds → the back office's sales orders, payments, credit notes."""
    fulfilment: Flow = "off"
    """The back office's shipments → tracking, status and note in the store."""
    invoices: Flow = "off"
    """The back office's invoices → number, document and note in the store."""
    erp_changes: Flow = "off"
    """Cancelled or credited in the back office → the store, or a person."""
    customers: Flow = "off"
    """Customers, both ways."""
    stock: Flow = "off"
    """The back office's stock → what the store may sell."""
    prices: Flow = "off"
    """The back office's prices and price lists → the store's prices."""
    products: Flow = "off"
    """Items and products: the side that owns the catalogue leads."""


class StoreLimits(Table):
    """What the store's own machine is asked to bear beside its shoppers."""

    batch: int = Field(default=100, ge=1, le=100)
    """Products in one call, at the most. Fewer are sent while the store is slow or fails."""
    slow: Decimal = Field(default=Decimal(10), gt=0, le=45)
    """Seconds that one batch should not take longer than."""
    catalogue_share: Decimal = Field(default=Decimal("0.5"), gt=0, le=1)
    """The part of the time in which prices and products may keep the store busy."""


class ReconcileRules(Table):
    """What the night compares."""

    days: int = Field(default=90, ge=1, le=3660)
    """Orders of so many days back; once a week all of them, since the store went live."""
    repair: bool = False
    """What an ordinary change would mend is queued; else it is only reported."""


class WebhookRules(Table):
    """Whether we look after the store's webhooks."""

    guard: bool = False
    """One that lacks, was switched off or goes elsewhere is deleted and made anew."""
    delivery_url: Url | None = None
    """Where they go, if not to the address of our own API: a front before it, say."""


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
    secret: SecretName
    """Name of the secret: webhook_secrets (newest first), consumer_key, consumer_secret, and
    checkout_secrets (newest first) where the checkout asks."""
    allow_private: bool = False
    """It may be reached at an address that is not public: over a VPN, say."""
    allowed_sources: tuple[Range, ...] = Field(default=("0.0.0.0/0", "::/0"), min_length=1)
    """Address ranges that its deliveries may come from."""
    prod: bool = False
    """A live store. A stage that is not prod refuses it."""
    timeout: Decimal = Field(default=Decimal(30), gt=0, le=50)
    """Seconds to wait for one answer."""
    settle: Decimal = Field(default=Decimal(60), ge=0, le=3600)
    """Seconds that an unanswered write may still take effect."""
    flows: StoreFlows = StoreFlows()
    orders: OrderRules
    fulfilment: FulfilmentRules = FulfilmentRules()
    invoices: InvoiceRules = InvoiceRules()
    erp_changes: ErpChangeRules = ErpChangeRules()
    words: NoteWords = NoteWords()
    customers: CustomerRules = CustomerRules()
    mappings: Mappings = Mappings()
    stock: StockRules = StockRules()
    prices: PriceRules = PriceRules()
    catalogue: CatalogueRules = CatalogueRules()
    availability: AvailabilityRules = AvailabilityRules()
    limits: StoreLimits = StoreLimits()
    webhooks: WebhookRules = WebhookRules()
    reconcile: ReconcileRules = ReconcileRules()
    maintenance: tuple[Maintenance, ...] = ()
    """Hours in which it is left alone; what comes up meanwhile waits."""


class Erp(Table):
    """One back office."""

    adapter: str
    """Which kind: see `accord erps`."""
    url: Url
    """Its address."""
    secret: SecretName
    """Name of the secret with its credentials."""
    allow_private: bool = False
    """It may be reached at an address that is not public: over a VPN, say."""
    time_zone: Annotated[str, AfterValidator(zone)] = "UTC"
    """The company's time zone: a document's date is the day there."""
    prod: bool = False
    """A live back office. A stage that is not prod refuses it."""
    timeout: Decimal = Field(default=Decimal(30), gt=0, le=50)
    """Seconds to wait for one answer."""
    concurrency: int = Field(default=2, ge=2, le=1000)
    """Workers that may write to it at once."""
    poll_minutes: int = Field(default=1, ge=1, le=60)
    """How often it is asked what changed, in minutes."""
    limits: Limits = Limits()
    """What it bears."""
    maintenance: tuple[Maintenance, ...] = ()
    """Hours in which it is left alone; what comes up meanwhile waits."""
    options: dict[str, Any] = {}
    """The adapter's own settings."""


class Deploy(Table):
    """What is deployed beside the service, where it is wanted."""

    fixed_addresses: bool = False
    """What goes out to stores and back offices comes from fixed addresses, which a firewall there
    can name. It costs two NAT gateways."""
    front: Annotated[str, AfterValidator(host)] = ""
    """The API's host, to have CloudFront and a firewall in front of it."""


class Config(Table):
    """All of accord.toml."""

    stores: dict[str, Store] = Field(min_length=1)
    """The stores by name; the name is in the address that a store's webhooks are sent to."""
    erps: dict[str, Erp] = Field(min_length=1)
    """The back offices by name."""
    alarms: Alarms = Alarms()
    """Who is told of what, and from when on."""
    deploy: Deploy = Deploy()
    """What is deployed beside the service."""
    audit: Audit = Audit()
    """How long the proof of what was done is kept."""
    digest: Digest = Digest()
    """The daily mail of what is open."""
    json_schema: str | None = Field(default=None, alias="$schema")
    """Where an editor finds the schema."""

    @model_validator(mode="after")
    def _agrees(self) -> "Config":
        keys: dict[str, str] = {}
        for name, store in self.stores.items():
            if store.erp not in self.erps:
                raise wrong(
                    f"there is no back office {store.erp!r}",
                    f"Name one of [erps]: {', '.join(self.erps)}.",
                    path=("stores", name, "erp"),
                )
            if store.key in keys:
                raise wrong(
                    f"{store.key!r} is also the key of stores.{keys[store.key]}",
                    "Give each store its own key: it is the first part of every external key.",
                    path=("stores", name, "key"),
                )
            keys[store.key] = name
            for at, route in enumerate(store.orders.route):
                if route.erp is not None and route.erp not in self.erps:
                    raise wrong(
                        f"there is no back office {route.erp!r}",
                        f"Name one of [erps]: {', '.join(self.erps)}.",
                        path=("stores", name, "orders", "route", at, "erp"),
                    )
        return self


def bears(config: Config, name: str, usual: Callable[[str], Usual] = lambda _: Usual()) -> Bears:
    """What the store or back office ``name`` bears; nothing in particular, if there is none.

    ``usual`` answers what is known of an adapter: it holds where the table names nothing.
    """
    if (erp := config.erps.get(name)) is not None:
        known = usual(erp.adapter)
        calls = known.calls(NEWS) * (24 * 60 // erp.poll_minutes)
        own = erp.limits.over(known.limits)
        limits = own.keeping_polls(calls) if own.count else None
        return Bears(erp.maintenance, limits, erp.time_zone)
    if (store := config.stores.get(name)) is not None:
        return Bears(store.maintenance, None, config.erps[store.erp].time_zone)
    return Bears()


MAPPED_BY_DATA = (
    "orders",
    "fulfilment",
    "invoices",
    "erp_changes",
    "words",
    "customers",
    "mappings",
    "flows",
    "stock",
    "prices",
    "catalogue",
    "availability",
)
"""The tables of a store that later versions of the rules may replace without a deploy."""
