"""A day of one shop: what the adapter and the people at Odoo do in it, whichever Odoo that is."""

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from accord.erp.odoo.adapter import Odoo
from accord.errors import AccordError
from accord.local.odoo import Desk
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    DocumentLine,
    Kind,
    LineTax,
    PartyDocument,
    PaymentDocument,
    Record,
    SalesDocument,
    State,
)
from accord.model.item import ItemDocument
from accord.model.money import Money
from accord.model.party import Address, Party, Profile

_HOME = Address(
    name="Maria Jones", street="1 High Street", city="Leeds", postal_code="LS1 1AA", country="GB"
)
_WORK = replace(_HOME, company="Jones Ltd", street="2 Mill Lane")
_MARIA = Party(
    name="Maria Jones",
    company="",
    email="maria@shopper.example",
    phone="+44 113 496 0000",
    vat_number="",
    customer_id="7",
    billing=_HOME,
    shipping=_HOME,
)


def gbp(amount: str) -> Money:
    return Money(Decimal(amount), "GBP")


class Day:
    """``today`` is the company's own; ``begin`` is before all that is done in it."""

    def __init__(self, erp: Odoo, desk: Desk, begin: dt.datetime) -> None:
        self.erp, self.desk, self.begin = erp, desk, begin
        self.today = begin.date()

    def live(self) -> None:
        self.erp.ping()
        buyer = self._customers()
        sold = self._order(buyer)
        self._goods(sold)
        self._money(buyer, sold)
        self._second_order(buyer)
        self._catalogue()
        self._news(buyer, sold)
        with _refused():
            self.erp.archive(buyer.ref)

    def _customers(self) -> Record:
        erp, document = self.erp, PartyDocument(_MARIA)
        erp.find(Kind.PARTY, "C7")
        buyer = erp.create(document, key="C7")
        with _refused():
            erp.create(document, key="C7")
        erp.match(_MARIA, "email")
        erp.add_address(buyer.ref, _WORK)
        found = erp.profile(buyer.ref)
        assert found is not None
        erp.update_profile(buyer.ref, Profile(phone="+44 113 496 0002"), version=found[1])
        erp.profiles([buyer.ref])
        again = erp.get(buyer.ref)
        assert again is not None
        return again

    def _document(self, buyer: Record, *lines: DocumentLine) -> SalesDocument:
        amounts = [line.net for line in lines]
        amounts += [tax.amount for line in lines for tax in line.taxes]
        return SalesDocument(
            number="1042",
            party=buyer.ref,
            billing_address=buyer.addresses[0][1],
            shipping_address=buyer.addresses[0][1],
            currency="GBP",
            placed_on=self.today,
            lines=lines,
            total=Money.total(amounts, "GBP"),
            po_number="PO-7",
            comment="Leave at the door",
            carrier="Parcel Post",
            payment_terms="30 Days",
        )

    def _order(self, buyer: Record) -> Record:
        erp = self.erp
        document = self._document(
            buyer,
            _line("10.00", "2.00", quantity="3"),
            _line("4.99", "1.00", item="SHIPPING"),
            DocumentLine("Engraving: M", Decimal(1), gbp("0")),
            DocumentLine("Fee", Decimal(1), gbp("1.00"), account="4000"),
        )
        with _refused():
            erp.create(replace(document, lines=(_line("1", "0", item="NO-SUCH"),)), key="uk-0")
        erp.find(Kind.SALES_ORDER, "uk-1")
        made = erp.create(document, key="uk-1")
        erp.create(document, key="uk-1")
        erp.numbered(Kind.SALES_ORDER, [made.number, "no such number"])
        erp.amend(made, self._document(buyer, *document.lines[:2]))
        confirmed = erp.advance(made, State.CONFIRMED)
        erp.advance(made, State.CONFIRMED)
        with _refused():
            erp.amend(confirmed, document)
        erp.progress(made.ref)
        return confirmed

    def _goods(self, sold: Record) -> None:
        order = int(sold.ref.id)
        self.desk.ship(order, {"MUG": Decimal(1)}, tracking="AB1")
        self.erp.progress(sold.ref)
        self.desk.ship(order)
        with _refused():
            self.erp.void(sold)

    def _money(self, buyer: Record, sold: Record) -> None:
        erp = self.erp
        paid = PaymentDocument(
            order=sold.ref,
            party=buyer.ref,
            amount=gbp("17.99"),
            received_on=self.today,
            account="Web payments",
            reference="ch_1",
        )
        payment = erp.create(paid, key="uk-1-p")
        erp.find(Kind.PAYMENT, "uk-1-p")
        erp.reconcile(sold.ref, [payment.ref])  # nothing is invoiced yet
        invoice = self.desk.post_invoice(int(sold.ref.id))
        erp.reconcile(sold.ref, [payment.ref])
        erp.reconcile(sold.ref, [payment.ref])
        credit = CreditDocument(
            number="1042-R1",
            order=sold.ref,
            party=buyer.ref,
            billing_address=buyer.addresses[0][1],
            currency="GBP",
            issued_on=self.today,
            lines=(_line("3.33", "0.67"),),
            total=gbp("4.00"),
            comment="Broken",
        )
        booked = erp.advance(erp.create(credit, key="uk-1-r1"), State.CONFIRMED)
        erp.advance(booked, State.CONFIRMED)
        erp.find(Kind.CREDIT_NOTE, "uk-1-r1")
        goodwill = replace(credit, lines=(_line("1.00", "0.20", quantity="0"),), total=gbp("1.20"))
        erp.advance(erp.create(goodwill, key="uk-1-r2"), State.CONFIRMED)
        back = erp.create(replace(paid, amount=gbp("-4.00"), reference="re_1"), key="uk-1-r1-p")
        erp.reconcile(sold.ref, [payment.ref, back.ref])
        erp.open_day(Kind.CREDIT_NOTE, self.today)
        self.desk.print("account.move", invoice)
        erp.document(Ref(sold.ref.system, Kind.INVOICE, str(invoice)))
        erp.progress(sold.ref)

    def _second_order(self, buyer: Record) -> None:
        document = self._document(buyer, _line("20.00", "4.00", quantity="2"))
        made = self.erp.create(document, key="uk-2")
        self.erp.advance(made, State.CONFIRMED)
        self.erp.void(made)
        self.erp.find(Kind.SALES_ORDER, "uk-2")

    def _catalogue(self) -> None:
        erp = self.erp
        cup = ItemDocument("CUP", "Cup", price=Decimal("7.50"), taxes=("VAT 20%",))
        made = erp.create(cup, key="CUP")
        with _refused():
            erp.create(cup, key="CUP")
        erp.update_item(made.ref.id, ItemDocument("CUP", "A big cup", weight=Decimal("0.3")))
        self.desk.set_price("CUP", Decimal("6.00"), price_list="Wholesale")
        erp.create(ItemDocument("SET", "Set of cups"), key="SET")
        self.desk.make_recipe("SET", {"CUP": Decimal(6)}, kit=True)
        erp.recipes()
        erp.item_ids(limit=2)
        ours = list(erp.find_items(["CUP", "SET", "NO-SUCH"]).values())
        erp.items(ours)
        erp.prices(ours, ["Wholesale"], currency="GBP")
        erp.stock(ours, ["MAIN", "EAST"])
        self.desk.archive_item("SET")
        erp.items(ours)

    def _news(self, buyer: Record, sold: Record) -> None:
        erp = self.erp
        for kind in sorted(erp.capabilities.tells):
            erp.changes(kind, self.begin, limit=20)
        erp.sales("uk-", self.today)
        erp.sales_of(["uk-1", "uk-2", "uk-3"])
        erp.get(sold.ref)
        erp.get(Ref(sold.ref.system, Kind.SALES_ORDER, "987654321"))


def _line(net: str, tax: str, *, item: str = "MUG", quantity: str = "1") -> DocumentLine:
    taxes = (LineTax("VAT 20%", gbp(tax)),)
    return DocumentLine("A line", Decimal(quantity), gbp(net), item, taxes=taxes, source="1")


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    """Both answers are recorded; which one it is, the tests of the adapter say."""
    with contextlib.suppress(AccordError):
        yield


ERRORS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("sale.order", "_compute_amounts", {"ids": [1]}),
    ("sale.order", "no_such_method", {"ids": [1]}),
    ("no.such.model", "search_read", {"domain": []}),
    ("res.partner", "search_read", {"domain": [], "fields": ["no_such_field"]}),
    ("res.partner", "search_read", {"domain": [["no_such_field", "=", 1]], "fields": ["name"]}),
    ("res.partner", "write", {"ids": [987654321], "vals": {"name": "Nobody"}}),
    ("res.partner", "read", {"ids": [987654321], "fields": ["name"]}),
    ("sale.order", "action_confirm", {"ids": [987654321]}),
    ("sale.order", "create", {"vals_list": [{"note": "nobody's"}]}),
    ("ir.config_parameter", "search_read", {"domain": [], "fields": ["key"]}),
    ("account.payment", "create", {"vals_list": [{"no_such_field": 1}]}),
)
"""Calls that are refused: model, method, arguments by name."""
