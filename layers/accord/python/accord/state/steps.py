"""Steps in DynamoDB.

One item per outgoing write: ``pk`` its key (``uk-30:create:1``), ``sk`` ``step``, ``at``,
``intent`` and ``result`` (JSON), ``looked_at``. Never forgotten: they are what makes a repeat of
last year's message harmless.
"""

import datetime as dt
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from accord.ports.state import Step, Steps
from accord.state.dynamo import (
    ConditionError,
    Delete,
    Item,
    Put,
    Table,
    Update,
    maybe_moment,
    stamp,
    to_json,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoSteps(Steps):
    """The table ``steps``."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._table = Table(client, table)

    def begin(self, key: str, *, now: dt.datetime, intent: Mapping[str, Any]) -> Step:
        """See ``Steps.begin``."""
        item = {"pk": key, "sk": "step", "at": stamp(now), "intent": to_json(intent)}
        try:
            self._table.write(Put(item, "attribute_not_exists(pk)"))
        except ConditionError as error:
            return _step(key, error.old or {}, now)
        return Step(key=key, at=now, fresh=True, intent=intent)

    def finish(self, key: str, result: Mapping[str, Any]) -> None:
        """See ``Steps.finish``. Without an intent the result is stored all the same."""
        values = {"result": to_json(result)}
        write = Update(
            key, "step", "SET #result = :result", "attribute_not_exists(#result)", values
        )
        self._unless_refused(write)

    def looked(self, key: str, *, now: dt.datetime) -> None:
        """See ``Steps.looked``. Nothing to remember where there is no intent."""
        values = {"now": stamp(now)}
        write = Update(key, "step", "SET #looked_at = :now", "attribute_exists(pk)", values)
        self._unless_refused(write)

    def withdraw(self, key: str) -> None:
        """See ``Steps.withdraw``."""
        self._unless_refused(Delete(key, "step", "attribute_not_exists(#result)"))

    def _unless_refused(self, write: Update | Delete) -> None:
        try:
            self._table.write(write)
        except ConditionError:
            return  # it was so already, and stays


def _step(key: str, item: Item, now: dt.datetime) -> Step:
    return Step(
        key=key,
        at=maybe_moment(item.get("at")) or now,
        fresh=False,
        result=json.loads(item["result"]) if "result" in item else None,
        looked_at=maybe_moment(item.get("looked_at")),
        intent=json.loads(item.get("intent", "{}")),
    )
