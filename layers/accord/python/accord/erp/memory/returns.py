"""Goods that come back to the ledger's warehouse: announced, opened, received."""

from dataclasses import dataclass
from decimal import Decimal

from accord.erp.memory.entries import Entry, Json, Records, RefusedError
from accord.erp.memory.orders import Numbers, Orders
from accord.erp.memory.parties import Parties
from accord.erp.memory.stocks import Stocks


@dataclass(frozen=True, slots=True)
class Returns:
    """The returns of sales orders. They hang on their order and touch neither it nor its money."""

    _records: Records
    _parties: Parties
    _orders: Orders
    _numbers: Numbers
    _stocks: Stocks

    def enter(self, entry: Entry) -> None:
        """A new return is a draft."""
        document = entry.document
        entry.order = self._orders.confirmed(document["order"])
        self._parties.check(document)
        if not document["items"]:
            raise RefusedError("rejected", "a return of nothing")

    def open(self, entry: Entry) -> None:
        """Numbered, and on the warehouse's list."""
        if entry.state == "draft":
            entry.number = self._numbers.take("return")
            entry.state = "confirmed"
            self._records.wrote(entry)

    def receive(self, arguments: Json) -> Json:
        """A person in the warehouse takes in what is open of the order's returns."""
        order = self._orders.find(arguments["id"])
        opened = [part for part in order.of_kind("return") if part.state == "confirmed"]
        if not opened:
            raise RefusedError("rejected", f"{order.number or order.key} has no open return")
        pieces: dict[str, Decimal] = {}
        for part in opened:
            part.state = "received"
            self._records.wrote(part)
            for item, quantity in part.document["items"].items():
                pieces[item] = pieces.get(item, Decimal(0)) + Decimal(quantity)
        self._stocks.take_back(order.id, pieces)
        return {"items": {item: str(quantity) for item, quantity in pieces.items()}}


def shown_return(entry: Entry) -> Json:
    """A return in JSON, for those who look on."""
    return {
        "id": entry.id,
        "key": entry.key,
        "number": entry.number,
        "state": "open" if entry.state == "confirmed" else entry.state,
        "items": dict(entry.document["items"]),
    }
