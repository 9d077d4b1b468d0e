"""A world whose state lies where it lies in production: in DynamoDB and S3, as moto plays them.

What happened to its store and its back office is remembered call by call, so that another world
can be brought to the same point, whichever release it is of.
"""

import base64
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from moto import mock_aws

from accord.local import moto_fixes
from accord.local.world import World
from accord.model.change import Change
from accord.ports.limits import Board
from accord.rules.config import bears
from accord.state import dynamo
from accord.state.answers import DynamoAnswers
from accord.state.attention import DynamoAttention
from accord.state.control import DynamoControl
from accord.state.documents import S3Documents
from accord.state.journal import DynamoJournal
from accord.state.levels import DynamoLevels
from accord.state.links import DynamoLinks
from accord.state.memory_limits import MemoryBreakers
from accord.state.nonces import DynamoNonces
from accord.state.payloads import S3Payloads
from accord.state.reports import S3Reports
from accord.state.rules_store import DynamoRulesStore
from accord.state.seals import S3Seals
from accord.state.steps import DynamoSteps
from accord.state.waiting import DynamoWaiting
from accord.sync.guard import Guard
from accord.sync.meter import Meter
from accord.sync.turn import EPOCH, TRUSTED

Json = dict[str, Any]
TABLES = ("links", "steps", "waiting", "attention", "journal", "control", "levels", "config")
BUCKET, AUDIT = "accord-payloads", "accord-audit"
REGION = "eu-west-1"
_ACTS = ("place", "edit", "set_status", "refund", "add_customer", "edit_customer", "add_product")
_READS = frozenset(  # of the back office: they change nothing
    {"ping", "get", "find", "numbered", "match", "preview", "progress", "changes", "open_day"}
    | {"document", "sales_since", "sales_of", "profile", "profiles", "sales", "parties"}
    | {"item_ids", "find_items", "items", "stock", "prices", "recipes"}
)


@contextmanager
def cloud() -> Iterator[None]:
    """Empty tables and buckets."""
    undo = moto_fixes.apply()
    try:
        with mock_aws():
            client = _client("dynamodb")
            for name in TABLES:
                keys = (("pk", "HASH"), ("sk", "RANGE"))
                client.create_table(
                    TableName=name,
                    BillingMode="PAY_PER_REQUEST",
                    KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
                    AttributeDefinitions=[
                        {"AttributeName": key, "AttributeType": "S"} for key, _ in keys
                    ],
                )
            where = {"LocationConstraint": REGION}
            for bucket in (BUCKET, AUDIT):
                _client("s3").create_bucket(
                    Bucket=bucket,
                    CreateBucketConfiguration=where,
                    ObjectLockEnabledForBucket=bucket == AUDIT,
                )
            yield
    finally:
        undo()


def _client(service: str) -> Any:
    return boto3.client(
        service,
        region_name=REGION,
        aws_access_key_id="tests",
        aws_secret_access_key="tests",
        config=dynamo.config(),
    )


@dataclass
class Kept(World):
    """Used inside ``cloud``.

    ``past`` is what changed in the store and the back office, call by call; ``told`` are all
    messages that were ever queued, each with its ``sending``.
    """

    past: list[Json] = field(default_factory=list)
    told: list[Json] = field(default_factory=list)
    _is_inside: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._remember_calls()

    def forget(self) -> None:
        """See ``World.forget``: the tables are used as they are."""
        client, s3 = _client("dynamodb"), _client("s3")
        self.links = DynamoLinks(client, "links")  # type: ignore[assignment]
        self.steps = DynamoSteps(client, "steps")  # type: ignore[assignment]
        self.waiting = DynamoWaiting(client, "waiting")  # type: ignore[assignment]
        self.attention = DynamoAttention(client, "attention")  # type: ignore[assignment]
        self.journal = DynamoJournal(client, "journal")  # type: ignore[assignment]
        self.control = DynamoControl(client, "control")  # type: ignore[assignment]
        self.payloads = S3Payloads(s3, BUCKET)  # type: ignore[assignment]
        self.reports = S3Reports(s3, BUCKET)  # type: ignore[assignment]
        self.documents = S3Documents(s3, BUCKET, client, "control")  # type: ignore[assignment]
        self.seals = S3Seals(s3, AUDIT)
        self.versions = DynamoRulesStore(client, "config")
        self.nonces = DynamoNonces(client, "control")
        self.answers = DynamoAnswers(client, "levels", kept_s=10**9)
        self.guard = Guard(
            board=Board(self.control, self.clock),
            breakers=MemoryBreakers(self.clock),
            meter=Meter(self.control, self.clock, pause=self._pause, random=lambda: 0.5),
            bears=lambda name: bears(self.config, name),
            clock=self.clock,
            new_holder=lambda: f"alone-{self._runs}",
        )
        if self.trusted and self.control.get(EPOCH) is None:
            self.control.put(EPOCH, TRUSTED, version=None)

    @property
    def levels(self) -> DynamoLevels:  # type: ignore[override]
        """New for each run, as in a function."""
        return DynamoLevels(_client("dynamodb"), "levels")

    # --- what is remembered -------------------------------------------------------

    def _remember_calls(self) -> None:
        """Of both sides, and of the queue."""
        books, store, queue = self.books.call, self.store._request, self.queue.put
        note = self.store.add_note

        def call(operation: str, arguments: Json) -> Json:
            if operation not in _READS:
                self._note({"to": "books", "call": operation, "with": arguments})
            return books(operation, arguments)

        def request(method: str, path: str, json_: object) -> Any:
            if method == "GET":
                return store(method, path, json_)
            self._note({"to": "store", "call": method, "path": path, "with": json_})
            with self._inside():
                return store(method, path, json_)

        def add_note(order_id: str, text: str, *, to_customer: bool = False) -> str:
            self._note({"to": "note", "order": order_id, "text": text, "to_customer": to_customer})
            return note(order_id, text, to_customer=to_customer)

        def put(change: Change, *, sending: str) -> None:
            self.told.append({"event": change.event, "body": change.to_json(), "sending": sending})
            queue(change, sending=sending)

        self.books.call = call  # type: ignore[method-assign]
        self.store._request = request  # type: ignore[method-assign]
        self.store.add_note = add_note  # type: ignore[method-assign]
        self.queue.put = put  # type: ignore[method-assign]
        for name in _ACTS:
            setattr(self.store, name, self._remembered(name, getattr(self.store, name)))

    def _remembered(self, name: str, act: Any) -> Any:
        """``act`` of a person in the store."""

        def done(*args: Any, **kwargs: Any) -> Any:
            if not self._is_inside:  # one act may be made of others
                self._note({"to": "people", "call": name, "args": args, "with": kwargs})
            with self._inside():
                return act(*args, **kwargs)

        return done

    @contextmanager
    def _inside(self) -> Iterator[None]:
        before, self._is_inside = self._is_inside, True
        try:
            yield
        finally:
            self._is_inside = before

    def _note(self, call: Json) -> None:
        self.past.append({"at": self.clock().isoformat(), **json.loads(json.dumps(call))})

    def live_again(self, past: list[Json]) -> None:
        """Brings the store and the back office to where those calls brought them; nobody is
        told."""
        told, self.store.on_change = self.store.on_change, None
        for each in past:
            self.clock.now = dt.datetime.fromisoformat(each["at"])
            match each["to"]:
                case "books":
                    self.books.call(each["call"], each["with"])
                case "store":
                    self.store._request(each["call"], each["path"], each["with"])
                case "note":
                    self.store.add_note(
                        each["order"], each["text"], to_customer=each["to_customer"]
                    )
                case _:
                    getattr(self.store, each["call"])(*each["args"], **each["with"])
        self.store.on_change = told

    def pending(self) -> list[Json]:
        """The bodies of what is queued and not done, oldest first."""
        waiting = [each for group in self.queue._groups.values() for each in group]
        return [
            {"event": each.change.event, "body": each.change.to_json()}
            for each in sorted(waiting, key=lambda each: each.at)
        ]


# --- all that is kept, as JSON -----------------------------------------------------


def dump() -> tuple[Json, Json]:
    """Every item of every table, in DynamoDB's own JSON; every object of the buckets, as text."""
    client, s3 = _client("dynamodb"), _client("s3")
    tables = {}
    for name in TABLES:
        pages = client.get_paginator("scan").paginate(TableName=name, ConsistentRead=True)
        items = [_shown(item) for page in pages for item in page["Items"]]
        tables[name] = sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
    objects: Json = {}
    for bucket in (BUCKET, AUDIT):
        for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
            found = s3.get_object(Bucket=bucket, Key=entry["Key"])
            objects[f"{bucket}/{entry['Key']}"] = {
                "type": found["ContentType"],
                "metadata": found["Metadata"],
                "base64": base64.b64encode(found["Body"].read()).decode(),
            }
    return tables, objects


def load(tables: Json, objects: Json) -> None:
    """Puts them into empty tables and buckets."""
    client, s3 = _client("dynamodb"), _client("s3")
    for name, items in tables.items():
        for item in items:
            client.put_item(TableName=name, Item=_read(item))
    until = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    for name, found in objects.items():
        bucket, _, key = name.partition("/")
        lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until}
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=base64.b64decode(found["base64"]),
            ContentType=found["type"],
            Metadata=found["metadata"],
            **(lock if bucket == AUDIT else {}),
        )


def _shown(item: Any) -> Any:
    """With bytes as base64 text, which JSON can hold."""
    if isinstance(item, bytes):
        return base64.b64encode(item).decode()
    if isinstance(item, dict):
        return {key: _shown(value) for key, value in item.items()}
    return [_shown(each) for each in item] if isinstance(item, list) else item


def _read(item: Any) -> Any:
    if isinstance(item, dict):
        return {
            key: base64.b64decode(value) if key == "B" and isinstance(value, str) else _read(value)
            for key, value in item.items()
        }
    return [_read(each) for each in item] if isinstance(item, list) else item
