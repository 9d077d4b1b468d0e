"""What was sent and answered, fit to be shown: no secrets, and no personal data unless asked."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

MASK = "•••"
_SECRET = re.compile(
    r"secret|password|passwd|token|authorization|api_?key|consumer_?key|cookie|signature", re.I
)
# Keys of people and places, in the store's words, in ours and in those of back offices.
_PERSONAL = re.compile(
    r"^(first|last|full|display|legal|party|user|customer|contact)?_?name$"
    r"|mail|phone|mobile|fax|street|address|city|town|post(al)?_?(code|al)?$|zip|company"
    r"|vat|tax_?(id|number)|identifiers?$|iban|birth|ip_?address|user_?agent|customer_note|comment"
    r"|^(billing|shipping|state|country|base|store|erp|value|reason|note|description)$",
    re.I,
)
_SECRETS_IN_TEXT = (
    (re.compile(r"\b(ck|cs)_[0-9a-f]{8,}"), MASK),  # keys of WooCommerce
    (re.compile(r"\b(bearer|basic)\s+\S+", re.I), rf"\1 {MASK}"),
)
_IN_TEXT = (
    *_SECRETS_IN_TEXT,
    (re.compile(r"[\w.+%-]+@[\w-]+\.[\w.-]+"), MASK),  # an e-mail address
    (re.compile(r"(?<![\w.-])\+?\d[\d ()/-]{8,}\d(?![\w.-])"), MASK),  # a telephone number
    (re.compile(r"\b[A-Z]{2}\d{8,12}\b"), MASK),  # a VAT number
)
_DEEPEST = 40


def masked(value: Any, *, full: bool = False) -> Any:
    """``value`` (JSON) with secrets masked, and personal data too unless ``full``.

    Texts that stand alone in a list are kept only where they can be no name: codes, numbers.
    """
    return _masked(value, full, 0)


def _masked(value: Any, full: bool, depth: int) -> Any:
    if depth > _DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {str(key): _entry(str(key), each, full, depth) for key, each in value.items()}
    if isinstance(value, str):
        return _text(value, full)
    if isinstance(value, Sequence):
        return [_element(each, full, depth) for each in value]
    return value


def _element(value: Any, full: bool, depth: int) -> Any:
    """Of a list: no key says what it is."""
    if isinstance(value, str) and not full and not _is_code(value):
        return MASK
    return _masked(value, full, depth + 1)


def _entry(key: str, value: Any, full: bool, depth: int) -> Any:
    if _SECRET.search(key):
        return MASK
    if not full and _PERSONAL.search(key):
        return _emptied(value, depth)
    return _masked(value, full, depth + 1)


def _emptied(value: Any, depth: int) -> Any:
    """The shape of ``value``: which parts are filled is told, none of them."""
    if depth > _DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {str(key): _emptied(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_emptied(each, depth + 1) for each in value]
    return value if value in (None, "", True, False) else MASK


def _text(text: str, full: bool) -> str:
    if text[:1] in ("{", "["):  # a body that is kept as it came
        try:
            return json.dumps(masked(json.loads(text), full=full), ensure_ascii=False)
        except (ValueError, RecursionError):
            pass  # it only looks so
    for pattern, instead in _SECRETS_IN_TEXT if full else _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def _is_code(text: str) -> bool:
    """Digits in it and no space: a SKU, a date, an amount. Not a name."""
    return bool(re.search(r"\d", text)) and " " not in text.strip()
