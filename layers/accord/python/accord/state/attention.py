"""The attention list in DynamoDB.

- ``pk`` ``A#{id}``, ``sk`` ``item``: the item: ``subject``, ``reason``, ``owner``, ``message``,
  ``opened_at``, ``updated_at``, ``count`` (number), ``payload``, ``correlation_id``; once closed
  ``closed_at``, ``closed_by``, ``closed_why``, ``dismissed`` and ``expires_at``, 90 days later.
  Also ``event``, ``aggregate``, ``content``, and ``acted`` where a person did something about it.
- ``pk`` ``open``, ``sk`` ``{opened_at}#{id}``: ``id`` and ``subject`` of one that is
  open; one that an older release opened has no ``subject``.
- ``pk`` ``of#{subject}``, ``sk`` ``{id}``: ``id`` of one that is open, by its subject.

Opening and closing write all three in one transaction; an update writes the item alone.
"""

import contextlib
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from accord.errors import Owner, TransientError
from accord.ports.state import Attention, Item
from accord.state import dynamo
from accord.state.dynamo import ConditionError, Delete, Put, Table, Update, maybe_moment, stamp
from accord.state.limits import opened

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_KEPT = dt.timedelta(days=90)  # after it was closed
_ROUNDS = 20  # each one lost means that someone else opened or closed it
_IS_OPEN = "attribute_exists(pk) AND attribute_not_exists(#closed_at)"
_NOT_OPEN = (
    "attribute_not_exists(pk) OR attribute_exists(#closed_at) "
    "AND (attribute_not_exists(#dismissed) OR #dismissed <> :trouble)"
)


class DynamoAttention(Attention):
    """The table ``attention``. ``heard`` is told of each item that opens, once it is open."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        *,
        heard: Callable[[Item], None] = lambda _: None,
    ) -> None:
        self._table = Table(client, table)
        self._heard = heard

    def put(self, item: Item) -> Item:
        """See ``Attention.put``. A message that is too long for 4 KB is cut."""
        item = opened(item)
        # A count above one says that it is open already, most likely: try that first.
        opening = item.count <= 1
        for _ in range(_ROUNDS):
            try:
                return self._open(item) if opening else self._update(item)
            except ConditionError as error:
                if opening and error.old and error.old.get("dismissed") == item.trouble:
                    return _item(error.old)
                opening = not opening
        raise TransientError(f"attention item {item.id} changes too fast to follow")

    def get(self, id_: str) -> Item | None:
        """See ``Attention.get``."""
        stored = self._table.get(f"A#{id_}", "item")
        return _item(stored) if stored else None

    def get_all(self, ids: Sequence[str]) -> Sequence[Item]:
        """See ``Attention.get_all``. A hundred a call."""
        keys = [(f"A#{id_}", "item") for id_ in dict.fromkeys(ids)]
        return [_item(stored) for stored in self._table.get_all(keys)]

    def open(
        self,
        *,
        owner: Owner | None = None,
        about: str | tuple[str, ...] = "",
        limit: int | None = None,
    ) -> Sequence[Item]:
        """See ``Attention.open``. Only items that ``about`` may mean are read."""
        found = self._read(
            entry["id"]
            for entry in self._table.query("open", limit=limit)
            if "subject" not in entry or entry["subject"].startswith(about)
        )
        return [
            item for item in found if owner in (None, item.owner) and item.subject.startswith(about)
        ]

    def count_open(self) -> int:
        """See ``Attention.count_open``. A megabyte a call, some thousands of them."""
        return self._table.count("open")

    def of(self, subject: str) -> Sequence[Item]:
        """See ``Attention.of``."""
        return self._read(entry["id"] for entry in self._table.query(f"of#{subject}"))

    def close(self, id_: str, *, now: dt.datetime, by: str) -> None:
        """See ``Attention.close``."""
        self._close(id_, now, by)

    def dismiss(self, id_: str, *, now: dt.datetime, by: str, why: str) -> bool:
        """See ``Attention.dismiss``."""
        return self._close(id_, now, by, why, dismissed=True)

    def act(self, id_: str, acted: str) -> None:
        """See ``Attention.act``."""
        there = "attribute_exists(pk)"
        values = {"acted": acted}
        with contextlib.suppress(ConditionError):  # there is no such item
            self._table.write(Update(f"A#{id_}", "item", "SET #acted = :acted", there, values))

    def redact(self, id_: str, message: str) -> None:
        """See ``Attention.redact``."""
        change = "SET #message = :message, #payload = :payload"
        values = {"message": message, "payload": ""}
        with contextlib.suppress(ConditionError):  # there is no such item
            self._table.write(Update(f"A#{id_}", "item", change, "attribute_exists(pk)", values))

    def _close(
        self, id_: str, now: dt.datetime, by: str, why: str = "", *, dismissed: bool = False
    ) -> bool:
        """Whether it was open until now."""
        for _ in range(_ROUNDS):
            item = self.get(id_)
            if item is None or item.closed_at:
                return False
            values: dict[str, str | int] = {
                "now": stamp(now),
                "by": by,
                "why": why,
                "trouble": item.trouble,
                "opened_at": stamp(item.opened_at),
                "expires_at": int((now + _KEPT).timestamp()),
            }
            change = "SET #closed_at = :now, #closed_by = :by, #expires_at = :expires_at"
            if dismissed:
                change += ", #closed_why = :why, #dismissed = :trouble"
            unchanged = f"{_IS_OPEN} AND #opened_at = :opened_at"
            try:
                self._table.write_all(
                    [
                        Update(f"A#{id_}", "item", change, unchanged, values),
                        Delete("open", _place(item)),
                        Delete(f"of#{item.subject}", id_),
                    ]
                )
            except ConditionError:
                continue
            return True
        raise TransientError(f"attention item {id_} changes too fast to follow")

    def _open(self, item: Item) -> Item:
        stored = {
            "pk": f"A#{item.id}",
            "sk": "item",
            "id": item.id,
            "opened_at": stamp(item.opened_at),
            "subject": item.subject,
            **_changing(item),
        }
        self._table.write_all(
            [
                Put(stored, _NOT_OPEN, {"trouble": item.trouble}),
                Put(
                    {
                        "pk": "open",
                        "sk": _place(item),
                        "id": item.id,
                        "subject": item.subject,
                    }
                ),
                Put({"pk": f"of#{item.subject}", "sk": item.id, "id": item.id}),
            ]
        )
        self._heard(item)
        return item

    def _update(self, item: Item) -> Item:
        values = _changing(item)
        change = "SET " + ", ".join(f"#{name} = :{name}" for name in values)
        return _item(self._table.write(Update(f"A#{item.id}", "item", change, _IS_OPEN, values)))

    def _read(self, ids: Iterable[str]) -> list[Item]:
        stored = self._table.get_all([(f"A#{id_}", "item") for id_ in ids])
        found = (_item(one) for one in stored)
        # One may have been closed since its entry was read.
        still = [item for item in found if item.closed_at is None]
        return sorted(still, key=lambda item: (item.opened_at, item.id))


def _place(item: Item) -> str:
    return f"{stamp(item.opened_at)}#{item.id}"


def _changing(item: Item) -> dict[str, Any]:
    """What an update of an open item replaces."""
    return {
        "reason": item.reason,
        "owner": item.owner,
        "message": item.message,
        "updated_at": stamp(item.updated_at),
        "count": item.count,
        "payload": item.payload,
        "correlation_id": item.correlation_id,
        "event": item.event,
        "aggregate": item.aggregate,
        "content": item.content,
    }


def _item(stored: dynamo.Item) -> Item:
    return Item(
        id=stored["id"],
        subject=stored["subject"],
        reason=stored["reason"],
        owner=stored["owner"],
        message=stored["message"],
        opened_at=dynamo.moment(stored["opened_at"]),
        updated_at=dynamo.moment(stored["updated_at"]),
        count=stored["count"],
        payload=stored["payload"],
        correlation_id=stored["correlation_id"],
        closed_at=maybe_moment(stored.get("closed_at")),
        closed_by=stored.get("closed_by", ""),
        event=stored.get("event", ""),
        aggregate=stored.get("aggregate", ""),
        content=stored.get("content", ""),
        closed_why=stored.get("closed_why", ""),
        dismissed=stored.get("dismissed", ""),
        acted=stored.get("acted", ""),
    )
