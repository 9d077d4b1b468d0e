"""What changed of a back office's stock, prices and items becomes what each store should show.

Page by page: what the news are about is read in bulk, kept, and compared with what every store was
last told; one message per store and kind has the rest flushed. The cursor moves only after all it
covers is wanted and queued, and everything can be done twice. Sweeps go the same way through all
items, a page at a time, with what time the news leave.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Literal

from accord.errors import AccordError, PermanentError, UnmappedError
from accord.model.change import Change, Ref
from accord.model.documents import Kind
from accord.model.item import Item
from accord.model.progress import News
from accord.model.stock import Recipe, Snapshot
from accord.ports.erp import ErpAdapter
from accord.ports.levels import LevelKind, Levels, Wanted
from accord.ports.queues import Queues
from accord.ports.state import Attention, Control, Entry, Journal
from accord.ports.state import Item as Asked
from accord.rules.available import relatives
from accord.rules.config import Store
from accord.sync.cursor import PAGE, ROOM, Cursors, Read
from accord.sync.recompute import (
    Computed,
    locations,
    price_lists,
    prices_of,
    products_of,
    recompute,
)
from accord.sync.seen import Pages
from accord.sync.sweep import Sweep, Sweeps
from accord.sync.worker import item_id

EVENTS: Mapping[LevelKind, str] = {
    "stock": "stock_changed",
    "price": "price_changed",
    "product": "product_updated",
}
_SHOWS: Mapping[Kind, LevelKind] = {
    Kind.STOCK: "stock",
    Kind.RECIPE: "stock",
    Kind.PRICE: "price",
    Kind.ITEM: "product",
}
OF_ITEMS = frozenset(_SHOWS)
"""The kinds of news that this module reads."""
_FLOW: Mapping[LevelKind, Literal["stock", "prices", "products"]] = {
    "stock": "stock",
    "price": "prices",
    "product": "products",
}
_TABLES: Mapping[LevelKind, tuple[str, ...]] = {
    "stock": ("stock",),
    "price": ("prices",),
    "product": ("catalogue", "stock"),
}
_MAPPED = {"items", "items_same_code", "classes", "taxes"}
_TOUCHED = 1000  # items with new claims that are looked at in one go
_EXPIRED = 100  # holds that are given up in one go
_MESSAGE_LENGTH = 1500  # of an attention item
_REFUSED = "unknown_to_erp"  # a code of the rules, so that nothing can be read


@dataclass(frozen=True, slots=True)
class Polled:
    """One run: messages sent, news read, and whether more of them are there to be read now.

    ``swept`` are items that a sweep went through; ``sweeping``: it goes on with the next run.
    ``wanted`` values are to be sent because of it; ``would`` be, were the flow not in shadow.
    ``short`` are pieces that were sold and are not there. ``expired`` holds were given up.
    """

    sent: int = 0
    read: int = 0
    behind: bool = False
    wanted: int = 0
    would: int = 0
    swept: int = 0
    sweeping: bool = False
    expired: int = 0
    short: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class _Swept:
    """``items`` that were gone through, and whether more are left for the next run."""

    items: int = 0
    is_going_on: bool = False


@dataclass(slots=True)
class _Run:
    """What one run of a kind knows and did."""

    kind: Kind
    until: dt.datetime
    stores: Mapping[str, Store]  # whose flow is not off
    shadow: Collection[str]
    recipes: Mapping[str, Recipe] | None = None
    queued: set[tuple[str, str, str]] = field(default_factory=set)
    wanted: int = 0
    would: dict[str, int] = field(default_factory=dict)
    short: dict[str, Decimal] = field(default_factory=dict)
    taken: int = 0  # pages that were read in full
    expired: int = 0

    @property
    def shows(self) -> LevelKind:
        return _SHOWS[self.kind]


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePoller:
    """Reads one back office for its ``stores``, all those that sell from it, by name."""

    erp_name: str
    adapter: ErpAdapter
    levels: Levels
    control: Control
    queues: Queues
    attention: Attention
    journal: Journal
    stores: Mapping[str, Store]
    clock: Callable[[], dt.datetime]
    random: Random

    def run(self, kind: Kind | str, *, until: dt.datetime) -> Polled:
        """Reads, keeps and queues until all is read or ``until`` is near. Nothing while another run
        does, or where no store's flow is on. A location or price list of the rules that the back
        office lacks is asked of a person, and the cursor stays.

        Raises:
            PermanentError: ``cursor_ahead``: see ``Cursors.read``.
            AccordError: the back office, a table or a queue does not answer; the cursor stays.
        """
        kind = Kind(kind)
        run = self._begin(kind, until)
        if not run.stores or not self._knows(kind):
            return Polled()
        cursors = Cursors(
            erp_name=self.erp_name,
            adapter=self.adapter,
            control=self.control,
            clock=self.clock,
            random=self.random,
        )
        with cursors.lease(kind, until=until) as ours:
            if not ours:
                return Polled()
            try:
                told, swept = self._carry(run, cursors)
            except UnmappedError as error:  # the next run tries again, and closes the item
                self._ask(run, error, reason=_REFUSED)
                told, swept = Read(0, behind=True), _Swept()
            finally:
                self._tell(run)
            return Polled(
                sent=len(run.queued),
                read=told.records,
                behind=told.behind,
                wanted=run.wanted,
                would=sum(run.would.values()),
                swept=swept.items,
                sweeping=swept.is_going_on,
                expired=run.expired,
                short=sum(run.short.values(), Decimal(0)),
            )

    def ask_for_sweep(self, kind: Kind | str) -> None:
        """All items of ``kind`` are read once more, from the next run on, in slices."""
        self._sweeps.ask(Kind(kind))

    # --- one run --------------------------------------------------------------

    def _begin(self, kind: Kind, until: dt.datetime) -> _Run:
        flows = {
            name: getattr(rules.flows, _FLOW[_SHOWS[kind]])
            for name, rules in sorted(self.stores.items())
            if rules.erp == self.erp_name
            and not (kind is Kind.ITEM and rules.catalogue.owner == "store")
        }
        stores = {name: self.stores[name] for name, flow in flows.items() if flow != "off"}
        if kind is Kind.PRICE:
            stores = {name: rules for name, rules in stores.items() if rules.prices.currency}
        return _Run(kind, until, stores, {name for name in stores if flows[name] == "shadow"})

    def _knows(self, kind: Kind) -> bool:
        can = self.adapter.capabilities
        return can.recipes if kind is Kind.RECIPE else kind in can.tells

    def _carry(self, run: _Run, cursors: Cursors) -> tuple[Read, _Swept]:
        self._flush_what_is_left(run)
        if run.kind is Kind.STOCK:
            self._expire(run)
            self._recompute_touched(run)
        told, failed = Read(0, behind=False), None
        if run.kind in self.adapter.capabilities.tells:
            name = f"seen:{self.erp_name}:{run.kind.value}"
            pages = Pages(name, self.control, self.adapter.capabilities.overlap)
            try:
                told = cursors.read(
                    run.kind,
                    lambda page: self._take(page, pages, run),
                    until=run.until,
                    first=lambda: self.ask_for_sweep(run.kind),
                )
            except PermanentError as error:  # their clock, say: sweeps do not go by it
                told, failed = Read(0, behind=True), error
            pages.save(self.clock(), behind=told.behind)
        swept = self._sweep(run)
        if failed is not None:
            raise failed
        if run.taken:
            self._close(run, lambda item: item.reason == _REFUSED)
        return told, swept

    def _take(self, page: Sequence[News], pages: Pages, run: _Run) -> None:
        if not page:
            return
        began = self.clock()
        if not pages.is_settled(page):
            ours = {Kind.ITEM.value, run.kind.value}
            if run.kind is not Kind.RECIPE:
                self._sweep_for([news for news in page if news.ref.kind not in ours], pages, run)
            ids = dict.fromkeys(n.ref.id for n in page if n.ref.kind in ours)
            if run.kind is Kind.RECIPE:
                self._take_recipes(run)
            elif ids:
                self._take_items(list(ids), run)
        pages.took(page, at=began)

    def _take_items(self, ids: Sequence[str], run: _Run) -> None:
        match run.kind:
            case Kind.STOCK:
                self._take_stock(ids, run)
            case Kind.PRICE:
                self._take_prices(ids, run)
            case _:
                self._take_products(ids, run)
        run.taken += 1

    def _sweep_for(self, others: Sequence[News], pages: Pages, run: _Run) -> None:
        """Of what is no item: any item may be meant."""
        fresh = [news for news in others if not pages.is_told(news)]
        if fresh:
            self.ask_for_sweep(run.kind)
        for news in fresh:
            pages.told(news)

    # --- sweeps ---------------------------------------------------------------

    @property
    def _sweeps(self) -> Sweeps:
        return Sweeps(self.erp_name, self.control, self.clock)

    def _sweep(self, run: _Run) -> _Swept:
        sweep, swept = self._sweeps.get(run.kind, rules=_digest(run)), 0
        while sweep.is_due:
            if self.clock() + ROOM >= run.until:
                return _Swept(swept, is_going_on=True)
            sweep = sweep.went_on(self.clock())
            if run.kind is Kind.RECIPE:
                self._take_recipes(run)
                sweep = self._swept(sweep, run)
                continue
            ids = list(self.adapter.item_ids(after=sweep.after, limit=PAGE))
            if ids:
                self._take_items(ids, run)
                swept += len(ids)
            if len(ids) < PAGE:
                sweep = self._swept(sweep, run)
            else:
                sweep = self._sweeps.save(run.kind, replace(sweep, after=ids[-1]))
        return _Swept(swept)

    def _swept(self, sweep: Sweep, run: _Run) -> Sweep:
        """Everything was gone through: what was not met any more is over."""
        since = dt.datetime.fromisoformat(sweep.since)
        self._close(run, lambda item: item.updated_at < since)
        return self._sweeps.save(run.kind, replace(sweep, done=sweep.begun, after=""))

    # --- stock ----------------------------------------------------------------

    def _take_stock(self, ids: Sequence[str], run: _Run) -> None:
        snapshots = self.adapter.stock(ids, self._locations(run))
        items = sorted({snapshot.item for snapshot in snapshots if snapshot.item})
        seen = self.levels.observe(self.erp_name, snapshots)
        # Before they are read: a claim that comes meanwhile touches anew. A run that dies here
        # takes the whole page again.
        if now := sorted({*seen.changed, *seen.closed}):
            self.levels.untouch(self.erp_name, now)
        self._recompute(items, run)

    def _recompute_touched(self, run: _Run) -> None:
        """Items with other claims, or another recipe, than when they were last computed.

        They are read anew as well, with all that they are made of: that ends the claims of orders
        that the back office has reserved for since, whether or not it tells of that.
        """
        while touched := self.levels.touched(self.erp_name, limit=_TOUCHED):
            failed = self._look_again(touched, run)
            self._recompute(touched, run)
            if failed is not None:
                raise failed  # they stay touched, to be read when it answers again
            self.levels.untouch(self.erp_name, touched)
            if self.clock() + ROOM >= run.until or len(touched) < _TOUCHED:
                return

    def _look_again(self, items: Sequence[str], run: _Run) -> AccordError | None:
        """The stock of ``items`` and their parts as it is now; what went wrong, if something did:
        the claims count all the same."""
        codes = sorted(relatives(items, self._recipes(run)))
        try:
            for begin in range(0, len(codes), PAGE):
                page, as_of = codes[begin : begin + PAGE], self.clock()
                found = self.adapter.find_items(page)
                if found:
                    ids = sorted(found.values())
                    snapshots = self.adapter.stock(ids, self._locations(run))
                    self.levels.observe(self.erp_name, snapshots)
                self._lose([code for code in page if code not in found], as_of)
        except AccordError as error:
            return error
        return None

    def _lose(self, codes: Sequence[str], as_of: dt.datetime) -> None:
        """Items that were there, and whose code means nothing any more: there is none to be sold.
        Of what was never there the store knows best."""
        known = self.levels.holdings(self.erp_name, codes) if codes else {}
        lost = [code for code, holding in known.items() if holding.as_of is not None]
        if lost:
            self.levels.observe(self.erp_name, [Snapshot(code, {}, as_of) for code in lost])

    def _recompute(self, items: Collection[str], run: _Run) -> None:
        chunks = recompute(
            items,
            erp=self.erp_name,
            stores=run.stores,
            levels=self.levels,
            recipes=self._recipes(run),
        )
        for chunk in chunks:
            for store, computed in chunk.items():
                self._want(store, computed, run)

    def _recipes(self, run: _Run) -> Mapping[str, Recipe]:
        if run.recipes is None:
            run.recipes = self.levels.recipes(self.erp_name)
        return run.recipes

    def _locations(self, run: _Run) -> list[str]:
        return sorted({each for rules in run.stores.values() for each in locations(rules)})

    def _expire(self, run: _Run) -> None:
        while self.clock() + ROOM < run.until:
            now = self.levels.expire(self.erp_name, now=self.clock(), limit=_EXPIRED)
            run.expired += now
            if now < _EXPIRED:
                return

    def _take_recipes(self, run: _Run) -> None:
        """All of them are kept; the stock's own run computes the items that this touches."""
        self.levels.put_recipes(self.erp_name, self.adapter.recipes())
        run.taken += 1

    # --- prices and items -------------------------------------------------------

    def _take_prices(self, ids: Sequence[str], run: _Run) -> None:
        """One read per currency, and one more where the rules look at the items' lifecycles."""
        as_of = self.clock()
        cleared = any(rules.prices.clearance for rules in run.stores.values())
        items = self.adapter.items(ids) if cleared else ()
        lifecycles = {item.code: item.lifecycle for item in items}
        for currency in sorted({rules.prices.currency or "" for rules in run.stores.values()}):
            stores = {n: r for n, r in run.stores.items() if r.prices.currency == currency}
            lists = sorted({each for rules in stores.values() for each in price_lists(rules)})
            prices = self.adapter.prices(ids, lists, currency=currency)
            for name, rules in stores.items():
                computed = prices_of(
                    prices, lifecycles, erp=self.erp_name, store=name, rules=rules, as_of=as_of
                )
                self._want(name, computed, run)

    def _take_products(self, ids: Sequence[str], run: _Run) -> None:
        as_of = self.clock()
        items = self.adapter.items(ids)
        codes = sorted({item.family.code for item in items if item.family and item.family.code})
        for name, rules in run.stores.items():
            known = self.levels.levels(name, "product", codes) if codes else {}
            families = {code: known[code].wanted if code in known else None for code in codes}
            self._want(name, products_of(items, families, rules=rules, as_of=as_of), run)
        self._reprice(items, run.until)

    def _reprice(self, items: Sequence[Item], until: dt.datetime) -> None:
        """What an item costs hangs on its lifecycle too, which no price tells of."""
        run = self._begin(Kind.PRICE, until)
        run.stores = {name: rules for name, rules in run.stores.items() if rules.prices.clearance}
        if run.stores and self._knows(Kind.PRICE) and items:
            self._take_prices([item.ref.id for item in items], run)

    # --- what it comes to ---------------------------------------------------------

    def _want(self, store: str, computed: Computed, run: _Run) -> None:
        for item, error in computed.unmapped:
            self._ask(run, error, store=store, item=item)
        for item, short in computed.short.items():
            run.short[item] = max(short, run.short.get(item, Decimal(0)))
        if not computed.wanted:
            return
        if store in run.shadow:
            would = self._would(store, computed.wanted, run.shows)
            run.would[store] = run.would.get(store, 0) + would
            return
        looked_at = self._near_zero(store, computed.wanted) if run.shows == "stock" else []
        wanted = self.levels.want(store, run.shows, computed.wanted)
        if looked_at:
            self.levels.resend(store, run.shows, looked_at)
            wanted = max(wanted, len(looked_at))
        run.wanted += wanted
        if wanted:
            self._flush(store, run)

    def _near_zero(self, store: str, wanted: Sequence[Wanted]) -> list[str]:
        """SKUs that move and of which few are left: they are sent, and so the store is read, though
        it may have counted down to that number by itself.

        What it had sold, and nobody knew, when it was last written to, it still shows. Only a look
        finds that, and only once the orders are known.
        """
        near = self.stores[store].stock.near
        low = {each.sku: each.value for each in wanted if each.value["quantity"] <= near}
        known = self.levels.levels(store, "stock", sorted(low)) if low else {}
        return [
            sku
            for sku, level in known.items()
            if level.sent is not None and level.wanted != low[sku]
        ]

    def _would(self, store: str, wanted: Sequence[Wanted], kind: LevelKind) -> int:
        known = self.levels.levels(store, kind, [each.sku for each in wanted])
        return sum(each.sku not in known or known[each.sku].sent != each.value for each in wanted)

    def _flush_what_is_left(self, run: _Run) -> None:
        """A message that was lost, or that died, must hold nothing up for longer than a minute."""
        if run.kind is Kind.RECIPE:
            return
        for store in run.stores:
            if store not in run.shadow and self.levels.dirty(store, run.shows, limit=1):
                self._flush(store, run)

    def _flush(self, store: str, run: _Run) -> None:
        """One message per store and kind in a minute."""
        now = self.clock()
        minute = now.strftime("%Y-%m-%dT%H:%M")
        if (store, run.shows, minute) in run.queued:
            return
        change = Change(
            ref=Ref(store, "levels", run.shows),
            event=EVENTS[run.shows],
            seen_at=now,
            correlation_id=f"poll-{self.random.getrandbits(64):016x}",
        )
        self.queues.put(change, sending=f"flush:{store}:{run.shows}:{minute}")
        run.queued.add((store, run.shows, minute))

    def _tell(self, run: _Run) -> None:
        """What shadow would have sent."""
        entries = [
            Entry(
                Ref(store, "levels", run.shows),
                self.clock(),
                "ended",
                f"shadow: {would} would be sent",
                f"poll-{self.random.getrandbits(64):016x}",
            )
            for store, would in run.would.items()
            if would
        ]
        if entries:
            self.journal.append(entries)

    # --- what a person must do ----------------------------------------------------

    def _subject(self, run: _Run) -> str:
        return str(Ref(self.erp_name, "levels", run.kind.value))

    def _ask(
        self, run: _Run, error: UnmappedError, *, store: str = "", item: str = "", reason: str = ""
    ) -> None:
        """One item per store and cause, whichever of many items meets it."""
        subject, now, reason = self._subject(run), self.clock(), reason or error.reason
        said = f"{item}: {error}" if item and item not in str(error) else str(error)
        for cause in error.causes:
            self.attention.put(
                Asked(
                    id=item_id(f"{subject}\n{store}\n{cause}", reason),
                    subject=subject,
                    reason=reason,
                    owner=error.owner,
                    message=said[:_MESSAGE_LENGTH],
                    opened_at=now,
                    updated_at=now,
                )
            )

    def _close(self, run: _Run, is_over: Callable[[Asked], bool]) -> None:
        for item in self.attention.of(self._subject(run)):
            if is_over(item):
                self.attention.close(item.id, now=self.clock(), by="a later look")


def _digest(run: _Run) -> str:
    """Of all rules that the run's values come from: under others, everything is computed anew."""
    if run.kind is Kind.RECIPE:
        return ""
    held = {
        name: [
            getattr(rules.flows, _FLOW[run.shows]),
            *(getattr(rules, table).model_dump(mode="json") for table in _TABLES[run.shows]),
            rules.mappings.model_dump(mode="json", include=_MAPPED),
        ]
        for name, rules in run.stores.items()
    }
    text = json.dumps(held, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
