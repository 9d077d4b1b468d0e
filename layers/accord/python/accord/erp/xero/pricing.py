"""What Xero's items cost: one call for any number of them, and two more, once.

An item has one sale price, in the currency of the books. Whether it holds tax is a habit of the
organisation, which the options name.
"""

from collections.abc import Sequence

from accord.erp.xero.items import price_of, taxes_of
from accord.erp.xero.listing import Listing
from accord.erp.xero.masterdata import MasterData
from accord.erp.xero.wire import text
from accord.model.item import ItemPrices


class Pricing:
    """The prices of one organisation."""

    def __init__(self, listing: Listing, master: MasterData) -> None:
        self._listing = listing
        self._master = master
        self._gross = master.options.prices_include_tax

    def prices(
        self, ids: Sequence[str], lists: Sequence[str], *, currency: str
    ) -> list[ItemPrices]:
        """See ``ErpAdapter.prices``. Xero has no price lists."""
        if not ids:
            return []
        if lists:
            raise self._master.unmapped(
                [f"price_list:{name}" for name in dict.fromkeys(lists)],
                "Xero has no price lists; take them out of the store's prices",
            )
        own = self._master.base_currency()
        if currency != own:
            raise self._master.unmapped([f"currency:{currency}"], f"Xero's prices are in {own}")
        names = self._master.tax_names()
        return [
            ItemPrices(
                item=text(row["Code"]),
                currency=own,
                base=price_of(row),
                gross=self._gross,
                taxes=taxes_of(row, names),
            )
            for row in self._listing.listed(ids).of(ids)
        ]
