"""Products and their items, as the rows of a list name them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.model.item import Product
from accord.ports.levels import Levels, Place
from accord.ports.store import Store
from accord.rules import config
from accord.rules.skus import item_of
from accord.sync.adopt_rows import NotLinkedError, Pair, Row
from accord.sync.sales import BackOffice


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """The products and items that a page of rows names, read in bulk."""

    name: str
    rules: config.Store
    back: BackOffice
    levels: Levels
    dry: bool
    places: Mapping[str, Place]  # by SKU
    skus: Mapping[str, str]  # the store's id → SKU
    items: Mapping[str, str]  # item code → id

    @classmethod
    def read(
        cls,
        rows: Sequence[Row],
        *,
        name: str,
        rules: config.Store,
        back: BackOffice,
        store: Store,
        levels: Levels,
        dry: bool,
    ) -> "Products":
        """Few calls for all of ``rows``; none for no rows."""
        found = _found(rows, store)
        codes = {item_of(each.sku, rules.mappings) or "" for each in found}
        wanted = (codes | {row.erp_number for row in rows}) - {""}
        return cls(
            name=name,
            rules=rules,
            back=back,
            levels=levels,
            dry=dry,
            places={each.sku: Place(each.ref.id, each.parent) for each in found if each.sku},
            skus={each.ref.id: each.sku for each in found},
            items=back.adapter.find_items(sorted(wanted)) if rows else {},
        )

    def pair(self, row: Row) -> Pair:
        """Raises: NotLinkedError: one is not there, or the mappings say otherwise."""
        sku = self.skus.get(row.store_id, "") if row.store_id else row.number or row.erp_number
        if row.number and row.store_id and sku != row.number:
            raise NotLinkedError(f"product {row.store_id} has the SKU {sku!r}")
        place = self.places.get(sku)
        if place is None:
            raise NotLinkedError(
                f"{self.name} has no product {row.store_id or repr(sku)} with a SKU"
            )
        item = item_of(sku, self.rules.mappings)
        if row.erp_number and item != row.erp_number:
            raise NotLinkedError(
                f"by the rules {sku!r} is item {item!r}; add "
                f"{sku!r} = {{ item = {row.erp_number!r} }} to [stores.{self.name}.mappings.items]"
            )
        if item is None or item not in self.items:
            raise NotLinkedError(f"{self.back.name} has no one item {item or sku!r}")
        return Pair(
            row, f"{self.name}:product:{place.product} ({sku})", item, lambda: self._put(sku)
        )

    def _put(self, sku: str) -> bool:
        known = self.levels.levels(self.name, "product", [sku]).get(sku)
        if known is not None and known.place == self.places[sku]:
            return False
        if not self.dry:
            self.levels.put_places(self.name, {sku: self.places[sku]})
        return True


def _found(rows: Sequence[Row], store: Store) -> list[Product]:
    ids = [row.store_id for row in rows if row.store_id]
    skus = [row.number or row.erp_number for row in rows if not row.store_id]
    found = list(store.products_of(ids)) if ids else []
    for id_ in {*ids} - {each.ref.id for each in found}:  # a variation is found only alone
        alone = store.get_product(id_) if id_.isascii() and id_.isdigit() else None
        found += [store.product(alone[0])] if alone else []
    found += store.products_by_sku(skus).values() if skus else []
    return found
