"""What a store shows on its shelves, beside what lies in a real Tryton's warehouses.

`Market` is a `Town` looked at by its goods: both sides settle with stock, prices and items polled,
and every look at the store is a plain REST call of a shopper's eye.
"""

import datetime as dt
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from accord.checkout import Request
from accord.local.people import settle
from accord.local.place import CHECKOUT_SECRET
from accord.model.change import Change, Ref
from accord.model.stock import Limit
from accord.ports.levels import Hold
from accord.state.levels import DynamoLevels
from accord.state.rules_store import DynamoRulesStore
from accord.state.waiting import DynamoWaiting
from tests.journeys.town import Json, Town

STOCK = ("recipe", "stock")
GOODS = ("recipe", "item", "stock", "price")
_BATCHES = (
    "POST /wp-json/wc/v3/products/batch",
    "POST /wp-json/wc/v3/products/{}/variations/batch",
)


@dataclass(slots=True)
class Market:
    """A town's shelves."""

    town: Town

    # --- what people do ------------------------------------------------------------

    def listed(self, *skus: str, **fields: Any) -> None:
        """New simple products of the store, of which none are there."""
        counted = {"manage_stock": True, "stock_quantity": 0, "status": "publish"}
        products = [
            {"name": f"Our {sku}", "sku": sku, "regular_price": "10.00", **counted, **fields}
            for sku in skus
        ]
        made = self.town.front.rest("POST", "products/batch", {"create": products})
        assert [each["sku"] for each in made["create"]] == list(skus), made

    def settled(self, polls: Sequence[str] = STOCK) -> None:
        """Neither side has anything left to tell. Orders may wait."""
        settle(self.town.place, polls=polls)

    def swept(self, kind: str, polls: Sequence[str] = STOCK) -> None:
        """As in a night: every item is read once more."""
        answer = self.town.place.stack.invoke(
            "poll_erp", {"erp": "main", "kind": kind, "sweep": "yes"}
        )
        assert answer.ok
        self.settled(polls)

    def hold(self, store: str, needs: Mapping[str, int], *, for_: dt.timedelta) -> str:
        """Goods kept for a basket of ``store``, as its checkout asks for them: the hold's id."""
        now = dt.datetime.now(dt.UTC)
        wanted = {item: Decimal(count) for item, count in needs.items()}
        held = self.levels.holdings("main", list(needs))
        limits = [
            Limit(item, sum(held[item].free.values(), Decimal(0)), held[item].basis)
            for item in needs
        ]
        id_ = uuid.uuid4().hex
        assert self.levels.hold(Hold(id_, store, "main", wanted, now + for_), limits, now=now)
        return id_

    def asked_at_checkout(
        self, items: Mapping[str, int], *, hold: bool = False, replaces: str = ""
    ) -> Json:
        """What a basket's checkout is answered."""
        place = self.town.place
        lines = [{"sku": sku, "quantity": count} for sku, count in items.items()]
        asked = {"id": uuid.uuid4().hex, "items": lines, "hold": hold, "replaces": replaces}
        body = json.dumps(asked).encode()
        signed = {"x-accord-time": str(int(time.time())), "x-accord-nonce": uuid.uuid4().hex}
        signature = Request(place.store_name, signed, body, "").signature(CHECKOUT_SECRET)
        with httpx.Client(timeout=60, trust_env=False) as client:
            answer = client.post(
                f"{place.stack.url}/stores/{place.store_name}/availability",
                headers={**signed, "x-accord-signature": signature},
                content=body,
            )
        assert answer.status_code == 200, answer.text
        said: Json = answer.json()
        return said

    def mapped(self, **mappings: Json) -> None:
        """New rules hold: tables of the store's mappings, each with more in it."""
        store = self.town.place.config["stores"][self.town.place.store_name]
        for name, table in mappings.items():
            store["mappings"][name].update(table)
        rules = DynamoRulesStore(self._dynamo, "accord-dev-config")
        latest = rules.latest()
        rules.push(
            {"stores": {self.town.place.store_name: {"mappings": _plain(store["mappings"])}}},
            version=(latest[0] if latest else 0) + 1,
            now=dt.datetime.now(dt.UTC),
            by="tests",
            why="it was missing",
        )

    def told_late(self, sku: str, ago: dt.timedelta) -> None:
        """What the store shows of ``sku``, as a delivery tells it that lay in the queue so long."""
        product = self.shown(sku)
        change = Change(
            ref=Ref(self.town.place.store_name, "product", str(product["id"])),
            event="product_updated",
            seen_at=dt.datetime.now(dt.UTC) - ago,
            correlation_id=uuid.uuid4().hex,
        )
        stack = self.town.place.stack
        stack.client("sqs").send_message(
            QueueUrl=stack.resources.queue("accord-dev-product-updated.fifo").url,
            MessageBody=change.to_json(),
            MessageGroupId=change.group,
            MessageDeduplicationId=change.correlation_id,
        )
        assert stack.wait_idle(120)

    # --- what both sides say ---------------------------------------------------------

    def shown(self, sku: str) -> Json:
        """The product, or the variation in the form of one."""
        product = self.town.front.product(sku)
        assert product is not None, f"the store has no {sku}"
        return product

    def quantities(self, *skus: str) -> dict[str, int]:
        """How many the store offers."""
        return {sku: self.shown(sku)["stock_quantity"] for sku in skus}

    def prices(self, sku: str) -> tuple[str, str]:
        """(regular, sale)."""
        product = self.shown(sku)
        return product["regular_price"], product["sale_price"]

    def meta(self, sku: str) -> dict[str, Any]:
        return {each["key"]: each["value"] for each in self.shown(sku)["meta_data"]}

    def writes(self) -> int:
        """Batches that the store was sent since ``forget_calls``."""
        calls = self.town.place.store.calls()["calls"]
        return sum(calls.get(name, 0) for name in _BATCHES)

    def parked(self) -> list[str]:
        """What waits, by its ref."""
        waiting = DynamoWaiting(self._dynamo, "accord-dev-waiting")
        return [str(each.change.ref) for cause in waiting.causes() for each in waiting.of(cause)]

    def handled(self, *functions: str) -> int:
        """How many messages these handled so far."""
        counts = self.town.place.stack.counts()
        return sum(counts[name].invocations for name in functions)

    @property
    def levels(self) -> DynamoLevels:
        return DynamoLevels(self._dynamo, "accord-dev-levels")

    @property
    def _dynamo(self) -> Any:
        return self.town.place.stack.client("dynamodb")


def _plain(table: Any) -> Any:
    """As JSON holds it: amounts as text."""
    if isinstance(table, Mapping):
        return {key: _plain(each) for key, each in table.items()}
    if isinstance(table, list | tuple):
        return [_plain(each) for each in table]
    return str(table) if isinstance(table, Decimal) else table
