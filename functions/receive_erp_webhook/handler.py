"""A back office says something changed: check who speaks, and have the poll of it look soon.

Imports only the standard library and Powertools' Logger: its start-up is what the other side waits
for, up to five seconds.
"""

import datetime as dt
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import edge
from accord.erp.hooks import webhook_of
from accord.observability import measure
from accord.signed import headers_of, raw_body

logger = Logger()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """200 once the hints are queued, and for what says nothing to us; 401 when forged; 404 for a
    back office that is unknown or does not call.

    Nothing that it says is believed: the poll reads what is true. If the queue cannot be reached,
    an exception answers 500, and the back office sends it again.
    """
    logger.set_correlation_id(event["requestContext"].get("requestId", ""))
    erp = edge.erps().get((event.get("pathParameters") or {}).get("erp", ""))
    webhook = webhook_of(erp.adapter) if erp is not None else None
    if erp is None or webhook is None:
        return _answer(404)
    body, headers = raw_body(event), headers_of(event)
    keys = edge.webhook_keys()
    if not edge.is_genuine(keys, erp, lambda known: webhook.is_genuine(body, headers, known)):
        logger.warning("rejected", erp=erp.name, why="signature")
        measure("ErpWebhooksRejected")
        return _answer(401)
    heard = webhook.heard(body, erp.options)
    if heard is None:
        logger.warning("ignored", erp=erp.name, why="unreadable")
        measure("ErpWebhooksIgnored")
        return _answer(200)
    if heard.elsewhere or heard.unknown:
        measure("ErpWebhooksIgnored", heard.elsewhere + heard.unknown)
    for kind in heard.kinds:
        edge.hint(erp.name, kind, now=dt.datetime.now(dt.UTC))
    logger.info(
        "heard",
        erp=erp.name,
        kinds=heard.kinds,
        elsewhere=heard.elsewhere,
        unknown=heard.unknown,
    )
    return _answer(200)


def _answer(status: int) -> dict[str, Any]:
    return {"statusCode": status, "body": ""}
