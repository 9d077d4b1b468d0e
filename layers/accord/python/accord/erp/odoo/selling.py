"""Orders written: made, confirmed, changed, cancelled.

Calls for one order of a known customer, once the master data is known: load, read, confirm.
"""

from dataclasses import replace
from typing import Any, Final

from accord.erp.needs import Needs, needs
from accord.erp.odoo.client import Client
from accord.erp.odoo.external import columns, external_id, row_of
from accord.erp.odoo.known import Company, Known
from accord.erp.odoo.mapping import (
    ORDER_FIELDS,
    accounts_of,
    head_values,
    line_values,
    order_record,
    order_values,
    totals_of,
)
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.wire import Values, text
from accord.erp.unsent import nothing_made
from accord.errors import (
    DisagreementError,
    NotNowError,
    Owner,
    RejectedError,
    TransientError,
)
from accord.model.change import Ref
from accord.model.documents import (
    CreditDocument,
    Kind,
    Record,
    SalesDocument,
    State,
    Totals,
)

MODEL: Final = "sale.order"
LINE: Final = "sale.order.line"
_UNASKED: Final = {"disable_cancel_warning": True}
"""Without it ``action_cancel`` opens a window and does nothing."""


class Selling:
    """``sale.order`` of one company."""

    def __init__(self, client: Client, master: MasterData) -> None:
        self._client = client
        self._master = master

    def preview(self, document: SalesDocument | CreditDocument) -> Totals:
        """See ``ErpAdapter.preview``. Computed here, as Odoo does it; nothing is made there."""
        known = self._master.known(needs_of(document))
        self._master.check_quantities(line.quantity for line in document.lines)
        return totals_of(document.lines, document.currency, known, self._master.company())

    def create(self, document: SalesDocument, key: str) -> Record:
        """The new quotation, or the order of that key as it is by now. Two calls."""
        known, company, taxes = self._ready(document)
        values = order_values(document, key, known, company)
        lines = [line_values(line, known, company, taxes) for line in document.lines]
        names = columns(values, lines, "order_line")
        external = external_id(MODEL, company.id, key)
        first, *rest = lines or [{}]
        rows = [row_of(names, {"id": external, **values}, first, "order_line")]
        rows += [row_of(names, {}, line, "order_line") for line in rest]
        id_ = self._client.load_once(MODEL, names, rows)
        try:
            return self._record(id_)
        except (TransientError, NotNowError):
            # It is there: whoever asks next reads it. Without its totals nobody confirms it.
            ref = Ref(self._client.connection, Kind.SALES_ORDER, str(id_))
            return Record(ref=ref, number="", key=key, state=State.QUOTATION)

    def advance(self, record: Record, to: State) -> Record:
        """At least as far as ``to``; one call to confirm."""
        if to is not State.CONFIRMED:
            return self.again(record)
        try:
            self._client.act(MODEL, "action_confirm", [int(record.ref.id)])
        except (RejectedError, TransientError) as error:
            # Five who confirm at once: one does, and the others are told of its side effects.
            if isinstance(error, TransientError) and error.reason != "contention":
                raise
            now = self.again(record)
            if now.state is State.CONFIRMED:
                return now
            raise
        # The button changed it, and nobody has read it since.
        return replace(record, state=State.CONFIRMED, version="")

    def amend(self, record: Record, document: SalesDocument) -> Record:
        """``record`` with all that ``document`` says. Three calls, and one once.

        All lines are made anew: which one became which, only the store could tell.
        Raises: RejectedError: it is confirmed or cancelled.
        """
        known, company, taxes = self._ready(document)
        row = self._row(record, "order_line")
        now = order_record(row, self._client.connection)
        if now.state is not State.QUOTATION:
            raise RejectedError(
                f"{self._client.connection}: order {now.number} is {row['state']} in Odoo and can "
                "no longer be changed; change it there by hand"
            )
        lines: list[Any] = [[2, id_, 0] for id_ in row["order_line"]]
        for line in document.lines:
            values = line_values(line, known, company, taxes)
            if taxes in values:
                values[taxes] = [[6, 0, values[taxes]]]
            lines.append([0, 0, values])
        # Terms that the document does not name may be the customer's own, by Odoo's default.
        cleared: Values = {"carrier_id": False} if self._master.has(MODEL, "carrier_id") else {}
        if company.warehouse is not None:  # whoever writes the customer makes Odoo choose it anew
            cleared["warehouse_id"] = company.warehouse
        head = {**cleared, **head_values(document, known), "order_line": lines}
        self._client.write(MODEL, [row["id"]], head)
        return self.again(record)

    def void(self, record: Record) -> Record:
        """``record``, cancelled with its open deliveries and draft invoices. Three to six calls.

        Raises: DisagreementError: goods have left, or it is invoiced; nothing was changed.
        """
        fields = ["picking_ids", "invoice_ids"]
        if self._master.has(MODEL, "locked"):
            fields.append("locked")
        row = self._row(record, *fields)
        now = order_record(row, self._client.connection)
        if now.state is State.VOIDED:
            return now
        self._refuse_what_happened(now, row)
        if row["state"] == "done" or row.get("locked"):
            self._client.act(MODEL, "action_unlock", [row["id"]])
        try:
            self._client.act(MODEL, "action_cancel", [row["id"]], context=_UNASKED)
        except RejectedError:
            if self.again(record).state is not State.VOIDED:
                raise
        now = self.again(record)
        if now.state is not State.VOIDED:
            raise DisagreementError(
                f"order {now.number} is still {now.state} in Odoo after it was cancelled; look at "
                "it there and end it by hand",
                reason="not_voided",
                owner="commerce",
            )
        return now

    def again(self, record: Record) -> Record:
        """``record`` as it is now. Raises: RejectedError: it is gone."""
        return order_record(self._row(record), self._client.connection)

    def _refuse_what_happened(self, order: Record, row: Values) -> None:
        """Raises: DisagreementError: something cannot be taken back by cancelling."""
        pickings = row["picking_ids"] and self._client.search_read(
            "stock.picking",
            [["id", "in", row["picking_ids"]], ["state", "=", "done"]],
            ["name", "picking_type_code"],
        )
        if pickings:
            raise _disagreement(
                order,
                f"goods have left with {_names(pickings)}",
                "take them back with a return, or stop them on their way",
                reason="goods_left",
                owner="warehouse",
            )
        invoices = row["invoice_ids"] and self._client.search_read(
            "account.move",
            [["id", "in", row["invoice_ids"]], ["state", "=", "posted"]],
            ["name"],
        )
        if invoices:
            raise _disagreement(
                order,
                f"invoice {_names(invoices)} is in the books",
                "credit it in Odoo",
                reason="invoiced",
                owner="finance",
            )

    def _ready(self, document: SalesDocument) -> tuple[Known, Company, str]:
        with nothing_made():
            known = self._master.known(needs_of(document))
            self._master.check_quantities(line.quantity for line in document.lines)
            company = self._master.company()
            return known, company, self._master.of_release(LINE, "tax_ids", "tax_id")

    def _record(self, id_: int) -> Record:
        (row,) = self._client.read(MODEL, [id_], ORDER_FIELDS)
        return order_record(row, self._client.connection)

    def _row(self, record: Record, *fields: str) -> Values:
        rows = self._client.read(MODEL, [int(record.ref.id)], (*ORDER_FIELDS, *fields))
        if not rows:
            raise RejectedError(f"{record.ref} is no longer in Odoo")
        return rows[0]


def needs_of(document: SalesDocument | CreditDocument) -> Needs:
    """What must be known before ``document`` can be mapped."""
    return {**needs(document), "accounts": accounts_of(document.lines)}


def _disagreement(
    order: Record, what: str, remedy: str, *, reason: str, owner: Owner
) -> DisagreementError:
    return DisagreementError(
        f"order {order.number} cannot be cancelled: {what}; {remedy}, then dismiss this",
        reason=reason,
        owner=owner,
    )


def _names(rows: list[Values]) -> str:
    return ", ".join(text(row["name"]) or str(row["id"]) for row in rows)
