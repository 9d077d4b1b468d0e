"""Credit set against what is still owed.

In Xero a payment is one of an invoice from the beginning, and money that is given back one of a
credit note; so all that may be left to do is to set the credit of an order against its own invoice.
Calls: 1 of what is paid, 2 of what is owed, and 3 for each credit note that something is left of.
"""

from accord.erp.xero.crediting import Crediting
from accord.erp.xero.invoices import is_booked
from accord.erp.xero.reading import Reading
from accord.erp.xero.wire import decimal
from accord.model.change import Ref


class Reconciling:
    """Of one organisation."""

    def __init__(self, reading: Reading, crediting: Crediting) -> None:
        self._reading = reading
        self._crediting = crediting

    def reconcile(self, order: Ref) -> None:
        """See ``ErpAdapter.reconcile``. Every payment is set against something already."""
        row = self._reading.sale(order)
        if row is None or not is_booked(row) or not decimal(row.get("AmountDue")):
            return
        for note in self._reading.notes([row]):
            if is_booked(note) and decimal(note.get("RemainingCredit")) > 0:
                self._crediting.allocate(note)
