"""A provider's token endpoint over HTTP, and where its consent page is.

Codes and tokens go in bodies and headers, never in an address; no error holds what was sent or
answered but the provider's own code, ``invalid_grant``.

Source: RFC 6749, 4.1.3, 5.1, 5.2 and 6; RFC 7636, 4.
"""

import datetime as dt
import hashlib
import json
import re
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpx

from accord.errors import (
    AccordError,
    NoConsentError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
)
from accord.http import error_of, http_client, json_of, send
from accord.ports.tokens import PENDING, Grant, Identity, Listed, OAuth, Tenant

TIMEOUT_S = 15.0  # for one answer of the provider; the lease of who renews is longer
_LARGEST = 256 * 1024  # bytes of an answer: tokens are some KB
_LONGEST_LIFE = dt.timedelta(days=366)  # of an access token; more is not meant


class IdentityClient(Identity):
    """The provider ``oauth`` for the connection ``name``. Nothing is sent before the first call."""

    def __init__(
        self, name: str, oauth: OAuth, token_host: httpx.Client, tenant_host: httpx.Client | None
    ) -> None:
        self._name = name
        self._oauth = oauth
        self._token_host = token_host
        self._tenant_host = tenant_host

    @classmethod
    def connect(
        cls,
        name: str,
        oauth: OAuth,
        secret: Mapping[str, str],
        *,
        allow_private: bool = False,
        timeout: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> Self:
        """``secret`` holds the app's ``client_id`` and ``client_secret``.

        Raises: UnauthorizedError: it lacks one.
        """
        app = app_of(name, secret)
        basic = b64encode(f"{app[0]}:{app[1]}".encode()).decode("ascii")

        def client(url: str, headers: Mapping[str, str]) -> httpx.Client:
            return http_client(
                _origin(url),
                timeout=timeout,
                allow_private=allow_private,
                transport=transport,
                headers={"Accept": "application/json", **headers},
            )

        return cls(
            name,
            oauth,
            client(oauth.token_url, {"Authorization": f"Basic {basic}"}),
            client(oauth.tenants.url, {}) if oauth.tenants is not None else None,
        )

    def renew(self, refresh: str) -> Grant:
        """See ``Identity.renew``."""
        return self._ask({"grant_type": "refresh_token", "refresh_token": refresh})

    def exchange(self, code: str, *, verifier: str, redirect: str) -> Grant:
        """See ``Identity.exchange``."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        grant = self._ask(form | ({"code_verifier": verifier} if self._oauth.pkce else {}))
        if not grant.refresh:
            raise NoConsentError(
                f"{self._oauth.title} gave no refresh token: let the app ask for offline access",
                connection=self._name,
            )
        return grant

    def tenants(self, access: str) -> Listed:
        """See ``Identity.tenants``."""
        listed, host = self._oauth.tenants, self._tenant_host
        if listed is None or host is None:
            return Listed(())
        response = self._send(
            host, "GET", listed.url, headers={"Authorization": f"Bearer {access}"}
        )
        rows = self._read(response)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._nonsense("its list of organisations is none")
        meant = [row for row in rows if all(row.get(k) == v for k, v in listed.where.items())]
        found = [Tenant(_text(row, listed.id), _text(row, listed.name)) for row in meant]
        if not all(tenant.id for tenant in found):
            raise self._nonsense("an organisation has no id")
        event = _claim(access, listed.claim) if listed.claim else ""
        picked = [
            tenant
            for row, tenant in zip(meant, found, strict=True)
            if event and _text(row, listed.event) == event
        ]
        return Listed(tuple(found), tuple(picked))

    def _ask(self, form: Mapping[str, str]) -> Grant:
        """What the token endpoint grants for ``form``."""
        response = self._send(
            self._token_host,
            "POST",
            self._oauth.token_url,
            content=urlencode(form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        if response.status_code in (400, 401, 403):
            raise self._refusal(response)
        return self._grant(self._read(response))

    def _send(self, host: httpx.Client, method: str, url: str, **more: Any) -> httpx.Response:
        try:
            # Under a name of its own: it is none of the calls that the back office counts.
            return send(
                host, method, url, connection=f"{self._name}:sign-in", also=_ANSWERED, **more
            )
        except UnavailableError as error:
            error.connection = self._name
            raise

    def _read(self, response: httpx.Response) -> Any:
        """The body of a 2xx. What else is said of no token is of no use, and waited out: as a
        refusal it would become every order's own matter, and might repeat what we sent."""
        error = error_of(response, connection=self._name)
        if isinstance(error, RejectedError):
            raise self._nonsense(f"it answered {response.status_code}")
        if error is not None:
            raise error
        try:
            return json_of(response, self._name, limit=_LARGEST)
        except RejectedError as error:
            raise self._nonsense("its answer is too large") from error

    def _refusal(self, response: httpx.Response) -> AccordError:
        """RFC 6749, 5.2: the code says whose fault it is."""
        try:
            code = json_of(response, self._name, limit=_LARGEST)["error"]
        except (AccordError, KeyError, TypeError):
            code = ""
        if not isinstance(code, str) or not re.fullmatch(r"[a-z_]{3,40}", code):
            return self._nonsense(f"it answered {response.status_code} without an error code")
        if code == "invalid_grant":
            return NoConsentError(
                f"{self._oauth.title} no longer accepts the consent for {self._name}",
                connection=self._name,
            )
        error = UnauthorizedError(
            f"{self._oauth.title} refuses our app ({code}): check client_id and client_secret in "
            f"the secret of {self._name}, and the app's redirect address and scopes",
            connection=self._name,
        )
        error.is_login = True
        return error

    def _grant(self, answer: Any) -> Grant:
        if not isinstance(answer, dict):
            raise self._nonsense("its answer is no JSON object")
        access, refresh = answer.get("access_token"), answer.get("refresh_token", "")
        lasts, kind = answer.get("expires_in"), answer.get("token_type")
        scopes = answer.get("scope", "")
        if not isinstance(access, str) or not access or not isinstance(refresh, str):
            raise self._nonsense("its answer lacks a token")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise self._nonsense("its token is no bearer token")
        if not isinstance(lasts, int) or isinstance(lasts, bool) or lasts <= 0:
            raise self._nonsense("it does not say how long its token lasts")
        return Grant(
            access=access,
            refresh=refresh,
            lasts=min(dt.timedelta(seconds=min(lasts, 10**9)), _LONGEST_LIFE),
            scopes=tuple(scopes.split()) if isinstance(scopes, str) else (),
        )

    def _nonsense(self, what: str) -> UnavailableError:
        return UnavailableError(
            f"the sign-in of {self._name} gave no usable answer: {what}", connection=self._name
        )


_ANSWERED = range(300, 600)  # every refusal is looked at here: its body says what it means


def app_of(name: str, secret: Mapping[str, str]) -> tuple[str, str]:
    """The app's id and secret. Raises: UnauthorizedError: the secret of ``name`` lacks one."""
    if lacks := [part for part in ("client_id", "client_secret") if not secret.get(part)]:
        raise UnauthorizedError(
            f"the secret of {name} lacks {' and '.join(lacks)}; put what the back office's own "
            "site shows for the app into Secrets Manager",
            connection=name,
        )
    return secret["client_id"], secret["client_secret"]


def pending_of(secret: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The app in ``secret`` that waits for its consent, beside the one that is used, with its
    ``mark`` and since when (``at``); None where none does."""
    found = secret.get(PENDING)
    parts = ("client_id", "client_secret", "mark", "at")
    whole = isinstance(found, dict) and all(found.get(part) for part in parts)
    return found if whole else None


def consent_url(oauth: OAuth, *, client_id: str, redirect: str, state: str, verifier: str) -> str:
    """The page where a person allows it. It leads back to ``redirect`` with ``state``."""
    query = {
        **oauth.extra,
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect,
        "scope": " ".join(oauth.scopes),
        "state": state,
    }
    if oauth.pkce:
        query |= {"code_challenge": challenge(verifier), "code_challenge_method": "S256"}
    return f"{oauth.authorize_url}{'&' if '?' in oauth.authorize_url else '?'}{urlencode(query)}"


def challenge(verifier: str) -> str:
    """What the consent page is told of ``verifier``: RFC 7636, S256."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _claim(token: str, name: str) -> str:
    """What a JWT says under ``name``; empty where it does not, or is none. Its signature is not
    looked at: it came from the provider itself, and this is trusted with nothing that opens."""
    parts = token.split(".")
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, RecursionError):
        return ""
    return _text(claims, name) if isinstance(claims, dict) else ""


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
