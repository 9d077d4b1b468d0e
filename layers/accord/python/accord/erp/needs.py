"""Which codes of a back office's master data a document names. Pure."""

from collections.abc import Iterable

from accord.model.documents import (
    CreditDocument,
    Document,
    PartyDocument,
    ReturnDocument,
    SalesDocument,
)
from accord.model.party import Address

Needs = dict[str, set[str]]
"""Codes that a document names, by what they are codes of."""


def needs(document: Document) -> Needs:
    """What must be known before ``document`` can be mapped."""
    match document:
        case SalesDocument() | CreditDocument():
            found: Needs = {
                "items": {line.item for line in document.lines if line.item is not None},
                "taxes": {tax.code for line in document.lines for tax in line.taxes},
                "currencies": {document.currency},
            }
            if isinstance(document, SalesDocument):
                found["carriers"] = {document.carrier} if document.carrier else set()
                found["terms"] = {document.payment_terms} if document.payment_terms else set()
            return found
        case PartyDocument():
            party = document.party
            return {
                **needs_of_addresses((party.billing, party.shipping)),
                "terms": {document.payment_terms} if document.payment_terms else set(),
            }
        case ReturnDocument():
            return {
                "items": {item for item, _ in document.lines},
                "currencies": {document.currency},
            }
        case _:
            return {"journals": {document.account}, "currencies": {document.amount.currency}}


def needs_of_addresses(addresses: Iterable[Address]) -> Needs:
    """Countries and subdivisions. Of the latter, those that Tryton lacks are written as text."""
    addresses = tuple(addresses)
    return {
        "countries": {address.country for address in addresses if address.country},
        "subdivisions": {code for address in addresses if (code := subdivision(address))},
    }


def subdivision(address: Address) -> str:
    """ISO 3166-2 of its state, as far as the store's code tells: ``CA`` in the US is ``US-CA``."""
    if not (address.state and address.country):
        return ""
    prefix = f"{address.country}-"
    return address.state if address.state.startswith(prefix) else prefix + address.state
