"""The in-memory ledger as a back office like any other, in process or over HTTP."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, NoReturn, Self

import httpx

from accord.erp.memory.faults import Faults, no_faults
from accord.erp.memory.ledger import Ledger, Master, Rounding
from accord.erp.memory.mapping import Json, record_from_wire, to_wire, totals_from_wire
from accord.errors import (
    DuplicateError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnmappedError,
)
from accord.http import http_client, json_of, send
from accord.model.change import Ref
from accord.model.documents import Document, Kind, Record, SalesDocument, State, Totals
from accord.model.party import Address, Party
from accord.ports.erp import Capabilities, Connection, Duplicates, ErpAdapter

Caller = Callable[[str, Json], Json]
"""Operation and arguments → the ledger's answer."""

_KEY_LENGTH = 64


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


class Memory(ErpAdapter):
    """One ledger. ``connection`` is the name it has in accord.toml, the system of its refs."""

    name: ClassVar[str] = "memory"
    capabilities: ClassVar[Capabilities] = Capabilities(
        duplicates=dict.fromkeys(Kind, "refused"),
        states=frozenset(State),
        settle=dt.timedelta(seconds=30),
        search_lag=dt.timedelta(0),
        key_length=_KEY_LENGTH,
    )

    def __init__(self, caller: Caller, connection: str = "main") -> None:
        self._caller = caller
        self._connection = connection

    @classmethod
    def connect(cls, connection: Connection) -> Self:
        """See ``ErpAdapter.connect``. It has no options and no credentials."""
        client = http_client(connection.url, timeout=float(connection.timeout))
        return cls(HttpCaller(client, connection.name), connection.name)

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

    def match(self, party: Party, by: Literal["email", "vat_number"]) -> tuple[Record, ...]:
        """See ``ErpAdapter.match``. Letter case aside; in VAT numbers spaces and signs too."""
        value = party.email if by == "email" else party.vat_number
        if not value:
            return ()
        return tuple(map(self._record, self._call("match", {"by": by, "value": value})["records"]))

    def preview(self, document: SalesDocument) -> Totals:
        """See ``ErpAdapter.preview``. One call."""
        return totals_from_wire(self._call("preview", to_wire(document))["totals"])

    def create(self, document: Document, *, key: str) -> Record:
        """See ``ErpAdapter.create``."""
        return self._record(self._call("create", {**to_wire(document), "key": key})["record"])

    def advance(self, record: Record, to: State) -> Record:
        """See ``ErpAdapter.advance``. Raises: RejectedError: it is voided."""
        return self._record(self._call("advance", {"id": record.ref.id, "to": to.value})["record"])

    def add_address(self, party: Ref, address: Address) -> str:
        """See ``ErpAdapter.add_address``."""
        wanted = {"party": party.id, "fingerprint": address.fingerprint}
        id_: str = self._call("add_address", wanted)["id"]
        return id_

    def void(self, record: Record) -> Record:
        """The order as a person cancels it in the back office. No part of the port."""
        return self._record(self._call("void", {"id": record.ref.id})["record"])

    def _record(self, data: Json) -> Record:
        return record_from_wire(data, connection=self._connection)

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
            case "rate_limited":
                raise RateLimitedError(message, retry_after=error["retry_after"], connection=here)
            case "unauthorized":
                raise UnauthorizedError(message, connection=here)
            case "unavailable":
                raise UnavailableError(message, sent=error["sent"], connection=here)
            case _:
                raise RejectedError(message, body=error)


def memory_like(
    duplicates: Duplicates | Mapping[Kind, Duplicates],
    *,
    settle: dt.timedelta = Memory.capabilities.settle,
    search_lag: dt.timedelta = dt.timedelta(0),
    key_length: int = _KEY_LENGTH,
) -> type[Memory]:
    """A ``Memory`` of other habits; one word for ``duplicates`` is for every kind."""
    behaviours = dict.fromkeys(Kind, duplicates) if isinstance(duplicates, str) else duplicates

    class Like(Memory):
        capabilities: ClassVar[Capabilities] = Capabilities(
            duplicates=behaviours,
            states=Memory.capabilities.states,
            settle=settle,
            search_lag=search_lag,
            key_length=key_length,
        )

    return Like
