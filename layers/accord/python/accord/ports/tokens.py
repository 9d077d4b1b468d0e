"""Access to back offices that let us in by OAuth."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, Self
from urllib.parse import urlsplit, urlunsplit

PENDING = "pending"
"""Where a secret holds an app that waits for its consent, beside the one that is used. Its ``mark``
is in each link that is made for it, and in the tokens that come of one."""

# --- what a provider is like -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tenant:
    """An organisation that somebody consented for. ``id`` is what ``Access.tenant`` says."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantList:
    """Where organisations are listed: GET ``url`` answers a JSON array.

    ``id`` and ``name`` are fields of its objects; only those that hold all of ``where`` are meant.
    Where it lists those of earlier consents too, ``event`` is the field that says with which
    consent one was picked, and ``claim`` what the access token, a JWT, calls its own.
    """

    url: str
    id: str
    name: str
    where: Mapping[str, str] = field(default_factory=dict)
    event: str = ""
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """The organisations that a token opens. ``picked`` are those of its own consent; empty where
    the provider does not tell."""

    tenants: tuple[Tenant, ...]
    picked: tuple[Tenant, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """How a back office lets us in: the authorization code grant, with refresh tokens that rotate.

    The adapter's class holds it as ``oauth``; the app's ``client_id`` and ``client_secret`` are in
    the connection's secret. ``lapses`` is how long a refresh token lives that nobody uses, and
    ``grace`` how long one that was used may be used again, because the answer was lost; zero where
    that is refused. ``pkce``: it takes a code challenge (S256). ``tenants`` is None where a consent
    is for one organisation that needs no name. ``extra`` goes to the consent page as it is.

    Source: RFC 6749, 4.1 and 6; RFC 7636.
    """

    title: str  # what a person calls the back office
    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    lapses: dt.timedelta
    grace: dt.timedelta = dt.timedelta()
    pkce: bool = True
    tenants: TenantList | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def at(self, origin: str) -> Self:
        """The same with every address at ``origin`` (``http://127.0.0.1:9000``): a stand-in's."""
        tenants = self.tenants
        return replace(
            self,
            authorize_url=_moved(self.authorize_url, origin),
            token_url=_moved(self.token_url, origin),
            tenants=None if tenants is None else replace(tenants, url=_moved(tenants.url, origin)),
        )


def _moved(url: str, origin: str) -> str:
    scheme, host, *_ = urlsplit(origin)
    return urlunsplit(urlsplit(url)._replace(scheme=scheme, netloc=host))


# --- what an adapter sees --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Access:
    """What one call is signed with. ``tenant`` is the organisation that was consented for, in the
    back office's own words."""

    token: str
    tenant: str = ""

    def __repr__(self) -> str:
        return f"Access(tenant={self.tenant!r})"


class AccessTokens(Protocol):
    """The tokens of one connection, whoever renews them."""

    def access(self) -> Access:
        """What to sign the next call with.

        Raises: UnauthorizedError: nobody has consented yet, or the consent has lapsed.
            UnavailableError: it must be renewed, and who renews it does not answer.
        """
        ...

    def renewed(self, refused: Access) -> Access:
        """Another than ``refused``, which the back office called expired. Raises: as ``access``."""
        ...

    def another(self, refused: Access) -> Access | None:
        """What is kept by now in the place of ``refused``, which the back office does not accept:
        somebody consented anew, perhaps. None where it is the same. Nothing is renewed."""
        ...


# --- what is kept ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """What a consent gave, as it was renewed last. No token is in the repr.

    ``version`` grows with every new pair of tokens. ``spent`` is the refresh token before this one:
    within the provider's grace it still works. ``tried_at``: a renewal was begun then, and nobody
    has kept what came of it; or it may still be under way, behind this one. ``refused_at``: the
    provider takes neither token any more. Whoever renews holds ``owner`` until ``leased_until``;
    without an owner, nobody is to try before then. ``client_id`` is the app that they were given
    to, and that alone may renew them; empty where that was not remembered. ``app_mark`` is the
    app's if it waited for its consent when the link was made; empty of the one that was used.
    """

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_at: dt.datetime  # of ``access``
    scopes: tuple[str, ...]
    tenant: Tenant
    consented_at: dt.datetime
    renewed_at: dt.datetime
    client_id: str = ""
    app_mark: str = ""
    spent: str = field(default="", repr=False)
    version: int = 0
    tried_at: dt.datetime | None = None
    refused_at: dt.datetime | None = None
    owner: str = ""
    leased_until: dt.datetime | None = None

    def is_leased(self, now: dt.datetime) -> bool:
        """Nobody but ``owner`` may renew it now."""
        return self.leased_until is not None and now < self.leased_until


class Tokens(Protocol):
    """The token sets of the connections, by the names of their back offices."""

    def get(self, erp: str) -> TokenSet | None: ...

    def keep(self, erp: str, tokens: TokenSet) -> TokenSet:
        """Those of a new consent, in the place of whatever there was; nobody holds them.

        Returns them with their version. Done twice is the same as once, but for that.
        """
        ...

    def lease(
        self, erp: str, *, version: int, owner: str, now: dt.datetime, until: dt.datetime
    ) -> TokenSet | None:
        """The set, ours to renew until then, ``tried_at`` now; None when it is no longer at
        ``version``, or another's lease has not run out."""
        ...

    def renew(self, erp: str, tokens: TokenSet) -> TokenSet:
        """Stores new tokens in the place of those that ``tokens.owner`` leased, and gives up the
        lease in the same write; ``tried_at`` becomes what they say. Returns them with their
        version.

        Raises: StaleVersionError: it is no longer the owner's, or another consent was given.
        """
        ...

    def release(
        self, erp: str, *, owner: str, until: dt.datetime, refused_at: dt.datetime | None = None
    ) -> bool:
        """Nothing came of it: nobody is to try before ``until``. False: it is not the owner's."""
        ...

    def forget(self, erp: str, *, consented_at: dt.datetime) -> bool:
        """Those of that consent are gone, and what is renewed at this moment is not stored either.
        False: there are none of it."""
        ...


class Consents(Protocol):
    """What is remembered of a consent that is asked for: small texts, for minutes.

    The names are digests, so that a name opens nothing.
    """

    def get(self, name: str, *, now: dt.datetime) -> tuple[Mapping[str, str], int] | None:
        """The value and its version; None when it is not there, or has expired."""
        ...

    def put(
        self, name: str, value: Mapping[str, str], *, until: dt.datetime, version: int | None
    ) -> int:
        """The new version. ``version`` is the one read, None to create.

        Raises: StaleVersionError: someone wrote since.
        """
        ...


# --- who gives tokens ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """New tokens. ``refresh`` is empty where the one that was used goes on working."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    lasts: dt.timedelta  # how long ``access`` does
    scopes: tuple[str, ...] = ()


class Identity(Protocol):
    """The provider's token endpoint, as our app sees it.

    Each may raise: NoConsentError: what was shown is not accepted. UnauthorizedError: our app is
    not. RateLimitedError. UnavailableError: no usable answer; a token may have been rotated.
    """

    def renew(self, refresh: str) -> Grant:
        """New tokens for a refresh token."""
        ...

    def exchange(self, code: str, *, verifier: str, redirect: str) -> Grant:
        """The first tokens of a consent. ``redirect`` is the address that its page led back to."""
        ...

    def tenants(self, access: str) -> Listed:
        """The organisations that ``access`` opens; none where the provider names none."""
        ...


@dataclass(frozen=True, slots=True)
class App:
    """Our app at the provider."""

    client_id: str
    identity: Identity
