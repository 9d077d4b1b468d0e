"""Who is somebody else: nobody gets another's party, and nobody's account another's data."""

import datetime as dt
from typing import Any

import pytest

from accord.errors import DisagreementError
from accord.model.change import Ref
from accord.model.documents import PartyDocument, SalesOrder
from accord.model.party import Address, Party
from accord.sync.fingerprint import natural_key
from accord.sync.parties import Known, tells_company
from tests.conftest import order_json
from tests.sync.shoppers import ADA, Shoppers, phone

MALLORY: dict[str, Any] = {
    "email": "mallory@example.com",
    "first_name": "Mal",
    "last_name": "Lory",
    "role": "customer",
    "billing": {"first_name": "Mal", "last_name": "Lory", "address_1": "1 Low Road"},
}
COLLEAGUE: dict[str, Any] = {
    "email": "charles@example.com",
    "first_name": "Charles",
    "last_name": "Babbage",
    "role": "customer",
    "billing": {**ADA["billing"], "first_name": "Charles", "last_name": "Babbage"},
    "meta_data": ADA["meta_data"],
}


def ordered(shoppers: Shoppers, account: str | None, email: str, *, doubted: bool = False) -> Known:
    """The party of an order that was placed with that e-mail address."""
    document = order_json("order_created_rich")
    document["customer_id"] = int(account or 0)
    document["billing"]["email"] = email
    document["meta_data"] = []
    order: SalesOrder = shoppers.store.order(document)
    until = shoppers.clock() + dt.timedelta(seconds=60)
    return shoppers.flow().parties.of(order, owner="o", until=until, doubted=doubted)


def two_accounts(shoppers: Shoppers) -> tuple[str, str]:
    """Ada's, whose first order made her party, and Mallory's, which ordered with her address."""
    ada = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    ordered(shoppers, ada, "ada@example.com")
    shoppers.settle()
    mallory = shoppers.store.add_customer(**MALLORY)
    shoppers.settle()
    ordered(shoppers, mallory, "ada@example.com")
    return ada, mallory


def test_an_order_with_anothers_address_links_its_account_with_nobody() -> None:
    shoppers = Shoppers(create_in_erp=False)
    _, mallory = two_accounts(shoppers)

    link = shoppers.links.get(Ref("uk", "customer", mallory))
    assert link is None or link.erp is None


def test_an_order_with_anothers_address_shows_its_account_nothing_of_the_other() -> None:
    shoppers = Shoppers(create_in_erp=False)
    _, mallory = two_accounts(shoppers)
    shoppers.edit_account(mallory, **phone("020 7946 6666"))
    shoppers.settle()

    assert shoppers.account(mallory).vat_number == ""


def test_an_order_with_anothers_address_changes_nothing_of_the_other() -> None:
    shoppers = Shoppers(create_in_erp=False)
    ada, mallory = two_accounts(shoppers)
    before = shoppers.account(ada)
    shoppers.edit_account(mallory, **phone("020 7946 6666"))
    shoppers.settle()

    assert shoppers.account(ada) == before


def test_an_order_with_anothers_address_is_booked_where_a_guests_would_be() -> None:
    shoppers = Shoppers(create_in_erp=False)
    two_accounts(shoppers)

    assert len(shoppers.books.parties()) == 1


def test_colleagues_of_one_company_share_its_party() -> None:
    shoppers = Shoppers()
    shoppers.store.add_customer(**ADA)
    shoppers.settle()
    shoppers.store.add_customer(**COLLEAGUE)
    shoppers.settle()

    assert len(shoppers.books.parties()) == 1


def test_colleagues_do_not_write_over_each_other() -> None:
    shoppers = Shoppers()
    ada = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    charles = shoppers.store.add_customer(**COLLEAGUE)
    shoppers.edit_account(charles, **phone("020 7946 2222"))
    shoppers.settle()

    assert (shoppers.account(ada).phone, shoppers.profile().phone) == ("020 7946 1111",) * 2


def test_a_colleague_is_nobodys_trouble() -> None:
    shoppers = Shoppers()
    shoppers.store.add_customer(**ADA)
    shoppers.settle()
    shoppers.store.add_customer(**COLLEAGUE)
    shoppers.settle()

    assert shoppers.reasons() == []


def test_the_first_account_is_still_kept_alike_beside_a_colleagues() -> None:
    shoppers = Shoppers()
    ada = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    shoppers.store.add_customer(**COLLEAGUE)
    shoppers.settle()
    shoppers.edit_party(phone="020 7946 3333")
    shoppers.settle()

    assert shoppers.account(ada).phone == "020 7946 3333"


def test_a_colleague_gets_nothing_of_one_who_left() -> None:
    shoppers = Shoppers()
    ada = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    charles = shoppers.store.add_customer(**COLLEAGUE)
    shoppers.settle()
    before = shoppers.account(charles)
    shoppers.store.delete_customer(ada)
    shoppers.settle()
    shoppers.edit_party(phone="020 7946 3333")
    shoppers.settle()

    assert shoppers.account(charles) == before


def test_an_account_made_anew_is_kept_alike_again() -> None:
    shoppers = Shoppers()
    ada = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    shoppers.store.delete_customer(ada)
    shoppers.settle()
    again = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    shoppers.edit_account(again, **phone("020 7946 2222"))
    shoppers.settle()

    assert shoppers.profile().phone == "020 7946 2222"


def test_two_who_typed_the_same_nonsense_as_vat_number_are_two_parties() -> None:
    shoppers = Shoppers()
    for name in ("ann", "bob"):
        meta = [{"key": "_billing_vat_number", "value": "n/a"}]
        email = f"{name}@example.com"
        shoppers.store.add_customer(email=email, first_name=name, role="customer", meta_data=meta)
        shoppers.settle()

    assert len(shoppers.books.parties()) == 2


@pytest.mark.parametrize("text", ["", "-", "0", "none", "n/a", "GB", "00000000", "GB 000"])
def test_what_cannot_be_a_vat_number_tells_no_company(text: str) -> None:
    assert not tells_company(text)


@pytest.mark.parametrize("text", ["GB123456789", "de 811 569 869", "RO18547", "ESX1234567X"])
def test_a_vat_number_tells_a_company(text: str) -> None:
    assert tells_company(text)


def archived(shoppers: Shoppers) -> Ref:
    address = Address("Ada Byron", "", "12 Analytical Row", "London", "SW1A 1AA", "", "GB")
    party = Party("Ada Byron", "", "ada@example.com", "", "", None, address, address)
    made = shoppers.erp.create(PartyDocument(party), key="OLD1").ref
    shoppers.erp.archive(made)
    return made


def test_an_archived_party_is_linked_with_no_account() -> None:
    shoppers = Shoppers(create_in_erp=False)
    made = archived(shoppers)
    shoppers.store.add_customer(**ADA)
    shoppers.settle()

    assert shoppers.links.find(made) is None


def test_an_archived_party_becomes_no_account() -> None:
    shoppers = Shoppers(create_in_store=True)
    archived(shoppers)
    shoppers.settle()

    assert shoppers.store.find_customer("ada@example.com") is None


def test_a_guests_party_becomes_no_account() -> None:
    """Whoever chose to order without an account gets none, and no e-mail about one."""
    shoppers = Shoppers(create_in_store=True)
    ordered(shoppers, None, "guest@example.com")
    shoppers.settle()

    assert shoppers.store.find_customer("guest@example.com") is None


def test_an_email_address_that_was_removed_from_the_party_stays_in_the_store() -> None:
    shoppers = Shoppers()
    ada = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    shoppers.edit_party(email="")
    shoppers.settle()

    assert shoppers.account(ada).email == "ada@example.com"


def test_a_party_without_an_email_address_is_nobodys_trouble() -> None:
    shoppers = Shoppers()
    shoppers.store.add_customer(**ADA)
    shoppers.settle()
    shoppers.edit_party(email="")
    shoppers.settle()

    assert shoppers.reasons() == []


def test_other_fields_go_over_from_a_party_without_an_email_address() -> None:
    shoppers = Shoppers()
    ada = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    shoppers.edit_party(email="", phone="020 7946 3333")
    shoppers.settle()

    assert shoppers.account(ada).phone == "020 7946 3333"


def test_one_vat_number_written_in_two_ways_is_one_claim() -> None:
    assert natural_key("vat_number", "GB 123.456.789") == natural_key("vat_number", "gb123456789")


# --- parties that were merged, or are gone --------------------------------------------------


def merged(shoppers: Shoppers, old: Ref, new: Ref) -> None:
    """A person merged ``old`` into ``new``: who asks for the one is answered the other."""
    get = shoppers.erp.get
    shoppers.erp.archive(old)
    shoppers.erp.get = lambda ref: get(new if ref == old else ref)  # type: ignore[method-assign]


def another(shoppers: Shoppers, code: str, email: str) -> Ref:
    address = Address("Ada Byron", "", "12 Analytical Row", "London", "SW1A 1AA", "", "GB")
    party = Party("Ada Byron", "", email, "", "", None, address, address)
    return shoppers.erp.create(PartyDocument(party), key=code).ref


def test_a_claim_follows_a_merge() -> None:
    """As the item said: merge the two in the back office, then replay."""
    shoppers = Shoppers()
    old = ordered(shoppers, None, "ada@example.com").ref
    new = another(shoppers, "NEW1", "ada@example.com")
    merged(shoppers, old, new)
    shoppers.poll()
    shoppers.store.add_customer(**ADA)
    parties = shoppers.flow().parties
    until = shoppers.clock() + dt.timedelta(seconds=60)
    party = Party("", "", "ada@example.com", "", "", None, Address(), Address())
    parties.claim(party, new, owner="o", until=until)

    assert ordered(shoppers, None, "ada@example.com").ref == new


def test_two_parties_that_are_not_merged_are_a_persons() -> None:
    shoppers = Shoppers()
    ordered(shoppers, None, "ada@example.com")
    new = another(shoppers, "NEW1", "ada@example.com")
    party = Party("", "", "ada@example.com", "", "", None, Address(), Address())
    until = shoppers.clock() + dt.timedelta(seconds=60)

    with pytest.raises(DisagreementError) as asked:
        shoppers.flow().parties.claim(party, new, owner="o", until=until)
    assert asked.value.reason == "double_party"


def test_an_account_follows_the_merge_of_its_party() -> None:
    shoppers = Shoppers()
    ada = shoppers.store.add_customer(**ADA)
    shoppers.settle()
    old = shoppers.party()
    new = another(shoppers, "NEW1", "ada@example.com")
    merged(shoppers, old, new)
    shoppers.settle()

    link = shoppers.links.get(Ref("uk", "customer", ada))
    assert link is not None
    assert link.erp == new


def test_an_order_that_met_trouble_follows_the_merge_of_its_party() -> None:
    shoppers = Shoppers()
    old = ordered(shoppers, None, "ada@example.com").ref
    new = another(shoppers, "NEW1", "ada@example.com")
    merged(shoppers, old, new)

    assert ordered(shoppers, None, "ada@example.com", doubted=True).ref == new


def test_an_order_that_met_trouble_finds_another_party_for_one_that_is_gone() -> None:
    shoppers = Shoppers()
    old = ordered(shoppers, None, "ada@example.com").ref
    get = shoppers.erp.get
    shoppers.erp.archive(old)
    shoppers.erp.get = lambda ref: None if ref == old else get(ref)  # type: ignore[method-assign]

    assert ordered(shoppers, None, "ada@example.com", doubted=True).ref != old
