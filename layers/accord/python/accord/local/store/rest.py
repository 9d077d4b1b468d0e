"""REST v3 of the stand-in: routes, parameters, paging and headers.

Answers and refusals are worded as WooCommerce 10.5.0's were recorded; the few that were not are
worded alike. Unknown query parameters are ignored, as there.
"""

import functools
import heapq
import json
from collections.abc import Callable
from typing import Any

from accord.local.store.auth import Asked, Gate
from accord.local.store.deliveries import Encoder, encode
from accord.local.store.documents import STATUSES, Doc
from accord.local.store.rest_products import PRODUCT_ROUTES
from accord.local.store.rest_settings import SETTING_ROUTES
from accord.local.store.routing import (
    BASE,
    BATCH,
    ITEM,
    LIST,
    READ,
    Handler,
    Query,
    Route,
    batch_of,
    chosen,
    has_status,
    item,
    location,
    no_trash,
    ordering,
    page,
    route,
)
from accord.local.store.shop import ORDER_STATUSES, Shop
from accord.local.store.wire import Answer, Refusal

_ORDER_BY = ["date", "id", "include", "title", "slug", "modified"]
_WORDS = {
    "GET": ("woocommerce_rest_cannot_view", "Sorry, you cannot view this resource."),
    "LIST": ("woocommerce_rest_cannot_view", "Sorry, you cannot list resources."),
    "POST": (
        "woocommerce_rest_cannot_create",
        "Sorry, you are not allowed to create resources.",
    ),
    "PUT": ("woocommerce_rest_cannot_edit", "Sorry, you are not allowed to edit this resource."),
    "DELETE": (
        "woocommerce_rest_cannot_delete",
        "Sorry, you are not allowed to delete this resource.",
    ),
}


class Rest:
    """The API over one shop."""

    def __init__(self, shop: Shop, gate: Gate) -> None:
        self._shop = shop
        self._gate = gate
        self.encoder = Encoder()

    def answer(self, asked: Asked, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        found: Route | None = None
        known = False
        try:
            with self._shop.lock:
                key = self._gate.key_of(asked)
            known = key is not None
            found, handler, ids = _find(asked.method, asked.path.rstrip("/"))
            fields = _fields_of(body)
            if key is None:
                raise _stranger(asked.method, one=bool(ids))
            query = Query(self._shop, ids, dict(asked.params), fields)
            if found.locks:
                with self._shop.lock:
                    answer = handler(query)
                    raw = self._raw(answer, query.params.get("_fields"))
            else:
                answer = handler(query)
                raw = self._raw(answer, None)
            status, headers = answer.status, answer.headers
        except Refusal as refusal:
            known = known or refusal.known
            if refusal.bare:
                found = None
            status, headers, raw = refusal.status, {}, encode(refusal.body())
        return status, self._headers(headers, found, known=known), raw

    def _raw(self, answer: Answer, only: str | None) -> bytes:
        """The body. ``only`` is ``_fields``: one object keeps its links, entries do not."""
        body: Any = answer.body
        if isinstance(body, bytes):
            return body
        if only and answer.status == 200:
            names = set(only.split(","))
            if isinstance(body, dict):
                names.add("_links")
                body = {name: it for name, it in body.items() if name in names}
            elif isinstance(body, list):
                body = [{name: it for name, it in doc.items() if name in names} for doc in body]
            return encode(body)
        if isinstance(body, dict):
            return self.encoder.one(body)
        if isinstance(body, list) and all(isinstance(it, dict) for it in body):
            return self.encoder.many(body)
        return encode(body)

    def _headers(self, own: dict[str, str], found: Route | None, *, known: bool) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "X-Robots-Tag": "noindex",
            "Link": f'<{self._shop.home}/wp-json/>; rel="https://api.w.org/"',
            **own,
        }
        if found and known:
            headers["Allow"] = found.allow
        if known:
            headers["Expires"] = "Wed, 11 Jan 1984 05:00:00 GMT"
            headers["Cache-Control"] = "no-cache, must-revalidate, max-age=0, no-store, private"
        return headers


@functools.lru_cache(maxsize=4096)
def _find(method: str, path: str) -> tuple[Route, Handler, tuple[int, ...]]:
    for found in ROUTES:
        match = found.pattern.fullmatch(path)
        if match and (handler := found.handlers.get(method)):
            return found, handler, tuple(int(it) for it in match.groups())
    raise Refusal(404, "rest_no_route", "No route was found matching the URL and request method.")


def _fields_of(body: bytes) -> Doc:
    if not body.strip():
        return {}
    try:
        fields = json.loads(body)
    except ValueError:
        raise Refusal(
            400,
            "rest_invalid_json",
            "Invalid JSON body passed.",
            {"json_error_code": 4, "json_error_message": "Syntax error"},
        ) from None
    return fields if isinstance(fields, dict) else {}


def _stranger(method: str, *, one: bool) -> Refusal:
    words = {"PATCH": "PUT", "GET": "GET" if one else "LIST"}.get(method, method)
    if method == "POST" and one:
        words = "PUT"
    return Refusal(401, *_WORDS[words], bare=True)


# --- orders -------------------------------------------------------------------


def _list_orders(query: Query) -> Answer:
    params = query.params
    order_by, downwards = ordering(query, _ORDER_BY)
    found = [doc for doc in chosen(query.shop.orders.values(), query) if has_status(doc, query)]
    if "customer" in params:
        found = [doc for doc in found if str(doc["customer_id"]) == params["customer"]]
    if "search" in params:
        found = [doc for doc in found if _mentions(doc, params["search"].lower())]
    name = {"modified": "date_modified_gmt", "date": "date_created_gmt"}.get(order_by, "id")
    # No more than is asked for: a hundred thousand orders are listed page by page in the tests.
    most = query.number("per_page", 10, 1, 100) * query.number("page", 1, 1)
    pick = heapq.nlargest if downwards else heapq.nsmallest
    first = pick(most, found, key=lambda doc: (doc[name], doc["id"]))
    extra = [("status[0]", "any"), ("dp", "2"), ("context", "view")]
    return page(query, "orders", first, extra, of=len(found))


def _mentions(doc: Doc, term: str) -> bool:
    """A search looks at e-mail, item names and the transaction id, not at custom fields."""
    looked_at = [doc["billing"]["email"], doc["transaction_id"], str(doc["id"])]
    looked_at += [line["name"] for line in doc["line_items"]]
    return any(term in text.lower() for text in looked_at)


def _get_order(query: Query) -> Answer:
    return Answer(query.shop.order(query.ids[0]))


def _create_order(query: Query) -> Answer:
    document = query.shop.create_order(query.body)
    return Answer(document, 201, location(query, f"orders/{document['id']}"))


def _update_order(query: Query) -> Answer:
    return Answer(query.shop.update_order(query.ids[0], query.body))


def _delete_order(query: Query) -> Answer:
    shop, id_ = query.shop, query.ids[0]
    if query.flag("force"):
        return Answer(shop.delete_order(id_))
    if shop.order(id_)["status"] == "trash":
        raise Refusal(
            410, "woocommerce_rest_already_trashed", "The order has already been deleted."
        )
    return Answer(shop.trash_order(id_))


def _batch_orders(query: Query) -> Answer:
    """200 always; what fails is an entry. Statuses are not checked as a single PUT checks them."""
    given = batch_of(query)
    shop = query.shop

    def update(fields: Doc) -> Doc:
        return shop.update_order(int(fields.get("id", 0)), fields, in_batch=True)

    def delete(id_: int | str) -> Doc:
        return shop.delete_order(int(id_))

    done: dict[str, list[Doc]] = {}
    if given["create"]:
        done["create"] = [_one(0, shop.create_order, it) for it in given["create"]]
    if given["update"]:
        done["update"] = [_one(it.get("id", 0), update, it) for it in given["update"]]
    if given["delete"]:
        done["delete"] = [_one(it, delete, it) for it in given["delete"]]
    return Answer(done or [])


def _one(id_: int | str, do: Callable[[Any], Doc], given: Any) -> Doc:
    try:
        return dict(do(given))
    except Refusal as refusal:
        # A missing id is a 404 alone and a 400 in a batch.
        return {"id": int(id_), "error": refusal.body(status=400)}


def _statuses(_: Query) -> Answer:
    return Answer([{"slug": slug, "name": name} for slug, name in STATUSES])


# --- notes and refunds ----------------------------------------------------------


def _list_notes(query: Query) -> Answer:
    """All of them: notes know no pages."""
    notes = query.shop.notes_of(query.ids[0])
    kind = query.params.get("type", "any")
    if kind != "any":
        notes = [note for note in notes if note["customer_note"] == (kind == "customer")]
    return Answer(notes)


def _note(query: Query) -> Doc:
    for note in query.shop.notes_of(query.ids[0]):
        if note["id"] == query.ids[1]:
            return note
    raise Refusal(404, "woocommerce_rest_invalid_id", "Invalid resource ID.")


def _create_note(query: Query) -> Answer:
    text = query.body.get("note")
    if text is None:
        raise Refusal(
            400,
            "rest_missing_callback_param",
            "Missing parameter(s): note",
            {"params": ["note"]},
        )
    note = query.shop.add_note(query.ids[0], str(text), to_customer=query.flag("customer_note"))
    return Answer(note, 201, location(query, f"orders/{query.ids[0]}/notes/{note['id']}"))


def _delete_note(query: Query) -> Answer:
    note = _note(query)
    if not query.flag("force"):
        raise no_trash("Notes")
    query.shop.notes[query.ids[0]].remove(note)
    return Answer(note)


def _list_refunds(query: Query) -> Answer:
    query.shop.order(query.ids[0])
    found = query.shop.refunds.get(query.ids[0], [])
    return page(query, f"orders/{query.ids[0]}/refunds", found)


def _all_refunds(query: Query) -> Answer:
    found = [
        {"id": it["id"], "parent_id": order_id, **it}
        for order_id, refunds in query.shop.refunds.items()
        for it in refunds
    ]
    found.sort(key=lambda it: (it["date_created_gmt"], it["id"]), reverse=True)
    return page(query, "refunds", found)


def _create_refund(query: Query) -> Answer:
    refund = query.shop.refund(query.ids[0], query.body)
    # The real header holds the route's pattern and not the order's id.
    path = rf"orders/(?P<order_id>[\d]+)/refunds/{refund['id']}"
    return Answer(refund, 201, location(query, path))


def _get_refund(query: Query) -> Answer:
    return Answer(query.shop.refund_of(*query.ids))


def _delete_refund(query: Query) -> Answer:
    return Answer(query.shop.delete_refund(*query.ids))


# --- customers, webhooks ----------------------------------------------


def _list_customers(query: Query) -> Answer:
    """By name, or by id. ``modified_after`` is ignored: customers know no such thing."""
    email = query.params.get("email", "").lower()
    role = query.params.get("role", "customer")
    found = [
        doc
        for doc in query.shop.customers.values()
        if email in {"", str(doc["email"]).lower()} and role in {"all", doc["role"]}
    ]
    found.sort(key=lambda doc: (str(doc["username"]).lower(), doc["id"]))
    if query.params.get("orderby") == "id":
        found.sort(key=lambda doc: doc["id"], reverse=query.params.get("order") == "desc")
    return page(query, "customers", found)


def _get_customer(query: Query) -> Answer:
    return Answer(query.shop.customer(query.ids[0]))


def _create_customer(query: Query) -> Answer:
    document = query.shop.create_customer(query.body)
    return Answer(document, 201, location(query, f"customers/{document['id']}"))


def _update_customer(query: Query) -> Answer:
    return Answer(query.shop.update_customer(query.ids[0], query.body))


def _delete_customer(query: Query) -> Answer:
    document = query.shop.customer(query.ids[0])
    if not query.flag("force"):
        raise no_trash("Customers")
    return Answer(query.shop.delete_customer(document["id"]))


def _list_webhooks(query: Query) -> Answer:
    shop = query.shop
    wanted = query.params.get("status", "all")
    with shop.lock:
        found = [it for it in shop.outbox.webhooks.values() if wanted in {"all", it.status}]
    found.sort(key=lambda webhook: (webhook.created_at, webhook.id), reverse=True)
    return page(query, "webhooks", [it.document(shop.home, shop.zone) for it in found])


def _get_webhook(query: Query) -> Answer:
    shop = query.shop
    return Answer(shop.webhook(query.ids[0]).document(shop.home, shop.zone))


def _create_webhook(query: Query) -> Answer:
    shop = query.shop
    webhook = shop.create_webhook(query.body)
    document = webhook.document(shop.home, shop.zone)
    return Answer(document, 201, location(query, f"webhooks/{webhook.id}"))


def _update_webhook(query: Query) -> Answer:
    shop = query.shop
    return Answer(shop.update_webhook(query.ids[0], query.body).document(shop.home, shop.zone))


def _delete_webhook(query: Query) -> Answer:
    shop = query.shop
    webhook = shop.webhook(query.ids[0])
    if not query.flag("force"):
        raise no_trash("Webhooks")
    with shop.lock:
        shop.outbox.webhooks.pop(webhook.id, None)
    return Answer(webhook.document(shop.home, shop.zone))


ROUTES = (
    route("/orders", LIST, {"GET": _list_orders, "POST": _create_order}),
    route("/orders/batch", BATCH, dict.fromkeys(("POST", "PUT", "PATCH"), _batch_orders)),
    route("/orders/statuses", READ, {"GET": _statuses}),
    route("/orders/{}", ITEM, item(_get_order, _update_order, _delete_order)),
    route("/orders/{}/notes", LIST, {"GET": _list_notes, "POST": _create_note}),
    route(
        "/orders/{}/notes/{}",
        "GET, DELETE",
        {"GET": lambda query: Answer(_note(query)), "DELETE": _delete_note},
    ),
    route("/orders/{}/refunds", LIST, {"GET": _list_refunds, "POST": _create_refund}),
    route("/orders/{}/refunds/{}", "GET, DELETE", {"GET": _get_refund, "DELETE": _delete_refund}),
    route("/refunds", READ, {"GET": _all_refunds}),
    route("/customers", LIST, {"GET": _list_customers, "POST": _create_customer}),
    route("/customers/{}", ITEM, item(_get_customer, _update_customer, _delete_customer)),
    # A ping goes out while these are answered, so they take the lock themselves.
    route("/webhooks", LIST, {"GET": _list_webhooks, "POST": _create_webhook}, locks=False),
    route(
        "/webhooks/{}",
        ITEM,
        item(_get_webhook, _update_webhook, _delete_webhook),
        locks=False,
    ),
    *PRODUCT_ROUTES,
    *SETTING_ROUTES,
)

__all__ = ["BASE", "ORDER_STATUSES", "ROUTES", "Rest"]
