"""What Odoo computes of lines, rounded as Odoo rounds; totals as recorded of a real one."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.erp.odoo.taxes import Priced, Rounding, TaxRule, net_and_tax, rounded
from accord.model.documents import DocumentLine, LineTax
from accord.model.money import Money
from tests.erp.odoo.conftest import Clock, connected, furnished
from tests.erp.odoo.test_masterdata import order

CENT = Decimal("0.01")
VAT_20 = TaxRule(3, "20%", "percent", Decimal(20))
VAT_5 = TaxRule(4, "5%", "percent", Decimal(5))


def line(price: str, quantity: str = "1", *taxes: TaxRule) -> Priced:
    return Priced(Decimal(price), Decimal(quantity), taxes)


def computed(*lines: Priced, rounding: Rounding = "round_per_line") -> tuple[str, str]:
    net, tax = net_and_tax(lines, CENT, rounding)
    return str(net), str(tax)


def test_the_recorded_order_comes_to_what_it_came_to() -> None:
    """Recording 31_sale_read_draft: 82.95, 12.09."""
    lines = (
        line("12.50", "2", VAT_20),
        line("30.00", "1", VAT_5),
        line("20.00", "1", VAT_20),
        line("7.95", "1", VAT_20),
    )

    assert computed(*lines) == ("82.95", "12.09")


@pytest.mark.parametrize(
    ("rounding", "tax"), [("round_per_line", "0.21"), ("round_globally", "0.18")]
)
def test_cents_add_up_by_line_or_by_document(rounding: Rounding, tax: str) -> None:
    lines = [line("0.13", "1", VAT_20)] * 7

    assert computed(*lines, rounding=rounding) == ("0.91", tax)


@pytest.mark.parametrize(("amount", "wanted"), [("0.125", "0.13"), ("-0.125", "-0.13")])
def test_a_half_goes_away_from_zero(amount: str, wanted: str) -> None:
    assert rounded(Decimal(amount), CENT) == Decimal(wanted)


def test_a_currency_may_have_other_units() -> None:
    assert rounded(Decimal("12.34"), Decimal("0.05")) == Decimal("12.35")
    assert net_and_tax([line("105", "1", VAT_5)], Decimal(1), "round_per_line") == (105, 5)


def test_a_fixed_tax_is_of_each_piece() -> None:
    eco = TaxRule(9, "Eco", "fixed", Decimal("0.50"))

    assert computed(line("10.00", "3", eco)) == ("30.00", "1.50")


def test_a_tax_that_raises_the_base_does_so_for_later_ones() -> None:
    eco = TaxRule(9, "Eco", "fixed", Decimal(1), sequence=1, raises_base=True)
    vat = TaxRule(3, "20%", "percent", Decimal(20), sequence=2)

    assert computed(line("9.00", "1", vat, eco)) == ("9.00", "3.00")


def test_a_group_is_its_parts() -> None:
    both = TaxRule(9, "Both", "percent", Decimal(0), children=(VAT_5, VAT_20))

    assert computed(line("10.00", "1", both)) == ("10.00", "2.50")


def test_a_tax_raises_the_base_by_what_it_comes_to() -> None:
    """0.50 at 5 % is 0.025, which is 0.03 on the line: 20 % are of 0.53, and not of 0.525."""
    first = TaxRule(1, "5%", "percent", Decimal(5), sequence=1, raises_base=True)
    then = TaxRule(2, "500%", "percent", Decimal(500), sequence=2)

    assert computed(line("0.50", "1", first, then)) == ("0.50", "2.68")
    assert computed(line("0.50", "1", first, then), rounding="round_globally") == ("0.50", "2.66")


TAX = st.fixed_dictionaries(
    {
        "amount": st.integers(1, 400).map(lambda tenths: tenths / 10),
        "sequence": st.integers(1, 3),
        "include_base_amount": st.booleans(),
        "is_base_affected": st.booleans(),
    }
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(TAX, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 100_000), st.integers(1, 9)), min_size=1, max_size=4),
    st.sampled_from(["round_per_line", "round_globally"]),
    st.booleans(),
)
def test_a_preview_of_any_sequence_of_taxes_is_what_odoo_makes_of_it(
    taxes: list[dict[str, Any]],
    parts: list[tuple[int, int]],
    rounding: Rounding,
    grouped: bool,
) -> None:
    odoo = furnished(Clock())
    odoo.call("res.partner", "create", {"name": "Maria Jones"})
    names = [f"Tax {at}" for at, _ in enumerate(taxes)]
    ids = [
        odoo.call("account.tax", "create", {"name": name, **values})
        for name, values in zip(names, taxes, strict=True)
    ]
    if grouped:
        group = {"name": "All", "amount_type": "group", "children_tax_ids": [[6, 0, ids]]}
        odoo.call("account.tax", "create", group)
        names = ["All"]
    company = odoo.call("res.company", "search", [])
    odoo.call("res.company", "write", company, {"tax_calculation_rounding_method": rounding})
    document = replace(
        order(),
        lines=tuple(
            DocumentLine(
                "A mug",
                Decimal(count),
                Money(Decimal(cents) / 100, "GBP"),
                "MUG",
                taxes=tuple(LineTax(name, Money.zero("GBP")) for name in names),
            )
            for cents, count in parts
        ),
    )
    erp = connected(odoo)

    previewed = erp.preview(document)

    assert previewed == erp.create(document, key="uk-1").totals


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(-100_000, 100_000), st.integers(1, 50)), min_size=1, max_size=12
    ),
    st.sampled_from(["round_per_line", "round_globally"]),
)
def test_what_is_taken_back_is_what_was_sold(
    parts: list[tuple[int, int]], rounding: Rounding
) -> None:
    sold = [line(f"{cents / 100:.2f}", str(n), VAT_20, VAT_5) for cents, n in parts]
    back = [Priced(-each.price, each.quantity, each.taxes) for each in sold]

    net, tax = net_and_tax(sold, CENT, rounding)

    assert net_and_tax(back, CENT, rounding) == (-net, -tax)
    assert (net, tax) == (rounded(net, CENT), rounded(tax, CENT))
