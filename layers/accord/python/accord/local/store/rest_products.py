"""The products' part of the stand-in's REST: products, variations, categories and their batches.

A batch works item by item, as long as the shop's ``latency`` says, and lets others in between.
Variations have a batch for each parent; the one of all products refuses them.
"""

from collections.abc import Callable
from typing import Any

from accord.local.store.documents import Doc
from accord.local.store.routing import (
    BASE,
    BATCH,
    ITEM,
    LIST,
    READ,
    Query,
    batch_of,
    chosen,
    has_status,
    item,
    location,
    ordering,
    page,
    route,
)
from accord.local.store.shelf import Shelf, no_product
from accord.local.store.wire import Answer, Refusal

_ORDER_BY = ["date", "id", "include", "title", "slug", "modified", "price", "popularity", "rating"]
_SORTED_BY = {
    "date": "date_created_gmt",
    "modified": "date_modified_gmt",
    "title": "name",
    "slug": "slug",
}
_BUSY = b"<html><head><title>503 Service Temporarily Unavailable</title></head></html>"
_GAVE_UP = b"<html><head><title>504 Gateway Time-out</title></head></html>"


# --- reading --------------------------------------------------------------------


def _list_products(query: Query) -> Answer:
    """Without variations, except those that ``sku=`` names."""
    shelf, params = query.shop.shelf, query.params
    order_by, downwards = ordering(query, _ORDER_BY)
    given = params.get("sku", "")
    if given:
        skus = [*given.split(","), given]  # taken apart, and as a SKU that holds commas
        named = {doc["id"]: doc for sku in skus if (doc := shelf.find(sku))}
        candidates = list(named.values())
    else:
        candidates = [doc for doc in shelf.documents.values() if doc["type"] != "variation"]
    search = params.get("search", "").lower()
    found = [
        doc
        for doc in chosen(candidates, query)
        if has_status(doc, query)
        and all(params.get(name, doc[name]) == doc[name] for name in ("type", "stock_status"))
        and search in str(doc["name"]).lower()
    ]
    _sort(found, order_by, downwards=downwards)
    return page(query, "products", found, show=shelf.shown)


def _list_variations(query: Query) -> Answer:
    shelf, id_ = query.shop.shelf, query.ids[0]
    found = _chosen_variations(query, shelf.variations_of(id_))
    return page(query, f"products/{id_}/variations", found, show=shelf.shown_variation)


def _all_variations(query: Query) -> Answer:
    """Of all products, with addresses that are none."""
    shelf = query.shop.shelf
    base = f"{query.shop.home}{BASE}/variations"

    def show(doc: Doc) -> Doc:
        shown = shelf.shown_variation(doc)
        links = {
            **shown["_links"],
            "self": [{"href": f"{base}/{doc['id']}"}],
            "collection": [{"href": base}],
        }
        return {**shown, "_links": links}

    every = [doc for doc in shelf.documents.values() if doc["type"] == "variation"]
    return page(query, "variations", _chosen_variations(query, every), show=show)


def _chosen_variations(query: Query, candidates: list[Doc]) -> list[Doc]:
    order_by, downwards = ordering(query, _ORDER_BY)
    found = [doc for doc in chosen(candidates, query) if has_status(doc, query)]
    if sku := query.params.get("sku"):
        named = {it.lower() for it in sku.split(",")}
        found = [doc for doc in found if str(doc["sku"]).lower() in named]
    _sort(found, order_by, downwards=downwards)
    return found


def _sort(found: list[Doc], order_by: str, *, downwards: bool) -> None:
    name = _SORTED_BY.get(order_by, "id")
    found.sort(key=lambda doc: (doc.get(name, ""), doc["id"]), reverse=downwards)


def _get_product(query: Query) -> Answer:
    """A variation too, in the form of a product."""
    shelf = query.shop.shelf
    return Answer(shelf.shown(shelf.get(query.ids[0])))


def _get_variation(query: Query) -> Answer:
    shelf = query.shop.shelf
    return Answer(shelf.shown_variation(shelf.get(query.ids[1], parent=query.ids[0])))


# --- writing --------------------------------------------------------------------


def _create_product(query: Query) -> Answer:
    made = query.shop.shelf.create(query.body)
    return Answer(made, 201, location(query, f"products/{made['id']}"))


def _create_variation(query: Query) -> Answer:
    parent = query.ids[0]
    made = query.shop.shelf.create(query.body, parent=parent)
    return Answer(made, 201, location(query, f"products/{parent}/variations/{made['id']}"))


def _update_product(query: Query) -> Answer:
    return Answer(query.shop.shelf.update(query.ids[0], query.body))


def _update_variation(query: Query) -> Answer:
    parent, id_ = query.ids
    return Answer(query.shop.shelf.update(id_, query.body, parent=parent))


def _delete_product(query: Query) -> Answer:
    shelf, id_ = query.shop.shelf, query.ids[0]
    return Answer(shelf.delete(id_) if query.flag("force") else shelf.trash(id_))


def _delete_variation(query: Query) -> Answer:
    shelf, (parent, id_) = query.shop.shelf, query.ids
    remove = shelf.delete if query.flag("force") else shelf.trash
    return Answer(remove(id_, parent=parent))


# --- batches --------------------------------------------------------------------


def _batch(query: Query) -> Answer:
    """200 always, but of more than 100; what fails is an entry, and nothing is checked.

    First what is made, then what is changed, then what goes, each in the order given.
    """
    given = batch_of(query)
    shop = query.shop
    latency = shop.latency
    count = sum(len(entries) for entries in given.values())
    shop.pause(latency.call_s)
    if latency.most is not None and count > latency.most:
        return Answer(_BUSY, 503, {"Content-Type": "text/html"})
    spent = latency.call_s
    waits = latency.gives_up_s
    done: dict[str, list[Doc]] = {}
    for name, do in _steps(shop.shelf, query.ids[0] if query.ids else None):
        for entry in given[name]:
            if (
                waits is None or spent < waits
            ):  # after that nobody waits, and it is done all the same
                shop.pause(latency.item_s)
            spent += latency.item_s
            with shop.lock:
                done.setdefault(name, []).append(_one(entry, do))
    if waits is not None and spent > waits:
        return Answer(_GAVE_UP, 504, {"Content-Type": "text/html"})
    return Answer(done or [])


def _steps(shelf: Shelf, parent: int | None) -> list[tuple[str, Callable[[Any], Doc]]]:
    def create(fields: Doc) -> Doc:
        return shelf.create(fields, parent=parent, checked=False)

    def update(fields: Doc) -> Doc:
        id_ = _id(fields)
        if parent is None and id_ not in shelf.documents:
            raise no_product(status=400)  # alone it is a 404
        rest = {name: it for name, it in fields.items() if name != "id"}
        return shelf.update(id_ or 0, rest, parent=parent, checked=False)

    def delete(id_: Any) -> Doc:
        return shelf.delete(int(id_), parent=parent)

    return [("create", create), ("update", update), ("delete", delete)]


def _one(entry: Any, do: Callable[[Any], Doc]) -> Doc:
    try:
        return do(entry)
    except Refusal as refusal:
        made = do.__name__ == "create"
        id_ = 0 if made else _id(entry) if isinstance(entry, dict) else int(entry)
        return {"id": id_, "error": refusal.body()}


def _id(fields: Doc) -> int | None:
    return int(fields["id"]) if fields.get("id") else None


# --- categories -----------------------------------------------------------------


def _list_categories(query: Query) -> Answer:
    """By name."""
    params = query.params
    search = params.get("search", "").lower()
    found = [
        doc
        for doc in chosen(query.shop.shelf.categories.documents.values(), query)
        if search in str(doc["name"]).lower()
        and all(params.get(name, str(doc[name])) == str(doc[name]) for name in ("parent", "slug"))
    ]
    found.sort(key=lambda doc: (str(doc["name"]).lower(), doc["id"]))
    counts = query.shop.shelf.counts()
    return page(
        query,
        "products/categories",
        found,
        show=lambda doc: {**doc, "count": counts.get(doc["id"], 0)},
    )


def _get_category(query: Query) -> Answer:
    shelf = query.shop.shelf
    doc = shelf.categories.get(query.ids[0])
    return Answer({**doc, "count": shelf.counts().get(doc["id"], 0)})


def _create_category(query: Query) -> Answer:
    made = query.shop.shelf.categories.create(query.body)
    return Answer(made, 201, location(query, f"products/categories/{made['id']}"))


PRODUCT_ROUTES = (
    route("/products", LIST, {"GET": _list_products, "POST": _create_product}),
    route("/products/batch", BATCH, dict.fromkeys(("POST", "PUT", "PATCH"), _batch), locks=False),
    route("/products/categories", LIST, {"GET": _list_categories, "POST": _create_category}),
    route("/products/categories/{}", ITEM, item(_get_category, None, None)),
    route("/products/{}", ITEM, item(_get_product, _update_product, _delete_product)),
    route("/products/{}/variations", LIST, {"GET": _list_variations, "POST": _create_variation}),
    route(
        "/products/{}/variations/batch",
        BATCH,
        dict.fromkeys(("POST", "PUT", "PATCH"), _batch),
        locks=False,
    ),
    route(
        "/products/{}/variations/{}",
        ITEM,
        item(_get_variation, _update_variation, _delete_variation),
    ),
    route("/variations", READ, {"GET": _all_variations}),
)
