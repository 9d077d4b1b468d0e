"""What a store shows beside what it should show: items, stock and prices; and what it sells that
the back office does not know.

The same computations as those of the poll and the backfill, page by page in bulk.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final

from accord.errors import BadInputError
from accord.model.change import Ref
from accord.model.item import Product
from accord.ports.levels import Level, Levels
from accord.ports.queues import Queues
from accord.ports.shop import Shop
from accord.ports.state import Attention, Links
from accord.ports.store import Store
from accord.rules import config
from accord.rules.skus import item_of
from accord.sync.anew import send_anew
from accord.sync.backfill import Line, What
from accord.sync.backfill_levels import LevelReader
from accord.sync.difference import Difference, InHand, Kind, Reason
from accord.sync.feed import ABSENT, UNLISTED, UNPRICED, queue_flush, subject
from accord.sync.reading import order_of
from accord.sync.reconcile_hand import LAG
from accord.sync.report import Report
from accord.sync.sales import BackOffice
from accord.sync.worker import item_id

_PAGE = 100
_NOT_SOLD = frozenset({"variable", "grouped", "external"})  # what is behind them is, or elsewhere
_LACKS: Final[Reason] = "missing_in_store"
# Why a level was left that nobody was asked about: the store or a rule may be another by now.
_NOBODYS = frozenset({ABSENT, UNLISTED, UNPRICED})
REFRESH = "refresh"
"""In the place of an event: what the store should show is computed and sent anew."""
# Under what a person is asked about what somebody changed by hand. Of each product one of a kind.
_CORRECTED: Final[Mapping[What, str]] = {"stock": "stock_corrected", "prices": "price_corrected"}
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
    links: Links
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
        stale = [_sku(each) for each in differs if each.event == REFRESH]
        repairs = bool(stale) and self.queues is not None
        if repairs and self._reader(self.queues).read(self._after, self.report.run) is not None:
            self._resend(stale, [_sku(each) for each in differs if each.reason == _LACKS])
        for each in differs:
            self.take(replace(each, repaired=repairs and each.event == REFRESH), None)
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
            level = known.get(sku := _sku(each))
            if why := self._in_hand(sku, level):
                self.report.add_in_hand(InHand(each.kind, each.subject, each.ref, why))
            elif level is not None and self._is_corrected(level):
                kept.append(self._asking(each, level))
            else:
                kept.append(each)
        return kept

    def _is_corrected(self, level: Level) -> bool:
        """Whether somebody changed in the store just what it was told, and is to be asked why."""
        asks = self.rules.stock.corrections == "report" and self.rules.catalogue.owner == "erp"
        sent, wanted = level.sent, level.wanted
        if not asks or level.place is None or sent is None or wanted is None:
            return False
        if wanted != self._plan.computed(level.sku):  # the back office moved since
            return False
        match self.what:
            case "prices":
                return sent == wanted
            case "stock" if "quantity" in sent:
                left = Decimal(str(sent["quantity"])) - level.gone
                return left == Decimal(str(wanted["quantity"]))
            case _:
                return False

    def _asking(self, difference: Difference, level: Level) -> Difference:
        """It is told of as the store would have, and its flow asks."""
        return replace(
            difference,
            event="product_updated",
            target=str(self._product(level)),
            repair="it goes on the attention list: by rule nobody writes over a correction",
        )

    def _difference(self, line: Line) -> Difference | None:
        kind: Kind = (
            "items" if self.what == "items" else "stock" if self.what == "stock" else "prices"
        )
        ref = subject(self.name, self._plan.kind, line.subject)
        if line.sign == "+":
            reason: Reason = _LACKS
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
        if level is not None and level.refused and level.refused not in _NOBODYS:
            return f"the store refused it: {level.refused}"
        if level is not None and level.sent_at is not None and now - level.sent_at < LAG:
            return "it was sent a moment ago"
        if self.what == "stock" and sku in self._sold():
            return "an order of it was placed or changed a moment ago"
        items = list(self.attention.of(str(subject(self.name, self._plan.kind, sku))))
        if level is not None and level.place is not None:
            others = {*_CORRECTED.values()} - {_CORRECTED.get(self.what)}
            told = self.attention.of(str(self._product(level)))
            items += [each for each in told if each.reason not in others]
        if items:
            return f"it is on the attention list ({items[0].reason}), for {items[0].owner}"
        return self._let_be(level)

    def _let_be(self, level: Level | None) -> str:
        """Who dismissed what the store shows, if it was told nothing else since; and why."""
        reason = _CORRECTED.get(self.what)
        if level is None or level.place is None or reason is None:
            return ""
        item = self.attention.get(item_id(str(self._product(level)), reason))
        if item is None or not item.dismissed or item.closed_at is None:
            return ""
        if level.sent_at is None or level.sent_at > item.closed_at:
            return ""
        why = f": {item.closed_why}" if item.closed_why else ""
        return f"{item.closed_by} let it be ({reason}){why}"

    def _product(self, level: Level) -> Ref:
        assert level.place is not None
        return Ref(self.name, "product", level.place.product)

    def _sold(self) -> set[str]:
        """SKUs of orders that may not have reached the back office yet."""
        if self._recent is None:
            self._recent, since, after = set(), self.clock() - LAG, ""
            while True:
                page = self.store.orders_since(by="modified", since=since, after=after)
                self.report.calls["store"] += 1
                links = self.links.get_all([each.ref for each in page.orders])
                for listed in page.orders:
                    since, after = listed.modified_at, listed.ref.id
                    # The store counts down what it shows; the back office what was mended to.
                    for link in (None, links.get(listed.ref)):
                        try:
                            order = order_of(self.store, listed.document, link)
                        except BadInputError:  # its own webhook says so to a person
                            break
                        self._recent |= {line.code for line in order.lines if line.code}
                since, after = page.reached or (since, after)
                if page.is_last:
                    break
        return self._recent

    def _resend(self, skus: list[str], gone: list[str]) -> None:
        """Also what it was told before, for it shows something else. Where ``gone`` were, nothing
        is any more."""
        assert self.queues is not None
        now = self.clock()
        if gone:
            self.levels.put_places(self.name, dict.fromkeys(gone))
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
