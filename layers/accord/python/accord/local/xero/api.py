"""The resources of the Accounting API over what an organisation holds.

Source: Xero-OpenAPI 16.1.0, paths; developer.xero.com, "Requests and responses".
"""

import contextlib
import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from accord.local.xero import contacts, documents, filters, money, stock
from accord.local.xero.books import Books, day_of, told
from accord.local.xero.documents import CREDIT, INVOICE, Papers
from accord.local.xero.faults import (
    Invalid,
    Row,
    XeroError,
    bad_request,
    body_of,
    not_found,
    validation_exception,
)

_IDS: Final = {
    "Contacts": "ContactID",
    "Invoices": "InvoiceID",
    "CreditNotes": "CreditNoteID",
    "Payments": "PaymentID",
    "Items": "ItemID",
    "Accounts": "AccountID",
    "TaxRates": "TaxType",
    "TrackingCategories": "TrackingCategoryID",
    "Currencies": "Code",
    "BrandingThemes": "BrandingThemeID",
}
_NATURAL: Final = {
    "Contacts": "ContactNumber",
    "Invoices": "InvoiceNumber",
    "CreditNotes": "CreditNoteNumber",
    "Items": "Code",
}
_PAPERS: Final = {"Invoices": INVOICE, "CreditNotes": CREDIT}
_PAGED: Final = frozenset({"Contacts", "Invoices", "CreditNotes", "Payments"})
_DELTA: Final = _PAGED | {"Items", "Accounts"}
_UNIT_DP: Final = frozenset({"Items", "Invoices", "CreditNotes"})
_ERRORS: Final = {"Invoices": "HasErrors", "CreditNotes": "HasErrors", "Items": ""}
_QUERY: Final = {
    "Contacts": {"IDs", "includeArchived", "summaryOnly", "searchTerm"},
    "Invoices": {
        *("IDs", "InvoiceNumbers", "ContactIDs", "Statuses", "includeArchived", "createdByMyApp"),
        *("summaryOnly", "searchTerm"),
    },
    "TrackingCategories": {"includeArchived"},
}
_SEARCHED: Final = {
    "Contacts": ("Name", "FirstName", "LastName", "ContactNumber", "EmailAddress", "CompanyNumber"),
    "Invoices": ("InvoiceNumber", "Reference"),
}
_PDF: Final = b"%%PDF-1.4\n%%\xe2\xe3\xcf\xd3\n1 0 obj <</Title (%s)>> endobj\n%%%%EOF\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request below ``/api.xro/2.0``. ``path`` is cut at its slashes; headers in lower case."""

    method: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def places(self) -> int:
        """Decimals of unit amounts, 2 or 4. Raises: XeroError."""
        given = self.query.get("unitdp", "2")
        if given not in {"2", "4"}:
            raise bad_request("unitdp must be 2 or 4")
        return int(given)

    def flag(self, name: str, default: bool = False) -> bool:
        """Raises: XeroError: neither true nor false."""
        given = self.query.get(name, str(default)).lower()
        if given not in {"true", "false"}:
            raise bad_request(f"{name} must be true or false")
        return given == "true"


class Api:
    """Answers what is asked of ``books``. ``lag`` is how long lists do not show what is new."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.lag = dt.timedelta(0)

    def answer(self, asked: Asked) -> httpx.Response | Row:
        """A response, or the containers of one with status 200. Raises: XeroError."""
        resource = asked.path[0] if asked.path else ""
        match asked.method, asked.path:
            case "GET", ["Organisation"]:
                return {"Organisations": [told(self._books.organisation)]}
            case "GET", [_] if resource in _IDS:
                return self._list(resource, asked)
            case "GET", [_, id_] if resource in _IDS:
                return {resource: [self._shown(resource, self._one(resource, id_), asked)]}
            case "GET", [_, id_, "pdf"] if resource in _PAPERS:
                return self._pdf(resource, self._one(resource, id_), asked)
            case "GET", ["Invoices", id_, "OnlineInvoice"]:
                row = self._one(resource, id_)
                url = f"https://in.xero.com/{row['InvoiceID']}"
                return {"OnlineInvoices": [{"OnlineInvoiceUrl": url}]}
            case ("GET" | "PUT") as method, [_, id_, "History"] if resource in _PAPERS:
                return self._history(resource, self._one(resource, id_), asked, method)
            case (("PUT" | "POST"), [_, *rest]) if resource in {*_PAGED, "Items"}:
                return self._written(resource, tuple(rest), asked)
            case "DELETE", ["CreditNotes", id_, "Allocations", allocation]:
                return self._take_back(id_, allocation)
        raise XeroError(not_found())

    # --- reading ---------------------------------------------------------------

    def _one(self, resource: str, id_: str) -> Row:
        found = self._books.get(resource, id_)
        natural = _NATURAL.get(resource)
        if found is None and natural:
            found = self._books.first(resource, **{natural: id_})
        if found is None:
            raise XeroError(not_found())
        return found

    def _list(self, resource: str, asked: Asked) -> Row:
        known = {"where", "order", *_QUERY.get(resource, ())}
        known |= {"page", "pageSize"} if resource in _PAGED else set()
        known |= {"unitdp"} if resource in _UNIT_DP else set()
        if unknown := asked.query.keys() - known:
            raise bad_request(f"Query parameters not known: {', '.join(sorted(unknown))}")
        _ = asked.places, asked.flag("summaryOnly")  # refused though there were no rows
        rows = self._chosen(resource, asked)
        paged = "page" in asked.query or "pageSize" in asked.query
        answer: Row = {}
        if paged:
            page, size = asked.query.get("page", "1"), asked.query.get("pageSize", "100")
            rows, answer["pagination"] = filters.paged(rows, page, size)
        # Without a page the lists of documents come without their lines.
        whole = paged and resource in _PAPERS
        answer[resource] = [self._shown(resource, row, asked, whole=whole) for row in rows]
        return answer

    def _chosen(self, resource: str, asked: Asked) -> Sequence[Row]:
        query, now = asked.query, self._books.now
        rows = [
            row
            for row in self._books.rows(resource)
            if "_made" not in row or now - row["_made"] >= self.lag
        ]
        since = asked.headers.get("if-modified-since")
        if since is not None and resource in _DELTA:
            after = filters.moment(since)
            rows = [row for row in rows if row["UpdatedDateUTC"] > after]
        if resource == "Contacts" and not asked.flag("includeArchived"):
            rows = [row for row in rows if row["ContactStatus"] == "ACTIVE"]
        if resource == "TrackingCategories" and not asked.flag("includeArchived"):
            rows = [row for row in rows if row["Status"] == "ACTIVE"]
        if asked.flag("createdByMyApp"):
            rows = [row for row in rows if row["_by_app"]]
        for name, field in (
            ("IDs", _IDS[resource]),
            ("InvoiceNumbers", "InvoiceNumber"),
            ("ContactIDs", "_contact"),
            ("Statuses", "Status"),
        ):
            if name in query:
                wanted = {each.strip() for each in query[name].split(",")}
                rows = [row for row in rows if row[field] in wanted]
        if term := query.get("searchTerm", "").casefold():
            rows = [row for row in rows if self._holds(resource, row, term)]
        if text := query.get("where"):
            passes = filters.where(resource, text)
            rows = [row for row in rows if passes(self._filtered(resource, row))]
        if text := query.get("order"):
            return filters.ordered(filters.shuffled(rows, query.get("page", "1")), text)
        return rows

    def _holds(self, resource: str, row: Row, term: str) -> bool:
        texts = [str(row.get(name) or "") for name in _SEARCHED[resource]]
        if resource == "Invoices":
            texts.append(self._books.tables["Contacts"][row["_contact"]]["Name"])
        return any(term in each.casefold() for each in texts)

    def _filtered(self, resource: str, row: Row) -> Row:
        """The row with what a ``where`` may name of its neighbours."""
        if resource == "Payments":
            return money.shown(self._books, row)
        if resource in _PAPERS:
            due = documents.left(row) if row["Status"] in documents.BOOKED else 0
            contact = self._books.tables["Contacts"][row["_contact"]]
            return {**row, "Contact": contact, "AmountDue": due}
        return row

    def _shown(self, resource: str, row: Row, asked: Asked, *, whole: bool = True) -> Row:
        shown = row
        brief = asked.flag("summaryOnly")
        if resource in _PAPERS:
            shown = documents.shown(
                self._books,
                _PAPERS[resource],
                row,
                whole=whole and not brief,
                places=asked.places,
                brief=brief,
            )
        elif resource == "Items":
            shown = stock.shown(row, asked.places)
        elif resource == "Payments":
            shown = money.shown(self._books, row)
        elif resource == "Contacts" and brief:
            nested = ("Addresses", "Phones", "ContactPersons", "ContactGroups")
            shown = {name: value for name, value in row.items() if name not in nested}
        elif resource not in {*_DELTA}:
            shown = {name: value for name, value in row.items() if name != "UpdatedDateUTC"}
        found: Row = told(shown)
        return found

    def _pdf(self, resource: str, row: Row, asked: Asked) -> httpx.Response:
        if "application/pdf" not in asked.headers.get("accept", ""):
            return httpx.Response(406)
        number = row[_NATURAL[resource]].encode()
        return httpx.Response(
            200, content=_PDF % number, headers={"Content-Type": "application/pdf"}
        )

    # --- writing ---------------------------------------------------------------

    def _written(self, resource: str, rest: tuple[str, ...], asked: Asked) -> httpx.Response | Row:
        body = body_of(asked.body)
        create = asked.method == "PUT"
        match resource, rest:
            case "Payments", [id_]:
                inner = _elements(body, "Payments") if "Payments" in body else [body]
                payment = self._one(resource, id_)
                return self._each(resource, inner, asked, lambda each: self._undo(payment, each))
            case "Payments", [] if not create and "Payments" not in body:
                return self._each(resource, [body], asked, self._pay)
            case "Payments", []:
                return self._each(resource, _elements(body, resource), asked, self._pay)
            case "CreditNotes", [id_, "Allocations"] if create:
                return self._allocate(self._one(resource, id_), body)
            case "Items", ([] | [_]):
                item = self._id(resource, rest, create)

                def keep(each: Row) -> Row:
                    return stock.save(
                        self._books, each, create=create, id_=item, places=asked.places
                    )

                return self._each(resource, _elements(body, resource), asked, keep)
            case "Contacts", ([] | [_]):
                one = self._id(resource, rest, create)

                def save(each: Row) -> Row:
                    return contacts.save(self._books, each, create=create, id_=one)

                return self._each(resource, _elements(body, resource), asked, save)
            case (("Invoices" | "CreditNotes"), ([] | [_])):
                one = self._id(resource, rest, create)
                return self._documents(_PAPERS[resource], body, asked, one, create=create)
        raise XeroError(not_found())

    def _id(self, resource: str, rest: tuple[str, ...], create: bool) -> str | None:
        if not rest:
            return None
        if create:
            raise XeroError(not_found())
        found: str = self._one(resource, rest[0])[_IDS[resource]]
        return found

    def _documents(
        self, of: Papers, body: Row, asked: Asked, id_: str | None, *, create: bool
    ) -> httpx.Response | Row:
        def save(each: Row) -> Row:
            return documents.save(
                self._books, of, each, create=create, id_=id_, places=asked.places
            )

        return self._each(of.table, _elements(body, of.table), asked, save)

    def _pay(self, given: Row) -> Row:
        return money.pay(self._books, given)

    def _undo(self, payment: Row, given: Row) -> Row:
        return money.undo(self._books, payment, given)

    def _each(
        self, resource: str, given: Sequence[Row], asked: Asked, save: Callable[[Row], Row]
    ) -> httpx.Response | Row:
        """Every element written; with ``summarizeErrors`` all or nothing."""
        together = asked.flag("summarizeErrors", default=True)
        answers: list[Row] = []
        failed = False
        try:
            with self._books.transaction():
                for each in given:
                    try:
                        with self._books.transaction():
                            row = save(each)
                            answer = self._shown(resource, row, asked)
                        answers.append(answer | {"StatusAttributeString": "OK"})
                    except Invalid as error:
                        failed = True
                        answers.append(_faulty(resource, each, error))
                if failed and together:
                    raise Invalid
        except Invalid:
            refused = [each for each in answers if each.get("ValidationErrors")]
            return validation_exception(told(refused))
        if together:
            for each in answers:
                del each["StatusAttributeString"]
        return {resource: told(answers)}

    def _allocate(self, note: Row, body: Row) -> httpx.Response | Row:
        def save(each: Row) -> Row:
            return money.allocate(self._books, note, each)

        given = _elements(body, "Allocations")
        try:
            with self._books.transaction():
                rows = [documents.allocation(self._books, save(each)) for each in given]
        except Invalid as error:
            return validation_exception(told([_faulty("Allocations", given[0], error)]))
        return {"Allocations": told(rows)}

    def _take_back(self, id_: str, allocation: str) -> httpx.Response | Row:
        note = self._one("CreditNotes", id_)
        row = self._books.get("Allocations", allocation)
        if row is None or row["AllocationID"] not in note["_allocations"]:
            raise XeroError(not_found())
        try:
            with self._books.transaction():
                found: Row = told(money.take_back(self._books, note, row))
        except Invalid as error:
            return validation_exception(told([_faulty("Allocations", {}, error)]))
        return found

    def _history(self, resource: str, row: Row, asked: Asked, method: str) -> httpx.Response | Row:
        of = (resource, row[_IDS[resource]])
        if method == "PUT":
            for each in _elements(body_of(asked.body), "HistoryRecords"):
                details = str(each.get("Details") or "")
                if not details:
                    return validation_exception(
                        told([_faulty("", each, Invalid("Details is needed"))])
                    )
                note: Row = {"Details": details, "Changes": "Note", "User": "Accord", "_of": of}
                note |= {"DateUTC": self._books.now}
                self._books.add("History", self._books.new_id("History"), note)
        notes = [each for each in self._books.rows("History") if each["_of"] == of]
        names = ("Details", "Changes", "User", "DateUTC")
        return {"HistoryRecords": [told({name: each[name] for name in names}) for each in notes]}


def _elements(body: Row, container: str) -> list[Row]:
    """What is to be written. Raises: XeroError: it is not where it should be."""
    found: Any = body.get(container)
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list) or not found or not all(isinstance(e, dict) for e in found):
        raise bad_request(f"No {container} were sent")
    return found


def _faulty(resource: str, given: Row, error: Invalid) -> Row:
    """What was sent, and what is wrong with it."""
    mark = _ERRORS.get(resource, "HasValidationErrors" if resource in _PAGED else "")
    messages = [{"Message": each} for each in error.messages]
    said: Row = {mark: True} if mark else {}
    for name in ("Date", "DueDate"):
        if name in given:
            with contextlib.suppress(Invalid):
                said[name] = day_of(given[name], name)
    return {**given, **said, "StatusAttributeString": "ERROR", "ValidationErrors": messages}


def envelope(containers: Row, now: dt.datetime) -> Row:
    """What every answer says around it."""
    moment = str(told(now)).replace("+0000", "")
    return {
        "Id": str(uuid.uuid4()),
        "Status": "OK",
        "ProviderName": "Accord",
        "DateTimeUTC": moment,
        **containers,
    }
