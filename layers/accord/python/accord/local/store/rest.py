"""REST v3 of the stand-in: routes, parameters, paging and headers.

Answers and refusals are worded as WooCommerce 10.5.0's were recorded; the few that were not are
worded alike. Unknown query parameters are ignored, as there.
"""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from accord.local.store.auth import Asked, Gate
from accord.local.store.deliveries import encode
from accord.local.store.documents import STATUSES, Doc
from accord.local.store.shop import ORDER_STATUSES, Shop, missing
from accord.local.store.wire import Answer, Refusal, invalid_param, not_one_of, wrong_type

BASE = "/wp-json/wc/v3"
_READ = "GET"
_LIST = "GET, POST"
_ITEM = "GET, POST, PUT, PATCH, DELETE"
_BATCH = "POST, PUT, PATCH"
_ORDER_BY = ["date", "id", "include", "title", "slug", "modified"]
_BATCH_LIMIT = 100
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


@dataclass(frozen=True, slots=True)
class Query:
    """One request, parsed. ``ids`` are the numbers in its path."""

    shop: Shop
    ids: tuple[int, ...]
    params: dict[str, str]
    body: Doc

    def flag(self, name: str) -> bool:
        """A boolean, from the query or the body."""
        value: object = self.params.get(name, self.body.get(name))
        return value is True or str(value).lower() in {"1", "true", "yes"}

    def number(self, name: str, default: int, low: int, high: int | None = None) -> int:
        """Raises: Refusal: not a whole number, or out of bounds."""
        value = self.params.get(name)
        if value is None:
            return default
        if not re.fullmatch(r"-?\d+", value):
            raise wrong_type(name, "integer")
        if int(value) < low or (high is not None and int(value) > high):
            message = (
                f"{name} must be between {low} (inclusive) and {high} (inclusive)"
                if high is not None
                else f"{name} must be greater than or equal to {low}"
            )
            raise invalid_param(name, message, "rest_out_of_bounds")
        return int(value)

    def moment(self, name: str) -> dt.datetime | None:
        """A time given in the query.

        Bare, it is in the shop's zone, or in UTC with ``dates_are_gmt``. With a mark it is what it
        says; with a mark and that flag it is shifted twice, as the real store does.
        """
        value = self.params.get(name)
        if value is None:
            return None
        try:
            given = dt.datetime.fromisoformat(value.replace(" ", "+"))
        except ValueError:
            raise invalid_param(name, "Invalid date.", "rest_invalid_date") from None
        gmt = self.flag("dates_are_gmt")
        if given.tzinfo is None:
            return given.replace(tzinfo=dt.UTC if gmt else self.shop.zone).astimezone(dt.UTC)
        moment = given.astimezone(dt.UTC)
        offset = moment.astimezone(self.shop.zone).utcoffset() or dt.timedelta()
        return moment + offset if gmt else moment


Handler = Callable[[Query], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """What a path takes. ``locks`` is False where a request goes out while it is answered."""

    pattern: re.Pattern[str]
    allow: str
    handlers: dict[str, Handler]
    locks: bool = True


class Rest:
    """The API over one shop."""

    def __init__(self, shop: Shop, gate: Gate) -> None:
        self._shop = shop
        self._gate = gate

    def answer(self, asked: Asked, body: bytes) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        route: Route | None = None
        known = False
        try:
            with self._shop.lock:
                key = self._gate.key_of(asked)
            known = key is not None
            route, handler, ids = _find(asked)
            fields = _fields_of(body)
            if key is None:
                raise _stranger(asked.method, one=bool(ids))
            query = Query(self._shop, ids, dict(asked.params), fields)
            if route.locks:
                with self._shop.lock:
                    answer = handler(query)
                    raw = _raw(answer, query.params.get("_fields"))
            else:
                answer = handler(query)
                raw = _raw(answer, None)
            status, headers = answer.status, answer.headers
        except Refusal as refusal:
            known = known or refusal.known
            if refusal.bare:
                route = None
            status, headers, raw = refusal.status, {}, encode(refusal.body())
        return status, self._headers(headers, route, known=known), raw

    def _headers(self, own: dict[str, str], route: Route | None, *, known: bool) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json; charset=UTF-8",
            "X-Robots-Tag": "noindex",
            "Link": f'<{self._shop.home}/wp-json/>; rel="https://api.w.org/"',
            **own,
        }
        if route and known:
            headers["Allow"] = route.allow
        if known:
            headers["Expires"] = "Wed, 11 Jan 1984 05:00:00 GMT"
            headers["Cache-Control"] = "no-cache, must-revalidate, max-age=0, no-store, private"
        return headers


def _find(asked: Asked) -> tuple[Route, Handler, tuple[int, ...]]:
    for route in ROUTES:
        match = route.pattern.fullmatch(asked.path.rstrip("/"))
        if match and (handler := route.handlers.get(asked.method)):
            return route, handler, tuple(int(it) for it in match.groups())
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


def _raw(answer: Answer, only: str | None) -> bytes:
    """The body. ``only`` is ``_fields``: one object keeps its links, a list's entries do not."""
    body: Any = answer.body
    if only and answer.status == 200:
        names = set(only.split(","))
        if isinstance(body, dict):
            names.add("_links")
            body = {name: it for name, it in body.items() if name in names}
        elif isinstance(body, list):
            body = [{name: it for name, it in doc.items() if name in names} for doc in body]
    return encode(body)


# --- lists --------------------------------------------------------------------


def _page(
    query: Query, path: str, documents: Sequence[Doc], extra: Iterable[tuple[str, str]] = ()
) -> Answer:
    """One page, with the totals in the headers. Past the end the totals are 0."""
    size = query.number("per_page", 10, 1, 100)
    page = query.number("page", 1, 1)
    shown = list(documents[(page - 1) * size : page * size])
    total = len(documents) if shown or page == 1 else 0
    pages = -(-total // size)
    headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
    # Some defaults are set only while entries are written, and show in the links after that.
    defaults = {name: it for name, it in extra if shown or name.startswith("status")}
    links = []
    if page > 1:
        links.append(_link(query, path, min(page - 1, pages), "prev", defaults))
    if page < pages:
        links.append(_link(query, path, page + 1, "next", defaults))
    if links:
        headers["Link"] = ", ".join(links)
    return Answer(shown, headers=headers)


def _link(query: Query, path: str, page: int, rel: str, defaults: dict[str, str]) -> str:
    unset = {name: value for name, value in defaults.items() if name not in query.params}
    params = urlencode({**query.params, "page": page, **unset})
    return f'<{query.shop.home}{BASE}/{path}?{params}>; rel="{rel}"'


def _list_orders(query: Query) -> Answer:
    params = query.params
    order_by = params.get("orderby", "date")
    if order_by not in _ORDER_BY:
        raise not_one_of("orderby", _ORDER_BY)
    direction = params.get("order", "desc")
    if direction not in {"asc", "desc"}:
        raise not_one_of("order", ["asc", "desc"])
    found = [doc for doc in query.shop.orders.values() if _wanted(doc, query)]
    name = {"modified": "date_modified_gmt", "date": "date_created_gmt"}.get(order_by, "id")
    found.sort(key=lambda doc: (doc[name], doc["id"]), reverse=direction == "desc")
    extra = [("status[0]", "any"), ("dp", "2"), ("context", "view")]
    return _page(query, "orders", found, extra)


def _wanted(doc: Doc, query: Query) -> bool:
    params = query.params
    statuses = {
        status
        for name, value in params.items()
        if re.fullmatch(r"status(\[\d*\])?", name)
        for status in value.split(",")
    } or {"any"}
    if "any" in statuses:
        if doc["status"] in {"trash", "auto-draft"}:
            return False
    elif doc["status"] not in statuses:
        return False
    for name, field, later in (
        ("modified_after", "date_modified_gmt", True),
        ("modified_before", "date_modified_gmt", False),
        ("after", "date_created_gmt", True),
        ("before", "date_created_gmt", False),
    ):
        moment = query.moment(name)
        at = dt.datetime.fromisoformat(doc[field]).replace(tzinfo=dt.UTC)
        # Strictly, and in whole seconds: the very second of the cursor is left out.
        if moment is not None and not (at > moment if later else at < moment):
            return False
    if "customer" in params and str(doc["customer_id"]) != params["customer"]:
        return False
    if "include" in params and str(doc["id"]) not in params["include"].split(","):
        return False
    if "exclude" in params and str(doc["id"]) in params["exclude"].split(","):
        return False
    return "search" not in params or _mentions(doc, params["search"].lower())


def _mentions(doc: Doc, term: str) -> bool:
    """A search looks at e-mail, item names and the transaction id, not at custom fields."""
    looked_at = [doc["billing"]["email"], doc["transaction_id"], str(doc["id"])]
    looked_at += [line["name"] for line in doc["line_items"]]
    return any(term in text.lower() for text in looked_at)


# --- orders -------------------------------------------------------------------


def _get_order(query: Query) -> Answer:
    return Answer(query.shop.order(query.ids[0]))


def _create_order(query: Query) -> Answer:
    document = query.shop.create_order(query.body)
    return Answer(document, 201, _location(query, f"orders/{document['id']}"))


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
    given = {name: query.body.get(name) or [] for name in ("create", "update", "delete")}
    if sum(len(entries) for entries in given.values()) > _BATCH_LIMIT:
        raise Refusal(
            413,
            "woocommerce_rest_request_entity_too_large",
            f"Unable to accept more than {_BATCH_LIMIT} items for this request.",
        )
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
    return Answer(note, 201, _location(query, f"orders/{query.ids[0]}/notes/{note['id']}"))


def _delete_note(query: Query) -> Answer:
    note = _note(query)
    if not query.flag("force"):
        raise _no_trash("Notes")
    query.shop.notes[query.ids[0]].remove(note)
    return Answer(note)


def _list_refunds(query: Query) -> Answer:
    query.shop.order(query.ids[0])
    found = query.shop.refunds.get(query.ids[0], [])
    return _page(query, f"orders/{query.ids[0]}/refunds", found)


def _all_refunds(query: Query) -> Answer:
    found = [
        {"id": it["id"], "parent_id": order_id, **it}
        for order_id, refunds in query.shop.refunds.items()
        for it in refunds
    ]
    found.sort(key=lambda it: (it["date_created_gmt"], it["id"]), reverse=True)
    return _page(query, "refunds", found)


def _create_refund(query: Query) -> Answer:
    refund = query.shop.refund(query.ids[0], query.body)
    # The real header holds the route's pattern and not the order's id.
    path = rf"orders/(?P<order_id>[\d]+)/refunds/{refund['id']}"
    return Answer(refund, 201, _location(query, path))


def _get_refund(query: Query) -> Answer:
    return Answer(query.shop.refund_of(*query.ids))


def _delete_refund(query: Query) -> Answer:
    return Answer(query.shop.delete_refund(*query.ids))


# --- products, customers, webhooks ----------------------------------------------


def _list_products(query: Query) -> Answer:
    """Without variations, except those that ``sku=`` names."""
    skus = [sku.lower() for sku in query.params.get("sku", "").split(",") if sku]
    found = [
        doc
        for doc in query.shop.products.values()
        if (doc["sku"].lower() in skus if skus else doc["type"] != "variation")
        and ("include" not in query.params or str(doc["id"]) in query.params["include"].split(","))
    ]
    found.sort(key=lambda doc: (doc["date_created_gmt"], doc["id"]), reverse=True)
    return _page(query, "products", found)


def _get_product(query: Query) -> Answer:
    doc = query.shop.products.get(query.ids[0])
    if doc is None:
        raise missing("product")
    return Answer(doc)


def _get_variation(query: Query) -> Answer:
    doc = query.shop.products.get(query.ids[1])
    if doc is None or doc.get("parent_id") != query.ids[0]:
        refusal = missing("product_variation")
        refusal.bare = True
        raise refusal
    return Answer(doc)


def _list_customers(query: Query) -> Answer:
    """By name. ``modified_after`` is ignored: customers know no such thing."""
    email = query.params.get("email", "").lower()
    role = query.params.get("role", "customer")
    found = [
        doc
        for doc in query.shop.customers.values()
        if email in {"", str(doc["email"]).lower()} and role in {"all", doc["role"]}
    ]
    found.sort(key=lambda doc: (str(doc["username"]).lower(), doc["id"]))
    return _page(query, "customers", found)


def _get_customer(query: Query) -> Answer:
    return Answer(query.shop.customer(query.ids[0]))


def _create_customer(query: Query) -> Answer:
    document = query.shop.create_customer(query.body)
    return Answer(document, 201, _location(query, f"customers/{document['id']}"))


def _update_customer(query: Query) -> Answer:
    return Answer(query.shop.update_customer(query.ids[0], query.body))


def _delete_customer(query: Query) -> Answer:
    document = query.shop.customer(query.ids[0])
    if not query.flag("force"):
        raise _no_trash("Customers")
    return Answer(query.shop.delete_customer(document["id"]))


def _list_webhooks(query: Query) -> Answer:
    shop = query.shop
    wanted = query.params.get("status", "all")
    with shop.lock:
        found = [it for it in shop.outbox.webhooks.values() if wanted in {"all", it.status}]
    found.sort(key=lambda webhook: (webhook.created_at, webhook.id), reverse=True)
    return _page(query, "webhooks", [it.document(shop.home, shop.zone) for it in found])


def _get_webhook(query: Query) -> Answer:
    shop = query.shop
    return Answer(shop.webhook(query.ids[0]).document(shop.home, shop.zone))


def _create_webhook(query: Query) -> Answer:
    shop = query.shop
    webhook = shop.create_webhook(query.body)
    document = webhook.document(shop.home, shop.zone)
    return Answer(document, 201, _location(query, f"webhooks/{webhook.id}"))


def _update_webhook(query: Query) -> Answer:
    shop = query.shop
    return Answer(shop.update_webhook(query.ids[0], query.body).document(shop.home, shop.zone))


def _delete_webhook(query: Query) -> Answer:
    shop = query.shop
    webhook = shop.webhook(query.ids[0])
    if not query.flag("force"):
        raise _no_trash("Webhooks")
    with shop.lock:
        shop.outbox.webhooks.pop(webhook.id, None)
    return Answer(webhook.document(shop.home, shop.zone))


def _no_trash(what: str) -> Refusal:
    return Refusal(501, "woocommerce_rest_trash_not_supported", f"{what} do not support trashing.")


def _location(query: Query, path: str) -> dict[str, str]:
    return {"Location": f"{query.shop.home}{BASE}/{path}"}


def _route(path: str, allow: str, handlers: dict[str, Handler], *, locks: bool = True) -> Route:
    pattern = re.compile(re.escape(BASE) + path.replace("{}", r"(\d{1,18})"))
    return Route(pattern, allow, handlers, locks)


def _item(get: Handler, put: Handler | None, delete: Handler | None) -> dict[str, Handler]:
    handlers = {"GET": get}
    if put:  # POST to an item does what PUT does
        handlers |= {"PUT": put, "PATCH": put, "POST": put}
    if delete:
        handlers["DELETE"] = delete
    return handlers


ROUTES = (
    _route("/orders", _LIST, {"GET": _list_orders, "POST": _create_order}),
    _route("/orders/batch", _BATCH, dict.fromkeys(("POST", "PUT", "PATCH"), _batch_orders)),
    _route("/orders/statuses", _READ, {"GET": _statuses}),
    _route("/orders/{}", _ITEM, _item(_get_order, _update_order, _delete_order)),
    _route("/orders/{}/notes", _LIST, {"GET": _list_notes, "POST": _create_note}),
    _route(
        "/orders/{}/notes/{}",
        "GET, DELETE",
        {"GET": lambda query: Answer(_note(query)), "DELETE": _delete_note},
    ),
    _route("/orders/{}/refunds", _LIST, {"GET": _list_refunds, "POST": _create_refund}),
    _route("/orders/{}/refunds/{}", "GET, DELETE", {"GET": _get_refund, "DELETE": _delete_refund}),
    _route("/refunds", _READ, {"GET": _all_refunds}),
    _route("/products", _LIST, {"GET": _list_products}),
    _route("/products/{}", _ITEM, {"GET": _get_product}),
    _route("/products/{}/variations/{}", _ITEM, {"GET": _get_variation}),
    _route("/customers", _LIST, {"GET": _list_customers, "POST": _create_customer}),
    _route("/customers/{}", _ITEM, _item(_get_customer, _update_customer, _delete_customer)),
    # A ping goes out while these are answered, so they take the lock themselves.
    _route("/webhooks", _LIST, {"GET": _list_webhooks, "POST": _create_webhook}, locks=False),
    _route(
        "/webhooks/{}",
        _ITEM,
        _item(_get_webhook, _update_webhook, _delete_webhook),
        locks=False,
    ),
)

__all__ = ["BASE", "ORDER_STATUSES", "ROUTES", "Rest"]
