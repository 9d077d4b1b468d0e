"""One store, as the flows see it."""

import datetime as dt
from typing import Any, Protocol

from accord.model.documents import SalesOrder


class Store(Protocol):
    """One store. Every method raises only ``accord.errors``."""

    name: str
    settle: dt.timedelta  # how long an unanswered write may still take effect

    def ping(self) -> None:
        """Returns if it answers us. Raises: UnavailableError, UnauthorizedError."""
        ...

    def order(self, document: dict[str, Any]) -> SalesOrder:
        """The canonical order in the store's own JSON. No I/O. Raises: BadInputError."""
        ...

    def get_order(self, id_: str) -> tuple[dict[str, Any], str] | None:
        """The order's JSON and its digest, None when it is gone for good."""
        ...

    def find_note(self, order_id: str, marker: str) -> str | None:
        """The id of the order's note that holds ``marker``."""
        ...

    def add_note(self, order_id: str, text: str, *, to_customer: bool = False) -> str:
        """The new note's id. The store makes two of two calls: look before repeating."""
        ...
