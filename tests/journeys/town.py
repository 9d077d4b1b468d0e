"""A store, its shoppers and a clerk at a real Tryton, joined by the whole local stack.

`Town` asks both sides and what lies between: Tryton by way of the adapter and by way of its
administrator, for the adapter might be wrong; the store by way of REST; the attention list.
"""

import contextlib
import datetime as dt
import functools
import http.server
import itertools
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import httpx

from accord.aws import AwsClient, Credentials
from accord.erp.tryton.adapter import Tryton
from accord.local import tryton
from accord.local.people import ADA, Shopfront, settle
from accord.local.place import REPO, WEBHOOK_SECRET, Place, toml_of
from accord.local.recorded import read_all, references
from accord.local.runner.resources import ACCOUNT, REGION
from accord.local.store.deliveries import sign
from accord.local.tryton import Catalogue, TrytonServer
from accord.local.tryton.desk import Desk
from accord.model.change import Ref
from accord.model.documents import Kind, Record
from accord.model.progress import Progress
from accord.ports.state import Item, Link
from accord.queues import SqsQueues
from accord.state.attention import DynamoAttention
from accord.state.documents import S3Documents
from accord.state.links import DynamoLinks
from accord.state.payloads import S3Payloads
from accord.sync.resolve import Resolver
from infra.events import POLLED

Json = dict[str, Any]
DELIVERIES = REPO / "events" / "receive_store_webhook"
REVERSE = "Reverse charge"
MUG, WIDGET, SEAT = "MUG-1", "WID-BLUE", "SEAT-1"  # 5.25 and 19.99 with 20 %, 89.00 with 5 %
_CONTEXT = {"company": 1, "language": "en"}
_WAKINGS = 10


def configured(**tables: Json) -> Json:
    """accord.toml's configuration with ``tables`` of its store changed: ``invoices={…}``."""
    config = toml_of(REPO / "accord.toml")
    (store,) = config["stores"].values()
    for name, table in tables.items():
        for key, value in table.items():
            if isinstance(value, dict):
                store[name].setdefault(key, {}).update(value)
            else:
                store[name][key] = value
    return config


@dataclass(slots=True)
class Town:
    """Everything runs while ``open`` is entered; each test brings orders of its own."""

    place: Place
    front: Shopfront
    desk: Desk
    erp: Tryton
    told: "Recorder"
    _names: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _known: frozenset[str] = frozenset()

    @classmethod
    @contextlib.contextmanager
    def open(cls, config: Json, work: Path) -> Iterator[Self]:
        """On a stack of its own, whose schedules are waited for by nobody: `settled` looks itself."""
        refers_to = references(read_all(DELIVERIES))
        # AWS's time five times as fast, which is what a message waits that was not its turn.
        with (
            Place(config=config, references=refers_to, work=work, speed=5) as place,
            # At this speed one always runs, and all of them after every pause of theirs.
            place.stack.unscheduled(),
            cls.at(place) as town,
        ):
            yield town

    @classmethod
    @contextlib.contextmanager
    def at(cls, place: Place) -> Iterator[Self]:
        """At a ``place`` that runs already."""
        books = place.books
        assert isinstance(books, TrytonServer)
        tryton.seed(books, Catalogue(taxes={REVERSE: Decimal(0)}))
        desk = Desk(books)
        desk.stock_up([MUG, WIDGET, SEAT], 1000)
        with Shopfront.open(place) as front, Recorder() as told:
            for hook in front.rest("GET", "webhooks?per_page=100"):
                copy = {"name": "copy", "topic": hook["topic"], "delivery_url": told.url}
                front.rest("POST", "webhooks", {**copy, "secret": WEBHOOK_SECRET})
            yield cls(place, front, desk, Tryton.connect(books.connection()), told)
            for hook in front.rest("GET", "webhooks?per_page=100"):
                front.rest("DELETE", f"webhooks/{hook['id']}?force=true")

    # --- people ----------------------------------------------------------------

    def shopper(self, **fields: str) -> Json:
        """A new one's billing address."""
        number = next(self._names)
        return {**ADA, "last_name": f"Byron{number}", "email": f"ada{number}@example.com", **fields}

    def ordered(self, items: dict[str, int] | None = None, **fields: Any) -> str:
        """An order of a new shopper, wherever it has come to: its id. Paid later, unless said."""
        order = self.front.order(items or {MUG: 2}, **{"billing": self.shopper(), **fields})
        self.carried()
        return order

    def paid(self, items: dict[str, int] | None = None, **fields: Any) -> str:
        """An order that is confirmed, with its money: its id."""
        order = self.front.order(
            items or {MUG: 2},
            **{"billing": self.shopper(), "set_paid": True, "status": "processing", **fields},
        )
        self.carried()
        return order

    def changed(self, order: str, **fields: Any) -> Json:
        """The store's order after a change of it was carried over."""
        self.front.change(order, **fields)
        self.carried()
        return self.front.get(order)

    def refunded(self, order: str, lines: dict[str, int] | None = None, amount: str = "") -> str:
        """The refund's id, once it was carried over. ``lines`` are SKU → quantity."""
        document = self.front.get(order)
        ids = {each["sku"]: str(each["id"]) for each in document["line_items"]}
        wanted = {ids[sku]: count for sku, count in (lines or {}).items()}
        refund = self.front.refund(order, wanted or None, amount)
        self.carried()
        return refund

    def carried(self) -> None:
        """What the store told is in Tryton; nobody has looked what happened there."""
        self._rest(())

    def settled(self) -> None:
        """Neither side has anything left to tell."""
        self._rest(POLLED)

    def _rest(self, polls: Sequence[str]) -> None:
        for _ in range(_WAKINGS):
            settle(self.place, polls=polls)
            # On a busy machine a change may be parked that found its order in hand four times.
            if not any(item.subject.startswith("waiting:") for item in self.items()):
                return
            self.place.stack.invoke("wake", {})
        raise AssertionError(f"this still waits: {self.items()}")

    # --- Tryton -----------------------------------------------------------------

    def sale(self, order: str, generation: int = 1) -> Record:
        """The order's document, as the adapter finds it."""
        key = f"uk-{order}" if generation == 1 else f"uk-{order}-{generation}"
        (record,) = self.erp.find(Kind.SALES_ORDER, key)
        return record

    def sales(self, order: str) -> list[Record]:
        """The documents of all the order's generations, oldest first."""
        keys = (f"uk-{order}", f"uk-{order}-2", f"uk-{order}-3")
        return [record for key in keys for record in self.erp.find(Kind.SALES_ORDER, key)]

    def progress(self, order: str, generation: int = 1) -> Progress:
        found = self.erp.progress(self.sale(order, generation).ref)
        assert found is not None
        return found

    def row(self, order: str, generation: int = 1) -> Json:
        """The sale as Tryton's administrator sees it, with its shipments and invoices."""
        of_sale = ("state", "number", "total_amount", "tax_amount", "comment", "sale_date")
        parts = ("shipments.state", "invoices.state", "invoices.total_amount", "lines.quantity")
        lines = ("lines.description", "lines.amount", "lines.taxes.name", "lines.product.code")
        sale = int(self.sale(order, generation).ref.id)
        (row,) = self.rows("sale.sale", [["id", "=", sale]], *of_sale, *parts, *lines)
        return row

    def money(self, order: str) -> list[tuple[str, Decimal, Decimal]]:
        """(journal, into it, out of it) of the order's posted moves, refunds and all."""
        moves = self.rows(
            "account.move",
            [["description", "like", f"uk-{order}%:payment"], ["state", "=", "posted"]],
            *("description", "journal.name", "lines.debit", "lines.credit", "lines.party"),
        )
        keys = {f"uk-{order}:payment"}
        own = [
            move
            for move in moves
            if move["description"] in keys or move["description"].startswith(f"uk-{order}-r")
        ]
        return [
            (
                move["journal."]["name"],
                sum((line["debit"] for line in move["lines."] if not line["party"]), Decimal(0)),
                sum((line["credit"] for line in move["lines."] if not line["party"]), Decimal(0)),
            )
            for move in own
        ]

    def balance(self, order: str) -> Decimal:
        """What was received for the order less what was given back."""
        return sum((into - out for _, into, out in self.money(order)), Decimal(0))

    def notes(self, order: str, refund: str) -> list[Json]:
        """The refund's credit notes as the administrator sees them."""
        return self.rows(
            "account.invoice",
            [["reference", "=", f"uk-{order}-r{refund}"]],
            *("number", "state", "untaxed_amount", "tax_amount", "total_amount", "invoice_date"),
            *("comment", "lines.quantity", "lines.amount", "lines.origin", "lines.product.code"),
            *("lines.taxes.name",),
        )

    def rows(self, model: str, domain: list[Any], *fields: str) -> list[Json]:
        """What the administrator reads, oldest first."""
        return list(
            self._books.administrator().call(
                f"model.{model}.search_read",
                *(domain, 0, None, [["id", "ASC"]], list(fields)),
                context=_CONTEXT,
            )
        )

    def do(self, method: str, *args: Any) -> Any:
        """What the administrator does."""
        return self._books.administrator().call(f"model.{method}", *args, context=_CONTEXT)

    @property
    def _books(self) -> TrytonServer:
        assert isinstance(self.place.books, TrytonServer)
        return self.place.books

    # --- customers ---------------------------------------------------------------

    def account(self, **fields: Any) -> str:
        """A new account in the store, carried over: its id."""
        billing = self.shopper()
        shipping = {name: text for name, text in billing.items() if name != "email"}
        body = {"email": billing["email"], "first_name": "Ada", "last_name": billing["last_name"]}
        made = self.front.rest(
            "POST", "customers", {**body, "billing": billing, "shipping": shipping, **fields}
        )
        self.carried()
        return str(made["id"])

    def edited(self, customer: str, **fields: Any) -> None:
        """The account changed in the store; not carried over yet."""
        self.front.rest("PUT", f"customers/{customer}", fields)

    def customer(self, customer: str) -> Json:
        found: Json = self.front.rest("GET", f"customers/{customer}")
        return found

    def party(self, customer: str) -> Json:
        """The account's party as the administrator sees it."""
        linked = self.link("customer", customer).erp
        assert linked is not None
        parts = ("addresses.street", "addresses.city", "contact_mechanisms.type")
        (row,) = self.rows(
            "party.party",
            [["id", "=", int(linked.id)], ["active", "in", [True, False]]],
            *("code", "name", "active", "contact_mechanisms.value", *parts, "identifiers.code"),
        )
        return row

    # --- between them -------------------------------------------------------------

    def begin(self) -> None:
        """What is on the attention list by now is not this test's."""
        self._known = frozenset(item.id for item in self.attention.open())

    def asked(self) -> list[tuple[str, str]]:
        """(reason, owner) of what this test put before people."""
        return [(item.reason, item.owner) for item in self.items()]

    def items(self) -> list[Item]:
        return [item for item in self.attention.open() if item.id not in self._known]

    def link(self, kind: str, id_: str) -> Link:
        links = DynamoLinks(self._aws("dynamodb"), "accord-dev-links")
        found = links.get(Ref(self.place.store_name, kind, id_))
        assert found is not None
        return found

    def resolve(self, item: Item, take: str) -> None:
        """As ``accord attention resolve`` does it, and carried over."""
        stack = self.place.stack
        queue = stack.resources.queue("accord-dev-customer-changed.fifo").url
        operator = Credentials("operator", "local")
        aws = AwsClient(REGION, endpoint=stack.endpoint, credentials=lambda: operator)
        with contextlib.closing(aws):
            resolver = Resolver(
                links=DynamoLinks(self._aws("dynamodb"), "accord-dev-links"),
                attention=self.attention,
                payloads=S3Payloads(self._aws("s3"), _BUCKET),
                queues=SqsQueues(aws, {"customer_changed": queue}),
                clock=lambda: dt.datetime.now(dt.UTC),
            )
            resolver.settle(item.id, take, by="a person")
        self.settled()

    @property
    def attention(self) -> DynamoAttention:
        return DynamoAttention(self._aws("dynamodb"), "accord-dev-attention")

    @property
    def documents(self) -> S3Documents:
        return S3Documents(self._aws("s3"), _BUCKET, self._aws("dynamodb"), "accord-dev-control")

    def fetch(self, url: str) -> httpx.Response:
        with httpx.Client(timeout=60, trust_env=False) as client:
            return client.get(url)

    def post_again(self, delivery: "Delivery") -> int:
        """The status that the delivery is answered."""
        headers, body = delivery
        with httpx.Client(timeout=60, trust_env=False) as client:
            return client.post(self.place.webhook_url, headers=headers, content=body).status_code

    def everything(self) -> Json:
        """All that either side holds, for comparing."""
        state = self.place.store.control("GET", "state?only=orders,customers,refunds,notes")
        moments = ("sale.sale", "account.invoice", "stock.shipment.out", "party.party")
        return {
            **state,
            "attention": sorted(item.id for item in self.attention.open()),
            "counts": tryton.counts(self._books),
            **{
                model: {row["id"]: row["_timestamp"] for row in self.rows(model, [], "_timestamp")}
                for model in moments
            },
        }

    @property
    def handled(self) -> int:
        """How many messages of orders and customers were handled so far."""
        counts = self.place.stack.counts()
        names = ("order_created", "order_updated", "customer_changed")
        return sum(counts[name].invocations for name in names if name in counts)

    def _aws(self, service: str) -> Any:
        return self.place.stack.client(service)


_BUCKET = f"accord-dev-payloads-{ACCOUNT}-{REGION}"


Delivery = tuple[dict[str, str], bytes]
"""Headers and body."""


def reworded(delivery: Delivery) -> Delivery:
    """The same said in another text, so that neither queue nor link knows it; signed."""
    headers, body = delivery
    longer = body + b" "
    return {
        **headers,
        "X-WC-Webhook-Signature": sign(longer, WEBHOOK_SECRET),
        "Content-Length": str(len(longer)),
    }, longer


class Recorder:
    """A context manager: inside it every delivery that is sent to ``url`` is kept, byte for byte."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        handler = functools.partial(_Keep, self.deliveries.append)
        self._server = http.server.HTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Keep(http.server.BaseHTTPRequestHandler):
    def __init__(self, keep: Callable[[Delivery], object], *args: Any) -> None:
        self._keep = keep
        super().__init__(*args)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "X-WC-Webhook-Topic" in self.headers:  # a ping has none
            names = (name for name in self.headers if name.lower() not in {"host", "connection"})
            self._keep(({name: self.headers[name] for name in names}, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is printed."""
