"""Stores and back offices: their clients, their secrets, and what stands between."""

import datetime as dt
import json
import time
import zoneinfo
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from random import SystemRandom
from typing import TYPE_CHECKING, Any, TypeVar

from accord import erp
from accord.bootstrap import rules, tables
from accord.edge import WebhookSecrets, aws_client, secret_name
from accord.errors import AccordError, RejectedError, UnauthorizedError, UnsupportedError
from accord.http import sent
from accord.ports.erp import Connection, ErpAdapter
from accord.ports.limits import CIRCUITS, Board
from accord.rules.config import bears
from accord.rules.hosts import is_loopback
from accord.rules.limits import Usual
from accord.state.breakers import BoardBreakers
from accord.sync.guard import Guard
from accord.sync.meter import Meter
from accord.sync.pause import Pauses
from accord.sync.sales import BackOffice
from accord.woo.client import WooStore
from accord.woo.webhook import Edge

if TYPE_CHECKING:
    from accord.ports.tokens import App, OAuth
    from accord.sync.tokens import Keeper

_SECRETS_KEPT_S = 300.0  # a renewed password is used without a deployment
READERS = ("order", "customer", "product")
"""Methods of a store that read a document and ask nobody."""

T = TypeVar("T")


@cache
def board() -> Board:
    """What all workers know of the connections."""
    return Board(tables.control(), tables.now)


@cache
def guard() -> Guard:
    """What stands between the flows and the connections."""
    random = SystemRandom()
    return Guard(
        board=board(),
        breakers=BoardBreakers(board()),
        meter=Meter(tables.control(), tables.now, pause=time.sleep, random=random.random),
        bears=lambda name: bears(rules.deployed(), name, usual),
        clock=tables.now,
        new_holder=lambda: f"{random.getrandbits(64):016x}",
        sent=sent,
    )


def usual(adapter: str) -> Usual:
    """What is known of that kind of back office; of one that is none, nothing."""
    return erp.load(adapter).capabilities.usual if adapter in erp.NAMES else Usual()


def pauses() -> Pauses:
    """Leaves connections alone, and lets them go on."""
    return Pauses(board(), tables.journal(), tables.now)


_secrets: dict[str, tuple[float, dict[str, Any]]] = {}


def _secret(name: str, *, connection: str, fresh: bool = False) -> dict[str, Any]:
    """What ``connection`` signs in with; ``fresh``: read just now.

    Raises: UnauthorizedError: it is not there, has no value yet, may not be read, or is no JSON
    object. All that needs it waits together, and goes on when somebody has mended it.
    """
    kept = _secrets.get(name)
    if fresh or kept is None or time.monotonic() - kept[0] > _SECRETS_KEPT_S:
        try:
            text = aws_client().get_secret(secret_name(name))
        except RejectedError as error:
            raise UnauthorizedError(
                f"the secret {name} cannot be read ({error}); put its value in Secrets Manager",
                connection=connection,
            ) from error
        try:
            found = json.loads(text)
        except ValueError:
            found = None  # whose message would hold the text
        if not isinstance(found, dict):
            raise UnauthorizedError(
                f"the secret {name} holds no JSON object; mend it in Secrets Manager",
                connection=connection,
            )
        kept = _secrets[name] = (time.monotonic(), found)
    return kept[1]


_back_offices: dict[str, tuple[dict[str, Any], ErpAdapter]] = {}


def back_office(name: str, *, timeout: Decimal | None = None) -> ErpAdapter:
    """The adapter of [erps.``name``]; it keeps its session until its credentials are renewed.

    ``timeout``: seconds for one call, where someone waits who will not wait as long as usual.

    Raises: UnsupportedError: the configuration has no such back office any more.
    """
    table = rules.deployed().erps.get(name)
    if table is None:
        raise UnsupportedError(
            f"accord.toml has no back office named {name!r}; add it, then replay"
        )
    secret = _secret(table.secret, connection=name)
    key = name if timeout is None else f"{name} within {timeout} s"
    kept = _back_offices.get(key)
    if kept is None or kept[0] != secret:
        adapter = back_office_with(name, secret, timeout=timeout)
        kept = _back_offices[key] = (secret, guard().over(adapter, name, breaker=key))
    return kept[1]


def back_office_with(
    name: str, secret: dict[str, Any], *, timeout: Decimal | None = None
) -> ErpAdapter:
    """The adapter of [erps.``name``] with this ``secret`` and nothing before it: whoever tries new
    credentials asks for them, whatever became of those before."""
    table = rules.deployed().erps[name]
    kind = erp.load(table.adapter)
    return kind.connect(
        Connection(
            name=name,
            adapter=table.adapter,
            url=table.url,
            options=table.options,
            secret=secret,
            timeout=table.timeout if timeout is None else timeout,
            allow_private=table.allow_private,
            tokens=keeper(name) if kind.oauth is not None else None,
        )
    )


def let_go(name: str) -> None:
    """The credentials of the store or back office ``name`` were renewed: they are read anew, and
    what waits for them is asked for again by the next `wake`."""
    config_ = rules.deployed()
    table = config_.erps.get(name) or config_.stores[name]
    _secrets.pop(table.secret, None)
    board().put(CIRCUITS, f"{name}:unauthorized", lambda _: None)


def provider(name: str) -> "OAuth | None":
    """How [erps.``name``] lets us in by OAuth; None where it does not.

    Of a stand-in on this machine everything is at its own address.
    """
    table = rules.deployed().erps.get(name)
    oauth = erp.load(table.adapter).oauth if table is not None else None
    if table is None or oauth is None:
        return None
    return oauth.at(table.url) if is_loopback(table.url) else oauth


def is_tended(name: str) -> bool:
    """Whether ``refresh_tokens`` looks after the login of this connection: it is a back office that
    is allowed in a browser."""
    return provider(name) is not None


def tends(error: AccordError) -> bool:
    """Whether it is about a login that ``refresh_tokens`` looks after."""
    if not isinstance(error, UnauthorizedError) or error.is_narrow:
        return False
    return is_tended(error.connection)


def is_turned_down(name: str) -> bool:
    """Whether this connection turned our credentials down, and has let nobody in since."""
    return f"{name}:unauthorized" in board().table(CIRCUITS, fresh=True)


def app(
    name: str,
    oauth: "OAuth",
    *,
    timeout: float | None = None,
    fresh: bool = False,
    app_mark: str = "",
) -> "App":
    """Our app at the provider. ``timeout``: seconds for one answer, where a person waits.
    ``fresh``: as the secret says just now. ``app_mark``: of one that waits for its consent.

    Raises: UnauthorizedError: the secret lacks the app, or cannot be read.
    """
    from accord.oauth import TIMEOUT_S, IdentityClient, pending_of
    from accord.ports.tokens import App

    table, secret = rules.deployed().erps[name], app_secret(name, fresh=fresh)
    if app_mark:
        waits = pending_of(secret)
        if waits is None or waits["mark"] != app_mark:
            raise UnauthorizedError(
                f"the new app of {name} was taken back: run `accord connect {name}` with it again",
                connection=name,
            )
        secret = dict(waits)
    identity = IdentityClient.connect(
        name,
        oauth,
        secret,
        allow_private=table.allow_private,
        timeout=TIMEOUT_S if timeout is None else timeout,
    )
    return App(secret["client_id"], identity)


def app_secret(name: str, *, fresh: bool = False) -> dict[str, Any]:
    """The secret of [erps.``name``]. Raises: UnauthorizedError: it cannot be read."""
    return _secret(rules.deployed().erps[name].secret, connection=name, fresh=fresh)


def keeper(name: str, *, fresh: bool = False) -> "Keeper":
    """Keeps the tokens of [erps.``name``], with what its secret says now; ``fresh``: just now.

    Raises: UnsupportedError: it does not let us in by OAuth. UnauthorizedError: as ``app``.
    """
    from accord.oauth import pending_of  # none is loaded where no back office asks for it
    from accord.sync.tokens import Keeper

    oauth = provider(name)
    if oauth is None:
        raise UnsupportedError(f"{name} is let into by a key, not by a consent")
    random, ours = SystemRandom(), [app(name, oauth, fresh=fresh)]
    waits = pending_of(app_secret(name))
    if waits is not None:  # allowed already, perhaps, and not yet moved up
        ours.append(app(name, oauth, app_mark=waits["mark"]))
    return Keeper(
        erp=name,
        oauth=oauth,
        apps=tuple(ours),
        tokens=tables.tokens(),
        clock=tables.now,
        pause=time.sleep,
        new_owner=lambda: f"{random.getrandbits(64):016x}",
    )


_made: dict[tuple[str, str], tuple[object, Any]] = {}


def _kept(kind: str, name: str, made_of: object, make: Callable[[], T]) -> T:
    """What ``make`` made, as long as it is made of the same."""
    kept = _made.get((kind, name))
    if kept is None or kept[0] != made_of:
        kept = _made[kind, name] = (made_of, make())
    found: T = kept[1]
    return found


def store(name: str) -> WooStore:
    """A client of [stores.``name``] under the rules that hold now; it keeps its connections.

    Raises: UnsupportedError: the configuration has no such store any more. UnauthorizedError: its
    secret lacks a part.
    """
    table, version = rules.store_table(name)
    secret = _secret(table.secret, connection=name)
    if lacks := {"consumer_key", "consumer_secret"} - secret.keys():
        raise UnauthorizedError(
            f"the secret of {name} lacks {', '.join(sorted(lacks))}", connection=name
        )

    def make() -> WooStore:
        return guard().over(store_with(name, secret), name, free=READERS)

    return _kept("store", name, (version, secret), make)


def store_with(name: str, secret: dict[str, Any]) -> WooStore:
    """A client of [stores.``name``] with the key in ``secret`` and nothing before it, as
    ``back_office_with``. Raises: UnsupportedError: the configuration has no such store any more."""
    table, _ = rules.store_table(name)
    return WooStore.connect(
        name=name,
        url=table.url,
        api_url=table.api_url,
        consumer_key=secret["consumer_key"],
        consumer_secret=secret["consumer_secret"],
        timeout=float(table.timeout),
        settle=dt.timedelta(seconds=float(table.settle)),
        vat_keys=table.orders.vat_number,
        po_keys=table.orders.po_number,
        allow_private=table.allow_private,
    )


def webhook_secrets(name: str) -> tuple[str, ...]:
    """What the webhooks of [stores.``name``] may be signed with, newest first, read just now.

    Raises: RejectedError: the secret does not list them. UnauthorizedError: there is none.
    """
    table, _ = rules.store_table(name)
    found = WebhookSecrets().of(Edge.from_config(name, table.model_dump()))
    if not found:
        raise UnauthorizedError(
            f"the secret of {name} has no webhook_secrets; make one with "
            f"`accord secrets rotate {name}`",
            connection=name,
        )
    return found


def office(name: str) -> BackOffice:
    """[erps.``name``] with its adapter and its days. Raises: UnsupportedError: there is none."""
    adapter = back_office(name)  # says what is wrong, where there is no such table
    return BackOffice(name, adapter, zoneinfo.ZoneInfo(rules.config().erps[name].time_zone))


def ping(connection: str) -> None:
    """Returns if the store or back office answers. Raises: AccordError: it does not."""
    if connection in rules.config().erps:
        back_office(connection).ping()
    elif connection in rules.config().stores:
        store(connection).ping()


def patience_of(connection: str) -> dt.timedelta:
    """How long one call may take there."""
    config_ = rules.config()
    table = config_.erps.get(connection) or config_.stores.get(connection)
    return dt.timedelta(seconds=float(table.timeout) if table is not None else 0)
