"""Goods that were sold and are not there: Xero authorises no invoice that would take a tracked item
below zero on hand.

It has no code for that, and how it says so is not written down. So what the invoice takes is held
against what is on hand.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from accord.erp.xero.client import Client
from accord.erp.xero.items import is_tracked
from accord.erp.xero.wire import Values, decimal, text
from accord.errors import WaitingError


@dataclass(frozen=True, slots=True)
class Taken:
    """What an invoice takes of one tracked item, and how many are on hand."""

    code: str
    count: Decimal
    on_hand: Decimal

    def __str__(self) -> str:
        return f"{_text(self.count)} of {self.code}, and {_text(self.on_hand)} on hand"


def taken(client: Client, invoice: Values) -> list[Taken]:
    """Its tracked goods. One call, if it takes any item. Raises: as ``Client.get``."""
    wanted: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in invoice.get("LineItems") or ():
        if code := text(line.get("ItemCode")):
            wanted[code] += decimal(line.get("Quantity"))
    if not wanted:
        return []
    rows = client.get("Items", params={"unitdp": 4}).get("Items") or []
    found = [
        Taken(code, wanted[code], decimal(row.get("QuantityOnHand")))
        for row in rows
        if is_tracked(row) and (code := text(row.get("Code"))) in wanted
    ]
    return sorted(found, key=lambda each: each.code)


def shortage(connection: str, invoice: Values, goods: Sequence[Taken]) -> WaitingError | None:
    """What ``invoice``, which was refused, waits for; None if all of its ``goods`` are there."""
    short = [each for each in goods if each.count > each.on_hand]
    if not short:
        return None
    what = "; ".join(map(str, short))
    return WaitingError(
        f"invoice {text(invoice.get('InvoiceNumber'))} takes {what}: {connection} refused it. It "
        "stays a draft and goes on by itself once the goods are booked in",
        connection=connection,
        causes=tuple(f"stock:{each.code}" for each in short),
        owner="warehouse",
    )


def _text(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"
