"""Contacts: who is known, by which name and number.

Source: Xero-OpenAPI 16.1.0, Contact; developer.xero.com, "Contacts".
"""

import re
from typing import Final

from accord.local.xero.books import Books
from accord.local.xero.faults import Invalid, Row

_TEXTS: Final = {
    "ContactNumber": 50,
    "AccountNumber": 50,
    "Name": 255,
    "FirstName": 255,
    "LastName": 255,
    "CompanyNumber": 50,
    "EmailAddress": 255,
    "BankAccountDetails": 50,
    "TaxNumber": 50,
    "XeroNetworkKey": 255,
    "SalesDefaultAccountCode": 10,
    "PurchasesDefaultAccountCode": 10,
    "AccountsReceivableTaxType": 50,
    "AccountsPayableTaxType": 50,
    "SalesDefaultLineAmountType": 10,
    "PurchasesDefaultLineAmountType": 10,
}
_ADDRESS: Final = {
    **dict.fromkeys(("AddressLine1", "AddressLine2", "AddressLine3", "AddressLine4"), 500),
    "City": 255,
    "Region": 255,
    "PostalCode": 50,
    "Country": 50,
    "AttentionTo": 255,
}
_PHONE: Final = {"PhoneNumber": 50, "PhoneAreaCode": 10, "PhoneCountryCode": 20}
_PHONES: Final = ("DEFAULT", "DDI", "FAX", "MOBILE")
_EMAIL: Final = re.compile(r"[\x21-\x3f\x41-\x7e]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_COUNTRY: Final = re.compile(r"[A-Za-z][A-Za-z .,'()&-]*")


def save(books: Books, given: Row, *, create: bool, id_: str | None = None) -> Row:
    """The contact, new or changed. Raises: Invalid."""
    found = None if create else _matched(books, given, id_)
    if create and given.get("ContactID"):
        raise Invalid("ContactID cannot be given when a contact is created")  # wording unverified
    values = _values(books, given, found or {})
    if found is None:
        if not values.get("Name"):
            raise Invalid("The contact name must be specified")  # wording unverified
        values = {"ContactStatus": "ACTIVE", **values}
    name = values.get("Name") or (found or {}).get("Name", "")
    status = values.get("ContactStatus") or (found or {}).get("ContactStatus")
    own = found["ContactID"] if found else None
    if status == "ACTIVE":
        _check_name(books, name, own)
    for field, word in (("ContactNumber", "contact number"), ("AccountNumber", "account number")):
        if values.get(field):
            other = books.first("Contacts", **{field: values[field]})
            if other is not None and other["ContactID"] != own:
                raise Invalid(f"The {word} {values[field]} is already assigned to another contact.")
    if found is None:
        return _new(books, values)
    return books.change("Contacts", found["ContactID"], **values)


def _new(books: Books, values: Row) -> Row:
    id_ = books.new_id("Contacts")
    row: Row = {
        "ContactID": id_,
        "BankAccountDetails": "",
        "Addresses": _addresses([], []),
        "Phones": _phones([], []),
        "IsSupplier": False,
        "IsCustomer": False,
        "ContactGroups": [],
        "ContactPersons": [],
        "SalesTrackingCategories": [],
        "PurchasesTrackingCategories": [],
        "HasAttachments": False,
        "HasValidationErrors": False,
    }
    return books.add("Contacts", id_, row | values)


def _matched(books: Books, given: Row, id_: str | None) -> Row | None:
    """By id; else by number; else by name, as a POST finds it (unverified)."""
    wanted = id_ or given.get("ContactID")
    if wanted:
        found = books.get("Contacts", wanted)
        if found is None:
            raise Invalid("The contact could not be found")  # wording unverified
        return found
    if given.get("ContactNumber"):
        number = books.first("Contacts", ContactNumber=given["ContactNumber"])
        if number is not None:
            return number
    return _named(books, str(given.get("Name") or "").strip())


def _named(books: Books, name: str) -> Row | None:
    for row in books.rows("Contacts"):
        if row["ContactStatus"] == "ACTIVE" and row["Name"].casefold() == name.casefold():
            return row
    return None


def _check_name(books: Books, name: str, own: str | None) -> None:
    other = _named(books, name)
    if other is not None and other["ContactID"] != own:
        raise Invalid(
            f"The contact name {name} is already assigned to another contact. The contact name "
            "must be unique across all active contacts."
        )


def _values(books: Books, given: Row, old: Row) -> Row:
    values: Row = {}
    for field, most in _TEXTS.items():
        if given.get(field) is not None:
            values[field] = _text(given, field, most).strip()
    email = values.get("EmailAddress")
    if email and not _EMAIL.fullmatch(email):
        raise Invalid(f"The email address '{email}' is not valid")  # wording unverified
    if given.get("ContactStatus") is not None:
        values["ContactStatus"] = given["ContactStatus"]
    if given.get("DefaultCurrency") is not None:
        books.check_currency(given["DefaultCurrency"])
        values["DefaultCurrency"] = given["DefaultCurrency"]
    if given.get("PaymentTerms") is not None:
        values["PaymentTerms"] = _terms(given["PaymentTerms"])
    if given.get("ContactPersons") is not None:
        values["ContactPersons"] = [dict(each) for each in given["ContactPersons"]]
    for field, complete in (("Addresses", _addresses), ("Phones", _phones)):
        if given.get(field) is not None:
            values[field] = complete(given[field], old.get(field, []))
    return values


def _terms(given: Row) -> Row:
    """Days are whole numbers."""
    return {
        kind: {**term, "Day": int(term["Day"])} if "Day" in term else term
        for kind, term in given.items()
    }


def _text(given: Row, field: str, most: int) -> str:
    text = given[field]
    if not isinstance(text, str):
        raise Invalid(f"{field} is not text")
    if len(text) > most:
        raise Invalid(f"{field} must not be more than {most} characters")  # wording unverified
    return text


def _addresses(given: list[Row], old: list[Row]) -> list[Row]:
    """One of each type, always; what is sent takes the place of the one of its type."""
    found = {each["AddressType"]: each for each in old}
    for each in given:
        row = {"AddressType": each.get("AddressType")}
        if row["AddressType"] not in {"POBOX", "STREET"}:
            raise Invalid("AddressType must be POBOX or STREET")
        row |= {name: _text(each, name, most) for name, most in _ADDRESS.items() if each.get(name)}
        country = row.get("Country")
        if country and not _COUNTRY.fullmatch(country):
            raise Invalid(f"Country '{country}' must be letters only")  # wording unverified
        found[row["AddressType"]] = row
    empty = dict.fromkeys(("City", "Region", "PostalCode", "Country", "AttentionTo"), "")
    return [
        {"AddressType": type_, **empty, **found.get(type_, {})} for type_ in ("STREET", "POBOX")
    ]


def _phones(given: list[Row], old: list[Row]) -> list[Row]:
    found = {each["PhoneType"]: each for each in old}
    for each in given:
        row = {"PhoneType": each.get("PhoneType")}
        if row["PhoneType"] not in _PHONES:
            raise Invalid(f"PhoneType must be one of {', '.join(_PHONES)}")  # wording unverified
        row |= {name: _text(each, name, most) for name, most in _PHONE.items() if each.get(name)}
        found[row["PhoneType"]] = row
    empty = dict.fromkeys(_PHONE, "")
    return [{"PhoneType": type_, **empty, **found.get(type_, {})} for type_ in _PHONES]


def brief(books: Books, id_: str) -> Row:
    """As a document names it."""
    row = books.tables["Contacts"][id_]
    named = {"ContactID": row["ContactID"], "Name": row["Name"]}
    return named | {"ContactNumber": row.get("ContactNumber")}


def of_document(books: Books, given: Row | None) -> str:
    """The id of who a document is for; a contact that only has a name is made. Raises: Invalid."""
    if not given:
        raise Invalid("A Contact must be specified for this type of transaction")
    id_ = given.get("ContactID")
    if id_:
        found = books.get("Contacts", id_)
    elif given.get("ContactNumber"):
        found = books.first("Contacts", ContactNumber=given["ContactNumber"])
    elif given.get("Name"):
        found = _named(books, given["Name"].strip()) or save(books, given, create=True)
    else:
        found = None
    if found is None:
        raise Invalid("The contact could not be found")  # wording unverified
    if found["ContactStatus"] != "ACTIVE":
        raise Invalid(
            "The contact with the specified contact details has been archived. The contact must "
            "be un-archived before creating new invoices or credit notes."
        )
    return str(found["ContactID"])
