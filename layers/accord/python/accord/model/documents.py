"""The documents that both sides speak of.

``SalesOrder`` is what the store sold, complete and vendor-free. ``SalesDocument`` is the same order
after the merchant's rules named every item, tax code and account: what a back office is asked to
hold. The first says everything; the second loses nothing of it.
"""

import datetime as dt
import enum
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from accord.model.change import Ref
from accord.model.money import Money
from accord.model.party import Address, Party


class Kind(enum.StrEnum):
    """What a back office can hold."""

    PARTY = "party"
    SALES_ORDER = "sales_order"
    PAYMENT = "payment"
    CREDIT_NOTE = "credit_note"
    INVOICE = "invoice"
    SHIPMENT = "shipment"
    RETURN = "return"
    ITEM = "item"
    STOCK = "stock"
    PRICE = "price"
    RECIPE = "recipe"


class State(enum.StrEnum):
    """How far a document has come. A quotation is offered; a confirmed one binds."""

    DRAFT = "draft"
    QUOTATION = "quotation"
    CONFIRMED = "confirmed"
    VOIDED = "voided"

    @property
    def rank(self) -> int:
        """Draft 0, quotation 1, confirmed 2: how far along. A voided one is before all."""
        return {"voided": -1, "draft": 0, "quotation": 1, "confirmed": 2}[self.value]


# --- the store's side -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaxRate:
    """One tax rate as the store names it. ``percent`` is 20 for 20 %."""

    id: str
    code: str
    label: str
    percent: Decimal
    compound: bool = False


@dataclass(frozen=True, slots=True)
class Tax:
    """What one rate took of one line. ``code`` is the back office's, where a person named it."""

    rate: TaxRate
    amount: Money
    code: str = ""


LineKind = Literal["item", "shipping", "fee", "gift_card", "refund"]
"""``gift_card`` is paid with (negative); ``refund`` is an amount given back without lines."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of the order. ``net`` and ``taxes`` are what the store charged, after discounts.

    ``restocked`` is how many refunded pieces the store has put back to stock so far. ``took`` is
    how many the line has taken from the store's stock and not given back, None where the store
    does not say; more were put back than were taken where it is negative.
    """

    id: str
    kind: LineKind
    code: str  # an item's SKU, a shipping method's id, a fee's name; may be empty
    description: str
    quantity: Decimal
    net: Money
    taxes: tuple[Tax, ...] = ()
    discount: Money | None = None  # net, what coupons took off
    options: tuple[tuple[str, str], ...] = ()  # what the shopper chose: engraving, size
    restocked: Decimal = Decimal(0)
    took: Decimal | None = None

    @property
    def tax(self) -> Money:
        return Money.total((tax.amount for tax in self.taxes), self.net.currency)


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code that was used; what it took off is already in the lines."""

    code: str
    discount: Money  # net


@dataclass(frozen=True, slots=True)
class PaymentInfo:
    """How the shopper pays. ``paid_at`` is the store's own word; a status never is.

    ``terms`` are the back office's payment terms, where a person named them.
    """

    method: str  # the gateway's id: bacs, stripe
    title: str
    transaction_id: str = ""
    paid_at: dt.datetime | None = None
    terms: str = ""


@dataclass(frozen=True, slots=True)
class SalesOrder:
    """What the store sold.

    Invariant: Σ line net + Σ line tax + ``rounding`` = ``total``. ``rounding`` is what the store's
    own arithmetic leaves over; the mapper computes it, so nothing can be lost silently. ``mended``
    is what a person said of it that changes the document and shows nowhere else: (field, value).
    """

    ref: Ref
    number: str
    status: str
    currency: str
    placed_at: dt.datetime
    modified_at: dt.datetime
    party: Party
    lines: tuple[OrderLine, ...]
    total: Money
    rounding: Money
    payment: PaymentInfo
    coupons: tuple[Coupon, ...] = ()
    prices_include_tax: bool = False
    po_number: str = ""
    customer_note: str = ""
    refund_ids: tuple[str, ...] = ()
    refunded: Money | None = None
    meta: tuple[tuple[str, str], ...] = ()  # plain custom fields; rules may map them
    mended: tuple[tuple[str, str], ...] = ()

    @property
    def net(self) -> Money:
        return Money.total((line.net for line in self.lines), self.currency)

    @property
    def tax(self) -> Money:
        return Money.total((line.tax for line in self.lines), self.currency)


@dataclass(frozen=True, slots=True)
class Refund:
    """What the store gave back of an order. All amounts and quantities are positive.

    A line's ``id`` is the order line's that it takes back. Invariant: Σ line net + Σ line tax +
    ``unassigned`` = ``total``; ``unassigned`` was given back without saying for what.
    """

    ref: Ref
    order: Ref
    refunded_at: dt.datetime
    total: Money
    lines: tuple[OrderLine, ...]
    unassigned: Money
    reason: str = ""
    by_gateway: bool = False  # the store's payment gateway sent the money


# --- the back office's side -------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineTax:
    """One tax of one line: the back office's tax code, and what the store charged."""

    code: str
    amount: Money


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """One line of a document. Without ``item`` it is a text line booked on ``account``.

    Of a credit note, an item's line of no ``quantity`` is money of it, and no piece came back.
    ``net`` is the whole line's. ``source`` is the id of the order line it stands for; the rounding
    line has none. ``revenue`` is the account of an item's line, where it is not the item's own.
    ``returned`` is how many of its pieces a credit note brings back to stock, where it does.
    """

    description: str
    quantity: Decimal
    net: Money
    item: str | None = None
    account: str | None = None
    taxes: tuple[LineTax, ...] = ()
    source: str | None = None
    revenue: str | None = None
    returned: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Totals:
    """``net + tax == gross``, all in one currency."""

    net: Money
    tax: Money
    gross: Money


@dataclass(frozen=True, slots=True)
class SalesDocument:
    """A sales order as a back office shall hold it. ``total`` is the store's, to the cent."""

    number: str  # the store's order number, for people
    party: Ref
    billing_address: str  # the back office's ids of the party's addresses
    shipping_address: str
    currency: str
    placed_on: dt.date  # in the company's time zone
    lines: tuple[DocumentLine, ...]
    total: Money
    po_number: str = ""
    comment: str = ""
    carrier: str | None = None
    payment_terms: str | None = None
    kind: Kind = field(default=Kind.SALES_ORDER, init=False)

    def with_line(self, line: DocumentLine) -> "SalesDocument":
        return replace(self, lines=(*self.lines, line))


@dataclass(frozen=True, slots=True)
class PartyDocument:
    """A party to be made. Its external key is the account code."""

    party: Party
    payment_terms: str | None = None
    kind: Kind = field(default=Kind.PARTY, init=False)


@dataclass(frozen=True, slots=True)
class CreditDocument:
    """What is taken back of a confirmed order. Lines and ``total`` are positive.

    A line's ``source`` is the order line's id, as in the order's own document. Where the order was
    invoiced, the credit note is tied to that invoice.
    """

    number: str  # of the refund in the store, for people
    order: Ref
    party: Ref
    billing_address: str
    currency: str
    issued_on: dt.date  # in the company's time zone
    lines: tuple[DocumentLine, ...]
    total: Money
    comment: str = ""
    kind: Kind = field(default=Kind.CREDIT_NOTE, init=False)

    def with_line(self, line: DocumentLine) -> "CreditDocument":
        return replace(self, lines=(*self.lines, line))


@dataclass(frozen=True, slots=True)
class PaymentDocument:
    """Money received for an order, or given back where ``amount`` is below zero.

    ``account`` is the ledger account or journal that it went to or came from.
    """

    order: Ref
    party: Ref
    amount: Money
    received_on: dt.date
    account: str
    reference: str  # the gateway's transaction id, or the order's number
    kind: Kind = field(default=Kind.PAYMENT, init=False)


@dataclass(frozen=True, slots=True)
class ReturnDocument:
    """Goods of a confirmed order that come back. The warehouse receives them; no money is in it."""

    number: str  # of the order in the store, for people
    order: Ref
    party: Ref
    billing_address: str
    shipping_address: str
    currency: str
    returned_on: dt.date  # in the company's time zone
    lines: tuple[tuple[str, Decimal], ...]  # (item, how many), each item once
    comment: str = ""
    kind: Kind = field(default=Kind.RETURN, init=False)


Document = SalesDocument | CreditDocument | PartyDocument | PaymentDocument | ReturnDocument


@dataclass(frozen=True, slots=True)
class Record:
    """A document as a back office answered it.

    ``key`` is our external key where the answer shows it. ``addresses`` are (fingerprint, id) pairs
    of a party; ``emails`` its addresses, lower case.
    """

    ref: Ref
    number: str
    key: str | None = None
    state: State = State.DRAFT
    totals: Totals | None = None
    version: str = ""
    addresses: tuple[tuple[str, str], ...] = ()
    emails: tuple[str, ...] = ()


__all__ = [
    "Address",
    "Coupon",
    "CreditDocument",
    "Document",
    "DocumentLine",
    "Kind",
    "LineTax",
    "OrderLine",
    "PartyDocument",
    "PaymentDocument",
    "PaymentInfo",
    "Record",
    "Refund",
    "ReturnDocument",
    "SalesDocument",
    "SalesOrder",
    "State",
    "Tax",
    "TaxRate",
    "Totals",
]
