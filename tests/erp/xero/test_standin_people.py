"""The stand-in for Xero knows contacts and counts stock as Xero is known to do."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from accord.local.xero import Desk, FakeXero
from tests.erp.xero.caller import Caller, credit_note, invoice, line
from tests.erp.xero.conftest import Clock

TAKEN = (
    "The contact name {} is already assigned to another contact. The contact name must be unique "
    "across all active contacts."
)
ARCHIVED = (
    "The contact with the specified contact details has been archived. The contact must be "
    "un-archived before creating new invoices or credit notes."
)


@pytest.fixture
def call(xero: FakeXero) -> Caller:
    return Caller(xero)


# --- contacts ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Ann Bee", "ANN BEE", " Ann Bee "])
def test_a_name_is_taken_by_one_active_contact(call: Caller, desk: Desk, name: str) -> None:
    id_ = desk.add_contact("Ann Bee")

    reason = call.refused("PUT", "Contacts", {"Name": name})
    desk.archive_contact(id_)
    made = call.make("Contacts", {"Name": name})

    assert reason == TAKEN.format(name.strip())
    assert made["ContactID"] != id_
    back = {"Name": "Ann Bee", "ContactStatus": "ACTIVE"}
    assert call.refused("POST", f"Contacts/{id_}", back) == TAKEN.format("Ann Bee")


def test_a_post_with_a_known_name_changes_that_contact(call: Caller, desk: Desk) -> None:
    id_ = desk.add_contact("Ann Bee")

    changed = call.upsert("Contacts", {"Name": "Ann Bee", "ContactNumber": "WC-9"})

    assert (changed["ContactID"], changed["ContactNumber"]) == (id_, "WC-9")


def test_a_contact_is_read_by_its_number(call: Caller, desk: Desk) -> None:
    id_ = desk.add_contact("Ann Bee", ContactNumber="WC-9")

    assert call.one("Contacts/WC-9")["ContactID"] == id_
    assert call.get("Contacts/WC-8").status_code == 404
    again = {"Name": "Bo", "ContactNumber": "WC-9"}
    reason = "The contact number WC-9 is already assigned to another contact."
    assert call.refused("PUT", "Contacts", again) == reason


def test_an_address_takes_the_place_of_the_one_of_its_type(call: Caller) -> None:
    street = {"AddressType": "STREET", "City": "York", "Country": "United Kingdom"}
    box = {"AddressType": "POBOX", "City": "Leeds", "AddressLine1": "1 High Street"}
    id_ = call.make("Contacts", {"Name": "Ann Bee", "Addresses": [street, box]})["ContactID"]

    moved = {"AddressType": "POBOX", "City": "Hull"}
    changed = call.change("Contacts", id_, Addresses=[moved])

    told = {each["AddressType"]: each for each in changed["Addresses"]}
    assert (told["STREET"]["City"], told["POBOX"]["City"]) == ("York", "Hull")
    assert "AddressLine1" not in told["POBOX"]


def test_a_phone_takes_the_place_of_the_one_of_its_type(call: Caller) -> None:
    home, cell = ({"PhoneType": type_, "PhoneNumber": "1"} for type_ in ("DEFAULT", "MOBILE"))
    id_ = call.make("Contacts", {"Name": "Ann Bee", "Phones": [home, cell]})["ContactID"]

    changed = call.change("Contacts", id_, Phones=[{**cell, "PhoneNumber": "2"}])

    told = {each["PhoneType"]: each["PhoneNumber"] for each in changed["Phones"]}
    assert told == {"DEFAULT": "1", "DDI": "", "FAX": "", "MOBILE": "2"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ContactID": "00000000-0000-4000-8000-000000000000"}, "cannot be given"),
        ({"Phones": [{"PhoneType": "OFFICE", "PhoneNumber": "1"}]}, "PhoneType must be one of"),
        ({"EmailAddress": "müller@shopper.example"}, "is not valid"),
        ({"EmailAddress": "nobody"}, "is not valid"),
        (
            {"Addresses": [{"AddressType": "POBOX", "Country": "Côte d'Ivoire 2"}]},
            "must be letters only",
        ),
        ({"DefaultCurrency": "CHF"}, "not subscribed to currency CHF"),
    ],
)
def test_what_a_contact_cannot_say_is_refused(
    call: Caller, changes: dict[str, Any], reason: str
) -> None:
    assert reason in call.refused("PUT", "Contacts", {"Name": "Ann Bee", **changes})


def test_an_archived_contact_is_not_listed_and_not_billed(call: Caller, desk: Desk) -> None:
    id_ = desk.add_contact("Ann Bee")
    desk.archive_contact(id_)

    assert call.rows("Contacts") == []
    (shown,) = call.rows("Contacts", includeArchived="true")
    assert shown["ContactStatus"] == "ARCHIVED"
    assert call.one(f"Contacts/{id_}")["ContactStatus"] == "ARCHIVED"
    assert call.refused("PUT", "Invoices", invoice(id_)) == ARCHIVED


def test_a_merged_contact_says_into_which_and_its_invoices_follow(call: Caller, desk: Desk) -> None:
    one, other = desk.add_contact("Ann Bee"), desk.add_contact("Ann B")
    made = call.make("Invoices", invoice(one))

    desk.merge_contact(one, into=other)

    merged = call.one(f"Contacts/{one}")
    assert (merged["ContactStatus"], merged["MergedToContactID"]) == ("ARCHIVED", other)
    assert call.one(f"Invoices/{made['InvoiceID']}")["Contact"]["ContactID"] == other


def test_an_invoice_with_a_name_alone_makes_a_contact(call: Caller) -> None:
    call.make("Invoices", invoice("", Contact={"Name": "Somebody New"}))

    (made,) = call.rows("Contacts")
    assert (made["Name"], made["IsCustomer"]) == ("Somebody New", True)


# --- stock ------------------------------------------------------------------------------


@pytest.fixture
def cups(desk: Desk) -> str:
    """An item of which ten are there."""
    desk.add_items(["CUP"], price=3, tax="OUTPUT2", on_hand=10)
    return "CUP"


@pytest.fixture
def contact(desk: Desk) -> str:
    return desk.add_contact("Ann Bee")


def on_hand(call: Caller, code: str) -> float:
    (found,) = call.rows("Items", where=f'Code=="{code}"')
    return float(found["QuantityOnHand"])


def test_stock_moves_with_what_is_approved(call: Caller, cups: str, contact: str) -> None:
    lines = [line(ItemCode=cups, Quantity=3)]
    seen = []

    draft = call.make("Invoices", invoice(contact, Status="DRAFT", LineItems=lines))["InvoiceID"]
    seen.append(on_hand(call, cups))
    call.change("Invoices", draft, Status="AUTHORISED")
    seen.append(on_hand(call, cups))
    call.change("Invoices", draft, LineItems=[line(ItemCode=cups, Quantity=4)])
    seen.append(on_hand(call, cups))
    call.make("CreditNotes", credit_note(contact, LineItems=[line(ItemCode=cups, Quantity=1)]))
    seen.append(on_hand(call, cups))
    call.change("Invoices", draft, Status="VOIDED")
    seen.append(on_hand(call, cups))

    assert seen == [10, 7, 6, 7, 11]


def test_more_than_there_are_cannot_be_sold(call: Caller, cups: str, contact: str) -> None:
    lines = [line(ItemCode=cups, Quantity=6), line(ItemCode=cups, Quantity=5)]

    reason = call.refused("PUT", "Invoices", invoice(contact, LineItems=lines))

    assert reason == "The quantity on hand of item 'CUP' is 4, which is not enough to sell 5"
    assert on_hand(call, cups) == 10
    call.make("Invoices", invoice(contact, Status="DRAFT", LineItems=lines))


@pytest.mark.parametrize("touches", [False, True])
def test_a_stock_move_may_leave_the_items_moment_as_it_was(
    call: Caller, xero: FakeXero, clock: Clock, cups: str, contact: str, touches: bool
) -> None:
    xero.books.stock_touches_items = touches
    before = clock.moment()

    call.make("Invoices", invoice(contact, LineItems=[line(ItemCode=cups)]))

    assert bool(call.rows("Items", since=before)) is touches


def test_a_person_counts_and_receives(call: Caller, desk: Desk, cups: str) -> None:
    desk.receive(cups, "2.5")
    assert on_hand(call, cups) == 12.5
    desk.count(cups, 3)
    assert on_hand(call, cups) == 3


def test_an_item_that_is_not_tracked_tells_no_quantity(call: Caller, desk: Desk) -> None:
    (service,) = call.rows("Items", where='Code=="SHIPPING"')

    assert "QuantityOnHand" not in service
    with pytest.raises(ValueError, match="not tracked"):
        desk.receive("SHIPPING", 1)


def test_an_item_is_made_and_changed_with_four_decimals(call: Caller) -> None:
    sold = {"UnitPrice": 1.23456, "AccountCode": "200", "TaxType": "OUTPUT2"}

    made = call.make("Items", {"Code": "JUG", "Name": "A jug", "SalesDetails": sold}, unitdp=4)
    changed = call.change("Items", made["ItemID"], Code="JUG", SalesDetails={"UnitPrice": 2.0})

    assert made["SalesDetails"] == {**sold, "UnitPrice": 1.2346}
    assert changed["SalesDetails"] == {**sold, "UnitPrice": 2.0}
    reason = "Price List Item with Code 'JUG' already exists"
    assert call.refused("PUT", "Items", {"Code": "JUG"}) == reason


def test_an_item_is_tracked_once_it_has_an_account_for_what_it_is_worth(call: Caller) -> None:
    accounts = {"InventoryAssetAccountCode": "630", "PurchaseDetails": {"COGSAccountCode": "310"}}

    made = call.make("Items", {"Code": "JUG", **accounts})

    assert (made["IsTrackedAsInventory"], made["QuantityOnHand"]) == (True, 0.0)
    lacking = {"Code": "POT", "InventoryAssetAccountCode": "630"}
    assert "COGSAccountCode" in call.refused("PUT", "Items", lacking)
    wrong = {"Code": "POT", **accounts, "InventoryAssetAccountCode": "200"}
    assert "inventory asset account" in call.refused("PUT", "Items", wrong)


# --- what people do ---------------------------------------------------------------------


def test_what_a_person_makes_is_not_ours(call: Caller, desk: Desk, contact: str) -> None:
    ours = call.make("Invoices", invoice(contact))["InvoiceID"]
    theirs = desk.write_invoice(
        Contact={"ContactID": contact},
        DueDate="2026-11-30",
        Status="AUTHORISED",
        LineItems=[line(Quantity="1", UnitAmount="5.00")],
    )

    assert {row["InvoiceID"] for row in call.rows("Invoices")} == {ours, theirs}
    assert [row["InvoiceID"] for row in call.rows("Invoices", createdByMyApp="true")] == [ours]
    assert call.one(f"Invoices/{theirs}")["InvoiceNumber"] == "INV-0001"


def test_a_person_voids_what_was_paid_and_credited(call: Caller, desk: Desk, contact: str) -> None:
    id_ = call.make("Invoices", invoice(contact))["InvoiceID"]
    desk.pay(id_, amount=Decimal(4))
    note = desk.credit(id_)

    desk.void(id_)

    assert call.one(f"Invoices/{id_}")["Status"] == "VOIDED"
    assert call.one(f"CreditNotes/{note}")["RemainingCredit"] == 24.0


def test_a_person_is_told_why_it_cannot_be(desk: Desk, contact: str) -> None:
    desk.lock_until(dt.date(2099, 1, 1))
    id_ = desk.write_invoice(Contact={"ContactID": contact}, LineItems=[])

    with pytest.raises(ValueError, match="One or more line items must be specified"):
        desk.approve(id_)
    with pytest.raises(ValueError, match="nobody knows how to dance"):
        desk._do("dance")


def test_a_person_changes_what_there_is_to_book_on(call: Caller, desk: Desk, contact: str) -> None:
    desk.add_account("4400", "More sales", tax="OUTPUT2")
    desk.add_tax_rate("CAPEXOUTPUT", 15)
    desk.add_tracking("Region", ["North", "South"])
    where = [{"Name": "Region", "Option": "South"}]
    given = line(AccountCode="4400", TaxType="CAPEXOUTPUT", Tracking=where)
    made = call.make("Invoices", invoice(contact, LineItems=[given]))

    desk.archive_account("4400")
    no_account = call.refused(
        "PUT", "Invoices", invoice(contact, InvoiceNumber="uk-2", LineItems=[given])
    )
    desk.remove_tax_rate("OUTPUT2")
    no_rate = call.refused("PUT", "Invoices", invoice(contact, InvoiceNumber="uk-2"))

    assert made["TotalTax"] == 3.0
    assert no_account.startswith("Account code '4400' is not a valid code")
    assert no_rate.startswith("The TaxType code 'OUTPUT2' does not exist")
    (archived,) = call.rows("Accounts", where='Status=="ARCHIVED"')
    assert archived["Code"] == "4400"


def test_a_person_changes_the_organisation_and_its_items(
    call: Caller, desk: Desk, cups: str
) -> None:
    desk.set_organisation(DefaultSalesTax="Tax Inclusive")
    desk.lock_until(dt.date(2026, 11, 30))
    desk.edit_item(cups, Name="A cup", IsSold=False)
    desk.set_price(cups, Decimal("4.5"))

    (organisation,) = call.get("Organisation").json()["Organisations"]
    (cup,) = call.rows("Items", where="IsSold==false")

    assert organisation["DefaultSalesTax"] == "Tax Inclusive"
    assert organisation["PeriodLockDate"] == "/Date(1795996800000+0000)/"
    assert (cup["Name"], cup["SalesDetails"]["UnitPrice"]) == ("A cup", 4.5)
    desk.remove_item(cups)
    assert call.get(f"Items/{cup['ItemID']}").status_code == 404
    assert {row["Code"] for row in desk.rows("Items")} == {"MUG", "SHIPPING", "OTHER"}


def test_a_person_takes_a_payment_back_and_words_a_credit_note(
    call: Caller, desk: Desk, contact: str
) -> None:
    id_ = call.make("Invoices", invoice(contact))["InvoiceID"]
    desk.undo_payment(desk.pay(id_))
    note = desk.credit(id_, allocate=False)
    desk.edit_credit_note(note, Reference="Broken")

    assert [row["Status"] for row in desk.rows("Payments")] == ["DELETED"]
    assert call.one(f"Invoices/{id_}")["AmountDue"] == 24.0
    told = call.one(f"CreditNotes/{note}")
    assert (told["Reference"], told["RemainingCredit"]) == ("Broken", 24.0)
