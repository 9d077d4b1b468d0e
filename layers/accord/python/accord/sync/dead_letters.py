"""A message that killed its worker is kept whole and put before a person."""

import datetime as dt
import hashlib

from accord.model.change import Change
from accord.ports.state import Attention, Item, Payloads
from accord.sync.worker import attention_item

REASON = "dead_letter"


def report(
    body: str, *, queue: str, attention: Attention, payloads: Payloads, now: dt.datetime
) -> Item:
    """The item for the message ``body`` of ``queue``; the message is in its payload."""
    digest = hashlib.sha256(body.encode()).hexdigest()[:16]
    payload = payloads.put(f"dead-letters/{digest}.json", {"queue": queue, "message": body})
    remedy = (
        f"the worker of {queue} died on it six times; look for its error in the log by the "
        "correlation id, then replay"
    )
    try:
        change = Change.from_json(body)
    except (ValueError, KeyError, TypeError, RecursionError):
        return attention.put(
            Item(
                id=digest[:12],
                subject=f"message:{digest}",
                reason=REASON,
                owner="ops",
                message=f"a message of {queue} cannot be read; it is kept in {payload}",
                opened_at=now,
                updated_at=now,
                payload=payload,
            )
        )
    message = f"{change.event} of {change.ref}: {remedy}"
    return attention.put(
        # Each message is a trouble of its own: one that was dismissed says nothing of the next.
        attention_item(change, REASON, "ops", message, now=now, payload=payload, content=digest)
    )
