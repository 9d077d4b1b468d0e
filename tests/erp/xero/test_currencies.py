"""Yen agree to the yen in Xero, which counts hundredths of any money; dinars are refused."""

from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

import pytest

from accord.erp.xero.mapping import totals_read
from accord.errors import UnsupportedError
from accord.local.xero import FakeXero
from accord.model.documents import CreditDocument, PaymentDocument, Record
from accord.model.money import Money
from accord.ports.erp import ErpAdapter
from tests.erp.currencies import JPY, KWD, Charged, Currencies, Lines
from tests.erp.promises import Make
from tests.erp.xero.conftest import connected
from tests.erp.xero.hands import OnXero


class OfXero(OnXero, Currencies):
    def post_invoice(self, erp: ErpAdapter, record: Record) -> None:
        """An order that was authorised is its invoice."""

    def left(self, erp: ErpAdapter, order: Record) -> Decimal:
        (row,) = [r for r in self._desk.rows("Invoices") if r["InvoiceID"] == order.ref.id]
        due: Decimal = row["AmountDue"]
        return due


class OfYen(OfXero):
    CURRENCY: ClassVar[str] = "JPY"
    CASES: ClassVar[dict[str, Lines]] = JPY


@pytest.mark.parametrize("case", JPY)
class TestYen(OfYen):
    """Lines without tax."""


@pytest.mark.parametrize("case", JPY)
class TestYenWithTax(OfYen):
    @pytest.fixture
    def erp(self, xero: FakeXero) -> ErpAdapter:
        return connected(xero, prices="with tax")


class TestDinars(OnXero, Charged):
    """Xero has two digits of any money, so nothing is written of one that has three."""

    CURRENCY: ClassVar[str] = "KWD"

    @pytest.fixture(autouse=True)
    def currency(self, xero: FakeXero) -> None:
        xero.do("add_currency", code="KWD", rate="1")

    def test_an_order_is_refused_before_anything_is_written(
        self, erp: ErpAdapter, xero: FakeXero, order: Make, key: str
    ) -> None:
        document = order(lines=tuple(self.line_of(*each) for each in KWD["taxed up"]))
        before = xero.calls.total()

        for ask in (lambda: erp.preview(document), lambda: erp.create(document, key=key)):
            with pytest.raises(UnsupportedError, match=r"KWD.*two digits") as caught:
                ask()
            assert caught.value.owner == "finance"
        assert xero.calls.total() == before

    def test_a_refund_and_money_are_refused_too(
        self, erp: ErpAdapter, order: Make, key: str
    ) -> None:
        sale = order(lines=tuple(self.line_of(*each) for each in KWD["taxed up"]))
        of = replace(sale.party, kind="sales_order", id="8694c9c5-7097-4449-a708-b8c1982921a4")
        credit = CreditDocument(
            number="1042-R1",
            order=of,
            party=sale.party,
            billing_address=sale.billing_address,
            currency="KWD",
            issued_on=sale.placed_on,
            lines=sale.lines,
            total=sale.total,
        )
        money = PaymentDocument(
            order=of,
            party=sale.party,
            amount=sale.total,
            received_on=sale.placed_on,
            account=self.ACCOUNT,
            reference="ch_1",
        )

        for document in (credit, money):
            with pytest.raises(UnsupportedError, match="KWD"):
                erp.create(document, key=key)


def test_what_xero_says_is_not_rounded_away() -> None:
    """Someone wrote hundredths of a yen by hand: that is not what the store charged."""
    row = {"SubTotal": "104.00", "TotalTax": "20.81", "CurrencyCode": "JPY"}

    assert totals_read(row).gross == Money(Decimal("124.81"), "JPY")
