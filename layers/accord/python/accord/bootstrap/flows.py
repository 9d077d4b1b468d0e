"""What a change of a queue is handed to: whatever it is made of is as it holds now."""

import time
import zoneinfo
from decimal import Decimal
from functools import cache
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from accord.bootstrap import connections, rules, tables
from accord.live import LiveStock
from accord.model.change import Change
from accord.settings import settings
from accord.sync.availability import Availability, KnownRecipes
from accord.sync.customers import Customers
from accord.sync.erp_changes import ErpChanges
from accord.sync.flush import Flush
from accord.sync.fulfilment import Fulfilment
from accord.sync.invoices import Invoices
from accord.sync.orders import Orders
from accord.sync.product_items import ProductItems
from accord.sync.products import Products
from accord.sync.turn import Asides
from accord.sync.worker import Worker

if TYPE_CHECKING:
    from accord.state.answers import DynamoAnswers

_RULES_FRESH_S = 5.0  # so old at most for what is sent again


@cache
def worker() -> Worker:
    """Gives each failure its place."""
    return Worker(
        waiting=tables.waiting(),
        attention=tables.attention(),
        payloads=tables.payloads(),
        clock=tables.now,
        random=SystemRandom(),
        rules_version=rules.rules_version,
        turn=connections.guard().turn,
        tables=rules.tables_of,
    )


def orders_of(change: Change) -> Orders:
    """The order flow of the change's store. A refund's is that of its order."""
    if change.replay:  # it was sent again because something was mended: the rules, most often
        rules.live.renew(older_than_s=_RULES_FRESH_S)
    return orders((change.aggregate or change.ref).system)


def orders(name: str) -> Orders:
    """The order flow of [stores.``name``] under the rules that hold now.

    Raises: UnsupportedError: the configuration has no such store any more.
    """
    return Orders(
        name=name,
        rules=rules.store_table(name)[0],
        back_office=connections.office,
        store=connections.store(name),
        links=tables.links(),
        steps=tables.steps(),
        control=tables.control(),
        queues=tables.queues(),
        journal=tables.journal(),
        clock=tables.now,
        levels=tables.levels() if rules.store_table(name)[0].flows.stock != "off" else None,
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
    table, _ = rules.store_table(name)
    return {
        "name": name,
        "rules": table,
        "erp": connections.back_office,
        "store": connections.store(name),
        "asides": Asides(tables.links(), tables.journal(), tables.queues(), tables.now),
        "control": tables.control(),
        "steps": tables.steps(),
        "documents": tables.documents(),
        "clock": tables.now,
        "prod": table.prod,  # a stage that is not prod has no store that is
        "documents_url": settings().public_url,
    }


def customers(change: Change) -> Customers:
    """The customer flow of the change's store; of a party that nobody knows, of the store that may
    get an account for it.

    Raises: UnsupportedError: no store of the configuration is meant.
    """
    name = rules.store_of(change)
    table, _ = rules.store_table(name)
    return Customers(
        name=name,
        rules=table,
        erp_name=table.erp,
        erp=connections.back_office(table.erp),
        store=connections.store(name),
        links=tables.links(),
        steps=tables.steps(),
        control=tables.control(),
        payloads=tables.payloads(),
        attention=tables.attention(),
        journal=tables.journal(),
        queues=tables.queues(),
        clock=tables.now,
    )


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
    table, _ = rules.store_table(name)
    return Products(
        name=name,
        rules=table,
        store=connections.store(name),
        levels=tables.levels(),
        queues=tables.queues(),
        journal=tables.journal(),
        items=ProductItems(
            name=name,
            rules=table,
            erp_name=table.erp,
            erp=connections.back_office(table.erp),
            links=tables.links(),
            steps=tables.steps(),
            control=tables.control(),
            clock=tables.now,
        ),
        clock=tables.now,
    )


def _flush(change: Change) -> Flush:
    name = change.ref.system
    table, _ = rules.store_table(name)
    return Flush(
        name=name,
        rules=table,
        store=connections.store(name),
        levels=tables.levels(),
        control=tables.control(),
        queues=tables.queues(),
        attention=tables.attention(),
        journal=tables.journal(),
        clock=tables.now,
        pause=time.sleep,
    )


def availability(name: str) -> Availability:
    """What the checkout of [stores.``name``] may ask, under the rules that hold now."""
    table, _ = rules.store_table(name)
    live = table.availability.live != "never"
    return Availability(
        name=name,
        rules=table,
        zone=zoneinfo.ZoneInfo(rules.config().erps[table.erp].time_zone),
        levels=tables.levels(),
        recipes=_recipes(),
        clock=tables.now,
        live=_live(table.erp, table.availability.deadline_ms) if live else None,
    )


@cache
def _recipes() -> KnownRecipes:
    return KnownRecipes(lambda erp_name: tables.levels().recipes(erp_name), tables.now)


@cache
def _live(erp_name: str, deadline_ms: int) -> LiveStock:
    seconds = Decimal(deadline_ms) / 1000
    return LiveStock(lambda: connections.back_office(erp_name, timeout=seconds), seconds)


def answers(name: str) -> "DynamoAnswers | None":
    """What [stores.``name``]'s checkout was answered, as long as the goods are kept; None where
    none are."""
    minutes = rules.store_table(name)[0].availability.hold_minutes
    return _answers(minutes) if minutes else None


@cache
def _answers(minutes: int) -> "DynamoAnswers":
    from accord.state.answers import DynamoAnswers  # 25 ms of Powertools, for the checkout only

    # A little less than the hold, so that no answer names one that is over.
    return DynamoAnswers(*tables.table("levels"), kept_s=60 * minutes - 5)
