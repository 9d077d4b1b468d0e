"""SKUs of the store and item codes of the back office, each in the other's words. Pure."""

from collections.abc import Collection

from accord.rules.mapping import Mappings, Target


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
    """The SKUs of each of ``items``, as ``skus_of``; [items] is gone through once for all.

    What the rules book shipping, fees, rounding and the like as is nothing that is put on a shelf:
    it has no SKU but those that [items] names.
    """
    # A code that [items] names is the SKU of what it says there, not of the item of that code.
    others = {"", *mappings.items, *_booked_only(mappings)}
    found: dict[str, list[str]] = {
        item: [item] if mappings.items_same_code and item not in others else [] for item in items
    }
    for sku, target in sorted(mappings.items.items()):
        if target.item in found:
            found[target.item].append(sku)
    return {item: tuple(skus) for item, skus in found.items()}


def _booked_only(mappings: Mappings) -> set[str]:
    """Items that stand for what an order has besides goods."""
    targets = [
        *mappings.shipping.values(),
        *mappings.fees.values(),
        mappings.no_sku,
        mappings.rounding,
        mappings.refund_amount,
        mappings.gift_cards,
    ]
    return {target.item for target in targets if isinstance(target, Target) and target.item}
