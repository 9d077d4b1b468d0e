"""The composition root: where ports meet implementations. Everything is made at first use."""

import datetime as dt
import hashlib
import json
import time
import zoneinfo
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any, TypeVar

import boto3

from accord import erp
from accord.edge import WebhookSecrets, aws_client, secret_name
from accord.errors import (
    BadInputError,
    RejectedError,
    TransientError,
    UnauthorizedError,
    UnsupportedError,
)
from accord.http import sent
from accord.live import LiveStock
from accord.model.change import Change
from accord.ports.erp import Connection, ErpAdapter
from accord.ports.limits import Board
from accord.queues import SqsQueues
from accord.rules.config import Config, StoreFlows, bears
from accord.rules.config import Store as StoreTable
from accord.rules.load import overlay, parse
from accord.settings import settings
from accord.state.attention import DynamoAttention
from accord.state.breakers import BoardBreakers
from accord.state.control import DynamoControl
from accord.state.documents import S3Documents
from accord.state.dynamo import config as patience
from accord.state.journal import KEPT as JOURNAL_KEPT
from accord.state.journal import DynamoJournal
from accord.state.levels import DynamoLevels
from accord.state.links import DynamoLinks
from accord.state.nonces import DynamoNonces
from accord.state.payloads import S3Payloads
from accord.state.reports import S3Reports
from accord.state.rules_store import DynamoRulesStore
from accord.state.seals import S3Seals
from accord.state.steps import DynamoSteps
from accord.state.topics import SnsNotices
from accord.state.waiting import DynamoWaiting
from accord.sync.audit import Auditor
from accord.sync.availability import Availability, KnownRecipes
from accord.sync.backlog import BacklogReader
from accord.sync.catalogue import CataloguePoller
from accord.sync.customers import Customers
from accord.sync.digest import Digester
from accord.sync.erp_changes import ErpChanges
from accord.sync.flush import Flush
from accord.sync.fulfilment import Fulfilment
from accord.sync.guard import Guard
from accord.sync.invoices import Invoices
from accord.sync.meter import Meter
from accord.sync.orders import Orders
from accord.sync.pause import Pauses
from accord.sync.poll import Poller
from accord.sync.poll_products import ProductPoller
from accord.sync.poll_store import StorePoller, reread
from accord.sync.product_items import ProductItems
from accord.sync.products import Products
from accord.sync.reconcile import Reconciler
from accord.sync.sales import BackOffice
from accord.sync.seal import Sealer
from accord.sync.told import Told
from accord.sync.turn import Asides
from accord.sync.wake import Waker
from accord.sync.webhooks import WebhookGuard
from accord.sync.worker import Worker
from accord.woo.client import WooStore
from accord.woo.webhook import Edge

if TYPE_CHECKING:
    from accord.state.answers import DynamoAnswers

_RULES_KEPT_S = 60.0  # "live within a minute"
_RULES_FRESH_S = 5.0  # so old at most for what is sent again
_SECRETS_KEPT_S = 300.0  # a renewed password is used without a deployment
READERS = ("order", "customer", "product")
"""Methods of a store that read a document and ask nobody."""

T = TypeVar("T")


def now() -> dt.datetime:
    """The clock that is handed inward."""
    return dt.datetime.now(dt.UTC)


@cache
def client(service: str) -> Any:
    """A boto3 client with time-outs; an AWS call that hangs must not eat a worker's minute."""
    return boto3.client(service, region_name=settings().region, config=patience())


def _table(name: str) -> tuple[Any, str]:
    return client("dynamodb"), settings().tables[name]


@cache
def links() -> DynamoLinks:
    return DynamoLinks(*_table("links"))


@cache
def steps() -> DynamoSteps:
    return DynamoSteps(*_table("steps"))


@cache
def waiting() -> DynamoWaiting:
    return DynamoWaiting(*_table("waiting"))


@cache
def attention() -> DynamoAttention:
    return DynamoAttention(*_table("attention"))


@cache
def journal() -> DynamoJournal:
    return DynamoJournal(*_table("journal"))


@cache
def control() -> DynamoControl:
    return DynamoControl(*_table("control"))


def levels() -> DynamoLevels:
    """For one run: it remembers what was touched when that run looked."""
    return DynamoLevels(*_table("levels"))


@cache
def rules_store() -> DynamoRulesStore:
    return DynamoRulesStore(*_table("config"))


@cache
def payloads() -> S3Payloads:
    return S3Payloads(client("s3"), settings().bucket)


@cache
def reports() -> S3Reports:
    return S3Reports(client("s3"), settings().bucket)


@cache
def documents() -> S3Documents:
    return S3Documents(client("s3"), settings().bucket, *_table("control"))


@cache
def queues() -> SqsQueues:
    return SqsQueues(aws_client(), settings().queues)


@cache
def worker() -> Worker:
    """Gives each failure its place."""
    return Worker(
        waiting=waiting(),
        attention=attention(),
        payloads=payloads(),
        clock=now,
        random=SystemRandom(),
        rules_version=rules_version,
        turn=guard().turn,
    )


@cache
def board() -> Board:
    """What all workers know of the connections."""
    return Board(control(), now)


@cache
def guard() -> Guard:
    """What stands between the flows and the connections."""
    random = SystemRandom()
    return Guard(
        board=board(),
        breakers=BoardBreakers(board()),
        meter=Meter(control(), now, pause=time.sleep, random=random.random),
        bears=lambda name: bears(_deployed()[0], name),
        clock=now,
        new_holder=lambda: f"{random.getrandbits(64):016x}",
        sent=sent,
    )


def pauses() -> Pauses:
    """Leaves connections alone, and lets them go on."""
    return Pauses(board(), journal(), now)


@cache
def _deployed() -> tuple[Config, str]:
    text = Path(settings().config).read_text(encoding="utf-8")
    return parse(json.loads(text)), hashlib.sha256(text.encode()).hexdigest()[:8]


class _Rules:
    """The configuration with the newest rules over it, read again after a minute."""

    def __init__(self) -> None:
        self._read_at = float("-inf")
        self._version = ""
        self._config: Config | None = None
        self._misfit = ""

    def renew(self, *, older_than_s: float = 0.0) -> None:
        """They are read again at their next use, if the last time is so long ago."""
        if time.monotonic() - self._read_at >= older_than_s:
            self._read_at = float("-inf")

    def current(self) -> tuple[Config, str]:
        """The configuration, and a text that changes whenever it does.

        Raises: TransientError: what was pushed does not fit what is deployed. All work comes again
        until a version that fits is pushed; the deployed mappings alone may be the wrong ones.
        """
        version = self.version()
        if self._config is None:
            raise TransientError(self._misfit, reason="rules")
        return self._config, version

    def version(self) -> str:
        """That text, also where there is no configuration: work is parked by it even then."""
        if time.monotonic() - self._read_at > _RULES_KEPT_S:
            deployed, digest = _deployed()
            latest = rules_store().latest()
            version = f"{digest}/{latest[0] if latest else 0}"
            if version != self._version or self._config is None:
                self._take(deployed, latest, version)
            self._read_at = time.monotonic()
        return self._version

    def _take(
        self, deployed: Config, latest: tuple[int, Mapping[str, Any]] | None, version: str
    ) -> None:
        """What held before stays, where the newest does not fit."""
        try:
            self._config = overlay(deployed, latest[1]) if latest else deployed
        except BadInputError as error:
            self._misfit = (
                f"version {latest[0] if latest else 0} of the rules does not fit the deployed "
                f"accord.toml: {error}; push the file again, or `accord config revert`"
            )
            if self._config is not None:
                return
        self._version = version


_rules = _Rules()


def rules_version() -> str:
    """Changes whenever the configuration or the rules over it do."""
    return _rules.version()


def config() -> Config:
    """The configuration as it holds now."""
    return _rules.current()[0]


def deployed() -> Config:
    """What was deployed, without the rules that were pushed over it since."""
    return _deployed()[0]


_secrets: dict[str, tuple[float, dict[str, Any]]] = {}


def _secret(name: str, *, connection: str) -> dict[str, Any]:
    """What ``connection`` signs in with.

    Raises: UnauthorizedError: it is not there, has no value yet, may not be read, or is no JSON
    object. All that needs it waits together, and goes on when somebody has mended it.
    """
    kept = _secrets.get(name)
    if kept is None or time.monotonic() - kept[0] > _SECRETS_KEPT_S:
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
    table = _deployed()[0].erps.get(name)
    if table is None:
        raise UnsupportedError(
            f"accord.toml has no back office named {name!r}; add it, then replay"
        )
    secret = _secret(table.secret, connection=name)
    key = name if timeout is None else f"{name} within {timeout} s"
    kept = _back_offices.get(key)
    if kept is None or kept[0] != secret:
        adapter = erp.load(table.adapter).connect(
            Connection(
                name=name,
                adapter=table.adapter,
                url=table.url,
                options=table.options,
                secret=secret,
                timeout=table.timeout if timeout is None else timeout,
                allow_private=table.allow_private,
            )
        )
        kept = _back_offices[key] = (secret, guard().over(adapter, name, breaker=key))
    return kept[1]


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
    table, version = _store_table(name)
    secret = _secret(table.secret, connection=name)
    if lacks := {"consumer_key", "consumer_secret"} - secret.keys():
        raise UnauthorizedError(
            f"the secret of {name} lacks {', '.join(sorted(lacks))}", connection=name
        )

    def make() -> WooStore:
        client = WooStore.connect(
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
        return guard().over(client, name, free=READERS)

    return _kept("store", name, (version, secret), make)


def _store_table(name: str) -> tuple[StoreTable, str]:
    """[stores.``name``] as it holds now, and what changes whenever it does."""
    config, version = _rules.current()
    if name not in config.stores:
        raise UnsupportedError(f"accord.toml has no store named {name!r}; add it, then replay")
    return config.stores[name], version


def _office(name: str) -> BackOffice:
    adapter = back_office(name)  # says what is wrong, where there is no such table
    return BackOffice(name, adapter, zoneinfo.ZoneInfo(config().erps[name].time_zone))


# --- flows, each for a change: whatever it is made of is as it holds now ----------------------


def orders_of(change: Change) -> Orders:
    """The order flow of the change's store. A refund's is that of its order."""
    if change.replay:  # it was sent again because something was mended: the rules, most often
        _rules.renew(older_than_s=_RULES_FRESH_S)
    return orders((change.aggregate or change.ref).system)


def orders(name: str) -> Orders:
    """The order flow of [stores.``name``] under the rules that hold now.

    Raises: UnsupportedError: the configuration has no such store any more.
    """
    return Orders(
        name=name,
        rules=_store_table(name)[0],
        back_office=_office,
        store=store(name),
        links=links(),
        steps=steps(),
        control=control(),
        queues=queues(),
        journal=journal(),
        clock=now,
        levels=levels() if _store_table(name)[0].flows.stock != "off" else None,
    )


def fulfilment(change: Change) -> Fulfilment:
    """What the back office shipped, for the store of the change's order."""
    return Fulfilment(**_from_erp(change))


def invoices(change: Change) -> Invoices:
    """What the back office invoiced, for the store of the change's order."""
    return Invoices(**_from_erp(change))


def erp_changes(change: Change) -> ErpChanges:
    """What was changed in the back office, for the store of the change's order."""
    return ErpChanges(**_from_erp(change))


def _from_erp(change: Change) -> dict[str, Any]:
    name = (change.aggregate or change.ref).system
    table, _ = _store_table(name)
    return {
        "name": name,
        "rules": table,
        "erp": back_office,
        "store": store(name),
        "asides": Asides(links(), journal(), queues(), now),
        "control": control(),
        "steps": steps(),
        "documents": documents(),
        "clock": now,
        "prod": table.prod,  # a stage that is not prod has no store that is
        "documents_url": settings().public_url,
    }


def customers(change: Change) -> Customers:
    """The customer flow of the change's store; of a party that nobody knows, of the store that may
    get an account for it.

    Raises: UnsupportedError: no store of the configuration is meant.
    """
    name = store_of(change)
    table, _ = _store_table(name)
    return Customers(
        name=name,
        rules=table,
        erp_name=table.erp,
        erp=back_office(table.erp),
        store=store(name),
        links=links(),
        steps=steps(),
        control=control(),
        payloads=payloads(),
        attention=attention(),
        journal=journal(),
        queues=queues(),
        clock=now,
    )


def store_of(change: Change) -> str:
    """The store that the change is about.

    A record of a back office that belongs to nothing of a store: the first store of that back
    office whose customers are kept alike, else the first. The name itself where there is none.
    """
    name = (change.aggregate or change.ref).system
    try:
        tables = config().stores
    except TransientError:  # the rules cannot be had; which stores there are is deployed
        tables = deployed().stores
    if name in tables:
        return name
    served = [each for each, table in tables.items() if table.erp == name]
    served.sort(key=lambda each: tables[each].flows.customers == "off")
    return next(iter(served), name)


def poller(erp_name: str) -> Poller:
    """Asks [erps.``erp_name``] what changed there."""
    return Poller(
        erp_name=erp_name,
        adapter=back_office(erp_name),
        links=links(),
        control=control(),
        queues=queues(),
        flows=_flows_of,
        clock=now,
        random=SystemRandom(),
        new_parties=any(
            table.erp == erp_name and table.customers.create_in_store
            for table in config().stores.values()
        ),
    )


def store_poller(name: str) -> StorePoller:
    """Asks [stores.``name``] what no webhook told of.

    Raises: UnsupportedError: the configuration has no such store any more.
    """
    asked, table = store(name), _store_table(name)[0]
    return StorePoller(
        name=name,
        rules=table,
        store=asked,
        shop=asked,
        links=links(),
        control=control(),
        queues=queues(),
        waiting=waiting(),
        attention=attention(),
        products=ProductPoller(
            name=name,
            rules=table,
            store=asked,
            links=links(),
            levels=levels(),
            control=control(),
            queues=queues(),
            clock=now,
            random=SystemRandom(),
        ),
        clock=now,
        random=SystemRandom(),
    )


def reconciler(name: str) -> Reconciler:
    """Compares [stores.``name``] with its back offices.

    Raises: UnsupportedError: the configuration has no such store any more.
    """
    table, _ = _store_table(name)
    asked = store(name)
    routed = [route.erp for route in table.orders.route if route.erp]
    return Reconciler(
        name=name,
        stores=config().stores,
        stage=settings().stage,
        backs=[_office(each) for each in dict.fromkeys([table.erp, *routed])],
        store=asked,
        shop=asked,
        links=links(),
        waiting=waiting(),
        attention=attention(),
        levels=levels,
        control=control(),
        queues=queues(),
        reports=reports(),
        clock=now,
        random=SystemRandom(),
    )


def webhook_guard(
    name: str, *, url: str = "", secret: Callable[[], str] | None = None
) -> WebhookGuard:
    """Looks after the webhooks of [stores.``name``], which go to ``url``; without one, to the
    address in accord.toml or to our own. They are signed with ``secret``, or the newest there is.

    Raises: UnsupportedError: the configuration has no such store any more.
    """
    table, _ = _store_table(name)
    ours = f"{settings().public_url}/stores/{name}/webhooks"
    return WebhookGuard(
        name=name,
        rules=table,
        shop=store(name),
        control=control(),
        journal=journal(),
        attention=attention(),
        clock=now,
        url=url or table.webhooks.delivery_url or ours,
        stage=settings().stage,
        secret=secret or (lambda: webhook_secrets(name)[0]),
        # By ``control`` alone: the guard may neither read links nor levels.
        reread=lambda since: reread(control(), name, since),
        unheard=lambda since, until: Told(name, control()).unheard(since, until),
    )


def webhook_secrets(name: str) -> tuple[str, ...]:
    """What the webhooks of [stores.``name``] may be signed with, newest first, read just now.

    Raises: RejectedError: the secret does not list them. UnauthorizedError: there is none.
    """
    table, _ = _store_table(name)
    found = WebhookSecrets().of(Edge.from_config(name, table.model_dump()))
    if not found:
        raise UnauthorizedError(
            f"the secret of {name} has no webhook_secrets; make one with "
            f"`accord secrets rotate {name}`",
            connection=name,
        )
    return found


def stock_flow(change: Change) -> Flush:
    """What the change's store may sell, on its way there."""
    return _flush(change)


def price_flow(change: Change) -> Flush:
    """The change's store's prices, on their way there."""
    return _flush(change)


def product_flow(change: Change) -> Flush | Products:
    """Products on their way to the change's store, or what the store tells of one."""
    if change.ref.kind != "product":
        return _flush(change)
    name = change.ref.system
    table, _ = _store_table(name)
    return Products(
        name=name,
        rules=table,
        store=store(name),
        levels=levels(),
        queues=queues(),
        journal=journal(),
        items=ProductItems(
            name=name,
            rules=table,
            erp_name=table.erp,
            erp=back_office(table.erp),
            links=links(),
            steps=steps(),
            control=control(),
            clock=now,
        ),
        clock=now,
    )


def _flush(change: Change) -> Flush:
    name = change.ref.system
    table, _ = _store_table(name)
    return Flush(
        name=name,
        rules=table,
        store=store(name),
        levels=levels(),
        control=control(),
        queues=queues(),
        attention=attention(),
        journal=journal(),
        clock=now,
        pause=time.sleep,
    )


def catalogue_poller(erp_name: str) -> CataloguePoller:
    """Asks [erps.``erp_name``] what changed of stock, prices and items."""
    return CataloguePoller(
        erp_name=erp_name,
        adapter=back_office(erp_name),
        levels=levels(),
        control=control(),
        queues=queues(),
        attention=attention(),
        journal=journal(),
        stores=config().stores,
        clock=now,
        random=SystemRandom(),
    )


def availability(name: str) -> Availability:
    """What the checkout of [stores.``name``] may ask, under the rules that hold now."""
    table, _ = _store_table(name)
    live = table.availability.live != "never"
    return Availability(
        name=name,
        rules=table,
        zone=zoneinfo.ZoneInfo(config().erps[table.erp].time_zone),
        levels=levels(),
        recipes=_recipes(),
        clock=now,
        live=_live(table.erp, table.availability.deadline_ms) if live else None,
    )


@cache
def _recipes() -> KnownRecipes:
    return KnownRecipes(lambda erp_name: levels().recipes(erp_name), now)


@cache
def _live(erp_name: str, deadline_ms: int) -> LiveStock:
    seconds = Decimal(deadline_ms) / 1000
    return LiveStock(lambda: back_office(erp_name, timeout=seconds), seconds)


@cache
def nonces() -> DynamoNonces:
    return DynamoNonces(*_table("control"))


def answers(name: str) -> "DynamoAnswers | None":
    """What [stores.``name``]'s checkout was answered, as long as the goods are kept; None where
    none are."""
    minutes = _store_table(name)[0].availability.hold_minutes
    return _answers(minutes) if minutes else None


@cache
def _answers(minutes: int) -> "DynamoAnswers":
    from accord.state.answers import DynamoAnswers  # 25 ms of Powertools, for the checkout only

    # A little less than the hold, so that no answer names one that is over.
    return DynamoAnswers(*_table("levels"), kept_s=60 * minutes - 5)


def _flows_of(name: str) -> StoreFlows | None:
    """What runs for the store, None for one that left the configuration."""
    table = config().stores.get(name)
    return None if table is None else table.flows


def _ping(connection: str) -> None:
    if connection in config().erps:
        back_office(connection).ping()
    elif connection in config().stores:
        store(connection).ping()


def _patience(connection: str) -> dt.timedelta:
    """How long one call may take there."""
    config_ = config()
    table = config_.erps.get(connection) or config_.stores.get(connection)
    return dt.timedelta(seconds=float(table.timeout) if table is not None else 0)


def backlog() -> BacklogReader:
    """Looks at what waits, and for how long."""
    return BacklogReader(
        config=config(),
        waiting=waiting(),
        attention=attention(),
        links=links(),
        levels=levels(),
        control=control(),
        clock=now,
    )


@cache
def seals() -> S3Seals:
    return S3Seals(client("s3"), settings().audit_bucket)


def sealer() -> Sealer:
    """Puts each day's heads of the journal where nobody can change them."""
    return Sealer(journal(), seals(), now)


def auditor() -> Auditor:
    """Tells whether the journal is what was written."""
    return Auditor(journal(), seals(), now, JOURNAL_KEPT)


def digester() -> Digester:
    """Mails each desk what waits for it."""
    return Digester(
        attention=attention(),
        control=control(),
        notices=SnsNotices(client("sns"), settings().topics),
        clock=now,
        stage=settings().stage,
        when_empty=deployed().digest.when_empty,
    )


def waker() -> Waker:
    """Sends back what can go on."""
    _rules.renew()  # rules that were pushed a moment ago wake what they settle
    return Waker(
        waiting=waiting(),
        attention=attention(),
        control=control(),
        queues=queues(),
        ping=_ping,
        rules_version=rules_version,
        clock=now,
        random=SystemRandom(),
        is_held=lambda name: guard().held(name) is not None,
        room=lambda name: guard().room(name),
        patience=_patience,
    )
