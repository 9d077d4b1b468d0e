"""One DynamoDB table, spoken to in plain items; whatever fails there, as one of ours.

An item is a flat dict of text, exact numbers (int or Decimal) and maps of text. Every table has
``pk`` and ``sk`` (text) and forgets what is past ``expires_at`` (epoch seconds). Moments are text
of fixed width, so that they compare as text, in a condition and in a sort key.

Source: Amazon DynamoDB API Reference, 2012-08-10; "Error handling with DynamoDB".
"""

import datetime as dt
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
)

from accord.errors import (
    AccordError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnavailableError,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

P = ParamSpec("P")
R = TypeVar("R")
Item = dict[str, Any]  # values: str, int, Decimal or dict[str, str]
Value = str | int | Decimal | Mapping[str, str]
Values = Mapping[str, Value]

_THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_CONFLICT = frozenset(
    {
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ReplicatedWriteConflictException",
    }
)
_REFUSED = frozenset(  # for what was sent, so that sending it again cannot help
    {
        "EntityTooLarge",
        "ItemCollectionSizeLimitExceeded",
        "ItemCollectionSizeLimitExceededException",
        "ValidationError",
        "ValidationException",
    }
)
AWS_REFUSED = "aws_refused"  # the reason: a permission or a table is missing
_TRIES = 6  # of a write that met another one on the same item; they pass within milliseconds


def config() -> Config:
    """How every boto3 client of ours waits and retries: at most about 20 s for one call."""
    return Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        # One worker is one thread; a few more for what runs beside it.
        max_pool_connections=10,
    )


class ConditionError(Exception):
    """A write's condition did not hold: expected, and answered by whoever set the condition.

    ``failed`` and ``olds`` have one entry per write: whether it was this one, and its item as it
    stands, None where there is none.
    """

    def __init__(self, failed: Sequence[bool], olds: Sequence[Item | None]) -> None:
        super().__init__("the condition did not hold")
        self.failed = failed
        self.olds = olds

    @property
    def old(self) -> Item | None:
        """The first write's item as it stands."""
        return self.olds[0]


def ask(operation: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """The answer of one AWS operation.

    Raises: ConditionError; else only ``accord.errors``: UnavailableError, RateLimitedError,
    RejectedError, or TransientError for a conflict that lasts and for what a deployment mends.
    """
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_wait(attempt))
        try:
            return operation(*args, **kwargs)
        except ClientError as error:
            if not _passes(error) or attempt == _TRIES - 1:
                raise _translated(error) from error
            if failed := _condition_error(error):
                raise failed from error
        except ParamValidationError as error:
            raise RejectedError(f"AWS client: {error}") from error
        except BotoCoreError as error:
            unsent = (EndpointConnectionError, ConnectTimeoutError, NoCredentialsError)
            raise UnavailableError(f"AWS: {error}", sent=not isinstance(error, unsent)) from error
    raise AssertionError("unreachable")  # pragma: no cover


def _wait(attempt: int) -> float:
    """Seconds before this further attempt; those who met part company."""
    longest: float = min(0.01 * 2**attempt, 0.4)
    return random.uniform(0.5, 1.5) * longest  # noqa: S311 - no secret


def _passes(error: ClientError) -> bool:
    """Whether the same call may go through in a moment, and botocore has not tried again."""
    if _codes(error) & _CONFLICT:
        return True
    return bool(_reasons(error)) and bool(_codes(error) & _THROTTLED)


def _codes(error: ClientError) -> set[str]:
    """The error's code, and those of a cancelled transaction's writes."""
    return {
        str(error.response.get("Error", {}).get("Code", "")),
        *(reason.get("Code", "") for reason in _reasons(error)),
    }


def _reasons(error: ClientError) -> list[dict[str, Any]]:
    return cast("dict[str, Any]", error.response).get("CancellationReasons") or []


def _condition_error(error: ClientError) -> ConditionError | None:
    code = error.response.get("Error", {}).get("Code")
    if code == "ConditionalCheckFailedException":
        item = cast("dict[str, Any]", error.response).get("Item")
        return ConditionError((True,), (decoded(item) if item else None,))
    reasons = _reasons(error)
    failed = [reason.get("Code") == "ConditionalCheckFailed" for reason in reasons]
    if not any(failed):
        return None
    return ConditionError(
        failed, [decoded(reason["Item"]) if reason.get("Item") else None for reason in reasons]
    )


def _translated(error: ClientError) -> ConditionError | AccordError:
    if failed := _condition_error(error):
        return failed
    codes = _codes(error)
    response = cast("dict[str, Any]", error.response)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    told = f"{error.operation_name}: {error}"
    if codes & _THROTTLED:
        return RateLimitedError(told)
    if codes & _CONFLICT:
        return TransientError(told, reason="conflict")
    if codes & _REFUSED:
        return RejectedError(told, body=response)
    if status >= 500:
        return UnavailableError(told)
    # No permission, no such table, an expired token: the work is good and a deployment mends it,
    # so it comes again and, if nobody does, is kept as a dead letter.
    return TransientError(told, reason=AWS_REFUSED)


# --- items -------------------------------------------------------------------


def encoded(item: Values) -> dict[str, Any]:
    """``item`` as DynamoDB's attribute values."""
    return {name: _encoded(value) for name, value in item.items()}


def _encoded(value: Value) -> dict[str, Any]:
    if isinstance(value, str):
        return {"S": clean(value)}
    if isinstance(value, int | Decimal):
        return {"N": format(value, "f") if isinstance(value, Decimal) else str(value)}
    return {"M": {clean(key): {"S": clean(text)} for key, text in value.items()}}


def clean(text: str) -> str:
    """``text`` as it is stored."""
    # JSON may hold half of a surrogate pair (a name cut off in an emoji), which is no UTF-8.
    return text if text.isascii() else text.encode(errors="replace").decode()


def decoded(item: Mapping[str, Any]) -> Item:
    """The plain item of DynamoDB's attribute values."""
    return {name: _decoded(value) for name, value in item.items()}


def _decoded(value: Mapping[str, Any]) -> str | int | Decimal | dict[str, str]:
    if "S" in value:
        return cast("str", value["S"])
    if "N" in value:
        number = Decimal(value["N"])
        return int(number) if number == int(number) else number
    return {key: inner["S"] for key, inner in value["M"].items()}


def stamp(moment: dt.datetime) -> str:
    """``2026-11-22T16:43:47.000000Z``: UTC, of fixed width."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def moment(text: str) -> dt.datetime:
    """The moment that ``stamp`` wrote."""
    return dt.datetime.fromisoformat(text)


def maybe_moment(text: str | None) -> dt.datetime | None:
    """The moment that ``stamp`` wrote, None for no text."""
    return dt.datetime.fromisoformat(text) if text else None


def to_json(value: object) -> str:
    """Compact JSON. What JSON does not know (a Decimal, a date) becomes its text."""
    return json.dumps(value, separators=(",", ":"), default=str)


# --- writes ------------------------------------------------------------------

# In expressions ``#name`` is the attribute ``name`` (many of ours are reserved words) and
# ``:name`` the entry ``name`` of ``values``.


@dataclass(frozen=True, slots=True)
class Put:
    """Stores ``item`` whole."""

    item: Values
    condition: str = ""
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update:
    """Changes an item, or makes it."""

    pk: str
    sk: str
    change: str
    condition: str = ""
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes an item."""

    pk: str
    sk: str
    condition: str = ""
    values: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConditionCheck:
    """Changes nothing: the transaction that it is a part of depends on ``condition``."""

    pk: str
    sk: str
    condition: str
    values: Values = field(default_factory=dict)


Alone = Put | Update | Delete  # what can be written by itself
Write = Alone | ConditionCheck


class Table:
    """One table. Reads are consistent."""

    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        self._client = client
        self.name = name

    def get(self, pk: str, sk: str) -> Item | None:
        answer = ask(
            self._client.get_item, TableName=self.name, Key=_key(pk, sk), ConsistentRead=True
        )
        item = answer.get("Item")
        return decoded(item) if item else None

    def get_all(self, keys: Sequence[tuple[str, str]]) -> list[Item]:
        """Those of ``keys`` that are there, in no order."""
        keys = list(dict.fromkeys(keys))  # asking twice for one would be refused
        found: list[Item] = []
        for start in range(0, len(keys), 100):  # the most that one request takes
            left: Any = [_key(pk, sk) for pk, sk in keys[start : start + 100]]
            for pause in _pauses(self.name):
                answer = ask(
                    self._client.batch_get_item,
                    RequestItems={self.name: {"Keys": left, "ConsistentRead": True}},
                )
                found += [decoded(item) for item in answer["Responses"].get(self.name, [])]
                unread: Any = answer.get("UnprocessedKeys", {})
                left = unread.get(self.name, {}).get("Keys", [])
                if not left:
                    break
                time.sleep(pause)
        return found

    def query(
        self,
        pk: str,
        *,
        newest: bool = False,
        after: str = "",
        before: str = "",
        limit: int | None = None,
    ) -> Iterator[Item]:
        """Every item of a partition by its sort key, read page by page; ``newest``: the last.

        ``after`` and ``before`` are sort keys that are not included; give one of them at most.
        """
        condition, values = "pk = :pk", {":pk": pk}
        if after or before:
            condition += " AND sk > :sk" if after else " AND sk < :sk"
            values[":sk"] = after or before
        more: dict[str, Any] = {"Limit": limit} if limit else {}
        if newest:
            limit, more = 1, {"Limit": 1, "ScanIndexForward": False}
        count = 0
        while True:
            answer = ask(
                self._client.query,
                TableName=self.name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=encoded(values),
                ConsistentRead=True,
                **more,
            )
            for item in answer["Items"]:
                yield decoded(item)
                count += 1
            done = limit is not None and count >= limit
            if done or not (last := answer.get("LastEvaluatedKey")):
                return
            more["ExclusiveStartKey"] = last

    def count(self, pk: str) -> int:
        """How many items the partition has."""
        count, more = 0, dict[str, Any]()
        while True:
            answer = ask(
                self._client.query,
                TableName=self.name,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=encoded({":pk": pk}),
                ConsistentRead=True,
                Select="COUNT",
                **more,
            )
            count += answer["Count"]
            if not (last := answer.get("LastEvaluatedKey")):
                return count
            more["ExclusiveStartKey"] = last

    def partitions(self) -> Iterator[str]:
        """Every ``pk``, each once. Reads the whole table: no function does."""
        more: dict[str, Any] = {}
        seen = ""
        while True:
            answer = ask(self._client.scan, TableName=self.name, ProjectionExpression="pk", **more)
            for item in answer["Items"]:  # those of one partition stand together
                if (pk := decoded(item)["pk"]) != seen:
                    seen = pk
                    yield pk
            if not (last := answer.get("LastEvaluatedKey")):
                return
            more["ExclusiveStartKey"] = last

    def write(self, write: Alone) -> Item:
        """One write; of an Update the item as it is now. Raises: ConditionError."""
        request = _request(write, self.name)
        if isinstance(write, Put):
            ask(self._client.put_item, **request)
            return {}
        if isinstance(write, Delete):
            ask(self._client.delete_item, **request)
            return {}
        answer = ask(self._client.update_item, **request, ReturnValues="ALL_NEW")
        return decoded(answer["Attributes"])

    def write_all(self, writes: Sequence[Write], *, patience: int = 1) -> None:
        """All of them or none; at most 100, of different items. Raises: ConditionError.

        ``patience`` is how many times as long as usual it goes on where others write as well.
        """
        items = [
            cast("TransactWriteItemTypeDef", {type(write).__name__: _request(write, self.name)})
            for write in writes
        ]
        for left in range(patience - 1, -1, -1):
            try:
                ask(self._client.transact_write_items, TransactItems=items)
            except TransientError as error:
                if (
                    not (error.reason == "conflict" or isinstance(error, RateLimitedError))
                    or not left
                ):
                    raise
            else:
                return

    def put_all(self, items: Sequence[Values]) -> None:
        """Stores them, each by itself. Raises: RateLimitedError: some are not stored."""
        self._batch([{"PutRequest": {"Item": encoded(item)}} for item in items])

    def delete_all(self, keys: Sequence[tuple[str, str]]) -> None:
        """Removes them, each by itself. Raises: RateLimitedError: some are still there."""
        self._batch([{"DeleteRequest": {"Key": _key(pk, sk)}} for pk, sk in dict.fromkeys(keys)])

    def _batch(self, requests: Sequence[Any]) -> None:
        for start in range(0, len(requests), 25):  # the most that one request takes
            left: Any = requests[start : start + 25]
            for pause in _pauses(self.name):
                answer = ask(self._client.batch_write_item, RequestItems={self.name: left})
                left = answer.get("UnprocessedItems", {}).get(self.name, [])
                if not left:
                    break
                time.sleep(pause)


def _key(pk: str, sk: str) -> dict[str, Any]:
    return encoded({"pk": pk, "sk": sk})


def _pauses(table: str) -> Iterator[float]:
    """Seconds to wait before what was left over is sent again. Raises: RateLimitedError: enough."""
    yield from (0.02, 0.05, 0.1, 0.2, 0.4)
    raise RateLimitedError(f"table {table} keeps leaving a part of each batch undone")


def _request(write: Write, table: str) -> dict[str, Any]:
    """The operation's arguments, the same alone and in a transaction."""
    request: dict[str, Any] = {"TableName": table}
    if isinstance(write, Put):
        request["Item"] = encoded(write.item)
    else:
        request["Key"] = _key(write.pk, write.sk)
    expressions = write.condition
    if isinstance(write, Update):
        request["UpdateExpression"] = write.change
        expressions += " " + write.change
    if write.condition:
        request["ConditionExpression"] = write.condition
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if names := re.findall(r"#(\w+)", expressions):
        request["ExpressionAttributeNames"] = {f"#{name}": name for name in names}
    used = set(re.findall(r":(\w+)", expressions))  # an unused value would be refused
    if values := {f":{name}": value for name, value in write.values.items() if name in used}:
        request["ExpressionAttributeValues"] = encoded(values)
    return request
