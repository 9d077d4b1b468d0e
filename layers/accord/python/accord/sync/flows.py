"""What moves where: the code's own description, of which README's table is printed."""

from dataclasses import dataclass
from typing import Literal

Side = Literal["store", "back office"]


@dataclass(frozen=True, slots=True)
class Flow:
    """One function's part. ``switch`` is the name in [stores.….flows] that turns it on."""

    function: str
    origin: Side
    happens: str
    becomes: str
    switch: str
    woken: str


FLOWS = (
    Flow(
        "order_created",
        "store",
        "a new order, in any status that the rules import",
        "party, quotation or sales order, payment; its number as a private note",
        "orders",
        "webhook, poll_store",
    ),
    Flow(
        "order_updated",
        "store",
        "paid, edited, on hold and back, cancelled, failed, trashed, reopened; refunded pieces put "
        "back to stock",
        "confirmed, paid, amended or made anew while it may; cancelled; else a person is asked; by "
        "rule, an open return of the pieces that had been shipped",
        "orders",
        "webhook, poll_store",
    ),
    Flow(
        "refund_issued",
        "store",
        "a refund: of lines, of an amount, of all; several of one order",
        "credit note and money out; nothing but the money where the sale was cancelled",
        "orders",
        "the order's update",
    ),
    Flow(
        "customer_changed",
        "store",
        "a customer made, changed or deleted",
        "party made, merged field by field, or archived",
        "customers",
        "webhook, poll_store",
    ),
    Flow(
        "customer_changed",
        "back office",
        "a party changed",
        "customer merged field by field; by rule, made",
        "customers",
        "poll_erp",
    ),
    Flow(
        "order_fulfilled",
        "back office",
        "goods shipped, in part or all",
        "tracking, status by rule, a note about each shipment",
        "fulfilment",
        "poll_erp",
    ),
    Flow(
        "invoice_posted",
        "back office",
        "an invoice or credit note posted",
        "its number, a note, by rule the document behind an expiring link",
        "invoices",
        "poll_erp",
    ),
    Flow(
        "order_changed_in_erp",
        "back office",
        "an order cancelled, shortened or credited there",
        "a person is asked; by rule, status and note, or a refund record without money",
        "erp_changes",
        "poll_erp",
    ),
    Flow(
        "stock_changed",
        "back office",
        "stock moved, was reserved or counted; parts of kits and bills of materials too",
        "what the store may sell, less open demand, others' holds and the buffer; in batches",
        "stock",
        "poll_erp",
    ),
    Flow(
        "price_changed",
        "back office",
        "a list price or a price list changed",
        "regular and sale price, prices for groups of customers; in batches",
        "prices",
        "poll_erp",
    ),
    Flow(
        "product_updated",
        "back office",
        "an item made, changed, or taken out of sale",
        "a product or variation, by rule as a draft; the fields that the back office owns",
        "products",
        "poll_erp",
    ),
    Flow(
        "product_updated",
        "store",
        "a product made, changed or deleted",
        "our own writes end there; what was changed by hand is reported or written over; where the "
        "store owns the catalogue, the item in the back office",
        "products",
        "webhook, poll_store",
    ),
)
