"""Why a store must not be sent a value. Pure.

The store's batches do not check what they store: "lots" became a stock of 0, 1.5 became 1 and
"9,99" became 999, each with an answer of 200. So nothing is sent that was not looked at here.
Source: recorded on WooCommerce 10.5.0.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

Json = Mapping[str, Any]

_MOST = 2**31 - 1  # plugins and reports keep stock in 32 bits
_BACKORDERS = ("no", "notify", "yes")
_STATUSES = ("publish", "draft", "private", "pending")
_VISIBILITIES = ("visible", "catalog", "search", "hidden")
_TYPES = ("simple", "variable", "variation")
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)
_GTIN = re.compile(r"[0-9-]+", re.ASCII)


def faults(
    kind: Literal["stock", "price", "product"], value: Json, *, digits: int = 4
) -> str | None:
    """Why ``value`` must not be sent, in words for a person; None where it may be.

    ``digits`` are the decimals of the store's prices.
    """
    match kind:
        case "stock":
            return _first(_stock(value))
        case "price":
            return _first(_price(value, digits))
        case "product":
            return _first(_product(value))


def _first(found: Iterable[str]) -> str | None:
    return next(iter(found), None)


# --- stock --------------------------------------------------------------------


def _stock(value: Json) -> Iterable[str]:
    quantity = value.get("quantity")
    if isinstance(quantity, bool) or not isinstance(quantity, int | Decimal):
        yield f"the quantity {quantity!r} is no number"
    elif quantity != int(quantity) if _is_finite(quantity) else True:
        yield f"the quantity {quantity} is no whole number"
    elif not -_MOST <= quantity <= _MOST:
        yield f"the quantity {quantity} is larger than the store can hold"
    yield from _one_of("backorders", value, _BACKORDERS)


def _is_finite(quantity: int | Decimal) -> bool:
    return isinstance(quantity, int) or quantity.is_finite()


# --- prices -------------------------------------------------------------------


def _price(value: Json, digits: int) -> Iterable[str]:
    regular = value.get("regular", "")
    if regular == "":
        yield "there is no price: give the item one, or a line in the price list"
        return
    yield from _money("the price", regular, digits)
    for role, band in (value.get("bands") or {}).items():
        yield from _money(f"the price of {role}", band, digits)
    sale = value.get("sale")
    if sale is None:
        return
    if not isinstance(sale, Mapping):
        yield f"the sale price {sale!r} is no price with its days"
        return
    yield from _money("the sale price", sale.get("price"), digits)
    # The store drops such a price and answers 200.
    if Decimal(sale["price"]) >= Decimal(regular):
        yield f"the sale price {sale['price']} is not below the price {regular}"
    yield from _days(sale.get("from"), sale.get("to"))


def _money(what: str, text: Any, digits: int) -> Iterable[str]:
    pattern = r"\d{1,15}" + (rf"(\.\d{{1,{digits}}})?" if digits else "")
    if not isinstance(text, str) or not re.fullmatch(pattern, text, re.ASCII):
        yield f"{what}, {text!r}, is not a plain amount with at most {digits} decimals"


def _days(start: Any, end: Any) -> Iterable[str]:
    days = []
    for name, text in (("first", start), ("last", end)):
        if text is None:
            continue
        try:
            days.append(dt.date.fromisoformat(text))
        except (TypeError, ValueError):
            yield f"the sale's {name} day, {text!r}, is no date"
    if len(days) == 2 and days[1] < days[0]:
        yield f"the sale ends on {end}, before it starts on {start}"


# --- products -----------------------------------------------------------------


def _product(value: Json) -> Iterable[str]:
    for field in ("name", "sku"):
        text = value.get(field)
        if field in value and (not isinstance(text, str) or not text.strip()):
            yield f"the {field} is empty"
        elif field == "sku" and text is not None and text != text.strip():
            yield f"the SKU {text!r} begins or ends with a space"
    yield from _one_of("type", value, _TYPES)
    yield from _one_of("status", value, _STATUSES)
    yield from _one_of("visibility", value, _VISIBILITIES)
    yield from _one_of("backorders", value, _BACKORDERS)
    if value.get("type") == "variation" and not value.get("parent"):
        yield "it is a variation of nothing: its family has no code"
    yield from _texts(value)
    yield from _measures(value)
    for address in value.get("images") or ():
        if not isinstance(address, str) or not re.match(r"https?://[^\s/]+/?\S*$", address):
            yield f"the picture {address!r} is no web address"
    for path in value.get("categories") or ():
        if not path or not all(isinstance(name, str) and name.strip() for name in path):
            yield f"the category {' > '.join(map(str, path))!r} has a level without a name"
    yield from _attributes(value)


def _texts(value: Json) -> Iterable[str]:
    for field in ("description", "summary", "tax_class", "text"):
        if not isinstance(value.get(field, ""), str):
            yield f"the {field.replace('_', ' ')} is no text"
    gtin = value.get("gtin", "")
    if gtin and (not isinstance(gtin, str) or not _GTIN.fullmatch(gtin)):
        yield f"the GTIN {gtin!r} holds more than digits and hyphens"


def _measures(value: Json) -> Iterable[str]:
    sizes = value.get("sizes") or ()
    for name, text in (("weight", value.get("weight")), *(("size", each) for each in sizes)):
        if text and (not isinstance(text, str) or not _NUMBER.fullmatch(text)):
            yield f"the {name} {text!r} is no plain number"
    if sizes and len(sizes) != 3:
        yield "the sizes are not length, width and height"


def _attributes(value: Json) -> Iterable[str]:
    named = [each.get("name") for each in value.get("attributes") or ()]
    if not all(named):
        yield "an attribute has no name"
    if len(set(named)) < len(named):
        yield "two attributes have the same name"
    for each in value.get("attributes") or ():
        options = each.get("options", [each.get("option")])
        if not options or not all(isinstance(one, str) and one.strip() for one in options):
            yield f"the attribute {each.get('name')!r} has no value"


def _one_of(field: str, value: Json, known: tuple[str, ...]) -> Iterable[str]:
    if (said := value.get(field)) is not None and said not in known:
        yield f"the {field} {said!r} is none of {', '.join(known)}"
