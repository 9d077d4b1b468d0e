"""SKUs of a store and items of its back office that do not match, and what to do. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from accord.model.item import Item, Product
from accord.rules.config import Store
from accord.rules.findings import Examined, Finding, Severity
from accord.rules.skus import item_of, skus_by_item

_SOLD = frozenset({"simple", "variation", "subscription", "subscription_variation", "bundle"})
_SHOWN = frozenset({"publish", "private"})


def of_products(examined: Examined) -> Iterator[Finding]:
    """Products that cannot be told apart, or whose stock would be counted otherwise."""
    rules = examined.rules
    sold = [each for each in examined.products if each.type in _SOLD]
    by_sku: dict[str, list[Product]] = defaultdict(list)
    for each in sold:
        if each.sku.strip():
            by_sku[_plain(each.sku)].append(each)
        elif each.status in _SHOWN:
            waits = rules.mappings.no_sku == "attention"
            yield Finding(
                "error" if waits and rules.flows.orders != "off" else "warning",
                "no_sku",
                each.ref.id,
                f"product {each.name!r} has no SKU"
                + ("; each of its orders would need a person" if waits else ""),
                f"give it one in the store, or set no_sku in [stores.{examined.store}.mappings]",
            )
    for products in by_sku.values():
        if len(products) > 1:
            yield Finding(
                "error",
                "double_sku",
                products[0].sku,
                f"products {', '.join(each.ref.id for each in products)} have this SKU",
                "give each its own in the store: letter case and spaces do not tell SKUs apart",
            )
    if rules.flows.stock == "off":
        return
    for each in sold:
        if not each.sku.strip() or each.virtual:
            continue
        if each.by_parent:
            yield Finding(
                "warning",
                "stock",
                each.sku,
                f"product {each.parent} counts the stock for all its variations",
                "it counts its own once stock is sent; count per variation in the store",
            )
        elif not each.manages_stock:
            yield Finding(
                "note",
                "stock",
                each.sku,
                "the store does not count its stock",
                "it will, once stock is sent; nothing is to be done",
            )


def of_items(examined: Examined) -> Iterator[Finding]:
    """What the two sides do not know of each other; nothing where the items were not read."""
    if examined.items is None:
        return
    rules, name = examined.rules, examined.store
    codes: dict[str, list[Item]] = defaultdict(list)
    for item in examined.items:
        codes[item.code].append(item)
    for code, items in codes.items():
        active = [item for item in items if item.active]
        if len(active) > 1:
            yield Finding(
                "error",
                "double_item",
                code,
                f"{len(active)} items of the back office have this code "
                f"({', '.join(item.ref.id for item in active)})",
                "give each its own code, or archive those that are not used",
            )
    yield from _unknown(examined, codes)
    yield from _missing(name, rules, codes, examined.products)


def _unknown(examined: Examined, codes: Mapping[str, Sequence[Item]]) -> Iterator[Finding]:
    """SKUs of the store that the back office does not know."""
    rules, name = examined.rules, examined.store
    like: dict[str, str] = {_plain(code): code for code in codes}
    grave: Severity = "error" if rules.flows.orders != "off" else "warning"
    for product in examined.products:
        sku = product.sku
        if product.type not in _SOLD or not sku.strip() or product.status not in _SHOWN:
            continue
        target = rules.mappings.items.get(sku)
        if target is not None and target.item is None:
            continue  # a text line on an account
        item = item_of(sku, rules.mappings)
        if item is not None and item in codes:
            if all(not each.active for each in codes[item]):
                yield Finding(
                    "warning",
                    "archived",
                    sku,
                    f"item {item} is archived in the back office",
                    "make it active there, or take the product off the shelf",
                )
            continue
        near = like.get(_plain(item or sku))
        if near is not None:
            yield Finding(
                grave,
                "spelling",
                sku,
                f"the back office writes {near!r}; letter case and spaces count there",
                f"write it alike on both sides, or add {sku!r} to [stores.{name}.mappings.items]",
            )
        else:
            yield Finding(
                grave,
                "unknown_sku",
                sku,
                f"the back office has no item {item or sku!r}; orders of it would wait",
                f"make the item there, or add {sku!r} to [stores.{name}.mappings.items]",
            )


def _missing(
    name: str, rules: Store, codes: Mapping[str, Sequence[Item]], products: Sequence[Product]
) -> Iterator[Finding]:
    """Items that the store does not have."""
    there = {_plain(product.sku) for product in products if product.sku}
    active = sorted(code for code, items in codes.items() if any(item.active for item in items))
    makes = rules.flows.products == "on" and rules.catalogue.owner == "erp"
    for code, skus in skus_by_item(active, rules.mappings).items():
        if skus and not any(_plain(sku) in there for sku in skus):
            yield Finding(
                "note",
                "missing",
                code,
                "the store has no product of this item",
                f"`accord backfill {name} items --dry-run` shows whether it would be made"
                if makes
                else "make a product with this SKU, if it is to be sold there",
            )


def _plain(code: str) -> str:
    return "".join(code.split()).casefold()
