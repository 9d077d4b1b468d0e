"""What the back office knows, what a document comes to there, and which months are open. Pure."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from accord.erp.memory.entries import Json, RefusedError
from accord.model.money import Money

Rounding = Literal["line", "document"]

SERVICES = frozenset({"SHIPPING", "FEE", "ROUNDING", "MISC"})
_BOOKED = {"payment": "received_on", "credit_note": "issued_on", "invoice": "issued_on"}


@dataclass(frozen=True, slots=True)
class Master:
    """What the back office knows. None: every code exists.

    ``taxes`` are code → percent; where they are None, the tax that the document states is kept.
    ``services`` are the items that nobody ships. Sold goods leave from the location ``warehouse``,
    which is always there. Prices are in ``currency`` unless another is said, and hold tax where
    ``gross_prices``. No order of a party in ``on_hold`` (account codes)
    is confirmed. The books are closed up to ``closed_until``, that day included, and no period is
    there after ``open_until``.
    """

    items: Collection[str] | None = None
    taxes: Mapping[str, Decimal] | None = None
    accounts: Collection[str] | None = None
    carriers: Collection[str] | None = None
    terms: Collection[str] | None = None
    currencies: Collection[str] | None = None
    price_groups: Collection[str] | None = None
    services: Collection[str] = SERVICES
    warehouse: str = "MAIN"
    locations: Collection[str] | None = None
    price_lists: Collection[str] | None = None
    currency: str = "GBP"
    gross_prices: bool = False
    on_hold: Collection[str] = frozenset()
    closed_until: dt.date | None = None
    open_until: dt.date | None = None

    def check(self, document: Json) -> None:
        """Raises: RefusedError: codes that the back office does not know, all of them."""
        lines = document.get("lines", ())
        wanted = (
            ("item", self.items, (*(line["item"] for line in lines), *document.get("items", ()))),
            ("tax", self.taxes, (code for line in lines for code, _ in line["taxes"])),
            ("location", self._locations, document.get("locations", ())),
            ("price_list", self.price_lists, document.get("price_lists", ())),
            (
                "account",
                self.accounts,
                (
                    *(line["account"] for line in lines),
                    *(line.get("revenue") for line in lines),
                    document.get("account"),
                ),
            ),
            ("carrier", self.carriers, (document.get("carrier"),)),
            ("terms", self.terms, (document.get("payment_terms") or None,)),
            ("price_group", self.price_groups, (document.get("price_group") or None,)),
            ("currency", self.currencies, (document.get("currency"),)),
        )
        causes = [
            f"{what}:{code}"
            for what, known, codes in wanted
            if known is not None
            for code in dict.fromkeys(codes)
            if code is not None and code not in known
        ]
        if causes:
            raise RefusedError("unmapped", f"not known here: {', '.join(causes)}", causes=causes)

    @property
    def _locations(self) -> Collection[str] | None:
        return None if self.locations is None else {*self.locations, self.warehouse}

    def totals(self, document: Json, rounding: Rounding) -> Json:
        """Each line's net is rounded; tax is rounded per line, or once per tax code."""
        currency = document["currency"]
        net = zero = Decimal(0)
        taxes: dict[str, Decimal] = {}
        for line in document["lines"]:
            line_net = Money(Decimal(line["net"]), currency).rounded().amount
            net += line_net
            for code, stated in line["taxes"]:
                percent = None if self.taxes is None else self.taxes[code]
                tax = Decimal(stated) if percent is None else line_net * percent / 100
                if rounding == "line":
                    tax = Money(tax, currency).rounded().amount
                taxes[code] = taxes.get(code, zero) + tax
        tax = sum((Money(each, currency).rounded().amount for each in taxes.values()), zero)
        return totals(net, tax, currency)

    def goods(self, document: Json) -> dict[str, Decimal]:
        """Item → quantity of what is to be shipped, in the document's order."""
        goods: dict[str, Decimal] = {}
        for line in document["lines"]:
            quantity = Decimal(line["quantity"])
            if line["item"] is not None and line["item"] not in self.services and quantity > 0:
                goods[line["item"]] = goods.get(line["item"], Decimal(0)) + quantity
        return goods


def totals(net: Decimal, tax: Decimal, currency: str) -> Json:
    """Totals in JSON, to the currency's smallest unit."""
    unit = Money(net, currency).unit
    return {
        "net": str(net.quantize(unit)),
        "tax": str(tax.quantize(unit)),
        "gross": str((net + tax).quantize(unit)),
        "currency": currency,
    }


class Periods:
    """Which days documents can be booked on: a period is a month."""

    def __init__(self, master: Master) -> None:
        self._closed_until = master.closed_until or dt.date.min
        self._open_until = master.open_until or dt.date.max
        self._closed: set[tuple[int, int]] = set()

    def close(self, month: dt.date) -> None:
        """Nothing is booked any more in the month of that day."""
        self._closed.add((month.year, month.month))

    def is_open(self, on: dt.date) -> bool:
        """Whether a document can be booked on that day."""
        here = (on.year, on.month)
        return self._closed_until < on <= self._open_until and here not in self._closed

    def open_day(self, kind: str, on: dt.date) -> dt.date | None:
        """The first day not before ``on`` for a document of ``kind``; orders are never booked."""
        if kind not in _BOOKED:
            return on
        if on <= self._closed_until:
            on = self._closed_until + dt.timedelta(days=1)
        while (on.year, on.month) in self._closed:
            on = (on.replace(day=1) + dt.timedelta(days=31)).replace(day=1)
        return on if on <= self._open_until else None

    def check(self, kind: str, document: Json) -> None:
        """Raises: RefusedError: the day of ``document`` is closed."""
        if kind not in _BOOKED:
            return
        on = dt.date.fromisoformat(document[_BOOKED[kind]])
        if not self.is_open(on):
            month = f"{on:%Y-%m}"
            raise RefusedError("closed", f"the books of {month} are closed", period=month)
