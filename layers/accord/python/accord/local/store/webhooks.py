"""Webhooks and the queue of their deliveries, with the habits of the real one.

One delivery per (webhook, object) while it is queued; the body is made when it is sent; one at a
time, in order; never sent again; 200 to 302 is success, redirects are not followed; the seventh
failure in a row disables the webhook, and activating it does not forgive the six before.
Sources: WooCommerce 10.5.0 as observed; WC_Webhook::failed_delivery.
"""

import datetime as dt
import functools
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from accord.local.store import deliveries
from accord.local.store.documents import Doc, stamp

TOPICS = frozenset(
    f"{resource}.{event}"
    for resource in ("order", "customer", "product", "coupon")
    for event in ("created", "updated", "deleted", "restored")
)
_HOOKS = {"order.created": ["woocommerce_new_order"]}  # of the others none was recorded
DELIVERY_TIMEOUT_S = 60.0
PING_TIMEOUT_S = 5.0
_KEPT = 10_000  # deliveries of which the log remembers what was answered
_FAILURES_ALLOWED = 5  # woocommerce_max_webhook_delivery_failures: above it, the webhook goes


class Sender(Protocol):
    """How a request leaves: the status that came back, None when none did."""

    def __call__(
        self, url: str, headers: dict[str, str], body: bytes, *, timeout: float, follow: bool
    ) -> int | None: ...


def send_over_http(
    url: str, headers: dict[str, str], body: bytes, *, timeout: float, follow: bool
) -> int | None:
    """See ``Sender``. Seconds; a new connection each time, as the real one makes."""
    try:
        with httpx.Client(
            timeout=timeout, trust_env=False, follow_redirects=follow, verify=_tls()
        ) as client:
            return client.post(url, headers=headers, content=body).status_code
    except (httpx.RequestError, httpx.InvalidURL):
        return None


@functools.cache
def _tls() -> ssl.SSLContext:
    """One context per process: making it costs 20 ms, ten times what a delivery does."""
    return httpx.create_ssl_context(trust_env=False)


def valid_topic(topic: str) -> bool:
    """Whether the store takes it. There is none for refunds, notes or shipments."""
    return topic in TOPICS or topic.startswith(("action.woocommerce_", "action.wc_"))


@dataclass(slots=True)
class Webhook:
    """One webhook. ``pinged`` is whether a ping was ever answered 200."""

    id: int
    name: str
    topic: str
    delivery_url: str
    secret: str = field(repr=False)
    created_at: dt.datetime
    status: str = "active"
    failures: int = 0  # in a row; six at most
    pinged: bool = False
    modified_at: dt.datetime | None = None

    def document(self, home: str, zone: dt.tzinfo) -> Doc:
        """Its JSON. The secret is never in it."""
        base = f"{home}/wp-json/wc/v3/webhooks"
        resource, _, event = self.topic.partition(".")
        doc: Doc = {
            "id": self.id,
            "name": self.name,
            "status": self.status,
            "topic": self.topic,
            "resource": resource,
            "event": event,
            "hooks": [event] if resource == "action" else _HOOKS.get(self.topic, []),
            "delivery_url": self.delivery_url,
        }
        stamp(doc, "date_created", self.created_at, zone)
        doc["date_modified"] = doc["date_modified_gmt"] = None
        if self.modified_at:
            stamp(doc, "date_modified", self.modified_at, zone)
        allow = {"allow": ["GET", "POST", "PUT", "PATCH", "DELETE"]}
        doc["_links"] = {
            "self": [{"href": f"{base}/{self.id}", "targetHints": allow}],
            "collection": [{"href": base}],
        }
        return doc


class Outbox:
    """The queue, and the one runner that works it.

    ``payload`` makes the body of (topic, object id) at the time of sending. ``lock`` guards the
    shop's state; it is never held while a delivery is under way.
    """

    def __init__(
        self,
        *,
        home: str,
        clock: Callable[[], dt.datetime],
        payload: Callable[[str, int], object],
        lock: threading.RLock,
        sender: Sender = send_over_http,
    ) -> None:
        self.webhooks: dict[int, Webhook] = {}
        self.log: list[dict[str, Any]] = []
        self.sent = 0
        self._queue: dict[tuple[int, int], None] = {}  # ordered, and each key once
        self._home = home
        self._clock = clock
        self._payload = payload
        self._lock = lock
        self._sender = sender
        self._runner = threading.Lock()

    def __len__(self) -> int:
        return len(self._queue)

    def queue(self, topic: str, id_: int) -> None:
        """Object ``id_`` had that event: one delivery for each active webhook of the topic."""
        with self._lock:
            for webhook in self.webhooks.values():
                if webhook.topic == topic and webhook.status == "active":
                    self._queue.setdefault((webhook.id, id_))

    def run(self, limit: int | None = None) -> int:
        """Sends what is queued, ``limit`` at most, and returns how many went out."""
        count = 0
        with self._runner:
            while limit is None or count < limit:
                with self._lock:
                    key = next(iter(self._queue), None)
                    if key is None:
                        break
                    # Taken out first: a change during the sending queues a new one.
                    del self._queue[key]
                    webhook = self.webhooks.get(key[0])
                    if webhook is None or webhook.status == "disabled":
                        continue
                    at = self._clock()
                    headers, body = deliveries.delivery(
                        webhook.topic,
                        self._payload(webhook.topic, key[1]),
                        webhook.secret,
                        self._home,
                        webhook_id=webhook.id,
                        at=at,
                    )
                status = self._sender(
                    webhook.delivery_url, headers, body, timeout=DELIVERY_TIMEOUT_S, follow=False
                )
                count += 1
                self.answered(webhook, key[1], status, at)
        return count

    def ping(self, webhook: Webhook) -> None:
        """Sent until one was answered with exactly 200. Unlike a delivery it follows redirects."""
        if webhook.pinged:
            return
        headers, body = deliveries.ping(webhook.id)
        status = self._sender(
            webhook.delivery_url, headers, body, timeout=PING_TIMEOUT_S, follow=True
        )
        webhook.pinged = status == 200

    def answered(self, webhook: Webhook, id_: int, status: int | None, at: dt.datetime) -> None:
        """A delivery of object ``id_`` at ``at`` was answered so; None: not at all."""
        ok = status is not None and 200 <= status <= 302
        with self._lock:
            self.sent += 1
            self.log.append(
                {
                    "webhook_id": webhook.id,
                    "topic": webhook.topic,
                    "id": id_,
                    "status": status,
                    "at": at.isoformat(),
                }
            )
            del self.log[:-_KEPT]
            if ok:
                webhook.failures = 0
            elif webhook.failures > _FAILURES_ALLOWED:
                webhook.status = "disabled"
            else:
                webhook.failures += 1
        if not ok:
            self.ping(webhook)
