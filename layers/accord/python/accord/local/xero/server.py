"""The wire of a Xero organisation over what it holds: who may call, how often, and once only.

Stands behind ``httpx.MockTransport`` (it is a callable) or, as a WSGI application, at an address.
"""

import datetime as dt
import hashlib
import json
import threading
import urllib.parse
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

import httpx

from accord.local.xero.api import Api, Asked, envelope
from accord.local.xero.books import Books
from accord.local.xero.faults import (
    XeroError,
    bad_request,
    body_of,
    forbidden,
    in_xml,
    not_found,
    too_many,
    unauthorised,
)
from accord.local.xero.hands import Hands
from accord.local.xero.identity import FakeIdentity
from accord.local.xero.limits import Limits
from accord.ports.tokens import Tenant

TENANT: Final = "b3f7f2f6-7f4e-4a5e-9c1e-2a9f4c1d0e55"
TOKEN: Final = "an-access-token"
SCOPES: Final = frozenset(
    f"accounting.{name}" for name in ("invoices", "payments", "contacts", "settings")
)
DESK: Final = "/_desk"
_ROOT: Final = "/api.xro/2.0/"
_SCOPE_OF: Final = {
    "Invoices": "invoices",
    "CreditNotes": "invoices",
    "Payments": "payments",
    "Contacts": "contacts",
}
_WORDS: Final = frozenset({"pdf", "OnlineInvoice", "History", "Allocations"})


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class FakeXero:
    """One organisation behind the Accounting API.

    ``hook`` is told of every call before it is done, as ``PUT Invoices``, and may answer in its
    place with a response, or raise; ``after``, when it was done, and may throw its answer away.
    ``retention`` is how long an Idempotency-Key is kept: Xero's own is not known, nor whether it
    ``keeps_refusals`` as well. ``identity`` is its sign-in, at the same address; whoever has a
    token of it is let in, besides ``token``.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], dt.datetime] = _now,
        tenant: str = TENANT,
        token: str = TOKEN,
        limits: Limits | None = None,
        administrator: str = "",
    ) -> None:
        """``administrator`` is what the desk is opened with over HTTP; without one it is shut."""
        self.clock = clock
        self.tenant = tenant
        self.tokens = {token}
        self.expired: set[str] = set()
        self.scopes = SCOPES
        self.identity = FakeIdentity(tenants=(Tenant(tenant, "Demo Shop"),), clock=clock)
        self.limits = limits or Limits()
        self.retention = dt.timedelta(minutes=5)
        self.keeps_refusals = False
        self.books = Books(clock)
        self.api = Api(self.books)
        self.calls: Counter[str] = Counter()
        self.hook: Callable[[str], httpx.Response | None] = lambda _: None
        self.after: Callable[[str], httpx.Response | None] = lambda _: None
        self._hands = Hands(self.books)
        self._administrator = administrator
        self._kept: dict[str, tuple[dt.datetime, str, httpx.Response]] = {}
        self._turn = threading.Lock()  # one call at a time, as rows are plain dictionaries

    # --- what people do ----------------------------------------------------------

    def do(self, hand: str, /, **given: Any) -> Any:
        """What a person does there, see ``Hands``; ``renew`` and ``consent`` too.

        Raises: ValueError: refused.
        """
        if hand == "renew":
            return self.renew(**given)
        if hand == "consent":  # without a browser
            return self.identity.grant()
        with self._turn:
            return self._hands.do(hand, given)

    def renew(self, token: str) -> None:
        """From now on ``token`` is let in; those before are expired."""
        self.expired |= self.tokens
        self.tokens = {token}

    # --- the wire ----------------------------------------------------------------

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = request.url.query.decode()
        return self.answer(request.method, request.url.path, query, headers, request.read())

    def wsgi(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The same as a WSGI application."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        path = environ.get("PATH_INFO", "").encode("latin-1").decode(errors="replace")
        query = environ.get("QUERY_STRING", "")
        response = self.answer(environ["REQUEST_METHOD"], path, query, headers, body)
        data = response.content
        kept = [
            (name, value) for name, value in response.headers.items() if name != "content-length"
        ]
        start_response(
            f"{response.status_code} {response.reason_phrase}",
            [*kept, ("Content-Length", str(len(data)))],
        )
        return [data]

    def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        """Counted, let in and done. ``headers`` are named in lower case."""
        if path == DESK:
            return self._at_the_desk(headers, body)
        _, _, shown = headers.get("authorization", "").partition(" ")
        if self.identity.serves(path) and shown not in self.tokens | self.expired:
            return self.identity.answer(method, path, query, headers, body)
        if path == "/connections" and method == "GET":
            return self._connections(headers)
        if not path.startswith(_ROOT):
            return not_found()
        parts = tuple(urllib.parse.unquote(each) for each in path.removeprefix(_ROOT).split("/"))
        now = self.books.now
        reached = self.limits.enter(now)
        if reached is not None:
            return too_many(*reached, self.limits.headers(now))
        try:
            response = self._counted(method, parts, query, headers, body)
        finally:
            self.limits.leave()
        for name, value in self.limits.headers(now).items():
            response.headers.setdefault(name, value)
        return response

    def _counted(
        self,
        method: str,
        parts: tuple[str, ...],
        query: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> httpx.Response:
        call = f"{method} {_named(parts)}"
        with self._turn:
            self.calls[call] += 1
        instead = self.hook(call)
        if instead is not None:
            return _planned(instead)
        refused = self._refused(parts[0], headers)
        if refused is not None:
            return refused
        asked = Asked(method, parts, dict(urllib.parse.parse_qsl(query, True)), headers, body)
        with self._turn:
            response = self._once(asked, query)
        instead = self.after(call)
        return response if instead is None else _planned(instead)

    def _refused(self, resource: str, headers: Mapping[str, str]) -> httpx.Response | None:
        """Who is not let in, and why."""
        refused = self._unknown(headers)
        if refused is not None:
            return refused
        if headers.get("xero-tenant-id") != self.tenant:
            return forbidden()
        if f"accounting.{_SCOPE_OF.get(resource, 'settings')}" not in self.scopes:
            return unauthorised("AuthorizationUnsuccessful")
        return None

    def _unknown(self, headers: Mapping[str, str]) -> httpx.Response | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        is_given = token in self.tokens or self.identity.accepts(token, self.tenant)
        if scheme.lower() == "bearer" and is_given:
            return None
        if token in self.expired or self.identity.has_expired(token):
            at = self.books.now.strftime("%m/%d/%Y %H:%M:%S")
            return unauthorised(f"TokenExpired: token expired at {at}")
        return unauthorised("AuthenticationUnsuccessful")

    def _once(self, asked: Asked, query: str) -> httpx.Response:
        """A repeated Idempotency-Key is answered as the first time, while it is kept.

        The same key with other content is refused (unverified).
        """
        key = asked.headers.get("idempotency-key")
        if key is None or asked.method == "GET":
            return self._done(asked)
        if len(key) > 128:
            return bad_request("Idempotency key must not be more than 128 characters").response
        content = b"\n".join(
            (asked.method.encode(), "/".join(asked.path).encode(), query.encode(), asked.body)
        )
        print_ = hashlib.sha256(content).hexdigest()
        now = self.books.now
        self._kept = {
            name: each for name, each in self._kept.items() if now - each[0] < self.retention
        }
        kept = self._kept.get(key)
        if kept is not None:
            if kept[1] != print_:
                return bad_request("Idempotency key was used with a different request").response
            return _copy(kept[2])
        response = self._done(asked)
        if response.status_code == 200 or self.keeps_refusals:
            self._kept[key] = (now, print_, _copy(response))
        return response

    def _done(self, asked: Asked) -> httpx.Response:
        try:
            found = self.api.answer(asked)
        except XeroError as error:
            return error.response
        if isinstance(found, httpx.Response):
            return found
        if "json" not in asked.headers.get("accept", ""):
            return in_xml()
        whole = found if asked.method == "DELETE" else envelope(found, self.books.now)
        return httpx.Response(200, json=whole)

    # --- beside the accounts -------------------------------------------------------

    def _connections(self, headers: Mapping[str, str]) -> httpx.Response:
        """Which organisations the token may speak to."""
        self.calls["GET connections"] += 1
        refused = self._unknown(headers)
        if refused is not None:
            return refused
        found = {
            "id": "e1eede29-f875-4a5d-8470-17f6a29a88b1",
            "authEventId": "d99ecdfe-391d-43d2-b834-17636ba90e8d",
            "tenantId": self.tenant,
            "tenantType": "ORGANISATION",
            "tenantName": self.books.organisation.get("Name", ""),
            "createdDateUtc": "2026-01-05T10:00:00.0000000",
            "updatedDateUtc": "2026-01-05T10:00:00.0000000",
        }
        return httpx.Response(200, json=[found])

    def _at_the_desk(self, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        """``{"hand": …, "given": {…}}`` of whoever has the administrator's key."""
        if not self._administrator or headers.get("x-administrator") != self._administrator:
            return not_found()
        asked = body_of(body)
        try:
            found = self.do(asked["hand"], **asked["given"])
        except ValueError as error:
            return httpx.Response(422, json={"message": str(error)})
        return httpx.Response(200, content=json.dumps({"result": found}))


def _named(parts: tuple[str, ...]) -> str:
    """The resource, or what is asked of one of it: Allocations, pdf, History."""
    return parts[2] if len(parts) > 2 and parts[2] in _WORDS else parts[0]


def _planned(response: httpx.Response) -> httpx.Response:
    """Marked as what a test made up: it need not be as Xero describes its answers."""
    response.extensions["planned"] = True
    return response


def _copy(response: httpx.Response) -> httpx.Response:
    kind = response.headers["content-type"]
    return httpx.Response(
        response.status_code, content=response.content, headers={"Content-Type": kind}
    )
