"""Parties and addresses as Tryton's values."""

from dataclasses import replace

import pytest

from accord.erp.needs import subdivision
from accord.erp.tryton.known import Known
from accord.erp.tryton.parties import (
    address_of,
    address_values,
    email_domain,
    equal,
    party_values,
    vat_domain,
    vat_type,
)
from accord.erp.tryton.wire import Values
from accord.model.documents import PartyDocument
from accord.model.party import Address, Party

HOME = Address(
    name="Ann Lee",
    street="1 High Street\nFlat 2",
    city="Austin",
    postal_code="73301",
    state="TX",
    country="US",
)
WORK = replace(HOME, company="Acme Ltd", street="2 Low Street")
KNOWN = Known(countries={"US": 7, "GB": 8}, subdivisions={"US-TX": 70})


def read(values: Values) -> Values:
    """``values`` as they come back when they are read."""
    countries = {7: "US", 8: "GB"}
    country, state = values["country"], values["subdivision"]
    return {
        **values,
        "country.": {"id": country, "code": countries[country]} if country else None,
        "subdivision.": {"id": state, "code": "US-TX"} if state else None,
    }


def party(**changes: object) -> PartyDocument:
    whole = Party("Ann Lee", "", "ann@shopper.example", "+1 5", "", "7", HOME, HOME)
    return PartyDocument(replace(whole, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("address", [HOME, WORK, replace(HOME, state="")])
def test_an_address_comes_back_as_it_went(address: Address) -> None:
    assert address_of(read(address_values(address, KNOWN))) == address


def test_a_company_is_the_addressee_and_the_person_its_attention() -> None:
    values = address_values(WORK, KNOWN)

    assert (values["party_name"], values["attn"]) == ("Acme Ltd", "Ann Lee")


def test_a_county_without_a_subdivision_follows_the_city() -> None:
    values = address_values(replace(HOME, country="GB", state="Rutland"), KNOWN)

    assert (values["city"], values["subdivision"]) == ("Austin, Rutland", None)


@pytest.mark.parametrize(
    ("state", "country", "code"), [("TX", "US", "US-TX"), ("DE-BW", "DE", "DE-BW"), ("", "DE", "")]
)
def test_a_state_has_an_iso_code(state: str, country: str, code: str) -> None:
    assert subdivision(replace(HOME, state=state, country=country)) == code


@pytest.mark.parametrize("address", [HOME, WORK, replace(HOME, country="GB", state="Rutland")])
def test_an_address_is_recognised_where_it_became_another_text(address: Address) -> None:
    assert equal(address, read(address_values(address, KNOWN)))


def test_another_address_is_not_recognised() -> None:
    assert not equal(HOME, read(address_values(WORK, KNOWN)))


def test_one_address_for_both_uses_is_made_once() -> None:
    ((_, addresses),) = party_values(party(), "ANN01", KNOWN)["addresses"]

    assert [(each["invoice"], each["delivery"]) for each in addresses] == [(True, True)]


def test_two_addresses_have_a_use_each() -> None:
    ((_, addresses),) = party_values(party(shipping=WORK), "ANN01", KNOWN)["addresses"]

    assert [(each["invoice"], each["delivery"]) for each in addresses] == [
        (True, False),
        (False, True),
    ]


@pytest.mark.parametrize(
    ("number", "kind"),
    [("DE123456789", "eu_vat"), ("EL094014201", "eu_vat"), ("GB980780684", "gb_vat"), ("12", None)],
)
def test_a_vat_number_is_typed_by_its_country(number: str, kind: str | None) -> None:
    assert vat_type(number) == kind


@pytest.mark.parametrize("number", ["GR094014201", "EL 094014201", "094014201"])
def test_a_greek_party_is_found_however_its_number_begins(number: str) -> None:
    greek = replace(HOME, country="GR")
    of_greece = Party("Ann", "", "", "", number, None, greek, greek)

    _, (_, _, codes), (_, _, national) = vat_domain(of_greece)
    assert "EL094014201" in codes
    assert national == [["type", "=", "gr_vat"], ["code_compact", "=", "094014201"]]


def test_a_greek_number_is_checked_as_a_european_one() -> None:
    ((_, identifiers),) = party_values(party(vat_number="GR094014201"), "A", KNOWN)["identifiers"]

    assert identifiers == [{"type": "eu_vat", "code": "EL094014201"}]


def test_what_tryton_may_not_check_has_no_type() -> None:
    values = party_values(party(vat_number="DE1"), "ANN01", KNOWN, strict=False)

    ((_, identifiers),) = values["identifiers"]
    ((_, contacts),) = values["contact_mechanisms"]
    assert (identifiers[0]["type"], contacts[1]["type"]) == (None, "other")


def test_wildcards_of_an_e_mail_stand_for_themselves() -> None:
    assert email_domain(r"a_b%c\d@x") == [
        [
            "contact_mechanisms",
            "where",
            [["type", "=", "email"], ["value", "ilike", r"a\_b\%c\\d@x"]],
        ]
    ]
