"""The shelf of the recorded store, as it is when the shop opens."""

from accord.local.store.catalogue import Catalogue, Product
from accord.local.store.documents import Doc
from accord.local.store.shelf import Shelf

_PARENTS = {17: "TEE", 24: "POSTER"}
_OF_PARENT = {24: 50}  # counted for all variations together
# What the recorded store had beside a name, a price and a stock.
_OWN: dict[str, Doc] = {
    "WID-BLUE": {"weight": "0.5"},
    "MUG-1": {"regular_price": "7.50", "sale_price": "5.25"},
    "BACK-1": {"backorders": "notify", "stock_quantity": 2},
    "OOS-1": {"stock_quantity": 0},
}


def stock_up(shelf: Shelf, catalogue: Catalogue, quantity: int = 100) -> None:
    """Puts every product of the catalogue there, with its id: ``quantity`` of most of them.

    What is virtual is not counted, posters are counted together, and nobody is told.
    """
    parents = dict.fromkeys(it.parent_id for it in catalogue.products if it.parent_id)
    for product in catalogue.products:
        if not product.parent_id:
            shelf.add(_fields(product, quantity), id_=product.id)
    for parent in parents:
        variations = [it for it in catalogue.products if it.parent_id == parent]
        shelf.add(_parent(parent, variations), id_=parent)
        for product in variations:
            fields = _fields(product, quantity)
            if parent in _OF_PARENT:
                fields |= {"manage_stock": False}
            shelf.add({**fields, "attributes": _chosen(product)}, parent=parent, id_=product.id)


def _fields(product: Product, quantity: int) -> Doc:
    fields = {
        "name": product.name,
        "sku": product.sku,
        "regular_price": f"{product.price:f}",
        "manage_stock": not product.virtual,
        "stock_quantity": quantity,
        "virtual": product.virtual,
        "global_unique_id": product.gtin,
    }
    if not product.parent_id or product.tax_class:
        fields["tax_class"] = product.tax_class
    return fields | _OWN.get(product.sku, {})


def _parent(id_: int, variations: list[Product]) -> Doc:
    options: dict[tuple[str, str], dict[str, None]] = {}
    for product in variations:
        for key, _, name, shown in product.options:
            options.setdefault((key, name), {})[shown] = None
    return {
        "type": "variable",
        "name": variations[0].parent_name,
        "sku": _PARENTS[id_],
        "manage_stock": id_ in _OF_PARENT,
        "stock_quantity": _OF_PARENT.get(id_, 0),
        "attributes": [
            {
                "id": int(key.startswith("pa_")),
                "name": name,
                "visible": True,
                "variation": True,
                "options": list(shown),
            }
            for (key, name), shown in options.items()
        ],
    }


def _chosen(product: Product) -> list[Doc]:
    return [
        {"id": int(key.startswith("pa_")), "name": name, "option": shown}
        for key, _, name, shown in product.options
    ]
