"""The types of accord.toml: what they take and what they turn away."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from accord.rules.config import Config, Erp, Store
from accord.rules.mapping import Mappings, Target
from accord.rules.ordering import OrderRules
from accord.rules.people import CustomerRules


def store(**changes: Any) -> dict[str, Any]:
    return {
        "key": "uk",
        "url": "https://store.example",
        "erp": "main",
        "secret": "store/uk",
        "orders": {"start_at": "2026-01-01T00:00:00Z"},
        **changes,
    }


def erp(**changes: Any) -> dict[str, Any]:
    return {"adapter": "tryton", "url": "https://erp.example", "secret": "erp/main", **changes}


def config(**changes: Any) -> dict[str, Any]:
    return {"stores": {"uk": store()}, "erps": {"main": erp()}, **changes}


def said(data: dict[str, Any], table: type = Config) -> str:
    with pytest.raises(ValidationError) as caught:
        table.model_validate(data)
    return str(caught.value)


def test_what_is_not_said_has_a_careful_default() -> None:
    uk = Config.model_validate(config()).stores["uk"]

    assert (uk.flows.orders, uk.mappings.no_sku, uk.mappings.rounding) == ("off", "attention", None)


def test_an_unknown_key_is_turned_away() -> None:
    assert "extra_forbidden" in said(config(stores={"uk": store(secrets="x")}))


@pytest.mark.parametrize("key", ["", "UK", "1uk", "uk-1", "uk_1", "abcdefghijklm", "uk\n"])
def test_a_key_that_cannot_begin_an_external_key_is_turned_away(key: str) -> None:
    assert "cannot be a store's key" in said(store(key=key), Store)


@pytest.mark.parametrize(
    "url",
    [
        "http://store.example",
        "http://10.0.0.1",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "https://user:secret@store.example",
        "https://store.example?key=1",
        "https://store.example/#a",
        "ftp://store.example",
        "store.example",
        "https://",
        "https:///path",
    ],
)
def test_an_address_that_is_not_safe_to_call_is_turned_away(url: str) -> None:
    assert "url" in said(store(url=url), Store)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8100", "http://localhost", "http://[::1]:80/x", "https://a.example/b"]
)
def test_https_and_this_machine_may_be_called(url: str) -> None:
    assert Erp.model_validate(erp(url=url + "/")).url == url


def test_a_time_zone_must_exist() -> None:
    assert "Europe/London" in said(erp(time_zone="Europe/Londn"), Erp)


def test_a_store_names_a_back_office_that_is_there() -> None:
    assert "there is no back office 'other'" in said(config(stores={"uk": store(erp="other")}))


def test_two_stores_never_share_a_key() -> None:
    stores = {"uk": store(), "de": store(secret="store/de")}

    assert "also the key of stores.uk" in said(config(stores=stores))


def test_a_target_is_an_item_or_an_account() -> None:
    assert "both the item" in said({"item": "A", "account": "B"}, Target)


def test_a_target_is_something() -> None:
    assert "neither an item nor an account" in said({"carrier": "Post"}, Target)


def test_recorded_money_went_somewhere() -> None:
    wrong = {"payments": {"stripe": {"record": True}}}

    assert "where the money went" in said(wrong, Mappings)


@pytest.mark.parametrize(
    "code", ["{name:4}{n:02}", "C{n}", "{store}-{name}-{n:05}", "{name:12}{n}"]
)
def test_an_account_code_is_made_by_a_pattern(code: str) -> None:
    assert CustomerRules(code=code).code == code


@pytest.mark.parametrize(
    "code", ["CASH", "{name:4}", "{nam}{n}", "{n:2}", "{n:00}", "{n", "{name:0}{n}"]
)
def test_a_pattern_that_cannot_grow_or_be_filled_is_turned_away(code: str) -> None:
    assert "the pattern" in said({"code": code}, CustomerRules)


def test_shoppers_are_recognised_somehow() -> None:
    assert "known already" in said({"match": []}, CustomerRules)


def test_one_account_for_guests_needs_no_natural_key() -> None:
    assert CustomerRules(match=(), guests="CASH").guests == "CASH"


def test_a_note_holds_only_what_is_filled_in() -> None:
    wrong = {"start_at": "2026-01-01T00:00:00Z", "note": "{order} {number}"}

    assert "{order}" in said(wrong, OrderRules)


def test_going_live_has_a_moment_with_a_zone() -> None:
    assert "timezone" in said({"start_at": "2026-01-01T00:00:00"}, OrderRules)


def test_an_address_range_can_be_read() -> None:
    assert "no address range" in said(store(allowed_sources=["10.0.0.1/8"]), Store)


def test_deliveries_may_come_from_somewhere() -> None:
    assert "allowed_sources" in said(store(allowed_sources=[]), Store)


def test_a_key_of_the_store_is_not_the_name_of_a_secret() -> None:
    assert "WooCommerce key" in said(store(secret="ck_" + "0" * 40), Store)


def test_the_bound_of_rounding_stays_exact() -> None:
    assert Mappings.model_validate({"rounding_max": 0.05}).rounding_max == Decimal("0.05")


def test_a_configuration_is_not_changed_by_hand() -> None:
    read = Config.model_validate(config())

    with pytest.raises(ValidationError):
        read.stores["uk"].key = "de"  # type: ignore[misc]
