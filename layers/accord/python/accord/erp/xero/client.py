"""Calls of one Xero organisation; whatever it answers becomes a value or one of our errors.

Source: Xero OpenAPI 16.1.0; developer.xero.com, "OAuth 2.0 API limits", "Idempotent requests".
"""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Final

import httpx

from accord.erp.unsent import nothing_made
from accord.erp.xero.refusals import refusal
from accord.erp.xero.wire import Json, Values, dumped, refused, said, text
from accord.errors import (
    AccordError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.http import Params, body_of, error_of, json_of, retry_after, send
from accord.ports.tokens import Access, AccessTokens

_ROOT: Final = "/api.xro/2.0"
_PAGE: Final = 100
_TOLD: Final = (304, 400, 401, 403, 404, 409, 429)
"""Statuses that say more here than anywhere."""
_EXPIRED: Final = "TokenExpired"
_TOO_LITTLE: Final = "AuthorizationUnsuccessful"
"""The token is good, and not for this."""
_REST_S: Final[Mapping[str, float]] = {"concurrent": 2, "minute": 60, "appminute": 60, "day": 3600}
"""Seconds to leave it alone, by what is used up, where it does not say for how long."""


class Client:
    """One organisation. ``calls`` counts what was sent, by method and resource: ``PUT Invoices``.

    Paths are those behind ``/api.xro/2.0/``; whoever puts a text of others into one quotes it.
    Numbers with a point are Decimals, both ways.
    """

    def __init__(
        self,
        http: httpx.Client,
        *,
        connection: str,
        tokens: AccessTokens,
        tenant: str | None = None,
    ) -> None:
        self.calls: Counter[str] = Counter()
        self.connection = connection
        self._http = http
        self._tokens = tokens
        self._tenant = tenant

    def get(
        self, path: str, *, params: Params | None = None, since: dt.datetime | None = None
    ) -> Values:
        """The answer; empty where there is no such thing. ``since``: only what changed later.

        Raises:
            UnauthorizedError: token, organisation or rights. UnavailableError: no usable answer.
            RateLimitedError: a limit of calls. RejectedError: it cannot be asked so.
        """
        headers = {} if since is None else {"If-Modified-Since": said(since)}
        response = self._send("GET", path, params=params, headers=headers)
        if response.status_code == 404 and "/" not in path:  # a list is there, be it empty
            raise self._nobody()
        if response.status_code in {304, 404}:
            return {}
        return self._values(response)

    def pages(
        self,
        path: str,
        container: str,
        *,
        params: Params | None = None,
        since: dt.datetime | None = None,
        limit: int | None = None,
        size: int = _PAGE,
    ) -> list[Values]:
        """The elements of ``container``, page by page until one is not full; ``limit`` at most."""
        found: list[Values] = []
        while limit is None or len(found) < limit:
            number = len(found) // size + 1
            whole = {**(params or {}), "page": number, "pageSize": size}
            rows: list[Values] = self.get(path, params=whole, since=since).get(container) or []
            found += rows
            if len(rows) < size:
                break
        return found if limit is None else found[:limit]

    def put(self, path: str, body: Json, *, key: str, params: Params | None = None) -> Values:
        """The answer to what makes something. Asked again with ``key``, it answers as before.

        Raises:
            as ``get``; also DuplicateError: there is one. UnmappedError: a code is not held.
            PeriodLockedError: the books are. But for an UnavailableError that was ``sent``,
            nothing took effect.
        """
        return self._write("PUT", path, body, key, params)

    def post(self, path: str, body: Json, *, key: str, params: Params | None = None) -> Values:
        """The answer to what changes something. Raises: as ``put``."""
        return self._write("POST", path, body, key, params)

    def pdf(self, path: str) -> bytes:
        """The printed document; empty where there is none. Raises: as ``get``."""
        response = self._send("GET", path, headers={"Accept": "application/pdf"})
        if response.status_code == 404:
            return b""
        if not response.content.startswith(b"%PDF"):
            kind = response.headers.get("Content-Type", "no type")
            raise UnavailableError(
                f"{self.connection}'s answer to GET {path} is no PDF ({kind})",
                connection=self.connection,
            )
        return response.content

    def _write(self, method: str, path: str, body: Json, key: str, params: Params | None) -> Values:
        content = dumped(body)
        # A key with another content would be refused, or worse, answered.
        whole = b"\n".join((f"{method} {path}".encode(), key.encode(), content))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": hashlib.sha256(whole).hexdigest(),
        }
        response = self._send(method, path, content=content, params=params, headers=headers)
        if response.status_code == 404:
            raise RejectedError(f"{self.connection}: {path} is not in Xero", body=body_of(response))
        answer = self._values(response)
        if wrong := refused(answer):
            raise refusal(self.connection, f"{method} {path}", wrong)
        return answer

    # --- the wire -----------------------------------------------------------

    def _send(
        self,
        method: str,
        path: str,
        *,
        content: bytes | None = None,
        params: Params | None = None,
        headers: Mapping[str, str],
    ) -> httpx.Response:
        """The answer, if it is one: 2xx, 304 or 404."""

        def once(access: Access) -> httpx.Response:
            self.calls[f"{method} {_resource(path)}"] += 1
            signed = {
                "Accept": "application/json",
                "Authorization": f"Bearer {access.token}",
                "xero-tenant-id": self._tenant or access.tenant,
                **headers,
            }
            return send(
                self._http,
                method,
                f"{_ROOT}/{path}",
                connection=self.connection,
                content=content,
                params=params,
                headers=signed,
                also=_TOLD,
            )

        with nothing_made():
            access = self._tokens.access()
        response = once(access)
        if response.status_code == 401 and _EXPIRED in response.text:
            with nothing_made():
                access = self._tokens.renewed(access)
            response = once(access)
        elif response.status_code in {401, 403}:
            with nothing_made():
                consented = self._tokens.another(access)  # by somebody, since we looked
            if consented is not None:
                response = once(consented)
        if response.status_code in _TOLD and response.status_code not in {304, 404}:
            raise self._error(response, f"{method} {path}")
        return response

    def _values(self, response: httpx.Response) -> Values:
        answer = json_of(response, self.connection, exact=True)
        if not isinstance(answer, dict):
            raise UnavailableError(
                f"{self.connection} did not answer {response.request.url.path} as Xero does",
                connection=self.connection,
            )
        return answer

    def _error(self, response: httpx.Response, what: str) -> AccordError:
        match response.status_code:
            case 401 | 403:
                return self._unauthorized(response, what)
            case 409:  # a repetition, while the first is still being worked on
                return UnavailableError(
                    f"{self.connection} is still working on {what}", connection=self.connection
                )
            case 429:
                used_up = response.headers.get("X-Rate-Limit-Problem", "").strip().lower()
                seconds = retry_after(response)
                return RateLimitedError(
                    f"{self.connection}: no more calls for now ({used_up or 'no reason given'})",
                    retry_after=_REST_S.get(used_up) if seconds is None else seconds,
                    connection=self.connection,
                )
        told = self._told(response)
        messages = refused(told) or tuple(
            filter(None, (text(told.get(name)) for name in ("Message", "Detail", "Title")))
        )
        if messages:
            return refusal(self.connection, what, messages[:20])
        error = error_of(response, connection=self.connection)
        return error or UnavailableError(f"{self.connection} answered nothing to {what}")

    def _unauthorized(self, response: httpx.Response, what: str) -> UnauthorizedError:
        told = self._told(response)
        detail = text(told.get("Detail") or told.get("Title")) or f"status {response.status_code}"
        is_login = response.status_code == 401 and _TOO_LITTLE not in detail
        if is_login:
            remedy = "connect it again with `accord connect`"
        else:
            remedy = (
                "its organisation was disconnected, or what was consented to is too little; "
                "check options.tenant and connect it again with `accord connect`"
            )
        error = UnauthorizedError(
            f"{self.connection}, {what}: {detail}; {remedy}", connection=self.connection
        )
        error.is_login = is_login
        return error

    def _told(self, response: httpx.Response) -> Values:
        try:
            told = json_of(response, self.connection)
        except (UnavailableError, RejectedError):
            return {}
        return told if isinstance(told, dict) else {}

    def _nobody(self) -> UnauthorizedError:
        return UnauthorizedError(
            f"{self.connection}: no Xero answers there; mend url", connection=self.connection
        )


def _resource(path: str) -> str:
    """What a path is about: ``Invoices`` of ``Invoices/{id}``, ``Allocations`` behind one."""
    parts = path.split("/")
    return parts[2] if len(parts) > 2 else parts[0]
