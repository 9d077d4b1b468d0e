"""accord.toml, as types. Unknown keys are refused; every field says what it is for.

Two layers: wiring (stores, back offices, limits, names of secrets) is deployed; mappings and rules
(everything in ``Mappings``) are data, seeded from the file and replaced by later versions.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from accord.rules.digest import Digest
from accord.rules.hosts import is_loopback
from accord.rules.limits import NEWS, Bears, Limits, Maintenance, zone
from accord.rules.selling import AvailabilityRules, CatalogueRules, PriceRules, StockRules
from accord.rules.table import Code, Flow, Table, wrong
from accord.rules.watch import Alarms, Audit

Make = Literal["sales_order", "quotation", "both", "cancel"]
"""What a status asks for. ``both``: a quotation until it is paid, a sales order from then on.
``cancel``: the document is cancelled, as for the store's own cancelled and failed."""


_KEY = r"^[a-z][a-z0-9]{0,11}$"


def _key(key: str) -> str:
    if not re.fullmatch(_KEY, key):
        raise wrong(
            f"{key!r} cannot be a store's key",
            "Use one to twelve small letters and digits, a letter first, such as uk or shop2.",
        )
    return key


Key = Annotated[str, AfterValidator(_key), Field(json_schema_extra={"pattern": _KEY})]

_IN_SECRETS_MANAGER = r"^[A-Za-z0-9/_+=.@-]{1,512}$"


def _secret(name: str) -> str:
    # Source: AWS Secrets Manager API Reference, "CreateSecret", Name.
    if not re.fullmatch(_IN_SECRETS_MANAGER, name):
        raise wrong(
            f"{name!r} cannot be the name of a secret",
            "Use letters, digits and / _ + = . @ - only, such as store/uk.",
        )
    if re.fullmatch(r"(ck|cs)_[0-9a-f]{20,}", name):
        raise wrong(
            "this is a WooCommerce key, not the name of a secret",
            "Put the key into the secret, write the secret's name here, and make a new key: "
            "this one has been in a file.",
        )
    return name


SecretName = Annotated[
    str, AfterValidator(_secret), Field(json_schema_extra={"pattern": _IN_SECRETS_MANAGER})
]


class Target(Table):
    """What a code of the store becomes in the back office."""

    item: Code | None = None
    """The back office's item code."""
    account: Code | None = None
    """A ledger account: the line is then a text line booked there."""
    carrier: Code | None = None
    """For a shipping method: the back office's carrier."""

    @model_validator(mode="after")
    def _names_one(self) -> "Target":
        if self.item is not None and self.account is not None:
            raise wrong(
                f"this names both the item {self.item!r} and the account {self.account!r}",
                "Keep one: `item` books the line as that item, `account` as text on that account.",
            )
        if self.item is None and self.account is None:
            raise wrong(
                "this names neither an item nor an account",
                'Add item = "…" (an item of the back office) or account = "…" (a ledger account).',
            )
        return self


class PaymentRule(Table):
    """What a payment method does in the books."""

    record: bool
    """Record the money as received when the store says that it was paid. False where the bank
    statement brings it, so that it is not booked twice."""
    account: Code | None = None
    """The journal (or ledger account) the money went to; needed when `record` is true."""
    terms: Code | None = None
    """The back office's payment terms for orders paid this way."""
    refund_account: Code | None = None
    """Where refunds leave from, if not from `account`."""

    @model_validator(mode="after")
    def _has_account(self) -> "PaymentRule":
        if self.record and not self.account:
            raise wrong(
                "record = true does not say where the money went",
                'Add account = "…", the journal or ledger account that received it, '
                "or record = false.",
            )
        return self


_CODE_PART = re.compile(r"\{name(:[1-9]\d?)?\}|\{n(:0[1-9])?\}|\{store\}|[^{}]")


def _code_pattern(pattern: str) -> str:
    left = _CODE_PART.sub("", pattern)
    if left:
        raise wrong(
            f"the pattern {pattern!r} holds what nothing fills in",
            "Use {name}, {name:4}, {n}, {n:02} and {store} only.",
        )
    if not re.search(r"\{n(:0\d)?\}", pattern):
        raise wrong(
            f"the pattern {pattern!r} has no number that grows",
            "Add {n} or {n:02}, so that two parties never share a code.",
        )
    return pattern


def _filled_by(*names: str) -> Callable[[str], str]:
    known = {f"{{{name}}}" for name in names}

    def check(text: str) -> str:
        if unknown := set(re.findall(r"\{[^{}]*\}|[{}]", text)) - known:
            raise wrong(
                f"the note holds {', '.join(sorted(unknown))}, which nothing fills in",
                f"Use {', '.join(sorted(known))} only.",
            )
        return text

    return check


_note = _filled_by("document", "number", "erp")
_fulfilment_note = _filled_by("date", "carrier", "tracking", "url", "number", "items")
_invoice_note = _filled_by("document", "number", "total", "date", "url")


Policy = Literal["store", "erp", "newest", "ask"]
"""Whose value holds when both sides changed a field: the store's, the back office's, the one that
was written last, or a person's choice."""


class FieldPolicies(Table):
    """Whose value holds when both sides changed a field; what one changed alone goes over."""

    name: Policy = "newest"
    """Of the person."""
    company: Policy = "newest"
    """The company's name."""
    email: Policy = "newest"
    """The e-mail address."""
    phone: Policy = "newest"
    """The telephone number."""
    vat_number: Policy = "ask"
    """The VAT number: a wrong one is a wrong tax."""
    billing: Policy = "newest"
    """The billing address."""
    shipping: Policy = "newest"
    """The shipping address."""
    price_group: Policy = "erp"
    """The price list."""
    payment_terms: Policy = "erp"
    """The payment terms."""


class CustomerRules(Table):
    """How a shopper becomes a party, and how the two are kept alike."""

    match: tuple[Literal["email", "vat_number"], ...] = ("email", "vat_number")
    """Natural keys by which a party of the back office is recognised, in this order."""
    code: Annotated[str, AfterValidator(_code_pattern)] = "{name:4}{n:02}"
    """Pattern of a new party's account code: {name:4} is the first four letters or digits of the
    name, {n:02} a number of two digits that grows until the code is free, {store} the store key."""
    guests: Code | None = None
    """The account code of one party for all guests. Without it a guest is matched like anyone."""
    nobody: Code | None = None
    """The account code for orders that do not say who bought. Without it they go to attention."""
    create_in_erp: bool = True
    """A new account of the store becomes a party. False: only once it orders."""
    create_in_store: bool = False
    """A new party with an e-mail address, not one that an order made, becomes an account of the
    store, which then writes to it. False: it is only linked with the account of that address, where
    there is one."""
    roles: tuple[Code, ...] = ("customer", "subscriber")
    """Users of the store that are customers. All others (an editor, say) are left out."""
    fields: FieldPolicies = FieldPolicies()
    """Whose value holds when both sides changed a field: store, erp, newest or ask."""
    prefers: Literal["store", "erp"] | None = None
    """Whose value holds where `newest` cannot tell. Without it a person is asked."""

    @field_validator("roles")
    @classmethod
    def _names_roles(cls, roles: tuple[str, ...]) -> tuple[str, ...]:
        if not roles:
            raise wrong(
                "no role is a customer's, so nobody would be followed",
                'Write roles = ["customer"], or set customers = "off" in the store\'s flows.',
            )
        return roles

    @model_validator(mode="after")
    def _recognises(self) -> "CustomerRules":
        if not self.match and self.guests is None:
            raise wrong(
                "nothing tells whether a shopper is known already",
                'Write match = ["email"] or ["email", "vat_number"], or give all guests one '
                "account with `guests`.",
                path=("match",),
            )
        return self


def _is_text(value: object) -> str:
    return "attention" if isinstance(value, str) else "target"


NoSku = Annotated[
    Annotated[Target, Tag("target")] | Annotated[Literal["attention"], Tag("attention")],
    Discriminator(_is_text),
]


class LineWhen(Table):
    """Of a line: all that is named must hold, and a list holds if one of its values does."""

    item_class: tuple[Code, ...] = ()
    """Classes of [classes]."""
    country: tuple[Code, ...] = ()
    """Where the goods go: `DE`, or `EU` for any member state."""
    rate: tuple[Code, ...] = ()
    """The tax rate as in [taxes]; `none` is a line without tax."""
    vat_number: bool | None = None
    """Whether the buyer gave a VAT number."""


class TaxRule(Table):
    """A tax code for some lines, before [taxes] is looked at."""

    when: LineWhen
    code: Code
    """The back office's tax code."""


class RevenueRule(Table):
    """A revenue account for some lines of items."""

    when: LineWhen
    account: Code
    """The back office's revenue account."""


class Mappings(Table):
    """The store's codes in the back office's words."""

    classes: dict[str, tuple[Code, ...]] = {}
    """Item class → SKUs, with * for any letters: `gifts = ["GIFT-*"]`. The first that fits."""
    tax_rules: tuple[TaxRule, ...] = ()
    """Tax codes by destination, VAT number and class, first fit; before `taxes`."""
    revenue: tuple[RevenueRule, ...] = ()
    """Revenue accounts by class and destination, first fit; else the item's own."""
    gift_cards: Target | None = None
    """Where gift cards go that an order is paid with, a liability. Else such orders wait."""
    refund_amount: Target | None = None
    """Where an amount goes that was refunded without lines. Else such refunds wait."""
    refund_amount_tax: Literal["none", "proportional"] = "proportional"
    """Whether such an amount holds tax, in the proportions of the order, or none."""

    items: dict[str, Target] = {}
    """SKU → item, where the back office's item code is not the SKU itself."""
    items_same_code: bool = True
    """A SKU that `items` does not name is the back office's item code. False: it is unmapped."""
    no_sku: NoSku = "attention"
    """A line without SKU: this item, a text line on this account, or a person's decision."""
    taxes: dict[str, Code] = {}
    """Tax rate → tax code. The key is the rate's percent (`20`), its code (`GB-VAT 20%-1`) or its
    id (`id:1`); the most particular one holds."""
    shipping: dict[str, Target] = {}
    """Shipping method → item or account: a zone's own (`flat_rate:3`), the method (`flat_rate`),
    or `*` for any other."""
    fees: dict[str, Target] = {}
    """Fee name → item or account; `*` is any other."""
    payments: dict[str, PaymentRule] = {}
    """Payment method → what it does in the books; `*` is any other, `` is none at all."""
    rounding: Target | None = None
    """Where the cents go that rounding leaves over. Without it any cent goes to attention."""
    rounding_max: Decimal = Field(default=Decimal("0.05"), ge=0, le=1)
    """The most that rounding may be, in the order's currency."""


class OrderWhen(Table):
    """Of an order: all that is named must hold, and a list holds if one of its values does."""

    status: tuple[Code, ...] = ()
    """The store's status."""
    payment_method: tuple[str, ...] = ()
    """The gateway's id: `bacs`, `stripe`; `` is none."""
    country: tuple[Code, ...] = ()
    """Where the goods go: `DE`, or `EU` for any member state."""
    currency: tuple[Code, ...] = ()
    """ISO 4217: `EUR`."""
    item_class: tuple[Code, ...] = ()
    """Classes of [mappings.classes] that at least one line is of."""
    customer: tuple[Code, ...] = ()
    """Customer ids, e-mail addresses, `@example.com` for all of a domain, `guest`."""
    vat_number: bool | None = None
    """Whether the buyer gave a VAT number."""
    total_from: Decimal | None = None
    """The total, in the order's currency, is this or more."""
    total_below: Decimal | None = None
    """The total is less than this."""


class Route(Table):
    """Where some orders go, and as what. The first that fits decides."""

    name: Code
    """For people: `accord rules explain` names it."""
    when: OrderWhen = OrderWhen()
    make: Literal["sales_order", "quotation", "both"] | None = None
    """The document, where `statuses` would make one. None: what `statuses` says."""
    erp: str | None = None
    """The back office, a table of [erps]: another company. None: the store's own."""


class OrderRules(Table):
    """Which orders become which documents."""

    start_at: AwareDatetime
    """Orders placed before are never made in the back office. Going live starts here."""
    statuses: dict[str, Make] = {"processing": "sales_order", "completed": "sales_order"}
    """Status of the store → document. A status that is not here is not imported."""
    route: tuple[Route, ...] = ()
    """Exceptions by customer, country, payment and so on: which company, which document."""
    import_closed: Literal["both", "none"] = "none"
    """Of an order that was cancelled or wholly refunded before it was imported: `both` the sale
    and what takes it back, or `none`."""
    closed_period: Literal["next_open", "ask"] = "next_open"
    """When the day of a credit note or payment is closed in the books: the next open day, with the
    true one in the reference, or a person's decision."""
    returns: Literal["none", "restocked"] = "none"
    """Goods that come back. `restocked`: pieces that the store put back to stock after they had
    been shipped become an open return in the back office, which the warehouse receives. Nothing is
    credited by it: the refund's credit note does that. `none`: the warehouse books them itself."""
    vat_number: tuple[str, ...] = ("_billing_vat_number", "_vat_number", "billing_vat")
    """Custom fields that may hold the VAT number, first found wins."""
    po_number: tuple[str, ...] = ("po_number", "_po_number", "_billing_po_number")
    """Custom fields that may hold the buyer's purchase-order number."""
    note: Annotated[str, AfterValidator(_note)] = "{document} {number} in {erp}"
    """The private note that the store's order gets. {document}, {number}, {erp}."""


class FulfilmentRules(Table):
    """What the store is told when the back office ships."""

    part_shipped: Code | None = None
    """The order's status once a part was shipped. None leaves it."""
    shipped: Code | None = "completed"
    """The order's status once all was shipped. None leaves it."""
    tracking_field: Code = "_wc_shipment_tracking_items"
    """The custom field with carrier and number, in the form that shipment-tracking plugins read."""
    note: Annotated[str, AfterValidator(_fulfilment_note)] = (
        "Shipped on {date}[ with {carrier}][, tracking number {tracking}]"
    )
    """The note about a shipment. {date}, {carrier}, {tracking}, {url}, {number}, {items}; empty
    for none."""
    note_to_customer: bool = False
    """The shopper gets the note by e-mail. Never in a stage that is not prod."""
    delivery_note: bool = False
    """Keep the printed delivery note and link it in a private note."""


class InvoiceRules(Table):
    """What the store is told when the back office posts an invoice."""

    number_field: Code = "_accord_invoice"
    """The custom field that holds the invoice's number."""
    note: Annotated[str, AfterValidator(_invoice_note)] = "{document} {number} of {total}"
    """The note about an invoice or credit note. {document}, {number}, {total}, {date}, {url}; empty
    for none."""
    note_to_customer: bool = False
    """The shopper gets the note by e-mail. Never in a stage that is not prod."""
    link: bool = False
    """Keep the printed document; {url} in the note is its address."""
    link_days: int = Field(default=30, ge=1, le=365)
    """How long such an address works."""


class NoteWords(Table):
    """What documents are called in the store's notes, in the language that its people read."""

    quotation: Code = "Quotation"
    """An offer, not yet binding."""
    sales_order: Code = "Sales order"
    """A confirmed order."""
    invoice: Code = "Invoice"
    """An invoice."""
    credit_note: Code = "Credit note"
    """What takes an invoice back, or a part of it."""
    goods_return: Code = "Return"
    """Goods that come back, which the warehouse receives."""
    delivery_note: Code = "Delivery note"
    """What lies in the parcel."""
    cancelled: Annotated[str, AfterValidator(_note)] = "{document} {number} cancelled in {erp}"
    """The note about a cancelled document. {document}, {number}, {erp}."""

    def of(self, document: Literal["quotation", "sales_order", "invoice", "credit_note"]) -> str:
        """The word for ``document``."""
        word: str = getattr(self, document)
        return word


class ErpChangeRules(Table):
    """What becomes of an order that was changed in the back office."""

    cancelled: Literal["ask", "apply"] = "ask"
    """Cancelled there: a person decides, or the store's order is cancelled too."""
    credited: Literal["ask", "apply"] = "ask"
    """Credited there: a person decides, or the store gets a refund of that amount. No money is sent
    by it."""


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


def _url(url: str) -> str:
    if re.search(r"//[^/]*@", url):
        raise wrong(
            "the address holds a user name or password",
            "Take them out and keep them in the secret.",
        )
    if "?" in url or "#" in url:
        raise wrong(f"{url!r} goes on behind its path", "Cut it before the first ? or #.")
    if url.startswith("http://") and not is_loopback(url):
        raise wrong(
            f"{url!r} is not encrypted",
            "Use https://; http:// is for this machine (127.0.0.1, localhost) only.",
        )
    if not is_loopback(url) and not re.fullmatch(r"https://[^/\s]+(/\S*)?", url):
        raise wrong(f"{url!r} is no web address", "Write it like https://store.example.")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_url)]


def _range(text: str) -> str:
    import ipaddress

    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise wrong(
            f"{text!r} is no address range: {error}",
            "Write one address (203.0.113.7) or a range (203.0.113.0/24).",
        ) from error
    return text


Range = Annotated[str, AfterValidator(_range)]


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


def _host(host: str) -> str:
    if host and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host):
        raise wrong(
            f"{host!r} is no host", "Write the API's name, without https:// and without a path."
        )
    return host


class Deploy(Table):
    """What is deployed beside the service, where it is wanted."""

    fixed_addresses: bool = False
    """What goes out to stores and back offices comes from fixed addresses, which a firewall there
    can name. It costs two NAT gateways."""
    front: Annotated[str, AfterValidator(_host)] = ""
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


def bears(config: Config, name: str) -> Bears:
    """What the store or back office ``name`` bears; nothing in particular, if there is none."""
    if (erp := config.erps.get(name)) is not None:
        looks = len(NEWS) * (24 * 60 // erp.poll_minutes)
        limits = erp.limits.keeping_polls(looks) if erp.limits.count else None
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
