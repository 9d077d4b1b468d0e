"""Money is exact, and sharing it out loses and invents nothing."""

from decimal import ROUND_DOWN, Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accord.model.money import Money, digits

CURRENCIES = st.sampled_from(["GBP", "EUR", "JPY", "BHD", "CLF"])
AMOUNTS = st.decimals(-(10**9), 10**9, places=6)
MONEY = st.builds(Money, AMOUNTS, CURRENCIES)
POUNDS = st.builds(Money, AMOUNTS, st.just("GBP"))
WEIGHTS = st.lists(st.decimals(0, 10**6, places=2), min_size=1, max_size=40)


def gbp(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


# --- arithmetic -------------------------------------------------------------------


@given(POUNDS, POUNDS)
def test_what_is_added_can_be_taken_away(a: Money, b: Money) -> None:
    assert (a + b) - b == a


@given(st.lists(POUNDS))
def test_the_total_does_not_depend_on_the_order(amounts: list[Money]) -> None:
    assert Money.total(amounts, "GBP") == Money.total(reversed(amounts), "GBP")


@given(MONEY)
def test_an_amount_and_its_negative_are_nothing(money: Money) -> None:
    assert not money + -money


@given(MONEY)
def test_a_size_is_never_negative(money: Money) -> None:
    assert abs(money).amount >= 0
    assert abs(money) in (money, -money)


def test_ten_cents_and_twenty_are_thirty() -> None:
    assert gbp("0.10") + gbp("0.20") == gbp("0.30")


def test_the_total_of_nothing_is_zero_of_the_currency() -> None:
    assert Money.total([], "JPY") == Money.zero("JPY")


@pytest.mark.parametrize("act", [lambda a, b: a + b, lambda a, b: a - b])
def test_two_currencies_do_not_add_up(act: object) -> None:
    with pytest.raises(ValueError, match="GBP and EUR"):
        act(gbp("1"), Money(Decimal(1), "EUR"))  # type: ignore[operator]


def test_a_total_names_its_currency_and_takes_no_other() -> None:
    with pytest.raises(ValueError, match="cannot be added"):
        Money.total([gbp("1")], "EUR")


def test_equal_amounts_of_two_currencies_are_not_equal() -> None:
    assert gbp("1") != Money(Decimal(1), "EUR")


def test_trailing_zeros_are_no_difference() -> None:
    assert gbp("1.5") == gbp("1.50")


# --- rounding ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "places"), [("GBP", 2), ("JPY", 0), ("BHD", 3), ("CLF", 4), ("XYZ", 2)]
)
def test_a_currency_has_its_own_smallest_unit(currency: str, places: int) -> None:
    assert digits(currency) == places
    assert Money.zero(currency).unit == Decimal(1).scaleb(-places)


@given(MONEY)
def test_rounding_moves_by_half_a_unit_at_most(money: Money) -> None:
    assert abs(money.rounded().amount - money.amount) <= money.unit / 2


@given(MONEY)
def test_rounding_twice_is_rounding_once(money: Money) -> None:
    assert money.rounded().rounded() == money.rounded()


@given(MONEY)
def test_a_refund_rounds_as_the_sale_did(money: Money) -> None:
    assert (-money).rounded() == -money.rounded()


@pytest.mark.parametrize(("amount", "rounded"), [("2.345", "2.35"), ("-2.345", "-2.35")])
def test_a_half_goes_away_from_zero(amount: str, rounded: str) -> None:
    assert gbp(amount).rounded() == gbp(rounded)


def test_another_rounding_can_be_asked_for() -> None:
    assert gbp("2.349").rounded(ROUND_DOWN) == gbp("2.34")


# --- sharing out --------------------------------------------------------------------


@given(MONEY, WEIGHTS)
def test_the_shares_are_the_whole(money: Money, weights: list[Decimal]) -> None:
    assume(any(weights))

    shares = money.split(weights)

    assert Money.total(shares, money.currency) == money.rounded()


@given(MONEY, WEIGHTS)
def test_a_share_is_less_than_a_unit_off(money: Money, weights: list[Decimal]) -> None:
    assume(any(weights))
    due, whole = money.rounded().amount, sum(weights)

    for share, weight in zip(money.split(weights), weights, strict=True):
        assert abs(share.amount - due * weight / whole) < money.unit


@given(MONEY, WEIGHTS)
def test_shares_are_whole_units(money: Money, weights: list[Decimal]) -> None:
    assume(any(weights))

    assert all(share == share.rounded() for share in money.split(weights))


@given(MONEY, WEIGHTS)
def test_who_has_no_weight_gets_nothing(money: Money, weights: list[Decimal]) -> None:
    assume(any(weights))

    shares = money.split(weights)

    assert not any(s for s, weight in zip(shares, weights, strict=True) if not weight)


@given(MONEY, WEIGHTS)
def test_a_refund_is_shared_out_as_the_sale_was(money: Money, weights: list[Decimal]) -> None:
    assume(any(weights))

    assert (-money).split(weights) == [-share for share in money.split(weights)]


def test_the_cent_left_over_goes_to_the_first_of_equals() -> None:
    assert gbp("10.00").split([Decimal(1)] * 3) == [gbp("3.34"), gbp("3.33"), gbp("3.33")]


def test_the_cent_left_over_goes_to_the_largest_remainder() -> None:
    assert gbp("0.05").split([Decimal(1), Decimal(2)]) == [gbp("0.02"), gbp("0.03")]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [3, -1]])
def test_weights_that_share_nothing_are_turned_away(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        gbp("1").split([Decimal(weight) for weight in weights])


# --- as text ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("12.5", "GBP", "12.50 GBP"),
        ("1E+3", "GBP", "1000.00 GBP"),
        ("0", "JPY", "0 JPY"),
        ("1200", "JPY", "1200 JPY"),
        ("0.005", "GBP", "0.005 GBP"),
        ("-0.10", "GBP", "-0.10 GBP"),
        ("1.2", "BHD", "1.200 BHD"),
    ],
)
def test_text_has_the_currencys_digits_and_hides_none(
    amount: str, currency: str, text: str
) -> None:
    assert str(Money(Decimal(amount), currency)) == text


@given(MONEY)
def test_text_says_the_exact_amount(money: Money) -> None:
    assert Decimal(str(money).split()[0]) == money.amount
