"""What the flows make of a document before they do anything: read, route, decide, find the codes.

A document that says nonsense is refused with an ``AccordError``, which names the field; nothing
else may come out.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from accord.errors import AccordError
from accord.local.fuzz.bodies import STORE, altered
from accord.local.fuzz.door import Verdict
from accord.model.change import Change, Ref
from accord.model.documents import SalesOrder, State
from accord.ports.state import Link
from accord.rules.accounts import check_complete, document_lines
from accord.rules.config import Config
from accord.rules.routing import route
from accord.sync.decide import decide
from accord.sync.demand import taken
from accord.sync.fingerprint import content
from accord.woo.customers import customer_from_wire, customer_to_wire
from accord.woo.mapping import from_wire
from accord.woo.products import product_from_wire
from accord.woo.refunds import refund_from_wire

Json = dict[str, Any]


class Reader:
    """Reads what was queued, by the rules of the first store of ``config``."""

    def __init__(self, config: Config) -> None:
        self._rules = next(iter(config.stores.values()))

    def read(self, verdict: Verdict, rng: Random) -> Verdict:
        """``verdict`` with what came of reading what was queued, if anything was."""
        change = verdict.queued
        if change is None:
            return verdict
        began = time.thread_time()
        wrong, refused = "", False
        try:
            self._take(change, rng)
        except AccordError:
            refused = True
        except Exception as error:  # noqa: BLE001 - whatever it is, it has escaped
            wrong = f"escaped from the {change.ref.kind}'s reading: {error!r:.200}"
        cpu = verdict.cpu_s + time.thread_time() - began
        return replace(verdict, wrong=verdict.wrong or wrong, cpu_s=cpu, refused=refused)

    def _take(self, change: Change, rng: Random) -> None:
        document = change.document
        if document is None:
            return
        vat = self._rules.orders.vat_number
        match change.ref.kind:
            case "customer":
                found = customer_from_wire(document, store=STORE, vat_keys=vat)
                customer_to_wire(found.profile, vat_keys=vat)
            case "product":
                product_from_wire(document, store=STORE)
            case _:
                order = from_wire(
                    document, store=STORE, vat_keys=vat, po_keys=self._rules.orders.po_number
                )
                self._decide(order)
                refund = refund_of(document, rng)
                refund_from_wire(refund, order)

    def _decide(self, order: SalesOrder) -> None:
        content(order)
        taken(order, {})
        routed = route(order, self._rules)
        for link in (self._new(order), self._posted(order)):
            decide(link, order, self._rules.orders, routed, amends={State.QUOTATION})
        lines, _, _ = document_lines(order, self._rules.mappings, store=STORE, erp=self._rules.erp)
        check_complete(order, lines)

    def _new(self, order: SalesOrder) -> Link:
        return Link(order.ref, key=f"{self._rules.key}-{order.ref.id}", version=1)

    def _posted(self, order: SalesOrder) -> Link:
        facts = {"state": State.QUOTATION.value, "content": "another"}
        erp = Ref(self._rules.erp, "sales_order", "1")
        return Link(order.ref, key=f"{self._rules.key}-1", version=1, erp=erp, facts=facts)


def refund_of(order: Mapping[str, Any], rng: Random) -> Json:
    """A refund of ``order`` as the store would tell it, something odd in one of three."""
    lines = order.get("line_items")
    refund: Json = {
        "id": 7,
        "date_created_gmt": "2026-11-22T15:01:05",
        "amount": str(order.get("total")),
        "reason": "",
        "line_items": [_turned(line) for line in lines] if isinstance(lines, list) else lines,
        "tax_lines": order.get("tax_lines", []),
    }
    paths: Sequence[tuple[str | int, ...]] = [(name,) for name in refund]
    return altered(refund, paths, rng) if rng.random() < 0.3 else refund


def _turned(line: object) -> object:
    if not isinstance(line, dict):
        return line
    meta = [{"key": "_refunded_item_id", "value": str(line.get("id"))}]
    return {**line, "quantity": -1, "meta_data": meta}
