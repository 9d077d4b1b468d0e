"""Products on their way to a store: made by rule, and kept as far as the back office owns them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from accord.model.item import Product
from accord.ports.levels import Level, LevelKind
from accord.ports.store import Store
from accord.rules import config
from accord.rules.listing import created, existing
from accord.sync.feed import Entry

Json = Mapping[str, Any]

_NAMES = {
    "name": "name",
    "description": "description",
    "summary": "short_description",
    "status": "status",
    "visibility": "catalog_visibility",
    "weight": "weight",
    "gtin": "global_unique_id",
    "tax_class": "tax_class",
    "backorders": "backorders",
    "virtual": "virtual",
}
"""Our names → the store's, of what is the same on both sides."""

_STANDARD_CLASSES = ("", "standard")


@dataclass(frozen=True, slots=True)
class ProductFeed:
    """See ``Feed``."""

    kind: ClassVar[LevelKind] = "product"

    rules: config.Store
    store: Store

    def entries(self, levels: Sequence[Level]) -> Sequence[Entry]:
        """See ``Feed.entries``. What has no place is made: ask ``made`` first."""
        parts = [self._part(level) for level in levels]
        paths = {tuple(path) for part in parts for path in part.get("categories", ())}
        ids = self.store.categories(sorted(paths)) if paths else {}
        return [
            Entry(level, self._fields(level, part, ids) if part else None, dict(level.wanted or {}))
            for level, part in zip(levels, parts, strict=True)
        ]

    def trying(self, entries: Sequence[Entry]) -> None:
        """See ``Feed.trying``. Who makes a product looks for its SKU first."""

    def differs(self, entry: Entry, product: Product) -> str:
        """See ``Feed.differs``. Of what the store may format by itself, only that it is there."""
        fields = entry.fields or {}
        if (status := fields.get("status")) and product.status != status:
            return f"its status is {product.status}, not {status}"
        if (gtin := fields.get("global_unique_id")) and product.gtin != gtin:
            return f"its GTIN is {product.gtin or 'none'}, not {gtin}"
        tax_class = fields.get("tax_class")
        if tax_class is not None and not _same_class(product.tax_class, tax_class):
            return f"its tax class is {product.tax_class or 'standard'}, not {tax_class}"
        return ""

    def made(self, level: Level) -> bool:
        """Whether the rules have it made where the store lacks it."""
        return created(level.wanted or {}, self.rules.catalogue) is not None

    def _part(self, level: Level) -> dict[str, Any]:
        """What of it is to be written, by our own names."""
        wanted, catalogue = dict(level.wanted or {}), self.rules.catalogue
        if level.place is None:
            return created(wanted, catalogue) or {}
        part = existing(wanted, catalogue.fields, level.sent)
        sent = level.sent or {}
        # What was taken back of an earlier life is not in ``wanted``, and is written in any case.
        part = {
            key: value
            for key, value in part.items()
            if key not in wanted or key not in sent or sent[key] != value
        }
        part.pop("show", None)
        return part

    def _fields(
        self, level: Level, part: Json, categories: Mapping[tuple[str, ...], str]
    ) -> dict[str, Any]:
        """``part`` in the store's own JSON."""
        type_ = (level.wanted or {}).get("type")
        fields = {_NAMES[key]: value for key, value in part.items() if key in _NAMES}
        if "sizes" in part:
            names = ("length", "width", "height")
            sizes = zip(names, part["sizes"], strict=True)
            fields["dimensions"] = {name: size or "" for name, size in sizes}
        if "categories" in part:
            ids = (categories.get(tuple(path)) for path in part["categories"])
            fields["categories"] = [{"id": int(id_)} for id_ in dict.fromkeys(filter(None, ids))]
        if images := part.get("images"):
            if type_ == "variation":
                fields["image"] = {"src": images[0]}  # a variation has one
            else:
                fields["images"] = [{"src": address} for address in images]
        if "attributes" in part:
            fields["attributes"] = [_attribute(each) for each in part["attributes"]]
        if "text" in part:
            key = self.rules.catalogue.text_field
            fields["meta_data"] = [{"key": key, "value": part["text"] or None}]
        if level.place is not None:
            return {"id": level.place.product, **fields}
        if type_ != "variation":
            fields["type"] = type_
        return {"sku": level.sku, **fields}


def _attribute(attribute: Json) -> dict[str, Any]:
    if "options" not in attribute:
        return {"name": attribute["name"], "option": attribute["option"]}
    return {
        "name": attribute["name"],
        "options": list(attribute["options"]),
        "variation": True,
        "visible": True,
    }


def _same_class(one: str, other: str) -> bool:
    """The store calls the standard class so, or nothing, or (of a variation) its parent's."""
    return one == other or (one in (*_STANDARD_CLASSES, "parent") and other in _STANDARD_CLASSES)
