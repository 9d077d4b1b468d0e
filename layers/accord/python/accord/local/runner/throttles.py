"""Tables and queues that have too much to do, or do not answer, by a seeded plan.

Only calls of functions meet it, and only those of DynamoDB and SQS. A table that has too much to do
has so for a while, so that trying again at once is in vain, too.

Source: Amazon DynamoDB Developer Guide, "Error handling with DynamoDB"; Amazon SQS API Reference,
"Common Errors".
"""

import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Who reads the queues for a function has a key of its own, and so has the runner.
_FUNCTION = re.compile(r"Credential=LOCAL_(?!runner/)[a-z_]+(?<!_source)/")
_TABLE = re.compile(rb'"TableName"\s*:\s*"([^"]{1,255})"')
_BUSY = 0.7  # of the calls that meet a table in a stretch
_DYNAMO = "com.amazonaws.dynamodb.v20120810#"
_TOO_MUCH = (
    f"{_DYNAMO}ProvisionedThroughputExceededException",
    "com.amazon.coral.availability#ThrottlingException",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """``rate`` is the share of the calls (0 to 1) that begin a stretch or are not answered.

    A stretch lasts ``stretch_s`` at the most.
    """

    seed: int
    rate: float
    stretch_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is answered. ``after``: the call takes effect first."""

    status: int
    body: bytes
    after: bool = False


class Throttles:
    """Safe to ask from many threads. Without a plan nothing is refused."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._plan: Plan | None = None
        self._random = random.Random()
        self._until: dict[str, float] = {}
        self._count: Counter[str] = Counter()

    def set(self, plan: Plan | None) -> None:
        """From now on; what was refused so far stays counted."""
        with self._lock:
            self._plan = plan
            self._random = random.Random(plan.seed if plan is not None else 0)
            self._until.clear()

    def counts(self) -> dict[str, int]:
        """ "links: too much to do" → how often so far."""
        with self._lock:
            return dict(self._count)

    def meet(self, headers: Mapping[str, str], body: bytes) -> Refusal | None:
        """What a signed request is refused with; None when it is carried out."""
        service, port = _whom(headers, body)
        if not port:
            return None
        with self._lock:
            plan = self._plan
            if plan is None:
                return None
            now, draw = self._clock(), self._random.random()
            if now < self._until.get(port, now):
                return self._refused(service, port) if draw < _BUSY else None
            if draw >= plan.rate:
                return None
            if self._random.random() < 0.5:
                self._until[port] = now + plan.stretch_s * self._random.random()
                return self._refused(service, port)
            self._count[f"{port}: no answer"] += 1
            after = self._random.random() < 0.5
            return Refusal(500, _said("InternalServerError", "Internal server error"), after)

    def _refused(self, service: str, port: str) -> Refusal:
        self._count[f"{port}: too much to do"] += 1
        if service == "sqs":
            return Refusal(400, _said("com.amazonaws.sqs#RequestThrottled", "Too many requests"))
        return Refusal(400, _said(self._random.choice(_TOO_MUCH), "Rate exceeded"))


def _whom(headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """The service and whom it is asked of: "dynamodb" and "links", say; nothing for the others."""
    target = headers.get("X-Amz-Target", "")
    if not _FUNCTION.search(headers.get("Authorization", "")):
        return "", ""
    if target.startswith("AmazonSQS."):
        return "sqs", "queues"
    if target.startswith("DynamoDB_"):
        found = _TABLE.search(body)
        name = found[1].decode(errors="replace") if found else "tables"
        return "dynamodb", name.rpartition("-")[2]
    return "", ""


def _said(code: str, message: str) -> bytes:
    answer: dict[str, Any] = {"__type": code, "message": message}
    return json.dumps(answer).encode()
