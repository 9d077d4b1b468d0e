"""Tryton's products as items, and items as Tryton's products. Pure.

An item is a variant (``product.product``); what variants share is on their template. The template's
code and the variant's suffix make up the variant's code.

Source: trytond 8.2, modules product, product_measurements, product_attribute, account_product and
web_shop; recordings of a running server.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from accord.erp.tryton.asking import STATE_FIELDS, is_active
from accord.erp.tryton.units import Unit, convert, decimal, of_unit, unit
from accord.erp.tryton.wire import Values, related, truth
from accord.model.change import Ref
from accord.model.documents import Kind, Record, State
from accord.model.item import Family, Item, ItemDocument, Lifecycle

TAX_NAMES: Final = ("account_category.customer_taxes_used.name",)
MEASURES: Final = ("length", "width", "height", "weight")
ITEM_FIELDS: Final = (
    *STATE_FIELDS,
    *TAX_NAMES,
    "name",
    "description",
    "type",
    "salable",
    "identifiers.type",
    "identifiers.code",
    "identifiers._timestamp",
    "template.code",
    "template.name",
    "template.web_shop_description",
    "template.categories",
    "template.products.code",
    "template._timestamp",
    "_timestamp",
)
MEASURE_FIELDS: Final = (
    *MEASURES,
    *of_unit(*(f"{measure}_uom" for measure in MEASURES)),
)
"""With module product_measurements."""
ATTRIBUTES: Final = "attributes"
"""With module product_attribute: a dictionary."""

_NUMBERS: Final = ("ean", "isbn")  # types of identifiers that are GTINs
_METRE_OR_KILOGRAM: Final = Unit(Decimal(1), Decimal(1))  # both are the base of their category
_CENTIMETRE: Final = Unit(Decimal("0.01"), Decimal(100))

Categories = Mapping[int, tuple[str, ...]]
"""Category's id → the names from the root to it."""


def item(
    row: Values,
    system: str,
    categories: Categories,
    lifecycles: Mapping[str, Lifecycle],
    attributes: Mapping[str, Values],
) -> Item:
    """A ``product.product`` read with ITEM_FIELDS and what of the others there is.

    ``lifecycles`` are by a category's name; ``attributes`` are definitions by their name.
    """
    template = related(row, "template")
    of_item = tuple(categories[id_] for id_ in template["categories"] if id_ in categories)
    active = is_active(row)
    web_text = template["web_shop_description"]
    text = row["description"] or ""
    options = tuple(_options(row.get(ATTRIBUTES) or {}, attributes))
    return Item(
        ref=Ref(system, Kind.ITEM, str(row["id"])),
        code=row["code"],
        name=row["name"],
        goods=row["type"] != "service",
        active=active,
        lifecycle=_lifecycle(row, of_item, lifecycles) if active else "permanently_out",
        family=_family(template),
        options=options,
        description=web_text or text,
        summary=text if web_text else "",
        categories=of_item,
        weight=measure(row, "weight", _METRE_OR_KILOGRAM),
        sizes=_sizes(row),
        gtin=gtin(row),
        taxes=tax_names(row),
        fields=dict(options),
        version=version(row),
    )


def version(row: Values) -> str:
    """Another one as soon as the product, its template or one of its numbers was written."""
    parts = [row, related(row, "template"), *row["identifiers."]]
    return "/".join(part["_timestamp"] for part in parts)


def tax_names(row: Values) -> tuple[str, ...]:
    """The sales taxes of a product read with TAX_NAMES; none without an accounting category."""
    taxes = related(row, "account_category").get("customer_taxes_used.") or ()
    return tuple(sorted(tax["name"] for tax in taxes))


def gtin(row: Values) -> str:
    """Its first number of the kinds that shops print as a bar code."""
    for kind in _NUMBERS:
        for identifier in row["identifiers."]:
            if identifier["type"] == kind:
                return str(identifier["code"])
    return ""


def measure(row: Values, name: str, to: Unit) -> Decimal | None:
    """A measurement in ``to``; None where there is none or the module is not activated."""
    if not row.get(name):
        return None
    return convert(decimal(row[name]), unit(row, f"{name}_uom"), to)


def category_paths(rows: Iterable[Values]) -> dict[int, tuple[str, ...]]:
    """Every category by id, from ``product.category`` read with name and parent."""
    known = {row["id"]: row for row in rows}

    def path(id_: int | None) -> tuple[str, ...]:
        row = known.get(id_) if id_ is not None else None
        return (*path(row["parent"]), row["name"]) if row else ()

    return {id_: path(id_) for id_ in known}


def item_record(row: Values, system: str) -> Record:
    """An item as the record of what was made: its number and its key are its code."""
    return Record(
        ref=Ref(system, Kind.ITEM, str(row["id"])),
        number=row["code"] or "",
        key=row["code"],
        state=State.CONFIRMED,
        version=row["_timestamp"],
    )


def new_template(document: ItemDocument, unit_id: int, category: int | None) -> Values:
    """A new ``product.template`` with its one variant, sold by the unit it is stocked in.

    The weight comes from ``weight_values``.
    """
    product: Values = {"description": document.description or None}
    if document.gtin:
        product["identifiers"] = [["create", [{"type": "ean", "code": document.gtin}]]]
    return {
        "name": document.name,
        "code": document.code,
        "type": "goods" if document.goods else "service",
        "default_uom": unit_id,
        "sale_uom": unit_id,
        "salable": True,
        "list_price": document.price if document.price is not None else Decimal(0),
        "account_category": category,
        "products": [["create", [product]]],
    }


def weighed(kilograms: Decimal) -> tuple[str, Decimal]:
    """The symbol of a unit in which Tryton can hold that weight, and how many of it.

    Its units of weight have two decimals; a finer weight than ten grams is kept in grams.
    """
    if kilograms == round(kilograms, 2):
        return "kg", kilograms
    return "g", round(kilograms * 1000, 2)


def weight_values(quantity: Decimal, unit_id: int) -> Values:
    """A weight, for a template; zero takes it away."""
    # The field is a float, as is every quantity of Tryton's.
    return {"weight": float(quantity) if quantity else None, "weight_uom": unit_id}


def changed(document: ItemDocument, row: Values, category: int | None) -> tuple[Values, Values]:
    """What to write on the product, and on its template, of what differs or may differ.

    What variants share is left as it is, but for the account category: one variant's name, type
    and weight would become its siblings'. Its price is then a price of its own.
    """
    template = related(row, "template")
    alone = _family(template) is None
    of_product: Values = {}
    of_template: Values = {}
    if alone and document.name != row["name"]:
        of_template["name"] = document.name
    kind = "goods" if document.goods else "service"
    if alone and document.goods != (row["type"] != "service"):
        of_template["type"] = kind
    if document.description is not None:
        if template["web_shop_description"]:
            of_template["web_shop_description"] = document.description or None
        elif document.description != (row["description"] or ""):
            of_product["description"] = document.description or None
    if document.price is not None:
        (of_template if alone else of_product)["list_price"] = document.price
    if document.gtin is not None and document.gtin != gtin(row):
        of_product["identifiers"] = _number_commands(document.gtin, row["identifiers."])
    if category is not None:
        of_template["account_category"] = category
    return of_product, of_template


def _number_commands(number: str, identifiers: Sequence[Values]) -> list[list[Any]]:
    there = [each["id"] for each in identifiers if each["type"] in _NUMBERS]
    commands: list[list[Any]] = [["delete", there]] if there else []
    return [*commands, ["create", [{"type": "ean", "code": number}]]] if number else commands


def _family(template: Values) -> Family | None:
    """None for the only variant. Archived ones count, or the last one left would be another thing.

    A family whose code is missing, or one of its variants', gets one that no variant has.
    """
    codes = [each["code"] for each in template["products."] if each["code"]]
    if len(codes) < 2:
        return None
    code = template["code"]
    own = code if code and code not in codes else f"template-{template['id']}"
    return Family(str(template["id"]), own, template["name"])


def _lifecycle(
    row: Values, categories: Iterable[tuple[str, ...]], lifecycles: Mapping[str, Lifecycle]
) -> Lifecycle:
    if not truth(row["salable"]):
        return "temporarily_out"
    for path in categories:
        if path[-1] in lifecycles:
            return lifecycles[path[-1]]
    return "current"


def _sizes(row: Values) -> tuple[Decimal | None, Decimal | None, Decimal | None] | None:
    sizes = (
        measure(row, "length", _CENTIMETRE),
        measure(row, "width", _CENTIMETRE),
        measure(row, "height", _CENTIMETRE),
    )
    return None if sizes == (None, None, None) else sizes


def _options(
    attributes: Mapping[str, Any], known: Mapping[str, Values]
) -> Iterable[tuple[str, str]]:
    """What people read: an attribute's own name, and of a choice its label."""
    for name, value in sorted(attributes.items()):
        if value is None or value == "":
            continue
        attribute = known.get(name, {})
        choices = dict(attribute.get("choices") or ())
        label = {True: "Yes", False: "No"}[value] if isinstance(value, bool) else str(value)
        yield attribute.get("string") or name, choices.get(label, label)
