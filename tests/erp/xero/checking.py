"""Every request and every answer, held against Xero's own OpenAPI file.

The file describes types, enums, lengths and which fields only Xero writes. It says hardly anywhere
what must be there and never that nothing else may be; ``_overlaid`` adds that.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import httpx
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from tests.erp.xero.spec.trim import TRIMMED

_MS_DATE: Final = r"^/Date\(-?\d+([+-]\d{4})?\)/$"
_ANY_DATE: Final = (
    r"^(\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?Z?)?|/Date\(-?\d+([+-]\d{4})?\)/)$"
)
_ENVELOPE: Final = {name: {"type": "string"} for name in ("Id", "Status", "ProviderName")}
_CONTAINERS: Final = (
    *("Organisations", "Accounts", "TaxRates", "TrackingCategories", "BrandingThemes"),
    *("Currencies", "Contacts", "Items", "Invoices", "CreditNotes", "Payments", "Allocations"),
    *("HistoryRecords", "OnlineInvoices"),
)
_ONLY_XEROS: Final = {"Item": ("QuantityOnHand", "TotalCostPool"), "Contact": ("IsCustomer",)}
"""Fields that the guide calls read-only and the file does not."""
_NEEDED: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("put", "Contacts"): ("Name",),
    ("put", "Items"): ("Code",),
    ("put", "Invoices"): ("Type", "Contact", "Date", "LineAmountTypes", "LineItems"),
    ("put", "CreditNotes"): ("Type", "Contact", "Date", "LineAmountTypes", "LineItems"),
    ("put", "Payments"): ("Account", "Date", "Amount"),
    ("put", "Allocations"): ("Invoice", "Date", "Amount"),
    ("post", "Contacts"): ("ContactID",),
    ("post", "Items"): ("ItemID",),
    ("post", "Invoices"): ("InvoiceID",),
    ("post", "CreditNotes"): ("CreditNoteID",),
}
"""What a request must say of each element: the guide's, and ours where a default would be a guess.
A POST without an id changes whatever bears that name or number."""
_NEEDED_OF_AMOUNTS: Final = ("Description", "Quantity", "TaxType")
"""What a line with a price must say."""
_NEEDED_WITHIN: Final = {"Address": ["AddressType"], "Phone": ["PhoneType"]}
_TOLD: Final[Mapping[str, tuple[str, ...]]] = {
    "Organisation": ("OrganisationID", "Name", "BaseCurrency", "CountryCode"),
    "Account": ("AccountID", "Name", "Type", "Status"),
    "TaxRate": ("Name", "TaxType", "Status", "EffectiveRate"),
    "Contact": ("ContactID", "Name", "ContactStatus", "UpdatedDateUTC"),
    "Item": ("ItemID", "Code", "UpdatedDateUTC"),
    "Invoice": (
        *("InvoiceID", "InvoiceNumber", "Type", "Status", "Contact", "Date", "Total", "SubTotal"),
        *("TotalTax", "AmountDue", "AmountPaid", "CurrencyCode", "UpdatedDateUTC"),
    ),
    "CreditNote": (
        *("CreditNoteID", "CreditNoteNumber", "Type", "Status", "Contact", "Date", "Total"),
        *("RemainingCredit", "CurrencyCode", "UpdatedDateUTC"),
    ),
    "Payment": ("PaymentID", "Amount", "Date", "Status", "PaymentType", "UpdatedDateUTC"),
    "Allocation": ("AllocationID", "Amount", "Date", "Invoice"),
}
"""What every element of an answer tells."""
_LONGEST_QUERY: Final = 2048
"""Characters. The guide speaks of 40 to 50 ids at once, which is about as much."""
_UNDESCRIBED: Final = frozenset({401, 403, 404, 406, 409, 412, 429, *range(500, 600)})
"""Statuses that the file leaves out, and the guide describes."""


class OffSpecError(AssertionError):
    """A request or an answer is not as Xero describes it."""


class Checking(httpx.BaseTransport):
    """``answer`` behind the checks. An answer that a test planned, broken perhaps, is let pass."""

    def __init__(self, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._answer = answer
        self.checked = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer. Raises: OffSpecError."""
        request.read()
        check_request(request)
        response = self._answer(request)
        if "planned" not in response.extensions:
            check_response(request, response)
        self.checked += 1
        return response


def check_request(request: httpx.Request) -> None:
    """Raises: OffSpecError: it is not as described."""
    if not _is_described(request):
        return
    asked = _Asked(request)
    for name in ("authorization", "xero-tenant-id"):
        if name not in request.headers:
            raise OffSpecError(f"{asked.method} {asked.path}: there is no header {name}")
    try:
        _requests().validate_request(asked)
    except OpenAPIError as error:
        raise _off(f"{asked.method} {asked.path}", error) from error
    _check_query(asked)
    if asked.method == "get":
        return
    if asked.method != "delete":
        _check_key(request, asked)
        _check_needed(asked)


def check_response(request: httpx.Request, response: httpx.Response) -> None:
    """Raises: OffSpecError: it is not as described."""
    if not _is_described(request) or response.status_code in _UNDESCRIBED:
        return
    asked = _Asked(request)
    what = f"{response.status_code} to {asked.method} {asked.path}"
    kind = response.headers.get("content-type", "").partition(";")[0]
    if kind not in {"application/json", "application/pdf"}:
        raise OffSpecError(f"{what}: of type {kind!r}")
    answered = _Answered(response)
    body, new = _news(response) if kind == "application/json" else ({}, set[str]())
    if body:
        answered.data = json.dumps(body).encode()
    try:
        _answers().validate_response(asked, answered)
    except OpenAPIError as error:
        raise _off(what, error) from error
    if response.status_code == 200:
        _check_told(what, body)
    _SEEN.update(new)


_SEEN: Final[set[str]] = set()
"""Elements that were found to be as described, with the container that they were in."""


def _news(response: httpx.Response) -> tuple[dict[str, Any], set[str]]:
    """The answer without the elements that were looked at before: a list is asked for often."""
    try:
        body = response.json()
    except ValueError:
        return {}, set()
    if not isinstance(body, dict) or response.status_code != 200:
        return {}, set()
    new: set[str] = set()
    for container in body.keys() & set(_CONTAINERS):
        if isinstance(body[container], list):
            texts = [f"{container} {json.dumps(each)}" for each in body[container]]
            pairs = list(zip(texts, body[container], strict=True))
            body[container] = [each for text, each in pairs if text not in _SEEN]
            new.update(texts)
    return body, new


def _check_query(asked: "_Asked") -> None:
    """openapi-core lets parameters pass that it does not know, and addresses of any length."""
    described = _described(asked.method, asked.path)
    if unknown := set(asked.parameters.query) - described:
        raise OffSpecError(f"{asked.method} {asked.path}: no such parameters: {sorted(unknown)}")
    if asked.length > _LONGEST_QUERY:
        raise OffSpecError(f"{asked.method} {asked.path}: {asked.length} characters of parameters")


def _check_key(request: httpx.Request, asked: "_Asked") -> None:
    key = request.headers.get("idempotency-key", "")
    if not 1 <= len(key) <= 128:
        raise OffSpecError(f"{asked.method} {asked.path}: Idempotency-Key of {len(key)} characters")


def _check_needed(asked: "_Asked") -> None:
    container = asked.path.rstrip("/").rpartition("/")[2]
    needed = _NEEDED.get((asked.method, container), ())
    body = json.loads(asked.body or b"{}")
    for element in body.get(container, []):
        missing = [name for name in needed if name not in element]
        if container == "Payments" and not element.keys() & {"Invoice", "CreditNote"}:
            missing.append("Invoice or CreditNote")
        for line in element.get("LineItems", []):
            if "UnitAmount" in line:
                missing += [name for name in _NEEDED_OF_AMOUNTS if name not in line]
        if missing:
            raise OffSpecError(f"{asked.method} {asked.path}: {container} without {missing}")


def _check_told(what: str, answer: Mapping[str, Any]) -> None:
    for container in _CONTAINERS:
        of = "Currency" if container == "Currencies" else container.removesuffix("s")
        for element in answer.get(container, []):
            told = element.get("ValidationErrors")
            missing = [name for name in _TOLD.get(of, ()) if name not in element]
            if missing and not told:
                raise OffSpecError(f"{what}: {of} without {missing}")


def _off(what: str, error: Exception) -> OffSpecError:
    """With the reasons that openapi-core keeps deep in its causes."""
    reasons = [f"{what}: {error}"]
    cause: BaseException | None = error
    while cause is not None:
        for each in getattr(cause, "schema_errors", ()):
            where = "/".join(str(part) for part in each.absolute_path)
            reasons.append(f"{where}: {each.message[:300]}")
        cause = cause.__cause__
    return OffSpecError("\n".join(reasons))


def _is_described(request: httpx.Request) -> bool:
    """The list of connections is not of the Accounting API."""
    return request.url.path != "/connections"


# --- the file ---------------------------------------------------------------------------


@cache
def _requests() -> OpenAPI:
    return _opened(answers=False)


@cache
def _answers() -> OpenAPI:
    return _opened(answers=True)


def _opened(*, answers: bool) -> OpenAPI:
    config = Config(spec_validator_cls=None)  # type: ignore[arg-type]
    return OpenAPI.from_dict(_overlaid(json.loads(TRIMMED.read_text()), answers), config=config)


def _overlaid(spec: dict[str, Any], answers: bool) -> dict[str, Any]:
    """The file with what it does not say."""
    schemas = spec["components"]["schemas"]
    schemas["LineItemItem"]["type"] = "object"
    for name, needed in _NEEDED_WITHIN.items():
        schemas[name]["required"] = needed
    for name, fields in _ONLY_XEROS.items():
        for field in fields:
            schemas[name]["properties"][field]["readOnly"] = True
    for each in _parts(schemas):
        if each.get("type") == "object" and "properties" in each:
            each["additionalProperties"] = False
        if each.get("x-is-msdate-time"):
            each["pattern"] = _MS_DATE
        elif each.get("x-is-msdate"):
            each["pattern"] = _MS_DATE if answers else _ANY_DATE
    for name in _CONTAINERS:
        schemas[name]["properties"] |= {
            **(_ENVELOPE if answers else {}),
            **({"DateTimeUTC": {"type": "string", "pattern": _MS_DATE}} if answers else {}),
        }
    # An error shows the element as it was sent, beside what is wrong with it.
    schemas["Element"]["additionalProperties"] = True
    # The file's example wraps what its schema does not.
    schemas["PaymentDelete"]["properties"]["Status"]["enum"] = ["DELETED"]
    _accept_contact_numbers(spec["paths"])
    refusal = {"$ref": "#/components/responses/400Error"}
    for methods in spec["paths"].values():
        for method in methods.keys() & {"get", "put", "post", "delete"}:
            methods[method]["responses"].setdefault("400", refusal)
    if not answers:
        _accept_both_payment_bodies(spec)
    return spec


def _accept_contact_numbers(paths: dict[str, Any]) -> None:
    """A contact is read by its id or its number: two templates that are one to a matcher."""
    by_number = paths.pop("/Contacts/{ContactNumber}")["get"]
    (number,) = (each for each in by_number["parameters"] if each.get("name") == "ContactNumber")
    paths["/Contacts/{ContactID}"]["get"]["parameters"] = [{**number, "name": "ContactID"}]


def _accept_both_payment_bodies(spec: dict[str, Any]) -> None:
    bare = {"$ref": "#/components/schemas/PaymentDelete"}
    wrapped = {
        "type": "object",
        "additionalProperties": False,
        "required": ["Payments"],
        "properties": {
            "Payments": {
                "type": "array",
                "minItems": 1,
                "maxItems": 1,
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["Status"],
                    "properties": {
                        "PaymentID": {"type": "string", "format": "uuid"},
                        "Status": {"type": "string", "enum": ["DELETED"]},
                    },
                },
            }
        },
    }
    content = spec["paths"]["/Payments/{PaymentID}"]["post"]["requestBody"]["content"]
    content["application/json"]["schema"] = {"oneOf": [bare, wrapped]}


def _parts(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for each in part.values():
            yield from _parts(each)
    elif isinstance(part, list):
        for each in part:
            yield from _parts(each)


@cache
def _paths() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(TRIMMED.read_text())["paths"]
    return found


@cache
def _described(method: str, path: str) -> frozenset[str]:
    """The names of its query parameters."""
    parts = path.removeprefix("/api.xro/2.0/").split("/")
    parameters = json.loads(TRIMMED.read_text())["components"]["parameters"]
    names: set[str] = set()
    for template, methods in _paths().items():
        slots = template.strip("/").split("/")
        if len(slots) == len(parts) and all(
            slot.startswith("{") or slot == part for slot, part in zip(slots, parts, strict=True)
        ):
            for each in methods.get(method, {}).get("parameters", []):
                whole = parameters[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
                names |= {whole["name"]} if whole["in"] == "query" else set()
    return frozenset(names)


# --- what openapi-core looks at ------------------------------------------------------------


class _Asked:
    """A request as openapi-core takes it."""

    def __init__(self, request: httpx.Request) -> None:
        self.host_url = "https://api.xero.com"  # wherever the stand-in listens
        self.path = request.url.path
        self.method = request.method.lower()
        self.content_type = request.headers.get("content-type", "")
        self.body = request.content or None
        self.length = len(request.url.query)
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()),
            header=Headers(request.headers.multi_items()),
            cookie=ImmutableMultiDict(),
        )


class _Answered:
    """An answer as openapi-core takes it."""

    def __init__(self, response: httpx.Response) -> None:
        self.status_code = response.status_code
        self.content_type = response.headers.get("content-type", "").partition(";")[0]
        self.data = response.content
        self.headers = Headers(response.headers.multi_items())
