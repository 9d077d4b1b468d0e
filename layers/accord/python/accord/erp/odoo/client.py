"""Calls of one Odoo database; whatever it answers becomes a value or one of our errors."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal

import httpx

from accord.erp.odoo.transports import JSON_2_FROM, Json2, JsonRpc, Transport
from accord.erp.odoo.wire import Fault, Values, is_dialog, loaded
from accord.erp.unsent import nothing_made
from accord.errors import (
    AccordError,
    DisagreementError,
    RejectedError,
    TransientError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedError,
)

_CREDIT_LIMIT: Final = re.compile(r"credit limit", re.I)
_NO_EMAIL: Final = re.compile(r"configure the sender's email", re.I)


class Client:
    """One database and one user. ``calls`` counts what was asked, by model and method."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        connection: str,
        database: str,
        user: str,
        key: str,
        api: Literal["auto", "json-rpc", "json-2"] = "auto",
        language: str = "en_US",
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.connection = connection
        self._database = database
        self._key = key
        self._context: Values = {"lang": language}
        self._rpc = JsonRpc(http, connection=connection, database=database, user=user, key=key)
        self._json2 = Json2(http, connection=connection, database=database, key=key)
        self._transport: Transport | None = {
            "auto": None,
            "json-rpc": self._rpc,
            "json-2": self._json2,
        }[api]

    def work_for(self, company: int) -> None:
        """What is made from now on belongs to that company, whichever is its user's own."""
        self._context["allowed_company_ids"] = [company]

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None = None,
        *,
        context: Values | None = None,
        **named: Any,
    ) -> Any:
        """What ``method`` returned. ``ids`` are the records it is called on, None for none.

        Raises:
            UnauthorizedError: key, database or rights. UnavailableError: no usable answer.
            TransientError: someone wrote at that moment. RejectedError: Odoo refused.
            DisagreementError: the buyer's credit is used up. UnsupportedError: this server lacks
            the model, the field or the method. But for an UnavailableError that was ``sent``,
            nothing took effect.
        """
        answer = self._answer(model, method, ids, context, named)
        if isinstance(answer, Fault):
            raise self._error(answer, f"{model}.{method}")
        return answer

    def search_read(
        self,
        model: str,
        domain: list[Any],
        fields: Iterable[str],
        *,
        limit: int | None = None,
        order: str = "id",
        context: Values | None = None,
    ) -> list[Values]:
        """The rows of ``model``. Archived ones are hidden unless the domain names ``active``."""
        named: Values = {"domain": domain, "fields": list(fields), "order": order}
        if limit is not None:
            named["limit"] = limit
        rows: list[Values] = self.call(model, "search_read", context=context, **named)
        return rows

    def read(
        self,
        model: str,
        ids: Sequence[int],
        fields: Iterable[str],
        *,
        context: Values | None = None,
    ) -> list[Values]:
        """The records with those ids; those that are gone are left out."""
        rows: list[Values] = self.call(model, "read", ids, fields=list(fields), context=context)
        return rows

    def create(self, model: str, values: Values, *, context: Values | None = None) -> int:
        """The new record's id."""
        (id_,) = self.call(model, "create", vals_list=[values], context=context)
        return int(id_)

    def write(self, model: str, ids: Sequence[int], values: Values) -> None:
        self.call(model, "write", ids, vals=values)

    def load_once(self, model: str, fields: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
        """The id of the one record that ``rows`` make, or made before under their external id.

        What is there already is left as it is: Odoo updates nothing that was loaded with
        ``noupdate`` when it is asked in the mode ``update``.

        Source: recordings of ``load``; Odoo source 16 to 19, BaseModel.load and _load_records.
        """
        # A moment in a row is in the user's time zone, unless another one is named.
        context = {"mode": "update", "noupdate": True, "tz": "UTC", "tracking_disable": True}
        data = [list(row) for row in rows]
        answer = loaded(self.call(model, "load", context=context, fields=list(fields), data=data))
        if isinstance(answer, Fault):
            raise self._error(answer, f"{model}.load")
        return answer[0]

    def act(
        self, model: str, method: str, ids: Sequence[int], *, context: Values | None = None
    ) -> None:
        """Presses a button. Raises: also RejectedError: a window opened instead."""
        answer = self.call(model, method, ids, context=context)
        if is_dialog(answer):
            name = answer.get("name") or answer.get("res_model")
            raise RejectedError(
                f"{self.connection}, {model}.{method}: Odoo asks in a window ({name}) and has done "
                "nothing; do it there by hand",
                reason="asks",
                body=str(name),
            )

    # --- the wire -----------------------------------------------------------

    def _answer(
        self,
        model: str,
        method: str,
        ids: Sequence[int] | None,
        context: Values | None,
        named: Values,
    ) -> Any | Fault:
        transport = self._transport or self._chosen()
        if isinstance(transport, Fault):
            return transport
        self.calls[f"{model}.{method}"] += 1
        whole = {**named, "context": {**self._context, **(context or {})}}
        return transport.call(model, method, ids, whole)

    def _chosen(self) -> Transport | Fault:
        """By the server's release, which is asked for once."""
        with nothing_made():
            release = self._rpc.version()
        if isinstance(release, Fault):
            return release
        self._transport = self._json2 if release >= JSON_2_FROM else self._rpc
        return self._transport

    def _error(self, fault: Fault, method: str) -> AccordError:
        said = fault.message.replace(self._key, "[secret]") if self._key else fault.message
        what = f"{self.connection}, {method}: {said}"
        if fault.kind == "refused" and _CREDIT_LIMIT.search(said):
            return DisagreementError(
                f"{what}; raise the limit or collect what is owed, then replay",
                reason="credit_hold",
                owner="finance",
                body=said,
            )
        if _NO_EMAIL.search(said):
            return UnauthorizedError(
                f"{what} (give the user of the API key an e-mail address)",
                connection=self.connection,
            )
        match fault.kind:
            case "login":
                remedy = "check options.user and the API key, which may have expired"
                return UnauthorizedError(f"{what}; {remedy}", connection=self.connection)
            case "rights":
                error = UnauthorizedError(
                    f"{what}; give its user the rights", connection=self.connection
                )
                error.is_narrow = True
                return error
            case "unknown":
                return UnsupportedError(
                    f"{what}; install the Odoo app that brings it, or use a release from 16 to 19"
                )
            case "contention":
                return TransientError(what, connection=self.connection, reason="contention")
            case "away":
                if f'"{self._database}"' in said and "does not exist" in said:
                    return UnauthorizedError(
                        f"{self.connection}: there is no database {self._database!r}; mend "
                        "options.database",
                        connection=self.connection,
                    )
                return UnavailableError(what, sent=False, connection=self.connection)
            case "refused":
                return RejectedError(what, body=said)
