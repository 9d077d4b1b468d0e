"""A person allows us into a back office: from a link that opens once, over its page, to tokens.

``accord connect`` makes a link. To look at it spends nothing, for previews do that. Whoever goes on
from there is given a cookie and sent to the consent page with a ``state``; who comes back must show
both. Each link and each state is good once, and for minutes. A reload is answered as the first time
was, and finishes what broke off; the tokens are stored before they are used, be it only to ask for
which organisations they are.

Whether our app is set up, only the holder of a link or a state is told.
"""

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from accord.errors import (
    NoConsentError,
    RateLimitedError,
    StaleVersionError,
    TransientError,
    UnauthorizedError,
)
from accord.ports.tokens import (
    App,
    Consents,
    Grant,
    Listed,
    OAuth,
    Tenant,
    Tokens,
    TokenSet,
)

LINK_LASTS = dt.timedelta(hours=1)
ASKED_LASTS = dt.timedelta(minutes=15)

Why = Literal[
    "link",
    "used",
    "expired",
    "browser",
    "denied",
    "provider",
    "code",
    "none",
    "other",
    "away",
    "given up",
]
"""Why it did not come to tokens: no such link, or a state that was used before; a state that we
do not know any more; another browser; the person said no; the page reported an error; the code was
not accepted; no organisation was chosen, or another than the configuration names; what the provider
answered was lost; it came to tokens, and somebody has disconnected the back office since."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What the consent page is told, and what the browser is to keep. None of it is for a log."""

    client_id: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Connected:
    """The tokens are kept, for this organisation."""

    tenant: Tenant


@dataclass(frozen=True, slots=True)
class Choice:
    """The person must say which organisation. ``former`` is the one so far, which may be among
    them or not; without an id where there was none."""

    tenants: tuple[Tenant, ...]
    former: Tenant


@dataclass(frozen=True, slots=True)
class Stopped:
    """No tokens. ``said`` is the page's own code of an error."""

    why: Why
    said: str = ""


def make_link(
    consents: Consents,
    erp: str,
    *,
    clock: Callable[[], dt.datetime],
    secret: str,
    app_mark: str = "",
) -> None:
    """``secret`` opens the way to the consent page of ``erp``: once, within the hour. ``app_mark``:
    for the app that waits for it, and not for the one that is used."""
    value = {"erp": erp, "app": app_mark}
    consents.put(_name("link", secret), value, until=clock() + LINK_LASTS, version=None)


def give_up(
    consents: Consents, erp: str, tokens: TokenSet, *, clock: Callable[[], dt.datetime]
) -> None:
    """Whoever reloads the page that led to ``tokens`` does not have them kept once more. Goes
    before they are forgotten."""
    try:
        name, until = _given_up(erp, tokens.consented_at.isoformat()), clock() + LINK_LASTS
        consents.put(name, {"erp": erp}, until=until, version=None)
    except StaleVersionError:
        pass  # somebody did before


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """Consents for the back office ``erp``. ``redirect`` is where its page leads back to.

    ``wanted`` is the organisation's id, where the configuration names one, in any casing. ``app``
    reads our app, or the one of that mark which waits for its consent, and raises
    UnauthorizedError where it is not set up. ``new_secret`` gives a text that nobody guesses;
    ``kept`` is called when tokens were stored.
    """

    erp: str
    oauth: OAuth
    app: Callable[[str], App]
    tokens: Tokens
    consents: Consents
    redirect: str
    clock: Callable[[], dt.datetime]
    new_secret: Callable[[], str]
    kept: Callable[[], None]
    wanted: str = ""

    def look(self, link: str) -> Stopped | None:
        """Why ``link`` leads nowhere; None where it does. It stays good."""
        found = self._link(link)
        return found if isinstance(found, Stopped) else None

    def begin(self, link: str) -> Begun | Stopped:
        """The way to the consent page, for whoever has the one-time ``link``, which is spent.

        Raises: UnauthorizedError: our app is not set up; TransientError: not now. It stays good.
        """
        found = self._link(link)
        if isinstance(found, Stopped):
            return found
        (value, version), now = found, self.clock()
        app = self._app(value)
        begun = Begun(app.client_id, self.new_secret(), self.new_secret(), self.new_secret())
        try:
            self.consents.put(
                _name("link", link),
                {**value, "used": "yes"},
                until=now + LINK_LASTS,
                version=version,
            )
        except StaleVersionError:
            return Stopped("used")
        asked = {"erp": self.erp, "browser": _digest(begun.browser), "verifier": begun.verifier}
        asked["app"] = value.get("app", "")
        self.consents.put(
            _name("state", begun.state),
            {**asked, "phase": "asked"},
            until=now + ASKED_LASTS,
            version=None,
        )
        return begun

    def _app(self, value: Mapping[str, str]) -> App:
        """The one that a link or a state is for."""
        return self.app(value.get("app", ""))

    def _link(self, link: str) -> tuple[Mapping[str, str], int] | Stopped:
        """What is remembered of a link that is good, with its version."""
        found = self.consents.get(_name("link", link), now=self.clock())
        if found is None or found[0]["erp"] != self.erp:
            return Stopped("link")
        return Stopped("used") if "used" in found[0] else found

    def finish(
        self, state: str, browser: str, *, code: str = "", error: str = "", tenant: str = ""
    ) -> Connected | Choice | Stopped:
        """What comes of the answer of the consent page, or of the choice of a ``tenant``.

        Raises: TransientError: not now; UnauthorizedError: our app is not set up, or refused. The
            same once more goes on where this broke off.
        """
        name = _name("state", state)
        found = self.consents.get(name, now=self.clock())
        if found is None or found[0]["erp"] != self.erp:
            return Stopped("expired")
        value, version = found
        if not hmac.compare_digest(value["browser"], _digest(browser)):
            return Stopped("browser")  # the right one can still go on
        visit = _Visit(self.consents, name, value, version, self.clock)
        if visit.phase == "asked":
            stopped = self._exchange(visit, code, error)
            if stopped is not None:
                return stopped
        if visit.phase == "granted":
            return self._choose(visit, tenant)
        if visit.phase == "done":
            return Connected(Tenant(*json.loads(visit.value["tenant"])))
        return Stopped("used")

    def _exchange(self, visit: "_Visit", code: str, error: str) -> Stopped | None:
        """The code becomes tokens, which the visit then holds; None if it did.

        A code that was looked at is shown once: who dies then leaves a visit that is over, and it
        takes a new link.
        """
        allowed = bool(code) and not error
        app = self._app(visit.value) if allowed else None
        if not visit.put(phase="over"):
            return Stopped("used")
        if app is None:
            return Stopped("denied" if error == "access_denied" else "provider", error)
        verifier = visit.value["verifier"]
        try:
            try:
                grant = app.identity.exchange(code, verifier=verifier, redirect=self.redirect)
            except NoConsentError:
                return Stopped("code")
            except (RateLimitedError, UnauthorizedError):  # the code was not looked at
                visit.put(phase="asked")
                raise
            granted = _grant_text(grant, app.client_id, self.clock())
            visit.put(phase="granted", verifier="", granted=granted)
        except RateLimitedError:
            raise
        except TransientError:  # what it was, or that the code is still good, nobody knows any more
            return Stopped("away")
        return None

    def _choose(self, visit: "_Visit", chosen: str) -> Connected | Choice | Stopped:
        grant = json.loads(visit.value["granted"])
        before = self.tokens.get(self.erp)
        if before is not None and before.consented_at.isoformat() == grant["at"]:
            # Kept before this broke off; and renewed since, perhaps, which must stay.
            return self._done(visit, before.tenant)
        given_up = self.consents.get(_given_up(self.erp, grant["at"]), now=self.clock())
        if given_up is not None:
            visit.put(phase="over", granted="")
            return Stopped("given up")
        former = before.tenant if before is not None else Tenant("", "")
        tenant: Tenant | Choice | Stopped = Tenant("", "")
        if self.oauth.tenants is not None:
            listed = self._app(visit.value).identity.tenants(grant["access"])
            tenant = self._which(listed, former, chosen)
        if not isinstance(tenant, Tenant):
            return tenant
        self.tokens.keep(self.erp, _set(grant, tenant, visit.value.get("app", "")))
        return self._done(visit, tenant)

    def _which(self, listed: Listed, former: Tenant, chosen: str) -> Tenant | Choice | Stopped:
        """The organisation that is meant. ``former``, the one so far, is taken where it was picked
        again: what was consented to earlier may be listed too, and says nothing."""
        if not listed.tenants:
            return Stopped("none")
        known = {tenant.id.casefold(): tenant for tenant in listed.tenants}
        if self.wanted:
            return known.get(self.wanted.casefold()) or Stopped("other")
        if chosen.casefold() in known:
            return known[chosen.casefold()]
        offered = listed.picked or listed.tenants
        again = [tenant for tenant in offered if tenant.id == former.id]
        if again and (listed.picked or len(offered) == 1):
            return again[0]
        if len(offered) == 1 and not former.id:
            return offered[0]
        return Choice(offered, former)

    def _done(self, visit: "_Visit", tenant: Tenant) -> Connected:
        self.kept()
        visit.put(phase="done", granted="", tenant=json.dumps([tenant.id, tenant.name]))
        return Connected(tenant)


@dataclass(slots=True)
class _Visit:
    """What is remembered of one state, as it was written last."""

    consents: Consents
    name: str
    value: Mapping[str, str]
    version: int
    clock: Callable[[], dt.datetime]

    @property
    def phase(self) -> str:
        """``asked``, ``over``, ``granted`` (the tokens are here) or ``done``."""
        return self.value["phase"]

    def put(self, **changes: str) -> bool:
        """Whether it was as we read it; it then lasts anew from now."""
        value = {**self.value, **changes}
        try:
            self.version = self.consents.put(
                self.name, value, until=self.clock() + ASKED_LASTS, version=self.version
            )
        except StaleVersionError:
            return False
        self.value = value
        return True


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _name(kind: str, secret: str) -> str:
    return f"{kind}:{_digest(secret)}"


def _given_up(erp: str, consented_at: str) -> str:
    return _name("given up", f"{erp} {consented_at}")


def _grant_text(grant: Grant, client_id: str, now: dt.datetime) -> str:
    return json.dumps(
        {
            "client_id": client_id,
            "access": grant.access,
            "refresh": grant.refresh,
            "expires_at": (now + grant.lasts).isoformat(),
            "scopes": grant.scopes,
            "at": now.isoformat(),
        }
    )


def _set(grant: Mapping[str, Any], tenant: Tenant, app_mark: str) -> TokenSet:
    at = dt.datetime.fromisoformat(grant["at"])
    return TokenSet(
        access=grant["access"],
        refresh=grant["refresh"],
        expires_at=dt.datetime.fromisoformat(grant["expires_at"]),
        scopes=tuple(grant["scopes"]),
        tenant=tenant,
        consented_at=at,
        renewed_at=at,
        client_id=grant.get("client_id", ""),
        app_mark=app_mark,
    )
