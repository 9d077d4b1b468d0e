"""Links in DynamoDB.

Two items per link, written in one transaction where both change:

- ``pk`` ``S#{system}#{kind}#{id}`` of the store's ref or natural key, ``sk`` ``link``: ``key``,
  ``version`` (number), ``erp`` (text of a Ref), ``number``, ``generation`` (number), ``seen`` and
  ``dirty`` (``{moment}|{digest}``), ``facts`` (map of text), ``owner`` and ``leased_until`` while
  leased, ``mends`` (JSON, where there are any). ``version`` grows with every write of a holder; a
  dirty mark leaves it.
- ``pk`` ``E#{system}#{kind}#{id}`` of the back office's ref, ``sk`` ``pointer``: ``ref``.

A mark is conditional on the lease of the holder who kept us out, and a release on the mark it
knows of. So one of the two always sees the other: a mark is never lost, nor set on a free link.
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from accord.errors import BusyError, StaleVersionError
from accord.model.change import Ref
from accord.ports.state import Link, Links, Mend, Seen
from accord.state.dynamo import (
    Alone,
    ConditionError,
    Delete,
    Item,
    Put,
    Table,
    Update,
    maybe_moment,
    moment,
    stamp,
    to_json,
)
from accord.state.marks import has_pointer, is_covered, merged

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_TAKE = (
    "SET #owner = :owner, #leased_until = :until, #key = if_not_exists(#key, :key), "
    "#generation = if_not_exists(#generation, :one), "
    "#version = if_not_exists(#version, :zero) + :one"
)
_FREE = "attribute_not_exists(#owner) OR #owner = :owner OR #leased_until <= :now"
_ROUNDS = 50  # each one lost means that someone else got on


class DynamoLinks(Links):
    """The table ``links``."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._table = Table(client, table)
        # Where the pointer of each link that is held leads, so that a save knows without reading
        # whether it moves. Only a hint: the write's condition has the last word.
        self._pointers: dict[Ref, Ref | None] = {}

    def get(self, ref: Ref) -> Link | None:
        """See ``Links.get``."""
        item = self._table.get(_state(ref), "link")
        return _link(ref, item) if item else None

    def get_all(self, refs: Sequence[Ref]) -> Mapping[Ref, Link]:
        """See ``Links.get_all``."""
        by_pk = {_state(ref): ref for ref in refs}
        items = self._table.get_all([(pk, "link") for pk in by_pk])
        return {by_pk[item["pk"]]: _link(by_pk[item["pk"]], item) for item in items}

    def find(self, erp: Ref) -> Ref | None:
        """See ``Links.find``."""
        item = self._table.get(_pointer(erp), "pointer")
        return Ref.parse(item["ref"]) if item else None

    def acquire(
        self, ref: Ref, *, key: str, owner: str, now: dt.datetime, until: dt.datetime, seen: Seen
    ) -> Link | None:
        """See ``Links.acquire``.

        A mark that a former holder left behind stays, unless it is ``seen`` itself: it shows in
        ``dirty``, and ``release`` asks for the round that the former holder owed.
        """
        values: dict[str, str | int] = {
            "owner": owner,
            "until": stamp(until),
            "now": stamp(now),
            "key": key,
            "one": 1,
            "zero": 0,
        }
        take = Update(_state(ref), "link", _TAKE, _FREE, values)
        for _ in range(_ROUNDS):
            try:
                link = _link(ref, self._table.write(take), handled=(seen,))
            except ConditionError as error:
                if error.old and self._mark(ref, error.old, seen):
                    return None
            else:
                self._pointers[ref] = link.erp
                return link
        raise BusyError(f"{ref}: its lease changes hands too fast to follow")

    def save(self, link: Link) -> Link:
        """See ``Links.save``. Raises also StaleVersionError: ``link`` is not as last returned."""
        was = self._pointers.get(link.ref, link.erp)
        mine = True  # that the old pointer leads here
        for _ in range(_ROUNDS):
            writes = _save(link, was, mine)
            try:
                if len(writes) == 1:
                    self._table.write(writes[0])
                else:
                    self._table.write_all(writes)
            except ConditionError as error:
                if error.failed[0]:
                    was = _stored_pointer(link, error.old)
                else:
                    mine = False
            else:
                self._pointers[link.ref] = link.erp
                return replace(link, version=link.version + 1)
        raise BusyError(f"{link.ref}: its link changes too fast to follow")

    def release(self, link: Link, *, handled: Sequence[Seen]) -> Link | None:
        """See ``Links.release``."""
        known = {f"h{n}": _text(seen) for n, seen in enumerate(handled) if seen.digest}
        free = "attribute_not_exists(#dirty)"
        if known:
            free += f" OR #dirty IN ({', '.join(':' + name for name in known)})"
        try:
            self._table.write(
                Update(
                    _state(link.ref),
                    "link",
                    "SET #version = #version + :one REMOVE #owner, #leased_until, #dirty",
                    f"#owner = :owner AND ({free})",
                    {"owner": link.owner, "one": 1, **known},
                )
            )
        except ConditionError as error:
            if not error.old or error.old.get("owner") != link.owner:
                raise _lost(link) from error
            return self._go_round(link)
        self._pointers.pop(link.ref, None)
        return None

    def abandon(self, link: Link) -> None:
        """See ``Links.abandon``. The mark stays for the next holder."""
        self._pointers.pop(link.ref, None)
        try:
            self._table.write(
                Update(
                    _state(link.ref),
                    "link",
                    "SET #version = #version + :one REMOVE #owner, #leased_until",
                    "#owner = :owner",
                    {"owner": link.owner, "one": 1},
                )
            )
        except ConditionError:
            return  # another owner's by now: nothing is left to give up

    def _mark(self, ref: Ref, held: Item, seen: Seen) -> bool:
        """Whether the holder of ``held`` will find ``seen`` (False: it let go in the meantime)."""
        dirty = held.get("dirty")
        mark = _text(merged(_seen(dirty), seen))
        if mark == dirty:
            return True  # it was there while the link was held, which is all that a mark is
        unchanged = "#dirty = :dirty" if dirty else "attribute_not_exists(#dirty)"
        try:
            self._table.write(
                Update(
                    _state(ref),
                    "link",
                    "SET #dirty = :mark",
                    f"#owner = :owner AND #leased_until = :until AND {unchanged}",
                    {
                        "mark": mark,
                        "owner": held["owner"],
                        "until": held["leased_until"],
                        "dirty": dirty or "",
                    },
                )
            )
        except ConditionError:
            return False
        return True

    def _go_round(self, link: Link) -> Link:
        # Whatever is marked until now is covered: the holder reads again after this.
        try:
            item = self._table.write(
                Update(
                    _state(link.ref),
                    "link",
                    "SET #version = #version + :one REMOVE #dirty",
                    "#owner = :owner",
                    {"owner": link.owner, "one": 1},
                )
            )
        except ConditionError as error:
            raise _lost(link) from error
        return _link(link.ref, item)


def _state(ref: Ref) -> str:
    return f"S#{ref.system}#{ref.kind}#{ref.id}"


def _pointer(erp: Ref) -> str:
    return f"E#{erp.system}#{erp.kind}#{erp.id}"


def _text(seen: Seen) -> str:
    return f"{stamp(seen.modified_at) if seen.modified_at else ''}|{seen.digest}"


def _seen(text: str | None) -> Seen | None:
    if text is None:
        return None
    modified_at, _, digest = text.partition("|")
    return Seen(maybe_moment(modified_at), digest)


def _link(ref: Ref, item: Item, *, handled: Sequence[Seen] = ()) -> Link:
    dirty = _seen(item.get("dirty"))
    return Link(
        ref=ref,
        key=item["key"],
        version=item["version"],
        erp=Ref.parse(item["erp"]) if "erp" in item else None,
        number=item.get("number", ""),
        generation=item["generation"],
        seen=_seen(item.get("seen")),
        dirty=None if is_covered(dirty, handled) else dirty,
        facts=item.get("facts", {}),
        owner=item.get("owner", ""),
        leased_until=maybe_moment(item.get("leased_until")),
        mends=_mends(item.get("mends")),
    )


def _mends(text: str | None) -> tuple[Mend, ...]:
    found = json.loads(text) if text else []
    return tuple(
        Mend(
            path=each["path"],
            value=each["value"],
            by=each["by"],
            at=moment(each["at"]),
            why=each.get("why", ""),
            was=each.get("was", ""),
        )
        for each in found
    )


def _mends_text(mends: Sequence[Mend]) -> str | None:
    """None for none: a release that knows of no mends leaves the attribute as it is."""
    if not mends:
        return None
    return to_json([{**asdict(each), "at": stamp(each.at)} for each in mends])


def _save(link: Link, was: Ref | None, mine: bool) -> list[Alone]:
    """What stores ``link`` if its pointer led from ``was``; ``mine``: and led to it."""
    values: dict[str, Any] = {
        "owner": link.owner,
        "version": link.version,
        "next": link.version + 1,
        "number": link.number,
        "generation": link.generation,
        "facts": link.facts,
        "was": str(was),
    }
    change = "SET #version = :next, #number = :number, #generation = :generation, #facts = :facts"
    remove = []
    for name, value in (
        ("erp", str(link.erp) if link.erp else None),
        ("seen", _text(link.seen) if link.seen else None),
        ("mends", _mends_text(link.mends)),
    ):
        if value is None:
            remove.append(f"#{name}")
        else:
            change += f", #{name} = :{name}"
            values[name] = value
    if remove:
        change += " REMOVE " + ", ".join(remove)
    unmoved = "#erp = :was" if was else "attribute_not_exists(#erp)"
    condition = f"#owner = :owner AND #version = :version AND {unmoved}"
    writes: list[Alone] = [Update(_state(link.ref), "link", change, condition, values)]
    if was != link.erp and has_pointer(link.ref):
        if link.erp:
            writes.append(Put({"pk": _pointer(link.erp), "sk": "pointer", "ref": str(link.ref)}))
        if was and mine:
            ours = {"ref": str(link.ref)}
            writes.append(Delete(_pointer(was), "pointer", "#ref = :ref", ours))
    return writes


def _stored_pointer(link: Link, old: Item | None) -> Ref | None:
    """Where the stored pointer leads. Raises: BusyError, StaleVersionError: that was not why."""
    if not old or old.get("owner") != link.owner:
        raise _lost(link)
    if old["version"] != link.version:
        raise StaleVersionError(
            f"{link.ref}: the link is at version {old['version']}, not {link.version}; "
            "save what the last acquire, save or release returned"
        )
    return Ref.parse(old["erp"]) if "erp" in old else None


def _lost(link: Link) -> BusyError:
    return BusyError(f"{link.ref}: the lease of {link.owner!r} has gone to another worker")
