"""A back office that lets us in by OAuth, its provider in memory, and workers that need a token."""

import datetime as dt
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from accord.local.hooked import Clock, hooked
from accord.local.xero.identity import GRACE, REFRESH_LASTS, FakeIdentity
from accord.oauth import IdentityClient
from accord.ports.tokens import App, OAuth, Tenant, TenantList, Tokens, TokenSet
from accord.state.memory_tokens import MemoryTokens
from accord.sync.tokens import Keeper

START = dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)
ERP = "books"
SHOP = Tenant("45e4708e-d862-4111-ab3a-dd8cd03913e1", "Demo Shop")
OTHER = Tenant("b1c2d3e4-d862-4111-ab3a-dd8cd0391300", "Second & Sons <Ltd>")
SECRET = {"client_id": "local-client", "client_secret": "local-client-secret"}
OAUTH = OAuth(
    title="The books",
    authorize_url="https://login.books.example/identity/connect/authorize",
    token_url="https://identity.books.example/connect/token",
    scopes=("accounting.contacts", "offline_access"),
    lapses=REFRESH_LASTS,
    grace=GRACE,
    tenants=TenantList(
        url="https://api.books.example/connections",
        id="tenantId",
        name="tenantName",
        where={"tenantType": "ORGANISATION"},
        event="authEventId",
        claim="authentication_event_id",
    ),
)


class Provider:
    """The provider and the stored tokens on a virtual clock. ``hook`` is told of every step of
    every worker, and may kill one there."""

    def __init__(self, fake: FakeIdentity | None = None, tokens: Tokens | None = None) -> None:
        self.clock = Clock(START)
        self.fake = fake or FakeIdentity(clock=self.clock)
        self.tokens = tokens if tokens is not None else MemoryTokens()
        self.hook: Callable[[str], None] = lambda _: None
        self._owners = itertools.count(1)

    def consent(self, tenant: Tenant = SHOP) -> TokenSet:
        """Somebody allowed it."""
        given: dict[str, Any] = self.fake.grant([tenant])
        return self.tokens.keep(
            ERP,
            TokenSet(
                access=given["access_token"],
                refresh=given["refresh_token"],
                expires_at=self.clock() + dt.timedelta(seconds=given["expires_in"]),
                scopes=OAUTH.scopes,
                tenant=tenant,
                consented_at=self.clock(),
                renewed_at=self.clock(),
                client_id=self.fake.client_id,
            ),
        )

    def worker(
        self,
        *,
        oauth: OAuth = OAUTH,
        secret: Mapping[str, str] = SECRET,
        pending: Mapping[str, str] | None = None,
        pause: Callable[[float], None] | None = None,
    ) -> Keeper:
        """One more worker, which knows nothing yet."""
        number = next(self._owners)
        return Keeper(
            erp=ERP,
            oauth=oauth,
            apps=tuple(self._app(oauth, each) for each in (secret, pending) if each),
            tokens=hooked(self.tokens, "tokens", self._hear),
            clock=self.clock,
            pause=pause or self._pause,
            new_owner=lambda: f"w{number}",
        )

    def _app(self, oauth: OAuth, secret: Mapping[str, str]) -> App:
        identity = IdentityClient.connect(
            ERP, oauth, secret, transport=httpx.MockTransport(self.fake)
        )
        return App(secret["client_id"], hooked(identity, "identity", self._hear))

    def later(self, **delta: float) -> None:
        """Time goes by."""
        self.clock.now += dt.timedelta(**delta)

    def stored(self) -> TokenSet:
        """What is kept."""
        found = self.tokens.get(ERP)
        assert found is not None
        return found

    def is_let_in(self, token: str) -> bool:
        """Whether the back office takes it for the shop."""
        return self.fake.accepts(token, SHOP.id)

    def _hear(self, step: str) -> None:
        self.hook(step)  # the one that is set now

    def _pause(self, seconds: float) -> None:
        self.later(seconds=seconds)
