"""Items, stock, prices and recipes in the ledger's JSON, and back. Pure; decimals are text."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.item import Family, Item, ItemDocument, ItemPrices, SalePrice
from accord.model.stock import Recipe, Snapshot

Json = dict[str, Any]


# --- what is asked ------------------------------------------------------------------


def item_document_to_wire(document: ItemDocument) -> Json:
    """The document; None is what is left as it is."""
    return {
        "kind": "item",
        "code": document.code,
        "name": document.name,
        "goods": document.goods,
        "description": document.description,
        "weight": _text(document.weight),
        "gtin": document.gtin,
        "price": _text(document.price),
        "taxes": None if document.taxes is None else list(document.taxes),
    }


def item_fields_to_wire(fields: Mapping[str, Any]) -> Json:
    """Fields of Item by name; only the given ones."""
    return {name: _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return str(value)
        case Family():
            return asdict(value)
        case Mapping():
            return dict(value)
        case list() | tuple():
            return [_plain(each) for each in value]
        case _:
            return value


# --- what is answered ---------------------------------------------------------------


def item_from_wire(data: Json, *, connection: str) -> Item:
    """An item that the ledger showed."""
    return Item(
        ref=Ref(connection, Kind.ITEM, data["id"]),
        code=data["code"],
        name=data["name"],
        goods=data["goods"],
        active=data["active"],
        lifecycle=data["lifecycle"],
        family=Family(**data["family"]) if data["family"] else None,
        options=tuple((name, value) for name, value in data["options"]),
        description=data["description"],
        summary=data["summary"],
        categories=tuple(tuple(path) for path in data["categories"]),
        images=tuple(data["images"]),
        weight=_decimal(data["weight"]),
        sizes=_sizes(data["sizes"]),
        gtin=data["gtin"],
        taxes=tuple(data["taxes"]),
        fields=dict(data["fields"]),
        version=data["version"],
    )


def _sizes(
    sizes: list[str | None] | None,
) -> tuple[Decimal | None, Decimal | None, Decimal | None] | None:
    if sizes is None:
        return None
    length, width, height = map(_decimal, sizes)
    return length, width, height


def snapshot_from_wire(data: Json, *, as_of: dt.datetime) -> Snapshot:
    """What was free of one item when the ledger was asked."""
    free = {location: Decimal(quantity) for location, quantity in data["free"].items()}
    return Snapshot(item=data["item"], free=free, as_of=as_of)


def prices_from_wire(data: Json) -> ItemPrices:
    """What one item costs."""
    return ItemPrices(
        item=data["item"],
        currency=data["currency"],
        base=_decimal(data["base"]),
        lists={list_: Decimal(price) for list_, price in data["lists"].items()},
        gross=data["gross"],
        taxes=tuple(data["taxes"]),
        sale=_sale(data["sale"]) if data["sale"] else None,
    )


def _sale(data: Json) -> SalePrice:
    return SalePrice(
        price=Decimal(data["price"]),
        starts_on=_date(data["starts_on"]),
        ends_on=_date(data["ends_on"]),
    )


def recipe_from_wire(data: Json) -> Recipe:
    """What one item is made of."""
    return Recipe(
        item=data["item"],
        inputs=tuple((code, Decimal(quantity)) for code, quantity in data["inputs"].items()),
        output=Decimal(data["output"]),
        kind=data["kind"],
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _date(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
