"""The in-memory ledger as a back office like any other, in process or over HTTP."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar, Literal, NoReturn, Self

import httpx

from accord.erp.memory.desk import CatalogueDesk
from accord.erp.memory.entries import TOLD
from accord.erp.memory.faults import Faults, no_faults
from accord.erp.memory.item_mapping import (
    item_document_to_wire,
    item_from_wire,
    prices_from_wire,
    recipe_from_wire,
    snapshot_from_wire,
)
from accord.erp.memory.ledger import Ledger, Master, Rounding
from accord.erp.memory.mapping import (
    Json,
    attachment_from_wire,
    news_from_wire,
    profile_from_wire,
    profile_to_wire,
    progress_from_wire,
    record_from_wire,
    sale_from_wire,
    to_wire,
    totals_from_wire,
)
from accord.errors import (
    DisagreementError,
    DuplicateError,
    RateLimitedError,
    RejectedError,
    StaleVersionError,
    UnauthorizedError,
    UnavailableError,
    UnmappedError,
)
from accord.http import http_client, json_of, send
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    Document,
    Kind,
    Record,
    SalesDocument,
    State,
    Totals,
)
from accord.model.item import Item, ItemDocument, ItemPrices
from accord.model.money import Money
from accord.model.party import Address, Party, Profile
from accord.model.progress import Attachment, News, Progress
from accord.model.sale import Sale
from accord.model.stock import Recipe, Snapshot
from accord.ports.erp import Capabilities, Connection, Duplicates, ErpAdapter
from accord.ports.numbers import Numbered

Caller = Callable[[str, Json], Json]
"""Operation and arguments → the ledger's answer."""

_KEY_LENGTH = 64
_MADE = (
    Kind.PARTY,
    Kind.SALES_ORDER,
    Kind.PAYMENT,
    Kind.CREDIT_NOTE,
    Kind.RETURN,
    Kind.ITEM,
)


class HttpCaller:
    """The ledger behind ``client``'s address: each call is one POST."""

    def __init__(self, client: httpx.Client, connection: str) -> None:
        self._client = client
        self._connection = connection

    def __call__(self, operation: str, arguments: Json) -> Json:
        """Raises: UnavailableError: no answer, or none that can be read."""
        response = send(
            self._client,
            "POST",
            "/call",
            connection=self._connection,
            json={"method": operation, "arguments": arguments},
        )
        answer: Json = json_of(response, self._connection)
        return answer


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Memory(CatalogueDesk, ErpAdapter):
    """One ledger. ``connection`` is the name it has in accord.toml, the system of its refs.

    ``clock`` is ours, of which the snapshots are; the ledger has its own.
    """

    name: ClassVar[str] = "memory"
    capabilities: ClassVar[Capabilities] = Capabilities(
        duplicates=dict.fromkeys(_MADE, "refused"),
        states=frozenset(State),
        settle=dt.timedelta(seconds=30),
        search_lag=dt.timedelta(0),
        key_length=_KEY_LENGTH,
        amends=frozenset({State.DRAFT, State.QUOTATION}),
        tells=frozenset(TOLD),
        revenue=True,
        reconciles=True,
        recipes=True,
    )
    news_lag: ClassVar[dt.timedelta] = dt.timedelta(0)
    """How late some changes are told, with their true time; less than ``overlap``."""

    def __init__(
        self,
        caller: Caller,
        connection: str = "main",
        *,
        clock: Callable[[], dt.datetime] = _utc_now,
    ) -> None:
        self._caller = caller
        self._connection = connection
        self._clock = clock

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """See ``ErpAdapter.connect``. It has no options and no credentials."""
        client = http_client(
            connection.url,
            timeout=float(connection.timeout),
            allow_private=connection.allow_private,
        )
        caller = HttpCaller(client, connection.name)
        return cls(caller, connection.name, clock=connection.clock)

    @classmethod
    def ledger(
        cls,
        *,
        clock: Callable[[], dt.datetime],
        rounding: Rounding = "line",
        master: Master | None = None,
        faults: Faults = no_faults,
    ) -> Ledger:
        """A ledger that does what ``capabilities`` say."""
        return Ledger(
            clock=clock,
            duplicates=cls.capabilities.duplicates,
            search_lag=cls.capabilities.search_lag,
            news_lag=cls.news_lag,
            key_length=cls.capabilities.key_length,
            rounding=rounding,
            master=master,
            faults=faults,
        )

    def ping(self) -> None:
        """See ``ErpAdapter.ping``."""
        self._call("ping", {})

    def get(self, ref: Ref) -> Record | None:
        """See ``ErpAdapter.get``."""
        record = self._call("get", {"kind": ref.kind, "id": ref.id})["record"]
        return record and self._record(record)

    def find(self, kind: Kind, key: str) -> tuple[Record, ...]:
        """See ``ErpAdapter.find``."""
        records = self._call("find", {"kind": kind.value, "key": key})["records"]
        return tuple(map(self._record, records))

    def numbered(self, kind: Kind, numbers: Sequence[str]) -> Sequence[Numbered]:
        """See ``Numbers.numbered``."""
        found = self._call("numbered", {"kind": kind.value, "numbers": list(numbers)})["found"]
        return [
            Numbered(
                self._record(each["record"]),
                each["reference"],
                each["placed_on"] and dt.date.fromisoformat(each["placed_on"]),
            )
            for each in found
        ]

    def match(self, party: Party, by: Literal["email", "vat_number"]) -> tuple[Record, ...]:
        """See ``ErpAdapter.match``. Letter case aside; in VAT numbers spaces and signs too."""
        value = party.email if by == "email" else party.vat_number
        if not value:
            return ()
        return tuple(map(self._record, self._call("match", {"by": by, "value": value})["records"]))

    def preview(self, document: SalesDocument | CreditDocument) -> Totals:
        """See ``ErpAdapter.preview``. One call."""
        return totals_from_wire(self._call("preview", to_wire(document))["totals"])

    def create(self, document: Document | ItemDocument, *, key: str) -> Record:
        """See ``ErpAdapter.create``. The key of an item must be its code.

        Raises: UnmappedError: the day of a payment or credit note is in a closed period. A credit
        note of more than is left of the order is a RejectedError.
        """
        return self._record(self._call("create", {**to_wire(document), "key": key})["record"])

    def advance(self, record: Record, to: State) -> Record:
        """See ``ErpAdapter.advance``. Raises: RejectedError: it is voided.

        DisagreementError: the party is on credit hold; then nothing was changed.
        """
        wanted = {"kind": record.ref.kind, "id": record.ref.id, "to": to.value}
        return self._record(self._call("advance", wanted)["record"])

    def amend(self, record: Record, document: SalesDocument) -> Record:
        """See ``ErpAdapter.amend``. One call."""
        wanted = {"id": record.ref.id, "document": to_wire(document)}
        return self._record(self._call("amend", wanted)["record"])

    def redate(self, record: Record, document: CreditDocument) -> Record:
        """See ``Redates.redate``. One call."""
        wanted = {"id": record.ref.id, "document": to_wire(document)}
        return self._record(self._call("redate", wanted)["record"])

    def void(self, record: Record) -> Record:
        """See ``ErpAdapter.void``. One call."""
        return self._record(self._call("void", {"id": record.ref.id})["record"])

    def reconcile(self, order: Ref, payments: Sequence[Ref]) -> None:
        """See ``ErpAdapter.reconcile``. One call; a document that is settled is ``paid``."""
        self._call("reconcile", {"id": order.id, "payments": [each.id for each in payments]})

    def add_address(self, party: Ref, address: Address) -> str:
        """See ``ErpAdapter.add_address``."""
        wanted = {"party": party.id, "fingerprint": address.fingerprint}
        id_: str = self._call("add_address", wanted)["id"]
        return id_

    # --- what came of it --------------------------------------------------------

    def progress(self, order: Ref) -> Progress | None:
        """See ``ErpAdapter.progress``. One call."""
        found = self._call("progress", {"id": order.id})["progress"]
        return found and progress_from_wire(found, connection=self._connection)

    def changes(
        self, kind: Kind, since: dt.datetime, *, after: str = "", limit: int = 100
    ) -> Sequence[News]:
        """See ``ErpAdapter.changes``. Shipments that are still open are left out."""
        wanted = {"kind": kind.value, "since": since.isoformat(), "after": after, "limit": limit}
        found = self._call("changes", wanted)["news"]
        return [news_from_wire(each, connection=self._connection) for each in found]

    def open_day(self, kind: Kind, on: dt.date) -> dt.date | None:
        """See ``ErpAdapter.open_day``. A period is a month."""
        day = self._call("open_day", {"kind": kind.value, "on": on.isoformat()})["day"]
        return day and dt.date.fromisoformat(day)

    def document(self, ref: Ref) -> Attachment | None:
        """See ``ErpAdapter.document``: a page in PDF."""
        found = self._call("document", {"kind": ref.kind, "id": ref.id})["document"]
        return found and attachment_from_wire(found)

    def profile(self, party: Ref) -> tuple[Profile, str] | None:
        """See ``ErpAdapter.profile``."""
        found = self._call("profile", {"party": party.id})
        return found["profile"] and (profile_from_wire(found["profile"]), found["version"])

    def update_profile(self, party: Ref, changes: Profile, *, version: str) -> tuple[Profile, str]:
        """See ``ErpAdapter.update_profile``. What is equal already makes no new version."""
        wanted = {"party": party.id, "changes": profile_to_wire(changes), "version": version}
        found = self._call("update_profile", wanted)
        return profile_from_wire(found["profile"]), found["version"]

    def archive(self, party: Ref) -> None:
        """See ``ErpAdapter.archive``."""
        self._call("archive", {"party": party.id})

    # --- what stands under our keys: one call each ----------------------------------

    def sales(
        self, prefix: str, since: dt.date, *, after: str = "", limit: int = 100
    ) -> Sequence[Sale]:
        """See ``ErpAdapter.sales``."""
        wanted = {"prefix": prefix, "since": since.isoformat(), "after": after, "limit": limit}
        found = self._call("sales_since", wanted)["sales"]
        return [sale_from_wire(each, connection=self._connection) for each in found]

    def sales_of(self, keys: Sequence[str]) -> Sequence[Sale]:
        """See ``ErpAdapter.sales_of``."""
        found = self._call("sales_of", {"keys": list(keys)})["sales"]
        return [sale_from_wire(each, connection=self._connection) for each in found]

    def profiles(self, parties: Sequence[Ref]) -> Mapping[Ref, Profile]:
        """See ``ErpAdapter.profiles``."""
        found = self._call("profiles", {"parties": [each.id for each in parties]})["profiles"]
        return {
            Ref(self._connection, Kind.PARTY.value, id_): profile_from_wire(profile)
            for id_, profile in found.items()
        }

    # --- items, stock and prices: one call each, however many are asked for --------

    def item_ids(self, *, after: str = "", limit: int = 100) -> Sequence[str]:
        """See ``ErpAdapter.item_ids``. Ids are numbers; what is new comes last."""
        ids: list[str] = self._call("item_ids", {"after": after, "limit": limit})["ids"]
        return ids

    def find_items(self, codes: Sequence[str]) -> Mapping[str, str]:
        """See ``ErpAdapter.find_items``."""
        ids: dict[str, str] = self._call("find_items", {"codes": list(codes)})["ids"]
        return ids

    def items(self, ids: Sequence[str]) -> Sequence[Item]:
        """See ``ErpAdapter.items``."""
        return [self._item(each) for each in self._call("items", {"ids": list(ids)})["items"]]

    def stock(self, ids: Sequence[str], locations: Sequence[str]) -> Sequence[Snapshot]:
        """See ``ErpAdapter.stock``. Confirmed orders take from the ``Master.warehouse``.

        There is nothing of a kit itself: it takes its parts.
        """
        as_of = self._clock()
        found = self._call("stock", {"ids": list(ids), "locations": list(locations)})["stock"]
        return [snapshot_from_wire(each, as_of=as_of) for each in found]

    def prices(
        self, ids: Sequence[str], lists: Sequence[str], *, currency: str
    ) -> Sequence[ItemPrices]:
        """See ``ErpAdapter.prices``. Nothing is converted: without a price in it there is none."""
        wanted = {"ids": list(ids), "price_lists": list(lists), "currency": currency}
        return [prices_from_wire(each) for each in self._call("prices", wanted)["prices"]]

    def recipes(self) -> Sequence[Recipe]:
        """See ``ErpAdapter.recipes``."""
        return [recipe_from_wire(each) for each in self._call("recipes", {})["recipes"]]

    def update_item(self, id_: str, document: ItemDocument) -> Item:
        """See ``ErpAdapter.update_item``. What is equal already makes no new version."""
        wanted = {"id": id_, "document": item_document_to_wire(document)}
        return self._item(self._call("update_item", wanted)["item"])

    # --- what people do in the back office; no part of the port -----------------------

    def ship(
        self,
        order: Ref,
        items: Mapping[str, Decimal] | None = None,
        *,
        tracking: str = "",
        carrier: str = "",
    ) -> Record:
        """The shipment of ``items``, or of all that is open; what is left waits in another.

        Raises: RejectedError: the order is not confirmed, or not so much of it is left.
        """
        wanted = {
            "id": order.id,
            "items": _quantities(items),
            "tracking": tracking,
            "carrier": carrier,
        }
        return self._record(self._call("ship", wanted)["record"])

    def post_invoice(self, order: Ref) -> Record:
        """The invoice of a confirmed order, booked today."""
        return self._record(self._call("post_invoice", {"id": order.id})["record"])

    def pay_invoice(self, order: Ref) -> Record:
        """The posted invoice, marked as paid. It makes no payment."""
        return self._record(self._call("pay_invoice", {"id": order.id})["record"])

    def credit(
        self,
        order: Ref,
        amount: Money | None = None,
        *,
        items: Mapping[str, Decimal] | None = None,
    ) -> Record:
        """A credit note, booked today, for ``items``, for ``amount`` with tax, or for the rest."""
        wanted = {
            "id": order.id,
            "amount": amount and str(amount.amount),
            "items": _quantities(items),
        }
        return self._record(self._call("credit", wanted)["record"])

    def cancel(self, order: Ref) -> Record:
        """The order, cancelled by hand. Raises: DisagreementError as ``void`` does."""
        return self._record(self._call("cancel", {"id": order.id})["record"])

    def delete(self, order: Ref) -> None:
        """The order is deleted by hand. Raises: RejectedError: it binds, or has money on it."""
        self._call("delete", {"id": order.id})

    def receive_return(self, order: Ref) -> dict[str, Decimal]:
        """Item → how many came in with the order's open returns.

        Raises: RejectedError: none is open.
        """
        items = self._call("receive_return", {"id": order.id})["items"]
        return {item: Decimal(quantity) for item, quantity in items.items()}

    def edit_party(self, code: str, **changes: Any) -> Record:
        """The party of that account code; ``changes`` are fields of Profile."""
        wanted = {"code": code, "changes": profile_to_wire(Profile(**changes))}
        return self._record(self._call("edit_party", wanted)["record"])

    def close_period(self, month: dt.date) -> None:
        """Nothing can be booked any more in the month of that day."""
        self._call("close_period", {"month": month.isoformat()})

    # --- the wire ------------------------------------------------------------------

    def _record(self, data: Json) -> Record:
        return record_from_wire(data, connection=self._connection)

    def _item(self, data: Json) -> Item:
        return item_from_wire(data, connection=self._connection)

    def _call(self, operation: str, arguments: Json) -> Json:
        answer = self._caller(operation, arguments)
        if "error" in answer:
            self._refuse(answer["error"])
        return answer

    def _refuse(self, error: Mapping[str, Any]) -> NoReturn:
        here = self._connection
        message = f"{here}: {error['message']}"
        match error["code"]:
            case "duplicate":
                raise DuplicateError(message, body=error)
            case "unmapped":
                raise UnmappedError(
                    f"{message}; add them there or map to others",
                    connection=here,
                    causes=tuple(error["causes"]),
                )
            case "closed":
                raise UnmappedError(
                    f"{message}; open the period, or choose another day",
                    connection=here,
                    causes=(f"period:{error['period']}",),
                )
            case "stale":
                raise StaleVersionError(message, connection=here)
            case "goods_left":
                raise DisagreementError(
                    f"{message}; take the goods back, then credit the order",
                    reason="goods_left",
                    owner="warehouse",
                )
            case "invoiced":
                raise DisagreementError(
                    f"{message}; credit what was invoiced", reason="invoiced", owner="finance"
                )
            case "credit_hold":
                raise DisagreementError(
                    f"{message}; release it there, then replay",
                    reason="credit_hold",
                    owner="finance",
                )
            case "rate_limited":
                raise RateLimitedError(message, retry_after=error["retry_after"], connection=here)
            case "unauthorized":
                raise UnauthorizedError(message, connection=here)
            case "unavailable":
                raise UnavailableError(message, sent=error["sent"], connection=here)
            case _:
                raise RejectedError(message, body=error)


def _quantities(items: Mapping[str, Decimal] | None) -> dict[str, str] | None:
    return None if items is None else {item: str(part) for item, part in items.items()}


def memory_like(
    duplicates: Duplicates | Mapping[Kind, Duplicates],
    *,
    settle: dt.timedelta = Memory.capabilities.settle,
    search_lag: dt.timedelta = dt.timedelta(0),
    news_lag: dt.timedelta = dt.timedelta(0),
    key_length: int = _KEY_LENGTH,
) -> type[Memory]:
    """A ``Memory`` of other habits; one word for ``duplicates`` is for every kind it can make."""
    behaviours = dict.fromkeys(_MADE, duplicates) if isinstance(duplicates, str) else duplicates
    late = news_lag
    habits = replace(
        Memory.capabilities,
        duplicates=behaviours,
        settle=settle,
        search_lag=search_lag,
        key_length=key_length,
        overlap=max(Memory.capabilities.overlap, search_lag + late),
    )

    class Like(Memory):
        capabilities: ClassVar[Capabilities] = habits
        news_lag: ClassVar[dt.timedelta] = late

    return Like
