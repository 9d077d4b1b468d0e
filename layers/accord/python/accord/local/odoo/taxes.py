"""What the taxes of one line come to.

Source: Odoo source 18 and 19, account.tax (``_get_tax_details``); 16 and 17 come to the same for
taxes on top of the price.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal

from accord.local.odoo.orm import Database, Row


def due(
    database: Database,
    ids: Iterable[int],
    base: Decimal,
    quantity: Decimal,
    rounded: Callable[[Decimal], Decimal],
) -> dict[int, Decimal]:
    """Each tax's amount by its id. Fixed ones are known first; every amount is ``rounded`` before
    it raises the base of those behind it."""
    taxes = _sorted(database, ids)
    extra = {tax["id"]: Decimal(0) for tax in taxes}
    amounts: dict[int, Decimal] = {}
    for tax in sorted(taxes, key=lambda each: bool(each["amount_type"] != "fixed")):
        if tax["amount_type"] == "fixed":
            amount = tax["amount"] * quantity
        else:
            amount = (base + extra[tax["id"]]) * tax["amount"] / 100
        amounts[tax["id"]] = rounded(amount)
        if tax["include_base_amount"]:
            for other in taxes[taxes.index(tax) + 1 :]:
                if other["is_base_affected"]:
                    extra[other["id"]] += amounts[tax["id"]]
    return amounts


def _sorted(database: Database, ids: Iterable[int]) -> list[Row]:
    """By sequence; in the place of a group its parts."""
    found: list[Row] = []
    rows = database.rows("account.tax", ids)
    for tax in sorted(rows, key=lambda row: (row["sequence"], row["id"])):
        is_group = tax["amount_type"] == "group"
        found += _sorted(database, tax["children_tax_ids"]) if is_group else [tax]
    return found
