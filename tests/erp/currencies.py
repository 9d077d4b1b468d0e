"""Money without cents, and money of three digits: what the store charged is what the books have."""

from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, ClassVar

from accord.model.documents import (
    CreditDocument,
    DocumentLine,
    Kind,
    LineTax,
    PaymentDocument,
    Record,
    SalesDocument,
    State,
)
from accord.model.money import Money
from accord.ports.erp import ErpAdapter
from accord.rules.accounts import rounding_line
from accord.rules.mapping import Mappings, Target
from tests.erp.promises import Make, Promises

Lines = tuple[tuple[str, str, str], ...]
"""Quantity, net and tax at 20 % of each line."""

JPY: dict[str, Lines] = {
    "taxed up": (("1", "104", "21"),),
    "taxed down": (("1", "102", "20"),),
    "three that do not divide": (("3", "100", "20"),),
    "several": (("1", "104", "21"), ("2", "103", "21"), ("7", "1001", "200")),
    "with a discount": (("1", "1004", "201"), ("1", "-98", "-20")),
}
KWD: dict[str, Lines] = {
    "taxed up": (("1", "1.234", "0.247"),),
    "three that do not divide": (("3", "10.000", "2.000"),),
    "several": (("1", "5.125", "1.025"), ("2", "0.999", "0.200")),
}


class Charged(Promises):
    """Lines as the store charged them."""

    def line_of(self, quantity: str, net: str, tax: str) -> DocumentLine:
        taxes = (LineTax(self.TAX_20, Money(Decimal(tax), self.CURRENCY)),)
        whole = self.line("0", quantity=quantity)
        return replace(whole, net=Money(Decimal(net), self.CURRENCY), taxes=taxes)


class Currencies(Charged):
    """A subclass names the currency and its ``CASES``."""

    CASES: ClassVar[dict[str, Lines]]
    MAPPINGS: ClassVar[Mappings] = Mappings(rounding=Target(item="SHIPPING"))

    def whole(self, erp: ErpAdapter, document: Any) -> Any:
        """``document`` with the line that its flow adds where the totals would differ."""
        charged: Any = SimpleNamespace(number=document.number, total=document.total)
        cents = rounding_line(charged, erp.preview(document), self.MAPPINGS, store="uk")
        return document.with_line(cents) if cents else document

    def sold(self, erp: ErpAdapter, order: Make, case: str) -> SalesDocument:
        lines = tuple(self.line_of(*each) for each in self.CASES[case])
        document: SalesDocument = self.whole(erp, order(lines=lines))
        return document

    def paid(self, erp: ErpAdapter, document: SalesDocument, order: Record, key: str) -> Record:
        money = PaymentDocument(
            order=order.ref,
            party=document.party,
            amount=document.total,
            received_on=document.placed_on,
            account=self.ACCOUNT,
            reference="ch_1",
        )
        return erp.advance(erp.create(money, key=f"{key}-P"), State.CONFIRMED)

    def test_what_is_foretold_is_what_the_books_have_and_the_store_charged(
        self, erp: ErpAdapter, order: Make, key: str, case: str
    ) -> None:
        document = self.sold(erp, order, case)
        foretold = erp.preview(document)

        made = erp.advance(erp.create(document, key=key), State.CONFIRMED)

        assert made.totals == foretold
        assert made.totals is not None
        assert made.totals.gross == document.total

    def test_it_is_paid_to_the_last_unit(
        self, erp: ErpAdapter, order: Make, key: str, case: str
    ) -> None:
        document = self.sold(erp, order, case)
        made = erp.advance(erp.create(document, key=key), State.CONFIRMED)
        self.post_invoice(erp, made)

        money = self.paid(erp, document, made, key)

        assert money.state is State.CONFIRMED
        assert money.totals is not None
        assert money.totals.gross == document.total
        erp.reconcile(made.ref, [money.ref])
        assert self.left(erp, made) == 0

    def test_its_credit_note_comes_to_the_same(
        self, erp: ErpAdapter, order: Make, key: str, case: str
    ) -> None:
        document = self.sold(erp, order, case)
        made = erp.advance(erp.create(document, key=key), State.CONFIRMED)
        self.post_invoice(erp, made)
        credit = CreditDocument(
            number="1042-R1",
            order=made.ref,
            party=document.party,
            billing_address=document.billing_address,
            currency=self.CURRENCY,
            issued_on=document.placed_on,
            lines=tuple(self.line_of(*each) for each in self.CASES[case]),
            total=document.total,
        )
        credit = self.whole(erp, credit)

        noted = erp.advance(erp.create(credit, key=f"{key}-R1"), State.CONFIRMED)

        assert noted.ref.kind == Kind.CREDIT_NOTE
        assert noted.totals == erp.preview(credit)
        assert noted.totals is not None
        assert noted.totals.gross == document.total

    def left(self, erp: ErpAdapter, order: Record) -> Decimal:
        """What is open of the order's invoice."""
        raise self._unsaid("paid")
