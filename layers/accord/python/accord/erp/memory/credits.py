"""Credit notes and payments of an order in the ledger."""

from dataclasses import dataclass
from decimal import Decimal

from accord.erp.memory.entries import Entry, Json, Records, RefusedError
from accord.erp.memory.master import Master, Periods, Rounding, totals
from accord.erp.memory.orders import Numbers, Orders
from accord.erp.memory.parties import Parties
from accord.model.money import Money
from accord.model.open_items import OpenItem, settled


@dataclass(frozen=True, slots=True)
class Credits:
    """What is taken back of orders, and the money that came and went for them."""

    _records: Records
    _parties: Parties
    _orders: Orders
    _numbers: Numbers
    _master: Master
    _periods: Periods
    _rounding: Rounding

    # --- payments -------------------------------------------------------------

    def enter_payment(self, entry: Entry) -> None:
        """A new payment is booked at once. Money goes back for a voided order too."""
        document = entry.document
        order = self._records.get("sales_order", document["order"])
        back = Decimal(document["amount"]) < 0
        if order is None or (order.state == "voided" and not back):
            raise RefusedError("rejected", f"no order {document['order']} to be paid")
        self._same_currency(order, document)
        self._periods.check("payment", document)
        entry.order = order
        entry.number = self._numbers.take("payment")
        entry.state = "confirmed"
        amount = document["amount"]
        entry.totals = {
            "net": amount,
            "tax": "0",
            "gross": amount,
            "currency": document["currency"],
        }

    def reconcile(self, arguments: Json) -> Json:
        """What was booked of the order and its ``payments``, set against each other where it fits.

        Documents of which that is said are paid.
        """
        order = self._orders.find(arguments["id"])
        wanted = set(arguments["payments"])
        booked = [
            part
            for part in order.of_kind("invoice", "credit_note", "payment")
            if part.state == "posted"
            or (part.kind == "payment" and part.id in wanted and not part.settled)
        ]
        found = {part.id: part for part in booked}
        for group in settled(map(_open_item, booked)):
            for item in group:
                part = found[item.id]
                if part.kind == "payment":
                    part.settled = True
                else:
                    part.state = "paid"
                    self._records.wrote(part)
        return {}

    # --- credit notes -----------------------------------------------------------

    def enter(self, entry: Entry) -> None:
        """A new credit note is a draft with its totals."""
        document = entry.document
        order = self._orders.confirmed(document["order"])
        self._same_currency(order, document)
        self._parties.check(document)
        self._periods.check("credit_note", document)
        entry.order = order
        entry.totals = self._master.totals(document, self._rounding)
        gross, left = Decimal(entry.totals["gross"]), self._left(order)
        if gross > left:
            raise RefusedError(
                "rejected", f"{gross} is more than the {left} left of {order.number}"
            )

    def post(self, entry: Entry) -> None:
        """Booked, with a number."""
        if entry.state == "cancelled":
            raise RefusedError("rejected", f"credit note {entry.key} is cancelled")
        if entry.state == "draft":
            self._periods.check("credit_note", entry.document)
            entry.number = self._numbers.take("credit_note")
            entry.state = "posted"
            self._records.wrote(entry)

    def redate(self, arguments: Json) -> Json:
        """Another document in place of the old one, of the same worth on another day."""
        entry, document = self._records.get("credit_note", arguments["id"]), arguments["document"]
        if entry is None or entry.state != "draft":
            raise RefusedError("rejected", f"credit note {arguments['id']} can no longer be moved")
        self._periods.check("credit_note", document)
        document = {**document, "key": entry.key}
        if entry.document != document:
            entry.document = document
            entry.totals = self._master.totals(document, self._rounding)
            self._records.wrote(entry)
        return {"record": entry.shown()}

    def credit(self, arguments: Json) -> Json:
        """A person credits items, an amount with tax in it, or all that is left; booked today."""
        order = self._orders.confirmed(arguments["id"])
        if arguments["items"] is not None:
            worth = self._worth(order, arguments["items"])
        else:
            worth = self._share(order, arguments["amount"] or str(self._left(order)))
        gross, left = Decimal(worth["gross"]), self._left(order)
        if not 0 < gross <= left:
            raise RefusedError("rejected", f"{gross} cannot be credited of the {left} left")
        document = {"issued_on": self._records.clock().date().isoformat()}
        self._periods.check("credit_note", document)
        entry = self._records.new("credit_note", "", document, order=order)
        entry.totals = worth
        entry.number = self._numbers.take("credit_note")
        entry.state = "posted"
        self._records.keep(entry)
        return {"record": entry.shown()}

    def _left(self, order: Entry) -> Decimal:
        """What is left of the order to be credited, drafts taken off."""
        return _gross(order) - sum(
            (_gross(note) for note in order.of_kind("credit_note") if note.state != "cancelled"),
            Decimal(0),
        )

    def _worth(self, order: Entry, items: dict[str, str]) -> Json:
        """What so many of each item come to: their part of the order's lines."""
        left = {item: Decimal(quantity) for item, quantity in items.items()}
        lines = []
        for line in order.document["lines"]:
            quantity = Decimal(line["quantity"])
            part = min(left.get(line["item"], Decimal(0)), quantity)
            if part > 0:
                left[line["item"]] -= part
                share = part / quantity
                taxes = [[code, str(Decimal(tax) * share)] for code, tax in line["taxes"]]
                lines.append({**line, "net": str(Decimal(line["net"]) * share), "taxes": taxes})
        if any(left.values()):
            raise RefusedError("rejected", f"{order.number} has less than {items}")
        return self._master.totals({**order.document, "lines": lines}, self._rounding)

    def _share(self, order: Entry, amount: str) -> Json:
        """``amount`` with the order's proportion of tax in it."""
        whole = order.totals or {}
        gross, currency = Decimal(amount), order.document["currency"]
        part = gross * Decimal(whole["tax"]) / (Decimal(whole["gross"]) or 1)
        tax = Money(part, currency).rounded().amount
        return totals(gross - tax, tax, currency)

    def _same_currency(self, order: Entry, document: Json) -> None:
        if order.document["currency"] != document["currency"]:
            raise RefusedError("rejected", f"order {order.id} is not in {document['currency']}")


def _gross(entry: Entry) -> Decimal:
    return Decimal(entry.totals["gross"]) if entry.totals else Decimal(0)


def _open_item(entry: Entry) -> OpenItem:
    owed = _gross(entry) if entry.kind == "invoice" else -_gross(entry)
    return OpenItem(entry.id, owed, is_money=entry.kind == "payment")
