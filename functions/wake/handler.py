"""Each minute: what waits goes back to its queue when its cause is gone."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.counted import counted

logger = Logger()


@counted
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Nothing is answered; the log says how many were sent back."""
    woken = bootstrap.waker().run()
    if woken.causes or woken.closed:
        logger.info("woken", sent=woken.sent, causes=woken.causes, closed=woken.closed)
