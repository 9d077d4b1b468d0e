"""What changed of items and prices: one call for all there is.

Xero does not say whether a movement of stock changes the date of an item, so stock is not told of
by dates: it is looked through.
"""

import datetime as dt
from typing import Final

from accord.erp.xero.client import Client
from accord.erp.xero.items import has_code, version
from accord.erp.xero.watching import Source, Watching
from accord.errors import UnsupportedError
from accord.model.change import Ref
from accord.model.documents import Kind
from accord.model.progress import News

WATCHED: Final = frozenset({Kind.ITEM, Kind.PRICE})
SWEPT: Final = frozenset({Kind.STOCK})
_ITEMS: Final = Source("Items", "ItemID", {"unitdp": 4}, has_code, paged=False)


class CatalogueNews:
    """Changes of the items of one organisation."""

    def __init__(self, client: Client, watching: Watching) -> None:
        self._system = client.connection
        self._watching = watching

    def changes(self, kind: Kind, since: dt.datetime, *, after: str, limit: int) -> list[News]:
        """See ``ErpAdapter.changes``. Of items that were deleted nothing is told."""
        if kind not in WATCHED:
            raise UnsupportedError(f"{self._system} tells of no {kind.value}")
        page = self._watching.page([_ITEMS], since, after, limit)
        return [
            News(Ref(self._system, Kind.ITEM, id_), at, version(row)) for (at, id_), _, row in page
        ]
