"""Which AWS calls each function made, as operations and as the IAM actions they need.

Source: Service Authorization Reference, "Actions, resources, and condition keys" of Amazon
DynamoDB, SQS, S3, SNS, KMS and AWS Secrets Manager.
"""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote

_KEY = re.compile(r"Credential=([^/,]+)/\d+/[^/]+/([^/]+)/")
_NAMED = ("TableName", "QueueUrl", "QueueName", "SecretId", "TopicArn", "KeyId")
_TRANSACTED = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
_S3_WORDS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}


@dataclass(slots=True)
class Calls:
    """Counts. ``operations``: "dynamodb:TransactWriteItems" → how often it was called.

    ``actions``: (IAM action, name of the table, queue, secret, bucket or topic) → how often.
    """

    operations: Counter[str] = field(default_factory=Counter)
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)


class Recorder:
    """Keeps the calls by access key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, Calls] = {}

    def note(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Counts one signed request; an unsigned one is nobody's."""
        match = _KEY.search(headers.get("Authorization", ""))
        if match is None:
            return
        key, service = match[1], match[2]
        operation, actions = _read(service, method, path, headers.get("X-Amz-Target", ""), body)
        with self._lock:
            calls = self._calls.setdefault(key, Calls())
            calls.operations[f"{service}:{operation}"] += 1
            calls.actions.update((f"{service}:{action}", name) for action, name in actions)

    def dump(self) -> bytes:
        """Everything so far, as JSON that ``load`` reads."""
        with self._lock:
            document = {
                key: {
                    "operations": calls.operations,
                    "actions": [[*pair, count] for pair, count in calls.actions.items()],
                }
                for key, calls in self._calls.items()
            }
        return json.dumps(document).encode()

    def clear(self) -> None:
        """Starts again from none."""
        with self._lock:
            self._calls.clear()


def load(document: Mapping[str, Any]) -> dict[str, Calls]:
    """Access key → its calls, of a ``Recorder.dump``."""
    return {
        key: Calls(
            Counter(calls["operations"]),
            Counter({(action, name): count for action, name, count in calls["actions"]}),
        )
        for key, calls in document.items()
    }


def _read(
    service: str, method: str, path: str, target: str, body: bytes
) -> tuple[str, list[tuple[str, str]]]:
    """The operation, and the (action, resource) pairs that it needs."""
    if service == "s3":
        return _s3(method, path)
    if target:
        operation = target.rpartition(".")[2]
        document = _json(body)
    else:  # the query protocol, as SNS speaks it
        document = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        operation = document.get("Action", "Unknown")
    if service == "dynamodb" and operation.startswith("Transact"):
        return operation, list(_transacted(document))
    if operation in ("BatchGetItem", "BatchWriteItem"):  # once for each item, as it is charged
        asked = document.get("RequestItems", {}).items()
        lists = ((t, each["Keys"] if isinstance(each, dict) else each) for t, each in asked)
        return operation, [(operation, table) for table, items in lists for _ in items]
    name = next((str(document[key]) for key in _NAMED if key in document), "")
    # One permission covers a call and its batch.
    action = operation.removesuffix("Batch")
    return operation, [(action, _short(name))]


def _short(name: str) -> str:
    """The name itself, out of a queue's URL or an ARN; a secret's name may hold slashes."""
    if name.startswith("http"):
        return name.rpartition("/")[2]
    return name.rpartition(":")[2].removeprefix("table/")


def _transacted(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for item in document.get("TransactItems", []):
        for word, part in item.items():
            yield _TRANSACTED.get(word, word), _short(part.get("TableName", ""))


def _s3(method: str, path: str) -> tuple[str, list[tuple[str, str]]]:
    bucket, _, key = unquote(path.partition("?")[0]).lstrip("/").partition("/")
    if key:
        word = "HeadObject" if method == "HEAD" else f"{_S3_WORDS.get(method, method)}Object"
        return word, [(f"{_S3_WORDS.get(method, method)}Object", bucket)]
    words = {"GET": "ListObjectsV2", "HEAD": "HeadBucket", "PUT": "CreateBucket"}
    actions = {"PUT": "CreateBucket", "DELETE": "DeleteBucket"}
    return words.get(method, f"{method}Bucket"), [(actions.get(method, "ListBucket"), bucket)]


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
