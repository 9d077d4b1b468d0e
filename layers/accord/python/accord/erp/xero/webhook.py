"""Xero's calls: signed with the key of the app's webhook, and what they name changed.

An event names a record and holds nothing of it, so it is a hint: the poll reads what is true. Xero
tells of no payment (an invoice changes by it), item or quote. Invoices and credit notes move
tracked stock, so stock is looked at with them; where no store is sent any, that look asks nobody.

Source: Xero Webhooks API 16.1.0 (OpenAPI); developer.xero.com, "Webhooks": when a webhook is set
up, Xero sends good and bad signatures, and wants 200 and 401 with an empty body within 5 seconds.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from accord.erp.hooks import Heard
from accord.signed import is_signed, json_object

_SIGNATURE = "x-xero-signature"
# An order's document is an invoice there, so a change of one may be of either kind.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "INVOICE": ("sales_order", "invoice", "stock"),
    "CREDITNOTE": ("invoice", "stock"),
    "CONTACT": ("party",),
}


def is_genuine(body: bytes, headers: Mapping[str, str], keys: Iterable[str]) -> bool:
    """See ``Webhook.is_genuine``."""
    return is_signed(body, headers.get(_SIGNATURE, ""), keys)


def heard(body: bytes, options: Mapping[str, Any]) -> Heard | None:
    """See ``Webhook.heard``. Without ``options.tenant`` every organisation of the app is ours."""
    found = json_object(body)
    events = found[1].get("events") if found is not None else None
    if not isinstance(events, list):
        return None
    ours = str(options.get("tenant") or "").lower()
    kinds: dict[str, None] = {}
    elsewhere = unknown = 0
    for event in events:
        category = event.get("eventCategory") if isinstance(event, dict) else None
        meant = _KINDS.get(category) if isinstance(category, str) else None
        if meant is None:
            unknown += 1
        elif ours and str(event.get("tenantId")).lower() != ours:
            elsewhere += 1
        else:
            kinds.update(dict.fromkeys(meant))
    return Heard(tuple(kinds), elsewhere, unknown)
