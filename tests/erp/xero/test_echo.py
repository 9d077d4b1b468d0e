"""What we wrote in Xero comes back with the next look, and costs no message."""

import datetime as dt
from collections import Counter

from accord.local.offices.xero import XeroOffice
from accord.model.documents import State
from tests.sync.conftest import START, config

BUYER = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}


def office(**flows: str) -> XeroOffice:
    quiet = dict.fromkeys(("fulfilment", "invoices", "customers"), "off")
    tables = {"flows": {**quiet, "orders": "on", "erp_changes": "on", **flows}}
    world = XeroOffice([], START, config(**tables))
    world.desk.add_items(["MUG"], price=10, on_hand=20)
    return world


def minutes(world: XeroOffice, count: int) -> Counter[str]:
    """What is asked of Xero in so many minutes."""
    world.xero.calls.clear()
    world.drain_until(world.clock() + count * dt.timedelta(minutes=1))
    return world.xero.calls


def test_an_order_of_ours_is_no_change_made_in_the_back_office() -> None:
    world = office()
    world.store.sell({"MUG": 2}, billing=BUYER)
    minutes(world, 1)
    assert [each.state for each in world.sold()] == [State.CONFIRMED]

    looks = minutes(world, 10)

    # Orders, and invoices with their credit notes. Nobody reads the order itself again.
    assert looks == {"GET Invoices": 2 * 10, "GET CreditNotes": 10}


def test_an_invoice_that_is_told_to_the_shopper_is_read_once() -> None:
    world = office(invoices="on")
    world.store.sell({"MUG": 2}, billing=BUYER)
    minutes(world, 2)

    looks = minutes(world, 10)

    assert looks == {"GET Invoices": 2 * 10, "GET CreditNotes": 10}


def test_what_a_person_voids_is_read_and_told() -> None:
    world = office()
    world.store.sell({"MUG": 2}, billing=BUYER)
    minutes(world, 10)
    (row,) = world.desk.rows("Invoices")
    world.desk.void(row["InvoiceID"])

    looks = minutes(world, 10)

    assert looks["GET Invoices"] > 2 * 10
    assert [item.reason for item in world.attention.open()] != []
