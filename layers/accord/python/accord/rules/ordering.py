"""Which orders become what, and what is told of them afterwards."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from accord.rules.table import Code, Table, wrong

Make = Literal["sales_order", "quotation", "both", "cancel"]
"""What a status asks for. ``both``: a quotation until it is paid, a sales order from then on.
``cancel``: the document is cancelled, as for the store's own cancelled and failed."""


def _filled_by(*names: str) -> Callable[[str], str]:
    known = {f"{{{name}}}" for name in names}

    def check(text: str) -> str:
        if unknown := set(re.findall(r"\{[^{}]*\}|[{}]", text)) - known:
            raise wrong(
                f"the note holds {', '.join(sorted(unknown))}, which nothing fills in",
                f"Use {', '.join(sorted(known))} only.",
            )
        return text

    return check


_note = _filled_by("document", "number", "erp")
_fulfilment_note = _filled_by("date", "carrier", "tracking", "url", "number", "items")
_invoice_note = _filled_by("document", "number", "total", "date", "url")


class OrderWhen(Table):
    """Of an order: all that is named must hold, and a list holds if one of its values does."""

    status: tuple[Code, ...] = ()
    """The store's status."""
    payment_method: tuple[str, ...] = ()
    """The gateway's id: `bacs`, `stripe`; `` is none."""
    country: tuple[Code, ...] = ()
    """Where the goods go: `DE`, or `EU` for any member state."""
    currency: tuple[Code, ...] = ()
    """ISO 4217: `EUR`."""
    item_class: tuple[Code, ...] = ()
    """Classes of [mappings.classes] that at least one line is of."""
    customer: tuple[Code, ...] = ()
    """Customer ids, e-mail addresses, `@example.com` for all of a domain, `guest`."""
    vat_number: bool | None = None
    """Whether the buyer gave a VAT number."""
    total_from: Decimal | None = None
    """The total, in the order's currency, is this or more."""
    total_below: Decimal | None = None
    """The total is less than this."""


class Route(Table):
    """Where some orders go, and as what. The first that fits decides."""

    name: Code
    """For people: `accord rules explain` names it."""
    when: OrderWhen = OrderWhen()
    make: Literal["sales_order", "quotation", "both"] | None = None
    """The document, where `statuses` would make one. None: what `statuses` says."""
    erp: str | None = None
    """The back office, a table of [erps]: another company. None: the store's own."""


class OrderRules(Table):
    """Which orders become which documents."""

    start_at: AwareDatetime
    """Orders placed before are never made in the back office. Going live starts here."""
    statuses: dict[str, Make] = {"processing": "sales_order", "completed": "sales_order"}
    """Status of the store → document. A status that is not here is not imported."""
    route: tuple[Route, ...] = ()
    """Exceptions by customer, country, payment and so on: which company, which document."""
    import_closed: Literal["both", "none"] = "none"
    """Of an order that was cancelled or wholly refunded before it was imported: `both` the sale
    and what takes it back, or `none`."""
    closed_period: Literal["next_open", "ask"] = "next_open"
    """When the day of a credit note or payment is closed in the books: the next open day, with the
    true one in the reference, or a person's decision."""
    returns: Literal["none", "restocked"] = "none"
    """Goods that come back. `restocked`: pieces that the store put back to stock after they had
    been shipped become an open return in the back office, which the warehouse receives. Nothing is
    credited by it: the refund's credit note does that. Where invoices and credit notes move the
    goods themselves, the credit note counts those pieces in. `none`: the warehouse books what comes
    back, and no credit note moves goods."""
    vat_number: tuple[str, ...] = ("_billing_vat_number", "_vat_number", "billing_vat")
    """Custom fields that may hold the VAT number, first found wins."""
    po_number: tuple[str, ...] = ("po_number", "_po_number", "_billing_po_number")
    """Custom fields that may hold the buyer's purchase-order number."""
    note: Annotated[str, AfterValidator(_note)] = "{document} {number} in {erp}"
    """The private note that the store's order gets. {document}, {number}, {erp}."""


class FulfilmentRules(Table):
    """What the store is told when the back office ships."""

    part_shipped: Code | None = None
    """The order's status once a part was shipped. None leaves it."""
    shipped: Code | None = "completed"
    """The order's status once all was shipped. None leaves it."""
    tracking_field: Code = "_wc_shipment_tracking_items"
    """The custom field with carrier and number, in the form that shipment-tracking plugins read."""
    note: Annotated[str, AfterValidator(_fulfilment_note)] = (
        "Shipped on {date}[ with {carrier}][, tracking number {tracking}]"
    )
    """The note about a shipment. {date}, {carrier}, {tracking}, {url}, {number}, {items}; empty
    for none."""
    note_to_customer: bool = False
    """The shopper gets the note by e-mail. Never in a stage that is not prod."""
    delivery_note: bool = False
    """Keep the printed delivery note and link it in a private note."""


class InvoiceRules(Table):
    """What the store is told when the back office posts an invoice."""

    number_field: Code = "_accord_invoice"
    """The custom field that holds the invoice's number."""
    note: Annotated[str, AfterValidator(_invoice_note)] = "{document} {number} of {total}"
    """The note about an invoice or credit note. {document}, {number}, {total}, {date}, {url}; empty
    for none."""
    note_to_customer: bool = False
    """The shopper gets the note by e-mail. Never in a stage that is not prod."""
    link: bool = False
    """Keep the printed document; {url} in the note is its address."""
    link_days: int = Field(default=30, ge=1, le=365)
    """How long such an address works."""


class NoteWords(Table):
    """What documents are called in the store's notes, in the language that its people read."""

    quotation: Code = "Quotation"
    """An offer, not yet binding."""
    sales_order: Code = "Sales order"
    """A confirmed order."""
    invoice: Code = "Invoice"
    """An invoice."""
    credit_note: Code = "Credit note"
    """What takes an invoice back, or a part of it."""
    goods_return: Code = "Return"
    """Goods that come back, which the warehouse receives."""
    delivery_note: Code = "Delivery note"
    """What lies in the parcel."""
    cancelled: Annotated[str, AfterValidator(_note)] = "{document} {number} cancelled in {erp}"
    """The note about a cancelled document. {document}, {number}, {erp}."""

    def of(self, document: Literal["quotation", "sales_order", "invoice", "credit_note"]) -> str:
        """The word for ``document``."""
        word: str = getattr(self, document)
        return word


class ErpChangeRules(Table):
    """What becomes of an order that was changed in the back office."""

    cancelled: Literal["ask", "apply"] = "ask"
    """Cancelled there: a person decides, or the store's order is cancelled too."""
    credited: Literal["ask", "apply"] = "ask"
    """Credited there: a person decides, or the store gets a refund of that amount. No money is sent
    by it."""
