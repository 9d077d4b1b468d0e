"""Orders cancelled, with the shipments and invoices that have not happened yet.

Tryton cancels a draft or a quotation only. Of an order that it has processed, shipments and
invoices are cancelled one by one; the order then shows exceptions, and once a person says that
nothing is to be made anew it ends as done.

Source: trytond 8.2, module sale (sale.py: is_done, HandleShipmentException,
HandleInvoiceException), held against a running server in tests.
"""

from dataclasses import replace
from typing import Any

from accord.erp.tryton.mapping import SALE_FIELDS, sale_record
from accord.erp.tryton.records import Records
from accord.erp.tryton.wire import Values
from accord.errors import DisagreementError, Owner, RejectedError
from accord.model.documents import Record, State

_FIELDS = (
    *SALE_FIELDS,
    "shipments.number",
    "shipments.state",
    "shipments._timestamp",
    "shipments.outgoing_moves.sale",
    "shipment_returns.number",
    "shipment_returns.state",
    "shipment_returns._timestamp",
    "moves.state",
    "moves.sale_exception_state",
    "invoices.number",
    "invoices.state",
    "invoices.sale_exception_state",
    "invoices.sales",
    "invoices._timestamp",
)

_ROUNDS = 4  # the first does it all; others are for what someone changed in between


class Cancelling:
    """``sale.sale`` of one company, brought to an end."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def void(self, record: Record) -> Record:
        """``record``, cancelled. Two calls; ten where shipment and invoice were made already.

        Each round looks first and then does what is left to do, so a crash anywhere is mended by
        calling this again.

        Raises: DisagreementError: goods have left, or it is invoiced; nothing was changed.
        """
        refusal: RejectedError | None = None
        for _ in range(_ROUNDS):
            row = self._records.one("sale.sale", int(record.ref.id), _FIELDS)
            now = sale_record(row, self._records.connection)
            if now.state is State.VOIDED:
                return now
            _refuse_what_happened(row)
            try:
                if self._end(row):
                    return replace(now, state=State.VOIDED, version="")
            except RejectedError as error:  # someone moved it on meanwhile: look again
                refusal = error
        raise refusal or DisagreementError(
            f"order {_name(row)} is still {row['state']} in Tryton after all its shipments and "
            "invoices were cancelled; look at it there and end it by hand",
            reason="not_voided",
            owner="commerce",
        )

    def _end(self, row: Values) -> bool:
        """Does all that is left to do; whether the order is surely cancelled by that."""
        match row["state"]:
            case "draft" | "quotation":
                self._sale("cancel", row)
                return True
            case "confirmed":  # a server with a queue of its own has not processed it yet
                self._sale("draft", row)
                self._sale("cancel", row)
                return True
            case _:
                self._settle(row)
                return False

    def _settle(self, row: Values) -> None:
        done = [
            self._cancel("stock.shipment.out", row["shipments."]),
            self._cancel("stock.shipment.out.return", row["shipment_returns."]),
            self._cancel("account.invoice", row["invoices."]),
            self._ignore("shipment", "moves", row["moves."], row),
            self._ignore("invoice", "invoices", row["invoices."], row),
        ]
        if not any(done):  # the server's own queue may not have looked at it since
            self._sale("process", row)

    def _cancel(self, model: str, rows: list[Values]) -> bool:
        """Cancels those that are not; only if they still are as they were read."""
        open_ = [each for each in rows if each["state"] != "cancelled"]
        if open_:
            self._records.call(
                f"model.{model}.cancel",
                [each["id"] for each in open_],
                _timestamp={f"{model},{each['id']}": each["_timestamp"] for each in open_},
            )
        return bool(open_)

    def _ignore(self, what: str, field: str, rows: list[Values], row: Values) -> bool:
        """Says of all cancelled ones that they are not to be made anew.

        By now every one of ``rows`` is cancelled. Tryton skips those that it was told of before.
        """
        ids = [each["id"] for each in rows if not each["sale_exception_state"]]
        if ids:
            form: dict[str, Any] = {
                f"domain_{field}": ids,
                f"ignore_{field}": ids,
                f"recreate_{field}": [],
            }
            self._records.wizard(
                f"sale.handle.{what}.exception",
                ("ask", "handle", form),
                model="sale.sale",
                id_=row["id"],
            )
        return bool(ids)

    def _sale(self, button: str, row: Values) -> None:
        self._records.call(f"model.sale.sale.{button}", [row["id"]])


def _refuse_what_happened(row: Values) -> None:
    """Raises: DisagreementError: something cannot be taken back by cancelling."""
    shipments = row["shipments."] + row["shipment_returns."]
    left = [each for each in shipments if each["state"] in {"shipped", "done", "received"}]
    if left or any(move["state"] == "done" for move in row["moves."]):
        raise _disagreement(
            row,
            f"goods have left with shipment {_names(left)}" if left else "goods have left",
            "take them back with a return, or stop them on their way",
            reason="goods_left",
            owner="warehouse",
        )
    booked = [each for each in row["invoices."] if each["state"] in {"posted", "paid"}]
    if booked:
        raise _disagreement(
            row,
            f"invoice {_names(booked)} is in the books",
            "credit it in Tryton",
            reason="invoiced",
            owner="finance",
        )
    moves = [
        move
        for shipment in row["shipments."]
        if shipment["state"] != "cancelled"
        for move in shipment["outgoing_moves."]
    ]
    standing = [each for each in row["invoices."] if each["state"] != "cancelled"]
    orders = {move["sale"] for move in moves} | {id_ for each in standing for id_ in each["sales"]}
    others = orders - {row["id"], None}
    if others:
        raise _disagreement(
            row,
            "its shipment or invoice holds other orders too",
            "take this order's lines out of it in Tryton",
            reason="shared_document",
            owner="finance",
        )


def _disagreement(
    row: Values, what: str, remedy: str, *, reason: str, owner: Owner
) -> DisagreementError:
    return DisagreementError(
        f"order {_name(row)} cannot be cancelled: {what}; {remedy}, then dismiss this",
        reason=reason,
        owner=owner,
    )


def _name(row: Values) -> str:
    return str(row["number"] or row["id"])


def _names(rows: list[Values]) -> str:
    return ", ".join(_name(each) for each in rows)
