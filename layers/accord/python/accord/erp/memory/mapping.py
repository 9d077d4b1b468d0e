"""Canonical documents in the ledger's JSON, and back. Pure; decimals and times are text."""

import base64
import datetime as dt
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from accord.erp.memory.item_mapping import item_document_to_wire
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    Document,
    DocumentLine,
    Kind,
    PartyDocument,
    PaymentDocument,
    Record,
    ReturnDocument,
    SalesDocument,
    State,
    Totals,
)
from accord.model.item import ItemDocument
from accord.model.money import Money
from accord.model.party import Address, Profile
from accord.model.progress import Attachment, Invoice, News, Progress, Shipment
from accord.model.sale import Sale

Json = dict[str, Any]


# --- what is asked ------------------------------------------------------------------


def to_wire(document: Document | ItemDocument) -> Json:
    """The document, without its key."""
    match document:
        case SalesDocument():
            return _sale(document)
        case CreditDocument():
            return _credit(document)
        case PartyDocument():
            return _party(document)
        case PaymentDocument():
            return _payment(document)
        case ReturnDocument():
            return _return(document)
        case ItemDocument():
            return item_document_to_wire(document)


def profile_to_wire(profile: Profile) -> Json:
    """The fields that are not None."""
    return {name: value for name, value in asdict(profile).items() if value is not None}


def _sale(document: SalesDocument) -> Json:
    return {
        "kind": "sales_order",
        "order_number": document.number,
        "party": document.party.id,
        "billing_address": document.billing_address,
        "shipping_address": document.shipping_address,
        "currency": document.currency,
        "placed_on": document.placed_on.isoformat(),
        "total": str(document.total.amount),
        "po_number": document.po_number,
        "comment": document.comment,
        "carrier": document.carrier,
        "payment_terms": document.payment_terms,
        "lines": [_line(line) for line in document.lines],
    }


def _credit(document: CreditDocument) -> Json:
    return {
        "kind": "credit_note",
        "refund_number": document.number,
        "order": document.order.id,
        "party": document.party.id,
        "billing_address": document.billing_address,
        "currency": document.currency,
        "issued_on": document.issued_on.isoformat(),
        "total": str(document.total.amount),
        "comment": document.comment,
        "lines": [_line(line) for line in document.lines],
    }


def _line(line: DocumentLine) -> Json:
    return {
        "description": line.description,
        "quantity": str(line.quantity),
        "net": str(line.net.amount),
        "item": line.item,
        "account": line.account,
        "taxes": [[tax.code, str(tax.amount.amount)] for tax in line.taxes],
        "source": line.source,
        "revenue": line.revenue,
    }


def _party(document: PartyDocument) -> Json:
    party = document.party
    return {
        "kind": "party",
        "name": party.name,
        "company": party.company,
        "email": party.email,
        "phone": party.phone,
        "vat_number": party.vat_number,
        "billing": asdict(party.billing) if party.billing else None,
        "shipping": asdict(party.shipping) if party.shipping else None,
        "payment_terms": document.payment_terms,
    }


def _payment(document: PaymentDocument) -> Json:
    return {
        "kind": "payment",
        "order": document.order.id,
        "party": document.party.id,
        "amount": str(document.amount.amount),
        "currency": document.amount.currency,
        "received_on": document.received_on.isoformat(),
        "account": document.account,
        "reference": document.reference,
    }


def _return(document: ReturnDocument) -> Json:
    return {
        "kind": "return",
        "order_number": document.number,
        "order": document.order.id,
        "party": document.party.id,
        "billing_address": document.billing_address,
        "shipping_address": document.shipping_address,
        "currency": document.currency,
        "returned_on": document.returned_on.isoformat(),
        "items": {item: str(quantity) for item, quantity in document.lines},
        "comment": document.comment,
    }


# --- what is answered ---------------------------------------------------------------


def record_from_wire(data: Json, *, connection: str) -> Record:
    """A record that the ledger showed."""
    totals = data["totals"]
    return Record(
        ref=Ref(connection, data["kind"], data["id"]),
        number=data["number"],
        key=data["key"] or None,
        state=State(data["state"]),
        totals=totals_from_wire(totals) if totals else None,
        version=data["version"],
        addresses=tuple(data.get("addresses", {}).items()),
        emails=(data["email"],) if data.get("email") else (),
    )


def sale_from_wire(data: Json, *, connection: str) -> Sale:
    """An order with what hangs on it."""
    return Sale(
        record=record_from_wire(data["order"], connection=connection),
        placed_on=_date(data["placed_on"]),
        credits=tuple(record_from_wire(each, connection=connection) for each in data["credits"]),
        payments=tuple(record_from_wire(each, connection=connection) for each in data["payments"]),
    )


def totals_from_wire(data: Json) -> Totals:
    """Totals in the currency that they name."""
    currency = data["currency"]
    return Totals(
        net=Money(Decimal(data["net"]), currency),
        tax=Money(Decimal(data["tax"]), currency),
        gross=Money(Decimal(data["gross"]), currency),
    )


def progress_from_wire(data: Json, *, connection: str) -> Progress:
    """How far an order has come."""
    return Progress(
        order=record_from_wire(data["order"], connection=connection),
        shipped=data["shipped"],
        shipments=tuple(_shipment(each, connection) for each in data["shipments"]),
        invoices=tuple(_invoice(each, connection) for each in data["invoices"]),
    )


def _shipment(data: Json, connection: str) -> Shipment:
    return Shipment(
        ref=Ref(connection, Kind.SHIPMENT, data["id"]),
        number=data["number"],
        state=data["state"],
        shipped_on=_date(data["shipped_on"]),
        carrier=data["carrier"],
        tracking=data["tracking"],
        lines=tuple((item, Decimal(quantity)) for item, quantity in data["items"].items()),
    )


def _invoice(data: Json, connection: str) -> Invoice:
    return Invoice(
        ref=Ref(connection, data["kind"], data["id"]),
        kind=Kind.CREDIT_NOTE if data["kind"] == "credit_note" else Kind.INVOICE,
        number=data["number"],
        state=data["state"],
        totals=totals_from_wire(data["totals"]),
        issued_on=_date(data["issued_on"]),
        key=data["key"],
    )


def news_from_wire(data: Json, *, connection: str) -> News:
    """One record's last change."""
    return News(
        ref=Ref(connection, data["kind"], data["id"]),
        at=dt.datetime.fromisoformat(data["at"]),
        version=data["version"],
        order=Ref(connection, Kind.SALES_ORDER, data["order"]) if data["order"] else None,
        state=data["state"],
        gross=totals_from_wire(data["totals"]).gross if data["totals"] else None,
    )


def attachment_from_wire(data: Json) -> Attachment:
    """A printed document."""
    return Attachment(data["name"], data["content_type"], base64.b64decode(data["data"]))


def profile_from_wire(data: Json) -> Profile:
    """What is kept of a party; nothing is None, for the ledger holds every field."""
    addresses = {use: Address(**(data[use] or {})) for use in ("billing", "shipping")}
    return Profile(**{**data, **addresses})


def _date(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
