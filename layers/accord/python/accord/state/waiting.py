"""Parked changes in DynamoDB.

Three kinds of item, always written in one transaction:

- ``pk`` ``C#{connection}#{cause}``, ``sk`` ``{placed_at}#{ref}``: the change itself: ``change``
  (JSON), ``connection``, ``cause``, ``message``, ``placed_at``, ``parked_at``, ``rules``, and
  ``since`` if it has one. A query of the partition gives what waits for a cause, oldest order
  first.
- ``pk`` ``R#{ref}``, ``sk`` ``parked``: where its one change lies: ``connection``, ``cause``,
  ``at`` (that ``sk``), ``parked_at``.
- ``pk`` ``causes``, ``sk`` ``{connection}#{cause}``: ``connection``, ``cause`` and ``waiting``, how
  many wait for it (number).
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from accord.errors import TransientError
from accord.model.change import Change, Ref
from accord.ports.state import Cause, Parked, Waiting
from accord.state.dynamo import (
    ConditionError,
    Delete,
    Item,
    Put,
    Table,
    Update,
    Write,
    moment,
    stamp,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ROUNDS = 20  # each one lost means that someone else parked or removed the same ref
_UNCHANGED = (
    "#parked_at = :parked_at AND #at = :at AND #connection = :connection AND #cause = :cause"
)
_LARGEST = 300_000  # bytes of a change; an item holds 400 KB, its other attributes included


class DynamoWaiting(Waiting):
    """The table ``waiting``."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._table = Table(client, table)

    def park(self, parked: Parked) -> None:
        """See ``Waiting.park``. A document that is too large is left behind; it is a hint."""
        old: Item | None = None
        for _ in range(_ROUNDS):
            try:
                self._table.write_all(_park(parked, old))
            except ConditionError as error:
                old = error.old
            else:
                return
        raise TransientError(f"{parked.change.ref} is parked by others too fast to follow")

    def causes(self) -> Sequence[Cause]:
        """See ``Waiting.causes``. Forgets those for which nothing waits any more."""
        found = []
        for item in self._table.query("causes"):
            if item["waiting"] > 0:
                found.append(Cause(item["connection"], item["cause"]))
                continue
            try:
                self._table.write(Delete("causes", item["sk"], "#waiting = :none", {"none": 0}))
            except ConditionError:
                continue  # something waits for it again; the next reading shows it
        return found

    def of(self, cause: Cause) -> Iterator[Parked]:
        """See ``Waiting.of``. What is parked or removed meanwhile may or may not show."""
        for item in self._table.query(_partition(cause)):
            yield _parked(item)

    def count(self, cause: Cause) -> int:
        """See ``Waiting.count``."""
        item = self._table.get("causes", _name(cause))
        return int(item["waiting"]) if item else 0

    def get(self, ref: Ref) -> Parked | None:
        """See ``Waiting.get``."""
        for _ in range(_ROUNDS):
            place = self._table.get(f"R#{ref}", "parked")
            if place is None:
                return None
            cause = Cause(place["connection"], place["cause"])
            if item := self._table.get(_partition(cause), place["at"]):
                return _parked(item)
            # Moved between the two reads: look again.
        raise TransientError(f"{ref} is parked by others too fast to follow")

    def remove(self, parked: Parked) -> None:
        """See ``Waiting.remove``."""
        cause = Cause(parked.connection, parked.cause)
        values = {
            "parked_at": stamp(parked.parked_at),
            "at": _place(parked),
            "connection": parked.connection,
            "cause": parked.cause,
        }
        try:
            self._table.write_all(
                [
                    Delete(f"R#{parked.change.ref}", "parked", _UNCHANGED, values),
                    Delete(_partition(cause), _place(parked)),
                    _counted(cause, -1),
                ]
            )
        except ConditionError:
            return  # gone, or parked again


def _name(cause: Cause) -> str:
    return f"{cause.connection}#{cause.cause}"


def _partition(cause: Cause) -> str:
    return f"C#{_name(cause)}"


def _place(parked: Parked) -> str:
    return f"{stamp(parked.placed_at)}#{parked.change.ref}"


def _counted(cause: Cause, by: int) -> Update:
    return Update(
        "causes",
        _name(cause),
        "SET #connection = :connection, #cause = :cause ADD #waiting :by",
        values={"connection": cause.connection, "cause": cause.cause, "by": by},
    )


def _park(parked: Parked, old: Item | None) -> list[Write]:
    """What parks it if ``old`` says where its ref's change lies now."""
    cause = Cause(parked.connection, parked.cause)
    place = _place(parked)
    change = parked.change.to_json()
    if len(change.encode()) > _LARGEST:
        change = parked.change.without_document().to_json()
    common = {
        "connection": parked.connection,
        "cause": parked.cause,
        "parked_at": stamp(parked.parked_at),
    }
    pointer = {"pk": f"R#{parked.change.ref}", "sk": "parked", "at": place, **common}
    item = {
        "pk": _partition(cause),
        "sk": place,
        "change": change,
        "message": parked.message,
        "placed_at": stamp(parked.placed_at),
        "rules": parked.rules,
        **({"since": stamp(parked.since)} if parked.since is not None else {}),
        **common,
    }
    if old is None:
        first = Put(pointer, "attribute_not_exists(pk)")
        return [first, Put(item), _counted(cause, 1)]
    was = Cause(old["connection"], old["cause"])
    writes: list[Write] = [Put(pointer, _UNCHANGED, old), Put(item)]
    if (was, old["at"]) != (cause, place):
        writes.append(Delete(_partition(was), old["at"]))
    if was != cause:
        writes += [_counted(was, -1), _counted(cause, 1)]
    return writes


def _parked(item: Item) -> Parked:
    return Parked(
        change=Change.from_json(item["change"]),
        connection=item["connection"],
        cause=item["cause"],
        message=item["message"],
        placed_at=moment(item["placed_at"]),
        parked_at=moment(item["parked_at"]),
        rules=item.get("rules", ""),
        since=moment(item["since"]) if "since" in item else None,
    )
