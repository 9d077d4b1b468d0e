"""The products of the stand-in: made, changed, counted, found, and told of.

Every write is whole or not at all. A variation's write moves its parent's date too and is told as
the variation's alone. Sales are not counted, and products are not related to each other.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from decimal import Decimal
from typing import Any

from accord.local.store import fields as fields_
from accord.local.store import products
from accord.local.store.catalogue import Product
from accord.local.store.categories import Categories
from accord.local.store.documents import Doc, stamp
from accord.local.store.meta import set_meta
from accord.local.store.wire import Refusal

_PLAIN = (
    "name",
    "description",
    "short_description",
    "catalog_visibility",
    "tax_status",
    "purchase_note",
    "external_url",
    "button_text",
)
_FLAGS = ("featured", "virtual", "downloadable", "sold_individually", "reviews_allowed")
_FIRST_ID = 100  # below are the recorded ones


def no_product(*, variation: bool = False, status: int = 404) -> Refusal:
    """No such product, or no such variation of that parent."""
    kind = "product_variation" if variation else "product"
    return Refusal(status, f"woocommerce_rest_{kind}_invalid_id", "Invalid ID.", bare=variation)


class Shelf:
    """Products by id, variations among them in their own form.

    ``tell`` gets a topic and an id for each delivery that would follow. ``classes`` are the tax
    classes, ``attributes`` the global ones by id.
    """

    def __init__(
        self,
        *,
        home: str,
        clock: Callable[[], dt.datetime],
        zone: dt.tzinfo,
        ids: Iterator[int],
        classes: Collection[str],
        attributes: dict[int, str],
        tell: Callable[[str, int], object],
    ) -> None:
        self.documents: dict[int, Doc] = {}
        self.categories = Categories(home)
        self._home = home
        self._clock = clock
        self._zone = zone
        self._ids = ids
        self._classes = frozenset(classes)
        self._attributes = attributes
        self._tell = tell
        self._by_sku: dict[str, int] = {}
        self._by_gtin: dict[str, int] = {}
        self._children: dict[int, list[int]] = {}
        self._slugs: set[str] = set()
        self._trashed: dict[int, str] = {}  # product → its status before
        self._highest = _FIRST_ID

    # --- what is there ----------------------------------------------------------

    def load(self, documents: Iterable[Doc]) -> int:
        """Puts products in place as if they had always been so, in either form. How many."""
        count = 0
        for document in documents:
            doc = document
            if doc.get("type") == "variation":
                own = {**doc, "manage_stock": doc["manage_stock"] is True}
                doc = products.own_form(own, home=self._home)
            self._put(doc)
            count += 1
        return count

    def get(self, id_: int, *, parent: int | None = None) -> Doc:
        """As it is stored; with ``parent``, only a variation of it. Raises: Refusal: 404."""
        doc = self.documents.get(id_)
        if doc is None or (parent is not None and doc["parent_id"] != parent):
            raise no_product(variation=parent is not None)
        return doc

    def find(self, sku: str) -> Doc | None:
        """The product or variation with that SKU, letter case ignored."""
        id_ = self._by_sku.get(sku.lower())
        return self.documents.get(id_) if id_ is not None else None

    def shown(self, doc: Doc) -> Doc:
        """As a read or a delivery shows it: a variation in the form of a product."""
        parent = self.documents.get(doc["parent_id"])
        read = self.shown_variation(doc)
        if doc["type"] == "variation":
            return products.as_product(read, parent, home=self._home)
        return read

    def shown_variation(self, doc: Doc) -> Doc:
        """As a read shows it under its parent's address."""
        if doc["date_on_sale_from"] or doc["date_on_sale_to"]:  # time alone may end a sale
            products.align(doc, self._clock())
        return products.as_read(doc, self.documents.get(doc["parent_id"]))

    def delivered(self, id_: int) -> Doc | None:
        """The body of a delivery; None when the product is gone."""
        doc = self.documents.get(id_)
        return self.shown(doc) if doc else None

    def variations_of(self, parent: int) -> list[Doc]:
        """Its variations, oldest first."""
        return [self.documents[id_] for id_ in self._children.get(parent, ())]

    def counts(self) -> Counter[int]:
        """How many published products each category has."""
        return Counter(
            category["id"]
            for doc in self.documents.values()
            if doc["status"] == "publish"
            for category in doc.get("categories", ())
        )

    # --- what REST does -----------------------------------------------------------

    def create(self, fields: Doc, *, parent: int | None = None, checked: bool = True) -> Doc:
        """The new product, or ``parent``'s new variation, as the write answers it.

        Without ``checked`` nothing is refused that a batch takes.
        """
        if checked:
            fields_.check(fields)
        written = self.add(fields, parent=parent)
        self._tell("product.created", written["id"])
        return written

    def add(self, fields: Doc, *, parent: int | None = None, id_: int = 0) -> Doc:
        """See ``create``; unchecked, and nobody is told. ``id_`` is its own, if that matters."""
        number = id_ or self._highest + 1
        at = self._clock()
        if parent is None:
            doc = products.product_document(number, home=self._home, at=at, zone=self._zone)
        else:
            if parent not in self.documents:
                raise Refusal(
                    404,
                    "woocommerce_rest_product_variation_invalid_parent",
                    "Cannot set attributes due to invalid parent product.",
                )
            doc = products.variation_document(
                number, parent, home=self._home, at=at, zone=self._zone
            )
        return self._write(doc, fields)

    def update(
        self, id_: int, fields: Doc, *, parent: int | None = None, checked: bool = True
    ) -> Doc:
        """A partial update. It moves the date and is told even if nothing changes."""
        doc = self.get(id_, parent=parent)
        if parent is None and doc["type"] == "variation":
            raise Refusal(
                404,
                "woocommerce_rest_invalid_product_id",
                "To manipulate product variations you should use the "
                "/products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint.",
            )
        if checked:
            fields_.check(fields)
        if doc["status"] == "trash" and fields.get("status") not in {None, "trash"}:
            self._trashed.pop(id_, None)
        written = self._write(_copy(doc), fields)
        self._tell("product.updated", id_)
        return written

    def trash(self, id_: int, *, parent: int | None = None) -> Doc:
        """To the trash. The store tells of a coupon too, with the same id."""
        doc = self.get(id_, parent=parent)
        if doc["status"] == "trash":
            raise Refusal(
                410, "woocommerce_rest_already_trashed", "The product has already been deleted."
            )
        self._trashed[id_] = doc["status"]
        doc["status"] = "trash"
        stamp(doc, "date_modified", self._clock(), self._zone)
        self._tell("product.deleted", id_)
        self._tell("coupon.deleted", id_)
        return self._answer(doc)

    def restore(self, id_: int) -> Doc:
        """Out of the trash, as a person does it in the shop."""
        doc = self.get(id_)
        if doc["status"] == "trash":
            doc["status"] = self._trashed.pop(id_, "draft")
            stamp(doc, "date_modified", self._clock(), self._zone)
            self._tell("product.restored", id_)
            self._tell("coupon.restored", id_)
        return self._answer(doc)

    def delete(self, id_: int, *, parent: int | None = None) -> Doc:
        """Gone for good, with its variations; nothing is told."""
        doc = self.get(id_, parent=parent)
        answer = self._answer(doc)
        for child in list(self._children.get(id_, ())):
            self._forget(child)
        self._forget(id_)
        if of := self.documents.get(doc["parent_id"]):
            self._follow_children(of)
        return answer

    # --- what orders do -------------------------------------------------------------

    def take(self, id_: int, quantity: int) -> int | None:
        """``quantity`` leaves the stock (comes back, below 0), past zero too.

        The id of what counts it, which a delivery then tells of; None when nothing does.
        """
        doc = self.documents.get(id_)
        parent = self.documents.get(doc["parent_id"]) if doc else None
        if doc and not doc["manage_stock"] and doc["type"] == "variation":
            doc, parent = parent, None  # its parent counts for it, if anybody does
        if doc is None or not doc["manage_stock"]:
            return None
        doc["stock_quantity"] = (doc["stock_quantity"] or 0) - quantity
        at = self._clock()
        products.align(doc, at)
        stamp(doc, "date_modified", at, self._zone)
        if parent:
            self._follow_children(parent)
        return int(doc["id"])

    def sold(self, id_: int) -> Product | None:
        """What an order's line takes of the product: its price now, its tax, its names."""
        doc = self.documents.get(id_)
        if doc is None:
            return None
        parent = self.documents.get(doc["parent_id"])
        shown = self.shown(doc)
        return Product(
            id_,
            doc["sku"],
            shown["name"],
            products.amount(shown["price"]) or Decimal(0),
            tax_class=shown["tax_class"],
            parent_id=doc["parent_id"],
            parent_name=parent["name"] if parent else None,
            options=tuple(_option(it) for it in doc["attributes"] if doc["type"] == "variation"),
            gtin=doc["global_unique_id"],
            virtual=doc["virtual"],
        )

    # --- inside -----------------------------------------------------------------------

    def _write(self, doc: Doc, fields: Doc) -> Doc:
        parent = self.documents.get(doc["parent_id"])
        at = self._clock()
        self._set_names(doc, fields, parent)
        self._set_looks(doc, fields)
        _set_prices(doc, fields, self._zone)
        _set_stock(doc, fields)
        if fields.get("meta_data"):
            set_meta(doc["meta_data"], fields_.named(fields["meta_data"]), self._ids)
        products.place_in_shop(doc, parent, home=self._home)
        products.align(doc, at)
        stamp(doc, "date_modified", at, self._zone)
        self._put(doc)
        if doc["type"] == "variable":
            products.sync_parent(doc, self.variations_of(doc["id"]))
        if parent:
            self._follow_children(parent)
        return self._answer(doc)

    def _answer(self, doc: Doc) -> Doc:
        """A copy: the product may change before it is sent."""
        parent = self.documents.get(doc["parent_id"])
        answer: Doc = _copy(products.as_written(doc, parent, home=self._home))
        return answer

    def _set_names(self, doc: Doc, fields: Doc, parent: Doc | None) -> None:
        """What a product is known by. Raises: Refusal: another has that SKU or GTIN."""
        if "sku" in fields:
            doc["sku"] = self._free_sku(str(fields["sku"] or "").strip(), doc["id"])
        if "global_unique_id" in fields:
            code = fields_.gtin(fields["global_unique_id"])
            if code and self._by_gtin.get(code, doc["id"]) != doc["id"]:
                raise Refusal(
                    400,
                    "product_invalid_global_unique_id",
                    "Invalid or duplicated GTIN, UPC, EAN or ISBN.",
                    {"resource_id": self._by_gtin[code]},
                )
            doc["global_unique_id"] = code
        if "status" in fields:
            known = fields["status"] in fields_.STATUSES
            doc["status"] = fields["status"] if known else "draft"
        variation = doc["type"] == "variation"
        if fields.get("attributes") is not None:
            given = fields_.named(fields["attributes"])
            doc["attributes"] = (
                products.choices_of(given, parent)
                if variation
                else [products.attribute_of(it, self._attributes) for it in given]
            )
        if variation:
            doc["name"] = ", ".join(str(it["option"]) for it in doc["attributes"])
            return
        if fields.get("type"):
            doc["type"] = str(fields["type"])
            doc["has_options"] = doc["type"] == "variable"
        if fields.get("name"):
            doc["name"] = str(fields["name"])
        if fields.get("slug") or (not doc["slug"] and doc["status"] not in {"draft", "pending"}):
            slug = fields_.free_slug(str(fields.get("slug") or doc["name"]), self._slugs)
            doc["slug"] = fields_.in_address(slug)

    def _free_sku(self, sku: str, id_: int) -> str:
        holder = self._by_sku.get(sku.lower()) if sku else None
        if holder is None or holder == id_:
            return sku
        at = 1
        while f"{sku}-{at}".lower() in self._by_sku:
            at += 1
        raise Refusal(
            400,
            "product_invalid_sku",
            "Invalid or duplicated SKU.",
            {"resource_id": holder, "unique_sku": f"{sku}-{at}"},
        )

    def _set_looks(self, doc: Doc, fields: Doc) -> None:
        for name in _PLAIN:
            if fields.get(name) is not None and name in doc and name != "name":
                doc[name] = str(fields[name])
        for name in _FLAGS:
            if name in fields and name in doc:
                doc[name] = fields_.is_true(fields[name])
        if "menu_order" in fields:
            doc["menu_order"] = fields_.stock_amount(fields["menu_order"])
        if "tax_class" in fields:
            of_parent = doc["type"] == "variation" and fields["tax_class"] == "parent"
            given = fields["tax_class"]
            doc["tax_class"] = "parent" if of_parent else fields_.tax_class(given, self._classes)
        if "weight" in fields:
            doc["weight"] = fields_.decimal(fields["weight"])
        if "dimensions" in fields:
            doc["dimensions"] = fields_.sizes(doc["dimensions"], fields["dimensions"])
        if doc["type"] == "variation":
            if fields.get("image"):
                (doc["image"],) = self._images([fields["image"]])
            return
        if "categories" in fields or not doc["categories"]:
            wanted = fields_.named(fields.get("categories"))
            doc["categories"] = self.categories.named(wanted)
        if fields.get("images") is not None:
            doc["images"] = self._images(fields_.named(fields["images"]))

    def _images(self, given: list[Doc]) -> list[Doc]:
        """By id as they are; by address copied into the shop, again each time."""
        made = []
        for it in given:
            source = str(it.get("src") or "")
            if not it.get("id") and not source.startswith(("http://", "https://")):
                raise Refusal(
                    400,
                    "woocommerce_product_image_upload_error",
                    f"Error getting remote image {source}. Error: A valid URL was not provided.",
                )
            image: Doc = {"id": int(it.get("id") or next(self._ids))}
            stamp(image, "date_created", self._clock(), self._zone)
            stamp(image, "date_modified", self._clock(), self._zone)
            file = source.rpartition("/")[2] or f"{image['id']}.jpg"
            own = f"{self._home}/wp-content/uploads/{file}"
            name = it.get("name") or file.partition(".")[0]
            made.append({**image, "src": own, "name": name, "alt": it.get("alt") or ""})
        return made

    def _put(self, doc: Doc) -> None:
        id_ = int(doc["id"])
        self._forget_names(id_)
        self.documents[id_] = doc
        self._highest = max(self._highest, id_)
        if doc.get("sku"):
            self._by_sku[doc["sku"].lower()] = id_
        if doc.get("global_unique_id"):
            self._by_gtin[doc["global_unique_id"]] = id_
        if doc.get("slug"):
            self._slugs.add(fields_.slug(str(doc["name"])))
        if doc["type"] == "variation":
            children = self._children.setdefault(doc["parent_id"], [])
            if id_ not in children:
                children.append(id_)
                children.sort()

    def _forget(self, id_: int) -> None:
        self._forget_names(id_)
        doc = self.documents.pop(id_)
        self._children.pop(id_, None)
        if id_ in self._children.get(doc["parent_id"], ()):
            self._children[doc["parent_id"]].remove(id_)

    def _forget_names(self, id_: int) -> None:
        before: Doc = self.documents.get(id_) or {}
        for names, name in (
            (self._by_sku, str(before.get("sku", "")).lower()),
            (self._by_gtin, before.get("global_unique_id", "")),
        ):
            if names.get(name) == id_:
                del names[name]

    def _follow_children(self, parent: Doc) -> None:
        children = self.variations_of(parent["id"])
        if parent["type"] == "variable":
            parent["variations"] = [it["id"] for it in children]
            products.sync_parent(parent, children)
        stamp(parent, "date_modified", self._clock(), self._zone)


def _copy(value: Any) -> Any:
    """Of a document, of objects, lists and plain values; ``deepcopy`` takes five times as long."""
    if isinstance(value, dict):
        return {name: _copy(it) for name, it in value.items()}
    return [_copy(it) for it in value] if isinstance(value, list) else value


def _option(attribute: Doc) -> tuple[str, str, str, str]:
    option = str(attribute["option"])
    kept = fields_.slug(option) if attribute["id"] else option
    return attribute["slug"], kept, attribute["name"], option


def _set_prices(doc: Doc, fields: Doc, zone: dt.tzinfo) -> None:
    if doc["type"] in {"variable", "grouped"}:
        return
    for name in ("regular_price", "sale_price"):
        if name in fields:
            doc[name] = fields_.decimal(fields[name])
    for name in ("date_on_sale_from", "date_on_sale_to"):
        if name in fields:
            products.set_sale_day(doc, name, fields[name], zone)
        elif f"{name}_gmt" in fields:
            products.set_sale_day(doc, name, fields[f"{name}_gmt"], dt.UTC)


def _set_stock(doc: Doc, fields: Doc) -> None:
    """A quantity stays only where stock is counted; then the status follows from it."""
    if "manage_stock" in fields:  # "parent" is what a variation's reads say: it does not count
        doc["manage_stock"] = fields_.is_true(fields["manage_stock"])
    if "backorders" in fields:
        doc["backorders"] = str(fields["backorders"])
    if fields.get("stock_status") in fields_.STOCK_STATUSES:
        doc["stock_status"] = fields["stock_status"]
    if "stock_quantity" in fields:
        doc["stock_quantity"] = fields_.stock_amount(fields["stock_quantity"])
    elif "inventory_delta" in fields:
        delta: Any = fields["inventory_delta"]
        doc["stock_quantity"] = (doc["stock_quantity"] or 0) + fields_.stock_amount(delta)
