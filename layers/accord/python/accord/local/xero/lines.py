"""Lines of a document: their defaults, amounts, tax and tracking.

Source: developer.xero.com, "Rounding in Xero" and "Invoices"; Xero-OpenAPI 16.1.0, LineItem.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from accord.local.xero.books import Books, cents, number_of
from accord.local.xero.faults import Invalid, Row

_PLAIN: Final = ("LineItemID", "Description", "ItemCode", "AccountCode", "TaxType")
_NUMBERS: Final = ("Quantity", "UnitAmount", "DiscountRate", "DiscountAmount", "LineAmount")
_BOOKING: Final = ("ItemCode", "AccountCode", "UnitAmount", "LineAmount")
_FOUR: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class How:
    """How a document's lines are read: ``places`` are those of a unit amount, 2 or 4."""

    amounts: str  # Exclusive, Inclusive, NoTax
    places: int
    discounts: bool
    binding: bool  # it is approved: all that the books need must be there


def read(books: Books, given: Sequence[Row], old: Sequence[Row], how: How) -> list[Row]:
    """The lines as they stand then. Raises: Invalid.

    A line that names the ``LineItemID`` of an old one changes it, one without is new, and an old
    one that is not named is gone.
    """
    known = {line["LineItemID"]: line for line in old}
    found = []
    for line in given:
        id_ = line.get("LineItemID")
        if id_ is not None and id_ not in known:
            raise Invalid(f"Line item ID {id_} not found on this document")  # wording unverified
        found.append(_line(books, {**_sent(known.get(id_, {})), **line}, how))
    return found


def again(books: Books, old: Sequence[Row], how: How) -> list[Row]:
    """The lines as they are, held against what ``how`` asks of them."""
    exact = replace(how, places=4)  # what stands there is not rounded anew
    return [_line(books, _sent(line), exact) for line in old]


def _sent(line: Row) -> Row:
    """What a line was made of, without what was computed."""
    return {
        name: value
        for name, value in line.items()
        if name not in {"LineAmount", "Item", "TaxAmount"} or (name == "TaxAmount" and line["_tax"])
    }


def _line(books: Books, given: Row, how: How) -> Row:
    line: Row = {name: given.get(name) for name in _PLAIN}
    for name in _NUMBERS:
        value = given.get(name)
        line[name] = None if value is None else number_of(value, name)
    line["LineItemID"] = line["LineItemID"] or books.new_id("LineItems")
    if not any(line[name] is not None for name in _BOOKING):
        return _words_alone(line)
    item = _item(books, line)
    line["Quantity"] = Decimal(1) if line["Quantity"] is None else line["Quantity"]
    unit = line["UnitAmount"]
    if unit is not None:
        step = _FOUR if how.places == 4 else Decimal("0.01")
        line["UnitAmount"] = unit.quantize(step, ROUND_HALF_UP)
    _check_words(books, line, item, how)
    line["LineAmount"] = _amount(line, how)
    _tax(books, line, given.get("TaxAmount"), how)
    line["Tracking"] = _tracking(books, given.get("Tracking") or [])
    return line


def _words_alone(line: Row) -> Row:
    """A line that only describes is not booked."""
    if not line["Description"]:
        raise Invalid("Description must be specified")  # wording unverified
    line |= {"LineAmount": Decimal(0), "TaxAmount": Decimal(0), "_tax": False, "Tracking": []}
    return line


def _item(books: Books, line: Row) -> Row | None:
    code = line["ItemCode"]
    if code is None:
        return None
    item = books.first("Items", Code=code)
    if item is None:
        raise Invalid(f"Item code '{code}' is not valid")
    sales = item.get("SalesDetails") or {}
    if line["Description"] is None:
        line["Description"] = item.get("Description") or item.get("Name")
    if line["UnitAmount"] is None:
        line["UnitAmount"] = sales.get("UnitPrice")
    for name in ("AccountCode", "TaxType"):
        line[name] = line[name] or sales.get(name)
    line["Item"] = {name: item.get(name) for name in ("ItemID", "Code", "Name")}
    return item


def _check_words(books: Books, line: Row, item: Row | None, how: How) -> None:
    if how.binding and not line["Description"]:
        raise Invalid("Description must be specified")  # wording unverified
    code = line["AccountCode"]
    account = books.account(code)
    if code is None:
        if how.binding:
            raise Invalid("Account code must be specified")
        return
    if account is None or account["Type"] == "BANK" or account.get("SystemAccount") == "DEBTORS":
        raise Invalid(f"Account code '{code}' is not a valid code for this document.")
    asset = item.get("InventoryAssetAccountCode") if item else None
    if asset is not None and code == asset:
        raise Invalid(f"Account code '{code}' is not a valid code for this document.")
    if how.amounts == "NoTax":
        line["TaxType"] = "NONE"
    line["TaxType"] = line["TaxType"] or account.get("TaxType")
    if line["TaxType"] is None:
        if how.binding:
            raise Invalid("TaxType must be specified")  # wording unverified
        return
    rate = _rate(books, line["TaxType"])
    applies = {"REVENUE": "Revenue", "EXPENSE": "Expenses", "ASSET": "Assets"}
    field = applies.get(account["Class"], {"EQUITY": "Equity"}.get(account["Class"], "Liabilities"))
    if not rate[f"CanApplyTo{field}"]:
        raise Invalid(
            f"The TaxType code '{line['TaxType']}' cannot be used with account code '{code}'."
        )


def _rate(books: Books, code: str) -> Row:
    rate = books.first("TaxRates", TaxType=code)
    if rate is None or rate["Status"] != "ACTIVE":
        raise Invalid(
            f"The TaxType code '{code}' does not exist or cannot be used for this type of "
            "transaction."
        )
    return rate


def _amount(line: Row, how: How) -> Decimal:
    """Of the line, in cents, with its discount off."""
    rate, off, given = line["DiscountRate"], line["DiscountAmount"], line["LineAmount"]
    if line["UnitAmount"] is None:
        if given is not None:
            if line["Quantity"]:
                line["UnitAmount"] = cents(given / line["Quantity"])
            return cents(given)
        line["UnitAmount"] = Decimal(0)
    whole = line["Quantity"] * line["UnitAmount"]
    if (rate is not None or off is not None) and not how.discounts:
        raise Invalid("Discounts cannot be given on a credit note")  # wording unverified
    if rate is not None and off is not None:
        raise Invalid("Only one of DiscountRate and DiscountAmount can be given")  # unverified
    if rate is not None:
        whole -= whole * rate / 100
    elif off is not None:
        if off > abs(whole):
            raise Invalid("Discount must not be greater than the line total")
        whole -= off
    expected = cents(whole)
    if given is not None and cents(given) != expected:
        raise Invalid(
            f"The line total {given:.2f} does not match the expected line total {expected:.2f}"
        )
    return expected


def _tax(books: Books, line: Row, given: Any, how: How) -> None:
    """Computed, or as it was sent: that may differ by ``Books.tax_tolerance`` (unverified)."""
    line["_tax"] = False
    if line["TaxType"] is None:
        line["TaxAmount"] = Decimal(0)
        return
    rate = _rate(books, line["TaxType"])["EffectiveRate"] / 100
    amount: Decimal = line["LineAmount"]
    taxed = amount - amount / (1 + rate) if how.amounts == "Inclusive" else amount * rate
    computed = Decimal(0) if how.amounts == "NoTax" else cents(taxed)
    if given is None:
        line["TaxAmount"] = computed
        return
    wanted = cents(number_of(given, "TaxAmount"))
    tolerated = books.tax_tolerance if rate and how.amounts != "NoTax" else Decimal(0)
    if abs(wanted - computed) > tolerated:
        raise Invalid(  # wording unverified
            f"The tax amount {wanted:.2f} does not match the expected tax amount {computed:.2f}"
        )
    line["TaxAmount"], line["_tax"] = wanted, True


def _tracking(books: Books, given: Sequence[Row]) -> list[Row]:
    found = []
    for each in given:
        category = next(
            (
                row
                for row in books.rows("TrackingCategories")
                if each.get("TrackingCategoryID") == row["TrackingCategoryID"]
                or ("TrackingCategoryID" not in each and each.get("Name") == row["Name"])
            ),
            None,
        )
        if category is None or category["Status"] != "ACTIVE":
            name = each.get("Name") or each.get("TrackingCategoryID")
            raise Invalid(f"The TrackingCategory '{name}' does not exist or is not active")
        option = next(
            (
                row
                for row in category["Options"]
                if row["Status"] == "ACTIVE"
                and (
                    each.get("TrackingOptionID") == row["TrackingOptionID"]
                    or ("TrackingOptionID" not in each and each.get("Option") == row["Name"])
                )
            ),
            None,
        )
        if option is None:
            name = each.get("Option") or each.get("TrackingOptionID")
            raise Invalid(f"The TrackingOption '{name}' does not exist or is not active")
        found.append(
            {
                "Name": category["Name"],
                "Option": option["Name"],
                "TrackingCategoryID": category["TrackingCategoryID"],
                "TrackingOptionID": option["TrackingOptionID"],
            }
        )
    if len({each["TrackingCategoryID"] for each in found}) < len(found) or len(found) > 2:
        raise Invalid("A line can have one option of each of two tracking categories at most")
    return found
