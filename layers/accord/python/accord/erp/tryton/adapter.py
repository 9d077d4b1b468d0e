"""Tryton 8.2 over JSON-RPC.

Calls for one order of a known customer, once the master data is known: create, quote, read,
confirm. Confirming also makes shipment and invoice, unless the server has a queue of its own.

What is written is in a module per kind beside this one: ``selling``, ``cancelling``, ``crediting``,
``paying``, ``reconciling``, ``returning``; what is read of it afterwards in ``reading``, and by the
hundred in ``comparing``. Items are in ``listing``, their stock, prices and recipes in ``stocks``,
``pricing`` and ``recipes``, what changes of them in ``watching``.

Source: trytond 8.2 and the modules web_shop and sale; recordings of a running server.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Literal, Self

import httpx
import pydantic

from accord.erp.needs import needs, needs_of_addresses
from accord.erp.tryton.asking import Asking
from accord.erp.tryton.cancelling import Cancelling
from accord.erp.tryton.client import Client
from accord.erp.tryton.comparing import Comparing
from accord.erp.tryton.crediting import Crediting
from accord.erp.tryton.listing import Listing
from accord.erp.tryton.mapping import preview
from accord.erp.tryton.masterdata import MasterData
from accord.erp.tryton.options import Options
from accord.erp.tryton.parties import (
    ADDRESS_FIELDS,
    PARTY_FIELDS,
    address_values,
    email_domain,
    equal,
    party_record,
    party_values,
    vat_domain,
)
from accord.erp.tryton.paying import Paying
from accord.erp.tryton.permits import Permits
from accord.erp.tryton.pricing import Pricing
from accord.erp.tryton.reading import Reading
from accord.erp.tryton.recipes import Recipes
from accord.erp.tryton.reconciling import Reconciling
from accord.erp.tryton.records import Records
from accord.erp.tryton.returning import Returning
from accord.erp.tryton.selling import Selling
from accord.erp.tryton.stocks import Stocks
from accord.erp.tryton.watching import WATCHED, Watching
from accord.erp.unsent import nothing_made
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
from accord.ports.advice import Advice
from accord.ports.erp import Capabilities, Connection, Duplicates, ErpAdapter
from accord.ports.numbers import Numbered
from accord.rules.limits import Usual

_MATCHES = 3


class Tryton(ErpAdapter):
    """One company of one Tryton database."""

    name: ClassVar[str] = "tryton"
    credentials: ClassVar[Mapping[str, str]] = {
        "login": "login of Accord's user in Tryton",
        "password": "password of that user",
    }
    _duplicates: ClassVar[dict[Kind, Duplicates]] = {
        Kind.SALES_ORDER: "refused",  # web_shop and web_id are unique together
        Kind.RETURN: "refused",  # a sale of its own
        Kind.PARTY: "refused",  # its code is unique
        Kind.PAYMENT: "possible",  # a move has no unique field that we may set
        Kind.CREDIT_NOTE: "possible",  # nor has an invoice
        Kind.ITEM: "refused",  # codes of active products are unique
    }
    capabilities: ClassVar[Capabilities] = Capabilities(
        duplicates=_duplicates,
        states=frozenset({State.DRAFT, State.QUOTATION, State.CONFIRMED, State.VOIDED}),
        settle=dt.timedelta(seconds=30),  # a request in hand is finished, listened to or not
        search_lag=dt.timedelta(0),
        key_length=64,  # web_id and code are texts without a limit; this is what people can read
        amends=frozenset({State.DRAFT, State.QUOTATION}),
        tells=frozenset({Kind.SALES_ORDER, Kind.SHIPMENT, Kind.INVOICE, Kind.PARTY}) | WATCHED,
        # A record bears the time at which its transaction began. Posting many documents at once in
        # the desktop client is the longest that people do.
        overlap=dt.timedelta(minutes=5),
        revenue=False,  # a line of a sale books where its product does
        reconciles=True,
        recipes=True,
        usual=Usual(
            looks={
                Kind.SALES_ORDER: 1,
                Kind.SHIPMENT: 1,
                Kind.INVOICE: 1,
                Kind.PARTY: 1,
                Kind.ITEM: 3,
                Kind.STOCK: 3,
                Kind.PRICE: 4,
                Kind.RECIPE: 6,
            },
        ),
    )

    def __init__(
        self,
        client: Client,
        connection: str,
        options: Options,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._client = client
        self._connection = connection
        self._options = options
        self._master = MasterData(client, connection, options)
        self._records = Records(client, self._master, connection)
        digits = options.price_digits
        self._selling = Selling(self._records, self._master, digits)
        self._cancelling = Cancelling(self._records)
        self._crediting = Crediting(self._records, self._master, digits)
        self._returning = Returning(self._records, self._master, self._selling)
        self._paying = Paying(self._records, self._master)
        self._reconciling = Reconciling(self._records, self._master)
        self._permits = Permits(self._records)
        self._reading = Reading(client, self._master, connection)
        self._comparing = Comparing(self._records, self._master)
        asking = Asking(client, self._master, connection)
        self._listing = Listing(asking, options)
        self._stocks = Stocks(asking, clock)
        self._pricing = Pricing(asking)
        self._recipes = Recipes(asking)
        self._watching = Watching(asking)

    @classmethod
    def connect(
        cls, connection: Connection, *, transport: httpx.BaseTransport | None = None
    ) -> Self:
        """See ``ErpAdapter.connect``.

        Raises: BadInputError: its options are wrong. UnauthorizedError: its secret lacks a part.
        """
        try:
            options = Options.model_validate(dict(connection.options))
        except pydantic.ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadInputError(
                f"erps.{connection.name}.options.{where}: {first['msg']}"
            ) from error
        if lacks := {"login", "password"} - connection.secret.keys():
            raise UnauthorizedError(
                f"the secret of {connection.name} lacks {', '.join(sorted(lacks))}",
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
            login=connection.secret["login"],
            password=connection.secret["password"],
        )
        return cls(client, connection.name, options, connection.clock)

    @property
    def calls(self) -> dict[str, int]:
        """What was sent so far, by method."""
        return dict(self._client.calls)

    def ping(self) -> None:
        """See ``ErpAdapter.ping``. A call that checks login, rights and company."""
        self._call("model.res.user.get_preferences", True)

    def lacks(self, kinds: Collection[Kind]) -> Sequence[Advice]:
        """See ``advice.Permits.lacks``. One call."""
        return self._permits.lacks(kinds)

    def get(self, ref: Ref) -> Record | None:
        """See ``ErpAdapter.get``."""
        if ref.kind == Kind.ITEM:
            return self._listing.get(ref.id)
        return self._records.get(ref)

    def find(self, kind: Kind, key: str) -> tuple[Record, ...]:
        """See ``ErpAdapter.find``."""
        if kind is Kind.ITEM:
            return self._listing.find(key)
        return self._records.find(kind, key)

    def numbered(self, kind: Kind, numbers: Sequence[str]) -> Sequence[Numbered]:
        """See ``Numbers.numbered``."""
        return self._records.numbered(kind, numbers)

    def match(self, party: Party, by: Literal["email", "vat_number"]) -> tuple[Record, ...]:
        """See ``ErpAdapter.match``. Neither inactive parties nor the web shop's guest are taken."""
        value = party.email if by == "email" else party.vat_number
        if not value.strip():
            return ()
        domain = email_domain(value.strip()) if by == "email" else vat_domain(party)
        guest = self._master.shop().guest
        others = [["id", "!=", guest]] if guest else []
        rows = self._records.search(
            "party.party", [domain, *others, ["active", "=", True]], PARTY_FIELDS, limit=_MATCHES
        )
        made_for = (party.billing, party.shipping)
        return tuple(party_record(row, self._connection, made_for) for row in rows)

    def preview(self, document: SalesDocument | CreditDocument) -> Totals:
        """See ``ErpAdapter.preview``. Computed here, as Tryton does it; nothing is made there."""
        if isinstance(document, CreditDocument):
            return self._crediting.preview(document)
        known = self._master.known(needs(document))
        return preview(document, known, self._master.shop(), self._options.price_digits)

    def create(self, document: Document | ItemDocument, *, key: str) -> Record:
        """See ``ErpAdapter.create``. A payment is posted at once, in a second call."""
        try:
            match document:
                case SalesDocument():
                    return self._selling.create(document, key)
                case CreditDocument():
                    return self._crediting.create(document, key)
                case PartyDocument():
                    return self._create_party(document, key)
                case PaymentDocument():
                    return self._paying.create(document, key)
                case ReturnDocument():
                    return self._returning.create(document, key)
                case ItemDocument():
                    return self._listing.create(document)
        except DuplicateError:
            raise
        except RejectedError:
            # Whatever we remember of Tryton's master data may be why.
            self._master.forget()
            raise

    def advance(self, record: Record, to: State) -> Record:
        """See ``ErpAdapter.advance``. One call to confirm what was quoted, two to quote."""
        if record.state is State.VOIDED or record.state.rank >= to.rank:
            return record
        match Kind(record.ref.kind):
            case Kind.SALES_ORDER:
                return self._selling.advance(record, to)
            case Kind.PAYMENT:
                return self._paying.post(record)
            case Kind.CREDIT_NOTE if to is State.CONFIRMED:
                return self._crediting.post(record)
            case Kind.RETURN if to is State.CONFIRMED:
                return self._returning.open(record)
            case _:
                return record

    def amend(self, record: Record, document: SalesDocument) -> Record:
        """See ``ErpAdapter.amend``. Two calls, three for a quotation."""
        try:
            return self._selling.amend(record, document)
        except RejectedError:
            self._master.forget()
            raise

    def void(self, record: Record) -> Record:
        """See ``ErpAdapter.void``. Two calls for a quotation, ten for what was processed."""
        if record.ref.kind != Kind.SALES_ORDER:
            raise UnsupportedError(
                f"{self._connection}: only orders are cancelled, not {record.ref}; cancel it in "
                "Tryton"
            )
        return self._cancelling.void(record)

    def reconcile(self, order: Ref, payments: Sequence[Ref]) -> None:
        """See ``ErpAdapter.reconcile``. An invoice that is settled is ``paid``."""
        self._reconciling.reconcile(order, payments)

    def open_day(self, kind: Kind, on: dt.date) -> dt.date | None:
        """See ``ErpAdapter.open_day``. One call; orders are not booked, so any day is open."""
        return self._paying.open_day(kind, on)

    def add_address(self, party: Ref, address: Address) -> str:
        """See ``ErpAdapter.add_address``."""
        of_party = [["party", "=", int(party.id)]]
        for values in self._records.search("party.address", of_party, ADDRESS_FIELDS):
            if equal(address, values):
                return str(values["id"])
        known = self._master.known(needs_of_addresses([address]))
        values = {
            **address_values(address, known),
            "party": int(party.id),
            "invoice": True,
            "delivery": True,
        }
        (id_,) = self._call("model.party.address.create", [values])
        return str(id_)

    # --- what came of it -----------------------------------------------------

    def progress(self, order: Ref) -> Progress | None:
        """See ``ErpAdapter.progress``."""
        return self._reading.progress(order)

    def changes(
        self, kind: Kind, since: dt.datetime, *, after: str = "", limit: int = 100
    ) -> Sequence[News]:
        """See ``ErpAdapter.changes``."""
        if kind in WATCHED:
            return self._watching.changes(kind, since, after=after, limit=limit)
        return self._reading.changes(kind, since, after=after, limit=limit)

    def document(self, ref: Ref) -> Attachment | None:
        """See ``ErpAdapter.document``."""
        return self._reading.document(ref)

    def profile(self, party: Ref) -> tuple[Profile, str] | None:
        """See ``ErpAdapter.profile``."""
        return self._reading.profile(party)

    def update_profile(self, party: Ref, changes: Profile, *, version: str) -> tuple[Profile, str]:
        """See ``ErpAdapter.update_profile``."""
        return self._reading.update_profile(party, changes, version=version)

    def archive(self, party: Ref) -> None:
        """See ``ErpAdapter.archive``."""
        self._reading.archive(party)

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
        return self._reading.profiles(parties)

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
        """See ``ErpAdapter.stock``. A warehouse stands for its storage area."""
        return self._stocks.stock(ids, locations)

    def prices(
        self, ids: Sequence[str], lists: Sequence[str], *, currency: str
    ) -> Sequence[ItemPrices]:
        """See ``ErpAdapter.prices``. All of them are net."""
        return self._pricing.prices(ids, lists, currency=currency)

    def recipes(self) -> Sequence[Recipe]:
        """See ``ErpAdapter.recipes``."""
        return self._recipes.recipes()

    def update_item(self, id_: str, document: ItemDocument) -> Item:
        """See ``ErpAdapter.update_item``."""
        return self._listing.update_item(id_, document)

    # --- parties -------------------------------------------------------------

    def _create_party(self, document: PartyDocument, key: str) -> Record:
        with nothing_made():
            known = self._master.known(needs(document))
            self._master.context()
        try:
            id_ = self._records.create_once(Kind.PARTY, party_values(document, key, known), key)
        except DuplicateError:
            raise
        except RejectedError:
            # Most likely a VAT number or a phone number that fails its check: neither may keep an
            # order from the books. Anything else is refused once more.
            loose = party_values(document, key, known, strict=False)
            id_ = self._records.create_once(Kind.PARTY, loose, key)
        made_for = (document.party.billing, document.party.shipping)
        (row,) = self._records.search("party.party", [["id", "=", id_]], PARTY_FIELDS)
        return party_record(row, self._connection, made_for)

    def _call(self, method: str, *args: Any, **context: Any) -> Any:
        return self._records.call(method, *args, **context)
