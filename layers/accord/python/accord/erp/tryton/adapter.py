"""Tryton 8.2 over JSON-RPC.

Calls for one order of a known customer, once the master data is known: create, quote, read,
confirm. Confirming also makes shipment and invoice, unless the server has a queue of its own.

Source: trytond 8.2 and the modules web_shop and sale; recordings of a running server.
"""

import datetime as dt
from decimal import Decimal
from typing import Any, ClassVar, Literal, Self

import httpx
import pydantic

from accord.erp.tryton.books import rounded
from accord.erp.tryton.client import Client, nothing_made
from accord.erp.tryton.known import needs, needs_of_addresses
from accord.erp.tryton.mapping import SALE_FIELDS, preview, sale_record, sale_values
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
from accord.erp.tryton.payments import MOVE_FIELDS, Booking, move_record, payment_values
from accord.erp.tryton.wire import Values
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
    Document,
    Kind,
    PartyDocument,
    PaymentDocument,
    Record,
    SalesDocument,
    State,
    Totals,
)
from accord.model.party import Address, Party
from accord.ports.erp import Capabilities, Connection, Duplicates, ErpAdapter

_MODELS = {
    Kind.PARTY: "party.party",
    Kind.SALES_ORDER: "sale.sale",
    Kind.PAYMENT: "account.move",
}
_FIELDS = {
    Kind.PARTY: PARTY_FIELDS,
    Kind.SALES_ORDER: SALE_FIELDS,
    Kind.PAYMENT: MOVE_FIELDS,
}
_RECORDS = {
    Kind.PARTY: party_record,
    Kind.SALES_ORDER: sale_record,
    Kind.PAYMENT: move_record,
}
_ALSO_INACTIVE = ["active", "in", [True, False]]  # which Tryton hides unless the domain names it
_MATCHES = 3


class Tryton(ErpAdapter):
    """One company of one Tryton database."""

    name: ClassVar[str] = "tryton"
    _duplicates: ClassVar[dict[Kind, Duplicates]] = {
        Kind.SALES_ORDER: "refused",  # web_shop and web_id are unique together
        Kind.PARTY: "refused",  # its code is unique
        Kind.PAYMENT: "possible",  # a move has no unique field that we may set
    }
    capabilities: ClassVar[Capabilities] = Capabilities(
        duplicates=_duplicates,
        states=frozenset({State.DRAFT, State.QUOTATION, State.CONFIRMED, State.VOIDED}),
        settle=dt.timedelta(seconds=30),  # a request in hand is finished, listened to or not
        search_lag=dt.timedelta(0),
        key_length=64,  # web_id and code are texts without a limit; this is what people can read
    )

    def __init__(self, client: Client, connection: str, options: Options) -> None:
        self._client = client
        self._connection = connection
        self._options = options
        self._master = MasterData(client, connection, options)

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
        http = http_client(connection.url, timeout=float(connection.timeout), transport=transport)
        client = Client(
            http,
            connection=connection.name,
            database=options.database,
            login=connection.secret["login"],
            password=connection.secret["password"],
        )
        return cls(client, connection.name, options)

    @property
    def calls(self) -> dict[str, int]:
        """What was sent so far, by method."""
        return dict(self._client.calls)

    def ping(self) -> None:
        """See ``ErpAdapter.ping``. A call that checks login, rights and company."""
        self._call("model.res.user.get_preferences", True)

    def get(self, ref: Ref) -> Record | None:
        """See ``ErpAdapter.get``."""
        if not ref.id.isdigit():
            return None
        records = self._read(Kind(ref.kind), [["id", "=", int(ref.id)]])
        return records[0] if records else None

    def find(self, kind: Kind, key: str) -> tuple[Record, ...]:
        """See ``ErpAdapter.find``."""
        match kind:
            case Kind.SALES_ORDER:
                of_shop = ["web_shop", "=", self._master.shop().web_shop]
                return self._read(kind, [of_shop, ["web_id", "=", key]])
            case Kind.PARTY:
                return self._read(kind, [["code", "=", key]])
            case Kind.PAYMENT:
                of_company = ["company", "=", self._master.shop().company]
                return self._read(kind, [of_company, ["description", "=", key]])

    def match(self, party: Party, by: Literal["email", "vat_number"]) -> tuple[Record, ...]:
        """See ``ErpAdapter.match``. Neither inactive parties nor the web shop's guest are taken."""
        value = party.email if by == "email" else party.vat_number
        if not value.strip():
            return ()
        domain = email_domain(value.strip()) if by == "email" else vat_domain(party)
        guest = self._master.shop().guest
        others = [["id", "!=", guest]] if guest else []
        rows = self._search(
            "party.party", [domain, *others, ["active", "=", True]], PARTY_FIELDS, limit=_MATCHES
        )
        made_for = (party.billing, party.shipping)
        return tuple(party_record(row, self._connection, made_for) for row in rows)

    def preview(self, document: SalesDocument) -> Totals:
        """See ``ErpAdapter.preview``. Computed here, as Tryton does it; nothing is made there."""
        known = self._master.known(needs(document))
        return preview(document, known, self._master.shop(), self._options.price_digits)

    def create(self, document: Document, *, key: str) -> Record:
        """See ``ErpAdapter.create``. A payment is posted at once, in a second call."""
        try:
            match document:
                case SalesDocument():
                    return self._create_sale(document, key)
                case PartyDocument():
                    return self._create_party(document, key)
                case PaymentDocument():
                    return self._create_payment(document, key)
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
                return self._advance_sale(record, to)
            case Kind.PAYMENT:
                return self._post(record)
            case _:
                return record

    def add_address(self, party: Ref, address: Address) -> str:
        """See ``ErpAdapter.add_address``."""
        of_party = [["party", "=", int(party.id)]]
        for values in self._search("party.address", of_party, ADDRESS_FIELDS):
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

    # --- orders --------------------------------------------------------------

    def _create_sale(self, document: SalesDocument, key: str) -> Record:
        with nothing_made():
            known, shop = self._master.known(needs(document)), self._master.shop()
        digits = self._options.price_digits
        preview(document, known, shop, digits)  # refuses what the server would never finish
        if document.party.id == str(shop.guest):
            raise UnsupportedError(
                f"{self._connection}: Tryton refuses orders of the web shop's own guest party; "
                "make another party for guests and name it in customers.guests"
            )
        values = sale_values(document, key, known, shop, digits)
        id_ = self._create_once(Kind.SALES_ORDER, values, key)
        # Tryton numbers an order when it is quoted.
        ref = Ref(self._connection, Kind.SALES_ORDER, str(id_))
        return Record(ref=ref, number="", key=key, state=State.DRAFT)

    def _advance_sale(self, record: Record, to: State) -> Record:
        if record.state is State.DRAFT:
            record = self._button("quote", record, State.QUOTATION)
            # Without its number and totals nobody may go on.
            record = self._again(record)
        if record.state.rank >= to.rank or record.state is State.VOIDED:
            return record
        return self._button("confirm", record, State.CONFIRMED)

    def _button(self, button: str, record: Record, to: State) -> Record:
        """``record``, moved to ``to``. A refusal is looked into: it may be there already."""
        try:
            self._call(f"model.sale.sale.{button}", [int(record.ref.id)])
        except RejectedError:
            now = self._again(record)
            if now.state.rank >= to.rank:
                return now
            if button == "confirm" and now.state is State.DRAFT:  # someone took it back to draft
                return self._advance_sale(now, to)
            raise
        return _in(record, to)

    # --- parties -------------------------------------------------------------

    def _create_party(self, document: PartyDocument, key: str) -> Record:
        with nothing_made():
            known = self._master.known(needs(document))
            self._master.context()
        try:
            id_ = self._create_once(Kind.PARTY, party_values(document, key, known), key)
        except DuplicateError:
            raise
        except RejectedError:
            # Most likely a VAT number or a phone number that fails its check: neither may keep an
            # order from the books. Anything else is refused once more.
            loose = party_values(document, key, known, strict=False)
            id_ = self._create_once(Kind.PARTY, loose, key)
        made_for = (document.party.billing, document.party.shipping)
        (row,) = self._search("party.party", [["id", "=", id_]], PARTY_FIELDS)
        return party_record(row, self._connection, made_for)

    # --- payments ------------------------------------------------------------

    def _create_payment(self, document: PaymentDocument, key: str) -> Record:
        with nothing_made():
            known, shop = self._master.known(needs(document)), self._master.shop()
            booking = Booking(
                receivable=self._receivable(document),
                period=self._period(document.received_on),
                amount=self._in_company_currency(document),
            )
        values = payment_values(document, key, known, shop, booking)
        (id_,) = self._call("model.account.move.create", [values])
        amount, zero = document.amount, document.amount - document.amount
        return self._post(
            Record(
                ref=Ref(self._connection, Kind.PAYMENT, str(id_)),
                number="",
                key=key,
                totals=Totals(net=amount, tax=zero, gross=amount),
            )
        )

    def _post(self, record: Record) -> Record:
        try:
            self._call("model.account.move.post", [int(record.ref.id)])
        except RejectedError:
            if self._again(record).state is not State.CONFIRMED:
                raise
        return self._again(record)

    def _receivable(self, document: PaymentDocument) -> int:
        """The account that the party owes on: its own, else the company's default."""
        (row,) = self._call(
            "model.party.party.read", [int(document.party.id)], ["account_receivable"]
        )
        account = row["account_receivable"] or self._master.shop().receivable
        if account is None:
            raise UnmappedError(
                f"{self._connection}: neither party {document.party.id} nor the company has an "
                "account receivable; give it one in Tryton",
                connection=self._connection,
                causes=("account:receivable",),
            )
        return int(account)

    def _period(self, on: dt.date) -> int:
        rows = self._search(
            "account.period",
            [
                ["company", "=", self._master.shop().company],
                ["type", "=", "standard"],
                ["state", "=", "open"],
                ["start_date", "<=", on],
                ["end_date", ">=", on],
            ],
            ["start_date"],
            limit=1,
        )
        if not rows:
            raise UnmappedError(
                f"{self._connection} has no open period for {on}; open one, or a fiscal year",
                connection=self._connection,
                causes=(f"period:{on:%Y-%m}",),
            )
        return int(rows[0]["id"])

    def _in_company_currency(self, document: PaymentDocument) -> Decimal:
        """The amount at the rate that Tryton holds for its day."""
        own, amount = self._master.shop().currency, document.amount
        if amount.currency == own:
            return amount.amount
        codes = {own, amount.currency}
        known = self._master.known({"currencies": codes})
        ids = {known.currencies[code].id: code for code in codes}
        rows = self._call(
            "model.currency.currency.read", list(ids), ["rate"], date=document.received_on
        )
        rates: dict[str, Any] = {ids[row["id"]]: row["rate"] for row in rows}
        if not all(rates.values()):
            raise UnmappedError(
                f"{self._connection} has no rate of {' and '.join(sorted(codes))} "
                f"for {document.received_on}; enter it in Tryton",
                connection=self._connection,
                causes=(f"rate:{amount.currency}",),
            )
        exact = amount.amount * rates[own] / rates[amount.currency]
        return rounded(exact, known.currencies[own].unit)

    # --- asking --------------------------------------------------------------

    def _create_once(self, kind: Kind, values: Values, key: str) -> int:
        """The new record's id. Raises: DuplicateError: refused, and one with ``key`` is there."""
        try:
            (id_,) = self._call(f"model.{_MODELS[kind]}.create", [values])
        except RejectedError as error:
            # Tryton's message is in some language; whether the key is taken is asked instead.
            if self.find(kind, key):
                raise DuplicateError(str(error), body=error.body) from error
            raise
        return int(id_)

    def _again(self, record: Record) -> Record:
        """``record`` as it is now. Raises: RejectedError: it is gone."""
        now = self.get(record.ref)
        if now is None:
            raise RejectedError(f"{record.ref} is no longer in Tryton")
        return now

    def _read(self, kind: Kind, domain: list[Any]) -> tuple[Record, ...]:
        if kind is Kind.PARTY:
            domain = [*domain, _ALSO_INACTIVE]
        rows = self._search(_MODELS[kind], domain, _FIELDS[kind])
        return tuple(_RECORDS[kind](row, self._connection) for row in rows)

    def _search(
        self, model: str, domain: list[Any], fields: tuple[str, ...] | list[str], limit: int = 100
    ) -> list[Values]:
        rows: list[Values] = self._call(
            f"model.{model}.search_read", domain, 0, limit, None, list(fields)
        )
        return rows

    def _call(self, method: str, *args: Any, **context: Any) -> Any:
        return self._client.call(method, *args, context={**self._master.context(), **context})


def _in(record: Record, state: State) -> Record:
    return Record(
        ref=record.ref,
        number=record.number,
        key=record.key,
        state=state,
        totals=record.totals,
        version="",  # the button changed it, and nobody has read it since
    )
