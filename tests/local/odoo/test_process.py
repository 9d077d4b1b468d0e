"""The stand-in for Odoo as a process of its own, spoken to over a real connection."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from accord.erp.odoo.adapter import Odoo
from accord.errors import RejectedError, UnavailableError
from accord.local.odoo import Desk
from accord.local.odoo.desk import Furniture
from accord.local.odoo.process import OdooServer
from accord.model.documents import (
    DocumentLine,
    Kind,
    LineTax,
    PartyDocument,
    Record,
    SalesDocument,
    State,
)
from accord.model.money import Money
from accord.model.party import Address, Party


@pytest.fixture(scope="module", params=[17, 19])
def server(request: pytest.FixtureRequest) -> Iterator[OdooServer]:
    with OdooServer(release=request.param) as server:
        taxes = {"VAT 20%": Decimal(20)}
        Desk(server).furnish(Furniture(taxes=taxes, items=["MUG"], services=["SHIPPING"]))
        yield server


@pytest.fixture
def erp(server: OdooServer) -> Odoo:
    return Odoo.connect(server.connection(timeout="5"))


def sold(erp: Odoo, key: str) -> Record:
    """A confirmed order of one mug."""
    home = Address(name="Maria Jones", street="1 High Street", city="Leeds", country="GB")
    who = Party("Maria Jones", "", f"{key}@x.example", "", "", None, home, home)
    party = erp.create(PartyDocument(who), key=key)
    tax = LineTax("VAT 20%", Money(Decimal(2), "GBP"))
    document = SalesDocument(
        number=key,
        party=party.ref,
        billing_address=party.addresses[0][1],
        shipping_address=party.addresses[0][1],
        currency="GBP",
        placed_on=dt.date(2026, 11, 22),
        lines=(DocumentLine("A mug", Decimal(1), Money(Decimal(10), "GBP"), "MUG", None, (tax,)),),
        total=Money(Decimal(12), "GBP"),
    )
    return erp.advance(erp.create(document, key=key), State.CONFIRMED)


def test_an_order_is_made_and_shipped_over_the_wire(server: OdooServer, erp: Odoo) -> None:
    made = sold(erp, "uk-1")
    Desk(server).ship(int(made.ref.id), tracking="RM1")

    progress = erp.progress(made.ref)

    assert progress is not None
    assert (progress.shipped, progress.shipments[0].tracking) == ("all", "RM1")
    (sale,) = (each for each in server.sales() if each["key"] == "uk-1")
    assert (sale["state"], sale["gross"], sale["tax"]) == ("confirmed", "12.00", "2.00")


def test_an_answer_that_is_lost_leaves_one_order(server: OdooServer, erp: Odoo) -> None:
    sold(erp, "uk-2")  # so that what it must know beforehand is known
    server.plan(rate=1.0, kinds=["503_after"], only="action_confirm")
    with pytest.raises(UnavailableError):
        sold(erp, "uk-3")
    server.plan()

    (found,) = erp.find(Kind.SALES_ORDER, "uk-3")
    assert found.state is State.CONFIRMED
    assert server.calls()["faults"] == {"503_after": 1}


def test_who_is_refused_at_the_desk_is_told_why(server: OdooServer) -> None:
    with pytest.raises(RejectedError, match=r"no\.such doesn't exist"):
        server.call("no.such", "read", [1])


@pytest.mark.parametrize(("method", "path"), [("GET", "/jsonrpc"), ("POST", "/web")])
def test_other_addresses_are_not_there(server: OdooServer, method: str, path: str) -> None:
    answer = httpx.request(method, f"{server.url}{path}", json={}, trust_env=False)

    assert answer.status_code in {404, 405}


def test_it_ends_with_its_starter() -> None:
    with OdooServer() as server:
        url = server.url

    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{url}/jsonrpc", json={}, trust_env=False)
