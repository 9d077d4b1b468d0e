"""What Xero answers instead of a result, in its own words.

Source: Xero-OpenAPI 16.1.0, examples of status 400; developer.xero.com, "Response codes" and "OAuth
2.0 API limits". Wordings that no source shows are marked in the code that uses them.
"""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Literal

import httpx

Row = dict[str, Any]
Problem = Literal["minute", "day", "concurrent", "appminute"]

_INSTANCE: Final = "4b1b3f8f-3b54-4f6d-9d0e-5a1a6b1fd0a1"


class XeroError(Exception):
    """The whole call is refused with ``response``; nothing of it is kept."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response.text)
        self.response = response


class Invalid(Exception):  # noqa: N818 - Xero's word
    """One element of a call is refused, for these reasons."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


def validation_exception(elements: Sequence[Row]) -> httpx.Response:
    """``elements`` hold what was sent and its ``ValidationErrors``."""
    return _refused(10, "ValidationException", "A validation exception occurred", elements)


def query_error(message: str) -> XeroError:
    return XeroError(_refused(16, "QueryParseException", message))


def data_error(message: str) -> XeroError:
    return XeroError(_refused(17, "PostDataInvalidException", message))


def bad_request(message: str) -> XeroError:
    """Refused before any element is looked at."""
    return XeroError(_refused(10, "ValidationException", message))


def _refused(
    number: int, type_: str, message: str, elements: Sequence[Row] | None = None
) -> httpx.Response:
    body: Row = {"ErrorNumber": number, "Type": type_, "Message": message}
    if elements is not None:
        body["Elements"] = elements
    return httpx.Response(400, json=body)


def unauthorised(detail: str) -> httpx.Response:
    """``detail``: TokenExpired: …, AuthenticationUnsuccessful, AuthorizationUnsuccessful."""
    return _problem(401, "Unauthorized", detail)


def forbidden() -> httpx.Response:
    """The tenant is another's, or it was disconnected."""
    return _problem(403, "Forbidden", "AuthenticationUnsuccessful")


def _problem(status: int, title: str, detail: str) -> httpx.Response:
    body: Row = {
        "Type": None,
        "Title": title,
        "Status": status,
        "Detail": detail,
        "Instance": _INSTANCE,
        "Extensions": {},
    }
    return httpx.Response(status, json=body)


def not_found() -> httpx.Response:
    text = "The resource you're looking for cannot be found"
    return httpx.Response(404, text=text, headers={"Content-Type": "text/html"})


def too_many(
    problem: Problem, retry_after: int | None = None, remaining: Mapping[str, str] | None = None
) -> httpx.Response:
    """A limit is reached; ``retry_after`` is in seconds, absent where Xero leaves it out."""
    headers = {**(remaining or {}), "X-Rate-Limit-Problem": problem}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return httpx.Response(429, headers=headers)


def offline() -> httpx.Response:
    """The organisation is being worked on."""
    text = "The Organisation for this access token is not available at the moment"
    return httpx.Response(503, text=text)


def broken() -> httpx.Response:
    """Something between us and Xero answers for it."""
    text = "<html><body><h1>500 Internal Server Error</h1></body></html>"
    return httpx.Response(500, text=text, headers={"Content-Type": "text/html"})


def in_xml() -> httpx.Response:
    """What comes where nobody asked for JSON."""
    text = (
        '<Response xmlns:xsd="http://www.w3.org/2001/XMLSchema"><Status>OK</Status>'
        "<ProviderName>Accord</ProviderName></Response>"
    )
    return httpx.Response(200, text=text, headers={"Content-Type": "text/xml; charset=utf-8"})


def body_of(content: bytes) -> Any:
    """Raises: XeroError: it is no JSON object."""
    try:
        found = json.loads(content, parse_float=Decimal, parse_int=Decimal)
    except ValueError as error:
        raise data_error("JSON for post data was not in a valid format") from error
    if not isinstance(found, dict):
        raise data_error("JSON for post data was not an object")
    return found
