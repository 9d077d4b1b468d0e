"""Credit notes and payments written, and the days that the books are open for.

Calls: a credit note 3 to make and 2 to post, a payment 4, ``open_day`` 1. One more where an item's
money is credited and no piece of it: such a line bears the invoice's account, and no product.

A credit note is made as a reversal of the order's invoice, with lines of its own: the wizard would
take all of it back, and more calls. It has no part in the order's invoiced quantities, so nothing
that was refunded is invoiced anew.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from accord.erp.needs import needs
from accord.erp.odoo.client import Client
from accord.erp.odoo.invoices import (
    MOVE,
    MOVE_FIELDS,
    PAYMENT,
    PAYMENT_FIELDS,
    credit_record,
    payment_record,
)
from accord.erp.odoo.known import Company, Known
from accord.erp.odoo.mapping import is_note, item_of, quantity_of, tax_ids, unit_price
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.selling import MODEL as ORDER
from accord.erp.odoo.selling import needs_of
from accord.erp.odoo.wire import Values, day, html_of, id_of, text
from accord.erp.unsent import nothing_made
from accord.errors import RejectedError
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    DocumentLine,
    Kind,
    PaymentDocument,
    Record,
    State,
    Totals,
)

_LINE: Final = "account.move.line"
_LOCKS: Final = (
    "fiscalyear_lock_date",
    "tax_lock_date",
    "period_lock_date",  # up to 17
    "sale_lock_date",  # from 18 on
    "hard_lock_date",
)
"""Nothing is booked on these days or before."""
_NEVER_SALES: Final = {"sale_lock_date"}  # of payments


class Booking:
    """``account.move`` and ``account.payment`` of one company."""

    def __init__(self, client: Client, master: MasterData) -> None:
        self._client = client
        self._master = master

    # --- credit notes ----------------------------------------------------------

    def credit(self, document: CreditDocument, key: str) -> Record:
        """The new draft with its totals."""
        with nothing_made():
            known = self._master.known(needs_of(document))
            self._master.check_quantities(line.quantity for line in document.lines)
            company = self._master.company()
            invoice = self._invoice(document)
            accounts = self._accounts(document, known, invoice)
        values: Values = {
            "move_type": "out_refund",
            "partner_id": int(document.billing_address or document.party.id),
            "ref": key,
            "invoice_date": document.issued_on.isoformat(),
            "currency_id": known.currencies[document.currency].id,
            "narration": html_of(document.comment),
            "invoice_line_ids": [
                [0, 0, _line(each, known, company, accounts)] for each in document.lines
            ],
        }
        if invoice is not None:
            values["reversed_entry_id"] = invoice
        id_ = self._client.create(MOVE, values)
        ref = Ref(self._client.connection, Kind.CREDIT_NOTE, str(id_))
        return self.credit_again(Record(ref=ref, number="", key=key))

    def _invoice(self, document: CreditDocument) -> int | None:
        """The order's posted invoice, the last one; None without."""
        orders = self._client.read(ORDER, [int(document.order.id)], ["invoice_ids"])
        if not orders:
            raise RejectedError(f"{document.order} is no longer in Odoo")
        if not orders[0]["invoice_ids"]:
            return None
        domain = [
            ["id", "in", orders[0]["invoice_ids"]],
            ["move_type", "=", "out_invoice"],
            ["state", "=", "posted"],
        ]
        rows = self._client.search_read(MOVE, domain, ["name"])
        return int(rows[-1]["id"]) if rows else None

    def _accounts(
        self, document: CreditDocument, known: Known, invoice: int | None
    ) -> Mapping[int, int]:
        """By product, where the invoice books what is credited of it without a piece."""
        products = [item_of(each, known) for each in document.lines if _is_money_only(each)]
        if not products or invoice is None:
            return {}
        domain = [
            ["move_id", "=", invoice],
            ["display_type", "=", "product"],
            ["product_id", "in", products],
        ]
        rows = self._client.search_read(_LINE, domain, ["product_id", "account_id"])
        booked = ((id_of(row["product_id"]), id_of(row["account_id"])) for row in rows)
        return {product: account for product, account in booked if product and account}

    def post(self, record: Record) -> Record:
        """The credit note, booked and numbered."""
        try:
            self._client.act(MOVE, "action_post", [int(record.ref.id)])
        except RejectedError:
            if self.credit_again(record).state is not State.CONFIRMED:
                raise
        return self.credit_again(record)

    def credit_again(self, record: Record) -> Record:
        found = self.credit_notes([["id", "=", int(record.ref.id)]])
        if not found:
            raise RejectedError(f"{record.ref} is no longer in Odoo")
        return found[0]

    def credit_notes(self, domain: list[Any]) -> list[Record]:
        """Credit notes, voided ones too."""
        whole = [["move_type", "=", "out_refund"], *domain]
        rows = self._client.search_read(MOVE, whole, MOVE_FIELDS)
        return [credit_record(row, self._client.connection) for row in rows]

    # --- payments --------------------------------------------------------------

    def pay(self, document: PaymentDocument, key: str) -> Record:
        """The new payment, posted."""
        amount = document.amount
        with nothing_made():
            known = self._master.known(needs(document))
            if (open_ := self.open_day(Kind.PAYMENT, document.received_on)) != document.received_on:
                raise self._master.unmapped(
                    [f"period:{document.received_on:%Y-%m}"],
                    f"the books are locked until {open_}; move Odoo's lock dates",
                )
            key_field = self.key_field()
            has_reference = self._master.has(PAYMENT, "payment_reference")
        values: Values = {
            "payment_type": "outbound" if amount.amount < 0 else "inbound",
            "partner_type": "customer",
            "partner_id": int(document.party.id),
            "amount": abs(amount.amount),
            "currency_id": known.currencies[amount.currency].id,
            "date": document.received_on.isoformat(),
            "journal_id": known.journals[document.account],
            key_field: key,
        }
        if has_reference:
            values["payment_reference"] = document.reference
        id_ = self._client.create(PAYMENT, values)
        return self.post_payment(
            Record(
                ref=Ref(self._client.connection, Kind.PAYMENT, str(id_)),
                number="",
                key=key,
                totals=Totals(net=amount, tax=amount - amount, gross=amount),
            )
        )

    def post_payment(self, record: Record) -> Record:
        """``record``, posted."""
        try:
            self._client.act(PAYMENT, "action_post", [int(record.ref.id)])
        except RejectedError:
            if self.payment_again(record).state is not State.CONFIRMED:
                raise
        return self.payment_again(record)

    def payment_again(self, record: Record) -> Record:
        found = self.payments([["id", "=", int(record.ref.id)]])
        if not found:
            raise RejectedError(f"{record.ref} is no longer in Odoo")
        return found[0]

    def payments(self, domain: list[Any]) -> list[Record]:
        """Payments, voided ones too."""
        field = self.key_field()
        rows = self._client.search_read(PAYMENT, domain, (*PAYMENT_FIELDS, field))
        return [payment_record(row, field, self._client.connection) for row in rows]

    def key_field(self) -> str:
        """Where a payment bears its key: ``memo`` from 18 on, ``ref`` before."""
        return self._master.of_release(PAYMENT, "memo", "ref")

    # --- open days -------------------------------------------------------------

    def open_day(self, kind: Kind, on: dt.date) -> dt.date | None:
        """The first day from ``on`` behind every lock of the company. Never kept; there is always
        one. An order is not booked."""
        if kind is Kind.SALES_ORDER:
            return on
        locks = [name for name in _LOCKS if self._master.has("res.company", name)]
        if kind is Kind.PAYMENT:
            locks = [name for name in locks if name not in _NEVER_SALES]
        (row,) = self._client.read("res.company", [self._master.company().id], locks)
        locked = [found for name in locks if (found := day(row[name])) is not None]
        return max([on, *(each + dt.timedelta(days=1) for each in locked)])


def _is_money_only(line: DocumentLine) -> bool:
    """It takes back money of an item, and no piece of it."""
    return line.item is not None and not line.quantity


def _line(
    line: DocumentLine, known: Known, company: Company, accounts: Mapping[int, int]
) -> Values:
    if is_note(line):
        return {"display_type": "line_note", "name": text(line.description)}
    product = item_of(line, known)
    is_bare = _is_money_only(line) and product in accounts
    return {
        **({"account_id": accounts[product]} if is_bare else {"product_id": product}),
        "name": line.description,
        "quantity": quantity_of(line),
        "price_unit": unit_price(line, company),
        "discount": 0,
        "tax_ids": [[6, 0, tax_ids(line, known)]],
    }
