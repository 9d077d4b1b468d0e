"""The stand-in for Xero lets in, counts, repeats, filters and pages as Xero is known to do."""

import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from accord.local.xero import Desk, FakeXero, faults
from accord.local.xero.limits import Limits
from accord.local.xero.server import TENANT, TOKEN
from tests.erp.xero.caller import DAY, Caller, invoice, line, only, payment
from tests.erp.xero.conftest import Clock, furnished

ROOT = "https://api.xero.com/api.xro/2.0/"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def call(xero: FakeXero) -> Caller:
    return Caller(xero)


@pytest.fixture
def contact(desk: Desk) -> str:
    return desk.add_contact("Ann Bee", EmailAddress="ann@shopper.example")


def plain(xero: FakeXero, method: str, path: str, **more: Any) -> httpx.Response:
    """Without the checks, for what Xero does not describe."""
    headers = {"Authorization": f"Bearer {TOKEN}", "xero-tenant-id": TENANT}
    headers |= {"Accept": "application/json", **more.pop("headers", {})}
    with httpx.Client(transport=httpx.MockTransport(xero)) as http:
        return http.request(method, f"{ROOT}{path}", headers=headers, **more)


# --- who is let in ----------------------------------------------------------------------


def test_an_expired_token_says_so(xero: FakeXero, call: Caller) -> None:
    xero.renew("another")

    answer = call.get("Organisation")

    assert (answer.status_code, answer.json()["Title"]) == (401, "Unauthorized")
    assert answer.json()["Detail"].startswith("TokenExpired: token expired at ")
    assert Caller(xero, token="another").get("Organisation").status_code == 200


def test_a_token_that_nobody_knows_is_refused_for_good(xero: FakeXero) -> None:
    answer = Caller(xero, token="made-up").get("Organisation")

    assert (answer.status_code, answer.json()["Detail"]) == (401, "AuthenticationUnsuccessful")


def test_what_was_not_consented_to_is_refused(xero: FakeXero, call: Caller) -> None:
    xero.scopes = frozenset({"accounting.contacts"})

    refused = call.get("Invoices")

    assert (refused.status_code, refused.json()["Detail"]) == (401, "AuthorizationUnsuccessful")
    assert call.get("Contacts").status_code == 200


def test_another_organisation_is_forbidden(xero: FakeXero) -> None:
    assert Caller(xero, tenant=NOBODY).get("Organisation").status_code == 403


def test_the_organisations_of_a_token_are_listed(xero: FakeXero) -> None:
    headers = {"authorization": f"Bearer {TOKEN}"}

    (found,) = xero.answer("GET", "/connections", "", headers, b"").json()

    assert (found["tenantId"], found["tenantType"]) == (TENANT, "ORGANISATION")
    assert xero.answer("GET", "/connections", "", {}, b"").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "Shipments", 404),
        ("GET", f"Invoices/{NOBODY}", 404),
        ("GET", "CreditNotes/none", 404),
        ("PUT", "Accounts", 404),
        ("DELETE", f"CreditNotes/{NOBODY}/Allocations/{NOBODY}", 404),
        ("PUT", f"Invoices/{NOBODY}", 404),
        ("GET", "Invoices?limit=3", 400),
        ("GET", "Invoices?page=0", 400),
        ("GET", "Invoices?pageSize=1001", 400),
        ("GET", "Invoices?unitdp=3", 400),
        ("GET", "Invoices?summaryOnly=perhaps", 400),
    ],
)
def test_what_is_not_there_is_not_answered(
    xero: FakeXero, method: str, path: str, status: int
) -> None:
    assert plain(xero, method, path, content=b"{}").status_code == status


def test_elsewhere_there_is_nothing(xero: FakeXero) -> None:
    assert xero.answer("GET", "/api.xro/1.0/Invoices", "", {}, b"").status_code == 404


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"{}", b'{"Invoices":[]}', b'{"Invoices":[1]}'])
def test_a_body_that_is_none_is_refused(xero: FakeXero, body: bytes) -> None:
    assert plain(xero, "PUT", "Invoices", content=body).status_code == 400


def test_who_does_not_ask_for_json_gets_xml(xero: FakeXero) -> None:
    answer = plain(xero, "GET", "Organisation", headers={"Accept": "*/*"})

    assert answer.headers["content-type"].startswith("text/xml")


def test_a_document_is_printed_for_who_asks_for_a_pdf(
    xero: FakeXero, call: Caller, contact: str
) -> None:
    id_ = call.make("Invoices", invoice(contact))["InvoiceID"]

    printed = plain(xero, "GET", f"Invoices/{id_}/pdf", headers={"Accept": "application/pdf"})

    assert printed.content.startswith(b"%PDF-1.4")
    assert b"uk-1" in printed.content
    assert call.get(f"Invoices/{id_}/pdf").status_code == 406
    (link,) = call.get(f"Invoices/{id_}/OnlineInvoice").json()["OnlineInvoices"]
    assert id_ in link["OnlineInvoiceUrl"]


def test_notes_are_kept_with_a_document(xero: FakeXero, call: Caller, contact: str) -> None:
    path = f"Invoices/{call.make('Invoices', invoice(contact))['InvoiceID']}/History"

    call.write("PUT", path, {"HistoryRecords": [{"Details": "Shipped with RM1"}]})

    (note,) = call.get(path).json()["HistoryRecords"]
    assert note["Details"] == "Shipped with RM1"
    assert plain(xero, "PUT", path, json={"HistoryRecords": [{}]}).status_code == 400


# --- limits -----------------------------------------------------------------------------


@pytest.fixture
def limited(clock: Clock) -> FakeXero:
    xero = furnished(clock)
    xero.limits = Limits(per_minute=2, per_day=3, enforced=True)
    return xero


def test_every_answer_tells_what_is_left(call: Caller) -> None:
    call.get("Organisation")

    headers = call.get("Items").headers

    assert headers["X-MinLimit-Remaining"] == "58"
    assert headers["X-DayLimit-Remaining"] == "4998"
    assert headers["X-AppMinLimit-Remaining"] == "9998"


def test_a_minute_and_a_day_end(limited: FakeXero, clock: Clock) -> None:
    call = Caller(limited)
    for _ in range(2):
        assert call.get("Organisation").status_code == 200
    minute = call.get("Organisation")
    clock.now += dt.timedelta(seconds=61)
    after = call.get("Organisation").status_code
    clock.now += dt.timedelta(seconds=61)
    day = call.get("Organisation")
    clock.now += dt.timedelta(seconds=int(day.headers["Retry-After"]))

    assert minute.status_code == 429
    assert minute.headers["X-Rate-Limit-Problem"] == "minute"
    assert 0 < int(minute.headers["Retry-After"]) <= 60
    assert after == 200
    assert day.headers["X-Rate-Limit-Problem"] == "day"
    assert call.get("Organisation").status_code == 200


def test_a_sixth_call_at_once_is_refused(xero: FakeXero) -> None:
    xero.limits = Limits(enforced=True)
    let_go, there = threading.Event(), threading.Barrier(6)

    def wait(_: str) -> None:
        there.wait(10)
        let_go.wait(10)

    xero.hook = wait
    threads = [threading.Thread(target=Caller(xero).get, args=("Items",)) for _ in range(5)]
    for each in threads:
        each.start()
    there.wait(10)
    sixth = Caller(xero).get("Items")
    let_go.set()
    for each in threads:
        each.join(10)

    assert sixth.status_code == 429
    assert sixth.headers["X-Rate-Limit-Problem"] == "concurrent"
    assert "Retry-After" not in sixth.headers
    assert xero.limits.most_at_once == 5
    xero.hook = lambda _: None
    assert Caller(xero).get("Items").status_code == 200


# --- once only --------------------------------------------------------------------------


def test_a_key_is_answered_as_the_first_time(call: Caller, xero: FakeXero, contact: str) -> None:
    first = call.write("PUT", "Invoices", {"Invoices": [invoice(contact)]}, key="uk-1")
    again = call.write("PUT", "Invoices", {"Invoices": [invoice(contact)]}, key="uk-1")

    assert first.json() == again.json()
    assert len(call.rows("Invoices")) == 1
    assert xero.calls["PUT Invoices"] == 2


def test_a_key_is_forgotten_in_the_end(call: Caller, clock: Clock, contact: str) -> None:
    id_ = call.make("Invoices", invoice(contact))["InvoiceID"]
    body = {"Payments": [payment(Invoice={"InvoiceID": id_}, Amount=1.0)]}
    call.write("PUT", "Payments", body, key="p")
    call.write("PUT", "Payments", body, key="p")
    kept = len(call.rows("Payments"))
    clock.now += dt.timedelta(minutes=5)

    call.write("PUT", "Payments", body, key="p")

    assert (kept, len(call.rows("Payments"))) == (1, 2)


def test_a_key_may_not_be_kept_at_all(call: Caller, xero: FakeXero, contact: str) -> None:
    xero.retention = dt.timedelta(0)
    id_ = call.make("Invoices", invoice(contact))["InvoiceID"]

    for _ in range(2):
        given = payment(Invoice={"InvoiceID": id_}, Amount=1.0)
        call.write("PUT", "Payments", {"Payments": [given]}, key="p")

    assert len(call.rows("Payments")) == 2


def test_a_key_is_of_one_content(call: Caller, contact: str) -> None:
    call.write("PUT", "Invoices", {"Invoices": [invoice(contact)]}, key="k")

    other = {"Invoices": [invoice(contact, InvoiceNumber="uk-2")]}
    assert call.write("PUT", "Invoices", other, key="k").status_code == 400


def test_what_was_refused_is_tried_again_under_its_key(
    call: Caller, desk: Desk, contact: str
) -> None:
    body = {"Invoices": [invoice(contact, LineItems=[line(AccountCode="4400")])]}
    first = call.write("PUT", "Invoices", body, key="k").status_code
    desk.add_account("4400", "More sales")

    assert (first, call.write("PUT", "Invoices", body, key="k").status_code) == (400, 200)


def test_a_long_key_is_refused(xero: FakeXero) -> None:
    headers = {"Idempotency-Key": "k" * 129}
    body = {"Contacts": [{"Name": "Ann"}]}

    assert plain(xero, "PUT", "Contacts", json=body, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(faults.too_many("minute", 30), id="429 with a time"),
        pytest.param(faults.too_many("concurrent"), id="429 without"),
        pytest.param(faults.offline(), id="503"),
        pytest.param(faults.broken(), id="500 in HTML"),
        pytest.param(faults.in_xml(), id="200 in XML"),
    ],
)
@pytest.mark.parametrize("when", ["hook", "after"])
def test_a_fault_comes_before_or_after_the_effect(
    call: Caller, xero: FakeXero, when: str, answer: httpx.Response
) -> None:
    setattr(xero, when, lambda each: answer if each == "PUT Contacts" else None)

    told = call.write("PUT", "Contacts", {"Contacts": [{"Name": "Ann"}]})

    assert told.status_code == answer.status_code
    assert len(call.rows("Contacts")) == (when == "after")


# --- several at once --------------------------------------------------------------------


def test_one_that_is_refused_refuses_all(call: Caller) -> None:
    body = {"Contacts": [{"Name": "Ann"}, {"Name": "Bo", "EmailAddress": "no"}]}

    answer = call.write("PUT", "Contacts", body)

    assert answer.status_code == 400
    assert [each["Name"] for each in answer.json()["Elements"]] == ["Bo"]
    assert call.rows("Contacts") == []


def test_one_by_one_each_says_how_it_went(call: Caller) -> None:
    body = {"Contacts": [{"Name": "Ann"}, {"Name": "Bo", "EmailAddress": "no"}, {"Name": "Cy"}]}

    answer = call.write("PUT", "Contacts", body, summarizeErrors="false")

    told = [(each["Name"], each["StatusAttributeString"]) for each in answer.json()["Contacts"]]
    assert (answer.status_code, told) == (200, [("Ann", "OK"), ("Bo", "ERROR"), ("Cy", "OK")])
    assert answer.json()["Contacts"][1]["HasValidationErrors"] is True
    assert [each["Name"] for each in call.rows("Contacts")] == ["Ann", "Cy"]


# --- lists ------------------------------------------------------------------------------


@pytest.fixture
def three(call: Caller, clock: Clock, contact: str) -> list[str]:
    """Invoices, a second apart: a draft, an open one, a paid one."""
    found = []
    for number, status in (("uk-1", "DRAFT"), ("uk-2", "AUTHORISED"), ("uk-3", "AUTHORISED")):
        clock.moment()
        given = invoice(contact, InvoiceNumber=number, Status=status, Reference=f"PO {number}")
        found.append(call.make("Invoices", given)["InvoiceID"])
    call.make("Payments", payment(Invoice={"InvoiceID": found[2]}, Reference="pi_3"))
    return found


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ('InvoiceNumber=="uk-2"', [1]),
        ('Reference=="PO uk-1" OR Reference=="PO uk-3"', [0, 2]),
        ('Type=="ACCREC" AND Status=="PAID"', [2]),
        ('Type=="ACCREC"&&Status!="PAID"', [0, 1]),
        ("AmountDue>0", [1]),
        ("Date>=DateTime(2026,11,05) AND Date<DateTime(2026, 11, 6)", [0, 1, 2]),
        ("Date>DateTime(2026,11,05)", []),
        ('InvoiceNumber=="uk-1 AND uk-2"', []),
        ('Contact.Name.ToLower()=="ann bee"', [0, 1, 2]),
        ('Contact.Name=="ann bee"', []),
        ("DueDate==null", []),
        ('InvoiceNumber.StartsWith("UK-") AND Status=="DRAFT"', [0]),
    ],
)
def test_a_list_is_filtered(
    call: Caller, three: list[str], where: str, expected: list[int]
) -> None:
    found = [row["InvoiceID"] for row in call.rows("Invoices", where=where)]

    assert found == [three[n] for n in expected]


@pytest.mark.parametrize(
    "where",
    [
        "Nonsense",
        'Colour=="red"',
        'InvoiceNumber.EndsWith("1")',
        f'InvoiceID=="{NOBODY}"',
        '(Status=="PAID")',
        "InvoiceNumber==uk-1",
    ],
)
def test_a_filter_that_is_not_stood_in_for_is_refused(call: Caller, where: str) -> None:
    answer = call.get("Invoices", where=where)

    assert (answer.status_code, answer.json()["Type"]) == (400, "QueryParseException")


def test_payments_are_found_by_their_invoice(call: Caller, three: list[str]) -> None:
    def found(n: int) -> list[str]:
        where = f'Status=="AUTHORISED" AND Invoice.InvoiceID==guid("{three[n]}")'
        return [row["Reference"] for row in call.rows("Payments", where=where)]

    assert (found(1), found(2)) == ([], ["pi_3"])


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"InvoiceNumbers": "uk-1,uk-3"}, [0, 2]),
        ({"Statuses": "PAID,DRAFT"}, [0, 2]),
        ({"ContactIDs": NOBODY}, []),
        ({"searchTerm": "po UK-2"}, [1]),
        ({"order": "InvoiceNumber DESC"}, [2, 1, 0]),
        ({"order": "UpdatedDateUTC ASC", "page": 2, "pageSize": 2}, [2]),
    ],
)
def test_a_list_is_chosen_and_ordered(
    call: Caller, three: list[str], params: dict[str, Any], expected: list[int]
) -> None:
    found = [row["InvoiceID"] for row in call.rows("Invoices", **params)]

    assert found == [three[n] for n in expected]


@pytest.mark.parametrize("order", ["Colour", "Date UP"])
def test_an_order_that_is_not_stood_in_for_is_refused(call: Caller, order: str) -> None:
    assert call.get("Invoices", order=order).status_code == 400


def test_lines_come_with_pages_and_by_themselves(call: Caller, three: list[str]) -> None:
    def lines(rows: list[dict[str, Any]]) -> list[int]:
        return [len(row.get("LineItems", [])) for row in rows]

    assert lines(call.rows("Invoices")) == [0, 0, 0]
    assert lines(call.rows("Invoices", page=1)) == [1, 1, 1]
    assert lines(call.rows("Invoices", page=1, summaryOnly="true")) == [0, 0, 0]
    assert lines([call.one(f"Invoices/{three[0]}")]) == [1]


def test_a_page_says_how_many_there_are(call: Caller, three: list[str]) -> None:
    answer = call.get("Invoices", page=1, pageSize=2).json()

    assert len(answer["Invoices"]) < len(three)
    told = {"page": 1, "pageSize": 2, "pageCount": 2, "itemCount": 3}
    assert answer["pagination"] == told
    assert call.rows("Invoices", page=3, pageSize=2) == []


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (lambda desk, ids: None, []),
        (lambda desk, ids: desk.edit_invoice(ids[0], Reference="PO 9"), [0]),
        (lambda desk, ids: desk.pay(ids[1]), [1]),
        (lambda desk, ids: desk.credit(ids[1]), [1]),
        (lambda desk, ids: desk.void(ids[2]), [2]),
    ],
)
def test_only_what_changed_since_is_listed(
    call: Caller,
    desk: Desk,
    clock: Clock,
    three: list[str],
    change: Callable[[Desk, list[str]], object],
    seen: list[int],
) -> None:
    since = clock.moment()
    change(desk, three)

    found = {row["InvoiceID"] for row in call.rows("Invoices", since=since)}

    assert found == {three[n] for n in seen}


def test_what_is_new_may_be_listed_late(call: Caller, xero: FakeXero, clock: Clock) -> None:
    xero.api.lag = dt.timedelta(seconds=30)
    made = call.make("Contacts", {"Name": "Ann"})

    at_once = call.rows("Contacts", where='Name=="Ann"')
    assert call.one(f"Contacts/{made['ContactID']}")["Name"] == "Ann"
    clock.now += dt.timedelta(seconds=30)

    assert (at_once, len(call.rows("Contacts", where='Name=="Ann"'))) == ([], 1)


def test_dates_come_in_xeros_form(call: Caller, contact: str) -> None:
    made = only(call.write("PUT", "Invoices", {"Invoices": [invoice(contact)]}))

    midnight = int(dt.datetime.combine(DAY, dt.time(), dt.UTC).timestamp() * 1000)
    assert made["Date"] == f"/Date({midnight}+0000)/"
