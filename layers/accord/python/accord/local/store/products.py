"""Product and variation JSON as WooCommerce 10.5 writes it.

A variation has two forms: its own, under its parent's address, and that of a product, which
``GET /products/<its id>``, a list by ``sku`` and every delivery have. What a write answers differs
from what a read does in a few fields. Sources: recordings of a WooCommerce 10.5.0 store; read in
WC_Product::validate_props and WC_Product_Data_Store_CPT::handle_updated_props, and not observed:
descriptions, days of a sale, and what a product is that stops counting its stock.
"""

import datetime as dt
import html.entities
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from urllib.parse import quote

from accord.local.store import fields as fields_
from accord.local.store.documents import SYMBOLS, Doc, stamp, text

_ALLOWED = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NO_SIZES = {"length": "", "width": "", "height": ""}
_SALE_DAYS = ("date_on_sale_from", "date_on_sale_to")
# In the order of the recordings.
_OF_BOTH = (
    "date_created",
    "date_created_gmt",
    "date_modified",
    "date_modified_gmt",
    "description",
    "sku",
    "global_unique_id",
    "price",
    "regular_price",
    "sale_price",
    "date_on_sale_from",
    "date_on_sale_from_gmt",
    "date_on_sale_to",
    "date_on_sale_to_gmt",
    "on_sale",
    "status",
    "purchasable",
    "virtual",
    "downloadable",
    "downloads",
    "download_limit",
    "download_expiry",
    "tax_status",
    "tax_class",
    "manage_stock",
    "stock_quantity",
    "stock_status",
    "backorders",
    "backorders_allowed",
    "backordered",
    "low_stock_amount",
    "weight",
    "dimensions",
    "shipping_class",
    "shipping_class_id",
    "menu_order",
    "meta_data",
)


def product_document(id_: int, *, home: str, at: dt.datetime, zone: dt.tzinfo) -> Doc:
    """A simple product of which nothing is said yet."""
    doc: Doc = {"id": id_, "name": "Product", "slug": "", "permalink": ""}
    stamp(doc, "date_created", at, zone)
    stamp(doc, "date_modified", at, zone)
    base = f"{home}/wp-json/wc/v3/products"
    return doc | {
        "type": "simple",
        "status": "publish",
        "featured": False,
        "catalog_visibility": "visible",
        "description": "",
        "short_description": "",
        "sku": "",
        "price": "",
        "regular_price": "",
        "sale_price": "",
        "date_on_sale_from": None,
        "date_on_sale_from_gmt": None,
        "date_on_sale_to": None,
        "date_on_sale_to_gmt": None,
        "on_sale": False,
        "purchasable": False,
        "total_sales": 0,
        "virtual": False,
        "downloadable": False,
        "downloads": [],
        "download_limit": -1,
        "download_expiry": -1,
        "external_url": "",
        "button_text": "",
        "tax_status": "taxable",
        "tax_class": "",
        "manage_stock": False,
        "stock_quantity": None,
        "backorders": "no",
        "backorders_allowed": False,
        "backordered": False,
        "low_stock_amount": None,
        "sold_individually": False,
        "weight": "",
        "dimensions": dict(_NO_SIZES),
        "shipping_required": True,
        "shipping_taxable": True,
        "shipping_class": "",
        "shipping_class_id": 0,
        "reviews_allowed": True,
        "average_rating": "0.00",
        "rating_count": 0,
        "upsell_ids": [],
        "cross_sell_ids": [],
        "parent_id": 0,
        "purchase_note": "",
        "categories": [],
        "brands": [],
        "tags": [],
        "images": [],
        "attributes": [],
        "default_attributes": [],
        "variations": [],
        "grouped_products": [],
        "menu_order": 0,
        "price_html": "",
        "related_ids": [],
        "meta_data": [],
        "stock_status": "instock",
        "has_options": False,
        "post_password": "",
        "global_unique_id": "",
        "_links": {
            "self": [{"href": f"{base}/{id_}", "targetHints": {"allow": _ALLOWED}}],
            "collection": [{"href": base}],
        },
    }


def variation_document(
    id_: int, parent_id: int, *, home: str, at: dt.datetime, zone: dt.tzinfo
) -> Doc:
    """A variation of which nothing is said yet, in its own form."""
    like = product_document(id_, home=home, at=at, zone=zone)
    return own_form({**like, "tax_class": "parent", "parent_id": parent_id}, home=home)


def own_form(doc: Doc, *, home: str) -> Doc:
    """The variation in its own form, whichever it has."""
    base = f"{home}/wp-json/wc/v3/products/{doc['parent_id']}"
    ordered: Doc = {"id": doc["id"], "type": "variation"}
    for name in _OF_BOTH:
        ordered[name] = doc[name]
        if name == "description":
            ordered["permalink"] = doc.get("permalink", "")
        elif name == "shipping_class_id":
            ordered["image"] = doc.get("image")
            ordered["attributes"] = doc["attributes"]
    return ordered | {
        "name": ", ".join(str(it["option"]) for it in doc["attributes"]),
        "parent_id": doc["parent_id"],
        "_links": {
            "self": [
                {"href": f"{base}/variations/{doc['id']}", "targetHints": {"allow": _ALLOWED}}
            ],
            "collection": [{"href": f"{base}/variations"}],
            "up": [{"href": base}],
        },
    }


def as_product(doc: Doc, parent: Doc | None, *, home: str) -> Doc:
    """A variation, as it is read, in the form of a product."""
    base = f"{home}/wp-json/wc/v3/products"
    name = f"{parent['name']} - {doc['name']}" if parent else str(doc["name"])
    nothing = product_document(doc["id"], home=home, at=_EPOCH, zone=dt.UTC)
    like = {key: it for key, it in doc.items() if key in nothing}
    return {
        **nothing,
        **like,
        "name": name,
        "slug": fields_.in_address(fields_.slug(name)),
        "permalink": doc["permalink"],
        "total_sales": "0",  # a text, of a variation
        "shipping_required": not doc["virtual"],
        "shipping_taxable": not doc["virtual"],
        "reviews_allowed": False,
        "categories": [],
        "images": [doc["image"]] if doc["image"] else [],
        "price_html": price_html(doc),
        "_links": {
            "self": [{"href": f"{base}/{doc['id']}", "targetHints": {"allow": _ALLOWED}}],
            "collection": [{"href": base}],
            "up": [{"href": f"{base}/{doc['parent_id']}"}],
        },
    }


def as_read(doc: Doc, parent: Doc | None) -> Doc:
    """What a read shows where it is not what was stored: texts, and what the parent decides."""
    shown = {**doc, "description": fields_.paragraphs(doc["description"])}
    if "short_description" in doc:
        shown["short_description"] = fields_.paragraphs(doc["short_description"])
    if doc["tax_class"] == "parent" and parent:
        shown["tax_class"] = parent["tax_class"]
    return shown | of_parent(doc, parent)


def as_written(doc: Doc, parent: Doc | None, *, home: str) -> Doc:
    """What a write answers: as stored."""
    if doc["type"] == "variation":
        return {**doc, **of_parent(doc, parent)}
    shown = {name: it for name, it in doc.items() if name != "_links"}
    return shown | {
        "average_rating": "0",
        "permalink_template": f"{home}/product/%pagename%/",
        "generated_slug": fields_.slug(doc["name"]),
        "_links": doc["_links"],
    }


def of_parent(doc: Doc, parent: Doc | None) -> Doc:
    """The stock fields of a variation that does not count, under a parent that does."""
    if doc["type"] != "variation" or doc["manage_stock"] or not parent:
        return {}
    if not parent["manage_stock"]:
        return {}
    names = ("stock_quantity", "stock_status", "backorders", "backorders_allowed", "backordered")
    return {"manage_stock": "parent", **{name: parent[name] for name in names}}


def align(doc: Doc, at: dt.datetime) -> None:
    """What follows from the rest: the price that counts, whether there is any, what is shown."""
    _align_stock(doc)
    if doc["type"] != "variable":  # those go by their variations
        _align_price(doc, at)
    if "price_html" in doc and doc["type"] != "variable":
        doc["price_html"] = price_html(doc)
        doc["shipping_required"] = doc["shipping_taxable"] = not doc["virtual"]


def _align_stock(doc: Doc) -> None:
    if not doc["manage_stock"]:
        doc.update(stock_quantity=None, backorders="no", low_stock_amount=None)
    elif (doc["stock_quantity"] or 0) > 0:
        doc["stock_status"] = "instock"
    else:
        doc["stock_status"] = "onbackorder" if doc["backorders"] != "no" else "outofstock"
    doc["backorders_allowed"] = doc["backorders"] in {"yes", "notify"}
    doc["backordered"] = doc["stock_status"] == "onbackorder" or bool(
        doc["manage_stock"] and doc["backorders_allowed"] and (doc["stock_quantity"] or 0) < 0
    )


def _align_price(doc: Doc, at: dt.datetime) -> None:
    regular, sale = amount(doc["regular_price"]), amount(doc["sale_price"])
    if sale is not None and (regular is None or sale >= regular):
        doc["sale_price"], sale = "", None  # dropped, and answered as a success
    begins, ends = (_moment(doc[f"{name}_gmt"]) for name in _SALE_DAYS)
    on_sale = sale is not None and not (begins and begins > at) and not (ends and ends < at)
    doc["on_sale"] = on_sale
    doc["price"] = doc["sale_price"] if on_sale else doc["regular_price"]
    doc["purchasable"] = doc["price"] != ""


def set_sale_day(doc: Doc, name: str, value: object, zone: dt.tzinfo) -> None:
    """A day or moment at which a sale begins or ends; nothing takes it away."""
    if (at := fields_.moment(value, zone)) is None:
        doc[name] = doc[f"{name}_gmt"] = None
    else:
        stamp(doc, name, at, zone)


def sync_parent(parent: Doc, variations: Sequence[Doc]) -> None:
    """What a variable product takes from its variations: prices, and whether there are any."""
    sold = [it for it in variations if it["status"] == "publish" and it["price"] != ""]
    prices = sorted((it["price"] for it in sold), key=Decimal)
    parent["price"] = prices[0] if prices else ""
    parent["on_sale"] = any(it["on_sale"] for it in sold)
    parent["purchasable"] = bool(prices)
    parent["price_html"] = _range_html(sold, prices)
    if not parent["manage_stock"]:
        states = {it["stock_status"] for it in variations}
        best = (it for it in ("instock", "onbackorder") if it in states)
        parent["stock_status"] = next(best, "outofstock") if states else parent["stock_status"]
        parent["backordered"] = parent["stock_status"] == "onbackorder"


def place_in_shop(doc: Doc, parent: Doc | None, *, home: str) -> None:
    """Its address in the shop. A draft without one of its own goes by its number."""
    if doc["type"] == "variation":
        chosen = [
            f"attribute_{it['slug']}={_option_in_address(it)}"
            for it in doc["attributes"]
            if it["option"]
        ]
        of_parent = parent["permalink"] if parent else f"{home}/?p={doc['parent_id']}"
        doc["permalink"] = of_parent + ("?" + "&".join(chosen) if chosen else "")
    elif doc["slug"]:
        doc["permalink"] = f"{home}/product/{doc['slug']}/"
    else:
        doc["permalink"] = f"{home}/?post_type=product&p={doc['id']}"


def _option_in_address(attribute: Doc) -> str:
    option = str(attribute["option"])
    return fields_.slug(option) if attribute["id"] else quote(option, safe="")


def attribute_of(given: Doc, names: dict[int, str]) -> Doc:
    """An attribute of a product: a global one by its id, whose options are sorted, or its own."""
    id_ = fields_.stock_amount(given.get("id"))
    name = names.get(id_) or str(given.get("name") or "")
    options = [str(it) for it in given.get("options") or []]
    return {
        "id": id_ if id_ in names else 0,
        "name": name,
        "slug": f"pa_{fields_.slug(name)}" if id_ in names else name,
        "position": fields_.stock_amount(given.get("position")),
        "visible": fields_.is_true(given.get("visible", False)),
        "variation": fields_.is_true(given.get("variation", False)),
        "options": sorted(options) if id_ in names else options,
    }


def choices_of(given: Sequence[Doc], parent: Doc | None) -> list[Doc]:
    """A variation's options, in its parent's order; what its parent does not vary by is ignored."""
    if parent is None:
        return []
    chosen = []
    for attribute in parent["attributes"]:
        for it in given:
            same = (
                fields_.stock_amount(it.get("id")) == attribute["id"]
                if attribute["id"]
                else str(it.get("name", "")).lower() == str(attribute["name"]).lower()
            )
            if same and attribute["variation"]:
                slug = attribute["slug"] if attribute["id"] else fields_.slug(attribute["name"])
                option = str(it.get("option", ""))
                chosen.append(
                    {
                        "id": attribute["id"],
                        "name": attribute["name"],
                        "slug": slug,
                        "option": option,
                    }
                )
    return chosen


def amount(price: str) -> Decimal | None:
    """A stored price; None where there is none."""
    try:
        return Decimal(price)
    except InvalidOperation:
        return None


def _moment(gmt: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(gmt).replace(tzinfo=dt.UTC) if gmt else None


# --- prices as the shop shows them -------------------------------------------------------


def price_html(doc: Doc) -> str:
    """Of a product or variation, in pounds."""
    if doc["price"] == "":
        return ""
    if doc["on_sale"]:
        return _sale_html(doc["regular_price"], doc["sale_price"])
    return _money_html(doc["price"])


def _range_html(sold: Sequence[Doc], prices: Sequence[str]) -> str:
    if not prices:
        return ""
    low, high = prices[0], prices[-1]
    if Decimal(low) != Decimal(high):
        hidden = ' aria-hidden="true"'
        return (
            f"{_money_html(low, hidden)} <span{hidden}>&ndash;</span> {_money_html(high, hidden)}"
            f'<span class="screen-reader-text">Price range: {_plain(low)} through '
            f"{_plain(high)}</span>"
        )
    regular = {it["regular_price"] for it in sold}
    if len(regular) == 1 and any(it["on_sale"] for it in sold):
        return _sale_html(regular.pop(), low)
    return _money_html(low)


def _sale_html(regular: str, sale: str) -> str:
    reader = '<span class="screen-reader-text">'
    return (
        f'<del aria-hidden="true">{_money_html(regular)}</del> {reader}Original price was: '
        f'{_plain(regular)}.</span><ins aria-hidden="true">{_money_html(sale)}</ins>{reader}'
        f"Current price is: {_plain(sale)}.</span>"
    )


def _money_html(price: str, attributes: str = "") -> str:
    symbol = f'<span class="woocommerce-Price-currencySymbol">{_SYMBOL}</span>'
    return (
        f'<span class="woocommerce-Price-amount amount"{attributes}><bdi>{symbol}'
        f"{_number(price)}</bdi></span>"
    )


def _plain(price: str) -> str:
    return f"{_SYMBOL}{_number(price)}"


def _number(price: str) -> str:
    return f"{Decimal(text(Decimal(price))):,}"


def _entity(symbol: str) -> str:
    names: dict[int, str] = html.entities.codepoint2name
    return "".join(f"&{names[ord(it)]};" if ord(it) in names else it for it in symbol)


_SYMBOL = _entity(SYMBOLS["GBP"])

__all__ = [
    "align",
    "amount",
    "as_product",
    "as_read",
    "as_written",
    "attribute_of",
    "choices_of",
    "own_form",
    "place_in_shop",
    "price_html",
    "product_document",
    "set_sale_day",
    "sync_parent",
    "variation_document",
]
