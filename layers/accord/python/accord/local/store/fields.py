"""What REST does to the fields of a product: refused, cleaned, or taken as something else.

A single request is checked against the schema. A batch is not: there "lots" is a stock of 0, 1.5 is
1, and a price of "9,99" is 999 in both. Sources: WooCommerce 10.5.0 as observed; read in
wc_format_decimal, wc_stock_amount, wc_string_to_bool and the setters of WC_Product, and not
observed: statuses, tax classes and sizes that do not exist.
"""

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from accord.local.store.documents import Doc
from accord.local.store.wire import not_one_of, wrong_type

STATUSES = ["draft", "pending", "private", "publish", "future", "auto-draft", "trash"]
BACKORDERS = ["no", "notify", "yes"]
STOCK_STATUSES = ["instock", "outofstock", "onbackorder"]
_ENUMS = {
    "type": ["simple", "grouped", "external", "variable"],
    "status": STATUSES,
    "catalog_visibility": ["visible", "catalog", "search", "hidden"],
    "backorders": BACKORDERS,
    "stock_status": STOCK_STATUSES,
    "tax_status": ["taxable", "shipping", "none"],
}
_TYPES = {
    **dict.fromkeys(
        (
            "name",
            "slug",
            "description",
            "short_description",
            "sku",
            "global_unique_id",
            "regular_price",
            "sale_price",
            "tax_class",
            "weight",
            *_ENUMS,
        ),
        "string",
    ),
    **dict.fromkeys(("stock_quantity", "inventory_delta", "menu_order", "parent_id"), "integer"),
    **dict.fromkeys(("manage_stock", "virtual", "downloadable", "featured"), "boolean"),
    **dict.fromkeys(("categories", "images", "attributes", "meta_data", "tags"), "array"),
    "dimensions": "object",
}
_TRUE = frozenset({"yes", "true", "1"})
_TAG = re.compile(r"<(?:p|ul|ol|div|table|h[1-6]|blockquote|pre|section)\b", re.IGNORECASE)


def check(fields: Doc) -> None:
    """What a single request must be. Raises: Refusal: a field of another type, or not allowed."""
    for name, value in fields.items():
        type_ = _TYPES.get(name)
        if type_ is None or (value is None and name == "stock_quantity"):
            continue
        if not _is(type_, value):
            raise wrong_type(name, type_)
        if name in _ENUMS and value not in _ENUMS[name]:
            raise not_one_of(name, _ENUMS[name])


def _is(type_: str, value: object) -> bool:
    match type_:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return value in (True, False) or str(value).lower() in {"true", "false", "1", "0", ""}
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case _:
            whole = re.fullmatch(r"[+-]?\d+(\.0*)?", str(value).strip())
            return not isinstance(value, bool) and whole is not None


def decimal(value: object) -> str:
    """As a price or weight is kept: nothing but digits, a sign and the last point."""
    if isinstance(value, bool) or value is None:
        return ""
    return re.sub(r"\.(?![^.]+$)|[^0-9.\-]", "", str(value).strip())


def stock_amount(value: object) -> int:
    """The whole number at the start of what was given; 0 where there is none."""
    match = re.match(r"\s*([+-]?\d+)", str(value))
    return int(match[1]) if match else 0


def is_true(value: object) -> bool:
    """Of a flag, however it was written."""
    return value is True or str(value).lower() in _TRUE


def tax_class(value: object, classes: Collection[str]) -> str:
    """A class that the store does not have is the standard one, and nobody is told."""
    name = slug(str(value))
    return name if name in classes else ""


def gtin(value: object) -> str:
    """Digits and hyphens; the rest is dropped."""
    return re.sub(r"[^0-9-]", "", str(value or ""))


def sizes(known: Mapping[str, str], given: object) -> dict[str, str]:
    """Length, width and height, each kept unless it was given."""
    given = given if isinstance(given, dict) else {}
    return {name: decimal(given[name]) if name in given else it for name, it in known.items()}


def moment(value: object, zone: dt.tzinfo) -> dt.datetime | None:
    """A day or a time of the shop's own; None takes it away."""
    try:
        at = dt.datetime.fromisoformat(str(value or ""))
    except ValueError:
        return None
    return at.replace(tzinfo=zone) if at.tzinfo is None else at


def slug(name: str) -> str:
    """As WordPress makes an address of a name, before it is written in percents."""
    folded = "".join(_FOLDED.get(letter, letter) for letter in name.lower())
    folded = re.sub(r"[.–—/_ ]+", "-", folded)
    return re.sub(r"-+", "-", re.sub(r"[^\w½%-]", "", folded)).strip("-")


_FOLDED: dict[str, str] = {
    **dict.fromkeys("àáâãå", "a"),
    **dict.fromkeys("èéêë", "e"),
    **dict.fromkeys("ìíîï", "i"),
    **dict.fromkeys("òóôõø", "o"),
    **dict.fromkeys("ùúû", "u"),
    "ä": "a",
    "ö": "o",
    "ü": "u",
    "ß": "s",
    "ç": "c",
    "ñ": "n",
}


def in_address(text: str) -> str:
    """``text`` as a part of an address, percents in small letters."""
    return re.sub("%[0-9A-F]{2}", lambda it: it[0].lower(), quote(text, safe=""))


def free_slug(name: str, taken: Collection[str]) -> str:
    """``name``'s, numbered where another thing has it."""
    wanted = slug(name)
    at, found = 2, wanted
    while found and found in taken:
        found, at = f"{wanted}-{at}", at + 1
    return found


def paragraphs(text: str) -> str:
    """As a reader gets a description: each block that is no element is a paragraph."""
    if not text.strip():
        return ""
    blocks: Iterable[str] = (it.strip("\n") for it in re.split(r"\n\s*\n", text.strip()))
    return "".join(
        f"{it}\n" if _TAG.match(it) else "<p>{}</p>\n".format(it.replace("\n", "<br />\n"))
        for it in blocks
    )


def named(entries: object) -> list[dict[str, Any]]:
    """The objects of a list that may hold anything."""
    return [it for it in entries if isinstance(it, dict)] if isinstance(entries, list) else []
