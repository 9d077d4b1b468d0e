"""Xero, the cloud accounting, over its Accounting API 2.0.

An order is a sales invoice: a draft is its quotation, and once authorised it is the booked invoice
as well. Calls for one order of a known customer, once the master data is known: make, authorise;
and one more for its payment.

What is written is in a module per kind beside this one: ``selling``, ``people``, ``paying``,
``crediting``; what is read of it afterwards in ``reading``, ``documents`` and ``reconciling``, and
by the hundred in ``comparing``. Items are in ``listing``, their stock and prices in ``stocks`` and
``pricing``, what changes of them in ``catalogue_news``, the days that are open in ``books``.

Source: Xero OpenAPI 16.1.0; developer.xero.com.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar, Final, Literal, Self

import httpx
import pydantic

from accord.erp.xero.books import Books
from accord.erp.xero.catalogue_news import SWEPT, WATCHED, CatalogueNews
from accord.erp.xero.client import Client
from accord.erp.xero.comparing import Comparing
from accord.erp.xero.crediting import Crediting
from accord.erp.xero.documents import Documents
from accord.erp.xero.listing import Listing
from accord.erp.xero.mapping import DIGITS
from accord.erp.xero.masterdata import MasterData
from accord.erp.xero.options import Options
from accord.erp.xero.paying import Paying
from accord.erp.xero.people import People
from accord.erp.xero.pricing import Pricing
from accord.erp.xero.reading import TOLD, Reading
from accord.erp.xero.reconciling import Reconciling
from accord.erp.xero.selling import Selling
from accord.erp.xero.stocks import Stocks
from accord.erp.xero.watching import Watching
from accord.errors import (
    BadInputError,
    DuplicateError,
    RejectedError,
    UnauthorizedError,
    UnmappedError,
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
from accord.ports.advice import Advice
from accord.ports.erp import Capabilities, Connection, Duplicates, ErpAdapter
from accord.ports.numbers import Numbered
from accord.ports.tokens import OAuth, TenantList
from accord.rules.limits import Limits, Usual

_SCOPES: Final = (
    "offline_access",
    *(f"accounting.{name}" for name in ("invoices", "payments", "contacts", "settings")),
)


class Xero(ErpAdapter):
    """One organisation."""

    name: ClassVar[str] = "xero"
    oauth: ClassVar[OAuth | None] = OAuth(
        title="Xero",
        authorize_url="https://login.xero.com/identity/connect/authorize",
        token_url="https://identity.xero.com/connect/token",  # noqa: S106 - an address
        scopes=_SCOPES,
        lapses=dt.timedelta(days=60),
        grace=dt.timedelta(minutes=30),
        tenants=TenantList(
            url="https://api.xero.com/connections",
            id="tenantId",
            name="tenantName",
            where={"tenantType": "ORGANISATION"},
            event="authEventId",
            claim="authentication_event_id",
        ),
    )
    _duplicates: ClassVar[dict[Kind, Duplicates]] = {
        # Numbers are unique. A repetition is answered like the first, and one that Xero has
        # forgotten is refused by its number, which is then looked for.
        Kind.SALES_ORDER: "same_answer",
        Kind.CREDIT_NOTE: "same_answer",
        Kind.PAYMENT: "same_answer",  # by its key, or because nothing more is open
        Kind.PARTY: "refused",  # looked for first; and names are unique
        Kind.ITEM: "same_answer",
    }
    capabilities: ClassVar[Capabilities] = Capabilities(
        duplicates=_duplicates,
        # A draft has its number and its totals at once: there is nothing before that.
        states=frozenset({State.QUOTATION, State.CONFIRMED, State.VOIDED}),
        settle=dt.timedelta(seconds=120),  # nobody has written down how long a request lasts
        search_lag=dt.timedelta(0),
        key_length=50,  # a contact's number; those of documents may have 255
        amends=frozenset({State.QUOTATION}),
        tells=TOLD | WATCHED,
        swept=SWEPT,
        # A change bears its own moment, to the millisecond; nobody says how late a list shows it.
        overlap=dt.timedelta(minutes=5),
        revenue=True,
        is_invoice=True,
        credits_goods=True,
        reconciles=True,
        price_lists=False,
        one_place=True,
        delivery_notes=False,
        customer_terms=frozenset(),
        digits=DIGITS,
        url="https://api.xero.com",
        usual=Usual(
            # 5 at once, one of which is for whoever does not count: `accord doctor`, a checkout.
            # Source: developer.xero.com, "OAuth 2.0 API limits"; a Starter plan has 1,000 a day.
            Limits(at_once=4, per_minute=60, per_day=5000),
            looks={
                Kind.SALES_ORDER: 1,
                Kind.INVOICE: 2,  # credit notes are another list
                Kind.PARTY: 1,
                Kind.ITEM: 1,
                Kind.PRICE: 1,
                Kind.STOCK: 1,
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
        self._people = People(client, self._master)
        self._selling = Selling(client, self._master, self._people)
        self._paying = Paying(client, self._master)
        self._books = Books(self._master, clock)
        self._crediting = Crediting(client, self._master, self._people, self._selling, self._books)
        self._reading = Reading(client, watching)
        self._documents = Documents(client)
        self._comparing = Comparing(client, self._reading, clock)
        self._reconciling = Reconciling(self._reading, self._crediting)
        self._listing = Listing(client, self._master, clock)
        self._stocks = Stocks(self._listing, self._master)
        self._pricing = Pricing(self._listing, self._master)
        self._news = CatalogueNews(client, watching)

    @classmethod
    def connect(
        cls, connection: Connection, *, transport: httpx.BaseTransport | None = None
    ) -> Self:
        """See ``ErpAdapter.connect``.

        Raises: BadInputError: its options are wrong. UnauthorizedError: nothing keeps its tokens.
        """
        try:
            options = Options.model_validate(dict(connection.options))
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadInputError(
                f"erps.{connection.name}.options.{where}: {first['msg']}"
            ) from error
        if connection.tokens is None:
            raise UnauthorizedError(
                f"nobody has let us into {connection.name} yet; run `accord connect "
                f"{connection.name}`",
                connection=connection.name,
            )
        http = http_client(
            connection.url,
            timeout=float(connection.timeout),
            allow_private=connection.allow_private,
            transport=transport,
        )
        client = Client(
            http, connection=connection.name, tokens=connection.tokens, tenant=options.tenant
        )
        return cls(client, options, connection.clock)

    @property
    def calls(self) -> dict[str, int]:
        """What was sent so far, by method and resource."""
        return dict(self._client.calls)

    def ping(self) -> None:
        """See ``ErpAdapter.ping``. Checks the token and the organisation."""
        self._master.organisation()

    def lacks(self, kinds: Collection[Kind]) -> Sequence[Advice]:
        """See ``advice.Permits.lacks``. Xero says of no right whether we have it; what every line
        of a document bears is looked for."""
        if not {Kind.SALES_ORDER, Kind.CREDIT_NOTE} & set(kinds):
            return ()
        return [
            Advice(
                "tracking",
                each,
                "every line is to bear it, and Xero holds no such active category and option",
                f"make or restore it in Xero, or mend [erps.{self._connection}.options.tracking]",
            )
            for each in self._master.untracked()
        ]

    def get(self, ref: Ref) -> Record | None:
        """See ``ErpAdapter.get``. Of a party that was merged into another, the other's."""
        match Kind(ref.kind):
            case Kind.SALES_ORDER:
                return self._selling.get(ref.id)
            case Kind.PARTY:
                return self._people.get(ref.id)
            case Kind.CREDIT_NOTE:
                return self._crediting.get(ref.id)
            case Kind.PAYMENT:
                return self._paying.get(ref.id)
            case Kind.ITEM:
                return self._listing.get(ref.id)
            case other:
                raise self._keeps_no(other)

    def find(self, kind: Kind, key: str) -> tuple[Record, ...]:
        """See ``ErpAdapter.find``."""
        match kind:
            case Kind.SALES_ORDER:
                return self._selling.find(key)
            case Kind.PARTY:
                return self._people.find(key)
            case Kind.CREDIT_NOTE:
                return self._crediting.find(key)
            case Kind.PAYMENT:
                return self._paying.find(key)
            case Kind.ITEM:
                return self._listing.find(key)
        raise self._keeps_no(kind)

    def numbered(self, kind: Kind, numbers: Sequence[str]) -> Sequence[Numbered]:
        """See ``Numbers.numbered``."""
        if kind is not Kind.SALES_ORDER:
            raise self._keeps_no(kind)
        return self._selling.numbered(numbers)

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
                    return self._crediting.create(document, key)
                case PartyDocument():
                    return self._people.create(document, key)
                case PaymentDocument():
                    return self._paying.create(document, key)
                case ItemDocument():
                    return self._listing.create(document)
                case ReturnDocument():
                    raise self._keeps_no(Kind.RETURN)
        except DuplicateError:
            raise
        except (RejectedError, UnmappedError):
            self._forget()
            raise

    def advance(self, record: Record, to: State) -> Record:
        """See ``ErpAdapter.advance``."""
        if record.state is State.VOIDED or record.state.rank > to.rank:
            return record
        try:
            match Kind(record.ref.kind):
                case Kind.SALES_ORDER if record.state is not State.CONFIRMED:
                    return self._selling.advance(record, to)
                case Kind.CREDIT_NOTE if to is State.CONFIRMED is not record.state:
                    return self._crediting.book(record)
                case _:
                    return record
        except UnmappedError:
            self._forget()
            raise

    def amend(self, record: Record, document: SalesDocument) -> Record:
        """See ``ErpAdapter.amend``."""
        try:
            return self._selling.amend(record, document)
        except (RejectedError, UnmappedError):
            self._forget()
            raise

    def redate(self, record: Record, document: CreditDocument) -> Record:
        """See ``Redates.redate``."""
        try:
            return self._crediting.redate(record, document)
        except (RejectedError, UnmappedError):
            self._forget()
            raise

    def void(self, record: Record) -> Record:
        """See ``ErpAdapter.void``. Money that was recorded stays, and so does the invoice then."""
        if record.ref.kind != Kind.SALES_ORDER:
            raise UnsupportedError(
                f"{self._connection}: only orders are cancelled, not {record.ref}; void it in Xero"
            )
        return self._selling.void(record)

    def reconcile(self, order: Ref, payments: Sequence[Ref]) -> None:
        """See ``ErpAdapter.reconcile``. In Xero money is of an invoice from the beginning, so
        credit is all that is left to be set against one."""
        del payments  # all of them are
        self._reconciling.reconcile(order)

    def open_day(self, kind: Kind, on: dt.date) -> dt.date | None:
        """See ``ErpAdapter.open_day``. Xero's books have no end, only days that are locked."""
        del kind  # an order is booked as much as a payment
        return self._books.open_day(on)

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
        return self._documents.document(ref)

    def profile(self, party: Ref) -> tuple[Profile, str] | None:
        """See ``ErpAdapter.profile``."""
        return self._people.profile(party)

    def update_profile(self, party: Ref, changes: Profile, *, version: str) -> tuple[Profile, str]:
        """See ``ErpAdapter.update_profile``."""
        return self._people.update_profile(party, changes, version=version)

    def archive(self, party: Ref) -> None:
        """See ``ErpAdapter.archive``."""
        self._people.archive(party)

    def profiles(self, parties: Sequence[Ref]) -> Mapping[Ref, Profile]:
        """See ``ErpAdapter.profiles``."""
        return self._people.profiles(parties)

    def sales(
        self, prefix: str, since: dt.date, *, after: str = "", limit: int = 100
    ) -> Sequence[Sale]:
        """See ``ErpAdapter.sales``."""
        return self._comparing.sales(prefix, since, after=after, limit=limit)

    def sales_of(self, keys: Sequence[str]) -> Sequence[Sale]:
        """See ``ErpAdapter.sales_of``."""
        return self._comparing.sales_of(keys)

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
        """See ``ErpAdapter.stock``."""
        return self._stocks.stock(ids, locations)

    def prices(
        self, ids: Sequence[str], lists: Sequence[str], *, currency: str
    ) -> Sequence[ItemPrices]:
        """See ``ErpAdapter.prices``."""
        return self._pricing.prices(ids, lists, currency=currency)

    def recipes(self) -> Sequence[Recipe]:
        """See ``ErpAdapter.recipes``. Xero knows none."""
        return ()

    def update_item(self, id_: str, document: ItemDocument) -> Item:
        """See ``ErpAdapter.update_item``."""
        return self._listing.update_item(id_, document)

    def _forget(self) -> None:
        """Whatever we remember of Xero's master data and locks may be why it refused."""
        self._master.forget()
        self._books.forget()

    def _keeps_no(self, kind: Kind) -> UnsupportedError:
        return UnsupportedError(f"{self._connection}: a {kind.value} is not kept as a record")
