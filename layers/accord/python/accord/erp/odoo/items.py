"""Odoo's products as items, and items as Odoo's products. Pure.

An item is a variant (``product.product``); what variants share is on their template.

Source: Odoo source 16 to 19, product; recordings of a running 17.0.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from accord.erp.odoo.wire import Values, decimal, id_of, name_of, text
from accord.model.change import Ref
from accord.model.documents import Kind, Record, State
from accord.model.item import Family, Item, ItemDocument, Lifecycle

ITEM_FIELDS: Final = (
    "active",
    "barcode",
    "categ_id",
    "default_code",
    "description_sale",
    "name",
    "product_template_attribute_value_ids",
    "product_tmpl_id",
    "sale_ok",
    "taxes_id",
    "weight",
    "weight_uom_name",
    "write_date",
)
TEMPLATE_FIELDS: Final = ("default_code", "list_price", "name", "product_variant_ids", "write_date")
_POUND: Final = Decimal("0.45359237")  # kilograms, exactly


def is_goods(row: Values) -> bool:
    """Of which there is stock. Up to 17 a type says so, from 18 on a flag."""
    if "is_storable" in row:
        return bool(row["is_storable"])
    return bool(row["detailed_type"] == "product")


def item(
    row: Values,
    template: Values,
    taxes: Mapping[int, str],
    options: Mapping[int, tuple[str, str]],
    *,
    lifecycles: Mapping[str, Lifecycle],
    system: str,
) -> Item:
    """A ``product.product`` read with ITEM_FIELDS and its template read with TEMPLATE_FIELDS.

    ``taxes`` are names, ``options`` (attribute, value), by Odoo's ids; ``lifecycles`` by category.
    """
    category = tuple(part for part in name_of(row["categ_id"]).split(" / ") if part)
    active = bool(row["active"])
    chosen = tuple(
        options[id_] for id_ in row["product_template_attribute_value_ids"] if id_ in options
    )
    return Item(
        ref=Ref(system, Kind.ITEM, str(row["id"])),
        code=text(row["default_code"]),
        name=text(row["name"]),
        goods=is_goods(row),
        active=active,
        lifecycle=_lifecycle(row, category, lifecycles) if active else "permanently_out",
        family=_family(template),
        options=chosen,
        description=text(row["description_sale"]),
        categories=(category,) if category else (),
        weight=_weight(row),
        gtin=text(row["barcode"]),
        taxes=tax_names(row, taxes),
        fields=dict(chosen),
        version=version(row, template),
    )


def version(*rows: Values) -> str:
    """Another one as soon as something of it changed; Odoo's own dates are in seconds."""
    whole = json.dumps(rows, sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def tax_names(row: Values, names: Mapping[int, str]) -> tuple[str, ...]:
    return tuple(sorted(names[id_] for id_ in row["taxes_id"] if id_ in names))


def item_record(row: Values, system: str) -> Record:
    """An item as the record of what was made: its number and its key are its code."""
    return Record(
        ref=Ref(system, Kind.ITEM, str(row["id"])),
        number=text(row["default_code"]),
        key=text(row["default_code"]) or None,
        state=State.CONFIRMED,
        version=text(row["write_date"]),
    )


def item_values(
    document: ItemDocument, taxes: list[int] | None, *, has_flag: bool, new: bool
) -> Values:
    """What to write. ``has_flag``: this release has ``is_storable``."""
    kind = "consu" if has_flag else "product"
    values: Values = {"name": document.name}
    if new:
        values |= {"default_code": document.code, "sale_ok": True}
    if has_flag:
        values["is_storable"] = document.goods
        values["type"] = kind if document.goods else "service"
    else:
        values["detailed_type"] = kind if document.goods else "service"
    if document.description is not None:
        values["description_sale"] = document.description
    if document.weight is not None:
        values["weight"] = document.weight
    if document.gtin is not None:
        values["barcode"] = document.gtin or False  # unique in Odoo, so empty is none
    if document.price is not None:
        values["list_price"] = document.price
    if taxes is not None:
        values["taxes_id"] = taxes
    return values


def changed(document: ItemDocument, values: Values, row: Values, template: Values) -> Values:
    """Of ``values`` what differs. What variants share is left as it is: one variant's name, kind or
    price would become its siblings'. Nor is the kind changed of what has moved: Odoo refuses."""
    shared = {"name", "detailed_type", "type", "is_storable", "list_price", "description_sale"}
    shared |= {"taxes_id"}
    found = dict(values)
    if is_goods(row) == document.goods:
        for name in ("detailed_type", "type", "is_storable"):
            found.pop(name, None)
    if _family(template) is not None:
        found = {name: value for name, value in found.items() if name not in shared}
    return {name: value for name, value in found.items() if _differs(value, row.get(name))}


def _differs(wanted: Any, held: Any) -> bool:
    if isinstance(wanted, Decimal):
        return held is None or wanted != decimal(held)
    if isinstance(wanted, list):
        return sorted(wanted) != sorted(held or ())
    return bool((wanted or False) != (held or False))


def _family(template: Values) -> Family | None:
    """None for the only variant."""
    if len(template["product_variant_ids"]) < 2:
        return None
    code = text(template["default_code"]) or f"template-{template['id']}"
    return Family(str(template["id"]), code, text(template["name"]))


def _lifecycle(
    row: Values, category: Iterable[str], lifecycles: Mapping[str, Lifecycle]
) -> Lifecycle:
    if not row["sale_ok"]:
        return "temporarily_out"
    for name in reversed(tuple(category)):
        if name in lifecycles:
            return lifecycles[name]
    return "current"


def _weight(row: Values) -> Decimal | None:
    """In kilograms; none where Odoo says 0."""
    weight = decimal(row["weight"])
    if not weight:
        return None
    if text(row["weight_uom_name"]).startswith("lb"):
        weight = (weight * _POUND).quantize(Decimal("0.0001"))
    return weight


def template_of(row: Values) -> int:
    return id_of(row["product_tmpl_id"]) or 0
