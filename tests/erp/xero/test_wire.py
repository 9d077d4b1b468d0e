"""Xero's values on the wire: exact numbers, dates in two dresses, and who is told what is wrong."""

import datetime as dt
import json
from decimal import Decimal

import pytest

from accord.erp.xero.countries import code_of, name_of
from accord.erp.xero.wire import (
    day_of,
    decimal,
    dumped,
    every,
    is_id,
    moment,
    only,
    quoted,
    refused,
    said,
)
from accord.errors import UnavailableError
from accord.rules.countries import CODES

AT = dt.datetime(2026, 1, 5, 0, 0, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    "text",
    [
        "/Date(1767571200000+0000)/",
        "/Date(1767571200000)/",
        "/Date(1767571200000+1300)/",  # the offset is for show: the number is UTC
        "2026-01-05T00:00:00",
        "2026-01-05T00:00:00Z",
        "2026-01-05T13:00:00+13:00",
    ],
)
def test_a_moment_is_utc_in_any_dress(text: str) -> None:
    assert moment(text) == AT


def test_a_moment_keeps_its_milliseconds() -> None:
    assert moment("/Date(1767571200123+0000)/") == AT + dt.timedelta(milliseconds=123)


def test_a_moment_before_the_epoch_is_one() -> None:
    assert moment("/Date(-86400000)/") == dt.datetime(1969, 12, 31, tzinfo=dt.UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "/Date()/", "/Date(1)/ or so"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment(text)


def test_a_day_is_read_from_its_twin_where_it_is_alone() -> None:
    assert day_of({"Date": "/Date(1767571200000+0000)/"}, "Date") == AT.date()
    assert day_of({"DateString": "2026-01-05T00:00:00"}, "Date") == AT.date()
    assert day_of({}, "Date") is None


def test_what_was_said_since_is_in_whole_seconds_of_utc() -> None:
    east = dt.timezone(dt.timedelta(hours=13))

    assert said(AT.astimezone(east) + dt.timedelta(milliseconds=5)) == "2026-01-05T00:00:00Z"


@pytest.mark.parametrize("number", ["0.10", "114.00", "12345678901234.56", "-0.01", "0.00000001"])
def test_money_goes_out_digit_for_digit(number: str) -> None:
    assert dumped({"Amount": Decimal(number)}) == f'{{"Amount":{number}}}'.encode()


def test_no_number_has_an_exponent() -> None:
    assert dumped([Decimal("1E+3"), Decimal("1E-7")]) == b"[1000,0.0000001]"


def test_days_go_out_without_a_time_and_moments_not_at_all() -> None:
    assert dumped(AT.date()) == b'"2026-01-05"'
    with pytest.raises(TypeError):
        dumped(AT)


def test_a_float_never_goes_out() -> None:
    with pytest.raises(TypeError):
        dumped({"Amount": 0.1})


def test_texts_survive_whatever_is_in_them() -> None:
    body = {"a": 'ü"\\\n\x00', "b": [None, True, False, 7, {}]}

    assert json.loads(dumped(body)) == body


@pytest.mark.parametrize(("value", "expected"), [(None, "0"), ("", "0"), (7, "7")])
def test_a_number_that_is_left_out_is_zero(value: object, expected: str) -> None:
    assert decimal(value) == Decimal(expected)


@pytest.mark.parametrize("value", ['a"b', "a\\b"])
def test_what_no_question_can_say_is_not_asked(value: str) -> None:
    assert quoted(value) is None


def test_what_is_searched_for_is_compared_to_the_letter() -> None:
    rows = [{"Reference": "uk-1"}, {"Reference": "UK-1"}, {"Reference": None}, {}]

    assert every(rows, "Reference", "uk-1") == [{"Reference": "uk-1"}]


def test_only_an_id_is_one() -> None:
    assert is_id("430fa14a-f945-44d3-9f97-5df5e28441b8")
    assert not is_id("987654321")
    assert not is_id("430fa14a-f945-44d3-9f97-5df5e28441b8/pdf")


@pytest.mark.parametrize("answer", [{}, {"Invoices": []}, {"Invoices": [{}, {}]}])
def test_a_write_that_does_not_show_what_it_made_may_have_made_it(
    answer: dict[str, list[dict[str, str]]],
) -> None:
    with pytest.raises(UnavailableError) as caught:
        only(answer, "Invoices")

    assert caught.value.sent


def test_what_is_wrong_is_found_wherever_it_is_told() -> None:
    nested = {"Invoices": [{"LineItems": [{"ValidationErrors": [{"Message": "Line"}]}]}]}
    twice = {"Elements": [{"ValidationErrors": [{"Message": "One"}, {"Message": "One"}]}]}

    assert refused(nested) == ("Line",)
    assert refused(twice) == ("One",)
    assert refused({"Invoices": [{"HasErrors": False, "ValidationErrors": []}]}) == ()


def test_every_country_is_told_by_a_name_in_letters_and_read_back() -> None:
    for code in CODES:
        name = name_of(code)
        assert name.replace(" ", "").isalpha()
        assert name.isascii()
        assert len(name) <= 50
        assert code_of(name) == code_of(code.lower()) == code


@pytest.mark.parametrize(("name", "code"), [("UNITED  kingdom", "GB"), ("England", "GB"), ("", "")])
def test_a_country_is_known_as_people_write_it(name: str, code: str) -> None:
    assert code_of(name) == code


def test_a_country_that_is_none_is_told_in_its_letters() -> None:
    assert name_of("Atlantis 7!") == "Atlantis"
    assert code_of("Atlantis") == ""
