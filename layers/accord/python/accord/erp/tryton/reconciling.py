"""What was received and paid back, set against what was invoiced: Tryton's reconciliation.

Source: trytond 8.2, modules account (move.py: Reconciliation, Line.reconcile) and account_invoice
(an invoice whose lines to pay are all reconciled is paid); a running server.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from accord.erp.tryton.masterdata import MasterData
from accord.erp.tryton.progress import of_order
from accord.erp.tryton.records import Records
from accord.erp.tryton.wire import Values
from accord.errors import RejectedError
from accord.model.change import Ref
from accord.model.open_items import OpenItem, settled

_FIELDS = (
    "account",
    "amount_second_currency",
    "credit",
    "debit",
    "move.origin",
    "party",
    "second_currency",
)
_INVOICE = "account.invoice"
_LINE = "account.move.line"


class Reconciling:
    """``account.move.reconciliation`` of one company."""

    def __init__(self, records: Records, master: MasterData) -> None:
        self._records = records
        self._master = master

    def reconcile(self, order: Ref, payments: Sequence[Ref]) -> None:
        """See ``ErpAdapter.reconcile``. Two calls, and three for each group that comes to zero.

        Whole moves only: a payment of a part stays open beside its invoice, and so does a foreign
        one whose rate was another on the invoice's day. Nothing is written off. Closed periods do
        not matter: a reconciliation books nothing.
        """
        if not order.id.isdigit():
            return
        of_id = [["id", "=", int(order.id)]]
        for sale in self._records.search("sale.sale", of_id, ("web_id",)):
            lines = self._open_lines(sale, [int(payment.id) for payment in payments])
            for group in _groups(lines):
                self._together(group)

    def _together(self, lines: list[int]) -> None:
        """Reconciles them, unless someone took one of them meanwhile.

        Tryton lets nobody write the field itself, so this is what the desktop client does. Without
        a difference its wizard asks for nothing.
        """
        name = "wizard.account.move.reconcile_lines"
        session, start, _ = self._records.call(f"{name}.create")
        try:
            self._records.call(
                f"{name}.execute",
                session,
                {},
                start,
                active_id=lines[0],
                active_ids=lines,
                active_model=_LINE,
            )
        except RejectedError:
            still = [["id", "in", lines], ["reconciliation", "=", None]]
            if len(self._records.search(_LINE, still, ("id",))) == len(lines):
                raise
        self._records.call(f"{name}.delete", session)

    def _open_lines(self, sale: Values, payments: list[int]) -> list[Values]:
        """What is open on a receivable of the order's posted invoices and of ``payments``."""
        invoiced = [
            ["move.origin.type", "=", "out", _INVOICE],
            ["move.origin.state", "=", "posted", _INVOICE],
            of_order(sale["id"], sale["web_id"], "move.origin.", _INVOICE),
        ]
        return self._records.search(
            _LINE,
            [
                ["reconciliation", "=", None],
                ["move.company", "=", self._master.context()["company"]],
                ["move.state", "=", "posted"],
                ["account.type.receivable", "=", True],
                ["account.reconcile", "=", True],
                ["OR", ["move", "in", payments], invoiced],
            ],
            _FIELDS,
            limit=1000,
            order=[["id", "ASC"]],
        )


def _groups(lines: Iterable[Values]) -> list[list[int]]:
    """Ids of lines to reconcile together: whole moves of one party, account and currency."""
    accounts: dict[tuple[Any, ...], dict[int, list[Values]]] = {}
    for line in lines:
        where = line["party"], line["account"], line["second_currency"]
        accounts.setdefault(where, {}).setdefault(line["move."]["id"], []).append(line)
    return [
        [line["id"] for item in group for line in moves[int(item.id)]]
        for moves in accounts.values()
        for group in settled(_item(move, of_move) for move, of_move in moves.items())
    ]


def _item(move: int, lines: Sequence[Values]) -> OpenItem:
    zero = Decimal(0)
    return OpenItem(
        id=str(move),
        amount=sum((line["debit"] - line["credit"] for line in lines), zero),
        foreign=sum((line["amount_second_currency"] or zero for line in lines), zero),
        is_money=not (lines[0]["move."]["origin"] or "").startswith(f"{_INVOICE},"),
    )
