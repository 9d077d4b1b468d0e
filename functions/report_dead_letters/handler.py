"""What killed a worker six times becomes an attention item, with its message kept."""

import datetime as dt
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.observability import measure
from accord.sync.dead_letters import report

logger = Logger()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Reports each record; one that cannot be reported stays, with all after it."""
    for at, record in enumerate(event["Records"]):
        try:
            item = report(
                record["body"],
                queue=record["eventSourceARN"].rpartition(":")[2],
                attention=bootstrap.attention(),
                payloads=bootstrap.payloads(),
                now=dt.datetime.now(dt.UTC),
            )
        except Exception:
            logger.exception("a dead letter could not be reported", message_id=record["messageId"])
            left = [{"itemIdentifier": each["messageId"]} for each in event["Records"][at:]]
            return {"batchItemFailures": left}
        logger.error("dead letter", subject=item.subject, item=item.id)
        measure("DeadLetters")
    return {"batchItemFailures": []}
