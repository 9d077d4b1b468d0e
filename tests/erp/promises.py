"""The beginning of every promise: an adapter, people at its back office, and whole documents."""

import datetime as dt
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

import pytest

from accord.model.change import Ref
from accord.model.documents import (
    DocumentLine,
    Kind,
    LineTax,
    PartyDocument,
    PaymentDocument,
    Record,
    SalesDocument,
    State,
)
from accord.model.money import Money
from accord.model.party import Address, Party
from accord.ports.erp import Connection, ErpAdapter

Make = Callable[..., Any]

Basket = tuple[tuple[str, str, str, str], ...]
"""(item, quantity, net, tax code) per line; the words in capitals are attributes of the class."""

BASKETS: dict[str, Basket] = {
    "one line": (("ITEM", "1", "10.00", "TAX_20"),),
    "a discount as a negative fee": (
        ("ITEM", "3", "30.00", "TAX_20"),
        ("SERVICE", "1", "-4.17", "TAX_20"),
    ),
    "zero-rated": (("ITEM", "2", "19.98", "TAX_0"),),
    "two rates and shipping": (
        ("ITEM", "1", "12.49", "TAX_20"),
        ("ITEM", "7", "33.33", "TAX_5"),
        ("SERVICE", "1", "4.99", "TAX_20"),
    ),
    "a price that does not divide": (("ITEM", "3", "10.00", "TAX_20"),),
    "a part of a piece": (("ITEM", "0.5", "9.99", "TAX_20"),),
    "cents that round up on every line": tuple(("ITEM", "1", "0.13", "TAX_20") for _ in range(7)),
    "given away": (("ITEM", "1", "0.00", "TAX_20"),),
    "many lines": tuple(("ITEM", str(n), f"{n}.{n:02}", "TAX_20") for n in range(1, 61)),
}


class Promises:
    """Whole things to make promises about.

    A subclass gives the fixture ``erp``, the method ``connection`` and what people do by hand, and
    overrides the codes of its master data where they differ.
    """

    ITEM: ClassVar[str] = "MUG"
    SERVICE: ClassVar[str] = "SHIPPING"
    TAX_20: ClassVar[str] = "VAT 20%"
    TAX_5: ClassVar[str] = "VAT 5%"
    TAX_0: ClassVar[str] = "VAT 0%"
    CURRENCY: ClassVar[str] = "GBP"
    ACCOUNT: ClassVar[str] = "Web payments"
    """Where payments go."""
    INCOME_ACCOUNT: ClassVar[str] = "4000"
    """Where a text line is booked."""

    NO_SUCH_YEAR: ClassVar[dt.date | None] = dt.date(2099, 5, 1)
    """In no period. None where the books have no end."""
    NETS_CREDITS: ClassVar[bool] = False
    """A credit note that is booked is set against its invoice at once, if that is still open."""

    def connection(self, url: str) -> Connection:
        """A connection of this adapter's kind to ``url``."""
        raise self._unsaid("connected")

    # --- what people do in the back office --------------------------------------

    def cancel_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        """The order is cancelled there."""
        raise self._unsaid("cancelled")

    def ship(
        self,
        erp: ErpAdapter,
        record: Record,
        items: Mapping[str, Decimal] | None = None,
        *,
        tracking: str = "",
    ) -> None:
        """All that is open of the order leaves, or ``items`` of it."""
        raise self._unsaid("shipped")

    def post_invoice(self, erp: ErpAdapter, record: Record) -> None:
        """The order's invoice is booked."""
        raise self._unsaid("invoiced")

    def credit_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        """The whole of the order's posted invoice is credited."""
        raise self._unsaid("credited")

    def receive_return(self, erp: ErpAdapter, record: Record) -> dict[str, Decimal]:
        """The warehouse takes in what was announced of the order: item → how many, in all."""
        raise self._unsaid("received")

    def edit_party(self, erp: ErpAdapter, ref: Ref, **fields: str) -> None:
        """Someone writes ``name``, ``email``, ``phone`` or ``vat_number`` of the party."""
        raise self._unsaid("edited")

    def close_period(self, erp: ErpAdapter, month: dt.date) -> None:
        """Nothing is booked any more in the month of that day."""
        raise self._unsaid("closed")

    def print_by_hand(self, erp: ErpAdapter, ref: Ref) -> None:
        """The document is sent or printed there; most print it when they are asked for it."""

    def first(self, erp: ErpAdapter) -> State:
        """The state in which an order begins: a draft, where there is something before the offer."""
        return State.DRAFT if State.DRAFT in erp.capabilities.states else State.QUOTATION

    def next(self, erp: ErpAdapter) -> State:
        """The state that comes behind it."""
        return State.QUOTATION if self.first(erp) is State.DRAFT else State.CONFIRMED

    def moment(self) -> dt.datetime:
        """Later than all that happened, earlier than all that follows, by the other side's clock."""
        return dt.datetime.now(dt.UTC)

    def closable(self) -> dt.date:
        """The first day of an open month that no other test needs and another follows."""
        raise self._unsaid("closed")

    def _unsaid(self, done: str) -> AssertionError:
        return AssertionError(f"{type(self).__name__} does not say how something is {done}")

    # --- whole things to name the interesting part of ----------------------------

    @pytest.fixture
    def unique(self) -> str:
        """A text that no other test used: a real back office keeps what earlier tests made."""
        return uuid.uuid4().hex[:10]

    @pytest.fixture
    def key(self, unique: str) -> str:
        return f"uk-{unique}"

    @pytest.fixture
    def party(self, unique: str) -> Make:
        """Makes a PartyDocument; arguments replace fields of the Party."""
        home = Address(
            name="Maria Jones",
            street="1 High Street",
            city="Leeds",
            postal_code="LS1 1AA",
            country="GB",
        )

        def make(**changes: Any) -> PartyDocument:
            whole = Party(
                name="Maria Jones",
                company="",
                email=f"maria.{unique}@shopper.example",
                phone="+44 113 496 0000",
                vat_number="",
                customer_id="7",
                billing=home,
                shipping=home,
            )
            return PartyDocument(replace(whole, **changes))

        return make

    @pytest.fixture
    def buyer(self, erp: ErpAdapter, party: Make, unique: str) -> Record:
        """A party of the back office."""
        return erp.create(party(), key=f"P{unique}")

    def line(
        self, net: str = "10.00", *, item: str | None = None, quantity: str = "1", tax: str = ""
    ) -> DocumentLine:
        """One line, taxed at 20 % unless ``tax`` names another code."""
        code = tax or self.TAX_20
        percent = {self.TAX_20: 20, self.TAX_5: 5, self.TAX_0: 0}.get(code, 20)
        amount = Money(Decimal(net) * percent / 100, self.CURRENCY).rounded()
        return DocumentLine(
            description="A line",
            quantity=Decimal(quantity),
            net=Money(Decimal(net), self.CURRENCY),
            item=item or self.ITEM,
            taxes=(LineTax(code, amount),),
            source="1",
        )

    def basket(self, name: str) -> tuple[DocumentLine, ...]:
        return tuple(
            self.line(net, item=getattr(self, item), quantity=quantity, tax=getattr(self, tax))
            for item, quantity, net, tax in BASKETS[name]
        )

    @pytest.fixture
    def order(self, buyer: Record) -> Make:
        """Makes a SalesDocument of ``buyer``; its total is what its lines come to."""

        def make(**changes: Any) -> SalesDocument:
            lines = changes.pop("lines", (self.line(),))
            amounts = [line.net for line in lines]
            amounts += [tax.amount for line in lines for tax in line.taxes]
            address = buyer.addresses[0][1]
            whole = SalesDocument(
                number="1042",
                party=buyer.ref,
                billing_address=address,
                shipping_address=address,
                currency=self.CURRENCY,
                placed_on=dt.datetime.now(dt.UTC).date(),
                lines=lines,
                total=Money.total(amounts, self.CURRENCY),
            )
            return replace(whole, **changes)

        return make

    @pytest.fixture
    def unreachable(self, erp: ErpAdapter) -> Iterator[ErpAdapter]:
        """The same adapter, at an address where nobody listens."""
        with socket.socket() as taken:  # bound and never listening: surely refused
            taken.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            yield type(erp).connect(self.connection(url))

    @pytest.fixture
    def payment(self, erp: ErpAdapter, buyer: Record, order: Make, key: str) -> PaymentDocument:
        """For the whole of a confirmed order."""
        if not erp.capabilities.can(Kind.PAYMENT):
            pytest.skip("it holds no payments")
        document = order()
        confirmed = erp.advance(erp.create(document, key=key), State.CONFIRMED)
        return PaymentDocument(
            order=confirmed.ref,
            party=buyer.ref,
            amount=document.total,
            received_on=document.placed_on,
            account=self.ACCOUNT,
            reference="ch_1",
        )
