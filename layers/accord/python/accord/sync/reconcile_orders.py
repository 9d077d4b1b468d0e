"""Every order of a store beside every sale of its back offices, page by page.

One list call for each hundred on either side. What has no partner in the other listing is asked
for by its key, and what differs is read anew on both sides before it is called a difference: the
listings are read at different moments, and work goes on meanwhile.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from accord.errors import BadInputError
from accord.model.change import Ref
from accord.model.documents import SalesOrder, Totals
from accord.model.keys import order_key
from accord.model.money import Money
from accord.model.sale import Sale
from accord.ports.state import Attention, Link, Links, Waiting
from accord.ports.store import ListedOrder, Store
from accord.rules import config
from accord.sync.align import Aligned, Side, chunks
from accord.sync.compare import Comparison
from accord.sync.difference import Difference, InHand
from accord.sync.pair import Pair, tied
from accord.sync.reading import order_of
from accord.sync.reconcile_doubts import Doubts
from accord.sync.reconcile_hand import LAG, in_hand
from accord.sync.report import Report
from accord.sync.sales import BackOffice

_PAGE = 100


@dataclass(slots=True)
class _Books:
    """How far the listing of one back office has come."""

    back: BackOffice
    after: str = ""
    at: dt.date | None = None
    ended: bool = False


@dataclass(slots=True, kw_only=True)
class OrderPhase:
    """See ``reconcile.Phase``. ``backs``: the store's own back office first.

    ``is_late``: what differs is left for the next step, after one at least. ``recovering``: what
    was linked may be forgotten.
    """

    name: str
    rules: config.Store
    store: Store
    backs: Sequence[BackOffice]
    links: Links
    waiting: Waiting
    attention: Attention
    clock: Callable[[], dt.datetime]
    since: dt.datetime
    report: Report
    take: Callable[[Difference, "Pair | None"], None]
    recovering: Callable[[], bool]
    is_late: Callable[[], bool]
    _again: list[tuple[str, bool]] = field(default_factory=list, init=False)
    _aligned: Aligned[str, ListedOrder, Sale] = field(default_factory=Aligned, init=False)
    _books: list[_Books] = field(init=False)
    _placed: tuple[dt.datetime, str] = field(init=False)

    def __post_init__(self) -> None:
        self._books = [_Books(back) for back in self.backs]
        self._placed = self.since, ""

    @property
    def ended(self) -> bool:
        return self._aligned.ended and not self._again

    # --- its place -------------------------------------------------------------

    def mark(self) -> dict[str, Any]:
        """Where to go on. What has no partner yet is named, and read again then."""
        return {
            "placed": [self._placed[0].isoformat(), self._placed[1]],
            "read": self._aligned.left.ended,
            "day": _text(self._aligned.left.at),
            "books": {
                each.back.name: [each.after, _text(each.at), each.ended] for each in self._books
            },
            "orders": [key.rpartition("-")[2] for key in self._aligned.left.kept],
            "sales": list(self._aligned.right.kept),
            "again": [[id_, count] for id_, count in self._again],
        }

    def go_on(self, mark: Mapping[str, Any]) -> None:
        """From where ``mark`` says."""
        self._placed = dt.datetime.fromisoformat(mark["placed"][0]), mark["placed"][1]
        self._again = [(id_, count) for id_, count in mark.get("again", ())]
        for each in self._books:
            if each.back.name in mark["books"]:
                each.after, day, each.ended = mark["books"][each.back.name]
                each.at = _day(day)
        left: Side[str, ListedOrder] = self._aligned.left
        for ids in chunks(mark["orders"]):
            for listed in self._orders_in(ids):
                left.put(self._key(listed.ref.id), self._day_of(listed), listed)
        left.at, left.ended = _day(mark["day"]), mark["read"]
        for keys in chunks(mark["sales"]):
            for key, sales in self._sales_of(keys).items():
                for sale in sales:
                    self._aligned.right.put(key, sale.placed_on or dt.date.min, sale)
        self._note_right()

    # --- one page further ---------------------------------------------------------

    def step(self) -> None:
        """The next page of the listing that is behind, and what comes of it."""
        if self._again:
            self._work_off()
            return
        if self._aligned.left_is_next:
            self._read_store()
        else:
            self._read_books()
        self._handle([(orders[0], sales) for _, orders, sales in self._aligned.pairs()])
        alone = [orders[0] for _, orders in self._aligned.alone_left()]
        for part in chunks(alone):
            found = self._sales_of([self._key(each.ref.id) for each in part])
            self._handle([(each, found.get(self._key(each.ref.id), [])) for each in part])
        for keys in chunks([key for key, _ in self._aligned.alone_right()]):
            self._without_order(keys)

    def _read_store(self) -> None:
        since, after = self._placed
        page = self.store.orders_since(by="placed", since=since, after=after, limit=_PAGE)
        self._count_call("store")
        for listed in page.orders:
            self._aligned.left.put(self._key(listed.ref.id), self._day_of(listed), listed)
            self._placed = listed.placed_at, listed.ref.id
        self._placed = page.reached or self._placed
        self._aligned.left.ended = page.is_last

    def _read_books(self) -> None:
        open_ = [each for each in self._books if not each.ended]
        books = min(open_, key=lambda each: each.at or dt.date.min)
        first = self.backs[0].day(self.since)
        page = books.back.adapter.sales(f"{self.rules.key}-", first, after=books.after, limit=_PAGE)
        self._count_call(books.back.name)
        self.report.compared["sales"] += len(page)
        for sale in page:
            if sale.placed_on is not None:
                self._aligned.right.put(sale.order_key, sale.placed_on, sale)
                books.at = sale.placed_on
        if page:
            books.after = page[-1].place
        books.ended = len(page) < _PAGE
        self._note_right()

    def _note_right(self) -> None:
        """The listing of all back offices together is as far as the one that is behind."""
        open_ = [each for each in self._books if not each.ended]
        days = [each.at for each in open_ if each.at is not None]
        self._aligned.right.ended = not open_
        self._aligned.right.at = min(days) if len(days) == len(open_) and days else None

    # --- orders ---------------------------------------------------------------------

    def _handle(self, met: Sequence[tuple[ListedOrder, Sequence[Sale]]]) -> None:
        for part in chunks(met):
            self.report.compared["orders"] += len(part)
            links = self.links.get_all([listed.ref for listed, _ in part])
            self._complete(part, links)

    def _complete(
        self, met: Sequence[tuple[ListedOrder, Sequence[Sale]]], links: Mapping[Ref, Link]
    ) -> None:
        """Compares them; of those that were made anew, every document is asked for first."""
        anew = [
            self._key(listed.ref.id)
            for listed, sales in met
            if _may_have_more(sales, links.get(listed.ref))
        ]
        more = self._sales_of(anew) if anew else {}
        doubtful = []
        for listed, listed_sales in met:
            sales = more.get(self._key(listed.ref.id), listed_sales)
            pair = self._pair(listed, sales, links)
            if pair is None:
                continue
            compared = self._comparison.compare(pair)
            if compared.differences:
                doubtful.append(listed.ref)
            elif compared.skipped:
                self.report.skipped[compared.skipped] += 1
                self._count(pair, stands_only=True)
            else:
                self._count(pair)
        if doubtful:
            self._look_again(doubtful, count=True)

    def _look_again(self, refs: Sequence[Ref], *, count: bool) -> None:
        self._again += [(ref.id, count) for ref in refs]
        self._work_off()

    def _work_off(self) -> None:
        """Both sides anew; what differs still is a difference, unless it is in hand."""
        part, self._again = self._again[:_PAGE], self._again[_PAGE:]
        refs = [self._ref(id_) for id_, _ in part]
        listed = {each.ref: each for each in self._orders_in([ref.id for ref in refs])}
        sales = self._sales_of([self._key(ref.id) for ref in refs])
        links = dict(self.links.get_all(refs))
        for nth, (ref, (_, count)) in enumerate(zip(refs, part, strict=True)):
            if nth and self.is_late():
                self._again = part[nth:] + self._again
                return
            one, of_key = listed.get(ref), sales.get(self._key(ref.id), [])
            pair = Pair(ref, None, tuple(of_key), links.get(ref), {})
            if one is not None:
                read = self._pair(one, of_key, links, again=True)
                if read is None:
                    continue
                pair = read
            if count:
                self._count(pair)
            self._judge(pair, one)

    def _judge(self, pair: Pair, listed: ListedOrder | None) -> None:
        compared = self._comparison.compare(pair)
        if compared.differences and pair.order is not None:
            pair = self._doubts.linked(pair)
            compared = self._comparison.compare(pair)
        if not compared.differences:
            if compared.skipped:
                self.report.skipped[compared.skipped] += 1
            return
        first = compared.differences[0]
        if pair.order is not None and (why := self._doubts.skips(pair)):
            self.report.skipped[why] += 1
            return
        if "orders" in self.report.shadow and first.reason == "missing_in_erp":
            self.report.skipped["shadow"] += 1
            return
        if why := in_hand(
            pair, listed, now=self.clock(), waiting=self.waiting, attention=self.attention
        ):
            self.report.add_in_hand(InHand("orders", first.subject, first.ref, why))
            self.report.unlinked += any(each.reason == "link_lost" for each in compared.differences)
            return
        if pair.order is None and (unlisted := self._doubts.unlisted(pair)) is not None:
            self.take(unlisted, pair)
            return
        for difference in compared.differences:
            if why := self._doubts.settled(difference, pair):
                self.report.add_in_hand(InHand("orders", difference.subject, difference.ref, why))
            elif self._may_be_adopted(difference) and pair.order is not None:
                self.take(self._doubts.numbered(difference, pair.order), pair)
            else:
                self.take(difference, pair)

    def _without_order(self, keys: Sequence[str]) -> None:
        """Sales of which the store listed no order."""
        ids = [key.removeprefix(f"{self.rules.key}-") for key in keys]
        there = {each.ref.id: each for each in self._orders_in([i for i in ids if i.isdigit()])}
        gone = [self._ref(id_) for id_ in ids if id_.isdigit() and id_ not in there]
        if gone:
            self.report.compared["sales without an order"] += len(gone)
            self._look_again(gone, count=True)
        # One that is there is met, or was, at its own day in the store's list; but if it has two
        # documents, one of them may have come alone, or after the other.
        here = [each for each in there.values() if self._was_listed(each)]
        if here:
            found = self._sales_of([self._key(each.ref.id) for each in here])
            trashed = [each.ref for each in here if each.document.get("status") == "trash"]
            twice = [
                each.ref
                for each in here
                if sum(sale.stands for sale in found.get(self._key(each.ref.id), [])) > 1
            ]
            if trashed:  # no list of the store has them
                self._look_again(trashed, count=True)
            if twice := [ref for ref in twice if ref not in trashed]:
                self._look_again(twice, count=False)

    def _was_listed(self, listed: ListedOrder) -> bool:
        if listed.placed_at < self.since:
            return False
        at = (listed.placed_at, int(listed.ref.id))
        place = (self._placed[0], int(self._placed[1] or 0))
        return self._aligned.left.ended or at <= place

    # --- what is not to be called a difference -----------------------------------------

    def _may_be_adopted(self, difference: Difference) -> bool:
        """It would be posted, and a link that says otherwise may have been forgotten."""
        posts = difference.reason == "missing_in_erp" and difference.event == "order_updated"
        return posts and self.recovering()

    # --- reading ------------------------------------------------------------------------

    @property
    def _comparison(self) -> Comparison:
        return Comparison(self.name, self.rules)

    @property
    def _doubts(self) -> Doubts:
        return Doubts(
            rules=self.rules,
            store=self.store,
            backs=self.backs,
            attention=self.attention,
            counts=self._count_call,
        )

    def _pair(
        self,
        listed: ListedOrder,
        sales: Sequence[Sale],
        links: Mapping[Ref, Link],
        *,
        again: bool = False,
    ) -> Pair | None:
        """None: the order cannot be read, which is said."""
        link = links.get(listed.ref)
        try:
            order = order_of(self.store, listed.document, link)
        except BadInputError as error:
            if self.clock() - listed.modified_at >= LAG:
                self.take(_unreadable(listed, error), None)
            return None
        ids = order.refund_ids if again else ()
        of_refunds = (
            self.links.get_all([Ref(self.name, "refund", id_) for id_ in ids]) if ids else {}
        )
        day = self._day_of(listed).isoformat()
        return Pair(listed.ref, order, tuple(sales), link, tied(listed.ref, of_refunds), day)

    def _count(self, pair: Pair, *, stands_only: bool = False) -> None:
        """Into the totals of its day: an order that is to be in the books, a sale that stands."""
        order = pair.order
        standing = pair.standing
        wanted = order is not None and self._comparison.is_wanted(pair, order)
        if order is not None and wanted and not stands_only:
            given = abs(order.refunded) if order.refunded is not None else None
            day = dt.date.fromisoformat(pair.day) if pair.day else None
            self.report.count("store", day, _totals(order), given)
        for nth, sale in enumerate(standing):
            if sale.record.totals is not None:
                credited = None if nth else _sum(pair, sale.record.totals.gross.currency)
                self.report.count("erp", sale.placed_on, sale.record.totals, credited)

    def _sales_of(self, keys: Sequence[str]) -> dict[str, list[Sale]]:
        found: dict[str, list[Sale]] = {}
        for back in self.backs:
            for part in chunks(keys):
                self._count_call(back.name)
                for sale in back.adapter.sales_of(part):
                    found.setdefault(sale.order_key, []).append(sale)
        return found

    def _orders_in(self, ids: Sequence[str]) -> list[ListedOrder]:
        found: list[ListedOrder] = []
        for part in chunks(ids):
            self._count_call("store")
            found += self.store.orders_in(part)
        return found

    def _count_call(self, side: str) -> None:
        self.report.calls[side] += 1

    def _day_of(self, listed: ListedOrder) -> dt.date:
        return self.backs[0].day(listed.placed_at)

    def _key(self, id_: str) -> str:
        return order_key(self.rules.key, id_)

    def _ref(self, id_: str) -> Ref:
        return Ref(self.name, "order", id_)


def _may_have_more(sales: Sequence[Sale], link: Link | None) -> bool:
    """Whether other documents of the order may stand than those that were listed."""
    if not sales:
        return False  # they were asked for by the key
    first = len(sales) == 1 and sales[0].record.key == sales[0].order_key
    return not first or not sales[0].stands or (link is not None and link.generation > 1)


def _totals(order: SalesOrder) -> Totals:
    return Totals(net=order.total - order.tax, tax=order.tax, gross=order.total)


def _sum(pair: Pair, currency: str) -> Money:
    amounts = [each.totals.gross for each in pair.credits if each.totals is not None]
    return Money.total((each for each in amounts if each.currency == currency), currency)


def _unreadable(listed: ListedOrder, error: BadInputError) -> Difference:
    return Difference(
        kind="orders",
        reason="unreadable",
        subject=f"order {listed.ref.id}",
        ref=str(listed.ref),
        store=str(error),
        erp="not compared",
        why="what cannot be read cannot be compared",
    )


def _text(day: dt.date | None) -> str:
    return day.isoformat() if day is not None else ""


def _day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None
