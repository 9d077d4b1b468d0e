"""The stand-in as a WSGI application: REST for everyone who has a key, control for the tests.

Under ``/_accord/``, from loopback only and without a key::

    PUT    orders | products | customers | categories   [documents]   they are there; nothing fires
    POST   stock-up   {"quantity": N}  the recorded products, so many of most; nothing fires
    PUT    latency   {"call_s": S, "item_s": S, "most": N, "gives_up_s": S}   of product batches
    PUT    orders/N/refunds | orders/N/notes [documents] as REST lists them
    POST   orders   {"order": document, "flow": "rest" | "checkout"}   placed; webhooks are queued
    POST   orders/N/trash | orders/N/restore              as a person in the shop
    POST   run-queue   {"limit": N}    sends what is queued, as WP-cron would → {"sent": N}
    GET    state | state?only=notes,webhooks    orders, customers, products, refunds, notes, …
"""

import datetime as dt
import ipaddress
import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from accord.local.store.auth import Asked, Gate, Key
from accord.local.store.deliveries import encode
from accord.local.store.latency import Latency
from accord.local.store.opening import stock_up
from accord.local.store.rest import Rest
from accord.local.store.shop import Shop, missing
from accord.local.store.webhooks import Sender, send_over_http
from accord.local.store.wire import Refusal

CONTROL = "/_accord/"
_MAX_BODY = 64 * 1024 * 1024  # bytes; 5,000 orders are 20 MB
_PHRASES = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}


class StoreApp:
    """One store. ``shop`` is its state, for tests in the same process.

    ``keys`` are its consumer keys. ``basic_needs_tls``: Basic authentication over plain http is
    refused even from loopback, as a real store refuses it.
    """

    def __init__(
        self,
        *,
        home: str,
        clock: Callable[[], dt.datetime],
        keys: dict[str, Key],
        zone: dt.tzinfo = dt.UTC,
        sender: Sender = send_over_http,
        basic_needs_tls: bool = False,
    ) -> None:
        self.shop = Shop(home=home, clock=clock, zone=zone, sender=sender)
        self._rest = Rest(self.shop, Gate(keys, home=home, clock=clock))
        self._basic_needs_tls = basic_needs_tls

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The answer of REST, or of control."""
        path = environ.get("PATH_INFO", "")
        body = _body(environ)
        if path.startswith(CONTROL) and _is_loopback(environ):
            try:
                status, raw = 200, self._control(environ, path.removeprefix(CONTROL), body)
            except Refusal as refusal:
                status, raw = refusal.status, encode(refusal.body())
            except (KeyError, TypeError, ValueError) as error:
                status, raw = 400, encode({"error": f"{type(error).__name__}: {error}"})
            headers = {"Content-Type": "application/json"}
        else:
            status, headers, raw = self._rest.answer(self._asked(environ, path), body)
        headers["Content-Length"] = str(len(raw))
        start_response(f"{status} {_PHRASES.get(status, 'Answer')}", list(headers.items()))
        return [raw]

    def _asked(self, environ: WSGIEnvironment, path: str) -> Asked:
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        tls = (
            environ.get("wsgi.url_scheme") == "https"
            or environ.get("HTTP_X_FORWARDED_PROTO") == "https"
            or (
                authorization.startswith("Basic ")
                and _is_loopback(environ)
                and not self._basic_needs_tls
            )
        )
        start = max(path.find("/wp-json/"), 0)  # behind the path of a home that has one
        return Asked(
            method=environ["REQUEST_METHOD"],
            path=path[start:],
            authorization=authorization,
            params=parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True),
            tls=tls,
        )

    def _control(self, environ: WSGIEnvironment, what: str, body: bytes) -> bytes:
        given: Any = json.loads(body) if body.strip() else {}
        method = environ["REQUEST_METHOD"]
        if (method, what) == ("POST", "run-queue"):  # requests go out: not under the lock
            return encode({"sent": self.shop.outbox.run(given.get("limit"))})
        with self.shop.lock:
            return encode(self._told(method, what, environ.get("QUERY_STRING", ""), given))

    def _told(self, method: str, what: str, query: str, given: Any) -> object:
        if (method, what) == ("GET", "state"):
            only = dict(parse_qsl(query)).get("only", "")
            return self._state([it for it in only.split(",") if it])
        if method == "PUT" and what in {"orders", "products", "customers", "categories"}:
            return {"loaded": self.shop.load(what, given)}
        if (method, what) == ("POST", "stock-up"):
            stock_up(self.shop.shelf, self.shop.catalogue, int(given.get("quantity", 100)))
            return {"products": len(self.shop.products)}
        if (method, what) == ("PUT", "latency"):
            self.shop.latency = Latency(**given)
            return {"seconds_for_100": self.shop.latency.seconds(100)}
        if (method, what) == ("POST", "orders"):
            self.shop.place(given["order"], given.get("flow", "rest"))
            return {"queued": len(self.shop.outbox)}
        if match := re.fullmatch(r"orders/(\d+)/([a-z]+)", what):
            return self._one_order(method, int(match[1]), match[2], given)
        raise Refusal(404, "no_such_control", f"{method} {what}")

    def _one_order(self, method: str, id_: int, what: str, given: Any) -> object:
        shop = self.shop
        match method, what:
            case "PUT", "refunds":
                shop.load_refunds(id_, given)
            case "PUT", "notes":
                shop.load_notes(id_, given)
            case "POST", "trash":
                shop.trash_order(id_)
            case "POST", "restore":
                shop.restore_order(id_)
            case _:
                raise missing("control")
        return {"queued": len(shop.outbox)}

    def _state(self, only: list[str]) -> dict[str, object]:
        shop, outbox = self.shop, self.shop.outbox
        parts: dict[str, Callable[[], object]] = {
            "orders": lambda: list(shop.orders.values()),
            "customers": lambda: list(shop.customers.values()),
            "products": lambda: [shop.shelf.shown(doc) for doc in shop.products.values()],
            "notes": lambda: {str(id_): notes for id_, notes in shop.notes.items()},
            "refunds": lambda: {str(id_): refunds for id_, refunds in shop.refunds.items()},
            "webhooks": lambda: [
                {
                    **webhook.document(shop.home, shop.zone),
                    "failures": webhook.failures,
                    "pinged": webhook.pinged,
                }
                for webhook in outbox.webhooks.values()
            ],
            "queued": lambda: len(outbox),
            "sent": lambda: outbox.sent,
            "deliveries": lambda: outbox.log,
        }
        return {name: make() for name, make in parts.items() if not only or name in only}


def gated(app: StoreApp) -> WSGIApplication:
    """``app`` behind a fault gate. Control passes beside it, so a test is never locked out."""
    from accord.local.faults import FaultGate

    gate = FaultGate(app, one_at_a_time=False)
    own_words = {"faults", "calls", "down"}

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(CONTROL) and path.removeprefix(CONTROL) not in own_words:
            return app(environ, start_response)
        return gate(environ, start_response)

    return answer


def _body(environ: WSGIEnvironment) -> bytes:
    length = min(int(environ.get("CONTENT_LENGTH") or 0), _MAX_BODY)
    body: bytes = environ["wsgi.input"].read(length) if length else b""
    return body


def _is_loopback(environ: WSGIEnvironment) -> bool:
    try:
        return ipaddress.ip_address(environ.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
