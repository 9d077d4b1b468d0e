"""What was received and paid back, set against what was invoiced.

Calls: 3, and one for each group that is set off.

Source: Odoo source 16 to 19, account.move.line (``reconcile``); recordings of a running 17.0.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from accord.erp.odoo.client import Client
from accord.erp.odoo.invoices import MOVE, SALES, of_order
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.selling import MODEL as ORDER
from accord.erp.odoo.wire import Values, both, decimal, either, id_of, text
from accord.errors import RejectedError
from accord.model.change import Ref
from accord.model.open_items import OpenItem, settled

_LINE: Final = "account.move.line"
_FIELDS: Final = (
    "account_id",
    "amount_residual",
    "amount_residual_currency",
    "currency_id",
    "move_id",
    "payment_id",
)


class Reconciling:
    """``account.move.line`` of one company."""

    def __init__(self, client: Client, master: MasterData) -> None:
        self._client = client
        self._master = master

    def reconcile(self, order: Ref, payments: Sequence[Ref]) -> None:
        """See ``ErpAdapter.reconcile``.

        First what comes to zero together; then the money that is left against what is still owed,
        which Odoo does in part. Odoo itself sets a credit note against an invoice that is open when
        it is posted. From 18 on a payment without an outstanding account has no entry, and a bank
        statement settles it.
        """
        if not order.id.isdigit():
            return
        for row in self._client.read(ORDER, [int(order.id)], ["client_order_ref", "invoice_ids"]):
            lines = self._open_lines(row, [int(each.id) for each in payments])
            for group in _groups(lines):
                self._together(group)

    def _open_lines(self, order: Values, payments: list[int]) -> list[Values]:
        """What is open on a receivable of the order's posted invoices and of ``payments``."""
        of_it = of_order(order["invoice_ids"], text(order["client_order_ref"]))
        domain = [SALES, ["state", "=", "posted"], *of_it]
        moves = [row["id"] for row in self._client.search_read(MOVE, domain, ["name"])]
        return self._client.search_read(
            _LINE,
            [
                ["company_id", "=", self._master.company().id],
                ["parent_state", "=", "posted"],
                ["reconciled", "=", False],
                ["account_id.account_type", "=", "asset_receivable"],
                *either(["move_id", "in", moves], ["payment_id", "in", payments]),
            ],
            _FIELDS,
        )

    def _together(self, lines: list[int]) -> None:
        """Reconciles them, unless someone took one of them meanwhile."""
        try:
            self._client.call(_LINE, "reconcile", lines)
        except RejectedError:
            open_ = both(["id", "in", lines], ["reconciled", "=", False])
            if len(self._client.search_read(_LINE, open_, ["id"])) == len(lines):
                raise


def _groups(lines: Iterable[Values]) -> list[list[int]]:
    """Ids of lines to reconcile together, of one account and currency."""
    accounts: defaultdict[tuple[Any, ...], list[Values]] = defaultdict(list)
    for line in lines:
        accounts[id_of(line["account_id"]), id_of(line["currency_id"])].append(line)
    found: list[list[int]] = []
    for together in accounts.values():
        items = [_item(line) for line in together]
        exact = settled(items)
        found += [[int(item.id) for item in group] for group in exact]
        left = [item for item in items if not any(item in group for group in exact)]
        owed = [item for item in left if item.amount > 0 and not item.is_money]
        paid = [item for item in left if item.amount < 0 and item.is_money]
        if owed and paid:
            found.append([int(item.id) for item in (*owed, *paid)])
    return found


def _item(line: Values) -> OpenItem:
    return OpenItem(
        id=str(line["id"]),
        amount=decimal(line["amount_residual"]),
        foreign=decimal(line["amount_residual_currency"]),
        is_money=bool(line["payment_id"]),
    )
