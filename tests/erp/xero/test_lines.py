"""What a credit note's lines come to, and which of them name the item."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.erp.xero.known import Known, SoldItem, TaxRate
from accord.erp.xero.lines import credit_lines, invoice_lines
from accord.erp.xero.options import Options
from accord.local.xero import FakeXero
from accord.local.xero.books import Books
from accord.local.xero.lines import How, read
from accord.model.documents import DocumentLine, LineTax
from accord.model.money import Money
from tests.erp.xero.conftest import Clock, furnished

CENT = Decimal("0.01")
TAXES = {"OUTPUT2": Decimal(20), "RROUTPUT": Decimal(5), "ZERORATEDOUTPUT": Decimal(0)}
KNOWN = Known(
    items={"MUG": SoldItem("MUG", "200")},
    taxes={code: TaxRate(code, percent) for code, percent in TAXES.items()},
)
OPTIONS = {name: Options(prices=name) for name in ("without tax", "with tax")}


def line(
    net: Decimal | str,
    tax: Decimal | str = "0",
    *,
    quantity: Decimal | int = 1,
    returned: Decimal | int = 0,
    code: str = "OUTPUT2",
) -> DocumentLine:
    return DocumentLine(
        description="A mug",
        quantity=Decimal(quantity),
        net=Money(Decimal(net), "GBP"),
        item="MUG",
        taxes=(LineTax(code, Money(Decimal(tax), "GBP")),),
        source="5",
        returned=Decimal(returned),
    )


def books() -> Books:
    """The stand-in's: it takes of a line's tax what the contract sheet says that Xero takes."""
    xero: FakeXero = furnished(Clock())
    return xero.books


BOOKS = books()


def taken(
    values: Sequence[dict[str, Any]], options: Options, *, discounts: bool = False
) -> tuple[Decimal, Decimal, Decimal]:
    """Net, tax and gross of the lines as Xero takes them. Raises: Invalid: it does not."""
    amounts = "Inclusive" if options.prices == "with tax" else "Exclusive"
    how = How(amounts, places=4, discounts=discounts, binding=True)
    lines = read(BOOKS, values, [], how)
    total = sum((each["LineAmount"] for each in lines), Decimal(0))
    tax = sum((each["TaxAmount"] for each in lines), Decimal(0))
    gross = total if amounts == "Inclusive" else total + tax
    return gross - tax, tax, gross


def pieces(values: Sequence[dict[str, Any]]) -> list[tuple[Decimal, bool]]:
    return [(each["Quantity"], "ItemCode" in each) for each in values]


# --- whose pieces come back -----------------------------------------------------------------


def test_pieces_that_stay_away_are_credited_without_their_item() -> None:
    (values,) = credit_lines(line("20.00", "4.00", quantity=2), KNOWN, OPTIONS["without tax"])

    assert "ItemCode" not in values
    assert (values["AccountCode"], values["Quantity"]) == ("200", 2)


def test_pieces_that_come_back_are_credited_with_their_item() -> None:
    sold = line("20.00", "4.00", quantity=2, returned=2)

    (values,) = credit_lines(sold, KNOWN, OPTIONS["without tax"])

    assert (values["ItemCode"], values["AccountCode"], values["Quantity"]) == ("MUG", "200", 2)


def test_of_pieces_some_of_which_come_back_there_are_two_lines() -> None:
    sold = line("20.00", "4.00", quantity=3, returned=1)

    values = credit_lines(sold, KNOWN, OPTIONS["without tax"])

    assert [piece for piece in pieces(values) if piece[1]] == [(1, True)]
    assert taken(values, OPTIONS["without tax"]) == (20, 4, 24)


def test_money_without_pieces_brings_none_back() -> None:
    """It hangs on one piece, which must not become one in stock."""
    values = credit_lines(line("5.00", "1.00", quantity=0), KNOWN, OPTIONS["without tax"])

    assert pieces(values) == [(1, False)]


def test_an_invoice_names_the_item_of_all_that_it_sells() -> None:
    (values,) = invoice_lines(line("20.00", "4.00", quantity=3), KNOWN, OPTIONS["without tax"])

    assert (values["ItemCode"], values["Quantity"]) == ("MUG", 3)


# --- what they come to ------------------------------------------------------------------------


def test_what_four_decimals_of_a_price_make_too_little_is_a_line_of_its_own() -> None:
    sold = line("333.33", "66.67", quantity=1000, returned=1000)

    values = credit_lines(sold, KNOWN, OPTIONS["without tax"])

    assert pieces(values) == [(1000, True), (1, False)]
    assert [each["UnitAmount"] for each in values] == [Decimal("0.3333"), Decimal("0.03")]
    assert taken(values, OPTIONS["without tax"]) == (
        Decimal("333.33"),
        Decimal("66.67"),
        Decimal("400.00"),
    )


cents = st.integers(-500_000, 5_000_000).map(lambda n: Decimal(n) * CENT)


@given(
    net=cents,
    off=st.integers(-3, 3),
    code=st.sampled_from(sorted(TAXES)),
    quantity=st.one_of(
        st.integers(0, 12), st.integers(90, 20_000), st.decimals("0.01", 900, places=2)
    ),
    share=st.decimals(0, 1, places=2),
    prices=st.sampled_from(sorted(OPTIONS)),
)
def test_lines_of_a_refund_come_to_it_and_are_taken(
    net: Decimal,
    off: int,
    code: str,
    quantity: Decimal | int,
    share: Decimal,
    prices: str,
) -> None:
    """The store's tax may be some cents off; Xero takes one, and the rounding line has the rest."""
    percent = TAXES[code]
    computed = (net * percent / 100).quantize(CENT, ROUND_HALF_UP)
    charged = computed + off * CENT if percent else Decimal(0)
    whole = Decimal(quantity)
    returned = (whole * share).quantize(Decimal(1)) if whole % 1 == 0 else whole * share
    sold = line(net, charged, quantity=whole, returned=returned, code=code)

    values = credit_lines(sold, KNOWN, OPTIONS[prices])

    told = min(max(charged, computed - CENT), computed + CENT) if percent else Decimal(0)
    assert taken(values, OPTIONS[prices]) == (net, told, net + told)
    moved = sum((count for count, moves in pieces(values) if moves), Decimal(0))
    assert moved == returned
    assert not any("DiscountAmount" in each for each in values)


@given(
    net=cents,
    off=st.integers(-3, 3),
    code=st.sampled_from(sorted(TAXES)),
    quantity=st.one_of(st.integers(1, 12), st.integers(90, 20_000)),
    prices=st.sampled_from(sorted(OPTIONS)),
)
def test_a_whole_refund_credits_what_the_invoice_charged(
    net: Decimal, off: int, code: str, quantity: int, prices: str
) -> None:
    """Whatever discount the invoice's line needs to come to its amount."""
    tax = (net * TAXES[code] / 100).quantize(CENT, ROUND_HALF_UP) + off * CENT
    sold = line(net, tax, quantity=quantity, code=code)
    options = OPTIONS[prices]

    billed = taken(invoice_lines(sold, KNOWN, options), options, discounts=True)

    assert taken(credit_lines(sold, KNOWN, options), options) == billed
    assert billed[0] == net


@pytest.mark.parametrize("prices", sorted(OPTIONS))
def test_a_note_has_no_amount(prices: str) -> None:
    words = DocumentLine("Thank you", Decimal(1), Money.zero("GBP"))

    assert credit_lines(words, KNOWN, OPTIONS[prices]) == [{"Description": "Thank you"}]
