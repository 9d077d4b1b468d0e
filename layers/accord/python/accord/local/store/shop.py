"""The stand-in's state, and what a change of it does: dates, notes, refunds, queued webhooks.

E-mails and coupons' use counts are not kept, and an order makes no account: no ``customer.created``
follows it. It takes the stock of those of its products that the shop has documents of.
"""

import datetime as dt
import itertools
import threading
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Literal

from accord.local.store.catalogue import Catalogue, catalogue
from accord.local.store.customers import customer_document, set_fields
from accord.local.store.documents import (
    STATUSES,
    Charge,
    Doc,
    Draft,
    Line,
    follow_status,
    is_email,
    item_line,
    line_meta,
    number,
    order_document,
    order_links,
    per_rate,
    recalculate,
    stamp,
    tax_line,
    text,
)
from accord.local.store.latency import NONE, Latency
from accord.local.store.meta import set_meta
from accord.local.store.setup import Setup
from accord.local.store.shelf import Shelf, no_product
from accord.local.store.stock import OrderStock
from accord.local.store.webhooks import Outbox, Sender, Webhook, send_over_http, valid_topic
from accord.local.store.wire import Refusal, invalid_param, not_one_of

ORDER_STATUSES = ["auto-draft", *(slug for slug, _ in STATUSES)]
_NAMES = dict(STATUSES)
_PLAIN_FIELDS = ("customer_note", "payment_method", "payment_method_title", "transaction_id")

LINE_KINDS = ("line_items", "shipping_lines", "fee_lines")

Flow = Literal["rest", "checkout"]


def missing(resource: str = "shop_order") -> Refusal:
    """404: no such object."""
    return Refusal(404, f"woocommerce_rest_{resource}_invalid_id", "Invalid ID.")


def no_user() -> Refusal:
    """404: no such user."""
    return Refusal(404, "wc_user_invalid_id", "Invalid user ID.", bare=True)


class Shop:
    """One store. Callers hold ``lock`` while they read or change anything but webhooks.

    ``on_change`` is told each topic that would be queued, and the object as it is then. Batches of
    products take as long as ``latency`` says, of which ``sleep`` makes time: real or told.
    """

    def __init__(
        self,
        *,
        home: str,
        clock: Callable[[], dt.datetime],
        zone: dt.tzinfo = dt.UTC,
        sender: Sender = send_over_http,
        shop: Catalogue | None = None,
        on_change: Callable[[str, Doc], object] | None = None,
        latency: Latency = NONE,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._on_change = on_change
        self.latency = latency
        self.sleep = sleep
        self.home = home.rstrip("/")
        self.zone = zone
        self.clock = clock
        self.catalogue = shop or catalogue()
        self.setup = Setup()
        self.lock = threading.RLock()
        self.orders: dict[int, Doc] = {}
        self.refunds: dict[int, list[Doc]] = {}
        self.notes: dict[int, list[Doc]] = {}
        self.customers: dict[int, Doc] = {}
        self.outbox = Outbox(
            home=self.home, clock=clock, payload=self._payload, lock=self.lock, sender=sender
        )
        self._trashed: dict[int, str] = {}  # order → its status before
        self._highest = 0  # id that an order or refund ever had
        self._ids = itertools.count(1_000_001)  # of lines, fields and notes
        self.shelf = Shelf(
            home=self.home,
            clock=clock,
            zone=zone,
            ids=self._ids,
            classes={"", *(rate.tax_class for rate in self.catalogue.rates)},
            attributes=dict(self.catalogue.attributes),
            tell=self._queue_id,
        )
        self._stock = OrderStock(self.shelf, self._ids)
        self._webhook_ids = itertools.count(1)

    @property
    def products(self) -> dict[int, Doc]:
        """Products and variations by id."""
        return self.shelf.documents

    def pause(self, seconds: float) -> None:
        """Time passes, where there is any to pass."""
        if seconds > 0:
            self.sleep(seconds)

    # --- orders ---------------------------------------------------------------

    def load(self, kind: str, documents: Iterable[Doc]) -> int:
        """Puts documents in place, ids kept, as if they had always been so. How many.

        A refund that an order names is then there too, with no more than the order says of it.
        """
        if kind == "products":
            return self.shelf.load(documents)
        if kind == "categories":
            return self.shelf.categories.load(documents)
        place: dict[int, Doc] = getattr(self, kind)
        count = 0
        for document in documents:
            place[int(document["id"])] = document
            count += 1
            for named in document.get("refunds", ()) if kind == "orders" else ():
                self._know_refund(document, named)
        return count

    def _know_refund(self, order: Doc, named: Doc) -> None:
        known = self.refunds.setdefault(int(order["id"]), [])
        if all(int(each["id"]) != int(named["id"]) for each in known):
            lines: dict[str, list[Doc]] = {kind: [] for kind in LINE_KINDS}
            amount = -Decimal(named["total"])
            whole = amount == Decimal(order["total"])
            reason = named.get("reason") or ""
            known.append(
                self._refund_document(order, int(named["id"]), amount, reason, lines, whole=whole)
            )
            known.sort(key=lambda each: -int(each["id"]))

    def load_refunds(self, order_id: int, documents: list[Doc]) -> None:
        """The order's refunds, as ``GET …/refunds`` lists them."""
        self.refunds[order_id] = documents

    def load_notes(self, order_id: int, documents: list[Doc]) -> None:
        """The order's notes, as ``GET …/notes`` lists them."""
        self.notes[order_id] = documents

    def order(self, id_: int) -> Doc:
        """Raises: Refusal: 404."""
        try:
            return self.orders[id_]
        except KeyError:
            raise missing() from None

    def place(self, document: Doc, flow: Flow = "rest") -> None:
        """A new order, complete, and the webhooks that follow from how it was made."""
        self.orders[int(document["id"])] = document
        touched = self._stock.follow(document)
        if document["status"] == "checkout-draft":  # the page was opened; it may never be placed
            self._queue("order.updated", document)
        elif flow == "checkout":  # the draft was there already, so the update comes first
            self._queue("order.updated", document)
            self._queue("order.created", document)
        else:
            self._queue("order.created", document)
            self._queue("order.updated", document)
        self._tell_of_stock(touched)

    def create_order(self, fields: Doc) -> Doc:
        """The order that REST makes of ``fields``. Twice is two orders."""
        self._check(fields)
        coupons = []
        for it in fields.get("coupon_lines") or []:
            if (coupon := self.catalogue.coupon(str(it.get("code", "")))) is None:
                draft = self._new(Draft(self._next_id(), self.clock(), status="auto-draft"))
                self.orders[draft["id"]] = draft  # left behind, as the real one does
                raise Refusal(
                    400,
                    "woocommerce_rest_invalid_coupon",
                    f"Coupon &quot;{it.get('code')}&quot; cannot be applied because it does "
                    "not exist.",
                    {"new_draft_order_id": draft["id"]},
                )
            coupons.append(coupon)
        document = self._new(
            Draft(
                id=self._next_id(),
                placed_at=self.clock(),
                status=fields.get("status")
                or ("processing" if fields.get("set_paid") else "pending"),
                currency=fields.get("currency") or "GBP",
                customer_id=int(fields.get("customer_id") or 0),
                billing=fields.get("billing") or {},
                shipping=fields.get("shipping") or {},
                payment=(
                    fields.get("payment_method") or "",
                    fields.get("payment_method_title") or "",
                ),
                transaction_id=fields.get("transaction_id") or "",
                paid=bool(fields.get("set_paid")),
                lines=tuple(self._line(it) for it in fields.get("line_items") or []),
                charges=tuple(_charge(it) for it in fields.get("shipping_lines") or []),
                fees=tuple(_charge(it) for it in fields.get("fee_lines") or []),
                coupons=tuple(coupons),
                note=fields.get("customer_note") or "",
            )
        )
        if fields.get("meta_data"):
            set_meta(document["meta_data"], fields["meta_data"], self._ids)
        self.place(document)
        return document

    def update_order(self, id_: int, fields: Doc, *, in_batch: bool = False) -> Doc:
        """A partial update: what is not named stays. It moves ``date_modified`` even if empty.

        A batch does not check the status: an unknown one becomes ``pending``.
        """
        document = self.order(id_)
        if in_batch:
            fields = dict(fields)
            if fields.get("status") not in {None, *ORDER_STATUSES}:
                fields["status"] = "pending"
            email = (fields.get("billing") or {}).get("email")
            if email and not is_email(email):
                raise Refusal(400, "order_invalid_billing_email", "Invalid billing email address")
        else:
            self._check(fields)
        at = self.clock()
        for name in _PLAIN_FIELDS:
            if name in fields:
                document[name] = fields[name]
        for name in ("billing", "shipping"):
            known = document[name]
            known.update({k: v for k, v in (fields.get(name) or {}).items() if k in known})
        if "customer_id" in fields:
            document["customer_id"] = int(fields["customer_id"])
            document["_links"] = order_links(self.home, id_, document["customer_id"])
        if fields.get("meta_data"):
            set_meta(document["meta_data"], fields["meta_data"], self._ids)
        touched = []
        if fields.get("line_items"):
            touched += self._edit_lines(document, fields["line_items"])
        was_trashed = document["status"] == "trash"
        if fields.get("set_paid") and document["date_paid"] is None:
            stamp(document, "date_paid", at, self.zone)
            fields = {"status": "processing", **fields}
        if fields.get("status"):
            self._set_status(document, fields["status"], at)
            touched += self._stock.follow(document)
        stamp(document, "date_modified", at, self.zone)
        if not was_trashed:  # brought back by a PUT: nothing is sent
            self._queue("order.updated", document)
        self._tell_of_stock(touched)
        return document

    def trash_order(self, id_: int) -> Doc:
        """To the trash. Its delivery is its id alone."""
        document = self.order(id_)
        if document["status"] != "trash":
            self._trashed[id_] = document["status"]
            document["status"] = "trash"
            document["is_editable"] = document["needs_payment"] = False
            stamp(document, "date_modified", self.clock(), self.zone)
            self._queue("order.deleted", document)
        return document

    def restore_order(self, id_: int) -> Doc:
        """Out of the trash, as a person does it in the shop."""
        document = self.order(id_)
        if document["status"] == "trash":
            document["status"] = self._trashed.pop(id_, "pending")
            at = self.clock()
            follow_status(document, at, self.zone, self.catalogue)
            stamp(document, "date_modified", at, self.zone)
            self._queue("order.restored", document)
        return document

    def delete_order(self, id_: int) -> Doc:
        """Gone for good. Nothing is sent."""
        document = self.order(id_)
        del self.orders[id_]
        self.notes.pop(id_, None)
        self.refunds.pop(id_, None)
        return document

    # --- notes ----------------------------------------------------------------

    def add_note(self, order_id: int, note: str, *, to_customer: bool = False) -> Doc:
        """A new note. Nothing is sent, and the order's ``date_modified`` does not move."""
        self.order(order_id)
        id_ = next(self._ids)
        base = f"{self.home}/wp-json/wc/v3/orders/{order_id}"
        document: Doc = {"id": id_, "author": "WooCommerce"}
        stamp(document, "date_created", self.clock(), self.zone)
        document |= {
            "note": note,
            "customer_note": to_customer,
            "_links": {
                "self": [
                    {"href": f"{base}/notes/{id_}", "targetHints": {"allow": ["GET", "DELETE"]}}
                ],
                "collection": [{"href": f"{base}/notes"}],
                "up": [{"href": base}],
            },
        }
        self.notes.setdefault(order_id, []).append(document)
        return document

    def notes_of(self, order_id: int) -> list[Doc]:
        """Newest second first; within a second, in order."""
        self.order(order_id)
        notes = sorted(self.notes.get(order_id, []), key=lambda note: int(note["id"]))
        return sorted(notes, key=lambda note: str(note["date_created"]), reverse=True)

    # --- refunds --------------------------------------------------------------

    def refund(self, order_id: int, fields: Doc) -> Doc:
        """A new refund. Its refusals come as 500. Twice is two refunds."""
        order = self.order(order_id)
        wanted = [it for it in fields.get("line_items") or [] if it.get("id")]
        amount = (
            Decimal(str(fields["amount"]))
            if fields.get("amount") not in {None, ""}
            else sum((_refund_total(it) for it in wanted), Decimal(0))
        )
        if amount < 0:
            raise Refusal(
                500,
                "woocommerce_rest_invalid_order_refund",
                "Refund amount must be greater than zero.",
                400,
            )
        left = Decimal(order["total"]) + sum(
            (Decimal(it["total"]) for it in order["refunds"]), Decimal(0)
        )
        if amount > left:
            raise _no_refund("Invalid refund amount.")
        if fields.get("api_refund", True):
            raise _no_refund(
                "The payment gateway for this order does not support automatic refunds."
            )
        touched = self._restock(order, wanted) if fields.get("api_restock", True) else []
        refund = self._add_refund(order, amount, str(fields.get("reason") or ""), wanted, left)
        self._tell_of_stock(touched)
        return refund

    def _restock(self, order: Doc, wanted: list[Doc]) -> list[int]:
        """Refunded goods are in stock again. The products whose stock moved."""
        lines = {line["id"]: line for line in order["line_items"]}
        touched = []
        for it in wanted:
            quantity = int(it.get("quantity") or 0)
            if quantity and it["id"] in lines:
                touched += self._stock.restock(lines[it["id"]], quantity)
        return touched

    def delete_refund(self, order_id: int, id_: int) -> Doc:
        """Gone for good, without asking for ``force``; nothing is sent and no date moves."""
        order = self.order(order_id)
        refund = self.refund_of(order_id, id_)
        self.refunds[order_id].remove(refund)
        order["refunds"] = [it for it in order["refunds"] if it["id"] != id_]
        return refund

    def refund_of(self, order_id: int, id_: int) -> Doc:
        """Raises: Refusal: 404."""
        self.order(order_id)
        for refund in self.refunds.get(order_id, []):
            if refund["id"] == id_:
                return refund
        raise missing("shop_order_refund")

    # --- customers --------------------------------------------------------------

    def customer(self, id_: int) -> Doc:
        """Raises: Refusal: 404."""
        try:
            return self.customers[id_]
        except KeyError:
            raise no_user() from None

    def create_customer(self, fields: Doc) -> Doc:
        """A new account. An e-mail address has one at most, whatever its letter case."""
        email = str(fields.get("email") or "")
        document = customer_document(
            fields,
            id_=max([0, *self.customers]) + 1,
            usernames={str(it["username"]) for it in self.customers.values()},
            home=self.home,
            at=self.clock(),
            zone=self.zone,
        )
        if self._account_of(email):
            raise Refusal(
                400,
                "registration-error-email-exists",
                f"An account is already registered with {email}. Please log in or use a "
                "different email address.",
            )
        set_meta(document["meta_data"], fields.get("meta_data") or [], self._ids)
        self.customers[document["id"]] = document
        self._queue("customer.created", document)
        self._queue("customer.updated", document)
        return document

    def update_customer(self, id_: int, fields: Doc) -> Doc:
        """A partial update. It moves ``date_modified`` even if empty."""
        document = self.customer(id_)
        email = str(fields.get("email") or "")
        # Its own address in other letter case is taken too, by itself.
        if email and email != document["email"] and self._account_of(email):
            raise Refusal(
                400, "woocommerce_rest_customer_invalid_email", "Email address is invalid."
            )
        set_fields(document, fields)
        set_meta(document["meta_data"], fields.get("meta_data") or [], self._ids)
        stamp(document, "date_modified", self.clock(), self.zone)
        self._queue("customer.updated", document)
        return document

    def delete_customer(self, id_: int) -> Doc:
        """Gone: of what is gone for good, only a customer is told of."""
        document = self.customer(id_)
        del self.customers[id_]
        self._queue("customer.deleted", document)
        return document

    def _account_of(self, email: str) -> Doc | None:
        wanted = email.lower()
        found = (it for it in self.customers.values() if str(it["email"]).lower() == wanted)
        return next(found, None)

    # --- webhooks ---------------------------------------------------------------

    def create_webhook(self, fields: Doc) -> Webhook:
        """The new webhook, pinged. What the ping is answered does not matter, nor any status sent.

        Do not hold the lock: the ping is a request.
        """
        topic = str(fields.get("topic", ""))
        if not valid_topic(topic):
            raise Refusal(
                400,
                "woocommerce_rest_shop_webhook_invalid_topic",
                "Webhook topic is required and must be valid.",
            )
        url = str(fields.get("delivery_url", ""))
        _check_delivery_url(url)
        with self.lock:
            id_ = next(self._webhook_ids)
            at = self.clock()
            webhook = Webhook(
                id=id_,
                name=fields.get("name") or f"Webhook created on {at:%b %d, %Y @ %I:%M %p}",
                topic=topic,
                delivery_url=url,
                # Left out, the real store invents one and never shows it.
                secret=fields.get("secret") or f"invented-{id_:050d}"[-50:],
                created_at=at,
            )
            self.outbox.webhooks[id_] = webhook
        self.outbox.ping(webhook)
        return webhook

    def update_webhook(self, id_: int, fields: Doc) -> Webhook:
        """A partial update; pings if none was answered yet. Do not hold the lock."""
        with self.lock:
            webhook = self.webhook(id_)
            if "status" in fields:
                if fields["status"] not in {"active", "paused", "disabled"}:
                    raise not_one_of("status", ["active", "paused", "disabled"])
                webhook.status = fields["status"]
            if "delivery_url" in fields:
                _check_delivery_url(fields["delivery_url"])
                webhook.pinged = webhook.pinged and webhook.delivery_url == fields["delivery_url"]
                webhook.delivery_url = fields["delivery_url"]
            webhook.name = fields.get("name") or webhook.name
            webhook.secret = fields.get("secret") or webhook.secret
            webhook.modified_at = self.clock()
        self.outbox.ping(webhook)
        return webhook

    def webhook(self, id_: int) -> Webhook:
        """Raises: Refusal: 404."""
        try:
            return self.outbox.webhooks[id_]
        except KeyError:
            raise missing("shop_webhook") from None

    # --- inside -----------------------------------------------------------------

    def _payload(self, topic: str, id_: int) -> object:
        """The body of a delivery, as the object is now: it may be gone, and then it is an error."""
        if topic.endswith(".deleted"):
            return {"id": id_}
        if topic.startswith("customer."):
            return self.customers.get(id_) or no_user().body()
        if topic.startswith("product."):
            return self.shelf.delivered(id_) or no_product().body()
        if topic.startswith("coupon."):
            return missing("shop_coupon").body()
        return self.orders.get(id_) or missing().body()

    def _queue_id(self, topic: str, id_: int) -> None:
        self.outbox.queue(topic, id_)
        if self._on_change:
            told: Any = {"id": id_} if topic.endswith(".deleted") else self._payload(topic, id_)
            self._on_change(topic, told)

    def _tell_of_stock(self, touched: Iterable[int]) -> None:
        for id_ in dict.fromkeys(touched):
            self._queue_id("product.updated", id_)

    def _queue(self, topic: str, document: Doc) -> None:
        id_ = int(document["id"])
        self.outbox.queue(topic, id_)
        if self._on_change:
            self._on_change(topic, {"id": id_} if topic.endswith(".deleted") else document)

    def _next_id(self) -> int:
        """Orders and refunds share one series, in which no number comes twice."""
        refunds = (it["id"] for listed in self.refunds.values() for it in listed)
        self._highest = max([self._highest, *self.orders, *(int(id_) for id_ in refunds)]) + 1
        return self._highest

    def _new(self, draft: Draft) -> Doc:
        return order_document(
            draft, home=self.home, ids=self._ids, shop=self.catalogue, zone=self.zone
        )

    def _check(self, fields: Doc) -> None:
        """What the single endpoints check, and a batch does not."""
        if fields.get("status") not in {None, *ORDER_STATUSES}:
            raise not_one_of("status", ORDER_STATUSES)
        email = (fields.get("billing") or {}).get("email")
        if email and not is_email(email):
            raise invalid_param("billing", "Invalid email address.", "rest_invalid_email")
        customer = fields.get("customer_id")
        if customer and int(customer) not in self.customers:
            raise Refusal(400, "woocommerce_rest_invalid_customer_id", "Customer ID is invalid.")

    def _line(self, fields: Doc) -> Line:
        """A line that REST was given. A product that is not there is taken all the same."""
        id_ = fields.get("variation_id") or fields.get("product_id") or 0
        product = self.shelf.sold(int(id_)) or self.catalogue.product(int(id_))
        if product is None and fields.get("sku"):
            known = self.shelf.find(str(fields["sku"]))
            product = self.shelf.sold(known["id"]) if known else None
            product = product or self.catalogue.by_sku(str(fields["sku"]))
        total = fields.get("total")
        return Line(
            product,
            int(fields.get("quantity", 1)),
            meta=tuple((it["key"], str(it["value"])) for it in fields.get("meta_data") or []),
            total=Decimal(str(total)) if total is not None else None,
        )

    def _edit_lines(self, document: Doc, lines: list[Doc]) -> list[int]:
        """By id: quantity 0 removes, another quantity leaves the money as it was. Else: added.

        The stock follows: the products whose stock moved.
        """
        touched: list[int] = []
        for fields in lines:
            if not fields.get("id"):
                line = self._line(fields)
                price = line.product.price if line.product else Decimal(0)
                amount = line.total if line.total is not None else price * line.quantity
                country = (document["shipping"] or document["billing"]).get("country", "")
                tax_class = line.product.tax_class if line.product else ""
                document["line_items"].append(
                    item_line(
                        line,
                        id_=next(self._ids),
                        subtotal=amount,
                        total=amount,
                        rates=self.catalogue.rates_for(country, tax_class),
                        ids=self._ids,
                    )
                )
                touched += self._stock.adjust(document, document["line_items"][-1], line.quantity)
                continue
            kept = next((it for it in document["line_items"] if it["id"] == fields["id"]), None)
            if kept is None:
                raise Refusal(
                    400, "woocommerce_rest_invalid_item_id", "Order item ID provided is not valid."
                )
            if fields.get("quantity") == 0:
                touched += self._stock.adjust(document, kept, 0)
                document["line_items"].remove(kept)
                continue
            if "quantity" in fields:
                kept["quantity"] = int(fields["quantity"])
                touched += self._stock.adjust(document, kept, kept["quantity"])
            if "total" in fields or "subtotal" in fields:
                self._price_line(kept, fields)
        recalculate(document, self._ids, self.catalogue)
        return touched

    def _price_line(self, line: Doc, fields: Doc) -> None:
        """Its money anew, and its taxes by the rates that it had."""
        rates = {rate.id: rate for rate in self.catalogue.rates}
        for name in ("subtotal", "total"):
            if name in fields:
                line[name] = text(Decimal(str(fields[name])))
            for tax in line["taxes"]:
                if rate := rates.get(tax["id"]):
                    tax[name] = text(Decimal(line[name]) * rate.percent / 100)
            taxes = (Decimal(tax[name] or 0) for tax in line["taxes"])
            line[f"{name}_tax"] = text(sum(taxes, Decimal(0)))
        if line["quantity"]:
            each = Decimal(line["total"]) / line["quantity"]
            line["price"] = number(each.quantize(Decimal("0.000001")).normalize())

    def _set_status(self, document: Doc, status: str, at: dt.datetime) -> None:
        before = document["status"]
        document["status"] = status
        follow_status(document, at, self.zone, self.catalogue)
        if before == status:
            return
        self.add_note(
            int(document["id"]),
            f"Order status changed from {_NAMES.get(before, before)} to "
            f"{_NAMES.get(status, status)}.",
        )
        left = Decimal(document["total"]) + sum(
            (Decimal(it["total"]) for it in document["refunds"]), Decimal(0)
        )
        if status == "refunded" and left > 0:  # by itself, and without lines
            self._add_refund(document, left, "Order fully refunded.", [], left)

    def _add_refund(
        self, order: Doc, amount: Decimal, reason: str, wanted: list[Doc], left: Decimal
    ) -> Doc:
        id_ = self._next_id()
        order_id = int(order["id"])
        whole = amount == left and amount > 0
        lines: dict[str, list[Doc]] = {kind: [] for kind in LINE_KINDS}
        for it in wanted:
            kind, line = self._refund_line(order, it)
            lines[kind].append(line)
        document = self._refund_document(order, id_, amount, reason, lines, whole=whole)
        self.refunds.setdefault(order_id, []).insert(0, document)
        order["refunds"].insert(0, {"id": id_, "reason": reason, "total": f"-{text(amount)}"})
        at = self.clock()
        if whole and order["status"] != "refunded":
            order["status"] = "refunded"
            follow_status(order, at, self.zone, self.catalogue)
        stamp(order, "date_modified", at, self.zone)
        self._queue("order.updated", order)
        return document

    def _refund_document(
        self,
        order: Doc,
        id_: int,
        amount: Decimal,
        reason: str,
        lines: dict[str, list[Doc]],
        *,
        whole: bool,
    ) -> Doc:
        base = f"{self.home}/wp-json/wc/v3/orders/{order['id']}"
        document: Doc = {"id": id_}
        stamp(document, "date_created", self.clock(), self.zone)
        return document | {
            "amount": text(amount),
            "reason": reason,
            "refunded_by": 1,
            "refunded_payment": False,
            "meta_data": [
                {
                    "id": next(self._ids),
                    "key": "_refund_type",
                    "value": "full" if whole else "partial",
                }
            ],
            "line_items": lines["line_items"],
            "shipping_lines": lines["shipping_lines"],
            "tax_lines": self._refund_taxes(lines),
            "fee_lines": lines["fee_lines"],
            "_links": {
                "self": [
                    {"href": f"{base}/refunds/{id_}", "targetHints": {"allow": ["GET", "DELETE"]}}
                ],
                "collection": [{"href": f"{base}/refunds"}],
                "up": [{"href": base}],
            },
        }

    def _refund_line(self, order: Doc, fields: Doc) -> tuple[str, Doc]:
        """Which of the refund's lists, and the line: the order's, below zero, tied to it."""
        kind, sold = next(
            ((kind, it) for kind in LINE_KINDS for it in order[kind] if it["id"] == fields["id"]),
            ("", None),
        )
        if sold is None:
            raise Refusal(
                400, "woocommerce_rest_invalid_item_id", "Order item ID provided is not valid."
            )
        total = Decimal(str(fields.get("refund_total") or 0))
        goods = kind == "line_items"
        taxes = [
            {
                "id": it["id"],
                "total": text(-_amount(it)),
                "subtotal": text(-_amount(it)) if goods else "",
            }
            for it in fields.get("refund_tax") or []
        ]
        tax = sum((Decimal(str(it["total"])) for it in taxes), Decimal(0))
        line = {
            **sold,
            "id": next(self._ids),
            "total": text(-total),
            "total_tax": text(tax),
            "taxes": taxes,
            "meta_data": [line_meta(next(self._ids), "_refunded_item_id", str(sold["id"]))],
        }
        if goods:
            quantity = int(fields.get("quantity") or 0)
            price = total / quantity if quantity else Decimal(0)
            line |= {
                "quantity": -quantity,
                "subtotal": text(-total),
                "subtotal_tax": text(tax),
                "price": number(price.quantize(Decimal("0.000001")).normalize()),
            }
        return kind, line

    def _refund_taxes(self, lines: dict[str, list[Doc]]) -> list[Doc]:
        rates = {rate.id: rate for rate in self.catalogue.rates}
        return [
            tax_line(next(self._ids), rates[id_], goods, shipping)
            for id_, goods, shipping in per_rate(
                [*lines["line_items"], *lines["fee_lines"]], lines["shipping_lines"]
            )
            if id_ in rates
        ]


def _amount(fields: Doc) -> Decimal:
    return Decimal(str(fields.get("refund_total") or 0))


def _refund_total(fields: Doc) -> Decimal:
    return _amount(fields) + sum((_amount(it) for it in fields.get("refund_tax") or []), Decimal(0))


def _no_refund(message: str) -> Refusal:
    return Refusal(500, "woocommerce_rest_cannot_create_order_refund", message, 500)


def _check_delivery_url(url: object) -> None:
    if not str(url).startswith(("http://", "https://")):
        raise Refusal(
            400,
            "woocommerce_rest_shop_webhook_invalid_delivery_url",
            "Webhook delivery URL must be a valid URL starting with http:// or https://.",
        )


def _charge(fields: Doc) -> Charge:
    return Charge(
        str(fields.get("method_id", "")),
        str(fields.get("method_title") or fields.get("name") or ""),
        Decimal(str(fields.get("total") or 0)),
        str(fields.get("instance_id", "")),
    )
