"""How often a function asked the stores and back offices, told once for each of its runs."""

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from accord import bootstrap
from accord.errors import AccordError
from accord.http import all_sent
from accord.observability import measure

Handler = Callable[[dict[str, Any], LambdaContext], Any]


def counted(handler: Handler) -> Handler:
    """``handler``; StoreCalls and ErpCalls are told when it ends, however it ends."""

    @functools.wraps(handler)
    def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
        before = all_sent()
        try:
            return handler(event, context)
        finally:
            _tell(all_sent() - before)

    return lambda_handler


def _tell(calls: Counter[str]) -> None:
    if not calls:
        return
    try:
        config = bootstrap.config()
    except AccordError:  # what the handler said of it counts, not this
        return
    for connection, count in calls.items():
        if connection in config.stores:
            measure("StoreCalls", count, store=connection)
        elif connection in config.erps:  # not its sign-in, which no limit of its counts
            measure("ErpCalls", count, kind=connection)
