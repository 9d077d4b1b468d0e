"""A store's accounts become canonical customers, and what is written comes back the same."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.errors import BadInputError
from accord.model.party import Address, Profile
from accord.ports.store import Customer
from accord.woo.customers import as_kept, customer_from_wire, customer_to_wire
from tests.conftest import order_json

ADA = order_json("customer_updated")
KEYS = ("vat_number", "billing_vat")
HOME = Address(name="Ada Byron", street="1 Row\nFlat 2", city="London", country="GB")


def read(document: dict[str, Any], *, vat_keys: tuple[str, ...] = KEYS) -> Customer:
    return customer_from_wire(document, store="uk", vat_keys=vat_keys)


def wire(**changes: Any) -> dict[str, Any]:
    return {**ADA, **changes}


def written(profile: Profile) -> Profile:
    """What a store shows that keeps each text as it was sent."""
    fields = customer_to_wire(profile, vat_keys=KEYS)
    empty = {"billing": {}, "shipping": {}, "meta_data": [], "first_name": "", "last_name": ""}
    meta = [it for it in fields.pop("meta_data", []) if it["value"] is not None]
    return read({**ADA, **empty, **fields, "meta_data": meta}).profile


# --- reading ------------------------------------------------------------------------


def test_a_recorded_account_is_read_whole() -> None:
    address = Address(
        "Ada Byron", "Engine Ltd", "12 Analytical Row", "London", "SW1A 1AA", "", "GB"
    )
    assert read(ADA).profile == Profile(
        name="Ada Byron",
        company="Engine Ltd",
        email="ada@example.com",
        phone="020 7946 1111",
        vat_number="GB123456789",
        billing=address,
        shipping=replace(address, company=""),
    )


def test_it_knows_when_it_was_changed_and_what_its_user_is() -> None:
    found = read(ADA)

    assert (str(found.ref), found.role) == ("uk:customer:2", "customer")
    assert found.modified_at.isoformat() == "2026-11-22T15:02:42+00:00"


def test_an_account_that_was_never_changed_has_the_time_it_was_made() -> None:
    found = read(wire(date_modified_gmt=None))

    assert found.modified_at.isoformat() == "2026-11-22T14:58:11+00:00"


def test_a_user_who_is_no_customer_says_so() -> None:
    found = read(order_json("customer_created_not_a_customer"))

    assert (found.role, found.profile.name, found.profile.email) == (
        "editor",
        "Sub",
        "sub1@example.com",
    )
    assert not found.profile.billing


def test_a_store_without_a_field_for_vat_numbers_does_not_hold_them() -> None:
    assert read(ADA, vat_keys=()).profile.vat_number is None


def test_a_vat_number_that_is_not_filled_is_known_to_be_empty() -> None:
    assert read(wire(meta_data=[])).profile.vat_number == ""


def test_the_first_filled_field_holds_the_vat_number() -> None:
    meta = [{"key": "billing_vat", "value": "DE1"}, {"key": "vat_number", "value": " "}]

    assert read(wire(meta_data=meta)).profile.vat_number == "DE1"


def test_entities_and_spaces_of_the_shop_are_not_the_name() -> None:
    found = read(wire(first_name="Tom &amp;  Jerry ", last_name="O&#039;Neill"))

    assert found.profile.name == "Tom & Jerry O'Neill"


def test_an_account_without_a_name_has_the_billing_address_s() -> None:
    assert read(wire(first_name="", last_name="")).profile.name == "Ada Byron"


def test_price_groups_and_terms_are_not_held() -> None:
    found = read(ADA).profile

    assert (found.price_group, found.payment_terms) == (None, None)


@pytest.mark.parametrize("changes", [{"id": None}, {"billing": "none"}])
def test_an_unreadable_account_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInputError, match=next(iter(changes))):
        read(wire(**changes))


def test_an_account_without_any_date_is_refused() -> None:
    with pytest.raises(BadInputError, match="date_created_gmt"):
        read(wire(date_modified_gmt=None, date_created_gmt=None))


def test_every_account_of_the_real_store_is_read(shared: Path) -> None:
    listed = json.loads((shared / "woo/rest/customers_list.json").read_text())["body"]

    assert [read(it).profile.email for it in listed] == ["ada@example.com", "joan@example.com"]


# --- writing ------------------------------------------------------------------------


def test_what_is_none_is_not_written() -> None:
    assert customer_to_wire(Profile(), vat_keys=KEYS) == {}
    assert customer_to_wire(Profile(phone="1"), vat_keys=KEYS) == {"billing": {"phone": "1"}}


def test_what_is_empty_is_cleared() -> None:
    fields = customer_to_wire(Profile(phone="", company=""), vat_keys=KEYS)

    assert fields == {"billing": {"phone": "", "company": ""}}


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Ada Byron", "Ada", "Byron"),
        ("Ada King Byron", "Ada King", "Byron"),
        ("Cher", "Cher", ""),
        ("", "", ""),
        (" Ada \u00a0Byron ", "Ada", "Byron"),
    ],
)
def test_a_name_is_parted_before_its_last_word(name: str, first: str, last: str) -> None:
    fields = customer_to_wire(Profile(name=name), vat_keys=KEYS)

    assert fields == {"first_name": first, "last_name": last}


def test_a_third_street_line_joins_the_second() -> None:
    profile = Profile(shipping=replace(HOME, street="Hut 8\n\nThe Park\n Bletchley "))

    sent = customer_to_wire(profile, vat_keys=KEYS)["shipping"]

    assert (sent["address_1"], sent["address_2"]) == ("Hut 8", "The Park, Bletchley")


def test_an_address_without_name_or_company_keeps_the_store_s() -> None:
    sent = customer_to_wire(Profile(billing=replace(HOME, name="")), vat_keys=KEYS)["billing"]

    assert not {"first_name", "last_name", "company"} & sent.keys()


def test_the_company_stands_in_the_billing_address() -> None:
    profile = Profile(company="New Ltd", billing=replace(HOME, company="Old Ltd"))

    assert customer_to_wire(profile, vat_keys=KEYS)["billing"]["company"] == "New Ltd"


def test_a_vat_number_goes_into_the_first_field() -> None:
    fields = customer_to_wire(Profile(vat_number="GB1"), vat_keys=KEYS)

    assert fields == {"meta_data": [{"key": "vat_number", "value": "GB1"}]}


def test_a_vat_number_is_cleared_under_every_name_it_may_have() -> None:
    fields = customer_to_wire(Profile(vat_number=""), vat_keys=KEYS)

    assert fields["meta_data"] == [
        {"key": "vat_number", "value": None},
        {"key": "billing_vat", "value": None},
    ]


def test_a_vat_number_has_no_place_in_a_store_without_a_field_for_it() -> None:
    assert customer_to_wire(Profile(vat_number="GB1"), vat_keys=()) == {}


# --- there and back -----------------------------------------------------------------

PIECES = st.sampled_from(["a", "Z", "é", "&", "amp;", "lt;", "#039;", "<", '"', " ", "\t", ", "])
TEXTS = st.lists(PIECES, max_size=8).map("".join)
ADDRESSES = st.builds(
    Address,
    name=TEXTS.filter(str.strip),
    company=TEXTS.filter(str.strip),
    street=st.lists(TEXTS, max_size=4).map("\n".join),
    city=TEXTS,
    postal_code=TEXTS,
    state=TEXTS,
    country=st.sampled_from(["", "GB", "DE"]),
)
PROFILES = st.builds(
    Profile,
    name=TEXTS.filter(str.strip),
    company=TEXTS,
    email=st.just("a&b@example.com"),
    phone=TEXTS,
    vat_number=TEXTS,
    billing=ADDRESSES,
    shipping=ADDRESSES,
)


@given(PROFILES)
def test_what_was_written_comes_back_as_it_is_kept(profile: Profile) -> None:
    assert written(profile) == as_kept(profile)


@given(PROFILES)
def test_what_was_kept_once_is_kept_alike_for_ever(profile: Profile) -> None:
    kept = written(profile)

    assert written(kept) == kept


def test_what_a_side_does_not_hold_stays_unheld() -> None:
    assert as_kept(Profile(name=" A  B ")) == Profile(name="A B")
