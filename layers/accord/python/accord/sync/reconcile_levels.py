"""What a store shows beside what it should show: items, stock and prices; and what it sells that
the back office does not know.

The same computations as those of the poll and the backfill, page by page in bulk.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from accord.errors import BadInputError
from accord.model.change import Ref
from accord.model.item import Product
from accord.ports.levels import Level, Levels
from accord.ports.queues import Queues
from accord.ports.shop import Shop
from accord.ports.state import Attention
from accord.ports.store import Store
from accord.rules import config
from accord.rules.skus import item_of
from accord.sync.anew import send_anew
from accord.sync.backfill import Line, What
from accord.sync.backfill_levels import LevelReader
from accord.sync.difference import Difference, InHand, Kind, Reason
from accord.sync.feed import queue_flush, subject
from accord.sync.reconcile_orders import LAG
from accord.sync.report import Report
from accord.sync.sales import BackOffice

_PAGE = 100
_NOT_SOLD = frozenset({"variable", "grouped", "external"})  # what is behind them is, or elsewhere
REFRESH = "refresh"
"""In the place of an event: what the store should show is computed and sent anew."""
_DIFFERS: Final[Mapping[str, Reason]] = {
    "items": "item_differs",
    "stock": "stock_differs",
    "prices": "price_differs",
}


@dataclass(slots=True, kw_only=True)
class LevelPhase:
    """See ``reconcile.Phase``. ``queues`` is None where nothing is to be repaired."""

    name: str
    what: What
    rules: config.Store
    stores: Mapping[str, config.Store]
    back: BackOffice
    store: Store
    levels: Levels
    attention: Attention
    queues: Queues | None
    clock: Callable[[], dt.datetime]
    report: Report
    take: Callable[[Difference, None], None]
    ended: bool = field(default=False, init=False)
    _after: str = field(default="", init=False)
    _plan: LevelReader = field(init=False)
    _recent: set[str] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._plan = self._reader(None)

    def mark(self) -> dict[str, Any]:
        return {"after": self._after}

    def go_on(self, mark: Mapping[str, Any]) -> None:
        self._after = mark["after"]

    def step(self) -> None:
        """The next page of items, and what the store shows of them."""
        calls = self._plan.calls
        read = self._plan.read(self._after, self.report.run)
        self.report.calls[self.back.name] += self._plan.calls - calls
        if read is None:
            self.ended = True
            return
        self.report.compared[self.what] += read.count
        differs = self._told(read.lines)
        repairs = differs and self.queues is not None
        if repairs and self._reader(self.queues).read(self._after, self.report.run) is not None:
            self._resend([_sku(each) for each in differs])
        for each in differs:
            self.take(replace(each, repaired=bool(repairs)), None)
        self._after, self.ended = read.after, read.is_last

    def _told(self, lines: tuple[Line, ...]) -> list[Difference]:
        found = []
        for line in lines:
            if line.sign == "!":
                self.report.skipped["an item that the store does not have, or no rule maps"] += 1
            elif (difference := self._difference(line)) is not None:
                found.append(difference)
        skus = [_sku(each) for each in found]
        known = self.levels.levels(self.name, self._plan.kind, skus) if skus else {}
        kept = []
        for each in found:
            sku = _sku(each)
            if why := self._in_hand(sku, known.get(sku)):
                self.report.add_in_hand(InHand(each.kind, each.subject, each.ref, why))
            else:
                kept.append(each)
        return kept

    def _difference(self, line: Line) -> Difference | None:
        kind: Kind = (
            "items" if self.what == "items" else "stock" if self.what == "stock" else "prices"
        )
        ref = subject(self.name, self._plan.kind, line.subject)
        if line.sign == "+":
            reason: Reason = "missing_in_store"
            store, erp = "no such product", "an item that is sold"
        else:
            reason = _DIFFERS[self.what]
            store = ", ".join(f"{name} {before}" for name, before, _ in line.fields)
            erp = ", ".join(f"{name} {after}" for name, _, after in line.fields)
        return Difference(
            kind=kind,
            reason=reason,
            subject=f"SKU {line.subject}",
            ref=str(ref),
            store=store,
            erp=erp,
            event=REFRESH,
            target=str(ref),
            repair="what the store should show is computed and sent anew",
        )

    def _in_hand(self, sku: str, level: Level | None) -> str:
        now = self.clock()
        if level is not None and level.refused:
            return f"the store refused it: {level.refused}"
        if level is not None and level.sent_at is not None and now - level.sent_at < LAG:
            return "it was sent a moment ago"
        if self.what == "stock" and sku in self._sold():
            return "an order of it was placed or changed a moment ago"
        items = self.attention.of(str(subject(self.name, self._plan.kind, sku)))
        if items:
            return f"it is on the attention list ({items[0].reason}), for {items[0].owner}"
        return ""

    def _sold(self) -> set[str]:
        """SKUs of orders that may not have reached the back office yet."""
        if self._recent is None:
            self._recent, since, after = set(), self.clock() - LAG, ""
            while True:
                page = self.store.orders_since(by="modified", since=since, after=after)
                self.report.calls["store"] += 1
                for listed in page.orders:
                    since, after = listed.modified_at, listed.ref.id
                    try:
                        order = self.store.order(listed.document)
                    except BadInputError:  # its own webhook says so to a person
                        continue
                    self._recent |= {line.code for line in order.lines if line.code}
                since, after = page.reached or (since, after)
                if page.is_last:
                    break
        return self._recent

    def _resend(self, skus: list[str]) -> None:
        """Also what it was told before, for it shows something else."""
        assert self.queues is not None
        now = self.clock()
        send_anew(self.levels, self.name, self._plan.kind, skus, now=now)
        queue_flush(
            self.queues,
            self.name,
            self._plan.kind,
            now=now,
            correlation_id=f"reconcile-{self.report.run}",
            sending=f"reconcile:{self.report.run}:{self.what}:{self._after}",
        )

    def _reader(self, queues: Queues | None) -> LevelReader:
        return LevelReader(
            name=self.name,
            what=self.what,
            rules=self.rules,
            stores=self.stores,
            erp=self.back.adapter,
            store=self.store,
            levels=self.levels,
            queues=queues,
            clock=self.clock,
        )


@dataclass(slots=True, kw_only=True)
class ProductPhase:
    """See ``reconcile.Phase``: what the store sells, looked for in the back office."""

    name: str
    rules: config.Store
    back: BackOffice
    store: Store
    shop: Shop
    report: Report
    take: Callable[[Difference, None], None]
    ended: bool = field(default=False, init=False)
    _page: int = field(default=1, init=False)
    _variations: bool = field(default=False, init=False)

    def mark(self) -> dict[str, Any]:
        return {"page": self._page, "variations": self._variations}

    def go_on(self, mark: Mapping[str, Any]) -> None:
        self._page, self._variations = mark["page"], mark["variations"]

    def step(self) -> None:
        """The next page of products, then of variations, and one call for their items."""
        products = self._next()
        self.report.calls["store"] += 1
        sold = {each.sku: each for each in products or () if _is_sold(each)}
        codes = {sku: item_of(sku, self.rules.mappings) for sku in sold}
        wanted = sorted({code for code in codes.values() if code})
        found = self.back.adapter.find_items(wanted) if wanted else {}
        self.report.calls[self.back.name] += bool(wanted)
        self.report.compared["products"] += len(products or ())
        for sku, product in sold.items():
            code = codes[sku]
            # What the rules book on an account needs no item.
            if code in found or (code is None and sku in self.rules.mappings.items):
                continue
            self.take(self._missing(product, code), None)
        if products is not None and len(products) == _PAGE:
            self._page += 1
        elif not self._variations and products is not None:
            self._page, self._variations = 1, True
        else:
            self.ended = True

    def _next(self) -> list[Product] | None:
        """None where the store cannot list its variations."""
        if not self._variations:
            return list(self.store.list_products(page=self._page))
        found = self.shop.list_variations(page=self._page)
        return None if found is None else list(found)

    def _missing(self, product: Product, code: str | None) -> Difference:
        makes = self.rules.catalogue.owner == "store" and self.rules.flows.products == "on"
        return Difference(
            kind="products",
            reason="item_missing",
            subject=f"SKU {product.sku}",
            ref=str(product.ref),
            store=f"{product.name}, for sale",
            erp=f"no item {code or product.sku}",
            event="product_updated" if makes else "",
            target=str(product.ref) if makes else "",
            repair="the item is made" if makes else "",
            why="" if makes else "the back office owns the catalogue",
        )


def _is_sold(product: Product) -> bool:
    """For sale under a SKU of its own, by this store."""
    return bool(product.sku) and product.status == "publish" and product.type not in _NOT_SOLD


def _sku(difference: Difference) -> str:
    return Ref.parse(difference.ref).id
