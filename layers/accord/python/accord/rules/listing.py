"""What of an item a store should show: the product that it becomes. Pure.

A wanted product is JSON by our own names: ``sku``, ``type`` (simple, variation, variable),
``parent`` (the SKU of the family), ``name``, ``description``, ``summary``, ``categories`` (paths),
``images`` (addresses), ``weight`` (kg), ``sizes`` (length, width, height in cm), ``gtin``,
``tax_class``, ``attributes`` ({name, option}; of a family {name, options}), ``virtual``,
``backorders``, ``text``, and ``show``: keep, hidden or draft. ``status`` and ``visibility`` are
there only where the item's lifecycle asks for them. What the back office does not know is absent,
and left as it is in the store.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from accord.model.item import Item
from accord.rules.available import terms
from accord.rules.conditions import item_fits
from accord.rules.hosts import is_public
from accord.rules.mapping import Mappings
from accord.rules.selling import CatalogueRules, FieldOwners, LifecycleRule, StockRules
from accord.rules.skus import skus_of

Json = Mapping[str, Any]

_OWNED = tuple(name for name in FieldOwners.model_fields if name != "status")
_BY_STATUS = ("status", "visibility", "backorders", "text", "show")
_OF_THE_FAMILY = ("description", "summary", "categories", "images", "tax_class")


def wanted_product(
    item: Item,
    catalogue: CatalogueRules,
    stock: StockRules,
    mappings: Mappings,
    *,
    sku: str | None = None,
) -> dict[str, Any] | None:
    """The product that ``item`` becomes; None where it does not belong in the store.

    ``sku`` is the one that is meant, where the item is sold as several; without it, the first.
    """
    sku = sku or next(iter(skus_of(item.code, mappings)), None) if item.code else None
    if sku is None:
        return None
    if catalogue.publish and not item_fits(catalogue.publish, sku, mappings.classes):
        return None
    rule = _rule(item, catalogue)
    backorders = rule.backorders or terms(sku, stock, mappings.classes).backorders
    value: dict[str, Any] = {
        "sku": sku,
        "type": "variation" if item.family else "simple",
        "show": rule.show,
        **_shown(rule.show, variation=item.family is not None),
        "virtual": not item.goods,
        "description": item.description,
        "images": _fetched(item.images),
        "weight": _number(item.weight),
        "sizes": [_number(size) for size in item.sizes or ()],
        "gtin": item.gtin,
        "tax_class": _tax_class(item, catalogue),
        "backorders": backorders,
        "text": rule.text,
    }
    if item.family:
        value["parent"] = item.family.code
        value["attributes"] = [{"name": name, "option": said} for name, said in item.options]
    else:
        # A variation has none of these in the store: they are its parent's.
        value["name"] = item.name
        value["summary"] = item.summary
        value["categories"] = _categories(item, catalogue)
    return _known(value)


def wanted_family(
    items: Sequence[Item],
    catalogue: CatalogueRules,
    mappings: Mappings,
    *,
    known: Json | None = None,
) -> dict[str, Any] | None:
    """The variable product of ``items``, one family's; None where none of them is in the store.

    Args:
        items: Those that are read now; there may be more.
        catalogue: The store's.
        mappings: The store's.
        known: What was wanted of it before. Options are added to it and never taken away, since
            a variation without its option would be lost; what these items do not say stays.
    """
    shown = [
        item
        for item in items
        if item.family
        and item.code
        and (sku := next(iter(skus_of(item.code, mappings)), None))
        and (catalogue.publish is None or item_fits(catalogue.publish, sku, mappings.classes))
    ]
    if not shown or shown[0].family is None or not shown[0].family.code:
        return None
    first = shown[0]
    family = shown[0].family
    value = {
        "sku": family.code,
        "type": "variable",
        "show": "keep",
        "name": family.name,
        "description": first.description,
        "summary": first.summary,
        "categories": _categories(first, catalogue),
        "images": _fetched(first.images),
        "tax_class": _tax_class(first, catalogue),
    }
    before = {key: known[key] for key in _OF_THE_FAMILY if known and key in known}
    options = [pair for item in shown for pair in item.options]
    return {**before, **_known(value), "attributes": _merged(known, options)}


def created(wanted: Json, catalogue: CatalogueRules) -> dict[str, Any] | None:
    """What a product is made of that the store lacks; None where it is not to be made.

    What is not sold any more is not made: a back office's archive does not become drafts.
    """
    if catalogue.new == "none" or wanted.get("show") == "draft":
        return None
    # A variation is hidden by its parent until that is published.
    status = "publish" if wanted["type"] == "variation" else catalogue.new
    return {**wanted, "status": status}


def existing(wanted: Json, owners: FieldOwners, sent: Json | None = None) -> dict[str, Any]:
    """The part of ``wanted`` that a product gets that is there already: what the ERP owns.

    What an earlier part of its life asked for, by ``sent``, is taken back: shown again, no text.
    ``show`` says what is asked for now and is no field of the store: keep it with what was sent.
    """
    part = {key: wanted[key] for key in _OWNED if key in wanted and getattr(owners, key) == "erp"}
    if owners.status == "erp":
        part |= {key: wanted[key] for key in _BY_STATUS if key in wanted}
        part |= _taken_back(wanted, sent or {})
    return part


def _taken_back(wanted: Json, sent: Json) -> dict[str, Any]:
    back: dict[str, Any] = {}
    if sent.get("show") == "hidden" and wanted.get("show") != "hidden":
        back["visibility"] = "visible"
    if sent.get("show") == "draft" and wanted.get("show") != "draft":
        back["status"] = "publish"
    if sent.get("text") and not wanted.get("text"):
        back["text"] = ""
    return back


# --- of one field ---------------------------------------------------------------


def _rule(item: Item, catalogue: CatalogueRules) -> LifecycleRule:
    life = item.lifecycle if item.active else "permanently_out"
    return catalogue.lifecycle.get(life, LifecycleRule())


def _shown(show: str, *, variation: bool) -> dict[str, str]:
    if show == "draft":
        # A variation cannot be a draft; a private one cannot be chosen.
        return {"status": "private" if variation else "draft"}
    return {"visibility": "hidden"} if show == "hidden" and not variation else {}


def _categories(item: Item, catalogue: CatalogueRules) -> list[list[str]]:
    """Paths from the root, as the tree or the user-defined field has them."""
    if catalogue.category_field is None:
        return [list(path) for path in item.categories]
    paths = (
        [name.strip() for name in path.split(">") if name.strip()]
        for path in item.fields.get(catalogue.category_field, "").split(";")
    )
    return [path for path in paths if path]


def _tax_class(item: Item, catalogue: CatalogueRules) -> str | None:
    """The class of the first tax that has one; None leaves the store's, which may well be right."""
    known = (catalogue.tax_classes[tax] for tax in item.taxes if tax in catalogue.tax_classes)
    return next(known, None)


def _merged(known: Json | None, options: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """The attributes with all their options, those that were known before first."""
    merged: dict[str, list[str]] = {
        each["name"]: list(each["options"]) for each in (known or {}).get("attributes", ())
    }
    for name, option in options:
        values = merged.setdefault(name, [])
        if option not in values:
            values.append(option)
    return [{"name": name, "options": values} for name, values in merged.items()]


def _fetched(images: Iterable[str]) -> list[str]:
    """Those that the store's machine may be sent for: not to an address inside its network."""
    return [address for address in images if is_public(address)]


def _number(value: Decimal | None) -> str | None:
    """Plain text without needless zeros: 2.5, 100."""
    return None if value is None else f"{value.normalize():f}"


def _known(value: Json) -> dict[str, Any]:
    """Without what is not known. An empty tax class is one: the standard."""
    return {
        key: each
        for key, each in value.items()
        if each not in (None, "", [], [None] * 3) or (key == "tax_class" and each == "")
    }
