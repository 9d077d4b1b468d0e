"""Event source mappings: messages taken from a queue, given to a function, and deleted when done.

Source: AWS Lambda Developer Guide, "Using Lambda with Amazon SQS" and "Handling errors for an SQS
event source in Lambda" (ReportBatchItemFailures).
"""

import contextlib
import json
import logging
import queue
import threading
from collections.abc import Collection, Mapping
from typing import Any

from accord.errors import UnavailableError
from accord.local.runner.environment import access_key
from accord.local.runner.resources import REGION, MappingSpec, QueueSpec
from accord.local.runner.runtime import Function
from accord.local.runner.sandbox import Answer
from accord.local.runner.wire import Wire

log = logging.getLogger(__name__)

_WAIT_S = 20  # the longest poll there is; it answers as soon as there is a message


def polling_key(folder: str) -> str:
    """The access key under which a function's queue is read: on AWS the function's role does it."""
    return access_key(folder) + "_source"


class Poller:
    """One mapping. One thread receives; as many as the mapping may run at once hand over."""

    def __init__(
        self,
        mapping: MappingSpec,
        source: QueueSpec,
        function: Function,
        wire: Wire,
        *,
        dead_of: str | None,
    ) -> None:
        """``dead_of``: ARN of the queue whose dead letters ``source`` holds."""
        self._mapping = mapping
        self._source = source
        self._function = function
        self._wire = wire
        self._dead_of = dead_of
        self._key = polling_key(function.spec.folder)
        self._stop = threading.Event()
        workers = min(mapping.concurrency or function.limit, function.limit)
        self._slots = threading.BoundedSemaphore(workers)
        self._batches: queue.SimpleQueue[list[dict[str, Any]] | None] = queue.SimpleQueue()
        name = f"poll {function.spec.folder}"
        self._threads = [threading.Thread(target=self._receive, name=name, daemon=True)]
        self._threads += [
            threading.Thread(target=self._work, name=f"{name} {number}", daemon=True)
            for number in range(workers)
        ]

    def start(self) -> None:
        """Begins to receive."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Takes no more messages. What is in hand stays hidden until its visibility ends."""
        self._stop.set()
        for _ in self._threads[1:]:
            self._batches.put(None)

    def join(self, timeout_s: float = 3.0) -> None:
        """Waits for the threads."""
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout_s)

    def _receive(self) -> None:
        while not self._stop.is_set():
            if not self._slots.acquire(timeout=0.5):
                continue
            messages: list[dict[str, Any]] = []
            try:
                messages = self._ask()
            except UnavailableError as error:
                if not self._stop.wait(0.2):
                    log.warning("%s is not read: %s", self._source.name, error)
            if messages:
                self._batches.put(messages)
            else:
                self._slots.release()
        self._wire.forget()

    def _ask(self) -> list[dict[str, Any]]:
        wanted = {
            "QueueUrl": self._source.url,
            "MaxNumberOfMessages": self._mapping.batch_size,
            "WaitTimeSeconds": _WAIT_S,
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        }
        found: list[dict[str, Any]]
        found = self._wire.sqs("ReceiveMessage", wanted, key=self._key).get("Messages") or []
        return found

    def _work(self) -> None:
        while (messages := self._batches.get()) is not None and not self._stop.is_set():
            try:
                self._hand_over(messages)
            except UnavailableError as error:
                if not self._stop.is_set():
                    log.warning("%s: a batch is tried again later: %s", self._source.name, error)
            finally:
                self._slots.release()
        self._wire.forget()

    def _hand_over(self, messages: list[dict[str, Any]]) -> None:
        event = {"Records": [self._record(message) for message in messages]}
        answer = self._function.invoke(json.dumps(event).encode())
        failed = failures(
            answer, {message["MessageId"] for message in messages}, partial=self._mapping.partial
        )
        done = [
            {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
            for number, message in enumerate(messages)
            if message["MessageId"] not in failed
        ]
        if done:
            self._wire.sqs(
                "DeleteMessageBatch",
                {"QueueUrl": self._source.url, "Entries": done},
                key=self._key,
            )

    def _record(self, message: Mapping[str, Any]) -> dict[str, Any]:
        attributes = dict(message.get("Attributes", {}))
        if self._dead_of is not None:
            attributes.setdefault("DeadLetterQueueSourceArn", self._dead_of)
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": attributes,
            "messageAttributes": {
                name: _attribute(value)
                for name, value in message.get("MessageAttributes", {}).items()
            },
            "md5OfBody": message.get("MD5OfBody", ""),
            "eventSource": "aws:sqs",
            "eventSourceARN": self._source.arn,
            "awsRegion": REGION,
        }


def failures(answer: Answer, ids: Collection[str], *, partial: bool) -> set[str]:
    """Which of the messages with ``ids`` stay in the queue.

    All of them when the function failed, or when what it reports cannot be read or names a message
    that it was not given.
    """
    everything = set(ids)
    if not answer.ok:
        return everything
    if not partial:
        return set()
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
        reported = (answer.json() or {}).get("batchItemFailures") or []
        failed = {entry["itemIdentifier"] for entry in reported}
        return failed if failed <= everything else everything
    return everything


def _attribute(value: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"dataType": value.get("DataType", "String")}
    if "StringValue" in value:
        found["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        found["binaryValue"] = value["BinaryValue"]
    return found | {"stringListValues": [], "binaryListValues": []}
