"""A credit note whose day was closed before it was booked."""

from typing import Protocol, runtime_checkable

from accord.model.documents import CreditDocument, Record


@runtime_checkable
class Redates(Protocol):
    """What an ``ErpAdapter`` may do beside its port."""

    def redate(self, record: Record, document: CreditDocument) -> Record:
        """The credit note, which does not bind yet, saying what ``document`` says, of its day.

        Writing the same twice is the same as once. Raises: RejectedError: it binds by now, or is
        voided. UnmappedError: that day is closed as well.
        """
        ...
