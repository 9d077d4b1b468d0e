"""What the receiver needs, and no more: its start-up is what the store waits for.

Standard library only; read at first use and kept for the process's life.
"""

import json
import time
from functools import cache
from pathlib import Path

from accord.aws import AwsClient
from accord.errors import RejectedError, TransientError
from accord.queues import SqsQueues
from accord.settings import settings
from accord.woo.webhook import Edge

_KEPT_S = 300.0  # a secret is asked for again after this long
_ASKED_AGAIN_S = 30.0  # and after a bad signature, but not more often: forgers must not cost us


@cache
def stores() -> dict[str, Edge]:
    """Every store of the configuration by name."""
    tables = json.loads(Path(settings().config).read_text(encoding="utf-8"))["stores"]
    return {name: Edge.from_config(name, table) for name, table in tables.items()}


@cache
def aws_client() -> AwsClient:
    """SQS and Secrets Manager, without the SDK."""
    return AwsClient(settings().region, endpoint=settings().endpoint)


@cache
def queues() -> SqsQueues:
    """The queues that the receiver sends to."""
    return SqsQueues(aws_client(), settings().queues)


def secret_name(name: str) -> str:
    """The deployed name of a secret of the configuration."""
    return f"accord/{settings().stage}/{name}"


class WebhookSecrets:
    """The secrets that a store's deliveries may be signed with, newest first.

    ``part`` of the store's secret lists them.
    """

    def __init__(self, part: str = "webhook_secrets", *, needed: bool = True) -> None:
        self._part = part
        self._needed = needed
        self._kept: dict[str, tuple[float, tuple[str, ...]]] = {}

    def of(self, edge: Edge, *, newer: bool = False) -> tuple[str, ...]:
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
    """The texts of ``part`` of a store's secret. Raises: RejectedError: it does not list them.

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


webhook_secrets = WebhookSecrets()
