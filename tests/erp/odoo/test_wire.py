"""Odoo's wire: envelopes, values, and what an error says, as recorded of a real one."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accord.erp.odoo.wire import (
    Fault,
    both,
    decimal,
    dumped,
    either,
    envelope,
    fault,
    id_of,
    is_dialog,
    loaded,
    moment,
    positional,
    result,
    said,
    text,
)

FOLDER = Path(__file__).parent / "recordings"


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize(
    ("name", "method", "ids", "named"),
    [
        ("33_sale_confirm", "action_confirm", [1], {}),
        ("11_partner_write", "write", [8], {"vals": {"name": "Jane R. Roe"}}),
        ("20_taxes", "search_read", None, {"domain": [["type_tax_use", "=", "sale"]]}),
    ],
)
def test_a_call_is_what_was_recorded(
    name: str, method: str, ids: list[int] | None, named: dict[str, Any]
) -> None:
    params = recorded(name)["request"]["params"]
    args, others = positional(method, ids, {**named, **params["args"][6]})
    call = [*params["args"][:5], args, others]

    sent = json.loads(envelope(7, params["service"], params["method"], call))

    assert sent == {**recorded(name)["request"], "id": 7}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("02_error_bad_key_call", "login"),
        ("02_error_unknown_db", "away"),
        ("13_error_external_id_duplicate", "refused"),
        ("13_external_id_create", "rights"),
        ("33_error_sale_confirm_repeat", "refused"),
        ("50_error_nothing_to_invoice", "refused"),
        ("50_error_private_method", "rights"),
        ("51_error_invoice_post_repeat", "refused"),
        ("52_error_user_without_email", "refused"),
        ("90_error_access", "rights"),
        ("90_error_required_field", "refused"),
        ("90_error_unknown_field", "unknown"),
        ("90_error_unknown_model", "unknown"),
        ("90_error_unlink_posted", "refused"),
    ],
)
def test_an_error_within_a_200_is_a_fault(name: str, kind: str) -> None:
    found = result(recorded(name)["response"])

    assert isinstance(found, Fault)
    assert found.kind == kind
    assert found.message


def test_a_traceback_is_left_where_it_is() -> None:
    found = fault({"name": "builtins.KeyError", "message": "x", "debug": "Traceback: secret"})

    assert "secret" not in str(found)


@pytest.mark.parametrize(
    "data",
    [
        {"name": "psycopg2.errors.SerializationFailure", "message": "try again"},
        {"name": "odoo.exceptions.ConcurrencyError", "message": "try again"},
        {
            "name": "odoo.exceptions.ValidationError",
            "message": "could not serialize access due to concurrent update",
        },
    ],
)
def test_who_lost_a_race_may_try_again(data: dict[str, str]) -> None:
    assert fault(data).kind == "contention"


def test_an_error_of_a_class_that_nobody_knows_is_a_refusal() -> None:
    assert fault({"name": "my_app.Odd", "message": ""}) == Fault("refused", "my_app.Odd")


def test_what_returned_nothing_is_left_out_of_the_envelope() -> None:
    assert result(recorded("32_sale_quotation_sent")["response"]) is None


@pytest.mark.parametrize("body", [None, [], {}, {"result": 1}, {"jsonrpc": "2.0", "error": "x"}])
def test_what_is_no_envelope_is_said_to_be_none(body: Any) -> None:
    with pytest.raises(ValueError, match=r"envelope|data"):
        result(body)


def test_a_window_is_known_by_its_type() -> None:
    assert is_dialog(recorded("38_sale_cancel_returns_wizard")["response"]["result"])
    assert is_dialog(recorded("52_payment_register_run")["response"]["result"])
    assert not is_dialog(True)


def test_load_answers_its_ids() -> None:
    assert loaded(recorded("13_load_upsert")["response"]["result"]) == [11]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("could not serialize access due to concurrent update", "contention"),
        ("No matching record found", "refused"),
    ],
)
def test_load_says_what_went_wrong_in_its_result(message: str, kind: str) -> None:
    answer = {"ids": False, "messages": [{"type": "error", "message": message}], "nextrow": 0}

    assert loaded(answer) == Fault(kind, message)  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [None, {}, {"ids": False}, {"ids": False, "messages": [1]}])
def test_load_that_says_nothing_has_loaded_nothing(answer: Any) -> None:
    assert isinstance(loaded(answer), Fault)


def test_moments_are_utc_in_whole_seconds() -> None:
    at = dt.datetime(2026, 11, 22, 15, 27, 9, 500, tzinfo=dt.timezone(dt.timedelta(hours=1)))

    assert said(at) == "2026-11-22 14:27:09"
    assert moment("2026-11-22 14:27:09") == at.replace(microsecond=0)


def test_amounts_are_exact_both_ways() -> None:
    assert decimal(Decimal("95.04")) == Decimal("95.04")
    assert decimal(False) == 0
    assert json.loads(dumped({"price": Decimal("12.50")})) == {"price": 12.5}


@pytest.mark.parametrize("value", [False, None, ""])
def test_what_is_empty_is_false_whatever_its_type(value: Any) -> None:
    assert (text(value), id_of(value)) == ("", None)


def test_terms_are_joined_before_them() -> None:
    a, b, c = ["a", "=", 1], ["b", "=", 2], ["c", "=", 3]

    assert either(a) == [a]
    assert either(a, both(b, c)) == ["|", a, "&", b, c]
    assert either(a, b, c) == ["|", "|", a, b, c]


def test_what_has_no_form_on_the_wire_is_not_sent() -> None:
    with pytest.raises(TypeError):
        dumped({"x": object()})
