"""What orders and baskets claim, in DynamoDB. The table is laid out in ``levels``."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from accord.model.change import Ref
from accord.ports.levels import NOTHING, Demand, Hold, Limit
from accord.state.claims import (
    ZERO,
    Claim,
    claims_nothing,
    next_claim,
    positive,
    quantities,
    small_enough,
)
from accord.state.dynamo import (
    ConditionCheck,
    ConditionError,
    Delete,
    Item,
    Put,
    Table,
    Update,
    Value,
    Values,
    Write,
    maybe_moment,
    moment,
    stamp,
    to_json,
)
from accord.state.levels_items import ACTIONS, ROUNDS, held, item_pk, same, stored_items, too_fast
from accord.state.touches import Touches

_PATIENCE = 4  # times the usual: two hundred shoppers may want one item at once
_KEPT = dt.timedelta(days=400)  # an order that claims nothing more, for its refunds
_ROOM = ACTIONS - 5  # beside the order, the hold, its entry, and touched items of two back offices


@dataclass(slots=True)
class _Order:
    """An order's demand as it is stored; ``version`` is 0 where it is not."""

    ref: Ref
    erp: str
    claims: dict[str, Claim] = field(default_factory=dict)
    took: dict[str, Decimal] = field(default_factory=dict)
    reserved_at: dt.datetime | None = None
    hold: str = ""
    version: int = 0

    @property
    def demand(self) -> Demand:
        needs = {item: claim.quantity for item, claim in self.claims.items()}
        kept = any(claim.reserved_at for claim in self.claims.values())
        return Demand(
            self.ref, self.erp, needs, dict(self.took), self.reserved_at, self.hold, was_kept=kept
        )

    def write(self, now: dt.datetime) -> Put:
        """Stores it, if nobody else did, and counts the version up."""
        values: dict[str, Value] = {}
        condition = same("version", {"version": self.version} if self.version else {}, values)
        self.version += 1
        needs = {
            item: [str(claim.quantity), stamp(claim.reserved_at) if claim.reserved_at else ""]
            for item, claim in self.claims.items()
        }
        item: dict[str, Value] = {
            **dict(zip(("pk", "sk"), _order_key(self.ref), strict=True)),
            "erp": self.erp,
            "needs": to_json(needs),
            "took": to_json(self.took),
            "reserved_at": stamp(self.reserved_at) if self.reserved_at else "",
            "hold": self.hold,
            "version": self.version,
        }
        # What is still subtracted must not be forgotten, however long the order stays open.
        if all(claim.reserved_at for claim in self.claims.values()):
            item["expires_at"] = int((now + _KEPT).timestamp())
        return Put(item, condition, values)


@dataclass(slots=True)
class _Held:
    """A hold as it is stored; ``version`` is 0 where it is not."""

    store: str
    id: str
    erp: str
    needs: dict[str, Decimal]
    until: dt.datetime
    version: int = 0

    def write(self) -> Write:
        """Stores what is left of it, or removes it, if nobody else did either."""
        values: dict[str, Value] = {}
        condition = same("version", {"version": self.version} if self.version else {}, values)
        self.version += 1
        pk, sk = _hold_key(self.store, self.id)
        if not self.needs:
            return Delete(pk, sk, condition, values)
        item: Values = {
            "pk": pk,
            "sk": sk,
            "store": self.store,
            "hold": self.id,
            "erp": self.erp,
            "needs": to_json(self.needs),
            "until": stamp(self.until),
            "version": self.version,
        }
        return Put(item, condition, values)

    @property
    def entry(self) -> tuple[str, str]:
        """The key of what ``expire`` finds it by."""
        return f"X#{self.erp}", f"{stamp(self.until)}#{self.store}#{self.id}"

    def enter(self) -> Put:
        """Makes that entry."""
        pk, sk = self.entry
        return Put({"pk": pk, "sk": sk, "store": self.store, "hold": self.id})


@dataclass(frozen=True, slots=True)
class _ItemStep:
    """What is written for one item, its claim afterwards, and whether others must hear of it."""

    item: str
    claim: Claim | None
    writes: Sequence[Write]
    touches: bool

    def apply(self, order: _Order, hold: _Held | None) -> None:
        order.claims.pop(self.item, None)
        if self.claim:
            order.claims[self.item] = self.claim
        if hold:
            hold.needs.pop(self.item, None)


@dataclass(frozen=True, slots=True)
class _LevelStep:
    """What is written for one SKU's level, and what the order took of it then."""

    sku: str
    took: Decimal
    writes: Sequence[Write]

    def apply(self, order: _Order, _hold: _Held | None) -> None:
        order.took.pop(self.sku, None)
        if self.took:
            order.took[self.sku] = self.took


_Step = _ItemStep | _LevelStep


class DynamoClaims:
    """The part of ``DynamoLevels`` about claims."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def demand(self, order: Ref) -> Demand | None:
        """See ``Levels.demand``."""
        item = self._table.get(*_order_key(order))
        return _order(order, item).demand if item else None

    def set_demand(
        self, demand: Demand, *, now: dt.datetime, sold: Mapping[str, Sequence[str]] = NOTHING
    ) -> None:
        """See ``Levels.set_demand``."""
        demand = replace(demand, needs=positive(demand.needs), took=quantities(demand.took))
        for _ in range(ROUNDS):
            try:
                self._claim(demand, sold, now)
            except ConditionError:
                continue
            return
        raise too_fast(f"the demand of {demand.order}")

    def hold(self, hold: Hold, limits: Sequence[Limit], *, now: dt.datetime) -> bool:
        """See ``Levels.hold``. One whose own time is over passes the limits anew."""
        small_enough(hold, limits)
        if hold.expires_at <= now:
            return False
        needs = positive(hold.needs)
        for _ in range(ROUNDS):
            old = self._held(hold.store, hold.id)
            goes_on = (
                old is not None and old.until > now and (old.erp, old.needs) == (hold.erp, needs)
            )
            if old and goes_on and old.until >= hold.expires_at:
                return True
            new = _Held(hold.store, hold.id, hold.erp, needs, hold.expires_at)
            try:
                if old and old.erp != hold.erp:
                    self._give_up(old)
                    continue
                self._put(old, new, () if goes_on else _takes(old, new, limits))
            except ConditionError as error:
                if error.failed[0]:
                    continue  # the same request came twice at once
                return False
            return True
        raise too_fast(f"hold {hold.id} of {hold.store}")

    def release(self, store: str, hold: str) -> bool:
        """See ``Levels.release``."""
        for _ in range(ROUNDS):
            old = self._held(store, hold)
            if old is None:
                return False
            try:
                self._give_up(old)
            except ConditionError:
                continue  # somebody else gives it up, or prolongs it
            return True
        raise too_fast(f"hold {hold} of {store}")

    def expire(self, erp: str, *, now: dt.datetime, limit: int) -> int:
        """See ``Levels.expire``."""
        count = 0
        # "$" comes right after "#": what ends now is over.
        for entry in self._table.query(f"X#{erp}", before=f"{stamp(now)}$", limit=limit):
            old = self._held(entry["store"], entry["hold"])
            if old is None or old.until > now:
                continue  # given up or prolonged since the entry was read
            try:
                self._give_up(old)
            except ConditionError:
                continue
            count += 1
        return count

    # --- an order ----------------------------------------------------------------

    def _claim(self, demand: Demand, sold: Mapping[str, Sequence[str]], now: dt.datetime) -> None:
        keys = [_order_key(demand.order)]
        if demand.hold:
            keys.append(_hold_key(demand.order.system, demand.hold))
        stored = {item["sk"]: item for item in self._table.get_all(keys)}
        order = _order(demand.order, stored.get("demand", {}), demand.erp)
        hold = _stored_hold(stored["hold"]) if "hold" in stored else None
        if hold is None:
            if order.version and order.demand == demand:
                return
            if not order.version and claims_nothing(demand):
                return
        if hold and hold.erp != demand.erp:
            self._give_up(hold)
            hold = None
        if order.claims and order.erp != demand.erp:  # it is another back office's from now on
            nothing = Demand(demand.order, order.erp, {}, order.took)
            self._carry_out(nothing, NOTHING, order, None, now)
        self._carry_out(demand, sold, order, hold, now)

    def _carry_out(
        self,
        demand: Demand,
        sold: Mapping[str, Sequence[str]],
        order: _Order,
        hold: _Held | None,
        now: dt.datetime,
    ) -> None:
        """Writes the difference in parts, each with what is true after it. Changes both."""
        steps: list[_Step] = [*self._item_steps(demand, order, hold)]
        steps += _level_steps(demand, order)
        entry = hold.entry if hold else None
        parts = list(_parts(steps))
        for number, part in enumerate(parts, start=1):
            for step in part:
                step.apply(order, hold)
            if number == len(parts):
                order.erp, order.reserved_at = demand.erp, demand.reserved_at
                order.hold = demand.hold
            writes: list[Write] = [order.write(now)]
            if hold and entry:
                writes.append(hold.write())
                if not hold.needs:
                    writes.append(Delete(*entry))
                    hold = None
            moves = any(isinstance(one, _LevelStep) for one in part)
            touched = {erp: {*items} for erp, items in sold.items() if moves}
            claimed = {one.item for one in part if isinstance(one, _ItemStep) and one.touches}
            touched[demand.erp] = touched.get(demand.erp, set()) | claimed
            writes += [Touches.row(erp, items) for erp, items in touched.items() if items]
            writes += [write for step in part for write in step.writes]
            self._table.write_all(writes, patience=_PATIENCE)

    def _item_steps(self, demand: Demand, order: _Order, hold: _Held | None) -> Iterator[_ItemStep]:
        """One for each item of which something changes, by item."""
        needs, kept = demand.needs, hold.needs if hold else {}
        as_ofs = self._as_ofs(demand, order)
        moves = demand.took != order.took  # a level moves, which has to be computed as well
        for item in sorted({*order.claims, *needs, *kept}):
            old, as_of = order.claims.get(item), as_ofs.get(item)
            new = next_claim(old, needs.get(item, ZERO), demand.reserved_at, as_of)
            given_back = kept.get(item, ZERO)
            taken = _open(new, as_of) - _open(old, as_of) - given_back
            rows = _rows(demand, item, old, new, as_of)
            writes: list[Write] = []
            if taken or given_back or rows:
                write = _take(demand.erp, item, taken, demand.order.system, -given_back)
                writes = [_with_claims(write, item, as_ofs, rows), *rows]
            if writes or moves or old != new or given_back:
                touches = bool(taken or given_back or moves)
                yield _ItemStep(item, new, writes, touches)

    def _as_ofs(self, demand: Demand, order: _Order) -> dict[str, dt.datetime | None]:
        """When the last snapshot began, of those items for whose claim it matters."""
        items = {item for item, claim in order.claims.items() if claim.reserved_at}
        if demand.reserved_at:
            items |= demand.needs.keys()
        found = stored_items(self._table, demand.erp, sorted(items))
        return {item: maybe_moment(found.get(item, {}).get("as_of")) for item in items}

    # --- a hold --------------------------------------------------------------------

    def _held(self, store: str, hold: str) -> _Held | None:
        item = self._table.get(*_hold_key(store, hold))
        return _stored_hold(item) if item else None

    def _put(self, old: _Held | None, new: _Held, takes: Sequence[Update | ConditionCheck]) -> None:
        """Raises: ConditionError: ``old`` is no longer as it was read, or a limit fails."""
        new.version = old.version if old else 0
        writes = [new.write()]
        if old and old.entry != new.entry:
            writes.append(Delete(*old.entry))
        if new.needs:
            writes.append(new.enter())
        prefix = item_pk(new.erp, "")
        changed = [one.pk.removeprefix(prefix) for one in takes if isinstance(one, Update)]
        if changed:
            writes.append(Touches.row(new.erp, changed))
        self._table.write_all([*writes, *takes], patience=_PATIENCE)

    def _give_up(self, hold: _Held) -> None:
        """Raises: ConditionError: it is no longer as it was read."""
        entry, needs = hold.entry, hold.needs
        hold.needs = {}
        writes = [hold.write(), Delete(*entry), Touches.row(hold.erp, needs)]
        writes += [
            _take(hold.erp, item, -amount, hold.store, -amount)
            for item, amount in sorted(needs.items())
        ]
        self._table.write_all(writes, patience=_PATIENCE)


def _order_key(ref: Ref) -> tuple[str, str]:
    return f"O#{ref}", "demand"


def _hold_key(store: str, hold: str) -> tuple[str, str]:
    return f"H#{store}#{hold}", "hold"


def _amounts(text: str) -> dict[str, Decimal]:
    return {key: Decimal(amount) for key, amount in json.loads(text).items()}


def _order(ref: Ref, item: Item, erp: str = "") -> _Order:
    if not item:
        return _Order(ref, erp)
    return _Order(
        ref=ref,
        erp=item["erp"],
        claims={
            code: Claim(Decimal(amount), maybe_moment(reserved_at))
            for code, (amount, reserved_at) in json.loads(item["needs"]).items()
        },
        took=_amounts(item["took"]),
        reserved_at=maybe_moment(item["reserved_at"]),
        hold=item["hold"],
        version=item["version"],
    )


def _stored_hold(item: Item) -> _Held:
    return _Held(
        store=item["store"],
        id=item["hold"],
        erp=item["erp"],
        needs=_amounts(item["needs"]),
        until=moment(item["until"]),
        version=item["version"],
    )


def _open(claim: Claim | None, as_of: dt.datetime | None) -> Decimal:
    return claim.open(as_of) if claim else ZERO


def _take(erp: str, item: str, taken: Decimal, store: str, kept: Decimal) -> Update:
    """Takes so much more of an item, of it so much as a hold of the store."""
    adds = [("taken", "taken", taken), (held(store), "held", kept)]
    change = ", ".join(f"#{name} :{value}" for name, value, amount in adds if amount)
    values: Values = {"taken": taken, "held": kept}
    return Update(item_pk(erp, item), "item", f"ADD {change}" if change else "", "", values)


def _with_claims(
    write: Update, item: str, as_ofs: Mapping[str, dt.datetime | None], rows: Sequence[Write]
) -> Update:
    """``write`` with its rows counted, if it still holds that ``as_ofs`` are the last snapshots."""
    if item not in as_ofs:  # nothing of it is reserved: snapshots come and go
        return write
    as_of, values = as_ofs[item], dict(write.values)
    condition = same("as_of", {"as_of": stamp(as_of)} if as_of else {}, values)
    change = write.change
    if rows:
        values["one"] = 1
        change = f"{change}, #claims :one" if change else "ADD #claims :one"
    return replace(write, change=change, condition=condition, values=values)


def _rows(
    demand: Demand, item: str, old: Claim | None, new: Claim | None, as_of: dt.datetime | None
) -> list[Write]:
    """The writes by which an ``observe`` finds ``new`` instead of ``old``."""
    pk = item_pk(demand.erp, item)
    was, is_ = (_row_key(demand.order, claim, as_of) for claim in (old, new))
    writes: list[Write] = []
    if was and was != is_:
        writes.append(Delete(pk, was))
    if is_ and new and (was != is_ or (old and old.quantity != new.quantity)):
        writes.append(Put({"pk": pk, "sk": is_, "quantity": new.quantity}))
    return writes


def _row_key(order: Ref, claim: Claim | None, as_of: dt.datetime | None) -> str:
    if claim is None or claim.reserved_at is None or claim.is_closed(as_of):
        return ""
    return f"claim#{stamp(claim.reserved_at)}#{order}"


def _level_steps(demand: Demand, order: _Order) -> Iterator[_LevelStep]:
    """One for each SKU of which the order took another number, by SKU."""
    store = demand.order.system
    for sku in sorted({*order.took, *demand.took}):
        took = demand.took.get(sku, ZERO)
        if moved := took - order.took.get(sku, ZERO):
            change = "SET #sku = :sku ADD #moved :moved"
            values: Values = {"sku": sku, "moved": moved}
            yield _LevelStep(
                sku, took, [Update(f"L#{store}#stock#{sku}", "level", change, "", values)]
            )


def _parts(steps: Sequence[_Step]) -> Iterator[list[_Step]]:
    """Steps that fit into one transaction each; at least one part, be it empty."""
    part: list[_Step] = []
    size = 0
    for step in steps:
        if size + len(step.writes) > _ROOM:
            yield part
            part, size = [], 0
        part.append(step)
        size += len(step.writes)
    yield part


def _takes(old: _Held | None, new: _Held, limits: Sequence[Limit]) -> list[Update | ConditionCheck]:
    """Takes what ``new`` needs beyond ``old``, or less, if the limits still hold."""
    bounds: dict[str, list[Limit]] = {}
    for limit in limits:
        bounds.setdefault(limit.item, []).append(limit)
    was = old.needs if old else {}
    writes: list[Update | ConditionCheck] = []
    for item in sorted({*was, *new.needs, *bounds}):
        more = new.needs.get(item, ZERO) - was.get(item, ZERO)
        condition, values = _within(bounds.get(item, ()), more)
        if more:
            write = _take(new.erp, item, more, new.store, more)
            values = {**write.values, **values}
            writes.append(replace(write, condition=condition, values=values))
        elif condition:
            writes.append(ConditionCheck(item_pk(new.erp, item), "item", condition, values))
    return writes


def _within(limits: Sequence[Limit], more: Decimal) -> tuple[str, Values]:
    """The condition that all of ``limits`` hold with ``more`` taken."""
    parts, values = [], dict[str, Value]()
    for n, limit in enumerate(limits):
        most = limit.most - more
        values |= {f"most{n}": most, f"basis{n}": limit.basis}
        parts.append(f"(#taken <= :most{n}{_or_none('taken', most >= 0)})")
        parts.append(f"(#basis = :basis{n}{_or_none('basis', limit.basis == 0)})")
    return " AND ".join(parts), values


def _or_none(name: str, allowed: bool) -> str:
    """Of an item that was never written, every number is zero."""
    return f" OR attribute_not_exists(#{name})" if allowed else ""
