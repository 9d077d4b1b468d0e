"""How many orders one core reads, decides on and writes out in the back office's words."""

import datetime as dt
import random
import statistics
import time

from accord.local.store.orders import make_order
from accord.model.change import Ref
from accord.ports.state import Link
from accord.rules.accounts import check_complete, document_lines
from accord.rules.config import Config
from accord.rules.routing import route
from accord.sync.decide import Create, decide
from accord.woo.mapping import from_wire


def orders_per_second(
    config: Config, *, seed: int, at: dt.datetime, orders: int = 400, rounds: int = 5
) -> float:
    """Of CPU time, the median of ``rounds``: JSON that is read already in, document lines out.

    The orders have one to six lines, with coupons, fees, shipping and several tax rates.
    """
    name, store = next(iter(config.stores.items()))
    rng = random.Random(seed)
    documents = [make_order(n, rng=rng, at=at, status="processing") for n in range(1, orders + 1)]
    links = [
        Link(Ref(name, "order", str(n)), key=f"{store.key}-{n}", version=1)
        for n in range(1, orders + 1)
    ]

    def one_round() -> float:
        started = time.process_time()
        for document, link in zip(documents, links, strict=True):
            order = from_wire(
                document,
                store=name,
                vat_keys=store.orders.vat_number,
                po_keys=store.orders.po_number,
            )
            due = decide(link, order, store.orders, route(order, store), amends=())
            assert isinstance(due, Create), due
            lines, _, _ = document_lines(order, store.mappings, store=name, erp=store.erp)
            check_complete(order, lines)
        return time.process_time() - started

    one_round()  # warms up what is made once
    return orders / statistics.median(one_round() for _ in range(rounds))
