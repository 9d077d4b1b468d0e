"""What stores should show, and what they were last told, in DynamoDB. See ``levels``."""

import base64
import datetime as dt
import json
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from accord.errors import TransientError
from accord.ports.levels import Level, LevelKind, Place, Sent, Wanted, Window
from accord.state.dynamo import (
    ConditionError,
    Delete,
    Item,
    Put,
    Table,
    Update,
    Value,
    Write,
    clean,
    maybe_moment,
    stamp,
    to_json,
)
from accord.state.levels_items import ACTIONS, ROUNDS, same, too_fast
from accord.state.showing import KINDS, Row, answered, by_sku, placed, sent_again, wanting

_BYTES = 3_000_000  # of one transaction, which may have 4 MB with its names and keys
_SHORT = 2000
_COMPRESSED = "z:"  # no JSON begins so

Key = tuple[LevelKind, str]  # a kind and a SKU
Step = Callable[[Key, Row], Row]


class DynamoShown:
    """The part of ``DynamoLevels`` about stores."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def levels(self, store: str, kind: LevelKind, skus: Sequence[str]) -> Mapping[str, Level]:
        """See ``Levels.levels``."""
        found = self._stored(store, [(kind, sku) for sku in skus])
        return {sku: _row(found[kind, sku]).level for sku in skus if (kind, sku) in found}

    def want(self, store: str, kind: LevelKind, wanted: Sequence[Wanted]) -> int:
        """See ``Levels.want``. A value that the store shows by itself is kept, though not sent."""
        values, to_send = by_sku(wanted), set[str]()

        def step(key: Key, row: Row) -> Row:
            to_send.discard(key[1])
            for value in values[key[1]]:
                row, sends = wanting(row, value, kind)
                if sends:
                    to_send.add(key[1])
            return row

        self._change(store, [(kind, sku) for sku in values], step)
        return len(to_send)

    def dirty(self, store: str, kind: LevelKind, *, limit: int, after: str = "") -> Sequence[Level]:
        """See ``Levels.dirty``."""
        found: list[Level] = []
        while len(found) < limit:
            want = limit - len(found)
            marks = list(self._table.query(f"D#{store}#{kind}", after=after, limit=want))
            stored = self._stored(store, [(kind, mark["sku"]) for mark in marks])
            # One may have been sent, or have moved, since its mark was read.
            found += [
                _row(stored[kind, mark["sku"]]).level
                for mark in marks
                if stored.get((kind, mark["sku"]), {}).get("dirty") == mark["sk"]
            ]
            if len(marks) < want:
                break
            after = marks[-1]["sk"]
        return found

    def count_dirty(self, store: str, kind: LevelKind) -> int:
        """See ``Levels.count_dirty``."""
        return self._table.count(f"D#{store}#{kind}")

    def sent(self, store: str, kind: LevelKind, results: Sequence[Sent]) -> None:
        """See ``Levels.sent``."""
        answers: dict[str, list[Sent]] = {}
        for one in sorted(results, key=lambda one: one.at):
            answers.setdefault(one.sku, []).append(one)
        learnt: dict[str, Place | None] = {}

        def step(key: Key, row: Row) -> Row:
            old = row.level.place
            for answer in answers[key[1]]:
                row = answered(row, answer, kind)
            if row.level.place != old:
                learnt[key[1]] = row.level.place
            return row

        # An order that is counted before this is kept does not find its window there. So what it
        # moved must be seen here.
        read = ("rev", "moved") if kind == "stock" else ("rev",)
        self._change(store, [(kind, sku) for sku in answers], step, read=read)
        if learnt:
            self.put_places(store, learnt)

    def resend(self, store: str, kind: LevelKind, skus: Sequence[str]) -> None:
        """See ``Levels.resend``."""
        self._change(store, [(kind, sku) for sku in skus], lambda _, row: sent_again(row))

    def overtake(self, store: str, pieces: Mapping[str, Decimal]) -> None:
        """See ``Levels.overtake``."""
        keys: list[Key] = [("stock", sku) for sku in pieces]
        self._change(store, keys, lambda key, row: sent_again(row, pieces[key[1]]))

    def put_places(self, store: str, places: Mapping[str, Place | None]) -> None:
        """See ``Levels.put_places``."""
        keys = [(kind, sku) for sku in places for kind in KINDS]
        self._change(store, keys, lambda key, row: placed(row, places[key[1]]))

    # --- rows --------------------------------------------------------------------

    def _stored(self, store: str, keys: Iterable[Key]) -> dict[Key, Item]:
        pks = {clean(f"L#{store}#{kind}#{sku}"): (kind, sku) for kind, sku in keys}
        return {
            pks[item["pk"]]: item for item in self._table.get_all([(pk, "level") for pk in pks])
        }

    def _change(
        self, store: str, keys: Sequence[Key], step: Step, *, read: Sequence[str] = ("rev",)
    ) -> None:
        """Makes ``step`` of each level, again where somebody else wrote in the meantime.

        ``read``: attributes that must still be as they were read. What orders move leaves ``rev``.
        """
        left = sorted(set(keys))
        for attempt in range(ROUNDS):
            if attempt:
                time.sleep(0.01 * attempt)
            stored = self._stored(store, left)
            changes = []
            for key in left:
                item = stored.get(key, {})
                old = _row(item or {"sku": key[1]})
                new = step(key, old)
                changes.append((key, _writes(store, key[0], item, old, new, read=read)))
            left = []
            for part in _parts([change for change in changes if change[1]], attempt):
                if not self._commit([write for _, writes in part for write in writes]):
                    left += [key for key, _ in part]
            if not left:
                return
        raise too_fast(f"{left[0][1]} of {store}")

    def _commit(self, writes: Sequence[Write]) -> bool:
        try:
            self._table.write_all(writes)
        except ConditionError:
            return False
        except TransientError as error:
            if error.reason != "conflict":
                raise
            return False
        return True


def _row(item: Item) -> Row:
    place = Place(item["product"], item.get("parent", "")) if "product" in item else None
    level = Level(
        sku=item["sku"],
        place=place,
        wanted=_unpacked(item["wanted"]) if "wanted" in item else None,
        as_of=maybe_moment(item.get("as_of")),
        sent=_unpacked(item["sent"]) if "sent" in item else None,
        sent_at=maybe_moment(item.get("sent_at")),
        moved=Decimal(item.get("moved", 0)),
        moved_at_sent=Decimal(item.get("moved_at_sent", 0)),
        overtaken=Decimal(item.get("overtaken", 0)),
        windows=_windows(item["windows"]) if "windows" in item else (),
        version=item.get("version", 0),
        refused=item.get("refused", ""),
    )
    return Row(level, "dirty" in item)


def _packed(value: Mapping[str, Any]) -> str:
    """JSON, compressed where it is long: an item holds 400 KB, and a description is kept twice."""
    text = to_json(value)
    if len(text) <= _SHORT:
        return text
    return _COMPRESSED + base64.b64encode(zlib.compress(text.encode())).decode()


def _unpacked(text: str) -> dict[str, Any]:
    if text.startswith(_COMPRESSED):
        text = zlib.decompress(base64.b64decode(text.removeprefix(_COMPRESSED))).decode()
    return dict(json.loads(text))


def _seconds(windows: Sequence[Window]) -> str:
    """JSON: [since, until] of each, as whole seconds since 1970; since null where there is none."""
    found = [(each.since and int(each.since.timestamp()), each.until) for each in windows]
    return to_json([[since, int(until.timestamp())] for since, until in found])


def _windows(text: str) -> tuple[Window, ...]:
    return tuple(
        Window(None if since is None else _moment(since), _moment(until))
        for since, until in json.loads(text)
    )


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _attributes(row: Row) -> dict[str, Value | None]:
    """What is stored of it, but ``moved``, which is only ever added to."""
    level = row.level
    return {
        "sku": level.sku,
        "product": level.place.product if level.place else None,
        "parent": level.place.parent if level.place else None,
        "wanted": None if level.wanted is None else _packed(level.wanted),
        "as_of": stamp(level.as_of) if level.as_of else None,
        "sent": None if level.sent is None else _packed(level.sent),
        "sent_at": stamp(level.sent_at) if level.sent_at else None,
        "moved_at_sent": level.moved_at_sent or None,
        "overtaken": level.overtaken or None,
        "windows": _seconds(level.windows) if level.windows else None,
        "version": level.version or None,
        "refused": level.refused or None,
        "dirty": row.position if row.dirty else None,
    }


def _writes(
    store: str, kind: LevelKind, item: Item, old: Row, new: Row, *, read: Sequence[str]
) -> list[Write]:
    """The writes that make ``new`` of ``old``, stored as ``item``; none where they are equal.

    They take only while all of ``read`` are as they are in ``item``.
    """
    if old == new:
        return []
    values: dict[str, Value] = {"rev": item.get("rev", 0) + 1}
    sets, removes = ["#rev = :rev"], []
    for name, value in _attributes(new).items():
        if value is None and name in item:
            removes.append(f"#{name}")
        elif value is not None and value != item.get(name):
            sets.append(f"#{name} = :{name}")
            values[name] = value
    change = "SET " + ", ".join(sets) + (" REMOVE " + ", ".join(removes) if removes else "")
    condition = " AND ".join(same(name, item, values) for name in read)
    pk = f"L#{store}#{kind}#{new.level.sku}"
    writes: list[Write] = [Update(pk, "level", change, condition, values)]
    marks, was, is_ = f"D#{store}#{kind}", item.get("dirty"), new.position if new.dirty else None
    if was != is_:
        if was is not None:
            writes.append(Delete(marks, was))
        if is_ is not None:
            writes.append(Put({"pk": marks, "sk": is_, "sku": new.level.sku}))
    return writes


def _parts(
    changes: Sequence[tuple[Key, list[Write]]], attempt: int
) -> Iterator[list[tuple[Key, list[Write]]]]:
    """Changes that fit into one transaction each; fewer after each failure, so that it spreads."""
    most = max(ACTIONS >> (2 * attempt), 3)
    rest = iter(changes)
    part: list[tuple[Key, list[Write]]] = []
    actions = size = 0
    for change in rest:
        grown = sum(_size(write) for write in change[1])
        if part and (actions + len(change[1]) > most or size + grown > _BYTES):
            yield part
            part, actions, size = [], 0, 0
        part.append(change)
        actions, size = actions + len(change[1]), size + grown
    if part:
        yield part


def _size(write: Write) -> int:
    texts = (value for value in write.values.values() if isinstance(value, str))
    return sum(len(clean(text).encode()) for text in texts)
