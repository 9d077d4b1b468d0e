"""What a refund takes back of its order: to the cent, in every currency, whatever came before."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.errors import PermanentError
from accord.model.documents import OrderLine, Refund, SalesOrder
from accord.model.money import Money
from accord.rules.mapping import Mappings, PaymentRule
from accord.rules.refunds import credited, refund_account
from tests.rules.made import (
    CURRENCIES,
    ON_TOP,
    REDUCED,
    STATE,
    UNNAMED,
    VAT,
    histories,
    line,
    order,
    orders,
    refund,
)

PLAIN = Mappings()
UNTAXED = Mappings(refund_amount_tax="none")
MUG = line("1", net="10.00", taxes=[(VAT, "2.00")], quantity="2")
BOOK = line("2", code="BOOK", net="20.00", taxes=[(REDUCED, "1.00")])
POST = line("3", "shipping", code="flat_rate", net="5.00")
SOLD = order(MUG, BOOK, POST)  # 12.00 + 21.00 + 5.00


def gross(line_: OrderLine) -> Money:
    return line_.net + line_.tax


def figures(taken: SalesOrder) -> list[tuple[str, str, list[str]]]:
    return [
        (each.id, str(each.net.amount), [str(tax.amount.amount) for tax in each.taxes])
        for each in taken.lines
    ]


# --- in general -------------------------------------------------------------


@given(history=histories(), rules=st.sampled_from([PLAIN, UNTAXED]))
def test_what_is_taken_back_comes_to_the_refunds_total(
    history: tuple[SalesOrder, list[Refund]], rules: Mappings
) -> None:
    sold, refunds = history
    for n, each in enumerate(refunds):
        taken = credited(sold, each, refunds[:n], rules)

        assert Money.total(map(gross, taken.lines), sold.currency) + taken.rounding == each.total
        assert taken.total == each.total


@given(history=histories())
def test_every_credited_line_is_named_once(history: tuple[SalesOrder, list[Refund]]) -> None:
    sold, refunds = history
    taken = credited(sold, refunds[-1], refunds[:-1], PLAIN)

    ids = [each.id for each in taken.lines]
    assert len(set(ids)) == len(ids)


@given(sold=orders(), cut=st.integers(1, 10**6), rules=st.sampled_from([PLAIN, UNTAXED]))
def test_an_amount_is_credited_without_any_rounding(
    sold: SalesOrder, cut: int, rules: Mappings
) -> None:
    unit = Decimal(1).scaleb(-CURRENCIES[sold.currency])
    part = min(cut * unit, sold.total.amount - unit)
    if part <= 0:
        return
    taken = credited(sold, refund(total=str(part), currency=sold.currency), [], rules)

    assert not taken.rounding
    assert all(each.kind == "refund" and gross(each).amount > 0 for each in taken.lines)


@given(sold=orders())
def test_a_refund_of_everything_credits_the_order_as_it_was(sold: SalesOrder) -> None:
    everything = refund(total=str(sold.total.amount), currency=sold.currency)
    taken = credited(sold, everything, [], PLAIN)

    if sold.total:
        assert [each.id for each in taken.lines] == [e.id for e in sold.lines if e.net or e.tax]
        assert taken.rounding == sold.rounding


@given(sold=orders(), more=st.integers(1, 1000))
def test_more_than_was_charged_is_never_credited(sold: SalesOrder, more: int) -> None:
    unit = Decimal(1).scaleb(-CURRENCIES[sold.currency])
    too_much = refund(total=str(sold.total.amount + more * unit), currency=sold.currency)

    with pytest.raises(PermanentError) as caught:
        credited(sold, too_much, [], PLAIN)
    assert (caught.value.reason, caught.value.owner) == ("refund_exceeds", "finance")


# --- by lines ---------------------------------------------------------------


def test_a_refund_by_lines_takes_those_lines() -> None:
    half = line("1", net="5.00", taxes=[(VAT, "1.00")])

    assert figures(credited(SOLD, refund(half), [], PLAIN)) == [("1", "5.00", ["1.00"])]


def test_a_line_is_named_as_the_order_names_it() -> None:
    gone = replace(line("1", code="", net="5.00"), description="")

    taken = credited(SOLD, refund(gone), [], PLAIN).lines[0]
    assert (taken.code, taken.description) == ("MUG", "line 1")


def test_a_rate_is_what_the_order_says_it_is() -> None:
    bare = replace(VAT, percent=Decimal("NaN"), code="")
    half = line("1", net="5.00", taxes=[(bare, "1.00")])

    assert credited(SOLD, refund(half), [], PLAIN).lines[0].taxes[0].rate == VAT


def test_money_without_goods_is_a_line_without_pieces() -> None:
    reduction = line("1", net="3.00", quantity="0")

    assert credited(SOLD, refund(reduction), [], PLAIN).lines[0].quantity == 0


def test_what_is_no_goods_has_one_piece_however_the_store_counts_it() -> None:
    post = line("3", "shipping", code="flat_rate", net="1.00", quantity="0")

    assert credited(SOLD, refund(post), [], PLAIN).lines[0].quantity == 1


def test_a_line_that_the_order_has_lost_is_credited_as_the_refund_has_it() -> None:
    lost = line("77", code="OLD", net="3.00")

    assert credited(SOLD, refund(lost), [], PLAIN).lines[0].code == "OLD"


def test_two_refunds_together_may_not_exceed_the_order() -> None:
    with pytest.raises(PermanentError, match=r"18\.00 EUR of 38\.00 EUR was left"):
        credited(SOLD, refund(total="18.01"), [refund(total="20.00", id_="89")], PLAIN)


def test_a_refund_is_not_counted_against_itself() -> None:
    whole = refund(total="38.00")

    assert credited(SOLD, whole, [whole], PLAIN).total == whole.total


# --- all that is left -------------------------------------------------------


def test_the_rest_is_each_line_less_what_came_before() -> None:
    half = refund(line("1", net="5.00", taxes=[(VAT, "1.00")]), id_="89")

    assert figures(credited(SOLD, refund(total="32.00"), [half], PLAIN)) == [
        ("1", "5.00", ["1.00"]),
        ("2", "20.00", ["1.00"]),
        ("3", "5.00", []),
    ]


def test_the_rest_counts_what_is_left_of_a_line() -> None:
    half = refund(line("1", net="5.00", taxes=[(VAT, "1.00")]), id_="89")

    assert credited(SOLD, refund(total="32.00"), [half], PLAIN).lines[0].quantity == 1


def test_a_line_of_which_nothing_is_left_is_not_credited_again() -> None:
    taken = credited(SOLD, refund(total="26.00"), [refund(MUG, id_="89")], PLAIN)

    assert [each.id for each in taken.lines] == ["2", "3"]


def test_the_rest_takes_the_stores_rounding_with_it() -> None:
    sold = order(MUG, total="12.01")

    assert credited(sold, refund(total="12.01"), [], PLAIN).rounding.amount == Decimal("0.01")


def test_after_an_amount_without_lines_the_rest_is_an_amount_too() -> None:
    taken = credited(SOLD, refund(total="28.00"), [refund(total="10.00", id_="89")], PLAIN)

    assert {each.kind for each in taken.lines} == {"refund"}


def test_what_an_earlier_refund_took_by_another_rate_is_not_lost() -> None:
    odd = refund(line("1", net="5.00", taxes=[(REDUCED, "1.00")]), id_="89")

    taken = credited(SOLD, refund(total="32.00"), [odd], PLAIN).lines[0]
    assert {tax.rate.id: str(tax.amount.amount) for tax in taken.taxes} == {
        "1": "2.00",
        "2": "-1.00",
    }


# --- an amount --------------------------------------------------------------


def test_an_amount_without_tax_is_one_line() -> None:
    assert figures(credited(SOLD, refund(total="10.00"), [], UNTAXED)) == [("refund", "10.00", [])]


def test_an_amount_is_taxed_as_the_order_was() -> None:
    # 12 : 21 : 5 of 38 is 3.79 (largest remainder), 6.63, 1.58 of 12.
    assert figures(credited(SOLD, refund(total="12.00"), [], PLAIN)) == [
        ("refund-1", "3.16", ["0.63"]),
        ("refund-2", "6.31", ["0.32"]),
        ("refund-3", "1.58", []),
    ]


def test_a_rate_on_top_of_another_is_taken_out_in_the_same_way() -> None:
    taxed = line("1", net="100.00", taxes=[(ON_TOP, "10.47"), (STATE, "5.00")])
    taken = credited(order(taxed), refund(total="57.74"), [], PLAIN).lines[0]

    assert str(taken.net.amount) == "50.00"
    assert {tax.rate.id: str(tax.amount.amount) for tax in taken.taxes} == {
        "3": "2.50",
        "4": "5.24",
    }


def test_a_rate_that_the_store_does_not_say_is_taken_from_the_order() -> None:
    taxed = line("1", net="10.00", taxes=[(UNNAMED, "1.00")])

    assert figures(credited(order(taxed), refund(total="5.50"), [], PLAIN)) == [
        ("refund-1", "5.00", ["0.50"])
    ]


def test_an_exempt_buyer_gets_no_tax_back() -> None:
    exempt = line("1", net="10.00", taxes=[(VAT, "0.00")])

    assert figures(credited(order(exempt), refund(total="5.00"), [], PLAIN)) == [
        ("refund-1", "5.00", ["0.00"])
    ]


def test_a_gift_card_does_not_change_what_was_taxed() -> None:
    card = line("4", "gift_card", code="", net="-6.00")
    taken = credited(order(MUG, card), refund(total="3.00"), [], PLAIN)

    assert figures(taken) == [("refund-1", "2.50", ["0.50"])]


def test_a_discount_lessens_its_own_taxes_share() -> None:
    off = line("4", "fee", code="Loyalty", net="-10.00", taxes=[(VAT, "-2.00")])
    taken = credited(order(MUG, BOOK, off), refund(total="2.10"), [], PLAIN)

    assert figures(taken) == [("refund-1", "2.00", ["0.10"])]


def test_an_amount_beside_lines_is_credited_beside_them() -> None:
    taken = credited(SOLD, refund(MUG, total="15.80"), [], UNTAXED)

    assert figures(taken) == [("1", "10.00", ["2.00"]), ("refund", "3.80", [])]


def test_less_than_the_lines_say_is_a_line_below_zero() -> None:
    taken = credited(SOLD, refund(MUG, total="10.00"), [], UNTAXED)

    assert figures(taken) == [("1", "10.00", ["2.00"]), ("refund", "-2.00", [])]


def test_less_than_the_lines_say_is_taxed_as_the_order_was() -> None:
    taken = credited(order(MUG), refund(MUG, total="10.80"), [], PLAIN)

    assert figures(taken) == [("1", "10.00", ["2.00"]), ("refund-1", "-1.00", ["-0.20"])]


def test_what_is_finer_than_the_smallest_unit_is_kept() -> None:
    taken = credited(SOLD, refund(total="10.005"), [], PLAIN)

    assert Money.total(map(gross, taken.lines), "EUR").amount == Decimal("10.005")


def test_the_reason_is_told_on_the_line() -> None:
    taken = credited(SOLD, refund(total="1.00", reason="Late"), [], UNTAXED)

    assert taken.lines[0].description == "Refunded amount: Late"


def test_of_an_order_of_nothing_but_a_gift_card_no_tax_is_given_back() -> None:
    fee = line("1", "fee", net="0.00")
    sold = order(fee, total="1.00")

    assert figures(credited(sold, refund(total="0.50"), [], PLAIN)) == [("refund", "0.50", [])]


# --- where it leaves from ---------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "account"),
    [
        ({"record": True, "account": "Web"}, "Web"),
        ({"record": True, "account": "Web", "refund_account": "Out"}, "Out"),
        ({"record": False}, None),
    ],
)
def test_refunds_leave_from_their_own_account_or_the_payments(
    rule: dict[str, Any], account: str | None
) -> None:
    assert refund_account(PaymentRule(**rule)) == account
