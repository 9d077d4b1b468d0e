"""How many Xero's items there are to sell: one call for any number of them.

What was approved has left the quantity on hand, so that is what is free. Xero keeps one number per
item, wherever it lies.
"""

from collections.abc import Sequence

from accord.erp.xero.items import is_tracked
from accord.erp.xero.listing import Listing
from accord.erp.xero.masterdata import MasterData
from accord.erp.xero.wire import decimal, text
from accord.model.stock import Snapshot


class Stocks:
    """Tracked items of one organisation."""

    def __init__(self, listing: Listing, master: MasterData) -> None:
        self._listing = listing
        self._master = master
        self._location = master.options.location

    def stock(self, ids: Sequence[str], locations: Sequence[str]) -> list[Snapshot]:
        """See ``ErpAdapter.stock``. Items of which Xero counts no stock are left out."""
        if not (ids and locations):
            return []
        if unknown := [name for name in dict.fromkeys(locations) if name != self._location]:
            raise self._master.unmapped(
                [f"location:{name}" for name in unknown],
                "Xero keeps one stock for all of the organisation; options.location calls it "
                f"{self._location!r}, so name that in stock.locations",
            )
        listed = self._listing.listed(ids)
        return [
            Snapshot(
                text(row["Code"]),
                {self._location: decimal(row.get("QuantityOnHand"))},
                listed.as_of,
            )
            for row in listed.of(ids)
            if is_tracked(row)
        ]
