"""Calls of one Tryton database, under a session that is renewed when it lapses."""

import base64
import contextlib
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx

from accord.erp.tryton.wire import Fault, Values, envelope, result
from accord.errors import (
    AccordError,
    RejectedError,
    StaleVersionError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedError,
)
from accord.http import json_of, send

_MENDS = {
    404: "it has no database {database!r}: mend options.database",
    422: "it cannot read our call: this release speaks to Tryton 8",
}


@contextlib.contextmanager
def nothing_made() -> Iterator[None]:
    """Within, a request that got no answer made nothing: it only reads, or logs in."""
    try:
        yield
    except UnavailableError as error:
        if not error.sent:
            raise
        raise UnavailableError(
            str(error), sent=False, retry_after=error.retry_after, connection=error.connection
        ) from error


class Client:
    """One database and one user. ``calls`` counts what was sent, by method.

    Logs in before its first call. A session lapses after days, and its password's change ends it:
    Tryton then answers 401 before it has done anything, so the call is sent once more.
    """

    def __init__(
        self, http: httpx.Client, *, connection: str, database: str, login: str, password: str
    ) -> None:
        self.calls: Counter[str] = Counter()
        self._http = http
        self._connection = connection
        self._database = database
        self._login = login
        self._password = password
        self._session: str | None = None
        self._numbers = itertools.count(1)

    def call(self, method: str, *args: Any, context: Values) -> Any:
        """What ``method`` returned for ``args``.

        A warning that a person would click away is confirmed once, and the call repeated.

        Raises:
            UnauthorizedError: login, password, database or rights. StaleVersionError: someone wrote
            in between. UnavailableError: no usable answer. RejectedError: Tryton refused.
            UnsupportedError: this server lacks the model, the field or the method.
        """
        answer = self._send(method, (*args, context))
        if isinstance(answer, Fault) and answer.kind == "warning":
            skip = self._send("model.res.user.warning.skip", (answer.name, False, context))
            answer = skip if isinstance(skip, Fault) else self._send(method, (*args, context))
        if isinstance(answer, Fault):
            raise self._error(answer, method)
        return answer

    def _send(self, method: str, params: tuple[Any, ...]) -> Any:
        fresh = self._session is None
        if fresh:
            self._log_in()
        response = self._post(method, params)
        if response.status_code == 401 and not fresh:
            self._log_in()
            response = self._post(method, params)
        if response.status_code == 401:
            raise self._unauthorized(f"it refuses {method} right after the login")
        return self._result(response)

    def _log_in(self) -> None:
        """Raises: UnauthorizedError: login and password are not theirs."""
        self._session = None
        params = (self._login, {"password": self._password}, "en")
        with nothing_made():
            response = self._post("common.db.login", params)
        if response.status_code == 401:
            raise self._unauthorized(f"it refuses the login {self._login!r} or its password")
        answer = self._result(response)
        if isinstance(answer, Fault):
            raise self._error(answer, "common.db.login")
        user, token = answer[:2]
        secret = base64.b64encode(f"{self._login}:{user}:{token}".encode()).decode()
        self._session = f"Session {secret}"

    def _post(self, method: str, params: tuple[Any, ...]) -> httpx.Response:
        self.calls[method] += 1
        headers = {"Content-Type": "application/json"}
        if self._session is not None:
            headers["Authorization"] = self._session
        response = send(
            self._http,
            "POST",
            f"/{self._database}/rpc/",
            connection=self._connection,
            content=envelope(next(self._numbers), method, params),
            headers=headers,
            also=(401, *_MENDS),
        )
        if response.status_code in _MENDS:
            mend = _MENDS[response.status_code].format(database=self._database)
            raise self._unauthorized(mend)
        return response

    def _result(self, response: httpx.Response) -> Any:
        try:
            return result(json_of(response, self._connection))
        except ValueError as error:
            raise UnavailableError(
                f"{self._connection} did not answer as Tryton does: {error}",
                connection=self._connection,
            ) from error

    def _unauthorized(self, what: str) -> UnauthorizedError:
        return UnauthorizedError(f"{self._connection}: {what}", connection=self._connection)

    def _error(self, fault: Fault, method: str) -> AccordError:
        what = f"{self._connection}, {method}: {fault.message}"
        match fault.kind:
            case "stale":
                return StaleVersionError(what, connection=self._connection)
            case "login":
                return self._unauthorized(f"it wants more than a password: {fault.message}")
            case "unknown":
                return UnsupportedError(
                    f"{self._connection} does not know {fault.message} in {method}; "
                    "activate the Tryton module that brings it"
                )
            case _:
                return RejectedError(what, body=fault.message)
