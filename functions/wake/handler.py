"""Each minute: what waits goes back to its queue when its cause is gone."""

import datetime as dt
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.counted import counted
from accord.errors import TransientError
from accord.state.dynamo import AWS_REFUSED

logger = Logger()
_MARGIN = dt.timedelta(seconds=5)  # to send back what waits for who answers last


@counted
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Nothing is answered; the log says how many were sent back.

    A table that does not answer now, or rules that do not fit, keep a cause waiting: it is looked
    at by the next run. What AWS refuses is a fault of the deployment.
    """
    left = dt.timedelta(milliseconds=context.get_remaining_time_in_millis())
    try:
        woken = bootstrap.waker().run(until=dt.datetime.now(dt.UTC) + left - _MARGIN)
    except TransientError as error:
        if error.reason == AWS_REFUSED:
            raise
        logger.warning("not now", reason=error.reason, error=str(error))
        return
    if woken.causes or woken.closed:
        logger.info("woken", sent=woken.sent, causes=woken.causes, closed=woken.closed)
