"""Whole things for the ledger's tests, and a clock that they move."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from accord.erp.memory.adapter import Memory
from accord.erp.memory.faults import Fault, FaultKind
from accord.model.documents import DocumentLine, Kind, LineTax, PartyDocument, SalesDocument
from accord.model.money import Money
from accord.model.party import Address, Party

START = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += dt.timedelta(seconds=seconds)


def maria(**changes: Any) -> PartyDocument:
    home = Address(street="1 High Street", city="Leeds", country="GB")
    whole: dict[str, Any] = {
        "name": "Maria Jones",
        "company": "",
        "email": "maria@shopper.example",
        "phone": "",
        "vat_number": "",
        "customer_id": None,
        "billing": home,
        "shipping": home,
    }
    return PartyDocument(Party(**{**whole, **changes}))


def line(net: str = "10.00", tax: str = "2.00", currency: str = "GBP") -> DocumentLine:
    taxes = (LineTax("VAT 20%", Money(Decimal(tax), currency)),)
    return DocumentLine("A mug", Decimal(1), Money(Decimal(net), currency), "MUG", taxes=taxes)


def order(erp: Memory, *lines: DocumentLine, **changes: Any) -> SalesDocument:
    """An order of Maria's, who is made on the way."""
    parties = erp.find(Kind.PARTY, "MARI01")
    party = parties[0].ref if parties else erp.create(maria(), key="MARI01").ref
    whole: dict[str, Any] = {
        "number": "1042",
        "party": party,
        "billing_address": "",
        "shipping_address": "",
        "currency": "GBP",
        "placed_on": START.date(),
        "lines": lines or (line(),),
        "total": Money(Decimal(12), "GBP"),
    }
    return SalesDocument(**{**whole, **changes})


def once(kind: FaultKind, *, on: str, seconds: float = 0) -> Callable[[str], Fault | None]:
    """The next call of ``on`` meets ``kind``; no other does."""
    left = [Fault(kind, dt.timedelta(seconds=seconds))]
    return lambda operation: left.pop() if left and operation == on else None
