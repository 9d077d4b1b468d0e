"""The products of one WooCommerce store: read in bulk, written in batches.

What is read comes in pages of 100 at the most. A filter that a store does not know is ignored, so
each answer is held against what was asked.
Sources: WooCommerce REST API v3 docs, "Batch update products", "Product categories"; a WooCommerce
10.5.0 store as it was observed; WC_REST_Controller::batch_items, as read.
"""

import datetime as dt
import html
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from accord.errors import BadInputError, DuplicateError, RejectedError
from accord.http import json_of
from accord.model.item import Product
from accord.ports.store import Written
from accord.woo.api import MISSING, PAGE, TOO_LARGE, Api, code_of, path_id

Json = dict[str, Any]
_Path = tuple[str, ...]
_SECOND = dt.timedelta(seconds=1)


class Catalogue(Api):
    """The part of ``ports.store.Store`` that is about products."""

    def product(self, document: Json) -> Product:
        """See Store.product."""
        return self._product(document)

    def get_product(self, id_: str) -> tuple[Json, str] | None:
        """See Store.get_product. A trashed one is answered, with status ``trash``."""
        return self._one(self._send("GET", f"products/{path_id(id_)}"), id_, what="product")

    def products_by_sku(self, skus: Sequence[str]) -> Mapping[str, Product]:
        """See Store.products_by_sku. A SKU with a comma takes a call of its own.

        Of two products with one SKU, which only a plugin or an import can make, the older counts.
        """
        from accord.woo.products import sku_groups

        found: dict[str, Product] = {}
        for group in sku_groups(skus):
            for product in self._having(group):
                found.setdefault(product.sku, product)
        return found

    def products_of(self, ids: Sequence[str], *, parent: str = "") -> Sequence[Product]:
        """See Store.products_of. In the order of ``ids``."""
        wanted = list(dict.fromkeys(path_id(id_) for id_ in ids))
        found: dict[str, Product] = {}
        for at in range(0, len(wanted), PAGE):
            asked = wanted[at : at + PAGE]
            path = f"{_base(parent)}?include={','.join(asked)}&status=any"
            found |= {product.ref.id: product for product in self._page(path, 1, parent)[0]}
        return [found[id_] for id_ in wanted if id_ in found]

    def list_products(
        self, *, page: int, parent: str = "", modified_after: dt.datetime | None = None
    ) -> Sequence[Product]:
        """See Store.list_products. Those of the very second of ``modified_after`` are among them.

        A page may hold more: where the store leaves out what a plugin hides, and so answers fewer
        before the end, the next page's are put to them.
        """
        path = f"{_base(parent)}?status=any"
        if modified_after is not None:
            path += f"&{_since(modified_after)}"
        found, pages = self._page(path, page, parent)
        while len(found) < PAGE and page < pages:
            page += 1
            more, pages = self._page(path, page, parent)
            if not more:
                break
            found += more
        return found

    def write_products(self, entries: Sequence[Json], *, parent: str = "") -> Sequence[Written]:
        """See Store.write_products. Entries are in the store's own JSON.

        A batch that the store finds too large takes no effect, and goes in two halves. All are
        refused one by one when the parent is gone.
        """
        from accord.woo.products import entry_to_wire

        if len(entries) > PAGE:
            raise BadInputError(f"a batch of {len(entries)} products; {PAGE} are the most")
        return self._batch([entry_to_wire(entry) for entry in entries], parent)

    def categories(self, paths: Sequence[_Path]) -> Mapping[_Path, str]:
        """See Store.categories. Letter case is ignored; a path with a nameless level has no id."""
        wanted = {path: tuple(" ".join(name.split()) for name in path) for path in paths}
        wanted = {path: names for path, names in wanted.items() if names and all(names)}
        if not wanted:
            return {}
        known: dict[tuple[str, str], str] = {}  # (id of the parent, name)
        terms = filter(_has_id, self._pages("products/categories"))
        for term in sorted(terms, key=lambda term: int(term["id"])):
            known.setdefault(
                (str(term.get("parent") or 0), _folded(term.get("name"))), str(term["id"])
            )
        return {path: self._leaf(names, known) for path, names in wanted.items()}

    # --- how ---------------------------------------------------------------------

    def _product(self, document: Json, parent: str = "") -> Product:
        from accord.woo.products import product_from_wire

        return product_from_wire(document, store=self.name, parent=parent)

    def _having(self, skus: Sequence[str]) -> Iterator[Product]:
        """Products with one of ``skus``, oldest first; of one call, as long as none has two."""
        asked = {sku.casefold() for sku in skus}
        path = f"products?sku={quote(','.join(skus), safe='')}&status=any"
        page, pages = 0, 1
        while page < pages:
            page += 1
            listed, pages = self._page(path, page)
            found = [product for product in listed if product.sku.casefold() in asked]
            if not found:  # a store that does not know the filter lists all that it has
                return
            yield from found

    def _page(self, path: str, page: int, parent: str = "") -> tuple[list[Product], int]:
        """A page by id, and how many there are; nothing when the parent is gone."""
        response = self._send("GET", f"{path}&orderby=id&order=asc&per_page={PAGE}&page={page}")
        entries = json_of(response, self.name)
        if code_of(entries) in MISSING:
            return [], 0
        if not isinstance(entries, list) or not all(map(_has_id, entries)):
            raise self._something_else(path.partition("?")[0])
        pages = response.headers.get("X-WP-TotalPages", "")
        known = int(pages) if pages.isascii() and pages.isdigit() else 0
        # Without the header, a full page may have another after it.
        more = known or (page + 1 if len(entries) >= PAGE else page)
        return [self._product(entry, parent) for entry in entries], more

    def _batch(self, entries: Sequence[Json], parent: str) -> list[Written]:
        if not entries:
            return []
        body = {
            "create": [entry for entry in entries if "id" not in entry],
            "update": [entry for entry in entries if "id" in entry],
        }
        try:
            response = self._send(
                "POST", f"{_base(parent)}/batch", json={key: it for key, it in body.items() if it}
            )
        except RejectedError as error:
            if error.reason != TOO_LARGE:
                raise
            if len(entries) == 1:
                return [Written(None, error.reason, str(error))]
            half = len(entries) // 2
            return [*self._batch(entries[:half], parent), *self._batch(entries[half:], parent)]
        answer = self._object(response)
        if code := code_of(answer):  # the parent is gone
            return [Written(None, code, _readable(answer.get("message"))) for _ in entries]
        answers = {kind: self._answers(answer.get(kind), sent) for kind, sent in body.items()}
        return [
            self._written(next(answers["update" if "id" in entry else "create"]), parent)
            for entry in entries
        ]

    def _answers(self, answers: object, sent: Sequence[Json]) -> Iterator[Json]:
        """One answer for each that was sent, in order. Else nothing is known of any of them."""
        listed = answers or []
        if not isinstance(listed, list) or len(listed) != len(sent):
            raise self._something_else("a batch of products")
        for entry, one in zip(sent, listed, strict=True):
            if not isinstance(one, dict) or (
                "id" in entry and str(one.get("id")) != str(entry["id"])
            ):
                raise self._something_else("a batch of products")
        return iter(listed)

    def _written(self, answer: Json, parent: str) -> Written:
        error = answer.get("error")
        if isinstance(error, dict):
            return Written(
                None, str(error.get("code")), _readable(error.get("message")), _holder(error)
            )
        if not _has_id(answer):
            raise self._something_else("a batch of products")
        return Written(self._product(answer, parent))

    def _leaf(self, names: _Path, known: dict[tuple[str, str], str]) -> str:
        parent = "0"
        for name in names:
            place = (parent, _folded(name))
            if place not in known:
                known[place] = self._make_category(name, parent)
            parent = known[place]
        return parent

    def _make_category(self, name: str, parent: str) -> str:
        """The new level's id; that of the one that is there, if somebody was faster."""
        body = {"name": name, "parent": int(parent)}
        try:
            created = self._object(self._send("POST", "products/categories", json=body))
        except DuplicateError as error:
            if holder := _holder(_error_in(error.body)):
                return holder
            raise
        if not _has_id(created):
            raise self._something_else(f"the new category {name}")
        return str(created["id"])


def _base(parent: str) -> str:
    return f"products/{path_id(parent)}/variations" if parent else "products"


def _since(moment: dt.datetime) -> str:
    """The query for what changed at ``moment`` or later; the store's own word leaves it out itself.

    UTC is said by the flag alone; a ``Z`` beside it would be shifted twice.
    """
    utc = moment.astimezone(dt.UTC).replace(microsecond=0, tzinfo=None) - _SECOND
    return f"modified_after={quote(utc.isoformat(), safe='')}&dates_are_gmt=true"


def _has_id(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), int) and entry["id"] > 0


def _holder(error: Mapping[str, Any]) -> str:
    """The id of what is in the way, empty when that is not why."""
    data = error.get("data")
    return str(data.get("resource_id") or "") if isinstance(data, dict) else ""


def _error_in(body: object) -> Json:
    try:
        error = json.loads(str(body))
    except ValueError:
        return {}
    return error if isinstance(error, dict) else {}


def _readable(message: object) -> str:
    return html.unescape(str(message or ""))


def _folded(name: object) -> str:
    return " ".join(html.unescape(str(name)).split()).casefold()
