"""Accounts of the store and parties of a real Tryton, kept alike both ways."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.journeys.town import Town, configured

pytestmark = [pytest.mark.tryton, pytest.mark.slow]


@pytest.fixture(scope="module")
def everyone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    config = configured(customers={"fields": {"phone": "ask"}})
    with Town.open(config, tmp_path_factory.mktemp("customers")) as running:
        yield running


@pytest.fixture
def town(everyone: Town) -> Town:
    everyone.begin()
    return everyone


def phones(party: dict[str, Any]) -> list[str]:
    """Digits only: Tryton writes numbers its own way."""
    return [
        "".join(filter(str.isdigit, each["value"])).removeprefix("44").lstrip("0")
        for each in party["contact_mechanisms."]
        if each["type"] == "phone"
    ]


def test_who_registers_becomes_a_party(town: Town) -> None:
    customer = town.account()
    town.settled()

    account, party = town.customer(customer), town.party(customer)
    assert party["name"] == f"Ada {account['last_name']}"
    assert [each["street"] for each in party["addresses."]] == ["12 Analytical Row"]
    assert account["email"] in {each["value"] for each in party["contact_mechanisms."]}
    assert town.asked() == []


def test_an_order_of_an_account_is_of_its_party(town: Town) -> None:
    customer = town.account()
    billing = town.customer(customer)["billing"]
    order = town.paid(customer_id=int(customer), billing=billing)
    town.settled()

    (sale,) = town.rows("sale.sale", [["web_id", "=", f"uk-{order}"]], "party.code")
    assert sale["party."]["code"] == town.party(customer)["code"]
    assert town.asked() == []


def test_what_is_edited_in_the_store_is_in_tryton(town: Town) -> None:
    customer = town.account()
    town.edited(customer, billing={"phone": "020 7946 2222", "address_1": "1 New Street"})
    edited = town.customer(customer)
    town.settled()

    party = town.party(customer)
    assert phones(party) == ["2079462222"]
    assert "1 New Street" in [each["street"] for each in party["addresses."]]
    assert town.customer(customer) == edited
    assert town.asked() == []


def test_what_is_edited_in_tryton_is_in_the_store(town: Town) -> None:
    customer = town.account()
    town.settled()
    code = town.party(customer)["code"]
    town.desk.edit_party(code, phone="020 7946 3333", street="9 Ledger Lane", city="York")
    edited = town.party(customer)
    town.settled()

    billing = town.customer(customer)["billing"]
    assert (billing["address_1"], billing["city"]) == ("9 Ledger Lane", "York")
    assert billing["phone"].replace(" ", "").endswith("2079463333")
    assert town.party(customer) == edited
    assert town.asked() == []


@pytest.mark.parametrize(("take", "kept"), [("store", "2079464444"), ("erp", "2079465555")])
def test_the_same_field_edited_on_both_sides_is_a_persons_choice(
    town: Town, take: str, kept: str
) -> None:
    customer = town.account()
    town.settled()
    town.desk.edit_party(town.party(customer)["code"], phone="020 7946 5555")
    town.edited(customer, billing={"phone": "020 7946 4444"})
    town.settled()
    assert town.asked() == [("conflict", "commerce")]
    assert phones(town.party(customer)) == ["2079465555"]
    assert town.customer(customer)["billing"]["phone"] == "020 7946 4444"

    town.resolve(town.items()[0], take)

    phone = "".join(filter(str.isdigit, town.customer(customer)["billing"]["phone"]))
    assert phones(town.party(customer)) == [kept]
    assert phone.endswith(kept)
    assert town.asked() == []


def test_a_deleted_account_leaves_an_archived_party(town: Town) -> None:
    customer = town.account()
    town.settled()
    town.front.rest("DELETE", f"customers/{customer}?force=true")
    town.settled()

    party = town.party(customer)
    assert (party["active"], bool(party["name"])) == (False, True)
    assert town.asked() == []
