"""Credit notes as Tryton's values, and the other way. Pure.

A credit note is a customer invoice with negative quantities. Tryton numbers it from the sequence of
credit notes, and ties it to an invoice by the origins of its lines.

Source: trytond 8.2, module account_invoice, ``account.invoice``; recordings of a running server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.erp.tryton.known import Known, Shop
from accord.erp.tryton.mapping import address_id, line_values, priced, totals
from accord.erp.tryton.wire import Values, related
from accord.model.change import Ref
from accord.model.documents import CreditDocument, Kind, Record, State, Totals
from accord.model.money import Money

CREDIT_STATES = {
    "draft": State.DRAFT,
    "validated": State.DRAFT,
    "posted": State.CONFIRMED,
    "paid": State.CONFIRMED,
    "cancelled": State.VOIDED,
}

CREDIT_FIELDS = (
    "number",
    "state",
    "reference",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "currency.code",
    "_timestamp",
)

INVOICE_FIELDS = (
    "party",
    "invoices.state",
    "invoices.party",
    "invoices.account",
    "invoices.journal",
    "invoices.party_tax_identifier",
    "invoices.lines.type",
    "invoices.lines.product",
    "invoices.lines.description",
    "invoices.lines.account",
)
"""Of the ``sale.sale``: what a credit note takes over from it and its invoices."""


_OF_PIECES = frozenset({"product", "unit"})
"""Fields of a line that Tryton's statistics of what was sold go by."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a credit note shares with the invoice that it is made against."""

    account: int  # the party's receivable
    journal: int
    tax_identifier: int | None = None


@dataclass(slots=True)
class Invoiced:
    """The lines of an order's invoices, each given out once before any is given out again."""

    lines: list[Values]

    def origin_of(self, product: int | None, description: str) -> Values | None:
        """The line that this was invoiced on: of that product, and so described if any is."""
        fit = [line for line in self.lines if line["product"] == product]
        if product is None:  # any text line could be meant: only its words tell
            fit = [line for line in fit if line["description"] == description]
        if not fit:
            return None
        best = min(fit, key=lambda line: line["description"] != description)
        self.lines.remove(best)
        self.lines.append(best)
        return best


def preview_credit(document: CreditDocument, known: Known, shop: Shop, digits: int) -> Totals:
    """The totals that Tryton will show for ``document``, positive.

    Raises: UnsupportedError: Tryton would not come to an end with one of its lines.
    """
    return _turned(
        totals(
            priced(document.lines, known, digits, sign=-1),
            what=f"refund {document.number}",
            currency=document.currency,
            on=document.issued_on,
            known=known,
            shop=shop,
        )
    )


def invoices_of(sale: Values) -> list[Values]:
    """The invoices of a sale read with INVOICE_FIELDS that count, booked ones first."""
    standing = [invoice for invoice in sale["invoices."] if invoice["state"] != "cancelled"]
    return sorted(standing, key=lambda invoice: credit_state(invoice) is State.DRAFT)


def credit_values(
    document: CreditDocument,
    key: str,
    header: Header,
    invoices: Sequence[Values],
    *,
    accounts: Mapping[int, int],
    known: Known,
    shop: Shop,
    digits: int,
) -> Values:
    """The new ``account.invoice``. ``accounts`` are by product, for those that were not invoiced.

    ``reference`` is the external key: it can be searched, and Tryton computes nothing from it.
    ``description`` is the refund's number in the store, for people.

    Raises: UnsupportedError: a line that Tryton cannot book as asked.
    """
    invoiced = Invoiced(
        [line for invoice in invoices for line in invoice["lines."] if line["type"] == "line"]
    )
    currency = known.currencies[document.currency].id
    lines: list[Values] = []
    for line in document.lines:
        values = line_values(line, known, shop, digits, sign=-1)
        values["currency"] = currency  # which is the company's own unless it is said
        if values["type"] == "line":
            product = values.get("product")
            origin = invoiced.origin_of(product, line.description)
            if origin is not None:
                # Never the sale's own line: the sale would invoice that quantity once more.
                values["origin"] = f"account.invoice.line,{origin['id']}"
                values["account"] = origin["account"]
            else:
                values["account"] = accounts[product] if product else shop.revenue_account
            if not line.quantity:  # where its product is booked, and no piece of that
                values = {name: held for name, held in values.items() if name not in _OF_PIECES}
        lines.append(values)
    return {
        "type": "out",
        "company": shop.company,
        "party": int(document.party.id),
        "party_tax_identifier": header.tax_identifier,
        "invoice_address": address_id(document.billing_address, document.party),
        "account": header.account,
        "journal": header.journal,
        "currency": currency,
        "payment_term": None,
        "invoice_date": document.issued_on,
        "reference": key,
        "description": document.number,
        "comment": document.comment,
        "lines": [["create", lines]],
    }


def credit_state(values: Values) -> State:
    """Of a customer invoice of either kind. A state that another module adds is not booked."""
    return CREDIT_STATES.get(values["state"], State.DRAFT)


def credit_record(values: Values, system: str) -> Record:
    """An ``account.invoice`` read with CREDIT_FIELDS, its totals turned positive."""
    currency = related(values, "currency")["code"]
    return Record(
        ref=Ref(system, Kind.CREDIT_NOTE, str(values["id"])),
        number=values["number"] or "",
        key=values["reference"],
        state=credit_state(values),
        totals=_turned(
            Totals(
                net=Money(values["untaxed_amount"], currency),
                tax=Money(values["tax_amount"], currency),
                gross=Money(values["total_amount"], currency),
            )
        ),
        version=values["_timestamp"],
    )


def _turned(sums: Totals) -> Totals:
    return Totals(net=-sums.net, tax=-sums.tax, gross=-sums.gross)
