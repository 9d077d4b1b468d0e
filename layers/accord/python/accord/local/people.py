"""What people do on both sides of a running `Place`, and what both sides say afterwards.

A shopper orders and a merchant works over the store's REST interface, a clerk in the back office
over its own. What Accord makes of it comes through the real webhooks, queues and schedules.
"""

import contextlib
import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self
from urllib.parse import quote

import httpx

from accord.errors import BadInputError, UnavailableError
from accord.local.place import STAGE, WEBHOOK_SECRET, Place
from accord.local.store.catalogue import catalogue
from accord.model.change import Change, Ref
from accord.model.documents import Kind, Record
from accord.model.keys import order_key, payment_key, refund_key
from accord.model.progress import Invoice
from accord.ports.erp import ErpAdapter
from accord.rules.ordering import FulfilmentRules, InvoiceRules
from accord.sync.feed import EVENTS
from accord.woo.client import OAuth1
from accord.woo.webhook import FOLLOWED

Json = dict[str, Any]

ADA: Json = {
    "first_name": "Ada",
    "last_name": "Byron",
    "company": "",
    "address_1": "12 Analytical Row",
    "address_2": "",
    "city": "London",
    "postcode": "SW1A 1AA",
    "country": "GB",
    "state": "",
    "email": "ada@example.com",
    "phone": "020 7946 1111",
}
_KINDS = ("sales_order", "shipment", "invoice", "party")
_SCHEDULED = frozenset({"poll_erp", "wake"})
# While the store has sold what no order tells of, every look at the stock has it looked at again.
_LEVELLED = frozenset({"stock_changed", "price_changed"})
_IDLE_S = 120.0
_PRODUCTS = f"accord-{STAGE}-product-updated.fifo"


@dataclass(slots=True)
class Shopfront:
    """The store's stand-in as its shoppers and its merchant use it. Each act is delivered at once.

    Raises: RejectedError by way of BadInputError: the store refuses, with its own words.
    """

    http: httpx.Client
    place: Place

    @classmethod
    @contextlib.contextmanager
    def open(cls, place: Place) -> Iterator[Self]:
        """With webhooks for every topic that Accord follows."""
        store = place.store
        auth = OAuth1(store.home, store.consumer_key, store.consumer_secret)
        base = f"{store.url}/wp-json/wc/v3/"
        with httpx.Client(base_url=base, auth=auth, timeout=60, trust_env=False) as http:
            front = cls(http, place)
            for topic in sorted(FOLLOWED):
                hook = {
                    "name": topic,
                    "topic": topic,
                    "delivery_url": place.webhook_url,
                    "secret": WEBHOOK_SECRET,
                }
                front.rest("POST", "webhooks", hook)
            yield front

    def rest(self, method: str, path: str, body: Json | None = None) -> Any:
        """One call, and what it set off delivered."""
        response = self.http.request(method, path, json=body)
        if response.is_error:
            raise BadInputError(
                f"the store answered {response.status_code} to {method} {path}: {response.text}"
            )
        self.place.store.run_queue()
        return response.json()

    def order(self, items: Mapping[str, int], **fields: Any) -> str:
        """A shopper orders ``items`` (SKU → quantity) with postage: the id."""
        lines = [
            {"product_id": self._sold(sku), "quantity": quantity} for sku, quantity in items.items()
        ]
        body = {
            "status": "on-hold",
            "payment_method": "stripe",
            "payment_method_title": "Card",
            "billing": ADA,
            "shipping": {name: text for name, text in ADA.items() if name != "email"},
            "line_items": lines,
            "shipping_lines": [
                {"method_id": "flat_rate", "method_title": "Flat rate", "total": "4.99"}
            ],
            **fields,
        }
        return str(self.rest("POST", "orders", body)["id"])

    def _sold(self, sku: str) -> int:
        """Of the recorded products, or of those that were made since."""
        if product := catalogue().by_sku(sku):
            return product.id
        if found := self.product(sku):
            return int(found["id"])
        raise BadInputError(
            f"the store sells no {sku}; it sells {', '.join(catalogue().skus)} and what was made"
        )

    def product(self, sku: str) -> Json | None:
        """The product or variation as the store shows it now."""
        return next(iter(self.rest("GET", f"products?sku={quote(sku)}")), None)

    def change(self, order: str, **fields: Any) -> Json:
        """The merchant changes the order, in the fields' REST names."""
        changed: Json = self.rest("PUT", f"orders/{order}", fields)
        return changed

    def pay(self, order: str) -> Json:
        """The money is there."""
        return self.change(order, status="processing", set_paid=True, transaction_id="ch_demo_1")

    def refund(self, order: str, lines: Mapping[str, int] | None = None, amount: str = "") -> str:
        """Money back for ``lines`` (line id → quantity), or just ``amount``: the refund's id."""
        document = self.get(order)
        wanted, total = [], Decimal(0)
        for line in document["line_items"]:
            count = (lines or {}).get(str(line["id"]))
            if count is None:
                continue
            part = Decimal(count) / line["quantity"]
            net = (Decimal(line["total"]) * part).quantize(Decimal("0.01"))
            taxes = [
                {
                    "id": tax["id"],
                    "refund_total": str((Decimal(tax["total"]) * part).quantize(Decimal("0.01"))),
                }
                for tax in line["taxes"]
            ]
            total += net + sum(Decimal(tax["refund_total"]) for tax in taxes)
            wanted.append(
                {
                    "id": line["id"],
                    "quantity": count,
                    "refund_total": str(net),
                    "refund_tax": taxes,
                }
            )
        body = {
            "amount": amount or str(total),
            "reason": "sent back",
            "api_refund": False,
            "line_items": wanted,
        }
        return str(self.rest("POST", f"orders/{order}/refunds", body)["id"])

    def get(self, order: str) -> Json:
        document: Json = self.rest("GET", f"orders/{order}")
        return document

    def notes(self, order: str) -> list[str]:
        """Texts, oldest first."""
        return [each["note"] for each in reversed(self.rest("GET", f"orders/{order}/notes"))]

    def refunds(self, order: str) -> list[Json]:
        found: list[Json] = self.rest("GET", f"orders/{order}/refunds")
        return found


@dataclass(frozen=True, slots=True)
class Sides:
    """One order, as the store and as the back office tell of it. Amounts are texts of the store's
    currency; what there is none of is empty."""

    status: str
    total: str
    refunded: str
    tracking: str
    invoice: str
    document: str
    gross: str
    paid: str
    shipped: str
    invoiced: str
    credited: str

    @property
    def agree(self) -> bool:
        """To the cent: the order and its document, refunds and credit notes."""
        return self.total == self.gross and self.refunded == self.credited


def both_sides(front: Shopfront, books: ErpAdapter, order: str) -> Sides:
    """What each side says of ``order`` now."""
    place = front.place
    config = place.config["stores"][place.store_name]
    document = front.get(order)
    meta = {each["key"]: each["value"] for each in document["meta_data"]}
    tracking = meta.get(FulfilmentRules().tracking_field) or []
    key = order_key(config["key"], order)
    records = books.find(Kind.SALES_ORDER, key)
    progress = books.progress(records[0].ref) if records else None
    refunded = [Decimal(each["total"]) for each in document["refunds"]]
    payments = [
        payment_key(key),
        *(payment_key(refund_key(key, str(each["id"]))) for each in document["refunds"]),
    ]
    paid = [record for name in payments for record in books.find(Kind.PAYMENT, name)]
    invoices = progress.invoices if progress else ()
    booked = [each for each in invoices if each.is_booked]
    return Sides(
        status=document["status"],
        total=document["total"],
        refunded=_cents(-sum(refunded, Decimal(0))),
        tracking=", ".join(each["tracking_number"] for each in tracking),
        invoice=meta.get(InvoiceRules().number_field, ""),
        document=f"{records[0].state.value} {records[0].number}" if records else "",
        gross=_gross(records[:1]),
        paid=_gross(paid),
        shipped=progress.shipped if progress else "",
        invoiced=_gross([each for each in booked if each.kind is Kind.INVOICE]),
        credited=_gross([each for each in booked if each.kind is Kind.CREDIT_NOTE]),
    )


def _gross(documents: Sequence[Record | Invoice]) -> str:
    return _cents(sum((d.totals.gross.amount for d in documents if d.totals), Decimal(0)))


def _cents(amount: Decimal) -> str:
    return f"{amount:.2f}" if amount else ""


def settle(place: Place, *, polls: Sequence[str] = _KINDS, rounds: int = 6) -> None:
    """Until neither side has anything left to tell: deliveries, queues, what `poll_erp` finds.

    The schedules pause meanwhile: what they look for is looked for here.

    Raises: UnavailableError: it does not come to rest, or a poll fails; the logs say why.
    """
    before = -1
    with place.stack.unscheduled():
        for _ in range(rounds):
            place.store.run_queue()
            _rest(place)
            if (now := _handled(place)) == before:
                return
            before = now
            _poll(place, polls)
            _rest(place)
            hurry(place)
    raise UnavailableError(f"both sides go on telling of changes; see the logs in {place.work}")


def _poll(place: Place, kinds: Sequence[str]) -> None:
    erp = place.config["stores"][place.store_name]["erp"]
    for kind in kinds:
        answer = place.stack.invoke("poll_erp", {"erp": erp, "kind": kind})
        if not answer.ok:
            raise UnavailableError(f"poll_erp of {kind} failed; see the logs in {place.work}")


def hurry(place: Place) -> None:
    """Has sent what the store is still to be sent of stock, prices and products.

    `poll_erp` queues that once a minute at most, and what a second look finds in the same minute
    with the next one's. Nobody here waits for that.
    """
    from accord.state.levels import DynamoLevels

    levels = DynamoLevels(place.stack.client("dynamodb"), f"accord-{STAGE}-levels")
    for kind, event in EVENTS.items():
        if not levels.dirty(place.store_name, kind, limit=1):
            continue
        now = dt.datetime.now(dt.UTC)
        id_ = uuid.uuid4().hex
        change = Change(Ref(place.store_name, "levels", kind), event, now, f"hurry-{id_}")
        queue = place.stack.resources.queue(f"accord-{STAGE}-{event.replace('_', '-')}.fifo")
        place.stack.client("sqs").send_message(
            QueueUrl=queue.url,
            MessageBody=change.to_json(),
            MessageGroupId=change.group,
            MessageDeduplicationId=id_,
        )
    _rest(place)


def _rest(place: Place) -> None:
    # A product that moved before its order was known is looked at again in two minutes, for nobody.
    if not place.stack.wait_idle(_IDLE_S, not_for=[_PRODUCTS]):
        raise UnavailableError(f"not everything was handled; see the logs in {place.work}")


def _handled(place: Place) -> int:
    """Invocations so far of what handles changes; schedules run by themselves."""
    counts = place.stack.counts()
    aside = _SCHEDULED | _LEVELLED
    return sum(count.invocations for name, count in counts.items() if name not in aside)
