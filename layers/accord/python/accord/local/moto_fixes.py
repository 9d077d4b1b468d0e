"""Corrections to moto, so that SQS and DynamoDB on one machine promise what AWS promises.

moto 5.2.5 deviates as follows; ``apply`` corrects each:

- After a visibility timeout of several messages of a group, delivery restarts at the last one.
- Receiving is not exclusive: eight receivers got 202 deliveries of 200 messages.
- The memory of deduplication ends when the message is deleted, ignores ``DeduplicationScope`` and
  answers a repeat with a new message id.
- A receipt handle that has expired still deletes.
- Telling the time costs 7 µs, four times per queued message and request.
- Each request looks through the methods of its service anew.
- Who waits for a message hears of new ones only, and looks again and again for the others.
- A DynamoDB transaction copies its whole tables, fails when another thread writes meanwhile, and
  when it is cancelled puts the copies back: writes of others in between are lost.

``speed`` makes AWS time run faster than the clock: visibility timeouts, delays and the five minutes
of deduplication are divided by it. Retention is not.

Source: Amazon SQS Developer Guide, "FIFO delivery logic", "Visibility timeout", "Using the message
deduplication ID"; SQS API Reference, DeleteMessage; DynamoDB API Reference, TransactWriteItems.
"""

import copy
import functools
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from moto.core import responses
from moto.dynamodb import models as dynamodb
from moto.dynamodb import responses as dynamodb_responses
from moto.sqs import models as sqs

_DEDUPLICATION_S = 300

_sqs_lock = threading.RLock()
_dynamodb_lock = threading.RLock()

Undo = Callable[[], None]


def apply(speed: Callable[[], float] | float = 1.0) -> Undo:
    """What takes the corrections back. They hold for the whole process.

    ``speed`` may be a callable, so that it can change while the process runs.
    """
    patches = _Patches()
    names = responses.method_names_from_class
    patches.replace(responses, "method_names_from_class", functools.cache(names))

    def current() -> float:
        return speed() if callable(speed) else speed

    _correct_time(patches, current)
    _correct_receiving(patches)
    _correct_deduplication(patches, current)
    _correct_deleting(patches)
    _correct_transactions(patches)
    return patches.undo


class _Patches:
    """Attributes that were replaced, and what they were."""

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any]] = []

    def replace(self, owner: Any, name: str, value: Any) -> Any:
        """What ``owner.name`` was."""
        old = getattr(owner, name)
        self._replaced.append((owner, name, old))
        setattr(owner, name, value)
        return old

    def exclusive(self, owner: Any, name: str, lock: AbstractContextManager[Any]) -> None:
        """Lets one thread at a time call ``owner.name``."""
        call = getattr(owner, name)

        @functools.wraps(call)
        def one_at_a_time(*args: Any, **kwargs: Any) -> Any:
            with lock:
                return call(*args, **kwargs)

        self.replace(owner, name, one_at_a_time)

    def undo(self) -> None:
        while self._replaced:
            owner, name, old = self._replaced.pop()
            setattr(owner, name, old)


# --- SQS ---------------------------------------------------------------------


def _correct_time(patches: _Patches, speed: Callable[[], float]) -> None:
    """A cheap clock; visibility and delay in fractions of AWS time."""
    slow = sqs.unix_time_millis

    def now_ms(moment: Any = None) -> float:
        return slow(moment) if moment is not None else time.time() * 1000

    def change_visibility(message: Any, visibility_timeout: float) -> None:
        message.visible_at = now_ms() + float(visibility_timeout) * 1000 / speed()

    def delay(message: Any, delay_seconds: float) -> None:
        message.delayed_until = now_ms() + float(delay_seconds) * 1000 / speed()

    patches.replace(sqs, "unix_time_millis", now_ms)
    # The queue's default and the receive's own timeout come through here as well.
    patches.replace(sqs.Message, "change_visibility", change_visibility)
    patches.replace(sqs.Message, "delay", delay)
    patches.exclusive(sqs.SQSBackend, "purge_queue", _sqs_lock)


def _correct_receiving(patches: _Patches) -> None:
    """One receiver at a time, which finds no message in flight whose time is over."""

    def receive(
        backend: Any, queue_name: str, count: int, wait_s: float, visibility: float, *args: Any
    ) -> list[Any]:
        queue = backend.get_queue(queue_name)
        end = time.monotonic() + (wait_s or 0)
        while True:
            before = _turns(queue)
            with _sqs_lock:
                # moto clears them while it reads, and by then has passed the first of a group.
                for message in [one for one in queue.pending_messages if one.visible]:
                    queue.pending_messages.discard(message)
                found: list[Any] = original(backend, queue_name, count, 0, visibility, *args)
                due_s = _due_s(queue)
            left = end - time.monotonic()
            if found or left <= 0:
                return found
            with queue._messages_lock:  # noqa: SLF001
                queue._messages_lock.wait_for(  # noqa: SLF001
                    lambda seen=before: _turns(queue) != seen, min(left, due_s)
                )

    def change(backend: Any, queue_name: str, *args: Any, **how: Any) -> None:
        with _sqs_lock:
            change_visibility(backend, queue_name, *args, **how)
            _turned(backend.get_queue(queue_name))

    original = patches.replace(sqs.SQSBackend, "receive_message", receive)
    change_visibility = patches.replace(sqs.SQSBackend, "change_message_visibility", change)


def _turns(queue: Any) -> int:
    """How often something happened to ``queue`` that may let a message be received."""
    turns: int = queue.__dict__.get("_accord_turns", 0)
    return turns


def _turned(queue: Any) -> None:
    """Wakes whoever waits for a message of ``queue``: one was added or deleted, or shown again."""
    with queue._messages_lock:  # noqa: SLF001
        queue._accord_turns = _turns(queue) + 1  # noqa: SLF001
        queue._messages_lock.notify_all()  # noqa: SLF001


def _due_s(queue: Any) -> float:
    """Seconds until time alone lets a message be received; infinite when none waits for it."""
    now_ms = time.time() * 1000
    moments = (max(each.visible_at, each.delayed_until) for each in queue._messages)  # noqa: SLF001
    return (min((each for each in moments if each >= now_ms), default=math.inf) - now_ms) / 1000


def _correct_deduplication(patches: _Patches, speed: Callable[[], float]) -> None:
    """An id is remembered for five minutes, per queue or per group, deleted or not."""

    def add(queue: Any, message: Any) -> None:
        with _sqs_lock:
            id_ = message.deduplication_id
            is_new = not message.approximate_receive_count  # else it comes to a dead-letter queue
            if queue.fifo_queue and id_ and is_new:
                by_group = queue.deduplication_scope == "messageGroup"
                first = _first(queue, (message.group_id if by_group else None, id_), message)
                if first is not message:
                    # AWS accepts the repeat and answers as it did to the first.
                    message.id, message.sequence_number = first.id, first.sequence_number
                    return
            message.deduplication_id = None  # keeps moto from looking for itself
            try:
                original(queue, message)
            finally:
                message.deduplication_id = id_
                _turned(queue)

    def _first(queue: Any, key: tuple[str | None, str], message: Any) -> Any:
        """The first message of ``key`` within the time, which is ``message`` if there was none."""
        memory: OrderedDict[Any, tuple[float, Any]] = queue.__dict__.setdefault(
            "_accord_seen", OrderedDict()
        )
        now = time.monotonic()
        oldest = now - _DEDUPLICATION_S / speed()
        while memory and next(iter(memory.values()))[0] <= oldest:
            memory.popitem(last=False)
        return memory.setdefault(key, (now, message))[1]

    original = patches.replace(sqs.Queue, "add_message", add)


def _correct_deleting(patches: _Patches) -> None:
    """Only the newest receipt handle deletes, and in a FIFO queue only while it is in flight."""

    def delete(queue: Any, receipt_handle: str) -> None:
        with _sqs_lock:
            for message in queue._messages:  # noqa: SLF001
                if message.had_receipt_handle(receipt_handle):
                    superseded = message.receipt_handle != receipt_handle
                    if superseded or (queue.fifo_queue and message.visible):
                        return  # AWS says that it succeeded; the message stays
                    break
            original(queue, receipt_handle)
            _turned(queue)

    original = patches.replace(sqs.Queue, "delete_message", delete)


# --- DynamoDB ----------------------------------------------------------------


def _correct_transactions(patches: _Patches) -> None:
    """One request at a time; a cancelled transaction puts back what it touched, nothing else."""

    def transact(backend: Any, transact_items: list[dict[str, Any]]) -> None:
        with _dynamodb_lock:
            before = [_touched(backend, item) for item in transact_items]
            dynamodb.Table.__deepcopy__ = lambda table, _memo: table
            try:
                original(backend, transact_items)
            except Exception:
                for table, hash_key, range_key, item in filter(None, before):
                    table.delete_item(hash_key, range_key)
                    if item is not None:
                        _put_back(table, item)
                raise
            finally:
                del dynamodb.Table.__deepcopy__

    original = patches.replace(dynamodb.DynamoDBBackend, "transact_write_items", transact)
    patches.exclusive(dynamodb_responses.DynamoHandler, "call_action", _dynamodb_lock)


def _touched(backend: Any, write: dict[str, Any]) -> tuple[Any, Any, Any, Any] | None:
    """The table, the two keys and a copy of the item of one write; None where it is malformed."""
    (operation,) = list(write.values())[:1] or [{}]
    table = backend.tables.get(operation.get("TableName"))
    attributes = operation.get("Key") or operation.get("Item")
    if table is None or not attributes or table.hash_key_attr not in attributes:
        return None
    hash_key, range_key = backend.get_keys_value(table, attributes)
    return table, hash_key, range_key, copy.deepcopy(table.get_item(hash_key, range_key))


def _put_back(table: Any, item: Any) -> None:
    if table.has_range_key:
        table.items[item.hash_key][item.range_key] = item
    else:
        table.items[item.hash_key] = item
