"""What the receivers need, and no more: their start-up is what the other side waits for.

Standard library only; read at first use and kept for the process's life.
"""

import datetime as dt
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from accord.aws import AwsClient
from accord.errors import RejectedError, TransientError
from accord.queues import SqsQueues
from accord.settings import settings
from accord.woo.webhook import Edge

_KEPT_S = 300.0  # a secret is asked for again after this long
_ASKED_AGAIN_S = 30.0  # and after a bad signature, but not more often: forgers must not cost us
Check = Callable[[tuple[str, ...]], bool]

HINT_S = 30
"""Seconds that a hint lies in its queue, which delays each message by as many."""


@dataclass(frozen=True, slots=True)
class ErpEdge:
    """What the receiver must know of one back office."""

    name: str
    adapter: str
    secret: str  # name of the secret
    options: Mapping[str, Any]


@cache
def stores() -> dict[str, Edge]:
    """Every store of the configuration by name."""
    return {name: Edge.from_config(name, table) for name, table in _tables("stores").items()}


@cache
def erps() -> dict[str, ErpEdge]:
    """Every back office of the configuration by name."""
    return {
        name: ErpEdge(name, table["adapter"], table["secret"], table.get("options", {}))
        for name, table in _tables("erps").items()
    }


def _tables(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(settings().config).read_text(encoding="utf-8"))[kind]
    return found


@cache
def aws_client() -> AwsClient:
    """SQS and Secrets Manager, without the SDK."""
    return AwsClient(settings().region, endpoint=settings().endpoint)


@cache
def queues() -> SqsQueues:
    """The queues that the receiver sends to."""
    return SqsQueues(aws_client(), settings().queues)


def hint(erp: str, kind: str, *, now: dt.datetime) -> None:
    """Has the back office asked soon what changed of ``kind``, once for all hints of ``HINT_S``.

    Every hint is followed by a look: the first of its ``HINT_S`` seconds lies in the queue for as
    long, so its look begins after the last of them. The queue drops the others.

    Raises: as ``SqsQueues.put``.
    """
    queues().put_raw(
        event="poll_erp",
        group=f"{erp}:{kind}",
        body=json.dumps({"erp": erp, "kind": kind}),
        sending=f"{erp}:{kind}:{int(now.timestamp()) // HINT_S}",
    )


def secret_name(name: str) -> str:
    """The deployed name of a secret of the configuration."""
    return f"accord/{settings().stage}/{name}"


class WebhookSecrets:
    """The secrets that a store or back office may sign its deliveries with, newest first.

    ``part`` of its secret lists them.
    """

    def __init__(self, part: str = "webhook_secrets", *, needed: bool = True) -> None:
        self._part = part
        self._needed = needed
        self._kept: dict[str, tuple[float, tuple[str, ...]]] = {}

    def of(self, edge: Edge | ErpEdge, *, newer: bool = False) -> tuple[str, ...]:
        """Two are valid while one is rotated. ``newer`` asks again soon, after a bad signature."""
        now = time.monotonic()
        kept = self._kept.get(edge.name)
        if kept is not None and now - kept[0] < (_ASKED_AGAIN_S if newer else _KEPT_S):
            return kept[1]
        try:
            text = aws_client().get_secret(secret_name(edge.secret))
            found = _listed(edge.secret, text, self._part, needed=self._needed)
        except TransientError:
            if kept is None:
                raise
            # What was valid a moment ago still is: better than to turn the store's deliveries away.
            self._kept[edge.name] = (now - _KEPT_S + _ASKED_AGAIN_S, kept[1])
            return kept[1]
        self._kept[edge.name] = (now, found)
        return found


def _listed(name: str, text: str, part: str, *, needed: bool) -> tuple[str, ...]:
    """The texts of ``part`` of the secret. Raises: RejectedError: it does not list them.

    A single text is refused, not taken apart: each of its letters would be valid by itself.
    """
    try:
        secret = json.loads(text)
        found = secret[part] if needed else secret.get(part, [])
    except (ValueError, KeyError, TypeError, AttributeError):
        found = None  # the error's own message is not told: it may hold a part of the text
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise RejectedError(
            f"the secret {name} needs {part}, a list of texts; mend it in Secrets Manager"
        ) from None
    return tuple(each for each in found if each)


@cache
def checkout_secrets() -> WebhookSecrets:
    """Those that a store's checkout may sign with; a store without any does not ask."""
    return WebhookSecrets("checkout_secrets", needed=False)


@cache
def webhook_keys() -> WebhookSecrets:
    """Those that a back office signs with; one without any does not call."""
    return WebhookSecrets("webhook_keys", needed=False)


webhook_secrets = WebhookSecrets()


def is_genuine(secrets: WebhookSecrets, edge: Edge | ErpEdge, check: Check) -> bool:
    """Whether ``check`` is true of the secrets at hand, or of what they are now: they may have been
    rotated."""
    known = secrets.of(edge)
    if check(known):
        return True
    newer = secrets.of(edge, newer=True)
    return newer != known and check(newer)
