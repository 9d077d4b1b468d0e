"""The categories of products: names under names, one of them for what has none.

Source: recordings of a WooCommerce 10.5.0 store; read in wp_insert_term, and not observed: the
refusal of a name that its parent has already, and the address of one that another parent has.
"""

from collections.abc import Iterable

from accord.local.store import fields as fields_
from accord.local.store.documents import Doc
from accord.local.store.wire import Refusal

_UNCATEGORIZED = 15
_ALLOWED = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class Categories:
    """Categories by id. ``Uncategorized`` is always there."""

    def __init__(self, home: str) -> None:
        self._home = home
        self.documents: dict[int, Doc] = {}
        self._put(_UNCATEGORIZED, "Uncategorized", "uncategorized", 0)

    def load(self, documents: Iterable[Doc]) -> int:
        """Puts categories in place. How many."""
        count = 0
        for document in documents:
            self.documents[int(document["id"])] = document
            count += 1
        return count

    def create(self, fields: Doc) -> Doc:
        """The new category. Raises: Refusal: its parent has one of that name, or is none."""
        name = str(fields.get("name") or "").strip()
        parent = fields_.stock_amount(fields.get("parent"))
        if not name:
            raise Refusal(
                400,
                "rest_missing_callback_param",
                "Missing parameter(s): name",
                {"params": ["name"]},
            )
        if parent and parent not in self.documents:
            raise Refusal(400, "woocommerce_rest_term_invalid", "Parent resource does not exist.")
        known = next((it for it in self._under(parent) if it["name"].lower() == name.lower()), None)
        if known:
            raise Refusal(
                400,
                "term_exists",
                "A term with the name provided already exists with this parent.",
                {"resource_id": known["id"]},
            )
        taken = {it["slug"] for it in self.documents.values()}
        slug = fields_.slug(name)
        if slug in taken and parent:
            slug = f"{slug}-{self.documents[parent]['slug']}"
        slug = fields_.free_slug(slug, taken)
        return self._put(max(self.documents) + 1, name, slug, parent)

    def get(self, id_: int) -> Doc:
        """Raises: Refusal: 404."""
        try:
            return self.documents[id_]
        except KeyError:
            raise Refusal(
                404, "woocommerce_rest_term_invalid", "Resource does not exist."
            ) from None

    def named(self, wanted: Iterable[Doc]) -> list[Doc]:
        """Those of ``wanted``, by id, that there are, as a product lists them, by name."""
        ids = {fields_.stock_amount(it.get("id")) for it in wanted} & set(self.documents)
        found = [self.documents[id_] for id_ in ids or {_UNCATEGORIZED}]
        found.sort(key=lambda it: str(it["name"]).lower())
        return [{name: it[name] for name in ("id", "name", "slug")} for it in found]

    def _under(self, parent: int) -> list[Doc]:
        return [it for it in self.documents.values() if it["parent"] == parent]

    def _put(self, id_: int, name: str, slug: str, parent: int) -> Doc:
        base = f"{self._home}/wp-json/wc/v3/products/categories"
        links: Doc = {
            "self": [{"href": f"{base}/{id_}", "targetHints": {"allow": _ALLOWED}}],
            "collection": [{"href": base}],
        }
        if parent:
            links["up"] = [{"href": f"{base}/{parent}"}]
        self.documents[id_] = {
            "id": id_,
            "name": name,
            "slug": slug,
            "parent": parent,
            "description": "",
            "display": "default",
            "image": None,
            "menu_order": 0,
            "count": 0,
            "_links": links,
        }
        return self.documents[id_]
