"""What holds the stand-in and the adapter to Xero's own file catches what it should."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from accord.local.xero import Desk, FakeXero
from accord.local.xero.server import TENANT, TOKEN
from tests.erp.xero.checking import Checking, OffSpecError, check_response
from tests.erp.xero.spec.trim import TRIMMED, read, trimmed, written

ID = "430fa14a-f945-44d3-9f97-5df5e28441b8"
HEADERS = {
    "Authorization": f"Bearer {TOKEN}",
    "xero-tenant-id": TENANT,
    "Accept": "application/json",
    "Idempotency-Key": "uk-1-create",
}


def aimed(xero: FakeXero, **headers: str) -> httpx.Client:
    return httpx.Client(
        base_url="https://api.xero.com/api.xro/2.0/",
        headers={**HEADERS, **headers},
        transport=Checking(xero),
    )


@pytest.fixture
def http(xero: FakeXero) -> httpx.Client:
    return aimed(xero)


@pytest.fixture
def contact(desk: Desk) -> str:
    return desk.add_contact("Ann Bee")


def invoice(contact: str, **changes: Any) -> dict[str, Any]:
    line = {"Description": "A mug", "Quantity": 1, "UnitAmount": 10.0, "AccountCode": "200"}
    whole = {
        "Type": "ACCREC",
        "Contact": {"ContactID": contact},
        "Date": "2026-11-05",
        "DueDate": "2026-11-19",
        "InvoiceNumber": "uk-1",
        "LineAmountTypes": "Exclusive",
        "LineItems": [line | {"TaxType": "OUTPUT2"}],
    }
    return {"Invoices": [{**whole, **changes}]}


def line(**changes: Any) -> dict[str, Any]:
    whole = {"Description": "A mug", "Quantity": 1, "UnitAmount": 10.0, "AccountCode": "200"}
    return {**whole, "TaxType": "OUTPUT2", **changes}


def test_what_is_carried_is_cut_out_of_xeros_own_file(shared: Path) -> None:
    whole = read(shared / "erp" / "specs" / "xero" / "xero_accounting.yaml")

    assert TRIMMED.read_text() == written(trimmed(whole))


def test_a_whole_invoice_passes(http: httpx.Client, contact: str) -> None:
    assert http.put("Invoices", json=invoice(contact)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"Ship": "today"}, "'Ship' was unexpected", id="unknown field"),
        pytest.param(
            {"LineItems": [line(Colour="red")]}, "'Colour' was unexpected", id="unknown, deeper"
        ),
        pytest.param({"Status": "POSTED"}, "'POSTED' is not one of", id="no such status"),
        pytest.param({"CurrencyCode": "XXX"}, "'XXX' is not one of", id="no such currency"),
        pytest.param({"LineItems": [line(Quantity="1")]}, "'1' is not of type 'number'", id="text"),
        pytest.param({"SentToContact": "no"}, "is not of type 'boolean'", id="no boolean"),
        pytest.param({"InvoiceNumber": "n" * 256}, "is too long", id="too long a number"),
        pytest.param({"Total": 12.0}, "read-only property", id="what only Xero writes"),
        pytest.param(
            {"AmountPaid": 0}, "AmountPaid: .*read-only property", id="what only Xero writes, again"
        ),
        pytest.param({"Date": "05/11/2026"}, "does not match", id="no date of theirs"),
        pytest.param({"BrandingThemeID": "a"}, "is not a 'uuid'", id="no id"),
    ],
)
def test_a_request_that_xero_does_not_describe_is_caught(
    http: httpx.Client, contact: str, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(OffSpecError, match=reason):
        http.put("Invoices", json=invoice(contact, **changes))


@pytest.mark.parametrize("field", ["Type", "Contact", "Date", "LineAmountTypes", "LineItems"])
def test_an_invoice_that_lacks_something_is_caught(
    http: httpx.Client, contact: str, field: str
) -> None:
    body = invoice(contact)
    del body["Invoices"][0][field]

    with pytest.raises(OffSpecError, match=field):
        http.put("Invoices", json=body)


@pytest.mark.parametrize("field", ["Description", "Quantity", "TaxType"])
def test_a_line_with_a_price_that_lacks_something_is_caught(
    http: httpx.Client, contact: str, field: str
) -> None:
    body = invoice(contact)
    del body["Invoices"][0]["LineItems"][0][field]

    with pytest.raises(OffSpecError, match=field):
        http.put("Invoices", json=body)


@pytest.mark.parametrize(
    ("path", "element", "reason"),
    [
        ("Invoices", {"InvoiceNumber": "uk-1"}, "InvoiceID"),
        ("Contacts", {"Name": "Ann Bee"}, "ContactID"),
    ],
)
def test_a_change_that_does_not_say_of_what_is_caught(
    http: httpx.Client, path: str, element: dict[str, Any], reason: str
) -> None:
    with pytest.raises(OffSpecError, match=reason):
        http.post(path, json={path: [element]})


@pytest.mark.parametrize(
    ("path", "element", "reason"),
    [
        ("Payments", {"Account": {"Code": "090"}, "Date": "2026-11-05", "Amount": 1.0}, "Invoice"),
        ("Contacts", {"Name": "Ann Bee", "Addresses": [{"City": "York"}]}, "AddressType"),
        ("Items", {"Code": "CUP", "QuantityOnHand": 3.0}, "read-only"),
        ("Items", {"Code": "C" * 31}, "is too long"),
    ],
)
def test_what_else_may_not_be_written_is_caught(
    http: httpx.Client, path: str, element: dict[str, Any], reason: str
) -> None:
    with pytest.raises(OffSpecError, match=reason):
        http.put(path, json={path: [element]})


@pytest.mark.parametrize("header", ["xero-tenant-id", "Authorization"])
def test_a_call_without_its_headers_is_caught(http: httpx.Client, header: str) -> None:
    del http.headers[header]

    with pytest.raises(OffSpecError, match=header.lower()):
        http.get("Organisation")


@pytest.mark.parametrize("key", ["", "k" * 129])
def test_a_write_without_a_key_of_its_own_is_caught(xero: FakeXero, contact: str, key: str) -> None:
    http = aimed(xero, **{"Idempotency-Key": key})

    with pytest.raises(OffSpecError, match="Idempotency-Key"):
        http.put("Invoices", json=invoice(contact))


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("Invoices", {"limit": "10"}),
        ("Invoices", {"page": "one"}),
        ("Contacts", {"includeArchived": "yes please"}),
        ("Organisation/all", {}),
        ("Shipments", {}),
        ("Invoices/uk-1", {}),
        ("Invoices", {"IDs": ",".join([ID] * 60)}),
    ],
)
def test_an_address_that_xero_does_not_describe_is_caught(
    http: httpx.Client, path: str, params: dict[str, str]
) -> None:
    with pytest.raises(OffSpecError):
        http.get(path, params=params)


def test_a_moment_without_a_zone_is_caught(http: httpx.Client) -> None:
    with pytest.raises(OffSpecError, match="date-time"):
        http.get("Contacts", headers={"If-Modified-Since": "2026-11-05T10:00:00"})


def test_a_payment_that_is_anything_but_deleted_is_caught(http: httpx.Client) -> None:
    with pytest.raises(OffSpecError):
        http.post(f"Payments/{ID}", json={"Status": "AUTHORISED"})


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"Colour": "red"}, id="unknown field"),
        pytest.param({"Total": "12.00"}, id="a number as text"),
        pytest.param({"Status": "OPEN"}, id="no such status"),
        pytest.param({"Date": "2026-11-05"}, id="another form of a date"),
        pytest.param({"UpdatedDateUTC": "2026-11-05T10:00:00"}, id="another form of a moment"),
        pytest.param({"AmountDue": None}, id="nothing where there is a number"),
    ],
)
def test_an_answer_that_xero_would_not_give_is_caught(
    xero: FakeXero, http: httpx.Client, contact: str, change: dict[str, Any]
) -> None:
    answer = http.put("Invoices", json=invoice(contact))
    body = answer.json()
    body["Invoices"][0] |= change

    with pytest.raises(OffSpecError):
        check_response(answer.request, httpx.Response(200, json=body))


def test_an_answer_that_lacks_something_is_caught(http: httpx.Client, contact: str) -> None:
    answer = http.put("Invoices", json=invoice(contact))
    body = answer.json()
    del body["Invoices"][0]["AmountDue"]

    with pytest.raises(OffSpecError, match="AmountDue"):
        check_response(answer.request, httpx.Response(200, json=body))


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(200, text="<html/>"), id="HTML"),
        pytest.param(httpx.Response(201, json={}), id="a status that is not described"),
        pytest.param(httpx.Response(400, json={"error": "no"}), id="another error"),
    ],
)
def test_an_answer_of_another_kind_is_caught(
    http: httpx.Client, contact: str, answer: httpx.Response
) -> None:
    request = http.put("Invoices", json=invoice(contact)).request

    with pytest.raises(OffSpecError):
        check_response(request, answer)


def test_what_a_test_plans_may_be_as_broken_as_it_likes(xero: FakeXero, http: httpx.Client) -> None:
    xero.hook = lambda _: httpx.Response(200, text="<html/>")

    assert http.get("Organisation").text == "<html/>"


@pytest.mark.parametrize("summarize", [True, False])
def test_a_refusal_is_as_xero_describes_it(
    http: httpx.Client, contact: str, summarize: bool
) -> None:
    body = invoice(contact, LineItems=[line(AccountCode="999")])

    answer = http.put("Invoices", json=body, params={"summarizeErrors": json.dumps(summarize)})

    assert answer.status_code == (400 if summarize else 200)
    element = answer.json()["Elements" if summarize else "Invoices"][0]
    message = "Account code '999' is not a valid code for this document."
    assert element["ValidationErrors"] == [{"Message": message}]
