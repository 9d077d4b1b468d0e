"""The stand-in for Xero as a process of its own, spoken to over a real connection."""

from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from accord.erp.xero.client import Client
from accord.errors import RejectedError, UnauthorizedError, UnavailableError
from accord.http import http_client
from accord.local.xero import Desk
from accord.local.xero.desk import Furniture
from accord.local.xero.process import Held, XeroServer


@pytest.fixture(scope="module")
def server() -> Iterator[XeroServer]:
    with XeroServer() as server:
        taxes = {"OUTPUT2": Decimal(20)}
        Desk(server).furnish(Furniture(taxes=taxes, items=["MUG"], services=["SHIPPING"]))
        yield server


def calling(server: XeroServer, token: str = XeroServer.token) -> Client:
    http = http_client(server.url, timeout=10, allow_private=True)
    return Client(http, connection="main", tokens=Held(token, server.tenant))


def invoice(contact: str, number: str) -> dict[str, object]:
    line = {"ItemCode": "MUG", "Quantity": 2, "UnitAmount": Decimal("10.0049")}
    return {
        "Type": "ACCREC",
        "Contact": {"ContactID": contact},
        "Date": "2026-11-05",
        "DueDate": "2026-11-19",
        "InvoiceNumber": number,
        "LineAmountTypes": "Exclusive",
        "Status": "AUTHORISED",
        "LineItems": [{**line, "TaxType": "OUTPUT2"}],
    }


def test_an_invoice_is_made_and_paid_over_the_wire(server: XeroServer) -> None:
    client, desk = calling(server), Desk(server)
    contact = desk.add_contact("Ann Bee")

    body = {"Invoices": [invoice(contact, "uk-1")]}
    made = client.put("Invoices", body, key="uk-1", params={"unitdp": 4})["Invoices"][0]
    desk.pay(made["InvoiceID"], amount=Decimal("4.01"))

    (held,) = client.pages("Invoices", "Invoices", params={"InvoiceNumbers": "uk-1"})
    assert (held["Total"], held["AmountDue"]) == (Decimal("24.01"), Decimal(20))
    (sale,) = server.sales()
    told = (sale["key"], sale["state"], sale["gross"], sale["tax"], sale["payments"])
    assert told == ("uk-1", "confirmed", "24.01", "4.00", 1)


def test_an_answer_that_is_lost_leaves_one_invoice(server: XeroServer) -> None:
    client = calling(server)
    body = {"Invoices": [invoice(Desk(server).add_contact("Bo"), "uk-2")]}

    server.plan(rate=1.0, kinds=["503_after"], only="Invoices")
    with pytest.raises(UnavailableError):
        client.put("Invoices", body, key="uk-2")
    faults = server.calls()["faults"]
    server.plan()
    client.put("Invoices", body, key="uk-2")

    assert len(client.pages("Invoices", "Invoices", params={"InvoiceNumbers": "uk-2"})) == 1
    assert faults == {"503_after": 1}


def test_a_printed_invoice_comes_as_it_is(server: XeroServer) -> None:
    client, desk = calling(server), Desk(server)
    contact = desk.add_contact("Cy")
    id_ = desk.write_invoice(Contact={"ContactID": contact}, InvoiceNumber="uk-3", LineItems=[])

    assert client.pdf(f"Invoices/{id_}/pdf").startswith(b"%PDF-1.4")


def test_a_renewed_token_takes_the_place_of_the_old() -> None:
    with XeroServer() as server:
        Desk(server).furnish(Furniture())
        server.renew("another")

        with pytest.raises(UnauthorizedError):
            calling(server).get("Organisation")
        assert calling(server, "another").get("Organisation")["Organisations"]


def test_who_is_refused_at_the_desk_is_told_why(server: XeroServer) -> None:
    with pytest.raises(RejectedError, match="no such row in Items"):
        Desk(server).receive("NOSUCH", 1)


def test_nobody_else_opens_the_desk(server: XeroServer) -> None:
    answer = httpx.post(f"{server.url}/_desk", json={"hand": "rows"}, trust_env=False)

    assert answer.status_code == 404


def test_its_limits_are_refused_where_they_are_wanted() -> None:
    headers = {"Authorization": f"Bearer {XeroServer.token}", "xero-tenant-id": XeroServer.tenant}
    with XeroServer(limits=True) as server:
        url = f"{server.url}/api.xro/2.0/Items"
        with httpx.Client(headers=headers, trust_env=False) as http:
            statuses = {http.get(url).status_code for _ in range(61)}

    assert statuses == {200, 429}


def test_it_ends_with_its_starter() -> None:
    with XeroServer() as server:
        url = server.url

    with pytest.raises(httpx.ConnectError):
        httpx.get(url, trust_env=False)
