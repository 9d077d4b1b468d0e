"""What a back office has, in DynamoDB. The table is laid out in ``levels``."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accord.errors import TransientError
from accord.model.stock import Holding, Recipe, Snapshot
from accord.ports.levels import Observed
from accord.state.claims import ZERO, newest
from accord.state.dynamo import (
    ConditionError,
    Item,
    Table,
    Update,
    Value,
    Write,
    clean,
    maybe_moment,
    stamp,
    to_json,
)
from accord.state.touches import Touches

ROUNDS = 20  # each one lost means that someone else got on
ACTIONS = 100  # of one transaction
_HELD = "held_"


@dataclass(slots=True)
class _Seen:
    """What one snapshot does to one item. ``dead``: keys of claims that are closed by then."""

    item: str
    write: Update | None = None
    stale: bool = False
    changed: bool = False
    closed: Decimal = ZERO
    dead: list[tuple[str, str]] = field(default_factory=list)


class DynamoItems:
    """The part of ``DynamoLevels`` about a back office."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._touches = Touches(table)

    def holdings(self, erp: str, items: Sequence[str]) -> Mapping[str, Holding]:
        """See ``Levels.holdings``."""
        found = stored_items(self._table, erp, items)
        return {item: _holding(item, found[item]) for item in items if item in found}

    def observe(self, erp: str, snapshots: Sequence[Snapshot]) -> Observed:
        """See ``Levels.observe``. Items that change are touched, so that a crash forgets none."""
        of = newest(snapshots)
        changed, stale, closed = set[str](), set[str](), set[str]()
        left = list(of)
        for attempt in range(ROUNDS):
            stored = stored_items(self._table, erp, left)
            seen = [self._seen(erp, of[item], stored.get(item, {})) for item in left]
            stale |= {one.item for one in seen if one.stale}
            todo, left = [one for one in seen if one.write], []
            # Smaller transactions after each failure: an item that is in demand soon stands alone.
            size = max((ACTIONS - 1) >> (2 * attempt), 1)
            for start in range(0, len(todo), size):
                part = todo[start : start + size]
                if self._keep(erp, part):
                    changed |= {one.item for one in part if one.changed}
                    closed |= {one.item for one in part if one.closed}
                    self._table.delete_all([key for one in part for key in one.dead])
                else:
                    left += [one.item for one in part]
            if not left:
                return Observed(sorted(changed), sorted(stale), sorted(closed))
        raise too_fast(f"the quantity of {left[0]}")

    def recipes(self, erp: str) -> Mapping[str, Recipe]:
        """See ``Levels.recipes``."""
        rows = self._table.query(f"R#{erp}")
        return {row["sk"]: _recipe(row["sk"], json.loads(row["recipe"])) for row in rows}

    def put_recipes(self, erp: str, recipes: Sequence[Recipe]) -> Sequence[str]:
        """See ``Levels.put_recipes``. Those items are touched before, lest a crash forget them."""
        old, new = self.recipes(erp), {recipe.item: recipe for recipe in recipes}
        changed = sorted(item for item in old.keys() | new if old.get(item) != new.get(item))
        if not changed:
            return []
        row = Touches.row(erp, changed)
        self._table.write(row)
        self._touches.saw(erp, row, changed)
        self._table.put_all(
            [
                {"pk": f"R#{erp}", "sk": item, "recipe": _recipe_text(new[item])}
                for item in changed
                if item in new
            ]
        )
        self._table.delete_all([(f"R#{erp}", item) for item in changed if item not in new])
        return changed

    def touched(self, erp: str, *, limit: int) -> Sequence[str]:
        """See ``Levels.touched``."""
        return self._touches.read(erp, limit=limit)

    def untouch(self, erp: str, items: Sequence[str]) -> None:
        """See ``Levels.untouch``. What is touched after ``touched`` looked stays so."""
        self._touches.remove(erp, items)

    def _seen(self, erp: str, snapshot: Snapshot, old: Item) -> _Seen:
        seen, as_of = _Seen(snapshot.item), maybe_moment(old.get("as_of"))
        if as_of is not None and snapshot.as_of <= as_of:
            seen.stale = snapshot.as_of < as_of
            return seen
        pk, now = item_pk(erp, snapshot.item), stamp(snapshot.as_of)
        if old.get("taken"):
            rows = list(self._table.query(pk, before=f"claim#{now}"))
            seen.dead = [(pk, row["sk"]) for row in rows]
            live = f"claim#{old['as_of']}" if as_of else ""  # the last snapshot closed the others
            seen.closed = sum((row["quantity"] for row in rows if row["sk"] > live), ZERO)
        values: dict[str, Value] = {"as_of": now, "closed": -seen.closed}
        change = "SET #as_of = :as_of"
        if as_of is None or _free(old) != dict(snapshot.free):
            seen.changed = True
            change += ", #free = :free, #basis = :basis"
            values["free"] = to_json({key: str(amount) for key, amount in snapshot.free.items()})
            values["basis"] = old.get("basis", 0) + 1
        if seen.closed:
            change += " ADD #taken :closed"
        condition = " AND ".join(same(name, old, values) for name in ("as_of", "claims"))
        seen.write = Update(pk, "item", change, condition, values)
        return seen

    def _keep(self, erp: str, part: Sequence[_Seen]) -> bool:
        """Whether the transaction took; False where others wrote in the meantime."""
        writes: list[Write] = [one.write for one in part if one.write]
        touched = [one.item for one in part if one.changed or one.closed]
        row = Touches.row(erp, touched)
        try:
            self._table.write_all([*writes, row] if touched else writes)
        except ConditionError:
            return False
        except TransientError as error:
            if error.reason != "conflict":
                raise
            return False
        if touched:
            self._touches.saw(erp, row, touched)
        return True


def stored_items(table: Table, erp: str, items: Sequence[str]) -> dict[str, Item]:
    """Those of ``items`` that are stored, by code. One bulk read."""
    codes = {clean(item_pk(erp, item)): item for item in items}
    found = table.get_all([(pk, "item") for pk in codes])
    return {codes[one["pk"]]: one for one in found}


def item_pk(erp: str, item: str) -> str:
    """The partition of an item and the claims on it."""
    return f"I#{erp}#{item}"


def held(store: str) -> str:
    """The attribute with what is held of an item for a store."""
    return f"{_HELD}{store}"


def same(name: str, old: Mapping[str, Any], values: dict[str, Value]) -> str:
    """The condition that an attribute is still what it is in ``old``; adds to ``values``."""
    if name not in old:
        return f"attribute_not_exists(#{name})"
    values[f"was_{name}"] = old[name]
    return f"#{name} = :was_{name}"


def too_fast(what: str) -> TransientError:
    """The error for what others change all the time."""
    return TransientError(f"{what} changes too fast to follow", reason="conflict")


def _free(item: Item) -> dict[str, Decimal]:
    return {key: Decimal(text) for key, text in json.loads(item.get("free", "{}")).items()}


def _holding(code: str, item: Item) -> Holding:
    kept = {
        name.removeprefix(_HELD): Decimal(amount)
        for name, amount in item.items()
        if name.startswith(_HELD) and amount
    }
    return Holding(
        item=code,
        free=_free(item),
        as_of=maybe_moment(item.get("as_of")),
        taken=Decimal(item.get("taken", 0)),
        held=kept,
        basis=item.get("basis", 0),
    )


def _recipe_text(recipe: Recipe) -> str:
    inputs = [[item, str(amount)] for item, amount in recipe.inputs]
    return to_json({"inputs": inputs, "output": str(recipe.output), "kind": recipe.kind})


def _recipe(item: str, data: Mapping[str, Any]) -> Recipe:
    return Recipe(
        item=item,
        inputs=tuple((code, Decimal(amount)) for code, amount in data["inputs"]),
        output=Decimal(data["output"]),
        kind=data["kind"],
    )
