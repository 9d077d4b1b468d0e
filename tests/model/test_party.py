"""Who buys, and when two addresses are one."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.model.party import Address, Party, plain_vat_number

HOME = Address(
    name="Maria Jones",
    company="Jones Ltd",
    street="1 High Street\nFlat 2",
    city="Leeds",
    postal_code="LS1 1AA",
    state="ENG",
    country="GB",
)

WORDS = st.text(st.sampled_from("abcé ÄÖ12\n"), max_size=8)
ADDRESSES = st.builds(Address, *[WORDS] * len(fields(Address)))


def party(**changes: object) -> Party:
    whole = Party("Maria Jones", "", "maria@shopper.example", "", "", None, HOME, HOME)
    return replace(whole, **changes)  # type: ignore[arg-type]


# --- addresses ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"city": "LEEDS"},
        {"name": "  Maria   Jones "},
        {"street": "1 High Street Flat 2"},
        {"country": "gb"},
    ],
)
def test_letter_case_and_spaces_make_no_other_address(changes: dict[str, str]) -> None:
    assert replace(HOME, **changes).fingerprint == HOME.fingerprint


@pytest.mark.parametrize("field", [field.name for field in fields(Address)])
def test_every_field_makes_another_address(field: str) -> None:
    assert replace(HOME, **{field: "x"}).fingerprint != HOME.fingerprint


def test_the_same_word_in_another_field_makes_another_address() -> None:
    assert Address(city="York").fingerprint != Address(state="York").fingerprint


@given(ADDRESSES)
def test_capitals_never_make_another_address(address: Address) -> None:
    loud = Address(*(getattr(address, field.name).upper() for field in fields(Address)))

    assert loud.fingerprint == address.fingerprint


def test_a_fingerprint_stays_what_it_is_across_releases() -> None:
    # Links hold it: another value would add every address a second time.
    assert HOME.fingerprint == "697b46509b6e5ca6"


@pytest.mark.parametrize("field", ["street", "city", "postal_code", "country"])
def test_something_to_find_it_by_makes_an_address(field: str) -> None:
    assert Address(**{field: "x"})


def test_a_name_alone_is_no_address() -> None:
    assert not Address(name="Maria Jones", company="Jones Ltd", state="ENG")


# --- parties ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"company": "Jones Ltd"}, "Jones Ltd"),
        ({}, "Maria Jones"),
        ({"name": ""}, "maria@shopper.example"),
    ],
)
def test_a_company_is_called_before_a_person(changes: dict[str, str], name: str) -> None:
    assert party(**changes).display_name == name


def test_an_address_alone_does_not_say_who_bought() -> None:
    assert party(name="", email="").is_nobody


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Maria"},
        {"company": "Jones Ltd"},
        {"email": "maria@shopper.example"},
        {"vat_number": "GB1"},
        {"customer_id": "7"},
    ],
)
def test_any_of_these_says_who_bought(changes: dict[str, str]) -> None:
    assert not replace(party(name="", email=""), **changes).is_nobody


# --- VAT numbers --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("gb 980.7806-84", "GB980780684"),
        ("GR094014201", "EL094014201"),
        ("el 094 014 201", "EL094014201"),
        ("GRX", "GRX"),
        ("n/a", "NA"),
    ],
)
def test_a_vat_number_is_letters_and_digits_with_the_prefix_of_the_tax(
    text: str, number: str
) -> None:
    assert plain_vat_number(text) == number
