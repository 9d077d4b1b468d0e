"""What Xero's items cost."""

from decimal import Decimal

import pytest

from accord.erp.xero.adapter import Xero
from accord.errors import RejectedError, UnmappedError
from accord.local.xero import Desk, FakeXero
from accord.model.item import ItemDocument, ItemPrices
from tests.erp.xero.conftest import connected


def prices(erp: Xero, *codes: str, currency: str = "GBP") -> list[ItemPrices]:
    return list(erp.prices(list(erp.find_items(codes).values()), (), currency=currency))


def test_a_price_is_read_digit_for_digit(erp: Xero, desk: Desk) -> None:
    desk.add_items(["CUP"], price="3.1419")

    (found,) = prices(erp, "CUP")

    assert (found.item, found.currency, str(found.base)) == ("CUP", "GBP", "3.1419")


@pytest.mark.parametrize("include_tax", [False, True])
def test_the_options_say_whether_prices_hold_tax(
    xero: FakeXero, desk: Desk, *, include_tax: bool
) -> None:
    desk.add_items(["CUP"], price=3, tax="OUTPUT2")

    (found,) = prices(connected(xero, prices_include_tax=include_tax), "CUP")

    assert (found.gross, found.taxes) == (include_tax, ("20% (OUTPUT2)",))


def test_an_item_without_a_price_has_none(erp: Xero, desk: Desk) -> None:
    desk.add_items(["CUP"])

    assert [each.base for each in prices(erp, "CUP")] == [None]


def test_in_another_currency_xero_has_no_prices(erp: Xero) -> None:
    """Though invoices may be written in it."""
    with pytest.raises(UnmappedError, match="in GBP") as caught:
        prices(erp, "MUG", currency="EUR")
    assert caught.value.causes == ("currency:EUR",)


def test_any_number_of_prices_takes_one_call(xero: FakeXero, erp: Xero, desk: Desk) -> None:
    desk.add_items([f"CUP-{n}" for n in range(150)], price=3)
    prices(erp, "MUG")
    ids = list(erp.find_items([f"CUP-{n}" for n in range(150)]).values())
    xero.calls.clear()

    assert len(erp.prices(ids, (), currency="GBP")) == 150
    assert xero.calls == {"GET Items": 1}


def test_a_net_price_is_kept_with_tax_where_xeros_prices_hold_it(xero: FakeXero) -> None:
    erp = connected(xero, prices_include_tax=True)

    erp.create(ItemDocument("CUP", "Cup", price=Decimal("3.50"), taxes=("OUTPUT2",)), key="CUP")
    erp.create(ItemDocument("BOWL", "Bowl", price=Decimal("3.50"), taxes=()), key="BOWL")

    assert [each.base for each in prices(erp, "CUP", "BOWL")] == [Decimal("4.20"), Decimal("3.50")]


def test_a_price_with_tax_needs_to_know_the_tax(xero: FakeXero) -> None:
    erp = connected(xero, prices_include_tax=True)

    with pytest.raises(RejectedError, match="nothing says how CUP is taxed"):
        erp.create(ItemDocument("CUP", "Cup", price=Decimal("3.50")), key="CUP")
