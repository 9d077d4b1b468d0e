"""What changed in Tryton, and when: which records are asked for, and what is told of each. Pure.

``write_date`` is null until a record is first modified, so its time is that or ``create_date``.
A deleted record is not told of.

Source: trytond 8.2, ModelSQL; recordings of a running server.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from accord.erp.tryton.mapping import SALE_FIELDS, sale_record
from accord.erp.tryton.profiles import PARTS, STAMP_FIELDS, version_of
from accord.erp.tryton.progress import (
    INVOICE_FIELDS,
    invoice_state,
    is_credit_note,
    money,
    shipment_state,
)
from accord.erp.tryton.wire import Values
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.progress import News

Domain = list[Any]
Position = tuple[dt.datetime, int]
"""A time and the id of a record that changed then."""

_DATES: Final = ("create_date", "write_date")


@dataclass(frozen=True, slots=True)
class Stream:
    """Records in the order of one of their dates. ``owner`` is the id that their changes count for.

    ``written`` are those modified since they were made; the others go by ``create_date``.
    """

    model: str
    domain: Domain
    owner: str
    written: bool

    @property
    def date(self) -> str:
        return "write_date" if self.written else "create_date"

    @property
    def fields(self) -> list[str]:
        return [self.date, self.owner.removesuffix(".id")]

    @property
    def order(self) -> list[list[str]]:
        return [[self.date, "ASC"], [self.owner, "ASC"]]

    def behind(self, position: Position) -> Domain:
        at, id_ = position
        known = ["write_date", "!=" if self.written else "=", None]
        same = [[self.date, "=", at], [self.owner, ">", id_]]
        return [*self.domain, known, ["OR", [self.date, ">", at], same]]

    def position(self, row: Values) -> Position:
        return row[self.date], int(row[self.owner.removesuffix(".id")])


@dataclass(frozen=True, slots=True)
class Feed:
    """Records of one model. ``parts`` are models by the field that holds them.

    A change of a part counts as one of the record; Tryton itself keeps their dates apart.
    """

    model: str
    domain: Domain
    fields: tuple[str, ...]
    parts: Mapping[str, str]

    @property
    def streams(self) -> list[Stream]:
        """Every way a change can show. Those never written come first.

        A record that is written while we ask is then met among the written.
        """
        return [
            *(self._stream(model, written) for written in (False, True) for model in self._models)
        ]

    @property
    def _models(self) -> tuple[str, ...]:
        return self.model, *self.parts.values()

    def _stream(self, model: str, written: bool) -> Stream:
        if model == self.model:
            return Stream(model, self.domain, "id", written)
        return Stream(model, [], "party.id", written)

    def since(self, at: dt.datetime) -> Domain:
        """All records that changed at ``at`` or later, themselves or in a part."""
        changed: Domain = [
            "OR",
            ["write_date", ">=", at],
            [["write_date", "=", None], ["create_date", ">=", at]],
        ]
        parts = [[field, "where", [changed]] for field in self.parts]
        return [*self.domain, ["OR", changed, *parts] if parts else changed]

    def position(self, row: Values) -> Position:
        """When a record read with ``fields`` last changed, and its id."""
        rows = [row, *(part for field in self.parts for part in row[f"{field}."])]
        return max(_at(each) for each in rows), int(row["id"])


def feed(kind: Kind, company: int, web_shop: int) -> Feed:
    """Orders of the web shop, customer shipments that left or never will, booked invoices, parties.

    Raises: KeyError: nothing is told of ``kind``.
    """
    of_company: Domain = ["company", "=", company]
    match kind:
        case Kind.SALES_ORDER:
            return Feed(
                "sale.sale",
                [of_company, ["web_shop", "=", web_shop]],
                _fields(SALE_FIELDS),
                {},
            )
        case Kind.SHIPMENT:
            return Feed(
                "stock.shipment.out",
                [of_company, ["state", "in", ["shipped", "done", "cancelled"]]],
                _fields(("state", "_timestamp", "moves.sale")),
                {},
            )
        case Kind.INVOICE:
            return Feed(
                "account.invoice",
                [
                    of_company,
                    ["type", "=", "out"],
                    ["state", "in", ["posted", "paid", "cancelled"]],
                ],
                _fields((*INVOICE_FIELDS, "_timestamp", "lines.origin")),
                {},
            )
        case Kind.PARTY:
            return Feed("party.party", [], _fields(STAMP_FIELDS), PARTS)
    raise KeyError(kind)


def credited_lines(rows: Iterable[Values]) -> list[int]:
    """The invoice lines that invoices without a sale of their own take back."""
    model = "account.invoice.line,"
    return sorted(
        {
            int(origin.removeprefix(model))
            for row in rows
            if not row["sales"]
            for line in row["lines."]
            if (origin := line["origin"] or "").startswith(model)
        }
    )


def news(kind: Kind, row: Values, at: dt.datetime, sales: Mapping[str, int], system: str) -> News:
    """What is told of a record read with the fields of its feed.

    ``sales`` are the orders of invoice lines, by the text of the reference.
    """
    ref = Ref(system, kind, str(row["id"]))
    match kind:
        case Kind.SALES_ORDER:
            order = sale_record(row, system)
            gross = order.totals.gross if order.totals else None
            return News(ref, at, row["_timestamp"], ref, order.state.value, gross)
        case Kind.SHIPMENT:
            of_moves = [move["sale"] for move in row["moves."] if move["sale"]]
            state: str = shipment_state(row)
            return News(ref, at, row["_timestamp"], _order(of_moves, system), state)
        case Kind.INVOICE:
            of_lines = [sales[line["origin"]] for line in row["lines."] if line["origin"] in sales]
            total = money(row, "total_amount")
            return News(
                ref,
                at,
                row["_timestamp"],
                _order(row["sales"] or of_lines, system),
                invoice_state(row),
                -total if is_credit_note(row) else total,
            )
        case _:
            return News(ref, at, version_of(row))


def _fields(fields: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*fields, *_DATES)))


def _at(values: Values) -> dt.datetime:
    at: dt.datetime = values["write_date"] or values["create_date"]
    return at


def _order(sales: list[int], system: str) -> Ref | None:
    return Ref(system, Kind.SALES_ORDER, str(min(sales))) if sales else None
