"""Partners of Odoo's as parties: companies and their people, addresses, numbers that fail a check."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from accord.erp.odoo.adapter import Odoo
from accord.errors import (
    DuplicateError,
    RejectedError,
    StaleVersionError,
    UnmappedError,
    UnsupportedError,
)
from accord.local.odoo import FakeOdoo
from accord.local.odoo.faults import OdooError, validation_error
from accord.model.change import Ref
from accord.model.documents import Kind, PartyDocument
from accord.model.party import Address, Party, Profile
from tests.erp.odoo.conftest import Clock

HOME = Address(
    name="Grace Hopper",
    company="Cobol & Sons",
    street="7 Compiler Street\nFirst floor\nLeft",
    city="Leeds",
    postal_code="LS1 4AP",
    country="GB",
)
DEPOT = replace(HOME, name="Goods inward", street="9 Depot Road")


def party(**changes: Any) -> PartyDocument:
    whole = Party(
        name="Grace Hopper",
        company="Cobol & Sons",
        email="grace@shopper.example",
        phone="+44 113 496 0000",
        vat_number="GB987654321",
        customer_id="7",
        billing=HOME,
        shipping=HOME,
    )
    return PartyDocument(replace(whole, **changes), payment_terms="30 Days")


def partners(odoo: FakeOdoo) -> list[dict[str, Any]]:
    domain = [["active", "in", [True, False]]]
    fields = ["name", "type", "parent_id", "is_company", "active", "street", "street2", "vat"]
    found: list[dict[str, Any]] = odoo.call("res.partner", "search_read", domain, fields)
    return found


def profile(erp: Odoo, ref: Ref) -> tuple[Profile, str]:
    found = erp.profile(ref)
    assert found is not None
    return found


def checking_vat(call: str) -> httpx.Response | None:
    """Odoo with its check of VAT numbers; which is not in what a hook is told, so all are refused
    once."""
    if call in {"res.partner.load", "res.partner.write"}:
        raise validation_error("The VAT number [GB987654321] does not seem to be valid.")
    return None


def test_a_company_has_its_person_as_a_contact(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(party(), key="COBO01")

    company, person = partners(odoo)
    assert (company["name"], company["is_company"]) == ("Cobol & Sons", True)
    assert (person["name"], person["type"], person["parent_id"][0]) == (
        "Grace Hopper",
        "contact",
        company["id"],
    )
    assert made.addresses == ((HOME.fingerprint, made.ref.id),)


def test_a_companys_profile_tells_person_and_company_apart(erp: Odoo) -> None:
    made = erp.create(party(shipping=DEPOT), key="COBO01")

    found, _ = profile(erp, made.ref)

    assert (found.name, found.company) == ("Grace Hopper", "Cobol & Sons")
    assert (found.vat_number, found.payment_terms) == ("GB987654321", "30 Days")
    assert found.billing is not None
    assert found.shipping is not None
    assert found.billing.fingerprint == HOME.fingerprint
    assert found.shipping.fingerprint == DEPOT.fingerprint
    assert found.price_group is None


def test_lines_of_a_street_are_kept_in_two(odoo: FakeOdoo, erp: Odoo) -> None:
    erp.create(party(), key="COBO01")

    company = partners(odoo)[0]
    assert (company["street"], company["street2"]) == ("7 Compiler Street", "First floor Left")


def test_goods_for_another_company_say_so(odoo: FakeOdoo, erp: Odoo) -> None:
    elsewhere = replace(DEPOT, company="Carriers Ltd")
    made = erp.create(party(shipping=elsewhere), key="COBO01")

    assert partners(odoo)[2]["name"] == "Carriers Ltd, Goods inward"
    assert erp.add_address(made.ref, elsewhere) == str(partners(odoo)[2]["id"])


@pytest.mark.parametrize(
    ("state", "city", "known"), [("CA", "Leeds", True), ("Zz", "Leeds, Zz", False)]
)
def test_a_state_that_odoo_does_not_know_follows_the_city(
    odoo: FakeOdoo, erp: Odoo, state: str, city: str, *, known: bool
) -> None:
    erp.create(party(billing=replace(HOME, country="US", state=state)), key="COBO01")

    (row, *_) = odoo.call("res.partner", "search_read", [], ["city", "state_id"])
    assert (row["city"], bool(row["state_id"])) == (city, known)


def test_a_state_is_read_as_the_store_writes_it(erp: Odoo) -> None:
    home = replace(HOME, country="US", state="CA")
    made = erp.create(party(billing=home, shipping=home), key="COBO01")

    found, _ = profile(erp, made.ref)

    assert found.billing is not None
    assert found.billing.fingerprint == home.fingerprint


def test_a_country_that_odoo_does_not_know_is_named(erp: Odoo) -> None:
    with pytest.raises(UnmappedError) as caught:
        erp.create(party(billing=replace(HOME, country="XX")), key="COBO01")

    assert caught.value.causes == ("country:XX",)


def test_an_account_code_that_is_taken_is_not_given_twice(odoo: FakeOdoo, erp: Odoo) -> None:
    odoo.call("res.partner", "create", {"name": "Made by hand", "ref": "COBO01"})

    with pytest.raises(DuplicateError):
        erp.create(party(), key="COBO01")


def test_two_who_make_one_party_at_once_make_one(odoo: FakeOdoo, erp: Odoo) -> None:
    """Neither sees the other's when it looks; the external id is one."""
    first = erp.create(party(), key="COBO01")
    blind = {"jsonrpc": "2.0", "id": 1, "result": []}
    looks = ["res.partner.search_read"]

    def look(call: str) -> httpx.Response | None:
        if call in looks:
            looks.remove(call)
            return httpx.Response(200, json=blind)
        return None

    odoo.hook = look
    second = erp.create(party(), key="COBO01")

    assert second.ref == first.ref
    assert len(partners(odoo)) == 2


@pytest.mark.parametrize("key", ["A.B", "ä/ö", "x y", "a:b"])
def test_any_letter_may_be_in_an_account_code(odoo: FakeOdoo, erp: Odoo, key: str) -> None:
    made = erp.create(party(), key=key)

    assert [found.ref for found in erp.find(Kind.PARTY, key)] == [made.ref]
    (external, *_) = odoo.database.external
    assert external.count(".") == 1


# --- numbers that fail a check ------------------------------------------------------------


def once(odoo: FakeOdoo, method: str) -> None:
    """Refuses the first such call, as Odoo does with a VAT number that fails its check."""
    left = [method]

    def refuse(call: str) -> httpx.Response | None:
        if call in left:
            left.remove(call)
            raise OdooError("odoo.exceptions.ValidationError", "The VAT number is not valid")
        return None

    odoo.hook = refuse


def test_a_number_that_fails_odoos_check_is_kept_in_the_notes(odoo: FakeOdoo, erp: Odoo) -> None:
    once(odoo, "res.partner.load")

    made = erp.create(party(), key="COBO01")

    assert partners(odoo)[0]["vat"] is False
    assert profile(erp, made.ref)[0].vat_number == "GB987654321"


def test_what_is_refused_for_another_reason_is_refused_again(odoo: FakeOdoo, erp: Odoo) -> None:
    odoo.hook = checking_vat

    with pytest.raises(RejectedError):
        erp.create(party(), key="COBO01")


def test_a_changed_number_that_fails_is_kept_in_the_notes(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(party(vat_number=""), key="COBO01")
    _, version = profile(erp, made.ref)
    once(odoo, "res.partner.write")

    after, _ = erp.update_profile(made.ref, Profile(vat_number="GB1"), version=version)

    assert after.vat_number == "GB1"
    assert partners(odoo)[0]["vat"] is False


def test_a_change_without_a_number_is_not_tried_twice(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(party(), key="COBO01")
    _, version = profile(erp, made.ref)
    odoo.hook = checking_vat
    before = odoo.calls["res.partner.write"]

    with pytest.raises(RejectedError):
        erp.update_profile(made.ref, Profile(phone="1"), version=version)

    assert odoo.calls["res.partner.write"] == before + 1


# --- changed --------------------------------------------------------------------------------


def changed(erp: Odoo, ref: Ref, changes: Profile) -> Profile:
    _, version = profile(erp, ref)
    after, _ = erp.update_profile(ref, changes, version=version)
    return after


def test_a_person_becomes_a_company_and_a_person_again(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(party(company="", billing=replace(HOME, company="")), key="GRAC01")

    company = changed(erp, made.ref, Profile(company="Cobol & Sons"))
    assert (company.name, company.company) == ("Grace Hopper", "Cobol & Sons")
    assert partners(odoo)[0]["name"] == "Cobol & Sons"

    person = changed(erp, made.ref, Profile(company=""))
    assert (person.name, person.company) == ("Grace Hopper", "")


def test_another_person_of_a_company_takes_the_contacts_place(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(party(), key="COBO01")

    after = changed(erp, made.ref, Profile(name="Ada Lovelace"))

    assert (after.name, after.company) == ("Ada Lovelace", "Cobol & Sons")
    assert len(partners(odoo)) == 2


def test_goods_go_where_they_went_when_the_invoice_address_moves(erp: Odoo) -> None:
    made = erp.create(party(), key="COBO01")
    moved = replace(HOME, street="1 New Street")

    after = changed(erp, made.ref, Profile(billing=moved))

    assert after.billing is not None
    assert after.shipping is not None
    assert after.billing.fingerprint == moved.fingerprint
    assert after.shipping.fingerprint == HOME.fingerprint


def test_both_addresses_move_to_one(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(party(), key="COBO01")
    moved = replace(HOME, street="1 New Street")

    after = changed(erp, made.ref, Profile(billing=moved, shipping=moved))

    assert after.shipping is not None
    assert after.shipping.fingerprint == moved.fingerprint
    assert [row["type"] for row in partners(odoo)] == ["contact", "contact"]


def test_an_address_of_its_own_is_given_up(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(party(shipping=DEPOT), key="COBO01")

    after = changed(erp, made.ref, Profile(shipping=Address()))

    assert after.shipping is not None
    assert after.shipping.fingerprint == HOME.fingerprint
    assert [row["active"] for row in partners(odoo)] == [True, True, False]


def test_an_invoice_address_of_its_own_is_the_one_that_moves(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(party(shipping=DEPOT), key="COBO01")
    values = {"parent_id": int(made.ref.id), "type": "invoice", "name": "Accounts", "city": "York"}
    own = odoo.call("res.partner", "create", values)
    moved = replace(HOME, name="Accounts", street="1 New Street")

    after = changed(erp, made.ref, Profile(billing=moved, shipping=replace(DEPOT, city="York")))

    (row,) = odoo.call("res.partner", "read", [own], ["street"])
    assert row["street"] == "1 New Street"
    assert after.billing is not None
    assert after.shipping is not None
    assert (after.billing.fingerprint, after.shipping.city) == (moved.fingerprint, "York")


def test_what_is_said_already_is_not_written(odoo: FakeOdoo, erp: Odoo) -> None:
    made = erp.create(party(), key="COBO01")
    found, version = profile(erp, made.ref)

    assert erp.update_profile(made.ref, found, version=version) == (found, version)
    assert odoo.calls["res.partner.write"] == 0


def test_terms_are_taken_away(erp: Odoo) -> None:
    made = erp.create(party(), key="COBO01")

    assert changed(erp, made.ref, Profile(payment_terms="")).payment_terms == ""


def test_who_wrote_in_the_same_second_is_not_written_over(
    odoo: FakeOdoo, erp: Odoo, clock: Clock
) -> None:
    made = erp.create(party(), key="COBO01")
    _, version = profile(erp, made.ref)
    odoo.call("res.partner", "write", [int(made.ref.id)], {"phone": "theirs"})

    assert clock.now.second == 0
    with pytest.raises(StaleVersionError):
        erp.update_profile(made.ref, Profile(phone="ours"), version=version)


def test_a_price_group_is_not_kept(erp: Odoo) -> None:
    made = erp.create(party(), key="COBO01")

    with pytest.raises(UnsupportedError, match="price groups"):
        changed(erp, made.ref, Profile(price_group="Wholesale"))


@pytest.mark.parametrize("id_", ["999999", "x"])
def test_of_nobody_nothing_is_written(erp: Odoo, id_: str) -> None:
    nobody = Ref("main", Kind.PARTY, id_)

    assert erp.profile(nobody) is None
    assert erp.get(nobody) is None
    with pytest.raises(RejectedError):
        erp.update_profile(nobody, Profile(phone="1"), version="1")
    with pytest.raises(RejectedError):
        erp.archive(nobody)
    with pytest.raises(RejectedError):
        erp.add_address(nobody, HOME)


def test_a_change_of_an_address_is_told_as_its_party(
    odoo: FakeOdoo, erp: Odoo, clock: Clock
) -> None:
    made = erp.create(party(shipping=DEPOT), key="COBO01")
    since = clock.moment()
    odoo.call("res.partner", "write", [partners(odoo)[2]["id"]], {"street": "1 New Street"})

    assert [news.ref for news in erp.changes(Kind.PARTY, since)] == [made.ref]


def test_a_supplier_is_not_told_of(odoo: FakeOdoo, erp: Odoo, clock: Clock) -> None:
    since = clock.moment()
    odoo.call("res.partner", "create", {"name": "Maker of mugs"})

    assert list(erp.changes(Kind.PARTY, since)) == []


def test_a_supplier_who_became_a_shopper_is_told_of(
    odoo: FakeOdoo, erp: Odoo, clock: Clock
) -> None:
    supplier = odoo.call("res.partner", "create", {"name": "Maker of mugs"})
    odoo.call("res.partner", "create", {"name": "Maker of cups"})
    depot = {"parent_id": supplier, "type": "delivery", "name": "Depot"}
    child = odoo.call("res.partner", "create", depot)
    odoo.call("sale.order", "create", {"partner_id": supplier})
    since = clock.moment()
    odoo.call("res.partner", "write", [supplier], {"phone": "+44 20 7946 0001"})
    first = [news.ref.id for news in erp.changes(Kind.PARTY, since)]
    since = clock.moment()
    odoo.call("res.partner", "write", [child], {"street": "1 New Street"})

    assert first == [str(supplier)]
    assert [news.ref.id for news in erp.changes(Kind.PARTY, since)] == [str(supplier)]


@pytest.mark.parametrize(
    ("operator", "wanted", "found"),
    [
        ("!=", False, ["Buyer"]),
        ("=", False, ["Other"]),
        ("in", [False], ["Other"]),
        ("not in", [False], ["Buyer"]),
    ],
)
def test_the_stand_in_tells_an_empty_relation_as_odoo_does(
    odoo: FakeOdoo, operator: str, wanted: object, found: list[str]
) -> None:
    odoo.call("res.partner", "create", {"name": "Other"})
    buyer = odoo.call("res.partner", "create", {"name": "Buyer"})
    odoo.call("sale.order", "create", {"partner_id": buyer})

    rows = odoo.call("res.partner", "search_read", [["sale_order_ids", operator, wanted]], ["name"])

    assert [row["name"] for row in rows] == found
