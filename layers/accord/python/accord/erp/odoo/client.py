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
    UnmappedError,
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
        company: str | None = None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.connection = connection
        self._database = database
        self._key = key
        # What Odoo refuses, it says in English, or nobody knows what it was.
        self._context: Values = {"lang": "en_US"}
        self.in_words: Values = {"lang": language}
        self._company_name = company
        self._company: int | None = None
        self._rpc = JsonRpc(http, connection=connection, database=database, user=user, key=key)
        self._json2 = Json2(http, self._rpc, connection=connection, database=database, key=key)
        self._transport: Transport | None = {
            "auto": None,
            "json-rpc": self._rpc,
            "json-2": self._json2,
        }[api]

    def company(self) -> int | None:
        """The company that is worked for, whichever is its user's own; None where none is named.

        Asked once, before whatever is asked first. Raises: UnmappedError: there is none, or two.
        """
        name = self._company_name
        if name is None or self._company is not None:
            return self._company
        with nothing_made():
            named: Values = {"domain": [["name", "=", name]], "fields": ["name"], "limit": 2}
            rows = self._answer("res.company", "search_read", None, {**named, "context": {}})
            if isinstance(rows, Fault):
                raise self._error(rows, "res.company.search_read")
        if len(rows) != 1:
            count = "none" if not rows else "more than one"
            raise UnmappedError(
                f"{self.connection} does not hold company:{name}: its user sees {count} of that; "
                "mend options.company",
                connection=self.connection,
                causes=(f"company:{name}",),
            )
        self._company = int(rows[0]["id"])
        return self._company

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
        company = self.company()
        of_company = {} if company is None else {"allowed_company_ids": [company]}
        whole = {**named, "context": {**self._context, **of_company, **(context or {})}}
        answer = self._answer(model, method, ids, whole)
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
        words = {**self.in_words, **(context or {})}
        rows: list[Values] = self.call(model, "search_read", context=words, **named)
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
        words = {**self.in_words, **(context or {})}
        rows: list[Values] = self.call(model, "read", ids, fields=list(fields), context=words)
        return rows

    def create(self, model: str, values: Values, *, context: Values | None = None) -> int:
        """The new record's id."""
        (id_,) = self.call(model, "create", vals_list=[values], context=context)
        return int(id_)

    def write(
        self, model: str, ids: Sequence[int], values: Values, *, context: Values | None = None
    ) -> None:
        self.call(model, "write", ids, context=context, vals=values)

    def load_once(
        self,
        model: str,
        fields: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        context: Values | None = None,
    ) -> int:
        """The id of the one record that ``rows`` make, or made before under their external id.

        What is there already is left as it is: Odoo updates nothing that was loaded with
        ``noupdate`` when it is asked in the mode ``update``. Whoever loses a race is refused in
        words that depend on the database's language, so a refusal that is not understood is held
        against what stands under the external id by now.

        Source: recordings of ``load``; Odoo source 16 to 19, BaseModel.load and _load_records.
        """
        # A moment in a row is in the user's time zone, unless another one is named.
        mode: Values = {"mode": "update", "noupdate": True, "tz": "UTC", "tracking_disable": True}
        data = [list(row) for row in rows]
        answer = loaded(
            self.call(
                model, "load", context={**mode, **(context or {})}, fields=list(fields), data=data
            )
        )
        if not isinstance(answer, Fault):
            return answer[0]
        if answer.kind == "refused" and (found := self._loaded(model, rows[0][0])) is not None:
            return found
        raise self._error(answer, f"{model}.load")

    def _loaded(self, model: str, external: str) -> int | None:
        """The record that bears that external id; None also where its user may not look."""
        module, _, name = external.partition(".")
        domain = [["module", "=", module], ["name", "=", name], ["model", "=", model]]
        try:
            rows = self.search_read("ir.model.data", domain, ["res_id"], limit=1)
            there = self.read(model, [rows[0]["res_id"]], ["id"]) if rows else []
        except (UnauthorizedError, RejectedError):
            return None
        return int(there[0]["id"]) if there else None

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
        named: Values,
    ) -> Any | Fault:
        transport = self._transport or self._chosen()
        if isinstance(transport, Fault):
            return transport
        self.calls[f"{model}.{method}"] += 1
        return transport.call(model, method, ids, named)

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
            case "login" | "session":
                remedy = "check options.user and the API key, which may have expired"
                refused = UnauthorizedError(f"{what}; {remedy}", connection=self.connection)
                refused.is_login = fault.kind == "login"
                return refused
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
