"""The envelope and the typed values, held against recordings of a running server."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accord.erp.tryton.wire import Fault, envelope, result, truth

RECORDINGS = Path(__file__).with_name("recordings")


def answer(name: str) -> Any:
    """What was answered in a recording."""
    return result(json.loads((RECORDINGS / f"{name}.json").read_text())["response"]["body"])


def test_a_call_has_three_keys_and_no_more() -> None:
    assert json.loads(envelope(7, "model.x.read", ([1], {"company": 1}))) == {
        "id": 7,
        "method": "model.x.read",
        "params": [[1], {"company": 1}],
    }


@pytest.mark.parametrize(
    "value",
    [
        Decimal("12.50"),
        dt.date(2026, 11, 22),
        dt.datetime(2026, 11, 22, 15, 4, 46, 596292, tzinfo=dt.UTC),
        None,
        [{"a": Decimal("0.1")}],
    ],
)
def test_a_value_comes_back_as_it_went(value: object) -> None:
    sent = json.loads(envelope(1, "m", (value,)))["params"][0]

    assert result({"id": 1, "result": sent}) == value


def test_a_moment_of_another_zone_goes_as_utc() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    sent = json.loads(envelope(1, "m", (dt.datetime(2026, 1, 1, 1, tzinfo=zone),)))["params"][0]

    assert (sent["year"], sent["day"], sent["hour"]) == (2025, 31, 23)


def test_a_float_would_not_become_money() -> None:
    assert isinstance(answer("31_sale_read_draft")[0]["total_amount"], Decimal)


def test_related_records_are_read_with_their_own() -> None:
    addresses = answer("10_party_read_nested")[0]["addresses."]

    assert [address["country."]["code"] for address in addresses] == ["US", "US"]


@pytest.mark.parametrize(("value", "meant"), [(1, True), (0, False), (True, True), (False, False)])
def test_both_databases_booleans_are_read(value: object, meant: bool) -> None:
    assert truth(value) is meant


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("15_error_party_duplicate_code", "refused"),
        ("37_error_sale_duplicate_web_id", "refused"),
        ("32_error_sale_quote_repeat", "refused"),
        ("91_user_warning", "warning"),
        ("11_party_write_stale_conflict", "stale"),
        ("90_error_unknown_model", "unknown"),
    ],
)
def test_an_error_says_what_kind_it_is(name: str, kind: str) -> None:
    fault = answer(name)

    assert isinstance(fault, Fault)
    assert fault.kind == kind


def test_a_warning_says_by_which_name_it_is_confirmed() -> None:
    fault = answer("91_user_warning")

    assert fault.name.endswith(".deactivate_product_with_stock")


@pytest.mark.parametrize("error", ["", [], ["x"], {"code": 1}, ["UserError", "plain text"]])
def test_an_error_of_any_shape_is_a_fault(error: object) -> None:
    assert isinstance(result({"id": 1, "error": error}), Fault)


@pytest.mark.parametrize("body", [None, [], "x", {"id": 1}, {"result": {"__class__": "Odd"}}])
def test_what_is_no_answer_of_tryton_is_refused(body: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        result(body)
