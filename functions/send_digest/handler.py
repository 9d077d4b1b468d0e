"""Each morning: every desk is mailed what waits for it, and what to do about the oldest."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap

logger = Logger()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Nothing is answered. Run twice in a day, it sends once."""
    sent = bootstrap.digester().run()
    logger.info("sent", owners=list(sent))
