"""What a clock starts: polls, the night's comparison, and what looks after the rest."""

from collections.abc import Callable
from random import SystemRandom

from accord.bootstrap import connections, rules, tables
from accord.settings import settings
from accord.state.journal import KEPT as JOURNAL_KEPT
from accord.state.topics import SnsNotices
from accord.sync.audit import Auditor
from accord.sync.backlog import BacklogReader
from accord.sync.catalogue import CataloguePoller
from accord.sync.digest import Digester
from accord.sync.key_ends import KeyWatch
from accord.sync.looks import Looks
from accord.sync.poll import Poller
from accord.sync.poll_products import ProductPoller
from accord.sync.poll_store import StorePoller, reread
from accord.sync.reconcile import Reconciler
from accord.sync.seal import Sealer
from accord.sync.told import Told
from accord.sync.wake import Waker
from accord.sync.webhooks import WebhookGuard


def looks() -> Looks:
    """Who is asked about what the clock's looks meet."""
    return Looks(board=connections.board(), attention=tables.attention(), clock=tables.now)


def key_watch() -> KeyWatch:
    """Asks a person for another key before one ends."""
    return KeyWatch(looks=looks(), clock=tables.now)


def poller(erp_name: str) -> Poller:
    """Asks [erps.``erp_name``] what changed there."""
    return Poller(
        erp_name=erp_name,
        adapter=connections.back_office(erp_name),
        links=tables.links(),
        control=tables.control(),
        queues=tables.queues(),
        flows=rules.flows_of,
        clock=tables.now,
        random=SystemRandom(),
        new_parties=any(
            table.erp == erp_name and table.customers.create_in_store
            for table in rules.config().stores.values()
        ),
    )


def store_poller(name: str) -> StorePoller:
    """Asks [stores.``name``] what no webhook told of.

    Raises: UnsupportedError: the configuration has no such store any more.
    """
    asked, table = connections.store(name), rules.store_table(name)[0]
    return StorePoller(
        name=name,
        rules=table,
        store=asked,
        shop=asked,
        links=tables.links(),
        control=tables.control(),
        queues=tables.queues(),
        waiting=tables.waiting(),
        attention=tables.attention(),
        products=ProductPoller(
            name=name,
            rules=table,
            store=asked,
            links=tables.links(),
            levels=tables.levels(),
            control=tables.control(),
            queues=tables.queues(),
            clock=tables.now,
            random=SystemRandom(),
        ),
        clock=tables.now,
        random=SystemRandom(),
    )


def catalogue_poller(erp_name: str) -> CataloguePoller:
    """Asks [erps.``erp_name``] what changed of stock, prices and items."""
    return CataloguePoller(
        erp_name=erp_name,
        adapter=connections.back_office(erp_name),
        levels=tables.levels(),
        control=tables.control(),
        queues=tables.queues(),
        attention=tables.attention(),
        journal=tables.journal(),
        stores=rules.config().stores,
        clock=tables.now,
        random=SystemRandom(),
    )


def reconciler(name: str) -> Reconciler:
    """Compares [stores.``name``] with its back offices.

    Raises: UnsupportedError: the configuration has no such store any more.
    """
    table, _ = rules.store_table(name)
    asked = connections.store(name)
    routed = [route.erp for route in table.orders.route if route.erp]
    return Reconciler(
        name=name,
        stores=rules.config().stores,
        stage=settings().stage,
        backs=[connections.office(each) for each in dict.fromkeys([table.erp, *routed])],
        store=asked,
        shop=asked,
        links=tables.links(),
        waiting=tables.waiting(),
        attention=tables.attention(),
        levels=tables.levels,
        control=tables.control(),
        queues=tables.queues(),
        reports=tables.reports(),
        clock=tables.now,
        random=SystemRandom(),
    )


def webhook_guard(
    name: str, *, url: str = "", secret: Callable[[], str] | None = None
) -> WebhookGuard:
    """Looks after the webhooks of [stores.``name``], which go to ``url``; without one, to the
    address in accord.toml or to our own. They are signed with ``secret``, or the newest there is.

    Raises: UnsupportedError: the configuration has no such store any more.
    """
    table, _ = rules.store_table(name)
    ours = f"{settings().public_url}/stores/{name}/webhooks"
    return WebhookGuard(
        name=name,
        rules=table,
        shop=connections.store(name),
        control=tables.control(),
        journal=tables.journal(),
        attention=tables.attention(),
        clock=tables.now,
        url=url or table.webhooks.delivery_url or ours,
        stage=settings().stage,
        secret=secret or (lambda: connections.webhook_secrets(name)[0]),
        # By ``control`` alone: the guard may neither read links nor levels.
        reread=lambda since: reread(tables.control(), name, since),
        unheard=lambda since, until: Told(name, tables.control()).unheard(since, until),
    )


def backlog() -> BacklogReader:
    """Looks at what waits, and for how long."""
    return BacklogReader(
        config=rules.standing(),  # looks also while the rules do not fit
        waiting=tables.waiting(),
        attention=tables.attention(),
        links=tables.links(),
        levels=tables.levels(),
        control=tables.control(),
        clock=tables.now,
    )


def sealer() -> Sealer:
    """Puts each day's heads of the journal where nobody can change them."""
    return Sealer(tables.journal(), tables.seals(), tables.now)


def auditor() -> Auditor:
    """Tells whether the journal is what was written."""
    return Auditor(tables.journal(), tables.seals(), tables.now, JOURNAL_KEPT)


def digester() -> Digester:
    """Mails each desk what waits for it."""
    return Digester(
        attention=tables.attention(),
        control=tables.control(),
        notices=SnsNotices(tables.client("sns"), settings().topics),
        clock=tables.now,
        stage=settings().stage,
        when_empty=rules.deployed().digest.when_empty,
    )


def waker() -> Waker:
    """Sends back what can go on."""
    rules.live.renew()  # rules that were pushed a moment ago wake what they settle
    return Waker(
        waiting=tables.waiting(),
        attention=tables.attention(),
        control=tables.control(),
        queues=tables.queues(),
        ping=connections.ping,
        rules_version=rules.rules_version,
        clock=tables.now,
        random=SystemRandom(),
        is_held=lambda name: connections.guard().held(name) is not None,
        room=lambda name: connections.guard().room(name),
        patience=connections.patience_of,
        holdings=lambda erp, codes: tables.levels().holdings(erp, codes),
        met=lambda: looks().met(),
    )
