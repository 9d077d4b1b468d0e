"""The journal in DynamoDB.

One item per entry: ``pk`` the ref, ``sk`` ``{at}#{n}#{call}``, ``at``, ``mark``, ``text``,
``correlation_id``, ``details`` (JSON), ``expires_at``. ``n`` counts the entries of this process
and ``call`` is a random text, so that entries of one microsecond keep their order and none
replaces another.
"""

import datetime as dt
import itertools
import json
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

from accord.model.change import Ref
from accord.ports.state import Entry, Journal
from accord.state.dynamo import Item, Table, moment, stamp, to_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A year and a month: the story of last year's order is there when its books are closed.
_KEPT = dt.timedelta(days=400)


class DynamoJournal(Journal):
    """The table ``journal``."""

    def __init__(self, client: "DynamoDBClient", table: str, *, kept: dt.timedelta = _KEPT) -> None:
        self._table = Table(client, table)
        self._kept = kept
        self._counter = itertools.count()

    def append(self, entries: Sequence[Entry]) -> None:
        """See ``Journal.append``. Raises: RateLimitedError, UnavailableError: maybe half done."""
        call = secrets.token_hex(4)
        latest: dict[Ref, dt.datetime] = {}
        items: list[dict[str, str | int]] = []
        for entry in entries:
            # An earlier time after a later one (two clocks) does not change the order given.
            place = latest[entry.ref] = max(latest.get(entry.ref, entry.at), entry.at)
            items.append(
                {
                    "pk": str(entry.ref),
                    "sk": f"{stamp(place)}#{next(self._counter):010}#{call}",
                    "at": stamp(entry.at),
                    "mark": entry.mark,
                    "text": entry.text,
                    "correlation_id": entry.correlation_id,
                    "details": to_json(entry.details),
                    "expires_at": int((entry.at + self._kept).timestamp()),
                }
            )
        self._table.put_all(items)

    def of(self, ref: Ref) -> Sequence[Entry]:
        """See ``Journal.of``."""
        return [_entry(ref, item) for item in self._table.query(str(ref))]


def _entry(ref: Ref, item: Item) -> Entry:
    return Entry(
        ref=ref,
        at=moment(item["at"]),
        mark=item["mark"],
        text=item["text"],
        correlation_id=item["correlation_id"],
        details=json.loads(item["details"]),
    )
