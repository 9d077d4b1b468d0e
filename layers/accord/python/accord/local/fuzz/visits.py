"""Visits that no browser pays `authorize`, at the deployed handler, and what must hold for each.

The tables are in memory, and new for each visit: one link lies in them that nobody has opened yet,
and one state of a browser that was sent to the consent page. In the place of the provider stands
what grants everything.
"""

import base64
import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock
from urllib.parse import urlencode

from accord.bootstrap import sign_in
from accord.errors import UnsupportedError
from accord.local.fuzz.bodies import altered
from accord.local.fuzz.door import Context, hush, load
from accord.ports.tokens import App, Grant, Identity, Listed, OAuth, Tenant, TenantList
from accord.state.memory_tokens import MemoryConsents, MemoryTokens
from accord.sync import consent
from accord.sync.consent import Begun, Consent

FUNCTION = "authorize"
_ERP = "main"
_PUBLIC = "https://hooks.example"
_NOW = dt.datetime(2026, 11, 22, 16, 12, tzinfo=dt.UTC)
_LINK = "a" * 64
_SHOP, _OTHER = Tenant("t-1", "Demo <b>Shop</b>"), Tenant("t-2", 'Second & "Sons"')
_SCRIPT = "<script>alert(1)</script>"
_OAUTH = OAuth(
    title="The books",
    authorize_url="https://login.books.example/authorize",
    token_url="https://identity.books.example/token",
    scopes=("accounting", "offline_access"),
    lapses=dt.timedelta(days=60),
    tenants=TenantList(url="https://api.books.example/connections", id="id", name="name"),
)
_HEADERS = ("content-security-policy", "cache-control", "referrer-policy")
_ROUTES = (
    *("GET /erps/{erp}/authorize", "POST /erps/{erp}/authorize") * 2,
    *("GET /erps/{erp}/callback",) * 6,
    *("", "POST /erps/{erp}/callback"),
)
_PLACES: tuple[Any, ...] = (
    *({"erp": _ERP},) * 12,
    {"erp": "MAIN"},
    {"erp": _SCRIPT},
    {"erp": "\ud800"},
    {},
    None,
)

Json = dict[str, Any]


@dataclass(slots=True)
class _Provider(Identity):
    """Lets everybody in, for two organisations. ``codes`` are those that it was shown."""

    codes: list[str] = field(default_factory=list)

    def renew(self, refresh: str) -> Grant:
        del refresh
        return _grant()

    def exchange(self, code: str, *, verifier: str, redirect: str) -> Grant:
        urlencode(
            {"code": code, "code_verifier": verifier, "redirect_uri": redirect}
        )  # as it is sent
        self.codes.append(code)
        return _grant()

    def tenants(self, access: str) -> Listed:
        del access
        return Listed((_SHOP, _OTHER))


def _grant() -> Grant:
    return Grant(access="access", refresh="refresh", lasts=dt.timedelta(minutes=30))


@dataclass(slots=True)
class _World:
    """What one visit meets. ``begun`` is the browser that may come back."""

    provider: _Provider
    tokens: MemoryTokens
    consents: MemoryConsents
    begun: Begun

    @classmethod
    def new(cls, rng: Random) -> "_World":
        made = cls(_Provider(), MemoryTokens(), MemoryConsents(), Begun("", "", "", ""))
        for link in ("first", _LINK):
            consent.make_link(made.consents, _ERP, clock=lambda: _NOW, secret=link)
        begun = made.consent(rng).begin("first")
        assert isinstance(begun, Begun)
        made.begun = begun
        return made

    def consent(self, rng: Random) -> Consent:
        return Consent(
            erp=_ERP,
            oauth=_OAUTH,
            app=lambda _: App("our-app", self.provider),
            tokens=self.tokens,
            consents=self.consents,
            redirect=f"{_PUBLIC}/erps/{_ERP}/callback",
            clock=lambda: _NOW,
            new_secret=lambda: f"{rng.getrandbits(256):064x}",
            kept=lambda: None,
        )


@dataclass(frozen=True, slots=True)
class Visits:
    """Takes visits. Made by ``opened``."""

    handler: ModuleType
    use: Callable[[Callable[[str], Consent]], None]

    def pay(self, rng: Random) -> tuple[str, float]:
        """One is handled: what is wrong (empty where nothing is), and the seconds of CPU."""
        world = _World.new(rng)
        self.use(lambda _: world.consent(rng))
        event = _event(world.begun, rng)
        began = time.thread_time()
        try:
            answer = self.handler.lambda_handler(event, Context())
        except Exception as error:  # noqa: BLE001 - whatever it is, it has escaped
            return f"escaped from a visit: {error!r:.200}", time.thread_time() - began
        cpu = time.thread_time() - began
        return _judged(event, answer, world), cpu


@contextmanager
def opened() -> Iterator[Visits]:
    """The door, until the context ends."""
    with ExitStack() as stack:
        handler = load(FUNCTION)
        settled = SimpleNamespace(public_url=_PUBLIC)
        current: list[Callable[[str], Consent]] = []

        def consent_of(name: str) -> Consent:
            return current[-1](name)

        for place in (handler, sign_in):
            stack.enter_context(mock.patch.object(place, "settings", return_value=settled))
        stack.enter_context(mock.patch.object(sign_in, "oauth_of", _oauth_of))
        stack.enter_context(mock.patch.object(sign_in, "consent_of", consent_of))
        hush(handler, stack)
        yield Visits(handler, lambda make: current.__setitem__(slice(None), [make]))


def _oauth_of(name: str) -> OAuth:
    if name != _ERP:
        raise UnsupportedError("there is no such back office")
    return _OAUTH


# --- what must hold ------------------------------------------------------------------------


def _judged(event: Json, answer: Mapping[str, Any], world: _World) -> str:
    status, body = answer["statusCode"], answer["body"]
    known = (event["pathParameters"] or {}).get("erp") == _ERP
    if status not in ({200, 303, 400} if known else {404}):
        return f"a visit was answered {status}"
    if any(name not in answer["headers"] for name in _HEADERS):
        return "a page without its policies"
    if _SCRIPT in body or "<b>Shop" in body:
        return "a page that says what it was told as it is"
    shown = _shown(event)
    if status == 303:
        page = answer["headers"]["location"]
        if not page.startswith(f"{_OAUTH.authorize_url}?") or shown.get("link") != _LINK:
            return f"sent on to {page:.80}"
    its_own = shown.get("state") == world.begun.state and (
        f"__Host-accord-{_ERP}={world.begun.browser}" in event.get("cookies", ())
    )
    code = shown.get("code")
    if world.provider.codes and not (its_own and code and world.provider.codes == [code[:4096]]):
        return "a code was shown to the provider that its browser did not bring"
    if world.tokens.get(_ERP) is not None and not world.provider.codes:
        return "tokens that nobody gave"
    return ""


def _shown(event: Json) -> Mapping[str, str]:
    found: Mapping[str, str] = event["shown"]
    return found


# --- what is sent ----------------------------------------------------------------------------


def _event(begun: Begun, rng: Random) -> Json:
    """A request; ``shown`` is what its address or form says, for the judging alone."""
    route = rng.choice(_ROUTES)
    meant: Json = {"link": _LINK}
    if route.endswith("/callback"):
        meant = {"state": begun.state, "code": "the-code", "tenant": rng.choice(("", "t-1", "T-2"))}
        if rng.random() < 0.2:
            meant["error"] = rng.choice(("access_denied", _SCRIPT, "server_error"))
    if rng.random() < 0.5:
        meant = altered(meant, [(name,) for name in meant], rng)
    if rng.random() < 0.2:
        meant[rng.choice(("link", "state", "code", "error", "tenant"))] = _SCRIPT
    shown = {name: value if isinstance(value, str) else str(value) for name, value in meant.items()}
    event: Json = {
        "routeKey": route,
        "pathParameters": rng.choice(_PLACES),
        "requestContext": {"requestId": "fuzz"},
        "cookies": _cookies(begun, rng),
        # Half a surrogate pair is none that could go on to anybody.
        "shown": {name: value.encode(errors="replace").decode() for name, value in shown.items()},
    }
    if route.startswith("POST "):
        form = urlencode(shown, errors="replace").encode()
        tail = rng.choice((b"", b"", b"", b"&" * 50_000, b"&a=%ff", b"&a" * 30, b"&\xff"))
        event |= {"body": base64.b64encode(form + tail).decode(), "isBase64Encoded": True}
    else:
        event["queryStringParameters"] = shown or None
    return event


def _cookies(begun: Begun, rng: Random) -> list[str]:
    name = f"__Host-accord-{_ERP}"
    its_own = f"{name}={begun.browser}"
    odd = (
        "",
        "=",
        name,
        f"{name}=",
        f"{name}={_SCRIPT}",
        f"accord-{_ERP}={begun.browser}",
        "ä=\ud800",
    )
    if rng.random() < 0.75:
        return [its_own]
    return rng.choice(([], [rng.choice(odd)], [rng.choice(odd), its_own], [its_own, its_own]))
