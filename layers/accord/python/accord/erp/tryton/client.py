"""Calls of one Tryton database, under a session that is renewed when it lapses."""

import base64
import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from accord.erp.tryton.wire import Fault, Values, envelope, result
from accord.erp.unsent import nothing_made
from accord.errors import (
    AccordError,
    DisagreementError,
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

_HARMLESS = {
    "invoice_date_future": "the day is our choice: the first that is open in the books",
    "invoice_payment_term": "a late credit note is due in the past; nobody is reminded of it",
    "invoice_taxes": "taxes are those that the store charged, not those of the product today",
}
"""Warnings that are clicked away for the user, by Tryton's name, and why. Others are refusals.

Source: trytond 8.2, module account_invoice (invoice.py: post, get_move, _check_taxes).
"""
_CREDIT_LIMIT = ("credit_limit", "credit limit")
"""In the warning's name, and in the message for a user who may not go past the limit.

Source: trytond, module account_credit_limit (party.py: check_credit_limit; message.xml). Calls are
in English, so the message is too.
"""


class Client:
    """One database and one user. ``calls`` counts what was sent, by method.

    ``confirms_all``: every warning is clicked away, as by a person; else the harmless ones alone.

    Logs in before its first call. A session lapses after days, and its password's change ends it:
    Tryton then answers 401 before it has done anything, so the call is sent once more.
    """

    def __init__(
        self,
        http: httpx.Client,
        *,
        connection: str,
        database: str,
        login: str,
        password: str,
        confirms_all: bool = False,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self._http = http
        self._connection = connection
        self._database = database
        self._login = login
        self._password = password
        self._confirms_all = confirms_all
        self._session: str | None = None
        self._numbers = itertools.count(1)

    def call(self, method: str, *args: Any, context: Values) -> Any:
        """What ``method`` returned for ``args``.

        A warning that is known to be harmless is confirmed, and the call repeated.

        Raises:
            UnauthorizedError: login, password, database or rights. StaleVersionError: someone wrote
            in between. UnavailableError: no usable answer. RejectedError: Tryton refused, or warns
            of what a person must weigh. DisagreementError: the buyer's credit is used up.
            UnsupportedError: this server lacks the model, the field or the method.
        """
        confirmed: set[str] = set()
        while True:
            answer = self._send(method, (*args, context))
            if not isinstance(answer, Fault):
                return answer
            if answer.name in confirmed or not self._clicks_away(answer):
                raise self._error(answer, method)
            confirmed.add(answer.name)
            skip = self._send("model.res.user.warning.skip", (answer.name, False, context))
            if isinstance(skip, Fault):
                raise self._error(skip, method)

    def _clicks_away(self, fault: Fault) -> bool:
        """A warning's name is a digest of the records, a dot and what it is about."""
        if fault.kind != "warning":
            return False
        return self._confirms_all or fault.name.rpartition(".")[2] in _HARMLESS

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
            error = self._unauthorized(f"it refuses the login {self._login!r} or its password")
            error.is_login = True
            raise error
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
            secrets=(self._password,),
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
        if any(each in f"{fault.name} {fault.message}".lower() for each in _CREDIT_LIMIT):
            return DisagreementError(
                f"{what}; raise the limit or collect what is owed, then replay",
                reason="credit_hold",
                owner="finance",
                body=fault.message,
            )
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
            case "warning":
                return RejectedError(
                    f"{what} (a warning, {fault.name}: a person must confirm it in Tryton)",
                    body=fault.message,
                )
            case "refused":
                return RejectedError(what, body=fault.message)


def search(
    call: Callable[..., Any],
    model: str,
    domain: list[Any],
    fields: Iterable[str],
    *,
    limit: int | None = None,
    order: list[list[str]] | None = None,
    **context: Any,
) -> list[Values]:
    """The rows of ``model``. Archived records and parts are hidden without ``active_test=False``.

    ``call`` is ``Client.call``, or what adds a context to it.
    """
    rows: list[Values] = call(
        f"model.{model}.search_read", domain, 0, limit, order, list(fields), **context
    )
    return rows
