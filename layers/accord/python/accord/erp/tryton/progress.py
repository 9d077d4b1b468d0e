"""How far an order has come in Tryton, as our records. Pure.

Source: trytond 8.2, modules sale (``shipment_state``, ``moves_progress``), stock, account_invoice
and stock_package_shipping; recordings of a running server.
"""

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Any, Final, Literal

from accord.erp.like import literal
from accord.erp.tryton.mapping import SALE_FIELDS, sale_record
from accord.erp.tryton.wire import Values, related
from accord.model.change import Ref
from accord.model.documents import Kind, State, Totals
from accord.model.keys import first_generation, of_same_store
from accord.model.money import Money
from accord.model.progress import Invoice, Progress, Shipment, Shipped

InvoiceState = Literal["draft", "posted", "paid", "cancelled"]
ShipmentState = Literal["open", "done", "cancelled"]

INVOICE_STATES: Final[dict[str, InvoiceState]] = {
    "draft": "draft",
    "validated": "draft",
    "posted": "posted",
    "paid": "paid",
    "cancelled": "cancelled",
}
SHIPMENT_STATES: Final[dict[str, ShipmentState]] = {
    "draft": "open",
    "waiting": "open",
    "assigned": "open",
    "picked": "open",
    "packed": "open",
    "shipped": "done",  # handed over to the carrier
    "done": "done",
    "cancelled": "cancelled",
}

INVOICE_FIELDS: Final = (
    "number",
    "state",
    "reference",
    "invoice_date",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "currency.code",
    "sales",
)
OPTIONAL_FIELDS: Final = {
    "stock.shipment.out": ("shipping_reference", "carrier", "packages"),
    "stock.package": ("shipping_reference", "shipping_tracking_url"),
}
"""What only some modules bring, by model."""


def order_fields(held: Collection[tuple[str, str]]) -> list[str]:
    """The fields of a ``sale.sale`` for ``progress``; ``held`` are the optional ones there are."""
    shipment = ["number", "state", "effective_date", "reference"]
    if ("stock.shipment.out", "carrier") in held:
        shipment.append("carrier.party.name")
    if ("stock.shipment.out", "shipping_reference") in held:
        shipment.append("shipping_reference")
    if ("stock.shipment.out", "packages") in held:
        of_package = [f for f in OPTIONAL_FIELDS["stock.package"] if ("stock.package", f) in held]
        shipment += [f"packages.{field}" for field in of_package]
    shipment += [f"outgoing_moves.{field}" for field in ("product.code", "quantity", "state")]
    return list(
        dict.fromkeys(
            [
                *SALE_FIELDS,
                *("lines.type", "lines.quantity", "lines.moves_progress"),
                *(f"shipments.{field}" for field in shipment),
            ]
        )
    )


def of_order(sale: int, key: str | None, at: str = "", *models: str) -> list[Any]:
    """What holds of the sale's invoices and credit notes; ``key`` is the sale's own.

    A credit note belongs to the order whose invoice lines its own lines name as their origin, or
    whose key begins its own key, the mark of the generation left out. ``at`` is the way to them
    from another model, ``models`` what is met on it.
    """
    found: list[Any] = [
        "OR",
        [f"{at}sales", "=", sale, *models],
        [f"{at}lines.origin.invoice.sales", "=", sale, *models, "account.invoice.line"],
    ]
    if key:
        like = f"{literal(first_generation(key))}-r%"
        found.append([f"{at}reference", "like", like, *models])
    return found


def progress(sale: Values, invoices: Iterable[Values], system: str) -> Progress:
    """``sale`` read with ``order_fields``, ``invoices`` with INVOICE_FIELDS."""
    order = sale_record(sale, system)
    shipments = tuple(_shipment(each, system) for each in _by_id(sale["shipments."]))
    return Progress(
        order=order,
        shipped=_shipped(sale["lines."], order.state, shipments),
        shipments=shipments,
        invoices=tuple(_invoice(each, order.key, system) for each in _by_id(invoices)),
    )


def _shipped(lines: list[Values], state: State, shipments: Iterable[Shipment]) -> Shipped:
    """By Tryton's own progress of each line, None for what is no goods.

    What was cancelled and let be counts as progress there, so something must have left as well.
    """
    goods = [
        line["moves_progress"]
        for line in lines
        if line["type"] == "line" and line["moves_progress"] is not None and line["quantity"] > 0
    ]
    if not goods:
        return "all" if state is State.CONFIRMED else "none"
    if not any(each.state == "done" for each in shipments):
        return "none"
    return "all" if all(each >= 1 for each in goods) else "part"


def _shipment(values: Values, system: str) -> Shipment:
    packages = values.get("packages.") or []
    numbers = dict.fromkeys(
        number for each in packages if (number := each.get("shipping_reference"))
    )
    urls = [url for each in packages if (url := each.get("shipping_tracking_url"))]
    state = shipment_state(values)
    quantities: dict[str, Decimal] = {}
    for move in values["outgoing_moves."]:
        if move["state"] != "cancelled" or state == "cancelled":
            code = related(move, "product").get("code") or ""
            quantities[code] = quantities.get(code, Decimal(0)) + Decimal(str(move["quantity"]))
    return Shipment(
        ref=Ref(system, Kind.SHIPMENT, str(values["id"])),
        number=values["number"] or "",
        state=state,
        shipped_on=values["effective_date"] if state == "done" else None,
        carrier=related(related(values, "carrier"), "party").get("name") or "",
        tracking=values.get("shipping_reference")
        or ", ".join(numbers)
        or values["reference"]
        or "",
        tracking_url=urls[0] if urls else "",
        lines=tuple(quantities.items()),
    )


def _invoice(values: Values, order_key: str | None, system: str) -> Invoice:
    is_credit = is_credit_note(values)
    kind: Literal[Kind.INVOICE, Kind.CREDIT_NOTE] = Kind.CREDIT_NOTE if is_credit else Kind.INVOICE
    totals = Totals(
        net=money(values, "untaxed_amount"),
        tax=money(values, "tax_amount"),
        gross=money(values, "total_amount"),
    )
    return Invoice(
        ref=Ref(system, kind, str(values["id"])),
        kind=kind,
        number=values["number"] or "",
        state=invoice_state(values),
        totals=Totals(-totals.net, -totals.tax, -totals.gross) if is_credit else totals,
        issued_on=values["invoice_date"],
        key=of_same_store(values["reference"] or "", order_key or "") if is_credit else None,
    )


def invoice_state(values: Values) -> InvoiceState:
    """A state that another module adds is not booked."""
    return INVOICE_STATES.get(values["state"], "draft")


def shipment_state(values: Values) -> ShipmentState:
    """In a state that another module adds it has not left."""
    return SHIPMENT_STATES.get(values["state"], "open")


def is_credit_note(values: Values) -> bool:
    """Tryton keeps both in one model. One over nothing is known by being of no sale itself."""
    total: Decimal = values["total_amount"]
    return total < 0 or (not total and not values["sales"])


def money(values: Values, field: str) -> Money:
    """An amount in the record's currency."""
    return Money(values[field], related(values, "currency")["code"])


def _by_id(rows: Iterable[Values]) -> list[Values]:
    return sorted(rows, key=lambda row: int(row["id"]))
