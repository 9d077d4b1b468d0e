"""Equal documents, equal text: how a change is told from an echo, and what it changed."""

import hashlib
import json
from collections.abc import Mapping

from accord.model.documents import OrderLine, SalesOrder
from accord.model.party import plain_vat_number

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_LINES_KEPT = 60  # of an order, on its link: more would make it heavy for every write
_WORDS = {
    "currency": "the currency",
    "coupons": "the coupons",
    "billing": "the billing address",
    "shipping": "the shipping address",
    "texts": "the purchase-order number or the customer's note",
    "mended": "what was mended",
    "lines": "the lines",
}


def parts(order: SalesOrder) -> dict[str, str]:
    """Of all that the back office's document was made from, part by part.

    What may change without touching the document is left out: the status, times, the payment.
    """
    found = {
        "currency": order.currency,
        "total": str(order.total.amount),
        "coupons": _print([coupon.code for coupon in order.coupons]),
        "billing": order.party.billing.fingerprint[:8],
        "shipping": order.party.shipping.fingerprint[:8],
        "texts": _print([order.po_number, order.customer_note]),
    }
    if order.mended:
        found["mended"] = _print(order.mended)
    lines = {f"line {line.id}": _line(line) for line in order.lines}
    if len(lines) > _LINES_KEPT:
        lines = {"lines": _print(sorted(lines.items()))}
    return {**found, **lines}


def content(order: SalesOrder) -> str:
    """All parts in one."""
    return _print(sorted(parts(order).items()), 16)


def to_fact(found: Mapping[str, str]) -> str:
    """Parts as a link keeps them: names and hashes, and the total."""
    return json.dumps(found, separators=(",", ":"))


def differences(fact: str, order: SalesOrder) -> str:
    """What is another in ``order`` than when ``fact`` was kept, in words: line 12 (MUG), …"""
    before: dict[str, str] = json.loads(fact) if fact else {}
    now = parts(order)
    codes = {f"line {line.id}": line.code or line.description for line in order.lines}
    said = []
    for name in dict.fromkeys((*before, *now)):
        was, is_ = before.get(name), now.get(name)
        if was == is_:
            continue
        if name == "total":
            said.append(f"total {was} is {is_} now")
        elif name in _WORDS:
            said.append(_WORDS[name])
        elif is_ is None:
            said.append(f"{name} is gone")
        else:
            said.append(f"{name} ({codes[name]}){' is new' if was is None else ''}")
    return ", ".join(said) or "something that is not kept part by part"


def natural_key(kind: str, value: str) -> str:
    """Of an e-mail address or a VAT number; it tells nobody's address.

    Letter case is the same; in a VAT number spaces and signs are too.
    """
    plain = "".join(value.split()).casefold()
    if kind == "vat_number":
        plain = plain_vat_number(value)
    return hashlib.sha256(f"{kind}:{plain}".encode()).hexdigest()[:32]


def _line(line: OrderLine) -> str:
    # A code is there only where a person named it: what was posted before is not another for it.
    taxes = [
        [tax.rate.id, str(tax.amount), *([tax.code] if tax.code else [])] for tax in line.taxes
    ]
    quantity = f"{line.quantity.normalize():f}"
    texts = [line.kind, line.code, line.description, line.options]
    return _print([texts, quantity, str(line.net), taxes])


def _print(value: object, length: int = 8) -> str:
    text = _ENCODER.encode(value)
    return hashlib.sha256(text.encode()).hexdigest()[:length]
