"""Levels in memory: one lock, so any number of threads may share them."""

import bisect
import datetime as dt
import itertools
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from accord.model.change import Ref
from accord.model.stock import Holding, Recipe, Snapshot
from accord.ports.levels import (
    NOTHING,
    Demand,
    Hold,
    Level,
    LevelKind,
    Levels,
    Limit,
    Observed,
    Place,
    Sent,
    Wanted,
)
from accord.state.claims import (
    ZERO,
    Claim,
    claims_nothing,
    newest,
    next_claim,
    positive,
    quantities,
    small_enough,
)
from accord.state.showing import KINDS, Row, answered, by_sku, placed, sent_again, wanting

Key = tuple[str, str]  # a back office and an item of it


@dataclass(slots=True)
class _Touches:
    """When each item was touched, as growing numbers, and which of them the reader has seen."""

    at: dict[str, list[int]] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)


class MemoryLevels(Levels):
    """The table ``levels``."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._items: dict[Key, Holding] = {}
        self._recipes: dict[str, dict[str, Recipe]] = {}
        self._demands: dict[Ref, Demand] = {}
        self._claims: dict[Key, dict[Ref, Claim]] = {}
        self._holds: dict[tuple[str, str], Hold] = {}
        self._touches: dict[str, _Touches] = {}
        self._numbers = itertools.count(1)
        self._rows: dict[tuple[str, LevelKind, str], Row] = {}
        # (position, SKU) of what is to be sent, in order: a page of it must not cost a look at all.
        self._to_send: dict[tuple[str, LevelKind], list[tuple[str, str]]] = {}

    # --- what a back office has ------------------------------------------------

    def holdings(self, erp: str, items: Sequence[str]) -> Mapping[str, Holding]:
        """See ``Levels.holdings``."""
        with self._lock:
            found = {item: self._items.get((erp, item)) for item in items}
        return {item: holding for item, holding in found.items() if holding}

    def observe(self, erp: str, snapshots: Sequence[Snapshot]) -> Observed:
        """See ``Levels.observe``. Items that change are touched, so that a crash forgets none."""
        changed, stale, closed = [], [], []
        with self._lock:
            for item, snapshot in newest(snapshots).items():
                old = self._item(erp, item)
                if old.as_of is not None and snapshot.as_of <= old.as_of:
                    stale += [item] if snapshot.as_of < old.as_of else []
                    continue
                claims = self._claims.get((erp, item), {}).values()
                # Most were closed long ago: of an item that sells they are very many.
                closes = (
                    one.quantity
                    for one in claims
                    if one.reserved_at is not None
                    and (old.as_of is None or one.reserved_at >= old.as_of)
                    and one.reserved_at < snapshot.as_of
                )
                done = sum(closes, ZERO)
                new = replace(old, as_of=snapshot.as_of, taken=old.taken - done)
                if old.as_of is None or dict(old.free) != dict(snapshot.free):
                    new = replace(new, free=dict(snapshot.free), basis=old.basis + 1)
                    changed.append(item)
                closed += [item] if done else []
                self._items[erp, item] = new
            self._touch(erp, {*changed, *closed}, seen=True)
        return Observed(changed, stale, closed)

    def recipes(self, erp: str) -> Mapping[str, Recipe]:
        """See ``Levels.recipes``."""
        return self._recipes.get(erp, {})

    def put_recipes(self, erp: str, recipes: Sequence[Recipe]) -> Sequence[str]:
        """See ``Levels.put_recipes``."""
        with self._lock:
            old, new = self._recipes.get(erp, {}), {recipe.item: recipe for recipe in recipes}
            changed = sorted(item for item in old.keys() | new if old.get(item) != new.get(item))
            self._recipes[erp] = new
            self._touch(erp, changed, seen=True)
        return changed

    def touched(self, erp: str, *, limit: int) -> Sequence[str]:
        """See ``Levels.touched``."""
        with self._lock:
            touches = self._touches.setdefault(erp, _Touches())
            touches.seen = {number for numbers in touches.at.values() for number in numbers}
            return sorted(touches.at, key=lambda item: (touches.at[item][0], item))[:limit]

    def untouch(self, erp: str, items: Sequence[str]) -> None:
        """See ``Levels.untouch``. What is touched after ``touched`` looked stays so."""
        with self._lock:
            touches = self._touches.setdefault(erp, _Touches())
            for item in {*items} & touches.at.keys():
                numbers = touches.at.pop(item)
                left = [one for one in numbers if one not in touches.seen]
                if left and len(left) < len(numbers):
                    touches.at[item] = left

    # --- claims ----------------------------------------------------------------

    def demand(self, order: Ref) -> Demand | None:
        """See ``Levels.demand``."""
        with self._lock:
            found = self._demands.get(order)
            if found is None:
                return None
            claims = (self._claims[found.erp, item].get(order) for item in found.needs)
            kept = any(claim is not None and claim.reserved_at is not None for claim in claims)
            return replace(found, was_kept=kept)

    def set_demand(
        self, demand: Demand, *, now: dt.datetime, sold: Mapping[str, Sequence[str]] = NOTHING
    ) -> None:
        """See ``Levels.set_demand``. Nothing is ever written in parts, nor forgotten."""
        del now
        demand = replace(demand, needs=positive(demand.needs), took=quantities(demand.took))
        with self._lock:
            old = self._demands.get(demand.order)
            if old is None and claims_nothing(demand):
                return
            if old and old.erp != demand.erp:
                self._set_claims(Demand(old.order, old.erp, {}, old.took), moves=False)
            if demand.hold:
                self.release(demand.order.system, demand.hold)
            took = old.took if old else {}
            self._set_claims(demand, moves=took != demand.took)
            for sku in {*took, *demand.took}:
                moved = demand.took.get(sku, ZERO) - took.get(sku, ZERO)
                if moved:
                    self._move(demand.order.system, sku, moved)
            for erp, items in sold.items() if took != demand.took else ():
                self._touch(erp, items)
            self._demands[demand.order] = demand

    def hold(self, hold: Hold, limits: Sequence[Limit], *, now: dt.datetime) -> bool:
        """See ``Levels.hold``. One whose own time is over passes the limits anew."""
        small_enough(hold, limits)
        if hold.expires_at <= now:
            return False
        hold, key = replace(hold, needs=positive(hold.needs)), (hold.store, hold.id)
        with self._lock:
            old = self._holds.get(key)
            if old and old.erp != hold.erp:
                self.release(*key)
                old = None
            if old and old.expires_at > now and old.needs == hold.needs:
                ends = max(old.expires_at, hold.expires_at)
                self._holds[key] = replace(hold, expires_at=ends)
                return True
            was = old.needs if old else {}
            more = {
                item: hold.needs.get(item, ZERO) - was.get(item, ZERO)
                for item in sorted({*was, *hold.needs, *(limit.item for limit in limits)})
            }
            for limit in limits:
                item = self._item(hold.erp, limit.item)
                if item.taken + more[limit.item] > limit.most or item.basis != limit.basis:
                    return False
            self._take(hold.erp, more, hold.store)
            self._holds[key] = hold
            if not hold.needs:
                del self._holds[key]
        return True

    def release(self, store: str, hold: str) -> bool:
        """See ``Levels.release``."""
        with self._lock:
            old = self._holds.pop((store, hold), None)
            if old:
                self._take(old.erp, {item: -amount for item, amount in old.needs.items()}, store)
        return old is not None

    def expire(self, erp: str, *, now: dt.datetime, limit: int) -> int:
        """See ``Levels.expire``."""
        with self._lock:
            over = [one for one in self._holds.values() if one.erp == erp and one.expires_at <= now]
            over.sort(key=lambda one: (one.expires_at, one.store, one.id))
            for one in over[:limit]:
                self.release(one.store, one.id)
        return len(over[:limit])

    # --- what a store should show ------------------------------------------------

    def levels(self, store: str, kind: LevelKind, skus: Sequence[str]) -> Mapping[str, Level]:
        """See ``Levels.levels``."""
        with self._lock:
            found = {sku: self._rows.get((store, kind, sku)) for sku in skus}
        return {sku: row.level for sku, row in found.items() if row}

    def want(self, store: str, kind: LevelKind, wanted: Sequence[Wanted]) -> int:
        """See ``Levels.want``. A value that the store shows by itself is kept, though not sent."""
        to_send = set()
        with self._lock:
            for sku, values in by_sku(wanted).items():
                row = self._row(store, kind, sku)
                for value in values:
                    row, sends = wanting(row, value, kind)
                    if sends:
                        to_send.add(sku)
                self._keep(store, kind, row)
        return len(to_send)

    def dirty(self, store: str, kind: LevelKind, *, limit: int, after: str = "") -> Sequence[Level]:
        """See ``Levels.dirty``."""
        with self._lock:
            places = self._to_send.get((store, kind), [])
            begin = bisect.bisect_right(places, after, key=lambda place: place[0])
            skus = [sku for _, sku in places[begin : begin + limit]]
            return [self._rows[store, kind, sku].level for sku in skus]

    def count_dirty(self, store: str, kind: LevelKind) -> int:
        """See ``Levels.count_dirty``."""
        return len(self._to_send.get((store, kind), ()))

    def sent(self, store: str, kind: LevelKind, results: Sequence[Sent]) -> None:
        """See ``Levels.sent``."""
        with self._lock:
            for one in sorted(results, key=lambda one: one.at):
                old = self._row(store, kind, one.sku)
                new = answered(old, one, kind)
                self._keep(store, kind, new)
                if new.level.place != old.level.place:
                    self.put_places(store, {one.sku: new.level.place})

    def resend(self, store: str, kind: LevelKind, skus: Sequence[str]) -> None:
        """See ``Levels.resend``."""
        with self._lock:
            for sku in set(skus):
                self._keep(store, kind, sent_again(self._row(store, kind, sku)))

    def overtake(self, store: str, pieces: Mapping[str, Decimal]) -> None:
        """See ``Levels.overtake``."""
        with self._lock:
            for sku, overtaken in pieces.items():
                self._keep(store, "stock", sent_again(self._row(store, "stock", sku), overtaken))

    def put_places(self, store: str, places: Mapping[str, Place | None]) -> None:
        """See ``Levels.put_places``."""
        with self._lock:
            for sku, place in places.items():
                for kind in KINDS:
                    self._keep(store, kind, placed(self._row(store, kind, sku), place))

    # --- inside the lock -----------------------------------------------------------

    def _item(self, erp: str, item: str) -> Holding:
        return self._items.get((erp, item)) or Holding(item)

    def _touch(self, erp: str, items: Collection[str], *, seen: bool = False) -> None:
        touches, number = self._touches.setdefault(erp, _Touches()), next(self._numbers)
        if seen:  # by the caller, who is the reader
            touches.seen.add(number)
        for item in items:
            touches.at.setdefault(item, []).append(number)

    def _take(
        self, erp: str, more: Mapping[str, Decimal], store: str = "", touch: Collection[str] = ()
    ) -> None:
        """Takes so much more of each item; as a hold of ``store``, if there is one."""
        for item, amount in more.items():
            if not amount:
                continue
            old = self._item(erp, item)
            held = dict(old.held)
            if store:
                held[store] = held.get(store, ZERO) + amount
            held = {key: kept for key, kept in held.items() if kept}
            self._items[erp, item] = replace(old, taken=old.taken + amount, held=held)
        self._touch(erp, {item for item, amount in more.items() if amount} | {*touch})

    def _set_claims(self, demand: Demand, *, moves: bool) -> None:
        old = self._demands.get(demand.order)
        before = old.needs if old and old.erp == demand.erp else {}
        more = {}
        for item in sorted({*before, *demand.needs}):
            as_of = self._item(demand.erp, item).as_of
            claims = self._claims.setdefault((demand.erp, item), {})
            was = claims.pop(demand.order, None)
            wanted = demand.needs.get(item, ZERO)
            new = next_claim(was, wanted, demand.reserved_at, as_of)
            if new:
                claims[demand.order] = new
            more[item] = (new.open(as_of) if new else ZERO) - (was.open(as_of) if was else ZERO)
        self._take(demand.erp, more, touch=more if moves else ())

    def _move(self, store: str, sku: str, moved: Decimal) -> None:
        row = self._row(store, "stock", sku)
        level = replace(row.level, moved=row.level.moved + moved)
        self._rows[store, "stock", sku] = replace(row, level=level)

    def _row(self, store: str, kind: LevelKind, sku: str) -> Row:
        return self._rows.get((store, kind, sku)) or Row(Level(sku))

    def _keep(self, store: str, kind: LevelKind, row: Row) -> None:
        sku = row.level.sku
        if row == Row(Level(sku)):
            return
        old = self._rows.get((store, kind, sku))
        before = (old.position, sku) if old and old.dirty else None
        now = (row.position, sku) if row.dirty else None
        self._rows[store, kind, sku] = row
        if before != now:
            places = self._to_send.setdefault((store, kind), [])
            if before:
                del places[bisect.bisect_left(places, before)]
            if now:
                bisect.insort(places, now)
