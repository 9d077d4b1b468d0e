"""A product of the store becomes a canonical product, and what to write an entry of a batch. Pure.

Sources: WooCommerce REST API v3 docs, "Products", "Product variations"; a WooCommerce 10.5.0 store
as it was observed; WC_REST_Products_Controller::prepare_objects_query, as read.
"""

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from accord.errors import BadInputError
from accord.model.change import Ref
from accord.model.item import Product
from accord.woo import wire
from accord.woo.api import PAGE, path_id
from accord.woo.mapping import plain, read, utc

_Fields = dict[str, Any]
_BREAK = re.compile(r"<(?:br|/p|/div|/li|/h[1-6]|/tr)\b[^>]*>", re.IGNORECASE)
_QUERY = 6000  # characters; servers refuse an address above 8 KB


def product_from_wire(document: _Fields, *, store: str, parent: str = "") -> Product:
    """The product or variation in ``document``, complete.

    ``parent``: it was read as a variation of that product, and may not say so itself. The name has
    no entities and the description no tags: the store puts both in, and not in every answer.

    Raises: BadInputError: it has no id. A field that cannot be read is as if it were not there.
    """
    found = read(wire.Product, document, what=f"product {document.get('id', '?')} of {store}")
    type_ = found.type or ("variation" if parent else "simple")
    varies = type_.endswith("variation")  # "subscription_variation"
    return Product(
        ref=Ref(store, "product", str(found.id)),
        sku=found.sku,
        name=html.unescape(found.name).strip(),
        type=type_,
        status=found.status,
        modified_at=utc(found.date_modified_gmt) if found.date_modified_gmt else None,
        parent=str(found.parent_id or parent) if varies else "",
        manages_stock=found.manage_stock is True,
        by_parent=found.manage_stock == "parent",
        stock=found.stock_quantity if found.manage_stock else None,
        backorders=found.backorders,
        regular_price=found.regular_price,
        sale_price=found.sale_price,
        tax_class=found.tax_class,
        virtual=found.virtual is True,
        description=_lines(found.description),
        weight=found.weight,
        gtin=found.global_unique_id,
        options=tuple((it.name, it.option) for it in found.attributes if varies and it.option),
        fields=tuple((meta.key, str(meta.value)) for meta in found.meta_data if _is_plain(meta)),
    )


def entry_to_wire(entry: Mapping[str, Any]) -> _Fields:
    """``entry`` as the batch takes it: its id a number, amounts text, a quantity a whole number.

    Raises: BadInputError: no id, a float, a part of a piece. The store would take them, and keep
    something else.
    """
    written: _Fields = {name: _value(name, value) for name, value in entry.items()}
    if "id" in written:
        written["id"] = int(path_id(str(written["id"])))
    return written


def sku_groups(skus: Iterable[str]) -> Iterator[Sequence[str]]:
    """``skus``, each once, in as many groups as it takes to ask for them.

    The store takes a list apart at its commas, and knows a SKU that holds one only on its own.
    """
    group: list[str] = []
    length = 0
    for sku in dict.fromkeys(sku for sku in skus if sku.strip()):
        if "," in sku:
            yield (sku,)
            continue
        own = len(quote(sku, safe="")) + len("%2C")
        if group and (length + own > _QUERY or len(group) == PAGE):
            yield group
            group, length = [], 0
        group.append(sku)
        length += own
    if group:
        yield group


def _value(name: str, value: Any) -> Any:
    if isinstance(value, float):
        raise BadInputError(f"{name}: {value!r} is a float, which may have lost digits")
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise BadInputError(f"{name}: {value} is no number")
        if name != "stock_quantity":
            return f"{value:f}"
        if value != value.to_integral_value():
            raise BadInputError(f"{name}: {value} is no whole number of pieces")
        return int(value)
    if isinstance(value, Mapping):
        return {key: _value(key, it) for key, it in value.items()}
    if isinstance(value, list | tuple):
        return [_value(name, it) for it in value]
    return value


def _is_plain(meta: wire.Meta) -> bool:
    return isinstance(meta.value, str | int | float) and not isinstance(meta.value, bool)


def _lines(text: str) -> str:
    """HTML as lines of plain text, without those that are empty."""
    lines = (" ".join(line.split()) for line in plain(_BREAK.sub("\n", text)).splitlines())
    return "\n".join(line for line in lines if line)
