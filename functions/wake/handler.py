"""Each minute: what waits goes back to its queue when its cause is gone."""

import datetime as dt
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.counted import counted

logger = Logger()
_MARGIN = dt.timedelta(seconds=5)  # to send back what waits for who answers last


@counted
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Nothing is answered; the log says how many were sent back."""
    left = dt.timedelta(milliseconds=context.get_remaining_time_in_millis())
    woken = bootstrap.waker().run(until=dt.datetime.now(dt.UTC) + left - _MARGIN)
    if woken.causes or woken.closed:
        logger.info("woken", sent=woken.sent, causes=woken.causes, closed=woken.closed)
