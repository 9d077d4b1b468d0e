"""A store says something changed: check who speaks, name what changed, queue that.

Imports only the standard library and Powertools' Logger: its start-up is what the store waits for.
"""

import datetime as dt
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import edge
from accord.observability import measure
from accord.woo.webhook import Delivery, Ignored

logger = Logger()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """200 once queued, and for what we do not follow; 401 when forged; 404 for an unknown store.

    Anything else but 200 would count as a failure there, and seven of them switch the feed off. If
    the queue cannot be reached, an exception answers 500: the store must not think we have it.
    """
    delivery = Delivery.from_event(event)
    logger.set_correlation_id(delivery.request_id)  # by a path, it would cost a JMESPath search
    store = edge.stores().get(delivery.store)
    if store is None:
        return _answer(404)
    if not store.admits(delivery.source):
        return _rejected(403, "source", store.name)
    if delivery.is_ping:  # unsigned; sent when the merchant saves the webhook
        return _answer(200)
    if not edge.is_genuine(edge.webhook_secrets, store, delivery.is_genuine):
        return _rejected(401, "signature", store.name)
    message = delivery.read(store, seen_at=dt.datetime.now(dt.UTC))
    if isinstance(message, Ignored):
        logger.info("ignored", store=store.name, topic=delivery.topic, why=message.why)
        measure("WebhooksIgnored", store=store.name)
        return _answer(200)
    edge.queues().put_raw(
        event=message.event, group=message.group, body=message.body, sending=message.sending
    )
    logger.info("queued", ref=message.group, to=message.event)
    measure("WebhooksReceived", store=store.name)
    return _answer(200)


def _rejected(status: int, why: str, store: str) -> dict[str, Any]:
    logger.warning("rejected", store=store, why=why)
    measure("WebhooksRejected", store=store)
    return _answer(status)


def _answer(status: int) -> dict[str, Any]:
    return {"statusCode": status, "body": ""}
