"""A back office's stock, prices and items, read in bulk and computed for every store."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from accord.errors import AccordError, UnmappedError
from accord.model.documents import Kind
from accord.model.item import Item
from accord.model.stock import Recipe, Snapshot
from accord.ports.erp import ErpAdapter
from accord.ports.levels import Levels
from accord.rules.available import relatives
from accord.rules.config import Store
from accord.sync.catalogue_run import Run, begun, knows
from accord.sync.catalogue_wants import Wants
from accord.sync.cursor import PAGE, ROOM
from accord.sync.recompute import locations, price_lists, prices_of, products_of, recompute

_TOUCHED = 1000  # items with new claims that are looked at in one go
_EXPIRED = 100  # holds that are given up in one go


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Of one back office."""

    erp_name: str
    adapter: ErpAdapter
    levels: Levels
    stores: Mapping[str, Store]
    wants: Wants
    clock: Callable[[], dt.datetime]
    random: Random

    def take(self, ids: Sequence[str], run: Run, *, fresh: bool) -> None:
        """Reads the items of these ids; what comes of them is wanted. ``fresh``: there is news of
        them, so some may be new."""
        match run.kind:
            case Kind.STOCK:
                self._take_stock(ids, run)
            case Kind.PRICE:
                self._take_prices(ids, run)
            case _:
                self._take_products(ids, run, fresh=fresh)
        run.taken += 1

    def take_recipes(self, run: Run) -> None:
        """All of them are kept; the stock's own run computes the items that this touches."""
        self.levels.put_recipes(self.erp_name, self.adapter.recipes())
        run.taken += 1

    def expire(self, run: Run) -> None:
        """Gives up the holds whose time is over."""
        while self.clock() + ROOM < run.until:
            now = self.levels.expire(self.erp_name, now=self.clock(), limit=_EXPIRED)
            run.expired += now
            if now < _EXPIRED:
                return

    # --- stock ----------------------------------------------------------------

    def _take_stock(self, ids: Sequence[str], run: Run) -> None:
        snapshots = self.adapter.stock(ids, self._locations(run))
        items = sorted({snapshot.item for snapshot in snapshots if snapshot.item})
        seen = self.levels.observe(self.erp_name, snapshots)
        # Before they are read: a claim that comes meanwhile touches anew. A run that dies here
        # takes the whole page again.
        if now := sorted({*seen.changed, *seen.closed}):
            self.levels.untouch(self.erp_name, now)
        self._recompute(items, run)

    def recompute_touched(self, run: Run) -> None:
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

    def _look_again(self, items: Sequence[str], run: Run) -> AccordError | None:
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

    def _recompute(self, items: Collection[str], run: Run) -> None:
        chunks = recompute(
            items,
            erp=self.erp_name,
            stores=run.stores,
            levels=self.levels,
            recipes=self._recipes(run),
        )
        for chunk in chunks:
            for store, computed in chunk.items():
                self.wants.want(store, computed, run)

    def _recipes(self, run: Run) -> Mapping[str, Recipe]:
        if run.recipes is None:
            run.recipes = self.levels.recipes(self.erp_name)
        return run.recipes

    def _locations(self, run: Run) -> list[str]:
        return sorted({each for rules in run.stores.values() for each in locations(rules)})

    # --- prices and items -------------------------------------------------------

    def _take_prices(self, ids: Sequence[str], run: Run) -> None:
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
                self.wants.want(name, computed, run)

    def _take_products(self, ids: Sequence[str], run: Run, *, fresh: bool) -> None:
        as_of = self.clock()
        items = self.adapter.items(ids)
        codes = sorted({item.family.code for item in items if item.family and item.family.code})
        for name, rules in run.stores.items():
            known = self.levels.levels(name, "product", codes) if codes else {}
            families = {code: known[code].wanted if code in known else None for code in codes}
            self.wants.want(name, products_of(items, families, rules=rules, as_of=as_of), run)
        self._reprice(items, run)
        if fresh:
            self._count_first(items, run)

    def _reprice(self, items: Sequence[Item], run: Run) -> None:
        """What an item costs hangs on its lifecycle too, which no price tells of."""
        prices = self._beside(Kind.PRICE, run)
        prices.stores = {n: r for n, r in prices.stores.items() if r.prices.clearance}
        if prices.stores and knows(self.adapter, Kind.PRICE) and items:
            self._take_prices([item.ref.id for item in items], prices)

    def _count_first(self, items: Sequence[Item], run: Run) -> None:
        """Goods that were never counted: of what is new and never moved, no stock tells."""
        stock = self._beside(Kind.STOCK, run)
        codes = sorted({item.code for item in items if item.goods and item.code})
        if not (codes and stock.stores and knows(self.adapter, Kind.STOCK)):
            return
        known = self.levels.holdings(self.erp_name, codes)
        ids = [
            item.ref.id
            for item in items
            if item.goods
            and item.code
            and (item.code not in known or known[item.code].as_of is None)
        ]
        if not ids:
            return
        try:
            self._take_stock(ids, stock)
        except UnmappedError:
            return  # a location that there is not: the stock's own run asks about it

    def _beside(self, kind: Kind, run: Run) -> Run:
        if kind not in run.beside:
            run.beside[kind] = begun(
                kind, erp=self.erp_name, stores=self.stores, until=run.until, random=self.random
            )
        return run.beside[kind]
