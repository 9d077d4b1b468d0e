"""``where``, ``order`` and pages, as far as the stand-in goes; the rest is refused loudly.

Source: developer.xero.com, "Requests and responses"; Xero-OpenAPI 16.1.0, examples of ``where``.
"""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any, Final

from accord.local.xero.faults import Row, bad_request, query_error

_TERM: Final = re.compile(
    r"""\s*(?P<field>[A-Za-z.]+?)(?P<lower>\.ToLower\(\))?\s*
    (?P<op>==|!=|>=|<=|>|<)\s*
    (?:"(?P<text>[^"]*)"
      |(?P<guid>(?i:guid))\(\s*"(?P<id>[0-9a-fA-F-]{36})"\s*\)
      |DateTime\(\s*(?P<date>\d{4}\s*,\s*\d{1,2}\s*,\s*\d{1,2}(?:\s*,\s*\d{1,2}){0,3})\s*\)
      |(?P<word>null|true|false)
      |(?P<number>-?\d+(?:\.\d+)?))\s*""",
    re.VERBOSE,
)
_BEGINS: Final = re.compile(r'\s*(?P<field>[A-Za-z.]+?)\.StartsWith\("(?P<text>[^"]*)"\)\s*')
_AND: Final = re.compile(r"\s*(?:&&|\bAND\b|\band\b)\s*")
_OR: Final = re.compile(r"\s*(?:\|\||\bOR\b|\bor\b)\s*")
_TEXTS: Final = re.compile(r'"[^"]*"')
_FIELDS: Final[dict[str, frozenset[str]]] = {
    "Contacts": frozenset(
        {"ContactID", "ContactNumber", "AccountNumber", "ContactStatus", "Name"}
        | {"EmailAddress", "TaxNumber", "IsCustomer"}
    ),
    "Invoices": frozenset(
        {"InvoiceID", "InvoiceNumber", "Reference", "Type", "Status", "Date", "DueDate"}
        | {"AmountDue", "Total", "CurrencyCode", "Contact.ContactID", "Contact.ContactNumber"}
        | {"Contact.Name"}
    ),
    "CreditNotes": frozenset(
        {"CreditNoteID", "CreditNoteNumber", "Reference", "Type", "Status", "Date", "Total"}
        | {"CurrencyCode", "Contact.ContactID"}
    ),
    "Payments": frozenset(
        {"PaymentID", "PaymentType", "Status", "Date", "Amount", "Reference", "IsReconciled"}
        | {"Invoice.InvoiceID", "Invoice.InvoiceNumber", "CreditNote.CreditNoteID"}
    ),
    "Items": frozenset({"ItemID", "Code", "Name", "IsSold", "IsTrackedAsInventory"}),
    "Accounts": frozenset(
        {"AccountID", "Code", "Name", "Type", "Class", "Status", "SystemAccount"}
        | {"EnablePaymentsToAccount"}
    ),
    "TaxRates": frozenset({"TaxType", "Name", "Status"}),
    "TrackingCategories": frozenset({"TrackingCategoryID", "Name", "Status"}),
    "Currencies": frozenset({"Code"}),
}
_SORTS: Final = {"UpdatedDateUTC", "Date", "DueDate", "Name", "Code", "Reference"}
_NUMBERS: Final = {"InvoiceNumber", "CreditNoteNumber"}
_COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    ">=": lambda a, b: a is not None and a >= b,
    "<=": lambda a, b: a is not None and a <= b,
    ">": lambda a, b: a is not None and a > b,
    "<": lambda a, b: a is not None and a < b,
}


def where(table: str, text: str) -> Callable[[Row], bool]:
    """Whether a row as it is shown passes. Raises: XeroError: it is not understood."""
    blank = _TEXTS.sub(lambda each: '"' + "x" * (len(each[0]) - 2) + '"', text)
    either = [_all(table, each) for each in _split(_OR, text, blank)]
    return lambda row: any(each(row) for each in either)


def _split(by: re.Pattern[str], text: str, blank: str) -> list[str]:
    """``text`` cut where ``blank``, the same without what is quoted, shows it."""
    found, start = [], 0
    for match in by.finditer(blank):
        found.append(text[start : match.start()])
        start = match.end()
    return [*found, text[start:]]


def _all(table: str, text: str) -> Callable[[Row], bool]:
    blank = _TEXTS.sub(lambda each: '"' + "x" * (len(each[0]) - 2) + '"', text)
    every = [_term(table, each) for each in _split(_AND, text, blank)]
    return lambda row: all(each(row) for each in every)


def _term(table: str, text: str) -> Callable[[Row], bool]:
    if begins := _BEGINS.fullmatch(text):
        return _begins(table, begins["field"], begins["text"])
    found = _TERM.fullmatch(text)
    if found is None:
        raise query_error(f"Expression expected: {text.strip()}")
    field = found["field"]
    if field not in _FIELDS[table]:
        raise query_error(f"No property or field '{field}' exists in type '{table[:-1]}'")
    value, compare, lower = _value(found), _COMPARE[found["op"]], bool(found["lower"])
    path = field.split(".")
    is_id = path[-1].endswith("ID")
    if is_id and value is not None and not found["guid"]:
        message = "Operator '==' incompatible with operand types 'Guid' and 'String'"
        raise query_error(message)

    def passes(row: Row) -> bool:
        held: Any = row
        for name in path:
            held = held.get(name) if held else None
        if lower and isinstance(held, str):
            held = held.lower()
        if isinstance(value, dt.datetime) and isinstance(held, dt.date):
            held = dt.datetime.combine(held, dt.time())
        return compare(held, value)

    return passes


def _begins(table: str, field: str, text: str) -> Callable[[Row], bool]:
    """Letters of any case, as Xero's database compares."""
    if field not in _FIELDS[table]:
        raise query_error(f"No property or field '{field}' exists in type '{table[:-1]}'")
    return lambda row: str(row.get(field) or "").casefold().startswith(text.casefold())


def _value(found: re.Match[str]) -> Any:
    if found["text"] is not None:
        return found["text"]
    if found["guid"]:
        return found["id"].lower()
    if found["date"]:
        return dt.datetime(*(int(each) for each in found["date"].split(",")))  # type: ignore[arg-type]  # noqa: DTZ001 - compared with days, which have no zone
    if found["word"]:
        return {"null": None, "true": True, "false": False}[found["word"]]
    return Decimal(found["number"])


def ordered(rows: Sequence[Row], text: str) -> list[Row]:
    """Sorted by ``Field [ASC|DESC]``, several with commas. Raises: XeroError."""
    found = list(rows)
    for each in reversed(text.split(",")):
        field, _, direction = each.strip().partition(" ")
        if field not in _SORTS | _NUMBERS or direction.upper() not in {"", "ASC", "DESC"}:
            raise query_error(f"No property or field '{field}' exists to order by")

        def rank(row: Row, field: str = field) -> tuple[bool, Any]:
            return (row.get(field) is not None, row.get(field))

        found.sort(key=rank, reverse=direction.upper() == "DESC")
    return found


def shuffled(rows: Sequence[Row], page: str) -> list[Row]:
    """In another order for each page: nobody says how Xero lists what its order leaves open."""
    found = list(rows)
    Random(page).shuffle(found)
    return found


def paged(rows: Sequence[Row], page: str, size: str) -> tuple[Sequence[Row], Row]:
    """That page of them, and what is told of the pages. Raises: XeroError."""
    if not page.isdigit() or int(page) < 1:
        raise bad_request("page must be a whole number from 1 on")
    if not size.isdigit() or not 1 <= int(size) <= 1000:
        raise bad_request("pageSize must be from 1 to 1000")
    number, most = int(page), int(size)
    told = {
        "page": number,
        "pageSize": most,
        "pageCount": -(-len(rows) // most),
        "itemCount": len(rows),
    }
    return rows[(number - 1) * most : number * most], told


def moment(text: str) -> dt.datetime:
    """Of If-Modified-Since, to the second as it is compared. Raises: XeroError."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise bad_request("If-Modified-Since is not a valid date") from error
    aware = found if found.tzinfo else found.replace(tzinfo=dt.UTC)
    return aware.astimezone(dt.UTC).replace(microsecond=0)
