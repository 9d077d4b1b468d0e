"""Tryton's arithmetic by hand; against the real one in test_adapter."""

import datetime as dt
from decimal import Decimal

import pytest

from accord.erp.tryton.books import EndlessError, Priced, Rounding, TaxRule, net_of, rounded, tax_of

CENT = Decimal("0.01")
TODAY = dt.date(2026, 11, 22)
VAT = TaxRule(1, "VAT", "percentage", Decimal("0.2"))
GST = TaxRule(2, "GST", "percentage", Decimal("0.05"), sequence=1, compound=True)
PST = TaxRule(3, "PST", "percentage", Decimal("0.07"), sequence=2)


def line(price: str, quantity: str = "1", *taxes: TaxRule) -> Priced:
    return Priced(Decimal(price), Decimal(quantity), taxes)


@pytest.mark.parametrize(
    ("amount", "unit", "becomes"),
    [("0.125", "0.01", "0.12"), ("0.135", "0.01", "0.14"), ("1.13", "0.05", "1.15")],
)
def test_half_goes_to_even(amount: str, unit: str, becomes: str) -> None:
    assert rounded(Decimal(amount), Decimal(unit)) == Decimal(becomes)


def test_each_line_is_rounded_before_they_are_summed() -> None:
    assert net_of([line("3.3333", "3")] * 3, CENT) == Decimal("30.00")


@pytest.mark.parametrize(("rounding", "tax"), [("line", "0.21"), ("document", "0.18")])
def test_tax_is_rounded_per_line_or_per_document(rounding: Rounding, tax: str) -> None:
    lines = [line("0.13", "1", VAT)] * 7

    assert tax_of(lines, CENT, rounding, TODAY) == Decimal(tax)


def test_two_taxes_of_a_line_sum_to_their_rounded_sum() -> None:
    one, two = (TaxRule(n, str(n), "percentage", Decimal("0.05")) for n in (1, 2))

    assert tax_of([line("0.29", "1", one, two)], CENT, "line", TODAY) == Decimal("0.03")


def test_a_compound_tax_is_taxed() -> None:
    assert tax_of([line("100", "1", GST, PST)], CENT, "line", TODAY) == Decimal("12.35")


def test_a_fixed_tax_is_per_piece() -> None:
    deposit = TaxRule(4, "deposit", "fixed", amount=Decimal("0.25"))

    assert tax_of([line("1", "6", deposit)], CENT, "line", TODAY) == Decimal("1.50")


def test_a_tax_of_parts_is_the_sum_of_its_parts() -> None:
    both = TaxRule(5, "both", "none", children=(VAT, PST))

    assert tax_of([line("100", "1", both)], CENT, "line", TODAY) == Decimal("27.00")


def test_a_tax_that_has_ended_takes_nothing() -> None:
    old = TaxRule(6, "old", "percentage", Decimal("0.2"), ends_on=dt.date(2020, 1, 1))

    assert tax_of([line("100", "1", old)], CENT, "line", TODAY) == 0


def test_a_refund_line_is_rounded_apart() -> None:
    lines = [line("0.12", "1", VAT), line("-0.12", "1", VAT)]

    assert tax_of(lines, CENT, "document", TODAY) == 0


def test_taxes_that_vanish_one_by_one_but_not_together_never_end() -> None:
    with pytest.raises(EndlessError):
        tax_of([line("0.07", "1", PST, TaxRule(7, "x", "percentage", Decimal("0.05")))], CENT,
               "line", TODAY)  # fmt: skip
