"""Xero's sign-in on this machine: a consent page, codes, tokens that rotate, organisations.

A refresh token is good for one use, for the app that it was given to, and for its grace afterwards,
as answers get lost. Meaner than it must be: used within the grace, it makes void what it had given
the first time. An access token opens, and /connections lists, all that its person ever consented
to; each organisation bears the event of its latest consent, which the token names too. Stands
behind ``httpx.MockTransport`` (it is a callable), or within a server, which asks ``serves`` first.

Source: developer.xero.com, "The standard authorization code flow", "Token types" and "Token
expiry"; RFC 6749; RFC 7636; Xero-OpenAPI 16.1.0, xero-identity.yaml.
"""

import base64
import binascii
import datetime as dt
import hmac
import html
import json
import secrets
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlencode

import httpx

from accord.oauth import challenge
from accord.ports.tokens import Tenant

AUTHORIZE: Final = "/identity/connect/authorize"
TOKEN: Final = "/connect/token"
CONNECTIONS: Final = "/connections"

CLIENT_ID: Final = "local-client"
CLIENT_SECRET: Final = "local-client-secret"

ACCESS_LASTS: Final = dt.timedelta(minutes=30)
REFRESH_LASTS: Final = dt.timedelta(days=60)  # while nobody uses it
GRACE: Final = dt.timedelta(minutes=30)
_CODE_LASTS: Final = dt.timedelta(minutes=5)


@dataclass(slots=True)
class _Consent:
    """One consent and what was given for it, newest first."""

    tenants: tuple[Tenant, ...]
    scope: str
    at: dt.datetime
    event: str
    client_id: str
    refresh: str = ""
    refresh_at: dt.datetime | None = None
    spent: str = ""
    spent_at: dt.datetime | None = None
    access: dict[str, dt.datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request at the consent page: what the code may be exchanged with."""

    redirect: str
    challenge: str
    scope: str
    tenants: tuple[Tenant, ...]
    at: dt.datetime
    client_id: str


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class FakeIdentity:
    """One app, and the organisations that its person may choose from.

    ``hook`` is told of every call before it is done (``authorize``, ``exchange``, ``renew``,
    ``connections``), and may answer in its place, or raise; ``after``, when it was done, and may
    throw its answer away. ``redirects``: where it may lead back to; anywhere without. ``opaque``:
    the access tokens are no JWTs.
    """

    def __init__(
        self,
        *,
        client_id: str = CLIENT_ID,
        client_secret: str = CLIENT_SECRET,
        tenants: Sequence[Tenant] = (Tenant("45e4708e-d862-4111-ab3a-dd8cd03913e1", "Demo Shop"),),
        redirects: Sequence[str] = (),
        clock: Callable[[], dt.datetime] = _now,
    ) -> None:
        self.client_id = client_id
        self.client_secret = client_secret
        self.tenants = tuple(tenants)
        self.redirects = tuple(redirects)
        self.opaque = False
        self.calls: Counter[str] = Counter()
        self.hook: Callable[[str], httpx.Response | None] = lambda _: None
        self.after: Callable[[str], httpx.Response | None] = lambda _: None
        self._clock = clock
        self._codes: dict[str, _Asked] = {}
        self._consents: list[_Consent] = []
        self._turn = threading.Lock()

    # --- for tests and for the stand-in beside it -------------------------------

    def accepts(self, token: str, tenant: str = "") -> bool:
        """Whether ``token`` opens the organisation ``tenant`` now; any, without one."""
        if self._holder(token) is None:
            return False
        return not tenant or tenant in {t.id for each in self._consents for t in each.tenants}

    def has_expired(self, token: str) -> bool:
        """Whether ``token`` was given once, and is not accepted any more for its age."""
        now = self._clock()
        return any(consent.access.get(token, now) < now for consent in self._consents)

    def grant(self, tenants: Sequence[Tenant] = ()) -> dict[str, object]:
        """The token answer of a new consent, given without a browser."""
        chosen = tuple(tenants) or self.tenants
        asked = _Asked("", "", "offline_access", chosen, self._clock(), self.client_id)
        with self._turn:
            return self._given(self._consented(asked))

    def withdraw(self) -> None:
        """The person takes back every consent."""
        self._consents.clear()

    def expire(self) -> None:
        """No access token is accepted any more; refresh tokens are."""
        past = self._clock() - dt.timedelta(seconds=1)
        for consent in self._consents:
            consent.access = dict.fromkeys(consent.access, past)

    def decide(self, url: str, *, allow: bool = True, tenants: Sequence[Tenant] = ()) -> str:
        """Where the consent page at ``url`` leads the browser when its person has decided."""
        query = dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))
        answer = self._decided(query, allow=allow, tenants=tuple(tenants) or self.tenants)
        return answer.headers["location"]

    # --- the wire ---------------------------------------------------------------

    def serves(self, path: str) -> bool:
        """Whether it answers at ``path``."""
        return path in (AUTHORIZE, TOKEN, CONNECTIONS)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = request.url.query.decode("ascii")
        return self.answer(request.method, request.url.path, query, headers, request.read())

    def answer(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> httpx.Response:
        """The answer. ``headers`` are in lower case."""
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        asked = dict(parse_qsl(query, keep_blank_values=True))
        match method, path:
            case "GET", _ if path == AUTHORIZE:
                return self._told("authorize", lambda: self._page(asked))
            case "POST", _ if path == AUTHORIZE:
                chosen = [t for t in self.tenants if t.id == form.get("tenant")]
                allow = form.pop("decision", "") == "allow"
                return self._decided(form, allow=allow, tenants=tuple(chosen) or self.tenants)
            case "POST", _ if path == TOKEN:
                kind = {"refresh_token": "renew"}.get(form.get("grant_type", ""), "exchange")
                return self._told(kind, lambda: self._token(headers, form))
            case "GET", _ if path == CONNECTIONS:
                return self._told("connections", lambda: self._connections(headers))
            case _:
                return httpx.Response(404 if not self.serves(path) else 405)

    def _told(self, what: str, work: Callable[[], httpx.Response]) -> httpx.Response:
        with self._turn:
            self.calls[what] += 1
        if (instead := self.hook(what)) is not None:
            return instead
        with self._turn:
            answer = work()
        if (instead := self.after(what)) is not None:
            return instead
        return answer

    # --- the consent page ---------------------------------------------------------

    def _page(self, query: Mapping[str, str]) -> httpx.Response:
        if problem := self._problem(query):
            return httpx.Response(400, html=f"<h1>Sorry</h1><p>{html.escape(problem)}</p>")
        hidden = "".join(
            f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
            for name, value in query.items()
        )
        choices = "".join(
            f'<option value="{html.escape(tenant.id)}">{html.escape(tenant.name)}</option>'
            for tenant in self.tenants
        )
        page = (
            '<!doctype html><html lang="en"><title>Sign-in of this machine</title>'
            "<h1>Allow access to your organisation?</h1>"
            f"<p>The app asks for: {html.escape(query.get('scope', ''))}</p>"
            f'<form method="post" action="{AUTHORIZE}">{hidden}'
            f'<p><label>Organisation <select name="tenant">{choices}</select></label></p>'
            '<button name="decision" value="allow">Allow access</button> '
            '<button name="decision" value="deny">Cancel</button></form></html>'
        )
        return httpx.Response(200, html=page)

    def _problem(self, query: Mapping[str, str]) -> str:
        """Why nobody is led back: the app or its address is not known."""
        if query.get("client_id") != self.client_id:
            return "unauthorized_client: unknown client_id"
        redirect = query.get("redirect_uri", "")
        if not redirect or (self.redirects and redirect not in self.redirects):
            return "unauthorized_client: invalid redirect_uri"
        return ""

    def _decided(
        self, query: Mapping[str, str], *, allow: bool, tenants: tuple[Tenant, ...]
    ) -> httpx.Response:
        if problem := self._problem(query):
            return httpx.Response(400, text=problem)
        back = {"state": query.get("state", "")}
        plain = query.get("response_type") == "code"
        proved = not query.get("code_challenge") or query.get("code_challenge_method") == "S256"
        if not plain or not proved or not query.get("scope"):
            back["error"] = "invalid_request"
        elif not allow:
            back["error"] = "access_denied"
        else:
            back["code"] = secrets.token_urlsafe(32)
            self._codes[back["code"]] = _Asked(
                query["redirect_uri"],
                query.get("code_challenge", ""),
                query["scope"],
                tenants,
                self._clock(),
                self.client_id,
            )
        return httpx.Response(
            302, headers={"location": f"{query['redirect_uri']}?{urlencode(back)}"}
        )

    # --- the token endpoint -------------------------------------------------------

    def _token(self, headers: Mapping[str, str], form: Mapping[str, str]) -> httpx.Response:
        if not self._is_app(headers.get("authorization", "")):
            return _refused("invalid_client", 401)
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchanged(form)
            case "refresh_token":
                return self._renewed(form.get("refresh_token", ""))
            case _:
                return _refused("unsupported_grant_type")

    def _exchanged(self, form: Mapping[str, str]) -> httpx.Response:
        asked = self._codes.pop(form.get("code", ""), None)
        if asked is None or self._clock() > asked.at + _CODE_LASTS:
            return _refused("invalid_grant")
        if asked.client_id != self.client_id:
            return _refused("invalid_grant")
        verifier = form.get("code_verifier", "")
        if asked.challenge and challenge(verifier) != asked.challenge:
            return _refused("invalid_grant")
        if form.get("redirect_uri") != asked.redirect:
            return _refused("invalid_grant")
        return httpx.Response(200, json=self._given(self._consented(asked)))

    def _consented(self, asked: _Asked) -> _Consent:
        consent = _Consent(
            asked.tenants, asked.scope, self._clock(), str(uuid.uuid4()), asked.client_id
        )
        self._consents.append(consent)
        return consent

    def _renewed(self, refresh: str) -> httpx.Response:
        now = self._clock()
        for consent in self._consents:
            if consent.client_id != self.client_id:
                continue
            if refresh and refresh == consent.refresh:
                if now >= (consent.refresh_at or now) + REFRESH_LASTS:
                    break
                consent.spent, consent.spent_at = refresh, now
                return httpx.Response(200, json=self._given(consent))
            if refresh and refresh == consent.spent:
                if consent.spent_at is None or now >= consent.spent_at + GRACE:
                    break
                return httpx.Response(200, json=self._given(consent))
        return _refused("invalid_grant")

    def _given(self, consent: _Consent) -> dict[str, object]:
        """A new pair; the refresh token before it, if it was not used, is void."""
        now = self._clock()
        access = self._access(consent, now)
        consent.access[access] = now + ACCESS_LASTS
        answer: dict[str, object] = {
            "access_token": access,
            "expires_in": int(ACCESS_LASTS.total_seconds()),
            "token_type": "Bearer",
            "scope": consent.scope,
        }
        if "offline_access" in consent.scope.split():
            consent.refresh, consent.refresh_at = f"rt-{secrets.token_urlsafe(32)}", now
            answer["refresh_token"] = consent.refresh
        return answer

    def _access(self, consent: _Consent, now: dt.datetime) -> str:
        """A JWT with the claims that the guide shows, as far as they are of use here."""
        noise = secrets.token_urlsafe(342)
        if self.opaque:
            return f"at-{noise}"
        claims = {
            "nbf": int(now.timestamp()),
            "exp": int((now + ACCESS_LASTS).timestamp()),
            "iss": "https://identity.xero.com",
            "client_id": consent.client_id,
            "jti": secrets.token_hex(16),
            "authentication_event_id": consent.event,
            "scope": consent.scope.split(),
        }
        return f"{_encoded({'alg': 'RS256', 'typ': 'JWT'})}.{_encoded(claims)}.{noise}"

    def _is_app(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        try:
            pair = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            return False
        wanted = f"{self.client_id}:{self.client_secret}".encode()
        return scheme == "Basic" and hmac.compare_digest(pair, wanted)

    # --- organisations --------------------------------------------------------------

    def _connections(self, headers: Mapping[str, str]) -> httpx.Response:
        consent = self._holder(headers.get("authorization", "").removeprefix("Bearer "))
        if consent is None:
            return httpx.Response(401, json={"Title": "Unauthorized", "Status": 401})
        listed: dict[str, dict[str, str]] = {}
        for each in self._consents:  # the oldest first
            at = each.at.strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
            for tenant in each.tenants:
                row = listed.setdefault(
                    tenant.id,
                    {
                        "id": str(uuid.uuid5(uuid.UUID(each.event), tenant.id)),
                        "tenantId": tenant.id,
                        "tenantType": "ORGANISATION",
                        "tenantName": tenant.name,
                        "createdDateUtc": at,
                    },
                )
                row |= {"authEventId": each.event, "updatedDateUtc": at}
        return httpx.Response(200, json=list(listed.values()))

    def _holder(self, token: str) -> _Consent | None:
        now = self._clock()
        for consent in self._consents:
            if consent.access.get(token, now) > now:
                return consent
        return None


def _encoded(part: Mapping[str, object]) -> str:
    text = json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode("ascii")


def _refused(code: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": code})
