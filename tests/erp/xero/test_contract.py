"""Xero keeps the promises of every back office, whatever its invoices show."""

import datetime as dt
from typing import ClassVar

import pytest

from accord.local.xero import FakeXero
from accord.model.change import Ref
from accord.model.documents import Record
from accord.ports.erp import ErpAdapter
from tests.erp.contract import ErpContract
from tests.erp.life import LifeContract
from tests.erp.xero.conftest import connected
from tests.erp.xero.hands import OnXero


class OfXero(OnXero, ErpContract, LifeContract):
    """What the classes below have in common."""

    NETS_CREDITS: ClassVar[bool] = True
    NO_SUCH_YEAR: ClassVar[dt.date | None] = None

    def post_invoice(self, erp: ErpAdapter, record: Record) -> None:
        """An order that is confirmed is the invoice."""

    def credit_by_hand(self, erp: ErpAdapter, record: Record) -> None:
        self._desk.credit(record.ref.id)

    def edit_party(self, erp: ErpAdapter, ref: Ref, **fields: str) -> None:
        names = {"email": "EmailAddress", "vat_number": "TaxNumber"}
        for name, value in fields.items():
            match name:
                case "phone":
                    phone = {"PhoneType": "DEFAULT", "PhoneNumber": value}
                    self._desk.edit_contact(ref.id, Phones=[phone])
                case "name":
                    first, _, last = value.rpartition(" ")
                    self._desk.edit_contact(ref.id, Name=value, FirstName=first, LastName=last)
                case _:
                    self._desk.edit_contact(ref.id, **{names[name]: value})

    def close_period(self, erp: ErpAdapter, month: dt.date) -> None:
        after = (month.replace(day=1) + dt.timedelta(days=31)).replace(day=1)
        self._desk.lock_until(after - dt.timedelta(days=1))

    def closable(self) -> dt.date:
        return dt.date(2027, 3, 1)


class TestXero(OfXero):
    """Lines show prices without tax."""


class TestXeroWithTaxInItsPrices(OfXero):
    @pytest.fixture
    def erp(self, xero: FakeXero) -> ErpAdapter:
        return connected(xero, prices="with tax")
