"""Items, and the quantity of tracked ones that moves with approved documents.

Source: Xero-OpenAPI 16.1.0, Item; developer.xero.com, "Tracked inventory".
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from accord.local.xero.books import Books, cents, number_of
from accord.local.xero.faults import Invalid, Row

_TEXTS: Final = {"Code": 30, "Name": 50, "Description": 4000, "PurchaseDescription": 4000}
_FLAGS: Final = ("IsSold", "IsPurchased")


def save(books: Books, given: Row, *, create: bool, id_: str | None, places: int) -> Row:
    """The item, new or changed; its quantity is never written. Raises: Invalid.

    It is tracked when it is made with an account for what it is worth, or becomes so later.
    """
    old = None if create else _matched(books, given, id_)
    values = _values(books, given, places)
    code = values.get("Code") or (old or {}).get("Code")
    if not code:
        raise Invalid("Item code must be specified")  # wording unverified
    other = books.first("Items", Code=code)
    if other is not None and (old is None or other["ItemID"] != old["ItemID"]):
        raise Invalid(f"Price List Item with Code '{code}' already exists")
    row: Row = {
        "Name": code,
        "IsSold": True,
        "IsPurchased": True,
        "IsTrackedAsInventory": False,
        "SalesDetails": {},
        "PurchaseDetails": {},
        "_cost": Decimal(1),
        **(old or {}),
    }
    for name in ("SalesDetails", "PurchaseDetails"):
        values[name] = {**row[name], **values.get(name, {})}
    if values.get("InventoryAssetAccountCode") and not row["IsTrackedAsInventory"]:
        if not values["PurchaseDetails"].get("COGSAccountCode"):
            raise Invalid("A tracked item needs a COGSAccountCode")  # wording unverified
        values |= {"IsTrackedAsInventory": True}
        values |= {"QuantityOnHand": Decimal(0), "TotalCostPool": Decimal(0)}
    if old is not None:
        return books.change("Items", old["ItemID"], **values)
    made = books.new_id("Items")
    return books.add("Items", made, {"ItemID": made, **row, **values})


def _matched(books: Books, given: Row, id_: str | None) -> Row | None:
    wanted = id_ or given.get("ItemID")
    if not wanted:
        return books.first("Items", Code=given.get("Code"))
    found = books.get("Items", wanted)
    if found is None:
        raise Invalid("The item could not be found")  # wording unverified
    return found


def _values(books: Books, given: Row, places: int) -> Row:
    values: Row = {name: given[name] for name in _FLAGS if given.get(name) is not None}
    for name, most in _TEXTS.items():
        if given.get(name) is not None:
            if len(given[name]) > most:
                raise Invalid(f"{name} must not be more than {most} characters")  # unverified
            values[name] = given[name]
    for name in ("SalesDetails", "PurchaseDetails"):
        if given.get(name) is not None:
            values[name] = _details(books, given[name], places)
    code = given.get("InventoryAssetAccountCode")
    if code is not None:
        account = books.account(code)
        if account is None or account["Type"] != "INVENTORY":
            raise Invalid(f"Account code '{code}' is not a valid inventory asset account")
        values["InventoryAssetAccountCode"] = code
    return values


def _details(books: Books, given: Row, places: int) -> Row:
    found = dict(given)
    if given.get("UnitPrice") is not None:
        step = Decimal("0.0001") if places == 4 else Decimal("0.01")
        found["UnitPrice"] = number_of(given["UnitPrice"], "UnitPrice").quantize(
            step, ROUND_HALF_UP
        )
    for name in ("AccountCode", "COGSAccountCode"):
        if given.get(name) is not None and books.account(given[name]) is None:
            raise Invalid(f"Account code '{given[name]}' is not a valid code for this document.")
    tax = given.get("TaxType")
    if tax is not None and books.first("TaxRates", TaxType=tax) is None:
        raise Invalid(f"The TaxType code '{tax}' does not exist")
    return found


def move(books: Books, type_: str, lines: Sequence[Row], *, back: bool = False) -> None:
    """What is sold leaves, what is credited comes; ``back`` undoes it. Raises: Invalid."""
    sign = (1 if type_ == "ACCRECCREDIT" else -1) * (-1 if back else 1)
    for line in lines:
        item = books.first("Items", Code=line["ItemCode"]) if line["ItemCode"] else None
        if item is not None and item["IsTrackedAsInventory"]:
            shift(books, item, sign * line["Quantity"])


def shift(books: Books, item: Row, by: Decimal) -> None:
    """So many more are on hand, at the average cost. Raises: Invalid: fewer than none."""
    on_hand = item["QuantityOnHand"] + by
    if on_hand < 0:
        raise Invalid(  # wording unverified
            f"The quantity on hand of item '{item['Code']}' is {item['QuantityOnHand']}, which is "
            f"not enough to sell {-by}"
        )
    average = item["_cost"]
    values = {"QuantityOnHand": on_hand, "TotalCostPool": cents(average * on_hand)}
    write = books.change if books.stock_touches_items else books.alter
    write("Items", item["ItemID"], **values)


def shown(row: Row, places: int) -> Row:
    told = dict(row)
    if not row["IsTrackedAsInventory"]:
        for name in ("QuantityOnHand", "TotalCostPool", "InventoryAssetAccountCode"):
            told.pop(name, None)
    for name in ("SalesDetails", "PurchaseDetails"):
        details = dict(row.get(name) or {})
        if places == 2 and details.get("UnitPrice") is not None:
            details["UnitPrice"] = cents(details["UnitPrice"])
        told[name] = details
    return told
