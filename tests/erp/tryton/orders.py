"""The beginning of tests on a real Tryton: orders, what people did with them, a wire that breaks."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

import httpx
import pytest

from accord.erp.tryton.adapter import Tryton
from accord.erp.tryton.wire import Values
from accord.local.tryton import TrytonServer
from accord.model.change import Ref
from accord.model.documents import CreditDocument, DocumentLine, Kind, Record, State
from accord.model.money import Money
from tests.erp.promises import Make, Promises

CONTEXT = {"company": 1, "language": "en"}


class DeadError(Exception):
    """The worker ended here: nobody in it catches this."""


class Wire(httpx.BaseTransport):
    """To the server, until it is told to break.

    ``die_after``: so many more calls are answered; the one after them takes effect, its answer is
    lost and the worker with it. ``before``: what happens elsewhere just before a method arrives.
    """

    def __init__(self) -> None:
        self.die_after: int | None = None
        self.before: dict[str, Callable[[], None]] = {}
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        method = json.loads(request.read())["method"]
        if happens := self.before.pop(method, None):
            happens()
        response = self._inner.handle_request(request)
        if self.die_after is None:
            return response
        if self.die_after == 0:
            response.read()
            response.close()
            raise DeadError(method)
        self.die_after -= 1
        return response

    def close(self) -> None:
        self._inner.close()


class TrytonOrders(Promises):
    """Orders of a buyer on the real Tryton, and the hands of the people there."""

    ITEM: ClassVar[str] = "ROPE"  # sold by the metre: half a mug would be refused
    SERVICE: ClassVar[str] = "SHIPPING-FEE"
    INCOME_ACCOUNT: ClassVar[str] = "4.1.1"

    @pytest.fixture
    def wire(self) -> Wire:
        return Wire()

    @pytest.fixture
    def worker(self, server: TrytonServer, wire: Wire, order: Make, buyer: Record) -> Tryton:
        """An adapter over ``wire``, warm: all it must know of the master data is known."""
        erp = Tryton.connect(server.connection(), transport=wire)
        erp.preview(order(lines=(self.line(), self.line(item="MUG"), self.service())))
        return erp

    @pytest.fixture
    def confirmed(self, erp: Tryton, order: Make, key: str) -> Record:
        """Goods and a service, with a shipment and a draft invoice."""
        document = order(lines=(self.line(item="MUG", quantity="2"), self.service()))
        return erp.advance(erp.create(document, key=key), State.CONFIRMED)

    @pytest.fixture
    def hands(self, server: TrytonServer) -> "Hands":
        return Hands(server)

    @pytest.fixture
    def refund(self, confirmed: Record, buyer: Record, order: Make) -> Make:
        """Makes a CreditDocument of ``confirmed``; its total is what its lines come to."""

        def make(*lines: DocumentLine, **changes: Any) -> CreditDocument:
            lines = lines or (self.line(item="MUG"),)
            amounts = [line.net for line in lines]
            amounts += [tax.amount for line in lines for tax in line.taxes]
            sold = order()
            values: dict[str, Any] = {
                "number": "1042-7",
                "order": confirmed.ref,
                "party": buyer.ref,
                "billing_address": sold.billing_address,
                "currency": self.CURRENCY,
                "issued_on": sold.placed_on,
                "lines": lines,
                "total": Money.total(amounts, lines[0].net.currency),
                "comment": "Arrived broken",
            }
            return CreditDocument(**{**values, **changes})

        return make

    def service(self, net: str = "3.00") -> DocumentLine:
        return self.line(net, item=self.SERVICE)

    @staticmethod
    def state(erp: Tryton, record: Record) -> State:
        """What the adapter says of it when asked anew."""
        now = erp.get(record.ref)
        assert now is not None
        return now.state

    @staticmethod
    def only(erp: Tryton, kind: Kind, key: str) -> Record:
        (found,) = erp.find(kind, key)
        return found


class Hands:
    """What people do and see in Tryton, under the administrator's login."""

    def __init__(self, server: TrytonServer) -> None:
        self._client = server.administrator()

    def do(self, method: str, *args: Any) -> Any:
        return self._client.call(f"model.{method}", *args, context=CONTEXT)

    def sale(self, record: Record, *fields: str) -> Values:
        wanted = fields or ("state", "shipments.state", "invoices.state")
        (row,) = self.do("sale.sale.read", [int(record.ref.id)], list(wanted))
        return row

    def shipment(self, record: Record, *buttons: str) -> None:
        """Presses ``buttons`` on the order's shipments."""
        ids = self.sale(record, "shipments")["shipments"]
        for button in buttons:
            self.do(f"stock.shipment.out.{button}", ids)

    def ship(self, record: Record) -> None:
        self.shipment(record, "assign_force", "pick", "pack", "do")

    def invoice(self, record: Record, button: str = "post") -> None:
        self.do(f"account.invoice.{button}", self.sale(record, "invoices")["invoices"])

    def pay(self, record: Record) -> None:
        """The order's invoice, by the wizard, in full."""
        (id_,) = self.sale(record, "invoices")["invoices"]
        wizard, context = "wizard.account.invoice.pay", {**CONTEXT, "active_id": id_}
        context |= {"active_ids": [id_], "active_model": "account.invoice"}
        session, start, _ = self._client.call(f"{wizard}.create", context=context)
        view = self._client.call(f"{wizard}.execute", session, {}, start, context=context)
        form = {key: value for key, value in view["view"]["defaults"].items() if key[-1] != "."}
        (method,) = self.do("account.invoice.payment.method.search", [])
        form |= {"payment_method": method, "description": "paid"}
        self._client.call(f"{wizard}.execute", session, {"start": form}, "choice", context=context)

    def merge(self, old: Ref, new: Ref) -> None:
        """One party into another, by the wizard."""
        ids = {"source": int(old.id), "destination": int(new.id)}
        wizard, context = "wizard.party.replace", {**CONTEXT, "active_id": ids["source"]}
        context |= {"active_ids": [ids["source"]], "active_model": "party.party"}
        session = self._client.call(f"{wizard}.create", context=context)[0]
        self._client.call(f"{wizard}.execute", session, {"ask": ids}, "replace", context=context)

    def credit_note(self, record: Record, *fields: str) -> Values:
        (row,) = self.do("account.invoice.read", [int(record.ref.id)], list(fields))
        return row

    def after(self, record: Record) -> tuple[str, set[str], set[str]]:
        """State of the sale, of its shipments, of its invoices, once it was processed again."""
        self.do("sale.sale.process", [int(record.ref.id)])
        row = self.sale(record)
        shipments = {each["state"] for each in row["shipments."]}
        return row["state"], shipments, {each["state"] for each in row["invoices."]}
