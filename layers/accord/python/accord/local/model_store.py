"""A store in this process: the stand-in's shop, asked without HTTP, on a clock that is told.

What the flows see of it is what ``WooStore`` makes of the stand-in's answers, so there is one
model of a store and one reading of it. Beside the port it has what people do: a shopper orders, a
merchant refunds. Each write tells ``on_change`` what the store's webhooks would say.
"""

import datetime as dt
import functools
import json as json_
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import parse_qsl

import httpx

from accord.errors import GoneError
from accord.local.store.auth import Asked, Gate, Key
from accord.local.store.deliveries import Body, encode
from accord.local.store.documents import CENT
from accord.local.store.latency import NONE, Latency
from accord.local.store.opening import stock_up
from accord.local.store.rest import BASE, Rest
from accord.local.store.shop import LINE_KINDS, Flow, Shop
from accord.model.documents import SalesOrder
from accord.woo.api import digest_of
from accord.woo.client import WooStore

Json = dict[str, Any]
_MADE = 1024  # orders
OnChange = Callable[[str, Body], object]


class _Open(Gate):
    """Everyone is let in."""

    def key_of(self, asked: Asked) -> Key:  # noqa: ARG002
        return Key("")


class _Answered(httpx.Response):
    """A response whose body is there from the beginning. No stream, and headers when asked for:
    of a million orders' requests, httpx's own making of one is a tenth of the whole."""

    def __init__(
        self, status: int, headers: Mapping[str, str], content: bytes, asked: tuple[str, str]
    ) -> None:
        self.status_code = status
        self.is_closed = self.is_stream_consumed = True
        self.default_encoding = "utf-8"
        self.extensions = {}
        self.history = []
        self._fields = headers
        self._content = content
        self._asked = asked

    @functools.cached_property
    def request(self) -> httpx.Request:
        return httpx.Request(*self._asked)

    @functools.cached_property
    def headers(self) -> httpx.Headers:  # type: ignore[override]
        return httpx.Headers(self._fields)


class _Documents(MutableMapping[str, Json]):
    """The shop's documents by their ids as text. What is put in is a copy; it is told to nobody."""

    def __init__(self, documents: dict[int, Json]) -> None:
        self._documents = documents

    def __getitem__(self, id_: str) -> Json:
        return self._documents[int(id_)]

    def __setitem__(self, id_: str, document: Json) -> None:
        self._documents[int(id_)] = json_.loads(encode(document))

    def __delitem__(self, id_: str) -> None:
        del self._documents[int(id_)]

    def __iter__(self) -> Iterator[str]:
        return map(str, self._documents)

    def __len__(self) -> int:
        return len(self._documents)


class ModelStore(WooStore):
    """A store: its orders and customers as JSON, and what was noted on its orders.

    ``on_change`` gets a webhook's topic and the body that it would deliver now: the whole object,
    or for ``….deleted`` its id. It is not told what a real store does not tell: notes, a
    refund deleted, an order or product deleted for good, an order brought back from the trash by a
    status. Its shelf is empty, and an order then takes no stock: see ``stock_up``, ``add_product``.

    ``latency`` is how long a batch of products takes: ``sleep`` gets the seconds, which should move
    ``clock``. It can be changed at ``shop.latency``.
    """

    def __init__(
        self,
        name: str,
        clock: Callable[[], dt.datetime],
        *,
        on_change: OnChange | None = None,
        home: str = "https://store.example",
        settle: dt.timedelta = dt.timedelta(seconds=60),
        vat_keys: Sequence[str] = ("_billing_vat_number",),
        po_keys: Sequence[str] = ("po_number",),
        latency: Latency = NONE,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(500))  # nothing is sent by it
        super().__init__(
            httpx.Client(transport=transport, base_url=f"{home}{BASE}/"),
            name=name,
            settle=settle,
            vat_keys=vat_keys,
            po_keys=po_keys,
        )
        self.on_change = on_change
        self.shop = Shop(
            home=home,
            clock=clock,
            on_change=self._tell,
            latency=latency,
            sleep=sleep or (lambda _: None),  # never real time
            sender=lambda *_, **__: 200,  # a new webhook's ping goes nowhere
        )
        self.orders: MutableMapping[str, Json] = _Documents(self.shop.orders)
        self.customers: MutableMapping[str, Json] = _Documents(self.shop.customers)
        self.notes: dict[str, list[str]] = defaultdict(list)  # ours, not the shop's own
        self.to_customer: dict[str, list[str]] = defaultdict(list)  # those that were e-mailed
        self.reads = 0
        self._made: dict[object, tuple[Json, SalesOrder]] = {}
        self._rest = Rest(self.shop, _Open({}, home=home, clock=clock))

    # --- the port ---------------------------------------------------------------

    def order(self, document: Json) -> SalesOrder:
        """See Store.order. Made once of equal documents: the flows read each of them many times."""
        id_ = document.get("id")
        held = self._made.get(id_)
        if held is not None and held[0] == document:
            return held[1]
        if len(self._made) >= _MADE:
            self._made.clear()
        order = super().order(document)
        self._made[id_] = document, order
        return order

    def get_order(self, id_: str) -> tuple[Json, str] | None:
        """See Store.get_order."""
        self.reads += 1
        return super().get_order(id_)

    def find_note(self, order_id: str, marker: str) -> str | None:
        """See Store.find_note."""
        for at, note in enumerate(self.notes.get(order_id, ())):
            if marker in note:
                return str(at)
        return None

    def add_note(self, order_id: str, text: str, *, to_customer: bool = False) -> str:
        """See Store.add_note."""
        if order_id not in self.orders:
            raise GoneError(f"{self.name} has no order {order_id} to put a note on")
        self.notes[order_id].append(text)
        if to_customer:
            self.to_customer[order_id].append(text)
        return str(len(self.notes[order_id]) - 1)

    def _digest(self, document: Json) -> str:
        return digest_of(self._rest.encoder.one(document))

    def _request(self, method: str, path: str, json: object) -> httpx.Response:
        path, _, query = path.partition("?")
        asked = Asked(
            method=method,
            path=f"{BASE}/{path}",
            authorization="",
            params=parse_qsl(query, keep_blank_values=True),
            tls=True,
        )
        body = b"" if json is None else json_.dumps(json).encode()
        status, headers, raw = self._rest.answer(asked, body)
        return _Answered(status, headers, raw, (method, f"{self.shop.home}{asked.path}"))

    # --- what people do ---------------------------------------------------------

    def place(self, order: Json, flow: Flow = "rest") -> str:
        """A shopper orders: the id. The two webhooks come in the order of ``flow``."""
        document = json_.loads(encode(order))
        self.shop.place(document, flow)
        return str(document["id"])

    def edit(self, id_: str, **fields: Any) -> None:
        """The merchant changes fields of the order, as REST names them."""
        self.shop.update_order(int(id_), fields)

    def set_status(self, id_: str, status: str, *, paid: bool = False) -> None:
        """The order's new status; with ``paid`` it has been paid now, if it was not before.

        ``refunded`` makes a refund without lines of all that is left, as in a real store.
        """
        self.edit(id_, status=status, **({"set_paid": True} if paid else {}))

    def edit_line(
        self,
        id_: str,
        line: str,
        *,
        quantity: int | None = None,
        total: Decimal | str | None = None,
    ) -> None:
        """Another quantity (0 removes the line), another net total; one alone leaves the other."""
        fields: Json = {"id": int(line)}
        if quantity is not None:
            fields["quantity"] = quantity
        if total is not None:
            fields["total"] = str(total)
        self.edit(id_, line_items=[fields])

    def refund(
        self,
        id_: str,
        amount: Decimal | str | None = None,
        *,
        lines: Mapping[str, int] | None = None,
        reason: str = "",
        restock: bool = True,
    ) -> str:
        """The merchant gives money back: the refund's id. ``restock``: goods go back to stock.

        ``lines`` are line ids and quantities, each with its share of the line's money to the cent;
        of shipping and fees the quantity is 1. ``amount`` is their sum if it is left out.
        """
        order = self.orders[id_]
        taken = [_share(order, int(line), count) for line, count in (lines or {}).items()]
        fields: Json = {
            "api_refund": False,
            "api_restock": restock,
            "reason": reason,
            "line_items": taken,
        }
        if amount is not None:
            fields["amount"] = str(amount)
        return str(self.shop.refund(int(id_), fields)["id"])

    def delete_refund(self, id_: str, refund: str) -> None:
        """Gone for good; nobody is told."""
        self.shop.delete_refund(int(id_), int(refund))

    def trash(self, id_: str) -> None:
        """The order goes to the trash."""
        self.shop.trash_order(int(id_))

    def restore(self, id_: str) -> None:
        """The order comes out of the trash, with the status that it had."""
        self.shop.restore_order(int(id_))

    def delete(self, id_: str) -> None:
        """The order is gone for good; nobody is told."""
        self.shop.delete_order(int(id_))

    def add_customer(self, **fields: Any) -> str:
        """A new account of these fields, as REST names them: the id."""
        return str(self.shop.create_customer(fields)["id"])

    def edit_customer(self, id_: str, **fields: Any) -> None:
        """The shopper or the merchant changes fields of the account."""
        self.shop.update_customer(int(id_), fields)

    def delete_customer(self, id_: str) -> None:
        """The account is gone, and the store tells of it."""
        self.shop.delete_customer(int(id_))

    def stock_up(self, quantity: int = 100) -> None:
        """The recorded store's products are on the shelf, ``quantity`` of most; nobody is told."""
        stock_up(self.shop.shelf, self.shop.catalogue, quantity)

    def add_product(
        self,
        sku: str,
        *,
        price: Decimal | str = "10.00",
        quantity: int | None = 0,
        parent: str = "",
        **fields: Any,
    ) -> str:
        """The merchant makes a product, or a variation of ``parent``: the id.

        ``quantity`` of None is a stock that nobody counts. ``fields`` are as REST names them.
        """
        made: Json = {"name": sku, "sku": sku, "regular_price": str(price)}
        if quantity is not None:
            made |= {"manage_stock": True, "stock_quantity": quantity}
        return str(
            self.shop.shelf.create(made | fields, parent=int(parent) if parent else None)["id"]
        )

    def edit_product(self, sku: str, **fields: Any) -> None:
        """The merchant changes fields of a product or variation, as REST names them."""
        doc = self._on_shelf(sku)
        parent = doc["parent_id"] if doc["type"] == "variation" else None
        self.shop.shelf.update(doc["id"], fields, parent=parent)

    def set_stock(self, sku: str, quantity: int) -> None:
        """Somebody in the shop counted."""
        self.edit_product(sku, manage_stock=True, stock_quantity=quantity)

    def set_price(self, sku: str, price: Decimal | str, *, sale: Decimal | str = "") -> None:
        """The merchant's new price; without ``sale`` there is no sale any more."""
        self.edit_product(sku, regular_price=str(price), sale_price=str(sale))

    def stock_of(self, sku: str) -> int | None:
        """What the shop shows to be left; None where nobody counts."""
        doc = self._on_shelf(sku)
        quantity: int | None = self.shop.shelf.shown(doc)["stock_quantity"]
        return quantity

    def sell(self, lines: Mapping[str, int], *, status: str = "processing", **fields: Any) -> str:
        """A shopper buys so many of these SKUs, past zero too: the order's id."""
        items = [{"sku": sku, "quantity": count} for sku, count in lines.items()]
        order = self.shop.create_order({"status": status, "line_items": items, **fields})
        return str(order["id"])

    def trash_product(self, sku: str) -> None:
        """The product goes to the trash."""
        self.shop.shelf.trash(self._on_shelf(sku)["id"])

    def delete_product(self, sku: str) -> None:
        """The product is gone for good, and its variations; nobody is told."""
        self.shop.shelf.delete(self._on_shelf(sku)["id"])

    def _on_shelf(self, sku: str) -> Json:
        doc = self.shop.shelf.find(sku)
        if doc is None:
            raise KeyError(f"the shop has no product {sku}")
        return doc

    def _tell(self, topic: str, document: Json) -> None:
        if self.on_change:
            body = Body(int(document.get("id", 0)), self._rest.encoder.one(document))
            self.on_change(topic, body)


def _share(order: Json, id_: int, count: int) -> Json:
    """A refund's line: ``count`` of the line's quantity, and as much of its money and taxes."""
    kind, line = next(
        (kind, line) for kind in LINE_KINDS for line in order[kind] if line["id"] == id_
    )
    part = Decimal(count) / int(line["quantity"]) if kind == "line_items" else Decimal(1)

    def cents(amount: str) -> str:
        return str((Decimal(amount or 0) * part).quantize(CENT, ROUND_HALF_UP))

    return {
        "id": id_,
        "quantity": count,
        "refund_total": cents(line["total"]),
        "refund_tax": [
            {"id": tax["id"], "refund_total": cents(tax["total"])} for tax in line["taxes"]
        ],
    }
