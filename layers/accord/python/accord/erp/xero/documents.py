"""Invoices and credit notes as Xero prints them: two calls."""

from typing import Final

from accord.erp.xero.client import Client
from accord.erp.xero.invoices import CREDIT_NOTES, INVOICES, is_booked
from accord.erp.xero.wire import is_id, text
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.progress import Attachment

_PRINTED: Final = {
    Kind.INVOICE: (INVOICES, "InvoiceNumber"),
    Kind.CREDIT_NOTE: (CREDIT_NOTES, "CreditNoteNumber"),
}


class Documents:
    """What one organisation prints."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def document(self, ref: Ref) -> Attachment | None:
        """See ``ErpAdapter.document``. A draft is not handed out."""
        found = _PRINTED.get(Kind(ref.kind))
        if found is None or not is_id(ref.id):
            return None
        container, number = found
        path = f"{container}/{ref.id}"
        rows = self._client.get(path).get(container) or []
        if not rows or not is_booked(rows[0]):
            return None
        data = self._client.pdf(f"{path}/pdf")
        return Attachment(f"{text(rows[0][number])}.pdf", "application/pdf", data) if data else None
