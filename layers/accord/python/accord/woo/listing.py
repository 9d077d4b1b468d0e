"""Orders and products by the time they were changed, or placed, and by id: a key, never moving
pages.

A store lists by whole seconds and leaves out the second that it is given; in which order it lists
those of one second it does not promise. So of a full page all but its last second is taken, and a
second with more of them than a page is read by id.

Sources: WooCommerce REST API v3 docs, "List all orders", "List all products"; answers recorded on
WooCommerce 10.5.0.
"""

import datetime as dt
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from accord.errors import UnavailableError
from accord.http import json_of
from accord.model.change import Ref
from accord.ports.store import ListedOrder, OrderPage, ProductPage
from accord.woo.api import PAGE, Api, code_of, digest_of, encoded, parsed, path_id
from accord.woo.webhook import moment

Json = dict[str, Any]
_SECOND = dt.timedelta(seconds=1)
_DRAFTS = frozenset({"checkout-draft", "auto-draft"})  # may never be placed
_MOST_CALLS = 100  # for one answer: drafts without end, or a list that moves all the while


@dataclass(frozen=True, slots=True)
class _By:
    """A key: the list's word for it, its field, and the parameters that bound it."""

    order: str
    field: str
    after: str
    before: str

    def params(self, after: dt.datetime, before: dt.datetime | None = None) -> dict[str, str]:
        """Later than ``after``, and earlier than ``before``."""
        bounds = {self.after: _as_text(after)}
        if before is not None:
            bounds[self.before] = _as_text(before)
        return bounds


_BY = {
    "modified": _By("modified", "date_modified_gmt", "modified_after", "modified_before"),
    "placed": _By("date", "date_created_gmt", "after", "before"),
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One thing of a list, by its key."""

    at: dt.datetime
    id: int
    document: Json

    @property
    def key(self) -> tuple[dt.datetime, int]:
        return self.at, self.id


_Ask = Callable[[dict[str, str]], tuple[list[Json], int | None]]


class Listing(Api):
    """See ``Store.orders_since`` and what follows it there."""

    def orders_since(
        self,
        *,
        by: Literal["modified", "placed"],
        since: dt.datetime,
        after: str = "",
        limit: int = PAGE,
        trashed: bool = False,
    ) -> OrderPage:
        """See Store.orders_since. One call; a few more where many orders share a second."""
        status = "trash" if trashed else "any"
        ask = functools.partial(self._list, "orders")
        listed = _Listed(ask, _BY[by], f"{self.name} lists orders", status=status, limit=limit)
        begin = since.astimezone(dt.UTC).replace(microsecond=0)
        behind = int(path_id(after)) if after else 0
        while True:
            found, (begin, behind), is_last = listed.page(begin, behind)
            orders = tuple(
                order for entry in found if (order := self._as_listed(entry.document)) is not None
            )
            if found or is_last:
                return OrderPage(orders, is_last=is_last, reached=_reached(found, orders))

    def orders_in(self, ids: Sequence[str]) -> Sequence[ListedOrder]:
        """See Store.orders_in. Two calls where some are not among the untrashed."""
        wanted = {path_id(id_): None for id_ in ids}
        found: list[ListedOrder] = []
        for status in ("any", "trash"):
            left = [id_ for id_ in wanted if id_ not in {order.ref.id for order in found}]
            if not left:
                break
            query = {"status": status, "include": ",".join(left), "per_page": str(PAGE)}
            entries, _ = self._list("orders", query)
            # A filter that a store does not know is ignored, and it then lists them all.
            orders = (self._as_listed(it) for it in entries if str(it.get("id")) in left)
            found += [order for order in orders if order is not None]
        return found

    def orders_by(
        self, *, email: str = "", customer: str = "", page: int, trashed: bool = False
    ) -> OrderPage:
        """See Store.orders_by. The search looks at names and transaction ids as well."""
        wanted = email.strip().casefold()
        query = {
            **({"customer": path_id(customer)} if customer else {"search": email.strip()}),
            "status": "trash" if trashed else "any",
            "orderby": "id",
            "order": "asc",
            "page": str(page),
            "per_page": str(PAGE),
        }
        entries, _ = self._list("orders", query)
        # A filter that a store does not know is ignored, and it then lists them all.
        theirs = (
            entry
            for entry in entries
            if (
                str(entry.get("customer_id")) == customer
                if customer
                else str((entry.get("billing") or {}).get("email", "")).casefold() == wanted
            )
        )
        orders = tuple(order for it in theirs if (order := self._as_listed(it)) is not None)
        return OrderPage(orders, is_last=len(entries) < PAGE)

    def products_since(
        self, *, since: dt.datetime, after: str = "", limit: int = PAGE, variations: bool = False
    ) -> ProductPage:
        """See Store.products_since. Stores before WooCommerce 9 list no variations: there are none
        then."""
        from accord.woo.products import product_from_wire

        what = "variations" if variations else "products"
        ask = functools.partial(self._list, what)
        listed = _Listed(
            ask, _BY["modified"], f"{self.name} lists {what}", status="any", limit=limit
        )
        begin = since.astimezone(dt.UTC).replace(microsecond=0)
        behind = int(path_id(after)) if after else 0
        while True:
            found, (begin, behind), is_last = listed.page(begin, behind)
            products = tuple(
                product_from_wire(
                    entry.document,
                    store=self.name,
                    parent=str(entry.document.get("parent_id") or 0) if variations else "",
                )
                for entry in found
            )
            if products or is_last:
                return ProductPage(products, is_last=is_last)

    def _list(self, what: str, query: dict[str, str]) -> tuple[list[Json], int | None]:
        """The entries, and how many there are on all pages, where the store says so."""
        path = f"{what}?{urlencode(query)}"
        try:
            response = self._send("GET", path)
        except UnavailableError:
            if what == "variations" and self._lists_no_variations():
                return [], 0
            raise
        answer = json_of(response, self.name)
        if not isinstance(answer, list) or not all(isinstance(it, dict) for it in answer):
            raise self._something_else(what)
        total = response.headers.get("X-WP-Total", "")
        return answer, int(total) if total.isascii() and total.isdigit() else None

    def _lists_no_variations(self) -> bool:
        response = self._request("GET", "variations?per_page=1", None)
        return response.status_code == 404 and code_of(parsed(response)) == "rest_no_route"

    def _as_listed(self, document: Json) -> ListedOrder | None:
        """None for a draft of the checkout."""
        modified_at = moment(document.get("date_modified_gmt"))
        placed_at = moment(document.get("date_created_gmt"))
        if document.get("status") in _DRAFTS or modified_at is None or placed_at is None:
            return None
        return ListedOrder(
            ref=Ref(self.name, "order", str(document["id"])),
            document=document,
            digest=self._digest(document),
            modified_at=modified_at,
            placed_at=placed_at,
        )

    def _digest(self, document: Json) -> str:
        return digest_of(encoded(document))


class _Listed:
    """What one question asks of a list, and how far its calls go. ``says`` names the list."""

    def __init__(self, ask: _Ask, by: _By, says: str, *, status: str, limit: int) -> None:
        self._list = ask
        self._by = by
        self._says = says
        # UTC is said by the flag alone; a "Z" beside it would be shifted twice.
        self._common = {"status": status, "dates_are_gmt": "true", "order": "asc"}
        self._limit = limit
        self._calls = 0

    def page(
        self, begin: dt.datetime, behind: int
    ) -> tuple[Sequence[_Entry], tuple[dt.datetime, int], bool]:
        """Entries behind the key, in its order; the key to go on from; whether that is all."""
        query = {**self._by.params(begin - _SECOND), "orderby": self._by.order}
        entries, count, _ = self._ask(query)
        self._expect(entries, begin)
        is_sorted = entries == sorted(entries, key=lambda it: it.at)
        entries.sort(key=lambda it: it.key)
        if count < self._limit:
            fresh = [it for it in entries if it.key > (begin, behind)]
            return fresh, fresh[-1].key if fresh else (begin, behind), True
        if not entries:
            raise self._unlike("without their times")
        last = entries[-1].at
        if not is_sorted or self._leaves_out(entries, begin):
            return self._within(begin, behind, last)
        fresh = [it for it in entries if it.at < last and it.key > (begin, behind)]
        if not fresh:
            second = max(begin, last)
            fresh = self._of_second(second, behind if second == begin else 0)
            if not fresh:
                return (), (second + _SECOND, 0), False
        return fresh, fresh[-1].key, False

    def _leaves_out(self, entries: Sequence[_Entry], begin: dt.datetime) -> bool:
        """Whether a full page, though sorted, lacks earlier ones.

        A store that sorts by its local time lists those of the hour after its clock was set back
        before those of the hour before that: a page may be full of the later ones alone. None is
        left out where the page begins with ``begin`` itself and the clock stays as it was; else the
        store is asked how many there are.
        """
        first, last = entries[0], entries[-1]
        if first.at == begin and self._shift(first) == self._shift(last):
            return False
        bounds = self._by.params(begin - _SECOND, last.at)
        _, _, total = self._ask(
            {**bounds, "orderby": "id", "_fields": f"id,{self._by.field}"}, size=1
        )
        return total is None or total > sum(it.at < last.at for it in entries)

    def _shift(self, entry: _Entry) -> dt.timedelta | None:
        """By how much the store's own clock was ahead of UTC then, where it says so."""
        local = moment(entry.document.get(self._by.field.removesuffix("_gmt")))
        return local - entry.at if local is not None else None

    def _within(
        self, begin: dt.datetime, behind: int, end: dt.datetime
    ) -> tuple[Sequence[_Entry], tuple[dt.datetime, int], bool]:
        """The same where a full page leaves earlier ones out: of so short a time that a page holds
        all of it."""
        while end > begin:
            end = begin + (end - begin) // _SECOND // 2 * _SECOND
            bounds = self._by.params(begin - _SECOND, end + _SECOND)
            entries, count, _ = self._ask({**bounds, "orderby": self._by.order})
            self._expect(entries, begin)
            if count < self._limit:
                entries.sort(key=lambda it: it.key)
                fresh = [it for it in entries if it.key > (begin, behind)]
                return fresh, fresh[-1].key if fresh else (end + _SECOND, 0), False
        fresh = self._of_second(begin, behind)
        return fresh, fresh[-1].key if fresh else (begin + _SECOND, 0), False

    def _expect(self, entries: Sequence[_Entry], begin: dt.datetime) -> None:
        if any(it.at < begin for it in entries):
            raise self._unlike("that are older than was asked for")

    def _of_second(self, second: dt.datetime, behind: int) -> list[_Entry]:
        """A page's worth of the second's orders with greater ids; none when there are no more."""
        query = self._by.params(second - _SECOND, second + _SECOND) | {"orderby": "id"}
        before: int | None = -1  # orders of the second when the page before was read
        page = self._known(query, behind) // self._limit + 1 if behind else 1
        while True:
            entries, count, total = self._ask({**query, "page": str(page)})
            entries.sort(key=lambda it: it.id)
            # An order that is changed leaves the second, and those behind it move up.
            follows = page == 1 or (bool(entries) and entries[0].id <= behind)
            if not follows and total != before:
                page, before = page - 1, -1
                continue
            fresh = [it for it in entries if it.id > behind]
            if fresh or count < self._limit or page * self._limit == total:
                return fresh
            page, before = page + 1, total

    def _known(self, query: dict[str, str], behind: int) -> int:
        """How many of the second's orders have an id up to ``behind``."""
        low, high = 0, -1
        while low != high:
            place = max(1, (low + high + 1) // 2)
            entries, _, total = self._ask(
                {**query, "page": str(place), "_fields": f"id,{self._by.field}"}, size=1
            )
            if high < 0:
                high = total or 0
            if entries and entries[0].id <= behind:
                low = min(place, high)
            else:
                high = min(place - 1, high)
        return low

    def _ask(
        self, query: dict[str, str], *, size: int | None = None
    ) -> tuple[list[_Entry], int, int | None]:
        """The entries that have their time, how many there were, and how many on all pages."""
        self._calls += 1
        if self._calls > _MOST_CALLS:
            raise self._unlike("that move faster than they can be read")
        answer, total = self._list({**self._common, **query, "per_page": str(size or self._limit)})
        entries = [
            _Entry(at, int(document["id"]), document)
            for document in answer
            if (at := moment(document.get(self._by.field))) is not None
        ]
        return entries, len(answer), total

    def _unlike(self, how: str) -> UnavailableError:
        return UnavailableError(f"{self._says} {how}", connection=self._says.partition(" ")[0])


def _reached(
    found: Sequence[_Entry], orders: Sequence[ListedOrder]
) -> tuple[dt.datetime, str] | None:
    """The last one's key where that is a draft, which is no order."""
    if not found or (orders and orders[-1].ref.id == str(found[-1].id)):
        return None
    return found[-1].at, str(found[-1].id)


def _as_text(at: dt.datetime) -> str:
    return at.replace(tzinfo=None).isoformat()
