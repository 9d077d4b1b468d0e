"""A sales order in the ledger: amended, confirmed, shipped, invoiced, voided."""

import heapq
import itertools
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from accord.erp.memory.entries import Entry, Json, Records, RefusedError
from accord.erp.memory.master import Master, Periods, Rounding
from accord.erp.memory.parties import Parties
from accord.erp.memory.stocks import Stocks
from accord.model.documents import State
from accord.model.keys import first_generation
from accord.model.sale import place_of

_RANK = {state.value: state.rank for state in State}
_PREFIX = {
    "sales_order": "SO",
    "payment": "PAY",
    "shipment": "SHP",
    "invoice": "INV",
    "credit_note": "CN",
    "return": "RET",
}


class Numbers:
    """Numbers without gaps, per kind."""

    def __init__(self) -> None:
        self._next = {kind: itertools.count(1) for kind in _PREFIX}

    def take(self, kind: str) -> str:
        """The next one of ``kind``: ``SO-000001``."""
        return f"{_PREFIX[kind]}-{next(self._next[kind]):06}"


class Orders:
    """The sales orders among ``records``, with their shipments and invoices."""

    def __init__(
        self,
        records: Records,
        parties: Parties,
        numbers: Numbers,
        stocks: Stocks,
        *,
        master: Master,
        periods: Periods,
        rounding: Rounding,
    ) -> None:
        self._records = records
        self._parties = parties
        self._numbers = numbers
        self._stocks = stocks
        self._master = master
        self._periods = periods
        self._rounding = rounding

    def find(self, id_: str) -> Entry:
        """Raises: RefusedError: there is none."""
        entry = self._records.get("sales_order", id_)
        if entry is None:
            raise RefusedError("rejected", f"no sales order {id_}")
        return entry

    def confirmed(self, id_: str) -> Entry:
        """Raises: RefusedError: there is none, or it is not confirmed."""
        entry = self.find(id_)
        if entry.state != "confirmed":
            raise RefusedError("rejected", f"{_name(entry)} is {entry.state}, not confirmed")
        return entry

    # --- many at once -----------------------------------------------------------

    def since(self, arguments: Json) -> Json:
        """Orders by (day, id) under keys that begin so."""
        prefix, after = arguments["prefix"], ("", 0)
        if arguments["after"]:
            day, number = place_of(arguments["after"])
            after = (day.isoformat(), int(number))
        found = [
            (_place(entry), entry)
            for entry in self._seen()
            if entry.key.startswith(prefix) and arguments["since"] <= _place(entry)[0]
        ]
        page = heapq.nsmallest(
            arguments["limit"],
            (each for each in found if each[0] > after),
            key=lambda each: each[0],
        )
        return {"sales": [_listed(entry) for _, entry in page]}

    def of(self, arguments: Json) -> Json:
        """Every generation of the orders with these keys."""
        keys = set(arguments["keys"])
        return {
            "sales": [
                _listed(entry) for entry in self._seen() if first_generation(entry.key) in keys
            ]
        }

    def _seen(self) -> list[Entry]:
        return list(
            self._records.seen([each for each in self._records if each.kind == "sales_order"])
        )

    # --- the order itself -----------------------------------------------------

    def advance(self, entry: Entry, to: str) -> None:
        """At least as far as ``to``."""
        if entry.state == "voided":
            raise RefusedError("rejected", f"{_name(entry)} is voided")
        if _RANK[entry.state] >= _RANK[to]:
            return
        party = self._parties.find(entry.document["party"])
        if to == "confirmed" and party.key in self._master.on_hold:
            raise RefusedError("credit_hold", f"{_name(entry)}: {party.key} is on credit hold")
        if entry.totals is None:
            entry.totals = self._master.totals(entry.document, self._rounding)
            entry.number = entry.number or self._numbers.take("sales_order")
        entry.state = to
        self._records.wrote(entry)
        if to == "confirmed":
            self._begin(entry)

    def amend(self, arguments: Json) -> Json:
        """Another document in place of the old one, as a draft."""
        entry, document = self.find(arguments["id"]), arguments["document"]
        if entry.state not in {"draft", "quotation"}:
            raise RefusedError("rejected", f"{_name(entry)} is {entry.state} by now")
        self._master.check(document)
        self._parties.check(document)
        document = {**document, "key": entry.key}
        if entry.state != "draft" or entry.document != document:
            entry.document, entry.state, entry.totals = document, "draft", None
            self._records.wrote(entry)
        return {"record": entry.shown()}

    def void(self, arguments: Json) -> Json:
        """Cancelled, with its open shipments and the drafts of its invoices and credit notes."""
        entry = self.find(arguments["id"])
        if entry.state == "voided":
            return {"record": entry.shown()}
        for part in entry.of_kind("shipment"):
            if part.state == "done":
                raise RefusedError("goods_left", f"{_name(entry)} left with {part.number}")
        for part in entry.of_kind("invoice", "credit_note"):
            if part.state in {"posted", "paid"}:
                raise RefusedError("invoiced", f"{_name(entry)} is in the books as {part.number}")
        for part in entry.of_kind("shipment", "invoice", "credit_note"):
            self._put(part, "cancelled")
        self._put(entry, "voided")
        self._stocks.release(entry.id)
        return {"record": entry.shown()}

    def delete(self, arguments: Json) -> Json:
        """What a person may delete: what never bound, or binds no more, and has no money on it."""
        entry = self.find(arguments["id"])
        if entry.state == "confirmed" or entry.of_kind("payment"):
            raise RefusedError("rejected", f"{_name(entry)} is {entry.state}, and stays")
        for part in [*entry.parts, entry]:
            self._records.drop(part)
        return {}

    def _begin(self, entry: Entry) -> None:
        """What a confirmed order sets going: a shipment of its goods, the draft of its invoice."""
        if goods := self._master.goods(entry.document):
            self._open_shipment(entry, goods)
            self._stocks.promise(entry.id, goods)
        invoice = self._records.new("invoice", "", {}, order=entry)
        invoice.totals = entry.totals
        self._records.keep(invoice)

    # --- shipments ------------------------------------------------------------

    def ship(self, arguments: Json) -> Json:
        """What a person hands to the carrier: all that is open, or these items; the rest waits."""
        entry = self.confirmed(arguments["id"])
        opened = [part for part in entry.of_kind("shipment") if part.state == "open"]
        left = opened[0].document["items"] if opened else {}
        wanted = arguments["items"] if arguments["items"] is not None else dict(left)
        now = {item: Decimal(quantity) for item, quantity in wanted.items()}
        rest = {item: Decimal(quantity) - now.get(item, 0) for item, quantity in left.items()}
        if not now or min(now.values()) <= 0 or now.keys() - rest.keys() or min(rest.values()) < 0:
            raise RefusedError("rejected", f"{_name(entry)} has {left or 'nothing'} to be shipped")
        (shipment,) = opened
        shipment.document = {
            "items": {item: str(quantity) for item, quantity in now.items()},
            "shipped_on": self._records.clock().date().isoformat(),
            "carrier": arguments["carrier"] or entry.document["carrier"] or "",
            "tracking": arguments["tracking"],
        }
        shipment.number = shipment.number or self._numbers.take("shipment")
        self._put(shipment, "done")
        self._stocks.ship(entry.id, now)
        if rest := {item: quantity for item, quantity in rest.items() if quantity}:
            self._open_shipment(entry, rest)
        return {"record": shipment.shown()}

    def _open_shipment(self, entry: Entry, goods: Mapping[str, Decimal]) -> None:
        items = {item: str(quantity) for item, quantity in goods.items()}
        shipment = self._records.new("shipment", "", {"items": items}, order=entry)
        shipment.number = self._numbers.take("shipment")
        shipment.state = "open"
        self._records.keep(shipment)

    # --- invoices -------------------------------------------------------------

    def post_invoice(self, arguments: Json) -> Json:
        """A person books the draft of the order's invoice, today."""
        invoice = self._invoice(self.confirmed(arguments["id"]))
        if invoice.state == "draft":
            document = {"issued_on": self._records.clock().date().isoformat()}
            self._periods.check("invoice", document)
            invoice.document = document
            invoice.number = self._numbers.take("invoice")
            self._put(invoice, "posted")
        return {"record": invoice.shown()}

    def pay_invoice(self, arguments: Json) -> Json:
        """A person finds the money that came for the invoice: it is paid. No payment is made."""
        invoice = self._invoice(self.confirmed(arguments["id"]))
        if invoice.state == "draft":
            raise RefusedError("rejected", "the invoice is not posted yet")
        self._put(invoice, "paid")
        return {"record": invoice.shown()}

    def _invoice(self, entry: Entry) -> Entry:
        (invoice,) = entry.of_kind("invoice")
        return invoice

    # --- how far it has come --------------------------------------------------

    def progress(self, arguments: Json) -> Json:
        """The order with all that came of it; ``progress`` is None when it is not there."""
        entry = self._records.get("sales_order", arguments["id"])
        if entry is None:
            return {"progress": None}
        return {
            "progress": {
                "order": entry.shown(),
                "shipped": self._shipped(entry),
                "shipments": [shown_shipment(part) for part in entry.of_kind("shipment")],
                "invoices": [
                    shown_invoice(part) for part in entry.of_kind("invoice", "credit_note")
                ],
            }
        }

    def _shipped(self, entry: Entry) -> Literal["none", "part", "all"]:
        if entry.state != "confirmed":
            return "none"
        states = {part.state for part in entry.of_kind("shipment")}
        if "open" not in states:
            return "all"
        return "part" if "done" in states else "none"

    def _put(self, entry: Entry, state: str) -> None:
        if entry.state != state:
            entry.state = state
            self._records.wrote(entry)


def _place(entry: Entry) -> tuple[str, int]:
    return entry.document["placed_on"], int(entry.id)


def _listed(entry: Entry) -> Json:
    """A Sale in JSON."""
    return {
        "order": entry.shown(),
        "placed_on": entry.document["placed_on"],
        "credits": [part.shown() for part in entry.of_kind("credit_note")],
        "payments": [part.shown() for part in entry.of_kind("payment")],
    }


def shown_shipment(entry: Entry) -> Json:
    """A Shipment in JSON."""
    done = entry.state == "done"
    return {
        "id": entry.id,
        "number": entry.number,
        "state": entry.state,
        "shipped_on": entry.document["shipped_on"] if done else None,
        "carrier": entry.document["carrier"] if done else "",
        "tracking": entry.document["tracking"] if done else "",
        "items": dict(entry.document["items"]),
    }


def shown_invoice(entry: Entry) -> Json:
    """An Invoice in JSON."""
    return {
        "kind": entry.kind,
        "id": entry.id,
        "number": entry.number,
        "state": entry.state,
        "totals": entry.totals,
        "issued_on": entry.document.get("issued_on"),
        "key": entry.key or None,
    }


def _name(entry: Entry) -> str:
    return entry.number or entry.key
