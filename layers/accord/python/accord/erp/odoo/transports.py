"""The two ways into an Odoo: JSON-RPC, which all releases have, and JSON-2, from 19 on.

Source: recordings of a running Odoo 17.0; Odoo 19 docs, "External JSON-2 API" and "External RPC
API".
"""

import itertools
from collections.abc import Sequence
from typing import Any, Final, Protocol

import httpx

from accord.erp.odoo.wire import Fault, Values, dumped, envelope, fault, positional, result
from accord.erp.unsent import nothing_made
from accord.errors import UnauthorizedError, UnavailableError
from accord.http import error_of, json_of, send

JSON_2_FROM: Final = 19
"""The first release that speaks it."""

_TOLD: Final = (400, 401, 403, 404, 405, 409, 422, 500)
"""Statuses whose body JSON-2 says more in."""


class Transport(Protocol):
    """Calls one model's method."""

    def call(
        self, model: str, method: str, ids: Sequence[int] | None, named: Values
    ) -> Any | Fault:
        """What it returned, or the Fault it met. Raises: AccordError: no answer of Odoo's."""
        ...


class JsonRpc:
    """``/jsonrpc``: 200 whatever happens, and the key in every call."""

    def __init__(
        self, http: httpx.Client, *, connection: str, database: str, user: str, key: str
    ) -> None:
        self._http = http
        self._connection = connection
        self._database = database
        self._user = user
        self._key = key
        self._uid: int | None = None
        self._numbers = itertools.count(1)

    def version(self) -> int | Fault:
        """The major release. Needs no login."""
        answer = self._service("common", "version")
        if isinstance(answer, Fault):
            return answer
        info = answer.get("server_version_info") if isinstance(answer, dict) else None
        found = str(info[0]) if info else ""
        digits = "".join(char for char in found.rpartition("~")[2] if char.isdigit())  # saas~17
        return int(digits) if digits else 0

    def login(self) -> Any | Fault:
        """The user's id, false where that key is not its, or why the database does not answer."""
        who = (self._database, self._user, self._key)
        with nothing_made():
            return self._service("common", "authenticate", *who, {})

    def call(
        self, model: str, method: str, ids: Sequence[int] | None, named: Values
    ) -> Any | Fault:
        """See ``Transport.call``. Logs in before its first call; the user's id never changes."""
        if self._uid is None:
            uid = self.login()
            if isinstance(uid, Fault):
                return uid
            if not uid:
                return Fault("login", f"it does not know the user {self._user!r} with that key")
            self._uid = int(uid)
        args, others = positional(method, ids, named)
        call = (self._database, self._uid, self._key, model, method, args, others)
        return self._service("object", "execute_kw", *call)

    def _service(self, service: str, method: str, *args: Any) -> Any | Fault:
        response = send(
            self._http,
            "POST",
            "/jsonrpc",
            connection=self._connection,
            content=envelope(next(self._numbers), service, method, args),
            headers={"Content-Type": "application/json"},
            also=(404,),
            secrets=(self._key,),
        )
        if response.status_code == 404:
            raise nobody(self._connection, "/jsonrpc")
        try:
            return result(json_of(response, self._connection, exact=True))
        except ValueError as error:
            raise UnavailableError(
                f"{self._connection} did not answer as Odoo does: {error}",
                connection=self._connection,
            ) from error


class Json2:
    """``/json/2/<model>/<method>``: arguments by name, the key in a header, statuses that mean.

    ``rpc`` says more where the database is none, or away: both are a page that was not found here.
    """

    def __init__(
        self, http: httpx.Client, rpc: JsonRpc, *, connection: str, database: str, key: str
    ) -> None:
        self._http = http
        self._rpc = rpc
        self._connection = connection
        self._headers = {
            "Authorization": f"bearer {key}",
            "Content-Type": "application/json",
            "X-Odoo-Database": database,
        }

    def call(
        self, model: str, method: str, ids: Sequence[int] | None, named: Values
    ) -> Any | Fault:
        """See ``Transport.call``."""
        body = named if ids is None else {**named, "ids": list(ids)}
        response = send(
            self._http,
            "POST",
            f"/json/2/{model}/{method}",
            connection=self._connection,
            content=dumped(body),
            headers=self._headers,
            also=_TOLD,
        )
        if response.is_success and not response.content.strip():
            return None  # a method that returns nothing
        if response.is_success:
            return json_of(response, self._connection, exact=True)
        try:
            told = json_of(response, self._connection)
        except UnavailableError:
            told = None
        if isinstance(told, dict) and told.get("name"):
            return fault(told)
        if response.status_code == 404:  # of Odoo's own kind, it would say what it does not have
            if isinstance(why := self._rpc.login(), Fault):
                return why
            raise nobody(self._connection, "/json/2")
        error = error_of(response, connection=self._connection)
        raise error or UnavailableError(f"{self._connection} answered nothing")


def nobody(connection: str, path: str) -> UnauthorizedError:
    return UnauthorizedError(
        f"{connection}: no Odoo answers {path} there; mend url, or give the host its database",
        connection=connection,
    )
