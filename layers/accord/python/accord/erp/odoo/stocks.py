"""What is free of Odoo's items, by warehouse.

Calls for any number of items: one per warehouse, and one to look up warehouses that are new.

Odoo's own free quantity leaves out what is reserved, and an order for which nothing was there to
reserve takes nothing from it. So what is still to leave is taken off what is there as well, and the
lower of the two is told.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from accord.erp.odoo.client import Client
from accord.erp.odoo.items import is_goods
from accord.erp.odoo.listing import Listing
from accord.erp.odoo.masterdata import MasterData
from accord.erp.odoo.wire import decimal, text
from accord.model.stock import Snapshot

_FIELDS: Final = ("qty_available", "free_qty", "outgoing_qty")


class Stocks:
    """How many there are to sell."""

    def __init__(
        self,
        client: Client,
        master: MasterData,
        listing: Listing,
        clock: Callable[[], dt.datetime],
    ) -> None:
        self._client = client
        self._master = master
        self._listing = listing
        self._clock = clock
        self._warehouses: dict[str, int] = {}

    def stock(self, ids: Sequence[str], locations: Sequence[str]) -> list[Snapshot]:
        """See ``ErpAdapter.stock``. Of a kit it is what its parts make."""
        if not (ids and locations):
            return []
        as_of = self._clock()
        free: dict[str, dict[str, Decimal]] = {}
        for code, warehouse in self._found(locations).items():
            # From 18 on the key has another name; the other one is let pass.
            context = {"warehouse": warehouse, "warehouse_id": warehouse}
            for row in self._listing.products(ids, _FIELDS, context=context):
                if is_goods(row):
                    there, unreserved, leaving = (decimal(row[name]) for name in _FIELDS)
                    left = min(unreserved, there - leaving)
                    free.setdefault(text(row["default_code"]), {})[code] = left
        return [
            Snapshot(item, by_place, as_of)
            for item, by_place in free.items()
            if len(by_place) == len(set(locations))  # else it was archived or made meanwhile
        ]

    def _found(self, codes: Sequence[str]) -> dict[str, int]:
        """Each warehouse by its code, or by its name where none has that code.

        Raises: UnmappedError: naming every one that Odoo does not hold once.
        """
        if lacking := [code for code in codes if code not in self._warehouses]:
            domain = [
                ["company_id", "=", self._master.company().id],
                "|",
                ["code", "in", lacking],
                ["name", "in", lacking],
            ]
            rows = self._client.search_read("stock.warehouse", domain, ["code", "name"])
            for code in lacking:
                found = [row for row in rows if row["code"] == code]
                found = found or [row for row in rows if row["name"] == code]
                if len(found) == 1:
                    self._warehouses[code] = found[0]["id"]
        if missing := [code for code in codes if code not in self._warehouses]:
            raise self._master.unmapped(
                [f"location:{code}" for code in missing],
                "give one warehouse of Odoo that short name, or mend stock.locations",
            )
        return {code: self._warehouses[code] for code in codes}
