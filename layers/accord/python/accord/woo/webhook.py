"""A delivery: who sent it, is it genuine, what does it say. Standard library only.

Source: observed on WooCommerce 10.5.0; REST API v3 docs, "Webhooks".
"""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from accord.model.change import Change, Ref
from accord.signed import headers_of, is_signed, json_object, raw_body

# A topic is followed when a function handles its event. What is not here is answered 200, counted.
FOLLOWED = {
    "order.created": "order_created",
    "order.updated": "order_updated",
    "order.restored": "order_updated",
    "order.deleted": "order_updated",
    "customer.created": "customer_changed",
    "customer.updated": "customer_changed",
    "customer.deleted": "customer_changed",
    "product.created": "product_updated",
    "product.updated": "product_updated",
    "product.restored": "product_updated",
    "product.deleted": "product_updated",  # also told of coupons and pages: look before acting
}
CARRIED_BYTES = 200_000  # a larger body is queued as a bare ref and read from the store
_DEEPEST = 100  # of nested lists and objects; an order has six
_NESTS = (dict, list)
_LARGEST_ID = 2**64 - 1  # Source: WordPress, wp_posts and wp_users: BIGINT UNSIGNED
# JSON may hold them, and a message may not. Source: SQS, SendMessage, "MessageBody".
_UNSENDABLE = ("\ufffe", "\uffff")
# The body does not say what is now.
_READ_ANEW = frozenset(
    {
        "order.restored",
        "order.deleted",
        "customer.deleted",
        "product.restored",
        "product.deleted",
    }
)


@dataclass(frozen=True, slots=True)
class Edge:
    """What the receiver must know of one store."""

    name: str
    host: str  # of the store's home address, lower case
    secret: str  # name of the secret
    sources: tuple[str, ...]  # address ranges

    @classmethod
    def from_config(cls, name: str, table: Mapping[str, Any]) -> Self:
        return cls(
            name=name,
            host=host_of(table["url"]),
            secret=table["secret"],
            sources=tuple(table.get("allowed_sources", ())),
        )

    def admits(self, address: str) -> bool:
        """Whether a delivery may come from ``address``."""
        if not self.sources or "0.0.0.0/0" in self.sources:
            return True
        import ipaddress  # 3 ms, only for stores that name their ranges

        try:
            source = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(source in ipaddress.ip_network(each, strict=False) for each in self.sources)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A genuine delivery that says nothing to us. ``why`` is the metric's word for it."""

    why: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST as API Gateway hands it over (payload format 2.0). ``body`` is the raw bytes."""

    store: str
    source: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    request_id: str

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Self:
        context = event["requestContext"]
        return cls(
            store=(event.get("pathParameters") or {}).get("store", ""),
            source=context["http"].get("sourceIp", ""),
            headers=headers_of(event),
            body=raw_body(event),
            request_id=context.get("requestId", ""),
        )

    @property
    def topic(self) -> str:
        return self.headers.get("x-wc-webhook-topic", "")

    @property
    def is_ping(self) -> bool:
        """Sent unsigned when the merchant saves the webhook: a form with the webhook's number."""
        return (
            "x-wc-webhook-signature" not in self.headers
            and self.body.startswith(b"webhook_id=")
            and self.body[len(b"webhook_id=") :].isdigit()
        )

    def is_genuine(self, secrets: Iterable[str]) -> bool:
        """Whether one of ``secrets`` signed the raw body; takes equally long for any signature."""
        return is_signed(self.body, self.headers.get("x-wc-webhook-signature", ""), secrets)

    def read(self, edge: Edge, *, seen_at: dt.datetime) -> "Message | Ignored":
        """What a genuine delivery says: a message for its event's queue, or why there is none."""
        event = FOLLOWED.get(self.topic)
        if event is None:
            return Ignored("not_followed")
        found = json_object(self.body)
        if found is None:
            return Ignored("unreadable")
        text, document = found
        id_ = document.get("id")
        if id_ is None and "code" in document:  # the object was gone when the body was built
            return Ignored("error_body")
        if not isinstance(id_, int) or isinstance(id_, bool) or not 0 < id_ <= _LARGEST_ID:
            return Ignored("unreadable")
        if not self._is_of(edge, document):
            return Ignored("cloned_shop")
        if document.get("status") == "checkout-draft":  # may never be placed
            return Ignored("checkout_draft")
        bare = len(document) == 1
        change = Change(
            ref=Ref(edge.name, self.topic.partition(".")[0], str(id_)),
            event=event,
            seen_at=seen_at,
            correlation_id=self.request_id,
            modified_at=moment(document.get("date_modified_gmt")),
            placed_at=moment(document.get("date_created_gmt")),
            digest="" if bare else digest(self.body),
        )
        carried = not bare and self.topic not in _READ_ANEW and self._can_be_carried(text, document)
        body = change.to_json()
        if carried:  # in the place of the null that ends it: not parsed and written once more
            body = f"{body[: -len('null}')]}{text}}}"
        # Never the delivery id: WooCommerce repeats it for other objects in the same second.
        sending = hashlib.sha256(f"{edge.name}\n{self.topic}\n".encode() + self.body)
        if bare:
            sending.update(str(int(seen_at.timestamp())).encode())
        return Message(event=event, group=str(change.ref), body=body, sending=sending.hexdigest())

    def _can_be_carried(self, text: str, document: Mapping[str, Any]) -> bool:
        if len(self.body) > CARRIED_BYTES or any(letter in text for letter in _UNSENDABLE):
            return False
        return not _is_deeper(document, _DEEPEST)

    def _is_of(self, edge: Edge, document: Mapping[str, Any]) -> bool:
        """False for a copy of the shop, which has its secret and sends to us too."""
        try:
            home = document["_links"]["self"][0]["href"]
        except (KeyError, IndexError, TypeError):
            home = self.headers.get("x-wc-webhook-source", "")
        try:
            return not home or host_of(str(home)) == edge.host
        except ValueError:  # half an IPv6 address, say
            return False


@dataclass(frozen=True, slots=True)
class Message:
    """A change ready for its queue. ``body`` is ``Change.to_json``."""

    event: str
    group: str
    body: str
    sending: str


def host_of(url: str) -> str:
    """Host and port of ``url``, lower case, without ``www.``"""
    return urlsplit(url).netloc.lower().removeprefix("www.")


def _is_deeper(document: Mapping[str, Any], most: int) -> bool:
    """Whether lists and objects lie in one another more than ``most`` deep."""
    level: list[Any] = [document]
    for _ in range(most):
        level = [
            each
            for outer in level
            for each in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(each, _NESTS)
        ]
        if not level:
            return False
    return True


def digest(body: bytes) -> str:
    """By which equal bodies are known."""
    return hashlib.sha256(body).hexdigest()[:32]


def moment(text: object) -> dt.datetime | None:
    """A ``_gmt`` date, which carries no offset and is UTC; None for none or an unreadable one."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
    except ValueError:
        return None
