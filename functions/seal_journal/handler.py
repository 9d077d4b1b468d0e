"""Each night: what the journal told the day before is sealed, so that no change of it is missed."""

import datetime as dt
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.observability import measure

logger = Logger()
_MARGIN = dt.timedelta(seconds=30)  # a day that is begun is sealed whole


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Nothing is answered. Nights that were missed are made up for."""
    left = dt.timedelta(milliseconds=context.get_remaining_time_in_millis())
    sealed = bootstrap.sealer().run(until=dt.datetime.now(dt.UTC) + left - _MARGIN)
    logger.info("sealed", days=sealed.days, refs=sealed.refs)
    measure("JournalUnsealedSeconds", sealed.behind.total_seconds(), unit=MetricUnit.Seconds)
