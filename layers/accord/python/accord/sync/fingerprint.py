"""Equal documents, equal text: how a change is told from an echo."""

import hashlib
import json

from accord.model.documents import SalesOrder


def content(order: SalesOrder) -> str:
    """Of all that the back office's document was made from: lines, money, addresses, texts.

    What may change without touching the document is left out: the status, times, the payment.
    """
    parts = [
        order.currency,
        str(order.total),
        [
            [
                line.id,
                line.kind,
                line.code,
                line.description,
                f"{line.quantity.normalize():f}",
                str(line.net),
                [[tax.rate.id, str(tax.amount)] for tax in line.taxes],
                line.options,
            ]
            for line in order.lines
        ],
        [coupon.code for coupon in order.coupons],
        order.party.billing.fingerprint,
        order.party.shipping.fingerprint,
        order.po_number,
        order.customer_note,
    ]
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def natural_key(kind: str, value: str) -> str:
    """Of an e-mail address or a VAT number; it tells nobody's address. Letter case is the same."""
    plain = "".join(value.split()).casefold()
    return hashlib.sha256(f"{kind}:{plain}".encode()).hexdigest()[:32]
