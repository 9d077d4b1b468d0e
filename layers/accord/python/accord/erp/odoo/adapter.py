"""Odoo 16 to 19, over JSON-RPC or JSON-2.

Calls for one order of a known customer, once the master data is known: load, read, confirm.

What is written is in a module per kind beside this one: ``selling``, ``booking``, ``reconciling``,
``people``; what is read of it afterwards in ``reading``, and by the hundred in ``comparing``. Items
are in ``listing``, their stock, prices and recipes in ``stocks``, ``pricing`` and ``recipes``, what
changes of them in ``catalogue_news``.

Source: recordings of a running Odoo 17.0; Odoo source and docs of 16 to 19.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar, Literal, Self

import httpx
import pydantic

from accord.erp.odoo.booking import Booking
from accord.erp.odoo.catalogue_news import WATCHED, CatalogueNews
from accord.erp.odoo.client import Client
from accord.erp.odoo.comparing import Comparing
from accord.erp.odoo.listing import Listing
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.options import Options
from accord.erp.odoo.people import People
from accord.erp.odoo.permits import Permits
from accord.erp.odoo.pricing import Pricing
from accord.erp.odoo.reading import TOLD, Reading
from accord.erp.odoo.recipes import Recipes
from accord.erp.odoo.reconciling import Reconciling
from accord.erp.odoo.selling import Selling
from accord.erp.odoo.stocks import Stocks
from accord.erp.odoo.watching import Watching
from accord.errors import (
    BadInputError,
    DuplicateError,
    RejectedError,
    UnauthorizedError,
    UnsupportedError,
)
from accord.http import http_client
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    Document,
    Kind,
    PartyDocument,
    PaymentDocument,
    Record,
    ReturnDocument,
    SalesDocument,
    State,
    Totals,
)
from accord.model.item import Item, ItemDocument, ItemPrices
from accord.model.party import Address, Party, Profile
from accord.model.progress import Attachment, News, Progress
from accord.model.sale import Sale
from accord.model.stock import Recipe, Snapshot
from accord.ports.advice import Advice, Ending
from accord.ports.erp import Capabilities, Connection, Duplicates, ErpAdapter
from accord.ports.numbers import Numbered
from accord.rules.limits import Usual


class Odoo(ErpAdapter):
    """One company of one Odoo database."""

    name: ClassVar[str] = "odoo"
    credentials: ClassVar[Mapping[str, str]] = {
        "key": "API key of the user in options.user (Odoo, preferences of that user)",
    }
    _duplicates: ClassVar[dict[Kind, Duplicates]] = {
        Kind.SALES_ORDER: "same_answer",  # loaded under an external id, and then left alone
        Kind.PARTY: "refused",  # looked for first; and loaded
        Kind.ITEM: "refused",  # the same
        Kind.PAYMENT: "possible",  # nothing that we may set is unique
        Kind.CREDIT_NOTE: "possible",
    }
    capabilities: ClassVar[Capabilities] = Capabilities(
        duplicates=_duplicates,
        # What Odoo makes has its number and its totals at once: there is nothing before that.
        states=frozenset({State.QUOTATION, State.CONFIRMED, State.VOIDED}),
        settle=dt.timedelta(seconds=120),  # a request is ended after that long, unless configured
        search_lag=dt.timedelta(0),
        key_length=64,  # client_order_ref has no limit; this is what people can read
        amends=frozenset({State.QUOTATION}),
        tells=TOLD | WATCHED,
        # A record bears the time at which its transaction began. Posting many documents at once is
        # the longest that people do.
        overlap=dt.timedelta(minutes=5),
        revenue=False,  # a line of an order books where its product does
        reconciles=True,
        recipes=True,
        delivery_notes=False,  # a slip is printed on paper: nothing shows which attachment it is
        customer_terms=frozenset({"payment_terms"}),
        usual=Usual(
            looks={
                Kind.SALES_ORDER: 1,
                Kind.SHIPMENT: 1,
                Kind.INVOICE: 1,
                Kind.PARTY: 2,
                Kind.ITEM: 3,
                Kind.STOCK: 2,
                Kind.PRICE: 5,
                Kind.RECIPE: 2,
            },
        ),
    )

    def __init__(
        self,
        client: Client,
        options: Options,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._client = client
        self._connection = client.connection
        self._master = MasterData(client, options)
        watching = Watching(client)
        self._selling = Selling(client, self._master)
        self._booking = Booking(client, self._master)
        self._reconciling = Reconciling(client, self._master)
        self._people = People(client, self._master)
        self._permits = Permits(client, self._master, options.user, clock)
        self._reading = Reading(client, self._master, watching)
        self._comparing = Comparing(client, self._master, self._booking)
        self._listing = Listing(client, self._master, options)
        self._stocks = Stocks(client, self._master, self._listing, clock)
        self._pricing = Pricing(client, self._master, self._listing, clock)
        self._recipes = Recipes(client, self._master)
        self._news = CatalogueNews(client, self._master, watching, self._pricing, self._recipes)

    @classmethod
    def connect(
        cls, connection: Connection, *, transport: httpx.BaseTransport | None = None
    ) -> Self:
        """See ``ErpAdapter.connect``.

        Raises: BadInputError: its options are wrong. UnauthorizedError: its secret lacks the key.
        """
        try:
            options = Options.model_validate(dict(connection.options))
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadInputError(
                f"erps.{connection.name}.options.{where}: {first['msg']}"
            ) from error
        if not connection.secret.get("key"):
            raise UnauthorizedError(
                f"the secret of {connection.name} lacks key, an API key of {options.user!r}",
                connection=connection.name,
            )
        http = http_client(
            connection.url,
            timeout=float(connection.timeout),
            allow_private=connection.allow_private,
            transport=transport,
        )
        client = Client(
            http,
            connection=connection.name,
            database=options.database,
            user=options.user,
            key=connection.secret["key"],
            api=options.api,
            language=options.language,
            company=options.company,
        )
        return cls(client, options, connection.clock)

    @property
    def calls(self) -> dict[str, int]:
        """What was sent so far, by model and method."""
        return dict(self._client.calls)

    def ping(self) -> None:
        """See ``ErpAdapter.ping``. Checks the key, the company and the warehouse.

        Raises: also UnmappedError: there is no such company or warehouse.
        """
        self._master.check()

    def advice(self) -> Sequence[Advice]:
        """See ``Advises.advice``."""
        return self._master.advice()

    def lacks(self, kinds: Collection[Kind]) -> Sequence[Advice]:
        """See ``advice.Permits.lacks``."""
        return self._permits.lacks(kinds)

    def ends(self) -> Ending | None:
        """See ``advice.Ends.ends``."""
        return self._permits.ends()

    def get(self, ref: Ref) -> Record | None:
        """See ``ErpAdapter.get``. A party that was merged into another is gone."""
        if not ref.id.isdigit():
            return None
        of_id = [["id", "=", int(ref.id)]]
        match Kind(ref.kind):
            case Kind.SALES_ORDER:
                found: Sequence[Record] = self._reading.orders(of_id)
            case Kind.PARTY:
                return self._people.get(int(ref.id))
            case Kind.CREDIT_NOTE:
                found = self._booking.credit_notes(of_id)
            case Kind.PAYMENT:
                found = self._booking.payments(of_id)
            case Kind.ITEM:
                return self._listing.get(ref.id)
            case other:
                raise self._keeps_no(other)
        return found[0] if found else None

    def find(self, kind: Kind, key: str) -> tuple[Record, ...]:
        """See ``ErpAdapter.find``."""
        match kind:
            case Kind.SALES_ORDER:
                return self._reading.orders([["client_order_ref", "=", key]])
            case Kind.PARTY:
                return self._people.find(key)
            case Kind.CREDIT_NOTE:
                return tuple(self._booking.credit_notes([["ref", "=", key]]))
            case Kind.PAYMENT:
                field = self._booking.key_field()
                return tuple(self._booking.payments([[field, "=", key]]))
            case Kind.ITEM:
                return self._listing.find(key)
        raise self._keeps_no(kind)

    def numbered(self, kind: Kind, numbers: Sequence[str]) -> Sequence[Numbered]:
        """See ``Numbers.numbered``."""
        return self._reading.numbered(kind, numbers)

    def match(self, party: Party, by: Literal["email", "vat_number"]) -> tuple[Record, ...]:
        """See ``ErpAdapter.match``."""
        return self._people.match(party, by)

    def preview(self, document: SalesDocument | CreditDocument) -> Totals:
        """See ``ErpAdapter.preview``."""
        return self._selling.preview(document)

    def create(self, document: Document | ItemDocument, *, key: str) -> Record:
        """See ``ErpAdapter.create``. An order comes back with its number and its totals."""
        try:
            match document:
                case SalesDocument():
                    return self._selling.create(document, key)
                case CreditDocument():
                    return self._booking.credit(document, key)
                case PartyDocument():
                    return self._people.create(document, key)
                case PaymentDocument():
                    return self._booking.pay(document, key)
                case ItemDocument():
                    return self._listing.create(document)
                case ReturnDocument():
                    raise self._keeps_no(Kind.RETURN)
        except DuplicateError:
            raise
        except RejectedError:
            # Whatever we remember of Odoo's master data may be why.
            self._master.forget()
            raise

    def advance(self, record: Record, to: State) -> Record:
        """See ``ErpAdapter.advance``."""
        if record.state is State.VOIDED or record.state.rank > to.rank:
            return record
        match Kind(record.ref.kind):
            case Kind.SALES_ORDER if record.state is not State.CONFIRMED:
                return self._selling.advance(record, to)
            case Kind.PAYMENT if record.state is not State.CONFIRMED:
                return self._booking.post_payment(record)
            case Kind.CREDIT_NOTE if to is State.CONFIRMED is not record.state:
                return self._booking.post(record)
            case _:
                return record

    def amend(self, record: Record, document: SalesDocument) -> Record:
        """See ``ErpAdapter.amend``. Three calls."""
        try:
            return self._selling.amend(record, document)
        except RejectedError:
            self._master.forget()
            raise

    def void(self, record: Record) -> Record:
        """See ``ErpAdapter.void``."""
        if record.ref.kind != Kind.SALES_ORDER:
            raise UnsupportedError(
                f"{self._connection}: only orders are cancelled, not {record.ref}; cancel it in "
                "Odoo"
            )
        return self._selling.void(record)

    def reconcile(self, order: Ref, payments: Sequence[Ref]) -> None:
        """See ``ErpAdapter.reconcile``."""
        self._reconciling.reconcile(order, payments)

    def open_day(self, kind: Kind, on: dt.date) -> dt.date | None:
        """See ``ErpAdapter.open_day``. Odoo's books have no end, only days that are locked."""
        return self._booking.open_day(kind, on)

    def add_address(self, party: Ref, address: Address) -> str:
        """See ``ErpAdapter.add_address``."""
        return self._people.add_address(party, address)

    # --- what came of it -----------------------------------------------------

    def progress(self, order: Ref) -> Progress | None:
        """See ``ErpAdapter.progress``."""
        return self._reading.progress(order)

    def changes(
        self, kind: Kind, since: dt.datetime, *, after: str = "", limit: int = 100
    ) -> Sequence[News]:
        """See ``ErpAdapter.changes``."""
        if kind in WATCHED:
            return self._news.changes(kind, since, after=after, limit=limit)
        return self._reading.changes(kind, since, after=after, limit=limit)

    def document(self, ref: Ref) -> Attachment | None:
        """See ``ErpAdapter.document``."""
        return self._reading.document(ref)

    def profile(self, party: Ref) -> tuple[Profile, str] | None:
        """See ``ErpAdapter.profile``."""
        return self._people.profile(party)

    def update_profile(self, party: Ref, changes: Profile, *, version: str) -> tuple[Profile, str]:
        """See ``ErpAdapter.update_profile``."""
        return self._people.update_profile(party, changes, version=version)

    def archive(self, party: Ref) -> None:
        """See ``ErpAdapter.archive``."""
        self._people.archive(party)

    # --- what stands under our keys ------------------------------------------

    def sales(
        self, prefix: str, since: dt.date, *, after: str = "", limit: int = 100
    ) -> Sequence[Sale]:
        """See ``ErpAdapter.sales``."""
        return self._comparing.sales(prefix, since, after=after, limit=limit)

    def sales_of(self, keys: Sequence[str]) -> Sequence[Sale]:
        """See ``ErpAdapter.sales_of``."""
        return self._comparing.sales_of(keys)

    def profiles(self, parties: Sequence[Ref]) -> Mapping[Ref, Profile]:
        """See ``ErpAdapter.profiles``."""
        return self._people.profiles(parties)

    # --- items, stock and prices ---------------------------------------------

    def item_ids(self, *, after: str = "", limit: int = 100) -> Sequence[str]:
        """See ``ErpAdapter.item_ids``."""
        return self._listing.item_ids(after=after, limit=limit)

    def find_items(self, codes: Sequence[str]) -> Mapping[str, str]:
        """See ``ErpAdapter.find_items``."""
        return self._listing.find_items(codes)

    def items(self, ids: Sequence[str]) -> Sequence[Item]:
        """See ``ErpAdapter.items``."""
        return self._listing.items(ids)

    def stock(self, ids: Sequence[str], locations: Sequence[str]) -> Sequence[Snapshot]:
        """See ``ErpAdapter.stock``. A location is a warehouse."""
        return self._stocks.stock(ids, locations)

    def prices(
        self, ids: Sequence[str], lists: Sequence[str], *, currency: str
    ) -> Sequence[ItemPrices]:
        """See ``ErpAdapter.prices``."""
        return self._pricing.prices(ids, lists, currency=currency)

    def recipes(self) -> Sequence[Recipe]:
        """See ``ErpAdapter.recipes``."""
        return self._recipes.recipes()

    def update_item(self, id_: str, document: ItemDocument) -> Item:
        """See ``ErpAdapter.update_item``."""
        return self._listing.update_item(id_, document)

    def _keeps_no(self, kind: Kind) -> UnsupportedError:
        return UnsupportedError(f"{self._connection}: a {kind.value} is not kept as a record")
