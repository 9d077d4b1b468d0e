"""What changed of a back office's stock, prices and items becomes what each store should show.

Page by page: what the news are about is read in bulk, kept, and compared with what every store was
last told; one message per store and kind has the rest flushed. The cursor moves only after all it
covers is wanted and queued, and everything can be done twice. Sweeps go the same way through all
items, a page at a time, with what time the news leave.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from accord.errors import PermanentError, UnmappedError
from accord.model.documents import Kind
from accord.model.progress import News
from accord.ports.erp import ErpAdapter
from accord.ports.levels import LevelKind, Levels
from accord.ports.queues import Queues
from accord.ports.state import Attention, Control, Journal
from accord.rules.config import Store
from accord.sync.catalogue_reads import Reads
from accord.sync.catalogue_run import OF_ITEMS as OF_ITEMS  # noqa: PLC0414 - what `run` reads
from accord.sync.catalogue_run import Polled, Run, begun, knows
from accord.sync.catalogue_wants import Wants
from accord.sync.cursor import PAGE, ROOM, Cursors, Read
from accord.sync.feed import flow_of
from accord.sync.seen import Pages
from accord.sync.sweep import Sweep, Sweeps

_TABLES: Mapping[LevelKind, tuple[str, ...]] = {
    "stock": ("stock",),
    "price": ("prices",),
    "product": ("catalogue", "stock"),
}
_MAPPED = {
    "items",
    "items_same_code",
    "classes",
    "taxes",
    "shipping",
    "fees",
    "no_sku",
    "rounding",
    "refund_amount",
    "gift_cards",
}
_REFUSED = "unknown_to_erp"  # a code of the rules, so that nothing can be read


@dataclass(frozen=True, slots=True)
class _Swept:
    """``items`` that were gone through, and whether more are left for the next run."""

    items: int = 0
    is_going_on: bool = False


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
        run = begun(kind, erp=self.erp_name, stores=self.stores, until=until, random=self.random)
        if not knows(self.adapter, kind):
            return Polled()
        if not run.stores:
            self._sweeps.off(kind)
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
                return Polled(busy=True)
            try:
                told, swept = self._carry(run, cursors)
            except UnmappedError as error:  # the next run tries again, and closes the item
                self._wants.ask(run, error, reason=_REFUSED)
                told, swept = Read(0, behind=True), _Swept()
            finally:
                self._wants.tell(run)
            return Polled(
                sent=sum(len(each.queued) for each in run.all()),
                read=told.records,
                behind=told.behind,
                wanted=sum(each.wanted for each in run.all()),
                would=sum(sum(each.would.values()) for each in run.all()),
                swept=swept.items,
                sweeping=swept.is_going_on,
                expired=run.expired,
                short=sum(run.short.values(), Decimal(0)),
            )

    def ask_for_sweep(self, kind: Kind | str) -> None:
        """All items of ``kind`` are read once more, from the next run on, in slices."""
        self._sweeps.ask(Kind(kind))

    # --- one run --------------------------------------------------------------

    def _carry(self, run: Run, cursors: Cursors) -> tuple[Read, _Swept]:
        self._wants.flush_left(run)
        if run.kind is Kind.STOCK:
            self._reads.expire(run)
            self._reads.recompute_touched(run)
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
            self._wants.close(run, lambda item: item.reason == _REFUSED)
        return told, swept

    def _take(self, page: Sequence[News], pages: Pages, run: Run) -> None:
        if not page:
            return
        began = self.clock()
        if not pages.is_settled(page):
            ours = {Kind.ITEM.value, run.kind.value}
            if run.kind is not Kind.RECIPE:
                self._sweep_for([news for news in page if news.ref.kind not in ours], pages, run)
            ids = dict.fromkeys(n.ref.id for n in page if n.ref.kind in ours)
            if run.kind is Kind.RECIPE:
                self._reads.take_recipes(run)
            elif ids:
                self._reads.take(list(ids), run, fresh=True)
        pages.took(page, at=began)

    def _sweep_for(self, others: Sequence[News], pages: Pages, run: Run) -> None:
        """Of what is no item: any item may be meant."""
        fresh = [news for news in others if not pages.is_told(news)]
        if fresh:
            self.ask_for_sweep(run.kind)
        for news in fresh:
            pages.told(news)

    # --- sweeps ---------------------------------------------------------------

    def _sweep(self, run: Run) -> _Swept:
        sweep, swept = self._sweeps.get(run.kind, rules=_digest(run), on=run.on), 0
        if run.kind in self.adapter.capabilities.swept and not sweep.is_due:
            sweep = self._sweeps.ask(run.kind)
        while sweep.is_due:
            if self.clock() + ROOM >= run.until:
                return _Swept(swept, is_going_on=True)
            sweep = sweep.went_on(self.clock())
            run.anew = sweep.anew
            if run.kind is Kind.RECIPE:
                self._reads.take_recipes(run)
                sweep = self._swept(sweep, run)
                continue
            ids = list(self.adapter.item_ids(after=sweep.after, limit=PAGE))
            if ids:
                self._reads.take(ids, run, fresh=False)
                swept += len(ids)
            if len(ids) < PAGE:
                sweep = self._swept(sweep, run)
            else:
                sweep = self._sweeps.save(run.kind, replace(sweep, after=ids[-1]))
        return _Swept(swept)

    def _swept(self, sweep: Sweep, run: Run) -> Sweep:
        """Everything was gone through: what was not met any more is over."""
        since = dt.datetime.fromisoformat(sweep.since)
        self._wants.close(run, lambda item: item.updated_at < since)
        return self._sweeps.save(run.kind, sweep.over())

    # --- parts ----------------------------------------------------------------

    @property
    def _sweeps(self) -> Sweeps:
        return Sweeps(self.erp_name, self.control, self.clock)

    @property
    def _wants(self) -> Wants:
        return Wants(
            erp_name=self.erp_name,
            levels=self.levels,
            queues=self.queues,
            attention=self.attention,
            journal=self.journal,
            stores=self.stores,
            clock=self.clock,
        )

    @property
    def _reads(self) -> Reads:
        return Reads(
            erp_name=self.erp_name,
            adapter=self.adapter,
            levels=self.levels,
            stores=self.stores,
            wants=self._wants,
            clock=self.clock,
            random=self.random,
        )


def _digest(run: Run) -> str:
    """Of all rules that the run's values come from: under others, everything is computed anew."""
    if run.kind is Kind.RECIPE:
        return ""
    held = {
        name: [
            flow_of(rules, run.shows),
            *(getattr(rules, table).model_dump(mode="json") for table in _TABLES[run.shows]),
            rules.mappings.model_dump(mode="json", include=_MAPPED),
        ]
        for name, rules in run.stores.items()
    }
    text = json.dumps(held, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
