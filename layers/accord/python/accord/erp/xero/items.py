"""Xero's items as ours, and ours as Xero's. Pure.

Source: Xero OpenAPI 16.1.0, Item; developer.xero.com, "Items".
"""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from accord.erp.xero.options import Options
from accord.erp.xero.wire import Values, decimal, text
from accord.model.change import Ref
from accord.model.documents import Kind, Record, State
from accord.model.item import Item, ItemDocument

CODE_LENGTH: Final = 30
_NAME_LENGTH: Final = 50
_OF_STOCK: Final = frozenset({"QuantityOnHand", "TotalCostPool", "UpdatedDateUTC"})


def has_code(row: Values) -> bool:
    return bool(row.get("Code"))


def is_tracked(row: Values) -> bool:
    """Xero counts its stock."""
    return bool(row.get("IsTrackedAsInventory"))


def is_goods(row: Values, options: Options) -> bool:
    return is_tracked(row) or options.untracked == "goods"


def sales_of(row: Values) -> Values:
    """What is said of selling it; empty where it is not sold."""
    details: Values = row.get("SalesDetails") or {}
    return details


def taxes_of(row: Values, names: Mapping[str, str]) -> tuple[str, ...]:
    """The name of the tax rate that it is sold with; ``names`` are by tax type."""
    tax = text(sales_of(row).get("TaxType"))
    return (names.get(tax) or tax,) if tax else ()


def price_of(row: Values) -> Decimal | None:
    price = sales_of(row).get("UnitPrice")
    return None if price is None else decimal(price)


def version(row: Values) -> str:
    """Another one as soon as something of it changed but how many there are: in some organisations
    a sale moves the date as well."""
    said = {name: value for name, value in row.items() if name not in _OF_STOCK}
    whole = json.dumps(said, sort_keys=True, default=str)
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def item(row: Values, options: Options, names: Mapping[str, str], system: str) -> Item:
    """What is not sold any more is not for sale now; Xero archives no items."""
    return Item(
        ref=Ref(system, Kind.ITEM, text(row["ItemID"])),
        code=text(row.get("Code")),
        name=text(row.get("Name")) or text(row.get("Code")),
        goods=is_goods(row, options),
        lifecycle="current" if row.get("IsSold", True) else "temporarily_out",
        description=text(row.get("Description")),
        taxes=taxes_of(row, names),
        version=version(row),
    )


def item_record(row: Values, system: str) -> Record:
    """An item as the record of what was made: its number and its key are its code."""
    return Record(
        ref=Ref(system, Kind.ITEM, text(row["ItemID"])),
        number=text(row.get("Code")),
        key=text(row.get("Code")) or None,
        state=State.CONFIRMED,
        version=version(row),
    )


def new_item(
    document: ItemDocument, price: Decimal | None, tax: str | None, options: Options
) -> Values:
    """To be made. Its stock is counted where the options name the accounts that this needs."""
    values = {"Code": document.code, "IsSold": True, **item_values(document, price, tax)}
    details: Values = values.setdefault("SalesDetails", {})
    if options.sales_account:
        details["AccountCode"] = options.sales_account
    if document.goods and options.inventory_account and options.cost_account:
        values["InventoryAssetAccountCode"] = options.inventory_account
        values["IsPurchased"] = True
        values["PurchaseDetails"] = {"COGSAccountCode": options.cost_account}
    if not details:
        del values["SalesDetails"]
    return values


def item_values(document: ItemDocument, price: Decimal | None, tax: str | None) -> Values:
    """What ``document`` says, as Xero's fields: ``price`` as Xero keeps it, ``tax`` a tax type.

    Whether stock is counted cannot be changed once an item is there. Weight and barcode Xero does
    not hold.
    """
    values: Values = {"Name": document.name[:_NAME_LENGTH]}
    details: Values = {}
    if document.description is not None:
        values["Description"] = document.description
    if price is not None:
        details["UnitPrice"] = price
    if tax is not None:
        details["TaxType"] = tax
    if details:
        values["SalesDetails"] = details
    return values


def changed(values: Values, row: Values) -> Values:
    """Of ``values`` what differs from ``row``; details are written whole, or Xero clears the
    rest of them."""
    differs = {
        name: value
        for name, value in values.items()
        if name != "SalesDetails" and value != text(row.get(name))
    }
    now = sales_of(row)
    wanted = values.get("SalesDetails") or {}
    if any(value != now.get(name) for name, value in wanted.items()):
        differs["SalesDetails"] = {**now, **wanted}
    return differs
