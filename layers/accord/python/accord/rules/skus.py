"""SKUs of the store and item codes of the back office, each in the other's words. Pure."""

from collections.abc import Collection

from accord.rules.config import Mappings


def item_of(sku: str, mappings: Mappings) -> str | None:
    """The item that is sold as ``sku``; None for no SKU, a ledger account or an unmapped one."""
    if not sku:
        return None
    if target := mappings.items.get(sku):
        return target.item
    return sku if mappings.items_same_code else None


def skus_of(item: str, mappings: Mappings) -> tuple[str, ...]:
    """Every SKU that ``item`` is sold as: its own code first, then those of [items], in order."""
    return skus_by_item([item], mappings)[item]


def skus_by_item(items: Collection[str], mappings: Mappings) -> dict[str, tuple[str, ...]]:
    """The SKUs of each of ``items``, as ``skus_of``; [items] is gone through once for all."""
    found: dict[str, list[str]] = {
        # A code that [items] names is the SKU of what it says there, not of the item of that code.
        item: [item] if item and mappings.items_same_code and item not in mappings.items else []
        for item in items
    }
    for sku, target in sorted(mappings.items.items()):
        if target.item in found:
            found[target.item].append(sku)
    return {item: tuple(skus) for item, skus in found.items()}
