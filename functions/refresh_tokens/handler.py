"""Every five minutes: OAuth tokens that are about to expire are renewed, needed or not."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord.bootstrap import sign_in
from accord.errors import UnauthorizedError
from accord.observability import measure

logger = Logger()


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Nothing is answered. What fails is tried again by the next run, within the provider's grace.

    A consent that has lapsed is an item on the attention list, and so is a back office that turns
    good tokens down; ``TokensUnrenewed`` counts those, and the runs in which a provider gave
    nothing, by back office in the log.
    """
    for tended in sign_in.tender().run():
        if tended.error is not None:
            lapsed = isinstance(tended.error, UnauthorizedError)
            logger.warning(
                "not let in" if tended.is_shut else "lapsed" if lapsed else "not now",
                erp=tended.erp,
                reason=tended.error.reason,
                error=str(tended.error),
            )
            measure("TokensUnrenewed")
        elif tended.renewed:
            logger.info("renewed", erp=tended.erp)
