"""What Odoo tells of orders, shipments and invoices.

Calls: ``progress`` 1 of a quotation, 5 of what was shipped and invoiced, ``document`` 2,
``numbered`` 1, a page of ``changes`` 1 (of invoices 2, of parties 2).
"""

import base64
import binascii
import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from accord.erp.odoo.client import Client
from accord.erp.odoo.invoices import (
    MOVE,
    MOVE_FIELDS,
    SALES,
    invoice,
    invoice_state,
    of_order,
)
from accord.erp.odoo.mapping import ORDER_FIELDS, order_record, placed_on, version_of
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.selling import MODEL as ORDER
from accord.erp.odoo.watching import Source, Watching
from accord.erp.odoo.wire import Values, day, decimal, either, id_of, name_of, text
from accord.errors import UnsupportedError
from accord.model.change import Ref
from accord.model.documents import Kind, Record, State
from accord.model.keys import first_generation, order_of_refund
from accord.model.money import Money
from accord.model.progress import Attachment, News, Progress, Shipment, Shipped
from accord.ports.numbers import Numbered

TOLD: Final = frozenset({Kind.SALES_ORDER, Kind.SHIPMENT, Kind.INVOICE, Kind.PARTY})

_PICKING: Final = "stock.picking"
_SHIPMENT_FIELDS: Final = (
    "name",
    "state",
    "sale_id",
    "date_done",
    "write_date",
)
_TRACKING: Final = ("carrier_id", "carrier_tracking_ref", "carrier_tracking_url")
"""Of the delivery apps, which may not be there."""
_LEAVES: Final = ["picking_type_code", "=", "outgoing"]
_EVERY: Final = ["active", "in", [True, False]]
_PRINTED: Final = {
    Kind.INVOICE: MOVE,
    Kind.CREDIT_NOTE: MOVE,
}
"""Of a delivery nothing shows which attachment is its slip and which a carrier's label."""
_REPORT: Final = "invoice_pdf_report_file"  # a move's own, from 17 on
_NUMBERED: Final = 500  # orders that one question may find: a hundred numbers, met a few times


class Reading:
    """What Odoo tells."""

    def __init__(self, client: Client, master: MasterData, watching: Watching) -> None:
        self._client = client
        self._master = master
        self._watching = watching
        self._system = client.connection

    # --- orders --------------------------------------------------------------

    def orders(self, domain: list[Any]) -> tuple[Record, ...]:
        """Every order of the company that the domain holds for."""
        rows = self._client.search_read(ORDER, [*domain, self._of_company()], ORDER_FIELDS)
        return tuple(order_record(row, self._system) for row in rows)

    def numbered(self, kind: Kind, numbers: Sequence[str]) -> list[Numbered]:
        """See ``Numbers.numbered``."""
        if kind is not Kind.SALES_ORDER:
            raise UnsupportedError(f"{self._system} finds no {kind.value} by its number")
        wanted = [number for number in numbers if number]
        domain = [
            self._of_company(),
            *either(["name", "in", wanted], ["origin", "in", wanted]),
        ]
        rows = self._client.search_read(ORDER, domain, ORDER_FIELDS, limit=_NUMBERED)
        return [
            Numbered(order_record(row, self._system), text(row["origin"]), placed_on(row))
            for row in rows
        ]

    def progress(self, order: Ref) -> Progress | None:
        """See ``ErpAdapter.progress``."""
        if not order.id.isdigit():
            return None
        status = "delivery_status" if self._master.has(ORDER, "delivery_status") else "state"
        fields = dict.fromkeys((*ORDER_FIELDS, status, "picking_ids", "invoice_ids"))
        rows = self._client.read(ORDER, [int(order.id)], fields)
        if not rows:
            return None
        (row,) = rows
        record = order_record(row, self._system)
        shipments = self._shipments(row["picking_ids"]) if row["picking_ids"] else ()
        invoices: list[Values] = []
        if record.state is State.CONFIRMED or row["invoice_ids"]:
            domain = [SALES, *of_order(row["invoice_ids"], record.key)]
            invoices = self._client.search_read(MOVE, domain, MOVE_FIELDS)
        return Progress(
            order=record,
            shipped=_shipped(row.get("delivery_status"), record.state, shipments),
            shipments=shipments,
            invoices=tuple(invoice(each, record.key, self._system) for each in invoices),
        )

    def _shipments(self, pickings: list[int]) -> tuple[Shipment, ...]:
        tracking = [name for name in _TRACKING if self._master.has(_PICKING, name)]
        domain = [["id", "in", pickings], _LEAVES]
        rows = self._client.search_read(_PICKING, domain, (*_SHIPMENT_FIELDS, *tracking))
        if not rows:
            return ()
        done = self._master.of_release("stock.move", "quantity", "quantity_done")
        fields = ("picking_id", "product_id", "product_uom_qty", "state", done)
        of_them = [["picking_id", "in", [row["id"] for row in rows]]]
        moves = self._client.search_read("stock.move", of_them, fields)
        products = {id_ for move in moves if (id_ := id_of(move["product_id"]))}
        found = self._client.read("product.product", sorted(products), ["default_code"])
        codes = {row["id"]: text(row["default_code"]) for row in found}
        return tuple(self._shipment(row, moves, codes, done) for row in rows)

    def _shipment(
        self, row: Values, moves: Iterable[Values], codes: dict[int, str], done: str
    ) -> Shipment:
        state = _picking_state(row)
        quantities: dict[str, Decimal] = {}
        for move in moves:
            if id_of(move["picking_id"]) != row["id"]:
                continue
            if move["state"] != "cancel" or state == "cancelled":
                code = codes.get(id_of(move["product_id"]) or 0, "")
                quantity = decimal(move[done if state == "done" else "product_uom_qty"])
                quantities[code] = quantities.get(code, Decimal(0)) + quantity
        return Shipment(
            ref=Ref(self._system, Kind.SHIPMENT, str(row["id"])),
            number=text(row["name"]),
            state=state,
            shipped_on=day(row["date_done"]) if state == "done" else None,
            carrier=name_of(row.get("carrier_id")),
            tracking=text(row.get("carrier_tracking_ref")),
            tracking_url=_url(row.get("carrier_tracking_url")),
            lines=tuple((code, each) for code, each in quantities.items() if each),
        )

    def document(self, ref: Ref) -> Attachment | None:
        """See ``ErpAdapter.document``. The report that Odoo keeps with an invoice or a credit
        note once somebody sent or printed it there; nobody can have it printed from outside. What
        else people attached is theirs."""
        kind = Kind(ref.kind)
        if kind not in _PRINTED or not ref.id.isdigit():
            return None
        domain: list[Any] = [
            ["res_model", "=", _PRINTED[kind]],
            ["res_id", "=", int(ref.id)],
            ["mimetype", "=", "application/pdf"],
        ]
        if self._master.has(_PRINTED[kind], _REPORT):
            domain.append(["res_field", "=", _REPORT])  # hidden unless it is named
        else:
            rows = self._client.read(_PRINTED[kind], [int(ref.id)], ["name", "state"])
            if not rows or rows[0]["state"] != "posted":
                return None
            domain.append(["name", "=", f"{text(rows[0]['name']).replace('/', '_')}.pdf"])
        rows = self._client.search_read(
            "ir.attachment", domain, ["name", "mimetype", "datas"], limit=1, order="id desc"
        )
        if not rows or not rows[0]["datas"]:
            return None
        try:
            data = base64.b64decode(rows[0]["datas"], validate=True)
        except (binascii.Error, ValueError):
            return None
        return Attachment(text(rows[0]["name"]), text(rows[0]["mimetype"]), data)

    # --- what changed --------------------------------------------------------

    def changes(self, kind: Kind, since: dt.datetime, *, after: str, limit: int) -> list[News]:
        """See ``ErpAdapter.changes``. Deleted records are not told of."""
        page = self._watching.page(self._sources(kind), since, after, limit)
        rows = [row for _, row in page]
        orders = self._orders_of(rows) if kind is Kind.INVOICE and rows else {}
        return [
            self._news(kind, Ref(self._system, kind, str(position[2])), position[0], row, orders)
            for position, row in page
        ]

    def _sources(self, kind: Kind) -> list[Source]:
        match kind:
            case Kind.SALES_ORDER:
                domain = [["client_order_ref", "!=", False], self._of_company()]
                return [Source(ORDER, domain, ORDER_FIELDS)]
            case Kind.INVOICE:
                domain = [SALES, ["state", "!=", "draft"], self._of_company()]
                return [Source(MOVE, domain, (*MOVE_FIELDS, "invoice_origin"))]
            case Kind.SHIPMENT:
                domain = [["sale_id", "!=", False], _LEAVES, self._of_company()]
                return [Source(_PICKING, domain, _SHIPMENT_FIELDS)]
            case Kind.PARTY:
                return [
                    Source("res.partner", [_EVERY, ["parent_id", "=", False], *_customers("")]),
                    Source(
                        "res.partner",
                        [_EVERY, ["parent_id", "!=", False], *_customers("parent_id.")],
                        ("parent_id",),
                        owners=lambda row: (id_of(row["parent_id"]) or 0,),
                    ),
                ]
        raise UnsupportedError(f"{self._system} tells of no {kind.value}")

    def _news(
        self, kind: Kind, ref: Ref, at: dt.datetime, row: Values, orders: dict[int, int]
    ) -> News:
        match kind:
            case Kind.SALES_ORDER:
                record = order_record(row, self._system)
                gross = record.totals.gross if record.totals else None
                return News(ref, at, record.version, ref, record.state, gross)
            case Kind.INVOICE:
                order = orders.get(row["id"])
                currency = name_of(row["currency_id"])
                return News(
                    ref,
                    at,
                    version_of(row, "state", "payment_state", "amount_total"),
                    Ref(self._system, Kind.SALES_ORDER, str(order)) if order else None,
                    invoice_state(row),
                    Money(decimal(row["amount_total"]), currency).rounded(),
                )
            case Kind.SHIPMENT:
                order = id_of(row["sale_id"])
                of_order = Ref(self._system, Kind.SALES_ORDER, str(order)) if order else None
                return News(ref, at, version_of(row, "state"), of_order, _picking_state(row))
        return News(ref, at, at.isoformat())

    def _orders_of(self, rows: Sequence[Values]) -> dict[int, int]:
        """The order of each invoice and credit note, by its id: that which names it, or the invoice
        that it takes back, or whose key its own begins with."""
        reversed_ = {row["id"]: id_of(row["reversed_entry_id"]) for row in rows}
        wanted = {*reversed_, *filter(None, reversed_.values())}
        keys = {row["id"]: order_of_refund(text(row["ref"])) for row in rows}
        terms: list[list[Any]] = [["invoice_ids", "in", sorted(wanted)]]
        if named := sorted({key for key in keys.values() if key}):
            terms.append(["client_order_ref", "in", named])
        found = self._client.search_read(
            ORDER, [self._of_company(), *either(*terms)], ["client_order_ref", "invoice_ids"]
        )
        of_invoice = {id_: row["id"] for row in found for id_ in row["invoice_ids"]}
        of_key = {first_generation(text(row["client_order_ref"])): row["id"] for row in found}
        orders = {
            id_: of_invoice.get(id_)
            or of_invoice.get(reversed_[id_] or 0)
            or of_key.get(keys[id_] or "-")
            for id_ in reversed_
        }
        return {id_: order for id_, order in orders.items() if order}

    def _of_company(self) -> list[Any]:
        return ["company_id", "=", self._master.company().id]


def _customers(path: str) -> list[Any]:
    """Those whom a shop sells to. Odoo ranks as customers whom it made as such or invoiced; a
    supplier or contact who became a shopper is known by the orders."""
    ranked, ordered = [f"{path}customer_rank", ">", 0], [f"{path}sale_order_ids", "!=", False]
    return either(ranked, ordered)


def _picking_state(row: Values) -> Any:
    return {"done": "done", "cancel": "cancelled"}.get(row["state"], "open")


def _shipped(status: Any, state: State, shipments: Iterable[Shipment]) -> Shipped:
    """By Odoo's own word, which is false for an order that ships nothing; where it has none, by its
    shipments."""
    states = {each.state for each in shipments} - {"cancelled"}
    if status is None:
        status = "full" if states == {"done"} else "pending" if states else False
    if status == "full":
        return "all"
    if "done" in states:
        return "part"
    return "all" if not status and state is State.CONFIRMED else "none"


def _url(value: Any) -> str:
    """One address; of several parcels Odoo keeps a list, which is none."""
    found = text(value)
    return found if found.startswith(("https://", "http://")) else ""
