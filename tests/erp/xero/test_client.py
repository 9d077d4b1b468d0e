"""Xero's own ways in which a call can fail, and what we call them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from accord.erp.xero.client import Client
from accord.erp.xero.refusals import PeriodLockedError
from accord.errors import (
    AccordError,
    DuplicateError,
    RateLimitedError,
    RejectedError,
    UnauthorizedError,
    UnavailableError,
    UnmappedError,
    WaitingError,
)
from accord.http import http_client
from accord.local.xero import FakeXero
from accord.local.xero.faults import (
    broken,
    forbidden,
    in_xml,
    not_found,
    offline,
    too_many,
    unauthorised,
)
from accord.local.xero.server import TENANT, TOKEN
from accord.ports.tokens import Access
from tests.erp.xero.conftest import URL, Clock, Tokens, calling

CONTACT = {"Contacts": [{"Name": "Ann Bee"}]}
NO_ID = "00000000-0000-4000-8000-000000000000"


def answering(
    answer: Callable[[httpx.Request], httpx.Response], *, tokens: Tokens | None = None
) -> Client:
    http = http_client(URL, timeout=2, transport=httpx.MockTransport(answer))
    return Client(http, connection="main", tokens=tokens or Tokens())


def refusing(*messages: str, status: int = 400) -> httpx.Response:
    element = {"ValidationErrors": [{"Message": each} for each in messages]}
    body = {"ErrorNumber": 10, "Type": "ValidationException", "Elements": [element]}
    return httpx.Response(status, json={**body, "Message": "A validation exception occurred"})


def failed(answer: httpx.Response | Exception, *, write: bool = True) -> AccordError:
    """What a call raises that is answered so."""

    def reply(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    client = answering(reply)
    with pytest.raises(AccordError) as caught:
        client.put("Contacts", CONTACT, key="k") if write else client.get("Contacts")
    return caught.value


# --- who may ----------------------------------------------------------------------------


def test_a_token_that_expired_is_renewed_and_the_call_sent_once_more(xero: FakeXero) -> None:
    tokens = Tokens("an-access-token", "another")
    xero.renew("another")

    calling(xero, tokens=tokens).put("Contacts", CONTACT, key="k")

    assert [each.token for each in tokens.renewed_for] == ["an-access-token"]
    assert xero.calls["PUT Contacts"] == 2
    assert [row["Name"] for row in xero.do("rows", table="Contacts")] == ["Ann Bee"]


def test_a_renewed_token_that_expired_too_is_not_renewed_again(xero: FakeXero) -> None:
    tokens = Tokens("an-access-token", "another", "a third")
    xero.expired |= {"an-access-token", "another"}
    xero.tokens = {"a third"}

    with pytest.raises(UnauthorizedError, match="TokenExpired") as caught:
        calling(xero, tokens=tokens).get("Contacts")

    assert (caught.value.is_login, xero.calls["GET Contacts"]) == (True, 2)


@pytest.mark.parametrize(
    "refusal", [unauthorised("AuthenticationUnsuccessful"), forbidden(), httpx.Response(401)]
)
def test_who_is_refused_tries_once_more_with_what_was_consented_to_since(
    xero: FakeXero, refusal: httpx.Response
) -> None:
    asked: list[Access] = []

    class Consented(Tokens):
        def another(self, refused: Access) -> Access | None:
            asked.append(refused)
            return Access(TOKEN, TENANT)

    answers = iter([refusal, None, refusal, refusal])
    xero.hook = lambda _: next(answers)
    client = calling(xero, tokens=Consented(tenant="the former"))

    assert client.get("Contacts")["Contacts"] == []
    with pytest.raises(UnauthorizedError):  # once, and no more
        client.get("Contacts")

    assert asked == [Access(TOKEN, "the former")] * 2
    assert client.calls["GET Contacts"] == 4


def test_a_token_that_cannot_be_renewed_made_nothing(xero: FakeXero) -> None:
    class Away(Tokens):
        def access(self) -> Any:
            raise UnavailableError("who renews it is away", connection="main")

    with pytest.raises(UnavailableError) as caught:
        calling(xero, tokens=Away()).put("Contacts", CONTACT, key="k")

    assert caught.value.sent is False
    assert xero.calls.total() == 0


@pytest.mark.parametrize(
    ("answer", "is_login"),
    [
        (unauthorised("AuthenticationUnsuccessful"), True),
        (unauthorised("AuthorizationUnsuccessful"), False),  # the scope is too small
        (forbidden(), False),
        (httpx.Response(401), True),
        (httpx.Response(403, text="<html>"), False),
    ],
)
def test_who_is_not_let_in_has_to_connect_again(answer: httpx.Response, *, is_login: bool) -> None:
    error = failed(answer)

    assert isinstance(error, UnauthorizedError)
    assert (error.is_login, error.connection) == (is_login, "main")
    assert "accord connect" in str(error)


def test_the_organisation_is_the_one_that_was_named_or_else_consented_for(xero: FakeXero) -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["xero-tenant-id"])
        return xero(request)

    answering(answer).get("Contacts")
    http = http_client(URL, timeout=2, transport=httpx.MockTransport(answer))
    named = Client(http, connection="main", tokens=Tokens(), tenant="another")
    with pytest.raises(UnauthorizedError):
        named.get("Contacts")

    assert seen == [TENANT, "another"]


# --- how often --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (too_many("minute", 17), 17),
        (too_many("minute"), 60),
        (too_many("appminute"), 60),
        (too_many("concurrent"), 2),
        (too_many("day", 40_000), 40_000),
        (too_many("day"), 3600),
    ],
)
def test_too_many_calls_say_when_to_come_back(
    answer: httpx.Response, seconds: float | None
) -> None:
    error = failed(answer)

    assert isinstance(error, RateLimitedError)
    assert (error.retry_after, error.connection) == (seconds, "main")


# --- no usable answer ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        offline(),
        broken(),
        in_xml(),
        httpx.Response(200, json=["no", "object"]),
        httpx.Response(409),
    ],
)
def test_xeros_own_ways_to_give_no_usable_answer_may_have_taken_effect(
    answer: httpx.Response,
) -> None:
    error = failed(answer)

    assert isinstance(error, UnavailableError)
    assert (error.sent, error.connection) == (True, "main")


# --- refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Invoice # must be unique.", DuplicateError),
        ("The contact name Ann is already assigned to another contact.", DuplicateError),
        (
            "The document date cannot be before the period lock date, currently set at 31 Dec 2026.",
            PeriodLockedError,
        ),
        ("This document cannot be edited as it has a payment allocated to it.", RejectedError),
        ("Discount must not be greater than the line total", RejectedError),
        ("You have reached the limit of invoices that can be approved", WaitingError),
    ],
)
def test_a_refusal_is_known_by_its_words(message: str, kind: type[AccordError]) -> None:
    error = failed(refusing(message))

    assert type(error) is kind
    assert message in str(error)


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("The TaxType code 'OUTPUT9' cannot be used with account code '200'.", "tax:OUTPUT9"),
        ("Account code '999' is not a valid code for this document.", "account:999"),
        ("Organisation is not subscribed to currency CHF", "currency:CHF"),
        ("Item code 'GONE' is not valid", "item:GONE"),
    ],
)
def test_a_code_that_it_does_not_take_is_named(message: str, cause: str) -> None:
    error = failed(refusing(message, "Something else"))

    assert isinstance(error, UnmappedError)
    assert error.causes == (cause,)


def test_all_that_is_wrong_is_told() -> None:
    error = failed(refusing("The first", "The second"))

    assert isinstance(error, RejectedError)
    assert error.body == "The first; The second"


@pytest.mark.parametrize(
    "element",
    [
        {"HasErrors": True, "ValidationErrors": [{"Message": "Invoice # must be unique."}]},
        {"StatusAttributeString": "ERROR", "ValidationErrors": [{"Message": "must be unique"}]},
    ],
)
def test_an_error_within_a_good_answer_is_one(element: dict[str, Any]) -> None:
    error = failed(httpx.Response(200, json={"Status": "OK", "Invoices": [element]}))

    assert isinstance(error, DuplicateError)


@pytest.mark.parametrize("mark", [{"HasErrors": True}, {"HasValidationErrors": True}])
def test_an_error_that_says_nothing_is_one_too(mark: dict[str, Any]) -> None:
    error = failed(httpx.Response(200, json={"Contacts": [mark]}))

    assert type(error) is RejectedError


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(400, json={"ErrorNumber": 16, "Message": "Expression expected"}),
        httpx.Response(400, text="<html>"),
        httpx.Response(412),
        not_found(),
    ],
)
def test_what_is_refused_without_elements_is_refused(answer: httpx.Response) -> None:
    assert type(failed(answer)) is RejectedError


# --- asked ----------------------------------------------------------------------------------


def test_what_is_not_there_is_empty(client: Client) -> None:
    assert client.get(f"Contacts/{NO_ID}") == {}
    assert client.pdf(f"Invoices/{NO_ID}/pdf") == b""


def test_what_did_not_change_is_empty() -> None:
    assert answering(lambda _: httpx.Response(304)).get("Contacts") == {}


def test_an_address_where_no_list_is_is_nobodys() -> None:
    assert isinstance(failed(not_found(), write=False), UnauthorizedError)


def test_a_page_of_something_else_is_no_pdf() -> None:
    client = answering(lambda _: httpx.Response(200, text="<html>Sign in</html>"))

    with pytest.raises(UnavailableError, match="no PDF"):
        client.pdf(f"Invoices/{NO_ID}/pdf")


def test_pages_are_read_to_their_end_or_limit(client: Client, clock: Clock) -> None:
    for n in range(7):
        client.put("Contacts", {"Contacts": [{"Name": f"Shopper {n}"}]}, key=str(n))
    before = client.calls["GET Contacts"]

    every = client.pages("Contacts", "Contacts", size=3)
    first = client.pages("Contacts", "Contacts", size=3, limit=4)

    assert [row["Name"] for row in every] == [f"Shopper {n}" for n in range(7)]
    assert [row["Name"] for row in first] == [f"Shopper {n}" for n in range(4)]
    assert client.calls["GET Contacts"] - before == 3 + 2


def test_a_repetition_makes_nothing_new_and_another_content_does(client: Client) -> None:
    first = client.put("Contacts", CONTACT, key="k")
    again = client.put("Contacts", CONTACT, key="k")
    other = client.put("Contacts", {"Contacts": [{"Name": "Another"}]}, key="k")

    assert first["Contacts"][0]["ContactID"] == again["Contacts"][0]["ContactID"]
    assert first["Contacts"][0]["ContactID"] != other["Contacts"][0]["ContactID"]


def test_numbers_are_read_digit_for_digit() -> None:
    reply = httpx.Response(200, text='{"Invoices": [{"Total": 1234567890123.45, "AmountDue": 7}]}')

    (row,) = answering(lambda _: reply).get("Invoices")["Invoices"]

    assert row == {"Total": Decimal("1234567890123.45"), "AmountDue": 7}
