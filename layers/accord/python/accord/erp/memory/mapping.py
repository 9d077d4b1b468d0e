"""Canonical documents in the ledger's JSON, and back. Pure; decimals are text."""

from decimal import Decimal
from typing import Any

from accord.model.change import Ref
from accord.model.documents import (
    Document,
    DocumentLine,
    PartyDocument,
    PaymentDocument,
    Record,
    SalesDocument,
    State,
    Totals,
)
from accord.model.money import Money

Json = dict[str, Any]


def to_wire(document: Document) -> Json:
    """The document, without its key."""
    match document:
        case SalesDocument():
            return _sale(document)
        case PartyDocument():
            return _party(document)
        case PaymentDocument():
            return _payment(document)


def record_from_wire(data: Json, *, connection: str) -> Record:
    """A record that the ledger showed."""
    totals = data["totals"]
    return Record(
        ref=Ref(connection, data["kind"], data["id"]),
        number=data["number"],
        key=data["key"],
        state=State(data["state"]),
        totals=totals_from_wire(totals) if totals else None,
        version=data["version"],
        addresses=tuple(data.get("addresses", {}).items()),
        emails=(data["email"],) if data.get("email") else (),
    )


def totals_from_wire(data: Json) -> Totals:
    """Totals in the currency that they name."""
    currency = data["currency"]
    return Totals(
        net=Money(Decimal(data["net"]), currency),
        tax=Money(Decimal(data["tax"]), currency),
        gross=Money(Decimal(data["gross"]), currency),
    )


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


def _line(line: DocumentLine) -> Json:
    return {
        "description": line.description,
        "quantity": str(line.quantity),
        "net": str(line.net.amount),
        "item": line.item,
        "account": line.account,
        "taxes": [[tax.code, str(tax.amount.amount)] for tax in line.taxes],
        "source": line.source,
    }


def _party(document: PartyDocument) -> Json:
    party = document.party
    return {
        "kind": "party",
        "name": party.display_name,
        "email": party.email,
        "vat_number": party.vat_number,
        # An address is known by its fingerprint here: nothing is ever sent to anyone.
        "addresses": [a.fingerprint for a in (party.billing, party.shipping) if a],
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
