"""To the cent: what an order, its invoice and its refund come to, however precise prices are kept."""

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from accord.model.documents import CreditDocument, Kind, Record, State
from accord.model.money import Money
from accord.ports.erp import ErpAdapter
from accord.rules.accounts import rounding_line
from accord.rules.mapping import Mappings, Target
from tests.erp.odoo.hands import OnOdoo
from tests.erp.promises import Make


@dataclass(frozen=True)
class Sold:
    """So many, what the store charged for them, and a refund of some of them."""

    quantity: str
    net: str
    tax: str
    rate: str
    back: tuple[str, str, str]  # how many, their net, their tax


CASES = {
    "three for 10.00": Sold("3", "10.00", "2.00", "TAX_20", ("1", "3.33", "0.67")),
    "three for 10.00 with tax": Sold("3", "8.33", "1.67", "TAX_20", ("1", "2.78", "0.55")),
    "seven for 33.33": Sold("7", "33.33", "1.67", "TAX_5", ("2", "9.52", "0.48")),
    "a part of a piece": Sold("2.75", "9.98", "2.00", "TAX_20", ("0.75", "2.72", "0.54")),
    "zero-rated": Sold("6", "9.95", "0.00", "TAX_0", ("5", "8.29", "0.00")),
}


class Cents(OnOdoo):
    """With prices of ``DIGITS`` decimals, which is what a new Odoo has."""

    DIGITS: ClassVar[int] = 2
    MAPPINGS: ClassVar[Mappings] = Mappings(rounding=Target(item="SHIPPING"))

    @pytest.fixture(autouse=True)
    def digits(self, odoo: Any) -> None:
        ids = odoo.call("decimal.precision", "search", [["name", "=", "Product Price"]])
        odoo.call("decimal.precision", "write", ids, {"digits": self.DIGITS})

    def whole(self, erp: ErpAdapter, document: Any) -> Any:
        """``document`` with the line that its flow adds where the totals would differ."""
        charged: Any = SimpleNamespace(number=document.number, total=document.total)
        cents = rounding_line(charged, erp.preview(document), self.MAPPINGS, store="uk")
        return document.with_line(cents) if cents else document

    @pytest.fixture
    def sold(self, request: pytest.FixtureRequest) -> Sold:
        return CASES[request.param]

    @pytest.fixture
    def made(self, erp: ErpAdapter, order: Make, key: str, sold: Sold) -> Record:
        line = self.line(sold.net, quantity=sold.quantity, tax=getattr(self, sold.rate))
        line = replace(line, taxes=(replace(line.taxes[0], amount=self.gbp(sold.tax)),))
        document = self.whole(erp, order(lines=(line,)))
        return erp.advance(erp.create(document, key=key), State.CONFIRMED)

    def gbp(self, amount: str) -> Money:
        return Money(Decimal(amount), "GBP")

    @pytest.mark.parametrize("sold", CASES, indirect=True)
    def test_order_invoice_and_refund_come_to_the_stores_total(
        self, erp: ErpAdapter, buyer: Record, made: Record, key: str, sold: Sold
    ) -> None:
        charged = self.gbp(sold.net) + self.gbp(sold.tax)
        self.ship(erp, made)
        self._desk.post_invoice(int(made.ref.id))
        progress = erp.progress(made.ref)
        assert progress is not None
        (invoice,) = progress.invoices

        quantity, net, tax = sold.back
        line = self.line(net, quantity=quantity, tax=getattr(self, sold.rate))
        line = replace(line, taxes=(replace(line.taxes[0], amount=self.gbp(tax)),))
        refund = CreditDocument(
            number="1042-R1",
            order=made.ref,
            party=buyer.ref,
            billing_address=buyer.addresses[0][1],
            currency="GBP",
            issued_on=dt.datetime.now(dt.UTC).date(),
            lines=(line,),
            total=self.gbp(net) + self.gbp(tax),
        )
        credited = erp.create(self.whole(erp, refund), key=f"{key}-r1")
        booked = erp.advance(credited, State.CONFIRMED)

        (order_now,) = erp.find(Kind.SALES_ORDER, key)
        assert order_now.totals is not None
        assert order_now.totals.gross == charged
        assert invoice.totals.gross == charged
        assert booked.totals is not None
        assert booked.totals.gross == refund.total
