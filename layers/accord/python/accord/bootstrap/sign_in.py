"""Letting us into a back office by OAuth: for ``authorize``, ``refresh_tokens`` and the operator.

An operator's command does it so:

    former = sign_in.connected("books")
    url = sign_in.make_link("books", public_url="https://hooks.example")  # for a browser, once
    …  # every two seconds, until the person is through: ``sync.connecting.consented``
    status = sign_in.connected("books")  # of another ``consented_at`` than the former

Not among what the package exports: only these load what it needs.
"""

import secrets
from functools import cache

from accord.bootstrap import connections, rules, tables
from accord.errors import UnsupportedError
from accord.oauth import app_of, consent_url, pending_of
from accord.ports.limits import CIRCUITS
from accord.ports.tokens import App, OAuth, TokenSet
from accord.settings import settings
from accord.sync import consent
from accord.sync.consent import Begun, Consent
from accord.sync.tend import Tender

_PATIENCE_S = 10.0  # for one answer: a person waits for two, and API Gateway for 30 s
_SECRET_BYTES = 48  # 64 characters: RFC 7636 takes 43 to 128, and nobody guesses them


def oauth_of(name: str) -> OAuth:
    """How [erps.``name``] lets us in. Raises: UnsupportedError: there is none such, or by a key."""
    found = connections.provider(name)
    if found is None:
        raise UnsupportedError(
            f"accord.toml has no back office named {name!r} that is allowed in a browser"
        )
    return found


def names() -> tuple[str, ...]:
    """The back offices that let us in by OAuth."""
    return tuple(name for name in rules.deployed().erps if connections.provider(name) is not None)


def make_link(name: str, *, public_url: str) -> str:
    """The address that starts the consent for [erps.``name``]: good once, within the hour.

    It is for whoever is to allow it, and for no log. ``public_url`` is where our API answers. It is
    checked first that the secret holds the app. An app that waits for its consent is the one that
    is consented to.

    Raises: UnsupportedError: it takes a key. UnauthorizedError: the secret lacks a part.
    TransientError: the table does not answer.
    """
    oauth_of(name)
    kept = connections.app_secret(name)
    app_of(name, kept)
    secret, waits = _new_secret(), pending_of(kept)
    mark = waits["mark"] if waits is not None else ""
    consent.make_link(tables.consents(), name, clock=tables.now, secret=secret, app_mark=mark)
    return f"{public_url.rstrip('/')}/erps/{name}/authorize?link={secret}"


def connected(name: str) -> TokenSet | None:
    """What is kept of the consent for [erps.``name``]: for which organisation, since when, and by
    ``refused_at`` whether it has lapsed; None where nobody has consented yet."""
    return tables.tokens().get(name)


def redirect_of(name: str, public_url: str) -> str:
    """Where the consent page leads back to; the app at the back office must list it."""
    return f"{public_url.rstrip('/')}/erps/{name}/callback"


def consent_of(name: str) -> Consent:
    """Consents for [erps.``name``], over our own API: one visit, with our app as it is just now.

    Raises: UnsupportedError: as ``oauth_of``.
    """
    oauth = oauth_of(name)

    @cache
    def app(mark: str) -> App:
        return connections.app(name, oauth, timeout=_PATIENCE_S, fresh=True, app_mark=mark)

    return Consent(
        erp=name,
        oauth=oauth,
        app=app,
        tokens=tables.tokens(),
        consents=tables.consents(),
        redirect=redirect_of(name, settings().public_url),
        clock=tables.now,
        new_secret=_new_secret,
        kept=lambda: _let_go(name),
        wanted=str(rules.deployed().erps[name].options.get("tenant") or ""),
    )


def page_of(name: str, begun: Begun) -> str:
    """The consent page for ``begun``."""
    return consent_url(
        oauth_of(name),
        client_id=begun.client_id,
        redirect=redirect_of(name, settings().public_url),
        state=begun.state,
        verifier=begun.verifier,
    )


def tender() -> Tender:
    """Renews what is about to expire."""
    return Tender(
        names=names(),
        keeper=lambda name: connections.keeper(name, fresh=True),
        turned_down=connections.is_turned_down,
        waiting=tables.waiting(),
        attention=tables.attention(),
        clock=tables.now,
    )


def _let_go(name: str) -> None:
    """What waits for the consent is asked for again by the next `wake`, not in five minutes."""
    connections.board().put(CIRCUITS, f"{name}:unauthorized", lambda _: None)


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)
