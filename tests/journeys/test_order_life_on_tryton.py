"""An order's life on a real Tryton, through the whole local stack: a signed delivery goes in, both sides
say the same after it.

What a back office must do alike, and needs no stack, is in ``test_order_life``.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from accord.local.tryton.names import JOURNAL
from accord.model.documents import State
from tests.journeys.town import MUG, REVERSE, SEAT, WIDGET, Town, configured, reworded

pytestmark = [pytest.mark.tryton, pytest.mark.slow]

BOOKED = ("posted", "paid")  # and paid once the money out is set against it
COD = {"payment_method": "cod", "payment_method_title": "Cash on delivery"}  # not recorded by us
GERMAN = {
    "company": "Werkzeug GmbH",
    "address_1": "Hauptstraße 5",
    "city": "Berlin",
    "postcode": "10115",
    "country": "DE",
    "phone": "030 123456",
}


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    rule = {"when": {"country": ["DE"], "vat_number": True, "rate": ["none"]}, "code": REVERSE}
    config = configured(invoices={"link": True}, mappings={"tax_rules": [rule]})
    with Town.open(config, tmp_path_factory.mktemp("life")) as running:
        yield running


@pytest.fixture
def town(everyone: Town) -> Town:
    everyone.begin()
    return everyone


def noted(town: Town, order: str, text: str) -> bool:
    """Whether exactly one of the order's notes begins so."""
    return [note.startswith(text) for note in town.front.notes(order)].count(True) == 1


def total(document: dict[str, Any]) -> Decimal:
    return Decimal(document["total"])


def states(row: dict[str, Any], part: str) -> list[str]:
    return [each["state"] for each in row[f"{part}."]]


def gross(town: Town, order: str, generation: int = 1) -> Decimal:
    totals = town.sale(order, generation).totals
    assert totals is not None
    return totals.gross.amount


# --- placed, paid -----------------------------------------------------------------


def test_an_order_on_hold_is_a_quotation(town: Town) -> None:
    order = town.ordered()
    town.settled()

    row = town.row(order)
    assert (row["state"], row["shipments."], row["invoices."]) == ("quotation", [], [])
    assert row["total_amount"] == gross(town, order) == total(town.front.get(order))
    assert town.sale(order).state is State.QUOTATION
    assert town.money(order) == []
    assert noted(town, order, f"Quotation {row['number']} in main")
    assert town.asked() == []


def test_a_paid_order_is_confirmed_and_its_money_is_on_the_journal(town: Town) -> None:
    order = town.ordered()
    town.front.pay(order)
    town.settled()

    paid = total(town.front.get(order))
    row = town.row(order)
    assert (row["state"], town.sale(order).state) == ("processing", State.CONFIRMED)
    assert (states(row, "shipments"), states(row, "invoices")) == (["waiting"], ["draft"])
    assert town.money(order) == [(JOURNAL, paid, Decimal(0))]
    assert noted(town, order, f"Sales order {row['number']} in main")
    assert town.asked() == []


# --- edited -------------------------------------------------------------------------


def test_an_edited_quotation_is_amended_under_its_number(town: Town) -> None:
    order = town.ordered()
    number = town.row(order)["number"]
    line = town.front.get(order)["line_items"][0]["id"]

    edited = town.changed(order, line_items=[{"id": line, "quantity": 4, "total": "21.00"}])
    town.settled()

    (only,) = town.sales(order)
    row = town.row(order)
    assert (only.state, row["number"]) == (State.QUOTATION, number)
    assert row["total_amount"] == total(edited)
    assert row["tax_amount"] == Decimal(edited["total_tax"])
    assert [each["quantity"] for each in row["lines."]] == [4.0, 1.0]
    assert town.asked() == []


def test_an_order_edited_after_it_was_confirmed_is_made_anew(town: Town) -> None:
    order = town.ordered(status="processing", **COD)
    line = town.front.get(order)["line_items"][0]["id"]

    edited = town.changed(order, line_items=[{"id": line, "quantity": 3, "total": "15.75"}])
    town.settled()

    assert [each.state for each in town.sales(order)] == [State.VOIDED, State.CONFIRMED]
    first, second = town.row(order), town.row(order, 2)
    assert set(states(first, "shipments")) == set(states(first, "invoices")) == {"cancelled"}
    assert (second["state"], second["total_amount"]) == ("processing", total(edited))
    assert (states(second, "shipments"), states(second, "invoices")) == (["waiting"], ["draft"])
    assert noted(town, order, f"Sales order {second['number']} in main")
    assert town.asked() == []


# --- cancelled ------------------------------------------------------------------------


def test_a_cancelled_order_is_cancelled_with_shipment_and_invoice(town: Town) -> None:
    order = town.ordered(status="processing", **COD)

    town.changed(order, status="cancelled")
    town.settled()

    row = town.row(order)
    assert [each.state for each in town.sales(order)] == [State.VOIDED]
    assert set(states(row, "shipments")) == set(states(row, "invoices")) == {"cancelled"}
    assert town.front.get(order)["status"] == "cancelled"
    assert noted(town, order, f"Sales order {row['number']} cancelled in main")
    assert town.asked() == []


# --- refunded ---------------------------------------------------------------------------


def test_a_line_refunded_before_invoicing_is_credited_to_the_cent(town: Town) -> None:
    order = town.paid({MUG: 2, SEAT: 1})
    refund = town.refunded(order, {MUG: 1})
    town.settled()

    (note,) = town.notes(order, refund)
    assert (note["state"], note["tax_amount"]) == ("paid", Decimal("-1.05"))
    assert note["total_amount"] == Decimal("-6.30")
    assert [(each["product."]["code"], each["quantity"]) for each in note["lines."]] == [
        (MUG, -1.0)
    ]
    assert town.money(order)[1:] == [(JOURNAL, Decimal(0), Decimal("6.30"))]
    assert any(note["number"] in text for text in town.front.notes(order))
    assert town.asked() == []


def test_a_line_refunded_after_invoicing_is_credited_against_its_invoice(town: Town) -> None:
    order = town.paid({MUG: 2, SEAT: 2})
    number = town.desk.post_invoice(f"uk-{order}")
    town.settled()
    refund = town.refunded(order, {MUG: 1, SEAT: 1})
    town.settled()

    (note,) = town.notes(order, refund)
    lines = {each["product."]["code"]: each for each in note["lines."]}
    assert note["state"] in BOOKED
    assert {code: each["amount"] for code, each in lines.items()} == {
        MUG: Decimal("-5.25"),
        SEAT: Decimal("-89.00"),
    }
    assert [tax["name"] for tax in lines[SEAT]["taxes."]] == ["VAT 5%"]
    assert (note["tax_amount"], note["total_amount"]) == (Decimal("-5.50"), Decimal("-99.75"))
    origins = [int(each["origin"].partition(",")[2]) for each in lines.values()]
    credited = town.rows("account.invoice.line", [["id", "in", origins]], "invoice.number")
    assert {each["invoice."]["number"] for each in credited} == {number}
    assert town.money(order)[1:] == [(JOURNAL, Decimal(0), Decimal("99.75"))]
    assert town.asked() == []


def test_an_amount_refunded_without_lines_is_credited_with_the_tax_in_it(town: Town) -> None:
    order = town.paid({MUG: 4})
    refund = town.refunded(order, amount="12.00")
    town.settled()

    (note,) = town.notes(order, refund)
    assert (note["untaxed_amount"], note["tax_amount"]) == (Decimal("-10.00"), Decimal("-2.00"))
    assert [each["product."]["code"] for each in note["lines."]] == ["MISC"]
    assert town.money(order)[1:] == [(JOURNAL, Decimal(0), Decimal("12.00"))]
    assert town.asked() == []


# --- shipped ------------------------------------------------------------------------------


def test_what_is_shipped_reaches_the_store_parcel_by_parcel(town: Town) -> None:
    order = town.paid({MUG: 2, WIDGET: 1})
    town.desk.ship(f"uk-{order}", {MUG: 1}, "TRACK-1")
    town.settled()

    part = town.front.get(order)
    assert (town.progress(order).shipped, part["status"]) == ("part", "processing")
    assert [each["tracking_number"] for each in tracking(part)] == ["TRACK-1"]

    town.desk.ship(f"uk-{order}", None, "TRACK-2")
    town.settled()

    whole = town.front.get(order)
    assert (town.progress(order).shipped, whole["status"]) == ("all", "completed")
    assert [
        (each["tracking_number"], each["custom_tracking_provider"]) for each in tracking(whole)
    ] == [("TRACK-1", "Fast Couriers"), ("TRACK-2", "Fast Couriers")]
    told = [text for text in town.front.notes(order) if text.startswith("Shipped on")]
    assert [re.findall(r"TRACK-\d", text) for text in told] == [["TRACK-1"], ["TRACK-2"]]
    assert states(town.row(order), "shipments") == ["done", "done"]
    assert town.asked() == []


def tracking(document: dict[str, Any]) -> list[dict[str, Any]]:
    (found,) = meta(document, "_wc_shipment_tracking_items")
    return list(found)


def meta(document: dict[str, Any], key: str) -> list[Any]:
    return [each["value"] for each in document["meta_data"] if each["key"] == key]


# --- invoiced -----------------------------------------------------------------------------


def test_a_posted_invoice_reaches_the_store_with_its_print(town: Town) -> None:
    order = town.paid()
    number = town.desk.post_invoice(f"uk-{order}")
    town.settled()

    assert meta(town.front.get(order), "_accord_invoice") == [number]
    (text,) = [text for text in town.front.notes(order) if text.startswith("Invoice ")]
    assert text.startswith(f"Invoice {number} of {total(town.front.get(order))} GBP")
    (url,) = re.findall(r"http://\S+/documents/\S+", text)
    assert url.startswith(f"{town.place.stack.url}/documents/")
    served = town.fetch(url)
    assert (served.status_code, len(served.content) > 1000) == (200, True)
    assert served.content == printed(town, order)

    assert town.documents.revoke(url.rpartition("/")[2])
    assert town.fetch(url).status_code == 404
    assert town.asked() == []


def printed(town: Town, order: str) -> bytes:
    (invoice,) = town.progress(order).invoices
    document = town.erp.document(invoice.ref)
    assert document is not None
    return document.data


# --- changed in the back office --------------------------------------------------------------


def test_an_order_credited_by_hand_in_tryton_is_a_persons_turn(town: Town) -> None:
    order = town.paid()
    town.desk.post_invoice(f"uk-{order}")
    number = town.desk.credit(f"uk-{order}", {MUG: 1})
    town.settled()

    (item,) = town.items()
    assert (item.reason, item.owner) == ("credited_in_erp", "finance")
    assert number in item.message
    assert town.front.refunds(order) == []
    assert len(town.money(order)) == 1


# --- businesses -----------------------------------------------------------------------------


def test_a_business_is_named_with_its_vat_number_and_its_order(town: Town) -> None:
    billing = town.shopper(company="Engines Ltd")
    fields = [
        {"key": "_billing_vat_number", "value": "GB980780684"},
        {"key": "po_number", "value": "PO-7781"},
    ]
    order = town.paid(billing=billing, meta_data=fields)
    town.settled()

    (row,) = town.rows(
        "sale.sale",
        [["web_id", "=", f"uk-{order}"]],
        *("comment", "party.name", "party.identifiers.code", "party.identifiers.type"),
        "invoice_address.attn",
    )
    assert row["party."]["name"] == "Engines Ltd"
    (number,) = row["party."]["identifiers."]
    assert (number["type"], number["code"]) == ("gb_vat", "980 7806 84")
    assert row["invoice_address."]["attn"] == f"Ada {billing['last_name']}"
    assert "PO-7781" in row["comment"]
    assert town.asked() == []


def test_a_german_business_owes_the_tax_itself(town: Town) -> None:
    billing = town.shopper(**GERMAN)
    order = town.paid(
        {SEAT: 2},  # in the class that the store taxes in no other country
        billing=billing,
        shipping={name: text for name, text in billing.items() if name != "email"},
        shipping_lines=[],
        meta_data=[{"key": "_billing_vat_number", "value": "DE136695976"}],
    )
    town.settled()

    row = town.row(order)
    assert [[tax["name"] for tax in line["taxes."]] for line in row["lines."]] == [[REVERSE]]
    assert (row["tax_amount"], row["total_amount"]) == (Decimal(0), Decimal("178.00"))
    assert town.asked() == []


# --- the same again ---------------------------------------------------------------------------


def test_every_delivery_of_a_life_told_again_changes_nothing(town: Town) -> None:
    """Once as it was, which the queue knows, and once as text that nobody has seen."""
    customer = town.account()
    first = len(town.told.deliveries)
    order = town.ordered({MUG: 3}, customer_id=int(customer))
    line = town.front.get(order)["line_items"][0]["id"]
    town.changed(order, line_items=[{"id": line, "quantity": 4, "total": "21.00"}])
    town.front.pay(order)
    town.settled()
    town.desk.ship(f"uk-{order}", None, "TRACK-9")
    town.desk.post_invoice(f"uk-{order}")
    town.settled()
    town.refunded(order, {MUG: 1})
    town.edited(customer, billing={"phone": "020 7946 2222"})
    town.settled()
    before, told = town.everything(), town.told.deliveries[first:]
    handled = town.handled

    for again in (*told, *map(reworded, told)):
        assert town.post_again(again) == 200
    town.settled()

    assert town.handled - handled >= len(told) >= 6
    assert town.everything() == before
